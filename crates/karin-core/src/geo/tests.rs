use proptest::prelude::*;

use super::*;

fn bounds(text: &str) -> LonLatBox {
    text.parse().unwrap()
}

fn polygon(text: &str) -> Polygon {
    Polygon::from_geojson(text).unwrap()
}

/// GeoJSON of one polygon from rings of positions, closed here.
fn geojson(rings: &[Vec<(f64, f64)>]) -> String {
    let ring = |ring: &Vec<(f64, f64)>| {
        let points = ring
            .iter()
            .chain(ring.first())
            .map(|(x, y)| format!("[{x},{y}]"))
            .collect::<Vec<_>>();
        format!("[{}]", points.join(","))
    };
    let rings = rings.iter().map(ring).collect::<Vec<_>>().join(",");
    format!(r#"{{"type":"Polygon","coordinates":[{rings}]}}"#)
}

#[test]
fn longitudes_wrap_into_both_conventions() {
    for (longitude, half, full) in [
        (0.0, 0.0, 0.0),
        (180.0, -180.0, 180.0),
        (-180.0, -180.0, 180.0),
        (359.0, -1.0, 359.0),
        (-1e-20, -1e-20, 0.0),
        (725.0, 5.0, 5.0),
    ] {
        assert_eq!(
            (wrap_180(longitude), wrap_360(longitude)),
            (half, full),
            "{longitude}"
        );
    }
}

#[test]
fn a_box_means_the_same_in_every_convention() {
    for text in [
        "170,-10,190,10",
        "170,-10,-170,10",
        "-190,-10,-170,10",
        "530,-10,-170,10",
    ] {
        let bounds = bounds(text);
        assert_eq!(bounds.width(), 20.0);
        for inside in [170.0, 180.0, -180.0, 190.0, -170.0, 175.5, -185.0, 900.0] {
            assert!(
                bounds.contains(inside, 10.0) && !bounds.contains(inside, 10.1),
                "{text} {inside}"
            );
        }
        for outside in [0.0, 169.9, 190.1, -169.9, f64::NAN, f64::INFINITY] {
            assert!(!bounds.contains(outside, 0.0), "{text} {outside}");
        }
    }
}

#[test]
fn the_globe_is_a_box() {
    for text in ["-180,-90,180,90", "0,-90,360,90", "-200,-90,200,90"] {
        let globe = bounds(text);
        assert!(
            [-180.0, 180.0, 0.0, 359.999]
                .iter()
                .all(|&x| globe.contains(x, -90.0) && globe.contains(x, 90.0))
        );
    }
    assert_eq!(bounds("10,0,10,5").width(), 0.0);
    assert!(bounds("10,0,10,5").contains(370.0, 3.0) && !bounds("10,0,10,5").contains(10.001, 3.0));
}

#[test]
fn packed_coordinates_on_an_edge_are_inside() {
    for millionths in (0..360_000_000).step_by(777_777) {
        let decoded = f64::from(millionths) * 1e-6;
        let typed: f64 = format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000)
            .parse()
            .unwrap();
        let bounds = LonLatBox::new(typed, 0.0, typed, 0.0).unwrap();
        assert!(
            bounds.contains(decoded, 0.0) && bounds.contains(decoded - 360.0, 0.0),
            "{typed}"
        );
        assert!(
            !bounds.contains(decoded + 1e-6, 0.0) && !bounds.contains(decoded - 1e-6, 0.0),
            "{typed}"
        );
    }
}

#[test]
fn boxes_that_are_none_are_refused() {
    for text in [
        "",
        "1,2,3",
        "1,2,3,4,5",
        "a,b,c,d",
        "0,10,5,-10",
        "0,-91,5,0",
        "nan,0,1,1",
        "0,nan,1,1",
        "inf,0,1,1",
    ] {
        assert!(text.parse::<LonLatBox>().is_err(), "{text}");
    }
}

#[test]
fn the_smallest_box_may_cross_the_antimeridian() {
    let around = |points: &[(f64, f64)]| LonLatBox::around(points.iter().copied()).map(|b| b.to_string());
    assert_eq!(
        around(&[(179.0, 1.0), (181.0, 3.0), (f64::NAN, 9.0)]).unwrap(),
        "179,1,-179,3"
    );
    assert_eq!(around(&[(10.0, 1.0), (350.0, -3.0)]).unwrap(), "-10,-3,10,1");
    assert_eq!(around(&[(f64::NAN, f64::NAN)]), None);
}

