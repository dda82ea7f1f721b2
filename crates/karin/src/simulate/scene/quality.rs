//! Surface, rain, missing lines, and the quality bits that follow from them.

use karin_core::orbit::FixedGrid;

use super::{Coarse, PIXELS, Scene, Spot};
use crate::simulate::random::Stream;

/// Quality bits of L2, as the products define them.
pub(in crate::simulate) mod bits {
    pub const LARGE_SSH_DELTA: u32 = 1;
    pub const LARGE_SSH_STD: u32 = 1 << 1;
    pub const LARGE_SSH_WINDOW_STD: u32 = 1 << 2;
    pub const LESS_THAN_NINE_BEAMS: u32 = 1 << 4;
    pub const RAIN_LIKELY: u32 = 1 << 5;
    pub const PIXEL_USED: u32 = 1 << 7;
    pub const NUM_PT_AVG: u32 = 1 << 8;
    pub const TVP_QUAL: u32 = 1 << 12;
    pub const MEDIA_DELAYS_MISSING: u32 = 1 << 16;
    pub const VERY_LARGE_ATTITUDE: u32 = 1 << 25;
    pub const TIDE_CORRECTIONS_MISSING: u32 = 1 << 26;
    pub const RADIOMETER_CORR_MISSING: u32 = 1 << 28;
    pub const OUTSIDE_OF_RANGE: u32 = 1 << 29;
    pub const DEGRADED: u32 = 1 << 30;
    pub const NOT_USABLE: u32 = 1 << 31;
    /// Bits that make a value unusable.
    pub const BAD: u32 = 0x3F00_0000;
}

/// Farther inland nothing is measured.
pub(super) const INLAND_KM: f32 = -20.0;

/// What lies under a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulate) enum Surface {
    Ocean,
    Land,
    IceSheet,
}

/// What the rain flag says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulate) enum Rain {
    None,
    Probable,
    Sure,
}

impl Scene {
    /// What lies under it.
    pub(in crate::simulate) fn surface(&self, spot: &Spot) -> Surface {
        if self.coast_km(spot) > 0.0 {
            return Surface::Ocean;
        }
        let (longitude, latitude) = self.near_lon_lat(spot);
        let is_greenland =
            latitude > 60.5 && (286.0..=349.0).contains(&longitude) && latitude > 78.0 - longitude / 20.0;
        if latitude < -62.0 || is_greenland {
            Surface::IceSheet
        } else {
            Surface::Land
        }
    }

    /// Per cent of the sea that ice covers: beyond an edge that moves with the seasons.
    pub(in crate::simulate) fn ice_percent(&self, spot: &Spot) -> f32 {
        let latitude = self.near_lon_lat(spot).1 as f32;
        if latitude.abs() < 52.0 || self.coast_km(spot) <= 0.0 {
            return 0.0;
        }
        // Sea ice reaches farthest in March in the north and in September in the south.
        let seconds = self.times.first().copied().unwrap_or(0.0);
        let year = (std::f64::consts::TAU * (seconds / 31_557_600.0 - 0.2)).cos() as f32;
        let edge = if latitude > 0.0 {
            74.0 - 4.0 * year
        } else {
            64.0 + 3.5 * year
        };
        let ragged = 1.5 * self.rain.at(spot.line, spot.pixel);
        (40.0 * (latitude.abs() - edge + ragged)).clamp(0.0, 100.0)
    }

    /// Whether it rains.
    pub(in crate::simulate) fn rain(&self, spot: &Spot) -> Rain {
        match self.rain.at(spot.line, spot.pixel) {
            high if high > 2.3 => Rain::Sure,
            some if some > 2.0 => Rain::Probable,
            _ => Rain::None,
        }
    }
}

/// Where KaRIn measures.
pub(super) fn is_in_swath(across_km: f32) -> bool {
    (10.0..=60.0).contains(&across_km.abs())
}

/// Lines without data: some granules have a few gaps, few begin late.
pub(super) fn missing_lines(count: usize, stream: Stream) -> Vec<bool> {
    let stream = stream.named("missing");
    let mut missing = vec![false; count];
    let mut cut = |first: usize, length: usize| {
        missing
            .iter_mut()
            .skip(first)
            .take(length)
            .for_each(|line| *line = true);
    };
    if stream.uniform(0) < 0.25 {
        for gap in 0..1 + stream.bits(1) % 3 {
            let (where_, length) = (stream.uniform(10 + gap), stream.uniform(20 + gap));
            cut(
                (where_ * count as f64) as usize,
                5 + (length * length * 400.0) as usize,
            );
        }
    }
    if stream.uniform(2) < 0.03 {
        cut(0, (stream.uniform(3) * 0.1 * count as f64) as usize);
    }
    missing
}

/// The quality bits of every pixel.
pub(super) fn of_pixels(scene: &Scene, trouble: &Coarse) -> Vec<u32> {
    let stream = scene.stream.named("quality");
    let mut all = Vec::with_capacity(scene.times.len() * PIXELS);
    for line in 0..scene.times.len() {
        let of_line = of_line(stream, line);
        for pixel in 0..PIXELS {
            let spot = scene.pixel(line, pixel);
            let trouble = trouble.at(spot.line, spot.pixel);
            all.push(of_pixel(scene, &spot, trouble, stream.bits(spot.key)) | of_line);
        }
    }
    all
}

/// Bits that whole stretches of 64 lines have: fewer beams, uncertain attitude.
fn of_line(stream: Stream, line: usize) -> u32 {
    match stream.of(1).uniform(line as u64 / 64) {
        rare if rare < 0.007 => bits::TVP_QUAL,
        few if few < 0.02 => bits::LESS_THAN_NINE_BEAMS,
        _ => 0,
    }
}

fn of_pixel(scene: &Scene, spot: &Spot, trouble: f32, chance: u64) -> u32 {
    let coast = scene.coast_km(spot);
    if !is_in_swath(spot.across_km) || coast <= 0.0 {
        return bits::OUTSIDE_OF_RANGE;
    }
    let mut found = 0;
    let mut set = |condition: bool, bits: u32| found |= if condition { bits } else { 0 };
    set(coast < 10.0, bits::NUM_PT_AVG | bits::PIXEL_USED);
    set(coast < 25.0, bits::RADIOMETER_CORR_MISSING);
    match scene.rain(spot) {
        Rain::Sure => set(
            true,
            bits::LARGE_SSH_DELTA | bits::LARGE_SSH_STD | bits::RAIN_LIKELY,
        ),
        Rain::Probable => set(true, bits::LARGE_SSH_STD | bits::RAIN_LIKELY),
        Rain::None => {}
    }
    set(
        scene.ice_percent(spot) > 15.0,
        bits::LARGE_SSH_DELTA | bits::LARGE_SSH_WINDOW_STD,
    );
    set(trouble > 1.3, bits::LARGE_SSH_STD);
    set(trouble > 1.8, bits::LARGE_SSH_WINDOW_STD);
    set(trouble > 2.6, bits::DEGRADED | bits::MEDIA_DELAYS_MISSING);
    // Single pixels, in 1/65536.
    let (outlier, lost) = (chance & 0xFFFF, chance >> 16 & 0xFFFF);
    set(outlier < 330, bits::LARGE_SSH_DELTA);
    let edge = FixedGrid::NADIR.abs_diff(spot.pixel as usize);
    set((edge == 5 || edge == 30) && outlier > 56_000, bits::NUM_PT_AVG);
    set(lost < 6, bits::VERY_LARGE_ATTITUDE);
    set(lost > 65_530, bits::TIDE_CORRECTIONS_MISSING);
    found
}
