//! What is served: granules by group, each opened once and kept for a while.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use karin::engine::{Entry, Source, Swath};
use karin::provider::ProviderOptions;
use karin::store::OpenOptions;
use karin_core::{
    Dataset, DatasetError, GroupMeta, HalfOrbit, Phase, Product, Progress, Resources, Schema, Selection, Side,
};

use crate::http::problem::Problem;
use crate::layers::{Layers, is_layer};

pub mod variables;

/// Granules that stay open: every view keeps some more.
const OPEN_GRANULES: usize = 192;

/// Everything that a viewer serves, at one state.
pub struct Archive {
    source: Arc<dyn Source>,
    inputs: Vec<PathBuf>,
    identity: String,
    groups: Vec<Group>,
    resources: Resources,
    layers: Layers,
}

/// Granules of one product, schema and phase.
#[derive(Debug)]
pub struct Group {
    /// `L2_LR_SSH_Basic.C.science`.
    pub id: String,
    /// The product; `None` for files that are named otherwise.
    pub product: Option<Product>,
    /// The schema, where it has one.
    pub schema: Option<Schema>,
    /// The phase of the mission.
    pub phase: Phase,
    /// The newest entry of each half orbit.
    pub granules: BTreeMap<HalfOrbit, usize>,
    /// What a granule looks like.
    pub structure: GroupMeta,
    /// Its swaths: one, or one per side.
    pub swaths: Vec<Swath>,
    /// True if pixels lie in the same places in every cycle, which was checked when they were put into the collection.
    pub is_fixed: bool,
}

impl Archive {
    /// Opens granules and collections, and `layers` beside them; files among `inputs` that are maps or tracks are layers
    /// too.
    ///
    /// # Errors
    /// If an input cannot be opened, or none of the granules has a swath whose cycle and pass are known.
    pub fn open(
        inputs: &[PathBuf],
        layers: &[PathBuf],
        options: &OpenOptions,
        provider: &ProviderOptions,
        resources: Resources,
        progress: &dyn Progress,
    ) -> Result<Self, karin::Error> {
        let (maps, inputs): (Vec<PathBuf>, Vec<PathBuf>) =
            inputs.iter().cloned().partition(|input| is_layer(input));
        if inputs.is_empty() {
            let reason =
                "maps and tracks are layers of a swath: name a collection or granules to show them with";
            return Err(karin::Error::option("karin view", reason));
        }
        let layers = Layers::open(&[&maps, layers].concat(), resources.memory, progress)?;
        let source = karin::sources::open_with(&inputs, options, provider, progress)?;
        let source: Arc<dyn Source> = Arc::new(Kept::new(source));
        let groups = groups(source.as_ref(), progress);
        if groups.is_empty() {
            let reason = "there is no granule with a swath whose cycle and pass are known";
            return Err(karin::Error::option("karin view", reason));
        }
        Ok(Self {
            identity: identity(source.as_ref()),
            inputs,
            layers,
            source,
            groups,
            resources,
        })
    }

    /// Where granules come from.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// Maps and tracks beside the swath.
    pub fn layers(&self) -> &Layers {
        &self.layers
    }

    /// What users named, without layers.
    pub fn inputs(&self) -> &[PathBuf] {
        &self.inputs
    }

    /// What this state is called: the snapshot of the collection, or a hash of the names and sizes of the files.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// What this state is called to caches: that of granules and layers.
    pub fn state(&self) -> String {
        match self.layers.identity() {
            "" => self.identity.clone(),
            layers => format!("{layers}-{}", self.identity),
        }
    }

    /// The groups, in the order of product, schema and phase.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Threads and memory of one request.
    pub fn resources(&self) -> Resources {
        self.resources
    }

    /// The group of that name.
    ///
    /// # Errors
    /// If there is none.
    pub fn group(&self, id: &str) -> Result<&Group, Problem> {
        let found = self.groups.iter().find(|group| group.id == id);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.groups.iter().map(|group| group.id.as_str()).collect();
            let id = crate::http::params::short(id);
            Problem::missing(format!(
                "there is no group '{id}': there are {}",
                names.join(", ")
            ))
        })
    }

    /// What is known of a granule.
    pub fn entry(&self, index: usize) -> Option<&Entry> {
        self.source.entries().get(index)
    }
}

impl Group {
    /// A selection of this group and nothing else of the source.
    pub fn selection(&self) -> Selection {
        let version = self.schema.and_then(|schema| schema.to_string().parse().ok());
        Selection {
            product: self.product,
            phase: Some(self.phase),
            version: version.unwrap_or_default(),
            ..Selection::default()
        }
    }

