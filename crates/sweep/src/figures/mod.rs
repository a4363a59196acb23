//! Figures that a sweep file declares: what is shown, by what, and how the rest is joined.
//!
//! A [`Figure`] is resolved: it names columns, axes and members that the sweep has. [`data::panels`]
//! computes what it shows. Nothing here draws.

pub mod data;

use std::borrow::Cow;
use std::fmt;

use crate::axes::{self, AxisRow};
use crate::plan::{PlatformId, PolicyId, VariedScenario};
use crate::runner::{ParameterValue, Policy, short_names};

/// The labels of platforms that say which hardware they are.
pub const HARDWARE_LABELS: [&str; 3] = ["budget", "hardware", "dataflow"];

/// The labels of platforms that figures can go by: those of the hardware, the level of the technology, and which costs.
pub const LABELS: [&str; 5] =
    [HARDWARE_LABELS[0], HARDWARE_LABELS[1], HARDWARE_LABELS[2], "technology_level", "costs"];

/// Something by which cells differ: an axis, a label of platforms, or a parameter of policies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// The scenario.
    Scenario,
    /// The platform.
    Platform,
    /// The name of the policy.
    Policy,
    /// The policy with the parameters that tell those of the sweep apart.
    PolicyWithParameters,
    /// A label of platforms, one of [`LABELS`]; platforms that do not have it have no place here.
    Label(&'static str),
    /// An axis that changes scenarios.
    Change(&'static AxisRow),
    /// A parameter of policies; those that do not have it have no place here.
    Parameter(Cow<'static, str>),
}

impl Dimension {
    /// The axes, in the order of listings.
    pub fn axes() -> impl Iterator<Item = Self> {
        let parts = [Self::Scenario, Self::Platform, Self::Policy, Self::PolicyWithParameters];
        parts.into_iter().chain(axes::changes().map(|(axis, _)| Self::Change(axis)))
    }

    /// The name that figures use.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Scenario => "scenario",
            Self::Platform => "platform",
            Self::Policy => "policy",
            Self::PolicyWithParameters => "policy+parameters",
            Self::Change(axis) => axis.name,
            Self::Label(name) => name,
            Self::Parameter(name) => name,
        }
    }

    /// True if the platform alone decides it.
    #[must_use]
    pub fn is_of_platform(&self) -> bool {
        matches!(self, Self::Platform | Self::Label(_))
    }

    /// True if the policy alone decides it.
    #[must_use]
    pub fn is_of_policy(&self) -> bool {
        matches!(self, Self::Policy | Self::PolicyWithParameters | Self::Parameter(_))
    }
}

/// One of the values of a dimension.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its full name, or its number in the shortest form that reads back equal.
    pub text: String,
    /// Its place on a numeric axis; of a duration, in milliseconds.
    pub number: Option<f64>,
}

impl Member {
    /// A member that is a name.
    #[must_use]
    pub fn name(text: impl Into<String>) -> Self {
        Self { text: text.into(), number: None }
    }

    /// A member that is a number.
    #[must_use]
    pub fn number(number: f64) -> Self {
        Self { text: number.to_string(), number: Some(number) }
    }

    /// A member that is a value of a parameter.
    #[must_use]
    pub fn value(value: &ParameterValue) -> Self {
        let number = match value {
            ParameterValue::Real(value) => Some(*value),
            ParameterValue::Integer(value) => Some(*value as f64),
            ParameterValue::Decimal(millionths) => Some(*millionths as f64 / 1e6),
            ParameterValue::Duration(value) => Some(value.milliseconds()),
            ParameterValue::Boolean(_) | ParameterValue::Choice(_) => None,
        };
        Self { text: value.to_string(), number }
    }
}

/// A part of the members of some dimensions; all of the others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection(pub Vec<(Dimension, Vec<String>)>);

impl Selection {
    /// True if a member is in it. A policy without a parameter is not told apart by it.
    #[must_use]
    pub fn holds(&self, dimension: &Dimension, member: Option<&Member>) -> bool {
        let mut parts = self.0.iter().filter(|(known, _)| known == dimension);
        parts.all(|(_, texts)| match member {
            Some(member) => texts.contains(&member.text),
            None => matches!(dimension, Dimension::Parameter(_)),
        })
    }

