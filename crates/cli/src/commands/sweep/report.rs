//! From a summary to the tables and figures of the report.

mod comparisons;
pub(super) mod declared;
pub(super) mod failures;
pub(super) mod pairs;
mod policies;
mod tasks;

use std::collections::BTreeSet;

use rtmm_report::{
    Better, Fact, Interval, Layout, LinePoint, LineSeries, Lines, Metric, ReportError, ReportTable,
    ScoreData, ScoreReport, ScoreRow, Svg, TWO_COLUMNS_PT, score_report, short_labels,
};
use rtmm_sweep::plan::{Cell, Plan};
use rtmm_sweep::results::Results;
use rtmm_sweep::runner::{self, Column, Policy, short_names};
use rtmm_sweep::statistics::CONFIDENCE;
use rtmm_sweep::summary::{Group, Summary};

/// The report on one metric under one load and trigger probability.
pub(super) struct MetricReport {
    /// What its files' names begin with; empty for the main report.
    pub prefix: String,
    pub report: Result<ScoreReport, ReportError>,
    /// Tables that would fill a terminal: for the page and the Markdown only.
    pub more: Vec<ReportTable>,
}

impl MetricReport {
    /// A report that has what the sweep file declares and nothing else.
    pub(super) fn without_scores(plan: &Plan<'_>) -> Self {
        let report = ScoreReport {
            title: plan.axes().name.clone(),
            description: plan.axes().description.clone(),
            tables: Vec::new(),
            figures: Vec::new(),
        };
        Self { prefix: String::new(), report: Ok(report), more: Vec::new() }
    }
}

/// The labels by which platforms are grouped if they tell all platforms apart and a single policy
/// leaves nothing else to compare.
const LABELS: [&str; 3] = ["budget", "hardware", "dataflow"];
/// The most lines that colours, markers and dashes tell apart.
const MOST_LINES: usize = 16;
/// The most rows of scores of several policies that a terminal is shown.
const MOST_SCORES: usize = 24;
/// Decimals of values of some size; smaller ones get more.
const DECIMALS: u8 = 2;

/// One report a variation of the scenarios. The first metric has all tables and figures; of every
/// other one that has a better and a worse, a few follow behind them.
pub(super) fn reports(results: &Results<'_>, summary: &Summary) -> Vec<MetricReport> {
    let plan = results.plan();
    let naming = Naming::of(plan);
    let mut reports: Vec<MetricReport> = Vec::new();
    for variation in variations(plan) {
        let shown = Shown { plan, summary, naming: &naming, variation: &variation };
        let mut main: Option<Result<ScoreReport, ReportError>> = None;
        for (position, metric) in summary.metrics.iter().enumerate() {
            if position > 0 && metric.column.better.is_none() {
                continue;
            }
            let Some(data) = data(&shown, position, metric.column) else { continue };
            let mut report = score_report(&data, &naming.layout);
            if let Ok(report) = &mut report {
                report.tables.extend(policies::table(&shown, position, &data.metric));
                report.tables.extend(comparisons::table(&shown, position, &data.metric));
                report.figures.extend(policies::heat_map(&shown, position, &data.metric));
            }
            match (&mut main, report) {
                (None, report) => main = Some(report),
                (Some(Ok(main)), Ok(other)) => append(main, other, metric.column.name, &data.metric.name),
                (Some(_), _) => {}
            }
        }
        let Some(report) = main else { continue };
        let more = tasks::table(&shown).into_iter().chain(failures::table(plan, results.failures()));
        reports.push(MetricReport { prefix: variation.prefix(), report, more: more.collect() });
    }
    reports
}

/// What of a further metric stands behind the main one: one figure and the tables that compare.
fn append(main: &mut ScoreReport, other: ScoreReport, column: &str, name: &str) {
    let is_by_policy = other.figures.iter().any(|figure| figure.name == "policies");
    let figure = if is_by_policy { "policies" } else { "heat_map" };
    for mut figure in other.figures.into_iter().filter(|one| one.name == figure) {
        figure.name = format!("{column}_{}", figure.name);
        figure.title = format!("{}: {name}", figure.title);
        main.figures.push(figure);
    }
    let kept = ["policies", "comparison", "best"];
    for mut table in other.tables.into_iter().filter(|one| kept.contains(&one.name.as_str())) {
        table.name = format!("{column}_{}", table.name);
        main.tables.push(table);
    }
}

