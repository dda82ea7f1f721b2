//! One pass in all cycles: line by cycle.

use karin::engine::{Engine, Piece};
use rayon::prelude::*;
use serde_json::json;

use super::common::{PASS, instant, list, num};
use crate::http::container::Container;
use crate::http::params::{Kind, Parameter};
use crate::http::problem::Problem;
use crate::http::{Ask, Reply};
use crate::view::{View, number};

/// What this question takes beside values.
pub const PARAMETERS: &[Parameter] = &[
    PASS,
    Parameter::new("pixel", Kind::Integer, "one pixel"),
    Parameter::new(
        "pixels",
        Kind::Text,
        "pixels from 0, both ends included, whose mean is taken [all]",
    ),
    Parameter::new("lines", Kind::Text, "lines from 0, both ends included, as 0-511"),
    Parameter::new("step", Kind::Integer, "lines whose mean is one row [1]"),
    super::common::CYCLES,
];

/// Most numbers of an answer.
const MOST_VALUES: usize = 16 << 20;

/// The lines and pixels of a picture.
struct Axes {
    lines: std::ops::Range<usize>,
    columns: std::ops::Range<usize>,
    step: usize,
    rows: usize,
}

/// `hovmoller`.
pub fn hovmoller(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let view = ask.viewer.view(&ask.params)?;
    let pass = number(ask.params.integer("pass").unwrap_or_default());
    let cycles = list(&ask.params, "cycles")?;
    let pieces: Vec<Piece> = view
        .pieces()
        .iter()
        .filter(|piece| {
            piece.half_orbit.is_some_and(|half_orbit| {
                half_orbit.pass.0 == pass
                    && cycles
                        .as_ref()
                        .is_none_or(|cycles| cycles.contains(half_orbit.cycle.0))
            })
        })
        .copied()
        .collect();
    let first = pieces
        .first()
        .ok_or_else(|| Problem::missing(format!("{} has no granule of pass {pass}", view.group)))?;
    if view.is_flag() {
        return Err(Problem::invalid(
            "var: flags have no mean, which a picture of line by cycle is made of",
        ));
    }
    let archive = ask.viewer.archive();
    view.with_engine(ask.threads(), ask.progress(), |engine| {
        let axes = axes(ask, &view, engine, first)?;
        if axes.rows * pieces.len() > MOST_VALUES {
            let detail = format!("{} rows of {} cycles are too many", axes.rows, pieces.len());
            return Err(Problem::too_much(detail).hint("take a greater step, or fewer lines"));
        }
        let row = |piece: &Piece| rows(&view, engine, piece, &axes).unwrap_or_else(|_| vec![f32::NAN; axes.rows]);
        let found: Vec<Vec<f32>> = engine.install(|| pieces.par_iter().map(row).collect());
        let values: Vec<f32> = found.concat();
        let [line, longitude, latitude] = places(&view, engine, first, &axes)?;
        let mut sorted: Vec<f32> = values.iter().copied().filter(|value| value.is_finite()).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let quantile = |part: f64| {
            let last = sorted.len().checked_sub(1)?;
            sorted.get((part * last as f64).round() as usize).map(|value| num(f64::from(*value)))
        };
        let times = pieces.iter().map(|piece| archive.entry(piece.entry).and_then(|entry| entry.period));
        let header = json!({
            "var": view.name,
            "pass": pass,
            "cycles": pieces.iter().filter_map(|piece| Some(piece.half_orbit?.cycle.0)).collect::<Vec<_>>(),
            "units": view.units,
            "min": quantile(0.0),
            "max": quantile(1.0),
            "quantiles": {"0.02": quantile(0.02), "0.98": quantile(0.98)},
            "times": times.map(|period| period.map_or(serde_json::Value::Null, |period| instant(period.0))).collect::<Vec<_>>(),
            "first_line": axes.lines.start,
            "step": axes.step,
        });
        let shape = [pieces.len(), axes.rows];
        let container = Container::new(header)
            .with("values", &shape, &values)
            .with("line", &[axes.rows], &line)
            .with("lat", &[axes.rows], &latitude)
            .with("lon", &[axes.rows], &longitude);
        Ok(Reply::Arrays(container.finish()))
    })
}

fn axes(ask: &Ask<'_>, view: &View, engine: &Engine<'_>, first: &Piece) -> Result<Axes, Problem> {
    let (all, width) = (view.lines_of(engine, first)?, view.width());
    let lines = ask.params.range("lines")?.unwrap_or(0..=usize::MAX - 1);
    let lines = *lines.start()..lines.end().saturating_add(1).min(all);
    let pixels = ask
        .params
        .range("pixels")?
        .or(ask.params.integer("pixel").map(|pixel| pixel..=pixel))
        .unwrap_or(0..=width - 1);
    let columns = *pixels.start()..pixels.end().saturating_add(1).min(width);
    let step = ask.params.integer("step").unwrap_or(1);
    if lines.is_empty() || columns.is_empty() || !(1..=4096).contains(&step) {
        let detail = format!(
            "lines, pixels or step: the granule has {all} lines of {width} pixels, and steps go from 1 to 4096"
        );
        return Err(Problem::invalid(detail));
    }
    Ok(Axes {
        rows: lines.len().div_ceil(step),
        lines,
        columns,
        step,
    })
}

/// The mean of each row of a granule; NaN where there is none, or where the granule is shorter than the first.
fn rows(view: &View, engine: &Engine<'_>, piece: &Piece, axes: &Axes) -> Result<Vec<f32>, Problem> {
    let all = view.lines_of(engine, piece)?;
    let lines = axes.lines.start.min(all)..axes.lines.end.min(all);
    let values = view.real(engine, piece, lines)?;
    let width = view.width().max(1);
    let mut rows: Vec<f32> = values
        .chunks(width * axes.step)
        .map(|lines| {
            let own = lines
                .chunks(width)
                .filter_map(|line| line.get(axes.columns.clone()))
                .flatten();
            let (sum, count) = own
                .filter(|value| value.is_finite())
                .fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
            (sum / count) as f32
        })
        .collect();
    rows.resize(axes.rows, f32::NAN);
    Ok(rows)
}

/// Line, longitude and latitude of the middle of each row.
fn places(view: &View, engine: &Engine<'_>, piece: &Piece, axes: &Axes) -> Result<[Vec<f32>; 3], Problem> {
    let (dataset, swath) = engine.swath_of(piece, &view.column.group)?;
    let (longitudes, latitudes) = swath.positions(dataset.as_ref(), axes.lines.clone())?;
    let column = (axes.columns.start + axes.columns.end).saturating_sub(1) / 2;
    let (mut line, mut longitude, mut latitude) = (Vec::new(), Vec::new(), Vec::new());
    let mut before: Option<f64> = None;
    for row in 0..axes.rows {
        let first = row * axes.step;
        let last = (first + axes.step).min(axes.lines.len());
        let middle = (first + last - 1) / 2;
        let at = middle * swath.num_pixels + column.min(swath.num_pixels - 1);
        let own = longitudes.get(at).copied().unwrap_or(f64::NAN);
        let continued = before.map_or(own, |before| own - 360.0 * ((own - before) / 360.0).round());
        before = Some(continued)
            .filter(|longitude| longitude.is_finite())
            .or(before);
        line.push(axes.lines.start as f32 + (first + last - 1) as f32 / 2.0);
        longitude.push(continued as f32);
        latitude.push(latitudes.get(at).map_or(f32::NAN, |latitude| *latitude as f32));
    }
    Ok([line, longitude, latitude])
}
