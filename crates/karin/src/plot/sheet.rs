//! Several maps on one sheet, as the panels of a figure.

use tiny_skia::{Pixmap, PixmapPaint, Transform};

use super::page::{blank, ink, paint};
use super::text::{Align, Font};
use super::{MapCanvas, MapOptions, Picture, PlotError, encode};
use crate::Error;

/// More maps than this on one sheet cannot be read.
const MOST: usize = 9;
/// Width over height that sheets come near to.
const ASPECT: f64 = 1.5;

/// A map that is drawn, and what is on it.
pub(super) struct Drawn {
    pub(super) canvas: MapCanvas,
    pub(super) variable: String,
    pub(super) granules: usize,
    pub(super) unread: Vec<(String, String)>,
}

impl Drawn {
    fn picture(self) -> Result<Picture, Error> {
        Ok(Picture {
            png: self.canvas.png()?,
            variable: self.variable,
            granules: self.granules,
            unread: self.unread,
        })
    }
}

/// Draws what is named: nothing or one variable as a map that fills the page, several as panels of one sheet, each
/// with the scale that suits it. A title that the options give stands above all of them. `draw` makes all of them, by the options
/// of each.
///
/// # Errors
/// If one of them cannot be drawn, or they are too many.
pub(super) fn of(
    variables: &[String],
    options: MapOptions,
    draw: impl FnOnce(Vec<MapOptions>) -> Result<Vec<Drawn>, Error>,
) -> Result<Picture, Error> {
    if let [] | [_] = variables {
        let only = draw(vec![options])?.into_iter().next();
        return only.ok_or(PlotError::Empty)?.picture();
    }
    if variables.len() > MOST {
        let reason = format!("{} maps, expected at most {MOST} in one picture", variables.len());
        return Err(Error::option("--vars", reason));
    }
    let title = options.title.clone();
    let grid = options.size.map(|size| Grid::within(size, variables.len()));
    let own = MapOptions {
        title: String::new(),
        size: grid.as_ref().map(|grid| grid.cell),
        ..options.clone()
    };
    let mut panels = draw(vec![own; variables.len()])?;
    let subtitle = panels.first().map(|panel| panel.canvas.options.subtitle.clone());
    let heading = [title, subtitle.unwrap_or_default()];
    let notes = panels.first().map(|panel| panel.canvas.options.notes.clone());
    let page = composed(&mut panels, &heading, options.size)?;
    Ok(Picture {
        png: encode(&page, &notes.unwrap_or_default())?,
        variable: variables.join(", "),
        granules: panels.iter().map(|panel| panel.granules).max().unwrap_or(0),
        unread: panels
            .into_iter()
            .next()
            .map_or_else(Vec::new, |panel| panel.unread),
    })
}

/// How panels are arranged.
struct Grid {
    columns: usize,
    /// Width and height of a panel.
    cell: (u32, u32),
    /// Height of the title and subtitle of the sheet.
    heading: u32,
}

impl Grid {
    /// The grid in a picture of that size.
    fn within((width, height): (u32, u32), count: usize) -> Self {
        let columns = (count as f64 * f64::from(width) / f64::from(height))
            .sqrt()
            .round();
        let columns = (columns as usize).clamp(1, count);
        let heading = height / 14;
        let rows = count.div_ceil(columns) as u32;
        Self {
            columns,
            cell: (width / columns as u32, height.saturating_sub(heading) / rows),
            heading,
        }
    }

    /// The grid of panels of that size that comes nearest to the shape of a figure, with few places left empty.
    fn around(cell: (u32, u32), count: usize, scale: f32) -> Self {
        let distance = |columns: usize| {
            let rows = count.div_ceil(columns);
            let (width, height) = (
                columns as f64 * f64::from(cell.0),
                rows as f64 * f64::from(cell.1),
            );
            let empty = (columns * rows - count) as f64 / count as f64;
            (width / height / ASPECT).ln().abs() + empty
        };
        let columns = (1..=count).min_by(|a, b| distance(*a).total_cmp(&distance(*b)));
        Self {
            columns: columns.unwrap_or(1),
            cell,
            heading: (84.0 * scale).round() as u32,
        }
    }
}

/// Panels side by side under their heading.
fn composed(
    panels: &mut [Drawn],
    heading: &[String; 2],
    size: Option<(u32, u32)>,
) -> Result<Pixmap, PlotError> {
    let count = panels.len();
    for panel in panels.iter_mut() {
        panel.canvas.options.subtitle.clear();
    }
    let pages: Vec<Pixmap> = panels
        .iter()
        .map(|panel| panel.canvas.page())
        .collect::<Result<_, _>>()?;
    let scale = panels.first().map_or(1.0, |panel| panel.canvas.page.scale);
    let widest = pages.iter().map(Pixmap::width).max().unwrap_or(1);
    let highest = pages.iter().map(Pixmap::height).max().unwrap_or(1);
    let grid = match size {
        Some(size) => Grid::within(size, count),
        None => Grid::around((widest, highest), count, scale),
    };
    let rows = count.div_ceil(grid.columns) as u32;
    let (width, height) = size.unwrap_or((
        grid.cell.0 * grid.columns as u32,
        grid.cell.1 * rows + grid.heading,
    ));
    let mut sheet = blank(width, height, ink::PAPER);
    for (index, page) in pages.iter().enumerate() {
        let left = grid.cell.0 * (index % grid.columns) as u32;
        let top = grid.heading + grid.cell.1 * (index / grid.columns) as u32;
        sheet.draw_pixmap(
            left as i32,
            top as i32,
            page.as_ref(),
            &PixmapPaint::default(),
            Transform::identity(),
            None,
        );
    }
    write_heading(&mut sheet, heading, scale);
    Ok(sheet)
}

/// The title, if there is one, before the subtitle, on one line.
fn write_heading(sheet: &mut Pixmap, [title, subtitle]: &[String; 2], scale: f32) {
    let (bold, plain) = (Font::semibold(31.0 * scale), Font::regular(24.0 * scale));
    let (mut x, base) = (96.0 * scale, 62.0 * scale);
    let right = sheet.width() as f32 - 30.0 * scale;
    if !title.is_empty() {
        let title = bold.fitted(title, right - x);
        bold.draw(sheet, &title, (x, base), Align::Left, &paint(ink::TEXT));
        x += bold.width(&title) + 28.0 * scale;
    }
    let subtitle = plain.fitted(subtitle, (right - x).max(0.0));
    plain.draw(sheet, &subtitle, (x, base), Align::Left, &paint(ink::SOFT_TEXT));
}
