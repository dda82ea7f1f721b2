//! Typed arrays, and the rectangular parts of them.

use bytemuck::{AnyBitPattern, NoUninit};

use crate::DType;

/// Elements of one type, in native byte order and row-major order.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each variant is the DType of its name")]
pub enum Values {
    Int8(Vec<i8>),
    UInt8(Vec<u8>),
    Int16(Vec<i16>),
    UInt16(Vec<u16>),
    Int32(Vec<i32>),
    UInt32(Vec<u32>),
    Int64(Vec<i64>),
    UInt64(Vec<u64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Char(Vec<u8>),
    String(Vec<String>),
}

/// Runs `$body` with `$vec` bound to the vector inside `$values`, whatever its type.
#[macro_export]
macro_rules! with_values {
    ($values:expr, $vec:ident => $body:expr, String($text:ident) => $string_body:expr) => {
        match $values {
            $crate::Values::Int8($vec) => $body,
            $crate::Values::UInt8($vec) => $body,
            $crate::Values::Int16($vec) => $body,
            $crate::Values::UInt16($vec) => $body,
            $crate::Values::Int32($vec) => $body,
            $crate::Values::UInt32($vec) => $body,
            $crate::Values::Int64($vec) => $body,
            $crate::Values::UInt64($vec) => $body,
            $crate::Values::Float32($vec) => $body,
            $crate::Values::Float64($vec) => $body,
            $crate::Values::Char($vec) => $body,
            $crate::Values::String($text) => $string_body,
        }
    };
}

impl Values {
    /// `len` zeros (empty strings for [`DType::String`]).
    pub fn zeros(dtype: DType, len: usize) -> Self {
        match dtype {
            DType::Int8 => Self::Int8(vec![0; len]),
            DType::UInt8 => Self::UInt8(vec![0; len]),
            DType::Int16 => Self::Int16(vec![0; len]),
            DType::UInt16 => Self::UInt16(vec![0; len]),
            DType::Int32 => Self::Int32(vec![0; len]),
            DType::UInt32 => Self::UInt32(vec![0; len]),
            DType::Int64 => Self::Int64(vec![0; len]),
            DType::UInt64 => Self::UInt64(vec![0; len]),
            DType::Float32 => Self::Float32(vec![0.0; len]),
            DType::Float64 => Self::Float64(vec![0.0; len]),
            DType::Char => Self::Char(vec![0; len]),
            DType::String => Self::String(vec![String::new(); len]),
        }
    }

