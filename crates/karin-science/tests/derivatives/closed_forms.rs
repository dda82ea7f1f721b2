//! Waves and quadratics whose derivatives are known, at every heading, in both hemispheres, at the dateline and the poles.

use karin_science::sphere::{GRAVITY, RADIUS, ROTATION};
use karin_science::{Derivative, Extent, Fit, Method, Quantity, compute_all, currents, fit};

use crate::swath::{Start, Swath, Vector, axes, dot};

const HEADINGS: [f64; 8] = [0.0, 33.0, 77.6, 90.0, 135.0, 180.0, -77.6, -120.0];
const PLACES: [(f64, f64); 7] = [
    (45.0, 10.0),
    (-33.0, 179.99),
    (60.0, -179.995),
    (-77.0, 0.001),
    (15.0, 359.99),
    (88.5, 40.0),
    (-89.9, 100.0),
];
/// Waves of this many radians per radian of arc: 100 km long.
const WAVENUMBER: f64 = 400.0;

/// A wave `sin(K mu)` with `mu` the product of the up vector with a fixed one, and what it does at a pixel.
struct Wave {
    axis: Vector,
}

/// Slopes towards east and north, and the Laplacian.
struct Truth {
    east: f64,
    north: f64,
    laplacian: f64,
}

impl Wave {
    /// One that is steep at a place, with both slopes.
    fn at(latitude: f64, longitude: f64) -> Self {
        let [up, east, north] = axes(latitude, longitude);
        let axis = std::array::from_fn(|k| 0.3 * up[k] + 0.7 * east[k] + 0.648 * north[k]);
        let length = dot(axis, axis).sqrt();
        Self {
            axis: axis.map(|part| part / length),
        }
    }

    fn height(&self, up: Vector) -> f64 {
        (WAVENUMBER * dot(up, self.axis)).sin()
    }

    /// grad mu = (axis . e, axis . n) / R, |grad mu|2 = (1 - mu2) / R2, Laplacian of mu = -2 mu / R2.
    fn truth(&self, latitude: f64, longitude: f64) -> Truth {
        let [up, east, north] = axes(latitude, longitude);
        let mu = dot(up, self.axis);
        let slope = WAVENUMBER * (WAVENUMBER * mu).cos();
        Truth {
            east: slope * dot(east, self.axis) / RADIUS,
            north: slope * dot(north, self.axis) / RADIUS,
            laplacian: (-WAVENUMBER * WAVENUMBER * (WAVENUMBER * mu).sin() * (1.0 - mu * mu)
                - slope * 2.0 * mu)
                / (RADIUS * RADIUS),
        }
    }
}

fn swaths() -> impl Iterator<Item = (Start, Swath)> {
    PLACES.into_iter().flat_map(|(latitude, longitude)| {
        HEADINGS.into_iter().map(move |heading| {
            let start = Start {
                latitude,
                longitude,
                heading,
            };
            (start, Swath::new(Extent::new(41, 31), start, 2000.0))
        })
    })
}

/// Pixels with whole stencils of stencils around them.
fn inner(extent: Extent, margin: usize) -> impl Iterator<Item = usize> {
    (margin..extent.num_lines - margin).flat_map(move |line| {
        (margin..extent.num_pixels - margin).map(move |pixel| extent.index(line, pixel))
    })
}

#[test]
fn slopes_of_a_wave_are_right_everywhere_and_at_every_heading() {
    for (method, tolerance) in [
        ("l3", 2e-6),
        ("curvilinear", 4e-3),
        ("fit:3:square", 6e-3),
        ("fit:5", 2e-2),
    ] {
        let derivative: Derivative = method.parse().unwrap();
        for (start, swath) in swaths() {
            let wave = Wave::at(start.latitude, start.longitude);
            let height = swath.field(|up| wave.height(up));
            let (east, north) = currents::gradient(&height, &swath.metric(), &derivative).unwrap();
            for index in inner(swath.extent, 4) {
                let truth = wave.truth(swath.latitude[index], swath.longitude[index]);
                let away = (east[index] - truth.east).hypot(north[index] - truth.north);
                assert!(
                    away < tolerance * WAVENUMBER / RADIUS,
                    "{method} {start:?} {index}: {away:e} of {:e}",
                    WAVENUMBER / RADIUS
                );
            }
        }
    }
}

