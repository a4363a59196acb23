//! Contents of every report: figures and tables as data, chosen by what a sweep varies.
//!
//! The first summarised metric has all of them; every other one of which more or less is better has those that
//! compare. Under several values of an axis that changes scenarios there is one set for each. A sweep of pairs shows
//! policies for each pair, since its scenarios have little in common.

use std::collections::BTreeSet;

use rtmm_sweep::axes::Variation;
use rtmm_sweep::figures::{Across, Content, Dimension, Figure, HARDWARE_LABELS, Selection};
use rtmm_sweep::plan::{Plan, PlatformId, WorkloadId};
use rtmm_sweep::ranking::{Competitors, Ranking};
use rtmm_sweep::runner::short_names;
use rtmm_sweep::summary::{Metric, Summary};

use super::item::{Grouped, Item, Place, Show, Under, Whole};
use crate::text::short_labels;

/// The most series that colours, hatches, markers and dashes tell apart.
const MAX_SERIES: usize = 16;
/// More charts than this are a worse heat map.
const MAX_CHARTS: usize = 12;
/// The most rows of scores of several policies that a terminal is shown.
const MAX_ROWS: usize = 24;
/// Number of metrics that a sweep of pairs shows for each: the first that have a better and a worse.
const METRICS_OF_PAIRS: usize = 2;

/// The group of what stands under no value of an axis.
const GROUP: &str = "By scenario and platform";
/// The group of all that is known of a run.
const THE_RUN: &str = "In full";
/// The group of lines over axes.
const OVER_AXES: &str = "Over what was varied";
/// The most lines of a chart that joins all scenarios and platforms.
const MAX_LINES: usize = 8;

/// The items of a report, with the ranking that picks lines where they would be too many.
pub(super) fn items(plan: &Plan<'_>, summary: &Summary, ranking: Option<&Ranking>) -> Vec<Grouped> {
    let sweep = Sweep::of(plan);
    let unders = Under::all(plan);
    let one_under = unders.len() == 1;
    let shown: Vec<(usize, &Metric)> = summary
        .metrics
        .iter()
        .enumerate()
        .filter(|(index, metric)| *index == 0 || metric.column.better.is_some())
        .collect();
    let mut items: Vec<Grouped> = Vec::new();
    let grouped = |group: &str, item: Item| Grouped { group: group.to_owned(), item };
    if let Some(ranking) = ranking {
        items.extend(sweep.over_axes(ranking).into_iter().map(|item| grouped(OVER_AXES, item)));
    }
    // Of a single scenario on a single platform under a single policy there is nothing to compare: it is told in full.
    if plan.groups().count() == 1 {
        items.extend(Whole::ALL.map(|whole| grouped(THE_RUN, Item::Whole(whole))));
        items.push(Grouped { group: super::FAILURES.to_owned(), item: Item::Failures });
        return items;
    }
    if sweep.has_pairs {
        let better = shown.iter().map(|(_, metric)| *metric).filter(|metric| metric.column.better.is_some());
        let metrics: Vec<&Metric> = better.take(METRICS_OF_PAIRS).collect();
        items.extend(sweep.of_pairs(&metrics, &unders).into_iter().map(|item| grouped(OVER_AXES, item)));
    } else if let Some((_, first)) = shown.first() {
        let lines = sweep.lines(&[first], &sweep.pairs(), Place::Page);
        items.extend(lines.into_iter().map(|item| grouped(OVER_AXES, item)));
    }
    for under in &unders {
        let group = if one_under { GROUP.to_owned() } else { under.group() };
        let grouped = |item: Item| Grouped { group: group.clone(), item };
        for (index, metric) in &shown {
            let has_values = summary.groups.iter().any(|group| {
                under.holds(&plan.varied_scenarios()[group.scenario.index()])
                    && group.statistics[*index].is_some()
            });
            if !has_values {
                continue;
            }
            let of = OfMetric { sweep: &sweep, under, metric, is_first: *index == 0, one_under };
            items.extend(of.figures().into_iter().map(&grouped));
            items.push(grouped(Item::Comparison {
                name: of.name("comparison"),
                metric: *index,
                under: under.clone(),
                place: of.place(of.is_first && (one_under || !sweep.has_policies)),
            }));
        }
        items.push(grouped(Item::Tasks { under: under.clone() }));
    }
    items.push(Grouped { group: super::FAILURES.to_owned(), item: Item::Failures });
    items
}

