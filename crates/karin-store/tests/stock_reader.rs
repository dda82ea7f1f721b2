//! Stock `icechunk` and `xarray.open_zarr` see what was ingested: values, coordinates, times, attributes.

mod common;

use std::path::Path;
use std::sync::Arc;

use common::{Granule, granule, ingest, lean};
use karin_core::{DType, HalfOrbit, Packing, Product, Schema};
use karin_store::{IngestOptions, Profile, Repository};
use serde_json::{Map, Value, json};

/// Raw values of a granule as files, and what CF decoding should make of them.
fn write_expected(folder: &Path, granule: &Granule) {
    let phase = granule.name.half_orbit.phase().expect("a phase");
    let schema = granule.name.schema().expect("a schema");
    let half_orbit = granule.name.half_orbit.to_string();
    let folder = folder.join(format!("{}/{schema}/{phase}/{half_orbit}", granule.name.product));
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut variables = Map::new();
    for (path, array) in &granule.data.arrays {
        let variable = granule.data.root.variable(path).expect("listed");
        let packing = Packing::of(variable);
        let fill = match &packing {
            Some(packing) => packing.fill.map(|fill| fill.to_f64()),
            None => Some(
                variable
                    .attributes
                    .text("_FillValue")
                    .map_or(0.0, |text| f64::from(text.as_bytes()[0])),
            ),
        };
        let packing = packing.unwrap_or(Packing::plain(DType::UInt8));
        let dtype = if variable.dtype == DType::Char {
            "uint8"
        } else {
            variable.dtype.name()
        };
        let wanted = [
            "long_name",
            "units",
            "standard_name",
            "coordinates",
            "scale_factor",
            "comment",
        ];
        let attributes = variable
            .attributes
            .iter()
            .filter(|(name, _)| wanted.contains(name));
        let attributes: Map<String, Value> = attributes
            .map(|(name, value)| match value.as_text() {
                Some(text) => (name.to_owned(), Value::from(text)),
                None => (name.to_owned(), Value::from(value.as_f64())),
            })
            .collect();
        let facts = json!({
            "dtype": dtype, "shape": array.shape, "dimensions": variable.dimensions, "scale": packing.scale,
            "offset": packing.offset, "fill": fill, "attributes": attributes,
        });
        variables.insert(path.clone(), facts);
        std::fs::write(folder.join(path.replace('/', ".")), array.values.as_bytes()).expect("written");
    }
    let document = json!({ "variables": variables }).to_string();
    std::fs::write(folder.join("granule.json"), document).expect("written");
}

/// Its first argument is the script, the others are the script's.
const RUN_SCRIPT: &str =
    "import runpy, sys; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')";

#[test]
fn xarray_reads_what_was_ingested() {
    let Some(python) = test_support::python("xarray_reads_what_was_ingested") else {
        return;
    };
    let script = test_support::workspace().join("tests/oracle/read_collection.py");
    let granules = [
        granule(Product::L2Basic, Schema::D, HalfOrbit::new(476, 17), "PID0_01"),
        granule(Product::L2Basic, Schema::D, HalfOrbit::new(478, 17), "PID0_01"),
        granule(Product::L2Expert, Schema::C, HalfOrbit::new(2, 5), "PIC0_01"),
        lean(
            Product::L2Unsmoothed,
            Schema::C,
            HalfOrbit::new(1, 584),
            "PIC0_01",
            &["ssh_karin_2", "polarization_karin"],
        ),
        granule(Product::L3Expert, Schema::V2, HalfOrbit::new(3, 165), "v2.0.1"),
    ];
    for profile in [Profile::Portable, Profile::Compact] {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("collection");
        let expected = folder.path().join("expected");
        let repository =
            Repository::create(place.to_str().unwrap(), &Default::default(), &Default::default()).unwrap();
        let mut options = IngestOptions::default();
        options.profile = profile;
        for outcome in ingest(
            &Arc::new(repository),
            &options,
            &granules.iter().collect::<Vec<_>>(),
        ) {
            outcome.unwrap();
        }
        granules
            .iter()
            .for_each(|granule| write_expected(&expected, granule));
        let arguments = [script.as_os_str(), place.as_os_str(), expected.as_os_str()];
        let text = test_support::run_stock_python(&python, RUN_SCRIPT, &arguments);
        assert!(text.contains("compared "), "{text}");
    }
}
