//! Copies of rectangular parts of row-major buffers.

use karin_core::Slab;

/// Copies the part `slab` of `whole` (of that `shape`, `size` bytes per element) into `out`.
pub(crate) fn copy_out(whole: &[u8], shape: &[usize], size: usize, slab: &Slab, out: &mut [u8]) {
    each_run(shape, slab, |at, from, length| {
        let target = &mut out[from * size..(from + length) * size];
        target.copy_from_slice(&whole[at * size..(at + length) * size]);
    });
}

/// Copies `part` into the part `slab` of `whole` (of that `shape`, `size` bytes per element).
pub(crate) fn copy_in(part: &[u8], shape: &[usize], size: usize, slab: &Slab, whole: &mut [u8]) {
    each_run(shape, slab, |at, from, length| {
        let source = &part[from * size..(from + length) * size];
        whole[at * size..(at + length) * size].copy_from_slice(source);
    });
}

/// Calls `run(position in the whole, position in the part, length)` for every contiguous run of a slab.
fn each_run(shape: &[usize], slab: &Slab, mut run: impl FnMut(usize, usize, usize)) {
    if slab.is_empty() {
        return;
    }
    let dimensions = shape.len();
    let Some(length) = slab.count.last().copied() else {
        return run(0, 0, 1);
    };
    let mut index = vec![0; dimensions];
    let mut from = 0;
    loop {
        let position = |sum: usize, axis: usize| sum * shape[axis] + slab.start[axis] + index[axis];
        run((0..dimensions).fold(0, position), from, length);
        from += length;
        let mut axis = dimensions - 1;
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            index[axis] += 1;
            if index[axis] < slab.count[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_any_shape_come_out() {
        let shape = [4, 3, 5];
        let whole: Vec<u8> = (0..60).collect();
        let slab = Slab {
            start: vec![1, 0, 2],
            count: vec![2, 2, 3],
        };
        let mut part = vec![0; 12];
        copy_out(&whole, &shape, 1, &slab, &mut part);
        assert_eq!(part, [17, 18, 19, 22, 23, 24, 32, 33, 34, 37, 38, 39]);
        let mut back = vec![0; 60];
        copy_in(&part, &shape, 1, &slab, &mut back);
        assert!(
            back.iter()
                .zip(&whole)
                .all(|(back, whole)| *back == 0 || back == whole)
        );
        assert_eq!(back.iter().filter(|value| **value != 0).count(), 12);
        let mut one = vec![0; 2];
        copy_out(
            &[7, 8],
            &[],
            2,
            &Slab {
                start: vec![],
                count: vec![],
            },
            &mut one,
        );
        assert_eq!(one, [7, 8]);
    }
}
