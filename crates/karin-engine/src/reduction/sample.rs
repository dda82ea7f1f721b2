//! The number types that states accumulate, and how each is added up.

use karin_core::{Packed, Packing};

use super::saved::Saved;

/// Adds up values of one type. Integers are exact, so that any split and any order gives the same bits.
pub trait Sum: Copy + Default + Send + Sync + Saved + std::fmt::Debug + 'static {
    /// This and that together.
    #[must_use]
    fn plus(self, other: Self) -> Self;
    /// As a number.
    fn as_f64(self) -> f64;
}

impl Sum for i64 {
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        // Wraps only beyond 2^32 values of 32 bits.
        self.wrapping_add(other)
    }
    #[inline(always)]
    fn as_f64(self) -> f64 {
        self as f64
    }
}

impl Sum for u128 {
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
    #[inline(always)]
    fn as_f64(self) -> f64 {
        self as f64
    }
}

impl Sum for f64 {
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self + other
    }
    #[inline(always)]
    fn as_f64(self) -> f64 {
        self
    }
}

/// Two fields at one place: neither is fill. What is compared are true values, so that fields of any packing meet.
pub type Pair = [f64; 2];

/// A stored number as the states see it, or a pair of true values.
pub trait Sample:
    Copy
    + PartialOrd
    + Default
    + Saved
    + std::fmt::Debug
    + Send
    + Sync
    + bytemuck::NoUninit
    + bytemuck::AnyBitPattern
    + 'static
{
    /// The type of sums.
    type Sum: Sum;
    /// The type of sums of squares; unused by floating samples, which keep deviations from the mean.
    type Squares: Sum;
    /// True for integers.
    const EXACT: bool;

    /// The nearest `f64`; of a pair, the first field.
    fn real(self) -> f64;
    /// Both fields of a pair; of anything else, itself twice.
    fn pair(self) -> Pair {
        [self.real(); 2]
    }
    /// The value as a sum of one.
    fn widen(self) -> Self::Sum;
    /// The square.
    fn square(self) -> Self::Squares;
    /// False for NaN.
    fn is_number(self) -> bool;
    /// The population variance, exact up to its last rounding; NaN for floating samples.
    fn exact_variance(sum: Self::Sum, squares: Self::Squares, count: u32) -> f64;
    /// The least number that is greater than or equal to none: where minima start.
    const GREATEST: Self;
    /// Where maxima start.
    const LEAST: Self;
    /// A sum in wide integers; 0 for floating samples.
    fn sum_to_i128(sum: Self::Sum) -> i128;
    /// Squares in wide integers; 0 for floating samples.
    fn squares_to_u128(squares: Self::Squares) -> u128;
    /// A number that sorts like this one.
    fn sort_key(self) -> u64;
    /// The number of that sort key.
    fn of_sort_key(key: u64) -> Self;
    /// Sweeps of 16 bits that find an order statistic.
    const KEY_BITS: u32;
    /// A number that sorts like the distance to the middle of two values.
    fn distance_key(self, below: Self, above: Self) -> u64;
    /// The distance of that key, in stored units.
    fn of_distance_key(key: u64) -> f64;
    /// Bits of such keys, in whole sweeps.
    const DISTANCE_BITS: u32;
}

/// Twice the distance to the middle of two integers: an integer, too.
#[inline(always)]
fn twice_the_distance(value: i64, below: i64, above: i64) -> u64 {
    (2 * value - below - above).unsigned_abs()
}

