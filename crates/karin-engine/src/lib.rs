//! From a selection to an answer: plans, masks, expressions and mergeable reductions.
//!
//! Scope: what a selection needs from each granule, reading it in parallel inside a memory budget, deriving and
//! masking block by block, and reducing it to states that merge; the same for granule files and collections.
//! Not here: parsing of names and selections (`karin-core`), formats of files and stores, drawing, writing outputs.
#![forbid(unsafe_code)]

pub mod expression;
