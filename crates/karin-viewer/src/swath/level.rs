//! Levels of resolution: blocks of 2^L lines by 2^L pixels, never across nadir once they would bridge the gap.

use std::ops::Range;

/// Levels there are, 0 (native) included.
pub const LEVELS: usize = 7;
/// From this level on (32 km on the 2 km grid) blocks would bridge the gap about nadir, 20 km wide: the sides are
/// parted.
const PARTED: u32 = 4;

/// One level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Level(pub u32);

/// Lines and pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape2 {
    /// Lines.
    pub lines: usize,
    /// Pixels.
    pub pixels: usize,
}

impl Shape2 {
    /// Cells in all.
    pub const fn len(self) -> usize {
        self.lines * self.pixels
    }
}

impl Level {
    /// Lines and pixels of a block.
    pub const fn block(self) -> usize {
        1 << self.0
    }

    /// The coarsest level whose cells are at most so long, in metres, if native ones are `native` metres long.
    pub fn fitting(native: f64, longest: f64) -> Self {
        let level = (longest / native).max(1.0).log2().floor();
        Self((level as u32).min(LEVELS as u32 - 1))
    }

    /// The pixels of each column of blocks.
    pub fn columns(self, pixels: usize) -> Vec<Range<usize>> {
        let cut = |range: Range<usize>| {
            let end = range.end;
            range
                .step_by(self.block())
                .map(move |start| start..end.min(start + self.block()))
        };
        // One pixel in the middle: nadir, with a side on either hand.
        if self.0 >= PARTED && pixels % 2 == 1 && pixels > 8 {
            let middle = pixels / 2;
            return cut(0..middle).chain(cut(middle..pixels)).collect();
        }
        cut(0..pixels).collect()
    }

    /// The shape at this level of a swath.
    pub fn shape(self, native: Shape2) -> Shape2 {
        Shape2 {
            lines: native.lines.div_ceil(self.block()),
            pixels: self.columns(native.pixels).len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_lies_in_one_column_and_none_bridges_nadir_when_it_could() {
        for level in 0..LEVELS as u32 {
            for pixels in [1, 5, 69, 240] {
                let columns = Level(level).columns(pixels);
                let covered: Vec<usize> = columns.iter().cloned().flatten().collect();
                assert_eq!(
                    covered,
                    (0..pixels).collect::<Vec<_>>(),
                    "level {level}, {pixels} pixels"
                );
            }
            let bridges = |column: &Range<usize>| column.start <= 29 && column.end > 39;
            assert!(!Level(level).columns(69).iter().any(bridges), "level {level}");
        }
    }

    #[test]
    fn the_level_is_the_coarsest_that_is_fine_enough() {
        assert_eq!(Level::fitting(2000.0, 1000.0), Level(0));
        assert_eq!(Level::fitting(2000.0, 3999.0), Level(0));
        assert_eq!(Level::fitting(2000.0, 4000.0), Level(1));
        assert_eq!(Level::fitting(2000.0, 1e9), Level(6));
    }
}
