//! Pictures of statistics: maps, curves over bins of one variable and fields over two, sections.

mod sections;

use std::path::Path;

use karin_core::{AttrValue, Dataset, DatasetError, GroupMeta, Slab, VariableMeta};
use karin_engine::reduction::{Bins, Reduction, Statistic, Target};

use super::scatter::Regression;
use crate::Error;
use crate::plot::chart::{Axis, COLORS, Cells, Chart, Line, Panel, Png, Scale};
use crate::plot::{ColorMap, MapOptions, decoded};

/// Refuses results that have no picture.
///
/// # Errors
/// If the target is single numbers, by key or not.
pub(crate) fn check(target: &Target) -> Result<(), Error> {
    match target {
        Target::Cycle | Target::Grid(_) | Target::Bins(_) | Target::Pixels | Target::Lines => Ok(()),
        _ => {
            let reason = "numbers by key have no place on a map: use --over cycle, num_lines or num_pixels, --grid or \
                          --bin, or name it .nc, .zarr, .parquet or .csv";
            Err(Error::option("-o", reason))
        }
    }
}

/// Draws a result into a file: maps of grids and of pixels over cycles, charts of bins and sections.
///
/// # Errors
/// If nothing is to be seen, it is too much for one picture, or the file cannot be written.
pub(crate) fn draw(
    result: &dyn Dataset,
    reduction: &Reduction,
    regression: Option<&Regression>,
    history: &str,
    path: &Path,
) -> Result<(), Error> {
    check(&reduction.target)?;
    match &reduction.target {
        Target::Bins(bins) => of_bins(result, reduction, bins, regression, history)?.write(path),
        Target::Pixels | Target::Lines => sections::of(result, history)?.write(path),
        _ => crate::plot::datasets(result, &maps(result, reduction), MapOptions::default())?.write(path),
    }
}

/// The variables of a result that are results, without their groups. Grids have counts whether these are asked for or not.
fn maps(result: &dyn Dataset, reduction: &Reduction) -> Vec<String> {
    let paths = result.root().variable_paths();
    let mut names: Vec<&str> = Vec::new();
    for path in paths.iter().filter(|path| is_result(result.root(), path)) {
        let name = short(path);
        if !["latitude", "longitude"].contains(&name) && !names.contains(&name) {
            names.push(name);
        }
    }
    let counts = |name: &str| {
        let counted = name.strip_suffix("_count");
        counted
            .is_some_and(|counted| (names.iter()).any(|other| *other != name && other.starts_with(counted)))
    };
    let wants_counts = reduction.statistics.contains(&Statistic::Count);
    let shown = names.iter().filter(|name| wants_counts || !counts(name));
    shown.map(|name| (*name).to_owned()).collect()
}

/// False for axes, their bounds, and which processing results are of.
fn is_result(root: &GroupMeta, path: &str) -> bool {
    let is_axis = |meta: &VariableMeta| {
        meta.dimensions == [meta.name.as_str()] || meta.name.ends_with("_bounds") || meta.name == "schema"
    };
    root.variable(path).is_some_and(|meta| !is_axis(meta))
}

/// What stands in the notes of a picture.
fn notes(history: &str) -> Vec<(String, String)> {
    let software = concat!("karin ", env!("CARGO_PKG_VERSION")).to_owned();
    vec![
        ("Software".to_owned(), software),
        ("Command".to_owned(), history.to_owned()),
    ]
}

/// Product and selection of a result.
fn subtitle(result: &dyn Dataset) -> String {
    let attributes = &result.root().attributes;
    let text = |name: &str| attributes.text(name).unwrap_or("").to_owned();
    let mut parts = vec![text("product"), text("product_schema"), text("selection")];
    parts.retain(|part| !part.is_empty());
    parts.join(" · ")
}

/// All values of a variable.
fn values_of(result: &dyn Dataset, path: &str) -> Result<Vec<f64>, Error> {
    let shape = result.root().shape(path);
    let shape = shape.ok_or_else(|| DatasetError::no_variable(result.label(), path))?;
    decoded(result, path, &Slab::all(&shape))
}

