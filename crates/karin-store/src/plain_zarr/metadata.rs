//! `zarr.json` of groups and arrays, as stock readers take it.

use base64::Engine as _;
use karin_core::packing::{Number, default_fill};
use karin_core::{AttrValue, Attributes, DType, GroupMeta, Values, VariableMeta};
use serde_json::{Map, Value, json};

use super::array::{ZarrArray, refused};
use crate::StoreError;

/// Names that Zarr gives a meaning of its own, or that cannot be folders.
pub(super) fn check_name(name: &str, path: &str) -> Result<(), StoreError> {
    let reserved =
        name.is_empty() || name.contains('/') || name.starts_with("__") || ["c", "zarr.json"].contains(&name);
    if reserved || name.bytes().all(|byte| byte == b'.') {
        return Err(refused(path, format!("{name:?} cannot be a name in a Zarr")));
    }
    Ok(())
}

pub(super) fn group(group: &GroupMeta) -> Value {
    json!({"zarr_format": 3, "node_type": "group", "attributes": attributes(&group.attributes)})
}

pub(super) fn array(variable: &VariableMeta, array: &ZarrArray) -> Value {
    let data_type = match variable.dtype {
        DType::Char => "uint8",
        other => other.name(),
    };
    let codecs = match variable.dtype {
        DType::String => json!([{"name": "vlen-utf8"}, {"name": "crc32c"}]),
        _ => array.codec.to_zarr(array.shape.len()),
    };
    let mut attributes = attributes(&variable.attributes);
    if variable.attributes.get("_FillValue").is_some() {
        attributes.insert("_FillValue".into(), fill_attribute(variable, &array.fill));
    }
    json!({
        "zarr_format": 3,
        "node_type": "array",
        "shape": array.shape,
        "data_type": data_type,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": array.chunks}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": fill_value(variable, &array.fill),
        "codecs": codecs,
        "attributes": attributes,
        "dimension_names": variable.dimensions,
        "storage_transformers": [],
    })
}

/// Attributes in order, without their netCDF types; `_FillValue` is the array's business.
pub(super) fn attributes(attributes: &Attributes) -> Map<String, Value> {
    attributes
        .iter()
        .filter(|(name, _)| *name != "_FillValue")
        .map(|(name, value)| (name.to_owned(), json_of(value)))
        .collect()
}

fn json_of(value: &AttrValue) -> Value {
    let values = match value {
        AttrValue::Text(text) => return text.clone().into(),
        AttrValue::Array(values) => values,
    };
    let mut many: Vec<Value> = match values {
        Values::Int64(values) => values.iter().map(|&value| value.into()).collect(),
        Values::UInt64(values) => values.iter().map(|&value| value.into()).collect(),
        Values::String(values) => values.iter().map(|value| value.clone().into()).collect(),
        other if other.dtype().is_float() => other
            .to_f64()
            .unwrap_or_default()
            .into_iter()
            .map(float)
            .collect(),
        other => other
            .to_f64()
            .unwrap_or_default()
            .into_iter()
            .map(|value| (value as i64).into())
            .collect(),
    };
    match many.pop() {
        Some(one) if many.is_empty() => one,
        Some(last) => {
            many.push(last);
            Value::Array(many)
        }
        None => Value::Array(many),
    }
}

/// A number, or the word that Zarr has for what JSON has none for.
fn float(value: f64) -> Value {
    match serde_json::Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value.is_nan() => "NaN".into(),
        None if value > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    }
}

/// The element that was never written: `_FillValue`, else netCDF's default of the type.
pub(super) fn fill_bytes(variable: &VariableMeta) -> Vec<u8> {
    let dtype = variable.dtype;
    match variable.attributes.get("_FillValue") {
        Some(AttrValue::Array(values)) if values.dtype() == dtype && values.len() == 1 => {
            return values.as_bytes().to_vec();
        }
        Some(AttrValue::Text(text)) if dtype == DType::Char => {
            return vec![text.bytes().next().unwrap_or(0)];
        }
        _ => {}
    }
    let mut bytes = match default_fill(dtype) {
        Some(Number::Signed(value)) => value.to_le_bytes().to_vec(),
        Some(Number::Unsigned(value)) => value.to_le_bytes().to_vec(),
        Some(Number::Float(value)) if dtype == DType::Float32 => (value as f32).to_le_bytes().to_vec(),
        Some(Number::Float(value)) => value.to_le_bytes().to_vec(),
        None => vec![0; 8],
    };
    bytes.truncate(dtype.size());
    bytes
}

/// As Zarr's `fill_value`.
fn fill_value(variable: &VariableMeta, fill: &[u8]) -> Value {
    if variable.dtype == DType::String {
        return variable.attributes.text("_FillValue").unwrap_or_default().into();
    }
    let mut wide = [0; 8];
    for (to, from) in wide.iter_mut().zip(fill) {
        *to = *from;
    }
    let unsigned = u64::from_le_bytes(wide);
    let unused = 64 - 8 * fill.len().clamp(1, 8) as u32;
    match variable.dtype {
        DType::Float32 => float(f64::from(f32::from_bits(unsigned as u32))),
        DType::Float64 => float(f64::from_bits(unsigned)),
        DType::UInt8 | DType::UInt16 | DType::UInt32 | DType::UInt64 | DType::Char => unsigned.into(),
        _ => ((unsigned << unused).cast_signed() >> unused).into(),
    }
}

/// As the attribute that xarray reads from Zarr v3: floats as the base64 of their eight bytes.
fn fill_attribute(variable: &VariableMeta, fill: &[u8]) -> Value {
    let value = match variable.dtype {
        DType::Float32 => fill
            .try_into()
            .map_or(0.0, |bytes| f64::from(f32::from_le_bytes(bytes))),
        DType::Float64 => fill.try_into().map_or(0.0, f64::from_le_bytes),
        _ => return fill_value(variable, fill),
    };
    base64::engine::general_purpose::STANDARD
        .encode(value.to_le_bytes())
        .into()
}
