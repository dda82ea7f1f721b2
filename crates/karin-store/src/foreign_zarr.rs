//! Zarr stores that others have written (formats 2 and 3, with consolidated metadata), read part by part wherever
//! their objects lie: Copernicus Marine publishes its grids like that.
//!
//! A chunk that is not there is fill. Compressed chunks that a part needed are kept for the next, in a budget of bytes,
//! and a chunk that several threads need at once is fetched once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use karin_core::{Dataset, DatasetError, ErrorKind, GroupMeta, Slab};

use crate::StoreError;

mod blosc;
mod cache;
mod codecs;
mod metadata;

use cache::Cache;
use codecs::Codecs;

/// Where the objects of a store lie.
pub trait Objects: Send + Sync {
    /// What to call the store in messages.
    fn name(&self) -> &str;

    /// The bytes of an object; `None` if there is no such object.
    ///
    /// # Errors
    /// If it cannot be had.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Box<dyn std::error::Error + Send + Sync>>;
}

/// An array of a store.
#[derive(Clone, Debug)]
struct ForeignArray {
    shape: Vec<usize>,
    chunks: Vec<usize>,
    /// One element of fill, in native order.
    fill: Vec<u8>,
    element: usize,
    codecs: Codecs,
    keys: Keys,
}

/// How the keys of chunks are written.
#[derive(Clone, Debug)]
struct Keys {
    /// What stands before the indices, as `c/`.
    prefix: &'static str,
    separator: String,
}

/// A store that is open.
pub struct ForeignZarr {
    objects: Arc<dyn Objects>,
    root: GroupMeta,
    arrays: HashMap<String, ForeignArray>,
    left_out: Vec<(String, String)>,
    cache: Mutex<Cache>,
}

impl ForeignZarr {
    /// Opens a store; compressed chunks of at most `budget` bytes are kept. Arrays that cannot be read (strings, codecs
    /// that are none of the usual) are left out, see [`ForeignZarr::left_out`].
    ///
    /// # Errors
    /// If there is no consolidated metadata, it is damaged, or it cannot be had.
    pub fn open(objects: Arc<dyn Objects>, budget: u64) -> Result<Self, StoreError> {
        let place = objects.name().to_owned();
        let failed = |reason: String| StoreError::NotACollection {
            location: place.clone(),
            reason,
        };
        for (key, is_new) in [(".zmetadata", false), ("zarr.json", true)] {
            let found = objects
                .get(key)
                .map_err(|error| failed(format!("{key} cannot be read: {error}")))?;
            let Some(text) = found else { continue };
            let parsed =
                metadata::parse(&text, is_new).map_err(|reason| failed(format!("{key}: {reason}")))?;
            return Ok(Self {
                objects,
                root: parsed.root,
                arrays: parsed.arrays,
                left_out: parsed.left_out,
                cache: Mutex::new(Cache::new(budget)),
            });
        }
        Err(failed(
            "it has no consolidated metadata (.zmetadata or zarr.json)".to_owned(),
        ))
    }

    /// Arrays that cannot be read, and why.
    pub fn left_out(&self) -> &[(String, String)] {
        &self.left_out
    }

    /// The chunk lengths of a variable.
    pub fn chunks(&self, path: &str) -> Option<&[usize]> {
        self.arrays.get(path).map(|array| array.chunks.as_slice())
    }

    /// The elements of a chunk, whole; `None` if it is not there.
    fn chunk(
        &self,
        path: &str,
        array: &ForeignArray,
        index: &[usize],
    ) -> Result<Option<Vec<u8>>, DatasetError> {
        let words: Vec<String> = index.iter().map(ToString::to_string).collect();
        let words = if words.is_empty() {
            "0".to_owned()
        } else {
            words.join(&array.keys.separator)
        };
        let key = format!("{path}/{}{words}", array.keys.prefix);
        let slot = {
            let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            cache.slot(&key)
        };
        // Whoever comes first fetches, the others wait for it.
        let mut held = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = match &*held {
            Some(stored) => Arc::clone(stored),
            None => {
                let fetched = self.objects.get(&key).map_err(|error| {
                    let reason = format!("chunk {words} cannot be had: {error}");
                    DatasetError::new(ErrorKind::Io, self.label(), path, reason)
                })?;
                let stored = Arc::new(fetched);
                *held = Some(Arc::clone(&stored));
                let bytes = stored.as_ref().as_ref().map_or(0, Vec::len);
                let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
                cache.charge(&key, bytes as u64);
                stored
            }
        };
        drop(held);
        let Some(stored) = stored.as_ref() else {
            return Ok(None);
        };
        let length = array.chunks.iter().product::<usize>() * array.element;
        let decoded = array.codecs.decode(stored, length, array.element);
        decoded.map(Some).map_err(|reason| {
            DatasetError::new(
                ErrorKind::Corrupt,
                self.label(),
                path,
                format!("chunk {words}: {reason}"),
            )
        })
    }
}

impl Dataset for ForeignZarr {
    fn label(&self) -> &str {
        self.objects.name()
    }

    fn root(&self) -> &GroupMeta {
        &self.root
    }

    fn read_into(&self, path: &str, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError> {
        let array = self
            .arrays
            .get(path)
            .ok_or_else(|| DatasetError::no_variable(self.label(), path))?;
        if !slab.fits(&array.shape) || out.len() != slab.len() * array.element {
            return Err(DatasetError::invalid(
                self.label(),
                path,
                "the part lies outside of it",
            ));
        }
        for value in out.chunks_exact_mut(array.element) {
            value.copy_from_slice(&array.fill);
        }
        if slab.is_empty() {
            return Ok(());
        }
        for index in indices(slab, &array.chunks) {
            if let Some(values) = self.chunk(path, array, &index)? {
                place(array, &index, &values, slab, out);
            }
        }
        Ok(())
    }
}

/// The chunks that a part touches.
fn indices(slab: &Slab, chunks: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for ((start, count), chunk) in slab.start.iter().zip(&slab.count).zip(chunks) {
        let (first, last) = (start / chunk, (start + count - 1) / chunk);
        all = (all.into_iter())
            .flat_map(|index: Vec<usize>| {
                (first..=last).map(move |next| [index.as_slice(), &[next]].concat())
            })
            .collect();
    }
    all
}

/// Copies what a chunk has of a part.
fn place(array: &ForeignArray, index: &[usize], values: &[u8], slab: &Slab, out: &mut [u8]) {
    let axes = index
        .iter()
        .zip(&array.chunks)
        .zip(slab.start.iter().zip(&slab.count));
    let (mut of_chunk, mut of_part, mut count) = (Vec::new(), Vec::new(), Vec::new());
    for ((index, chunk), (start, length)) in axes {
        let first = (index * chunk).max(*start);
        let end = ((index + 1) * chunk).min(start + length);
        of_chunk.push(first - index * chunk);
        of_part.push(first - start);
        count.push(end - first);
    }
    let part = Slab {
        start: of_chunk,
        count: count.clone(),
    };
    let mut taken = vec![0; part.len() * array.element];
    crate::slab::copy_out(values, &array.chunks, array.element, &part, &mut taken);
    let target = Slab {
        start: of_part,
        count,
    };
    crate::slab::copy_in(&taken, &slab.count, array.element, &target, out);
}
