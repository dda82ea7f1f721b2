//! Which passes see a place, and when.

use super::geodesy::{self, Vector};
use super::half_track::HalfTrack;
use super::{Lines, Orbit};
use crate::time::TimeRange;
use crate::{CycleNumber, HalfOrbit, LonLatBox, PassNumber, Region};

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target<'a> {
    /// A point: longitude and latitude in degrees.
    Point(f64, f64),
    /// Any part of a region.
    Region(&'a Region),
}

/// A pass that sees a target in every cycle, and where it is nearest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PassView {
    /// The pass.
    pub pass: PassNumber,
    /// Metres from the first turn of the pass to where nadir is nearest to the target.
    pub along_m: f64,
    /// Metres from nadir to the nearest part of the target there, negative if it lies left; 0 if nadir runs
    /// through a region.
    pub across_m: f64,
}

/// One time that a target was or will be seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PassHit {
    /// Cycle and pass.
    pub half_orbit: HalfOrbit,
    /// Closest approach: seconds since 2000-01-01. Where nadir runs through a region: the middle of that.
    pub time: f64,
    /// Metres across, as in [`PassView::across_m`].
    pub across_m: f64,
}

/// Metres between the lines that are looked at first, and at the closer look.
const COARSE_M: f64 = 40e3;
const FINE_M: f64 = 4e3;
/// Regions narrower than this are sampled themselves; wider ones by the points of the swath.
const SMALL_M: f64 = 250e3;
const SAMPLES: usize = 16;

impl Orbit {
    /// The passes whose swath, `half_width_m` to each side of nadir, sees a target; in order.
    ///
    /// KaRIn measures from 10 to 60 km; the strip about nadir counts as seen. Takes a millisecond or a few.
    pub fn passes_seeing(&self, target: Target<'_>, half_width_m: f64) -> Vec<PassView> {
        let area = Area::of(target);
        let halves = self.halves.each_ref().map(|half| self.coarse(half));
        let passes = (1..=self.phase.pass_count()).map(PassNumber);
        let views = passes.filter_map(|pass| {
            let [ascending, descending] = &halves;
            let track = if pass.is_ascending() {
                ascending
            } else {
                descending
            };
            let near = area.near(track, self.turn(pass), half_width_m)?;
            match &area.points {
                Some(points) => self.view_of_points(pass, points, half_width_m),
                None => self.view_of_region(pass, target, near, half_width_m),
            }
        });
        views.collect()
    }

    /// When a target is seen within a range of time, past or future, in order of time.
    pub fn passes_over(&self, target: Target<'_>, range: TimeRange, half_width_m: f64) -> Vec<PassHit> {
        let views = self.passes_seeing(target, half_width_m);
        let cycles = (self.phase.first_cycle().0..=self.phase.last_cycle().0).map(CycleNumber);
        let cycles = cycles.filter(|&cycle| {
            range.overlaps(
                self.cycle_start(cycle),
                self.cycle_start(CycleNumber(cycle.0 + 1)),
            )
        });
        let mut hits = Vec::new();
        for cycle in cycles {
            hits.extend(views.iter().map(|view| {
                let half_orbit = HalfOrbit {
                    cycle,
                    pass: view.pass,
                };
                PassHit {
                    half_orbit,
                    time: self.time_along(half_orbit, view.along_m),
                    across_m: view.across_m,
                }
            }));
        }
        hits.retain(|hit| range.contains(hit.time));
        hits.sort_by(|a, b| a.time.total_cmp(&b.time));
        hits
    }

    /// Metres along and direction of places all along a half track.
    fn coarse(&self, half: &HalfTrack) -> Vec<(f64, Vector)> {
        let steps = (half.length_m() / COARSE_M).ceil() as usize;
        let along = (0..=steps).map(|step| half.length_m() * step as f64 / steps as f64);
        along
            .map(|along| (along, self.template.frame(half.revolution_at(along)).up))
            .collect()
    }

