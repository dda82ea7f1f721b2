//! Anything that can be read: a granule file, a cube, lines, a result.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use karin::netcdf::{Format, NcFile};
use karin::view::{Decoding, Indices, ReadAhead, Reading, View, Wanted, can_decode, decode, read_outer};
use karin_core::DType;
use numpy::PyReadonlyArray1;
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::OrRaise as _;
use crate::of_process::OfProcess;
use crate::reach::Reach;
use crate::work::{self, Calls};

/// A netCDF-shaped tree whose arrays can be read, from many threads at once.
#[pyclass(frozen, module = "karin._karin")]
pub struct Dataset {
    inner: Inner,
    /// What reads its variables before they are asked for.
    ahead: OnceLock<OfProcess<Arc<ReadAhead>>>,
    /// Those that read from where it lies, if they may have to wait.
    calls: Option<Arc<Calls>>,
    /// Whether it is a file of netCDF-3.
    #[pyo3(get)]
    is_classic: bool,
}

enum Inner {
    Any(OfProcess<Arc<dyn karin_core::Dataset>>),
    View(OfProcess<Arc<View>>),
}

impl Dataset {
    pub fn of(dataset: Arc<dyn karin_core::Dataset>) -> Self {
        Self {
            inner: Inner::Any(OfProcess::new(dataset)),
            ahead: OnceLock::new(),
            calls: None,
            is_classic: false,
        }
    }

    pub fn of_view(view: View, calls: Arc<Calls>) -> Self {
        Self {
            inner: Inner::View(OfProcess::new(Arc::new(view))),
            ahead: OnceLock::new(),
            calls: Some(calls),
            is_classic: false,
        }
    }

    fn dataset(&self) -> &dyn karin_core::Dataset {
        match &self.inner {
            Inner::Any(dataset) => dataset.as_ref(),
            Inner::View(view) => view.as_ref(),
        }
    }
}

/// Open a netCDF file of any kind: at a path, or where it lies, at a server or in a bucket.
#[pyfunction]
#[pyo3(signature = (path, *, reach=None, listener=None))]
pub fn open_file(
    py: Python<'_>,
    path: PathBuf,
    reach: Option<Reach>,
    listener: Option<&Bound<'_, PyAny>>,
) -> PyResult<Dataset> {
    let is_far = path.to_str().is_some_and(|text| text.contains("://"));
    let calls = is_far.then(Arc::<Calls>::default);
    let file = if let Some(calls) = &calls {
        let reach = reach.unwrap_or_default();
        let (store, provider) = (reach.open(None).store, reach.provider());
        work::run_among(py, calls, listener, |told| {
            karin::sources::open_granule(&path, &store, &provider, told).or_raise()
        })
    } else {
        py.detach(|| NcFile::open(&path)).or_raise()
    }?;
    let is_classic = matches!(file.format(), Format::Classic(_));
    Ok(Dataset {
        calls,
        is_classic,
        ..Dataset::of(Arc::new(file))
    })
}

/// The one file that an input names, as a path or an address; None for folders and collections.
#[pyfunction]
pub fn one_file(path: PathBuf) -> PyResult<Option<OsString>> {
    // No PathBuf: in Python that is a path, which makes one slash of the two of an address.
    let file = karin::sources::one_file(&path).or_raise()?;
    Ok(file.map(PathBuf::into_os_string))
}

/// True if numbers of that type can be decoded to `float64` (`double`) or `float32` exactly as xarray does it.
#[pyfunction(name = "can_decode")]
pub fn decodes_exactly(dtype: &str, double: bool) -> bool {
    DType::from_name(dtype).is_some_and(|dtype| can_decode(dtype, double))
}

/// Fills that mean nothing, factor, offset, and whether the result is `float64`.
type DecodingWords = (Vec<f64>, Option<f64>, Option<f64>, bool);

/// Path of a variable, and its decoding.
type WantedWords = (String, Option<DecodingWords>);

fn decoding_of((fills, scale, offset, double): DecodingWords) -> Decoding {
    Decoding {
        fills,
        scale,
        offset,
        double,
    }
}

