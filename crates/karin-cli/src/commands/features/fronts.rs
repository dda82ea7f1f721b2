//! Arguments of `karin fronts`.

use clap::Args;
use karin::features::{FrontSearch, Search, Steepness};

use crate::context::Context;
use crate::exit::Outcome;

/// Arguments of `karin fronts`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Gradient that a front has somewhere: the share of pixels below it, or units of the variable per kilometre
    #[arg(long, value_name = "GRADIENT", default_value = "90%", value_parser = steepness)]
    strong: Steepness,
    /// Gradient that a front has everywhere
    #[arg(long, value_name = "GRADIENT", default_value = "75%", value_parser = steepness)]
    weak: Steepness,
    /// Least length, as 20km
    #[arg(long, value_name = "LENGTH", default_value = "20km", value_parser = crate::parse::kilometres)]
    min_length: f64,
    #[command(flatten)]
    common: super::Common,
}

/// A gradient from `90%` or `0.004`.
fn steepness(text: &str) -> Result<Steepness, String> {
    Steepness::parse(text).map_err(|error| error.reason)
}

/// Finds fronts.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let mut search = FrontSearch::default();
    search.bounds.strong = arguments.strong;
    search.bounds.weak = arguments.weak;
    search.bounds.minimum_length = arguments.min_length * 1e3;
    arguments.common.run(&Search::Fronts(search), context)
}
