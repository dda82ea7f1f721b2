//! HDF5 datatypes as netCDF types.

use hdf5_reader::ByteOrder;
use hdf5_reader::messages::datatype::{Datatype, StringSize};
use karin_core::DType;

use crate::layout::TextKind;

/// A netCDF type with the way it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ElementType {
    pub(super) dtype: DType,
    pub(super) text: TextKind,
    /// Bytes of one stored element.
    pub(super) size: usize,
    pub(super) big_endian: bool,
}

/// The netCDF type of `datatype`; an error names what netCDF or karin has no such type for.
///
/// Enumerations count as the integers that they are made of.
pub(super) fn element_type(datatype: &Datatype, stored_size: u32) -> Result<ElementType, String> {
    let number = |dtype: DType, order: &ByteOrder| ElementType {
        dtype,
        text: TextKind::None,
        size: dtype.size(),
        big_endian: *order == ByteOrder::BigEndian && dtype.size() > 1,
    };
    match datatype {
        Datatype::FixedPoint {
            size,
            signed,
            byte_order,
        } => {
            let dtype = match (size, signed) {
                (1, true) => DType::Int8,
                (1, false) => DType::UInt8,
                (2, true) => DType::Int16,
                (2, false) => DType::UInt16,
                (4, true) => DType::Int32,
                (4, false) => DType::UInt32,
                (8, true) => DType::Int64,
                (8, false) => DType::UInt64,
                _ => return Err(format!("{size}-byte integers")),
            };
            Ok(number(dtype, byte_order))
        }
        Datatype::FloatingPoint { size: 4, byte_order } => Ok(number(DType::Float32, byte_order)),
        Datatype::FloatingPoint { size: 8, byte_order } => Ok(number(DType::Float64, byte_order)),
        Datatype::FloatingPoint { size, .. } => Err(format!("{size}-byte floating point numbers")),
        Datatype::Enum { base, .. } => element_type(base, stored_size),
        Datatype::String {
            size: StringSize::Fixed(1),
            ..
        } => Ok(ElementType {
            dtype: DType::Char,
            text: TextKind::None,
            size: 1,
            big_endian: false,
        }),
        Datatype::String {
            size: StringSize::Fixed(size),
            ..
        } => Ok(ElementType {
            dtype: DType::String,
            text: TextKind::Fixed,
            size: *size as usize,
            big_endian: false,
        }),
        Datatype::String {
            size: StringSize::Variable,
            ..
        } => Ok(variable_text(stored_size)),
        Datatype::VarLen { base, kind, .. }
            if *kind == hdf5_reader::VarLenKind::String && base.is_vlen_string_base() =>
        {
            Ok(variable_text(stored_size))
        }
        Datatype::VarLen { .. } => Err("variable-length sequences".into()),
        Datatype::Compound { .. } => Err("compound values".into()),
        Datatype::Array { .. } => Err("array values".into()),
        Datatype::Opaque { .. } => Err("opaque values".into()),
        Datatype::Reference { .. } => Err("references".into()),
        Datatype::Bitfield { .. } => Err("bit fields".into()),
    }
}

fn variable_text(stored_size: u32) -> ElementType {
    ElementType {
        dtype: DType::String,
        text: TextKind::Variable,
        size: stored_size as usize,
        big_endian: false,
    }
}
