//! `karin passes --bbox W,S,E,N | --point LON,LAT | --polygon FILE`

use std::path::PathBuf;

use clap::Args;
use karin::passes::{PassRow, bounded, first_cycle, passes_over};
use karin_core::orbit::Target;
use karin_core::time::format_instant;
use karin_core::{Region, Selection};
use serde::Serialize;

use crate::context::{Context, Report};
use crate::exit::Outcome;
use crate::selection::with_polygon;
use crate::table::Table;

/// Arguments of `karin passes`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("place").required(true))]
pub struct Arguments {
    /// A point
    #[arg(long, value_name = "LON,LAT", value_parser = point, allow_hyphen_values = true, group = "place")]
    point: Option<(f64, f64)>,
    /// A box, edges included; W > E crosses the antimeridian
    #[arg(long, value_name = "W,S,E,N", allow_hyphen_values = true, group = "place")]
    bbox: Option<String>,
    /// The polygons of a GeoJSON file
    #[arg(long, value_name = "FILE", group = "place")]
    polygon: Option<PathBuf>,
    /// When: A up to but not including B, past or future; a date is that whole day [default: one cycle from now]
    #[arg(long, value_name = "A..B")]
    time: Option<String>,
    /// Orbit phase: calval or science [default: both]
    #[arg(long, value_name = "NAME")]
    phase: Option<String>,
    /// How far from nadir a place counts as seen; KaRIn measures from 10 to 60 km
    #[arg(long, value_name = "KM", default_value = "60", value_parser = half_width)]
    half_width: f64,
}

#[derive(Debug, Serialize)]
struct Passes {
    passes: Vec<PassRow>,
}

/// Lists the passes over a place.
pub fn run(arguments: &Arguments, context: &Context) -> anyhow::Result<Outcome> {
    let selection = arguments.selection()?;
    let target = match (arguments.point, &selection.region) {
        (Some((longitude, latitude)), _) => Target::Point(longitude, latitude),
        (None, Some(region)) => Target::Region(region),
        (None, None) => Target::Region(const { &Region::Box(karin_core::LonLatBox::GLOBE) }),
    };
    let (from, to) = bounded(selection.time);
    let passes = Passes {
        passes: passes_over(target, &selection, arguments.half_width * 1e3),
    };
    context.answer(&passes)?;
    if passes.passes.is_empty() {
        let first = first_cycle();
        let hint = match to <= first {
            true => format!(": its first cycle begins {}", format_instant(first.round())),
            false => String::new(),
        };
        let (from, to) = (format_instant(from), format_instant(to));
        context.note(&format!("SWOT does not see it between {from} and {to}{hint}"));
    }
    Ok(Outcome::Done)
}

impl Arguments {
    fn selection(&self) -> anyhow::Result<Selection> {
        let mut builder = Selection::builder();
        if let Some(text) = &self.bbox {
            builder = builder.bbox(text)?;
        }
        if let Some(path) = &self.polygon {
            builder = with_polygon(builder, path)?;
        }
        if let Some(text) = &self.time {
            builder = builder.time(text)?;
        }
        if let Some(text) = &self.phase {
            builder = builder.phase(text)?;
        }
        Ok(builder.build()?)
    }
}

fn point(text: &str) -> Result<(f64, f64), String> {
    let numbers: Result<Vec<f64>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    let expected = "expected longitude,latitude in degrees, as -5.2,43.5";
    match numbers.as_deref() {
        Ok(&[longitude, latitude]) if longitude.abs() <= 720.0 && latitude.abs() <= 90.0 => {
            Ok((longitude, latitude))
        }
        Ok(&[longitude, latitude]) if longitude.abs() <= 90.0 && latitude.abs() <= 720.0 => Err(format!(
            "{latitude} is no latitude: {expected}; did you mean {latitude},{longitude}?"
        )),
        Ok(&[longitude, latitude]) if longitude.is_finite() && latitude.is_finite() => {
            let (number, what) = match latitude.abs() <= 90.0 {
                true => (longitude, "longitude"),
                false => (latitude, "latitude"),
            };
            Err(format!("{number} is no {what}: {expected}"))
        }
        _ => Err(expected.to_owned()),
    }
}

fn half_width(text: &str) -> Result<f64, String> {
    let km = text.parse().ok().filter(|km| (0.1..=200.0).contains(km));
    km.ok_or_else(|| "expected kilometres from 0.1 to 200".to_owned())
}

impl Report for Passes {
    fn write_text(&self, out: &mut dyn std::io::Write) -> std::io::Result<()> {
        let mut table = Table::new([
            "phase",
            "cycle",
            "pass",
            "time (UTC)",
            "direction",
            "distance (km)",
            "side",
        ]);
        for row in &self.passes {
            table.row([
                row.phase.to_string(),
                format!("{:03}", row.cycle_number),
                format!("{:03}", row.pass_number),
                row.time.trim_end_matches('Z').replace('T', " "),
                row.direction.to_owned(),
                format!("{:.1}", row.distance_km),
                row.side.to_owned(),
            ]);
        }
        table.write(out)
    }
}
