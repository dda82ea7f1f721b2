//! Sections: along the track, or across it, a curve per granule, or a field of all cycles of a pass or all passes of a cycle.

use karin_core::Dataset;

use super::{is_result, labelled, line, notes, short, subtitle, values_of};
use crate::Error;
use crate::plot::ColorMap;
use crate::plot::chart::{Axis, COLORS, Cells, Chart, Line, Panel, Png, Scale};

/// Most panels of a picture.
const PANELS: usize = 3;

/// Draws a result by sections: the first results, a panel each.
///
/// # Errors
/// If nothing is to be seen, or there are more granules than curves and of more than one cycle and pass.
pub(super) fn of(result: &dyn Dataset, history: &str) -> Result<Png, Error> {
    let root = result.root();
    let paths = root.variable_paths();
    let is_section = |path: &&String| {
        let is_whole = root.variable(path).is_some_and(|meta| meta.dimensions.len() == 3);
        is_whole && is_result(root, path) && !is_latitude(short(path))
    };
    let granules = Granules::of(result)?;
    let mut panels = Vec::new();
    for path in paths.iter().filter(is_section).take(PANELS) {
        panels.push(granules.panel(result, path)?);
    }
    let names: Vec<&str> = paths
        .iter()
        .filter(is_section)
        .take(PANELS)
        .map(|path| short(path))
        .collect();
    let chart = Chart {
        title: format!("Sections of {}", names.join(", ")),
        subtitle: subtitle(result),
        panels,
        notes: notes(history),
    };
    Ok(chart.png()?)
}

/// Reduced beside the rest, latitude is what sections are drawn over: no panel of its own.
fn is_latitude(name: &str) -> bool {
    name == "latitude" || name.starts_with("latitude_")
}

/// The granules that a result may have sections of: all cycles by all passes.
struct Granules {
    cycles: Vec<f64>,
    passes: Vec<f64>,
}

/// A section: of which cycle and pass (by place), and where its values begin.
struct Section<'a> {
    cycle: usize,
    pass: usize,
    values: &'a [f64],
}

impl Granules {
    fn of(result: &dyn Dataset) -> Result<Self, Error> {
        Ok(Self {
            cycles: values_of(result, "cycle_number")?,
            passes: values_of(result, "pass_number")?,
        })
    }

