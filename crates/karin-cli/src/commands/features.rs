//! `karin eddies SOURCE... [-o FILE]` and `karin fronts SOURCE... [-o FILE]`

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use karin::features::{Found, Search};
use karin_core::counted;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::table::Table;
use crate::wanted::WantedFlags;

pub mod eddies;
pub mod fronts;

/// Rows of a table on the terminal.
const SHOWN: usize = 30;

/// What both commands are told: where to look, what is wanted of it, and where what is found goes.
#[derive(Debug, Args)]
struct Common {
    /// Where they go: .geojson, .parquet (GeoParquet), .csv, .nc, .zarr or .png (a map); without it a table is printed
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    wanted: WantedFlags,
}

impl Common {
    /// Searches the sources and prints or writes what is found.
    fn run(&self, search: &Search, context: &Context) -> anyhow::Result<Outcome> {
        let started = Instant::now();
        let selection = self.wanted.without_layout()?;
        let progress = context.progress.as_ref();
        let plans = self.wanted.plans(&selection, context)?;
        let mut outcome = Outcome::Done;
        for plan in &plans {
            let mut written = None;
            let found = match &self.output {
                None => karin::features::find(plan, search, context.resources, progress)?,
                Some(path) => {
                    let path = super::stat::numbered(path, plan, plans.len());
                    written = Some(path.display().to_string());
                    karin::features::write(
                        plan,
                        search,
                        &path,
                        &context.command,
                        context.resources,
                        progress,
                    )?
                }
            };
            outcome = outcome.max(Outcome::of_left_out(found.failures.len()));
            context.answer(&Answer::new(search, &found, written, started))?;
        }
        Ok(outcome)
    }
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Answer {
    #[serde(skip)]
    search: Search,
    variable: String,
    granules: usize,
    left_out: usize,
    count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<Vec<Map<String, Value>>>,
    seconds: f64,
}

impl Answer {
    fn new(search: &Search, found: &Found, output: Option<String>, started: Instant) -> Self {
        Self {
            search: search.clone(),
            variable: found.variable.clone(),
            granules: found.granules,
            left_out: found.failures.len(),
            count: found.count,
            rows: output.is_none().then(|| found.records()),
            output,
            seconds: started.elapsed().as_secs_f64(),
        }
    }

    fn table(&self, rows: &[Map<String, Value>]) -> Table {
        let columns: &[(&str, &str, usize)] = match self.search {
            Search::Eddies(_) => &[
                ("cycle_number", "cycle", 0),
                ("pass_number", "pass", 0),
                ("time", "time", 0),
                ("sense", "sense", 0),
                ("longitude", "longitude", 3),
                ("latitude", "latitude", 3),
                ("amplitude", "amplitude (m)", 3),
                ("effective_radius", "radius (km)", 1),
                ("speed_average", "speed (m/s)", 2),
                ("shape_error", "shape error", 2),
                ("partial", "partial", 0),
            ],
            Search::Fronts(_) => &[
                ("cycle_number", "cycle", 0),
                ("pass_number", "pass", 0),
                ("time", "time", 0),
                ("longitude", "longitude", 3),
                ("latitude", "latitude", 3),
                ("length", "length (km)", 1),
                ("mean_gradient", "mean gradient (1/km)", 5),
                ("maximum_gradient", "maximum (1/km)", 5),
                ("orientation", "orientation", 0),
                ("partial", "partial", 0),
            ],
        };
        let mut table = Table::new(columns.iter().map(|(_, header, _)| *header));
        for row in rows.iter().take(SHOWN) {
            table.row(
                columns
                    .iter()
                    .map(|(name, _, decimals)| cell(row.get(*name), *decimals)),
            );
        }
        table
    }
}

fn cell(value: Option<&Value>, decimals: usize) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Number(number)) if number.is_f64() => {
            format!("{:.decimals$}", number.as_f64().unwrap_or(f64::NAN))
        }
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

impl Report for Answer {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        if let Some(rows) = &self.rows {
            self.table(rows).write(out)?;
            if rows.len() > SHOWN {
                writeln!(
                    out,
                    "... the first {SHOWN} of {}: write all with -o FILE.parquet, or --json",
                    rows.len()
                )?;
            }
        }
        let left_out = match self.left_out {
            0 => String::new(),
            count => format!(", {count} left out"),
        };
        let to = self
            .output
            .as_ref()
            .map(|output| format!("{output}: "))
            .unwrap_or_default();
        let what = if self.count == 1 {
            self.search.feature()
        } else {
            self.search.features()
        };
        writeln!(
            out,
            "{to}{} {what} in {} of {}{left_out} in {:.2} s",
            self.count,
            self.variable,
            counted(self.granules, "granule"),
            self.seconds
        )
    }
}
