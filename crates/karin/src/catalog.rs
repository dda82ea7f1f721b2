//! One index of what is on disk, in collections and at providers: which passes do I lack, and where can I get them?
//!
//! A file per source in the folder of settings, written whole or not at all. Adding a source again looks at it again: at a
//! collection only if it has a new snapshot, at a provider through the cache of its catalogues.

use std::collections::BTreeMap;

use karin_access::{Settings, Wanted, now};
use karin_core::time::format_instant;
use karin_core::{
    CycleNumber, GranuleName, HalfOrbit, Orbit, PassNumber, Phase, Product, Selection, Version,
};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::provider::ProviderOptions;

mod index;
mod look;

use index::Index;
pub use look::Look;

/// What a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Files of this machine.
    Folder,
    /// A collection.
    Collection,
    /// A provider, a server or a bucket.
    Provider,
}

/// A granule of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Product.
    pub product: Product,
    /// Cycle.
    pub cycle_number: u16,
    /// Pass.
    pub pass_number: u16,
    /// Which processing.
    pub version: Version,
    /// Bytes; 0 if nobody tells.
    #[serde(default)]
    pub size: u64,
    /// Whether a collection has some lines of it only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

impl Entry {
    fn of(name: &GranuleName, size: u64) -> Self {
        Self {
            product: name.product,
            cycle_number: name.half_orbit.cycle.0,
            pass_number: name.half_orbit.pass.0,
            version: name.version.clone(),
            size,
            partial: false,
        }
    }

    const fn half_orbit(&self) -> HalfOrbit {
        HalfOrbit {
            cycle: CycleNumber(self.cycle_number),
            pass: PassNumber(self.pass_number),
        }
    }
}

/// A source that was looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Source {
    /// The folder, the collection, or the place and product that were asked.
    pub place: String,
    /// What it is.
    pub kind: Kind,
    /// When it was looked at.
    pub looked_at: String,
    /// The state that it was in, where it tells one: a snapshot.
    #[serde(default)]
    pub state: Option<String>,
    /// Its granules.
    pub entries: Vec<Entry>,
}

/// What adding a source did.
#[derive(Clone, Debug, Serialize)]
pub struct Added {
    /// The source.
    pub place: String,
    /// What it is.
    pub kind: Kind,
    /// Granules that it has.
    pub granules: usize,
    /// Granules that it had not when it was looked at before.
    pub new: usize,
    /// Granules that it has no more.
    pub gone: usize,
}

/// A source, told in a line.
#[derive(Clone, Debug, Serialize)]
pub struct SourceRow {
    /// The source.
    pub place: String,
    /// What it is.
    pub kind: Kind,
    /// Products.
    pub products: Vec<Product>,
    /// Granules.
    pub granules: usize,
    /// First and last cycle.
    pub cycles: Option<(u16, u16)>,
    /// Bytes, as far as they are known.
    pub bytes: u64,
    /// When it was looked at.
    pub looked_at: String,
}

/// A granule that is lacking, and where it is.
#[derive(Clone, Debug, Serialize)]
pub struct Lacking {
    /// Cycle.
    pub cycle_number: u16,
    /// Pass.
    pub pass_number: u16,
    /// When the pass begins, by the orbit.
    pub time_start: String,
    /// The version that is here, if one is and a provider has a later one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub here: Option<Version>,
    /// True if a collection has some lines of it only.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Where it is, the best version first.
    pub at: Vec<Offer>,
}

/// A granule at a provider.
#[derive(Clone, Debug, Serialize)]
pub struct Offer {
    /// The provider.
    pub place: String,
    /// The version that it has.
    pub version: Version,
    /// Bytes; 0 if nobody tells.
    pub size: u64,
}

/// What is lacking of a selection.
#[derive(Clone, Debug, Serialize)]
pub struct MissingReport {
    /// The product.
    pub product: Product,
    /// Passes that see the place at the time, by the orbit.
    pub wanted: usize,
    /// Those of them that are here whole, in the newest version that the catalogue knows.
    pub here: usize,
    /// Those that are not.
    pub missing: Vec<Lacking>,
    /// Bytes of what is missing, as far as they are known.
    pub bytes: u64,
    /// Providers that the catalogue knows of for the product; without any it cannot tell where to get anything.
    pub providers: Vec<String>,
}

