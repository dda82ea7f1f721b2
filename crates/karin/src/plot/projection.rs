//! From longitude and latitude to pixels of the map.

use karin_core::LonLatBox;
use karin_core::geo::wrap_180;

/// Latitude beyond which a map of all longitudes is drawn round the pole.
const POLAR_LIMIT: f64 = 45.0;

/// What part of the globe a map shows, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Frame {
    /// Meridians and parallels as straight lines.
    Plate {
        /// West edge.
        west: f64,
        /// Degrees of longitude, up to 360.
        width: f64,
        /// South edge.
        south: f64,
        /// North edge.
        north: f64,
    },
    /// Stereographic, round a pole.
    Polar {
        /// Which pole.
        is_north: bool,
        /// Latitude of the rim, as a distance from the equator.
        rim: f64,
    },
}

impl Frame {
    /// The frame that shows a box as it is: wished for by the user.
    pub(super) fn exactly(bounds: &LonLatBox) -> Self {
        Self::polar(bounds)
            .unwrap_or(Self::Plate {
                west: bounds.west(),
                width: bounds.width(),
                south: bounds.south(),
                north: bounds.north(),
            })
            .grown(0.25)
    }

    /// The frame that shows data lying in a box, with some room around.
    pub(super) fn around(bounds: &LonLatBox) -> Self {
        if let Some(polar) = Self::polar(bounds) {
            return polar;
        }
        if bounds.width() > 270.0 {
            let (south, north) = match bounds.north() - bounds.south() > 100.0 {
                true => (-90.0, 90.0),
                false => (
                    (bounds.south() - 3.0).max(-90.0),
                    (bounds.north() + 3.0).min(90.0),
                ),
            };
            return Self::Plate {
                west: -180.0,
                width: 360.0,
                south,
                north,
            };
        }
        let (wide, high) = (bounds.width(), bounds.north() - bounds.south());
        let room = 0.05 * wide.max(high).max(0.5);
        let width = (wide + 2.0 * room).min(360.0);
        Self::Plate {
            west: bounds.west() - (width - wide) / 2.0,
            width,
            south: (bounds.south() - room).max(-90.0),
            north: (bounds.north() + room).min(90.0),
        }
        .grown(0.5)
    }

    /// True if data that lie in this box, or in any box around it, are shown in the same frame: the whole globe.
    pub(super) fn is_settled(bounds: &LonLatBox) -> bool {
        bounds.width() > 270.0 && bounds.north() - bounds.south() > 100.0
    }

    fn polar(bounds: &LonLatBox) -> Option<Self> {
        let rim = |latitude: f64| ((latitude - 0.5) / 5.0).floor() * 5.0;
        let is_around = bounds.width() > 200.0;
        if is_around && bounds.south() > POLAR_LIMIT {
            Some(Self::Polar {
                is_north: true,
                rim: rim(bounds.south()),
            })
        } else if is_around && bounds.north() < -POLAR_LIMIT {
            Some(Self::Polar {
                is_north: false,
                rim: rim(-bounds.north()),
            })
        } else {
            None
        }
    }

    /// Never narrower or flatter than `least` times the other way, nor smaller than a hundredth of a degree.
    fn grown(self, least: f64) -> Self {
        let Self::Plate {
            west,
            width,
            south,
            north,
        } = self
        else {
            return self;
        };
        let narrowing = self.narrowing();
        let (wide, high) = ((width * narrowing).max(0.01), (north - south).max(0.01));
        let more_width = ((high * least).max(wide) / narrowing).min(360.0) - width;
        let more_height = (wide * least).max(high) - (north - south);
        let (south, north) = (south - more_height / 2.0, north + more_height / 2.0);
        let shift = (-90.0 - south).max(0.0) - (north - 90.0).max(0.0);
        Self::Plate {
            west: west - more_width / 2.0,
            width: width + more_width,
            south: (south + shift).max(-90.0),
            north: (north + shift).min(90.0),
        }
    }

    /// Length of a degree of longitude by that of a degree of latitude, in the middle of a regional map; 1 on maps
    /// of much of the globe.
    fn narrowing(&self) -> f64 {
        match self {
            Self::Plate {
                south, north, width, ..
            } if north - south < 100.0 && *width < 300.0 => {
                ((south + north) / 2.0).to_radians().cos().max(0.15)
            }
            _ => 1.0,
        }
    }

    /// Width by height of the map.
    pub(super) fn aspect(&self) -> f64 {
        match self {
            Self::Plate {
                width, south, north, ..
            } => width * self.narrowing() / (north - south).max(1e-6),
            Self::Polar { .. } => 1.0,
        }
    }
}

