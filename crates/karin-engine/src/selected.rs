//! Selected values of a granule, or of some of its lines at a time, as stored and as true values: what extracts and plots
//! are made of.

use std::ops::Range;
use std::sync::Arc;

use karin_core::{Array, Dataset, DatasetError, Packing, PackingError, Values, VariableMeta};

use crate::engine::Engine;
use crate::load::gate_path;
use crate::mask::{blocks, chunk_lines};
use crate::plan::{Column, Piece};
use crate::source::Entry;
use crate::swath::{self, Shape, Swath};
use crate::{EngineError, Mask};

/// Some lines of one swath of a granule: what is selected at a time, so that memory stays bounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The granule.
    pub piece: Piece,
    /// Path of the swath's group; empty for the root.
    pub group: String,
    /// Indices of its lines in the granule.
    pub lines: Range<usize>,
}

/// What a selection keeps of one swath of one granule.
pub struct SelectedPass {
    /// The granule.
    pub entry: Entry,
    /// The granule, opened: for whatever else of it is wanted.
    pub dataset: Arc<dyn Dataset>,
    /// The swath.
    pub swath: Swath,
    /// Indices in the granule of the lines that are kept, ascending.
    pub lines: Vec<usize>,
    /// What is kept of the pixels, by indices of the granule.
    pub mask: Arc<Mask>,
    /// Degrees east of each pixel of the kept lines.
    pub longitude: Coordinate,
    /// Degrees north of each pixel of the kept lines.
    pub latitude: Coordinate,
    /// Seconds since 2000-01-01 of each kept line; NaN where there is none.
    pub time: Vec<f64>,
    /// The variables, in the order of the plan.
    pub variables: Vec<SelectedVariable>,
}

/// A coordinate of every pixel of the kept lines, as the granule stores it.
#[derive(Clone, Debug)]
pub struct Coordinate {
    /// What the stored numbers mean.
    pub packing: Packing,
    /// The stored numbers.
    pub packed: Values,
}

impl Coordinate {
    /// True values, NaN where there is none.
    pub fn decoded(&self) -> Vec<f64> {
        let numbers = self.packing.decode(&self.packed);
        numbers.unwrap_or_else(|_| vec![f64::NAN; self.packed.len()])
    }

    /// The same numbers, packed so.
    ///
    /// # Errors
    /// If that packing cannot hold one of them.
    pub fn packed_as(&self, packing: &Packing) -> Result<Values, PackingError> {
        // Numbers that are no fill come out as they went in; of two kinds of fill only one would.
        let is_same = *packing == self.packing && packing.missing.is_none() && packing.dtype.is_integer();
        if is_same {
            Ok(self.packed.clone())
        } else {
            packing.encode(&self.decoded())
        }
    }
}

/// The values of one variable on the kept lines.
#[derive(Clone, Debug)]
pub struct SelectedVariable {
    /// Its column of the plan.
    pub column: Column,
    /// Its metadata in this granule; type `float64` for derived variables.
    pub meta: VariableMeta,
    /// How it lies on the swath.
    pub shape: Shape,
    /// Stored values of the kept lines (all values, where lines are none of its dimensions); fill, or NaN for derived
    /// variables, where the selection or its quality keeps none.
    pub packed: Array,
}

impl SelectedVariable {
    /// True values, NaN where there is none. Text has none: all NaN.
    pub fn decoded(&self) -> Vec<f64> {
        let values = &self.packed.values;
        match Packing::of(&self.meta).and_then(|packing| packing.decode(values).ok()) {
            Some(decoded) => decoded,
            None => vec![f64::NAN; values.len()],
        }
    }
}

impl SelectedPass {
    /// True if the pixel of a kept line (counted from 0 among `lines`) is kept.
    pub fn keeps(&self, kept_line: usize, pixel: usize) -> bool {
        self.lines
            .get(kept_line)
            .is_some_and(|line| self.mask.keeps(*line, pixel))
    }
}

