//! Maps of what a selection keeps of granules or collections, drawn pass by pass.

use std::collections::BTreeSet;
use std::sync::Arc;

use karin_core::geo::Extent;
use karin_core::time::Day;
use karin_core::{NumberList, Progress, QualityLevel, Region, Resources, Selection};
use karin_engine::swath::Shape;
use karin_engine::{Engine, EngineError, Entry, Plan, SelectedPass, Source};
use rayon::prelude::*;

use super::{Layer, MapCanvas, MapOptions, PlotError, named};
use crate::Error;

/// What is drawn where no variable is named, the first that there is.
pub(super) const FAVOURITES: [&str; 10] = [
    "ssha",
    "ssha_filtered",
    "ssha_unfiltered",
    "ssha_karin_2",
    "ssha_karin",
    "adt",
    "sla",
    "ssh_karin_2",
    "sig0_karin_2",
    "swh_karin",
];

/// A map, and what is on it.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The PNG.
    pub png: Vec<u8>,
    /// The variable drawn.
    pub variable: String,
    /// Granules (or layers of a dataset) with values on the map.
    pub granules: usize,
    /// Granules that could not be read, and why.
    pub unread: Vec<String>,
}

/// Draws one variable of what a selection keeps of a source: the first that it names, else sea surface height anomaly
/// or what comes nearest to it. Title, subtitle, units and region are filled in where the options leave them out.
///
/// Granules are read in parallel, and drawn in their order: the picture does not depend on the number of threads. What
/// is held at one time stays within a part of the memory budget; granules that do not fit are read twice, once to
/// learn where they lie.
///
/// # Errors
/// If nothing is selected, nothing can be read, or nothing is to be seen.
pub fn selection(
    source: &Arc<dyn Source>,
    selection: &Selection,
    options: MapOptions,
    resources: Resources,
    progress: &dyn Progress,
) -> Result<Picture, Error> {
    let plan = plan(source, selection, progress)?;
    let engine = Engine::new(&plan, resources, progress)?;
    let column = plan.columns().iter().find(|column| column.shape == Shape::Pixels);
    let column = column.or_else(|| plan.columns().first());
    let column = column.ok_or_else(|| EngineError::Empty("no variable with a value per pixel".to_owned()))?;
    let mut options = options;
    named(&mut options, &column.name, &column.meta);
    if let (None, Some(Region::Box(bounds))) = (options.region, &selection.region) {
        options.region = Some(*bounds);
    }
    let mut drawing = Drawing {
        engine: &engine,
        plan: &plan,
        variable: column.name.clone(),
        resources,
        progress,
        facts: Facts::default(),
    };
    progress.start("plot", plan.pieces().len() as u64, 0);
    let canvas = drawing.draw(options);
    progress.finish();
    let mut canvas = canvas?;
    if canvas.options.subtitle.is_empty() {
        canvas.options.subtitle = drawing.facts.subtitle(&plan);
    }
    canvas.options.notes.extend(drawing.facts.notes(source.as_ref()));
    let Drawing { variable, facts, .. } = drawing;
    Ok(Picture {
        png: canvas.png()?,
        variable,
        granules: facts.granules,
        unread: facts.unread,
    })
}

/// The plan for the variable that is drawn.
fn plan(source: &Arc<dyn Source>, selection: &Selection, progress: &dyn Progress) -> Result<Plan, Error> {
    let of = |variables: Vec<String>| {
        let selection = Selection {
            variables,
            ..selection.clone()
        };
        let mut plans = Plan::new(Arc::clone(source), &selection, progress)?;
        // `--version all` makes one plan per schema, oldest first: the newest is drawn.
        plans
            .pop()
            .ok_or_else(|| EngineError::Empty("no granule".to_owned()))
    };
    let first = selection
        .variables
        .first()
        .or(selection.lets.last().map(|(name, _)| name));
    if let Some(name) = first {
        return Ok(of(vec![name.clone()])?);
    }
    for name in FAVOURITES {
        match of(vec![name.to_owned()]) {
            Err(EngineError::NoVariable { .. }) => {}
            other => return Ok(other?),
        }
    }
    let every = of(Vec::new())?;
    let column = every
        .columns()
        .iter()
        .find(|column| column.shape == Shape::Pixels && column.packing.is_some());
    match column {
        Some(column) => Ok(of(vec![column.name.clone()])?),
        None => Ok(every),
    }
}

