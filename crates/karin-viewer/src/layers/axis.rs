//! Axes of a map: which of its rows or columns lies at a latitude or longitude.

/// Centres of the rows or columns of a map, ascending, and where each one is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    centres: Vec<f64>,
    order: Vec<usize>,
    /// Edges between cells and at both ends: one more than centres.
    edges: Vec<f64>,
    is_round: bool,
    stored: usize,
}

impl Axis {
    /// Of latitudes in any order; those that are none are left out.
    pub fn of_latitudes(latitudes: &[f64]) -> Self {
        let mut found: Vec<(f64, usize)> = numbered(latitudes)
            .filter(|(value, _)| value.abs() <= 90.0)
            .collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut axis = Self::of(found, false, latitudes.len());
        axis.edges
            .iter_mut()
            .for_each(|edge| *edge = edge.clamp(-90.0, 90.0));
        axis
    }

    /// Of longitudes in any order and of any convention: from -180, from 0, or on across the antimeridian.
    pub fn of_longitudes(longitudes: &[f64]) -> Self {
        let mut found: Vec<(f64, usize)> = numbered(longitudes)
            .map(|(value, at)| (value.rem_euclid(360.0), at))
            .collect();
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        // Some maps repeat their first meridian at the end.
        found.dedup_by(|a, b| (a.0 - b.0).abs() < 1e-6);
        if let (Some(first), Some(last)) = (found.first(), found.last())
            && found.len() > 1
            && first.0 + 360.0 - last.0 < 1e-6
        {
            found.pop();
        }
        let count = found.len();
        let gap = |at: usize| {
            let (this, next) = (found.get(at)?.0, found.get((at + 1) % count)?.0);
            Some(if at + 1 == count {
                next + 360.0 - this
            } else {
                next - this
            })
        };
        let mut gaps: Vec<f64> = (0..count).filter_map(gap).collect();
        let widest = (0..count).max_by(|a, b| gap(*a).unwrap_or(0.0).total_cmp(&gap(*b).unwrap_or(0.0)));
        gaps.sort_by(f64::total_cmp);
        let usual = gaps.get(count / 2).copied().unwrap_or(360.0);
        let is_round = count > 2 && gaps.last().is_some_and(|most| *most < 1.5 * usual);
        if let Some(widest) = widest.filter(|_| !is_round) {
            // The map begins after the gap that it leaves.
            found.rotate_left((widest + 1) % count);
            let start = found.first().map_or(0.0, |first| first.0);
            found
                .iter_mut()
                .for_each(|place| place.0 = start + (place.0 - start).rem_euclid(360.0));
        }
        Self::of(found, is_round, longitudes.len())
    }

    fn of(found: Vec<(f64, usize)>, is_round: bool, stored: usize) -> Self {
        let (centres, order): (Vec<f64>, Vec<usize>) = found.into_iter().unzip();
        let mut edges: Vec<f64> = centres
            .windows(2)
            .map(|pair| pair.iter().sum::<f64>() / 2.0)
            .collect();
        let ends = |edges: &[f64]| match (centres.first(), centres.last(), edges.first(), edges.last()) {
            (Some(first), Some(last), _, _) if is_round => {
                let middle = (first + 360.0 + last) / 2.0;
                Some((middle - 360.0, middle))
            }
            (Some(first), Some(last), Some(second), Some(before)) => {
                Some((2.0 * first - second, 2.0 * last - before))
            }
            (Some(only), ..) => Some((only - 0.5, only + 0.5)),
            _ => None,
        };
        if let Some((first, last)) = ends(&edges) {
            edges.insert(0, first);
            edges.push(last);
        }
        Self {
            centres,
            order,
            edges,
            is_round,
            stored,
        }
    }

    /// How many are stored, with those that are left out.
    pub const fn stored(&self) -> usize {
        self.stored
    }

    /// Centres, ascending; longitudes may run on beyond 360.
    pub fn centres(&self) -> &[f64] {
        &self.centres
    }

    /// The outer edges.
    pub fn ends(&self) -> Option<(f64, f64)> {
        Some((*self.edges.first()?, *self.edges.last()?))
    }

    /// True if it runs round the globe.
    pub const fn is_round(&self) -> bool {
        self.is_round
    }

    /// Where the cell is stored in which a latitude lies.
    pub fn at(&self, value: f64) -> Option<usize> {
        let (first, last) = self.ends()?;
        if !(first..=last).contains(&value) {
            return None;
        }
        let cell = self
            .edges
            .partition_point(|edge| *edge <= value)
            .saturating_sub(1);
        self.order
            .get(cell.min(self.order.len().checked_sub(1)?))
            .copied()
    }

