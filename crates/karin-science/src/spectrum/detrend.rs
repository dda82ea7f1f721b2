//! What is taken off a segment before its transform.

use multiversion::multiversion;

use crate::Refused;

/// Terms that are added up side by side: a processor adds several at once, in an order that is the same everywhere.
const LANES: usize = 8;
const OFFSETS: [f64; LANES] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];

/// The sum of a term of place and value.
#[inline(always)]
fn sum(values: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    let mut sums = [0.0; LANES];
    for (chunk, start) in values.chunks(LANES).zip((0u32..).step_by(LANES)) {
        let start = f64::from(start);
        for ((sum, value), lane) in sums.iter_mut().zip(chunk).zip(OFFSETS) {
            *sum += term(start + lane, *value);
        }
    }
    sums.iter().sum()
}

/// Subtracts the mean, or the straight line of least squares. Compiled for wider vectors too: sums are those of the same lanes.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn subtract_line(values: &mut [f64], is_linear: bool) {
    let n = values.len() as f64;
    let mean = sum(values, |_, value| value) / n;
    let middle = (n - 1.0) / 2.0;
    let squares = n * (n * n - 1.0) / 12.0;
    let slope = if is_linear && squares > 0.0 {
        sum(values, |x, value| (x - middle) * (value - mean)) / squares
    } else {
        0.0
    };
    let first = mean - slope * middle;
    for (chunk, start) in values.chunks_mut(LANES).zip((0u32..).step_by(LANES)) {
        let start = f64::from(start);
        for (value, lane) in chunk.iter_mut().zip(OFFSETS) {
            *value -= first + slope * (start + lane);
        }
    }
}

/// What is subtracted from a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detrend {
    /// Nothing.
    None,
    /// The mean.
    Constant,
    /// The straight line (in two dimensions the plane) of least squares.
    #[default]
    Linear,
}

impl Detrend {
    /// From `none`, `constant` or `linear`.
    ///
    /// # Errors
    /// If it is something else.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        match text.trim().to_ascii_lowercase().as_str() {
            "none" => Ok(Self::None),
            "constant" => Ok(Self::Constant),
            "linear" => Ok(Self::Linear),
            other => Err(Refused::new(
                "detrend",
                format!("expected none, constant or linear, found {other:?}"),
            )),
        }
    }

    /// Detrends in place. Every value must be finite.
    pub fn apply(self, values: &mut [f64]) {
        if !values.is_empty() && self != Self::None {
            subtract_line(values, self == Self::Linear);
        }
    }

    /// Detrends a field of `rows` x `columns` in place: its mean, or its plane of least squares. Every value must be finite.
    pub(super) fn apply_plane(self, values: &mut [f64], rows: usize, columns: usize) {
        if values.is_empty() || self == Self::None {
            return;
        }
        let (m, n) = (rows as f64, columns as f64);
        let (row_middle, column_middle) = ((m - 1.0) / 2.0, (n - 1.0) / 2.0);
        let mean = values.iter().sum::<f64>() / (m * n);
        let (mut along, mut across) = (0.0, 0.0);
        // The axes are orthogonal over a whole rectangle, so that each slope is found alone.
        if self == Self::Linear {
            for (i, row) in values.chunks(columns).enumerate() {
                for (j, value) in row.iter().enumerate() {
                    along += (i as f64 - row_middle) * (value - mean);
                    across += (j as f64 - column_middle) * (value - mean);
                }
            }
            let squares = |count: f64, other: f64| other * count * (count * count - 1.0) / 12.0;
            along /= squares(m, n);
            across /= squares(n, m);
        }
        for (i, row) in values.chunks_mut(columns).enumerate() {
            for (j, value) in row.iter_mut().enumerate() {
                *value -= mean + along * (i as f64 - row_middle) + across * (j as f64 - column_middle);
            }
        }
    }
}

impl std::fmt::Display for Detrend {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::None => "none",
            Self::Constant => "constant",
            Self::Linear => "linear",
        })
    }
}
