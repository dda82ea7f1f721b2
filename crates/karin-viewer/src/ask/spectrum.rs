//! Spectra along the flight.

use karin::spectrum::{SpectrumOptions, spectrum as compute};
use karin_core::Nadir;
use serde_json::{Value, json};

use super::common::{num, nums, plan, selection};
use super::reproduce::cli;
use crate::http::params::{Kind, Parameter};
use crate::http::problem::Problem;
use crate::http::{Ask, Reply};

/// Length of segments.
pub const SEGMENT: Parameter = Parameter::new(
    "segment_km",
    Kind::Number,
    "length of a segment in kilometres [512]",
);

/// `spectrum`.
pub fn spectrum(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let view = ask.viewer.view(&ask.params)?;
    let group = ask.viewer.archive().group(&view.group)?;
    if view.is_flag() {
        return Err(Problem::invalid("var: flags have no spectrum"));
    }
    let segment = ask.params.number("segment_km").unwrap_or(512.0);
    if !(8.0..=10_000.0).contains(&segment) {
        return Err(Problem::invalid("segment_km: expected 8 to 10000"));
    }
    let mut selection = selection(group, &ask.params, &[&view.name])?;
    // Values of the nadir altimeter have no place in a spectrum.
    selection.nadir = Nadir::Drop;
    let plan = plan(ask, group, &selection)?;
    let mut options = SpectrumOptions::default();
    options.segment_km = Some(segment);
    let found = compute(&plan, &options, ask.viewer.archive().resources(), ask.progress())?;
    let curve = found
        .curves
        .first()
        .ok_or_else(|| Problem::missing("there is no spectrum"))?;
    // Wavenumber 0 is the mean, which was taken off.
    let rows = || {
        found
            .wavenumbers
            .iter()
            .copied()
            .zip(curve.density.iter().copied())
            .filter(|(wavenumber, _)| *wavenumber > 0.0)
    };
    let (low, high) = found.confidence_factors;
    let column = |of: &dyn Fn((f64, f64)) -> f64| nums(rows().map(of));
    Ok(Reply::Json(json!({
        "var": view.name,
        "units": curve_units(&curve.units),
        "segments": found.segments,
        "degrees_of_freedom": num(found.degrees_of_freedom),
        "confidence": found.confidence,
        "segment_km": segment,
        "window": "hann",
        "detrend": "linear",
        "wavenumber": column(&|row| row.0),
        "wavelength_km": column(&|row| 1.0 / row.0),
        "density": column(&|row| row.1),
        "low": column(&|row| row.1 * low),
        "high": column(&|row| row.1 * high),
        "granules": found.granules,
        "left_out": found.failures.len(),
        "command": cli(ask, "spectrum", plan.selection(), &format!("--segment {segment}km")),
    })))
}

/// Of a density, from those of the variable.
fn curve_units(units: &str) -> Value {
    match units {
        "" | "1" => "1 / cpkm".into(),
        units => format!("({units})2 / cpkm").into(),
    }
}
