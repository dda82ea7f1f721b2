//! What flags, quality levels and names mean: the library's truth, for datasets that others opened.

use karin::info::Identity;
use karin_core::quality::{GateRule, QualityLevel};
use karin_core::{FlagKind, FlagTable, GroupMeta, gate_of};
use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::attributes::{from_python, variable_of};

/// What gates a variable.
#[pyfunction]
#[pyo3(signature = (name, variables))]
pub fn quality_gate(name: &str, variables: &Bound<'_, PyDict>) -> PyResult<Option<(String, &'static str)>> {
    let group = group_of(variables)?;
    let Some(variable) = group.variables.iter().find(|variable| variable.name == name) else {
        return Ok(None);
    };
    Ok(gate_of(&group, variable).map(|gate| (gate.flag_variable, rule_name(gate.rule))))
}

/// `{name: (dtype, attributes)}` as a group.
fn group_of(variables: &Bound<'_, PyDict>) -> PyResult<GroupMeta> {
    let mut group = GroupMeta::default();
    for (name, about) in variables.iter() {
        let (dtype, attributes): (String, Bound<'_, PyDict>) = about.extract()?;
        group
            .variables
            .push(variable_of(&name.extract::<String>()?, &dtype, &attributes)?);
    }
    Ok(group)
}

const fn rule_name(rule: GateRule) -> &'static str {
    match rule {
        GateRule::Bits => "bits",
        GateRule::CrossoverCorrection => "crossover_correction",
        GateRule::Level3 => "level3",
    }
}

/// Where a gate keeps values: `raw` are the stored numbers of the flag variable (NaN and negative numbers keep nothing
/// but at "any").
#[pyfunction]
pub fn quality_keeps<'py>(
    py: Python<'py>,
    rule: &str,
    level: &str,
    raw: PyReadonlyArray1<'py, f64>,
) -> PyResult<Bound<'py, PyArray1<bool>>> {
    let rule = match rule {
        "bits" => GateRule::Bits,
        "crossover_correction" => GateRule::CrossoverCorrection,
        "level3" => GateRule::Level3,
        other => {
            let text = format!("{other:?} is not a rule (expected bits, crossover_correction or level3)");
            return Err(PyValueError::new_err(text));
        }
    };
    let level: QualityLevel = level
        .parse()
        .map_err(|error: karin_core::quality::QualityError| {
            crate::errors::raise(karin_core::ErrorKind::InvalidArgument, &error.to_string())
        })?;
    let keeps = |value: &f64| match level {
        QualityLevel::Any => true,
        _ if value.is_nan() || *value < 0.0 => false,
        _ => rule.keeps(*value as u64, level),
    };
    let kept: Vec<bool> = raw.as_slice()?.iter().map(keeps).collect();
    Ok(PyArray1::from_vec(py, kept))
}

/// The names of a flag variable with the bits that count for each and what they are where it holds.
#[pyfunction]
pub fn decode_flags<'py>(
    py: Python<'py>,
    dtype: &str,
    attributes: &Bound<'py, PyDict>,
) -> PyResult<Option<Bound<'py, PyDict>>> {
    let Some(table) = FlagTable::of(&variable_of("flag", dtype, attributes)?) else {
        return Ok(None);
    };
    let dict = PyDict::new(py);
    let kind = match table.kind() {
        FlagKind::Bits => "bits",
        FlagKind::Values => "values",
        FlagKind::Fields => "fields",
    };
    dict.set_item("kind", kind)?;
    let flags = table.flags();
    dict.set_item("names", PyList::new(py, flags.iter().map(|flag| &flag.name))?)?;
    dict.set_item("masks", PyList::new(py, flags.iter().map(|flag| flag.mask))?)?;
    dict.set_item("values", PyList::new(py, flags.iter().map(|flag| flag.value))?)?;
    Ok(Some(dict))
}

/// The derived quantities that a set of variables allows, each with the expression that makes it.
#[pyfunction]
pub fn canonical_names(variables: Vec<String>) -> Vec<(String, String)> {
    let variables = variables
        .into_iter()
        .map(|name| karin_core::VariableMeta {
            name,
            dtype: karin_core::DType::Float64,
            dimensions: Vec::new(),
            attributes: karin_core::Attributes::new(),
            storage: karin_core::Storage::default(),
        })
        .collect();
    let group = GroupMeta {
        variables,
        ..GroupMeta::default()
    };
    karin::engine::derive::built_in(&group)
        .into_iter()
        .map(|definition| {
            let text = definition.expression.text().trim().to_owned();
            (definition.name, text)
        })
        .collect()
}

/// What granule a file is by its name (may be empty) and its global attributes, as JSON with `warnings`.
#[pyfunction]
pub fn identify(file_name: &str, attributes: &Bound<'_, PyDict>) -> PyResult<String> {
    let (identity, warnings) = Identity::of(file_name, &from_python(attributes)?);
    let json = serde_json::to_value(identity).and_then(|mut value| {
        value["warnings"] = serde_json::to_value(warnings)?;
        serde_json::to_string(&value)
    });
    json.map_err(|error| PyValueError::new_err(error.to_string()))
}

/// The outlines of the land: one array of (longitude, latitude) pairs, flat, per ring.
#[pyfunction]
pub fn land(py: Python<'_>, fine: bool) -> PyResult<Bound<'_, PyList>> {
    let rings = karin::plot::land(fine);
    let arrays = rings.into_iter().map(|ring| {
        let flat: Vec<f64> = ring.into_iter().flat_map(|(x, y)| [x, y]).collect();
        PyArray1::from_vec(py, flat)
    });
    PyList::new(py, arrays.collect::<Vec<_>>())
}
