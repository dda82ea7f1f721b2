//! Maps: where values lie on the globe, as a PNG that can go straight onto a slide.
//!
//! Scope: swaths and grids of longitude, latitude and value become a map with land, graticule, colour bar and title.
//! Every datum is drawn where it lies, in the shape of its cell; what overlaps is averaged (or the last wins). Regions
//! are drawn with their true proportions, in whatever part of the globe they lie; data round a pole are drawn round
//! the pole. The same input gives the same bytes. Not here: reading, selecting, or deciding what to plot.
//!
//! ```text
//!   Layer ──> Raster (sums and counts per pixel, all that is kept) ──> colours ┐
//!   LonLatBox ──> Frame ──> Projection ──> land, graticule ────────────────────┴─> Page ──> PNG
//! ```
//!
//! ```
//! use karin::plot::{self, Layer, MapOptions};
//! let (longitude, latitude) = ([5.0, 5.1, 5.0, 5.1], [40.0, 40.0, 40.1, 40.1]);
//! let layer = Layer { longitude: &longitude, latitude: &latitude, values: &[0.1, 0.2, f64::NAN, 0.3], shape: [2, 2] };
//! let mut options = MapOptions::default();
//! options.title = "Sea surface height anomaly".into();
//! options.units = "m".into();
//! let png = plot::map(&[layer], &options)?;
//! assert!(png.starts_with(b"\x89PNG"));
//! # Ok::<(), karin::plot::PlotError>(())
//! ```

use karin_core::{ErrorKind, LonLatBox, VariableMeta};

pub(crate) mod chart;
mod color_map;
mod dataset;
mod furniture;
mod inputs;
mod land;
mod overlay;
mod page;
mod projection;
mod raster;
mod selected;
mod sheet;
pub(crate) mod subtitle;
mod text;
mod ticks;

pub use color_map::{ColorMap, UnknownColorMap};
pub(crate) use dataset::decoded;
pub use dataset::{dataset, datasets};
pub use inputs::inputs;
pub use land::land;
pub use overlay::{Overlay, OverlayStyle};
pub use raster::Overlap;
pub use selected::{Picture, of_plan, selection};
pub(crate) use selected::{of_its_schema, one_variable};

use projection::Frame;
use raster::Raster;

/// Values and where they lie: `shape` lines by pixels, row-major. A shape with one line or one pixel is a track, drawn
/// as points. NaN values and places are not drawn.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a, T = f64> {
    /// Degrees east, in any convention.
    pub longitude: &'a [T],
    /// Degrees north.
    pub latitude: &'a [T],
    /// What is drawn.
    pub values: &'a [T],
    /// Lines and pixels.
    pub shape: [usize; 2],
}

/// How a map looks. Whatever is not said is chosen to suit.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct MapOptions {
    /// Above the map.
    pub title: String,
    /// Below the title, smaller: product, cycles, passes, time.
    pub subtitle: String,
    /// Name of the variable, beside the colour bar; it chooses the colour map where none is given.
    pub variable: String,
    /// Units of the values, beside the colour bar.
    pub units: String,
    /// What part of the globe is shown; `None` = where the data lie.
    pub region: Option<LonLatBox>,
    /// Colour map.
    pub color_map: Option<ColorMap>,
    /// Value of the lowest colour; `None` = 2 % of what is drawn lies below it.
    pub minimum: Option<f64>,
    /// Value of the highest colour; `None` = 2 % of what is drawn lies above it.
    pub maximum: Option<f64>,
    /// Width and height of the picture in pixels; `None` = 1600 wide, or what suits the shape of the map.
    pub size: Option<(u32, u32)>,
    /// What is shown where values overlap.
    pub overlap: Overlap,
    /// Lines over the map, with a legend.
    pub overlays: Vec<Overlay>,
    /// Keyword and text of notes in the PNG: source, command, DOI.
    pub notes: Vec<(String, String)>,
}

/// What cannot be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// The slices of a layer have other lengths than its shape.
    #[error(
        "a layer of {lines} x {pixels} has {longitudes} longitudes, {latitudes} latitudes and {values} values"
    )]
    Shape {
        /// Lines said.
        lines: usize,
        /// Pixels said.
        pixels: usize,
        /// Longitudes given.
        longitudes: usize,
        /// Latitudes given.
        latitudes: usize,
        /// Values given.
        values: usize,
    },
    /// Nothing to be seen.
    #[error("there is no value to draw: everything is fill, or lies outside the map")]
    Empty,
    /// A colour scale without length.
    #[error("colours cannot run from {minimum} to {maximum}: expected the first to be smaller")]
    Range {
        /// Value of the lowest colour.
        minimum: f64,
        /// Value of the highest colour.
        maximum: f64,
    },
    /// A picture too small for a map, or too large to be one.
    #[error("a picture of {width} x {height} pixels is no map: expected 320 to 8192 each way")]
    Size {
        /// Width asked for.
        width: u32,
        /// Height asked for.
        height: u32,
    },
    /// The picture could not be encoded.
    #[error("the PNG could not be written")]
    Encoding(#[from] png::EncodingError),
}

