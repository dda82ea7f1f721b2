//! Maps of what a selection keeps of granules or collections, drawn pass by pass.

use std::sync::Arc;

use karin_core::geo::Extent;
use karin_core::{Progress, Region, Resources, Selection, VersionChoice, VersionPattern};
use karin_engine::swath::{Shape, Swath};
use karin_engine::{Column, Engine, EngineError, Part, Piece, Plan, SelectedPass, Source};
use rayon::prelude::*;

use super::projection::Frame;
use super::raster::Marks;
use super::sheet::{self, Drawn};
use super::{Layer, MapCanvas, MapOptions, PlotError, check, named};
use crate::Error;

mod facts;

use facts::Facts;

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
    /// The variable drawn; several as a list.
    pub variable: String,
    /// Granules (or layers of a dataset) with values on the map.
    pub granules: usize,
    /// Granules that could not be read: name and reason.
    pub unread: Vec<(String, String)>,
}

/// Draws what a selection keeps of a source: the variables that it names, several as panels of one picture, each with
/// its own scale; else sea surface height anomaly or what comes nearest to it. Title, subtitle, units and region are filled in where the options leave them out.
///
/// Granules are read and drawn in parallel, and added in their order: the picture does not depend on the number of
/// threads. What is held at one time stays within a part of the memory budget; granules that do not fit, where the
/// region is not known beforehand, are read twice, once to learn where they lie.
///
/// # Errors
/// If nothing is selected, nothing can be read, nothing is to be seen, or more than nine variables are named.
pub fn selection(
    source: &Arc<dyn Source>,
    selection: &Selection,
    options: MapOptions,
    resources: Resources,
    progress: &dyn Progress,
) -> Result<Picture, Error> {
    sheet::of(&selection.variables, options, |variable, options| {
        let mut selection = selection.clone();
        selection.variables = variable.map(str::to_owned).into_iter().collect();
        drawn(&plan(source, &selection, progress)?, options, resources, progress)
    })
}

/// Draws the granules of a plan: the same picture as [`selection`] makes of its selection.
///
/// # Errors
/// As [`selection`].
pub fn of_plan(
    plan: &Plan,
    options: MapOptions,
    resources: Resources,
    progress: &dyn Progress,
) -> Result<Picture, Error> {
    selection(plan.source(), &of_its_schema(plan), options, resources, progress)
}

/// The plan for the one variable that is drawn of the granules of another one.
pub(crate) fn one_variable(of: &Plan, progress: &dyn Progress) -> Result<Plan, Error> {
    plan(of.source(), &of_its_schema(of), progress)
}

/// The selection of a plan, which may be one of several for `--version all`.
pub(crate) fn of_its_schema(of: &Plan) -> Selection {
    let mut selection = of.selection().clone();
    if let (VersionChoice::All, [schema]) = (&selection.version, of.schemas().as_slice()) {
        let pattern = VersionPattern::parse(&schema.to_string());
        selection.version = pattern.map_or(VersionChoice::Best, VersionChoice::Matching);
    }
    selection
}