/// A layer that is kept: single precision is a few metres and seven digits, more than a picture shows.
struct Kept {
    longitude: Vec<f32>,
    latitude: Vec<f32>,
    values: Vec<f32>,
    shape: [usize; 2],
}

/// A layer with its first and last time.
type TimedLayer = (Kept, (f64, f64));

/// What the subtitle and the caller are told.
#[derive(Default)]
struct Facts {
    granules: usize,
    unread: Vec<String>,
    cycles: Vec<u16>,
    passes: Vec<u16>,
    time: Option<(f64, f64)>,
    /// Labels of granules on the map, and the versions and DOIs among them.
    labels: Vec<String>,
    versions: BTreeSet<String>,
    dois: BTreeSet<String>,
}

struct Drawing<'a> {
    engine: &'a Engine<'a>,
    plan: &'a Plan,
    variable: String,
    resources: Resources,
    progress: &'a dyn Progress,
    facts: Facts,
}

impl Drawing<'_> {
    fn draw(&mut self, options: MapOptions) -> Result<MapCanvas, Error> {
        if let Some(region) = options.region {
            let mut canvas = MapCanvas::new(&region, options)?;
            self.each_layer(true, |layer| canvas.add(&layer.as_layer().layer()))?;
            return Ok(canvas);
        }
        let mut extent = Extent::default();
        let mut kept: Option<Vec<Kept>> = Some(Vec::new());
        let (mut bytes, budget) = (0, self.resources.memory / 3);
        self.each_layer(true, |layer| {
            let places = layer.longitude.iter().zip(&layer.latitude).zip(&layer.values);
            let drawn = places.filter(|(_, value)| value.is_finite());
            drawn.for_each(|((longitude, latitude), _)| {
                extent.add(f64::from(*longitude), f64::from(*latitude))
            });
            bytes += 12 * layer.values.len() as u64;
            match &mut kept {
                Some(layers) if bytes <= budget => layers.push(layer),
                _ => kept = None,
            }
            Ok(())
        })?;
        let bounds = extent.bounds().ok_or(PlotError::Empty)?;
        let mut canvas = MapCanvas::new(&bounds, options)?;
        match kept {
            Some(layers) => layers
                .iter()
                .try_for_each(|layer| canvas.add(&layer.as_layer().layer()))?,
            None => self.each_layer(false, |layer| canvas.add(&layer.as_layer().layer()))?,
        }
        Ok(canvas)
    }

    /// Reads granules in parallel, some at a time, and hands over their layers in order.
    fn each_layer(
        &mut self,
        is_first_time: bool,
        mut take: impl FnMut(Kept) -> Result<(), PlotError>,
    ) -> Result<(), Error> {
        let plan = self.plan;
        let mut failure = None;
        for batch in plan.pieces().chunks(2 * self.resources.jobs.max(1)) {
            if self.progress.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let read = |piece| (piece, self.engine.select(piece).map(|passes| self.layers(passes)));
            let granules: Vec<_> = batch.par_iter().map(read).collect();
            for (piece, granule) in granules {
                match granule {
                    Ok((layers, doi)) => {
                        let is_seen =
                            |(layer, _): &(Kept, _)| layer.values.iter().any(|value| !value.is_nan());
                        if let Some(entry) = plan.entry(piece)
                            && is_first_time
                            && layers.iter().any(is_seen)
                        {
                            self.facts.add_source(entry, doi);
                        }
                        for (layer, time) in layers {
                            self.facts.add_time(time);
                            take(layer)?;
                        }
                    }
                    Err(error) if is_first_time => {
                        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
                        let reason = format!("{error}{}", cause.unwrap_or_default());
                        self.progress.warn(&reason);
                        self.facts.unread.push(reason);
                        failure = Some(error);
                    }
                    Err(_) => {}
                }
                if is_first_time {
                    self.progress.advance(1, 0);
                }
            }
        }
        match failure {
            Some(error) if self.facts.granules == 0 => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// The layers of a granule, the first and last time of each, and the DOI of the granule.
    fn layers(&self, passes: Vec<SelectedPass>) -> (Vec<TimedLayer>, Option<String>) {
        let attributes = passes.first().map(|pass| &pass.dataset.root().attributes);
        let doi = attributes.and_then(|attributes| attributes.text("doi").or(attributes.text("product_doi")));
        let doi = doi.map(str::to_owned);
        (
            passes.into_iter().filter_map(|pass| self.layer(&pass)).collect(),
            doi,
        )
    }

    fn layer(&self, pass: &SelectedPass) -> Option<TimedLayer> {
        let variable = pass
            .variables
            .iter()
            .find(|variable| variable.column.name == self.variable)?;
        let (lines, pixels) = (pass.lines.len(), pass.swath.num_pixels);
        // A value per line is drawn along the middle of the swath.
        let (step, first, width) = match variable.shape {
            Shape::Pixels => (1, 0, pixels),
            Shape::Lines(1) => (pixels.max(1), pixels / 2, 1),
            Shape::Lines(_) | Shape::Other(_) => return None,
        };
        let pick = |values: &[f64]| {
            values
                .iter()
                .skip(first)
                .step_by(step)
                .map(|&value| value as f32)
                .collect()
        };
        let values: Vec<f32> = variable.decoded().into_iter().map(|value| value as f32).collect();
        let layer = Kept {
            longitude: pick(&pass.longitude),
            latitude: pick(&pass.latitude),
            values,
            shape: [lines, width],
        };
        let times = pass.time.iter().copied().filter(|time| time.is_finite());
        let range = times.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), time| {
            (low.min(time), high.max(time))
        });
        (layer.values.len() == lines * width).then_some((layer, range))
    }
}

