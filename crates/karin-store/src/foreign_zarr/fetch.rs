//! Chunks as they are stored: each fetched once, whoever needs it, kept for the next part that does, and fetched ahead where
//! it is known in which order parts will be read.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::Objects;
use super::cache::{Cache, Slot, Stored};

/// The keys of chunks, in the order in which they will be needed.
pub(super) type Keys = Box<dyn Iterator<Item = String> + Send>;

/// Fetches chunks.
pub(super) struct Fetcher {
    objects: Arc<dyn Objects>,
    cache: Mutex<Cache>,
    ahead: Mutex<Ahead>,
    changed: Condvar,
}

/// What is fetched before it is asked for.
struct Ahead {
    keys: Option<Keys>,
    /// Bytes of chunks that came and that nobody has asked for yet.
    waiting: HashMap<String, u64>,
    held: u64,
    under_way: usize,
    largest: u64,
    budget: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Fetcher {
    /// `kept` bytes of chunks that were needed, and as many of those that will be.
    pub(super) fn new(objects: Arc<dyn Objects>, kept: u64) -> Self {
        Self {
            objects,
            cache: Mutex::new(Cache::new(kept)),
            ahead: Mutex::new(Ahead {
                keys: None,
                waiting: HashMap::new(),
                held: 0,
                under_way: 0,
                largest: 0,
                budget: kept,
            }),
            changed: Condvar::new(),
        }
    }

    pub(super) fn objects(&self) -> &dyn Objects {
        self.objects.as_ref()
    }

    /// A chunk as it is stored; `None` if there is no such object.
    pub(super) fn get(&self, key: &str) -> Result<Stored, String> {
        let slot = lock(&self.cache).slot(key);
        // Whoever comes first fetches, the others wait for it.
        let mut held = lock(&slot);
        match &*held {
            Some(come) => {
                let come = come.clone();
                drop(held);
                if let Some(bytes) = self.asked_for(key) {
                    lock(&self.cache).charge(key, bytes);
                }
                come
            }
            None => {
                let stored = self.fetch(key)?;
                *held = Some(Ok(Arc::clone(&stored)));
                lock(&self.cache).charge(key, length(&stored));
                Ok(stored)
            }
        }
    }

    fn fetch(&self, key: &str) -> Result<Stored, String> {
        self.objects
            .get(key)
            .map(Arc::new)
            .map_err(|error| error.to_string())
    }

    /// Has chunks fetched on so many threads, as far ahead of those who ask for them as there is room.
    pub(super) fn fetch_ahead(self: &Arc<Self>, keys: Keys, threads: usize) {
        lock(&self.ahead).keys = Some(keys);
        for _ in 0..threads {
            let fetcher = Arc::clone(self);
            // Whoever asks for a chunk waits for it, or fetches it; nobody waits for the end of these.
            std::thread::spawn(move || {
                while let Some(key) = fetcher.next_ahead() {
                    fetcher.come_ahead(&key);
                }
            });
        }
    }

    /// Whether there is an order of which parts are fetched ahead.
    pub(super) fn is_ahead(&self) -> bool {
        let ahead = lock(&self.ahead);
        ahead.keys.is_some() || !ahead.waiting.is_empty()
    }

    /// Fetches no more ahead.
    pub(super) fn end(&self) {
        lock(&self.ahead).keys = None;
        self.changed.notify_all();
    }

    /// The next chunk that is worth fetching, once there is room for it.
    fn next_ahead(&self) -> Option<String> {
        let mut ahead = lock(&self.ahead);
        while ahead.is_full() {
            ahead = self.changed.wait(ahead).unwrap_or_else(PoisonError::into_inner);
        }
        let next = ahead.keys.as_mut()?.next();
        match next.is_some() {
            true => ahead.under_way += 1,
            false => ahead.keys = None,
        }
        next
    }

    fn come_ahead(&self, key: &str) {
        let slot: Slot = lock(&self.cache).slot(key);
        // Where somebody fetches it at this moment, or has, there is nothing to do.
        if let Ok(mut held) = slot.try_lock()
            && held.is_none()
        {
            let come = self.fetch(key);
            let is_failed = come.is_err();
            let bytes = come.as_ref().ok().map(length);
            *held = Some(come);
            // Before anybody can have taken it out of the slot.
            lock(&self.ahead).came(key, bytes);
            if is_failed {
                self.end();
            }
        } else {
            lock(&self.ahead).under_way -= 1;
        }
        self.changed.notify_all();
    }

    /// The bytes of a chunk that came ahead, when it is asked for first.
    fn asked_for(&self, key: &str) -> Option<u64> {
        let mut ahead = lock(&self.ahead);
        let bytes = ahead.waiting.remove(key)?;
        ahead.held -= bytes;
        self.changed.notify_all();
        Some(bytes)
    }
}

impl Ahead {
    fn is_full(&self) -> bool {
        let wanted = self.held + (self.under_way as u64 + 1) * self.largest;
        self.keys.is_some() && wanted > self.budget && self.held + self.under_way as u64 > 0
    }

    fn came(&mut self, key: &str, bytes: Option<u64>) {
        self.under_way -= 1;
        if let Some(bytes) = bytes {
            self.largest = self.largest.max(bytes);
            self.held += bytes;
            self.waiting.insert(key.to_owned(), bytes);
        }
    }
}

fn length(stored: &Stored) -> u64 {
    stored.as_ref().as_ref().map_or(0, Vec::len) as u64
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    /// Objects of 1000 bytes; those from 90 on cannot be had.
    #[derive(Default)]
    struct Counted {
        now: AtomicUsize,
        most: AtomicUsize,
        all: AtomicU64,
    }

    impl Objects for Counted {
        fn name(&self) -> &str {
            "counted"
        }

        fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Box<dyn std::error::Error + Send + Sync>> {
            let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            self.all.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_micros(300));
            self.now.fetch_sub(1, Ordering::SeqCst);
            let number: usize = key.parse()?;
            match number {
                90.. => Err("it cannot be had".into()),
                _ => Ok(Some(vec![number as u8; 1000])),
            }
        }
    }

    #[test]
    fn chunks_come_once_within_the_room_and_failures_are_told() {
        let objects = Arc::new(Counted::default());
        let fetcher = Arc::new(Fetcher::new(objects.clone(), 5000));
        fetcher.fetch_ahead(Box::new((0..100).map(|key| key.to_string())), 4);
        std::thread::sleep(Duration::from_millis(20));
        // Nobody asked: no more was fetched than there is room for, and one a thread before the first size was known.
        assert!(objects.all.load(Ordering::SeqCst) <= 5);
        for key in 0..90 {
            let stored = fetcher.get(&key.to_string()).unwrap();
            assert_eq!(stored.as_ref().as_ref().unwrap(), &vec![key as u8; 1000]);
        }
        assert_eq!(fetcher.get("95").unwrap_err(), "it cannot be had");
        assert!(objects.most.load(Ordering::SeqCst) <= 6);
        fetcher.end();
        assert!(lock(&fetcher.ahead).keys.is_none());
    }

    #[test]
    fn what_is_asked_for_in_another_order_comes_too() {
        let objects = Arc::new(Counted::default());
        let fetcher = Arc::new(Fetcher::new(objects.clone(), 100_000));
        fetcher.fetch_ahead(Box::new((0..80).map(|key| key.to_string())), 3);
        for key in (0..80).rev() {
            assert!(fetcher.get(&key.to_string()).is_ok());
        }
        assert_eq!(objects.all.load(Ordering::SeqCst), 80);
    }
}
