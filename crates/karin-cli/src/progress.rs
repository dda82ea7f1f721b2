//! Progress bars in granules and bytes, warnings between them, and Ctrl-C.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use karin_core::{Progress, Stop};

/// Shows progress on stderr if that is a terminal and the user did not ask for quiet.
pub struct TerminalProgress {
    bar: Mutex<Option<ProgressBar>>,
    bytes: AtomicU64,
    counts_bytes: AtomicBool,
    hidden: bool,
    color: bool,
    stop: Stop,
}

impl TerminalProgress {
    /// `hidden`: no bars; warnings stay. Installs the handler of Ctrl-C: the first one asks the work to stop, the
    /// second one ends the process.
    pub fn new(hidden: bool, color: bool) -> Arc<Self> {
        let stop = Stop::default();
        let asked = stop.clone();
        // Fails only if a handler exists already, which then serves as well.
        let _ = ctrlc::set_handler(move || {
            if asked.stop() {
                std::process::exit(130);
            }
        });
        Arc::new(Self {
            bar: Mutex::new(None),
            bytes: AtomicU64::new(0),
            counts_bytes: AtomicBool::new(false),
            hidden,
            color,
            stop,
        })
    }

    /// Runs `print` with the bar out of the way.
    pub fn suspend(&self, print: impl FnOnce()) {
        match self.current().as_ref() {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn current(&self) -> MutexGuard<'_, Option<ProgressBar>> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Prints a line on stderr. Where that is full or closed, there is nobody left to tell.
pub fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

impl Progress for TerminalProgress {
    fn start(&self, stage: &str, granules: u64, bytes: u64) {
        let target = if self.hidden {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        };
        // What is counted in granules shows these; transfers know bytes alone.
        let length = if granules > 0 { granules } else { bytes };
        let bar = ProgressBar::with_draw_target((length > 0).then_some(length), target);
        let template = match (granules, bytes) {
            (0, 1..) => "{msg:>12} [{bar:30}] {bytes}/{total_bytes}, {bytes_per_sec} (left {eta})",
            (0, _) => "{spinner} {msg} {pos} granules, {elapsed}",
            _ => "{msg:>12} [{bar:30}] {pos}/{len} granules, {prefix} {elapsed} (left {eta})",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(stage.to_owned());
        self.bytes.store(0, Ordering::Relaxed);
        self.counts_bytes
            .store(granules == 0 && bytes > 0, Ordering::Relaxed);
        bar.enable_steady_tick(Duration::from_millis(200));
        if let Some(previous) = self.current().replace(bar) {
            previous.finish_and_clear();
        }
    }

    fn advance(&self, granules: u64, bytes: u64) {
        if let Some(bar) = self.current().as_ref() {
            if self.counts_bytes.load(Ordering::Relaxed) {
                bar.inc(bytes);
                return;
            }
            bar.inc(granules);
            if bytes > 0 {
                let done = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
                bar.set_prefix(format!("{},", indicatif::DecimalBytes(done)));
            }
        }
    }

    fn note(&self, message: &str) {
        if !self.hidden {
            self.suspend(|| tell(message));
        }
    }

    fn warn(&self, message: &str) {
        let (start, end) = if self.color {
            ("\u{1b}[1;33m", "\u{1b}[0m")
        } else {
            ("", "")
        };
        self.suspend(|| tell(&format!("{start}warning:{end} {message}")));
    }

    fn finish(&self) {
        if let Some(bar) = self.current().take() {
            bar.finish_and_clear();
        }
    }

    fn is_cancelled(&self) -> bool {
        self.stop.is_stopped()
    }

    fn stop(&self) -> Stop {
        self.stop.clone()
    }
}
