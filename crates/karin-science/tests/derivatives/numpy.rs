//! The stencil and the fits against implementations in numpy that share nothing with ours but the recipe.

use std::path::Path;
use std::process::Command;

use karin_science::{Derivative, Extent, Method, Quantity, compute_all};

use crate::swath::{Start, Swath, is_seen, scatter};

fn write(folder: &Path, name: &str, values: &[f64]) {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(folder.join(format!("{name}.f64")), bytes).unwrap();
}

fn read(folder: &Path, name: &str) -> Vec<f64> {
    let bytes = std::fs::read(folder.join(format!("{name}.f64"))).unwrap();
    bytes
        .chunks_exact(8)
        .map(|chunk| f64::from_le_bytes(chunk.try_into().unwrap()))
        .collect()
}

/// Runs the reference on a field and gives what it makes of it, by name.
fn reference(test: &str, swath: &Swath, height: &[f64], names: &[&str]) -> Option<Vec<Vec<f64>>> {
    let python = test_support::python(test)?;
    let folder = std::env::temp_dir().join(format!(
        "karin-science-{}-{}",
        std::process::id(),
        test.replace(' ', "-")
    ));
    std::fs::create_dir_all(&folder).unwrap();
    write(&folder, "latitude", &swath.latitude);
    write(&folder, "longitude", &swath.longitude);
    write(&folder, "height", height);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/derivatives/reference.py");
    let run = Command::new(python)
        .arg(script)
        .arg(&folder)
        .arg(swath.extent.num_lines.to_string())
        .arg(swath.extent.num_pixels.to_string())
        .args(names)
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let results = names
        .iter()
        .flat_map(|name| ["u", "v", "vorticity", "strain", "laplacian"].map(|what| format!("{name}.{what}")))
        .map(|name| read(&folder, &name))
        .collect();
    std::fs::remove_dir_all(folder).unwrap();
    Some(results)
}

#[test]
fn stencil_and_fits_agree_with_numpy_on_a_swath_with_gaps() {
    let start = Start {
        latitude: 50.0,
        longitude: 179.0,
        heading: 60.0,
    };
    let swath = Swath::new(Extent::new(45, 69), start, 2000.0);
    let mut height =
        swath.field(|[x, y, z]| 0.4 * (300.0 * x).sin() * (250.0 * y).cos() + 0.1 * (900.0 * z).sin());
    for (index, value) in height.iter_mut().enumerate() {
        *value += 0.01 * scatter(index, 2);
        if !is_seen(index % 69) || scatter(index, 3) < 0.08 {
            *value = f64::NAN;
        }
    }
    let names = ["l3", "fit:5:square", "fit:9", "fit:7:gaussian"];
    let Some(theirs) = reference("stencil and fits against numpy", &swath, &height, &names) else {
        return;
    };
    use Quantity as Q;
    let wanted = [Q::UGeo, Q::VGeo, Q::Vorticity, Q::Strain, Q::SshLaplacian];
    let metric = swath.metric();
    for (name, theirs) in names.iter().zip(theirs.chunks(wanted.len())) {
        let method: Method = name.parse().unwrap();
        let ours = compute_all(&wanted, &method, &height, &metric).unwrap();
        // Currents of L3 have geometry of 24 bits.
        let close = if method.derivative == Derivative::L3 {
            5e-7
        } else {
            1e-8
        };
        for (quantity, (ours, theirs)) in wanted.iter().zip(ours.iter().zip(theirs)) {
            let size = theirs
                .iter()
                .filter(|value| value.is_finite())
                .fold(0.0_f64, |most, value| most.max(value.abs()));
            let mut compared = 0;
            for (index, (one, other)) in ours.iter().zip(theirs).enumerate() {
                assert_eq!(
                    one.is_nan(),
                    other.is_nan(),
                    "{name} {quantity} at {index}: {one} {other}"
                );
                if !one.is_nan() {
                    assert!(
                        (one - other).abs() < close * size,
                        "{name} {quantity} at {index}: {one:e} {other:e}"
                    );
                    compared += 1;
                }
            }
            assert!(compared > 1000, "{name} {quantity}: {compared}");
        }
    }
}
