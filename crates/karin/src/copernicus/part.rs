//! A part of a grid as a dataset that is read when it is written.

use std::collections::HashMap;

use karin_core::time::TimeUnits;
use karin_core::{
    Array, AttrValue, DType, Dataset, DatasetError, GroupMeta, Region, Selection, Slab, VariableMeta,
};
use karin_store::ForeignZarr;

use super::axes::{self, Run};
use crate::Error;

/// Chunks of the output have at most so many bytes.
const LARGEST_CHUNK: usize = 8 << 20;

/// A part of a Zarr store.
pub(super) struct Part {
    zarr: ForeignZarr,
    root: GroupMeta,
    /// The places that are taken along each dimension.
    runs: HashMap<String, Vec<Run>>,
    variables: Vec<String>,
    longitude: Option<String>,
}

/// What a coordinate is, by its standard name or its usual ones.
fn is_called(variable: &VariableMeta, standard: &str, usual: &[&str]) -> bool {
    variable.attributes.text("standard_name") == Some(standard) || usual.contains(&variable.name.as_str())
}

impl Part {
    /// The part of a store that lies inside of a selection.
    ///
    /// # Errors
    /// If a variable is unknown, the region is no box, nothing lies inside, or coordinates cannot be read.
    pub(super) fn of(zarr: ForeignZarr, selection: &Selection) -> Result<Self, Error> {
        let full = zarr.root().clone();
        let is_coordinate = |variable: &VariableMeta| variable.dimensions == [variable.name.clone()];
        let grids = || full.variables.iter().filter(|variable| !is_coordinate(variable));
        for asked in &selection.variables {
            if !grids().any(|variable| variable.name == *asked) {
                let names: Vec<&str> = grids().map(|variable| variable.name.as_str()).collect();
                let hint = karin_core::suggest::did_you_mean(asked, names.iter().copied());
                let why = zarr.left_out().iter().find(|(name, _)| name == asked);
                let why = why.map_or_else(String::new, |(_, reason)| format!(" ({reason})"));
                let reason = format!("the grid has no {asked}{why}{hint}; it has {}", names.join(", "));
                return Err(Error::option("--vars", reason));
            }
        }
        let variables: Vec<String> = match selection.variables.as_slice() {
            [] => grids().map(|variable| variable.name.clone()).collect(),
            asked => asked.to_vec(),
        };
        let mut part = Self {
            root: full.clone(),
            zarr,
            runs: HashMap::new(),
            variables,
            longitude: None,
        };
        part.fetch_coordinates(full.variables.iter().filter(|one| is_coordinate(one)));
        for dimension in &full.dimensions {
            let coordinate = full
                .variables
                .iter()
                .find(|one| one.name == dimension.name && is_coordinate(one));
            let runs = part.choose(coordinate, dimension.size, selection)?;
            if runs.is_empty() {
                let reason = format!("nothing of the grid lies inside along {}", dimension.name);
                return Err(Error::option("selection", reason));
            }
            part.runs.insert(dimension.name.clone(), runs);
        }
        part.restructure();
        Ok(part)
    }

