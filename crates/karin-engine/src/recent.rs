//! What was made for one piece of work and may serve the next.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A granule, and what of it.
pub(crate) type Key = (usize, String);

/// What was made for one variable and may serve the next, up to a number of bytes; the oldest go first.
pub(crate) struct Recent<V> {
    limit: usize,
    kept: Mutex<Kept<V>>,
    /// Told when something that was being made is kept.
    made: Condvar,
}

struct Kept<V> {
    values: HashMap<Key, (usize, Arc<V>)>,
    order: VecDeque<Key>,
    bytes: usize,
    /// What is being made.
    under_way: HashSet<Key>,
}

impl<V> Recent<V> {
    pub(crate) fn new(limit: u64) -> Self {
        let kept = Kept {
            values: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            under_way: HashSet::new(),
        };
        Self {
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            kept: Mutex::new(kept),
            made: Condvar::new(),
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
        locked(&self.kept).add(key, Arc::clone(&value), bytes, self.limit);
        value
    }

    /// What is kept under a key, else what `make` makes: of several threads that want it at once one makes it, and the others wait. It must
    /// wait for no other thread itself.
    pub(crate) fn keep_one(&self, key: Key, bytes: usize, make: impl FnOnce() -> V) -> Arc<V> {
        let mut kept = locked(&self.kept);
        loop {
            if let Some((_, value)) = kept.values.get(&key) {
                return Arc::clone(value);
            }
            if kept.under_way.insert(key.clone()) {
                break;
            }
            kept = self.made.wait(kept).unwrap_or_else(PoisonError::into_inner);
        }
        drop(kept);
        let _end = UnderWay {
            recent: self,
            key: &key,
        };
        self.keep(key.clone(), make(), bytes)
    }
}

/// Something that is being made; whoever waits for it is told when it is no more, even if making it failed.
struct UnderWay<'r, V> {
    recent: &'r Recent<V>,
    key: &'r Key,
}

impl<V> Drop for UnderWay<'_, V> {
    fn drop(&mut self) {
        locked(&self.recent.kept).under_way.remove(self.key);
        self.recent.made.notify_all();
    }
}

impl<V> Kept<V> {
    /// Keeps a value, within so many bytes of all but the last.
    fn add(&mut self, key: Key, value: Arc<V>, bytes: usize, limit: usize) {
        let kept = self;
        if kept.values.insert(key.clone(), (bytes, value)).is_none() {
            kept.bytes += bytes;
            kept.order.push_back(key);
        }
        while kept.bytes > limit && kept.order.len() > 1 {
            let Some(oldest) = kept.order.pop_front() else {
                break;
            };
            if let Some((dropped, _)) = kept.values.remove(&oldest) {
                kept.bytes = kept.bytes.saturating_sub(dropped);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Barrier};

    use super::Recent;

    #[test]
    fn what_several_want_at_once_is_made_once() {
        let recent = Recent::new(1000);
        let (made, start) = (AtomicUsize::new(0), Barrier::new(4));
        let make = || {
            made.fetch_add(1, Ordering::Relaxed);
            std::thread::sleep(std::time::Duration::from_millis(20));
            7
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    assert_eq!(*recent.keep_one((1, "metric".to_owned()), 8, make), 7);
                });
            }
        });
        assert_eq!(made.load(Ordering::Relaxed), 1);
        assert_eq!(recent.recall(&(1, "metric".to_owned())), Some(Arc::new(7)));
    }

    #[test]
    fn what_could_not_be_made_is_tried_again() {
        let recent = Recent::<i32>::new(1000);
        let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            recent.keep_one((1, String::new()), 8, || panic!("no memory"))
        }));
        assert!(failed.is_err());
        assert_eq!(*recent.keep_one((1, String::new()), 8, || 3), 3);
    }
}
