//! Native values of some lines.

use std::ops::Range;

use karin::engine::{Engine, Piece};
use karin_core::{Number, Packing, Values};
use serde_json::{Value, json};

use super::common::half_orbit;
use crate::archive::variables::fill_of;
use crate::http::container::Container;
use crate::http::params::{Kind, Parameter};
use crate::http::problem::Problem;
use crate::http::{Ask, Reply};
use crate::view::View;

/// Which lines.
pub const LINES: Parameter =
    Parameter::new("lines", Kind::Text, "lines from 0, both ends included, as 0-511").required();
/// How coarse.
pub const LEVEL: Parameter = Parameter::new(
    "level",
    Kind::Word(&["0", "1", "2", "3"]),
    "blocks of 2^level lines by 2^level pixels",
);

/// Most native lines of an answer at level 0.
const MOST_LINES: usize = 4096;

/// Values as they go out.
enum Strip {
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    UInt32(Vec<u32>),
    Float32(Vec<f32>),
}

/// `strips`.
pub fn strips(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let view = ask.viewer.view(&ask.params)?;
    let half_orbit = half_orbit(&ask.params)?;
    let piece = view.piece(half_orbit.cycle.0, half_orbit.pass.0)?;
    let other = view.other(&ask.params, half_orbit.pass.0)?;
    let block = 1 << ask.params.integer("level").unwrap_or(0);
    let asked = ask.params.range("lines")?.unwrap_or(0..=0);
    view.with_engine(1, ask.progress(), |engine| {
        let all = view.lines_of(engine, &piece)?;
        let lines = asked.start() / block * block..asked.end().saturating_add(1).min(all);
        if lines.is_empty() {
            return Err(Problem::missing(format!("lines: the granule has {all}")));
        }
        if lines.len() > MOST_LINES * block {
            let detail = format!(
                "{} lines: at most {} at this level",
                lines.len(),
                MOST_LINES * block
            );
            return Err(Problem::too_much(detail).hint("ask for them in parts"));
        }
        let (strip, packing) = read(&view, engine, &piece, other.as_ref(), lines.clone())?;
        let width = view.width();
        let (strip, shape) = coarser(strip, &packing, &view, (lines.len(), width), block);
        let times = times(engine, &view, &piece, lines.clone(), block)?;
        let header = json!({
            "group": view.group,
            "var": view.name,
            "cycle": half_orbit.cycle.0,
            "pass": half_orbit.pass.0,
            "side": view.side,
            "first_line": lines.start,
            "lines": lines.len(),
            "level": block.trailing_zeros(),
            "rows": shape.0,
            "columns": shape.1,
            "scale": packing.scale,
            "offset": packing.offset,
            "fill": fill_of(&packing),
            "units": view.units,
            "valid": valid(&strip, &packing),
            "cycle_b": ask.params.integer("cycle_b"),
        });
        let container = Container::new(header);
        let shape = [shape.0, shape.1];
        let container = match &strip {
            Strip::Int16(values) => container.with("values", &shape, values),
            Strip::Int32(values) => container.with("values", &shape, values),
            Strip::UInt32(values) => container.with("values", &shape, values),
            Strip::Float32(values) => container.with("values", &shape, values),
        };
        Ok(Reply::Arrays(
            container.with("time", &[times.len()], &times).finish(),
        ))
    })
}

