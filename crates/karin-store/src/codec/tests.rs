//! Every chain gives back what it was given, and notices every flipped bit.

use proptest::prelude::*;

use super::*;

const DTYPES: [DType; 11] = [
    DType::Int8,
    DType::UInt8,
    DType::Int16,
    DType::UInt16,
    DType::Int32,
    DType::UInt32,
    DType::Int64,
    DType::UInt64,
    DType::Float32,
    DType::Float64,
    DType::Char,
];

/// Smooth values with noise and gaps, as bytes of `dtype`.
fn field(dtype: DType, elements: usize, seed: u64) -> Vec<u8> {
    let size = dtype.size();
    let mut state = seed | 1;
    let mut bytes = Vec::with_capacity(elements * size);
    for index in 0..elements {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let value = if index % 97 < 20 {
            u64::MAX >> 1
        } else {
            (index as u64) * 3 + (state >> 58)
        };
        bytes.extend_from_slice(&value.to_le_bytes()[..size]);
    }
    bytes
}

#[test]
fn every_chain_returns_what_it_was_given() {
    for profile in [Profile::Portable, Profile::Compact] {
        for dtype in DTYPES {
            for (rows, columns) in [(1, 1), (1, 700), (500, 1), (500, 69), (9866, 69), (0, 3)] {
                let codec = ChunkCodec::new(profile, dtype, rows, columns);
                let raw = field(dtype, rows * columns, 7);
                let stored = codec.encode(&raw).unwrap();
                let mut out = vec![1; raw.len()];
                codec.decode(&stored, &mut out).unwrap();
                assert!(out == raw, "{profile} {dtype} {rows}x{columns}");
                let zarr = codec.to_zarr(4);
                assert_eq!(
                    ChunkCodec::from_zarr(&zarr, dtype, rows, columns),
                    Some(codec),
                    "{zarr}"
                );
            }
        }
    }
}

#[test]
fn a_flipped_bit_is_an_error() {
    for profile in [Profile::Portable, Profile::Compact] {
        let codec = ChunkCodec::new(profile, DType::Int32, 60, 69);
        let raw = field(DType::Int32, 60 * 69, 3);
        let stored = codec.encode(&raw).unwrap();
        let mut out = vec![0; raw.len()];
        for bit in 0..stored.len() * 8 {
            let mut damaged = stored.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(
                codec.decode(&damaged, &mut out).is_err(),
                "bit {bit} of {profile}"
            );
        }
        for length in 0..stored.len() {
            assert!(codec.decode(&stored[..length], &mut out).is_err());
        }
    }
}

