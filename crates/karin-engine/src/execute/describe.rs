//! The structure of results: names, attributes and provenance.

use karin_core::{AttrValue, Attributes, DType, Dimension, FillMode, GroupMeta, Storage, VariableMeta};

use crate::plan::{Column, Plan};
use crate::reduction::{Reduction, Statistic, Target};

/// Attributes of a product's variable that stay true of its statistics.
const KEPT: [&str; 5] = ["long_name", "standard_name", "units", "comment", "source"];

/// A dimension.
pub(super) fn dimension(name: &str, size: usize) -> Dimension {
    Dimension {
        name: name.to_owned(),
        size,
        unlimited: false,
    }
}

/// Storage of a result: compressed, in these chunks.
pub(super) fn storage(chunks: Option<Vec<usize>>) -> Storage {
    let chunked = chunks.is_some();
    Storage {
        chunks,
        shuffle: chunked,
        deflate: chunked.then_some(1),
        fletcher32: false,
        big_endian: false,
        fill: FillMode::Fill,
    }
}

/// A coordinate of one dimension with its own name.
pub(super) fn axis(name: &str, dtype: DType, about: &str) -> VariableMeta {
    let mut attributes = Attributes::new();
    attributes.set("long_name", about);
    VariableMeta {
        name: name.to_owned(),
        dtype,
        dimensions: vec![name.to_owned()],
        attributes,
        storage: storage(None),
    }
}

/// Name of the result of a statistic: the variable's own if there is only one statistic.
pub(super) fn result_name(reduction: &Reduction, column: &Column, statistic: Statistic) -> String {
    if reduction.statistics.len() == 1 {
        column.name.clone()
    } else {
        format!("{}_{}", column.name, statistic.name())
    }
}

/// The variable that holds one statistic of a column.
pub(super) fn result_variable(
    reduction: &Reduction,
    column: &Column,
    statistic: Statistic,
    dimensions: &[String],
    chunks: Option<Vec<usize>>,
) -> VariableMeta {
    let from = &column.meta.attributes;
    let is_count = statistic == Statistic::Count;
    let mut attributes = Attributes::new();
    if !is_count {
        attributes.set("_FillValue", AttrValue::number(f64::NAN));
    }
    for name in KEPT {
        match (name, from.get(name)) {
            ("units", Some(units)) => {
                attributes.set(
                    "units",
                    units
                        .as_text()
                        .map_or("1".to_owned(), |units| units_of(statistic, units)),
                );
            }
            // Standard names are of quantities, which a count or a trend no longer is, nor how much times differ.
            ("standard_name", _) if matches!(statistic, Statistic::Count | Statistic::Trend) => {}
            ("standard_name", Some(name)) if name.as_text() == Some("time") && is_of_spread(statistic) => {}
            ("long_name", Some(text)) => {
                attributes.set(
                    "long_name",
                    long_name(statistic, text.as_text().unwrap_or(&column.name)),
                );
            }
            ("long_name", None) => attributes.set("long_name", long_name(statistic, &column.name)),
            (_, Some(value)) => attributes.set(name, value.clone()),
            (_, None) => {}
        }
    }
    if let Some(method) = statistic.cell_method() {
        attributes.set(
            "cell_methods",
            format!("{}: {method}", cell_axes(reduction.target)),
        );
    }
    VariableMeta {
        name: result_name(reduction, column, statistic),
        dtype: if is_count { DType::Int64 } else { DType::Float64 },
        dimensions: dimensions.to_vec(),
        attributes,
        storage: storage(chunks),
    }
}

/// True for what says how much values differ, not where they lie.
const fn is_of_spread(statistic: Statistic) -> bool {
    matches!(
        statistic,
        Statistic::Variance | Statistic::StandardDeviation | Statistic::Trend
    )
}

/// Units of a statistic. How much times differ has no epoch.
fn units_of(statistic: Statistic, units: &str) -> String {
    match units.split_once(" since ") {
        Some((unit, _)) if is_of_spread(statistic) => {
            let unit = unit.trim();
            // Not spelled out: xarray takes "seconds" for a duration and makes nanoseconds of it.
            statistic.units(if unit == "seconds" { "s" } else { unit })
        }
        _ => statistic.units(units),
    }
}

/// What the statistic of a variable is called: "mean sea surface height anomaly".
fn long_name(statistic: Statistic, of: &str) -> String {
    let words = words(statistic);
    match statistic {
        Statistic::Mean | Statistic::Median => format!("{words} {of}"),
        _ => format!("{words} of {of}"),
    }
}

