//! Merging, splitting and order, against the obvious way.

use proptest::prelude::*;

use super::*;

const FILL: i32 = i32::MAX;
const SCALE: Scale = Scale {
    scale: 1e-4,
    offset: 2.0,
};
const ALL: [Statistic; 9] = [
    Statistic::Sum,
    Statistic::Mean,
    Statistic::Min,
    Statistic::Max,
    Statistic::Variance,
    Statistic::StandardDeviation,
    Statistic::First,
    Statistic::Last,
    Statistic::Trend,
];

fn fill() -> Fill<i32> {
    Fill {
        fill: FILL,
        missing: FILL,
    }
}

fn cells<T: Sample>(fill: Fill<T>, slices: &[Vec<T>]) -> Cells<T> {
    let mut cells = Cells::new(slices.first().map_or(0, Vec::len), Needs::of(&ALL));
    let borrowed: Vec<&[T]> = slices.iter().map(Vec::as_slice).collect();
    let years: Vec<Vec<f64>> = (0..slices.len())
        .map(|k| vec![k as f64; slices[k].len()])
        .collect();
    let times: Vec<&[f64]> = years.iter().map(Vec::as_slice).collect();
    cells.add(fill, &borrowed, &times, 1);
    cells
}

fn values<T: Sample>(cells: &Cells<T>, statistic: Statistic) -> Vec<u64> {
    let mut out = Vec::new();
    cells.values_into(statistic, SCALE, &mut out);
    out.into_iter().map(f64::to_bits).collect()
}

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1.0)
}

fn slices() -> impl Strategy<Value = Vec<Vec<i32>>> {
    let value = prop_oneof![1 => Just(FILL), 4 => -2_000_000_000..2_000_000_000i32, 2 => -9..9i32];
    (1usize..9, 1usize..40).prop_flat_map(move |(cycles, pixels)| {
        prop::collection::vec(prop::collection::vec(value.clone(), pixels), cycles)
    })
}

