//! Chunk lengths as netCDF-C chooses them.

use crate::DType;

/// netCDF-C's chunk size until 4.8, the one that the SWOT products were made with: the bytes that it wants a chunk to
/// have at most.
const CHUNK_BYTES: f64 = 4_194_304.0;

/// The chunk lengths that netCDF-C gives a variable of that shape when nobody says otherwise: `unlimited` dimensions
/// get 1 (or 4 KiB together, if the variable has no other), and the others share 4 MiB in proportion to their lengths,
/// trimmed so that the last chunk hangs over little. Axes that `unlimited` does not reach are fixed. Never 0.
///
/// SWOT's 250 m granules have these: 82,968 x 240 of `int32` lie in chunks of 16,594 x 48.
pub fn default_chunks(dtype: DType, shape: &[usize], unlimited: &[bool]) -> Vec<usize> {
    let element = dtype.size().max(1) as f64;
    let rank = shape.len() as f64;
    let grows = |axis: usize| unlimited.get(axis).copied().unwrap_or(false);
    let growing = (0..shape.len()).filter(|&axis| grows(axis)).count();
    let fixed: f64 = (shape.iter().enumerate())
        .filter(|&(axis, _)| !grows(axis))
        .map(|(_, &size)| size as f64)
        .product();
    let suggest = |axis: usize, size: usize| -> usize {
        if grows(axis) {
            return match (shape.len(), growing) {
                (1, 1) => (4096.0 / element) as usize,
                (all, same) if all == same => (CHUNK_BYTES / element).powf(1.0 / rank) as usize,
                _ => 1,
            };
        }
        let share = (CHUNK_BYTES / (fixed * element)).powf(1.0 / (rank - growing as f64));
        // Truncated, as the C cast does.
        ((share * size as f64 - 0.5) as usize).min(size)
    };
    (shape.iter().enumerate())
        .map(|(axis, &size)| {
            let chunk = suggest(axis, size).max(1);
            if grows(axis) {
                return chunk;
            }
            let count = size.div_ceil(chunk);
            let overhang = (count * chunk - size).checked_div(count).unwrap_or(0);
            chunk - overhang.min(chunk - 1)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_those_of_real_granules() {
        // As public notebooks show them for L2 Unsmoothed.
        let fixed = |dtype, shape: &[usize]| default_chunks(dtype, shape, &[]);
        assert_eq!(fixed(DType::Int32, &[82_968, 240]), [16_594, 48]);
        assert_eq!(fixed(DType::UInt8, &[82_968, 240]), [27_656, 80]);
        assert_eq!(fixed(DType::Float64, &[82_968]), [82_968]);
        assert_eq!(fixed(DType::Int32, &[9_866, 69]), [9_866, 69]);
        assert_eq!(fixed(DType::Int16, &[0, 5]), [1, 5]);
        assert!(fixed(DType::Int16, &[]).is_empty());
    }

    #[test]
    fn dimensions_that_grow_get_little() {
        assert_eq!(default_chunks(DType::Float64, &[0], &[true]), [512]);
        assert_eq!(default_chunks(DType::Float64, &[10, 20], &[true, false]), [1, 20]);
    }
}
