//! Work without the interpreter's lock: Ctrl-C, progress and warnings while it runs.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use karin_core::{Progress, Resources, Stop};
use pyo3::prelude::*;

/// How often the interpreter is asked whether the user pressed Ctrl-C, and told of progress.
const TICK: Duration = Duration::from_millis(100);

/// Threads and memory from Python's options; `None` = the defaults, and as many threads as the environment of the process
/// says in `KARIN_JOBS` (scripts of batch systems set it; what is no number above 0 says nothing).
pub fn resources(jobs: Option<usize>, memory: Option<u64>) -> Resources {
    let mut resources = Resources::default();
    let said = || std::env::var("KARIN_JOBS").ok()?.trim().parse().ok();
    if let Some(jobs) = jobs.or_else(said) {
        resources.jobs = jobs.max(1);
    }
    if let Some(memory) = memory {
        resources.memory = memory;
    }
    resources
}

/// The calls under way that read from one source. What it waits for (a server) it waits for on behalf of all of them, so
/// that Ctrl-C stops all; those that begin meanwhile wait until they have.
#[derive(Default)]
pub struct Calls {
    stop: Stop,
    under_way: Mutex<usize>,
    ended: Condvar,
}

impl Calls {
    fn begin(&self) -> Call<'_> {
        let is_stopping = |count: &mut usize| *count > 0 && self.stop.is_stopped();
        let mut count = self
            .ended
            .wait_while(self.count(), is_stopping)
            .unwrap_or_else(PoisonError::into_inner);
        if *count == 0 {
            // One that ended just when it was asked to.
            self.stop.take_back();
        }
        *count += 1;
        Call(self)
    }

    fn count(&self) -> MutexGuard<'_, usize> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of them.
struct Call<'a>(&'a Calls);

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let mut count = self.0.count();
        *count -= 1;
        if *count == 0 {
            self.0.stop.take_back();
            self.0.ended.notify_all();
        }
    }
}

/// What work tells, kept until the waiting thread hands it to Python.
#[derive(Default)]
pub struct Told {
    stop: Stop,
    granules: AtomicU64,
    bytes: AtomicU64,
    stages: Mutex<Vec<Said>>,
}

/// One thing said.
enum Said {
    Start(String, u64, u64),
    Warning(String),
    Note(String),
}

impl Told {
    fn say(&self, said: Said) {
        self.stages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(said);
    }

    /// Hands what was said to `listener` (an object with `start`, `advance`, `warn` and `note`).
    fn hand_over(&self, listener: &Bound<'_, PyAny>) -> PyResult<()> {
        let said = std::mem::take(&mut *self.stages.lock().unwrap_or_else(PoisonError::into_inner));
        for said in said {
            match said {
                Said::Start(stage, granules, bytes) => {
                    listener.call_method1("start", (stage, granules, bytes))?
                }
                Said::Warning(text) => listener.call_method1("warn", (text,))?,
                Said::Note(text) => listener.call_method1("note", (text,))?,
            };
        }
        let (granules, bytes) = (
            self.granules.load(Ordering::Relaxed),
            self.bytes.load(Ordering::Relaxed),
        );
        listener.call_method1("advance", (granules, bytes))?;
        Ok(())
    }
}

impl Progress for Told {
    fn start(&self, stage: &str, granules: u64, bytes: u64) {
        self.granules.store(0, Ordering::Relaxed);
        self.bytes.store(0, Ordering::Relaxed);
        self.say(Said::Start(stage.to_owned(), granules, bytes));
    }

    fn advance(&self, granules: u64, bytes: u64) {
        self.granules.fetch_add(granules, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn warn(&self, message: &str) {
        self.say(Said::Warning(message.to_owned()));
    }

    fn note(&self, message: &str) {
        self.say(Said::Note(message.to_owned()));
    }

    fn is_cancelled(&self) -> bool {
        self.stop.is_stopped()
    }

    fn stop(&self) -> Stop {
        self.stop.clone()
    }
}

/// Runs `work` on a thread of its own while this one waits without the interpreter's lock. Ctrl-C asks the work to stop,
/// waits until it has, and is raised then. What the work tells goes to `listener`, if there is one.
pub fn run<T: Send>(
    py: Python<'_>,
    listener: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&Told) -> PyResult<T> + Send,
) -> PyResult<T> {
    run_among(py, &Calls::default(), listener, work)
}

/// The same for work that reads from a source which others may read from, too.
pub fn run_among<T: Send>(
    py: Python<'_>,
    calls: &Calls,
    listener: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&Told) -> PyResult<T> + Send,
) -> PyResult<T> {
    let call = py.detach(|| calls.begin());
    let told = Told {
        stop: calls.stop.clone(),
        ..Told::default()
    };
    std::thread::scope(|scope| {
        let (done, wait) = mpsc::sync_channel(1);
        let shared = &told;
        scope.spawn(move || {
            let answer = work(shared);
            drop(call);
            // The receiver waits for as long as this thread lives.
            let _ = done.send(answer);
        });
        let wait = Mutex::new(wait);
        let mut interrupted = None;
        loop {
            let answer = py.detach(|| {
                wait.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .recv_timeout(TICK)
            });
            let heard = match (listener, &interrupted) {
                (Some(listener), None) => told.hand_over(listener),
                _ => Ok(()),
            };
            match answer {
                Ok(result) => return interrupted.map_or(heard.and(result), Err),
                Err(RecvTimeoutError::Timeout) => {
                    if let Err(error) = heard.and_then(|()| py.check_signals()) {
                        told.stop.stop();
                        interrupted.get_or_insert(error);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(crate::errors::raise(
                        karin_core::ErrorKind::Internal,
                        "a worker thread of karin ended without an answer: please report this",
                    ));
                }
            }
        }
    })
}
