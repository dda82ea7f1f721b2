//! A real L3 granule: its own velocities, and scalars computed from them elsewhere.

use std::path::Path;

use karin_core::{Dataset as _, Packing};
use karin_netcdf::NcFile;
use karin_science::{Extent, Method, Metric, Quantity, compute_all};

const GRANULE: &str = "swot_l3/SWOT_L3_LR_SSH_Expert_001_155_20230726T173637_20230726T182803_v1.0.2_fcs.nc";
/// Lines that miss neighbours because the sample was cut from a longer pass.
const CUT: usize = 4;

struct Granule {
    file: NcFile,
    extent: Extent,
}

impl Granule {
    fn open(path: &Path) -> Self {
        let file = NcFile::open(path).unwrap();
        let shape = file.root().shape("ugosa").unwrap();
        let extent = Extent::new(shape[0], shape[1]);
        Self { file, extent }
    }

    fn read(&self, name: &str) -> Vec<f64> {
        let variable = self.file.root().variable(name).unwrap();
        let packed = self.file.read(name).unwrap();
        Packing::of(variable).unwrap().decode(&packed.values).unwrap()
    }

    fn metric(&self) -> Metric {
        Metric::new(&self.read("latitude"), &self.read("longitude"), self.extent).unwrap()
    }
}

#[test]
fn currents_are_those_of_the_product_to_its_packing_step() {
    let Some(path) = test_support::reference_data("currents of the L3 granule", GRANULE) else {
        return;
    };
    let granule = Granule::open(&path);
    let ours = compute_all(
        &[Quantity::UGeo, Quantity::VGeo],
        &Method::default(),
        &granule.read("ssha_noiseless"),
        &granule.metric(),
    )
    .unwrap();
    let theirs = [granule.read("ugosa"), granule.read("vgosa")];
    let width = granule.extent.num_pixels;
    let whole = CUT * width..(granule.extent.num_lines - CUT) * width;
    let (mut compared, mut near, mut lost, mut squares) = (0, 0, 0, 0.0);
    for index in whole {
        let both = |values: &[Vec<f64>]| (values[0][index], values[1][index]);
        let ((u, v), (their_u, their_v)) = (both(&ours), both(&theirs));
        assert!(
            u.is_nan() || !their_u.is_nan(),
            "line {}, pixel {}",
            index / width,
            index % width
        );
        // One pixel of the product has a velocity without a height.
        lost += usize::from(u.is_nan() && !their_u.is_nan());
        if u.is_nan() {
            continue;
        }
        let furthest = (u - their_u).abs().max((v - their_v).abs());
        compared += 1;
        near += usize::from(furthest <= 1.0e-4);
        squares += (u - their_u).powi(2);
    }
    let rms = (squares / f64::from(compared)).sqrt();
    println!("{near} of {compared} pixels within 1e-4 m/s, rms {rms:.2e} m/s");
    assert!(compared > 14_000);
    assert!(lost <= 1, "{lost} velocities of the product are missing");
    assert!(near as f64 >= 0.999 * f64::from(compared), "{near} of {compared}");
    assert!(rms < 5e-5, "{rms}");
}

/// Lines 10 to the tenth from the end, pixels 10 to 24 and 45 to 57.
fn region(extent: Extent) -> impl Iterator<Item = usize> {
    (10..extent.num_lines - 10)
        .flat_map(move |line| (10..25).chain(45..58).map(move |pixel| extent.index(line, pixel)))
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

#[test]
fn scalars_of_the_granule_are_the_known_ones() {
    let Some(path) = test_support::reference_data("golden scalars", GRANULE) else {
        return;
    };
    use Quantity as Q;
    let granule = Granule::open(&path);
    let wanted = [
        Q::Eke,
        Q::UGeo,
        Q::VGeo,
        Q::Speed,
        Q::VorticityOverF,
        Q::StrainOverF,
        Q::OkuboWeissOverF2,
    ];
    let height = granule.read("ssha_noiseless");
    let metric = granule.metric();
    let [eke, u, v, speed, vorticity, strain, okubo_weiss] =
        compute_all(&wanted, &Method::default(), &height, &metric)
            .unwrap()
            .try_into()
            .unwrap();
    let of = |values: &[f64]| {
        region(granule.extent)
            .map(|index| values[index])
            .collect::<Vec<_>>()
    };
    let near = |what: &str, found: f64, expected: f64, step: f64| {
        println!("{what} {found:.6}, known {expected}");
        assert!(
            (found - expected).abs() <= step,
            "{what}: {found}, expected {expected}"
        );
    };
    near("mean EKE", mean(of(&eke).into_iter()), 0.101_888, 2e-6);
    near("mean u", mean(of(&u).into_iter()), 0.056_743, 2e-6);
    near("mean v", mean(of(&v).into_iter()), 0.059_094, 2e-6);
    near(
        "rms speed",
        mean(of(&speed).iter().map(|s| s * s)).sqrt(),
        0.451_415,
        2e-6,
    );
    let vorticity = of(&vorticity);
    near(
        "rms vorticity/f",
        mean(vorticity.iter().map(|z| z * z)).sqrt(),
        0.371_08,
        1e-5,
    );
    near(
        "least vorticity/f",
        vorticity.iter().copied().fold(f64::INFINITY, f64::min),
        -1.7393,
        1e-4,
    );
    near(
        "most vorticity/f",
        vorticity.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        1.7823,
        1e-4,
    );
    near("mean strain/|f|", mean(of(&strain).into_iter()), 0.317_20, 1e-5);
    near("mean OW/f2", mean(of(&okubo_weiss).into_iter()), 0.004_037, 2e-6);
    let pixel = granule.extent.index(150, 15);
    near("heading", metric.heading(pixel).to_degrees(), 69.777_03, 1e-5);
}