/// A layer in double precision.
struct Doubled {
    longitude: Vec<f64>,
    latitude: Vec<f64>,
    values: Vec<f64>,
    shape: [usize; 2],
}

impl Kept {
    fn as_layer(&self) -> Doubled {
        let double = |values: &[f32]| values.iter().map(|&value| f64::from(value)).collect();
        Doubled {
            longitude: double(&self.longitude),
            latitude: double(&self.latitude),
            values: double(&self.values),
            shape: self.shape,
        }
    }
}

impl Doubled {
    fn layer(&self) -> Layer<'_> {
        let Self {
            longitude,
            latitude,
            values,
            shape,
        } = self;
        Layer {
            longitude,
            latitude,
            values,
            shape: *shape,
        }
    }
}

impl Facts {
    fn add_time(&mut self, (first, last): (f64, f64)) {
        if first <= last {
            let (low, high) = self.time.unwrap_or((first, last));
            self.time = Some((low.min(first), high.max(last)));
        }
    }

    /// Remembers where what is drawn comes from.
    fn add_source(&mut self, entry: &Entry, doi: Option<String>) {
        self.granules += 1;
        self.cycles
            .extend(entry.half_orbit.map(|half_orbit| half_orbit.cycle.0));
        self.passes
            .extend(entry.half_orbit.map(|half_orbit| half_orbit.pass.0));
        self.labels.push(entry.label.clone());
        self.versions
            .extend(entry.version.as_ref().map(ToString::to_string));
        self.dois.extend(doi);
    }

    /// Notes of the PNG: snapshot, granules, versions and DOI.
    fn notes(&self, source: &dyn Source) -> Vec<(String, String)> {
        let join = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
        let notes = [
            ("Snapshot", source.snapshot().unwrap_or_default().to_owned()),
            ("Granules", self.labels.join("\n")),
            ("Versions", join(&self.versions)),
            ("DOI", join(&self.dois)),
        ];
        notes
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(key, text)| (key.to_owned(), text))
            .collect()
    }

    /// Product, cycles, passes, days and quality.
    fn subtitle(&self, plan: &Plan) -> String {
        let list = |one: &str, many: &str, numbers: &[u16]| {
            let list: NumberList = numbers.iter().copied().collect();
            let text = list.to_string().replace('-', "–").replace(',', ", ");
            match list.len() {
                0 => None,
                1 => Some(format!("{one} {text}")),
                _ if text.len() <= 40 => Some(format!("{many} {text}")),
                count => Some(format!("{count} {many}")),
            }
        };
        let days = self
            .time
            .and_then(|(first, last)| Some((Day::of(first)?, Day::of(last)?)));
        let days = days.map(|(first, last)| match first == last {
            true => first.to_string(),
            false => format!("{first} to {last}"),
        });
        let quality = plan.selection().quality;
        let parts = [
            plan.product().map(|product| product.to_string()),
            list("cycle", "cycles", &self.cycles),
            list("pass", "passes", &self.passes),
            days,
            (quality != QualityLevel::Any).then(|| format!("quality: {quality}")),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }
}
