use proptest::prelude::*;

use super::*;
use crate::{LonLatBox, Schema};

fn full() -> Selection {
    Selection::builder()
        .product("basic")
        .or_else(|_| Selection::builder().product("L2_LR_SSH_Basic"))
        .and_then(|builder| builder.phase("calval"))
        .and_then(|builder| builder.cycles("475-477,480"))
        .and_then(|builder| builder.passes("3"))
        .and_then(|builder| builder.time("2023-04-01.."))
        .and_then(|builder| builder.bbox("175,-20,-175,-15.5"))
        .and_then(|builder| builder.crop("lines"))
        .and_then(|builder| builder.variables("ssha_karin_2, time"))
        .and_then(|builder| builder.quality("suspect"))
        .and_then(|builder| builder.nadir("drop"))
        .and_then(|builder| builder.side("left"))
        .and_then(|builder| builder.let_("a = ssha_karin_2 + height_cor_xover"))
        .and_then(|builder| builder.version("PIC?"))
        .and_then(|builder| builder.layout("cube"))
        .and_then(|builder| {
            builder
                .where_("a > 0 and rain_flag == 0")
                .snapshot("main")
                .build()
        })
        .unwrap()
}

#[test]
fn everything_shows_as_the_flags_that_make_it() {
    assert_eq!(
        full().to_string(),
        "--product L2_LR_SSH_Basic --phase calval --cycles 475-477,480 --passes 3 --time 2023-04-01T00:00:00Z.. \
         --bbox 175,-20,-175,-15.5 --crop lines --vars ssha_karin_2,time --quality suspect --nadir drop --side left \
         --where 'a > 0 and rain_flag == 0' --let 'a=ssha_karin_2 + height_cor_xover' --version 'PIC?' \
         --snapshot main --layout cube"
    );
    assert_eq!(Selection::default().to_string(), "");
}

#[test]
fn json_carries_it_unchanged() {
    for selection in [full(), Selection::default()] {
        let json = serde_json::to_string(&selection).unwrap();
        assert_eq!(
            serde_json::from_str::<Selection>(&json).unwrap(),
            selection,
            "{json}"
        );
    }
    let short: Selection =
        serde_json::from_str(r#"{"cycles": "1-3", "region": {"box": [0, -10, 20, 10]}}"#).unwrap();
    assert_eq!(
        short.region,
        Some(Region::Box(LonLatBox::new(0.0, -10.0, 20.0, 10.0).unwrap()))
    );
    assert!(
        serde_json::from_str::<Selection>(r#"{"cycle": "1-3"}"#).is_err(),
        "an unknown field"
    );
    assert!(
        serde_json::from_str::<Selection>(r#"{"cycles": "3-1"}"#).is_err(),
        "a bad list"
    );
}

#[test]
fn polygons_are_carried_as_geojson() {
    let square = r#"{"type":"Polygon","coordinates":[[[0,0],[10,0],[10,10],[0,10],[0,0]]]}"#;
    let selection = Selection::builder()
        .polygon(square)
        .and_then(SelectionBuilder::build)
        .unwrap();
    let json = serde_json::to_string(&selection).unwrap();
    assert_eq!(serde_json::from_str::<Selection>(&json).unwrap(), selection);
    let shown = selection.to_string();
    let text = shown
        .strip_prefix("--polygon '")
        .and_then(|rest| rest.strip_suffix('\''))
        .unwrap();
    assert_eq!(
        Selection::builder()
            .polygon(text)
            .and_then(SelectionBuilder::build)
            .unwrap(),
        selection
    );
}

#[test]
fn half_orbits_are_ruled_out_by_number_and_phase() {
    let selection = full();
    assert!(selection.includes(HalfOrbit::new(476, 3)));
    assert!(!selection.includes(HalfOrbit::new(476, 4)) && !selection.includes(HalfOrbit::new(478, 3)));
    let science = Selection {
        phase: Some(Phase::Science),
        ..Selection::default()
    };
    assert!(science.includes(HalfOrbit::new(1, 3)) && !science.includes(HalfOrbit::new(476, 3)));
    assert!(Selection::default().includes(HalfOrbit::new(476, 3)));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let refused = |build: fn(SelectionBuilder) -> Result<SelectionBuilder, SelectionError>, says: &str| {
        let error = build(Selection::builder())
            .and_then(SelectionBuilder::build)
            .unwrap_err();
        let text = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source())
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(": ");
        assert!(text.contains(says), "{text}");
    };
    refused(
        |b| b.cycles("401"),
        "SWOT has cycles 1-399 (science) and 402-578 (calval)",
    );
    refused(|b| b.phase("calval")?.cycles("1-10"), "--cycles 1-10");
    refused(
        |b| b.phase("calval")?.passes("29"),
        "passes 1-584 (science) and 1-28",
    );
    refused(|b| b.passes("0"), "--passes 0");
    refused(|b| b.phase("scence"), "did you mean 'science'?");
    refused(|b| b.crop("line"), "did you mean 'lines'?");
    refused(|b| b.let_("1a=2"), "plain name");
    refused(|b| b.let_("a==2"), "expected NAME=EXPRESSION");
    refused(|b| b.let_("a=2")?.let_("a=3"), "a is defined twice");
    refused(|b| b.variables("a,,b"), "--vars a,,b");
    refused(|b| Ok(b.where_(" ")), "empty expression");
    refused(|b| b.bbox("1,2,3"), "four numbers");
    refused(|b| b.time("2024-01-01T00:00"), "one moment");
    refused(|b| b.product("L2_LR_SSH_Basik"), "did you mean");
    let square = r#"{"type":"Polygon","coordinates":[[[0,0],[10,0],[10,10],[0,10],[0,0]]]}"#;
    let both = Selection::builder()
        .bbox("0,0,1,1")
        .and_then(|b| b.polygon(square))
        .and_then(SelectionBuilder::build);
    assert!(both.unwrap_err().to_string().contains("not both"));
}

#[test]
fn versions_are_best_all_or_a_pattern() {
    assert_eq!("best".parse(), Ok(VersionChoice::Best));
    assert_eq!("latest".parse(), Ok(VersionChoice::Best));
    assert_eq!("all".parse(), Ok(VersionChoice::All));
    let VersionChoice::Matching(pattern) = "C".parse().unwrap() else {
        panic!("a pattern")
    };
    assert!(pattern.matches(&crate::Version::parse("PIC0_01")));
    assert_eq!(Schema::parse("C"), Some(Schema::C));
    assert!("???!".parse::<VersionChoice>().is_err());
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,24}") {
        let builder = Selection::builder;
        let _ = (builder().product(&text), builder().phase(&text), builder().cycles(&text), builder().bbox(&text));
        let _ = (builder().polygon(&text), builder().variables(&text), builder().let_(&text), builder().version(&text));
        let _ = builder().where_(&text).snapshot(&text).build().map(|selection| selection.to_string());
        let _ = serde_json::from_str::<Selection>(&text);
    }

    #[test]
    fn a_shell_reads_back_what_is_quoted(expression in "[ -~]{1,20}") {
        let shown = Selection { where_: Some(expression.clone()), ..Selection::default() }.to_string();
        let word = shown.strip_prefix("--where ").unwrap();
        let unquoted = match word.strip_prefix('\'') {
            Some(rest) => rest.strip_suffix('\'').unwrap().replace(r"'\''", "'"),
            None => word.to_owned(),
        };
        prop_assert_eq!(unquoted, expression);
    }
}
