//! Little-endian encoding, and the checksum that HDF5 puts behind its metadata.

/// Appends integers as HDF5 stores them.
pub(super) trait Put {
    fn put_u8(&mut self, value: u8);
    fn put_u16(&mut self, value: u16);
    fn put_u32(&mut self, value: u32);
    fn put_u64(&mut self, value: u64);
    /// Zeros up to the next multiple of eight.
    fn pad_to_eight(&mut self);
}

impl Put for Vec<u8> {
    fn put_u8(&mut self, value: u8) {
        self.push(value);
    }

    fn put_u16(&mut self, value: u16) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn put_u32(&mut self, value: u32) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn put_u64(&mut self, value: u64) {
        self.extend_from_slice(&value.to_le_bytes());
    }

    fn pad_to_eight(&mut self) {
        self.resize(self.len().next_multiple_of(8), 0);
    }
}

/// The address that means "nowhere".
pub(super) const UNDEFINED: u64 = u64::MAX;

/// Bob Jenkins' lookup3 (`hashlittle`, initial value 0), the checksum of HDF5's newer metadata
/// (HDF5 file format specification, version 3.0, "Checksum").
pub(super) fn lookup3(data: &[u8]) -> u32 {
    let start = 0xdead_beef_u32.wrapping_add(data.len() as u32);
    let (mut a, mut b, mut c) = (start, start, start);
    let mut rest = data;
    while rest.len() > 12 {
        let (block, tail) = rest.split_at(12);
        add_block(&mut a, &mut b, &mut c, block);
        mix(&mut a, &mut b, &mut c);
        rest = tail;
    }
    if rest.is_empty() {
        return c;
    }
    let mut block = [0; 12];
    for (to, from) in block.iter_mut().zip(rest) {
        *to = *from;
    }
    add_block(&mut a, &mut b, &mut c, &block);
    finish(a, b, c)
}

fn add_block(a: &mut u32, b: &mut u32, c: &mut u32, block: &[u8]) {
    for (state, word) in [a, b, c].into_iter().zip(block.chunks_exact(4)) {
        let word = word
            .iter()
            .rev()
            .fold(0, |value, &byte| value << 8 | u32::from(byte));
        *state = state.wrapping_add(word);
    }
}

fn mix(a: &mut u32, b: &mut u32, c: &mut u32) {
    for (index, turn) in [4, 6, 8, 16, 19, 4].into_iter().enumerate() {
        let (x, y, z) = match index % 3 {
            0 => (&mut *a, &mut *c, &mut *b),
            1 => (&mut *b, &mut *a, &mut *c),
            _ => (&mut *c, &mut *b, &mut *a),
        };
        *x = x.wrapping_sub(*y) ^ y.rotate_left(turn);
        *y = y.wrapping_add(*z);
    }
}

fn finish(mut a: u32, mut b: u32, mut c: u32) -> u32 {
    c = (c ^ b).wrapping_sub(b.rotate_left(14));
    a = (a ^ c).wrapping_sub(c.rotate_left(11));
    b = (b ^ a).wrapping_sub(a.rotate_left(25));
    c = (c ^ b).wrapping_sub(b.rotate_left(16));
    a = (a ^ c).wrapping_sub(c.rotate_left(4));
    b = (b ^ a).wrapping_sub(a.rotate_left(14));
    (c ^ b).wrapping_sub(b.rotate_left(24))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lookup3_gives_the_published_values() {
        // From the driver at the end of Bob Jenkins' lookup3.c.
        assert_eq!(lookup3(b""), 0xdead_beef);
        assert_eq!(lookup3(b"Four score and seven years ago"), 0x1777_0551);
    }
}
