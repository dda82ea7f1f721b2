//! Downloads that broke off and disks that fail: the error says which, with bytes expected and present.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use karin_core::{
    ByteSource, DType, Dataset as _, Dimension, ErrorKind, GroupMeta, Slab, Storage, VariableMeta,
};
use karin_netcdf::{FileSource, NcError, NcFile, NcWriter, WriteOptions};

/// A source that ends early, or fails after some reads.
#[derive(Debug)]
struct Damaged {
    bytes: Vec<u8>,
    reads_left: AtomicUsize,
}

impl ByteSource for Damaged {
    fn name(&self) -> &str {
        "damaged.nc"
    }

    fn len(&self) -> std::io::Result<u64> {
        Ok(self.bytes.len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        let start = usize::try_from(offset).map_err(std::io::Error::other)?;
        let end = start.saturating_add(buffer.len());
        let left = self
            .reads_left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_err() {
            return Err(std::io::Error::other("the disk has died"));
        }
        buffer.copy_from_slice(
            self.bytes
                .get(start..end)
                .ok_or(std::io::ErrorKind::UnexpectedEof)?,
        );
        Ok(())
    }
}

/// A small granule of several compressed chunks.
fn granule(path: &Path) -> Vec<u8> {
    let dimension = |name: &str, size| Dimension {
        name: name.into(),
        size,
        unlimited: false,
    };
    let storage = Storage {
        chunks: Some(vec![50, 69]),
        shuffle: true,
        deflate: Some(4),
        ..Storage::default()
    };
    let root = GroupMeta {
        dimensions: vec![dimension("num_lines", 200), dimension("num_pixels", 69)],
        variables: vec![VariableMeta {
            name: "ssha_karin_2".into(),
            dtype: DType::Int32,
            dimensions: vec!["num_lines".into(), "num_pixels".into()],
            attributes: [("units", "m")].into_iter().collect(),
            storage,
        }],
        ..GroupMeta::default()
    };
    let mut writer = NcWriter::create(path, &root, &WriteOptions::default()).unwrap();
    let values: Vec<u8> = (0..200 * 69)
        .flat_map(|value: i32| (value * 7 % 1000).to_ne_bytes())
        .collect();
    writer
        .write_slab("ssha_karin_2", &Slab::all(&[200, 69]), &values)
        .unwrap();
    writer.finish().unwrap();
    std::fs::read(path).unwrap()
}

#[test]
fn every_truncation_is_named_with_bytes_expected_and_present() {
    let folder = tempfile::tempdir().unwrap();
    let whole = granule(&folder.path().join("granule.nc"));
    assert!(whole.len() > 2000);
    for len in (48..whole.len()).step_by(61).chain([whole.len() - 1]) {
        let source = Damaged {
            bytes: whole[..len].to_vec(),
            reads_left: usize::MAX.into(),
        };
        match NcFile::from_source(Arc::new(source)) {
            Err(NcError::Truncated {
                expected, present, ..
            }) => {
                assert_eq!((expected, present), (whole.len() as u64, len as u64));
            }
            other => panic!("{len} bytes: {other:?}"),
        }
    }
    for len in 0..48 {
        let source = Damaged {
            bytes: whole[..len].to_vec(),
            reads_left: usize::MAX.into(),
        };
        assert!(NcFile::from_source(Arc::new(source)).is_err(), "{len} bytes");
    }
}

#[test]
fn a_failing_disk_is_an_io_error_and_no_corruption() {
    let folder = tempfile::tempdir().unwrap();
    let whole = granule(&folder.path().join("granule.nc"));
    let (mut at_opening, mut at_reading) = (0, 0);
    for reads in 0..100 {
        let source = Damaged {
            bytes: whole.clone(),
            reads_left: reads.into(),
        };
        let kind = match NcFile::from_source(Arc::new(source)) {
            Err(error) => {
                at_opening += 1;
                error.kind()
            }
            Ok(file) => match file.read("ssha_karin_2") {
                Err(error) => {
                    at_reading += 1;
                    error.kind
                }
                Ok(_) => break,
            },
        };
        assert_eq!(kind, ErrorKind::Io, "fails after {reads} reads");
    }
    assert!(at_opening > 1 && at_reading > 3, "{at_opening} {at_reading}");
}

#[test]
fn what_cannot_be_opened_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let missing = NcFile::open(folder.path().join("none.nc")).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(missing.to_string().contains("none.nc"));
    assert!(FileSource::open(folder.path()).is_err(), "a folder");
}

#[test]
fn a_grown_file_still_reads() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("granule.nc");
    let mut bytes = granule(&path);
    let whole = NcFile::open(&path).unwrap().read("ssha_karin_2").unwrap();
    bytes.extend([0; 1000]);
    let grown = NcFile::from_source(Arc::new(Damaged {
        bytes,
        reads_left: usize::MAX.into(),
    }))
    .unwrap();
    assert_eq!(grown.read("ssha_karin_2").unwrap(), whole);
}
