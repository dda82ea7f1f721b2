//! Memory that is used again: fresh pages cost as much as what is computed in them.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Vectors that were given back, by the type of their elements. As many are kept as were ever in use at one time.
#[derive(Debug, Default)]
pub struct Spare {
    vectors: Mutex<HashMap<TypeId, Vec<Box<dyn Any + Send>>>>,
}

impl Spare {
    /// A vector of `len` zeros (the default of the type).
    pub fn take<T: Clone + Default + Send + 'static>(&self, len: usize) -> Vec<T> {
        let kept = {
            let mut vectors = self.vectors.lock().unwrap_or_else(PoisonError::into_inner);
            vectors.get_mut(&TypeId::of::<T>()).and_then(Vec::pop)
        };
        let mut vector: Vec<T> = kept
            .and_then(|kept| kept.downcast().ok())
            .map_or_else(Vec::new, |kept| *kept);
        vector.clear();
        vector.resize(len, T::default());
        vector
    }

    /// Gives a vector back.
    pub fn give<T: Send + 'static>(&self, vector: Vec<T>) {
        if vector.capacity() > 0 {
            let mut vectors = self.vectors.lock().unwrap_or_else(PoisonError::into_inner);
            vectors
                .entry(TypeId::of::<T>())
                .or_default()
                .push(Box::new(vector));
        }
    }
}
