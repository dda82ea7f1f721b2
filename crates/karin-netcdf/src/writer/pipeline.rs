//! Work in parallel, results in order.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

struct State<T, C, E> {
    next_claim: usize,
    next_commit: usize,
    in_flight: u64,
    ready: BTreeMap<usize, T>,
    commit: C,
    failed: Option<(usize, E)>,
    stopped: bool,
}

/// Tells the other workers when one of them panics, so that none waits for its result.
struct StopOnPanic<'a, S, C, E>(&'a Mutex<State<S, C, E>>, &'a Condvar);

impl<S, C, E> Drop for StopOnPanic<'_, S, C, E> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            lock(self.0).stopped = true;
            self.1.notify_all();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the stages of a pipeline may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Worker threads.
    pub(super) jobs: usize,
    /// Bytes that results under way may hold; one is always allowed.
    pub(super) memory: u64,
}

/// Runs `work` for 0..`count` on several threads and hands the results to `commit` one by one, in that order.
/// `cost` is the memory of a task in bytes, from its start until it is committed. The error of the lowest
/// index that failed is returned, and no later result is committed.
pub(super) fn ordered<T: Send, E: Send>(
    limits: Limits,
    count: usize,
    cost: impl Fn(usize) -> u64 + Sync,
    work: impl Fn(usize) -> Result<T, E> + Sync,
    commit: impl FnMut(usize, T) -> Result<(), E> + Send,
) -> Result<(), E> {
    let jobs = limits.jobs.clamp(1, count.max(1));
    if jobs == 1 {
        let mut commit = commit;
        return (0..count).try_for_each(|index| commit(index, work(index)?));
    }
    let state = Mutex::new(State {
        next_claim: 0,
        next_commit: 0,
        in_flight: 0,
        ready: BTreeMap::new(),
        commit,
        failed: None,
        stopped: false,
    });
    let changed = Condvar::new();
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                let guard = StopOnPanic(&state, &changed);
                while let Some(index) = claim(&state, &changed, count, limits.memory, &cost) {
                    deliver(&state, index, work(index), &cost);
                    changed.notify_all();
                }
                drop(guard);
            });
        }
    });
    let state = state.into_inner().unwrap_or_else(PoisonError::into_inner);
    state.failed.map_or(Ok(()), |(_, error)| Err(error))
}

fn claim<T, C, E>(
    state: &Mutex<State<T, C, E>>,
    changed: &Condvar,
    count: usize,
    memory: u64,
    cost: &impl Fn(usize) -> u64,
) -> Option<usize> {
    let mut state = lock(state);
    loop {
        if state.stopped || state.next_claim >= count {
            return None;
        }
        let index = state.next_claim;
        if state.in_flight == 0 || state.in_flight.saturating_add(cost(index)) <= memory {
            state.next_claim += 1;
            state.in_flight = state.in_flight.saturating_add(cost(index));
            return Some(index);
        }
        state = changed.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
}

fn deliver<T, C, E>(
    state: &Mutex<State<T, C, E>>,
    index: usize,
    result: Result<T, E>,
    cost: &impl Fn(usize) -> u64,
) where
    C: FnMut(usize, T) -> Result<(), E>,
{
    let mut guard = lock(state);
    let state = &mut *guard;
    let fail = |failed: &mut Option<(usize, E)>, index, error| {
        if failed.as_ref().is_none_or(|(earlier, _)| index < *earlier) {
            *failed = Some((index, error));
        }
    };
    match result {
        Ok(value) => {
            state.ready.insert(index, value);
        }
        Err(error) => {
            fail(&mut state.failed, index, error);
            state.stopped = true;
        }
    }
    while state
        .failed
        .as_ref()
        .is_none_or(|(earlier, _)| state.next_commit < *earlier)
    {
        let Some(value) = state.ready.remove(&state.next_commit) else {
            break;
        };
        if let Err(error) = (state.commit)(state.next_commit, value) {
            fail(&mut state.failed, state.next_commit, error);
            state.stopped = true;
        }
        state.in_flight = state.in_flight.saturating_sub(cost(state.next_commit));
        state.next_commit += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_committed_in_order_within_the_budget() {
        for jobs in [1, 2, 8] {
            let mut seen = Vec::new();
            let limits = Limits { jobs, memory: 3 };
            let result: Result<(), ()> = ordered(
                limits,
                100,
                |_| 1,
                Ok,
                |index, value| {
                    seen.push((index, value));
                    Ok(())
                },
            );
            assert_eq!(result, Ok(()));
            assert_eq!(seen, (0..100).map(|index| (index, index)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_first_failure_wins_and_nothing_behind_it_is_committed() {
        for jobs in [1, 2, 8] {
            let mut seen = Vec::new();
            let work = |index| if index >= 40 { Err(index) } else { Ok(index) };
            let limits = Limits { jobs, memory: 1000 };
            let result = ordered(
                limits,
                100,
                |_| 1,
                work,
                |index, _| {
                    seen.push(index);
                    Ok(())
                },
            );
            assert_eq!(result, Err(40));
            assert!(seen.len() <= 40);
            assert!(
                seen.iter()
                    .enumerate()
                    .all(|(position, index)| position == *index)
            );
        }
    }
}
