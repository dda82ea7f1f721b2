//! Waves, wind, backscatter, rain, surface types and quality flags.

use karin_core::VariableMeta;
use karin_core::flags::FlagTable;

use super::super::scene::{Rain, Scene, Spot, Surface};
use super::{Formula, boxed, measured, on_lines};

pub(super) fn formula<'a>(scene: &'a Scene, variable: &'a VariableMeta) -> Option<Formula<'a>> {
    let name = variable.name.as_str();
    if name.ends_with("_qual") && variable.dimensions.iter().any(|name| name == "num_pixels") {
        return quality(scene, variable);
    }
    match name {
        "ancillary_surface_classification_flag" => boxed(|spot| match scene.surface(spot) {
            Surface::Ocean => 0.0,
            Surface::Land => 1.0,
            Surface::IceSheet => 4.0,
        }),
        "dynamic_ice_flag" => on_lines(scene, |spot| match scene.ice_percent(spot) {
            some if some > 15.0 => 2.0,
            little if little > 0.0 => 1.0,
            _ => 0.0,
        }),
        "ice_conc" => on_lines(scene, |spot| f64::from(scene.ice_percent(spot))),
        "rain_flag" => boxed(|spot| match (scene.is_measured(spot), scene.rain(spot)) {
            (false, _) => 3.0,
            (true, Rain::None) => 0.0,
            (true, Rain::Probable) => 1.0,
            (true, Rain::Sure) => 2.0,
        }),
        "rain_rate" => on_lines(scene, |spot| match scene.rain(spot) {
            Rain::None => 0.0,
            Rain::Probable => 1.0,
            Rain::Sure => 6.0,
        }),
        "rad_surface_type_flag" => on_lines(scene, |spot| match scene.coast_km(spot) {
            sea if sea > 50.0 => 0.0,
            coast if coast > 0.0 => 1.0,
            _ => 2.0,
        }),
        "distance_to_coast" => boxed(|spot| f64::from(scene.coast_km(spot)) * 1e3),
        "heading_to_coast" => boxed(|spot| heading_to_coast(scene, spot)),
        "num_pt_avg" => measured(scene, |spot| {
            289.0 - (scene.stream.named("points").bits(spot.key) % 12) as f64
        }),
        "depth_or_elevation" => boxed(|spot| depth(scene, spot)),
        _ => sea_state(scene, name),
    }
}

fn sea_state<'a>(scene: &'a Scene, name: &'a str) -> Option<Formula<'a>> {
    match name {
        "swh_karin" => {
            let stream = scene.stream.named("waves");
            measured(scene, move |spot| {
                (waves(scene, spot) + 0.15 * stream.normal(spot.key)).max(0.0)
            })
        }
        "swh_karin_uncert" => measured(scene, |spot| 0.1 + 0.05 * waves(scene, spot)),
        "swh_model" | "swh_nadir_altimeter" => on_lines(scene, |spot| waves(scene, spot)),
        "mean_wave_direction" => on_lines(scene, |spot| direction(scene, spot)),
        "mean_wave_period_t02" => on_lines(scene, |spot| 3.5 * waves(scene, spot).sqrt()),
        "wind_speed_model_u" => on_lines(scene, |spot| f64::from(scene.wind(spot)[0])),
        "wind_speed_model_v" => on_lines(scene, |spot| f64::from(scene.wind(spot)[1])),
        "wind_speed_rad" => on_lines(scene, |spot| wind_speed(scene, spot)),
        "wind_speed_karin" | "wind_speed_karin_2" => {
            let stream = scene.stream.named("wind");
            measured(scene, move |spot| {
                (wind_speed(scene, spot) + 0.5 * stream.normal(spot.key)).max(0.0)
            })
        }
        "sig0_karin" | "sig0_karin_2" | "sigma0" => {
            let stream = scene.stream.named("backscatter");
            let deviation = |spot: &Spot| if spot.is_fine { 0.12 } else { 0.015 };
            measured(scene, move |spot| {
                backscatter(scene, spot) * (1.0 + deviation(spot) * stream.normal(spot.key))
            })
        }
        "sig0_karin_uncert" => measured(scene, |spot| 0.015 * backscatter(scene, spot)),
        "sig0_cor_atmos_model" | "sig0_cor_atmos_rad" => on_lines(scene, |spot| {
            1.15 - f64::from(scene.vapour.at(spot.line, spot.pixel))
        }),
        "x_factor" => measured(scene, |spot| {
            5.2e9 * (1.0 + 0.3 * f64::from(spot.across_km.abs()) / 60.0)
        }),
        "swh_wind_speed_karin_source"
        | "swh_wind_speed_karin_source_2"
        | "swh_ssb_cor_source"
        | "swh_ssb_cor_source_2" => measured(scene, |_| 4.0),
        "wind_speed_ssb_cor_source" | "wind_speed_ssb_cor_source_2" => measured(scene, |_| 2.0),
        _ => instrument(scene, name),
    }
}

