"""Makes the binary assets of karin's maps from their published sources. Run it when a source changes; results are committed.

    python -m pip install fonttools brotli
    npm pack world-atlas@2.0.2 && npm pack @fontsource/inter@5.3.0 && pip download --no-deps cmocean==4.0.3
    python make_assets.py FOLDER_WITH_THESE_FILES

Sources and licences: see README.md beside this file.
"""

import io
import json
import pathlib
import sys
import tarfile
import zipfile

from fontTools import subset
from fontTools.ttLib import TTFont

HERE = pathlib.Path(__file__).parent
# Ring positions are stored in steps of 1/500 degree: a quarter of a pixel of a 10-degree map 1,200 pixels wide.
STEPS_PER_DEGREE = 500
# In the order of the enumeration `ColorMap`.
COLOR_MAPS = ["algae", "amp", "balance", "curl", "deep", "delta", "dense", "diff", "gray", "haline", "ice", "matter",
              "oxy", "phase", "rain", "solar", "speed", "tarn", "tempo", "thermal", "topo", "turbid"]
# ASCII, degree, signs, superscripts, primes, dashes, arrows and the Greek letters of units.
CHARACTERS = "".join(map(chr, range(0x20, 0x7F))) + "°±·×÷µ²³¹⁻⁰⁴–—−…′″‘’“”σΔ"


def member(folder, pattern, name):
    archive, = folder.glob(pattern)
    if archive.suffix == ".whl":
        return zipfile.ZipFile(archive).read(name)
    return tarfile.open(archive).extractfile(name).read()


def varint(number):
    number = number << 1 if number >= 0 else (-number << 1) - 1
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def rings(topology):
    """Every ring of the land, as quantised positions: TopoJSON arcs joined, and undone of their delta coding."""
    scale, translate = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = []
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((x * scale[0] + translate[0], y * scale[1] + translate[1]))
        arcs.append(points)
    for geometry in topology["objects"]["land"]["geometries"]:
        polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
        for polygon in polygons:
            for ring in polygon:
                points = []
                for index in ring:
                    piece = arcs[index] if index >= 0 else arcs[~index][::-1]
                    points += piece[1:] if points else piece
                points = unrolled(points)
                steps = [(round(x * STEPS_PER_DEGREE), round(y * STEPS_PER_DEGREE)) for x, y in points]
                kept = [point for point, previous in zip(steps, [None] + steps) if point != previous]
                if len(set(kept)) >= 3:
                    yield kept


def unrolled(ring):
    """The ring with longitudes that run on past 180; the one that goes round the pole is closed along it.

    The source has no cuts along the antimeridian: its rings jump there.
    """
    points, shift, previous = [], 0, ring[0][0]
    for x, y in ring:
        shift -= 360 * round((x - previous) / 360)
        previous = x
        points.append((x + shift, y))
    if abs(points[-1][0] - points[0][0]) > 359:
        points += [(points[-1][0], -90), (points[0][0], -90)]
    middle = (min(x for x, _ in points) + max(x for x, _ in points)) / 2
    turn = 360 * round(middle / 360)
    return [(x - turn, y) for x, y in points]


def land(folder, detail):
    """Count of rings; for each its count of positions and the positions, as differences, zigzag varints all."""
    topology = json.loads(member(folder, "world-atlas-*.tgz", f"package/land-{detail}.json"))
    found = list(rings(topology))
    out = bytearray(varint(len(found)))
    for ring in found:
        out += varint(len(ring))
        x = y = 0
        for a, b in ring:
            out += varint(a - x) + varint(b - y)
            x, y = a, b
    return bytes(out)


def color_maps(folder):
    """For each map 256 colours of red, green and blue."""
    out = bytearray()
    for name in COLOR_MAPS:
        rows = member(folder, "cmocean-*.whl", f"cmocean/rgb/{name}-rgb.txt").decode().split("\n")
        colors = [[float(word) for word in row.split()] for row in rows if row.strip()]
        for index in range(256):
            # Some tables are longer: what lies at the same place of theirs.
            place = index / 255 * (len(colors) - 1)
            low, part = int(place), place - int(place)
            high = min(low + 1, len(colors) - 1)
            out += bytes(round(255 * (a + part * (b - a))) for a, b in zip(colors[low], colors[high]))
    return bytes(out)


def font(folder, weight):
    """Outlines of the characters that maps use: no hints, no layout tables."""
    name = f"package/files/inter-latin-{weight}-normal.woff2"
    base = TTFont(io.BytesIO(member(folder, "fontsource-inter-*.tgz", name)))
    options = subset.Options(hinting=False, layout_features=[], notdef_outline=True, name_IDs=[0, 13, 14], flavor=None)
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "STAT", "DSIG"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=CHARACTERS)
    subsetter.subset(base)
    base.flavor = None
    missing = [character for character in CHARACTERS if ord(character) not in base.getBestCmap()]
    print(f"Inter {weight}: without", " ".join(missing) or "nothing")
    out = io.BytesIO()
    base.save(out)
    return out.getvalue()


def main():
    folder = pathlib.Path(sys.argv[1])
    assets = {
        "land-110m.bin": land(folder, "110m"),
        "land-50m.bin": land(folder, "50m"),
        "cmocean.bin": color_maps(folder),
        "inter-regular.ttf": font(folder, 400),
        "inter-semibold.ttf": font(folder, 600),
    }
    for name, content in assets.items():
        (HERE / name).write_bytes(content)
        print(f"{name}: {len(content):,} bytes")


if __name__ == "__main__":
    main()
