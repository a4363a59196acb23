//! The model of a table, and its forms: terminal, Markdown, HTML, CSV.
//!
//! A table holds values, not strings: each form decides how a number looks. A number may carry
//! the half-width of its confidence interval. The terminal, Markdown and HTML forms round to the
//! cell's decimals; CSV keeps every digit.

mod csv;
pub(crate) mod html;
mod markdown;
pub(crate) mod terminal;

/// Alignment of the cells of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Align {
    /// To the left, for text.
    #[default]
    Left,
    /// To the right, for numbers.
    Right,
}

/// A column: its heading and alignment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// Heading.
    pub name: String,
    /// Unit of the values, shown in parentheses under or after the heading.
    pub unit: Option<String>,
    /// Alignment of heading and cells.
    pub align: Align,
}

impl Column {
    /// A left-aligned column of text.
    #[must_use]
    pub fn text(name: impl Into<String>) -> Column {
        Column { name: name.into(), unit: None, align: Align::Left }
    }

    /// A right-aligned column of numbers.
    #[must_use]
    pub fn number(name: impl Into<String>) -> Column {
        Column { name: name.into(), unit: None, align: Align::Right }
    }

    /// The same column with a unit.
    #[must_use]
    pub fn with_unit(self, unit: impl Into<String>) -> Column {
        Column { unit: Some(unit.into()), ..self }
    }

    /// Heading and unit on one line.
    fn heading(&self) -> String {
        match &self.unit {
            Some(unit) => format!("{} ({unit})", self.name),
            None => self.name.clone(),
        }
    }
}

/// Content of a cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Content {
    /// Nothing to say: the cell is blank.
    #[default]
    Blank,
    /// A value that is missing or not defined: an em dash, empty in CSV.
    Missing,
    /// Text.
    Text(String),
    /// A number. A value that is not finite is shown as missing or as `inf`.
    Number {
        /// The value.
        value: f64,
        /// Decimals to show.
        decimals: u8,
        /// Half the width of its confidence interval.
        half_width: Option<f64>,
    },
}

/// A cell: its content, and whether it stands out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableCell {
    /// Content.
    pub content: Content,
    /// Stands out, such as the best of a column: a star on the terminal, bold in Markdown and
    /// HTML, nothing in CSV.
    pub strong: bool,
}

impl TableCell {
    /// A blank cell.
    #[must_use]
    pub fn blank() -> TableCell {
        TableCell::default()
    }

    /// A value that is missing or not defined.
    #[must_use]
    pub fn missing() -> TableCell {
        TableCell { content: Content::Missing, strong: false }
    }

    /// A text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> TableCell {
        TableCell { content: Content::Text(text.into()), strong: false }
    }

    /// A number without a confidence interval.
    #[must_use]
    pub fn number(value: f64, decimals: u8) -> TableCell {
        TableCell { content: Content::Number { value, decimals, half_width: None }, strong: false }
    }

    /// A number and the half-width of its confidence interval.
    #[must_use]
    pub fn estimate(value: f64, decimals: u8, half_width: f64) -> TableCell {
        TableCell {
            content: Content::Number { value, decimals, half_width: Some(half_width) },
            strong: false,
        }
    }

    /// The same cell, standing out or not.
    #[must_use]
    pub fn with_strong(self, strong: bool) -> TableCell {
        TableCell { strong, ..self }
    }
}

/// A row of cells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// One cell a column; missing ones at the end are blank.
    pub cells: Vec<TableCell>,
    /// A thin rule separates this row from the one above: it starts a new group.
    pub starts_group: bool,
}

impl Row {
    /// A row that goes on with the group above.
    #[must_use]
    pub fn new(cells: Vec<TableCell>) -> Row {
        Row { cells, starts_group: false }
    }
}

/// A table: title, columns, rows and notes.
#[derive(Clone, Debug, PartialEq)]
pub struct TextTable {
    /// Title; empty for none.
    pub title: String,
    /// The columns. Cells beyond them are shown under an empty heading.
    pub columns: Vec<Column>,
    /// Number of first columns that name the row. They are repeated when a table is split.
    pub label_columns: usize,
    /// The rows.
    pub rows: Vec<Row>,
    /// Remarks under the table.
    pub notes: Vec<String>,
}

impl TextTable {
    /// An empty table whose first column names the rows.
    #[must_use]
    pub fn new(title: impl Into<String>, columns: Vec<Column>) -> TextTable {
        TextTable { title: title.into(), columns, label_columns: 1, rows: Vec::new(), notes: Vec::new() }
    }

    /// The columns, with empty ones added for rows that are longer.
    fn all_columns(&self) -> Vec<Column> {
        let widest = self.rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
        let mut columns = self.columns.clone();
        if columns.len() < widest {
            columns.resize(widest, Column::default());
        }
        columns
    }

    /// The cell of a row in a column; blank where the row ends early.
    fn cell<'a>(&self, row: &'a Row, column: usize) -> &'a TableCell {
        const BLANK: &TableCell = &TableCell { content: Content::Blank, strong: false };
        row.cells.get(column).unwrap_or(BLANK)
    }
}
