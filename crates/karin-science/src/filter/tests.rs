use proptest::prelude::*;

use super::*;

/// A polynomial of lines and pixels with holes.
fn field(extent: Extent, holes: &[(usize, usize)], value: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let mut field: Vec<f64> = (0..extent.len())
        .map(|at| value((at / extent.num_pixels) as f64, (at % extent.num_pixels) as f64))
        .collect();
    for (line, pixel) in holes {
        field[extent.index(line % extent.num_lines, pixel % extent.num_pixels)] = f64::NAN;
    }
    field
}

fn holes() -> impl Strategy<Value = Vec<(usize, usize)>> {
    prop::collection::vec((0usize..40, 0usize..12), 0..200)
}

const EXTENT: Extent = Extent {
    num_lines: 40,
    num_pixels: 12,
};

proptest! {
    #[test]
    fn what_is_constant_stays_whatever_the_gaps(holes in holes(), value in -5.0f64..5.0) {
        let field = field(EXTENT, &holes, |_, _| value);
        let kernel = Separable::new(gaussian(1.7), boxcar(2)).unwrap();
        let smooth = [
            filter(&field, EXTENT, &kernel, Gaps::Kept),
            filter(&field, EXTENT, &Separable::lanczos(Band::Low(12.0), (2.0, 2.0)).unwrap(), Gaps::Kept),
            median(&field, EXTENT, (2, 2), Gaps::Kept),
            savitzky_golay(&field, EXTENT, (4, 2), Gaps::Kept).unwrap(),
            diffuse(&field, EXTENT, &DiffusionOptions::new(7).with_steepness(0.1)).unwrap(),
            variational(&field, EXTENT, &VariationalOptions::new(3.0, 2.0, 1.0), Gaps::Kept).unwrap().unwrap(),
        ];
        for smooth in smooth {
            for (found, original) in smooth.iter().zip(&field) {
                prop_assert!(original.is_nan() || found.is_nan() || (found - value).abs() < 1e-7, "{found} {value}");
                prop_assert!(!original.is_nan() || found.is_nan());
            }
        }
        let high = filter(&field, EXTENT, &kernel.clone().into_high_pass(), Gaps::Kept);
        prop_assert!(high.iter().all(|value| value.is_nan() || value.abs() < 1e-9));
    }

    #[test]
    fn polynomials_pass_savitzky_golay_whatever_the_gaps(holes in holes()) {
        let value = |line: f64, pixel: f64| 0.01 * line * line - 0.3 * line + pixel;
        let field = field(EXTENT, &holes, value);
        let smooth = savitzky_golay(&field, EXTENT, (5, 2), Gaps::Filled).unwrap();
        for (at, found) in smooth.iter().enumerate() {
            let expected = value((at / 12) as f64, (at % 12) as f64);
            prop_assert!(found.is_nan() || (found - expected).abs() < 1e-6, "{found} {expected}");
        }
        let count = |values: &[f64]| values.iter().filter(|value| value.is_nan()).count();
        prop_assert!(count(&smooth) <= count(&field));
    }

    #[test]
    fn diffusion_keeps_the_sum(holes in holes(), steps in 1usize..20) {
        let field = field(EXTENT, &holes, |line, pixel| (line * 0.7).sin() + (pixel * line).cos());
        let smooth = diffuse(&field, EXTENT, &DiffusionOptions::new(steps)).unwrap();
        let sum = |values: &[f64]| values.iter().filter(|value| !value.is_nan()).sum::<f64>();
        prop_assert!((sum(&smooth) - sum(&field)).abs() < 1e-9);
    }

    #[test]
    fn medians_are_those_of_sorted_windows(holes in holes(), a in 0usize..4, b in 0usize..4) {
        let field = field(EXTENT, &holes, |line, pixel| ((line * 7.3 + pixel * 3.1) * 1.7).sin());
        let found = median(&field, EXTENT, (a, b), Gaps::Filled);
        for (at, found) in found.iter().enumerate() {
            let (line, pixel) = ((at / 12) as i64, (at % 12) as i64);
            let mut window: Vec<f64> = Vec::new();
            for i in line - a as i64..=line + a as i64 {
                for j in pixel - b as i64..=pixel + b as i64 {
                    if (0..40).contains(&i) && (0..12).contains(&j) {
                        window.push(field[(i * 12 + j) as usize]);
                    }
                }
            }
            window.retain(|value| !value.is_nan());
            window.sort_by(f64::total_cmp);
            let n = window.len();
            let expected = if n == 0 { f64::NAN } else { 0.5 * (window[(n - 1) / 2] + window[n / 2]) };
            prop_assert!(found.to_bits() == expected.to_bits() || (found - expected).abs() < 1e-15);
        }
    }
}

