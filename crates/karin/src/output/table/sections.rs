//! Which rows and columns a tree of arrays has.

use karin_core::{DType, GroupMeta, VariableMeta};

use super::{Column, Origin, Section};
use crate::output::cells::Kind;

/// The sections of a group and the groups inside.
pub(super) fn collect(
    root: &GroupMeta,
    group: &GroupMeta,
    path: &str,
    sections: &mut Vec<Section>,
    left_out: &mut Vec<String>,
) {
    let join = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}/{name}")
        }
    };
    let widest = (group.variables.iter())
        .filter(|variable| variable.dtype.is_numeric() && is_simple(variable) && !is_bounds(group, variable))
        .max_by_key(|variable| {
            (
                variable.dimensions.len(),
                root.shape(&join(&variable.name))
                    .map(|s| s.iter().product::<usize>()),
            )
        });
    if let Some(widest) = widest
        && let Some(shape) = root.shape(&join(&widest.name))
    {
        sections.push(section(
            root,
            group,
            path,
            widest.dimensions.clone(),
            shape,
            left_out,
        ));
    }
    for inner in &group.groups {
        collect(root, inner, &join(&inner.name), sections, left_out);
    }
}

/// True for the edges of cells, which CF keeps beside an axis: a table has the middles.
fn is_bounds(group: &GroupMeta, variable: &VariableMeta) -> bool {
    let mut others = group.variables.iter();
    others.any(|other| other.attributes.text("bounds") == Some(&variable.name))
}

/// True if no dimension occurs twice.
fn is_simple(variable: &VariableMeta) -> bool {
    variable
        .dimensions
        .iter()
        .enumerate()
        .all(|(at, name)| !variable.dimensions.iter().take(at).any(|n| n == name))
}

fn section(
    root: &GroupMeta,
    group: &GroupMeta,
    path: &str,
    dimensions: Vec<String>,
    shape: Vec<usize>,
    left_out: &mut Vec<String>,
) -> Section {
    let join = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}/{name}")
        }
    };
    let mut columns = Vec::new();
    for name in ["cycle_number", "pass_number"] {
        let number = group.attributes.get(name).or_else(|| root.attributes.get(name));
        let is_variable = group.variables.iter().any(|variable| variable.name == name);
        if let Some(number) = number
            && !is_variable
            && let (Some(kind), Some(value)) = (Kind::of_attribute(number), number.as_f64())
        {
            let column = Column {
                name: name.to_owned(),
                kind,
                notes: Vec::new(),
            };
            columns.push((column, Origin::Number(value as i64)));
        }
    }
    for (axis, name) in dimensions.iter().enumerate() {
        if !group.variables.iter().any(|variable| variable.name == *name) {
            let column = Column {
                name: name.clone(),
                kind: Kind::Integer,
                notes: Vec::new(),
            };
            columns.push((column, Origin::Index(axis)));
        }
    }
    let mut required = Vec::new();
    let mut flags = Vec::new();
    for variable in group
        .variables
        .iter()
        .filter(|variable| !is_bounds(group, variable))
    {
        let text = text_length(root, variable, &join(&variable.name), &dimensions);
        let outer = variable
            .dimensions
            .iter()
            .take(variable.dimensions.len() - usize::from(text.is_some()));
        let axes: Option<Vec<usize>> = outer
            .map(|name| dimensions.iter().position(|own| own == name))
            .collect();
        match axes {
            Some(axes) if axes.is_sorted() && is_simple(variable) => {
                if axes.len() == dimensions.len() && !is_coordinate(variable, &dimensions) {
                    if is_flag(variable) {
                        flags.push(columns.len())
                    } else {
                        required.push(columns.len())
                    }
                }
                let column = Column {
                    name: variable.name.clone(),
                    kind: Kind::of(variable),
                    notes: notes(variable),
                };
                let meta = Box::new(variable.clone());
                columns.push((
                    column,
                    Origin::Variable {
                        meta,
                        path: join(&variable.name),
                        axes,
                        text,
                    },
                ));
            }
            _ => left_out.push(join(&variable.name)),
        }
    }
    if required.is_empty() {
        required = flags;
    }
    Section {
        group: path.to_owned(),
        shape,
        columns,
        required,
    }
}

/// How many characters make one text, for characters whose last dimension is none of the rows.
fn text_length(
    root: &GroupMeta,
    variable: &VariableMeta,
    path: &str,
    dimensions: &[String],
) -> Option<usize> {
    let last = variable.dimensions.last()?;
    let is_text = variable.dtype == DType::Char && !dimensions.contains(last);
    is_text.then(|| root.shape(path)?.last().copied())?
}

/// Where and when, which every pixel has.
fn is_coordinate(variable: &VariableMeta, dimensions: &[String]) -> bool {
    let standard = variable.attributes.text("standard_name");
    dimensions.contains(&variable.name)
        || ["time", "latitude", "longitude"].contains(&variable.name.as_str())
        || matches!(standard, Some("time" | "latitude" | "longitude"))
}

fn is_flag(variable: &VariableMeta) -> bool {
    ["flag_values", "flag_masks"]
        .iter()
        .any(|name| variable.attributes.get(name).is_some())
}

fn notes(variable: &VariableMeta) -> Vec<(String, String)> {
    let names = [
        "long_name",
        "standard_name",
        "units",
        "cell_methods",
        "flag_meanings",
        "comment",
    ];
    let text = |name: &&str| {
        variable
            .attributes
            .text(name)
            .map(|text| ((*name).to_owned(), text.to_owned()))
    };
    names.iter().filter_map(text).collect()
}
