//! The products of the mission, and the schemas that their structure comes in.

use serde::{Deserialize, Serialize};

use crate::ErrorKind;

/// A product: what kind of file it is. Names are the words of the file names without `SWOT_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Product {
    /// `L2_LR_SSH_Basic`: 2 km sea surface height with its quality and the main corrections.
    L2Basic,
    /// `L2_LR_SSH_Expert`: everything of the 2 km grid.
    L2Expert,
    /// `L2_LR_SSH_WindWave`: wind and waves on the 2 km grid.
    L2WindWave,
    /// `L2_LR_SSH_Unsmoothed`: 250 m, two swath sides in groups of their own.
    L2Unsmoothed,
    /// `L3_LR_SSH_Basic`: calibrated and edited sea level anomaly, 2 km.
    L3Basic,
    /// `L3_LR_SSH_Expert`: the same with currents and corrections.
    L3Expert,
    /// `L3_LR_SSH_Technical`: alternative corrections (since v3).
    L3Technical,
    /// `L3_LR_SSH_Unsmoothed`: 250 m.
    L3Unsmoothed,
    /// `L3_LR_WIND_WAVE`: wave spectra in boxes; not a swath.
    L3WindWave,
    /// `L1B_LR_INTF`: interferograms.
    L1bInterferogram,
    /// `L2_NALT_GDR`: nadir altimeter, final.
    NadirGdr,
    /// `L2_NALT_IGDR`: nadir altimeter, interim.
    NadirIgdr,
    /// `L2_NALT_OGDR`: nadir altimeter, near real time.
    NadirOgdr,
    /// `L2_RAD_GDR`: radiometer, final.
    RadiometerGdr,
    /// `L2_RAD_IGDR`: radiometer, interim.
    RadiometerIgdr,
    /// `L4`: gridded maps.
    L4,
}

impl Product {
    /// Every product.
    pub const ALL: [Self; 16] = [
        Self::L2Basic,
        Self::L2Expert,
        Self::L2WindWave,
        Self::L2Unsmoothed,
        Self::L3Basic,
        Self::L3Expert,
        Self::L3Technical,
        Self::L3Unsmoothed,
        Self::L3WindWave,
        Self::L1bInterferogram,
        Self::NadirGdr,
        Self::NadirIgdr,
        Self::NadirOgdr,
        Self::RadiometerGdr,
        Self::RadiometerIgdr,
        Self::L4,
    ];

    /// The name that users type and groups of a collection have.
    pub const fn name(self) -> &'static str {
        match self {
            Self::L2Basic => "L2_LR_SSH_Basic",
            Self::L2Expert => "L2_LR_SSH_Expert",
            Self::L2WindWave => "L2_LR_SSH_WindWave",
            Self::L2Unsmoothed => "L2_LR_SSH_Unsmoothed",
            Self::L3Basic => "L3_LR_SSH_Basic",
            Self::L3Expert => "L3_LR_SSH_Expert",
            Self::L3Technical => "L3_LR_SSH_Technical",
            Self::L3Unsmoothed => "L3_LR_SSH_Unsmoothed",
            Self::L3WindWave => "L3_LR_WIND_WAVE",
            Self::L1bInterferogram => "L1B_LR_INTF",
            Self::NadirGdr => "L2_NALT_GDR",
            Self::NadirIgdr => "L2_NALT_IGDR",
            Self::NadirOgdr => "L2_NALT_OGDR",
            Self::RadiometerGdr => "L2_RAD_GDR",
            Self::RadiometerIgdr => "L2_RAD_IGDR",
            Self::L4 => "L4",
        }
    }

    /// The product of that name, in any case, with or without `SWOT_` before it.
    ///
    /// # Errors
    /// If no product has that name; the error suggests the nearest ones.
    pub fn parse(name: &str) -> Result<Self, UnknownProduct> {
        let trimmed = name.trim();
        let bare = match trimmed.get(..5) {
            Some(prefix) if prefix.eq_ignore_ascii_case("SWOT_") => &trimmed[5..],
            _ => trimmed,
        };
        Self::ALL
            .into_iter()
            .find(|product| product.name().eq_ignore_ascii_case(bare))
            .ok_or_else(|| UnknownProduct::new(name, bare))
    }

    /// True if collections hold it (in the schemas of [`Product::ingested_schemas`]); everything else can be
    /// described, reduced and extracted, not ingested.
    pub const fn is_ingested(self) -> bool {
        !self.ingested_schemas().is_empty()
    }

    /// The schemas that collections hold of it, oldest first.
    pub const fn ingested_schemas(self) -> &'static [Schema] {
        const C_AND_D: &[Schema] = &[Schema::Baseline(b'C'), Schema::Baseline(b'D')];
        const ONE_TO_THREE: &[Schema] = &[Schema::Release(1), Schema::Release(2), Schema::Release(3)];
        match self {
            Self::L2Basic | Self::L2Expert | Self::L2WindWave | Self::L2Unsmoothed => C_AND_D,
            Self::L3Basic | Self::L3Expert => ONE_TO_THREE,
            Self::L3Technical => &[Schema::Release(3)],
            Self::L3Unsmoothed => &[Schema::Release(1), Schema::Release(2)],
            _ => &[],
        }
    }

    /// True for the products whose pixels lie in the same places in every cycle (2 km grids).
    pub const fn has_fixed_grid(self) -> bool {
        matches!(
            self,
            Self::L2Basic
                | Self::L2Expert
                | Self::L2WindWave
                | Self::L3Basic
                | Self::L3Expert
                | Self::L3Technical
        )
    }

    /// True for level 2 low-rate sea surface height, true for no other.
    pub const fn is_level2_ssh(self) -> bool {
        matches!(
            self,
            Self::L2Basic | Self::L2Expert | Self::L2WindWave | Self::L2Unsmoothed
        )
    }

    /// True for level 3 low-rate sea surface height, true for no other.
    pub const fn is_level3_ssh(self) -> bool {
        matches!(
            self,
            Self::L3Basic | Self::L3Expert | Self::L3Technical | Self::L3Unsmoothed
        )
    }
}

