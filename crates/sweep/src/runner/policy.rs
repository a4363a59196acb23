//! Policies of runners with their parameters.
//!
//! Parameters and settings are [`rtmm_workload::parameters`], whether a sweep file or a command line gives the values.
//! The text of a value is part of a cell's identity: it reads back equal.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use rtmm_workload::parameters::{ParameterValue, Parameters, Schema};

/// A policy that a runner knows, for sweep files, listings and documentation.
#[derive(Clone, Debug)]
pub struct PolicySchema {
    /// The name that sweep files use.
    pub name: Cow<'static, str>,
    /// One line.
    pub summary: Cow<'static, str>,
    /// Its parameters.
    pub parameters: Schema,
    /// Rule on several parameters at once.
    pub rule: Rule,
    /// Bytes that tell two versions of the policy apart that have one name and one schema: part of its cells'
    /// identities. Empty for built-in policies, whose versions are those of the runner's results.
    pub identity: Cow<'static, [u8]>,
}

impl PolicySchema {
    /// A policy of one version, any values of whose parameters go together.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        summary: impl Into<Cow<'static, str>>,
        parameters: Schema,
    ) -> Self {
        Self {
            name: name.into(),
            summary: summary.into(),
            parameters,
            rule: Rule::NONE,
            identity: Cow::Borrowed(&[]),
        }
    }
}

/// A rule on several values at once, such as one parameter's bound on another.
#[derive(Clone, Default)]
pub struct Rule(Option<Arc<Check>>);

type Check = dyn Fn(&Parameters) -> Result<(), String> + Send + Sync;

impl Rule {
    /// Every combination of values that are allowed one by one.
    pub const NONE: Self = Self(None);

    /// A rule that says, as a lower-case fragment, what is wrong with the values of all parameters.
    pub fn new(check: impl Fn(&Parameters) -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(check)))
    }

    /// Holds values to the rule.
    ///
    /// # Errors
    /// Reason, as a lower-case fragment.
    pub fn check(&self, values: &Parameters) -> Result<(), String> {
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
    /// Its parameters.
    pub parameters: Parameters,
}

impl Policy {
    /// A policy of the schema with every parameter at its default.
    #[must_use]
    pub fn with_defaults(schema: &PolicySchema) -> Self {
        Self { name: schema.name.clone(), parameters: Parameters::defaults(&schema.parameters) }
    }

    /// The value of a parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&ParameterValue> {
        self.parameters.get(name)
    }

    /// All parameters as `key=value`, separated by spaces; empty where there are none.
    #[must_use]
    pub fn parameters_text(&self) -> String {
        self.parameters.to_string()
    }
}

/// Name, then parameters.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.parameters.assignments().iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
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
        let parameters = policy.parameters.assignments().iter().filter(|(name, _)| varies(name));
        let mut parts: Vec<String> = parameters.map(|(name, value)| format!("{name}={value}")).collect();
        if several_names || parts.is_empty() {
            parts.insert(0, policy.name.to_string());
        }
        parts.join(" ")
    };
    policies.iter().map(short).collect()
}
