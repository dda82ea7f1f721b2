//! The order in which the attributes of a header were made, which the metadata crate does not keep.
//!
//! An attribute that was changed later may lie in front of older ones, wherever its new value found room. Headers that
//! do not track the order are listed piece by piece, as the HDF5 library reads them.

use std::collections::HashMap;

use hdf5_reader::io::Cursor;
use hdf5_reader::messages::{MSG_ATTRIBUTE, MSG_CONTINUATION};
use hdf5_reader::storage::Storage;

use super::Sizes;
use crate::fault::Fault;

/// As many pieces as the metadata crate follows.
const MOST_PIECES: usize = 1024;

/// Where the messages of a header begin, and what stands in front of each.
struct Form {
    first: (u64, u64),
    /// Version 1 headers: no signature, longer heads.
    old: bool,
    tracked: bool,
}

/// A sort key for every attribute message of the header at `address`, in the order in which the metadata crate meets
/// them; `None` if the header is in one piece and does not track the order, so that they are in order.
pub(super) fn of_attributes(
    storage: &dyn Storage,
    sizes: Sizes,
    address: u64,
) -> Result<Option<Vec<u64>>, Fault> {
    let form = form(storage, address)?;
    // The HDF5 library reads the pieces first come, first served; the metadata crate takes the last one first.
    let mut rank = HashMap::new();
    let mut waiting = vec![form.first];
    let mut next = 0;
    while let Some(piece) = waiting.get(next).copied() {
        if rank.len() >= MOST_PIECES || rank.insert(piece.0, next as u64).is_some() {
            return Ok(None);
        }
        next += 1;
        messages(storage, sizes, &form, piece, &mut waiting)?;
    }
    if !form.tracked && next == 1 {
        return Ok(None);
    }
    let mut keys = Vec::new();
    let mut waiting = vec![form.first];
    while let Some(piece) = waiting.pop() {
        let place = rank.get(&piece.0).copied().unwrap_or(0) << 32;
        let orders = messages(storage, sizes, &form, piece, &mut waiting)?;
        keys.extend(
            (0_u64..)
                .zip(orders)
                .map(|(index, order)| if form.tracked { order.into() } else { place + index }),
        );
    }
    Ok(Some(keys))
}

fn form(storage: &dyn Storage, address: u64) -> Result<Form, Fault> {
    let prefix = storage.read_range(address, 12)?;
    if prefix.get(..4) != Some(b"OHDR") {
        let len = prefix
            .last_chunk::<4>()
            .map_or(0, |bytes| u32::from_le_bytes(*bytes));
        return Ok(Form {
            first: (address.saturating_add(16), len.into()),
            old: true,
            tracked: false,
        });
    }
    let flags = prefix.get(5).copied().unwrap_or(0);
    let size_width = 1_usize << (flags & 0x03);
    let times = if flags & 0x20 == 0 { 0 } else { 16 };
    let phase = if flags & 0x10 == 0 { 0 } else { 4 };
    let size_at = address.saturating_add(6 + times + phase);
    let size_bytes = storage.read_range(size_at, size_width)?;
    let len = Cursor::new(&size_bytes).read_uvar(size_width)?;
    Ok(Form {
        first: (size_at.saturating_add(size_width as u64), len),
        old: false,
        tracked: flags & 0x04 != 0,
    })
}

/// Walks the messages of one piece: gives the creation index of every attribute (0 where it is not tracked), and adds
/// the pieces that follow to `waiting`.
fn messages(
    storage: &dyn Storage,
    sizes: Sizes,
    form: &Form,
    (start, len): (u64, u64),
    waiting: &mut Vec<(u64, u64)>,
) -> Result<Vec<u16>, Fault> {
    let len = usize::try_from(len).map_err(|_| Fault::corrupt("object header size"))?;
    let bytes = storage.read_range(start, len)?;
    let mut cursor = Cursor::new(&bytes);
    let mut orders = Vec::new();
    let head = match (form.old, form.tracked) {
        (true, _) => 8,
        (false, false) => 4,
        (false, true) => 6,
    };
    // A gap at the end is shorter than the head of a message.
    while cursor.remaining() >= head {
        let kind = if form.old {
            cursor.read_u16_le()?
        } else {
            cursor.read_u8()?.into()
        };
        let len = usize::from(cursor.read_u16_le()?);
        cursor.skip(if form.old { 4 } else { 1 })?;
        let order = if form.tracked { cursor.read_u16_le()? } else { 0 };
        let Ok(body) = cursor.read_bytes(len) else { break };
        if kind == MSG_ATTRIBUTE {
            orders.push(order);
        } else if kind == MSG_CONTINUATION {
            let mut target = Cursor::new(body);
            let (start, len) = (
                target.read_offset(sizes.offset)?,
                target.read_length(sizes.length)?,
            );
            // New pieces have a signature before their messages and a checksum behind them.
            waiting.push(if form.old {
                (start, len)
            } else {
                (start.saturating_add(4), len.saturating_sub(8))
            });
        }
    }
    Ok(orders)
}
