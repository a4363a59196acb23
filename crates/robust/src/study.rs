//! Studies: what is asked of a ranking.

use rtmm_sweep::runner::{Chosen, RunnerSpec};
use rtmm_workload::input::suggestion;
use thiserror::Error;

use crate::axes::AxisRow;
use crate::errors::{Errors, Spread};
use crate::margin::Level;
use crate::metric::Metric;
use crate::place::Place;
use crate::size::Size;
use crate::stated::Stated;

/// The most draws, and the most rounds of bisection.
const MAX_DRAWS: u32 = 10_000;
const MAX_ROUNDS: u32 = 32;
/// The most seeds.
const MAX_SEEDS: usize = 1_000;

/// A question: which of some policies beat which others, and how wrong inputs may be until they do not.
#[derive(Clone, Debug)]
pub struct Study {
    /// Scenarios on platforms; a value of several is the mean over them.
    pub places: Vec<Place>,
    /// Policies with their parameters and the settings of the run, which all have in common.
    pub policies: Vec<Chosen>,
    /// Seeds of every random draw of the runs; a value is the mean over them. Places in which nothing is random run with
    /// the first alone.
    pub seeds: Vec<u64>,
    /// Names of the metrics; empty for deadline misses, energy and UXCost.
    pub metrics: Vec<String>,
    /// Worlds with errors, at each size.
    pub draws: u32,
    /// Sizes that are simulated in any case; empty for those of each axis.
    pub sizes: Vec<Size>,
    /// Sizes that bisection adds.
    pub rounds: u32,
    /// Levels of flip margins, the greatest first.
    pub levels: Vec<Level>,
    /// Parts of errors of layer costs.
    pub spread: Spread,
    /// The correlation of errors between accelerators, tasks and prices.
    pub correlation: f64,
    /// Seed of the errors.
    pub error_seed: u64,
    /// The errors that cost models state.
    pub stated: Stated,
}

/// Why a study cannot be made.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum StudyError {
    /// A name is no policy.
    #[error("there is no policy `{name}`")]
    NoPolicy {
        /// The name.
        name: String,
        /// Similar names.
        help: String,
    },
    /// A policy has no such parameters.
    #[error("{reason}")]
    Parameters {
        /// Reason.
        reason: String,
        /// A way out.
        help: String,
    },
    /// One policy is in no contest.
    #[error("{count} {} in no contest", if *.count == 1 { "policy is" } else { "policies are" })]
    TooFewPolicies {
        /// The number of policies.
        count: usize,
    },
    /// Two policies are one.
    #[error("the policy `{policy}` is there twice")]
    Repeated {
        /// The policy with its parameters.
        policy: String,
    },
    /// A name is no metric.
    #[error("there is no metric `{name}`")]
    NoMetric {
        /// The name.
        name: String,
        /// Similar names.
        help: String,
    },
    /// A name is no axis.
    #[error("there is no axis `{name}`")]
    NoAxis {
        /// The name.
        name: String,
        /// Similar names.
        help: String,
    },
    /// A value is listed twice.
    #[error("{what} `{value}` is there twice")]
    Twice {
        /// The kind of the value.
        what: &'static str,
        /// The value.
        value: String,
    },
    /// No axis has a use for a value that is stated.
    #[error("`{key}` has no effect: no axis that is asked for has a use for it")]
    Idle {
        /// The key or option.
        key: &'static str,
        /// Names of the axes that have one.
        axes: Vec<&'static str>,
    },
    /// There is nothing to run.
    #[error("the study has no {what}")]
    Nothing {
        /// The kind that it lacks.
        what: &'static str,
    },
    /// A count is out of its range.
    #[error("{count} {what} are not between {least} and {most}")]
    Count {
        /// The kind of what is counted.
        what: &'static str,
        /// The number.
        count: u64,
        /// The least number.
        least: u64,
        /// The greatest number.
        most: u64,
    },
    /// A correlation is out of its range.
    #[error("the correlation {correlation} is not between 0 and 1")]
    Correlation {
        /// The value.
        correlation: f64,
    },
    /// A size is beyond those of an axis.
    #[error("errors of {size} % are beyond those of the axis `{axis}`")]
    TooLarge {
        /// The size.
        size: Size,
        /// Name of the axis.
        axis: &'static str,
        /// Its greatest size.
        greatest: Size,
    },
    /// A place has no errors of an axis.
    #[error("the axis `{axis}` cannot be had: `{place}` {reason}")]
    Refused {
        /// Name of the axis.
        axis: &'static str,
        /// The place, or its platform.
        place: String,
        /// Predicate of a sentence on it.
        reason: &'static str,
        /// A way out.
        help: &'static str,
    },
}

