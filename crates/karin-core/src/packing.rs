//! From what a variable stores to what it means, and back: type, scale, offset and fill.

use std::borrow::Cow;

use multiversion::multiversion;

use crate::fill::default_fill;
use crate::number::{Number, Packed, with_numbers};
use crate::{DType, FillMode, Values, VariableMeta};

/// How the numbers of a variable are packed.
///
/// A stored number `raw` means `raw * scale + offset`, computed in `f64`; fill and NaN mean that there is no value,
/// which is NaN. `valid_min` and `valid_max` play no part: in SWOT granules they are in packed units and often wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Packing {
    /// Type of the stored numbers, after the `_Unsigned` attribute has had its say.
    pub dtype: DType,
    /// `scale_factor`, else 1.
    pub scale: f64,
    /// `add_offset`, else 0.
    pub offset: f64,
    /// `_FillValue`, else netCDF's default for the type (which L3 granules rely on); `None` where there is none.
    pub fill: Option<Number>,
    /// `missing_value`, where it is another number than the fill.
    pub missing: Option<Number>,
}

/// What cannot be packed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PackingError {
    /// Text has no packing.
    #[error("{0} values are text, which has no numbers to pack")]
    Text(DType),
    /// The stored type has no room for the value.
    #[error("{value} lies outside what {dtype} with scale {scale} and offset {offset} can hold")]
    OutOfRange {
        /// The value, unpacked.
        value: f64,
        /// Type to pack into.
        dtype: DType,
        /// Scale to pack with.
        scale: f64,
        /// Offset to pack with.
        offset: f64,
    },
    /// There is no value (NaN), and no fill to say so.
    #[error("a missing value cannot be stored as {0}, which has no fill value here")]
    NoFill(DType),
    /// Packing again would change the value.
    #[error("{value} would become {packed} as {dtype}")]
    Lossy {
        /// The value, unpacked.
        value: f64,
        /// What it would read as.
        packed: f64,
        /// Type to pack into.
        dtype: DType,
    },
}

impl PackingError {
    /// Stable code.
    pub const fn kind(&self) -> crate::ErrorKind {
        match self {
            Self::Text(_) => crate::ErrorKind::InvalidArgument,
            Self::OutOfRange { .. } | Self::NoFill(_) | Self::Lossy { .. } => {
                crate::ErrorKind::SchemaMismatch
            }
        }
    }
}

impl Packing {
    /// The packing that a variable's type and attributes describe; `None` for text.
    pub fn of(variable: &VariableMeta) -> Option<Self> {
        if !variable.dtype.is_numeric() {
            return None;
        }
        let attributes = &variable.attributes;
        let dtype = effective_type(variable);
        let number = |name: &str| attributes.number(name).filter(|value| value.is_finite());
        let given = |name: &str| {
            attributes
                .get(name)
                .and_then(|value| Number::of_attribute(value, dtype))
        };
        let default = || match variable.storage.fill {
            FillMode::Fill => default_fill(dtype),
            FillMode::NoFill => None,
        };
        let fill = given("_FillValue").or_else(default);
        Some(Self {
            dtype,
            scale: number("scale_factor").unwrap_or(1.0),
            offset: number("add_offset").unwrap_or(0.0),
            missing: given("missing_value").filter(|missing| Some(*missing) != fill),
            fill,
        })
    }

    /// Numbers as they are, with the default fill of the type.
    pub const fn plain(dtype: DType) -> Self {
        Self {
            dtype,
            scale: 1.0,
            offset: 0.0,
            fill: default_fill(dtype),
            missing: None,
        }
    }

    /// That of true values: NaN where there is none.
    pub const fn of_true_values() -> Self {
        Self {
            dtype: DType::Float64,
            scale: 1.0,
            offset: 0.0,
            fill: None,
            missing: None,
        }
    }

    /// True if stored numbers are not the values themselves.
    pub fn is_scaled(&self) -> bool {
        self.scale != 1.0 || self.offset != 0.0
    }

    /// True if the stored number means that there is no value.
    pub fn is_fill<T: Packed>(&self, raw: T) -> bool {
        raw.is_nan() || self.fill_as::<T>() == Some(raw) || self.missing_as::<T>() == Some(raw)
    }

    /// The fill in the stored type `T`.
    pub fn fill_as<T: Packed>(&self) -> Option<T> {
        self.fill.and_then(T::of_number)
    }

    /// The `missing_value` in the stored type `T`.
    pub fn missing_as<T: Packed>(&self) -> Option<T> {
        self.missing.and_then(T::of_number)
    }

    /// The value of a stored number that is no fill.
    #[inline]
    pub fn unpack<T: Packed>(&self, raw: T) -> f64 {
        let scaled = raw.to_f64() * self.scale;
        // Without an offset nothing is added: -0.0 stays what it is, as in xarray.
        if self.offset == 0.0 {
            scaled
        } else {
            scaled + self.offset
        }
    }

    /// The stored number of a value: rounded to the nearest step, ties to even as netCDF4-python does it; fill for NaN.
    ///
    /// # Errors
    /// If the type cannot hold it, if it would read as fill, or if it is NaN and there is no fill.
    pub fn pack<T: Packed>(&self, value: f64) -> Result<T, PackingError> {
        if value.is_nan() {
            return self
                .fill_as::<T>()
                .or_else(|| T::of_value(value))
                .ok_or(PackingError::NoFill(T::DTYPE));
        }
        let shifted = if self.offset == 0.0 {
            value
        } else {
            value - self.offset
        };
        let unscaled = if self.scale == 1.0 {
            shifted
        } else {
            shifted / self.scale
        };
        T::of_value(unscaled)
            .filter(|raw| !self.is_fill(*raw))
            .ok_or(PackingError::OutOfRange {
                value,
                dtype: T::DTYPE,
                scale: self.scale,
                offset: self.offset,
            })
    }

