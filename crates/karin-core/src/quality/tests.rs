use super::*;
use crate::{AttrValue, DType, Values};

const LEVELS: [QualityLevel; 4] = [
    QualityLevel::Good,
    QualityLevel::Suspect,
    QualityLevel::Degraded,
    QualityLevel::Any,
];

fn variable(name: &str, dtype: DType, attributes: Vec<(&str, AttrValue)>) -> VariableMeta {
    let attributes = attributes.into_iter().collect();
    VariableMeta {
        name: name.into(),
        dtype,
        dimensions: vec![],
        attributes,
        storage: Default::default(),
    }
}

fn flag(name: &str, numbers: Values) -> VariableMeta {
    let meanings = vec!["x"; numbers.len()].join(" ");
    let numbers = ("flag_masks", AttrValue::Array(numbers));
    variable(
        name,
        DType::UInt32,
        vec![numbers, ("flag_meanings", meanings.into())],
    )
}

fn gated(flags: Vec<VariableMeta>, name: &str, by: &str) -> Option<Gate> {
    let gated = variable(name, DType::Int32, vec![("quality_flag", by.into())]);
    let group = GroupMeta {
        variables: flags,
        ..GroupMeta::default()
    };
    gate_of(&group, &gated)
}

/// Of `values`, those that each level keeps.
fn kept(rule: GateRule, values: &[u64]) -> Vec<Vec<u64>> {
    LEVELS
        .iter()
        .map(|&level| {
            values
                .iter()
                .copied()
                .filter(|&raw| rule.keeps(raw, level))
                .collect()
        })
        .collect()
}

#[test]
fn bit_masks_are_cut_at_their_summary_bits() {
    let values = [
        0,
        1,
        (1 << 30) - 1,
        1 << 30,
        (1 << 31) - 1,
        1 << 31,
        2_684_354_560,
        4_294_967_295,
    ];
    assert_eq!(
        kept(GateRule::Bits, &values),
        [
            values[..1].to_vec(),
            values[..3].to_vec(),
            values[..5].to_vec(),
            values.to_vec()
        ]
    );
}

#[test]
fn a_bad_crossover_correction_is_kept_by_any_alone() {
    let values = [0, 1, 2, 255];
    let expected = [vec![0], vec![0, 1], vec![0, 1], values.to_vec()];
    assert_eq!(kept(GateRule::CrossoverCorrection, &values), expected);
}

#[test]
fn l3_levels_follow_the_list_of_the_contract() {
    let values: Vec<u64> = (0..=255).collect();
    let expected = [
        vec![0, 3],
        vec![0, 3, 5, 10, 18, 30],
        vec![0, 3, 5, 10, 18, 19, 20, 25, 30, 50, 70],
        values.clone(),
    ];
    assert_eq!(kept(GateRule::Level3, &values), expected);
}

#[test]
fn l2_variables_are_gated_by_the_flag_that_they_name() {
    let bits = || flag("ssha_karin_2_qual", vec![1u32, 8, 1 << 31].into());
    let gate = |name: &str, rule| {
        Some(Gate {
            flag_variable: name.into(),
            rule,
        })
    };
    let expected = gate("ssha_karin_2_qual", GateRule::Bits);
    assert_eq!(gated(vec![bits()], "ssha_karin_2", "ssha_karin_2_qual"), expected);
    assert_eq!(
        gated(vec![], "ssha_karin_2", "ssha_karin_2_qual"),
        expected,
        "a subset without the flag"
    );
    assert_eq!(
        gated(vec![], "height_cor_xover", "height_cor_xover_qual"),
        gate("height_cor_xover_qual", GateRule::CrossoverCorrection)
    );
}

#[test]
fn other_enumerations_and_coordinates_are_not_gated() {
    let orbit = || flag("orbit_qual", vec![0u32, 4, 5, 6, 7, 8, 64].into());
    assert_eq!(gated(vec![orbit()], "sc_altitude", "orbit_qual"), None);
    assert_eq!(gated(vec![], "sc_altitude", "orbit_qual"), None);
    let bits = || flag("ssh_karin_qual", vec![1u32, 8].into());
    for name in [
        "latitude",
        "longitude_avg_ssh",
        "time",
        "time_tai",
        "cross_track_distance",
    ] {
        assert_eq!(gated(vec![bits()], name, "ssh_karin_qual"), None, "{name}");
    }
}

#[test]
fn of_l3_only_what_is_not_edited_is_gated() {
    let gate = |name| {
        let group = GroupMeta {
            variables: vec![
                variable("quality_flag", DType::UInt8, vec![]),
                variable(name, DType::Int32, vec![]),
            ],
            ..GroupMeta::default()
        };
        gate_of(&group, &group.variables[1]).map(|gate| gate.rule)
    };
    assert_eq!(gate("ssha_unedited"), Some(GateRule::Level3));
    assert_eq!(gate("sigma0"), Some(GateRule::Level3));
    assert_eq!(gate("ssha_filtered"), None);
    assert_eq!(gate("mdt"), None);
}

#[test]
fn words_round_trip_and_errors_suggest() {
    for level in LEVELS {
        assert_eq!(level.name().parse(), Ok(level));
        assert_eq!(serde_json::to_string(&level).unwrap(), format!("\"{level}\""));
    }
    let message = "suspekt".parse::<QualityLevel>().unwrap_err().to_string();
    assert!(message.ends_with("; did you mean 'suspect'?"), "{message}");
}
