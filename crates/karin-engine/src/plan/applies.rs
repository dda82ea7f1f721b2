//! Options that cannot apply to what is selected. They would change nothing, so whoever gave one means something else:
//! it is said.

use karin_core::{Crop, GroupMeta, Nadir, Product, Selection, Side};

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
