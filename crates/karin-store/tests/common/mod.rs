//! Granules made in memory from the product tables, on the true track of their pass.
#![allow(dead_code, reason = "every test file uses its own part")]

use std::collections::HashMap;
use std::sync::Arc;

use karin_core::{
    Array, AttrValue, DType, Dataset, DatasetError, ErrorKind, GranuleName, GranuleStructure, GroupMeta,
    HalfOrbit, Orbit, Product, Schema, Slab, Values, VariableMeta, Version, granule_structure,
};
use karin_store::{Collection, IncomingGranule, Ingest, IngestOptions, Outcome, Repository, StoreError};

/// A dataset that lies in memory.
#[derive(Clone, Debug)]
pub struct InMemory {
    pub root: GroupMeta,
    pub arrays: HashMap<String, Array>,
}

impl Dataset for InMemory {
    fn label(&self) -> &str {
        "a granule in memory"
    }

    fn root(&self) -> &GroupMeta {
        &self.root
    }

    fn read_into(&self, path: &str, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError> {
        let array = self
            .arrays
            .get(path)
            .ok_or_else(|| DatasetError::no_variable(self.label(), path))?;
        let first = slab.start.first().copied().unwrap_or(0);
        let last = first + slab.count.first().copied().unwrap_or(0);
        if *slab != Slab::rows(&array.shape, first..last) || !slab.fits(&array.shape) {
            let reason = "whole rows only";
            return Err(DatasetError::new(
                ErrorKind::Unsupported,
                self.label(),
                path,
                reason,
            ));
        }
        let bytes = array.values.as_bytes();
        let row = bytes.len() / array.shape.first().copied().unwrap_or(1).max(1);
        let rows = if slab.start.is_empty() {
            bytes
        } else {
            &bytes[first * row..last * row]
        };
        out.copy_from_slice(rows);
        Ok(())
    }
}

/// A granule and its name.
#[derive(Clone, Debug)]
pub struct Granule {
    pub name: GranuleName,
    pub data: InMemory,
}

pub fn name(product: Product, half_orbit: HalfOrbit, version: &str) -> GranuleName {
    let start = 7.7e8 + f64::from(half_orbit.cycle.0) * 1.8e6 + f64::from(half_orbit.pass.0) * 3086.0;
    GranuleName {
        product,
        half_orbit,
        start,
        end: start + 3086.0,
        version: Version::parse(version),
        variant: String::new(),
    }
}

/// A whole granule of that identity.
pub fn granule(product: Product, schema: Schema, half_orbit: HalfOrbit, version: &str) -> Granule {
    let structure = granule_structure(product, &schema).expect("a structure").clone();
    let structure = if structure.fixed_lines.is_none() {
        structure
            .with_dimension("left/num_lines", 9_000)
            .with_dimension("right/num_lines", 9_100)
    } else {
        structure.with_dimension("num_nadir", 700)
    };
    of_structure(&structure, half_orbit, version)
}

/// A whole granule with only the coordinates and those variables.
pub fn lean(
    product: Product,
    schema: Schema,
    half_orbit: HalfOrbit,
    version: &str,
    names: &[&str],
) -> Granule {
    let structure = granule_structure(product, &schema).expect("a structure").clone();
    of_structure(&structure.lean(names).expect("known names"), half_orbit, version)
}

fn of_structure(structure: &GranuleStructure, half_orbit: HalfOrbit, version: &str) -> Granule {
    let mut name = name(structure.product, half_orbit, version);
    if structure.fixed_lines.is_none() {
        name.end = name.start + 333.0;
    }
    let mut root = structure.root.clone();
    if root.attributes.get("cycle_number").is_some() {
        root.attributes.set(
            "cycle_number",
            AttrValue::number(half_orbit.cycle.0.cast_signed()),
        );
        root.attributes.set("crid", version);
    }
    let mut arrays = HashMap::new();
    for path in root.variable_paths() {
        let variable = root.variable(&path).expect("listed").clone();
        let shape = root.shape(&path).expect("its dimensions are there");
        let seed = seed_of(&path) ^ u64::from(half_orbit.cycle.0) << 20 ^ seed_of(version);
        let values = values(
            &variable,
            &path,
            &shape,
            half_orbit,
            seed,
            structure.fixed_lines,
            name.start,
        );
        arrays.insert(path, Array { shape, values });
    }
    Granule {
        name,
        data: InMemory { root, arrays },
    }
}

fn seed_of(text: &str) -> u64 {
    text.bytes().fold(7, |sum, byte| sum * 31 + u64::from(byte))
}

fn values(
    variable: &VariableMeta,
    path: &str,
    shape: &[usize],
    half_orbit: HalfOrbit,
    seed: u64,
    fixed_lines: Option<usize>,
    start: f64,
) -> Values {
    let count = shape.iter().product();
    let is_latitude = variable.name == "latitude";
    if is_latitude || variable.name == "longitude" {
        return coordinates(path, shape, half_orbit, fixed_lines, is_latitude);
    }
    if variable.name == "time" || variable.name == "time_tai" {
        return (0..count)
            .map(|line| start + line as f64 * 0.3131)
            .collect::<Vec<f64>>()
            .into();
    }
    if !variable
        .dimensions
        .iter()
        .any(|name| name == "num_lines" || name == "num_nadir")
    {
        let plain: Vec<f64> = (0..count).map(|index| index as f64 * 2.0 - 68.0).collect();
        return cast(variable.dtype, &plain, None);
    }
    let mut state = seed | 1;
    let noise: Vec<f64> = (0..count)
        .map(|index| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            100.0 + (index as f64 * 1e-3).sin() * 60.0 + f64::from((state >> 60) as u32)
        })
        .collect();
    // Some lines are missing.
    let fill = karin_core::Packing::of(variable)
        .and_then(|packing| packing.fill)
        .map(|fill| fill.to_f64());
    let row = shape.iter().skip(1).product::<usize>().max(1);
    cast(
        variable.dtype,
        &noise,
        fill.map(|fill| (fill, row * 40..row * 90)),
    )
}

