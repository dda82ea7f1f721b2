//! Granules into a collection: checked, encoded on all cores, packed into few objects, committed together.
//!
//! ```text
//! put(granule): fits? newer? lies on its pass? ──> encoded chunks ──> one packed object
//! commit():     packed object to stable storage ──> facts and references on the newest snapshot ──> acknowledged
//! ```
//!
//! Whatever another writer did in the meantime, a commit decides anew from what the newest snapshot holds: the rules
//! of versions apply there, finished objects are referred to again, and nothing is encoded twice.

mod decide;
mod encode;
mod gathered;
mod geometry;
mod granule;
mod group;
mod handover;
mod known;
mod landing;
mod merge;
mod nodes;
mod packed;
mod pipeline;
mod present;
mod refer;
mod register;
mod shared;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use icechunk::format::manifest::ChunkPayload;
use karin_core::{Dataset, GranuleName, HalfOrbit, Resources};

use crate::collection::chunks::ChunkReader;
use crate::facts::document::{Document, GroupDelta, SourceRecord};
use crate::layout::GroupLayout;
use crate::origin::ensure_containers;
use crate::stored::Spare;
use crate::{GranuleFacts, GranuleState, GroupKey, Origin, Profile, Repository, StoreError};
pub use decide::Outcome;
use encode::Encoding;
use gathered::Gathered;
use granule::{Fitted, Refusal, fit};
use group::{invent_layout, key_of};
use packed::Packed;
use pipeline::encode_all;
pub use refer::fingerprint;
use shared::{Claim, SharedArrays};

/// How to ingest.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IngestOptions {
    /// Codecs of groups that do not exist yet.
    pub profile: Profile,
    /// Put a granule in the place of one of the same version but other content.
    pub replace: bool,
    /// Check everything, write nothing.
    pub dry_run: bool,
    /// Threads and memory.
    pub resources: Resources,
    /// After how long [`Ingest::is_due`] asks for a commit.
    pub commit_every: Duration,
}

impl Default for IngestOptions {
    /// `portable`, all cores, a commit every 60 seconds.
    fn default() -> Self {
        Self {
            profile: Profile::Portable,
            replace: false,
            dry_run: false,
            resources: Resources::default(),
            commit_every: Duration::from_secs(60),
        }
    }
}

/// A granule on its way into a collection.
#[derive(Clone, Copy)]
pub struct IncomingGranule<'a> {
    /// Its identity, from its name.
    pub name: &'a GranuleName,
    /// Its structure and values.
    pub dataset: &'a dyn Dataset,
    /// Name of the file that it comes from.
    pub source_name: &'a str,
    /// Bytes of that file.
    pub size: u64,
    /// BLAKE3 of that file; of a virtual granule its [`fingerprint`].
    pub checksum: [u8; 32],
    /// Where the file is, if the granule is to be virtual: its values stay there, and `dataset` has to be that file.
    pub origin: Option<&'a Origin>,
}

/// What a commit stored.
#[derive(Clone, Debug)]
pub struct IngestCommit {
    /// The newest snapshot.
    pub snapshot: String,
    /// Each granule put since the last commit, and what became of it.
    pub granules: Vec<(GroupKey, HalfOrbit, Outcome)>,
}

/// An ingest in progress. Dropped without [`Ingest::commit`], it leaves the collection as it was.
pub struct Ingest<'a> {
    repository: &'a Arc<Repository>,
    options: IngestOptions,
    chunks: ChunkReader,
    pool: rayon::ThreadPool,
    groups: HashMap<GroupKey, Group>,
    /// Objects that hold chunks of what is pending.
    packed: Packed<'a>,
    /// Memory for the values of a variable between variables.
    buffers: Mutex<Spare>,
    pending: Vec<Pending>,
    since: Instant,
}

struct Group {
    layout: Arc<GroupLayout>,
    shared: SharedArrays,
    /// The group for the same granules, virtual beside copied, if there is one.
    beside: Option<GroupLayout>,
}

/// A granule whose chunks are written, but which no commit refers to yet.
struct Pending {
    layout: Arc<GroupLayout>,
    facts: GranuleFacts,
    document: Document,
    /// Chunks of the document.
    document_chunks: Vec<ChunkPayload>,
    /// Array, block, and where it lies.
    chunks: Vec<(usize, u32, ChunkPayload)>,
    claims: Vec<Claim>,
}

