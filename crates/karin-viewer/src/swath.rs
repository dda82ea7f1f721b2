//! Passes as pictures need them: where cells lie on the map, and their values at several resolutions.
//!
//! ```text
//!   granule ──> places (Web Mercator, level 0) ──> means of 2^L x 2^L cells (levels 1 to 6)
//!           ──> values (level 0)               ──> means, extremes or last ones of the same cells
//! ```

mod level;
mod mesh;
mod places;
mod values;

pub use level::Level;
pub use mesh::Mesh;
pub use places::{Block, MAP, NOWHERE, Places, mercator};
pub use values::{Cells, Kept};
