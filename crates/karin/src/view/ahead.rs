//! Whole variables one after the other, on several threads: while one is handed out, those that follow it are read.
//!
//! A granule has one chunk per variable, so that a variable by itself keeps one thread busy; whoever loads a dataset
//! asks for all of them in turn. What will be asked for is the caller's guess: a wrong one costs its time, never a value.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use karin_core::{Array, Dataset, DatasetError, Resources};

use super::{Decoding, decode};

/// A whole variable, stored or decoded (if [`can_decode`](super::can_decode) says that it can be; else stored).
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Its path.
    pub path: String,
    /// How true values are made of what is stored, if they are asked for.
    pub decoding: Option<Decoding>,
}

/// Reads whole variables of a dataset, some of them before they are asked for.
pub struct ReadAhead {
    shared: Arc<Shared>,
    resources: Resources,
}

/// What is read ahead takes the memory divided by this at most.
const PART_OF_MEMORY: u64 = 4;

struct Shared {
    dataset: Arc<dyn Dataset>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<(Wanted, Stage)>,
    threads: usize,
}

enum Stage {
    Waiting,
    UnderWay,
    Done(Array),
}

impl ReadAhead {
    /// Reads ahead on all threads but the caller's; what waits to be asked for takes a quarter of the memory at most.
    pub fn new(dataset: Arc<dyn Dataset>, resources: Resources) -> Self {
        Self {
            shared: Arc::new(Shared {
                dataset,
                state: Mutex::default(),
                changed: Condvar::new(),
            }),
            resources,
        }
    }

