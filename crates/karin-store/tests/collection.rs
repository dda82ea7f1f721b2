//! Granules go into a collection and come out as they were.

mod common;

use std::sync::Arc;

use common::{Granule, assert_equal, granule, ingest, lean};
use karin_core::{
    Array, AttrValue, DType, Dataset, ErrorKind, HalfOrbit, Packing, Product, Schema, Slab, Values,
    VariableMeta, Version,
};
use karin_store::{Collection, GranuleState, Ingest, IngestOptions, Outcome, Profile, Repository};

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
    for profile in [Profile::Portable, Profile::Compact] {
        let place = folder.path().join(profile.name());
        let place = place.to_str().unwrap();
        let repository =
            Arc::new(Repository::create(place, &Default::default(), &Default::default()).unwrap());
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
    let Values::Int32(latitudes) = &mut second.data.arrays.get_mut("latitude").unwrap().values else {
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

/// Lines `lines` of a granule, with their original indices.
fn crop(granule: &Granule, lines: std::ops::Range<usize>) -> Granule {
    let mut part = granule.clone();
    for path in granule.data.root.variable_paths() {
        let variable = granule.data.root.variable(&path).expect("its own variable");
        let array = part.data.arrays.get_mut(&path).expect("its own variable");
        if variable
            .dimensions
            .first()
            .is_some_and(|name| name == "num_lines")
        {
            let whole = granule
                .data
                .read_slab(&path, &Slab::all(&array.shape))
                .expect("its own variable");
            let row: usize = array.shape.iter().skip(1).product::<usize>() * variable.dtype.size();
            array.shape[0] = lines.len();
            array.values = Values::zeros(variable.dtype, array.shape.iter().product());
            let bytes = &whole.values.as_bytes()[lines.start * row..lines.end * row];
            array.values.as_bytes_mut().copy_from_slice(bytes);
        }
    }
    part.data
        .root
        .dimensions
        .iter_mut()
        .filter(|one| one.name == "num_lines")
        .for_each(|one| one.size = lines.len());
    let numbers: Vec<i32> = lines.map(|line| line as i32).collect();
    let shape = vec![numbers.len()];
    part.data.arrays.insert(
        "num_lines".into(),
        Array {
            shape,
            values: numbers.into(),
        },
    );
    part.data.root.variables.push(VariableMeta {
        name: "num_lines".into(),
        dtype: DType::Int32,
        dimensions: vec!["num_lines".into()],
        attributes: Default::default(),
        storage: Default::default(),
    });
    part
}

#[test]
fn crops_land_on_their_lines_and_join() {
    let repository = memory("crops");
    let at = HalfOrbit::new(7, 12);
    let whole = lean(
        Product::L2Basic,
        Schema::D,
        at,
        "PID0_01",
        &["ssha_karin_2", "rain_flag"],
    );
    let other = lean(
        Product::L2Basic,
        Schema::D,
        HalfOrbit::new(8, 12),
        "PID0_01",
        &["ssha_karin_2"],
    );
    let go = |one: &Granule| ingest(&repository, &IngestOptions::default(), &[one]).remove(0);
    let ssha = |granule: &Granule| {
        granule.data.arrays["ssha_karin_2"]
            .values
            .as_slice::<i32>()
            .expect("its own variable")
            .to_vec()
    };
    let wanted = ssha(&whole);

    assert_eq!(
        go(&crop(&whole, 100..300)).expect("its own variable"),
        Outcome::Added
    );
    assert_eq!(
        go(&crop(&whole, 250..500)).expect("its own variable"),
        Outcome::Merged
    );
    assert_eq!(
        go(&crop(&whole, 100..300)).expect("its own variable"),
        Outcome::AlreadyThere
    );
    let collection = Collection::of(&repository, None).expect("its own variable");
    let group = &collection.groups()[0];
    assert_eq!(
        group.granules().expect("its own variable")[0].state,
        GranuleState::Partial
    );
    let stored = group.granule(at).expect("its own variable");
    for path in ["ssha_karin_2", "latitude"] {
        let array = stored.read(path).expect("its own variable");
        assert_eq!(array.shape, [9866, 69]);
        let values = array.values.as_slice::<i32>().expect("its own variable");
        let whole = whole.data.arrays[path]
            .values
            .as_slice::<i32>()
            .expect("its own variable");
        assert_eq!(values[100 * 69..500 * 69], whole[100 * 69..500 * 69], "{path}");
        let outside = values[..100 * 69].iter().chain(&values[500 * 69..]);
        assert!(outside.copied().all(|value| value == i32::MAX), "{path}");
    }
    assert_eq!(
        group
            .sources(&group.granules().expect("its own variable")[0])
            .unwrap()
            .len(),
        2
    );

    // A whole granule of another cycle completes the grid; then the whole of this one takes the place of its parts.
    assert_eq!(go(&other).expect("its own variable"), Outcome::Added);
    assert!(matches!(
        go(&whole).expect("its own variable"),
        Outcome::Replaced { .. }
    ));
    assert_eq!(
        go(&crop(&whole, 0..10)).expect("its own variable"),
        Outcome::WholeThere
    );
    let collection = Collection::of(&repository, None).expect("its own variable");
    assert_equal(&collection, &whole);
    assert_equal(&collection, &other);
    assert!(
        collection.groups()[0]
            .granules()
            .expect("its own variable")
            .iter()
            .all(|facts| !facts.own_geometry)
    );
    let lines = stored.read("ssha_karin_2").expect("its own variable");
    assert_ne!(
        lines.values.as_slice::<i32>().expect("its own variable"),
        wanted,
        "an open collection stays at its snapshot"
    );
}

#[test]
fn excerpts_without_indices_and_foreign_variables_are_refused() {
    let repository = memory("refused");
    let whole = lean(
        Product::L2Basic,
        Schema::D,
        HalfOrbit::new(7, 12),
        "PID0_01",
        &["ssha_karin_2"],
    );
    let go = |one: &Granule| {
        ingest(&repository, &IngestOptions::default(), &[one])
            .remove(0)
            .unwrap_err()
    };

    let mut blind = crop(&whole, 100..300);
    blind.data.root.variables.pop();
    assert!(
        go(&blind)
            .to_string()
            .contains("an excerpt without original indices")
    );

    let mut foreign = whole.clone();
    foreign.data.root.variables[1].name = "ssh_of_mine".into();
    foreign
        .data
        .arrays
        .insert("ssh_of_mine".into(), whole.data.arrays["ssha_karin_2"].clone());
    let refused = go(&foreign);
    assert_eq!(refused.kind(), ErrorKind::SchemaMismatch);
    assert!(
        refused
            .to_string()
            .contains("ssh_of_mine is no variable of L2_LR_SSH_Basic D"),
        "{refused}"
    );

    let mut early = whole.clone();
    early.name.version = Version::parse("PIB0_01");
    assert_eq!(go(&early).kind(), ErrorKind::Unsupported);
    assert!(Collection::of(&repository, None).unwrap().groups().is_empty());
}

#[test]
fn other_packing_is_converted_if_nothing_is_lost() {
    let repository = memory("packing");
    let whole = lean(
        Product::L2Basic,
        Schema::D,
        HalfOrbit::new(7, 12),
        "PID0_01",
        &["ssha_karin_2"],
    );
    let packed = whole.data.arrays["ssha_karin_2"]
        .values
        .as_slice::<i32>()
        .unwrap()
        .to_vec();
    let mut decoded = whole.clone();
    let variable = decoded
        .data
        .root
        .variables
        .iter_mut()
        .find(|one| one.name == "ssha_karin_2")
        .unwrap();
    variable.dtype = DType::Float64;
    variable.attributes.remove("scale_factor");
    variable.attributes.set("_FillValue", AttrValue::number(f64::NAN));
    let metres = |&raw: &i32| {
        if raw == i32::MAX {
            f64::NAN
        } else {
            f64::from(raw) * 1e-4
        }
    };
    let mut values: Vec<f64> = packed.iter().map(metres).collect();
    let shape = whole.data.arrays["ssha_karin_2"].shape.clone();
    let set = |granule: &mut Granule, values: &[f64]| {
        let array = Array {
            shape: shape.clone(),
            values: values.to_vec().into(),
        };
        granule.data.arrays.insert("ssha_karin_2".into(), array);
    };
    values[70] += 3e-6;
    set(&mut decoded, &values);
    let refused = ingest(&repository, &IngestOptions::default(), &[&decoded])
        .remove(0)
        .unwrap_err();
    assert!(
        refused.to_string().contains("cannot be repacked without loss"),
        "{refused}"
    );
    values[70] = metres(&packed[70]);
    set(&mut decoded, &values);
    ingest(&repository, &IngestOptions::default(), &[&decoded])
        .remove(0)
        .unwrap();
    assert_equal(&Collection::of(&repository, None).unwrap(), &whole);
}

#[test]
fn writers_of_overlapping_sets_leave_their_union() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("collection");
    let place = place.to_str().unwrap();
    let granules: Vec<Granule> = (475..479)
        .flat_map(|cycle| (1..4).map(move |pass| HalfOrbit::new(cycle, pass)))
        .map(|at| lean(Product::L2Basic, Schema::D, at, "PGD0_01", &["ssha_karin_2"]))
        .collect();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let granules = &granules;
            scope.spawn(move || {
                let repository =
                    Repository::open_or_create(place, &Default::default(), &Default::default()).unwrap();
                let repository = Arc::new(repository);
                let mut ingest = Ingest::begin(&repository, IngestOptions::default()).unwrap();
                let mut order: Vec<&Granule> = granules.iter().collect();
                order.rotate_left(writer * 3);
                if writer % 2 == 1 {
                    order.reverse();
                }
                for (index, granule) in order.into_iter().take(9).enumerate() {
                    common::put(&mut ingest, granule).unwrap();
                    if index % 2 == writer % 2 {
                        ingest.commit().unwrap();
                    }
                }
                ingest.commit().unwrap();
            });
        }
    });
    let collection = Collection::open(place, &Default::default()).unwrap();
    assert_eq!(collection.groups()[0].granules().unwrap().len(), granules.len());
    for granule in &granules {
        assert_equal(&collection, granule);
    }
    assert!(
        collection.groups()[0]
            .granules()
            .unwrap()
            .iter()
            .all(|facts| !facts.own_geometry)
    );
}

