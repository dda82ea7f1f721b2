//! `karin demo --access`: getting data, rehearsed without a network: a server on this machine stands for AVISO's.

use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use clap::Parser as _;

use super::server::Rehearsal;
use super::shown;
use crate::cli::Cli;
use crate::context::Context;
use crate::exit::Outcome;

/// A step: what it is for, its command, and how it ends. `{}` is the folder, `{S}` the setting that names the server.
type Step = (&'static str, &'static str, Outcome);

/// What comes before the server runs.
const BEFORE: Step = (
    "Eight granules, for a server that stands for AVISO's",
    "karin simulate --product L2_LR_SSH_Basic --phase calval --cycles 475-476 --passes 1-4 \
     --vars ssha_karin_2_qual {}/server/dataset-l2-swot-karin-lr-ssh-validated",
    Outcome::Done,
);

/// Waits of a rehearsal are short.
const IMPATIENT: &str = "--set transfers.attempts=2 --set transfers.first_wait=0.1";

const STEPS: [Step; 7] = [
    (
        "What is there? A place and a time become cycles and passes before the server is asked",
        "karin find aviso:L2_LR_SSH_Basic --time 2023-03-29..2023-03-31 {S}",
        Outcome::Done,
    ),
    (
        "What would be fetched, and how much is it?",
        "karin get aviso:L2_LR_SSH_Basic -o {}/granules --dry-run {S}",
        Outcome::Done,
    ),
    (
        "Fetched; but the net breaks in the middle. What came stays, and what is missing is told (exit code 3)",
        "karin get aviso:L2_LR_SSH_Basic -o {}/granules {S} {I}",
        Outcome::Partial,
    ),
    (
        "The net is back: the same command goes on where it stopped",
        "karin get aviso:L2_LR_SSH_Basic -o {}/granules {S} {I}",
        Outcome::Done,
    ),
    (
        "Once more: nothing moves",
        "karin get aviso:L2_LR_SSH_Basic -o {}/granules {S}",
        Outcome::Done,
    ),
    (
        "Or straight into a collection; the files go once the collection has them",
        "karin sync aviso:L2_LR_SSH_Basic {}/collection {S}",
        Outcome::Done,
    ),
    (
        "And again, as a cron job would",
        "karin sync aviso:L2_LR_SSH_Basic {}/collection {S}",
        Outcome::Done,
    ),
];

/// The step in which the net breaks.
const BREAKS: usize = 2;

/// Runs the steps one after another.
pub(super) fn run(folder: &Path, context: &Context) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let folder = &folder.join("access");
    clear(folder)?;
    let place = folder.to_string_lossy().into_owned();
    step(1, &BEFORE, &place, "", context)?;
    let served = folder.join("server");
    let server = Rehearsal::start(&served).context("starting a server on this machine")?;
    let setting = format!(
        "--set aviso.catalog={} --set catalog.fresh=0",
        server.catalogues()
    );
    context.note(&format!(
        "\n   A server on this machine stands for AVISO's from here on: {} (without it, leave --set out)",
        server.catalogues()
    ));
    for (index, one) in STEPS.iter().enumerate() {
        match index == BREAKS {
            true => server.cut_after(bytes_of(&served) / 2),
            false => server.mend(),
        }
        step(index + 2, one, &place, &setting, context)?;
    }
    context.note(&format!(
        "\nAll in {:.1} s. With an account (karin login aviso) and without --set, the same commands ask AVISO.",
        started.elapsed().as_secs_f64()
    ));
    Ok(Outcome::Done)
}

fn step(
    number: usize,
    (purpose, command, end): &Step,
    folder: &str,
    setting: &str,
    context: &Context,
) -> anyhow::Result<()> {
    let words: Vec<String> = command
        .replace("{S}", setting)
        .replace("{I}", IMPATIENT)
        .split_whitespace()
        .map(|word| word.replace("{}", folder))
        .collect();
    context.note(&format!("\n{number}. {purpose}\n   $ {}", shown(&words)));
    let outcome = super::super::run(Cli::try_parse_from(&words)?.command, context)?;
    match outcome == *end {
        true => Ok(()),
        false => {
            anyhow::bail!("the step ended otherwise than a rehearsal should ({outcome:?} instead of {end:?})")
        }
    }
}

/// The file that says that a folder was made by a rehearsal.
const MARK: &str = ".karin-rehearsal";

/// A rehearsal begins at the beginning: it removes what an earlier one has left, and nothing else.
fn clear(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        if !folder.join(MARK).is_file() {
            let reason = format!(
                "{} is there and was not made by a rehearsal: name another folder",
                folder.display()
            );
            return Err(karin::Error::option("FOLDER", reason).into());
        }
        std::fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    std::fs::write(folder.join(MARK), "").with_context(|| format!("writing into {}", folder.display()))
}

/// Bytes of the files of a folder.
fn bytes_of(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => bytes_of(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_a_command_that_karin_understands() {
        for (_, command, _) in STEPS.iter().chain([&BEFORE]) {
            let command = command
                .replace("{S}", "--set aviso.catalog=http://127.0.0.1:1/")
                .replace("{I}", IMPATIENT);
            assert!(
                Cli::try_parse_from(command.split_whitespace()).is_ok(),
                "{command}"
            );
        }
    }
}
