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
        let needs = Needs { ends: false, trend: false, ..Needs::of(&ALL) };
        let mut whole = Total::new(needs);
        whole.add(fill(), &flat, |_| f64::NAN);
        let (mut back, mut front) = (Total::new(needs), Total::new(needs));
        front.add(fill(), &flat[..at], |_| f64::NAN);
        back.add(fill(), &flat[at..], |_| f64::NAN);
        back.merge(&front);
        let nan = Fill { fill: f64::NAN, missing: f64::NAN };
        let mut whole_floats = Total::new(needs);
        whole_floats.add(nan, &floats, |_| f64::NAN);
        let (mut back_floats, mut front_floats) = (Total::new(needs), Total::new(needs));
        front_floats.add(nan, &floats[..at], |_| f64::NAN);
        back_floats.add(nan, &floats[at..], |_| f64::NAN);
        back_floats.merge(&front_floats);
        for statistic in [Statistic::Sum, Statistic::Mean, Statistic::Variance, Statistic::Min, Statistic::Max] {
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
