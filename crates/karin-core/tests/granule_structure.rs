//! The structure tables against real files, which netCDF4-python and h5py describe.

use std::process::Command;

use karin_core::{AttrValue, GroupMeta, Product, Schema, VariableMeta, granule_structure};

/// Prints a file as the JSON of a `GroupMeta`. h5py tells `NC_STRING` from `NC_CHAR`, which netCDF4 does not.
const DESCRIBE: &str = r#"
import json, sys
import h5py, netCDF4, numpy as np
path = sys.argv[1]
with h5py.File(path) as raw:
    strings = {(name, key)
               for name, item in [("", raw), *raw.items()] for key in item.attrs
               if (kind := item.attrs.get_id(key).get_type()).get_class() == h5py.h5t.STRING
               and kind.is_variable_str()}
def attribute(owner, key, value):
    if isinstance(value, bytes):
        value = value.decode()
    if isinstance(value, str):
        return {"type": "string" if (owner, key) in strings else "char", "value": [value]}
    value = np.asarray(value)
    if value.dtype.kind == "S":
        return {"type": "char", "value": [b"".join(value.reshape(-1)).decode()]}
    return {"type": value.dtype.name, "value": [repr(x) for x in value.reshape(-1).tolist()]}
def attributes(owner, item):
    return [[key, attribute(owner, key, item.getncattr(key))] for key in item.ncattrs()]
def variable(item):
    filters, chunks = item.filters(), item.chunking()
    return {"name": item.name, "dtype": "char" if item.dtype == "S1" else np.dtype(item.dtype).name,
            "dimensions": list(item.dimensions), "attributes": attributes(item.name, item),
            "storage": {"chunks": None if chunks == "contiguous" else chunks, "shuffle": filters["shuffle"],
                        "deflate": filters["complevel"] if filters["zlib"] else None,
                        "fletcher32": filters["fletcher32"], "big_endian": item.endian() == "big", "fill": "Fill"}}
with netCDF4.Dataset(path) as file:
    dimensions = [{"name": d.name, "size": len(d), "unlimited": d.isunlimited()} for d in file.dimensions.values()]
    print(json.dumps({"name": "", "dimensions": dimensions, "attributes": attributes("", file), "groups": [],
                      "variables": [variable(v) for v in file.variables.values()]}))
"#;

/// The structure of a real file; `None` after a said skip.
fn describe(test: &str, file: &str) -> Option<GroupMeta> {
    let path = test_support::reference_data(test, file)?;
    let python = test_support::python(test)?;
    let output = Command::new(python)
        .args(["-c", DESCRIBE])
        .arg(path)
        .output()
        .expect("run Python");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(serde_json::from_slice(&output.stdout).expect("a group as JSON"))
}

#[test]
fn level_3_expert_of_release_2_equals_a_whole_real_granule() {
    let test = "level_3_expert_of_release_2_equals_a_whole_real_granule";
    let file = "swot_l3/SWOT_L3_LR_SSH_Expert_026_165_20241229T165806_20241229T174933_v2.0.1.nc";
    let Some(mut real) = describe(test, file) else {
        return;
    };
    let structure = granule_structure(Product::L3Expert, &Schema::V2)
        .unwrap()
        .clone()
        .with_dimension("num_nadir", 726);
    // Only what every granule has its own of is taken from the table, and it must have the same type.
    for name in &structure.varying_attributes {
        let stated = structure.root.attributes.get(name).unwrap();
        let found = real.attributes.get(name).unwrap();
        assert_eq!(stated.dtype(), found.dtype(), "{name}");
        real.attributes.set(name.clone(), stated.clone());
    }
    assert_eq!(structure.root.dimensions, real.dimensions);
    assert_eq!(structure.root.attributes, real.attributes);
    for (stated, found) in structure.root.variables.iter().zip(&real.variables) {
        assert_eq!(stated, found);
    }
    assert_eq!(structure.root, real);
}

