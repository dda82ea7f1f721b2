//! Tables as Parquet, compressed with zstd.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    UInt64Array,
};
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use karin_core::{Dataset, Progress};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::cells::{Cells, Kind};
use super::place::Unfinished;
use super::table::{Column, Table};
use super::{OutputError, WriteOptions};

const ZSTD_LEVEL: i32 = 3;

pub(super) fn write(
    path: &Path,
    dataset: &dyn Dataset,
    options: &WriteOptions,
    progress: &dyn Progress,
) -> Result<(), OutputError> {
    let table = super::table_of(path, dataset, progress)?;
    let encode = |source: ParquetError| OutputError::Encode {
        path: path.to_owned(),
        source,
    };
    let arrow = |error: arrow_schema::ArrowError| encode(error.into());
    let notes = super::texts(&dataset.root().attributes).collect();
    let schema = Arc::new(schema(&table, notes));
    let rows = super::rows_at_once(&table, options);
    let properties = properties(rows, metadata(dataset)).map_err(encode)?;
    let mut unfinished = Unfinished::create(path)?;
    let mut writer =
        ArrowWriter::try_new(unfinished.file(), Arc::clone(&schema), Some(properties)).map_err(encode)?;
    super::write_blocks(path, &table, dataset, options, progress, |block| {
        let arrays = block.into_iter().map(array).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(arrow)?;
        writer.write(&batch).map_err(encode)
    })?;
    writer.close().map_err(encode)?;
    unfinished.finish(options.durable)?;
    progress.finish();
    Ok(())
}

/// How columns are encoded: with zstd, in groups of so many rows.
pub(super) fn properties(rows: usize, metadata: Vec<KeyValue>) -> Result<WriterProperties, ParquetError> {
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
        .set_max_row_group_row_count(Some(rows))
        .set_key_value_metadata(Some(metadata))
        .build())
}

fn schema(table: &Table, notes: HashMap<String, String>) -> Schema {
    let field = |column: &Column| {
        let kind = match column.kind {
            Kind::Integer => DataType::Int64,
            Kind::Unsigned => DataType::UInt64,
            Kind::Single => DataType::Float32,
            Kind::Double { .. } => DataType::Float64,
            Kind::Time(_) => DataType::Timestamp(TimeUnit::Microsecond, None),
            Kind::Text => DataType::Utf8,
        };
        let notes: HashMap<String, String> = column.notes.iter().cloned().collect();
        Field::new(&column.name, kind, true).with_metadata(notes)
    };
    Schema::new_with_metadata(table.columns.iter().map(field).collect::<Vec<Field>>(), notes)
}

/// The attributes of the dataset, each under its own name.
fn metadata(dataset: &dyn Dataset) -> Vec<KeyValue> {
    super::texts(&dataset.root().attributes)
        .map(|(name, text)| KeyValue::new(name, text))
        .collect()
}

/// NaN is no value: readers of tables expect null.
fn array(cells: Cells) -> ArrayRef {
    match cells {
        Cells::Integer(values) => Arc::new(Int64Array::from(values)),
        Cells::Unsigned(values) => Arc::new(UInt64Array::from(values)),
        Cells::Single(values) => Arc::new(
            values
                .into_iter()
                .map(|value| (!value.is_nan()).then_some(value))
                .collect::<Float32Array>(),
        ),
        Cells::Double(values) => Arc::new(
            values
                .into_iter()
                .map(|value| (!value.is_nan()).then_some(value))
                .collect::<Float64Array>(),
        ),
        Cells::Time(values) => Arc::new(TimestampMicrosecondArray::from(values)),
        Cells::Text(values) => Arc::new(StringArray::from(values)),
    }
}
