//! From HDF5 datasets to netCDF dimensions and variables.
//!
//! netCDF-4 keeps dimensions as "dimension scales", to which the axes of variables refer by address. Axes without one
//! (plain HDF5 files) get dimensions of their own, named as the netCDF library names them: `phony_dim_<id>`.

use std::collections::HashMap;
use std::sync::OnceLock;

use karin_core::{Dimension, FillMode, GroupMeta, Storage, VariableMeta};

use super::tree::{Place, RawDataset, RawGroup};
use super::types::ElementType;
use crate::fault::Fault;
use crate::filters::Filter;
use crate::layout::{Layout, Variable};

/// A dimension and where it is defined.
struct Dim {
    group: usize,
    id: i64,
    name: String,
    size: u64,
    unlimited: bool,
}

/// Name prefix of dimensions that the netCDF library makes up.
pub(super) const MADE_UP: &str = "phony_dim_";

/// Name prefix of variables that are called like a dimension without being its coordinate.
const NOT_A_COORDINATE: &str = "_nc4_non_coord_";

type Assembled = (GroupMeta, Vec<(String, Variable)>, Vec<(String, String)>);

/// The netCDF structure of all groups, the places of the variables, and what was left out and why.
pub(super) fn assemble(groups: Vec<RawGroup>) -> Result<Assembled, Fault> {
    let mut dimensions = Dimensions::of_scales(&groups);
    let axes = dimensions.assign(&groups);
    dimensions.grow(&groups, &axes);
    let mut metas: Vec<GroupMeta> = Vec::new();
    let mut variables = Vec::new();
    let mut skipped = Vec::new();
    let mut parents = Vec::new();
    for (index, (group, axes)) in groups.into_iter().zip(axes).enumerate() {
        let mut meta = GroupMeta {
            name: group.name,
            attributes: group.attributes,
            ..GroupMeta::default()
        };
        meta.dimensions = dimensions.of_group(index)?;
        for (dataset, axes) in group.datasets.into_iter().zip(axes) {
            if dataset.marks.is_bare {
                continue;
            }
            let name = dataset
                .name
                .strip_prefix(NOT_A_COORDINATE)
                .unwrap_or(&dataset.name)
                .to_owned();
            let path = if group.path.is_empty() {
                name.clone()
            } else {
                format!("{}/{name}", group.path)
            };
            match dataset.element.clone() {
                Ok(element) => {
                    let (variable_meta, variable) = dimensions.variable(name, dataset, element, &axes)?;
                    meta.variables.push(variable_meta);
                    variables.push((path, variable));
                }
                Err(reason) => skipped.push((path, reason)),
            }
        }
        parents.push(group.parent);
        metas.push(meta);
    }
    Ok((nest(metas, &parents), variables, skipped))
}

/// Puts every group into its parent, which stands before it.
fn nest(metas: Vec<GroupMeta>, parents: &[Option<usize>]) -> GroupMeta {
    let mut slots: Vec<Option<GroupMeta>> = metas.into_iter().map(Some).collect();
    for index in (0..slots.len()).rev() {
        let Some(mut group) = slots[index].take() else {
            continue;
        };
        // Its members came before it, last one first.
        group.groups.reverse();
        match parents[index].and_then(|parent| slots[parent].as_mut()) {
            Some(parent) => parent.groups.push(group),
            None => slots[index] = Some(group),
        }
    }
    slots.into_iter().next().flatten().unwrap_or_default()
}

struct Dimensions {
    all: Vec<Dim>,
    by_address: HashMap<u64, usize>,
    parents: Vec<Option<usize>>,
    next_id: i64,
}