/// Values in a type that textures know, with what they mean.
fn read(
    view: &View,
    engine: &Engine<'_>,
    piece: &Piece,
    other: Option<&Piece>,
    lines: Range<usize>,
) -> Result<(Strip, Packing), Problem> {
    let real = |values: Vec<f64>| Strip::Float32(values.into_iter().map(|value| value as f32).collect());
    let plain = || Packing {
        fill: None,
        ..Packing::plain(karin_core::DType::Float32)
    };
    if other.is_some() {
        let values = view.difference(engine, piece, other, lines)?;
        return Ok((real(values), plain()));
    }
    let (values, mut packing) = view.stored(engine, piece, lines)?;
    // `missing_value` is another word for fill; outside there is one.
    macro_rules! integers {
        ($values:expr, $variant:ident: $type:ty) => {{
            let values = $values;
            let (fill, missing) = (packing.fill, packing.missing.take());
            let is_missing = |value: i64| {
                missing == Some(Number::Signed(value)) || missing == Some(Number::Unsigned(value as u64))
            };
            let fill_raw = match fill {
                Some(Number::Signed(fill)) => fill,
                Some(Number::Unsigned(fill)) => fill as i64,
                _ => 0,
            };
            Strip::$variant(
                values
                    .into_iter()
                    .map(|value| {
                        let value = i64::from(value);
                        (if is_missing(value) { fill_raw } else { value }) as $type
                    })
                    .collect(),
            )
        }};
    }
    let strip = match values {
        Values::Int8(values) => integers!(values, Int16: i16),
        Values::UInt8(values) => integers!(values, Int16: i16),
        Values::Int16(values) => integers!(values, Int16: i16),
        Values::UInt16(values) => integers!(values, Int32: i32),
        Values::Int32(values) => integers!(values, Int32: i32),
        Values::UInt32(values) => integers!(values, UInt32: u32),
        other => {
            let values = packing
                .decode(&other)
                .map_err(|error| Problem::invalid(error.to_string()))?;
            packing = plain();
            real(values)
        }
    };
    Ok((strip, packing))
}

/// Blocks of values: their mean; of flags every bit that is set, or the greatest number.
fn coarser(
    strip: Strip,
    packing: &Packing,
    view: &View,
    native: (usize, usize),
    block: usize,
) -> (Strip, (usize, usize)) {
    if block == 1 {
        return (strip, native);
    }
    let shape = (native.0.div_ceil(block), native.1.div_ceil(block));
    let blocks = || (0..shape.0).flat_map(move |row| (0..shape.1).map(move |column| (row, column)));
    let cells = |(row, column): (usize, usize)| {
        let rows = row * block..native.0.min((row + 1) * block);
        rows.flat_map(move |row| {
            (column * block..native.1.min((column + 1) * block)).map(move |column| row * native.1 + column)
        })
    };
    let (is_flag, is_bits) = (view.is_flag(), view.is_bits());
    macro_rules! integers {
        ($values:expr, $type:ty) => {{
            let fill = packing.fill_as::<$type>();
            let joined = |at| {
                let found = || {
                    cells(at)
                        .filter_map(|cell| $values.get(cell).copied())
                        .filter(|value| Some(*value) != fill)
                };
                let count = found().count();
                match () {
                    () if count == 0 => fill.unwrap_or_default(),
                    () if is_bits => found().fold(0, |all, value| all | value),
                    () if is_flag => found().max().unwrap_or_default(),
                    () => (found().map(f64::from).sum::<f64>() / count as f64).round() as $type,
                }
            };
            blocks().map(joined).collect()
        }};
    }
    let joined = match &strip {
        Strip::Int16(values) => Strip::Int16(integers!(values, i16)),
        Strip::Int32(values) => Strip::Int32(integers!(values, i32)),
        Strip::UInt32(values) => Strip::UInt32(integers!(values, u32)),
        Strip::Float32(values) => {
            let mean = |at| {
                let found = || {
                    cells(at)
                        .filter_map(|cell| values.get(cell).copied())
                        .filter(|value| value.is_finite())
                };
                (found().map(f64::from).sum::<f64>() / found().count() as f64) as f32
            };
            Strip::Float32(blocks().map(mean).collect())
        }
    };
    (joined, shape)
}

/// Time of the first line of each row.
fn times(
    engine: &Engine<'_>,
    view: &View,
    piece: &Piece,
    lines: Range<usize>,
    block: usize,
) -> Result<Vec<f64>, Problem> {
    let (dataset, swath) = engine.swath_of(piece, &view.column.group)?;
    Ok(swath
        .times(dataset.as_ref(), lines)?
        .into_iter()
        .step_by(block)
        .collect())
}

fn valid(strip: &Strip, packing: &Packing) -> Value {
    let count = match strip {
        Strip::Int16(values) => count(values, packing.fill_as()),
        Strip::Int32(values) => count(values, packing.fill_as()),
        Strip::UInt32(values) => count(values, packing.fill_as()),
        Strip::Float32(values) => values.iter().filter(|value| value.is_finite()).count(),
    };
    count.into()
}

fn count<T: PartialEq + Copy>(values: &[T], fill: Option<T>) -> usize {
    values.iter().filter(|value| Some(**value) != fill).count()
}
