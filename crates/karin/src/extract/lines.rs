//! Lines of many granules one behind the other, each with its cycle, pass and number in its granule.

use std::collections::BTreeMap;
use std::path::Path;

use karin_core::{
    Array, Attributes, DType, Dataset, DatasetError, GroupMeta, Packing, PackingError, Progress, Schema,
    Storage, Values, VariableMeta,
};
use karin_engine::{Column, Piece, Plan, SelectedPass, SelectedVariable, Shape, Swath};

use super::granule::derived;
use super::spool::Spool;
use super::{ExtractOptions, provenance};
use crate::{Error, joined};

/// Bytes of a chunk of what is written, about.
const CHUNK: usize = 4 << 20;

/// Where a line comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) cycle: i16,
    pub(super) pass: i16,
    pub(super) number: i32,
}

/// What was collected of one swath.
#[derive(Debug, Default)]
pub(super) struct SwathLines {
    pub(super) lines: Vec<Line>,
    /// Variables without lines that are the same in all granules; `None` once they differ.
    fixed: BTreeMap<String, Option<(VariableMeta, Array)>>,
    /// Variables along lines, by name, with the type that they are stored as.
    along: Vec<VariableMeta>,
}

/// Lines under collection.
#[derive(Debug)]
pub(super) struct Collected {
    spool: Spool,
    swaths: Vec<Swath>,
    columns: Vec<Column>,
    schemas: Vec<Schema>,
    groups: Vec<SwathLines>,
    common: Option<Attributes>,
    pieces: Vec<Piece>,
    structure: GroupMeta,
}

/// How far a collection of lines was at some time.
#[derive(Debug)]
pub(super) struct Mark {
    spool: super::spool::Mark,
    lines: Vec<usize>,
    common: Option<Attributes>,
    pieces: usize,
}

/// The lines of all granules.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) spool: Spool,
    pub(super) swaths: Vec<Swath>,
    pub(super) groups: Vec<SwathLines>,
}

impl Lines {
    /// As one dataset.
    pub(super) const fn dataset(&self) -> &dyn Dataset {
        &self.spool
    }
}

impl Collected {
    pub(super) fn new(plan: &Plan, folder: &Path, memory: u64) -> Result<Self, Error> {
        if plan.swaths().is_empty() {
            return Err(Error::option(
                "--layout",
                "these files have no swaths: extract them one by one, into a folder",
            ));
        }
        Ok(Self {
            spool: Spool::new(folder, memory / 4),
            swaths: plan.swaths().to_vec(),
            columns: plan.columns().to_vec(),
            schemas: plan.schemas(),
            groups: plan.swaths().iter().map(|_| SwathLines::default()).collect(),
            common: None,
            pieces: Vec::new(),
            structure: plan.structure().clone(),
        })
    }

    /// Adds what is selected of some lines of a granule.
    pub(super) fn add(
        &mut self,
        piece: &Piece,
        pass: &SelectedPass,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let Some(number) = self
            .swaths
            .iter()
            .position(|swath| swath.group == pass.swath.group)
        else {
            return Ok(());
        };
        let width = self.swaths.get(number).map_or(0, |swath| swath.num_pixels);
        if width != pass.swath.num_pixels {
            let reason = format!(
                "lines of {} pixels do not fit those of {width}",
                pass.swath.num_pixels
            );
            return Err(DatasetError::invalid(&pass.entry.label, &pass.swath.group, reason).into());
        }
        self.add_coordinates(piece, number, pass)?;
        for selected in &pass.variables {
            self.add_variable(number, pass, selected, progress)?;
        }
        if self.pieces.last() != Some(piece) {
            self.keep_common(&pass.dataset.root().attributes);
            self.pieces.push(*piece);
        }
        Ok(())
    }

