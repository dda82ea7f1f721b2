use super::*;

/// A pass that goes from pole to pole and a wave along it.
fn pass(start: f64) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let (mut longitude, mut latitude, mut values) = (Vec::new(), Vec::new(), Vec::new());
    for line in 0..2000 {
        let along = f64::from(line) / 2000.0;
        for pixel in 0..69 {
            let across = f64::from(pixel - 34) * 0.018;
            longitude.push(start + along * 170.0 + across);
            latitude.push(-77.0 + 154.0 * along - across * 0.3);
            let is_gap = (30..39).contains(&pixel);
            values.push(if is_gap {
                f64::NAN
            } else {
                0.3 * (along * 60.0).sin()
            });
        }
    }
    (longitude, latitude, values)
}

fn decoded(png: &[u8]) -> (u32, u32, Vec<u8>) {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width, info.height, pixels)
}

#[test]
fn the_same_input_gives_the_same_bytes_and_the_size_asked_for() {
    let (longitude, latitude, values) = pass(10.0);
    let layer = Layer {
        longitude: &longitude,
        latitude: &latitude,
        values: &values,
        shape: [2000, 69],
    };
    let options = MapOptions {
        size: Some((900, 500)),
        variable: "ssha".into(),
        ..MapOptions::default()
    };
    let png = map(&[layer], &options).unwrap();
    assert_eq!(png, map(&[layer], &options).unwrap());
    let (width, height, pixels) = decoded(&png);
    assert_eq!((width, height), (900, 500));
    let is_blue = |pixel: &&[u8]| pixel[2] > 100 && pixel[0] < 60;
    let is_red = |pixel: &&[u8]| pixel[0] > 100 && pixel[2] < 70;
    assert!(pixels.chunks_exact(3).filter(is_blue).count() > 500);
    assert!(pixels.chunks_exact(3).filter(is_red).count() > 500);
}

#[test]
fn colours_are_for_what_is_no_outlier() {
    let (longitude, latitude, mut values) = pass(10.0);
    let range = |values: &[f64]| {
        let layer = Layer {
            longitude: &longitude,
            latitude: &latitude,
            values,
            shape: [2000, 69],
        };
        let mut canvas = MapCanvas::new(&LonLatBox::GLOBE, MapOptions::default()).unwrap();
        canvas.add(&layer).unwrap();
        let scale = canvas.color_scale().unwrap();
        (scale.minimum, scale.maximum, scale.goes_above)
    };
    let usual = range(&values);
    assert!((usual.1 - 0.3).abs() < 0.01, "{usual:?}");
    // As along the equator, a twentieth of all.
    for line in values.chunks_mut(69).skip(900).take(100) {
        line.iter_mut().for_each(|value| *value = 100.0 + value.abs());
    }
    let with_outliers = range(&values);
    assert!(with_outliers.1 < 2.0 && with_outliers.2, "{with_outliers:?}");
    // Where nearly all is the same, what differs is what is looked for.
    values
        .iter_mut()
        .for_each(|value| *value = if *value > 50.0 { 1.0 } else { 0.0 });
    assert_eq!(range(&values).1, 1.0);
}

#[test]
fn layers_added_one_by_one_make_the_map_of_all() {
    let (first, second) = (pass(10.0), pass(100.0));
    let layer = |(longitude, latitude, values): &'_ (Vec<f64>, Vec<f64>, Vec<f64>)| {
        (longitude.clone(), latitude.clone(), values.clone())
    };
    let passes = [layer(&first), layer(&second)];
    let layers: Vec<Layer<'_>> = passes
        .iter()
        .map(|(longitude, latitude, values)| Layer {
            longitude,
            latitude,
            values,
            shape: [2000, 69],
        })
        .collect();
    let options = MapOptions {
        size: Some((800, 500)),
        ..MapOptions::default()
    };
    let mut canvas = MapCanvas::new(&LonLatBox::GLOBE, options.clone()).unwrap();
    layers.iter().for_each(|layer| canvas.add(layer).unwrap());
    let region = MapOptions {
        region: Some(LonLatBox::GLOBE),
        ..options
    };
    assert_eq!(
        decoded(&canvas.png().unwrap()),
        decoded(&map(&layers, &region).unwrap())
    );
}

