//! How the chunks of an array become elements.

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

    /// The elements of a chunk into `out`, in native order.
    pub(super) fn decode(&self, stored: &[u8], out: &mut [u8], element: usize) -> Result<(), String> {
        let mut bytes = stored;
        let mut steps = self.steps.as_slice();
        // Checksums, as format 3 has them around what is compressed.
        while let Some((Step::Crc32c, rest)) = steps.split_first() {
            (bytes, steps) = (checked(bytes)?, rest);
        }
        let mut inner = Vec::new();
        match steps.split_first() {
            None => fit(bytes, out)?,
            Some((step, [])) => unpack(step, bytes, out)?,
            Some((step, rest)) if rest.iter().all(|step| *step == Step::Crc32c) => {
                inner.resize(out.len() + 4 * rest.len(), 0);
                unpack(step, bytes, &mut inner)?;
                let plain = rest
                    .iter()
                    .try_fold(inner.as_slice(), |bytes, _| checked(bytes))?;
                fit(plain, out)?;
            }
            Some(_) => return Err("several compressions in a row are not read".to_owned()),
        }
        if self.swapped {
            out.chunks_exact_mut(element.max(1)).for_each(<[u8]>::reverse);
        }
        Ok(())
    }
}

/// Undoes one compression, whose content fills `out`.
fn unpack(step: &Step, bytes: &[u8], out: &mut [u8]) -> Result<(), String> {
    let deflate = |error: libdeflater::DecompressionError| format!("deflate: {error}");
    let length = match step {
        Step::Blosc => {
            blosc::decode(bytes, out)?;
            out.len()
        }
        Step::Zstd => {
            zstd::bulk::decompress_to_buffer(bytes, out).map_err(|error| format!("zstd: {error}"))?
        }
        Step::Gzip => (libdeflater::Decompressor::new().gzip_decompress(bytes, out)).map_err(deflate)?,
        Step::Zlib => (libdeflater::Decompressor::new().zlib_decompress(bytes, out)).map_err(deflate)?,
        Step::Crc32c => return Err("a checksum is no compression".to_owned()),
    };
    is_long_enough(length, out.len())
}

fn fit(bytes: &[u8], out: &mut [u8]) -> Result<(), String> {
    is_long_enough(bytes.len(), out.len())?;
    out.copy_from_slice(bytes);
    Ok(())
}

fn is_long_enough(length: usize, expected: usize) -> Result<(), String> {
    match length == expected {
        true => Ok(()),
        false => Err(format!("it has {length} bytes where {expected} are expected")),
    }
}

fn checked(bytes: &[u8]) -> Result<&[u8], String> {
    let (content, sum) = bytes
        .split_last_chunk::<4>()
        .ok_or("it is too short for its checksum")?;
    match crc32c::crc32c(content).to_le_bytes() == *sum {
        true => Ok(content),
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