fn drawn(
    plan: &Plan,
    options: MapOptions,
    resources: Resources,
    progress: &dyn Progress,
) -> Result<Drawn, Error> {
    let engine = Engine::new(plan, resources, progress)?;
    let column = plan.columns().iter().find(|column| column.shape == Shape::Pixels);
    let column = column.or_else(|| plan.columns().first());
    let column = column.ok_or_else(|| EngineError::Empty("no variable with a value per pixel".to_owned()))?;
    let mut options = options;
    named(&mut options, &column.name, &column.meta);
    if let (None, Some(Region::Box(bounds))) = (options.region, &plan.selection().region) {
        options.region = Some(*bounds);
    }
    let mut drawing = Drawing {
        engine: &engine,
        plan,
        variable: column.name.clone(),
        resources,
        progress,
        pool: crate::extract::threads(resources.jobs.max(1))?,
        facts: Facts::default(),
    };
    progress.start("plot", plan.pieces().len() as u64, 0);
    let canvas = drawing.draw(options);
    progress.finish();
    let mut canvas = canvas?;
    if canvas.options.subtitle.is_empty() {
        canvas.options.subtitle = drawing.facts.subtitle(plan);
    }
    let notes = drawing.facts.notes(plan.source().as_ref());
    canvas.options.notes.extend(notes);
    let Drawing { variable, facts, .. } = drawing;
    Ok(Drawn {
        canvas,
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
    let is_dull = |column: &Column| {
        let is_position = every.swaths().iter().any(|swath| column.is_position(swath));
        is_position || column.name == "cross_track_distance"
    };
    let column = every
        .columns()
        .iter()
        .find(|column| column.shape == Shape::Pixels && column.packing.is_some() && !is_dull(column));
    match column {
        Some(column) => Ok(of(vec![column.name.clone()])?),
        None => Ok(every),
    }
}

/// Pixels of a granule that are drawn at a time: always the same number, so that the picture depends neither on
/// memory nor on threads.
const PART_PIXELS: usize = 4 << 20;
/// Bytes that a pixel takes while it is read: places and values as stored, as true values, and as they are kept.
const PIXEL_BYTES: u64 = 56;

/// A layer that is kept: single precision is a few metres and seven digits, more than a picture shows.
struct Kept {
    longitude: Vec<f32>,
    latitude: Vec<f32>,
    values: Vec<f32>,
    shape: [usize; 2],
    /// Values lie along a track, not on a swath.
    is_track: bool,
}

impl Kept {
    fn layer(&self) -> Layer<'_, f32> {
        Layer {
            longitude: &self.longitude,
            latitude: &self.latitude,
            values: &self.values,
            shape: self.shape,
        }
    }

    fn bytes(&self) -> u64 {
        12 * self.values.len() as u64
    }

    fn extent(&self) -> Extent {
        let mut extent = Extent::default();
        let places = self.longitude.iter().zip(&self.latitude).zip(&self.values);
        let drawn = places.filter(|(_, value)| value.is_finite());
        drawn.for_each(|((longitude, latitude), _)| extent.add(f64::from(*longitude), f64::from(*latitude)));
        extent
    }
}

/// A part of a granule, read, and on its way to the map.
struct Seen {
    layer: Kept,
    /// First and last time.
    time: (f64, f64),
    doi: Option<String>,
    /// True if there is a value.
    has_values: bool,
    sketch: Sketch,
}

/// What threads find out of a layer.
enum Sketch {
    /// Where its values lie.
    Extent(Extent),
    /// Where they fall on the map.
    Marks(Marks),
}

/// Layers whose place on the map is not known yet.
struct Looking {
    extent: Extent,
    /// `None` once there are too many.
    kept: Option<Vec<Kept>>,
    bytes: u64,
    options: MapOptions,
}

/// How far the map is.
enum Stage {
    /// Where the data lie is not known yet: they are kept, as long as the memory lasts.
    Looking(Box<Looking>),
    Drawing(Box<MapCanvas>),
}

struct Drawing<'a> {
    engine: &'a Engine<'a>,
    plan: &'a Plan,
    variable: String,
    resources: Resources,
    progress: &'a dyn Progress,
    pool: rayon::ThreadPool,
    facts: Facts,
}

