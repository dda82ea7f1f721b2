//! Every setting, its default, and what it is.

/// A setting: its key, its default, what it is. `KARIN_` and the key in capitals with `_` for `.` is its name in the
/// environment.
pub const KEYS: [(&str, &str, &str); 27] = [
    (
        "aviso.catalog",
        "https://tds-odatis.aviso.altimetry.fr/thredds/catalog/",
        "THREDDS catalogues of AVISO",
    ),
    (
        "aviso.protocol",
        "https",
        "how AVISO is asked: https (THREDDS), sftp or ftp",
    ),
    (
        "aviso.sftp",
        "sftp://ftp-access.aviso.altimetry.fr:2221/swot_products/",
        "SWOT products of AVISO over SFTP",
    ),
    (
        "aviso.ftp",
        "ftp://ftp-access.aviso.altimetry.fr/swot_products/",
        "SWOT products of AVISO over FTP",
    ),
    (
        "aviso.products",
        "https://sextant.ifremer.fr/geonetwork/srv/api/",
        "AVISO's catalogue of products",
    ),
    (
        "podaac.cmr",
        "https://cmr.earthdata.nasa.gov/search/",
        "search service of NASA (CMR)",
    ),
    (
        "podaac.archive",
        "https://archive.swot.podaac.earthdata.nasa.gov/",
        "where PO.DAAC keeps the files",
    ),
    (
        "podaac.s3",
        "false",
        "true: fetch from PO.DAAC's bucket, which serves Amazon's us-west-2 alone",
    ),
    (
        "podaac.bucket",
        "podaac-swot-ops-cumulus-protected",
        "PO.DAAC's bucket",
    ),
    (
        "podaac.login",
        "https://urs.earthdata.nasa.gov/",
        "Earthdata Login",
    ),
    (
        "cmems.config",
        "https://s3.waw3-1.cloudferro.com/mdl-metadata/clientsConfigV1.json",
        "where Copernicus Marine tells its clients where its catalogues are",
    ),
    (
        "cmems.connections",
        "15",
        "requests at a time to the store of a grid",
    ),
    (
        "cmems.login",
        "https://auth.marine.copernicus.eu/",
        "login of Copernicus Marine",
    ),
    ("s3.endpoint", "", "address of an S3 service other than AWS"),
    ("s3.region", "", "region of S3"),
    ("s3.anonymous", "false", "true: ask S3 without credentials"),
    (
        "virtual.allowed",
        "",
        "where collections may send their readers: https://HOST, s3://BUCKET, sftp://USER@HOST, file:///FOLDER, with commas",
    ),
    (
        "sftp.known_hosts",
        "",
        "keys of hosts that are trusted; empty: ~/.ssh/known_hosts",
    ),
    (
        "sftp.key",
        "",
        "private key for SFTP; empty: ssh-agent and the usual ones in ~/.ssh",
    ),
    (
        "ftp.plain",
        "false",
        "true: send accounts over FTP, which encrypts nothing",
    ),
    ("transfers.connections", "8", "requests at a time per server"),
    (
        "transfers.attempts",
        "6",
        "tries without a new byte before a file is given up",
    ),
    (
        "transfers.first_wait",
        "1",
        "seconds before the second try; they double",
    ),
    (
        "transfers.longest_wait",
        "300",
        "seconds that a wait may last, whatever the server asks",
    ),
    (
        "transfers.stall",
        "60",
        "seconds without a byte after which a connection is given up",
    ),
    (
        "cache.size",
        "2000",
        "megabytes that what was read of remote granules may take in the cache folder",
    ),
    (
        "catalog.fresh",
        "600",
        "seconds for which a catalogue is not asked for again",
    ),
];
