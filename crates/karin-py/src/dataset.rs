//! Anything that can be read: a granule file, a granule of a collection, a cube, lines, a result.

use std::path::PathBuf;
use std::sync::Arc;

use karin::netcdf::NcFile;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::OrRaise as _;

/// A netCDF-shaped tree whose arrays can be read.
#[pyclass(frozen, module = "karin._karin")]
pub struct Dataset {
    pub inner: Arc<dyn karin_core::Dataset>,
}

/// Open a netCDF file of any kind.
#[pyfunction]
pub fn open_file(py: Python<'_>, path: PathBuf) -> PyResult<Dataset> {
    let file = py.detach(|| NcFile::open(&path)).or_raise()?;
    Ok(Dataset {
        inner: Arc::new(file),
    })
}

#[pymethods]
impl Dataset {
    /// What to call it: the file or object that it comes from.
    #[getter]
    fn label(&self) -> &str {
        self.inner.label()
    }

    /// Its structure: dimensions, attributes, variables and groups, nested.
    fn structure<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        crate::attributes::structure(py, self.inner.root())
    }

    /// Read `count` elements from `start` along every dimension of a variable, as stored.
    fn read<'py>(
        &self,
        py: Python<'py>,
        variable: &str,
        start: Vec<usize>,
        count: Vec<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let slab = karin_core::Slab { start, count };
        let array = py.detach(|| self.inner.read_slab(variable, &slab)).or_raise()?;
        crate::values::to_numpy(py, array)
    }
}
