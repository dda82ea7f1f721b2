//! What there is: groups, cycles, variables.

use serde_json::{Value, json};

use super::common::instant;
use crate::archive::variables::{default_of, describe_all};
use crate::archive::{Archive, Group};
use crate::http::problem::Problem;
use crate::http::{Ask, Reply};

/// `collections`.
pub fn collections(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let archive = ask.viewer.archive();
    let groups: Vec<Value> = archive
        .groups()
        .iter()
        .map(|group| describe(archive, group))
        .collect();
    let largest = archive.groups().iter().max_by_key(|group| group.granules.len());
    let inputs: Vec<String> = archive
        .inputs()
        .iter()
        .map(|input| input.display().to_string())
        .collect();
    Ok(Reply::Json(json!({
        "karin": env!("CARGO_PKG_VERSION"),
        "snapshot": archive.identity(),
        "state": archive.state(),
        "is_collection": archive.source().snapshot().is_some(),
        "inputs": inputs,
        "xyz_key": ask.viewer.session().xyz_key(),
        "default_group": largest.map(|group| group.id.clone()),
        "groups": groups,
        "layers": super::layers::describe(archive.layers().all()),
    })))
}

fn describe(archive: &Archive, group: &Group) -> Value {
    let entries = || group.granules.values().filter_map(|index| archive.entry(*index));
    let periods = || entries().filter_map(|entry| entry.period);
    let start = periods().map(|period| period.0).fold(f64::INFINITY, f64::min);
    let end = periods().map(|period| period.1).fold(f64::NEG_INFINITY, f64::max);
    let product = group.product.map_or("files", karin_core::Product::name);
    let schema = group.schema.map(|schema| schema.to_string());
    let sides: Vec<&str> = match group.has_sides() {
        true => group.swaths.iter().map(|swath| swath.group.as_str()).collect(),
        false => vec![""],
    };
    let swath = group.swaths.first();
    let title = product.replace('_', " ");
    json!({
        "id": group.id,
        "product": product,
        "schema": schema,
        "phase": group.phase,
        "title": schema.as_ref().map_or(title.clone(), |schema| format!("{title}, version {schema}")),
        "resolution_m": group.resolution_m(),
        "fixed_grid": group.is_fixed,
        "sides": sides,
        "num_lines": swath.map(|swath| swath.num_lines),
        "num_pixels": swath.map(|swath| swath.num_pixels),
        "first_cycle": group.phase.first_cycle().0,
        "pass_count": group.phase.pass_count(),
        "cycles": group.cycles(),
        "granules": group.granules.len(),
        "bytes": entries().map(|entry| entry.bytes).sum::<u64>(),
        "time": [instant(start), instant(end)],
        "default_variable": default_of(group),
        "variables": describe_all(group),
    })
}