/// Looks at a source and keeps what it has.
///
/// # Errors
/// If it cannot be looked at, or the index cannot be written.
pub fn add(
    look: &Look<'_>,
    options: &ProviderOptions,
    progress: &dyn karin_core::Progress,
) -> Result<Added, Error> {
    let index = Index::open(&Settings::load(&options.set)?);
    let place = look.place();
    let before = index.get(&place)?;
    let source = look.look(before.as_ref(), options, progress)?;
    let key = |entry: &Entry| {
        (
            entry.product,
            entry.half_orbit(),
            entry.version.clone(),
            entry.partial,
        )
    };
    let old: std::collections::BTreeSet<_> = before
        .iter()
        .flat_map(|source| &source.entries)
        .map(key)
        .collect();
    let new: std::collections::BTreeSet<_> = source.entries.iter().map(key).collect();
    index.put(&source)?;
    Ok(Added {
        place,
        kind: source.kind,
        granules: source.entries.len(),
        new: new.difference(&old).count(),
        gone: old.difference(&new).count(),
    })
}

/// Forgets a source; false if it was not known.
///
/// # Errors
/// If the index cannot be written.
pub fn remove(place: &str, options: &ProviderOptions) -> Result<bool, Error> {
    Index::open(&Settings::load(&options.set)?).remove(place)
}

/// Every source.
///
/// # Errors
/// If the index cannot be read.
pub fn list(options: &ProviderOptions) -> Result<Vec<SourceRow>, Error> {
    let sources = Index::open(&Settings::load(&options.set)?).all()?;
    Ok(sources.into_iter().map(row).collect())
}

fn row(source: Source) -> SourceRow {
    let cycles = || source.entries.iter().map(|entry| entry.cycle_number);
    let products: std::collections::BTreeSet<_> = source.entries.iter().map(|entry| entry.product).collect();
    SourceRow {
        products: products.into_iter().collect(),
        granules: source.entries.len(),
        cycles: cycles().min().zip(cycles().max()),
        bytes: source.entries.iter().map(|entry| entry.size).sum(),
        place: source.place,
        kind: source.kind,
        looked_at: source.looked_at,
    }
}

/// Which passes of a selection are not here whole and in the newest version, and where they are.
///
/// # Errors
/// If the selection names no product, or the index cannot be read.
pub fn missing(selection: &Selection, options: &ProviderOptions) -> Result<MissingReport, Error> {
    let settings = Settings::load(&options.set)?;
    let wanted = Wanted::of(selection, now())?;
    let sources = Index::open(&settings).all()?;
    let mut here: BTreeMap<HalfOrbit, (Version, bool)> = BTreeMap::new();
    let mut offers: BTreeMap<HalfOrbit, Vec<Offer>> = BTreeMap::new();
    let mut providers = Vec::new();
    for source in &sources {
        let entries = || {
            source
                .entries
                .iter()
                .filter(|entry| wanted.may_be(entry.product, &entry.version))
        };
        if source.kind == Kind::Provider && entries().next().is_some() {
            providers.push(source.place.clone());
        }
        for entry in entries() {
            match source.kind {
                Kind::Provider => offers.entry(entry.half_orbit()).or_default().push(Offer {
                    place: source.place.clone(),
                    version: entry.version.clone(),
                    size: entry.size,
                }),
                // Whole before partial, then the newest.
                Kind::Folder | Kind::Collection => {
                    let held = here
                        .entry(entry.half_orbit())
                        .or_insert_with(|| (entry.version.clone(), entry.partial));
                    if (!entry.partial, &entry.version) > (!held.1, &held.0) {
                        *held = (entry.version.clone(), entry.partial);
                    }
                }
            }
        }
    }
    let mut report = MissingReport {
        product: wanted.product,
        wanted: 0,
        here: 0,
        missing: Vec::new(),
        bytes: 0,
        providers,
    };
    for (cycle, passes) in wanted.cycles() {
        for pass in passes.iter() {
            report.wanted += 1;
            let half_orbit = HalfOrbit::new(cycle, pass);
            let mut at = offers.remove(&half_orbit).unwrap_or_default();
            at.sort_by(|a, b| b.version.cmp(&a.version));
            let held = here.get(&half_orbit);
            let newest = at.first().map(|offer| &offer.version);
            if held
                .is_some_and(|(version, partial)| !partial && newest.is_none_or(|newest| version >= newest))
            {
                report.here += 1;
                continue;
            }
            report.bytes += at.first().map_or(0, |offer| offer.size);
            report.missing.push(Lacking {
                cycle_number: cycle,
                pass_number: pass,
                time_start: start_of(half_orbit),
                here: held.map(|(version, _)| version.clone()),
                partial: held.is_some_and(|(_, partial)| *partial),
                at,
            });
        }
    }
    report.missing.sort_by(|a, b| a.time_start.cmp(&b.time_start));
    Ok(report)
}

fn start_of(half_orbit: HalfOrbit) -> String {
    let phase = Phase::of_cycle(half_orbit.cycle);
    phase.map_or_else(String::new, |phase| {
        format_instant(Orbit::of(phase).pass_start(half_orbit).floor())
    })
}
