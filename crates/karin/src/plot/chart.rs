//! Charts: lines over logarithmic or linear axes, and fields over two axes, in the look of the maps.
//!
//! ```text
//!   Chart { title, panels: [Panel { x, y, lines | cells }] } ──> Page ──> PNG
//! ```

use std::path::Path as FilePath;

use tiny_skia::{Color, IntSize, Pixmap};

use super::{ColorMap, PlotError, encode};
use crate::Error;

mod axis;
mod cells;
mod draw;

pub(crate) use axis::{Axis, Scale};

/// Colours of the lines, in this order: told apart by people who see few colours too (after Okabe and Ito).
pub(crate) const COLORS: [[u8; 3]; 6] = [
    [0, 92, 170],
    [204, 85, 0],
    [0, 128, 96],
    [150, 70, 150],
    [120, 100, 30],
    [20, 150, 190],
];

/// A picture of one or several panels, one below the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) subtitle: String,
    pub(crate) panels: Vec<Panel>,
    /// Keyword and text of notes in the PNG.
    pub(crate) notes: Vec<(String, String)>,
}

/// Lines, or a field, over two axes.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    /// Label of a second scale above, where a place says `1/x`; none where empty.
    pub(crate) inverse: String,
    pub(crate) lines: Vec<Line>,
    pub(crate) cells: Option<Cells>,
    /// Share of the height.
    pub(crate) height: f32,
}

/// A line, perhaps within a band.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pub(crate) label: String,
    pub(crate) x: Vec<f64>,
    pub(crate) y: Vec<f64>,
    pub(crate) color: [u8; 3],
    pub(crate) is_dashed: bool,
    /// Lower and upper end at every `x`, and what they are.
    pub(crate) band: Option<(Vec<f64>, Vec<f64>, String)>,
}

/// A field: a row per place along `y`, of values along `x`; places are in equal steps.
#[derive(Clone, Debug)]
pub(crate) struct Cells {
    pub(crate) values: Vec<f64>,
    pub(crate) columns: usize,
    pub(crate) label: String,
    pub(crate) color_map: ColorMap,
}

/// A finished picture.
#[derive(Clone, Debug)]
pub(crate) struct Png(Vec<u8>);

impl Chart {
    /// Draws it.
    ///
    /// # Errors
    /// If there is nothing to be seen.
    pub(crate) fn png(&self) -> Result<Png, PlotError> {
        let has_line = |panel: &Panel| {
            panel
                .lines
                .iter()
                .any(|line| line.y.iter().any(|y| y.is_finite()))
        };
        let has_cell = |panel: &Panel| {
            panel
                .cells
                .as_ref()
                .is_some_and(|c| c.values.iter().any(|v| v.is_finite()))
        };
        if !self.panels.iter().any(|panel| has_line(panel) || has_cell(panel)) {
            return Err(PlotError::Empty);
        }
        let picture = draw::page(self);
        Ok(Png(encode(&picture, &self.notes)?))
    }
}

impl Png {
    /// Writes it: whole, or not at all.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn write(&self, path: &FilePath) -> Result<(), Error> {
        super::inputs::write_whole(path, &self.0)
    }
}

/// An empty page.
fn blank(width: u32, height: u32) -> Pixmap {
    let bytes = vec![255; width as usize * height as usize * 4];
    let size = IntSize::from_wh(width, height);
    let pixmap = size.and_then(|size| Pixmap::from_vec(bytes, size));
    let mut pixmap = pixmap.unwrap_or_else(|| unreachable!("the buffer has the size of the picture"));
    pixmap.fill(Color::WHITE);
    pixmap
}
