//! The nouns of SWOT data, and nothing that reads a file.
//!
//! Scope: products and their granule structure, granule names and versions, cycles, passes and the orbit that
//! places them, variables with their packing and flags, selections with their boxes, polygons and times, and the
//! few traits through which the crates above meet ([`Dataset`], [`ByteSource`], [`Progress`]).
//! Not here: files, threads, HDF5, Zarr, object stores, science.
//!
//! ```text
//!   GranuleName ──> Product, Version, HalfOrbit ──> Phase ──> orbit (tracks, swath outlines, times)
//!   GroupMeta   ──> Dimension, VariableMeta ──> DType, Packing, Flags, AttrValue
//!   Selection   ──> cycles, passes, time, LonLatBox, Polygon, quality, variables
//!   Dataset     ──> a GroupMeta tree whose arrays can be read by Slab
//! ```

pub mod array;
pub mod attributes;
pub mod chunking;
pub mod counted;
pub mod dataset;
pub mod dtype;
pub mod error;
pub mod fill;
pub mod flags;
pub mod geo;
pub mod granule_name;
pub mod granule_structure;
pub mod half_orbit;
pub mod number;
pub mod number_list;
pub mod orbit;
pub mod packing;
pub mod pattern;
pub mod product;
pub mod quality;
pub mod resources;
pub mod selection;
pub mod shuffle;
pub mod source;
pub mod suggest;
pub mod time;
pub mod transpose;
pub mod version;

pub use array::{Array, Element, Slab, Values};
pub use attributes::{AttrValue, Attributes};
pub use counted::counted;
pub use dataset::{
    Count, Dataset, Dimension, FillMode, GroupMeta, Held, InOrder, RowBounds, Storage, StoredChunk,
    StoredChunks, VariableMeta,
};
pub use dtype::DType;
pub use error::{DatasetError, ErrorKind};
pub use flags::{Flag, FlagKind, FlagTable};
pub use geo::{LonLatBox, Polygon, Region, RegionError};
pub use granule_name::{GranuleName, NameError, ParsedName};
pub use granule_structure::{GranuleStructure, granule_structure};
pub use half_orbit::{CycleNumber, HalfOrbit, PassNumber, Phase};
pub use number::{Number, Packed};
pub use number_list::{NumberList, NumberListError};
pub use orbit::Orbit;
pub use packing::{Packing, PackingError};
pub use product::{Product, Schema, UnknownProduct};
pub use quality::{Gate, GateRule, QualityLevel, gate_of};
pub use resources::{NoProgress, Progress, Resources, Stop, WriteOptions};
pub use selection::{Crop, Layout, Nadir, Selection, SelectionBuilder, SelectionError, Side, VersionChoice};
pub use source::{Ahead, ByteSource, SourceError};
pub use time::{TimeRange, TimeUnits};
pub use version::{Processing, Version, VersionPattern};
