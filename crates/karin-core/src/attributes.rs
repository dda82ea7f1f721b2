//! Attributes of variables and groups, with the netCDF kind that they were written with.

use serde::{Deserialize, Serialize};

use crate::{DType, Element, Values};

/// The value of an attribute. The kind is kept, so that a copy of a file can be exact.
#[derive(Clone, Debug, PartialEq)]
pub enum AttrValue {
    /// `NC_CHAR` text (netCDF-3 style, the usual kind).
    Text(String),
    /// Numbers, or `NC_STRING` text as [`Values::String`]; never [`Values::Char`].
    Array(Values),
}

impl AttrValue {
    /// One number.
    pub fn number<T: Element>(value: T) -> Self {
        Self::Array(T::wrap(vec![value]))
    }

    /// The text, if it is text of either kind (one string).
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Array(Values::String(strings)) if strings.len() == 1 => strings.first().map(String::as_str),
            Self::Array(_) => None,
        }
    }

    /// All numbers as `f64`; `None` for text.
    pub fn to_f64s(&self) -> Option<Vec<f64>> {
        match self {
            Self::Text(_) => None,
            Self::Array(values) => values.to_f64(),
        }
    }

    /// The number, if it is exactly one.
    pub fn as_f64(&self) -> Option<f64> {
        match self.to_f64s()?.as_slice() {
            [value] => Some(*value),
            _ => None,
        }
    }

    /// The netCDF type of the elements.
    pub const fn dtype(&self) -> DType {
        match self {
            Self::Text(_) => DType::Char,
            Self::Array(values) => values.dtype(),
        }
    }
}

impl From<&str> for AttrValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for AttrValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Attributes in the order in which they were written; names are unique.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes(Vec<(String, AttrValue)>);

impl Attributes {
    /// None.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&AttrValue> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The text of that name, if it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_text()
    }

    /// The number of that name, if it is one number.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name)?.as_f64()
    }

    /// Sets a value: in place if the name exists, else at the end.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<AttrValue>) {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(key, _)| *key == name) {
            Some(entry) => entry.1 = value,
            None => self.0.push((name, value)),
        }
    }

    /// Removes a value and returns it.
    pub fn remove(&mut self, name: &str) -> Option<AttrValue> {
        let index = self.0.iter().position(|(key, _)| key == name)?;
        Some(self.0.remove(index).1)
    }

    /// Name and value of each, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &AttrValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<String>, V: Into<AttrValue>> FromIterator<(N, V)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut attributes = Self::new();
        for (name, value) in pairs {
            attributes.set(name, value);
        }
        attributes
    }
}

/// The JSON form of an attribute: its netCDF type beside its value, so that nothing is lost
/// (numbers as text, because JSON has neither NaN nor 64-bit integers).
#[derive(Serialize, Deserialize)]
struct TypedJson {
    #[serde(rename = "type")]
    dtype: DType,
    value: Vec<String>,
}

impl Serialize for AttrValue {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = match self {
            Self::Text(text) => vec![text.clone()],
            Self::Array(values) => crate::with_values!(
                values,
                vec => vec.iter().map(ToString::to_string).collect(),
                String(strings) => strings.clone()
            ),
        };
        TypedJson {
            dtype: self.dtype(),
            value,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AttrValue {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error as _;
        fn parse<T: Element + std::str::FromStr>(
            dtype: DType,
            texts: &[String],
        ) -> Result<AttrValue, String> {
            let numbers: Result<Vec<T>, _> = texts.iter().map(|text| text.parse()).collect();
            numbers
                .map(|values| AttrValue::Array(T::wrap(values)))
                .map_err(|_| format!("not {dtype}: {texts:?}"))
        }
        let TypedJson { dtype, mut value } = TypedJson::deserialize(deserializer)?;
        match dtype {
            DType::Char => Ok(Self::Text(value.pop().unwrap_or_default())),
            DType::String => Ok(Self::Array(Values::String(value))),
            DType::Int8 => parse::<i8>(dtype, &value).map_err(D::Error::custom),
            DType::UInt8 => parse::<u8>(dtype, &value).map_err(D::Error::custom),
            DType::Int16 => parse::<i16>(dtype, &value).map_err(D::Error::custom),
            DType::UInt16 => parse::<u16>(dtype, &value).map_err(D::Error::custom),
            DType::Int32 => parse::<i32>(dtype, &value).map_err(D::Error::custom),
            DType::UInt32 => parse::<u32>(dtype, &value).map_err(D::Error::custom),
            DType::Int64 => parse::<i64>(dtype, &value).map_err(D::Error::custom),
            DType::UInt64 => parse::<u64>(dtype, &value).map_err(D::Error::custom),
            DType::Float32 => parse::<f32>(dtype, &value).map_err(D::Error::custom),
            DType::Float64 => parse::<f64>(dtype, &value).map_err(D::Error::custom),
        }
    }
}

impl Serialize for Attributes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl<'de> Deserialize<'de> for Attributes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<(String, AttrValue)>::deserialize(deserializer).map(Self)
    }
}
