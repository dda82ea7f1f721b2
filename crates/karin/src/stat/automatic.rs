//! Bins that nobody said: from a sample of the values.

use karin_core::{Dataset as _, Progress, Resources};
use karin_engine::reduction::{Bins, Edges, Reduction, Statistic, Target};
use karin_engine::{Plan, reduce_to_memory};

use crate::Error;

/// Granules that bins are found from, spread evenly over those of the plan.
const SAMPLE: usize = 24;
/// Most bins that are made of themselves.
const MOST: f64 = 400.0;
/// The share of the values at either end that need not be inside.
const TAIL: f64 = 0.001;

/// The same reduction with every automatic bin said: between the quantiles 0.001 and 0.999 of a sample of granules, widened
/// to whole steps, in steps after Freedman and Diaconis (1981), `2 IQR n^(-1/3)`, rounded up to 1, 2 or 5 times a power
/// of ten, no finer than the variable is stored, and such that there are 400 bins at most.
///
/// # Errors
/// If the sample cannot be read, or has no values.
pub fn with_bins(
    plan: &Plan,
    reduction: &Reduction,
    resources: Resources,
    progress: &dyn Progress,
) -> Result<Reduction, Error> {
    let mut reduction = reduction.clone();
    if let Target::Bins(bins) = &mut reduction.target {
        for one in bins.iter_mut().filter(|one| one.edges == Edges::Automatic) {
            one.edges = found(plan, one, resources, progress)?;
        }
    }
    Ok(reduction)
}

fn found(plan: &Plan, bins: &Bins, resources: Resources, progress: &dyn Progress) -> Result<Edges, Error> {
    let name = &bins.variable;
    let statistics = [
        Statistic::Count,
        Statistic::Quantile(TAIL),
        Statistic::Quantile(0.25),
        Statistic::Quantile(0.75),
        Statistic::Quantile(1.0 - TAIL),
    ];
    let count = plan.pieces().len();
    let sampled = SAMPLE.min(count);
    let sample = plan.only((0..sampled).map(|k| k * count / sampled.max(1)));
    let sample = sample.of_also(name);
    let all = Reduction::new(statistics.to_vec(), Target::All);
    let (result, _) = reduce_to_memory(&sample, &all, resources, progress)?;
    let paths = result.root().variable_paths();
    let number = |statistic: &Statistic| {
        let path = paths
            .iter()
            .find(|path| path.ends_with(&format!("_{}", statistic.name())));
        path.and_then(|path| super::values_of(&result, path).first().copied())
    };
    let numbers: Vec<f64> = statistics.iter().filter_map(number).collect();
    let [count, low, first, third, high] = numbers.as_slice() else {
        let reason = format!("{name} has no values to find bins from: write {name}:FROM:TO:STEP");
        return Err(Error::option("--bin", reason));
    };
    let stored = sample
        .columns()
        .first()
        .and_then(|column| column.packing.as_ref());
    let finest = stored
        .filter(|packing| packing.dtype.is_integer())
        .map_or(0.0, |packing| packing.scale.abs());
    steps(*count, [*low, *first, *third, *high], finest).ok_or_else(|| {
        let reason =
            format!("{name} has no two values in a sample of {sampled} granules: write {name}:FROM:TO:STEP");
        Error::option("--bin", reason)
    })
}

/// Steps for so many values with these quantiles; `None` without values.
fn steps(count: f64, [low, first, third, high]: [f64; 4], finest: f64) -> Option<Edges> {
    if !(count > 0.0 && low.is_finite() && high.is_finite()) {
        return None;
    }
    let range = high - low;
    let wanted = (2.0 * (third - first) / count.cbrt())
        .max(range / MOST)
        .max(finest);
    // All values are one: a bin around it.
    let step = if wanted > 0.0 {
        round_up(wanted)
    } else {
        round_up(low.abs().max(1.0) * 1e-3)
    };
    let from = (low / step).floor() * step;
    let to = ((high / step).floor() + 1.0) * step;
    let digits = usize::try_from((-step.log10()).ceil().max(0.0) as i64).unwrap_or(0);
    let decimal = |number: f64| format!("{number:.digits$}").parse().unwrap_or(number);
    Some(Edges::Steps {
        from: decimal(from),
        to: decimal(to),
        step: decimal(step),
    })
}

/// The next of 1, 2, 5, 10, … times a power of ten.
fn round_up(number: f64) -> f64 {
    let power = 10f64.powf(number.log10().floor());
    let factors = [1.0, 2.0, 5.0, 10.0];
    let factor = factors
        .into_iter()
        .find(|factor| factor * power >= number * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_cover_the_values_and_are_not_finer_than_what_is_stored() {
        // 2 * 0.2 / 100 = 0.004 -> 0.005
        let edges = steps(1e6, [-0.503, -0.1, 0.1, 0.497], 1e-4);
        let expected = Edges::Steps {
            from: -0.505,
            to: 0.5,
            step: 0.005,
        };
        assert_eq!(edges, Some(expected));
        let Some(Edges::Steps { step, .. }) = steps(1e15, [0.0, 0.1, 0.2, 0.3], 0.01) else {
            panic!("no steps")
        };
        assert!((step - 0.01).abs() < 1e-15);
        let Some(Edges::Steps { from, to, step }) = steps(5.0, [7.0; 4], 0.0) else {
            panic!("no steps")
        };
        assert!(from <= 7.0 && to > 7.0 && step > 0.0);
        assert_eq!(steps(0.0, [f64::NAN; 4], 0.0), None);
    }

    #[test]
    fn few_bins_are_made_of_values_with_long_tails() {
        let Some(Edges::Steps { from, to, step }) = steps(1e9, [-1e3, -0.1, 0.1, 1e3], 1e-4) else {
            panic!("no steps")
        };
        assert!((to - from) / step <= MOST + 2.0);
    }
}
