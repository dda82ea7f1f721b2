//! One number of any stored type, and the types that numbers are stored as.

use crate::{AttrValue, DType, Element, Values};

/// Runs `$body` with `$numbers` bound to the vector of numbers in `$values`; text gives `$text`, else an error.
macro_rules! with_numbers {
    ($values:expr, $numbers:ident => $body:expr) => {
        with_numbers!($values, $numbers => $body, return Err(crate::PackingError::Text($values.dtype())))
    };
    ($values:expr, $numbers:ident => $body:expr, $text:expr) => {
        match $values {
            Values::Int8($numbers) => $body,
            Values::UInt8($numbers) => $body,
            Values::Int16($numbers) => $body,
            Values::UInt16($numbers) => $body,
            Values::Int32($numbers) => $body,
            Values::UInt32($numbers) => $body,
            Values::Int64($numbers) => $body,
            Values::UInt64($numbers) => $body,
            Values::Float32($numbers) => $body,
            Values::Float64($numbers) => $body,
            Values::Char(_) | Values::String(_) => $text,
        }
    };
}
pub(crate) use with_numbers;

/// One stored number, exact in every type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Of a signed type.
    Signed(i64),
    /// Of an unsigned type.
    Unsigned(u64),
    /// Of a floating type.
    Float(f64),
}

impl Number {
    /// The number of an attribute as one of type `dtype`; `None` if it is not one number or the type lacks it.
    ///
    /// An integer of the same size but the other sign is taken bit by bit (-1 is 255), as `_Unsigned` means it.
    pub fn of_attribute(attribute: &AttrValue, dtype: DType) -> Option<Self> {
        let AttrValue::Array(values) = attribute else {
            return None;
        };
        let mut bits = Values::zeros(dtype, 1);
        if values.len() == 1
            && values.dtype().is_integer()
            && dtype.is_integer()
            && values.dtype().size() == dtype.size()
        {
            bits.as_bytes_mut().copy_from_slice(values.as_bytes());
            return Self::of_values(&bits);
        }
        let number = Self::of_values(values)?;
        with_numbers!(&bits, zeros => number.fits(zeros), None)
    }

    /// The number as type `T` has it.
    fn fits<T: Packed>(self, _zeros: &[T]) -> Option<Self> {
        T::of_number(self).map(Packed::number)
    }

    /// The number if it is exactly one.
    fn of_values(values: &Values) -> Option<Self> {
        with_numbers!(values, numbers => match numbers.as_slice() {
            [number] => Some(number.number()),
            _ => None,
        }, None)
    }

    /// The nearest `f64`.
    pub const fn to_f64(self) -> f64 {
        match self {
            Self::Signed(number) => number as f64,
            Self::Unsigned(number) => number as f64,
            Self::Float(number) => number,
        }
    }
}

/// A type that values are packed into.
pub trait Packed: Element + Copy + PartialEq {
    /// The nearest `f64`.
    fn to_f64(self) -> f64;
    /// True for the NaN of floating types.
    fn is_nan(self) -> bool;
    /// The number as this type, if it has that very number (for floating types: the nearest).
    fn of_number(number: Number) -> Option<Self>;
    /// The nearest number of this type, ties to even; `None` outside its range.
    fn of_value(value: f64) -> Option<Self>;
    /// The number, exact.
    fn number(self) -> Number;
}

macro_rules! packed_integer {
    ($($type:ty => $variant:ident($wide:ty)),* $(,)?) => {$(
        impl Packed for $type {
            #[inline]
            fn to_f64(self) -> f64 { self as f64 }
            #[inline]
            fn is_nan(self) -> bool { false }
            fn of_number(number: Number) -> Option<Self> {
                match number {
                    Number::Signed(number) => Self::try_from(number).ok(),
                    Number::Unsigned(number) => Self::try_from(number).ok(),
                    Number::Float(number) => Self::of_value(number).filter(|integer| integer.to_f64() == number),
                }
            }
            fn of_value(value: f64) -> Option<Self> {
                let rounded = value.round_ties_even();
                // 2^63 and 2^64 round up to themselves: the bound above is exclusive, one past the largest.
                let is_inside = rounded >= Self::MIN as f64 && rounded < (Self::MAX as f64 + 1.0).max(Self::MAX as f64);
                is_inside.then_some(rounded as Self)
            }
            fn number(self) -> Number { Number::$variant(<$wide>::from(self)) }
        }
    )*};
}
packed_integer!(i8 => Signed(i64), i16 => Signed(i64), i32 => Signed(i64), i64 => Signed(i64),
                u8 => Unsigned(u64), u16 => Unsigned(u64), u32 => Unsigned(u64), u64 => Unsigned(u64));

macro_rules! packed_float {
    ($($type:ty),*) => {$(
        impl Packed for $type {
            #[inline]
            fn to_f64(self) -> f64 { f64::from(self) }
            #[inline]
            fn is_nan(self) -> bool { self != self }
            fn of_number(number: Number) -> Option<Self> { Some(number.to_f64() as Self) }
            fn of_value(value: f64) -> Option<Self> {
                let nearest = value as Self;
                (nearest.is_finite() || !value.is_finite()).then_some(nearest)
            }
            fn number(self) -> Number { Number::Float(f64::from(self)) }
        }
    )*};
}
packed_float!(f32, f64);
