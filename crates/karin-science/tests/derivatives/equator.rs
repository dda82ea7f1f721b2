//! Currents across the equator.

use karin_science::equator::{PURE, beta_weight};
use karin_science::sphere::{GRAVITY, RADIUS, ROTATION};
use karin_science::{Derivative, Extent, Quantity, currents};

use crate::swath::{Start, Swath};

/// From 10 degrees south to 10 degrees north.
fn crossing() -> Swath {
    let start = Start {
        latitude: -10.0,
        longitude: 150.0,
        heading: 77.6,
    };
    Swath::new(Extent::new(1150, 31), start, 2000.0)
}

/// Kelvin wave: `h = cos(K lon) exp(-y2 / 2 L2)`, whose zonal current is `g/beta h / L2` on the beta plane, continuous over the equator.
#[test]
fn an_equatorial_wave_has_its_current_on_both_sides_and_on_the_equator() {
    let swath = crossing();
    let scale = 250_000.0_f64;
    let beta = 2.0 * ROTATION / RADIUS;
    let height = swath.field(|[_, _, z]| 0.1 * (-0.5 * (z.asin() * RADIUS / scale).powi(2)).exp());
    for method in ["l3", "fit:9", "curvilinear"] {
        let derivative: Derivative = method.parse().unwrap();
        let current = currents::geostrophic(&height, &swath.metric(), &derivative).unwrap();
        let mut compared = 0;
        for (index, latitude) in swath.latitude.iter().enumerate() {
            let (line, pixel) = (index / 31, index % 31);
            if !(15..=1135).contains(&line) || !(8..23).contains(&pixel) {
                continue;
            }
            let northward = latitude.to_radians() * RADIUS;
            // u = -(g/f) h_y = g/(beta y) h y / L2, the same as -(g/beta) h_yy at the equator; v is 0.
            let expected = GRAVITY / beta * 0.1 * (-0.5 * (northward / scale).powi(2)).exp() / scale.powi(2);
            let weight = beta_weight(*latitude);
            let curved = 1.0 - (northward / scale).powi(2);
            let exact = expected
                * ((1.0 - weight) * latitude.to_radians() / latitude.to_radians().sin() + weight * curved);
            let away = (current.east[index] - exact).abs();
            assert!(
                away < 0.02 * exact.abs() + 2e-3,
                "{method} {latitude}: {} {exact}",
                current.east[index]
            );
            assert!(
                current.north[index].abs() < 5e-3,
                "{method} {latitude}: {}",
                current.north[index]
            );
            compared += 1;
        }
        assert!(compared > 10_000);
    }
}

#[test]
fn currents_and_vorticity_are_continuous_where_the_beta_plane_begins_and_ends() {
    let swath = crossing();
    let height = swath.field(|[x, y, z]| 0.2 * (60.0 * z + 30.0 * x).sin() + 0.1 * (80.0 * y).cos());
    let metric = swath.metric();
    for method in ["l3", "fit:9", "curvilinear"] {
        let method: karin_science::Method = method.parse().unwrap();
        for quantity in [Quantity::UGeo, Quantity::VGeo, Quantity::Vorticity] {
            let values = quantity.compute(&method, &height, &metric).unwrap();
            let column: Vec<f64> = (30..1120).map(|line| values[line * 31 + 15]).collect();
            assert!(
                column.iter().all(|value| value.is_finite()),
                "{method} {quantity}"
            );
            let size = column.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
            let kink = column.windows(3).fold(0.0_f64, |most, three| {
                most.max((three[2] - 2.0 * three[1] + three[0]).abs())
            });
            assert!(
                kink < 5e-3 * size,
                "{method} {quantity}: kink {kink:e} of {size:e}"
            );
        }
    }
}

#[test]
fn poleward_of_eight_degrees_currents_are_plain_geostrophy() {
    let swath = crossing();
    let height = swath.field(|[x, y, z]| (300.0 * z + 200.0 * x - 100.0 * y).sin());
    let metric = swath.metric();
    let current = currents::geostrophic(&height, &metric, &Derivative::L3).unwrap();
    let (east, north) = currents::gradient(&height, &metric, &Derivative::L3).unwrap();
    for (index, latitude) in swath
        .latitude
        .iter()
        .enumerate()
        .filter(|(_, latitude)| latitude.abs() >= PURE)
    {
        let ratio = GRAVITY / (2.0 * ROTATION * latitude.to_radians().sin());
        // What the geometry does to currents of L3 is kept in 24 bits.
        let speed = (ratio * north[index].hypot(east[index])).abs();
        let is_close = |own: f64, expected: f64| (own - expected).abs() <= 1.2e-7 * speed;
        assert!(is_close(current.east[index], -ratio * north[index]));
        assert!(is_close(current.north[index], ratio * east[index]));
    }
}
