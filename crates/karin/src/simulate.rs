//! Granules as the mission writes them, from an orbit model and an imagined sea: for tests, demos and benchmarks, and
//! to try out an analysis before the data are there.
//!
//! Structure (dimensions, variables, attributes, packing, chunks, names) is that of the real products; geometry and
//! times are the real ones; values are plausible, hang together (heights are the sum of their parts, flags follow from
//! what is simulated) and are the same for the same seed, on any machine and for any number of threads. A place that
//! two passes see has the same sea level in both, moved on by the time between.
//!
//! ```text
//!   World (fields that move, by seed) ─┐
//!   Geometry (pass: grid, land) ───────┴─> Scene (granule: what was seen, with errors)
//!   Scene ──formula of each variable──> SimulatedGranule: Dataset ──> write_dataset
//! ```

mod attributes;
mod formula;
mod geometry;
mod granule;
mod land;
mod random;
mod scene;
#[cfg(test)]
mod tests;
mod waves;
mod workshop;
mod world;
mod write;

use karin_core::granule_structure::{GranuleStructure, granule_structure};
use karin_core::{
    CycleNumber, ErrorKind, HalfOrbit, NumberList, PassNumber, Phase, Product, Schema, Version,
};

pub use granule::SimulatedGranule;
pub use workshop::Workshop;
pub use write::{SimulationSummary, write};

/// What is to be simulated.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Simulation {
    /// Product.
    pub product: Product,
    /// Version that the granules bear; its schema decides their structure.
    pub version: Version,
    /// Orbit phase.
    pub phase: Phase,
    /// Cycles, in order.
    pub cycles: Vec<CycleNumber>,
    /// Passes of each, in order.
    pub passes: Vec<PassNumber>,
    /// Another seed is another sea.
    pub seed: u64,
    /// Variables besides time, latitude and longitude; `None` = all of the product.
    pub variables: Option<Vec<String>>,
}

/// Why a simulation cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulateError {
    /// Granules of that product and schema cannot be simulated.
    #[error("{product} of version {version} cannot be simulated{hint}")]
    Unsupported {
        /// Product.
        product: Product,
        /// Version.
        version: String,
        /// What can be, as the end of the sentence.
        hint: String,
    },
    /// The phase has no such cycle or pass.
    #[error("the {phase} phase has no {what} {number} (it has {first} to {last})")]
    Number {
        /// Phase.
        phase: Phase,
        /// `cycle` or `pass`.
        what: &'static str,
        /// Number asked for.
        number: u16,
        /// First there is.
        first: u16,
        /// Last there is.
        last: u16,
    },
    /// The product has no such variable.
    #[error(transparent)]
    Variable(#[from] karin_core::granule_structure::UnknownVariable),
    /// The folder cannot be made or a granule not be written.
    #[error("cannot write to {folder}")]
    Folder {
        /// Folder.
        folder: String,
        /// Cause.
        source: std::io::Error,
    },
    /// A granule cannot be written.
    #[error(transparent)]
    Write(#[from] karin_netcdf::WriteError),
    /// The user stopped it.
    #[error("stopped after {done} of {of} granules")]
    Cancelled {
        /// Granules written whole.
        done: u64,
        /// Granules asked for.
        of: u64,
    },
}

impl SimulateError {
    /// Stable code.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unsupported { .. } => ErrorKind::Unsupported,
            Self::Number { .. } => ErrorKind::InvalidArgument,
            Self::Variable(error) => error.kind(),
            Self::Folder { source, .. } => ErrorKind::of_io(source),
            Self::Write(error) => error.kind(),
            Self::Cancelled { .. } => ErrorKind::Cancelled,
        }
    }
}

