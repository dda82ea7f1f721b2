//! How a granule is laid out: which groups hold swaths, which dimension counts lines, where its coordinates are.

use std::ops::Range;
use std::sync::Arc;

use karin_core::{
    Dataset, DatasetError, GroupMeta, Packing, Product, Side, Slab, TimeUnits, Values, VariableMeta,
};

use crate::reduction::{Lent, Spare};

/// One swath of a granule: the root group, or one of the sides or tracks.
#[derive(Clone, Debug, PartialEq)]
pub struct Swath {
    /// Path of its group; empty for the root.
    pub group: String,
    /// Name of the dimension that counts lines.
    pub lines_dimension: String,
    /// Number of lines.
    pub num_lines: usize,
    /// Number of pixels of a line; 1 where the product is a track without width.
    pub num_pixels: usize,
    /// Path of the latitudes.
    pub latitude: String,
    /// Path of the longitudes.
    pub longitude: String,
    /// Path of the times, one per line, where there are any.
    pub time: Option<String>,
}

/// How the values of a variable lie on a swath.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `[num_lines, num_pixels]`.
    Pixels,
    /// `[num_lines]`, or `[num_lines, n]` with another second dimension: `n` values per line.
    Lines(usize),
    /// Lines are none of its dimensions: that many values in all.
    Other(usize),
}

impl Swath {
    /// The swaths of a granule; none for files without latitudes along lines (maps).
    pub fn of(root: &GroupMeta, side: Side) -> Vec<Self> {
        let mut found = Vec::new();
        Self::collect(root, root, "", &mut found);
        match side {
            Side::Both => found,
            Side::Left => found.into_iter().filter(|swath| swath.group != "right").collect(),
            Side::Right => found.into_iter().filter(|swath| swath.group != "left").collect(),
        }
    }

    fn collect(root: &GroupMeta, group: &GroupMeta, path: &str, found: &mut Vec<Self>) {
        found.extend(Self::in_group(root, group, path));
        for inner in &group.groups {
            Self::collect(root, inner, &join(path, &inner.name), found);
        }
    }

    fn in_group(root: &GroupMeta, group: &GroupMeta, path: &str) -> Option<Self> {
        let named = |names: &[&str], standard: &str| {
            let by_name = names
                .iter()
                .find_map(|name| group.variables.iter().find(|v| v.name == *name));
            by_name.or_else(|| {
                group
                    .variables
                    .iter()
                    .find(|v| v.attributes.text("standard_name") == Some(standard))
            })
        };
        let latitude = named(&["latitude", "lat"], "latitude")?;
        let longitude = named(&["longitude", "lon"], "longitude")?;
        if latitude.dimensions != longitude.dimensions || !latitude.dtype.is_numeric() {
            return None;
        }
        let shape = root.shape(&join(path, &latitude.name))?;
        let (lines_dimension, num_lines, num_pixels) =
            match (latitude.dimensions.as_slice(), shape.as_slice()) {
                ([lines, _], [num_lines, num_pixels]) => (lines, *num_lines, *num_pixels),
                ([lines], [num_lines]) => (lines, *num_lines, 1),
                _ => return None,
            };
        let time = named(&["time"], "time")
            .filter(|time| time.dtype.is_numeric() && time.dimensions == [lines_dimension.as_str()]);
        Some(Self {
            group: path.to_owned(),
            lines_dimension: lines_dimension.clone(),
            num_lines,
            num_pixels,
            latitude: join(path, &latitude.name),
            longitude: join(path, &longitude.name),
            time: time.map(|time| join(path, &time.name)),
        })
    }

    /// Number of pixels in all.
    pub fn len(&self) -> usize {
        self.num_lines * self.num_pixels
    }

    /// True without pixels.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How a variable of the swath's group lies on it.
    pub fn shape_of(&self, root: &GroupMeta, path: &str) -> Option<Shape> {
        let variable = root.variable(path)?;
        let shape = root.shape(path)?;
        Some(match (variable.dimensions.as_slice(), shape.as_slice()) {
            ([lines], [_]) if *lines == self.lines_dimension && self.num_pixels == 1 => Shape::Pixels,
            ([lines, _], [_, n]) if *lines == self.lines_dimension && *n == self.num_pixels => Shape::Pixels,
            ([lines, ..], [_, rest @ ..]) if *lines == self.lines_dimension => {
                Shape::Lines(rest.iter().product())
            }
            _ => Shape::Other(shape.iter().product()),
        })
    }

