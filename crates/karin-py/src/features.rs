//! Options of searches for eddies and fronts, and what they found, as JSON.

use karin::features::{EddyMethod, EddySearch, Found, FrontSearch, OkuboWeissOptions, Search, Steepness};
use karin_core::ErrorKind;
use pyo3::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::errors::raise;

/// Options of `Collection.eddies`: lengths in kilometres.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EddyOptions {
    by: String,
    step: f64,
    min_amplitude: f64,
    min_pixels: usize,
    min_radius: f64,
    max_radius: f64,
    shape_error: f64,
    edge_fraction: f64,
    threshold: f64,
    fill_nadir: bool,
}

/// Options of `Collection.fronts`: lengths in kilometres, gradients as text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FrontOptions {
    strong: String,
    weak: String,
    min_length: f64,
}

/// The search for `eddies` or `fronts` with options as JSON.
pub fn search_of(feature: &str, options: &str) -> PyResult<Search> {
    let invalid = |text: &str| raise(ErrorKind::InvalidArgument, text);
    if feature == "fronts" {
        let options: FrontOptions =
            serde_json::from_str(options).map_err(|error| invalid(&error.to_string()))?;
        let steepness = |text: &str| Steepness::parse(text).map_err(|error| invalid(&error.reason));
        let mut search = FrontSearch::default();
        search.bounds.strong = steepness(&options.strong)?;
        search.bounds.weak = steepness(&options.weak)?;
        search.bounds.minimum_length = options.min_length * 1e3;
        return Ok(Search::Fronts(search));
    }
    let options: EddyOptions = serde_json::from_str(options).map_err(|error| invalid(&error.to_string()))?;
    let mut search = EddySearch::default();
    search.bounds.step = options.step;
    search.bounds.minimum_amplitude = options.min_amplitude;
    search.bounds.minimum_pixels = options.min_pixels;
    search.bounds.minimum_radius = options.min_radius * 1e3;
    search.bounds.maximum_radius = options.max_radius * 1e3;
    search.bounds.shape_error = options.shape_error;
    search.bounds.edge_fraction = options.edge_fraction;
    search.fill_nadir = options.fill_nadir;
    search.method = match options.by.as_str() {
        "contours" => EddyMethod::Contours,
        "okubo-weiss" => {
            let mut regions = OkuboWeissOptions::default();
            regions.threshold = options.threshold;
            EddyMethod::OkuboWeiss(regions)
        }
        other => {
            return Err(invalid(&format!(
                "by={other:?}: expected \"contours\" or \"okubo-weiss\""
            )));
        }
    };
    Ok(Search::Eddies(search))
}

/// What was found.
#[derive(Serialize)]
pub struct Answer {
    variable: String,
    count: usize,
    left_out: usize,
    columns: Vec<Column>,
    rows: Vec<Map<String, Value>>,
}

#[derive(Serialize)]
struct Column {
    name: &'static str,
    units: String,
    long_name: String,
}

impl Answer {
    /// Of a search.
    pub fn of(found: &Found) -> Self {
        let column = |column: &karin::output::geo::GeoColumn| Column {
            name: column.name,
            units: column.units.clone(),
            long_name: column.long_name.clone(),
        };
        Self {
            variable: found.variable.clone(),
            count: found.count,
            left_out: found.failures.len(),
            columns: found.schema.columns.iter().map(column).collect(),
            rows: found.records(),
        }
    }
}
