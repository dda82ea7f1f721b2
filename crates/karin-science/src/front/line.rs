//! Pixels of a ridge as lines.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Front;
use super::ridge::{Point, Ridge};
use crate::Metric;
use crate::sphere::{Position, distance};

/// The fronts of a ridge, in the order of their first pixels.
pub(super) fn lines(ridge: &Ridge, metric: &Metric, strong: f64, minimum_length: f64) -> Vec<Front> {
    let mut linker = Linker {
        ridge,
        is_free: ridge.points.iter().map(Option::is_some).collect(),
        lengths: vec![f64::INFINITY; ridge.points.len()],
        before: vec![usize::MAX; ridge.points.len()],
    };
    linker.drop_weak(strong);
    let mut fronts = Vec::new();
    for index in 0..ridge.points.len() {
        while linker.is_free[index] {
            let way = linker.longest_way(index);
            if linker.lengths_of(&way) < minimum_length || way.len() < 2 {
                linker.drop_all(index);
                break;
            }
            let front = front(ridge, metric, way.clone());
            let is_front = |front: &Front| front.length >= minimum_length && front.maximum_gradient >= strong;
            fronts.extend(front.filter(is_front));
            // What lies beside the way is the same ridge, one pixel wide too many.
            for pixel in way {
                linker.is_free[pixel] = false;
                ridge
                    .around(pixel)
                    .for_each(|beside| linker.is_free[beside] = false);
            }
        }
    }
    fronts.sort_by_key(|front| front.indices.iter().min().copied());
    fronts
}

/// Finds ways over ridge pixels that belong to no front yet.
struct Linker<'a> {
    ridge: &'a Ridge,
    is_free: Vec<bool>,
    /// Shortest way to a pixel and the pixel before on it, while one is looked for; else infinite.
    lengths: Vec<f64>,
    before: Vec<usize>,
}

impl Linker<'_> {
    /// The free pixels linked with one, itself first.
    fn linked(&self, index: usize) -> Vec<usize> {
        let mut found = vec![index];
        let mut seen = std::collections::HashSet::from([index]);
        let mut done = 0;
        while let Some(&next) = found.get(done) {
            done += 1;
            for other in self.ridge.linked(next) {
                if self.is_free[other] && seen.insert(other) {
                    found.push(other);
                }
            }
        }
        found
    }

    fn drop_all(&mut self, index: usize) {
        for pixel in self.linked(index) {
            self.is_free[pixel] = false;
        }
    }

    /// Drops what is linked with nothing strong.
    fn drop_weak(&mut self, strong: f64) {
        let mut kept = vec![false; self.is_free.len()];
        for index in 0..self.is_free.len() {
            if !self.is_free[index] || kept[index] {
                continue;
            }
            let linked = self.linked(index);
            let steepest = linked.iter().filter_map(|pixel| self.ridge.points[*pixel]);
            if steepest.map(|point| point.steepness).fold(0.0, f64::max) >= strong {
                linked.iter().for_each(|pixel| kept[*pixel] = true);
            } else {
                linked.iter().for_each(|pixel| self.is_free[*pixel] = false);
            }
        }
    }

    /// The longest of the shortest ways from end to end of what is linked with a pixel: from the farthest of it to the farthest
    /// of that.
    fn longest_way(&mut self, index: usize) -> Vec<usize> {
        let end = self.farthest(index, |_| {});
        let mut way = Vec::new();
        self.farthest(end, |back| way = back);
        way
    }

    /// The pixel that the shortest way from `start` is longest to; `take` is given that way.
    fn farthest(&mut self, start: usize, take: impl FnOnce(Vec<usize>)) -> usize {
        let mut reached = vec![start];
        self.lengths[start] = 0.0;
        // Lengths are positive: their bits are in their order.
        let mut heap = BinaryHeap::from([Reverse((0_u64, start))]);
        let mut last = start;
        while let Some(Reverse((bits, pixel))) = heap.pop() {
            if bits > self.lengths[pixel].to_bits() {
                continue;
            }
            last = pixel;
            for next in self.ridge.linked(pixel) {
                let length = self.lengths[pixel] + self.step(pixel, next);
                if self.is_free[next] && length < self.lengths[next] {
                    if self.lengths[next].is_infinite() {
                        reached.push(next);
                    }
                    (self.lengths[next], self.before[next]) = (length, pixel);
                    heap.push(Reverse((length.to_bits(), next)));
                }
            }
        }
        let back = std::iter::successors(Some(last), |pixel| {
            Some(self.before[*pixel]).filter(|before| *before != usize::MAX)
        });
        take(back.collect());
        for pixel in reached {
            (self.lengths[pixel], self.before[pixel]) = (f64::INFINITY, usize::MAX);
        }
        last
    }

    fn step(&self, from: usize, to: usize) -> f64 {
        match (self.ridge.points[from], self.ridge.points[to]) {
            (Some(from), Some(to)) => distance(from.place, to.place),
            _ => f64::INFINITY,
        }
    }

    fn lengths_of(&self, way: &[usize]) -> f64 {
        way.windows(2).map(|pair| self.step(pair[0], pair[1])).sum()
    }
}

