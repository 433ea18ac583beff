//! Tables in plain text: columns as wide as they need to be, two spaces between.

use std::fmt;

use unicode_width::UnicodeWidthStr;

use super::visible::visible;

/// A table with a heading.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|heading| (*heading).to_owned()).collect()] }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| visible(&cell)).collect());
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max()
        };
        (0..columns).map(|column| width(column).unwrap_or(0)).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for row in &self.rows {
            let padded = |(cell, width): (&String, &usize)| {
                format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width())))
            };
            let cells: Vec<String> = row.iter().zip(&widths).map(padded).collect();
            writeln!(f, "{}", cells.join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rows: &[[&str; 2]], expected: &str) {
        let mut table = Table::new(&["A", "B"]);
        for row in rows {
            table.row(row.map(str::to_owned));
        }
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn columns_are_as_wide_as_they_look() {
        check(&[], "A  B\n");
        check(&[["long", "x"], ["s", ""]], "A     B\nlong  x\ns\n");
        check(&[["副本", "x"], ["abcd", "y"]], "A     B\n副本  x\nabcd  y\n");
    }

    #[test]
    fn what_would_steer_the_terminal_is_shown() {
        check(&[["\x1b[31mred\n", "x"]], "A                B\n\\u{1b}[31mred\\n  x\n");
    }
}
