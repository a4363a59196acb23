//! The figures that a sweep file declares, each with a table.

use rtmm_report::{
    Bar, Cell, ColorScale, Column, GroupedBars, HeatColumn, HeatMap, HeatRow, Interval, LinePoint,
    LineSeries, Lines, ONE_COLUMN_PT, ReportFigure, ReportTable, Row, Svg, TWO_COLUMNS_PT, TextTable,
    short_labels,
};
use rtmm_sweep::axes::Variation;
use rtmm_sweep::figures::data::{Estimate, Panel, panels};
use rtmm_sweep::figures::{Content, Dimension, Figure, Member, stem};
use rtmm_sweep::plan::Plan;
use rtmm_sweep::results::Results;
use rtmm_sweep::runner::{self, Better, ParameterValue};
use rtmm_sweep::statistics::{CONFIDENCE, MINIMUM_SAMPLES};

use super::{name_of, unit_of};

/// More series than this make a figure as wide as a page.
const FEW_SERIES: usize = 4;
/// The most bands that lie over each other and still show anything.
const MOST_BANDS: usize = 3;
/// Decimals where values are below one; each factor of ten takes or gives one.
const DECIMALS: u8 = 3;

/// What the declared figures of a sweep come to.
#[derive(Default)]
pub(in super::super) struct Declared {
    pub figures: Vec<ReportFigure>,
    /// Compact, for readers.
    pub tables: Vec<ReportTable>,
    /// A stem and a table with a row a value, for programs.
    pub files: Vec<(String, String)>,
}

/// All declared figures with their tables, in the order of the file.
pub(in super::super) fn declared(results: &Results<'_>, figures: &[Figure]) -> Declared {
    let plan = results.plan();
    let mut declared = Declared::default();
    for figure in figures {
        let panels = panels(results, figure);
        let shown = Drawn { plan, figure };
        for panel in &panels {
            let name = stem(&figure.name, panel.facet.as_ref().map(|facet| facet.text.as_str()));
            let title = shown.title(panel);
            declared.figures.push(ReportFigure {
                name: name.clone(),
                title: title.clone(),
                caption: shown.caption(panel),
                svg: shown.svg(panel),
            });
            declared.tables.push(ReportTable { name, table: shown.table(panel, title) });
        }
        declared.files.push((figure.name.clone(), shown.tidy(&panels).to_csv()));
    }
    declared
}

/// A figure with what names its parts.
struct Drawn<'d> {
    plan: &'d Plan<'d>,
    figure: &'d Figure,
}

