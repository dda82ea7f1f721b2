//! The coordinate that says which processings (L2 baselines, L3 versions) a result joins.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use karin_core::{AttrValue, DType, GroupMeta, Schema, Slab, Values, VariableMeta};

use super::{Work, describe};
use crate::EngineError;
use crate::plan::{Column, Piece, Plan};
use crate::reduction::Saved as _;
use crate::swath::join;

/// Name of the coordinate.
pub(super) const NAME: &str = "schema";

/// Which schemas were read for each key of a result: a bit per schema, in the order of age.
pub(super) struct Schemas {
    known: Vec<Schema>,
    seen: Mutex<BTreeMap<i64, u8>>,
}

impl Schemas {
    /// Of a plan; a plan of one schema (or none) needs no coordinate.
    pub(super) fn of(plan: &Plan) -> Self {
        let mut known = plan.schemas();
        if known.len() < 2 {
            known.clear();
        }
        Self {
            known,
            seen: Mutex::default(),
        }
    }

    /// Notes that values of a granule went into the element of that key.
    pub(super) fn note(&self, key: i64, piece: &Piece) {
        let Some(bit) = piece
            .schema
            .and_then(|schema| self.known.iter().position(|known| *known == schema))
        else {
            return;
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen.entry(key).or_default() |= bit_of(bit);
    }

    /// Appends the words of the schemas of each key as bytes, for a plan that may know more of them.
    pub(super) fn save(&self, plan: &Plan, out: &mut Vec<u8>) {
        let words = |schemas: &[Schema]| schemas.iter().map(ToString::to_string).collect::<Vec<String>>();
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let of_bits = |bits: u8| -> Vec<Schema> {
            let known = self.known.iter().enumerate();
            let set = known.filter(|(at, _)| bits & bit_of(*at) != 0);
            set.map(|(_, schema)| *schema).collect()
        };
        let everywhere = if self.known.is_empty() {
            plan.schemas()
        } else {
            Vec::new()
        };
        words(&everywhere).save(out);
        let by_key: Vec<(i64, Vec<String>)> = seen
            .iter()
            .map(|(key, bits)| (*key, words(&of_bits(*bits))))
            .collect();
        by_key.save(out);
    }

    /// Takes in what another plan has saved; `keys` are those of its elements. `None` if the bytes hold something else.
    pub(super) fn absorb(&self, keys: &[i64], bytes: &mut &[u8]) -> Option<()> {
        let everywhere = Vec::<String>::restore(bytes)?;
        let by_key = Vec::<(i64, Vec<String>)>::restore(bytes)?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let words = keys.iter().map(|key| (*key, &everywhere));
        for (key, words) in words.chain(by_key.iter().map(|(key, words)| (*key, words))) {
            for word in words {
                let bit = self.known.iter().position(|known| known.to_string() == *word);
                if let Some(bit) = bit {
                    *seen.entry(key).or_default() |= bit_of(bit);
                }
            }
        }
        Some(())
    }

    /// The value of the coordinate for each of these keys.
    fn values(&self, keys: &[i64]) -> Values {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let of_key = |key: &i64| seen.get(key).copied().unwrap_or(0);
        Values::UInt8(keys.iter().map(of_key).collect())
    }

    /// The coordinate; `None` where all values are of one schema.
    fn variable(&self, dimensions: &[String]) -> Option<VariableMeta> {
        if self.known.is_empty() {
            return None;
        }
        let mut variable = describe::axis(NAME, DType::UInt8, "processings that values were made of");
        variable.dimensions = dimensions.to_vec();
        let bits = (0..self.known.len()).map(bit_of);
        let words: Vec<String> = self.known.iter().map(ToString::to_string).collect();
        let attributes = &mut variable.attributes;
        attributes.set("flag_masks", AttrValue::Array(Values::UInt8(bits.collect())));
        attributes.set("flag_meanings", words.join(" "));
        Some(variable)
    }

    /// Adds the coordinate to the group of every column, where readers of that group find it, and names it in
    /// `coordinates` of the variables there.
    pub(super) fn describe(&self, root: &mut GroupMeta, columns: &[&Column], dimensions: &[String]) {
        let Some(variable) = self.variable(dimensions) else {
            return;
        };
        for path in groups(columns) {
            let group = describe::group_mut(root, path);
            for other in &mut group.variables {
                let is_axis = other.dimensions == [other.name.as_str()];
                let covers = dimensions.iter().all(|name| other.dimensions.contains(name));
                let is_place = matches!(other.name.as_str(), "latitude" | "longitude");
                if covers && !is_axis && !is_place {
                    add_coordinate(other, NAME);
                }
            }
            let axes = group.variables.iter();
            let first = axes
                .take_while(|other| other.dimensions == [other.name.as_str()])
                .count();
            group.variables.insert(first, variable.clone());
        }
    }

    /// Writes the elements of these keys of the coordinate that was described.
    pub(super) fn write(
        &self,
        work: &Work<'_>,
        columns: &[&Column],
        keys: &[i64],
        slab: &Slab,
    ) -> Result<(), EngineError> {
        if self.known.is_empty() {
            return Ok(());
        }
        for group in groups(columns) {
            work.write(&join(group, NAME), slab, &self.values(keys))?;
        }
        Ok(())
    }
}

/// The bit of the schema at a position; there are never more of them than bits.
fn bit_of(position: usize) -> u8 {
    1u8.checked_shl(position as u32).unwrap_or(0)
}

/// The groups of columns, each once.
fn groups<'c>(columns: &[&'c Column]) -> Vec<&'c str> {
    let mut groups: Vec<&str> = columns.iter().map(|column| column.group.as_str()).collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// Adds a name to the attribute `coordinates`.
fn add_coordinate(variable: &mut VariableMeta, name: &str) {
    let text = match variable.attributes.text("coordinates") {
        Some(before) if !before.is_empty() => format!("{before} {name}"),
        _ => name.to_owned(),
    };
    variable.attributes.set("coordinates", text);
}
