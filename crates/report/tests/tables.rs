//! The four forms of a table.

mod common;

use common::{Draws, SWEEP, columns, plain, report_of, scored};
use rtmm_report::{Align, Column, Row, TableCell, TerminalStyle, TextTable};

/// A table with every kind of cell.
fn every_kind() -> TextTable {
    let mut table = TextTable::new(
        "Policies | on *one* platform",
        vec![
            Column::text("policy_name"),
            Column::number("missed deadlines").with_unit("%"),
            Column::number("energy").with_unit("mJ"),
            Column::text("remark"),
        ],
    );
    table.rows = vec![
        Row::new(vec![
            TableCell::text("edf"),
            TableCell::estimate(12.34, 1, 0.56).with_strong(true),
            TableCell::number(1234.5, 1),
            TableCell::text("says \"hi\", <b>&"),
        ]),
        Row::new(vec![
            TableCell::text("least_laxity"),
            TableCell::estimate(-100.0, 1, 12.0),
            TableCell::missing(),
        ]),
        Row {
            cells: vec![
                TableCell::text("_first_come"),
                TableCell::number(-0.01, 1),
                TableCell::number(f64::NAN, 1),
                TableCell::blank(),
            ],
            starts_group: true,
        },
    ];
    table.notes = vec!["Shares are of released jobs; a job that is dropped counts as missed.".into()];
    table
}

#[track_caller]
fn width(table: &TextTable, width: usize) -> String {
    table.to_terminal(&TerminalStyle { width, ..TerminalStyle::default() })
}

#[test]
fn terminal_form_of_every_kind_of_cell() {
    insta::assert_snapshot!("terminal_every_kind", width(&every_kind(), 100));
    let ascii = TerminalStyle { ascii: true, ..TerminalStyle::default() };
    insta::assert_snapshot!("terminal_every_kind_ascii", every_kind().to_terminal(&ascii));
}

#[test]
fn markdown_html_and_csv_of_every_kind_of_cell() {
    insta::assert_snapshot!("markdown_every_kind", every_kind().to_markdown());
    insta::assert_snapshot!("html_every_kind", every_kind().to_html());
    insta::assert_snapshot!("csv_every_kind", every_kind().to_csv());
}

#[test]
fn a_table_that_does_not_fit_becomes_blocks() {
    let report = report_of(&scored(), SWEEP);
    for columns in [60, 100, 160] {
        insta::assert_snapshot!(format!("scores_at_{columns}"), width(&report.tables[1].table, columns));
    }
    insta::assert_snapshot!("best_at_60", width(&report.tables[3].table, 60));
}

#[test]
fn widths_below_the_floor_count_as_the_floor() {
    assert_eq!(width(&every_kind(), 3), width(&every_kind(), 60));
}

#[test]
fn colour_adds_escapes_and_nothing_else() {
    let coloured = every_kind().to_terminal(&TerminalStyle { colour: true, ..TerminalStyle::default() });
    assert!(coloured.contains("\u{1b}[1m"));
    assert_eq!(plain(&coloured), width(&every_kind(), 100));
}

#[test]
fn an_empty_table_is_no_trouble() {
    let empty = TextTable::new("", Vec::new());
    assert_eq!(width(&empty, 80), "");
    assert_eq!(empty.to_markdown(), "");
    assert_eq!(empty.to_csv(), "\n");
    common::assert_well_formed(&empty.to_html());
}

fn random_table(draws: &mut Draws) -> TextTable {
    let columns = 1 + draws.below(9);
    let mut table = TextTable::new(draws.label(), Vec::new());
    table.label_columns = draws.below(4) as usize;
    for _ in 0..columns {
        let unit = (draws.below(2) == 0).then(|| draws.label());
        let align = if draws.below(2) == 0 { Align::Left } else { Align::Right };
        table.columns.push(Column { name: draws.label(), unit, align });
    }
    for _ in 0..draws.below(6) {
        let cells = (0..draws.below(columns + 2))
            .map(|_| {
                let cell = match draws.below(5) {
                    0 => TableCell::blank(),
                    1 => TableCell::missing(),
                    2 => TableCell::text(format!("{}{}", draws.label(), draws.label())),
                    3 => TableCell::number(draws.number(), draws.below(5) as u8),
                    _ => TableCell::estimate(draws.number(), draws.below(5) as u8, draws.number().abs()),
                };
                cell.with_strong(draws.below(6) == 0)
            })
            .collect();
        table.rows.push(Row { cells, starts_group: draws.below(4) == 0 });
    }
    table.notes = (0..draws.below(3)).map(|_| draws.label().repeat(6)).collect();
    table
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let mut draws = Draws(1);
    for case in 0..2000 {
        let table = random_table(&mut draws);
        let style = TerminalStyle {
            width: 60 + draws.below(100) as usize,
            colour: draws.below(3) == 0,
            ascii: draws.below(3) == 0,
        };
        let text = plain(&table.to_terminal(&style));
        for line in text.lines() {
            assert!(columns(line) <= style.width, "case {case}: {line:?} is wider than {}", style.width);
            assert_eq!(line, line.trim_end(), "case {case}: spaces at the end of a line");
        }
    }
}

#[test]
fn every_number_of_a_wide_table_appears_in_some_block() {
    let mut table = TextTable::new("", vec![Column::text("row")]);
    table.columns.extend((0..40).map(|column| Column::number(format!("column_{column}"))));
    let mut cells = vec![TableCell::text("only_row")];
    cells.extend((0..40).map(|column| TableCell::number(1000.0 + f64::from(column), 2)));
    table.rows.push(Row::new(cells));
    let text = width(&table, 60);
    for column in 0..40 {
        assert!(text.contains(&format!("{}.00", 1000 + column)), "column {column}");
    }
    assert!(text.matches("only_row").count() > 5);
}

#[test]
fn markup_of_any_table_is_well_formed() {
    let mut draws = Draws(2);
    for _ in 0..500 {
        let html = random_table(&mut draws).to_html();
        common::assert_well_formed(&format!("<div>{html}</div>"));
    }
}

#[test]
fn csv_of_any_table_has_equal_rows() {
    let mut draws = Draws(3);
    for _ in 0..500 {
        let table = random_table(&mut draws);
        let counts = csv_fields(&table.to_csv());
        assert_eq!(counts.len(), table.rows.len() + 1);
        assert!(counts.iter().all(|count| *count == counts[0]), "{counts:?}");
    }
}

/// The number of fields of each record.
fn csv_fields(csv: &str) -> Vec<usize> {
    let (mut counts, mut fields, mut quoted) = (Vec::new(), 1, false);
    for c in csv.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => fields += 1,
            '\n' if !quoted => counts.push(std::mem::replace(&mut fields, 1)),
            _ => {}
        }
    }
    counts
}
