//! The values of one column over a block of rows, decoded.

use karin_core::{Array, AttrValue, DType, Packing, TimeUnits, Values, VariableMeta};

/// Microseconds between 1970-01-01 and 2000-01-01.
pub(super) const EPOCH_MICROSECONDS: i64 = 946_684_800_000_000;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Numbers as stored (flags, counts, indices).
    Integer,
    /// The same beyond 2^63.
    Unsigned,
    /// Single precision numbers as stored.
    Single,
    /// Decoded numbers; so many decimals carry all that the packing has, where its scale is a power of ten.
    Double {
        /// Decimals.
        decimals: Option<usize>,
    },
    /// Instants.
    Time(TimeUnits),
    /// Text.
    Text,
}

/// Decoded values; `None` and NaN where there is none.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cells {
    Integer(Vec<Option<i64>>),
    Unsigned(Vec<Option<u64>>),
    Single(Vec<f32>),
    Double(Vec<f64>),
    /// Microseconds since 1970-01-01 UTC.
    Time(Vec<Option<i64>>),
    Text(Vec<Option<String>>),
}

impl Kind {
    pub(super) fn of(variable: &VariableMeta) -> Self {
        let Some(packing) = Packing::of(variable) else {
            return Self::Text;
        };
        let is_time = || {
            variable
                .attributes
                .text("units")
                .and_then(|units| TimeUnits::parse(units).ok())
        };
        if let Some(units) = is_time() {
            return Self::Time(units);
        }
        if packing.is_scaled() {
            let decimals = -packing.scale.log10();
            let is_power =
                (decimals - decimals.round()).abs() < 1e-9 && (0.0..=15.0).contains(&decimals.round());
            let plain = is_power && packing.offset == 0.0 && packing.dtype.is_integer();
            return Self::Double {
                decimals: plain.then_some(decimals.round() as usize),
            };
        }
        match packing.dtype {
            DType::Float32 => Self::Single,
            DType::Float64 => Self::Double { decimals: None },
            DType::UInt64 => Self::Unsigned,
            _ => Self::Integer,
        }
    }

    /// The kind of a column that is the same everywhere.
    pub(super) fn of_attribute(value: &AttrValue) -> Option<Self> {
        match value {
            AttrValue::Array(values) if values.dtype().is_integer() && values.len() == 1 => {
                Some(Self::Integer)
            }
            _ => None,
        }
    }

    /// Decodes stored values.
    pub(super) fn decode(self, variable: &VariableMeta, array: &Array) -> Cells {
        let count = array.len();
        let packing = Packing::of(variable);
        let doubles = || {
            let decoded = packing
                .as_ref()
                .and_then(|packing| packing.decode(&array.values).ok());
            decoded.unwrap_or_else(|| vec![f64::NAN; count])
        };
        match (self, &array.values) {
            (Self::Text, Values::Char(bytes)) => {
                let text = |&byte: &u8| (byte != 0).then(|| char::from(byte).to_string());
                Cells::Text(bytes.iter().map(text).collect())
            }
            (Self::Text, Values::String(strings)) => Cells::Text(strings.iter().cloned().map(Some).collect()),
            (Self::Text, _) => Cells::Text(vec![None; count]),
            (Self::Single, Values::Float32(values)) => {
                let valid = |value: f32| packing.as_ref().is_none_or(|packing| !packing.is_fill(value));
                Cells::Single(
                    values
                        .iter()
                        .map(|&value| if valid(value) { value } else { f32::NAN })
                        .collect(),
                )
            }
            (Self::Single, _) => Cells::Single(doubles().into_iter().map(|value| value as f32).collect()),
            (Self::Double { .. }, _) => Cells::Double(doubles()),
            (Self::Time(units), _) => Cells::Time(
                doubles()
                    .into_iter()
                    .map(|value| microseconds(units, value))
                    .collect(),
            ),
            (Self::Unsigned, Values::UInt64(values)) => {
                let valid = |value: u64| packing.as_ref().is_none_or(|packing| !packing.is_fill(value));
                Cells::Unsigned(
                    values
                        .iter()
                        .map(|&value| valid(value).then_some(value))
                        .collect(),
                )
            }
            (Self::Unsigned, _) => Cells::Unsigned(vec![None; count]),
            (Self::Integer, Values::Int64(values)) => {
                let valid = |value: i64| packing.as_ref().is_none_or(|packing| !packing.is_fill(value));
                Cells::Integer(
                    values
                        .iter()
                        .map(|&value| valid(value).then_some(value))
                        .collect(),
                )
            }
            (Self::Integer, _) => {
                let whole = |value: f64| (!value.is_nan()).then_some(value as i64);
                Cells::Integer(doubles().into_iter().map(whole).collect())
            }
        }
    }
}

