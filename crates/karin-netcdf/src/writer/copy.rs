//! Any dataset into a file, in one parallel pass over all parts of all variables.

use std::path::Path;
use std::sync::Arc;

use karin_core::{DType, Dataset, Progress, Slab};

use super::chunk::{self, EncodedChunk, Part};
use super::data::{chunk_bytes, chunk_starts, wide};
use super::datatype;
use super::error::WriteError;
use super::pipeline;
use super::plan::{DatasetPlan, FilePlan};
use super::{NcWriter, WriteOptions};

/// Small chunks are read together up to this size: a reader may have larger ones.
const BAND: u64 = 2 << 20;

/// A part of a variable that is read and encoded at once.
#[derive(Debug)]
struct Task {
    dataset: usize,
    slab: Slab,
}

/// What a task made.
enum Piece {
    Chunks(Vec<EncodedChunk>),
    Contiguous(Vec<u8>),
    Strings(Vec<String>),
}

/// Writes `dataset` to `path`: its structure, order, kinds and storage as they are. All parts of all variables are read
/// and compressed in one parallel pass; memory stays within the options' budget, except that one part of a
/// variable (a chunk, or 2 MiB of smaller ones) must fit. Progress counts raw bytes.
///
/// # Errors
/// As [`NcWriter::create`] and [`NcWriter::finish`]; if values cannot be read; if the user stops it.
pub fn write_dataset(
    path: &Path,
    dataset: &dyn Dataset,
    options: &WriteOptions,
    progress: &dyn Progress,
) -> Result<(), WriteError> {
    let mut writer = NcWriter::create(path, dataset.root(), options)?;
    let plan = Arc::clone(&writer.encoder.plan);
    let plan = plan.as_ref();
    let tasks = tasks(plan);
    let limits = writer.limits();
    let NcWriter { data, file, .. } = &mut writer;
    dataset.will_read_in_order(&mut tasks.iter().filter_map(|task| {
        let target = plan.datasets.get(task.dataset)?;
        Some((target.path.as_str(), task.slab.clone()))
    }));
    let bytes = |task: &Task| {
        let element = plan
            .datasets
            .get(task.dataset)
            .map_or(0, |dataset| datatype::stored_size(dataset.dtype));
        (task.slab.len() * element) as u64
    };
    progress.start("writing", 1, tasks.iter().map(bytes).sum());
    pipeline::ordered(
        limits,
        tasks.len(),
        |index| tasks.get(index).map_or(0, |task| bytes(task) * 3),
        |index| {
            if progress.is_cancelled() {
                return Err(WriteError::Cancelled {
                    path: path.to_owned(),
                });
            }
            let task = tasks
                .get(index)
                .zip(tasks.get(index).and_then(|task| plan.datasets.get(task.dataset)));
            let Some((task, target)) = task else {
                return Ok(Piece::Chunks(Vec::new()));
            };
            encode(dataset, target, &task.slab).map_err(|source| WriteError::Read {
                path: path.to_owned(),
                variable: target.path.clone(),
                source: Box::new(source),
            })
        },
        |index, piece| {
            let Some(task) = tasks.get(index) else {
                return Ok(());
            };
            let Some(target) = plan.datasets.get(task.dataset) else {
                return Ok(());
            };
            match piece {
                Piece::Chunks(chunks) => {
                    chunks
                        .into_iter()
                        .try_for_each(|chunk| data.commit_chunk(file, task.dataset, chunk))?;
                }
                Piece::Contiguous(values) => {
                    data.write_contiguous(file, task.dataset, target, &task.slab, &values)?;
                }
                Piece::Strings(strings) => {
                    let descriptors = data.write_heap(file, &strings)?;
                    let alone = pipeline::Limits { jobs: 1, ..limits };
                    data.write(file, task.dataset, target, alone, &task.slab, &descriptors)?;
                }
            }
            progress.advance(0, bytes(task));
            Ok(())
        },
    )?;
    writer.finish()?;
    progress.advance(1, 0);
    progress.finish();
    Ok(())
}

/// Reads a part and encodes its chunks.
fn encode(
    dataset: &dyn Dataset,
    target: &DatasetPlan,
    slab: &Slab,
) -> Result<Piece, karin_core::DatasetError> {
    if target.dtype == DType::String {
        return dataset.read_strings(&target.path, slab).map(Piece::Strings);
    }
    let mut values = vec![0; slab.len() * target.dtype.size()];
    dataset.read_into(&target.path, slab, &mut values)?;
    let Some(chunks) = &target.chunks else {
        return Ok(Piece::Contiguous(values));
    };
    let (first, count) = (wide(&slab.start), wide(&slab.count));
    let part = Part {
        start: &first,
        count: &count,
        bytes: &values,
    };
    let starts = chunk_starts(chunks, &first, &count);
    Ok(Piece::Chunks(
        starts
            .into_iter()
            .map(|start| chunk::encode(target, chunks, start, part))
            .collect(),
    ))
}

/// The parts of all variables, in file order.
fn tasks(plan: &FilePlan) -> Vec<Task> {
    let mut tasks = Vec::new();
    for (number, dataset) in plan.datasets.iter().enumerate() {
        if plan.variables.get(&dataset.path) == Some(&number) && !dataset.shape.contains(&0) {
            tasks.extend(parts(dataset).into_iter().map(|slab| Task {
                dataset: number,
                slab,
            }));
        }
    }
    tasks
}

/// Bands of whole chunk rows along the first dimension up to [`BAND`] bytes; single chunks where a row is larger.
fn parts(dataset: &DatasetPlan) -> Vec<Slab> {
    let shape: Vec<usize> = dataset.shape.iter().map(|&size| size as usize).collect();
    let Some((&lines, inner)) = dataset.shape.split_first() else {
        return vec![Slab::all(&shape)];
    };
    let line_bytes = inner.iter().product::<u64>() * datatype::stored_size(dataset.dtype) as u64;
    let band = match &dataset.chunks {
        None => (BAND / line_bytes.max(1)).max(1),
        Some(chunks) => {
            let row = chunks.first().copied().unwrap_or(1);
            if row * line_bytes > BAND.max(chunk_bytes(dataset, chunks)) {
                return single_chunks(dataset, chunks);
            }
            row * (BAND / (row * line_bytes).max(1)).max(1)
        }
    };
    (0..lines)
        .step_by(band as usize)
        .map(|start| Slab::rows(&shape, start as usize..(start + band).min(lines) as usize))
        .collect()
}

fn single_chunks(dataset: &DatasetPlan, chunks: &[u64]) -> Vec<Slab> {
    let origin = vec![0; chunks.len()];
    let narrow = |start: Vec<u64>| {
        let count = (start.iter().zip(chunks).zip(&dataset.shape))
            .map(|((&start, &chunk), &size)| chunk.min(size - start) as usize)
            .collect();
        Slab {
            start: start.into_iter().map(|at| at as usize).collect(),
            count,
        }
    };
    chunk_starts(chunks, &origin, &dataset.shape)
        .into_iter()
        .map(narrow)
        .collect()
}
