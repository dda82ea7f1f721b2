//! `karin._karin`: the extension module beneath the Python package `karin`.
//!
//! It translates Python objects into calls of the library and back, and nothing else: no science, no storage logic.
//! The package in `python/karin` makes it pleasant. Work runs without the interpreter's lock; what runs long asks the
//! interpreter ten times a second whether the user pressed Ctrl-C.
//!
//! ```text
//!   Source ──> Plan ──> Dataset (a cube, lines, a result)      errors: karin.errors, by kind
//!   open_file ────────> Dataset (a granule)                    quality: gates, flags, canonical names
//! ```

#![deny(unsafe_code)]

use pyo3::prelude::*;

mod attributes;
mod catalog;
mod command;
mod dataset;
mod errors;
mod features;
mod map;
mod of_process;
mod plan;
mod provider;
mod quality;
mod reach;
mod selection;
mod source;
mod spread;
mod values;
mod verbs;
mod viewer;
mod work;

/// An answer as JSON.
fn json(answer: &impl serde::Serialize) -> PyResult<String> {
    serde_json::to_string(answer)
        .map_err(|error| errors::raise(karin_core::ErrorKind::Internal, &error.to_string()))
}

/// The extension module.
#[pymodule]
mod _karin {
    #[pymodule_export]
    use crate::catalog::{catalog_add, catalog_add_provider, catalog_list, catalog_missing, catalog_remove};
    #[pymodule_export]
    use crate::command::main;
    #[pymodule_export]
    use crate::dataset::{Dataset, decodes_exactly, one_file, open_file};
    #[pymodule_export]
    use crate::map::{color_map, nearest_word, region_contains};
    #[pymodule_export]
    use crate::plan::{Plan, read_beside};
    #[pymodule_export]
    use crate::provider::{describe, find, find_files, find_products, get, get_files, get_part, sync};
    #[pymodule_export]
    use crate::quality::{canonical_names, decode_flags, identify, land, quality_gate, quality_keeps};
    #[pymodule_export]
    use crate::selection::common_time;
    #[pymodule_export]
    use crate::source::{Source, contents, history};
    #[pymodule_export]
    use crate::spread::{commit_prepared, ingest_batches, merge, prepare, reduce_part};
    #[pymodule_export]
    use crate::verbs::{ingest, passes, simulate};
    #[pymodule_export]
    use crate::viewer::{Asked, Viewer};
}