/// Draws a result by bins: of one variable a panel per kind of statistic, of two the first statistic, with the line of
/// regression where there is one.
fn of_bins(
    result: &dyn Dataset,
    reduction: &Reduction,
    bins: &[Bins],
    regression: Option<&Regression>,
    history: &str,
) -> Result<Png, Error> {
    let found = Found::of(result, reduction)?;
    let mut chart = Chart {
        title: found.title(bins),
        subtitle: subtitle(result),
        panels: Vec::new(),
        notes: notes(history),
    };
    chart.panels = match bins {
        [x, y] => vec![field(&found, x, y, regression)?],
        [x, ..] => curves(&found, x)?,
        [] => Vec::new(),
    };
    Ok(chart.png()?)
}

/// The statistics of the variable that is drawn.
struct Found<'a> {
    result: &'a dyn Dataset,
    statistics: Vec<(Statistic, &'a VariableMeta, Vec<f64>)>,
}

impl<'a> Found<'a> {
    /// Of the first variable of the result.
    fn of(result: &'a dyn Dataset, reduction: &Reduction) -> Result<Self, Error> {
        let root = result.root();
        let paths = root.variable_paths();
        let mut own = paths.iter().filter(|path| is_result(root, path));
        let mut statistics = Vec::new();
        for statistic in &reduction.statistics {
            if let Some((path, meta)) = own.next().and_then(|path| Some((path, root.variable(path)?))) {
                statistics.push((*statistic, meta, values_of(result, path)?));
            }
        }
        if statistics.is_empty() {
            return Err(Error::option("-o", "there is no statistic to draw"));
        }
        Ok(Self { result, statistics })
    }

    /// `Histogram of swh_karin`, `swh_karin and wind_speed_karin`, `mean, std of ssha by swh_karin`.
    fn title(&self, bins: &[Bins]) -> String {
        let names: Vec<&str> = bins.iter().map(|bins| short(&bins.variable)).collect();
        let statistics = self.statistics.iter().map(|(statistic, ..)| *statistic);
        let is_histogram = statistics.clone().all(is_frequency);
        let own = self.statistics.first().map_or("", |(statistic, meta, _)| {
            meta.name
                .strip_suffix(&format!("_{}", statistic.name()))
                .unwrap_or(&meta.name)
        });
        if is_histogram && names.last() == Some(&own) {
            return format!("Histogram of {}", names.join(" and "));
        }
        let words: Vec<String> = statistics.map(Statistic::name).collect();
        format!("{} of {own} by {}", words.join(", "), names.join(" and "))
    }

    fn get(&self, wanted: Statistic) -> Option<&Vec<f64>> {
        let found = self
            .statistics
            .iter()
            .find(|(statistic, ..)| *statistic == wanted);
        found.map(|(.., values)| values)
    }

    /// What an axis of bins says.
    fn label(&self, name: &str) -> String {
        let meta = self.result.root().variable(name);
        let about = meta
            .and_then(|meta| meta.attributes.text("long_name"))
            .unwrap_or(name);
        let about = about.strip_suffix(": middle of the bin").unwrap_or(about);
        labelled(about, meta.and_then(|meta| meta.attributes.text("units")))
    }

    fn axis(&self, bins: &Bins) -> Result<(String, Vec<f64>), Error> {
        let name = short(&bins.variable);
        Ok((self.label(name), values_of(self.result, name)?))
    }
}

/// Without its group.
fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// True for what says how often values occur.
fn is_frequency(statistic: Statistic) -> bool {
    matches!(statistic, Statistic::Count | Statistic::Density)
}

fn labelled(about: &str, units: Option<&str>) -> String {
    // Of a derived variable its name says enough; the expression is in the file.
    let about = about.split_once(" = ").map_or(about, |(name, _)| name);
    match units {
        None | Some("" | "1") => about.to_owned(),
        Some(units) => format!("{about} ({units})"),
    }
}

/// Statistics that share a panel, because they are of one kind and size.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    Values,
    Spread,
    Density,
    Count,
    Other(usize),
}