#[test]
fn bounds_of_latitudes_hold_them() {
    let repository = memory("bounds");
    let whole = granule(Product::L2Basic, Schema::C, HalfOrbit::new(475, 3), "PGC0_01");
    let part = crop(
        &granule(Product::L2Basic, Schema::C, HalfOrbit::new(475, 4), "PGC0_01"),
        0..50,
    );
    for outcome in ingest(&repository, &options(Profile::Portable), &[&whole, &part]) {
        outcome.unwrap();
    }
    let collection = Collection::open("memory://bounds", &Default::default()).unwrap();
    let group = &collection.groups()[0];
    let dataset = group.granule(HalfOrbit::new(475, 3)).unwrap();
    let bounds = dataset.row_bounds("latitude").unwrap().expect("of a whole grid");
    let latitudes = dataset.read("latitude").unwrap();
    let packing = Packing::of(dataset.root().variable("latitude").unwrap()).unwrap();
    let degrees = packing.decode(&latitudes.values).unwrap();
    let blocks = degrees.chunks(bounds.rows * latitudes.shape[1]);
    assert_eq!(blocks.len(), bounds.blocks.len());
    for (block, bounds) in blocks.zip(&bounds.blocks) {
        let (least, most) = bounds.expect("a block of latitudes");
        let found = block.iter().filter(|value| !value.is_nan());
        let (south, north) = found.fold((90.0_f64, -90.0_f64), |(south, north), value| {
            (south.min(*value), north.max(*value))
        });
        // Hundredths of a degree, rounded outwards.
        let rounded = -1e-9..0.0101;
        assert!(rounded.contains(&(south - least)) && rounded.contains(&(most - north)));
    }
    assert_eq!(
        bounds.rows_of(|least, most| least <= 90.0 && most >= -90.0),
        0..78 * 128
    );
    assert_eq!(bounds.rows_of(|least, _| least > 80.0), 0..0);
    assert_eq!(dataset.row_bounds("longitude").unwrap(), None);
    let part = group.granule(HalfOrbit::new(475, 4)).unwrap();
    assert_eq!(part.row_bounds("latitude").unwrap(), None, "more lines may come");
}