#[test]
fn notes_are_in_the_png() {
    let layer = Layer {
        longitude: &[1.0],
        latitude: &[2.0],
        values: &[3.0],
        shape: [1, 1],
    };
    let notes = vec![("Source".to_owned(), "granule é".to_owned())];
    let png = map(
        &[layer],
        &MapOptions {
            notes,
            ..MapOptions::default()
        },
    )
    .unwrap();
    let reader = png::Decoder::new(std::io::Cursor::new(&png)).read_info().unwrap();
    let texts = &reader.info().utf8_text;
    assert_eq!(
        (texts[0].keyword.as_str(), texts[0].get_text().unwrap().as_str()),
        ("Source", "granule é")
    );
}

#[test]
fn diverging_scales_are_symmetric_and_others_are_not() {
    let scale = |variable: &str, minimum: Option<f64>| {
        let longitude: Vec<f64> = (0..100).map(|i| f64::from(i) * 0.1).collect();
        let values: Vec<f64> = (0..100).map(|i| f64::from(i) * 0.01 - 0.2).collect();
        let latitude = vec![0.0; 100];
        let options = MapOptions {
            variable: variable.into(),
            minimum,
            ..MapOptions::default()
        };
        let mut canvas = MapCanvas::new(&"0,-1,10,1".parse().unwrap(), options).unwrap();
        canvas
            .add(&Layer {
                longitude: &longitude,
                latitude: &latitude,
                values: &values,
                shape: [100, 1],
            })
            .unwrap();
        canvas.color_scale().unwrap()
    };
    let anomaly = scale("ssha", None);
    assert_eq!(anomaly.minimum, -anomaly.maximum);
    assert!(anomaly.goes_above && !anomaly.goes_below);
    assert!(scale("mean_sea_surface", None).minimum > -0.2);
    let set = scale("ssha", Some(-0.5));
    assert_eq!((set.minimum, set.maximum), (-0.5, 0.5));
}

#[test]
fn what_cannot_be_drawn_says_why() {
    let empty = Layer {
        longitude: &[1.0],
        latitude: &[2.0],
        values: &[f64::NAN],
        shape: [1, 1],
    };
    assert!(matches!(
        map(&[empty], &MapOptions::default()),
        Err(PlotError::Empty)
    ));
    assert!(matches!(map(&[], &MapOptions::default()), Err(PlotError::Empty)));
    let short = Layer {
        shape: [2, 1],
        ..empty
    };
    assert!(matches!(
        map(&[short], &MapOptions::default()),
        Err(PlotError::Shape { .. })
    ));
    let huge = Layer {
        shape: [usize::MAX, 2],
        ..empty
    };
    assert!(matches!(
        map(&[huge], &MapOptions::default()),
        Err(PlotError::Shape { .. })
    ));
    let layer = Layer {
        values: &[3.0],
        ..empty
    };
    for size in [(10, 500), (500, 100_000)] {
        let options = MapOptions {
            size: Some(size),
            ..MapOptions::default()
        };
        assert!(
            matches!(map(&[layer], &options), Err(PlotError::Size { .. })),
            "{size:?}"
        );
    }
    let options = MapOptions {
        minimum: Some(2.0),
        maximum: Some(1.0),
        ..MapOptions::default()
    };
    assert!(matches!(map(&[layer], &options), Err(PlotError::Range { .. })));
    let outside = MapOptions {
        region: Some("50,50,60,60".parse().unwrap()),
        ..MapOptions::default()
    };
    assert!(matches!(map(&[layer], &outside), Err(PlotError::Empty)));
}

#[test]
fn every_shape_of_region_fits_its_page() {
    for region in [
        "0,0,0,0",
        "-180,-90,180,90",
        "10,-80,10.1,80",
        "-170,60,170,60.1",
        "-180,60,180,90",
        "-180,-90,180,-50",
        "170,-90,-170,-89",
    ] {
        let bounds: LonLatBox = region.parse().unwrap();
        let (x, y) = (bounds.west(), bounds.south());
        for size in [None, Some((320, 320)), Some((1920, 1080)), Some((400, 1600))] {
            let layer = Layer {
                longitude: &[x],
                latitude: &[y],
                values: &[1.0],
                shape: [1, 1],
            };
            let options = MapOptions {
                region: Some(bounds),
                size,
                ..MapOptions::default()
            };
            let (width, height, _) = decoded(&map(&[layer], &options).unwrap());
            assert!(
                size.is_none_or(|size| size == (width, height)),
                "{region} {width} {height}"
            );
            assert!(
                size.is_some() || width <= 1700 && height <= 1700,
                "{region} {width} {height}"
            );
        }
    }
}
