//! Values inside an area, granule by granule: what statistics, histograms, scatters and series are made of.

use karin::engine::{Engine, Part, Piece, Plan, SelectedPass};
use karin_core::HalfOrbit;
use rayon::prelude::*;

use crate::http::Ask;
use crate::http::problem::Problem;

/// Bytes of values that a thread holds at a time.
const SHARE: u64 = 64 << 20;

/// What was made of the granules of a plan: one item per granule, in their order. `fold` is given every part of a granule
/// that has something inside, in the order of lines.
///
/// # Errors
/// If nobody wants it any more. Granules that cannot be read leave nothing.
pub fn per_granule<T: Default + Send>(
    ask: &Ask<'_>,
    plan: &Plan,
    fold: impl Fn(&mut T, &SelectedPass) + Sync,
) -> Result<Vec<(Piece, T)>, Problem> {
    let resources = ask.viewer.archive().resources();
    let engine = Engine::new(plan, resources, ask.progress())?;
    ask.progress()
        .start("reading", plan.pieces().len() as u64, plan.stored_bytes());
    let of_granule = |piece: &Piece| {
        let mut total = T::default();
        let parts = engine
            .parts(piece, |swath| engine.lines_within(swath, SHARE))
            .unwrap_or_default();
        for part in &parts {
            if engine.check().is_err() {
                break;
            }
            if let Some(pass) = selected(&engine, part) {
                fold(&mut total, &pass);
            }
        }
        ask.progress().advance(1, 0);
        (*piece, total)
    };
    let found = engine.install(|| plan.pieces().par_iter().map(of_granule).collect());
    engine.check()?;
    Ok(found)
}

fn selected(engine: &Engine<'_>, part: &Part) -> Option<SelectedPass> {
    match engine.select_part(part) {
        Ok(selected) => selected,
        Err(error) => {
            if let karin::engine::EngineError::Dataset(error) = &error {
                engine.fail(&part.piece, error);
            }
            None
        }
    }
}

/// The true values of the variable at that place of the plan, with the line, pixel and line's number among those kept:
/// only pixels inside, only values that are there.
pub fn values(pass: &SelectedPass, variable: usize) -> impl Iterator<Item = (usize, usize, f64)> + '_ {
    let width = pass.swath.num_pixels;
    let decoded = pass
        .variables
        .get(variable)
        .map(karin::engine::SelectedVariable::decoded)
        .unwrap_or_default();
    let is_wide = decoded.len() == pass.lines.len() * width;
    (0..pass.lines.len() * width).filter_map(move |at| {
        let (line, pixel) = (at / width, at % width);
        let index = if is_wide { at } else { line };
        let value = decoded
            .get(index)
            .copied()
            .filter(|value| value.is_finite() && pass.keeps(line, pixel))?;
        Some((line, pixel, value))
    })
}

/// Cycle and pass of a granule; those without have none.
pub fn half_orbit(piece: &Piece) -> HalfOrbit {
    piece.half_orbit.unwrap_or(HalfOrbit::new(0, 0))
}
