//! Who may go on: so many at a time, the others wait.

use std::sync::{Condvar, Mutex, PoisonError};

/// Turns that threads take and give back.
#[derive(Debug)]
pub(super) struct Turns {
    all: usize,
    left: Mutex<usize>,
    given_back: Condvar,
}

/// A turn, as long as it is held.
pub(super) struct Turn<'a>(&'a Turns);

impl Turns {
    /// So many at a time, one at least.
    pub(super) fn new(all: usize) -> Self {
        let all = all.max(1);
        Self {
            all,
            left: Mutex::new(all),
            given_back: Condvar::new(),
        }
    }

    /// How many there are.
    pub(super) const fn all(&self) -> usize {
        self.all
    }

    /// Waits for a turn.
    pub(super) fn take(&self) -> Turn<'_> {
        let left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.given_back.wait_while(left, |left| *left == 0);
        *waited.unwrap_or_else(PoisonError::into_inner) -= 1;
        Turn(self)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.left.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.given_back.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_than_so_many_go_on_at_a_time() {
        let turns = Turns::new(3);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _turn = turns.take();
                        most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        now.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!((1..=3).contains(&most.into_inner()));
        assert_eq!(*turns.left.lock().unwrap(), 3);
    }
}
