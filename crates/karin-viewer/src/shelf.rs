//! What was made once and may be wanted again, inside a budget of bytes; made once even if several ask at a time.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use karin::engine::{Engine, EngineError};
use karin_core::Progress;
use moka::sync::Cache;
use rayon::prelude::*;

use crate::http::problem::Problem;

/// A cache of things that take time to make, many at once.
pub struct Shelf<K, V> {
    kept: Cache<K, Arc<V>>,
    under_way: Mutex<HashSet<K>>,
    changed: Condvar,
}

impl<K, V> Shelf<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    /// For so many bytes; `size` says how many one thing takes.
    pub fn new(bytes: u64, size: impl Fn(&V) -> usize + Send + Sync + 'static) -> Self {
        let weigher = move |_: &K, value: &Arc<V>| u32::try_from(size(value) / 64 + 2).unwrap_or(u32::MAX);
        Self {
            kept: Cache::builder().weigher(weigher).max_capacity(bytes / 64).build(),
            under_way: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// The thing of that key, if it is there.
    pub fn get(&self, key: &K) -> Option<Arc<V>> {
        self.kept.get(key)
    }

    /// Puts a thing in.
    pub fn put(&self, key: K, value: V) -> Arc<V> {
        let value = Arc::new(value);
        self.kept.insert(key, Arc::clone(&value));
        value
    }

    /// The things of all keys, in their order: those that are not there are made on the threads of `engine`; what others
    /// make at this moment is waited for. What cannot be made is `None`, and told to `failed`.
    ///
    /// Nobody waits inside the threads of an engine: those that wait could keep each other from going on.
    ///
    /// # Errors
    /// If nobody wants the answer any more.
    pub fn get_all(
        &self,
        keys: &[K],
        engine: &Engine<'_>,
        progress: &dyn Progress,
        make: impl Fn(&K) -> Result<V, Problem> + Sync,
        failed: impl Fn(&K, &Problem) + Sync,
    ) -> Result<Vec<Option<Arc<V>>>, Problem> {
        let mut found: Vec<Option<Arc<V>>> = keys.iter().map(|key| self.kept.get(key)).collect();
        let mut missing: Vec<usize> = (0..keys.len())
            .filter(|at| found.get(*at).is_some_and(Option::is_none))
            .collect();
        while !missing.is_empty() {
            let claim = self.claim(keys, &missing);
            let is_over = || progress.is_cancelled();
            let make_one = |at: &usize| {
                let key = keys.get(*at).filter(|_| !is_over())?;
                match make(key) {
                    Ok(value) => Some((*at, self.put(key.clone(), value))),
                    Err(problem) => {
                        failed(key, &problem);
                        None
                    }
                }
            };
            let made: Vec<_> = engine.install(|| claim.own.par_iter().map(make_one).collect());
            let own: HashSet<usize> = claim.own.iter().copied().collect();
            drop(claim);
            for (at, value) in made.into_iter().flatten() {
                if let Some(slot) = found.get_mut(at) {
                    *slot = Some(value);
                }
            }
            if is_over() {
                return Err(EngineError::Cancelled.into());
            }
            missing.retain(|at| !own.contains(at));
            self.wait_for(keys, &mut missing, &mut found);
        }
        Ok(found)
    }

    /// Those among the missing that nobody makes yet.
    fn claim<'a>(&'a self, keys: &'a [K], missing: &[usize]) -> Claim<'a, K, V> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let is_free = |at: &usize| keys.get(*at).is_some_and(|key| under_way.insert(key.clone()));
        let own = missing.iter().copied().filter(is_free).collect();
        Claim {
            shelf: self,
            keys,
            own,
        }
    }

    /// Waits a little for what others make, and takes what is there by then.
    fn wait_for(&self, keys: &[K], missing: &mut Vec<usize>, found: &mut [Option<Arc<V>>]) {
        if missing.is_empty() {
            return;
        }
        let under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let is_under_way = |under_way: &HashSet<K>| {
            missing
                .iter()
                .any(|at| keys.get(*at).is_some_and(|key| under_way.contains(key)))
        };
        if is_under_way(&under_way) {
            // Whether anybody still wants the answer is asked every now and then.
            let waited = self.changed.wait_timeout(under_way, Duration::from_millis(50));
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
        missing.retain(|at| {
            let value = keys.get(*at).and_then(|key| self.kept.get(key));
            let is_missing = value.is_none();
            if let Some(slot) = found.get_mut(*at) {
                *slot = value;
            }
            is_missing
        });
    }
}

/// Keys that one request makes the things of; free again when it is dropped.
struct Claim<'a, K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    shelf: &'a Shelf<K, V>,
    keys: &'a [K],
    own: Vec<usize>,
}

impl<K, V> Drop for Claim<'_, K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    fn drop(&mut self) {
        let mut under_way = self
            .shelf
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for key in self.own.iter().filter_map(|at| self.keys.get(*at)) {
            under_way.remove(key);
        }
        drop(under_way);
        self.shelf.changed.notify_all();
    }
}
