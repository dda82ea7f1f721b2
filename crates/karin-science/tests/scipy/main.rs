//! numpy and scipy as the truth of what they have too.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

mod filter;
mod spectrum;

/// Runs a script that finds numbers in `values` and answers with numbers in `answer`; `None` after a said skip.
fn ask(test: &str, values: &[f64], script: &str) -> Option<Vec<f64>> {
    let python = test_support::python(test)?;
    let script = format!(
        "import sys, warnings, numpy as np\nwarnings.simplefilter('ignore')\n\
         values = np.frombuffer(sys.stdin.buffer.read(), '<f8').copy()\n{script}\n\
         sys.stdout.buffer.write(np.ascontiguousarray(answer, '<f8').tobytes())"
    );
    let mut child = Command::new(python)
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(&bytes)
        .expect("Python reads");
    let mut answer = Vec::new();
    child
        .stdout
        .take()
        .expect("piped")
        .read_to_end(&mut answer)
        .expect("Python answers");
    assert!(
        child.wait().expect("Python ends").success(),
        "{test}: Python failed"
    );
    Some(
        answer
            .chunks_exact(8)
            .map(|bytes| f64::from_le_bytes(bytes.try_into().expect("eight bytes")))
            .collect(),
    )
}

/// Fails where two series differ by more than `tolerance`, relative to the greatest; NaN equals NaN.
fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: number of values");
    let greatest = expected
        .iter()
        .filter(|value| value.is_finite())
        .fold(0.0, |a: f64, b| a.max(b.abs()));
    for (index, (a, b)) in found.iter().zip(expected).enumerate() {
        let same = (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * greatest;
        assert!(same, "{what}: value {index} is {a}, expected {b}");
    }
}

/// Numbers without pattern, normal enough, the same every time.
fn noise(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).max(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    (0..count).map(|_| next() + next() + next()).collect()
}
