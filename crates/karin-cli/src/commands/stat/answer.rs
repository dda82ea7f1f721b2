//! What `karin stat` prints.

use std::time::Instant;

use karin::engine::{MemoryDataset, Plan, Report as Done};
use karin::stat::{Reduction, Regression, Statistic, Summary, Target};
use karin_core::time::format_instant;
use karin_core::{Array, Dataset as _, counted};
use serde::Serialize;

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::table::Table;

/// Rows that people are shown of a table without being asked.
const SHOWN: usize = 80;

/// What is printed.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    plan: String,
    granules: usize,
    left_out: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) output: Option<String>,
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
    /// Values outside all bins, by variable.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outside: Vec<(String, u64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) regression: Option<Regression>,
    seconds: f64,
}

/// A cell of the table. NaN is `null` in JSON.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Cell {
    Text(String),
    Count(u64),
    Number(f64),
}

impl Cell {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Number(number) if number.is_nan() => "-".to_owned(),
            Self::Number(number) => significant(*number),
        }
    }
}

/// Six digits that mean something.
fn significant(number: f64) -> String {
    let magnitude = number.abs();
    if magnitude == 0.0 || (1e-4..1e15).contains(&magnitude) {
        let before = if magnitude < 1.0 {
            0
        } else {
            magnitude.log10().floor() as usize + 1
        };
        format!("{number:.*}", 6usize.saturating_sub(before))
    } else {
        format!("{number:.5e}")
    }
}

impl Answer {
    pub(super) fn new(plan: &Plan, done: &Done) -> Self {
        Self {
            plan: plan.to_string(),
            granules: done.granules,
            left_out: done.failures.len(),
            output: None,
            columns: Vec::new(),
            rows: Vec::new(),
            outside: Vec::new(),
            regression: None,
            seconds: 0.0,
        }
    }

    /// Prints it, with the time since `started`.
    pub(super) fn tell(mut self, context: &Context, started: Instant) -> anyhow::Result<Outcome> {
        if self.left_out > 0 && self.left_out == self.granules {
            anyhow::bail!("none of {} granules could be read", self.granules);
        }
        self.seconds = started.elapsed().as_secs_f64();
        context.answer(&self)?;
        Ok(Outcome::of_left_out(self.left_out))
    }

    pub(super) fn of_summary(plan: &Plan, done: &Done, summary: &Summary) -> Self {
        let mut answer = Self::new(plan, done);
        answer.columns = ["variable", "units", "cells", "values", "min", "mean", "max"]
            .map(str::to_owned)
            .to_vec();
        for row in summary.rows() {
            let or_none = |value: f64| Cell::Number(if row.values == 0 { f64::NAN } else { value });
            answer.rows.push(vec![
                Cell::Text(row.variable.clone()),
                Cell::Text(row.units.clone()),
                Cell::Count(row.cells),
                Cell::Count(row.values),
                or_none(row.min),
                or_none(row.mean),
                or_none(row.max),
            ]);
        }
        answer
    }

    /// One row per variable and key or bin, one column per statistic.
    pub(super) fn add_values(&mut self, reduction: &Reduction, result: &MemoryDataset) {
        let root = result.root();
        let is_binned = matches!(reduction.target, Target::Bins(_));
        let axis = root
            .variables
            .first()
            .filter(|meta| meta.dimensions == [meta.name.as_str()]);
        self.columns = vec!["variable".to_owned()];
        self.columns.extend(axis.map(|meta| meta.name.clone()));
        let names = reduction.statistics.iter().map(|statistic| statistic.name());
        self.columns.extend(names);
        let keys =
            axis.and_then(|meta| result.array(&meta.name))
                .map(|array| match (&reduction.target, axis) {
                    (Target::Bins(_), Some(meta)) => bins(result, &format!("{}_bounds", meta.name)),
                    (target, _) => keys(target, array),
                });
        let dimensions: &[String] = axis.map_or(&[], |meta| &meta.dimensions);
        let is_value = |path: &String| {
            let name = path.rsplit('/').next();
            let along = root
                .variable(path)
                .is_some_and(|meta| meta.dimensions == dimensions);
            along && name != Some("schema") && axis.is_none_or(|meta| *path != meta.name)
        };
        let paths: Vec<String> = root.variable_paths().into_iter().filter(is_value).collect();
        // Results in cells carry counts, asked for or not.
        let has_counts = is_binned && !reduction.statistics.contains(&Statistic::Count);
        for paths in paths.chunks(reduction.statistics.len() + usize::from(has_counts)) {
            self.add_rows(reduction, result, paths, keys.as_deref());
        }
        if is_binned {
            let outside = root.variable_paths().into_iter().filter_map(|path| {
                let name = path.strip_suffix("_outside")?.to_owned();
                Some((
                    name,
                    karin::stat::values_of(result, &path)
                        .first()
                        .map_or(0, |count| *count as u64),
                ))
            });
            self.outside = outside.collect();
        }
    }

