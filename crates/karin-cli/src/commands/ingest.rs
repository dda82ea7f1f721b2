//! `karin ingest GRANULES... COLLECTION`

use std::path::PathBuf;

use clap::Args;
use karin::ingest::{IngestOptions, IngestReport};
use karin::store::Profile;
use serde::Serialize;

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::store::SourceFlags;
use crate::table::Table;

/// Arguments of `karin ingest`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Granules and folders of granules, then the collection (a folder or s3://bucket/prefix), made if there is none
    #[arg(required = true, num_args = 2.., value_names = ["GRANULES", "COLLECTION"])]
    paths: Vec<PathBuf>,
    /// Codecs of a new collection: portable (core Zarr codecs) or compact (half the size; readers need pcodec)
    #[arg(long, value_name = "NAME", default_value = "portable", value_parser = ["portable", "compact"])]
    profile: String,
    /// Leave the values in the files and refer to their chunks: nothing is copied, and the files have to stay
    #[arg(long = "virtual")]
    is_virtual: bool,
    /// Check everything, write nothing
    #[arg(long)]
    dry_run: bool,
    /// Let a granule take the place of one of the same version but other content
    #[arg(long)]
    replace: bool,
    #[command(flatten)]
    store: SourceFlags,
}

/// Ingests, and says what became of every granule.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let Some((collection, inputs)) = arguments.paths.split_last() else {
        anyhow::bail!("karin ingest GRANULES... COLLECTION");
    };
    let options = IngestOptions {
        store: arguments.store.options(),
        profile: Profile::parse(&arguments.profile).unwrap_or_default(),
        replace: arguments.replace,
        is_virtual: arguments.is_virtual,
        dry_run: arguments.dry_run,
        resources: context.resources,
        provider: arguments.store.provider(),
    };
    let location = collection.to_string_lossy();
    let report = karin::ingest::ingest(inputs, &location, &options, &*context.progress)?;
    if location.starts_with("memory://") {
        context.warn(&format!(
            "{location} lived in the memory of this command: it is gone"
        ));
    }
    let partial = report.count("refused") > 0;
    context.answer(&Answer {
        collection: location.into_owned(),
        dry_run: arguments.dry_run,
        report,
    })?;
    Ok(if partial { Outcome::Partial } else { Outcome::Done })
}

#[derive(Serialize)]
struct Answer {
    collection: String,
    dry_run: bool,
    #[serde(flatten)]
    report: IngestReport,
}

/// Every outcome, in the order in which it is told.
const OUTCOMES: [&str; 7] = [
    "added",
    "replaced",
    "merged",
    "already there",
    "older",
    "whole there",
    "refused",
];

/// Refused granules that are listed by name; the JSON has all.
const LISTED: usize = 20;

impl Report for Answer {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let report = &self.report;
        let counts: Vec<String> = (OUTCOMES.iter())
            .map(|outcome| (report.count(outcome), outcome))
            .filter(|(count, _)| *count > 0)
            .map(|(count, outcome)| format!("{count} {outcome}"))
            .collect();
        let counts = if counts.is_empty() {
            "no granules found".to_owned()
        } else {
            counts.join(", ")
        };
        let what = if self.dry_run {
            " (dry run: nothing written)"
        } else {
            ""
        };
        let megabytes = report.bytes as f64 / 1e6;
        writeln!(
            out,
            "{}: {counts}{what}, {megabytes:.1} MB in {:.2} s",
            self.collection, report.seconds
        )?;
        let mut table = Table::new(["refused", "why"]);
        let refused: Vec<_> = report
            .granules
            .iter()
            .filter(|granule| granule.outcome == "refused")
            .collect();
        for granule in refused.iter().take(LISTED) {
            let name = granule
                .file
                .file_name()
                .unwrap_or(granule.file.as_os_str())
                .to_string_lossy();
            table.row([name.as_ref(), granule.reason.as_deref().unwrap_or("")]);
        }
        if !refused.is_empty() {
            table.write(out)?;
        }
        if refused.len() > LISTED {
            writeln!(out, "… and {} more: see --json", refused.len() - LISTED)?;
        }
        Ok(())
    }
}