    /// All of a variable. Meanwhile those that will probably be asked for next, in that order, are begun: twice as many
    /// as there are threads at most. What was read ahead and is not among them is dropped.
    ///
    /// # Errors
    /// As [`Dataset::read_slab`], of the variable that is asked for: one that fails ahead is read again when it is.
    pub fn read(&self, wanted: &Wanted, next: &[Wanted]) -> Result<Array, DatasetError> {
        if self.resources.jobs > 1 {
            self.begin(wanted, next);
        }
        let shared = &self.shared;
        let mut state = shared.lock();
        loop {
            let own = state.queue.iter().position(|(one, _)| one == wanted);
            let Some(own) = own else {
                drop(state);
                return shared.read(wanted);
            };
            match &state.queue[own].1 {
                Stage::UnderWay => {}
                Stage::Waiting => {
                    state.queue.remove(own);
                    continue;
                }
                Stage::Done(_) => {
                    if let Some((_, Stage::Done(array))) = state.queue.remove(own) {
                        return Ok(array);
                    }
                    continue;
                }
            }
            // Another thread is at it: help with the next one rather than wait.
            state = match Shared::take(&mut state) {
                Some(other) => {
                    drop(state);
                    shared.fulfil(&other);
                    shared.lock()
                }
                None => shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Puts what comes next into the queue, and threads to work on it.
    fn begin(&self, wanted: &Wanted, next: &[Wanted]) {
        let next = &next[..next.len().min(self.resources.jobs.saturating_mul(2))];
        let mut state = self.shared.lock();
        state
            .queue
            .retain(|(one, stage)| one == wanted || next.contains(one) || matches!(stage, Stage::UnderWay));
        let mut held: u64 = state
            .queue
            .iter()
            .map(|(one, _)| self.shared.bytes_of(one))
            .fold(0, u64::saturating_add);
        for one in next {
            if state.queue.iter().any(|(known, _)| known == one) {
                continue;
            }
            held = held.saturating_add(self.shared.bytes_of(one));
            if held > self.resources.memory / PART_OF_MEMORY {
                break;
            }
            state.queue.push_back((one.clone(), Stage::Waiting));
        }
        let waiting = state
            .queue
            .iter()
            .filter(|(_, stage)| matches!(stage, Stage::Waiting))
            .count();
        while state.threads < (self.resources.jobs - 1).min(waiting) {
            let shared = Arc::clone(&self.shared);
            let spawned = std::thread::Builder::new()
                .name("karin-ahead".to_owned())
                .spawn(move || shared.work());
            if spawned.is_err() {
                // No thread to be had: the caller reads by itself.
                break;
            }
            state.threads += 1;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first that nobody reads yet.
    fn take(state: &mut State) -> Option<Wanted> {
        let (one, stage) = state
            .queue
            .iter_mut()
            .find(|(_, stage)| matches!(stage, Stage::Waiting))?;
        *stage = Stage::UnderWay;
        Some(one.clone())
    }

    /// Reads what waits until nothing does.
    fn work(&self) {
        let mut state = self.lock();
        while let Some(one) = Self::take(&mut state) {
            drop(state);
            self.fulfil(&one);
            state = self.lock();
        }
        state.threads -= 1;
    }

    /// Reads what was taken, and says so; whatever happens, nobody waits for it in vain.
    fn fulfil(&self, one: &Wanted) {
        let mut turn = Turn {
            shared: self,
            one,
            array: None,
        };
        turn.array = self.read(one).ok();
    }

    fn read(&self, one: &Wanted) -> Result<Array, DatasetError> {
        let mut array = self.dataset.read(&one.path)?;
        if let Some(decoded) = one
            .decoding
            .as_ref()
            .and_then(|decoding| decode(&array.values, decoding))
        {
            array.values = decoded;
        }
        Ok(array)
    }

    /// Bytes of its values, as they are handed out.
    fn bytes_of(&self, one: &Wanted) -> u64 {
        let shape = self.dataset.root().shape(&one.path).unwrap_or_default();
        let size = match &one.decoding {
            Some(decoding) if decoding.double => 8,
            Some(_) => 4,
            None => self
                .dataset
                .root()
                .variable(&one.path)
                .map_or(8, |meta| meta.dtype.size()),
        };
        shape
            .iter()
            .fold(size as u64, |product, len| product.saturating_mul(*len as u64))
    }
}

/// A variable that a thread reads.
struct Turn<'a> {
    shared: &'a Shared,
    one: &'a Wanted,
    array: Option<Array>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if let Some(at) = state.queue.iter().position(|(one, _)| one == self.one) {
            match self.array.take() {
                Some(array) => state.queue[at].1 = Stage::Done(array),
                None => drop(state.queue.remove(at)),
            }
        }
        drop(state);
        self.shared.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use karin_core::{Attributes, DType, Dimension, GroupMeta, Slab, Storage, Values, VariableMeta};
    use karin_engine::{MemoryDataset, Sink as _};

    use super::*;

    /// Twenty variables of a hundred numbers, of which the eleventh cannot be read.
    struct Watched {
        inner: MemoryDataset,
        reads: AtomicUsize,
        at_once: AtomicUsize,
        most: AtomicUsize,
    }

    impl Watched {
        fn new() -> Self {
            let mut inner = MemoryDataset::new("watched");
            let variables = (0..20).map(|number| VariableMeta {
                name: format!("v{number}"),
                dtype: DType::Int32,
                dimensions: vec!["x".into()],
                attributes: Attributes::new(),
                storage: Storage::default(),
            });
            let root = GroupMeta {
                dimensions: vec![Dimension {
                    name: "x".into(),
                    size: 100,
                    unlimited: false,
                }],
                variables: variables.collect(),
                ..GroupMeta::default()
            };
            inner.begin(&root).unwrap();
            for number in 0..20 {
                let values = Values::Int32((number..number + 100).collect());
                let shape = vec![100];
                inner.set(&format!("v{number}"), Array { shape, values });
            }
            Self {
                inner,
                reads: AtomicUsize::new(0),
                at_once: AtomicUsize::new(0),
                most: AtomicUsize::new(0),
            }
        }
    }

    impl Dataset for Watched {
        fn label(&self) -> &str {
            self.inner.label()
        }

        fn root(&self) -> &GroupMeta {
            self.inner.root()
        }

        fn read_into(&self, path: &str, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError> {
            self.reads.fetch_add(1, Ordering::SeqCst);
            let now = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(2));
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            match path {
                "v10" => Err(DatasetError::no_variable("watched", path)),
                _ => self.inner.read_into(path, slab, out),
            }
        }
    }

    fn wanted(number: i32, double: bool) -> Wanted {
        let decoding = double.then(|| Decoding {
            scale: Some(2.0),
            double,
            ..Decoding::default()
        });
        let path = format!("v{number}");
        Wanted { path, decoding }
    }

    fn ahead(jobs: usize, memory: u64) -> (Arc<Watched>, ReadAhead) {
        let watched = Arc::new(Watched::new());
        let mut resources = Resources::default();
        (resources.jobs, resources.memory) = (jobs, memory);
        let ahead = ReadAhead::new(Arc::clone(&watched) as Arc<dyn Dataset>, resources);
        (watched, ahead)
    }

    #[test]
    fn what_comes_next_is_read_meanwhile_and_once() {
        for double in [false, true] {
            let (watched, ahead) = ahead(3, 1 << 20);
            let all: Vec<Wanted> = (0..20).map(|number| wanted(number, double)).collect();
            for (number, one) in all.iter().enumerate() {
                let found = ahead.read(one, &all[number + 1..]);
                if number == 10 {
                    assert!(found.is_err());
                    continue;
                }
                let stored = number as i32..number as i32 + 100;
                let expected = match double {
                    true => Values::Float64(stored.map(|value| f64::from(value) * 2.0).collect()),
                    false => Values::Int32(stored.collect()),
                };
                assert_eq!(found.unwrap().values, expected);
            }
            // The one that fails was tried ahead, and again when it was asked for.
            assert!((20..=21).contains(&watched.reads.load(Ordering::SeqCst)));
            assert!((2..=3).contains(&watched.most.load(Ordering::SeqCst)));
        }
    }

    #[test]
    fn wrong_guesses_cost_no_more_than_memory_allows() {
        let (watched, wrong) = ahead(2, 1 << 20);
        for number in [0, 12, 3] {
            wrong
                .read(&wanted(number, false), &[wanted(number + 4, false)])
                .unwrap();
        }
        let state = wrong.shared.lock();
        assert!(state.queue.len() <= 2, "{}", state.queue.len());
        drop(state);
        assert!(watched.reads.load(Ordering::SeqCst) <= 6);
        // Two of 400 bytes fit into a quarter of this, no third; on one thread nothing is read ahead.
        for (jobs, memory, reads) in [(8, 4 * 800, 3), (1, 1 << 20, 1)] {
            let (watched, ahead) = ahead(jobs, memory);
            let next: Vec<Wanted> = (1..9).map(|number| wanted(number, false)).collect();
            ahead.read(&wanted(0, false), &next).unwrap();
            while ahead.shared.lock().threads > 0 {
                std::thread::sleep(Duration::from_millis(1));
            }
            assert_eq!(watched.reads.load(Ordering::SeqCst), reads);
        }
    }
}
