//! Any indices along every dimension, read as few slabs.

use karin_core::{Array, Dataset, DatasetError, Slab, Values};

/// Indices along one dimension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Indices {
    /// `count` indices from `start`, `step` apart.
    Steps {
        /// First index.
        start: usize,
        /// How many.
        count: usize,
        /// From one to the next, at least 1.
        step: usize,
    },
    /// Any indices in any order.
    List(Vec<usize>),
}

impl Indices {
    /// How many.
    pub fn len(&self) -> usize {
        match self {
            Self::Steps { count, .. } => *count,
            Self::List(list) => list.len(),
        }
    }

    /// True without any.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn to_list(&self) -> Vec<usize> {
        match self {
            Self::Steps { start, count, step } => (0..*count).map(|index| start + index * step).collect(),
            Self::List(list) => list.clone(),
        }
    }
}

/// A stretch of a dimension that is read whole, and what is wanted of it.
struct Stretch {
    start: usize,
    count: usize,
    /// Position within the stretch, and in the result.
    members: Vec<(usize, usize)>,
}

/// Reads the indices given along every dimension (orthogonally, like numpy's `ix_`).
///
/// Indices that lie near one another are read in one slab: nearer than a chunk of the variable's storage.
///
/// # Errors
/// If there is no such variable, an index lies outside it, or its values cannot be read.
pub fn read_outer(dataset: &dyn Dataset, path: &str, indices: &[Indices]) -> Result<Array, DatasetError> {
    let missing = || DatasetError::no_variable(dataset.label(), path);
    let meta = dataset.root().variable(path).ok_or_else(missing)?;
    let shape = dataset.root().shape(path).ok_or_else(missing)?;
    check(dataset, path, &shape, indices)?;
    let counts: Vec<usize> = indices.iter().map(Indices::len).collect();
    if let Some(slab) = plain(indices) {
        return dataset.read_slab(path, &slab);
    }
    let mut out = Array::zeros(meta.dtype, &counts);
    if out.is_empty() {
        return Ok(out);
    }
    let near = |dimension: usize| {
        let chunk = meta
            .storage
            .chunks
            .as_ref()
            .and_then(|chunks| chunks.get(dimension));
        chunk.copied().unwrap_or(64).max(1)
    };
    let stretches: Vec<Vec<Stretch>> = indices
        .iter()
        .enumerate()
        .map(|(dimension, indices)| stretches(indices, near(dimension)))
        .collect();
    let mut at = vec![0; stretches.len()];
    loop {
        let chosen: Vec<&Stretch> = stretches.iter().zip(&at).map(|(all, at)| &all[*at]).collect();
        let slab = Slab {
            start: chosen.iter().map(|stretch| stretch.start).collect(),
            count: chosen.iter().map(|stretch| stretch.count).collect(),
        };
        let block = dataset.read_slab(path, &slab)?;
        scatter(&block, &chosen, &mut out);
        let Some(next) = (0..at.len()).rev().find(|d| at[*d] + 1 < stretches[*d].len()) else {
            return Ok(out);
        };
        at[next] += 1;
        at[next + 1..].fill(0);
    }
}

fn check(
    dataset: &dyn Dataset,
    path: &str,
    shape: &[usize],
    indices: &[Indices],
) -> Result<(), DatasetError> {
    let last = |indices: &Indices| match indices {
        Indices::Steps { start, count, step } => {
            let reach = count.checked_sub(1).map(|last| last.checked_mul(*step));
            reach.map(|reach| {
                reach
                    .and_then(|reach| reach.checked_add(*start))
                    .unwrap_or(usize::MAX)
            })
        }
        Indices::List(list) => list.iter().max().copied(),
    };
    let fits = indices.len() == shape.len()
        && indices
            .iter()
            .zip(shape)
            .all(|(indices, size)| last(indices).is_none_or(|last| last < *size));
    if fits {
        return Ok(());
    }
    let reason = format!("the indices lie outside the shape {shape:?}");
    Err(DatasetError::invalid(dataset.label(), path, reason))
}

/// The slab, if all indices are consecutive.
fn plain(indices: &[Indices]) -> Option<Slab> {
    let mut slab = Slab {
        start: Vec::new(),
        count: Vec::new(),
    };
    for indices in indices {
        match indices {
            Indices::Steps { start, count, step } if *step == 1 || *count < 2 => {
                slab.start.push(*start);
                slab.count.push(*count);
            }
            _ => return None,
        }
    }
    // An empty slab may start at the end.
    Some(slab)
}

