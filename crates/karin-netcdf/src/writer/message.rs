//! Object headers and the messages in them (HDF5 file format specification, IV.A).

use super::bytes::{Put, UNDEFINED, lookup3};
use super::plan::{DatasetPlan, Fill};

/// Largest message: its size is stored in 16 bits.
pub(super) const LARGEST: usize = u16::MAX as usize;

const DATASPACE: u8 = 0x01;
const LINK_INFO: u8 = 0x02;
const DATATYPE: u8 = 0x03;
const FILL_VALUE: u8 = 0x05;
const LINK: u8 = 0x06;
const LAYOUT: u8 = 0x08;
const GROUP_INFO: u8 = 0x0a;
const FILTERS: u8 = 0x0b;
const ATTRIBUTE: u8 = 0x0c;
const ATTRIBUTE_INFO: u8 = 0x15;

/// The message does not fit 16 bits: so many bytes.
#[derive(Debug)]
pub(super) struct TooLarge(pub(super) usize);

/// A version 2 object header in one block, whose attributes keep their creation order.
#[derive(Debug, Default)]
pub(super) struct Header {
    messages: Vec<u8>,
    attributes: u16,
}

/// Datatype, dataspace and data of an attribute.
#[derive(Debug)]
pub(super) struct AttributeParts {
    pub(super) datatype: Vec<u8>,
    pub(super) dataspace: Vec<u8>,
    pub(super) data: Vec<u8>,
}

impl Header {
    /// Headers of groups and datasets track and index the creation order of their attributes: without it, netCDF-C
    /// lists them by the alphabet and refuses to append.
    fn message(&mut self, kind: u8, flags: u8, order: u16, body: &[u8]) -> Result<(), TooLarge> {
        if body.len() > LARGEST {
            return Err(TooLarge(body.len()));
        }
        self.messages.put_u8(kind);
        self.messages.put_u16(body.len() as u16);
        self.messages.put_u8(flags);
        self.messages.put_u16(order);
        self.messages.extend_from_slice(body);
        Ok(())
    }

    /// Makes it the header of a group with links in creation order.
    pub(super) fn group(&mut self, links: u64) -> Result<(), TooLarge> {
        let mut info = vec![0, 0b11];
        info.put_u64(links);
        for _ in 0..3 {
            info.put_u64(UNDEFINED);
        }
        self.message(LINK_INFO, 0, 0, &info)?;
        self.message(GROUP_INFO, 0, 0, &[0, 0])
    }

    /// A hard link, the `order`th that was made.
    pub(super) fn link(&mut self, name: &str, order: u64, address: u64) -> Result<(), TooLarge> {
        let (wide, utf8) = (name.len() > 255, !name.is_ascii());
        let mut body = vec![1, u8::from(wide) | 0b100 | u8::from(utf8) << 4];
        body.put_u64(order);
        if utf8 {
            body.put_u8(1);
        }
        if wide {
            body.put_u16(name.len() as u16);
        } else {
            body.put_u8(name.len() as u8);
        }
        body.extend_from_slice(name.as_bytes());
        body.put_u64(address);
        self.message(LINK, 0, 0, &body)
    }

    /// Type, extent, fill value (its stored bytes), filters and place of a dataset.
    pub(super) fn dataset(
        &mut self,
        plan: &DatasetPlan,
        datatype: &[u8],
        dataspace: &[u8],
        fill: &[u8],
        address: Option<u64>,
    ) -> Result<(), TooLarge> {
        self.message(DATASPACE, 0, 0, dataspace)?;
        self.message(DATATYPE, 1, 0, datatype)?;
        self.message(
            FILL_VALUE,
            1,
            0,
            &fill_value(&plan.fill, fill, plan.chunks.is_some()),
        )?;
        self.message(LAYOUT, 0, 0, &layout(plan, address))?;
        match filters(plan) {
            Some(filters) => self.message(FILTERS, 1, 0, &filters),
            None => Ok(()),
        }
    }

    /// An attribute, behind those that it has.
    pub(super) fn attribute(&mut self, name: &str, parts: &AttributeParts) -> Result<(), TooLarge> {
        let mut body = vec![3, 0];
        body.put_u16(name.len() as u16 + 1);
        body.put_u16(parts.datatype.len() as u16);
        body.put_u16(parts.dataspace.len() as u16);
        body.put_u8(u8::from(!name.is_ascii()));
        body.extend_from_slice(name.as_bytes());
        body.put_u8(0);
        body.extend_from_slice(&parts.datatype);
        body.extend_from_slice(&parts.dataspace);
        body.extend_from_slice(&parts.data);
        self.message(ATTRIBUTE, 0, self.attributes, &body)?;
        self.attributes = self.attributes.saturating_add(1);
        Ok(())
    }

    /// The bytes of the header.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, TooLarge> {
        let mut info = vec![0, 0b11];
        info.put_u16(self.attributes);
        for _ in 0..3 {
            info.put_u64(UNDEFINED);
        }
        self.message(ATTRIBUTE_INFO, 4, 0, &info)?;
        let size = u32::try_from(self.messages.len()).map_err(|_| TooLarge(self.messages.len()))?;
        let mut out = b"OHDR\x02".to_vec();
        out.put_u8(0b0000_1110);
        out.put_u32(size);
        out.append(&mut self.messages);
        out.put_u32(lookup3(&out));
        Ok(out)
    }
}

/// Space of contiguous data is allocated late, that of chunks as they come; the fill is written if it was set.
fn fill_value(fill: &Fill, bytes: &[u8], is_chunked: bool) -> Vec<u8> {
    let allocation = if is_chunked { 3 } else { 2 };
    match fill {
        Fill::Default => vec![3, allocation | 2 << 2],
        Fill::Never => vec![3, allocation | 1 << 2],
        Fill::Value(_) | Fill::Text(_) => {
            let mut out = vec![3, allocation | 2 << 2 | 1 << 5];
            out.put_u32(bytes.len() as u32);
            out.extend_from_slice(bytes);
            out
        }
    }
}

fn layout(plan: &DatasetPlan, address: Option<u64>) -> Vec<u8> {
    let element = super::datatype::stored_size(plan.dtype) as u64;
    let address = address.unwrap_or(UNDEFINED);
    match &plan.chunks {
        None => {
            let mut out = vec![3, 1];
            out.put_u64(address);
            out.put_u64(plan.shape.iter().product::<u64>() * element);
            out
        }
        Some(chunks) => {
            let mut out = vec![3, 2, chunks.len() as u8 + 1];
            out.put_u64(address);
            for &length in chunks.iter().chain([&element]) {
                out.put_u32(length as u32);
            }
            out
        }
    }
}

/// In the order in which netCDF-C applies them: fletcher32, shuffle, deflate.
fn filters(plan: &DatasetPlan) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    let mut count = 0;
    let mut filter = |id: u16, optional: bool, value: Option<u32>| {
        count += 1;
        body.put_u16(id);
        body.put_u16(u16::from(optional));
        body.put_u16(u16::from(value.is_some()));
        if let Some(value) = value {
            body.put_u32(value);
        }
    };
    if plan.fletcher32 {
        filter(3, false, None);
    }
    if plan.shuffle {
        filter(2, true, Some(super::datatype::stored_size(plan.dtype) as u32));
    }
    if let Some(level) = plan.deflate {
        filter(1, true, Some(u32::from(level)));
    }
    (count > 0).then(|| [&[2, count], body.as_slice()].concat())
}
