//! Profiles: values along the flight at a pixel, or across it at a line.

use std::ops::{Range, RangeInclusive};

use karin::engine::Engine;
use karin_core::geo::wrap_180;
use serde_json::{Value, json};

use super::common::{across_m, distance_m, half_orbit, instant, nums};
use crate::http::params::{Kind, Parameter};
use crate::http::problem::Problem;
use crate::http::{Ask, Reply};
use crate::view::View;

/// What this question takes beside values, cycle and pass.
pub const PARAMETERS: &[Parameter] = &[
    Parameter::new("pixel", Kind::Integer, "along the flight at this pixel"),
    Parameter::new("line", Kind::Integer, "across the flight at this line"),
    Parameter::new(
        "half",
        Kind::Integer,
        "so many pixels (or lines) to either side are averaged",
    ),
    Parameter::new("lines", Kind::Text, "lines from 0, both ends included, as 0-511"),
];

/// Most lines of a profile.
const MOST_LINES: usize = 100_000;

/// Values with where and when they are.
#[derive(Default)]
struct Profile {
    index: Vec<usize>,
    longitude: Vec<f64>,
    latitude: Vec<f64>,
    time: Vec<f64>,
    value: Vec<f64>,
    count: Vec<usize>,
}

/// `profile`.
pub fn profile(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let view = ask.viewer.view(&ask.params)?;
    let half_orbit = half_orbit(&ask.params)?;
    let piece = view.piece(half_orbit.cycle.0, half_orbit.pass.0)?;
    let other = view.other(&ask.params, half_orbit.pass.0)?;
    let half = ask.params.integer("half").unwrap_or(0).min(1000);
    let (pixel, line) = (ask.params.integer("pixel"), ask.params.integer("line"));
    view.with_engine(1, ask.progress(), |engine| {
        let all = view.lines_of(engine, &piece)?;
        let width = view.width();
        let profile = match (pixel, line) {
            (Some(pixel), None) => {
                let lines = clip(ask.params.range("lines")?.unwrap_or(0..=usize::MAX - 1), all)?;
                let columns = around(pixel, half, width, "pixel")?;
                let values = view.difference(engine, &piece, other.as_ref(), lines.clone())?;
                along(&view, engine, &piece, &values, lines, pixel, columns)?
            }
            (None, Some(line)) => {
                let lines = around(line, half, all, "line")?;
                let values = view.difference(engine, &piece, other.as_ref(), lines.clone())?;
                across(&view, engine, &piece, &values, lines, line)?
            }
            _ => {
                return Err(Problem::invalid(
                    "give pixel (a profile along the flight) or line (one across it)",
                ));
            }
        };
        Ok(Reply::Json(describe(&view, &profile, pixel.is_some())))
    })
}

/// Lines within those that there are.
fn clip(lines: RangeInclusive<usize>, all: usize) -> Result<Range<usize>, Problem> {
    let lines = *lines.start()..lines.end().saturating_add(1).min(all);
    match lines.len() {
        0 => Err(Problem::missing(format!("lines: the granule has {all}"))),
        count if count > MOST_LINES => Err(Problem::too_much(format!("{count} lines: at most {MOST_LINES}"))),
        _ => Ok(lines),
    }
}

fn around(middle: usize, half: usize, all: usize, name: &str) -> Result<Range<usize>, Problem> {
    if middle >= all {
        return Err(Problem::missing(format!("{name} {middle}: there are {all}")));
    }
    Ok(middle.saturating_sub(half)..(middle + half + 1).min(all))
}

/// Mean of the values that are there, and their number.
fn mean(values: impl Iterator<Item = f64>) -> (f64, usize) {
    let (sum, count) = values
        .filter(|value| value.is_finite())
        .fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    (sum / count as f64, count)
}

fn along(
    view: &View,
    engine: &Engine<'_>,
    piece: &karin::engine::Piece,
    values: &[f64],
    lines: Range<usize>,
    pixel: usize,
    columns: Range<usize>,
) -> Result<Profile, Problem> {
    let (dataset, swath) = engine.swath_of(piece, &view.column.group)?;
    let (longitudes, latitudes) = swath.positions(dataset.as_ref(), lines.clone())?;
    let mut profile = Profile {
        time: swath.times(dataset.as_ref(), lines.clone())?,
        ..Profile::default()
    };
    let width = view.width();
    for (row, line) in lines.enumerate() {
        let own = columns
            .clone()
            .filter_map(|column| values.get(row * width + column).copied());
        let (value, count) = mean(own);
        let at = row * swath.num_pixels + pixel.min(swath.num_pixels - 1);
        profile.index.push(line);
        profile.value.push(value);
        profile.count.push(count);
        profile
            .longitude
            .push(longitudes.get(at).copied().unwrap_or(f64::NAN));
        profile
            .latitude
            .push(latitudes.get(at).copied().unwrap_or(f64::NAN));
    }
    Ok(profile)
}

fn across(
    view: &View,
    engine: &Engine<'_>,
    piece: &karin::engine::Piece,
    values: &[f64],
    lines: Range<usize>,
    line: usize,
) -> Result<Profile, Problem> {
    let (dataset, swath) = engine.swath_of(piece, &view.column.group)?;
    let (longitudes, latitudes) = swath.positions(dataset.as_ref(), line..line + 1)?;
    let width = view.width();
    let mut profile = Profile {
        longitude: longitudes.into_iter().take(width).collect(),
        latitude: latitudes.into_iter().take(width).collect(),
        ..Profile::default()
    };
    for column in 0..width {
        let (value, count) =
            mean((0..lines.len()).filter_map(|row| values.get(row * width + column).copied()));
        profile.index.push(column);
        profile.value.push(value);
        profile.count.push(count);
    }
    Ok(profile)
}

fn describe(view: &View, profile: &Profile, is_along: bool) -> Value {
    let mut distance = Vec::with_capacity(profile.index.len());
    let mut before: Option<(f64, f64)> = None;
    let mut so_far = 0.0;
    for place in profile
        .longitude
        .iter()
        .copied()
        .zip(profile.latitude.iter().copied())
    {
        if place.0.is_finite() && place.1.is_finite() {
            so_far += before.map_or(0.0, |before| distance_m(before, place)) / 1e3;
            before = Some(place);
        }
        distance.push(so_far);
    }
    let mut described = json!({
        "axis": if is_along { "along" } else { "across" },
        "var": view.name,
        "units": view.units,
        "distance_km": nums(distance),
        "lon": nums(profile.longitude.iter().map(|lon| wrap_180(*lon))),
        "lat": nums(profile.latitude.iter().copied()),
        "values": nums(profile.value.iter().copied()),
        "n": profile.count,
    });
    if let Some(fields) = described.as_object_mut() {
        let name = if is_along { "line" } else { "pixel" };
        fields.insert(name.to_owned(), profile.index.clone().into());
        if is_along {
            fields.insert(
                "time".to_owned(),
                profile.time.iter().map(|time| instant(*time)).collect(),
            );
        } else {
            let across = across_m(profile.index.len(), &view.side).map(nums);
            fields.insert("cross_track_m".to_owned(), across.into());
        }
    }
    described
}
