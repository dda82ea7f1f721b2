//! The functions of the language. NaN goes through all of them but `isnan`, `isfinite` and the choice of `where`.

/// A function by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Abs,
    Sqrt,
    Exp,
    Log,
    Log10,
    Log2,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Atan2,
    Sinh,
    Cosh,
    Tanh,
    Min,
    Max,
    Isnan,
    Isfinite,
    Where,
    Hypot,
    Round,
    Floor,
    Ceil,
    Trunc,
    Sign,
    Deg2rad,
    Rad2deg,
    Clip,
}

/// Name, function, least and most arguments.
const TABLE: [(&str, Function, usize, usize); 30] = [
    ("abs", Function::Abs, 1, 1),
    ("sqrt", Function::Sqrt, 1, 1),
    ("exp", Function::Exp, 1, 1),
    ("log", Function::Log, 1, 1),
    ("log10", Function::Log10, 1, 1),
    ("log2", Function::Log2, 1, 1),
    ("sin", Function::Sin, 1, 1),
    ("cos", Function::Cos, 1, 1),
    ("tan", Function::Tan, 1, 1),
    ("asin", Function::Asin, 1, 1),
    ("acos", Function::Acos, 1, 1),
    ("atan", Function::Atan, 1, 1),
    ("atan2", Function::Atan2, 2, 2),
    ("sinh", Function::Sinh, 1, 1),
    ("cosh", Function::Cosh, 1, 1),
    ("tanh", Function::Tanh, 1, 1),
    ("min", Function::Min, 2, 64),
    ("max", Function::Max, 2, 64),
    ("isnan", Function::Isnan, 1, 1),
    ("isfinite", Function::Isfinite, 1, 1),
    ("where", Function::Where, 3, 3),
    ("hypot", Function::Hypot, 2, 2),
    ("round", Function::Round, 1, 1),
    ("floor", Function::Floor, 1, 1),
    ("ceil", Function::Ceil, 1, 1),
    ("trunc", Function::Trunc, 1, 1),
    ("sign", Function::Sign, 1, 1),
    ("deg2rad", Function::Deg2rad, 1, 1),
    ("rad2deg", Function::Rad2deg, 1, 1),
    ("clip", Function::Clip, 3, 3),
];

impl Function {
    /// The function of that name with its least and most arguments.
    pub(super) fn of_name(name: &str) -> Option<(Self, usize, usize)> {
        TABLE
            .iter()
            .find(|row| row.0 == name)
            .map(|row| (row.1, row.2, row.3))
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        TABLE.iter().find(|row| row.1 == self).map_or("", |row| row.0)
    }

    /// Every name.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|row| row.0)
    }

    /// True if it answers yes or no.
    pub(super) const fn is_boolean(self) -> bool {
        matches!(self, Self::Isnan | Self::Isfinite)
    }

    /// The value of a function of one argument.
    #[inline(always)]
    pub(super) fn one(self, x: f64) -> f64 {
        match self {
            Self::Abs => x.abs(),
            Self::Sqrt => x.sqrt(),
            Self::Exp => x.exp(),
            Self::Log => x.ln(),
            Self::Log10 => x.log10(),
            Self::Log2 => x.log2(),
            Self::Sin => x.sin(),
            Self::Cos => x.cos(),
            Self::Tan => x.tan(),
            Self::Asin => x.asin(),
            Self::Acos => x.acos(),
            Self::Atan => x.atan(),
            Self::Sinh => x.sinh(),
            Self::Cosh => x.cosh(),
            Self::Tanh => x.tanh(),
            Self::Isnan => f64::from(u8::from(x.is_nan())),
            Self::Isfinite => f64::from(u8::from(x.is_finite())),
            Self::Round => x.round_ties_even(),
            Self::Floor => x.floor(),
            Self::Ceil => x.ceil(),
            Self::Trunc => x.trunc(),
            Self::Sign => sign(x),
            Self::Deg2rad => x.to_radians(),
            Self::Rad2deg => x.to_degrees(),
            Self::Atan2 | Self::Min | Self::Max | Self::Where | Self::Hypot | Self::Clip => f64::NAN,
        }
    }

    /// The value of a function of two arguments (`min` and `max` of more are folded).
    #[inline(always)]
    pub(super) fn two(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Atan2 => a.atan2(b),
            Self::Hypot => a.hypot(b),
            Self::Min => least(a, b),
            Self::Max => greatest(a, b),
            _ => f64::NAN,
        }
    }

    /// The value of a function of three arguments.
    #[inline(always)]
    pub(super) fn three(self, a: f64, b: f64, c: f64) -> f64 {
        match self {
            Self::Where => {
                if is_true(a) {
                    b
                } else {
                    c
                }
            }
            Self::Clip => least(greatest(a, b), c),
            _ => f64::NAN,
        }
    }
}

/// -1, 0 or 1; NaN stays.
#[inline]
fn sign(x: f64) -> f64 {
    if x > 0.0 {
        1.0
    } else if x < 0.0 {
        -1.0
    } else if x.is_nan() {
        x
    } else {
        0.0
    }
}

#[inline]
fn least(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.min(b)
    }
}

#[inline]
fn greatest(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.max(b)
    }
}

/// True for numbers that are neither zero nor NaN.
pub(super) fn is_true(value: f64) -> bool {
    value != 0.0 && !value.is_nan()
}
