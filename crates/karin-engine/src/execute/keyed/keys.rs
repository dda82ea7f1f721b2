//! Keys: the cycle, pass, hour, day or month that a value belongs to.

use std::ops::Range;

use karin_core::time::{Day, Month};
use karin_core::{AttrValue, DType, DatasetError, Values, VariableMeta};

use crate::engine::Engine;
use crate::execute::describe;
use crate::execute::tiles::Tile;
use crate::plan::Column;
use crate::reduction::Target;
use crate::swath::Shape;

/// Seconds of an hour.
const HOUR: f64 = 3600.0;

/// Which values of a tile belong to which key.
pub(super) struct Keys {
    /// Keys and ranges of values, in order.
    pub(super) runs: Vec<(i64, Range<usize>)>,
    /// Times of lines, where they are wanted.
    times: Vec<f64>,
    /// Values per line.
    width: usize,
}

impl Keys {
    /// The keys of a column's `len` values on a tile. Lines without time belong to no day or month.
    pub(super) fn of(
        engine: &Engine<'_>,
        tile: &Tile,
        column: &Column,
        target: &Target,
        len: usize,
        with_times: bool,
    ) -> Result<Self, DatasetError> {
        let by_line = target.is_by_time();
        let along_lines = !matches!(column.shape, Shape::Other(_)) && !tile.lines.is_empty();
        let width = if along_lines { len / tile.lines.len() } else { len };
        let times = if (by_line || with_times) && along_lines {
            let dataset = engine.open(&tile.piece)?;
            let swath = engine.swath(dataset.as_ref(), &tile.group)?;
            swath.times(dataset.as_ref(), tile.lines.clone())?
        } else {
            Vec::new()
        };
        let half_orbit = tile.piece.half_orbit;
        let whole = |key: Option<i64>| key.map(|key| (key, 0..len)).into_iter().collect();
        let runs = match target {
            Target::ByCycle => whole(half_orbit.map(|half_orbit| i64::from(half_orbit.cycle.0))),
            Target::ByPass => whole(half_orbit.map(|half_orbit| i64::from(half_orbit.pass.0))),
            Target::ByDay => runs(&times, width, |time| {
                Day::of(time).map(|day| i64::from(day.number))
            }),
            Target::ByMonth => runs(&times, width, |time| {
                Month::of(time).map(|month| i64::from(month.year) * 12 + i64::from(month.month) - 1)
            }),
            Target::ByHour => runs(&times, width, |time| {
                time.is_finite().then(|| (time / HOUR).floor() as i64)
            }),
            _ => whole(Some(0)),
        };
        Ok(Self {
            runs,
            times,
            width: width.max(1),
        })
    }

    /// Time of the line of a value.
    pub(super) fn time(&self, index: usize) -> Option<f64> {
        self.times.get(index / self.width).copied()
    }
}

/// Runs of lines with one key.
fn runs(times: &[f64], width: usize, key_of: impl Fn(f64) -> Option<i64>) -> Vec<(i64, Range<usize>)> {
    let mut runs: Vec<(i64, Range<usize>)> = Vec::new();
    for (line, time) in times.iter().enumerate() {
        let Some(key) = key_of(*time) else { continue };
        let range = line * width..(line + 1) * width;
        match runs.last_mut() {
            Some((last, run)) if *last == key && run.end == range.start => run.end = range.end,
            _ => runs.push((key, range)),
        }
    }
    runs
}

/// Name of the axis of keys, its type and what it is.
pub(super) fn axis(target: &Target) -> Option<(&'static str, DType, &'static str)> {
    match target {
        Target::ByCycle => Some(("cycle_number", DType::Int16, "cycle number")),
        Target::ByPass => Some(("pass_number", DType::Int16, "pass number")),
        Target::ByHour => Some(("time", DType::Float64, "start of the hour")),
        Target::ByDay => Some(("time", DType::Float64, "start of the day")),
        Target::ByMonth => Some(("time", DType::Float64, "start of the month")),
        _ => None,
    }
}

/// The axis as a variable.
pub(super) fn axis_variable(target: &Target) -> Option<VariableMeta> {
    let (name, dtype, about) = axis(target)?;
    let mut variable = describe::axis(name, dtype, about);
    if name == "time" {
        variable.attributes.set("standard_name", "time");
        variable
            .attributes
            .set("units", "seconds since 2000-01-01 00:00:00.0");
        variable.attributes.set("calendar", AttrValue::from("gregorian"));
    }
    Some(variable)
}

/// Name and values of the axis.
pub(super) fn axis_values(target: &Target, keys: &[i64]) -> Option<(&'static str, Values)> {
    let (name, ..) = axis(target)?;
    let values = match target {
        Target::ByHour => Values::from(keys.iter().map(|key| *key as f64 * HOUR).collect::<Vec<f64>>()),
        Target::ByDay => {
            let start = |key: &i64| i32::try_from(*key).map_or(f64::NAN, |number| Day { number }.start());
            Values::from(keys.iter().map(start).collect::<Vec<f64>>())
        }
        Target::ByMonth => {
            let start = |key: &i64| {
                let (year, month) = (key.div_euclid(12), key.rem_euclid(12) + 1);
                match (i16::try_from(year), i8::try_from(month)) {
                    (Ok(year), Ok(month)) => Month { year, month }.start(),
                    _ => f64::NAN,
                }
            };
            Values::from(keys.iter().map(start).collect::<Vec<f64>>())
        }
        _ => Values::from(
            keys.iter()
                .map(|key| i16::try_from(*key).unwrap_or(0))
                .collect::<Vec<i16>>(),
        ),
    };
    Some((name, values))
}
