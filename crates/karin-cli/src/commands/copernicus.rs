//! `karin find cmems:DATASET` and `karin get cmems:DATASET`: files of Copernicus Marine, and parts of its grids.

use std::path::Path;

use karin::access::GetOptions;
use karin::copernicus::{Copernicus, CopernicusFiles, SubsetOptions, SubsetReport};
use karin::output::WriteOptions;
use karin_core::Selection;

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::provider::WantedFlags;
use crate::size;
use crate::table::Table;

/// Files that are listed by name; the JSON has all.
const LISTED: usize = 40;

/// Lists the files of a dataset.
pub fn find(dataset: &str, wanted: &WantedFlags, context: &Context) -> anyhow::Result<Outcome> {
    let (copernicus, selection) = open(dataset, wanted, &[], context)?;
    context.answer(&copernicus.find(selection.time, context.progress.as_ref())?)?;
    context.note(&format!(
        "variables, axes and versions: karin describe cmems:{dataset}"
    ));
    Ok(Outcome::Done)
}

/// Writes a part of the grid of a dataset to a file, or fetches its files into a folder.
pub fn get(
    dataset: &str,
    wanted: &WantedFlags,
    variables: &[String],
    output: &Path,
    options: &GetOptions,
    deflate: Option<u8>,
    context: &Context,
) -> anyhow::Result<Outcome> {
    let progress = context.progress.as_ref();
    let (copernicus, selection) = open(dataset, wanted, variables, context)?;
    if output.extension().is_some() {
        let writing = SubsetOptions {
            output: WriteOptions::default()
                .with_resources(context.resources)
                .with_deflate(deflate),
            history: context.history(),
            dry_run: options.dry_run,
            rate: options.rate,
        };
        let report = copernicus.subset(&selection, output, &writing, progress)?;
        context.answer(&report)?;
        return Ok(Outcome::Done);
    }
    if deflate.is_some() {
        let reason = "whole files stay as they are; a part of a grid is written to a file .nc";
        return Err(karin::Error::option("--deflate", reason).into());
    }
    if selection.region.is_some() || !selection.variables.is_empty() {
        let reason = "whole files go into a folder; for a box or variables name a file .nc or .zarr";
        return Err(karin::Error::option("-o", reason).into());
    }
    let files = copernicus.files(selection.time, progress)?;
    let report = copernicus.get(&files, output, options, progress)?;
    super::get::answer(
        format!("cmems:{dataset}"),
        options.dry_run,
        report,
        Vec::new(),
        context,
    )
}

fn open(
    dataset: &str,
    wanted: &WantedFlags,
    variables: &[String],
    context: &Context,
) -> anyhow::Result<(Copernicus, Selection)> {
    let (selection, version) = wanted.grid(variables)?;
    let progress = context.progress.as_ref();
    let copernicus = Copernicus::open(dataset, version, &wanted.options(), progress)?;
    Ok((copernicus, selection))
}

impl Report for CopernicusFiles {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let mut table = Table::new(["file", "size", "changed (UTC)"]);
        for file in self.files.iter().take(LISTED) {
            let changed = file.modified.as_deref().unwrap_or("");
            let changed = changed.get(..16).unwrap_or(changed).replace('T', " ");
            table.row([file.file.clone(), size::bytes(file.size), changed]);
        }
        if !self.files.is_empty() {
            table.write(out)?;
        }
        if self.files.len() > LISTED {
            writeln!(out, "… and {} more: see --json", self.files.len() - LISTED)?;
        }
        writeln!(
            out,
            "{} files of {}, {}",
            self.files.len(),
            self.from,
            size::bytes(self.bytes)
        )
    }
}

impl Report for SubsetReport {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let dimensions: Vec<String> = (self.dimensions.iter())
            .map(|(name, length)| format!("{length} {name}"))
            .collect();
        let end = match self.dry_run {
            true => format!("; {} chunks to fetch (dry run: nothing written)", self.chunks),
            false => format!(" in {:.1} s", self.seconds),
        };
        writeln!(
            out,
            "{}: {} of {}, {} ({}){end}",
            self.file,
            self.variables.join(", "),
            self.from,
            dimensions.join(" × "),
            size::bytes(self.bytes),
        )
    }
}
