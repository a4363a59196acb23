//! A table for the terminal.
//!
//! Rules above and below the heading and at the end, two spaces between columns, numbers
//! aligned at the decimal point and at the plus-minus sign. Headings may wrap at separators;
//! cells never do. A table too wide for the terminal becomes several blocks, one above the
//! other, each of which repeats the columns that name the rows.

use super::{Align, Column, Content, TableCell, TextTable};
use crate::text::{MISSING, display_width, fixed, one_line, shorten, wrap};

/// The least width of a terminal that tables are made for; anything below counts as this.
pub const MIN_TERMINAL_WIDTH: usize = 60;

/// Spaces between two columns.
const GAP: usize = 2;

/// Style of drawing on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalStyle {
    /// Columns of the terminal, at least [`MIN_TERMINAL_WIDTH`].
    pub width: usize,
    /// True if to use bold and dim text by ANSI escapes.
    pub colour: bool,
    /// True if rules and signs keep to ASCII.
    pub ascii: bool,
}

impl Default for TerminalStyle {
    fn default() -> TerminalStyle {
        TerminalStyle { width: 100, colour: false, ascii: false }
    }
}

struct Signs {
    rule: &'static str,
    thin_rule: &'static str,
    plus_minus: &'static str,
    missing: &'static str,
    ellipsis: &'static str,
}

const UNICODE: Signs =
    Signs { rule: "━", thin_rule: "─", plus_minus: "±", missing: MISSING, ellipsis: "…" };
const ASCII: Signs = Signs { rule: "=", thin_rule: "-", plus_minus: "+-", missing: "-", ellipsis: "..." };

/// A column ready to print: texts of equal width, and the lines of its heading.
struct Printed {
    width: usize,
    align: Align,
    heading: Vec<String>,
    cells: Vec<String>,
    strong: Vec<bool>,
}

impl TextTable {
    /// The table as text whose lines are no wider than the style's width.
    ///
    /// Where a single column and the row names do not fit, texts lose their middle.
    #[must_use]
    pub fn to_terminal(&self, style: &TerminalStyle) -> String {
        let signs = if style.ascii { &ASCII } else { &UNICODE };
        let width = style.width.max(MIN_TERMINAL_WIDTH);
        let columns = self.all_columns();
        let label_count = self.label_columns.min(columns.len());
        let bodies: Vec<(Vec<String>, usize)> =
            (0..columns.len()).map(|index| self.body(index, signs)).collect();

        let full: Vec<usize> = columns
            .iter()
            .zip(&bodies)
            .map(|(column, (_, body))| (*body).max(heading_width(column, usize::MAX)))
            .collect();
        let fits = full.iter().sum::<usize>() + GAP * full.len().saturating_sub(1) <= width;
        let mut widths = if fits {
            full
        } else {
            columns
                .iter()
                .zip(&bodies)
                .map(|(column, (_, body))| (*body).max(heading_width(column, *body)))
                .collect()
        };
        limit_widths(&mut widths, label_count, width);

        let printed: Vec<Printed> = columns
            .iter()
            .zip(bodies)
            .zip(&widths)
            .enumerate()
            .map(|(index, ((column, (cells, _)), &width))| Printed {
                width,
                align: column.align,
                heading: heading_lines(column, width)
                    .iter()
                    .map(|line| shorten(line, width, signs.ellipsis, display_width))
                    .collect(),
                cells: cells.iter().map(|text| shorten(text, width, signs.ellipsis, display_width)).collect(),
                strong: self.rows.iter().map(|row| self.cell(row, index).strong).collect(),
            })
            .collect();

        let mut out = String::new();
        for line in wrap(&one_line(&self.title), width, display_width) {
            let line = shorten(&line, width, signs.ellipsis, display_width);
            out.push_str(&paint(style, "1", &line));
            out.push('\n');
        }
        for (index, block) in split(&widths, label_count, width).iter().enumerate() {
            if index > 0 {
                out.push('\n');
            }
            let block: Vec<&Printed> = block.iter().filter_map(|&column| printed.get(column)).collect();
            self.print_block(&block, style, signs, &mut out);
        }
        for note in &self.notes {
            let lines = wrap(&one_line(note), width - GAP, display_width);
            for (index, line) in lines.iter().enumerate() {
                let line = shorten(line, width - GAP, signs.ellipsis, display_width);
                let bullet = if index == 0 { "- " } else { "  " };
                out.push_str(&paint(style, "2", &format!("{bullet}{line}")));
                out.push('\n');
            }
        }
        out
    }

    /// The texts of a column, padded so that points and plus-minus signs align, and their width.
    fn body(&self, column: usize, signs: &Signs) -> (Vec<String>, usize) {
        let cells: Vec<&TableCell> = self.rows.iter().map(|row| self.cell(row, column)).collect();
        let parts: Vec<(String, String)> = cells.iter().map(|cell| parts(cell, signs)).collect();
        let half_width = parts.iter().map(|(_, half)| display_width(half)).max().unwrap_or(0);
        let starred = cells.iter().any(|cell| cell.strong);
        let is_number = |cell: &TableCell| matches!(cell.content, Content::Number { .. } | Content::Missing);
        let texts: Vec<String> = parts
            .iter()
            .zip(&cells)
            .map(|((main, half), cell)| {
                let mut text = main.clone();
                if half_width > 0 && is_number(cell) {
                    if half.is_empty() {
                        text.push_str(&" ".repeat(1 + display_width(signs.plus_minus) + half_width));
                    } else {
                        text.push(' ');
                        text.push_str(signs.plus_minus);
                        text.push_str(&" ".repeat(half_width - display_width(half)));
                        text.push_str(half);
                    }
                }
                if cell.strong {
                    text.push('*');
                } else if starred && is_number(cell) {
                    text.push(' ');
                }
                text
            })
            .collect();
        let width = texts.iter().map(|text| display_width(text)).max().unwrap_or(0);
        (texts, width)
    }

