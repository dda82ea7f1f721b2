//! The catalogue: which granules are on disk, in collections and at providers, and which are lacking.

use std::path::PathBuf;

use karin::catalog::{Added, Look};
use karin::provider::ProviderOptions;
use karin_core::ErrorKind;
use pyo3::prelude::*;

use crate::errors::{OrRaise as _, raise};
use crate::provider::Asked;
use crate::reach::open_options;
use crate::work;

fn options_of(settings: Vec<String>) -> ProviderOptions {
    ProviderOptions {
        set: settings,
        credentials: None,
    }
}

/// Look at folders and collections and keep what they have, and tell of each as JSON.
#[pyfunction]
#[pyo3(signature = (places, settings, *, endpoint=None, region=None, listener=None))]
pub fn catalog_add(
    py: Python<'_>,
    places: Vec<PathBuf>,
    settings: Vec<String>,
    endpoint: Option<String>,
    region: Option<String>,
    listener: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let options = options_of(settings);
    let store = open_options(None, endpoint, region).store;
    let added = work::run(py, listener, |told| {
        let add = |place: &PathBuf| karin::catalog::add(&Look::at(place, store.clone()), &options, told);
        let added: Result<Vec<Added>, _> = places.iter().map(add).collect();
        added.or_raise()
    })?;
    crate::json(&added)
}

/// Ask a provider what it has, keep that, and tell of it as JSON.
#[pyfunction]
#[pyo3(signature = (asked, *, listener=None))]
pub fn catalog_add_provider(
    py: Python<'_>,
    asked: Asked,
    listener: Option<&Bound<'_, PyAny>>,
) -> PyResult<String> {
    let (from, selection, options) = asked.question()?;
    let added = work::run(py, listener, |told| {
        let look = Look::provider(from.as_deref(), &selection);
        karin::catalog::add(&look, &options, told).or_raise()
    })?;
    crate::json(&[added])
}

/// Every source that is kept, as JSON.
#[pyfunction]
pub fn catalog_list(py: Python<'_>, settings: Vec<String>) -> PyResult<String> {
    let options = options_of(settings);
    let sources = py.detach(|| karin::catalog::list(&options)).or_raise()?;
    crate::json(&sources)
}

/// Which passes of what is asked for are not here whole and in the newest version, and where they are, as JSON.
#[pyfunction]
pub fn catalog_missing(py: Python<'_>, asked: Asked) -> PyResult<String> {
    let (from, selection, options) = asked.question()?;
    if from.is_some() {
        let text = "what is missing is told from the catalogue, of all its providers: name the product alone";
        return Err(raise(ErrorKind::InvalidArgument, text));
    }
    let report = py
        .detach(|| karin::catalog::missing(&selection, &options))
        .or_raise()?;
    crate::json(&report)
}

/// Forget a source; false if it was not known.
#[pyfunction]
pub fn catalog_remove(py: Python<'_>, place: &str, settings: Vec<String>) -> PyResult<bool> {
    let options = options_of(settings);
    py.detach(|| karin::catalog::remove(place, &options)).or_raise()
}
