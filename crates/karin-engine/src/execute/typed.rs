//! The type that the values of a column are accumulated in, chosen once for all kinds of reductions.

use std::ops::Range;

use karin_core::{DType, DatasetError};

use super::Work;
use crate::plan::{Column, Piece};
use crate::reduction::{Fill, Sample, Scale};

/// Reads values of some lines of a granule.
pub(super) type Load<T> =
    fn(&Work<'_>, &Piece, &Column, Range<usize>, &mut Vec<T>) -> Result<(), DatasetError>;

/// How the values of a column are read, and what they mean.
#[derive(Clone, Copy)]
pub(super) struct Kind<T: Sample> {
    pub(super) fill: Fill<T>,
    pub(super) scale: Scale,
    pub(super) load: Load<T>,
}

/// What is done once the type is known.
pub(super) trait OfKind {
    type Out;
    fn of<T: Sample>(self, kind: Kind<T>) -> Self::Out;
}

/// Does it in the type of the column: as stored where all granules share a packing, else as true values; pairs where the
/// reduction compares two fields. `None` for text.
pub(super) fn typed<U: OfKind>(work: &Work<'_>, column: &Column, job: U) -> Option<U::Out> {
    if work.reduction.with.is_some() {
        return Some(job.of(Kind {
            fill: Fill::PAIR,
            scale: Scale::NONE,
            load: |work, piece, column, lines, out| {
                let with = work.partner(column);
                let with = with.ok_or_else(|| DatasetError::no_variable("", &column.group))?;
                work.engine.load_pairs(piece, (column, with), lines, out)
            },
        }));
    }
    let Some(packing) = &column.packing else {
        return Some(job.of(Kind {
            fill: Fill::REAL,
            scale: Scale::NONE,
            load: |work, piece, column, lines, out| work.engine.load_real(piece, column, lines, out),
        }));
    };
    let scale = Scale {
        scale: packing.scale,
        offset: packing.offset,
    };
    macro_rules! of {
        ($($dtype:ident => $type:ty),*) => {
            match packing.dtype {
                $(DType::$dtype => Some(job.of(Kind::<$type> {
                    fill: Fill::of(packing)?,
                    scale,
                    load: |work, piece, column, lines, out| work.engine.load_packed(piece, column, lines, out),
                })),)*
                DType::Int64 | DType::UInt64 | DType::Char | DType::String => None,
            }
        };
    }
    of!(Int8 => i8, UInt8 => u8, Int16 => i16, UInt16 => u16, Int32 => i32, UInt32 => u32, Float32 => f32,
        Float64 => f64)
}

/// Bytes of a value of a column as it is accumulated.
pub(super) fn item_size(work: &Work<'_>, column: &Column) -> usize {
    if work.reduction.with.is_some() {
        // And the fields by themselves while they are read.
        return 4 * size_of::<f64>();
    }
    column.packing.as_ref().map_or(8, |packing| packing.dtype.size())
}