#[test]
fn waves_pass_or_do_not_by_their_length() {
    let extent = Extent::new(600, 5);
    let wave = |length: f64| {
        field(extent, &[(9, 2), (500, 3)], |line, _| {
            (std::f64::consts::TAU * 2.0 * line / length).sin()
        })
    };
    let left = |filtered: &[f64]| {
        let middle = filtered
            .iter()
            .skip(200 * 5)
            .take(200 * 5)
            .filter(|value| !value.is_nan());
        middle.fold(0.0, |most: f64, value| most.max(value.abs()))
    };
    // Spacing 2 km; cut-offs at 40 and 120 km. The far shorter and far longer waves are told apart.
    let bands: [(Band, [bool; 3]); 3] = [
        (Band::Low(40.0), [false, true, true]),
        (Band::High(120.0), [true, true, false]),
        (Band::Between(40.0, 120.0), [false, true, false]),
    ];
    for (band, expected) in bands {
        let lanczos = Separable::lanczos(band, (2.0, 200.0));
        assert!(
            lanczos.is_err(),
            "across, the cut-off is shorter than two samples"
        );
        let own = Butterworth::new(4, band, 2.0).unwrap();
        for (length, passes) in [20.0, 70.0, 400.0].into_iter().zip(expected) {
            let amplitude = left(&butterworth(&wave(length), extent, &own));
            let is_right = if passes { amplitude > 0.85 } else { amplitude < 0.1 };
            assert!(is_right, "{band:?} {length}: {amplitude}");
        }
    }
    let one = |frequency: f64| lanczos(frequency, (1.5 / frequency).ceil() as usize);
    let along = Separable::new(one(2.0 / 40.0), vec![1.0]).unwrap();
    for (length, passes) in [(15.0, false), (90.0, true)] {
        let amplitude = left(&filter(&wave(length), extent, &along, Gaps::Kept));
        assert!(
            if passes {
                amplitude > 0.95
            } else {
                amplitude < 0.05
            },
            "{length}: {amplitude}"
        );
    }
}

#[test]
fn penalties_halve_the_waves_that_they_say() {
    let extent = Extent::new(400, 3);
    for (order, options) in [
        (1, VariationalOptions::new(1.0, 0.0, 0.0)),
        (2, VariationalOptions::new(0.0, 1.0, 0.0)),
        (3, VariationalOptions::new(0.0, 0.0, 1.0)),
    ] {
        let length = 40.0;
        // A wave that ends with zero slope at both edges, where nothing flows.
        let wave = field(extent, &[], |line, _| {
            (std::f64::consts::TAU * (line + 0.5) / length).cos()
        });
        let share = 2.0 - 2.0 * (std::f64::consts::TAU / length).cos();
        let weight = share.powi(-order);
        let mut options = options;
        options.gradient *= weight;
        options.laplacian *= weight;
        options.laplacian_gradient *= weight;
        let smooth = variational(&wave, extent, &options, Gaps::Kept).unwrap().unwrap();
        for (smooth, wave) in smooth.iter().zip(&wave) {
            assert!(
                (smooth - 0.5 * wave).abs() < 1e-6,
                "order {order}: {smooth} {wave}"
            );
        }
    }
}

