"""Writes template.rs and cycle_starts.rs from public orbit files.

    python fit_orbit.py DATA_DIR

DATA_DIR/orbit holds the two SWOT ephemerides (t, lon, lat, alt; 30 s) and cycle start tables (ORF), and the footprints
of real passes; DATA_DIR/swot_l3 a whole real granule. Needs numpy, scipy and netCDF4. Prints what it achieves.
"""

import json
import subprocess
import sys
import zipfile
from datetime import datetime
from pathlib import Path

import netCDF4
import numpy as np
from scipy.optimize import minimize_scalar
from scipy.spatial import cKDTree

ORDER = 6
A, F = 6378137.0, 0.0033528106647474805
E2 = F * (2 - F)
# How far the ground track leans from north where it crosses the equator.
LEAN = np.radians(12.0)
HERE = Path(__file__).parent
PHASES = {
    "calval": dict(file="ephemeris_calval_june2015_ell.txt", revolutions=14, days=1, rotation=-25.716),
    "science": dict(file="ephemeris_science_sept2015_ell.txt", revolutions=292, days=21, rotation=-22.197),
}


def basis(revolution):
    angle = 2 * np.pi * revolution
    columns = [np.ones_like(angle)]
    for order in range(1, ORDER + 1):
        columns += [np.cos(order * angle), np.sin(order * angle)]
    return np.stack(columns, -1)


def southern_turns(t, lat):
    """Revolution period and time of the first southern turn."""
    times = []
    for i in np.flatnonzero((lat[1:-1] < lat[:-2]) & (lat[1:-1] < lat[2:])) + 1:
        roots = np.roots(np.polyder(np.polyfit(t[i - 2 : i + 3] - t[i], lat[i - 2 : i + 3], 4)))
        roots = roots[np.isreal(roots)].real
        times.append(t[i] + roots[np.argmin(abs(roots))])
    return np.polyfit(np.arange(len(times)), times, 1)


def fit(folder, phase):
    t, lon, lat, alt = np.loadtxt(folder / phase["file"]).T
    guess, first = southern_turns(t, lat)
    drift = -360 * phase["days"] / phase["revolutions"]

    def solve(period):
        revolution = (t - first) / period
        east, north = np.radians(lon + phase["rotation"] - revolution * drift), np.radians(lat)
        normal = np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], -1)
        terms, *_ = np.linalg.lstsq(basis(revolution), normal, rcond=None)
        return revolution, normal, terms, ((basis(revolution) @ terms - normal) ** 2).sum()

    bounds = (guess - 1e-3, guess + 1e-3)
    period = minimize_scalar(lambda p: solve(p)[-1], bounds=bounds, method="bounded", options={"xatol": 1e-9}).x
    revolution, normal, terms, _ = solve(period)
    heights, *_ = np.linalg.lstsq(basis(revolution), alt, rcond=None)
    miss = np.linalg.norm(basis(revolution) @ terms - normal, axis=1) * A
    height_miss = abs(basis(revolution) @ heights - alt)
    print(f"period {period:.6f} s, position rms {np.sqrt((miss**2).mean()):.3f} m, worst {miss.max():.3f} m,"
          f" altitude worst {height_miss.max():.2f} m")
    return dict(period=period, drift=drift, terms=terms, heights=heights)


def ecef(lon, lat):
    east, north = np.radians(lon), np.radians(lat)
    n = A / np.sqrt(1 - E2 * np.sin(north) ** 2)
    return np.stack([n * np.cos(north) * np.cos(east), n * np.cos(north) * np.sin(east), n * (1 - E2) * np.sin(north)], -1)


def along_across(model, pass_number, lon, lat, turn):
    """Metres along the pass (from its first turn) and across it, right positive, of points near it."""
    revolution = (pass_number - 1) / 2 + np.linspace(-0.005, 0.505, 100_001)
    x, y, z = (basis(revolution) @ model["terms"]).T
    track_lon = np.degrees(np.arctan2(y, x)) + revolution * model["drift"] + turn
    track_lat = np.degrees(np.arctan2(z, np.hypot(x, y)))
    track = ecef(track_lon, track_lat)
    points = ecef(np.asarray(lon), np.asarray(lat))
    nearest = np.clip(cKDTree(track).query(points)[1], 1, len(track) - 2)
    forward = track[nearest + 1] - track[nearest - 1]
    forward /= np.linalg.norm(forward, axis=1)[:, None]
    east, north = np.radians(track_lon[nearest]), np.radians(track_lat[nearest])
    up = np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], -1)
    offset = points - track[nearest]
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(track, axis=0), axis=1))])
    start = np.interp((pass_number - 1) / 2, revolution, length)
    along = length[nearest] - start + (offset * forward).sum(1)
    across = (offset * np.cross(forward, up)).sum(1)
    return along, A * np.arcsin(across / A)


