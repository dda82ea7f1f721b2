//! `karin ls COLLECTION`

use clap::Args;
use karin::inventory::{CycleInventory, Inventory};
use karin_core::counted;

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::store::StoreFlags;
use crate::table::Table;

/// Arguments of `karin ls`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The collection
    collection: String,
    /// An earlier state, as `karin history` lists them [default: the newest]
    #[arg(long, value_name = "ID")]
    snapshot: Option<String>,
    #[command(flatten)]
    store: StoreFlags,
}

/// Lists what is there, per group and cycle.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let options = arguments.store.reading(arguments.snapshot.as_deref());
    context.answer(&karin::inventory::inventory(&arguments.collection, &options)?)?;
    Ok(Outcome::Done)
}

impl Report for Inventory {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        writeln!(out, "{} at snapshot {}", self.location, self.snapshot)?;
        if self.groups.is_empty() {
            return writeln!(
                out,
                "empty: `karin ingest GRANULES... {}` fills it",
                self.location
            );
        }
        for group in &self.groups {
            writeln!(
                out,
                "\n{}: {} of {}, {} (from {:.1} MB of netCDF)",
                group.path,
                counted(group.granules, "granule"),
                counted(group.variables.len(), "variable"),
                group.profile,
                group.source_bytes as f64 / 1e6,
            )?;
            let mut table = Table::new(["cycle", "granules", "passes", "versions", "first", "last"]);
            for cycle in &group.cycles {
                table.row(row(cycle));
            }
            table.write(out)?;
        }
        Ok(())
    }
}

fn row(cycle: &CycleInventory) -> [String; 6] {
    let passes = match cycle.partial.as_str() {
        "" => cycle.passes.clone(),
        partial => format!("{} (in part: {partial})", cycle.passes),
    };
    let versions: Vec<String> = match cycle.versions.len() {
        1 => cycle.versions.keys().cloned().collect(),
        _ => cycle
            .versions
            .iter()
            .map(|(version, count)| format!("{version}: {count}"))
            .collect(),
    };
    [
        format!("{:03}", cycle.cycle_number),
        cycle.granules.to_string(),
        passes,
        versions.join(", "),
        cycle.time_start.clone(),
        cycle.time_end.clone(),
    ]
}
