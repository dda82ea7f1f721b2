//! Between row-major and column-major, in tiles that stay in the first-level cache.

use std::ops::Range;

const TILE: usize = 32;

/// From `columns` columns of `rows` elements each to rows `range` of a row-major array (`size` bytes per element).
/// `input` holds the whole chunk, `output` the rows asked for.
pub(super) fn to_rows(input: &[u8], size: usize, rows: usize, range: Range<usize>, output: &mut [u8]) {
    match size {
        1 => to_rows_of::<1>(input, rows, range, output),
        2 => to_rows_of::<2>(input, rows, range, output),
        4 => to_rows_of::<4>(input, rows, range, output),
        _ => to_rows_of::<8>(input, rows, range, output),
    }
}

/// From `rows` rows of `columns` elements each to column-major.
pub(super) fn to_columns(input: &[u8], size: usize, rows: usize, columns: usize, output: &mut [u8]) {
    // A column-major array read as rows is its transpose.
    to_rows(input, size, columns, 0..columns, output);
    debug_assert_eq!(input.len(), rows * columns * size);
}

fn to_rows_of<const SIZE: usize>(input: &[u8], rows: usize, range: Range<usize>, output: &mut [u8]) {
    let (input, _) = input.as_chunks::<SIZE>();
    let (output, _) = output.as_chunks_mut::<SIZE>();
    let columns = input.len().checked_div(rows).unwrap_or(0);
    if columns == 0 {
        return;
    }
    for (tile, lines) in output.chunks_mut(TILE * columns).enumerate() {
        let first = range.start + tile * TILE;
        let height = lines.len() / columns;
        for left in (0..columns).step_by(TILE) {
            let right = (left + TILE).min(columns);
            for column in left..right {
                let source = &input[column * rows + first..column * rows + first + height];
                for (line, value) in source.iter().enumerate() {
                    lines[line * columns + column] = *value;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_back() {
        let (rows, columns) = (77, 69);
        for size in [1, 2, 4, 8] {
            let input: Vec<u8> = (0..rows * columns * size)
                .map(|i| (i * 37 + i / 255) as u8)
                .collect();
            let (mut middle, mut output) = (vec![0; input.len()], vec![0; input.len()]);
            to_columns(&input, size, rows, columns, &mut middle);
            let (row, column) = (3, 5);
            let element = |bytes: &[u8], at: usize| bytes[at * size..(at + 1) * size].to_vec();
            assert_eq!(
                element(&input, row * columns + column),
                element(&middle, column * rows + row)
            );
            to_rows(&middle, size, rows, 0..rows, &mut output);
            assert_eq!(input, output);
            let part = 10..50;
            let mut some = vec![0; part.len() * columns * size];
            to_rows(&middle, size, rows, part.clone(), &mut some);
            assert_eq!(
                some,
                input[part.start * columns * size..part.end * columns * size]
            );
        }
    }
}
