//! Work that requests cause: how much at a time, how far it is, and when it stops.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use karin_core::Progress;
use tokio::sync::Semaphore;

use super::problem::Problem;

/// How much a request may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// Milliseconds: many at a time.
    Light,
    /// Seconds: one or two at a time.
    Heavy,
}

/// What is under way, and what may begin.
#[derive(Debug)]
pub struct Works {
    light: Lane,
    heavy: Lane,
    jobs: Mutex<HashMap<String, Arc<Work>>>,
}

/// So many at a time, and so many waiting.
#[derive(Debug)]
struct Lane {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
}

/// One piece of work: told of progress, and asked whether anybody still waits for it.
#[derive(Debug, Default)]
pub struct Work {
    is_over: AtomicBool,
    stage: Mutex<String>,
    done: AtomicU64,
    total: AtomicU64,
    bytes: AtomicU64,
}

/// Ends a piece of work when whoever asked for it has gone, or has been answered.
#[derive(Debug)]
pub struct Guard {
    works: Arc<Works>,
    name: Option<String>,
    work: Arc<Work>,
}

impl Works {
    /// For so many threads.
    pub fn new(threads: usize) -> Arc<Self> {
        let lane = |permits: usize, most_waiting| Lane {
            permits: Arc::new(Semaphore::new(permits)),
            waiting: AtomicUsize::new(0),
            most_waiting,
        };
        Arc::new(Self {
            light: lane(threads.max(1) * 2, 512),
            heavy: lane(threads.max(1) + 1, 16),
            jobs: Mutex::default(),
        })
    }

    /// Begins a piece of work, under a name if one is given.
    pub fn begin(self: &Arc<Self>, name: Option<&str>) -> Guard {
        let work = Arc::new(Work::default());
        if let Some(name) = name {
            self.jobs().insert(name.to_owned(), Arc::clone(&work));
        }
        Guard {
            works: Arc::clone(self),
            name: name.map(str::to_owned),
            work,
        }
    }

    /// Waits for its turn.
    ///
    /// # Errors
    /// If too many wait already.
    pub async fn turn(&self, cost: Cost) -> Result<tokio::sync::OwnedSemaphorePermit, Problem> {
        let lane = match cost {
            Cost::Light => &self.light,
            Cost::Heavy => &self.heavy,
        };
        let waiting = Waiting::new(&lane.waiting);
        if waiting.before >= lane.most_waiting {
            return Err(Problem::busy());
        }
        let permit = Arc::clone(&lane.permits).acquire_owned().await;
        permit.map_err(|_| Problem::busy())
    }

    /// How far the work of that name is: stage, done, total, bytes.
    pub fn progress(&self, name: &str) -> Option<(String, u64, u64, u64)> {
        let work = self.jobs().get(name).cloned()?;
        let number = |atomic: &AtomicU64| atomic.load(Ordering::Relaxed);
        Some((
            work.stage().clone(),
            number(&work.done),
            number(&work.total),
            number(&work.bytes),
        ))
    }

    fn jobs(&self) -> MutexGuard<'_, HashMap<String, Arc<Work>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of those that wait, until it is dropped.
struct Waiting<'a> {
    count: &'a AtomicUsize,
    before: usize,
}

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        let before = count.fetch_add(1, Ordering::Relaxed);
        Self { count, before }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Guard {
    /// The work.
    pub fn work(&self) -> Arc<Work> {
        Arc::clone(&self.work)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.work.is_over.store(true, Ordering::Relaxed);
        if let Some(name) = &self.name {
            let mut jobs = self.works.jobs();
            // Another request may have taken the name over.
            if jobs.get(name).is_some_and(|known| Arc::ptr_eq(known, &self.work)) {
                jobs.remove(name);
            }
        }
    }
}

impl Work {
    fn stage(&self) -> MutexGuard<'_, String> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Work {
    fn start(&self, stage: &str, granules: u64, _bytes: u64) {
        stage.clone_into(&mut self.stage());
        self.total.store(granules, Ordering::Relaxed);
        self.done.store(0, Ordering::Relaxed);
    }

    fn advance(&self, granules: u64, bytes: u64) {
        self.done.fetch_add(granules, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn is_cancelled(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_stops_when_its_guard_is_gone_and_its_name_is_free_again() {
        let works = Works::new(2);
        let guard = works.begin(Some("a"));
        let work = guard.work();
        work.start("reading", 7, 0);
        work.advance(3, 100);
        assert_eq!(works.progress("a"), Some(("reading".to_owned(), 3, 7, 100)));
        assert!(!work.is_cancelled());
        drop(guard);
        assert!(work.is_cancelled() && works.progress("a").is_none());
    }

    #[test]
    fn a_name_that_was_taken_over_stays_with_the_newer_work() {
        let works = Works::new(1);
        let (old, new) = (works.begin(Some("a")), works.begin(Some("a")));
        drop(old);
        assert!(works.progress("a").is_some());
        drop(new);
    }
}
