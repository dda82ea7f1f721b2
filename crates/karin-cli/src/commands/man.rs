//! `karin man [DIR]`

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, CommandFactory as _};

use crate::cli::Cli;
use crate::context::{Context, print};
use crate::exit::Outcome;

/// Arguments of `karin man`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Folder for one page per command; without it the main page goes to stdout
    folder: Option<PathBuf>,
}

/// Writes the manual pages.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    match &arguments.folder {
        None => print(|mut out| clap_mangen::Man::new(Cli::command()).render(&mut out))?,
        Some(folder) => {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
            clap_mangen::generate_to(Cli::command(), folder)
                .with_context(|| format!("cannot write to {}", folder.display()))?;
            context.note(&format!("manual pages written to {}", folder.display()));
        }
    }
    Ok(Outcome::Done)
}