impl StudyError {
    /// A way out.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::NoPolicy { help, .. }
            | Self::Parameters { help, .. }
            | Self::NoMetric { help, .. }
            | Self::NoAxis { help, .. } => help.clone(),
            Self::TooFewPolicies { .. } => "name two or more, such as edf,fcfs".to_owned(),
            Self::Repeated { .. } => {
                "remove one, or set other parameters, such as edf,edf:drop=infeasible".to_owned()
            }
            Self::Twice { .. } => "write it once".to_owned(),
            Self::Idle { axes, .. } => {
                format!("leave it out, or ask for an axis that has one: {}", axes.join(", "))
            }
            Self::Nothing { what } => format!("name one or more {what}"),
            Self::Count { least, most, .. } => format!("write a number from {least} to {most}"),
            Self::Correlation { .. } => {
                "write 0 where errors have nothing in common, 1 where they are the same, or a number between"
                    .to_owned()
            }
            Self::TooLarge { greatest, .. } => format!("write {greatest} or less"),
            Self::Refused { help, .. } => (*help).to_owned(),
        }
    }
}

impl Study {
    /// A study with everything but places and policies at its default, of which an axis costs less than a hundred times what
    /// one run a policy does: 16 draws at three sizes, and at three that bisection picks.
    #[must_use]
    pub fn new(places: Vec<Place>, policies: Vec<Chosen>) -> Self {
        let stated = Stated::of(&places);
        Self {
            places,
            policies,
            seeds: vec![1],
            metrics: Vec::new(),
            draws: 16,
            sizes: Vec::new(),
            rounds: 3,
            levels: vec![Level::HIGH, Level::EVEN],
            spread: Spread::Mixed,
            correlation: 0.5,
            error_seed: 1,
            stated,
        }
    }

    /// Axes by their names.
    ///
    /// # Errors
    /// [`StudyError::NoAxis`] for the first that is none, [`StudyError::Twice`] for one that is repeated,
    /// [`StudyError::Nothing`] where there are no names.
    pub fn axes(names: &[impl AsRef<str>]) -> Result<Vec<AxisRow>, StudyError> {
        let mut axes: Vec<AxisRow> = Vec::new();
        for name in names.iter().map(AsRef::as_ref) {
            let known: Vec<&str> = AxisRow::ALL.iter().map(|row| row.name).collect();
            let row = AxisRow::named(name).ok_or_else(|| StudyError::NoAxis {
                name: name.to_owned(),
                help: suggestion(name, "axis", &known),
            })?;
            if axes.contains(&row) {
                return Err(StudyError::Twice { what: "the axis", value: name.to_owned() });
            }
            axes.push(row);
        }
        if axes.is_empty() { Err(StudyError::Nothing { what: "axes" }) } else { Ok(axes) }
    }