#[test]
fn only_the_hole_in_the_middle_is_filled() {
    let extent = Extent::new(3, 11);
    let mut field = field(extent, &[], |line, pixel| line + 2.0 * pixel);
    for line in 0..3 {
        for pixel in [1, 4, 5, 6] {
            field[extent.index(line, pixel)] = f64::NAN;
        }
    }
    // The second line has no value on the left within reach.
    field[extent.index(1, 3)] = f64::NAN;
    let filled = fill_nadir_gap(&field, extent, 4..7, 1);
    assert_eq!(filled[extent.index(0, 5)], 10.0);
    assert_eq!(filled[extent.index(2, 4)], 10.0);
    assert!(filled[extent.index(0, 1)].is_nan() && filled[extent.index(1, 5)].is_nan());
    assert_eq!(fill_nadir_gap(&field, extent, 40..70, 1).len(), field.len());
}

#[test]
fn options_that_make_no_sense_are_refused() {
    assert!(Separable::new(vec![0.5, 0.5], vec![1.0]).is_err());
    assert!(Butterworth::new(0, Band::Low(40.0), 2.0).is_err());
    assert!(Butterworth::new(4, Band::Low(4.0), 2.0).is_err());
    assert!(Butterworth::new(4, Band::Between(50.0, 40.0), 2.0).is_err());
    let extent = Extent::new(2, 2);
    assert!(savitzky_golay(&[0.0; 4], extent, (1, 3), Gaps::Kept).is_err());
    assert!(diffuse(&[0.0; 4], extent, &DiffusionOptions::new(1).with_step(0.3)).is_err());
    assert!(
        variational(
            &[0.0; 4],
            extent,
            &VariationalOptions::new(-1.0, 0.0, 0.0),
            Gaps::Kept
        )
        .is_err()
    );
}

#[test]
fn names_turn_kilometres_into_lines_and_pixels() {
    let spacing = Spacing {
        along_km: 2.0,
        across_km: 0.5,
        cross_track: (0..12).map(|pixel| 500.0 * (f64::from(pixel) - 5.5)).collect(),
    };
    let field = field(EXTENT, &[(3, 4), (20, 7)], |line, pixel| {
        (line * 0.7).sin() + pixel * pixel
    });
    let named = |name: &str, numbers: &[f64], words: &[&str]| Filter::new(name, numbers, words).unwrap();
    let smooth = named("gaussian", &[4.0, 1.0], &["fill"]);
    let kernel = Separable::new(gaussian(2.0), gaussian(2.0)).unwrap();
    assert_eq!(
        smooth.apply(&field, EXTENT, &spacing).unwrap(),
        filter(&field, EXTENT, &kernel, Gaps::Filled)
    );
    assert_eq!(smooth.reach(&spacing), Ok(Some(8)));
    assert_eq!(smooth.to_string(), "gaussian(_, 4, 1, fill)");
    assert_eq!(named("boxcar", &[6.0], &[]).reach(&spacing), Ok(Some(1)));
    assert_eq!(
        named("bandpass", &[10.0, 40.0], &[]).reach(&spacing),
        Ok(Some(30))
    );
    assert_eq!(named("butterworth", &[40.0], &[]).reach(&spacing), Ok(None));
    // As wide a Gaussian: 2 n t is the square of its pixels.
    assert_eq!(named("diffusion", &[8.0], &[]).reach(&spacing), Ok(Some(40)));
    let track = Spacing {
        across_km: f64::NAN,
        ..spacing.clone()
    };
    let line = Extent::new(40, 1);
    let one: Vec<f64> = (0..40).map(|at| f64::from(at % 7)).collect();
    let low = named("lowpass", &[20.0], &[]).apply(&one, line, &track).unwrap();
    assert!(
        low[15..25].iter().all(|value| (value - 3.0).abs() < 0.5),
        "{low:?}"
    );
    let nadir = named("fill_nadir", &[], &[]);
    assert!(nadir.apply(&one, line, &Spacing::default()).is_err());
}

#[test]
fn every_name_says_how_it_is_written() {
    for name in Filter::names() {
        let error = Filter::new(name, &[1.0; 5], &[]).unwrap_err().to_string();
        assert!(error.contains(&format!("it is written {name}(field")), "{error}");
        let error = Filter::new(name, &[1.0; 5], &["no"]).unwrap_err().to_string();
        assert!(error.starts_with(name), "{error}");
    }
}
