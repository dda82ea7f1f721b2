//! The structure of a file at a server in few rounds: in each, all that is known to be needed is asked for at once.
//!
//! Headers of many files lie among the values, and point to more of themselves and to heaps elsewhere. Read one after the other
//! each of these costs a round trip. Here the structure is walked over what is there already; where something is missing the
//! walk goes on with the next member, and all that was missing is fetched together.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use karin_core::{Ahead, ByteSource};

use crate::fault::Fault;

/// Rounds after which the rest is read piece by piece.
const MOST_ROUNDS: usize = 16;

/// What is there of a source; notes what is not.
#[derive(Debug)]
pub(super) struct Scout {
    source: Arc<dyn ByteSource>,
    missing: Mutex<Vec<Range<u64>>>,
}

impl Scout {
    fn missing(&self) -> Vec<Range<u64>> {
        std::mem::take(&mut *self.missing.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ByteSource for Scout {
    fn name(&self) -> &str {
        self.source.name()
    }

    fn len(&self) -> std::io::Result<u64> {
        self.source.len()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        let range = offset..offset.saturating_add(buffer.len() as u64);
        if self.source.holds(range.clone()) {
            return self.source.read_exact_at(buffer, offset);
        }
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        missing.push(range);
        Err(std::io::ErrorKind::WouldBlock.into())
    }
}

/// How a structure is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walking {
    /// Until something cannot be read.
    Strictly,
    /// Past what cannot be read.
    Onward,
}

/// What `walk` makes of a source of which all that it reads can be read without a round trip; `None` otherwise, and where something is
/// wrong.
pub(super) fn at_hand<T>(
    source: &Arc<dyn ByteSource>,
    walk: impl Fn(&Arc<dyn ByteSource>, Walking) -> Result<T, Fault>,
) -> Option<T> {
    let seen: Arc<dyn ByteSource> = Arc::new(Scout {
        source: Arc::clone(source),
        missing: Mutex::default(),
    });
    walk(&seen, Walking::Strictly).ok()
}

/// What `walk` makes of a source. It is called over what is there, and again when what it missed has come, until it misses
/// nothing; after too many rounds, over the source itself.
///
/// # Errors
/// What `walk` says of bytes that are there, and if what is missing cannot be fetched.
pub(super) fn in_rounds<T>(
    source: &Arc<dyn ByteSource>,
    walk: impl Fn(&Arc<dyn ByteSource>, Walking) -> Result<T, Fault>,
) -> Result<T, Fault> {
    if !source.is_remote() {
        return walk(source, Walking::Strictly);
    }
    for _ in 0..MOST_ROUNDS {
        let scout = Arc::new(Scout {
            source: Arc::clone(source),
            missing: Mutex::default(),
        });
        let seen: Arc<dyn ByteSource> = scout.clone();
        let result = walk(&seen, Walking::Strictly);
        let mut missing = scout.missing();
        if missing.is_empty() {
            return result;
        }
        // What else is missing counts, not what this comes to.
        let _ = walk(&seen, Walking::Onward);
        missing.extend(scout.missing());
        source
            .prefetch(&missing, Ahead::Structure)
            .map_err(|source| Fault::Io {
                action: "fetching the structure".into(),
                source,
            })?;
    }
    walk(source, Walking::Strictly)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes at a server: each is its own offset; those that were fetched are there.
    #[derive(Debug)]
    struct Far {
        is_remote: bool,
        fails: bool,
        there: Mutex<Vec<Range<u64>>>,
        rounds: Mutex<Vec<Vec<Range<u64>>>>,
    }

    impl Far {
        fn new(is_remote: bool) -> Arc<Self> {
            Arc::new(Self {
                is_remote,
                fails: false,
                there: Mutex::default(),
                rounds: Mutex::default(),
            })
        }

        fn rounds(&self) -> Vec<Vec<Range<u64>>> {
            self.rounds.lock().unwrap().clone()
        }
    }

    impl ByteSource for Far {
        fn name(&self) -> &str {
            "far"
        }

        fn len(&self) -> std::io::Result<u64> {
            Ok(256)
        }

        fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
            (offset..).zip(buffer).for_each(|(at, byte)| *byte = at as u8);
            Ok(())
        }

        fn is_remote(&self) -> bool {
            self.is_remote
        }

        fn holds(&self, range: Range<u64>) -> bool {
            let there = self.there.lock().unwrap();
            there
                .iter()
                .any(|part| part.start <= range.start && range.end <= part.end)
        }

        fn prefetch(&self, ranges: &[Range<u64>], what: Ahead) -> std::io::Result<()> {
            assert_eq!(what, Ahead::Structure);
            if self.fails {
                return Err(std::io::Error::other("the line is cut"));
            }
            self.rounds.lock().unwrap().push(ranges.to_vec());
            self.there.lock().unwrap().extend_from_slice(ranges);
            Ok(())
        }
    }

    fn byte(source: &Arc<dyn ByteSource>, offset: u64) -> Result<u8, Fault> {
        let mut one = [0];
        source
            .read_exact_at(&mut one, offset)
            .map_err(|source| Fault::Io {
                action: "reading".into(),
                source,
            })?;
        Ok(one[0])
    }

    /// Reads all of `offsets`; past those that are missing, if it may.
    fn each(source: &Arc<dyn ByteSource>, walking: Walking, offsets: &[u64]) -> Result<Vec<u8>, Fault> {
        let mut found = Vec::new();
        for offset in offsets {
            match byte(source, *offset) {
                Err(_) if walking == Walking::Onward => {}
                other => found.push(other?),
            }
        }
        Ok(found)
    }

    fn dyn_of(far: &Arc<Far>) -> Arc<dyn ByteSource> {
        far.clone()
    }

    #[test]
    fn what_is_missing_side_by_side_comes_in_one_round() {
        let far = Far::new(true);
        let found = in_rounds(&dyn_of(&far), |source, walking| {
            each(source, walking, &[9, 100, 40])
        });
        assert_eq!(found.unwrap(), [9, 100, 40]);
        let rounds = far.rounds();
        assert_eq!(rounds.len(), 1);
        assert!(
            [9..10, 100..101, 40..41]
                .iter()
                .all(|range| rounds[0].contains(range))
        );
    }

    #[test]
    fn what_leads_to_more_takes_a_round_for_each_step() {
        let far = Far::new(true);
        let found = in_rounds(&dyn_of(&far), |source, walking| {
            let first = byte(source, 5)?;
            let second = byte(source, u64::from(first) + 20)?;
            each(source, walking, &[u64::from(second) + 30, u64::from(second) + 90])
        });
        assert_eq!(found.unwrap(), [55, 115]);
        assert_eq!(far.rounds().len(), 3);
    }

    #[test]
    fn files_on_disk_are_walked_once() {
        let far = Far::new(false);
        let walks = std::sync::atomic::AtomicUsize::new(0);
        let found = in_rounds(&dyn_of(&far), |source, walking| {
            walks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            each(source, walking, &[1, 2])
        });
        assert_eq!(found.unwrap(), [1, 2]);
        assert_eq!((walks.into_inner(), far.rounds().len()), (1, 0));
    }

    #[test]
    fn what_is_at_hand_is_read_without_fetching() {
        let far = Far::new(true);
        assert_eq!(
            at_hand(&dyn_of(&far), |source, walking| each(source, walking, &[9, 40])),
            None
        );
        far.there.lock().unwrap().push(0..50);
        let found = at_hand(&dyn_of(&far), |source, walking| each(source, walking, &[9, 40]));
        assert_eq!(found.unwrap(), [9, 40]);
        assert!(far.rounds().is_empty());
    }

    #[test]
    fn a_walk_without_end_stops_fetching_ahead() {
        let far = Far::new(true);
        let found = in_rounds(&dyn_of(&far), |source, _| {
            (0..40).try_fold(0, |_, step| byte(source, step))
        });
        assert_eq!(found.unwrap(), 39);
        assert_eq!(far.rounds().len(), MOST_ROUNDS);
    }

    #[test]
    fn what_is_wrong_with_bytes_that_are_there_and_with_the_line_is_told() {
        let far = Far::new(true);
        let broken = in_rounds(&dyn_of(&far), |source, _| {
            byte(source, 3)?;
            Err::<(), _>(Fault::corrupt("three"))
        });
        assert!(matches!(broken, Err(Fault::Corrupt(reason)) if reason == "three"));
        assert_eq!(far.rounds().len(), 1);
        let cut = Arc::new(Far {
            fails: true,
            is_remote: true,
            there: Mutex::default(),
            rounds: Mutex::default(),
        });
        let told = in_rounds(&dyn_of(&cut), |source, _| byte(source, 3));
        assert!(matches!(told, Err(Fault::Io { source, .. }) if source.to_string().contains("cut")));
    }
}
