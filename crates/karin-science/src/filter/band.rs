//! Which wavelengths pass.

use crate::Refused;

/// Which wavelengths pass a filter; lengths in the unit of the spacing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Band {
    /// Those longer than this.
    Low(f64),
    /// Those shorter than this.
    High(f64),
    /// Those between a shorter and a longer one.
    Between(f64, f64),
}

impl Band {
    /// Its cut-offs as frequencies in cycles per sample.
    ///
    /// # Errors
    /// If a wavelength is not longer than two samples, or the band is empty.
    pub(super) fn frequencies(self, spacing: f64) -> Result<Vec<f64>, Refused> {
        let lengths = match self {
            Self::Low(length) | Self::High(length) => vec![length],
            Self::Between(shorter, longer) if shorter < longer => vec![longer, shorter],
            Self::Between(shorter, longer) => {
                let reason = format!("expected the shorter wavelength first, found {shorter} and {longer}");
                return Err(Refused::new("band", reason));
            }
        };
        let frequencies: Vec<f64> = lengths.iter().map(|length| spacing / length).collect();
        if frequencies
            .iter()
            .all(|frequency| *frequency > 0.0 && *frequency < 0.5)
        {
            return Ok(frequencies);
        }
        let reason = format!(
            "expected wavelengths longer than two samples ({}), found {lengths:?}",
            2.0 * spacing
        );
        Err(Refused::new("cut-off", reason))
    }
}
