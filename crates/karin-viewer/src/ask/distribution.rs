//! How values are spread: the range to begin with.

use karin_core::{NumberList, QualityLevel};
use rayon::prelude::*;
use serde_json::{Value, json};

use super::common::{list, num, nums};
use crate::archive::Group;
use crate::http::problem::Problem;
use crate::http::{Ask, Reply};
use crate::view::View;
use karin::engine::{Engine, Piece};
use karin::plot::ColorMap;

/// Granules of a sample.
const GRANULES: usize = 12;
/// Lines that are read of each, in so many pieces.
const LINES: usize = 1024;
const PIECES: usize = 4;
/// Bins of the histogram.
const BINS: usize = 64;
const PARTS: [(&str, f64); 9] = [
    ("0.01", 0.01),
    ("0.02", 0.02),
    ("0.05", 0.05),
    ("0.25", 0.25),
    ("0.5", 0.5),
    ("0.75", 0.75),
    ("0.95", 0.95),
    ("0.98", 0.98),
    ("0.99", 0.99),
];

/// `range`.
pub fn range(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let view = ask.viewer.view(&ask.params)?;
    Ok(Reply::Json(describe(&view, &sorted(ask, &view)?)))
}

/// The range that suits a view.
pub fn suggested(ask: &Ask<'_>, view: &View) -> Result<(f64, f64), Problem> {
    let described = describe(view, &sorted(ask, view)?);
    let end = |at: usize| described["suggested"][at].as_f64();
    Ok(end(0).zip(end(1)).unwrap_or((0.0, 1.0)))
}

/// Values of a sample, ascending.
fn sorted(ask: &Ask<'_>, view: &View) -> Result<Vec<f64>, Problem> {
    let group = ask.viewer.archive().group(&view.group)?;
    let pieces = sample(ask, group, view)?;
    let mut values: Vec<f64> = view.with_engine(ask.threads(), ask.progress(), |engine| {
        let of_piece = |piece: &Piece| lines_of(view, engine, piece).unwrap_or_default();
        let found: Vec<Vec<f64>> = engine.install(|| pieces.par_iter().map(of_piece).collect());
        Ok(found
            .into_iter()
            .flatten()
            .filter(|value| value.is_finite())
            .collect())
    })?;
    values.sort_unstable_by(f64::total_cmp);
    Ok(values)
}

/// Some granules, evenly from all that are meant.
fn sample(ask: &Ask<'_>, group: &Group, view: &View) -> Result<Vec<Piece>, Problem> {
    let is_in =
        |list: &Option<NumberList>, number: u16| list.as_ref().is_none_or(|list| list.contains(number));
    let (cycles, passes) = (list(&ask.params, "cycles")?, list(&ask.params, "passes")?);
    let near: Option<Vec<u16>> = match ask.params.text("bbox") {
        None => None,
        Some(text) => {
            let bounds = text.parse::<karin_core::LonLatBox>()?;
            let window = crate::tracks::Window::of(&bounds);
            Some(
                ask.viewer
                    .tracks(group.phase)
                    .near(&window)
                    .into_iter()
                    .map(|(pass, _)| pass)
                    .collect(),
            )
        }
    };
    let wanted: Vec<Piece> = view
        .pieces()
        .iter()
        .filter(|piece| {
            piece.half_orbit.is_some_and(|half_orbit| {
                let pass = half_orbit.pass.0;
                is_in(&cycles, half_orbit.cycle.0)
                    && is_in(&passes, pass)
                    && near.as_ref().is_none_or(|near| near.contains(&pass))
            })
        })
        .copied()
        .collect();
    if wanted.is_empty() {
        return Err(Problem::missing("no granule is selected"));
    }
    let step = wanted.len().div_ceil(GRANULES);
    Ok(wanted.into_iter().step_by(step).collect())
}

/// Values of some lines of a granule, from all along it.
fn lines_of(view: &View, engine: &Engine<'_>, piece: &Piece) -> Result<Vec<f64>, Problem> {
    let all = view.lines_of(engine, piece)?;
    if all <= LINES {
        return view.real(engine, piece, 0..all);
    }
    let mut values = Vec::new();
    for part in 0..PIECES {
        let start = (2 * part + 1) * all / (2 * PIECES) - LINES / PIECES / 2;
        values.extend(view.real(engine, piece, start..start + LINES / PIECES)?);
    }
    Ok(values)
}

