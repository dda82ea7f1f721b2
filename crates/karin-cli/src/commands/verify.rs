//! `karin verify COLLECTION`

use std::io::Write;

use clap::Args;
use karin::sources::with_servers;
use karin::store::{VerifyReport, verify};
use karin_core::counted;
use serde::Serialize;

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::store::SourceFlags;

/// Chunks named per object; the rest is counted.
const NAMED: usize = 5;

/// Arguments of `karin verify`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The collection
    collection: String,
    /// Read every chunk of virtual granules in their files too, not only whether these are there as they were
    #[arg(long)]
    deep: bool,
    #[command(flatten)]
    store: SourceFlags,
}

/// The report under the name that the user gave.
#[derive(Serialize)]
struct Verified<'a> {
    collection: &'a str,
    clean: bool,
    #[serde(flatten)]
    report: &'a VerifyReport,
}

/// Reads every object of every kept snapshot and compares it with the hash recorded at its commit.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let progress = context.progress.as_ref();
    let options = arguments.store.reading(None).store;
    let options = with_servers(&options, &arguments.store.provider(), &[], progress);
    let report = verify(
        &arguments.collection,
        &options,
        arguments.deep,
        &context.resources,
        progress,
    )?;
    let clean = report.is_clean();
    context.answer(&Verified {
        collection: &arguments.collection,
        clean,
        report: &report,
    })?;
    Ok(if clean { Outcome::Done } else { Outcome::Damaged })
}

impl Report for Verified<'_> {
    fn write_text(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let report = self.report;
        for fault in &report.faults {
            writeln!(out, "{}: {}", fault.object, fault.reason)?;
            for chunk in fault.chunks.iter().take(NAMED) {
                writeln!(out, "    {}", chunk.name())?;
            }
            if let Some(more) = fault.chunks.len().checked_sub(NAMED).filter(|more| *more > 0) {
                writeln!(out, "    and {more} more chunks of granules")?;
            }
        }
        for object in &report.unrecorded {
            writeln!(out, "{object}: written by another tool, no hash recorded")?;
        }
        let files = match report.virtual_granules {
            0 => String::new(),
            granules => format!(", the files of {}", counted(granules as usize, "virtual granule")),
        };
        writeln!(
            out,
            "{}: {} snapshots, {} objects, {:.1} MB{files}: {}",
            self.collection,
            report.snapshots,
            report.objects,
            report.bytes as f64 / 1e6,
            match (report.faults.len(), report.unrecorded.len()) {
                (0, 0) => "all as committed".to_owned(),
                (0, unrecorded) => format!("no damage seen, {unrecorded} without hash"),
                (faults, _) if report.virtual_granules > 0 => format!("{faults} damaged, changed or missing"),
                (faults, _) => format!("{faults} damaged or missing"),
            }
        )
    }
}
