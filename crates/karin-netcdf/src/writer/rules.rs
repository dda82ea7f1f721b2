//! The rules of netCDF-4: names, attributes, fill values, chunk shapes, and what this writer does not store.

use std::collections::HashSet;

use karin_core::chunking::default_chunks;
use karin_core::fill::default_fill_bytes;
use karin_core::{
    AttrValue, Attributes, DType, Dimension, Element, FillMode, GroupMeta, Values, VariableMeta,
};

use super::datatype;
use super::plan::Fill;

/// A rule that a structure breaks; the writer adds the file.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) at: String,
    pub(super) reason: String,
    pub(super) is_limit: bool,
}

impl Fault {
    pub(super) fn structure(at: &str, reason: impl Into<String>) -> Self {
        Self {
            at: at.to_owned(),
            reason: reason.into(),
            is_limit: false,
        }
    }

    pub(super) fn limit(at: &str, reason: impl Into<String>) -> Self {
        Self {
            at: at.to_owned(),
            reason: reason.into(),
            is_limit: true,
        }
    }
}

/// Groups inside groups.
pub(super) const DEEPEST: usize = 64;
/// Dimensions of a variable (HDF5's limit is 32, of which chunks use one).
const HIGHEST_RANK: usize = 31;
/// `NC_MAX_NAME`.
const LONGEST_NAME: usize = 256;
/// HDF5 stores a chunk's size in 32 bits.
const LARGEST_CHUNK: u64 = u32::MAX as u64;

/// Attributes that netCDF keeps for itself.
const RESERVED: [&str; 7] = [
    "CLASS",
    "NAME",
    "DIMENSION_LIST",
    "REFERENCE_LIST",
    "_Netcdf4Dimid",
    "_Netcdf4Coordinates",
    "_NCProperties",
];

/// Checks the names of everything in a group.
pub(super) fn check_names(group: &GroupMeta, at: &str) -> Result<(), Fault> {
    let mut dimensions = HashSet::new();
    for Dimension { name, .. } in &group.dimensions {
        check_name(name, at)?;
        if !dimensions.insert(name.as_str()) {
            return Err(Fault::structure(
                at,
                format!("dimension {name:?} is defined twice"),
            ));
        }
    }
    let mut members = HashSet::new();
    let variables = group.variables.iter().map(|variable| &variable.name);
    for name in variables.chain(group.groups.iter().map(|inner| &inner.name)) {
        check_name(name, at)?;
        if !members.insert(name.as_str()) {
            return Err(Fault::structure(at, format!("{name:?} is defined twice")));
        }
    }
    match group
        .groups
        .iter()
        .find(|inner| dimensions.contains(inner.name.as_str()))
    {
        Some(inner) => Err(Fault::structure(
            at,
            format!("{:?} is both a dimension and a group", inner.name),
        )),
        None => Ok(()),
    }
}

/// netCDF's rules for names ("Permitted Characters in NetCDF Names").
fn check_name(name: &str, at: &str) -> Result<(), Fault> {
    let fault = |reason: &str| Err(Fault::structure(at, format!("the name {name:?} {reason}")));
    match name.chars().next() {
        None => return fault("is empty"),
        Some(first) if first.is_ascii() && !first.is_ascii_alphanumeric() && first != '_' => {
            return fault("must begin with a letter, a digit or an underscore");
        }
        Some(_) => {}
    }
    if name.len() > LONGEST_NAME {
        return Err(Fault::limit(
            at,
            format!("a name has {} bytes, more than {LONGEST_NAME}", name.len()),
        ));
    }
    if name.ends_with(' ') {
        return fault("ends with a space");
    }
    if name.contains(|letter: char| letter == '/' || letter.is_ascii_control()) {
        return fault("contains a slash or a control character");
    }
    Ok(())
}

/// Checks names and kinds of attributes.
pub(super) fn check_attributes(attributes: &Attributes, at: &str) -> Result<(), Fault> {
    let mut names = HashSet::new();
    for (name, value) in attributes.iter() {
        let inner = format!("{at}:{name}");
        check_name(name, &inner)?;
        if RESERVED.contains(&name) {
            return Err(Fault::structure(&inner, "netCDF keeps this name for itself"));
        }
        if !names.insert(name) {
            return Err(Fault::structure(&inner, "it is set twice"));
        }
        if value.dtype() == DType::Char && matches!(value, AttrValue::Array(_)) {
            return Err(Fault::structure(&inner, "characters must be given as text"));
        }
    }
    if attributes.len() > usize::from(u16::MAX) {
        return Err(Fault::limit(at, "it has more than 65535 attributes"));
    }
    Ok(())
}

/// The attributes of a variable, with a `_FillValue` of another number type turned into the variable's: classic
/// files have such (Jason's GDRs), netCDF-4 refuses them. It stays as it is where that would change its value.
pub(super) fn attributes(variable: &VariableMeta) -> Attributes {
    let mut attributes = variable.attributes.clone();
    if let Some(AttrValue::Array(values)) = attributes.get("_FillValue")
        && values.dtype() != variable.dtype
        && let Some(&[value]) = values.to_f64().as_deref()
        && let Some(same) = number_of(variable.dtype, value)
    {
        attributes.set("_FillValue", AttrValue::Array(same));
    }
    attributes
}

impl Fault {
    fn fill(at: &str, dtype: DType, found: DType) -> Self {
        let reason = format!("must be one value of type {dtype}, as the variable; it has type {found}");
        Self::structure(&format!("{at}:_FillValue"), reason)
    }
}

