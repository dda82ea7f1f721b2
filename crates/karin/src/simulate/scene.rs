//! What one granule's instrument saw: the world along a pass at one time, and the errors made in looking at it.

mod quality;

use std::sync::Arc;

use karin_core::orbit::FixedGrid;
use karin_core::{HalfOrbit, Orbit};

use super::geometry::{Coarse, Geometry};
use super::random::Stream;
use super::world::World;

pub(super) use quality::{Rain, Surface, bits};

const PIXELS: usize = FixedGrid::PIXELS;

/// A place in a granule, on the fixed grid or between its pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    /// Line and pixel of the fixed grid, which need not be whole.
    pub line: f32,
    pub pixel: f32,
    /// The nearest line, and the nearest pixel of all.
    pub row: usize,
    pub cell: usize,
    /// Kilometres right of nadir.
    pub across_km: f32,
    /// Number of the measurement, for its noise.
    pub key: u64,
    /// True for the 250 m product.
    pub is_fine: bool,
}

/// A pass of a cycle.
#[derive(Debug)]
pub(super) struct Scene {
    pub geometry: Arc<Geometry>,
    /// Random numbers of this granule.
    pub stream: Stream,
    /// Seconds since 2000-01-01 of every line.
    pub times: Vec<f64>,
    pub ocean_tide: Coarse,
    pub internal_tide: Coarse,
    pub pressure: Coarse,
    pub waves: Coarse,
    pub wind: [Coarse; 2],
    pub vapour: Coarse,
    pub rain: Coarse,
    pub residual: Coarse,
    /// Quality bits of every pixel before a variable's mask.
    pub quality: Vec<u32>,
    /// True for lines without any measurement.
    pub is_missing: Vec<bool>,
    /// Sea level anomaly of every pixel, metres.
    sea_level: Vec<f32>,
    /// Height error at 60 km to the right, and constant ones of the left and the right side, metres; of every line.
    tilt: Vec<f32>,
    bias: [Vec<f32>; 2],
    noise: Stream,
}

impl Scene {
    pub(super) fn new(world: &World, geometry: Arc<Geometry>, half_orbit: HalfOrbit) -> Self {
        let orbit = Orbit::of(geometry.phase);
        let stream = world
            .stream
            .of(u64::from(half_orbit.cycle.0))
            .of(u64::from(half_orbit.pass.0));
        let lines = geometry.lines;
        let times: Vec<f64> = (0..lines.count)
            .map(|line| orbit.time_along(half_orbit, lines.along_m(line)))
            .collect();
        let middle = orbit.time_along(half_orbit, lines.along_m(lines.count / 2));
        let wide = |field| geometry.wide_nodes.sample(field, middle);
        let close = |field| geometry.close_nodes.sample(field, middle);
        let is_missing = quality::missing_lines(lines.count, stream);
        let [eastward, northward] = &world.wind;
        let (tilt, bias) = correlated_errors(world, &times);
        let mut scene = Self {
            stream,
            ocean_tide: wide(&world.ocean_tide),
            internal_tide: close(&world.internal_tide),
            pressure: wide(&world.pressure),
            waves: wide(&world.waves),
            wind: [wide(eastward), wide(northward)],
            vapour: wide(&world.vapour),
            rain: close(&world.rain),
            residual: wide(&world.residual),
            quality: Vec::new(),
            sea_level: sea_level(world, &geometry, middle),
            noise: stream.named("height"),
            geometry,
            times,
            is_missing,
            tilt,
            bias,
        };
        let trouble = scene.geometry.close_nodes.sample(&world.trouble, middle);
        scene.quality = quality::of_pixels(&scene, &trouble);
        scene
    }

    /// The pixel of the fixed grid at a line and a pixel.
    pub(super) fn pixel(&self, line: usize, pixel: usize) -> Spot {
        let cell = line * PIXELS + pixel;
        Spot {
            line: line as f32,
            pixel: pixel as f32,
            row: line,
            cell,
            across_km: 2.0 * (pixel as f32 - FixedGrid::NADIR as f32),
            key: cell as u64,
            is_fine: false,
        }
    }

