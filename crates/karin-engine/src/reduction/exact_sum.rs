//! Sums of floating numbers without any rounding, so that every order and every split gives the same bits.

use multiversion::multiversion;

use super::saved::Saved;

/// Bits of one digit.
const DIGIT: u32 = 32;
/// Digits that hold every finite `f64` (exponents -1074 to 1023), with room for carries at the top.
const DIGITS: usize = 68;
/// Additions after which carries must be moved on: each adds less than 2^33 to a digit.
const CARRY_EVERY: u32 = 1 << 29;

/// An exact sum: one long fixed-point number in digits of 32 bits (after Neal 2015, "small superaccumulator").
/// Infinities and NaN have no place in it; the caller counts them as fill.
#[derive(Clone, Debug, PartialEq)]
pub struct ExactSum {
    digits: Box<[i64; DIGITS]>,
    pending: u32,
}

impl Default for ExactSum {
    fn default() -> Self {
        Self {
            digits: Box::new([0; DIGITS]),
            pending: 0,
        }
    }
}

impl ExactSum {
    /// Adds a finite number.
    #[inline]
    pub fn add(&mut self, value: f64) {
        let bits = value.to_bits();
        let exponent = ((bits >> 52) & 0x7ff) as u32;
        let fraction = bits & ((1 << 52) - 1);
        // Subnormal numbers have the exponent of the smallest normal ones and no leading one.
        let (mantissa, exponent) = if exponent == 0 {
            (fraction, 0)
        } else {
            (fraction | 1 << 52, exponent - 1)
        };
        let wide = u128::from(mantissa) << (exponent % DIGIT);
        let first = (exponent / DIGIT) as usize;
        let sign = if bits >> 63 == 0 { 1 } else { -1 };
        for (k, digit) in self.digits.iter_mut().skip(first).take(3).enumerate() {
            *digit += sign * ((wide >> (DIGIT * k as u32)) as u32 as i64);
        }
        self.pending += 1;
        if self.pending == CARRY_EVERY {
            self.carry();
        }
    }

    /// Adds many numbers at once, as [`ExactSum::add`] one by one but several times as fast; of the numbers nothing is left.
    pub fn add_all(&mut self, values: &mut [f64; TOGETHER]) {
        for _ in 0..ROUNDS {
            match take_tops(values) {
                Tops::Sum(sum) => self.add(sum),
                Tops::Nothing => return,
                Tops::OutOfRoom => break,
            }
        }
        // What lies very far apart.
        let left = values.iter().filter(|value| **value != 0.0);
        left.for_each(|value| self.add(*value));
    }

    /// Adds a product without rounding: the number and its rounding error.
    #[inline]
    pub fn add_product(&mut self, a: f64, b: f64) {
        let product = a * b;
        self.add(product);
        self.add(a.mul_add(b, -product));
    }

    /// Takes in another sum.
    pub fn merge(&mut self, other: &Self) {
        self.carry();
        let mut other = other.clone();
        other.carry();
        for (digit, more) in self.digits.iter_mut().zip(other.digits.iter()) {
            *digit += more;
        }
        self.carry();
    }

    /// Moves what exceeds a digit to the next one: all digits but the last end in 0..2^32.
    fn carry(&mut self) {
        let mut carry = 0;
        let last = DIGITS - 1;
        for digit in self.digits.iter_mut().take(last) {
            let total = *digit + carry;
            *digit = total & 0xffff_ffff;
            carry = total >> DIGIT;
        }
        self.digits[last] += carry;
        self.pending = 0;
    }

    /// The sum as a number and what that number lacks: together good to 100 bits.
    pub fn value(&self) -> (f64, f64) {
        let high = self.rounded();
        let mut rest = self.clone();
        rest.carry();
        if high.is_finite() {
            rest.add(-high);
        }
        (high, rest.rounded())
    }

    /// The nearest `f64`, up to one unit in the last place.
    fn rounded(&self) -> f64 {
        let mut whole = self.clone();
        whole.carry();
        let negative = whole.digits[DIGITS - 1] < 0;
        if negative {
            whole.digits.iter_mut().for_each(|digit| *digit = -*digit);
            whole.carry();
        }
        // Digit k counts multiples of 2^(32 k - 1074); powers are applied in two steps, because 2^-1074 times a large
        // digit is subnormal on the way.
        let sum = whole.digits.iter().enumerate().fold(0.0, |sum, (k, &digit)| {
            let power = DIGIT as i32 * k as i32 - 1074;
            sum + digit as f64 * 2f64.powi(power / 2) * 2f64.powi(power - power / 2)
        });
        if negative { -sum } else { sum }
    }
}

/// Numbers that are added up at once.
pub const TOGETHER: usize = 256;
/// Rounds in which their bits are taken, some 44 at a time: enough where they span 80 powers of two.
const ROUNDS: usize = 3;
/// Sizes that leave room for the sums and rests of a round.
const ROOM: std::ops::Range<f64> = 1e-200..1e200;

/// What a round took.
enum Tops {
    /// The sum of the leading bits of all numbers.
    Sum(f64),
    /// All numbers are 0.
    Nothing,
    /// The numbers are too large or small for it: nothing was taken.
    OutOfRoom,
}

