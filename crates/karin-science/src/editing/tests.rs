use proptest::prelude::*;

use super::*;

#[test]
fn spikes_are_found_by_every_test() {
    let extent = Extent::new(60, 9);
    let mut field: Vec<f64> = (0..extent.len())
        .map(|at| 0.1 * ((at / 9) as f64 * 0.1).sin() + 0.001 * ((at * 7919 % 101) as f64 / 50.0 - 1.0))
        .collect();
    let spikes = [extent.index(10, 2), extent.index(30, 8), extent.index(59, 0)];
    spikes.iter().for_each(|at| field[*at] += 2.0);
    field[extent.index(20, 4)] = f64::NAN;
    for rejected in [
        mean_std_outliers(&field, 5.0, 10),
        median_outliers(&field, extent, (2, 2), 40.0),
        spline_outliers(&field, extent, 10.0, 40.0),
    ] {
        let found: Vec<usize> = (0..field.len()).filter(|at| rejected[*at]).collect();
        assert!(spikes.iter().all(|at| found.contains(at)), "{found:?}");
        assert!(!rejected[extent.index(20, 4)] && found.len() < 20, "{found:?}");
    }
}

#[test]
fn iterations_look_at_what_is_left() {
    let mut field = vec![0.0; 1000];
    field
        .iter_mut()
        .enumerate()
        .for_each(|(at, value)| *value = (at % 2) as f64);
    field[0] = 1e6;
    field[1] = 100.0;
    let count = |iterations| {
        mean_std_outliers(&field, 3.0, iterations)
            .iter()
            .filter(|rejected| **rejected)
            .count()
    };
    assert_eq!((count(1), count(10)), (1, 2));
    assert!(
        mean_std_outliers(&[f64::NAN; 3], 3.0, 5)
            .iter()
            .all(|rejected| !rejected)
    );
}

#[test]
fn splines_pass_lines_and_halve_the_wave_that_they_say() {
    let mut line: Vec<f64> = (0..50).map(|at| 0.3 * f64::from(at) - 2.0).collect();
    let straight = line.clone();
    for at in (5..12).chain(40..50) {
        line[at] = f64::NAN;
    }
    for (found, expected) in smoothing_spline(&line, 12.0).iter().zip(&straight) {
        assert!((found - expected).abs() < 1e-8, "{found} {expected}");
    }
    let wave: Vec<f64> = (0..4000)
        .map(|at| (std::f64::consts::TAU * f64::from(at) / 25.0).sin())
        .collect();
    let smooth = smoothing_spline(&wave, 25.0);
    let most = smooth[1500..2500]
        .iter()
        .fold(0.0, |most: f64, value| most.max(value.abs()));
    assert!((most - 0.5).abs() < 0.005, "{most}");
    assert!(
        smoothing_spline(&[1.0, f64::NAN], 5.0)
            .iter()
            .all(|value| value.is_nan())
    );
    assert!(smoothing_spline(&[], 5.0).is_empty());
}

proptest! {
    #[test]
    fn what_conditions_keep_does_not_depend_on_their_order(
        rules in prop::collection::vec(prop::collection::vec(any::<bool>(), 50), 1..6),
        turn in 0usize..6,
    ) {
        let field: Vec<f64> = (0..50).map(|at| if at % 7 == 0 { f64::NAN } else { f64::from(at) }).collect();
        let apply = |rules: &[Vec<bool>]| {
            let mut chain = Chain::new(&field);
            rules.iter().for_each(|rule| chain.reject(rule.iter().copied()));
            chain
        };
        let forward = apply(&rules);
        let mut other = rules.clone();
        other.rotate_left(turn % rules.len());
        other.reverse();
        let backward = apply(&other);
        let kept = |chain: &Chain| chain.marks().iter().map(|mark| *mark == 0).collect::<Vec<_>>();
        prop_assert_eq!(kept(&forward), kept(&backward));
        prop_assert_eq!(forward.counts().iter().sum::<u64>(), 50 - 8);
        for (at, mark) in forward.marks().iter().enumerate() {
            match *mark {
                0 => prop_assert!(rules.iter().all(|rule| !rule[at])),
                Chain::NO_VALUE => prop_assert!(field[at].is_nan()),
                first => {
                    let first = usize::from(first) - 1;
                    prop_assert!(rules[first][at] && rules[..first].iter().all(|rule| !rule[at]));
                }
            }
        }
    }
}