macro_rules! integer_sample {
    ($($type:ty, $unsigned:ty, $squares:ty);* $(;)?) => {$(
        impl Sample for $type {
            type Sum = i64;
            type Squares = $squares;
            const EXACT: bool = true;
            #[inline(always)]
            fn real(self) -> f64 { self as f64 }
            #[inline(always)]
            fn widen(self) -> i64 { i64::from(self) }
            #[inline(always)]
            fn square(self) -> $squares {
                let wide = i64::from(self);
                (wide * wide) as $squares
            }
            #[inline(always)]
            fn is_number(self) -> bool { true }
            fn exact_variance(sum: i64, squares: Self::Squares, count: u32) -> f64 {
                exact_variance(i128::from(sum), squares as u128, u64::from(count))
            }
            fn sum_to_i128(sum: i64) -> i128 { i128::from(sum) }
            fn squares_to_u128(squares: Self::Squares) -> u128 { squares as u128 }
            const GREATEST: Self = <$type>::MAX;
            const LEAST: Self = <$type>::MIN;
            #[inline(always)]
            fn sort_key(self) -> u64 { (i64::from(self) - i64::from(<$type>::MIN)) as u64 }
            #[inline(always)]
            fn of_sort_key(key: u64) -> Self { (key as i64 + i64::from(<$type>::MIN)) as $type }
            const KEY_BITS: u32 = <$type>::BITS;
            #[inline(always)]
            fn distance_key(self, below: Self, above: Self) -> u64 {
                twice_the_distance(i64::from(self), i64::from(below), i64::from(above))
            }
            fn of_distance_key(key: u64) -> f64 { key as f64 / 2.0 }
            const DISTANCE_BITS: u32 = (<$type>::BITS + 1).next_multiple_of(16);
        }
    )*};
}
// Squares of 16 bits fit 2^31 times into an i64; those of 32 bits need twice the room.
integer_sample! {
    i8, u8, i64;
    u8, u8, i64;
    i16, u16, i64;
    u16, u16, i64;
    i32, u32, u128;
}

