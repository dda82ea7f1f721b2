//! The picture of a spectrum.

use karin_science::spectrum::requirement_cm2_per_cpkm;

use super::{Axis, Curve, Spectrum};
use crate::Error;
use crate::plot::ColorMap;
use crate::plot::chart::{self, COLORS, Cells, Chart, Line, Panel, Png, Scale};

/// Draws densities over wavenumbers (and wavelengths above), with the interval of confidence, the requirement where they are
/// heights, and the coherence below.
pub(super) fn of(spectrum: &Spectrum) -> Result<Png, Error> {
    let mut chart = Chart {
        title: format!("Power spectral density of {}", names(spectrum)),
        subtitle: spectrum.subtitle.clone(),
        panels: Vec::new(),
        notes: notes(spectrum),
    };
    chart.panels = match spectrum.axis {
        Axis::Both => spectrum
            .curves
            .first()
            .map(|curve| plane(spectrum, curve))
            .into_iter()
            .collect(),
        Axis::Along | Axis::Across => {
            let coherence = spectrum
                .coherence
                .as_ref()
                .map(|coherence| coherence_panel(spectrum, coherence));
            std::iter::once(densities(spectrum)).chain(coherence).collect()
        }
    };
    let segments = spectrum.segments;
    let words = if spectrum.axis == Axis::Both {
        "rectangles"
    } else {
        "segments"
    };
    chart.subtitle.push_str(&format!(" · {segments} {words}"));
    Ok(chart.png()?)
}

fn names(spectrum: &Spectrum) -> String {
    let names: Vec<&str> = spectrum.curves.iter().map(|curve| curve.name.as_str()).collect();
    names.join(", ")
}

