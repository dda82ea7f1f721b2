//! `karin find PRODUCT [--from PLACE]`

use clap::Args;
use karin::find::{FindReport, FindRow};

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::provider::WantedFlags;
use crate::size;
use crate::table::Table;

/// Arguments of `karin find`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    wanted: WantedFlags,
}

/// Lists what a provider has of what is wanted.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    if let Some(dataset) = arguments.wanted.copernicus() {
        return super::copernicus::find(dataset, &arguments.wanted, context);
    }
    let (selection, provider) = arguments.wanted.open()?;
    let report = karin::find::find(&provider, &selection, context.progress.as_ref())?;
    context.answer(&report)?;
    if report.granules.is_empty() && report.left_out.is_empty() {
        context.note(&format!("{} has no such granule", report.from));
    }
    for left_out in &report.left_out {
        context.warn(&format!("{} is left out: {}", left_out.place, left_out.reason));
    }
    Ok(Outcome::of_left_out(report.left_out.len()))
}

impl Report for FindReport {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let mut table = Table::new(["cycle", "pass", "start (UTC)", "version", "size", "where"]);
        for row in &self.granules {
            table.row(cells(row));
        }
        if !self.granules.is_empty() {
            table.write(out)?;
        }
        let bytes = match self.bytes {
            0 => String::new(),
            bytes => format!(", {}", size::bytes(bytes)),
        };
        writeln!(out, "{} granules at {}{bytes}", self.granules.len(), self.from)
    }
}

fn cells(row: &FindRow) -> [String; 6] {
    let about = if row.size_is_exact { "" } else { "~" };
    [
        format!("{:03}", row.cycle_number),
        format!("{:03}", row.pass_number),
        row.time_start.trim_end_matches('Z').replace('T', " "),
        row.version.clone(),
        row.size
            .map_or_else(String::new, |bytes| format!("{about}{}", size::bytes(bytes))),
        row.location.clone(),
    ]
}