fn stretches(indices: &Indices, near: usize) -> Vec<Stretch> {
    let mut wanted: Vec<(usize, usize)> = indices
        .to_list()
        .into_iter()
        .enumerate()
        .map(|(to, from)| (from, to))
        .collect();
    wanted.sort_unstable();
    let groups = wanted.chunk_by(|(a, _), (b, _)| b - a <= near);
    groups
        .filter_map(|group| {
            let (start, _) = *group.first()?;
            let (last, _) = *group.last()?;
            Some(Stretch {
                start,
                count: last + 1 - start,
                members: group.iter().map(|(from, to)| (from - start, *to)).collect(),
            })
        })
        .collect()
}

/// Copies what is wanted of a block to where it belongs.
fn scatter(block: &Array, chosen: &[&Stretch], out: &mut Array) {
    let places = places(chosen, &out.shape);
    if let (Values::String(from), Values::String(to)) = (&block.values, &mut out.values) {
        for (at, place) in places {
            if let (Some(from), Some(to)) = (from.get(at), to.get_mut(place)) {
                to.clone_from(from);
            }
        }
        return;
    }
    macro_rules! copy {
        ($($variant:ident),*) => {
            match (&block.values, &mut out.values) {
                $((Values::$variant(from), Values::$variant(to)) => {
                    for (at, place) in places {
                        if let (Some(from), Some(to)) = (from.get(at), to.get_mut(place)) {
                            *to = *from;
                        }
                    }
                })*
                _ => {}
            }
        };
    }
    copy!(
        Int8, UInt8, Int16, UInt16, Int32, UInt32, Int64, UInt64, Float32, Float64, Char
    );
}

/// Element by element: where it is in the block, and where it goes.
fn places(chosen: &[&Stretch], shape: &[usize]) -> Vec<(usize, usize)> {
    let mut places = vec![(0, 0)];
    for (stretch, size) in chosen.iter().zip(shape) {
        let mut next = Vec::with_capacity(places.len() * stretch.members.len());
        for (at, to) in &places {
            let members = stretch.members.iter();
            next.extend(members.map(|(from, place)| (at * stretch.count + from, to * size + place)));
        }
        places = next;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use karin_core::{Attributes, DType, Dimension, GroupMeta, Storage, VariableMeta};
    use karin_engine::{MemoryDataset, Sink as _};

    fn sheet() -> MemoryDataset {
        let mut dataset = MemoryDataset::new("sheet");
        let dimension = |name: &str, size| Dimension {
            name: name.into(),
            size,
            unlimited: false,
        };
        let variable = VariableMeta {
            name: "v".into(),
            dtype: DType::Int32,
            dimensions: vec!["y".into(), "x".into()],
            attributes: Attributes::new(),
            storage: Storage {
                chunks: Some(vec![2, 3]),
                ..Storage::default()
            },
        };
        let root = GroupMeta {
            dimensions: vec![dimension("y", 20), dimension("x", 30)],
            variables: vec![variable],
            ..GroupMeta::default()
        };
        dataset.begin(&root).unwrap();
        let values = Values::Int32((0..600).collect());
        dataset.set(
            "v",
            Array {
                shape: vec![20, 30],
                values,
            },
        );
        dataset
    }

    fn expected(rows: &[usize], columns: &[usize]) -> Values {
        let all = rows
            .iter()
            .flat_map(|row| columns.iter().map(move |column| (row * 30 + column) as i32));
        Values::Int32(all.collect())
    }

    #[test]
    fn any_order_any_step_and_repeats() {
        let rows = vec![17, 3, 3, 4, 19, 0];
        let steps = Indices::Steps {
            start: 1,
            count: 5,
            step: 6,
        };
        let read = read_outer(&sheet(), "v", &[Indices::List(rows.clone()), steps]).unwrap();
        assert_eq!(read.shape, [6, 5]);
        assert_eq!(read.values, expected(&rows, &[1, 7, 13, 19, 25]));
    }

    #[test]
    fn nothing_is_something_too_and_outside_is_an_error() {
        let all = Indices::Steps {
            start: 0,
            count: 30,
            step: 1,
        };
        let none = read_outer(&sheet(), "v", &[Indices::List(vec![]), all.clone()]).unwrap();
        assert_eq!((none.shape, none.values.len()), (vec![0, 30], 0));
        assert!(read_outer(&sheet(), "v", &[Indices::List(vec![20]), all.clone()]).is_err());
        let far = Indices::Steps {
            start: 5,
            count: 3,
            step: usize::MAX,
        };
        assert!(read_outer(&sheet(), "v", &[far, all]).is_err());
        assert!(read_outer(&sheet(), "v", &[]).is_err());
    }
}
