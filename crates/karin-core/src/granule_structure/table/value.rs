//! Values of attributes in the tables.

use super::TableError;
use crate::{AttrValue, DType, Element, Values};

/// A value as it is written.
pub(super) struct Literal {
    /// The value; empty or 0 if it varies.
    pub value: AttrValue,
    /// True for `? TYPE`.
    pub varies: bool,
}

/// Reads `"text"`, `string "text"`, `TYPE NUMBER...`, `NUMBER...` (of type `dtype`) or `? TYPE`.
pub(super) fn parse_literal(text: &str, dtype: DType) -> Result<Literal, TableError> {
    if let Some(word) = text.strip_prefix("? ") {
        let value = match DType::from_name(word) {
            _ if word == "text" => AttrValue::Text(String::new()),
            Some(dtype) if dtype.is_numeric() => AttrValue::Array(Values::zeros(dtype, 1)),
            _ => return Err(format!("no type {word:?}")),
        };
        return Ok(Literal { value, varies: true });
    }
    let value = match text.split_once(' ') {
        _ if text.starts_with('"') => AttrValue::Text(unquote(text)?),
        Some(("string", quoted)) => AttrValue::Array(Values::String(vec![unquote(quoted)?])),
        Some((word, numbers)) if DType::from_name(word).is_some() => {
            parse_numbers(numbers, DType::from_name(word).unwrap_or(dtype))?
        }
        _ => parse_numbers(text, dtype)?,
    };
    Ok(Literal { value, varies: false })
}

fn parse_numbers(text: &str, dtype: DType) -> Result<AttrValue, TableError> {
    fn all<T: Element + std::str::FromStr>(text: &str) -> Result<AttrValue, TableError> {
        let numbers: Result<Vec<T>, _> = text.split_whitespace().map(str::parse).collect();
        match numbers {
            Ok(numbers) if !numbers.is_empty() => Ok(AttrValue::Array(T::wrap(numbers))),
            _ => Err(format!("not {} numbers: {text:?}", T::DTYPE)),
        }
    }
    match dtype {
        DType::Int8 => all::<i8>(text),
        DType::UInt8 => all::<u8>(text),
        DType::Int16 => all::<i16>(text),
        DType::UInt16 => all::<u16>(text),
        DType::Int32 => all::<i32>(text),
        DType::UInt32 => all::<u32>(text),
        DType::Int64 => all::<i64>(text),
        DType::UInt64 => all::<u64>(text),
        DType::Float32 => all::<f32>(text),
        DType::Float64 => all::<f64>(text),
        DType::Char | DType::String => Err(format!("text is written in quotes: {text:?}")),
    }
}

fn unquote(text: &str) -> Result<String, TableError> {
    let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let inner = inner.ok_or_else(|| format!("text without quotes: {text:?}"))?;
    let mut plain = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => plain.push('\n'),
                Some(escaped @ ('"' | '\\')) => plain.push(escaped),
                other => return Err(format!("no such escape: {other:?}")),
            },
            '"' => return Err(format!("a quote within text: {text:?}")),
            _ => plain.push(character),
        }
    }
    Ok(plain)
}
