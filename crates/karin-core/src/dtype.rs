//! Element types of netCDF variables and attributes.

use serde::{Deserialize, Serialize};

/// The netCDF type of a variable's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DType {
    /// `NC_BYTE`
    Int8,
    /// `NC_UBYTE`
    UInt8,
    /// `NC_SHORT`
    Int16,
    /// `NC_USHORT`
    UInt16,
    /// `NC_INT`
    Int32,
    /// `NC_UINT`
    UInt32,
    /// `NC_INT64`
    Int64,
    /// `NC_UINT64`
    UInt64,
    /// `NC_FLOAT`
    Float32,
    /// `NC_DOUBLE`
    Float64,
    /// `NC_CHAR`: one byte of text
    Char,
    /// `NC_STRING`: text of any length
    String,
}

impl DType {
    /// Bytes of one element; 0 for [`DType::String`], which has no fixed size.
    pub const fn size(self) -> usize {
        match self {
            Self::Int8 | Self::UInt8 | Self::Char => 1,
            Self::Int16 | Self::UInt16 => 2,
            Self::Int32 | Self::UInt32 | Self::Float32 => 4,
            Self::Int64 | Self::UInt64 | Self::Float64 => 8,
            Self::String => 0,
        }
    }

    /// True for the eight integer types (not for characters).
    pub const fn is_integer(self) -> bool {
        !matches!(self, Self::Float32 | Self::Float64 | Self::Char | Self::String)
    }

    /// True for the two floating types.
    pub const fn is_float(self) -> bool {
        matches!(self, Self::Float32 | Self::Float64)
    }

    /// True for whatever can be averaged.
    pub const fn is_numeric(self) -> bool {
        self.is_integer() || self.is_float()
    }

    /// numpy's and xarray's name: `int16`, `float64`; `char` and `string` for text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::UInt8 => "uint8",
            Self::Int16 => "int16",
            Self::UInt16 => "uint16",
            Self::Int32 => "int32",
            Self::UInt32 => "uint32",
            Self::Int64 => "int64",
            Self::UInt64 => "uint64",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Char => "char",
            Self::String => "string",
        }
    }

    /// ncdump's name: `short`, `ubyte`, `double`.
    pub const fn cdl_name(self) -> &'static str {
        match self {
            Self::Int8 => "byte",
            Self::UInt8 => "ubyte",
            Self::Int16 => "short",
            Self::UInt16 => "ushort",
            Self::Int32 => "int",
            Self::UInt32 => "uint",
            Self::Int64 => "int64",
            Self::UInt64 => "uint64",
            Self::Float32 => "float",
            Self::Float64 => "double",
            Self::Char => "char",
            Self::String => "string",
        }
    }

    /// The type of that numpy or ncdump name, if it is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|dtype| dtype.name() == name || dtype.cdl_name() == name)
    }

    /// Every type.
    pub const ALL: [Self; 12] = [
        Self::Int8,
        Self::UInt8,
        Self::Int16,
        Self::UInt16,
        Self::Int32,
        Self::UInt32,
        Self::Int64,
        Self::UInt64,
        Self::Float32,
        Self::Float64,
        Self::Char,
        Self::String,
    ];
}

impl std::fmt::Display for DType {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}
