//! How far apart the samples of a swath are.

use karin_core::DatasetError;
use karin_engine::spacing::median;
use karin_engine::{Engine, Piece, Plan};

use crate::Error;

/// The swaths that spectra are taken of: the same in every granule of a plan.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Geometry {
    /// Distance between lines in kilometres, rounded to metres.
    pub(super) along_km: f64,
    /// Distance between pixels in kilometres, rounded to metres; NaN for tracks.
    pub(super) across_km: f64,
    /// Group and number of pixels of each swath.
    pub(super) swaths: Vec<(String, usize)>,
    /// Distance of each pixel from the nadir in metres, where the product says so.
    pub(super) cross_track: Vec<f64>,
}

impl Geometry {
    /// Of the first granule of a plan that can be read and has positions.
    pub(super) fn of(engine: &Engine<'_>, plan: &Plan, groups: &[String]) -> Result<Self, Error> {
        let mut failure = None;
        for piece in plan.pieces() {
            match Self::of_granule(engine, piece, groups) {
                Ok(Some(geometry)) => return Ok(geometry),
                Ok(None) => {}
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        Err(failure.map_or_else(
            || Error::option("spectrum", "no granule has positions from which distances follow"),
            Error::from,
        ))
    }

    fn of_granule(
        engine: &Engine<'_>,
        piece: &Piece,
        groups: &[String],
    ) -> Result<Option<Self>, DatasetError> {
        let mut own = Self {
            along_km: f64::NAN,
            across_km: f64::NAN,
            swaths: Vec::new(),
            cross_track: Vec::new(),
        };
        for group in groups {
            let (dataset, swath) = engine.swath_of(piece, group)?;
            let spacing = swath.spacing(dataset.as_ref())?;
            if own.swaths.is_empty() {
                own.along_km = spacing.along_km;
                own.across_km = spacing.across_km;
            }
            own.cross_track.extend(spacing.cross_track);
            own.swaths.push((group.clone(), swath.num_pixels));
        }
        let pixels: usize = own.swaths.iter().map(|(_, pixels)| pixels).sum();
        if own.cross_track.len() != pixels {
            own.cross_track.clear();
        }
        Ok((own.along_km > 0.0).then_some(own))
    }
}

/// Where lines are missing: index of the line behind, and how many.
///
/// Lines follow one another in equal times: a step of more than one and a half medians skips lines. The medians of
/// unknown times are NaN, and nothing is missing.
pub(super) fn missing_lines(times: &[f64]) -> Vec<(usize, usize)> {
    let steps = || times.windows(2).map(|pair| pair[1] - pair[0]);
    // The median lies between the least and the greatest: most passes are told by these.
    let positive = steps().filter(|step| *step > 0.0);
    let (least, greatest) = positive.fold((f64::INFINITY, 0.0_f64), |(least, greatest), step| {
        (least.min(step), greatest.max(step))
    });
    if greatest <= 1.5 * least {
        return Vec::new();
    }
    let Some(median) = median(steps().filter(|step| *step > 0.0)) else {
        return Vec::new();
    };
    let missing = steps().enumerate().filter(|(_, step)| *step > 1.5 * median);
    missing
        .map(|(index, step)| (index + 1, (step / median).round().min(1e9) as usize - 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_lines_are_counted_by_their_times() {
        assert_eq!(missing_lines(&[0.0, 1.0, 2.0, 5.0, 6.0, 7.0]), [(3, 2)]);
        assert_eq!(missing_lines(&[f64::NAN; 4]), []);
        assert_eq!(missing_lines(&[0.0, 1.0, f64::NAN, 3.0]), []);
    }
}
