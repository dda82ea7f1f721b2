//! Extracts: made by karin's own extract into a temporary folder, and handed out as one file.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use karin::extract::{ExtractOptions, extract as write};
use karin::output::WriteOptions;
use karin_core::{Layout, Selection};
use serde_json::json;
use zip::write::SimpleFileOptions;

use super::common::{plan, selection};
use super::reproduce::cli;
use crate::http::params::{Kind, Parameter};
use crate::http::problem::Problem;
use crate::http::{Ask, Reply};

/// What this question takes of its own.
pub const PARAMETERS: &[Parameter] = &[
    Parameter::new(
        "crop",
        Kind::Word(&["exact", "lines"]),
        "exact: pixels outside become fill; lines: whole lines that touch the area",
    ),
    Parameter::new(
        "layout",
        Kind::Word(&["auto", "granules", "lines", "cube"]),
        "form of the file",
    ),
    Parameter::new("dry_run", Kind::Flag, "only tell how much it would be"),
];

/// Bytes that are read for one extract at most: what takes longer is work for the command line.
const MOST_BYTES: u64 = 2 << 30;

/// `extract`.
pub fn extract(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let group = ask.viewer.archive().group(ask.params.require("group")?)?;
    let names: Vec<&str> = ask.params.all("var").collect();
    let mut selection = selection(group, &ask.params, &names)?;
    if let Some(word) = ask.params.text("crop") {
        selection.crop = word
            .parse()
            .map_err(|error: karin_core::selection::WordError| Problem::invalid(error.to_string()))?;
    }
    if let Some(word) = ask.params.text("layout") {
        selection.layout = word
            .parse()
            .map_err(|error: karin_core::selection::WordError| Problem::invalid(error.to_string()))?;
    }
    let format = ask.params.text("format").unwrap_or("nc");
    let plan = plan(ask, group, &selection)?;
    let command = cli(ask, "extract", plan.selection(), &format!("-o extract.{format}"));
    let (bytes, is_dry) = (plan.bytes_to_read(), ask.params.text("dry_run") == Some("true"));
    if is_dry {
        return Ok(Reply::Json(json!({
            "granules": plan.pieces().len(),
            "stored_bytes": plan.stored_bytes(),
            "bytes_to_read": bytes,
            "limit_bytes": MOST_BYTES,
            "allowed": bytes <= MOST_BYTES,
            "command": command,
        })));
    }
    if bytes > MOST_BYTES {
        let detail = format!(
            "{} granules, {:.1} GB to read: at most {:.1} GB here",
            plan.pieces().len(),
            bytes as f64 / 1e9,
            MOST_BYTES as f64 / 1e9
        );
        return Err(Problem::too_much(detail).hint(command));
    }
    let folder = tempfile::tempdir().map_err(|error| of_io("create a temporary folder", &error))?;
    let name = file_name(plan.selection(), format, plan.pieces().len());
    let path = folder.path().join(&name);
    let is_many = selection.layout == Layout::Granules && plan.pieces().len() > 1;
    // Durability is of no use to a file that is gone in a moment.
    let output = WriteOptions::default()
        .with_resources(ask.viewer.archive().resources())
        .with_durable(false);
    let options = ExtractOptions::default()
        .with_command(command)
        .with_output(output);
    write(
        &plan,
        &if is_many {
            folder.path().join("granules")
        } else {
            path.clone()
        },
        &options,
        ask.progress(),
    )?;
    let (file, name, kind) = match () {
        () if is_many => (
            zipped(&folder.path().join("granules"), folder.path())?,
            format!("{name}.zip"),
            "application/zip",
        ),
        () if path.is_dir() => (
            zipped(&path, folder.path())?,
            format!("{name}.zip"),
            "application/zip",
        ),
        () => (
            File::open(&path).map_err(|error| of_io("read the extract", &error))?,
            name,
            media_type(format),
        ),
    };
    let length = file
        .metadata()
        .map_err(|error| of_io("read the extract", &error))?
        .len();
    // The file is open: it stays until it has been handed out, though the folder goes now.
    Ok(Reply::File(file, name, kind, length))
}

fn of_io(doing: &str, error: &std::io::Error) -> Problem {
    Problem::defect(format!("{doing}: {error}"))
}

/// `SWOT_L2_LR_SSH_Basic_c010_p013.nc`: letters, digits, `_`, `-` and `.` only.
fn file_name(selection: &Selection, format: &str, granules: usize) -> String {
    let mut name = selection
        .product
        .map_or_else(|| "SWOT".to_owned(), |product| format!("SWOT_{product}"));
    for (letter, list) in [("c", &selection.cycles), ("p", &selection.passes)] {
        if let Some(list) = list {
            name.push_str(&format!("_{letter}{list}"));
        }
    }
    if granules > 1 {
        name.push_str(&format!("_{granules}granules"));
    }
    let clean: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "_-.".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(120)
        .collect();
    format!("{clean}.{format}")
}

fn media_type(format: &str) -> &'static str {
    match format {
        "nc" => "application/netcdf",
        "parquet" => "application/vnd.apache.parquet",
        "csv" => "text/csv; charset=utf-8",
        "png" => "image/png",
        _ => "application/octet-stream",
    }
}

/// Everything below `top` in one file without a name: what is in it is compressed already.
fn zipped(top: &Path, folder: &Path) -> Result<File, Problem> {
    let failed = |error: &dyn std::fmt::Display| Problem::defect(format!("zip the extract: {error}"));
    let file = tempfile::tempfile_in(folder).map_err(|error| failed(&error))?;
    let mut archive = zip::ZipWriter::new(file);
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for path in files_below(top).map_err(|error| failed(&error))? {
        let inner = path.strip_prefix(top.parent().unwrap_or(top)).unwrap_or(&path);
        let length = path.metadata().map_err(|error| failed(&error))?.len();
        archive
            .start_file(
                inner.to_string_lossy(),
                options.large_file(length > u64::from(u32::MAX / 2)),
            )
            .map_err(|error| failed(&error))?;
        let mut from = File::open(&path).map_err(|error| failed(&error))?;
        std::io::copy(&mut from, &mut archive).map_err(|error| failed(&error))?;
    }
    let mut file = archive.finish().map_err(|error| failed(&error))?;
    file.flush()
        .and_then(|()| file.seek(SeekFrom::Start(0)))
        .map_err(|error| failed(&error))?;
    Ok(file)
}

fn files_below(top: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![top.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path)
            } else {
                found.push(path)
            }
        }
    }
    found.sort();
    Ok(found)
}