/// `value` as a number of that type, if it is one exactly (and below 2^53, where `f64` counts every integer).
fn number_of(dtype: DType, value: f64) -> Option<Values> {
    fn one<T: Element + Copy + NumCast>(value: f64) -> Option<Values> {
        let narrow = T::narrow(value);
        (narrow.widen() == value).then(|| T::wrap(vec![narrow]))
    }
    if value.abs() >= 9_007_199_254_740_992.0 && dtype.is_integer() {
        return None;
    }
    match dtype {
        DType::Int8 => one::<i8>(value),
        DType::UInt8 => one::<u8>(value),
        DType::Int16 => one::<i16>(value),
        DType::UInt16 => one::<u16>(value),
        DType::Int32 => one::<i32>(value),
        DType::UInt32 => one::<u32>(value),
        DType::Int64 => one::<i64>(value),
        DType::UInt64 => one::<u64>(value),
        DType::Float32 => one::<f32>(value),
        DType::Float64 => one::<f64>(value),
        DType::Char | DType::String => None,
    }
}

/// The conversions that `as` does.
trait NumCast {
    fn narrow(value: f64) -> Self;
    fn widen(self) -> f64;
}

macro_rules! num_cast {
    ($($type:ty),*) => {$(
        impl NumCast for $type {
            fn narrow(value: f64) -> Self {
                value as Self
            }
            fn widen(self) -> f64 {
                self as f64
            }
        }
    )*};
}
num_cast!(i8, u8, i16, u16, i32, u32, i64, u64, f32, f64);

/// The fill of a variable: its `_FillValue`, which must have its type, or netCDF's default of the type.
pub(super) fn fill_value(variable: &VariableMeta, attributes: &Attributes, at: &str) -> Result<Fill, Fault> {
    let given = attributes.get("_FillValue");
    if variable.storage.fill == FillMode::NoFill {
        return Ok(Fill::Never);
    }
    let mut bytes = match given {
        None if variable.dtype == DType::String => return Ok(Fill::Text(String::new())),
        None => little_endian(&default_fill_bytes(variable.dtype), variable.dtype),
        Some(AttrValue::Text(text)) if variable.dtype == DType::Char && text.len() <= 1 => {
            vec![text.as_bytes().first().copied().unwrap_or(0)]
        }
        Some(AttrValue::Array(values)) if values.dtype() == variable.dtype && values.len() == 1 => {
            match values {
                Values::String(text) => return Ok(Fill::Text(text.first().cloned().unwrap_or_default())),
                numbers => little_endian(numbers.as_bytes(), numbers.dtype()),
            }
        }
        Some(value) => return Err(Fault::fill(at, variable.dtype, value.dtype())),
    };
    if variable.storage.big_endian {
        bytes.reverse();
    }
    Ok(Fill::Value(bytes))
}

/// Elements in native order, as stored.
pub(super) fn little_endian(elements: &[u8], dtype: DType) -> Vec<u8> {
    let mut bytes = elements.to_vec();
    if cfg!(target_endian = "big") {
        bytes
            .chunks_exact_mut(dtype.size().max(1))
            .for_each(<[u8]>::reverse);
    }
    bytes
}

/// The chunk lengths of a variable, `None` if it is stored in one piece: those that it asks for, cut to its shape;
/// netCDF-C's default where it has none but filters or an unlimited dimension need them.
pub(super) fn chunk_shape(
    variable: &VariableMeta,
    shape: &[u64],
    unlimited: &[bool],
    at: &str,
) -> Result<Option<Vec<u64>>, Fault> {
    if shape.len() > HIGHEST_RANK {
        return Err(Fault::limit(
            at,
            format!("it has {} dimensions, more than {HIGHEST_RANK}", shape.len()),
        ));
    }
    let size = datatype::stored_size(variable.dtype) as u64;
    shape
        .iter()
        .try_fold(size, |product, &count| product.checked_mul(count))
        .ok_or_else(|| {
            Fault::limit(
                at,
                format!("an array of shape {shape:?} is larger than 2^64 bytes"),
            )
        })?;
    let fixed_empty = shape
        .iter()
        .zip(unlimited)
        .any(|(&size, &grows)| size == 0 && !grows);
    if shape.is_empty() || fixed_empty {
        return Ok(None);
    }
    let storage = &variable.storage;
    let needs_chunks =
        unlimited.contains(&true) || storage.deflate.is_some() || storage.shuffle || storage.fletcher32;
    let chunks: Vec<u64> = match &storage.chunks {
        Some(chunks) if chunks.len() == shape.len() => (chunks.iter().zip(shape).zip(unlimited))
            .map(|((&chunk, &size), &grows)| {
                if grows {
                    chunk as u64
                } else {
                    (chunk as u64).min(size)
                }
            })
            .collect(),
        Some(chunks) => {
            let reason = format!("chunks {chunks:?} are given for {} dimensions", shape.len());
            return Err(Fault::structure(at, reason));
        }
        None if needs_chunks => {
            let shape: Vec<usize> = shape.iter().map(|&size| size as usize).collect();
            default_chunks(variable.dtype, &shape, unlimited)
                .into_iter()
                .map(|chunk| chunk as u64)
                .collect()
        }
        None => return Ok(None),
    };
    if chunks.contains(&0) {
        return Err(Fault::structure(
            at,
            format!("chunks {chunks:?} have a length of zero"),
        ));
    }
    match chunks
        .iter()
        .try_fold(size, |product, &chunk| product.checked_mul(chunk))
    {
        Some(bytes) if bytes <= LARGEST_CHUNK => Ok(Some(chunks)),
        _ => Err(Fault::limit(
            at,
            format!("a chunk of {chunks:?} is larger than 4 GiB"),
        )),
    }
}