/// Compares variables of an excerpt that another tool wrote: type, dimensions and filters, and every attribute in
/// any order, but those that the tool adds or changes.
fn assert_like(stated: &VariableMeta, found: &VariableMeta) {
    let name = &found.name;
    assert_eq!(stated.dtype, found.dtype, "{name}");
    assert_eq!(stated.dimensions, found.dimensions, "{name}");
    assert_eq!(
        (stated.storage.shuffle, stated.storage.deflate),
        (found.storage.shuffle, found.storage.deflate)
    );
    let is_added = |key: &str, value: &AttrValue| {
        // xarray gives every float a NaN fill and shortens the units of times.
        (key == "_FillValue" && value.as_f64().is_some_and(f64::is_nan))
            || (key == "units" && name.starts_with("time"))
    };
    for (key, value) in found.attributes.iter() {
        if !is_added(key, value) {
            assert_eq!(stated.attributes.get(key), Some(value), "{name}:{key}");
        }
    }
    for (key, _) in stated.attributes.iter() {
        assert!(
            found.attributes.get(key).is_some(),
            "{name}:{key} is not in the file"
        );
    }
}

#[test]
fn level_3_expert_of_release_1_is_like_its_real_excerpt() {
    let test = "level_3_expert_of_release_1_is_like_its_real_excerpt";
    let file = "swot_l3/SWOT_L3_LR_SSH_Expert_001_155_20230726T173637_20230726T182803_v1.0.2_fcs.nc";
    let Some(real) = describe(test, file) else {
        return;
    };
    let structure = granule_structure(Product::L3Expert, &Schema::V1).unwrap();
    let added = ["num_lines", "num_pixels"];
    let found: Vec<_> = (real.variables.iter())
        .filter(|v| !added.contains(&v.name.as_str()))
        .collect();
    assert_eq!(structure.root.variables.len(), found.len());
    for (stated, found) in structure.root.variables.iter().zip(found) {
        assert_eq!(stated.name, found.name);
        assert_like(stated, found);
    }
}

#[test]
fn level_2_unsmoothed_of_baseline_c_is_like_its_real_excerpt() {
    let test = "level_2_unsmoothed_of_baseline_c_is_like_its_real_excerpt";
    let Some(real) = describe(test, "swot_l2_subset/ssh_unsmoothed_group.nc") else {
        return;
    };
    let structure = granule_structure(Product::L2Unsmoothed, &Schema::C).unwrap();
    let left = structure.root.group("left").unwrap();
    assert_eq!(left.attributes, real.attributes);
    assert_eq!(left.variables.len(), real.variables.len());
    for (stated, found) in left.variables.iter().zip(&real.variables) {
        assert_eq!(stated.name, found.name);
        assert_like(stated, found);
    }
}

#[test]
fn level_2_expert_holds_the_variables_of_a_real_excerpt() {
    let test = "level_2_expert_holds_the_variables_of_a_real_excerpt";
    let Some(real) = describe(test, "swot_l2_subset/SWOT_AGULHAS.nc") else {
        return;
    };
    let expert = &granule_structure(Product::L2Expert, &Schema::C).unwrap().root;
    for name in ["latitude", "longitude", "latitude_nadir", "longitude_nadir"] {
        let stated = expert.variable(name).unwrap();
        let found = real.variable(name).unwrap();
        assert_like(stated, found);
    }
    // Renamed by the authors of the excerpt; the quality flag says what it was.
    for (ours, theirs) in [("wind_speed_karin_2", "wind_speed"), ("sig0_karin_2", "sigma_0")] {
        let (stated, found) = (expert.variable(ours).unwrap(), real.variable(theirs).unwrap());
        assert_eq!(stated.dtype, found.dtype);
        for key in [
            "_FillValue",
            "scale_factor",
            "quality_flag",
            "valid_min",
            "valid_max",
            "coordinates",
        ] {
            assert_eq!(
                stated.attributes.get(key),
                found.attributes.get(key),
                "{ours}:{key}"
            );
        }
    }
}
