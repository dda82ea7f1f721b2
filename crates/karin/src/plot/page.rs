//! The page: where map, colour bar and texts lie, and the drawing of the map itself.

use tiny_skia::{
    Color, FillRule, LineCap, LineJoin, Paint, PathBuilder, Pixmap, PixmapPaint, PremultipliedColorU8, Rect,
    Stroke, Transform,
};

use super::land::Land;
use super::overlay::{self, Overlay};
use super::projection::{Frame, Projection};
use super::raster::Raster;
use super::{ColorScale, MapOptions, furniture, ticks};

/// Colours of everything that is not data.
pub(super) mod ink {
    pub(crate) const PAPER: [u8; 4] = [255, 255, 255, 255];
    pub(crate) const SEA: [u8; 4] = [236, 240, 243, 255];
    pub(crate) const LAND: [u8; 4] = [214, 209, 200, 255];
    pub(crate) const SHORE: [u8; 4] = [84, 78, 70, 215];
    pub(crate) const GRATICULE: [u8; 4] = [120, 132, 145, 78];
    pub(crate) const FRAME: [u8; 4] = [52, 62, 74, 255];
    pub(crate) const TEXT: [u8; 4] = [22, 30, 40, 255];
    pub(crate) const SOFT_TEXT: [u8; 4] = [88, 99, 112, 255];
}

/// A smooth paint of one colour.
pub(super) fn paint([red, green, blue, alpha]: [u8; 4]) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color_rgba8(red, green, blue, alpha);
    paint
}

/// Where things lie, in pixels of the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) frame: Frame,
    /// Size of letters and lines: 1 on a page 1600 wide.
    pub(super) scale: f32,
    pub(super) width: u32,
    pub(super) height: u32,
    /// Left and top of the map.
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) map_width: u32,
    pub(super) map_height: u32,
    /// The colour bar lies below the map; else right of it.
    pub(super) bar_is_below: bool,
}

/// Space around the map at scale 1.
struct Margins {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Layout {
    pub(super) fn new(frame: Frame, size: Option<(u32, u32)>) -> Self {
        let aspect = frame.aspect();
        let bar_is_below = match size {
            Some((width, height)) => aspect > 0.8 * f64::from(width) / f64::from(height) && aspect > 1.2,
            None => aspect > 1.55,
        };
        let is_polar = matches!(frame, Frame::Polar { .. });
        let margins = Margins {
            left: if is_polar { 84.0 } else { 96.0 },
            right: if bar_is_below { 44.0 } else { 176.0 },
            top: if is_polar { 150.0 } else { 120.0 },
            bottom: if bar_is_below { 160.0 } else { 66.0 },
        };
        match size {
            Some((width, height)) => Self::fitted(frame, bar_is_below, &margins, width, height),
            None => {
                let (across, down) = (margins.left + margins.right, margins.top + margins.bottom);
                let map_height = ((1600.0 - across).min(1040.0 * aspect).max(430.0) / aspect).min(1300.0);
                let map_width = map_height * aspect;
                let (width, height) = ((map_width + across).round(), (map_height + down).round());
                Self::fitted(frame, bar_is_below, &margins, width as u32, height as u32)
            }
        }
    }

    fn fitted(frame: Frame, bar_is_below: bool, margins: &Margins, width: u32, height: u32) -> Self {
        let (page_width, page_height) = (f64::from(width), f64::from(height));
        let scale = (page_width / 1600.0)
            .min(page_height / 900.0)
            .max((page_width * page_height / 1.6e6).sqrt().min(1.0));
        let scale = scale.clamp(0.35, 6.0);
        let free_width = (page_width - scale * (margins.left + margins.right)).max(32.0);
        let free_height = (page_height - scale * (margins.top + margins.bottom)).max(32.0);
        let map_width = free_width.min(free_height * frame.aspect()).max(16.0);
        let map_height = (map_width / frame.aspect()).min(free_height).max(16.0);
        Self {
            frame,
            scale: scale as f32,
            width,
            height,
            left: (scale * margins.left + (free_width - map_width) / 2.0).round() as u32,
            top: (scale * margins.top + (free_height - map_height) / 2.0).round() as u32,
            map_width: map_width.round() as u32,
            map_height: map_height.round() as u32,
            bar_is_below,
        }
    }

    pub(super) fn projection(&self) -> Projection {
        let (width, height) = (f64::from(self.map_width), f64::from(self.map_height));
        Projection {
            frame: self.frame,
            width,
            height,
        }
    }

    /// The finished page.
    pub(super) fn draw(&self, raster: &Raster, scale: &ColorScale, options: &MapOptions) -> Pixmap {
        let mut page = blank(self.width, self.height, ink::PAPER);
        let map = self.draw_map(raster, scale, &options.overlays);
        let (left, top) = (self.left as i32, self.top as i32);
        page.draw_pixmap(
            left,
            top,
            map.as_ref(),
            &PixmapPaint::default(),
            Transform::identity(),
            None,
        );
        overlay::legend(&mut page, raster, self, &options.overlays);
        furniture::frame_and_labels(&mut page, self);
        furniture::color_bar(&mut page, self, scale, options);
        furniture::titles(&mut page, self, options);
        page
    }

