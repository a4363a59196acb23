//! Tables of figures: the values of a panel, for readers and for programs.

use rtmm_sweep::figures::data::{Estimate, Overall, Panel};
use rtmm_sweep::figures::{Across, Content, Dimension};
use rtmm_sweep::runner::Better;
use rtmm_sweep::statistics::mean;

use super::drawing::interval;
use super::reading::{best, decimals, unit_of};
use super::wording::Wording;
use crate::table::{Column, Row, TableCell, TextTable};
use crate::text::capitalised;

/// A table for readers. What stands across a figure goes down, so that it fits a terminal, and so do series where
/// they are more; a heat map stays as it is drawn; of a time series it has what becomes of each series.
pub(super) fn table(wording: &Wording<'_>, panel: &Panel) -> TextTable {
    let [across, other] = wording.figure.content.dimensions();
    match (&wording.figure.content, across, other) {
        (Content::TimeSeries { .. }, _, Some(series)) => over_time(wording, panel, series),
        (Content::Scatter { x, y, .. }, _, Some(series)) => against(wording, panel, [*x, *y], series),
        (_, Some(across), Some(series)) => grid(wording, panel, across, series),
        _ => TextTable::new(wording.title(panel), Vec::new()),
    }
}

/// Values of a table among which one is the best.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compared {
    /// Of a search over two numbers.
    All,
    Rows,
    Columns,
}

/// The values with rows and columns as they are printed.
struct Values {
    rows: Vec<String>,
    columns: Vec<String>,
    /// By row.
    values: Vec<Vec<Option<Estimate>>>,
    /// Number of the last rows, which join the others.
    joined_rows: usize,
    compared: Compared,
    intervals: bool,
    /// Head of the column that names rows.
    head: String,
}

fn grid(wording: &Wording<'_>, panel: &Panel, across: &Dimension, series: &Dimension) -> TextTable {
    let overall = || panel.overall.iter().map(|overall| overall.across.to_string());
    let all: Vec<Vec<Option<Estimate>>> =
        panel.values.iter().chain(panel.overall.iter().map(|overall| &overall.values)).cloned().collect();
    let turned = || (0..panel.series.len()).map(|row| all.iter().map(|of| of[row]).collect()).collect();
    let is_numeric = || panel.series.iter().chain(&panel.across).all(|member| member.number.is_some());
    let is_candidate =
        series.is_of_policy() && !matches!(series, Dimension::Parameter(_)) || *series == Dimension::Platform;
    let values = match wording.figure.content {
        Content::HeatMap { overall: has_overall, .. } => Values {
            rows: wording.labels(Some(series), &panel.series),
            columns: wording.labels(Some(across), &panel.across).into_iter().chain(overall()).collect(),
            values: turned(),
            joined_rows: 0,
            // Of a search over two numbers, the best of all; scenarios have little in common.
            compared: match (is_numeric(), is_candidate) {
                (true, _) => Compared::All,
                (false, true) => Compared::Columns,
                (false, false) => Compared::Rows,
            },
            intervals: has_overall,
            head: wording.dimension_label(series),
        },
        Content::Lines { .. } if panel.series.len() > panel.across.len() => Values {
            rows: wording.labels(Some(series), &panel.series),
            columns: wording.series_labels(Some(across), &panel.across),
            values: turned(),
            joined_rows: 0,
            compared: Compared::Columns,
            intervals: true,
            head: wording.dimension_label(series),
        },
        _ => Values {
            rows: wording.labels(Some(across), &panel.across).into_iter().chain(overall()).collect(),
            columns: wording.series_labels(Some(series), &panel.series),
            joined_rows: panel.overall.len(),
            compared: Compared::Rows,
            intervals: true,
            head: wording.dimension_label(across),
            values: all,
        },
    };
    let is_map = matches!(wording.figure.content, Content::HeatMap { .. });
    let mut table = values.table(wording, wording.title(panel));
    if is_map {
        table.notes.insert(0, format!("Columns: {}.", wording.dimension_label(across)));
    }
    let is_undefined = |overall: &Overall| {
        overall.across == Across::GeometricMean && overall.values.iter().any(Option::is_none)
    };
    if panel.overall.iter().any(is_undefined) {
        table.notes.push("No geometric mean (—) where a value is missing, zero or negative.".to_owned());
    }
    table.notes.extend(wording.notes(panel, values.intervals));
    table
}

