//! Granules in parallel, sums in order.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;

use karin_core::{Dataset, DatasetError, ErrorKind, Progress, Resources};
use karin_engine::swath::{Shape, Swath};
use karin_engine::{Column, Engine, Piece, StoredField};
use karin_science::sphere::distance;
use rayon::prelude::*;

use super::estimate::{Estimate, Estimator, Sum};
use super::geometry::{Geometry, missing_lines};
use super::{OtherCycle, SpectrumOptions};
use crate::Error;

/// Bytes that a value takes while it is read: as stored, as inputs of a formula, and as it is kept.
const VALUE_BYTES: u64 = 48;

/// A spectrum under way.
pub(super) struct Work<'a> {
    engine: &'a Engine<'a>,
    resources: Resources,
    progress: &'a dyn Progress,
    estimator: Estimator,
    geometry: Geometry,
    /// One per curve: a variable, or the pair of a cross-spectrum; for each a column per group.
    series: Vec<Series>,
    with_cycle: Option<OtherCycle>,
    /// Granules, each with the one that the second of a pair is read from.
    pieces: Vec<(Piece, Piece)>,
}

/// A variable, or a pair, in every group.
#[derive(Debug)]
struct Series {
    first: BTreeMap<String, Column>,
    second: Option<BTreeMap<String, Column>>,
}

/// Sums per series and swath, in this order.
#[derive(Debug)]
pub(super) struct Totals {
    pub(super) sums: Vec<Sum>,
    pub(super) granules: usize,
    /// Entries of the plan that were read.
    pub(super) read: Vec<Piece>,
    entries: HashSet<usize>,
}

impl Totals {
    fn add_read(&mut self, (piece, other): &(Piece, Piece)) {
        for piece in [piece, other] {
            if self.entries.insert(piece.entry) {
                self.read.push(*piece);
            }
        }
    }

    /// Segments of the first series.
    pub(super) fn count(&self) -> u64 {
        self.sums.iter().map(Sum::count).sum()
    }
}

impl<'a> Work<'a> {
    pub(super) fn new(
        engine: &'a Engine<'a>,
        options: &SpectrumOptions,
        resources: Resources,
        progress: &'a dyn Progress,
    ) -> Result<Self, Error> {
        let mut by_name: Vec<(String, BTreeMap<String, Column>)> = Vec::new();
        for column in engine
            .plan()
            .columns()
            .iter()
            .filter(|column| column.shape == Shape::Pixels)
        {
            let own = (column.group.clone(), column.clone());
            match by_name.iter_mut().find(|(name, _)| *name == column.name) {
                Some((_, columns)) => drop(columns.insert(own.0, own.1)),
                None => by_name.push((column.name.clone(), BTreeMap::from([own]))),
            }
        }
        let groups: Vec<String> = by_name
            .first()
            .map(|(_, own)| own.keys().cloned().collect())
            .unwrap_or_default();
        by_name.retain(|(_, own)| own.keys().eq(groups.iter()));
        let series = series_of(by_name, options)?;
        let pieces = match options.with_cycle {
            Some(other) => other.pairs(engine.plan())?,
            None => engine
                .plan()
                .pieces()
                .iter()
                .map(|piece| (*piece, *piece))
                .collect(),
        };
        let geometry = Geometry::of(engine, engine.plan(), &groups)?;
        Ok(Self {
            engine,
            resources,
            progress,
            estimator: Estimator::new(options, &geometry)?,
            geometry,
            series,
            with_cycle: options.with_cycle,
            pieces,
        })
    }

    pub(super) fn estimator(&self) -> &Estimator {
        &self.estimator
    }

    pub(super) fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Granules, each with the one that the second of a pair is read from.
    pub(super) fn pieces(&self) -> &[(Piece, Piece)] {
        &self.pieces
    }

    /// A column of each variable, those of a pair one after the other; that of another cycle says so in its name.
    pub(super) fn columns(&self) -> Vec<Column> {
        let one = |columns: &BTreeMap<String, Column>| columns.values().next().cloned();
        let second = |columns: &BTreeMap<String, Column>| {
            let mut column = one(columns)?;
            if let Some(other) = self.with_cycle {
                column.name = other.name_of(&column.name);
            }
            Some(column)
        };
        let series = self.series.iter();
        let both = series.flat_map(|own| [one(&own.first), own.second.as_ref().and_then(second)]);
        both.flatten().collect()
    }

