use proptest::prelude::*;

use super::*;

use crate::{AttrValue, Attributes, Storage};

fn variable(dtype: DType, attributes: &[(&str, AttrValue)]) -> VariableMeta {
    VariableMeta {
        name: "ssha".into(),
        dtype,
        dimensions: vec![],
        attributes: attributes.iter().cloned().collect::<Attributes>(),
        storage: Storage::default(),
    }
}

fn packing(dtype: DType, attributes: &[(&str, AttrValue)]) -> Packing {
    Packing::of(&variable(dtype, attributes)).unwrap()
}

fn height() -> Packing {
    let fill = AttrValue::number(2_147_483_647i32);
    packing(
        DType::Int32,
        &[("_FillValue", fill), ("scale_factor", AttrValue::number(1e-4))],
    )
}

#[test]
fn an_l2_height_is_scaled_and_its_fill_is_nan() {
    let values = height().decode(&vec![12_345, -1, 0, i32::MAX].into()).unwrap();
    assert_eq!(&values[..3], &[12_345.0 * 1e-4, -1e-4, 0.0]);
    assert!(values[3].is_nan());
}

#[test]
fn fills_that_no_attribute_names_are_those_of_netcdf() {
    let scale = [("scale_factor", AttrValue::number(1e-6))];
    let longitude = packing(DType::Int32, &scale);
    assert!(longitude.is_fill(-2_147_483_647i32) && !longitude.is_fill(i32::MAX));
    assert!(packing(DType::UInt8, &[]).is_fill(255u8));
    assert!(packing(DType::Float64, &[]).is_fill(9.969_209_968_386_869e36f64));
    assert!(packing(DType::Float32, &[]).is_fill(9.969_21e36f32));
    assert!(packing(DType::Float32, &[]).is_fill(f32::NAN));
    let mut unfilled = variable(DType::UInt8, &[]);
    unfilled.storage.fill = FillMode::NoFill;
    assert!(!Packing::of(&unfilled).unwrap().is_fill(255u8));
    assert_eq!(
        Packing::of(&variable(DType::Char, &[("_FillValue", "*".into())])),
        None
    );
}

#[test]
fn a_nan_fill_is_fill_and_so_is_every_nan() {
    let packing = packing(DType::Float64, &[("_FillValue", AttrValue::number(f64::NAN))]);
    assert!(packing.is_fill(f64::NAN) && !packing.is_fill(9.969_209_968_386_869e36));
    let values = packing.decode(&vec![f64::NAN, 1.5, -0.0].into()).unwrap();
    assert!(values[0].is_nan() && values[1] == 1.5 && values[2].is_sign_negative());
}

#[test]
fn missing_value_counts_beside_the_fill() {
    let packing = packing(
        DType::Int16,
        &[
            ("_FillValue", AttrValue::number(-1i16)),
            ("missing_value", AttrValue::number(-999.0f64)),
        ],
    );
    let values = packing.decode(&vec![-1i16, -999, 7].into()).unwrap();
    assert!(values[0].is_nan() && values[1].is_nan() && values[2] == 7.0);
}

#[test]
fn signed_bytes_that_mean_unsigned_are_read_so() {
    let attributes = [
        ("_Unsigned", "true".into()),
        ("_FillValue", AttrValue::number(-1i8)),
    ];
    let packing = packing(DType::Int8, &attributes);
    assert_eq!(packing.dtype, DType::UInt8);
    let values = packing.decode(&vec![-1i8, -2, 5].into()).unwrap();
    assert!(values[0].is_nan());
    assert_eq!(&values[1..], &[254.0, 5.0]);
}

#[test]
fn fills_are_exact_in_64_bits() {
    let packing = packing(DType::UInt64, &[("_FillValue", AttrValue::number(u64::MAX))]);
    assert!(packing.is_fill(u64::MAX) && !packing.is_fill(u64::MAX - 1));
    let signed = Packing::plain(DType::Int64);
    assert!(signed.is_fill(i64::MIN + 2) && !signed.is_fill(i64::MIN + 1));
}

