//! Times the kernels of derivatives on a synthetic pass in this process, for `benches/science.py`.
//!
//! `science_kernels FOLDER [ROUNDS]` writes `latitude.f64`, `longitude.f64` and `height.f64` (little-endian, 9860 x 69) to the folder,
//! the currents it derives as `u.f64` and `v.f64`, and prints the best seconds of every kernel as JSON.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program of the benches"
)]

use std::path::Path;
use std::time::Instant;

use karin_science::currents::geostrophic_into;
use karin_science::{Current, Derivative, Extent, Method, Metric, Quantity, compute_all};

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/derivatives/swath.rs"]
mod swath;

use swath::{Start, Swath, is_seen, scatter};

/// Runs in a round of a fast kernel: the clock of the scheduler ticks every few milliseconds.
const REPEATS: u32 = 4;
/// Of one that is over within a tick.
const MANY_REPEATS: u32 = 200;
/// Passes of the measurement with two threads.
const PASSES: usize = 60;

/// Seconds of this thread on a processor: what others do on the machine does not count. Wall time where Linux does not
/// tell.
fn clock(since: Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|told| told.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| since.elapsed().as_secs_f64(), |nanoseconds| nanoseconds * 1e-9)
}

/// The best of some rounds of some runs, in seconds per run.
fn best<T>(rounds: usize, repeats: u32, mut work: impl FnMut() -> T) -> f64 {
    let since = Instant::now();
    let seconds = (0..rounds).map(|_| {
        let start = clock(since);
        for _ in 0..repeats {
            std::hint::black_box(work());
        }
        (clock(since) - start) / f64::from(repeats)
    });
    seconds.fold(f64::INFINITY, f64::min)
}

/// Eddies and waves of 60 to 600 km, with the gaps of a swath and one missing pixel in two hundred.
fn height(swath: &Swath) -> Vec<f64> {
    let width = swath.extent.num_pixels;
    let mut field = swath.field(|[x, y, z]| {
        0.3 * (70.0 * x).sin() * (90.0 * y).cos()
            + 0.1 * (300.0 * z + 200.0 * x).sin()
            + 0.02 * (650.0 * y).sin()
    });
    for (index, value) in field.iter_mut().enumerate() {
        if !is_seen(index % width) || scatter(index, 1) < 0.005 {
            *value = f64::NAN;
        }
    }
    field
}

fn write(folder: &Path, name: &str, values: &[f64]) {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(folder.join(format!("{name}.f64")), bytes).unwrap();
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap();
    let rounds = arguments.next().map_or(3, |rounds| rounds.parse().unwrap());
    let start = Start {
        latitude: -77.6,
        longitude: 30.0,
        heading: 0.0,
    };
    let swath = Swath::new(Extent::new(9860, 69), start, 2000.0);
    let height = height(&swath);
    let metric = swath.metric();
    let folder = Path::new(&folder);
    write(folder, "latitude", &swath.latitude);
    write(folder, "longitude", &swath.longitude);
    write(folder, "height", &height);
    let currents = [Quantity::UGeo, Quantity::VGeo];
    let computed = compute_all(&currents, &Method::default(), &height, &metric).unwrap();
    write(folder, "u", &computed[0]);
    write(folder, "v", &computed[1]);
    println!("{{");
    println!("  \"metric\": {:.6},", best(rounds, REPEATS, || swath.metric()));
    println!(
        "  \"valid_pixels\": {},",
        height.iter().filter(|value| !value.is_nan()).count()
    );
    let high = high_latitudes(&swath, &height);
    let mut current = Current::default();
    let seconds = best(rounds, MANY_REPEATS, || {
        geostrophic_into(&high.0, &high.1, &Derivative::L3, &mut current).unwrap();
    });
    let share = high.0.len() as f64 / swath.extent.len() as f64;
    println!("  \"currents_l3_high_latitudes\": {:.6},", seconds / share);
    println!(
        "  \"seconds_per_pass_two_threads\": {:.6},",
        two_threads(&height, &metric)
    );
    let all = [
        Quantity::UGeo,
        Quantity::VGeo,
        Quantity::VorticityOverF,
        Quantity::Strain,
    ];
    let cyclo = [Quantity::UCyclo, Quantity::VCyclo];
    let uncertainty = [Quantity::UGeoUncertainty, Quantity::VGeoUncertainty];
    let kernels: [(&str, &str, &[Quantity]); 11] = [
        ("gradient_l3", "l3", &[Quantity::SshGradient]),
        ("currents_l3", "l3", &currents),
        ("deformation_l3", "l3", &all),
        ("currents_fit9", "fit:9", &currents),
        ("deformation_fit9", "fit:9", &all),
        ("currents_fit25", "fit:25", &currents),
        ("currents_curvilinear", "curvilinear", &currents),
        ("uncertainty_l3", "l3", &uncertainty),
        ("cyclo_gradient_wind", "cyclo=gradient_wind", &cyclo),
        ("cyclo_fixed_point", "cyclo=fixed_point", &cyclo),
        ("cyclo_variational", "cyclo=variational", &cyclo),
    ];
    for (index, (name, method, quantities)) in kernels.iter().enumerate() {
        let method: Method = method.parse().unwrap();
        let (rounds, repeats) = if name.starts_with("cyclo") {
            (1, 1)
        } else {
            (rounds, REPEATS)
        };
        let seconds = best(rounds, repeats, || {
            compute_all(quantities, &method, &height, &metric).unwrap()
        });
        let comma = if index + 1 < kernels.len() { "," } else { "" };
        println!("  \"{name}\": {seconds:.6}{comma}");
    }
    println!("}}");
}

/// The first lines of the pass, south of the band of the beta plane.
fn high_latitudes(swath: &Swath, height: &[f64]) -> (Vec<f64>, Metric) {
    let extent = Extent::new(3800, swath.extent.num_pixels);
    let metric = Metric::new(
        &swath.latitude[..extent.len()],
        &swath.longitude[..extent.len()],
        extent,
    )
    .unwrap();
    assert!(metric.latitude().iter().all(|latitude| *latitude < -8.0));
    (height[..extent.len()].to_vec(), metric)
}

/// Wall seconds per pass of the currents when two threads derive them.
fn two_threads(height: &[f64], metric: &Metric) -> f64 {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut current = Current::default();
                for _ in 0..PASSES / 2 {
                    geostrophic_into(height, metric, &Derivative::L3, &mut current).unwrap();
                    std::hint::black_box(&mut current);
                }
            });
        }
    });
    start.elapsed().as_secs_f64() / PASSES as f64
}
