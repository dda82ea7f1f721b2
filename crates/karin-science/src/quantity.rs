//! The catalogue of derived quantities: names, units, and what they need.

mod compute;
mod facts;

use std::fmt;
use std::str::FromStr;

pub use compute::{compute_all, compute_all_on};
use facts::{FACTS, Facts, Level};

use crate::currents::beta_fit;
use crate::{Cyclogeostrophy, Method, Metric, ScienceError};

/// Which height a quantity derives from unless another one is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Height {
    /// The anomaly: `ssha_filtered` where the product has it, else `ssha`.
    Anomaly,
    /// The absolute dynamic topography: `adt`.
    Absolute,
}

/// A quantity derived from a height field by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Quantity {
    /// Eastward geostrophic current of the anomaly.
    UGeo,
    /// Northward geostrophic current of the anomaly.
    VGeo,
    /// Eastward geostrophic current of the absolute topography.
    UGeoAbs,
    /// Northward geostrophic current of the absolute topography.
    VGeoAbs,
    /// Speed of the geostrophic current of the anomaly.
    Speed,
    /// Speed of the geostrophic current of the absolute topography.
    SpeedAbs,
    /// Kinetic energy of the current of the absolute topography.
    Ke,
    /// Kinetic energy of the current of the anomaly.
    Eke,
    /// Relative vorticity.
    Vorticity,
    /// Relative vorticity over f.
    VorticityOverF,
    /// Divergence.
    Divergence,
    /// Normal strain.
    NormalStrain,
    /// Shear strain.
    ShearStrain,
    /// Total strain.
    Strain,
    /// Total strain over |f|.
    StrainOverF,
    /// Okubo-Weiss parameter.
    OkuboWeiss,
    /// Okubo-Weiss parameter over f squared.
    OkuboWeissOverF2,
    /// Magnitude of the slope of the height.
    SshGradient,
    /// Laplacian of the height.
    SshLaplacian,
    /// Rossby number: relative vorticity over f.
    RossbyNumber,
    /// Eastward cyclogeostrophic current.
    UCyclo,
    /// Northward cyclogeostrophic current.
    VCyclo,
    /// Speed of the cyclogeostrophic current.
    SpeedCyclo,
    /// What is missing to the balance of the cyclogeostrophic current.
    CycloImbalance,
    /// Standard deviation of the eastward geostrophic current by the noise of the height.
    UGeoUncertainty,
    /// Standard deviation of the northward geostrophic current by the noise of the height.
    VGeoUncertainty,
    /// Standard deviation of the relative vorticity by the noise of the height.
    VorticityUncertainty,
}

impl Quantity {
    /// All of them, in the order of the catalogue.
    pub const ALL: [Self; FACTS.len()] = {
        let mut all = [Self::UGeo; FACTS.len()];
        let mut index = 0;
        while index < FACTS.len() {
            all[index] = FACTS[index].quantity;
            index += 1;
        }
        all
    };

    fn facts(self) -> &'static Facts {
        // The table is in the order of the enumeration, which a test checks.
        &FACTS[self as usize]
    }

    /// Its name in selections, expressions and files.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The quantity of a name, exactly as it is written.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }

    /// Its units as CF writes them; `1` if it has no dimension.
    pub fn units(self) -> &'static str {
        self.facts().units
    }

    /// What it is, in words.
    pub fn long_name(self) -> &'static str {
        self.facts().long_name
    }

    /// Its CF standard name, where there is one.
    pub fn standard_name(self) -> Option<&'static str> {
        self.facts().standard_name
    }

    /// The height that it derives from unless another one is named.
    pub fn height(self) -> Height {
        self.facts().height
    }

    /// Lines needed before and after those wanted, so that these come out as if the whole pass were there; `None`: the
    /// whole pass is needed.
    pub fn reach(self, method: &Method) -> Option<usize> {
        let half = method.derivative.half();
        // Near the equator currents take the curvature of a wider fit.
        let current = half.max(beta_fit().size() / 2);
        Some(match self.facts().level {
            Level::Slope => half,
            Level::Current => current,
            Level::Curvature => 2 * half,
            Level::Deformation => current + half,
            Level::Balance => current + method.cyclogeostrophy.reach(&method.derivative)? + 1,
        })
    }

    /// Bytes per pixel that computing it takes at its peak, beside the height, the metric (64) and its own result (8).
    pub fn bytes_per_pixel(self, method: &Method) -> usize {
        let fields = match self.facts().level {
            Level::Slope | Level::Current => 4,
            Level::Curvature => 10,
            // Components, their slopes, a fitted surface.
            Level::Deformation => 18,
            Level::Balance => match method.cyclogeostrophy {
                Cyclogeostrophy::GradientWind => 14,
                Cyclogeostrophy::FixedPoint => 20,
                // Two linearised currents and the vectors of conjugate gradients.
                Cyclogeostrophy::Variational => 48,
            },
        };
        fields * size_of::<f64>()
    }

    /// Computes it from a height in metres; NaN where it cannot be had.
    ///
    /// # Errors
    /// If the height does not fill the extent of the metric, or the method cannot give the quantity.
    pub fn compute(self, method: &Method, height: &[f64], metric: &Metric) -> Result<Vec<f64>, ScienceError> {
        let mut all = compute_all(&[self], method, height, metric)?;
        Ok(all.pop().unwrap_or_default())
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Quantity {
    type Err = ScienceError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::from_name(name).ok_or_else(|| ScienceError::UnknownQuantity(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enumeration() {
        for (index, quantity) in Quantity::ALL.into_iter().enumerate() {
            assert_eq!(quantity as usize, index);
            assert_eq!(Quantity::from_name(quantity.name()), Some(quantity));
            assert!(!quantity.units().is_empty() && !quantity.long_name().is_empty());
        }
    }

    #[test]
    fn a_mistyped_name_is_answered_with_the_nearest() {
        let error = "vortcity".parse::<Quantity>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "'vortcity' is no derived quantity; did you mean 'vorticity'?"
        );
        let error = "l4".parse::<Method>().unwrap_err();
        assert!(error.to_string().ends_with("did you mean 'l3'?"), "{error}");
    }

    #[test]
    fn reach_and_memory_grow_with_what_is_needed() {
        let of = |method: &str| method.parse::<Method>().unwrap();
        assert_eq!(Quantity::SshGradient.reach(&of("l3")), Some(4));
        assert_eq!(Quantity::UGeo.reach(&of("l3")), Some(12));
        assert_eq!(Quantity::Vorticity.reach(&of("l3")), Some(16));
        assert_eq!(Quantity::Vorticity.reach(&of("fit:25")), Some(24));
        assert_eq!(Quantity::UCyclo.reach(&of("cyclo=gradient_wind")), Some(17));
        assert_eq!(Quantity::UCyclo.reach(&of("cyclo=variational")), None);
        let bytes = |quantity: Quantity, method| quantity.bytes_per_pixel(&of(method));
        assert!(bytes(Quantity::UGeo, "l3") < bytes(Quantity::Vorticity, "l3"));
        assert!(bytes(Quantity::UCyclo, "l3") < bytes(Quantity::UCyclo, "cyclo=variational"));
    }
}
