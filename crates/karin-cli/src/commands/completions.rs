//! `karin completions SHELL`

use clap::{Args, CommandFactory as _};

use crate::cli::Cli;
use crate::context::print;
use crate::exit::Outcome;

/// Arguments of `karin completions`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// bash, zsh, fish, elvish or powershell
    shell: clap_complete::Shell,
}

/// Prints the script on stdout.
pub fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    // Not straight to stdout: there the generator panics once nobody reads on.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "karin", &mut script);
    print(|out| out.write_all(&script))?;
    Ok(Outcome::Done)
}