/// What a report on a metric is made of; `None` where there are no values.
fn data(shown: &Shown<'_>, position: usize, column: Column) -> Option<ScoreData> {
    let Shown { plan, summary, naming, variation } = shown;
    let groups = summary
        .groups
        .iter()
        .filter(|group| shown.holds(group) && group.statistics.get(position).copied().flatten().is_some());
    let rows: Vec<ScoreRow> = groups.filter_map(|group| naming.row(plan, group, position)).collect();
    if rows.is_empty() {
        return None;
    }
    let percent = column.unit == "percent";
    let within = rows.iter().all(|row| (0.0..=100.0).contains(&row.mean));
    Some(ScoreData {
        title: format!("{}: {}{}", plan.axes().name, column.meaning, variation.title()),
        description: plan.axes().description.clone(),
        metric: Metric {
            name: name_of(&column),
            unit: unit_of(&column),
            better: match column.better {
                Some(runner::Better::Lower) => Better::Lower,
                Some(runner::Better::Higher) | None => Better::Higher,
            },
            decimals: decimals(rows.iter().map(|row| row.mean)),
            range: (percent && within).then_some((0.0, 100.0)),
        },
        confidence_percent: 100.0 * CONFIDENCE,
        axes: naming.axes.clone(),
        rows,
    })
}

/// The tables for a terminal: all of a sweep of platforms; of a sweep of policies those that compare
/// them, and where the scenarios are varied, too, just the first: pages have the rest.
pub(super) fn terminal_tables(plan: &Plan<'_>, report: &ScoreReport, several: bool) -> Vec<ReportTable> {
    let by_policy = plan.axes().policies.len() > 1;
    let is_shown = |table: &&ReportTable| match (by_policy, several) {
        (false, _) => ["scores", "confidence", "best", "comparison"].contains(&table.name.as_str()),
        (true, false) if table.name == "scores" => table.table.rows.len() <= MOST_SCORES,
        (true, false) => {
            table.name.ends_with("policies") || table.name == "best" || table.name == "comparison"
        }
        (true, true) => table.name == "policies",
    };
    report.tables.iter().filter(is_shown).cloned().collect()
}

/// What the tables of a report are made of.
struct Shown<'s> {
    plan: &'s Plan<'s>,
    summary: &'s Summary,
    naming: &'s Naming,
    variation: &'s Variation,
}

impl Shown<'_> {
    /// Whether the report is about this group.
    fn holds(&self, group: &Group) -> bool {
        self.variation.holds(self.plan, &self.plan.cells()[group.cells.start])
    }
}

/// Units in words, the ends of column names that state them, and how tables write them.
const UNITS: [(&str, &str, &str); 6] = [
    ("percent", "_pct", "%"),
    ("percent", "_percent", "%"),
    ("seconds", "_s", "s"),
    ("milliseconds", "_ms", "ms"),
    ("microseconds", "_us", "us"),
    ("millijoules", "_mj", "mJ"),
];

/// The name of a column in a sentence: its unit stands behind it.
fn name_of(column: &Column) -> String {
    let mut ends = UNITS.iter().filter(|(unit, ..)| *unit == column.unit);
    let name = ends.find_map(|(_, end, _)| column.name.strip_suffix(end)).unwrap_or(column.name);
    name.replace('_', " ")
}

/// The unit of a column as tables write it.
fn unit_of(column: &Column) -> Option<String> {
    let known = UNITS.iter().find(|(unit, ..)| *unit == column.unit);
    let text = known.map_or(column.unit, |(_, _, short)| short);
    (!text.is_empty()).then(|| text.to_owned())
}

