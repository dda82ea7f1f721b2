//! When and where the points of a file lie, from its coordinates.

use karin_core::time::{TimeUnits, format_instant};
use karin_core::{Dataset as _, GroupMeta, Packing, Slab};
use karin_netcdf::NcFile;
use serde::Serialize;

/// Times of the lines (or records) of a file. Lines with fill count as missing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TimeSpan {
    /// First time, ISO 8601.
    pub start: String,
    /// Last time.
    pub end: String,
    /// Times that there are.
    pub valid: u64,
    /// Times that are missing.
    pub missing: u64,
}

/// The smallest box that holds all points. `west > east` where it crosses the antimeridian.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Area {
    /// Western edge, -180 to 180.
    pub west: f64,
    /// Southern edge.
    pub south: f64,
    /// Eastern edge, -180 to 180.
    pub east: f64,
    /// Northern edge.
    pub north: f64,
    /// Points (grids: rows or columns) whose position is missing.
    pub missing: u64,
}

/// What was found.
#[derive(Default)]
pub(super) struct Coverage {
    pub(super) time: Option<TimeSpan>,
    pub(super) area: Option<Area>,
    pub(super) warnings: Vec<String>,
}

/// More coordinates than this are not read: no SWOT file has as many (250 m: 40 million), hostile headers may.
const MOST_ELEMENTS: u64 = 400_000_000;
/// Elements read at a time.
const BLOCK_ELEMENTS: usize = 4 << 20;

/// Names of coordinates, best first; others are found by their standard name.
const LATITUDES: [&str; 3] = ["latitude", "lat", "nav_lat"];
const LONGITUDES: [&str; 3] = ["longitude", "lon", "nav_lon"];

/// Reads the coordinates of every group that has some.
pub(super) fn of(file: &NcFile) -> Coverage {
    let mut coverage = Coverage::default();
    let mut times = Extent::default();
    let (mut latitudes, mut longitudes) = (Extent::default(), Circle::default());
    let mut groups = vec![(String::new(), file.root())];
    while let Some((prefix, group)) = groups.pop() {
        if let Some((path, units)) = time_of(&prefix, group) {
            each(file, &path, &mut coverage.warnings, |value| {
                times.add(units.to_seconds(value))
            });
        }
        if let (Some(latitude), Some(longitude)) = (
            find(&prefix, group, &LATITUDES),
            find(&prefix, group, &LONGITUDES),
        ) {
            let plausible = |value: f64| if value.abs() <= 90.0 { value } else { f64::NAN };
            each(file, &latitude, &mut coverage.warnings, |value| {
                latitudes.add(plausible(value))
            });
            each(file, &longitude, &mut coverage.warnings, |value| {
                longitudes.add(value)
            });
        }
        groups.extend(
            group
                .groups
                .iter()
                .map(|inner| (format!("{prefix}{}/", inner.name), inner)),
        );
    }
    coverage.time = times.range().map(|(start, end)| TimeSpan {
        start: format_instant(start),
        end: format_instant(end),
        valid: times.valid,
        missing: times.missing,
    });
    if let (Some((south, north)), Some((west, east))) = (latitudes.range(), longitudes.range()) {
        coverage.area = Some(Area {
            west,
            south,
            east,
            north,
            missing: latitudes.missing,
        });
    }
    coverage
}

fn time_of(prefix: &str, group: &GroupMeta) -> Option<(String, TimeUnits)> {
    let time = group.variables.iter().find(|variable| variable.name == "time")?;
    let units = TimeUnits::parse(time.attributes.text("units")?).ok()?;
    Some((format!("{prefix}time"), units))
}

fn find(prefix: &str, group: &GroupMeta, names: &[&str]) -> Option<String> {
    let named = |name: &&str| group.variables.iter().find(|variable| variable.name == *name);
    let standard = names.first()?;
    let variable = names.iter().find_map(named).or_else(|| {
        group
            .variables
            .iter()
            .find(|variable| variable.attributes.text("standard_name") == Some(*standard))
    })?;
    Some(format!("{prefix}{}", variable.name))
}