fn words(statistic: Statistic) -> String {
    match statistic {
        Statistic::Count => "number of values".to_owned(),
        Statistic::Variance => "variance".to_owned(),
        Statistic::StandardDeviation => "standard deviation".to_owned(),
        Statistic::Min => "smallest value".to_owned(),
        Statistic::Max => "greatest value".to_owned(),
        Statistic::First => "earliest value".to_owned(),
        Statistic::Last => "latest value".to_owned(),
        Statistic::Trend => "linear trend".to_owned(),
        Statistic::Quantile(q) => format!("quantile {q}"),
        other => other.name(),
    }
}

fn cell_axes(target: Target) -> &'static str {
    match target {
        Target::Cycle => "cycle_number",
        Target::Grid(_) => "area: time",
        Target::All | Target::ByCycle | Target::ByPass | Target::ByDay | Target::ByMonth => "time: area",
    }
}

/// What the result is and what it was made of.
pub(super) fn provenance(plan: &Plan, reduction: &Reduction) -> Attributes {
    let mut attributes = Attributes::new();
    attributes.set("Conventions", "CF-1.8");
    let names: Vec<String> = reduction
        .statistics
        .iter()
        .map(|statistic| statistic.name())
        .collect();
    let product = plan
        .product()
        .map_or_else(|| "netCDF files".to_owned(), |product| product.to_string());
    attributes.set(
        "title",
        format!(
            "{} of {product}, {}",
            names.join(", "),
            target_words(reduction.target)
        ),
    );
    attributes.set("source", source(plan));
    attributes.set("product", product);
    let schemas: Vec<String> = plan.schemas().iter().map(ToString::to_string).collect();
    attributes.set("product_schema", schemas.join(", "));
    attributes.set("product_versions", versions(plan).join(", "));
    let root = &plan.structure().attributes;
    for name in ["doi", "product_doi", "references", "institution"] {
        if let Some(value) = root.get(name) {
            attributes.set(name, value.clone());
        }
    }
    if let Some(snapshot) = plan.source().snapshot() {
        attributes.set("snapshot", snapshot);
    }
    attributes.set("selection", plan.selection().to_string());
    attributes.set("karin_version", env!("CARGO_PKG_VERSION"));
    attributes
}

/// Says of a result what its reader should know.
pub(super) fn comment(root: &mut GroupMeta, notes: &[String]) {
    if !notes.is_empty() {
        root.attributes.set("comment", notes.join("; "));
    }
}

fn target_words(target: Target) -> String {
    match target {
        Target::Cycle => "over cycles".to_owned(),
        Target::All => "over everything".to_owned(),
        Target::ByCycle => "by cycle".to_owned(),
        Target::ByPass => "by pass".to_owned(),
        Target::ByDay => "by day".to_owned(),
        Target::ByMonth => "by month".to_owned(),
        Target::Grid(step) => format!("on a grid of {step} degrees"),
    }
}

/// Most granules that are listed by name.
const LISTED: usize = 100;

fn source(plan: &Plan) -> String {
    let labels: Vec<&str> = plan
        .pieces()
        .iter()
        .filter_map(|piece| plan.entry(piece))
        .map(|entry| entry.label.as_str())
        .collect();
    match labels.as_slice() {
        labels if labels.len() <= LISTED => labels.join(" "),
        [first, .., last] => format!("{} granules from {first} to {last}", labels.len()),
        _ => String::new(),
    }
}

fn versions(plan: &Plan) -> Vec<String> {
    let entries = plan.pieces().iter().filter_map(|piece| plan.entry(piece));
    let mut versions: Vec<String> = entries
        .filter_map(|entry| entry.version.as_ref())
        .map(ToString::to_string)
        .collect();
    versions.sort();
    versions.dedup();
    versions
}

/// The group at `path` of a structure, made where it is not there.
pub(super) fn group_mut<'a>(root: &'a mut GroupMeta, path: &str) -> &'a mut GroupMeta {
    path.split('/')
        .filter(|part| !part.is_empty())
        .fold(root, |group, part| {
            let at = group
                .groups
                .iter()
                .position(|inner| inner.name == part)
                .unwrap_or_else(|| {
                    group.groups.push(GroupMeta {
                        name: part.to_owned(),
                        ..GroupMeta::default()
                    });
                    group.groups.len() - 1
                });
            &mut group.groups[at]
        })
}
