use proptest::prelude::*;

use super::*;
use crate::Schema;

const REAL: [&str; 22] = [
    "SWOT_L1B_LR_INTF_005_077_20230924T104557_20230924T113731_PIB0_01.nc",
    "SWOT_L2_LR_SSH_Basic_010_013_20240210T140442_20240210T145610_PIC0_01.nc",
    "SWOT_L2_LR_SSH_Basic_475_022_20230331T235959_20230401T005105_PGC0_02.nc",
    "SWOT_L2_LR_SSH_Expert_010_013_20240210T140442_20240210T145610_PID0_01.nc",
    "SWOT_L2_LR_SSH_WindWave_001_001_20230726T173637_20230726T182803_PGD0_02.nc",
    "SWOT_L2_LR_SSH_Unsmoothed_578_028_20230710T042500_20230710T051600_PIA1_01.nc",
    "SWOT_L2_LR_SSH_Expert_001_005_20140412T120000_20140412T125100_DG10_01.nc",
    "SWOT_L2_LR_SSH_Expert_001_005_20140412T120000_20140412T125100_VI0001_01.nc",
    "SWOT_L3_LR_SSH_Basic_001_149_20230726T122824_20230726T131950_v1.0.nc",
    "SWOT_L3_LR_SSH_Expert_026_165_20241229T165806_20241229T174933_v2.0.1.nc",
    "SWOT_L3_LR_SSH_Technical_001_149_20230726T122824_20230726T131950_v3.0.nc",
    "SWOT_L3_LR_SSH_Unsmoothed_001_155_20230726T173637_20230726T182804_v2.0.1.nc",
    "SWOT_L3_LR_SSH_Expert_001_155_20230726T173637_20230726T182803_v0.3.nc",
    "SWOT_L3_LR_WIND_WAVE_001_155_20230726T173637_20230726T182803_v2.0.nc",
    "SWOT_L3_LR_WIND_WAVE_Extended_001_155_20230726T173637_20230726T182803_v2.0.nc",
    "SWOT_L3_LR_WIND_WAVE_001_155_20230726T173637_20230726T182803_v2.1_light.nc",
    "SWOT_IPN_2PfP012_428_20240321_235733_20240322_004900.nc",
    "SWOT_GPS_2PfP012_428_20240321_235733_20240322_004900.nc",
    "SWOT_OPR_2PfP012_428_20240321_235733_20240322_004900.nc",
    "SWOT_IPRAD_2PaP012_428_20240321_235733_20240322_004900_PIC0_01.nc",
    "SWOT_GPRAD_2PaP012_428_20240321_235733_20240322_004900_PGC0_01.nc",
    "SWOT_L2_LR_SSH_Expert_399_584_20381231T235959_20390101T005000_PIZ9_99.nc",
];

#[test]
fn real_names_are_understood_without_warning_and_written_again() {
    for name in REAL {
        let (parsed, warnings) = GranuleName::parse_whole(name).expect(name);
        assert_eq!(warnings, Vec::<String>::new(), "{name}");
        assert_eq!(parsed.file_name(), name);
    }
    let (expert, _) = GranuleName::parse_whole(REAL[9]).expect("level 3");
    assert_eq!(expert.product, Product::L3Expert);
    assert_eq!(expert.half_orbit, HalfOrbit::new(26, 165));
    assert_eq!(expert.schema(), Some(Schema::V2));
    // date -u -d 2024-12-29T16:58:06 +%s, less that of 2000-01-01
    assert_eq!(expert.start, 1_735_491_486.0 - 946_684_800.0);
}

#[test]
fn folders_and_underscored_versions_are_no_reason_to_warn() {
    for name in [
        "/data/v2_0_1/SWOT_L3_LR_SSH_Expert_026_165_20241229T165806_20241229T174933_v2_0_1.nc",
        "C:\\swot\\SWOT_L2_LR_SSH_Basic_010_013_20240210T140442_20240210T145610_PIC0_01.nc",
    ] {
        assert_eq!(
            GranuleName::parse_whole(name).expect(name).1,
            Vec::<String>::new(),
            "{name}"
        );
    }
}

#[test]
fn renamed_copies_that_identify_the_granule_are_taken_with_a_warning() {
    let usual = REAL[9];
    let stem = usual.trim_end_matches(".nc");
    for copy in [
        format!("subset_{usual}"),
        format!("{stem}_agulhas.nc"),
        format!("{stem}-med.nc"),
        format!("{stem}_fcs.nc"),
        format!("{stem} (1).nc"),
        format!("{stem}.NC"),
        format!("{stem}.nc4"),
        usual.to_lowercase().replace('t', "T"),
        stem.to_owned(),
    ] {
        let (name, warnings) = GranuleName::parse_whole(&copy).expect(&copy);
        assert_eq!(name.file_name(), usual, "{copy}");
        assert_eq!(warnings.len(), 1, "{copy}");
    }
    let (_, warnings) = GranuleName::parse_whole(&format!("subset_{stem}_agulhas.nc")).expect("copy");
    assert!(warnings[0].contains("(added: subset_, agulhas)"), "{warnings:?}");
}

