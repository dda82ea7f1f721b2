//! What is taken off a segment before its transform.

use multiversion::multiversion;

use crate::Refused;

/// Terms that are added up side by side: a processor adds several at once, in an order that is the same everywhere.
const LANES: usize = 8;
const OFFSETS: [f64; LANES] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0];

/// The straight line of least squares through values (or their mean): where it begins, and its step. In one round: the places
/// count from the middle, so that the mean has no part in the slope.
#[inline(always)]
fn line_of(values: &[f64], is_linear: bool) -> (f64, f64) {
    let n = values.len() as f64;
    let middle = (n - 1.0) / 2.0;
    let mut places = OFFSETS.map(|offset| offset - middle);
    let (mut sums, mut moments) = ([0.0; LANES], [0.0; LANES]);
    let (whole, rest) = values.as_chunks::<LANES>();
    for chunk in whole {
        for lane in 0..LANES {
            sums[lane] += chunk[lane];
            moments[lane] += places[lane] * chunk[lane];
            places[lane] += LANES as f64;
        }
    }
    for (lane, value) in rest.iter().enumerate() {
        sums[lane] += value;
        moments[lane] += places[lane] * value;
    }
    let squares = n * (n * n - 1.0) / 12.0;
    let mean = sums.iter().sum::<f64>() / n;
    let slope = if is_linear && squares > 0.0 {
        moments.iter().sum::<f64>() / squares
    } else {
        0.0
    };
    (mean - slope * middle, slope)
}

/// Values less their line (or mean, or nothing), times weights. Compiled for wider vectors too: sums are those of the same lanes.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn taper_rest(values: &[f64], weights: &[f64], detrend: Detrend, out: &mut [f64]) {
    let (first, slope) = match detrend {
        Detrend::None => (0.0, 0.0),
        Detrend::Constant => line_of(values, false),
        Detrend::Linear => line_of(values, true),
    };
    let mut places = OFFSETS;
    let ((values, values_left), (weights, weights_left)) =
        (values.as_chunks::<LANES>(), weights.as_chunks::<LANES>());
    let (out, out_left) = out.as_chunks_mut::<LANES>();
    for ((out, values), weights) in out.iter_mut().zip(values).zip(weights) {
        for lane in 0..LANES {
            out[lane] = (values[lane] - (first + slope * places[lane])) * weights[lane];
            places[lane] += LANES as f64;
        }
    }
    let left = values_left.iter().zip(weights_left).zip(places);
    for (out, ((value, weight), place)) in out_left.iter_mut().zip(left) {
        *out = (value - (first + slope * place)) * weight;
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

    /// Detrends a series and tapers what is left. Every value must be finite; the weights are as many.
    pub fn taper(self, values: &[f64], weights: &[f64], out: &mut [f64]) {
        taper_rest(values, weights, self, out);
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
