//! What was made for one piece of work and may serve the next.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A granule, and what of it.
pub(crate) type Key = (usize, String);

/// What was made for one variable and may serve the next, up to a number of bytes; the oldest go first.
pub(crate) struct Recent<V> {
    limit: usize,
    kept: Mutex<Kept<V>>,
}

struct Kept<V> {
    values: HashMap<Key, (usize, Arc<V>)>,
    order: VecDeque<Key>,
    bytes: usize,
}

impl<V> Recent<V> {
    pub(crate) fn new(limit: u64) -> Self {
        let kept = Kept {
            values: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
        };
        Self {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            kept: Mutex::new(kept),
        }
    }

    pub(crate) fn recall(&self, key: &Key) -> Option<Arc<V>> {
        locked(&self.kept)
            .values
            .get(key)
            .map(|(_, value)| Arc::clone(value))
    }

    pub(crate) fn keep(&self, key: Key, value: V, bytes: usize) -> Arc<V> {
        let value = Arc::new(value);
        self.keep_shared(key, Arc::clone(&value), bytes);
        value
    }

    /// As [`Recent::keep`], of what others have already.
    pub(crate) fn keep_shared(&self, key: Key, value: Arc<V>, bytes: usize) {
        let mut kept = locked(&self.kept);
        if kept.values.insert(key.clone(), (bytes, value)).is_none() {
            kept.bytes += bytes;
            kept.order.push_back(key);
        }
        while kept.bytes > self.limit && kept.order.len() > 1 {
            let Some(oldest) = kept.order.pop_front() else {
                break;
            };
            if let Some((dropped, _)) = kept.values.remove(&oldest) {
                kept.bytes = kept.bytes.saturating_sub(dropped);
            }
        }
    }
}