impl Drawing<'_> {
    fn draw(&mut self, options: MapOptions) -> Result<MapCanvas, Error> {
        let mut stage = match options.region {
            Some(region) => Stage::Drawing(Box::new(MapCanvas::new(&region, options)?)),
            None => Stage::Looking(Box::new(Looking {
                extent: Extent::default(),
                kept: Some(Vec::new()),
                bytes: 0,
                options,
            })),
        };
        self.read(&mut stage, true)?;
        match stage {
            Stage::Drawing(canvas) => Ok(*canvas),
            Stage::Looking(looking) => {
                let bounds = looking.extent.bounds().ok_or(PlotError::Empty)?;
                let mut canvas = MapCanvas::new(&bounds, looking.options)?;
                if let Some(layers) = looking.kept {
                    self.draw_all(&mut canvas, &layers);
                    return Ok(canvas);
                }
                let mut stage = Stage::Drawing(Box::new(canvas));
                self.read(&mut stage, false)?;
                match stage {
                    Stage::Drawing(canvas) => Ok(*canvas),
                    Stage::Looking(_) => Err(PlotError::Empty.into()),
                }
            }
        }
    }

    /// Adds layers in their order, found out in parallel.
    fn draw_all(&self, canvas: &mut MapCanvas, layers: &[Kept]) {
        for batch in layers.chunks(2 * self.resources.jobs.max(1)) {
            let raster = &canvas.raster;
            let marks = |layer: &Kept| raster.marks(&layer.layer(), layer.is_track);
            let marks: Vec<Marks> = self.pool.install(|| batch.par_iter().map(marks).collect());
            for (layer, marks) in batch.iter().zip(&marks) {
                canvas.raster.apply(&layer.layer(), layer.is_track, marks);
            }
        }
    }

    /// Reads granules part by part, in parallel, and hands over their layers in order.
    fn read(&mut self, stage: &mut Stage, is_first_time: bool) -> Result<(), Error> {
        let plan = self.plan;
        let mut failure = None;
        for pieces in plan.pieces().chunks(2 * self.resources.jobs.max(1)) {
            let engine = self.engine;
            let rows = |swath: &Swath| PART_PIXELS / swath.num_pixels.max(1);
            let parts = |piece: &Piece| (*piece, engine.parts(piece, rows));
            let cut: Vec<_> = self.pool.install(|| pieces.par_iter().map(parts).collect());
            let mut parts = Vec::new();
            for (piece, cut) in cut {
                match cut {
                    Ok(cut) => parts.extend(cut),
                    Err(error) if is_first_time => failure = Some(self.note_unread(&piece, error)),
                    Err(_) => {}
                }
            }
            let most = parts.iter().map(|part| part.lines.len()).max().unwrap_or(1) as u64;
            let width = plan
                .swaths()
                .iter()
                .map(|swath| swath.num_pixels)
                .max()
                .unwrap_or(1) as u64;
            let together = self.resources.memory / 2 / (most * width * PIXEL_BYTES).max(1);
            let together = usize::try_from(together).unwrap_or(usize::MAX);
            for batch in parts.chunks(together.clamp(1, 2 * self.resources.jobs.max(1))) {
                if self.progress.is_cancelled() {
                    return Err(Error::Cancelled);
                }
                let see = |part: &Part| (part.piece, self.see(part, stage));
                let seen: Vec<_> = self.pool.install(|| batch.par_iter().map(see).collect());
                for (piece, seen) in seen {
                    match seen {
                        Ok(Some(seen)) => self.take(&piece, seen, stage, is_first_time)?,
                        Ok(None) => {}
                        Err(error) if is_first_time => failure = Some(self.note_unread(&piece, error)),
                        Err(_) => {}
                    }
                }
                self.settle(stage)?;
            }
            if is_first_time {
                self.progress.advance(pieces.len() as u64, 0);
            }
        }
        match failure {
            Some(error) if self.facts.granules == 0 => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn note_unread(&mut self, piece: &Piece, error: EngineError) -> EngineError {
        if self.facts.last_unread != Some(piece.entry) {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            let reason = format!("{error}{}", cause.unwrap_or_default());
            self.progress.warn(&reason);
            let granule = self.plan.entry(piece).map(|entry| entry.label.clone());
            self.facts.unread.push((granule.unwrap_or_default(), reason));
            self.facts.last_unread = Some(piece.entry);
        }
        error
    }

    /// Reads a part, and finds out what the stage needs to know of it.
    fn see(&self, part: &Part, stage: &Stage) -> Result<Option<Seen>, EngineError> {
        let Some(pass) = self.engine.select_part(part)? else {
            return Ok(None);
        };
        let attributes = &pass.dataset.root().attributes;
        let doi = attributes.text("doi").or(attributes.text("product_doi"));
        let doi = doi.map(str::to_owned);
        let Some((layer, time)) = self.layer(pass) else {
            return Ok(None);
        };
        let sketch = match stage {
            Stage::Looking(_) => Sketch::Extent(layer.extent()),
            Stage::Drawing(canvas) => Sketch::Marks(canvas.raster.marks(&layer.layer(), layer.is_track)),
        };
        Ok(Some(Seen {
            has_values: layer.values.iter().any(|value| !value.is_nan()),
            layer,
            time,
            doi,
            sketch,
        }))
    }

    /// Takes in the next part.
    fn take(
        &mut self,
        piece: &Piece,
        seen: Seen,
        stage: &mut Stage,
        is_first_time: bool,
    ) -> Result<(), Error> {
        if is_first_time && seen.has_values && self.facts.last_seen != Some(piece.entry) {
            self.facts.last_seen = Some(piece.entry);
            if let Some(entry) = self.plan.entry(piece) {
                self.facts.add_source(entry, seen.doi);
            }
        }
        self.facts.add_time(seen.time);
        let layer = seen.layer;
        match (stage, seen.sketch) {
            (Stage::Drawing(canvas), Sketch::Marks(marks)) => {
                check(&layer.layer())?;
                canvas.raster.apply(&layer.layer(), layer.is_track, &marks);
            }
            (Stage::Drawing(canvas), Sketch::Extent(_)) => {
                canvas.add_part(&layer.layer(), layer.is_track)?;
            }
            (Stage::Looking(looking), Sketch::Extent(own)) => {
                looking.extent.merge(&own);
                looking.bytes += layer.bytes();
                match &mut looking.kept {
                    Some(layers) if looking.bytes <= self.resources.memory / 3 => layers.push(layer),
                    kept => *kept = None,
                }
            }
            (Stage::Looking(_), Sketch::Marks(_)) => {}
        }
        Ok(())
    }

    /// Begins to draw as soon as no further data can change what part of the globe is shown.
    fn settle(&self, stage: &mut Stage) -> Result<(), Error> {
        let Stage::Looking(looking) = stage else {
            return Ok(());
        };
        let bounds = looking.extent.bounds().filter(Frame::is_settled);
        let (Some(bounds), Some(layers)) = (bounds, &looking.kept) else {
            return Ok(());
        };
        let mut canvas = MapCanvas::new(&bounds, looking.options.clone())?;
        self.draw_all(&mut canvas, layers);
        *stage = Stage::Drawing(Box::new(canvas));
        Ok(())
    }

    /// The layer of a part with its first and last time.
    fn layer(&self, pass: SelectedPass) -> Option<(Kept, (f64, f64))> {
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
            longitude: pick(&pass.longitude.decoded()),
            latitude: pick(&pass.latitude.decoded()),
            values,
            shape: [lines, width],
            is_track: width == 1,
        };
        let times = pass.time.iter().copied().filter(|time| time.is_finite());
        let range = times.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), time| {
            (low.min(time), high.max(time))
        });
        (layer.values.len() == lines * width).then_some((layer, range))
    }
}
