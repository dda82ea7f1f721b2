use karin_core::{Array, Attributes, DType, Dimension, Storage, Values};

use super::*;

/// A dataset in memory: variables with dimensions and values.
struct Made {
    root: GroupMeta,
    arrays: Vec<(String, Vec<usize>, Vec<f64>)>,
}

impl Made {
    fn new(dimensions: &[(&str, usize)], variables: &[(&str, &[&str], Vec<f64>)]) -> Self {
        let size = |name: &str| dimensions.iter().find(|(known, _)| *known == name).unwrap().1;
        let meta = |(name, dims, _): &(&str, &[&str], Vec<f64>)| VariableMeta {
            name: (*name).into(),
            dtype: DType::Float64,
            dimensions: dims.iter().map(|dim| (*dim).to_owned()).collect(),
            attributes: Attributes::new(),
            storage: Storage::default(),
        };
        let root = GroupMeta {
            dimensions: dimensions
                .iter()
                .map(|(name, size)| Dimension {
                    name: (*name).into(),
                    size: *size,
                    unlimited: false,
                })
                .collect(),
            variables: variables.iter().map(meta).collect(),
            ..GroupMeta::default()
        };
        let arrays = variables.iter().map(|(name, dims, values)| {
            (
                (*name).to_owned(),
                dims.iter().map(|dim| size(dim)).collect(),
                values.clone(),
            )
        });
        Self {
            root,
            arrays: arrays.collect(),
        }
    }
}

impl Dataset for Made {
    fn label(&self) -> &str {
        "made"
    }

    fn root(&self) -> &GroupMeta {
        &self.root
    }

