//! A Gaussian eddy: jaxparrow's bounds, and closed forms.

use karin_science::sphere::{GRAVITY, RADIUS, ROTATION};
use karin_science::{
    Current, Cyclogeostrophy, Derivative, Extent, Metric, Quantity, currents, cyclogeostrophy,
};

const METHODS: [Cyclogeostrophy; 3] = [
    Cyclogeostrophy::GradientWind,
    Cyclogeostrophy::FixedPoint,
    Cyclogeostrophy::Variational,
];
const CENTRE: (f64, f64) = (35.92744, -4.03238);
const SCALE: f64 = 50e3;

/// jaxparrow's eddy: a grid of 0.01 degrees around a Gaussian depression, with its currents in closed form on the plane.
struct Eddy {
    metric: Metric,
    height: Vec<f64>,
    radius: Vec<f64>,
    geostrophic: Current,
    balanced: Current,
}

fn haversine(from: (f64, f64), to: (f64, f64)) -> f64 {
    let (north, east) = ((to.0 - from.0).to_radians(), (to.1 - from.1).to_radians());
    let square = (0.5 * north).sin().powi(2)
        + from.0.to_radians().cos() * to.0.to_radians().cos() * (0.5 * east).sin().powi(2);
    2.0 * RADIUS * square.sqrt().asin()
}

fn eddy(amplitude: f64) -> Eddy {
    let half = 2.0 * SCALE / 111e3;
    let steps = (2.0 * half / 0.01) as usize + 2;
    let places: Vec<f64> = (0..steps).map(|step| 0.01 * step as f64 - half).collect();
    let extent = Extent::new(steps, steps);
    let (mut latitude, mut longitude) = (Vec::new(), Vec::new());
    for north in &places {
        for east in &places {
            latitude.push(CENTRE.0 + north);
            longitude.push(CENTRE.1 + east);
        }
    }
    let mut eddy = Eddy {
        metric: Metric::new(&latitude, &longitude, extent).unwrap(),
        height: Vec::new(),
        radius: Vec::new(),
        geostrophic: Current {
            east: Vec::new(),
            north: Vec::new(),
        },
        balanced: Current {
            east: Vec::new(),
            north: Vec::new(),
        },
    };
    for (latitude, longitude) in latitude.iter().zip(&longitude) {
        let x = haversine((*latitude, CENTRE.1), (*latitude, *longitude)).copysign(longitude - CENTRE.1);
        let y = haversine(CENTRE, (*latitude, CENTRE.1)).copysign(latitude - CENTRE.0);
        let r = haversine(CENTRE, (*latitude, *longitude));
        let coriolis = 2.0 * ROTATION * latitude.to_radians().sin();
        let height = amplitude * (-(r / SCALE).powi(2)).exp();
        let azimuthal = -2.0 * GRAVITY * r * height / (coriolis * SCALE * SCALE);
        let balanced = 2.0 * azimuthal / (1.0 + (1.0 + 4.0 * azimuthal / (coriolis * r)).sqrt());
        eddy.height.push(height);
        eddy.radius.push(r);
        eddy.geostrophic.east.push(-azimuthal * y / r);
        eddy.geostrophic.north.push(azimuthal * x / r);
        eddy.balanced.east.push(-balanced * y / r);
        eddy.balanced.north.push(balanced * x / r);
    }
    eddy
}

/// Root of the mean square of both components' errors where both are known.
fn rmse(found: &Current, expected: &Current) -> f64 {
    let pairs = found
        .east
        .iter()
        .zip(&expected.east)
        .chain(found.north.iter().zip(&expected.north));
    let (sum, count) = pairs
        .map(|(one, other)| (one - other).powi(2))
        .filter(|square| square.is_finite())
        .fold((0.0, 0.0), |(sum, count), square| (sum + square, count + 1.0));
    (sum / f64::sqrt(count * count)).sqrt()
}

#[test]
fn the_gaussian_eddy_is_met_within_the_bounds_of_jaxparrow() {
    let eddy = eddy(-0.2);
    for (derivative, gradient_wind) in [("l3", 1.3e-5), ("curvilinear", 1.3e-5)] {
        let derivative: Derivative = derivative.parse().unwrap();
        let geostrophic = currents::geostrophic(&eddy.height, &eddy.metric, &derivative).unwrap();
        let error = rmse(&geostrophic, &eddy.geostrophic);
        println!("{derivative} geostrophic {error:.3e}");
        assert!(error < 5e-4, "{error}");
        let bounds = [gradient_wind, 4e-4, 6.2e-5];
        for (method, bound) in METHODS.into_iter().zip(bounds) {
            let found = cyclogeostrophy::solve(&eddy.geostrophic, &eddy.metric, &derivative, method).unwrap();
            let error = rmse(&found, &eddy.balanced);
            println!("{derivative} {method} {error:.3e}");
            assert!(error < bound, "{derivative} {method}: {error}");
            assert!(found.east.iter().all(|value| value.is_finite()));
            let missing = cyclogeostrophy::imbalance(&found, &eddy.geostrophic, &eddy.metric).unwrap();
            let most = missing.iter().fold(0.0_f64, |most, value| most.max(*value));
            println!("    largest imbalance {most:.3e}");
            assert!(most < 5e-3, "{method}: {most}");
        }
    }
}

