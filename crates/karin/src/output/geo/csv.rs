//! CSV with the geometry as well-known text in its last column, and a description beside it.

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use karin_core::time::format_instant;

use super::{GeoKind, GeoRow, GeoSchema, GeoValue, write_failed};
use crate::output::csv::{Described, describe, quoted};
use crate::output::place::Unfinished;
use crate::output::{OutputError, WriteOptions};

pub(crate) struct GeoCsv {
    out: BufWriter<Unfinished>,
    schema: GeoSchema,
    path: PathBuf,
    durable: bool,
}

impl GeoCsv {
    pub(super) fn create(
        path: &Path,
        schema: &GeoSchema,
        options: &WriteOptions,
    ) -> Result<Self, OutputError> {
        let mut out = BufWriter::new(Unfinished::create(path)?);
        let names: Vec<&str> = schema.columns.iter().map(|column| column.name).collect();
        writeln!(out, "{},geometry", names.join(",")).map_err(write_failed(path.to_owned()))?;
        Ok(Self {
            out,
            schema: schema.clone(),
            path: path.to_owned(),
            durable: options.durable,
        })
    }

    pub(super) fn push(&mut self, rows: &[GeoRow]) -> Result<(), OutputError> {
        for row in rows {
            let mut cells: Vec<String> = (self.schema.columns.iter().zip(&row.cells))
                .map(|(column, cell)| text(column.kind, cell))
                .collect();
            cells.push(quoted(&row.geometry.wkt()));
            writeln!(self.out, "{}", cells.join(",")).map_err(write_failed(self.path.clone()))?;
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<(), OutputError> {
        let failed = write_failed(self.path.clone());
        let unfinished = self
            .out
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        let mut columns: Vec<Described> = (self.schema.columns.iter())
            .map(|column| Described {
                name: column.name.to_owned(),
                datatype: match column.kind {
                    GeoKind::Word => "string",
                    GeoKind::Count => "integer",
                    GeoKind::Flag => "boolean",
                    GeoKind::Number => "double",
                    GeoKind::Time => "dateTime",
                },
                notes: vec![
                    ("long_name".to_owned(), column.long_name.clone()),
                    ("units".to_owned(), column.units.clone()),
                ],
            })
            .collect();
        columns.push(Described {
            name: "geometry".to_owned(),
            datatype: "string",
            notes: vec![(
                "long_name".to_owned(),
                "where it is, as well-known text of longitudes and latitudes".to_owned(),
            )],
        });
        describe(&self.path, &columns, &self.schema.attributes, self.durable)?;
        unfinished.finish(self.durable)
    }
}

fn text(kind: GeoKind, cell: &GeoValue) -> String {
    match cell {
        GeoValue::Word(word) => quoted(word),
        GeoValue::Count(count) => count.map(|count| count.to_string()).unwrap_or_default(),
        GeoValue::Flag(flag) => flag.to_string(),
        GeoValue::Number(value) if !value.is_finite() => String::new(),
        GeoValue::Number(value) if kind == GeoKind::Time => format_instant(*value),
        GeoValue::Number(value) => value.to_string(),
    }
}
