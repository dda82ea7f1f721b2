"""The L3 recipe and least-squares surfaces pixel by pixel, as plainly as they can be written.

`reference.py FOLDER LINES PIXELS METHOD...` reads latitude, longitude and height and writes METHOD.u, .v, .vorticity, .strain and
.laplacian, all as little-endian doubles.
"""

import sys
from pathlib import Path

import numpy as np

R, G, OMEGA = 6371008.771415059, 9.81, 7.2921e-5
WEIGHTS = {
    4: (np.array([3, -32, 168, -672, 0, 672, -168, 32, -3]) / 840),
    3: (np.array([-1, 9, -45, 0, 45, -9, 1]) / 60),
    2: (np.array([1, -8, 0, 8, -1]) / 12),
    1: (np.array([-1, 0, 1]) / 2),
}


def haversine(lat1, lon1, lat2, lon2):
    lat1, lon1, lat2, lon2 = map(np.radians, (lat1, lon1, lat2, lon2))
    a = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    return 2 * R * np.arcsin(np.sqrt(a))


def geometry(lat, lon):
    along = haversine(lat[:-1], lon[:-1], lat[1:], lon[1:])
    along = np.vstack([along, along[-1:]])
    across = haversine(lat[:, :-1], lon[:, :-1], lat[:, 1:], lon[:, 1:])
    across = np.hstack([across, across[:, -1:]])
    heading = np.empty_like(lat)
    for i in range(lat.shape[0]):
        for j in range(lat.shape[1]):
            dx = dy = 0.0
            for a, b in ((i, i + 1), (i - 1, i)):
                if a >= 0 and b < lat.shape[0]:
                    turn = (lon[b, j] - lon[a, j] + 180) % 360 - 180
                    dx += R * np.radians(turn) * np.cos(np.radians(lat[i, j]))
                    dy += R * np.radians(lat[b, j] - lat[a, j])
            heading[i, j] = np.arctan2(dy, dx)
    return along, across, heading


def derivative(row, place):
    """Per sample, along one line of samples."""
    if np.isnan(row[place]):
        return np.nan
    for half, weights in WEIGHTS.items():
        if place >= half and place + half < len(row):
            window = row[place - half: place + half + 1]
            if not np.isnan(window).any():
                return weights @ window
    if place > 0 and not np.isnan(row[place - 1]):
        return row[place] - row[place - 1]
    if place + 1 < len(row) and not np.isnan(row[place + 1]):
        return row[place + 1] - row[place]
    return np.nan


def stencil(field, along, across):
    lines, pixels = field.shape
    by_along = np.array([[derivative(field[:, j], i) for j in range(pixels)] for i in range(lines)]) / along
    by_left = -np.array([[derivative(field[i], j) for j in range(pixels)] for i in range(lines)]) / across
    return by_along, by_left


def l3(height, lat, geometry):
    along, across, heading = geometry
    a, left = stencil(height, along, across)
    c, s = np.cos(heading), np.sin(heading)
    hx, hy = a * c + left * np.cos(heading + np.pi / 2), a * s + left * np.sin(heading + np.pi / 2)
    f = 2 * OMEGA * np.sin(np.radians(lat))
    u, v = -G / f * hy, G / f * hx

    def tensor(first, second):
        xa, xl = stencil(first * c + second * s, along, across)
        ya, yl = stencil(second * c - first * s, along, across)
        return ya - xl, np.hypot(xa - yl, ya + xl), xa + yl

    vorticity, strain, _ = tensor(u, v)
    return u, v, vorticity, strain, tensor(hx, hy)[2]


def fit(height, lat, geometry, size, shape, weights):
    along, across, heading = geometry
    lines, pixels = height.shape
    half = size // 2
    di, dj = np.mgrid[-half:half + 1, -half:half + 1]
    inside = np.ones(di.shape, bool) if shape == "square" else di**2 + dj**2 <= (size / 2) ** 2
    full = np.where(inside, np.exp(-(di**2 + dj**2) / 2 / (size / 4) ** 2) if weights == "gaussian" else 1.0, 0.0)
    out = np.full((5, lines, pixels), np.nan)
    padded = np.pad(height, half, constant_values=np.nan)
    for i in range(lines):
        for j in range(pixels):
            if np.isnan(height[i, j]):
                continue
            window = padded[i: i + size, j: j + size]
            use = inside & ~np.isnan(window)
            if full[use].sum() < 0.5 * full.sum() - 1e-9:
                continue
            x, y = di[use] * along[i, j], -dj[use] * across[i, j]
            scale = half * 2000.0
            x, y = x / scale, y / scale
            design = np.stack([np.ones_like(x), x, y, x * x / 2, x * y, y * y / 2], axis=1)
            root = np.sqrt(full[use])
            solved, _, rank, _ = np.linalg.lstsq(design * root[:, None], window[use] * root, rcond=1e-6)
            if rank < 6:
                continue
            ha, hl, haa, hal, hll = solved[1:] / np.array([scale, scale, scale**2, scale**2, scale**2])
            t = heading[i, j]
            turn = np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
            hx, hy = turn @ [ha, hl]
            (hxx, hxy), (_, hyy) = turn @ np.array([[haa, hal], [hal, hll]]) @ turn.T
            f = 2 * OMEGA * np.sin(np.radians(lat[i, j]))
            beta = 2 * OMEGA * np.cos(np.radians(lat[i, j])) / R
            ux, uy = -G / f * hxy, -G / f * hyy + G * beta / f**2 * hy
            vx, vy = G / f * hxx, G / f * hxy - G * beta / f**2 * hx
            out[:, i, j] = -G / f * hy, G / f * hx, vx - uy, np.hypot(ux - vy, vx + uy), hxx + hyy
    return out


def main(folder, lines, pixels, *methods):
    folder, shape = Path(folder), (int(lines), int(pixels))
    lat, lon, height = (np.fromfile(folder / f"{name}.f64").reshape(shape) for name in ("latitude", "longitude", "height"))
    where = geometry(lat, lon)
    for method in methods:
        if method == "l3":
            results = l3(height, lat, where)
        else:
            words = method.split(":")
            outline = "square" if "square" in words else "disc"
            results = fit(height, lat, where, int(words[1]), outline, "gaussian" if "gaussian" in words else "flat")
        for name, values in zip(("u", "v", "vorticity", "strain", "laplacian"), results):
            np.asarray(values, "<f8").tofile(folder / f"{method}.{name}.f64")


main(*sys.argv[1:])
