//! The states of one column: totals by key, and where their order statistics lie.

use std::any::Any;
use std::collections::BTreeMap;

use karin_core::DatasetError;

use super::keys::Keys;
use super::{Sweep, order};
use crate::execute::Work;
use crate::execute::tiles::Tile;
use crate::execute::typed::{Kind, OfKind, typed};
use crate::plan::Column;
use crate::reduction::{Needs, Sample, Saved as _, Statistic, Total, years};

/// The states of one column, whatever its type.
pub(super) trait State: Sync {
    fn column(&self) -> &Column;
    /// The part of one tile; `None` if it cannot be read.
    fn reduce(&self, tile: &Tile, sweep: Sweep) -> Option<Box<dyn Any + Send>>;
    /// Takes in the part of the next tile.
    fn merge(&mut self, part: Box<dyn Any + Send>, sweep: Sweep);
    /// How many values there are, of all keys.
    fn values(&self) -> u64;
    /// Begins to look for the quantiles; at most `room` values are kept in memory.
    fn search(&mut self, room: u64);
    /// Whether quantiles need another sweep.
    fn is_searching(&self) -> bool;
    /// Ends a sweep that looked for ranks.
    fn narrow(&mut self);
    fn keys(&self) -> Vec<i64>;
    /// Appends what was found, as bytes.
    fn save(&self, out: &mut Vec<u8>);
    /// Takes in what was found of later granules, and gives its keys; `None` if the bytes hold something else.
    fn absorb(&mut self, bytes: &mut &[u8]) -> Option<Vec<i64>>;
    fn count(&self, key: i64) -> u64;
    fn value(&self, key: i64, statistic: Statistic) -> f64;
}

/// The states of a column in its type; `None` for text.
pub(super) fn state<'a>(work: &'a Work<'a>, column: &'a Column, needs: Needs) -> Option<Box<dyn State + 'a>> {
    struct Make<'a>(&'a Work<'a>, &'a Column, Needs);
    impl<'a> OfKind for Make<'a> {
        type Out = Box<dyn State + 'a>;
        fn of<T: Sample>(self, kind: Kind<T>) -> Self::Out {
            let Self(work, column, needs) = self;
            Box::new(Typed {
                work,
                column,
                needs,
                kind,
                totals: BTreeMap::new(),
                order: order::Order::new(&work.ordered()),
            })
        }
    }
    typed(work, column, Make(work, column, needs))
}

struct Typed<'a, T: Sample> {
    work: &'a Work<'a>,
    column: &'a Column,
    needs: Needs,
    kind: Kind<T>,
    totals: BTreeMap<i64, Total<T>>,
    order: order::Order<T>,
}

impl<T: Sample> Typed<'_, T> {
    /// The values of a tile and the key of each run of them.
    fn read(&self, tile: &Tile) -> Result<(Vec<T>, Keys), DatasetError> {
        let engine = self.work.engine;
        let row: usize = self.column.lengths.iter().skip(1).product();
        let mut values = engine.spare.take_numbers(tile.lines.len() * row);
        let lines = tile.lines.clone();
        (self.kind.load)(self.work, &tile.piece, self.column, lines, &mut values)?;
        let keys = Keys::of(
            engine,
            tile,
            self.column,
            &self.work.reduction.target,
            values.len(),
            self.needs.trend,
        )?;
        Ok((values, keys))
    }
}

impl<T: Sample> State for Typed<'_, T> {
    fn column(&self) -> &Column {
        self.column
    }

    fn reduce(&self, tile: &Tile, sweep: Sweep) -> Option<Box<dyn Any + Send>> {
        let (values, keys) = match self.read(tile) {
            Ok(read) => read,
            Err(error) => {
                self.work.engine.fail(&tile.piece, &error);
                return None;
            }
        };
        if sweep == Sweep::Ranks {
            let runs = keys
                .runs
                .iter()
                .filter_map(|(key, range)| Some((*key, values.get(range.clone())?)));
            let found = self.order.look(runs, self.kind.fill);
            self.work.engine.spare.give_numbers(values);
            return Some(Box::new(found));
        }
        let mut totals: BTreeMap<i64, Total<T>> = BTreeMap::new();
        for (key, range) in &keys.runs {
            self.work.schemas.note(*key, &tile.piece);
            let total = totals.entry(*key).or_insert_with(|| Total::new(self.needs));
            let time = |index: usize| keys.time(range.start + index).map_or(f64::NAN, years);
            total.add(
                self.kind.fill,
                values.get(range.clone()).unwrap_or_default(),
                time,
            );
        }
        self.work.engine.spare.give_numbers(values);
        Some(Box::new(totals))
    }

    fn merge(&mut self, part: Box<dyn Any + Send>, sweep: Sweep) {
        if sweep == Sweep::Ranks {
            if let Ok(found) = part.downcast::<order::Found>() {
                self.order.add(*found);
            }
        } else if let Ok(totals) = part.downcast::<BTreeMap<i64, Total<T>>>() {
            for (key, total) in *totals {
                match self.totals.entry(key) {
                    std::collections::btree_map::Entry::Vacant(entry) => {
                        entry.insert(total);
                    }
                    std::collections::btree_map::Entry::Occupied(mut entry) => entry.get_mut().merge(&total),
                }
            }
        }
    }

    fn values(&self) -> u64 {
        self.totals.values().map(Total::count).sum()
    }

    fn search(&mut self, room: u64) {
        self.order.start(counts(&self.totals), room);
    }

    fn is_searching(&self) -> bool {
        self.order.is_searching()
    }

    fn narrow(&mut self) {
        self.order.narrow(counts(&self.totals));
    }

    fn keys(&self) -> Vec<i64> {
        self.totals.keys().copied().collect()
    }

    fn save(&self, out: &mut Vec<u8>) {
        (self.totals.len() as u64).save(out);
        for (key, total) in &self.totals {
            key.save(out);
            total.save(out);
        }
        self.order.save(out);
    }

    fn absorb(&mut self, bytes: &mut &[u8]) -> Option<Vec<i64>> {
        let mut totals = BTreeMap::new();
        for _ in 0..u64::restore(bytes)? {
            totals.insert(i64::restore(bytes)?, Total::<T>::restore(self.needs, bytes)?);
        }
        let keys: Vec<i64> = totals.keys().copied().collect();
        // The ranks of a key that two parts share are those of neither.
        let is_split = || keys.iter().any(|key| self.totals.contains_key(key));
        if self.needs.values && is_split() {
            return None;
        }
        self.order.absorb(bytes)?;
        self.merge(Box::new(totals), Sweep::Totals);
        Some(keys)
    }

    fn count(&self, key: i64) -> u64 {
        self.totals.get(&key).map_or(0, Total::count)
    }

    fn value(&self, key: i64, statistic: Statistic) -> f64 {
        if statistic.is_of_order() {
            return self.order.value(key, self.count(key), statistic, self.kind.scale);
        }
        let total = self.totals.get(&key);
        total.map_or(f64::NAN, |total| total.value(statistic, self.kind.scale))
    }
}

/// How many values each key has.
fn counts<T: Sample>(totals: &BTreeMap<i64, Total<T>>) -> impl Iterator<Item = (i64, u64)> + Clone {
    totals.iter().map(|(key, total)| (*key, total.count()))
}
