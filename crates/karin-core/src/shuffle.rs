//! The byte shuffle of HDF5 and Blosc: all first bytes of the elements, then all second bytes, and so on.
//!
//! Half of the time of decoding a chunk would go here, so that the loops are compiled for the vector instructions of
//! newer processors too, and chosen when they run: three times faster than for the oldest one.

use std::ops::Range;

use multiversion::multiversion;

/// Elements shuffled at one time: they stay in the first cache while every byte plane passes over them.
const BLOCK: usize = 1024;

/// Shuffles `plain`, elements of `size` bytes, into `shuffled` of the same length; an incomplete last element is
/// copied as it is. Does nothing if the lengths differ.
pub fn shuffle(plain: &[u8], size: usize, shuffled: &mut [u8]) {
    if size <= 1 || plain.len() != shuffled.len() {
        if plain.len() == shuffled.len() {
            shuffled.copy_from_slice(plain);
        }
        return;
    }
    let (whole, rest) = plain.split_at(plain.len() / size * size);
    let (planes, tail) = shuffled.split_at_mut(whole.len());
    tail.copy_from_slice(rest);
    match size {
        2 => split(whole.as_chunks::<2>().0, planes),
        4 => split(whole.as_chunks::<4>().0, planes),
        8 => split(whole.as_chunks::<8>().0, planes),
        _ => {
            for (byte, plane) in planes.chunks_exact_mut((whole.len() / size).max(1)).enumerate() {
                for (to, from) in plane.iter_mut().zip(whole.chunks_exact(size)) {
                    *to = from[byte];
                }
            }
        }
    }
}

/// Puts elements `first..` of `shuffled`, which holds elements of `size` bytes, into `plain`, as many as fit there.
/// What `shuffled` does not hold stays as it was.
pub fn unshuffle(shuffled: &[u8], size: usize, first: usize, plain: &mut [u8]) {
    if size <= 1 {
        copy_from(shuffled, first..first + plain.len(), plain);
        return;
    }
    let elements = shuffled.len() / size;
    let (planes, tail) = shuffled.split_at(elements * size);
    let count = (plain.len() / size).min(elements.saturating_sub(first));
    let (whole, rest) = plain.split_at_mut(count * size);
    match size {
        2 => join(part(planes, elements, first, count), whole.as_chunks_mut::<2>().0),
        4 => join(part(planes, elements, first, count), whole.as_chunks_mut::<4>().0),
        8 => join(part(planes, elements, first, count), whole.as_chunks_mut::<8>().0),
        _ => {
            for byte in 0..size {
                let plane = planes.get(byte * elements + first..).unwrap_or_default();
                for (value, element) in plane.iter().zip(whole.chunks_exact_mut(size)) {
                    element[byte] = *value;
                }
            }
        }
    }
    // An incomplete last element follows the planes as it was.
    let rest = rest.get_mut(..tail.len()).unwrap_or_default();
    rest.copy_from_slice(&tail[..rest.len()]);
}

fn copy_from(bytes: &[u8], range: Range<usize>, out: &mut [u8]) {
    if let Some(bytes) = bytes.get(range) {
        out.copy_from_slice(bytes);
    }
}

/// Elements `first..first + count` of every plane; empty where a plane has none.
fn part<const SIZE: usize>(planes: &[u8], elements: usize, first: usize, count: usize) -> [&[u8]; SIZE] {
    std::array::from_fn(|byte| {
        let start = byte * elements + first;
        planes.get(start..start + count).unwrap_or_default()
    })
}

/// The width is a constant, so that the compiler turns the loop into byte interleaving instructions.
#[multiversion(targets("x86_64+avx2"))]
fn join<const SIZE: usize>(planes: [&[u8]; SIZE], elements: &mut [[u8; SIZE]]) {
    let count = planes
        .iter()
        .map(|plane| plane.len())
        .fold(elements.len(), usize::min);
    let planes = planes.map(|plane| &plane[..count]);
    for (index, element) in elements[..count].iter_mut().enumerate() {
        *element = std::array::from_fn(|byte| planes[byte][index]);
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn split<const SIZE: usize>(elements: &[[u8; SIZE]], planes: &mut [u8]) {
    let count = elements.len();
    for (number, block) in elements.chunks(BLOCK).enumerate() {
        for byte in 0..SIZE {
            let begin = byte * count + number * BLOCK;
            for (to, from) in planes[begin..begin + block.len()].iter_mut().zip(block) {
                *to = from[byte];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the definition says, one byte at a time.
    fn slowly(plain: &[u8], size: usize) -> Vec<u8> {
        let elements = plain.len() / size;
        let mut shuffled = plain.to_vec();
        for (index, value) in plain[..elements * size].iter().enumerate() {
            shuffled[index % size * elements + index / size] = *value;
        }
        shuffled
    }

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|i| (i * 31 + i / 7) as u8).collect()
    }

    #[test]
    fn shuffles_as_defined_and_back_for_any_width_and_length() {
        for size in [1, 2, 3, 4, 8, 16] {
            for len in (0..200).chain([4096, 4097, 10_003]) {
                let plain = bytes(len);
                let (mut shuffled, mut back) = (vec![0; len], vec![0; len]);
                shuffle(&plain, size, &mut shuffled);
                assert_eq!(shuffled, slowly(&plain, size), "size {size}, length {len}");
                unshuffle(&shuffled, size, 0, &mut back);
                assert_eq!(back, plain, "size {size}, length {len}");
            }
        }
    }

    #[test]
    fn takes_any_range_of_elements() {
        for size in [1, 2, 3, 4, 8, 16] {
            let (elements, plain) = (1037, bytes(1037 * size));
            let shuffled = slowly(&plain, size);
            for (first, count) in [(0, elements), (5, 20), (1036, 1), (100, 900), (7, 0)] {
                let mut out = vec![0; count * size];
                unshuffle(&shuffled, size, first, &mut out);
                assert_eq!(
                    out,
                    plain[first * size..(first + count) * size],
                    "size {size} first {first}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_there_stays() {
        let mut out = [9; 16];
        unshuffle(&[1, 2, 3, 4, 5, 6, 7, 8], 4, 1, &mut out);
        assert_eq!(out, [2, 4, 6, 8, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9]);
    }
}
