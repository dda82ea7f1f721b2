//! Zarr stores that others have written (formats 2 and 3, with consolidated metadata), read part by part wherever
//! their objects lie: Copernicus Marine publishes its grids like that.
//!
//! A chunk that is not there is fill. The chunks of a part are fetched several at a time; compressed ones that a part needed
//! are kept for the next, in a budget of bytes, and a chunk that several threads need at once is fetched once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use karin_core::{Dataset, DatasetError, ErrorKind, GroupMeta, Slab};

use crate::StoreError;

mod blosc;
mod cache;
mod codecs;
mod metadata;
mod turns;

use cache::Cache;
use codecs::Codecs;
use turns::Turns;

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

/// What reading a store may take.
#[derive(Clone, Copy, Debug)]
pub struct ReadLimits {
    /// Bytes of compressed chunks that are kept.
    pub cache: u64,
    /// Chunks that are fetched at a time, whoever reads.
    pub at_once: usize,
    /// Bytes of chunks that are decoded at a time; one is always allowed.
    pub decoding: u64,
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

impl ForeignArray {
    /// Bytes of the elements of a chunk.
    fn chunk_bytes(&self) -> usize {
        self.chunks.iter().product::<usize>().saturating_mul(self.element)
    }
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
    turns: Turns,
}

impl ForeignZarr {
    /// Opens a store. Arrays that cannot be read (strings, codecs
    /// that are none of the usual) are left out, see [`ForeignZarr::left_out`].
    ///
    /// # Errors
    /// If there is no consolidated metadata, it is damaged, or it cannot be had.
    pub fn open(objects: Arc<dyn Objects>, limits: ReadLimits) -> Result<Self, StoreError> {
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
            let largest = parsed.arrays.values().map(ForeignArray::chunk_bytes).max();
            // A chunk as stored, decoded, and what is taken of it.
            let each = 3 * largest.unwrap_or(0).max(1) as u64;
            let fit = usize::try_from(limits.decoding / each).unwrap_or(usize::MAX);
            return Ok(Self {
                objects,
                root: parsed.root,
                arrays: parsed.arrays,
                left_out: parsed.left_out,
                cache: Mutex::new(Cache::new(limits.cache)),
                turns: Turns::new(fit.min(limits.at_once)),
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

    /// What a chunk has of a part, and where in the part that is; `None` if the chunk is not there.
    fn taken(
        &self,
        path: &str,
        array: &ForeignArray,
        index: &[usize],
        slab: &Slab,
    ) -> Result<Option<(Slab, Vec<u8>)>, DatasetError> {
        let _turn = self.turns.take();
        let Some(values) = self.chunk(path, array, index)? else {
            return Ok(None);
        };
        let (inner, target) = overlap(index, &array.chunks, slab);
        if inner.count == array.chunks {
            return Ok(Some((target, values)));
        }
        let mut taken = vec![0; inner.len() * array.element];
        crate::slab::copy_out(&values, &array.chunks, array.element, &inner, &mut taken);
        Ok(Some((target, taken)))
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
        let length = array.chunk_bytes();
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
        let indices = indices(slab, &array.chunks);
        if let [only] = indices.as_slice() {
            if let Some((target, taken)) = self.taken(path, array, only, slab)? {
                crate::slab::copy_in(&taken, &slab.count, array.element, &target, out);
            }
            return Ok(());
        }
        let next = AtomicUsize::new(0);
        let (sender, come) = mpsc::channel();
        std::thread::scope(|scope| {
            for _ in 0..self.turns.all().min(indices.len()) {
                let (sender, next, indices) = (sender.clone(), &next, &indices);
                scope.spawn(move || {
                    while let Some(index) = indices.get(next.fetch_add(1, Ordering::Relaxed)) {
                        // Nobody listens any more once one has failed.
                        if sender.send(self.taken(path, array, index, slab)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            // Taken by value, so that it is dropped at the first failure.
            let come = come;
            for taken in &come {
                if let Some((target, taken)) = taken? {
                    crate::slab::copy_in(&taken, &slab.count, array.element, &target, out);
                }
            }
            Ok(())
        })
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

/// What a chunk has of a part: its place in the chunk, and in the part.
fn overlap(index: &[usize], chunks: &[usize], slab: &Slab) -> (Slab, Slab) {
    let axes = index.iter().zip(chunks).zip(slab.start.iter().zip(&slab.count));
    let (mut of_chunk, mut of_part, mut count) = (Vec::new(), Vec::new(), Vec::new());
    for ((index, chunk), (start, length)) in axes {
        let first = (index * chunk).max(*start);
        let end = ((index + 1) * chunk).min(start + length);
        of_chunk.push(first - index * chunk);
        of_part.push(first - start);
        count.push(end - first);
    }
    let inner = Slab {
        start: of_chunk,
        count: count.clone(),
    };
    let target = Slab {
        start: of_part,
        count,
    };
    (inner, target)
}
