//! The order in which the attributes of a header were made, which the metadata crate does not keep.
//!
//! An attribute that was changed later may lie in front of older ones, wherever its new value found room.

use hdf5_reader::io::Cursor;
use hdf5_reader::messages::MSG_ATTRIBUTE;
use hdf5_reader::storage::Storage;

use super::Sizes;
use crate::fault::Fault;

const MSG_CONTINUATION: u8 = 0x10;
/// As many pieces as the metadata crate follows.
const MOST_PIECES: usize = 1024;

/// The creation index of every attribute message of the header at `address`, in the order in which the metadata
/// crate meets them; `None` if the header does not track it.
pub(super) fn of_attributes(
    storage: &dyn Storage,
    sizes: Sizes,
    address: u64,
) -> Result<Option<Vec<u16>>, Fault> {
    let prefix = storage.read_range(address, 6)?;
    let (Some(b"OHDR"), Some(flags)) = (prefix.get(..4), prefix.get(5)) else {
        return Ok(None);
    };
    if flags & 0x04 == 0 {
        return Ok(None);
    }
    let size_width = 1_usize << (flags & 0x03);
    let times = if flags & 0x20 == 0 { 0 } else { 16 };
    let phase = if flags & 0x10 == 0 { 0 } else { 4 };
    let size_at = address.saturating_add(6 + times + phase);
    let size_bytes = storage.read_range(size_at, size_width)?;
    let first_len = Cursor::new(&size_bytes).read_uvar(size_width)?;
    let mut pieces = vec![(size_at.saturating_add(size_width as u64), first_len)];
    let mut orders = Vec::new();
    let mut followed = 0;
    while let Some((start, len)) = pieces.pop() {
        followed += 1;
        if followed > MOST_PIECES {
            return Ok(None);
        }
        let len = usize::try_from(len).map_err(|_| Fault::corrupt("object header size"))?;
        let bytes = storage.read_range(start, len)?;
        messages(&bytes, sizes, &mut orders, &mut pieces)?;
    }
    Ok(Some(orders))
}

/// Walks the messages of one piece of a header.
fn messages(
    bytes: &[u8],
    sizes: Sizes,
    orders: &mut Vec<u16>,
    pieces: &mut Vec<(u64, u64)>,
) -> Result<(), Fault> {
    let mut cursor = Cursor::new(bytes);
    // A gap at the end is shorter than the head of a message.
    while cursor.remaining() >= 6 {
        let kind = cursor.read_u8()?;
        let len = usize::from(cursor.read_u16_le()?);
        let _flags = cursor.read_u8()?;
        let order = cursor.read_u16_le()?;
        let Ok(body) = cursor.read_bytes(len) else {
            return Ok(());
        };
        if u16::from(kind) == MSG_ATTRIBUTE {
            orders.push(order);
        } else if kind == MSG_CONTINUATION {
            let mut target = Cursor::new(body);
            let (start, len) = (
                target.read_offset(sizes.offset)?,
                target.read_length(sizes.length)?,
            );
            // Without the signature before its messages and the checksum behind them.
            pieces.push((start.saturating_add(4), len.saturating_sub(8)));
        }
    }
    Ok(())
}