    /// Reads every granule. The sums are added in the order of the plan, whatever thread made them.
    pub(super) fn run(&self) -> Result<Totals, Error> {
        let empty = self.empty();
        let jobs = self.resources.jobs.max(1);
        let held = self.resources.memory / 4 / Sum::bytes_of(&empty).max(1) as u64;
        let wave = usize::try_from(held).unwrap_or(usize::MAX).clamp(jobs, 16 * jobs);
        let mut totals = Totals {
            sums: empty,
            granules: 0,
            read: Vec::new(),
            entries: HashSet::new(),
        };
        for pieces in self.pieces.chunks(wave) {
            if self.progress.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let one = |pair: &(Piece, Piece)| {
                let sums = self.granule(pair);
                self.progress.advance(1, 0);
                sums
            };
            let sums: Vec<_> = self.engine.install(|| pieces.par_iter().map(one).collect());
            for (pair, sums) in pieces.iter().zip(sums) {
                match sums {
                    Ok(sums) => {
                        totals.granules += 1;
                        totals.add_read(pair);
                        totals
                            .sums
                            .iter_mut()
                            .zip(&sums)
                            .for_each(|(total, sum)| total.merge(sum));
                    }
                    Err(error) => self.fail(pair, &error),
                }
            }
        }
        match self.engine.failures().first() {
            Some(failure) if totals.granules == 0 => {
                let (granule, reason) = (&failure.granule, failure.reason.clone());
                Err(DatasetError::new(failure.kind, granule, "", reason).into())
            }
            _ => Ok(totals),
        }
    }

    /// Checks that the lines of another granule lie where those of one lie, within half a line: values are compared line by line.
    fn check_same_place(
        &self,
        (dataset, swath): (&dyn Dataset, &Swath),
        other: &Piece,
        group: &str,
    ) -> Result<(), DatasetError> {
        let (partner, there) = self.engine.swath_of(other, group)?;
        let refused =
            |reason: String| DatasetError::new(ErrorKind::GeometryMismatch, partner.label(), group, reason);
        if (there.num_lines, there.num_pixels) != (swath.num_lines, swath.num_pixels) {
            let reason = format!(
                "expected {} lines of {} pixels as in {}, found {} of {}",
                swath.num_lines,
                swath.num_pixels,
                dataset.label(),
                there.num_lines,
                there.num_pixels
            );
            return Err(refused(reason));
        }
        for line in [0, swath.num_lines / 2, swath.num_lines.saturating_sub(1)] {
            let place = |dataset: &dyn Dataset, swath: &Swath| {
                let (longitude, latitude) = swath.positions(dataset, line..line + 1)?;
                let pixel = swath.num_pixels / 2;
                Ok::<_, DatasetError>(longitude.get(pixel).copied().zip(latitude.get(pixel).copied()))
            };
            let both = place(dataset, swath)?.zip(place(partner.as_ref(), &there)?);
            let apart = both.map_or(f64::NAN, |(here, there)| distance(here, there) / 1000.0);
            if apart > 0.5 * self.geometry.along_km {
                let reason = format!("line {line} lies {apart:.1} km from that of {}", dataset.label());
                return Err(refused(reason));
            }
        }
        Ok(())
    }

    fn begin(&self) -> impl Iterator<Item = (&Series, &str, usize, Estimate<'_>)> {
        self.series.iter().flat_map(move |series| {
            self.geometry.swaths.iter().map(move |(group, pixels)| {
                let estimate = self.estimator.begin(group, *pixels, series.second.is_some());
                (series, group.as_str(), *pixels, estimate)
            })
        })
    }

    fn empty(&self) -> Vec<Sum> {
        self.begin()
            .filter_map(|(.., estimate)| estimate.finish())
            .collect()
    }

    /// Notes what cannot be read, by the granule of a pair that it is the fault of.
    fn fail(&self, (piece, other): &(Piece, Piece), error: &DatasetError) {
        let label = self.engine.plan().entry(other).map(|entry| entry.label.as_str());
        let at_fault = if label == Some(error.dataset.as_str()) {
            other
        } else {
            piece
        };
        self.engine.fail(at_fault, error);
    }

    /// The sums of one granule, or of a pair.
    fn granule(&self, pair: &(Piece, Piece)) -> Result<Vec<Sum>, DatasetError> {
        let mut sums = Vec::new();
        for (series, group, pixels, mut estimate) in self.begin() {
            self.swath(pair, (series, group, pixels), &mut estimate)?;
            sums.extend(estimate.finish());
        }
        Ok(sums)
    }

