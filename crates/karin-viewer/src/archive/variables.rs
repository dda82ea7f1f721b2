//! The variables of a group as the viewer shows them: stored ones, flags, and what can be derived.

use karin::engine::derive::{Formulas, derivable};
use karin::engine::{Shape, Swath};
use karin::plot::ColorMap;
use karin_core::{FlagKind, FlagTable, GroupMeta, Packing, QualityLevel, VariableMeta, gate_of};
use serde_json::{Value, json};

use super::Group;

/// Every variable along lines of a group, as `collections` lists them.
pub fn describe_all(group: &Group) -> Vec<Value> {
    let Some(swath) = group.swaths.first() else {
        return Vec::new();
    };
    let Some(meta) = group.structure.group(&swath.group) else {
        return Vec::new();
    };
    let stored = meta
        .variables
        .iter()
        .filter_map(|variable| stored(group, meta, swath, variable));
    let derived = derivable(meta)
        .into_iter()
        .map(|variable| derived(meta, &variable));
    stored.chain(derived).collect()
}

/// The variable to begin with: the height anomaly, else the first one with a value per pixel.
pub fn default_of(group: &Group) -> Option<String> {
    let swath = group.swaths.first()?;
    let meta = group.structure.group(&swath.group)?;
    let is_pixels = |variable: &&VariableMeta| {
        swath.shape_of(&group.structure, &swath.path(&variable.name)) == Some(Shape::Pixels)
    };
    let is_value =
        |variable: &&VariableMeta| variable.dtype.is_numeric() && FlagTable::of(variable).is_none();
    let is_place = |variable: &&VariableMeta| {
        let path = swath.path(&variable.name);
        path == swath.latitude || path == swath.longitude
    };
    let has = |name: &str| meta.variables.iter().any(|variable| variable.name == name);
    let known = derivable(meta);
    let wanted = [
        "ssha",
        "ssha_filtered",
        "ssha_karin_2",
        "swh_karin",
        "sig0_karin_2",
    ];
    let named = wanted
        .iter()
        .find(|name| has(name) || known.iter().any(|variable| variable.name == **name));
    let first = || {
        meta.variables
            .iter()
            .filter(is_pixels)
            .filter(is_value)
            .find(|variable| !is_place(variable))
    };
    named
        .map(|name| (*name).to_owned())
        .or_else(|| first().map(|variable| variable.name.clone()))
}

fn stored(group: &Group, meta: &GroupMeta, swath: &Swath, variable: &VariableMeta) -> Option<Value> {
    let packing = Packing::of(variable)?;
    let shape = match swath.shape_of(&group.structure, &swath.path(&variable.name))? {
        Shape::Pixels => "pixels",
        Shape::Lines(1) => "lines",
        Shape::Lines(_) | Shape::Other(_) => return None,
    };
    let table = FlagTable::of(variable);
    let mut described = common(variable);
    let fields = described.as_object_mut()?;
    fields.insert(
        "kind".into(),
        if table.is_some() { "flag" } else { "stored" }.into(),
    );
    fields.insert("shape".into(), shape.into());
    fields.insert("dtype".into(), packing.dtype.name().into());
    fields.insert("packing".into(), packing_of(&packing));
    fields.insert(
        "quality_flag".into(),
        gate_of(meta, variable).map(|gate| gate.flag_variable).into(),
    );
    fields.insert(
        "flags".into(),
        table.map_or(Value::Null, |table| flags_of(meta, &variable.name, &table)),
    );
    Some(described)
}

fn derived(meta: &GroupMeta, variable: &VariableMeta) -> Value {
    let mut described = common(variable);
    let Some(fields) = described.as_object_mut() else {
        return described;
    };
    // The comment of what one pixel gives begins with its formula.
    let text = fields.get("comment").and_then(Value::as_str).unwrap_or_default();
    let formula = text
        .strip_prefix(&format!("{} = ", variable.name))
        .and_then(|formula| formula.split(';').next())
        .map(str::to_owned);
    fields.insert("kind".into(), "derived".into());
    fields.insert("shape".into(), "pixels".into());
    fields.insert("dtype".into(), "float64".into());
    for name in ["packing", "flags"] {
        fields.insert(name.into(), Value::Null);
    }
    fields.insert("quality_flag".into(), flag_behind(meta, &variable.name).into());
    fields.insert("formula".into(), formula.into());
    described
}

