//! `karin demo [DIR]`: the main job on its embedded default, as the commands that anyone could type.

use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, Parser as _};

use crate::cli::Cli;
use crate::context::Context;
use crate::exit::Outcome;

mod access;
mod server;

/// Arguments of `karin demo`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Folder for granules, collection and results
    #[arg(default_value = "karin-demo")]
    folder: PathBuf,
    /// Rehearse getting data instead: find, get, an interruption, resume, sync, against a server on this machine
    #[arg(long)]
    access: bool,
}

/// The steps: what each is for, and its command, in which `{}` is the folder.
const STEPS: [(&str, &str); 7] = [
    (
        "Three one-day cycles of L2 Basic granules, as AVISO and PO.DAAC deliver them, of an imagined sea",
        "karin simulate --product L2_LR_SSH_Basic --phase calval --cycles 475-477 --passes 1-28 {}/granules",
    ),
    (
        "All of them in one versioned collection",
        "karin ingest {}/granules {}/collection",
    ),
    ("What is in it", "karin ls {}/collection"),
    (
        "The mean over the cycles, for every pixel of every pass, of all variables",
        "karin stat {}/collection --over cycle --stats mean -o {}/mean.nc",
    ),
    (
        "The calibrated sea level in numbers, cycle by cycle",
        "karin stat {}/collection --vars ssha --quality good --by cycle \
         --stats count,mean,std,min,median,max",
    ),
    (
        "The western Mediterranean, cropped pixel by pixel",
        "karin extract {}/collection --bbox -6,34,16,45 --quality good -o {}/mediterranean.nc",
    ),
    (
        "A map of the first cycle",
        "karin plot {}/collection --vars ssha --cycles 475 --quality good \
         -o {}/map.png",
    ),
];

/// Runs the steps one after another and says how long each took.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    if arguments.access {
        return access::run(&arguments.folder, context);
    }
    let started = Instant::now();
    let folder = arguments.folder.to_string_lossy();
    for (index, (purpose, command)) in STEPS.iter().enumerate() {
        let words: Vec<String> = command
            .split_whitespace()
            .map(|word| word.replace("{}", &folder))
            .collect();
        context.note(&format!("\n{}. {purpose}\n   $ {}", index + 1, shown(&words)));
        let step = Instant::now();
        let outcome = super::run(Cli::try_parse_from(&words)?.command, context)?;
        context.note(&format!("   {:.2} s", step.elapsed().as_secs_f64()));
        if outcome != Outcome::Done {
            return Ok(outcome);
        }
    }
    context.note(&format!(
        "\nAll in {:.1} s. Look at {folder}/map.png; open {folder}/mean.nc with xarray; or try\n   \
         $ karin passes --point 5.4,43.3\n   $ karin verify {folder}/collection",
        started.elapsed().as_secs_f64()
    ));
    Ok(Outcome::Done)
}

/// The command as one would type it in a shell.
fn shown(words: &[String]) -> String {
    let is_plain = |word: &String| !word.contains([' ', '*', '(', ')', '<', '>', '&', '\'']);
    let quoted = words.iter().map(|word| {
        if is_plain(word) {
            word.clone()
        } else {
            format!("'{word}'")
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_a_command_that_karin_understands() {
        for (_, command) in STEPS {
            assert!(
                Cli::try_parse_from(command.split_whitespace()).is_ok(),
                "{command}"
            );
        }
    }
}
