//! The element that stands for "never written".

use karin_core::packing::{Number, default_fill};
use karin_core::{AttrValue, DType, VariableMeta};

/// The fill of a variable as the bytes of one element: `_FillValue`, else netCDF's default of the type.
pub(crate) fn fill_bytes(variable: &VariableMeta) -> Vec<u8> {
    let given = match variable.attributes.get("_FillValue") {
        Some(AttrValue::Text(text)) if variable.dtype == DType::Char => {
            text.bytes().next().map(|byte| vec![byte])
        }
        Some(AttrValue::Array(values)) if values.dtype() == variable.dtype && values.len() == 1 => {
            Some(values.as_bytes().to_vec())
        }
        _ => None,
    };
    given.unwrap_or_else(|| default_bytes(variable.dtype))
}

fn default_bytes(dtype: DType) -> Vec<u8> {
    let mut bytes = match default_fill(dtype) {
        Some(Number::Signed(value)) => value.to_le_bytes().to_vec(),
        Some(Number::Unsigned(value)) => value.to_le_bytes().to_vec(),
        Some(Number::Float(value)) if dtype == DType::Float32 => (value as f32).to_le_bytes().to_vec(),
        Some(Number::Float(value)) => value.to_le_bytes().to_vec(),
        None => vec![0; 8],
    };
    bytes.truncate(dtype.size());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_netcdf() {
        let bytes: [u8; 4] = default_bytes(DType::Float32).try_into().unwrap();
        assert_eq!(f64::from(f32::from_le_bytes(bytes)), 9.969_209_968_386_869e36);
        assert_eq!(default_bytes(DType::Int16), (-32_767i16).to_le_bytes());
        assert_eq!(default_bytes(DType::UInt8), [255]);
        assert_eq!(default_bytes(DType::Char), [0]);
    }
}
