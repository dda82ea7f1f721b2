use proptest::prelude::*;

use super::*;

/// Numbers without pattern, from -0.5 to 0.5, the same every time.
fn noise(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).max(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    (0..count).map(|_| next()).collect()
}

fn options(samples: usize) -> SegmentOptions {
    SegmentOptions::new(samples, 2.0)
}

fn one_column(options: SegmentOptions, series: &[f64]) -> Sums {
    let welch = Welch::new(options).unwrap();
    let mut along = AlongTrack::new(&welch, 1, false);
    along.push_lines(series);
    along.finish()
}

/// What is left of a series by the textbook: less its mean, or its line of least squares.
fn without_trend(series: &[f64], detrend: Detrend) -> Vec<f64> {
    let n = series.len() as f64;
    let mean = series.iter().sum::<f64>() / n;
    let place = |at: usize| at as f64 - (n - 1.0) / 2.0;
    let terms = series.iter().enumerate();
    let common: f64 = terms.clone().map(|(at, value)| place(at) * (value - mean)).sum();
    let spread: f64 = (0..series.len()).map(|at| place(at).powi(2)).sum();
    let trend = |at: usize| match detrend {
        Detrend::None => 0.0,
        Detrend::Constant => mean,
        Detrend::Linear => mean + common / spread * place(at),
    };
    terms.map(|(at, value)| value - trend(at)).collect()
}

#[test]
fn power_adds_up_to_the_mean_square_of_the_windowed_segment() {
    for (samples, window) in [
        (500, Window::Hann),
        (501, Window::Tukey(0.3)),
        (128, Window::None),
        (37, Window::Hann),
    ] {
        for detrend in [Detrend::None, Detrend::Constant, Detrend::Linear] {
            let series: Vec<f64> = noise(samples, 7).iter().map(|value| value + 3.0).collect();
            let own = options(samples).with_window(window).with_detrend(detrend);
            let sums = one_column(own, &series);
            let step = 1.0 / (samples as f64 * 2.0);
            let sum: f64 = sums.mean(&sums.xx).iter().map(|density| density * step).sum();
            let left = without_trend(&series, detrend);
            let weights = window.weights(samples);
            let power: f64 = weights.iter().map(|weight| weight * weight).sum();
            let expected: f64 = left
                .iter()
                .zip(&weights)
                .map(|(x, w)| (x * w).powi(2))
                .sum::<f64>()
                / power;
            assert!(
                (sum / expected - 1.0).abs() < 1e-10,
                "{samples} {window} {detrend}: {sum} {expected}"
            );
        }
    }
}

#[test]
fn power_of_rectangles_adds_up_to_their_mean_square() {
    for (lines, pixels) in [(64, 25), (45, 24), (30, 31)] {
        let plane = Plane::new(
            options(lines)
                .with_window(Window::None)
                .with_detrend(Detrend::None),
            options(pixels).with_window(Window::None),
        )
        .unwrap();
        let field = noise(lines * pixels, 3);
        let mut rectangles = Rectangles::new(&plane);
        field.chunks(pixels).for_each(|line| rectangles.push_line(line));
        let sums = rectangles.finish();
        assert_eq!(sums.rectangles, 1);
        let step = 1.0 / (lines as f64 * 2.0) / (pixels as f64 * 2.0);
        let sum: f64 = sums.mean().iter().map(|density| density * step).sum();
        let expected: f64 = field.iter().map(|value| value * value).sum::<f64>() / field.len() as f64;
        assert!((sum / expected - 1.0).abs() < 1e-10, "{sum} {expected}");
    }
}

#[test]
fn a_plane_wave_is_found_where_it_is() {
    let (lines, pixels) = (100, 24);
    let plane = Plane::new(
        options(lines)
            .with_window(Window::None)
            .with_detrend(Detrend::None),
        options(pixels).with_window(Window::None),
    )
    .unwrap();
    for (along, across) in [(7i32, 3i32), (12, -5), (20, 0)] {
        let phase = |line: usize, pixel: usize| {
            f64::from(along) * line as f64 / lines as f64 + f64::from(across) * pixel as f64 / pixels as f64
        };
        let field: Vec<f64> = (0..lines * pixels)
            .map(|at| (std::f64::consts::TAU * phase(at / pixels, at % pixels)).cos())
            .collect();
        let mut rectangles = Rectangles::new(&plane);
        field.chunks(pixels).for_each(|line| rectangles.push_line(line));
        let sums = rectangles.finish();
        let most = sums
            .density
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(b.1))
            .unwrap()
            .0;
        let found = (
            plane.wavenumbers_along()[most / pixels],
            plane.wavenumbers_across()[most % pixels],
        );
        let expected = (
            f64::from(along) / (lines as f64 * 2.0),
            f64::from(across) / (pixels as f64 * 2.0),
        );
        assert!(
            (found.0 - expected.0).abs() < 1e-12 && (found.1 - expected.1).abs() < 1e-12,
            "{found:?}"
        );
    }
}

