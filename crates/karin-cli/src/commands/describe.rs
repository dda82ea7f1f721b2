//! `karin describe cmems:DATASET`

use std::io::Write;

use clap::Args;
use karin::access::{CopernicusCoordinate, CopernicusDescription, CopernicusService, CopernicusVersion};
use serde_json::Value;

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::provider::SettingFlags;
use crate::table::Table;

/// Arguments of `karin describe`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Dataset of Copernicus Marine, as cmems:DATASET
    #[arg(value_name = "cmems:DATASET")]
    dataset: String,
    /// A version, as 202411, or all [default: the newest that is released]
    #[arg(long = "version", value_name = "VERSION")]
    version: Option<String>,
    #[command(flatten)]
    settings: SettingFlags,
}

/// Tells what a dataset holds.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let Some(dataset) = arguments.dataset.strip_prefix("cmems:") else {
        let reason = format!(
            "'{}': expected cmems:DATASET of Copernicus Marine; karin info tells what a granule or a collection holds",
            arguments.dataset
        );
        return Err(karin::Error::option("describe", reason).into());
    };
    let (version, options) = (arguments.version.as_deref(), arguments.settings.options());
    let description = karin::copernicus::describe(dataset, version, &options, context.progress.as_ref())?;
    context.answer(&description)?;
    Ok(Outcome::Done)
}

impl Report for CopernicusDescription {
    fn write_text(&self, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "{}", self.dataset)?;
        let title = self.title.as_deref().unwrap_or_default();
        writeln!(out, "  product     {} {title}", self.product)?;
        for version in &self.versions {
            write_version(version, out)?;
        }
        writeln!(out)?;
        let mut table = Table::new(["version", "part", "state", "released", "retired", ""]);
        for known in &self.known {
            table.row([
                known.version.clone(),
                known.part.clone().unwrap_or_default(),
                known.state.to_owned(),
                day(known.released.as_deref()),
                day(known.retired.as_deref()),
                if known.is_default {
                    "taken by default".to_owned()
                } else {
                    String::new()
                },
            ]);
        }
        table.write(out)
    }
}

fn write_version(version: &CopernicusVersion, out: &mut dyn Write) -> std::io::Result<()> {
    let part = version
        .part
        .as_ref()
        .map_or_else(String::new, |part| format!(", part {part}"));
    writeln!(out, "  version     {}{part}", version.version)?;
    for (label, text) in [
        ("updated", &version.updated),
        ("updating", &version.updating_from),
    ] {
        if let Some(text) = text {
            let from = if label == "updating" { "from " } else { "" };
            writeln!(out, "  {label:<11} {from}{text}")?;
        }
    }
    let mut table = Table::new(["variable", "standard name", "units", "dimensions"]);
    for variable in &version.variables {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let dimensions = variable.dimensions.join(", ");
        table.row([
            variable.name.clone(),
            text(&variable.standard_name),
            text(&variable.units),
            dimensions,
        ]);
    }
    if !version.variables.is_empty() {
        writeln!(out)?;
        table.write(out)?;
    }
    let mut table = Table::new(["axis", "from", "to", "step", "places", "units"]);
    version.coordinates.iter().for_each(|one| table.row(axis(one)));
    if !version.coordinates.is_empty() {
        writeln!(out)?;
        table.write(out)?;
    }
    let mut table = Table::new(["service", "format", "a chunk", "where"]);
    for service in &version.services {
        let format = service.format.clone().unwrap_or_default();
        table.row([
            service.name.clone(),
            format,
            chunk(service),
            service.location.clone(),
        ]);
    }
    if !version.services.is_empty() {
        writeln!(out)?;
        table.write(out)?;
    }
    Ok(())
}

fn day(moment: Option<&str>) -> String {
    let moment = moment.unwrap_or_default();
    moment.get(..10).unwrap_or(moment).to_owned()
}

fn axis(axis: &CopernicusCoordinate) -> [String; 6] {
    let is_time = axis.axis.as_deref() == Some("t");
    let step = match axis.step.as_ref().and_then(Value::as_f64) {
        Some(seconds) if is_time => duration(seconds),
        Some(step) => number(step),
        None if axis.values.is_some() => "uneven".to_owned(),
        None => String::new(),
    };
    let end = |value: &Option<Value>| match value {
        Some(Value::String(text)) => text.trim_end_matches('Z').replace('T', " "),
        Some(value) => value.as_f64().map_or_else(|| value.to_string(), number),
        None => String::new(),
    };
    let units = axis.units.clone().filter(|_| !is_time).unwrap_or_default();
    let length = axis.length.map_or_else(String::new, |length| length.to_string());
    [
        axis.name.clone(),
        end(&axis.first),
        end(&axis.last),
        step,
        length,
        units,
    ]
}

/// Six digits behind the point at most: steps of grids are rounded numbers.
fn number(value: f64) -> String {
    let text = format!("{value:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn duration(seconds: f64) -> String {
    let units = [
        (86_400.0, "day"),
        (3600.0, "hour"),
        (60.0, "minute"),
        (1.0, "second"),
    ];
    let whole = units
        .into_iter()
        .find(|(length, _)| seconds >= *length && seconds % length == 0.0);
    match whole {
        Some((length, name)) if seconds == length => format!("1 {name}"),
        Some((length, name)) => format!("{} {name}s", number(seconds / length)),
        None => format!("{} s", number(seconds)),
    }
}

/// The chunk of the first variable; others nearly always have the same.
fn chunk(service: &CopernicusService) -> String {
    let lengths = service.chunks.values().next().and_then(Value::as_object);
    let lengths = lengths
        .into_iter()
        .flatten()
        .map(|(axis, length)| format!("{length} {axis}"));
    lengths.collect::<Vec<_>>().join(" × ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_told_in_the_unit_that_suits() {
        for (seconds, text) in [
            (86_400.0, "1 day"),
            (21_600.0, "6 hours"),
            (900.0, "15 minutes"),
            (0.5, "0.5 s"),
            (604_800.0, "7 days"),
        ] {
            assert_eq!(duration(seconds), text);
        }
        assert_eq!(number(0.125), "0.125");
        assert_eq!(number(-89.937_5), "-89.9375");
        assert_eq!(number(90.0), "90");
    }
}