#[test]
fn polygons_cross_the_antimeridian_however_they_are_written() {
    let texts = [
        geojson(&[vec![(170.0, -10.0), (190.0, -10.0), (190.0, 10.0), (170.0, 10.0)]]),
        geojson(&[vec![
            (170.0, -10.0),
            (-170.0, -10.0),
            (-170.0, 10.0),
            (170.0, 10.0),
        ]]),
        geojson(&[vec![
            (-190.0, -10.0),
            (-170.0, -10.0),
            (-170.0, 10.0),
            (-190.0, 10.0),
        ]]),
        r#"{"type":"MultiPolygon","coordinates":[[[[170,-10],[180,-10],[180,10],[170,10],[170,-10]]],
            [[[-180,-10],[-170,-10],[-170,10],[-180,10],[-180,-10]]]]}"#
            .to_owned(),
    ];
    for text in texts {
        let polygon = polygon(&text);
        for x in [170.0, 175.0, 180.0, -180.0, -175.0, 185.0, -170.0] {
            assert!(
                polygon.contains(x, 0.0) && polygon.contains(x, 10.0) && !polygon.contains(x, 10.01),
                "{text} {x}"
            );
        }
        assert!(
            !polygon.contains(0.0, 0.0) && !polygon.contains(169.9, 0.0) && !polygon.contains(f64::NAN, 0.0)
        );
        assert!(Region::Polygon(polygon).may_touch(&bounds("-175,0,-174,1")));
    }
}

#[test]
fn holes_are_outside_but_for_their_edges() {
    let outer = vec![(350.0, -10.0), (370.0, -10.0), (370.0, 10.0), (350.0, 10.0)];
    let ring = polygon(&geojson(&[
        outer,
        vec![(-5.0, -5.0), (5.0, -5.0), (5.0, 5.0), (-5.0, 5.0)],
    ]));
    assert!(ring.contains(-7.0, 0.0) && ring.contains(353.0, 0.0) && ring.contains(5.0, 0.0));
    assert!(!ring.contains(0.0, 0.0) && !ring.contains(360.0, 4.9) && !ring.contains(11.0, 0.0));
}

#[test]
fn rings_round_a_pole_enclose_it() {
    let ring = |latitude: f64| {
        (0..12)
            .map(|i| (f64::from(i) * 30.0 - 165.0, latitude))
            .collect::<Vec<_>>()
    };
    let arctic = polygon(&geojson(&[ring(70.0)]));
    assert!(arctic.contains(0.0, 90.0) && arctic.contains(179.0, 71.0) && arctic.contains(-175.0, 70.0));
    assert!(!arctic.contains(0.0, 69.9) && !arctic.contains(0.0, -80.0));
    let antarctic = polygon(&geojson(&[ring(-60.0)]));
    assert!(
        antarctic.contains(123.0, -90.0)
            && antarctic.contains(359.0, -61.0)
            && !antarctic.contains(0.0, -59.0)
    );
    let drawn = vec![
        (-180.0, -90.0),
        (180.0, -90.0),
        (180.0, -60.0),
        (0.0, -70.0),
        (-180.0, -60.0),
    ];
    let drawn = polygon(&geojson(&[drawn]));
    assert!(drawn.contains(0.0, -71.0) && !drawn.contains(0.0, -69.0) && drawn.contains(200.0, -90.0));
}

