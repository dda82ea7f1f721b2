//! The header of netCDF-3: dimensions, attributes, variables, all big-endian, padded to four bytes.

use karin_core::{
    AttrValue, Attributes, ByteSource, DType, Dimension, FillMode, GroupMeta, Storage, Values, VariableMeta,
};

use super::Contents;
use crate::Limits;
use crate::decode::swap_bytes;
use crate::fault::Fault;
use crate::hdf5::fixed_text;
use crate::layout::{Layout, TextKind, Variable};

const ABSENT: u32 = 0;
const DIMENSIONS: u32 = 10;
const VARIABLES: u32 = 11;
const ATTRIBUTES: u32 = 12;

/// The first bytes of the source, at most `most`.
pub(super) fn start(source: &dyn ByteSource, len: u64, most: u64) -> Result<Vec<u8>, Fault> {
    let mut bytes = vec![0; len.min(most) as usize];
    source
        .read_exact_at(&mut bytes, 0)
        .map_err(|error| Fault::read(bytes.len(), 0, error))?;
    Ok(bytes)
}

/// Reads the header, in growing pieces of the file until it is complete.
pub(super) fn read(
    source: &dyn ByteSource,
    len: u64,
    version: u8,
    limits: &Limits,
) -> Result<Contents, Fault> {
    let mut most = 64 << 10;
    loop {
        let bytes = start(source, len, most)?;
        let mut parser = Parser {
            bytes: &bytes,
            at: 4,
            version,
        };
        match parser.header() {
            Ok(header) => return header.contents(len, version),
            Err(Stop::Fault(fault)) => return Err(fault),
            Err(Stop::End) if most >= len => {
                return Err(Fault::Truncated {
                    expected: len + 1,
                    present: len,
                });
            }
            Err(Stop::End) if most >= limits.header_bytes as u64 => {
                return Err(Fault::TooLarge {
                    needed: most + 1,
                    allowed: limits.header_bytes as u64,
                });
            }
            Err(Stop::End) => most *= 4,
        }
    }
}

/// Why parsing stopped.
enum Stop {
    /// More bytes are needed.
    End,
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

struct Header {
    /// `None`: a stream that was never closed; the length of the file decides.
    records: Option<u64>,
    dimensions: Vec<(String, u64)>,
    attributes: Attributes,
    variables: Vec<RawVariable>,
}

struct RawVariable {
    name: String,
    dimensions: Vec<usize>,
    attributes: Attributes,
    dtype: DType,
    begin: u64,
}

struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    version: u8,
}

