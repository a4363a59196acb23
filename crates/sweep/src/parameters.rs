//! Parameters of policies and settings of runners: what they can be, and how texts set them.
//!
//! Both are lists of [`Parameter`]s with the same rules, whether a sweep file or a command line
//! gives the values. The text of a value is part of a cell's identity: it must read back equal.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

pub use rtmm_scheduler::{Allowed, Assignment, Parameter, ParameterValue};
use rtmm_workload::input::suggestion;
use thiserror::Error;

use crate::runner::RunnerSpec;

/// A policy that a runner knows, for sweep files, listings and documentation.
#[derive(Clone, Debug)]
pub struct PolicySchema {
    /// The name that sweep files use.
    pub name: Cow<'static, str>,
    /// One line.
    pub summary: Cow<'static, str>,
    /// Its parameters; owned where a registry makes them at run time.
    pub parameters: Cow<'static, [Parameter]>,
    /// Rule on several parameters at once.
    pub rule: Rule,
    /// What tells two versions of the policy apart that have one name and one schema: part of its cells'
    /// identities. Empty for built-in policies, whose versions are those of the runner's results.
    pub identity: Cow<'static, [u8]>,
}

impl PolicySchema {
    /// A policy whose name and parameters are known when the program is built, any values of which go together.
    #[must_use]
    pub const fn new(name: &'static str, summary: &'static str, parameters: &'static [Parameter]) -> Self {
        Self {
            name: Cow::Borrowed(name),
            summary: Cow::Borrowed(summary),
            parameters: Cow::Borrowed(parameters),
            rule: Rule::NONE,
            identity: Cow::Borrowed(&[]),
        }
    }
}

/// A rule on several values at once, such as one parameter's bound on another.
#[derive(Clone, Default)]
pub struct Rule(Option<Arc<Check>>);

type Check = dyn Fn(&[Assignment]) -> Result<(), String> + Send + Sync;

impl Rule {
    /// Every combination of values that are allowed one by one.
    pub const NONE: Self = Self(None);

    /// A rule that is given a value for each parameter and says, as a lower-case fragment, what is wrong with them.
    pub fn new(check: impl Fn(&[Assignment]) -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(check)))
    }

    /// Holds values to the rule.
    ///
    /// # Errors
    /// What is wrong, as a lower-case fragment.
    pub fn check(&self, values: &[Assignment]) -> Result<(), String> {
        self.0.as_ref().map_or(Ok(()), |check| check(values))
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Rule" } else { "Rule::NONE" })
    }
}

/// A policy with a value for each of its parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The policy's name.
    pub name: Cow<'static, str>,
    /// Every parameter of the schema, in its order.
    pub parameters: Vec<Assignment>,
}

impl Policy {
    /// A policy of the schema with every parameter at its default.
    #[must_use]
    pub fn with_defaults(schema: &PolicySchema) -> Self {
        Self { name: schema.name.clone(), parameters: defaults(&schema.parameters) }
    }

    /// The value of a parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&ParameterValue> {
        find(&self.parameters, name)
    }

    /// Gives a parameter the value that a text states.
    ///
    /// # Errors
    /// [`SetError`] where `schema` has no such parameter, or it cannot be this.
    pub fn set(&mut self, schema: &PolicySchema, key: &str, text: &str) -> Result<(), SetError> {
        let unknown = || SetError::Unknown {
            policy: schema.name.to_string(),
            key: key.to_owned(),
            known: schema.parameters.iter().map(|parameter| parameter.name).collect(),
        };
        set(&mut self.parameters, &schema.parameters, key, text)?.then_some(()).ok_or_else(unknown)
    }

    /// All parameters as `key=value`, separated by spaces; empty where there are none.
    #[must_use]
    pub fn parameters_text(&self) -> String {
        assignments_text(&self.parameters)
    }
}

/// Name, then parameters.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.parameters.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

/// Names that tell policies apart: the name where several differ in it, and the parameters that differ
/// among those of one name.
#[must_use]
pub fn short_names(policies: &[Policy]) -> Vec<String> {
    let several_names = policies.iter().any(|policy| policy.name != policies[0].name);
    let short = |policy: &Policy| {
        let varies = |name: &str| {
            let values = policies.iter().filter(|other| other.name == policy.name);
            values.map(|other| other.parameter(name)).any(|value| value != policy.parameter(name))
        };
        let parameters = policy.parameters.iter().filter(|(name, _)| varies(name));
        let mut parts: Vec<String> = parameters.map(|(name, value)| format!("{name}={value}")).collect();
        if several_names || parts.is_empty() {
            parts.insert(0, policy.name.to_string());
        }
        parts.join(" ")
    };
    policies.iter().map(short).collect()
}

