//! Edited granules, one after the other, as a dataset.

use karin_core::{Array, AttrValue, Attributes, DType, GroupMeta, Storage, Values, VariableMeta};
use karin_engine::swath::join;
use karin_engine::{MemoryDataset, Plan, Sink as _};
use karin_science::editing::Chain;

use super::{Part, Rules};
use crate::joined;

/// The dataset of some parts; empty without any.
pub(super) fn of(plan: &Plan, rules: &Rules, parts: &[Part]) -> MemoryDataset {
    let mut root = GroupMeta::default();
    let mut arrays = Vec::new();
    let mut groups: Vec<&str> = parts.iter().map(|part| part.group.as_str()).collect();
    groups.sort_unstable();
    groups.dedup();
    for group in groups {
        let own: Vec<&Part> = parts.iter().filter(|part| part.group == group).collect();
        let Some(first) = own.first() else { continue };
        // Granules on another grid than the first cannot stand in one array with it.
        let own: Vec<&Part> = own
            .iter()
            .copied()
            .filter(|part| part.num_pixels == first.num_pixels)
            .collect();
        let meta = joined::ensure_group(&mut root, plan.structure(), group);
        let lines = own.iter().map(|part| part.lines.len()).sum();
        let width = first.num_pixels;
        meta.dimensions = vec![
            joined::dimension("num_lines", lines),
            joined::dimension("num_pixels", width),
        ];
        for (variable, values) in variables(plan, rules, group, &own) {
            let shape = joined::lengths(meta, &variable);
            arrays.push((join(group, &variable.name), Array { shape, values }));
            meta.variables.push(variable);
        }
    }
    root.attributes.set("Conventions", "CF-1.11");
    root.attributes
        .set("title", format!("{}, edited", rules.variable));
    let pieces: Vec<_> = parts.iter().map(|part| part.piece).collect();
    joined::describe_sources(&mut root.attributes, plan, &pieces);
    let mut dataset = MemoryDataset::new("edited");
    // Memory takes any structure.
    let begun = dataset.begin(&root);
    debug_assert!(begun.is_ok(), "a dataset in memory refuses nothing");
    for (path, array) in arrays {
        dataset.set(&path, array);
    }
    dataset
}

const SWATH: [&str; 2] = ["num_lines", "num_pixels"];

fn variables(plan: &Plan, rules: &Rules, group: &str, parts: &[&Part]) -> Vec<(VariableMeta, Values)> {
    let pixels = |of: fn(&Part) -> &Vec<f64>| -> Vec<f64> {
        parts.iter().flat_map(|part| of(part).iter().copied()).collect()
    };
    let place = |name: &str, units: &str| [("standard_name", name), ("units", units)].into_iter().collect();
    let mut time: Attributes = place("time", "seconds since 2000-01-01 00:00:00.0");
    time.set("calendar", "gregorian");
    let mut out = vec![
        real("time", &SWATH[..1], time, pixels(|part| &part.time)),
        real(
            "latitude",
            &SWATH,
            place("latitude", "degrees_north"),
            pixels(|part| &part.latitude),
        ),
        real(
            "longitude",
            &SWATH,
            place("longitude", "degrees_east"),
            pixels(|part| &part.longitude),
        ),
        line_index(parts),
    ];
    if parts.iter().all(|part| part.piece.half_orbit.is_some()) {
        out.extend(half_orbits(parts));
    }
    let column = plan
        .columns()
        .iter()
        .find(|own| own.name == rules.variable && own.group == group);
    let mut attributes = column
        .map(|column| column.meta.attributes.clone())
        .unwrap_or_default();
    joined::unpack(&mut attributes);
    let flag = format!("{}_editing", rules.variable);
    attributes.set("coordinates", "longitude latitude");
    attributes.set("ancillary_variables", flag.as_str());
    out.push(real(
        &rules.variable,
        &SWATH,
        attributes,
        pixels(|part| &part.values),
    ));
    out.push((
        VariableMeta {
            name: flag,
            dtype: DType::UInt8,
            dimensions: SWATH.map(str::to_owned).to_vec(),
            attributes: flag_attributes(rules),
            storage: Storage::default(),
        },
        Values::UInt8(parts.iter().flat_map(|part| part.marks.iter().copied()).collect()),
    ));
    out
}

fn real(
    name: &str,
    dimensions: &[&str],
    mut attributes: Attributes,
    values: Vec<f64>,
) -> (VariableMeta, Values) {
    attributes.set("_FillValue", AttrValue::number(f64::NAN));
    let meta = VariableMeta {
        name: name.to_owned(),
        dtype: DType::Float64,
        dimensions: dimensions.iter().map(|name| (*name).to_owned()).collect(),
        attributes,
        storage: Storage::default(),
    };
    (meta, Values::Float64(values))
}

fn line_index(parts: &[&Part]) -> (VariableMeta, Values) {
    let meta = joined::index(
        "line_number",
        "num_lines",
        DType::Int32,
        "index of the line in its granule",
    );
    let lines = parts
        .iter()
        .flat_map(|part| part.lines.iter().map(|line| *line as i32));
    (meta, Values::Int32(lines.collect()))
}

fn half_orbits(parts: &[&Part]) -> [(VariableMeta, Values); 2] {
    let along = |of: fn(&karin_core::HalfOrbit) -> u16| {
        let number = |part: &&Part| part.piece.half_orbit.as_ref().map_or(0, of);
        let lines = parts
            .iter()
            .flat_map(move |part| std::iter::repeat_n(number(part), part.lines.len()));
        Values::UInt16(lines.collect())
    };
    [
        (
            joined::index("cycle_number", "num_lines", DType::UInt16, "cycle number"),
            along(|half_orbit| half_orbit.cycle.0),
        ),
        (
            joined::index("pass_number", "num_lines", DType::UInt16, "pass number"),
            along(|half_orbit| half_orbit.pass.0),
        ),
    ]
}

/// Values and meanings of the flag. Meanings are single words (CF), so that blanks become underscores.
fn flag_attributes(rules: &Rules) -> Attributes {
    let word = |name: &str| -> String {
        let letters = name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' });
        letters.collect()
    };
    let mut meanings = vec!["kept".to_owned()];
    meanings.extend(rules.rules.iter().map(|rule| word(&rule.name)));
    let mut attributes = Attributes::new();
    attributes.set(
        "long_name",
        format!("rule that rejected {} first", rules.variable),
    );
    attributes.set("_FillValue", AttrValue::number(Chain::NO_VALUE));
    attributes.set(
        "flag_values",
        AttrValue::Array(Values::UInt8((0..=rules.rules.len() as u8).collect())),
    );
    attributes.set("flag_meanings", meanings.join(" "));
    attributes.set("coordinates", "longitude latitude");
    attributes
}