#[test]
fn the_eddy_has_the_closed_forms_of_a_circular_flow() {
    let eddy = eddy(-0.2);
    let at = |place: f64| {
        let nearest = |one: &usize, other: &usize| {
            (eddy.radius[*one] - place)
                .abs()
                .total_cmp(&(eddy.radius[*other] - place).abs())
        };
        (0..eddy.radius.len()).min_by(nearest).unwrap()
    };
    let ring = at(SCALE / 2.0_f64.sqrt());
    let geostrophic = currents::geostrophic(&eddy.height, &eddy.metric, &Derivative::L3).unwrap();
    let speed = geostrophic.speed();
    assert!((speed[ring] - 0.393_326).abs() < 2e-3, "{}", speed[ring]);
    for method in METHODS {
        let found = cyclogeostrophy::solve(&geostrophic, &eddy.metric, &Derivative::L3, method).unwrap();
        assert!(
            (found.speed()[ring] - 0.352_302).abs() < 2e-3,
            "{method}: {}",
            found.speed()[ring]
        );
    }
    let vorticity = Quantity::VorticityOverF
        .compute(&"l3".parse().unwrap(), &eddy.height, &eddy.metric)
        .unwrap();
    assert!(
        (vorticity[at(0.0)] - 0.428_677).abs() < 1e-3,
        "{}",
        vorticity[at(0.0)]
    );
}

#[test]
fn an_anticyclone_beyond_balance_is_masked_or_left_with_its_imbalance() {
    // Balance needs 1 + 4 V_g / (f R) >= 0: heights up to f2 R0^2 / 8 g, here 0.232 m at the centre.
    let weak = eddy(0.2);
    let strong = eddy(0.5);
    let solve = |eddy: &Eddy, method| {
        cyclogeostrophy::solve(&eddy.geostrophic, &eddy.metric, &Derivative::L3, method).unwrap()
    };
    let is_masked = |current: &Current| current.east.iter().filter(|value| value.is_nan()).count();
    assert_eq!(is_masked(&solve(&weak, Cyclogeostrophy::GradientWind)), 0);
    let masked = solve(&strong, Cyclogeostrophy::GradientWind);
    for (index, radius) in strong.radius.iter().enumerate() {
        // 4 V_g / (f R) = -8 g h / (f2 R0^2): below -1 inside the radius where h passes 0.232 m.
        let limit = strong.metric.coriolis()[index].powi(2) * SCALE * SCALE / (8.0 * GRAVITY);
        if (strong.height[index] / limit - 1.0).abs() > 0.05 && *radius > 500.0 {
            assert_eq!(
                masked.east[index].is_nan(),
                strong.height[index] > limit,
                "{radius}"
            );
        }
    }
    for method in [Cyclogeostrophy::FixedPoint, Cyclogeostrophy::Variational] {
        let found = solve(&strong, method);
        assert_eq!(is_masked(&found), 0);
        let missing = cyclogeostrophy::imbalance(&found, &strong.geostrophic, &strong.metric).unwrap();
        let inside: f64 = missing
            .iter()
            .zip(&strong.radius)
            .filter(|(_, r)| **r < 20e3)
            .map(|(m, _)| *m)
            .fold(0.0, f64::max);
        assert!(inside > 0.01, "{method}: {inside}");
        assert!(found.speed().iter().all(|speed| *speed < 3.0));
    }
}

#[test]
fn gaps_stay_gaps_and_neighbours_are_still_solved() {
    let mut eddy = eddy(-0.2);
    let width = eddy.metric.extent().num_pixels;
    for (index, value) in eddy.geostrophic.east.iter_mut().enumerate() {
        // Not beside the rim, so that every pixel keeps a neighbour on both axes.
        let inner = 2..width - 2;
        if index % 97 == 0 && inner.contains(&(index / width)) && inner.contains(&(index % width)) {
            *value = f64::NAN;
        }
    }
    for method in METHODS {
        let found = cyclogeostrophy::solve(&eddy.geostrophic, &eddy.metric, &Derivative::L3, method).unwrap();
        for index in 0..found.east.len() {
            assert_eq!(
                found.east[index].is_nan(),
                eddy.geostrophic.east[index].is_nan(),
                "{method} {index}"
            );
        }
        let error = rmse(&found, &eddy.balanced);
        println!("{method} with gaps {error:.3e}");
        assert!(error < 2e-3, "{method}: {error}");
    }
}
