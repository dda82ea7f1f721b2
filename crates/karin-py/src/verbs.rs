//! Verbs that need no source: which passes see a place, imagined granules, granules into a collection.

use std::collections::HashMap;
use std::path::PathBuf;

use karin::ingest::IngestOptions;
use karin::simulate::{Simulation, write};
use karin::store::{Profile, StoreOptions};
use karin_core::orbit::Target;
use karin_core::{CycleNumber, ErrorKind, LonLatBox, NumberList, Phase, Region};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::{OrRaise as _, raise};
use crate::selection::selection_of;
use crate::work;

/// The passes that see a place, as JSON: `words` are those of a selection; `point` is longitude and latitude; the half
/// width in kilometres.
#[pyfunction]
#[pyo3(signature = (words, point, half_width))]
pub fn passes(
    py: Python<'_>,
    words: HashMap<String, String>,
    point: Option<(f64, f64)>,
    half_width: f64,
) -> PyResult<String> {
    let selection = selection_of(&words, &[])?;
    let globe = Region::Box(LonLatBox::GLOBE);
    let target = match (point, &selection.region) {
        (Some((longitude, latitude)), _) => Target::Point(longitude, latitude),
        (None, Some(region)) => Target::Region(region),
        (None, None) => Target::Region(&globe),
    };
    let found = py.detach(|| karin::passes::passes_over(target, &selection, half_width * 1e3));
    crate::json(&found)
}

/// Write imagined granules, and tell of them as JSON.
#[pyfunction]
#[pyo3(signature = (folder, product, cycles, passes=None, *, phase=None, seed=0, variables=None, version=None,
                    jobs=None, memory=None, listener=None))]
#[allow(clippy::too_many_arguments, reason = "keywords of Python")]
pub fn simulate(
    py: Python<'_>,
    folder: PathBuf,
    product: String,
    cycles: &str,
    passes: Option<&str>,
    phase: Option<String>,
    seed: u64,
    variables: Option<Vec<String>>,
    version: Option<&str>,
    jobs: Option<usize>,
    memory: Option<u64>,
    listener: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let mut words = HashMap::from([("product".to_owned(), product)]);
    words.extend(phase.map(|phase| ("phase".to_owned(), phase)));
    let selection = selection_of(&words, &[])?;
    let cycles: NumberList = cycles.parse().or_raise()?;
    let missing = || raise(ErrorKind::InvalidArgument, "a product and cycles are needed");
    let first = cycles.iter().next().ok_or_else(missing)?;
    let of_cycle = Phase::of_cycle(CycleNumber(first)).unwrap_or(Phase::Science);
    let phase = selection.phase.unwrap_or(of_cycle);
    let passes = match passes {
        Some(passes) => passes.parse().or_raise()?,
        None => NumberList::from_ranges([1..=phase.pass_count()]),
    };
    let product = selection.product.ok_or_else(missing)?;
    let mut simulation = Simulation::new(product, phase, &cycles, &passes)
        .or_raise()?
        .with_seed(seed);
    if let Some(version) = version {
        simulation = simulation.with_version(version).or_raise()?;
    }
    if let Some(variables) = variables.filter(|variables| !variables.is_empty()) {
        simulation = simulation.with_variables(&variables).or_raise()?;
    }
    let resources = work::resources(jobs, memory);
    let summary = work::run(py, listener, |told| {
        write(&simulation, &folder, &resources, told).or_raise()
    })?;
    crate::json(&summary)
}

/// Put granules into a collection, and tell what became of each as JSON.
#[pyfunction]
#[pyo3(signature = (paths, collection, *, dry_run=false, listener=None, **options))]
pub fn ingest(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    collection: String,
    dry_run: bool,
    listener: Option<&Bound<'_, PyAny>>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<String> {
    let mut options = ingest_options(options)?;
    options.dry_run = dry_run;
    let report = work::run(py, listener, |told| {
        karin::ingest::ingest(&paths, &collection, &options, told).or_raise()
    })?;
    crate::json(&report)
}

/// How to ingest, from keywords.
pub fn ingest_options(options: Option<&Bound<'_, PyDict>>) -> PyResult<IngestOptions> {
    let mut found = IngestOptions::default();
    let (mut jobs, mut memory) = (None, None);
    for (name, value) in options.into_iter().flat_map(|options| options.iter()) {
        match name.extract::<String>()?.as_str() {
            "profile" => found.profile = profile_of(&value.extract::<String>()?)?,
            "replace" => found.replace = value.extract()?,
            "virtual" => found.is_virtual = value.extract()?,
            "endpoint" => found.store.endpoint = value.extract()?,
            "region" => found.store.region = value.extract()?,
            "locks_work" => found.store.locks_work = value.extract()?,
            "settings" => found.provider.set = value.extract()?,
            "credentials" => found.provider.credentials = value.extract()?,
            "jobs" => jobs = value.extract()?,
            "memory" => memory = value.extract()?,
            other => {
                let text = format!("{other} is no option here");
                return Err(raise(ErrorKind::InvalidArgument, &text));
            }
        }
    }
    found.resources = work::resources(jobs, memory);
    Ok(found)
}

/// How a collection that is written to is reached.
pub fn writable(endpoint: Option<String>, region: Option<String>, locks_work: bool) -> StoreOptions {
    StoreOptions {
        endpoint,
        region,
        locks_work,
        ..StoreOptions::default()
    }
}

/// The profile of that name.
pub fn profile_of(name: &str) -> PyResult<Profile> {
    Profile::parse(name).ok_or_else(|| {
        let text = format!("{name:?} is not a profile (expected portable or compact)");
        raise(ErrorKind::InvalidArgument, &text)
    })
}
