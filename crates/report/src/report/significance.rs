//! Significance: tests of pairs of competitors, over seeds and over systems.

use rtmm_sweep::ranking::{Competitors, PairTest, Standings};
use rtmm_sweep::results::Results;
use rtmm_sweep::runner::{Better, Column as Measured};

use super::answer;
use super::reading::{decimals, factor_of, name_of, unit_of};
use crate::table::{Column, Row, TableCell, TextTable};
use crate::text::capitalised;

/// Of more competitors, each is tested against the best alone.
const MAX_OF_ALL_PAIRS: usize = 16;
/// The most rows.
const MAX_ROWS: usize = 120;
/// Corrected probabilities below this tell two apart.
const LEVEL: f64 = 0.05;

/// A table for each summarised column of which more or less is better, with the stem of its name; none where nothing competes,
/// or there are neither several seeds nor several systems.
pub(super) fn tables(results: &Results<'_>) -> Vec<(String, TextTable)> {
    let plan = results.plan();
    let Some(competitors) = Competitors::of(plan) else { return Vec::new() };
    let names = answer::names_of(plan, competitors);
    let columns = plan.spec().cell_columns.iter().enumerate();
    let judged = columns.filter_map(|(index, column)| Some((index, column, column.better?)));
    let of_column = |(index, column, better): (usize, &Measured, Better)| {
        let standings = Standings::of(results, competitors, index)?;
        let table = table(&standings, column, better, &names)?;
        Some((format!("significance_{}", column.name), table))
    };
    judged.filter(|(_, column, _)| column.summarised).filter_map(of_column).collect()
}

/// Competitors that have a value, the best first; equal ones in the order of the plan.
fn ranked(standings: &Standings, better: Better, count: usize) -> Vec<usize> {
    let mut ranked: Vec<(usize, f64)> =
        (0..count).filter_map(|one| Some((one, standings.value(one)?))).collect();
    ranked.sort_by(|(_, one), (_, other)| match better {
        Better::Lower => one.total_cmp(other),
        Better::Higher => other.total_cmp(one),
    });
    ranked.into_iter().map(|(one, _)| one).collect()
}

fn table(standings: &Standings, column: &Measured, better: Better, names: &[String]) -> Option<TextTable> {
    let ranked = ranked(standings, better, names.len());
    let against = |best: usize| {
        let best_one = ranked[best];
        ranked[best + 1..].iter().map(move |other| (best_one, *other))
    };
    let is_all = ranked.len() <= MAX_OF_ALL_PAIRS;
    let bests = if is_all { ranked.len() } else { 1 };
    let pairs: Vec<(usize, usize)> = (0..bests).flat_map(against).collect();
    let tests = standings.tests(&pairs);
    let [has_seeds, has_systems] =
        [tests.iter().any(|test| test.seeds.is_some()), tests.iter().any(|test| test.places.is_some())];
    if !has_seeds && !has_systems {
        return None;
    }
    let unit = unit_of(column);
    let by = Column::number("by");
    let mut columns = vec![
        Column::text("better"),
        Column::text("than"),
        unit.map_or(by.clone(), |unit| by.with_unit(unit)),
    ];
    columns.extend(has_systems.then(|| Column::number("better in")));
    columns.extend(has_seeds.then(|| Column::number("p over seeds")));
    columns.extend(has_systems.then(|| Column::number("p over systems")));
    columns.push(Column::text("told apart"));
    let title = format!("Significance: {}", name_of(column));
    let mut table = TextTable::new(capitalised(&title), columns);
    table.label_columns = 2;
    let factor = factor_of(column);
    let digits = decimals(column.unit, tests.iter().map(|test| test.difference * factor)).saturating_add(1);
    for test in tests.iter().take(MAX_ROWS) {
        let probability = |p: Option<f64>| p.map_or_else(TableCell::missing, |p| TableCell::number(p, 4));
        let mut cells = vec![
            TableCell::text(&names[test.one]),
            TableCell::text(&names[test.other]),
            TableCell::number(test.difference.abs() * factor, digits),
        ];
        let wins = if better == Better::Lower { test.below } else { test.above };
        cells.extend(has_systems.then(|| TableCell::text(format!("{wins} of {}", standings.places()))));
        cells.extend(has_seeds.then(|| probability(test.seeds)));
        cells.extend(has_systems.then(|| probability(test.places)));
        cells.push(TableCell::text(told_apart(test)));
        table.rows.push(Row::new(cells));
    }
    table.notes = notes(is_all, tests.len());
    Some(table)
}

/// The samples over which a difference is significant.
fn told_apart(test: &PairTest) -> &'static str {
    let [seeds, systems] = [test.seeds, test.places].map(|p| p.is_some_and(|p| p < LEVEL));
    match (seeds, systems) {
        (true, true) => "over seeds and systems",
        (true, false) => "over seeds",
        (false, true) => "over systems",
        (false, false) => "no",
    }
}

fn notes(is_all: bool, tests: usize) -> Vec<String> {
    let which = if is_all { "all pairs" } else { "all against the best" };
    let mut notes = vec![format!(
        "p: two-sided signed-rank tests of paired differences, over the seeds (of means over systems) and over the systems (of \
         means over seeds), corrected by Holm's procedure for {which}: with p below {LEVEL}, none of these claims is false with \
         95 %. Fewer than six seeds or systems cannot get there."
    )];
    if tests > MAX_ROWS {
        notes.push(format!("{} pairs more are tested, and left out here.", tests - MAX_ROWS));
    }
    notes
}
