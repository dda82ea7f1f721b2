//! Writes what the reader sees, for programs that compare it with other readers:
//! `dump FILE OUT_DIR` makes `structure.json`, one file of raw native-order values per variable (strings: JSON), and
//! one of decoded `f64` values per number variable.
//! `dump --list` reads such pairs from standard input, one a line, separated by a tab.

use std::io::BufRead as _;
use std::path::Path;

use karin_core::{DType, Dataset as _, Packing, Values};
use karin_netcdf::NcFile;

fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let pairs: Vec<(String, String)> = match arguments.as_slice() {
        [flag] if flag == "--list" => std::io::stdin()
            .lock()
            .lines()
            .map_while(Result::ok)
            .filter_map(|line| {
                line.split_once('\t')
                    .map(|(file, out)| (file.to_owned(), out.to_owned()))
            })
            .collect(),
        [file, out] => vec![(file.clone(), out.clone())],
        _ => {
            eprintln!("usage: dump FILE OUT_DIR | dump --list");
            return std::process::ExitCode::from(2);
        }
    };
    for (file, out) in &pairs {
        if let Err(error) = dump(Path::new(file), Path::new(out)) {
            eprintln!("{out}: {error}");
            return std::process::ExitCode::FAILURE;
        }
    }
    std::process::ExitCode::SUCCESS
}

/// Dumps one file. What karin refuses becomes part of the dump; only a dump that cannot be written is an error.
fn dump(file: &Path, out: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(out)?;
    let opened = match NcFile::open(file) {
        Ok(opened) => opened,
        Err(error) => {
            let kind = serde_json::to_value(error.kind())?;
            let report = serde_json::json!({ "error": error.to_string(), "kind": kind });
            return std::fs::write(out.join("structure.json"), report.to_string());
        }
    };
    let mut arrays = serde_json::Map::new();
    for (number, path) in opened.root().variable_paths().into_iter().enumerate() {
        let name = format!("{number}.raw");
        let entry = match opened.read(&path) {
            Ok(array) => {
                match &array.values {
                    Values::String(strings) => {
                        std::fs::write(out.join(&name), serde_json::to_string(strings)?)?
                    }
                    values => std::fs::write(out.join(&name), values.as_bytes())?,
                }
                let packing = opened.root().variable(&path).and_then(Packing::of);
                if let Some(Ok(decoded)) = packing.map(|packing| packing.decode(&array.values)) {
                    let bytes: Vec<u8> = decoded.iter().flat_map(|value| value.to_ne_bytes()).collect();
                    std::fs::write(out.join(format!("{number}.f64")), bytes)?;
                }
                serde_json::json!({ "file": name, "shape": array.shape, "text": array.values.dtype() == DType::String })
            }
            Err(error) => serde_json::json!({ "error": error.to_string(), "kind": error.kind }),
        };
        arrays.insert(path, entry);
    }
    let report = serde_json::json!({ "root": opened.root(), "arrays": arrays, "skipped": opened.skipped() });
    std::fs::write(out.join("structure.json"), report.to_string())
}
