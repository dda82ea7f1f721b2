//! Eddies as regions where rotation rules over strain.

use super::circle::measure;
use super::outline::{Direction, Ground, outline};
use super::plane::Plane;
use super::{Eddy, EddyOptions, Sense, check, placed};
use crate::{Extent, Metric, ScienceError};

/// What makes a region one of rotation.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct OkuboWeissOptions {
    /// Okubo-Weiss below minus so many standard deviations.
    pub threshold: f64,
    /// Metres of flight over which that deviation is taken, half before and half behind.
    pub window: f64,
}

impl Default for OkuboWeissOptions {
    fn default() -> Self {
        Self {
            threshold: 0.2,
            window: 1000e3,
        }
    }
}

/// Fields of a current, one value per pixel.
#[derive(Clone, Copy, Debug)]
pub struct Rotation<'a> {
    /// Okubo-Weiss parameter, 1/s2.
    pub okubo_weiss: &'a [f64],
    /// Relative vorticity, 1/s.
    pub vorticity: &'a [f64],
    /// Speed, m/s.
    pub speed: &'a [f64],
}

/// Finds the eddies of a current by its Okubo-Weiss parameter `W` (squared strain less squared vorticity): connected
/// regions of one sense of rotation with `W < -threshold · σ`, in the order of their first pixels.
///
/// σ is the standard deviation of `W` in a window of the flight, 0.2 the usual threshold (Isern-Fontanet et al. 2003, Chelton et
/// al. 2007); of one deviation for the whole globe only the boundary currents would be left. The sense is that of the
/// vorticity against the Earth's rotation. Bounds of pixels, radius, amplitude and shape hold as for
/// [`closed_contours`](super::closed_contours); the amplitude is the difference of the height's extremum inside to its
/// mean along the outline, where that has the right sign. Regions at an edge or gap are partial.
///
/// # Errors
/// If a field does not fill the extent of the metric.
pub fn okubo_weiss(
    height: &[f64],
    current: &Rotation<'_>,
    metric: &Metric,
    options: &EddyOptions,
    regions: &OkuboWeissOptions,
) -> Result<Vec<Eddy>, ScienceError> {
    let fields = [
        ("height", height),
        ("Okubo-Weiss", current.okubo_weiss),
        ("vorticity", current.vorticity),
        ("speed", current.speed),
    ];
    let extent = check(&fields, metric)?;
    let heights = placed(height, metric, 1.0);
    let mut plane = Plane::new(metric);
    let mut eddies = Vec::new();
    for sense in [Sense::Anticyclonic, Sense::Cyclonic] {
        let field = rotation_of(current, metric, sense, regions);
        let mut finder = Finder {
            field: &field,
            level: regions.threshold,
            heights: &heights,
            speed: current.speed,
            extent,
            options,
            regions: vec![0; field.len()],
            count: 0,
        };
        for index in 0..field.len() {
            eddies.extend(finder.eddy(index, sense, &mut plane));
        }
    }
    eddies.sort_by_key(|eddy| eddy.extremum_index);
    Ok(eddies)
}

/// `-W/σ` where the rotation has that sense, minus that elsewhere; NaN where it is not known.
fn rotation_of(
    current: &Rotation<'_>,
    metric: &Metric,
    sense: Sense,
    regions: &OkuboWeissOptions,
) -> Vec<f64> {
    let deviations = deviations(current.okubo_weiss, metric, regions.window);
    let width = metric.extent().num_pixels.max(1);
    let pixels = current
        .okubo_weiss
        .iter()
        .zip(current.vorticity)
        .zip(metric.coriolis());
    pixels
        .enumerate()
        .map(|(index, ((okubo_weiss, vorticity), coriolis))| {
            let is_cyclonic = vorticity * coriolis > 0.0;
            let rotation = -okubo_weiss / deviations[index / width];
            if is_cyclonic == (sense == Sense::Cyclonic) {
                rotation
            } else {
                -rotation.abs()
            }
        })
        .collect()
}

