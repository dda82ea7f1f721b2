//! What stands for "never written": netCDF's default of every type, and the fill that a variable names.

use crate::number::Number;
use crate::{AttrValue, DType, VariableMeta};

/// The fill that netCDF gives to numbers of that type when nobody sets one; `None` for text.
pub const fn default_fill(dtype: DType) -> Option<Number> {
    match dtype {
        DType::Int8 => Some(Number::Signed(-127)),
        DType::Int16 => Some(Number::Signed(-32_767)),
        DType::Int32 => Some(Number::Signed(-2_147_483_647)),
        DType::Int64 => Some(Number::Signed(-9_223_372_036_854_775_806)),
        DType::UInt8 => Some(Number::Unsigned(255)),
        DType::UInt16 => Some(Number::Unsigned(65_535)),
        DType::UInt32 => Some(Number::Unsigned(4_294_967_295)),
        DType::UInt64 => Some(Number::Unsigned(18_446_744_073_709_551_614)),
        DType::Float32 | DType::Float64 => Some(Number::Float(9.969_209_968_386_869e36)),
        DType::Char | DType::String => None,
    }
}

/// [`default_fill`] as the bytes of one element in native order: NUL for characters, nothing for strings.
pub fn default_fill_bytes(dtype: DType) -> Vec<u8> {
    let bits = match default_fill(dtype) {
        Some(Number::Signed(value)) => value.cast_unsigned(),
        Some(Number::Unsigned(value)) => value,
        Some(Number::Float(value)) if dtype == DType::Float32 => u64::from((value as f32).to_bits()),
        Some(Number::Float(value)) => value.to_bits(),
        None => 0,
    };
    // The low bytes of an integer are the integer of a narrower type.
    let mut bytes = bits.to_le_bytes().to_vec();
    bytes.truncate(dtype.size());
    if cfg!(target_endian = "big") {
        bytes.reverse();
    }
    bytes
}

/// The fill of a variable as the bytes of one element in native order: `_FillValue` where it has the type of the
/// variable, else netCDF's default of the type.
pub fn fill_bytes(variable: &VariableMeta) -> Vec<u8> {
    match variable.attributes.get("_FillValue") {
        Some(AttrValue::Text(text)) if variable.dtype == DType::Char => {
            vec![text.bytes().next().unwrap_or(0)]
        }
        Some(AttrValue::Array(values)) if values.dtype() == variable.dtype && values.len() == 1 => {
            values.as_bytes().to_vec()
        }
        _ => default_fill_bytes(variable.dtype),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Storage, Values};

    #[test]
    fn defaults_are_those_of_netcdf() {
        // NC_FILL_* of netcdf.h.
        assert_eq!(default_fill_bytes(DType::Int8), (-127_i8).to_ne_bytes());
        assert_eq!(default_fill_bytes(DType::UInt8), [255]);
        assert_eq!(default_fill_bytes(DType::Int16), (-32_767_i16).to_ne_bytes());
        assert_eq!(default_fill_bytes(DType::UInt16), 65_535_u16.to_ne_bytes());
        assert_eq!(
            default_fill_bytes(DType::Int32),
            (-2_147_483_647_i32).to_ne_bytes()
        );
        assert_eq!(default_fill_bytes(DType::UInt32), u32::MAX.to_ne_bytes());
        assert_eq!(default_fill_bytes(DType::Int64), (i64::MIN + 2).to_ne_bytes());
        assert_eq!(default_fill_bytes(DType::UInt64), (u64::MAX - 1).to_ne_bytes());
        assert_eq!(default_fill_bytes(DType::Float32), 0x7CF0_0000_u32.to_ne_bytes());
        assert_eq!(
            default_fill_bytes(DType::Float64),
            0x479E_0000_0000_0000_u64.to_ne_bytes()
        );
        assert_eq!(default_fill_bytes(DType::Char), [0]);
        assert!(default_fill_bytes(DType::String).is_empty());
    }

    #[test]
    fn a_fill_of_another_type_or_length_is_no_fill() {
        let filled = |dtype, fill: AttrValue| {
            fill_bytes(&VariableMeta {
                name: "v".into(),
                dtype,
                dimensions: Vec::new(),
                attributes: [("_FillValue", fill)].into_iter().collect(),
                storage: Storage::default(),
            })
        };
        let numbers = |values: Vec<i16>| AttrValue::Array(Values::from(values));
        assert_eq!(filled(DType::Int16, numbers(vec![7])), 7_i16.to_ne_bytes());
        assert_eq!(
            filled(DType::Int16, numbers(vec![7, 8])),
            (-32_767_i16).to_ne_bytes()
        );
        assert_eq!(filled(DType::UInt8, numbers(vec![7])), [255]);
        assert_eq!(filled(DType::Char, "x".into()), *b"x");
    }
}
