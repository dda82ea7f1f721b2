//! Broken files: every one of them ends in values or in a typed error, fast, in bounded memory, without a panic.
//!
//! Checksummed blocks get a new checksum after some of the changes, so that these reach what lies behind the check.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use karin_core::{ByteSource, Dataset as _};
use karin_netcdf::{Limits, NcFile};

/// Counts the memory in use, to see what a broken file takes.
struct Counting;

static USED: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);
static PANICS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator unchanged; only numbers are kept beside it.
#[expect(unsafe_code, reason = "the only way to see how much memory a parser takes")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let used = USED.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(used, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`, which is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let used = USED.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(used, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        USED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the pointer came from `System` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A file in memory.
#[derive(Debug)]
struct Bytes(Vec<u8>);

impl ByteSource for Bytes {
    fn name(&self) -> &str {
        "mutant.nc"
    }

    fn len(&self) -> std::io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<()> {
        let start = usize::try_from(offset).map_err(std::io::Error::other)?;
        let bytes = start
            .checked_add(buffer.len())
            .and_then(|end| self.0.get(start..end));
        buffer.copy_from_slice(bytes.ok_or(std::io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// What one file may take of the processor, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(3);
/// Deflate cannot make more of the largest file below.
const MEMORY: usize = 512 << 20;

/// A small generator of numbers: the same mutants everywhere, every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// A sound file, where its metadata are, and which blocks end in a checksum.
struct Base {
    name: String,
    bytes: Vec<u8>,
    blocks: Vec<std::ops::Range<usize>>,
}

const SIGNATURES: [&[u8; 4]; 19] = [
    b"OHDR", b"OCHK", b"FRHP", b"FHDB", b"FHIB", b"BTHD", b"BTLF", b"BTIN", b"FAHD", b"FADB", b"EAHD",
    b"EAIB", b"EASB", b"EADB", b"TREE", b"HEAP", b"SNOD", b"GCOL", b"\x89HDF",
];

impl Base {
    fn new(name: String, bytes: Vec<u8>) -> Self {
        let mut blocks = Vec::new();
        for start in 0..bytes.len().saturating_sub(8) {
            if SIGNATURES
                .iter()
                .any(|signature| bytes[start..].starts_with(*signature))
            {
                blocks.push(start..checksummed_end(&bytes, start).unwrap_or((start + 64).min(bytes.len())));
            }
        }
        if blocks.is_empty() {
            blocks.push(0..bytes.len().min(2048));
        }
        Self { name, bytes, blocks }
    }

    fn mutant(&self, random: &mut Random) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        match random.below(20) {
            0 => bytes.truncate(random.below(bytes.len())),
            1 => {
                let (from, to) = (random.below(bytes.len()), random.below(bytes.len()));
                let len = random.below(600).min(bytes.len() - from.max(to));
                bytes.copy_within(from..from + len, to);
            }
            2 => {
                for _ in 0..1 + random.below(8) {
                    let at = random.below(bytes.len());
                    bytes[at] = random.next() as u8;
                }
            }
            _ => {
                for _ in 0..1 + random.below(3) {
                    let block = self.blocks[random.below(self.blocks.len())].clone();
                    change_field(&mut bytes, &block, random);
                }
            }
        }
        bytes
    }
}

/// The end of the block at `start` without its checksum, if one matches.
fn checksummed_end(bytes: &[u8], start: usize) -> Option<usize> {
    let most = (bytes.len() - start).min(3000);
    (8..most.saturating_sub(4)).map(|len| start + len).find(|end| {
        let stored = u32::from_le_bytes([bytes[*end], bytes[end + 1], bytes[end + 2], bytes[end + 3]]);
        stored != 0 && hdf5_reader::checksum::jenkins_lookup3(&bytes[start..*end]) == stored
    })
}

/// Overwrites a field of 1, 2, 4 or 8 bytes with an unkind number, and mostly makes the checksum right again.
fn change_field(bytes: &mut [u8], block: &std::ops::Range<usize>, random: &mut Random) {
    let width = 1 << random.below(4);
    let at = block.start + random.below(block.len().max(1));
    let len = bytes.len() as u64;
    let kinds = [
        0,
        1,
        u64::MAX,
        u64::MAX - 1,
        block.start as u64,
        len,
        len - 1,
        1 << 31,
        1 << 63,
        random.next(),
        2,
        255,
    ];
    let value = kinds[random.below(kinds.len())].to_le_bytes();
    if random.below(3) == 0 {
        bytes[at] ^= 1 << random.below(8);
    } else {
        for (step, byte) in value.iter().take(width).enumerate() {
            if let Some(target) = bytes.get_mut(at + step).filter(|_| at + step < block.end) {
                *target = *byte;
            }
        }
    }
    if random.below(10) > 0 && block.end + 4 <= bytes.len() {
        let sum = hdf5_reader::checksum::jenkins_lookup3(&bytes[block.clone()]);
        bytes[block.end..block.end + 4].copy_from_slice(&sum.to_le_bytes());
    }
}

/// Time that this thread has run, which is not the time that it has waited for others.
fn processor_time() -> Duration {
    let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(statistics.split_whitespace().next().unwrap().parse().unwrap())
}

/// Reads all of a file; gives how many arrays could be read, or why none.
fn read_all(bytes: Vec<u8>) -> Result<usize, String> {
    let limits = Limits {
        array_bytes: 32 << 20,
        chunk_bytes: 64 << 20,
        ..Limits::default()
    };
    let file = NcFile::with_limits(Arc::new(Bytes(bytes)), limits).map_err(|error| {
        assert!(error.to_string().contains("mutant.nc"), "no file in {error}");
        error.to_string()
    })?;
    let mut read = 0;
    for path in file.root().variable_paths() {
        match file.read(&path) {
            Ok(_) => read += 1,
            Err(error) => assert!(!error.reason.is_empty() && error.dataset == "mutant.nc"),
        }
    }
    Ok(read)
}

fn bases(test: &str) -> Vec<Base> {
    let folder = tempfile::tempdir().unwrap();
    let mut files = test_support::netcdf_files(test, folder.path()).unwrap_or_default();
    files.extend(test_support::reference_data(test, "swot_l2_subset/SWOT_CCS.nc"));
    files.extend(test_support::reference_data(
        test,
        "error_model/karin_noise_v2.nc",
    ));
    (files.iter())
        .map(|path| Base::new(path.display().to_string(), std::fs::read(path).unwrap()))
        .filter(|base| base.bytes.len() < 400_000)
        .collect()
}

#[test]
fn broken_files_end_in_values_or_typed_errors() {
    let test = "broken_files_end_in_values_or_typed_errors";
    let bases = bases(test);
    if bases.is_empty() {
        return;
    }
    std::panic::set_hook(Box::new(|panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        eprintln!("{panic}");
    }));
    let mutants = std::env::var("KARIN_MUTANTS")
        .ok()
        .and_then(|count| count.parse().ok());
    let mutants: u64 = mutants.unwrap_or(if test_support::is_long() { 20_000 } else { 1_500 });
    let (mut refused, mut partly, mut slowest, mut largest) = (0, 0, Duration::ZERO, 0);
    for number in 0..mutants {
        let base = &bases[number as usize % bases.len()];
        let bytes = base.mutant(&mut Random(number));
        let before = USED.load(Ordering::Relaxed);
        MOST.store(before, Ordering::Relaxed);
        let (len, panics) = (bytes.len(), PANICS.load(Ordering::Relaxed));
        let started = processor_time();
        let read = std::panic::catch_unwind(|| read_all(bytes));
        let (took, most) = (
            processor_time() - started,
            MOST.load(Ordering::Relaxed) - before + len,
        );
        let what = format!(
            "mutant {number} of {}: {read:?} in {took:?} with {most} bytes",
            base.name
        );
        let sound = read.is_ok() && PANICS.load(Ordering::Relaxed) == panics;
        if !sound || took > PATIENCE || most >= MEMORY {
            let kept = std::env::temp_dir().join(format!("mutant_{number}.nc"));
            std::fs::write(&kept, base.mutant(&mut Random(number))).unwrap();
            eprintln!("the file is kept as {}", kept.display());
        }
        assert!(sound, "panic: {what}");
        assert!(took < PATIENCE, "hang: {what}");
        assert!(most < MEMORY, "memory: {what}");
        match read {
            Ok(Err(_)) => refused += 1,
            _ => partly += 1,
        }
        (slowest, largest) = (slowest.max(took), largest.max(most));
    }
    let tried = format!(
        "{mutants} mutants: {refused} refused, {partly} read; slowest {slowest:?}, at most {largest} bytes"
    );
    test_support::count(test, &tried);
    // Mutations that change nothing prove nothing.
    assert!(
        refused * 5 > mutants && partly * 20 > mutants,
        "{refused} refused, {partly} read"
    );
}