/// What is told of sorted values of a view.
fn describe(view: &View, values: &[f64]) -> Value {
    let is_diverging = ColorMap::suited_to(&view.name, &view.units).is_diverging();
    let mut told = spread(values, is_diverging, !view.is_flag());
    told["units"] = view.units.as_str().into();
    told["quality"] = view.plan.selection().quality.name().into();
    told["gated"] = (view.plan.selection().quality != QualityLevel::Any).into();
    told
}

/// Quantiles, histogram and a range for the colours of sorted values; names have no range.
pub fn spread(values: &[f64], is_diverging: bool, has_range: bool) -> Value {
    let quantile = |part: f64| {
        let last = values.len().checked_sub(1)?;
        values.get((part * last as f64).round() as usize).copied()
    };
    let quantiles: serde_json::Map<String, Value> = PARTS
        .iter()
        .map(|(name, part)| ((*name).to_owned(), quantile(*part).map_or(Value::Null, num)))
        .collect();
    let (low, high) = (quantile(0.02), quantile(0.98));
    let suggested = match (low, high) {
        (Some(low), Some(high)) if has_range => {
            let (low, high) = nice(low, high, is_diverging);
            json!([low, high])
        }
        _ => Value::Null,
    };
    let (edges, counts) = histogram(values, quantile(0.001), quantile(0.999), BINS);
    json!({
        "count": values.len(),
        "min": values.first().map(|value| num(*value)),
        "max": values.last().map(|value| num(*value)),
        "quantiles": quantiles,
        "suggested": suggested,
        "diverging": is_diverging,
        "histogram": {"edges": nums(edges), "counts": counts},
    })
}

/// Round numbers about a range: those with two digits.
fn nice(low: f64, high: f64, is_diverging: bool) -> (f64, f64) {
    let (low, high) = match is_diverging {
        true => (-low.abs().max(high.abs()), low.abs().max(high.abs())),
        false => (low, high),
    };
    let span = if high > low {
        high - low
    } else {
        high.abs().max(1e-3)
    };
    let step = 10_f64.powf(span.log10().floor() - 1.0);
    let (low, high) = ((low / step).floor() * step, (high / step).ceil() * step);
    // Without the noise of the multiplication.
    let clean = |value: f64| format!("{value:.12e}").parse().unwrap_or(value);
    if high > low {
        (clean(low), clean(high))
    } else {
        (clean(low - step), clean(high + step))
    }
}

/// Edges and counts of bins between two values.
fn histogram(sorted: &[f64], low: Option<f64>, high: Option<f64>, bins: usize) -> (Vec<f64>, Vec<usize>) {
    let (Some(low), Some(high)) = (low, high) else {
        return (Vec::new(), Vec::new());
    };
    let width = (high - low) / bins as f64;
    if width.is_nan() || width <= 0.0 {
        return (vec![low, high], vec![sorted.len()]);
    }
    let edges: Vec<f64> = (0..=bins).map(|bin| low + width * bin as f64).collect();
    let below = |edge: f64| sorted.partition_point(|value| *value < edge);
    let counts = edges.windows(2).map(|pair| match pair {
        [from, to] => below(*to) - below(*from),
        _ => 0,
    });
    (edges.clone(), counts.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_rounded_outwards_and_symmetric_where_zero_is_the_middle() {
        assert_eq!(nice(-0.1834, 0.2711, true), (-0.28, 0.28));
        assert_eq!(nice(0.412, 7.93, false), (0.4, 8.0));
        assert_eq!(nice(5.0, 5.0, false), (4.9, 5.1));
        let (low, high) = nice(0.0, 0.0, true);
        assert!(low < high);
    }

    #[test]
    fn every_value_between_the_ends_is_counted_once() {
        let values: Vec<f64> = (0..1000).map(|value| f64::from(value) / 10.0).collect();
        let (edges, counts) = histogram(&values, Some(0.0), Some(100.0), 10);
        assert_eq!((edges.len(), counts), (11, vec![100; 10]));
        assert_eq!(histogram(&[], None, None, 5), (vec![], vec![]));
        assert_eq!(histogram(&[1.0], Some(1.0), Some(1.0), 5).1, [1]);
    }
}
