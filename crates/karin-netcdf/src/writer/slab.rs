//! Parts of variables: checked against the plan of the file, and compressed on the caller's thread.

use std::path::PathBuf;
use std::sync::Arc;

use karin_core::{DType, Slab};

use super::chunk::{self, EncodedChunk, Part};
use super::data::{chunk_starts, wide};
use super::error::WriteError;
use super::plan::{DatasetPlan, FilePlan};

/// Compresses parts of the variables of a file under construction. Any number of threads may do so at the same time,
/// while one at a time writes what they made.
#[derive(Clone, Debug)]
pub struct SlabEncoder {
    pub(super) plan: Arc<FilePlan>,
    pub(super) path: PathBuf,
}

/// A part of a variable as it goes to the file.
#[derive(Debug)]
pub struct EncodedSlab {
    pub(super) number: usize,
    pub(super) chunks: Vec<EncodedChunk>,
}

impl SlabEncoder {
    /// Compresses a part of the variable at `path`; `None` if the variable lies in one piece, uncompressed: such parts
    /// are written as they are, by [`NcWriter::write_slab`](super::NcWriter::write_slab).
    ///
    /// # Errors
    /// As [`NcWriter::write_slab`](super::NcWriter::write_slab), the disk apart.
    pub fn encode(&self, path: &str, slab: &Slab, values: &[u8]) -> Result<Option<EncodedSlab>, WriteError> {
        let Some((number, dataset)) = self.numbers(path, slab, values)? else {
            return Ok(None);
        };
        let Some(chunks) = &dataset.chunks else {
            return Ok(None);
        };
        let (first, count) = (wide(&slab.start), wide(&slab.count));
        let part = Part {
            start: &first,
            count: &count,
            bytes: values,
        };
        let starts = if values.is_empty() {
            Vec::new()
        } else {
            chunk_starts(chunks, &first, &count)
        };
        let encode = |start| chunk::encode(dataset, chunks, start, part);
        Ok(Some(EncodedSlab {
            number,
            chunks: starts.into_iter().map(encode).collect(),
        }))
    }

    /// The variable that takes these numbers.
    pub(super) fn numbers(
        &self,
        path: &str,
        slab: &Slab,
        values: &[u8],
    ) -> Result<Option<(usize, &DatasetPlan)>, WriteError> {
        let number = self.find(path)?;
        let Some(dataset) = self.plan.datasets.get(number) else {
            return Ok(None);
        };
        if dataset.dtype == DType::String {
            return Err(self.slab_error(path, "it holds strings: write them with write_strings"));
        }
        self.check(path, dataset, slab, values.len(), dataset.dtype.size())?;
        Ok(Some((number, dataset)))
    }

    pub(super) fn find(&self, path: &str) -> Result<usize, WriteError> {
        let path = path.trim_start_matches('/');
        self.plan
            .variables
            .get(path)
            .copied()
            .ok_or_else(|| WriteError::NoVariable {
                path: self.path.clone(),
                variable: path.to_owned(),
            })
    }

    pub(super) fn slab_error(&self, variable: &str, reason: impl Into<String>) -> WriteError {
        WriteError::Slab {
            path: self.path.clone(),
            variable: variable.to_owned(),
            reason: reason.into(),
        }
    }

    pub(super) fn check(
        &self,
        path: &str,
        dataset: &DatasetPlan,
        slab: &Slab,
        given: usize,
        element: usize,
    ) -> Result<(), WriteError> {
        let shape: Vec<usize> = dataset.shape.iter().map(|&size| size as usize).collect();
        if !slab.fits(&shape) {
            let reason = format!(
                "the part {:?} + {:?} lies outside shape {shape:?}",
                slab.start, slab.count
            );
            return Err(self.slab_error(path, reason));
        }
        let expected = slab.len() * element;
        if given != expected {
            let unit = if dataset.dtype == DType::String {
                "strings"
            } else {
                "bytes"
            };
            let reason = format!(
                "the part {:?} has {expected} {unit}, {given} are given",
                slab.count
            );
            return Err(self.slab_error(path, reason));
        }
        let Some(chunks) = &dataset.chunks else {
            return Ok(());
        };
        for (((&start, &count), &chunk), &size) in
            slab.start.iter().zip(&slab.count).zip(chunks).zip(&dataset.shape)
        {
            let (start, end) = (start as u64, (start + count) as u64);
            if !start.is_multiple_of(chunk) || (!end.is_multiple_of(chunk) && end != size) {
                let reason = format!(
                    "the part {:?} + {:?} cuts through chunks of {chunks:?}: write whole chunks",
                    slab.start, slab.count
                );
                return Err(self.slab_error(path, reason));
            }
        }
        Ok(())
    }
}
