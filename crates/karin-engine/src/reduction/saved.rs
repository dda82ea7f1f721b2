//! States as bytes, so that parts made by other processes merge here.
//!
//! Little endian, no names, no versions: parts live as long as one computation. They may come over a network or from
//! a file, so that whatever does not fit is noticed and nothing is allocated that the bytes do not fill.

/// What can be written as bytes and read back.
pub trait Saved: Sized {
    /// Appends it.
    fn save(&self, out: &mut Vec<u8>);
    /// Reads it from the front of `bytes` and moves on; `None` if they hold something else.
    fn restore(bytes: &mut &[u8]) -> Option<Self>;
}

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Saved for $type {
            fn save(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            fn restore(bytes: &mut &[u8]) -> Option<Self> {
                let (number, rest) = bytes.split_first_chunk()?;
                *bytes = rest;
                Some(Self::from_le_bytes(*number))
            }
        }
    )*};
}
numbers!(u8, i8, u16, i16, u32, i32, u64, i64, u128, i128, f32, f64);

impl Saved for bool {
    fn save(&self, out: &mut Vec<u8>) {
        u8::from(*self).save(out);
    }
    fn restore(bytes: &mut &[u8]) -> Option<Self> {
        match u8::restore(bytes)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl<A: Saved, B: Saved> Saved for (A, B) {
    fn save(&self, out: &mut Vec<u8>) {
        self.0.save(out);
        self.1.save(out);
    }
    fn restore(bytes: &mut &[u8]) -> Option<Self> {
        Some((A::restore(bytes)?, B::restore(bytes)?))
    }
}

impl Saved for [f64; 2] {
    fn save(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|number| number.save(out));
    }
    fn restore(bytes: &mut &[u8]) -> Option<Self> {
        Some([f64::restore(bytes)?, f64::restore(bytes)?])
    }
}

impl<V: Saved> Saved for Vec<V> {
    fn save(&self, out: &mut Vec<u8>) {
        (self.len() as u64).save(out);
        self.iter().for_each(|value| value.save(out));
    }
    fn restore(bytes: &mut &[u8]) -> Option<Self> {
        let count = usize::try_from(u64::restore(bytes)?).ok()?;
        // Every value takes a byte at least, so that a length which cannot be true allocates nothing.
        (count <= bytes.len()).then_some(())?;
        (0..count).map(|_| V::restore(bytes)).collect()
    }
}

impl Saved for String {
    fn save(&self, out: &mut Vec<u8>) {
        (self.len() as u64).save(out);
        out.extend_from_slice(self.as_bytes());
    }
    fn restore(bytes: &mut &[u8]) -> Option<Self> {
        let count = usize::try_from(u64::restore(bytes)?).ok()?;
        let (text, rest) = bytes.split_at_checked(count)?;
        *bytes = rest;
        Self::from_utf8(text.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::Saved;

    #[test]
    fn what_was_saved_comes_back_and_what_was_not_does_not() {
        let value: Vec<(String, Vec<i128>)> =
            vec![("a".to_owned(), vec![-1, i128::MAX]), (String::new(), vec![])];
        let mut bytes = Vec::new();
        value.save(&mut bytes);
        let mut rest = bytes.as_slice();
        assert_eq!(Vec::<(String, Vec<i128>)>::restore(&mut rest), Some(value));
        assert!(rest.is_empty());
        for cut in 0..bytes.len() {
            assert_eq!(
                Vec::<(String, Vec<i128>)>::restore(&mut &bytes[..cut]),
                None,
                "{cut}"
            );
        }
        let endless = u64::MAX.to_le_bytes();
        assert_eq!(Vec::<f64>::restore(&mut endless.as_slice()), None);
    }
}
