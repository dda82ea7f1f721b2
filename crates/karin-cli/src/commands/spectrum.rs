//! `karin spectrum SOURCE... --vars ssha [--segment 1000km --axis along|across|both --with OTHER --with-cycle N] [-o FILE]`

use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, ValueEnum};
use karin::engine::Plan;
use karin::spectrum::{Axis, Detrend, OtherCycle, Spectrum, SpectrumOptions, Window};
use karin_core::{Nadir, Selection, counted};
use serde::Serialize;

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::table::Table;
use crate::wanted::WantedFlags;

/// Arguments of `karin spectrum`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Which way: along the flight, across it, or both (two-dimensional)
    #[arg(long, value_name = "WAY", default_value = "along")]
    axis: Way,
    /// Length of a segment, as 1000km [default: 1000km along, 50km across]
    #[arg(long, value_name = "LENGTH", value_parser = crate::parse::kilometres)]
    segment: Option<f64>,
    /// Length across of the rectangles of --axis both
    #[arg(long, value_name = "LENGTH", default_value = "50km", value_parser = crate::parse::kilometres)]
    segment_across: f64,
    /// Share of a segment that the next one repeats
    #[arg(long, value_name = "SHARE", default_value_t = 0.5)]
    overlap: f64,
    /// Taper: hann, tukey(SHARE) or none
    #[arg(long, value_name = "NAME", default_value = "hann", value_parser = window)]
    window: Window,
    /// What is taken off each segment: none, constant or linear
    #[arg(long, value_name = "WHAT", default_value = "linear", value_parser = detrend)]
    detrend: Detrend,
    /// Longest hole that is filled, as a share of the segment
    #[arg(long, value_name = "SHARE", default_value_t = 0.01)]
    longest_hole: f64,
    /// Least share of values in a segment
    #[arg(long, value_name = "SHARE", default_value_t = 0.9)]
    minimum_valid: f64,
    /// Level of confidence of the intervals
    #[arg(long, value_name = "LEVEL", default_value_t = 0.95)]
    confidence: f64,
    /// Another variable: cross-spectrum and coherence with the one of --vars
    #[arg(long, value_name = "VARIABLE")]
    with: Option<String>,
    /// Another cycle of the same passes, as 20, or +1 for the next one of each: cross-spectrum and coherence of both cycles
    #[arg(long, value_name = "CYCLE")]
    with_cycle: Option<OtherCycle>,
    /// Where the result goes: a file named .nc, .zarr, .parquet, .csv, .json or .png (a picture); without it a few densities are printed
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    wanted: WantedFlags,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Way {
    Along,
    Across,
    Both,
}

fn window(text: &str) -> Result<Window, String> {
    Window::parse(text).map_err(|error| error.reason)
}

fn detrend(text: &str) -> Result<Detrend, String> {
    Detrend::parse(text).map_err(|error| error.reason)
}

/// Computes spectra.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let selection = arguments.selection()?;
    let progress = context.progress.as_ref();
    let plans = arguments.wanted.plans(&selection, context)?;
    let options = arguments.options(context);
    let mut outcome = Outcome::Done;
    for plan in &plans {
        let spectrum = karin::spectrum::spectrum(plan, &options, context.resources, progress)?;
        let mut answer = Answer::new(plan, &spectrum);
        if let Some(path) = &arguments.output {
            let path = super::stat::numbered(path, plan, plans.len());
            spectrum.write(&path, context.resources, progress)?;
            answer.output = Some(path.display().to_string());
        }
        answer.seconds = started.elapsed().as_secs_f64();
        outcome = outcome.max(Outcome::of_left_out(answer.left_out));
        context.answer(&answer)?;
    }
    Ok(outcome)
}

impl Arguments {
    /// What is wanted: sea surface height anomaly where no variable is named, never values of the nadir altimeter.
    fn selection(&self) -> anyhow::Result<Selection> {
        let mut selection = self.wanted.without_layout()?;
        if selection.variables.is_empty() {
            selection.variables = match selection.lets.last() {
                Some((name, _)) => vec![name.clone()],
                None => vec!["ssha".to_owned()],
            };
        }
        if let Some(other) = &self.with
            && !selection.variables.contains(other)
        {
            selection.variables.push(other.clone());
        }
        if let Some(other) = self.with_cycle {
            selection.cycles = selection.cycles.map(|cycles| other.added_to(&cycles));
        }
        if selection.nadir == Nadir::Keep {
            selection.nadir = Nadir::Drop;
        }
        Ok(selection)
    }