    /// Path of a variable of the swath's group.
    pub fn path(&self, name: &str) -> String {
        join(&self.group, name)
    }

    /// Times of lines in seconds since 2000-01-01, NaN where there is none; all NaN without a time variable.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn times(&self, dataset: &dyn Dataset, lines: Range<usize>) -> Result<Vec<f64>, DatasetError> {
        let Some(path) = &self.time else {
            return Ok(vec![f64::NAN; lines.len()]);
        };
        let units = dataset
            .root()
            .variable(path)
            .and_then(|variable| variable.attributes.text("units"));
        let units = units
            .and_then(|text| TimeUnits::parse(text).ok())
            .unwrap_or(TimeUnits::SWOT);
        let mut times = decoded(dataset, path, lines)?;
        times.iter_mut().for_each(|time| *time = units.to_seconds(*time));
        Ok(times)
    }

    /// Longitudes and latitudes of the pixels of some lines in degrees, NaN where there is none.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn positions(
        &self,
        dataset: &dyn Dataset,
        lines: Range<usize>,
    ) -> Result<(Vec<f64>, Vec<f64>), DatasetError> {
        Ok((
            decoded(dataset, &self.longitude, lines.clone())?,
            decoded(dataset, &self.latitude, lines)?,
        ))
    }
}

/// `group/name`, or the name alone in the root.
pub fn join(group: &str, name: &str) -> String {
    if group.is_empty() {
        name.to_owned()
    } else {
        format!("{group}/{name}")
    }
}

/// The metadata of a variable that must be there.
pub(crate) fn variable<'a>(dataset: &'a dyn Dataset, path: &str) -> Result<&'a VariableMeta, DatasetError> {
    dataset
        .root()
        .variable(path)
        .ok_or_else(|| DatasetError::no_variable(dataset.label(), path))
}

/// The packing of a variable that must hold numbers.
pub(crate) fn packing(dataset: &dyn Dataset, path: &str) -> Result<Packing, DatasetError> {
    Packing::of(variable(dataset, path)?)
        .ok_or_else(|| DatasetError::invalid(dataset.label(), path, "it holds text, not numbers"))
}

/// Rows of a variable as stored, in the type of its packing.
pub(crate) fn packed_rows(
    dataset: &dyn Dataset,
    path: &str,
    lines: Range<usize>,
) -> Result<(Packing, Values), DatasetError> {
    let (packing, slab) = packed_slab(dataset, path, lines)?;
    let mut values = Values::zeros(packing.dtype, slab.len());
    dataset.read_into(path, &slab, values.as_bytes_mut())?;
    Ok((packing, values))
}

/// The same in memory that is used again.
pub(crate) fn lent_rows(
    dataset: &dyn Dataset,
    path: &str,
    lines: Range<usize>,
    spare: &Arc<Spare>,
) -> Result<(Packing, Lent), DatasetError> {
    let (packing, slab) = packed_slab(dataset, path, lines)?;
    let mut values = Lent::new(spare, packing.dtype, slab.len());
    dataset.read_into(path, &slab, values.as_bytes_mut())?;
    Ok((packing, values))
}

/// The packing of a variable that must hold numbers, and where rows of it are.
fn packed_slab(
    dataset: &dyn Dataset,
    path: &str,
    lines: Range<usize>,
) -> Result<(Packing, Slab), DatasetError> {
    let packing = packing(dataset, path)?;
    let shape = dataset
        .root()
        .shape(path)
        .ok_or_else(|| DatasetError::no_variable(dataset.label(), path))?;
    Ok((packing, Slab::rows(&shape, lines)))
}

/// Rows of a variable as true values, NaN where there is none.
pub(crate) fn decoded(
    dataset: &dyn Dataset,
    path: &str,
    lines: Range<usize>,
) -> Result<Vec<f64>, DatasetError> {
    let (packing, values) = packed_rows(dataset, path, lines)?;
    packing
        .decode(&values)
        .map_err(|error| DatasetError::invalid(dataset.label(), path, error.to_string()))
}

/// True for swaths whose pixel in the middle holds the nadir altimeter's values: of level 3, or saying where they are.
pub(crate) fn has_clipped_nadir(root: &GroupMeta, swath: &Swath, product: Option<Product>) -> bool {
    let says_where = || root.variable(&swath.path("i_num_line")).is_some();
    product.is_some_and(Product::is_level3_ssh) || says_where()
}
