//! `karin info PATH`

use std::io::Write;

use clap::Args;
use karin::info::{
    CollectionInfo, FileInfo, FlagInfo, FolderInfo, Identity, Info, ProductDifference, VariableInfo,
};
use serde::Serialize;

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::size::bytes;
use crate::store::SourceFlags;
use crate::table::Table;

/// Arguments of `karin info`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A granule (a path or an address), any other netCDF file, a folder of granules, or a collection
    path: String,
    /// An earlier state of a collection, as `karin history` lists them [default: the newest]
    #[arg(long, value_name = "ID")]
    snapshot: Option<String>,
    #[command(flatten)]
    store: SourceFlags,
}

/// Says what lies at a path.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let info = karin::info::info_with(
        &arguments.path,
        &arguments.store.reading(arguments.snapshot.as_deref()),
        &arguments.store.provider(),
        context.progress.as_ref(),
    )?;
    let is_damaged = matches!(&info, Info::File(file) if file.damage.is_some());
    context.answer(&Answer(info))?;
    Ok(if is_damaged {
        Outcome::Damaged
    } else {
        Outcome::Done
    })
}

#[derive(Serialize)]
#[serde(transparent)]
struct Answer(Info);

impl Report for Answer {
    fn write_text(&self, out: &mut dyn Write) -> std::io::Result<()> {
        match &self.0 {
            Info::File(file) => write_file(file, out),
            Info::Folder(folder) => write_folder(folder, out),
            Info::Collection(collection) => write_collection(collection, out),
            _ => Ok(()),
        }
    }
}

/// Writes `label   text`, the label only before the first line.
fn write_facts(out: &mut dyn Write, facts: &[(&str, String)]) -> std::io::Result<()> {
    for (label, text) in facts.iter().filter(|(_, text)| !text.is_empty()) {
        writeln!(out, "  {label:<11} {text}")?;
    }
    Ok(())
}

fn write_file(file: &FileInfo, out: &mut dyn Write) -> std::io::Result<()> {
    let name = file.path.file_name().unwrap_or(file.path.as_os_str());
    writeln!(out, "{}", name.to_string_lossy())?;
    let Identity { period_of_name, .. } = &file.identity;
    let mut facts = vec![
        ("title", file.title.clone().unwrap_or_default()),
        ("product", product(&file.identity)),
        ("pass", pass(&file.identity)),
    ];
    if let Some(time) = &file.time {
        let missing = if time.missing == 0 {
            String::new()
        } else {
            format!(", {} missing", time.missing)
        };
        facts.push((
            "time",
            format!("{} to {} ({} times{missing})", time.start, time.end, time.valid),
        ));
    } else if let Some((start, end)) = period_of_name {
        facts.push(("time", format!("{start} to {end} (by its name)")));
    }
    if let Some(area) = &file.area {
        let missing = if area.missing == 0 {
            String::new()
        } else {
            format!(", {} positions missing", area.missing)
        };
        let (west, east) = (area.west, area.east);
        let text = format!(
            "{west:.3} to {east:.3} E, {:.3} to {:.3} N{missing}",
            area.south, area.north
        );
        facts.push(("area", text));
    }
    facts.push(("file", storage(file)));
    let dimensions: Vec<String> = file
        .dimensions
        .iter()
        .map(|dimension| format!("{} {}", dimension.path, dimension.size))
        .collect();
    facts.push(("dimensions", dimensions.join(", ")));
    facts.push((
        "structure",
        file.difference.as_ref().map(difference).unwrap_or_default(),
    ));
    if let Some(damage) = &file.damage {
        facts.push(("DAMAGED", damage.reason.clone()));
    }
    facts.extend(file.warnings.iter().map(|warning| ("note", warning.clone())));
    write_facts(out, &facts)?;
    if !file.variables.is_empty() {
        writeln!(out)?;
        variables(&LAYOUT, &file.variables).write(out)?;
    }
    for flag in &file.flags {
        writeln!(out)?;
        write_flag(flag, out)?;
    }
    Ok(())
}

fn product(identity: &Identity) -> String {
    let Some(product) = identity.product else {
        return "none of SWOT's by its name or content".to_owned();
    };
    let version = identity
        .version
        .as_ref()
        .map(|version| format!(", version {version}"))
        .unwrap_or_default();
    let schema = identity
        .schema
        .map(|schema| format!(", schema {schema}"))
        .unwrap_or_default();
    let ingested = if identity.is_ingested {
        ""
    } else {
        "; not ingested into collections"
    };
    format!("{product}{version}{schema}{ingested}")
}

fn pass(identity: &Identity) -> String {
    let mut words = Vec::new();
    words.extend(identity.cycle_number.map(|cycle| format!("cycle {cycle}")));
    words.extend(identity.pass_number.map(|pass| format!("pass {pass}")));
    words.extend(identity.phase.map(|phase| format!("{phase} phase")));
    words.extend(identity.direction.map(str::to_owned));
    words.join(", ")
}