/// Calls `take` with every value of a variable, decoded, fill as NaN; in blocks of lines.
fn each(file: &NcFile, path: &str, warnings: &mut Vec<String>, mut take: impl FnMut(f64)) {
    let root = file.root();
    let (Some(variable), Some(shape)) = (root.variable(path), root.shape(path)) else {
        return;
    };
    let Some(packing) = Packing::of(variable) else {
        return;
    };
    let total = shape
        .iter()
        .fold(1_u64, |product, size| product.saturating_mul(*size as u64));
    let lines = shape.first().copied().unwrap_or(1);
    let per_line = shape
        .iter()
        .skip(1)
        .fold(1_usize, |product, size| product.saturating_mul(*size))
        .max(1);
    if total > MOST_ELEMENTS || per_line > BLOCK_ELEMENTS {
        warnings.push(format!(
            "{path}: {total} values were not read: too many for coordinates"
        ));
        return;
    }
    // Whole rows of chunks, so that none is inflated twice.
    let chunk_lines = variable
        .storage
        .chunks
        .as_ref()
        .and_then(|chunks| chunks.first())
        .copied()
        .unwrap_or(1);
    let most = (BLOCK_ELEMENTS / per_line).max(1);
    let step = if chunk_lines >= most {
        most
    } else {
        most / chunk_lines.max(1) * chunk_lines.max(1)
    };
    for start in (0..lines).step_by(step.max(1)) {
        let slab = match shape.len() {
            0 => Slab::all(&shape),
            _ => Slab::rows(&shape, start..lines.min(start + step)),
        };
        let decoded = file.read_slab(path, &slab).map_err(|error| error.to_string());
        match decoded.and_then(|array| packing.decode(&array.values).map_err(|error| error.to_string())) {
            Ok(values) => values.into_iter().for_each(&mut take),
            Err(reason) => {
                warnings.push(reason);
                return;
            }
        }
    }
}

/// Smallest and largest of many numbers.
#[derive(Default)]
struct Extent {
    range: Option<(f64, f64)>,
    valid: u64,
    missing: u64,
}

impl Extent {
    fn add(&mut self, value: f64) {
        if !value.is_finite() {
            self.missing += 1;
            return;
        }
        self.valid += 1;
        self.range = Some(
            self.range
                .map_or((value, value), |(low, high)| (low.min(value), high.max(value))),
        );
    }

    const fn range(&self) -> Option<(f64, f64)> {
        self.range
    }
}

/// The smallest arc that holds many longitudes: what the largest gap leaves.
struct Circle {
    /// Smallest and largest longitude in every tenth of a degree.
    bins: Vec<Option<(f64, f64)>>,
}

impl Default for Circle {
    fn default() -> Self {
        Self {
            bins: vec![None; 3600],
        }
    }
}

impl Circle {
    fn add(&mut self, longitude: f64) {
        // Longitudes of all conventions, but not the fills of re-saved files.
        if longitude.is_nan() || longitude.abs() > 720.0 {
            return;
        }
        let east = longitude.rem_euclid(360.0);
        let index = ((east * 10.0) as usize).min(3599);
        if let Some(bin) = self.bins.get_mut(index) {
            *bin = Some(bin.map_or((east, east), |(low, high)| (low.min(east), high.max(east))));
        }
    }

    /// West and east of the arc, -180 to 180.
    fn range(&self) -> Option<(f64, f64)> {
        let filled: Vec<(f64, f64)> = self.bins.iter().flatten().copied().collect();
        let (first, last) = (filled.first()?, filled.last()?);
        let around = (first.0 + 360.0 - last.1, last.1, first.0);
        let between = filled.windows(2).map(|pair| match pair {
            [left, right] => (right.0 - left.1, left.1, right.0),
            _ => around,
        });
        let (_, east, west) = between.fold(around, |widest, gap| if gap.0 > widest.0 { gap } else { widest });
        let signed = |longitude: f64| {
            if longitude > 180.0 {
                longitude - 360.0
            } else {
                longitude
            }
        };
        Some((signed(west), signed(east)))
    }
}

#[cfg(test)]
mod tests {
    use super::Circle;

    fn arc(longitudes: &[f64]) -> Option<(f64, f64)> {
        let mut circle = Circle::default();
        longitudes.iter().for_each(|longitude| circle.add(*longitude));
        circle.range()
    }

    #[test]
    fn the_arc_is_the_smallest_that_holds_all_longitudes_in_any_convention() {
        assert_eq!(arc(&[10.0, 20.0, 15.0]), Some((10.0, 20.0)));
        assert_eq!(arc(&[350.0, 5.0]), Some((-10.0, 5.0)));
        assert_eq!(arc(&[-10.0, 5.0]), Some((-10.0, 5.0)));
        assert_eq!(arc(&[170.0, -170.0, 180.0]), Some((170.0, -170.0)));
        assert_eq!(arc(&[7.5]), Some((7.5, 7.5)));
        assert_eq!(arc(&[f64::NAN, 1e36]), None);
    }
}
