//! The structure of a result over cycles: `[pass_number, num_lines, num_pixels]`, a group per swath side.

use karin_core::{DType, GroupMeta, VariableMeta};

use super::extent::Extent;
use super::{Pass, Work, block, most_cycles};
use crate::EngineError;
use crate::execute::describe::{axis, dimension, group_mut, provenance, result_variable, storage};
use crate::plan::Column;
use crate::swath::{Shape, join};

/// The structure of the whole result.
pub(super) fn of(work: &Work<'_>, passes: &[Pass], extents: &[Extent], columns: &[&Column]) -> GroupMeta {
    let plan = work.engine.plan;
    let mut root = GroupMeta {
        attributes: provenance(plan, work.reduction),
        ..GroupMeta::default()
    };
    root.dimensions.push(dimension("pass_number", passes.len()));
    root.variables
        .push(axis("pass_number", DType::Int16, "pass number"));
    let cycles = most_cycles(passes);
    for extent in extents {
        let swath = &extent.swath;
        let group = group_mut(&mut root, &swath.group);
        let lines = swath.lines_dimension.as_str();
        group.dimensions.push(dimension(lines, extent.lines.len()));
        if extent.lines != (0..swath.num_lines) {
            group
                .variables
                .push(axis(lines, DType::Int32, "index of the line in the granule"));
        }
        let source = plan.structure().group(&swath.group);
        for path in [&swath.latitude, &swath.longitude] {
            let Some(variable) = plan.structure().variable(path) else {
                continue;
            };
            add_dimensions(group, source, variable);
            let mut meta = variable.clone();
            meta.dimensions.insert(0, "pass_number".to_owned());
            let row = if variable.dimensions.len() > 1 {
                swath.num_pixels
            } else {
                1
            };
            let mut chunks = vec![1, extent.position_lines(plan.structure())];
            chunks.extend((variable.dimensions.len() > 1).then_some(row));
            meta.storage = storage(Some(chunks));
            group.variables.push(meta);
        }
        let needs = work.reduction.needs();
        for column in columns.iter().filter(|column| column.group == swath.group) {
            let (rows, width) = extent.lines_of(column);
            let block = block(work, column, cycles, width, needs).rows;
            let block = block.clamp(1, rows.len().max(1));
            let mut dimensions = vec!["pass_number".to_owned()];
            let mut chunks = vec![1];
            if column.derived {
                dimensions.push(lines.to_owned());
                chunks.push(block);
                if swath.num_pixels > 1 {
                    dimensions.push(pixels_dimension(plan.structure(), swath));
                    chunks.push(width);
                }
            } else {
                add_dimensions(group, source, &column.meta);
                dimensions.extend(column.meta.dimensions.iter().cloned());
                let is_rows = !matches!(column.shape, Shape::Other(_));
                chunks.extend(
                    column.lengths.iter().enumerate().map(
                        |(d, length)| {
                            if d == 0 && is_rows { block } else { *length }
                        },
                    ),
                );
            }
            for statistic in &work.reduction.statistics {
                let chunks = chunks.iter().map(|length| (*length).max(1)).collect();
                let mut meta = result_variable(work, column, *statistic, &dimensions, Some(chunks));
                if column.shape == Shape::Pixels {
                    meta.attributes.set("coordinates", places(swath));
                }
                group.variables.push(meta);
            }
        }
    }
    work.schemas
        .describe(&mut root, columns, &["pass_number".to_owned()]);
    root
}

/// The names of the coordinates of a swath's pixels, as `coordinates` lists them.
fn places(swath: &crate::swath::Swath) -> String {
    let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    format!("{} {}", name(&swath.longitude), name(&swath.latitude))
}

/// The dimension across the swath.
pub(in crate::execute) fn pixels_dimension(root: &GroupMeta, swath: &crate::swath::Swath) -> String {
    let dimensions = root
        .variable(&swath.latitude)
        .map(|variable| variable.dimensions.as_slice());
    dimensions
        .and_then(|dimensions| dimensions.get(1).cloned())
        .unwrap_or_else(|| "num_pixels".to_owned())
}

/// Adds the dimensions of a product's variable that the result lacks.
fn add_dimensions(group: &mut GroupMeta, source: Option<&GroupMeta>, variable: &VariableMeta) {
    for name in &variable.dimensions {
        if !group.dimensions.iter().any(|known| known.name == *name)
            && let Some(size) = source.and_then(|source| source.dimension_from("", name))
        {
            group.dimensions.push(dimension(name, size));
        }
    }
}

/// Writes pass numbers and line indices.
pub(super) fn write_axes(work: &Work<'_>, passes: &[Pass], extents: &[Extent]) -> Result<(), EngineError> {
    let numbers: Vec<i16> = passes
        .iter()
        .filter_map(|pass| i16::try_from(pass.number.0).ok())
        .collect();
    work.write_all("pass_number", numbers)?;
    write_lines(work, extents)
}

/// Writes the indices of lines where not all lines are there.
pub(in crate::execute) fn write_lines(work: &Work<'_>, extents: &[Extent]) -> Result<(), EngineError> {
    for extent in extents {
        if extent.lines != (0..extent.swath.num_lines) {
            let lines: Vec<i32> = extent
                .lines
                .clone()
                .filter_map(|line| i32::try_from(line).ok())
                .collect();
            work.write_all(&join(&extent.swath.group, &extent.swath.lines_dimension), lines)?;
        }
    }
    Ok(())
}