impl Drawn<'_> {
    /// The column that is shown: name, unit, meaning, and which values are better.
    fn column(&self) -> (String, Option<String>, &'static str, Option<Better>) {
        let runner = self.plan.spec();
        let (column, better) = match self.figure.content {
            Content::Bars { metric, .. }
            | Content::Lines { metric, .. }
            | Content::HeatMap { metric, .. } => (runner.cell_columns.get(metric).copied(), true),
            Content::TimeSeries { column, .. } => {
                let column = runner.series_columns.get(column).map(|series| runner::Column {
                    name: series.name,
                    unit: series.unit,
                    kind: runner::ColumnKind::Real,
                    meaning: series.meaning,
                    summarised: false,
                    better: None,
                });
                (column, false)
            }
        };
        let Some(column) = column else { return (String::new(), None, "", None) };
        let name = self.figure.label(column.name).map_or_else(|| name_of(&column), str::to_owned);
        // What is relative has no unit.
        let unit = unit_of(&column).filter(|_| self.figure.relative_to.is_none());
        (name, unit, column.meaning, column.better.filter(|_| better))
    }

    /// What the values are, for an axis.
    fn value_label(&self) -> String {
        let (name, unit, ..) = self.column();
        match (&self.figure.relative_to, unit) {
            (Some(_), _) => format!("relative {name}"),
            (None, Some(unit)) => format!("{name} ({unit})"),
            (None, None) => name,
        }
    }

    fn dimension_label(&self, dimension: Dimension) -> String {
        if let Some(label) = self.figure.label(dimension.name()) {
            return label.to_owned();
        }
        match dimension {
            Dimension::PolicyWithParameters => "policy".to_owned(),
            Dimension::Change(axis) => {
                let variations = &self.plan.axes().variations;
                let found = variations.iter().find(|variation| variation.axis == axis);
                found.map_or_else(|| axis.name.replace('_', " "), Variation::label)
            }
            Dimension::Parameter(name) => {
                let values =
                    self.plan.axes().policies.iter().filter_map(|policy| policy.parameter(name)).next();
                let plain = name.replace('_', " ");
                match values {
                    Some(ParameterValue::Duration(_)) => format!("{plain} (ms)"),
                    _ => plain,
                }
            }
            other => other.name().replace('_', " "),
        }
    }

    /// The name of a member for readers.
    fn member_label(&self, dimension: Dimension, member: &Member) -> String {
        if let Some(label) = self.figure.label(&member.text) {
            return label.to_owned();
        }
        let axes = self.plan.axes();
        let all: Vec<&str> = match dimension {
            Dimension::Scenario => axes.workloads.iter().map(|one| one.scenario.name.as_str()).collect(),
            Dimension::Platform => axes.platforms.iter().map(|one| one.name.as_str()).collect(),
            _ => return member.text.clone(),
        };
        let position = all.iter().position(|name| *name == member.text);
        position
            .and_then(|position| short_labels(&all).into_iter().nth(position))
            .unwrap_or_else(|| member.text.clone())
    }

    fn labels(&self, dimension: Option<Dimension>, members: &[Member]) -> Vec<String> {
        let label = |member: &Member| match dimension {
            Some(dimension) => self.member_label(dimension, member),
            None => member.text.clone(),
        };
        members.iter().map(label).collect()
    }

    /// The names of members where no axis says what they are: in a legend, or at the head of columns.
    fn series_labels(&self, dimension: Option<Dimension>, members: &[Member]) -> Vec<String> {
        let Some(dimension) = dimension else { return self.labels(None, members) };
        let label = |member: &Member| match dimension {
            _ if self.figure.label(&member.text).is_some() => self.member_label(dimension, member),
            Dimension::Parameter(_) => format!("{}={}", self.dimension_label(dimension), member.text),
            Dimension::Change(_) => {
                format!("{} {}", self.dimension_label(dimension), member.text)
            }
            _ => self.member_label(dimension, member),
        };
        members.iter().map(label).collect()
    }

    fn title(&self, panel: &Panel) -> String {
        let title = if self.figure.title.is_empty() {
            let by: Vec<String> = self
                .figure
                .content
                .dimensions()
                .into_iter()
                .flatten()
                .map(|dimension| self.dimension_label(dimension))
                .collect();
            let over =
                if matches!(self.figure.content, Content::TimeSeries { .. }) { " over time" } else { "" };
            capitalised(&format!("{}{over} by {}", self.value_label(), by.join(" and ")))
        } else {
            self.figure.title.clone()
        };
        match (self.figure.facets, &panel.facet) {
            (Some(dimension), Some(facet)) => {
                let label = self.member_label(dimension, facet);
                match facet.number {
                    Some(_) => format!("{title}, {} {label}", self.dimension_label(dimension)),
                    None => format!("{title}, {label}"),
                }
            }
            _ => title,
        }
    }

    /// What stands under the figure: the file's words, then how the values came about.
    fn caption(&self, panel: &Panel) -> String {
        let mut parts: Vec<String> = Vec::new();
        if !self.figure.caption.is_empty() {
            parts.push(self.figure.caption.trim().to_owned());
        }
        let (.., meaning, better) = self.column();
        parts.push(match better {
            Some(Better::Lower) => format!("{}; less is better.", capitalised(meaning)),
            Some(Better::Higher) => format!("{}; more is better.", capitalised(meaning)),
            None => format!("{}.", capitalised(meaning)),
        });
        parts.extend(self.made_of(panel));
        if let Content::HeatMap { path: Some(path), .. } = &self.figure.content {
            let policy = self.plan.axes().policies.get(path.policy.index()).map_or("", |policy| &policy.name);
            let policy = self.figure.label(policy).unwrap_or(policy);
            parts.push(if panel.path.is_empty() {
                format!("No path of {policy} was recorded.")
            } else {
                format!(
                    "The line is the path of {policy} under seed {}, from the ring to the diamond.",
                    path.seed
                )
            });
        }
        if !panel.phases.is_empty() {
            parts.push("Dashed lines are changes of phase.".to_owned());
        }
        parts.join(" ")
    }

    /// How values were joined, and what their intervals are.
    fn made_of(&self, panel: &Panel) -> Vec<String> {
        let all = || panel.values.iter().flatten().chain(&panel.overall).flatten();
        let mut parts = Vec::new();
        if let Some(relative_to) = &self.figure.relative_to {
            let to = relative_to.0.iter().flat_map(|(dimension, texts)| {
                texts.iter().map(move |text| match dimension {
                    Dimension::Scenario | Dimension::Platform | Dimension::Policy => {
                        self.figure.label(text).unwrap_or(text).to_owned()
                    }
                    other => format!("{} {text}", self.dimension_label(*other)),
                })
            });
            parts.push(format!("Relative to {}.", to.collect::<Vec<_>>().join(", ")));
        }
        let (least, most) = range(panel.values.iter().flatten().flatten().map(|estimate| estimate.joined));
        if most > 1 {
            let count = if least == most { most.to_string() } else { format!("{least} to {most}") };
            parts.push(format!(
                "Each value is the {} over {count} combinations of what the figure does not tell apart.",
                self.figure.across
            ));
        }
        let (least, most) = range(all().map(|estimate| estimate.seeds));
        if most > 1 {
            let count = if least == most { most.to_string() } else { format!("{least} to {most}") };
            let intervals = if all().any(|estimate| estimate.interval.is_some()) {
                format!(", with {:.0} % bootstrap intervals", 100.0 * CONFIDENCE)
            } else {
                format!("; intervals need at least {MINIMUM_SAMPLES}")
            };
            parts.push(format!("Means over {count} seeds{intervals}."));
        }
        parts
    }

    fn svg(&self, panel: &Panel) -> Svg {
        let [across, other] = self.figure.content.dimensions();
        let columns = self.labels(across, &panel.across);
        let rows = match self.figure.content {
            Content::HeatMap { .. } => self.labels(other, &panel.series),
            _ => self.series_labels(other, &panel.series),
        };
        let description = format!("{}. {}", self.title(panel), self.caption(panel));
        match &self.figure.content {
            Content::Bars { .. } => self.bars(panel, columns, rows, description),
            Content::Lines { x, .. } => {
                let x_label = self.dimension_label(*x);
                Lines { x_label, ..self.lines(panel, rows, description) }.to_svg()
            }
            Content::HeatMap { x, y, .. } => self.heat_map(panel, (columns, *x), (rows, *y), description),
            Content::TimeSeries { .. } => {
                let lines = Lines {
                    x_label: "simulated time (s)".to_owned(),
                    markers: false,
                    steps: true,
                    x_end: Some(panel.end_s),
                    marks: panel.phases.clone(),
                    width_pt: TWO_COLUMNS_PT,
                    ..self.lines(panel, rows, description)
                };
                lines.to_svg()
            }
        }
    }

    fn bars(&self, panel: &Panel, mut groups: Vec<String>, series: Vec<String>, description: String) -> Svg {
        let bar = |estimate: &Option<Estimate>| {
            estimate.map(|estimate| Bar { value: estimate.value, interval: interval(&estimate) })
        };
        let mut bars: Vec<Vec<Option<Bar>>> =
            panel.values.iter().map(|group| group.iter().map(bar).collect()).collect();
        let last_is_summary = !panel.overall.is_empty();
        if last_is_summary {
            bars.push(panel.overall.iter().map(bar).collect());
            groups.push(self.figure.across.to_string());
        }
        let wide = series.len() > FEW_SERIES && groups.len() > 2;
        let bars = GroupedBars {
            description,
            y_label: self.value_label(),
            groups,
            series,
            bars,
            last_is_summary,
            rule: self.figure.relative_to.as_ref().map(|_| 1.0),
            width_pt: if wide { TWO_COLUMNS_PT } else { ONE_COLUMN_PT },
            ..GroupedBars::default()
        };
        bars.to_svg()
    }

    fn lines(&self, panel: &Panel, names: Vec<String>, description: String) -> Lines {
        let bands = names.len() <= MOST_BANDS || !matches!(self.figure.content, Content::TimeSeries { .. });
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
            y_label: self.value_label(),
            series: series.collect(),
            y_range: Some((0.0, 0.0)),
            ..Lines::default()
        }
    }

    fn heat_map(
        &self,
        panel: &Panel,
        (columns, x): (Vec<String>, Dimension),
        (mut rows, y): (Vec<String>, Dimension),
        description: String,
    ) -> Svg {
        let value = |column: usize, row: usize| panel.values[column][row].map(|estimate| estimate.value);
        let mut values: Vec<Vec<Option<f64>>> = (0..rows.len())
            .map(|row| (0..columns.len()).map(|column| value(column, row)).collect())
            .collect();
        let mut path: Vec<(f64, f64)> = panel
            .path
            .iter()
            .map(|(x, y)| (position(&panel.across, *x), position(&panel.series, *y)))
            .collect();
        // Numbers grow upwards, as on any axis.
        if panel.series.iter().all(|member| member.number.is_some()) {
            rows.reverse();
            values.reverse();
            let last = rows.len().saturating_sub(1) as f64;
            path.iter_mut().for_each(|(_, row)| *row = last - *row);
        }
        let map = HeatMap {
            description,
            rows: rows.into_iter().map(|label| HeatRow { group: String::new(), label }).collect(),
            columns: columns.into_iter().map(|label| HeatColumn { label, gap_before: false }).collect(),
            value_label: self.value_label(),
            decimals: decimals(values.iter().flatten().copied().flatten()),
            values,
            scale: match self.column().3 {
                Some(Better::Lower) => ColorScale::AmountReversed,
                Some(Better::Higher) | None => ColorScale::Amount,
            },
            x_label: self.dimension_label(x),
            y_label: self.dimension_label(y),
            path,
            ..HeatMap::default()
        };
        map.to_svg()
    }

    /// A table for readers: what stands across goes down, so that it fits a terminal; of a heat map, as it
    /// is drawn; of a time series, what becomes of each series.
    fn table(&self, panel: &Panel, title: String) -> TextTable {
        match self.figure.content {
            Content::TimeSeries { .. } => return self.table_over_time(panel, title),
            Content::HeatMap { x, y, .. } => {
                let turned = (0..panel.series.len())
                    .map(|row| panel.values.iter().map(|column| column[row]).collect::<Vec<_>>())
                    .collect::<Vec<_>>();
                let (rows, columns) = ((y, panel.series.as_slice()), (x, panel.across.as_slice()));
                return self.grid(title, rows, columns, &turned, &[]);
            }
            Content::Bars { .. } | Content::Lines { .. } => {}
        }
        let [Some(across), Some(series)] = self.figure.content.dimensions() else {
            return TextTable::new(title, Vec::new());
        };
        self.grid(
            title,
            (across, panel.across.as_slice()),
            (series, panel.series.as_slice()),
            &panel.values,
            &panel.overall,
        )
    }

    fn grid(
        &self,
        title: String,
        (down, rows): (Dimension, &[Member]),
        (across, columns): (Dimension, &[Member]),
        values: &[Vec<Option<Estimate>>],
        overall: &[Option<Estimate>],
    ) -> TextTable {
        let is_map = matches!(self.figure.content, Content::HeatMap { .. });
        // Of a search over two numbers, the best of all; scenarios have little in common.
        let one_best = is_map && rows.iter().chain(columns).all(|member| member.number.is_some());
        let mut heads = vec![Column::text(self.dimension_label(down))];
        let names = if is_map {
            self.labels(Some(across), columns)
        } else {
            self.series_labels(Some(across), columns)
        };
        heads.extend(names.into_iter().map(Column::number));
        let mut table = TextTable::new(title, heads);
        let decimals = decimals(values.iter().flatten().chain(overall).flatten().map(|one| one.value));
        let better = self.column().3;
        let all: Vec<f64> = values.iter().flatten().flatten().map(|one| one.value).collect();
        let row = |name: String, of_row: &[Option<Estimate>], starts_group: bool| {
            let own: Vec<f64> = of_row.iter().flatten().map(|one| one.value).collect();
            let best = best(if one_best { &all } else { &own }, better);
            let cell = |estimate: &Option<Estimate>| match estimate {
                None => Cell::missing(),
                Some(one) => {
                    let half = interval(one).filter(|_| !is_map).map(|interval| interval.half_width());
                    let cell = match half {
                        Some(half) => Cell::estimate(one.value, decimals, half),
                        None => Cell::number(one.value, decimals),
                    };
                    cell.with_strong(best == Some(one.value))
                }
            };
            let cells = std::iter::once(Cell::text(name)).chain(of_row.iter().map(cell)).collect();
            Row { cells, starts_group }
        };
        for (name, of_row) in self.labels(Some(down), rows).into_iter().zip(values) {
            table.rows.push(row(name, of_row, false));
        }
        if !overall.is_empty() {
            table.rows.push(row(self.figure.across.to_string(), overall, true));
        }
        if is_map {
            table.notes.push(format!("Columns: {}.", self.dimension_label(across)));
        }
        match better {
            Some(_) if one_best => table.notes.push("The best value is starred or bold.".to_owned()),
            Some(_) => table.notes.push("The best of each row is starred or bold.".to_owned()),
            None => {}
        }
        table
    }

    fn table_over_time(&self, panel: &Panel, title: String) -> TextTable {
        let [_, Some(series)] = self.figure.content.dimensions() else {
            return TextTable::new(title, Vec::new());
        };
        let mut heads = vec![Column::text(self.dimension_label(series))];
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
        let mut table = TextTable::new(title, heads);
        let decimals = decimals(panel.values.iter().flatten().flatten().map(|one| one.value));
        let number =
            |value: Option<f64>| value.map_or_else(Cell::missing, |value| Cell::number(value, decimals));
        for (index, name) in self.labels(Some(series), &panel.series).into_iter().enumerate() {
            let points: Vec<(f64, f64)> = panel
                .across
                .iter()
                .zip(&panel.values)
                .filter_map(|(time, values)| Some((time.number?, values.get(index)?.as_ref()?.value)))
                .collect();
            let mean = |from: f64, to: f64| {
                let within: Vec<f64> = points
                    .iter()
                    .filter(|(time, _)| (from..to).contains(time))
                    .map(|(_, value)| *value)
                    .collect();
                rtmm_sweep::statistics::mean(&within)
            };
            let values = || points.iter().map(|(_, value)| *value);
            let mut cells = vec![
                Cell::text(name),
                number(mean(0.0, f64::INFINITY)),
                number(values().min_by(f64::total_cmp)),
                number(values().max_by(f64::total_cmp)),
                number(values().next_back()),
            ];
            cells.extend(phases.iter().map(|(from, to)| number(mean(*from, *to))));
            table.rows.push(Row { cells, starts_group: false });
        }
        table.notes.push("Means are over the points of the series; the file has every point.".to_owned());
        if !panel.phases.is_empty() {
            table.notes.push("The columns from “before” on are means within each phase.".to_owned());
        }
        table
    }

    /// A row for each value, with full names.
    fn tidy(&self, panels: &[Panel]) -> TextTable {
        let [across, other] = self.figure.content.dimensions();
        let facets = self.figure.facets.map(Dimension::name);
        let names = facets.into_iter().chain([across.map_or("time_s", Dimension::name)]);
        let mut columns: Vec<Column> = names.chain(other.map(Dimension::name)).map(Column::text).collect();
        let numbers = ["value", "ci_low", "ci_high", "seeds", "joined"];
        columns.extend(numbers.map(Column::number));
        let mut table = TextTable::new(String::new(), columns);
        for panel in panels {
            let overall = std::iter::repeat_n((String::new(), &panel.overall), 1)
                .filter(|(_, values)| !values.is_empty())
                .map(|(_, values)| (self.figure.across.to_string(), values));
            let rows = panel.across.iter().map(|member| member.text.clone()).zip(&panel.values);
            for (member, values) in rows.chain(overall) {
                for (series, estimate) in panel.series.iter().zip(values) {
                    let mut cells: Vec<Cell> =
                        panel.facet.iter().map(|facet| Cell::text(&facet.text)).collect();
                    cells.push(Cell::text(&member));
                    cells.push(Cell::text(&series.text));
                    let number =
                        |value: Option<f64>| value.map_or_else(Cell::missing, |v| Cell::number(v, 0));
                    let interval = estimate.as_ref().and_then(interval);
                    cells.push(number(estimate.map(|one| one.value)));
                    cells.push(number(interval.map(|one| one.lower)));
                    cells.push(number(interval.map(|one| one.upper)));
                    cells.push(number(Some(estimate.map_or(0.0, |one| one.seeds as f64))));
                    cells.push(number(Some(estimate.map_or(0.0, |one| one.joined as f64))));
                    table.rows.push(Row { cells, starts_group: false });
                }
            }
        }
        table
    }
}

