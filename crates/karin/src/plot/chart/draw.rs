//! The drawing of charts.

use tiny_skia::{FillRule, Mask, Path, PathBuilder, Pixmap, Rect, StrokeDash, Transform};

use super::axis::{Axis, Mark};
use super::{Chart, Line, Panel, blank, cells};
use crate::plot::page::{ink, paint, pen};
use crate::plot::text::{Align, Font};

/// Width and height of the page.
const WIDTH: u32 = 1500;
const HEIGHT: u32 = 1120;
const LEFT: f32 = 150.0;
const RIGHT: f32 = 1440.0;
const TOP: f32 = 120.0;
const BOTTOM: f32 = 1020.0;

/// Where a panel lies on the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) right: f32,
    pub(super) bottom: f32,
}

impl Frame {
    pub(super) fn x(&self, at: f32) -> f32 {
        self.left + at * (self.right - self.left)
    }

    pub(super) fn y(&self, at: f32) -> f32 {
        self.bottom - at * (self.bottom - self.top)
    }

    pub(super) fn rect(&self) -> Option<Rect> {
        Rect::from_ltrb(self.left, self.top, self.right, self.bottom)
    }
}

/// The finished page.
pub(super) fn page(chart: &Chart) -> Pixmap {
    let mut page = blank(WIDTH, HEIGHT);
    titles(&mut page, chart);
    let total: f32 = chart.panels.iter().map(|panel| panel.height).sum();
    let gap = 34.0;
    let has_inverse = chart
        .panels
        .first()
        .is_some_and(|panel| !panel.inverse.is_empty());
    let start = TOP + if has_inverse { 66.0 } else { 10.0 };
    let free = BOTTOM - start - gap * chart.panels.len().saturating_sub(1) as f32;
    let mut top = start;
    for (index, panel) in chart.panels.iter().enumerate() {
        let height = free * panel.height / total.max(f32::MIN_POSITIVE);
        let frame = Frame {
            left: LEFT,
            top,
            right: if panel.cells.is_some() {
                RIGHT - 150.0
            } else {
                RIGHT
            },
            bottom: top + height,
        };
        let is_last = index + 1 == chart.panels.len();
        draw_panel(&mut page, panel, &frame, is_last);
        top += height + gap;
    }
    page
}

fn titles(page: &mut Pixmap, chart: &Chart) {
    let (title, subtitle) = (Font::semibold(31.0), Font::regular(20.5));
    let room = RIGHT - LEFT;
    let text = title.fitted(&chart.title, room);
    title.draw(page, &text, (LEFT, 62.0), Align::Left, &paint(ink::TEXT));
    let text = subtitle.fitted(&chart.subtitle, room);
    subtitle.draw(page, &text, (LEFT, 98.0), Align::Left, &paint(ink::SOFT_TEXT));
}

fn draw_panel(page: &mut Pixmap, panel: &Panel, frame: &Frame, is_last: bool) {
    let (across, up) = (panel.x.marks(9.0), panel.y.marks(6.0));
    grid(page, frame, &across, &up);
    if let Some(field) = &panel.cells {
        cells::draw(page, field, frame);
    }
    let mut inside = Mask::new(WIDTH, HEIGHT);
    if let (Some(mask), Some(rect)) = (&mut inside, frame.rect()) {
        mask.fill_path(
            &PathBuilder::from_rect(rect),
            FillRule::Winding,
            true,
            Transform::identity(),
        );
    }
    for line in &panel.lines {
        draw_band(page, panel, line, frame, inside.as_ref());
    }
    for line in &panel.lines {
        draw_line(page, panel, line, frame, inside.as_ref());
    }
    outline(page, frame);
    below(page, frame, &across, if is_last { &panel.x.label } else { "" });
    aside(page, frame, &up, &panel.y.label);
    if !panel.inverse.is_empty() {
        above(page, frame, &panel.x.inverse_marks(), &panel.inverse);
    }
    legend(page, panel, frame);
}

fn stroke(page: &mut Pixmap, path: Option<Path>, color: [u8; 4], width: f32) {
    if let Some(path) = path {
        page.stroke_path(&path, &paint(color), &pen(width), Transform::identity(), None);
    }
}

