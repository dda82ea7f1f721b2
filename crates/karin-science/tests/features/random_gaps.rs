//! Whatever is missing: nothing panics, and what is found is within its bounds.

use karin_science::eddy::{EddyOptions, OkuboWeissOptions, Rotation, closed_contours, okubo_weiss};
use karin_science::front::{FrontOptions, fronts};
use karin_science::{Derivative, Extent, Method, Quantity, compute_all};
use proptest::prelude::*;

use super::SPACING;
use super::swath::{Start, Swath, scatter};

fn rough(swath: &Swath, seed: usize, gaps: f64, spikes: f64) -> Vec<f64> {
    let width = swath.extent.num_pixels.max(1);
    let value = |index: usize| {
        let (line, pixel) = ((index / width) as f64, (index % width) as f64);
        let phase = 6.0 * scatter(seed, 7);
        let wave =
            0.1 * (line / 4.0 + phase).sin() * (pixel / 5.0 - phase).cos() + 0.01 * scatter(index, seed);
        match (scatter(index, seed + 1) < gaps, scatter(index, seed + 2) < spikes) {
            (true, _) => f64::NAN,
            (false, true) => [1e30, -1e30, f64::INFINITY, 0.0][index % 4],
            (false, false) => wave,
        }
    };
    (0..swath.extent.len()).map(value).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_bounds_hold(
        lines in 0usize..40, pixels in 1usize..40, seed in 0usize..1_000_000,
        gaps in 0.0..0.6, spikes in 0.0..0.02, missing in 0.0..0.2,
    ) {
        let start = Start { latitude: -20.0 + 80.0 * scatter(seed, 11), longitude: 179.9, heading: 360.0 * scatter(seed, 12) };
        let mut swath = Swath::new(Extent::new(lines, pixels), start, SPACING);
        let height = rough(&swath, seed, gaps, spikes);
        for index in 0..swath.extent.len() {
            if scatter(index, seed + 5) < missing {
                swath.latitude[index] = f64::NAN;
            }
        }
        let metric = swath.metric();
        let all = [Quantity::OkuboWeiss, Quantity::Vorticity, Quantity::Speed];
        let [okubo, vorticity, speed]: [Vec<f64>; 3] = compute_all(&all, &Method::default(), &height, &metric).unwrap().try_into().unwrap();
        let mut options = EddyOptions::default();
        options.minimum_radius = 0.0;
        let mut eddies = closed_contours(&height, &speed, &metric, &options).unwrap();
        for eddy in &eddies {
            prop_assert!((height[eddy.extremum_index] - eddy.level).abs() >= eddy.amplitude - 1e-6);
        }
        let current = Rotation { okubo_weiss: &okubo, vorticity: &vorticity, speed: &speed };
        eddies.extend(okubo_weiss(&height, &current, &metric, &options, &OkuboWeissOptions::default()).unwrap());
        for eddy in &eddies {
            prop_assert!(eddy.amplitude >= options.minimum_amplitude - 1e-9 && eddy.pixels >= options.minimum_pixels);
            prop_assert!(eddy.radius > 0.0 && eddy.radius <= options.maximum_radius);
            prop_assert!(eddy.edge_fraction == 0.0 || eddy.is_partial);
            prop_assert!(eddy.outline.len() >= 4);
            prop_assert!(eddy.outline.iter().all(|(longitude, latitude)| longitude.abs() <= 180.0 && latitude.abs() <= 90.0));
        }
        let mut options = FrontOptions::default();
        options.minimum_length = 5e3;
        for front in fronts(&height, &metric, &Derivative::L3, &options).unwrap() {
            prop_assert!(front.length >= 5e3 && front.line.len() == front.indices.len());
            prop_assert!(front.mean_gradient <= front.maximum_gradient * (1.0 + 1e-12) && front.mean_gradient > 0.0);
            prop_assert!((0.0..180.0).contains(&front.orientation) && (0.0..360.0).contains(&front.gradient_direction));
            prop_assert!(front.line.iter().all(|(longitude, latitude)| longitude.abs() <= 180.0 && latitude.abs() <= 90.0));
        }
    }
}
