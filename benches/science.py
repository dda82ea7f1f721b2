"""The kernels of derivatives beside numpy: `cargo xtask bench science`.

Seconds are those of one thread on a processor, the best of some rounds; the numpy program checks that both derive the same
currents.
"""

import json
import subprocess
import sys

from granules import FOLDER
from measure import EXAMPLES, HERE

PIXELS = 9860 * 69


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def science():
    folder = FOLDER / "science"
    folder.mkdir(parents=True, exist_ok=True)
    ours = run(EXAMPLES / "science_kernels", folder)
    theirs = run(sys.executable, HERE / "science_peers.py", folder)
    valid = ours["valid_pixels"]
    lstsq = theirs["fit_pixel"] * valid
    return [
        ("metric of a pass of 9860 x 69", "", {"karin": ours["metric"], "numpy": theirs["metric"]}),
        ("u_geo, v_geo by l3 of as many pixels poleward of 8 degrees, metric there", ">= 20x numpy",
         {"karin": ours["currents_l3_high_latitudes"], "numpy": theirs["currents"]}),
        ("u_geo, v_geo by l3 of such a pass, with the beta plane (not in numpy)", "",
         {"karin": ours["currents_l3"], "numpy": theirs["currents"]}),
        ("the same per pass, on 2 threads, wall", "< 0.0167 s (60 passes/s)", {"karin": ours["seconds_per_pass_two_threads"]}),
        ("u_geo, v_geo, vorticity, strain by l3", "", {"karin": ours["deformation_l3"]}),
        ("u_geo, v_geo by fit:9", ">= 500x lstsq per pixel", {"karin": ours["currents_fit9"], "numpy lstsq per pixel": lstsq}),
        ("u_geo, v_geo, vorticity, strain by fit:9", ">= 500x lstsq per pixel", {"karin": ours["deformation_fit9"], "numpy lstsq per pixel": lstsq}),
        ("u_geo, v_geo by fit:25", "", {"karin": ours["currents_fit25"]}),
        ("u_geo, v_geo by curvilinear", "", {"karin": ours["currents_curvilinear"]}),
        ("u_cyclo, v_cyclo by the gradient wind, fixed point, variational", "",
         {"karin": ours["cyclo_gradient_wind"], "fixed point": ours["cyclo_fixed_point"], "variational": ours["cyclo_variational"]}),
        ("u_geo_uncertainty, v_geo_uncertainty by l3", "", {"karin": ours["uncertainty_l3"]}),
    ]


SCIENCE = {"science": science}
