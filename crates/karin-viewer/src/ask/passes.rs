//! Which passes see a place, past and future.

use karin::passes::{bounded, passes_over};
use karin_core::orbit::Target;
use karin_core::time::format_instant;
use karin_core::{HalfOrbit, Selection};
use serde_json::{Value, json};

use super::common::with_area;
use super::point::check_place;
use crate::http::params::{Kind, Parameter};
use crate::http::problem::Problem;
use crate::http::{Ask, Reply};

/// What this question takes.
pub const PARAMETERS: &[Parameter] = &[
    Parameter::new("lon", Kind::Number, "degrees east"),
    Parameter::new("lat", Kind::Number, "degrees north"),
    super::common::BBOX,
    super::common::POLYGON,
    Parameter::new(
        "time",
        Kind::Text,
        "when, past or future, A..B [one cycle from now]",
    ),
    Parameter::new(
        "phase",
        Kind::Word(&["calval", "science"]),
        "phase of the mission [science]",
    ),
    Parameter::new(
        "half_width_km",
        Kind::Number,
        "how far from nadir a place counts as seen [60]",
    ),
    Parameter::new("group", Kind::Text, "tells which of them this group has"),
];

/// Most passes of an answer.
const MOST: usize = 20_000;

/// `passes`.
pub fn passes(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let params = &ask.params;
    let group = params
        .text("group")
        .map(|id| ask.viewer.archive().group(id))
        .transpose()?;
    let phase = params
        .text("phase")
        .unwrap_or_else(|| group.map_or("science", |group| group.phase.name()));
    let selection = with_area(Selection::builder().phase(phase)?, params)?.build()?;
    let half_width = params.number("half_width_km").unwrap_or(60.0);
    if !(0.1..=200.0).contains(&half_width) {
        return Err(Problem::invalid("half_width_km: expected 0.1 to 200"));
    }
    let target = match (params.number("lon").zip(params.number("lat")), &selection.region) {
        (Some((longitude, latitude)), None) => {
            check_place(longitude, latitude)?;
            Target::Point(longitude, latitude)
        }
        (None, Some(region)) => Target::Region(region),
        (Some(_), Some(_)) => {
            return Err(Problem::invalid(
                "give a place (lon, lat) or an area (bbox, polygon), not both",
            ));
        }
        (None, None) => {
            return Err(Problem::invalid(
                "a place is missing: give lon and lat, bbox or polygon",
            ));
        }
    };
    let (from, to) = bounded(selection.time);
    let found = passes_over(target, &selection, half_width * 1e3);
    if found.len() > MOST {
        let detail = format!("{} passes: at most {MOST}", found.len());
        return Err(Problem::too_much(detail).hint("take a shorter time or a smaller area"));
    }
    let rows: Vec<Value> = found
        .iter()
        .map(|row| {
            let half_orbit = HalfOrbit::new(row.cycle_number, row.pass_number);
            json!({
                "phase": row.phase,
                "cycle": row.cycle_number,
                "pass": row.pass_number,
                "time": row.time,
                "direction": row.direction,
                "distance_km": row.distance_km,
                "side": row.side,
                "present": group.map(|group| group.granules.contains_key(&half_orbit)),
            })
        })
        .collect();
    Ok(Reply::Json(
        json!({"from": format_instant(from.floor()), "to": format_instant(to.ceil()), "passes": rows}),
    ))
}