impl<'a> Ingest<'a> {
    /// Begins to ingest into a collection (an empty repository is one).
    ///
    /// # Errors
    /// If the threads cannot be started.
    pub fn begin(repository: &'a Arc<Repository>, options: IngestOptions) -> Result<Self, StoreError> {
        let jobs = options.resources.jobs.max(1);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(jobs)
            .build()
            .map_err(|error| {
                StoreError::io(repository.label(), "start threads", std::io::Error::other(error))
            })?;
        Ok(Self {
            chunks: ChunkReader::new(Arc::clone(repository)),
            repository,
            pool,
            groups: HashMap::new(),
            packed: Packed::new(repository, options.dry_run),
            buffers: Mutex::new(Spare::new(
                usize::try_from(values_budget(&options.resources)).unwrap_or(usize::MAX),
            )),
            options,
            pending: Vec::new(),
            since: Instant::now(),
        })
    }

    /// Checks a granule and writes its chunks. It becomes part of the collection with the next commit.
    ///
    /// # Errors
    /// [`StoreError::Refused`] and [`StoreError::Unreadable`] are about this granule alone, and the ingest can go on;
    /// all others are about the collection.
    pub fn put(&mut self, granule: &IncomingGranule<'_>) -> Result<Outcome, StoreError> {
        let put = self.try_put(granule);
        self.forget_lost();
        put.map_err(|refusal| refusal.of(granule.source_name))
    }

    /// Says what [`Ingest::put`] would do with a granule of that identity and checksum that is to be copied, without
    /// reading it; `None` if that depends on its content.
    ///
    /// # Errors
    /// If the collection cannot be read.
    pub fn foresee(
        &mut self,
        name: &GranuleName,
        checksum: &[u8; 32],
    ) -> Result<Option<Outcome>, StoreError> {
        let Ok(key) = key_of(name) else { return Ok(None) };
        match self.ensure_group(key, |profile| invent_layout(key, profile, None)) {
            Ok(()) => {}
            Err(Refusal::Store(error)) => return Err(error),
            Err(_) => return Ok(None),
        }
        let (there, known) = self.there(key, name.half_orbit, checksum)?;
        let same = there.is_some_and(|there| known && there.version == name.version);
        Ok(same.then_some(Outcome::AlreadyThere))
    }

    /// True once the last commit lies so far back that it is time for another.
    pub fn is_due(&self) -> bool {
        !self.pending.is_empty() && self.since.elapsed() >= self.options.commit_every
    }

    /// Granules that wait for the next commit.
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Puts everything on stable storage and makes it part of the collection. When it returns, it is there for good.
    ///
    /// # Errors
    /// What writing met; nothing of this part is in the collection then, and all of it can be put again.
    pub fn commit(&mut self) -> Result<Option<IngestCommit>, StoreError> {
        self.since = Instant::now();
        let finished = self.packed.finish();
        self.forget_lost();
        finished?;
        if self.pending.is_empty() {
            return Ok(None);
        }
        let origins = self.pending.iter().filter_map(|one| one.document.origin());
        ensure_containers(self.repository, origins)?;
        let committed = register::commit(self.repository, &self.chunks, &self.pending, &self.options);
        self.pending.clear();
        self.groups.clear();
        committed.map(Some)
    }

    fn try_put(&mut self, granule: &IncomingGranule<'_>) -> Result<Outcome, Refusal> {
        let mut key = key_of(granule.name)?;
        key.is_virtual = granule.origin.is_some();
        self.ensure_group(key, |profile| invent_layout(key, profile, Some(granule.dataset)))?;
        let Some(layout) = self.groups.get(&key).map(|group| Arc::clone(&group.layout)) else {
            return Err(Refusal::structure("its group is not there"));
        };
        let fitted = fit(granule.dataset, &layout)?;
        check_length(granule.name, &layout, &fitted)?;
        if key.is_virtual && fitted.is_partial() {
            return Err(refer::refusal(
                "it is a crop, whose lines do not lie as those of a whole granule",
            ));
        }
        let state = if fitted.is_partial() {
            GranuleState::Partial
        } else {
            GranuleState::Whole
        };
        let outcome = self.outcome(key, granule, state)?;
        if !outcome.is_stored() {
            return Ok(outcome);
        }
        let pending = self.encode(granule, &layout, &fitted, state)?;
        if !self.options.dry_run {
            self.pending.push(pending);
        }
        Ok(outcome)
    }

    /// Loads the layout of a group, or has it invented.
    fn ensure_group(
        &mut self,
        key: GroupKey,
        invent: impl FnOnce(Profile) -> Result<GroupLayout, Refusal>,
    ) -> Result<(), Refusal> {
        if self.groups.contains_key(&key) {
            return Ok(());
        }
        let session = self.repository.read_session(&self.repository.tip()?)?;
        let found = nodes::find_layout(self.repository, &session, key)?;
        let exists = found.is_some();
        let layout = Arc::new(match found {
            Some(layout) => layout,
            None => invent(self.options.profile)?,
        });
        let beside = nodes::find_layout(self.repository, &session, key.beside())?;
        let shared = SharedArrays::new(session, exists, &layout);
        let group = Group {
            layout,
            shared,
            beside,
        };
        self.groups.insert(key, group);
        Ok(())
    }

