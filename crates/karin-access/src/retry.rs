//! Trying again: with growing waits, as long as the server asks, and never while the user wants to stop.

use std::future::Future;
use std::time::Duration;

use karin_core::Progress;

use crate::{AccessError, Settings};

/// How often and how soon to try again.
#[derive(Clone, Copy)]
pub(crate) struct Patience<'a> {
    pub attempts: u32,
    pub first_wait: f64,
    pub longest_wait: f64,
    pub progress: &'a dyn Progress,
}

impl<'a> Patience<'a> {
    pub(crate) fn new(settings: &Settings, progress: &'a dyn Progress) -> Self {
        Self {
            attempts: settings.attempts(),
            first_wait: settings.first_wait(),
            longest_wait: settings.longest_wait(),
            progress,
        }
    }

    /// Waits before the try after `failures` failed ones.
    ///
    /// # Errors
    /// [`AccessError::Cancelled`] once the user wants to stop.
    pub(crate) async fn wait(&self, failures: u32, error: &AccessError) -> Result<(), AccessError> {
        let grown = self.first_wait * f64::from(1u32 << failures.saturating_sub(1).min(16));
        // Workers that failed together do not come back together.
        let own = grown * (0.75 + 0.5 * fraction());
        let seconds = error.retry_after().unwrap_or(0.0).max(own).min(self.longest_wait);
        until_cancelled(
            self.progress,
            tokio::time::sleep(Duration::from_secs_f64(seconds)),
        )
        .await
    }
}

/// Tries until it works, the error is none that passes, or patience ends.
pub(crate) async fn retry<T, F>(
    patience: &Patience<'_>,
    mut attempt: impl FnMut() -> F,
) -> Result<T, AccessError>
where
    F: Future<Output = Result<T, AccessError>>,
{
    let mut failures = 0;
    loop {
        let error = match until_cancelled(patience.progress, attempt()).await? {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        failures += 1;
        if !error.is_transient() || failures >= patience.attempts {
            return Err(error);
        }
        patience.wait(failures, &error).await?;
    }
}

/// Runs a future, and drops it within a tenth of a second once the user wants to stop.
///
/// # Errors
/// [`AccessError::Cancelled`].
pub(crate) async fn until_cancelled<F: Future>(
    progress: &dyn Progress,
    future: F,
) -> Result<F::Output, AccessError> {
    const TICK: Duration = Duration::from_millis(100);
    let mut future = std::pin::pin!(future);
    loop {
        if progress.is_cancelled() {
            return Err(AccessError::Cancelled);
        }
        if let Ok(output) = tokio::time::timeout(TICK, future.as_mut()).await {
            return Ok(output);
        }
    }
}

/// A number in 0..1 that differs from call to call.
fn fraction() -> f64 {
    use std::hash::{BuildHasher as _, RandomState};
    (RandomState::new().hash_one(0) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use karin_core::NoProgress;

    use super::*;

    fn run(error: impl Fn() -> AccessError, attempts: u32) -> (u32, Result<(), AccessError>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let patience = Patience {
            attempts,
            first_wait: 0.001,
            longest_wait: 0.01,
            progress: &NoProgress,
        };
        let calls = AtomicU32::new(0);
        let result = runtime.block_on(retry(&patience, || async {
            match calls.fetch_add(1, Ordering::Relaxed) {
                2 => Ok(()),
                _ => Err(error()),
            }
        }));
        (calls.into_inner(), result)
    }

    #[test]
    fn what_passes_is_tried_again_and_nothing_else() {
        let status = |status, retry_after| AccessError::Status {
            url: String::new(),
            status,
            message: String::new(),
            retry_after,
        };
        // A server that asks for an hour is obeyed up to the longest wait.
        let (calls, result) = run(|| status(429, Some(3600.0)), 5);
        assert!(result.is_ok() && calls == 3);
        assert_eq!(run(|| status(503, None), 2).0, 2);
        assert_eq!(run(|| status(404, None), 5).0, 1);
        assert_eq!(run(|| AccessError::Cancelled, 5).0, 1);
    }
}
