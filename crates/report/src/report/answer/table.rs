//! The ranking as a table.

use rtmm_sweep::ranking::{Estimated, Ranked, Standings, Verdict};
use rtmm_sweep::runner::{Better, Column as Measured};
use rtmm_sweep::statistics::{CONFIDENCE, Interval};

use super::conclusion::{Competition, Conclusion, Outcome};
use crate::report::reading::{decimals, factor_of, name_of, unit_of};
use crate::table::{Column, Row, TableCell, TextTable};
use crate::text::{capitalised, fixed};

/// The most rows; summaries have all competitors.
const MAX_ROWS: usize = 40;

/// The ranking; `None` where nothing competes.
pub(in super::super) fn table(conclusion: &Conclusion, names: &[String], what: &str) -> Option<TextTable> {
    let Outcome::Ranked(competition) = &conclusion.outcome else { return None };
    let ranking = &competition.ranking;
    let shown = &ranking.ranked[..ranking.ranked.len().min(MAX_ROWS)];
    let metric = &conclusion.metric;
    let has_intervals = shown.iter().any(|ranked| ranked.interval.is_some());
    let interval = || Column::number(format!("{:.0} % interval", 100.0 * CONFIDENCE));
    let mut columns =
        vec![Column::number("rank"), Column::text(what), number(name_of(metric), unit_of(metric))];
    columns.extend(has_intervals.then(interval));
    columns.push(number("from the best".to_owned(), unit_of(metric)));
    columns.extend(has_intervals.then(interval));
    columns.push(Column::text("verdict"));
    let spending = competition.spending.as_ref().zip(conclusion.expense.as_ref());
    if let Some((_, expense)) = spending {
        columns.push(number(name_of(expense), unit_of(expense)));
        columns.push(number("from the best".to_owned(), Some("%".to_owned())));
    }
    let mut table = TextTable::new(capitalised(&format!("Ranking by {}", name_of(metric))), columns);
    table.label_columns = 2;
    let factor = factor_of(metric);
    let digits = decimals(metric.unit, shown.iter().map(|ranked| ranked.value * factor));
    let spent = spending.map(|(standings, expense)| Spent::of(standings, expense, shown));
    let mut rank = 0;
    for (position, ranked) in shown.iter().enumerate() {
        // Equal values share a rank.
        if position == 0 || shown[position - 1].value != ranked.value {
            rank = position + 1;
        }
        let mut cells = vec![
            TableCell::text(rank.to_string()),
            TableCell::text(&names[ranked.competitor]),
            TableCell::number(ranked.value * factor, digits),
        ];
        cells.extend(has_intervals.then(|| range(ranked.interval, factor, digits)));
        let digits = digits.saturating_add(1);
        let difference = difference_of(&ranked.verdict);
        cells.push(difference.map_or_else(TableCell::blank, |difference| {
            TableCell::number(difference.value * factor, digits)
        }));
        let between = difference.and_then(|difference| difference.interval);
        cells.extend(has_intervals.then(|| match difference {
            Some(_) => range(between, factor, digits),
            None => TableCell::blank(),
        }));
        cells.push(TableCell::text(verdict(&ranked.verdict)).with_strong(position == 0));
        cells.extend(
            spent.as_ref().map(|spent| spent.cells(ranked, shown[0].competitor)).into_iter().flatten(),
        );
        table.rows.push(Row::new(cells));
    }
    table.notes = notes(conclusion, competition, shown.len());
    Some(table)
}

fn number(name: String, unit: Option<String>) -> Column {
    let column = Column::number(name);
    match unit {
        Some(unit) => column.with_unit(unit),
        None => column,
    }
}

/// Expenses of competitors.
struct Spent<'s> {
    standings: &'s Standings,
    factor: f64,
    decimals: u8,
}

impl<'s> Spent<'s> {
    fn of(standings: &'s Standings, expense: &Measured, shown: &[Ranked]) -> Self {
        let factor = factor_of(expense);
        let values = shown.iter().filter_map(|ranked| standings.value(ranked.competitor));
        Self { standings, factor, decimals: decimals(expense.unit, values.map(|value| value * factor)) }
    }

    fn cells(&self, ranked: &Ranked, best: usize) -> [TableCell; 2] {
        let value = self.standings.value(ranked.competitor);
        let relative = self.standings.relative_difference(ranked.competitor, best);
        let relative = relative.filter(|_| ranked.competitor != best);
        [
            value.map_or_else(TableCell::missing, |value| {
                TableCell::number(value * self.factor, self.decimals)
            }),
            relative.map_or_else(TableCell::blank, |relative| {
                let value = 100.0 * relative.value;
                match relative.interval {
                    Some(interval) => TableCell::estimate(value, 1, 50.0 * (interval.high - interval.low)),
                    None => TableCell::number(value, 1),
                }
            }),
        ]
    }
}

fn difference_of(verdict: &Verdict) -> Option<Estimated> {
    match verdict {
        Verdict::Best => None,
        Verdict::Equal => Some(Estimated { value: 0.0, interval: None }),
        Verdict::NotToldApart(difference) | Verdict::Behind(difference) | Verdict::Unknown(difference) => {
            Some(*difference)
        }
    }
}

fn range(interval: Option<Interval>, factor: f64, decimals: u8) -> TableCell {
    interval.map_or_else(TableCell::blank, |interval| {
        let [low, high] = [interval.low, interval.high].map(|end| fixed(end * factor, decimals));
        TableCell::text(format!("{low} to {high}"))
    })
}

fn verdict(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Best => "best",
        Verdict::Equal => "equal",
        Verdict::NotToldApart(_) => "not told apart",
        Verdict::Behind(_) => "behind",
        Verdict::Unknown(_) => "unknown",
    }
}

fn notes(conclusion: &Conclusion, competition: &Competition, shown: usize) -> Vec<String> {
    let ranking = &competition.ranking;
    let better = match ranking.better {
        Better::Lower => "less is better",
        Better::Higher => "more is better",
    };
    let mut notes = vec![format!("{}; {better}.", capitalised(conclusion.metric.meaning))];
    let verdicts = || ranking.ranked.iter().map(|ranked| &ranked.verdict);
    if verdicts().any(|verdict| matches!(verdict, Verdict::NotToldApart(_) | Verdict::Behind(_)))
        && ranking.ranked.iter().any(|ranked| ranked.interval.is_some())
    {
        notes.push(
            "Differences from the best are over the seeds that both have, seed by seed; an interval that excludes zero \
             tells two apart. Of many pairs without a difference, about one in fifteen seems told apart by chance."
                .to_owned(),
        );
    }
    if verdicts().any(|verdict| matches!(verdict, Verdict::Unknown(_))) {
        notes.push("“unknown”: too few seeds to tell two apart.".to_owned());
    }
    if verdicts().any(|verdict| matches!(verdict, Verdict::Equal)) {
        notes.push("“equal”: the same value in each case under each seed.".to_owned());
    }
    if competition.spending.is_some()
        && let Some(expense) = &conclusion.expense
    {
        notes.push(format!(
            "{}; its distance from the best is in percent of that.",
            capitalised(expense.meaning)
        ));
    }
    if ranking.ranked.len() > shown {
        notes.push(format!("{} more are in summary.csv.", ranking.ranked.len() - shown));
    }
    notes
}
