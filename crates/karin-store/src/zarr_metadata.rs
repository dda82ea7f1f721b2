//! `zarr.json` of groups and arrays, as stock readers take it.

use base64::Engine as _;
use karin_core::{AttrValue, Attributes, DType, Values};
use serde_json::{Map, Value, json};

/// What the `zarr.json` of an array says.
#[derive(Clone, Debug)]
pub(crate) struct ArrayMetadata<'a> {
    pub(crate) shape: &'a [usize],
    pub(crate) chunks: &'a [usize],
    pub(crate) dimensions: &'a [String],
    pub(crate) dtype: DType,
    pub(crate) fill_value: Value,
    pub(crate) codecs: Value,
    pub(crate) attributes: Map<String, Value>,
}

impl ArrayMetadata<'_> {
    /// The content of the `zarr.json`.
    pub(crate) fn into_json(self) -> Value {
        let data_type = match self.dtype {
            DType::Char => "uint8",
            other => other.name(),
        };
        json!({
            "zarr_format": 3,
            "node_type": "array",
            "shape": self.shape,
            "data_type": data_type,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": self.chunks}},
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
            "fill_value": self.fill_value,
            "codecs": self.codecs,
            "attributes": self.attributes,
            "dimension_names": self.dimensions,
            "storage_transformers": [],
        })
    }
}

/// The content of the `zarr.json` of a group.
pub(crate) fn group(attributes: &Map<String, Value>) -> Value {
    json!({"zarr_format": 3, "node_type": "group", "attributes": attributes})
}

/// Attributes in order, without their netCDF types; `_FillValue` is the array's business.
pub(crate) fn attributes(attributes: &Attributes) -> Map<String, Value> {
    let others = attributes.iter().filter(|(name, _)| *name != "_FillValue");
    others
        .map(|(name, value)| (name.to_owned(), attribute(value)))
        .collect()
}

/// One attribute, without its netCDF type; a list of one is that one.
pub(crate) fn attribute(value: &AttrValue) -> Value {
    let many = match value {
        AttrValue::Text(text) => return text.clone().into(),
        AttrValue::Array(Values::Int64(values)) => values.iter().map(|&value| value.into()).collect(),
        AttrValue::Array(Values::UInt64(values)) => values.iter().map(|&value| value.into()).collect(),
        AttrValue::Array(Values::String(values)) => values.iter().map(|value| value.clone().into()).collect(),
        AttrValue::Array(values) if values.dtype().is_integer() => values
            .to_f64()
            .unwrap_or_default()
            .into_iter()
            .map(|value| (value as i64).into())
            .collect(),
        AttrValue::Array(values) => values
            .to_f64()
            .unwrap_or_default()
            .into_iter()
            .map(float)
            .collect::<Vec<Value>>(),
    };
    match <[Value; 1]>::try_from(many) {
        Ok([one]) => one,
        Err(many) => Value::Array(many),
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

/// One element in native order as Zarr's `fill_value`. Strings have their own.
pub(crate) fn fill_value(dtype: DType, fill: &[u8]) -> Value {
    if let Some(value) = float_of(dtype, fill) {
        return float(value);
    }
    match (dtype, fill) {
        (DType::Int8, &[byte]) => byte.cast_signed().into(),
        (DType::UInt8 | DType::Char, &[byte]) => byte.into(),
        (DType::Int16, &[a, b]) => i16::from_ne_bytes([a, b]).into(),
        (DType::UInt16, &[a, b]) => u16::from_ne_bytes([a, b]).into(),
        (DType::Int32, &[a, b, c, d]) => i32::from_ne_bytes([a, b, c, d]).into(),
        (DType::UInt32, &[a, b, c, d]) => u32::from_ne_bytes([a, b, c, d]).into(),
        (DType::UInt64, fill) => fill.try_into().map_or(0, u64::from_ne_bytes).into(),
        (_, fill) => fill.try_into().map_or(0, i64::from_ne_bytes).into(),
    }
}

/// One element in native order as the attribute that xarray reads from Zarr v3: floats as the base64 of their eight
/// bytes.
pub(crate) fn fill_attribute(dtype: DType, fill: &[u8]) -> Value {
    match float_of(dtype, fill) {
        Some(value) => base64::engine::general_purpose::STANDARD
            .encode(value.to_le_bytes())
            .into(),
        None => fill_value(dtype, fill),
    }
}

fn float_of(dtype: DType, fill: &[u8]) -> Option<f64> {
    match (dtype, fill) {
        (DType::Float32, &[a, b, c, d]) => Some(f64::from(f32::from_ne_bytes([a, b, c, d]))),
        (DType::Float64, fill) => fill.try_into().ok().map(f64::from_ne_bytes),
        _ => None,
    }
}
