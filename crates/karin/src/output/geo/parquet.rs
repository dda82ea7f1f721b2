//! GeoParquet 1.1: WKB in the column `geometry`, its bounds in the columns of `bbox`, what they mean in the key `geo`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use serde_json::{Value, json};

use super::{GeoKind, GeoRow, GeoSchema, GeoValue};
use crate::output::cells::EPOCH_MICROSECONDS;
use crate::output::parquet::properties;
use crate::output::place::Unfinished;
use crate::output::{OutputError, WriteOptions, texts};

/// Rows of a row group.
const ROWS: usize = 1 << 16;
const BOUNDS: [&str; 4] = ["xmin", "ymin", "xmax", "ymax"];

pub(crate) struct GeoParquet {
    writer: ArrowWriter<Unfinished>,
    schema: GeoSchema,
    arrow: SchemaRef,
    bounds: Vec<[f64; 4]>,
    is_cut: bool,
    path: PathBuf,
    durable: bool,
}

impl GeoParquet {
    pub(super) fn create(
        path: &Path,
        schema: &GeoSchema,
        options: &WriteOptions,
    ) -> Result<Self, OutputError> {
        let encode = encode(path);
        let arrow = Arc::new(arrow_schema(schema));
        let notes = texts(&schema.attributes)
            .map(|(name, text)| KeyValue::new(name, text))
            .collect();
        let properties = properties(ROWS, notes).map_err(&encode)?;
        let unfinished = Unfinished::create(path)?;
        let writer =
            ArrowWriter::try_new(unfinished, Arc::clone(&arrow), Some(properties)).map_err(&encode)?;
        Ok(Self {
            writer,
            schema: schema.clone(),
            arrow,
            bounds: Vec::new(),
            is_cut: false,
            path: path.to_owned(),
            durable: options.durable,
        })
    }

    pub(super) fn push(&mut self, rows: &[GeoRow]) -> Result<(), OutputError> {
        if rows.is_empty() {
            return Ok(());
        }
        let encode = encode(&self.path);
        let mut arrays: Vec<ArrayRef> = (self.schema.columns.iter().enumerate())
            .map(|(place, column)| array(column.kind, rows.iter().filter_map(|row| row.cells.get(place))))
            .collect();
        let bounds: Vec<[f64; 4]> = rows.iter().map(|row| row.geometry.bounds()).collect();
        self.is_cut |= bounds.iter().any(|[west, _, east, _]| west > east);
        let geometry: BinaryArray = rows.iter().map(|row| Some(row.geometry.wkb())).collect();
        arrays.push(Arc::new(geometry));
        arrays.push(Arc::new(StructArray::from(
            (bounds_fields().iter().enumerate())
                .map(|(place, field)| {
                    let edge: ArrayRef = Arc::new(
                        bounds
                            .iter()
                            .map(|bounds| Some(bounds[place]))
                            .collect::<Float64Array>(),
                    );
                    (Arc::clone(field), edge)
                })
                .collect::<Vec<_>>(),
        )));
        self.bounds.push(all(&bounds));
        let batch =
            RecordBatch::try_new(Arc::clone(&self.arrow), arrays).map_err(|error| encode(error.into()))?;
        self.writer.write(&batch).map_err(&encode)
    }

    pub(super) fn finish(mut self) -> Result<(), OutputError> {
        let encode = encode(&self.path);
        self.writer
            .append_key_value_metadata(KeyValue::new("geo".to_owned(), self.geo().to_string()));
        let unfinished = self.writer.into_inner().map_err(&encode)?;
        unfinished.finish(self.durable)
    }

