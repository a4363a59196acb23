//! Names, titles and captions of a figure: what readers are told.

use rtmm_sweep::axes::Variation;
use rtmm_sweep::figures::data::Panel;
use rtmm_sweep::figures::{Content, Dimension, Figure, Member};
use rtmm_sweep::plan::{Plan, VariedScenario};
use rtmm_sweep::runner::{Better, Column, ColumnKind, ParameterValue};
use rtmm_sweep::statistics::{CONFIDENCE, MINIMUM_SAMPLES};

use super::reading::{decimals, decimals_of_drawing, factor_of, label_of, name_of, unit_of};
use crate::text::{capitalised, short_labels};

/// The axis of loads.
const LOAD: &str = "load_factor";

/// Names of inputs with short ones, which leave out the folders that all share.
pub(super) struct Names<'p> {
    scenarios: Vec<(&'p str, String)>,
    platforms: Vec<(&'p str, String)>,
}

impl<'p> Names<'p> {
    pub(super) fn of(plan: &'p Plan<'_>) -> Self {
        let short = |names: Vec<&'p str>| {
            let short = short_labels(&names);
            names.into_iter().zip(short).collect()
        };
        let axes = plan.axes();
        Self {
            scenarios: short(axes.workloads.iter().map(|one| one.scenario.name.as_str()).collect()),
            platforms: short(axes.platforms.iter().map(|one| one.name.as_str()).collect()),
        }
    }
}

/// A figure with what names its parts.
pub(super) struct Wording<'d> {
    pub(super) plan: &'d Plan<'d>,
    pub(super) figure: &'d Figure,
    pub(super) names: &'d Names<'d>,
}