fn family(statistic: Statistic, at: usize) -> Family {
    match statistic {
        Statistic::Count => Family::Count,
        Statistic::Density => Family::Density,
        Statistic::StandardDeviation | Statistic::MedianAbsoluteDeviation => Family::Spread,
        Statistic::Mean
        | Statistic::Median
        | Statistic::Min
        | Statistic::Max
        | Statistic::First
        | Statistic::Last
        | Statistic::Quantile(_) => Family::Values,
        _ => Family::Other(at),
    }
}

/// Most panels of a picture.
const PANELS: usize = 3;

fn curves(found: &Found<'_>, x: &Bins) -> Result<Vec<Panel>, Error> {
    let (label, centres) = found.axis(x)?;
    let edges = x.edges()?;
    let mut families: Vec<Family> = Vec::new();
    let has_values = found
        .statistics
        .iter()
        .any(|(statistic, ..)| family(*statistic, 0) == Family::Values);
    for (at, (statistic, ..)) in found.statistics.iter().enumerate() {
        let own = family(*statistic, at);
        // Drawn as the band of the mean.
        let is_band = own == Family::Spread && has_values && found.get(Statistic::Mean).is_some();
        let is_band = is_band && found.get(Statistic::MedianAbsoluteDeviation).is_none();
        if !families.contains(&own) && !is_band {
            families.push(own);
        }
    }
    families.sort();
    // A density says what a count says.
    if families.contains(&Family::Density) && families.len() == 2 {
        families.retain(|family| *family != Family::Count);
    }
    families.truncate(PANELS);
    let across = Axis::around(&label, Scale::Linear, edges.iter().copied());
    let panels = families.iter().enumerate().map(|(index, wanted)| {
        let own = found.statistics.iter().enumerate();
        let own: Vec<_> = own
            .filter(|(at, (statistic, ..))| family(*statistic, *at) == *wanted)
            .map(|(_, own)| own)
            .collect();
        panel(found, &own, (&across, &centres, &edges), index)
    });
    Ok(panels.collect())
}

fn panel(
    found: &Found<'_>,
    own: &[&(Statistic, &VariableMeta, Vec<f64>)],
    (across, centres, edges): (&Axis, &[f64], &[f64]),
    index: usize,
) -> Panel {
    let mut lines = Vec::new();
    for (k, (statistic, _, values)) in own.iter().enumerate() {
        let color = COLORS[k % COLORS.len()];
        let name = if own.len() > 1 {
            statistic.name()
        } else {
            String::new()
        };
        lines.push(match statistic {
            Statistic::Count | Statistic::Density => stairs(edges, values, color),
            Statistic::Mean => {
                let std = found.get(Statistic::StandardDeviation);
                let band = std.map(|std| {
                    let at = |sign: f64| {
                        values
                            .iter()
                            .zip(std)
                            .map(|(mean, std)| mean + sign * std)
                            .collect()
                    };
                    (at(-1.0), at(1.0), "± one standard deviation".to_owned())
                });
                line("mean".to_owned(), centres, values, color, band)
            }
            _ => line(name, centres, values, color, None),
        });
    }
    let is_stairs = own.iter().all(|(statistic, ..)| is_frequency(*statistic));
    let bands = lines.iter().filter_map(|line| line.band.as_ref());
    let bands = bands.flat_map(|(low, high, _)| low.iter().chain(high));
    let numbers = lines.iter().flat_map(|line| &line.y).chain(bands).copied();
    let numbers = numbers.chain(is_stairs.then_some(0.0));
    let up = Axis::around(&up_label(own), Scale::Linear, numbers);
    let up = if is_stairs {
        Axis {
            high: up.high + 0.06 * (up.high - up.low),
            ..up
        }
    } else {
        up.with_room(0.06)
    };
    Panel {
        x: across.clone(),
        y: up,
        inverse: String::new(),
        lines,
        cells: None,
        height: if index == 0 { 1.0 } else { 0.6 },
    }
}

fn up_label(own: &[&(Statistic, &VariableMeta, Vec<f64>)]) -> String {
    let Some((statistic, meta, _)) = own.first() else {
        return String::new();
    };
    let units = meta.attributes.text("units");
    match (statistic, own) {
        (Statistic::Count, _) => "number of values".to_owned(),
        (Statistic::Density, _) => "probability density".to_owned(),
        (_, [_]) => labelled(meta.attributes.text("long_name").unwrap_or(&meta.name), units),
        _ => {
            let about = meta.attributes.text("long_name").unwrap_or(&meta.name);
            labelled(about.split_once(" of ").map_or(about, |(_, about)| about), units)
        }
    }
}

