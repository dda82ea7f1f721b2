//! Which variables of a granule a selection needs: at servers, the headers of others need not be fetched.
//!
//! Known from the structure of the product, before the granule is opened. What was opened is looked at again: where it is not as
//! the product says, it is opened whole, and so it is where a name is neither stored nor derived there, so that whoever says what
//! is wrong knows all names.

use std::sync::Arc;

use karin_core::{
    Dataset, DatasetError, GroupMeta, Nadir, QualityLevel, Selection, Side, VariableMeta, gate_of,
    granule_structure,
};

use super::{Entry, Source};
use crate::derive::Formulas;
use crate::swath::Swath;

/// Coordinates of every selection.
const COORDINATES: [&str; 3] = ["time", "latitude", "longitude"];
/// How far from the nadir pixels are, which filters ask for.
const DISTANCE: &str = "cross_track_distance";
/// Where the values of the nadir altimeter are, in products that have them in the swath: they are dropped before anything is derived.
const NADIR: [&str; 2] = ["i_num_line", "i_num_pixel"];

/// Names of the root of a granule.
#[derive(Debug, Default, PartialEq, Eq)]
struct Needs {
    /// Variables without which it is opened whole.
    required: Vec<String>,
    /// Dimensions, and variables that tell more where they are there.
    looked_for: Vec<String>,
}

/// Opens the granule at `index` for a selection: whole, or with all that the selection needs.
pub(crate) fn open(
    source: &dyn Source,
    index: usize,
    selection: &Selection,
) -> Result<Arc<dyn Dataset>, DatasetError> {
    let entry = source.entries().get(index).filter(|_| source.is_far(index));
    let Some(needs) = entry.and_then(|entry| Needs::of(entry, selection)) else {
        return source.open(index);
    };
    let names: Vec<String> = needs.required.iter().chain(&needs.looked_for).cloned().collect();
    let dataset = source.open_for(index, &names)?;
    if needs.are_met(dataset.root(), selection) {
        Ok(dataset)
    } else {
        source.open(index)
    }
}

impl Needs {
    /// What the selection needs of a granule; `None` if that is all, or cannot be told.
    fn of(entry: &Entry, selection: &Selection) -> Option<Self> {
        if selection.variables.is_empty() {
            return None;
        }
        let root = &granule_structure(entry.product?, &entry.schema()?)?.root;
        let formulas = Formulas::new(selection).ok()?;
        let mut required: Vec<String> = COORDINATES.map(str::to_owned).to_vec();
        let mut derives = formulas.has_filters();
        let named = selection.variables.iter().chain(&selection.also);
        for name in named.map(String::as_str).chain(formulas.variables()) {
            if formulas.lets().iter().any(|own| own.name == name) {
                // What it is made of is among the variables of the formulas.
            } else if root.variables.iter().any(|variable| variable.name == name) {
                required.push(name.to_owned());
            } else {
                derives = true;
                required.extend(formulas.inputs_of(root, name)?);
            }
        }
        required.extend(flags(root, &required, selection));
        let is_used = |name: &str| required.iter().any(|known| known == name);
        let used = root.variables.iter().filter(|variable| is_used(&variable.name));
        let mut looked_for: Vec<String> = used.flat_map(|variable| variable.dimensions.clone()).collect();
        let asks_for_nadir = derives || selection.nadir != Nadir::Keep;
        for name in NADIR.iter().filter(|_| asks_for_nadir) {
            let nadir = root.variable(name);
            looked_for.extend(nadir.iter().flat_map(|variable| variable.dimensions.clone()));
            looked_for.extend(nadir.map(|variable| variable.name.clone()));
        }
        looked_for.extend(formulas.has_filters().then(|| DISTANCE.to_owned()));
        for names in [&mut required, &mut looked_for] {
            names.sort_unstable();
            names.dedup();
        }
        let is_flat = root.groups.is_empty() && required.iter().all(|name| root.variable(name).is_some());
        is_flat.then_some(Self { required, looked_for })
    }

    /// True if a structure has all that is needed.
    fn are_met(&self, root: &GroupMeta, selection: &Selection) -> bool {
        let has = |name: &String| root.variables.iter().any(|variable| variable.name == *name);
        self.required.iter().all(has)
            && flags(root, &self.required, selection).iter().all(has)
            && !Swath::of(root, Side::Both).is_empty()
    }
}

/// The flags of variables of a group, those that gate them at the quality of a selection among them.
fn flags(group: &GroupMeta, names: &[String], selection: &Selection) -> Vec<String> {
    if selection.quality == QualityLevel::Any {
        return Vec::new();
    }
    let named = group
        .variables
        .iter()
        .filter(|variable| names.contains(&variable.name));
    let of = |variable: &VariableMeta| {
        let says = variable
            .attributes
            .text("quality_flag")
            .map(|flag| flag.trim().to_owned());
        let gate = gate_of(group, variable).map(|gate| gate.flag_variable);
        says.into_iter().chain(gate).filter(|flag| !flag.is_empty())
    };
    named.flat_map(of).collect()
}