/// Every parameter at its default, in order.
#[must_use]
pub fn defaults(parameters: &[Parameter]) -> Vec<Assignment> {
    parameters.iter().map(|parameter| (parameter.name, parameter.default.clone())).collect()
}

/// The value of a name.
#[must_use]
pub fn find<'a>(assignments: &'a [Assignment], name: &str) -> Option<&'a ParameterValue> {
    assignments.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// All as `key=value`, separated by spaces; empty where there are none.
#[must_use]
pub fn assignments_text(assignments: &[Assignment]) -> String {
    let pairs: Vec<String> = assignments.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join(" ")
}

/// Gives `key` the value that a text states; `false` where it is none of the parameters.
fn set(
    assignments: &mut Vec<Assignment>,
    parameters: &[Parameter],
    key: &str,
    text: &str,
) -> Result<bool, SetError> {
    let Some(parameter) = parameters.iter().find(|parameter| parameter.name == key) else {
        return Ok(false);
    };
    let value = parameter.allowed.parse(text).ok_or_else(|| SetError::NotAllowed {
        key: key.to_owned(),
        text: text.to_owned(),
        allowed: parameter.allowed,
    })?;
    match assignments.iter_mut().find(|(name, _)| *name == parameter.name) {
        Some((_, known)) => *known = value,
        None => assignments.push((parameter.name, value)),
    }
    Ok(true)
}

/// A policy and the settings of a runner, as texts of the form `KEY=VALUE` give them.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// The policy.
    pub policy: Policy,
    /// Every setting of the runner, in its order.
    pub settings: Vec<Assignment>,
}

impl Chosen {
    /// Reads what a command line sets; what it leaves out is at its default. A key is a parameter
    /// of the policy or a setting of the runner: no name is both.
    ///
    /// # Errors
    /// The first [`SetError`] of the texts, or what [`PolicySchema::rule`] or [`RunnerSpec::settings_rule`]
    /// refuse.
    pub fn read(
        runner: &RunnerSpec,
        schema: &PolicySchema,
        texts: &[impl AsRef<str>],
    ) -> Result<Self, SetError> {
        let mut chosen = Self { policy: Policy::with_defaults(schema), settings: defaults(&runner.settings) };
        let mut seen: Vec<&str> = Vec::with_capacity(texts.len());
        for text in texts.iter().map(AsRef::as_ref) {
            let (key, value) =
                text.split_once('=').ok_or_else(|| SetError::NoEquals { text: text.to_owned() })?;
            let (key, value) = (key.trim(), value.trim());
            if seen.contains(&key) {
                return Err(SetError::Twice { key: key.to_owned() });
            }
            seen.push(key);
            if set(&mut chosen.settings, &runner.settings, key, value)? {
                continue;
            }
            chosen.policy.set(schema, key, value).map_err(|error| match error {
                // Whoever mistypes a setting is told its name, too.
                SetError::Unknown { policy, key, mut known } => {
                    known.extend(runner.settings.iter().map(|setting| setting.name));
                    SetError::Unknown { policy, key, known }
                }
                other => other,
            })?;
        }
        runner.settings_rule.check(&chosen.settings).map_err(|reason| SetError::Refused { reason })?;
        schema.rule.check(&chosen.policy.parameters).map_err(|reason| SetError::Refused {
            reason: format!("the policy `{}`: {reason}", schema.name),
        })?;
        Ok(chosen)
    }
}

/// Why a text sets no parameter.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum SetError {
    /// A text that is not of the form `KEY=VALUE`.
    #[error("`--set {text}` has no `=`")]
    NoEquals {
        /// The text.
        text: String,
    },
    /// There is no such parameter.
    #[error("policy `{policy}` has no parameter `{key}`")]
    Unknown {
        /// Name of the policy.
        policy: String,
        /// What was asked for.
        key: String,
        /// Everything that can be set.
        known: Vec<&'static str>,
    },
    /// A parameter that is set already.
    #[error("parameter `{key}` is set twice")]
    Twice {
        /// Its name.
        key: String,
    },
    /// A value that the parameter cannot have.
    #[error("parameter `{key}` cannot be `{text}`")]
    NotAllowed {
        /// Its name.
        key: String,
        /// The value.
        text: String,
        /// What it can be.
        allowed: Allowed,
    },
    /// The runner refuses values that are allowed one by one.
    #[error("the parameters are refused: {reason}")]
    Refused {
        /// What is wrong.
        reason: String,
    },
}

impl SetError {
    /// A way out.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::NoEquals { .. } => "write --set KEY=VALUE".to_owned(),
            Self::Unknown { key, known, .. } => suggestion(key, "parameter", known),
            Self::Twice { .. } => "keep one of the two".to_owned(),
            Self::NotAllowed { allowed, .. } => format!("allowed: {allowed}"),
            Self::Refused { .. } => "change the parameters".to_owned(),
        }
    }
}
