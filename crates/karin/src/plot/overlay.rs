//! Lines over a map, and what they mean.

use tiny_skia::{Path, PathBuilder, Pixmap, Rect, StrokeDash, Transform};

use super::page::{Layout, ink, paint, pen};
use super::projection::Projection;
use super::raster::Raster;
use super::text::{Align, Font};

/// How lines look.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct OverlayStyle {
    /// What the legend says; lines of styles of the same text share an entry.
    pub label: String,
    /// Colour.
    pub color: [u8; 3],
    /// Drawn as dashes.
    pub is_dashed: bool,
}

impl OverlayStyle {
    /// A style.
    pub fn new(label: &str, color: [u8; 3], is_dashed: bool) -> Self {
        Self {
            label: label.to_owned(),
            color,
            is_dashed,
        }
    }
}

/// Lines of one style: vertices of degrees east and north.
#[derive(Clone, Debug, PartialEq)]
pub struct Overlay {
    /// How they look.
    pub style: OverlayStyle,
    /// True for rings, whose last vertex is joined with the first.
    pub is_closed: bool,
    /// The lines.
    pub lines: Vec<Vec<(f64, f64)>>,
}

/// Draws the lines of all overlays on a map, each on a white rim that keeps it apart from the colours beneath.
pub(super) fn draw(map: &mut Pixmap, projection: &Projection, overlays: &[Overlay], scale: f32) {
    for overlay in overlays {
        let Some(path) = path(projection, overlay) else {
            continue;
        };
        let mut rim = pen(4.6 * scale);
        let mut line = pen(2.2 * scale);
        if overlay.style.is_dashed {
            let dash = || StrokeDash::new(vec![9.0 * scale, 5.0 * scale], 0.0);
            (rim.dash, line.dash) = (dash(), dash());
        }
        let [red, green, blue] = overlay.style.color;
        map.stroke_path(
            &path,
            &paint([255, 255, 255, 210]),
            &rim,
            Transform::identity(),
            None,
        );
        map.stroke_path(
            &path,
            &paint([red, green, blue, 255]),
            &line,
            Transform::identity(),
            None,
        );
    }
}

/// The lines on the map. A line that leaves the map on one side does not come back across it from the other.
fn path(projection: &Projection, overlay: &Overlay) -> Option<Path> {
    let turn = projection.turn();
    let mut path = PathBuilder::new();
    for line in &overlay.lines {
        let mut last: Option<(f64, f64)> = None;
        for (longitude, latitude) in line {
            let (mut x, y) = projection.project(*longitude, *latitude);
            if let (Some(turn), Some((before, _))) = (turn, last) {
                x -= ((x - before) / turn).round() * turn;
            }
            match last {
                None => path.move_to(x as f32, y as f32),
                Some(_) => path.line_to(x as f32, y as f32),
            }
            last = Some((x, y));
        }
        if overlay.is_closed && last.is_some() {
            path.close();
        }
    }
    path.finish()
}

/// The corner of the map with the fewest values under an area of that size: its left and top, from those of the map.
fn free_corner(raster: &Raster, layout: &Layout, (width, height): (f32, f32)) -> (f32, f32) {
    let space = 14.0 * layout.scale;
    let (right, bottom) = (
        layout.map_width as f32 - width - space,
        layout.map_height as f32 - height - space,
    );
    let corners = [(space, bottom), (right, bottom), (space, space), (right, space)];
    let mut counts = [0_u32; 4];
    let columns = layout.map_width.max(1) as usize;
    let shown = raster.values().enumerate().filter(|(_, value)| !value.is_nan());
    for (index, _) in shown {
        let (x, y) = ((index % columns) as f32, (index / columns) as f32);
        for (count, (left, top)) in counts.iter_mut().zip(corners) {
            let is_under = (left..left + width).contains(&x) && (top..top + height).contains(&y);
            *count += u32::from(is_under);
        }
    }
    // The first of equals: `min_by_key` takes that.
    let fewest = counts.into_iter().zip(corners).min_by_key(|(count, _)| *count);
    fewest.map_or((space, bottom), |(_, corner)| corner)
}

/// The legend, in the corner of the map where it hides least.
pub(super) fn legend(page: &mut Pixmap, raster: &Raster, layout: &Layout, overlays: &[Overlay]) {
    let styles: Vec<&OverlayStyle> = (overlays.iter().map(|overlay| &overlay.style))
        .filter(|style| !style.label.is_empty())
        .collect();
    if styles.is_empty() {
        return;
    }
    let s = layout.scale;
    let font = Font::regular(18.5 * s);
    let widest = styles
        .iter()
        .map(|style| font.width(&style.label))
        .fold(0.0, f32::max);
    let (row, sample, space) = (28.0 * s, 44.0 * s, 12.0 * s);
    let (width, height) = (sample + widest + 3.0 * space, row * styles.len() as f32 + space);
    let (left, top) = free_corner(raster, layout, (width, height));
    let (left, top) = (layout.left as f32 + left, layout.top as f32 + top);
    if let Some(area) = Rect::from_xywh(left, top, width, height) {
        let area = PathBuilder::from_rect(area);
        page.fill_path(
            &area,
            &paint([255, 255, 255, 225]),
            tiny_skia::FillRule::Winding,
            Transform::identity(),
            None,
        );
        page.stroke_path(
            &area,
            &paint(ink::GRATICULE),
            &pen(s),
            Transform::identity(),
            None,
        );
    }
    for (number, style) in styles.into_iter().enumerate() {
        let middle = top + 0.5 * space + row * (number as f32 + 0.5);
        let mut path = PathBuilder::new();
        path.move_to(left + space, middle);
        path.line_to(left + space + sample, middle);
        let mut line = pen(2.6 * s);
        if style.is_dashed {
            line.dash = StrokeDash::new(vec![9.0 * s, 5.0 * s], 0.0);
        }
        let [red, green, blue] = style.color;
        if let Some(path) = path.finish() {
            page.stroke_path(
                &path,
                &paint([red, green, blue, 255]),
                &line,
                Transform::identity(),
                None,
            );
        }
        let place = (left + 2.0 * space + sample, middle + font.cap_height() / 2.0);
        font.draw(page, &style.label, place, Align::Left, &paint(ink::TEXT));
    }
}
