//! Copies of rectangular parts of row-major buffers.

use std::ops::Range;

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

/// A row-major buffer, its shape, and a part of it.
type Part<'a, B> = (B, &'a [usize], &'a Slab);

/// Copies a part of a buffer to a part of another, as large along every dimension (`size` bytes per element).
pub(crate) fn copy_across(from: Part<'_, &[u8]>, size: usize, to: Part<'_, &mut [u8]>) {
    let ((source, shape, slab), (target, into, place)) = (from, to);
    let mut starts = Vec::new();
    each_run(shape, slab, |at, _, _| starts.push(at));
    let mut starts = starts.into_iter();
    each_run(into, place, |at, _, length| {
        let from = starts.next().unwrap_or(0);
        let source = &source[from * size..(from + length) * size];
        target[at * size..(at + length) * size].copy_from_slice(source);
    });
}

/// Fills the part `slab` of `whole` (of that `shape`) with one element, over and over.
pub(crate) fn fill_in(element: &[u8], shape: &[usize], slab: &Slab, whole: &mut [u8]) {
    let size = element.len();
    each_run(shape, slab, |at, _, length| {
        for value in whole[at * size..(at + length) * size].chunks_exact_mut(size.max(1)) {
            value.copy_from_slice(element);
        }
    });
}

/// The elements of a whole of that `shape` that a part of it consists of, if they lie in one piece.
pub(crate) fn one_run(shape: &[usize], slab: &Slab) -> Option<Range<usize>> {
    let axes = || shape.iter().zip(&slab.count);
    let outer = axes().take_while(|(_, count)| **count == 1).count();
    let is_whole = axes().skip(outer + 1).all(|(size, count)| size == count);
    let at = |sum: usize, (size, start): (&usize, &usize)| sum * size + start;
    let first = shape.iter().zip(&slab.start).fold(0, at);
    is_whole.then(|| first..first + slab.len())
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

    #[test]
    fn parts_go_from_place_to_place() {
        let part = |start: [usize; 3], count: [usize; 3]| Slab {
            start: start.to_vec(),
            count: count.to_vec(),
        };
        let whole: Vec<u8> = (0..60).collect();
        let (from, to) = (part([1, 0, 2], [2, 2, 3]), part([0, 1, 0], [2, 2, 3]));
        let mut out = vec![0; 2 * 4 * 3];
        copy_across((&whole, &[4, 3, 5], &from), 1, (&mut out, &[2, 4, 3], &to));
        let mut taken = vec![0; 12];
        copy_out(&out, &[2, 4, 3], 1, &to, &mut taken);
        assert_eq!(taken, [17, 18, 19, 22, 23, 24, 32, 33, 34, 37, 38, 39]);
        fill_in(&[7], &[2, 4, 3], &to, &mut out);
        assert_eq!(out.iter().filter(|value| **value == 7).count(), 12);
        for (count, run) in [([1, 1, 3], Some(7..10)), ([1, 2, 3], None), ([2, 1, 5], None)] {
            assert_eq!(one_run(&[4, 3, 5], &part([0, 1, 2], count)), run, "{count:?}");
        }
        assert_eq!(one_run(&[4, 3, 5], &part([1, 0, 0], [2, 3, 5])), Some(15..45));
        assert_eq!(one_run(&[4, 3, 5], &part([1, 1, 0], [1, 2, 5])), Some(20..30));
    }
}
