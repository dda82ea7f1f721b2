//! Where everything of a group lies: which arrays, which shapes, which chunks.
//!
//! ```text
//! /L2_LR_SSH_Basic/D/science            cycle_number, pass_number
//!   ssha_karin_2   [cycle, pass, line, pixel]   one chunk per granule
//!   time           [cycle, pass, line]
//!   latitude       [pass, line, pixel]          once per pass (fixed grids)
//!   granules/      state, version, … [cycle, pass], document [cycle, pass, byte]
//!     latitude     [cycle, pass, line, pixel]   of granules that lie otherwise than their pass
//! /virtual/L2_LR_SSH_Basic/D/science    the same of virtual granules: chunks that lie in their netCDF files
//! ```
//!
//! A layout follows from the structure of the product and the profile alone, both kept in the collection itself, so
//! later versions of karin read what this one wrote.

mod node;

use karin_core::{DType, GroupMeta, Phase, Product, Schema, VariableMeta};
use serde::{Deserialize, Serialize};

use crate::codec::{ChunkCodec, Profile};
use karin_core::fill::fill_bytes;
pub(crate) use node::{Node, NodeKind};

/// Version of the layout, in the attributes of every group.
pub const FORMAT_VERSION: u32 = 1;

/// Lines that products without a fixed grid are padded to: 20.5 blocks, more than any granule has.
pub const PADDED_LINES: usize = 83_968;

/// Lines of the Doppler grid of L2 Unsmoothed that it is padded to: an eighth.
const PADDED_DOPPLER_LINES: usize = PADDED_LINES / 8;

/// Lines of one chunk where a granule has more than [`WHOLE_LINES`].
const BLOCK_LINES: usize = 4096;

/// Lines up to which a granule is one chunk.
const WHOLE_LINES: usize = 16_384;

/// Entries of the one chunk of `cycle_number` and `pass_number`; written whole when the group is made, so that a
/// growing axis changes no chunk.
pub(crate) const AXIS_CHUNK: usize = 1024;

/// The name of the subgroup that holds facts about granules.
pub(crate) const GRANULES: &str = "granules";

/// The group that groups of virtual granules lie in.
const VIRTUAL: &str = "virtual";

/// What a group of a collection holds: granules of one product, one schema and one phase, copied or virtual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GroupKey {
    /// Product.
    pub product: Product,
    /// Baseline letter or major release.
    pub schema: Schema,
    /// Phase of the mission.
    pub phase: Phase,
    /// True if the values of its granules stay in the netCDF files.
    #[serde(default)]
    pub is_virtual: bool,
}

impl GroupKey {
    /// The key of a path such as `/L2_LR_SSH_Basic/D/science` or `/virtual/L2_LR_SSH_Basic/D/science`.
    pub fn parse(path: &str) -> Option<Self> {
        let path = path.trim_matches('/');
        let inside = path.strip_prefix(VIRTUAL).and_then(|rest| rest.strip_prefix('/'));
        let mut parts = inside.unwrap_or(path).split('/');
        let (product, schema, phase) = (parts.next()?, parts.next()?, parts.next()?);
        let phase = [Phase::CalVal, Phase::Science]
            .into_iter()
            .find(|known| known.name() == phase)?;
        let key = Self {
            product: Product::parse(product).ok()?,
            schema: Schema::parse(schema)?,
            phase,
            is_virtual: inside.is_some(),
        };
        parts.next().is_none().then_some(key)
    }

    /// The key of the group for the same granules, of which the other one is virtual.
    #[must_use]
    pub(crate) const fn beside(mut self) -> Self {
        self.is_virtual = !self.is_virtual;
        self
    }
}

/// `/L2_LR_SSH_Basic/D/science`: the path of the group.
impl std::fmt::Display for GroupKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_virtual {
            write!(formatter, "/{VIRTUAL}")?;
        }
        write!(formatter, "/{}/{}/{}", self.product, self.schema, self.phase)
    }
}

/// How often the values of a variable are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Once per granule.
    Granule,
    /// Once per pass, for all cycles: the coordinates of a fixed grid.
    Pass,
    /// Once per group: what no line dimension touches.
    Group,
}

