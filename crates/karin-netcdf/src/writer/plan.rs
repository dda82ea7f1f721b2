//! From a tree of groups to the HDF5 objects that netCDF-C would make of it: dimension scales, names, order, layout.

use std::collections::{HashMap, HashSet};

use karin_core::{Attributes, DType, GroupMeta, VariableMeta};

use super::rules::{self, Fault};

/// An object that a group links to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    Group(usize),
    Dataset(usize),
}

/// A group with its links in creation order.
#[derive(Debug, Default)]
pub(super) struct GroupPlan {
    pub(super) path: String,
    pub(super) attributes: Attributes,
    pub(super) links: Vec<(String, Target)>,
}

/// A dimension, numbered through the whole file.
#[derive(Debug)]
pub(super) struct DimensionPlan {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) unlimited: bool,
    /// The dataset that is its scale.
    pub(super) scale: usize,
    /// The datasets that have it, and as which of their dimensions.
    pub(super) uses: Vec<(usize, u32)>,
}

/// What a dataset is to netCDF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A dimension without a variable: a scale without data.
    BareDimension(usize),
    /// A variable that is the scale of its first dimension.
    Coordinate(usize),
    /// Any other variable.
    Variable,
}

/// What an element that was never written reads as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fill {
    /// These bytes, in stored byte order.
    Value(Vec<u8>),
    /// This string (`NC_STRING`).
    Text(String),
    /// Undefined (`NC_NOFILL`).
    Never,
    /// HDF5's own default (bare dimensions).
    Default,
}

/// A dataset.
#[derive(Debug)]
pub(super) struct DatasetPlan {
    pub(super) path: String,
    pub(super) role: Role,
    pub(super) dtype: DType,
    pub(super) big_endian: bool,
    pub(super) shape: Vec<u64>,
    pub(super) unlimited: Vec<bool>,
    pub(super) dimensions: Vec<usize>,
    pub(super) chunks: Option<Vec<u64>>,
    pub(super) shuffle: bool,
    pub(super) deflate: Option<u8>,
    pub(super) fletcher32: bool,
    pub(super) fill: Fill,
    pub(super) attributes: Attributes,
}

/// All objects of a file. Group 0 is the root.
#[derive(Debug, Default)]
pub(super) struct FilePlan {
    pub(super) groups: Vec<GroupPlan>,
    pub(super) datasets: Vec<DatasetPlan>,
    pub(super) dimensions: Vec<DimensionPlan>,
    /// Datasets of variables by path.
    pub(super) variables: HashMap<String, usize>,
}

/// Dimensions seen from a group: name to number.
type Scope = HashMap<String, usize>;

impl FilePlan {
    /// The objects of that tree.
    pub(super) fn of(root: &GroupMeta) -> Result<Self, Fault> {
        let mut plan = Self::default();
        plan.add_group(root, "", &Scope::new(), 0)?;
        for (dataset, own) in plan.datasets.iter().enumerate() {
            if own.role == Role::Variable {
                for (axis, &dimension) in own.dimensions.iter().enumerate() {
                    if let Some(dimension) = plan.dimensions.get_mut(dimension) {
                        dimension.uses.push((dataset, axis as u32));
                    }
                }
            }
        }
        Ok(plan)
    }

    /// Has the chunks of all variables deflated at a level, or stored as they are (0). Strings stay as they are planned.
    pub(super) fn deflate(&mut self, level: u8) {
        let numeric = |dataset: &&mut DatasetPlan| dataset.chunks.is_some() && dataset.dtype != DType::String;
        for dataset in self.datasets.iter_mut().filter(numeric) {
            let is_bare = matches!(dataset.role, Role::BareDimension(_));
            dataset.deflate = (level > 0 && !is_bare).then_some(level.min(9));
            dataset.shuffle = level > 0 && dataset.dtype.size() > 1 && !is_bare;
        }
    }

    fn add_group(
        &mut self,
        group: &GroupMeta,
        path: &str,
        outer: &Scope,
        depth: usize,
    ) -> Result<usize, Fault> {
        let at = if path.is_empty() { "the root group" } else { path };
        if depth > rules::DEEPEST {
            return Err(Fault::limit(
                path,
                format!("groups may be at most {} deep", rules::DEEPEST),
            ));
        }
        rules::check_names(group, at)?;
        rules::check_attributes(&group.attributes, at)?;
        let number = self.groups.len();
        self.groups.push(GroupPlan {
            path: path.to_owned(),
            attributes: group.attributes.clone(),
            links: Vec::new(),
        });
        let mut scope = outer.clone();
        let first_dimension = self.dimensions.len();
        for dimension in &group.dimensions {
            scope.insert(dimension.name.clone(), self.dimensions.len());
            self.dimensions.push(DimensionPlan {
                name: dimension.name.clone(),
                size: dimension.size as u64,
                unlimited: dimension.unlimited,
                scale: usize::MAX,
                uses: Vec::new(),
            });
        }
        let own = first_dimension..self.dimensions.len();
        self.add_datasets(group, number, path, &scope, own)?;
        for inner in &group.groups {
            let inner_number = self.add_group(inner, &join(path, &inner.name), &scope, depth + 1)?;
            self.link(number, inner.name.clone(), Target::Group(inner_number));
        }
        Ok(number)
    }