/// How many decimals tell some values apart.
fn decimals(mut values: impl Iterator<Item = f64>) -> u8 {
    if values.all(|value| value.abs() < 0.1) { DECIMALS + 3 } else { DECIMALS }
}

/// The first metric over the axis that alone changes scenarios; none where more lines would be needed than can be
/// told apart.
pub(super) fn lines(plan: &Plan<'_>, summary: &Summary) -> Option<Svg> {
    let metric = summary.metrics.first()?;
    let mut varied = plan.axes().variations.iter().filter(|one| one.values.len() > 1);
    let (Some(only), None) = (varied.next(), varied.next()) else { return None };
    let x_label = only.label();
    let several_scenarios = plan.axes().workloads.len() > 1;
    let policies = short_policies(&plan.axes().policies);
    let mut series: Vec<LineSeries> = Vec::new();
    for group in &summary.groups {
        let cell = &plan.cells()[group.cells.start];
        let variant = plan.variant(cell);
        let mut parts = vec![plan.platform(cell).name.as_str()];
        if several_scenarios {
            parts.insert(0, &variant.scenario.name);
        }
        parts.extend(policies.get(group.policy.index()).map(String::as_str));
        let name = parts.join(", ");
        let statistics = group.statistics.first().copied().flatten();
        let point = LinePoint {
            x: variant.number(only.axis.name).unwrap_or_default(),
            y: statistics.map(|statistics| statistics.mean),
            interval: statistics
                .and_then(|statistics| statistics.interval)
                .map(|interval| Interval { lower: interval.low, upper: interval.high }),
        };
        match series.iter_mut().find(|known| known.name == name) {
            Some(known) => known.points.push(point),
            None => series.push(LineSeries { name, points: vec![point] }),
        }
    }
    if series.len() > MOST_LINES {
        return None;
    }
    let unit = unit_of(&metric.column).map_or_else(String::new, |unit| format!(" ({unit})"));
    let lines = Lines {
        description: format!("{} by {x_label}", metric.column.meaning),
        y_label: format!("{}{unit}", name_of(&metric.column)),
        x_label,
        series,
        y_range: Some((0.0, 0.0)),
        width_pt: TWO_COLUMNS_PT / 1.5,
        ..Lines::default()
    };
    Some(lines.to_svg())
}

/// A value of each axis that changes scenarios and varies: scenarios under others are not averaged with these.
#[derive(Clone, PartialEq)]
struct Variation {
    values: Vec<Varied>,
}

/// A value of an axis that changes scenarios.
#[derive(Clone, PartialEq)]
struct Varied {
    /// Name of the axis in results.
    axis: &'static str,
    /// Name of the axis for readers.
    label: String,
    value: f64,
}

