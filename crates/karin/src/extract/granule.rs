//! One granule, whole or cropped, in granule structure.

use std::path::Path;
use std::sync::Arc;

use karin_core::{
    Array, AttrValue, Attributes, DType, Dataset, DatasetError, GroupMeta, Resources, Slab, Storage, Values,
    VariableMeta,
};
use karin_engine::{Engine, MemoryDataset, Piece, Plan, SelectedPass, Shape, Swath};

use rayon::prelude::*;

use super::rows::read_lines;
use super::spool::Spool;
use super::{ExtractOptions, group_mut, keeps_all_values, provenance};
use crate::Error;

/// A dataset under another structure: fewer variables, more history.
struct View {
    dataset: Arc<dyn Dataset>,
    root: GroupMeta,
}

impl Dataset for View {
    fn label(&self) -> &str {
        self.dataset.label()
    }

    fn root(&self) -> &GroupMeta {
        &self.root
    }

    fn read_into(&self, path: &str, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError> {
        self.dataset.read_into(path, slab, out)
    }

    fn read_strings(&self, path: &str, slab: &Slab) -> Result<Vec<String>, DatasetError> {
        self.dataset.read_strings(path, slab)
    }
}

/// What the plan keeps of a granule; `None` if nothing. Crops are made part by part, and lie in memory or (without
/// names) in `folder`.
pub(super) fn of(
    engine: &Engine<'_>,
    piece: &Piece,
    folder: &Path,
    resources: Resources,
    options: &ExtractOptions,
) -> Result<Option<Arc<dyn Dataset>>, Error> {
    let plan = engine.plan();
    let selection = plan.selection();
    if keeps_all_values(selection, plan) {
        let dataset = engine.open(piece)?;
        let mut root = dataset.root().clone();
        if selection.variables.is_empty() {
            provenance::add_history(&mut root.attributes, options);
        } else {
            keep_variables(&mut root, plan);
            provenance::describe(&mut root.attributes, plan, &[*piece], options);
        }
        return Ok(Some(Arc::new(View { dataset, root })));
    }
    let dataset = engine.open(piece)?;
    if plan.swaths().is_empty() {
        let reason = "this file has no swath: it can be extracted whole, or by --vars";
        return Err(Error::option("selection", reason));
    }
    let mut crop = Crop::new(Arc::clone(&dataset), folder, resources.memory / 4);
    let jobs = resources.jobs.max(1);
    let share = resources.memory / 4 / jobs as u64;
    let parts = engine.parts(piece, |swath| engine.lines_within(swath, share))?;
    for batch in parts.chunks(jobs) {
        let selected: Vec<_> = batch.par_iter().map(|part| engine.select_part(part)).collect();
        for pass in selected {
            if let Some(pass) = pass? {
                crop.add(plan, &pass)?;
            }
        }
    }
    if crop.groups.is_empty() {
        return Ok(None);
    }
    let mut root = dataset.root().clone();
    provenance::describe(&mut root.attributes, plan, &[*piece], options);
    crop.finish(root);
    Ok(Some(Arc::new(crop)))
}

/// The kept lines of one swath.
struct Group {
    swath: Swath,
    /// Their indices in the granule.
    lines: Vec<usize>,
    /// The variables, in the order of the granule, then the derived ones.
    kept: Vec<VariableMeta>,
}

/// A granule of which some lines are kept. What is not cropped is read from the granule.
struct Crop {
    dataset: Arc<dyn Dataset>,
    /// Variables along lines.
    spool: Spool,
    /// Strings, indices, and whatever else is small.
    small: MemoryDataset,
    groups: Vec<Group>,
}

impl Crop {
    fn new(dataset: Arc<dyn Dataset>, folder: &Path, memory: u64) -> Self {
        Self {
            small: MemoryDataset::new(dataset.label()),
            dataset,
            spool: Spool::new(folder, memory),
            groups: Vec::new(),
        }
    }

