//! Attributes and structure, to Python and back.

use karin_core::{AttrValue, Attributes, DType, GroupMeta, Values, VariableMeta};
use numpy::PyArray1;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

/// An attribute as netCDF4-python gives it: text as `str`, one number as a numpy scalar, several as an array.
pub fn attribute<'py>(py: Python<'py>, value: &AttrValue) -> PyResult<Bound<'py, PyAny>> {
    macro_rules! numbers {
        ($values:expr, $($variant:ident),*) => {
            match $values {
                $(Values::$variant(numbers) => {
                    let array = PyArray1::from_slice(py, numbers).into_any();
                    if numbers.len() == 1 { array.get_item(0) } else { Ok(array) }
                })*
                Values::Char(bytes) => Ok(PyString::new(py, &String::from_utf8_lossy(bytes)).into_any()),
                Values::String(texts) => match texts.as_slice() {
                    [text] => Ok(PyString::new(py, text).into_any()),
                    _ => Ok(PyList::new(py, texts)?.into_any()),
                },
            }
        };
    }
    match value {
        AttrValue::Text(text) => Ok(PyString::new(py, text).into_any()),
        AttrValue::Array(values) => numbers!(
            values, Int8, UInt8, Int16, UInt16, Int32, UInt32, Int64, UInt64, Float32, Float64
        ),
    }
}

/// Attributes as a dictionary, in their order.
pub fn attributes<'py>(py: Python<'py>, attributes: &Attributes) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in attributes.iter() {
        dict.set_item(name, attribute(py, value)?)?;
    }
    Ok(dict)
}

/// A group and the groups inside, as nested dictionaries.
pub fn structure<'py>(py: Python<'py>, group: &GroupMeta) -> PyResult<Bound<'py, PyDict>> {
    let dimensions = PyDict::new(py);
    let unlimited = PyList::empty(py);
    for dimension in &group.dimensions {
        dimensions.set_item(&dimension.name, dimension.size)?;
        if dimension.unlimited {
            unlimited.append(&dimension.name)?;
        }
    }
    let variables = PyDict::new(py);
    for meta in &group.variables {
        variables.set_item(&meta.name, variable(py, meta)?)?;
    }
    let groups = PyDict::new(py);
    for inner in &group.groups {
        groups.set_item(&inner.name, structure(py, inner)?)?;
    }
    let dict = PyDict::new(py);
    dict.set_item("dimensions", dimensions)?;
    dict.set_item("unlimited", unlimited)?;
    dict.set_item("attributes", attributes(py, &group.attributes)?)?;
    dict.set_item("variables", variables)?;
    dict.set_item("groups", groups)?;
    Ok(dict)
}

fn variable<'py>(py: Python<'py>, meta: &VariableMeta) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("dtype", meta.dtype.name())?;
    dict.set_item("dimensions", &meta.dimensions)?;
    dict.set_item("attributes", attributes(py, &meta.attributes)?)?;
    let storage = &meta.storage;
    dict.set_item("chunks", storage.chunks.clone())?;
    dict.set_item("shuffle", storage.shuffle)?;
    dict.set_item("deflate", storage.deflate)?;
    dict.set_item("fletcher32", storage.fletcher32)?;
    dict.set_item("big_endian", storage.big_endian)?;
    Ok(dict)
}

/// Attributes that Python gives: text, numbers, and lists of either.
pub fn from_python(dict: &Bound<'_, PyDict>) -> PyResult<Attributes> {
    let mut attributes = Attributes::new();
    for (name, value) in dict.iter() {
        attributes.set(name.extract::<String>()?, value_of(&value)?);
    }
    Ok(attributes)
}

fn value_of(value: &Bound<'_, PyAny>) -> PyResult<AttrValue> {
    if let Ok(text) = value.extract::<String>() {
        return Ok(AttrValue::Text(text));
    }
    // Numbers one by one, so that 64-bit integers stay whole.
    let list: Vec<Bound<'_, PyAny>> = match value.try_iter() {
        Ok(items) => items.collect::<PyResult<_>>()?,
        Err(_) => vec![value.clone()],
    };
    if let Ok(numbers) = all::<i64>(&list) {
        return Ok(AttrValue::Array(Values::Int64(numbers)));
    }
    if let Ok(numbers) = all::<u64>(&list) {
        return Ok(AttrValue::Array(Values::UInt64(numbers)));
    }
    if let Ok(numbers) = all::<f64>(&list) {
        return Ok(AttrValue::Array(Values::Float64(numbers)));
    }
    match all::<String>(&list) {
        Ok(texts) => Ok(AttrValue::Array(Values::String(texts))),
        Err(_) => Err(PyTypeError::new_err(
            "attributes are text, numbers, or lists of either",
        )),
    }
}

fn all<'py, T: for<'a> FromPyObject<'a, 'py>>(list: &[Bound<'py, PyAny>]) -> Result<Vec<T>, ()> {
    list.iter()
        .map(|item| item.extract::<T>().map_err(|_| ()))
        .collect()
}

/// A variable of that name, type and attributes.
pub fn variable_of(name: &str, dtype: &str, attributes: &Bound<'_, PyDict>) -> PyResult<VariableMeta> {
    Ok(VariableMeta {
        name: name.to_owned(),
        dtype: DType::from_name(dtype).unwrap_or(DType::Float64),
        dimensions: Vec::new(),
        attributes: from_python(attributes)?,
        storage: karin_core::Storage::default(),
    })
}
