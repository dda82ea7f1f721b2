//! The structure of a complete granule of every ingested product: dimensions, variables in file order, attributes
//! with their netCDF kinds, packing, chunks and filters.
//!
//! It lies in the text tables beside this file, one per family of products. Where a table states what was never
//! seen in a file, the table says so.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::chunking::default_chunks;
use crate::{Dimension, ErrorKind, GroupMeta, Product, Schema};

mod table;
#[cfg(test)]
mod tests;

/// The structure of a complete granule of one product in one schema.
#[derive(Clone, Debug, PartialEq)]
pub struct GranuleStructure {
    /// Product.
    pub product: Product,
    /// Schema.
    pub schema: Schema,
    /// The granule: dimensions, groups, variables and attributes as the producer writes them. Sizes that vary are
    /// those of one real granule; attributes that vary hold an empty text or 0.
    pub root: GroupMeta,
    /// Paths of the groups that hold the swath: `[""]`, or `["left", "right"]`.
    pub swath_groups: Vec<String>,
    /// Number of lines where it is the same in every granule.
    pub fixed_lines: Option<usize>,
    /// Names of the global attributes that differ from granule to granule.
    pub varying_attributes: Vec<String>,
    /// Chunk lengths of the variables with that many dimensions, where they are not netCDF's default.
    chunks: Option<Vec<usize>>,
}

/// There is no variable of that name in the structure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{product} of schema {schema} has no variable {name:?}{hint}")]
pub struct UnknownVariable {
    /// Product.
    pub product: Product,
    /// Schema.
    pub schema: Schema,
    /// What was asked for.
    pub name: String,
    /// The nearest name, as the end of the sentence.
    pub hint: String,
}

impl UnknownVariable {
    /// The stable code of this failure.
    pub const fn kind(&self) -> ErrorKind {
        ErrorKind::InvalidArgument
    }
}

/// The structure of the granules of `product` in `schema`; `None` for what is not ingested.
pub fn granule_structure(product: Product, schema: &Schema) -> Option<&'static GranuleStructure> {
    STRUCTURES
        .iter()
        .find(|structure| structure.product == product && structure.schema == *schema)
}

/// All structures, in the order of the tables.
pub fn granule_structures() -> &'static [GranuleStructure] {
    &STRUCTURES
}

macro_rules! table {
    ($name:literal) => {
        include_str!(concat!("granule_structure/tables/", $name, ".txt"))
    };
}

/// The tables are part of the program, and a test parses them all: a mistake in one is found before release.
static STRUCTURES: LazyLock<Vec<GranuleStructure>> = LazyLock::new(|| {
    let read = |(name, text): &(&str, &str)| match table::parse(text) {
        Ok(structures) => structures,
        Err(error) => panic!("table {name}: {error}"),
    };
    TABLES.iter().flat_map(read).collect()
});

const TABLES: [(&str, &str); 4] = [
    ("l2_2km", concat!(table!("l2_common"), table!("l2_2km"))),
    (
        "l2_unsmoothed",
        concat!(table!("l2_common"), table!("l2_unsmoothed")),
    ),
    ("l3_v1", table!("l3_v1")),
    ("l3", table!("l3")),
];

/// Variables that place every other one; [`GranuleStructure::lean`] keeps them.
const COORDINATES: [&str; 3] = ["time", "latitude", "longitude"];

impl GranuleStructure {
    /// The same granule with another size of a dimension: `num_nadir`, `num_lines` (in every group), or
    /// `left/num_lines` (in one). Chunks follow the size, as they do in real files.
    #[must_use]
    pub fn with_dimension(mut self, path: &str, size: usize) -> Self {
        let (group, name) = path
            .rsplit_once('/')
            .map_or((None, path), |(group, name)| (Some(group), name));
        let resize = |dimensions: &mut Vec<Dimension>| {
            for dimension in dimensions.iter_mut().filter(|dimension| dimension.name == name) {
                dimension.size = size;
            }
        };
        if group.is_none() {
            resize(&mut self.root.dimensions);
        }
        for inner in self
            .root
            .groups
            .iter_mut()
            .filter(|inner| group.is_none_or(|name| inner.name == name))
        {
            resize(&mut inner.dimensions);
        }
        self.lay_chunks();
        self
    }

    /// The same granule with only the coordinates (time, latitude, longitude) and the variables named, in file
    /// order, and the dimensions that they have.
    ///
    /// # Errors
    /// If it has no variable of one of the names.
    pub fn lean(mut self, names: &[&str]) -> Result<Self, UnknownVariable> {
        let known: Vec<&str> = self
            .swath_variables()
            .map(|variable| variable.name.as_str())
            .collect();
        if let Some(name) = names.iter().find(|name| !known.contains(name)) {
            let hint = crate::suggest::did_you_mean(name, known.iter().copied());
            let (product, schema) = (self.product, self.schema);
            return Err(UnknownVariable {
                product,
                schema,
                name: (*name).to_owned(),
                hint,
            });
        }
        let keep = |group: &mut GroupMeta| {
            group
                .variables
                .retain(|v| COORDINATES.contains(&v.name.as_str()) || names.contains(&v.name.as_str()));
            let GroupMeta {
                dimensions,
                variables,
                ..
            } = group;
            dimensions.retain(|dimension| variables.iter().any(|v| v.dimensions.contains(&dimension.name)));
        };
        keep(&mut self.root);
        self.root.groups.iter_mut().for_each(keep);
        Ok(self)
    }

    /// The variables of the first swath group (the others have the same ones).
    pub fn swath_variables(&self) -> impl Iterator<Item = &crate::VariableMeta> {
        let group = self.swath_groups.first().and_then(|path| self.root.group(path));
        group.into_iter().flat_map(|group| &group.variables)
    }

    /// Gives every variable the chunks that fit the present sizes.
    fn lay_chunks(&mut self) {
        let shapes: HashMap<String, Vec<usize>> = self
            .root
            .variable_paths()
            .into_iter()
            .filter_map(|path| self.root.shape(&path).map(|shape| (path, shape)))
            .collect();
        let chunks = self.chunks.as_deref();
        let lay = |prefix: &str, group: &mut GroupMeta| {
            for variable in &mut group.variables {
                let path = format!("{prefix}{}", variable.name);
                let Some(shape) = shapes.get(&path) else { continue };
                let lengths = match chunks.filter(|wanted| wanted.len() == shape.len()) {
                    Some(wanted) => wanted
                        .iter()
                        .zip(shape)
                        .map(|(length, size)| within(*length, *size))
                        .collect(),
                    None => default_chunks(variable.dtype, shape, &[]),
                };
                variable.storage.chunks = Some(lengths);
            }
        };
        lay("", &mut self.root);
        for group in &mut self.root.groups {
            let prefix = format!("{}/", group.name);
            lay(&prefix, group);
        }
    }
}

/// A chunk length within its dimension; 0 stands for the whole. Never 0, which HDF5 does not allow.
fn within(length: usize, size: usize) -> usize {
    if length == 0 {
        size.max(1)
    } else {
        length.clamp(1, size.max(1))
    }
}