impl std::fmt::Display for Product {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

impl std::str::FromStr for Product {
    type Err = UnknownProduct;
    fn from_str(name: &str) -> Result<Self, UnknownProduct> {
        Self::parse(name)
    }
}

impl Serialize for Product {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Product {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name).map_err(serde::de::Error::custom)
    }
}

/// The name is not one of a product.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown product {name:?}: {hint}")]
pub struct UnknownProduct {
    /// What was asked for.
    pub name: String,
    /// What may have been meant.
    pub hint: String,
}

impl UnknownProduct {
    fn new(name: &str, bare: &str) -> Self {
        let word = bare.to_ascii_lowercase();
        let names = || Self::names();
        let mut near: Vec<&str> = names()
            .filter(|known| word.len() > 1 && known.to_ascii_lowercase().contains(&word))
            .collect();
        if near.is_empty() {
            near.extend(crate::suggest::nearest(bare, names()));
        }
        let hint = if near.is_empty() {
            format!("products are {}", names().collect::<Vec<_>>().join(", "))
        } else {
            format!("did you mean {}?", near.join(" or "))
        };
        Self {
            name: name.to_owned(),
            hint,
        }
    }

    fn names() -> impl Iterator<Item = &'static str> {
        Product::ALL.into_iter().map(Product::name)
    }

    /// The stable code of this failure.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidArgument
    }
}

/// The structure that the granules of a product have: the baseline letter of level 2, the major release of level 3.
/// Stored arrays never mix schemas; later ones are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Schema {
    /// Level 2: `C`, `D` (an upper-case ASCII letter).
    Baseline(u8),
    /// Level 3: `v1`, `v2`, `v3`.
    Release(u16),
}

impl Schema {
    /// Baseline C of level 2.
    pub const C: Self = Self::Baseline(b'C');
    /// Baseline D of level 2.
    pub const D: Self = Self::Baseline(b'D');
    /// Release 1 of level 3.
    pub const V1: Self = Self::Release(1);
    /// Release 2 of level 3.
    pub const V2: Self = Self::Release(2);
    /// Release 3 of level 3.
    pub const V3: Self = Self::Release(3);

    /// The schema of that word (`C`, `v2`; any case, but `v` alone is a release without its number).
    pub fn parse(word: &str) -> Option<Self> {
        match word.as_bytes() {
            [letter] if letter.is_ascii_alphabetic() && *letter != b'v' => {
                Some(Self::Baseline(letter.to_ascii_uppercase()))
            }
            [b'v' | b'V', digits @ ..] if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
                word.get(1..)?.parse().ok().map(Self::Release)
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for Schema {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Baseline(letter) => write!(formatter, "{}", char::from(*letter)),
            Self::Release(major) => write!(formatter, "v{major}"),
        }
    }
}

impl Serialize for Schema {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Self::parse(&word).ok_or_else(|| serde::de::Error::custom(format!("not a schema: {word:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_parses_in_any_case_with_and_without_swot() {
        for product in Product::ALL {
            assert_eq!(Product::parse(product.name()), Ok(product));
            assert_eq!(Product::parse(&product.name().to_lowercase()), Ok(product));
            assert_eq!(Product::parse(&format!("SWOT_{}", product.name())), Ok(product));
            assert_eq!(
                Product::parse(&format!("swot_{}", product.name().to_uppercase())),
                Ok(product)
            );
        }
    }

    #[test]
    fn a_wrong_name_suggests_what_was_meant() {
        let hint = |name: &str| Product::parse(name).expect_err(name).to_string();
        assert!(hint("L2_LR_SSH_Bsic").contains("did you mean L2_LR_SSH_Basic?"));
        assert!(hint("unsmoothed").contains("L2_LR_SSH_Unsmoothed or L3_LR_SSH_Unsmoothed"));
        assert!(hint("").contains("products are L2_LR_SSH_Basic, "));
        assert!(hint("zzzzzzzzzzzzzzzz").contains("products are"));
        assert!(hint("é").contains("products are"));
    }

    #[test]
    fn schemas_parse_print_and_sort() {
        for word in ["A", "C", "D", "v0", "v1", "v2", "v3", "v12"] {
            assert_eq!(Schema::parse(word).expect(word).to_string(), word);
        }
        assert_eq!(Schema::parse("V2"), Some(Schema::V2));
        for word in ["", "v", "CC", "v2.0", "v99999999", "1", "é"] {
            assert_eq!(Schema::parse(word), None, "{word}");
        }
        assert!(Schema::C < Schema::D && Schema::V1 < Schema::V2);
        assert_eq!(serde_json::to_string(&Schema::V2).expect("json"), "\"v2\"");
    }

    #[test]
    fn what_is_ingested_is_what_the_contract_says() {
        assert!(Product::L2Expert.is_ingested() && Product::L3Technical.is_ingested());
        assert!(!Product::L1bInterferogram.is_ingested() && !Product::L4.is_ingested());
        assert_eq!(Product::L2Unsmoothed.ingested_schemas(), [Schema::C, Schema::D]);
        assert!(!Product::L3Unsmoothed.has_fixed_grid() && Product::L3Technical.has_fixed_grid());
    }
}
