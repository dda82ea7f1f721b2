//! Rows that become known one granule after the other, kept until their number is: in memory as long as they fit, then in
//! one unnamed temporary file per variable; read back as a dataset.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use karin_core::{Dataset, DatasetError, ErrorKind, GroupMeta, Slab};

use crate::Error;

/// One variable: elements of a row, and where they lie.
#[derive(Debug)]
struct Column {
    rows: Rows,
    /// Bytes.
    len: u64,
    element: usize,
    row: usize,
}

#[derive(Debug)]
enum Rows {
    Memory(Vec<u8>),
    Disk(File),
}

/// Variables whose first dimension grows.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    root: GroupMeta,
    columns: HashMap<String, Column>,
    /// Bytes that lie in memory, and may: what is small needs no disk.
    held: u64,
    limit: u64,
}

/// How far a spool was filled at some time.
#[derive(Debug)]
pub(super) struct Mark(HashMap<String, u64>);

impl Spool {
    /// An empty one that holds up to `limit` bytes in memory. Its files lie (without names) in `folder`.
    pub(super) fn new(folder: &Path, limit: u64) -> Self {
        Self {
            folder: folder.to_owned(),
            root: GroupMeta::default(),
            columns: HashMap::new(),
            held: 0,
            limit,
        }
    }

    /// True if there are rows of that variable.
    pub(super) fn holds(&self, path: &str) -> bool {
        self.columns.contains_key(path)
    }

    /// Adds a row-major block of elements, `row` of them in a row, to the end of the variable at `path`.
    pub(super) fn append(
        &mut self,
        path: &str,
        element: usize,
        row: usize,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let column = self.columns.entry(path.to_owned()).or_insert_with(|| Column {
            rows: Rows::Memory(Vec::new()),
            len: 0,
            element,
            row,
        });
        if column.element != element || column.row != row {
            let reason = format!("rows of {row} elements do not fit those of the granules before");
            return Err(DatasetError::new(ErrorKind::SchemaMismatch, "the extract", path, reason).into());
        }
        match &mut column.rows {
            Rows::Memory(held) if self.held + bytes.len() as u64 <= self.limit => {
                held.extend_from_slice(bytes);
                self.held += bytes.len() as u64;
            }
            Rows::Memory(held) => {
                // This variable moves to the disk, and its memory serves the others.
                let held = std::mem::take(held);
                self.held -= held.len() as u64;
                let mut file = tempfile::tempfile_in(&self.folder).map_err(|error| self.failed(error))?;
                file.write_all(&held)
                    .and_then(|()| file.write_all(bytes))
                    .map_err(|error| self.failed(error))?;
                if let Some(column) = self.columns.get_mut(path) {
                    column.rows = Rows::Disk(file);
                }
            }
            Rows::Disk(file) => {
                let written = file.write_all(bytes);
                written.map_err(|error| self.failed(error))?;
            }
        }
        if let Some(column) = self.columns.get_mut(path) {
            column.len += bytes.len() as u64;
        }
        Ok(())
    }

    fn failed(&self, error: std::io::Error) -> Error {
        Error::io(&self.folder, "spool to", error)
    }

    /// How far it is filled now.
    pub(super) fn mark(&self) -> Mark {
        let lengths = self.columns.iter();
        Mark(lengths.map(|(path, column)| (path.clone(), column.len)).collect())
    }

    /// Drops what was added since.
    pub(super) fn go_back(&mut self, to: &Mark) -> Result<(), Error> {
        self.columns.retain(|path, _| to.0.contains_key(path));
        for (path, column) in &mut self.columns {
            column.len = to.0.get(path).copied().unwrap_or(0);
            match &mut column.rows {
                Rows::Memory(held) => held.truncate(column.len as usize),
                Rows::Disk(file) => {
                    let cut = file
                        .set_len(column.len)
                        .and_then(|()| file.seek(std::io::SeekFrom::End(0)));
                    cut.map_err(|error| Error::io(&self.folder, "spool to", error))?;
                }
            }
        }
        let held = |column: &Column| match &column.rows {
            Rows::Memory(held) => held.len() as u64,
            Rows::Disk(_) => 0,
        };
        self.held = self.columns.values().map(held).sum();
        Ok(())
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
        let read = match &column.rows {
            Rows::Disk(file) => file.read_exact_at(out, at),
            Rows::Memory(held) => match held.get(at as usize..at as usize + out.len()) {
                Some(rows) => {
                    out.copy_from_slice(rows);
                    Ok(())
                }
                None => Err(std::io::ErrorKind::UnexpectedEof.into()),
            },
        };
        read.map_err(|error| {
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
