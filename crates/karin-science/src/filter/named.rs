//! Filters by the names that expressions know: `gaussian(ssha, 20)`.

use std::fmt;

use super::{
    Band, Butterworth, DiffusionOptions, Gaps, Separable, VariationalOptions, boxcar, butterworth, diffuse,
    fill_nadir_gap, filter, gaussian, median, savitzky_golay, variational,
};
use crate::calibration::{Calibration, CalibrationOptions, Robust, Sides};
use crate::{Extent, Refused};

/// How far apart the samples of a swath are, which turns kilometres into lines and pixels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spacing {
    /// Kilometres from line to line.
    pub along_km: f64,
    /// Kilometres from pixel to pixel; NaN for tracks without width.
    pub across_km: f64,
    /// Metres from the nadir to each pixel, negative on the left; empty where nothing says so.
    pub cross_track: Vec<f64>,
}

/// A filter by name, with its numbers and words; lengths are in kilometres.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    name: &'static str,
    kind: Kind,
    gaps: Gaps,
    /// What follows the field in its text.
    options: String,
}

#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Gaussian([f64; 2]),
    Boxcar([f64; 2]),
    Lanczos(Band),
    Median([usize; 2]),
    Butterworth {
        band: Band,
        order: usize,
    },
    SavitzkyGolay {
        half: usize,
        degree: usize,
    },
    Diffusion {
        km: f64,
        steepness: Option<f64>,
    },
    Variational {
        km: f64,
        order: i32,
    },
    FillNadir {
        km: f64,
    },
    Calibrate {
        degree: usize,
        window_km: f64,
        sides: Sides,
        robust: Robust,
        answer: Answer,
    },
}

/// What of a calibration is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    Calibrated,
    Error,
    /// Bias, tilt or quadratic.
    Coefficient(usize),
}

/// Name, what follows the field, least and most numbers, words.
type Row = (&'static str, &'static str, usize, usize, &'static [&'static str]);

const FILL: &[&str] = &["fill"];
const TABLE: [Row; 13] = [
    ("gaussian", "sigma_km[, sigma_km_across]", 1, 2, FILL),
    ("boxcar", "km[, km_across]", 1, 2, FILL),
    ("lowpass", "km", 1, 1, FILL),
    ("lanczos", "km", 1, 1, FILL),
    ("highpass", "km", 1, 1, &[]),
    ("bandpass", "shorter_km, longer_km", 2, 2, &[]),
    ("median", "lines[, pixels]", 1, 2, FILL),
    ("butterworth", "km[, order]", 1, 2, &[]),
    ("savgol", "lines, degree", 2, 2, FILL),
    ("diffusion", "sigma_km[, steepness]", 1, 2, &[]),
    ("variational", "km[, order]", 1, 2, FILL),
    ("fill_nadir", "[widest_km]", 0, 1, &[]),
    (
        "calibrate",
        "[degree[, window_km]]",
        0,
        2,
        &["together", "clip", "error", "bias", "tilt", "quadratic"],
    ),
];

/// Longest standard deviation of [`diffuse`] in pixels: its steps grow with the square.
const WIDEST_DIFFUSION: f64 = 60.0;

