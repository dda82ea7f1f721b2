//! Onto which lines and pixels of the layout the values of a granule fall.

use karin_core::{Dataset, GroupMeta, Slab};

use super::granule::Refusal;
use crate::layout::{ArrayLayout, GroupLayout};

/// Where the lines and pixels of one group of a granule land.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Landing {
    /// Original index of every line; `None` = as they come.
    pub lines: Option<Vec<usize>>,
    /// Original index of every pixel; `None` = as they come.
    pub pixels: Option<Vec<usize>>,
}

const LINES: &str = "num_lines";
const PIXELS: &str = "num_pixels";

/// What to do about it.
pub(super) const WITHOUT_INDICES: &str = "an excerpt without original indices: write it with the variables num_lines and \
     num_pixels, which say where its lines and pixels lie in the granule, or ingest the whole granule";

impl Landing {
    /// Reads the original indices that a crop carries; without them, the granule has to be whole.
    pub(super) fn of(
        dataset: &dyn Dataset,
        group: &GroupMeta,
        path: &str,
        layout: &GroupLayout,
    ) -> Result<Self, Refusal> {
        let size = |name: &str| {
            group
                .dimensions
                .iter()
                .find(|dimension| dimension.name == name)
                .map(|d| d.size)
        };
        let structure = layout.blueprint.structure.group(path);
        let pixel_limit = structure
            .and_then(|group| group.dimensions.iter().find(|d| d.name == PIXELS))
            .map(|d| d.size);
        let line_limit = layout.padded(LINES).unwrap_or(0);
        let lines = indices(dataset, group, path, LINES, line_limit)?;
        let pixels = indices(dataset, group, path, PIXELS, pixel_limit.unwrap_or(0))?;
        let (found, pixel_count) = (size(LINES).unwrap_or(0), size(PIXELS));
        if lines.is_none() {
            match layout.blueprint.fixed_lines {
                Some(expected) if found != expected => {
                    return Err(Refusal::structure(format!(
                        "it has {found} lines where the product has {expected}: {WITHOUT_INDICES}"
                    )));
                }
                _ if found > line_limit => {
                    return Err(Refusal::structure(format!(
                        "it has {found} lines, more than {line_limit}"
                    )));
                }
                _ => {}
            }
        }
        if pixels.is_none() && pixel_count != pixel_limit {
            let (found, expected) = (pixel_count.unwrap_or(0), pixel_limit.unwrap_or(0));
            return Err(Refusal::structure(format!(
                "it has {found} pixels where the product has {expected}: {WITHOUT_INDICES}"
            )));
        }
        let identity = |map: &Vec<usize>, limit: Option<usize>| {
            limit == Some(map.len()) && map.iter().enumerate().all(|(at, &index)| at == index)
        };
        Ok(Self {
            lines: lines.filter(|map| !identity(map, layout.blueprint.fixed_lines)),
            pixels: pixels.filter(|map| !identity(map, pixel_limit)),
        })
    }

    /// True if only a part of the granule is there.
    pub(super) const fn is_partial(&self) -> bool {
        self.lines.is_some() || self.pixels.is_some()
    }

    /// The map of a dimension.
    fn map(&self, dimension: &str) -> Option<&[usize]> {
        match dimension {
            LINES => self.lines.as_deref(),
            PIXELS => self.pixels.as_deref(),
            _ => None,
        }
    }

    /// True if the values of a variable lie in the layout as they lie in the granule, but for the padding.
    pub(super) fn is_plain(&self, array: &ArrayLayout) -> bool {
        array.dimensions.iter().all(|name| self.map(name).is_none())
    }

    /// True if a variable of that shape has room in its array.
    pub(super) fn admits(&self, array: &ArrayLayout, shape: &[usize], layout: &GroupLayout) -> bool {
        let axes = array.dimensions.iter().zip(&array.tail).zip(shape);
        shape.len() == array.tail.len()
            && axes
                .into_iter()
                .all(|((name, &room), &size)| match self.map(name) {
                    Some(map) => map.len() == size,
                    None if layout.padded(name).is_some() => size <= room,
                    None => size == room,
                })
    }

    /// Values of the whole padded array, fill where the granule has none. `shape` is that in the granule.
    pub(super) fn scatter(&self, array: &ArrayLayout, raw: &[u8], shape: &[usize]) -> Vec<u8> {
        let size = array.dtype.size();
        let mut whole = array.fill.repeat(array.tail.iter().product());
        let maps: Vec<Option<&[usize]>> = array.dimensions.iter().map(|name| self.map(name)).collect();
        let slot = |axis: usize, index: usize| match maps.get(axis) {
            Some(Some(map)) => map.get(index).copied().unwrap_or(usize::MAX),
            _ => index,
        };
        let mut index = vec![0; shape.len()];
        for element in raw.chunks_exact(size) {
            let at = index
                .iter()
                .enumerate()
                .zip(&array.tail)
                .fold(0, |sum, ((axis, &i), &length)| sum * length + slot(axis, i));
            if let Some(target) = whole.get_mut(at * size..(at + 1) * size) {
                target.copy_from_slice(element);
            }
            for (axis, i) in index.iter_mut().enumerate().rev() {
                *i += 1;
                if *i < shape[axis] {
                    break;
                }
                *i = 0;
            }
        }
        whole
    }
}

/// The original indices along `dimension`, from the coordinate variable of that name.
fn indices(
    dataset: &dyn Dataset,
    group: &GroupMeta,
    path: &str,
    dimension: &str,
    limit: usize,
) -> Result<Option<Vec<usize>>, Refusal> {
    let Some(variable) = group.variables.iter().find(|variable| variable.name == dimension) else {
        return Ok(None);
    };
    let full = if path.is_empty() {
        dimension.to_owned()
    } else {
        format!("{path}/{dimension}")
    };
    if variable.dimensions != [dimension] {
        return Err(Refusal::structure(format!(
            "{full} is no coordinate of its dimension"
        )));
    }
    let shape = dataset.root().shape(&full).unwrap_or_default();
    let values = dataset
        .read_slab(&full, &Slab::all(&shape))
        .map_err(Refusal::Unreadable)?
        .values;
    let values = values.to_f64().unwrap_or_default();
    let mut map = Vec::with_capacity(values.len());
    for value in values {
        let index = value as usize;
        let rising = map.last().is_none_or(|&last| index > last);
        if value.fract() != 0.0 || value < 0.0 || index >= limit || !rising {
            return Err(Refusal::structure(format!(
                "{full} holds {value}; expected rising whole numbers from 0 to {}",
                limit.saturating_sub(1)
            )));
        }
        map.push(index);
    }
    Ok(Some(map))
}
