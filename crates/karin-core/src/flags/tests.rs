use proptest::prelude::*;

use super::*;

fn variable(dtype: DType, attributes: &[(&str, AttrValue)]) -> VariableMeta {
    VariableMeta {
        name: "flag".into(),
        dtype,
        dimensions: vec![],
        attributes: attributes.iter().cloned().collect(),
        storage: Default::default(),
    }
}

fn table(dtype: DType, name: &str, numbers: impl Into<AttrValue>, meanings: &str) -> FlagTable {
    FlagTable::of(&variable(
        dtype,
        &[(name, numbers.into()), ("flag_meanings", meanings.into())],
    ))
    .unwrap()
}

#[test]
fn bits_of_an_l2_flag_are_decoded_even_if_the_highest_wrapped() {
    for masks in [
        AttrValue::Array(vec![1u32, 8, 1 << 30, 1 << 31].into()),
        AttrValue::Array(vec![1i32, 8, 1 << 30, i32::MIN].into()),
        AttrValue::Array(vec![1i64, 8, 1 << 30, -2_147_483_648].into()),
        AttrValue::Array(vec![1.0f64, 8.0, 1_073_741_824.0, 2_147_483_648.0].into()),
        "1UL, 8UL, 1073741824UL, 2147483648UL".into(),
    ] {
        let table = table(
            DType::UInt32,
            "flag_masks",
            masks,
            "suspect_large_ssh_delta suspect_beam_used degraded bad_not_usable",
        );
        assert_eq!(table.kind(), FlagKind::Bits);
        let bits = table.bits_of(2_147_483_657.0).unwrap();
        assert_eq!(
            table.decode(bits),
            ["suspect_large_ssh_delta", "suspect_beam_used", "bad_not_usable"]
        );
        assert_eq!(table.decode(0), [""; 0]);
        assert!(table.any_holds(&["bad*"], bits) && !table.any_holds(&["degraded*"], bits));
        assert_eq!(table.matching("suspect_*").count(), 2);
    }
}

#[test]
fn l3_enumerations_that_call_themselves_masks_are_values() {
    let values: Vec<u8> = vec![0, 3, 5, 10, 20, 30, 50, 70, 100, 101, 102];
    let meanings = "good, eclipse, local_outliers bad_quality_coast ice soft_outliers extremes mission_event \
                    bad_swath_extremities not_on_sea, no_data,";
    for name in ["flag_masks", "flag_values"] {
        let table = table(
            DType::UInt8,
            name,
            AttrValue::Array(values.clone().into()),
            meanings,
        );
        assert_eq!(table.kind(), FlagKind::Values);
        assert_eq!(table.decode(3), ["eclipse"]);
        assert_eq!(table.decode(102), ["no_data"]);
        assert_eq!(table.decode(255), [""; 0]);
        assert_eq!(table.flags().len(), 11);
    }
}

#[test]
fn masks_written_as_text_are_read() {
    let table = table(
        DType::Int64,
        "flag_masks",
        "0LL, 2LL, 4LL, 8LL, 4096LL, 32768LL",
        "valid a b c d e",
    );
    assert_eq!(table.kind(), FlagKind::Bits);
    assert_eq!(table.decode(0), ["valid"]);
    assert_eq!(table.decode(2 | 4096), ["a", "d"]);
}

#[test]
fn fields_mix_both() {
    let table = FlagTable::of(&variable(
        DType::Int8,
        &[
            ("flag_masks", AttrValue::Array(vec![1i8, 12, 12, -128].into())),
            ("flag_values", AttrValue::Array(vec![1i8, 4, 8, -128].into())),
            (
                "flag_meanings",
                "low_battery processor_a processor_b wrapped".into(),
            ),
        ],
    ))
    .unwrap();
    assert_eq!(table.kind(), FlagKind::Fields);
    assert_eq!(
        table.decode(table.bits_of(-119.0).unwrap()),
        ["low_battery", "processor_b", "wrapped"]
    );
}

#[test]
fn names_and_numbers_are_paired_as_far_as_both_go() {
    let short = table(
        DType::UInt8,
        "flag_values",
        AttrValue::Array(vec![0u8, 1, 2].into()),
        "no yes",
    );
    assert_eq!(short.flags().len(), 2);
    assert_eq!(
        FlagTable::of(&variable(DType::UInt8, &[("flag_meanings", "no yes".into())])),
        None
    );
    assert_eq!(
        FlagTable::of(&variable(DType::UInt8, &[("flag_values", "none".into())])),
        None
    );
    assert_eq!(
        FlagTable::of(&variable(DType::Char, &[("flag_values", AttrValue::number(0u8))])),
        None
    );
}

#[test]
fn no_number_has_no_bits() {
    let table = table(
        DType::UInt32,
        "flag_masks",
        AttrValue::Array(vec![1u32].into()),
        "one",
    );
    for raw in [f64::NAN, f64::INFINITY, 0.5, 1e30] {
        assert_eq!(table.bits_of(raw), None, "{raw}");
    }
}

proptest! {
    #[test]
    fn no_attribute_panics(masks in ".{0,20}", meanings in ".{0,20}", numbers in prop::collection::vec(any::<f64>(), 0..5), raw: f64) {
        for value in [AttrValue::from(masks.as_str()), AttrValue::Array(numbers.into())] {
            let meta = variable(DType::Int16, &[("flag_masks", value), ("flag_meanings", meanings.as_str().into())]);
            if let Some(table) = FlagTable::of(&meta) {
                let _ = table.bits_of(raw).map(|bits| table.decode(bits).len());
            }
        }
    }
}
