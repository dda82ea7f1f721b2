//! Exact values of one pixel.

use std::ops::Range;

use karin::engine::{Engine, Piece, Plan, Shape, Swath};
use karin_core::geo::wrap_180;
use karin_core::{
    Dataset, FlagTable, GroupMeta, HalfOrbit, Packing, QualityLevel, Slab, VariableMeta, gate_of,
};
use serde_json::{Value, json};

use super::common::{across_m, half_orbit, instant, num, selection};
use super::geometry::geometry_view;
use crate::archive::Group;
use crate::http::params::{Kind, Parameter};
use crate::http::problem::Problem;
use crate::http::{Ask, Reply};
use crate::locate::{Pixel, nearest, passes_seeing};
use crate::view::{FROM, LET, METHOD, SIDE, number};

/// What this question takes beside group and cycle.
pub const PARAMETERS: &[Parameter] = &[
    Parameter::new(
        "lon",
        Kind::Number,
        "degrees east; with lat, instead of pass, line and pixel",
    ),
    Parameter::new("lat", Kind::Number, "degrees north"),
    Parameter::new("pass", Kind::Integer, "pass number"),
    Parameter::new("line", Kind::Integer, "line from 0"),
    Parameter::new("pixel", Kind::Integer, "pixel from 0"),
    Parameter::new("var", Kind::Text, "variable; without any, every stored one").repeatable(),
    LET,
    FROM,
    METHOD,
    SIDE,
];

/// A granule and the pixel of it that is meant.
struct Found {
    piece: Piece,
    pixel: Pixel,
}

/// `point`.
pub fn point(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let group = ask.viewer.archive().group(ask.params.require("group")?)?;
    let places = geometry_view(ask, group)?;
    let swath = places.column.group.clone();
    places.with_engine(1, ask.progress(), |engine| {
        let (found, others) = find(ask, group, &places, engine, &swath)?;
        let (dataset, own) = engine.swath_of(&found.piece, &swath)?;
        let mut values = Vec::new();
        let names: Vec<&str> = ask.params.all("var").collect();
        let meta = dataset
            .root()
            .group(&swath)
            .ok_or_else(|| Problem::missing("the swath is gone"))?;
        for variable in &meta.variables {
            if names.is_empty() || names.contains(&variable.name.as_str()) {
                values.extend(stored(dataset.as_ref(), meta, &own, variable, &found.pixel)?);
            }
        }
        let is_stored = |name: &&str| meta.variables.iter().any(|variable| variable.name == **name);
        let derived: Vec<&str> = names.iter().copied().filter(|name| !is_stored(name)).collect();
        if !derived.is_empty() {
            values.extend(derive(ask, group, &found, &derived)?);
        }
        let time = own.times(dataset.as_ref(), found.pixel.line..found.pixel.line + 1)?;
        let half_orbit = found.piece.half_orbit.unwrap_or(HalfOrbit::new(0, 0));
        let entry = ask.viewer.archive().entry(found.piece.entry);
        Ok(Reply::Json(json!({
            "group": group.id,
            "cycle": half_orbit.cycle.0,
            "pass": half_orbit.pass.0,
            "side": places.side,
            "line": found.pixel.line,
            "pixel": found.pixel.pixel,
            "lon": num(wrap_180(found.pixel.longitude)),
            "lat": num(found.pixel.latitude),
            "distance_m": num(found.pixel.distance_m),
            "time": instant(time.first().copied().unwrap_or(f64::NAN)),
            "cross_track_m": cross_track(dataset.as_ref(), &own, &found.pixel, &places.side)?,
            "granule": entry.map(|entry| entry.label.clone()),
            "values": values,
            "others": others,
        })))
    })
}

