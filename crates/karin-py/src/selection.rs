//! Selections from Python: the words of the command line, option by option.

use std::collections::HashMap;

use karin_core::time::TimeError;
use karin_core::{Selection, SelectionBuilder, SelectionError, TimeRange};
use pyo3::prelude::*;

use crate::errors::OrRaise as _;

/// The selection that a dictionary of texts describes; `lets` are `name=expression`.
pub fn selection_of(words: &HashMap<String, String>, lets: &[String]) -> PyResult<Selection> {
    let mut builder = Selection::builder();
    for (option, text) in words {
        builder = set(builder, option, text).or_raise()?;
    }
    for definition in lets {
        builder = builder.let_(definition).or_raise()?;
    }
    builder.build().or_raise()
}

/// What two ranges of times have in common, as `A..B`; None if that is nothing.
#[pyfunction]
pub fn common_time(first: &str, second: &str) -> PyResult<Option<String>> {
    let (first, second) = (parsed(first)?, parsed(second)?);
    let either = |a: Option<f64>, b: Option<f64>, pick: fn(f64, f64) -> f64| match (a, b) {
        (Some(a), Some(b)) => Some(pick(a, b)),
        (one, None) | (None, one) => one,
    };
    let common = TimeRange {
        start: either(first.start, second.start, f64::max),
        end: either(first.end, second.end, f64::min),
    };
    let is_empty = common
        .start
        .zip(common.end)
        .is_some_and(|(start, end)| start >= end);
    Ok((!is_empty).then(|| common.to_string()))
}

fn parsed(text: &str) -> PyResult<TimeRange> {
    let range: Result<TimeRange, TimeError> = text.parse();
    range.map_err(SelectionError::from).or_raise()
}

fn set(builder: SelectionBuilder, option: &str, text: &str) -> Result<SelectionBuilder, SelectionError> {
    match option {
        "product" => builder.product(text),
        "phase" => builder.phase(text),
        "version" => builder.version(text),
        "cycles" => builder.cycles(text),
        "passes" => builder.passes(text),
        "time" => builder.time(text),
        "bbox" => builder.bbox(text),
        "polygon" => builder.polygon(text),
        "crop" => builder.crop(text),
        "variables" => builder.variables(text),
        "also" => builder.also(text),
        "quality" => builder.quality(text),
        "where" => Ok(builder.where_(text)),
        "nadir" => builder.nadir(text),
        "side" => builder.side(text),
        "from" => Ok(builder.from_height(text)),
        "method" => Ok(builder.method(text)),
        "layout" => builder.layout(text),
        _ => Err(SelectionError::Invalid {
            option: "selection",
            value: option.to_owned(),
            reason: "no such option".to_owned(),
        }),
    }
}
