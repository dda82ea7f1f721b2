//! Compressed chunks that were fetched, the oldest forgotten first.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

/// What is stored of a chunk; `None` if there is no such object.
pub(super) type Stored = Arc<Option<Vec<u8>>>;

/// A chunk once somebody has fetched it, or why it cannot be had.
pub(super) type Slot = Arc<Mutex<Option<Result<Stored, String>>>>;

/// Chunks by key, within a budget of bytes.
pub(super) struct Cache {
    slots: HashMap<String, Slot>,
    order: VecDeque<(String, u64)>,
    held: u64,
    budget: u64,
}

impl Cache {
    pub(super) fn new(budget: u64) -> Self {
        Self {
            slots: HashMap::new(),
            order: VecDeque::new(),
            held: 0,
            budget,
        }
    }

    /// The place of a chunk.
    pub(super) fn slot(&mut self, key: &str) -> Slot {
        Arc::clone(self.slots.entry(key.to_owned()).or_default())
    }

    /// Counts a chunk that came, and forgets the oldest beyond the budget.
    pub(super) fn charge(&mut self, key: &str, bytes: u64) {
        // The key and the place cost something too.
        let bytes = bytes + 256;
        self.order.push_back((key.to_owned(), bytes));
        self.held += bytes;
        while self.held > self.budget
            && let Some((oldest, bytes)) = self.order.pop_front()
        {
            self.held -= bytes;
            self.slots.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten() {
        let mut cache = Cache::new(3000);
        for key in ["a", "b", "c"] {
            let slot = cache.slot(key);
            *slot.lock().unwrap() = Some(Ok(Arc::new(Some(vec![0; 1000]))));
            cache.charge(key, 1000);
        }
        assert!(cache.slot("a").lock().unwrap().is_none());
        assert!(cache.slot("c").lock().unwrap().is_some());
    }
}
