//! A simulated granule as a dataset: values are computed when they are read.

use std::ops::Range;

use karin_core::orbit::{FixedGrid, Lines, SwathSide};
use karin_core::{
    DType, Dataset, DatasetError, GranuleName, GroupMeta, Number, Orbit, Packed, Packing, Slab, VariableMeta,
};

use super::formula;
use super::scene::{Scene, Spot};

/// A simulated granule. Reading a variable computes it: the same slab always reads the same.
pub struct SimulatedGranule {
    pub(super) label: String,
    pub(super) name: GranuleName,
    pub(super) root: GroupMeta,
    pub(super) scene: Scene,
    /// Lines at which level 3 has a nadir value.
    pub(super) nadir_lines: Vec<usize>,
    /// Lines of the 250 m sides; `None` for the fixed grid.
    pub(super) fine_lines: Option<Lines>,
}

/// Pixels of a line of the 250 m product of level 3, both sides and the gap.
const FINE_PIXELS: usize = 519;

/// What the indices of a variable mean.
struct Layout {
    has_lines: bool,
    columns: Columns,
    /// Lines and pixels of the swath for each of its own: 8 and 10 on the Doppler grid of the 250 m product.
    stride: (usize, usize),
}

enum Columns {
    One,
    Pixels,
    Sides,
}

impl std::fmt::Debug for SimulatedGranule {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SimulatedGranule")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl SimulatedGranule {
    /// The name of the granule, with the times of its first and last line that has data.
    pub const fn name(&self) -> &GranuleName {
        &self.name
    }

    fn variable(&self, path: &str) -> Result<&VariableMeta, DatasetError> {
        self.root
            .variable(path)
            .ok_or_else(|| DatasetError::no_variable(&self.label, path))
    }

    /// The place of a line and a column of a variable in the group `side`.
    fn spot(&self, side: Option<SwathSide>, layout: &Layout, line: usize, column: usize) -> Spot {
        let (line, column) = (line * layout.stride.0, column * layout.stride.1);
        match self.fine_lines {
            Some(lines) => {
                let number = (line * FINE_PIXELS + column) * 2 + usize::from(side == Some(SwathSide::Right));
                let across = match (side, &layout.columns) {
                    (_, Columns::Pixels) => fine_across(side, column),
                    // The time of a side is that of its inner edge.
                    (Some(side), _) => side.across_of(0),
                    (None, _) => 0.0,
                };
                self.scene.place(lines.along_m(line), across, number as u64)
            }
            None => {
                let pixel = match layout.columns {
                    Columns::Pixels => column,
                    Columns::One => FixedGrid::NADIR,
                    Columns::Sides => [17, 51].get(column).copied().unwrap_or(FixedGrid::NADIR),
                };
                self.scene.pixel(line, pixel)
            }
        }
    }