    fn swath(
        &self,
        (piece, other): &(Piece, Piece),
        (series, group, pixels): (&Series, &str, usize),
        estimate: &mut Estimate<'_>,
    ) -> Result<(), DatasetError> {
        let (dataset, swath) = self.engine.swath_of(piece, group)?;
        if swath.num_pixels != pixels {
            let reason = format!(
                "expected {pixels} pixels per line as in other granules, found {}",
                swath.num_pixels
            );
            return Err(DatasetError::invalid(dataset.label(), group, reason));
        }
        if piece.entry != other.entry && !self.engine.is_same_place(piece, other) {
            self.check_same_place((dataset.as_ref(), &swath), other, group)?;
        }
        let mut missing = missing_lines(&swath.times(dataset.as_ref(), 0..swath.num_lines)?)
            .into_iter()
            .peekable();
        let share = self.resources.memory / 4 / self.resources.jobs.max(1) as u64;
        let bytes = VALUE_BYTES + self.engine.plan().formulas().bytes_per_pixel() as u64;
        let rows = usize::try_from(share / (bytes * pixels.max(1) as u64)).unwrap_or(usize::MAX);
        let rows = rows.clamp(256, swath.num_lines.max(256));
        for start in (0..swath.num_lines).step_by(rows) {
            let lines = start..swath.num_lines.min(start + rows);
            let field = |piece: &Piece, columns: &BTreeMap<String, Column>| match columns.get(group) {
                Some(column) => self.engine.stored_field(piece, column, lines.clone()),
                None => Err(DatasetError::no_variable(dataset.label(), group)),
            };
            let first = field(piece, &series.first)?;
            let second = series
                .second
                .as_ref()
                .map(|second| field(other, second))
                .transpose()?;
            let fields: Vec<&StoredField> = std::iter::once(&first).chain(&second).collect();
            let add = |estimate: &mut Estimate<'_>, part: Range<usize>| {
                let part = part.start - lines.start..part.end - lines.start;
                estimate.push(pixels, &fields, part.start * pixels..part.end * pixels);
            };
            let mut from = lines.start;
            while let Some((at, count)) = missing.next_if(|(at, _)| lines.contains(at)) {
                add(estimate, from..at);
                estimate.skip(count);
                from = at;
            }
            add(estimate, from..lines.end);
            self.engine.reuse(first);
            second.into_iter().for_each(|second| self.engine.reuse(second));
        }
        Ok(())
    }
}

/// The series: every variable by itself, or the pair that [`SpectrumOptions::with`] and [`SpectrumOptions::with_cycle`] make.
fn series_of(
    mut by_name: Vec<(String, BTreeMap<String, Column>)>,
    options: &SpectrumOptions,
) -> Result<Vec<Series>, Error> {
    let is_cross = options.with.is_some() || options.with_cycle.is_some();
    if is_cross && options.axis == super::Axis::Both {
        let reason = "cross-spectra run along or across, not in both directions";
        return Err(Error::option("--with", reason));
    }
    let Some(other) = &options.with else {
        if options.with_cycle.is_some() {
            return with_itself(by_name);
        }
        if by_name.is_empty() {
            return Err(Error::option(
                "--vars",
                "expected a variable with a value per pixel",
            ));
        }
        let alone = |(_, first)| Series { first, second: None };
        return Ok(by_name.into_iter().map(alone).collect());
    };
    let at = by_name.iter().position(|(name, _)| name == other);
    let second = at.map(|at| by_name.remove(at).1);
    let mut firsts = by_name.into_iter().map(|(_, columns)| columns);
    match (firsts.next(), firsts.next(), second) {
        (Some(first), None, Some(second)) => Ok(vec![Series {
            first,
            second: Some(second),
        }]),
        _ => Err(Error::option(
            "--with",
            format!("expected one other variable in --vars, and {other:?} with a value per pixel"),
        )),
    }
}

/// One variable, in two cycles.
fn with_itself(by_name: Vec<(String, BTreeMap<String, Column>)>) -> Result<Vec<Series>, Error> {
    let mut all = by_name.into_iter();
    match (all.next(), all.next()) {
        (Some((_, first)), None) => Ok(vec![Series {
            second: Some(first.clone()),
            first,
        }]),
        _ => Err(Error::option(
            "--with-cycle",
            "expected one variable in --vars with a value per pixel",
        )),
    }
}
