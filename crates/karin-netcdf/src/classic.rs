//! netCDF-3: classic (CDF-1), 64-bit offset (CDF-2) and 64-bit data (CDF-5).

mod header;
mod sniff;

use karin_core::{ByteSource, GroupMeta};

use crate::Limits;
use crate::fault::Fault;
use crate::layout::Variable;

/// What opening a netCDF-3 file finds.
pub(crate) struct Contents {
    pub(crate) version: u8,
    pub(crate) root: GroupMeta,
    pub(crate) variables: Vec<(String, Variable)>,
}

/// Reads the header of a netCDF-3 file; says what else it is, if it is none.
pub(crate) fn open(source: &dyn ByteSource, len: u64, limits: &Limits) -> Result<Contents, Fault> {
    let start = header::start(source, len, 512)?;
    match start.as_slice() {
        [b'C', b'D', b'F', version @ (1 | 2 | 5), ..] => header::read(source, len, *version, limits),
        [b'C', b'D', b'F', version, ..] => Err(Fault::unsupported(format!("netCDF-3 of version {version}"))),
        _ => Err(sniff::not_netcdf(&start, len)),
    }
}
