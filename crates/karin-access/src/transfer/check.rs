//! Whether the bytes that came are the right ones.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use md5::Md5;
use sha2::{Digest, Sha256, Sha512};

use super::Inspect;
use crate::catalog::hex;
use crate::granule::Algorithm;
use crate::{AccessError, Download};

/// Checks size, checksum and structure of the file at `path`.
pub(super) fn check(granule: &Download, path: &Path, inspect: &dyn Inspect) -> Result<(), AccessError> {
    let read = |source| AccessError::file(path, "reading back", source);
    let size = std::fs::metadata(path).map_err(read)?.len();
    let mismatch = |what, expected: String, found: String| AccessError::Mismatch {
        file: granule.file_name.clone(),
        what,
        expected,
        found,
    };
    if let Some(expected) = granule.size.exact()
        && expected != size
    {
        return Err(mismatch("size", expected.to_string(), size.to_string()));
    }
    if let Some(checksum) = &granule.checksum {
        let found = checksum_of(path, checksum.algorithm).map_err(read)?;
        if found != checksum.value {
            return Err(mismatch(checksum.algorithm.name(), checksum.value.clone(), found));
        }
    }
    inspect
        .inspect(path, &granule.file_name)
        .map_err(|reason| AccessError::Damaged {
            file: granule.file_name.clone(),
            reason,
        })
}

/// The checksum of a file, in lower-case hexadecimal digits.
pub(super) fn checksum_of(path: &Path, algorithm: Algorithm) -> std::io::Result<String> {
    match algorithm {
        Algorithm::Md5 => digest::<Md5>(path),
        Algorithm::Sha256 => digest::<Sha256>(path),
        Algorithm::Sha512 => digest::<Sha512>(path),
    }
}

fn digest<D: Digest>(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hasher = D::new();
    let mut block = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut block)?;
        if read == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(block.get(..read).unwrap_or(&[]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standards() {
        // RFC 1321 and FIPS 180-2: the digests of "abc".
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        let of = |algorithm| checksum_of(&path, algorithm).unwrap();
        assert_eq!(of(Algorithm::Md5), "900150983cd24fb0d6963f7d28e17f72");
        assert!(of(Algorithm::Sha256).starts_with("ba7816bf8f01cfea414140de5dae2223"));
        assert!(of(Algorithm::Sha512).starts_with("ddaf35a193617abacc417349ae204131"));
    }
}
