//! The sea, the air and the ground that a simulation looks at: the same for every cycle, pass and product of a seed.

use super::random::Stream;
use super::waves::{Field, Motion, Spectrum};

/// The fields of a simulated world.
#[derive(Debug)]
pub(super) struct World {
    /// Sea level anomaly, metres: eddies and fronts that drift westward.
    pub sea_level: Field,
    /// How energetic the sea is, as a factor's logarithm.
    pub energy: Field,
    /// Geoid height, metres.
    pub geoid: Field,
    /// Mean dynamic topography, metres.
    pub mean_dynamic_topography: Field,
    /// Ocean tide, metres.
    pub ocean_tide: Field,
    /// Internal tide, metres.
    pub internal_tide: Field,
    /// Answer of the sea to the atmosphere, metres.
    pub pressure: Field,
    /// Significant wave height, metres, less its mean.
    pub waves: Field,
    /// Wind components, m/s.
    pub wind: [Field; 2],
    /// Wet delay, metres, less its mean.
    pub vapour: Field,
    /// It rains where this is high.
    pub rain: Field,
    /// Measurements are doubtful where this is high.
    pub trouble: Field,
    /// What cross-over calibration leaves, metres.
    pub residual: Field,
    /// Everything random that is no field.
    pub stream: Stream,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let stream = Stream::new(seed);
        let field = |name: &str, count, wavelengths_km, slope, deviation, motion| {
            let spectrum = Spectrum {
                count,
                wavelengths_km,
                slope,
                deviation,
                motion,
            };
            Field::new(spectrum, stream.named(name))
        };
        let weather = |name, deviation| field(name, 12, (400.0, 5000.0), 1.0, deviation, Motion::Drift(8.0));
        Self {
            sea_level: field("sea level", 40, (25.0, 900.0), 1.5, 0.08, Motion::Drift(0.05)),
            energy: field("energy", 8, (2000.0, 9000.0), 0.5, 0.5, Motion::Still),
            geoid: field("geoid", 28, (120.0, 15_000.0), 2.0, 28.0, Motion::Still),
            mean_dynamic_topography: field("topography", 10, (500.0, 12_000.0), 1.5, 0.5, Motion::Still),
            ocean_tide: field("tide", 8, (2500.0, 9000.0), 0.5, 0.35, Motion::Period(12.420_6)),
            internal_tide: field(
                "internal tide",
                8,
                (120.0, 200.0),
                0.0,
                0.012,
                Motion::Period(12.420_6),
            ),
            pressure: field("pressure", 10, (1500.0, 6000.0), 0.5, 0.08, Motion::Drift(8.0)),
            waves: weather("waves", 0.9),
            wind: [weather("eastward wind", 5.0), weather("northward wind", 4.0)],
            vapour: weather("vapour", 0.05),
            rain: field("rain", 16, (60.0, 2500.0), 0.3, 1.0, Motion::Drift(8.0)),
            trouble: field("trouble", 16, (60.0, 600.0), 0.0, 1.0, Motion::Drift(8.0)),
            residual: field("residual", 8, (1000.0, 8000.0), 0.5, 0.008, Motion::Drift(1.0)),
            stream,
        }
    }
}
