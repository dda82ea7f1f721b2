//! Random numbers that depend only on what they are for: the same for any number of threads and any order of work.

/// What a random number is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream(u64);

impl Stream {
    /// All numbers of a simulation.
    pub(super) const fn new(seed: u64) -> Self {
        Self(mix(seed ^ 0x9E37_79B9_7F4A_7C15))
    }

    /// The numbers of one part of it.
    pub(super) const fn of(self, part: u64) -> Self {
        Self(mix(self.0 ^ part.wrapping_mul(0xD1B5_4A32_D192_ED03)))
    }

    /// The numbers of a part that has a name.
    pub(super) fn named(self, name: &str) -> Self {
        name.bytes().fold(self, |stream, byte| stream.of(u64::from(byte)))
    }

    /// 64 random bits.
    pub(super) const fn bits(self, index: u64) -> u64 {
        mix(self.0.wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }

    /// From 0 to below 1.
    pub(super) fn uniform(self, index: u64) -> f64 {
        (self.bits(index) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Mean 0, standard deviation 1; near enough to normal (four 16-bit numbers added: it ends at 3.5).
    pub(super) fn normal(self, index: u64) -> f64 {
        let bits = self.bits(index);
        let sum = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48);
        (sum as f64 / 65_536.0 - 2.0) * 1.732_050_8
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit of the input changes half of the output's.
const fn mix(bits: u64) -> u64 {
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::Stream;

    #[test]
    fn normal_numbers_have_mean_0_and_variance_1() {
        let stream = Stream::new(7).named("noise");
        let numbers: Vec<f64> = (0..100_000).map(|index| stream.normal(index)).collect();
        let mean = numbers.iter().sum::<f64>() / 1e5;
        let variance = numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / 1e5;
        assert!(
            mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02,
            "{mean} {variance}"
        );
    }
}
