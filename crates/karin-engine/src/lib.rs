//! From a selection to an answer: plans, masks, expressions and mergeable reductions.
//!
//! Scope: what a selection needs from each granule, reading it in parallel inside a memory budget, deriving and
//! masking block by block, and reducing it to states that merge; the same for granule files and collections.
//! Not here: parsing of names and selections (`karin-core`), formats of files and stores, drawing, writing outputs.
#![forbid(unsafe_code)]

pub mod derive;
pub mod engine;
pub mod error;
pub mod execute;
pub mod expression;
mod fields;
mod load;
pub mod mask;
pub mod plan;
mod recent;
pub mod reduction;
mod region;
pub mod result;
mod rows;
pub mod selected;
pub mod source;
pub mod spacing;
pub mod swath;
mod true_values;

pub use engine::{Engine, Failure, Warm};
pub use error::EngineError;
pub use execute::{
    Passes, Report, merge_parts, reduce, reduce_passes, reduce_shared, reduce_to_memory, reduce_to_part,
};
pub use mask::Mask;
pub use plan::{Column, Piece, Plan};
pub use result::{MemoryDataset, SharedSink, Sink, Tally};
pub use selected::{Coordinate, Part, SelectedPass, SelectedVariable};
pub use source::{CollectionGranules, Entry, GranuleFiles, Source, Sources};
pub use swath::{Shape, Swath};
pub use true_values::StoredField;
