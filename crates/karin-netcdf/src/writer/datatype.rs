//! Datatype and dataspace messages (HDF5 file format specification, IV.A.2.b and IV.A.2.d).

use karin_core::DType;

use super::bytes::Put;

/// Bytes of a variable-length descriptor: length, heap address, heap index.
pub(super) const DESCRIPTOR: usize = 16;

fn message(class_and_version: u8, bits: [u8; 3], size: u32, properties: &[u8]) -> Vec<u8> {
    let mut out = vec![class_and_version];
    out.extend_from_slice(&bits);
    out.put_u32(size);
    out.extend_from_slice(properties);
    out
}

fn integer(size: u8, signed: bool, big_endian: bool) -> Vec<u8> {
    let bits = [u8::from(big_endian) | u8::from(signed) << 3, 0, 0];
    let mut properties = Vec::new();
    properties.put_u16(0);
    properties.put_u16(u16::from(size) * 8);
    message(0x10, bits, u32::from(size), &properties)
}

fn float(size: u8, big_endian: bool) -> Vec<u8> {
    let (exponent_at, exponent_bits, bias) = if size == 4 { (23, 8, 127) } else { (52, 11, 1023) };
    let mut properties = Vec::new();
    properties.put_u16(0);
    properties.put_u16(u16::from(size) * 8);
    properties.extend_from_slice(&[exponent_at, exponent_bits, 0, exponent_at]);
    properties.put_u32(bias);
    message(
        0x11,
        [0x20 | u8::from(big_endian), size * 8 - 1, 0],
        u32::from(size),
        &properties,
    )
}

/// A null-terminated ASCII string of fixed size (netCDF's `NC_CHAR`, and the names of dimension scales).
pub(super) fn text(size: u32) -> Vec<u8> {
    message(0x13, [0, 0, 0], size, &[])
}

/// A reference to an object.
pub(super) fn object_reference() -> Vec<u8> {
    message(0x17, [0, 0, 0], 8, &[])
}

/// A sequence of object references of any length: the type of `DIMENSION_LIST`.
pub(super) fn reference_sequence() -> Vec<u8> {
    message(0x19, [0, 0, 0], DESCRIPTOR as u32, &object_reference())
}

/// A UTF-8 string of any length: `NC_STRING`.
pub(super) fn string() -> Vec<u8> {
    message(0x19, [1, 1, 0], DESCRIPTOR as u32, &integer(1, false, false))
}

/// The entry of `REFERENCE_LIST`: which dataset uses the scale, and for which of its dimensions.
pub(super) fn scale_use() -> Vec<u8> {
    let mut members = Vec::new();
    for (name, offset, datatype) in [
        ("dataset", 0, object_reference()),
        ("dimension", 8, integer(4, false, false)),
    ] {
        members.extend_from_slice(name.as_bytes());
        members.extend_from_slice(&[0, offset]);
        members.extend_from_slice(&datatype);
    }
    message(0x36, [2, 0, 0], 16, &members)
}

/// The type of a variable or attribute.
pub(super) fn element(dtype: DType, big_endian: bool) -> Vec<u8> {
    match dtype {
        DType::Int8 => integer(1, true, false),
        DType::UInt8 => integer(1, false, false),
        DType::Int16 => integer(2, true, big_endian),
        DType::UInt16 => integer(2, false, big_endian),
        DType::Int32 => integer(4, true, big_endian),
        DType::UInt32 => integer(4, false, big_endian),
        DType::Int64 => integer(8, true, big_endian),
        DType::UInt64 => integer(8, false, big_endian),
        DType::Float32 => float(4, big_endian),
        DType::Float64 => float(8, big_endian),
        DType::Char => text(1),
        DType::String => string(),
    }
}

/// Bytes of one element as stored.
pub(super) const fn stored_size(dtype: DType) -> usize {
    match dtype {
        DType::String => DESCRIPTOR,
        other => other.size(),
    }
}

/// A scalar dataspace.
pub(super) fn scalar() -> Vec<u8> {
    vec![2, 0, 0, 0]
}

/// The dataspace of an attribute without elements.
pub(super) fn null() -> Vec<u8> {
    vec![2, 0, 0, 2]
}

/// A list of `len` elements.
pub(super) fn list(len: usize) -> Vec<u8> {
    let mut out = vec![2, 1, 0, 1];
    out.put_u64(len as u64);
    out
}

/// The dataspace of a dataset; `unlimited` says which dimensions may grow.
pub(super) fn extent(shape: &[u64], unlimited: &[bool]) -> Vec<u8> {
    if shape.is_empty() {
        return scalar();
    }
    let grows = unlimited.contains(&true);
    let mut out = vec![2, shape.len() as u8, u8::from(grows), 1];
    for &size in shape {
        out.put_u64(size);
    }
    if grows {
        for (&size, &unlimited) in shape.iter().zip(unlimited) {
            out.put_u64(if unlimited { u64::MAX } else { size });
        }
    }
    out
}