/// Where one variable lies.
#[derive(Clone, Debug)]
pub(crate) struct ArrayLayout {
    /// Path in a granule: `time`, `left/time`.
    pub variable: String,
    /// Path of the array.
    pub array: String,
    /// Path of the array for granules that differ, of variables that are stored once.
    pub own_array: Option<String>,
    /// Type of a granule (`Char` lies as `uint8`).
    pub dtype: DType,
    pub placement: Placement,
    /// The product's dimensions.
    pub dimensions: Vec<String>,
    /// Their padded lengths.
    pub tail: Vec<usize>,
    /// Length of a chunk along the first of them.
    pub chunk_rows: usize,
    pub codec: ChunkCodec,
    /// One element that was never written.
    pub fill: Vec<u8>,
    /// True if its chunks lie in netCDF files.
    pub is_virtual: bool,
}

impl ArrayLayout {
    /// Padded length along the first of the product's dimensions.
    pub(crate) fn rows(&self) -> usize {
        self.tail.first().copied().unwrap_or(1)
    }

    /// Elements of one row.
    pub(crate) fn columns(&self) -> usize {
        self.tail.iter().skip(1).product()
    }

    /// Chunks along the first of the product's dimensions.
    pub(crate) fn blocks(&self) -> usize {
        self.rows().div_ceil(self.chunk_rows.max(1))
    }

    /// Coordinates of chunk `block`, of granule `cycle`, `pass`, in the array itself or in the own one.
    pub(crate) fn coordinates(&self, own: bool, cycle: u32, pass: u32, block: usize) -> Vec<u32> {
        let mut coordinates = match (self.placement, own) {
            (Placement::Granule, _) | (_, true) => vec![cycle, pass],
            (Placement::Pass, false) => vec![pass],
            (Placement::Group, false) => Vec::new(),
        };
        let leading = coordinates.len();
        coordinates.resize(leading + self.tail.len(), 0);
        if let Some(first) = coordinates.get_mut(leading) {
            *first = block as u32;
        }
        coordinates
    }
}

/// What is kept in the attributes of the facts group: all that a layout follows from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Blueprint {
    pub format: u32,
    pub profile: Profile,
    /// Lines of every granule, where the grid is fixed.
    pub fixed_lines: Option<usize>,
    /// Names of global attributes that differ from granule to granule.
    pub varying_attributes: Vec<String>,
    /// The canonical granule.
    pub structure: GroupMeta,
}

/// A dimension whose length differs between granules; its true length is a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CountedDimension {
    /// Path of the group that defines it (`""`, `left`).
    pub group: String,
    /// Its name: `num_nadir`.
    pub dimension: String,
    /// Name of the fact: `nadir_count`, `left_line_count`.
    pub fact: String,
}

/// The layout of a group.
#[derive(Clone, Debug)]
pub(crate) struct GroupLayout {
    pub key: GroupKey,
    pub blueprint: Blueprint,
    pub arrays: Vec<ArrayLayout>,
    pub counts: Vec<CountedDimension>,
}

impl GroupLayout {
    pub(crate) fn new(key: GroupKey, blueprint: Blueprint) -> Self {
        let mut layout = Self {
            key,
            arrays: Vec::new(),
            counts: Vec::new(),
            blueprint,
        };
        let structure = layout.blueprint.structure.clone();
        layout.add_group(&structure, "");
        for inner in &structure.groups {
            layout.add_group(inner, &inner.name);
        }
        layout
    }

    fn add_group(&mut self, group: &GroupMeta, path: &str) {
        for dimension in &group.dimensions {
            if self.padded(&dimension.name).is_some() {
                let word = dimension.name.trim_start_matches("num_").trim_end_matches('s');
                let prefix = if path.is_empty() {
                    String::new()
                } else {
                    format!("{path}_")
                };
                let fact = format!("{prefix}{word}_count");
                self.counts.push(CountedDimension {
                    group: path.to_owned(),
                    dimension: dimension.name.clone(),
                    fact,
                });
            }
        }
        for variable in &group.variables {
            if let Some(array) = self.array(group, path, variable) {
                self.arrays.push(array);
            }
        }
    }

    /// The length that a dimension is padded to, if granules differ in it.
    pub(crate) fn padded(&self, dimension: &str) -> Option<usize> {
        let lines = self.blueprint.fixed_lines.unwrap_or(PADDED_LINES);
        match dimension {
            "num_lines" | "num_nadir" => Some(lines),
            "num_doppler_miti_lines" => Some(PADDED_DOPPLER_LINES),
            _ => None,
        }
    }

