//! Attributes of an object: in its header, or in a heap of its own when there are many.

use hdf5_reader::io::Cursor;
use hdf5_reader::messages::HdfMessage;
use hdf5_reader::messages::attribute::{self, AttributeMessage};
use hdf5_reader::messages::attribute_info::AttributeInfoMessage;
use hdf5_reader::messages::dataspace::DataspaceType;
use hdf5_reader::object_header::ObjectHeader;
use hdf5_reader::storage::Storage;
use karin_core::{AttrValue, DType, Values};

use super::dense::for_each_object;
use super::strings::{Heaps, fixed_text};
use super::types::element_type;
use super::{Sizes, creation_order};
use crate::decode::swap_bytes;
use crate::fault::Fault;
use crate::layout::TextKind;

/// The attributes of the object with that header, as stored, in creation order where it is tracked.
pub(super) fn messages(
    storage: &dyn Storage,
    sizes: Sizes,
    address: u64,
    header: &ObjectHeader,
) -> Result<Vec<AttributeMessage>, Fault> {
    let mut found = Vec::new();
    let mut info = None;
    for message in &header.messages {
        match message {
            HdfMessage::Attribute(attribute) => found.push(attribute.clone()),
            HdfMessage::AttributeInfo(message) => info = Some(message),
            _ => {}
        }
    }
    if found.len() > 1
        && let Some(orders) = creation_order::of_attributes(storage, sizes, address)?
        && orders.len() == found.len()
    {
        let mut ordered: Vec<_> = orders.into_iter().zip(found).collect();
        ordered.sort_by_key(|(order, _)| *order);
        found = ordered.into_iter().map(|(_, message)| message).collect();
    }
    if let Some(info) = info.filter(|info| !sizes.is_undefined(info.fractal_heap_address)) {
        dense(storage, sizes, info, &mut found)?;
    }
    Ok(found)
}

fn dense(
    storage: &dyn Storage,
    sizes: Sizes,
    info: &AttributeInfoMessage,
    found: &mut Vec<AttributeMessage>,
) -> Result<(), Fault> {
    let by_order = info
        .btree_creation_order_address
        .filter(|address| !sizes.is_undefined(*address));
    let index = by_order.unwrap_or(info.btree_name_index_address);
    for_each_object(storage, sizes, (info.fractal_heap_address, index), |bytes| {
        let message = attribute::parse(&mut Cursor::new(bytes), sizes.offset, sizes.length, bytes.len())?;
        found.push(message);
        Ok(())
    })
}

/// The value of an attribute; `None` for kinds that netCDF programs hide or karin has no type for.
pub(super) fn value(message: &AttributeMessage, heaps: &mut Heaps<'_>) -> Result<Option<AttrValue>, Fault> {
    let count = usize::try_from(
        message
            .dataspace
            .num_elements()
            .map_err(|error| Fault::corrupt(error.to_string()))?,
    )
    .map_err(|_| Fault::corrupt("attribute size"))?;
    let stored_size = message.raw_data.len().checked_div(count).unwrap_or(0);
    let descriptor = heaps.descriptor_len() as u32;
    let Ok(element) = element_type(&message.datatype, descriptor) else {
        return Ok(None);
    };
    let damaged = || Fault::corrupt(format!("attribute {:?} is shorter than its type", message.name));
    if count > 0 && (element.size == 0 || stored_size < element.size) {
        return Err(damaged());
    }
    let bytes = message.raw_data.get(..count * element.size).ok_or_else(damaged)?;
    let scalar = message.dataspace.dataspace_type == DataspaceType::Scalar;
    Ok(Some(match element.text {
        TextKind::Variable => {
            let texts: Result<_, _> = bytes
                .chunks_exact(element.size)
                .map(|piece| heaps.text(piece))
                .collect();
            AttrValue::Array(Values::String(texts?))
        }
        TextKind::Fixed if scalar || count <= 1 => AttrValue::Text(fixed_text(bytes)),
        TextKind::Fixed => AttrValue::Array(Values::String(
            bytes.chunks_exact(element.size).map(fixed_text).collect(),
        )),
        TextKind::None if element.dtype == DType::Char => AttrValue::Text(fixed_text(bytes)),
        TextKind::None => {
            let mut values = Values::zeros(element.dtype, count);
            values.as_bytes_mut().copy_from_slice(bytes);
            if element.big_endian != cfg!(target_endian = "big") {
                swap_bytes(values.as_bytes_mut(), element.size);
            }
            AttrValue::Array(values)
        }
    }))
}
