//! One granule, whole or cropped, in granule structure.

use std::sync::Arc;

use karin_core::{
    Array, AttrValue, Attributes, DType, Dataset, DatasetError, GroupMeta, Slab, Storage, Values,
    VariableMeta,
};
use karin_engine::{Engine, MemoryDataset, Piece, Plan, SelectedPass, Shape, Swath};

use super::rows::read_lines;
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

/// What the plan keeps of a granule; `None` if nothing.
pub(super) fn of(
    engine: &Engine<'_>,
    plan: &Plan,
    piece: &Piece,
    options: &ExtractOptions,
) -> Result<Option<Arc<dyn Dataset>>, Error> {
    let selection = plan.selection();
    if keeps_all_values(selection, plan) {
        let dataset = plan.open(piece)?;
        let mut root = dataset.root().clone();
        if selection.variables.is_empty() {
            provenance::add_history(&mut root.attributes, options);
        } else {
            keep_variables(&mut root, plan);
            provenance::describe(&mut root.attributes, plan, &[*piece], options);
        }
        return Ok(Some(Arc::new(View { dataset, root })));
    }
    let passes = engine.select(piece)?;
    let Some(first) = passes.first() else {
        if plan.swaths().is_empty() {
            let reason = "this file has no swath: it can be extracted whole, or by --vars";
            return Err(Error::option("selection", reason));
        }
        return Ok(None);
    };
    let dataset = Arc::clone(&first.dataset);
    let mut out = MemoryDataset::new(dataset.label());
    let mut root = dataset.root().clone();
    for swath in Swath::of(dataset.root(), karin_core::Side::Both) {
        match passes.iter().find(|pass| pass.swath.group == swath.group) {
            Some(pass) => crop_group(&mut root, plan, pass, &mut out)?,
            None => remove_group(&mut root, &swath.group),
        }
    }
    // Variables of groups without a swath stay as they are.
    for path in root.variable_paths() {
        if out.array(&path).is_none() {
            out.set(&path, dataset.read(&path)?);
        }
    }
    provenance::describe(&mut root.attributes, plan, &[*piece], options);
    *out.root_mut() = root;
    Ok(Some(Arc::new(out)))
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

/// Reduces a group to the kept lines of its swath; fill stands where pixels are not kept. Coordinates stay.
fn crop_group(
    root: &mut GroupMeta,
    plan: &Plan,
    pass: &SelectedPass,
    out: &mut MemoryDataset,
) -> Result<(), Error> {
    let swath = &pass.swath;
    let source = pass.dataset.root();
    let all = plan.selection().variables.is_empty();
    let Some(group) = group_mut(root, &swath.group) else {
        return Ok(());
    };
    for dimension in group
        .dimensions
        .iter_mut()
        .filter(|dimension| dimension.name == swath.lines_dimension)
    {
        dimension.size = pass.lines.len();
    }
    let mut kept = Vec::new();
    for mut variable in std::mem::take(&mut group.variables) {
        let path = swath.path(&variable.name);
        let is_coordinate =
            [Some(&swath.latitude), Some(&swath.longitude), swath.time.as_ref()].contains(&Some(&path));
        let selected = pass
            .variables
            .iter()
            .find(|selected| !selected.column.derived && selected.column.name == variable.name);
        let array = match selected {
            Some(selected) if !is_coordinate => {
                variable.dtype = selected.packed.values.dtype();
                selected.packed.clone()
            }
            None if !all && !is_coordinate => continue,
            _ => match swath.shape_of(source, &path) {
                Some(Shape::Other(_)) | None => pass.dataset.read(&path)?,
                Some(_) => read_lines(pass.dataset.as_ref(), &path, &pass.lines)?,
            },
        };
        out.set(&path, array);
        kept.push(variable);
    }
    let dimensions = source
        .variable(&swath.latitude)
        .map(|latitude| latitude.dimensions.clone())
        .unwrap_or_default();
    for selected in pass.variables.iter().filter(|selected| selected.column.derived) {
        out.set(&swath.path(&selected.column.name), selected.packed.clone());
        kept.push(derived(&selected.meta, &selected.column.name, dimensions.clone()));
    }
    for (axis, name) in dimensions.iter().enumerate() {
        if !kept.iter().any(|variable| variable.name == *name) {
            let indices: Vec<i32> = match axis {
                0 => pass.lines.iter().map(|&line| line as i32).collect(),
                _ => (0..swath.num_pixels as i32).collect(),
            };
            out.set(
                &swath.path(name),
                Array {
                    shape: vec![indices.len()],
                    values: Values::Int32(indices),
                },
            );
            kept.push(index_variable(name));
        }
    }
    group.variables = kept;
    drop_unused_dimensions(group, &mut Vec::new());
    Ok(())
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
