//! The Blosc 1 container as any writer makes it: LZ4, zstd or zlib inside, blocks split by byte plane or not, byte or
//! bit shuffle. (What karin writes has one kind of them and is read faster, by `codec`.) Layout after c-blosc's
//! `README_HEADER` and `README_CHUNK_FORMAT`.

use karin_core::shuffle::unshuffle;

const HEADER: usize = 16;
const SHUFFLED: u8 = 0x01;
const COPIED: u8 = 0x02;
const BIT_SHUFFLED: u8 = 0x04;
const UNSPLIT: u8 = 0x10;
/// c-blosc splits blocks of elements up to this size, if a plane has at least so many bytes.
const MAX_SPLITS: usize = 16;
const MIN_PLANE: usize = 128;

/// Unpacks a container, whose content fills `out`.
pub(super) fn decode(bytes: &[u8], out: &mut [u8]) -> Result<(), String> {
    let word = |at: usize| -> Option<usize> {
        let four = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(four)).ok()
    };
    let (Some(&[_, _, flags, size]), Some(total), Some(block), Some(stored)) =
        (bytes.first_chunk::<4>(), word(4), word(8), word(12))
    else {
        return Err("a Blosc container without its header".to_owned());
    };
    let length = out.len();
    if total != length || stored != bytes.len() || size == 0 || total > 0 && !(1..=total).contains(&block) {
        return Err(format!(
            "a Blosc header that does not fit: {total} bytes where {length} are expected"
        ));
    }
    let size = usize::from(size);
    if flags & COPIED != 0 {
        let content = bytes
            .get(HEADER..HEADER + total)
            .ok_or("a Blosc container that ends early")?;
        out.copy_from_slice(content);
        return Ok(());
    }
    let mut planes = vec![0; block];
    for (index, target) in out.chunks_mut(block.max(1)).enumerate() {
        let lies_outside = || format!("block {index} of a Blosc container lies outside of it");
        let mut at = word(HEADER + 4 * index).ok_or_else(lies_outside)?;
        let is_whole = target.len() == block;
        let splits = match flags & UNSPLIT == 0 && size <= MAX_SPLITS && block / size >= MIN_PLANE && is_whole
        {
            true => size,
            false => 1,
        };
        let planes = &mut planes[..target.len()];
        for plane in planes.chunks_mut(target.len() / splits) {
            let length = word(at).ok_or_else(lies_outside)?;
            let packed = at
                .checked_add(4)
                .and_then(|first| bytes.get(first..first.checked_add(length)?));
            decompress(flags >> 5, packed.ok_or_else(lies_outside)?, plane)?;
            at += 4 + length;
        }
        if flags & BIT_SHUFFLED != 0 {
            unshuffle_bits(planes, size, target);
        } else if flags & SHUFFLED != 0 && size > 1 {
            unshuffle(planes, size, 0, target);
        } else {
            target.copy_from_slice(planes);
        }
    }
    Ok(())
}

fn decompress(kind: u8, packed: &[u8], out: &mut [u8]) -> Result<(), String> {
    if packed.len() == out.len() {
        out.copy_from_slice(packed);
        return Ok(());
    }
    let length = match kind {
        1 => lz4_flex::block::decompress_into(packed, out).map_err(|error| format!("LZ4: {error}"))?,
        3 => libdeflater::Decompressor::new()
            .zlib_decompress(packed, out)
            .map_err(|error| format!("zlib: {error}"))?,
        4 => zstd::bulk::decompress_to_buffer(packed, out).map_err(|error| format!("zstd: {error}"))?,
        0 => return Err("BloscLZ inside of a Blosc container is not read".to_owned()),
        other => return Err(format!("compressor {other} of a Blosc container is not known")),
    };
    match length == out.len() {
        true => Ok(()),
        false => Err("a Blosc block that is too short".to_owned()),
    }
}

/// Undoes the bit shuffle: planes of bits, each with one bit of every element. Elements beyond a multiple of eight stay.
fn unshuffle_bits(planes: &[u8], size: usize, out: &mut [u8]) {
    let elements = planes.len() / size / 8 * 8;
    let row = elements / 8;
    let shuffled = elements * size;
    let (head, tail) = out.split_at_mut(shuffled);
    tail.copy_from_slice(&planes[shuffled..]);
    for (at, value) in head.iter_mut().enumerate() {
        let (element, byte) = (at / size, at % size);
        *value = (0..8).fold(0, |value, bit| {
            let plane = planes[(byte * 8 + bit) * row + element / 8];
            value | (((plane >> (element % 8)) & 1) << bit)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_containers_are_refused() {
        // What numcodecs.Blosc("lz4", 5, SHUFFLE) makes of 64 zeros as float32 is split in no way.
        let mut container = vec![2, 1, 0x31, 4, 64, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0];
        container.extend([20, 0, 0, 0, 9, 0, 0, 0, 0x1f, 0, 1, 0, 0x26, 0x50, 0, 0, 0]);
        let length = container.len() as u8;
        container[12] = length;
        for end in 0..container.len() {
            assert!(decode(&container[..end], &mut [0; 64]).is_err());
        }
        for at in 0..container.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut broken = container.clone();
                broken[at] = value;
                let _ = decode(&broken, &mut [0; 64]);
            }
        }
        assert!(decode(&container, &mut [0; 60]).is_err());
    }

    #[test]
    fn bits_come_back() {
        // Two bytes per element, ten elements: eight are shuffled, two stay.
        let original: Vec<u8> = (0..20).map(|value| value * 13).collect();
        let mut planes = original.clone();
        planes[..16].fill(0);
        for (at, value) in original[..16].iter().enumerate() {
            let (element, byte) = (at / 2, at % 2);
            (0..8).for_each(|bit| planes[byte * 8 + bit] |= ((value >> bit) & 1) << element);
        }
        let mut out = vec![0; 20];
        unshuffle_bits(&planes, 2, &mut out);
        assert_eq!(out, original);
    }
}
