//! The choice of a policy and of the settings of a run, as a command line makes it.

use rtmm_workload::parameters::{ParameterError, Parameters, assign};

use super::policy::{Policy, PolicySchema};
use super::spec::RunnerSpec;

/// A policy and the settings of a runner, as texts of the form `KEY=VALUE` give them.
#[derive(Clone, Debug, PartialEq)]
pub struct Chosen {
    /// The policy.
    pub policy: Policy,
    /// The settings of the run.
    pub settings: Parameters,
}

impl Chosen {
    /// A policy and the settings of a run, all at their defaults.
    #[must_use]
    pub fn with_defaults(runner: &RunnerSpec, schema: &PolicySchema) -> Self {
        Self { policy: Policy::with_defaults(schema), settings: Parameters::defaults(&runner.settings) }
    }

    /// Reads what a command line sets; what it leaves out is at its default.
    ///
    /// # Errors
    /// Those of [`Chosen::set`].
    pub fn read(
        runner: &RunnerSpec,
        schema: &PolicySchema,
        texts: &[impl AsRef<str>],
    ) -> Result<Self, ParameterError> {
        let mut chosen = Self::with_defaults(runner, schema);
        chosen.set(runner, schema, &mut Parameters::default(), texts)?;
        Ok(chosen)
    }

    /// Gives parameters the values that a command line sets. A key is a parameter of the policy, a setting of the
    /// runner, or one of `own`, those of the command: no name is two of them.
    ///
    /// # Errors
    /// The first [`ParameterError`] of the texts, or what [`PolicySchema::rule`] or [`RunnerSpec::settings_rule`]
    /// refuse.
    pub fn set(
        &mut self,
        runner: &RunnerSpec,
        schema: &PolicySchema,
        own: &mut Parameters,
        texts: &[impl AsRef<str>],
    ) -> Result<(), ParameterError> {
        let owner = format!("policy `{}`", schema.name);
        assign(&owner, &mut [&mut self.policy.parameters, &mut self.settings, own], texts)?;
        runner.settings_rule.check(&self.settings).map_err(ParameterError::refused)?;
        schema
            .rule
            .check(&self.policy.parameters)
            .map_err(|reason| ParameterError::refused(format!("the policy `{}`: {reason}", schema.name)))
    }
}
