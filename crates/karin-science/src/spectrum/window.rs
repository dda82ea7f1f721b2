//! Tapers.

use crate::Refused;

/// The taper of a segment, periodic (as spectra want it: the sample after the last would be the first again).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Window {
    /// `½ (1 − cos(2πi/n))`.
    #[default]
    Hann,
    /// Cosine ramps over this share of the segment, half at each end, 1 between; 0 is no taper, 1 is [`Window::Hann`].
    Tukey(f64),
    /// All 1.
    None,
}

impl Window {
    /// From `hann`, `tukey`, `tukey(0.1)` or `none`. `tukey` alone is `tukey(0.1)`.
    ///
    /// # Errors
    /// If it is something else, or the share of the ramps is not between 0 and 1.
    pub fn parse(text: &str) -> Result<Self, Refused> {
        let text = text.trim().to_ascii_lowercase();
        let share = |inner: &str| {
            inner
                .trim()
                .parse()
                .ok()
                .filter(|share| (0.0..=1.0).contains(share))
        };
        match text.as_str() {
            "hann" => return Ok(Self::Hann),
            "none" | "boxcar" => return Ok(Self::None),
            "tukey" => return Ok(Self::Tukey(0.1)),
            _ => {}
        }
        let inner = text
            .strip_prefix("tukey(")
            .and_then(|rest| rest.strip_suffix(')'));
        inner.and_then(share).map(Self::Tukey).ok_or_else(|| {
            Refused::new(
                "window",
                format!("expected hann, tukey(SHARE) with a share from 0 to 1, or none, found {text:?}"),
            )
        })
    }

    /// The weights of `n` samples.
    pub fn weights(self, n: usize) -> Vec<f64> {
        let period = n as f64;
        let ramp = |i: f64, length: f64| 0.5 * (1.0 - (std::f64::consts::PI * i / length).cos());
        let weight = |i: usize| {
            let i = i as f64;
            match self {
                Self::None => 1.0,
                Self::Hann => ramp(i, period / 2.0),
                Self::Tukey(share) if share > 0.0 => {
                    let length = share * period / 2.0;
                    let from_end = i.min(period - i);
                    if from_end < length {
                        ramp(from_end, length)
                    } else {
                        1.0
                    }
                }
                Self::Tukey(_) => 1.0,
            }
        };
        (0..n).map(weight).collect()
    }
}

impl std::fmt::Display for Window {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hann => formatter.write_str("hann"),
            Self::Tukey(share) => write!(formatter, "tukey({share})"),
            Self::None => formatter.write_str("none"),
        }
    }
}
