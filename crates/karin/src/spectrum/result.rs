//! From sums to a dataset.

use karin_core::{Array, AttrValue, Attributes, DType, Storage, Values, VariableMeta};
use karin_engine::{Failure, MemoryDataset, Plan, Sink as _};
use karin_science::spectrum::{
    Sums, coherence_significance, coherence_squared, confidence_factors, degrees_of_freedom, phase_degrees,
    requirement_cm2_per_cpkm,
};

use super::estimate::{Estimator, Sum};
use super::gather::{Totals, Work};
use super::{Axis, Curve, Spectrum, SpectrumOptions};
use crate::joined;
use crate::plot::subtitle;

/// Variables of the result with their values.
#[derive(Default)]
struct Table {
    variables: Vec<(VariableMeta, Values)>,
}

impl Table {
    fn add(
        &mut self,
        name: &str,
        dimensions: &[&str],
        values: impl Into<Values>,
        attributes: &[(&str, &str)],
    ) {
        let values = values.into();
        let mut own: Attributes = attributes
            .iter()
            .filter(|(_, text)| !text.is_empty())
            .copied()
            .collect();
        if values.dtype() == DType::Float64 && dimensions != [name] {
            own.set("_FillValue", AttrValue::number(f64::NAN));
        }
        let meta = VariableMeta {
            name: name.to_owned(),
            dtype: values.dtype(),
            dimensions: dimensions.iter().map(|name| (*name).to_owned()).collect(),
            attributes: own,
            storage: Storage::default(),
        };
        self.variables.push((meta, values));
    }
}

/// The result of a work.
pub(super) fn of(
    work: &Work<'_>,
    plan: &Plan,
    options: &SpectrumOptions,
    totals: Totals,
    failures: Vec<Failure>,
) -> Spectrum {
    let series = merged(work, &totals.sums);
    let segments = series.first().map_or(0, Sum::count);
    let freedom = freedom(work, &series);
    let mut spectrum = Spectrum {
        axis: options.axis,
        wavenumbers: work.estimator().segments().wavenumbers(),
        wavenumbers_across: match work.estimator() {
            Estimator::Both(plane) => plane.wavenumbers_across(),
            Estimator::Along(_) | Estimator::Across(_) => Vec::new(),
        },
        curves: Vec::new(),
        coherence: None,
        segments,
        segment_samples: work.estimator().segments().samples,
        degrees_of_freedom: freedom,
        confidence_factors: confidence_factors(freedom, options.confidence),
        confidence: options.confidence,
        granules: totals.granules,
        failures,
        dataset: MemoryDataset::new("spectrum"),
        subtitle: subtitle(plan, options, &totals),
    };
    let mut table = Table::default();
    axes(&mut table, &spectrum, work);
    curves(&mut table, &mut spectrum, work, &series);
    if options.axis == Axis::Along && spectrum.curves.iter().all(|curve| curve.units == "m") {
        let required = spectrum
            .wavenumbers
            .iter()
            .map(|k| 1e-4 * requirement_cm2_per_cpkm(*k));
        let note = "2 + 0.00125 k^-2 cm2/cpkm for wavelengths from 15 to 1000 km";
        let words = [
            ("long_name", "requirement of SWOT on the error of height"),
            ("units", "m2 km"),
            ("comment", note),
        ];
        table.add(
            "requirement",
            &["wavenumber"],
            required.collect::<Vec<f64>>(),
            &words,
        );
    }
    spectrum.dataset = dataset(table, work, plan, options, (&spectrum, &totals));
    spectrum
}

/// Sums per series: the swaths of a granule side by side, or added up where there is one column.
fn merged(work: &Work<'_>, sums: &[Sum]) -> Vec<Sum> {
    let swaths = work.geometry().swaths.len().max(1);
    let is_along = matches!(work.estimator(), Estimator::Along(_));
    let joined = sums.chunks(swaths).filter_map(|own| {
        let mut own = own.iter().cloned();
        let first = own.next()?;
        Some(own.fold(first, |total, sum| match (total, sum) {
            (Sum::Lines(mut total), Sum::Lines(sum)) if is_along => {
                total.append(sum);
                Sum::Lines(total)
            }
            (mut total, sum) => {
                total.merge(&sum);
                total
            }
        }))
    });
    joined.collect()
}

