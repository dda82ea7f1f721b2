//! A real server on loopback: its answers against the library's, and against those who should not be answered.

mod support;

use std::collections::HashMap;

use karin::engine::{Engine, Plan};
use karin_core::{NoProgress, Selection};
use serde_json::Value;
use support::{Client, Numbers, served};

const BASIC: &str = "L2_LR_SSH_Basic.C.calval";

/// Pixels of a line; longitudes, latitudes and values of all lines.
type Truth = (usize, Vec<f64>, Vec<f64>, Vec<f64>);
/// Sum and number of the values of each pixel of a tile, by row and column.
type Pixels = HashMap<(usize, usize), (f64, u32)>;

/// Every line of a granule as the library gives it.
fn truth(variable: &str, cycle: u16, pass: u16, quality: &str) -> Truth {
    let served = served();
    let selection = Selection::builder()
        .product("L2_LR_SSH_Basic")
        .and_then(|builder| builder.cycles(&cycle.to_string()))
        .and_then(|builder| builder.passes(&pass.to_string()))
        .and_then(|builder| builder.variables(variable))
        .and_then(|builder| builder.quality(quality))
        .and_then(karin_core::SelectionBuilder::build)
        .expect("a selection");
    let source = karin::sources::open(
        std::slice::from_ref(&served.collection),
        &karin::store::OpenOptions::default(),
        &NoProgress,
    )
    .expect("open");
    let plan = Plan::new(source, &selection, &NoProgress)
        .expect("plan")
        .remove(0);
    let engine = Engine::new(&plan, karin_core::Resources::default(), &NoProgress).expect("engine");
    let (piece, column) = (plan.pieces()[0], &plan.columns()[0]);
    let (dataset, swath) = engine.swath_of(&piece, &column.group).expect("swath");
    let (longitude, latitude) = swath
        .positions(dataset.as_ref(), 0..swath.num_lines)
        .expect("positions");
    let values = engine.field(&piece, column, 0..swath.num_lines).expect("values");
    (swath.num_pixels, longitude, latitude, values)
}

#[test]
fn strips_hold_what_is_stored_and_derived_values_are_those_of_the_engine() {
    let client = Client::new();
    for (variable, quality, is_exact) in [
        ("ssha_karin_2", "any", true),
        ("ssha_karin_2", "good", true),
        ("ssha", "suspect", false),
        ("u_geo", "any", false),
    ] {
        let (width, _, _, values) = truth(variable, 475, 13, quality);
        let lines = values.len() / width;
        for first in [0, 700, lines - 100] {
            let path = format!(
                "/api/v1/strips?group={BASIC}&var={variable}&cycle=475&pass=13&quality={quality}&lines={first}-{}",
                first + 255
            );
            let (header, arrays) = client.arrays(&path);
            let rows = header["rows"].as_u64().expect("rows") as usize;
            assert_eq!(rows, 256.min(lines - first));
            let (scale, offset, fill) = (
                header["scale"].as_f64().unwrap(),
                header["offset"].as_f64().unwrap(),
                header["fill"].as_f64(),
            );
            for (at, raw) in arrays["values"].iter().enumerate() {
                let value = if Some(*raw) == fill {
                    f64::NAN
                } else {
                    raw * scale + offset
                };
                let expected = values[first * width + at];
                let is_same = if is_exact {
                    value == expected
                } else {
                    (value - expected).abs() <= 1e-6 * expected.abs()
                };
                assert!(
                    is_same || (value.is_nan() && expected.is_nan()),
                    "{variable} {quality} {at}: {value} for {expected}"
                );
            }
            assert_eq!(arrays["time"].len(), rows);
        }
    }
}

