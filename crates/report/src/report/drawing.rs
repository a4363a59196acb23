//! Drawings of figures: a panel as SVG.

use rtmm_sweep::figures::data::{Estimate, Panel};
use rtmm_sweep::figures::{Content, Dimension, Member};
use rtmm_sweep::runner::Better;

use super::reading::{label_of, unit_of};
use super::wording::Wording;
use crate::figure::color::ColorScale;
use crate::figure::grouped_bars::{Bar, GroupedBars};
use crate::figure::heat_map::{HeatColumn, HeatMap, HeatRow};
use crate::figure::lines::{LinePoint, LineSeries, Lines};
use crate::figure::scatter::{Scatter, ScatterPoint};
use crate::figure::{ONE_COLUMN_PT, Svg, TWO_COLUMNS_PT};
use crate::text::Interval;

/// More series than this make a figure as wide as a page.
const FEW_SERIES: usize = 4;
/// The most bands that lie over each other and still show anything.
const MAX_BANDS: usize = 3;
/// A largest value beyond this multiple of the median asks for a logarithmic axis.
const FAR_FROM_MEDIAN: f64 = 5.0;

/// A panel of a figure.
pub(super) fn svg(wording: &Wording<'_>, panel: &Panel) -> Svg {
    let content = &wording.figure.content;
    let [across, other] = content.dimensions();
    let columns = wording.labels(across, &panel.across);
    let rows = match content {
        Content::HeatMap { .. } | Content::Scatter { .. } => wording.labels(other, &panel.series),
        _ => wording.series_labels(other, &panel.series),
    };
    let description = format!("{}. {}", wording.title(panel), wording.caption(panel));
    match content {
        Content::Bars { .. } => bars(wording, panel, columns, rows, description),
        Content::Lines { x, .. } => {
            let x_label = wording.dimension_label(x);
            Lines { x_label, ..lines(wording, panel, rows, description) }.to_svg()
        }
        Content::HeatMap { x, y, .. } => heat_map(wording, panel, (columns, x), (rows, y), description),
        Content::TimeSeries { .. } => {
            let lines = Lines {
                x_label: "simulated time (s)".to_owned(),
                markers: false,
                steps: true,
                x_end: Some(panel.end_s),
                marks: panel.phases.clone(),
                width_pt: TWO_COLUMNS_PT,
                ..lines(wording, panel, rows, description)
            };
            lines.to_svg()
        }
        Content::Scatter { x, .. } => {
            let x = wording.metric(*x);
            let x_label = x.map(|x| label_of(&wording.column_name(&x), unit_of(&x).as_deref()));
            scatter(wording, panel, x_label.unwrap_or_default(), rows, description)
        }
    }
}

/// The range of percentages, where all values are within it.
fn range(wording: &Wording<'_>, mut values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let is_percent = wording.figure.relative_to.is_none() && wording.column()?.unit == "percent";
    (is_percent && values.all(|value| (0.0..=100.0).contains(&value))).then_some((0.0, 100.0))
}

fn bars(
    wording: &Wording<'_>,
    panel: &Panel,
    mut groups: Vec<String>,
    series: Vec<String>,
    description: String,
) -> Svg {
    let bar = |estimate: &Option<Estimate>| {
        estimate.map(|estimate| Bar { value: estimate.value, interval: interval(&estimate) })
    };
    let mut bars: Vec<Vec<Option<Bar>>> =
        panel.values.iter().map(|group| group.iter().map(bar).collect()).collect();
    for overall in &panel.overall {
        bars.push(overall.values.iter().map(bar).collect());
        groups.push(overall.across.to_string());
    }
    let range = range(wording, bars.iter().flatten().flatten().map(|bar| bar.value));
    let wide = series.len() > FEW_SERIES && groups.len() > 2;
    let bars = GroupedBars {
        description,
        y_label: wording.value_label(),
        groups,
        series,
        bars,
        range,
        last_is_summary: !panel.overall.is_empty(),
        rule: wording.figure.relative_to.as_ref().map(|_| 1.0),
        width_pt: if wide { TWO_COLUMNS_PT } else { ONE_COLUMN_PT },
        ..GroupedBars::default()
    };
    bars.to_svg()
}

fn lines(wording: &Wording<'_>, panel: &Panel, names: Vec<String>, description: String) -> Lines {
    let bands = names.len() <= MAX_BANDS || !matches!(wording.figure.content, Content::TimeSeries { .. });
    let series = names.into_iter().enumerate().map(|(series, name)| {
        let points = panel.across.iter().zip(&panel.values).filter_map(|(member, values)| {
            let estimate = values.get(series).copied().flatten();
            Some(LinePoint {
                x: member.number?,
                y: estimate.map(|estimate| estimate.value),
                interval: estimate.as_ref().and_then(interval).filter(|_| bands),
            })
        });
        LineSeries { name, points: points.collect() }
    });
    Lines {
        description,
        y_label: wording.value_label(),
        series: merged(series),
        y_range: Some((0.0, 0.0)),
        graded: true,
        ..Lines::default()
    }
}

