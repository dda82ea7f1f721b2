//! One variable of a plan and its map, while granules are added to it.

use std::cell::OnceCell;
use std::sync::Arc;

use karin_core::geo::Extent;
use karin_engine::swath::Shape;
use karin_engine::{Plan, SelectedPass, SelectedVariable};
use rayon::prelude::*;

use super::facts::Facts;
use crate::Error;
use crate::plot::projection::Frame;
use crate::plot::raster::Marks;
use crate::plot::sheet::Drawn;
use crate::plot::{Layer, MapCanvas, MapOptions, PlotError, check};

/// Where the values of a part lie.
struct Places {
    longitude: Vec<f32>,
    latitude: Vec<f32>,
}

impl Places {
    /// Of every `step`th pixel from `first` on.
    fn of(pass: &SelectedPass, first: usize, step: usize) -> Arc<Self> {
        let pick = |values: Vec<f64>| {
            let picked = values.into_iter().skip(first).step_by(step);
            picked.map(|value| value as f32).collect()
        };
        Arc::new(Self {
            longitude: pick(pass.longitude.decoded()),
            latitude: pick(pass.latitude.decoded()),
        })
    }
}

/// Where the pixels of a part lie, and the middle of its lines: found when the first panel asks.
pub(super) struct Positions<'p> {
    pass: &'p SelectedPass,
    pixels: OnceCell<Arc<Places>>,
    middle: OnceCell<Arc<Places>>,
}

impl<'p> Positions<'p> {
    /// Of that part.
    pub(super) const fn of(pass: &'p SelectedPass) -> Self {
        Self {
            pass,
            pixels: OnceCell::new(),
            middle: OnceCell::new(),
        }
    }

    fn pixels(&self) -> Arc<Places> {
        Arc::clone(self.pixels.get_or_init(|| Places::of(self.pass, 0, 1)))
    }

    fn middle(&self) -> Arc<Places> {
        let width = self.pass.swath.num_pixels;
        let places = || Places::of(self.pass, width / 2, width.max(1));
        Arc::clone(self.middle.get_or_init(places))
    }
}

/// A layer that is kept: single precision is a few metres and seven digits, more than a picture shows.
struct Kept {
    places: Arc<Places>,
    values: Vec<f32>,
    shape: [usize; 2],
    /// Values lie along a track, not on a swath.
    is_track: bool,
}

impl Kept {
    /// Of a variable of a part; `None` if it lies neither along pixels nor along lines.
    fn of(pass: &SelectedPass, variable: &SelectedVariable, positions: &Positions<'_>) -> Option<Self> {
        let (lines, pixels) = (pass.lines.len(), pass.swath.num_pixels);
        // A value per line is drawn along the middle of the swath.
        let (places, width) = match variable.shape {
            Shape::Pixels => (positions.pixels(), pixels),
            Shape::Lines(1) => (positions.middle(), 1),
            Shape::Lines(_) | Shape::Other(_) => return None,
        };
        let values: Vec<f32> = variable.decoded().into_iter().map(|value| value as f32).collect();
        (values.len() == lines * width).then_some(Self {
            places,
            values,
            shape: [lines, width],
            is_track: width == 1,
        })
    }

    fn layer(&self) -> Layer<'_, f32> {
        Layer {
            longitude: &self.places.longitude,
            latitude: &self.places.latitude,
            values: &self.values,
            shape: self.shape,
        }
    }

    fn bytes(&self) -> u64 {
        12 * self.values.len() as u64
    }

    fn extent(&self) -> Extent {
        let mut extent = Extent::default();
        let places = self
            .places
            .longitude
            .iter()
            .zip(&self.places.latitude)
            .zip(&self.values);
        let drawn = places.filter(|(_, value)| value.is_finite());
        drawn.for_each(|((longitude, latitude), _)| extent.add(f64::from(*longitude), f64::from(*latitude)));
        extent
    }
}

/// What one panel shows of a part.
pub(super) struct SeenLayer {
    layer: Kept,
    /// True if there is a value.
    pub(super) has_values: bool,
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
    /// Everything is on it, though other panels are still drawn.
    Done(Box<MapCanvas>),
}

/// One variable and its map.
pub(super) struct Panel {
    group: Option<String>,
    name: String,
    stage: Stage,
    pub(super) facts: Facts,
}

impl Panel {
    /// An empty map of the variable of that name, in that group or in any.
    pub(super) fn new(group: Option<&str>, name: &str, options: MapOptions) -> Result<Self, Error> {
        let stage = match options.region {
            Some(region) => Stage::Drawing(Box::new(MapCanvas::new(&region, options)?)),
            None => Stage::Looking(Box::new(Looking {
                extent: Extent::default(),
                kept: Some(Vec::new()),
                bytes: 0,
                options,
            })),
        };
        Ok(Self {
            group: group.map(str::to_owned),
            name: name.to_owned(),
            stage,
            facts: Facts::default(),
        })
    }