    fn encode(
        &mut self,
        granule: &IncomingGranule<'_>,
        layout: &Arc<GroupLayout>,
        fitted: &Fitted,
        state: GranuleState,
    ) -> Result<Pending, Refusal> {
        let pass = granule.name.half_orbit.pass.index(layout.key.phase).unwrap_or(0) as u32;
        let Some(group) = self.groups.get_mut(&layout.key) else {
            return Err(Refusal::structure("its group is not there"));
        };
        group.shared.load(&self.chunks, layout, pass)?;
        let known = group.shared.of_pass(pass);
        let encoding = Encoding {
            dataset: granule.dataset,
            layout,
            fitted,
            known: &known,
            buffers: &self.buffers,
        };
        let mut gathered = Gathered::default();
        let (packed, whole) = (&mut self.packed, state == GranuleState::Whole);
        encode_all(
            &self.pool,
            &encoding,
            values_budget(&self.options.resources),
            |encoded| {
                gathered.take(encoded, (layout, &known), granule.origin, whole, packed)?;
                gathered.check_geometry(granule.name, layout, fitted)
            },
        )?;
        // Only a grid that lies on its pass may vouch for the next granule.
        group.shared.learn(&gathered, pass);
        let (start, end) = gathered.times.unwrap_or((granule.name.start, granule.name.end));
        let document = document(granule, layout, fitted);
        let (document_size, document_chunks) = self.write_document(&document)?;
        let facts = GranuleFacts {
            half_orbit: granule.name.half_orbit,
            state,
            version: granule.name.version.clone(),
            size: granule.size,
            checksum: granule.checksum,
            time_start: start,
            time_end: end,
            ingested: now(),
            own_geometry: false,
            counts: fitted.counts.clone(),
            document_size,
        };
        let Gathered { chunks, claims, .. } = gathered;
        Ok(Pending {
            layout: Arc::clone(layout),
            facts,
            document,
            document_chunks,
            chunks,
            claims,
        })
    }

    fn write_document(&mut self, document: &Document) -> Result<(u32, Vec<ChunkPayload>), Refusal> {
        let (size, chunks) = register::encode_document(document)?;
        let payloads: Result<Vec<_>, StoreError> = chunks
            .into_iter()
            .map(|stored| self.packed.push(stored))
            .collect();
        Ok((size, payloads?))
    }

    /// Forgets what no commit has stored yet if it refers to an object that could not be written.
    fn forget_lost(&mut self) {
        if self.packed.has_lost() {
            self.pending.clear();
            self.groups.clear();
        }
    }
}

/// Bytes that values may take between reading and encoding; what they are decoded from and encoded to comes on top.
const fn values_budget(resources: &Resources) -> u64 {
    resources.memory / 2
}

fn document(granule: &IncomingGranule<'_>, layout: &GroupLayout, fitted: &Fitted) -> Document {
    Document {
        sources: vec![SourceRecord {
            name: granule.source_name.to_owned(),
            granule: granule.name.file_name(),
            size: granule.size,
            checksum: register::hexadecimal(&granule.checksum),
            origin: granule.origin.cloned(),
        }],
        repacked: fitted.repacked.clone(),
        structure: GroupDelta::between(&layout.blueprint.structure, &fitted.structure),
    }
}

/// Seconds between two lines of the 250 m products, about.
const FINE_LINE_SECS: f64 = 0.037;

/// Refuses excerpts of products whose granules have no fixed number of lines: without original indices, nothing but
/// the time span in the name tells them from whole granules.
fn check_length(name: &GranuleName, layout: &GroupLayout, fitted: &Fitted) -> Result<(), Refusal> {
    let expected = (name.end - name.start) / FINE_LINE_SECS;
    for (count, &length) in layout.counts.iter().zip(&fitted.counts) {
        let landing = fitted.landings.iter().find(|(path, _)| *path == count.group);
        let whole = landing.is_some_and(|(_, landing)| !landing.is_partial());
        if layout.blueprint.fixed_lines.is_none()
            && count.dimension == "num_lines"
            && whole
            && f64::from(length) < expected / 2.0
        {
            return Err(Refusal::structure(format!(
                "it has {length} lines where the times in its name make about {expected:.0}: {}",
                landing::WITHOUT_INDICES
            )));
        }
    }
    Ok(())
}

/// Seconds since 2000-01-01T00:00:00 UTC.
fn now() -> f64 {
    const OF_2000: f64 = 946_684_800.0;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs_f64() - OF_2000
}
