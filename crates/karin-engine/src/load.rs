//! Reading rows of variables, masked and gated, and running expressions over them.

use std::ops::Range;

use karin_core::{Dataset, DatasetError, Packed, Packing, QualityLevel, Slab, Values, gate_of};

use crate::expression::{Program, Scratch};
use crate::fields::{Fields, Lines};
use crate::mask::gate_keep;
use crate::reduction::{Lent, Sample};
use crate::swath::{self, Shape, Swath};

/// What expressions are run on: a swath of a granule. With a level, every stored input is gated by it first.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) dataset: &'a dyn Dataset,
    pub(crate) swath: &'a Swath,
    pub(crate) level: Option<QualityLevel>,
    /// Where inputs come from that are not stored but derived from the heights around a pixel.
    pub(crate) fields: &'a Fields<'a>,
}

/// The values of a program over `lines` x pixels of a swath.
pub(crate) fn load_program(
    ground: &Ground<'_>,
    program: &Program,
    lines: Range<usize>,
) -> Result<Vec<f64>, DatasetError> {
    let mut loaded = Loaded::read(ground, program, lines)?;
    if let Some(values) = loaded.take_derived() {
        return Ok(values);
    }
    let mut out = vec![0.0; loaded.lines.len() * loaded.width];
    loaded.run(loaded.lines.clone(), &mut out);
    Ok(out)
}

/// The inputs of a program on some lines of a swath, as they are stored where they are: what it gives is computed for as many
/// lines at a time as a processor's own memory holds.
pub(crate) struct Loaded<'a> {
    program: &'a Program,
    inputs: Vec<Input>,
    scratch: Scratch,
    lines: Range<usize>,
    width: usize,
}

impl<'a> Loaded<'a> {
    /// Reads the inputs.
    pub(crate) fn read(
        ground: &Ground<'_>,
        program: &'a Program,
        lines: Range<usize>,
    ) -> Result<Self, DatasetError> {
        let stored: Vec<String> = program
            .inputs()
            .iter()
            .map(|name| ground.swath.path(name))
            .collect();
        let stored: Vec<&str> = stored.iter().map(String::as_str).collect();
        ground.dataset.will_read(&stored);
        let mut inputs = Vec::with_capacity(program.inputs().len());
        for name in program.inputs() {
            inputs.push(Input::of(ground, program, name, lines.clone())?);
        }
        Ok(Self {
            program,
            inputs,
            scratch: program.scratch(),
            lines,
            width: ground.swath.num_pixels.max(1),
        })
    }

    /// All values, if they are those of a derived input as it is, which nothing else needs.
    fn take_derived(&mut self) -> Option<Vec<f64>> {
        match (self.program.sole_input(), self.inputs.as_mut_slice()) {
            (Some(0), [Input::Derived(values)]) => values.take(self.lines.len() * self.width),
            _ => None,
        }
    }

    /// The values of the program on some of the lines.
    pub(crate) fn run(&mut self, lines: Range<usize>, out: &mut [f64]) {
        let (inputs, width) = (&self.inputs, self.width);
        let first = (lines.start - self.lines.start) * width;
        let count = (lines.len() * width).min(out.len());
        if let (Some(0), [input]) = (self.program.sole_input(), inputs.as_slice()) {
            input.fill_block(first..first + count, width, &mut out[..count]);
            return;
        }
        self.program.run(
            count,
            &mut self.scratch,
            |input, range, block| {
                if let Some(input) = inputs.get(input) {
                    input.fill_block(first + range.start..first + range.end, width, block);
                }
            },
            |_, range, block| {
                if let Some(out) = out.get_mut(range) {
                    out.copy_from_slice(block);
                }
            },
        );
    }
}

/// One input of a program.
enum Input {
    Stored(Stored),
    /// A quantity of the swath, or a filtered field.
    Derived(Lines),
}

/// Stored values, spread over pixels where they are per line or per pixel.
struct Stored {
    packing: Packing,
    values: Lent,
    spread: Spread,
}

enum Spread {
    Each,
    PerLine,
    PerPixel,
}

impl Input {
    fn of(
        ground: &Ground<'_>,
        program: &Program,
        name: &str,
        lines: Range<usize>,
    ) -> Result<Self, DatasetError> {
        if let Some(filtered) = program.filter(name) {
            return ground.fields.filtered(ground, filtered, lines).map(Self::Derived);
        }
        match ground.fields.quantity(ground, name, lines.clone())? {
            Some(values) => Ok(Self::Derived(values)),
            None => Stored::read(ground, name, lines).map(Self::Stored),
        }
    }

    fn fill_block(&self, range: Range<usize>, width: usize, block: &mut [f64]) {
        match self {
            Self::Stored(stored) => stored.fill_block(range, width, block),
            Self::Derived(values) => values.fill_block(range, block),
        }
    }
}

