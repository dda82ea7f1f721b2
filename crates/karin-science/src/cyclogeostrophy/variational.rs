//! The least imbalance over all pixels, by Gauss-Newton steps.

use multiversion::multiversion;

use super::{Differences, Flow, zero_filled};

/// Gauss-Newton steps at most.
const STEPS: usize = 8;
/// Steps of conjugate gradients within one.
const INNER_STEPS: usize = 15;
/// Share of the gradient that conjugate gradients leave.
const INNER_TOLERANCE: f64 = 0.05;
/// Sum of squares has settled when a step lessens it by a smaller share than this.
const SETTLED: f64 = 1e-3;
/// Damping of the first step, relative to the unit diagonal of the problem.
const DAMPING: f64 = 1e-4;
/// Damping at which a problem is left as it is.
const MOST_DAMPING: f64 = 1e6;

/// Both components of all pixels.
type Pair = [Vec<f64>; 2];

/// Minimises the sum of squares of the imbalance `(u - u_g + (u . grad v)/f, v - v_g - (u . grad u)/f)`, from the geostrophic
/// current on. Levenberg-Marquardt with conjugate gradients; sums run in one order, so that the result is always the same.
pub(super) fn solve(flow: &Flow, differences: &[Differences; 2]) -> (Vec<f64>, Vec<f64>) {
    let problem = Problem::new(flow, differences);
    let mut current = [zero_filled(&flow.along), zero_filled(&flow.left)];
    let mut point = problem.linearise(&current);
    let mut damping = DAMPING;
    for _ in 0..STEPS {
        let step = problem.step(&point, &current, damping);
        let trial = [added(&current[0], &step[0]), added(&current[1], &step[1])];
        let next = problem.linearise(&trial);
        if next.cost < point.cost {
            let has_settled = point.cost - next.cost < SETTLED * point.cost;
            (current, point) = (trial, next);
            damping *= 0.2;
            if has_settled {
                break;
            }
        } else {
            damping *= 25.0;
            if damping > MOST_DAMPING {
                break;
            }
        }
    }
    let [mut along, mut left] = current;
    for (index, is_known) in problem.is_known.iter().enumerate() {
        if !is_known {
            (along[index], left[index]) = (f64::NAN, f64::NAN);
        }
    }
    (along, left)
}

struct Problem<'a> {
    flow: &'a Flow,
    by_line: &'a Differences,
    by_pixel: &'a Differences,
    /// Pixels that have an imbalance.
    is_known: Vec<bool>,
    /// 1/f there, 0 elsewhere.
    factor: Vec<f64>,
}

/// The imbalance of a current and what its change is made of.
struct Point {
    imbalance: Pair,
    /// Slopes along and left of the component along, then of the one to the left, times 1/f.
    slopes: [Vec<f64>; 4],
    cost: f64,
}

impl<'a> Problem<'a> {
    fn new(flow: &'a Flow, [by_line, by_pixel]: &'a [Differences; 2]) -> Self {
        let is_known: Vec<bool> = (0..flow.along.len())
            .map(|index| {
                by_line.is_known[index] && by_pixel.is_known[index] && flow.per_coriolis[index].is_finite()
            })
            .collect();
        let factor = is_known
            .iter()
            .zip(&flow.per_coriolis)
            .map(|(is_known, factor)| if *is_known { *factor } else { 0.0 })
            .collect();
        Self {
            flow,
            by_line,
            by_pixel,
            is_known,
            factor,
        }
    }

    fn linearise(&self, [along, left]: &Pair) -> Point {
        let mut slopes = [
            self.by_line.apply(along),
            self.by_pixel.apply(along),
            self.by_line.apply(left),
            self.by_pixel.apply(left),
        ];
        for slope in &mut slopes {
            for (slope, factor) in slope.iter_mut().zip(&self.factor) {
                *slope *= factor;
            }
        }
        let mut imbalance = [vec![0.0; along.len()], vec![0.0; along.len()]];
        for index in (0..along.len()).filter(|index| self.is_known[*index]) {
            let (a, l) = (along[index], left[index]);
            imbalance[0][index] = a - self.flow.along[index] + a * slopes[2][index] + l * slopes[3][index];
            imbalance[1][index] = l - self.flow.left[index] - a * slopes[0][index] - l * slopes[1][index];
        }
        let cost = product(&imbalance, &imbalance);
        Point {
            imbalance,
            slopes,
            cost,
        }
    }