/// A frame drawn on a raster: positions in pixels from its upper left corner, y downward.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Projection {
    pub(super) frame: Frame,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Projection {
    /// Where a point lies; outside the raster too.
    pub(super) fn project(&self, longitude: f64, latitude: f64) -> (f64, f64) {
        match self.frame {
            Frame::Plate { west, width, .. } => {
                let from_middle = wrap_180(longitude - (west + width / 2.0));
                self.project_unrolled(west + width / 2.0 + from_middle, latitude)
            }
            Frame::Polar { .. } => self.project_unrolled(longitude, latitude),
        }
    }

    /// The same without bringing the longitude to the turn of the globe that is drawn.
    pub(super) fn project_unrolled(&self, longitude: f64, latitude: f64) -> (f64, f64) {
        match self.frame {
            Frame::Plate {
                west,
                width,
                south,
                north,
            } => (
                (longitude - west) / width * self.width,
                (north - latitude) / (north - south) * self.height,
            ),
            Frame::Polar { is_north, rim } => {
                let sign = if is_north { 1.0 } else { -1.0 };
                // Beyond the rim everything is drawn a little outside it: the far pole would lie at infinity.
                let latitude = (latitude * sign).max(rim - 12.0);
                let distance = |latitude: f64| (45.0 - latitude / 2.0).to_radians().tan();
                let radius = self.width / 2.0 * distance(latitude) / distance(rim);
                let (sin, cos) = longitude.to_radians().sin_cos();
                (
                    self.width / 2.0 + radius * sin,
                    self.height / 2.0 + sign * radius * cos,
                )
            }
        }
    }

    /// Pixels of a whole turn of the globe; `None` where there is no seam.
    pub(super) fn turn(&self) -> Option<f64> {
        match self.frame {
            Frame::Plate { width, .. } => Some(self.width * 360.0 / width),
            Frame::Polar { .. } => None,
        }
    }

    /// True if east and west edge are the same meridian.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self.frame, Frame::Plate { width, .. } if width >= 360.0)
    }

    /// Degrees of latitude in a pixel.
    pub(super) fn degrees_per_pixel(&self) -> f64 {
        match self.frame {
            Frame::Plate { south, north, .. } => (north - south) / self.height,
            Frame::Polar { rim, .. } => 2.0 * (90.0 - rim) / self.height,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(text: &str) -> Frame {
        Frame::around(&text.parse().unwrap())
    }

    #[test]
    fn data_of_a_region_gets_room_and_its_true_proportions() {
        let Frame::Plate {
            west,
            width,
            south,
            north,
        } = frame("-15,34,36,54")
        else {
            panic!("a plate")
        };
        assert!(west < -15.0 && west + width > 36.0 && south < 34.0 && north > 54.0);
        let aspect = frame("-15,34,36,54").aspect();
        assert!(
            (aspect - 51.0 * 44f64.to_radians().cos() / 20.0).abs() < 0.35,
            "{aspect}"
        );
        assert!(frame("10,0,10.5,40").aspect() >= 0.49);
    }

    #[test]
    fn the_globe_and_the_poles_have_frames_of_their_own() {
        assert_eq!(
            frame("-180,-78,180,78"),
            Frame::Plate {
                west: -180.0,
                width: 360.0,
                south: -90.0,
                north: 90.0
            }
        );
        assert_eq!(
            frame("-180,61,180,78"),
            Frame::Polar {
                is_north: true,
                rim: 60.0
            }
        );
        assert_eq!(
            frame("-180,-78,180,-58"),
            Frame::Polar {
                is_north: false,
                rim: 55.0
            }
        );
    }

    #[test]
    fn points_near_the_antimeridian_lie_together() {
        let projection = Projection {
            frame: frame("175,-20,-175,-10"),
            width: 800.0,
            height: 600.0,
        };
        let (a, b) = (
            projection.project(179.9, -15.0),
            projection.project(-179.9, -15.0),
        );
        assert!(b.0 > a.0 && b.0 - a.0 < 20.0, "{a:?} {b:?}");
        assert_eq!(
            projection.project(180.0, -15.0),
            projection.project(-180.0, -15.0)
        );
    }

    #[test]
    fn a_polar_map_has_its_pole_in_the_middle_and_greenwich_below() {
        let projection = Projection {
            frame: frame("-180,60.5,180,78"),
            width: 500.0,
            height: 500.0,
        };
        let (x, y) = projection.project(30.0, 90.0);
        assert!((x - 250.0).abs() < 1e-9 && (y - 250.0).abs() < 1e-9);
        let (x, y) = projection.project(0.0, 60.0);
        assert!((x - 250.0).abs() < 1e-9 && (y - 500.0).abs() < 1e-9);
    }
}
