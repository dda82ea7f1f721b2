//! The floor of every benchmark on raw netCDF: reads, inflates and unshuffles every chunk of the files named, on all
//! cores, and does nothing else. Prints the seconds of that work and the decoded bytes.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::time::Instant;

use karin_core::Dataset as _;
use karin_core::shuffle::unshuffle;
use karin_netcdf::NcFile;
use rayon::prelude::*;

/// One chunk: where it lies in which file, how large it is decoded, and the size of its elements.
struct Work {
    file: usize,
    address: u64,
    stored: usize,
    decoded: usize,
    element: usize,
}

struct Scratch {
    decompressor: libdeflater::Decompressor,
    stored: Vec<u8>,
    inflated: Vec<u8>,
    unshuffled: Vec<u8>,
}

impl Scratch {
    fn new() -> Self {
        let decompressor = libdeflater::Decompressor::new();
        Self {
            decompressor,
            stored: Vec::new(),
            inflated: Vec::new(),
            unshuffled: Vec::new(),
        }
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let mut work = Vec::new();
    for (file, path) in paths.iter().enumerate() {
        let granule = NcFile::open(path)?;
        for variable in granule.root().variable_paths() {
            let Some(meta) = granule.root().variable(&variable) else {
                continue;
            };
            let Some(index) = granule.chunk_index(&variable)? else {
                continue;
            };
            let element = meta.dtype.size();
            let decoded = index.chunk_shape().iter().product::<usize>() * element;
            work.extend(index.chunks().iter().map(|chunk| Work {
                file,
                address: chunk.address,
                stored: usize::try_from(chunk.size).unwrap_or(usize::MAX),
                decoded,
                element,
            }));
        }
    }
    let files: Vec<File> = paths.iter().map(File::open).collect::<Result<_, _>>()?;
    let start = Instant::now();
    let decoded: usize = work
        .par_iter()
        .map_init(Scratch::new, |scratch, work| decode(&files, work, scratch))
        .sum();
    #[allow(clippy::print_stdout, reason = "the answer of this program")]
    {
        println!("{} {decoded}", start.elapsed().as_secs_f64());
    }
    Ok(())
}

/// Decodes one chunk; 0 for chunks that are not deflated as SWOT's are.
fn decode(files: &[File], work: &Work, scratch: &mut Scratch) -> usize {
    scratch.stored.resize(work.stored, 0);
    scratch.inflated.resize(work.decoded, 0);
    scratch.unshuffled.resize(work.decoded, 0);
    let Some(file) = files.get(work.file) else {
        return 0;
    };
    if file.read_exact_at(&mut scratch.stored, work.address).is_err() {
        return 0;
    }
    let inflated = scratch
        .decompressor
        .zlib_decompress(&scratch.stored, &mut scratch.inflated);
    if inflated.is_err() {
        return 0;
    }
    unshuffle(&scratch.inflated, work.element, 0, &mut scratch.unshuffled);
    work.decoded
}
