//! Grids along a pass: the fixed 2 km ones, and any other.

use super::Orbit;
use crate::PassNumber;

/// The geographically fixed grids of the 2 km products: line and pixel have the same place in every cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FixedGrid {
    /// Level 2: 9866 lines.
    L2,
    /// Level 3: 9860 lines.
    L3,
}

impl FixedGrid {
    /// Pixels of a line, at -68, -66 … +68 km.
    pub const PIXELS: usize = 69;
    /// The pixel at nadir.
    pub const NADIR: usize = 34;
    /// Metres between lines and between pixels.
    pub const STEP_M: f64 = 2000.0;

    /// Lines of a pass.
    pub const fn lines(self) -> usize {
        match self {
            Self::L2 => 9866,
            Self::L3 => 9860,
        }
    }

    /// Lines that it begins before the L3 grid does. (That L2 has 6 more is known; that they are shared out
    /// evenly is assumed.)
    const fn lead(self) -> usize {
        match self {
            Self::L2 => 3,
            Self::L3 => 0,
        }
    }

    /// `cross_track_distance` in metres, of every pixel.
    pub fn across_m() -> [f64; Self::PIXELS] {
        std::array::from_fn(|pixel| Self::STEP_M * (pixel as f64 - Self::NADIR as f64))
    }
}

/// A side of the swath.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SwathSide {
    /// Left of flight.
    Left,
    /// Right of flight.
    Right,
}

impl SwathSide {
    /// Pixels of a line of the 250 m product.
    pub const PIXELS: usize = 240;
    /// Usual number of lines of the 250 m product in a pass.
    pub const LINES: usize = 82_968;

    /// Metres across of a pixel of the 250 m product; pixel 0 is the nearest to nadir.
    pub fn across_of(self, pixel: usize) -> f64 {
        let sign = match self {
            Self::Left => -1.0,
            Self::Right => 1.0,
        };
        // 519 pixels of 250 m span the swath, 39 of them lie in the gap: the innermost are 5 km from nadir.
        sign * 250.0 * (20.0 + pixel as f64)
    }

    /// Metres across of every pixel of the 250 m product.
    pub fn across_m(self) -> [f64; Self::PIXELS] {
        std::array::from_fn(|pixel| self.across_of(pixel))
    }

    /// The lines of the 250 m product in a pass of that length, spread evenly from turn to turn.
    pub fn lines(length_m: f64, count: usize) -> Lines {
        Lines {
            first_m: 0.0,
            step_m: length_m / count.max(1) as f64,
            count,
        }
    }
}

/// Evenly spaced lines of a pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lines {
    /// Metres from the first turn to the first line.
    pub first_m: f64,
    /// Metres between lines.
    pub step_m: f64,
    /// How many.
    pub count: usize,
}

impl Lines {
    /// Metres from the first turn to a line.
    pub fn along_m(&self, line: usize) -> f64 {
        self.first_m + self.step_m * line as f64
    }

    /// Some of the lines.
    #[must_use]
    pub fn part(&self, lines: std::ops::Range<usize>) -> Self {
        Self {
            first_m: self.along_m(lines.start),
            step_m: self.step_m,
            count: lines.len(),
        }
    }
}

/// Longitudes (0 to 360) and latitudes of lines times pixels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lattice {
    /// Pixels of a line.
    pub pixels: usize,
    /// Degrees east, line by line.
    pub longitude: Vec<f64>,
    /// Degrees north, line by line.
    pub latitude: Vec<f64>,
}

impl Orbit {
    /// Where the lines of a fixed grid lie along a pass.
    pub fn grid_lines(&self, pass: PassNumber, grid: FixedGrid) -> Lines {
        let [ascending, descending] = self.template.first_line;
        let first = if pass.is_ascending() {
            ascending
        } else {
            descending
        };
        Lines {
            first_m: first - FixedGrid::STEP_M * grid.lead() as f64,
            step_m: FixedGrid::STEP_M,
            count: grid.lines(),
        }
    }

    /// The fixed 2 km grid of a pass.
    pub fn grid(&self, pass: PassNumber, grid: FixedGrid) -> Lattice {
        self.lattice(pass, self.grid_lines(pass, grid), &FixedGrid::across_m())
    }

    /// Positions of lines along a pass, `across_m` metres beside it.
    pub fn lattice(&self, pass: PassNumber, lines: Lines, across_m: &[f64]) -> Lattice {
        let points = lines.count * across_m.len();
        let mut lattice = Lattice {
            pixels: across_m.len(),
            longitude: Vec::with_capacity(points),
            latitude: Vec::with_capacity(points),
        };
        let (half, turn) = (self.half(pass), self.turn(pass));
        for line in 0..lines.count {
            let frame = self.template.frame(half.revolution_at(lines.along_m(line)));
            let right = frame.right();
            let radius = frame.radius(right);
            for &across in across_m {
                let (longitude, latitude) = frame.across_by(across, right, radius);
                lattice.longitude.push((longitude + turn).rem_euclid(360.0));
                lattice.latitude.push(latitude);
            }
        }
        lattice
    }
}
