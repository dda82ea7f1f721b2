//! Small results as JSON, in the shape of `xarray.Dataset.to_dict`: `attrs`, `dims`, `coords`, `data_vars`, each variable
//! with `dims`, `attrs` and nested `data`. True values; `null` where there is none. Groups are nested under `groups`.

use std::io::{BufWriter, Write as _};
use std::path::Path;

use karin_core::{
    AttrValue, Attributes, Dataset, GroupMeta, Packing, Progress, Slab, Values, VariableMeta, with_values,
};
use serde_json::{Map, Value, json};

use super::place::{Unfinished, io};
use super::{OutputError, WriteOptions};

pub(super) fn write(
    path: &Path,
    dataset: &dyn Dataset,
    options: &WriteOptions,
    progress: &dyn Progress,
) -> Result<(), OutputError> {
    let root = dataset.root();
    // A number takes some ten times its bytes as a JSON value.
    let needed = 10 * karin_engine::execute::bytes_of(root);
    let budget = options.resources.memory;
    if needed > budget {
        let path = path.to_owned();
        return Err(OutputError::TooLarge { path, needed, budget });
    }
    let value = group(path, dataset, root, "")?;
    let mut unfinished = Unfinished::create(path)?;
    let mut out = BufWriter::new(unfinished.file());
    let failed = |source| io(path, "writing", source);
    serde_json::to_writer(&mut out, &value).map_err(|error| failed(error.into()))?;
    writeln!(out).and_then(|()| out.flush()).map_err(failed)?;
    drop(out);
    unfinished.finish(options.durable)?;
    progress.finish();
    Ok(())
}

fn group(path: &Path, dataset: &dyn Dataset, meta: &GroupMeta, at: &str) -> Result<Value, OutputError> {
    let inside = |name: &str| karin_engine::swath::join(at, name);
    let (mut coordinates, mut variables, mut groups) = (Map::new(), Map::new(), Map::new());
    for variable in &meta.variables {
        let value = one(path, dataset, variable, &inside(&variable.name))?;
        let is_axis = variable.dimensions == [variable.name.as_str()];
        let into = if is_axis { &mut coordinates } else { &mut variables };
        into.insert(variable.name.clone(), value);
    }
    for inner in &meta.groups {
        groups.insert(
            inner.name.clone(),
            group(path, dataset, inner, &inside(&inner.name))?,
        );
    }
    let dimensions: Map<String, Value> = (meta.dimensions.iter())
        .map(|dimension| (dimension.name.clone(), json!(dimension.size)))
        .collect();
    let mut value = json!({
        "attrs": attributes(&meta.attributes, false),
        "dims": dimensions,
        "coords": coordinates,
        "data_vars": variables,
    });
    if let (Some(object), false) = (value.as_object_mut(), groups.is_empty()) {
        object.insert("groups".to_owned(), Value::Object(groups));
    }
    Ok(value)
}

fn one(path: &Path, dataset: &dyn Dataset, meta: &VariableMeta, at: &str) -> Result<Value, OutputError> {
    let shape = dataset.root().shape(at).unwrap_or_default();
    let array = dataset
        .read_slab(at, &Slab::all(&shape))
        .map_err(|source| OutputError::Read {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
    let scalars: Vec<Value> = match &array.values {
        Values::Int64(values) => values.iter().map(|value| json!(value)).collect(),
        Values::UInt64(values) => values.iter().map(|value| json!(value)).collect(),
        values => match Packing::of(meta).and_then(|packing| packing.decode(values).ok()) {
            Some(decoded) => decoded
                .into_iter()
                .map(|value| whole_or_real(meta, value))
                .collect(),
            None => plain(values),
        },
    };
    Ok(json!({
        "dims": meta.dimensions,
        "attrs": attributes(&meta.attributes, true),
        "data": nested(&mut scalars.into_iter(), &shape),
    }))
}

/// A number; without a point where the variable is of whole numbers and not scaled.
fn whole_or_real(meta: &VariableMeta, value: f64) -> Value {
    let is_scaled =
        meta.attributes.get("scale_factor").is_some() || meta.attributes.get("add_offset").is_some();
    if !meta.dtype.is_float() && !is_scaled && value.fract() == 0.0 && value.abs() < 9e15 {
        json!(value as i64)
    } else {
        json!(value)
    }
}

fn plain(values: &Values) -> Vec<Value> {
    with_values!(values, vec => vec.iter().map(|value| json!(value)).collect(),
        String(text) => text.iter().map(|text| json!(text)).collect())
}

fn nested(values: &mut impl Iterator<Item = Value>, shape: &[usize]) -> Value {
    match shape.split_first() {
        None => values.next().unwrap_or(Value::Null),
        Some((size, inner)) => Value::Array((0..*size).map(|_| nested(values, inner)).collect()),
    }
}

/// Attributes; those of packing and fill are left out of variables, whose values are true ones.
fn attributes(attributes: &Attributes, of_variable: bool) -> Map<String, Value> {
    const OF_PACKING: [&str; 4] = ["scale_factor", "add_offset", "_FillValue", "missing_value"];
    let kept = attributes
        .iter()
        .filter(|(name, _)| !of_variable || !OF_PACKING.contains(name));
    kept.map(|(name, value)| {
        let value = match value {
            AttrValue::Text(text) => json!(text),
            AttrValue::Array(values) => match plain(values).as_slice() {
                [one] => one.clone(),
                many => json!(many),
            },
        };
        (name.to_owned(), value)
    })
    .collect()
}
