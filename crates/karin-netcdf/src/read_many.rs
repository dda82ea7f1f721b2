//! Many arrays of many files at once, on all cores, inside a memory budget.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use karin_core::{Array, Dataset as _, Resources, Slab};

use crate::{NcError, NcFile};

/// Part of a variable of a file.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The open file.
    pub file: &'a NcFile,
    /// Path of the variable.
    pub variable: String,
    /// Which part of it.
    pub slab: Slab,
}

impl<'a> Request<'a> {
    /// All of a variable.
    ///
    /// # Errors
    /// If there is no such variable.
    pub fn whole(file: &'a NcFile, variable: &str) -> Result<Self, NcError> {
        let shape = file.shape(variable)?;
        Ok(Self {
            file,
            variable: variable.to_owned(),
            slab: Slab::all(shape),
        })
    }
}

/// Reads every request on `resources.jobs` threads and hands each array to `take`, with the number of its request,
/// in any order and from any of these threads. Arrays in flight and the buffers behind them, until `take` returns,
/// stay inside `resources.memory`.
///
/// # Errors
/// The first failure of reading or of `take`; what has not begun by then is left out. A request that is larger than
/// the whole budget is [`NcError::TooLarge`].
pub fn read_many<E: From<NcError> + Send>(
    requests: &[Request<'_>],
    resources: &Resources,
    take: impl Fn(usize, Array) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let budget = Budget::new(resources.memory);
    run(requests.len(), resources.jobs, |number| {
        let Some(request) = requests.get(number) else {
            return Ok(());
        };
        let Request { file, variable, slab } = request;
        let element_bytes = file.element_bytes(variable)?;
        let array_bytes = slab
            .count
            .iter()
            .fold(element_bytes, |product, len| product.saturating_mul(*len as u64));
        let needed = array_bytes.saturating_add(file.scratch_bytes(variable)?);
        let _held = budget.take(needed).map_err(|allowed| NcError::TooLarge {
            file: file.label().to_owned(),
            variable: variable.clone(),
            needed,
            allowed,
        })?;
        take(number, file.read_part(variable, slab)?)
    })
}

/// Reads every request straight into its buffer (of exactly its length, native byte order) on `resources.jobs`
/// threads. Large arrays of many chunks are shared among the threads. The buffers are the caller's; what reading
/// takes besides stays inside `resources.memory`.
///
/// # Errors
/// The first failure; the buffers then hold nothing of use. As [`read_many`].
pub fn read_many_into(targets: Vec<(Request<'_>, &mut [u8])>, resources: &Resources) -> Result<(), NcError> {
    let mut pieces = Vec::new();
    for (request, out) in targets {
        split(request, out, &mut pieces)?;
    }
    let budget = Budget::new(resources.memory);
    let pieces: Vec<Mutex<Option<Piece<'_>>>> =
        pieces.into_iter().map(|piece| Mutex::new(Some(piece))).collect();
    run(pieces.len(), resources.jobs, |number| {
        let piece = pieces
            .get(number)
            .and_then(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner).take());
        let Some((Request { file, variable, slab }, out)) = piece else {
            return Ok(());
        };
        let needed = file.scratch_bytes(&variable)?;
        let _held = budget.take(needed).map_err(|allowed| NcError::TooLarge {
            file: file.label().to_owned(),
            variable: variable.clone(),
            needed,
            allowed,
        })?;
        file.read_part_into(&variable, &slab, out)
    })
}

type Piece<'a> = (Request<'a>, &'a mut [u8]);

/// Pieces of an array are at least this large.
const PIECE_BYTES: usize = 8 << 20;

/// Cuts a large request into pieces of whole rows of chunks.
fn split<'a>(request: Request<'a>, out: &'a mut [u8], pieces: &mut Vec<Piece<'a>>) -> Result<(), NcError> {
    let chunk_rows = request
        .file
        .chunk_index(&request.variable)?
        .and_then(|index| index.chunk_shape().first().copied());
    let (Some(chunk_rows), Some(&start), Some(&count)) =
        (chunk_rows, request.slab.start.first(), request.slab.count.first())
    else {
        pieces.push((request, out));
        return Ok(());
    };
    let row_bytes = out.len().checked_div(count).unwrap_or(0);
    let chunks = PIECE_BYTES
        .checked_div(row_bytes.saturating_mul(chunk_rows))
        .unwrap_or(usize::MAX)
        .max(1);
    let rows_at_once = chunks.saturating_mul(chunk_rows);
    // A buffer that does not fit is left whole, for the reader to refuse.
    if rows_at_once >= count || row_bytes * count != out.len() {
        pieces.push((request, out));
        return Ok(());
    }
    let (mut first, mut rest, end) = (start, out, start + count);
    while first < end {
        let next = ((first / rows_at_once + 1) * rows_at_once).min(end);
        let (piece, others) = rest.split_at_mut((next - first) * row_bytes);
        let mut slab = request.slab.clone();
        slab.start[0] = first;
        slab.count[0] = next - first;
        pieces.push((
            Request {
                slab,
                ..request.clone()
            },
            piece,
        ));
        (first, rest) = (next, others);
    }
    Ok(())
}

