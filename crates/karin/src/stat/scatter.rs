//! Two variables against each other: the line of least squares that belongs to their joint histogram.

use karin_core::{AttrValue, Dataset as _, Progress, Resources};
use karin_engine::reduction::{Reduction, Statistic, Target};
use karin_engine::{Plan, reduce_to_memory};

use crate::Error;

/// The line of least squares by which a variable follows from another, over all places where both have values, inside the
/// bins or not.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Regression {
    /// The variable that is explained.
    pub variable: String,
    /// The one that explains it.
    pub on: String,
    /// Number of pairs.
    pub pairs: u64,
    /// Change of the first per unit of the second.
    pub slope: f64,
    /// The first where the second is zero.
    pub intercept: f64,
    /// Pearson's correlation.
    pub correlation: f64,
    /// Root of the mean squared difference of the two.
    pub rms_difference: f64,
}

const STATISTICS: [Statistic; 5] = [
    Statistic::Count,
    Statistic::Slope,
    Statistic::Intercept,
    Statistic::Correlation,
    Statistic::RmsDifference,
];

/// The regression that belongs to a joint histogram: counts of a variable binned by another and by itself. `None` for
/// other reductions.
///
/// # Errors
/// As [`reduce_to_memory`].
pub fn regression(
    plan: &Plan,
    reduction: &Reduction,
    resources: Resources,
    progress: &dyn Progress,
) -> Result<Option<Regression>, Error> {
    let Target::Bins(bins) = &reduction.target else {
        return Ok(None);
    };
    let [on, own] = bins.as_slice() else {
        return Ok(None);
    };
    let counts = |statistic: &Statistic| matches!(statistic, Statistic::Count | Statistic::Density);
    let is_own = matches!(plan.columns(), [column] if column.name == own.variable);
    if !is_own || !reduction.statistics.iter().all(counts) {
        return Ok(None);
    }
    let mut pairs = Reduction::new(STATISTICS.to_vec(), Target::All);
    pairs.with = Some(on.variable.clone());
    let (result, _) = reduce_to_memory(plan, &pairs, resources, progress)?;
    let of = |statistic: Statistic| {
        let path = format!("{}_{}", own.variable, statistic.name());
        let known = result
            .root()
            .variable_paths()
            .into_iter()
            .find(|known| known.ends_with(&path));
        let values = known
            .map(|path| super::values_of(&result, &path))
            .unwrap_or_default();
        values.first().copied().unwrap_or(f64::NAN)
    };
    Ok(Some(Regression {
        variable: own.variable.clone(),
        on: on.variable.clone(),
        pairs: of(Statistic::Count) as u64,
        slope: of(Statistic::Slope),
        intercept: of(Statistic::Intercept),
        correlation: of(Statistic::Correlation),
        rms_difference: of(Statistic::RmsDifference),
    }))
}

impl Regression {
    /// As attributes of a result.
    pub(super) fn attributes(&self) -> Vec<(String, AttrValue)> {
        let number = |name: &str, number: f64| (name.to_owned(), AttrValue::number(number));
        vec![
            (
                "regression".to_owned(),
                AttrValue::from(format!("{} on {}", self.variable, self.on).as_str()),
            ),
            number("regression_pairs", self.pairs as f64),
            number("regression_slope", self.slope),
            number("regression_intercept", self.intercept),
            number("regression_correlation", self.correlation),
            number("regression_rms_difference", self.rms_difference),
        ]
    }
}