impl Filter {
    /// Every name.
    pub fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|row| row.0)
    }

    /// The filter of that name with the numbers and words that follow the field, such as `20` and `fill`.
    ///
    /// # Errors
    /// If the name is none, or it does not take these.
    pub fn new(name: &str, numbers: &[f64], words: &[&str]) -> Result<Self, Refused> {
        let Some((name, usage, least, most, known)) = TABLE.into_iter().find(|row| row.0 == name) else {
            return Err(Refused::new("filter", format!("no filter `{name}`")));
        };
        let refused = |reason: String| {
            let comma = if usage.starts_with('[') { "" } else { ", " };
            let words = known.iter().map(|word| format!("[, {word}]")).collect::<String>();
            Refused::new(
                name,
                format!("{reason}; it is written {name}(field{comma}{usage}{words})"),
            )
        };
        if let Some(word) = words.iter().find(|word| !known.contains(word)) {
            return Err(refused(format!("`{word}` is none of its words")));
        }
        if !(least..=most).contains(&numbers.len()) {
            let count = numbers.len();
            return Err(refused(format!(
                "expected {least} to {most} numbers behind the field, found {count}"
            )));
        }
        let kind = kind(name, numbers, words).map_err(refused)?;
        let numbers = numbers.iter().map(|number| format!(", {number}"));
        let words_text = words.iter().map(|word| format!(", {word}"));
        Ok(Self {
            name,
            kind,
            gaps: if words.contains(&"fill") {
                Gaps::Filled
            } else {
                Gaps::Kept
            },
            options: numbers.chain(words_text).collect(),
        })
    }

    /// Lines needed before and after those wanted, so that these come out as if the whole pass were there; `None`: the
    /// whole pass is needed.
    ///
    /// # Errors
    /// If its lengths make no sense at this spacing.
    pub fn reach(&self, spacing: &Spacing) -> Result<Option<usize>, Refused> {
        Ok(match &self.kind {
            Kind::Gaussian(_) | Kind::Boxcar(_) | Kind::Lanczos(_) => {
                Some(self.kernel(spacing)?.half_along())
            }
            Kind::Median([lines, _]) => Some(*lines),
            // The last whole window serves the lines at the ends.
            Kind::SavitzkyGolay { half, .. } => Some(2 * half),
            Kind::Diffusion { km, .. } => Some(diffusion(*km, spacing)?.steps),
            Kind::FillNadir { .. } => Some(0),
            Kind::Butterworth { .. } | Kind::Variational { .. } | Kind::Calibrate { .. } => None,
        })
    }

    /// Bytes per pixel that it takes at its peak, beside the field and the result.
    pub fn bytes_per_pixel(&self) -> usize {
        8 * match &self.kind {
            Kind::Gaussian(_) | Kind::Boxcar(_) => 5,
            Kind::Lanczos(_) | Kind::Calibrate { .. } => 6,
            Kind::Median(_)
            | Kind::SavitzkyGolay { .. }
            | Kind::FillNadir { .. }
            | Kind::Butterworth { .. } => 1,
            Kind::Diffusion { .. } => 2,
            Kind::Variational { .. } => 12,
        }
    }

    /// True if what it gives has the units of what it is given.
    pub fn keeps_units(&self) -> bool {
        !matches!(
            self.kind,
            Kind::Calibrate {
                answer: Answer::Coefficient(1 | 2),
                ..
            }
        )
    }

    /// Filters a field of that extent, NaN where there is no value.
    ///
    /// # Errors
    /// If its lengths make no sense at this spacing, the swath has no nadir or no sides where they are needed, or it does
    /// not converge.
    pub fn apply(&self, field: &[f64], extent: Extent, spacing: &Spacing) -> Result<Vec<f64>, Refused> {
        match &self.kind {
            Kind::Gaussian(_) | Kind::Boxcar(_) | Kind::Lanczos(_) => {
                Ok(filter(field, extent, &self.kernel(spacing)?, self.gaps))
            }
            Kind::Median([lines, pixels]) => Ok(median(field, extent, (*lines, *pixels), self.gaps)),
            Kind::Butterworth { band, order } => {
                let design = Butterworth::new(*order, *band, spacing.along_km)?;
                Ok(butterworth(field, extent, &design))
            }
            Kind::SavitzkyGolay { half, degree } => {
                savitzky_golay(field, extent, (*half, *degree), self.gaps)
            }
            Kind::Diffusion { km, steepness } => {
                let mut options = diffusion(*km, spacing)?;
                options.steepness = *steepness;
                diffuse(field, extent, &options)
            }
            Kind::Variational { km, order } => {
                let weight = (km / spacing.along_km / std::f64::consts::TAU).powi(2 * order);
                let weight_of = |own: i32| if own == *order { weight } else { 0.0 };
                let options = VariationalOptions::new(weight_of(1), weight_of(2), weight_of(3));
                variational(field, extent, &options, self.gaps)?.ok_or_else(|| {
                    Refused::new("variational", "it does not converge: choose a shorter length")
                })
            }
            Kind::FillNadir { km } => fill_nadir(field, extent, *km, spacing),
            Kind::Calibrate { .. } => self.calibrate(field, extent, &spacing.cross_track, spacing.along_km),
        }
    }

    /// The kernels of those that are convolutions.
    fn kernel(&self, spacing: &Spacing) -> Result<Separable, Refused> {
        let Spacing {
            along_km, across_km, ..
        } = *spacing;
        // Tracks have no direction across.
        let samples = |km: [f64; 2]| {
            [
                km[0] / along_km,
                if across_km.is_nan() {
                    0.0
                } else {
                    km[1] / across_km
                },
            ]
        };
        match &self.kind {
            Kind::Gaussian(km) => {
                let [along, across] = samples(*km).map(gaussian);
                Separable::new(along, across)
            }
            Kind::Boxcar(km) => {
                let half = |samples: f64| boxcar(((samples - 1.0) / 2.0).round().max(0.0) as usize);
                let [along, across] = samples(*km).map(half);
                Separable::new(along, across)
            }
            Kind::Lanczos(band) => Separable::lanczos(*band, (along_km, across_km)),
            _ => Separable::new(vec![1.0], vec![1.0]),
        }
    }

    fn calibrate(
        &self,
        field: &[f64],
        extent: Extent,
        cross_track: &[f64],
        along_km: f64,
    ) -> Result<Vec<f64>, Refused> {
        let Kind::Calibrate {
            degree,
            window_km,
            sides,
            robust,
            answer,
        } = self.kind
        else {
            return Ok(field.to_vec());
        };
        if cross_track.len() != extent.num_pixels {
            return Err(Refused::new(
                "calibrate",
                "the swath has no cross_track_distance of its pixels",
            ));
        }
        let mut options = CalibrationOptions::new(degree)
            .with_sides(sides)
            .with_robust(robust);
        if window_km > 0.0 {
            options = options.with_window((window_km / along_km).round().max(2.0) as usize);
        }
        let fit = Calibration::fit(field, cross_track, extent, &options)?;
        Ok(match answer {
            Answer::Calibrated => fit.apply(field, cross_track, extent),
            Answer::Error => fit.error(cross_track, extent),
            Answer::Coefficient(power) => fit.coefficient(power, cross_track, extent),
        })
    }
}