impl Engine<'_> {
    /// What the plan keeps of a granule, one item per swath; swaths of which nothing is kept are left out.
    ///
    /// # Errors
    /// If the granule cannot be read.
    pub fn select(&self, piece: &Piece) -> Result<Vec<SelectedPass>, EngineError> {
        let mut selected = Vec::new();
        for part in self.parts(piece, |swath| swath.num_lines)? {
            selected.extend(self.select_part(&part)?);
        }
        Ok(selected)
    }

    /// The swaths of a granule, cut into parts of so many lines as `lines` says of each; of whole chunks of lines, where
    /// they are longer. Swaths of several parts have none where no line is at the latitudes and times of the selection.
    ///
    /// # Errors
    /// If the granule cannot be read.
    pub fn parts(&self, piece: &Piece, lines: impl Fn(&Swath) -> usize) -> Result<Vec<Part>, EngineError> {
        let dataset = self.open(piece)?;
        let mut parts = Vec::new();
        for swath in Swath::of(dataset.root(), self.plan.selection().side) {
            parts.extend(self.parts_of(piece, dataset.as_ref(), &swath, lines(&swath).max(1))?);
        }
        Ok(parts)
    }

    fn parts_of(
        &self,
        piece: &Piece,
        dataset: &dyn Dataset,
        swath: &Swath,
        rows: usize,
    ) -> Result<Vec<Part>, DatasetError> {
        let part = |lines: Range<usize>| Part {
            piece: *piece,
            group: swath.group.clone(),
            lines,
        };
        if rows >= swath.num_lines {
            let whole = (!swath.is_empty()).then(|| part(0..swath.num_lines));
            return Ok(whole.into_iter().collect());
        }
        let all = self.lines_in_reach(piece, dataset, swath)?;
        let chunk = chunk_lines(dataset, &swath.latitude);
        Ok(blocks(&all, rows, chunk).map(part).collect())
    }

    /// Finds the region on the pass of a part, where all its cycles share that: done before the threads ask for it, it is done
    /// once, by all of them. What cannot be read is told when the part's turn comes.
    pub fn prepare(&self, part: &Part) {
        if !self.is_shared_mask(&part.piece) {
            return;
        }
        let find = || -> Result<(), DatasetError> {
            let dataset = self.open(&part.piece)?;
            let swath = self.swath(dataset.as_ref(), &part.group)?;
            self.mask(&part.piece, dataset.as_ref(), &swath, part.lines.clone())?;
            Ok(())
        };
        let _ = find();
    }

    /// Lines of a swath of which all variables of the plan, selected, take about so many bytes.
    pub fn lines_within(&self, swath: &Swath, bytes: u64) -> usize {
        let columns = self.plan.columns().iter();
        let of_column = |column: &Column| match (column.shape, column.derived) {
            // As stored, picked, and on its way to the output.
            (Shape::Pixels, false) => 3 * swath.num_pixels * column.meta.dtype.size().max(1),
            (Shape::Lines(n), _) => 3 * n * column.meta.dtype.size().max(1),
            // The result and its inputs.
            (Shape::Pixels, true) => 6 * 8 * swath.num_pixels,
            (Shape::Other(_), _) => 0,
        };
        let line: usize = columns
            .filter(|column| column.group == swath.group)
            .map(of_column)
            .sum();
        // Coordinates as stored, as true values, and picked; masks.
        let line = line + (56 + self.plan.formulas().bytes_per_pixel()) * swath.num_pixels;
        usize::try_from(bytes / line.max(1) as u64).unwrap_or(usize::MAX)
    }

    /// What the plan keeps of some lines of a granule; `None` if nothing.
    ///
    /// # Errors
    /// If the granule cannot be read.
    pub fn select_part(&self, part: &Part) -> Result<Option<SelectedPass>, EngineError> {
        let piece = &part.piece;
        let dataset = self.open(piece)?;
        let swath = self.swath(dataset.as_ref(), &part.group)?;
        let mask = self.mask(piece, dataset.as_ref(), &swath, part.lines.clone())?;
        let lines: Vec<usize> = mask.lines.clone().filter(|line| mask.keeps_line(*line)).collect();
        if lines.is_empty() {
            return Ok(None);
        }
        self.select_swath(piece, &dataset, swath, mask, lines).map(Some)
    }

    fn select_swath(
        &self,
        piece: &Piece,
        dataset: &Arc<dyn Dataset>,
        swath: Swath,
        mask: Arc<Mask>,
        lines: Vec<usize>,
    ) -> Result<SelectedPass, EngineError> {
        self.announce(dataset.as_ref(), &swath);
        let (longitude, latitude) = coordinates(dataset.as_ref(), &swath, &mask, &lines)?;
        let time = swath.times(dataset.as_ref(), mask.lines.clone())?;
        let start = mask.lines.start;
        let columns = self
            .plan
            .columns()
            .iter()
            .filter(|column| column.group == swath.group);
        let variables =
            columns.map(|column| self.select_variable(piece, dataset, &swath, &mask, &lines, column));
        let variables = variables.collect::<Result<Vec<_>, _>>()?;
        let entry = self
            .plan
            .entry(piece)
            .cloned()
            .ok_or_else(|| EngineError::Empty("no such granule".into()))?;
        Ok(SelectedPass {
            entry,
            dataset: Arc::clone(dataset),
            longitude,
            latitude,
            time: rows_of(time, &lines, start),
            swath,
            lines,
            mask,
            variables,
        })
    }

    /// Tells the granule what will be read of it: coordinates, variables and their flags.
    fn announce(&self, dataset: &dyn Dataset, swath: &Swath) {
        let mut paths = vec![swath.longitude.clone(), swath.latitude.clone()];
        paths.extend(swath.time.clone());
        let level = self.plan.selection().quality;
        let columns = self.plan.columns().iter();
        for column in columns.filter(|column| column.group == swath.group && !column.derived) {
            paths.push(column.path());
            paths.extend(gate_path(dataset, swath, &column.name, level).map(|(_, path)| path));
        }
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        dataset.will_read(&paths);
    }

    fn select_variable(
        &self,
        piece: &Piece,
        dataset: &Arc<dyn Dataset>,
        swath: &Swath,
        mask: &Mask,
        lines: &[usize],
        column: &Column,
    ) -> Result<SelectedVariable, DatasetError> {
        let rows = mask.lines.clone();
        let path = column.path();
        let root = dataset.root();
        let (meta, lengths, shape) = if column.derived {
            (
                column.meta.clone(),
                vec![swath.num_lines, swath.num_pixels],
                Shape::Pixels,
            )
        } else {
            let missing = || DatasetError::no_variable(dataset.label(), &path);
            let meta = root.variable(&path).ok_or_else(missing)?.clone();
            let shape = swath.shape_of(root, &path).ok_or_else(missing)?;
            (meta, root.shape(&path).ok_or_else(missing)?, shape)
        };
        let own = Column {
            packing: Packing::of(&meta),
            shape,
            ..column.clone()
        };
        let mut values = Values::zeros(
            if column.derived {
                meta.dtype
            } else {
                own_type(&own, &meta)
            },
            0,
        );
        macro_rules! load {
            ($($variant:ident),*) => {
                match &mut values {
                    $(Values::$variant(out) => self.load_packed_masked(piece, &own, rows, Some(mask), out)?,)*
                    Values::Float64(out) if column.derived => {
                        self.load_real_masked(piece, &own, rows, Some(mask), out)?
                    }
                    Values::Float64(out) => self.load_packed_masked(piece, &own, rows, Some(mask), out)?,
                    // 64-bit integers and text are passed through as they are.
                    _ => values = self.load_plain(dataset.as_ref(), &own, rows)?,
                }
            };
        }
        load!(Int8, UInt8, Int16, UInt16, Int32, UInt32, Float32);
        if let Shape::Other(_) = shape {
            return Ok(SelectedVariable {
                column: own,
                meta,
                shape,
                packed: Array {
                    shape: lengths,
                    values,
                },
            });
        }
        let width = lengths.iter().skip(1).product();
        let values = if lines.len() * width == values.len() {
            values
        } else {
            pick_rows(&values, lines, mask.lines.start, width)
        };
        let mut lengths = lengths;
        if let Some(first) = lengths.first_mut() {
            *first = lines.len();
        }
        Ok(SelectedVariable {
            column: own,
            meta,
            shape,
            packed: Array {
                shape: lengths,
                values,
            },
        })
    }

    fn load_plain(
        &self,
        dataset: &dyn Dataset,
        column: &Column,
        rows: Range<usize>,
    ) -> Result<Values, DatasetError> {
        let path = column.path();
        let shape = dataset
            .root()
            .shape(&path)
            .ok_or_else(|| DatasetError::no_variable(dataset.label(), &path))?;
        let slab = match column.shape {
            Shape::Other(_) => karin_core::Slab::all(&shape),
            Shape::Pixels | Shape::Lines(_) => karin_core::Slab::rows(&shape, rows),
        };
        Ok(dataset.read_slab(&path, &slab)?.values)
    }
}

