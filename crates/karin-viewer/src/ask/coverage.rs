//! Which granules exist.

use serde_json::{Value, json};

use super::common::instant;
use crate::http::problem::Problem;
use crate::http::{Ask, Reply};

/// `coverage`.
pub fn coverage(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let archive = ask.viewer.archive();
    let group = archive.group(ask.params.require("group")?)?;
    let is_collection = archive.source().snapshot().is_some();
    let granules = group.granules.iter().filter_map(|(half_orbit, index)| {
        let entry = archive.entry(*index)?;
        let (start, end) = entry.period.unwrap_or((f64::NAN, f64::NAN));
        Some(json!({
            "cycle": half_orbit.cycle.0,
            "pass": half_orbit.pass.0,
            "version": entry.version.as_ref().map(ToString::to_string),
            "time": [instant(start), instant(end)],
            "bytes": entry.bytes,
            "state": if is_collection { "stored" } else { "file" },
            "own_geometry": !archive.source().has_checked_grid(*index),
        }))
    });
    let granules: Vec<Value> = granules.collect();
    Ok(Reply::Json(json!({
        "group": group.id,
        "cycles": group.cycles(),
        "passes": group.phase.pass_count(),
        "granules": granules,
    })))
}
