//! `karin find PRODUCT [--from PLACE]`

use clap::Args;
use karin::find::{FindReport, FindRow, ProductsReport};

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
    if let Some((service, pattern)) = arguments.wanted.products() {
        let options = arguments.wanted.options();
        let report = karin::find::products(service, pattern, &options, context.progress.as_ref())?;
        context.answer(&report)?;
        return Ok(Outcome::Done);
    }
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

impl Report for ProductsReport {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let mut table = Table::new(["product", "title", "DOI"]);
        for product in &self.products {
            let doi = product.doi.as_deref().unwrap_or("");
            let doi = doi.trim_start_matches("https://doi.org/");
            table.row([product.name.clone(), product.title.clone(), doi.to_owned()]);
        }
        if !self.products.is_empty() {
            table.write(out)?;
        }
        writeln!(out, "{} products at {}", self.products.len(), self.from)
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
