//! Tables that people can read.

use std::io::Write;

use unicode_width::UnicodeWidthStr as _;

/// Rows under a header; columns whose every cell is a number are aligned to the right.
#[derive(Debug, Default)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With these column names.
    pub fn new<S: Into<String>>(header: impl IntoIterator<Item = S>) -> Self {
        Self {
            header: header.into_iter().map(Into::into).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; missing cells stay empty.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// Writes it, two spaces between the columns.
    pub fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let columns: Vec<Column> = (0..self.header.len()).map(|index| self.column(index)).collect();
        for row in std::iter::once(&self.header).chain(&self.rows) {
            let cells: Vec<String> = (columns.iter().enumerate())
                .map(|(index, column)| column.pad(row.get(index).map_or("", String::as_str)))
                .collect();
            writeln!(out, "{}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }

    fn column(&self, index: usize) -> Column {
        let cells = || self.rows.iter().filter_map(move |row| row.get(index));
        let name = self.header.get(index).map_or(0, |name| name.width());
        Column {
            width: cells().map(|cell| cell.width()).max().unwrap_or(0).max(name),
            right: cells().next().is_some() && cells().all(|cell| is_number(cell)),
        }
    }
}

struct Column {
    width: usize,
    right: bool,
}

impl Column {
    fn pad(&self, cell: &str) -> String {
        let blank = " ".repeat(self.width.saturating_sub(cell.width()));
        if self.right {
            blank + cell
        } else {
            cell.to_owned() + &blank
        }
    }
}

fn is_number(cell: &str) -> bool {
    let plain = cell.trim_end_matches('%').replace('_', "");
    plain.is_empty() || plain == "-" || plain.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn numbers_stand_right_and_words_left() {
        let mut table = Table::new(["variable", "mean"]);
        table.row(["ssha", "0.12"]);
        table.row(["latitude", "-41.5"]);
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "variable   mean\nssha       0.12\nlatitude  -41.5\n"
        );
    }
}
