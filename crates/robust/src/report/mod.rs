//! Outcomes to read: sentences, tables, figures, CSV and JSON.

mod data;
mod figure;
mod table;
mod words;

use rtmm_report::{Fact, Report, ReportFigure, ReportTable, TextTable};

use crate::axes::AxisRow;
use crate::outcome::{AxisOutcome, Outcome};

pub use data::{csv, json};
pub use words::{margin, sentences};

/// The group of a report's sections, along an axis.
fn group(axis: &AxisRow) -> String {
    format!("Robustness: {}", axis.name)
}

/// The tables of an outcome: along each axis the conclusions that survive, then all contests.
#[must_use]
pub fn tables(outcome: &Outcome) -> Vec<TextTable> {
    outcome
        .axes
        .iter()
        .flat_map(|axis| [table::survivors(outcome, axis), table::contests(outcome, axis)])
        .collect()
}

/// The report of an outcome by itself: a page with its tables and figures. `command` makes it again.
#[must_use]
pub fn report(outcome: &Outcome, title: &str, command: &str) -> Report {
    let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
    let seeds: Vec<String> = outcome.seeds.iter().map(u64::to_string).collect();
    let mut report = Report {
        title: title.to_owned(),
        description: "How wrong inputs may be before a conclusion turns.".to_owned(),
        conclusion: sentences(outcome),
        facts: vec![
            fact("command", command.to_owned()),
            fact("systems", outcome.places.join("; ")),
            fact("policies", outcome.policies_in_full.join("; ")),
            fact("seeds", seeds.join(", ")),
            fact("draws", words::draws(outcome)),
            fact("error of cost models", outcome.stated.sentence()),
        ],
        ..Report::default()
    };
    add(&mut report, outcome);
    report
}

/// Adds an outcome to a report, such as that of a sweep: a group of sections an axis, and the curves as a file of values.
pub fn add(report: &mut Report, outcome: &Outcome) {
    for axis in &outcome.axes {
        report.add_group(&group(&axis.axis));
        add_axis(report, outcome, axis);
    }
    report.values.push(("robustness".to_owned(), csv(outcome)));
}

fn add_axis(report: &mut Report, outcome: &Outcome, axis: &AxisOutcome) {
    let group = group(&axis.axis);
    for (metric, of) in outcome.metrics.iter().enumerate() {
        if let Some(drawn) = figure::of(outcome, axis, metric) {
            report.figures.push(ReportFigure {
                name: format!("robustness_{}_{}", axis.axis.name, of.column.name),
                group: group.clone(),
                title: drawn.title,
                caption: drawn.caption,
                svg: drawn.svg,
            });
        }
    }
    for (name, table, on_terminal) in [
        ("survivors", table::survivors(outcome, axis), true),
        ("contests", table::contests(outcome, axis), outcome.policies.len() <= table::FEW_POLICIES),
    ] {
        report.tables.push(ReportTable {
            name: format!("robustness_{}_{name}", axis.axis.name),
            group: group.clone(),
            table,
            on_terminal,
        });
    }
}
