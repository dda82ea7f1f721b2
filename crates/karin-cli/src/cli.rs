//! The command line as a whole: options that every command takes, and the commands.

use clap::{Args, Parser, ValueEnum};

use crate::commands::Command;

/// Fast access to SWOT (KaRIn) satellite data: granules in, one mission cube, answers out.
#[derive(Debug, Parser)]
#[command(name = "karin", version, max_term_width = 110)]
pub struct Cli {
    #[command(flatten)]
    pub global: GlobalOptions,
    #[command(subcommand)]
    pub command: Command,
}

/// Options that mean the same for every command.
#[derive(Clone, Debug, Args)]
pub struct GlobalOptions {
    /// Print machine-readable JSON on stdout instead of text
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
    /// Print no progress and no notes, only results and errors
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// Worker threads [default: all cores]
    #[arg(long, short, global = true, value_name = "N", help_heading = "Global options",
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Memory that buffers may take, as 512MiB or 2GB
    #[arg(long, global = true, value_name = "SIZE", default_value = "1GiB", help_heading = "Global options",
          value_parser = crate::parse::memory)]
    pub memory: u64,
    /// Colour in messages
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Global options"
    )]
    pub color: Color,
}

/// When to colour messages. `NO_COLOR` is honoured by `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
