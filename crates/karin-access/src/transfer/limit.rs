//! A bandwidth that all transfers of a run share.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Hands out bytes at a steady rate: whoever takes some waits until those before are paid for.
#[derive(Debug)]
pub struct Limit {
    rate: Option<f64>,
    /// When all that was taken is paid for.
    paid: Mutex<Instant>,
}

impl Limit {
    /// So many bytes per second for all who take from it; `None` is as fast as it goes.
    pub fn new(rate: Option<u64>) -> Self {
        Self {
            rate: rate.map(|rate| rate.max(1) as f64),
            paid: Mutex::new(Instant::now()),
        }
    }

    /// Takes so many bytes.
    pub(crate) async fn take(&self, bytes: usize) {
        let Some(rate) = self.rate else { return };
        let until = {
            let mut paid = self.paid.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            // Unused time is not saved up.
            *paid = (*paid).max(now) + Duration::from_secs_f64(bytes as f64 / rate);
            *paid
        };
        tokio::time::sleep_until(until.into()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfers_share_the_rate() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let limit = Limit::new(Some(1_000_000));
        let start = Instant::now();
        runtime.block_on(async {
            futures::future::join_all((0..4).map(|_| limit.take(25_000))).await;
        });
        // Never faster; slower is the machine's business.
        assert!(start.elapsed() >= Duration::from_millis(95));
    }
}
