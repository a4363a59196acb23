//! The tables of an evaluation.

use super::ReportTable;
use super::grid::{Grid, Over, Score};
use crate::table::{Cell, Column, Row, TextTable};
use crate::text::{capitalised, fixed};

/// Scores by platform and scenario, with the means over scenarios.
pub(super) fn scores(grid: &Grid<'_>) -> ReportTable {
    let decimals = grid.metric.decimals;
    let mut columns = platform_columns(grid);
    columns.extend(grid.scenarios.iter().map(Column::number));
    columns.push(Column::number("mean"));
    columns.push(Column::number("geo. mean"));
    let mut table = TextTable::new(title(grid, "by platform and scenario"), columns);
    table.label_columns = grid.platform_axes.len();

    let value = |platform: usize, column: usize| match column.checked_sub(grid.scenarios.len()) {
        None => grid.score(platform, column).map(|score| score.mean),
        Some(0) => grid.mean(platform).map(|score| score.mean),
        Some(_) => grid.geometric_mean(platform),
    };
    let count = grid.scenarios.len() + 2;
    let platforms = 0..grid.platforms.len();
    let best: Vec<Option<f64>> = (0..count)
        .map(|column| grid.best_value(platforms.clone().filter_map(|platform| value(platform, column))))
        .collect();
    for platform in platforms.clone() {
        let mut cells = platform_cells(grid, platform);
        for (column, best) in best.iter().enumerate() {
            cells.push(value(platform, column).map_or_else(Cell::missing, |value| {
                Cell::number(value, decimals).with_strong(*best == Some(value))
            }));
        }
        table.rows.push(Row { cells, starts_group: starts_group(grid, platform) });
    }
    table.notes.push("Best of each column: starred or bold.".to_owned());
    let missing = grid.platforms.iter().enumerate().any(|(platform, _)| grid.mean(platform).is_none());
    if missing {
        table.notes.push("No mean (—) where the score of a scenario is missing.".to_owned());
    }
    if platforms.clone().any(|p| grid.mean(p).is_some() && grid.geometric_mean(p).is_none()) {
        table.notes.push("No geometric mean (—) where a score is zero or negative.".to_owned());
    }
    table.notes.extend(runs_note(grid));
    ReportTable { name: "scores".to_owned(), table }
}

/// Means with the half-widths of their confidence intervals, for the scenarios that have any.
pub(super) fn confidence(grid: &Grid<'_>) -> Option<ReportTable> {
    if !grid.is_sampled() {
        return None;
    }
    let decimals = grid.metric.decimals;
    let sampled: Vec<usize> = (0..grid.scenarios.len())
        .filter(|&scenario| {
            (0..grid.platforms.len())
                .any(|platform| grid.score(platform, scenario).is_some_and(|score| score.interval.is_some()))
        })
        .collect();
    let mut columns = platform_columns(grid);
    columns.extend(sampled.iter().map(|&scenario| Column::number(&grid.scenarios[scenario])));
    columns.push(Column::number("mean of all scenarios"));
    let level = level(grid);
    let mut table = TextTable::new(title(grid, &format!("with {level} confidence half-widths")), columns);
    table.label_columns = grid.platform_axes.len();
    for platform in 0..grid.platforms.len() {
        let mut cells = platform_cells(grid, platform);
        let columns = sampled.iter().map(|&scenario| Over::Scenario(scenario)).chain([Over::Mean]);
        cells.extend(columns.map(|column| estimate(grid.score_of(platform, column), decimals)));
        table.rows.push(Row { cells, starts_group: starts_group(grid, platform) });
    }
    table.notes.push(format!(
        "The number behind ± is half the width of the {level} confidence interval; scenarios that do not \
         vary from run to run are left out."
    ));
    table.notes.push(
        "The half-width of the mean of all scenarios is the mean of theirs: an upper bound, reached when \
         scenarios vary together."
            .to_owned(),
    );
    table.notes.extend(runs_note(grid));
    Some(ReportTable { name: "confidence".to_owned(), table })
}

