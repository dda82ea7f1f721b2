//! The variables of a granule, as many at a time as fit into the memory.
//!
//! ```text
//!   threads of the pool:  read, encode ─┐
//!                         read, encode ─┼─> this thread: take (write, compare, remember), let the next one begin
//!                         read, encode ─┘
//! ```

use std::sync::mpsc::{Sender, channel};

use super::encode::{Encoded, Encoding, encode};
use super::granule::{Placed, Refusal};

/// How the work on a variable ended; `None` if it panicked, which the end of the scope tells.
type Ended = Option<Result<Encoded, Refusal>>;

/// A variable under way: when this goes, the thread that waits hears of it, whatever happened.
struct UnderWay {
    number: usize,
    bytes: u64,
    encoded: Ended,
    heard_by: Sender<(usize, u64, Ended)>,
}

impl UnderWay {
    fn run(mut self, encoding: &Encoding<'_>, placed: &Placed) {
        self.encoded = Some(encode(encoding, placed));
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        // The thread that waits is gone only if it panicked itself.
        let _ = self.heard_by.send((self.number, self.bytes, self.encoded.take()));
    }
}

/// Encodes variables on the threads of a pool, in this order, and has each taken in by this thread as soon as it is done. Those
/// under way hold no more than `memory` bytes together, unless one alone does.
///
/// # Errors
/// Of those variables that fail, what the first one met; or what taking met. No more are begun then.
pub(super) fn encode_all(
    pool: &rayon::ThreadPool,
    encoding: &Encoding<'_>,
    memory: u64,
    mut take: impl FnMut(Encoded) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let ordered = order(encoding);
    let (sender, receiver) = channel();
    pool.in_place_scope(|scope| {
        let mut waiting = ordered.iter().enumerate().peekable();
        let (mut under_way, mut held) = (0, 0);
        let mut failed: Option<(usize, Refusal)> = None;
        loop {
            while let Some((number, (placed, bytes))) = waiting
                .next_if(|(_, (_, bytes))| failed.is_none() && (under_way == 0 || held + bytes <= memory))
            {
                let variable = UnderWay {
                    number,
                    bytes: *bytes,
                    encoded: None,
                    heard_by: sender.clone(),
                };
                scope.spawn(move |_| variable.run(encoding, placed));
                under_way += 1;
                held += bytes;
            }
            if under_way == 0 {
                return failed.map_or(Ok(()), |(_, refusal)| Err(refusal));
            }
            let stopped = || Refusal::structure("encoding a variable of it has stopped");
            let Ok((number, bytes, encoded)) = receiver.recv() else {
                return Err(stopped());
            };
            under_way -= 1;
            let taken = match encoded.unwrap_or_else(|| Err(stopped())) {
                Ok(encoded) if failed.is_none() => take(encoded),
                Ok(_) => Ok(()),
                Err(refusal) => Err(refusal),
            };
            held -= bytes;
            if let Err(refusal) = taken
                && failed.as_ref().is_none_or(|(first, _)| number < *first)
            {
                failed = Some((number, refusal));
            }
        }
    })
}

/// The variables of a granule with the bytes that each takes while it is encoded: coordinates first, then the largest.
fn order<'a>(encoding: &Encoding<'a>) -> Vec<(&'a Placed, u64)> {
    let array = |placed: &Placed| encoding.layout.arrays.get(placed.array);
    let bytes = |placed: &Placed| -> u64 {
        let size = array(placed).map_or(8, |array| array.dtype.size());
        // What is repacked passes through f64.
        let factor = if placed.repack.is_some() { 4 } else { 1 };
        (placed.shape.iter().product::<usize>() * size * factor) as u64
    };
    let is_coordinate = |placed: &Placed| {
        let name = array(placed).map_or("", |array| array.variable.as_str());
        matches!(name.rsplit('/').next(), Some("latitude" | "longitude"))
    };
    let variables = encoding.fitted.variables.iter();
    let mut ordered: Vec<_> = variables.map(|placed| (placed, bytes(placed))).collect();
    ordered.sort_by_key(|(placed, bytes)| (!is_coordinate(placed), std::cmp::Reverse(*bytes)));
    ordered
}
