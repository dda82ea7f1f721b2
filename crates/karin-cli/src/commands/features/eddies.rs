//! Arguments of `karin eddies`.

use clap::{Args, ValueEnum};
use karin::features::{EddyMethod, EddySearch, OkuboWeissOptions, Search};

use crate::context::Context;
use crate::exit::Outcome;

/// Arguments of `karin eddies`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// How: closed contours of height, or regions of the Okubo-Weiss parameter
    #[arg(long, value_name = "HOW", default_value = "contours")]
    by: By,
    /// Height between contours in metres
    #[arg(long, value_name = "METRES", default_value_t = 0.002)]
    step: f64,
    /// Least amplitude in metres; lower bumps are no peaks of their own
    #[arg(long, value_name = "METRES", default_value_t = 0.01)]
    min_amplitude: f64,
    /// Least number of pixels
    #[arg(long, value_name = "NUMBER", default_value_t = 8)]
    min_pixels: usize,
    /// Least radius, as 5km
    #[arg(long, value_name = "LENGTH", default_value = "5km", value_parser = crate::parse::kilometres)]
    min_radius: f64,
    /// Largest radius, as 100km
    #[arg(long, value_name = "LENGTH", default_value = "100km", value_parser = crate::parse::kilometres)]
    max_radius: f64,
    /// Largest area between outline and fitted circle, as a share of the circle
    #[arg(long, value_name = "SHARE", default_value_t = 0.55)]
    shape_error: f64,
    /// Largest share of the outline along an edge of the swath or a gap; 0: only closed contours
    #[arg(long, value_name = "SHARE", default_value_t = 0.5)]
    edge_fraction: f64,
    /// Okubo-Weiss below minus so many standard deviations
    #[arg(long, value_name = "NUMBER", default_value_t = 0.2)]
    threshold: f64,
    /// Join both sides of the swath by straight lines across the nadir gap first
    #[arg(long)]
    fill_nadir: bool,
    #[command(flatten)]
    common: super::Common,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    Contours,
    OkuboWeiss,
}

/// Finds eddies.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let mut search = EddySearch::default();
    let bounds = &mut search.bounds;
    bounds.step = arguments.step;
    bounds.minimum_amplitude = arguments.min_amplitude;
    bounds.minimum_pixels = arguments.min_pixels;
    bounds.minimum_radius = arguments.min_radius * 1e3;
    bounds.maximum_radius = arguments.max_radius * 1e3;
    bounds.shape_error = arguments.shape_error;
    bounds.edge_fraction = arguments.edge_fraction;
    search.fill_nadir = arguments.fill_nadir;
    if matches!(arguments.by, By::OkuboWeiss) {
        let mut regions = OkuboWeissOptions::default();
        regions.threshold = arguments.threshold;
        search.method = EddyMethod::OkuboWeiss(regions);
    }
    arguments.common.run(&Search::Eddies(search), context)
}
