//! The group that a granule belongs to, and the layout of one that is not there yet.

use karin_core::{Dataset, GranuleName, Product, granule_structure};

use super::granule::Refusal;
use super::refer;
use crate::layout::{Blueprint, FORMAT_VERSION, GroupLayout};
use crate::{GroupKey, Profile};

/// The group that a granule belongs to.
pub(super) fn key_of(name: &GranuleName) -> Result<GroupKey, Refusal> {
    let product = name.product;
    let readable = "info, stat and extract read it, but it cannot be ingested";
    if !product.is_ingested() {
        return Err(Refusal::Unsupported(format!(
            "{product} is not stored in collections: {readable}"
        )));
    }
    let schema = name
        .schema()
        .filter(|schema| product.ingested_schemas().contains(schema));
    let Some(schema) = schema else {
        let known = product.ingested_schemas();
        let known: Vec<String> = known.iter().map(ToString::to_string).collect();
        let (version, known) = (&name.version, known.join(", "));
        return Err(Refusal::Unsupported(format!(
            "version {version} of {product} is not stored in collections, which hold {known}: {readable}"
        )));
    };
    let phase = name
        .phase()
        .filter(|phase| name.half_orbit.pass.index(*phase).is_some());
    let Some(phase) = phase else {
        return Err(Refusal::Unsupported(format!(
            "neither phase of the mission has a half orbit {}",
            name.half_orbit
        )));
    };
    Ok(GroupKey {
        product,
        schema,
        phase,
        is_virtual: false,
    })
}

/// The layout of a group that does not exist yet; that of virtual granules is like one of them.
pub(super) fn invent_layout(
    key: GroupKey,
    profile: Profile,
    like: Option<&dyn Dataset>,
) -> Result<GroupLayout, Refusal> {
    let structure = granule_structure(key.product, &key.schema);
    let Some(structure) = structure else {
        let (product, schema): (Product, _) = (key.product, key.schema);
        return Err(Refusal::Unsupported(format!(
            "the structure of {product} {schema} is not known"
        )));
    };
    let mut blueprint = Blueprint {
        format: FORMAT_VERSION,
        profile,
        fixed_lines: structure.fixed_lines,
        varying_attributes: structure.varying_attributes.clone(),
        structure: structure.root.clone(),
    };
    if key.is_virtual {
        let like = like.ok_or_else(|| Refusal::structure("its group is not there"))?;
        if blueprint.fixed_lines.is_none() {
            let product = key.product;
            return Err(refer::refusal(format!(
                "granules of {product} differ in lines and chunks"
            )));
        }
        blueprint.profile = Profile::Virtual;
        refer::adopt_storage(&mut blueprint.structure, like);
    }
    Ok(GroupLayout::new(key, blueprint))
}