    /// The sections of a variable that have values.
    fn sections<'a>(&self, values: &'a [f64]) -> Vec<Section<'a>> {
        let length = values.len() / (self.cycles.len() * self.passes.len()).max(1);
        let all = values.chunks_exact(length.max(1)).enumerate();
        let of = |(at, values): (usize, &'a [f64])| Section {
            cycle: at / self.passes.len(),
            pass: at % self.passes.len(),
            values,
        };
        all.map(of)
            .filter(|section| section.values.iter().any(|value| value.is_finite()))
            .collect()
    }

    fn panel(&self, result: &dyn Dataset, path: &str) -> Result<Panel, Error> {
        let values = values_of(result, path)?;
        let sections = self.sections(&values);
        let meta = result.root().variable(path);
        // Names are short enough for panels that share the height of the picture.
        let label = labelled(short(path), meta.and_then(|meta| meta.attributes.text("units")));
        let dimension = meta
            .and_then(|meta| meta.dimensions.last())
            .map_or("", String::as_str);
        let along = if dimension == "num_pixels" {
            "pixel number"
        } else {
            "line number"
        };
        if sections.len() <= COLORS.len() {
            let latitudes = latitudes_beside(result, path)?;
            return Ok(self.curves(&sections, latitudes.as_deref(), (along, &label)));
        }
        self.field(&sections, (along, &label))
    }

    fn curves(
        &self,
        sections: &[Section<'_>],
        latitudes: Option<&[f64]>,
        (along, label): (&str, &str),
    ) -> Panel {
        let is_alone = sections.len() == 1;
        let curve = |(at, section): (usize, &Section<'_>)| -> Line {
            let length = section.values.len();
            let first = (section.cycle * self.passes.len() + section.pass) * length;
            let own = latitudes.and_then(|latitudes| latitudes.get(first..first + length));
            let x: Vec<f64> = match own {
                Some(latitudes) => latitudes.to_vec(),
                None => (0..length).map(|place| place as f64).collect(),
            };
            let name = if is_alone {
                String::new()
            } else {
                self.name(section)
            };
            line(name, &x, section.values, COLORS[at % COLORS.len()], None)
        };
        let lines: Vec<Line> = sections.iter().enumerate().map(curve).collect();
        let drawn = lines.iter().flat_map(|line| line.x.iter().zip(&line.y));
        let drawn = drawn.filter(|(_, y)| y.is_finite());
        let along = if latitudes.is_some() {
            "latitude (degrees north)"
        } else {
            along
        };
        let up = lines.iter().flat_map(|line| line.y.iter().copied());
        Panel {
            x: Axis::around(along, Scale::Linear, drawn.map(|(x, _)| *x)),
            y: Axis::around(label, Scale::Linear, up).with_room(0.06),
            inverse: String::new(),
            lines,
            cells: None,
            height: 1.0,
        }
    }

    /// `cycle 5, pass 13`, without what all have in common.
    fn name(&self, section: &Section<'_>) -> String {
        let number = |numbers: &[f64], at: usize| numbers.get(at).map_or(0.0, |number| *number);
        let cycle = number(&self.cycles, section.cycle);
        let pass = number(&self.passes, section.pass);
        match (self.cycles.len(), self.passes.len()) {
            (1, _) => format!("pass {pass}"),
            (_, 1) => format!("cycle {cycle}"),
            _ => format!("cycle {cycle}, pass {pass}"),
        }
    }

    /// A row per cycle, or per pass; those without values stay white.
    fn field(&self, sections: &[Section<'_>], (along, label): (&str, &str)) -> Result<Panel, Error> {
        let (numbers, up) = match (self.cycles.as_slice(), self.passes.as_slice()) {
            (cycles, [_]) => (cycles, "cycle number"),
            ([_], passes) => (passes, "pass number"),
            _ => {
                let reason = format!(
                    "sections of {} granules, of several cycles and passes, are too many for one picture: choose one \
                     pass, one cycle or {} granules, or name it .nc, .zarr, .parquet or .csv",
                    sections.len(),
                    COLORS.len()
                );
                return Err(Error::option("-o", reason));
            }
        };
        let has_value = |place: &usize| sections.iter().any(|own| own.values[*place].is_finite());
        let length = sections.first().map_or(0, |section| section.values.len());
        let drawn: Vec<usize> = (0..length).filter(has_value).collect();
        let places = drawn.first().copied().unwrap_or(0)..drawn.last().map_or(0, |last| last + 1);
        let (first, last) = (
            numbers.first().copied().unwrap_or(0.0),
            numbers.last().copied().unwrap_or(0.0),
        );
        let rows = (last - first) as usize + 1;
        let mut values = vec![f64::NAN; rows * places.len()];
        for section in sections {
            let at = if self.passes.len() == 1 {
                section.cycle
            } else {
                section.pass
            };
            let row = numbers.get(at).map_or(0, |number| (number - first) as usize);
            values[row * places.len()..][..places.len()].copy_from_slice(&section.values[places.clone()]);
        }
        // A number stands in the middle of its cells.
        let edges = |first: f64, last: f64| [first - 0.5, last + 0.5].into_iter();
        let last_place = places.end as f64 - 1.0;
        Ok(Panel {
            x: Axis::around(along, Scale::Linear, edges(places.start as f64, last_place)),
            y: Axis::around(up, Scale::Linear, edges(first, last)),
            inverse: String::new(),
            lines: Vec::new(),
            cells: Some(Cells {
                values,
                columns: places.len(),
                label: label.to_owned(),
                color_map: ColorMap::HALINE,
            }),
            height: 1.0,
        })
    }
}

/// The latitudes that were reduced beside a variable, if they were.
fn latitudes_beside(result: &dyn Dataset, path: &str) -> Result<Option<Vec<f64>>, Error> {
    let group = path.rsplit_once('/').map_or("", |(group, _)| group);
    let paths = result.root().variable_paths();
    let beside = paths.iter().find(|other| {
        let is_place = ["latitude", "latitude_mean", "latitude_median"].contains(&short(other));
        is_place && other.rsplit_once('/').map_or("", |(group, _)| group) == group
    });
    beside.map(|path| values_of(result, path)).transpose()
}