    /// Where the cell is stored in which a longitude of any turn lies.
    pub fn at_longitude(&self, longitude: f64) -> Option<usize> {
        let (first, _) = self.ends()?;
        self.at(first + (longitude - first).rem_euclid(360.0))
    }

    /// For each of `count` pixels the stored cells whose centres fall on it; where there is none, the one that its own
    /// centre lies in. `pixel_of` gives the pixel of the centre of a cell, `find` the cell of a pixel's centre.
    pub fn spread(
        &self,
        count: usize,
        pixel_of: impl Fn(f64) -> f64,
        find: impl Fn(&Self, usize) -> Option<usize>,
    ) -> Vec<Vec<usize>> {
        let mut pixels = vec![Vec::new(); count];
        for (centre, stored) in self.centres.iter().zip(&self.order) {
            let pixel = pixel_of(*centre).floor();
            if pixel >= 0.0
                && let Some(cells) = pixels.get_mut(pixel as usize)
            {
                cells.push(*stored);
            }
        }
        for (at, cells) in pixels.iter_mut().enumerate() {
            if cells.is_empty() {
                cells.extend(find(self, at));
            }
        }
        pixels
    }
}

fn numbered(values: &[f64]) -> impl Iterator<Item = (f64, usize)> {
    let numbered = values.iter().copied().enumerate().map(|(at, value)| (value, at));
    numbered.filter(|(value, _)| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_conventions_of_longitude_find_the_same_place() {
        let from_0: Vec<f64> = (0..8).map(|at| 22.5 + 45.0 * f64::from(at)).collect();
        let from_180: Vec<f64> = from_0.iter().map(|lon| lon - 180.0).collect();
        let (a, b) = (Axis::of_longitudes(&from_0), Axis::of_longitudes(&from_180));
        assert!(a.is_round() && b.is_round());
        for longitude in [-180.0, -179.9, -1.0, 0.0, 44.0, 179.9, 181.0, 359.0, 361.0] {
            let place = |axis: &Axis, values: &[f64]| {
                values[axis.at_longitude(longitude).expect("a cell")].rem_euclid(360.0)
            };
            assert_eq!(place(&a, &from_0), place(&b, &from_180), "{longitude}");
        }
    }

    #[test]
    fn a_map_across_the_antimeridian_ends_where_it_ends() {
        for longitudes in [
            vec![178.0, 179.0, -180.0, -179.0],
            vec![178.0, 179.0, 180.0, 181.0],
        ] {
            let axis = Axis::of_longitudes(&longitudes);
            assert!(!axis.is_round());
            assert_eq!(axis.ends(), Some((177.5, 181.5)));
            assert_eq!(axis.at_longitude(-180.2), Some(2));
            assert_eq!(axis.at_longitude(-178.6), Some(3));
            assert_eq!(
                (axis.at_longitude(177.4), axis.at_longitude(-178.4)),
                (None, None)
            );
        }
    }

    #[test]
    fn a_meridian_that_is_repeated_counts_once() {
        let axis = Axis::of_longitudes(&[0.0, 90.0, 180.0, 270.0, 360.0]);
        assert_eq!((axis.centres().len(), axis.is_round()), (4, true));
    }

    #[test]
    fn latitudes_may_descend_and_end_at_the_poles() {
        let axis = Axis::of_latitudes(&[90.0, 30.0, -30.0, -90.0]);
        assert_eq!(axis.ends(), Some((-90.0, 90.0)));
        assert_eq!(
            (axis.at(89.0), axis.at(1.0), axis.at(-90.0)),
            (Some(0), Some(1), Some(3))
        );
        let none = Axis::of_latitudes(&[f64::NAN]);
        assert_eq!((none.at(0.0), none.ends()), (None, None));
    }

    #[test]
    fn every_cell_falls_on_one_pixel_and_every_pixel_has_a_cell() {
        let axis = Axis::of_latitudes(&[0.5, 1.5, 2.5, 3.5]);
        let fine = axis.spread(8, |lat| 2.0 * lat, |axis, at| axis.at((at as f64 + 0.5) / 2.0));
        assert_eq!(fine, [[0], [0], [1], [1], [2], [2], [3], [3]]);
        let coarse = axis.spread(2, |lat| lat / 2.0, |axis, at| axis.at(2.0 * at as f64 + 1.0));
        assert_eq!(coarse, [[0, 1], [2, 3]]);
    }
}