impl PlotError {
    /// Stable code.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::Shape { .. } | Self::Range { .. } | Self::Size { .. } => ErrorKind::InvalidArgument,
            Self::Empty => ErrorKind::NotFound,
            Self::Encoding(_) => ErrorKind::Internal,
        }
    }
}

/// Draws layers that are all there at once. See [`MapCanvas`] for more than fit into memory.
///
/// # Errors
/// If nothing is to be drawn, a layer's lengths do not fit its shape, or the options make no sense.
pub fn map(layers: &[Layer<'_>], options: &MapOptions) -> Result<Vec<u8>, PlotError> {
    layers.iter().try_for_each(check)?;
    let seen = layers.iter().flat_map(|layer| {
        let places = layer
            .longitude
            .iter()
            .copied()
            .zip(layer.latitude.iter().copied());
        places
            .zip(layer.values)
            .filter(|(_, value)| value.is_finite())
            .map(|(place, _)| place)
    });
    let bounds = LonLatBox::around(seen).ok_or(PlotError::Empty)?;
    let mut canvas = MapCanvas::new(&bounds, options.clone())?;
    layers.iter().try_for_each(|layer| canvas.add(layer))?;
    canvas.png()
}

/// A map that layers are added to one after the other. It holds one number and one count per pixel, however many
/// layers there are.
#[derive(Debug)]
pub struct MapCanvas {
    raster: Raster,
    page: page::Layout,
    options: MapOptions,
}

impl MapCanvas {
    /// An empty map for data that lie in `bounds` (the region of the options, where they have one, decides what is
    /// shown).
    ///
    /// # Errors
    /// If the size or the range of colours makes no sense.
    pub fn new(bounds: &LonLatBox, options: MapOptions) -> Result<Self, PlotError> {
        if let Some((width, height)) = options.size
            && !((320..=8192).contains(&width) && (320..=8192).contains(&height))
        {
            return Err(PlotError::Size { width, height });
        }
        if let (Some(minimum), Some(maximum)) = (options.minimum, options.maximum)
            && !(minimum < maximum && minimum.is_finite() && maximum.is_finite())
        {
            return Err(PlotError::Range { minimum, maximum });
        }
        let frame = options
            .region
            .as_ref()
            .map_or_else(|| Frame::around(bounds), Frame::exactly);
        let page = page::Layout::new(frame, options.size);
        Ok(Self {
            raster: Raster::new(page.projection(), options.overlap),
            page,
            options,
        })
    }

    /// Adds a layer.
    ///
    /// # Errors
    /// If its lengths do not fit its shape.
    pub fn add(&mut self, layer: &Layer<'_>) -> Result<(), PlotError> {
        self.add_part(layer, layer.shape.contains(&1))
    }

    /// Adds a layer that may be one line of a swath: tracks are drawn as points, such lines are not.
    fn add_part<T: Copy + Into<f64>>(
        &mut self,
        layer: &Layer<'_, T>,
        is_track: bool,
    ) -> Result<(), PlotError> {
        check(layer)?;
        let marks = self.raster.marks(layer, is_track);
        self.raster.apply(layer, is_track, &marks);
        Ok(())
    }

    /// The map as a PNG.
    ///
    /// # Errors
    /// If no value lies on it, or the range of colours is empty.
    pub fn png(&self) -> Result<Vec<u8>, PlotError> {
        encode(&self.page()?, &self.options.notes)
    }

    fn page(&self) -> Result<tiny_skia::Pixmap, PlotError> {
        let scale = self.color_scale()?;
        Ok(self.page.draw(&self.raster, &scale, &self.options))
    }

    fn color_scale(&self) -> Result<ColorScale, PlotError> {
        let quantiles = self.raster.quantiles([0.0, 0.02, 0.25, 0.75, 0.98, 1.0]);
        let [least, low, first, third, high, most] = quantiles.ok_or(PlotError::Empty)?;
        let (low, high) = without_outliers((low, high), (first, third));
        let suited = || ColorMap::suited_to(&self.options.variable, &self.options.units);
        let color_map = self.options.color_map.unwrap_or_else(suited);
        let (low, high) = match color_map.is_diverging() {
            true => (-low.abs().max(high.abs()), low.abs().max(high.abs())),
            false => (low, high),
        };
        let (mut minimum, mut maximum) = match (self.options.minimum, self.options.maximum) {
            // One end of a diverging scale sets the other.
            (None, Some(end)) if color_map.is_diverging() && end > 0.0 => (-end, end),
            (Some(end), None) if color_map.is_diverging() && end < 0.0 => (end, -end),
            (minimum, maximum) => (minimum.unwrap_or(low), maximum.unwrap_or(high)),
        };
        if minimum == maximum {
            let room = (minimum.abs() * 1e-3).max(1e-6);
            (minimum, maximum) = (
                self.options.minimum.unwrap_or(minimum - room),
                self.options.maximum.unwrap_or(maximum + room),
            );
        }
        if minimum >= maximum || minimum.is_nan() || maximum.is_nan() {
            return Err(PlotError::Range { minimum, maximum });
        }
        Ok(ColorScale {
            color_map,
            minimum,
            maximum,
            goes_below: least < minimum,
            goes_above: most > maximum,
        })
    }
}

/// A range without what lies beyond the outer fences of Tukey (1977), three times the distance of the quartiles beyond them: what is
/// divided by f is hundreds of times as large along the equator as elsewhere, which would leave all else without colours. Of values that
/// are alike but for a few, these few make the range.
fn without_outliers((low, high): (f64, f64), (first, third): (f64, f64)) -> (f64, f64) {
    let reach = 3.0 * (third - first);
    if reach > 0.0 {
        (low.max(first - reach), high.min(third + reach))
    } else {
        (low, high)
    }
}

/// Fills in what the attributes of a variable say, where the options do not.
fn named(options: &mut MapOptions, name: &str, meta: &VariableMeta) {
    let fill = |field: &mut String, text: String| {
        if field.is_empty() {
            *field = text;
        }
    };
    let said = meta.attributes.text("long_name").map(str::trim);
    let long_name = said.filter(|text| !text.is_empty());
    let mut title = long_name.unwrap_or(name).to_owned();
    if long_name.is_some()
        && let Some(first) = title.get_mut(..1)
    {
        first.make_ascii_uppercase();
    }
    fill(&mut options.title, title);
    fill(&mut options.variable, name.to_owned());
    fill(
        &mut options.units,
        meta.attributes
            .text("units")
            .unwrap_or_default()
            .trim()
            .to_owned(),
    );
    if meta
        .attributes
        .get("flag_values")
        .or(meta.attributes.get("flag_masks"))
        .is_some()
    {
        options.overlap = Overlap::Last;
    }
    let suited = || ColorMap::suited_to_described(name, &meta.attributes);
    options.color_map = Some(options.color_map.unwrap_or_else(suited));
}

/// Colours for values.
#[derive(Clone, Copy, Debug)]
struct ColorScale {
    color_map: ColorMap,
    minimum: f64,
    maximum: f64,
    /// Some values lie below the minimum.
    goes_below: bool,
    /// Some values lie above the maximum.
    goes_above: bool,
}

impl ColorScale {
    fn color(&self, value: f64) -> [u8; 3] {
        self.color_map
            .color((value - self.minimum) / (self.maximum - self.minimum))
    }
}

fn check<T>(layer: &Layer<'_, T>) -> Result<(), PlotError> {
    let [lines, pixels] = layer.shape;
    let lengths = [layer.longitude.len(), layer.latitude.len(), layer.values.len()];
    if lines.checked_mul(pixels).is_some_and(|size| lengths == [size; 3]) {
        return Ok(());
    }
    let [longitudes, latitudes, values] = lengths;
    Err(PlotError::Shape {
        lines,
        pixels,
        longitudes,
        latitudes,
        values,
    })
}

fn encode(picture: &tiny_skia::Pixmap, notes: &[(String, String)]) -> Result<Vec<u8>, PlotError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, picture.width(), picture.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // Maps are for looking at now: a quarter of the time for a tenth more bytes.
    encoder.set_compression(png::Compression::Fast);
    for (keyword, text) in notes {
        encoder.add_itxt_chunk(keyword.clone(), text.clone())?;
    }
    // The page is opaque, so that alpha can go.
    let colors: Vec<u8> = picture
        .data()
        .chunks_exact(4)
        .flat_map(|pixel| pixel.iter().take(3).copied())
        .collect();
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&colors)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