/// The lines, those that are equal throughout as one with the names of all: they would hide each other.
fn merged(series: impl Iterator<Item = LineSeries>) -> Vec<LineSeries> {
    let mut merged: Vec<LineSeries> = Vec::new();
    for one in series {
        match merged.iter_mut().find(|known| known.points == one.points) {
            Some(known) => known.name = format!("{} = {}", known.name, one.name),
            None => merged.push(one),
        }
    }
    merged
}

fn heat_map(
    wording: &Wording<'_>,
    panel: &Panel,
    (columns, x): (Vec<String>, &Dimension),
    (mut rows, y): (Vec<String>, &Dimension),
    description: String,
) -> Svg {
    let mut columns: Vec<HeatColumn> =
        columns.into_iter().map(|label| HeatColumn { label, gap_before: false }).collect();
    let overall = panel
        .overall
        .iter()
        .enumerate()
        .map(|(index, overall)| HeatColumn { label: overall.across.to_string(), gap_before: index == 0 });
    columns.extend(overall);
    let all: Vec<&[Option<Estimate>]> = panel
        .values
        .iter()
        .map(Vec::as_slice)
        .chain(panel.overall.iter().map(|overall| overall.values.as_slice()))
        .collect();
    let mut values: Vec<Vec<Option<f64>>> = (0..rows.len())
        .map(|row| all.iter().map(|column| column[row].map(|estimate| estimate.value)).collect())
        .collect();
    let mut path: Vec<(f64, f64)> =
        panel.path.iter().map(|(x, y)| (position(&panel.across, *x), position(&panel.series, *y))).collect();
    // Numbers grow upwards, as on any axis.
    if panel.series.iter().all(|member| member.number.is_some()) {
        rows.reverse();
        values.reverse();
        let last = rows.len().saturating_sub(1) as f64;
        path.iter_mut().for_each(|(_, row)| *row = last - *row);
    }
    let found = || values.iter().flatten().copied().flatten();
    let map = HeatMap {
        description,
        rows: rows.into_iter().map(|label| HeatRow { group: String::new(), label }).collect(),
        columns,
        value_label: wording.value_label(),
        decimals: wording.decimals_of_drawing(found()),
        range: range(wording, found()),
        values,
        scale: match wording.better() {
            Some(Better::Lower) => ColorScale::AmountReversed,
            Some(Better::Higher) | None => ColorScale::Amount,
        },
        x_label: wording.dimension_label(x),
        y_label: wording.dimension_label(y),
        path,
        ..HeatMap::default()
    };
    map.to_svg()
}

fn scatter(
    wording: &Wording<'_>,
    panel: &Panel,
    x_label: String,
    names: Vec<String>,
    description: String,
) -> Svg {
    let [x, y] = panel.values.as_slice() else { return Scatter::default().to_svg() };
    let points: Vec<ScatterPoint> = names
        .into_iter()
        .zip(x.iter().zip(y))
        .filter_map(|(label, (x, y))| {
            Some(ScatterPoint { label, x: (*x)?.value, y: (*y)?.value, strong: false })
        })
        .collect();
    let mut heights: Vec<f64> = points.iter().map(|point| point.y).collect();
    heights.sort_by(f64::total_cmp);
    let median = heights.get(heights.len() / 2).copied().unwrap_or(0.0);
    let largest = heights.last().copied().unwrap_or(0.0);
    let scatter = Scatter {
        description,
        x_label,
        y_label: wording.value_label(),
        // A few that collapse would press all others together.
        y_log: median > 0.0 && largest > FAR_FROM_MEDIAN * median,
        points,
        width_pt: TWO_COLUMNS_PT / 1.5,
        ..Scatter::default()
    };
    scatter.to_svg()
}

/// The interval of an estimate, as drawings take it.
pub(super) fn interval(estimate: &Estimate) -> Option<Interval> {
    estimate.interval.map(|interval| Interval { lower: interval.low, upper: interval.high })
}

/// Place of a number among members that ascend, as a fractional index; the nearest end beyond them.
fn position(members: &[Member], value: f64) -> f64 {
    let numbers: Vec<f64> = members.iter().filter_map(|member| member.number).collect();
    let after = numbers.partition_point(|number| *number <= value);
    match (after.checked_sub(1).and_then(|below| numbers.get(below)), numbers.get(after)) {
        (Some(low), Some(high)) => (after - 1) as f64 + (value - low) / (high - low),
        (None, _) => 0.0,
        (Some(_), None) => numbers.len().saturating_sub(1) as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lie_between_members() {
        let members = [0.0, 1.0, 4.0].map(Member::number);
        let at = |value| position(&members, value);
        assert_eq!([-1.0, 0.0, 0.5, 1.0, 2.5, 4.0, 9.0].map(at), [0.0, 0.0, 0.5, 1.0, 1.5, 2.0, 2.0]);
        assert_eq!(position(&members[..1], 3.0), 0.0);
        assert_eq!(position(&[], 3.0), 0.0);
    }
}
