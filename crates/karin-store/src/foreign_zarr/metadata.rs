//! Consolidated metadata of formats 2 and 3 as the structure of a dataset.

use std::collections::HashMap;

use base64::Engine as _;
use karin_core::{
    AttrValue, Attributes, DType, Dimension, Element, GroupMeta, Storage, Values, VariableMeta,
};
use serde_json::{Map, Value};

use super::codecs::Codecs;
use super::{ForeignArray, Keys};

/// Elements that a chunk may have at most, in bytes: a size that is announced is allocated.
const LARGEST_CHUNK: usize = 1 << 30;

/// What a store has.
pub(super) struct Parsed {
    pub root: GroupMeta,
    pub arrays: HashMap<String, ForeignArray>,
    pub left_out: Vec<(String, String)>,
}

/// Reads `.zmetadata` (format 2) or `zarr.json` (format 3).
pub(super) fn parse(text: &[u8], is_new: bool) -> Result<Parsed, String> {
    let document: Value = serde_json::from_slice(text).map_err(|error| format!("broken JSON: {error}"))?;
    let place = if is_new {
        "/consolidated_metadata/metadata"
    } else {
        "/metadata"
    };
    let nodes = document.pointer(place).and_then(Value::as_object);
    let nodes = nodes.ok_or("it has no consolidated metadata")?;
    let mut parsed = Parsed {
        root: GroupMeta::default(),
        arrays: HashMap::new(),
        left_out: Vec::new(),
    };
    let empty = Map::new();
    let of_root = match is_new {
        true => document.get("attributes"),
        false => nodes.get(".zattrs"),
    };
    parsed.root.attributes = attributes(of_root.and_then(Value::as_object).unwrap_or(&empty), None);
    for (key, node) in nodes {
        let (name, words) = if is_new {
            if node.get("node_type").and_then(Value::as_str) != Some("array") {
                continue;
            }
            (key.as_str(), node.get("attributes"))
        } else {
            let Some(name) = key.strip_suffix("/.zarray") else {
                continue;
            };
            (name, nodes.get(&format!("{name}/.zattrs")))
        };
        // Groups within groups are none of a grid.
        if name.contains('/') {
            continue;
        }
        let words = words.and_then(Value::as_object).unwrap_or(&empty);
        let added =
            array(node, is_new).and_then(|(dtype, array)| add(&mut parsed, name, node, words, dtype, array));
        if let Err(reason) = added {
            parsed.left_out.push((name.to_owned(), reason));
        }
    }
    if parsed.arrays.is_empty() {
        return Err("it has no array that can be read".to_owned());
    }
    Ok(parsed)
}

/// Type, shape, chunks and codecs of an array.
fn array(node: &Value, is_new: bool) -> Result<(DType, ForeignArray), String> {
    let numbers = |value: Option<&Value>| -> Option<Vec<usize>> {
        let list = value?.as_array()?.iter();
        list.map(|number| usize::try_from(number.as_u64()?).ok())
            .collect()
    };
    let shape = numbers(node.get("shape")).ok_or("it has no shape")?;
    let chunks = match is_new {
        true => node.pointer("/chunk_grid/configuration/chunk_shape"),
        false => node.get("chunks"),
    };
    let chunks = numbers(chunks).filter(|chunks| chunks.len() == shape.len() && !chunks.contains(&0));
    let chunks = chunks.ok_or("it has no regular chunks")?;
    let (dtype, codecs) = if is_new {
        let name = node.get("data_type").and_then(Value::as_str).unwrap_or("none");
        let dtype = DType::from_name(name).filter(|dtype| dtype.is_numeric());
        (
            dtype.ok_or_else(|| format!("its type {name} is no number"))?,
            Codecs::of_format3(node)?,
        )
    } else {
        let name = node.get("dtype").and_then(Value::as_str).unwrap_or("none");
        let (dtype, swapped) = type_of(name).ok_or_else(|| format!("its type {name} is no number"))?;
        (dtype, Codecs::of_format2(node, swapped)?)
    };
    let element = dtype.size();
    let bytes = chunks
        .iter()
        .try_fold(element, |bytes, length| bytes.checked_mul(*length));
    if bytes.is_none_or(|bytes| bytes > LARGEST_CHUNK) {
        return Err(format!("a chunk of {chunks:?} elements is larger than 1 GiB"));
    }
    let separator = match is_new {
        true => node.pointer("/chunk_key_encoding/configuration/separator"),
        false => node.get("dimension_separator"),
    };
    let is_v2_keyed = node.pointer("/chunk_key_encoding/name").and_then(Value::as_str) == Some("v2");
    let usual = if is_new && !is_v2_keyed { "/" } else { "." };
    let keys = Keys {
        prefix: if is_new && !is_v2_keyed { "c/" } else { "" },
        separator: separator.and_then(Value::as_str).unwrap_or(usual).to_owned(),
    };
    let fill = node.get("fill_value").and_then(|value| number(value, dtype));
    let array = ForeignArray {
        fill: fill.map_or_else(|| vec![0; element], |fill| fill.as_bytes().to_vec()),
        shape,
        chunks,
        element,
        codecs,
        keys,
    };
    Ok((dtype, array))
}

