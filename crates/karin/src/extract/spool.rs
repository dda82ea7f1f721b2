//! Rows that become known one granule after the other, on disk until their number is: one unnamed temporary file per
//! variable, read back as a dataset.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use karin_core::{Dataset, DatasetError, ErrorKind, GroupMeta, Slab};

use crate::Error;

/// One variable: elements of a row, and the file they lie in.
#[derive(Debug)]
struct Column {
    file: File,
    element: usize,
    row: usize,
}

/// Variables whose first dimension grows.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    root: GroupMeta,
    columns: HashMap<String, Column>,
}

impl Spool {
    /// An empty one, whose files lie (without names) in `folder`.
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            root: GroupMeta::default(),
            columns: HashMap::new(),
        }
    }

    /// Adds a row-major block of elements, `row` of them in a row, to the end of the variable at `path`.
    pub(super) fn append(
        &mut self,
        path: &str,
        element: usize,
        row: usize,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let failed = |folder: &Path, error| Error::io(folder, "spool to", error);
        if !self.columns.contains_key(path) {
            let file = tempfile::tempfile_in(&self.folder).map_err(|error| failed(&self.folder, error))?;
            self.columns
                .insert(path.to_owned(), Column { file, element, row });
        }
        match self.columns.get_mut(path) {
            Some(column) if column.element == element && column.row == row => column
                .file
                .write_all(bytes)
                .map_err(|error| failed(&self.folder, error)),
            _ => {
                let reason = format!("rows of {row} elements do not fit those of the granules before");
                Err(DatasetError::new(ErrorKind::SchemaMismatch, "the extract", path, reason).into())
            }
        }
    }

    /// Gives it the structure that its files were written for.
    pub(super) fn set_root(&mut self, root: GroupMeta) {
        self.root = root;
    }

    /// Reads whole rows.
    pub(super) fn read_rows(&self, path: &str, first: usize, out: &mut [u8]) -> Result<(), DatasetError> {
        let column = self
            .columns
            .get(path)
            .ok_or_else(|| DatasetError::no_variable(self.label(), path))?;
        let at = (first * column.row * column.element) as u64;
        column.file.read_exact_at(out, at).map_err(|error| {
            DatasetError::new(
                ErrorKind::of_io(&error),
                self.label(),
                path,
                "its spooled rows cannot be read",
            )
            .caused_by(error)
        })
    }

    /// Bytes of a row.
    pub(super) fn row_bytes(&self, path: &str) -> usize {
        self.columns
            .get(path)
            .map_or(0, |column| column.row * column.element)
    }
}

impl Dataset for Spool {
    fn label(&self) -> &str {
        "the extract"
    }

    fn root(&self) -> &GroupMeta {
        &self.root
    }

    fn read_into(&self, path: &str, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError> {
        let missing = || DatasetError::no_variable(self.label(), path);
        let shape = self.root.shape(path).ok_or_else(missing)?;
        let element = self.columns.get(path).ok_or_else(missing)?.element;
        if !slab.fits(&shape) || out.len() != slab.len() * element {
            return Err(DatasetError::invalid(self.label(), path, "the part lies outside"));
        }
        let (Some(&first), Some(&rows)) = (slab.start.first(), slab.count.first()) else {
            return self.read_rows(path, 0, out);
        };
        if slab.count.get(1..) == shape.get(1..) {
            return self.read_rows(path, first, out);
        }
        let mut row = vec![0; self.row_bytes(path)];
        let part = out.len() / rows.max(1);
        for (number, to) in out.chunks_exact_mut(part.max(1)).enumerate() {
            self.read_rows(path, first + number, &mut row)?;
            copy_part(&row, &shape, slab, element, to);
        }
        Ok(())
    }
}

/// Copies the part of a row that a slab (whose first dimension counts rows) takes.
pub(super) fn copy_part(row: &[u8], shape: &[usize], slab: &Slab, element: usize, out: &mut [u8]) {
    let inner = |list: &[usize]| list.get(1..).unwrap_or_default().to_vec();
    let (shape, start, count) = (inner(shape), inner(&slab.start), inner(&slab.count));
    for (number, to) in out.chunks_exact_mut(element.max(1)).enumerate() {
        let mut rest = number;
        let (mut at, mut stride) = (0, 1);
        for axis in (0..shape.len()).rev() {
            at += (start[axis] + rest % count[axis]) * stride;
            rest /= count[axis];
            stride *= shape[axis];
        }
        if let Some(from) = row.get(at * element..(at + 1) * element) {
            to.copy_from_slice(from);
        }
    }
}
