//! What the variables of one granule tell while they are encoded: where their chunks lie, which values they share with
//! other granules, when and where the granule was.

use std::collections::HashMap;

use icechunk::format::manifest::ChunkPayload;
use karin_core::GranuleName;

use super::geometry::{self, Column, Guide};
use super::granule::{Fitted, Refusal};
use super::shared::Claim;
use crate::layout::GroupLayout;

/// What the variables of a granule told on their way.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) chunks: Vec<(usize, u32, ChunkPayload)>,
    pub(super) claims: Vec<Claim>,
    pub(super) times: Option<(f64, f64)>,
    /// Guiding columns by variable, until both coordinates are there and checked.
    pub(super) columns: HashMap<String, (f64, Vec<f64>)>,
    /// True if the grid is not that which the pass has, and was checked when it was stored.
    pub(super) is_new_grid: bool,
}

impl Gathered {
    /// Checks the coordinates that are complete.
    pub(super) fn check_geometry(
        &mut self,
        name: &GranuleName,
        layout: &GroupLayout,
        fitted: &Fitted,
    ) -> Result<(), Refusal> {
        let fixed = layout.blueprint.fixed_lines.is_some();
        for (group, _) in &fitted.landings {
            let prefix = if group.is_empty() {
                String::new()
            } else {
                format!("{group}/")
            };
            let (latitude, longitude) = (format!("{prefix}latitude"), format!("{prefix}longitude"));
            if !(self.columns.contains_key(&latitude) && self.columns.contains_key(&longitude)) {
                continue;
            }
            let mut take = |path: &str| self.columns.remove(path).unwrap_or_default();
            let ((shift_m, latitudes), (_, longitudes)) = (take(&latitude), take(&longitude));
            let column = Column {
                shift_m,
                longitudes,
                latitudes,
            };
            if !fixed || self.is_new_grid {
                geometry::check(layout.key.phase, name.half_orbit, Guide::of(group), &column)?;
            }
        }
        Ok(())
    }
}
