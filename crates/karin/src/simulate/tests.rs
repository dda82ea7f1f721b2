use karin_core::{Dataset as _, HalfOrbit, NumberList, Phase, Product, Slab};

use super::{SimulateError, SimulatedGranule, Simulation, Workshop};

fn simulation(product: Product, version: &str) -> Simulation {
    let list = |text: &str| -> NumberList { text.parse().unwrap() };
    let simulation = Simulation::new(product, Phase::CalVal, &list("475"), &list("2")).unwrap();
    simulation.with_version(version).unwrap()
}

fn granule(simulation: &Simulation) -> SimulatedGranule {
    Workshop::new(simulation).unwrap().granule(HalfOrbit::new(475, 2))
}

#[test]
fn every_variable_of_every_product_can_be_read_in_part() {
    for product in Product::ALL {
        for schema in product.ingested_schemas() {
            let granule = granule(&simulation(product, &schema.to_string()));
            for path in granule.root().variable_paths() {
                let shape = granule.root().shape(&path).unwrap();
                let start: Vec<usize> = shape.iter().map(|size| size / 2).collect();
                let count = shape.iter().map(|size| (size - size / 2).min(7)).collect();
                let part = granule.read_slab(&path, &Slab { start, count });
                assert!(part.is_ok(), "{product} {schema} {path}: {part:?}");
            }
        }
    }
}

#[test]
fn a_part_reads_as_it_does_in_the_whole() {
    let granule = granule(&simulation(Product::L3Expert, "v2"));
    for name in ["ssha_unfiltered", "quality_flag", "ugosa_filtered", "latitude"] {
        let whole = granule.read(name).unwrap();
        let part = granule
            .read_slab(
                name,
                &Slab {
                    start: vec![5000, 30],
                    count: vec![3, 8],
                },
            )
            .unwrap();
        let (whole, part) = (whole.values.to_f64().unwrap(), part.values.to_f64().unwrap());
        for (index, value) in part.iter().enumerate() {
            assert_eq!(*value, whole[(5000 + index / 8) * 69 + 30 + index % 8], "{name}");
        }
    }
}

#[test]
fn what_cannot_be_simulated_is_named() {
    let list = |text: &str| -> NumberList { text.parse().unwrap() };
    let wrong_pass = Simulation::new(Product::L2Basic, Phase::CalVal, &list("475"), &list("29"));
    assert!(matches!(
        wrong_pass,
        Err(SimulateError::Number {
            what: "pass",
            number: 29,
            last: 28,
            ..
        })
    ));
    let wrong_phase = Simulation::new(Product::L2Basic, Phase::Science, &list("475"), &list("1"));
    assert!(matches!(
        wrong_phase,
        Err(SimulateError::Number { what: "cycle", .. })
    ));
    let no_swath = Simulation::new(Product::L4, Phase::Science, &list("1"), &list("1"));
    assert!(matches!(no_swath, Err(SimulateError::Unsupported { .. })));
    let no_variable = simulation(Product::L2Basic, "C").with_variables(&["ssha_karin_3".to_owned()]);
    let message = no_variable.unwrap_err().to_string();
    assert!(message.contains("ssha_karin_2"), "{message}");
}
