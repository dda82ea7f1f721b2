//! What a selection means for a source: which granules are read, and which variables of them. Pure: nothing is
//! read but the structure of one granule per schema.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use karin_core::{
    Dataset, GroupMeta, HalfOrbit, Product, Progress, Schema, Selection, VersionChoice, VersionPattern,
    counted,
};

use crate::EngineError;
use crate::derive::Formulas;
use crate::source::{Entry, Source};
use crate::swath::Swath;

mod applies;
mod choose;
mod variables;

pub use variables::Column;

/// One granule of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Index of the entry in the source.
    pub entry: usize,
    /// Cycle and pass; `None` for files that do not say.
    pub half_orbit: Option<HalfOrbit>,
    /// Schema, where it has one.
    pub schema: Option<Schema>,
}

/// What will be read, in the order of cycle, pass and name.
#[derive(Clone)]
pub struct Plan {
    source: Arc<dyn Source>,
    selection: Selection,
    product: Option<Product>,
    pieces: Vec<Piece>,
    columns: Vec<Column>,
    also: Vec<Column>,
    formulas: Formulas,
    swaths: Vec<Swath>,
    /// The structure that the first granule of the plan has.
    structure: GroupMeta,
}

impl Plan {
    /// Plans a selection of a source; one plan, or with `--version all` one per schema, oldest first. Granules whose
    /// structure cannot be read are told to `progress` and left to fail later.
    ///
    /// # Errors
    /// If nothing is selected, products mix, or a variable is unknown.
    pub fn new(
        source: Arc<dyn Source>,
        selection: &Selection,
        progress: &dyn Progress,
    ) -> Result<Vec<Self>, EngineError> {
        selection
            .validate()
            .map_err(|error| EngineError::option("selection", error.to_string()))?;
        let candidates = choose::candidates(source.as_ref(), selection)?;
        let product = choose::one_product(source.as_ref(), &candidates)?;
        let samples = choose::samples(source.as_ref(), &candidates, selection, progress)?;
        let groups: Vec<Vec<Piece>> = match &selection.version {
            VersionChoice::All => choose::per_schema(source.as_ref(), &candidates),
            VersionChoice::Best | VersionChoice::Matching(_) => {
                let holds = |schema: Option<Schema>| {
                    samples
                        .get(&schema)
                        .is_some_and(|root| variables::holds_all(&root.1, selection))
                };
                vec![choose::best(source.as_ref(), &candidates, holds)]
            }
        };
        let mut plans = Vec::new();
        for pieces in groups.into_iter().filter(|pieces| !pieces.is_empty()) {
            plans.push(Self::of_pieces(
                Arc::clone(&source),
                selection,
                product,
                pieces,
                &samples,
            )?);
        }
        if plans.is_empty() {
            let all = samples.values().map(|(_, root)| root);
            return Err(variables::unknown(selection, all, product));
        }
        Ok(plans)
    }

    fn of_pieces(
        source: Arc<dyn Source>,
        selection: &Selection,
        product: Option<Product>,
        pieces: Vec<Piece>,
        samples: &BTreeMap<Option<Schema>, (usize, GroupMeta)>,
    ) -> Result<Self, EngineError> {
        let present: Vec<&GroupMeta> = samples
            .iter()
            .filter(|(schema, _)| pieces.iter().any(|piece| piece.schema == **schema))
            .map(|(_, (_, root))| root)
            .collect();
        applies::check(selection, &present, product)?;
        let structure = present.last().map(|root| (*root).clone()).unwrap_or_default();
        let swaths = Swath::of(&structure, selection.side);
        let formulas = Formulas::new(selection)?;
        let of = variables::Columns {
            roots: &present,
            swaths: &swaths,
            formulas: &formulas,
            selection,
            product,
        };
        let (columns, also) = (of.wanted()?, of.also()?);
        Ok(Self {
            source,
            selection: selection.clone(),
            product,
            pieces,
            columns,
            also,
            formulas,
            swaths,
            structure,
        })
    }

    /// The same plan with only the granules at these positions: the variables, the structure and the choice of versions
    /// stay.
    pub fn only(&self, positions: impl IntoIterator<Item = usize>) -> Self {
        let pieces = positions.into_iter().filter_map(|at| self.pieces.get(at));
        Self {
            pieces: pieces.copied().collect(),
            ..self.clone()
        }
    }

    /// The same plan of one of the variables that it reads beside those asked for.
    #[must_use]
    pub fn of_also(&self, name: &str) -> Self {
        let is_it = |column: &&Column| column.name == name || column.path() == name;
        Self {
            columns: self.also.iter().filter(is_it).cloned().collect(),
            also: Vec::new(),
            ..self.clone()
        }
    }

