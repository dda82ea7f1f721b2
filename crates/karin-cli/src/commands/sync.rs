//! `karin sync PRODUCT COLLECTION`

use std::path::PathBuf;

use clap::Args;
use karin::ingest::IngestOptions;
use karin::store::Profile;
use karin::sync::{SyncOptions, SyncReport};

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::provider::WantedFlags;
use crate::size;
use crate::store::StoreFlags;
use crate::table::Table;

/// Arguments of `karin sync`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    wanted: WantedFlags,
    /// The collection (a folder or s3://bucket/prefix), made if there is none
    #[arg(value_name = "COLLECTION")]
    collection: String,
    /// Keep the netCDF files in this folder; without it they go once the collection has them
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Keep only the lines that touch the box or polygon: granules become partial, whole ones stay whole
    #[arg(long)]
    crop: bool,
    /// Say what is missing, fetch nothing
    #[arg(long)]
    dry_run: bool,
    /// Fetch again, and let take its place, what has the same version but another size at the provider
    #[arg(long)]
    replace: bool,
    /// Bytes per second for all transfers together, as 5MB
    #[arg(long, value_name = "SIZE", value_parser = crate::parse::size)]
    rate: Option<u64>,
    /// Codecs of a new collection: portable (core Zarr codecs) or compact (half the size; readers need pcodec)
    #[arg(long, value_name = "NAME", default_value = "portable", value_parser = ["portable", "compact"])]
    profile: String,
    #[command(flatten)]
    store: StoreFlags,
}

/// Brings a collection up with a provider.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let (selection, provider) = arguments.wanted.open()?;
    let options = SyncOptions {
        ingest: IngestOptions {
            store: arguments.store.options(),
            profile: Profile::parse(&arguments.profile).unwrap_or_default(),
            replace: arguments.replace,
            dry_run: arguments.dry_run,
            resources: context.resources,
            ..IngestOptions::default()
        },
        keep: arguments.keep.clone(),
        crop: arguments.crop,
        rate: arguments.rate,
    };
    let progress = context.progress.as_ref();
    let report = karin::sync::sync(&provider, &selection, &arguments.collection, &options, progress)?;
    let is_partial = report.is_partial();
    context.answer(&report)?;
    Ok(if is_partial {
        Outcome::Partial
    } else {
        Outcome::Done
    })
}

impl Report for SyncReport {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let Self {
            collection,
            from,
            found,
            there,
            fetched,
            stored,
            seconds,
            ..
        } = self;
        let bytes = size::bytes(self.bytes);
        if !self.missing.is_empty() {
            let missing = self.missing.len();
            return writeln!(
                out,
                "{collection}: {found} granules at {from}, {there} there, {missing} to fetch ({bytes}; dry run: nothing fetched)"
            );
        }
        let mut line = format!(
            "{collection}: {found} granules at {from}, {there} there, {fetched} fetched ({bytes}), {stored} stored"
        );
        let counts = [
            (self.outside, "outside"),
            (self.failed.len(), "failed"),
            (self.refused.len(), "refused"),
            (self.left_out.len(), "folders left out"),
        ];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            line = format!("{line}, {count} {what}");
        }
        writeln!(out, "{line}; {seconds:.1} s")?;
        let mut table = Table::new(["not in the collection", "why"]);
        for granule in &self.failed {
            table.row([granule.file.as_str(), granule.reason.as_deref().unwrap_or("")]);
        }
        for granule in &self.refused {
            let name = granule.file.file_name().unwrap_or_default().to_string_lossy();
            table.row([name.as_ref(), granule.reason.as_deref().unwrap_or("")]);
        }
        for left_out in &self.left_out {
            table.row([left_out.place.as_str(), left_out.reason.as_str()]);
        }
        if self.is_partial() {
            table.write(out)
        } else {
            Ok(())
        }
    }
}