/// The pixel that is meant, and other passes that see the place.
fn find(
    ask: &Ask<'_>,
    group: &Group,
    places: &crate::view::View,
    engine: &Engine<'_>,
    swath: &str,
) -> Result<(Found, Vec<Value>), Problem> {
    let cycle = number(ask.params.integer("cycle").unwrap_or_default());
    let (Some(longitude), Some(latitude)) = (ask.params.number("lon"), ask.params.number("lat")) else {
        return Ok((by_index(ask, places, engine, swath)?, Vec::new()));
    };
    check_place(longitude, latitude)?;
    let wanted = ask.params.integer("pass").map(number);
    let mut seen = Vec::new();
    for pass in passes_seeing(ask.viewer.tracks(group.phase), group, longitude, latitude) {
        let Some(piece) = places.find(HalfOrbit::new(cycle, pass)) else {
            continue;
        };
        if let Some(pixel) = nearest(group, engine, &piece, swath, (longitude, latitude))? {
            seen.push(Found { piece, pixel });
        }
    }
    let pass_of = |found: &Found| found.piece.half_orbit.map(|half_orbit| half_orbit.pass.0);
    let best =
        (0..seen.len()).filter(|at| wanted.is_none_or(|pass| seen.get(*at).and_then(pass_of) == Some(pass)));
    let distance = |at: &usize| {
        seen.get(*at)
            .map_or(f64::INFINITY, |found| found.pixel.distance_m)
    };
    let best = best.min_by(|a, b| distance(a).total_cmp(&distance(b)));
    let missing = || {
        Problem::missing(format!("no pixel of cycle {cycle} lies there"))
            .hint("passes tells which passes see a place")
    };
    let found = seen.remove(best.ok_or_else(missing)?);
    let mut others = Vec::new();
    for other in &seen {
        let (dataset, own) = engine.swath_of(&other.piece, swath)?;
        let time = own.times(dataset.as_ref(), other.pixel.line..other.pixel.line + 1)?;
        others.push(json!({
            "pass": pass_of(other),
            "line": other.pixel.line,
            "pixel": other.pixel.pixel,
            "distance_m": num(other.pixel.distance_m),
            "time": instant(time.first().copied().unwrap_or(f64::NAN)),
        }));
    }
    Ok((found, others))
}

/// True places only.
pub fn check_place(longitude: f64, latitude: f64) -> Result<(), Problem> {
    if longitude.abs() <= 720.0 && latitude.abs() <= 90.0 {
        return Ok(());
    }
    Err(Problem::invalid("lon, lat: expected degrees, -90 to 90 north"))
}

fn by_index(
    ask: &Ask<'_>,
    places: &crate::view::View,
    engine: &Engine<'_>,
    swath: &str,
) -> Result<Found, Problem> {
    let (Some(line), Some(pixel)) = (ask.params.integer("line"), ask.params.integer("pixel")) else {
        return Err(Problem::invalid(
            "a place is missing: give lon and lat, or pass, line and pixel",
        ));
    };
    let half_orbit = half_orbit(&ask.params)?;
    let piece = places.piece(half_orbit.cycle.0, half_orbit.pass.0)?;
    let (dataset, own) = engine.swath_of(&piece, swath)?;
    if line >= own.num_lines || pixel >= own.num_pixels {
        let detail = format!(
            "line {line}, pixel {pixel}: the granule has {} lines of {}",
            own.num_lines, own.num_pixels
        );
        return Err(Problem::missing(detail));
    }
    let (longitudes, latitudes) = own.positions(dataset.as_ref(), line..line + 1)?;
    let of = |values: &[f64]| values.get(pixel).copied().unwrap_or(f64::NAN);
    let pixel = Pixel {
        line,
        pixel,
        longitude: of(&longitudes),
        latitude: of(&latitudes),
        distance_m: 0.0,
    };
    Ok(Found { piece, pixel })
}

/// A stored variable at a pixel; `None` if it does not lie along lines.
fn stored(
    dataset: &dyn Dataset,
    meta: &GroupMeta,
    swath: &Swath,
    variable: &VariableMeta,
    at: &Pixel,
) -> Result<Option<Value>, Problem> {
    let path = swath.path(&variable.name);
    let Some((packing, raw)) = raw_at(dataset, swath, &path, at)? else {
        return Ok(None);
    };
    let value = decoded(&packing, raw);
    let table = FlagTable::of(variable);
    let names = |table: &FlagTable| -> Vec<String> {
        let bits = if value.is_nan() { None } else { table.bits_of(raw) };
        bits.map(|bits| table.decode(bits).into_iter().map(str::to_owned).collect())
            .unwrap_or_default()
    };
    let text = |name: &str| variable.attributes.text(name);
    Ok(Some(json!({
        "name": variable.name,
        "kind": if table.is_some() { "flag" } else { "stored" },
        "raw": num(raw),
        "value": num(value),
        "units": text("units").unwrap_or_default(),
        "long_name": text("long_name"),
        "flags": table.as_ref().map(names),
        "gate": gate_at(dataset, meta, swath, variable, at)?,
    })))
}

