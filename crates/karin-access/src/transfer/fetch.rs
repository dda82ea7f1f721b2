//! One granule: tried until it is there, checked before it has its name.

use std::sync::Arc;

use super::body::Body;
use super::check::check;
use super::part::Part;
use super::{Run, told_of};
use crate::{AccessError, Download, Location};

/// How often a file may come whole and be wrong.
const MAX_WRONG: u32 = 3;

/// What has gone wrong with a granule so far.
#[derive(Default)]
struct Failures {
    /// Tries in a row without a new byte.
    in_vain: u32,
    /// Files that came and were wrong.
    wrong: u32,
    /// Whether a login was repeated.
    renewed: bool,
    /// Most bytes that were ever there.
    most: u64,
}

impl Run<'_> {
    /// Fetches a granule; `moved` counts the bytes that come.
    pub(super) async fn fetch(&self, granule: &Download, moved: &mut u64) -> Result<(), AccessError> {
        let target = self.folder.join(&granule.file_name);
        let mut part = Part::open(&target)?;
        let mut failures = Failures::default();
        loop {
            match self.attempt(granule, &mut part, moved).await {
                Ok(()) => break,
                Err(error) => self.bear(granule, error, &mut part, &mut failures).await?,
            }
        }
        let etag = part.origin().etag.clone();
        let finished = tokio::task::spawn_blocking(move || part.finish()).await;
        finished.unwrap_or_else(|error| {
            Err(AccessError::file(
                &target,
                "flushing",
                std::io::Error::other(error),
            ))
        })?;
        self.ledger.add(granule, &target, etag)
    }

    /// Bears a failure: gives it back if trying again is useless, else prepares for that and waits.
    async fn bear(
        &self,
        granule: &Download,
        error: AccessError,
        part: &mut Part,
        failures: &mut Failures,
    ) -> Result<(), AccessError> {
        if matches!(error, AccessError::SignIn { .. }) && !failures.renewed && self.has_account(granule) {
            // A session or token may have ended in the middle of the run.
            failures.renewed = true;
            self.access.http.forget_sessions();
            return Ok(());
        }
        if !error.is_transient() {
            return Err(error);
        }
        let is_wrong = matches!(
            error,
            AccessError::Mismatch { .. } | AccessError::Damaged { .. } | AccessError::Changed { .. }
        );
        if is_wrong {
            part.clear()?;
            failures.wrong += 1;
        }
        // What only goes on is no failure; a server that begins anew each time is.
        failures.in_vain = if part.len() > failures.most {
            1
        } else {
            failures.in_vain + 1
        };
        failures.most = failures.most.max(part.len());
        if failures.wrong >= MAX_WRONG || failures.in_vain >= self.patience.attempts {
            return Err(error);
        }
        self.progress.note(&format!(
            "{}: {}; trying again",
            granule.file_name,
            told_of(granule, &error)
        ));
        self.patience.wait(failures.in_vain, &error).await
    }

    fn has_account(&self, granule: &Download) -> bool {
        match &granule.location {
            Location::Http(url) => self.access.http.accounts.has_account(url),
            _ => false,
        }
    }

    /// One try: goes on where the part ends, and checks the whole.
    async fn attempt(&self, granule: &Download, part: &mut Part, moved: &mut u64) -> Result<(), AccessError> {
        if part.len() > 0 && part.origin().validator().is_none() {
            part.clear()?;
        }
        let mut body = Body::open(self.access, &granule.location, part.len(), part.origin()).await?;
        let changed = || AccessError::Changed {
            url: granule.location.to_string(),
        };
        if body.start > 0 && !part.origin().agrees(&body.origin) {
            return Err(changed());
        }
        if body.start == 0 && part.len() > 0 {
            part.clear()?;
        }
        let total = body.origin.total;
        if let (Some(size), Some(total)) = (granule.size.exact(), total)
            && size != total
        {
            return Err(AccessError::Mismatch {
                file: granule.file_name.clone(),
                what: "size",
                expected: size.to_string(),
                found: total.to_string(),
            });
        }
        if body.start == 0 {
            part.set_origin(body.origin.clone())?;
        }
        let end = total.or(granule.size.exact()).unwrap_or(MAX_BYTES);
        while let Some(chunk) = body.next().await? {
            *moved += chunk.len() as u64;
            self.progress.advance(0, chunk.len() as u64);
            if part.len() == 0 && !may_be_netcdf(&chunk) {
                return Err(AccessError::Answer {
                    url: granule.location.to_string(),
                    reason: "what comes is no netCDF file".to_owned(),
                });
            }
            if part.len() + chunk.len() as u64 > end {
                return Err(changed());
            }
            part.write(&chunk)?;
            self.limit.take(chunk.len()).await;
        }
        if let Some(total) = total
            && part.len() < total
        {
            return Err(AccessError::Truncated {
                url: granule.location.to_string(),
                expected: total,
                found: part.len(),
            });
        }
        self.check(granule, part).await
    }

    /// Checks on a thread where that may take its time.
    async fn check(&self, granule: &Download, part: &Part) -> Result<(), AccessError> {
        let (granule, path) = (granule.clone(), part.path().to_owned());
        let inspect = Arc::clone(&self.inspect);
        let failed = part.path().to_owned();
        let checked = tokio::task::spawn_blocking(move || check(&granule, &path, inspect.as_ref())).await;
        checked.unwrap_or_else(|error| {
            Err(AccessError::file(
                &failed,
                "checking",
                std::io::Error::other(error),
            ))
        })
    }
}

/// No granule is larger; a server that never ends is given up.
const MAX_BYTES: u64 = 64 << 30;

/// Whether a file may begin like this: HDF5, or netCDF-3. Fewer than four bytes say nothing.
fn may_be_netcdf(bytes: &[u8]) -> bool {
    match bytes.first_chunk::<4>() {
        None => true,
        Some(first) => first == b"\x89HDF" || matches!(first, b"CDF\x01" | b"CDF\x02" | b"CDF\x05"),
    }
}
