//! Byte shuffle: all first bytes of the elements, then all second bytes, and so on.

/// Shuffles `input` (elements of `size` bytes) into `output` of the same length; what is left over is copied.
pub(super) fn shuffle(input: &[u8], size: usize, output: &mut [u8]) {
    match size {
        2 => shuffle_by::<2>(input, output),
        4 => shuffle_by::<4>(input, output),
        8 => shuffle_by::<8>(input, output),
        _ => output.copy_from_slice(input),
    }
}

/// Undoes [`shuffle`].
pub(super) fn unshuffle(input: &[u8], size: usize, output: &mut [u8]) {
    match size {
        2 => unshuffle_by::<2>(input, output),
        4 => unshuffle_by::<4>(input, output),
        8 => unshuffle_by::<8>(input, output),
        _ => output.copy_from_slice(input),
    }
}

fn shuffle_by<const SIZE: usize>(input: &[u8], output: &mut [u8]) {
    let count = input.len() / SIZE;
    let (elements, rest) = input.as_chunks::<SIZE>();
    let (planes, tail) = output.split_at_mut(count * SIZE);
    if count > 0 {
        for (byte, plane) in planes.chunks_exact_mut(count).enumerate() {
            for (out, element) in plane.iter_mut().zip(elements) {
                *out = element[byte];
            }
        }
    }
    tail.copy_from_slice(rest);
}

/// Elements handled at one time: wide enough for vector instructions to interleave the planes.
const LANES: usize = 32;

fn unshuffle_by<const SIZE: usize>(input: &[u8], output: &mut [u8]) {
    let count = input.len() / SIZE;
    let (planes, rest) = input.split_at(count * SIZE);
    let mut plane = [&[][..]; SIZE];
    if count > 0 {
        for (slot, bytes) in plane.iter_mut().zip(planes.chunks_exact(count)) {
            *slot = bytes;
        }
    }
    let (body, tail) = output.split_at_mut(count * SIZE);
    let (elements, _) = body.as_chunks_mut::<SIZE>();
    let whole = count - count % LANES;
    for (group, out) in elements[..whole].chunks_exact_mut(LANES).enumerate() {
        let lanes: [&[u8]; SIZE] = plane.map(|bytes| &bytes[group * LANES..(group + 1) * LANES]);
        for (lane, element) in out.iter_mut().enumerate() {
            for (byte, bytes) in element.iter_mut().zip(&lanes) {
                *byte = bytes[lane];
            }
        }
    }
    for (index, element) in elements.iter_mut().enumerate().skip(whole) {
        for (byte, bytes) in element.iter_mut().zip(&plane) {
            *byte = bytes[index];
        }
    }
    tail.copy_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unshuffle_undoes_shuffle_for_any_length() {
        for size in [1, 2, 4, 8] {
            for len in (0..200).chain([4096, 4097, 10_003]) {
                let input: Vec<u8> = (0..len).map(|i| (i * 31 + i / 7) as u8).collect();
                let (mut middle, mut output) = (vec![0; len], vec![0; len]);
                shuffle(&input, size, &mut middle);
                unshuffle(&middle, size, &mut output);
                assert_eq!(input, output, "size {size}, length {len}");
            }
        }
        let mut output = [0; 9];
        shuffle(&[1, 2, 3, 4, 5, 6, 7, 8, 9], 4, &mut output);
        assert_eq!(output, [1, 5, 2, 6, 3, 7, 4, 8, 9]);
    }
}
