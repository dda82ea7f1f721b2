//! The floor of every benchmark on collections: the chunks of the granules named, encoded with a profile and decoded again
//! on all cores, in memory, and nothing else. Prints the seconds of decoding, of encoding, and the encoded bytes.

use std::error::Error;
use std::time::Instant;

use karin_core::{DType, Dataset as _};
use karin_netcdf::NcFile;
use karin_store::Profile;
use karin_store::codec::ChunkCodec;
use rayon::prelude::*;

/// Lines of a chunk of the products without a fixed grid.
const BLOCK: usize = 4096;
/// Lines of the products with one.
const FIXED_LINES: usize = 10_000;

/// One chunk before encoding.
struct Raw {
    dtype: DType,
    rows: usize,
    columns: usize,
    bytes: Vec<u8>,
}

impl Raw {
    fn codec(&self, profile: Profile) -> ChunkCodec {
        ChunkCodec::new(profile, self.dtype, self.rows, self.columns)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let profile = arguments
        .next()
        .as_deref()
        .and_then(Profile::parse)
        .ok_or("codec_floor PROFILE GRANULE...")?;
    let paths: Vec<String> = arguments.collect();
    let mut chunks = Vec::new();
    for path in &paths {
        chunks.extend(chunks_of(path)?);
    }
    let start = Instant::now();
    let encoded: Vec<Vec<u8>> = chunks
        .par_iter()
        .map(|raw| raw.codec(profile).encode(&raw.bytes))
        .collect::<Result<_, _>>()?;
    let encoding = start.elapsed().as_secs_f64();
    let start = Instant::now();
    (chunks.par_iter().zip(&encoded)).try_for_each_init(Vec::new, |out, (raw, stored)| {
        out.resize(raw.bytes.len(), 0);
        raw.codec(profile).decode(stored, out)
    })?;
    let decoding = start.elapsed().as_secs_f64();
    let stored: usize = encoded.iter().map(Vec::len).sum();
    #[allow(clippy::print_stdout, reason = "the answer of this program")]
    {
        println!("{decoding} {encoding} {stored}");
    }
    Ok(())
}

/// Every chunk of a granule, as the collection cuts them.
fn chunks_of(path: &str) -> Result<Vec<Raw>, Box<dyn Error>> {
    let granule = NcFile::open(path)?;
    let mut chunks = Vec::new();
    for variable in granule.root().variable_paths() {
        let array = granule.read(&variable)?;
        let dtype = array.values.dtype();
        let (Some(lines), false) = (array.shape.first().copied(), dtype == DType::String) else {
            continue;
        };
        let columns = array.shape.iter().skip(1).product::<usize>().max(1);
        let rows = if lines > FIXED_LINES { BLOCK } else { lines };
        for block in array.values.as_bytes().chunks(rows * columns * dtype.size()) {
            let rows = block.len() / (columns * dtype.size());
            chunks.push(Raw {
                dtype,
                rows,
                columns,
                bytes: block.to_vec(),
            });
        }
    }
    Ok(chunks)
}
