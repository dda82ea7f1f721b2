//! Dimensions, variables and flags of a file, and how they differ from those of its product.

use karin_core::flags::{FlagKind, FlagTable};
use karin_core::{GroupMeta, Number, Packing, VariableMeta, granule_structure};
use serde::Serialize;

use super::Identity;

/// A dimension.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DimensionInfo {
    /// Path: `num_lines`, `left/num_lines`.
    pub path: String,
    /// Length.
    pub size: usize,
    /// True if it may grow.
    pub unlimited: bool,
}

/// A variable: everything but its values.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VariableInfo {
    /// Path: `time`, `left/time`.
    pub path: String,
    /// Type on disk.
    #[serde(rename = "type")]
    pub dtype: karin_core::DType,
    /// Names of its dimensions.
    pub dimensions: Vec<String>,
    /// Their lengths.
    pub shape: Vec<usize>,
    /// `units` attribute.
    pub units: Option<String>,
    /// `long_name` attribute.
    pub long_name: Option<String>,
    /// Value of one stored unit; 1 if not packed.
    pub scale_factor: f64,
    /// Value of stored zero.
    pub add_offset: f64,
    /// What a missing value is stored as (stated, or netCDF's default).
    pub fill: Option<String>,
    /// Chunk lengths; `None` = contiguous.
    pub chunks: Option<Vec<usize>>,
    /// Filters in the order in which they were applied: `shuffle`, `deflate 4`.
    pub filters: Vec<String>,
    /// Bytes of the array.
    pub raw_bytes: u64,
    /// Bytes in the file; `None` if the index of its chunks cannot be read, and in collections.
    pub stored_bytes: Option<u64>,
}

/// What the numbers of a flag variable mean.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FlagInfo {
    /// Path of the variable.
    pub path: String,
    /// `bits` (several at once), `values` (one at a time) or `fields` (both).
    pub kind: &'static str,
    /// The names.
    pub meanings: Vec<FlagMeaning>,
}

/// One name of a flag variable: it holds where `raw & mask == value`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FlagMeaning {
    /// Name.
    pub name: String,
    /// Bits that count.
    pub mask: u64,
    /// What they are.
    pub value: u64,
}

/// How a file differs from a whole granule of its product and schema.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ProductDifference {
    /// Variables that the product has and the file has not.
    pub missing: Vec<String>,
    /// Variables that only the file has.
    pub added: Vec<String>,
    /// Variables of another type, packing or fill.
    pub repacked: Vec<String>,
    /// Lines of the file and of a whole granule, where they differ.
    pub lines: Option<(usize, usize)>,
}

impl ProductDifference {
    /// True if there is none.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

pub(super) fn dimensions(root: &GroupMeta) -> Vec<DimensionInfo> {
    fn collect(group: &GroupMeta, prefix: &str, found: &mut Vec<DimensionInfo>) {
        found.extend(group.dimensions.iter().map(|dimension| DimensionInfo {
            path: format!("{prefix}{}", dimension.name),
            size: dimension.size,
            unlimited: dimension.unlimited,
        }));
        for inner in &group.groups {
            collect(inner, &format!("{prefix}{}/", inner.name), found);
        }
    }
    let mut found = Vec::new();
    collect(root, "", &mut found);
    found
}

/// The variables of a tree; `stored` says how many bytes one of a path and so many raw bytes takes where it lies.
pub(super) fn variables(root: &GroupMeta, stored: impl Fn(&str, u64) -> Option<u64>) -> Vec<VariableInfo> {
    let describe = |path: String| {
        let variable = root.variable(&path)?;
        let shape = root.shape(&path)?;
        let packing = Packing::of(variable);
        let elements = shape
            .iter()
            .fold(1_u64, |product, size| product.saturating_mul(*size as u64));
        let raw_bytes = elements.saturating_mul(variable.dtype.size() as u64);
        let stored_bytes = stored(&path, raw_bytes);
        Some(VariableInfo {
            dtype: variable.dtype,
            dimensions: variable.dimensions.clone(),
            shape,
            units: variable.attributes.text("units").map(str::to_owned),
            long_name: variable.attributes.text("long_name").map(str::to_owned),
            scale_factor: packing.as_ref().map_or(1.0, |packing| packing.scale),
            add_offset: packing.as_ref().map_or(0.0, |packing| packing.offset),
            fill: packing.and_then(|packing| packing.fill).map(number),
            chunks: variable.storage.chunks.clone(),
            filters: filters(variable),
            raw_bytes,
            stored_bytes,
            path,
        })
    };
    root.variable_paths().into_iter().filter_map(describe).collect()
}

fn number(number: Number) -> String {
    match number {
        Number::Signed(value) => value.to_string(),
        Number::Unsigned(value) => value.to_string(),
        Number::Float(value) if value.abs() >= 1e9 => format!("{value:e}"),
        Number::Float(value) => value.to_string(),
    }
}

fn filters(variable: &VariableMeta) -> Vec<String> {
    let storage = &variable.storage;
    let mut filters = Vec::new();
    if storage.shuffle {
        filters.push("shuffle".to_owned());
    }
    if let Some(level) = storage.deflate {
        filters.push(format!("deflate {level}"));
    }
    if storage.fletcher32 {
        filters.push("fletcher32".to_owned());
    }
    filters
}

pub(super) fn flags(root: &GroupMeta) -> Vec<FlagInfo> {
    let describe = |path: String| {
        let table = FlagTable::of(root.variable(&path)?)?;
        let kind = match table.kind() {
            FlagKind::Bits => "bits",
            FlagKind::Values => "values",
            FlagKind::Fields => "fields",
        };
        let meaning = |flag: &karin_core::flags::Flag| FlagMeaning {
            name: flag.name.clone(),
            mask: flag.mask,
            value: flag.value,
        };
        Some(FlagInfo {
            path,
            kind,
            meanings: table.flags().iter().map(meaning).collect(),
        })
    };
    root.variable_paths().into_iter().filter_map(describe).collect()
}

/// Compares with the product's structure, where it is known.
pub(super) fn difference(identity: &Identity, root: &GroupMeta) -> Option<ProductDifference> {
    let structure = granule_structure(identity.product?, &identity.schema?)?;
    let (whole, present) = (structure.root.variable_paths(), root.variable_paths());
    let packing = |group: &GroupMeta, path: &str| group.variable(path).and_then(Packing::of);
    let dtype = |group: &GroupMeta, path: &str| group.variable(path).map(|variable| variable.dtype);
    let is_repacked = |path: &&String| {
        dtype(root, path) != dtype(&structure.root, path)
            || packing(root, path) != packing(&structure.root, path)
    };
    let lines = |group: &GroupMeta| {
        let path = structure.swath_groups.first()?;
        group.group(path)?.dimension_from("", "num_lines")
    };
    Some(ProductDifference {
        missing: whole
            .iter()
            .filter(|path| !present.contains(path))
            .cloned()
            .collect(),
        added: present
            .iter()
            .filter(|path| !whole.contains(path))
            .cloned()
            .collect(),
        repacked: whole
            .iter()
            .filter(|path| present.contains(path))
            .filter(is_repacked)
            .cloned()
            .collect(),
        lines: match (lines(root), structure.fixed_lines) {
            (Some(lines), Some(fixed)) if lines != fixed => Some((lines, fixed)),
            _ => None,
        },
    })
}
