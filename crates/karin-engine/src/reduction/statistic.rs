//! The statistics by name.

use std::str::FromStr;

use crate::EngineError;

/// What many values are reduced to. Fill and NaN take no part in any of them; without a value the answer is NaN
/// (count: 0).
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Statistic {
    /// Number of values.
    Count,
    /// Sum.
    Sum,
    /// Arithmetic mean.
    Mean,
    /// Smallest value.
    Min,
    /// Greatest value.
    Max,
    /// Population variance (divided by the count, as numpy and xarray do by default).
    Variance,
    /// Square root of the variance.
    StandardDeviation,
    /// The earliest value: of the first cycle, then the first pass, then the first line that has one.
    First,
    /// The latest value.
    Last,
    /// The value in the middle; between two, their mean.
    Median,
    /// The value below which that fraction of the values lies, interpolated linearly (numpy's default).
    Quantile(f64),
    /// Median absolute deviation: the median of the distances to the median. Not scaled: of normally distributed values
    /// the standard deviation is 1.4826 times as large (Rousseeuw and Croux 1993).
    MedianAbsoluteDeviation,
    /// Slope of the straight line through the values against time, per year of 365.25 days.
    Trend,
    /// Share of the values per unit of what they are binned by: over all bins it integrates to 1. Of bins only.
    Density,
    /// Pearson's correlation of two fields.
    Correlation,
    /// Covariance of two fields (of the population).
    Covariance,
    /// Slope of the line of least squares by which the first field follows from the second.
    Slope,
    /// Where that line meets zero of the second field.
    Intercept,
    /// Root of the mean squared difference of two fields.
    RmsDifference,
    /// Mean of the first field less the second.
    MeanDifference,
}

/// Every name that users type, `quantile(q)` aside.
const NAMES: [(&str, Statistic); 23] = [
    ("count", Statistic::Count),
    ("sum", Statistic::Sum),
    ("mean", Statistic::Mean),
    ("min", Statistic::Min),
    ("max", Statistic::Max),
    ("var", Statistic::Variance),
    ("std", Statistic::StandardDeviation),
    ("first", Statistic::First),
    ("last", Statistic::Last),
    ("median", Statistic::Median),
    ("mad", Statistic::MedianAbsoluteDeviation),
    ("trend", Statistic::Trend),
    ("density", Statistic::Density),
    ("correlation", Statistic::Correlation),
    ("covariance", Statistic::Covariance),
    ("slope", Statistic::Slope),
    ("intercept", Statistic::Intercept),
    ("rms_difference", Statistic::RmsDifference),
    ("mean_difference", Statistic::MeanDifference),
    ("rmsd", Statistic::RmsDifference),
    ("bias", Statistic::MeanDifference),
    ("variance", Statistic::Variance),
    ("average", Statistic::Mean),
];

impl Statistic {
    /// The suffix of result variables: `mean`, `quantile_0.9`.
    pub fn name(self) -> String {
        match self {
            Self::Quantile(q) => format!("quantile_{q}"),
            other => NAMES
                .iter()
                .find(|(_, known)| *known == other)
                .map_or("", |(name, _)| name)
                .to_owned(),
        }
    }

