"""What others do to get data, each against the servers of the benchmark. Only addresses are changed in them: hosts that their sources
name outright, and the check of an account that nothing on loopback can make. Prints the seconds that it took, after imports, and its
peak memory."""

import json
import os
import resource
import sys
import time
from pathlib import Path


def subset(out, dataset, username="karl", **selected):
    """Copernicus Marine's own toolbox: a part of a grid as netCDF. COPERNICUSMARINE_CONFIG_URL says where."""
    import copernicusmarine
    from copernicusmarine.core_functions import credentials_utils, sessions

    credentials_utils._validate_and_get_user = lambda *_: username
    # It drops the port of an address of data.
    server, reach = os.environ["COPERNICUSMARINE_CONFIG_URL"].rsplit("/", 1)[0], sessions.ConfiguredBoto3Session.__init__
    sessions.ConfiguredBoto3Session.__init__ = lambda self, endpoint_url, *rest, **named: reach(self, server, *rest, **named)
    out = Path(out)
    out.unlink(missing_ok=True)
    start = time.perf_counter()
    copernicusmarine.subset(dataset_id=dataset, output_filename=out.name, output_directory=out.parent, username=username, password="x",
                            disable_progress_bar=True, **selected)
    return time.perf_counter() - start


def aviso(url, out, product, **selected):
    """AVISO's own downloader, over its catalogue of products and THREDDS."""
    import warnings

    warnings.simplefilter("ignore")
    import altimetry_downloader_aviso as downloader
    from altimetry_downloader_aviso import core, tds_client
    from altimetry_downloader_aviso.catalog_client import _granules_utils, client

    client.AVISO_CATALOG_URL = f"{url}/geonetwork/srv/api/"
    for module in (tds_client, _granules_utils):
        module.TDS_CATALOG_BASE_URL = f"{url}/thredds/catalog/"
    core.ensure_credentials = lambda host: os.environ.setdefault("NETRC", os.devnull)
    Path(out).mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    files = downloader.get(product, output_dir=out, show_progress=False, **selected)
    seconds = time.perf_counter() - start
    print(f"{len(files)} files", file=sys.stderr)
    return seconds



def earthdata(cmr, out, short_name, names):
    """earthaccess, with a token from the environment. It has no filter for cycles and passes: names with wildcards stand for them."""
    import dataclasses

    import earthaccess
    from earthaccess import auth, results, search, store, system

    here = dataclasses.replace(system.PROD, cmr_base_url=cmr)
    for module in (auth, earthaccess, results, search, store, system):
        if hasattr(module, "PROD"):
            module.PROD = here
    # It shows the token to Earthdata Login's page of profiles, which is on the net.
    def session(self, *_, **__):
        self._http_session, self._requests_cookies = self.auth.get_session(), {}

    store.Store.set_requests_session = session
    start = time.perf_counter()
    earthaccess.login(strategy="environment", system=here)
    granules = earthaccess.search_data(short_name=short_name, granule_name=names)
    files = earthaccess.download(granules, str(out), show_progress=False)
    seconds = time.perf_counter() - start
    print(f"{len(files)} files", file=sys.stderr)
    return seconds


if __name__ == "__main__":
    seconds = globals()[sys.argv[1]](**json.loads(sys.argv[2]))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    print(seconds, flush=True)
    os._exit(0)
