//! Where results go: a sink that takes them block by block, and a dataset in memory that is one.

use karin_core::{Array, Dataset, DatasetError, GroupMeta, Slab, Values};

/// Takes a result while it is computed. Blocks come in any order and never twice; each is a whole chunk of the
/// variable's storage, or a whole variable.
pub trait Sink: Send {
    /// The structure of the result, before any block.
    ///
    /// # Errors
    /// If it cannot be set up.
    fn begin(&mut self, root: &GroupMeta) -> Result<(), DatasetError>;

    /// A block of the variable at `path`.
    ///
    /// # Errors
    /// If it cannot be stored.
    fn write(&mut self, path: &str, slab: &Slab, values: &Values) -> Result<(), DatasetError>;

    /// The same of values that the caller needs no more. What is not kept is given back, for its memory to be used again.
    ///
    /// # Errors
    /// As [`Sink::write`].
    fn hand_over(&mut self, path: &str, slab: &Slab, values: Values) -> Result<Option<Values>, DatasetError> {
        self.write(path, slab, &values)?;
        Ok(Some(values))
    }
}

/// A [`Sink`] that several threads write to at the same time: what costs time, as compression, is done on all of them.
pub trait SharedSink: Sync {
    /// The structure of the result, before any block.
    ///
    /// # Errors
    /// If it cannot be set up.
    fn begin(&self, root: &GroupMeta) -> Result<(), DatasetError>;

    /// A block of the variable at `path`.
    ///
    /// # Errors
    /// If it cannot be stored.
    fn write(&self, path: &str, slab: &Slab, values: &Values) -> Result<(), DatasetError>;

    /// The same of values that the caller needs no more. What is not kept is given back, for its memory to be used again.
    ///
    /// # Errors
    /// As [`SharedSink::write`].
    fn hand_over(&self, path: &str, slab: &Slab, values: Values) -> Result<Option<Values>, DatasetError> {
        self.write(path, slab, &values)?;
        Ok(Some(values))
    }

    /// True if all blocks can be taken in few by few ([`SharedSink::tally`]), and coordinates are not wanted at all.
    fn only_tallies(&self) -> bool {
        false
    }

    /// What takes in the values of a block few by few, instead of one call of [`SharedSink::write`]; `None` if the sink needs
    /// to know where each of them lies.
    fn tally(&self, path: &str, slab: &Slab) -> Option<Box<dyn Tally + '_>> {
        let _ = (path, slab);
        None
    }
}

/// Takes in the values of one block while they are in the cache, each once, in no certain order: see [`SharedSink::tally`].
pub trait Tally: Send {
    /// Some of them.
    ///
    /// # Errors
    /// If they are not of the type of the variable.
    fn add(&mut self, values: &Values) -> Result<(), DatasetError>;

    /// All of them were there. Without this call the block does not count.
    fn finish(self: Box<Self>);
}

/// A dataset in memory: small results, and what tests and examples are made of.
#[derive(Clone, Debug, Default)]
pub struct MemoryDataset {
    label: String,
    root: GroupMeta,
    arrays: Vec<(String, Array)>,
}

impl MemoryDataset {
    /// An empty one, to be filled as a [`Sink`] or by [`MemoryDataset::set`].
    pub fn new(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            ..Self::default()
        }
    }

    /// Sets the values of a variable that the structure has.
    pub fn set(&mut self, path: &str, array: Array) {
        match self.arrays.iter_mut().find(|(known, _)| known == path) {
            Some((_, kept)) => *kept = array,
            None => self.arrays.push((path.to_owned(), array)),
        }
    }

    /// The whole values of a variable.
    pub fn array(&self, path: &str) -> Option<&Array> {
        self.arrays
            .iter()
            .find(|(known, _)| known == path)
            .map(|(_, array)| array)
    }

    /// Gives away the values of the variables of that type: the structure stays, the values are gone from here.
    pub fn take(&mut self, dtype: karin_core::DType) -> Vec<(String, Array)> {
        let (taken, kept) = std::mem::take(&mut self.arrays)
            .into_iter()
            .partition(|(_, array)| array.values.dtype() == dtype);
        self.arrays = kept;
        taken
    }

    /// The structure, to add attributes to.
    pub fn root_mut(&mut self) -> &mut GroupMeta {
        &mut self.root
    }

    /// Bytes of all values.
    pub fn bytes(&self) -> usize {
        self.arrays
            .iter()
            .map(|(_, array)| array.len() * array.values.dtype().size())
            .sum()
    }

    fn checked(&self, path: &str, slab: &Slab) -> Result<&Array, DatasetError> {
        let array = self
            .array(path)
            .ok_or_else(|| DatasetError::no_variable(&self.label, path))?;
        if slab.fits(&array.shape) {
            return Ok(array);
        }
        let reason = format!("{slab:?} lies outside the shape {:?}", array.shape);
        Err(DatasetError::invalid(&self.label, path, reason))
    }
}

