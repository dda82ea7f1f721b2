//! `karin history COLLECTION`

use std::io::Write;

use clap::Args;
use karin::store::{Repository, SnapshotFacts};
use karin_core::time::format_instant;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::store::StoreFlags;
use crate::table::Table;

/// Arguments of `karin history`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The collection
    collection: String,
    /// No more than this many, the newest first
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    store: StoreFlags,
}

/// One snapshot.
#[derive(Serialize)]
struct Row {
    id: String,
    time: String,
    message: String,
    parent: Option<String>,
    properties: Map<String, Value>,
}

#[derive(Serialize)]
struct History {
    snapshots: Vec<Row>,
}

/// Lists the snapshots that can be read, the newest first.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let repository = Repository::open(&arguments.collection, &arguments.store.reading(None).store)?;
    let facts = repository.history()?;
    let snapshots = facts.into_iter().take(arguments.limit.unwrap_or(usize::MAX));
    context.answer(&History {
        snapshots: snapshots.map(Row::from).collect(),
    })?;
    Ok(Outcome::Done)
}

impl From<SnapshotFacts> for Row {
    fn from(facts: SnapshotFacts) -> Self {
        Self {
            id: facts.id,
            time: format_instant(facts.time.round()),
            message: facts.message,
            parent: facts.parent,
            properties: facts.properties.into_iter().collect(),
        }
    }
}

impl Report for History {
    fn write_text(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let mut table = Table::new(["snapshot", "time (UTC)", "what", "counts"]);
        for row in &self.snapshots {
            // Nested properties are for programs.
            let counts = row
                .properties
                .iter()
                .filter(|(_, value)| value.is_number() || value.is_string());
            let counts: Vec<String> = counts
                .map(|(name, value)| match value {
                    Value::String(text) => format!("{name} {text}"),
                    other => format!("{name} {other}"),
                })
                .collect();
            // A commit of several groups names each on a row of its own.
            let (first, others) = row.message.split_once(", ").unwrap_or((&row.message, ""));
            table.row([
                row.id.clone(),
                row.time.trim_end_matches('Z').replace('T', " "),
                first.to_owned(),
                counts.join(", "),
            ]);
            for other in others.split(", ").filter(|other| !other.is_empty()) {
                table.row([
                    String::new(),
                    String::new(),
                    format!("       {other}"),
                    String::new(),
                ]);
            }
        }
        table.write(out)
    }
}
