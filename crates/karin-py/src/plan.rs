//! What a selection means for a source, and what can be done with it.

use std::path::PathBuf;
use std::sync::Arc;

use karin::engine::{Plan as EnginePlan, Report};
use karin::extract::{ExtractOptions, extract};
use karin::output::WriteOptions;
use karin::spectrum::{Detrend, SpectrumOptions, Window, spectrum};
use karin::stat::{Reduction, reduce_to_memory, reduce_to_netcdf, with_bins};
use karin::view::View;
use karin_core::{DType, ErrorKind, Resources};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::dataset::Dataset;
use crate::errors::{OrRaise as _, raise};
use crate::of_process::OfProcess;
use crate::work::{self, Calls};

/// Granules of one product (and, with `version="all"`, of one schema), with the variables asked for.
#[pyclass(frozen, module = "karin._karin")]
pub struct Plan {
    pub inner: OfProcess<Arc<EnginePlan>>,
    /// Those that read from its source.
    pub calls: Arc<Calls>,
}

#[pymethods]
impl Plan {
    /// In words: granules, product, variables, bytes, selection.
    #[getter]
    fn text(&self) -> String {
        self.inner.to_string()
    }

    /// The product, if there is one.
    #[getter]
    fn product(&self) -> Option<&'static str> {
        self.inner.product().map(|product| product.name())
    }

    /// The schemas that occur, oldest first.
    #[getter]
    fn schemas(&self) -> Vec<String> {
        self.inner.schemas().iter().map(ToString::to_string).collect()
    }

    /// Bytes of all its granules as stored.
    #[getter]
    fn stored_bytes(&self) -> u64 {
        self.inner.stored_bytes()
    }

    /// Bytes that have to be read of them, about.
    #[getter]
    fn bytes_to_read(&self) -> u64 {
        self.inner.bytes_to_read()
    }

    /// Number of granules.
    fn __len__(&self) -> usize {
        self.inner.pieces().len()
    }

    /// The granules: positions in the source's entries.
    fn entries(&self) -> Vec<usize> {
        self.inner.pieces().iter().map(|piece| piece.entry).collect()
    }

    /// Paths of the variables.
    fn variables(&self) -> Vec<String> {
        self.inner
            .columns()
            .iter()
            .map(karin::engine::Column::path)
            .collect()
    }

    /// Reduce, in words: a list of statistics; what is reduced over, as "over cycle", "by month", "grid 0.5" or
    /// "bin ssha:-1:1:0.01"; the second field of pairs; the condition that results must meet. The result is in memory, or
    /// in the netCDF file at `path`. With notes and what was left out; and with the arrays of the statistics by their paths,
    /// which the dataset then no longer holds.
    #[pyo3(signature = (reduction, *, jobs=None, memory=None, path=None, history="", listener=None))]
    #[allow(clippy::too_many_arguments, reason = "keywords of Python")]
    fn reduce<'py>(
        &self,
        py: Python<'py>,
        reduction: Words,
        jobs: Option<usize>,
        memory: Option<u64>,
        path: Option<PathBuf>,
        history: &str,
        listener: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Option<Dataset>, Bound<'py, PyDict>, Bound<'py, PyDict>)> {
        let reduction = reduction_of(&reduction)?;
        let resources = work::resources(jobs, memory);
        let plan = &self.inner;
        let (result, report) = work::run_among(py, &self.calls, listener, |told| match &path {
            None => {
                let reduction = with_bins(plan, &reduction, resources, told).or_raise()?;
                let (result, report) = reduce_to_memory(plan, &reduction, resources, told).or_raise()?;
                Ok((Some(result), report))
            }
            Some(path) => {
                let report = reduce_to_netcdf(plan, &reduction, resources, told, path, history).or_raise()?;
                Ok((None, report))
            }
        })?;
        if report.granules > 0 && report.failures.len() == report.granules {
            let first = report.failures.first().map_or("", |failure| &failure.reason);
            let text = format!("none of {} granules could be read: {first}", report.granules);
            return Err(raise(ErrorKind::Corrupt, &text));
        }
        let arrays = PyDict::new(py);
        let dataset = match result {
            None => None,
            Some(mut result) => {
                for (path, array) in result.take(DType::Float64) {
                    arrays.set_item(path, crate::values::to_numpy(py, array)?)?;
                }
                Some(Dataset::of(Arc::new(result)))
            }
        };
        Ok((dataset, described(py, &report)?, arrays))
    }

    /// What a reduction is over, in words, with every automatic bin found from a sample of the values.
    #[pyo3(signature = (reduction, *, jobs=None, memory=None))]
    fn target_with_bins(
        &self,
        py: Python<'_>,
        reduction: Words,
        jobs: Option<usize>,
        memory: Option<u64>,
    ) -> PyResult<String> {
        let reduction = reduction_of(&reduction)?;
        let (plan, resources) = (&self.inner, work::resources(jobs, memory));
        let found = work::run_among(py, &self.calls, None, |told| {
            with_bins(plan, &reduction, resources, told).or_raise()
        })?;
        Ok(found.target.to_string())
    }

    /// Power spectra of the variables, as the command `karin spectrum` estimates them; lengths in kilometres.
    #[pyo3(signature = (*, axis="along", segment=None, segment_across=50.0, overlap=0.5, window="hann", detrend="linear",
        longest_hole=0.01, minimum_valid=0.9, confidence=0.95, with_=None, with_cycle=None, jobs=None, memory=None, listener=None))]
    #[allow(clippy::too_many_arguments, reason = "keywords of Python")]
    fn spectrum(
        &self,
        py: Python<'_>,
        axis: &str,
        segment: Option<f64>,
        segment_across: f64,
        overlap: f64,
        window: &str,
        detrend: &str,
        longest_hole: f64,
        minimum_valid: f64,
        confidence: f64,
        with_: Option<String>,
        with_cycle: Option<&str>,
        jobs: Option<usize>,
        memory: Option<u64>,
        listener: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Dataset> {
        let refused = |text: String| raise(ErrorKind::InvalidArgument, &text);
        let mut options = SpectrumOptions::default();
        options.axis = axis.parse().map_err(refused)?;
        options.segment_km = segment;
        options.segment_across_km = segment_across;
        options.overlap = overlap;
        options.window = Window::parse(window).map_err(|error| refused(error.to_string()))?;
        options.detrend = Detrend::parse(detrend).map_err(|error| refused(error.to_string()))?;
        options.longest_hole = longest_hole;
        options.minimum_valid = minimum_valid;
        options.confidence = confidence;
        options.with = with_;
        options.with_cycle = with_cycle.map(str::parse).transpose().map_err(refused)?;
        let (plan, resources) = (&self.inner, work::resources(jobs, memory));
        let spectrum = work::run_among(py, &self.calls, listener, |told| {
            spectrum(plan, &options, resources, told).or_raise()
        })?;
        Ok(Dataset::of(Arc::new(spectrum.into_dataset())))
    }

    /// The granules on axes of cycle, pass, line and pixel, as a lazy dataset.
    #[pyo3(signature = (*, jobs=None, memory=None, listener=None))]
    fn cube(
        &self,
        py: Python<'_>,
        jobs: Option<usize>,
        memory: Option<u64>,
        listener: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Dataset> {
        self.view(py, work::resources(jobs, memory), listener, true)
    }

    /// The kept lines of all granules one behind the other, as a lazy dataset.
    #[pyo3(signature = (*, jobs=None, memory=None, listener=None))]
    fn lines(
        &self,
        py: Python<'_>,
        jobs: Option<usize>,
        memory: Option<u64>,
        listener: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Dataset> {
        self.view(py, work::resources(jobs, memory), listener, false)
    }

    /// Find eddies or fronts: their columns as JSON (units, names and cells), their geometries as well-known binary. With a
    /// path they are written there instead, and there are no rows.
    #[pyo3(signature = (feature, options, *, path=None, command="", jobs=None, memory=None, listener=None))]
    #[allow(clippy::too_many_arguments, reason = "keywords of Python")]
    fn features(
        &self,
        py: Python<'_>,
        feature: &str,
        options: &str,
        path: Option<PathBuf>,
        command: &str,
        jobs: Option<usize>,
        memory: Option<u64>,
        listener: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(String, Vec<Vec<u8>>)> {
        let search = crate::features::search_of(feature, options)?;
        let resources = work::resources(jobs, memory);
        let plan = &self.inner;
        let found = work::run_among(py, &self.calls, listener, |told| match &path {
            None => karin::features::find(plan, &search, resources, told).or_raise(),
            Some(path) => karin::features::write(plan, &search, path, command, resources, told).or_raise(),
        })?;
        let geometries = found.rows.iter().map(|row| row.geometry.wkb()).collect();
        Ok((crate::json(&crate::features::Answer::of(&found))?, geometries))
    }

    /// Write what is selected, as the command `karin extract` does; an answer as JSON.
    #[pyo3(signature = (path, *, command="", jobs=None, memory=None, listener=None))]
    fn extract(
        &self,
        py: Python<'_>,
        path: PathBuf,
        command: &str,
        jobs: Option<usize>,
        memory: Option<u64>,
        listener: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        let output = WriteOptions::default().with_resources(work::resources(jobs, memory));
        let options = ExtractOptions::default()
            .with_command(command)
            .with_output(output);
        let plan = &self.inner;
        let extracted = work::run_among(py, &self.calls, listener, |told| {
            extract(plan, &path, &options, told).or_raise()
        })?;
        crate::json(&extracted)
    }
}

impl Plan {
    fn view(
        &self,
        py: Python<'_>,
        resources: Resources,
        listener: Option<&Bound<'_, PyAny>>,
        is_cube: bool,
    ) -> PyResult<Dataset> {
        let plan = Arc::clone(&self.inner);
        let make = if is_cube { View::cube } else { View::lines };
        let view = work::run_among(py, &self.calls, listener, |told| {
            make(plan, resources, told).or_raise()
        })?;
        Ok(Dataset::of_view(view, Arc::clone(&self.calls)))
    }
}

/// A reduction in words: statistics, what it is over, the second field of pairs, and the condition that results must meet.
pub(crate) type Words = (String, String, Option<String>, Option<String>);

/// The reduction that words say.
pub(crate) fn reduction_of((statistics, target, with, having): &Words) -> PyResult<Reduction> {
    Reduction::of_words(statistics, target, with.as_deref(), having.as_deref()).or_raise()
}

/// The variables that a reduction reads beside those that it reduces.
#[pyfunction]
pub fn read_beside(reduction: Words) -> PyResult<Vec<String>> {
    Ok(reduction_of(&reduction)?.also())
}

fn described<'py>(py: Python<'py>, report: &Report) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("granules", report.granules)?;
    dict.set_item("notes", &report.notes)?;
    let failures: Vec<(&str, &str)> = report
        .failures
        .iter()
        .map(|failure| (failure.granule.as_str(), failure.reason.as_str()))
        .collect();
    dict.set_item("left_out", failures)?;
    Ok(dict)
}
