//! The description of a runner.

use std::borrow::Cow;

use rtmm_hardware::{CostModelRegistry, Mode};
use rtmm_workload::Legality;
use rtmm_workload::parameters::Schema;

use super::policy::{PolicySchema, Rule};
use crate::columns::{Column, SeriesColumn};

/// The description of a runner, apart from how it simulates. Built once, with the runner.
#[derive(Clone, Debug)]
pub struct RunnerSpec {
    /// Name that sweep files use, such as `xrbench`.
    pub name: Cow<'static, str>,
    /// One line on what is simulated, for listings.
    pub summary: Cow<'static, str>,
    /// Version of the results, a part of every cell's identity: raised when any result changes.
    pub result_version: u32,
    /// Layer shapes that are legal in the scenarios' models.
    pub legality: Legality,
    /// Mode in which platforms are read.
    pub mode: Mode,
    /// Cost models that platforms can name.
    pub cost_models: CostModelRegistry,
    /// Largest seed that the runner can take.
    pub largest_seed: u64,
    /// Policies that cells can ask for; at least one.
    pub policies: Vec<PolicySchema>,
    /// Parameters of a run that are no policy's own, such as a warm-up; one value each a sweep.
    pub settings: Schema,
    /// Rule on several settings at once.
    pub settings_rule: Rule,
    /// Values of a cell, in order.
    pub cell_columns: Vec<Column>,
    /// Cell columns of what a run spends, such as energies, the widest first: reports show the first that every result has
    /// a value of against the first column of which more or less is better. Less of it is better where all else is equal.
    pub expenses: Vec<&'static str>,
    /// The cell column of completed jobs as a share of the judged ones, if there is one: reports say so where the first by
    /// another column completes far fewer than others do.
    pub completions: Option<&'static str>,
    /// Values of each task of a cell, in order.
    pub task_columns: Vec<Column>,
    /// Values of each accelerator of a cell's platform, in order.
    pub accelerator_columns: Vec<Column>,
    /// Series over simulated time that a cell may give, in order.
    pub series_columns: Vec<SeriesColumn>,
}

impl RunnerSpec {
    /// A runner of version 1 that takes sound models, corrected costs of built-in cost models and any seed that a
    /// store can keep, and has neither settings nor columns of tasks or accelerators nor series.
    #[must_use]
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        policies: Vec<PolicySchema>,
        cell_columns: Vec<Column>,
    ) -> Self {
        Self {
            name: name.into(),
            summary: Cow::Borrowed(""),
            result_version: 1,
            legality: Legality::Strict,
            mode: Mode::Corrected,
            cost_models: CostModelRegistry::built_in().clone(),
            largest_seed: i64::MAX as u64,
            policies,
            settings: Schema::default(),
            settings_rule: Rule::NONE,
            cell_columns,
            expenses: Vec::new(),
            completions: None,
            task_columns: Vec::new(),
            accelerator_columns: Vec::new(),
            series_columns: Vec::new(),
        }
    }

    /// The policy of a name.
    #[must_use]
    pub fn policy(&self, name: &str) -> Option<&PolicySchema> {
        self.policies.iter().find(|schema| schema.name == name)
    }
}