impl Simulation {
    /// All passes of all cycles of a phase that the lists name, as the newest schema of the product that real data of
    /// that kind are known of best (L2: C; L3: v2.0.1), seed 0, all variables.
    ///
    /// # Errors
    /// If the phase lacks a cycle or pass, or the product cannot be simulated.
    pub fn new(
        product: Product,
        phase: Phase,
        cycles: &NumberList,
        passes: &NumberList,
    ) -> Result<Self, SimulateError> {
        let cycle = |number: u16| -> Result<CycleNumber, SimulateError> {
            let range = (phase.first_cycle().0, phase.last_cycle().0);
            within(number, range)
                .map(CycleNumber)
                .ok_or_else(|| number_error(phase, "cycle", number, range))
        };
        let pass = |number: u16| -> Result<PassNumber, SimulateError> {
            let range = (1, phase.pass_count());
            within(number, range)
                .map(PassNumber)
                .ok_or_else(|| number_error(phase, "pass", number, range))
        };
        let word = if product.is_level3_ssh() { "v2" } else { "C" };
        let word = if product == Product::L3Technical {
            "v3"
        } else {
            word
        };
        let simulation = Self {
            product,
            version: Version::Other(String::new()),
            phase,
            cycles: cycles.iter().map(cycle).collect::<Result<_, _>>()?,
            passes: passes.iter().map(pass).collect::<Result<_, _>>()?,
            seed: 0,
            variables: None,
        };
        simulation.with_version(word)
    }

    /// As another version: a schema (`C`, `D`, `v1`, `v2`, `v3`) or a whole version (`PGC0_01`, `v2.0.1`).
    ///
    /// # Errors
    /// If the product has no structure in that schema.
    pub fn with_version(mut self, text: &str) -> Result<Self, SimulateError> {
        let letter = if self.phase == Phase::CalVal { 'G' } else { 'I' };
        self.version = match Schema::parse(text) {
            Some(Schema::Baseline(baseline)) => {
                Version::parse(&format!("P{letter}{}0_01", char::from(baseline)))
            }
            Some(Schema::Release(1)) => Version::parse("v1.0.2"),
            Some(Schema::Release(2)) => Version::parse("v2.0.1"),
            Some(Schema::Release(major)) => Version::parse(&format!("v{major}.0")),
            _ => Version::parse(text),
        };
        match self
            .version
            .schema()
            .and_then(|schema| granule_structure(self.product, &schema))
        {
            Some(_) => Ok(self),
            None => Err(self.unsupported(text)),
        }
    }

    /// With another seed.
    #[must_use]
    pub const fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// With time, latitude, longitude and these variables only.
    ///
    /// # Errors
    /// If the product has no variable of one of the names.
    pub fn with_variables(mut self, names: &[String]) -> Result<Self, SimulateError> {
        self.variables = Some(names.to_vec());
        self.structure().map(|_| self)
    }

    /// The granules, pass by pass: those of one pass share their geometry.
    pub fn half_orbits(&self) -> Vec<HalfOrbit> {
        let of_pass = |&pass: &PassNumber| self.cycles.iter().map(move |&cycle| HalfOrbit { cycle, pass });
        self.passes.iter().flat_map(of_pass).collect()
    }

    /// The structure that the granules have, sizes that vary aside.
    fn structure(&self) -> Result<GranuleStructure, SimulateError> {
        let schema = self.version.schema();
        let structure = schema.and_then(|schema| granule_structure(self.product, &schema));
        let structure = structure
            .ok_or_else(|| self.unsupported(&self.version.to_string()))?
            .clone();
        match &self.variables {
            None => Ok(structure),
            Some(names) => {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                Ok(structure.lean(&names)?)
            }
        }
    }

    fn unsupported(&self, version: &str) -> SimulateError {
        let schemas: Vec<String> = self
            .product
            .ingested_schemas()
            .iter()
            .map(ToString::to_string)
            .collect();
        let hint = match schemas.as_slice() {
            [] => ": products that can be are L2_LR_SSH_* and L3_LR_SSH_*".to_owned(),
            schemas => format!(": there are {}", schemas.join(", ")),
        };
        SimulateError::Unsupported {
            product: self.product,
            version: version.to_owned(),
            hint,
        }
    }
}

fn within(number: u16, (first, last): (u16, u16)) -> Option<u16> {
    (first..=last).contains(&number).then_some(number)
}

fn number_error(phase: Phase, what: &'static str, number: u16, (first, last): (u16, u16)) -> SimulateError {
    SimulateError::Number {
        phase,
        what,
        number,
        first,
        last,
    }
}