impl Sample for u32 {
    type Sum = i64;
    type Squares = u128;
    const EXACT: bool = true;
    #[inline(always)]
    fn real(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn widen(self) -> i64 {
        i64::from(self)
    }
    #[inline(always)]
    fn square(self) -> u128 {
        u128::from(u64::from(self) * u64::from(self))
    }
    #[inline(always)]
    fn is_number(self) -> bool {
        true
    }
    fn exact_variance(sum: i64, squares: u128, count: u32) -> f64 {
        exact_variance(i128::from(sum), squares, u64::from(count))
    }
    fn sum_to_i128(sum: i64) -> i128 {
        i128::from(sum)
    }
    fn squares_to_u128(squares: u128) -> u128 {
        squares
    }
    const GREATEST: Self = Self::MAX;
    const LEAST: Self = Self::MIN;
    #[inline(always)]
    fn sort_key(self) -> u64 {
        u64::from(self)
    }
    #[inline(always)]
    fn of_sort_key(key: u64) -> Self {
        key as Self
    }
    const KEY_BITS: u32 = 32;
    #[inline(always)]
    fn distance_key(self, below: Self, above: Self) -> u64 {
        twice_the_distance(i64::from(self), i64::from(below), i64::from(above))
    }
    fn of_distance_key(key: u64) -> f64 {
        key as f64 / 2.0
    }
    const DISTANCE_BITS: u32 = 48;
}

macro_rules! float_sample {
    ($($type:ty, $bits:ty);*) => {$(
        impl Sample for $type {
            type Sum = f64;
            type Squares = f64;
            const EXACT: bool = false;
            #[inline(always)]
            fn real(self) -> f64 { f64::from(self) }
            #[inline(always)]
            fn widen(self) -> f64 { f64::from(self) }
            #[inline(always)]
            fn square(self) -> f64 { f64::from(self) * f64::from(self) }
            #[inline(always)]
            fn is_number(self) -> bool { !self.is_nan() }
            fn exact_variance(_: f64, _: f64, _: u32) -> f64 { f64::NAN }
            fn sum_to_i128(_: f64) -> i128 { 0 }
            fn squares_to_u128(_: f64) -> u128 { 0 }
            const GREATEST: Self = <$type>::INFINITY;
            const LEAST: Self = <$type>::NEG_INFINITY;
            #[inline(always)]
            fn sort_key(self) -> u64 {
                let bits = self.to_bits();
                let sign = 1 << (<$bits>::BITS - 1);
                u64::from(if bits & sign == 0 { bits | sign } else { !bits })
            }
            #[inline(always)]
            fn of_sort_key(key: u64) -> Self {
                let key = key as $bits;
                let sign = 1 << (<$bits>::BITS - 1);
                <$type>::from_bits(if key & sign == 0 { !key } else { key & !sign })
            }
            const KEY_BITS: u32 = <$bits>::BITS;
            #[inline(always)]
            fn distance_key(self, below: Self, above: Self) -> u64 {
                let (below, above) = (f64::from(below), f64::from(above));
                // Numbers that are not negative sort like their bits.
                (f64::from(self) - f64::midpoint(below, above)).abs().to_bits()
            }
            fn of_distance_key(key: u64) -> f64 { f64::from_bits(key) }
            const DISTANCE_BITS: u32 = 64;
        }
    )*};
}
float_sample! { f32, u32; f64, u64 }

/// Only what is counted and multiplied: pairs have no order.
impl Sample for Pair {
    type Sum = f64;
    type Squares = f64;
    const EXACT: bool = false;
    #[inline(always)]
    fn real(self) -> f64 {
        self[0]
    }
    #[inline(always)]
    fn pair(self) -> Pair {
        self
    }
    #[inline(always)]
    fn widen(self) -> f64 {
        self[0]
    }
    #[inline(always)]
    fn square(self) -> f64 {
        self[0] * self[0]
    }
    #[inline(always)]
    fn is_number(self) -> bool {
        !(self[0].is_nan() || self[1].is_nan())
    }
    fn exact_variance(_: f64, _: f64, _: u32) -> f64 {
        f64::NAN
    }
    const GREATEST: Self = [f64::INFINITY; 2];
    const LEAST: Self = [f64::NEG_INFINITY; 2];
    fn sum_to_i128(_: f64) -> i128 {
        0
    }
    fn squares_to_u128(_: f64) -> u128 {
        0
    }
    fn sort_key(self) -> u64 {
        self[0].sort_key()
    }
    fn of_sort_key(key: u64) -> Self {
        [f64::of_sort_key(key); 2]
    }
    const KEY_BITS: u32 = f64::KEY_BITS;
    fn distance_key(self, below: Self, above: Self) -> u64 {
        self[0].distance_key(below[0], above[0])
    }
    fn of_distance_key(key: u64) -> f64 {
        f64::of_distance_key(key)
    }
    const DISTANCE_BITS: u32 = f64::DISTANCE_BITS;
}

/// `(n * squares - sum^2) / n^2` in integers, rounded once at the end; where that overflows, in floating numbers.
pub(super) fn exact_variance(sum: i128, squares: u128, count: u64) -> f64 {
    let exact = || {
        let scaled = squares.checked_mul(u128::from(count))?;
        let square = sum.unsigned_abs().checked_mul(sum.unsigned_abs())?;
        scaled.checked_sub(square)
    };
    let count = count as f64;
    match exact() {
        Some(numerator) => numerator as f64 / (count * count),
        None => {
            let mean = sum as f64 / count;
            (squares as f64 / count - mean * mean).max(0.0)
        }
    }
}

/// Which numbers mean that there is no value, in the stored type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fill<T> {
    /// `_FillValue`, also written where a mask drops a value.
    pub fill: T,
    /// `missing_value`, else the fill again.
    pub missing: T,
}

impl Fill<f64> {
    /// Of true values.
    pub const REAL: Self = Self {
        fill: f64::NAN,
        missing: f64::NAN,
    };
}

impl Fill<Pair> {
    /// Of pairs.
    pub const PAIR: Self = Self {
        fill: [f64::NAN; 2],
        missing: [f64::NAN; 2],
    };
}

impl<T: Sample + Packed> Fill<T> {
    /// The fill of a packing; `None` if it has none of this type.
    pub fn of(packing: &Packing) -> Option<Self> {
        let fill = packing.fill_as::<T>()?;
        Some(Self {
            fill,
            missing: packing.missing_as::<T>().unwrap_or(fill),
        })
    }
}

impl<T: Sample> Fill<T> {
    /// True for a value.
    #[inline(always)]
    pub fn keeps(&self, value: T) -> bool {
        (value != self.fill) & (value != self.missing) & value.is_number()
    }
}