impl Values {
    fn table(&self, wording: &Wording<'_>, title: String) -> TextTable {
        let heads = std::iter::once(Column::text(&self.head)).chain(self.columns.iter().map(Column::number));
        let mut table = TextTable::new(title, heads.collect());
        let found = || self.values.iter().flatten().flatten().map(|one| one.value);
        let decimals = wording.decimals(found());
        let better = wording.better();
        let of_all = better.and_then(|better| best(found(), better));
        let of_columns: Vec<Option<f64>> = (0..self.columns.len())
            .map(|column| best(self.values.iter().filter_map(|row| Some(row[column]?.value)), better?))
            .collect();
        let plain = self.values.len() - self.joined_rows;
        for (index, (name, row)) in self.rows.iter().zip(&self.values).enumerate() {
            let of_row = better.and_then(|better| best(row.iter().flatten().map(|one| one.value), better));
            let cell = |(column, estimate): (usize, &Option<Estimate>)| {
                let Some(one) = estimate else { return TableCell::missing() };
                let half = interval(one).filter(|_| self.intervals).map(|interval| interval.half_width());
                let cell = match half {
                    Some(half) => TableCell::estimate(one.value, decimals, half),
                    None => TableCell::number(one.value, decimals),
                };
                let best = match self.compared {
                    Compared::All => of_all,
                    Compared::Rows => of_row,
                    Compared::Columns => of_columns[column],
                };
                cell.with_strong(best == Some(one.value))
            };
            let cells =
                std::iter::once(TableCell::text(name)).chain(row.iter().enumerate().map(cell)).collect();
            table.rows.push(Row { cells, starts_group: index == plain });
        }
        if better.is_some() {
            let of = match self.compared {
                Compared::All => "The best value",
                Compared::Rows => "The best of each row",
                Compared::Columns => "The best of each column",
            };
            table.notes.push(format!("{of} is starred or bold."));
        }
        table
    }
}

/// Two metrics of each series.
fn against(wording: &Wording<'_>, panel: &Panel, metrics: [usize; 2], series: &Dimension) -> TextTable {
    let columns: Vec<_> = metrics.into_iter().filter_map(|metric| wording.metric(metric)).collect();
    let heads = columns.iter().map(|column| {
        let head = Column::number(wording.column_name(column));
        match unit_of(column) {
            Some(unit) => head.with_unit(unit),
            None => head,
        }
    });
    let heads = std::iter::once(Column::text(wording.dimension_label(series))).chain(heads);
    let mut table = TextTable::new(wording.title(panel), heads.collect());
    let found = |of: usize| panel.values[of].iter().flatten().map(|one| one.value);
    let shown: Vec<(u8, Option<f64>)> = columns
        .iter()
        .enumerate()
        .map(|(of, column)| {
            (decimals(column.unit, found(of)), column.better.and_then(|better| best(found(of), better)))
        })
        .collect();
    for (index, name) in wording.labels(Some(series), &panel.series).into_iter().enumerate() {
        let mut cells = vec![TableCell::text(name)];
        for (of, (decimals, best)) in shown.iter().enumerate() {
            cells.push(match panel.values[of][index] {
                None => TableCell::missing(),
                Some(one) => {
                    let cell = match interval(&one) {
                        Some(interval) => TableCell::estimate(one.value, *decimals, interval.half_width()),
                        None => TableCell::number(one.value, *decimals),
                    };
                    cell.with_strong(*best == Some(one.value))
                }
            });
        }
        table.rows.push(Row::new(cells));
    }
    table.notes.push("The best of each column is starred or bold.".to_owned());
    table.notes.extend(wording.notes(panel, true));
    table
}