impl Stored {
    fn read(ground: &Ground<'_>, name: &str, lines: Range<usize>) -> Result<Self, DatasetError> {
        let Ground {
            dataset,
            swath,
            level,
            ..
        } = *ground;
        let path = swath.path(name);
        let shape = swath
            .shape_of(dataset.root(), &path)
            .ok_or_else(|| DatasetError::no_variable(dataset.label(), &path))?;
        let (rows, spread) = match shape {
            Shape::Pixels => (lines, Spread::Each),
            Shape::Lines(1) => (lines, Spread::PerLine),
            Shape::Other(n) if n == swath.num_pixels => (0..n, Spread::PerPixel),
            Shape::Lines(_) | Shape::Other(_) => {
                let reason = "its dimensions are neither lines nor pixels: it cannot stand in an expression";
                return Err(DatasetError::invalid(dataset.label(), &path, reason));
            }
        };
        let (packing, mut values) = swath::lent_rows(dataset, &path, rows.clone(), ground.fields.spare())?;
        if let Some(level) = level {
            gate_values(dataset, swath, name, rows, level, &packing, &mut values)?;
        }
        Ok(Self {
            packing,
            values,
            spread,
        })
    }

    fn fill_block(&self, range: Range<usize>, width: usize, block: &mut [f64]) {
        match self.spread {
            Spread::Each => decode_range(&self.packing, &self.values, range, block),
            Spread::PerLine | Spread::PerPixel => {
                for (value, index) in block.iter_mut().zip(range) {
                    let at = if matches!(self.spread, Spread::PerLine) {
                        index / width
                    } else {
                        index % width
                    };
                    decode_range(
                        &self.packing,
                        &self.values,
                        at..at + 1,
                        std::slice::from_mut(value),
                    );
                }
            }
        }
    }
}

/// True values of some of the stored ones, NaN where there is none.
pub(crate) fn decode_range(packing: &Packing, values: &Values, range: Range<usize>, block: &mut [f64]) {
    karin_core::with_values!(
        values,
        raw => packing.decode_into(raw.get(range).unwrap_or_default(), block),
        String(_text) => block.fill(f64::NAN)
    );
}

/// Writes fill where the variable's gate does not keep a value at that level.
fn gate_values(
    dataset: &dyn Dataset,
    swath: &Swath,
    name: &str,
    lines: Range<usize>,
    level: QualityLevel,
    packing: &Packing,
    values: &mut Values,
) -> Result<(), DatasetError> {
    let Some((gate, path)) = gate_path(dataset, swath, name, level) else {
        return Ok(());
    };
    let keep = gate_keep(dataset, &path, &gate, level, lines)?;
    drop_values(values, &keep, packing);
    Ok(())
}

/// The gate of a variable and the path of its flag, if the level needs it and the granule has it.
pub(crate) fn gate_path(
    dataset: &dyn Dataset,
    swath: &Swath,
    name: &str,
    level: QualityLevel,
) -> Option<(karin_core::Gate, String)> {
    if level == QualityLevel::Any {
        return None;
    }
    let group = dataset.root().group(&swath.group)?;
    let variable = group.variables.iter().find(|variable| variable.name == name)?;
    let gate = gate_of(group, variable)?;
    let path = swath.path(&gate.flag_variable);
    Some((gate, path))
}

/// Writes fill (NaN for floating types without one) where `keep` is 0.
pub(crate) fn drop_values(values: &mut Values, keep: &[u8], packing: &Packing) {
    macro_rules! drop_in {
        ($($variant:ident),*) => {
            match values {
                $(Values::$variant(values) => {
                    if let Some(fill) = packing.fill_as() {
                        drop_where(values, keep, fill);
                    }
                })*
                Values::Char(_) | Values::String(_) => {}
            }
        };
    }
    drop_in!(
        Int8, UInt8, Int16, UInt16, Int32, UInt32, Int64, UInt64, Float32, Float64
    );
}

/// Writes `fill` where `keep` is 0.
pub(crate) fn drop_where<T: Copy>(values: &mut [T], keep: &[u8], fill: T) {
    for (value, &keep) in values.iter_mut().zip(keep) {
        *value = if keep == 0 { fill } else { *value };
    }
}

/// Rows of a stored variable in the packing that a whole plan shares, into a buffer that is used again.
pub(crate) fn load_shared<T: Sample + Packed>(
    dataset: &dyn Dataset,
    path: &str,
    shared: &Packing,
    lines: Option<Range<usize>>,
    out: &mut Vec<T>,
) -> Result<(), DatasetError> {
    let own = swath::packing(dataset, path)?;
    let shape = dataset
        .root()
        .shape(path)
        .ok_or_else(|| DatasetError::no_variable(dataset.label(), path))?;
    let slab = lines.map_or_else(|| Slab::all(&shape), |lines| Slab::rows(&shape, lines));
    out.resize(slab.len(), T::default());
    if own.dtype == shared.dtype && own.scale == shared.scale && own.offset == shared.offset {
        dataset.read_into(path, &slab, bytemuck::cast_slice_mut(out))?;
        if own.fill != shared.fill || own.missing != shared.missing {
            let fill = shared.fill_as::<T>().unwrap_or_default();
            out.iter_mut()
                .filter(|value| own.is_fill(**value))
                .for_each(|value| *value = fill);
        }
        return Ok(());
    }
    let mut values = Values::zeros(own.dtype, slab.len());
    dataset.read_into(path, &slab, values.as_bytes_mut())?;
    let repacked = own.repack(&values, shared).map_err(|error| {
        let reason = format!("it is packed otherwise than the other granules, and {error}");
        DatasetError::new(
            karin_core::ErrorKind::SchemaMismatch,
            dataset.label(),
            path,
            reason,
        )
    })?;
    out.copy_from_slice(repacked.as_slice::<T>().unwrap_or_default());
    Ok(())
}