impl Wording<'_> {
    /// The column that is shown; `None` where the runner has no such column.
    pub(super) fn column(&self) -> Option<Column> {
        match self.figure.content {
            Content::Bars { metric, .. }
            | Content::Lines { metric, .. }
            | Content::HeatMap { metric, .. }
            | Content::Scatter { y: metric, .. } => self.metric(metric),
            Content::TimeSeries { column, .. } => {
                let series = self.plan.spec().series_columns.get(column)?;
                Some(Column {
                    unit: series.unit,
                    ..Column::new(series.name, ColumnKind::Real, series.meaning)
                })
            }
        }
    }

    /// A cell column.
    pub(super) fn metric(&self, position: usize) -> Option<Column> {
        self.plan.spec().cell_columns.get(position).copied()
    }

    /// Direction in which values of the figure are better.
    pub(super) fn better(&self) -> Option<Better> {
        self.column()?.better
    }

    /// The numbers by which values of the figure are multiplied for readers, row by row.
    pub(super) fn factors(&self) -> Vec<f64> {
        let factor = |column: Option<Column>| column.as_ref().map_or(1.0, factor_of);
        match (&self.figure.relative_to, &self.figure.content) {
            (Some(_), _) => vec![1.0],
            (None, Content::Scatter { x, y, .. }) => {
                [x, y].map(|metric| factor(self.metric(*metric))).to_vec()
            }
            (None, _) => vec![factor(self.column())],
        }
    }

    /// Decimals of values of the figure in a table.
    pub(super) fn decimals(&self, values: impl Iterator<Item = f64>) -> u8 {
        decimals(self.unit(), values)
    }

    /// Decimals of values of the figure in a drawing.
    pub(super) fn decimals_of_drawing(&self, values: impl Iterator<Item = f64>) -> u8 {
        decimals_of_drawing(self.unit(), values.map(f64::abs).fold(0.0, f64::max))
    }

    /// The unit in words; what is relative has none.
    fn unit(&self) -> &'static str {
        let column = self.column().filter(|_| self.figure.relative_to.is_none());
        column.map_or("", |column| column.unit)
    }

    /// The name of a column, for readers.
    pub(super) fn column_name(&self, column: &Column) -> String {
        self.figure.label(column.name).map_or_else(|| name_of(column), str::to_owned)
    }

    /// Name of the values, for an axis.
    pub(super) fn value_label(&self) -> String {
        let Some(column) = self.column() else { return String::new() };
        let name = self.column_name(&column);
        // What is relative has no unit.
        match self.figure.relative_to {
            Some(_) => format!("relative {name}"),
            None => label_of(&name, unit_of(&column).as_deref()),
        }
    }

    pub(super) fn dimension_label(&self, dimension: &Dimension) -> String {
        if let Some(label) = self.figure.label(dimension.name()) {
            return label.to_owned();
        }
        match dimension {
            Dimension::PolicyWithParameters => "policy".to_owned(),
            Dimension::Change(axis) => {
                let variations = &self.plan.axes().variations;
                let found = variations.iter().find(|variation| variation.axis == *axis);
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
    pub(super) fn member_label(&self, dimension: &Dimension, member: &str) -> String {
        if let Some(label) = self.figure.label(member) {
            return label.to_owned();
        }
        let names = match dimension {
            Dimension::Scenario => &self.names.scenarios,
            Dimension::Platform => &self.names.platforms,
            _ => return member.to_owned(),
        };
        let found = names.iter().find(|(name, _)| *name == member);
        found.map_or_else(|| member.to_owned(), |(_, short)| short.clone())
    }

    pub(super) fn labels(&self, dimension: Option<&Dimension>, members: &[Member]) -> Vec<String> {
        let label = |member: &Member| match dimension {
            Some(dimension) => self.member_label(dimension, &member.text),
            None => member.text.clone(),
        };
        members.iter().map(label).collect()
    }

    /// The names of members where no axis says what they are: in a legend, or at the head of columns.
    pub(super) fn series_labels(&self, dimension: Option<&Dimension>, members: &[Member]) -> Vec<String> {
        let Some(dimension) = dimension else { return self.labels(None, members) };
        let label = |member: &Member| match dimension {
            _ if self.figure.label(&member.text).is_some() => self.member_label(dimension, &member.text),
            Dimension::Parameter(_) => format!("{}={}", self.dimension_label(dimension), member.text),
            Dimension::Change(_) => format!("{} {}", self.dimension_label(dimension), member.text),
            _ => self.member_label(dimension, &member.text),
        };
        members.iter().map(label).collect()
    }

    pub(super) fn title(&self, panel: &Panel) -> String {
        let mut title =
            if self.figure.title.is_empty() { self.own_title() } else { self.figure.title.clone() };
        if let (Some(dimension), Some(facet)) = (&self.figure.facets, &panel.facet) {
            let label = self.member_label(dimension, &facet.text);
            title.push_str(&match facet.number {
                Some(_) => format!(", {} {label}", self.dimension_label(dimension)),
                None => format!(", {label}"),
            });
        }
        title
    }

    /// Title of a figure that has none: the values, what tells them apart, and the part of the sweep.
    fn own_title(&self) -> String {
        let content = &self.figure.content;
        let by: Vec<String> = content
            .dimensions()
            .into_iter()
            .flatten()
            .map(|dimension| self.dimension_label(dimension))
            .collect();
        let over = match content {
            Content::TimeSeries { .. } => " over time".to_owned(),
            Content::Scatter { x, .. } => {
                self.metric(*x).map_or_else(String::new, |x| format!(" against {}", self.column_name(&x)))
            }
            _ => String::new(),
        };
        let best = match content {
            Content::Bars { best_of: Some(best_of), .. } => {
                format!(", best {} of each", self.dimension_label(best_of))
            }
            _ => String::new(),
        };
        let by = by.join(" and ");
        capitalised(&format!("{}{over} by {by}{best}{}", self.value_label(), self.under()))
    }

    /// End of a title: the scenario, platform or value that a figure is about, where it is about one alone.
    pub(super) fn under(&self) -> String {
        let parts = self.figure.selection.0.iter().filter(|(dimension, _)| !dimension.is_of_policy());
        let only = parts.filter_map(|(dimension, members)| match members.as_slice() {
            [only] => Some((dimension, self.member_label(dimension, only))),
            _ => None,
        });
        only.map(|(dimension, label)| match dimension {
            Dimension::Change(_) => format!(", {} {label}", self.dimension_label(dimension)),
            _ => format!(", {label}"),
        })
        .collect()
    }

    /// Caption: the words of the sweep file, then how the values were computed.
    pub(super) fn caption(&self, panel: &Panel) -> String {
        let mut parts: Vec<String> = Vec::new();
        if !self.figure.caption.is_empty() {
            parts.push(self.figure.caption.trim().to_owned());
        }
        let columns = match self.figure.content {
            Content::Scatter { x, .. } => [self.column(), self.metric(x)],
            _ => [self.column(), None],
        };
        // Colours of a map go by what is better, so that its scale needs no other word.
        let brighter = match self.figure.content {
            Content::HeatMap { .. } => " and brighter",
            _ => "",
        };
        parts.extend(columns.into_iter().flatten().map(|column| {
            let meaning = capitalised(column.meaning);
            match column.better {
                Some(Better::Lower) => format!("{meaning}; less is better{brighter}."),
                Some(Better::Higher) => format!("{meaning}; more is better{brighter}."),
                None => format!("{meaning}."),
            }
        }));
        parts.extend(self.caveat());
        if let Content::Bars { best_of: Some(best_of), .. } = &self.figure.content {
            parts.push(format!(
                "Each bar is that of its best {}, chosen once what the figure does not tell apart is joined.",
                self.dimension_label(best_of)
            ));
        }
        parts.extend(self.made_of(panel));
        if let Content::HeatMap { path: Some(path), .. } = &self.figure.content {
            let policy =
                self.plan.axes().policies.get(path.policy.index()).map_or("", |policy| policy.name.as_ref());
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

    /// Sentence on how many parts each value joins, where it joins any.
    fn joined(&self, panel: &Panel, what: &str) -> Option<String> {
        let (least, most) = range(panel.values.iter().flatten().flatten().map(|estimate| estimate.joined));
        (most > 1).then(|| {
            format!(
                "Each value is the {} over {} combinations of what the {what} does not tell apart.",
                self.figure.across,
                count(least, most)
            )
        })
    }

    /// Sentence on what values must not be compared with, where loads or durations differ in the sweep.
    fn caveat(&self) -> Option<String> {
        let column = self.column().filter(|column| !column.caveat.is_empty())?;
        let varied = self.plan.varied_scenarios();
        let first = varied.first()?;
        let is_other = |one: &VariedScenario| {
            one.scenario.duration != first.scenario.duration || one.number(LOAD) != first.number(LOAD)
        };
        varied.iter().any(is_other).then(|| format!("{}.", capitalised(column.caveat)))
    }

    /// Notes of a table of a panel, whose values stand with their intervals or without.
    pub(super) fn notes(&self, panel: &Panel, intervals: bool) -> Vec<String> {
        let all = || panel.values.iter().flatten().flatten();
        let (least, most) = range(all().map(|estimate| estimate.seeds));
        let seeds = (most > 1).then(|| {
            let half = if intervals && all().any(|estimate| estimate.interval.is_some()) {
                format!("; behind ± is half the length of the {:.0} % bootstrap interval", 100.0 * CONFIDENCE)
            } else {
                String::new()
            };
            format!("Means over {} seeds{half}.", count(least, most))
        });
        self.caveat().into_iter().chain(self.joined(panel, "table")).chain(seeds).collect()
    }

    /// Sentences on how values were joined, and what their intervals are.
    fn made_of(&self, panel: &Panel) -> Vec<String> {
        let all = || {
            let overall = panel.overall.iter().flat_map(|overall| &overall.values);
            panel.values.iter().flatten().chain(overall).flatten()
        };
        let mut parts = Vec::new();
        if let Some(relative_to) = &self.figure.relative_to {
            let to = relative_to.0.iter().flat_map(|(dimension, texts)| {
                texts.iter().map(move |text| match dimension {
                    Dimension::Scenario | Dimension::Platform | Dimension::Policy => {
                        self.figure.label(text).unwrap_or(text).to_owned()
                    }
                    other => format!("{} {text}", self.dimension_label(other)),
                })
            });
            parts.push(format!("Relative to {}.", to.collect::<Vec<_>>().join(", ")));
        }
        parts.extend(self.joined(panel, "figure"));
        let (least, most) = range(all().map(|estimate| estimate.seeds));
        if most > 1 {
            let intervals = if all().any(|estimate| estimate.interval.is_some()) {
                format!(", with {:.0} % bootstrap intervals", 100.0 * CONFIDENCE)
            } else {
                format!("; intervals need at least {MINIMUM_SAMPLES}")
            };
            parts.push(format!("Means over {} seeds{intervals}.", count(least, most)));
        }
        parts
    }
}

fn count(least: usize, most: usize) -> String {
    if least == most { most.to_string() } else { format!("{least} to {most}") }
}

fn range(counts: impl Iterator<Item = usize>) -> (usize, usize) {
    counts.fold((usize::MAX, 0), |(least, most), count| (least.min(count), most.max(count)))
}
