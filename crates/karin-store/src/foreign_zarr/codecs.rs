//! How the chunks of an array become elements.

use std::borrow::Cow;

use serde_json::Value;

use super::blosc;

/// One step, from the bytes of the object to the elements.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Blosc,
    Zstd,
    Zlib,
    Gzip,
    /// Four bytes at the end: CRC32C of what comes before.
    Crc32c,
}

/// The steps of an array.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Codecs {
    steps: Vec<Step>,
    /// Whether elements are big-endian.
    swapped: bool,
}

impl Codecs {
    /// Those of format 2: `compressor`, `filters` and the sign of the type.
    pub(super) fn of_format2(array: &Value, swapped: bool) -> Result<Self, String> {
        let filters = array.get("filters").and_then(Value::as_array);
        if let Some(filter) = filters.and_then(|filters| filters.first()) {
            return Err(format!("the filter {} is not known", named(filter, "id")));
        }
        if array.get("order").and_then(Value::as_str).unwrap_or("C") != "C" {
            return Err("its chunks are column-major".to_owned());
        }
        let steps = match array.get("compressor") {
            None | Some(Value::Null) => Vec::new(),
            Some(compressor) => vec![step(named(compressor, "id"))?],
        };
        Ok(Self { steps, swapped })
    }

    /// Those of format 3: a chain around `bytes`.
    pub(super) fn of_format3(array: &Value) -> Result<Self, String> {
        let chain = array
            .get("codecs")
            .and_then(Value::as_array)
            .ok_or("it has no codecs")?;
        let mut codecs = Self::default();
        let mut has_bytes = false;
        for codec in chain {
            match named(codec, "name") {
                "bytes" => {
                    has_bytes = true;
                    codecs.swapped =
                        codec.pointer("/configuration/endian").and_then(Value::as_str) == Some("big");
                }
                "crc32c" => codecs.steps.push(Step::Crc32c),
                name if has_bytes => codecs.steps.push(step(name)?),
                name => return Err(format!("the codec {name} is not known")),
            }
        }
        codecs.steps.reverse();
        Ok(codecs)
    }

    /// The elements of a chunk of `length` bytes, in native order.
    pub(super) fn decode(&self, stored: &[u8], length: usize, element: usize) -> Result<Vec<u8>, String> {
        let mut bytes = Cow::Borrowed(stored);
        for (index, step) in self.steps.iter().enumerate() {
            // Only a checksum can stand behind the last compression.
            let is_last = self
                .steps
                .iter()
                .skip(index + 1)
                .all(|step| *step == Step::Crc32c);
            let room = length + 4 * (self.steps.len() - index - 1);
            bytes = Cow::Owned(match step {
                Step::Blosc if is_last && room == length => blosc::decode(&bytes, length)?,
                Step::Blosc => return Err("Blosc under another codec is not read".to_owned()),
                Step::Zstd => {
                    zstd::bulk::decompress(&bytes, room).map_err(|error| format!("zstd: {error}"))?
                }
                Step::Zlib | Step::Gzip => inflate(&bytes, room, step)?,
                Step::Crc32c => checked(bytes.into_owned())?,
            });
        }
        let mut bytes = bytes.into_owned();
        if bytes.len() != length {
            return Err(format!(
                "it has {} bytes where {length} are expected",
                bytes.len()
            ));
        }
        if self.swapped {
            bytes.chunks_exact_mut(element.max(1)).for_each(<[u8]>::reverse);
        }
        Ok(bytes)
    }
}

fn inflate(bytes: &[u8], room: usize, step: &Step) -> Result<Vec<u8>, String> {
    let mut out = vec![0; room];
    let mut decompressor = libdeflater::Decompressor::new();
    let length = match step {
        Step::Gzip => decompressor.gzip_decompress(bytes, &mut out),
        _ => decompressor.zlib_decompress(bytes, &mut out),
    };
    out.truncate(length.map_err(|error| format!("deflate: {error}"))?);
    Ok(out)
}

fn checked(mut bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    let at = bytes
        .len()
        .checked_sub(4)
        .ok_or("it is too short for its checksum")?;
    let sum = bytes.split_off(at);
    match crc32c::crc32c(&bytes).to_le_bytes() == *sum.as_slice() {
        true => Ok(bytes),
        false => Err("its checksum is wrong".to_owned()),
    }
}

fn step(name: &str) -> Result<Step, String> {
    Ok(match name {
        "blosc" => Step::Blosc,
        "zstd" | "numcodecs.zstd" => Step::Zstd,
        "zlib" | "numcodecs.zlib" => Step::Zlib,
        "gzip" => Step::Gzip,
        other => return Err(format!("the codec {other} is not known")),
    })
}

fn named<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or("without a name")
}
