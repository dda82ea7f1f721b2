//! What a file that is no netCDF probably is.

use crate::fault::Fault;

/// The error for a file with that beginning.
pub(super) fn not_netcdf(start: &[u8], len: u64) -> Fault {
    let text = String::from_utf8_lossy(start).trim_start().to_lowercase();
    let found = match start {
        [] => "an empty file; download it again",
        _ if text.starts_with("<!doctype html") || text.starts_with("<html") => {
            "an HTML page, most likely of a login or an error; download it again"
        }
        _ if text.starts_with("<?xml") => {
            "an XML document, most likely the error of a server; download it again"
        }
        [b'{', ..] | [b'[', ..] => "a JSON document, most likely the error of a server; download it again",
        [0x1f, 0x8b, ..] => "a gzip archive; unpack it",
        [b'P', b'K', 3, 4, ..] => "a zip archive; unpack it",
        [0x0e, 0x03, 0x13, 0x01, ..] => "HDF4",
        [b'B', b'Z', b'h', ..] => "a bzip2 archive; unpack it",
        [b'G', b'R', b'I', b'B', ..] => "GRIB",
        _ if start.iter().all(|byte| *byte == 0) => {
            "zeros only: a download that was never filled; download it again"
        }
        _ if text.starts_with("version https://git-lfs") => "a Git LFS pointer; fetch the file itself",
        _ => {
            return Fault::NotNetcdf(format!(
                "{len} bytes that begin with {:02x?}",
                start.get(..8).unwrap_or(start)
            ));
        }
    };
    Fault::NotNetcdf(found.to_owned())
}
