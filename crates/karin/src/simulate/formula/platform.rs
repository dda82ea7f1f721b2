//! Times, positions and the state of the satellite.

use karin_core::{Orbit, VariableMeta};

use super::super::scene::{Scene, Spot};
use super::{Formula, boxed, on_lines};

/// Seconds that TAI is ahead of UTC.
const TAI_MINUS_UTC: f64 = 37.0;

pub(super) fn formula<'a>(scene: &'a Scene, variable: &'a VariableMeta) -> Option<Formula<'a>> {
    match variable.name.as_str() {
        // Level 3 knows the time of every line: its `time` has no fill value that readers would know.
        "time" if variable.attributes.get("_FillValue").is_none() => boxed(|spot| time(scene, spot)),
        "time" => on_lines(scene, |spot| time(scene, spot)),
        "time_tai" => on_lines(scene, |spot| time(scene, spot) + TAI_MINUS_UTC),
        "longitude" => position(scene, |scene, spot| scene.lon_lat(spot).0),
        "latitude" => position(scene, |scene, spot| scene.lon_lat(spot).1),
        "latitude_avg_ssh" => averaged(scene, |scene, spot| scene.lon_lat(spot).1),
        "longitude_avg_ssh" => averaged(scene, |scene, spot| scene.lon_lat(spot).0),
        "latitude_uncert" | "longitude_uncert" => on_lines(scene, |spot| {
            2e-5 * (1.0 + f64::from(spot.across_km.abs()) / 60.0)
        }),
        "longitude_nadir" => on_lines(scene, |spot| nadir(scene, spot).longitude),
        "latitude_nadir" => on_lines(scene, |spot| nadir(scene, spot).latitude),
        "sc_altitude" => on_lines(scene, |spot| nadir(scene, spot).altitude_m),
        "orbit_alt_rate" => on_lines(scene, |spot| altitude_rate(scene, spot)),
        "velocity_heading" => on_lines(scene, |spot| nadir(scene, spot).heading),
        "cross_track_angle" => on_lines(scene, |spot| {
            (nadir(scene, spot).heading + 90.0).rem_euclid(360.0)
        }),
        "sc_roll" => on_lines(scene, |spot| 0.002 * oscillation(scene, spot, 0.0)),
        "sc_pitch" => on_lines(scene, |spot| 0.003 * oscillation(scene, spot, 1.0)),
        "sc_yaw" => on_lines(scene, |spot| {
            180.0 * yaw_turns(scene) + 0.004 * oscillation(scene, spot, 2.0)
        }),
        "orbit_qual" => on_lines(scene, |_| 0.0),
        "doppler_centroid" => on_lines(scene, |spot| (15.0 * oscillation(scene, spot, 1.0)).round()),
        // L2 has it for every pixel, in metres, L3 for the row of pixels, in kilometres.
        "cross_track_distance" => {
            let metres = if variable.attributes.text("units") == Some("m") {
                1e3
            } else {
                1.0
            };
            boxed(move |spot| metres * f64::from(spot.across_km))
        }
        _ => None,
    }
}

/// When a place was seen.
fn time(scene: &Scene, spot: &Spot) -> f64 {
    let at = |row: usize| scene.times.get(row).copied();
    let Some(here) = at(spot.row) else { return f64::NAN };
    let next = at(spot.row + 1).unwrap_or(here);
    here + f64::from(spot.line - spot.row as f32) * (next - here)
}

/// The fixed grid has positions everywhere; at 250 m they are missing with the line.
fn position<'a>(
    scene: &'a Scene,
    formula: impl Fn(&Scene, &Spot) -> f64 + Send + Sync + 'a,
) -> Option<Formula<'a>> {
    boxed(move |spot| {
        if spot.is_fine && scene.is_missing(spot) {
            f64::NAN
        } else {
            formula(scene, spot)
        }
    })
}

fn averaged<'a>(
    scene: &'a Scene,
    formula: impl Fn(&Scene, &Spot) -> f64 + Send + Sync + 'a,
) -> Option<Formula<'a>> {
    let stream = scene.stream.named("average position");
    boxed(move |spot| match scene.is_measured(spot) {
        true => formula(scene, spot) + 4e-5 * (stream.uniform(spot.key) - 0.5),
        false => f64::NAN,
    })
}

fn nadir(scene: &Scene, spot: &Spot) -> karin_core::orbit::TrackPoint {
    let geometry = &scene.geometry;
    let along = geometry.lines.first_m + geometry.lines.step_m * f64::from(spot.line);
    Orbit::of(geometry.phase).position(geometry.pass, along)
}

/// Metres per second, from the heights a line before and a line after.
fn altitude_rate(scene: &Scene, spot: &Spot) -> f64 {
    let at = |line: f32| nadir(scene, &Spot { line, ..*spot });
    let (before, after) = (at(spot.line - 1.0), at(spot.line + 1.0));
    (after.altitude_m - before.altitude_m) / (after.seconds - before.seconds)
}

/// A slow oscillation between -1 and 1, once per revolution, a third of a turn apart for each `part`.
fn oscillation(scene: &Scene, spot: &Spot, part: f64) -> f64 {
    let turns = time(scene, spot) / 6173.62 + part / 3.0;
    (std::f64::consts::TAU * turns.rem_euclid(1.0)).sin()
}

/// The satellite flies forward or backward, turning every 70 days or so to keep its panels in the sun.
fn yaw_turns(scene: &Scene) -> f64 {
    let seconds = scene.times.first().copied().unwrap_or(0.0);
    (seconds / (70.0 * 86_400.0)).floor().rem_euclid(2.0)
}