fn line(
    label: String,
    x: &[f64],
    y: &[f64],
    color: [u8; 3],
    band: Option<(Vec<f64>, Vec<f64>, String)>,
) -> Line {
    Line {
        label,
        x: x.to_vec(),
        y: y.to_vec(),
        color,
        is_dashed: false,
        band,
    }
}

/// Bins as stairs that stand on zero.
fn stairs(edges: &[f64], values: &[f64], color: [u8; 3]) -> Line {
    let x: Vec<f64> = edges.windows(2).flatten().copied().collect();
    let y: Vec<f64> = values.iter().flat_map(|value| [*value; 2]).collect();
    let band = Some((vec![0.0; y.len()], y.clone(), String::new()));
    line(String::new(), &x, &y, color, band)
}

/// A field over two variables, the first to the right.
fn field(found: &Found<'_>, x: &Bins, y: &Bins, regression: Option<&Regression>) -> Result<Panel, Error> {
    for bins in [x, y] {
        let widths: Vec<f64> = bins.edges()?.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let first = widths.first().copied().unwrap_or(1.0);
        if widths.iter().any(|width| (width - first).abs() > 1e-6 * first) {
            let reason = format!(
                "a picture of two variables needs bins of one width: {bins} are not; name it .nc or .csv"
            );
            return Err(Error::option("-o", reason));
        }
    }
    let ((x_label, columns), (y_label, rows)) = (found.axis(x)?, found.axis(y)?);
    let Some((statistic, meta, values)) = found.statistics.first() else {
        return Err(Error::option("-o", "there is no statistic to draw"));
    };
    let is_count = is_frequency(*statistic);
    let about = meta.attributes.text("long_name").unwrap_or(&meta.name);
    let (label, color_map) = match statistic {
        Statistic::Count => (
            "power of ten of the number of values".to_owned(),
            ColorMap::HALINE,
        ),
        Statistic::Density => (
            "power of ten of the probability density".to_owned(),
            ColorMap::HALINE,
        ),
        _ => (labelled(about, meta.attributes.text("units")), ColorMap::HALINE),
    };
    let value = |row: usize, column: usize| {
        let value = values.get(column * rows.len() + row).copied().unwrap_or(f64::NAN);
        // Empty bins have no logarithm, and stay white.
        if is_count { value.log10() } else { value }
    };
    let turned = (0..rows.len()).flat_map(|row| (0..columns.len()).map(move |column| (row, column)));
    Ok(Panel {
        x: Axis::around(&x_label, Scale::Linear, columns.iter().copied()),
        y: Axis::around(&y_label, Scale::Linear, rows.iter().copied()),
        inverse: String::new(),
        lines: regression
            .map(|own| of_regression(own, &columns))
            .into_iter()
            .collect(),
        cells: Some(Cells {
            values: turned.map(|(row, column)| value(row, column)).collect(),
            columns: columns.len(),
            label,
            color_map,
        }),
        height: 1.0,
    })
}

fn of_regression(regression: &Regression, x: &[f64]) -> Line {
    let Regression {
        slope,
        intercept,
        correlation,
        ..
    } = regression;
    let sign = if *intercept < 0.0 { "-" } else { "+" };
    let label = format!(
        "y = {slope:.3} x {sign} {:.3}, r = {correlation:.3}",
        intercept.abs()
    )
    .replace('-', "−");
    let ends = [x.first(), x.last()];
    let x: Vec<f64> = ends.into_iter().flatten().copied().collect();
    let y: Vec<f64> = x.iter().map(|x| slope * x + intercept).collect();
    line(label, &x, &y, COLORS[1], None)
}

/// What the notes of a result say beside its own attributes.
pub(super) fn attributes(regression: Option<&Regression>) -> Vec<(String, AttrValue)> {
    regression.map(Regression::attributes).unwrap_or_default()
}
