//! The hills of a field and how far down each is one by itself.

use super::outline::Direction;
use crate::Extent;

/// A hill: its highest pixel, and the level down to which (not at which) it holds no other one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Peak {
    pub index: usize,
    pub floor: f64,
}

/// Parts of the field above a level, while the level falls.
struct Parts<'a> {
    field: &'a [f64],
    /// The pixel that stands for the part of each pixel, found by following.
    parents: Vec<u32>,
    /// Highest pixel of the part, by its representative.
    peaks: Vec<u32>,
    /// It holds more than one hill.
    is_mixed: Vec<bool>,
    found: Vec<Peak>,
    ripple: f64,
}

const OUTSIDE: u32 = u32::MAX;

/// The hills of a field whose valid pixels in falling order are `order`. Water that falls uncovers hills; where two meet, one
/// that rises less than `ripple` above the place is part of the other, else the place is the floor of both (persistence
/// of superlevel sets). Pixels meet at their sides.
pub(super) fn peaks(field: &[f64], order: &[u32], extent: Extent, ripple: f64) -> Vec<Peak> {
    let mut parts = Parts {
        field,
        parents: vec![OUTSIDE; field.len()],
        peaks: vec![OUTSIDE; field.len()],
        is_mixed: vec![false; field.len()],
        found: Vec::new(),
        ripple,
    };
    for &pixel in order {
        let index = pixel as usize;
        parts.parents[index] = pixel;
        parts.peaks[index] = pixel;
        for direction in Direction::ALL {
            if let Some(next) = direction.next(extent, index)
                && parts.parents[next] != OUTSIDE
            {
                parts.join(pixel, next as u32, field[index]);
            }
        }
    }
    for &pixel in order {
        if parts.parents[pixel as usize] == pixel && !parts.is_mixed[pixel as usize] {
            parts.found.push(Peak {
                index: parts.peaks[pixel as usize] as usize,
                floor: f64::NEG_INFINITY,
            });
        }
    }
    parts.found
}

impl Parts<'_> {
    fn representative(&mut self, mut pixel: u32) -> u32 {
        while self.parents[pixel as usize] != pixel {
            let parent = self.parents[pixel as usize];
            // Halving the way keeps ways short.
            self.parents[pixel as usize] = self.parents[parent as usize];
            pixel = self.parents[pixel as usize];
        }
        pixel
    }

    fn join(&mut self, one: u32, other: u32, level: f64) {
        let (one, other) = (self.representative(one), self.representative(other));
        if one == other {
            return;
        }
        let height = |own: &Self, part: u32| own.field[own.peaks[part as usize] as usize];
        let (higher, lower) = if height(self, one) >= height(self, other) {
            (one, other)
        } else {
            (other, one)
        };
        if self.is_hill(lower, level) {
            for part in [higher, lower] {
                if !self.is_mixed[part as usize] {
                    let index = self.peaks[part as usize] as usize;
                    self.found.push(Peak { index, floor: level });
                }
            }
            self.is_mixed[higher as usize] = true;
        }
        self.parents[lower as usize] = higher;
    }

    /// True for parts that rise above a level by more than a ripple, and for those that hold several hills.
    fn is_hill(&self, part: u32, level: f64) -> bool {
        let peak = self.peaks[part as usize] as usize;
        self.is_mixed[part as usize] || self.field[peak] - level >= self.ripple
    }
}
