//! The figures of an evaluation.

use super::grid::{Grid, Over, Score};
use super::tables::level;
use super::{Better, ReportFigure};
use crate::figure::color::ColorScale;
use crate::figure::grouped_bars::{Bar, GroupedBars};
use crate::figure::heat_map::{HeatColumn, HeatMap, HeatRow};
use crate::figure::{ONE_COLUMN_PT, TWO_COLUMNS_PT};
use crate::text::capitalised;

/// From this many bars on, a chart takes both columns of a page.
const WIDE_FROM_BARS: usize = 44;

/// The scores as colours: platforms down, scenarios and their mean across.
pub(super) fn heat_map(grid: &Grid<'_>) -> ReportFigure {
    let mut columns: Vec<HeatColumn> =
        grid.scenarios.iter().map(|name| HeatColumn { label: name.clone(), gap_before: false }).collect();
    columns.push(HeatColumn { label: "mean".to_owned(), gap_before: true });
    let grouped = grid.platform_axes.len() > 1;
    let rows = grid
        .platforms
        .iter()
        .map(|platform| match platform.names.split_first() {
            Some((group, rest)) if grouped => HeatRow { group: group.clone(), label: rest.join(" ") },
            _ => HeatRow { group: String::new(), label: platform.full_name() },
        })
        .collect();
    let values = (0..grid.platforms.len())
        .map(|platform| {
            grid.columns().map(|column| grid.score_of(platform, column).map(|score| score.mean)).collect()
        })
        .collect();
    let map = HeatMap {
        description: format!(
            "Heat map of the {} of {} platforms on {} scenarios",
            grid.metric.name,
            grid.platforms.len(),
            grid.scenarios.len()
        ),
        rows,
        columns,
        values,
        value_label: grid.metric_label(),
        decimals: grid.metric.decimals,
        scale: match grid.metric.better {
            Better::Higher => ColorScale::Amount,
            Better::Lower => ColorScale::AmountReversed,
        },
        range: grid.metric.range,
        ..HeatMap::default()
    };
    let direction = match grid.metric.better {
        Better::Higher => "Brighter is better.",
        Better::Lower => "Brighter is better: less.",
    };
    ReportFigure {
        name: "heat_map".to_owned(),
        title: "All platforms and scenarios".to_owned(),
        caption: format!(
            "{} of each platform on each scenario, and the arithmetic mean over scenarios. {direction}",
            capitalised(&grid.metric_label())
        ),
        svg: map.to_svg(),
    }
}

/// More series than this cannot be told apart: eight colours, plain and hatched.
const MOST_SERIES: usize = 16;

/// More charts than this are a worse heat map.
const MOST_CHARTS: usize = 12;

/// For each scenario, the best score of each group of platforms; one chart a budget.
///
/// A budget with more groups than colours is left to the heat map.
pub(super) fn best_bars(grid: &Grid<'_>) -> Vec<ReportFigure> {
    let outer = grid.platform_axes.get(grid.compared).map_or("", String::as_str);
    // What is chosen among: neither what is compared, nor the budget, which each chart has one of.
    let chosen: Vec<&str> = grid
        .platform_axes
        .iter()
        .map(String::as_str)
        .filter(|axis| *axis != outer && Some(*axis) != grid.budget_axis)
        .collect();
    let (several, rest) = (!chosen.is_empty(), chosen.join(" and "));
    let mut figures: Vec<ReportFigure> = Vec::new();
    if grid.budgets.len() > MOST_CHARTS {
        return figures;
    }
    for (budget, budget_name) in grid.budgets.iter().enumerate() {
        let groups: Vec<(&str, Vec<usize>)> = grid
            .compared_groups()
            .into_iter()
            .map(|(name, mut members)| {
                members.retain(|&platform| grid.platforms[platform].budget == budget);
                (name, members)
            })
            .filter(|(_, members)| !members.is_empty())
            .collect();
        if groups.len() > MOST_SERIES {
            continue;
        }
        let bars: Vec<Vec<Option<Bar>>> = grid
            .columns()
            .map(|column| groups.iter().map(|(_, members)| best_bar(grid, members, column)).collect())
            .collect();
        let series: Vec<String> = groups.iter().map(|(name, _)| (*name).to_owned()).collect();
        let of_budget = match grid.budget_axis {
            Some(axis) if grid.budgets.len() > 1 => format!(", {axis} {budget_name}"),
            _ => String::new(),
        };
        let what = if several { format!("with the best {rest}") } else { format!("of each {outer}") };
        let title = if several {
            format!("Best {rest} of each {outer}{of_budget}")
        } else {
            format!("{} by scenario{of_budget}", capitalised(&plural(outer)))
        };
        let chart = chart(
            grid,
            format!("Bars of the {} by scenario and {outer}, {what}{of_budget}", grid.metric.name),
            grid.scenarios.iter().cloned().chain(["mean".to_owned()]).collect(),
            series,
            bars,
        );
        let chart = GroupedBars { last_is_summary: true, ..chart };
        let mut name = if grid.budgets.len() > 1 {
            format!("best_bars_{}", stem(budget_name))
        } else {
            "best_bars".to_owned()
        };
        if figures.iter().any(|figure| figure.name == name) {
            name.push_str(&format!("_{}", budget + 1));
        }
        let mean = if several {
            format!(
                " The {rest} may differ from scenario to scenario; for the mean it is one for all scenarios."
            )
        } else {
            String::new()
        };
        figures.push(ReportFigure {
            name,
            title,
            caption: format!(
                "{} by scenario and {outer}, {what}{of_budget}.{mean}{}",
                capitalised(&grid.metric_label()),
                whiskers(grid)
            ),
            svg: chart.to_svg(),
        });
    }
    figures
}

