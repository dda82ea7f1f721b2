//! Packing against xarray and netCDF4-python, polygons against shapely: the same questions, asked of both.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use karin_core::fill::default_fill;
use karin_core::{
    AttrValue, Attributes, DType, Number, Packing, Polygon, Storage, TimeUnits, Values, VariableMeta,
};
use serde_json::{Value, json};

/// What Python answers to a question in JSON; `None` after a said skip.
fn ask(test: &str, script: &str, question: &Value) -> Option<Value> {
    let python = test_support::python(test)?;
    let mut child = Command::new(python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(question.to_string().as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the oracle failed");
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    if let Some(reason) = answer.get("skip").and_then(Value::as_str) {
        test_support::skip(test, reason);
        return None;
    }
    Some(answer)
}

fn packed(dtype: DType, attributes: Vec<(&str, AttrValue)>) -> Packing {
    let attributes: Attributes = attributes.into_iter().collect();
    let meta = VariableMeta {
        name: "x".into(),
        dtype,
        dimensions: vec![],
        attributes,
        storage: Storage::default(),
    };
    Packing::of(&meta).unwrap()
}

#[test]
fn decoding_equals_xarray_to_the_bit() {
    let script = r#"
import json, sys
import numpy as np, xarray as xr
answers = []
for case in json.load(sys.stdin):
    raw = np.array([int(x) for x in case["raw"]], dtype=case["dtype"])
    attrs = {"_FillValue": raw.dtype.type(int(case["fill"]))}
    if case["scale"] != 1.0:
        attrs["scale_factor"] = np.float64(case["scale"])
    if case["offset"] != 0.0:
        attrs["add_offset"] = np.float64(case["offset"])
    values = xr.decode_cf(xr.Dataset({"x": ("n", raw, attrs)}))["x"].values
    answers.append({"dtype": str(values.dtype), "text": [repr(float(x)) for x in values]})
json.dump(answers, sys.stdout)
"#;
    let mut cases = Vec::new();
    let mut expected = Vec::new();
    for (dtype, fill) in [
        (DType::Int16, 32_767i64),
        (DType::Int32, 2_147_483_647),
        (DType::UInt16, 65_535),
        (DType::UInt32, 4_294_967_295),
        (DType::Int32, -2_147_483_647),
    ] {
        for (scale, offset) in [
            (1e-4, 0.0),
            (1e-6, 0.0),
            (0.01, 0.0),
            (1e-3, 273.15),
            (1.0, 5.0),
            (1000.0, 0.0),
        ] {
            let range = if dtype.size() == 2 { 30_000 } else { 2_000_000_000 };
            let raw: Vec<i64> = (0..500)
                .map(|i| i * range / 500 + i % 7)
                .chain([fill, 0, 1])
                .collect();
            let bits = match dtype {
                DType::Int16 => Values::from(raw.iter().map(|&x| x as i16).collect::<Vec<_>>()),
                DType::UInt16 => raw.iter().map(|&x| x as u16).collect::<Vec<_>>().into(),
                DType::UInt32 => raw.iter().map(|&x| x as u32).collect::<Vec<_>>().into(),
                _ => raw.iter().map(|&x| x as i32).collect::<Vec<_>>().into(),
            };
            let fill_attribute = AttrValue::number(fill);
            let attributes = vec![
                ("_FillValue", fill_attribute),
                ("scale_factor", AttrValue::number(scale)),
                ("add_offset", AttrValue::number(offset)),
            ];
            expected.push(packed(dtype, attributes).decode(&bits).unwrap());
            let raw: Vec<String> = raw.iter().map(ToString::to_string).collect();
            cases.push(json!({ "dtype": dtype.name(), "fill": fill.to_string(), "scale": scale, "offset": offset, "raw": raw }));
        }
    }
    let Some(answer) = ask("decoding_equals_xarray_to_the_bit", script, &json!(cases)) else {
        return;
    };
    for ((answer, expected), case) in answer.as_array().unwrap().iter().zip(expected).zip(&cases) {
        let single = answer["dtype"] == "float32";
        for (text, value) in answer["text"].as_array().unwrap().iter().zip(expected) {
            let xarray: f64 = text.as_str().unwrap().parse().unwrap();
            // xarray may hold 16-bit integers in single precision: then ours rounds to theirs.
            let ours = if single { f64::from(value as f32) } else { value };
            assert!(
                xarray == ours || xarray.is_nan() && ours.is_nan(),
                "{xarray} {ours} {}",
                case["dtype"]
            );
        }
    }
}

#[test]
fn default_fills_and_times_equal_netcdf4() {
    let script = r#"
import json, sys
try:
    import netCDF4
except ImportError:
    json.dump({"skip": "netCDF4 is not in this Python"}, sys.stdout); sys.exit()
question = json.load(sys.stdin)
fills = {name: repr(netCDF4.default_fillvals[name].item() if hasattr(netCDF4.default_fillvals[name], "item") else netCDF4.default_fillvals[name])
         for name in question["types"]}
times = [[netCDF4.date2num(netCDF4.num2date(x, units, only_use_cftime_datetimes=True), "seconds since 2000-01-01")
          for x in question["values"]] for units in question["units"]]
json.dump({"fills": fills, "times": [[float(x) for x in row] for row in times]}, sys.stdout)
"#;
    let types = [
        ("i1", DType::Int8),
        ("u1", DType::UInt8),
        ("i2", DType::Int16),
        ("u2", DType::UInt16),
        ("i4", DType::Int32),
        ("u4", DType::UInt32),
        ("i8", DType::Int64),
        ("u8", DType::UInt64),
        ("f4", DType::Float32),
        ("f8", DType::Float64),
    ];
    let units = [
        "seconds since 2000-01-01 00:00:00.0",
        "days since 1950-01-01",
        "hours since 1900-01-01 12:00:00",
    ];
    let values = [0.0, 1.5, 27_000.25];
    let question = json!({ "types": types.map(|(name, _)| name), "units": units, "values": values });
    let Some(answer) = ask("default_fills_and_times_equal_netcdf4", script, &question) else {
        return;
    };
    for (name, dtype) in types {
        let theirs = answer["fills"][name].as_str().unwrap();
        let is_same = match default_fill(dtype).unwrap() {
            Number::Signed(fill) => theirs == fill.to_string(),
            Number::Unsigned(fill) => theirs == fill.to_string(),
            Number::Float(fill) => theirs.parse::<f64>().unwrap() == fill,
        };
        assert!(is_same, "{name}: {theirs}");
    }
    for (units, theirs) in units.iter().zip(answer["times"].as_array().unwrap()) {
        let ours = values.map(|value| TimeUnits::parse(units).unwrap().to_seconds(value));
        for (ours, theirs) in ours.iter().zip(theirs.as_array().unwrap()) {
            assert!(
                (ours - theirs.as_f64().unwrap()).abs() < 1e-6,
                "{units}: {ours} {theirs}"
            );
        }
    }
}

#[test]
fn polygons_hold_what_shapely_says() {
    let script = r#"
import json, sys
try:
    from shapely.geometry import shape, Point
except ImportError:
    json.dump({"skip": "shapely is not in this Python"}, sys.stdout); sys.exit()
question = json.load(sys.stdin)
answers = []
for geometry in question["geometries"]:
    polygon = shape(geometry)
    answers.append([any(polygon.covers(Point(x + 360 * turn, y)) for turn in (-1, 0, 1)) for x, y in question["points"]])
json.dump(answers, sys.stdout)
"#;
    let geometries = [
        json!({"type": "Polygon", "coordinates": [[[-15.0, 34.0], [36.0, 30.0], [42.5, 47.0], [3.0, 45.0], [-15.0, 34.0]],
            [[5.0, 38.0], [20.0, 36.0], [12.0, 43.0], [5.0, 38.0]]]}),
        json!({"type": "Polygon", "coordinates": [[[160.0, -60.0], [215.0, -55.5], [190.0, 0.0], [230.0, 61.0], [150.0, 50.0],
            [175.0, 10.0], [160.0, -60.0]]]}),
        json!({"type": "MultiPolygon", "coordinates": [[[[170.0, -10.0], [180.0, -10.0], [180.0, 10.0], [170.0, -10.0]]],
            [[[-180.0, -10.0], [-170.0, -10.0], [-180.0, 10.0], [-180.0, -10.0]]]]}),
    ];
    // A low-discrepancy cloud over the globe, in both conventions, and exact hits of vertices and edges.
    let cloud = (0..20_000).map(|i| {
        let part = |step: f64| (f64::from(i) * step).fract();
        (
            part(0.754_877_666_2) * 540.0 - 180.0,
            part(0.569_840_290_9) * 180.0 - 90.0,
        )
    });
    let points: Vec<(f64, f64)> = cloud
        .chain([(36.0, 30.0), (180.0, 0.0), (175.0, -10.0), (215.0, -55.5)])
        .collect();
    let question = json!({ "geometries": geometries, "points": points });
    let Some(answer) = ask("polygons_hold_what_shapely_says", script, &question) else {
        return;
    };
    for (geometry, theirs) in geometries.iter().zip(answer.as_array().unwrap()) {
        let polygon = Polygon::from_geojson(&geometry.to_string()).unwrap();
        let mut inside = 0;
        for ((x, y), theirs) in points.iter().zip(theirs.as_array().unwrap()) {
            assert_eq!(
                polygon.contains(*x, *y),
                theirs.as_bool().unwrap(),
                "({x}, {y}) in {geometry}"
            );
            inside += usize::from(theirs == true);
        }
        assert!(inside > 10, "the cloud has points inside");
    }
}
