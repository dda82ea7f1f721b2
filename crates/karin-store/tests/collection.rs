//! Granules go into a collection and come out as they were.

mod common;

use std::sync::Arc;

use common::{assert_equal, granule, ingest, lean};
use karin_core::{ErrorKind, HalfOrbit, Product, Schema};
use karin_store::{Collection, IngestOptions, Outcome, Profile, Repository};

fn memory(name: &str) -> Arc<Repository> {
    Arc::new(
        Repository::create(
            &format!("memory://{name}"),
            &Default::default(),
            &Default::default(),
        )
        .expect("an empty place"),
    )
}

fn options(profile: Profile) -> IngestOptions {
    let mut options = IngestOptions::default();
    options.profile = profile;
    options
}

#[test]
fn every_product_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    for profile in [Profile::Portable, Profile::Compact] {
        let place = folder.path().join(profile.name());
        let place = place.to_str().unwrap();
        let repository =
            Arc::new(Repository::create(place, &Default::default(), &Default::default()).unwrap());
        let granules = [
            granule(Product::L2Basic, Schema::D, HalfOrbit::new(3, 17), "PID0_01"),
            granule(Product::L2Basic, Schema::C, HalfOrbit::new(475, 28), "PGC0_01"),
            granule(Product::L2Expert, Schema::C, HalfOrbit::new(1, 1), "PIC0_01"),
            granule(
                Product::L2Unsmoothed,
                Schema::C,
                HalfOrbit::new(2, 584),
                "PIC0_01",
            ),
            granule(
                Product::L2Unsmoothed,
                Schema::D,
                HalfOrbit::new(2, 583),
                "PID0_01",
            ),
            granule(Product::L3Expert, Schema::V2, HalfOrbit::new(26, 165), "v2.0.1"),
            granule(Product::L3Expert, Schema::V1, HalfOrbit::new(1, 155), "v1.0.2"),
        ];
        for outcome in ingest(
            &repository,
            &options(profile),
            &granules.iter().collect::<Vec<_>>(),
        ) {
            assert_eq!(outcome.unwrap(), Outcome::Added);
        }
        let collection = Collection::open(place, &Default::default()).unwrap();
        assert_eq!(collection.groups().len(), 7);
        for granule in &granules {
            assert_equal(&collection, granule);
        }
    }
}

#[test]
fn versions_replace_skip_and_refuse() {
    let repository = memory("versions");
    let at = HalfOrbit::new(5, 9);
    let make = |version: &str| granule(Product::L2Basic, Schema::C, at, version);
    let (old, new) = (make("PIC0_01"), make("PIC2_01"));
    let slim = lean(Product::L2Basic, Schema::C, at, "PGC0_01", &["ssha_karin_2"]);
    let go = |one| ingest(&repository, &IngestOptions::default(), &[one]).remove(0);
    assert_eq!(go(&old).unwrap(), Outcome::Added);
    assert_eq!(go(&old).unwrap(), Outcome::AlreadyThere);
    assert!(matches!(go(&new).unwrap(), Outcome::Replaced { .. }));
    assert_equal(&Collection::of(&repository, None).unwrap(), &new);
    assert!(matches!(go(&old).unwrap(), Outcome::Older { .. }));
    assert_equal(&Collection::of(&repository, None).unwrap(), &new);

    let mut other = new.clone();
    other
        .data
        .arrays
        .insert("ssha_karin".into(), other.data.arrays["ssh_karin"].clone());
    let refused = go(&other).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    let mut replace = IngestOptions::default();
    replace.replace = true;
    assert!(matches!(
        ingest(&repository, &replace, &[&other]).remove(0).unwrap(),
        Outcome::Replaced { .. }
    ));
    assert_equal(&Collection::of(&repository, None).unwrap(), &other);

    assert!(matches!(go(&slim).unwrap(), Outcome::Replaced { .. }));
    let collection = Collection::of(&repository, None).unwrap();
    assert_equal(&collection, &slim);
    let stored = collection.groups()[0].granule(at).unwrap();
    assert!(
        stored.read("ssh_karin").is_err(),
        "a variable that the later granule lacks is gone"
    );
}

#[test]
fn a_granule_of_another_pass_is_refused() {
    let repository = memory("geometry");
    let mut lost = granule(Product::L2Basic, Schema::D, HalfOrbit::new(5, 9), "PID0_01");
    lost.name.half_orbit = HalfOrbit::new(5, 11);
    let right = granule(Product::L2Basic, Schema::D, HalfOrbit::new(6, 11), "PID0_01");
    let mut outcomes = ingest(&repository, &IngestOptions::default(), &[&lost, &lost, &right]);
    assert!(outcomes.pop().unwrap().is_ok());
    for outcome in outcomes {
        let refused = outcome.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::GeometryMismatch);
        assert!(refused.to_string().contains("km from the track"), "{refused}");
    }
    assert_equal(&Collection::of(&repository, None).unwrap(), &right);
}

#[test]
fn coordinates_that_differ_are_kept() {
    let repository = memory("own geometry");
    let make = |cycle| granule(Product::L2Basic, Schema::D, HalfOrbit::new(cycle, 9), "PID0_01");
    let (first, mut second, third) = (make(1), make(2), make(3));
    let karin_core::Values::Int32(latitudes) = &mut second.data.arrays.get_mut("latitude").unwrap().values
    else {
        panic!("latitude is packed");
    };
    latitudes[7] = 2_147_483_647;
    for _ in 0..2 {
        ingest(&repository, &IngestOptions::default(), &[&first, &second, &third]);
        let collection = Collection::of(&repository, None).unwrap();
        for granule in [&first, &second, &third] {
            assert_equal(&collection, granule);
        }
        let facts = collection.groups()[0].granules().unwrap();
        assert_eq!(
            facts.iter().map(|facts| facts.own_geometry).collect::<Vec<_>>(),
            [false, true, false]
        );
    }
}