/// What a name, its numbers and its words mean; else what is wrong.
fn kind(name: &str, numbers: &[f64], words: &[&str]) -> Result<Kind, String> {
    let number = |at: usize| numbers.get(at).copied();
    let length = |at: usize, or: f64| match number(at).unwrap_or(or) {
        km if km >= 0.0 && km.is_finite() => Ok(km),
        km => Err(format!("expected lengths from 0 km, found {km}")),
    };
    let both = |first: f64| Ok::<_, String>([first, length(1, first)?]);
    let count = |value: f64, from: usize, to: usize| {
        let is_one = value.fract() == 0.0 && (from as f64..=to as f64).contains(&value);
        is_one
            .then_some(value as usize)
            .ok_or_else(|| format!("expected a whole number from {from} to {to}, found {value}"))
    };
    let half = |value: f64| match count(value, 1, 9999)? {
        odd if odd % 2 == 1 => Ok(odd / 2),
        even => Err(format!("expected odd windows, found {even}")),
    };
    let first = number(0).unwrap_or(f64::NAN);
    Ok(match name {
        "gaussian" => Kind::Gaussian(both(length(0, 0.0)?)?),
        "boxcar" => Kind::Boxcar(both(length(0, 0.0)?)?),
        "lowpass" | "lanczos" => Kind::Lanczos(Band::Low(length(0, 0.0)?)),
        "highpass" => Kind::Lanczos(Band::High(length(0, 0.0)?)),
        "bandpass" => Kind::Lanczos(Band::Between(length(0, 0.0)?, length(1, 0.0)?)),
        "median" => Kind::Median([half(first)?, half(number(1).unwrap_or(first))?]),
        "butterworth" => Kind::Butterworth {
            band: Band::Low(length(0, 0.0)?),
            order: count(number(1).unwrap_or(4.0), 1, 12)?,
        },
        "savgol" => Kind::SavitzkyGolay {
            half: half(first)?,
            degree: count(number(1).unwrap_or(2.0), 0, 5)?,
        },
        "diffusion" => Kind::Diffusion {
            km: length(0, 0.0)?,
            steepness: number(1),
        },
        "variational" => Kind::Variational {
            km: length(0, 0.0)?,
            order: count(number(1).unwrap_or(2.0), 1, 3)? as i32,
        },
        "fill_nadir" => Kind::FillNadir { km: length(0, 30.0)? },
        _ => Kind::Calibrate {
            degree: count(number(0).unwrap_or(1.0), 0, 2)?,
            window_km: length(1, 1000.0)?,
            sides: if words.contains(&"together") {
                Sides::Together
            } else {
                Sides::Each
            },
            robust: if words.contains(&"clip") {
                Robust::Clip(3.0)
            } else {
                Robust::Huber(1.345)
            },
            answer: answer(words)?,
        },
    })
}

