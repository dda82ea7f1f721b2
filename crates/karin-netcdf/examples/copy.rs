//! Copies a netCDF file through the reader and the writer: `copy IN OUT [JOBS]`. The oracle tests compare the two.

#![forbid(unsafe_code)]

use std::path::Path;

use karin_core::{NoProgress, Resources};
use karin_netcdf::{NcFile, WriteOptions, write_dataset};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output, jobs @ ..] = arguments.as_slice() else {
        return Err("usage: copy IN OUT [JOBS]".into());
    };
    let mut resources = Resources::default();
    if let Some(jobs) = jobs.first() {
        resources.jobs = jobs.parse()?;
    }
    let file = NcFile::open(input)?;
    write_dataset(
        Path::new(output),
        &file,
        &WriteOptions::default().with_resources(resources),
        &NoProgress,
    )?;
    Ok(())
}
