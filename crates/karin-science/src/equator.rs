//! Geostrophy at the equator, where f vanishes: the beta plane takes over.

use std::ops::Range;

use multiversion::multiversion;

use crate::Extent;
use crate::sphere::{GRAVITY, RADIUS, ROTATION};

/// Degrees at which the weight of the beta plane has fallen to 1/e (Lagerloef et al. 1999).
pub const SCALE: f64 = 2.2;
/// Up to this latitude the weight is Lagerloef's, beyond it fades faster.
pub const FADE: f64 = 5.0;
/// From this latitude on, currents are purely geostrophic.
pub const PURE: f64 = 8.0;

/// Weight of the beta plane at a latitude in degrees: `exp(-(lat/2.2)^2)` up to 5 degrees (Lagerloef et al. 1999, JGR
/// 104), times a smooth step that falls from 1 at 5 to 0 at 8 degrees (where Lagerloef's has 2e-6 left). It and its
/// slope are continuous, and poleward of 8 degrees it is exactly zero: there currents are those of the L3 product.
pub fn beta_weight(latitude: f64) -> f64 {
    weights(latitude).1
}

/// The weights of geostrophy and of the beta plane: both together are 1, the first without what cancels near the equator.
fn weights(latitude: f64) -> (f64, f64) {
    let away = latitude.abs();
    if away >= PURE {
        return (1.0, 0.0);
    }
    let ratio = latitude / SCALE;
    let less = (-ratio * ratio).exp_m1();
    let weight = (1.0 + less) * fade(away);
    (if away <= FADE { -less } else { 1.0 - weight }, weight)
}

/// The smooth step from 1 at 5 degrees to 0 at 8; NaN stays NaN.
pub(crate) fn fade(latitude: f64) -> f64 {
    let place = ((PURE - latitude.abs()) / (PURE - FADE)).clamp(0.0, 1.0);
    place * place * (3.0 - 2.0 * place)
}

/// (1 - weight) g/f: what turns a slope into the geostrophic part of the current; 0 at the equator.
fn geostrophic_factor(share: f64, coriolis: f64) -> f64 {
    if coriolis == 0.0 {
        0.0
    } else {
        share * GRAVITY / coriolis
    }
}

/// The geostrophic and beta factors of many pixels: the latter of those of some lines that hold all within the band of the beta
/// plane (see [`equatorial_lines`]), 0 where there is none.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
pub(crate) fn equatorial_factors(
    (coriolis, latitude, cosine): (&[f64], &[f64], &[f64]),
    equatorial: Range<usize>,
    geostrophic: &mut [f64],
    beta: &mut Vec<f64>,
) {
    for (factor, coriolis) in geostrophic.iter_mut().zip(coriolis) {
        *factor = GRAVITY / coriolis;
    }
    beta.clear();
    for place in equatorial {
        let latitude = latitude[place];
        if latitude.abs() >= PURE {
            beta.push(0.0);
            continue;
        }
        let (share, weight) = weights(latitude);
        geostrophic[place] = geostrophic_factor(share, coriolis[place]);
        beta.push(of_weight(weight, cosine[place]));
    }
}

/// The lines from the first to the last with a pixel in the band of the beta plane; none where there is no such pixel.
pub(crate) fn equatorial_lines(latitude: &[f64], extent: Extent) -> Range<usize> {
    // Without an early end the compiler looks at several at once.
    let is_near = |line: &[f64]| {
        line.iter()
            .fold(false, |any, latitude| any | (latitude.abs() < PURE))
    };
    let mut lines = latitude.chunks_exact(extent.num_pixels.max(1));
    let end = lines.clone().rposition(is_near).map_or(0, |last| last + 1);
    lines.position(is_near).unwrap_or(end)..end
}

/// weight g/beta with beta = 2 Omega cos(lat) / R: what turns a curvature into the current of the beta plane. `cosine` is that of
/// the latitude.
pub(crate) fn beta_factor(latitude: f64, cosine: f64) -> f64 {
    of_weight(beta_weight(latitude), cosine)
}

fn of_weight(weight: f64, cosine: f64) -> f64 {
    weight * GRAVITY * RADIUS / (2.0 * ROTATION * cosine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weight_is_lagerloefs_up_to_five_degrees() {
        assert_eq!(beta_weight(0.0), 1.0);
        assert!((beta_weight(2.2) - 0.367_879).abs() < 1e-6);
        assert!((beta_weight(-5.0) - 0.005_711).abs() < 1e-6);
        assert_eq!(beta_weight(8.0), 0.0);
        assert_eq!(beta_weight(-55.0), 0.0);
    }

    #[test]
    fn weights_and_factors_are_continuous() {
        let mut latitude = -9.0;
        while latitude < 9.0 {
            let next = latitude + 1e-4;
            assert!((beta_weight(next) - beta_weight(latitude)).abs() < 1e-4);
            let factor = |latitude: f64| {
                geostrophic_factor(weights(latitude).0, 2.0 * ROTATION * latitude.to_radians().sin())
            };
            let slope = (factor(next) - factor(latitude)).abs() / 1e-4;
            assert!(slope < 1.2e6, "{latitude}: {slope}");
            latitude = next;
        }
        assert_eq!(geostrophic_factor(weights(0.0).0, 0.0), 0.0);
        assert!(geostrophic_factor(weights(f64::NAN).0, f64::NAN).is_nan());
    }
}
