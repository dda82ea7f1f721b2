//! What datasets that join granules have in common, whether they are written or read lazily: groups, dimensions,
//! indices, the schema of each granule, true values, and what they were made of.

use karin_core::{AttrValue, Attributes, DType, Dimension, GroupMeta, Schema, Storage, Values, VariableMeta};
use karin_engine::{Piece, Plan};

/// Attributes that speak of stored numbers and not of true values.
const OF_PACKING: [&str; 7] = [
    "scale_factor",
    "add_offset",
    "valid_min",
    "valid_max",
    "valid_range",
    "missing_value",
    "_Unsigned",
];

/// The group at a path, made with the attributes that granules have where it is not there yet.
pub(crate) fn ensure_group<'a>(
    root: &'a mut GroupMeta,
    structure: &GroupMeta,
    path: &str,
) -> &'a mut GroupMeta {
    let mut group = root;
    let mut known = Some(structure);
    for part in path.split('/').filter(|part| !part.is_empty()) {
        known = known.and_then(|known| known.groups.iter().find(|inner| inner.name == part));
        let at = match group.groups.iter().position(|inner| inner.name == part) {
            Some(at) => at,
            None => {
                group.groups.push(GroupMeta {
                    name: part.to_owned(),
                    attributes: known.map(|known| known.attributes.clone()).unwrap_or_default(),
                    ..GroupMeta::default()
                });
                group.groups.len() - 1
            }
        };
        group = &mut group.groups[at];
    }
    group
}

/// A dimension of fixed length.
pub(crate) fn dimension(name: &str, size: usize) -> Dimension {
    Dimension {
        name: name.to_owned(),
        size,
        unlimited: false,
    }
}

/// Adds the dimensions of a variable that a group does not have yet; `size` tells their lengths.
pub(crate) fn ensure_dimensions(group: &mut GroupMeta, meta: &VariableMeta, size: impl Fn(&str) -> usize) {
    for name in &meta.dimensions {
        if !group.dimensions.iter().any(|known| known.name == *name) {
            group.dimensions.push(dimension(name, size(name)));
        }
    }
}

/// The lengths of a variable's dimensions in its group; 1 for those that it does not have.
pub(crate) fn lengths(group: &GroupMeta, meta: &VariableMeta) -> Vec<usize> {
    let length = |name: &String| {
        let known = group.dimensions.iter().find(|known| known.name == *name);
        known.map_or(1, |known| known.size)
    };
    meta.dimensions.iter().map(length).collect()
}

/// An index of whole numbers along a dimension.
pub(crate) fn index(name: &str, dimension: &str, dtype: DType, long_name: &str) -> VariableMeta {
    VariableMeta {
        name: name.to_owned(),
        dtype,
        dimensions: vec![dimension.to_owned()],
        attributes: [("long_name", long_name)].into_iter().collect(),
        storage: Storage::default(),
    }
}

/// Says which number stands for which schema.
pub(crate) fn describe_schemas(attributes: &mut Attributes, schemas: &[Schema]) {
    let words: Vec<String> = schemas.iter().map(ToString::to_string).collect();
    let values = Values::Int8((0..schemas.len() as i8).collect());
    attributes.set("flag_values", AttrValue::Array(values));
    attributes.set("flag_meanings", words.join(" "));
}

/// The number of a granule's schema; -1 if it has none.
pub(crate) fn schema_of(schemas: &[Schema], piece: &Piece) -> i8 {
    let at = schemas.iter().position(|own| Some(own) == piece.schema.as_ref());
    at.map_or(-1, |at| at as i8)
}

/// Makes the attributes of a stored variable those of its true values, which are NaN where there is none.
pub(crate) fn unpack(attributes: &mut Attributes) {
    for name in OF_PACKING {
        attributes.remove(name);
    }
    attributes.set("_FillValue", AttrValue::number(f64::NAN));
}

/// Says which product, versions and snapshot something was made of.
pub(crate) fn describe_sources(attributes: &mut Attributes, plan: &Plan, pieces: &[Piece]) {
    if let Some(product) = plan.product() {
        attributes.set("source_product", product.name());
    }
    let mut versions: Vec<String> = (pieces.iter())
        .filter_map(|piece| plan.entry(piece)?.version.as_ref().map(ToString::to_string))
        .collect();
    versions.sort_unstable();
    versions.dedup();
    if !versions.is_empty() {
        attributes.set("source_versions", versions.join(" "));
    }
    if let Some(snapshot) = plan.source().snapshot() {
        attributes.set("source_snapshot", snapshot);
    }
}
