//! Arrays as one body: a JSON header and the numbers behind it, little endian, aligned to eight bytes.
//!
//! ```text
//!   "KRN1" | u32 length of the header | header, padded with spaces | array | array | …
//! ```

use bytemuck::NoUninit;
use serde_json::{Map, Value, json};

/// The media type of such a body.
pub const MEDIA_TYPE: &str = "application/vnd.karin.arrays";

/// First bytes of the body.
const MAGIC: &[u8; 4] = b"KRN1";
const ALIGN: usize = 8;

/// A type that arrays may have.
pub trait Number: NoUninit {
    /// Its name in the header.
    const NAME: &'static str;
}

macro_rules! numbers {
    ($($type:ty = $name:literal),*) => {$(
        impl Number for $type {
            const NAME: &'static str = $name;
        }
    )*};
}
numbers!(
    i16 = "int16",
    i32 = "int32",
    u32 = "uint32",
    f32 = "float32",
    f64 = "float64"
);

/// A body under construction.
#[derive(Debug, Default)]
pub struct Container {
    fields: Map<String, Value>,
    arrays: Vec<(Value, Vec<u8>)>,
}

impl Container {
    /// With these fields in the header (an object; anything else leaves it empty).
    pub fn new(fields: Value) -> Self {
        let fields = match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        Self {
            fields,
            arrays: Vec::new(),
        }
    }

    /// Adds an array of that shape, row-major.
    #[must_use]
    pub fn with<T: Number>(mut self, name: &str, shape: &[usize], values: &[T]) -> Self {
        debug_assert_eq!(shape.iter().product::<usize>(), values.len(), "{name}");
        let bytes: Vec<u8> = if cfg!(target_endian = "little") {
            bytemuck::cast_slice(values).to_vec()
        } else {
            let turned = values
                .iter()
                .flat_map(|value| bytemuck::bytes_of(value).iter().rev());
            turned.copied().collect()
        };
        self.arrays
            .push((json!({"name": name, "dtype": T::NAME, "shape": shape}), bytes));
        self
    }

    /// The body. Offsets in the header count from its first byte.
    pub fn finish(self) -> Vec<u8> {
        // Offsets are written into the header, whose length they change: their number of digits is fixed beforehand.
        let room = self.header(usize::MAX / 2).len().next_multiple_of(ALIGN);
        let start = (MAGIC.len() + 4 + room).next_multiple_of(ALIGN);
        let mut header = self.header(start).into_bytes();
        header.resize(start - MAGIC.len() - 4, b' ');
        let mut body = Vec::with_capacity(
            start
                + self
                    .arrays
                    .iter()
                    .map(|(_, bytes)| bytes.len() + ALIGN)
                    .sum::<usize>(),
        );
        body.extend_from_slice(MAGIC);
        body.extend_from_slice(&(header.len() as u32).to_le_bytes());
        body.append(&mut header);
        for (_, bytes) in &self.arrays {
            body.resize(body.len().next_multiple_of(ALIGN), 0);
            body.extend_from_slice(bytes);
        }
        body
    }

    /// The header, if the first array lies at `start`.
    fn header(&self, start: usize) -> String {
        let mut offset = start;
        let mut described = Vec::new();
        for (description, bytes) in &self.arrays {
            offset = offset.next_multiple_of(ALIGN);
            let mut description = description.clone();
            if let Some(fields) = description.as_object_mut() {
                fields.insert("offset".to_owned(), offset.into());
                fields.insert("length".to_owned(), bytes.len().into());
            }
            described.push(description);
            offset += bytes.len();
        }
        let mut fields = self.fields.clone();
        fields.insert("arrays".to_owned(), Value::Array(described));
        Value::Object(fields).to_string()
    }
}

/// A body taken apart: its header, and the bytes of its arrays by name.
pub type Parsed = (Value, Vec<(String, Vec<u8>)>);

/// Takes a body apart.
///
/// # Errors
/// In words, if it is no such body.
pub fn parse(body: &[u8]) -> Result<Parsed, String> {
    let length = body
        .get(4..8)
        .and_then(|bytes| bytes.try_into().ok())
        .map(u32::from_le_bytes)
        .filter(|_| body.starts_with(MAGIC))
        .ok_or("it does not begin with KRN1 and a length")? as usize;
    let header = body.get(8..8 + length).ok_or("shorter than its header says")?;
    let header: Value = serde_json::from_slice(header).map_err(|error| error.to_string())?;
    let mut arrays = Vec::new();
    for array in header["arrays"].as_array().into_iter().flatten() {
        let number = |name: &str| array[name].as_u64().map(|number| number as usize);
        let (Some(name), Some(offset), Some(length)) =
            (array["name"].as_str(), number("offset"), number("length"))
        else {
            return Err("an array without name, offset or length".to_owned());
        };
        let bytes = offset.checked_add(length).and_then(|end| body.get(offset..end));
        let bytes = bytes.ok_or_else(|| format!("{name} lies outside the body"))?;
        arrays.push((name.to_owned(), bytes.to_vec()));
    }
    Ok((header, arrays))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_lie_where_the_header_says_aligned_to_eight_bytes() {
        for padding in 0..20 {
            let container = Container::new(json!({"note": "x".repeat(padding)}))
                .with("values", &[3], &[1_i16, -2, 3])
                .with("time", &[2], &[1.5, f64::NAN]);
            let body = container.finish();
            let (header, arrays) = parse(&body).unwrap();
            assert_eq!(header["note"], "x".repeat(padding));
            for array in header["arrays"].as_array().unwrap() {
                assert_eq!(array["offset"].as_u64().unwrap() % 8, 0);
            }
            let [values, time] = arrays.as_slice() else {
                panic!("{arrays:?}")
            };
            assert_eq!(values.1, [1, 0, 254, 255, 3, 0]);
            let first = time.1.first_chunk::<8>().copied().map(f64::from_le_bytes);
            assert_eq!((time.0.as_str(), first), ("time", Some(1.5)));
        }
    }

    #[test]
    fn a_body_that_is_none_is_told() {
        for body in [&b""[..], b"KRN", b"KRN1\xff\xff\xff\xff{}", b"PNG\0\x02\0\0\0{}"] {
            assert!(parse(body).is_err(), "{body:?}");
        }
    }
}