    fn read_into(&self, path: &str, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError> {
        let (_, shape, values) = self.arrays.iter().find(|(name, _, _)| name == path).unwrap();
        assert!(slab.fits(shape));
        let mut array = Array::zeros(DType::Float64, &slab.count);
        let Values::Float64(picked) = &mut array.values else {
            unreachable!()
        };
        for (number, value) in picked.iter_mut().enumerate() {
            let (mut rest, mut at, mut stride) = (number, 0, 1);
            for dimension in (0..shape.len()).rev() {
                at += (slab.start[dimension] + rest % slab.count[dimension]) * stride;
                rest /= slab.count[dimension];
                stride *= shape[dimension];
            }
            *value = values[at];
        }
        out.copy_from_slice(array.values.as_bytes());
        Ok(())
    }
}

/// Place and value of everything that is drawn.
fn drawn(made: &Made, path: &str) -> Vec<(f64, f64, f64)> {
    let mut all = Vec::new();
    Places::of(made, path)
        .unwrap()
        .each(made, &mut |layer, _| {
            let places = layer.longitude.iter().zip(layer.latitude).zip(layer.values);
            all.extend(places.map(|((x, y), value)| (*x, *y, *value)));
            Ok(())
        })
        .unwrap();
    all
}

#[test]
fn grids_are_drawn_whichever_way_they_lie() {
    let dimensions = [("lat", 2), ("lon", 3), ("time", 1)];
    let coordinates = [
        ("lat", &["lat"][..], vec![10.0, 11.0]),
        ("lon", &["lon"][..], vec![1.0, 2.0, 3.0]),
    ];
    let values: Vec<f64> = (0..6).map(f64::from).collect();
    let rows = [
        ("sla", &["time", "lat", "lon"][..], values.clone()),
        ("turned", &["lon", "lat"][..], values),
    ];
    let made = Made::new(&dimensions, &[coordinates.as_slice(), rows.as_slice()].concat());
    assert_eq!(drawn(&made, "sla")[4], (2.0, 11.0, 4.0));
    assert_eq!(drawn(&made, "turned")[4], (3.0, 10.0, 4.0));
    let picture = dataset(&made, None, MapOptions::default()).unwrap();
    assert_eq!((picture.variable.as_str(), picture.granules), ("sla", 1));
}

#[test]
fn cubes_are_drawn_pass_by_pass_with_the_coordinates_of_each() {
    let dimensions = [
        ("cycle_number", 2),
        ("pass_number", 2),
        ("num_lines", 1),
        ("num_pixels", 2),
    ];
    let swath = &["pass_number", "num_lines", "num_pixels"][..];
    let cube = &["cycle_number", "pass_number", "num_lines", "num_pixels"][..];
    let made = Made::new(
        &dimensions,
        &[
            ("latitude", swath, vec![0.0, 1.0, 2.0, 3.0]),
            ("longitude", swath, vec![10.0, 11.0, 12.0, 13.0]),
            ("ssha", cube, (0..8).map(f64::from).collect()),
            ("mean", swath, vec![f64::NAN, f64::NAN, 5.0, 6.0]),
        ],
    );
    assert_eq!(drawn(&made, "ssha")[6..], [(12.0, 2.0, 6.0), (13.0, 3.0, 7.0)]);
    assert_eq!(drawn(&made, "mean"), [(12.0, 2.0, 5.0), (13.0, 3.0, 6.0)]);
}

#[test]
fn what_has_no_place_is_refused() {
    let made = Made::new(
        &[("n", 2), ("m", 2)],
        &[
            ("lat", &["n"][..], vec![0.0, 1.0]),
            ("lon", &["n"][..], vec![0.0, 1.0]),
            ("x", &["m"][..], vec![1.0, 2.0]),
        ],
    );
    let message = |path| {
        dataset(&made, Some(path), MapOptions::default())
            .unwrap_err()
            .to_string()
    };
    assert!(message("x").contains("last dimensions"), "{}", message("x"));
    assert!(message("lat").contains("coordinate"));
    assert!(message("lot").contains("did you mean 'lon'?") || message("lot").contains("did you mean 'lat'?"));
    assert!(dataset(&made, None, MapOptions::default()).is_err());
}

#[test]
fn several_variables_are_panels_of_one_sheet() {
    let slope: Vec<f64> = (0..16).map(|i| f64::from(i) * 1e-6).collect();
    let made = Made::new(
        &[("latitude", 4), ("longitude", 4)],
        &[
            ("latitude", &["latitude"], vec![0.0, 1.0, 2.0, 3.0]),
            ("longitude", &["longitude"], vec![0.0, 1.0, 2.0, 3.0]),
            ("north", &["latitude", "longitude"], slope.clone()),
            ("east", &["latitude", "longitude"], slope.clone()),
            ("speed", &["latitude", "longitude"], slope),
        ],
    );
    let options = || MapOptions {
        size: Some((1200, 800)),
        color_map: Some("gray".parse().unwrap()),
        ..MapOptions::default()
    };
    let sheet = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        datasets(&made, &names, options())
    };
    let three = sheet(&["north", "east", "speed"]).unwrap();
    assert_eq!(three.variable, "north, east, speed");
    let mut reader = png::Decoder::new(std::io::Cursor::new(&three.png))
        .read_info()
        .unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.width, info.height), (1200, 800));
    // The darkest of the colours fills a corner of every map; the place of a fourth panel in two rows is paper.
    let dark = |columns: Range<usize>, rows: Range<usize>| {
        let inside = rows.flat_map(|row| columns.clone().map(move |column| 3 * (1200 * row + column)));
        inside
            .filter(|at| pixels[*at..].iter().take(3).all(|part| *part < 20))
            .count()
    };
    assert!(dark(0..600, 60..420) > 2000 && dark(600..1200, 60..420) > 2000 && dark(0..600, 440..800) > 2000);
    assert_eq!(dark(600..1200, 440..800), 0);

    assert_eq!(
        sheet(&["east"]).unwrap().png,
        dataset(&made, Some("east"), options()).unwrap().png
    );
    assert!(
        sheet(&["east"; 10])
            .unwrap_err()
            .to_string()
            .contains("at most 9")
    );
    assert!(sheet(&["east", "west"]).unwrap_err().to_string().contains("west"));
}
