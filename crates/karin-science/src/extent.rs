//! How a field lies in its slice.

/// Lines and pixels of a field, row-major: pixel `j` of line `i` is at `i * num_pixels + j`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Extent {
    /// Lines, along the flight.
    pub num_lines: usize,
    /// Pixels of a line, across the flight.
    pub num_pixels: usize,
}

impl Extent {
    /// An extent of so many lines and pixels.
    pub fn new(num_lines: usize, num_pixels: usize) -> Self {
        Self {
            num_lines,
            num_pixels,
        }
    }

    /// Values of a field of this extent.
    pub fn len(self) -> usize {
        self.num_lines * self.num_pixels
    }

    /// True if there is no pixel.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Where a pixel is in the slice.
    pub fn index(self, line: usize, pixel: usize) -> usize {
        line * self.num_pixels + pixel
    }
}