#[test]
fn the_slope_of_a_steep_spectrum_comes_back() {
    // A series whose transform falls as k^-2 with random phases: density k^-4.
    let n = 1 << 16;
    let phases = noise(n, 11);
    let mut planner = realfft::RealFftPlanner::<f64>::new();
    let inverse = planner.plan_fft_inverse(n);
    let mut spectrum = inverse.make_input_vec();
    for (k, value) in spectrum.iter_mut().enumerate().skip(8).take(n / 2 - 9) {
        let angle = std::f64::consts::TAU * phases[k];
        *value = realfft::num_complex::Complex::from_polar((k as f64).powi(-2), angle);
    }
    let mut series = inverse.make_output_vec();
    inverse.process(&mut spectrum, &mut series).unwrap();
    let sums = one_column(options(512), &series);
    let density = sums.mean(&sums.xx);
    let k = options(512).wavenumbers();
    let points: Vec<(f64, f64)> = (10..120).map(|i| (k[i].ln(), density[i].ln())).collect();
    let n = points.len() as f64;
    let (mx, my) = (
        points.iter().map(|p| p.0).sum::<f64>() / n,
        points.iter().map(|p| p.1).sum::<f64>() / n,
    );
    let slope = points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum::<f64>()
        / points.iter().map(|p| (p.0 - mx).powi(2)).sum::<f64>();
    assert!((slope + 4.0).abs() < 0.05, "{slope}");
}

/// The rule of sections and holes, said on a whole series.
fn segments_of(series: &[f64], own: &SegmentOptions) -> Vec<Vec<f64>> {
    let valid: Vec<usize> = (0..series.len()).filter(|i| series[*i].is_finite()).collect();
    let mut sections: Vec<Vec<usize>> = Vec::new();
    for &at in &valid {
        match sections.last_mut() {
            Some(section) if at - section.last().unwrap() - 1 <= own.hole_samples() => section.push(at),
            _ => sections.push(vec![at]),
        }
    }
    let mut found = Vec::new();
    for section in sections {
        let (first, last) = (section[0], section[section.len() - 1]);
        let mut start = first;
        while start + own.samples <= last + 1 {
            let count = section
                .iter()
                .filter(|at| (start..start + own.samples).contains(*at))
                .count();
            if count >= own.least_values() {
                let filled = |at: usize| {
                    let after = section.partition_point(|own| *own < at);
                    let b = section[after];
                    if b == at {
                        return series[at];
                    }
                    let a = section[after - 1];
                    let part = (at - a) as f64 / (b - a) as f64;
                    series[a] + part * (series[b] - series[a])
                };
                found.push((start..start + own.samples).map(filled).collect());
            }
            start += own.step();
        }
    }
    found
}

