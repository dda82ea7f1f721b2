//! Memory that is used again: fresh pages cost as much as what is computed in them.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Vectors that were given back, by the type of their elements, up to a number of bytes in all.
#[derive(Debug)]
pub struct Spare {
    vectors: Mutex<Vectors>,
    limit: usize,
}

/// A vector and its bytes.
type Kept = (Box<dyn Any + Send>, usize);

#[derive(Debug, Default)]
struct Vectors {
    by_type: HashMap<TypeId, Vec<Kept>>,
    bytes: usize,
}

impl Default for Spare {
    fn default() -> Self {
        Self::new(usize::MAX)
    }
}

impl Spare {
    /// One that keeps so many bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            vectors: Mutex::default(),
            limit,
        }
    }

    /// A vector of `len` zeros (the default of the type).
    pub fn take<T: Clone + Default + Send + 'static>(&self, len: usize) -> Vec<T> {
        let mut vector = self.find(len);
        vector.clear();
        vector.resize(len, T::default());
        vector
    }

    /// A vector of at least `len` elements of any value.
    pub fn take_any<T: Clone + Default + Send + 'static>(&self, len: usize) -> Vec<T> {
        let mut vector = self.find(len);
        vector.resize(len.max(vector.len()), T::default());
        vector
    }

    /// An empty vector with room for `len` elements.
    pub fn take_room<T: Send + 'static>(&self, len: usize) -> Vec<T> {
        let mut vector = self.find(len);
        vector.clear();
        vector
    }

    /// A vector with room for `len` elements, the smallest there is. If all are too small, the largest makes way for a new one:
    /// to let it grow would copy what nobody needs.
    fn find<T: Send + 'static>(&self, len: usize) -> Vec<T> {
        let wanted = len * size_of::<T>();
        let kept = {
            let mut vectors = self.vectors.lock().unwrap_or_else(PoisonError::into_inner);
            let of_type = vectors.by_type.get_mut(&TypeId::of::<T>());
            let kept = of_type.and_then(|kept| {
                let fit = |(_, bytes): &Kept| (*bytes < wanted, bytes.abs_diff(wanted));
                let best = (0..kept.len()).min_by_key(|index| kept.get(*index).map(fit))?;
                Some(kept.swap_remove(best))
            });
            vectors.bytes -= kept.as_ref().map_or(0, |(_, bytes)| *bytes);
            kept
        };
        let kept = kept.filter(|(_, bytes)| *bytes >= wanted);
        kept.and_then(|(kept, _)| kept.downcast().ok())
            .map_or_else(|| Vec::with_capacity(len), |kept| *kept)
    }

    /// Gives a vector back.
    pub fn give<T: Send + 'static>(&self, vector: Vec<T>) {
        let bytes = vector.capacity() * size_of::<T>();
        let mut vectors = self.vectors.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes > 0 && vectors.bytes.saturating_add(bytes) <= self.limit {
            vectors.bytes += bytes;
            let of_type = vectors.by_type.entry(TypeId::of::<T>()).or_default();
            of_type.push((Box::new(vector), bytes));
        }
    }
}
