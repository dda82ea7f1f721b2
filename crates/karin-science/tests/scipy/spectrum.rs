//! Spectra against `scipy.signal` and quantiles against `scipy.stats`.

use karin_science::spectrum::{
    AlongTrack, Detrend, Plane, Rectangles, SegmentOptions, Welch, Window, chi_squared_quantile,
    coherence_squared,
};

use super::{ask, assert_close, noise};

#[test]
fn densities_are_those_of_scipy_welch() {
    let series = noise(4321, 17);
    let mut found = Vec::new();
    for window in [Window::Hann, Window::Tukey(0.25), Window::None] {
        for detrend in [Detrend::None, Detrend::Constant, Detrend::Linear] {
            for samples in [500, 333] {
                let options = SegmentOptions::new(samples, 2.0)
                    .with_window(window)
                    .with_detrend(detrend);
                let welch = Welch::new(options).expect("sound options");
                let mut along = AlongTrack::new(&welch, 1, false);
                along.push_lines(&series);
                let sums = along.finish();
                found.push((welch.wavenumbers(), sums.mean(&sums.xx)));
            }
        }
    }
    let script = "from scipy.signal import welch
answer = []
for window in ['hann', ('tukey', 0.25), 'boxcar']:
    for detrend in [False, 'constant', 'linear']:
        for n in [500, 333]:
            answer.extend(welch(values, fs=0.5, window=window, nperseg=n, noverlap=n // 2, detrend=detrend))
answer = np.concatenate(answer)";
    let Some(answer) = ask("densities_are_those_of_scipy_welch", &series, script) else {
        return;
    };
    let mut rest = answer.as_slice();
    for (index, (wavenumbers, densities)) in found.iter().enumerate() {
        let (k, after) = rest.split_at(wavenumbers.len());
        let (density, after) = after.split_at(densities.len());
        rest = after;
        assert_close(wavenumbers, k, 1e-14, "wavenumbers");
        assert_close(densities, density, 1e-12, &format!("densities of case {index}"));
    }
    assert!(rest.is_empty());
}

#[test]
fn cross_spectra_are_those_of_scipy_csd() {
    let (x, other) = (noise(3000, 3), noise(3000, 4));
    let y: Vec<f64> = x
        .iter()
        .zip(&other)
        .map(|(x, other)| 0.7 * x + 0.3 * other)
        .collect();
    let welch = Welch::new(SegmentOptions::new(256, 2.0)).expect("sound options");
    let mut along = AlongTrack::new(&welch, 1, true);
    for (x, y) in x.iter().zip(&y) {
        along.push_pairs(&[*x], &[*y]);
    }
    let sums = along.finish();
    let means = [&sums.xx, &sums.yy, &sums.xy_real, &sums.xy_imaginary].map(|sum| sums.mean(sum));
    let both: Vec<f64> = x.into_iter().chain(y).collect();
    let script = "from scipy.signal import csd, coherence\nx, y = values.reshape(2, -1)\n\
                  o = dict(fs=0.5, window='hann', nperseg=256, detrend='linear')\n\
                  p = csd(x, y, **o)[1]\nanswer = np.concatenate([p.real, p.imag, coherence(x, y, **o)[1]])";
    let Some(answer) = ask("cross_spectra_are_those_of_scipy_csd", &both, script) else {
        return;
    };
    let third = answer.len() / 3;
    assert_close(&means[2], &answer[..third], 1e-12, "real part");
    assert_close(&means[3], &answer[third..2 * third], 1e-12, "imaginary part");
    let coherence = coherence_squared(&means[0], &means[1], &means[2], &means[3]);
    assert_close(&coherence, &answer[2 * third..], 1e-10, "coherence");
}

#[test]
fn rectangles_are_those_of_numpy() {
    let field = noise(200 * 25, 8);
    let plane =
        Plane::new(SegmentOptions::new(200, 2.0), SegmentOptions::new(25, 2.0)).expect("sound options");
    let mut rectangles = Rectangles::new(&plane);
    field.chunks(25).for_each(|line| rectangles.push_line(line));
    let sums = rectangles.finish();
    let script = "from scipy.signal import get_window\nz = values.reshape(200, 25)\n\
                  i, j = np.mgrid[:200, :25]\nA = np.stack([np.ones(z.size), i.ravel(), j.ravel()], 1)\n\
                  z = z - (A @ np.linalg.lstsq(A, z.ravel(), rcond=None)[0]).reshape(z.shape)\n\
                  w = np.outer(get_window('hann', 200), get_window('hann', 25))\n\
                  p = np.abs(np.fft.fft2(z * w))**2 * 4 / (w**2).sum()\np = p[:101]\np[1:100] *= 2\n\
                  answer = np.fft.fftshift(p, axes=1).ravel()";
    let Some(answer) = ask("rectangles_are_those_of_numpy", &field, script) else {
        return;
    };
    assert_close(&sums.mean(), &answer, 1e-12, "densities in two dimensions");
}

#[test]
fn quantiles_of_chi_squared_are_those_of_scipy() {
    let cases: Vec<(f64, f64)> = [0.3, 1.0, 2.0, 3.7, 20.0, 999.5, 1.2e6]
        .into_iter()
        .flat_map(|freedom| [0.001, 0.025, 0.5, 0.975, 0.999].map(|probability| (freedom, probability)))
        .collect();
    let values: Vec<f64> = cases
        .iter()
        .flat_map(|(freedom, probability)| [*freedom, *probability])
        .collect();
    let script = "from scipy.stats import chi2\nanswer = chi2.ppf(values[1::2], values[0::2])";
    let Some(answer) = ask("quantiles_of_chi_squared_are_those_of_scipy", &values, script) else {
        return;
    };
    for ((freedom, probability), expected) in cases.iter().zip(answer) {
        let found = chi_squared_quantile(*freedom, *probability);
        assert!(
            (found / expected - 1.0).abs() < 1e-8,
            "{freedom} {probability}: {found} {expected}"
        );
    }
}