    /// The change of the imbalance by a change of the current.
    fn forward(&self, point: &Point, [along, left]: &Pair, change: &Pair) -> Pair {
        let by_line = [self.by_line.apply(&change[0]), self.by_line.apply(&change[1])];
        let by_pixel = [self.by_pixel.apply(&change[0]), self.by_pixel.apply(&change[1])];
        let mut out = [vec![0.0; along.len()], vec![0.0; along.len()]];
        for index in (0..along.len()).filter(|index| self.is_known[*index]) {
            let (a, l, factor) = (along[index], left[index], self.factor[index]);
            let (da, dl) = (change[0][index], change[1][index]);
            let slope = |which: usize| point.slopes[which][index];
            let carried = |which: usize| factor * (a * by_line[which][index] + l * by_pixel[which][index]);
            out[0][index] = da + da * slope(2) + dl * slope(3) + carried(1);
            out[1][index] = dl - da * slope(0) - dl * slope(1) - carried(0);
        }
        out
    }

    /// The transpose of [`Problem::forward`].
    fn backward(&self, point: &Point, [along, left]: &Pair, imbalance: &Pair) -> Pair {
        let count = along.len();
        let mut out = [vec![0.0; count], vec![0.0; count]];
        let mut carried = [
            vec![0.0; count],
            vec![0.0; count],
            vec![0.0; count],
            vec![0.0; count],
        ];
        for index in (0..count).filter(|index| self.is_known[*index]) {
            let (first, second) = (imbalance[0][index], imbalance[1][index]);
            let (a, l) = (
                along[index] * self.factor[index],
                left[index] * self.factor[index],
            );
            let slope = |which: usize| point.slopes[which][index];
            out[0][index] = first + first * slope(2) - second * slope(0);
            out[1][index] = second + first * slope(3) - second * slope(1);
            carried[0][index] = -second * a;
            carried[1][index] = -second * l;
            carried[2][index] = first * a;
            carried[3][index] = first * l;
        }
        self.by_line.add_transposed(&carried[0], &mut out[0]);
        self.by_pixel.add_transposed(&carried[1], &mut out[0]);
        self.by_line.add_transposed(&carried[2], &mut out[1]);
        self.by_pixel.add_transposed(&carried[3], &mut out[1]);
        out
    }

    /// The step that lessens the linearised imbalance most, damped; by conjugate gradients on the normal equations.
    fn step(&self, point: &Point, current: &Pair, damping: f64) -> Pair {
        let mut rest = self.backward(point, current, &point.imbalance);
        for value in rest.iter_mut().flatten() {
            *value = -*value;
        }
        let mut step = [vec![0.0; rest[0].len()], vec![0.0; rest[0].len()]];
        let mut direction = rest.clone();
        let mut square = product(&rest, &rest);
        let enough = INNER_TOLERANCE * INNER_TOLERANCE * square;
        for _ in 0..INNER_STEPS {
            if square <= enough || square == 0.0 {
                break;
            }
            let change = self.forward(point, current, &direction);
            let mut image = self.backward(point, current, &change);
            for part in 0..2 {
                add_scaled(&mut image[part], damping, &direction[part]);
            }
            let length = square / product(&direction, &image);
            for part in 0..2 {
                add_scaled(&mut step[part], length, &direction[part]);
                add_scaled(&mut rest[part], -length, &image[part]);
            }
            let next = product(&rest, &rest);
            for part in 0..2 {
                for (direction, rest) in direction[part].iter_mut().zip(&rest[part]) {
                    *direction = rest + next / square * *direction;
                }
            }
            square = next;
        }
        step
    }
}

fn product(one: &Pair, other: &Pair) -> f64 {
    let both = one.iter().zip(other);
    both.map(|(one, other)| one.iter().zip(other).map(|(a, b)| a * b).sum::<f64>())
        .sum()
}

fn added(one: &[f64], other: &[f64]) -> Vec<f64> {
    one.iter().zip(other).map(|(a, b)| a + b).collect()
}

#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn add_scaled(out: &mut [f64], factor: f64, values: &[f64]) {
    for (out, value) in out.iter_mut().zip(values) {
        *out += factor * value;
    }
}