    fn is_of(&self, variable: &SelectedVariable) -> bool {
        let column = &variable.column;
        column.name == self.name && self.group.as_ref().is_none_or(|group| *group == column.group)
    }

    /// The map with what it tells of its granules.
    pub(super) fn finish(self, plan: &Plan) -> Result<Drawn, Error> {
        let (Stage::Drawing(canvas) | Stage::Done(canvas)) = self.stage else {
            return Err(PlotError::Empty.into());
        };
        let mut canvas = *canvas;
        if canvas.options.subtitle.is_empty() {
            canvas.options.subtitle = self.facts.subtitle(plan);
        }
        canvas
            .options
            .notes
            .extend(self.facts.notes(plan.source().as_ref()));
        Ok(Drawn {
            canvas,
            variable: self.name,
            granules: self.facts.granules,
            unread: self.facts.unread,
        })
    }

    /// Finds out what the map needs to know of its layer of a part.
    pub(super) fn see(&self, pass: &SelectedPass, positions: &Positions<'_>) -> Option<SeenLayer> {
        let variable = pass.variables.iter().find(|variable| self.is_of(variable))?;
        let layer = Kept::of(pass, variable, positions)?;
        let sketch = match &self.stage {
            Stage::Looking(_) => Sketch::Extent(layer.extent()),
            Stage::Drawing(canvas) => Sketch::Marks(canvas.raster.marks(&layer.layer(), layer.is_track)),
            Stage::Done(_) => return None,
        };
        Some(SeenLayer {
            has_values: layer.values.iter().any(|value| !value.is_nan()),
            layer,
            sketch,
        })
    }

    /// Takes in the next layer; those whose place is not known yet may take so many bytes.
    pub(super) fn take(&mut self, seen: SeenLayer, kept_bytes: u64) -> Result<(), Error> {
        let layer = seen.layer;
        match (&mut self.stage, seen.sketch) {
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
                    Some(layers) if looking.bytes <= kept_bytes => layers.push(layer),
                    kept => *kept = None,
                }
            }
            (Stage::Looking(_), Sketch::Marks(_)) | (Stage::Done(_), _) => {}
        }
        Ok(())
    }

    /// Begins to draw as soon as no further data can change what part of the globe is shown.
    pub(super) fn settle(&mut self, threads: &rayon::ThreadPool) -> Result<(), Error> {
        let Stage::Looking(looking) = &self.stage else {
            return Ok(());
        };
        let bounds = looking.extent.bounds().filter(Frame::is_settled);
        let (Some(bounds), Some(layers)) = (bounds, &looking.kept) else {
            return Ok(());
        };
        let mut canvas = MapCanvas::new(&bounds, looking.options.clone())?;
        draw_all(&mut canvas, layers, threads);
        self.stage = Stage::Drawing(Box::new(canvas));
        Ok(())
    }

    /// Everything was read once: the map is done, or its place is known now and everything must be read again, which is told.
    pub(super) fn end_first_time(self, threads: &rayon::ThreadPool) -> Result<(Self, bool), Error> {
        let (stage, again) = match self.stage {
            Stage::Drawing(canvas) | Stage::Done(canvas) => (Stage::Done(canvas), false),
            Stage::Looking(looking) => {
                let bounds = looking.extent.bounds().ok_or(PlotError::Empty)?;
                let mut canvas = Box::new(MapCanvas::new(&bounds, looking.options)?);
                match looking.kept {
                    Some(layers) => {
                        draw_all(&mut canvas, &layers, threads);
                        (Stage::Done(canvas), false)
                    }
                    None => (Stage::Drawing(canvas), true),
                }
            }
        };
        Ok((Self { stage, ..self }, again))
    }
}

/// Adds layers in their order, found out in parallel.
fn draw_all(canvas: &mut MapCanvas, layers: &[Kept], threads: &rayon::ThreadPool) {
    for batch in layers.chunks(2 * threads.current_num_threads().max(1)) {
        let raster = &canvas.raster;
        let marks = |layer: &Kept| raster.marks(&layer.layer(), layer.is_track);
        let marks: Vec<Marks> = threads.install(|| batch.par_iter().map(marks).collect());
        for (layer, marks) in batch.iter().zip(&marks) {
            canvas.raster.apply(&layer.layer(), layer.is_track, marks);
        }
    }
}
