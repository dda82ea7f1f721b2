//! `karin catalog add|list|missing|remove`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use karin::catalog::{Added, Kind, Lacking, Look, MissingReport, SourceRow};
use serde::Serialize;

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::provider::{SettingFlags, WantedFlags};
use crate::size;
use crate::store::StoreFlags;
use crate::table::Table;

/// Arguments of `karin catalog`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Look at folders and collections, and keep what they have; looked at again, they are brought up to date
    Add(Local),
    /// Ask a provider what it has of a product, and keep that
    AddProvider(WantedFlags),
    /// List the sources that are kept
    List(SettingFlags),
    /// Tell which passes of a product are not here whole and in the newest version, and where they are
    Missing(WantedFlags),
    /// Forget a source
    Remove {
        /// The source, as `karin catalog list` names it
        #[arg(value_name = "PLACE")]
        place: String,
        #[command(flatten)]
        settings: SettingFlags,
    },
}

#[derive(Debug, Args)]
struct Local {
    /// Folders of granules, and collections
    #[arg(required = true, value_name = "PLACE")]
    places: Vec<PathBuf>,
    #[command(flatten)]
    store: StoreFlags,
    #[command(flatten)]
    settings: SettingFlags,
}

/// Rows that are listed; the JSON has all.
const LISTED: usize = 40;

/// Runs one of them.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let progress = context.progress.as_ref();
    match &arguments.what {
        What::Add(local) => {
            let mut sources = Vec::new();
            for place in &local.places {
                let look = Look::at(place, local.store.options());
                sources.push(karin::catalog::add(&look, &local.settings.options(), progress)?);
            }
            context.answer(&Answer { sources })?;
        }
        What::AddProvider(wanted) => {
            let (from, selection) = wanted.question()?;
            let look = Look::provider(from, &selection);
            let sources = vec![karin::catalog::add(&look, &wanted.options(), progress)?];
            context.answer(&Answer { sources })?;
        }
        What::List(settings) => {
            let sources = karin::catalog::list(&settings.options())?;
            context.answer(&Listed { sources })?;
        }
        What::Missing(wanted) => {
            let (from, selection) = wanted.question()?;
            if from.is_some() {
                let reason = "what is missing is told from the catalogue: karin catalog add-provider asks";
                return Err(karin::Error::option("--from", reason).into());
            }
            context.answer(&karin::catalog::missing(&selection, &wanted.options())?)?;
        }
        What::Remove { place, settings } => {
            if !karin::catalog::remove(place, &settings.options())? {
                return Err(
                    karin::Error::option("PLACE", format!("the catalogue has no source '{place}'")).into(),
                );
            }
            context.note(&format!("{place} is forgotten; its files are untouched"));
        }
    }
    Ok(Outcome::Done)
}

#[derive(Serialize)]
struct Answer {
    sources: Vec<Added>,
}

impl Report for Answer {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        for Added {
            place,
            granules,
            new,
            gone,
            ..
        } in &self.sources
        {
            let gone = if *gone > 0 {
                format!(", {gone} gone")
            } else {
                String::new()
            };
            writeln!(out, "{place}: {granules} granules, {new} new{gone}")?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Listed {
    sources: Vec<SourceRow>,
}

impl Report for Listed {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        if self.sources.is_empty() {
            return writeln!(
                out,
                "the catalogue is empty: karin catalog add FOLDER COLLECTION, karin catalog add-provider PRODUCT"
            );
        }
        let mut table = Table::new([
            "source",
            "is a",
            "products",
            "granules",
            "cycles",
            "size",
            "looked at (UTC)",
        ]);
        for row in &self.sources {
            let products: Vec<String> = row.products.iter().map(ToString::to_string).collect();
            let kind = match row.kind {
                Kind::Folder => "folder",
                Kind::Collection => "collection",
                Kind::Provider => "provider",
            };
            table.row([
                row.place.clone(),
                kind.to_owned(),
                products.join(", "),
                row.granules.to_string(),
                row.cycles
                    .map_or_else(String::new, |(first, last)| format!("{first}-{last}")),
                size::bytes(row.bytes),
                row.looked_at.trim_end_matches('Z').replace('T', " "),
            ]);
        }
        table.write(out)
    }
}

impl Report for MissingReport {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let Self {
            product,
            wanted,
            here,
            missing,
            ..
        } = self;
        let mut table = Table::new(["cycle", "pass", "start (UTC)", "here", "version", "size", "where"]);
        for row in missing.iter().take(LISTED) {
            table.row(cells(row));
        }
        if !missing.is_empty() {
            table.write(out)?;
        }
        if missing.len() > LISTED {
            writeln!(out, "… and {} more: see --json", missing.len() - LISTED)?;
        }
        let nowhere = missing.iter().filter(|row| row.at.is_empty()).count();
        let bytes = size::bytes(self.bytes);
        writeln!(
            out,
            "{product}: {wanted} passes, {here} here, {} missing ({bytes}), {nowhere} of them at no source",
            missing.len()
        )?;
        if self.providers.is_empty() {
            writeln!(
                out,
                "no provider of {product} is in the catalogue: karin catalog add-provider {product}"
            )?;
        }
        Ok(())
    }
}

fn cells(row: &Lacking) -> [String; 7] {
    let best = row.at.first();
    let places: Vec<&str> = row.at.iter().map(|offer| offer.place.as_str()).collect();
    let here = match (&row.here, row.partial) {
        (Some(version), true) => format!("{version} in part"),
        (Some(version), false) => version.to_string(),
        (None, _) => String::new(),
    };
    [
        format!("{:03}", row.cycle_number),
        format!("{:03}", row.pass_number),
        row.time_start.trim_end_matches('Z').replace('T', " "),
        here,
        best.map_or_else(String::new, |offer| offer.version.to_string()),
        best.filter(|offer| offer.size > 0)
            .map_or_else(String::new, |offer| size::bytes(offer.size)),
        places.join(", "),
    ]
}
