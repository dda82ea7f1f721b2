//! Stored numbers to true values by the rules of xarray: bit for bit what its own steps one after another give.

use karin_core::{DType, Values};

/// What xarray would do to a variable's stored numbers, in one pass.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decoding {
    /// Stored numbers that mean nothing: they become NaN.
    pub fills: Vec<f64>,
    /// Factor.
    pub scale: Option<f64>,
    /// Added after the factor.
    pub offset: Option<f64>,
    /// To `float64`; else to `float32`.
    pub double: bool,
}

/// Decodes numbers of up to 32 bits, and `float64` to itself; `None` for what cannot be decoded exactly this way.
pub fn decode(values: &Values, decoding: &Decoding) -> Option<Values> {
    macro_rules! run {
        ($($variant:ident),*) => {
            match values {
                $(Values::$variant(raw) if decoding.double => Some(Values::Float64(to_f64(raw, decoding))),)*
                Values::Int8(raw) => Some(Values::Float32(to_f32(raw, decoding))),
                Values::UInt8(raw) => Some(Values::Float32(to_f32(raw, decoding))),
                Values::Int16(raw) => Some(Values::Float32(to_f32(raw, decoding))),
                Values::UInt16(raw) => Some(Values::Float32(to_f32(raw, decoding))),
                Values::Float32(raw) => Some(Values::Float32(to_f32(raw, decoding))),
                _ => None,
            }
        };
    }
    run!(Int8, UInt8, Int16, UInt16, Int32, UInt32, Float32, Float64)
}

/// True if [`decode`] can decode that type exactly.
pub const fn can_decode(dtype: DType, double: bool) -> bool {
    match dtype {
        DType::Int8 | DType::UInt8 | DType::Int16 | DType::UInt16 | DType::Float32 => true,
        DType::Int32 | DType::UInt32 | DType::Float64 => double,
        DType::Int64 | DType::UInt64 | DType::Char | DType::String => false,
    }
}

macro_rules! decoder {
    ($name:ident, $float:ty) => {
        #[allow(clippy::cast_lossless, reason = "one body for both widths")]
        fn $name<T: Copy + Into<$float> + Into<f64>>(raw: &[T], decoding: &Decoding) -> Vec<$float> {
            let scale = decoding.scale.map(|scale| scale as $float);
            let offset = decoding.offset.map(|offset| offset as $float);
            let nothing = <$float>::NAN;
            let apply = |value: $float| match (scale, offset) {
                (Some(scale), Some(offset)) => value * scale + offset,
                (Some(scale), None) => value * scale,
                (None, Some(offset)) => value + offset,
                (None, None) => value,
            };
            match decoding.fills.as_slice() {
                [] => raw.iter().map(|&raw| apply(raw.into())).collect(),
                &[fill] => raw
                    .iter()
                    .map(|&raw| {
                        let stored: f64 = raw.into();
                        if stored == fill {
                            nothing
                        } else {
                            apply(raw.into())
                        }
                    })
                    .collect(),
                fills => raw
                    .iter()
                    .map(|&raw| {
                        let stored: f64 = raw.into();
                        if fills.contains(&stored) {
                            nothing
                        } else {
                            apply(raw.into())
                        }
                    })
                    .collect(),
            }
        }
    };
}
decoder!(to_f64, f64);
decoder!(to_f32, f32);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_scaled_and_fill_is_nothing() {
        let decoding = Decoding {
            fills: vec![-32768.0],
            scale: Some(1e-4),
            offset: Some(2.0),
            double: true,
        };
        let decoded = decode(&Values::Int16(vec![-32768, 0, 12345]), &decoding);
        let Some(Values::Float64(decoded)) = decoded else {
            panic!("{decoded:?}")
        };
        assert!(decoded[0].is_nan());
        assert_eq!(decoded[1..], [2.0, 12345.0 * 1e-4 + 2.0]);
    }

    #[test]
    fn what_would_round_is_left_to_others() {
        let single = Decoding::default();
        assert_eq!(decode(&Values::Int32(vec![16_777_217]), &single), None);
        assert!(!can_decode(DType::Int32, false) && can_decode(DType::Int32, true));
        assert!(!can_decode(DType::UInt64, true));
    }
}