    /// The value of the key `geo`. Without a coordinate system longitudes and latitudes of WGS 84 are meant.
    fn geo(&self) -> Value {
        let (one, many) = if self.schema.is_polygon {
            ("Polygon", "MultiPolygon")
        } else {
            ("LineString", "MultiLineString")
        };
        let mut kinds = vec![one];
        kinds.extend(self.is_cut.then_some(many));
        let covering: serde_json::Map<String, Value> = BOUNDS
            .iter()
            .map(|edge| ((*edge).to_owned(), json!(["bbox", edge])))
            .collect();
        let mut column = json!({
            "encoding": "WKB",
            "geometry_types": kinds,
            "covering": {"bbox": covering},
        });
        if let (Value::Object(column), true) = (&mut column, self.schema.is_polygon) {
            column.insert("orientation".to_owned(), json!("counterclockwise"));
        }
        if let (Value::Object(column), false) = (&mut column, self.bounds.is_empty()) {
            let bounds = if self.is_cut {
                [-180.0, f64::NAN, 180.0, f64::NAN]
            } else {
                [f64::NAN; 4]
            };
            let known = all(&self.bounds);
            let edges: Vec<f64> = (bounds.into_iter().zip(known))
                .map(|(fixed, known)| if fixed.is_nan() { known } else { fixed })
                .collect();
            column.insert("bbox".to_owned(), json!(edges));
        }
        json!({"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}})
    }
}

fn encode(path: &Path) -> impl Fn(ParquetError) -> OutputError {
    let path = path.to_owned();
    move |source| OutputError::Encode {
        path: path.clone(),
        source,
    }
}

fn bounds_fields() -> Fields {
    BOUNDS
        .iter()
        .map(|edge| Field::new(*edge, DataType::Float64, false))
        .collect()
}

fn arrow_schema(schema: &GeoSchema) -> Schema {
    let mut fields: Vec<Field> = (schema.columns.iter())
        .map(|column| {
            let kind = match column.kind {
                GeoKind::Word => DataType::Utf8,
                GeoKind::Count => DataType::Int64,
                GeoKind::Flag => DataType::Boolean,
                GeoKind::Number => DataType::Float64,
                GeoKind::Time => DataType::Timestamp(TimeUnit::Microsecond, None),
            };
            let notes = [("long_name", &column.long_name), ("units", &column.units)];
            let notes: HashMap<String, String> = (notes.into_iter())
                .filter(|(_, text)| !text.is_empty())
                .map(|(name, text)| (name.to_owned(), text.clone()))
                .collect();
            Field::new(column.name, kind, true).with_metadata(notes)
        })
        .collect();
    fields.push(Field::new("geometry", DataType::Binary, false));
    fields.push(Field::new("bbox", DataType::Struct(bounds_fields()), false));
    Schema::new_with_metadata(
        fields,
        texts(&schema.attributes).collect::<HashMap<String, String>>(),
    )
}

fn array<'a>(kind: GeoKind, cells: impl Iterator<Item = &'a GeoValue>) -> ArrayRef {
    let number = |cell: &GeoValue| match cell {
        GeoValue::Number(value) if value.is_finite() => Some(*value),
        _ => None,
    };
    match kind {
        GeoKind::Word => Arc::new(
            cells
                .map(|cell| {
                    if let GeoValue::Word(word) = cell {
                        Some(word.as_str())
                    } else {
                        None
                    }
                })
                .collect::<StringArray>(),
        ),
        GeoKind::Count => Arc::new(
            cells
                .map(|cell| {
                    if let GeoValue::Count(count) = cell {
                        *count
                    } else {
                        None
                    }
                })
                .collect::<Int64Array>(),
        ),
        GeoKind::Flag => Arc::new(
            cells
                .map(|cell| {
                    if let GeoValue::Flag(flag) = cell {
                        Some(*flag)
                    } else {
                        None
                    }
                })
                .collect::<BooleanArray>(),
        ),
        GeoKind::Number => Arc::new(cells.map(number).collect::<Float64Array>()),
        GeoKind::Time => {
            let micros =
                |cell| number(cell).map(|seconds| (seconds * 1e6).round() as i64 + EPOCH_MICROSECONDS);
            Arc::new(cells.map(micros).collect::<TimestampMicrosecondArray>())
        }
    }
}

/// The bounds around some.
fn all(bounds: &[[f64; 4]]) -> [f64; 4] {
    bounds.iter().fold(
        [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY],
        |all, own| {
            [
                all[0].min(own[0]),
                all[1].min(own[1]),
                all[2].max(own[2]),
                all[3].max(own[3]),
            ]
        },
    )
}
