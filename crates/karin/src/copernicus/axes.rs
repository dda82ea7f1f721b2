//! Which places along a coordinate lie inside: at most two runs, since a box may cross the seam of a grid.

use std::ops::Range;

use karin_core::LonLatBox;
use karin_core::time::{TimeRange, TimeUnits};

/// Numbers that are equal but for rounding, in degrees.
const EDGE: f64 = 1e-9;

/// A run of places, and what is added to their coordinates so that they grow from run to run.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Run {
    pub places: Range<usize>,
    pub shift: f64,
}

/// Everything along an axis.
pub(super) fn all(length: usize) -> Vec<Run> {
    vec![Run {
        places: 0..length,
        shift: 0.0,
    }]
}

/// Places whose latitude lies in a box.
pub(super) fn latitudes(values: &[f64], bounds: &LonLatBox) -> Vec<Run> {
    one_run(values, |value| {
        value >= bounds.south() - EDGE && value <= bounds.north() + EDGE
    })
}

/// Places whose time lies inside.
pub(super) fn times(values: &[f64], units: TimeUnits, time: &TimeRange) -> Vec<Run> {
    one_run(values, |value| time.contains(units.to_seconds(value)))
}

/// From the first place inside to the last: coordinates of grids grow or fall.
fn one_run(values: &[f64], is_inside: impl Fn(f64) -> bool) -> Vec<Run> {
    let first = values.iter().position(|value| is_inside(*value));
    let last = values.iter().rposition(|value| is_inside(*value));
    match (first, last) {
        (Some(first), Some(last)) => vec![Run {
            places: first..last + 1,
            shift: 0.0,
        }],
        _ => Vec::new(),
    }
}

/// Places whose longitude lies in a box, whatever the convention of either, from west to east.
pub(super) fn longitudes(values: &[f64], bounds: &LonLatBox) -> Vec<Run> {
    let eastward = |value: f64| (value - bounds.west() + EDGE).rem_euclid(360.0) - EDGE;
    let mut runs: Vec<Run> = Vec::new();
    for (place, value) in values.iter().enumerate() {
        let along = eastward(*value);
        if along > bounds.width() + EDGE {
            continue;
        }
        // Turns of the globe between the grid's number and one that counts on from the west edge.
        let shift = ((bounds.west() + along - value) / 360.0).round() * 360.0;
        match runs.last_mut() {
            Some(run) if run.places.end == place && run.shift == shift => run.places.end = place + 1,
            _ => runs.push(Run {
                places: place..place + 1,
                shift,
            }),
        }
    }
    runs.sort_by(|a, b| {
        let start = |run: &Run| values.get(run.places.start).map_or(0.0, |value| eastward(*value));
        start(a).total_cmp(&start(b))
    });
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(west: f64, step: f64, count: u32) -> Vec<f64> {
        (0..count).map(|index| west + step * f64::from(index)).collect()
    }

    fn chosen(values: &[f64], bounds: &str) -> Vec<f64> {
        let runs = longitudes(values, &bounds.parse().unwrap());
        assert!(runs.len() <= 2, "{runs:?}");
        runs.iter()
            .flat_map(|run| run.places.clone().map(move |place| values[place] + run.shift))
            .collect()
    }

    #[test]
    fn longitudes_of_any_convention_grow_from_west_to_east() {
        for west in [-179.5, 0.5] {
            let values = grid(west, 1.0, 360);
            for (bounds, first, last, count) in [
                ("10,-1,20,1", 10.5, 19.5, 10),
                ("-20,-1,10,1", -19.5, 9.5, 30),
                ("170,-1,-170,1", 170.5, 189.5, 20),
                ("340,-1,350,1", 340.5, 349.5, 10),
                ("-180,-1,180,1", -179.5, 179.5, 360),
            ] {
                let found = chosen(&values, bounds);
                assert_eq!(found.len(), count, "{west} {bounds}");
                assert_eq!((found[0], found[count - 1]), (first, last), "{west} {bounds}");
                assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "{west} {bounds}");
            }
        }
    }

    #[test]
    fn latitudes_may_fall() {
        let mut values = grid(-89.5, 1.0, 180);
        let bounds: LonLatBox = "0,-10,1,10".parse().unwrap();
        assert_eq!(latitudes(&values, &bounds)[0].places, 80..100);
        values.reverse();
        assert_eq!(latitudes(&values, &bounds)[0].places, 80..100);
        assert!(latitudes(&values[..5], &bounds).is_empty());
    }
}