    /// The same without what is said of policies.
    #[must_use]
    pub fn without_policies(&self) -> Self {
        Self(self.0.iter().filter(|(dimension, _)| !dimension.is_of_policy()).cloned().collect())
    }
}

/// Rule by which values are joined that a figure does not tell apart, once each is a mean over seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Across {
    /// Their arithmetic mean.
    #[default]
    Mean,
    /// Their geometric mean.
    GeometricMean,
}

impl fmt::Display for Across {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mean => "mean",
            Self::GeometricMean => "geometric mean",
        })
    }
}

/// Path over a heat map: the way of a policy that tunes two parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct PathOf {
    /// The policy.
    pub policy: PolicyId,
    /// Seed of the run.
    pub seed: u64,
    /// Positions among the series columns of what stands across and up.
    pub series: [usize; 2],
}

/// Content of a figure.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Bars in groups.
    Bars {
        /// Position among the cell columns.
        metric: usize,
        /// Dimension of the groups, which stand side by side.
        groups: Dimension,
        /// The colours.
        series: Dimension,
        /// True if a last group joins all others.
        overall: bool,
        /// Each bar is that of the best member, once what the figure does not tell apart is joined for each of
        /// them.
        best_of: Option<Dimension>,
    },
    /// Lines over a numeric axis.
    Lines {
        /// Position among the cell columns.
        metric: usize,
        /// The horizontal axis.
        x: Dimension,
        /// The colours.
        series: Dimension,
    },
    /// A value for each pair of members.
    HeatMap {
        /// Position among the cell columns.
        metric: usize,
        /// The columns.
        x: Dimension,
        /// The rows.
        y: Dimension,
        /// True if last columns join all others where there are several, by their mean and their geometric mean.
        overall: bool,
        /// Path that is drawn over it.
        path: Option<PathOf>,
    },
    /// Two metrics against each other.
    Scatter {
        /// Position among the cell columns of what stands across.
        x: usize,
        /// Position among the cell columns of what stands up.
        y: usize,
        /// The points.
        series: Dimension,
    },
    /// A recorded series over simulated time.
    TimeSeries {
        /// Position among the series columns.
        column: usize,
        /// The colours.
        series: Dimension,
    },
}

impl Content {
    /// The two dimensions that tell values apart: across and by colour (of a heat map, down).
    #[must_use]
    pub fn dimensions(&self) -> [Option<&Dimension>; 2] {
        match self {
            Self::Bars { groups: x, series: y, .. }
            | Self::Lines { x, series: y, .. }
            | Self::HeatMap { x, y, .. } => [Some(x), Some(y)],
            Self::Scatter { series, .. } | Self::TimeSeries { series, .. } => [None, Some(series)],
        }
    }
}

/// A figure that a sweep file declares.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Stem of its files.
    pub name: String,
    /// For readers; empty for none.
    pub title: String,
    /// Words for readers on what it shows; empty for what can be said of any such figure.
    pub caption: String,
    /// Content of a figure.
    pub content: Content,
    /// Cells that it is about.
    pub selection: Selection,
    /// One panel a member, each a file of its own.
    pub facets: Option<Dimension>,
    /// Rule by which the rest is joined.
    pub across: Across,
    /// Each value is divided by that of the cells that differ in just this.
    pub relative_to: Option<Selection>,
    /// Names for readers, by member or by name of a column or dimension.
    pub labels: Vec<(String, String)>,
}

impl Figure {
    /// The name for readers, where the figure gives one.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(known, _)| known == name).map(|(_, label)| label.as_str())
    }

    /// The dimensions that tell values apart.
    pub fn dimensions(&self) -> impl Iterator<Item = &Dimension> {
        self.facets.iter().chain(self.content.dimensions().into_iter().flatten())
    }
}

/// The file stem of a panel; folders of a name are left out.
#[must_use]
pub fn stem(figure: &str, facet: Option<&str>) -> String {
    let Some(facet) = facet else { return figure.to_owned() };
    let facet = facet.rsplit('/').next().unwrap_or(facet);
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    format!("{figure}_{}", facet.chars().map(plain).collect::<String>())
}

