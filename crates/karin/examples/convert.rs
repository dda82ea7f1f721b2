//! Writes a netCDF file in the format of another name: `convert IN OUT`. The oracle tests read both.

#![forbid(unsafe_code)]

use std::path::Path;

use karin::output::{WriteOptions, write};
use karin_core::NoProgress;
use karin_netcdf::NcFile;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output] = arguments.as_slice() else {
        return Err("usage: convert IN OUT".into());
    };
    write(
        Path::new(output),
        &NcFile::open(input)?,
        &WriteOptions::default(),
        &NoProgress,
    )?;
    Ok(())
}