#[test]
fn slabs_equal_the_same_part_of_the_whole() {
    let repository = memory("slabs");
    let at = HalfOrbit::new(1, 584);
    let basic = lean(
        Product::L2Basic,
        Schema::D,
        at,
        "PID0_01",
        &["ssha_karin_2", "rad_surface_type_flag"],
    );
    let fine = granule(Product::L2Unsmoothed, Schema::C, at, "PIC0_01");
    ingest(&repository, &IngestOptions::default(), &[&basic, &fine]);
    let collection = Collection::of(&repository, None).unwrap();
    for group in collection.groups() {
        let stored = group.granule(at).unwrap();
        for path in [
            "ssha_karin_2",
            "latitude",
            "time",
            "left/ssh_karin_2",
            "right/time",
            "left/latitude",
        ] {
            let Some(shape) = stored.root().shape(path) else {
                continue;
            };
            let whole = stored.read(path).unwrap();
            let size = stored.root().variable(path).unwrap().dtype.size();
            for (lines, pixels) in [
                (0..1, 0..1),
                (4000..4200, 3..60),
                (4095..4097, 0..69),
                (8191..8500, 68..69),
            ] {
                let mut slab = Slab::rows(&shape, lines.clone());
                if shape.len() > 1 {
                    slab.start[1] = pixels.start;
                    slab.count[1] = pixels.len();
                }
                let part = stored.read_slab(path, &slab).unwrap();
                let row = shape.get(1).copied().unwrap_or(1);
                let columns = if shape.len() > 1 { pixels.clone() } else { 0..1 };
                let wanted: Vec<u8> = lines
                    .flat_map(|line| {
                        whole.values.as_bytes()
                            [(line * row + columns.start) * size..(line * row + columns.end) * size]
                            .to_vec()
                    })
                    .collect();
                assert!(part.values.as_bytes() == wanted, "{path} {slab:?}");
            }
            assert!(
                stored
                    .read_slab(path, &Slab::rows(&shape, shape[0]..shape[0] + 1))
                    .is_err()
            );
        }
    }
}

