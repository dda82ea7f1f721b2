//! Spectra of what a selection keeps: along the flight, across it, or in both directions; coherence of two variables.
//!
//! Scope: granules are read in parallel, line block by line block, their densities are added up in the order of the plan, and
//! the means become a dataset, a table or a picture. Not here: the estimator ([`karin_science::spectrum`]).
//!
//! ```text
//!   Plan ──> Geometry (spacing, of the first granule) ──> Welch ──> granules in parallel ──> sums in order ──> Spectrum
//! ```

use std::path::Path;
use std::str::FromStr;

use karin_core::{Progress, Resources};
use karin_engine::{Engine, EngineError, Failure, MemoryDataset, Plan};
pub use karin_science::spectrum::{Detrend, Window};

use crate::Error;
use crate::output::{self, Format, WriteOptions};

mod estimate;
mod gather;
mod geometry;
mod other_cycle;
mod picture;
mod result;

pub use other_cycle::OtherCycle;

/// Which way a spectrum runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Axis {
    /// Along the flight: a spectrum per pixel column, and their mean.
    #[default]
    Along,
    /// Across the flight.
    Across,
    /// Both: two-dimensional.
    Both,
}

impl FromStr for Axis {
    type Err = String;

    /// From `along`, `across` or `both`.
    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "along" => Ok(Self::Along),
            "across" => Ok(Self::Across),
            "both" => Ok(Self::Both),
            other => Err(format!("axis: expected along, across or both, found {other:?}")),
        }
    }
}

/// How a spectrum is made.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SpectrumOptions {
    /// Which way.
    pub axis: Axis,
    /// Length of a segment in kilometres; `None`: 1,000 km along, 50 km across.
    pub segment_km: Option<f64>,
    /// Length across of the rectangles of two-dimensional spectra, in kilometres.
    pub segment_across_km: f64,
    /// Share of a segment that the next one repeats.
    pub overlap: f64,
    /// Taper.
    pub window: Window,
    /// What is taken off each segment.
    pub detrend: Detrend,
    /// Longest hole that is filled, as a share of the segment.
    pub longest_hole: f64,
    /// Least share of values in a segment.
    pub minimum_valid: f64,
    /// Level of confidence of the intervals, from 0 to 1.
    pub confidence: f64,
    /// The other variable of cross-spectra.
    pub with: Option<String>,
    /// The cycle whose passes are the other side of cross-spectra: the same variable, or [`SpectrumOptions::with`], there.
    pub with_cycle: Option<OtherCycle>,
    /// What `history` says.
    pub history: String,
}

impl Default for SpectrumOptions {
    fn default() -> Self {
        Self {
            axis: Axis::Along,
            segment_km: None,
            segment_across_km: 50.0,
            overlap: 0.5,
            window: Window::Hann,
            detrend: Detrend::Linear,
            longest_hole: 0.01,
            minimum_valid: 0.9,
            confidence: 0.95,
            with: None,
            with_cycle: None,
            history: String::new(),
        }
    }
}

/// The mean spectrum of one variable.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Name of the variable.
    pub name: String,
    /// Its units.
    pub units: String,
    /// Mean density per wavenumber.
    pub density: Vec<f64>,
}

/// Spectra of a plan.
#[derive(Debug)]
pub struct Spectrum {
    /// Which way.
    pub axis: Axis,
    /// Wavenumbers in cycles per kilometre (along, for two dimensions), from 0.
    pub wavenumbers: Vec<f64>,
    /// Wavenumbers across of two-dimensional spectra; else empty.
    pub wavenumbers_across: Vec<f64>,
    /// One per variable. In two dimensions rows of wavenumbers across.
    pub curves: Vec<Curve>,
    /// Squared coherence of the two sides of a cross-spectrum.
    pub coherence: Option<Vec<f64>>,
    /// Segments (or rectangles) that the mean is of.
    pub segments: u64,
    /// Samples of a segment (along, for two dimensions).
    pub segment_samples: usize,
    /// Degrees of freedom of the mean: neighbouring pixels count as one.
    pub degrees_of_freedom: f64,
    /// Factors from the mean to the ends of its interval of confidence.
    pub confidence_factors: (f64, f64),
    /// Level of that confidence.
    pub confidence: f64,
    /// Granules read; of two cycles, pairs of them.
    pub granules: usize,
    /// Granules left out, and why.
    pub failures: Vec<Failure>,
    dataset: MemoryDataset,
    subtitle: String,
}

/// Computes the spectra of the variables of a plan that have a value per pixel, or the cross-spectrum of [`SpectrumOptions::with`]
/// and the other one, of one variable in two cycles ([`SpectrumOptions::with_cycle`]), or both. Granules that cannot be read are left out and reported.
///
/// Values that L3 clips into the swath from the nadir altimeter should be dropped by the selection. The densities do not depend
/// on the number of threads or on memory, bit for bit.
///
/// # Errors
/// If an option makes no sense, no granule can be read, or no segment is long enough.
pub fn spectrum(
    plan: &Plan,
    options: &SpectrumOptions,
    resources: Resources,
    progress: &dyn Progress,
) -> Result<Spectrum, Error> {
    plan.check_derivation()?;
    let engine = Engine::new(plan, resources, progress)?;
    let work = gather::Work::new(&engine, options, resources, progress)?;
    progress.start("spectrum", work.pieces().len() as u64, plan.stored_bytes());
    let totals = work.run();
    progress.finish();
    let totals = totals?;
    engine.report_failures();
    let failures = engine.failures();
    if totals.count() == 0 {
        let percent = |share: f64| (1e4 * share).round() / 1e2;
        let reason = format!(
            "no {:.0} km of {} without a hole longer than {} % or with more than {} % missing: choose shorter segments",
            work.estimator().segment_km(),
            joined_names(&work),
            percent(options.longest_hole),
            percent(1.0 - options.minimum_valid),
        );
        return Err(EngineError::Empty(reason).into());
    }
    Ok(result::of(&work, plan, options, totals, failures))
}

fn joined_names(work: &gather::Work<'_>) -> String {
    let names: Vec<String> = work.columns().into_iter().map(|column| column.name).collect();
    names.join(" and ")
}

impl Spectrum {
    /// The whole result: wavenumbers, densities, intervals, coherence, densities per pixel column, with attributes.
    pub fn dataset(&self) -> &MemoryDataset {
        &self.dataset
    }

    /// The same, by value.
    pub fn into_dataset(self) -> MemoryDataset {
        self.dataset
    }

    /// Writes it in the format of the extension: `.nc`, `.zarr`, `.json` whole; `.csv` and `.parquet` one row per wavenumber,
    /// without densities per pixel column; `.png` a picture.
    ///
    /// # Errors
    /// If the extension is unknown or the file cannot be written.
    pub fn write(&self, path: &Path, resources: Resources, progress: &dyn Progress) -> Result<(), Error> {
        let options = WriteOptions::default().with_resources(resources);
        match Format::of(path)? {
            Format::Png => picture::of(self)?.write(path),
            Format::Csv | Format::Parquet if self.axis != Axis::Both => {
                Ok(output::write(path, &self.without_columns(), &options, progress)?)
            }
            _ => Ok(output::write(path, &self.dataset, &options, progress)?),
        }
    }

    /// Only what has one value per wavenumber.
    fn without_columns(&self) -> MemoryDataset {
        let mut dataset = self.dataset.clone();
        dataset
            .root_mut()
            .variables
            .retain(|variable| variable.dimensions == ["wavenumber"]);
        dataset
    }
}