fn over_time(wording: &Wording<'_>, panel: &Panel, series: &Dimension) -> TextTable {
    let mut heads = vec![Column::text(wording.dimension_label(series))];
    heads.extend(["mean", "least", "greatest", "last"].map(Column::number));
    // The phases of the run with their ends; what is before the first has no name.
    let mut phases: Vec<(f64, f64)> = Vec::new();
    if !panel.phases.is_empty() {
        let mut start = 0.0;
        heads.push(Column::number("before"));
        for (next, name) in &panel.phases {
            phases.push((start, *next));
            start = *next;
            heads.push(Column::number(name));
        }
        phases.push((start, f64::INFINITY));
    }
    let mut table = TextTable::new(wording.title(panel), heads);
    let decimals = wording.decimals(panel.values.iter().flatten().flatten().map(|one| one.value));
    let number = |value: Option<f64>| {
        value.map_or_else(TableCell::missing, |value| TableCell::number(value, decimals))
    };
    for (index, name) in wording.labels(Some(series), &panel.series).into_iter().enumerate() {
        let points: Vec<(f64, f64)> = panel
            .across
            .iter()
            .zip(&panel.values)
            .filter_map(|(time, values)| Some((time.number?, values.get(index)?.as_ref()?.value)))
            .collect();
        let within = |from: f64, to: f64| {
            let within: Vec<f64> = points
                .iter()
                .filter(|(time, _)| (from..to).contains(time))
                .map(|(_, value)| *value)
                .collect();
            mean(&within)
        };
        let values = || points.iter().map(|(_, value)| *value);
        let mut cells = vec![
            TableCell::text(name),
            number(within(0.0, f64::INFINITY)),
            number(best(values(), Better::Lower)),
            number(best(values(), Better::Higher)),
            number(values().next_back()),
        ];
        cells.extend(phases.iter().map(|(from, to)| number(within(*from, *to))));
        table.rows.push(Row::new(cells));
    }
    table.notes.push("Means are over the points of the series; the file has every point.".to_owned());
    if !panel.phases.is_empty() {
        table.notes.push("The columns from “before” on are means within each phase.".to_owned());
    }
    table
}

/// A row for each value, with full names.
pub(super) fn tidy(wording: &Wording<'_>, panels: &[Panel]) -> TextTable {
    let figure = wording.figure;
    let [across, other] = figure.content.dimensions();
    let facets = figure.facets.as_ref().map(Dimension::name);
    let head = match figure.content {
        Content::Scatter { .. } => "metric",
        _ => "time_s",
    };
    let names = facets.into_iter().chain([across.map_or(head, Dimension::name)]);
    let mut columns: Vec<Column> = names.chain(other.map(Dimension::name)).map(Column::text).collect();
    columns.extend(["value", "ci_low", "ci_high", "seeds", "joined"].map(Column::number));
    let mut table = TextTable::new(String::new(), columns);
    let number =
        |value: Option<f64>| value.map_or_else(TableCell::missing, |value| TableCell::number(value, 0));
    for panel in panels {
        let overall =
            panel.overall.iter().map(|overall| (overall.across.to_string(), overall.values.as_slice()));
        let values = panel.values.iter().map(Vec::as_slice);
        let rows = panel.across.iter().map(|member| member.text.clone()).zip(values);
        for (member, values) in rows.chain(overall) {
            for (series, estimate) in panel.series.iter().zip(values) {
                let mut cells: Vec<TableCell> =
                    panel.facet.iter().map(|facet| TableCell::text(&facet.text)).collect();
                cells.push(TableCell::text(&member));
                cells.push(TableCell::text(&series.text));
                let interval = estimate.as_ref().and_then(interval);
                cells.push(number(estimate.map(|one| one.value)));
                cells.push(number(interval.map(|one| one.lower)));
                cells.push(number(interval.map(|one| one.upper)));
                cells.push(number(Some(estimate.map_or(0.0, |one| one.seeds as f64))));
                cells.push(number(Some(estimate.map_or(0.0, |one| one.joined as f64))));
                table.rows.push(Row::new(cells));
            }
        }
    }
    table
}