fn microseconds(units: TimeUnits, value: f64) -> Option<i64> {
    let seconds = units.to_seconds(value);
    // Within the years that both numpy and Parquet can say.
    (seconds.abs() < 9e9).then(|| (seconds * 1e6).round() as i64 + EPOCH_MICROSECONDS)
}

impl Cells {
    /// So many times the same integer.
    pub(super) fn constant(value: i64, count: usize) -> Self {
        Self::Integer(vec![Some(value); count])
    }

    /// Texts of `length` characters each, without the NULs and blanks behind them.
    pub(super) fn words(bytes: &[u8], length: usize) -> Self {
        let word = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            let text = text.trim_end_matches(['\0', ' ']);
            (!text.is_empty()).then(|| text.to_owned())
        };
        Self::Text(bytes.chunks(length.max(1)).map(word).collect())
    }

    /// Nothing, of that kind.
    pub(super) fn missing(kind: Kind, count: usize) -> Self {
        match kind {
            Kind::Integer => Self::Integer(vec![None; count]),
            Kind::Unsigned => Self::Unsigned(vec![None; count]),
            Kind::Single => Self::Single(vec![f32::NAN; count]),
            Kind::Double { .. } => Self::Double(vec![f64::NAN; count]),
            Kind::Time(_) => Self::Time(vec![None; count]),
            Kind::Text => Self::Text(vec![None; count]),
        }
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Integer(values) | Self::Time(values) => values.len(),
            Self::Unsigned(values) => values.len(),
            Self::Single(values) => values.len(),
            Self::Double(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }

    /// The cells at those positions.
    pub(super) fn pick(&self, positions: &[usize]) -> Self {
        fn of<T: Clone>(values: &[T], positions: &[usize]) -> Vec<T> {
            positions
                .iter()
                .filter_map(|&at| values.get(at).cloned())
                .collect()
        }
        match self {
            Self::Integer(values) => Self::Integer(of(values, positions)),
            Self::Unsigned(values) => Self::Unsigned(of(values, positions)),
            Self::Single(values) => Self::Single(of(values, positions)),
            Self::Double(values) => Self::Double(of(values, positions)),
            Self::Time(values) => Self::Time(of(values, positions)),
            Self::Text(values) => Self::Text(of(values, positions)),
        }
    }

    /// Notes which cells have a value.
    pub(super) fn mark_present(&self, present: &mut [bool]) {
        fn mark<T>(values: &[T], has: impl Fn(&T) -> bool, present: &mut [bool]) {
            present
                .iter_mut()
                .zip(values)
                .for_each(|(present, value)| *present |= has(value));
        }
        match self {
            Self::Integer(values) | Self::Time(values) => mark(values, Option::is_some, present),
            Self::Unsigned(values) => mark(values, Option::is_some, present),
            Self::Single(values) => mark(values, |value| !value.is_nan(), present),
            Self::Double(values) => mark(values, |value| !value.is_nan(), present),
            Self::Text(values) => mark(values, Option::is_some, present),
        }
    }
}
