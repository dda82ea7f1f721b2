//! Series over time: of a point, or of an area.

use std::collections::HashMap;
use std::sync::Mutex;

use karin::engine::{Engine, Piece};
use karin_core::NumberList;
use rayon::prelude::*;
use serde_json::{Value, json};

use super::area::{half_orbit, per_granule, values};
use super::common::{instant, list, num, plan, selection};
use super::point::check_place;
use crate::archive::Group;
use crate::http::params::{Kind, Parameter};
use crate::http::problem::Problem;
use crate::http::{Ask, Reply};
use crate::locate::{Pixel, nearest, passes_seeing};
use crate::view::View;

/// A place.
pub const PLACE: &[Parameter] = &[
    Parameter::new("lon", Kind::Number, "degrees east"),
    Parameter::new("lat", Kind::Number, "degrees north"),
    Parameter::new(
        "radius_km",
        Kind::Number,
        "mean of the pixels so near [0: the nearest pixel]",
    ),
];

/// One granule's contribution.
#[derive(Default)]
struct Total {
    count: u64,
    mean: f64,
    squares: f64,
    time: f64,
}

impl Total {
    fn add(&mut self, value: f64, time: f64) {
        self.count += 1;
        let delta = value - self.mean;
        self.mean += delta / self.count as f64;
        self.squares += delta * (value - self.mean);
        if time.is_finite() {
            self.time += (time - self.time) / self.count as f64;
        }
    }
}

/// `series`.
pub fn series(ask: &Ask<'_>) -> Result<Reply, Problem> {
    let view = ask.viewer.view(&ask.params)?;
    let group = ask.viewer.archive().group(&view.group)?;
    let place = ask.params.number("lon").zip(ask.params.number("lat"));
    let has_area = ask.params.text("bbox").or(ask.params.text("polygon")).is_some();
    let points = match place {
        Some(_) if has_area => {
            return Err(Problem::invalid(
                "give a place (lon, lat) or an area (bbox, polygon), not both",
            ));
        }
        Some(place) => {
            check_place(place.0, place.1)?;
            match ask.params.number("radius_km").unwrap_or(0.0) {
                radius if radius > 0.0 => of_circle(ask, group, &view, place, radius)?,
                _ => of_pixel(ask, group, &view, place)?,
            }
        }
        None if has_area => of_area(ask, group, &view)?,
        None => {
            return Err(Problem::invalid(
                "a place is missing: give lon and lat, bbox or polygon",
            ));
        }
    };
    Ok(Reply::Json(
        json!({"var": view.name, "units": view.units, "points": points}),
    ))
}

/// The nearest pixel of every pass that sees a place.
fn of_pixel(ask: &Ask<'_>, group: &Group, view: &View, place: (f64, f64)) -> Result<Vec<Value>, Problem> {
    let (cycles, passes) = (list(&ask.params, "cycles")?, list(&ask.params, "passes")?);
    let seeing = passes_seeing(ask.viewer.tracks(group.phase), group, place.0, place.1);
    let is_in = |list: &Option<NumberList>, number| list.as_ref().is_none_or(|list| list.contains(number));
    let is_wanted = |piece: &&Piece| {
        piece.half_orbit.is_some_and(|half_orbit| {
            let (cycle, pass) = (half_orbit.cycle.0, half_orbit.pass.0);
            seeing.binary_search(&pass).is_ok() && is_in(&cycles, cycle) && is_in(&passes, pass)
        })
    };
    let pieces: Vec<Piece> = view.pieces().iter().filter(is_wanted).copied().collect();
    // Of fixed grids a pass is looked through once for all its cycles.
    let known: Mutex<HashMap<u16, Option<Pixel>>> = Mutex::default();
    view.with_engine(ask.threads(), ask.progress(), |engine| {
        let locate = |piece: &Piece| -> Result<Option<Pixel>, Problem> {
            let pass = half_orbit(piece).pass.0;
            let lock = || known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let before = if group.is_fixed {
                lock().get(&pass).copied()
            } else {
                None
            };
            if let Some(found) = before {
                return Ok(found);
            }
            let found = nearest(group, engine, piece, &view.column.group, place)?;
            lock().insert(pass, found);
            Ok(found)
        };
        let point = |piece: &Piece| {
            let pixel = locate(piece).ok().flatten()?;
            at_pixel(view, engine, piece, &pixel).ok()
        };
        let mut points: Vec<(f64, Value)> = engine.install(|| pieces.par_iter().filter_map(point).collect());
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ok(points.into_iter().map(|(_, point)| point).collect())
    })
}

