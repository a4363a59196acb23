//! A table as CSV (RFC 4180 quoting, line feeds).
//!
//! For spreadsheets and scripts: one header line, numbers with every digit (the shortest text
//! that reads back as the same number), no title and no notes. Half-widths get a column of
//! their own.

use super::{Content, TextTable};

impl TextTable {
    /// The table as CSV.
    #[must_use]
    pub fn to_csv(&self) -> String {
        let columns = self.all_columns();
        let estimated: Vec<bool> = (0..columns.len())
            .map(|column| self.rows.iter().any(|row| has_half(self, row, column)))
            .collect();
        let mut out = String::new();
        let mut header = Vec::new();
        for (column, estimated) in columns.iter().zip(&estimated) {
            header.push(column.heading());
            if *estimated {
                let unit = column.unit.as_ref().map_or_else(String::new, |unit| format!(" ({unit})"));
                header.push(format!("{} half-width{unit}", column.name));
            }
        }
        push_line(&mut out, &header);
        for row in &self.rows {
            let mut fields = Vec::new();
            for (column, estimated) in estimated.iter().enumerate() {
                let (value, half) = fields_of(&self.cell(row, column).content);
                fields.push(value);
                if *estimated {
                    fields.push(half);
                }
            }
            push_line(&mut out, &fields);
        }
        out
    }
}

fn has_half(table: &TextTable, row: &super::Row, column: usize) -> bool {
    matches!(table.cell(row, column).content, Content::Number { half_width: Some(_), .. })
}

/// The value and the half-width of a cell.
fn fields_of(content: &Content) -> (String, String) {
    match content {
        Content::Blank | Content::Missing => (String::new(), String::new()),
        Content::Text(text) => (text.clone(), String::new()),
        Content::Number { value, half_width, .. } => {
            (number(*value), half_width.map_or_else(String::new, number))
        }
    }
}

fn number(value: f64) -> String {
    if value.is_finite() {
        // Adding zero turns a negative zero into zero.
        format!("{}", value + 0.0)
    } else {
        String::new()
    }
}

fn push_line(out: &mut String, fields: &[String]) {
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        // A line of one empty field would read as no line at all.
        let quote = field.contains([',', '"', '\n', '\r'])
            || field.starts_with(' ')
            || field.ends_with(' ')
            || (field.is_empty() && fields.len() == 1);
        if quote {
            out.push('"');
            out.push_str(&field.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(field);
        }
    }
    out.push('\n');
}
