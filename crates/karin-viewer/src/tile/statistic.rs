//! What becomes of values that fall into one pixel.

use crate::swath::Kept;

/// How values that fall into one pixel become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Statistic {
    /// Their mean: every native value counts the same.
    Mean,
    /// Their standard deviation.
    Std,
    /// How many there are.
    Count,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The earliest granule's.
    First,
    /// The latest granule's.
    Last,
}

impl Statistic {
    /// Their words.
    pub const WORDS: [&str; 7] = ["mean", "last", "first", "min", "max", "std", "count"];

    /// Of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "mean" => Self::Mean,
            "std" => Self::Std,
            "count" => Self::Count,
            "min" => Self::Min,
            "max" => Self::Max,
            "first" => Self::First,
            "last" => Self::Last,
            _ => return None,
        })
    }

    /// What of the values of a cell it needs.
    pub const fn kept(self, is_flag: bool) -> Kept {
        match self {
            _ if is_flag => Kept::Middle,
            Self::Std => Kept::Spread,
            Self::Min => Kept::Least,
            Self::Max => Kept::Greatest,
            Self::Mean | Self::Count | Self::First | Self::Last => Kept::Mean,
        }
    }
}
