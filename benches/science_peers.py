"""What swath users run for derivatives: the L3 recipe vectorised in numpy, and a least-squares fit per pixel.

`science_peers.py FOLDER` reads what the program `science_kernels` wrote there, prints the processor seconds of each as JSON, and fails if
the currents of numpy and karin differ.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np
import scipy.linalg

SHAPE = (9860, 69)
R, G, OMEGA = 6371008.771415059, 9.81, 7.2921e-5
LEVELS = {4: ((672, -168, 32, -3), 840), 3: ((45, -9, 1), 60), 2: ((8, -1), 12), 1: ((1,), 2)}
FIT_PIXELS = 2000


def best(work, rounds=3):
    seconds = []
    for _ in range(rounds):
        start = time.process_time()
        result = work()
        seconds.append(time.process_time() - start)
    return min(seconds), result


def haversine(lat1, lon1, lat2, lon2):
    turn = (lon2 - lon1 + 180) % 360 - 180
    a = np.sin(np.radians(lat2 - lat1) / 2) ** 2
    a += np.cos(np.radians(lat1)) * np.cos(np.radians(lat2)) * np.sin(np.radians(turn) / 2) ** 2
    return 2 * R * np.arcsin(np.sqrt(a))


def metric(lat, lon):
    along = haversine(lat[:-1], lon[:-1], lat[1:], lon[1:])
    across = haversine(lat[:, :-1], lon[:, :-1], lat[:, 1:], lon[:, 1:])
    along = np.concatenate([along, along[-1:]])
    across = np.concatenate([across, across[:, -1:]], axis=1)
    turn = (np.diff(lon, axis=0) + 180) % 360 - 180
    north = R * np.radians(np.diff(lat, axis=0))
    dx, dy = np.zeros_like(lat), np.zeros_like(lat)
    cosine = np.cos(np.radians(lat))
    dx[:-1] += R * np.radians(turn) * cosine[:-1]
    dx[1:] += R * np.radians(turn) * cosine[1:]
    dy[:-1] += north
    dy[1:] += north
    heading = np.arctan2(dy, dx)
    return along, across, np.cos(heading), np.sin(heading), 2 * OMEGA * np.sin(np.radians(lat))


def difference(field, axis):
    field = np.moveaxis(field, axis, 0)
    padded = np.pad(field, ((4, 4), (0, 0)), constant_values=np.nan)
    count = field.shape[0]

    def at(offset):
        return padded[4 + offset: 4 + offset + count]

    backward, forward = field - at(-1), at(1) - field
    out = np.where(np.isnan(backward), forward, backward)
    for half in (1, 2, 3, 4):
        weights, divisor = LEVELS[half]
        centred = sum(weight * (at(step) - at(-step)) for step, weight in enumerate(weights, 1)) / divisor
        out = np.where(np.isnan(centred), out, centred)
    out[np.isnan(field)] = np.nan
    return np.moveaxis(out, 0, axis)


def currents(height, along, across, cosine, sine, coriolis):
    by_along, by_left = difference(height, 0) / along, -difference(height, 1) / across
    east, north = by_along * cosine - by_left * sine, by_along * sine + by_left * cosine
    return -G / coriolis * north, G / coriolis * east


def fit_per_pixel(height):
    """SwotDiag's way: scipy.linalg.lstsq of a quadratic over a disc of 9 pixels, pixel by pixel; seconds of one."""
    y, x = np.mgrid[-4:5, -4:5]
    disc = x**2 + y**2 <= 4.5**2
    lines, pixels = np.nonzero(~np.isnan(height[4:-4, 4:-4]))
    chosen = np.linspace(0, len(lines) - 1, FIT_PIXELS).astype(int)

    def work():
        for line, pixel in zip(lines[chosen], pixels[chosen]):
            window = height[line: line + 9, pixel: pixel + 9]
            use = disc & ~np.isnan(window)
            a, b = x[use], y[use]
            scipy.linalg.lstsq(np.stack([a * a, a * b, a, b * b, b, np.ones(a.size)], axis=1), window[use])

    return best(work)[0] / FIT_PIXELS


def main(folder):
    read = {name: np.fromfile(Path(folder) / f"{name}.f64").reshape(SHAPE) for name in ("latitude", "longitude", "height", "u", "v")}
    metric_seconds, geometry = best(lambda: metric(read["latitude"], read["longitude"]))
    seconds, (u, v) = best(lambda: currents(read["height"], *geometry))
    away = np.abs(read["latitude"]) >= 8
    for ours, theirs in ((read["u"], u), (read["v"], v)):
        assert (np.isnan(ours) == np.isnan(theirs))[away].all()
        # A hundredth of the packing step of L3 currents: karin keeps what the geometry does to them in 24 bits.
        assert np.nanmax(np.abs(ours - theirs)[away]) < 1e-6
    print(json.dumps({"metric": metric_seconds, "currents": seconds, "fit_pixel": fit_per_pixel(read["height"])}))


main(sys.argv[1])
