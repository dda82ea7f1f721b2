//! Granules and collections, opened.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use karin::engine::Entry;
use karin::inventory::inventory;
use karin::store::Repository;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::OrRaise as _;
use crate::of_process::OfProcess;
use crate::plan::Plan;
use crate::reach::{Reach, open_options};
use crate::selection::selection_of;
use crate::work::{self, Calls};

/// A set of granules: files, folders of files, and collections, as one.
#[pyclass(frozen, module = "karin._karin")]
pub struct Source {
    pub inner: OfProcess<Arc<dyn karin::engine::Source>>,
    calls: Arc<Calls>,
}

#[pymethods]
impl Source {
    /// Open paths: any mix of collections, granules, folders of granules and addresses of granules.
    #[new]
    #[pyo3(signature = (paths, *, snapshot=None, reach=None, listener=None))]
    fn new(
        py: Python<'_>,
        paths: Vec<PathBuf>,
        snapshot: Option<String>,
        reach: Option<Reach>,
        listener: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let reach = reach.unwrap_or_default();
        let (options, provider) = (reach.open(snapshot), reach.provider());
        let calls = Arc::<Calls>::default();
        let inner = work::run_among(py, &calls, listener, |told| {
            karin::sources::open_with(&paths, &options, &provider, told).or_raise()
        })?;
        Ok(Self {
            inner: OfProcess::new(inner),
            calls,
        })
    }

    /// Plan a selection: a dictionary of texts (the words of the command line), and definitions as `name=expression`.
    /// One plan; with version "all" one per schema.
    #[pyo3(signature = (words, lets, *, listener=None))]
    fn plan(
        &self,
        py: Python<'_>,
        words: HashMap<String, String>,
        lets: Vec<String>,
        listener: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Vec<Plan>> {
        let selection = selection_of(&words, &lets)?;
        let source = Arc::clone(&self.inner);
        let plans = work::run_among(py, &self.calls, listener, |told| {
            karin::engine::Plan::new(source, &selection, told).or_raise()
        })?;
        let wrap = |plan| Plan {
            inner: OfProcess::new(Arc::new(plan)),
            calls: Arc::clone(&self.calls),
        };
        Ok(plans.into_iter().map(wrap).collect())
    }

    /// The snapshot that a collection is read at.
    #[getter]
    fn snapshot(&self) -> Option<&str> {
        self.inner.snapshot()
    }

    /// What is known of every granule without opening it: a list per column.
    fn entries<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let entries = self.inner.entries();
        let dict = PyDict::new(py);
        let column = |name: &str, values: Bound<'py, PyAny>| dict.set_item(name, values);
        macro_rules! list {
            ($of:expr) => {
                entries
                    .iter()
                    .map($of)
                    .collect::<Vec<_>>()
                    .into_pyobject(py)?
                    .into_any()
            };
        }
        column("granule", list!(|entry: &Entry| entry.label.clone()))?;
        column(
            "product",
            list!(|entry: &Entry| entry.product.map(|product| product.name())),
        )?;
        column(
            "phase",
            list!(|entry: &Entry| entry
                .half_orbit
                .and_then(|half_orbit| half_orbit.phase())
                .map(|phase| phase.name())),
        )?;
        column(
            "cycle_number",
            list!(|entry: &Entry| entry.half_orbit.map(|half_orbit| half_orbit.cycle.0)),
        )?;
        column(
            "pass_number",
            list!(|entry: &Entry| entry.half_orbit.map(|half_orbit| half_orbit.pass.0)),
        )?;
        column(
            "version",
            list!(|entry: &Entry| entry.version.as_ref().map(ToString::to_string)),
        )?;
        column(
            "schema",
            list!(|entry: &Entry| entry.schema().map(|schema| schema.to_string())),
        )?;
        column(
            "time_start",
            list!(|entry: &Entry| entry.period.map(|(start, _)| start)),
        )?;
        column(
            "time_end",
            list!(|entry: &Entry| entry.period.map(|(_, end)| end)),
        )?;
        column("bytes", list!(|entry: &Entry| entry.bytes))?;
        Ok(dict)
    }
}

/// What is in a collection, as JSON.
#[pyfunction]
#[pyo3(signature = (location, *, snapshot=None, endpoint=None, region=None))]
pub fn contents(
    py: Python<'_>,
    location: String,
    snapshot: Option<String>,
    endpoint: Option<String>,
    region: Option<String>,
) -> PyResult<String> {
    let options = open_options(snapshot, endpoint, region);
    work::run(py, None, |_| {
        let found = inventory(&location, &options).or_raise()?;
        crate::json(&found)
    })
}

/// The snapshots of a collection that can be read, the newest first, as JSON.
#[pyfunction]
#[pyo3(signature = (location, *, endpoint=None, region=None))]
pub fn history(
    py: Python<'_>,
    location: String,
    endpoint: Option<String>,
    region: Option<String>,
) -> PyResult<String> {
    let options = open_options(None, endpoint, region);
    let snapshots = work::run(py, None, |_| {
        Repository::open(&location, &options.store)
            .and_then(|repository| repository.history())
            .or_raise()
    })?;
    let rows = snapshots.into_iter().map(|facts| {
        serde_json::json!({
            "id": facts.id,
            "time": karin_core::time::format_instant(facts.time.round()),
            "message": facts.message,
            "parent": facts.parent,
            "properties": facts.properties.into_iter().collect::<serde_json::Map<_, _>>(),
        })
    });
    Ok(serde_json::Value::Array(rows.collect()).to_string())
}