    /// Has all coordinates fetched at once. What cannot be had is told by who reads it.
    fn fetch_coordinates<'v>(&self, coordinates: impl Iterator<Item = &'v VariableMeta>) {
        std::thread::scope(|scope| {
            for variable in coordinates {
                scope.spawn(|| self.zarr.read(&variable.name));
            }
        });
    }

    fn choose(
        &mut self,
        coordinate: Option<&VariableMeta>,
        size: usize,
        selection: &Selection,
    ) -> Result<Vec<Run>, Error> {
        let bounds = match &selection.region {
            Some(Region::Box(bounds)) => Some(bounds),
            Some(Region::Polygon(_)) => {
                return Err(Error::option(
                    "--polygon",
                    "parts of grids are boxes: --bbox W,S,E,N",
                ));
            }
            None => None,
        };
        let Some(coordinate) = coordinate else {
            return Ok(axes::all(size));
        };
        let values = || -> Result<Vec<f64>, Error> {
            let array = self.zarr.read_slab(&coordinate.name, &Slab::all(&[size]))?;
            array
                .values
                .to_f64()
                .ok_or_else(|| Error::option("grid", format!("{} holds no numbers", coordinate.name)))
        };
        if is_called(coordinate, "longitude", &["longitude", "lon"]) {
            self.longitude = Some(coordinate.name.clone());
            return Ok(match bounds {
                Some(bounds) => axes::longitudes(&values()?, bounds),
                None => axes::all(size),
            });
        }
        if is_called(coordinate, "latitude", &["latitude", "lat"])
            && let Some(bounds) = bounds
        {
            return Ok(axes::latitudes(&values()?, bounds));
        }
        if is_called(coordinate, "time", &["time"])
            && let Some(time) = &selection.time
        {
            // Stores of the service without units count milliseconds since 1970.
            let units = coordinate
                .attributes
                .text("units")
                .unwrap_or("milliseconds since 1970-01-01");
            let units = TimeUnits::parse(units).map_err(|error| Error::option("time", error.to_string()))?;
            return Ok(axes::times(&values()?, units, time));
        }
        Ok(axes::all(size))
    }

    /// The structure of the part: dimensions as long as what is taken, chunks for it, variables that are asked for.
    fn restructure(&mut self) {
        let used: Vec<String> = (self.root.variables.iter())
            .filter(|variable| self.variables.contains(&variable.name))
            .flat_map(|variable| variable.dimensions.clone())
            .collect();
        self.root
            .dimensions
            .retain(|dimension| used.contains(&dimension.name));
        let runs = &self.runs;
        let taken = |name: &String| {
            runs.get(name)
                .map_or(0, |runs| runs.iter().map(|run| run.places.len()).sum())
        };
        for dimension in &mut self.root.dimensions {
            dimension.size = taken(&dimension.name);
        }
        let variables = &self.variables;
        self.root.variables.retain(|variable| {
            variables.contains(&variable.name)
                || variable.dimensions.len() == 1 && used.contains(&variable.name)
        });
        for variable in &mut self.root.variables {
            let shape: Vec<usize> = variable.dimensions.iter().map(taken).collect();
            let chunks = self.zarr.chunks(&variable.name).unwrap_or_default();
            variable.storage.chunks = Some(chunks_for(&shape, chunks, variable.dtype.size()));
            if shape.is_empty() {
                variable.storage.chunks = None;
            }
        }
    }

    /// Says in the attributes what it was made of.
    pub(super) fn describe(&mut self, from: &str, history: &str) {
        let attributes = &mut self.root.attributes;
        let old = attributes
            .text("history")
            .map(|text| format!("\n{text}"))
            .unwrap_or_default();
        attributes.set("history", AttrValue::Text(format!("{history}{old}")));
        attributes.set("source_dataset", AttrValue::Text(from.to_owned()));
        if attributes.get("Conventions").is_none() {
            attributes.set("Conventions", AttrValue::Text("CF-1.6".to_owned()));
        }
    }

    pub(super) fn variables(&self) -> &[String] {
        &self.variables
    }

    /// Bytes of the values.
    pub(super) fn bytes(&self) -> u64 {
        let length = |name: &String| {
            self.root
                .dimensions
                .iter()
                .find(|one| one.name == *name)
                .map_or(1, |one| one.size)
        };
        let of = |variable: &VariableMeta| {
            variable.dimensions.iter().map(length).product::<usize>() * variable.dtype.size()
        };
        self.root
            .variables
            .iter()
            .map(|variable| of(variable) as u64)
            .sum()
    }

    /// Elements of the chunks that have to be fetched.
    pub(super) fn cost(&self) -> u64 {
        self.touched(|chunk| chunk)
    }

    /// Chunks of the variables that have to be fetched.
    pub(super) fn chunks(&self) -> u64 {
        self.touched(|_| 1)
    }

    /// Sum over the chunks that have to be fetched, of which each counts along a dimension what `weight` makes of its length.
    fn touched(&self, weight: impl Fn(usize) -> usize) -> u64 {
        let of = |variable: &VariableMeta| -> u64 {
            let chunks = self.zarr.chunks(&variable.name).unwrap_or_default();
            let along = |(name, chunk): (&String, &usize)| -> u64 {
                let runs = self.runs.get(name).into_iter().flatten();
                let touched = runs.map(|run| (run.places.end - 1) / chunk - run.places.start / chunk + 1);
                (touched.sum::<usize>() * weight(*chunk)) as u64
            };
            variable.dimensions.iter().zip(chunks).map(along).product()
        };
        let variables = self.root.variables.iter();
        variables
            .filter(|variable| self.variables.contains(&variable.name))
            .map(of)
            .sum()
    }

    /// Bytes of the largest chunk that is read or written.
    pub(super) fn largest_chunk(&self) -> u64 {
        let bytes = |variable: &VariableMeta| {
            let size = |chunks: &[usize]| (chunks.iter().product::<usize>() * variable.dtype.size()) as u64;
            let read = self.zarr.chunks(&variable.name).map_or(0, size);
            read.max(variable.storage.chunks.as_deref().map_or(0, size))
        };
        self.root.variables.iter().map(bytes).max().unwrap_or(0)
    }
}

/// Chunks of the output: those of the store, or all of a dimension that has few of them, as long as they stay small.
fn chunks_for(shape: &[usize], chunks: &[usize], element: usize) -> Vec<usize> {
    let mut wanted: Vec<usize> = shape
        .iter()
        .zip(chunks)
        .map(|(size, chunk)| (*chunk).min(*size).max(1))
        .collect();
    for axis in (0..wanted.len()).rev() {
        let mut larger = wanted.clone();
        let (Some(slot), Some(size), Some(chunk)) = (larger.get_mut(axis), shape.get(axis), chunks.get(axis))
        else {
            continue;
        };
        *slot = (*size).max(1);
        if *size <= 2 * chunk && larger.iter().product::<usize>() * element <= LARGEST_CHUNK {
            wanted = larger;
        }
    }
    wanted
}

