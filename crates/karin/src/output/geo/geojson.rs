//! GeoJSON (RFC 7946): a FeatureCollection, one feature per line of text.

use std::io::{BufWriter, Write as _};
use std::path::Path;

use karin_core::time::format_instant;
use serde_json::{Map, Value, json};

use super::{GeoKind, GeoRow, GeoSchema, GeoValue, write_failed};
use crate::output::place::Unfinished;
use crate::output::{OutputError, WriteOptions, texts};

pub(crate) struct GeoJson {
    out: BufWriter<Unfinished>,
    schema: GeoSchema,
    path: std::path::PathBuf,
    durable: bool,
    is_first: bool,
}

impl GeoJson {
    pub(super) fn create(
        path: &Path,
        schema: &GeoSchema,
        options: &WriteOptions,
    ) -> Result<Self, OutputError> {
        let mut out = BufWriter::new(Unfinished::create(path)?);
        let notes: Map<String, Value> = texts(&schema.attributes)
            .map(|(name, text)| (name, json!(text)))
            .collect();
        let columns: Map<String, Value> = (schema.columns.iter())
            .map(|column| {
                let words = json!({"long_name": column.long_name, "units": column.units});
                (column.name.to_owned(), words)
            })
            .collect();
        write!(
            out,
            "{{\"type\":\"FeatureCollection\",\n\"metadata\":{},\n\"columns\":{},\n\"features\":[",
            Value::Object(notes),
            Value::Object(columns)
        )
        .map_err(write_failed(path.to_owned()))?;
        Ok(Self {
            out,
            schema: schema.clone(),
            path: path.to_owned(),
            durable: options.durable,
            is_first: true,
        })
    }

    pub(super) fn push(&mut self, rows: &[GeoRow]) -> Result<(), OutputError> {
        let failed = write_failed(self.path.clone());
        for row in rows {
            let feature = json!({
                "type": "Feature",
                "geometry": row.geometry.geojson(),
                "properties": properties(&self.schema, row),
            });
            let between = if self.is_first { "\n" } else { ",\n" };
            self.is_first = false;
            write!(self.out, "{between}{feature}").map_err(&failed)?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), OutputError> {
        let failed = write_failed(self.path.clone());
        writeln!(self.out, "\n]}}").map_err(&failed)?;
        let unfinished = self
            .out
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        unfinished.finish(self.durable)
    }
}

/// The cells of a row by name; times as ISO 8601, `null` where there is no value.
pub(crate) fn properties(schema: &GeoSchema, row: &GeoRow) -> Map<String, Value> {
    let columns = schema.columns.iter().zip(&row.cells);
    columns
        .map(|(column, cell)| {
            let value = match cell {
                GeoValue::Word(word) => json!(word),
                GeoValue::Count(count) => json!(count),
                GeoValue::Flag(flag) => json!(flag),
                GeoValue::Number(value) if !value.is_finite() => Value::Null,
                GeoValue::Number(value) if column.kind == GeoKind::Time => json!(format_instant(*value)),
                GeoValue::Number(value) => json!(value),
            };
            (column.name.to_owned(), value)
        })
        .collect()
}
