//! The checksum of HDF5's filter of that name.

/// The Fletcher-32 sum over big-endian 16-bit words that HDF5 uses; an odd last byte is the high half of a word.
pub(crate) fn fletcher32(bytes: &[u8]) -> u32 {
    let fold = |sum: u32| (sum & 0xffff) + (sum >> 16);
    let (mut low, mut high) = (0_u32, 0_u32);
    // 360 words are the most whose sums of sums stay below 2^32.
    for block in bytes.chunks(720) {
        let (words, odd) = block.as_chunks::<2>();
        for word in words {
            low += u32::from(u16::from_be_bytes(*word));
            high += low;
        }
        if let [last] = odd {
            (low, high) = (fold(low), fold(high));
            low += u32::from(*last) << 8;
            high += low;
        }
        (low, high) = (fold(low), fold(high));
    }
    fold(high) << 16 | fold(low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fletcher32_is_that_of_hdf5() {
        for len in [0, 1, 2, 3, 719, 720, 721, 722, 1440, 5001] {
            let bytes: Vec<u8> = (0..len).map(|value: u32| (value * 31 % 256) as u8).collect();
            assert_eq!(
                fletcher32(&bytes),
                hdf5_reader::checksum::fletcher32(&bytes),
                "{len} bytes"
            );
        }
    }

    #[test]
    fn fletcher32_folds_odd_bytes_high() {
        assert_eq!(fletcher32(&[]), 0);
        assert_eq!(fletcher32(&[1, 2]), 0x0102_0102);
        assert_eq!(fletcher32(&[1, 2, 3]), 0x0504_0402);
    }
}