/// Properties of a sweep that decide which figures it has.
struct Sweep<'p> {
    plan: &'p Plan<'p>,
    /// Several policies: they are compared on each platform, which then goes by its name.
    has_policies: bool,
    /// Pairs under several policies.
    has_pairs: bool,
    /// Labels tell all platforms apart, and a single policy leaves nothing else to compare.
    is_labelled: bool,
}

impl<'p> Sweep<'p> {
    fn of(plan: &'p Plan<'p>) -> Self {
        let axes = plan.axes();
        let has_policies = axes.policies.len() > 1;
        // A copied platform has the labels of its original: then names are the only way.
        let labels: BTreeSet<Option<Vec<&String>>> = axes
            .platforms
            .iter()
            .map(|platform| HARDWARE_LABELS.iter().map(|label| platform.labels.get(*label)).collect())
            .collect();
        let is_labelled = !has_policies && !labels.contains(&None) && labels.len() == axes.platforms.len();
        Self { plan, has_policies, has_pairs: has_policies && !axes.pairs.is_empty(), is_labelled }
    }

    fn platforms(&self) -> usize {
        self.plan.axes().platforms.len()
    }

    fn policies(&self) -> usize {
        self.plan.axes().policies.len()
    }

    fn has_scenarios(&self) -> bool {
        self.plan.axes().workloads.len() > 1
    }

    /// Number of values that a label has.
    fn count(&self, label: &str) -> usize {
        let platforms = self.plan.axes().platforms.iter();
        platforms.filter_map(|platform| platform.labels.get(label)).collect::<BTreeSet<_>>().len()
    }

    /// Each scenario with each platform that it runs on.
    fn pairs(&self) -> Vec<(WorkloadId, PlatformId)> {
        let axes = self.plan.axes();
        let workloads = (0..axes.workloads.len()).map(WorkloadId::new);
        workloads
            .flat_map(|workload| axes.platforms_of(workload).map(move |platform| (workload, platform)))
            .collect()
    }

    /// A pair as a part of the cells, and as part of a file name.
    fn pair(&self, (workload, platform): (WorkloadId, PlatformId)) -> (Selection, String) {
        let axes = self.plan.axes();
        let scenarios: Vec<&str> = axes.workloads.iter().map(|one| one.scenario.name.as_str()).collect();
        let platforms: Vec<&str> = axes.platforms.iter().map(|one| one.name.as_str()).collect();
        let selection = Selection(vec![
            (Dimension::Scenario, vec![scenarios[workload.index()].to_owned()]),
            (Dimension::Platform, vec![platforms[platform.index()].to_owned()]),
        ]);
        let (scenarios, platforms) = (short_labels(&scenarios), short_labels(&platforms));
        let name = format!("{} on {}", scenarios[workload.index()], platforms[platform.index()]);
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
        (selection, name.chars().map(plain).collect())
    }

    /// The metric of a ranking over each axis that changes scenarios, a line a competitor, with all else joined; not
    /// where nothing else is there.
    fn over_axes(&self, ranking: &Ranking) -> Vec<Item> {
        if self.pairs().len() == 1
            && self.plan.axes().variations.iter().filter(|one| one.values.len() > 1).count() == 1
        {
            return Vec::new();
        }
        let axes = self.plan.axes();
        let dimension = ranking.competitors.dimension();
        let names: Vec<String> = match ranking.competitors {
            Competitors::Policies => short_names(&axes.policies),
            Competitors::Platforms => axes.platforms.iter().map(|platform| platform.name.clone()).collect(),
        };
        let shown = ranking.ranked.iter().take(MAX_LINES);
        let selection = match names.len() > MAX_LINES {
            true => Selection(vec![(
                dimension.clone(),
                shown.map(|ranked| names[ranked.competitor].clone()).collect(),
            )]),
            false => Selection::default(),
        };
        let varied = axes.variations.iter().filter(|variation| variation.values.len() > 1);
        let figure = |variation: &Variation| {
            let x = Dimension::Change(variation.axis);
            let content = Content::Lines { metric: ranking.metric, x, series: dimension.clone() };
            let mut figure =
                figure(format!("over_{}", variation.axis.name), content, selection.clone(), None);
            if names.len() > MAX_LINES {
                figure.caption = format!("The best {MAX_LINES} of {} by the ranking.", names.len());
            }
            Item::Figure { figure: Box::new(figure), shows: vec![Show::Drawing, Show::Table(Place::Page)] }
        };
        varied.map(figure).collect()
    }

