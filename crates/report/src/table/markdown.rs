//! A table as GitHub-flavoured Markdown.

use super::{Align, Content, TableCell, TextTable};
use crate::text::{MISSING, fixed, one_line};

impl TextTable {
    /// The table as Markdown: title in bold, pipe table, notes as a list.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let columns = self.all_columns();
        let mut out = String::new();
        if !self.title.is_empty() {
            out.push_str(&format!("**{}**\n\n", escape(&self.title)));
        }
        if !columns.is_empty() {
            let headings: Vec<String> = columns.iter().map(|column| escape(&column.heading())).collect();
            out.push_str(&format!("| {} |\n|", headings.join(" | ")));
            for column in &columns {
                out.push_str(match column.align {
                    Align::Left => " --- |",
                    Align::Right => " ---: |",
                });
            }
            out.push('\n');
            for row in &self.rows {
                let cells: Vec<String> =
                    (0..columns.len()).map(|index| markdown_cell(self.cell(row, index))).collect();
                out.push_str(&format!("| {} |\n", cells.join(" | ")));
            }
        }
        if !self.notes.is_empty() {
            out.push('\n');
            for note in &self.notes {
                out.push_str(&format!("- {}\n", escape(note)));
            }
        }
        out
    }
}

fn markdown_cell(cell: &TableCell) -> String {
    let text = match &cell.content {
        Content::Blank => return String::new(),
        Content::Missing => MISSING.to_owned(),
        Content::Text(text) => escape(text),
        Content::Number { value, decimals, half_width } => match half_width {
            Some(half) => format!("{} ± {}", fixed(*value, *decimals), fixed(*half, *decimals)),
            None => fixed(*value, *decimals),
        },
    };
    if cell.strong && !text.is_empty() { format!("**{text}**") } else { text }
}

/// Escapes what Markdown would interpret. An underscore inside a word is left alone.
fn escape(text: &str) -> String {
    let chars: Vec<char> = one_line(text).trim().chars().collect();
    let in_word = |at: usize| {
        let word = |index: Option<usize>| {
            index.and_then(|index| chars.get(index)).is_some_and(|c| c.is_alphanumeric() || *c == '_')
        };
        word(at.checked_sub(1)) && word(at.checked_add(1))
    };
    let mut out = String::with_capacity(chars.len());
    for (at, &c) in chars.iter().enumerate() {
        match c {
            '\\' | '|' | '*' | '`' | '[' | ']' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '_' if !in_word(at) => out.push_str("\\_"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
    out
}
