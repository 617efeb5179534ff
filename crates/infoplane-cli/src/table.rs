//! Tables for a terminal.

use std::io::Write;

/// Rows of text under a header; numbers stand right, text left.
pub struct Table {
    header: Vec<&'static str>,
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Columns by name; those whose name ends in `>` stand right.
    pub fn new(columns: &[&'static str]) -> Table {
        Table {
            header: columns
                .iter()
                .map(|name| name.trim_end_matches('>'))
                .collect(),
            right: columns.iter().map(|name| name.ends_with('>')).collect(),
            rows: Vec::new(),
        }
    }

    /// Columns that stand right from the `first` on.
    pub fn right_from(columns: &[&'static str], first: usize) -> Table {
        let mut table = Table::new(columns);
        table.right = (0..columns.len()).map(|column| column >= first).collect();
        table
    }

    pub fn row(&mut self, cells: Vec<String>) {
        self.rows
            .push(cells.iter().map(|cell| printable(cell)).collect());
    }

    /// Without the header.
    pub fn print_rows(&self, out: &mut impl Write) -> std::io::Result<()> {
        self.print_lines(out, self.rows.iter())
    }

    pub fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        let header: Vec<String> = self.header.iter().map(ToString::to_string).collect();
        self.print_lines(out, std::iter::once(&header).chain(&self.rows))
    }

    fn print_lines<'a>(
        &self,
        out: &mut impl Write,
        lines: impl Iterator<Item = &'a Vec<String>>,
    ) -> std::io::Result<()> {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells
                .chain([self.header[column].chars().count()])
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        for row in lines {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let padding = " ".repeat(widths[column] - cell.chars().count());
                if column > 0 {
                    line.push_str("  ");
                }
                if self.right[column] {
                    line.push_str(&padding);
                    line.push_str(cell);
                } else {
                    line.push_str(cell);
                    line.push_str(&padding);
                }
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Names come from files: control characters must not reach a terminal.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{FFFD}' } else { c })
        .collect()
}

/// A large number with an SI suffix.
pub fn short_count(value: u64) -> String {
    match value {
        0 => String::new(),
        1..=9_999 => value.to_string(),
        10_000..=9_999_999 => format!("{:.1}k", value as f64 / 1e3),
        10_000_000..=9_999_999_999 => format!("{:.1}M", value as f64 / 1e6),
        _ => format!("{:.1}G", value as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_control_characters_are_shown_as_such() {
        let mut table = Table::new(&["layer", "bits>"]);
        table.row(vec!["a\u{1b}[31m".to_string(), "1.0".to_string()]);
        table.row(vec!["stem".to_string(), "12.25".to_string()]);
        let mut out = Vec::new();
        table.print(&mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "layer    bits\na\u{FFFD}[31m    1.0\nstem    12.25\n"
        );
    }
}
