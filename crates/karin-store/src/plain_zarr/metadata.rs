//! Groups and arrays of a folder as `zarr.json`.

use karin_core::{DType, GroupMeta, VariableMeta};
use serde_json::{Value, json};

use super::array::{ZarrArray, refused};
use crate::StoreError;
use crate::zarr_metadata::{self, ArrayMetadata};

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
    zarr_metadata::group(&zarr_metadata::attributes(&group.attributes))
}

pub(super) fn array(variable: &VariableMeta, array: &ZarrArray) -> Value {
    let is_text = variable.dtype == DType::String;
    let mut attributes = zarr_metadata::attributes(&variable.attributes);
    let text = variable.attributes.text("_FillValue");
    let fill_value = if is_text {
        text.unwrap_or_default().into()
    } else {
        zarr_metadata::fill_value(variable.dtype, &array.fill)
    };
    if variable.attributes.get("_FillValue").is_some() {
        let as_attribute = if is_text {
            fill_value.clone()
        } else {
            zarr_metadata::fill_attribute(variable.dtype, &array.fill)
        };
        attributes.insert("_FillValue".into(), as_attribute);
    }
    ArrayMetadata {
        shape: &array.shape,
        chunks: &array.chunks,
        dimensions: &variable.dimensions,
        dtype: variable.dtype,
        fill_value,
        codecs: if is_text {
            json!([{"name": "vlen-utf8"}, {"name": "crc32c"}])
        } else {
            array.codec.to_zarr(array.shape.len())
        },
        attributes,
    }
    .into_json()
}