fn cast(dtype: DType, values: &[f64], fill: Option<(f64, std::ops::Range<usize>)>) -> Values {
    let at = |index: usize| match &fill {
        Some((fill, range)) if range.contains(&index) => *fill,
        _ => values[index],
    };
    let all = 0..values.len();
    match dtype {
        DType::Int8 => all.map(|i| at(i) as i8).collect::<Vec<_>>().into(),
        DType::UInt8 => all.map(|i| at(i) as u8).collect::<Vec<_>>().into(),
        DType::Int16 => all.map(|i| at(i) as i16).collect::<Vec<_>>().into(),
        DType::UInt16 => all.map(|i| at(i) as u16).collect::<Vec<_>>().into(),
        DType::Int32 => all.map(|i| at(i) as i32).collect::<Vec<_>>().into(),
        DType::UInt32 => all.map(|i| at(i) as u32).collect::<Vec<_>>().into(),
        DType::Int64 => all.map(|i| at(i) as i64).collect::<Vec<_>>().into(),
        DType::UInt64 => all.map(|i| at(i) as u64).collect::<Vec<_>>().into(),
        DType::Float32 => all.map(|i| at(i) as f32).collect::<Vec<_>>().into(),
        DType::Float64 => all.map(at).collect::<Vec<_>>().into(),
        DType::Char => Values::Char(all.map(|i| b'A' + (at(i) as u8) % 20).collect()),
        DType::String => Values::String(vec![String::new(); values.len()]),
    }
}

/// Coordinates on the track, in millionths of a degree.
fn coordinates(
    path: &str,
    shape: &[usize],
    half_orbit: HalfOrbit,
    fixed_lines: Option<usize>,
    latitude: bool,
) -> Values {
    let orbit = Orbit::of(half_orbit.phase().expect("a phase"));
    let (lines, pixels) = (shape[0], shape.get(1).copied().unwrap_or(1));
    let sign = if path.starts_with("left") { -1.0 } else { 1.0 };
    let pack = |(longitude, parallel): (f64, f64)| {
        let value = if latitude { parallel } else { longitude };
        (value * 1e6).round() as i32
    };
    let step = if fixed_lines.is_some() { 2000.0 } else { 237.0 };
    let column = |pixel: usize| match fixed_lines {
        Some(_) if pixels > 1 => 2000.0 * (pixel as f64 - 34.0),
        Some(_) => 0.0,
        None if path.starts_with("left") || path.starts_with("right") => {
            sign * (5_000.0 + 250.0 * pixel as f64)
        }
        None => 250.0 * (pixel as f64 - 259.0),
    };
    let mut out = Vec::with_capacity(lines * pixels);
    for line in 0..lines {
        // Every pixel of a line lies on a straight line between its ends: near enough for a test.
        let at = |across: f64| orbit.point(half_orbit.pass, line as f64 * step, across);
        let (first, last) = (at(column(0)), at(column(pixels - 1)));
        let middle = at(column(pixels / 2));
        for pixel in 0..pixels {
            let near = |a: f64, b: f64| a + (b - a) * pixel as f64 / (pixels.max(2) - 1) as f64;
            out.push(if pixel == pixels / 2 {
                pack(middle)
            } else {
                pack((near(first.0, last.0), near(first.1, last.1)))
            });
        }
    }
    out.into()
}

pub fn ingest(
    repository: &Arc<Repository>,
    options: &IngestOptions,
    granules: &[&Granule],
) -> Vec<Result<Outcome, StoreError>> {
    let mut ingest = Ingest::begin(repository, options.clone()).expect("begin");
    let outcomes = granules.iter().map(|granule| put(&mut ingest, granule)).collect();
    ingest.commit().expect("commit");
    outcomes
}

pub fn put(ingest: &mut Ingest<'_>, granule: &Granule) -> Result<Outcome, StoreError> {
    let mut hasher = blake3::Hasher::new();
    let mut paths: Vec<_> = granule.data.arrays.keys().collect();
    paths.sort();
    paths.iter().for_each(|path| {
        hasher.update(granule.data.arrays[*path].values.as_bytes());
    });
    ingest.put(&IncomingGranule {
        name: &granule.name,
        dataset: &granule.data,
        source_name: &granule.name.file_name(),
        size: 1234,
        checksum: *hasher.finalize().as_bytes(),
        origin: None,
    })
}

/// The granule of the collection equals the one in memory: structure, kinds, order, and every value.
pub fn assert_equal(collection: &Collection, granule: &Granule) {
    let group = collection.groups().iter().find(|group| {
        group.key().product == granule.name.product
            && Some(group.key().schema) == granule.name.schema()
            && Some(group.key().phase) == granule.name.half_orbit.phase()
    });
    let stored = group
        .expect("its group")
        .granule(granule.name.half_orbit)
        .expect("the granule");
    assert_eq!(*stored.root(), granule.data.root);
    for path in granule.data.root.variable_paths() {
        let found = stored.read(&path).expect("readable");
        assert!(found == granule.data.arrays[&path], "{path} differs");
    }
}
