//! A table as an HTML fragment, styled by the report page.

use super::{Align, Content, TableCell, TextTable};
use crate::text::{MISSING, escape_markup, typeset};

impl TextTable {
    /// The table as an HTML fragment: a scrollable box with the table, then the notes.
    ///
    /// Columns of numbers have the class `n`, half-widths `ci`, the first row of a group `group`.
    #[must_use]
    pub fn to_html(&self) -> String {
        let columns = self.all_columns();
        let label = escape_markup(if self.title.is_empty() { "Table" } else { &self.title });
        let mut out =
            format!("<div class=\"table\" role=\"region\" tabindex=\"0\" aria-label=\"{label}\">\n<table>\n");
        if !self.title.is_empty() {
            out.push_str(&format!("<caption>{}</caption>\n", escape_markup(&self.title)));
        }
        out.push_str("<thead>\n<tr>");
        for column in &columns {
            let class = class_of(column.align);
            let unit = column.unit.as_ref().map_or_else(String::new, |unit| {
                format!(" <span class=\"unit\">({})</span>", escape_markup(unit))
            });
            out.push_str(&format!("<th scope=\"col\"{class}>{}{unit}</th>", breakable(&column.name)));
        }
        out.push_str("</tr>\n</thead>\n<tbody>\n");
        for row in &self.rows {
            out.push_str(if row.starts_group { "<tr class=\"group\">" } else { "<tr>" });
            for (index, column) in columns.iter().enumerate() {
                let class = class_of(column.align);
                let cell = html_cell(self.cell(row, index));
                if index < self.label_columns {
                    out.push_str(&format!("<th scope=\"row\"{class}>{cell}</th>"));
                } else {
                    out.push_str(&format!("<td{class}>{cell}</td>"));
                }
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody>\n</table>\n</div>\n");
        out.push_str(&notes_html(&self.notes));
        out
    }
}

/// Remarks as a list; nothing where there are none.
pub(crate) fn notes_html(notes: &[String]) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let mut out = String::from("<ul class=\"notes\">\n");
    for note in notes {
        out.push_str(&format!("<li>{}</li>\n", escape_markup(note)));
    }
    out.push_str("</ul>\n");
    out
}

fn class_of(align: Align) -> &'static str {
    match align {
        Align::Left => "",
        Align::Right => " class=\"n\"",
    }
}

/// Escaped text that may break after an underscore or a slash.
fn breakable(text: &str) -> String {
    escape_markup(text).replace('_', "_<wbr>").replace('/', "/<wbr>")
}

fn html_cell(cell: &TableCell) -> String {
    let text = match &cell.content {
        Content::Blank => return String::new(),
        Content::Missing => MISSING.to_owned(),
        Content::Text(text) => escape_markup(text),
        Content::Number { value, decimals, half_width } => {
            let value = typeset(*value, *decimals);
            match half_width {
                Some(half) => format!("{value} <span class=\"ci\">± {}</span>", typeset(*half, *decimals)),
                None => value,
            }
        }
    };
    if cell.strong { format!("<strong>{text}</strong>") } else { text }
}
