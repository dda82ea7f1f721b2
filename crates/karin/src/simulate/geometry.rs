//! What all cycles of a pass share: positions, land, and the fields that do not move.

use karin_core::orbit::{FixedGrid, Lattice, Lines};
use karin_core::{Orbit, PassNumber, Phase};

use super::land;
use super::waves::{Field, Places};
use super::world::World;

/// A pass on one of the fixed grids.
#[derive(Debug)]
pub(super) struct Geometry {
    pub phase: Phase,
    pub pass: PassNumber,
    pub lines: Lines,
    pub lattice: Lattice,
    /// Every pixel in units of the Earth's radius.
    pub positions: Positions,
    /// Nodes every 8 km.
    pub close_nodes: Nodes,
    /// Nodes every 32 km.
    pub wide_nodes: Nodes,
    /// Kilometres to the coast, negative on land, of every pixel.
    pub coast_km: Vec<f32>,
    /// Direction of flight of every line, degrees clockwise from north.
    pub heading: Vec<f32>,
    /// Geoid, metres.
    pub geoid: Coarse,
    /// Mean dynamic topography, metres.
    pub mean_dynamic_topography: Coarse,
    /// Factor on the energy of the sea.
    pub energy: Coarse,
}

/// Positions on a unit sphere, one vector per axis.
#[derive(Clone, Debug, Default)]
pub(super) struct Positions {
    x: Vec<f32>,
    y: Vec<f32>,
    z: Vec<f32>,
}

impl Positions {
    fn of(lattice: &Lattice) -> Self {
        let mut positions = Self::default();
        for (longitude, latitude) in lattice.longitude.iter().zip(&lattice.latitude) {
            let ((sin_lon, cos_lon), (sin, cos)) =
                (longitude.to_radians().sin_cos(), latitude.to_radians().sin_cos());
            positions.x.push((cos * cos_lon) as f32);
            positions.y.push((cos * sin_lon) as f32);
            positions.z.push(sin as f32);
        }
        positions
    }

    /// Some of them.
    pub(super) fn part(&self, range: std::ops::Range<usize>) -> Places<'_> {
        let part = |axis: &'_ [f32]| -> std::ops::Range<usize> { range.start..range.end.min(axis.len()) };
        Places {
            x: self.x.get(part(&self.x)).unwrap_or(&[]),
            y: self.y.get(part(&self.y)).unwrap_or(&[]),
            z: self.z.get(part(&self.z)).unwrap_or(&[]),
        }
    }
}

/// A sparse lattice over the pass, for fields that are smooth.
#[derive(Debug)]
pub(super) struct Nodes {
    positions: Positions,
    line_step: f32,
    pixel_step: f32,
    columns: usize,
    rows: usize,
}

impl Nodes {
    fn new(orbit: &Orbit, pass: PassNumber, lines: Lines, line_step: usize, pixel_step: usize) -> Self {
        let across: Vec<f64> = FixedGrid::across_m().into_iter().step_by(pixel_step).collect();
        let rows = lines.count.div_ceil(line_step) + 1;
        let nodes = Lines {
            first_m: lines.first_m,
            step_m: lines.step_m * line_step as f64,
            count: rows,
        };
        let positions = Positions::of(&orbit.lattice(pass, nodes, &across));
        let (line_step, pixel_step) = (line_step as f32, pixel_step as f32);
        Self {
            positions,
            line_step,
            pixel_step,
            columns: across.len(),
            rows,
        }
    }

    /// A field at a time, on these nodes.
    pub(super) fn sample(&self, field: &Field, seconds: f64) -> Coarse {
        let mut values = vec![0.0; self.rows * self.columns];
        field
            .at(seconds)
            .add(self.positions.part(0..values.len()), &mut values);
        Coarse {
            values,
            per_line: self.line_step.recip(),
            per_pixel: self.pixel_step.recip(),
            columns: self.columns,
            rows: self.rows,
        }
    }
}

/// A field on nodes, read in between by bilinear interpolation.
#[derive(Debug)]
pub(super) struct Coarse {
    values: Vec<f32>,
    per_line: f32,
    per_pixel: f32,
    columns: usize,
    rows: usize,
}

impl Coarse {
    /// The value at a line and a pixel of the fixed grid, which need not be whole numbers.
    pub(super) fn at(&self, line: f32, pixel: f32) -> f32 {
        let (y, x) = (line * self.per_line, pixel * self.per_pixel);
        let (row, column) = (
            (y as usize).min(self.rows - 2),
            (x as usize).min(self.columns - 2),
        );
        let (up, right) = (y - row as f32, x - column as f32);
        let first = row * self.columns + column;
        let Some(&[low_left, low_right]) = self.values.get(first..first + 2) else {
            return 0.0;
        };
        let first = first + self.columns;
        let Some(&[high_left, high_right]) = self.values.get(first..first + 2) else {
            return 0.0;
        };
        let low = low_left + right * (low_right - low_left);
        let high = high_left + right * (high_right - high_left);
        low + up * (high - low)
    }

    /// The same field, changed everywhere.
    fn map(mut self, change: impl Fn(f32) -> f32) -> Self {
        self.values.iter_mut().for_each(|value| *value = change(*value));
        self
    }
}

impl Geometry {
    pub(super) fn new(world: &World, phase: Phase, pass: PassNumber, grid: FixedGrid) -> Self {
        let orbit = Orbit::of(phase);
        let lines = orbit.grid_lines(pass, grid);
        let lattice = orbit.grid(pass, grid);
        let coast = lattice.longitude.iter().zip(&lattice.latitude);
        let coast_km = coast.map(|(x, y)| land::coast_distance_km(*x, *y)).collect();
        let heading = (0..lines.count).map(|line| orbit.position(pass, lines.along_m(line)).heading as f32);
        let close_nodes = Nodes::new(orbit, pass, lines, 4, 4);
        let wide_nodes = Nodes::new(orbit, pass, lines, 16, 17);
        Self {
            phase,
            pass,
            lines,
            positions: Positions::of(&lattice),
            lattice,
            coast_km,
            heading: heading.collect(),
            geoid: close_nodes.sample(&world.geoid, 0.0),
            mean_dynamic_topography: wide_nodes.sample(&world.mean_dynamic_topography, 0.0),
            energy: wide_nodes.sample(&world.energy, 0.0).map(f32::exp),
            close_nodes,
            wide_nodes,
        }
    }
}