    /// Any place: metres along and across the pass, and the number of the measurement.
    pub(super) fn place(&self, along_m: f64, across_m: f64, key: u64) -> Spot {
        let lines = self.geometry.lines;
        let line = ((along_m - lines.first_m) / lines.step_m).clamp(0.0, (lines.count - 1) as f64);
        let pixel = (across_m / FixedGrid::STEP_M + FixedGrid::NADIR as f64).clamp(0.0, (PIXELS - 1) as f64);
        let (row, column) = (line.round() as usize, pixel.round() as usize);
        Spot {
            line: line as f32,
            pixel: pixel as f32,
            row,
            cell: row * PIXELS + column,
            across_km: (across_m / 1e3) as f32,
            key,
            is_fine: true,
        }
    }

    /// Where it lies.
    pub(super) fn lon_lat(&self, spot: &Spot) -> (f64, f64) {
        if !spot.is_fine {
            return self.near_lon_lat(spot);
        }
        let geometry = &self.geometry;
        let along = geometry.lines.first_m + geometry.lines.step_m * f64::from(spot.line);
        Orbit::of(geometry.phase).point(geometry.pass, along, f64::from(spot.across_km) * 1e3)
    }

    /// Where the nearest pixel of the fixed grid lies: near enough for what is smooth, and at hand.
    pub(super) fn near_lon_lat(&self, spot: &Spot) -> (f64, f64) {
        let lattice = &self.geometry.lattice;
        match (lattice.longitude.get(spot.cell), lattice.latitude.get(spot.cell)) {
            (Some(longitude), Some(latitude)) => (*longitude, *latitude),
            _ => (f64::NAN, f64::NAN),
        }
    }

    /// Sea level anomaly without errors of a pixel of the fixed grid, metres.
    pub(super) fn sea_level_of(&self, cell: usize) -> Option<f32> {
        self.sea_level.get(cell).copied()
    }

    /// Sea level anomaly without errors, metres.
    pub(super) fn sea_level(&self, spot: &Spot) -> f32 {
        let at = |cell: usize| self.sea_level.get(cell).copied().unwrap_or(0.0);
        if !spot.is_fine {
            return at(spot.cell);
        }
        let (line, pixel) = (spot.line as usize, (spot.pixel as usize).min(PIXELS - 2));
        let (up, right) = (spot.line - line as f32, spot.pixel - pixel as f32);
        let first = line * PIXELS + pixel;
        let above = if line + 1 < self.times.len() {
            first + PIXELS
        } else {
            first
        };
        let low = at(first) + right * (at(first + 1) - at(first));
        low + up * (at(above) + right * (at(above + 1) - at(above)) - low)
    }

    /// The error that roll and phase make, metres: what `height_cor_xover` takes away again.
    pub(super) fn correlated_error(&self, spot: &Spot) -> f32 {
        let [left, right] = &self.bias;
        let side = if spot.across_km < 0.0 { left } else { right };
        let (tilt, bias) = (self.tilt.get(spot.row), side.get(spot.row));
        tilt.copied().unwrap_or(0.0) * spot.across_km / 60.0 + bias.copied().unwrap_or(0.0)
    }

    /// Standard deviation of the height noise, metres: some millimetres in the middle of each side, more towards
    /// its edges and in high waves; eight times as much at 250 m.
    pub(super) fn noise_deviation(&self, spot: &Spot) -> f32 {
        let from_middle = (spot.across_km.abs() - 33.0) / 27.0;
        let calm = 0.0035 + 0.0045 * from_middle * from_middle;
        calm * (0.4 + 0.3 * self.wave_height(spot)) * if spot.is_fine { 8.0 } else { 1.0 }
    }

    /// Height noise of one measurement, metres.
    pub(super) fn noise(&self, spot: &Spot) -> f32 {
        self.noise_deviation(spot) * self.noise.normal(spot.key) as f32
    }

    /// Significant wave height, metres.
    pub(super) fn wave_height(&self, spot: &Spot) -> f32 {
        (2.3 + self.waves.at(spot.line, spot.pixel)).clamp(0.3, 12.0)
    }

    /// Eastward and northward wind, m/s.
    pub(super) fn wind(&self, spot: &Spot) -> [f32; 2] {
        let [eastward, northward] = &self.wind;
        [
            eastward.at(spot.line, spot.pixel),
            northward.at(spot.line, spot.pixel),
        ]
    }

