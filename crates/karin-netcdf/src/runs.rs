//! The contiguous pieces that a box of elements has in common with two row-major arrays.

/// A box of elements, and where it lies in the array that it is taken from and in the one that it goes to.
pub(crate) struct Overlap<'a> {
    /// Size of the box.
    pub(crate) count: &'a [usize],
    pub(crate) from_shape: &'a [usize],
    pub(crate) from_start: &'a [usize],
    pub(crate) to_shape: &'a [usize],
    pub(crate) to_start: &'a [usize],
}

impl Overlap<'_> {
    /// Calls `visit(from, to, len)` for every contiguous piece, in order, in elements. Dimensions that the box
    /// fills in both arrays are merged, so that whole rows, or all of it, make one piece.
    ///
    /// Offsets wrap when an array has more elements than the address space; callers rule that out.
    pub(crate) fn for_each<E>(
        &self,
        mut visit: impl FnMut(u64, usize, usize) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.count.contains(&0) {
            return Ok(());
        }
        let mut rank = self.count.len();
        let mut run = 1;
        while rank > 0 {
            rank -= 1;
            run *= self.count[rank];
            if self.count[rank] != self.from_shape[rank] || self.count[rank] != self.to_shape[rank] {
                break;
            }
        }
        // Along the innermost of the other dimensions pieces follow each other at even distances.
        let Some(outer) = rank.checked_sub(1) else {
            let (from, to) = self.offsets(&[]);
            return visit(from, to, run);
        };
        let stride = |shape: &[usize]| shape[rank..].iter().product::<usize>();
        let (from_stride, to_stride) = (stride(self.from_shape) as u64, stride(self.to_shape));
        let mut at = vec![0_usize; outer];
        loop {
            let (mut from, mut to) = self.offsets(&at);
            for _ in 0..self.count[outer] {
                visit(from, to, run)?;
                from = from.wrapping_add(from_stride);
                to = to.wrapping_add(to_stride);
            }
            let Some(dimension) = (0..outer)
                .rev()
                .find(|&dimension| at[dimension] + 1 < self.count[dimension])
            else {
                return Ok(());
            };
            at[dimension] += 1;
            at[dimension + 1..].fill(0);
        }
    }

    /// True if pieces lie close to each other in the array that they are taken from: half of it or more along all dimensions but
    /// the first.
    pub(crate) fn is_dense(&self) -> bool {
        let inner = self.count.iter().zip(self.from_shape).skip(1);
        inner.fold(true, |dense, (count, shape)| dense && 2 * count >= *shape)
    }

    /// True if the box is all of the array that it is taken from and one piece of the other.
    pub(crate) fn is_whole_and_contiguous(&self) -> bool {
        let mut pieces = 0;
        let counted: Result<(), ()> = self.for_each(|_, _, _| {
            pieces += 1;
            if pieces > 1 { Err(()) } else { Ok(()) }
        });
        counted.is_ok() && pieces == 1 && self.count == self.from_shape
    }

    /// Offsets of the first element of the piece at `at` (trailing dimensions: their start).
    fn offsets(&self, at: &[usize]) -> (u64, usize) {
        let mut from = 0_u64;
        let mut to = 0_usize;
        for dimension in 0..self.count.len() {
            let step = at.get(dimension).copied().unwrap_or(0);
            from = from
                .wrapping_mul(self.from_shape[dimension] as u64)
                .wrapping_add((self.from_start[dimension] + step) as u64);
            to = to
                .wrapping_mul(self.to_shape[dimension])
                .wrapping_add(self.to_start[dimension] + step);
        }
        (from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(overlap: &Overlap<'_>) -> Vec<(u64, usize, usize)> {
        let mut pieces = Vec::new();
        overlap
            .for_each(|from, to, len| {
                pieces.push((from, to, len));
                Ok::<(), ()>(())
            })
            .unwrap();
        pieces
    }

    #[test]
    fn whole_rows_merge() {
        let overlap = Overlap {
            count: &[3, 4],
            from_shape: &[10, 4],
            from_start: &[5, 0],
            to_shape: &[6, 4],
            to_start: &[1, 0],
        };
        assert_eq!(pieces(&overlap), [(20, 4, 12)]);
        assert!(!overlap.is_whole_and_contiguous());
    }

    #[test]
    fn columns_stay_apart() {
        let overlap = Overlap {
            count: &[2, 2],
            from_shape: &[4, 4],
            from_start: &[1, 1],
            to_shape: &[2, 3],
            to_start: &[0, 1],
        };
        assert_eq!(pieces(&overlap), [(5, 1, 2), (9, 4, 2)]);
    }

    #[test]
    fn scalars_are_one_piece_and_empty_boxes_none() {
        let scalar = Overlap {
            count: &[],
            from_shape: &[],
            from_start: &[],
            to_shape: &[],
            to_start: &[],
        };
        assert_eq!(pieces(&scalar), [(0, 0, 1)]);
        assert!(scalar.is_whole_and_contiguous());
        let empty = Overlap {
            count: &[0],
            from_shape: &[3],
            from_start: &[0],
            to_shape: &[3],
            to_start: &[0],
        };
        assert_eq!(pieces(&empty), []);
    }
}