/// The best platform of each scenario in each budget, and the next one.
pub(super) fn best(grid: &Grid<'_>) -> ReportTable {
    let decimals = grid.metric.decimals;
    let budgeted = grid.budgets.len() > 1;
    // What is told apart within a budget: policies where a sweep has several, else platforms.
    let is_policy = grid.platform_axes.last().is_some_and(|axis| axis == "policy");
    let what = if is_policy { "policy" } else { "platform" };
    let mut columns = vec![Column::text(grid.scenario_axis)];
    if budgeted {
        columns.push(Column::text(grid.budget_axis.unwrap_or("budget")));
    }
    columns.push(Column::text("best"));
    columns.push(Column::number(&grid.metric.name));
    columns.push(Column::text("next"));
    columns.push(Column::number("behind"));
    if let Some(unit) = &grid.metric.unit {
        let numbers = columns.iter_mut().filter(|column| column.align == crate::table::Align::Right);
        numbers.for_each(|column| column.unit = Some(unit.clone()));
    }
    let mut table = TextTable::new(title(grid, &format!("of the best {}", plural(what))), columns);
    table.label_columns = if budgeted { 2 } else { 1 };

    let mut tied = false;
    for column in grid.columns() {
        for budget in 0..grid.budgets.len() {
            let ranking = Ranking::of(grid, column, budget);
            tied |= ranking.best.len() > 1 || ranking.next.len() > 1;
            let scenario = match column {
                Over::Scenario(scenario) => grid.scenarios[scenario].clone(),
                Over::Mean => "mean".to_owned(),
            };
            let mut cells = vec![Cell::text(scenario)];
            if budgeted {
                cells.push(Cell::text(&grid.budgets[budget]));
            }
            cells.push(names(grid, &ranking.best));
            cells.push(estimate(ranking.first_score(grid, column), decimals));
            cells.push(names(grid, &ranking.next));
            cells.push(
                ranking.gap.map_or_else(Cell::blank, |gap| Cell::number(gap, decimals.saturating_add(1))),
            );
            table.rows.push(Row { cells, starts_group: budgeted && budget == 0 });
        }
    }
    table.notes.push(format!("“behind” is the distance of the next {what} from the best."));
    if tied {
        table.notes.push(format!("“+k” counts further {} with exactly the same value.", plural(what)));
    }
    if grid.is_sampled() {
        table.notes.push(format!(
            "± is half the width of the {} confidence interval of that mean alone; whether two platforms \
             differ is for a paired comparison to say.",
            level(grid)
        ));
    }
    ReportTable { name: "best".to_owned(), table }
}

fn plural(what: &str) -> &'static str {
    if what == "policy" { "policies" } else { "platforms" }
}

/// The best platforms of a column within a budget, and those that follow.
struct Ranking {
    best: Vec<usize>,
    next: Vec<usize>,
    gap: Option<f64>,
}

impl Ranking {
    fn of(grid: &Grid<'_>, column: Over, budget: usize) -> Ranking {
        let scores: Vec<(usize, f64)> = grid
            .platforms
            .iter()
            .enumerate()
            .filter(|(_, platform)| platform.budget == budget)
            .filter_map(|(index, _)| grid.score_of(index, column).map(|score| (index, score.mean)))
            .collect();
        let having = |value: Option<f64>| -> Vec<usize> {
            scores.iter().filter(|(_, mean)| Some(*mean) == value).map(|(index, _)| *index).collect()
        };
        let first = grid.best_value(scores.iter().map(|(_, mean)| *mean));
        let second =
            grid.best_value(scores.iter().map(|(_, mean)| *mean).filter(|mean| Some(*mean) != first));
        let gap = first.zip(second).map(|(first, second)| (first - second).abs());
        Ranking { best: having(first), next: having(second), gap }
    }

    fn first_score(&self, grid: &Grid<'_>, column: Over) -> Option<Score> {
        self.best.first().and_then(|&platform| grid.score_of(platform, column))
    }
}

fn names(grid: &Grid<'_>, platforms: &[usize]) -> Cell {
    match platforms {
        [] => Cell::missing(),
        [only] => Cell::text(grid.name_within_budget(*only)),
        [first, others @ ..] => Cell::text(format!("{} +{}", grid.name_within_budget(*first), others.len())),
    }
}

fn estimate(score: Option<Score>, decimals: u8) -> Cell {
    match score {
        None => Cell::missing(),
        Some(Score { mean, interval: Some(interval), .. }) => {
            Cell::estimate(mean, decimals, interval.half_width())
        }
        Some(Score { mean, .. }) => Cell::number(mean, decimals),
    }
}

fn platform_columns(grid: &Grid<'_>) -> Vec<Column> {
    grid.platform_axes.iter().map(Column::text).collect()
}

fn platform_cells(grid: &Grid<'_>, platform: usize) -> Vec<Cell> {
    grid.platforms[platform].names.iter().map(Cell::text).collect()
}

/// A platform starts a group where groups have several members.
fn starts_group(grid: &Grid<'_>, platform: usize) -> bool {
    grid.platform_axes.len() > 1
        && platform > 0
        && grid.platforms[platform].group() != grid.platforms[platform - 1].group()
}

fn title(grid: &Grid<'_>, rest: &str) -> String {
    format!("{} {rest}", capitalised(&grid.metric_label()))
}

pub(super) fn level(grid: &Grid<'_>) -> String {
    let percent = grid.confidence_percent;
    format!("{} %", fixed(percent, if percent.fract() == 0.0 { 0 } else { 1 }))
}

/// How many runs are behind sampled means.
fn runs_note(grid: &Grid<'_>) -> Option<String> {
    let counts: Vec<u64> = (0..grid.platforms.len())
        .flat_map(|platform| (0..grid.scenarios.len()).map(move |scenario| (platform, scenario)))
        .filter_map(|(platform, scenario)| grid.score(platform, scenario))
        .filter(|score| score.interval.is_some())
        .map(|score| score.n)
        .collect();
    let (least, most) = (counts.iter().min()?, counts.iter().max()?);
    Some(if least == most {
        format!("Scenarios that vary from run to run: means over {least} runs.")
    } else {
        format!("Scenarios that vary from run to run: means over {least} to {most} runs.")
    })
}