fn interval(estimate: &Estimate) -> Option<Interval> {
    estimate.interval.map(|interval| Interval { lower: interval.low, upper: interval.high })
}

fn range(counts: impl Iterator<Item = usize>) -> (usize, usize) {
    counts.fold((usize::MAX, 0), |(least, most), count| (least.min(count), most.max(count)))
}

fn best(values: &[f64], better: Option<Better>) -> Option<f64> {
    let values = values.iter().copied();
    match better? {
        Better::Lower => values.min_by(f64::total_cmp),
        Better::Higher => values.max_by(f64::total_cmp),
    }
}

/// Three digits that count of the largest value.
fn decimals(values: impl Iterator<Item = f64>) -> u8 {
    let largest = values.map(f64::abs).fold(0.0, f64::max);
    match largest {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        size if size >= 0.1 || size == 0.0 => DECIMALS,
        size if size >= 0.01 => DECIMALS + 1,
        _ => DECIMALS + 2,
    }
}

/// Where a number stands among members that ascend, by their fractional index; beyond them it is the end.
fn position(members: &[Member], value: f64) -> f64 {
    let numbers: Vec<f64> = members.iter().filter_map(|member| member.number).collect();
    let after = numbers.partition_point(|number| *number <= value);
    match (after.checked_sub(1).and_then(|below| numbers.get(below)), numbers.get(after)) {
        (Some(low), Some(high)) => (after - 1) as f64 + (value - low) / (high - low),
        (None, _) => 0.0,
        (Some(_), None) => numbers.len().saturating_sub(1) as f64,
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use rtmm_sweep::execute::{Options, Silent};
    use rtmm_sweep::file::{SweepFile, read_source};
    use rtmm_sweep::plan::Cell;
    use rtmm_sweep::runner::{
        CellResult, CellRunner, ColumnKind, PolicySchema, Prepared, RunError, RunnerSpec, Schema,
        SeriesColumn, SeriesPoint, Value,
    };
    use rtmm_sweep::sweep;
    use rtmm_workload::input::Source;
    use rtmm_workload::parameters::Real;

    use super::*;

    /// A bowl over two weights, and a policy that finds its bottom.
    struct Bowl(RunnerSpec);

    const ALPHA: Real = Real::new("alpha", "a weight", 0.0, 0.0..=2.0);
    const BETA: Real = Real::new("beta", "a weight", 0.0, 0.0..=2.0);

    /// Where it goes: each point is off the grid but for the first and the last.
    const WAY: [(f64, f64); 4] = [(0.0, 0.0), (0.6, 0.1), (1.3, 0.7), (1.0, 1.0)];

    impl Bowl {
        fn new() -> Self {
            let policies = vec![
                PolicySchema::new("fixed", "", Schema::of(&[&[&ALPHA, &BETA]])),
                PolicySchema::new("adaptive", "", Schema::default()),
            ];
            let cost = runner::Column {
                name: "cost",
                unit: "",
                kind: ColumnKind::Real,
                meaning: "what it costs",
                summarised: true,
                better: Some(Better::Lower),
            };
            let series = |name| SeriesColumn { name, unit: "", meaning: "a weight" };
            Self(RunnerSpec {
                series_columns: vec![series("alpha"), series("beta")],
                ..RunnerSpec::new("bowl", policies, vec![cost])
            })
        }
    }

    impl CellRunner for Bowl {
        fn spec(&self) -> &RunnerSpec {
            &self.0
        }

        fn prepare<'p>(
            &'p self,
            plan: &'p Plan<'_>,
            _: &[usize],
        ) -> Result<Box<dyn Prepared + 'p>, RunError> {
            Ok(Box::new(Ready(plan)))
        }
    }

    struct Ready<'p>(&'p Plan<'p>);

    impl Prepared for Ready<'_> {
        fn run(&self, cell: &Cell) -> Result<CellResult, RunError> {
            let policy = self.0.policy(cell);
            let of = |name: &str| match policy.parameter(name) {
                Some(ParameterValue::Real(value)) => *value,
                _ => 1.0,
            };
            let cost =
                0.2 + (of("alpha") - 1.0).powi(2) + (of("beta") - 1.0).powi(2) + cell.seed as f64 / 1e3;
            let points = |part: fn(&(f64, f64)) -> f64| {
                let point = |(index, point): (usize, &(f64, f64))| SeriesPoint {
                    time_s: index as f64 * 0.02,
                    value: Some(part(point)),
                };
                WAY.iter().enumerate().map(point).collect::<Vec<_>>()
            };
            let series = match policy.name.as_ref() {
                "adaptive" => vec![points(|point| point.0), points(|point| point.1)],
                _ => Vec::new(),
            };
            Ok(CellResult { cell: vec![Value::Real(cost)], tasks: Vec::new(), series })
        }
    }

    const SWEEP: &str = r#"