/// Longitudes and latitudes of the kept lines.
fn coordinates(
    dataset: &dyn Dataset,
    swath: &Swath,
    mask: &Mask,
    lines: &[usize],
) -> Result<(Coordinate, Coordinate), DatasetError> {
    let pick = |values: &Values, start: usize| pick_rows(values, lines, start, swath.num_pixels);
    if let Some(known) = &mask.positions
        && known.lines.start <= mask.lines.start
        && mask.lines.end <= known.lines.end
    {
        let of = |(packing, values): &(Packing, Values)| Coordinate {
            packing: packing.clone(),
            packed: pick(values, known.lines.start),
        };
        return Ok((of(&known.longitude), of(&known.latitude)));
    }
    let read = |path: &str| -> Result<Coordinate, DatasetError> {
        let (packing, values) = swath::packed_rows(dataset, path, mask.lines.clone())?;
        let packed = pick(&values, mask.lines.start);
        Ok(Coordinate { packing, packed })
    };
    Ok((read(&swath.longitude)?, read(&swath.latitude)?))
}

/// The type in which values are loaded: of the packing, else of the variable.
fn own_type(column: &Column, meta: &VariableMeta) -> karin_core::DType {
    column
        .packing
        .as_ref()
        .map_or(meta.dtype, |packing| packing.dtype)
}

/// The rows of `lines` from values of consecutive lines starting at `start`.
fn rows_of(values: Vec<f64>, lines: &[usize], start: usize) -> Vec<f64> {
    if lines.len() == values.len() {
        return values;
    }
    let of_line = |line: &usize| values.get(line - start).copied();
    lines.iter().filter_map(of_line).collect()
}

/// The rows of `lines` from values of consecutive lines starting at `start`.
fn pick_rows(values: &Values, lines: &[usize], start: usize, width: usize) -> Values {
    macro_rules! pick {
        ($($variant:ident),*) => {
            match values {
                $(Values::$variant(values) => {
                    let mut out = Vec::with_capacity(lines.len() * width);
                    for line in lines {
                        let at = (line - start) * width;
                        out.extend(values.get(at..at + width).unwrap_or_default().iter().cloned());
                    }
                    Values::$variant(out)
                })*
            }
        };
    }
    pick!(
        Int8, UInt8, Int16, UInt16, Int32, UInt32, Int64, UInt64, Float32, Float64, Char, String
    )
}
