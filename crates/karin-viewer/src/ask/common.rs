//! What several questions share: parameters, places, numbers for JSON.

use std::collections::BTreeSet;
use std::sync::Arc;

use karin::engine::Plan;
use karin_core::orbit::{FixedGrid, SwathSide};
use karin_core::time::format_instant;
use karin_core::{HalfOrbit, NumberList, Selection, SelectionBuilder};
use serde_json::{Value, json};

use crate::archive::Group;
use crate::http::Ask;
use crate::http::container::Container;
use crate::http::params::{Kind, Parameter, Params, short};
use crate::http::problem::Problem;
use crate::tile::{NODATA, Packed, SIDE, TileId};
use crate::tracks::Window;
pub use crate::view::GROUP;
use crate::view::{number, selection_of, side_of};

/// Variables of a file.
pub const VARIABLES: Parameter = Parameter::new("var", Kind::Text, "variable; without any, all").repeatable();
/// The format of a file.
pub const FORMAT: Parameter = Parameter::new(
    "format",
    Kind::Word(&["nc", "zarr", "parquet", "csv", "png"]),
    "format of the file [nc]",
);
/// One cycle.
pub const CYCLE: Parameter = Parameter::new("cycle", Kind::Integer, "cycle number").required();
/// The cycle that is taken off.
pub const CYCLE_B: Parameter = Parameter::new(
    "cycle_b",
    Kind::Integer,
    "cycle whose values are taken off, pixel by pixel",
);
/// One pass.
pub const PASS: Parameter = Parameter::new("pass", Kind::Integer, "pass number").required();
/// Cycles.
pub const CYCLES: Parameter = Parameter::new("cycles", Kind::Text, "cycle numbers, as 1-10,12");
/// Passes.
pub const PASSES: Parameter = Parameter::new("passes", Kind::Text, "pass numbers, as 1-10,12");
/// A box.
pub const BBOX: Parameter = Parameter::new(
    "bbox",
    Kind::Text,
    "box in degrees: west,south,east,north; W > E crosses the antimeridian",
);
/// A polygon.
pub const POLYGON: Parameter = Parameter::new(
    "polygon",
    Kind::Text,
    "corners lon,lat;lon,lat;…, or a GeoJSON geometry",
);
/// Times.
pub const TIME: Parameter = Parameter::new("time", Kind::Text, "lines by their own time, A..B");
/// An area, and what else restricts granules.
pub const AREA: &[Parameter] = &[CYCLES, PASSES, TIME, BBOX, POLYGON];

/// Most corners of a polygon.
const MOST_CORNERS: usize = 2000;
/// Native cells that one question may look at: three global cycles of a 2 km product.
pub const MOST_CELLS: usize = 1_300_000_000;

/// Cycle and pass of the parameters.
pub fn half_orbit(params: &Params) -> Result<HalfOrbit, Problem> {
    let of = |name: &str| {
        params
            .integer(name)
            .map(number)
            .ok_or_else(|| Problem::invalid(format!("{name} is missing")))
    };
    Ok(HalfOrbit::new(of("cycle")?, of("pass")?))
}

/// Numbers of a list; `None` if it is not given.
pub fn list(params: &Params, name: &'static str) -> Result<Option<NumberList>, Problem> {
    let Some(text) = params.text(name) else {
        return Ok(None);
    };
    let parsed: NumberList = text
        .parse()
        .map_err(|error| Problem::invalid(format!("{name}: {error}")))?;
    if parsed.is_empty() {
        return Err(Problem::invalid(format!("{name} is an empty list")));
    }
    Ok(Some(parsed))
}

/// A selection with the area that the parameters name.
pub fn with_area(mut builder: SelectionBuilder, params: &Params) -> Result<SelectionBuilder, Problem> {
    if let Some(text) = params.text("cycles") {
        builder = builder.cycles(text)?;
    }
    if let Some(text) = params.text("passes") {
        builder = builder.passes(text)?;
    }
    if let Some(text) = params.text("time") {
        builder = builder.time(text)?;
    }
    if let Some(text) = params.text("bbox") {
        builder = builder.bbox(text)?;
    }
    if let Some(text) = params.text("polygon") {
        builder = builder.polygon(&geojson(text)?)?;
    }
    Ok(builder)
}

/// GeoJSON of a polygon, which may be given as such.
fn geojson(text: &str) -> Result<String, Problem> {
    if text.trim_start().starts_with('{') {
        if text.matches('[').count() > MOST_CORNERS + 16 {
            return Err(
                Problem::too_much(format!("polygon: more than {MOST_CORNERS} corners")).hint("simplify it"),
            );
        }
        return Ok(text.to_owned());
    }
    let wrong = || {
        Problem::invalid(format!(
            "polygon '{}': expected lon,lat;lon,lat;lon,lat",
            short(text)
        ))
    };
    let mut corners = Vec::new();
    for pair in text.split(';').filter(|pair| !pair.trim().is_empty()) {
        if corners.len() == MOST_CORNERS {
            return Err(
                Problem::too_much(format!("polygon: more than {MOST_CORNERS} corners")).hint("simplify it"),
            );
        }
        let (longitude, latitude) = pair.split_once(',').ok_or_else(wrong)?;
        match (longitude.trim().parse::<f64>(), latitude.trim().parse::<f64>()) {
            (Ok(longitude), Ok(latitude)) if longitude.is_finite() && latitude.is_finite() => {
                corners.push([longitude, latitude])
            }
            _ => return Err(wrong()),
        }
    }
    if corners.len() < 3 {
        return Err(wrong());
    }
    if corners.first() != corners.last() {
        corners.extend(corners.first().copied());
    }
    Ok(json!({"type": "Polygon", "coordinates": [corners]}).to_string())
}