    /// The method word of CF `cell_methods`; `None` where CF has none.
    pub const fn cell_method(self) -> Option<&'static str> {
        match self {
            Self::Sum => Some("sum"),
            Self::Mean => Some("mean"),
            Self::Min => Some("minimum"),
            Self::Max => Some("maximum"),
            Self::Variance => Some("variance"),
            Self::StandardDeviation => Some("standard_deviation"),
            Self::Median => Some("median"),
            _ => None,
        }
    }

    /// The units of the result for values of these units; `with` are those of the second field of a pair. A density has
    /// those of its bins, which are not known here: it is told as a pure number.
    pub fn units(self, units: &str, with: &str) -> String {
        match self {
            Self::Count | Self::Correlation | Self::Density => "1".to_owned(),
            Self::Variance => format!("({units})2"),
            Self::Trend => format!("{units} year-1"),
            Self::Covariance => format!("({units}) ({with})"),
            Self::Slope if units == with => "1".to_owned(),
            Self::Slope => format!("({units}) ({with})-1"),
            _ => units.to_owned(),
        }
    }

    /// True for statistics of two fields.
    pub const fn is_of_pairs(self) -> bool {
        matches!(
            self,
            Self::Correlation
                | Self::Covariance
                | Self::Slope
                | Self::Intercept
                | Self::RmsDifference
                | Self::MeanDifference
        )
    }

    /// True for statistics that need every value in its order: no states of fixed size hold them.
    pub const fn is_of_order(self) -> bool {
        matches!(
            self,
            Self::Median | Self::Quantile(_) | Self::MedianAbsoluteDeviation
        )
    }

    /// True for what is a quantity of its own rather than one of the values' kind.
    pub const fn is_of_other_kind(self) -> bool {
        self.is_of_pairs() || matches!(self, Self::Count | Self::Trend | Self::Density)
    }

    /// A list such as `mean,std,quantile(0.9)`.
    ///
    /// # Errors
    /// If a name is unknown or stands twice.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, EngineError> {
        let mut found: Vec<Self> = Vec::new();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let statistic: Self = word.parse()?;
            if found.contains(&statistic) {
                return Err(EngineError::option("--stats", format!("{word} stands twice")));
            }
            found.push(statistic);
        }
        if found.is_empty() {
            return Err(EngineError::option("--stats", "no statistic is named"));
        }
        Ok(found)
    }
}

impl FromStr for Statistic {
    type Err = EngineError;
    fn from_str(word: &str) -> Result<Self, EngineError> {
        let lower = word.trim().to_ascii_lowercase();
        if let Some((_, statistic)) = NAMES.iter().find(|(name, _)| *name == lower) {
            return Ok(*statistic);
        }
        let inner = lower
            .strip_prefix("quantile(")
            .and_then(|rest| rest.strip_suffix(')'))
            .or_else(|| lower.strip_prefix("quantile_"))
            .or_else(|| lower.strip_prefix('q'));
        if let Some(q) = inner.and_then(|text| text.trim().parse::<f64>().ok()) {
            if (0.0..=1.0).contains(&q) {
                return Ok(Self::Quantile(q));
            }
            return Err(EngineError::option(
                "--stats",
                format!("{word}: a quantile lies between 0 and 1"),
            ));
        }
        let known = NAMES.iter().map(|(name, _)| *name).chain(["quantile(0.5)"]);
        let hint = karin_core::suggest::did_you_mean(&lower, known.clone());
        let all: Vec<&str> = known.collect();
        Err(EngineError::option(
            "--stats",
            format!("no statistic {word:?}{hint} (there are {})", all.join(", ")),
        ))
    }
}

/// What the states must keep for the statistics that are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Sums.
    pub sum: bool,
    /// Sums of squares.
    pub squares: bool,
    /// Smallest and greatest.
    pub extremes: bool,
    /// First and last.
    pub ends: bool,
    /// Sums against time.
    pub trend: bool,
    /// Every value.
    pub values: bool,
    /// Products of two fields.
    pub pairs: bool,
}

impl Needs {
    /// What these statistics need (the count is always kept).
    pub fn of(statistics: &[Statistic]) -> Self {
        let any = |test: fn(&Statistic) -> bool| statistics.iter().any(test);
        Self {
            sum: any(|s| {
                matches!(
                    s,
                    Statistic::Sum | Statistic::Mean | Statistic::Variance | Statistic::StandardDeviation
                )
            }),
            squares: any(|s| matches!(s, Statistic::Variance | Statistic::StandardDeviation)),
            extremes: any(|s| matches!(s, Statistic::Min | Statistic::Max)),
            ends: any(|s| matches!(s, Statistic::First | Statistic::Last)),
            trend: any(|s| matches!(s, Statistic::Trend)),
            values: any(|s| s.is_of_order()),
            pairs: any(|s| s.is_of_pairs()),
        }
    }
}
