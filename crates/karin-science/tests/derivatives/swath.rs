//! Swaths along great circles: straight, evenly spaced, anywhere and in any direction.

use karin_science::sphere::RADIUS;
use karin_science::{Extent, Metric};

pub type Vector = [f64; 3];

pub fn dot(one: Vector, other: Vector) -> f64 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

fn combine(terms: [(f64, Vector); 2]) -> Vector {
    std::array::from_fn(|axis| terms[0].0 * terms[0].1[axis] + terms[1].0 * terms[1].1[axis])
}

/// Up, east and north at degrees north and east.
pub fn axes(latitude: f64, longitude: f64) -> [Vector; 3] {
    let (sin_lat, cos_lat) = latitude.to_radians().sin_cos();
    let (sin_lon, cos_lon) = longitude.to_radians().sin_cos();
    [
        [cos_lat * cos_lon, cos_lat * sin_lon, sin_lat],
        [-sin_lon, cos_lon, 0.0],
        [-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat],
    ]
}

/// Where the middle of the first line is, and where to.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    pub latitude: f64,
    pub longitude: f64,
    /// Degrees counter-clockwise from east.
    pub heading: f64,
}

pub struct Swath {
    pub extent: Extent,
    pub latitude: Vec<f64>,
    pub longitude: Vec<f64>,
}

impl Swath {
    /// A swath whose pixels are `spacing` metres apart, to the right of the flight one after the other.
    pub fn new(extent: Extent, start: Start, spacing: f64) -> Self {
        let [up, east, north] = axes(start.latitude, start.longitude);
        let (sine, cosine) = start.heading.to_radians().sin_cos();
        let ahead = combine([(cosine, east), (sine, north)]);
        let left = combine([(-sine, east), (cosine, north)]);
        let middle = 0.5 * (extent.num_pixels - 1) as f64;
        let mut swath = Self {
            extent,
            latitude: Vec::new(),
            longitude: Vec::new(),
        };
        for line in 0..extent.num_lines {
            let (sine, cosine) = (line as f64 * spacing / RADIUS).sin_cos();
            let track = combine([(cosine, up), (sine, ahead)]);
            for pixel in 0..extent.num_pixels {
                let (sine, cosine) = ((middle - pixel as f64) * spacing / RADIUS).sin_cos();
                let place = combine([(cosine, track), (sine, left)]);
                swath.latitude.push(place[2].clamp(-1.0, 1.0).asin().to_degrees());
                swath.longitude.push(place[1].atan2(place[0]).to_degrees());
            }
        }
        swath
    }

    pub fn metric(&self) -> Metric {
        Metric::new(&self.latitude, &self.longitude, self.extent).unwrap()
    }

    /// A field by position: up vector of every pixel.
    pub fn field(&self, of: impl Fn(Vector) -> f64) -> Vec<f64> {
        let places = self.latitude.iter().zip(&self.longitude);
        places
            .map(|(latitude, longitude)| of(axes(*latitude, *longitude)[0]))
            .collect()
    }
}

/// The parts of a swath that KaRIn sees, of 69 pixels: not the nadir gap, not the rim.
pub fn is_seen(pixel: usize) -> bool {
    (4..31).contains(&pixel) || (38..65).contains(&pixel)
}

/// A number from 0 to 1 that depends on two numbers only.
pub fn scatter(one: usize, other: usize) -> f64 {
    let mut state =
        (one as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (other as u64).wrapping_mul(0xD1B5_4A32_D192_ED03);
    state ^= state >> 29;
    state = state.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    state ^= state >> 32;
    (state >> 11) as f64 / (1_u64 << 53) as f64
}
