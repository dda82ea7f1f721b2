//! How fast this machine opens, indexes and reads netCDF files: `throughput FILE...`, whole arrays of all
//! number variables, page cache warm after the first round. Reading is measured in time of the processor (Linux), so
//! that other work on the machine counts little.

#![expect(clippy::print_stdout, reason = "a program that prints what it measured")]

use std::time::{Duration, Instant};

use karin_core::{Dataset as _, Slab};
use karin_netcdf::NcFile;

/// Rounds; the fastest one counts.
const ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let mut best_open = Duration::MAX;
    let mut best_index = Duration::MAX;
    let mut best_read = Duration::MAX;
    let (mut bytes, mut variables) = (0, 0);
    let mut buffer = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let opened: Vec<NcFile> = files.iter().map(NcFile::open).collect::<Result<_, _>>()?;
        best_open = best_open.min(started.elapsed());
        let started = Instant::now();
        variables = 0;
        for file in &opened {
            for path in file.root().variable_paths() {
                file.chunk_index(&path)?;
                variables += 1;
            }
        }
        best_index = best_index.min(started.elapsed());
        let started = processor_time()?;
        bytes = 0;
        for file in &opened {
            for path in file.root().variable_paths() {
                let (Some(variable), Some(shape)) = (file.root().variable(&path), file.root().shape(&path))
                else {
                    continue;
                };
                let slab = Slab::all(&shape);
                let len = slab.len() * variable.dtype.size();
                if len > 0 {
                    buffer.resize(len.max(buffer.len()), 0_u8);
                    file.read_into(&path, &slab, &mut buffer[..len])?;
                    bytes += len;
                }
            }
        }
        best_read = best_read.min(processor_time()? - started);
    }
    let per_file = |time: Duration| time.as_secs_f64() * 1e3 / files.len() as f64;
    println!(
        "{} files, {variables} variables: open {:.2} ms, index {:.2} ms per file; read {:.0} MB at {:.0} MB/s per core",
        files.len(),
        per_file(best_open),
        per_file(best_index),
        bytes as f64 / 1e6,
        bytes as f64 / 1e6 / best_read.as_secs_f64(),
    );
    Ok(())
}

/// Time that this thread has run.
fn processor_time() -> Result<Duration, Box<dyn std::error::Error>> {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = statistics.split_whitespace().next().unwrap_or_default().parse()?;
    Ok(Duration::from_nanos(nanoseconds))
}