/// Standard deviation in the window around each line; NaN without two values.
fn deviations(field: &[f64], metric: &Metric, window: f64) -> Vec<f64> {
    let extent = metric.extent();
    let spacing = (0..extent.len())
        .step_by(97)
        .map(|index| metric.spacing(index).0)
        .find(|spacing| *spacing > 0.0);
    let half = spacing.map_or(0.0, |spacing| (0.5 * window / spacing).round());
    let half = half.clamp(0.0, extent.num_lines as f64) as usize;
    let lines: Vec<[f64; 3]> = (field.chunks(extent.num_pixels.max(1)))
        .map(|line| {
            let known = line.iter().filter(|value| value.is_finite());
            known.fold([0.0; 3], |sum: [f64; 3], value| {
                [sum[0] + 1.0, sum[1] + value, sum[2] + value * value]
            })
        })
        .collect();
    let of = |line: usize| {
        let near = &lines[line.saturating_sub(half)..lines.len().min(line + half + 1)];
        let [count, sum, squares] = near.iter().fold([0.0; 3], |sum: [f64; 3], own| {
            std::array::from_fn(|place| sum[place] + own[place])
        });
        let variance = squares / count - (sum / count).powi(2);
        if count >= 2.0 && variance > 0.0 {
            variance.sqrt()
        } else {
            f64::NAN
        }
    };
    (0..extent.num_lines).map(of).collect()
}

/// Takes one region after the other.
struct Finder<'a> {
    field: &'a [f64],
    level: f64,
    heights: &'a [f64],
    speed: &'a [f64],
    extent: Extent,
    options: &'a EddyOptions,
    /// Number of the region of each pixel; 0: none yet.
    regions: Vec<u32>,
    count: u32,
}

impl Finder<'_> {
    /// The eddy whose first pixel this is, if it is one within the bounds.
    fn eddy(&mut self, first: usize, sense: Sense, plane: &mut Plane<'_>) -> Option<Eddy> {
        let (pixels, touches) = self.region(first)?;
        if pixels.len() < self.options.minimum_pixels {
            return None;
        }
        let sign = if sense == Sense::Anticyclonic { 1.0 } else { -1.0 };
        let height = |index: &usize| sign * self.heights[*index];
        let valid = pixels
            .iter()
            .copied()
            .filter(|index| !self.heights[*index].is_nan());
        let extremum_index = valid.max_by(|one, other| height(one).total_cmp(&height(other)))?;
        plane.centre_on(extremum_index);
        let ground = Ground {
            extent: self.extent,
            field: self.field,
            level: self.level,
            speed: self.speed,
        };
        let own = self.count;
        let outline = outline(&ground, first, |index| self.regions[index] == own, plane);
        let measure = measure(&outline)?;
        let level = self.mean_around(&pixels);
        let amplitude = sign * (self.heights[extremum_index] - level);
        let bounds = self.options;
        let is_within = (bounds.minimum_radius..=bounds.maximum_radius).contains(&measure.radius())
            && measure.shape_error <= bounds.shape_error
            && measure.edge_fraction <= bounds.edge_fraction
            && amplitude >= bounds.minimum_amplitude;
        is_within.then(|| Eddy {
            sense,
            centre: plane.degrees(measure.centre),
            extremum_index,
            extremum: plane.degrees((0.0, 0.0)),
            amplitude,
            level,
            area: measure.area,
            radius: measure.radius(),
            speed: measure.speed,
            speed_radius: f64::NAN,
            shape_error: measure.shape_error,
            pixels: pixels.len(),
            edge_fraction: measure.edge_fraction,
            is_partial: touches,
            outline: outline.iter().map(|vertex| plane.degrees(vertex.place)).collect(),
        })
    }

    /// The pixels connected with one that belongs to no region yet; and whether one of them has a neighbour without a value.
    fn region(&mut self, first: usize) -> Option<(Vec<usize>, bool)> {
        if self.regions[first] != 0 || !self.is_over(first) {
            return None;
        }
        self.count += 1;
        self.regions[first] = self.count;
        let (mut pixels, mut touches, mut done) = (vec![first], false, 0);
        while let Some(&index) = pixels.get(done) {
            done += 1;
            for direction in Direction::ALL {
                let next = direction.next(self.extent, index);
                let Some(next) = next.filter(|next| !self.field[*next].is_nan()) else {
                    touches = true;
                    continue;
                };
                if self.regions[next] == 0 && self.is_over(next) {
                    self.regions[next] = self.count;
                    pixels.push(next);
                }
            }
        }
        Some((pixels, touches))
    }

    fn is_over(&self, index: usize) -> bool {
        self.field[index] > self.level
    }

    /// Mean height of the pixels of the newest region that have a neighbour outside.
    fn mean_around(&self, pixels: &[usize]) -> f64 {
        let is_rim = |index: &&usize| {
            Direction::ALL.iter().any(|direction| {
                let next = direction.next(self.extent, **index);
                next.is_none_or(|next| self.regions[next] != self.count)
            })
        };
        let rim = pixels.iter().filter(is_rim).map(|index| self.heights[*index]);
        let (sum, count) = rim
            .filter(|height| !height.is_nan())
            .fold((0.0, 0.0), |(sum, count), height| (sum + height, count + 1.0));
        sum / count
    }
}
