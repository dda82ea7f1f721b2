//! Between row-major and column-major, square by square.

use std::ops::Range;

use multiversion::multiversion;

/// Rows and columns of a square.
const SQUARE: usize = 16;

/// From `columns` columns of `rows` elements each to rows `range` of a row-major array (`size` bytes per element).
/// `input` holds all of it, `output` the rows asked for. Elements have 1, 2, 4 or 8 bytes.
pub fn to_rows(input: &[u8], size: usize, rows: usize, range: Range<usize>, output: &mut [u8]) {
    match size {
        1 => to_rows_of::<1>(input, rows, range, output),
        2 => to_rows_of::<2>(input, rows, range, output),
        4 => to_rows_of::<4>(input, rows, range, output),
        _ => to_rows_of::<8>(input, rows, range, output),
    }
}

/// From `rows` rows of `columns` elements each, of 1, 2, 4 or 8 bytes, to column-major.
pub fn to_columns(input: &[u8], size: usize, rows: usize, columns: usize, output: &mut [u8]) {
    // A column-major array read as rows is its transpose.
    to_rows(input, size, columns, 0..columns, output);
    debug_assert_eq!(input.len(), rows * columns * size);
}

/// Squares, so that whole pieces of columns are loaded and whole pieces of rows are stored.
#[multiversion(targets("x86_64+avx2"))]
fn to_rows_of<const SIZE: usize>(input: &[u8], rows: usize, range: Range<usize>, output: &mut [u8]) {
    let (input, _) = input.as_chunks::<SIZE>();
    let (output, _) = output.as_chunks_mut::<SIZE>();
    let columns = input.len().checked_div(rows).unwrap_or(0);
    if columns == 0 {
        return;
    }
    for (number, lines) in output.chunks_mut(SQUARE * columns).enumerate() {
        let first = range.start + number * SQUARE;
        let height = lines.len() / columns;
        // What is left over beside the squares, and below them, is moved one by one.
        let squares = if height == SQUARE { columns / SQUARE } else { 0 };
        for left in (0..squares).map(|square| square * SQUARE) {
            let mut square = [[[0; SIZE]; SQUARE]; SQUARE];
            for (column, piece) in (left..).zip(&mut square) {
                let at = column * rows + first;
                piece.copy_from_slice(&input[at..at + SQUARE]);
            }
            for (index, line) in lines.chunks_exact_mut(columns).enumerate() {
                let row: [[u8; SIZE]; SQUARE] = std::array::from_fn(|column| square[column][index]);
                line[left..left + SQUARE].copy_from_slice(&row);
            }
        }
        for column in squares * SQUARE..columns {
            let source = &input[column * rows + first..column * rows + first + height];
            for (line, value) in source.iter().enumerate() {
                lines[line * columns + column] = *value;
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
