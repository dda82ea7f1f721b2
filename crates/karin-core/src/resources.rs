//! What work may use, and whom it tells how far it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Threads and memory that a piece of work may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resources {
    /// Worker threads, at least 1.
    pub jobs: usize,
    /// Bytes of buffers that may be held at one time.
    pub memory: u64,
}

impl Default for Resources {
    /// All cores, 1 GiB.
    fn default() -> Self {
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            jobs,
            memory: 1 << 30,
        }
    }
}

/// How a file or folder is written. None of it changes what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteOptions {
    /// Threads that compress, and memory for what is under way.
    pub resources: Resources,
    /// Whether it is on the disk when the call returns (default), or the system may take its time.
    pub durable: bool,
    /// How the chunks of netCDF are deflated, instead of how the structure says: levels 1 to 9, or 0 for values as they are.
    /// Variables without chunks stay as they are.
    pub deflate: Option<u8>,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            resources: Resources::default(),
            durable: true,
            deflate: None,
        }
    }
}

impl WriteOptions {
    /// With so many threads and so much memory.
    #[must_use]
    pub const fn with_resources(mut self, resources: Resources) -> Self {
        self.resources = resources;
        self
    }

    /// With the chunks of netCDF deflated at a level, or not at all (0); `None` leaves them as the structure says.
    #[must_use]
    pub const fn with_deflate(mut self, level: Option<u8>) -> Self {
        self.deflate = level;
        self
    }

    /// With or without waiting for the disk.
    #[must_use]
    pub const fn with_durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }
}

/// Tells work that the user wants to stop. Clones are one: what waits for something else than its caller (a server) keeps one.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks to stop; true if that was asked before.
    pub fn stop(&self) -> bool {
        self.0.swap(true, Ordering::SeqCst)
    }

    /// Takes the wish back, once what was to stop has.
    pub fn take_back(&self) {
        self.0.store(false, Ordering::SeqCst);
    }

    /// True once somebody asked.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Tells nobody, and stops.
impl Progress for Stop {
    fn is_cancelled(&self) -> bool {
        self.is_stopped()
    }
}

/// Told of progress by long work, from any thread; asked whether to stop.
pub trait Progress: Send + Sync {
    /// A stage begins: what it is called, how many granules and bytes it has to handle (0 = unknown).
    fn start(&self, stage: &str, granules: u64, bytes: u64) {
        let _ = (stage, granules, bytes);
    }

    /// So many more granules and bytes are done.
    fn advance(&self, granules: u64, bytes: u64) {
        let _ = (granules, bytes);
    }

    /// Something the user should know that does not stop the work: a skipped granule, an unusual name.
    fn warn(&self, message: &str) {
        let _ = message;
    }

    /// Something the user will be glad to know: what a commit acknowledged, what was written.
    fn note(&self, message: &str) {
        let _ = message;
    }

    /// The stage has ended.
    fn finish(&self) {}

    /// True once the user wants to stop; work ends within a second with [`ErrorKind::Cancelled`](crate::ErrorKind).
    fn is_cancelled(&self) -> bool {
        false
    }

    /// What outlives a call takes this with it to learn that the user wants to stop, if whoever is told will begin nothing
    /// else before it has stopped. By default it hears nothing.
    fn stop(&self) -> Stop {
        Stop::default()
    }
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoProgress;

impl Progress for NoProgress {}
