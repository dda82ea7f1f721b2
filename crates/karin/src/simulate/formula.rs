//! What every variable of every product holds, as a formula of a place in a scene.

mod heights;
mod level3;
mod platform;
mod surface;

use karin_core::VariableMeta;
use karin_core::flags::FlagTable;

use super::scene::{Scene, Spot};

/// The value of a variable at a place, unpacked; NaN where there is none.
pub(super) type Formula<'a> = Box<dyn Fn(&Spot) -> f64 + Send + Sync + 'a>;

/// The formula of a variable. One that no formula is known for gets a plausible smooth field of its valid range.
pub(super) fn of<'a>(scene: &'a Scene, variable: &'a VariableMeta) -> Formula<'a> {
    let known = heights::formula(scene, variable)
        .or_else(|| surface::formula(scene, variable))
        .or_else(|| platform::formula(scene, variable))
        .or_else(|| level3::formula(scene, variable));
    known.unwrap_or_else(|| anything(scene, variable))
}

/// Wraps a formula.
fn boxed<'a>(formula: impl Fn(&Spot) -> f64 + Send + Sync + 'a) -> Option<Formula<'a>> {
    Some(Box::new(formula))
}

/// A formula that has values wherever a line has any data.
fn on_lines<'a>(scene: &'a Scene, formula: impl Fn(&Spot) -> f64 + Send + Sync + 'a) -> Option<Formula<'a>> {
    boxed(move |spot| {
        if scene.is_missing(spot) {
            f64::NAN
        } else {
            formula(spot)
        }
    })
}

/// A formula that has values only where KaRIn measures.
fn measured<'a>(scene: &'a Scene, formula: impl Fn(&Spot) -> f64 + Send + Sync + 'a) -> Option<Formula<'a>> {
    boxed(move |spot| {
        if scene.is_measured(spot) {
            formula(spot)
        } else {
            f64::NAN
        }
    })
}

fn anything<'a>(scene: &'a Scene, variable: &'a VariableMeta) -> Formula<'a> {
    let number = |name: &str| variable.attributes.number(name);
    let is_flag = FlagTable::of(variable).is_some();
    let scale = number("scale_factor").unwrap_or(1.0);
    let range = number("valid_min").zip(number("valid_max"));
    let (low, high) = range.map_or((0.0, 1.0), |(low, high)| (low * scale, high * scale));
    Box::new(move |spot| match (scene.is_measured(spot), is_flag) {
        (false, _) => f64::NAN,
        (true, true) => 0.0,
        // A range may be wide beyond use: what is small in it is nearer to what is usual.
        (true, false) => {
            let part = 0.5 + 0.1 * f64::from(scene.pressure.at(spot.line, spot.pixel));
            low + (high - low) * part
        }
    })
}

/// The bit that only heights corrected by the radiometer have.
pub(super) const RADIOMETER_BIT: u32 = super::scene::bits::RADIOMETER_CORR_MISSING;
