//! Tables as text. Commas, a header, missing values empty, times as ISO 8601 UTC. Numbers are written so that they read
//! back the same; packed ones with the decimals that their packing has.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use karin_core::time::format_instant;
use karin_core::{Attributes, Dataset, Progress};
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::cells::{Cells, Kind};
use super::place::{Unfinished, io};
use super::table::Column;
use super::{OutputError, WriteOptions};

/// Rows that one thread turns into text at a time.
const ROWS: usize = 8192;

pub(super) fn write(
    path: &Path,
    dataset: &dyn Dataset,
    options: &WriteOptions,
    progress: &dyn Progress,
) -> Result<(), OutputError> {
    let table = super::table_of(path, dataset, progress)?;
    let mut unfinished = Unfinished::create(path)?;
    let mut out = BufWriter::new(unfinished.file());
    let failed = |source| io(path, "writing", source);
    let names: Vec<String> = table.columns.iter().map(|column| quoted(&column.name)).collect();
    writeln!(out, "{}", names.join(",")).map_err(failed)?;
    super::write_blocks(path, &table, dataset, options, progress, |block| {
        let rows = block.first().map_or(0, Cells::len);
        let starts: Vec<usize> = (0..rows).step_by(ROWS).collect();
        let texts: Vec<String> = starts
            .par_iter()
            .map(|&start| text_of(&table.columns, &block, start..(start + ROWS).min(rows)))
            .collect();
        texts
            .iter()
            .try_for_each(|text| out.write_all(text.as_bytes()))
            .map_err(failed)
    })?;
    out.flush().map_err(failed)?;
    drop(out);
    let columns: Vec<Described> = table.columns.iter().map(Described::of).collect();
    let description = describe(path, &columns, &dataset.root().attributes, options.durable)?;
    if let Err(error) = unfinished.finish(options.durable) {
        // A description without its table would describe what somebody else puts there.
        if !path.exists() {
            let _ = std::fs::remove_file(description);
        }
        return Err(error);
    }
    progress.finish();
    Ok(())
}

fn text_of(columns: &[Column], block: &[Cells], rows: std::ops::Range<usize>) -> String {
    let mut text = String::with_capacity(rows.len() * columns.len() * 10);
    for row in rows {
        for (number, (column, cells)) in columns.iter().zip(block).enumerate() {
            if number > 0 {
                text.push(',');
            }
            put(&mut text, column.kind, cells, row);
        }
        text.push('\n');
    }
    text
}

fn put(text: &mut String, kind: Kind, cells: &Cells, row: usize) {
    use std::fmt::Write as _;
    // Writing into a string cannot fail.
    let _ = match cells {
        Cells::Integer(values) => values
            .get(row)
            .copied()
            .flatten()
            .map(|value| write!(text, "{value}")),
        Cells::Unsigned(values) => values
            .get(row)
            .copied()
            .flatten()
            .map(|value| write!(text, "{value}")),
        Cells::Single(values) => values
            .get(row)
            .filter(|value| !value.is_nan())
            .map(|value| write!(text, "{value}")),
        Cells::Double(values) => values
            .get(row)
            .filter(|value| !value.is_nan())
            .map(|value| match kind {
                Kind::Double {
                    decimals: Some(decimals),
                } => write!(text, "{value:.decimals$}"),
                _ => write!(text, "{value}"),
            }),
        Cells::Time(values) => values.get(row).copied().flatten().map(|microseconds| {
            let seconds = (microseconds as f64) / 1e6 - 946_684_800.0;
            write!(text, "{}", format_instant(seconds))
        }),
        Cells::Text(values) => values
            .get(row)
            .and_then(Option::as_deref)
            .map(|value| write!(text, "{}", quoted(value))),
    };
}

/// A cell in quotes, where it needs them.
pub(super) fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// A column as its description names it.
pub(super) struct Described {
    pub(super) name: String,
    pub(super) datatype: &'static str,
    pub(super) notes: Vec<(String, String)>,
}

impl Described {
    fn of(column: &Column) -> Self {
        Self {
            name: column.name.clone(),
            datatype: match column.kind {
                Kind::Integer | Kind::Unsigned => "integer",
                Kind::Single => "float",
                Kind::Double { .. } => "double",
                Kind::Time(_) => "dateTime",
                Kind::Text => "string",
            },
            notes: column.notes.clone(),
        }
    }
}

/// Writes `FILE-metadata.json` and says where: the columns and the attributes, as "CSV on the Web" (W3C, 2015) names
/// and places it.
pub(super) fn describe(
    path: &Path,
    columns: &[Described],
    attributes: &Attributes,
    durable: bool,
) -> Result<PathBuf, OutputError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let columns: Vec<Value> = columns
        .iter()
        .map(|column| {
            let mut out = Map::from_iter([
                ("name".to_owned(), json!(column.name)),
                ("datatype".to_owned(), json!(column.datatype)),
            ]);
            out.extend(
                column
                    .notes
                    .iter()
                    .map(|(name, text)| (name.clone(), json!(text))),
            );
            Value::Object(out)
        })
        .collect();
    let notes: Map<String, Value> = super::texts(attributes)
        .map(|(name, text)| (name, json!(text)))
        .collect();
    let all = json!({
        "@context": "http://www.w3.org/ns/csvw",
        "url": name,
        "tableSchema": {"columns": columns},
        "notes": [notes],
    });
    let beside: PathBuf = path.with_file_name(format!("{name}-metadata.json"));
    let mut unfinished = Unfinished::create(&beside)?;
    let text = format!("{all:#}\n");
    unfinished
        .file()
        .write_all(text.as_bytes())
        .map_err(|source| io(&beside, "writing", source))?;
    unfinished.finish(durable)?;
    Ok(beside)
}
