//! Zarr stores that others have written (formats 2 and 3, with consolidated metadata), read part by part wherever
//! their objects lie: Copernicus Marine publishes its grids like that.
//!
//! A chunk that is not there is fill. The chunks of a part are fetched several at a time, and ahead of whoever reads where the
//! order is known ([`Dataset::will_read_in_order`]); compressed ones that a part needed are kept for the next, in a budget of
//! bytes, and a chunk that several threads need at once is fetched once.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use karin_core::{Dataset, DatasetError, ErrorKind, GroupMeta, Slab};

use crate::StoreError;

mod blosc;
mod cache;
mod codecs;
mod fetch;
mod metadata;
mod turns;

use codecs::Codecs;
use fetch::Fetcher;
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
    /// Bytes of compressed chunks that are kept, and as many of those that are fetched ahead.
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
    /// The key of a chunk.
    fn key(&self, path: &str, index: &[usize]) -> String {
        let words: Vec<String> = index.iter().map(ToString::to_string).collect();
        let words = if words.is_empty() {
            "0".to_owned()
        } else {
            words.join(&self.keys.separator)
        };
        format!("{path}/{}{words}", self.keys.prefix)
    }

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
    fetcher: Arc<Fetcher>,
    root: GroupMeta,
    arrays: HashMap<String, Arc<ForeignArray>>,
    left_out: Vec<(String, String)>,
    turns: Turns,
    at_once: usize,
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
                fetcher: Arc::new(Fetcher::new(objects, limits.cache)),
                root: parsed.root,
                arrays: (parsed.arrays.into_iter())
                    .map(|(name, array)| (name, Arc::new(array)))
                    .collect(),
                left_out: parsed.left_out,
                at_once: limits.at_once.max(1),
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

    /// Reads what a chunk has of a part into its place in the part.
    fn place(
        &self,
        path: &str,
        array: &ForeignArray,
        index: &[usize],
        slab: &Slab,
        out: &mut [u8],
    ) -> Result<(), DatasetError> {
        let (inner, target) = overlap(index, &array.chunks, slab);
        let Some(stored) = self.stored(path, array, index)? else {
            crate::slab::fill_in(&array.fill, &slab.count, &target, out);
            return Ok(());
        };
        let element = array.element;
        if inner.count == array.chunks
            && let Some(run) = crate::slab::one_run(&slab.count, &target)
            && let Some(out) = out.get_mut(run.start * element..run.end * element)
        {
            return self.decode(path, array, index, &stored, out);
        }
        let mut values = vec![0; array.chunk_bytes()];
        self.decode(path, array, index, &stored, &mut values)?;
        crate::slab::copy_across(
            (&values, &array.chunks, &inner),
            element,
            (out, &slab.count, &target),
        );
        Ok(())
    }

    /// What a chunk has of a part, and where in the part that is; `None` if the chunk is not there.
    fn taken(
        &self,
        path: &str,
        array: &ForeignArray,
        index: &[usize],
        slab: &Slab,
    ) -> Result<(Slab, Option<Vec<u8>>), DatasetError> {
        let _turn = self.turns.take();
        let (inner, target) = overlap(index, &array.chunks, slab);
        let Some(stored) = self.stored(path, array, index)? else {
            return Ok((target, None));
        };
        let mut values = vec![0; array.chunk_bytes()];
        self.decode(path, array, index, &stored, &mut values)?;
        if inner.count == array.chunks {
            return Ok((target, Some(values)));
        }
        let mut taken = vec![0; inner.len() * array.element];
        crate::slab::copy_out(&values, &array.chunks, array.element, &inner, &mut taken);
        Ok((target, Some(taken)))
    }

    /// A chunk as it is stored; `None` if it is not there.
    fn stored(
        &self,
        path: &str,
        array: &ForeignArray,
        index: &[usize],
    ) -> Result<Option<StoredChunk>, DatasetError> {
        let stored = self.fetcher.get(&array.key(path, index)).map_err(|error| {
            let reason = format!("chunk {} cannot be had: {error}", words(index));
            DatasetError::new(ErrorKind::Io, self.label(), path, reason)
        })?;
        Ok(stored.is_some().then_some(StoredChunk(stored)))
    }

    /// The elements of a chunk, whole.
    fn decode(
        &self,
        path: &str,
        array: &ForeignArray,
        index: &[usize],
        stored: &StoredChunk,
        out: &mut [u8],
    ) -> Result<(), DatasetError> {
        let decoded = array.codecs.decode(stored.bytes(), out, array.element);
        decoded.map_err(|reason| {
            let reason = format!("chunk {}: {reason}", words(index));
            DatasetError::new(ErrorKind::Corrupt, self.label(), path, reason)
        })
    }

    /// Reads several chunks, each fetched and decoded by a thread of its own.
    fn read_side_by_side(
        &self,
        path: &str,
        array: &ForeignArray,
        indices: &[Vec<usize>],
        slab: &Slab,
        out: &mut [u8],
    ) -> Result<(), DatasetError> {
        let next = AtomicUsize::new(0);
        let (sender, come) = mpsc::channel();
        std::thread::scope(|scope| {
            for _ in 0..self.turns.all().min(indices.len()) {
                let (sender, next) = (sender.clone(), &next);
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
                match taken? {
                    (target, Some(taken)) => {
                        crate::slab::copy_in(&taken, &slab.count, array.element, &target, out);
                    }
                    (target, None) => crate::slab::fill_in(&array.fill, &slab.count, &target, out),
                }
            }
            Ok(())
        })
    }
}

/// A chunk that is there.
struct StoredChunk(cache::Stored);

impl StoredChunk {
    fn bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl Drop for ForeignZarr {
    fn drop(&mut self) {
        self.fetcher.end();
    }
}

impl Dataset for ForeignZarr {
    fn label(&self) -> &str {
        self.fetcher.objects().name()
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
        if slab.is_empty() {
            return Ok(());
        }
        let indices = indices(slab, &array.chunks);
        // Chunks that come ahead are waited for one by one: whoever reads has threads of their own.
        if indices.len() == 1 || self.fetcher.is_ahead() {
            return (indices.iter()).try_for_each(|index| self.place(path, array, index, slab, out));
        }
        self.read_side_by_side(path, array, &indices, slab, out)
    }

    fn will_read_in_order(&self, parts: &mut dyn Iterator<Item = (&str, Slab)>) {
        let parts: Vec<(String, Arc<ForeignArray>, Slab)> = parts
            .filter(|(_, slab)| !slab.is_empty())
            .filter_map(|(path, slab)| Some((path.to_owned(), Arc::clone(self.arrays.get(path)?), slab)))
            .filter(|(_, array, slab)| slab.fits(&array.shape))
            .collect();
        let keys = parts.into_iter().flat_map(|(path, array, slab)| {
            let indices = indices(&slab, &array.chunks);
            indices.into_iter().map(move |index| array.key(&path, &index))
        });
        self.fetcher.fetch_ahead(Box::new(keys), self.at_once);
    }
}

fn words(index: &[usize]) -> String {
    let words: Vec<String> = index.iter().map(ToString::to_string).collect();
    words.join(".")
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