/// Runs `work` for the numbers below `count` on `jobs` threads; gives the failure of the lowest number.
///
/// Threads of its own, not a pool: `work` waits for memory, and a pool that lent its waiting threads to other work
/// could wait for itself.
fn run<E: Send>(count: usize, jobs: usize, work: impl Fn(usize) -> Result<(), E> + Sync) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    let stopped = AtomicBool::new(false);
    let failure: Mutex<Option<(usize, E)>> = Mutex::new(None);
    let worker = || {
        while !stopped.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            if let Err(error) = work(number) {
                stopped.store(true, Ordering::Relaxed);
                let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
                if failure.as_ref().is_none_or(|(other, _)| number < *other) {
                    *failure = Some((number, error));
                }
            }
        }
    };
    let jobs = jobs.clamp(1, count.max(1));
    std::thread::scope(|scope| {
        for _ in 1..jobs {
            scope.spawn(worker);
        }
        worker();
    });
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

/// Bytes that may be held at one time.
struct Budget {
    all: u64,
    free: Mutex<u64>,
    returned: Condvar,
}

impl Budget {
    fn new(all: u64) -> Self {
        Self {
            all,
            free: Mutex::new(all),
            returned: Condvar::new(),
        }
    }

    /// Waits until `bytes` are free and takes them; fails with the whole budget if that can never be.
    fn take(&self, bytes: u64) -> Result<Held<'_>, u64> {
        if bytes > self.all {
            return Err(self.all);
        }
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self
            .returned
            .wait_while(free, |free| *free < bytes)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= bytes;
        Ok(Held { budget: self, bytes })
    }
}

/// Memory that is given back when this goes.
struct Held<'a> {
    budget: &'a Budget,
    bytes: u64,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        *self.budget.free.lock().unwrap_or_else(PoisonError::into_inner) += self.bytes;
        self.budget.returned.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_is_never_exceeded_and_failures_stop_the_rest() {
        let budget = Budget::new(100);
        let held = AtomicUsize::new(0);
        let most = AtomicUsize::new(0);
        run(200, 8, |number| {
            let bytes = 20 + number as u64 % 60;
            let _held = budget.take(bytes)?;
            let now = held.fetch_add(bytes as usize, Ordering::SeqCst) + bytes as usize;
            most.fetch_max(now, Ordering::SeqCst);
            std::thread::yield_now();
            held.fetch_sub(bytes as usize, Ordering::SeqCst);
            Ok::<(), u64>(())
        })
        .unwrap();
        assert!(most.into_inner() <= 100);
        assert_eq!(budget.take(101).err(), Some(100));
        let begun = AtomicUsize::new(0);
        let failed = run(10_000, 2, |number| {
            begun.fetch_add(1, Ordering::SeqCst);
            if number >= 5 { Err(number) } else { Ok(()) }
        });
        assert!(failed.is_err_and(|number| number <= 6));
        assert!(begun.into_inner() < 20);
    }
}