runner = "bowl"
scenarios = ["xrbench/ar_assistant"]
platforms = ["xrbench/single_4k_ws"]
seeds = { first = 1, count = 10 }
duration = "100ms"
[[policy]]
name = "fixed"
set = { alpha = [2.0, 0.0, 1.0], beta = [0.0, 1.0, 2.0] }
[[policy]]
name = "adaptive"
[[figure]]
name = "search"
kind = "heat-map"
metric = "cost"
x = "alpha"
y = "beta"
where = { policy = "fixed" }
path = { policy = "adaptive", seed = 3 }
[[figure]]
name = "weights"
kind = "time-series"
series_name = "alpha"
series = "policy"
where = { policy = "adaptive" }
"#;

    #[test]
    fn a_search_is_drawn_where_it_went() {
        let bowl = Bowl::new();
        let SweepFile { plan, figures } = read_source(&Source::new("bowl.toml", SWEEP), &[&bowl]).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let finished = sweep::run(&plan, directory.path(), &Options::default(), &Silent).unwrap().finished;
        let declared = declared(&finished.unwrap().results, &figures);
        let [search, weights] = declared.figures.as_slice() else { panic!("two figures") };
        assert!(search.caption.contains("the path of adaptive under seed 3"), "{}", search.caption);
        // Numbers ascend to the right and upwards, whatever the order of the file.
        let table = declared.tables[0].table.to_markdown();
        assert!(table.contains("| 1 | 1.21 | **0.21** | 1.21 |"), "{table}");
        let drawn = search.svg.as_str();
        for text in [">alpha<", ">beta<", ">start<", ">end of the path<"] {
            assert!(drawn.contains(text), "{text}");
        }
        let line = drawn.lines().find(|line| line.starts_with("<polyline")).unwrap();
        let points: Vec<f64> =
            line.split('"').nth(1).unwrap().split([' ', ',']).map(|number| number.parse().unwrap()).collect();
        let [x0, y0, x1, y1, x2, y2, x3, y3] = points[..] else { panic!("four points: {points:?}") };
        // From the lower left corner to the middle: a step of the grid is 1 in both weights.
        let (across, up) = (x3 - x0, y0 - y3);
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 0.02, "{points:?}");
        near(x1, x0 + 0.6 * across);
        near(y1, y0 - 0.1 * up);
        near(x2, x0 + 1.3 * across);
        near(y2, y0 - 0.7 * up);
        assert!(across > 10.0 && up > 10.0, "{points:?}");
        assert!(weights.svg.as_str().contains("simulated time (s)"));
    }

    #[test]
    fn numbers_lie_between_members() {
        let members = [0.0, 1.0, 4.0].map(Member::number);
        let at = |value| position(&members, value);
        assert_eq!([-1.0, 0.0, 0.5, 1.0, 2.5, 4.0, 9.0].map(at), [0.0, 0.0, 0.5, 1.0, 1.5, 2.0, 2.0]);
        assert_eq!(position(&members[..1], 3.0), 0.0);
        assert_eq!(position(&[], 3.0), 0.0);
    }

    #[test]
    fn three_digits_count() {
        assert_eq!(
            [0.0, 0.004, 0.04, 0.4, 4.0, 40.0, 400.0].map(|v| decimals([v].into_iter())),
            [3, 5, 4, 3, 2, 1, 0]
        );
    }
}
