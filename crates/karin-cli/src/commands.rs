//! The commands, one file each: arguments, a call into the library, an answer.

mod auth;
mod catalog;
mod completions;
mod copernicus;
mod demo;
mod describe;
mod diag;
mod edit;
mod extract;
mod features;
mod find;
mod gc;
mod get;
mod history;
mod info;
mod ingest;
mod login;
mod ls;
mod man;
mod merge;
mod passes;
mod plot;
mod simulate;
mod spectrum;
mod stat;
mod sync;
mod verify;
mod view;

use clap::Subcommand;

use crate::context::Context;
use crate::exit::Outcome;

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write granules with the structure, geometry and times of real ones, of an imagined sea
    Simulate(simulate::Arguments),
    /// List the granules that a provider has of a product, by cycle, pass, time and place
    Find(find::Arguments),
    /// Tell what a dataset of Copernicus Marine holds: variables, axes, versions, files and stores
    Describe(describe::Arguments),
    /// Fetch granules from a provider into a folder; those that are there and whole are left alone
    Get(get::Arguments),
    /// Bring a collection up with a provider: find, fetch what is missing or newer, ingest
    Sync(sync::Arguments),
    /// Keep an index of what is on disk, in collections and at providers, and tell what is missing
    Catalog(catalog::Arguments),
    /// Store an account of a provider
    Login(login::Arguments),
    /// Tell which accounts are used
    Auth(auth::Arguments),
    /// Put granules into a collection; those that are there already are skipped
    Ingest(ingest::Arguments),
    /// List what is in a collection
    Ls(ls::Arguments),
    /// Tell what a granule, a file or a folder is: identity, times, area, variables, flags, damage
    Info(info::Arguments),
    /// List the passes that see a place, past and future
    Passes(passes::Arguments),
    /// Compute statistics over cycles, by key or on a grid
    Stat(stat::Arguments),
    /// Join the states that karin stat --shard has left, one per part of the work, to the result of the whole
    Merge(merge::Arguments),
    /// Derive currents, vorticity, strain and the like from sea level
    Diag(diag::Arguments),
    /// Compute power spectra along or across the flight, or both; coherence of two variables
    Spectrum(spectrum::Arguments),
    /// Reject outliers by a chain of named rules, and tell which rule rejected each pixel
    Edit(edit::Arguments),
    /// Find eddies by closed contours of height or by the Okubo-Weiss parameter, with outline, radius, amplitude and sense
    Eddies(features::eddies::Arguments),
    /// Find fronts: lines along which a variable changes most
    Fronts(features::fronts::Arguments),
    /// Write what is selected of granules or collections: .nc, .zarr, .parquet, .csv or a folder
    Extract(extract::Arguments),
    /// Draw a map of a selection, a grid or a result
    Plot(plot::Arguments),
    /// Fly over swaths in a browser: maps, cycles, profiles, series; runs until Ctrl-C
    View(view::Arguments),
    /// Check every object of a collection against the hash recorded at its commit
    Verify(verify::Arguments),
    /// List the snapshots of a collection
    History(history::Arguments),
    /// Expire old snapshots of a collection and delete what nothing needs
    Gc(gc::Arguments),
    /// Simulate, ingest, list, reduce, extract and plot, with the commands that do it
    Demo(demo::Arguments),
    /// Print the completion script of a shell
    Completions(completions::Arguments),
    /// Write the manual pages
    Man(man::Arguments),
}

/// Runs a command.
///
/// # Errors
/// What the command could not do, with causes.
pub fn run(command: Command, context: &Context) -> anyhow::Result<Outcome> {
    match command {
        Command::Simulate(arguments) => simulate::run(&arguments, context),
        Command::Find(arguments) => find::run(&arguments, context),
        Command::Describe(arguments) => describe::run(&arguments, context),
        Command::Get(arguments) => get::run(&arguments, context),
        Command::Sync(arguments) => sync::run(&arguments, context),
        Command::Catalog(arguments) => catalog::run(&arguments, context),
        Command::Login(arguments) => login::run(&arguments, context),
        Command::Auth(arguments) => auth::run(&arguments, context),
        Command::Ingest(arguments) => ingest::run(&arguments, context),
        Command::Ls(arguments) => ls::run(&arguments, context),
        Command::Info(arguments) => info::run(&arguments, context),
        Command::Passes(arguments) => passes::run(&arguments, context),
        Command::Stat(arguments) => stat::run(&arguments, context),
        Command::Diag(arguments) => diag::run(&arguments, context),
        Command::Spectrum(arguments) => spectrum::run(&arguments, context),
        Command::Edit(arguments) => edit::run(&arguments, context),
        Command::Eddies(arguments) => features::eddies::run(&arguments, context),
        Command::Fronts(arguments) => features::fronts::run(&arguments, context),
        Command::Extract(arguments) => extract::run(&arguments, context),
        Command::Plot(arguments) => plot::run(&arguments, context),
        Command::View(arguments) => view::run(&arguments, context),
        Command::Merge(arguments) => merge::run(&arguments, context),
        Command::Verify(arguments) => verify::run(&arguments, context),
        Command::History(arguments) => history::run(&arguments, context),
        Command::Gc(arguments) => gc::run(&arguments, context),
        Command::Demo(arguments) => demo::run(&arguments, context),
        Command::Completions(arguments) => completions::run(&arguments),
        Command::Man(arguments) => man::run(&arguments, context),
    }
}