    fn read_numbers(&self, path: &str, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError> {
        let variable = self.variable(path)?;
        if variable.dimensions.iter().any(|name| name == "num_nadir") {
            return self.read_nadir(variable, slab, out);
        }
        let layout = Layout::of(variable);
        let side = side_of(path);
        if let (Some(lines), (1, 1), "longitude" | "latitude") =
            (self.fine_lines, layout.stride, variable.name.as_str())
        {
            return self.read_positions(variable, (side, lines), &layout, slab, out);
        }
        let formula = formula::of(&self.scene, variable);
        let (lines, columns) = layout.ranges(slab);
        let encoder = Encoder::of(variable);
        let mut row = vec![f64::NAN; columns.len()];
        let row_bytes = columns.len() * variable.dtype.size();
        let nadir = self.nadir_values(variable);
        for (line, out) in lines.zip(out.chunks_exact_mut(row_bytes.max(1))) {
            for (value, column) in row.iter_mut().zip(columns.clone()) {
                *value = formula(&self.spot(side, &layout, line, column));
            }
            if nadir
                && self.nadir_lines.binary_search(&line).is_ok()
                && let Some(value) = row.get_mut(FixedGrid::NADIR.wrapping_sub(columns.start))
            {
                let spot = self.scene.pixel(line, FixedGrid::NADIR);
                *value = f64::from(self.scene.sea_level(&spot) + self.scene.noise(&spot));
            }
            encoder.write(&row, out);
        }
        Ok(())
    }

    /// Positions at 250 m, line by line: placing every pixel by itself takes three times as long.
    fn read_positions(
        &self,
        variable: &VariableMeta,
        (side, lines): (Option<SwathSide>, Lines),
        layout: &Layout,
        slab: &Slab,
        out: &mut [u8],
    ) -> Result<(), DatasetError> {
        let geometry = &self.scene.geometry;
        let (rows, columns) = layout.ranges(slab);
        let across: Vec<f64> = columns.clone().map(|column| fine_across(side, column)).collect();
        let encoder = Encoder::of(variable);
        let row_bytes = columns.len() * variable.dtype.size();
        let missing = vec![f64::NAN; columns.len()];
        for (line, out) in rows.zip(out.chunks_exact_mut(row_bytes.max(1))) {
            if self.scene.is_missing(&self.spot(side, layout, line, 0)) {
                encoder.write(&missing, out);
                continue;
            }
            let lattice =
                Orbit::of(geometry.phase).lattice(geometry.pass, lines.part(line..line + 1), &across);
            let values = if variable.name == "longitude" {
                &lattice.longitude
            } else {
                &lattice.latitude
            };
            encoder.write(values, out);
        }
        Ok(())
    }

    /// True for the anomalies of level 3 into which nadir values are clipped.
    fn nadir_values(&self, variable: &VariableMeta) -> bool {
        variable.name.starts_with("ssha") && !self.nadir_lines.is_empty()
    }

    fn read_nadir(&self, variable: &VariableMeta, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError> {
        let range = first_range(slab);
        let lines = self.nadir_lines.get(range).unwrap_or(&[]);
        let value = |line: &usize| match variable.name.as_str() {
            "i_num_line" => *line as f64,
            _ => FixedGrid::NADIR as f64,
        };
        let values: Vec<f64> = lines.iter().map(value).collect();
        Encoder::of(variable).write(&values, out);
        Ok(())
    }

    /// Letters: the polarisation of each side.
    fn read_letters(&self, path: &str, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError> {
        let layout = Layout::of(self.variable(path)?);
        let (_, columns) = layout.ranges(slab);
        let letter = |column: usize| match (side_of(path), column) {
            (Some(SwathSide::Left), _) | (None, 0) => b'H',
            _ => b'V',
        };
        for row in out.chunks_exact_mut(columns.len().max(1)) {
            for (out, column) in row.iter_mut().zip(columns.clone()) {
                *out = letter(column);
            }
        }
        Ok(())
    }
}

impl Dataset for SimulatedGranule {
    fn label(&self) -> &str {
        &self.label
    }

    fn root(&self) -> &GroupMeta {
        &self.root
    }

    fn read_into(&self, path: &str, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError> {
        let variable = self.variable(path)?;
        let fits = self.root.shape(path).is_some_and(|shape| slab.fits(&shape));
        if !fits || out.len() != slab.len() * variable.dtype.size() {
            return Err(DatasetError::invalid(
                &self.label,
                path,
                "the slab lies outside it, or the buffer does not fit",
            ));
        }
        match variable.dtype {
            DType::String => Err(DatasetError::invalid(&self.label, path, "it holds strings")),
            DType::Char => self.read_letters(path, slab, out),
            _ => self.read_numbers(path, slab, out),
        }
    }
}

impl Layout {
    fn of(variable: &VariableMeta) -> Self {
        let has = |name: &str| variable.dimensions.iter().any(|own| own == name);
        let columns = match () {
            () if has("num_pixels") || has("num_doppler_miti_pixels") => Columns::Pixels,
            () if has("num_sides") => Columns::Sides,
            () => Columns::One,
        };
        let is_doppler = has("num_doppler_miti_lines");
        let stride = if is_doppler { (8, 10) } else { (1, 1) };
        Self {
            has_lines: has("num_lines") || is_doppler,
            columns,
            stride,
        }
    }

    /// The lines and columns of a slab; a variable without them has one.
    fn ranges(&self, slab: &Slab) -> (Range<usize>, Range<usize>) {
        let range = |dimension: usize| {
            let (start, count) = (slab.start.get(dimension), slab.count.get(dimension));
            start
                .zip(count)
                .map_or(0..1, |(start, count)| *start..start + count)
        };
        let lines = if self.has_lines { range(0) } else { 0..1 };
        let columns = match self.columns {
            Columns::One => 0..1,
            Columns::Pixels | Columns::Sides => range(usize::from(self.has_lines)),
        };
        (lines, columns)
    }
}

fn side_of(path: &str) -> Option<SwathSide> {
    match path.split_once('/')?.0 {
        "left" => Some(SwathSide::Left),
        "right" => Some(SwathSide::Right),
        _ => None,
    }
}

/// Metres across of a pixel of the 250 m products: of one side, or of the whole swath from left to right.
fn fine_across(side: Option<SwathSide>, column: usize) -> f64 {
    match side {
        Some(side) => side.across_of(column),
        None => 250.0 * (column as f64 - (FINE_PIXELS / 2) as f64),
    }
}

fn first_range(slab: &Slab) -> Range<usize> {
    let (start, count) = (slab.start.first(), slab.count.first());
    start
        .zip(count)
        .map_or(0..0, |(start, count)| *start..start + count)
}

/// Packs values of one variable; what the type cannot hold becomes the nearest that it can.
struct Encoder {
    dtype: DType,
    steps_per_unit: f64,
    fill: Number,
}

impl Encoder {
    fn of(variable: &VariableMeta) -> Self {
        let packing = Packing::of(variable).unwrap_or(Packing::plain(variable.dtype));
        Self {
            dtype: packing.dtype,
            steps_per_unit: packing.scale.recip(),
            fill: packing.fill.unwrap_or(Number::Signed(0)),
        }
    }

    fn write(&self, values: &[f64], out: &mut [u8]) {
        macro_rules! integers {
            ($type:ty) => {{
                let fill = <$type>::of_number(self.fill).unwrap_or(<$type>::MAX);
                // The number next to the fill, towards zero.
                let beside = if fill > 0 { fill - 1 } else { fill + 1 };
                self.each(values, out, |value| {
                    let packed = (value * self.steps_per_unit).round() as $type;
                    match () {
                        () if value.is_nan() => fill.to_ne_bytes(),
                        () if packed == fill => beside.to_ne_bytes(),
                        () => packed.to_ne_bytes(),
                    }
                });
            }};
        }
        macro_rules! floats {
            ($type:ty) => {{
                let fill = <$type>::of_number(self.fill).unwrap_or(<$type>::NAN);
                self.each(values, out, |value| {
                    if value.is_nan() { fill } else { value as $type }.to_ne_bytes()
                });
            }};
        }
        match self.dtype {
            DType::Int8 => integers!(i8),
            DType::UInt8 => integers!(u8),
            DType::Int16 => integers!(i16),
            DType::UInt16 => integers!(u16),
            DType::Int32 => integers!(i32),
            DType::UInt32 => integers!(u32),
            DType::Int64 => integers!(i64),
            DType::UInt64 => integers!(u64),
            DType::Float32 => floats!(f32),
            DType::Float64 => floats!(f64),
            DType::Char | DType::String => {}
        }
    }

    fn each<const SIZE: usize>(&self, values: &[f64], out: &mut [u8], bytes: impl Fn(f64) -> [u8; SIZE]) {
        for (value, out) in values.iter().zip(out.as_chunks_mut::<SIZE>().0) {
            *out = bytes(*value);
        }
    }
}
