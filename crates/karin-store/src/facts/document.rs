//! The document of a granule: where it came from, and everything in which its structure differs from the group's.

use karin_core::{AttrValue, Attributes, DType, Dimension, GroupMeta, Storage, VariableMeta};
use serde::{Deserialize, Serialize};

use crate::Origin;

/// One JSON document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Document {
    /// Files that the granule came from; several if it was merged from crops.
    pub sources: Vec<SourceRecord>,
    /// Variables that were packed otherwise in the file and are stored as the group packs them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repacked: Vec<String>,
    /// Difference to the group's structure.
    pub structure: GroupDelta,
}

/// A file that a granule came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SourceRecord {
    /// Name of the file, as it was given.
    pub name: String,
    /// Name that the producer gives to such a granule.
    pub granule: String,
    pub size: u64,
    /// BLAKE3 in hexadecimal.
    pub checksum: String,
    /// Where the file is, of virtual granules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// Difference between two groups; what is absent is equal.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct GroupDelta {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<Vec<Dimension>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<AttributesDelta>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variables: Option<Vec<VariableDelta>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupDelta>,
}

/// All attribute names in order; a value only where it differs.
pub(crate) type AttributesDelta = Vec<(String, Option<AttrValue>)>;

/// Difference between two variables of one name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct VariableDelta {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dtype: Option<DType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimensions: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attributes: Option<AttributesDelta>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,
}

impl Document {
    /// Where the granule is, if it is virtual.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.sources.first()?.origin.as_ref()
    }

    /// The document of a granule that is joined from two parts: structure of the first, with the variables that only
    /// the second has in the product's order, and the files of both.
    pub(crate) fn joined(&self, other: &Self, canonical: &GroupMeta) -> Self {
        let mut joined = self.clone();
        for source in &other.sources {
            if !joined
                .sources
                .iter()
                .any(|known| known.checksum == source.checksum)
            {
                joined.sources.push(source.clone());
            }
        }
        for name in &other.repacked {
            if !joined.repacked.contains(name) {
                joined.repacked.push(name.clone());
            }
        }
        let mut root = self.structure.apply(canonical);
        join_groups(&mut root, &other.structure.apply(canonical), canonical);
        joined.structure = GroupDelta::between(canonical, &root);
        joined
    }
}

fn join_groups(group: &mut GroupMeta, other: &GroupMeta, canonical: &GroupMeta) {
    for variable in &other.variables {
        if !group.variables.iter().any(|known| known.name == variable.name) {
            group.variables.push(variable.clone());
        }
    }
    let order = |variable: &VariableMeta| {
        canonical
            .variables
            .iter()
            .position(|known| known.name == variable.name)
    };
    group.variables.sort_by_key(order);
    for dimension in &other.dimensions {
        if !group.dimensions.iter().any(|known| known.name == dimension.name) {
            group.dimensions.push(dimension.clone());
        }
    }
    for inner in &other.groups {
        let known = canonical
            .groups
            .iter()
            .find(|known| known.name == inner.name)
            .cloned()
            .unwrap_or_default();
        match group.groups.iter_mut().find(|own| own.name == inner.name) {
            Some(own) => join_groups(own, inner, &known),
            None => group.groups.push(inner.clone()),
        }
    }
}

impl VariableDelta {
    fn is_only_a_name(&self) -> bool {
        *self
            == Self {
                name: self.name.clone(),
                ..Self::default()
            }
    }
}

impl GroupDelta {
    /// What `group` has that `canonical` has not, and the reverse.
    pub(crate) fn between(canonical: &GroupMeta, group: &GroupMeta) -> Self {
        let variables: Vec<VariableDelta> = group.variables.iter().map(|v| variable(canonical, v)).collect();
        let same_order = group.variables.len() == canonical.variables.len()
            && group
                .variables
                .iter()
                .zip(&canonical.variables)
                .all(|(one, other)| one.name == other.name);
        let plain = same_order && variables.iter().all(VariableDelta::is_only_a_name);
        let inner = |of: &GroupMeta, name: &str| of.groups.iter().find(|group| group.name == name).cloned();
        Self {
            name: group.name.clone(),
            dimensions: (group.dimensions != canonical.dimensions).then(|| group.dimensions.clone()),
            attributes: attributes(&canonical.attributes, &group.attributes),
            variables: (!plain).then_some(variables),
            groups: (group.groups.iter())
                .map(|group| Self::between(&inner(canonical, &group.name).unwrap_or_default(), group))
                .collect(),
        }
    }

    /// The group again.
    pub(crate) fn apply(&self, canonical: &GroupMeta) -> GroupMeta {
        let variables = match &self.variables {
            None => canonical.variables.clone(),
            Some(deltas) => deltas.iter().map(|delta| restore(canonical, delta)).collect(),
        };
        let inner = |name: &str| canonical.groups.iter().find(|group| group.name == name).cloned();
        GroupMeta {
            name: self.name.clone(),
            dimensions: self
                .dimensions
                .clone()
                .unwrap_or_else(|| canonical.dimensions.clone()),
            variables,
            attributes: restore_attributes(&canonical.attributes, self.attributes.as_ref()),
            groups: (self.groups.iter())
                .map(|delta| delta.apply(&inner(&delta.name).unwrap_or_default()))
                .collect(),
        }
    }
}

