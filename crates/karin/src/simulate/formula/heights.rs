//! Heights of the sea surface, and what is added to them or taken from them.

use karin_core::VariableMeta;
use karin_core::orbit::SwathSide;

use super::super::scene::{Scene, Spot};
use super::{Formula, boxed, measured, on_lines};

pub(super) fn formula<'a>(scene: &'a Scene, variable: &'a VariableMeta) -> Option<Formula<'a>> {
    let name = variable.name.as_str();
    match name {
        "ssh_karin_2" => measured(scene, |spot| {
            mean_surface(scene, spot) + tides(scene, spot) + anomaly(scene, spot)
        }),
        "ssh_karin" => radiometer(scene, |spot| {
            mean_surface(scene, spot) + tides(scene, spot) + anomaly(scene, spot)
        }),
        "ssha_karin_2" => measured(scene, |spot| anomaly(scene, spot)),
        "ssha_karin" => radiometer(scene, |spot| anomaly(scene, spot)),
        "ssh_karin_uncert" => measured(scene, |spot| f64::from(scene.noise_deviation(spot)) + 0.002),
        "height_cor_xover" => on_swath(scene, |spot| -f64::from(scene.correlated_error(spot))),
        "height_cor_xover_qual" => {
            let stream = scene.stream.named("cross-over");
            let (bad, suspect) = (stream.uniform(0) < 0.01, stream.uniform(1));
            on_swath(scene, move |spot| {
                let (_, latitude) = scene.near_lon_lat(spot);
                if bad {
                    2.0
                } else if latitude.abs() > 76.5 - 6.0 * suspect {
                    1.0
                } else {
                    0.0
                }
            })
        }
        "mean_sea_surface_cnescls" | "phase_bias_ref_surface" | "obp_ref_surface" => {
            at_sea(scene, |spot| mean_surface(scene, spot))
        }
        "mean_sea_surface_dtu" => at_sea(scene, |spot| {
            mean_surface(scene, spot) + 0.03 * smooth(scene, spot)
        }),
        "mean_sea_surface_cnescls_uncert" | "mean_sea_surface_dtu_uncert" => at_sea(scene, |spot| {
            0.008 + 0.03 * (-f64::from(scene.coast_km(spot)) / 40.0).exp()
        }),
        "mean_dynamic_topography" => at_sea(scene, |spot| topography(scene, spot)),
        "mean_dynamic_topography_uncert" => at_sea(scene, |_| 0.025),
        "geoid" => boxed(|spot| f64::from(scene.geometry.geoid.at(spot.line, spot.pixel))),
        _ => tide_or_delay(scene, name),
    }
}

fn tide_or_delay<'a>(scene: &'a Scene, name: &'a str) -> Option<Formula<'a>> {
    match name {
        "solid_earth_tide" => boxed(|spot| solid_earth_tide(scene, spot)),
        "ocean_tide_fes" => at_sea(scene, |spot| ocean_tide(scene, spot)),
        "ocean_tide_got" => at_sea(scene, |spot| ocean_tide(scene, spot) + 0.01 * smooth(scene, spot)),
        "load_tide_fes" | "load_tide_got" => boxed(|spot| -0.06 * ocean_tide(scene, spot)),
        "ocean_tide_eq" => at_sea(scene, |spot| equilibrium_tide(scene, spot)),
        "ocean_tide_non_eq" => at_sea(scene, |spot| 0.15 * equilibrium_tide(scene, spot)),
        "internal_tide_hret" => at_sea(scene, |spot| internal_tide(scene, spot)),
        "internal_tide_sol2" => boxed(|_| f64::NAN),
        "pole_tide" => boxed(|spot| pole_tide(scene, spot)),
        "dac" => at_sea(scene, |spot| atmosphere(scene, spot)),
        "inv_bar_cor" => at_sea(scene, |spot| 0.9 * atmosphere(scene, spot)),
        "model_dry_tropo_cor" => on_lines(scene, |spot| -2.305 - 0.6 * atmosphere(scene, spot) / 0.995),
        "model_wet_tropo_cor" => on_lines(scene, |spot| wet_delay(scene, spot)),
        "rad_wet_tropo_cor" => radiometer(scene, |spot| {
            wet_delay(scene, spot) + radiometer_difference(scene, spot)
        }),
        "iono_cor_gim_ka" => on_lines(scene, |spot| -0.004 - 0.002 * smooth(scene, spot).abs()),
        "sea_state_bias_cor" | "sea_state_bias_cor_2" => {
            measured(scene, |spot| -0.035 * f64::from(scene.wave_height(spot)))
        }
        _ => None,
    }
}

/// Sea level anomaly as L2 has it: with noise and with the errors that the cross-over calibration knows.
fn anomaly(scene: &Scene, spot: &Spot) -> f64 {
    f64::from(calibrated(scene, spot) + scene.correlated_error(spot))
}

