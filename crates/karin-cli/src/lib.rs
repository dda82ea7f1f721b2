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
mod provider;
mod selection;
mod size;
mod store;
mod table;
mod wanted;

use std::ffi::OsString;

use clap::Parser as _;

/// Runs the command that `arguments` say, the name of the program first, and gives its exit code: 0 done, 1 failed,
/// 2 wrong usage, 3 done in part, 4 damage found, 130 stopped by Ctrl-C.
///
/// It prints on stdout and stderr, and takes over Ctrl-C for the rest of the process.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match cli::Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // The text of --help and --version comes as an error too; a closed pipe is none of ours.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    let context = context::Context::new(&cli.global, command_of(&arguments));
    exit::code_of(&context, commands::run(cli.command, &context))
}

/// The command as users type it, for the history of what it writes.
fn command_of(arguments: &[OsString]) -> String {
    let rest = arguments.iter().skip(1).map(|word| word.to_string_lossy());
    let words: Vec<_> = std::iter::once("karin".into()).chain(rest).collect();
    words.join(" ")
}