    /// The rows of one variable, whose statistics lie at these paths.
    fn add_rows(
        &mut self,
        reduction: &Reduction,
        result: &MemoryDataset,
        paths: &[String],
        keys: Option<&[String]>,
    ) {
        let Some(first) = paths.first() else { return };
        let values: Vec<Vec<f64>> = paths
            .iter()
            .map(|path| karin::stat::values_of(result, path))
            .collect();
        let statistic = reduction.statistics.first();
        let suffix = statistic.map_or(String::new(), |statistic| format!("_{}", statistic.name()));
        let is_suffixed = reduction.statistics.len() > 1 || matches!(reduction.target, Target::Bins(_));
        let name = first
            .strip_suffix(&suffix)
            .filter(|_| is_suffixed)
            .unwrap_or(first);
        for index in 0..values.first().map_or(0, Vec::len) {
            let mut row = vec![Cell::Text(name.to_owned())];
            let key = keys.and_then(|keys| keys.get(index));
            row.extend(key.map(|key| Cell::Text(key.clone())));
            for (statistic, values) in reduction.statistics.iter().zip(&values) {
                let value = values.get(index).copied().unwrap_or(f64::NAN);
                row.push(if *statistic == Statistic::Count {
                    Cell::Count(value as u64)
                } else {
                    Cell::Number(value)
                });
            }
            self.rows.push(row);
        }
    }
}

/// Bins as people write them.
fn bins(result: &MemoryDataset, bounds: &str) -> Vec<String> {
    let edges = karin::stat::values_of(result, bounds);
    edges
        .chunks(2)
        .map(|pair| format!("{}..{}", pair[0], pair[1]))
        .collect()
}

/// Keys as people write them.
fn keys(target: &Target, array: &Array) -> Vec<String> {
    let numbers = array.values.to_f64().unwrap_or_default();
    let text = |number: f64| match target {
        Target::ByHour => format_instant(number).chars().take(16).collect(),
        Target::ByDay => format_instant(number).chars().take(10).collect(),
        Target::ByMonth => format_instant(number).chars().take(7).collect(),
        _ => number.to_string(),
    };
    numbers.into_iter().map(text).collect()
}

impl Report for Answer {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        writeln!(out, "{}", self.plan)?;
        if !self.rows.is_empty() {
            let mut table = Table::new(self.columns.clone());
            let shown = if self.rows.len() > SHOWN {
                SHOWN
            } else {
                self.rows.len()
            };
            for row in self.rows.iter().take(shown) {
                table.row(row.iter().map(Cell::text));
            }
            table.write(out)?;
            let more = self.rows.len() - shown;
            if more > 0 {
                writeln!(
                    out,
                    "and {more} rows more: --json prints all of them, -o FILE writes them"
                )?;
            }
        }
        for (variable, count) in self.outside.iter().filter(|(_, count)| *count > 0) {
            writeln!(out, "{variable}: {count} values lie outside the bins")?;
        }
        if let Some(regression) = &self.regression {
            write_regression(regression, out)?;
        }
        let output = self
            .output
            .as_ref()
            .map_or(String::new(), |path| format!(", written to {path}"));
        let left_out = if self.left_out > 0 {
            format!(", {} left out", self.left_out)
        } else {
            String::new()
        };
        writeln!(
            out,
            "{}{left_out} in {:.2} s{output}",
            counted(self.granules, "granule"),
            self.seconds
        )
    }
}

fn write_regression(regression: &Regression, out: &mut dyn std::io::Write) -> std::io::Result<()> {
    let Regression { variable, on, .. } = regression;
    writeln!(
        out,
        "{variable} = {} {on} + {}, correlation {}, rms difference {}, {} pairs",
        significant(regression.slope),
        significant(regression.intercept),
        significant(regression.correlation),
        significant(regression.rms_difference),
        regression.pairs
    )
}