    fn draw_map(&self, raster: &Raster, scale: &ColorScale, overlays: &[Overlay]) -> Pixmap {
        let mut map = blank(self.map_width, self.map_height, ink::SEA);
        let projection = self.projection();
        let land = Land::on(&projection, 0.0, 0.0);
        if let Some(areas) = &land.areas {
            map.fill_path(
                areas,
                &paint(ink::LAND),
                FillRule::EvenOdd,
                Transform::identity(),
                None,
            );
        }
        self.draw_graticule(&mut map, &projection);
        for (pixel, value) in map.pixels_mut().iter_mut().zip(raster.values()) {
            if !value.is_nan() {
                let [red, green, blue] = scale.color(value);
                *pixel = PremultipliedColorU8::from_rgba(red, green, blue, 255).unwrap_or(*pixel);
            }
        }
        if let Some(shores) = &land.shores {
            let width = self.scale
                * if projection.degrees_per_pixel() < 0.05 {
                    1.3
                } else {
                    0.9
                };
            map.stroke_path(
                shores,
                &paint(ink::SHORE),
                &pen(width),
                Transform::identity(),
                None,
            );
        }
        overlay::draw(&mut map, &projection, overlays, self.scale);
        if matches!(self.frame, Frame::Polar { .. }) {
            self.cut_round(&mut map);
        }
        map
    }

    fn draw_graticule(&self, map: &mut Pixmap, projection: &Projection) {
        let mut path = PathBuilder::new();
        let mut line = |points: &mut dyn Iterator<Item = (f64, f64)>| {
            for (index, (longitude, latitude)) in points.enumerate() {
                let (x, y) = projection.project_unrolled(longitude, latitude);
                match index {
                    0 => path.move_to(x as f32, y as f32),
                    _ => path.line_to(x as f32, y as f32),
                }
            }
        };
        let (meridians, parallels) = self.graticule();
        match self.frame {
            Frame::Plate {
                west,
                width,
                south,
                north,
            } => {
                for longitude in meridians {
                    line(&mut [(longitude, south), (longitude, north)].into_iter());
                }
                for latitude in parallels {
                    line(&mut [(west, latitude), (west + width, latitude)].into_iter());
                }
            }
            Frame::Polar { is_north, rim } => {
                let sign = if is_north { 1.0 } else { -1.0 };
                for longitude in meridians {
                    line(&mut [(longitude, sign * rim), (longitude, sign * 88.0)].into_iter());
                }
                for latitude in parallels {
                    line(&mut (0..=360).map(|longitude| (f64::from(longitude), latitude)));
                }
            }
        }
        if let Some(path) = path.finish() {
            map.stroke_path(
                &path,
                &paint(ink::GRATICULE),
                &pen(self.scale.max(0.7)),
                Transform::identity(),
                None,
            );
        }
    }

    /// Meridians and parallels that are drawn and labelled.
    pub(super) fn graticule(&self) -> (Vec<f64>, Vec<f64>) {
        let scale = f64::from(self.scale);
        match self.frame {
            Frame::Plate {
                west,
                width,
                south,
                north,
            } => {
                let across = (f64::from(self.map_width) / (112.0 * scale)).clamp(2.0, 12.0);
                let down = (f64::from(self.map_height) / (95.0 * scale)).clamp(2.0, 9.0);
                let east_step = ticks::degree_step(width, across);
                let north_step = ticks::degree_step(north - south, down);
                (
                    ticks::multiples(west, west + width, east_step),
                    ticks::multiples(south, north, north_step),
                )
            }
            Frame::Polar { is_north, rim } => {
                let step = ticks::degree_step(90.0 - rim, 5.0);
                let sign = if is_north { 1.0 } else { -1.0 };
                let parallels = ticks::multiples(rim + step / 2.0, 89.0, step);
                let meridians = (0..12).map(|index| f64::from(index) * 30.0).collect();
                (
                    meridians,
                    parallels.into_iter().map(|latitude| sign * latitude).collect(),
                )
            }
        }
    }

    /// Leaves only the disc of a polar map.
    fn cut_round(&self, map: &mut Pixmap) {
        let (width, height) = (self.map_width as f32, self.map_height as f32);
        let mut path = PathBuilder::new();
        if let Some(all) = Rect::from_xywh(-2.0, -2.0, width + 4.0, height + 4.0) {
            path.push_rect(all);
        }
        path.push_circle(width / 2.0, height / 2.0, width.min(height) / 2.0);
        if let Some(path) = path.finish() {
            map.fill_path(
                &path,
                &paint(ink::PAPER),
                FillRule::EvenOdd,
                Transform::identity(),
                None,
            );
        }
    }
}

/// A round pen.
pub(super) fn pen(width: f32) -> Stroke {
    Stroke {
        width,
        line_cap: LineCap::Butt,
        line_join: LineJoin::Round,
        ..Stroke::default()
    }
}

/// A page of one colour.
pub(super) fn blank(width: u32, height: u32, [red, green, blue, alpha]: [u8; 4]) -> Pixmap {
    // Sizes are checked where they come in; a picture of one pixel stands for the impossible.
    let size = tiny_skia::IntSize::from_wh(width.clamp(1, 16_384), height.clamp(1, 16_384));
    let bytes = width.clamp(1, 16_384) as usize * height.clamp(1, 16_384) as usize * 4;
    let pixmap = size.and_then(|size| Pixmap::from_vec(vec![255; bytes], size));
    let mut pixmap = pixmap.unwrap_or_else(|| unreachable!("the buffer has the size of the picture"));
    pixmap.fill(Color::from_rgba8(red, green, blue, alpha));
    pixmap
}
