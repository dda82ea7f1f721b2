//! netCDF and Zarr with CF geometries (CF 1.8, section 7.5): a container names the nodes, and how many each feature has.

use std::path::{Path, PathBuf};

use karin_core::{Array, AttrValue, Attributes, GroupMeta, Progress, Storage, Values, VariableMeta};
use karin_engine::{MemoryDataset, Sink as _};

use super::{GeoColumn, GeoKind, GeoRow, GeoSchema, MISSING, values_of};
use crate::joined;
use crate::output::{OutputError, WriteOptions, write};

/// All rows, held until the file is written.
pub(crate) struct Whole {
    path: PathBuf,
    schema: GeoSchema,
    options: WriteOptions,
    rows: Vec<GeoRow>,
    bytes: u64,
}

impl Whole {
    pub(super) fn new(path: &Path, schema: &GeoSchema, options: &WriteOptions) -> Self {
        Self {
            path: path.to_owned(),
            schema: schema.clone(),
            options: *options,
            rows: Vec::new(),
            bytes: 0,
        }
    }

    pub(super) fn push(&mut self, rows: &[GeoRow]) -> Result<(), OutputError> {
        self.bytes += rows.iter().map(GeoRow::bytes).sum::<u64>();
        let (needed, budget) = (2 * self.bytes, self.options.resources.memory / 2);
        if needed > budget {
            return Err(OutputError::TooManyFeatures {
                path: self.path.clone(),
                needed,
                budget,
            });
        }
        self.rows.extend_from_slice(rows);
        Ok(())
    }

    pub(super) fn finish(self, progress: &dyn Progress) -> Result<(), OutputError> {
        write(
            &self.path,
            &dataset(&self.schema, &self.rows),
            &self.options,
            progress,
        )
    }
}

/// Rows along a dimension named as the feature, vertices along `node`.
fn dataset(schema: &GeoSchema, rows: &[GeoRow]) -> MemoryDataset {
    let mut variables: Vec<(VariableMeta, Values)> = Vec::new();
    for (place, column) in schema.columns.iter().enumerate() {
        let cells = rows.iter().filter_map(|row| row.cells.get(place).cloned());
        variables.push(column_of(schema.feature, column, values_of(column.kind, cells)));
    }
    let counts = rows
        .iter()
        .map(|row| row.geometry.vertices().len() as i32)
        .collect();
    let node = |of: fn(&(f64, f64)) -> f64| -> Vec<f64> {
        rows.iter()
            .flat_map(|row| row.geometry.vertices().iter().map(of))
            .collect()
    };
    let words = |words: &[(&str, &str)]| words.iter().copied().collect::<Attributes>();
    let longitudes = words(&[
        ("axis", "X"),
        ("units", "degrees_east"),
        ("long_name", "longitude of the vertices"),
    ]);
    let latitudes = words(&[
        ("axis", "Y"),
        ("units", "degrees_north"),
        ("long_name", "latitude of the vertices"),
    ]);
    let container = words(&[
        (
            "geometry_type",
            if schema.is_polygon { "polygon" } else { "line" },
        ),
        ("node_count", "node_count"),
        ("node_coordinates", "node_longitude node_latitude"),
    ]);
    variables.extend([
        variable(
            "node_count",
            &[schema.feature],
            words(&[("long_name", "vertices of each")]),
            Values::Int32(counts),
        ),
        variable(
            "node_longitude",
            &["node"],
            longitudes,
            Values::Float64(node(|place| place.0)),
        ),
        variable(
            "node_latitude",
            &["node"],
            latitudes,
            Values::Float64(node(|place| place.1)),
        ),
        variable("geometry", &[], container, Values::Int32(vec![0])),
    ]);
    let nodes = rows.iter().map(|row| row.geometry.vertices().len()).sum();
    let mut root = GroupMeta {
        attributes: schema.attributes.clone(),
        dimensions: vec![
            joined::dimension(schema.feature, rows.len()),
            joined::dimension("node", nodes),
        ],
        variables: variables.iter().map(|(meta, _)| meta.clone()).collect(),
        ..GroupMeta::default()
    };
    root.attributes.set("Conventions", "CF-1.11");
    let mut dataset = MemoryDataset::new(schema.feature);
    // Memory takes any structure.
    let begun = dataset.begin(&root);
    debug_assert!(begun.is_ok(), "a dataset in memory refuses nothing");
    for (meta, values) in variables {
        let shape = joined::lengths(&root, &meta);
        dataset.set(&meta.name, Array { shape, values });
    }
    dataset
}

fn column_of(feature: &str, column: &GeoColumn, values: Values) -> (VariableMeta, Values) {
    let mut attributes = Attributes::new();
    attributes.set("long_name", column.long_name.as_str());
    match column.kind {
        GeoKind::Time => {
            attributes.set("standard_name", "time");
            attributes.set("units", "seconds since 2000-01-01 00:00:00.0");
            attributes.set("calendar", "gregorian");
        }
        GeoKind::Count => attributes.set("_FillValue", AttrValue::number(MISSING)),
        GeoKind::Flag => {
            attributes.set("flag_values", AttrValue::Array(Values::Int8(vec![0, 1])));
            attributes.set("flag_meanings", "no yes");
        }
        GeoKind::Number | GeoKind::Word => {}
    }
    if column.kind != GeoKind::Time && !column.units.is_empty() {
        attributes.set("units", column.units.as_str());
    }
    if matches!(column.kind, GeoKind::Number | GeoKind::Time) {
        attributes.set("_FillValue", AttrValue::number(f64::NAN));
    }
    if column.kind != GeoKind::Time {
        attributes.set("geometry", "geometry");
    }
    variable(column.name, &[feature], attributes, values)
}

fn variable(
    name: &str,
    dimensions: &[&str],
    attributes: Attributes,
    values: Values,
) -> (VariableMeta, Values) {
    let meta = VariableMeta {
        name: name.to_owned(),
        dtype: values.dtype(),
        dimensions: dimensions.iter().map(|name| (*name).to_owned()).collect(),
        attributes,
        storage: Storage::default(),
    };
    (meta, values)
}