/// The selection of the parameters: values, area, and these variables.
pub fn selection(group: &Group, params: &Params, variables: &[&str]) -> Result<Selection, Problem> {
    let mut builder = with_area(selection_of(group, params)?, params)?;
    for name in variables {
        builder = builder.variables(name)?;
    }
    let side = side_of(group, params);
    if !side.is_empty() {
        builder = builder.side(side)?;
    }
    Ok(builder.build()?)
}

/// The plan of a selection: passes that do not come near its region are left out by the orbit model.
///
/// # Errors
/// If nothing is left, or it would look at more than [`MOST_CELLS`].
pub fn plan(ask: &Ask<'_>, group: &Group, selection: &Selection) -> Result<Plan, Problem> {
    let mut plans = Plan::new(
        Arc::clone(ask.viewer.archive().source()),
        selection,
        ask.progress(),
    )?;
    let plan = plans
        .pop()
        .ok_or_else(|| Problem::missing("no granule is selected"))?;
    let tracks = ask.viewer.tracks(group.phase);
    let near: Option<BTreeSet<u16>> = selection.region.as_ref().map(|region| {
        let windows = region.bounds().into_iter().map(|bounds| Window::of(&bounds));
        windows
            .flat_map(|window| tracks.near(&window))
            .map(|(pass, _)| pass)
            .collect()
    });
    let is_near = |half_orbit: Option<HalfOrbit>| match (&near, half_orbit) {
        (Some(near), Some(half_orbit)) => near.contains(&half_orbit.pass.0),
        _ => true,
    };
    let positions = plan
        .pieces()
        .iter()
        .enumerate()
        .filter(|(_, piece)| is_near(piece.half_orbit))
        .map(|(at, _)| at);
    let plan = plan.only(positions.collect::<Vec<_>>());
    if plan.pieces().is_empty() {
        return Err(Problem::missing("no granule sees that place").hint("passes tells which passes do"));
    }
    let cells = plan.pieces().len() * plan.swaths().iter().map(karin::engine::Swath::len).sum::<usize>();
    if cells > MOST_CELLS {
        let detail = format!(
            "{} granules are more than one question may look at",
            plan.pieces().len()
        );
        return Err(Problem::too_much(detail)
            .hint("ask for fewer cycles or a smaller area, or take the command line"));
    }
    Ok(plan)
}

/// The answer of a data tile: its numbers, and what tells what they mean; `also` adds to that.
pub fn tile_body(tile: TileId, packed: &Packed, also: Value) -> Vec<u8> {
    let mut header = json!({
        "z": tile.z,
        "x": tile.x,
        "y": tile.y,
        "scale": packed.scale,
        "offset": packed.offset,
        "nodata": NODATA,
        "exact": packed.is_exact,
        "min": packed.bounds.map(|bounds| num(bounds.0)),
        "max": packed.bounds.map(|bounds| num(bounds.1)),
    });
    if let (Value::Object(fields), Value::Object(also)) = (&mut header, also) {
        fields.extend(also);
    }
    let container = Container::new(header);
    match packed.raw.is_empty() {
        true => container.finish(),
        false => container.with("values", &[SIDE, SIDE], &packed.raw).finish(),
    }
}

/// A number, or `null` where it is none.
pub fn num(value: f64) -> Value {
    serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// Numbers, each `null` where it is none.
pub fn nums(values: impl IntoIterator<Item = f64>) -> Vec<Value> {
    values.into_iter().map(num).collect()
}

/// An instant to the millisecond, or `null`.
pub fn instant(seconds: f64) -> Value {
    if seconds.is_finite() {
        format_instant((seconds * 1e3).round() / 1e3).into()
    } else {
        Value::Null
    }
}

/// Metres right of the track of every pixel, where the grid is one that is known.
pub fn across_m(pixels: usize, side: &str) -> Option<Vec<f64>> {
    match (pixels, side) {
        (FixedGrid::PIXELS, "") => Some(FixedGrid::across_m().to_vec()),
        (SwathSide::PIXELS, "left") => Some(SwathSide::Left.across_m().to_vec()),
        (SwathSide::PIXELS, "right") => Some(SwathSide::Right.across_m().to_vec()),
        _ => None,
    }
}

/// Metres between two places on a sphere.
pub fn distance_m(a: (f64, f64), b: (f64, f64)) -> f64 {
    let [dlon, dlat] = [(b.0 - a.0).to_radians(), (b.1 - a.1).to_radians()];
    let h = (dlat / 2.0).sin().powi(2)
        + a.1.to_radians().cos() * b.1.to_radians().cos() * (dlon / 2.0).sin().powi(2);
    2.0 * 6_371_008.8 * h.sqrt().min(1.0).asin()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn polygons_are_closed_and_bounded() {
        let closed = geojson("0,0; 10,0;10,10").unwrap();
        assert_eq!(
            closed,
            r#"{"type":"Polygon","coordinates":[[[0.0,0.0],[10.0,0.0],[10.0,10.0],[0.0,0.0]]]}"#
        );
        for wrong in ["", "0,0;1,1", "a,b;c,d;e,f", "0,0;1,1;2,inf", "0;1;2"] {
            assert!(geojson(wrong).is_err(), "{wrong}");
        }
        let long = "1,1;".repeat(3000);
        assert_eq!(geojson(&long).unwrap_err().status(), 413);
    }

    #[test]
    fn a_degree_is_111_km() {
        assert!((distance_m((0.0, 0.0), (1.0, 0.0)) - 111_195.0).abs() < 1.0);
        assert!((distance_m((179.5, 0.0), (-179.5, 0.0)) - 111_195.0).abs() < 1.0);
    }
}
