//! The codec chain of an array as Zarr v3 metadata name it, and back.

use karin_core::DType;
use serde_json::{Value, json};

use super::{ChunkCodec, Packing, ZSTD_LEVEL, blosc, pcodec};

impl ChunkCodec {
    /// The chain that Zarr metadata describe, if it is one that karin writes.
    pub fn from_zarr(codecs: &Value, dtype: DType, rows: usize, columns: usize) -> Option<Self> {
        let names: Vec<&str> = codecs
            .as_array()?
            .iter()
            .filter_map(|codec| codec.get("name")?.as_str())
            .collect();
        let (column_major, names) = match names.as_slice() {
            ["transpose", rest @ ..] => (true, rest),
            all => (false, all),
        };
        let packing = match names {
            ["bytes", "crc32c"] => Packing::Plain,
            ["bytes", "blosc", "crc32c"] => Packing::Blosc,
            ["numcodecs.pcodec", "crc32c"] if pcodec::takes(dtype) => Packing::Pcodec,
            _ => return None,
        };
        (dtype != DType::String).then_some(Self {
            dtype,
            rows,
            columns,
            packing,
            column_major,
        })
    }

    /// The `codecs` member of the Zarr metadata of an array of `dimensions` dimensions, of which the last two are
    /// the table of the chunk.
    pub fn to_zarr(&self, dimensions: usize) -> Value {
        let mut codecs = Vec::new();
        if self.column_major {
            let mut order: Vec<usize> = (0..dimensions).collect();
            let last = dimensions.saturating_sub(1);
            order.swap(last.saturating_sub(1), last);
            codecs.push(json!({"name": "transpose", "configuration": {"order": order}}));
        }
        let size = self.dtype.size();
        match self.packing {
            Packing::Pcodec => {
                codecs.push(json!({"name": "numcodecs.pcodec", "configuration": {"level": pcodec::LEVEL}}));
            }
            _ if size == 1 => codecs.push(json!({"name": "bytes"})),
            Packing::Plain | Packing::Blosc | Packing::Deflated { .. } => {
                codecs.push(json!({"name": "bytes", "configuration": {"endian": "little"}}));
            }
        }
        if self.packing == Packing::Blosc {
            let shuffle = if size > 1 { "shuffle" } else { "noshuffle" };
            codecs.push(json!({"name": "blosc", "configuration": {
                "cname": "zstd", "clevel": ZSTD_LEVEL, "shuffle": shuffle, "typesize": size, "blocksize": blosc::block_of(self.rows),
            }}));
        }
        match self.packing {
            Packing::Deflated { shuffle, level } => {
                if shuffle {
                    codecs.push(json!({"name": "numcodecs.shuffle", "configuration": {"elementsize": size}}));
                }
                codecs.push(json!({"name": "numcodecs.zlib", "configuration": {"level": level}}));
            }
            _ => codecs.push(json!({"name": "crc32c"})),
        }
        Value::Array(codecs)
    }
}