fn instrument<'a>(scene: &'a Scene, name: &'a str) -> Option<Formula<'a>> {
    match name {
        "volumetric_correlation" => measured(scene, |spot| (1.0 - 0.02 * waves(scene, spot)).clamp(0.3, 1.2)),
        "volumetric_correlation_uncert" => measured(scene, |_| 0.012),
        "total_coherence" => {
            let stream = scene.stream.named("coherence");
            measured(scene, move |spot| {
                (0.985 - 0.002 * f64::from(spot.across_km.abs()) + 0.01 * stream.normal(spot.key))
                    .clamp(0.0, 1.0)
            })
        }
        "miti_power_250m" => measured(scene, |spot| 3.1e3 * backscatter(scene, spot)),
        "miti_power_var_250m" => measured(scene, |spot| 40.0 * backscatter(scene, spot)),
        "rad_tmb_187" => on_lines(scene, |spot| 160.0 + 200.0 * vapour(scene, spot)),
        "rad_tmb_238" => on_lines(scene, |spot| 185.0 + 300.0 * vapour(scene, spot)),
        "rad_tmb_340" => on_lines(scene, |spot| 195.0 + 200.0 * vapour(scene, spot)),
        "rad_water_vapor" => on_lines(scene, |spot| (24.0 + 150.0 * vapour(scene, spot)).max(1.0)),
        "rad_cloud_liquid_water" => on_lines(scene, |spot| match scene.rain(spot) {
            Rain::None => 0.05,
            Rain::Probable | Rain::Sure => 0.9,
        }),
        _ => None,
    }
}

/// The bits that the variable's own table of flags has; on missing lines none are set, there is fill.
fn quality<'a>(scene: &'a Scene, variable: &'a VariableMeta) -> Option<Formula<'a>> {
    let mask = FlagTable::of(variable).map_or(u32::MAX, |table| {
        table.flags().iter().fold(0, |all, flag| all | flag.value as u32)
    });
    on_lines(scene, move |spot| f64::from(scene.bits(spot, mask)))
}

fn waves(scene: &Scene, spot: &Spot) -> f64 {
    f64::from(scene.wave_height(spot))
}

fn vapour(scene: &Scene, spot: &Spot) -> f64 {
    -f64::from(scene.vapour.at(spot.line, spot.pixel))
}

fn wind_speed(scene: &Scene, spot: &Spot) -> f64 {
    let [eastward, northward] = scene.wind(spot);
    f64::from(eastward.hypot(northward))
}

/// Where the waves come from, degrees.
fn direction(scene: &Scene, spot: &Spot) -> f64 {
    let [eastward, northward] = scene.wind(spot);
    f64::from(eastward.atan2(northward))
        .to_degrees()
        .rem_euclid(360.0)
        .min(359.99)
}

/// Backscatter in linear units: weaker in wind, and away from nadir.
fn backscatter(scene: &Scene, spot: &Spot) -> f64 {
    let off_nadir = f64::from(spot.across_km.abs()) / 60.0;
    90.0 / (3.0 + wind_speed(scene, spot)) * (1.0 - 0.55 * off_nadir * off_nadir)
}

/// Metres, negative at sea: a shelf, a slope and a plain with hills.
fn depth(scene: &Scene, spot: &Spot) -> f64 {
    let coast = f64::from(scene.coast_km(spot));
    if coast <= 0.0 {
        return (-2.0 * coast).min(3000.0) + 5.0;
    }
    let plain = 4200.0 + 30.0 * f64::from(scene.geometry.geoid.at(spot.line, spot.pixel)).clamp(-60.0, 60.0);
    -(plain * (1.0 - (-coast / 180.0).exp()) + 20.0).min(9000.0)
}

/// Degrees from north: against the gradient of the distance, which is known along and across the track.
fn heading_to_coast(scene: &Scene, spot: &Spot) -> f64 {
    let [along, across] = scene.gradient(spot, |cell| scene.geometry.coast_km.get(cell).copied());
    let away = f64::from(across).atan2(f64::from(along)).to_degrees() + f64::from(scene.heading(spot));
    let toward = if scene.coast_km(spot) > 0.0 {
        away + 180.0
    } else {
        away
    };
    toward.rem_euclid(360.0).min(359.99)
}