fn storage(file: &FileInfo) -> String {
    let format = file.format.as_deref().unwrap_or("unreadable");
    let raw = match file.raw_bytes {
        0 => String::new(),
        raw => format!(
            ", {} as arrays ({:.1} times)",
            bytes(raw),
            raw as f64 / file.bytes.max(1) as f64
        ),
    };
    format!("{format}, {}{raw}", bytes(file.bytes))
}

fn difference(difference: &ProductDifference) -> String {
    if difference.is_none() {
        return "that of a whole granule of the product".to_owned();
    }
    let mut words = Vec::new();
    words.extend(
        difference
            .lines
            .map(|(lines, whole)| format!("{lines} of {whole} lines")),
    );
    for (what, names) in [
        ("without", &difference.missing),
        ("with added", &difference.added),
        ("repacked", &difference.repacked),
    ] {
        match names.len() {
            0 => {}
            1..=6 => words.push(format!("{what} {}", names.join(" "))),
            many => words.push(format!("{what} {many} variables")),
        }
    }
    format!("differs from the product: {}", words.join("; "))
}

/// Columns that say how a file holds its variables.
const LAYOUT: [&str; 3] = ["chunks", "filters", "stored"];

/// A table of variables; cells of `layout` that have no column are left out.
fn variables(layout: &[&str], variables: &[VariableInfo]) -> Table {
    let described = ["variable", "type", "shape", "units", "scale", "fill"];
    let mut table = Table::new(described.iter().chain(layout).copied());
    let lengths = |lengths: &[usize]| lengths.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
    for variable in variables {
        let scale = match (variable.scale_factor, variable.add_offset) {
            (1.0, 0.0) => String::new(),
            (scale, 0.0) => format!("{scale}"),
            (scale, offset) => format!("{scale} + {offset}"),
        };
        table.row([
            variable.path.clone(),
            variable.dtype.to_string(),
            lengths(&variable.shape),
            variable.units.clone().unwrap_or_default(),
            scale,
            variable.fill.clone().unwrap_or_default(),
            variable.chunks.as_deref().map_or_else(|| "-".to_owned(), lengths),
            variable.filters.join(", "),
            variable.stored_bytes.map_or_else(|| "-".to_owned(), bytes),
        ]);
    }
    table
}

fn write_flag(flag: &FlagInfo, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(out, "{} ({})", flag.path, flag.kind)?;
    for meaning in &flag.meanings {
        match flag.kind {
            "bits" if meaning.mask.is_power_of_two() && meaning.value == meaning.mask => {
                writeln!(
                    out,
                    "  {:>10}  bit {:<2}  {}",
                    meaning.value,
                    meaning.mask.trailing_zeros(),
                    meaning.name
                )?;
            }
            _ => writeln!(out, "  {:>10}  {}", meaning.value, meaning.name)?,
        }
    }
    Ok(())
}

fn write_collection(collection: &CollectionInfo, out: &mut dyn Write) -> std::io::Result<()> {
    collection.inventory.write_text(out)?;
    for (group, structure) in collection.inventory.groups.iter().zip(&collection.structures) {
        writeln!(
            out,
            "\nvariables of /{}/{}/{}",
            group.product, group.schema, group.phase
        )?;
        // A collection has a layout of its own: those columns would tell of the granules that came in.
        variables(&[], &structure.variables).write(out)?;
        for flag in &structure.flags {
            writeln!(out)?;
            write_flag(flag, out)?;
        }
    }
    Ok(())
}

fn write_folder(folder: &FolderInfo, out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(
        out,
        "{}: {} netCDF files, {}",
        folder.path.display(),
        folder.files,
        bytes(folder.bytes)
    )?;
    let mut table = Table::new([
        "product", "version", "phase", "granules", "cycles", "passes", "from", "to", "size",
    ]);
    for set in &folder.granules {
        let range = |numbers: Vec<u16>| match (numbers.first(), numbers.last()) {
            (Some(first), Some(last)) if first == last => first.to_string(),
            (Some(first), Some(last)) => format!("{first} to {last} ({})", numbers.len()),
            _ => String::new(),
        };
        let (from, to) = set.period.clone().unwrap_or_default();
        table.row([
            set.product.to_string(),
            set.version.clone(),
            set.phase.map(|phase| phase.to_string()).unwrap_or_default(),
            set.granules.to_string(),
            range(set.cycles.iter().map(|cycle| cycle.0).collect()),
            range(set.passes.iter().map(|pass| pass.0).collect()),
            from,
            to,
            bytes(set.bytes),
        ]);
    }
    if !folder.granules.is_empty() {
        writeln!(out)?;
        table.write(out)?;
    }
    const SHOWN: usize = 10;
    if !folder.others.is_empty() {
        writeln!(out, "\nno granules by their names:")?;
        for name in folder.others.iter().take(SHOWN) {
            writeln!(out, "  {name}")?;
        }
        if folder.others.len() > SHOWN {
            writeln!(out, "  and {} more", folder.others.len() - SHOWN)?;
        }
    }
    Ok(())
}
