//! Which granules a selection takes, and which version of each.

use std::collections::BTreeMap;

use karin_core::{GroupMeta, Product, Progress, Schema, Selection};

use super::Piece;
use crate::EngineError;
use crate::region::PassFilter;
use crate::source::{Entry, Source, open_for};

/// Seconds by which a granule's lines may lie outside the times of its name.
const NAME_SLACK: f64 = 120.0;

/// Every entry that the selection does not rule out by what is known without opening it.
pub(super) fn candidates(source: &dyn Source, selection: &Selection) -> Result<Vec<usize>, EngineError> {
    let pattern = super::pattern(selection);
    let product = selection.product;
    let mut passes = PassFilter::new(selection.region.as_ref());
    let restricted = selection.phase.is_some() || selection.cycles.is_some() || selection.passes.is_some();
    let mut keeps = |index: usize, entry: &Entry| {
        let of_product = product.is_none_or(|wanted| entry.product == Some(wanted));
        let of_orbit = entry
            .half_orbit
            .map_or(!restricted, |half_orbit| selection.includes(half_orbit));
        let of_version = pattern
            .as_ref()
            .is_none_or(|p| entry.version.as_ref().is_some_and(|v| v.matches(p)));
        let of_time = match (&selection.time, entry.period) {
            (Some(time), Some((start, end))) => time.overlaps(start - NAME_SLACK, end + NAME_SLACK),
            _ => true,
        };
        // Only where the coordinates were checked against the orbit: simulated granules may lie on another one.
        let checked = source.has_checked_grid(index);
        of_product
            && of_orbit
            && of_version
            && of_time
            && entry
                .half_orbit
                .is_none_or(|half_orbit| !checked || passes.may_touch(half_orbit))
    };
    let entries = source.entries();
    let kept: Vec<usize> = entries
        .iter()
        .enumerate()
        .filter(|(index, entry)| keeps(*index, entry))
        .map(|(index, _)| index)
        .collect();
    if !kept.is_empty() {
        return Ok(kept);
    }
    Err(EngineError::Empty(if entries.is_empty() {
        "there are no granules".to_owned()
    } else {
        format!("none of {} granules matches: {selection}", entries.len())
    }))
}

/// The product that all candidates share.
pub(super) fn one_product(source: &dyn Source, candidates: &[usize]) -> Result<Option<Product>, EngineError> {
    let mut products: Vec<Option<Product>> = candidates
        .iter()
        .filter_map(|index| source.entries().get(*index))
        .map(|entry| entry.product)
        .collect();
    products.sort_unstable();
    products.dedup();
    match products.as_slice() {
        [one] => Ok(*one),
        several => {
            let name =
                |p: &Option<Product>| p.map_or("files of no known product".to_owned(), |p| p.to_string());
            let names: Vec<String> = several.iter().map(name).collect();
            let reason = format!(
                "the granules are of {}: choose one with --product",
                names.join(" and ")
            );
            Err(EngineError::Mixed { reason })
        }
    }
}

/// The structure of one granule of every schema that occurs, with its index: with all that the selection needs, or whole.
pub(super) fn samples(
    source: &dyn Source,
    candidates: &[usize],
    selection: &Selection,
    progress: &dyn Progress,
) -> Result<BTreeMap<Option<Schema>, (usize, GroupMeta)>, EngineError> {
    let mut samples = BTreeMap::new();
    let mut failure = None;
    for &index in candidates {
        let Some(entry) = source.entries().get(index) else {
            continue;
        };
        let schema = entry.schema();
        if samples.contains_key(&schema) {
            continue;
        }
        match open_for(source, index, selection) {
            Ok(dataset) => {
                samples.insert(schema, (index, dataset.root().clone()));
            }
            // Said when the granule's turn comes; here another one of its schema may do.
            Err(error) => failure = Some(error),
        }
        if progress.is_cancelled() {
            return Err(EngineError::Cancelled);
        }
    }
    match (samples.is_empty(), failure) {
        (true, Some(error)) => Err(error.into()),
        _ => Ok(samples),
    }
}

fn piece(source: &dyn Source, index: usize) -> Option<Piece> {
    let entry = source.entries().get(index)?;
    Some(Piece {
        entry: index,
        half_orbit: entry.half_orbit,
        schema: entry.schema(),
    })
}

/// Of every half orbit the newest granule of the best schema that `holds` all variables; files without a half orbit
/// one by one.
pub(super) fn best(
    source: &dyn Source,
    candidates: &[usize],
    holds: impl Fn(Option<Schema>) -> bool,
) -> Vec<Piece> {
    choose(
        source,
        candidates.iter().copied().filter(|index| {
            source
                .entries()
                .get(*index)
                .is_some_and(|entry| holds(entry.schema()))
        }),
    )
}

/// The same for every schema by itself, oldest first.
pub(super) fn per_schema(source: &dyn Source, candidates: &[usize]) -> Vec<Vec<Piece>> {
    let mut by_schema: BTreeMap<Option<Schema>, Vec<usize>> = BTreeMap::new();
    for &index in candidates {
        if let Some(entry) = source.entries().get(index) {
            by_schema.entry(entry.schema()).or_default().push(index);
        }
    }
    by_schema
        .into_values()
        .map(|indices| choose(source, indices.into_iter()))
        .collect()
}

fn choose(source: &dyn Source, indices: impl Iterator<Item = usize>) -> Vec<Piece> {
    let entries = source.entries();
    let mut kept = BTreeMap::new();
    let mut loose = Vec::new();
    for index in indices {
        let (Some(entry), Some(piece)) = (entries.get(index), piece(source, index)) else {
            continue;
        };
        let Some(half_orbit) = entry.half_orbit else {
            loose.push((entry.label.as_str(), piece));
            continue;
        };
        // Labels decide between equal versions, so that the order of files does not matter.
        let rank = |entry: &'_ Entry| {
            (
                entry.schema(),
                entry.version.clone(),
                std::cmp::Reverse(entry.label.clone()),
            )
        };
        let previous: &mut (Entry, Piece) = kept
            .entry((half_orbit.cycle, half_orbit.pass))
            .or_insert_with(|| (entry.clone(), piece));
        if rank(entry) > rank(&previous.0) {
            *previous = (entry.clone(), piece);
        }
    }
    loose.sort_by_key(|(label, piece)| (*label, piece.entry));
    kept.into_values()
        .map(|(_, piece)| piece)
        .chain(loose.into_iter().map(|(_, piece)| piece))
        .collect()
}