#[test]
fn features_and_collections_are_read_and_other_things_refused() {
    let square = geojson(&[vec![(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]]);
    let feature = format!(r#"{{"type":"Feature","properties":{{"name":"x"}},"geometry":{square}}}"#);
    let collection = format!(r#"{{"type":"FeatureCollection","features":[{feature},{feature}]}}"#);
    for text in [&square, &feature, &collection] {
        assert!(polygon(text).contains(0.5, 0.5) && !polygon(text).contains(1.5, 0.5));
    }
    for text in [
        "",
        "{}",
        r#"{"type":"Point","coordinates":[0,0]}"#,
        r#"{"type":"Polygon","coordinates":[]}"#,
        r#"{"type":"Polygon","coordinates":[[]]}"#,
        r#"{"type":"Polygon","coordinates":[[[0,0],[1,1],[0,0]]]}"#,
        r#"{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,95],[0,0]]]}"#,
        r#"{"type":"Polygon","coordinates":[[[0,0],[1e300,0],[1,5],[0,0]]]}"#,
        r#"{"type":"FeatureCollection","features":[]}"#,
        r#"{"type":"Feature","properties":null,"geometry":null}"#,
    ] {
        assert!(Polygon::from_geojson(text).is_err(), "{text}");
    }
}

/// Winding number of a ring round a point, by the angles that its edges turn: slow, and unlike what is tested.
fn winding(ring: &[(f64, f64)], x: f64, y: f64) -> i32 {
    let ends = ring.iter().cycle().skip(1);
    let turn: f64 = (ring.iter().zip(ends))
        .map(|(a, b)| {
            let (ax, ay, bx, by) = (a.0 - x, a.1 - y, b.0 - x, b.1 - y);
            (ax * by - ay * bx).atan2(ax * bx + ay * by)
        })
        .sum();
    (turn / std::f64::consts::TAU).round() as i32
}

/// A ring like a star: no edge crosses another, so that even-odd and winding agree.
fn star() -> impl Strategy<Value = Vec<(f64, f64)>> {
    (
        -180.0..180.0f64,
        -50.0..50.0f64,
        prop::collection::vec(0.5..35.0f64, 3..40),
    )
        .prop_map(|(x, y, radii)| {
            let count = radii.len() as f64;
            let point = |(index, radius): (usize, &f64)| {
                let angle = std::f64::consts::TAU * index as f64 / count;
                (x + radius * angle.cos(), y + radius * angle.sin())
            };
            radii.iter().enumerate().map(point).collect()
        })
}

proptest! {
    #[test]
    fn a_box_holds_what_its_definition_says(
        west in -400.0..400.0f64, width in 0.0..360.0f64, south in -90.0..90.0f64, height in 0.0..60.0f64,
        x in -400.0..400.0f64, y in -90.0..90.0f64, turns in 0..3,
    ) {
        let north = (south + height).min(90.0);
        let bounds = LonLatBox::new(west, south, west + width - 360.0 * f64::from(turns), north).unwrap();
        let mut everywhere = (-5..=5).map(|turn| x + 360.0 * f64::from(turn));
        let is_inside = y >= south && y <= north && everywhere.any(|x| x >= west && x <= west + width);
        prop_assert_eq!(bounds.contains(x, y), is_inside);
        prop_assert_eq!(bounds.intersects(&LonLatBox::new(x, y, x, y).unwrap()), is_inside);
    }

    #[test]
    fn a_polygon_holds_what_winds_round_it(ring in star(), points in prop::collection::vec((-180.0..180.0f64, -85.0..85.0f64), 60), turn in -1..=1) {
        let shifted: Vec<(f64, f64)> = ring.iter().map(|(x, y)| (wrap_180(*x), *y)).collect();
        let (given, wrapped) = (polygon(&geojson(std::slice::from_ref(&ring))), polygon(&geojson(&[shifted])));
        for (x, y) in points {
            let x = x + 360.0 * f64::from(turn);
            let is_inside = (-3..=3).any(|turn| winding(&ring, x + 360.0 * f64::from(turn), y) != 0);
            prop_assert_eq!(given.contains(x, y), is_inside, "({}, {})", x, y);
            prop_assert_eq!(wrapped.contains(x, y), is_inside, "({}, {}) wrapped", x, y);
        }
    }

    #[test]
    fn vertices_and_middles_of_edges_are_inside(ring in star()) {
        let polygon = polygon(&geojson(std::slice::from_ref(&ring)));
        for (a, b) in ring.iter().zip(ring.iter().cycle().skip(1)) {
            prop_assert!(polygon.contains(a.0, a.1));
            prop_assert!(polygon.contains((a.0 + b.0) / 2.0 - 360.0, (a.1 + b.1) / 2.0));
        }
    }

    #[test]
    fn a_box_around_points_holds_them(points in prop::collection::vec((-400.0..400.0f64, -90.0..90.0f64), 1..20)) {
        let bounds = LonLatBox::around(points.iter().copied()).unwrap();
        prop_assert!(points.iter().all(|&(x, y)| bounds.contains(x, y)));
    }

    #[test]
    fn no_geojson_panics(numbers in prop::collection::vec((-800.0..800.0f64, -95.0..95.0f64), 0..8), x: f64, y: f64) {
        if let Ok(polygon) = Polygon::from_geojson(&geojson(&[numbers])) {
            let _ = (polygon.contains(x, y), polygon.bounds());
        }
    }
}