#[test]
fn a_flipped_bit_in_chunk_data_is_an_error_that_names_the_object() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("collection");
    let repository = Arc::new(
        Repository::create(place.to_str().unwrap(), &Default::default(), &Default::default()).unwrap(),
    );
    let at = HalfOrbit::new(1, 2);
    let whole = lean(Product::L2Basic, Schema::D, at, "PID0_01", &["ssha_karin_2"]);
    ingest(&repository, &IngestOptions::default(), &[&whole]);
    let chunks: Vec<_> = std::fs::read_dir(place.join("chunks"))
        .unwrap()
        .map(|one| one.unwrap().path())
        .collect();
    assert_eq!(chunks.len(), 1, "one commit, one object");
    let good = std::fs::read(&chunks[0]).unwrap();
    for part in 1..8 {
        let mut bad = good.clone();
        bad[good.len() * part / 8] ^= 4;
        std::fs::write(&chunks[0], &bad).unwrap();
        let collection = Collection::of(&repository, None).unwrap();
        let read = || -> Result<(), Box<dyn std::error::Error>> {
            let stored = collection.groups()[0].granule(at)?;
            for path in ["ssha_karin_2", "latitude", "longitude", "time"] {
                stored.read(path)?;
            }
            Ok(())
        };
        let error = read().expect_err("a flipped bit");
        let text = format!("{error} {:?}", error.source().map(ToString::to_string));
        assert!(text.contains("chunks/"), "{text}");
    }
}
