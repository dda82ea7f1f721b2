//! What is in a collection: groups, cycles, passes, versions.

use std::collections::{BTreeMap, BTreeSet};

use karin_core::time::format_instant;
use karin_core::{NumberList, Phase, Product, Schema};
use karin_store::{Collection, CollectionGroup, GranuleFacts, GranuleState, OpenOptions};
use serde::Serialize;

use crate::Error;

/// The content of a collection at one snapshot.
#[derive(Clone, Debug, Serialize)]
pub struct Inventory {
    /// Where it lies.
    pub location: String,
    /// The snapshot.
    pub snapshot: String,
    /// Its groups.
    pub groups: Vec<GroupInventory>,
}

/// The content of one group.
#[derive(Clone, Debug, Serialize)]
pub struct GroupInventory {
    /// Where it lies in the collection: `/L2_LR_SSH_Basic/D/science`, of virtual granules below `/virtual`.
    pub path: String,
    /// Product.
    pub product: Product,
    /// Baseline letter or major release.
    pub schema: Schema,
    /// Phase of the mission.
    pub phase: Phase,
    /// `portable`, `compact`, or `virtual`.
    pub profile: String,
    /// Paths of the variables that the group holds.
    pub variables: Vec<String>,
    /// Granules.
    pub granules: usize,
    /// Bytes of the files that they came from.
    pub source_bytes: u64,
    /// Cycles that have granules.
    pub cycles: Vec<CycleInventory>,
}

/// The granules of one cycle.
#[derive(Clone, Debug, Serialize)]
pub struct CycleInventory {
    /// Number of the cycle.
    pub cycle_number: u16,
    /// How many passes are there.
    pub granules: usize,
    /// Which ones, as `1-10,12`.
    pub passes: String,
    /// Which ones only in part.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub partial: String,
    /// Versions, and how many granules have each.
    pub versions: BTreeMap<String, usize>,
    /// First valid time.
    pub time_start: String,
    /// Last valid time.
    pub time_end: String,
}

/// Lists a collection.
///
/// # Errors
/// If it cannot be opened or its facts cannot be read.
pub fn inventory(location: &str, options: &OpenOptions) -> Result<Inventory, Error> {
    Inventory::of(&Collection::open(location, options)?)
}

impl Inventory {
    /// Lists a collection that is open.
    ///
    /// # Errors
    /// If its facts cannot be read.
    pub fn of(collection: &Collection) -> Result<Self, Error> {
        let groups: Result<_, Error> = collection.groups().iter().map(group_inventory).collect();
        Ok(Self {
            location: collection.label().to_owned(),
            snapshot: collection.snapshot_id(),
            groups: groups?,
        })
    }
}

fn group_inventory(group: &CollectionGroup) -> Result<GroupInventory, Error> {
    let key = group.key();
    let granules = group.granules()?;
    let mut cycles: BTreeMap<u16, Vec<&GranuleFacts>> = BTreeMap::new();
    for facts in granules {
        cycles.entry(facts.half_orbit.cycle.0).or_default().push(facts);
    }
    Ok(GroupInventory {
        path: key.to_string(),
        product: key.product,
        schema: key.schema,
        phase: key.phase,
        profile: group.profile().to_string(),
        variables: group.variables(),
        granules: granules.len(),
        source_bytes: granules.iter().map(|facts| facts.size).sum(),
        cycles: cycles
            .into_iter()
            .map(|(cycle, facts)| cycle_inventory(cycle, &facts))
            .collect(),
    })
}

fn cycle_inventory(cycle_number: u16, granules: &[&GranuleFacts]) -> CycleInventory {
    let passes = |keep: &dyn Fn(&GranuleFacts) -> bool| {
        let numbers: BTreeSet<u16> = granules
            .iter()
            .filter(|facts| keep(facts))
            .map(|facts| facts.half_orbit.pass.0)
            .collect();
        NumberList::from_ranges(numbers.into_iter().map(|number| number..=number)).to_string()
    };
    let mut versions = BTreeMap::new();
    for facts in granules {
        *versions.entry(facts.version.to_string()).or_insert(0) += 1;
    }
    let start = granules
        .iter()
        .map(|facts| facts.time_start)
        .fold(f64::INFINITY, f64::min);
    let end = granules
        .iter()
        .map(|facts| facts.time_end)
        .fold(f64::NEG_INFINITY, f64::max);
    CycleInventory {
        cycle_number,
        granules: granules.len(),
        passes: passes(&|_| true),
        partial: passes(&|facts| facts.state == GranuleState::Partial),
        versions,
        time_start: format_instant(start),
        time_end: format_instant(end),
    }
}