/// The best row of each column of each panel, and how far the next is behind.
pub(super) fn best_rows(wording: &Wording<'_>, panels: &[Panel]) -> Option<TextTable> {
    let ([Some(across), Some(down)], Some(better)) = (wording.figure.content.dimensions(), wording.better())
    else {
        return None;
    };
    let column = wording.column()?;
    let facets = wording.figure.facets.as_ref().filter(|_| panels.len() > 1);
    let unit = unit_of(&column);
    let number = |name: String| match &unit {
        Some(unit) => Column::number(name).with_unit(unit),
        None => Column::number(name),
    };
    let mut heads = vec![Column::text(wording.dimension_label(across))];
    heads.extend(facets.map(|facets| Column::text(wording.dimension_label(facets))));
    let label_columns = heads.len();
    heads.push(Column::text("best"));
    heads.push(number(wording.column_name(&column)));
    heads.push(Column::text("next"));
    heads.push(number("behind".to_owned()));
    let under = wording.under();
    let what = wording.dimension_label(down);
    let title = capitalised(&format!("{} of the best {what}{under}", wording.value_label()));
    let mut table = TextTable::new(title, heads);
    table.label_columns = label_columns;
    let found = panels.iter().flat_map(|panel| panel.values.iter().flatten().flatten());
    let decimals = wording.decimals(found.map(|one| one.value));
    let mut tied = false;
    for place in places(wording, panels, across) {
        for (index, panel) in panels.iter().enumerate() {
            let Some(values) = place.of(panel) else { continue };
            let ranking = Ranking::of(values, better);
            tied |= ranking.best.len() > 1 || ranking.next.len() > 1;
            let names = wording.labels(Some(down), &panel.series);
            let mut cells = vec![TableCell::text(&place.name)];
            if let (Some(facets), Some(facet)) = (facets, &panel.facet) {
                cells.push(TableCell::text(wording.member_label(facets, &facet.text)));
            }
            let first = ranking.best.first().and_then(|row| values[*row]);
            cells.push(several(&names, &ranking.best));
            cells.push(first.map_or_else(TableCell::missing, |one| match interval(&one) {
                Some(interval) => TableCell::estimate(one.value, decimals, interval.half_width()),
                None => TableCell::number(one.value, decimals),
            }));
            cells.push(several(&names, &ranking.next));
            cells.push(
                ranking
                    .gap
                    .map_or_else(TableCell::blank, |gap| TableCell::number(gap, decimals.saturating_add(1))),
            );
            let starts_group = label_columns > 1 && index == 0 && !table.rows.is_empty();
            table.rows.push(Row { cells, starts_group });
        }
    }
    table.notes.push(format!("“behind” is the distance of the next {what} from the best."));
    if tied {
        table.notes.push("“+k” counts further ones with exactly the same value.".to_owned());
    }
    Some(table)
}

/// A column that panels of a figure may have.
struct Place {
    /// Its name for readers.
    name: String,
    at: At,
}

enum At {
    /// A member, by its text.
    Member(String),
    /// All columns joined.
    Overall(Across),
}

impl Place {
    /// The values of the column in a panel.
    fn of<'p>(&self, panel: &'p Panel) -> Option<&'p [Option<Estimate>]> {
        match &self.at {
            At::Member(text) => {
                let position = panel.across.iter().position(|member| member.text == *text)?;
                panel.values.get(position).map(Vec::as_slice)
            }
            At::Overall(across) => {
                let found = panel.overall.iter().find(|overall| overall.across == *across);
                found.map(|overall| overall.values.as_slice())
            }
        }
    }
}

/// Every column of some panels, each once, and their mean behind them.
fn places(wording: &Wording<'_>, panels: &[Panel], across: &Dimension) -> Vec<Place> {
    let mut texts: Vec<&str> = Vec::new();
    for member in panels.iter().flat_map(|panel| &panel.across) {
        if !texts.contains(&member.text.as_str()) {
            texts.push(&member.text);
        }
    }
    let place =
        |text: &str| Place { name: wording.member_label(across, text), at: At::Member(text.to_owned()) };
    let mean = Place { name: Across::Mean.to_string(), at: At::Overall(Across::Mean) };
    texts.into_iter().map(place).chain([mean]).collect()
}

/// The best rows of a column, and those that follow.
struct Ranking {
    best: Vec<usize>,
    next: Vec<usize>,
    gap: Option<f64>,
}

impl Ranking {
    fn of(values: &[Option<Estimate>], better: Better) -> Self {
        let found = || values.iter().flatten().map(|one| one.value);
        let having = |value: Option<f64>| -> Vec<usize> {
            let is = |one: &Option<Estimate>| one.is_some_and(|one| Some(one.value) == value);
            values.iter().enumerate().filter(|(_, one)| is(one)).map(|(row, _)| row).collect()
        };
        let first = best(found(), better);
        let second = best(found().filter(|value| Some(*value) != first), better);
        let gap = first.zip(second).map(|(first, second)| (first - second).abs());
        Self { best: having(first), next: having(second), gap }
    }
}

/// The first of some rows by name, with the number of the others.
fn several(names: &[String], rows: &[usize]) -> TableCell {
    match rows {
        [] => TableCell::missing(),
        [only] => TableCell::text(&names[*only]),
        [first, others @ ..] => TableCell::text(format!("{} +{}", names[*first], others.len())),
    }
}
