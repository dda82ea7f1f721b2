//! Global attributes that differ from granule to granule.

use karin_core::orbit::Lattice;
use karin_core::time::format_instant;
use karin_core::{AttrValue, Attributes, DType, GranuleName, Orbit, Values, Version};

use super::scene::Scene;

/// What the attributes of a granule are made from.
pub(super) struct Facts<'a> {
    pub scene: &'a Scene,
    pub name: &'a GranuleName,
    /// Times of the first and the last line that has data.
    pub period: (f64, f64),
    pub seed: u64,
    /// Per cent of good pixels at sea.
    pub good_percent: f64,
    pub variance: f64,
}

/// Fills the attributes of `names` in, with values of the netCDF type that they have.
pub(super) fn fill(attributes: &mut Attributes, names: &[String], facts: &Facts<'_>) {
    for name in names {
        let Some(old) = attributes.get(name) else { continue };
        let value = match old.dtype() {
            DType::Char | DType::String => AttrValue::Text(text(name, facts)),
            dtype => AttrValue::Array(number(name, facts, dtype)),
        };
        attributes.set(name.as_str(), value);
    }
}

fn text(name: &str, facts: &Facts<'_>) -> String {
    let (first, last) = facts.period;
    let is_level3 = facts.name.product.is_level3_ssh();
    // L2 writes microseconds and no Z, L3 whole seconds and a Z.
    let stamp = |seconds: f64| match is_level3 {
        true => format_instant(seconds.floor()),
        false => microseconds(seconds),
    };
    // A day later than the data, as the forward processing of the mission: nothing depends on today.
    let made = format_instant((last + 86_400.0).floor());
    match name {
        "time_coverage_start" | "time_coverage_begin" => stamp(first),
        "time_coverage_end" => stamp(last),
        "equator_time" => format!("{}Z", microseconds(equator(facts).0)),
        "history" => format!(
            "{made} : Simulated by karin {}, seed {}",
            env!("CARGO_PKG_VERSION"),
            facts.seed
        ),
        "date_created" | "date_issued" | "date_modified" => made,
        "crid" => facts.name.version.crid().unwrap_or_default(),
        "product_version" => match &facts.name.version {
            Version::Crid { counter, .. } => format!("{counter:02}"),
            other => other.to_string().trim_start_matches('v').to_owned(),
        },
        "equator_longitude" => format!("{:.2}", equator(facts).1),
        "temporality" => "reproc".to_owned(),
        _ if name.starts_with("xref_") => format!(
            "SIMULATED_{}_{}",
            name.trim_start_matches("xref_"),
            facts.name.half_orbit
        ),
        _ => String::new(),
    }
}

fn number(name: &str, facts: &Facts<'_>, dtype: DType) -> Values {
    let lattice = &facts.scene.geometry.lattice;
    let value = match name {
        "cycle_number" => f64::from(facts.name.half_orbit.cycle.0),
        "pass_number" => f64::from(facts.name.half_orbit.pass.0),
        "equator_longitude" => equator(facts).1,
        "good_ocean_data_percent" => facts.good_percent,
        "ssha_variance" => facts.variance,
        _ => corner(name, lattice, facts.name.product.is_level3_ssh()).unwrap_or(0.0),
    };
    match dtype {
        DType::Int16 => Values::from(vec![value as i16]),
        DType::Int32 => Values::from(vec![value as i32]),
        DType::Float32 => Values::from(vec![value as f32]),
        _ => Values::from(vec![value]),
    }
}

/// Corners and bounds. L2 gives the first and last longitude where the name says least and most.
fn corner(name: &str, lattice: &Lattice, is_level3: bool) -> Option<f64> {
    let (longitude, latitude) = (&lattice.longitude, &lattice.latitude);
    let least = |of: &[f64]| of.iter().copied().reduce(f64::min);
    let most = |of: &[f64]| of.iter().copied().reduce(f64::max);
    let round = |value: f64| (value * 1e6).round() / 1e6;
    let found = match name {
        "geospatial_lat_min" => least(latitude),
        "geospatial_lat_max" => most(latitude),
        "geospatial_lon_min" if is_level3 => least(longitude),
        "geospatial_lon_max" if is_level3 => most(longitude),
        "geospatial_lon_min" => longitude.first().copied(),
        "geospatial_lon_max" => longitude.last().copied(),
        _ => {
            let (place, axis) = name.rsplit_once('_')?;
            let axis = if axis == "longitude" { longitude } else { latitude };
            let index = match place {
                "left_first" => 0,
                "right_first" => lattice.pixels - 1,
                "left_last" => axis.len().checked_sub(lattice.pixels)?,
                "right_last" => axis.len().checked_sub(1)?,
                _ => return None,
            };
            axis.get(index).copied()
        }
    };
    found.map(round)
}

/// When and where (-180 to 180) nadir crosses the equator.
fn equator(facts: &Facts<'_>) -> (f64, f64) {
    let geometry = &facts.scene.geometry;
    let orbit = Orbit::of(geometry.phase);
    let latitude = |along: f64| orbit.position(geometry.pass, along).latitude.abs();
    let (mut low, mut high) = (0.0, orbit.length_m(geometry.pass));
    // Latitude falls towards the crossing from both sides.
    for _ in 0..60 {
        let (left, right) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
        if latitude(left) > latitude(right) {
            low = left
        } else {
            high = right
        }
    }
    let longitude = orbit.position(geometry.pass, low).longitude;
    let signed = if longitude > 180.0 {
        longitude - 360.0
    } else {
        longitude
    };
    (
        orbit.time_along(facts.name.half_orbit, low),
        (signed * 100.0).round() / 100.0,
    )
}

/// `2023-03-29T23:45:01.123456`.
fn microseconds(seconds: f64) -> String {
    let whole = seconds.floor();
    let micros = (((seconds - whole) * 1e6) as u32).min(999_999);
    format!("{}.{micros:06}", format_instant(whole).trim_end_matches('Z'))
}