impl Parser<'_> {
    fn take(&mut self, len: usize) -> Result<&[u8], Stop> {
        let end = self.at.checked_add(len).ok_or(Stop::End)?;
        let bytes = self.bytes.get(self.at..end).ok_or(Stop::End)?;
        self.at = end;
        Ok(bytes)
    }

    /// As [`Parser::take`], and skips the padding to four bytes.
    fn take_padded(&mut self, len: usize) -> Result<Vec<u8>, Stop> {
        let bytes = self.take(len)?.to_vec();
        self.take(len.next_multiple_of(4) - len)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, Stop> {
        let bytes = self.take(4)?;
        Ok(bytes.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes)))
    }

    fn u64(&mut self) -> Result<u64, Stop> {
        let bytes = self.take(8)?;
        Ok(bytes.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)))
    }

    /// A count: 32 bits, in version 5 64 bits.
    fn count(&mut self) -> Result<u64, Stop> {
        if self.version == 5 {
            self.u64()
        } else {
            self.u32().map(u64::from)
        }
    }

    /// A count of things that take at least `size` bytes each in the header.
    fn count_of(&mut self, size: usize) -> Result<usize, Stop> {
        let count = self.count()?;
        // A header of a gigabyte is none.
        if count.saturating_mul(size as u64) > 1 << 30 {
            return Err(Fault::corrupt(format!("{count} entries in the header")).into());
        }
        Ok(count as usize)
    }

    fn name(&mut self) -> Result<String, Stop> {
        let len = self.count_of(1)?;
        let bytes = self.take_padded(len)?;
        String::from_utf8(bytes).map_err(|_| Fault::corrupt("a name that is no UTF-8").into())
    }

    /// The number of entries of a list that is marked by `tag`.
    fn list(&mut self, tag: u32) -> Result<usize, Stop> {
        let found = self.u32()?;
        let count = self.count_of(8)?;
        match found {
            ABSENT if count == 0 => Ok(0),
            _ if found == tag => Ok(count),
            _ => Err(Fault::corrupt(format!("list {found} in the header where {tag} belongs")).into()),
        }
    }

    fn header(&mut self) -> Result<Header, Stop> {
        let streaming = if self.version == 5 {
            u64::MAX
        } else {
            u64::from(u32::MAX)
        };
        let records = self.count()?;
        let mut dimensions = Vec::new();
        for _ in 0..self.list(DIMENSIONS)? {
            dimensions.push((self.name()?, self.count()?));
        }
        let attributes = self.attributes()?;
        let mut variables = Vec::new();
        for _ in 0..self.list(VARIABLES)? {
            variables.push(self.variable(dimensions.len())?);
        }
        Ok(Header {
            records: (records != streaming).then_some(records),
            dimensions,
            attributes,
            variables,
        })
    }

    fn variable(&mut self, dimensions: usize) -> Result<RawVariable, Stop> {
        let name = self.name()?;
        let mut axes = Vec::new();
        for _ in 0..self.count_of(4)? {
            let id = self.count()?;
            match usize::try_from(id) {
                Ok(id) if id < dimensions => axes.push(id),
                _ => {
                    return Err(Fault::corrupt(format!(
                        "variable {name:?} has dimension {id} of {dimensions}"
                    ))
                    .into());
                }
            }
        }
        let attributes = self.attributes()?;
        let dtype = self.dtype()?;
        // The stored size is redundant, and wrong for large variables.
        self.count()?;
        let begin = if self.version == 1 {
            u64::from(self.u32()?)
        } else {
            self.u64()?
        };
        Ok(RawVariable {
            name,
            dimensions: axes,
            attributes,
            dtype,
            begin,
        })
    }

    fn dtype(&mut self) -> Result<DType, Stop> {
        let code = self.u32()?;
        Ok(match code {
            1 => DType::Int8,
            2 => DType::Char,
            3 => DType::Int16,
            4 => DType::Int32,
            5 => DType::Float32,
            6 => DType::Float64,
            7 if self.version == 5 => DType::UInt8,
            8 if self.version == 5 => DType::UInt16,
            9 if self.version == 5 => DType::UInt32,
            10 if self.version == 5 => DType::Int64,
            11 if self.version == 5 => DType::UInt64,
            _ => return Err(Fault::corrupt(format!("type {code} in the header")).into()),
        })
    }

    fn attributes(&mut self) -> Result<Attributes, Stop> {
        let mut attributes = Attributes::new();
        for _ in 0..self.list(ATTRIBUTES)? {
            let name = self.name()?;
            let dtype = self.dtype()?;
            let count = self.count_of(dtype.size())?;
            let bytes = self.take_padded(count * dtype.size())?;
            let value = if dtype == DType::Char {
                AttrValue::Text(fixed_text(&bytes))
            } else {
                let mut values = Values::zeros(dtype, count);
                values.as_bytes_mut().copy_from_slice(&bytes);
                if cfg!(target_endian = "little") {
                    swap_bytes(values.as_bytes_mut(), dtype.size());
                }
                AttrValue::Array(values)
            };
            attributes.set(name, value);
        }
        Ok(attributes)
    }
}