fn notes(spectrum: &Spectrum) -> Vec<(String, String)> {
    use karin_core::Dataset as _;
    let attributes = &spectrum.dataset.root().attributes;
    let of = |name: &str, keyword: &str| {
        attributes
            .text(name)
            .map(|text| (keyword.to_owned(), text.to_owned()))
    };
    let software = concat!("karin ", env!("CARGO_PKG_VERSION")).to_owned();
    [
        Some(("Software".to_owned(), software)),
        of("history", "Command"),
        of("source_snapshot", "Snapshot"),
        of("source_versions", "Versions"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// `m²/cpkm`.
fn density_units(units: &str) -> String {
    match units {
        "" | "1" => "1/cpkm".to_owned(),
        one if one.chars().all(char::is_alphabetic) => format!("{one}²/cpkm"),
        more => format!("({more})²/cpkm"),
    }
}

/// Wavenumbers without 0, which has no place on a logarithmic axis, and without the last of even numbers of samples, whose
/// density counts one side only and looks like a fall.
fn drawn<'a>(spectrum: &'a Spectrum, values: &'a [f64]) -> (Vec<f64>, Vec<f64>) {
    let pairs = spectrum
        .wavenumbers
        .iter()
        .zip(values)
        .take(two_sided(spectrum))
        .skip(1);
    pairs.map(|(k, value)| (*k, *value)).unzip()
}

/// Wavenumbers, from 0, before the last one of even numbers of samples.
fn two_sided(spectrum: &Spectrum) -> usize {
    spectrum.wavenumbers.len() - usize::from(spectrum.segment_samples.is_multiple_of(2))
}

fn densities(spectrum: &Spectrum) -> Panel {
    let (low, high) = spectrum.confidence_factors;
    let confidence = format!("{:.0} % confidence", 100.0 * spectrum.confidence);
    let mut lines = Vec::new();
    for (index, (curve, color)) in spectrum.curves.iter().zip(COLORS.into_iter().cycle()).enumerate() {
        let (x, y) = drawn(spectrum, &curve.density);
        let scaled = |factor: f64| y.iter().map(|value| value * factor).collect();
        let label = if index == 0 {
            confidence.clone()
        } else {
            String::new()
        };
        lines.push(Line {
            label: curve.name.clone(),
            band: low.is_finite().then(|| (scaled(low), scaled(high), label)),
            x,
            y,
            color,
            is_dashed: false,
        });
    }
    let units: Vec<&str> = spectrum.curves.iter().map(|curve| curve.units.as_str()).collect();
    if spectrum.axis == Axis::Along && units.iter().all(|units| *units == "m") {
        let required: Vec<f64> = (spectrum.wavenumbers.iter())
            .map(|k| 1e-4 * requirement_cm2_per_cpkm(*k))
            .collect();
        let (x, y) = drawn(spectrum, &required);
        lines.push(Line {
            label: "SWOT requirement".to_owned(),
            x,
            y,
            color: [60, 60, 60],
            is_dashed: true,
            band: None,
        });
    }
    let same = units.iter().all(|own| Some(own) == units.first());
    let units = if same {
        density_units(units.first().unwrap_or(&""))
    } else {
        "units²/cpkm".to_owned()
    };
    let bands = lines.iter().filter_map(|line| line.band.as_ref());
    let bands = bands.flat_map(|(low, high, _)| low.iter().chain(high));
    let numbers = lines.iter().flat_map(|line| &line.y).chain(bands).copied();
    let label = format!("power spectral density ({units})");
    Panel {
        x: wavenumbers(spectrum),
        y: chart::Axis::around(&label, Scale::Logarithmic, numbers).with_room(0.05),
        inverse: "wavelength (km)".to_owned(),
        lines,
        cells: None,
        height: 1.0,
    }
}

fn wavenumbers(spectrum: &Spectrum) -> chart::Axis {
    let label = match spectrum.axis {
        Axis::Along | Axis::Both => "wavenumber along track (cpkm)",
        Axis::Across => "wavenumber across track (cpkm)",
    };
    chart::Axis::around(label, Scale::Logarithmic, spectrum.wavenumbers.iter().copied())
}

fn coherence_panel(spectrum: &Spectrum, coherence: &[f64]) -> Panel {
    let (x, y) = drawn(spectrum, coherence);
    let freedom = spectrum.degrees_of_freedom;
    let significant = karin_science::spectrum::coherence_significance(freedom, spectrum.confidence);
    let level = Line {
        label: format!("{:.0} % significance", 100.0 * spectrum.confidence),
        y: vec![significant; x.len()],
        x: x.clone(),
        color: [60, 60, 60],
        is_dashed: true,
        band: None,
    };
    let line = Line {
        label: "squared coherence".to_owned(),
        x,
        y,
        color: COLORS[2],
        ..Line::default()
    };
    Panel {
        x: wavenumbers(spectrum),
        y: chart::Axis::around("squared coherence", Scale::Linear, [0.0, 1.0].into_iter()),
        inverse: String::new(),
        lines: vec![line, level],
        cells: None,
        height: 0.5,
    }
}

/// A two-dimensional density: wavenumbers across to the right, along upward.
fn plane(spectrum: &Spectrum, curve: &Curve) -> Panel {
    let axis =
        |label: &str, numbers: &[f64]| chart::Axis::around(label, Scale::Linear, numbers.iter().copied());
    // The first row, and the last of even numbers of lines, count one side only.
    let (columns, rows) = (spectrum.wavenumbers_across.len(), two_sided(spectrum));
    let shown = curve.density.iter().take(rows * columns).skip(columns);
    let values = shown.map(|value| value.log10()).collect();
    let along = spectrum.wavenumbers.get(1..rows).unwrap_or_default();
    let units = density_units(&curve.units).replace("cpkm", "cpkm²");
    Panel {
        x: axis("wavenumber across track (cpkm)", &spectrum.wavenumbers_across),
        y: axis("wavenumber along track (cpkm)", along),
        inverse: String::new(),
        lines: Vec::new(),
        cells: Some(Cells {
            values,
            columns: spectrum.wavenumbers_across.len(),
            label: format!("power of ten of the density in {units}"),
            color_map: ColorMap::HALINE,
        }),
        height: 1.0,
    }
}
