//! What granules lie in a folder, by their names.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use karin_core::time::format_instant;
use karin_core::{CycleNumber, PassNumber, Phase, Product};
use karin_engine::{Entry, GranuleFiles, Source as _};
use serde::Serialize;

/// The granules in a folder and below it.
#[derive(Clone, Debug, Serialize)]
pub struct FolderInfo {
    /// Where it is.
    pub path: PathBuf,
    /// netCDF files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Granules of one product, version and phase.
    pub granules: Vec<GranuleSet>,
    /// netCDF files that are no granules by their name.
    pub others: Vec<String>,
}

/// Granules of one product, version and phase.
#[derive(Clone, Debug, Serialize)]
pub struct GranuleSet {
    /// Product.
    pub product: Product,
    /// Version, level 2 without its counter; empty if the names have none.
    pub version: String,
    /// Phase.
    pub phase: Option<Phase>,
    /// How many.
    pub granules: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Cycles that have at least one.
    pub cycles: BTreeSet<CycleNumber>,
    /// Passes that have at least one.
    pub passes: BTreeSet<PassNumber>,
    /// Start of the first and end of the last, ISO 8601.
    pub period: Option<(String, String)>,
}

/// Sums up the granules of a folder.
pub(super) fn summarise(path: &Path, files: &GranuleFiles) -> FolderInfo {
    let mut sets: BTreeMap<(Product, String, Option<Phase>), Vec<&Entry>> = BTreeMap::new();
    let mut others = Vec::new();
    for entry in files.entries() {
        let Some(product) = entry.product else {
            others.push(entry.label.clone());
            continue;
        };
        // Every map has a version of its own: the day on which it was made.
        let version = match &entry.version {
            Some(version) if product != Product::L4 => version.crid().unwrap_or_else(|| version.to_string()),
            _ => String::new(),
        };
        let phase = entry.half_orbit.and_then(karin_core::HalfOrbit::phase);
        sets.entry((product, version, phase)).or_default().push(entry);
    }
    FolderInfo {
        path: path.to_owned(),
        files: files.entries().len() as u64,
        bytes: files.entries().iter().map(|entry| entry.bytes).sum(),
        granules: sets
            .into_iter()
            .map(|(key, entries)| set(key, &entries))
            .collect(),
        others,
    }
}

fn set((product, version, phase): (Product, String, Option<Phase>), entries: &[&Entry]) -> GranuleSet {
    let periods = || entries.iter().filter_map(|entry| entry.period);
    let start = periods().map(|(start, _)| start).min_by(f64::total_cmp);
    let end = periods().map(|(_, end)| end).max_by(f64::total_cmp);
    GranuleSet {
        product,
        version,
        phase,
        granules: entries.len() as u64,
        bytes: entries.iter().map(|entry| entry.bytes).sum(),
        cycles: entries
            .iter()
            .filter_map(|entry| entry.half_orbit)
            .map(|orbit| orbit.cycle)
            .collect(),
        passes: entries
            .iter()
            .filter_map(|entry| entry.half_orbit)
            .map(|orbit| orbit.pass)
            .collect(),
        period: start
            .zip(end)
            .map(|(start, end)| (format_instant(start), format_instant(end))),
    }
}
