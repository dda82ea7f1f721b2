//! What stands around a map: frame, degrees, colour bar, titles.

use tiny_skia::{FillRule, Path, PathBuilder, Pixmap, PremultipliedColorU8, Rect, Transform};

use super::page::{Layout, ink, paint, pen};
use super::projection::Frame;
use super::text::{self, Align, Font, superscript};
use super::{ColorScale, MapOptions, ticks};

fn stroke(page: &mut Pixmap, path: Option<Path>, color: [u8; 4], width: f32) {
    if let Some(path) = path {
        page.stroke_path(&path, &paint(color), &pen(width), Transform::identity(), None);
    }
}

/// The line around the map, and the degrees along it.
pub(super) fn frame_and_labels(page: &mut Pixmap, layout: &Layout) {
    match layout.frame {
        Frame::Plate { .. } => plate_labels(page, layout),
        Frame::Polar { is_north, .. } => polar_labels(page, layout, is_north),
    }
}

fn plate_labels(page: &mut Pixmap, layout: &Layout) {
    let s = layout.scale;
    let font = Font::regular(18.5 * s);
    let (left, top) = (layout.left as f32, layout.top as f32);
    let (right, bottom) = (left + layout.map_width as f32, top + layout.map_height as f32);
    let projection = layout.projection();
    let (meridians, parallels) = layout.graticule();
    let text = paint(ink::SOFT_TEXT);
    let mut marks = PathBuilder::new();
    let mut free_from = f32::MIN;
    for longitude in meridians {
        let x = left + projection.project_unrolled(longitude, 0.0).0 as f32;
        let label = ticks::meridian(longitude);
        let half = font.width(&label) / 2.0;
        marks.move_to(x, bottom);
        marks.line_to(x, bottom + 6.0 * s);
        if x - half > free_from && x + half < layout.width as f32 {
            font.draw(
                page,
                &label,
                (x, bottom + 11.0 * s + font.cap_height()),
                Align::Center,
                &text,
            );
            free_from = x + half + 10.0 * s;
        }
    }
    for latitude in parallels {
        let y = top + projection.project_unrolled(0.0, latitude).1 as f32;
        marks.move_to(left - 6.0 * s, y);
        marks.line_to(left, y);
        let label = ticks::parallel(latitude);
        font.draw(
            page,
            &label,
            (left - 11.0 * s, y + font.cap_height() / 2.0),
            Align::Right,
            &text,
        );
    }
    stroke(page, marks.finish(), ink::FRAME, 1.2 * s);
    let frame = Rect::from_ltrb(left, top, right, bottom).map(PathBuilder::from_rect);
    stroke(page, frame, ink::FRAME, 1.5 * s);
}

fn polar_labels(page: &mut Pixmap, layout: &Layout, is_north: bool) {
    let s = layout.scale;
    let font = Font::regular(18.5 * s);
    let text = paint(ink::SOFT_TEXT);
    let radius = layout.map_width as f32 / 2.0;
    let (x, y) = (layout.left as f32 + radius, layout.top as f32 + radius);
    let projection = layout.projection();
    let (meridians, parallels) = layout.graticule();
    for longitude in meridians {
        let label = ticks::meridian(longitude);
        let (sin, cos) = (longitude as f32).to_radians().sin_cos();
        let down = if is_north { cos } else { -cos };
        let away =
            radius + 12.0 * s + font.width(&label) / 2.0 * sin.abs() + font.cap_height() / 2.0 * down.abs();
        let place = (x + away * sin, y + away * down + font.cap_height() / 2.0);
        font.draw(page, &label, place, Align::Center, &text);
    }
    let small = Font::regular(15.5 * s);
    for latitude in parallels {
        let (dx, dy) = projection.project(if is_north { 15.0 } else { 165.0 }, latitude);
        let place = (
            layout.left as f32 + dx as f32,
            layout.top as f32 + dy as f32 + small.cap_height() / 2.0,
        );
        small.draw(page, &ticks::parallel(latitude), place, Align::Center, &text);
    }
    let mut rim = PathBuilder::new();
    rim.push_circle(x, y, radius);
    stroke(page, rim.finish(), ink::FRAME, 1.5 * s);
}

/// The bar of a colour scale: from (0, 0), `length` long and `breadth` broad, in a space of its own.
struct Bar {
    left: f32,
    top: f32,
    length: f32,
    breadth: f32,
    is_level: bool,
    scale: f32,
}