    fn print_block(&self, block: &[&Printed], style: &TerminalStyle, signs: &Signs, out: &mut String) {
        let width =
            block.iter().map(|column| column.width).sum::<usize>() + GAP * block.len().saturating_sub(1);
        let rule = |sign: &str, out: &mut String| {
            out.push_str(&sign.repeat(width));
            out.push('\n');
        };
        rule(signs.rule, out);
        let lines = block.iter().map(|column| column.heading.len()).max().unwrap_or(0);
        for line in 0..lines {
            let cells = block.iter().map(|column| {
                // Headings stand on the rule: shorter ones start lower.
                let skip = lines - column.heading.len();
                let text = line.checked_sub(skip).and_then(|at| column.heading.get(at));
                (*column, text.map_or("", String::as_str), true)
            });
            push_line(cells, style, out);
        }
        rule(signs.thin_rule, out);
        for (index, row) in self.rows.iter().enumerate() {
            if row.starts_group && index > 0 {
                rule(signs.thin_rule, out);
            }
            let cells = block.iter().map(|column| {
                let text = column.cells.get(index).map_or("", String::as_str);
                (*column, text, column.strong.get(index).copied().unwrap_or(false))
            });
            push_line(cells, style, out);
        }
        rule(signs.rule, out);
    }
}

/// The value and the half-width of a cell as text.
fn parts(cell: &TableCell, signs: &Signs) -> (String, String) {
    match &cell.content {
        Content::Blank => (String::new(), String::new()),
        Content::Missing => (signs.missing.to_owned(), String::new()),
        Content::Text(text) => (one_line(text), String::new()),
        Content::Number { value, .. } if value.is_nan() => (signs.missing.to_owned(), String::new()),
        Content::Number { value, decimals, half_width } => {
            (fixed(*value, *decimals), half_width.map_or_else(String::new, |half| fixed(half, *decimals)))
        }
    }
}

/// The heading in lines of at most `width`; a piece that cannot be broken may be longer.
fn heading_lines(column: &Column, width: usize) -> Vec<String> {
    let heading = one_line(&column.heading());
    if display_width(&heading) <= width {
        return if heading.is_empty() { Vec::new() } else { vec![heading] };
    }
    let mut lines = wrap(&one_line(&column.name), width, display_width);
    if let Some(unit) = &column.unit {
        lines.push(one_line(&format!("({unit})")));
    }
    lines
}

fn heading_width(column: &Column, width: usize) -> usize {
    heading_lines(column, width).iter().map(|line| display_width(line)).max().unwrap_or(0)
}

/// Narrows columns until the row names and any one other column fit together.
fn limit_widths(widths: &mut [usize], label_count: usize, width: usize) {
    let (labels, others) = widths.split_at_mut(label_count.min(widths.len()));
    if labels.is_empty() {
        others.iter_mut().for_each(|other| *other = (*other).min(width));
        return;
    }
    let widest_other = others.iter().copied().max().map_or(0, |widest| widest.min(width / 2) + GAP);
    let room = width - widest_other;
    let gaps = GAP * (labels.len() - 1);
    // Each label column gives way in turn, the widest first.
    while labels.iter().sum::<usize>() + gaps > room {
        let Some(widest) = labels.iter_mut().max_by_key(|label| **label) else { break };
        if *widest <= 1 {
            break;
        }
        *widest -= 1;
    }
    let rest = width.saturating_sub(labels.iter().sum::<usize>() + gaps + GAP).max(1);
    others.iter_mut().for_each(|other| *other = (*other).min(rest));
}

/// The columns of each block: the row names, then as many others as fit.
fn split(widths: &[usize], label_count: usize, width: usize) -> Vec<Vec<usize>> {
    let labels: Vec<usize> = (0..label_count).collect();
    let label_width: usize = labels.iter().filter_map(|&label| widths.get(label)).map(|w| w + GAP).sum();
    let mut blocks: Vec<Vec<usize>> = Vec::new();
    let mut block = labels.clone();
    let mut used = label_width;
    for (column, &column_width) in widths.iter().enumerate().skip(label_count) {
        if used + column_width > width && block.len() > label_count {
            blocks.push(std::mem::replace(&mut block, labels.clone()));
            used = label_width;
        }
        block.push(column);
        used += column_width + GAP;
    }
    if !block.is_empty() {
        blocks.push(block);
    }
    blocks
}

fn push_line<'a>(
    cells: impl Iterator<Item = (&'a Printed, &'a str, bool)>,
    style: &TerminalStyle,
    out: &mut String,
) {
    let mut line = String::new();
    // Spaces are held back until something follows, so that no line ends in spaces.
    let mut spaces = 0;
    for (index, (column, text, strong)) in cells.enumerate() {
        if index > 0 {
            spaces += GAP;
        }
        let padding = column.width.saturating_sub(display_width(text));
        if column.align == Align::Right {
            spaces += padding;
        }
        let visible = text.trim_end();
        if !visible.is_empty() {
            line.push_str(&" ".repeat(spaces));
            spaces = 0;
            line.push_str(&if strong { paint(style, "1", visible) } else { visible.to_owned() });
        }
        spaces += display_width(text) - display_width(visible);
        if column.align == Align::Left {
            spaces += padding;
        }
    }
    out.push_str(&line);
    out.push('\n');
}

fn paint(style: &TerminalStyle, code: &str, text: &str) -> String {
    if style.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}
