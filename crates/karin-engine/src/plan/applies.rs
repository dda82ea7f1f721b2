//! Options that cannot apply to what is selected. They would change nothing, so whoever gave one means something else:
//! it is said.

use karin_core::{Crop, GroupMeta, Nadir, Product, Selection, Side};
use karin_science::Height;

use super::Plan;
use crate::EngineError;
use crate::swath::{Swath, has_clipped_nadir};

/// Groups that hold one side of the swath.
const SIDES: [&str; 2] = ["left", "right"];

/// Checks that sides, nadir values and a region are there where an option speaks of them. `roots`: a structure of each
/// schema that is selected.
///
/// # Errors
/// If none of the structures has what an option chooses from.
pub(super) fn check(
    selection: &Selection,
    roots: &[&GroupMeta],
    product: Option<Product>,
) -> Result<(), EngineError> {
    let name = product.map_or_else(|| "the file".to_owned(), |product| product.to_string());
    let has = |holds: &dyn Fn(&GroupMeta, &Swath) -> bool| {
        let in_root = |root: &GroupMeta| Swath::of(root, Side::Both).iter().any(|swath| holds(root, swath));
        roots.is_empty() || roots.iter().any(|root| in_root(root))
    };
    if selection.side != Side::Both && !has(&|_, swath| SIDES.contains(&swath.group.as_str())) {
        let reason = format!(
            "{name} has no group per side (250 m products of level 2 have); 'cross_track_distance < 0' in --where keeps the left \
             of swaths that have such distances"
        );
        return Err(EngineError::option(&format!("--side {}", selection.side), reason));
    }
    if selection.nadir == Nadir::Only && !has(&|root, swath| has_clipped_nadir(root, swath, product)) {
        let reason =
            format!("{name} holds no values of the nadir altimeter in its swath (L3 SSH products do)");
        return Err(EngineError::option("--nadir only", reason));
    }
    if selection.crop == Crop::Lines && selection.region.is_none() {
        let reason = "there is neither --bbox nor --polygon that lines could touch";
        return Err(EngineError::option("--crop lines", reason));
    }
    Ok(())
}

impl Plan {
    /// Checks that `--from` and `--method` have something to say: that the variables, lets or conditions of the plan name a
    /// quantity that derives from the heights around a pixel. Searches for eddies and fronts take both for themselves.
    ///
    /// # Errors
    /// If one of them was given, and changes nothing.
    pub fn check_derivation(&self) -> Result<(), EngineError> {
        let selection = &self.selection;
        let (from, method) = (selection.from.as_deref(), selection.method.as_deref());
        let option = match (from, method) {
            (Some(height), _) => format!("--from {height}"),
            (None, Some(words)) => format!("--method {words}"),
            (None, None) => return Ok(()),
        };
        let root = &self.structure;
        let groups = self.swaths.iter().filter_map(|swath| root.group(&swath.group));
        let heights: Vec<Height> = groups.flat_map(|group| self.formulas.heights(group)).collect();
        if heights.is_empty() {
            let reason = "nothing that is asked for derives from a height, as u_geo and vorticity_over_f do (docs/diagnostics \
                          lists them): name such a quantity, or leave the option away";
            return Err(EngineError::option(&option, reason));
        }
        if from.is_some() && heights.iter().all(|height| *height == Height::Absolute) {
            let reason = "what is asked for derives from adt, whatever the option says: take u_geo, v_geo, speed or eke, which \
                          derive from any height, or leave the option away";
            return Err(EngineError::option(&option, reason));
        }
        Ok(())
    }
}