fn at_pixel(view: &View, engine: &Engine<'_>, piece: &Piece, pixel: &Pixel) -> Result<(f64, Value), Problem> {
    let lines = pixel.line..pixel.line + 1;
    let row = view.real(engine, piece, lines.clone())?;
    let (dataset, swath) = engine.swath_of(piece, &view.column.group)?;
    let time = swath
        .times(dataset.as_ref(), lines)?
        .first()
        .copied()
        .unwrap_or(f64::NAN);
    let value = row
        .get(pixel.pixel.min(row.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN);
    let half_orbit = half_orbit(piece);
    let point = json!({
        "cycle": half_orbit.cycle.0,
        "pass": half_orbit.pass.0,
        "time": instant(time),
        "value": num(value),
        "std": null,
        "n": u8::from(value.is_finite()),
        "line": pixel.line,
        "pixel": pixel.pixel,
        "distance_m": num(pixel.distance_m),
    });
    Ok((time, point))
}

/// The mean of the pixels inside the area of the parameters, granule by granule.
fn of_area(ask: &Ask<'_>, group: &Group, view: &View) -> Result<Vec<Value>, Problem> {
    let selection = selection(group, &ask.params, &[&view.name])?;
    means(ask, group, &selection)
}

/// The mean of the pixels about a place.
fn of_circle(
    ask: &Ask<'_>,
    group: &Group,
    view: &View,
    (longitude, latitude): (f64, f64),
    radius_km: f64,
) -> Result<Vec<Value>, Problem> {
    if !(0.1..=2000.0).contains(&radius_km) {
        return Err(Problem::invalid("radius_km: expected 0.1 to 2000"));
    }
    let mut selection = selection(group, &ask.params, &[&view.name])?;
    let corners: Vec<[f64; 2]> = (0..=64)
        .map(|corner| {
            let angle = f64::from(corner) / 64.0 * std::f64::consts::TAU;
            let reach = radius_km / 111.195;
            let north = (latitude + reach * angle.sin()).clamp(-90.0, 90.0);
            [
                longitude + reach * angle.cos() / north.to_radians().cos().max(0.01),
                north,
            ]
        })
        .collect();
    let circle = json!({"type": "Polygon", "coordinates": [corners]}).to_string();
    selection.region = Some(karin_core::Region::Polygon(circle.parse()?));
    means(ask, group, &selection)
}

fn means(ask: &Ask<'_>, group: &Group, selection: &karin_core::Selection) -> Result<Vec<Value>, Problem> {
    let plan = plan(ask, group, selection)?;
    let totals = per_granule(ask, &plan, |total: &mut Total, pass| {
        for (line, _, value) in values(pass, 0) {
            total.add(value, pass.time.get(line).copied().unwrap_or(f64::NAN));
        }
    })?;
    let mut points: Vec<(f64, Value)> = totals
        .iter()
        .filter(|(_, total)| total.count > 0)
        .map(|(piece, total)| {
            let half_orbit = half_orbit(piece);
            let point = json!({
                "cycle": half_orbit.cycle.0,
                "pass": half_orbit.pass.0,
                "time": instant(total.time),
                "value": num(total.mean),
                "std": num((total.squares / total.count as f64).sqrt()),
                "n": total.count,
            });
            (total.time, point)
        })
        .collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(points.into_iter().map(|(_, point)| point).collect())
}
