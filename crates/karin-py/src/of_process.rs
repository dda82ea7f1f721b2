//! What belongs to the process that made it.

use std::ops::Deref;

/// Something shared that a fork must not drop: it may wait for threads that only the parent has. Dropped in another
/// process, it is left behind.
pub struct OfProcess<T: Clone> {
    value: T,
    process: u32,
}

impl<T: Clone> OfProcess<T> {
    /// Of this process.
    pub fn new(value: T) -> Self {
        Self {
            value,
            process: std::process::id(),
        }
    }
}

impl<T: Clone> Deref for OfProcess<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Clone> Drop for OfProcess<T> {
    fn drop(&mut self) {
        if std::process::id() != self.process {
            // One count more than there are owners: it is never closed here.
            std::mem::forget(self.value.clone());
        }
    }
}