proptest! {
    #[test]
    fn per_pixel_states_agree_with_plain_arithmetic(slices in slices()) {
        let cells = cells(fill(), &slices);
        for pixel in 0..slices[0].len() {
            let kept: Vec<i128> = slices.iter().map(|slice| slice[pixel]).filter(|v| *v != FILL).map(i128::from).collect();
            let n = kept.len() as f64;
            prop_assert_eq!(cells.counts()[pixel] as usize, kept.len());
            let sum: i128 = kept.iter().sum();
            let squares: i128 = kept.iter().map(|v| v * v).sum();
            let spread = squares * kept.len() as i128 - sum * sum;
            let of = |statistic| f64::from_bits(values(&cells, statistic)[pixel]);
            let truth = |packed: Option<i128>| packed.map_or(f64::NAN, |packed| packed as f64 * SCALE.scale + SCALE.offset);
            prop_assert_eq!(of(Statistic::Min).to_bits(), truth(kept.iter().min().copied()).to_bits());
            prop_assert_eq!(of(Statistic::Max).to_bits(), truth(kept.iter().max().copied()).to_bits());
            prop_assert_eq!(of(Statistic::First).to_bits(), truth(kept.first().copied()).to_bits());
            prop_assert_eq!(of(Statistic::Last).to_bits(), truth(kept.last().copied()).to_bits());
            prop_assert!(close(of(Statistic::Mean), sum as f64 / n * SCALE.scale + SCALE.offset, 1e-14));
            let variance = if kept.is_empty() { f64::NAN } else { spread as f64 / (n * n) * SCALE.scale * SCALE.scale };
            prop_assert!(close(of(Statistic::Variance), variance, 1e-13));
        }
    }

    #[test]
    fn packed_states_merge_to_the_same_bits_wherever_they_are_split(slices in slices(), at in 0usize..9) {
        let at = at.min(slices.len());
        let whole = cells(fill(), &slices);
        let mut merged = Cells::new(slices[0].len(), Needs::of(&ALL));
        merged.merge(&cells(fill(), &slices[..at]));
        merged.merge(&cells(fill(), &slices[at..]));
        for statistic in ALL {
            // Trends are against times as floating numbers.
            if statistic != Statistic::Trend && slices[..at].len() + slices[at..].len() == slices.len() {
                prop_assert_eq!(values(&whole, statistic), values(&merged, statistic), "{:?}", statistic);
            }
        }
        prop_assert_eq!(whole.counts(), merged.counts());
    }

    #[test]
    fn floating_states_agree_across_splits_to_1e_12(slices in slices(), at in 0usize..9) {
        let floats: Vec<Vec<f64>> = slices
            .iter()
            .map(|slice| slice.iter().map(|v| if *v == FILL { f64::NAN } else { f64::from(*v) * 1e-3 }).collect())
            .collect();
        let nan = Fill { fill: f64::NAN, missing: f64::NAN };
        let at = at.min(floats.len());
        let whole = cells(nan, &floats);
        let mut merged = Cells::new(floats[0].len(), Needs::of(&ALL));
        merged.merge(&cells(nan, &floats[..at]));
        merged.merge(&cells(nan, &floats[at..]));
        let spread = floats.iter().flatten().filter(|v| !v.is_nan()).fold(1.0, |a: f64, v| a.max(v.abs()));
        for statistic in ALL.into_iter().filter(|statistic| *statistic != Statistic::Trend) {
            for (a, b) in values(&whole, statistic).into_iter().zip(values(&merged, statistic)) {
                let (a, b) = (f64::from_bits(a), f64::from_bits(b));
                let size = if statistic == Statistic::Variance { spread * spread } else { spread };
                prop_assert!((a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-12 * size, "{statistic:?}: {a} {b}");
            }
        }
    }

    #[test]
    fn totals_do_not_depend_on_split_or_order(slices in slices(), at in 0usize..300) {
        let flat: Vec<i32> = slices.concat();
        let floats: Vec<f64> = flat.iter().map(|v| if *v == FILL { f64::NAN } else { f64::from(*v) / 7.0 }).collect();
        let at = at.min(flat.len());
        let needs = Needs { ends: false, ..Needs::of(&ALL) };
        let years = |index: usize| (index as f64).sin() / 3.0;
        let mut whole = Total::new(needs);
        whole.add(fill(), &flat, years);
        let (mut back, mut front) = (Total::new(needs), Total::new(needs));
        front.add(fill(), &flat[..at], years);
        back.add(fill(), &flat[at..], |index| years(at + index));
        back.merge(&front);
        let nan = Fill { fill: f64::NAN, missing: f64::NAN };
        let mut whole_floats = Total::new(needs);
        whole_floats.add(nan, &floats, years);
        let (mut back_floats, mut front_floats) = (Total::new(needs), Total::new(needs));
        front_floats.add(nan, &floats[..at], years);
        back_floats.add(nan, &floats[at..], |index| years(at + index));
        back_floats.merge(&front_floats);
        for statistic in [Statistic::Sum, Statistic::Mean, Statistic::Variance, Statistic::Min, Statistic::Max, Statistic::Trend] {
            prop_assert_eq!(whole.value(statistic, SCALE).to_bits(), back.value(statistic, SCALE).to_bits());
            prop_assert_eq!(whole_floats.value(statistic, SCALE).to_bits(), back_floats.value(statistic, SCALE).to_bits());
        }
        prop_assert_eq!(whole.count(), back.count());
    }

    #[test]
    fn sort_keys_sort_and_come_back(a in any::<f64>(), b in any::<f64>(), c in any::<i32>(), d in any::<i32>()) {
        prop_assert_eq!(c.cmp(&d), c.sort_key().cmp(&d.sort_key()));
        prop_assert_eq!(i32::of_sort_key(c.sort_key()), c);
        if !a.is_nan() && !b.is_nan() {
            prop_assert_eq!(a.total_cmp(&b), a.sort_key().cmp(&b.sort_key()));
            prop_assert_eq!(f64::of_sort_key(a.sort_key()).to_bits(), a.to_bits());
        }
    }
}

#[test]
fn one_time_has_no_trend_and_two_have() {
    let trend = |years: fn(usize) -> f64| {
        let mut total = Total::new(Needs::of(&[Statistic::Trend]));
        total.add(fill(), &[3, 5, 9, 4, 8], years);
        total.value(
            Statistic::Trend,
            Scale {
                scale: 0.5,
                offset: 7.0,
            },
        )
    };
    assert!(trend(|_| 0.123_456_789).is_nan() && trend(|_| f64::NAN).is_nan());
    // A straight line through 3 and 5, 1/8 year apart; what has no time has no part in it.
    assert_eq!(
        trend(|k| if k < 2 { 0.5 + k as f64 / 8.0 } else { f64::NAN }),
        8.0
    );
}

#[test]
fn the_variance_of_times_does_not_cancel() {
    let times: Vec<f64> = (0..1000).map(|k| 7.6e8 + f64::from(k) * 1e-3).collect();
    let mut total = Total::new(Needs::of(&[Statistic::Variance]));
    total.add(
        Fill {
            fill: f64::NAN,
            missing: f64::NAN,
        },
        &times,
        |_| f64::NAN,
    );
    let expected = (1000.0 * 1000.0 - 1.0) / 12.0 * 1e-6;
    let found = total.value(
        Statistic::Variance,
        Scale {
            scale: 1.0,
            offset: 0.0,
        },
    );
    assert!((found - expected).abs() < 1e-6 * expected, "{found} {expected}");
}

#[test]
fn statistics_are_named_and_listed() {
    assert_eq!(
        Statistic::parse_list("mean, std,quantile(0.9)").unwrap(),
        [
            Statistic::Mean,
            Statistic::StandardDeviation,
            Statistic::Quantile(0.9)
        ]
    );
    assert_eq!(Statistic::Quantile(0.9).name(), "quantile_0.9");
    for text in ["", "meen", "mean,mean", "quantile(2)", "quantile(x)"] {
        assert!(Statistic::parse_list(text).is_err(), "{text}");
    }
    assert!(
        Statistic::parse_list("medin")
            .unwrap_err()
            .to_string()
            .contains("did you mean 'median'")
    );
}

/// The median as people learn it.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

fn pairs() -> impl Strategy<Value = Vec<Pair>> {
    let number = prop_oneof![1 => Just(f64::NAN), 6 => -100.0..100.0f64];
    prop::collection::vec((number.clone(), number).prop_map(|(a, b)| [a, b]), 0..60)
}

const OF_PAIRS: [Statistic; 6] = [
    Statistic::Correlation,
    Statistic::Covariance,
    Statistic::Slope,
    Statistic::Intercept,
    Statistic::RmsDifference,
    Statistic::MeanDifference,
];

fn total_of_pairs(pairs: &[Pair]) -> Total<Pair> {
    let mut total = Total::new(Needs::of(&OF_PAIRS));
    total.add(Fill::PAIR, pairs, |_| f64::NAN);
    total
}

proptest! {
    #[test]
    fn distances_to_the_median_have_the_median_that_sorting_them_finds(
        mut values in prop::collection::vec(prop_oneof![-9..9i32, any::<i32>()], 0..40)
    ) {
        values.sort_unstable();
        let real: Vec<f64> = values.iter().map(|value| f64::from(*value) * 1e-4 - 3.0).collect();
        let middle = median(&real);
        let distances: Vec<f64> = real.iter().map(|value| (value - middle).abs()).collect();
        let found = quantile::median_absolute_deviation(real.len(), |k| real[k]);
        prop_assert!(close(found, median(&distances), 1e-12), "{found} {}", median(&distances));
        // The keys by which large data are sorted say the same.
        if let (Some(last), false) = (values.len().checked_sub(1), values.is_empty()) {
            let (below, above) = (values[last / 2], values[last.div_ceil(2)]);
            let by_key: Vec<f64> = values
                .iter()
                .map(|value| i32::of_distance_key(value.distance_key(below, above)) * 1e-4)
                .collect();
            prop_assert!(close(median(&by_key), found, 1e-9));
        }
    }

    #[test]
    fn pairs_agree_with_plain_arithmetic_and_do_not_depend_on_split_or_order(pairs in pairs(), at in 0usize..60) {
        let kept: Vec<Pair> = pairs.iter().copied().filter(|[a, b]| !a.is_nan() && !b.is_nan()).collect();
        let n = kept.len() as f64;
        let mean = |of: &dyn Fn(&Pair) -> f64| kept.iter().map(of).sum::<f64>() / n;
        let (first, second) = (mean(&|p| p[0]), mean(&|p| p[1]));
        let covariance = mean(&|p| (p[0] - first) * (p[1] - second));
        let (one, two) = (mean(&|p| (p[0] - first).powi(2)), mean(&|p| (p[1] - second).powi(2)));
        let total = total_of_pairs(&pairs);
        prop_assert_eq!(total.count() as usize, kept.len());
        let value = |statistic| total.value(statistic, Scale::NONE);
        prop_assert!(close(value(Statistic::Covariance), covariance, 1e-10));
        prop_assert!(close(value(Statistic::MeanDifference), mean(&|p| p[0] - p[1]), 1e-12));
        prop_assert!(close(value(Statistic::RmsDifference), mean(&|p| (p[0] - p[1]).powi(2)).sqrt(), 1e-12));
        if kept.len() > 2 && one > 1e-3 && two > 1e-3 {
            prop_assert!(close(value(Statistic::Correlation), covariance / (one * two).sqrt(), 1e-9));
            prop_assert!(close(value(Statistic::Slope), covariance / two, 1e-9));
            prop_assert!(close(value(Statistic::Intercept), first - covariance / two * second, 1e-8));
        }
        let at = at.min(pairs.len());
        let mut merged = total_of_pairs(&pairs[at..]);
        merged.merge(&total_of_pairs(&pairs[..at]));
        let mut bytes = Vec::new();
        merged.save(&mut bytes);
        let restored = Total::<Pair>::restore(Needs::of(&OF_PAIRS), &mut bytes.as_slice()).unwrap();
        let mut cells = Cells::new(1, Needs::of(&OF_PAIRS));
        cells.scatter(Fill::PAIR, &pairs[..at], &vec![0; at], |_| f64::NAN);
        let mut later = Cells::new(1, Needs::of(&OF_PAIRS));
        later.scatter(Fill::PAIR, &pairs[at..], &vec![0; pairs.len() - at], |_| f64::NAN);
        cells.merge(&later);
        for statistic in OF_PAIRS {
            // Exact sums: the same bits. Sums of deviations: nearly.
            prop_assert_eq!(merged.value(statistic, Scale::NONE).to_bits(), value(statistic).to_bits());
            prop_assert_eq!(restored.value(statistic, Scale::NONE).to_bits(), value(statistic).to_bits());
            let mut found = Vec::new();
            cells.values_into(statistic, Scale::NONE, &mut found);
            if one > 1e-3 && two > 1e-3 {
                prop_assert!(close(found[0], value(statistic), 1e-8), "{statistic:?}: {} {}", found[0], value(statistic));
            }
        }
    }
}

#[test]
fn fields_that_hardly_differ_keep_the_digits_of_their_difference() {
    let pairs: Vec<Pair> = (0..1000)
        .map(|k| f64::from(k).sin() * 1e4)
        .map(|x| [x + 1e-6, x])
        .collect();
    let total = total_of_pairs(&pairs);
    let rms = total.value(Statistic::RmsDifference, Scale::NONE);
    assert!((rms - 1e-6).abs() < 1e-11, "{rms}");
    let correlation = total.value(Statistic::Correlation, Scale::NONE);
    assert!((correlation - 1.0).abs() < 1e-14, "{correlation}");
    let same: Vec<Pair> = vec![[2.0, 3.0]; 5];
    let total = total_of_pairs(&same);
    assert!(total.value(Statistic::Correlation, Scale::NONE).is_nan());
    assert_eq!(total.value(Statistic::MeanDifference, Scale::NONE), -1.0);
}

#[test]
fn bins_are_read_as_they_are_written_and_have_the_edges_that_people_mean() {
    let bins: Bins = "ssha:-0.3:0.3:0.1".parse().unwrap();
    assert_eq!(bins.edges().unwrap(), [-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]);
    for text in ["ssha:-0.3:0.3:0.1", "wind:0,1,2.5,7", "swh"] {
        assert_eq!(text.parse::<Bins>().unwrap().to_string(), text);
    }
    assert_eq!(
        "a:0,1,2.5".parse::<Bins>().unwrap().edges().unwrap(),
        [0.0, 1.0, 2.5]
    );
    for text in [
        "",
        "a:",
        "a:1",
        "a:0:1",
        "a:0:1:2:3",
        "a:x:1:2",
        ":0:1:1",
        "a b:0:1:1",
    ] {
        let error = text.parse::<Bins>().and_then(|bins| bins.edges());
        assert!(error.is_err(), "{text}");
    }
    for text in [
        "a:0:1:0",
        "a:1:0:0.1",
        "a:0:1:0.3",
        "a:0:1e9:1e-9",
        "a:1,0",
        "a:0,inf",
        "a",
    ] {
        let error = text.parse::<Bins>().unwrap().edges().unwrap_err().to_string();
        assert!(
            error.contains("--bin") && error.contains(text.split(':').next().unwrap()),
            "{error}"
        );
    }
}

#[test]
fn reductions_that_do_not_fit_together_are_refused_with_what_to_do() {
    for (statistics, target, with, having, hint) in [
        ("correlation", "over all", None, None, "--with"),
        ("mean", "over all", Some("b"), None, "without --with"),
        ("density", "grid 1", None, None, "--bin"),
        ("trend", "over num_lines", None, None, "--over cycle"),
        ("mean", "by fortnight", None, None, "nothing to reduce over"),
        ("mean", "over cycles", None, None, "did you mean 'over cycle'"),
        ("mean", "bin a:0:1:1 b:0:1:1 c:0:1:1", None, None, "by two"),
        ("mean", "bin a:0:1:1 a:0:1:1", None, None, "stands twice"),
        ("mean", "over all", None, Some("count"), "condition"),
        (
            "mean",
            "over all",
            None,
            Some("cuont > 3"),
            "did you mean 'count'",
        ),
        ("mean", "over all", None, Some("1 > 3"), "names no statistic"),
    ] {
        let error = Reduction::of_words(statistics, target, with, having)
            .unwrap_err()
            .to_string();
        assert!(error.contains(hint), "{statistics} {target}: {error}");
    }
    let reduction = Reduction::of_words("mean", "bin b:0:1:0.5", None, Some("count >= 2")).unwrap();
    assert_eq!(reduction.computed(), [Statistic::Mean, Statistic::Count]);
    assert_eq!(reduction.also(), ["b"]);
}

#[test]
fn results_that_fail_their_condition_become_fill_and_counts_stay() {
    use karin_core::Values;
    let having = Having::parse("count >= 10 and std < 0.5").unwrap();
    let computed = [Statistic::Mean, Statistic::Count, Statistic::StandardDeviation];
    let mut results = vec![
        Values::Float64(vec![1.0, 2.0, 3.0, 4.0]),
        Values::Int64(vec![10, 9, 11, 12]),
        Values::Float64(vec![0.1, 0.1, 0.7, f64::NAN]),
    ];
    having.apply(&computed, &mut results);
    let Values::Float64(means) = &results[0] else {
        panic!("{results:?}")
    };
    assert_eq!(means[0], 1.0);
    assert!(means[1..].iter().all(|mean| mean.is_nan()));
    assert_eq!(results[1], Values::Int64(vec![10, 9, 11, 12]));
}
