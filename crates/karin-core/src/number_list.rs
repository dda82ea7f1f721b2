//! Lists of cycle and pass numbers as users write them: `1-10,12`.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A set of numbers, held as inclusive ranges that are sorted and do not touch.
///
/// ```
/// use karin_core::NumberList;
/// let cycles: NumberList = "475-477, 480".parse()?;
/// assert!(cycles.contains(476));
/// assert_eq!(cycles.iter().collect::<Vec<_>>(), [475, 476, 477, 480]);
/// assert_eq!(cycles.to_string(), "475-477,480");
/// # Ok::<(), karin_core::NumberListError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct NumberList(Vec<(u16, u16)>);

/// A text that is not a list of numbers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not a list of numbers: {reason} (expected numbers and ranges such as 1-10,12)")]
pub struct NumberListError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl NumberList {
    /// The numbers of inclusive ranges, in any order; empty ranges count for nothing.
    pub fn from_ranges(ranges: impl IntoIterator<Item = RangeInclusive<u16>>) -> Self {
        let mut sorted: Vec<(u16, u16)> = ranges
            .into_iter()
            .filter(|range| !range.is_empty())
            .map(RangeInclusive::into_inner)
            .collect();
        sorted.sort_unstable();
        let mut merged: Vec<(u16, u16)> = Vec::with_capacity(sorted.len());
        for (first, last) in sorted {
            match merged.last_mut() {
                Some(previous) if first <= previous.1.saturating_add(1) => previous.1 = previous.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    /// True if the number is in the list.
    pub fn contains(&self, number: u16) -> bool {
        let after = self.0.partition_point(|&(first, _)| first <= number);
        after
            .checked_sub(1)
            .and_then(|index| self.0.get(index))
            .is_some_and(|&(_, last)| number <= last)
    }

    /// The numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        self.0.iter().flat_map(|&(first, last)| first..=last)
    }

    /// The ranges, ascending.
    pub fn ranges(&self) -> impl Iterator<Item = RangeInclusive<u16>> + '_ {
        self.0.iter().map(|&(first, last)| first..=last)
    }

    /// How many numbers.
    pub fn len(&self) -> usize {
        self.0
            .iter()
            .map(|&(first, last)| usize::from(last - first) + 1)
            .sum()
    }

    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<u16> for NumberList {
    fn from_iter<I: IntoIterator<Item = u16>>(numbers: I) -> Self {
        Self::from_ranges(numbers.into_iter().map(|number| number..=number))
    }
}

impl FromStr for NumberList {
    type Err = NumberListError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |reason: String| NumberListError {
            text: text.to_owned(),
            reason,
        };
        let number = |part: &str| {
            let digits = part.trim();
            let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            match digits.parse::<u16>() {
                Ok(number) if is_number => Ok(number),
                _ if is_number => Err(error(format!("{digits} is too large"))),
                _ => Err(error(format!("'{digits}' is not a number"))),
            }
        };
        let mut ranges = Vec::new();
        for part in text.split(',') {
            let range = match part.split_once('-') {
                None => number(part)?..=number(part)?,
                Some((first, last)) => number(first)?..=number(last)?,
            };
            if range.is_empty() {
                return Err(error(format!("the range {} runs backwards", part.trim())));
            }
            ranges.push(range);
        }
        Ok(Self::from_ranges(ranges))
    }
}

impl fmt::Display for NumberList {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (first, last)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            match first == last {
                true => write!(formatter, "{comma}{first}")?,
                false => write!(formatter, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

impl From<NumberList> for String {
    fn from(list: NumberList) -> Self {
        list.to_string()
    }
}

impl TryFrom<String> for NumberList {
    type Error = NumberListError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.is_empty() {
            true => Ok(Self::default()),
            false => text.parse(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn says_what_is_wrong() {
        for (text, reason) in [
            ("", "'' is not a number"),
            ("1,", "'' is not a number"),
            ("1-", "'' is not a number"),
            ("-3", "'' is not a number"),
            ("+3", "'+3' is not a number"),
            ("1-2-3", "'2-3' is not a number"),
            ("9-3", "the range 9-3 runs backwards"),
            ("70000", "70000 is too large"),
        ] {
            assert_eq!(text.parse::<NumberList>().unwrap_err().reason, reason, "{text}");
        }
    }

    #[test]
    fn merges_what_touches() {
        let list: NumberList = " 12, 1-3 ,4,2-3, 65535 ".parse().unwrap();
        assert_eq!(list.to_string(), "1-4,12,65535");
        assert_eq!(list.len(), 6);
    }

    proptest! {
        #[test]
        fn holds_exactly_its_numbers(numbers in prop::collection::btree_set(0u16..300, 0..80)) {
            let list: NumberList = numbers.iter().copied().collect();
            prop_assert!(list.iter().eq(numbers.iter().copied()));
            prop_assert_eq!(list.len(), numbers.len());
            for number in 0..320 {
                prop_assert_eq!(list.contains(number), numbers.contains(&number));
            }
            prop_assert_eq!(NumberList::try_from(list.to_string()).unwrap(), list);
        }

        #[test]
        fn never_panics(text in "[0-9, -]{0,12}|.{0,12}") {
            let _ = text.parse::<NumberList>();
        }
    }
}
