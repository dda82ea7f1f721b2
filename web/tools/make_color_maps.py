"""Makes src/color/maps.json: 256 colours of each map, from the packages that publish them. Run it when one changes; the result is committed.

    python -m pip install numpy matplotlib==3.11.2 cmcrameri==1.10
    python tools/make_color_maps.py

cmocean's maps come from the table that karin's own pictures use (crates/karin/assets/cmocean.bin). Licences: see src/color/README.md.
"""

import base64
import json
import pathlib

import cmcrameri
import matplotlib
import numpy as np

HERE = pathlib.Path(__file__).parent.parent
CMOCEAN = ["algae", "amp", "balance", "curl", "deep", "delta", "dense", "diff", "gray", "haline", "ice", "matter",
           "oxy", "phase", "rain", "solar", "speed", "tarn", "tempo", "thermal", "topo", "turbid"]
CRAMERI = ["vik", "roma", "berlin", "broc", "cork", "batlow", "lapaz", "oslo", "devon", "hawaii", "tokyo", "romaO"]
MATPLOTLIB = ["viridis", "plasma", "inferno", "magma", "cividis", "twilight"]
DIVERGING = {"balance", "curl", "delta", "diff", "tarn", "topo", "vik", "roma", "berlin", "broc", "cork"}
CYCLIC = {"phase", "romaO", "twilight"}


def entry(name, family, colors):
    kind = "diverging" if name in DIVERGING else "cyclic" if name in CYCLIC else "sequential"
    return {"name": name, "family": family, "kind": kind, "rgb": base64.b64encode(colors.tobytes()).decode()}


def sampled(color_map):
    return np.round(255 * color_map(np.linspace(0, 1, 256))[:, :3]).astype(np.uint8)


def main():
    cmocean = np.fromfile(HERE.parent / "crates/karin/assets/cmocean.bin", np.uint8).reshape(-1, 256, 3)
    maps = [entry(name, "cmocean", table) for name, table in zip(CMOCEAN, cmocean, strict=True)]
    maps += [entry(name, "Crameri", sampled(cmcrameri.cm.cmaps[name])) for name in CRAMERI]
    maps += [entry(name, "matplotlib", sampled(matplotlib.colormaps[name])) for name in MATPLOTLIB]
    out = HERE / "src/color/maps.json"
    out.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in maps) + "\n]\n")
    print(f"{out}: {len(maps)} maps, {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