#[test]
fn coarser_strips_are_means_of_blocks() {
    let client = Client::new();
    let (width, _, _, values) = truth("ssha_karin_2", 475, 13, "any");
    let (header, arrays) = client.arrays(&format!(
        "/api/v1/strips?group={BASIC}&var=ssha_karin_2&cycle=475&pass=13&lines=67-131&level=2"
    ));
    assert_eq!(
        (
            header["first_line"].as_u64(),
            header["rows"].as_u64(),
            header["columns"].as_u64()
        ),
        (Some(64), Some(17), Some(18))
    );
    let scale = header["scale"].as_f64().unwrap();
    for (at, raw) in arrays["values"].iter().enumerate() {
        let (row, column) = (at / 18, at % 18);
        let cells = (64 + row * 4..(68 + row * 4).min(132)).flat_map(|line| {
            (column * 4..(column * 4 + 4).min(width)).map(move |pixel| line * width + pixel)
        });
        let found: Vec<f64> = cells
            .map(|cell| values[cell])
            .filter(|value| value.is_finite())
            .collect();
        let mean = found.iter().sum::<f64>() / found.len() as f64;
        match found.is_empty() {
            true => assert_eq!(Some(*raw), header["fill"].as_f64()),
            false => assert!((raw * scale - mean).abs() <= 0.5001 * scale, "{row} {column}"),
        }
    }
}

#[test]
fn a_point_is_the_stored_value_at_the_nearest_pixel_anywhere() {
    let client = Client::new();
    let (width, longitude, latitude, values) = truth("ssha_karin_2", 475, 13, "any");
    let lines = values.len() / width;
    let mut numbers = Numbers::new(7);
    // Lines beside the antimeridian and the northernmost ones, and any others.
    let near_antimeridian =
        (0..lines).find(|line| longitude[line * width + 30] > 179.0 && longitude[line * width + 30] < 181.0);
    let northmost = (0..lines)
        .max_by(|a, b| latitude[a * width].total_cmp(&latitude[b * width]))
        .unwrap();
    let chosen: Vec<usize> = near_antimeridian
        .into_iter()
        .chain([northmost, 0, lines - 1])
        .chain((0..60).map(|_| numbers.below(lines)))
        .collect();
    for line in chosen {
        let pixel = numbers.below(width);
        let at = line * width + pixel;
        let path = format!(
            "/api/v1/point?group={BASIC}&cycle=475&pass=13&lon={}&lat={}&var=ssha_karin_2",
            longitude[at], latitude[at]
        );
        let found = client.json(&path);
        assert_eq!(
            (found["line"].as_u64(), found["pixel"].as_u64()),
            (Some(line as u64), Some(pixel as u64)),
            "{path}: {found}"
        );
        assert!(found["distance_m"].as_f64().unwrap() < 1.0);
        // The reader of this test rounds decimal numbers in its own way.
        let told = found["values"][0]["value"].as_f64().unwrap_or(f64::NAN);
        let is_same = (told - values[at]).abs() < 1e-12 || (told.is_nan() && values[at].is_nan());
        assert!(is_same, "{path}: {told} for {}", values[at]);
    }
}

