//! Random fields on the globe: sums of plane waves in space, cut by the Earth's surface.
//!
//! Such a field is statistically the same everywhere and in every direction, has no seam and no pole, and has a value
//! at any place and time that does not depend on which pass looks: passes and cycles agree with each other.

use super::random::Stream;

/// What a field is like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spectrum {
    /// Waves that make it.
    pub count: usize,
    /// Shortest and longest wavelength in kilometres; logarithmically spaced.
    pub wavelengths_km: (f64, f64),
    /// Amplitudes go with the wavelength to this power: 1.5 is a power spectrum that falls with the fourth power of
    /// the wavenumber.
    pub slope: f64,
    /// Standard deviation of the field.
    pub deviation: f64,
    /// How it moves.
    pub motion: Motion,
}

/// How a field changes with time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Motion {
    /// Not at all.
    Still,
    /// Waves travel in all directions at so many metres per second, and the whole drifts westward with the same speed.
    Drift(f64),
    /// Every wave has this period in hours.
    Period(f64),
}

/// A wave: cycles per Earth radius, phase and frequency in turns, amplitude.
#[derive(Clone, Copy, Debug)]
struct Wave {
    vector: [f64; 3],
    phase: f64,
    frequency_hz: f64,
    amplitude: f32,
}

/// A random field on the globe.
#[derive(Clone, Debug)]
pub(super) struct Field {
    waves: Vec<Wave>,
    /// Turns of the whole about the Earth's axis per second, westward.
    turn_hz: f64,
}

const EARTH_RADIUS_M: f64 = 6_378_137.0;

impl Field {
    /// The field that the numbers of a stream make.
    pub(super) fn new(spectrum: Spectrum, stream: Stream) -> Self {
        let (shortest, longest) = spectrum.wavelengths_km;
        let ratio = longest / shortest;
        let last = (spectrum.count - 1).max(1) as f64;
        let length = |index: usize| shortest * ratio.powf(index as f64 / last);
        let power: f64 = (0..spectrum.count)
            .map(|i| length(i).powf(2.0 * spectrum.slope) / 2.0)
            .sum();
        let wave = |index: usize| {
            let stream = stream.of(index as u64);
            let length_m = length(index) * 1e3;
            let frequency_hz = match spectrum.motion {
                Motion::Still => 0.0,
                Motion::Drift(speed) => speed / length_m,
                Motion::Period(hours) => 1.0 / (hours * 3600.0),
            };
            Wave {
                vector: direction(stream).map(|part| part * EARTH_RADIUS_M / length_m),
                phase: stream.uniform(2),
                frequency_hz,
                amplitude: (length(index).powf(spectrum.slope) * spectrum.deviation / power.sqrt()) as f32,
            }
        };
        let turn_hz = match spectrum.motion {
            Motion::Drift(speed) => speed / (std::f64::consts::TAU * EARTH_RADIUS_M),
            Motion::Still | Motion::Period(_) => 0.0,
        };
        Self {
            waves: (0..spectrum.count).map(wave).collect(),
            turn_hz,
        }
    }

    /// The field as it lies at a time (seconds since 2000-01-01), for [`Snapshot::add`].
    pub(super) fn at(&self, seconds: f64) -> Snapshot {
        let (sin, cos) = (std::f64::consts::TAU * self.turn_hz * seconds).sin_cos();
        let waves = self.waves.iter().map(|wave| {
            let [x, y, z] = wave.vector;
            // A field that turns westward is, at a fixed place, one whose waves are turned so.
            let vector = [cos * x + sin * y, cos * y - sin * x, z].map(|part| part as f32);
            let phase = (wave.phase + wave.frequency_hz * seconds).rem_euclid(1.0) as f32;
            (vector, phase, wave.amplitude)
        });
        Snapshot {
            waves: waves.collect(),
        }
    }
}

/// A field at one moment: wave vectors, phases in turns, amplitudes.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    waves: Vec<([f32; 3], f32, f32)>,
}

/// Places in units of the Earth's radius, one slice per axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places<'a> {
    pub x: &'a [f32],
    pub y: &'a [f32],
    pub z: &'a [f32],
}

impl Snapshot {
    /// Adds the field's value at every place.
    pub(super) fn add(&self, places: Places<'_>, out: &mut [f32]) {
        for &([kx, ky, kz], phase, amplitude) in &self.waves {
            let at = places.x.iter().zip(places.y).zip(places.z);
            for (out, ((x, y), z)) in out.iter_mut().zip(at) {
                *out += amplitude * sine_of_turns(kx * x + ky * y + kz * z + phase);
            }
        }
    }
}

/// The sine of that many turns, to 0.1 %: a parabola, corrected. Written so that the compiler makes vectors of it.
fn sine_of_turns(turns: f32) -> f32 {
    // Adding and taking away 1.5 * 2^23 rounds to the nearest whole number.
    const ROUND: f32 = 12_582_912.0;
    let part = turns - ((turns + ROUND) - ROUND);
    let parabola = part * (8.0 - 16.0 * part.abs());
    parabola * (0.775 + 0.225 * parabola.abs())
}

/// A unit vector in any direction.
fn direction(stream: Stream) -> [f64; 3] {
    let z = 2.0 * stream.uniform(0) - 1.0;
    let (sin, cos) = (std::f64::consts::TAU * stream.uniform(1)).sin_cos();
    let level = (1.0 - z * z).sqrt();
    [level * cos, level * sin, z]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_sine_is_a_sine() {
        for step in -10_000..10_000_i16 {
            let turns = f32::from(step) * 0.001_7;
            let expected = (f64::from(turns) * std::f64::consts::TAU).sin();
            assert!(
                (f64::from(sine_of_turns(turns)) - expected).abs() < 1.2e-3,
                "{turns}"
            );
        }
    }

    #[test]
    fn a_field_has_the_deviation_asked_for() {
        let motion = Motion::Drift(0.05);
        let spectrum = Spectrum {
            count: 40,
            wavelengths_km: (30.0, 800.0),
            slope: 1.5,
            deviation: 0.1,
            motion,
        };
        let field = Field::new(spectrum, Stream::new(3));
        let numbers = |axis| {
            (0..20_000)
                .map(|i| Stream::new(5).of(i).uniform(axis) as f32)
                .collect::<Vec<_>>()
        };
        let (x, y, z) = (numbers(0), numbers(1), numbers(2));
        let mut values = vec![0.0; x.len()];
        field.at(7e8).add(Places { x: &x, y: &y, z: &z }, &mut values);
        let variance =
            values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum::<f64>() / values.len() as f64;
        assert!((variance.sqrt() - 0.1).abs() < 0.01, "{}", variance.sqrt());
    }
}
