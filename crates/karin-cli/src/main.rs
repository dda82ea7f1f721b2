//! The `karin` command: translates flags into calls of the library and its answers into text, and nothing else.
//!
//! ```text
//!   main ── cli (all flags) ── commands/NAME (one file per command) ── karin (the library)
//!             │                    │
//!         global options       context: progress, tables or JSON, exit codes
//! ```

#![forbid(unsafe_code)]

mod cli;
mod commands;
mod context;
mod exit;
mod parse;
mod progress;
mod selection;
mod size;
mod store;
mod table;

use clap::Parser as _;

fn main() -> std::process::ExitCode {
    let cli = cli::Cli::parse();
    let context = context::Context::new(&cli.global);
    exit::code_of(&context, commands::run(cli.command, &context))
}