/// `<f4`, `|i1`, `>u2`: the type, and whether it is big-endian.
fn type_of(name: &str) -> Option<(DType, bool)> {
    let (order, kind) = name.split_at_checked(1)?;
    let dtype = match kind {
        "i1" => DType::Int8,
        "u1" | "b1" => DType::UInt8,
        "i2" => DType::Int16,
        "u2" => DType::UInt16,
        "i4" => DType::Int32,
        "u4" => DType::UInt32,
        "i8" => DType::Int64,
        "u8" => DType::UInt64,
        "f4" => DType::Float32,
        "f8" => DType::Float64,
        _ => return None,
    };
    matches!(order, "<" | ">" | "|").then_some((dtype, order == ">"))
}

fn add(
    parsed: &mut Parsed,
    name: &str,
    node: &Value,
    words: &Map<String, Value>,
    dtype: DType,
    array: ForeignArray,
) -> Result<(), String> {
    let names = words
        .get("_ARRAY_DIMENSIONS")
        .or_else(|| node.get("dimension_names"));
    let names: Option<Vec<String>> = (names.and_then(Value::as_array)).and_then(|names| {
        names
            .iter()
            .map(|name| name.as_str().map(ToOwned::to_owned))
            .collect()
    });
    let names = names.filter(|names| names.len() == array.shape.len());
    let names = names.ok_or("its dimensions have no names")?;
    for (dimension, size) in names.iter().zip(&array.shape) {
        match parsed
            .root
            .dimensions
            .iter()
            .find(|known| known.name == *dimension)
        {
            Some(known) if known.size != *size => {
                return Err(format!("{dimension} has {size} places, elsewhere {}", known.size));
            }
            Some(_) => {}
            None => parsed.root.dimensions.push(Dimension {
                name: dimension.clone(),
                size: *size,
                unlimited: false,
            }),
        }
    }
    let mut attributes = attributes(words, Some(dtype));
    // Format 2 keeps the fill value of its variables beside the attributes; in format 3 that of the array is only what
    // was never written.
    let is_new = node.get("zarr_format").and_then(Value::as_u64) == Some(3);
    let is_coordinate = names.len() == 1 && names.first().is_some_and(|first| first == name);
    if attributes.get("_FillValue").is_none()
        && !is_new
        && !is_coordinate
        && let Some(fill) = node.get("fill_value").and_then(|value| number(value, dtype))
    {
        attributes.set("_FillValue", AttrValue::Array(fill));
    }
    parsed.root.variables.push(VariableMeta {
        name: name.to_owned(),
        dtype,
        dimensions: names,
        attributes,
        storage: Storage {
            chunks: (!array.shape.is_empty()).then(|| array.chunks.clone()),
            shuffle: dtype.size() > 1,
            deflate: (!array.shape.is_empty()).then_some(1),
            ..Storage::default()
        },
    });
    parsed.arrays.insert(name.to_owned(), array);
    Ok(())
}

/// Attributes of JSON with the types that CF asks for: values of the variable's kind have its type.
fn attributes(words: &Map<String, Value>, dtype: Option<DType>) -> Attributes {
    const OF_THE_VARIABLE: [&str; 7] = [
        "_FillValue",
        "missing_value",
        "valid_min",
        "valid_max",
        "valid_range",
        "flag_values",
        "flag_masks",
    ];
    let mut attributes = Attributes::default();
    for (name, value) in words {
        if name == "_ARRAY_DIMENSIONS" {
            continue;
        }
        let typed = dtype.filter(|_| OF_THE_VARIABLE.contains(&name.as_str()));
        let found = match (value, typed) {
            (Value::String(text), None) => Some(AttrValue::Text(text.clone())),
            (Value::Array(list), Some(dtype)) => many(list, dtype).map(AttrValue::Array),
            (value, Some(dtype)) => number(value, dtype).map(AttrValue::Array),
            (value, None) => plain(value),
        };
        if let Some(found) = found {
            attributes.set(name.clone(), found);
        }
    }
    attributes
}