def place(model, passes):
    """The rotation that brings the template onto real passes, and where on it their first line lies (odd, even)."""
    turn = 0.0
    for _ in range(4):
        shifts, starts, misses = [], {0: [], 1: []}, []
        for number, lon, lat in passes:
            along, across = along_across(model, number, lon, lat, turn)
            # Outlines hold the edges at 68 km, whole granules the centre.
            edge = across - 68e3 * np.sign(across) * (abs(across) > 60e3)
            near_equator = edge[abs(lat) < 10] * (1 if number % 2 else -1)
            shifts.append(np.mean(near_equator) / (np.radians(1) * A * np.cos(LEAN)))
            starts[number % 2].append(along.min())
            misses.append(abs(edge[(along > 1e5) & (along < 1.96e7)]).max())
        turn += float(np.mean(shifts))
    start = {odd: float(np.mean(values)) for odd, values in starts.items()}
    print(f"turned by {turn:+.5f} degrees, first lines at {start}, edge or centre within {max(misses):.1f} m")
    return turn, start


def footprints(text):
    for feature in json.loads(text)["features"]:
        lon, lat = np.array(feature["geometry"]["coordinates"][0]).T
        yield int(feature["properties"]["pass_number"]), lon, lat


def zipped(path):
    with zipfile.ZipFile(path) as archive:
        return archive.read(archive.namelist()[0])


def rust_template(name, phase, model, turn, start):
    rotated = model["terms"] @ np.array([[np.cos(a := np.radians(turn)), np.sin(a), 0], [-np.sin(a), np.cos(a), 0], [0, 0, 1]])
    rows = "\n".join(f"        [{', '.join(f'{value:.10f}' for value in row)}]," for row in rotated)
    heights = ", ".join(f"{value:.2f}" for value in model["heights"])
    return f"""
/// The orbit of the {name} phase, turned by {phase['rotation'] + turn:.4f} degrees from its ephemeris.
pub(super) const {name.upper()}: Template = Template {{
    period: {model['period']:.6f},
    revolutions: {phase['revolutions']},
    days: {phase['days']},
    normal: [
{rows}
    ],
    altitude: [{heights}],
    first_line: [{start[1]:.2f}, {start[0]:.2f}],
}};
"""


def rust_starts(name, table):
    epoch = datetime(2000, 1, 1)
    seconds = {int(c): (datetime.fromisoformat(s) - epoch).total_seconds() for c, s in table.items()}
    if name == "calval":
        # The table sets 474 exactly one day before 475, but its granules start a normal cycle before it
        # (474_003 at 2023-03-28T23:44:17, 474_026 at 2023-03-29T19:19:26): so the entry is a placeholder.
        del seconds[474]
    first, last = min(seconds), max(seconds)
    values = ", ".join(f"{seconds[c]:.3f}" if c in seconds else "f64::NAN" for c in range(first, last + 1))
    return f"""
/// Starts of the {name} cycles from {first} to {last}; NaN where the table has none.
pub(super) const {name.upper()}: CycleStarts = CycleStarts {{ first: {first}, seconds: &[{values}] }};
"""


def main():
    data = Path(sys.argv[1])
    orbit = data / "orbit"
    real = {
        "calval": list(footprints((orbit / "KaRIn_2kms_calval_geometries.geojson").read_text())),
        "science": list(footprints(zipped(orbit / "fcollections_KaRIn_2kms_science_geometries.geojson.zip"))),
    }
    with netCDF4.Dataset(next((data / "swot_l3").glob("SWOT_L3_LR_SSH_Expert_026_165_*.nc"))) as granule:
        lon, lat = (np.asarray(granule[name][:, 34]) for name in ("longitude", "latitude"))
        real["science"].append((165, lon, lat))
    template = "//! Written by fit_orbit.py; do not edit.\n\nuse super::track::Template;\n"
    starts = "//! Written by fit_orbit.py; do not edit.\n\nuse super::times::CycleStarts;\n"
    for name, phase in PHASES.items():
        model = fit(orbit, phase)
        turn, start = place(model, real[name])
        template += rust_template(name, phase, model, turn, start)
        starts += rust_starts(name, json.loads((orbit / f"SWOT_{name}_ORF.json").read_text()))
    for file, text in (("template.rs", template), ("cycle_starts.rs", starts)):
        (HERE / file).write_text(text)
        subprocess.run(["rustfmt", "--edition", "2024", "--config", "max_width=110", str(HERE / file)], check=True)


if __name__ == "__main__":
    main()
