//! Numbers of a tile as 16-bit integers.

use karin_core::Packing;

/// Where there is no value.
pub const NODATA: i16 = i16::MIN;
/// Greatest number, either way: none is wrapped or cut.
const MOST: f64 = 32_767.0;

/// A tile's numbers: `raw * scale + offset`.
#[derive(Clone, Debug, PartialEq)]
pub struct Packed {
    /// Step.
    pub scale: f64,
    /// Value of 0.
    pub offset: f64,
    /// True if the step is that of the stored values, or finer.
    pub is_exact: bool,
    /// Least and greatest value; `None` without any.
    pub bounds: Option<(f64, f64)>,
    /// One per pixel.
    pub raw: Vec<i16>,
}

impl Packed {
    /// Packs numbers: in steps of their own packing where their range allows, else in as small ones as it does.
    pub fn of(values: &[f64], packing: Option<&Packing>) -> Self {
        let finite = values.iter().copied().filter(|value| value.is_finite());
        let bounds = finite.fold(None, |bounds: Option<(f64, f64)>, value| match bounds {
            None => Some((value, value)),
            Some((least, most)) => Some((least.min(value), most.max(value))),
        });
        let Some((least, most)) = bounds else {
            return Self {
                scale: 1.0,
                offset: 0.0,
                is_exact: true,
                bounds: None,
                raw: Vec::new(),
            };
        };
        let step = packing
            .filter(|packing| packing.dtype.is_integer())
            .map(|packing| packing.scale.abs());
        let own = step.filter(|step| *step > 0.0 && (most - least) / step <= 2.0 * MOST - 2.0);
        let (scale, offset) = match (own, packing) {
            (Some(step), Some(packing)) => {
                let steps = (((least + most) / 2.0 - packing.offset) / step).round();
                (step, packing.offset + steps * step)
            }
            _ => {
                let scale = (most - least) / (2.0 * MOST - 2.0);
                let scale = if scale.is_normal() {
                    scale
                } else {
                    least.abs().max(1.0) * 1e-9
                };
                (scale, (least + most) / 2.0)
            }
        };
        let pack = |value: &f64| match value.is_finite() {
            true => ((value - offset) / scale).round().clamp(-MOST, MOST) as i16,
            false => NODATA,
        };
        Self {
            scale,
            offset,
            is_exact: own.is_some(),
            bounds,
            raw: values.iter().map(pack).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use karin_core::DType;

    fn packing(scale: f64) -> Packing {
        Packing {
            scale,
            offset: 0.0,
            ..Packing::plain(DType::Int32)
        }
    }

    #[test]
    fn stored_steps_are_kept_where_the_range_allows() {
        let packed = Packed::of(&[0.1234, -0.2, f64::NAN], Some(&packing(1e-4)));
        assert!(packed.is_exact && packed.scale == 1e-4);
        let back = |raw: i16| f64::from(raw) * packed.scale + packed.offset;
        assert!((back(packed.raw[0]) - 0.1234).abs() < 1e-9 && packed.raw[2] == NODATA);
    }

    #[test]
    fn wide_ranges_are_cut_into_as_many_steps_as_there_are() {
        let values = [-11_000.0, 0.0, 9000.0];
        let packed = Packed::of(&values, Some(&packing(1e-4)));
        assert!(!packed.is_exact);
        for (value, raw) in values.iter().zip(&packed.raw) {
            let back = f64::from(*raw) * packed.scale + packed.offset;
            assert!((back - value).abs() <= packed.scale, "{value} {back}");
        }
    }

    #[test]
    fn one_value_and_none_are_no_trouble() {
        for value in [0.0, 5.0, -1e30, 1e-300] {
            let packed = Packed::of(&[value], None);
            assert_eq!(f64::from(packed.raw[0]) * packed.scale + packed.offset, value);
        }
        assert!(Packed::of(&[f64::NAN], None).raw.is_empty());
    }
}