/// Numbers as `int` where they fit, else as `int64` or `double`; what netCDF has no type for as its JSON.
fn plain(value: &Value) -> Option<AttrValue> {
    let list = match value {
        Value::Null => return None,
        Value::Bool(flag) => return Some(AttrValue::number(i8::from(*flag))),
        Value::Array(list) if !list.is_empty() => list.clone(),
        Value::Number(_) => vec![value.clone()],
        other => return Some(AttrValue::Text(other.to_string())),
    };
    if let Some(texts) = list.iter().map(Value::as_str).collect::<Option<Vec<_>>>() {
        return Some(AttrValue::Text(texts.join(" ")));
    }
    let is_whole = list.iter().all(|value| value.as_i64().is_some());
    let is_small = list
        .iter()
        .all(|value| value.as_i64().is_some_and(|value| i32::try_from(value).is_ok()));
    let dtype = match (is_small, is_whole) {
        (true, _) => DType::Int32,
        (false, true) => DType::Int64,
        _ => DType::Float64,
    };
    match many(&list, dtype) {
        Some(values) => Some(AttrValue::Array(values)),
        None => Some(AttrValue::Text(value.to_string())),
    }
}

fn many(list: &[Value], dtype: DType) -> Option<Values> {
    let mut values = Values::zeros(dtype, list.len());
    let size = dtype.size();
    for (value, out) in list
        .iter()
        .zip(values.as_bytes_mut().chunks_exact_mut(size.max(1)))
    {
        out.copy_from_slice(number(value, dtype)?.as_bytes());
    }
    Some(values)
}

/// One number of a type: a JSON number, `NaN`, `Infinity`, or the base64 of its bytes as xarray writes it.
fn number(value: &Value, dtype: DType) -> Option<Values> {
    fn cast<T: Element + TryFrom<i128>>(value: &Value) -> Option<T> {
        let whole = value
            .as_i64()
            .map(i128::from)
            .or_else(|| value.as_u64().map(i128::from));
        let whole = whole.or_else(|| {
            value
                .as_f64()
                .filter(|float| float.fract() == 0.0)
                .map(|float| float as i128)
        });
        T::try_from(whole?).ok()
    }
    let float = || match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            text => {
                let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
                Some(f64::from_le_bytes(bytes.try_into().ok()?))
            }
        },
        _ => None,
    };
    Some(match dtype {
        DType::Int8 => Values::Int8(vec![cast(value)?]),
        DType::UInt8 => Values::UInt8(vec![cast(value)?]),
        DType::Int16 => Values::Int16(vec![cast(value)?]),
        DType::UInt16 => Values::UInt16(vec![cast(value)?]),
        DType::Int32 => Values::Int32(vec![cast(value)?]),
        DType::UInt32 => Values::UInt32(vec![cast(value)?]),
        DType::Int64 => Values::Int64(vec![cast(value)?]),
        DType::UInt64 => Values::UInt64(vec![cast(value)?]),
        DType::Float32 => Values::Float32(vec![float()? as f32]),
        DType::Float64 => Values::Float64(vec![float()?]),
        DType::Char | DType::String => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_of_format_2_becomes_a_dataset() {
        let text = br#"{"zarr_consolidated_format": 1, "metadata": {".zattrs": {"title": "sea level", "n": 3}, ".zgroup": {"zarr_format": 2},
            "sla/.zarray": {"shape": [4, 6], "chunks": [2, 3], "dtype": "<i2", "fill_value": -32767, "order": "C", "filters": null,
                "compressor": {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1}, "zarr_format": 2},
            "sla/.zattrs": {"_ARRAY_DIMENSIONS": ["latitude", "longitude"], "scale_factor": 0.0001, "valid_min": -100, "odd": {"a": 1}},
            "odd/.zarray": {"shape": [4], "chunks": [4], "dtype": "|O", "fill_value": null, "order": "C", "filters": null, "compressor": null},
            "odd/.zattrs": {"_ARRAY_DIMENSIONS": ["latitude"]}}}"#;
        let parsed = parse(text, false).unwrap();
        let variable = parsed.root.variable("sla").unwrap();
        assert_eq!(variable.dimensions, ["latitude", "longitude"]);
        assert_eq!(
            variable.attributes.get("_FillValue"),
            Some(&AttrValue::number(-32767i16))
        );
        assert_eq!(
            variable.attributes.get("valid_min"),
            Some(&AttrValue::number(-100i16))
        );
        assert_eq!(variable.attributes.number("scale_factor"), Some(0.0001));
        assert_eq!(parsed.root.attributes.get("n"), Some(&AttrValue::number(3i32)));
        assert_eq!(parsed.left_out.len(), 1);
        assert!(parse(b"{", false).is_err() && parse(b"{}", true).is_err());
    }
}
