//! Which values a quality level keeps: four words that mean the same for every product.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::flags::{FlagKind, FlagTable};
use crate::suggest::did_you_mean;
use crate::{GroupMeta, VariableMeta};

/// How much doubt is accepted; each level keeps all that the one before keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QualityLevel {
    /// Nothing against it.
    Good,
    /// Also what the product calls suspect.
    Suspect,
    /// Also what the product calls degraded.
    Degraded,
    /// Everything: no gate.
    #[default]
    Any,
}

/// A word that is no quality level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a quality level (expected good, suspect, degraded or any){suggestion}", suggestion = did_you_mean(.0, QualityLevel::NAMES))]
pub struct QualityError(pub String);

impl QualityLevel {
    /// The words, strictest first.
    pub const NAMES: [&str; 4] = ["good", "suspect", "degraded", "any"];

    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Suspect => "suspect",
            Self::Degraded => "degraded",
            Self::Any => "any",
        }
    }
}

impl fmt::Display for QualityLevel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for QualityLevel {
    type Err = QualityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_ascii_lowercase().as_str() {
            "good" => Ok(Self::Good),
            "suspect" => Ok(Self::Suspect),
            "degraded" => Ok(Self::Degraded),
            "any" => Ok(Self::Any),
            _ => Err(QualityError(text.to_owned())),
        }
    }
}

/// How the numbers of a flag variable sort into quality levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GateRule {
    /// L2 bit masks, whose bits 30 and 31 sum up what is degraded and what is bad: 0, below 2^30, below 2^31.
    Bits,
    /// `height_cor_xover_qual`: 0 good, 1 suspect, 2 bad, which only `any` keeps.
    CrossoverCorrection,
    /// `quality_flag` of L3: 0 and 3, then 5, 10, 18 and 30, then 19, 20, 25, 50 and 70.
    Level3,
}

/// What decides over the values of a variable: another variable of its group, and how to read it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gate {
    /// Name of the flag variable, in the same group and with the same dimensions.
    pub flag_variable: String,
    /// How to read it.
    pub rule: GateRule,
}

impl Gate {
    /// True if the level keeps a value beside which the flag variable holds `raw`. Fill keeps nothing but at `any`.
    pub const fn keeps(&self, raw: u64, level: QualityLevel) -> bool {
        self.rule.keeps(raw, level)
    }
}

impl GateRule {
    /// True if the level keeps a value whose flag is `raw`.
    pub const fn keeps(self, raw: u64, level: QualityLevel) -> bool {
        use QualityLevel::{Any, Degraded, Good, Suspect};
        match (self, level) {
            (_, Any) => true,
            (Self::Bits, Good) | (Self::CrossoverCorrection, Good) => raw == 0,
            (Self::Bits, Suspect) => raw < 1 << 30,
            (Self::Bits, Degraded) => raw < 1 << 31,
            (Self::CrossoverCorrection, Suspect | Degraded) => raw <= 1,
            (Self::Level3, Good) => matches!(raw, 0 | 3),
            (Self::Level3, Suspect) => matches!(raw, 0 | 3 | 5 | 10 | 18 | 30),
            (Self::Level3, Degraded) => matches!(raw, 0 | 3 | 5 | 10 | 18 | 30 | 19 | 20 | 25 | 50 | 70),
        }
    }
}

/// The gate of a variable of `group`, if it has one.
///
/// L2 variables are gated by the variable that their `quality_flag` attribute names, if that holds bits or is
/// `height_cor_xover_qual`; the other enumerations gate nothing. Of L3, `ssha_unedited` and `sigma0` are gated by
/// `quality_flag` (the other heights are edited already). Coordinates and times are never gated.
pub fn gate_of(group: &GroupMeta, variable: &VariableMeta) -> Option<Gate> {
    let gate = |flag: &str, rule| {
        Some(Gate {
            flag_variable: flag.to_owned(),
            rule,
        })
    };
    if is_coordinate(variable) {
        return None;
    }
    let find = |name: &str| group.variables.iter().find(|candidate| candidate.name == name);
    if matches!(variable.name.as_str(), "ssha_unedited" | "sigma0") && find("quality_flag").is_some() {
        return gate("quality_flag", GateRule::Level3);
    }
    let named = variable.attributes.text("quality_flag")?.trim();
    if named == "height_cor_xover_qual" {
        return gate(named, GateRule::CrossoverCorrection);
    }
    match find(named).and_then(FlagTable::of) {
        Some(table) => (table.kind() == FlagKind::Bits).then(|| gate(named, GateRule::Bits))?,
        // A subset may have lost the flag's attributes, or the flag: the name says what it was.
        None => named
            .ends_with("_qual")
            .then(|| gate(named, GateRule::Bits))
            .filter(|_| named != "orbit_qual")?,
    }
}

/// Coordinates and times, which no quality level touches.
fn is_coordinate(variable: &VariableMeta) -> bool {
    let is_named = ["latitude", "longitude", "time", "cross_track_distance", "i_num_"]
        .iter()
        .any(|prefix| variable.name.starts_with(prefix));
    let standard = variable.attributes.text("standard_name").unwrap_or("");
    is_named || matches!(standard, "latitude" | "longitude" | "time")
}

#[cfg(test)]
mod tests;