impl Header {
    fn contents(self, file_len: u64, version: u8) -> Result<Contents, Fault> {
        let is_record = |variable: &RawVariable| {
            variable
                .dimensions
                .first()
                .is_some_and(|id| self.dimensions.get(*id).is_some_and(|(_, len)| *len == 0))
        };
        let slots: Vec<u64> = self
            .variables
            .iter()
            .map(|variable| self.slot(variable))
            .collect::<Result<_, _>>()?;
        let record_slots: Vec<u64> = self
            .variables
            .iter()
            .zip(&slots)
            .filter(|(variable, _)| is_record(variable))
            .map(|(_, slot)| *slot)
            .collect();
        // Records are padded to four bytes per variable, except when there is only one variable.
        let stride = match record_slots.as_slice() {
            [single] => *single,
            several => several
                .iter()
                .try_fold(0_u64, |sum, slot| sum.checked_add(padded(*slot)?))
                .ok_or_else(|| Fault::corrupt("records of more than 2^64 bytes"))?,
        };
        let first_record = self
            .variables
            .iter()
            .filter(|variable| is_record(variable))
            .map(|variable| variable.begin)
            .min();
        let records = self.records.unwrap_or_else(|| {
            first_record.map_or(0, |begin| {
                file_len.saturating_sub(begin).checked_div(stride).unwrap_or(0)
            })
        });
        self.check_length(file_len, &slots, stride, records, is_record)?;
        let mut root = GroupMeta {
            dimensions: self
                .dimensions
                .iter()
                .map(|(name, len)| Dimension {
                    name: name.clone(),
                    size: if *len == 0 { records } else { *len } as usize,
                    unlimited: *len == 0,
                })
                .collect(),
            attributes: self.attributes.clone(),
            ..GroupMeta::default()
        };
        let mut variables = Vec::new();
        for raw in &self.variables {
            let shape: Vec<usize> = raw
                .dimensions
                .iter()
                .filter_map(|id| root.dimensions.get(*id))
                .map(|dim| dim.size)
                .collect();
            let layout = if is_record(raw) {
                Layout::Records {
                    begin: raw.begin,
                    stride,
                }
            } else {
                Layout::Contiguous(raw.begin)
            };
            root.variables.push(self.meta(raw));
            variables.push((raw.name.clone(), variable(raw, shape, layout)?));
        }
        Ok(Contents {
            version,
            root,
            variables,
        })
    }

    /// Bytes of a variable, of a record variable per record.
    fn slot(&self, variable: &RawVariable) -> Result<u64, Fault> {
        let lengths = variable
            .dimensions
            .iter()
            .enumerate()
            .filter_map(|(axis, id)| self.dimensions.get(*id).map(|(_, len)| (axis, *len)));
        let mut bytes = variable.dtype.size() as u64;
        for (axis, len) in lengths {
            if len == 0 && axis == 0 {
                continue;
            }
            bytes = bytes.checked_mul(len).ok_or_else(|| {
                Fault::corrupt(format!("variable {:?} has more than 2^64 bytes", variable.name))
            })?;
        }
        Ok(bytes)
    }

    fn check_length(
        &self,
        file_len: u64,
        slots: &[u64],
        stride: u64,
        records: u64,
        is_record: impl Fn(&RawVariable) -> bool,
    ) -> Result<(), Fault> {
        let mut expected = 0_u64;
        for (variable, slot) in self.variables.iter().zip(slots) {
            let before = if is_record(variable) {
                let Some(last) = records.checked_sub(1) else {
                    continue;
                };
                last.saturating_mul(stride)
            } else {
                0
            };
            if *slot > 0 {
                expected = expected.max(variable.begin.saturating_add(before).saturating_add(*slot));
            }
        }
        if expected > file_len {
            Err(Fault::Truncated {
                expected,
                present: file_len,
            })
        } else {
            Ok(())
        }
    }

    fn meta(&self, raw: &RawVariable) -> VariableMeta {
        VariableMeta {
            name: raw.name.clone(),
            dtype: raw.dtype,
            dimensions: raw
                .dimensions
                .iter()
                .filter_map(|id| self.dimensions.get(*id))
                .map(|(name, _)| name.clone())
                .collect(),
            attributes: raw.attributes.clone(),
            storage: Storage {
                big_endian: raw.dtype.size() > 1,
                fill: FillMode::Fill,
                ..Storage::default()
            },
        }
    }
}

fn padded(bytes: u64) -> Option<u64> {
    bytes.checked_next_multiple_of(4)
}

fn variable(raw: &RawVariable, shape: Vec<usize>, layout: Layout) -> Result<Variable, Fault> {
    let size = raw.dtype.size();
    let bytes = shape
        .iter()
        .try_fold(size, |product, len| product.checked_mul(*len));
    if bytes.is_none_or(|bytes| isize::try_from(bytes).is_err()) {
        return Err(Fault::corrupt(format!(
            "variable {:?} of shape {shape:?} is larger than any memory",
            raw.name
        )));
    }
    Ok(Variable {
        dtype: raw.dtype,
        text: TextKind::None,
        element_size: size,
        extent: shape.clone(),
        shape,
        fill: Vec::new(),
        filters: Vec::new(),
        swap: size > 1 && cfg!(target_endian = "little"),
        layout,
    })
}
