//! Any bytes: opening and reading all of it ends in values or in a typed error.

#![no_main]

use std::sync::Arc;

use karin_core::{ByteSource, Dataset as _};
use karin_netcdf::{Limits, NcFile};
use libfuzzer_sys::fuzz_target;

#[derive(Debug)]
struct Bytes(Vec<u8>);

impl ByteSource for Bytes {
    fn name(&self) -> &str {
        "fuzz.nc"
    }

    fn len(&self) -> std::io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        let start = usize::try_from(offset).map_err(std::io::Error::other)?;
        let bytes = start.checked_add(buffer.len()).and_then(|end| self.0.get(start..end));
        buffer.copy_from_slice(bytes.ok_or(std::io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { array_bytes: 16 << 20, chunk_bytes: 16 << 20, ..Limits::default() };
    let Ok(file) = NcFile::with_limits(Arc::new(Bytes(bytes.to_vec())), limits) else { return };
    for path in file.root().variable_paths() {
        let _ = file.read(&path);
    }
});
