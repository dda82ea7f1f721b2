//! Layers beside the swath: tiles of maps and tracks, and the range of their colours.

use std::sync::Arc;

use serde_json::{Value, json};

use super::common::{instant, list, tile_body};
use super::distribution::spread;
use crate::http::params::{Kind as Text, Parameter};
use crate::http::problem::Problem;
use crate::http::{Ask, Reply};
use crate::layers::{Field, Kind, Layer, LayerVariable, draw};
use crate::tile::{NODATA, Packed, TileId};

/// Most tracks of a tile.
const MOST_TRACKS: usize = 512;
/// Values of which the range of colours is found.
const SAMPLE: usize = 1 << 18;

/// What these questions take.
pub const PARAMETERS: &[Parameter] = &[
    Parameter::new("var", Text::Text, "variable of the layer").required(),
    Parameter::new(
        "steps",
        Text::Text,
        "which of its moments (a map: one) or tracks, counted from 0, as 0-3,7",
    )
    .required(),
];

/// The layers, as `collections` lists them.
pub fn describe(layers: &[Layer]) -> Vec<Value> {
    let variable = |variable: &LayerVariable| {
        json!({
            "name": variable.name,
            "long_name": variable.long_name,
            "standard_name": variable.standard_name,
            "units": variable.units,
            "color_map": variable.color_map.to_string(),
            "diverging": variable.color_map.is_diverging(),
        })
    };
    let layer = |layer: &Layer| {
        let times = layer
            .steps
            .iter()
            .map(|step| json!([instant(step.time.0), instant(step.time.1)]));
        json!({
            "id": layer.id,
            "label": layer.label,
            "kind": layer.kind.name(),
            "default_variable": default_of(layer),
            "times": times.collect::<Vec<_>>(),
            "variables": layer.variables.iter().map(variable).collect::<Vec<_>>(),
        })
    };
    layers.iter().map(layer).collect()
}

/// The variable to begin with: a height, else the first one.
fn default_of(layer: &Layer) -> Option<&str> {
    let last = |variable: &&LayerVariable| {
        variable
            .name
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
    };
    let wanted = ["sla", "ssha", "ssha_mle3", "adt", "ssh", "swh_ku"];
    let find = |name: &&str| layer.variables.iter().find(|variable| last(variable) == **name);
    let found = wanted.iter().find_map(find).or_else(|| layer.variables.first());
    found.map(|variable| variable.name.as_str())
}

/// `layers/{layer}/{z}/{x}/{y}`.
pub fn tile(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let tile = TileId::parse(ask.part("z"), ask.part("x"), ask.part("y"))?;
    let layers = ask.viewer.layers();
    let key = format!(
        "layer {} {} {tile:?} {}",
        layers.identity(),
        ask.part("layer"),
        ask.params.canonical()
    );
    let body = ask.viewer.tile(&key, ask.progress(), || {
        let wanted = wanted(ask)?;
        let values = draw(&wanted.fields, tile);
        let packing = wanted.fields.first().and_then(|field| field.packing.as_ref());
        let packed = Packed::of(&values, packing);
        let also = json!({
            "cells": packed.raw.iter().filter(|raw| **raw != NODATA).count(),
            "units": wanted.variable.units,
        });
        Ok(tile_body(tile, &packed, also))
    })?;
    Ok(Reply::Shared(body))
}

/// `layers/{layer}/range`.
pub fn range(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let wanted = wanted(ask)?;
    let count: usize = wanted.fields.iter().map(|field| field.values.len()).sum();
    let finite = wanted
        .fields
        .iter()
        .flat_map(|field| field.values.iter().copied());
    let mut values: Vec<f64> = finite
        .step_by(count.div_ceil(SAMPLE).max(1))
        .filter(|value| value.is_finite())
        .collect();
    values.sort_unstable_by(f64::total_cmp);
    let is_diverging = wanted.variable.color_map.is_diverging();
    let mut told = spread(&values, is_diverging, true);
    told["units"] = wanted.variable.units.as_str().into();
    Ok(Reply::Json(told))
}

/// What a question is about.
struct Wanted<'a> {
    variable: &'a LayerVariable,
    fields: Vec<Arc<Field>>,
}

fn wanted<'a>(ask: &Ask<'a>) -> Result<Wanted<'a>, Problem> {
    let layers = ask.viewer.layers();
    let (at, layer) = layers.find(ask.part("layer"))?;
    let variable = layer.variable(ask.params.require("var")?)?;
    let steps = list(&ask.params, "steps")?.ok_or_else(|| Problem::invalid("steps is missing"))?;
    if layer.kind == Kind::Map && steps.len() != 1 {
        return Err(Problem::invalid("steps: expected one moment of a map"));
    }
    if steps.len() > MOST_TRACKS {
        return Err(Problem::too_much(format!(
            "steps: at most {MOST_TRACKS} tracks at a time"
        )));
    }
    let fields = steps
        .iter()
        .map(|step| layers.field(at, variable, usize::from(step)));
    Ok(Wanted {
        variable,
        fields: fields.collect::<Result<_, _>>()?,
    })
}