#[test]
fn copies_that_lost_their_identity_say_what_they_lack() {
    let parsed = GranuleName::parse("SWOT_L3_LR_SSH_Expert_003_v2.0.1-med.nc").expect("partial");
    assert_eq!((parsed.product, parsed.half_orbit), (Product::L3Expert, None));
    assert_eq!(parsed.version, Some(Version::parse("v2.0.1")));
    assert!(
        parsed.warnings[0].contains("lacks cycle and pass"),
        "{:?}",
        parsed.warnings
    );
    let parsed = GranuleName::parse("SWOT_L2_LR_SSH_Basic_010_013_PIC0_01.nc").expect("partial");
    assert_eq!(parsed.half_orbit, Some(HalfOrbit::new(10, 13)));
    let error = GranuleName::parse_whole("SWOT_L2_LR_SSH_Basic_010_013_PIC0_01.nc").expect_err("partial");
    assert!(error.to_string().contains("lacks start and end times"), "{error}");
    assert!(
        GranuleName::parse("SWOT_L2_LR_SSH_Basic.nc")
            .expect("bare")
            .name
            .is_none()
    );
}

#[test]
fn maps_are_known_by_their_day() {
    let map = GranuleName::parse("nrt_global_allsat_phy_l4_20190223_20190226.nc").expect("map");
    assert_eq!(
        (map.product, map.name.is_none(), map.warnings.len()),
        (Product::L4, true, 0)
    );
    assert_eq!(map.period.map(|(start, end)| end - start), Some(86_400.0));
    let hourly = GranuleName::parse("dt_europe_allsat_phy_l4_20190223T06_20190226.nc").expect("map");
    assert_eq!(
        hourly.period.map(|(start, end)| (start % 86_400.0, end - start)),
        Some((21_600.0, 3_600.0))
    );
}

#[test]
fn names_of_other_things_are_not_granules() {
    for name in [
        "",
        "SWOT_AGULHAS.nc",
        "readme.txt",
        "SWOT_",
        "SWOT_L2_LR_SSH_Basik_010_013.nc",
        "é.nc",
        "dt_global_allsat_phy_l4_2019.nc",
        "S6A_P4_2__LR_STD__ST_001.nc",
        "JA1_GPN_2PeP001_002_20020115.nc",
    ] {
        assert!(
            matches!(GranuleName::parse(name), Err(NameError::NotAGranule { .. })),
            "{name}"
        );
    }
}

#[test]
fn impossible_names_are_refused_with_the_reason() {
    for (name, reason) in [
        (
            "SWOT_L2_LR_SSH_Basic_010_585_20240210T140442_20240210T145610_PIC0_01.nc",
            "pass 585",
        ),
        (
            "SWOT_L2_LR_SSH_Basic_475_029_20230331T235959_20230401T005105_PGC0_02.nc",
            "pass 29",
        ),
        (
            "SWOT_L2_LR_SSH_Basic_010_000_20240210T140442_20240210T145610_PIC0_01.nc",
            "pass 0",
        ),
        (
            "SWOT_L2_LR_SSH_Basic_000_013_20240210T140442_20240210T145610_PIC0_01.nc",
            "number 0",
        ),
        (
            "SWOT_L2_LR_SSH_Basic_700_013_20240210T140442_20240210T145610_PIC0_01.nc",
            "number 700",
        ),
        (
            "SWOT_L2_LR_SSH_Basic_010_013_20241310T140442_20240210T145610_PIC0_01.nc",
            "not a time",
        ),
        (
            "SWOT_L2_LR_SSH_Basic_010_013_20240210T250442_20240210T145610_PIC0_01.nc",
            "not a time",
        ),
        (
            "SWOT_L2_LR_SSH_Basic_010_013_20240210T145610_20240210T140442_PIC0_01.nc",
            "starts at",
        ),
        ("dt_global_allsat_phy_l4_20190231_20190515.nc", "not a time"),
    ] {
        let error = GranuleName::parse(name).expect_err(name);
        assert!(matches!(error, NameError::Impossible { .. }), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
}

fn versions(product: Product) -> BoxedStrategy<String> {
    if product.is_level3_ssh() || product == Product::L3WindWave {
        "v[0-9]\\.[0-9]{1,2}(\\.[0-9])?".boxed()
    } else {
        "P[IG][A-Z][0-9]_[0-9]{2}".boxed()
    }
}

fn products() -> impl Strategy<Value = Product> {
    let named: Vec<Product> = Product::ALL
        .into_iter()
        .filter(|product| *product != Product::L4)
        .collect();
    prop::sample::select(named)
}

proptest! {
    #[test]
    fn what_is_written_reads_as_the_same(
        (product, version) in products().prop_flat_map(|p| (Just(p), versions(p))),
        science in any::<bool>(), cycle in 1_u16..400, pass in 1_u16..585,
        start in 0_u32..1_500_000_000, length in 0_u32..4_000,
    ) {
        let half_orbit = if science { HalfOrbit::new(cycle, pass) } else { HalfOrbit::new(402 + cycle % 177, 1 + pass % 28) };
        let nadir = matches!(product, Product::NadirGdr | Product::NadirIgdr | Product::NadirOgdr);
        let version = if nadir { Version::Other("f".into()) } else { Version::parse(&version) };
        let variant = if nadir { "N".to_owned() } else { String::new() };
        let name = GranuleName { product, half_orbit, start: f64::from(start), end: f64::from(start + length), version, variant };
        prop_assert_eq!(GranuleName::parse_whole(&name.file_name()), Ok((name, vec![])));
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,120}") {
        check_any_name(text.as_bytes());
    }

    #[test]
    fn no_mutation_of_a_real_name_makes_it_panic(
        name in prop::sample::select(&REAL[..]), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut bytes = name.as_bytes().to_vec();
        let index = at.index(bytes.len());
        bytes[index] = byte;
        if cut { bytes.truncate(index); }
        check_any_name(&bytes);
    }
}
