//! The structure of a view: which variables it has, and where their values come from.

use std::collections::HashMap;

use karin_core::fill::{default_fill_bytes, fill_bytes};
use karin_core::{Array, AttrValue, DType, GroupMeta, Packing, Product, Schema, Values, VariableMeta};
use karin_engine::{Column, MemoryDataset, Plan, Shape, Swath};

use crate::joined::{self, index};

/// Where the values of a variable come from.
pub(super) enum Held {
    /// From memory.
    Array(Array),
    /// From rows of granules.
    Rows(Box<RowSource>),
}

/// A variable along lines.
pub(super) struct RowSource {
    pub(super) kind: RowKind,
    /// Elements of one row.
    pub(super) width: usize,
    /// The element that stands for nothing, in native order.
    pub(super) fill: Vec<u8>,
}

pub(super) enum RowKind {
    /// A variable of the plan.
    Column(Box<Column>),
    /// A coordinate: its packing, and whether it is the same in all cycles.
    Coordinate { packing: Packing, per_pass: bool },
}

/// A dataset that holds one array.
pub(super) fn memory(path: &str, array: &Array) -> MemoryDataset {
    let mut dataset = MemoryDataset::new("the selection");
    dataset.set(path, array.clone());
    dataset
}

/// Attributes of the result as a whole.
pub(super) fn describe(root: &mut GroupMeta, plan: &Plan) {
    let attributes = &mut root.attributes;
    joined::describe_sources(attributes, plan, plan.pieces());
    attributes.set(
        "source_granule_count",
        AttrValue::number(plan.pieces().len() as i32),
    );
    attributes.set("karin_selection", plan.selection().to_string());
    attributes.set("karin_version", env!("CARGO_PKG_VERSION"));
}

/// Adds to a group the dimensions of a variable that granules have, those that it does not have yet.
pub(super) fn add_dimensions(
    group: &mut GroupMeta,
    plan: &Plan,
    swath: &Swath,
    meta: &VariableMeta,
    width: usize,
) {
    let known = |name: &str| plan.structure().dimension_from(&swath.group, name);
    joined::ensure_dimensions(group, meta, |name| known(name).unwrap_or(width));
}

/// Variables along lines of one group of a view: metadata with the dimensions that granules have, and their sources.
pub(super) fn along_lines(plan: &Plan, swath: &Swath) -> Vec<(VariableMeta, RowSource)> {
    let structure = plan.structure();
    let is_fixed = plan.product().is_some_and(Product::has_fixed_grid);
    let mut found = Vec::new();
    let coordinates = [
        (swath.time.as_ref(), false),
        (Some(&swath.latitude), is_fixed),
        (Some(&swath.longitude), is_fixed),
    ];
    for (path, per_pass) in coordinates {
        let Some(meta) = path.and_then(|path| structure.variable(path)) else {
            continue;
        };
        let Some(packing) = Packing::of(meta) else {
            continue;
        };
        let width = if meta.dimensions.len() > 1 {
            swath.num_pixels
        } else {
            1
        };
        let meta = filled(meta.clone(), &packing);
        let fill = fill_bytes(&meta);
        let kind = RowKind::Coordinate { packing, per_pass };
        found.push((meta, RowSource { kind, width, fill }));
    }
    let own = ["cycle_number", "pass_number", "line_number", "schema"];
    let columns = plan.columns().iter().filter(|column| {
        let path = column.path();
        let is_known = coordinates.iter().any(|(own, _)| *own == Some(&path));
        column.group == swath.group
            && !is_known
            && !own.contains(&column.name.as_str())
            && column.name != swath.lines_dimension
    });
    for column in columns {
        let width = match column.shape {
            Shape::Pixels => swath.num_pixels,
            Shape::Lines(width) => width,
            Shape::Other(_) => continue,
        };
        let meta = column_meta(plan, swath, column);
        let fill = fill_bytes(&meta);
        let kind = RowKind::Column(Box::new(column.clone()));
        found.push((meta, RowSource { kind, width, fill }));
    }
    found
}

fn column_meta(plan: &Plan, swath: &Swath, column: &Column) -> VariableMeta {
    let mut meta = column.meta.clone();
    if column.derived {
        let latitude = plan.structure().variable(&swath.latitude);
        meta.dimensions = latitude
            .map(|latitude| latitude.dimensions.clone())
            .unwrap_or_default();
    }
    match &column.packing {
        Some(packing) if !column.derived => filled(meta, packing),
        _ => {
            meta.dtype = DType::Float64;
            joined::unpack(&mut meta.attributes);
            meta
        }
    }
}

/// With the `_FillValue` that readers need, of the type that the values have: places without a granule are the rule in
/// a view.
fn filled(mut meta: VariableMeta, packing: &Packing) -> VariableMeta {
    meta.dtype = packing.dtype;
    meta.attributes.remove("_Unsigned");
    let has_fill = meta
        .attributes
        .get("_FillValue")
        .is_some_and(|fill| fill.dtype() == packing.dtype);
    if !has_fill {
        let mut fill = Values::zeros(packing.dtype, 1);
        macro_rules! set {
            ($($variant:ident: $type:ty),*) => {
                match &mut fill {
                    $(Values::$variant(fill) => {
                        if let (Some(to), Some(known)) = (fill.first_mut(), packing.fill_as::<$type>()) {
                            *to = known;
                        }
                    })*
                    _ => {}
                }
            };
        }
        set!(Int8: i8, UInt8: u8, Int16: i16, UInt16: u16, Int32: i32, UInt32: u32, Float32: f32, Float64: f64);
        if packing.fill.is_none() {
            fill.as_bytes_mut()
                .copy_from_slice(&default_fill_bytes(packing.dtype));
        }
        meta.attributes.set("_FillValue", AttrValue::Array(fill));
    }
    meta
}

/// Variables without lines that lie along pixels: those of the first granule stand for all.
pub(super) fn along_pixels(plan: &Plan, swath: &Swath) -> Vec<(VariableMeta, Array)> {
    let structure = plan.structure();
    let pixels = structure
        .variable(&swath.latitude)
        .and_then(|latitude| latitude.dimensions.get(1))
        .cloned();
    let wanted = plan.columns().iter().filter(|column| {
        column.group == swath.group
            && matches!(column.shape, Shape::Other(_))
            && column.meta.dimensions.len() == 1
            && column.meta.dimensions.first() == pixels.as_ref()
    });
    let mut found = Vec::new();
    let mut opened = None;
    for column in wanted {
        if opened.is_none() {
            opened = plan.pieces().iter().find_map(|piece| plan.open(piece).ok());
        }
        let array = opened
            .as_ref()
            .and_then(|dataset| dataset.read(&column.path()).ok());
        found.extend(array.map(|array| (column.meta.clone(), array)));
    }
    found
}

/// The schema of each granule, where there are several: metadata and the index of each.
pub(super) fn schema_index(plan: &Plan) -> Option<(VariableMeta, Vec<Schema>)> {
    let schemas = plan.schemas();
    if schemas.len() < 2 {
        return None;
    }
    let mut meta = index("schema", "", DType::Int8, "processing that the granule is of");
    meta.attributes.set("_FillValue", AttrValue::number(-1_i8));
    joined::describe_schemas(&mut meta.attributes, &schemas);
    Some((meta, schemas))
}

/// Puts variables that are held in memory into a group.
pub(super) fn hold(
    group: &mut GroupMeta,
    held: &mut HashMap<String, Held>,
    swath: &Swath,
    meta: VariableMeta,
    array: Array,
) {
    held.insert(swath.path(&meta.name), Held::Array(array));
    group.variables.push(meta);
}
