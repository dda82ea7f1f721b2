//! What the numbers of a flag variable mean: CF's `flag_masks`, `flag_values` and `flag_meanings`, with the faults
//! that real granules have.

use crate::pattern::matches_pattern;
use crate::{AttrValue, Attributes, DType, Values, VariableMeta};

/// How the numbers of a flag variable are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagKind {
    /// Each name is a bit: several can be set at once.
    Bits,
    /// Each name is a value: one holds at a time.
    Values,
    /// Bits and enumerations in bit fields, mixed (CF allows `flag_masks` together with `flag_values`).
    Fields,
}

/// One name of a flag variable: it holds where `raw & mask == value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flag {
    /// One of `flag_meanings`.
    pub name: String,
    /// The bits that count.
    pub mask: u64,
    /// What they are where the flag holds.
    pub value: u64,
}

impl Flag {
    /// True if it holds for a stored number (as [`FlagTable::bits_of`] gives it).
    pub const fn holds(&self, bits: u64) -> bool {
        bits & self.mask == self.value
    }
}

/// The names of a flag variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagTable {
    kind: FlagKind,
    width: u64,
    flags: Vec<Flag>,
}

impl FlagTable {
    /// The table in a variable's attributes; `None` if it has none that can be read.
    ///
    /// Accepted beside what CF says: `flag_masks` that list the values of an enumeration (0, 3, 5, 10 in L3 v1 and
    /// v2), masks written as text (`"0LL, 2LL, 4LL"`), stray commas in `flag_meanings`, and 2147483648 wrapped to a
    /// negative number. Names and numbers are paired as far as both go.
    pub fn of(variable: &VariableMeta) -> Option<Self> {
        if !variable.dtype.is_numeric() {
            return None;
        }
        let width = match variable.dtype.size() {
            size @ 1..8 if variable.dtype.is_integer() => (1 << (8 * size)) - 1,
            _ => u64::MAX,
        };
        let names = meanings(&variable.attributes);
        let numbers = |name: &str| variable.attributes.get(name).map(|value| integers(value, width));
        let (kind, pairs) = match (numbers("flag_masks"), numbers("flag_values")) {
            (Some(masks), Some(values)) => (FlagKind::Fields, masks.into_iter().zip(values).collect()),
            (None, Some(values)) => (FlagKind::Values, enumeration(values, width)),
            (Some(masks), None) if masks.iter().all(|mask| *mask == 0 || mask.is_power_of_two()) => {
                let every = masks.iter().fold(0, |all, mask| all | mask);
                // A name for zero says that none of the bits is set.
                let bit = |mask| if mask == 0 { (every, 0) } else { (mask, mask) };
                (FlagKind::Bits, masks.iter().map(|&mask| bit(mask)).collect())
            }
            (Some(values), None) => (FlagKind::Values, enumeration(values, width)),
            (None, None) => return None,
        };
        let flags: Vec<Flag> = (names.into_iter().zip(pairs))
            .map(|(name, (mask, value))| Flag {
                name,
                mask,
                value: value & mask,
            })
            .collect();
        (!flags.is_empty()).then_some(Self { kind, width, flags })
    }

    /// How its numbers are to be read.
    pub const fn kind(&self) -> FlagKind {
        self.kind
    }

    /// Its flags, in the order of the attribute.
    pub fn flags(&self) -> &[Flag] {
        &self.flags
    }

    /// A stored number, of any type, as the bits that [`Flag::holds`] takes; `None` for NaN and fractions.
    pub fn bits_of(&self, raw: f64) -> Option<u64> {
        let is_whole = raw.fract() == 0.0 && raw.abs() < 18_446_744_073_709_551_616.0;
        let bits = if raw < 0.0 { raw as i64 as u64 } else { raw as u64 };
        is_whole.then_some(bits & self.width)
    }

    /// Names that hold for a stored number.
    pub fn decode(&self, bits: u64) -> Vec<&str> {
        self.flags
            .iter()
            .filter(|flag| flag.holds(bits))
            .map(|flag| flag.name.as_str())
            .collect()
    }

    /// The flags whose name matches a pattern in which `*` stands for any text and `?` for one character.
    pub fn matching(&self, pattern: &str) -> impl Iterator<Item = &Flag> {
        self.flags
            .iter()
            .filter(move |flag| matches_pattern(pattern, &flag.name))
    }

    /// True if a flag whose name matches one of the patterns holds.
    pub fn any_holds(&self, patterns: &[&str], bits: u64) -> bool {
        self.flags.iter().any(|flag| {
            flag.holds(bits)
                && patterns
                    .iter()
                    .any(|pattern| matches_pattern(pattern, &flag.name))
        })
    }
}

fn enumeration(values: Vec<u64>, width: u64) -> Vec<(u64, u64)> {
    values.into_iter().map(|value| (width, value)).collect()
}

/// The words of `flag_meanings`, whether in one text, in several, or with commas between them.
fn meanings(attributes: &Attributes) -> Vec<String> {
    let texts: &[String] = match attributes.get("flag_meanings") {
        Some(AttrValue::Text(text)) => std::slice::from_ref(text),
        Some(AttrValue::Array(Values::String(texts))) => texts,
        _ => &[],
    };
    let words = texts
        .iter()
        .flat_map(|text| text.split([' ', '\t', '\n', '\r', ',', ';', '\0']));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// The integers of an attribute, wrapped to the width of the variable: numbers, or text such as `0LL, 0x2, 4b`.
fn integers(value: &AttrValue, width: u64) -> Vec<u64> {
    let wrap = |number: i128| number as u64 & width;
    if let AttrValue::Array(values) = value
        && values.dtype() != DType::String
    {
        return match values {
            Values::UInt64(numbers) => numbers.iter().map(|number| number & width).collect(),
            Values::Int64(numbers) => numbers.iter().map(|&number| wrap(i128::from(number))).collect(),
            _ => values
                .to_f64()
                .unwrap_or_default()
                .into_iter()
                .map(|number| wrap(number as i128))
                .collect(),
        };
    }
    let texts: Vec<&str> = match value {
        AttrValue::Text(text) => vec![text],
        AttrValue::Array(Values::String(texts)) => texts.iter().map(String::as_str).collect(),
        AttrValue::Array(_) => Vec::new(),
    };
    let words = texts
        .iter()
        .flat_map(|text| text.split(|c: char| c.is_whitespace() || c == ',' || c == ';'));
    words.filter_map(integer).map(wrap).collect()
}

/// One integer with the suffixes that CDL allows.
fn integer(word: &str) -> Option<i128> {
    if let Some(digits) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        return u64::from_str_radix(digits.trim_end_matches(['L', 'l', 'U', 'u']), 16)
            .ok()
            .map(i128::from);
    }
    let digits = word.trim_end_matches(['L', 'l', 'U', 'u', 'B', 'b', 'S', 's']);
    digits
        .parse::<i64>()
        .map(i128::from)
        .or_else(|_| digits.parse::<u64>().map(i128::from))
        .ok()
}

#[cfg(test)]
mod tests;