proptest! {
    #[test]
    fn any_lines_equal_those_of_the_whole(
        compact: bool, size in 0usize..11, rows in 1usize..3000, columns in 1usize..80,
        start in 0.0f64..1.0, part in 0.0f64..1.0, seed: u64,
    ) {
        let dtype = DTYPES[size];
        let profile = if compact { Profile::Compact } else { Profile::Portable };
        let codec = ChunkCodec::new(profile, dtype, rows, columns);
        let raw = field(dtype, rows * columns, seed);
        let stored = codec.encode(&raw).unwrap();
        let first = (start * rows as f64) as usize;
        let last = first + (part * (rows - first) as f64) as usize;
        let line = columns * dtype.size();
        let mut out = vec![0; (last - first) * line];
        codec.decode_rows(&stored, first..last, &mut out).unwrap();
        prop_assert!(out == raw[first * line..last * line]);
        let (left, right) = (columns / 3, columns - columns / 4);
        let size = dtype.size();
        let mut part = vec![0; (last - first) * (right - left) * size];
        codec.decode_part(&stored, first..last, left..right, &mut part).unwrap();
        let wanted: Vec<u8> =
            out.chunks_exact(line).flat_map(|row| row[left * size..right * size].to_vec()).collect();
        prop_assert!(part == wanted);
    }

    #[test]
    fn any_bytes_give_an_error_or_values(mut bytes: Vec<u8>, compact: bool, column: bool, seal: bool) {
        let profile = if compact { Profile::Compact } else { Profile::Portable };
        let codec = ChunkCodec::new(profile, DType::Int32, 10, if column { 1 } else { 4 });
        if seal {
            bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        }
        let mut out = vec![0; codec.len()];
        let _ = codec.decode(&bytes, &mut out);
    }

    #[test]
    fn damage_under_a_valid_checksum_never_panics(at: prop::sample::Index, value: u8, compact: bool) {
        let profile = if compact { Profile::Compact } else { Profile::Portable };
        let codec = ChunkCodec::new(profile, DType::Int32, 300, 69);
        let mut stored = codec.encode(&field(DType::Int32, 300 * 69, 5)).unwrap();
        stored.truncate(stored.len() - CHECKSUM);
        let index = at.index(stored.len());
        stored[index] = value;
        stored.extend_from_slice(&crc32c::crc32c(&stored).to_le_bytes());
        let mut out = vec![0; codec.len()];
        let _ = codec.decode(&stored, &mut out);
        let mut words = vec![0_u64; 300 * 69 / 2];
        let mut pieces = words.chunks_mut(1000).map(bytemuck::cast_slice_mut::<u64, u8>);
        if let (true, Ok(mut in_order)) = (compact, codec.in_order(&stored)) {
            let _ = pieces.try_for_each(|piece| in_order.next_into(piece));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn elements_in_order_equal_those_of_the_whole(
        size in 0usize..11, rows in 1usize..9000, columns in 1usize..80, pieces in prop::collection::vec(1usize..40_000, 3..6),
        seed: u64,
    ) {
        let dtype = DTYPES[size];
        let codec = ChunkCodec::new(Profile::Compact, dtype, rows, columns);
        prop_assume!(codec.opens_in_order());
        let (size, elements) = (dtype.size(), rows * columns);
        let raw = field(dtype, elements, seed);
        let mut ordered = raw.clone();
        if codec.is_by_columns() {
            transpose::to_columns(&raw, size, rows, columns, &mut ordered);
        }
        let stored = codec.encode(&raw).unwrap();
        let mut in_order = codec.in_order(&stored).unwrap();
        let (mut at, mut words) = (0, vec![0_u64; 40_000]);
        for piece in pieces.iter().cycle() {
            let end = elements.min(at + piece);
            let out = &mut bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..(end - at) * size];
            in_order.next_into(out).unwrap();
            prop_assert!(*out == ordered[at * size..end * size], "{dtype} {at}..{end}");
            if at < 50_000 {
                let mut again = vec![0; out.len()];
                codec.decode_checked(&stored, at..end, &mut again).unwrap();
                prop_assert!(*out == again[..]);
            }
            at = end;
            if at == elements {
                break;
            }
        }
        prop_assert!(in_order.next_into(bytemuck::cast_slice_mut(&mut words[..1])).is_err());
    }

    #[test]
    fn parts_are_alike_where_their_elements_are(
        compact: bool, size in 0usize..11, rows in 4097usize..6000, change in prop::option::of(0.0f64..1.0), seed: u64,
    ) {
        let dtype = DTYPES[size];
        let profile = if compact { Profile::Compact } else { Profile::Portable };
        let codec = ChunkCodec::new(profile, dtype, rows, 69);
        let size = dtype.size();
        let one = field(dtype, rows * 69, seed);
        let mut two = one.clone();
        if let Some(change) = change {
            let at = (change * two.len() as f64) as usize;
            two[at] ^= 1;
        }
        let (first, second) = (codec.encode(&one).unwrap(), codec.encode(&two).unwrap());
        let block = codec.block_elements(&first).unwrap_or(rows * 69);
        for begin in (0..rows * 69).step_by(block) {
            let end = (begin + block).min(rows * 69);
            let parts = (codec.part(&first, begin..end).unwrap(), codec.part(&second, begin..end).unwrap());
            let is_same = if codec.opens_in_order() { one == two } else { one[begin * size..end * size] == two[begin * size..end * size] };
            prop_assert_eq!(parts.0 == parts.1, is_same);
            prop_assert_eq!(codec.part(&first, begin + 1..end).is_some(), codec.opens_in_order());
        }
    }
}

/// A chunk as netCDF-4 files have it, made by a deflater that is not ours.
fn netcdf_chunk(raw: &[u8], size: usize, shuffle: bool) -> Vec<u8> {
    let mut ordered = raw.to_vec();
    if shuffle {
        karin_core::shuffle::shuffle(raw, size, &mut ordered);
    }
    let mut deflater = libdeflater::Compressor::new(libdeflater::CompressionLvl::new(4).unwrap());
    let mut stored = vec![0; deflater.zlib_compress_bound(raw.len())];
    let length = deflater.zlib_compress(&ordered, &mut stored).unwrap();
    stored.truncate(length);
    stored
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any part of a chunk of a netCDF file, whatever its type; and every flipped bit is noticed.
    #[test]
    fn chunks_of_netcdf_files_decode_in_part(
        dtype in prop::sample::select(DTYPES.to_vec()),
        shuffle: bool,
        (rows, columns) in (1_usize..60, 1_usize..40),
        cut in (0.0..1.0_f64, 0.0..1.0_f64, 0.0..1.0_f64, 0.0..1.0_f64),
        seed: u64,
    ) {
        let (size, codec) = (dtype.size(), ChunkCodec::deflated(dtype, rows, columns, shuffle, 4));
        let raw = field(dtype, rows * columns, seed);
        let mut stored = netcdf_chunk(&raw, size, shuffle);
        let range = |length: usize, a: f64, b: f64| {
            let at = |x: f64| (x * length as f64) as usize;
            at(a.min(b))..at(a.max(b)) + 1
        };
        let (lines, pixels) = (range(rows, cut.0, cut.1), range(columns, cut.2, cut.3));
        let mut part = vec![0; lines.len() * pixels.len() * size];
        codec.decode_part(&stored, lines.clone(), pixels.clone(), &mut part).unwrap();
        let expected: Vec<u8> = lines
            .flat_map(|line| raw[(line * columns + pixels.start) * size..(line * columns + pixels.end) * size].to_vec())
            .collect();
        prop_assert_eq!(part, expected);
        let at = seed as usize % stored.len();
        stored[at] ^= 1 << (seed >> 61);
        let mut whole = vec![0; raw.len()];
        prop_assert!(codec.decode(&stored, &mut whole).is_err() || whole == raw);
    }
}
