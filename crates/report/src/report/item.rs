//! Contents of a report as data: figures with their presentations, and tables of summaries.

use rtmm_sweep::figures::{Figure, Selection};
use rtmm_sweep::plan::Plan;

use crate::text::capitalised;

/// An item and the group of sections that it stands in.
pub(super) struct Grouped {
    pub(super) group: String,
    pub(super) item: Item,
}

/// A part of a report.
pub(super) enum Item {
    /// A figure, computed once and shown in one or more ways.
    Figure {
        /// The figure.
        figure: Box<Figure>,
        /// Its presentations, in order.
        shows: Vec<Show>,
    },
    /// Paired differences of a metric from the baseline of the sweep.
    Comparison {
        /// Stem for file names.
        name: String,
        /// Position among the summarised cell columns.
        metric: usize,
        /// Cells that it is about.
        under: Under,
        /// Place of the table.
        place: Place,
    },
    /// Means of task columns.
    Tasks {
        /// Cells that it is about.
        under: Under,
    },
    /// All values of a part of cells that differ in the seed only.
    Whole(Whole),
    /// Cells that failed.
    Failures,
}

/// Part of a run whose values are told in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    /// The tasks.
    Tasks,
    /// The accelerators.
    Accelerators,
    /// The run itself.
    Run,
}

impl Whole {
    /// All of them, in the order of pages.
    pub(super) const ALL: [Self; 3] = [Self::Tasks, Self::Accelerators, Self::Run];
}

/// A way to show a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    /// A drawing.
    Drawing,
    /// A table of its values.
    Table(Place),
    /// A table of the best row of each column.
    Best(Place),
    /// A file with a row for each value.
    Values,
}

/// Place of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On the page, in Markdown and on the terminal.
    Terminal,
    /// On the page and in Markdown: it would fill a terminal.
    Page,
}

/// Values of the axes that change scenarios, of those that the sweep varies. Nothing is averaged over them.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Under {
    values: Vec<Value>,
}

/// A value of an axis.
#[derive(Clone, PartialEq)]
struct Value {
    axis: &'static rtmm_sweep::axes::AxisRow,
    label: String,
    number: f64,
}

impl Under {
    /// Every combination that the scenarios of a plan have, in its order.
    pub(super) fn all(plan: &Plan<'_>) -> Vec<Self> {
        let mut found: Vec<Self> = Vec::new();
        for run in plan.varied_scenarios() {
            let varied = plan.axes().variations.iter().filter(|variation| variation.values.len() > 1);
            let values = varied.filter_map(|variation| {
                let number = run.number(variation.axis.name)?;
                Some(Value { axis: variation.axis, label: variation.label(), number })
            });
            let one = Self { values: values.collect() };
            if !found.contains(&one) {
                found.push(one);
            }
        }
        found
    }

    /// The cells under these values.
    pub(super) fn selection(&self) -> Selection {
        let part = |value: &Value| {
            (rtmm_sweep::figures::Dimension::Change(value.axis), vec![value.number.to_string()])
        };
        Selection(self.values.iter().map(part).collect())
    }

    /// True if a scenario is run under these values.
    pub(super) fn holds(&self, varied: &rtmm_sweep::plan::VariedScenario) -> bool {
        self.values.iter().all(|value| varied.number(value.axis.name) == Some(value.number))
    }

    /// Beginning of file names, such as `load_factor_1.5_`; empty where nothing varies.
    pub(super) fn prefix(&self) -> String {
        self.values.iter().map(|value| format!("{}_{}_", value.axis.name, value.number)).collect()
    }

    /// Name of a group of sections, such as `Load factor 1.5`; empty where nothing varies.
    pub(super) fn group(&self) -> String {
        capitalised(self.title().trim_start_matches(", "))
    }

    /// End of titles, such as `, load factor 1.5`.
    pub(super) fn title(&self) -> String {
        self.values.iter().map(|value| format!(", {} {}", value.label, value.number)).collect()
    }
}
