//! Is a granule one that the group can take, and which of its variables go where?

use karin_core::{Dataset, DatasetError, ErrorKind, GroupMeta, Packing, VariableMeta};

use super::landing::Landing;
use crate::StoreError;
use crate::layout::GroupLayout;

/// Why a granule is not taken.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Of a product, schema or phase that is not stored.
    Unsupported(String),
    /// Dimensions, types or packing do not fit.
    Structure(String),
    /// It lies elsewhere.
    Geometry(String),
    /// The same version with other content is there.
    Conflict(String),
    /// It cannot be read.
    Unreadable(DatasetError),
    /// The collection failed, not the granule.
    Store(StoreError),
}

impl Refusal {
    pub(super) fn structure(reason: impl Into<String>) -> Self {
        Self::Structure(reason.into())
    }

    /// As the error of `granule`.
    pub(super) fn of(self, granule: &str) -> StoreError {
        let (kind, reason) = match self {
            Self::Unsupported(reason) => (ErrorKind::Unsupported, reason),
            Self::Structure(reason) => (ErrorKind::SchemaMismatch, reason),
            Self::Geometry(reason) => (ErrorKind::GeometryMismatch, reason),
            Self::Conflict(reason) => (ErrorKind::AlreadyExists, reason),
            Self::Unreadable(source) => {
                return StoreError::Unreadable {
                    granule: granule.into(),
                    source,
                };
            }
            Self::Store(error) => return error,
        };
        StoreError::Refused {
            granule: granule.into(),
            reason,
            kind,
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// One variable of a granule and where it goes.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    /// Index in the arrays of the layout.
    pub array: usize,
    /// Shape in the granule.
    pub shape: Vec<usize>,
    /// From the granule's packing to the group's, where they differ.
    pub repack: Option<(Packing, Packing)>,
    /// Index of its group's landing.
    pub landing: usize,
}

/// A granule that fits.
#[derive(Clone, Debug)]
pub(super) struct Fitted {
    pub variables: Vec<Placed>,
    /// One per swath group: path and landing.
    pub landings: Vec<(String, Landing)>,
    /// The structure to keep: that of the granule, without what is stored otherwise.
    pub structure: GroupMeta,
    /// Variables that were packed otherwise.
    pub repacked: Vec<String>,
    /// True lengths, in the order of the layout.
    pub counts: Vec<u32>,
}

impl Fitted {
    /// True if only a part of the granule is there.
    pub(super) fn is_partial(&self) -> bool {
        self.landings.iter().any(|(_, landing)| landing.is_partial())
    }
}

/// Fits a granule into a layout.
///
/// # Errors
/// What does not fit: unknown variables, dimensions, types and packing that cannot be converted.
pub(super) fn fit(dataset: &dyn Dataset, layout: &GroupLayout) -> Result<Fitted, Refusal> {
    let mut structure = dataset.root().clone();
    let canonical = &layout.blueprint.structure;
    let mut fitted = Fitted {
        variables: Vec::new(),
        landings: Vec::new(),
        structure: GroupMeta::default(),
        repacked: Vec::new(),
        counts: vec![0; layout.counts.len()],
    };
    fit_group(dataset, layout, &mut structure, "", &mut fitted)?;
    let names: Vec<String> = structure.groups.iter().map(|group| group.name.clone()).collect();
    for (group, name) in structure.groups.iter_mut().zip(names) {
        if canonical
            .group(&name)
            .is_none_or(|known| known.variables.is_empty())
            || !group.groups.is_empty()
        {
            return Err(Refusal::structure(format!(
                "it has a group {name:?} that the product has not"
            )));
        }
        fit_group(dataset, layout, group, &name, &mut fitted)?;
    }
    if fitted.variables.is_empty() {
        return Err(Refusal::structure("it has none of the product's variables"));
    }
    fitted.structure = structure;
    Ok(fitted)
}

fn fit_group(
    dataset: &dyn Dataset,
    layout: &GroupLayout,
    group: &mut GroupMeta,
    path: &str,
    fitted: &mut Fitted,
) -> Result<(), Refusal> {
    if group.variables.is_empty() {
        return Ok(());
    }
    let canonical = layout
        .blueprint
        .structure
        .group(path)
        .cloned()
        .unwrap_or_default();
    let landing = Landing::of(dataset, group, path, layout)?;
    for variable in &group.variables {
        if matches!(variable.name.as_str(), "num_lines" | "num_pixels") {
            continue;
        }
        let full = if path.is_empty() {
            variable.name.clone()
        } else {
            format!("{path}/{}", variable.name)
        };
        let placed = place(dataset, layout, variable, &full, fitted.landings.len())?;
        let array = layout.arrays.get(placed.array);
        if let Some(array) = array.filter(|array| !landing.admits(array, &placed.shape, layout)) {
            let (found, expected) = (&placed.shape, &array.tail);
            return Err(Refusal::structure(format!(
                "{full} has the shape {found:?}, expected {expected:?}"
            )));
        }
        fitted.variables.push(placed);
    }
    count(layout, group, path, &landing, &mut fitted.counts)?;
    let partial = landing.is_partial();
    fitted.landings.push((path.to_owned(), landing));
    // What is read later is what is stored: indices become places, other packing becomes the group's.
    group
        .variables
        .retain(|variable| !matches!(variable.name.as_str(), "num_lines" | "num_pixels"));
    for variable in &mut group.variables {
        let known = canonical
            .variables
            .iter()
            .find(|known| known.name == variable.name);
        let full = if path.is_empty() {
            variable.name.clone()
        } else {
            format!("{path}/{}", variable.name)
        };
        let placed = layout.arrays.iter().position(|array| array.variable == full);
        let repacked = fitted
            .variables
            .iter()
            .any(|one| Some(one.array) == placed && one.repack.is_some());
        if let (Some(known), true) = (known, repacked) {
            variable.dtype = known.dtype;
            variable.attributes = known.attributes.clone();
            fitted.repacked.push(full);
        }
        if let (Some(known), true) = (known, partial) {
            variable.storage = known.storage.clone();
        }
    }
    if partial {
        for dimension in &mut group.dimensions {
            let known = canonical
                .dimensions
                .iter()
                .find(|known| known.name == dimension.name);
            if let Some(known) = known.filter(|_| dimension.name != "num_nadir") {
                dimension.size = known.size;
            }
        }
    }
    Ok(())
}

/// Sets the true lengths of the dimensions of one group.
fn count(
    layout: &GroupLayout,
    group: &GroupMeta,
    path: &str,
    landing: &Landing,
    counts: &mut [u32],
) -> Result<(), Refusal> {
    for (counted, slot) in layout
        .counts
        .iter()
        .zip(counts)
        .filter(|(counted, _)| counted.group == path)
    {
        let dimension = group
            .dimensions
            .iter()
            .find(|dimension| dimension.name == counted.dimension);
        let mut length = dimension.map_or(0, |dimension| dimension.size);
        if counted.dimension == "num_lines" && landing.is_partial() {
            let last = landing
                .lines
                .as_ref()
                .and_then(|map| map.last())
                .map_or(length, |last| last + 1);
            length = layout.blueprint.fixed_lines.unwrap_or(last);
        }
        let limit = layout.padded(&counted.dimension).unwrap_or(0);
        if length > limit {
            return Err(Refusal::structure(format!(
                "{} is {length}, more than {limit}",
                counted.dimension
            )));
        }
        *slot = length as u32;
    }
    Ok(())
}

fn place(
    dataset: &dyn Dataset,
    layout: &GroupLayout,
    variable: &VariableMeta,
    full: &str,
    landing: usize,
) -> Result<Placed, Refusal> {
    let index = layout.arrays.iter().position(|array| array.variable == full);
    let array = index.and_then(|index| layout.arrays.get(index));
    let known = layout.blueprint.structure.variable(full);
    let (Some(index), Some(array), Some(known)) = (index, array, known) else {
        let key = layout.key;
        return Err(Refusal::structure(format!(
            "{full} is no variable of {} {}: ingest takes granules as the producer wrote them, whole or with fewer \
             variables",
            key.product, key.schema
        )));
    };
    let (found, expected) = (&variable.dimensions, &array.dimensions);
    if found != expected {
        return Err(Refusal::structure(format!(
            "{full} has the dimensions {found:?}, expected {expected:?}"
        )));
    }
    let shape = dataset
        .root()
        .shape(full)
        .ok_or_else(|| Refusal::structure(format!("{full} has no shape")))?;
    let repack = match (Packing::of(variable), Packing::of(known)) {
        (Some(from), Some(to)) if from != to => Some((from, to)),
        (Some(_), Some(_)) => None,
        _ if variable.dtype == known.dtype => None,
        _ => {
            let (found, expected) = (variable.dtype, known.dtype);
            return Err(Refusal::structure(format!(
                "{full} is {found}, expected {expected}"
            )));
        }
    };
    Ok(Placed {
        array: index,
        shape,
        repack,
        landing,
    })
}