proptest! {
    #[test]
    fn segments_follow_the_rule_whatever_the_gaps(
        holes in prop::collection::vec((0usize..700, 1usize..25), 0..25),
        seed in 1u64..1000,
        overlap in 0.0f64..0.9,
        longest in 0.0f64..0.3,
        least in 0.5f64..1.0,
        piece in 1usize..100,
    ) {
        let mut series = noise(700, seed);
        for (start, length) in holes {
            series.iter_mut().skip(start).take(length).for_each(|value| *value = f64::NAN);
        }
        let own = options(60).with_overlap(overlap).with_holes(longest, least);
        let mut found = Vec::new();
        let mut segmenter = segment::Segmenter::new(&own);
        for part in series.chunks(piece) {
            segmenter.extend([part, &[]], &mut |segments| found.push(segments[0].to_vec()));
        }
        let expected = segments_of(&series, &own);
        prop_assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            for (a, b) in found.iter().zip(expected) {
                prop_assert!((a - b).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn sums_of_parts_are_the_sums_of_the_whole(seed in 1u64..1000) {
        let welch = Welch::new(options(40)).unwrap();
        let fields: Vec<Vec<f64>> = (0..4).map(|part| noise(200 * 3, seed + part)).collect();
        let sums = |fields: &[Vec<f64>]| {
            let mut total = Sums::new(3, 21, false);
            for field in fields {
                let mut along = AlongTrack::new(&welch, 3, false);
                along.push_lines(field);
                total.merge(&along.finish());
            }
            total
        };
        let mut merged = sums(&fields[..2]);
        merged.merge(&sums(&fields[2..]));
        let whole = sums(&fields);
        prop_assert_eq!(&merged.segments, &whole.segments);
        for (a, b) in merged.xx.iter().zip(&whole.xx) {
            prop_assert!((a - b).abs() <= 1e-12 * b.abs());
        }
    }
}

#[test]
fn a_hole_between_segments_that_do_not_overlap_is_filled_like_any_other() {
    let own = options(10).with_overlap(0.0).with_holes(0.2, 0.5);
    let mut series: Vec<f64> = (0..30).map(f64::from).collect();
    (10..12).for_each(|at| series[at] = f64::NAN);
    let mut starts = Vec::new();
    let mut segmenter = segment::Segmenter::new(&own);
    segmenter.extend([&series, &[]], &mut |segments| starts.push(segments[0][0]));
    assert_eq!(starts, [0.0, 10.0, 20.0]);
    assert_eq!(segments_of(&series, &own).len(), 3);
}

#[test]
fn missing_lines_end_sections() {
    let welch = Welch::new(options(50)).unwrap();
    let series = noise(80, 5);
    let count = |skip: usize| {
        let mut along = AlongTrack::new(&welch, 1, false);
        for (index, value) in series.iter().enumerate() {
            if index == 40 {
                along.skip_lines(skip);
            }
            along.push_lines(&[*value]);
        }
        along.finish().count()
    };
    assert_eq!((count(0), count(1_000_000)), (2, 0));
}

#[test]
fn both_sides_of_a_swath_give_segments_across() {
    let welch = Welch::new(options(25).with_holes(0.0, 1.0)).unwrap();
    let mut across = AcrossTrack::new(&welch, false);
    let mut line = noise(69, 5);
    for pixel in (0..5).chain(30..39).chain(64..69) {
        line[pixel] = f64::NAN;
    }
    across.push_line(&line);
    across.push_line(&[1.0; 24]);
    assert_eq!(across.finish().count(), 2);
}

#[test]
fn a_delayed_field_is_coherent_and_late() {
    let welch = Welch::new(options(128)).unwrap();
    let series = noise(4000, 9);
    let mut along = AlongTrack::new(&welch, 1, true);
    for pair in series.windows(3) {
        // The second field is what the first was two samples (4 km) before.
        along.push_pairs(&[pair[2]], &[pair[0]]);
    }
    let sums = along.finish();
    let means = [&sums.xx, &sums.yy, &sums.xy_real, &sums.xy_imaginary].map(|sum| sums.mean(sum));
    let coherence = coherence_squared(&means[0], &means[1], &means[2], &means[3]);
    let phase = phase_degrees(&means[2], &means[3]);
    for (index, k) in welch.wavenumbers().iter().enumerate().take(30).skip(5) {
        assert!(coherence[index] > 0.8, "{}", coherence[index]);
        let expected = -360.0 * k * 4.0;
        assert!(
            (phase[index] - expected).abs() < 12.0,
            "{k}: {} {expected}",
            phase[index]
        );
    }
}

#[test]
fn the_requirement_is_the_curve_of_the_project() {
    assert!((requirement_cm2_per_cpkm(1.0 / 1000.0) - 1252.0).abs() < 1e-9);
    assert!((requirement_cm2_per_cpkm(1.0 / 15.0) - 2.28125).abs() < 1e-9);
    assert!(requirement_cm2_per_cpkm(0.08).is_nan() && requirement_cm2_per_cpkm(0.0).is_nan());
}

#[test]
fn degrees_of_freedom_are_those_of_welch() {
    let hann = Window::Hann.weights(500);
    assert_eq!(degrees_of_freedom(10.0, &hann, 500), 20.0);
    // For half overlapping Hann windows ρ₁ is 1/36, ρ₂ is 0.
    let expected = 2.0 * 10.0 / (1.0 + 2.0 * 0.9 / 36.0);
    assert!((degrees_of_freedom(10.0, &hann, 250) - expected).abs() < 1e-3);
    assert_eq!(degrees_of_freedom(0.0, &hann, 250), 0.0);
    let (low, high) = confidence_factors(20.0, 0.95);
    assert!(low < 1.0 && high > 1.0);
}

#[test]
fn options_that_make_no_sense_are_refused() {
    for own in [
        options(3),
        options(50).with_overlap(1.0),
        options(50).with_holes(-0.1, 0.5),
        SegmentOptions::new(50, 0.0),
        SegmentOptions::new(50, f64::NAN),
    ] {
        assert!(Welch::new(own).is_err(), "{own:?}");
    }
    assert!(Window::parse("tukey(2)").is_err() && Window::parse("hat").is_err());
    assert_eq!(Window::parse("tukey(0.25)"), Ok(Window::Tukey(0.25)));
    assert!(Detrend::parse("cubic").is_err());
}

#[test]
fn rectangles_with_long_holes_are_passed_over() {
    let plane = Plane::new(options(20).with_overlap(0.0).with_holes(0.1, 0.9), options(5)).unwrap();
    let count = |hole: std::ops::Range<usize>| {
        let mut field = noise(60 * 5, 2);
        hole.for_each(|line| field[line * 5 + 2] = f64::NAN);
        let mut rectangles = Rectangles::new(&plane);
        field.chunks(5).for_each(|line| rectangles.push_line(line));
        let sums = rectangles.finish();
        assert!(sums.mean().iter().all(|density| density.is_finite()) || sums.rectangles == 0);
        sums.rectangles
    };
    // None; two lines, which are filled; three, behind which one rectangle less fits; one at the start.
    assert_eq!([count(0..0), count(5..7), count(5..8), count(0..1)], [3, 3, 2, 2]);
}