    /// Metrics over the axis that alone changes scenarios: of each pair a line for each policy, or of each scenario a
    /// line for each platform where there is one policy; none where that is more than a reader can take in.
    fn lines(&self, metrics: &[&Metric], pairs: &[(WorkloadId, PlatformId)], place: Place) -> Vec<Item> {
        let mut varied = self.plan.axes().variations.iter().filter(|one| one.values.len() > 1);
        let (Some(only), None) = (varied.next(), varied.next()) else { return Vec::new() };
        let series = || if self.has_policies { Dimension::PolicyWithParameters } else { Dimension::Platform };
        let lines = if self.has_policies { self.policies() } else { self.platforms() };
        let mut places: Vec<(Selection, String)> = Vec::new();
        for pair in pairs {
            let (mut selection, name) = self.pair(*pair);
            if self.has_policies {
                places.push((selection, name));
                continue;
            }
            selection.0.truncate(1);
            if !places.iter().any(|(known, _)| *known == selection) {
                places.push((selection, name));
            }
        }
        if lines > MAX_SERIES || !self.has_pairs && places.len() > MAX_CHARTS {
            return Vec::new();
        }
        let of_metric = |metric: &&Metric| {
            let figure = |(selection, name): &(Selection, String)| {
                let x = Dimension::Change(only.axis);
                let content = Content::Lines { metric: metric.position, x, series: series() };
                let name = match places.len() {
                    1 if metrics.len() == 1 => "lines".to_owned(),
                    _ => format!("lines_{}_{name}", metric.column.name),
                };
                let figure = figure(name, content, selection.clone(), None);
                Item::Figure { figure: Box::new(figure), shows: vec![Show::Drawing, Show::Table(place)] }
            };
            places.iter().map(figure).collect::<Vec<Item>>()
        };
        metrics.iter().flat_map(of_metric).collect()
    }

    /// Of each pair: metrics over what varies, and the first against the second.
    fn of_pairs(&self, metrics: &[&Metric], unders: &[Under]) -> Vec<Item> {
        let pairs = self.pairs();
        let mut items = self.lines(metrics, &pairs, Place::Terminal);
        let [x, y] = metrics else { return items };
        // Where lines have the values, the drawing alone is new.
        let shows = match items.is_empty() {
            true => vec![Show::Drawing, Show::Table(Place::Terminal)],
            false => vec![Show::Drawing],
        };
        for pair in pairs {
            for under in unders {
                let (mut selection, name) = self.pair(pair);
                selection.0.extend(under.selection().0);
                let series = Dimension::PolicyWithParameters;
                let content = Content::Scatter { x: x.position, y: y.position, series };
                let name = format!("{}trade_off_{name}", under.prefix());
                let figure = figure(name, content, selection, None);
                items.push(Item::Figure { figure: Box::new(figure), shows: shows.clone() });
            }
        }
        items
    }
}

/// A metric under some values of what changes scenarios.
struct OfMetric<'m> {
    sweep: &'m Sweep<'m>,
    under: &'m Under,
    metric: &'m Metric,
    is_first: bool,
    one_under: bool,
}