/// Takes the leading bits of all numbers; plain additions make their sum without rounding.
///
/// With a power of two `s` of at least 2 x 256 times the greatest, `(s + x) - s` is `x` rounded to a multiple of the last bit of `s / 2`, and the
/// sum of 256 of these has no more than 52 bits above it (Rump, Ogita and Oishi 2008, SIAM J. Sci. Comput. 31, 189-224).
/// What is left of `x` is exact, too.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512dq+avx512vl", "x86_64+avx2"))]
fn take_tops(values: &mut [f64; TOGETHER]) -> Tops {
    let mut most = [0.0_f64; 8];
    for eight in values.as_chunks::<8>().0 {
        for (most, value) in most.iter_mut().zip(eight) {
            let size = value.abs();
            *most = if size > *most { size } else { *most };
        }
    }
    let most = most.into_iter().fold(0.0, f64::max);
    if most == 0.0 {
        return Tops::Nothing;
    }
    if !ROOM.contains(&most) {
        return Tops::OutOfRoom;
    }
    // The next power of two above the greatest, and 9 more.
    let power = f64::from_bits((most.to_bits() & (0x7ff << 52)) + (10 << 52));
    let mut sums = [0.0; 8];
    for eight in values.as_chunks_mut::<8>().0 {
        for (sum, value) in sums.iter_mut().zip(eight) {
            let top = (power + *value) - power;
            *sum += top;
            *value -= top;
        }
    }
    Tops::Sum(sums.iter().sum())
}

/// The sum of products of deviations from the means: sum of products - product of sums / n, of sums as numbers and what
/// these lack, with every product split into a number and its rounding error.
pub fn centred(count: f64, first: (f64, f64), second: (f64, f64), products: (f64, f64)) -> f64 {
    let mean = first.0 / count;
    let mean_rest = (mean.mul_add(-count, first.0) + first.1) / count;
    let product = mean * second.0;
    let product_rest = mean.mul_add(second.0, -product) + mean * second.1 + mean_rest * second.0;
    (products.0 - product) + (products.1 - product_rest)
}

impl Saved for ExactSum {
    fn save(&self, out: &mut Vec<u8>) {
        let mut whole = self.clone();
        whole.carry();
        whole.digits.iter().for_each(|digit| digit.save(out));
    }
    fn restore(bytes: &mut &[u8]) -> Option<Self> {
        let mut sum = Self::default();
        for digit in sum.digits.iter_mut() {
            *digit = i64::restore(bytes)?;
        }
        // Digits that no sum has would overflow once carried.
        let lower = &sum.digits[..DIGITS - 1];
        let is_carried = lower.iter().all(|digit| (0..1 << DIGIT).contains(digit));
        (is_carried && sum.digits[DIGITS - 1].unsigned_abs() < 1 << 62).then_some(sum)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ExactSum, Saved as _, TOGETHER};

    fn sum(values: &[f64]) -> ExactSum {
        let mut sum = ExactSum::default();
        values.iter().for_each(|value| sum.add(*value));
        sum
    }

    #[test]
    fn what_cancels_leaves_nothing_behind() {
        assert_eq!(sum(&[1e300, 1.0, -1e300]).value(), (1.0, 0.0));
        assert_eq!(sum(&[1e-300, 1.0, -1.0]).value().0, 1e-300);
        assert_eq!(sum(&[5e-324, 5e-324]).value().0, 1e-323);
        assert_eq!(sum(&[0.1; 10]).value().0, 1.0);
        assert_eq!(sum(&[-0.5, 0.25]).value().0, -0.25);
        assert_eq!(sum(&[]).value(), (0.0, 0.0));
    }

    #[test]
    fn what_is_left_of_numbers_that_cancel_is_added() {
        let mut numbers = [0.0; TOGETHER];
        (numbers[3], numbers[200]) = (1.0, -1.0);
        (numbers[7], numbers[8]) = (1e-15, 1e-30);
        let expected = sum(&numbers).value();
        let mut together = ExactSum::default();
        together.add_all(&mut numbers);
        assert_eq!(together.value(), expected);
    }

    proptest! {
        #[test]
        fn any_order_and_split_gives_the_same(
            values in prop::collection::vec(prop::num::f64::NORMAL.prop_map(|x| x % 1e100), 0..50),
            at in 0usize..50,
        ) {
            let whole = sum(&values);
            let mut turned = values.clone();
            turned.reverse();
            let at = at.min(values.len());
            let mut merged = sum(&turned[..at]);
            let mut bytes = Vec::new();
            sum(&turned[at..]).save(&mut bytes);
            merged.merge(&ExactSum::restore(&mut bytes.as_slice()).unwrap());
            prop_assert_eq!(whole.value(), merged.value());
        }

        #[test]
        fn many_at_once_are_one_by_one(
            values in prop::collection::vec(
                prop_oneof![
                    (-3.0_f32..3.0).prop_map(f64::from),
                    -3.0..3.0,
                    -1e-20..1e-20,
                    Just(0.0),
                    prop::num::f64::ANY,
                ],
                TOGETHER,
            ),
            kinds in 1usize..5,
        ) {
            let kept = |value: f64| value.is_finite() && (kinds > 3 || value.abs() < 10_f64.powi(kinds as i32 * 90));
            let mut numbers: [f64; TOGETHER] =
                std::array::from_fn(|at| Some(values[at]).filter(|value| kept(*value)).unwrap_or(0.0));
            let expected = sum(&numbers).value();
            let mut together = ExactSum::default();
            together.add_all(&mut numbers);
            prop_assert_eq!(together.value(), expected);
        }

        #[test]
        fn integers_are_summed_exactly(values in prop::collection::vec(-1i64 << 52..1 << 52, 0..200)) {
            let floats: Vec<f64> = values.iter().map(|&x| x as f64).collect();
            let exact: i128 = values.iter().map(|&x| i128::from(x)).sum();
            let (high, low) = sum(&floats).value();
            prop_assert_eq!(high as i128 + low as i128, exact);
        }
    }
}
