//! How often each flag holds.

use karin_core::{QualityLevel, gate_of};
use rayon::prelude::*;
use serde_json::{Value, json};

use super::area::{per_granule, values};
use super::common::{plan, selection};
use crate::archive::variables::flags_of;
use crate::http::problem::Problem;
use crate::http::{Ask, Reply};
use std::collections::HashMap;

/// `flags`.
pub fn flags(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let view = ask.viewer.view(&ask.params)?;
    let group = ask.viewer.archive().group(&view.group)?;
    let Some(table) = &view.flags else {
        return Err(Problem::invalid(format!("var: {} is no flag", view.name))
            .hint("collections tells which variables are"));
    };
    let selection = selection(group, &ask.params, &[&view.name])?;
    let plan = plan(ask, group, &selection)?;
    let found = per_granule(ask, &plan, |counts: &mut (u64, HashMap<u64, u64>), pass| {
        let width = pass.swath.num_pixels;
        counts.0 += (0..pass.lines.len() * width)
            .filter(|at| pass.keeps(at / width, at % width))
            .count() as u64;
        for (_, _, value) in values(pass, 0) {
            if let Some(bits) = table.bits_of(value) {
                *counts.1.entry(bits).or_default() += 1;
            }
        }
    })?;
    let pixels: u64 = found.par_iter().map(|(_, (pixels, _))| pixels).sum();
    let mut counts: HashMap<u64, u64> = HashMap::new();
    for (bits, count) in found.into_iter().flat_map(|(_, (_, counts))| counts) {
        *counts.entry(bits).or_default() += count;
    }
    let known: u64 = counts.values().sum();
    let meta = group.structure.group(&view.swath.group);
    let described = meta.map_or(Value::Null, |meta| flags_of(meta, &view.name, table));
    let described = described["flags"].as_array().cloned().unwrap_or_default();
    let rows: Vec<Value> = table
        .flags()
        .iter()
        .zip(described)
        .map(|(flag, mut row)| {
            let count: u64 = counts
                .iter()
                .filter(|(bits, _)| flag.holds(**bits))
                .map(|(_, count)| count)
                .sum();
            if let Some(fields) = row.as_object_mut() {
                fields.insert("count".to_owned(), count.into());
            }
            row
        })
        .collect();
    let gate = meta.and_then(|meta| {
        meta.variables
            .iter()
            .filter_map(|variable| gate_of(meta, variable))
            .find(|gate| gate.flag_variable == view.name)
    });
    let kept = gate.map(|gate| {
        let kept = |level: QualityLevel| match level {
            QualityLevel::Any => pixels,
            level => counts
                .iter()
                .filter(|(bits, _)| gate.keeps(**bits, level))
                .map(|(_, count)| count)
                .sum(),
        };
        let levels = [
            QualityLevel::Good,
            QualityLevel::Suspect,
            QualityLevel::Degraded,
            QualityLevel::Any,
        ];
        let fields = levels
            .into_iter()
            .map(|level| (level.name().to_owned(), kept(level).into()));
        Value::Object(fields.collect())
    });
    Ok(Reply::Json(json!({
        "var": view.name,
        "count": pixels,
        "fill": pixels.saturating_sub(known),
        "flags": rows,
        "kept": kept,
    })))
}
