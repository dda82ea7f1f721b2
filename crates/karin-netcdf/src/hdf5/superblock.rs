//! Where the superblock is, and whether the file is as long as it says.

use karin_core::ByteSource;

use crate::fault::Fault;

/// The first bytes of every HDF5 file (behind a user block, if it has one).
const HDF5_MAGIC: [u8; 8] = *b"\x89HDF\r\n\x1a\n";

/// Position of the superblock: 0, 512, 1024, 2048 and so on.
pub(crate) fn find(source: &dyn ByteSource, len: u64) -> Result<Option<u64>, Fault> {
    let mut position = 0;
    while position + 8 <= len {
        let mut magic = [0; 8];
        source
            .read_exact_at(&mut magic, position)
            .map_err(|error| Fault::read(8, position, error))?;
        if magic == HDF5_MAGIC {
            return Ok(Some(position));
        }
        position = if position == 0 { 512 } else { position * 2 };
    }
    Ok(None)
}

/// Compares the end of file that the superblock at `base` states with the bytes that there are.
pub(super) fn check_length(source: &dyn ByteSource, base: u64, len: u64) -> Result<(), Fault> {
    let mut start = [0_u8; 64];
    let present = usize::try_from(len - base).unwrap_or(usize::MAX).min(start.len());
    let bytes = &mut start[..present];
    source
        .read_exact_at(bytes, base)
        .map_err(|error| Fault::read(present, base, error))?;
    let Some((stated_base, stated_end)) = stated(bytes) else {
        // Too short even for the superblock: a real file of any version is longer than 48 bytes.
        return if present < 48 {
            Err(Fault::Truncated {
                expected: 48,
                present: len,
            })
        } else {
            Ok(())
        };
    };
    // The end counts from the start of the file as it was written; whoever put something in front moved it.
    let expected = stated_end.saturating_add(base).saturating_sub(stated_base);
    if expected > len && stated_end != u64::MAX {
        return Err(Fault::Truncated {
            expected,
            present: len,
        });
    }
    Ok(())
}

/// Base and end-of-file address of a superblock of version 0 to 3; `None` if they cannot be read.
fn stated(bytes: &[u8]) -> Option<(u64, u64)> {
    let version = *bytes.get(8)?;
    // Position of the size of offsets, and of the base address, after which the end of file is the third address
    // in every version.
    let (size_at, base_at) = match version {
        0 => (13, 24),
        1 => (13, 28),
        2 | 3 => (9, 12),
        _ => return None,
    };
    let size = usize::from(*bytes.get(size_at)?);
    let address = |at: usize| match size {
        4 => bytes
            .get(at..at + 4)?
            .try_into()
            .ok()
            .map(u32::from_le_bytes)
            .map(u64::from),
        8 => bytes.get(at..at + 8)?.try_into().ok().map(u64::from_le_bytes),
        _ => None,
    };
    Some((address(base_at)?, address(base_at + 2 * size)?))
}
