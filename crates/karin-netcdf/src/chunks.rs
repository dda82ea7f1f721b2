//! The chunks of one variable: which exist, and where.

use std::ops::Range;

use crate::fault::Fault;

/// One stored chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Row-major position in the grid of chunks.
    pub position: u64,
    /// First byte in the file.
    pub address: u64,
    /// Bytes stored (after the filters).
    pub size: u64,
    /// Bit `n` set: filter `n` of the pipeline was not applied to this chunk.
    pub filter_mask: u32,
}

impl Chunk {
    /// The bytes that it takes in a file whose addresses count from `base`.
    pub(crate) fn range(&self, base: u64) -> Range<u64> {
        let start = base.saturating_add(self.address);
        start..start.saturating_add(self.size)
    }
}

/// Where the chunks of a variable are. Chunks that were never written are not in it: they read as fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkIndex {
    chunk_shape: Vec<usize>,
    grid: Vec<usize>,
    chunks: Vec<Chunk>,
}

impl ChunkIndex {
    /// An index of chunks of `chunk_shape` that tile `extent`, from (first element, chunk) pairs in any order.
    /// Chunks outside the extent, which a shrunken variable may leave behind, are dropped.
    pub(crate) fn new(
        extent: &[usize],
        chunk_shape: &[usize],
        found: impl IntoIterator<Item = (Vec<u64>, Chunk)>,
    ) -> Result<Self, Fault> {
        if chunk_shape.len() != extent.len() || chunk_shape.contains(&0) {
            return Err(Fault::corrupt(format!(
                "chunks {chunk_shape:?} do not tile a variable {extent:?}"
            )));
        }
        let grid: Vec<usize> = extent
            .iter()
            .zip(chunk_shape)
            .map(|(len, chunk)| len.div_ceil(*chunk))
            .collect();
        if grid
            .iter()
            .try_fold(1_u64, |product, len| product.checked_mul(*len as u64))
            .is_none()
        {
            return Err(Fault::corrupt(format!(
                "chunks {chunk_shape:?} of a variable {extent:?} are too many"
            )));
        }
        let mut chunks = Vec::new();
        for (start, chunk) in found {
            if start.len() < extent.len() {
                return Err(Fault::corrupt("chunk without a position in every dimension"));
            }
            if start.iter().zip(extent).any(|(start, len)| *start >= *len as u64) {
                continue;
            }
            if start
                .iter()
                .zip(chunk_shape)
                .any(|(start, len)| *start % *len as u64 != 0)
            {
                return Err(Fault::corrupt(format!(
                    "chunk at {start:?} is off the grid of {chunk_shape:?}"
                )));
            }
            let position = (start.iter().zip(chunk_shape).zip(&grid))
                .fold(0_u64, |position, ((start, len), count)| {
                    position * *count as u64 + start / *len as u64
                });
            chunks.push(Chunk { position, ..chunk });
        }
        chunks.sort_by_key(|chunk| chunk.position);
        chunks.dedup_by_key(|chunk| chunk.position);
        Ok(Self {
            chunk_shape: chunk_shape.to_vec(),
            grid,
            chunks,
        })
    }

    /// Elements of a chunk along each dimension.
    pub fn chunk_shape(&self) -> &[usize] {
        &self.chunk_shape
    }

    /// Number of chunks along each dimension, absent ones included.
    pub fn grid(&self) -> &[usize] {
        &self.grid
    }

    /// The chunks that exist, by position.
    pub fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// The chunk at `cell` of the grid; `None` if it was never written.
    pub fn chunk(&self, cell: &[usize]) -> Option<&Chunk> {
        let inside = cell.len() == self.grid.len() && cell.iter().zip(&self.grid).all(|(at, len)| at < len);
        let position = self.position(cell);
        let found = self
            .chunks
            .binary_search_by_key(&position, |chunk| chunk.position)
            .ok()?;
        self.chunks.get(found).filter(|_| inside)
    }

    /// True if every chunk was written.
    pub fn is_complete(&self) -> bool {
        let all = self.grid.iter().fold(1_u64, |product, len| product * *len as u64);
        self.chunks.len() as u64 == all
    }

    /// The chunks in the box from cell `first` to cell `last`, in order of position.
    pub(crate) fn within<'a>(
        &'a self,
        first: &'a [usize],
        last: &'a [usize],
    ) -> impl Iterator<Item = &'a Chunk> + Clone {
        let (from, to) = (self.position(first), self.position(last));
        let start = self.chunks.partition_point(|chunk| chunk.position < from);
        let end = self.chunks.partition_point(|chunk| chunk.position <= to);
        let mut cell = vec![0; self.grid.len()];
        self.chunks
            .get(start..end)
            .unwrap_or_default()
            .iter()
            .filter(move |chunk| {
                self.locate(chunk, &mut cell);
                let mut along = cell.iter().zip(first).zip(last);
                along.all(|((at, first), last)| first <= at && at <= last)
            })
    }

    /// Writes the cell of a chunk.
    pub(crate) fn locate(&self, chunk: &Chunk, cell: &mut [usize]) {
        let mut rest = chunk.position;
        for (at, len) in cell.iter_mut().zip(&self.grid).rev() {
            // A grid without cells has no chunks.
            let len = (*len as u64).max(1);
            *at = (rest % len) as usize;
            rest /= len;
        }
    }

    fn position(&self, cell: &[usize]) -> u64 {
        cell.iter().zip(&self.grid).fold(0_u64, |position, (at, len)| {
            position.wrapping_mul(*len as u64).wrapping_add(*at as u64)
        })
    }

    /// Bytes that all chunks take in the file.
    pub fn stored_bytes(&self) -> u64 {
        self.chunks
            .iter()
            .fold(0, |sum, chunk| sum.saturating_add(chunk.size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(address: u64) -> Chunk {
        Chunk {
            position: 0,
            address,
            size: 8,
            filter_mask: 0,
        }
    }

    #[test]
    fn finds_by_cell_whatever_the_order() {
        let found = [
            (vec![4, 0], chunk(30)),
            (vec![0, 3], chunk(20)),
            (vec![0, 0], chunk(10)),
        ];
        let index = ChunkIndex::new(&[5, 5], &[4, 3], found).unwrap();
        assert_eq!(index.grid(), [2, 2]);
        assert_eq!(index.chunk(&[0, 1]).map(|chunk| chunk.address), Some(20));
        assert_eq!(index.chunk(&[1, 0]).map(|chunk| chunk.address), Some(30));
        assert_eq!(index.chunk(&[1, 1]), None);
        assert_eq!(index.chunk(&[0, 2]), None, "outside the grid, not the next row");
        assert_eq!(index.stored_bytes(), 24);
    }

    #[test]
    fn drops_chunks_outside_and_refuses_impossible_ones() {
        let index = ChunkIndex::new(&[4], &[4], [(vec![0], chunk(1)), (vec![4], chunk(2))]).unwrap();
        assert_eq!(index.chunks().len(), 1);
        assert!(ChunkIndex::new(&[8], &[4], [(vec![3], chunk(1))]).is_err());
        assert!(ChunkIndex::new(&[8], &[0], []).is_err());
        assert!(ChunkIndex::new(&[usize::MAX, usize::MAX], &[1, 1], []).is_err());
    }
}