    fn options(&self, context: &Context) -> SpectrumOptions {
        let mut options = SpectrumOptions::default();
        options.axis = match self.axis {
            Way::Along => Axis::Along,
            Way::Across => Axis::Across,
            Way::Both => Axis::Both,
        };
        options.segment_km = self.segment;
        options.segment_across_km = self.segment_across;
        options.overlap = self.overlap;
        options.window = self.window;
        options.detrend = self.detrend;
        options.longest_hole = self.longest_hole;
        options.minimum_valid = self.minimum_valid;
        options.confidence = self.confidence;
        options.with = self.with.clone();
        options.with_cycle = self.with_cycle;
        options.history = context.command.clone();
        options
    }
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Answer {
    plan: String,
    granules: usize,
    left_out: usize,
    segments: u64,
    degrees_of_freedom: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    rows: Vec<Row>,
    seconds: f64,
}

/// Densities at a wavelength.
#[derive(Debug, Serialize)]
struct Row {
    wavelength_km: f64,
    variable: String,
    density: f64,
    lower: f64,
    upper: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    coherence_squared: Option<f64>,
}

impl Answer {
    fn new(plan: &Plan, spectrum: &Spectrum) -> Self {
        Self {
            plan: plan.to_string(),
            granules: spectrum.granules,
            left_out: spectrum.failures.len(),
            segments: spectrum.segments,
            degrees_of_freedom: spectrum.degrees_of_freedom,
            output: None,
            rows: rows(spectrum),
            seconds: 0.0,
        }
    }
}

/// The densities nearest to round wavelengths; none in two dimensions.
fn rows(spectrum: &Spectrum) -> Vec<Row> {
    const WAVELENGTHS: [f64; 11] = [
        1000.0, 500.0, 200.0, 100.0, 70.0, 50.0, 30.0, 20.0, 15.0, 10.0, 5.0,
    ];
    if spectrum.axis == Axis::Both {
        return Vec::new();
    }
    let step = spectrum.wavenumbers.get(1).copied().unwrap_or(f64::NAN);
    let indices = WAVELENGTHS.iter().map(|length| (1.0 / length / step).round());
    let mut indices: Vec<usize> = indices
        .filter(|index| *index >= 1.0 && *index < spectrum.wavenumbers.len() as f64)
        .map(|index| index as usize)
        .collect();
    indices.dedup();
    let (low, high) = spectrum.confidence_factors;
    let row = |(index, curve): (usize, &karin::spectrum::Curve)| {
        let density = *curve.density.get(index)?;
        Some(Row {
            wavelength_km: 1.0 / spectrum.wavenumbers.get(index)?,
            variable: curve.name.clone(),
            density,
            lower: low * density,
            upper: high * density,
            coherence_squared: spectrum
                .coherence
                .as_ref()
                .and_then(|own| own.get(index))
                .copied(),
        })
    };
    let pairs = indices
        .into_iter()
        .flat_map(|index| spectrum.curves.iter().map(move |curve| (index, curve)));
    pairs.filter_map(row).collect()
}

impl Report for Answer {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let left_out = match self.left_out {
            0 => String::new(),
            count => format!(", {count} left out"),
        };
        let seconds = self.seconds;
        let (granules, segments) = (
            counted(self.granules, "granule"),
            counted(self.segments, "segment"),
        );
        match &self.output {
            Some(output) => writeln!(
                out,
                "{output}: {segments} of {granules}{left_out} in {seconds:.2} s"
            ),
            None => {
                let has_coherence = self.rows.iter().any(|row| row.coherence_squared.is_some());
                let header = [
                    "wavelength (km)",
                    "variable",
                    "density",
                    "lower",
                    "upper",
                    "coherence²",
                ];
                let mut table = Table::new(header.into_iter().take(if has_coherence { 6 } else { 5 }));
                for row in &self.rows {
                    let number = |value: f64| format!("{value:.4e}");
                    table.row(
                        [
                            format!("{:.1}", row.wavelength_km),
                            row.variable.clone(),
                            number(row.density),
                            number(row.lower),
                            number(row.upper),
                        ]
                        .into_iter()
                        .chain(row.coherence_squared.map(|value| format!("{value:.4}"))),
                    );
                }
                table.write(out)?;
                writeln!(out, "{segments} of {granules}{left_out} in {seconds:.2} s")
            }
        }
    }
}