impl Dimensions {
    fn of_scales(groups: &[RawGroup]) -> Self {
        let parents = groups.iter().map(|group| group.parent).collect();
        let mut dimensions = Self {
            all: Vec::new(),
            by_address: HashMap::new(),
            parents,
            next_id: 0,
        };
        for (group, raw) in groups.iter().enumerate() {
            for dataset in raw.datasets.iter().filter(|dataset| dataset.marks.is_scale) {
                let Some(size) = dataset.extent.first().copied() else {
                    continue;
                };
                let id = dataset
                    .marks
                    .dimension_id
                    .filter(|id| *id >= 0)
                    .unwrap_or(dimensions.next_id);
                let unlimited = is_unlimited(dataset, 0);
                dimensions
                    .by_address
                    .insert(dataset.address, dimensions.all.len());
                dimensions.add(Dim {
                    group,
                    id,
                    name: dataset.name.clone(),
                    size,
                    unlimited,
                });
            }
        }
        dimensions
    }

    fn add(&mut self, dim: Dim) -> usize {
        self.next_id = self.next_id.max(dim.id.saturating_add(1));
        self.all.push(dim);
        self.all.len() - 1
    }

    /// The dimension of every axis of every dataset of every group.
    fn assign(&mut self, groups: &[RawGroup]) -> Vec<Vec<Vec<usize>>> {
        let mut axes: Vec<Vec<Vec<usize>>> = groups.iter().map(|_| Vec::new()).collect();
        // The netCDF library makes up dimensions for inner groups first, and numbers them as it goes.
        for group in inner_first(&self.parents) {
            let assigned = groups[group]
                .datasets
                .iter()
                .map(|dataset| self.axes_of(group, dataset))
                .collect();
            axes[group] = assigned;
        }
        axes
    }

    fn axes_of(&mut self, group: usize, dataset: &RawDataset) -> Vec<usize> {
        let marks = &dataset.marks;
        let mut axes: Vec<usize> = Vec::with_capacity(dataset.extent.len());
        for (axis, size) in dataset.extent.iter().enumerate() {
            let attached = if marks.is_scale && dataset.extent.len() == 1 {
                self.by_address.get(&dataset.address).copied()
            } else if marks.is_scale {
                let id = marks.coordinates.get(axis);
                self.all
                    .iter()
                    .position(|dim| Some(&dim.id) == id && self.is_visible(dim.group, group))
            } else {
                marks
                    .scales
                    .get(axis)
                    .copied()
                    .flatten()
                    .and_then(|address| self.by_address.get(&address).copied())
            };
            let fits = |dim: &Dim| self.is_visible(dim.group, group) && (dim.unlimited || dim.size == *size);
            let attached = attached.filter(|index| self.all.get(*index).is_some_and(fits));
            let dim =
                attached.unwrap_or_else(|| self.phony(group, *size, is_unlimited(dataset, axis), &axes));
            axes.push(dim);
        }
        axes
    }

    /// A dimension of `group` with that size which the variable does not use yet, made up if there is none.
    fn phony(&mut self, group: usize, size: u64, unlimited: bool, used: &[usize]) -> usize {
        let found = self.all.iter().enumerate().position(|(index, dim)| {
            dim.group == group && dim.size == size && dim.unlimited == unlimited && !used.contains(&index)
        });
        found.unwrap_or_else(|| {
            let id = self.next_id;
            self.add(Dim {
                group,
                id,
                name: format!("{MADE_UP}{id}"),
                size,
                unlimited,
            })
        })
    }

    /// True if a dimension of group `from` can be used in group `to`.
    fn is_visible(&self, from: usize, to: usize) -> bool {
        let mut group = Some(to);
        while let Some(index) = group {
            if index == from {
                return true;
            }
            group = self.parents.get(index).copied().flatten();
        }
        false
    }

    /// An unlimited dimension is as long as its longest variable.
    fn grow(&mut self, groups: &[RawGroup], axes: &[Vec<Vec<usize>>]) {
        for (group, axes) in groups.iter().zip(axes) {
            for (dataset, axes) in group.datasets.iter().zip(axes) {
                for (extent, dim) in dataset.extent.iter().zip(axes) {
                    if let Some(dim) = self.all.get_mut(*dim).filter(|dim| dim.unlimited) {
                        dim.size = dim.size.max(*extent);
                    }
                }
            }
        }
    }

