use super::*;
use crate::{AttrValue, DType, Values};

fn structure(product: Product, schema: Schema) -> &'static GranuleStructure {
    granule_structure(product, &schema).expect("in the tables")
}

#[test]
fn every_ingested_product_has_its_structure_and_no_other_has() {
    for product in Product::ALL {
        for schema in [Schema::C, Schema::D, Schema::V1, Schema::V2, Schema::V3] {
            let ingested = product.ingested_schemas().contains(&schema);
            assert_eq!(
                granule_structure(product, &schema).is_some(),
                ingested,
                "{product} {schema}"
            );
        }
    }
}

#[test]
fn variable_counts_are_those_of_the_products() {
    for (product, schema, count) in [
        (Product::L2Basic, Schema::C, 26),
        (Product::L2Basic, Schema::D, 26),
        (Product::L2WindWave, Schema::C, 33),
        (Product::L2Expert, Schema::C, 102),
        (Product::L2Expert, Schema::D, 102),
        (Product::L2Unsmoothed, Schema::C, 18),
        (Product::L2Unsmoothed, Schema::D, 34),
        (Product::L3Basic, Schema::V1, 8),
        (Product::L3Expert, Schema::V1, 20),
        (Product::L3Basic, Schema::V2, 8),
        (Product::L3Expert, Schema::V2, 23),
        (Product::L3Unsmoothed, Schema::V2, 21),
        (Product::L3Basic, Schema::V3, 8),
        (Product::L3Expert, Schema::V3, 23),
        (Product::L3Technical, Schema::V3, 15),
    ] {
        assert_eq!(
            structure(product, schema).swath_variables().count(),
            count,
            "{product} {schema}"
        );
    }
}

#[test]
fn a_variable_is_as_in_the_file() {
    let basic = structure(Product::L2Basic, Schema::C);
    let ssha = basic.root.variable("ssha_karin").expect("ssha_karin");
    let names: Vec<&str> = ssha.attributes.iter().map(|(name, _)| name).collect();
    let expected =
        "_FillValue long_name units scale_factor quality_flag valid_min valid_max coordinates comment";
    assert_eq!(names.join(" "), expected);
    assert_eq!(
        ssha.attributes.get("_FillValue"),
        Some(&AttrValue::number(2_147_483_647_i32))
    );
    assert_eq!(
        ssha.attributes.get("valid_min"),
        Some(&AttrValue::number(-1_000_000_i32))
    );
    assert_eq!(
        ssha.attributes.get("scale_factor"),
        Some(&AttrValue::number(1e-4_f64))
    );
    assert_eq!(ssha.storage.chunks.as_deref(), Some(&[9866, 69][..]));
    assert_eq!((ssha.storage.deflate, ssha.storage.shuffle), (Some(4), true));
    let sides = basic.root.shape("rad_surface_type_flag");
    assert_eq!(sides.as_deref(), Some(&[9866, 2][..]));
}

#[test]
fn quality_flags_have_the_ranges_that_real_files_state() {
    let expert = structure(Product::L2Expert, Schema::C);
    for (name, valid_max) in [
        ("ssh_karin_qual", 4_212_113_375_u32),
        ("ssha_karin_qual", 4_279_222_239),
        ("ssh_karin_2_qual", 3_809_460_191),
        ("ssha_karin_2_qual", 3_876_569_055),
        ("swh_karin_qual", 3_809_361_848),
        ("sig0_karin_qual", 4_077_862_815),
        ("sig0_karin_2_qual", 3_809_427_359),
        ("wind_speed_karin_qual", 4_077_862_808),
        ("wind_speed_karin_2_qual", 3_809_427_352),
    ] {
        let flag = expert.root.variable(name).expect(name);
        assert_eq!(
            flag.attributes.get("valid_max"),
            Some(&AttrValue::number(valid_max)),
            "{name}"
        );
        let meanings = flag
            .attributes
            .text("flag_meanings")
            .expect("meanings")
            .split(' ')
            .count();
        let Some(AttrValue::Array(Values::UInt32(masks))) = flag.attributes.get("flag_masks") else {
            panic!("{name} has no uint masks")
        };
        assert_eq!(meanings, masks.len(), "{name}");
    }
}

#[test]
fn schemas_differ_where_the_products_do() {
    let range = |schema| {
        structure(Product::L2Basic, schema)
            .root
            .variable("ssha_karin")
            .map(|v| v.attributes.number("valid_max"))
    };
    assert_eq!(range(Schema::C), Some(Some(1e6)));
    assert_eq!(range(Schema::D), Some(Some(1.5e8)));
    let contact = |schema| {
        structure(Product::L2Basic, schema)
            .root
            .attributes
            .text("contact")
            .map(str::to_owned)
    };
    assert_ne!(contact(Schema::C), contact(Schema::D));
}

#[test]
fn global_attributes_that_vary_are_named_and_have_their_types() {
    let basic = structure(Product::L2Basic, Schema::C);
    assert_eq!(basic.root.attributes.len(), 62);
    assert!(basic.varying_attributes.contains(&"cycle_number".to_owned()));
    assert!(!basic.varying_attributes.contains(&"title".to_owned()));
    assert_eq!(
        basic.root.attributes.get("cycle_number").map(AttrValue::dtype),
        Some(DType::Int16)
    );
    for name in &basic.varying_attributes {
        assert!(basic.root.attributes.get(name).is_some(), "{name}");
    }
}

#[test]
fn a_lean_granule_keeps_its_coordinates_and_only_the_dimensions_it_needs() {
    let lean = structure(Product::L2Basic, Schema::C)
        .clone()
        .lean(&["ssha_karin_2"])
        .expect("lean");
    assert_eq!(
        lean.root.variable_paths(),
        ["time", "latitude", "longitude", "ssha_karin_2"]
    );
    assert_eq!(lean.root.dimensions.len(), 2);
    let error = structure(Product::L2Basic, Schema::C)
        .clone()
        .lean(&["ssha_karn"])
        .expect_err("unknown");
    assert!(error.to_string().contains("did you mean 'ssha_karin'"), "{error}");
}

#[test]
fn dimensions_can_be_resized() {
    let short = structure(Product::L2Basic, Schema::C)
        .clone()
        .with_dimension("num_lines", 100);
    assert_eq!(short.root.shape("latitude").as_deref(), Some(&[100, 69][..]));
    assert_eq!(
        short
            .root
            .variable("latitude")
            .and_then(|v| v.storage.chunks.clone()),
        Some(vec![100, 69])
    );
}

#[test]
fn mistakes_in_a_table_are_named_with_their_line() {
    for (text, message) in [
        ("kind a = int x\n    units 5 m\n", "line 2"),
        ("  stray\n", "line 1: an indented line"),
        ("frob x\n", "no statement or kind"),
        (
            "schema C\nproduct L2_LR_SSH_Basic\n    variables time\n",
            "no variable \"time\"",
        ),
        (
            "kind a = int x\na time\n    units \"m\"\nschema C\nproduct L2_LR_SSH_Basic\n    variables time\n",
            "does not say where units",
        ),
        (
            "bits q\n    3 three\nkind a = uint x\na b\n    bits q without 4\n",
            "no position 4",
        ),
    ] {
        let error = table::parse(text).expect_err(text);
        assert!(error.contains(message), "{error}");
    }
}