    /// The values of stored numbers, NaN where there is none. As many are written as the shorter slice holds.
    pub fn decode_into<T: Packed>(&self, raw: &[T], out: &mut [f64]) {
        let fill = self.fill_as::<T>();
        let missing = self.missing_as::<T>().or(fill);
        decode_values(self, raw, fill.or(missing).zip(missing), out);
    }

    /// True if some of the stored numbers are values.
    pub fn has_values<T: Packed>(&self, raw: &[T]) -> bool {
        let fill = self.fill_as::<T>();
        let missing = self.missing_as::<T>().or(fill);
        any_value(raw, fill.or(missing).zip(missing))
    }

    /// The values of stored numbers of any type, NaN where there is none.
    ///
    /// # Errors
    /// If they are text.
    pub fn decode(&self, raw: &Values) -> Result<Vec<f64>, PackingError> {
        let mut out = vec![0.0; raw.len()];
        let viewed = self.view(raw);
        with_numbers!(&*viewed, numbers => self.decode_into(numbers, &mut out));
        Ok(out)
    }

    /// Packs values into the type of this packing.
    ///
    /// # Errors
    /// As [`Packing::pack`], for the first value that cannot be packed.
    pub fn encode(&self, values: &[f64]) -> Result<Values, PackingError> {
        macro_rules! encode {
            ($type:ty) => {
                values
                    .iter()
                    .map(|&value| self.pack::<$type>(value))
                    .collect::<Result<Vec<_>, _>>()
                    .map(Values::from)
            };
        }
        match self.dtype {
            DType::Int8 => encode!(i8),
            DType::UInt8 => encode!(u8),
            DType::Int16 => encode!(i16),
            DType::UInt16 => encode!(u16),
            DType::Int32 => encode!(i32),
            DType::UInt32 => encode!(u32),
            DType::Int64 => encode!(i64),
            DType::UInt64 => encode!(u64),
            DType::Float32 => encode!(f32),
            DType::Float64 => encode!(f64),
            DType::Char | DType::String => Err(PackingError::Text(self.dtype)),
        }
    }

    /// Numbers packed in this way, packed anew as `target` says, if that loses nothing.
    ///
    /// Nothing is lost if every value reads the same afterwards, up to the rounding of `f64` (1e-14 relative), and
    /// fill stays fill.
    ///
    /// # Errors
    /// If a value would change, or cannot be packed so, naming the first such value.
    pub fn repack(&self, raw: &Values, target: &Self) -> Result<Values, PackingError> {
        let values = self.decode(raw)?;
        let packed = target.encode(&values)?;
        let again = target.decode(&packed)?;
        let changed = values.iter().zip(&again).find(|&(value, packed)| {
            let is_same = (value - packed).abs() <= 1e-14 * value.abs() || value == packed;
            !(is_same || value.is_nan() && packed.is_nan())
        });
        match changed {
            Some((&value, &packed)) => Err(PackingError::Lossy {
                value,
                packed,
                dtype: target.dtype,
            }),
            None => Ok(packed),
        }
    }

    /// The stored numbers in the type that `_Unsigned` makes of theirs; as they are without it.
    pub fn view<'a>(&self, raw: &'a Values) -> Cow<'a, Values> {
        let stored = raw.dtype();
        if stored == self.dtype
            || !stored.is_integer()
            || !self.dtype.is_integer()
            || stored.size() != self.dtype.size()
        {
            return Cow::Borrowed(raw);
        }
        let mut viewed = Values::zeros(self.dtype, raw.len());
        viewed.as_bytes_mut().copy_from_slice(raw.as_bytes());
        Cow::Owned(viewed)
    }
}

/// The type of a variable's numbers once its `_Unsigned` attribute (of netCDF-3 and the NUG) has had its say.
fn effective_type(variable: &VariableMeta) -> DType {
    let is_unsigned = variable
        .attributes
        .text("_Unsigned")
        .map(|text| text.trim().eq_ignore_ascii_case("true"));
    match (variable.dtype, is_unsigned) {
        (DType::Int8, Some(true)) => DType::UInt8,
        (DType::Int16, Some(true)) => DType::UInt16,
        (DType::Int32, Some(true)) => DType::UInt32,
        (DType::Int64, Some(true)) => DType::UInt64,
        (DType::UInt8, Some(false)) => DType::Int8,
        (DType::UInt16, Some(false)) => DType::Int16,
        (DType::UInt32, Some(false)) => DType::Int32,
        (DType::UInt64, Some(false)) => DType::Int64,
        (dtype, _) => dtype,
    }
}

/// The values of stored numbers, NaN for those that are one of two kinds of fill. Compiled for wider vectors too.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn decode_values<T: Packed>(packing: &Packing, raw: &[T], fills: Option<(T, T)>, out: &mut [f64]) {
    let values = out.iter_mut().zip(raw);
    match fills {
        Some((fill, missing)) => values.for_each(|(value, &raw)| {
            *value = if raw == fill || raw == missing {
                f64::NAN
            } else {
                packing.unpack(raw)
            };
        }),
        None => values.for_each(|(value, &raw)| *value = packing.unpack(raw)),
    }
}

/// True if some numbers are none of two kinds of fill, nor NaN. Without an early end within a part several are looked at at once.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn any_value<T: Packed>(raw: &[T], fills: Option<(T, T)>) -> bool {
    raw.chunks(512).any(|part| match fills {
        Some((fill, missing)) => part.iter().fold(false, |any, raw| {
            any | (!raw.is_nan() & (*raw != fill) & (*raw != missing))
        }),
        None => part.iter().fold(false, |any, raw| any | !raw.is_nan()),
    })
}

#[cfg(test)]
mod tests;