fn variations(plan: &Plan<'_>) -> Vec<Variation> {
    let mut found: Vec<Variation> = Vec::new();
    for variant in plan.variants() {
        let varied = plan.axes().variations.iter().filter(|one| one.values.len() > 1);
        let values = varied.filter_map(|one| {
            let value = variant.number(one.axis.name)?;
            Some(Varied { axis: one.axis.name, label: one.label(), value })
        });
        let one = Variation { values: values.collect() };
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found
}

impl Variation {
    fn holds(&self, plan: &Plan<'_>, cell: &Cell) -> bool {
        let variant = plan.variant(cell);
        self.values.iter().all(|one| variant.number(one.axis) == Some(one.value))
    }

    fn title(&self) -> String {
        self.values.iter().map(|one| format!(", {} {}", one.label, one.value)).collect()
    }

    /// The axis with its value, where one alone varies.
    fn only(&self) -> Option<&Varied> {
        if let [only] = self.values.as_slice() { Some(only) } else { None }
    }

    /// Short, for the head of a column.
    fn label(&self) -> String {
        self.title().trim_start_matches(", ").to_owned()
    }

    /// Such as `load_factor_1.5_trigger_probability_0.25_`; empty where nothing varies.
    fn prefix(&self) -> String {
        self.values.iter().map(|one| format!("{}_{}_", one.axis, one.value)).collect()
    }
}

/// How platforms and policies are told apart.
struct Naming {
    axes: Vec<String>,
    layout: Layout,
    labelled: bool,
    /// Short names of the platforms.
    platforms: Vec<String>,
    /// Short names of the policies: only the parameters that vary. Empty for a single policy.
    policies: Vec<String>,
}

impl Naming {
    fn of(plan: &Plan<'_>) -> Self {
        let platforms = &plan.axes().platforms;
        let labels: Vec<Option<Vec<&String>>> = platforms
            .iter()
            .map(|platform| LABELS.iter().map(|label| platform.labels.get(*label)).collect())
            .collect();
        // A copied platform has the labels of its original: then names are the only way.
        let distinct: BTreeSet<_> =
            labels.iter().map(|labels| labels.as_ref().map(|all| &all[1..])).collect();
        let policies = short_policies(&plan.axes().policies);
        // Several policies are compared on each platform, which then goes by its name.
        let labelled =
            policies.is_empty() && labels.iter().all(Option::is_some) && distinct.len() == platforms.len();
        let mut axes = vec!["scenario".to_owned()];
        if labelled {
            axes.extend(LABELS.map(str::to_owned));
        } else {
            axes.push("platform".to_owned());
        }
        if !policies.is_empty() {
            axes.push("policy".to_owned());
        }
        // Platforms are told apart by hardware, dataflow and policy; budgets are compared within.
        let platform = axes.iter().skip(1).filter(|axis| *axis != "budget").cloned().collect();
        let policy = || (!policies.is_empty()).then(|| "policy".to_owned());
        let layout = Layout {
            scenario: "scenario".to_owned(),
            platform,
            budget: if labelled { Some("budget") } else { policy().map(|_| "platform") }.map(str::to_owned),
            series: if labelled { Some("dataflow".to_owned()) } else { policy() },
            compared: policy(),
        };
        let names: Vec<&str> = platforms.iter().map(|platform| platform.name.as_str()).collect();
        let platforms = short_labels(&names);
        Self { axes, layout, labelled, platforms, policies }
    }

    fn row(&self, plan: &Plan<'_>, group: &Group, metric: usize) -> Option<ScoreRow> {
        let statistics = group.statistics.get(metric).copied().flatten()?;
        let cell = &plan.cells()[group.cells.start];
        let platform = plan.platform(cell);
        let mut values = vec![plan.variant(cell).scenario.name.clone()];
        if self.labelled {
            values.extend(LABELS.map(|label| platform.labels.get(label).cloned().unwrap_or_default()));
        } else {
            values.push(platform.name.clone());
        }
        values.extend(self.policies.get(group.policy.index()).cloned());
        Some(ScoreRow {
            values,
            mean: statistics.mean,
            interval: statistics
                .interval
                .map(|interval| Interval { lower: interval.low, upper: interval.high }),
            n: statistics.samples as u64,
        })
    }
}

/// Names that tell policies apart; none for a single one.
fn short_policies(policies: &[Policy]) -> Vec<String> {
    if policies.len() < 2 {
        return Vec::new();
    }
    short_names(policies)
}

/// How the results were made, for the head of the page.
pub(super) fn facts(plan: &Plan<'_>) -> Vec<Fact> {
    let axes = plan.axes();
    let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
    // What varies is what names them; the manifest has every parameter.
    let policies = match axes.policies.as_slice() {
        [policy] => vec![policy.to_string()],
        several => short_policies(several),
    };
    let mut facts = vec![
        fact("program", format!("rtmm {}", env!("CARGO_PKG_VERSION"))),
        fact("sweep", axes.name.clone()),
        fact("runner", format!("{} (result version {})", plan.spec().name, plan.spec().result_version)),
        fact("policies", policies.join("; ")),
        fact("scenarios", axes.workloads.len().to_string()),
        fact("platforms", axes.platforms.len().to_string()),
        fact("seeds of random scenarios", axes.seeds.len().to_string()),
        fact("cells", plan.len().to_string()),
    ];
    if !axes.settings.is_empty() {
        facts.insert(3, fact("settings", axes.settings.to_string()));
    }
    facts
}
