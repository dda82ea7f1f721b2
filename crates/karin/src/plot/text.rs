//! Text, drawn from the outlines of Inter.

use tiny_skia::{FillRule, Paint, PathBuilder, Pixmap, Transform};
use ttf_parser::{Face, GlyphId, OutlineBuilder};

static REGULAR: &[u8] = include_bytes!("../../assets/inter-regular.ttf");
static SEMIBOLD: &[u8] = include_bytes!("../../assets/inter-semibold.ttf");

/// Which end of a text is at the place that is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Center,
    Right,
}

/// A typeface in one size.
pub(super) struct Font {
    face: Option<Face<'static>>,
    scale: f32,
}

impl Font {
    /// The face for text, `size` pixels to the em.
    pub(super) fn regular(size: f32) -> Self {
        Self::new(REGULAR, size)
    }

    /// The face for titles.
    pub(super) fn semibold(size: f32) -> Self {
        Self::new(SEMIBOLD, size)
    }

    fn new(bytes: &'static [u8], size: f32) -> Self {
        let face = Face::parse(bytes, 0).ok();
        let scale = face
            .as_ref()
            .map_or(0.0, |face| size / f32::from(face.units_per_em()));
        Self { face, scale }
    }

    /// Width of a text in pixels.
    pub(super) fn width(&self, text: &str) -> f32 {
        text.chars().map(|character| self.advance(character)).sum()
    }

    /// Height of capitals and digits in pixels.
    pub(super) fn cap_height(&self) -> f32 {
        let height = self.face.as_ref().and_then(Face::capital_height).unwrap_or(0);
        f32::from(height) * self.scale
    }

    /// The text, or as much of its beginning as fits into `width`, with an ellipsis.
    pub(super) fn fitted(&self, text: &str, width: f32) -> String {
        if self.width(text) <= width {
            return text.to_owned();
        }
        let mut short = text.to_owned();
        while !short.is_empty() && self.width(&short) + self.advance('…') > width {
            short.pop();
        }
        format!("{}…", short.trim_end())
    }

    /// Draws a text with its baseline at `y`.
    pub(super) fn draw(
        &self,
        page: &mut Pixmap,
        text: &str,
        (x, y): (f32, f32),
        align: Align,
        paint: &Paint<'_>,
    ) {
        self.draw_turned(page, text, align, paint, Transform::from_translate(x, y));
    }

    /// Draws a text that runs upward, its baseline at `x`, centred at `y`.
    pub(super) fn draw_upward(&self, page: &mut Pixmap, text: &str, (x, y): (f32, f32), paint: &Paint<'_>) {
        let turned = Transform::from_row(0.0, -1.0, 1.0, 0.0, x, y);
        self.draw_turned(page, text, Align::Center, paint, turned);
    }

    fn draw_turned(&self, page: &mut Pixmap, text: &str, align: Align, paint: &Paint<'_>, place: Transform) {
        let Some(face) = &self.face else { return };
        let mut pen = Pen {
            path: PathBuilder::new(),
            x: self.start(text, align),
            scale: self.scale,
            lift: 0.0,
        };
        for character in text.chars() {
            let (drawn, size) = raised(character);
            (pen.scale, pen.lift) = match size < 1.0 {
                true => (size * self.scale, 0.52 * self.cap_height()),
                false => (self.scale, 0.0),
            };
            face.outline_glyph(self.glyph(drawn), &mut pen);
            pen.x += self.advance(character);
        }
        if let Some(path) = pen.path.finish() {
            page.fill_path(&path, paint, FillRule::Winding, place, None);
        }
    }

    fn start(&self, text: &str, align: Align) -> f32 {
        match align {
            Align::Left => 0.0,
            Align::Center => -self.width(text) / 2.0,
            Align::Right => -self.width(text),
        }
    }

    /// The glyph of a character; a hyphen's for those that the asset lacks.
    fn glyph(&self, character: char) -> GlyphId {
        let glyph = |character| self.face.as_ref().and_then(|face| face.glyph_index(character));
        glyph(character).or_else(|| glyph('-')).unwrap_or(GlyphId(0))
    }