/// Degrees of freedom of the means. Pixel columns next to one another see the same ocean: a segment along counts once for all
/// columns, and lines across count as one over the length of a segment.
fn freedom(work: &Work<'_>, series: &[Sum]) -> f64 {
    match (work.estimator(), series.first()) {
        (Estimator::Along(welch), Some(Sum::Lines(sums))) => {
            let used = sums.segments.iter().filter(|count| **count > 0).count().max(1);
            let mean = sums.count() as f64 / used as f64;
            degrees_of_freedom(mean, welch.window(), welch.options().step())
        }
        (Estimator::Across(welch), Some(Sum::Lines(sums))) => {
            let lines = welch.options().samples as f64 * welch.options().spacing / work.geometry().along_km;
            2.0 * (sums.count() as f64 / lines.max(1.0)).max(1.0)
        }
        (_, Some(sum)) => 2.0 * sum.count() as f64,
        (_, None) => 0.0,
    }
}

fn axes(table: &mut Table, spectrum: &Spectrum, work: &Work<'_>) {
    let direction = match spectrum.axis {
        Axis::Along | Axis::Both => "along the flight",
        Axis::Across => "across the flight",
    };
    let name = format!("wavenumber {direction}, in cycles per kilometre");
    table.add(
        "wavenumber",
        &["wavenumber"],
        spectrum.wavenumbers.clone(),
        &[("long_name", &name), ("units", "km-1")],
    );
    if spectrum.axis == Axis::Both {
        let words = [
            (
                "long_name",
                "wavenumber across the flight, in cycles per kilometre, positive to the right",
            ),
            ("units", "km-1"),
        ];
        table.add(
            "wavenumber_across",
            &["wavenumber_across"],
            spectrum.wavenumbers_across.clone(),
            &words,
        );
        return;
    }
    let lengths = spectrum
        .wavenumbers
        .iter()
        .map(|k| if *k > 0.0 { 1.0 / k } else { f64::NAN });
    let words = [("long_name", "wavelength"), ("units", "km")];
    table.add(
        "wavelength",
        &["wavenumber"],
        lengths.collect::<Vec<f64>>(),
        &words,
    );
    let cross_track = &work.geometry().cross_track;
    if spectrum.axis == Axis::Along && !cross_track.is_empty() {
        let words = [
            ("long_name", "distance from the nadir of each pixel column"),
            ("units", "m"),
        ];
        table.add(
            "cross_track_distance",
            &["num_pixels"],
            cross_track.clone(),
            &words,
        );
    }
}

fn curves(table: &mut Table, spectrum: &mut Spectrum, work: &Work<'_>, series: &[Sum]) {
    let columns = work.columns();
    for (index, sum) in series.iter().enumerate() {
        let sums = match sum {
            Sum::Plane(sums) => {
                let Some(column) = columns.get(index) else {
                    continue;
                };
                curve(table, spectrum, column, sums.mean());
                continue;
            }
            Sum::Lines(sums) => sums,
        };
        let both: &[&Vec<f64>] = if sums.is_cross() {
            &[&sums.xx, &sums.yy]
        } else {
            &[&sums.xx]
        };
        for (sum, column) in both.iter().zip(columns.iter().skip(index)) {
            curve(table, spectrum, column, sums.mean(sum));
            if spectrum.axis == Axis::Along {
                let name = format!("{}_psd_by_pixel", column.name);
                let words = describe(column, "of each pixel column");
                let words: Vec<(&str, &str)> =
                    words.iter().map(|(name, text)| (*name, text.as_str())).collect();
                table.add(&name, &["num_pixels", "wavenumber"], sums.per_column(sum), &words);
            }
        }
        if index == 0 && spectrum.axis == Axis::Along {
            let counts: Vec<i64> = sums.segments.iter().map(|count| *count as i64).collect();
            let words = [("long_name", "segments of each pixel column")];
            table.add("segments", &["num_pixels"], counts, &words);
        }
        if sums.is_cross() {
            spectrum.coherence = Some(cross(table, spectrum, sums));
        }
    }
}