    fn of_group(&self, group: usize) -> Result<Vec<Dimension>, Fault> {
        let mut own: Vec<&Dim> = self.all.iter().filter(|dim| dim.group == group).collect();
        own.sort_by_key(|dim| dim.id);
        own.into_iter()
            .map(|dim| {
                Ok(Dimension {
                    name: dim.name.clone(),
                    size: length(dim.size)?,
                    unlimited: dim.unlimited,
                })
            })
            .collect()
    }

    fn variable(
        &self,
        name: String,
        dataset: RawDataset,
        element: ElementType,
        axes: &[usize],
    ) -> Result<(VariableMeta, Variable), Fault> {
        let dims: Vec<&Dim> = axes.iter().filter_map(|axis| self.all.get(*axis)).collect();
        let shape: Vec<usize> = dims
            .iter()
            .map(|dim| length(dim.size))
            .collect::<Result<_, _>>()?;
        let extent: Vec<usize> = dataset
            .extent
            .iter()
            .map(|len| length(*len))
            .collect::<Result<_, _>>()?;
        let elements = shape
            .iter()
            .try_fold(element.size.max(1), |product, len| product.checked_mul(*len));
        if elements.is_none_or(|bytes| isize::try_from(bytes).is_err()) {
            return Err(Fault::corrupt(format!(
                "variable {name:?} of shape {shape:?} is larger than any memory"
            )));
        }
        let storage = storage_of(&dataset, element);
        let fill = dataset
            .fill
            .filter(|fill| fill.len() == element.size)
            .unwrap_or_default();
        let meta = VariableMeta {
            name,
            dtype: element.dtype,
            dimensions: dims.iter().map(|dim| dim.name.clone()).collect(),
            attributes: dataset.attributes,
            storage,
        };
        let variable = Variable {
            dtype: element.dtype,
            text: element.text,
            element_size: element.size,
            shape,
            extent,
            fill,
            filters: dataset.filters,
            swap: element.size > 1
                && element.dtype.size() > 1
                && element.big_endian != cfg!(target_endian = "big"),
            layout: match dataset.place {
                Place::Absent => Layout::Absent,
                Place::Compact(bytes) => Layout::Compact(bytes),
                Place::Contiguous(address) => Layout::Contiguous(address),
                Place::Chunked(locator) => Layout::Chunked {
                    locator,
                    index: OnceLock::new(),
                },
            },
        };
        Ok((meta, variable))
    }
}

fn storage_of(dataset: &RawDataset, element: ElementType) -> Storage {
    let deflate = dataset.filters.iter().find_map(|filter| match filter {
        Filter::Deflate(level) => Some(*level),
        _ => None,
    });
    Storage {
        chunks: match &dataset.place {
            Place::Chunked(locator) => Some(locator.chunk_shape.iter().map(|len| *len as usize).collect()),
            _ => None,
        },
        shuffle: dataset.filters.contains(&Filter::Shuffle),
        deflate,
        fletcher32: dataset.filters.contains(&Filter::Fletcher32),
        big_endian: element.big_endian,
        fill: if dataset.fill.is_some() {
            FillMode::Fill
        } else {
            FillMode::NoFill
        },
    }
}

fn is_unlimited(dataset: &RawDataset, axis: usize) -> bool {
    dataset
        .max_extent
        .as_ref()
        .and_then(|max| max.get(axis))
        .is_some_and(|max| *max == u64::MAX)
}

fn length(size: u64) -> Result<usize, Fault> {
    usize::try_from(size).map_err(|_| Fault::corrupt(format!("a dimension of {size}")))
}

/// Indices of all groups, each after the groups inside it, siblings in order.
fn inner_first(parents: &[Option<usize>]) -> Vec<usize> {
    fn visit(group: usize, children: &[Vec<usize>], order: &mut Vec<usize>) {
        for child in &children[group] {
            visit(*child, children, order);
        }
        order.push(group);
    }
    let mut children = vec![Vec::new(); parents.len()];
    for (group, parent) in parents.iter().enumerate() {
        if let Some(siblings) = parent.and_then(|parent| children.get_mut(parent)) {
            siblings.push(group);
        }
    }
    let mut order = Vec::with_capacity(parents.len());
    if !parents.is_empty() {
        visit(0, &children, &mut order);
    }
    order
}