#[test]
fn a_point_tells_what_its_flags_mean() {
    let found = Client::new().json(&format!("/api/v1/point?group={BASIC}&cycle=475&pass=13&line=800&pixel=20&var=ssha_karin_2&var=ssha_karin_2_qual&var=u_geo"));
    let names: Vec<&str> = found["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["ssha_karin_2", "ssha_karin_2_qual", "u_geo"]);
    let gate = &found["values"][0]["gate"];
    assert_eq!(gate["flag"], "ssha_karin_2_qual");
    assert!(["good", "suspect", "degraded", "any"].contains(&gate["kept_by"].as_str().unwrap()));
    assert_eq!(gate["raw"], found["values"][1]["raw"]);
    assert!(found["time"].as_str().unwrap().ends_with('Z'));
}

/// Pixels of a tile as means of the native cells whose centres fall on them.
fn brute_force(tile: (u32, u32, u32), places: &[(f64, f64, f64)]) -> Pixels {
    let tiles = f64::from(1_u32 << tile.0);
    let mut found = Pixels::new();
    for (longitude, latitude, value) in places.iter().filter(|place| place.2.is_finite()) {
        let x = ((longitude / 360.0 + 0.5).rem_euclid(1.0) * tiles - f64::from(tile.1)) * 256.0;
        let sine = latitude.to_radians().sin();
        let y = ((0.5 - ((1.0 + sine) / (1.0 - sine)).ln() / (4.0 * std::f64::consts::PI)) * tiles
            - f64::from(tile.2))
            * 256.0;
        if (0.0..256.0).contains(&x) && (0.0..256.0).contains(&y) {
            let cell = found.entry((y as usize, x as usize)).or_insert((0.0, 0));
            *cell = (cell.0 + value, cell.1 + 1);
        }
    }
    found
}

fn tile_of(longitude: f64, latitude: f64, z: u32) -> (u32, u32, u32) {
    let tiles = f64::from(1_u32 << z);
    let sine = latitude.to_radians().sin();
    let y = (0.5 - ((1.0 + sine) / (1.0 - sine)).ln() / (4.0 * std::f64::consts::PI)) * tiles;
    (
        z,
        ((longitude / 360.0 + 0.5).rem_euclid(1.0) * tiles) as u32,
        y as u32,
    )
}

#[test]
fn a_tile_is_the_mean_of_the_cells_that_fall_on_each_pixel() {
    let client = Client::new();
    let all: Vec<(f64, f64, f64)> = [13, 14, 1]
        .into_iter()
        .flat_map(|pass| {
            let (_, longitude, latitude, values) = truth("ssha_karin_2", 475, pass, "any");
            longitude
                .into_iter()
                .zip(latitude)
                .zip(values)
                .map(|((longitude, latitude), value)| (longitude, latitude, value))
                .collect::<Vec<_>>()
        })
        .collect();
    let mut looked_at = 0;
    // At zoom 4 and 5 cells are smaller than pixels, up to 50 degrees of latitude.
    for (index, z) in [(4000, 5), (90_000, 4), (300_000, 5), (500_000, 4)] {
        let tile = tile_of(all[index].0, all[index].1, z);
        let (header, arrays) = client.arrays(&format!(
            "/api/v1/tiles/{}/{}/{}?group={BASIC}&var=ssha_karin_2&cycles=475",
            tile.0, tile.1, tile.2
        ));
        if header["level"] != 0 || all[index].1.abs() > 50.0 {
            continue;
        }
        let (scale, offset) = (
            header["scale"].as_f64().unwrap(),
            header["offset"].as_f64().unwrap(),
        );
        let expected = brute_force(tile, &all);
        let mut wrong = 0;
        for (at, raw) in arrays["values"].iter().enumerate() {
            let value = (*raw != -32768.0).then(|| raw * scale + offset);
            let mean = expected
                .get(&(at / 256, at % 256))
                .map(|(sum, count)| sum / f64::from(*count));
            let is_same = match (value, mean) {
                (Some(value), Some(mean)) => (value - mean).abs() <= 0.51 * scale + 1e-6,
                (None, None) => true,
                _ => false,
            };
            wrong += u32::from(!is_same);
        }
        // A centre within a metre of the edge of a pixel may fall on either side of it.
        assert!(
            wrong as usize <= expected.len() / 500,
            "{tile:?}: {wrong} of {}",
            expected.len()
        );
        looked_at += expected.len();
    }
    assert!(looked_at > 1000, "{looked_at} pixels");
}

#[test]
fn magnified_tiles_show_the_pixel_they_lie_in_without_holes() {
    let client = Client::new();
    let (width, longitude, latitude, values) = truth("ssha_karin_2", 475, 13, "any");
    // A line whose swath is whole.
    let line = (500..values.len() / width - 500)
        .find(|line| {
            (10..25).all(|pixel| (line - 6..line + 6).all(|line| values[line * width + pixel].is_finite()))
        })
        .unwrap();
    let at = line * width + 17;
    let tile = tile_of(longitude[at], latitude[at], 10);
    let (header, arrays) = client.arrays(&format!(
        "/api/v1/tiles/{}/{}/{}?group={BASIC}&var=ssha_karin_2&cycles=475&stat=last",
        tile.0, tile.1, tile.2
    ));
    let (scale, offset) = (
        header["scale"].as_f64().unwrap(),
        header["offset"].as_f64().unwrap(),
    );
    let inside = brute_force(tile, &[(longitude[at], latitude[at], values[at])]);
    let ((row, column), _) = inside.into_iter().next().unwrap();
    let found = arrays["values"][row * 256 + column] * scale + offset;
    assert!((found - values[at]).abs() < 1e-6, "{found} for {}", values[at]);
}

#[test]
fn answers_that_are_known_are_not_sent_again() {
    let client = Client::new();
    let path = format!("/api/v1/strips?group={BASIC}&var=ssha_karin_2&cycle=475&pass=13&lines=0-9");
    let first = client.get(&path, &[]);
    let etag = first.header("etag").expect("an ETag");
    assert_eq!(client.get(&path, &[("if-none-match", &etag)]).status, 304);
    assert_eq!(
        client
            .get(&format!("{path}&quality=good"), &[("if-none-match", &etag)])
            .status,
        200
    );
    let snapshot = client.json("/api/v1/collections")["snapshot"].as_str().unwrap()[..12].to_owned();
    let kept = client.get(&format!("{path}&v={snapshot}"), &[]);
    assert!(kept.header("cache-control").unwrap().contains("immutable"));
    assert_eq!(kept.header("etag"), Some(etag));
}

#[test]
fn series_profiles_and_hovmoller_agree_with_the_pixels() {
    let client = Client::new();
    let (width, longitude, latitude, values) = truth("ssha_karin_2", 475, 13, "any");
    let line = (800..3000)
        .find(|line| values[line * width + 20].is_finite())
        .unwrap();
    let at = line * width + 20;
    let value = Some(values[at]);
    let series = client.json(&format!(
        "/api/v1/series?group={BASIC}&var=ssha_karin_2&lon={}&lat={}&passes=13",
        longitude[at], latitude[at]
    ));
    let points = series["points"].as_array().unwrap();
    assert_eq!(points.len(), 2, "{series}");
    assert_eq!(
        (points[0]["cycle"].as_u64(), points[0]["value"].as_f64()),
        (Some(475), value)
    );
    let along = client.json(&format!(
        "/api/v1/profile?group={BASIC}&var=ssha_karin_2&cycle=475&pass=13&pixel=20&lines={}-{}",
        line - 5,
        line + 5
    ));
    assert_eq!(along["values"][5].as_f64(), value);
    let across = client.json(&format!(
        "/api/v1/profile?group={BASIC}&var=ssha_karin_2&cycle=475&pass=13&line={line}"
    ));
    assert_eq!(
        (
            across["values"][20].as_f64(),
            across["cross_track_m"][20].as_f64()
        ),
        (value, Some(-28_000.0))
    );
    let (header, arrays) = client.arrays(&format!(
        "/api/v1/hovmoller?group={BASIC}&var=ssha_karin_2&pass=13&pixel=20"
    ));
    assert_eq!(header["cycles"], serde_json::json!([475, 476]));
    assert!((arrays["values"][line] - values[at]).abs() < 1e-6);
    let difference = client.json(&format!(
        "/api/v1/profile?group={BASIC}&var=ssha_karin_2&cycle=475&cycle_b=475&pass=13&pixel=20"
    ));
    assert!(
        difference["values"]
            .as_array()
            .unwrap()
            .iter()
            .all(|value| value.as_f64().is_none_or(|value| value == 0.0))
    );
}

#[test]
fn numbers_of_an_area_are_those_of_its_pixels() {
    let client = Client::new();
    let (width, longitude, latitude, values) = truth("ssha_karin_2", 475, 13, "any");
    let at = 2000 * width + 20;
    let (west, south) = (longitude[at] - 1.5, latitude[at] - 1.5);
    let area = format!("bbox={west},{south},{},{}", west + 3.0, south + 3.0);
    let inside: Vec<f64> = (0..values.len())
        .filter(|at| {
            (west..=west + 3.0).contains(&longitude[*at]) && (south..=south + 3.0).contains(&latitude[*at])
        })
        .map(|at| values[at])
        .filter(|value| value.is_finite())
        .collect();
    let mean = inside.iter().sum::<f64>() / inside.len() as f64;
    let stats = client.json(&format!(
        "/api/v1/stats?group={BASIC}&var=ssha_karin_2&cycles=475&passes=13&{area}"
    ));
    assert_eq!(stats["count"].as_u64(), Some(inside.len() as u64), "{stats}");
    assert!((stats["mean"].as_f64().unwrap() - mean).abs() < 1e-6);
    assert!(stats["command"].as_str().unwrap().contains("karin stat"));
    let histogram = client.json(&format!(
        "/api/v1/histogram?group={BASIC}&var=ssha_karin_2&cycles=475&passes=13&{area}&bins=20"
    ));
    let counted: u64 = histogram["counts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|count| count.as_u64().unwrap())
        .sum();
    assert_eq!(
        counted + histogram["below"].as_u64().unwrap() + histogram["above"].as_u64().unwrap(),
        inside.len() as u64
    );
    let (scatter, arrays) = client.arrays(&format!(
        "/api/v1/scatter?group={BASIC}&var=ssha_karin_2&var2=ssha_karin_2&cycles=475&passes=13&{area}"
    ));
    assert_eq!(scatter["count"].as_u64(), Some(inside.len() as u64));
    assert!(
        (scatter["slope"].as_f64().unwrap() - 1.0).abs() < 1e-9
            && arrays["density"].iter().sum::<f64>() == inside.len() as f64
    );
    let flags = client.json(&format!(
        "/api/v1/flags?group={BASIC}&var=ssha_karin_2_qual&cycles=475&passes=13&{area}"
    ));
    assert!(
        flags["kept"]["any"].as_u64() >= flags["kept"]["good"].as_u64()
            && flags["count"].as_u64() >= Some(inside.len() as u64)
    );
    let spectrum = client.json(&format!(
        "/api/v1/spectrum?group={BASIC}&var=ssha_karin_2&cycles=475&passes=13&segment_km=200"
    ));
    assert!(
        spectrum["segments"].as_u64() > Some(0)
            && spectrum["density"].as_array().unwrap().len()
                == spectrum["wavenumber"].as_array().unwrap().len()
    );
}

#[test]
fn extracts_are_what_the_library_writes() {
    let client = Client::new();
    let path = format!("/api/v1/extract?group={BASIC}&var=ssha_karin_2&cycles=475&passes=13&format=nc");
    let dry = client.json(&format!("{path}&dry_run=true"));
    assert!(dry["allowed"].as_bool().unwrap() && dry["command"].as_str().unwrap().contains("karin extract"));
    let answer = client.get(&path, &[]);
    assert!(
        answer
            .header("content-disposition")
            .unwrap()
            .contains("SWOT_L2_LR_SSH_Basic_c475_p13.nc")
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.nc");
    std::fs::write(&file, answer.body).unwrap();
    let dataset = karin::netcdf::NcFile::open(&file).unwrap();
    let stored = karin_core::Dataset::read(&dataset, "ssha_karin_2").unwrap();
    let (_, _, _, values) = truth("ssha_karin_2", 475, 13, "any");
    assert_eq!(stored.len(), values.len());
    for (path, magic) in [
        (path.replace("=nc", "=csv"), &b"#"[..]),
        (path.replace("=nc", "=zarr"), b"PK"),
        (path.replace("=nc", "=parquet"), b"PAR1"),
    ] {
        let body = client.get(&path, &[]).body;
        assert!(
            body.len() > 1000 && (body.starts_with(magic) || magic == b"#"),
            "{path}"
        );
    }
}

#[test]
fn meshes_run_from_corner_to_corner_and_on_across_the_antimeridian() {
    let client = Client::new();
    let (width, longitude, latitude, values) = truth("ssha_karin_2", 475, 13, "any");
    let lines = values.len() / width;
    let (header, arrays) = client.arrays(&format!("/api/v1/mesh?group={BASIC}&pass=13"));
    assert_eq!(
        (header["num_lines"].as_u64(), header["shared"].as_bool()),
        (Some(lines as u64), Some(true))
    );
    let (line, pixel) = (&arrays["line"], &arrays["pixel"]);
    assert_eq!(
        (line[0], line[line.len() - 1], pixel[0], pixel[pixel.len() - 1]),
        (-0.5, lines as f64 - 0.5, -0.5, width as f64 - 0.5)
    );
    let columns = pixel.len();
    for row in 1..line.len() {
        let step = arrays["lon"][row * columns] - arrays["lon"][(row - 1) * columns];
        assert!(step.abs() < 20.0, "{row}: {step}");
    }
    // The corner of four cells lies in their middle.
    for (row, column) in [(10, 4), (200, 9), (600, 12)] {
        let (line, pixel) = ((line[row] - 0.5) as usize, (pixel[column] - 0.5) as usize);
        let cells = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(a, b)| (line + a) * width + pixel + b);
        let mean = cells.iter().map(|cell| latitude[*cell]).sum::<f64>() / 4.0;
        assert!((arrays["lat"][row * columns + column] - mean).abs() < 1e-4);
        let turn = (arrays["lon"][row * columns + column] - longitude[cells[0]]) / 360.0;
        assert!((turn - turn.round()).abs() < 2e-4);
    }
}

#[test]
fn every_endpoint_is_described_and_refuses_what_it_does_not_know() {
    let client = Client::new();
    let document: Value = serde_json::from_slice(&client.get("/openapi.json", &[]).body).unwrap();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() >= 22, "{}", paths.len());
    for path in paths.keys() {
        let path = path
            .replace("{z}", "0")
            .replace("{x}", "0")
            .replace("{y}", "0")
            .replace("{group}", BASIC)
            .replace("{var}", "ssha");
        let answer = client.get(&format!("{path}?nonsense=1"), &[]);
        assert_eq!(
            (answer.status, answer.header("content-type").as_deref()),
            (400, Some("application/problem+json")),
            "{path}"
        );
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        assert!(problem["detail"].as_str().unwrap().contains("nonsense"));
    }
}

#[test]
fn maps_for_other_programs_need_the_key_and_nothing_else() {
    let client = Client::new();
    let key = client.json("/api/v1/collections")["xyz_key"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/xyz/{BASIC}/ssha/3/4/3.png?cycles=475-476&min=-0.3&max=0.3&cmap=balance");
    assert_eq!(client.bare(&path, &[]).status, 401);
    assert_eq!(client.bare(&format!("{path}&key=wrong"), &[]).status, 401);
    let answer = client.bare(&format!("{path}&key={key}"), &[("origin", "http://maps.example")]);
    assert_eq!(
        (
            answer.status,
            answer.header("access-control-allow-origin").as_deref()
        ),
        (200, Some("*"))
    );
    assert!(answer.body.starts_with(b"\x89PNG"));
    // The key opens nothing but maps.
    assert_eq!(
        client.bare(&format!("/api/v1/collections?key={key}"), &[]).status,
        401
    );
    assert_eq!(
        client
            .bare(
                "/api/v1/collections",
                &[("authorization", &format!("Bearer {key}"))]
            )
            .status,
        401
    );
}