#[test]
fn packing_rounds_to_the_nearest_step_and_says_what_does_not_fit() {
    let packing = height();
    assert_eq!(packing.pack::<i32>(1.234_56), Ok(12_346));
    assert_eq!(packing.pack::<i32>(f64::NAN), Ok(i32::MAX));
    for value in [214_748.364_7, 1e9, f64::INFINITY] {
        assert!(
            matches!(packing.pack::<i32>(value), Err(PackingError::OutOfRange { .. })),
            "{value}"
        );
    }
    let bare = Packing {
        fill: None,
        ..Packing::plain(DType::UInt8)
    };
    assert_eq!(bare.pack::<u8>(f64::NAN), Err(PackingError::NoFill(DType::UInt8)));
    assert_eq!(
        (bare.pack::<u8>(0.5), bare.pack::<u8>(1.5), bare.pack::<u8>(255.4)),
        (Ok(0), Ok(2), Ok(255))
    );
    assert!(bare.pack::<u8>(-0.6).is_err() && bare.pack::<u8>(255.6).is_err());
    assert!(bare.encode(&[1.0]).is_ok_and(|packed| packed == vec![1u8].into()));
}

#[test]
fn integers_of_64_bits_keep_to_their_range() {
    let signed = Packing {
        fill: None,
        ..Packing::plain(DType::Int64)
    };
    assert!(signed.pack::<i64>(9_223_372_036_854_775_808.0).is_err());
    assert_eq!(signed.pack::<i64>(-9_223_372_036_854_775_808.0), Ok(i64::MIN));
    let unsigned = Packing {
        fill: None,
        ..Packing::plain(DType::UInt64)
    };
    assert!(unsigned.pack::<u64>(18_446_744_073_709_551_616.0).is_err());
    assert_eq!(
        unsigned.pack::<u64>(18_446_744_073_709_549_568.0),
        Ok(18_446_744_073_709_549_568)
    );
}

#[test]
fn repacking_is_refused_where_it_would_lose() {
    let fine = height();
    let coarse = Packing {
        scale: 1e-3,
        ..fine.clone()
    };
    let raw: Values = vec![10, -70, i32::MAX].into();
    assert_eq!(fine.repack(&raw, &coarse), Ok(vec![1, -7, i32::MAX].into()));
    assert_eq!(coarse.repack(&raw, &fine), Ok(vec![100, -700, i32::MAX].into()));
    assert!(matches!(
        fine.repack(&vec![12].into(), &coarse),
        Err(PackingError::Lossy { .. })
    ));
    let negative = Packing {
        fill: default_fill(DType::Int32),
        ..fine.clone()
    };
    assert_eq!(fine.repack(&raw, &negative), Ok(vec![10, -70, -i32::MAX].into()));
    let short = Packing {
        dtype: DType::Int16,
        fill: default_fill(DType::Int16),
        ..fine.clone()
    };
    assert!(matches!(
        fine.repack(&vec![40_000].into(), &short),
        Err(PackingError::OutOfRange { .. })
    ));
    let unsaid = Packing {
        fill: None,
        ..fine.clone()
    };
    assert!(matches!(fine.repack(&raw, &unsaid), Err(PackingError::NoFill(_))));
    assert!(fine.repack(&Values::Char(vec![b'a']), &coarse).is_err());
}

/// A `re-saved` granule: decoded doubles with NaN, packed again as the product does it.
#[test]
fn decoded_doubles_pack_back_into_integers() {
    let fine = height();
    let decoded = fine
        .decode(&vec![12_345, 1, i32::MAX, -2_000_000_000].into())
        .unwrap();
    let doubles = packing(DType::Float64, &[("_FillValue", AttrValue::number(f64::NAN))]);
    assert_eq!(
        doubles.repack(&decoded.into(), &fine),
        Ok(vec![12_345, 1, i32::MAX, -2_000_000_000].into())
    );
}

proptest! {
    #[test]
    fn what_is_unpacked_packs_back(raw: i32, scale in prop::sample::select(vec![1e-6, 1e-4, 1e-3, 0.01, 1.0, 1000.0])) {
        let packing = Packing { scale, ..height() };
        let value = packing.decode(&vec![raw].into()).unwrap();
        prop_assert_eq!(packing.encode(&value).unwrap(), vec![raw].into());
    }

    #[test]
    fn no_attribute_panics(number: f64, integer: i64, raw: u16, text in ".{0,6}") {
        for value in [AttrValue::number(number), AttrValue::number(integer), text.as_str().into()] {
            for name in ["scale_factor", "add_offset", "_FillValue", "missing_value", "_Unsigned"] {
                let packing = packing(DType::UInt16, &[(name, value.clone())]);
                let _ = packing.decode(&vec![raw].into()).map(|values| packing.encode(&values));
            }
        }
    }
}