/// What the quality flag of a variable says there.
fn gate_at(
    dataset: &dyn Dataset,
    meta: &GroupMeta,
    swath: &Swath,
    variable: &VariableMeta,
    at: &Pixel,
) -> Result<Value, Problem> {
    let Some(gate) = gate_of(meta, variable) else {
        return Ok(Value::Null);
    };
    let Some(flag) = meta
        .variables
        .iter()
        .find(|known| known.name == gate.flag_variable)
    else {
        return Ok(Value::Null);
    };
    let Some((packing, raw)) = raw_at(dataset, swath, &swath.path(&flag.name), at)? else {
        return Ok(Value::Null);
    };
    let is_fill = decoded(&packing, raw).is_nan();
    let table = FlagTable::of(flag);
    let bits = table
        .as_ref()
        .and_then(|table| table.bits_of(raw))
        .unwrap_or(if raw < 0.0 { u64::MAX } else { raw as u64 });
    let levels = [QualityLevel::Good, QualityLevel::Suspect, QualityLevel::Degraded];
    let kept_by = levels
        .into_iter()
        .find(|level| !is_fill && gate.keeps(bits, *level))
        .unwrap_or(QualityLevel::Any);
    let names = table.filter(|_| !is_fill).map(|table| {
        table
            .decode(bits)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    Ok(
        json!({"flag": gate.flag_variable, "raw": num(raw), "names": names.unwrap_or_default(), "kept_by": kept_by.name()}),
    )
}

/// The stored number at a pixel.
fn raw_at(
    dataset: &dyn Dataset,
    swath: &Swath,
    path: &str,
    at: &Pixel,
) -> Result<Option<(Packing, f64)>, Problem> {
    let root = dataset.root();
    let (Some(variable), Some(shape)) = (root.variable(path), root.shape(path)) else {
        return Ok(None);
    };
    let start = match swath.shape_of(root, path) {
        Some(Shape::Pixels) if shape.len() == 2 => vec![at.line, at.pixel],
        Some(Shape::Pixels | Shape::Lines(1)) if shape.len() == 1 => vec![at.line],
        _ => return Ok(None),
    };
    let Some(packing) = Packing::of(variable) else {
        return Ok(None);
    };
    let count = vec![1; start.len()];
    let mut values = karin_core::Values::zeros(packing.dtype, 1);
    dataset.read_into(path, &Slab { start, count }, values.as_bytes_mut())?;
    Ok(values
        .to_f64()
        .and_then(|values| values.first().copied())
        .map(|raw| (packing, raw)))
}

/// What a stored number means.
fn decoded(packing: &Packing, raw: f64) -> f64 {
    let is_fill = packing.fill_as::<f64>() == Some(raw) || packing.missing_as::<f64>() == Some(raw);
    if is_fill || raw.is_nan() {
        f64::NAN
    } else {
        packing.unpack(raw)
    }
}

/// Metres right of the track, as the granule says, else as its grid does.
fn cross_track(dataset: &dyn Dataset, swath: &Swath, at: &Pixel, side: &str) -> Result<Value, Problem> {
    let path = swath.path("cross_track_distance");
    let said = raw_at(dataset, swath, &path, at)?.map(|(packing, raw)| decoded(&packing, raw));
    let known = || across_m(swath.num_pixels, side).and_then(|across| across.get(at.pixel).copied());
    Ok(said.or_else(known).map_or(Value::Null, num))
}

/// Derived variables at a pixel.
fn derive(ask: &Ask<'_>, group: &Group, found: &Found, names: &[&str]) -> Result<Vec<Value>, Problem> {
    let selection = selection(group, &ask.params, names)?;
    let mut plans = Plan::new(
        std::sync::Arc::clone(ask.viewer.archive().source()),
        &selection,
        ask.progress(),
    )?;
    let plan = plans
        .pop()
        .ok_or_else(|| Problem::missing("there is no granule"))?;
    let position = plan
        .pieces()
        .iter()
        .position(|piece| piece.half_orbit == found.piece.half_orbit);
    let plan = plan.only(position);
    let engine = Engine::new(&plan, ask.viewer.archive().resources(), ask.progress())?;
    let piece = plan
        .pieces()
        .first()
        .ok_or_else(|| Problem::missing("there is no such granule"))?;
    let lines: Range<usize> = found.pixel.line..found.pixel.line + 1;
    let mut values = Vec::new();
    for column in plan.columns() {
        let row = engine.field(piece, column, lines.clone())?;
        let text = |name: &str| column.meta.attributes.text(name);
        values.push(json!({
            "name": column.name,
            "kind": "derived",
            "raw": null,
            "value": row.get(found.pixel.pixel).map_or(Value::Null, |value| num(*value)),
            "units": text("units").unwrap_or_default(),
            "long_name": text("long_name"),
            "flags": null,
            "gate": null,
        }));
    }
    Ok(values)
}