    /// The source.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// The selection.
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// The product, if the granules are of one.
    pub fn product(&self) -> Option<Product> {
        self.product
    }

    /// True if all granules lie on the fixed grid of their product. Pre-launch granules and those of simulators bear the
    /// names of such products, but lie on grids of their own.
    pub fn has_fixed_grid(&self) -> bool {
        let is_fixed = self.product.is_some_and(Product::has_fixed_grid);
        is_fixed && self.pieces.iter().all(|piece| piece.schema.is_some())
    }

    /// The granules, in the order of cycle, pass and name.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// What the source knows of a granule.
    pub fn entry(&self, piece: &Piece) -> Option<&Entry> {
        self.source.entries().get(piece.entry)
    }

    /// The variables, derived ones included, in the order asked for.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The variables that are read beside them: what values are binned by, or compared with.
    pub fn also(&self) -> &[Column] {
        &self.also
    }

    /// The expressions.
    pub fn formulas(&self) -> &Formulas {
        &self.formulas
    }

    /// The swaths of a granule as its structure has them; empty for maps.
    pub fn swaths(&self) -> &[Swath] {
        &self.swaths
    }

    /// The structure that granules of this plan have (of its newest schema). Where granules lie at servers and variables were
    /// named, it may have these and what they need alone.
    pub fn structure(&self) -> &GroupMeta {
        &self.structure
    }

    /// The schemas that occur, oldest first.
    pub fn schemas(&self) -> Vec<Schema> {
        let mut schemas: Vec<Schema> = self.pieces.iter().filter_map(|piece| piece.schema).collect();
        schemas.sort_unstable();
        schemas.dedup();
        schemas
    }

    /// Stored bytes of all its granules.
    pub fn stored_bytes(&self) -> u64 {
        self.pieces
            .iter()
            .filter_map(|piece| self.entry(piece))
            .map(|entry| entry.bytes)
            .sum()
    }

    /// Bytes that have to be read of the stored ones, about: the share of the variables asked for, of what they are
    /// derived from, and of the coordinates.
    pub fn bytes_to_read(&self) -> u64 {
        let root = &self.structure;
        let size = |path: &String| {
            let width = root.variable(path).map_or(0, |variable| variable.dtype.size());
            root.shape(path).unwrap_or_default().iter().product::<usize>() * width
        };
        let mut read: Vec<String> = Vec::new();
        for column in self.columns.iter().chain(&self.also) {
            match root.group(&column.group).filter(|_| column.derived) {
                Some(group) => {
                    let inputs = self.formulas.inputs_of(group, &column.name).unwrap_or_default();
                    read.extend(
                        inputs
                            .iter()
                            .map(|input| crate::swath::join(&column.group, input)),
                    );
                }
                None => read.push(column.path()),
            }
        }
        for swath in &self.swaths {
            read.extend([swath.latitude.clone(), swath.longitude.clone()]);
            read.extend(swath.time.clone());
        }
        read.sort_unstable();
        read.dedup();
        let part: usize = read.iter().map(size).sum();
        let all: usize = root.variable_paths().iter().map(size).sum();
        let share = part as f64 / (all.max(1)) as f64;
        (self.stored_bytes() as f64 * share.min(1.0)).round() as u64
    }

    /// Opens a granule, whole.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open(&self, piece: &Piece) -> Result<Arc<dyn Dataset>, EngineError> {
        Ok(self.source.open(piece.entry)?)
    }
}

/// `84 granules of L2_LR_SSH_Basic (C), 26 variables, 211.4 MB stored: --cycles 475-477`.
impl fmt::Display for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let product = self
            .product
            .map_or_else(|| "netCDF".to_owned(), |product| product.to_string());
        let schemas: Vec<String> = self.schemas().iter().map(ToString::to_string).collect();
        write!(
            formatter,
            "{} of {product}",
            counted(self.pieces.len(), "granule")
        )?;
        if !schemas.is_empty() {
            write!(formatter, " ({})", schemas.join(", "))?;
        }
        let megabytes = self.stored_bytes() as f64 / 1e6;
        write!(
            formatter,
            ", {}, {megabytes:.1} MB stored",
            counted(self.columns.len(), "variable")
        )?;
        let selection = self.selection.to_string();
        if selection.is_empty() {
            Ok(())
        } else {
            write!(formatter, ": {selection}")
        }
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Plan({self})")
    }
}

/// The pattern of `--version`, if it is one.
fn pattern(selection: &Selection) -> Option<&VersionPattern> {
    match &selection.version {
        VersionChoice::Matching(pattern) => Some(pattern),
        VersionChoice::Best | VersionChoice::All => None,
    }
}
