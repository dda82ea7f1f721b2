//! `karin get PRODUCT -o FOLDER`

use std::path::PathBuf;

use clap::Args;
use karin::access::{GetOptions, GetReport, GetResult, LeftOut};
use serde::Serialize;

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::provider::WantedFlags;
use crate::size;
use crate::table::Table;

/// Arguments of `karin get`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    wanted: WantedFlags,
    /// Folder for the files, made if there is none; or a file (.nc, .zarr) for a part of a grid of cmems:DATASET
    #[arg(long, short, value_name = "FOLDER")]
    output: PathBuf,
    /// Variables of a grid of cmems:DATASET, as sla,adt [default: all]
    #[arg(long, value_name = "LIST")]
    vars: Vec<String>,
    /// Say what would be fetched, fetch nothing
    #[arg(long)]
    dry_run: bool,
    /// Bytes per second for all transfers together, as 5MB
    #[arg(long, value_name = "SIZE", value_parser = crate::parse::size)]
    rate: Option<u64>,
    /// Level, 1 to 9, at which a part of a grid is deflated in its netCDF file; 0 keeps values as they are [default: 1]
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(0..=9))]
    deflate: Option<u8>,
}

#[derive(Serialize)]
struct Answer {
    from: String,
    dry_run: bool,
    #[serde(flatten)]
    report: GetReport,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<LeftOut>,
}

/// Fetches what is not there yet.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let options = GetOptions {
        dry_run: arguments.dry_run,
        rate: arguments.rate,
    };
    if let Some(dataset) = arguments.wanted.copernicus() {
        let (wanted, output) = (&arguments.wanted, &arguments.output);
        return super::copernicus::get(
            dataset,
            wanted,
            &arguments.vars,
            output,
            &options,
            arguments.deflate,
            context,
        );
    }
    if arguments.deflate.is_some() {
        let reason = "granules stay as they are published; parts of grids of cmems:DATASET are deflated";
        return Err(karin::Error::option("--deflate", reason).into());
    }
    if !arguments.vars.is_empty() {
        let reason = "granules are fetched whole: take variables out of them with karin extract";
        return Err(karin::Error::option("--vars", reason).into());
    }
    let (selection, provider) = arguments.wanted.open()?;
    let progress = context.progress.as_ref();
    let found = provider.find(&selection, progress)?;
    let report = provider.get(&found.granules, &arguments.output, &options, progress)?;
    answer(
        provider.place().to_string(),
        arguments.dry_run,
        report,
        found.left_out,
        context,
    )
}

/// Tells what was fetched.
pub(super) fn answer(
    from: String,
    dry_run: bool,
    report: GetReport,
    left_out: Vec<LeftOut>,
    context: &Context,
) -> anyhow::Result<Outcome> {
    let missing = report.count("failed") + left_out.len();
    for left_out in &left_out {
        context.warn(&format!("{} is left out: {}", left_out.place, left_out.reason));
    }
    context.answer(&Answer {
        from,
        dry_run,
        report,
        left_out,
    })?;
    Ok(Outcome::of_left_out(missing))
}

/// Granules of a kind that are listed by name; the JSON has all.
const LISTED: usize = 20;

impl Report for Answer {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let report = &self.report;
        let folder = report.folder.display();
        let (there, bytes) = (report.count("there"), size::bytes(report.bytes));
        if self.dry_run {
            let missing = report.count("missing");
            writeln!(
                out,
                "{folder}: {missing} to fetch from {} ({bytes}), {there} there (dry run: nothing fetched)",
                self.from
            )?;
            list(out, ["to fetch", "size", "why"], report, |granule| {
                granule.outcome == "missing"
            })?;
            return list(out, ["there", "size", "why"], report, |granule| {
                granule.outcome == "there"
            });
        }
        let (fetched, failed) = (report.count("fetched"), report.count("failed"));
        let failed = if failed > 0 {
            format!(", {failed} failed")
        } else {
            String::new()
        };
        let seconds = report.seconds;
        writeln!(
            out,
            "{folder}: {fetched} fetched from {}, {there} there{failed}, {bytes} in {seconds:.1} s",
            self.from
        )?;
        list(out, ["failed", "came", "why"], report, |granule| {
            granule.outcome == "failed"
        })
    }
}

fn list(
    out: &mut dyn std::io::Write,
    header: [&str; 3],
    report: &GetReport,
    keep: impl Fn(&&GetResult) -> bool,
) -> std::io::Result<()> {
    let granules: Vec<_> = report.granules.iter().filter(keep).collect();
    let mut table = Table::new(header);
    for granule in granules.iter().take(LISTED) {
        let bytes = match granule.bytes {
            0 => String::new(),
            bytes => size::bytes(bytes),
        };
        table.row([
            granule.file.as_str(),
            &bytes,
            granule.reason.as_deref().unwrap_or(""),
        ]);
    }
    if !granules.is_empty() {
        table.write(out)?;
    }
    match granules.len().saturating_sub(LISTED) {
        0 => Ok(()),
        more => writeln!(out, "… and {more} more: see --json"),
    }
}
