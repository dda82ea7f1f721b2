//! What one pixel gives, product by product: the expressions of `ssha`, `adt` and heights with corrections taken back.

use karin_core::GroupMeta;

use super::has;
use crate::expression::{Expression, Let};

/// What derived quantities of one pixel are called in labels and titles.
pub(super) const LONG_NAMES: [(&str, &str); 7] = [
    ("ssha", "sea surface height anomaly"),
    (
        "ssha_calibrated",
        "sea surface height anomaly, calibrated across the swath",
    ),
    ("ssha_filtered", "sea surface height anomaly, filtered"),
    ("adt", "absolute dynamic topography"),
    (
        "ssha_uncalibrated",
        "sea surface height anomaly without cross-over calibration",
    ),
    (
        "ssha_uncorrected",
        "sea surface height anomaly with atmosphere and tides",
    ),
    ("sigma0_db", "normalized radar cross section"),
];

/// Name, expression and inputs. Corrections were subtracted, so they are added; L3 says of its calibration that the
/// uncorrected anomaly is the anomaly less it. Values of sigma0 are linear, not decibels (attributes of the products).
const TAKEN_BACK: [(&str, &str, &[&str]); 7] = [
    ("ssha_uncalibrated", "ssha_karin_2", &["ssha_karin_2"]),
    (
        "ssha_uncalibrated",
        "ssha - calibration",
        &["ssha", "calibration"],
    ),
    (
        "ssha_uncorrected",
        "ssha + dac + ocean_tide + internal_tide",
        &["ssha", "dac", "ocean_tide", "internal_tide"],
    ),
    (
        "ssha_uncorrected",
        "ssha + dac + ocean_tide",
        &["ssha", "dac", "ocean_tide"],
    ),
    (
        "ssha_uncorrected",
        "ssha + dac + ocean_tide_fes + internal_tide_hret",
        &["ssha", "dac", "ocean_tide_fes", "internal_tide_hret"],
    ),
    ("sigma0_db", "10 * log10(sigma0)", &["sigma0"]),
    ("sigma0_db", "10 * log10(sig0_karin_2)", &["sig0_karin_2"]),
];

/// The anomaly calibrated against itself, across the swath.
pub(super) const CALIBRATED: (&str, &str) = ("ssha_calibrated", "calibrate(ssha)");

/// The derived quantities that one pixel of a group of variables gives, each only where the product does not have it
/// itself: `ssha`, `ssha_filtered`, `adt`; heights with corrections taken back (`ssha_uncalibrated` without the
/// cross-over calibration, `ssha_uncorrected` with atmosphere and tides); `sigma0_db`. `ssha_calibrated` alone needs the lines
/// around.
pub fn built_in(group: &GroupMeta) -> Vec<Let> {
    let has = |name: &str| has(group, name);
    let mut found = Vec::new();
    let mut define = |name: &str, text: &str| {
        if let Ok(definition) = Expression::parse(text).and_then(|expression| Let::new(name, expression)) {
            found.push(definition);
        }
    };
    let mut has_ssha = has("ssha");
    if !has_ssha {
        let text = if has("ssha_karin_2") && has("height_cor_xover") {
            Some("ssha_karin_2 + height_cor_xover")
        } else if has("ssha_unfiltered") {
            Some("ssha_unfiltered")
        } else if has("ssh_karin_2") && has("mean_sea_surface_cnescls") && !has("ssha_karin_2") {
            Some("ssh_karin_2 - mean_sea_surface_cnescls")
        } else {
            None
        };
        if let Some(text) = text {
            define("ssha", text);
            has_ssha = true;
        }
    }
    if !has("ssha_filtered") && has("ssha_noiseless") {
        define("ssha_filtered", "ssha_noiseless");
    }
    if !has("adt") && has("mdt") && has_ssha {
        define("adt", "ssha + mdt");
    }
    for (name, text, inputs) in TAKEN_BACK {
        let is_known = |input: &&str| has(input) || (*input == "ssha" && has_ssha);
        if inputs.iter().all(is_known) && !has(name) {
            define(name, text);
        }
    }
    if has_ssha && !has(CALIBRATED.0) {
        define(CALIBRATED.0, CALIBRATED.1);
    }
    // Of one name, whose ways stand side by side, the first that the product allows.
    found.dedup_by(|later, earlier| later.name == earlier.name);
    found
}
