//! Fields in charts: coloured cells and the bar that explains them.

use tiny_skia::{Pixmap, PremultipliedColorU8};

use super::Cells;
use super::draw::Frame;
use crate::plot::page::{ink, paint};
use crate::plot::text::{Align, Font};
use crate::plot::ticks;

/// Fills a frame with the cells, and draws their scale right of it. Colours run over all values.
pub(super) fn draw(page: &mut Pixmap, cells: &Cells, frame: &Frame) {
    let rows = cells.values.len() / cells.columns.max(1);
    let Some((low, high)) = range(&cells.values) else {
        return;
    };
    let (columns, span) = (cells.columns, high - low);
    fill(page, frame, |across, up| {
        // The first and last place lie on the frame: half of their cells is outside.
        let column = (across * (columns - 1) as f32).round() as usize;
        let row = (up * (rows - 1) as f32).round() as usize;
        let value = cells.values.get(row * columns + column)?;
        value
            .is_finite()
            .then(|| cells.color_map.color((value - low) / span))
    });
    let bar = Frame {
        left: frame.right + 30.0,
        right: frame.right + 54.0,
        ..*frame
    };
    fill(page, &bar, |_, up| Some(cells.color_map.color(f64::from(up))));
    let font = Font::regular(18.5);
    let (numbers, decimals) = ticks::round_numbers(low, high, 8.0);
    let mut widest: f32 = 0.0;
    for number in numbers {
        let y = bar.y(((number - low) / span) as f32) + font.cap_height() / 2.0;
        let text = ticks::number(number, decimals);
        font.draw(page, &text, (bar.right + 8.0, y), Align::Left, &paint(ink::TEXT));
        widest = widest.max(font.width(&text));
    }
    let x = bar.right + 8.0 + widest + 30.0;
    font.draw_upward(
        page,
        &cells.label,
        (x, (bar.top + bar.bottom) / 2.0),
        &paint(ink::TEXT),
    );
}

/// Colours every pixel of a frame by its place, from 0 to 1 across and up.
fn fill(page: &mut Pixmap, frame: &Frame, color: impl Fn(f32, f32) -> Option<[u8; 3]>) {
    let (width, height) = (page.width() as usize, page.height() as usize);
    let (left, right) = (
        frame.left.round() as usize,
        (frame.right.round() as usize).min(width),
    );
    let (top, bottom) = (
        frame.top.round() as usize,
        (frame.bottom.round() as usize).min(height),
    );
    for row in top..bottom {
        for column in left..right {
            let across = (column as f32 + 0.5 - frame.left) / (frame.right - frame.left);
            let up = (frame.bottom - row as f32 - 0.5) / (frame.bottom - frame.top);
            let color = color(across.clamp(0.0, 1.0), up.clamp(0.0, 1.0));
            let color =
                color.and_then(|[red, green, blue]| PremultipliedColorU8::from_rgba(red, green, blue, 255));
            if let (Some(color), Some(pixel)) = (color, page.pixels_mut().get_mut(row * width + column)) {
                *pixel = color;
            }
        }
    }
}

fn range(values: &[f64]) -> Option<(f64, f64)> {
    let finite = values.iter().copied().filter(|value| value.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    match low < high {
        true => Some((low, high)),
        false if low == high => Some((low - 0.5, high + 0.5)),
        false => None,
    }
}