/// The quality flag of the first stored variable that a derived one is made of and that has one.
fn flag_behind(meta: &GroupMeta, name: &str) -> Option<String> {
    let inputs = Formulas::default().inputs_of(meta, name)?;
    let stored = |input: &String| meta.variables.iter().find(|variable| variable.name == *input);
    let mut gates = inputs
        .iter()
        .filter_map(stored)
        .filter_map(|variable| gate_of(meta, variable));
    gates.next().map(|gate| gate.flag_variable)
}

fn common(variable: &VariableMeta) -> Value {
    let text = |name: &str| {
        variable
            .attributes
            .text(name)
            .map(str::trim)
            .filter(|text| !text.is_empty())
    };
    let units = text("units").unwrap_or_default();
    let color_map = ColorMap::suited_to(&variable.name, units);
    json!({
        "name": variable.name,
        "long_name": text("long_name"),
        "standard_name": text("standard_name"),
        "units": units,
        "comment": text("comment"),
        "color_map": color_map.to_string(),
        "diverging": color_map.is_diverging(),
        "formula": null,
        "section": section(&variable.name, units),
    })
}

/// Under which heading a variable is looked for.
fn section(name: &str, units: &str) -> &'static str {
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    match () {
        () if has(&["_qual", "flag", "classification"]) => "quality",
        () if has(&[
            "latitude",
            "longitude",
            "time",
            "distance",
            "heading",
            "altitude",
            "num_",
            "velocity_heading",
        ]) =>
        {
            "geometry"
        }
        () if has(&["ssh", "sla", "adt", "mdt", "height_above_reference"]) => "heights",
        () if has(&[
            "u_geo",
            "v_geo",
            "ugos",
            "vgos",
            "speed",
            "vorticity",
            "strain",
            "divergence",
            "okubo",
            "ke",
            "rossby",
            "cyclo",
        ]) && !has(&["wind"]) =>
        {
            "currents"
        }
        () if has(&["sig0", "sigma0", "wind", "swh", "wave", "rain", "rad_"]) => {
            "waves, wind and backscatter"
        }
        () if has(&[
            "tide",
            "cor",
            "dac",
            "dry",
            "wet",
            "iono",
            "inv_bar",
            "load",
            "calibration",
            "depth",
            "geoid",
            "mean_sea",
        ]) || units == "m" =>
        {
            "corrections and references"
        }
        () => "other",
    }
}

/// Scale, offset and fill.
pub fn packing_of(packing: &Packing) -> Value {
    json!({"scale": packing.scale, "offset": packing.offset, "fill": fill_of(packing)})
}

/// The number that stands for nothing; `null` for NaN and where there is none.
pub fn fill_of(packing: &Packing) -> Value {
    use karin_core::Number;
    match packing.fill {
        Some(Number::Signed(fill)) => fill.into(),
        Some(Number::Unsigned(fill)) => fill.into(),
        Some(Number::Float(fill)) => serde_json::Number::from_f64(fill).map_or(Value::Null, Value::Number),
        None => Value::Null,
    }
}

/// The names of a flag variable, each with the level that still drops values under it.
pub fn flags_of(meta: &GroupMeta, name: &str, table: &FlagTable) -> Value {
    let gate = meta
        .variables
        .iter()
        .filter_map(|variable| gate_of(meta, variable))
        .find(|gate| gate.flag_variable == name);
    let level = |raw: u64| {
        let gate = gate.as_ref()?;
        // What drops it last.
        let dropped = [QualityLevel::Good, QualityLevel::Suspect, QualityLevel::Degraded]
            .into_iter()
            .rfind(|level| !gate.keeps(raw, *level))?;
        Some(match dropped {
            QualityLevel::Good => "suspect",
            QualityLevel::Suspect => "degraded",
            _ => "bad",
        })
    };
    let flags: Vec<Value> = table
        .flags()
        .iter()
        .map(|flag| json!({"name": flag.name, "mask": flag.mask, "value": flag.value, "level": level(flag.value)}))
        .collect();
    let kind = match table.kind() {
        FlagKind::Bits => "bits",
        FlagKind::Values => "values",
        FlagKind::Fields => "fields",
    };
    json!({"kind": kind, "flags": flags})
}
