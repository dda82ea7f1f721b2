//! Axes: where a number lies between two ends, and which numbers are marked.

use crate::plot::text::superscript;
use crate::plot::ticks;

/// How numbers lie along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    Logarithmic,
}

/// An axis between two numbers.
#[derive(Clone, Debug)]
pub(crate) struct Axis {
    pub(crate) label: String,
    pub(crate) scale: Scale,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// A mark along an axis: where, from 0 to 1, and what it says (`None`: nothing).
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mark {
    pub(super) at: f32,
    pub(super) text: Option<String>,
}

impl Axis {
    /// From the least to the greatest of the numbers that can be drawn.
    pub(crate) fn around(label: &str, scale: Scale, numbers: impl Iterator<Item = f64>) -> Self {
        let drawn = numbers.filter(|x| x.is_finite() && (scale == Scale::Linear || *x > 0.0));
        let (low, high) = drawn.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| {
            (low.min(x), high.max(x))
        });
        let (low, high) = match scale {
            _ if low > high => (1.0, 10.0),
            Scale::Linear if low == high => (low - 0.5, high + 0.5),
            Scale::Logarithmic if low == high => (low / 2.0, high * 2.0),
            // What lies fifteen powers of ten below the rest is noise of arithmetic.
            Scale::Logarithmic => (low.max(high * 1e-15), high),
            Scale::Linear => (low, high),
        };
        Self {
            label: label.to_owned(),
            scale,
            low,
            high,
        }
    }

    /// The same with room at both ends.
    pub(crate) fn with_room(mut self, share: f64) -> Self {
        match self.scale {
            Scale::Linear => {
                let room = share * (self.high - self.low);
                (self.low, self.high) = (self.low - room, self.high + room);
            }
            Scale::Logarithmic => {
                let room = (self.high / self.low).powf(share);
                (self.low, self.high) = (self.low / room, self.high * room);
            }
        }
        self
    }

    /// Where a number lies, 0 to 1 between the ends; `None` for what the scale cannot show.
    pub(super) fn place(&self, x: f64) -> Option<f32> {
        let place = match self.scale {
            Scale::Linear => (x - self.low) / (self.high - self.low),
            Scale::Logarithmic if x > 0.0 => (x / self.low).ln() / (self.high / self.low).ln(),
            Scale::Logarithmic => return None,
        };
        place.is_finite().then_some(place as f32)
    }

    /// Marks of the axis.
    pub(super) fn marks(&self, wanted: f64) -> Vec<Mark> {
        match self.scale {
            Scale::Linear => {
                let (numbers, decimals) = ticks::round_numbers(self.low, self.high, wanted);
                let mark = |x: f64| {
                    let at = self.place(x)?;
                    let text = Some(ticks::number(x, decimals));
                    Some(Mark { at, text })
                };
                numbers.into_iter().filter_map(mark).collect()
            }
            Scale::Logarithmic => self.powers(),
        }
    }

    /// Powers of ten, and unlabelled marks between them.
    fn powers(&self) -> Vec<Mark> {
        let (first, last) = (self.low.log10().floor() as i32, self.high.log10().ceil() as i32);
        // Every second or third where they stand too close.
        let every = ((last - first) / 9 + 1).max(1);
        // Less than two powers of ten: some numbers between them are named too.
        let is_short = (self.high / self.low).log10() < 1.5;
        let mut marks = Vec::new();
        for power in first..=last {
            for factor in 1..10 {
                let x = f64::from(factor) * 10f64.powi(power);
                let Some(at) = self.place(x).filter(|at| (-1e-4..=1.0001).contains(at)) else {
                    continue;
                };
                let is_labelled = match factor {
                    1 => power.rem_euclid(every) == 0,
                    2 | 5 => is_short,
                    _ => false,
                };
                let power = superscript(power);
                let text = match factor {
                    1 => format!("10{power}"),
                    factor => format!("{factor}·10{power}"),
                };
                marks.push(Mark {
                    at,
                    text: is_labelled.then_some(text),
                });
            }
        }
        marks
    }

    /// Marks at `1/x` for round `x`.
    pub(super) fn inverse_marks(&self) -> Vec<Mark> {
        let mut marks = Vec::new();
        for power in -6..=9 {
            for factor in [1.0, 2.0, 5.0] {
                let round = factor * 10f64.powi(power);
                let Some(at) = self.place(1.0 / round).filter(|at| (-1e-4..=1.0001).contains(at)) else {
                    continue;
                };
                let decimals = usize::try_from(-power).unwrap_or(0);
                let text = Some(ticks::number(round, decimals));
                marks.push(Mark { at, text });
            }
        }
        marks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithmic_axes_mark_powers_of_ten() {
        let axis = Axis::around("", Scale::Logarithmic, [0.001, 0.25, -3.0, f64::NAN].into_iter());
        assert_eq!((axis.low, axis.high), (0.001, 0.25));
        let labelled: Vec<String> = (axis.marks(5.0).into_iter())
            .filter_map(|mark| mark.text)
            .collect();
        assert_eq!(labelled, ["10⁻³", "10⁻²", "10⁻¹"]);
        let inverse: Vec<String> = axis
            .inverse_marks()
            .into_iter()
            .filter_map(|mark| mark.text)
            .collect();
        assert_eq!(inverse, ["5", "10", "20", "50", "100", "200", "500", "1000"]);
    }

    #[test]
    fn axes_of_nothing_and_of_one_number_have_a_length() {
        for numbers in [vec![], vec![3.0]] {
            for scale in [Scale::Linear, Scale::Logarithmic] {
                let axis = Axis::around("", scale, numbers.iter().copied());
                assert!(axis.low < axis.high);
            }
        }
    }
}