impl Bar {
    fn of(layout: &Layout) -> Self {
        let s = layout.scale;
        let (map_width, map_height) = (layout.map_width as f32, layout.map_height as f32);
        let (left, top) = (layout.left as f32, layout.top as f32);
        let below = match layout.frame {
            Frame::Plate { .. } => 52.0,
            Frame::Polar { .. } => 62.0,
        };
        let aside = match layout.frame {
            Frame::Plate { .. } => 30.0,
            Frame::Polar { .. } => 78.0,
        };
        match layout.bar_is_below {
            true => {
                let length = (map_width * 0.62).max(map_width.min(420.0 * s));
                let left = left + (map_width - length) / 2.0;
                Self {
                    left,
                    top: top + map_height + below * s,
                    length,
                    breadth: 20.0 * s,
                    is_level: true,
                    scale: s,
                }
            }
            false => {
                let length = (map_height * 0.86).min(900.0 * s).max(map_height.min(260.0 * s));
                let top = top + (map_height - length) / 2.0;
                Self {
                    left: left + map_width + aside * s,
                    top,
                    length,
                    breadth: 22.0 * s,
                    is_level: false,
                    scale: s,
                }
            }
        }
    }

    /// The point `along` the bar from its low end, `across` it from its upper or left side.
    fn point(&self, along: f32, across: f32) -> (f32, f32) {
        match self.is_level {
            true => (self.left + along, self.top + across),
            false => (self.left + across, self.top + self.length - along),
        }
    }

    fn polygon(&self, corners: &[(f32, f32)]) -> Option<Path> {
        let mut path = PathBuilder::new();
        for (index, &(along, across)) in corners.iter().enumerate() {
            let (x, y) = self.point(along, across);
            match index {
                0 => path.move_to(x, y),
                _ => path.line_to(x, y),
            }
        }
        path.close();
        path.finish()
    }
}

impl Bar {
    /// The colours between two places along the bar, pixel by pixel, so that no seam shows.
    fn colors(&self, page: &mut Pixmap, scale: &ColorScale, (low, high): (f32, f32)) {
        let (width, height) = (page.width() as usize, page.height() as usize);
        let (a, b) = (self.point(low, 0.0), self.point(high, self.breadth));
        let range =
            |a: f32, b: f32, end: usize| (a.min(b).round() as usize)..(a.max(b).round() as usize).min(end);
        let (columns, rows) = (range(a.0, b.0, width), range(a.1, b.1, height));
        for row in rows {
            for column in columns.clone() {
                let along = match self.is_level {
                    true => column as f32 + 0.5 - self.left,
                    false => self.top + self.length - (row as f32 + 0.5),
                };
                let [red, green, blue] = scale.color_map.color(f64::from((along - low) / (high - low)));
                let color = PremultipliedColorU8::from_rgba(red, green, blue, 255);
                if let (Some(pixel), Some(color)) = (page.pixels_mut().get_mut(row * width + column), color) {
                    *pixel = color;
                }
            }
        }
    }
}

/// The colour bar with its ticks, and what it measures.
pub(super) fn color_bar(page: &mut Pixmap, layout: &Layout, scale: &ColorScale, options: &MapOptions) {
    let bar = Bar::of(layout);
    let s = bar.scale;
    // Pointed ends say that values lie beyond.
    let point = 17.0 * s;
    let low = if scale.goes_below { point } else { 0.0 };
    let high = bar.length - if scale.goes_above { point } else { 0.0 };
    bar.colors(page, scale, (low, high));
    let middle = bar.breadth / 2.0;
    let mut outline = vec![(low, 0.0), (high, 0.0)];
    if scale.goes_above {
        let [red, green, blue] = scale.color_map.color(1.0);
        fill(
            page,
            bar.polygon(&[(high, 0.0), (bar.length, middle), (high, bar.breadth)]),
            [red, green, blue, 255],
        );
        outline.push((bar.length, middle));
    }
    outline.extend([(high, bar.breadth), (low, bar.breadth)]);
    if scale.goes_below {
        let [red, green, blue] = scale.color_map.color(0.0);
        fill(
            page,
            bar.polygon(&[(low, 0.0), (0.0, middle), (low, bar.breadth)]),
            [red, green, blue, 255],
        );
        outline.push((0.0, middle));
    }
    stroke(page, bar.polygon(&outline), ink::FRAME, 1.2 * s);
    let power = ticks::power(scale.minimum, scale.maximum);
    let widest = bar_ticks(page, &bar, scale, power, (low, high));
    bar_label(page, &bar, &label(options, power), widest);
}