    /// Direction of flight, degrees clockwise from north.
    pub(super) fn heading(&self, spot: &Spot) -> f32 {
        self.geometry.heading.get(spot.row).copied().unwrap_or(0.0)
    }

    /// How a field grows per pixel along and across the track (right positive), from the neighbours on the fixed
    /// grid; NaN where one of them has no value.
    pub(super) fn gradient(&self, spot: &Spot, field: impl Fn(usize) -> Option<f32>) -> [f32; 2] {
        let at = |cell: usize| field(cell).unwrap_or(f32::NAN);
        let column = spot.cell - spot.row * PIXELS;
        let (first, last) = (spot.row == 0, spot.row + 1 == self.times.len());
        let (left, right) = (usize::from(column > 0), usize::from(column + 1 < PIXELS));
        let (behind, ahead) = (usize::from(!first), usize::from(!last));
        let along = at(spot.cell + ahead * PIXELS) - at(spot.cell - behind * PIXELS);
        let across = at(spot.cell + right) - at(spot.cell - left);
        [along / (ahead + behind) as f32, across / (left + right) as f32]
    }

    /// Kilometres to the coast, negative on land.
    pub(super) fn coast_km(&self, spot: &Spot) -> f32 {
        self.geometry.coast_km.get(spot.cell).copied().unwrap_or(0.0)
    }

    /// The quality bits that a variable with this mask has.
    pub(super) fn bits(&self, spot: &Spot, mask: u32) -> u32 {
        let mut found = self.quality.get(spot.cell).copied().unwrap_or(0);
        if spot.is_fine && quality::is_in_swath(spot.across_km) && self.coast_km(spot) > 0.0 {
            // The nearest pixel of 2 km may lie beside the swath where this one does not.
            found &= !bits::OUTSIDE_OF_RANGE;
        }
        found &= mask;
        if found & bits::BAD == 0 {
            found
        } else {
            found | bits::NOT_USABLE & mask
        }
    }

    /// True on lines without any measurement.
    pub(super) fn is_missing(&self, spot: &Spot) -> bool {
        self.is_missing.get(spot.row).copied().unwrap_or(true)
    }

    /// True where a height was measured at all: inside the swath, not on a missing line, not far inland.
    pub(super) fn is_measured(&self, spot: &Spot) -> bool {
        quality::is_in_swath(spot.across_km)
            && !self.is_missing(spot)
            && self.coast_km(spot) > quality::INLAND_KM
    }
}

/// Full-resolution sea level: waves, scaled by how energetic the sea is there.
fn sea_level(world: &World, geometry: &Geometry, seconds: f64) -> Vec<f32> {
    let snapshot = world.sea_level.at(seconds);
    let mut values = vec![0.0; geometry.lines.count * PIXELS];
    for (line, row) in values.chunks_exact_mut(PIXELS).enumerate() {
        let first = line * PIXELS;
        snapshot.add(geometry.positions.part(first..first + PIXELS), row);
        for (pixel, value) in row.iter_mut().enumerate() {
            *value *= geometry.energy.at(line as f32, pixel as f32);
        }
    }
    values
}

/// Height at 60 km that roll adds, and what phase adds to each side: sums of a few slow oscillations (once and some
/// times per revolution, and days), continuous from pass to pass.
fn correlated_errors(world: &World, times: &[f64]) -> (Vec<f32>, [Vec<f32>; 2]) {
    const REVOLUTION: f64 = 6173.62;
    let slow = |name: &str, deviation: f64| -> Vec<f32> {
        let stream = world.stream.named(name);
        let periods = [40.0, 9.3, 1.0, 0.5, 0.22, 0.05].map(|revolutions| revolutions * REVOLUTION);
        let parts = [0.8, 0.6, 1.0, 0.5, 0.15, 0.03].map(|part| part * deviation);
        let at = |seconds: f64| {
            let waves = periods.iter().zip(parts).zip(0..);
            let sum: f64 = waves
                .map(|((period, part), index)| {
                    let turns = seconds / period + stream.uniform(index);
                    part * (std::f64::consts::TAU * turns.rem_euclid(1.0)).sin()
                })
                .sum();
            sum as f32
        };
        times.iter().map(|seconds| at(*seconds)).collect()
    };
    (
        slow("roll", 1.1),
        [slow("left phase", 0.12), slow("right phase", 0.12)],
    )
}
