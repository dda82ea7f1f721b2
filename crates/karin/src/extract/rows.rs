//! Lines of an array picked out of it.

use karin_core::{Array, Dataset, DatasetError, Slab, Values};

/// The lines of a variable whose first dimension counts lines, as stored.
pub(super) fn read_lines(dataset: &dyn Dataset, path: &str, lines: &[usize]) -> Result<Array, DatasetError> {
    let missing = || DatasetError::no_variable(dataset.label(), path);
    let shape = dataset.root().shape(path).ok_or_else(missing)?;
    let (Some(&first), Some(&last)) = (lines.first(), lines.last()) else {
        return dataset.read_slab(path, &Slab::rows(&shape, 0..0));
    };
    let all = dataset.read_slab(path, &Slab::rows(&shape, first..last + 1))?;
    if lines.len() == last + 1 - first {
        return Ok(all);
    }
    let width: usize = shape.iter().skip(1).product();
    let mut kept = all.shape.clone();
    if let Some(count) = kept.first_mut() {
        *count = lines.len();
    }
    let values = match &all.values {
        Values::String(strings) => {
            let row = |line: &usize| {
                strings
                    .get((line - first) * width..(line - first + 1) * width)
                    .unwrap_or_default()
            };
            Values::String(lines.iter().flat_map(|line| row(line).to_vec()).collect())
        }
        numbers => {
            let row_bytes = width * numbers.dtype().size();
            let mut out = Values::zeros(numbers.dtype(), lines.len() * width);
            let bytes = numbers.as_bytes();
            for (to, line) in out.as_bytes_mut().chunks_exact_mut(row_bytes.max(1)).zip(lines) {
                let at = (line - first) * row_bytes;
                if let Some(from) = bytes.get(at..at + row_bytes) {
                    to.copy_from_slice(from);
                }
            }
            out
        }
    };
    Ok(Array { shape: kept, values })
}