fn variable(canonical: &GroupMeta, variable: &VariableMeta) -> VariableDelta {
    let name = variable.name.clone();
    let known = canonical.variables.iter().find(|known| known.name == name);
    let empty = Attributes::new();
    let same =
        |equal: fn(&VariableMeta, &VariableMeta) -> bool| known.is_some_and(|known| equal(known, variable));
    VariableDelta {
        dtype: (!same(|a, b| a.dtype == b.dtype)).then_some(variable.dtype),
        dimensions: (!same(|a, b| a.dimensions == b.dimensions)).then(|| variable.dimensions.clone()),
        attributes: attributes(
            known.map_or(&empty, |known| &known.attributes),
            &variable.attributes,
        ),
        storage: (!same(|a, b| a.storage == b.storage)).then(|| variable.storage.clone()),
        name,
    }
}

fn restore(canonical: &GroupMeta, delta: &VariableDelta) -> VariableMeta {
    let known = canonical.variables.iter().find(|known| known.name == delta.name);
    let empty = Attributes::new();
    VariableMeta {
        name: delta.name.clone(),
        dtype: delta
            .dtype
            .or(known.map(|known| known.dtype))
            .unwrap_or(DType::UInt8),
        dimensions: (delta.dimensions.clone())
            .or_else(|| known.map(|known| known.dimensions.clone()))
            .unwrap_or_default(),
        attributes: restore_attributes(
            known.map_or(&empty, |known| &known.attributes),
            delta.attributes.as_ref(),
        ),
        storage: (delta.storage.clone())
            .or_else(|| known.map(|known| known.storage.clone()))
            .unwrap_or_default(),
    }
}

fn attributes(canonical: &Attributes, given: &Attributes) -> Option<AttributesDelta> {
    let same_order = canonical.len() == given.len()
        && canonical
            .iter()
            .zip(given.iter())
            .all(|((one, _), (other, _))| one == other);
    let delta: AttributesDelta = (given.iter())
        .map(|(name, value)| {
            (
                name.to_owned(),
                (canonical.get(name) != Some(value)).then(|| value.clone()),
            )
        })
        .collect();
    (!same_order || delta.iter().any(|(_, value)| value.is_some())).then_some(delta)
}

fn restore_attributes(canonical: &Attributes, delta: Option<&AttributesDelta>) -> Attributes {
    let Some(delta) = delta else {
        return canonical.clone();
    };
    let known =
        |name: &str, value: &Option<AttrValue>| value.clone().or_else(|| canonical.get(name).cloned());
    delta
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), known(name, value)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use karin_core::Values;

    fn granule() -> GroupMeta {
        let variable = |name: &str| VariableMeta {
            name: name.into(),
            dtype: DType::Int32,
            dimensions: vec!["num_lines".into()],
            attributes: [
                ("units", AttrValue::from("m")),
                ("scale_factor", AttrValue::number(1e-4)),
            ]
            .into_iter()
            .collect(),
            storage: Storage {
                deflate: Some(4),
                ..Storage::default()
            },
        };
        GroupMeta {
            dimensions: vec![Dimension {
                name: "num_lines".into(),
                size: 9866,
                unlimited: false,
            }],
            variables: vec![variable("a"), variable("b"), variable("c")],
            attributes: [
                ("title", AttrValue::from("t")),
                ("cycle_number", AttrValue::number(7i16)),
            ]
            .into_iter()
            .collect(),
            groups: vec![GroupMeta {
                name: "left".into(),
                variables: vec![variable("a")],
                ..GroupMeta::default()
            }],
            ..GroupMeta::default()
        }
    }

    #[test]
    fn an_equal_granule_leaves_nothing() {
        let delta = GroupDelta::between(&granule(), &granule());
        assert_eq!(
            serde_json::to_string(&delta).unwrap(),
            r#"{"groups":[{"name":"left"}]}"#
        );
        assert_eq!(delta.apply(&granule()), granule());
    }

    #[test]
    fn every_difference_comes_back_in_its_order_and_kind() {
        let canonical = granule();
        let mut other = granule();
        other.variables.swap(0, 2);
        other.variables.remove(1);
        other.variables[0].attributes.remove("units");
        other.variables[0]
            .attributes
            .set("scale_factor", AttrValue::number(1e-3f32));
        other.variables[0].attributes.set(
            "comment",
            AttrValue::Array(Values::String(vec!["x".into(), "y".into()])),
        );
        other.variables[1].storage.chunks = Some(vec![5]);
        other.variables.push(VariableMeta {
            name: "new".into(),
            ..canonical.variables[0].clone()
        });
        other.attributes.set("cycle_number", AttrValue::number(8i16));
        other.dimensions[0].size = 5;
        other.groups[0].variables[0].dtype = DType::Int16;
        let delta = GroupDelta::between(&canonical, &other);
        let json = serde_json::to_string(&delta).unwrap();
        let back: GroupDelta = serde_json::from_str(&json).unwrap();
        assert_eq!(back.apply(&canonical), other);
    }
}