    fn view_of_points(&self, pass: PassNumber, points: &[(f64, f64)], half_width_m: f64) -> Option<PassView> {
        let length = self.length_m(pass);
        let located = points
            .iter()
            .map(|&(longitude, latitude)| self.cross_track(pass, longitude, latitude));
        let seen = located
            .filter(|&(along, across)| (0.0..=length).contains(&along) && across.abs() <= half_width_m);
        let seen: Vec<_> = seen.collect();
        let nearest = seen
            .iter()
            .copied()
            .min_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))?;
        // Nadir runs through a region that has seen points on both sides of it.
        let (left, right) = (
            seen.iter().filter(|at| at.1 < 0.0),
            seen.iter().filter(|at| at.1 > 0.0),
        );
        let (along_m, across_m) = match (left.count(), right.count()) {
            (0, _) | (_, 0) => nearest,
            _ => (seen.iter().map(|at| at.0).sum::<f64>() / seen.len() as f64, 0.0),
        };
        Some(PassView {
            pass,
            along_m,
            across_m,
        })
    }

    fn view_of_region(
        &self,
        pass: PassNumber,
        target: Target<'_>,
        near: (f64, f64),
        half_width_m: f64,
    ) -> Option<PassView> {
        let Target::Region(region) = target else {
            return None;
        };
        let lines = |step_m: f64| {
            let count = ((near.1 - near.0) / step_m).ceil() as usize + 1;
            Lines {
                first_m: near.0,
                step_m: (near.1 - near.0) / (count - 1).max(1) as f64,
                count,
            }
        };
        let inside = |along_m: f64, across_m: f64| {
            let (longitude, latitude) = self.point(pass, along_m, across_m);
            region.contains(longitude, latitude)
        };
        let under = |lines: Lines| {
            let along = (0..lines.count).map(|line| lines.along_m(line));
            let run: Vec<f64> = along.filter(|&along| inside(along, 0.0)).collect();
            let middle = run.get(run.len() / 2).copied();
            middle.map(|along_m| PassView {
                pass,
                along_m,
                across_m: 0.0,
            })
        };
        if let Some(view) = under(lines(COARSE_M)).or_else(|| under(lines(FINE_M))) {
            return Some(view);
        }
        let lines = lines(FINE_M);
        let steps = (half_width_m / FINE_M).ceil() as usize;
        let beside = (1..=steps).map(|step| half_width_m * step as f64 / steps as f64);
        for across in beside.flat_map(|across| [-across, across]) {
            let along = (0..lines.count).map(|line| lines.along_m(line));
            let run: Vec<f64> = along.filter(|&along| inside(along, across)).collect();
            if let Some(&along_m) = run.get(run.len() / 2) {
                return Some(PassView {
                    pass,
                    along_m,
                    across_m: across,
                });
            }
        }
        None
    }
}

/// A target as caps that cover it, and as points if it is small.
struct Area {
    /// Centre and angular radius in radians.
    caps: Vec<(Vector, f64)>,
    points: Option<Vec<(f64, f64)>>,
}

impl Area {
    fn of(target: Target<'_>) -> Self {
        match target {
            Target::Point(longitude, latitude) => {
                let caps = vec![(direction(longitude, latitude), 0.0)];
                Self {
                    caps,
                    points: Some(vec![(longitude, latitude)]),
                }
            }
            Target::Region(region) => {
                let bounds = region.bounds();
                let caps: Vec<_> = bounds.iter().map(cap).collect();
                let is_small = caps.iter().all(|cap| cap.1 * geodesy::EQUATOR_M < SMALL_M) && caps.len() < 32;
                let inside = |&(longitude, latitude): &(f64, f64)| region.contains(longitude, latitude);
                let samples = || bounds.iter().flat_map(samples).filter(inside).collect::<Vec<_>>();
                let points = is_small.then(samples).filter(|points| !points.is_empty());
                Self { caps, points }
            }
        }
    }

    /// The part of a pass (metres along) from which the swath may touch the area.
    fn near(&self, track: &[(f64, Vector)], turn: f64, half_width_m: f64) -> Option<(f64, f64)> {
        // The Earth's curvature makes arcs up to 0.4 % longer in angle than on the equator.
        let reach = (half_width_m + COARSE_M) / geodesy::EQUATOR_M * 1.01;
        let (sin, cos) = (-turn).to_radians().sin_cos();
        let mut span: Option<(f64, f64)> = None;
        for &([x, y, z], radius) in &self.caps {
            let centre = [cos * x - sin * y, sin * x + cos * y, z];
            let least = (radius + reach).min(std::f64::consts::PI).cos();
            for &(along, _) in track.iter().filter(|(_, up)| geodesy::dot(*up, centre) >= least) {
                let (from, to) = span.unwrap_or((along, along));
                span = Some((from.min(along), to.max(along)));
            }
        }
        let end = track.last().map_or(0.0, |last| last.0);
        span.map(|(from, to)| ((from - COARSE_M).max(0.0), (to + COARSE_M).min(end)))
    }
}

fn direction(longitude: f64, latitude: f64) -> Vector {
    let (sin_lon, cos_lon) = longitude.to_radians().sin_cos();
    let (sin_lat, cos_lat) = latitude.to_radians().sin_cos();
    [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat]
}

/// A lattice of points over a box, its edges included.
fn samples(bounds: &LonLatBox) -> impl Iterator<Item = (f64, f64)> + use<> {
    let (west, south) = (bounds.west(), bounds.south());
    let (width, height) = (bounds.width(), bounds.north() - south);
    let part = |step: usize| step as f64 / SAMPLES as f64;
    (0..=SAMPLES).flat_map(move |row| {
        (0..=SAMPLES).map(move |column| (west + width * part(column), south + height * part(row)))
    })
}

/// A cap that holds a box.
fn cap(bounds: &LonLatBox) -> (Vector, f64) {
    let middle = (
        bounds.west() + bounds.width() / 2.0,
        (bounds.south() + bounds.north()) / 2.0,
    );
    let centre = direction(middle.0, middle.1);
    if bounds.width() >= 180.0 {
        return (centre, std::f64::consts::PI);
    }
    let angle = |(longitude, latitude)| {
        let [x, y, z] = geodesy::minus(direction(longitude, latitude), centre);
        2.0 * ((x * x + y * y + z * z).sqrt() / 2.0).min(1.0).asin()
    };
    let radius = samples(bounds).map(angle).fold(0.0, f64::max);
    // Between samples the edge may bulge out a little.
    (centre, radius * 1.02)
}
