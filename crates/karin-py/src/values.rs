//! Arrays as numpy arrays, without a copy.

use karin_core::{Array, Values};
use numpy::{PyArray1, PyArrayMethods as _};
use pyo3::prelude::*;
use pyo3::types::PyList;

/// The array as numpy's: numbers keep their type, characters become `S1`, strings `object`.
pub fn to_numpy<'py>(py: Python<'py>, array: Array) -> PyResult<Bound<'py, PyAny>> {
    let Array { shape, values } = array;
    macro_rules! convert {
        ($($variant:ident),*) => {
            match values {
                $(Values::$variant(values) => {
                    PyArray1::from_vec(py, values).reshape(shape)?.into_any()
                })*
                Values::Char(values) => {
                    let bytes = PyArray1::from_vec(py, values).reshape(shape)?;
                    bytes.call_method1("view", ("S1",))?
                }
                Values::String(texts) => {
                    let list = PyList::new(py, texts)?;
                    let numpy = py.import("numpy")?;
                    let flat = numpy.call_method1("array", (list, "O"))?;
                    flat.call_method1("reshape", (shape,))?
                }
            }
        };
    }
    Ok(convert!(
        Int8, UInt8, Int16, UInt16, Int32, UInt32, Int64, UInt64, Float32, Float64
    ))
}
