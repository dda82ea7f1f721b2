//! Data tiles.

use std::sync::Arc;

use serde_json::json;

use super::common::{list, tile_body};
use crate::http::params::{Kind, Parameter, Params};
use crate::http::problem::Problem;
use crate::http::{Ask, Reply};
use crate::tile::{Drawn, Packed, Statistic, TileId, draw};
use crate::view::View;

/// Which cycles.
pub const CYCLES: Parameter =
    Parameter::new("cycles", Kind::Text, "cycle numbers, as 1-10,12: at most 60").required();
/// Which cycles are taken off.
pub const CYCLES_B: Parameter = Parameter::new("cycles_b", Kind::Text, "cycles whose statistic is taken off");
/// Which statistic.
pub const STAT: Parameter = Parameter::new(
    "stat",
    Kind::Word(&Statistic::WORDS),
    "what becomes of values that fall into one pixel [mean; of flags always last]",
);

/// `tiles`.
pub fn tile(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let tile = TileId::parse(ask.part("z"), ask.part("x"), ask.part("y"))?;
    let view = ask.viewer.view(&ask.params)?;
    let key = format!("tile {tile:?} {}", ask.params.canonical());
    let body = ask.viewer.tile(&key, ask.progress(), || {
        let (drawn, statistic) = values(ask, &view, tile)?;
        Ok(body(&view, tile, &drawn, statistic))
    })?;
    Ok(Reply::Shared(body))
}

/// The numbers of a tile, those of `cycles_b` taken off.
pub fn values(ask: &Ask<'_>, view: &View, tile: TileId) -> Result<(Drawn, Statistic), Problem> {
    let statistic = statistic(view, &ask.params)?;
    let views = sides(ask)?;
    let cycles = list(&ask.params, "cycles")?.ok_or_else(|| Problem::invalid("cycles is missing"))?;
    let mut drawn = draw(ask.viewer, &views, tile, &cycles, statistic, ask.progress())?;
    if let Some(others) = list(&ask.params, "cycles_b")? {
        if view.is_flag() {
            return Err(Problem::invalid("cycles_b: flags have no difference"));
        }
        let other = draw(ask.viewer, &views, tile, &others, statistic, ask.progress())?;
        drawn.cells = drawn.cells.min(other.cells);
        let others = other.values.iter().copied().chain(std::iter::repeat(f64::NAN));
        drawn
            .values
            .iter_mut()
            .zip(others)
            .for_each(|(value, other)| *value -= other);
    }
    Ok((drawn, statistic))
}

/// The view that is meant; of products with sides both, unless one is named.
fn sides(ask: &Ask<'_>) -> Result<Vec<Arc<View>>, Problem> {
    let group = ask.viewer.archive().group(ask.params.require("group")?)?;
    let sides: &[&str] = match ask.params.text("side") {
        None if group.has_sides() => &["left", "right"],
        _ => return Ok(vec![ask.viewer.view(&ask.params)?]),
    };
    sides
        .iter()
        .map(|side| ask.viewer.view(&ask.params.with("side", side)))
        .collect()
}

fn statistic(view: &View, params: &Params) -> Result<Statistic, Problem> {
    let word = params.text("stat").unwrap_or("mean");
    let known = Statistic::parse(word).ok_or_else(|| Problem::invalid("stat: unknown"))?;
    Ok(if view.is_flag() && known != Statistic::Count {
        Statistic::Last
    } else {
        known
    })
}

fn body(view: &View, tile: TileId, drawn: &Drawn, statistic: Statistic) -> Vec<u8> {
    // Counts have no packing but that of whole numbers; deviations are no heights.
    let packing = match statistic {
        Statistic::Std => None,
        Statistic::Count => Some(karin_core::Packing::plain(karin_core::DType::Int32)),
        _ if view.column.derived => None,
        _ => view.column.packing.clone(),
    };
    let packed = Packed::of(&drawn.values, packing.as_ref());
    let also = json!({
        "level": drawn.level,
        "cells": if packed.raw.is_empty() { 0 } else { drawn.cells },
        "passes": drawn.passes,
        "units": if statistic == Statistic::Count { "1" } else { view.units.as_str() },
    });
    tile_body(tile, &packed, also)
}