    /// The type of the elements.
    pub const fn dtype(&self) -> DType {
        match self {
            Self::Int8(_) => DType::Int8,
            Self::UInt8(_) => DType::UInt8,
            Self::Int16(_) => DType::Int16,
            Self::UInt16(_) => DType::UInt16,
            Self::Int32(_) => DType::Int32,
            Self::UInt32(_) => DType::UInt32,
            Self::Int64(_) => DType::Int64,
            Self::UInt64(_) => DType::UInt64,
            Self::Float32(_) => DType::Float32,
            Self::Float64(_) => DType::Float64,
            Self::Char(_) => DType::Char,
            Self::String(_) => DType::String,
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        with_values!(self, vec => vec.len(), String(text) => text.len())
    }

    /// True without elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements as bytes in native order; empty for strings.
    pub fn as_bytes(&self) -> &[u8] {
        with_values!(self, vec => bytemuck::cast_slice(vec), String(_text) => &[])
    }

    /// The elements as bytes that can be filled; empty for strings.
    pub fn as_bytes_mut(&mut self) -> &mut [u8] {
        with_values!(self, vec => bytemuck::cast_slice_mut(vec), String(_text) => &mut [])
    }

    /// The elements if they are of type `T`.
    pub fn as_slice<T: Element>(&self) -> Option<&[T]> {
        T::slice(self)
    }

    /// The elements as `f64`, packed values unscaled and fill untouched; `None` for text.
    pub fn to_f64(&self) -> Option<Vec<f64>> {
        match self {
            Self::Int8(v) => Some(v.iter().map(|&x| f64::from(x)).collect()),
            Self::UInt8(v) => Some(v.iter().map(|&x| f64::from(x)).collect()),
            Self::Int16(v) => Some(v.iter().map(|&x| f64::from(x)).collect()),
            Self::UInt16(v) => Some(v.iter().map(|&x| f64::from(x)).collect()),
            Self::Int32(v) => Some(v.iter().map(|&x| f64::from(x)).collect()),
            Self::UInt32(v) => Some(v.iter().map(|&x| f64::from(x)).collect()),
            Self::Int64(v) => Some(v.iter().map(|&x| x as f64).collect()),
            Self::UInt64(v) => Some(v.iter().map(|&x| x as f64).collect()),
            Self::Float32(v) => Some(v.iter().map(|&x| f64::from(x)).collect()),
            Self::Float64(v) => Some(v.clone()),
            Self::Char(_) | Self::String(_) => None,
        }
    }
}

/// A number type that [`Values`] can hold.
pub trait Element: NoUninit + AnyBitPattern + PartialEq + Send + Sync + 'static {
    /// The netCDF type.
    const DTYPE: DType;
    /// The slice inside, if `values` is of this type.
    fn slice(values: &Values) -> Option<&[Self]>;
    /// Wraps a vector.
    fn wrap(values: Vec<Self>) -> Values;
}

macro_rules! element {
    ($($type:ty => $variant:ident),* $(,)?) => {$(
        impl Element for $type {
            const DTYPE: DType = DType::$variant;
            fn slice(values: &Values) -> Option<&[Self]> {
                match values { Values::$variant(vec) => Some(vec), _ => None }
            }
            fn wrap(values: Vec<Self>) -> Values { Values::$variant(values) }
        }
        impl From<Vec<$type>> for Values {
            fn from(values: Vec<$type>) -> Self { Self::$variant(values) }
        }
    )*};
}
element!(i8 => Int8, u8 => UInt8, i16 => Int16, u16 => UInt16, i32 => Int32, u32 => UInt32,
         i64 => Int64, u64 => UInt64, f32 => Float32, f64 => Float64);

/// A typed array with its shape (row-major; empty shape = scalar).
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Length along each dimension.
    pub shape: Vec<usize>,
    /// The elements; as many as the product of `shape`.
    pub values: Values,
}

impl Array {
    /// Zeros of that shape.
    pub fn zeros(dtype: DType, shape: &[usize]) -> Self {
        Self {
            shape: shape.to_vec(),
            values: Values::zeros(dtype, shape.iter().product()),
        }
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True without elements.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

/// A rectangular part of an array: `count[d]` elements from `start[d]` along every dimension.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slab {
    /// First index along each dimension.
    pub start: Vec<usize>,
    /// Number of indices along each dimension.
    pub count: Vec<usize>,
}

impl Slab {
    /// The whole of an array of that shape.
    pub fn all(shape: &[usize]) -> Self {
        Self {
            start: vec![0; shape.len()],
            count: shape.to_vec(),
        }
    }

    /// Rows `lines` along the first dimension, everything along the others.
    pub fn rows(shape: &[usize], lines: std::ops::Range<usize>) -> Self {
        let mut slab = Self::all(shape);
        if let (Some(start), Some(count)) = (slab.start.first_mut(), slab.count.first_mut()) {
            *start = lines.start;
            *count = lines.len();
        }
        slab
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.count.iter().product()
    }

    /// True without elements.
    pub fn is_empty(&self) -> bool {
        self.count.contains(&0)
    }

    /// True if it lies inside an array of that shape (and has as many dimensions).
    pub fn fits(&self, shape: &[usize]) -> bool {
        self.start.len() == shape.len()
            && self.count.len() == shape.len()
            && (self.start.iter().zip(&self.count).zip(shape))
                .all(|((start, count), size)| start.checked_add(*count).is_some_and(|end| end <= *size))
    }
}
