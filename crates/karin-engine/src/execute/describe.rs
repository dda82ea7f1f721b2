//! The structure of results: names, attributes and provenance.

use karin_core::{AttrValue, Attributes, DType, Dimension, FillMode, GroupMeta, Storage, VariableMeta};

use super::Work;
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

/// Name of the result of a statistic: the variable's own if there is only one statistic, and no axis of bins has it.
pub(super) fn result_name(reduction: &Reduction, column: &Column, statistic: Statistic) -> String {
    let is_axis = match &reduction.target {
        Target::Bins(bins) => bins.iter().any(|bins| bins.variable == column.name),
        _ => false,
    };
    if reduction.statistics.len() == 1 && !is_axis {
        column.name.clone()
    } else {
        format!("{}_{}", column.name, statistic.name())
    }
}

/// Name of the counts that every result in cells carries.
pub(super) fn count_name(column: &Column) -> String {
    format!("{}_count", column.name)
}

/// Name of the number of values outside all bins.
pub(super) fn outside_name(column: &Column) -> String {
    format!("{}_outside", column.name)
}

/// The variable that says how many values of a column fell outside all bins.
pub(super) fn outside(work: &Work<'_>, column: &Column) -> VariableMeta {
    let mut meta = result_variable(work, column, Statistic::Count, &[], None);
    meta.name = outside_name(column);
    let about = "number of values at pixels whose value of what they are binned by lies outside all bins";
    meta.attributes.set("long_name", about);
    meta
}

/// The variable that holds one statistic of a column.
pub(super) fn result_variable(
    work: &Work<'_>,
    column: &Column,
    statistic: Statistic,
    dimensions: &[String],
    chunks: Option<Vec<usize>>,
) -> VariableMeta {
    let (reduction, from) = (work.reduction, &column.meta.attributes);
    let with = work.partner(column);
    let is_count = statistic == Statistic::Count;
    let mut attributes = Attributes::new();
    if !is_count {
        attributes.set("_FillValue", AttrValue::number(f64::NAN));
    }
    for name in KEPT {
        match (name, from.get(name)) {
            ("units", Some(units)) => {
                let units = units.as_text();
                let units = units.map_or("1".to_owned(), |units| units_of(statistic, units, with));
                attributes.set("units", units);
            }
            // Standard names are of quantities, which a count or a trend no longer is, nor how much times differ.
            ("standard_name", _) if statistic.is_of_other_kind() => {}
            ("standard_name", Some(name)) if name.as_text() == Some("time") && is_of_spread(statistic) => {}
            ("long_name", Some(text)) => {
                let text = text.as_text().unwrap_or(&column.name);
                attributes.set("long_name", long_name(statistic, text, with));
            }
            ("long_name", None) => attributes.set("long_name", long_name(statistic, &column.name, with)),
            (_, Some(value)) => attributes.set(name, value.clone()),
            (_, None) => {}
        }
    }
    if let Some(method) = statistic.cell_method() {
        attributes.set(
            "cell_methods",
            format!("{}: {method}", cell_axes(&reduction.target)),
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
        Statistic::Variance
            | Statistic::StandardDeviation
            | Statistic::MedianAbsoluteDeviation
            | Statistic::Trend
            | Statistic::Covariance
            | Statistic::Slope
            | Statistic::RmsDifference
            | Statistic::MeanDifference
    )
}

/// Units of a statistic. How much times differ has no epoch.
fn units_of(statistic: Statistic, units: &str, with: Option<&Column>) -> String {
    let without_epoch = |units: &str| match units.split_once(" since ") {
        Some((unit, _)) if is_of_spread(statistic) => {
            let unit = unit.trim();
            // Not spelled out: xarray takes "seconds" for a duration and makes nanoseconds of it.
            if unit == "seconds" { "s" } else { unit }.to_owned()
        }
        _ => units.to_owned(),
    };
    let with = with.and_then(|with| with.meta.attributes.text("units"));
    statistic.units(&without_epoch(units), &without_epoch(with.unwrap_or("1")))
}

/// What the statistic of a variable is called: "mean sea surface height anomaly", "correlation of this and that".
fn long_name(statistic: Statistic, of: &str, with: Option<&Column>) -> String {
    let words = words(statistic);
    let other = with.map(|with| with.meta.attributes.text("long_name").unwrap_or(&with.name));
    match (statistic, other) {
        (Statistic::Mean | Statistic::Median, None) => format!("{words} {of}"),
        (_, None) => format!("{words} of {of}"),
        (Statistic::Count, Some(other)) => {
            format!("number of places where {of} and {other} both have values")
        }
        (Statistic::Slope | Statistic::Intercept, Some(other)) => {
            format!("{words} of the least squares line of {of} on {other}")
        }
        (Statistic::MeanDifference | Statistic::RmsDifference, Some(other)) => {
            format!("{words} of {of} less {other}")
        }
        (_, Some(other)) => format!("{words} of {of} and {other}"),
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
        Statistic::MedianAbsoluteDeviation => "median absolute deviation".to_owned(),
        Statistic::Density => "probability density".to_owned(),
        Statistic::RmsDifference => "root mean square".to_owned(),
        Statistic::MeanDifference => "mean".to_owned(),
        other => other.name(),
    }
}

fn cell_axes(target: &Target) -> &'static str {
    match target {
        Target::Cycle => "cycle_number",
        Target::Pixels => "num_pixels",
        Target::Lines => "num_lines",
        Target::Grid(_) => "area: time",
        _ => "time: area",
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
            target_words(&reduction.target)
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
    attributes.set("reduction", reduction.target.to_string());
    if let Some(with) = &reduction.with {
        attributes.set("compared_with", with.clone());
    }
    if let Some(having) = &reduction.having {
        attributes.set("having", having.text());
    }
    attributes.set("karin_version", env!("CARGO_PKG_VERSION"));
    attributes
}

/// Says of a result what its reader should know.
pub(super) fn comment(root: &mut GroupMeta, notes: &[String]) {
    if !notes.is_empty() {
        root.attributes.set("comment", notes.join("; "));
    }
}

fn target_words(target: &Target) -> String {
    match target {
        Target::Cycle => "over cycles".to_owned(),
        Target::Pixels => "over pixels, by line".to_owned(),
        Target::Lines => "over lines, by pixel column".to_owned(),
        Target::All => "over everything".to_owned(),
        Target::Grid(step) => format!("on a grid of {step} degrees"),
        Target::Bins(bins) => {
            let names: Vec<&str> = bins.iter().map(|bins| bins.variable.as_str()).collect();
            format!("binned by {}", names.join(" and "))
        }
        other => other.to_string(),
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