    /// Adds the next lines of a swath; fill stands where pixels are not kept. Coordinates stay.
    fn add(&mut self, plan: &Plan, pass: &SelectedPass) -> Result<(), Error> {
        let swath = &pass.swath;
        let at = self
            .groups
            .iter()
            .position(|group| group.swath.group == swath.group);
        let (at, is_first) = match at {
            Some(at) => (at, false),
            None => {
                let (swath, lines, kept) = (swath.clone(), Vec::new(), Vec::new());
                self.groups.push(Group { swath, lines, kept });
                (self.groups.len() - 1, true)
            }
        };
        let mut kept = Vec::new();
        let source = pass.dataset.root();
        let all = plan.selection().variables.is_empty();
        let variables = source.group(&swath.group).map(|group| group.variables.as_slice());
        for variable in variables.unwrap_or_default() {
            let mut variable = variable.clone();
            let path = swath.path(&variable.name);
            let is_coordinate =
                [Some(&swath.latitude), Some(&swath.longitude), swath.time.as_ref()].contains(&Some(&path));
            let selected = pass
                .variables
                .iter()
                .find(|selected| !selected.column.derived && selected.column.name == variable.name);
            match selected {
                Some(selected) if !is_coordinate => {
                    variable.dtype = selected.packed.values.dtype();
                    match selected.shape {
                        Shape::Other(_) => self.small.set(&path, selected.packed.clone()),
                        _ => self.append(&path, &selected.packed)?,
                    }
                }
                None if !all && !is_coordinate => continue,
                _ => {
                    if let Some(Shape::Pixels | Shape::Lines(_)) = swath.shape_of(source, &path) {
                        let rows = read_lines(pass.dataset.as_ref(), &path, &pass.lines)?;
                        self.append(&path, &rows)?;
                    }
                }
            }
            kept.push(variable);
        }
        let dimensions = pixel_dimensions(source, swath);
        for selected in pass.variables.iter().filter(|selected| selected.column.derived) {
            self.append(&swath.path(&selected.column.name), &selected.packed)?;
            kept.push(derived(&selected.meta, &selected.column.name, dimensions.clone()));
        }
        if let Some(group) = self.groups.get_mut(at) {
            group.lines.extend(&pass.lines);
            if is_first {
                group.kept = kept;
            }
        }
        Ok(())
    }

    fn append(&mut self, path: &str, rows: &Array) -> Result<(), Error> {
        if let Values::String(strings) = &rows.values {
            let mut all = rows.clone();
            if let Some(Array {
                shape,
                values: Values::String(before),
            }) = self.small.array(path)
            {
                all.values = Values::String(before.iter().chain(strings).cloned().collect());
                if let (Some(lines), Some(more)) = (all.shape.first_mut(), shape.first()) {
                    *lines += more;
                }
            }
            self.small.set(path, all);
            return Ok(());
        }
        let row = rows.shape.iter().skip(1).product();
        self.spool
            .append(path, rows.values.dtype().size(), row, rows.values.as_bytes())
    }

    /// Sets the structure: that of the granule, as far as it is kept.
    fn finish(&mut self, mut root: GroupMeta) {
        for swath in Swath::of(self.dataset.root(), karin_core::Side::Both) {
            if !self.groups.iter().any(|group| group.swath.group == swath.group) {
                remove_group(&mut root, &swath.group);
            }
        }
        for own in std::mem::take(&mut self.groups) {
            let Group {
                swath,
                lines,
                mut kept,
            } = own;
            let Some(group) = group_mut(&mut root, &swath.group) else {
                continue;
            };
            let along = |dimension: &&mut karin_core::Dimension| dimension.name == swath.lines_dimension;
            for dimension in group.dimensions.iter_mut().filter(along) {
                dimension.size = lines.len();
            }
            for (axis, name) in pixel_dimensions(self.dataset.root(), &swath).iter().enumerate() {
                if kept.iter().any(|variable| variable.name == *name) {
                    continue;
                }
                let indices: Vec<i32> = match axis {
                    0 => lines.iter().map(|&line| line as i32).collect(),
                    _ => (0..swath.num_pixels as i32).collect(),
                };
                let (shape, values) = (vec![indices.len()], Values::Int32(indices));
                self.small.set(&swath.path(name), Array { shape, values });
                kept.push(index_variable(name));
            }
            group.variables = kept;
            drop_unused_dimensions(group, &mut Vec::new());
        }
        self.spool.set_root(root);
    }
}

/// The dimensions of the pixels of a swath.
fn pixel_dimensions(root: &GroupMeta, swath: &Swath) -> Vec<String> {
    let latitude = root.variable(&swath.latitude);
    latitude
        .map(|latitude| latitude.dimensions.clone())
        .unwrap_or_default()
}

impl Dataset for Crop {
    fn label(&self) -> &str {
        self.dataset.label()
    }

