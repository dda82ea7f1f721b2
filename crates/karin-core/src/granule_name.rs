//! Names of granule files: what they say of a granule, and how to write them.
//!
//! Real names of every SWOT product are understood. Copies that users renamed (`subset_<name>.nc`,
//! `<name>_agulhas.nc`, `…_003_v2.0.1-med.nc`) are understood as far as they still identify the granule, with
//! a warning; names that contradict themselves (a pass 700, a month 13) are errors.

use crate::{CycleNumber, ErrorKind, HalfOrbit, PassNumber, Phase, Product, Schema, Version};

mod scan;
#[cfg(test)]
mod tests;

/// The identity of a granule of one half orbit, as its file name says it.
#[derive(Clone, Debug, PartialEq)]
pub struct GranuleName {
    /// Product.
    pub product: Product,
    /// Cycle and pass.
    pub half_orbit: HalfOrbit,
    /// Time of the first measurement, in seconds since 2000-01-01 UTC, to the second.
    pub start: f64,
    /// Time of the last measurement, likewise.
    pub end: f64,
    /// Version.
    pub version: Version,
    /// What else tells products of one kind apart: `Extended` or `light` (wave spectra), `N`, `R` or `S` (nadir
    /// altimeter: full, reduced, sensor). Empty for all others.
    pub variant: String,
}

/// What a file name says.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedName {
    /// Product.
    pub product: Product,
    /// The whole identity; `None` if the name lacks cycle and pass, times or version (renamed copies, maps).
    pub name: Option<GranuleName>,
    /// Cycle and pass, where the name has them.
    pub half_orbit: Option<HalfOrbit>,
    /// Start and end in seconds since 2000-01-01 UTC, where the name has them (a map: its day).
    pub period: Option<(f64, f64)>,
    /// Version, where the name has one.
    pub version: Option<Version>,
    /// What is unusual about the name. Empty for names as the producers write them.
    pub warnings: Vec<String>,
}

/// Why a file name is not one of a granule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// No product is named like this.
    #[error(
        "{name:?} is not the name of a SWOT granule (expected for example SWOT_L2_LR_SSH_Basic_010_013_20240210T140442_20240210T145610_PIC0_01.nc)"
    )]
    NotAGranule {
        /// The file name.
        name: String,
    },
    /// It begins like one, but says something that cannot be.
    #[error("{name:?} is not a possible granule name: {reason}")]
    Impossible {
        /// The file name.
        name: String,
        /// What cannot be.
        reason: String,
    },
    /// It does not say all that identifies a granule.
    #[error("{name:?} does not identify a granule: it lacks {missing}; restore the producer's file name")]
    Incomplete {
        /// The file name.
        name: String,
        /// What is missing.
        missing: &'static str,
    },
}

impl NameError {
    /// The stable code of this failure.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidName
    }
}

impl GranuleName {
    /// What the name of a file says; folders before it are ignored.
    ///
    /// # Errors
    /// [`NameError::NotAGranule`] if it has no product's words, [`NameError::Impossible`] if it contradicts itself.
    pub fn parse(file_name: &str) -> Result<ParsedName, NameError> {
        scan::parse(file_name)
    }

    /// What the name of a file says, if that identifies the granule wholly; and the warnings.
    ///
    /// # Errors
    /// As [`GranuleName::parse`], and [`NameError::Incomplete`].
    pub fn parse_whole(file_name: &str) -> Result<(Self, Vec<String>), NameError> {
        let parsed = Self::parse(file_name)?;
        let missing = parsed.missing();
        match parsed.name {
            Some(name) => Ok((name, parsed.warnings)),
            None => Err(NameError::Incomplete {
                name: file_name.to_owned(),
                missing,
            }),
        }
    }

    /// The schema that the granule is of; `None` for products without one.
    pub const fn schema(&self) -> Option<Schema> {
        self.version.schema()
    }

    /// The phase of its cycle.
    pub const fn phase(&self) -> Option<Phase> {
        self.half_orbit.phase()
    }

    /// The file name that the producer gives such a granule.
    pub fn file_name(&self) -> String {
        let Self {
            product,
            half_orbit,
            version,
            variant,
            ..
        } = self;
        let (start, end) = (scan::stamp(self.start, 'T'), scan::stamp(self.end, 'T'));
        match product {
            Product::L3WindWave if variant == "light" => {
                format!("SWOT_{product}_{half_orbit}_{start}_{end}_{version}_light.nc")
            }
            Product::L3WindWave if !variant.is_empty() => {
                format!("SWOT_{product}_{variant}_{half_orbit}_{start}_{end}_{version}.nc")
            }
            Product::NadirGdr | Product::NadirIgdr | Product::NadirOgdr => {
                let class = scan::nadir_class(*product);
                let (start, end) = (scan::stamp(self.start, '_'), scan::stamp(self.end, '_'));
                format!("SWOT_{class}{variant}_2P{version}P{half_orbit}_{start}_{end}.nc")
            }
            Product::RadiometerGdr | Product::RadiometerIgdr => {
                let class = if *product == Product::RadiometerGdr {
                    "GP"
                } else {
                    "IP"
                };
                let (start, end) = (scan::stamp(self.start, '_'), scan::stamp(self.end, '_'));
                format!("SWOT_{class}RAD_2PaP{half_orbit}_{start}_{end}_{version}.nc")
            }
            _ => format!("SWOT_{product}_{half_orbit}_{start}_{end}_{version}.nc"),
        }
    }
}

impl std::fmt::Display for GranuleName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.file_name())
    }
}

impl ParsedName {
    /// What the name lacks to identify a granule; empty if nothing.
    const fn missing(&self) -> &'static str {
        if self.name.is_some() {
            ""
        } else if self.half_orbit.is_none() {
            "cycle and pass"
        } else if self.period.is_none() {
            "start and end times"
        } else {
            "a version"
        }
    }
}

/// Takes any bytes as a file name and checks what must hold for all of them: no panic, and a whole name written
/// again reads as the same. The body of the fuzz target.
///
/// # Panics
/// If the grammar contradicts itself, which is what the fuzzer looks for.
pub fn check_any_name(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(parsed) = GranuleName::parse(&text) else {
        return;
    };
    let Some(name) = parsed.name else {
        assert!(
            !parsed.warnings.is_empty() || parsed.product == Product::L4,
            "an incomplete name without a warning: {text:?}"
        );
        return;
    };
    let again = GranuleName::parse_whole(&name.file_name());
    assert_eq!(again, Ok((name, Vec::new())), "from {text:?}");
}

/// Checks that cycle and pass exist together in the mission.
fn half_orbit(cycle: u16, pass: u16) -> Result<HalfOrbit, String> {
    let Some(phase) = Phase::of_cycle(CycleNumber(cycle)) else {
        return Err(format!(
            "no cycle has number {cycle} (science 1 to 399, cal/val 402 to 578)"
        ));
    };
    match PassNumber(pass).index(phase) {
        Some(_) => Ok(HalfOrbit::new(cycle, pass)),
        None => Err(format!(
            "pass {pass} is not one of the {} of a {phase} cycle",
            phase.pass_count()
        )),
    }
}
