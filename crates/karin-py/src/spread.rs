//! Work spread over processes: parts of an ingest and of reductions, as bytes that merge.

use std::path::PathBuf;
use std::sync::Arc;

use karin::engine::MemoryDataset;
use karin::stat::{merge_parts, reduce_to_part};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::dataset::Dataset;
use crate::errors::OrRaise as _;
use crate::plan::{Plan, Words, reduction_of};
use crate::verbs::ingest_options;
use crate::work;

/// A state as bytes, and granules that were left out, with the reasons.
type PartWords<'py> = (Bound<'py, PyBytes>, Vec<(String, String)>);

/// Reduces the granules of a plan to a state that merges with those of other granules, as bytes; with what was left out.
#[pyfunction]
#[pyo3(signature = (plan, reduction, *, jobs=None, memory=None))]
pub fn reduce_part<'py>(
    py: Python<'py>,
    plan: &Plan,
    reduction: Words,
    jobs: Option<usize>,
    memory: Option<u64>,
) -> PyResult<PartWords<'py>> {
    let reduction = reduction_of(&reduction)?;
    let (calls, plan, resources) = (&plan.calls, &plan.inner, work::resources(jobs, memory));
    let (part, report) = work::run_among(py, calls, None, |told| {
        reduce_to_part(plan, &reduction, resources, told).or_raise()
    })?;
    let failures = report.failures.into_iter();
    let left_out = failures
        .map(|failure| (failure.granule, failure.reason))
        .collect();
    Ok((PyBytes::new(py, &part), left_out))
}

/// Merges states that follow one another in the order of cycle and pass; the plan is that of all their granules. With notes on the
/// result.
#[pyfunction(name = "merge_parts")]
#[pyo3(signature = (plan, reduction, parts, *, memory=None))]
pub fn merge(
    py: Python<'_>,
    plan: &Plan,
    reduction: Words,
    parts: Vec<Bound<'_, PyBytes>>,
    memory: Option<u64>,
) -> PyResult<(Dataset, Vec<String>)> {
    let reduction = reduction_of(&reduction)?;
    let (calls, plan, resources) = (&plan.calls, &plan.inner, work::resources(None, memory));
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    let (result, report) = work::run_among(py, calls, None, |told| {
        let mut result = MemoryDataset::new("result");
        let report = merge_parts(plan, &reduction, &parts, resources, told, &mut result).or_raise()?;
        Ok((result, report))
    })?;
    Ok((Dataset::of(Arc::new(result)), report.notes))
}

/// Files in at most `count` batches of about the same size, as JSON; the collection is made if there is none.
#[pyfunction]
#[pyo3(signature = (paths, collection, count, **options))]
pub fn ingest_batches(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    collection: String,
    count: usize,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<String> {
    let options = ingest_options(options)?;
    let batches = work::run(py, None, |_| {
        karin::ingest::batches(&paths, &collection, &options, count).or_raise()
    })?;
    crate::json(&batches)
}

/// Puts the chunks of files on stable storage: a report as JSON, and what the commit needs (None if that is nothing).
#[pyfunction]
#[pyo3(signature = (paths, collection, **options))]
pub fn prepare<'py>(
    py: Python<'py>,
    paths: Vec<PathBuf>,
    collection: String,
    options: Option<&Bound<'py, PyDict>>,
) -> PyResult<(String, Option<Bound<'py, PyBytes>>)> {
    let options = ingest_options(options)?;
    let (report, prepared) = work::run(py, None, |told| {
        karin::ingest::prepare(&paths, &collection, &options, told).or_raise()
    })?;
    Ok((
        crate::json(&report)?,
        prepared.map(|bytes| PyBytes::new(py, &bytes)),
    ))
}

/// Commits what others have prepared; what became of each granule, as JSON.
#[pyfunction]
#[pyo3(signature = (prepared, collection, **options))]
pub fn commit_prepared(
    py: Python<'_>,
    prepared: Vec<Vec<u8>>,
    collection: String,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<String> {
    let options = ingest_options(options)?;
    let committed = work::run(py, None, |_| {
        karin::ingest::commit_prepared(&prepared, &collection, &options).or_raise()
    })?;
    crate::json(&committed)
}