    /// The swath of a side; the only one, where there are none.
    ///
    /// # Errors
    /// If the group has sides, and that is none of them.
    pub fn swath(&self, side: &str) -> Result<&Swath, Problem> {
        let first = self
            .swaths
            .first()
            .ok_or_else(|| Problem::missing("this group has no swath"))?;
        match side {
            "" => Ok(first),
            side if self.has_sides() => {
                let found = self.swaths.iter().find(|swath| swath.group == side);
                found.ok_or_else(|| Problem::invalid("side: expected left or right"))
            }
            _ => Ok(first),
        }
    }

    /// True if each side is a swath of its own.
    pub fn has_sides(&self) -> bool {
        self.swaths.len() > 1
    }

    /// The cycles that exist, ascending.
    pub fn cycles(&self) -> Vec<u16> {
        let mut cycles: Vec<u16> = self
            .granules
            .keys()
            .map(|half_orbit| half_orbit.cycle.0)
            .collect();
        cycles.dedup();
        cycles
    }

    /// Metres between pixels.
    pub fn resolution_m(&self) -> f64 {
        if self.has_sides() { 250.0 } else { 2000.0 }
    }
}

/// What the state of a source is called.
fn identity(source: &dyn Source) -> String {
    if let Some(snapshot) = source.snapshot() {
        return snapshot.to_owned();
    }
    let mut hasher = blake3::Hasher::new();
    for entry in source.entries() {
        hasher.update(format!("{}\n{}\n", entry.label, entry.bytes).as_bytes());
    }
    hasher.finalize().to_hex().chars().take(20).collect()
}

/// Product, schema and phase.
type GroupKey<'a> = (Option<&'a str>, Option<Schema>, Phase);

/// The groups of a source; those whose granules cannot be read or have no swath are told and left out.
fn groups(source: &dyn Source, progress: &dyn Progress) -> Vec<Group> {
    let mut found: BTreeMap<GroupKey<'_>, BTreeMap<HalfOrbit, usize>> = BTreeMap::new();
    for (index, entry) in source.entries().iter().enumerate() {
        let Some((half_orbit, phase)) = entry
            .half_orbit
            .and_then(|half_orbit| Some((half_orbit, half_orbit.phase()?)))
        else {
            continue;
        };
        let key = (entry.product.map(Product::name), entry.schema(), phase);
        let granules = found.entry(key).or_default();
        let newer = |other: &usize| {
            source
                .entries()
                .get(*other)
                .is_none_or(|other| other.version <= entry.version)
        };
        if granules.get(&half_orbit).is_none_or(newer) {
            granules.insert(half_orbit, index);
        }
    }
    let mut groups = Vec::new();
    for ((product, schema, phase), granules) in found {
        let product = product.and_then(|name| Product::parse(name).ok());
        let sample = granules
            .values()
            .rev()
            .take(8)
            .find_map(|index| source.open(*index).ok());
        let name = product.map_or("files", Product::name);
        let Some(sample) = sample else {
            progress.warn(&format!(
                "left out {name}: none of its newest granules can be read"
            ));
            continue;
        };
        let structure = sample.root().clone();
        let swaths = Swath::of(&structure, Side::Both);
        if swaths.is_empty() {
            progress.warn(&format!("left out {name}: it has no swath"));
            continue;
        }
        let schema_word = schema.map(|schema| format!(".{schema}")).unwrap_or_default();
        groups.push(Group {
            id: format!("{name}{schema_word}.{phase}"),
            is_fixed: product.is_some_and(Product::has_fixed_grid)
                && granules.values().all(|index| source.has_checked_grid(*index)),
            product,
            schema,
            phase,
            granules,
            structure,
            swaths,
        });
    }
    groups
}

/// A source whose granules stay open for a while.
struct Kept {
    source: Arc<dyn Source>,
    open: Mutex<VecDeque<(usize, Arc<dyn Dataset>)>>,
}

impl Kept {
    fn new(source: Arc<dyn Source>) -> Self {
        Self {
            source,
            open: Mutex::default(),
        }
    }
}

impl Source for Kept {
    fn entries(&self) -> &[Entry] {
        self.source.entries()
    }

    fn open(&self, index: usize) -> Result<Arc<dyn Dataset>, DatasetError> {
        let recall = |open: &VecDeque<(usize, Arc<dyn Dataset>)>| {
            let found = open.iter().find(|(known, _)| *known == index);
            found.map(|(_, dataset)| Arc::clone(dataset))
        };
        let lock = || self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = recall(&lock()) {
            return Ok(found);
        }
        // Opened outside the lock: to open one twice costs less than to wait.
        let dataset = self.source.open(index)?;
        let mut open = lock();
        open.push_back((index, Arc::clone(&dataset)));
        if open.len() > OPEN_GRANULES {
            open.pop_front();
        }
        Ok(dataset)
    }

    fn snapshot(&self) -> Option<&str> {
        self.source.snapshot()
    }

    fn has_checked_grid(&self, index: usize) -> bool {
        self.source.has_checked_grid(index)
    }
}
