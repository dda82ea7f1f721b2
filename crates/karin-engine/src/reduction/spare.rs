//! Memory that is used again: fresh pages cost as much as what is computed in them.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use bytemuck::allocation::try_cast_vec;
use bytemuck::{AnyBitPattern, NoUninit};
use karin_core::{DType, Values, with_values};

/// Vectors that were given back, by the type of their elements, up to a number of bytes in all.
#[derive(Debug)]
pub struct Spare {
    vectors: Mutex<Vectors>,
    limit: usize,
}

/// Whatever is as good as its bytes.
pub trait Number: NoUninit + AnyBitPattern + Default + Send {}

impl<T: NoUninit + AnyBitPattern + Default + Send> Number for T {}

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

    /// A vector of at least `len` numbers of any value, which may have been numbers of another type of the same size.
    pub fn take_numbers<T: Number>(&self, len: usize) -> Vec<T> {
        let taken = match size_of::<T>() {
            1 => try_cast_vec(self.take_any::<u8>(len)).ok(),
            2 => try_cast_vec(self.take_any::<u16>(len)).ok(),
            4 => try_cast_vec(self.take_any::<u32>(len)).ok(),
            8 => try_cast_vec(self.take_any::<u64>(len)).ok(),
            _ => None,
        };
        taken.unwrap_or_else(|| vec![T::default(); len])
    }

    /// Gives numbers back for others of the same size.
    pub fn give_numbers<T: Number>(&self, numbers: Vec<T>) {
        match size_of::<T>() {
            1 => self.give(try_cast_vec::<T, u8>(numbers).unwrap_or_default()),
            2 => self.give(try_cast_vec::<T, u16>(numbers).unwrap_or_default()),
            4 => self.give(try_cast_vec::<T, u32>(numbers).unwrap_or_default()),
            8 => self.give(try_cast_vec::<T, u64>(numbers).unwrap_or_default()),
            _ => {}
        }
    }

    /// `len` numbers of any value in the type of stored ones; zeros where these are text.
    pub fn take_values(&self, dtype: DType, len: usize) -> Values {
        macro_rules! take {
            ($($variant:ident),*) => {
                match dtype {
                    $(DType::$variant => {
                        let mut numbers = self.take_numbers(len);
                        numbers.truncate(len);
                        Values::$variant(numbers)
                    })*
                    other => Values::zeros(other, len),
                }
            };
        }
        take!(
            Int8, UInt8, Int16, UInt16, Int32, UInt32, Int64, UInt64, Float32, Float64
        )
    }

    /// Gives stored numbers back.
    pub fn give_values(&self, values: Values) {
        with_values!(values, numbers => self.give_numbers(numbers), String(_text) => ());
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

/// Stored numbers in memory that goes back with them.
pub struct Lent {
    values: Values,
    spare: Arc<Spare>,
}

impl Lent {
    /// `len` numbers of any value.
    pub fn new(spare: &Arc<Spare>, dtype: DType, len: usize) -> Self {
        Self {
            values: spare.take_values(dtype, len),
            spare: Arc::clone(spare),
        }
    }
}

impl Deref for Lent {
    type Target = Values;

    fn deref(&self) -> &Values {
        &self.values
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Values {
        &mut self.values
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let values = std::mem::replace(&mut self.values, Values::UInt8(Vec::new()));
        self.spare.give_values(values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_one_size_share_their_memory() {
        let spare = Spare::default();
        let mut first = spare.take_numbers::<i32>(100);
        assert_eq!(first, [0; 100]);
        first.fill(-1);
        let place = first.as_ptr().addr();
        spare.give_numbers(first);
        let other = spare.take_numbers::<i16>(100);
        assert_ne!(other.as_ptr().addr(), place);
        let second = spare.take_numbers::<f32>(60);
        assert_eq!(second.as_ptr().addr(), place);
        assert!(second.len() >= 60 && second.iter().all(|value| value.is_nan()));
    }

    #[test]
    fn what_is_too_small_makes_way() {
        let spare = Spare::new(1000);
        spare.give(vec![1_u8; 10]);
        spare.give(vec![2_u8; 500]);
        assert_eq!(spare.take::<u8>(600), [0; 600]);
        assert_eq!(spare.take_any::<u8>(5)[..10], [1; 10]);
        assert!(spare.take_room::<u8>(7).capacity() >= 7);
    }
}
