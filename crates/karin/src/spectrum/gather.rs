//! Granules in parallel, sums in order.

use std::collections::BTreeMap;

use karin_core::{DatasetError, Progress, Resources};
use karin_engine::swath::Shape;
use karin_engine::{Column, Engine, Piece};
use rayon::prelude::*;

use super::SpectrumOptions;
use super::estimate::{Estimate, Estimator, Sum};
use super::geometry::{Geometry, missing_lines};
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
}

impl Totals {
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
        let series = pairs(by_name, options)?;
        let geometry = Geometry::of(engine, engine.plan(), &groups)?;
        Ok(Self {
            engine,
            resources,
            progress,
            estimator: Estimator::new(options, &geometry)?,
            geometry,
            series,
        })
    }

    pub(super) fn estimator(&self) -> &Estimator {
        &self.estimator
    }

    pub(super) fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Names of the variables, those of a pair one after the other.
    pub(super) fn names(&self) -> Vec<&str> {
        self.columns()
            .into_iter()
            .map(|column| column.name.as_str())
            .collect()
    }

    /// A column of each variable.
    pub(super) fn columns(&self) -> Vec<&Column> {
        let both = self
            .series
            .iter()
            .flat_map(|series| std::iter::once(&series.first).chain(&series.second));
        both.filter_map(|columns| columns.values().next()).collect()
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
        };
        for pieces in self.engine.plan().pieces().chunks(wave) {
            if self.progress.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let one = |piece: &Piece| {
                let sums = self.granule(piece);
                self.progress.advance(1, 0);
                sums
            };
            let sums: Vec<_> = self.engine.install(|| pieces.par_iter().map(one).collect());
            for (piece, sums) in pieces.iter().zip(sums) {
                match sums {
                    Ok(sums) => {
                        totals.granules += 1;
                        totals.read.push(*piece);
                        totals
                            .sums
                            .iter_mut()
                            .zip(&sums)
                            .for_each(|(total, sum)| total.merge(sum));
                    }
                    Err(error) => self.engine.fail(piece, &error),
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

    /// The sums of one granule.
    fn granule(&self, piece: &Piece) -> Result<Vec<Sum>, DatasetError> {
        let mut sums = Vec::new();
        for (series, group, pixels, mut estimate) in self.begin() {
            self.swath(piece, (series, group, pixels), &mut estimate)?;
            sums.extend(estimate.finish());
        }
        Ok(sums)
    }

    fn swath(
        &self,
        piece: &Piece,
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
        let mut missing = missing_lines(&swath.times(dataset.as_ref(), 0..swath.num_lines)?)
            .into_iter()
            .peekable();
        let share = self.resources.memory / 4 / self.resources.jobs.max(1) as u64;
        let rows = usize::try_from(share / (VALUE_BYTES * pixels.max(1) as u64)).unwrap_or(usize::MAX);
        let rows = rows.clamp(256, swath.num_lines.max(256));
        for start in (0..swath.num_lines).step_by(rows) {
            let lines = start..swath.num_lines.min(start + rows);
            let field = |columns: &BTreeMap<String, Column>| match columns.get(group) {
                Some(column) => self.engine.field(piece, column, lines.clone()),
                None => Err(DatasetError::no_variable(dataset.label(), group)),
            };
            let first = field(&series.first)?;
            let second = series.second.as_ref().map(field).transpose()?;
            let mut second = second.as_ref().map(|second| second.chunks(pixels.max(1)));
            for (line, first) in lines.zip(first.chunks(pixels.max(1))) {
                if let Some((_, count)) = missing.next_if(|(at, _)| *at == line) {
                    estimate.skip(count);
                }
                estimate.push(first, second.as_mut().and_then(Iterator::next));
            }
        }
        Ok(())
    }
}

/// The series: every variable by itself, or the pair that [`SpectrumOptions::with`] makes.
fn pairs(
    mut by_name: Vec<(String, BTreeMap<String, Column>)>,
    options: &SpectrumOptions,
) -> Result<Vec<Series>, Error> {
    let Some(other) = &options.with else {
        if by_name.is_empty() {
            return Err(Error::option(
                "--vars",
                "expected a variable with a value per pixel",
            ));
        }
        let alone = |(_, first)| Series { first, second: None };
        return Ok(by_name.into_iter().map(alone).collect());
    };
    if options.axis == super::Axis::Both {
        let reason = "cross-spectra run along or across, not in both directions";
        return Err(Error::option("--with", reason));
    }
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