#[test]
fn currents_and_vorticity_of_a_wave_are_those_of_the_formula() {
    for (method, tolerance) in [("l3", 3e-4), ("curvilinear", 3e-2), ("fit:3:square", 3e-2)] {
        let method: Method = method.parse().unwrap();
        for (start, swath) in swaths() {
            let wave = Wave::at(start.latitude, start.longitude);
            let height = swath.field(|up| wave.height(up));
            let wanted = [
                Quantity::UGeo,
                Quantity::VGeo,
                Quantity::Vorticity,
                Quantity::SshLaplacian,
            ];
            let found = compute_all(&wanted, &method, &height, &swath.metric()).unwrap();
            for index in inner(swath.extent, 8) {
                let (latitude, longitude) = (swath.latitude[index], swath.longitude[index]);
                let truth = wave.truth(latitude, longitude);
                let (sine, cosine) = latitude.to_radians().sin_cos();
                let coriolis = 2.0 * ROTATION * sine;
                let beta = 2.0 * ROTATION * cosine / RADIUS;
                let expected = [
                    -GRAVITY / coriolis * truth.north,
                    GRAVITY / coriolis * truth.east,
                    GRAVITY / coriolis * (truth.laplacian - beta / coriolis * truth.north),
                    truth.laplacian,
                ];
                let speed = GRAVITY / coriolis.abs() * WAVENUMBER / RADIUS;
                let scale = [
                    speed,
                    speed,
                    speed * WAVENUMBER / RADIUS,
                    (WAVENUMBER / RADIUS).powi(2),
                ];
                for (quantity, name) in wanted.iter().enumerate() {
                    let away = (found[quantity][index] - expected[quantity]).abs() / scale[quantity];
                    assert!(away < tolerance, "{method} {name} {start:?} {index}: {away:e}");
                }
            }
        }
    }
}

#[test]
fn scalars_do_not_depend_on_the_heading() {
    use Quantity as Q;
    let wanted = [
        Q::Vorticity,
        Q::Divergence,
        Q::NormalStrain,
        Q::ShearStrain,
        Q::Strain,
        Q::OkuboWeiss,
    ];
    for method in ["l3", "fit:3:square:quadratic"] {
        let method: Method = method.parse().unwrap();
        let mut first: Option<Vec<f64>> = None;
        for heading in [0.0, 20.0, 77.6, 90.0, 160.0, 282.4] {
            // The same place in the middle of swaths that start there and reach both ways.
            let half = 20.0 * 2000.0 / RADIUS;
            let [up, east, north] = axes(40.0, 20.0);
            let (sine, cosine) = f64::to_radians(heading).sin_cos();
            let back: Vector = std::array::from_fn(|k| {
                half.cos() * up[k] - half.sin() * (cosine * east[k] + sine * north[k])
            });
            let ahead: Vector = std::array::from_fn(|k| {
                half.sin() * up[k] + half.cos() * (cosine * east[k] + sine * north[k])
            });
            let start = place_and_heading(back, ahead);
            let swath = Swath::new(Extent::new(41, 41), start, 2000.0);
            let middle = swath.extent.index(20, 20);
            assert!((swath.latitude[middle] - 40.0).abs() < 1e-9);
            let wave = Wave::at(40.0, 20.0);
            let height = swath.field(|up| wave.height(up));
            let all = compute_all(&wanted, &method, &height, &swath.metric()).unwrap();
            let found: Vec<f64> = all.iter().map(|values| values[middle]).collect();
            let scale = first.get_or_insert_with(|| found.clone());
            for (one, other) in found.iter().zip(scale.iter()) {
                let size = scale[4].powi(if other.abs() < 1e-7 { 2 } else { 1 }).abs();
                assert!(
                    (one - other).abs() < 2e-2 * size,
                    "{method} {heading}: {found:?} {scale:?}"
                );
            }
        }
    }
}

fn place_and_heading(up: Vector, ahead: Vector) -> Start {
    let (latitude, longitude) = (up[2].asin().to_degrees(), up[1].atan2(up[0]).to_degrees());
    let [_, east, north] = axes(latitude, longitude);
    Start {
        latitude,
        longitude,
        heading: dot(ahead, north).atan2(dot(ahead, east)).to_degrees(),
    }
}

/// A quadratic of line and pixel has these derivatives per line and pixel to the left at every place.
const QUADRATIC: [f64; 6] = [0.7, -0.011, 0.023, 0.0021, -0.0034, 0.0013];

/// Value, then slopes along and left, then second derivatives along, mixed, left.
fn quadratic(line: usize, pixel: usize) -> [f64; 6] {
    let [c, a, l, aa, al, ll] = QUADRATIC;
    let (x, y) = (line as f64, -(pixel as f64));
    [
        c + a * x + l * y + 0.5 * aa * x * x + al * x * y + 0.5 * ll * y * y,
        a + aa * x + al * y,
        l + al * x + ll * y,
        aa,
        al,
        ll,
    ]
}