/// Calls `copy(at, from, len)` for every run of a slab that is contiguous in the array: element offsets in the array
/// and in the slab.
fn for_each_run(shape: &[usize], slab: &Slab, mut copy: impl FnMut(usize, usize, usize)) {
    if slab.is_empty() {
        return;
    }
    let Some((&run, outer)) = slab.count.split_last() else {
        copy(0, 0, 1);
        return;
    };
    let mut index = vec![0; outer.len()];
    let mut from = 0;
    loop {
        let mut at = 0;
        for (d, size) in shape.iter().enumerate() {
            at = at * size + slab.start[d] + index.get(d).copied().unwrap_or(0);
        }
        copy(at, from, run);
        from += run;
        let Some(d) = (0..outer.len()).rev().find(|d| index[*d] + 1 < outer[*d]) else {
            return;
        };
        index[d] += 1;
        index[d + 1..].fill(0);
    }
}

impl Dataset for MemoryDataset {
    fn label(&self) -> &str {
        &self.label
    }

    fn root(&self) -> &GroupMeta {
        &self.root
    }

    fn read_into(&self, path: &str, slab: &Slab, out: &mut [u8]) -> Result<(), DatasetError> {
        let array = self.checked(path, slab)?;
        let size = array.values.dtype().size();
        if size == 0 || out.len() != slab.len() * size {
            let reason = format!(
                "a buffer of {} bytes does not hold {} elements",
                out.len(),
                slab.len()
            );
            return Err(DatasetError::invalid(&self.label, path, reason));
        }
        let bytes = array.values.as_bytes();
        for_each_run(&array.shape, slab, |at, from, len| {
            out[from * size..(from + len) * size].copy_from_slice(&bytes[at * size..(at + len) * size]);
        });
        Ok(())
    }

    fn read_strings(&self, path: &str, slab: &Slab) -> Result<Vec<String>, DatasetError> {
        let array = self.checked(path, slab)?;
        let Values::String(strings) = &array.values else {
            return Err(DatasetError::invalid(&self.label, path, "it holds no strings"));
        };
        let mut out = Vec::with_capacity(slab.len());
        for_each_run(&array.shape, slab, |at, _, len| {
            out.extend_from_slice(&strings[at..at + len])
        });
        Ok(out)
    }
}

impl Sink for MemoryDataset {
    fn begin(&mut self, root: &GroupMeta) -> Result<(), DatasetError> {
        self.root = root.clone();
        self.arrays.clear();
        for path in root.variable_paths() {
            if let (Some(variable), Some(shape)) = (root.variable(&path), root.shape(&path)) {
                self.arrays.push((path, Array::zeros(variable.dtype, &shape)));
            }
        }
        Ok(())
    }

    fn write(&mut self, path: &str, slab: &Slab, values: &Values) -> Result<(), DatasetError> {
        self.checked(path, slab)?;
        let invalid = |reason: &str| DatasetError::invalid(&self.label, path, reason);
        let label = &self.label;
        let Some((_, array)) = self.arrays.iter_mut().find(|(known, _)| known == path) else {
            return Err(DatasetError::no_variable(label, path));
        };
        if values.dtype() != array.values.dtype() || values.len() != slab.len() {
            return Err(invalid("a block of another type or size than the result"));
        }
        if let (Values::String(into), Values::String(from)) = (&mut array.values, values) {
            for_each_run(&array.shape, slab, |at, source, len| {
                into[at..at + len].clone_from_slice(&from[source..source + len]);
            });
            return Ok(());
        }
        let size = array.values.dtype().size();
        let from = values.as_bytes();
        let shape = array.shape.clone();
        let into = array.values.as_bytes_mut();
        for_each_run(&shape, slab, |at, source, len| {
            into[at * size..(at + len) * size].copy_from_slice(&from[source * size..(source + len) * size]);
        });
        Ok(())
    }

    /// A block that is a whole variable takes its place, without a copy.
    fn hand_over(&mut self, path: &str, slab: &Slab, values: Values) -> Result<Option<Values>, DatasetError> {
        let array = self.checked(path, slab)?;
        let is_whole = slab.count == array.shape && values.len() == array.len();
        if is_whole && values.dtype() == array.values.dtype() {
            let shape = slab.count.clone();
            self.set(path, Array { shape, values });
            return Ok(None);
        }
        self.write(path, slab, &values)?;
        Ok(Some(values))
    }
}