fn answer(words: &[&str]) -> Result<Answer, String> {
    let mut answers = words.iter().filter_map(|word| match *word {
        "error" => Some(Answer::Error),
        "bias" => Some(Answer::Coefficient(0)),
        "tilt" => Some(Answer::Coefficient(1)),
        "quadratic" => Some(Answer::Coefficient(2)),
        _ => None,
    });
    match (answers.next(), answers.next()) {
        (_, Some(_)) => Err("expected at most one of error, bias, tilt and quadratic".to_owned()),
        (one, None) => Ok(one.unwrap_or(Answer::Calibrated)),
    }
}

/// Steps of diffusion as a Gaussian of that standard deviation: `2 n t = σ²` in pixels.
fn diffusion(km: f64, spacing: &Spacing) -> Result<DiffusionOptions, Refused> {
    let sigma = km / spacing.along_km;
    if sigma.is_nan() || sigma > WIDEST_DIFFUSION {
        let most = WIDEST_DIFFUSION * spacing.along_km;
        let reason =
            format!("expected at most {most:.0} km at this spacing, found {km}: use gaussian or variational");
        return Err(Refused::new("diffusion", reason));
    }
    let steps = (sigma * sigma / 0.4).ceil().max(1.0);
    Ok(DiffusionOptions::new(steps as usize)
        .with_step((sigma * sigma / (2.0 * steps)).max(f64::MIN_POSITIVE)))
}

fn fill_nadir(field: &[f64], extent: Extent, km: f64, spacing: &Spacing) -> Result<Vec<f64>, Refused> {
    let distances = spacing.cross_track.iter().map(|metres| metres.abs()).enumerate();
    let nadir = distances.min_by(|a, b| a.1.total_cmp(&b.1));
    match nadir {
        Some((pixel, metres)) if metres < 1000.0 * spacing.across_km => {
            let reach = (0.5 * km / spacing.across_km).round() as usize;
            Ok(fill_nadir_gap(field, extent, pixel..pixel + 1, reach))
        }
        _ => Err(Refused::new(
            "fill_nadir",
            "the swath does not reach over the nadir",
        )),
    }
}

impl fmt::Display for Filter {
    /// With `_` for the field.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.of("_"))
    }
}

impl Filter {
    /// Its text with that field: `gaussian(ssha, 20)`.
    pub fn of(&self, field: &str) -> String {
        format!("{}({field}{})", self.name, self.options)
    }
}
