//! Densities added up per pixel column, over segments and granules.

use std::ops::Range;

/// Sums of densities: `columns` x wavenumbers, row-major. They merge by addition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sums {
    /// Wavenumbers of a column.
    pub wavenumbers: usize,
    /// Segments of each column.
    pub segments: Vec<u64>,
    /// Densities of the first field.
    pub xx: Vec<f64>,
    /// Densities of the second; empty where there is one field.
    pub yy: Vec<f64>,
    /// Real parts of `conj(X) Y`.
    pub xy_real: Vec<f64>,
    /// Imaginary parts.
    pub xy_imaginary: Vec<f64>,
}

impl Sums {
    /// Nothing yet, of one field or (`is_cross`) two.
    pub fn new(columns: usize, wavenumbers: usize, is_cross: bool) -> Self {
        let zeros = |is_used: bool| vec![0.0; if is_used { columns * wavenumbers } else { 0 }];
        Self {
            wavenumbers,
            segments: vec![0; columns],
            xx: zeros(true),
            yy: zeros(is_cross),
            xy_real: zeros(is_cross),
            xy_imaginary: zeros(is_cross),
        }
    }

    /// True if there are two fields.
    pub fn is_cross(&self) -> bool {
        !self.yy.is_empty()
    }

    /// Segments in all.
    pub fn count(&self) -> u64 {
        self.segments.iter().sum()
    }

    /// Where a column lies in the sums.
    pub fn columns_at(&self, column: usize) -> Range<usize> {
        column * self.wavenumbers..(column + 1) * self.wavenumbers
    }

    /// Adds the sums of other segments.
    ///
    /// # Panics
    /// If they are of other columns, wavenumbers or numbers of fields.
    pub fn merge(&mut self, other: &Self) {
        let shape = |sums: &Self| (sums.wavenumbers, sums.segments.len(), sums.is_cross());
        assert_eq!(shape(self), shape(other), "sums of other columns or wavenumbers");
        for (own, other) in self.segments.iter_mut().zip(&other.segments) {
            *own += other;
        }
        let fields = [
            (&mut self.xx, &other.xx),
            (&mut self.yy, &other.yy),
            (&mut self.xy_real, &other.xy_real),
            (&mut self.xy_imaginary, &other.xy_imaginary),
        ];
        for (own, other) in fields {
            for (own, other) in own.iter_mut().zip(other) {
                *own += other;
            }
        }
    }

    /// Adds the columns of other sums behind its own.
    ///
    /// # Panics
    /// If they are of other wavenumbers.
    pub fn append(&mut self, other: Self) {
        assert_eq!(self.wavenumbers, other.wavenumbers, "sums of other wavenumbers");
        self.segments.extend(other.segments);
        self.xx.extend(other.xx);
        self.yy.extend(other.yy);
        self.xy_real.extend(other.xy_real);
        self.xy_imaginary.extend(other.xy_imaginary);
    }

    /// Means per column of one of the sums; NaN where a column has no segment.
    pub fn per_column(&self, sum: &[f64]) -> Vec<f64> {
        let mean = |(index, value): (usize, &f64)| {
            let count = self
                .segments
                .get(index / self.wavenumbers.max(1))
                .copied()
                .unwrap_or(0);
            if count == 0 {
                f64::NAN
            } else {
                value / count as f64
            }
        };
        sum.iter().enumerate().map(mean).collect()
    }

    /// Mean over all segments of all columns of one of the sums; NaN without segments, empty without such sums.
    pub fn mean(&self, sum: &[f64]) -> Vec<f64> {
        if sum.is_empty() {
            return Vec::new();
        }
        let mut mean = vec![0.0; self.wavenumbers];
        for column in sum.chunks(self.wavenumbers.max(1)) {
            mean.iter_mut()
                .zip(column)
                .for_each(|(mean, value)| *mean += value);
        }
        let count = self.count();
        let scale = if count == 0 { f64::NAN } else { 1.0 / count as f64 };
        mean.iter_mut().for_each(|value| *value *= scale);
        mean
    }
}
