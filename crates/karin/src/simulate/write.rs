//! Writes the granules of a simulation into a folder.

use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use karin_core::{Dataset as _, Progress, Resources};
use karin_netcdf::{WriteOptions, write_dataset};
use serde::Serialize;

use super::{SimulateError, Simulation, Workshop};

/// Memory that one granule takes while it is made and written: fields of its scene and geometry, and the variable that
/// is being compressed (80 MB at 250 m).
const GRANULE_BYTES: u64 = 192 << 20;

/// What a simulation has written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SimulationSummary {
    /// Granules.
    pub granules: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// Bytes of the values in them.
    pub raw_bytes: u64,
    /// Names of the files, in order.
    pub files: Vec<String>,
}

/// Tells of granules, not of the parts of each; passes the wish to stop on.
struct Inner<'a>(&'a dyn Progress);

impl Progress for Inner<'_> {
    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// Writes every granule into `folder`, which is made if need be. Files that are there already are replaced. Granules
/// are made side by side as threads and memory allow; the bytes of a file do not depend on that.
///
/// # Errors
/// If a granule cannot be made or written, or the user stops it. Granules that were finished stay.
pub fn write(
    simulation: &Simulation,
    folder: &Path,
    resources: &Resources,
    progress: &dyn Progress,
) -> Result<SimulationSummary, SimulateError> {
    let workshop = Workshop::new(simulation)?;
    let folder_error = |source| SimulateError::Folder {
        folder: folder.display().to_string(),
        source,
    };
    std::fs::create_dir_all(folder).map_err(folder_error)?;
    let half_orbits = simulation.half_orbits();
    let affordable = usize::try_from(resources.memory / GRANULE_BYTES).unwrap_or(usize::MAX);
    let workers = resources.jobs.min(half_orbits.len()).min(affordable).max(1);
    let share = Resources {
        jobs: (resources.jobs / workers).max(1),
        memory: (resources.memory / workers as u64)
            .saturating_sub(GRANULE_BYTES / 2)
            .max(64 << 20),
    };
    progress.start("simulating", half_orbits.len() as u64, 0);
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let outcome = Mutex::new((SimulationSummary::default(), None));
    let work = || {
        while !stop.load(Ordering::Relaxed)
            && let Some(&half_orbit) = half_orbits.get(next.fetch_add(1, Ordering::Relaxed))
        {
            if progress.is_cancelled() {
                break;
            }
            let granule = workshop.granule(half_orbit);
            let path = folder.join(granule.label());
            let options = WriteOptions::default().with_resources(share).with_durable(false);
            let written = write_dataset(&path, &granule, &options, &Inner(progress))
                .map_err(SimulateError::from)
                .and_then(|()| path.metadata().map_err(folder_error));
            let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
            match written {
                Ok(metadata) => {
                    let raw = raw_bytes(&granule);
                    outcome.0.granules += 1;
                    outcome.0.bytes += metadata.len();
                    outcome.0.raw_bytes += raw;
                    outcome.0.files.push(granule.label().to_owned());
                    progress.advance(1, raw);
                }
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    outcome.1.get_or_insert(error);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        (1..workers).for_each(|_| drop(scope.spawn(work)));
        work();
    });
    let (mut summary, error) = outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
    progress.finish();
    if progress.is_cancelled() {
        return Err(SimulateError::Cancelled {
            done: summary.granules,
            of: half_orbits.len() as u64,
        });
    }
    summary.files.sort_unstable();
    error.map_or(Ok(summary), Err)
}

fn raw_bytes(granule: &super::SimulatedGranule) -> u64 {
    let root = granule.root();
    let paths = root.variable_paths();
    let size = |path: &String| {
        let elements: usize = root.shape(path)?.iter().product();
        Some((elements * root.variable(path)?.dtype.size()) as u64)
    };
    paths.iter().filter_map(size).sum()
}