/// The mean over scenarios of each platform, by group and series.
pub(super) fn mean_bars(grid: &Grid<'_>) -> ReportFigure {
    let several = grid.platform_axes.len() > 1;
    let groups = grid.groups();
    let by_series = |members: &[usize]| -> Vec<Option<Bar>> {
        (0..grid.series.len())
            .map(|series| {
                let members: Vec<usize> = members
                    .iter()
                    .copied()
                    .filter(|&platform| grid.platforms[platform].series == series)
                    .collect();
                best_bar(grid, &members, Over::Mean)
            })
            .collect()
    };
    // Where each platform is a group and a series of its own, colours would say nothing.
    let plain = !several && grid.series.len() == grid.platforms.len();
    let (series, bars): (Vec<String>, Vec<Vec<Option<Bar>>>) = if plain {
        let bars = groups.iter().map(|(_, members)| vec![best_bar(grid, members, Over::Mean)]).collect();
        (vec![grid.metric.name.clone()], bars)
    } else {
        (grid.series.clone(), groups.iter().map(|(_, members)| by_series(members)).collect())
    };
    let names = groups.iter().map(|(name, _)| (*name).to_owned()).collect();
    let chart = chart(
        grid,
        format!("Bars of the mean {} over all scenarios by platform", grid.metric.name),
        names,
        series,
        bars,
    );
    let chart = GroupedBars { y_label: format!("mean {}", grid.metric_label()), ..chart };
    ReportFigure {
        name: "mean_bars".to_owned(),
        title: "Mean over scenarios".to_owned(),
        caption: format!(
            "Arithmetic mean of the {} over all {} scenarios by platform.{}",
            grid.metric_label(),
            grid.scenarios.len(),
            whiskers(grid)
        ),
        svg: chart.to_svg(),
    }
}

/// The bar of the best of some platforms.
fn best_bar(grid: &Grid<'_>, members: &[usize], column: Over) -> Option<Bar> {
    let scores: Vec<Score> = members.iter().filter_map(|&platform| grid.score_of(platform, column)).collect();
    let best = grid.best_value(scores.iter().map(|score| score.mean))?;
    let score = scores.iter().find(|score| score.mean == best)?;
    Some(Bar { value: score.mean, interval: score.interval })
}

fn chart(
    grid: &Grid<'_>,
    description: String,
    groups: Vec<String>,
    series: Vec<String>,
    bars: Vec<Vec<Option<Bar>>>,
) -> GroupedBars {
    let count = bars.iter().flatten().flatten().count();
    GroupedBars {
        description,
        y_label: grid.metric_label(),
        groups,
        series,
        bars,
        range: grid.metric.range,
        width_pt: if count >= WIDE_FROM_BARS { TWO_COLUMNS_PT } else { ONE_COLUMN_PT },
        ..GroupedBars::default()
    }
}

fn whiskers(grid: &Grid<'_>) -> String {
    if grid.is_sampled() {
        format!(" Whiskers: {} confidence intervals, where runs vary.", level(grid))
    } else {
        String::new()
    }
}

/// Several of what an axis names.
fn plural(name: &str) -> String {
    match name.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{name}s"),
    }
}

/// A name as part of a file name.
fn stem(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}