    /// What was collected up to now, to go back to should the next granule prove unreadable half-way.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            spool: self.spool.mark(),
            lines: self.groups.iter().map(|group| group.lines.len()).collect(),
            common: self.common.clone(),
            pieces: self.pieces.len(),
        }
    }

    /// Drops what was added since.
    pub(super) fn go_back(&mut self, to: Mark) -> Result<(), Error> {
        self.spool.go_back(&to.spool)?;
        for (group, lines) in self.groups.iter_mut().zip(to.lines) {
            group.lines.truncate(lines);
            if lines == 0 {
                *group = SwathLines::default();
            }
        }
        self.common = to.common;
        self.pieces.truncate(to.pieces);
        Ok(())
    }

    fn keep_common(&mut self, attributes: &Attributes) {
        match &mut self.common {
            None => self.common = Some(attributes.clone()),
            Some(common) => {
                let same = common
                    .iter()
                    .filter(|(name, value)| attributes.get(name) == Some(*value));
                *common = same
                    .map(|(name, value)| (name.to_owned(), value.clone()))
                    .collect();
            }
        }
    }

    fn add_coordinates(&mut self, piece: &Piece, number: usize, pass: &SelectedPass) -> Result<(), Error> {
        let swath = pass.swath.clone();
        let (cycle, pass_number) = piece.half_orbit.map_or((-1, -1), |half_orbit| {
            (half_orbit.cycle.0.cast_signed(), half_orbit.pass.0.cast_signed())
        });
        let lines = original_lines(pass)?;
        let count = lines.len();
        self.put(&swath.path("cycle_number"), 1, &Values::Int16(vec![cycle; count]))?;
        self.put(
            &swath.path("pass_number"),
            1,
            &Values::Int16(vec![pass_number; count]),
        )?;
        self.put(&swath.path("line_number"), 1, &Values::Int32(lines.clone()))?;
        if self.schemas.len() > 1 {
            let index = joined::schema_of(&self.schemas, piece);
            self.put(&swath.path("schema"), 1, &Values::Int8(vec![index; count]))?;
        }
        type Pack<'p> = &'p dyn Fn(&Packing) -> Result<Values, PackingError>;
        let coordinates: [(Option<&String>, Pack<'_>); 3] = [
            (swath.time.as_ref(), &|packing| packing.encode(&pass.time)),
            (Some(&swath.longitude), &|packing| {
                pass.longitude.packed_as(packing)
            }),
            (Some(&swath.latitude), &|packing| pass.latitude.packed_as(packing)),
        ];
        for (path, pack) in coordinates {
            let Some(path) = path else { continue };
            let Some(meta) = self.structure.variable(path).cloned() else {
                continue;
            };
            let wrong = |reason: String| Error::from(DatasetError::invalid(&pass.entry.label, path, reason));
            let packing = Packing::of(&meta).ok_or_else(|| wrong("coordinates are text".into()))?;
            let values = pack(&packing).map_err(|error| wrong(error.to_string()))?;
            self.put(path, values.len() / count.max(1), &values)?;
            self.note(number, meta);
        }
        if let Some(group) = self.groups.get_mut(number) {
            group.lines.extend(lines.into_iter().map(|number| Line {
                cycle,
                pass: pass_number,
                number,
            }));
        }
        Ok(())
    }

    fn put(&mut self, path: &str, row: usize, values: &Values) -> Result<(), Error> {
        self.spool
            .append(path, values.dtype().size(), row, values.as_bytes())
    }

    fn note(&mut self, number: usize, meta: VariableMeta) {
        if let Some(group) = self.groups.get_mut(number)
            && !group.along.iter().any(|known| known.name == meta.name)
        {
            group.along.push(meta);
        }
    }

    fn add_variable(
        &mut self,
        number: usize,
        pass: &SelectedPass,
        selected: &SelectedVariable,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let swath = &pass.swath;
        let path = swath.path(&selected.column.name);
        let own = [Some(&swath.latitude), Some(&swath.longitude), swath.time.as_ref()].contains(&Some(&path));
        let indices = ["cycle_number", "pass_number", "line_number"].contains(&selected.column.name.as_str())
            || swath.lines_dimension == selected.column.name;
        if own || indices {
            return Ok(());
        }
        if let Shape::Other(_) = selected.shape {
            self.add_fixed(number, selected, progress);
            return Ok(());
        }
        let plan = self.columns.iter().find(|column| column.path() == path);
        let shared = plan.and_then(|column| column.packing.clone());
        let is_as_stored = selected.column.derived || (shared.is_some() && shared == selected.column.packing);
        let mut meta = if selected.column.derived {
            let latitude = self.structure.variable(&swath.latitude);
            derived(
                &selected.meta,
                &selected.column.name,
                latitude.map(|l| l.dimensions.clone()).unwrap_or_default(),
            )
        } else {
            plan.map_or_else(|| selected.meta.clone(), |column| column.meta.clone())
        };
        let decoded;
        let values = if is_as_stored {
            &selected.packed.values
        } else if meta.dtype.is_numeric() {
            // A variable whose packing differs between granules is written as true values.
            joined::unpack(&mut meta.attributes);
            decoded = Values::Float64(selected.decoded());
            &decoded
        } else {
            return Ok(());
        };
        meta.dtype = values.dtype();
        let row = values.len() / pass.lines.len().max(1);
        self.put(&path, row, values)?;
        self.note(number, meta);
        Ok(())
    }

    fn add_fixed(&mut self, number: usize, selected: &SelectedVariable, progress: &dyn Progress) {
        let Some(group) = self.groups.get_mut(number) else {
            return;
        };
        let name = &selected.column.name;
        match group.fixed.get_mut(name) {
            None => {
                group.fixed.insert(
                    name.clone(),
                    Some((selected.meta.clone(), selected.packed.clone())),
                );
            }
            Some(kept) if kept.as_ref().is_some_and(|(_, array)| *array != selected.packed) => {
                progress.warn(&format!(
                    "{name} has no lines and differs between granules: it is left out"
                ));
                *kept = None;
            }
            Some(_) => {}
        }
    }

    /// The structure of what was collected.
    pub(super) fn finish(mut self, plan: &Plan, options: &ExtractOptions) -> Result<Lines, Error> {
        let mut root = GroupMeta {
            attributes: self.common.take().unwrap_or_default(),
            ..GroupMeta::default()
        };
        for (swath, own) in self.swaths.iter().zip(&self.groups) {
            if own.lines.is_empty() {
                continue;
            }
            let group = joined::ensure_group(&mut root, &self.structure, &swath.group);
            fill_group(group, &self.structure, swath, own, &self.schemas);
        }
        for (swath, own) in self.swaths.iter().zip(&self.groups) {
            for (name, kept) in &own.fixed {
                if let Some((_, array)) = kept {
                    let path = swath.path(name);
                    self.spool.append(
                        &path,
                        array.values.dtype().size(),
                        array.len(),
                        array.values.as_bytes(),
                    )?;
                }
            }
        }
        provenance::describe(&mut root.attributes, plan, &self.pieces, options);
        self.spool.set_root(root);
        Ok(Lines {
            spool: self.spool,
            swaths: self.swaths,
            groups: self.groups,
        })
    }
}