/// The same with these errors taken away: the residual of the calibration and the noise are left.
pub(super) fn calibrated(scene: &Scene, spot: &Spot) -> f32 {
    scene.sea_level(spot) + scene.residual.at(spot.line, spot.pixel) + scene.noise(spot)
}

/// What the radiometer's wet delay differs by from the model's: centimetres.
fn radiometer_difference(scene: &Scene, spot: &Spot) -> f64 {
    0.15 * f64::from(scene.vapour.at(spot.line, spot.pixel))
}

/// Heights corrected by the radiometer: missing near the coast, where it sees land.
fn radiometer<'a>(
    scene: &'a Scene,
    formula: impl Fn(&Spot) -> f64 + Send + Sync + 'a,
) -> Option<Formula<'a>> {
    measured(scene, move |spot| {
        if scene.coast_km(spot) < 15.0 {
            f64::NAN
        } else {
            formula(spot) + radiometer_difference(scene, spot)
        }
    })
}

/// A formula with values inside the swath, over land as well.
fn on_swath<'a>(scene: &'a Scene, formula: impl Fn(&Spot) -> f64 + Send + Sync + 'a) -> Option<Formula<'a>> {
    let across = SwathSide::Right.across_m();
    let inner = across.first().map_or(5.0, |first| (first / 1e3) as f32);
    on_lines(scene, move |spot| {
        let is_inside = (inner.max(8.0)..=66.0).contains(&spot.across_km.abs());
        if is_inside { formula(spot) } else { f64::NAN }
    })
}

/// A formula of a model that has no values inland.
pub(super) fn at_sea<'a>(
    scene: &'a Scene,
    formula: impl Fn(&Spot) -> f64 + Send + Sync + 'a,
) -> Option<Formula<'a>> {
    boxed(move |spot| {
        if scene.coast_km(spot) > -30.0 {
            formula(spot)
        } else {
            f64::NAN
        }
    })
}

pub(super) fn mean_surface(scene: &Scene, spot: &Spot) -> f64 {
    f64::from(scene.geometry.geoid.at(spot.line, spot.pixel)) + topography(scene, spot)
}

pub(super) fn topography(scene: &Scene, spot: &Spot) -> f64 {
    f64::from(scene.geometry.mean_dynamic_topography.at(spot.line, spot.pixel))
}

pub(super) fn ocean_tide(scene: &Scene, spot: &Spot) -> f64 {
    f64::from(scene.ocean_tide.at(spot.line, spot.pixel))
}

pub(super) fn internal_tide(scene: &Scene, spot: &Spot) -> f64 {
    f64::from(scene.internal_tide.at(spot.line, spot.pixel))
}

pub(super) fn atmosphere(scene: &Scene, spot: &Spot) -> f64 {
    f64::from(scene.pressure.at(spot.line, spot.pixel))
}

fn tides(scene: &Scene, spot: &Spot) -> f64 {
    solid_earth_tide(scene, spot)
        + ocean_tide(scene, spot)
        + internal_tide(scene, spot)
        + pole_tide(scene, spot)
        + atmosphere(scene, spot)
}

/// A smooth number of the size of 1 that has no meaning of its own.
fn smooth(scene: &Scene, spot: &Spot) -> f64 {
    12.0 * atmosphere(scene, spot)
}

fn wet_delay(scene: &Scene, spot: &Spot) -> f64 {
    (-0.16 + f64::from(scene.vapour.at(spot.line, spot.pixel))).clamp(-0.6, -0.01)
}

/// The semidiurnal bulge that a body in the equator's plane raises, once around in 24.84 hours: up to 25 cm.
fn solid_earth_tide(scene: &Scene, spot: &Spot) -> f64 {
    let (longitude, latitude) = scene.near_lon_lat(spot);
    let seconds = scene.times.get(spot.row).copied().unwrap_or(0.0);
    let hour_angle = longitude.to_radians() + std::f64::consts::TAU * (seconds / 89_428.3).rem_euclid(1.0);
    let level = latitude.to_radians().cos();
    0.25 * (level * level * hour_angle.cos().powi(2) - 1.0 / 3.0)
}

/// The fortnightly tide that depends on latitude alone: up to a centimetre.
fn equilibrium_tide(scene: &Scene, spot: &Spot) -> f64 {
    let (_, latitude) = scene.near_lon_lat(spot);
    let seconds = scene.times.get(spot.row).copied().unwrap_or(0.0);
    let phase = std::f64::consts::TAU * (seconds / (13.66 * 86_400.0)).rem_euclid(1.0);
    0.01 * phase.cos() * (1.0 - 3.0 * latitude.to_radians().sin().powi(2))
}

fn pole_tide(scene: &Scene, spot: &Spot) -> f64 {
    let (longitude, latitude) = scene.near_lon_lat(spot);
    0.006 * (2.0 * latitude.to_radians()).sin() * (longitude - 80.0).to_radians().cos()
}