impl OfMetric<'_> {
    fn name(&self, name: &str) -> String {
        let prefix = self.under.prefix();
        if self.is_first {
            format!("{prefix}{name}")
        } else {
            format!("{prefix}{}_{name}", self.metric.column.name)
        }
    }

    /// Place of a table; a sweep of pairs has others for the terminal.
    fn place(&self, on_terminal: bool) -> Place {
        if on_terminal && !self.sweep.has_pairs { Place::Terminal } else { Place::Page }
    }

    fn item(&self, name: &str, content: Content, facets: Option<Dimension>, shows: Vec<Show>) -> Item {
        let figure = figure(self.name(name), content, self.under.selection(), facets);
        Item::Figure { figure: Box::new(figure), shows }
    }

    fn figures(&self) -> Vec<Item> {
        if self.sweep.has_policies { self.of_policies() } else { self.of_platforms() }
    }

    /// Platforms are compared: by scenario, and within each budget where they are labelled.
    fn of_platforms(&self) -> Vec<Item> {
        let (sweep, metric) = (self.sweep, self.metric.position);
        let overall = sweep.has_scenarios();
        let has_budgets = sweep.is_labelled && sweep.count(HARDWARE_LABELS[0]) > 1;
        let budget = || has_budgets.then_some(Dimension::Label(HARDWARE_LABELS[0]));
        let (x, y) = (Dimension::Scenario, Dimension::Platform);
        let mut shows = vec![Show::Drawing];
        if self.is_first {
            shows.push(Show::Table(Place::Terminal));
        }
        shows.push(Show::Best(self.place(self.is_first)));
        let mut items = vec![self.item(
            "heat_map",
            Content::HeatMap { metric, x, y, overall: true, path: None },
            budget(),
            shows,
        )];
        if !self.is_first {
            return items;
        }
        let (hardware, dataflow) =
            (Dimension::Label(HARDWARE_LABELS[1]), Dimension::Label(HARDWARE_LABELS[2]));
        let best_of = || sweep.is_labelled.then_some(Dimension::Platform);
        let (by_hardware, by_dataflow) =
            if sweep.is_labelled { (hardware, dataflow) } else { (Dimension::Platform, Dimension::Policy) };
        let most = if sweep.is_labelled { sweep.count(HARDWARE_LABELS[1]) } else { sweep.platforms() };
        if most <= MAX_SERIES && (!sweep.is_labelled || sweep.count(HARDWARE_LABELS[0]) <= MAX_CHARTS) {
            let (groups, series, best_of) = (Dimension::Scenario, by_hardware.clone(), best_of());
            let content = Content::Bars { metric, groups, series, overall, best_of };
            items.push(self.item("best_bars", content, budget(), vec![Show::Drawing]));
        }
        if overall {
            let (groups, series, best_of) = (by_hardware, by_dataflow, best_of());
            let content = Content::Bars { metric, groups, series, overall: false, best_of };
            items.push(self.item("mean_bars", content, None, vec![Show::Drawing]));
        }
        items
    }

    /// Policies are compared on each platform: by scenario, and by platform.
    fn of_policies(&self) -> Vec<Item> {
        let (sweep, metric) = (self.sweep, self.metric.position);
        let mut items = Vec::new();
        let has_platforms = sweep.platforms() > 1;
        if !sweep.has_pairs {
            let overall = sweep.has_scenarios();
            let facets = || has_platforms.then_some(Dimension::Platform);
            let is_charted =
                self.is_first && sweep.policies() <= MAX_SERIES && sweep.platforms() <= MAX_CHARTS;
            if is_charted {
                let (groups, series) = (Dimension::Scenario, Dimension::PolicyWithParameters);
                let content = Content::Bars { metric, groups, series, overall, best_of: None };
                items.push(self.item("best_bars", content, facets(), vec![Show::Drawing]));
            }
            let mut shows = Vec::new();
            if !is_charted && (self.is_first || !has_platforms) {
                shows.push(Show::Drawing);
            }
            if self.is_first {
                let fits = sweep.policies() * sweep.platforms() <= MAX_ROWS;
                shows.push(Show::Table(self.place(fits && self.one_under)));
            }
            shows.push(Show::Best(self.place(self.is_first && self.one_under)));
            let (x, y) = (Dimension::Scenario, Dimension::PolicyWithParameters);
            let content = Content::HeatMap { metric, x, y, overall: true, path: None };
            items.push(self.item("heat_map", content, facets(), shows));
        }
        if has_platforms || sweep.has_scenarios() {
            let mut shows = vec![Show::Table(self.place(self.is_first || self.one_under))];
            if has_platforms {
                shows.insert(0, Show::Drawing);
            }
            let (x, y) = (Dimension::Platform, Dimension::PolicyWithParameters);
            let content = Content::HeatMap { metric, x, y, overall: false, path: None };
            items.push(self.item("policies", content, None, shows));
        }
        items
    }
}

fn figure(name: String, content: Content, selection: Selection, facets: Option<Dimension>) -> Figure {
    Figure {
        name,
        title: String::new(),
        caption: String::new(),
        content,
        selection,
        facets,
        across: Across::Mean,
        relative_to: None,
        labels: Vec::new(),
    }
}