    fn array(&self, group: &GroupMeta, path: &str, variable: &VariableMeta) -> Option<ArrayLayout> {
        let structure = &self.blueprint.structure;
        let tail = variable.dimensions.iter().map(|name| {
            let fixed = || {
                let own = group.dimensions.iter().find(|dimension| dimension.name == *name);
                own.map(|dimension| dimension.size)
                    .or_else(|| structure.dimension_from(path, name))
            };
            self.padded(name).or_else(fixed)
        });
        let tail: Vec<usize> = tail.collect::<Option<_>>()?;
        let by_line = variable.dimensions.iter().any(|name| self.padded(name).is_some());
        let coordinate = matches!(variable.name.as_str(), "latitude" | "longitude");
        let placement = match (by_line, coordinate && self.blueprint.fixed_lines.is_some()) {
            (false, _) => Placement::Group,
            (true, true) => Placement::Pass,
            (true, false) => Placement::Granule,
        };
        let rows = tail.first().copied().unwrap_or(1);
        let columns = tail.iter().skip(1).product();
        let in_file = self.chunk_rows_in_file(placement, variable, &tail);
        let chunk_rows = in_file.unwrap_or(if rows > WHOLE_LINES { BLOCK_LINES } else { rows });
        let mut codec = ChunkCodec::new(self.blueprint.profile, variable.dtype, chunk_rows, columns);
        if tail.len() != 2 {
            codec = codec.row_major();
        }
        if in_file.is_some() {
            let (shuffle, level) = (variable.storage.shuffle, variable.storage.deflate);
            codec = ChunkCodec::deflated(variable.dtype, chunk_rows, columns, shuffle, level.unwrap_or(1));
        }
        let inside = |folder: &str| {
            let parts = [
                self.key.to_string(),
                folder.to_owned(),
                path.to_owned(),
                variable.name.clone(),
            ];
            parts
                .iter()
                .filter(|part| !part.is_empty())
                .cloned()
                .collect::<Vec<_>>()
                .join("/")
        };
        Some(ArrayLayout {
            variable: if path.is_empty() {
                variable.name.clone()
            } else {
                format!("{path}/{}", variable.name)
            },
            array: inside(""),
            own_array: (placement != Placement::Granule).then(|| inside(GRANULES)),
            dtype: variable.dtype,
            placement,
            dimensions: variable.dimensions.clone(),
            tail,
            chunk_rows,
            codec,
            fill: fill_bytes(variable),
            is_virtual: in_file.is_some(),
        })
    }

    /// Lines of a chunk of the netCDF files, of variables of virtual granules whose chunks stay there: those that all
    /// granules have the same number of lines of. The others are small, and copied.
    fn chunk_rows_in_file(
        &self,
        placement: Placement,
        variable: &VariableMeta,
        tail: &[usize],
    ) -> Option<usize> {
        let by_line = variable
            .dimensions
            .first()
            .is_some_and(|name| name == "num_lines");
        let padded = variable
            .dimensions
            .iter()
            .skip(1)
            .any(|name| self.padded(name).is_some());
        let is_virtual = self.blueprint.profile == Profile::Virtual && self.blueprint.fixed_lines.is_some();
        if !(is_virtual && placement == Placement::Granule && by_line) || padded {
            return None;
        }
        let chunks = variable.storage.chunks.as_deref().unwrap_or(tail);
        let fits = chunks.len() == tail.len() && chunks.get(1..) == tail.get(1..);
        let rows = chunks.first().copied().filter(|rows| fits && *rows > 0);
        rows.or_else(|| tail.first().copied())
    }

    /// The array of the variable at `path`.
    pub(crate) fn find(&self, path: &str) -> Option<&ArrayLayout> {
        self.arrays.iter().find(|array| array.variable == path)
    }

    /// Path of the array that says whose coordinates a pass has.
    pub(crate) fn grid_state_path(&self) -> String {
        format!("{}/grid_state", self.granules_path())
    }

    /// Latitudes that all cycles of a pass share; `None` for products without a fixed grid.
    pub(crate) fn shared_latitude(&self) -> Option<&ArrayLayout> {
        self.find("latitude")
            .filter(|array| array.placement == Placement::Pass)
    }

    /// Path of the array of bounds of these latitudes.
    pub(crate) fn latitude_bounds_path(&self) -> String {
        format!("{}/latitude_bounds", self.granules_path())
    }

    /// Path of the subgroup with facts.
    pub(crate) fn granules_path(&self) -> String {
        format!("{}/{GRANULES}", self.key)
    }
}
