//! Chunk lengths as netCDF-C chooses them.

use crate::DType;

/// netCDF-C's `DEFAULT_CHUNK_SIZE`: the bytes that it wants a chunk to have at most.
const CHUNK_BYTES: f64 = 4_194_304.0;

/// The chunk lengths that netCDF-C (since 4.7) gives a variable of fixed dimensions when nobody says otherwise:
/// the whole variable up to 4 MiB, beyond that every dimension cut by the same factor, then evened out so that
/// the last chunk is nearly full.
///
/// SWOT's 250 m granules have these: 82,968 x 240 of `int32` lie in chunks of 16,594 x 48.
pub fn default_chunks(dtype: DType, shape: &[usize]) -> Vec<usize> {
    let bytes = shape.iter().map(|size| *size as f64).product::<f64>() * dtype.size().max(1) as f64;
    if shape.is_empty() || bytes <= CHUNK_BYTES {
        return shape.iter().map(|size| (*size).max(1)).collect();
    }
    let factor = (CHUNK_BYTES / bytes).powf(1.0 / shape.len() as f64);
    let even = |size: usize| {
        // Truncated, as the C cast does.
        let wanted = within((factor * size as f64 - 0.5).max(1.0) as usize, size);
        let count = size.div_ceil(wanted).max(1);
        wanted - (count * wanted).saturating_sub(size) / count
    };
    shape.iter().map(|size| even(*size)).collect()
}

/// A chunk length within its dimension; 0 stands for the whole. Never 0, which HDF5 does not allow.
pub(super) fn within(length: usize, size: usize) -> usize {
    if length == 0 {
        size.max(1)
    } else {
        length.clamp(1, size.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_those_of_real_granules() {
        // As public notebooks show them for L2 Unsmoothed.
        assert_eq!(default_chunks(DType::Int32, &[82_968, 240]), [16_594, 48]);
        assert_eq!(default_chunks(DType::UInt8, &[82_968, 240]), [27_656, 80]);
        assert_eq!(default_chunks(DType::Float64, &[82_968]), [82_968]);
        assert_eq!(default_chunks(DType::Int32, &[9_866, 69]), [9_866, 69]);
        assert_eq!(default_chunks(DType::Int16, &[0, 5]), [1, 5]);
        assert!(default_chunks(DType::Int16, &[]).is_empty());
    }
}