fn describe(column: &karin_engine::Column, what: &str) -> [(&'static str, String); 3] {
    let units = column.meta.attributes.text("units").unwrap_or_default().trim();
    let squared = match units {
        "" | "1" => "km".to_owned(),
        "m" => "m2 km".to_owned(),
        other => format!("({other})2 km"),
    };
    [
        (
            "long_name",
            format!("power spectral density {what}: {}", column.name),
        ),
        ("units", squared),
        (
            "comment",
            "one-sided; squared units of the variable per cycle per kilometre".to_owned(),
        ),
    ]
}

fn curve(table: &mut Table, spectrum: &mut Spectrum, column: &karin_engine::Column, density: Vec<f64>) {
    let words = describe(column, "");
    let plane = spectrum.axis == Axis::Both;
    let mut words: Vec<(&str, &str)> = words.iter().map(|(name, text)| (*name, text.trim())).collect();
    let dimensions: &[&str] = if plane {
        &["wavenumber", "wavenumber_across"]
    } else {
        &["wavenumber"]
    };
    if plane {
        words = vec![
            ("long_name", words[0].1),
            (
                "comment",
                "one-sided along, two-sided across; squared units of the variable per squared cycle per kilometre",
            ),
        ];
    }
    let name = format!("{}_psd", column.name);
    table.add(&name, dimensions, density.clone(), &words);
    if !plane {
        let (low, high) = spectrum.confidence_factors;
        let ends = [("lower", low), ("upper", high)];
        for (end, factor) in ends {
            let values: Vec<f64> = density.iter().map(|value| value * factor).collect();
            let long_name = format!(
                "{end} end of the {:.0} % interval of confidence",
                100.0 * spectrum.confidence
            );
            let words = [("long_name", long_name.as_str()), words[1]];
            table.add(&format!("{name}_{end}"), dimensions, values, &words);
        }
    }
    spectrum.curves.push(Curve {
        name: column.name.clone(),
        units: column
            .meta
            .attributes
            .text("units")
            .unwrap_or_default()
            .trim()
            .to_owned(),
        density,
    });
}

/// Adds what a cross-spectrum has more; gives the squared coherence.
fn cross(table: &mut Table, spectrum: &Spectrum, sums: &Sums) -> Vec<f64> {
    let [xx, yy, real, imaginary] =
        [&sums.xx, &sums.yy, &sums.xy_real, &sums.xy_imaginary].map(|sum| sums.mean(sum));
    let coherence = coherence_squared(&xx, &yy, &real, &imaginary);
    let significant = coherence_significance(spectrum.degrees_of_freedom, spectrum.confidence);
    let note = format!(
        "unrelated fields stay below {significant:.4} with a probability of {:.0} %",
        100.0 * spectrum.confidence
    );
    let wavenumber = &["wavenumber"];
    let words = [
        ("long_name", "squared coherence"),
        ("units", "1"),
        ("comment", note.as_str()),
    ];
    table.add("coherence_squared", wavenumber, coherence.clone(), &words);
    let words = [
        (
            "long_name",
            "phase of the cross-spectrum: positive where the second variable comes first along the flight",
        ),
        ("units", "degree"),
    ];
    table.add("phase", wavenumber, phase_degrees(&real, &imaginary), &words);
    let words = [("long_name", "cross-spectral density conj(X) Y, real part")];
    table.add("cross_psd_real", wavenumber, real, &words);
    let words = [("long_name", "cross-spectral density conj(X) Y, imaginary part")];
    table.add("cross_psd_imaginary", wavenumber, imaginary, &words);
    coherence
}

fn dataset(
    table: Table,
    work: &Work<'_>,
    plan: &Plan,
    options: &SpectrumOptions,
    (spectrum, totals): (&Spectrum, &Totals),
) -> MemoryDataset {
    let mut root = karin_core::GroupMeta::default();
    let pixels: usize = work.geometry().swaths.iter().map(|(_, pixels)| pixels).sum();
    let size = |name: &str| match name {
        "wavenumber" => spectrum.wavenumbers.len(),
        "wavenumber_across" => spectrum.wavenumbers_across.len(),
        _ => pixels,
    };
    for (meta, _) in &table.variables {
        joined::ensure_dimensions(&mut root, meta, size);
        root.variables.push(meta.clone());
    }
    attributes(&mut root.attributes, work, options, spectrum);
    joined::describe_sources(&mut root.attributes, plan, &totals.read);
    let mut dataset = MemoryDataset::new("spectrum");
    // Memory takes any structure.
    let begun = dataset.begin(&root);
    debug_assert!(begun.is_ok(), "a dataset in memory refuses nothing");
    for (meta, values) in table.variables {
        let shape = meta.dimensions.iter().map(|name| size(name)).collect();
        dataset.set(&meta.name, Array { shape, values });
    }
    dataset
}

fn attributes(own: &mut Attributes, work: &Work<'_>, options: &SpectrumOptions, spectrum: &Spectrum) {
    let segments = work.estimator().segments();
    own.set("Conventions", "CF-1.11");
    let names: Vec<String> = work.columns().into_iter().map(|column| column.name).collect();
    own.set("title", format!("power spectra of {}", names.join(", ")));
    if let Some(other) = options.with_cycle {
        own.set("with_cycle", other.to_string());
    }
    if !options.history.is_empty() {
        own.set("history", options.history.as_str());
    }
    own.set(
        "method",
        "Welch (1967): means of the periodograms of windowed segments",
    );
    let number = |value: f64| AttrValue::number(value);
    own.set("segment_km", number(work.estimator().segment_km()));
    own.set("segment_samples", AttrValue::number(segments.samples as i32));
    own.set("spacing_km", number(segments.spacing));
    if let Estimator::Both(plane) = work.estimator() {
        own.set(
            "segment_samples_across",
            AttrValue::number(plane.across().samples as i32),
        );
        own.set("spacing_across_km", number(plane.across().spacing));
    }
    own.set("overlap", number(segments.overlap));
    own.set("window", segments.window.to_string());
    own.set("detrend", segments.detrend.to_string());
    own.set(
        "longest_hole_filled_samples",
        AttrValue::number(segments.hole_samples() as i32),
    );
    own.set("minimum_valid", number(segments.minimum_valid));
    own.set("number_of_segments", number(spectrum.segments as f64));
    own.set("degrees_of_freedom", number(spectrum.degrees_of_freedom));
    own.set("confidence_level", number(spectrum.confidence));
    own.set("number_of_granules", AttrValue::number(spectrum.granules as i32));
}

/// Product, cycles, passes, and how the spectrum was made.
fn subtitle(plan: &Plan, options: &SpectrumOptions, totals: &Totals) -> String {
    let half_orbits = || totals.read.iter().filter_map(|piece| piece.half_orbit);
    let way = match options.axis {
        Axis::Along => "along track",
        Axis::Across => "across track",
        Axis::Both => "along and across track",
    };
    let parts = [
        Some(way.to_owned()),
        plan.product().map(|product| product.to_string()),
        subtitle::numbers("cycle", "cycles", half_orbits().map(|half| half.cycle.0)),
        options.with_cycle.map(|other| format!("with cycle {other}")),
        subtitle::numbers("pass", "passes", half_orbits().map(|half| half.pass.0)),
    ];
    subtitle::of(parts)
}
