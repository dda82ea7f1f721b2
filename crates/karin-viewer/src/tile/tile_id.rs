//! Which tile, and what it shows.

use crate::http::problem::Problem;
use crate::swath::Level;
use crate::tracks::Window;

use super::footprint::SIDE;

/// Deepest zoom: 10 m.
const DEEPEST: u32 = 12;
/// Round the equator.
pub const EQUATOR_M: f64 = 40_075_016.7;

/// A tile of the Web Mercator map: `z` from 0, `x` eastward from 180° W, `y` southward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TileId {
    /// Zoom.
    pub z: u32,
    /// Column.
    pub x: u32,
    /// Row.
    pub y: u32,
}

impl TileId {
    /// From the words of a path.
    ///
    /// # Errors
    /// If there is no such tile.
    pub fn parse(z: &str, x: &str, y: &str) -> Result<Self, Problem> {
        let number = |text: &str| text.parse::<u32>().ok();
        match (number(z), number(x), number(y)) {
            (Some(z), Some(x), Some(y)) if z <= DEEPEST && x < 1 << z && y < 1 << z => Ok(Self { z, x, y }),
            (Some(z), Some(_), Some(_)) if z <= DEEPEST => {
                Err(Problem::missing(format!("there is no such tile at zoom {z}")))
            }
            _ => Err(Problem::invalid(format!(
                "expected zoom 0 to {DEEPEST}, column and row of a tile"
            ))),
        }
    }

    /// The part of the globe that it shows.
    pub fn window(self) -> Window {
        let tiles = f64::from(1_u32 << self.z);
        let latitude = |row: f64| {
            (std::f64::consts::PI * (1.0 - 2.0 * row / tiles))
                .sinh()
                .atan()
                .to_degrees()
        };
        Window {
            west: f64::from(self.x) / tiles * 360.0 - 180.0,
            width: 360.0 / tiles,
            south: latitude(f64::from(self.y) + 1.0),
            north: latitude(f64::from(self.y)),
        }
    }

    /// Metres on the ground of a pixel at a latitude.
    pub fn pixel_m(self, latitude: f64) -> f64 {
        EQUATOR_M * latitude.to_radians().cos() / (f64::from(1_u32 << self.z) * SIDE as f64)
    }

    /// The level whose cells suit its pixels: two thirds of a pixel where pixels are small, so that no pixel is missed.
    /// On tiles that reach from the equator to the poles that is where most of the swath lies.
    pub fn level(self, native_m: f64) -> Level {
        let window = self.window();
        let poleward = window
            .south
            .abs()
            .max(window.north.abs())
            .min(if self.z <= 2 { 60.0 } else { 78.0 });
        Level::fitting(native_m, 0.67 * self.pixel_m(poleward))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_show_what_their_numbers_say() {
        let whole = TileId::parse("0", "0", "0").unwrap().window();
        assert!((whole.west, whole.width) == (-180.0, 360.0) && (whole.north - 85.051_128).abs() < 1e-5);
        let tile = TileId::parse("1", "1", "0").unwrap();
        assert!(tile.window().west == 0.0 && tile.window().south.abs() < 1e-9);
        assert!((TileId::parse("6", "0", "0").unwrap().pixel_m(0.0) - 2446.0).abs() < 1.0);
        for (z, x, y) in [
            ("1", "2", "0"),
            ("13", "0", "0"),
            ("-1", "0", "0"),
            ("1", "0.5", "0"),
            ("99999999999", "0", "0"),
        ] {
            assert!(TileId::parse(z, x, y).is_err(), "{z}/{x}/{y}");
        }
    }

    #[test]
    fn levels_follow_the_zoom() {
        let level = |z, x, y| TileId { z, x, y }.level(2000.0).0;
        assert_eq!((level(0, 0, 0), level(6, 32, 31), level(12, 0, 2048)), (4, 0, 0));
    }
}