fn grid(page: &mut Pixmap, frame: &Frame, across: &[Mark], up: &[Mark]) {
    let (mut fine, mut main) = (PathBuilder::new(), PathBuilder::new());
    for mark in across {
        let path = if mark.text.is_some() { &mut main } else { &mut fine };
        path.move_to(frame.x(mark.at), frame.top);
        path.line_to(frame.x(mark.at), frame.bottom);
    }
    for mark in up {
        let path = if mark.text.is_some() { &mut main } else { &mut fine };
        path.move_to(frame.left, frame.y(mark.at));
        path.line_to(frame.right, frame.y(mark.at));
    }
    stroke(page, fine.finish(), [120, 132, 145, 26], 1.0);
    stroke(page, main.finish(), ink::GRATICULE, 1.0);
}

fn outline(page: &mut Pixmap, frame: &Frame) {
    stroke(page, frame.rect().map(PathBuilder::from_rect), ink::FRAME, 1.5);
}

/// Points of a line that follow one another without a hole.
fn runs(panel: &Panel, frame: &Frame, x: &[f64], y: &[f64]) -> Vec<Vec<(f32, f32)>> {
    let mut runs = vec![Vec::new()];
    for (x, y) in x.iter().zip(y) {
        let place = |axis: &Axis, number: f64| axis.place(number);
        match (place(&panel.x, *x), place(&panel.y, *y)) {
            // Far outside nothing is seen of a line but its direction.
            (Some(x), Some(y)) => {
                let point = (frame.x(x.clamp(-2.0, 3.0)), frame.y(y.clamp(-2.0, 3.0)));
                if let Some(run) = runs.last_mut() {
                    run.push(point);
                }
            }
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

fn polyline(points: impl Iterator<Item = (f32, f32)>, path: &mut PathBuilder) {
    for (index, (x, y)) in points.enumerate() {
        match index {
            0 => path.move_to(x, y),
            _ => path.line_to(x, y),
        }
    }
}

fn draw_line(page: &mut Pixmap, panel: &Panel, line: &Line, frame: &Frame, inside: Option<&Mask>) {
    let mut path = PathBuilder::new();
    for run in runs(panel, frame, &line.x, &line.y) {
        polyline(run.into_iter(), &mut path);
    }
    if let Some(path) = path.finish() {
        let stroke = line_pen(line);
        page.stroke_path(&path, &line_paint(line), &stroke, Transform::identity(), inside);
    }
}

fn line_pen(line: &Line) -> tiny_skia::Stroke {
    let mut stroke = pen(if line.is_dashed { 2.4 } else { 2.8 });
    if line.is_dashed {
        stroke.dash = StrokeDash::new(vec![13.0, 8.0], 0.0);
    }
    stroke
}

fn line_paint(line: &Line) -> tiny_skia::Paint<'static> {
    let [red, green, blue] = line.color;
    paint([red, green, blue, 255])
}

fn draw_band(page: &mut Pixmap, panel: &Panel, line: &Line, frame: &Frame, inside: Option<&Mask>) {
    let Some((low, high, _)) = &line.band else { return };
    let (lower, upper) = (
        runs(panel, frame, &line.x, low),
        runs(panel, frame, &line.x, high),
    );
    let [red, green, blue] = line.color;
    for (lower, upper) in lower.into_iter().zip(upper) {
        let mut path = PathBuilder::new();
        polyline(lower.into_iter().chain(upper.into_iter().rev()), &mut path);
        path.close();
        if let Some(path) = path.finish() {
            let color = paint([red, green, blue, 52]);
            page.fill_path(&path, &color, FillRule::Winding, Transform::identity(), inside);
        }
    }
}

/// Draws what a mark says.
fn mark_text(page: &mut Pixmap, text: &str, place: (f32, f32), align: Align) {
    Font::regular(20.0).draw(page, text, place, align, &paint(ink::SOFT_TEXT));
}

fn below(page: &mut Pixmap, frame: &Frame, marks: &[Mark], label: &str) {
    let mut path = PathBuilder::new();
    for mark in marks {
        let x = frame.x(mark.at);
        path.move_to(x, frame.bottom);
        path.line_to(x, frame.bottom - if mark.text.is_some() { 9.0 } else { 5.0 });
        if let Some(text) = mark.text.as_ref().filter(|_| !label.is_empty()) {
            mark_text(page, text, (x, frame.bottom + 30.0), Align::Center);
        }
    }
    stroke(page, path.finish(), ink::FRAME, 1.2);
    let middle = (frame.left + frame.right) / 2.0;
    Font::regular(22.0).draw(
        page,
        label,
        (middle, frame.bottom + 68.0),
        Align::Center,
        &paint(ink::TEXT),
    );
}

fn above(page: &mut Pixmap, frame: &Frame, marks: &[Mark], label: &str) {
    let mut path = PathBuilder::new();
    for mark in marks {
        let x = frame.x(mark.at);
        path.move_to(x, frame.top);
        path.line_to(x, frame.top - 8.0);
        if let Some(text) = &mark.text {
            mark_text(page, text, (x, frame.top - 15.0), Align::Center);
        }
    }
    stroke(page, path.finish(), ink::FRAME, 1.2);
    Font::regular(20.0).draw(
        page,
        label,
        (frame.right, frame.top - 44.0),
        Align::Right,
        &paint(ink::TEXT),
    );
}

fn aside(page: &mut Pixmap, frame: &Frame, marks: &[Mark], label: &str) {
    let mut path = PathBuilder::new();
    for mark in marks {
        let y = frame.y(mark.at);
        path.move_to(frame.left, y);
        path.line_to(frame.left + if mark.text.is_some() { 9.0 } else { 5.0 }, y);
        if let Some(text) = &mark.text {
            mark_text(page, text, (frame.left - 12.0, y + 7.0), Align::Right);
        }
    }
    stroke(page, path.finish(), ink::FRAME, 1.2);
    let middle = (frame.top + frame.bottom) / 2.0;
    Font::regular(22.0).draw_upward(page, label, (frame.left - 92.0, middle), &paint(ink::TEXT));
}

/// Names of lines and bands, at the upper right.
fn legend(page: &mut Pixmap, panel: &Panel, frame: &Frame) {
    let font = Font::regular(20.0);
    let entries: Vec<(&Line, &str, bool)> = panel
        .lines
        .iter()
        .flat_map(|line| {
            let band = line.band.as_ref().map(|(.., label)| (line, label.as_str(), true));
            [Some((line, line.label.as_str(), false)), band]
        })
        .flatten()
        .filter(|(_, label, _)| !label.is_empty())
        .collect();
    if entries.is_empty() {
        return;
    }
    let widest = entries
        .iter()
        .map(|(_, label, _)| font.width(label))
        .fold(0.0, f32::max);
    let (row, width) = (32.0, widest + 84.0);
    let (right, top) = (frame.right - 18.0, frame.top + 18.0);
    let left = right - width;
    let height = row * entries.len() as f32 + 14.0;
    if let Some(rect) = Rect::from_ltrb(left, top, right, top + height) {
        let path = PathBuilder::from_rect(rect);
        page.fill_path(
            &path,
            &paint([255, 255, 255, 225]),
            FillRule::Winding,
            Transform::identity(),
            None,
        );
        stroke(page, Some(path), ink::GRATICULE, 1.0);
    }
    for (index, (line, label, is_band)) in entries.into_iter().enumerate() {
        let y = top + 7.0 + row * (index as f32 + 0.5);
        let (from, to) = (left + 12.0, left + 58.0);
        if is_band {
            let [red, green, blue] = line.color;
            if let Some(rect) = Rect::from_ltrb(from, y - 8.0, to, y + 8.0) {
                page.fill_rect(rect, &paint([red, green, blue, 70]), Transform::identity(), None);
            }
        } else {
            let mut path = PathBuilder::new();
            polyline([(from, y), (to, y)].into_iter(), &mut path);
            if let Some(path) = path.finish() {
                page.stroke_path(
                    &path,
                    &line_paint(line),
                    &line_pen(line),
                    Transform::identity(),
                    None,
                );
            }
        }
        let place = (left + 70.0, y + font.cap_height() / 2.0);
        font.draw(page, label, place, Align::Left, &paint(ink::TEXT));
    }
}
