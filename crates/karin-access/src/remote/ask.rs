//! Requests on behalf of threads that wait for their answers.

use std::ops::Range;
use std::sync::Arc;

use super::fetch::{self, Answer, fetch};
use crate::retry::{Patience, retry};
use crate::transfer::Origin;
use crate::{Access, AccessError, Location};

/// Asks for a range of whatever version of a file is there, and waits for the answer.
pub(super) fn ask(
    access: &Arc<Access>,
    location: &Location,
    range: Range<u64>,
) -> Result<Answer, AccessError> {
    let (own, location) = (Arc::clone(access), location.clone());
    let any = Origin::default();
    wait(
        access,
        async move { patiently(&own, &location, range, &any).await },
    )?
}

/// Asks which version of a file is there, and waits for the answer.
pub(super) fn ask_version(access: &Arc<Access>, location: &Location) -> Result<Answer, AccessError> {
    let (own, location) = (Arc::clone(access), location.clone());
    let answer = async move { retry(&patience(&own), || fetch::version(&own, &location)).await };
    wait(access, answer)?
}

fn patience(access: &Access) -> Patience<'_> {
    Patience::new(&access.settings, &access.stop)
}

/// Asks until it works, patience ends or the user wants to stop. A file that has changed stays changed.
pub(super) async fn patiently(
    access: &Access,
    location: &Location,
    range: Range<u64>,
    known: &Origin,
) -> Result<Answer, AccessError> {
    let attempt = || async {
        match fetch(access, location, range.clone(), known).await {
            Err(changed @ AccessError::Changed { .. }) => Ok(Err(changed)),
            other => other.map(Ok),
        }
    };
    retry(&patience(access), attempt).await?
}

/// Runs a future on the threads of `access` and waits for it: works on any thread, those of other runtimes included.
pub(super) fn wait<T: Send + 'static>(
    access: &Access,
    future: impl Future<Output = T> + Send + 'static,
) -> Result<T, AccessError> {
    let (sender, receiver) = std::sync::mpsc::sync_channel(1);
    access.runtime.spawn(async move {
        let output = future.await;
        // Nobody waits any more if this fails.
        let _ = sender.send(output);
    });
    receiver.recv().map_err(|_| AccessError::Cancelled)
}