    fn advance(&self, character: char) -> f32 {
        let (character, size) = raised(character);
        let advance = self
            .face
            .as_ref()
            .and_then(|face| face.glyph_hor_advance(self.glyph(character)));
        f32::from(advance.unwrap_or(0)) * self.scale * size
    }
}

/// The character that is drawn for another one, and how large: superscripts are small ordinary ones, lifted.
fn raised(character: char) -> (char, f32) {
    const ORDINARY: &str = "0123456789−";
    let ordinary = SUPERSCRIPTS
        .chars()
        .position(|superscript| superscript == character)
        .and_then(|at| ORDINARY.chars().nth(at));
    ordinary.map_or((character, 1.0), |ordinary| (ordinary, 0.66))
}

/// Digits and the minus sign, raised.
const SUPERSCRIPTS: &str = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻";

/// An exponent as superscripts.
pub(super) fn superscript(exponent: i32) -> String {
    let digit = |character: char| match character {
        '-' => Some('⁻'),
        digit => SUPERSCRIPTS.chars().nth(digit.to_digit(10)? as usize),
    };
    exponent.to_string().chars().filter_map(digit).collect()
}

/// Units of UDUNITS as they are printed: `m s⁻¹` for `m s-1`, `m²` for `m2` or `m^2`; what is no such product is left alone.
pub(super) fn units(text: &str) -> String {
    let factor = |word: &str| -> String {
        let letters = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
        let name = letters
            .strip_suffix("**")
            .or(letters.strip_suffix('^'))
            .unwrap_or(letters);
        let is_name = !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_alphabetic() || matches!(c, '_' | '/' | '°'));
        match word.strip_prefix(letters).map(str::parse) {
            Some(Ok(exponent)) if is_name => format!("{name}{}", superscript(exponent)),
            _ => word.to_owned(),
        }
    };
    text.split(' ').map(factor).collect::<Vec<_>>().join(" ")
}

/// Turns outlines, y upward, into a path, y downward.
struct Pen {
    path: PathBuilder,
    x: f32,
    scale: f32,
    /// How far above the baseline.
    lift: f32,
}

impl Pen {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, -y * self.scale - self.lift)
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_faces_have_what_maps_say() {
        for font in [Font::regular(20.0), Font::semibold(20.0)] {
            let face = font.face.as_ref().expect("the asset is a font");
            for character in "AZaz09 °·–—−…²³¹±×µ()/_.,:;'\"%".chars() {
                assert!(face.glyph_index(character).is_some(), "{character}");
            }
            assert!(font.cap_height() > 13.0 && font.cap_height() < 16.0);
        }
    }

    #[test]
    fn units_are_printed_with_superscripts() {
        for (given, printed) in [
            ("m s-1", "m s⁻¹"),
            ("m2 s-2", "m² s⁻²"),
            ("m^2/cpkm", "m^2/cpkm"),
            ("m**2", "m²"),
            ("kg m-3", "kg m⁻³"),
            ("degrees_north", "degrees_north"),
            (
                "seconds since 2000-01-01 00:00:00.0",
                "seconds since 2000-01-01 00:00:00.0",
            ),
            ("1", "1"),
            ("", ""),
            ("m-99999999999", "m-99999999999"),
        ] {
            assert_eq!(units(given), printed);
        }
        assert_eq!(superscript(-15), "⁻¹⁵");
        let font = Font::regular(20.0);
        assert!(font.width("s⁻¹") < font.width("s−1"));
    }

    #[test]
    fn long_texts_are_cut_to_fit() {
        let font = Font::regular(16.0);
        let text = "sea surface height anomaly above the mean";
        assert_eq!(font.fitted(text, 1000.0), text);
        let short = font.fitted(text, 120.0);
        assert!(short.ends_with('…') && font.width(&short) <= 120.0, "{short}");
    }
}