    fn root(&self) -> &GroupMeta {
        self.spool.root()
    }

    fn read_into(&self, path: &str, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError> {
        if self.spool.holds(path) {
            self.spool.read_into(path, slab, out)
        } else if self.small.array(path).is_some() {
            self.small.read_into(path, slab, out)
        } else {
            self.dataset.read_into(path, slab, out)
        }
    }

    fn read_strings(&self, path: &str, slab: &Slab) -> Result<Vec<String>, DatasetError> {
        if self.small.array(path).is_some() {
            self.small.read_strings(path, slab)
        } else {
            self.dataset.read_strings(path, slab)
        }
    }
}

/// Drops the variables that are not asked for, coordinates apart, and the dimensions that nobody uses then.
fn keep_variables(root: &mut GroupMeta, plan: &Plan) {
    let mut wanted: Vec<String> = plan.columns().iter().map(karin_engine::Column::path).collect();
    for swath in plan.swaths() {
        wanted.extend([swath.latitude.clone(), swath.longitude.clone()]);
        wanted.extend(swath.time.clone());
    }
    retain(root, "", &wanted);
    drop_unused_dimensions(root, &mut Vec::new());
}

fn retain(group: &mut GroupMeta, path: &str, wanted: &[String]) {
    let join = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}/{name}")
        }
    };
    let is_asked = |variable: &VariableMeta| wanted.contains(&join(&variable.name));
    let used: Vec<String> = (group.variables.iter())
        .filter(|variable| is_asked(variable))
        .flat_map(|variable| variable.dimensions.clone())
        .collect();
    group.variables.retain(|variable| {
        let is_coordinate = variable.dimensions == [variable.name.clone()] && used.contains(&variable.name);
        is_coordinate || wanted.contains(&join(&variable.name))
    });
    for inner in &mut group.groups {
        let path = if path.is_empty() {
            inner.name.clone()
        } else {
            format!("{path}/{}", inner.name)
        };
        retain(inner, &path, wanted);
    }
}

/// Returns, through `used`, the names that variables of the group and below use.
fn drop_unused_dimensions(group: &mut GroupMeta, used: &mut Vec<String>) {
    let mut own: Vec<String> = group
        .variables
        .iter()
        .flat_map(|variable| variable.dimensions.clone())
        .collect();
    for inner in &mut group.groups {
        drop_unused_dimensions(inner, &mut own);
    }
    group.dimensions.retain(|dimension| own.contains(&dimension.name));
    used.append(&mut own);
}

fn remove_group(root: &mut GroupMeta, path: &str) {
    let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
    if let Some(parent) = group_mut(root, parent) {
        parent.groups.retain(|group| group.name != name);
    }
}

/// Metadata of a derived variable as it is written: NaN where there is none.
pub(super) fn derived(meta: &VariableMeta, name: &str, dimensions: Vec<String>) -> VariableMeta {
    let mut attributes = Attributes::new();
    attributes.set("_FillValue", AttrValue::number(f64::NAN));
    for (name, value) in meta.attributes.iter().filter(|(name, _)| *name != "_FillValue") {
        attributes.set(name, value.clone());
    }
    let storage = Storage {
        deflate: Some(4),
        shuffle: true,
        ..Storage::default()
    };
    VariableMeta {
        name: name.to_owned(),
        dtype: DType::Float64,
        dimensions,
        attributes,
        storage,
    }
}

/// The coordinate of a dimension whose elements are only some of the granule's.
pub(super) fn index_variable(name: &str) -> VariableMeta {
    let long_name = format!("index along {name} of the whole granule, from 0");
    VariableMeta {
        name: name.to_owned(),
        dtype: DType::Int32,
        dimensions: vec![name.to_owned()],
        attributes: [("long_name", long_name)].into_iter().collect(),
        storage: Storage::default(),
    }
}
