//! Tables of outcomes.

use rtmm_report::{Column, Row, TableCell, TextTable};

use super::words::{margin, with_space};
use crate::contest::Contest;
use crate::outcome::{AxisOutcome, Outcome};
use crate::size::Size;

/// Of so many policies a terminal is shown all contests.
pub(super) const FEW_POLICIES: usize = 5;

/// Heading of a size, such as `20 %`.
fn heading(axis: &AxisOutcome, size: Size) -> String {
    format!("{size} %{}", with_space(axis.axis.unit))
}

/// The conclusions in each metric, and how many of them survive errors of each size.
pub(super) fn survivors(outcome: &Outcome, axis: &AxisOutcome) -> TextTable {
    let level = outcome.levels.first().map_or(0, |level| level.percent());
    let mut columns = vec![Column::text("metric"), Column::number("conclusions")];
    columns.extend(axis.sizes.iter().map(|size| Column::number(heading(axis, *size))));
    if axis.axis.is_of_costs && outcome.stated.error.is_some() {
        columns.push(Column::number("within stated error"));
    }
    let mut table =
        TextTable::new(format!("Conclusions that survive, where {} as much", axis.axis.subject), columns);
    for (metric, of) in outcome.metrics.iter().enumerate() {
        let count = |count: usize| TableCell::number(count as f64, 0);
        let mut cells =
            vec![TableCell::text(of.label()), count(axis.survivors(metric, Size::ZERO).conclusions)];
        cells.extend(axis.sizes.iter().map(|size| count(axis.survivors(metric, *size).surviving)));
        if axis.axis.is_of_costs && outcome.stated.error.is_some() {
            let of_metric = axis.contests.iter().filter(|contest| contest.metric == metric);
            cells.push(count(
                of_metric.filter(|contest| contest.is_within(&outcome.stated) == Some(true)).count(),
            ));
        }
        table.rows.push(Row::new(cells));
    }
    table.notes.push(format!(
        "A conclusion is that one of two policies beats the other without errors. It survives a size if it does so in \
         {level} % of the draws of every size up to it."
    ));
    table
}

/// Every pair of policies in every metric, with probabilities and flip margins.
pub(super) fn contests(outcome: &Outcome, axis: &AxisOutcome) -> TextTable {
    let mut columns = vec![
        Column::text("metric"),
        Column::text("better"),
        Column::text("than"),
        Column::number("by").with_unit("%"),
    ];
    columns.extend(axis.sizes.iter().map(|size| Column::number(heading(axis, *size))));
    columns.extend(
        outcome.levels.iter().map(|level| Column::number(format!("margin at {} %", level.percent()))),
    );
    let [has_seeds, has_systems] = [
        outcome.tests.iter().any(|test| test.seeds.is_some()),
        outcome.tests.iter().any(|test| test.systems.is_some()),
    ];
    columns.extend(has_seeds.then(|| Column::number("p over seeds")));
    columns.extend(has_systems.then(|| Column::number("p over systems")));
    columns.push(Column::text("note"));
    let mut table = TextTable::new(format!("Every pair, where {} as much", axis.axis.subject), columns);
    table.label_columns = 3;
    let mut last = None;
    for contest in &axis.contests {
        let mut cells = vec![
            TableCell::text(outcome.metrics[contest.metric].label()),
            TableCell::text(&outcome.policies[contest.winner]),
            TableCell::text(&outcome.policies[contest.loser]),
            by(contest).map_or_else(TableCell::missing, |percent| TableCell::number(percent, 1)),
        ];
        cells.extend(axis.sizes.iter().map(|size| {
            let point = contest.point(*size).filter(|_| !contest.is_tied);
            point.map_or_else(TableCell::missing, |point| TableCell::number(100.0 * point.probability(), 0))
        }));
        cells.extend((0..outcome.levels.len()).map(|level| {
            contest.margins.get(level).map_or_else(TableCell::missing, |of| TableCell::text(margin(of)))
        }));
        let test = outcome.test(contest);
        let probability = |p: Option<f64>| p.map_or_else(TableCell::missing, |p| TableCell::number(p, 4));
        cells.extend(has_seeds.then(|| probability(test.and_then(|test| test.seeds))));
        cells.extend(has_systems.then(|| probability(test.and_then(|test| test.systems))));
        cells.push(TableCell::text(note(outcome, axis, contest)));
        table.rows.push(Row { cells, starts_group: last.is_some_and(|metric| metric != contest.metric) });
        last = Some(contest.metric);
    }
    table.notes = notes(outcome, axis, [has_seeds, has_systems]);
    table
}

/// Distance of the winner from the loser, in percent of the loser's value; none where that is zero.
fn by(contest: &Contest) -> Option<f64> {
    let [winner, loser] = [contest.values[0]?, contest.values[1]?];
    (loser != 0.0).then(|| 100.0 * (winner - loser).abs() / loser.abs())
}

fn note(outcome: &Outcome, axis: &AxisOutcome, contest: &Contest) -> String {
    let mut notes = Vec::new();
    if contest.is_tied {
        let is_missing = contest.values.iter().any(Option::is_none);
        notes.push(if is_missing { "no value" } else { "equal" });
    }
    if axis.axis.is_of_costs && contest.is_within(&outcome.stated) == Some(true) {
        notes.push("within stated error");
    }
    if contest.rises {
        notes.push("not monotone");
    }
    notes.join(", ")
}

fn notes(outcome: &Outcome, axis: &AxisOutcome, [has_seeds, has_systems]: [bool; 2]) -> Vec<String> {
    let mut notes = vec![format!(
        "Under sizes stands the percent of draws in which the better one stays better; margins are in percent. Sizes are {}: {}. The flip margin lies \
         between the greatest simulated size up to which the better one wins in so many of {} draws, and the least at which \
         it does not.",
        if axis.axis.unit.is_empty() { "one standard deviation" } else { "parts of the band to either side" },
        axis.axis.meaning,
        outcome.draws
    )];
    if has_seeds || has_systems {
        notes.push(
            "p: two-sided signed-rank tests without errors, corrected by Holm's procedure for all pairs of a metric.".to_owned(),
        );
    }
    if axis.contests.iter().any(|contest| contest.rises) {
        notes.push(
            "“not monotone”: the share of draws rises from one size to a greater one; the margin is of its first fall."
                .to_owned(),
        );
    }
    if axis.axis.is_of_costs {
        notes.push(outcome.stated.sentence());
    }
    notes
}