/// The member of a dimension that a policy is; `short` are the short names of all policies.
#[must_use]
pub fn member_of_policy(
    dimension: &Dimension,
    policies: &[Policy],
    short: &[String],
    policy: usize,
) -> Option<Member> {
    let known = policies.get(policy)?;
    match dimension {
        Dimension::Policy => Some(Member::name(known.name.as_ref())),
        Dimension::PolicyWithParameters => short.get(policy).map(Member::name),
        Dimension::Parameter(name) => known.parameter(name).map(Member::value),
        _ => None,
    }
}

/// Names that tell apart the policies of a selection, by what they differ in, one for each of the sweep; those
/// outside of it have the names that tell all apart.
#[must_use]
pub fn policy_names(policies: &[Policy], selection: &Selection) -> Vec<String> {
    let mut names = short_names(policies);
    if selection.0.iter().any(|(dimension, _)| *dimension == Dimension::PolicyWithParameters) {
        return names;
    }
    let selected = selected_policies(policies, &names, selection);
    let own: Vec<Policy> = selected.iter().map(|index| policies[*index].clone()).collect();
    for (index, name) in selected.into_iter().zip(short_names(&own)) {
        names[index] = name;
    }
    names
}

/// The positions of the policies of a selection; `short` are the short names of all policies.
#[must_use]
pub fn selected_policies(policies: &[Policy], short: &[String], selection: &Selection) -> Vec<usize> {
    let holds = |policy: &usize| {
        let mut said = selection.0.iter().filter(|(dimension, _)| dimension.is_of_policy());
        said.all(|(dimension, _)| {
            let member = member_of_policy(dimension, policies, short, *policy);
            selection.holds(dimension, member.as_ref())
        })
    };
    (0..policies.len()).filter(holds).collect()
}

/// The policy that values under `policy` are divided by, or all that it could be. `short` are the short names
/// of all policies, and `apart` the parameters that the figure tells apart beside its series.
#[must_use]
pub fn reference_policies(
    relative_to: &Selection,
    policies: &[Policy],
    short: &[String],
    policy: usize,
    apart: &[&str],
) -> Vec<usize> {
    let said: Vec<&Dimension> =
        relative_to.0.iter().map(|(dimension, _)| dimension).filter(|one| one.is_of_policy()).collect();
    if said.is_empty() {
        return vec![policy];
    }
    let own = &policies[policy];
    let names_policy = said.iter().any(|one| !matches!(one, Dimension::Parameter(_)));
    let says = |parameter: &str| {
        said.iter().any(|one| matches!(one, Dimension::Parameter(name) if name == parameter))
    };
    let found = |index: &usize| {
        let other = &policies[*index];
        let fits = said.iter().all(|dimension| {
            let member = member_of_policy(dimension, policies, short, *index);
            member.is_some() && relative_to.holds(dimension, member.as_ref())
        });
        // Only parameters are said: the same policy otherwise.
        let same = names_policy
            || other.name == own.name
                && own
                    .parameters
                    .all()
                    .all(|(name, value)| says(name) || other.parameter(name) == Some(value));
        fits && same
    };
    let all: Vec<usize> = (0..policies.len()).filter(found).collect();
    let agree = |index: &usize| {
        let other = &policies[*index];
        apart.iter().all(|name| match (own.parameter(name), other.parameter(name)) {
            (Some(own), Some(other)) => own == other,
            _ => true,
        })
    };
    let near: Vec<usize> = all.iter().copied().filter(agree).collect();
    if near.is_empty() { all } else { near }
}

/// The member of a dimension that a scenario as it is run, or a platform, is.
pub(crate) fn member_of_scenario(
    dimension: &Dimension,
    varied: &VariedScenario,
    platforms: &[rtmm_hardware::Platform],
    platform: PlatformId,
) -> Option<Member> {
    match dimension {
        Dimension::Scenario => Some(Member::name(&varied.scenario.name)),
        Dimension::Platform => platforms.get(platform.index()).map(|platform| Member::name(&platform.name)),
        Dimension::Label(name) => {
            platforms.get(platform.index()).and_then(|platform| platform.labels.get(*name)).map(Member::name)
        }
        Dimension::Change(axis) => varied.number(axis.name).map(Member::number),
        _ => None,
    }
}