fn fill(page: &mut Pixmap, path: Option<Path>, color: [u8; 4]) {
    if let Some(path) = path {
        page.fill_path(
            &path,
            &paint(color),
            FillRule::Winding,
            Transform::identity(),
            None,
        );
    }
}

/// Draws the ticks and their numbers, in units of a power of ten; answers how far the numbers reach from the bar.
fn bar_ticks(page: &mut Pixmap, bar: &Bar, scale: &ColorScale, power: i32, (low, high): (f32, f32)) -> f32 {
    let s = bar.scale;
    let font = Font::regular(18.5 * s);
    let room = if bar.is_level { 110.0 * s } else { 74.0 * s };
    let wanted = f64::from((high - low) / room).clamp(2.0, 9.0);
    let unit = 10f64.powi(power);
    let (minimum, maximum) = (scale.minimum / unit, scale.maximum / unit);
    let (numbers, decimals) = ticks::round_numbers(minimum, maximum, wanted);
    let mut marks = PathBuilder::new();
    let mut widest: f32 = 0.0;
    for value in numbers {
        let part = (value - minimum) / (maximum - minimum);
        let along = low + (high - low) * part as f32;
        let (from, to) = (
            bar.point(along, bar.breadth),
            bar.point(along, bar.breadth + 6.0 * s),
        );
        marks.move_to(from.0, from.1);
        marks.line_to(to.0, to.1);
        let number = ticks::number(value, decimals);
        let (x, y) = bar.point(along, bar.breadth + 11.0 * s);
        match bar.is_level {
            true => font.draw(
                page,
                &number,
                (x, y + font.cap_height()),
                Align::Center,
                &paint(ink::TEXT),
            ),
            false => font.draw(
                page,
                &number,
                (x, y + font.cap_height() / 2.0),
                Align::Left,
                &paint(ink::TEXT),
            ),
        }
        let reach = if bar.is_level {
            font.cap_height()
        } else {
            font.width(&number)
        };
        widest = widest.max(bar.breadth + 11.0 * s + reach);
    }
    stroke(page, marks.finish(), ink::FRAME, 1.2 * s);
    widest
}

fn bar_label(page: &mut Pixmap, bar: &Bar, label: &str, widest: f32) {
    let font = Font::regular(19.5 * bar.scale);
    let label = font.fitted(label, bar.length.max(120.0 * bar.scale));
    let (x, y) = bar.point(bar.length / 2.0, widest + 14.0 * bar.scale);
    let text = paint(ink::TEXT);
    match bar.is_level {
        true => font.draw(page, &label, (x, y + font.cap_height()), Align::Center, &text),
        false => font.draw_upward(page, &label, (x + font.cap_height(), y), &text),
    }
}

/// `ssha_karin_2 (m)`; `strain (10⁻⁵ s⁻¹)` where the numbers are in units of a power of ten.
fn label(options: &MapOptions, power: i32) -> String {
    let units = match options.units.trim() {
        "1" | "-" => "",
        units => units,
    };
    let power = match power {
        0 => String::new(),
        power => format!("10{}", superscript(power)),
    };
    let units = format!("{power} {}", text::units(units));
    match (options.variable.as_str(), units.trim()) {
        ("", units) => units.to_owned(),
        (name, "") => name.to_owned(),
        (name, units) => format!("{name} ({units})"),
    }
}

/// Title and subtitle above the map, from its left edge on.
pub(super) fn titles(page: &mut Pixmap, layout: &Layout, options: &MapOptions) {
    let s = layout.scale;
    let left = match layout.frame {
        Frame::Plate { .. } => layout.left as f32,
        Frame::Polar { .. } => 40.0 * s,
    };
    let room = layout.width as f32 - left - 30.0 * s;
    let title = Font::semibold(31.0 * s);
    let subtitle = Font::regular(20.5 * s);
    let base = match layout.frame {
        Frame::Plate { .. } => layout.top as f32 - 22.0 * s,
        Frame::Polar { .. } => 96.0 * s,
    };
    let text = subtitle.fitted(&options.subtitle, room);
    subtitle.draw(page, &text, (left, base), Align::Left, &paint(ink::SOFT_TEXT));
    let lift = if options.subtitle.is_empty() {
        0.0
    } else {
        34.0 * s
    };
    let text = title.fitted(&options.title, room);
    title.draw(page, &text, (left, base - lift), Align::Left, &paint(ink::TEXT));
}
