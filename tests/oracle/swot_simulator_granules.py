"""Runs swot_simulator 1.2.1 for two hours of its cal/val orbit: three granules in the folder named by the first argument."""

import sys

import numpy as np

# The simulator was written for a numpy that had these names.
for name, kind in {"bool": bool, "float": float, "int": int, "object": object}.items():
    if not hasattr(np, name):
        setattr(np, name, kind)

import dask.distributed
import swot_simulator
import swot_simulator.launcher
import swot_simulator.settings


def main(folder):
    settings = swot_simulator.settings.Parameters.load_default()
    settings.ephemeris = str(swot_simulator.DATA.joinpath("ephemeris_calval_june2015_ell.txt"))
    settings.working_directory = folder
    settings.noise = ["Karin"]
    cluster = dask.distributed.LocalCluster(n_workers=1, processes=False, dashboard_address=None)
    with cluster, dask.distributed.Client(cluster) as client:
        first, last = np.datetime64("2023-04-01"), np.datetime64("2023-04-01T02:00:00")
        swot_simulator.launcher.launch(client, settings, None, first, last)


if __name__ == "__main__":
    main(sys.argv[1])