/// The front along a way.
fn front(ridge: &Ridge, metric: &Metric, mut indices: Vec<usize>) -> Option<Front> {
    let mut points: Vec<Point> = indices.iter().filter_map(|index| ridge.points[*index]).collect();
    let middle = *indices.get(indices.len() / 2)?;
    let origin = Position::new(metric.latitude()[middle], metric.longitude()[middle]);
    let on_plane = |point: &Point| origin.bearing_offset(&Position::new(point.place.1, point.place.0));
    let mut places = smoothed(&points.iter().map(on_plane).collect::<Vec<_>>());
    let steps = |places: &[(f64, f64)]| -> Vec<(f64, f64)> {
        places
            .windows(2)
            .map(|pair| (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1))
            .collect()
    };
    // The right hand of a step (east, north) is (north, -east).
    let to_the_right: f64 = (steps(&places).iter().zip(&points))
        .map(|(step, point)| step.1 * point.rise.0 - step.0 * point.rise.1)
        .sum();
    if to_the_right < 0.0 {
        places.reverse();
        points.reverse();
        indices.reverse();
    }
    let sum = |of: &dyn Fn(&Point) -> f64| points.iter().map(of).sum::<f64>();
    let (rise_east, rise_north) = (sum(&|point| point.rise.0), sum(&|point| point.rise.1));
    // Directions of lines have no sign: twice their angles do.
    let doubled = steps(&places)
        .into_iter()
        .fold((0.0, 0.0), |total, (east, north)| {
            let length = east.hypot(north).max(f64::MIN_POSITIVE);
            let cosine = (north * north - east * east) / length;
            (total.0 + cosine, total.1 + 2.0 * east * north / length)
        });
    let line: Vec<(f64, f64)> = places
        .iter()
        .map(|place| origin.displaced(place.0, place.1))
        .collect();
    let is_partial = [indices.first(), indices.last()]
        .into_iter()
        .flatten()
        .any(|end| ridge.is_at_end(*end));
    Some(Front {
        length: line.windows(2).map(|pair| distance(pair[0], pair[1])).sum(),
        line,
        mean_gradient: sum(&|point| point.steepness) / points.len() as f64,
        maximum_gradient: points.iter().map(|point| point.steepness).fold(0.0, f64::max),
        orientation: 0.5 * doubled.1.atan2(doubled.0).to_degrees().rem_euclid(360.0) % 180.0,
        gradient_direction: rise_east.atan2(rise_north).to_degrees().rem_euclid(360.0) % 360.0,
        is_partial,
        indices,
    })
}

/// Each place but the first and last as a mean of itself twice and of both neighbours.
fn smoothed(places: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut smooth = places.to_vec();
    for (index, three) in places.windows(3).enumerate() {
        let mean = |of: fn(&(f64, f64)) -> f64| 0.25 * (of(&three[0]) + 2.0 * of(&three[1]) + of(&three[2]));
        smooth[index + 1] = (mean(|place| place.0), mean(|place| place.1));
    }
    smooth
}
