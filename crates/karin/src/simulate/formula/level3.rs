//! What only level 3 has: calibrated, edited and filtered anomalies, currents, one enumerated flag.

use karin_core::VariableMeta;
use karin_core::flags::FlagTable;

use super::super::scene::{Rain, Scene, Spot, Surface, bits};
use super::heights::{at_sea, atmosphere, calibrated, internal_tide, mean_surface, ocean_tide, topography};
use super::{Formula, boxed, measured};

const GRAVITY: f64 = 9.81;
/// Radians per second.
const EARTH_ROTATION: f64 = 7.292_1e-5;
const STEP_M: f64 = 2000.0;

pub(super) fn formula<'a>(scene: &'a Scene, variable: &'a VariableMeta) -> Option<Formula<'a>> {
    match variable.name.as_str() {
        "ssha_filtered" | "ssha_noiseless" => edited(scene, |spot| f64::from(scene.sea_level(spot))),
        "ssha_unfiltered" | "ssha" => edited(scene, |spot| f64::from(calibrated(scene, spot))),
        "ssha_unedited" => measured(scene, |spot| f64::from(calibrated(scene, spot))),
        "calibration" | "calibration_low_frequency" => {
            measured(scene, |spot| -f64::from(scene.correlated_error(spot)))
        }
        "mdt" => at_sea(scene, |spot| topography(scene, spot) - 0.05),
        "mss" => at_sea(scene, |spot| mean_surface(scene, spot)),
        "ocean_tide" | "ocean_tide_got" => at_sea(scene, |spot| ocean_tide(scene, spot)),
        "loading_tide_fes" | "loading_tide_got" => boxed(|spot| -0.06 * ocean_tide(scene, spot)),
        "internal_tide" | "internal_tide_miost" | "internal_tide_zhao" => {
            at_sea(scene, |spot| internal_tide(scene, spot))
        }
        "mss_compression_correction" => at_sea(scene, |spot| 0.05 * atmosphere(scene, spot)),
        "ugosa_filtered" | "ugosa" | "ugosa_filtered_stencil" => current(scene, 0, false, 0.0),
        "vgosa_filtered" | "vgosa" | "vgosa_filtered_stencil" => current(scene, 1, false, 0.0),
        "ugosa_unfiltered" => current(scene, 0, true, 0.0),
        "vgosa_unfiltered" => current(scene, 1, true, 0.0),
        "ugos_filtered" | "ugos" => current(scene, 0, false, 0.15),
        "vgos_filtered" | "vgos" => current(scene, 1, false, 0.05),
        "quality_flag" if FlagTable::of(variable).is_some() => boxed(|spot| f64::from(flag(scene, spot))),
        _ => None,
    }
}

/// The enumerated quality of level 3.
pub(in crate::simulate) fn flag(scene: &Scene, spot: &Spot) -> u8 {
    let found = scene.bits(spot, u32::MAX);
    let rains = scene.rain(spot) != Rain::None;
    let across = spot.across_km.abs();
    match () {
        () if scene.is_missing(spot) => 102,
        () if scene.surface(spot) != Surface::Ocean => 101,
        () if !(10.0..=60.0).contains(&across) => 100,
        () if scene.ice_percent(spot) > 15.0 => 20,
        () if found & (bits::VERY_LARGE_ATTITUDE | bits::DEGRADED) != 0 => 50,
        () if rains || found & bits::LARGE_SSH_WINDOW_STD != 0 => 30,
        () if found & bits::NUM_PT_AVG != 0 && scene.coast_km(spot) < 10.0 => 10,
        () if found & bits::LARGE_SSH_DELTA != 0 => 5,
        () => 0,
    }
}

/// True where the edited anomalies have values: open sea, good, inside the swath.
fn is_edited(scene: &Scene, spot: &Spot) -> bool {
    scene.is_measured(spot) && flag(scene, spot) == 0
}

fn edited<'a>(scene: &'a Scene, formula: impl Fn(&Spot) -> f64 + Send + Sync + 'a) -> Option<Formula<'a>> {
    boxed(move |spot| {
        if is_edited(scene, spot) {
            formula(spot)
        } else {
            f64::NAN
        }
    })
}

/// A component of the geostrophic current (0 eastward, 1 northward), m/s, of the anomaly alone or with a mean.
fn current(scene: &Scene, component: usize, is_noisy: bool, mean: f64) -> Option<Formula<'_>> {
    edited(scene, move |spot| {
        let height = |cell: usize| {
            let spot = scene.pixel(
                cell / karin_core::orbit::FixedGrid::PIXELS,
                cell % karin_core::orbit::FixedGrid::PIXELS,
            );
            if is_noisy {
                Some(calibrated(scene, &spot))
            } else {
                scene.sea_level_of(cell)
            }
        };
        let [along, across] = scene.gradient(spot, height).map(|step| f64::from(step) / STEP_M);
        let (sin, cos) = f64::from(scene.heading(spot)).to_radians().sin_cos();
        let (eastward, northward) = (along * sin + across * cos, along * cos - across * sin);
        let (_, latitude) = scene.near_lon_lat(spot);
        let coriolis = 2.0 * EARTH_ROTATION * latitude.to_radians().sin();
        // Near the equator the balance breaks down: the factor stays that of 3 degrees.
        let factor = GRAVITY / coriolis.abs().max(7.6e-6) * coriolis.signum();
        let value = if component == 0 {
            -factor * northward
        } else {
            factor * eastward
        };
        (value + mean).clamp(-5.0, 5.0)
    })
}