#[test]
fn fits_of_quadratics_are_exact_and_every_second_derivative_is_rotated() {
    for (size, text) in [
        (3, "square"),
        (5, "disc"),
        (9, "gaussian"),
        (9, "square"),
        (13, "disc"),
        (25, "disc"),
    ] {
        let Derivative::Fit(fit) = format!("fit:{size}:{text}").parse().unwrap() else {
            panic!("a fit");
        };
        for (start, swath) in swaths().step_by(5) {
            let extent = swath.extent;
            let height: Vec<f64> = (0..extent.len())
                .map(|index| quadratic(index / extent.num_pixels, index % extent.num_pixels)[0])
                .collect();
            let metric = swath.metric();
            let surface = fit::surface(&height, &metric, &fit).unwrap();
            for index in inner(extent, 1) {
                let expected = quadratic(index / extent.num_pixels, index % extent.num_pixels);
                let (along, across) = metric.spacing(index);
                // The Hessian in the frame of the flight, turned by the heading as a matrix: R H R^T.
                let (sine, cosine) = metric.heading(index).sin_cos();
                let turn = [[cosine, -sine], [sine, cosine]];
                let own = [
                    [expected[3] / along / along, expected[4] / along / across],
                    [expected[4] / along / across, expected[5] / across / across],
                ];
                let turned = |row: usize, column: usize| -> f64 {
                    (0..2)
                        .flat_map(|i| (0..2).map(move |j| (i, j)))
                        .map(|(i, j)| turn[row][i] * own[i][j] * turn[column][j])
                        .sum()
                };
                let slope = [expected[1] / along, expected[2] / across];
                let pairs = [
                    (surface.value[index], expected[0], 1.0),
                    (
                        surface.east[index],
                        turn[0][0] * slope[0] + turn[0][1] * slope[1],
                        1e-5,
                    ),
                    (
                        surface.north[index],
                        turn[1][0] * slope[0] + turn[1][1] * slope[1],
                        1e-5,
                    ),
                    (surface.east_east[index], turned(0, 0), 1e-9),
                    (surface.east_north[index], turned(0, 1), 1e-9),
                    (surface.north_north[index], turned(1, 1), 1e-9),
                ];
                for (found, expected, scale) in pairs {
                    let is_missing = found.is_nan();
                    let is_corner = size > 3 && on_rim(extent, index, size / 2);
                    assert!(
                        (found - expected).abs() < 1e-7 * scale || (is_missing && is_corner),
                        "fit:{size}:{text} {start:?} {index}: {found:e} {expected:e}"
                    );
                }
            }
        }
    }
}

fn on_rim(extent: Extent, index: usize, half: usize) -> bool {
    let (line, pixel) = (index / extent.num_pixels, index % extent.num_pixels);
    line < half || pixel < half || line + half >= extent.num_lines || pixel + half >= extent.num_pixels
}

#[test]
fn longitudes_of_any_convention_give_the_same() {
    let start = Start {
        latitude: 20.0,
        longitude: 179.9,
        heading: 77.6,
    };
    let swath = Swath::new(Extent::new(30, 30), start, 2000.0);
    let wave = Wave::at(20.0, 180.0);
    let height = swath.field(|up| wave.height(up));
    let of = |convention: &dyn Fn(f64) -> f64| {
        let longitude: Vec<f64> = swath
            .longitude
            .iter()
            .map(|degrees| convention(*degrees))
            .collect();
        let metric = karin_science::Metric::new(&swath.latitude, &longitude, swath.extent).unwrap();
        compute_all(
            &[Quantity::UGeo, Quantity::Vorticity],
            &Method::default(),
            &height,
            &metric,
        )
        .unwrap()
    };
    let plain = of(&|degrees| degrees);
    for other in [
        of(&|degrees: f64| degrees.rem_euclid(360.0)),
        of(&|degrees| degrees - 360.0),
    ] {
        for (one, other) in plain.iter().flatten().zip(other.iter().flatten()) {
            assert!((one - other).abs() <= 1e-7 * one.abs().max(1e-4), "{one} {other}");
        }
    }
    assert!(plain[0].iter().all(|value| value.is_finite()));
}

#[test]
fn a_fit_is_described_by_its_words() {
    assert_eq!(
        Derivative::Fit(Fit::default()),
        "fit:9:disc:flat:quadratic".parse().unwrap()
    );
}

#[test]
fn swaths_whose_pixels_count_to_the_left_give_the_same() {
    let start = Start {
        latitude: 45.0,
        longitude: 10.0,
        heading: 77.6,
    };
    let swath = Swath::new(Extent::new(30, 25), start, 2000.0);
    let wave = Wave::at(45.0, 10.0);
    let height = swath.field(|up| wave.height(up));
    let mirrored = |values: &[f64]| -> Vec<f64> {
        let lines = values.chunks(25);
        lines.flat_map(|line| line.iter().rev().copied()).collect()
    };
    let metric = karin_science::Metric::new(
        &mirrored(&swath.latitude),
        &mirrored(&swath.longitude),
        swath.extent,
    )
    .unwrap();
    for method in ["l3", "fit:5", "curvilinear"] {
        let method: Method = method.parse().unwrap();
        for quantity in Quantity::ALL {
            let Ok(values) = quantity.compute(&method, &height, &swath.metric()) else {
                continue;
            };
            let other = quantity.compute(&method, &mirrored(&height), &metric).unwrap();
            let size = values
                .iter()
                .filter(|value| value.is_finite())
                .fold(0.0_f64, |most, value| most.max(value.abs()));
            for (one, other) in mirrored(&other).iter().zip(&values) {
                assert_eq!(one.is_nan(), other.is_nan());
                // What is left of a divergence is the small difference of large derivatives.
                let tolerance = if quantity == Quantity::Divergence {
                    1e-3
                } else {
                    2e-6
                };
                assert!(
                    one.is_nan() || (one - other).abs() <= tolerance * size,
                    "{method} {quantity}: {one:e} {other:e}"
                );
            }
        }
    }
}