impl Dataset for Part {
    fn label(&self) -> &str {
        self.zarr.label()
    }

    fn root(&self) -> &GroupMeta {
        &self.root
    }

    fn read_into(&self, path: &str, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError> {
        let variable = self
            .root
            .variable(path)
            .ok_or_else(|| DatasetError::no_variable(self.label(), path))?;
        let Some((axis, left, right)) = self.split(variable, slab) else {
            return self.read_run(variable, slab, out);
        };
        let element = variable.dtype.size();
        let mut halves = [vec![0; left.len() * element], vec![0; right.len() * element]];
        let [one, two] = &mut halves;
        self.read_into(path, &left, one)?;
        self.read_into(path, &right, two)?;
        // Row by row along the axes before it.
        let inner = |slab: &Slab| slab.count.iter().skip(axis).product::<usize>() * element;
        let (a, b) = (inner(&left).max(1), inner(&right).max(1));
        let rows = one.chunks_exact(a).zip(two.chunks_exact(b));
        for (row, (one, two)) in out.chunks_exact_mut(a + b).zip(rows) {
            let (first, second) = row.split_at_mut(a);
            first.copy_from_slice(one);
            second.copy_from_slice(two);
        }
        Ok(())
    }

    fn will_read_in_order(&self, parts: &mut dyn Iterator<Item = (&str, Slab)>) {
        let mut inner = parts.flat_map(|(path, slab)| {
            let Some(variable) = self.root.variable(path) else {
                return Vec::new();
            };
            let runs = match self.split(variable, &slab) {
                Some((_, left, right)) => vec![left, right],
                None => vec![slab],
            };
            let of_store = |run| (path, self.of_store(variable, &run).0);
            runs.into_iter().map(of_store).collect()
        });
        self.zarr.will_read_in_order(&mut inner);
    }
}

impl Part {
    /// The two halves of a slab in which a dimension goes from one run to the next, which one does at most; and which.
    fn split(&self, variable: &VariableMeta, slab: &Slab) -> Option<(usize, Slab, Slab)> {
        let (axis, at) = variable.dimensions.iter().enumerate().find_map(|(axis, name)| {
            let runs = self.runs.get(name)?;
            let first = runs.first()?.places.len();
            let (start, count) = (*slab.start.get(axis)?, *slab.count.get(axis)?);
            (runs.len() > 1 && start < first && start + count > first).then_some((axis, first - start))
        })?;
        let (mut left, mut right) = (slab.clone(), slab.clone());
        *left.count.get_mut(axis)? = at;
        *right.start.get_mut(axis)? += at;
        *right.count.get_mut(axis)? -= at;
        Some((axis, left, right))
    }

    /// Where a slab that lies in one run along every dimension lies in the store, and what is added to its longitudes.
    fn of_store(&self, variable: &VariableMeta, slab: &Slab) -> (Slab, f64) {
        let mut inner = slab.clone();
        let mut shift = 0.0;
        for (name, start) in variable.dimensions.iter().zip(&mut inner.start) {
            let runs = self.runs.get(name).map(Vec::as_slice).unwrap_or_default();
            let mut before = 0;
            for run in runs {
                if *start < before + run.places.len() {
                    *start = *start - before + run.places.start;
                    shift = run.shift;
                    break;
                }
                before += run.places.len();
            }
        }
        (inner, shift)
    }

    /// Reads a slab that lies in one run along every dimension.
    fn read_run(&self, variable: &VariableMeta, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError> {
        let (inner, shift) = self.of_store(variable, slab);
        self.zarr.read_into(&variable.name, &inner, out)?;
        if shift != 0.0 && self.longitude.as_deref() == Some(&variable.name) {
            self.turn(variable, shift, &inner, out)?;
        }
        Ok(())
    }

    /// Adds whole turns to longitudes.
    fn turn(
        &self,
        variable: &VariableMeta,
        shift: f64,
        inner: &Slab,
        out: &mut [u8],
    ) -> Result<(), DatasetError> {
        let mut array = Array::zeros(variable.dtype, &inner.count);
        array.values.as_bytes_mut().copy_from_slice(out);
        match (variable.dtype, &mut array.values) {
            (DType::Float32, karin_core::Values::Float32(values)) => {
                values
                    .iter_mut()
                    .for_each(|value| *value = (f64::from(*value) + shift) as f32);
            }
            (DType::Float64, karin_core::Values::Float64(values)) => {
                values.iter_mut().for_each(|value| *value += shift);
            }
            _ => {
                let reason =
                    "its longitudes are whole numbers and cannot be counted on across the seam of the grid";
                return Err(DatasetError::invalid(self.label(), &variable.name, reason));
            }
        }
        out.copy_from_slice(array.values.as_bytes());
        Ok(())
    }
}
