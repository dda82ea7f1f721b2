//! Undoing the byte shuffle: byte `b` of element `i` lies at `b * elements + i`.

/// Writes elements `first..` of a shuffled chunk of `elements` into `out`, which is a whole number of elements.
///
/// Bytes after the last whole element are not shuffled by the writer; `out` never reaches them.
pub(crate) fn unshuffle(shuffled: &[u8], elements: usize, first: usize, size: usize, out: &mut [u8]) {
    match size {
        2 => fixed::<2>(shuffled, elements, first, out),
        4 => fixed::<4>(shuffled, elements, first, out),
        8 => fixed::<8>(shuffled, elements, first, out),
        _ => any(shuffled, elements, first, size, out),
    }
}

/// The width is a constant, so that the compiler turns the loop into byte interleaving instructions.
fn fixed<const SIZE: usize>(shuffled: &[u8], elements: usize, first: usize, out: &mut [u8]) {
    let count = out.len() / SIZE;
    let planes: [&[u8]; SIZE] = std::array::from_fn(|byte| {
        let start = byte * elements + first;
        shuffled.get(start..start + count).unwrap_or_default()
    });
    if planes.iter().any(|plane| plane.len() != count) {
        return;
    }
    let (cells, _) = out.as_chunks_mut::<SIZE>();
    for (index, cell) in cells.iter_mut().enumerate() {
        *cell = std::array::from_fn(|byte| planes[byte][index]);
    }
}

fn any(shuffled: &[u8], elements: usize, first: usize, size: usize, out: &mut [u8]) {
    for byte in 0..size {
        let plane = shuffled.get(byte * elements + first..).unwrap_or_default();
        for (value, cell) in plane.iter().zip(out.chunks_exact_mut(size)) {
            cell[byte] = *value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undoes_the_shuffle_of_any_width_and_part() {
        for size in [1, 2, 3, 4, 8, 16] {
            let elements = 37;
            let plain: Vec<u8> = (0..size * elements)
                .map(|value| (value * 7 % 251) as u8)
                .collect();
            let mut shuffled = vec![0; plain.len()];
            for (index, value) in plain.iter().enumerate() {
                shuffled[index % size * elements + index / size] = *value;
            }
            for (first, count) in [(0, elements), (5, 20), (36, 1)] {
                let mut out = vec![0; count * size];
                unshuffle(&shuffled, elements, first, size, &mut out);
                assert_eq!(
                    out,
                    plain[first * size..(first + count) * size],
                    "size {size} first {first}"
                );
            }
        }
    }
}
