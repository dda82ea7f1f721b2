//! Filters against `scipy.ndimage`, `scipy.signal` and `scipy.sparse`.

use karin_science::Extent;
use karin_science::filter::{
    Band, Butterworth, Gaps, Separable, VariationalOptions, boxcar, butterworth, filter, gaussian, median,
    savitzky_golay, variational,
};

use super::{ask, assert_close, noise};

const EXTENT: Extent = Extent {
    num_lines: 300,
    num_pixels: 20,
};

/// Noise with single holes, a block, and a column without values for a while.
fn field() -> Vec<f64> {
    let mut field = noise(EXTENT.len(), 21);
    for at in (0..field.len()).step_by(37) {
        field[at] = f64::NAN;
    }
    for line in 100..120 {
        for pixel in 8..12 {
            field[EXTENT.index(line, pixel)] = f64::NAN;
        }
    }
    field
}

const SHAPE: &str =
    "z = values.reshape(300, 20)\nm = np.isfinite(z).astype(float)\nz0 = np.where(m > 0, z, 0)\n";

#[test]
fn kernels_and_medians_are_those_of_scipy_ndimage() {
    let field = field();
    let gauss = Separable::new(gaussian(2.3), gaussian(1.1)).expect("odd kernels");
    let boxes = Separable::new(boxcar(3), boxcar(1)).expect("odd kernels");
    let script = format!(
        "{SHAPE}from scipy import ndimage as nd
def ratio(f): return np.where(m > 0, f(z0) / f(m), np.nan)
gauss = ratio(lambda x: nd.gaussian_filter(x, (2.3, 1.1), mode='constant'))
boxes = ratio(lambda x: nd.uniform_filter(x, (7, 3), mode='constant'))
median = nd.generic_filter(z, np.nanmedian, size=5, mode='constant', cval=np.nan)
answer = np.stack([gauss, boxes, median])"
    );
    let Some(answer) = ask("kernels_and_medians_are_those_of_scipy_ndimage", &field, &script) else {
        return;
    };
    let n = EXTENT.len();
    assert_close(
        &filter(&field, EXTENT, &gauss, Gaps::Kept),
        &answer[..n],
        1e-12,
        "Gaussian",
    );
    assert_close(
        &filter(&field, EXTENT, &boxes, Gaps::Kept),
        &answer[n..2 * n],
        1e-12,
        "boxcar",
    );
    assert_close(
        &median(&field, EXTENT, (2, 2), Gaps::Filled),
        &answer[2 * n..],
        0.0,
        "median",
    );
}

#[test]
fn filters_along_track_are_those_of_scipy_signal() {
    let whole = noise(EXTENT.len(), 22);
    let script = "from scipy.signal import butter, sosfiltfilt, savgol_filter
z = values.reshape(300, 20)
answer = []
for order in (1, 3, 4):
    for kind, cut in (('low', 2 / 40), ('high', 2 / 120)):
        answer.append(sosfiltfilt(butter(order, 2 * cut, kind, output='sos'), z, axis=0))
answer.append(savgol_filter(z, 11, 3, axis=0))
answer = np.stack(answer)";
    let Some(answer) = ask("filters_along_track_are_those_of_scipy_signal", &whole, script) else {
        return;
    };
    let mut expected = answer.chunks(EXTENT.len());
    for order in [1, 3, 4] {
        for band in [Band::Low(40.0), Band::High(120.0)] {
            let design = Butterworth::new(order, band, 2.0).expect("a sound band");
            let expected = expected.next().expect("as many as asked for");
            assert_close(
                &butterworth(&whole, EXTENT, &design),
                expected,
                1e-9,
                &format!("{order} {band:?}"),
            );
        }
    }
    let smooth = savitzky_golay(&whole, EXTENT, (5, 3), Gaps::Kept).expect("a sound window");
    assert_close(
        &smooth,
        expected.next().expect("the last"),
        1e-10,
        "Savitzky-Golay",
    );
}

#[test]
fn the_variational_filter_is_the_sparse_solution() {
    let field = field();
    let options = VariationalOptions::new(0.5, 2.0, 3.0);
    let script = format!(
        "{SHAPE}import scipy.sparse as sp
from scipy.sparse.linalg import spsolve
def d(n): return sp.diags([-np.ones(n - 1), np.ones(n - 1)], [0, 1], shape=(n - 1, n))
K = sum(D.T @ D for D in (sp.kron(d(300), sp.eye(20)), sp.kron(sp.eye(300), d(20))))
A = sp.diags(m.ravel()) + 0.5 * K + 2 * K @ K + 3 * K @ K @ K
answer = spsolve(A.tocsc(), z0.ravel())"
    );
    let Some(answer) = ask("the_variational_filter_is_the_sparse_solution", &field, &script) else {
        return;
    };
    let found = variational(&field, EXTENT, &options, Gaps::Filled).expect("sound weights");
    assert_close(&found.expect("it converges"), &answer, 1e-6, "denoised");
}