fn wanted_of((path, decoding): WantedWords) -> Wanted {
    let decoding = decoding.map(decoding_of);
    Wanted { path, decoding }
}

#[pymethods]
impl Dataset {
    /// What to call it: the file or object that it comes from.
    #[getter]
    fn label(&self) -> &str {
        self.dataset().label()
    }

    /// Its structure: dimensions, attributes, variables and groups, nested.
    fn structure<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        crate::attributes::structure(py, self.dataset().root())
    }

    /// Read indices along every dimension of a variable: each `(start, count, step)`, or an array of integers. With a
    /// decoding, true values come back, else what is stored.
    #[pyo3(signature = (variable, indices, decoding=None))]
    fn read<'py>(
        &self,
        py: Python<'py>,
        variable: &str,
        indices: Vec<Bound<'py, PyAny>>,
        decoding: Option<DecodingWords>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let indices = indices.iter().map(indices_of).collect::<PyResult<Vec<_>>>()?;
        let mut array = match &self.calls {
            None => py
                .detach(|| read_outer(self.dataset(), variable, &indices))
                .or_raise()?,
            Some(calls) => work::run_among(py, calls, None, |progress| match &self.inner {
                Inner::Any(dataset) => read_outer(dataset.as_ref(), variable, &indices).or_raise(),
                Inner::View(view) => read_outer(&Reading { view, progress }, variable, &indices).or_raise(),
            })?,
        };
        if let Some(decoding) = decoding.map(decoding_of) {
            let decoded = py.detach(|| decode(&array.values, &decoding));
            array.values =
                decoded.ok_or_else(|| PyValueError::new_err("this type cannot be decoded exactly"))?;
        }
        crate::values::to_numpy(py, array)
    }

    /// Read all of a variable, given as path and decoding, while other threads begin those of `next`: what will probably be
    /// asked for after it, in that order. Of a file here; others read variables with several threads by themselves.
    fn read_whole<'py>(
        &self,
        py: Python<'py>,
        wanted: WantedWords,
        next: Vec<WantedWords>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (Inner::Any(dataset), None) = (&self.inner, &self.calls) else {
            return Err(PyValueError::new_err("only files of this machine are read ahead"));
        };
        let ahead = self.ahead.get_or_init(|| {
            OfProcess::new(Arc::new(ReadAhead::new(
                Arc::clone(dataset),
                work::resources(None, None),
            )))
        });
        let wanted = wanted_of(wanted);
        let next: Vec<Wanted> = next.into_iter().map(wanted_of).collect();
        let array = py.detach(|| ahead.read(&wanted, &next)).or_raise()?;
        crate::values::to_numpy(py, array)
    }

    /// Granules that could not be read since this was asked last, and why; they read as fill.
    fn failures(&self) -> Vec<(String, String)> {
        let failures = match &self.inner {
            Inner::Any(_) => Vec::new(),
            Inner::View(view) => view.failures(),
        };
        failures
            .into_iter()
            .map(|failure| (failure.granule, failure.reason))
            .collect()
    }

    /// Of a cube: positions of cycle and pass that have granules, with first and last position of their lines.
    #[pyo3(signature = (group=""))]
    fn cells(&self, group: &str) -> Vec<(usize, usize, usize, usize)> {
        let cells = match &self.inner {
            Inner::Any(_) => Vec::new(),
            Inner::View(view) => view.cells(group),
        };
        cells
            .into_iter()
            .map(|(cycle, pass, lines)| (cycle, pass, lines.start, lines.end))
            .collect()
    }
}

fn indices_of(item: &Bound<'_, PyAny>) -> PyResult<Indices> {
    if let Ok((start, count, step)) = item.extract::<(usize, usize, usize)>() {
        if step == 0 {
            return Err(PyIndexError::new_err("a step of 0"));
        }
        return Ok(Indices::Steps { start, count, step });
    }
    let list: PyReadonlyArray1<'_, i64> = item.extract()?;
    let list = list.as_array();
    let checked: Result<Vec<usize>, _> = list.iter().map(|&index| usize::try_from(index)).collect();
    checked
        .map(Indices::List)
        .map_err(|_| PyIndexError::new_err("a negative index"))
}