/// Numbers of the kept lines in the whole granule: a crop of a crop still knows them.
fn original_lines(pass: &SelectedPass) -> Result<Vec<i32>, Error> {
    let path = pass.swath.path(&pass.swath.lines_dimension);
    let carried = match pass.dataset.root().variable(&path) {
        Some(variable) if variable.dimensions == [pass.swath.lines_dimension.clone()] => {
            super::rows::read_lines(pass.dataset.as_ref(), &path, &pass.lines)?
                .values
                .to_f64()
        }
        _ => None,
    };
    Ok(match carried {
        Some(numbers) => numbers.into_iter().map(|number| number as i32).collect(),
        None => pass.lines.iter().map(|&line| line as i32).collect(),
    })
}

fn fill_group(
    group: &mut GroupMeta,
    structure: &GroupMeta,
    swath: &Swath,
    own: &SwathLines,
    schemas: &[Schema],
) {
    let lines = &swath.lines_dimension;
    let count = own.lines.len();
    group.dimensions.push(joined::dimension(lines, count));
    let mut add = |name: &str, dtype, long_name: &str| {
        let mut meta = joined::index(name, lines, dtype, long_name);
        meta.storage = packed(&[count], dtype);
        group.variables.push(meta);
    };
    add("cycle_number", DType::Int16, "cycle of the granule");
    add("pass_number", DType::Int16, "pass of the granule");
    add(
        "line_number",
        DType::Int32,
        "index of the line in its whole granule, from 0",
    );
    if schemas.len() > 1 {
        add("schema", DType::Int8, "processing that the line is of");
        if let Some(schema) = group.variables.last_mut() {
            joined::describe_schemas(&mut schema.attributes, schemas);
        }
    }
    let places = [&swath.latitude, &swath.longitude];
    let fixed = own.fixed.values().flatten().map(|(meta, _)| meta);
    for meta in own.along.iter().chain(fixed) {
        let mut meta = meta.clone();
        let path = swath.path(&meta.name);
        let is_coordinate = places.contains(&&path) || swath.time.as_ref() == Some(&path);
        if meta.dimensions.first() == Some(lines) && !is_coordinate {
            let time = swath.time.as_deref().and_then(|path| path.rsplit('/').next());
            let origin = ORIGIN
                .iter()
                .filter(|name| **name != "schema" || schemas.len() > 1);
            let more: Vec<&str> = time.into_iter().chain(origin.copied()).collect();
            add_coordinates(&mut meta, &more);
        }
        joined::ensure_dimensions(group, &meta, |name| {
            structure.dimension_from(&swath.group, name).unwrap_or(0)
        });
        let shape = joined::lengths(group, &meta);
        meta.storage = packed(&shape, meta.dtype);
        group.variables.push(meta);
    }
}

/// Coordinates that say where a line comes from.
pub(super) const ORIGIN: [&str; 4] = ["cycle_number", "pass_number", "line_number", "schema"];

/// Adds names to the attribute `coordinates`, by which readers tell coordinates from data.
fn add_coordinates(meta: &mut VariableMeta, names: &[&str]) {
    let before = meta.attributes.text("coordinates").unwrap_or_default();
    let words = before
        .split_whitespace()
        .filter(|word| !names.contains(word))
        .chain(names.iter().copied());
    let text: Vec<&str> = words.collect();
    let text = text.join(" ");
    meta.attributes.set("coordinates", text);
}

/// Chunks of whole lines, about 4 MiB, shuffled and deflated.
fn packed(shape: &[usize], dtype: DType) -> Storage {
    let row = shape.iter().skip(1).product::<usize>() * dtype.size();
    let mut chunks = shape.to_vec();
    if let Some(first) = chunks.first_mut() {
        *first = (CHUNK / row.max(1)).clamp(1, (*first).max(1));
    }
    Storage {
        chunks: Some(chunks),
        shuffle: dtype.size() > 1,
        deflate: Some(4),
        ..Storage::default()
    }
}