    /// Dimensions and variables in the order in which netCDF-C creates them: bare dimensions up to the first one
    /// with a coordinate variable, then variables up to that one, and so on. Old libraries number dimensions by it.
    fn add_datasets(
        &mut self,
        group: &GroupMeta,
        number: usize,
        path: &str,
        scope: &Scope,
        own: std::ops::Range<usize>,
    ) -> Result<(), Fault> {
        let coordinates: HashSet<&str> = (group.variables.iter())
            .filter(|variable| is_coordinate(variable, group))
            .map(|variable| variable.name.as_str())
            .collect();
        let mut variables = group.variables.iter();
        for (dimension, id) in group.dimensions.iter().zip(own) {
            if !coordinates.contains(dimension.name.as_str()) {
                let dataset = self.add_bare_dimension(id, path);
                self.link(number, dimension.name.clone(), Target::Dataset(dataset));
                continue;
            }
            while self
                .dimensions
                .get(id)
                .is_some_and(|dimension| dimension.scale == usize::MAX)
            {
                let Some(variable) = variables.next() else { break };
                self.add_variable(variable, group, number, path, scope)?;
            }
        }
        variables.try_for_each(|variable| self.add_variable(variable, group, number, path, scope))
    }

    fn link(&mut self, group: usize, name: String, target: Target) {
        if let Some(group) = self.groups.get_mut(group) {
            group.links.push((name, target));
        }
    }

    fn add_bare_dimension(&mut self, id: usize, path: &str) -> usize {
        let number = self.datasets.len();
        if let Some(dimension) = self.dimensions.get_mut(id) {
            dimension.scale = number;
            self.datasets.push(DatasetPlan {
                path: join(path, &dimension.name),
                role: Role::BareDimension(id),
                dtype: DType::Float32,
                big_endian: true,
                shape: vec![dimension.size],
                unlimited: vec![dimension.unlimited],
                dimensions: vec![id],
                chunks: dimension.unlimited.then(|| vec![1]),
                shuffle: false,
                deflate: None,
                fletcher32: false,
                fill: Fill::Default,
                attributes: Attributes::new(),
            });
        }
        number
    }

    fn add_variable(
        &mut self,
        variable: &VariableMeta,
        group: &GroupMeta,
        number: usize,
        path: &str,
        scope: &Scope,
    ) -> Result<(), Fault> {
        let at = join(path, &variable.name);
        let attributes = rules::attributes(variable);
        rules::check_attributes(&attributes, &at)?;
        let dataset = self.datasets.len();
        let mut dimensions = Vec::with_capacity(variable.dimensions.len());
        for name in &variable.dimensions {
            let id = scope.get(name).copied().ok_or_else(|| {
                Fault::structure(
                    &at,
                    format!("its dimension {name:?} is defined neither in its group nor above it"),
                )
            })?;
            dimensions.push(id);
        }
        let known = || dimensions.iter().filter_map(|&id| self.dimensions.get(id));
        let shape: Vec<u64> = known().map(|dimension| dimension.size).collect();
        let unlimited: Vec<bool> = known().map(|dimension| dimension.unlimited).collect();
        let chunks = rules::chunk_shape(variable, &shape, &unlimited, &at)?;
        let filtered = chunks.is_some();
        let storage = &variable.storage;
        let role = match dimensions.first() {
            Some(&id) if is_coordinate(variable, group) => Role::Coordinate(id),
            _ => Role::Variable,
        };
        if let Role::Coordinate(id) = role
            && let Some(dimension) = self.dimensions.get_mut(id)
        {
            dimension.scale = dataset;
        }
        self.datasets.push(DatasetPlan {
            path: at.clone(),
            role,
            dtype: variable.dtype,
            big_endian: storage.big_endian,
            shape,
            unlimited,
            dimensions,
            chunks,
            shuffle: filtered && storage.shuffle,
            deflate: storage.deflate.filter(|_| filtered).map(|level| level.min(9)),
            fletcher32: filtered && storage.fletcher32,
            fill: rules::fill_value(variable, &attributes, &at)?,
            attributes,
        });
        self.variables.insert(at, dataset);
        let clash = role == Role::Variable && group.dimensions.iter().any(|dim| dim.name == variable.name);
        let link = if clash {
            format!("_nc4_non_coord_{}", variable.name)
        } else {
            variable.name.clone()
        };
        self.link(number, link, Target::Dataset(dataset));
        Ok(())
    }
}

/// True if it is the scale of a dimension: named like its first one, which its own group defines.
fn is_coordinate(variable: &VariableMeta, group: &GroupMeta) -> bool {
    variable.dimensions.first() == Some(&variable.name)
        && group
            .dimensions
            .iter()
            .any(|dimension| dimension.name == variable.name)
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}/{name}")
    }
}
