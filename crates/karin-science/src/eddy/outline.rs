//! The outline of a connected set of pixels, between the pixels inside and those outside.

use super::plane::Plane;
use crate::Extent;

/// A vertex of an outline: on the way from a pixel inside to its neighbour outside, where the field crosses the level.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vertex {
    /// Metres east and north.
    pub place: (f64, f64),
    /// Speed there; NaN where neither pixel has one.
    pub speed: f64,
    /// The neighbour has no value: the outline runs along an edge or gap, half a pixel from the last value.
    pub is_edge: bool,
}

/// Up (to the line before), right, down, left.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Direction(u8);

impl Direction {
    pub(super) const ALL: [Self; 4] = [Self(0), Self(1), Self(2), Self(3)];
    const UP: Self = Self(0);

    const fn turned(self, quarters: u8) -> Self {
        Self((self.0 + quarters) % 4)
    }

    /// The pixel next to another one in this direction.
    pub(super) fn next(self, extent: Extent, index: usize) -> Option<usize> {
        let width = extent.num_pixels;
        match self.0 {
            0 => index.checked_sub(width),
            1 => (!(index + 1).is_multiple_of(width)).then_some(index + 1),
            2 => Some(index + width).filter(|next| *next < extent.len()),
            _ => (!index.is_multiple_of(width)).then(|| index - 1),
        }
    }
}

/// What an outline is drawn of.
pub(super) struct Ground<'a> {
    pub extent: Extent,
    /// Values; NaN where there is none.
    pub field: &'a [f64],
    /// Values inside are at least this, those of neighbours outside are less.
    pub level: f64,
    pub speed: &'a [f64],
}

/// The outer outline of the pixels that are `inside` and connected by their sides with `first`, which must be the first of
/// them in the slice. Clockwise as lines run down and pixels to the right. Holes are no part of it.
pub(super) fn outline(
    ground: &Ground<'_>,
    first: usize,
    inside: impl Fn(usize) -> bool,
    plane: &mut Plane<'_>,
) -> Vec<Vertex> {
    let step = |from: usize, direction: Direction| direction.next(ground.extent, from);
    let is_inside = |index: &usize| inside(*index);
    let mut vertices = Vec::new();
    let (mut here, mut side) = (first, Direction::UP);
    // Every side of every pixel is passed once at most.
    for _ in 0..4 * ground.extent.len() {
        vertices.push(vertex(ground, here, side, plane));
        let along = side.turned(1);
        (here, side) = match step(here, along).filter(is_inside) {
            None => (here, along),
            Some(ahead) => match step(ahead, side).filter(is_inside) {
                None => (ahead, side),
                Some(corner) => (corner, side.turned(3)),
            },
        };
        if (here, side) == (first, Direction::UP) {
            break;
        }
    }
    vertices
}

fn vertex(ground: &Ground<'_>, here: usize, side: Direction, plane: &mut Plane<'_>) -> Vertex {
    let from = plane.at(here);
    let beyond = side.next(ground.extent, here);
    let own = ground.speed[here];
    if let Some(there) = beyond.filter(|there| !ground.field[*there].is_nan()) {
        let (inner, outer) = (ground.field[here], ground.field[there]);
        // Never on a pixel itself, where several vertices would lie at one place.
        let part = ((inner - ground.level) / (inner - outer)).clamp(1e-3, 0.999);
        let part = if part.is_nan() { 0.5 } else { part };
        let (to, other) = (plane.at(there), ground.speed[there]);
        let speed = match (own.is_nan(), other.is_nan()) {
            (false, false) => own + part * (other - own),
            (true, _) => other,
            (_, true) => own,
        };
        return Vertex {
            place: (from.0 + part * (to.0 - from.0), from.1 + part * (to.1 - from.1)),
            speed,
            is_edge: false,
        };
    }
    // Half a pixel on: towards the neighbour where it has a place, else away from the one behind.
    let known = |place: &(f64, f64)| place.0.is_finite() && place.1.is_finite();
    let ahead = beyond.map(|there| plane.at(there)).filter(known);
    let behind = side.turned(2).next(ground.extent, here);
    let behind = behind.map(|there| plane.at(there)).filter(known);
    let place = match (ahead, behind) {
        (Some(to), _) => (0.5 * (from.0 + to.0), 0.5 * (from.1 + to.1)),
        (None, Some(back)) => (1.5 * from.0 - 0.5 * back.0, 1.5 * from.1 - 0.5 * back.1),
        (None, None) => from,
    };
    Vertex {
        place,
        speed: own,
        is_edge: true,
    }
}