    /// Holds values that a user states to the axes that have a use for them: the parts of errors of layers, and the error of
    /// the cost models. `spread` and `cost_error` are their keys, none where they are left at their defaults.
    ///
    /// # Errors
    /// [`StudyError::Idle`] for one that changes nothing.
    pub fn check_stated(
        axes: &[AxisRow],
        spread: Option<&'static str>,
        cost_error: Option<&'static str>,
    ) -> Result<(), StudyError> {
        let held = |key: Option<&'static str>, has_use: fn(&AxisRow) -> bool| match key {
            Some(key) if !axes.iter().any(has_use) => {
                let axes = AxisRow::ALL.iter().filter(|row| has_use(row)).map(|row| row.name).collect();
                Err(StudyError::Idle { key, axes })
            }
            _ => Ok(()),
        };
        held(spread, |row| row.is_of_layers)?;
        held(cost_error, |row| row.is_of_costs)
    }

    /// Holds the study to what can be run.
    ///
    /// # Errors
    /// The first [`StudyError`].
    pub fn check(&self, spec: &RunnerSpec, axes: &[AxisRow]) -> Result<(), StudyError> {
        let count = self.policies.len();
        if count < 2 {
            return Err(StudyError::TooFewPolicies { count });
        }
        let names: Vec<String> = self.policies.iter().map(|chosen| chosen.policy.to_string()).collect();
        if let Some(repeated) = (1..count).find(|index| names[..*index].contains(&names[*index])) {
            return Err(StudyError::Repeated { policy: names[repeated].clone() });
        }
        for (what, is_empty) in [
            ("places", self.places.is_empty()),
            ("axes", axes.is_empty()),
            ("levels", self.levels.is_empty()),
        ] {
            if is_empty {
                return Err(StudyError::Nothing { what });
            }
        }
        for (what, count, least, most) in [
            ("draws", u64::from(self.draws), 1, u64::from(MAX_DRAWS)),
            ("rounds", u64::from(self.rounds), 0, u64::from(MAX_ROUNDS)),
            ("seeds", self.seeds.len() as u64, 1, MAX_SEEDS as u64),
        ] {
            if !(least..=most).contains(&count) {
                return Err(StudyError::Count { what, count, least, most });
            }
        }
        if !(0.0..=1.0).contains(&self.correlation) {
            return Err(StudyError::Correlation { correlation: self.correlation });
        }
        self.check_repeated()?;
        self.metrics(spec)?;
        axes.iter().try_for_each(|axis| self.check_axis(axis))
    }

    /// Sizes and levels that are there twice: no run would tell them apart.
    fn check_repeated(&self) -> Result<(), StudyError> {
        let repeated = |what, texts: Vec<String>| {
            let twice = (1..texts.len()).find(|index| texts[..*index].contains(&texts[*index]));
            twice.map_or(Ok(()), |index| Err(StudyError::Twice { what, value: texts[index].clone() }))
        };
        repeated("the size", self.sizes.iter().map(ToString::to_string).collect())?;
        repeated("the level", self.levels.iter().map(|level| level.percent().to_string()).collect())
    }

    fn check_axis(&self, axis: &AxisRow) -> Result<(), StudyError> {
        let (axis_name, greatest) = (axis.name, axis.greatest);
        if let Some(size) = self.sizes.iter().find(|size| **size > greatest) {
            return Err(StudyError::TooLarge { size: *size, axis: axis_name, greatest });
        }
        for place in &self.places {
            if let Some(refusal) = (axis.refuses)(place) {
                let (reason, help) = (refusal.reason, refusal.help);
                return Err(StudyError::Refused { axis: axis_name, place: place.name(), reason, help });
            }
        }
        Ok(())
    }

    /// The metrics.
    pub(crate) fn metrics(&self, spec: &RunnerSpec) -> Result<Vec<Metric>, StudyError> {
        let has_power = self.places.iter().all(|place| place.platform.has_power());
        let defaults = Metric::default_names(has_power);
        let named: Vec<&str> = match self.metrics.is_empty() {
            true => defaults.to_vec(),
            false => self.metrics.iter().map(String::as_str).collect(),
        };
        let mut metrics: Vec<Metric> = Vec::new();
        for name in named {
            let metric = Metric::find(spec, name).ok_or_else(|| {
                let known: Vec<&str> = Metric::names().collect();
                StudyError::NoMetric { name: name.to_owned(), help: suggestion(name, "metric", &known) }
            })?;
            if metrics.contains(&metric) {
                return Err(StudyError::Twice { what: "the metric", value: name.to_owned() });
            }
            metrics.push(metric);
        }
        Ok(metrics)
    }

    /// The sizes of an axis that are simulated in any case, ascending, each once.
    pub(crate) fn sizes_of(&self, axis: &AxisRow) -> Vec<Size> {
        let mut sizes = if self.sizes.is_empty() { axis.sizes.to_vec() } else { self.sizes.clone() };
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    pub(crate) fn errors(&self) -> Errors {
        Errors { seed: self.error_seed, spread: self.spread, correlation: self.correlation }
    }

    /// The seeds of a place.
    pub(crate) fn seeds_of(&self, place: &Place) -> &[u64] {
        if place.is_random() { &self.seeds } else { &self.seeds[..1] }
    }
}
