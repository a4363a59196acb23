//! The XRBench artifact's loop as a runner of cells.

use std::collections::BTreeMap;

use rtmm_hardware::{AcceleratorId, Configuration, ConfigurationId, Mode};
use rtmm_reference::ReferenceError;
use rtmm_reference::xrbench::{CostMatrix, ModelCost, Parameters, Runtime, TaskCosts, platform};
use rtmm_sweep::plan::{Cell, Plan, PlatformId, PolicyId, VariedScenarioId};
use rtmm_sweep::runner::{
    Better, CellResult, CellRunner, Column, ColumnKind, Policy, PolicySchema, Prepared, RunError, RunnerSpec,
    Schema, Value,
};
use rtmm_workload::parameters::Real;
use rtmm_workload::{Legality, Model, ModelId, TaskId};

/// The reference loop, quirks and all; see `rtmm_reference::xrbench`.
#[derive(Debug)]
pub struct XrbenchReference {
    spec: RunnerSpec,
}

const K_PER_MS: Real =
    Real::new("k_per_ms", "slope of the real-time score", 15.0, 1e-6..=1e6).in_unit("1/ms");
const ENERGY_MAX_MJ: Real =
    Real::new("energy_max_mj", "energy of a frame that scores zero", 1_500.0, 1e-6..=1e12).in_unit("mJ");

/// The one policy that the artifact can run.
#[must_use]
pub fn policy() -> PolicySchema {
    PolicySchema::new(
        "latency-greedy",
        "whole models, oldest frame of each task, on the idle accelerator that is fastest for it",
        Schema::of(&[&[&K_PER_MS, &ENERGY_MAX_MJ]]),
    )
}

const CELL_COLUMNS: &[Column] = &[Column {
    unit: "percent",
    summarised: true,
    better: Some(Better::Higher),
    ..Column::new("overall_score_pct", ColumnKind::Real, "the artifact's score: mean of the tasks' scores")
}];

const fn count(name: &'static str, meaning: &'static str) -> Column {
    Column::new(name, ColumnKind::Integer, meaning)
}

const fn score(name: &'static str, meaning: &'static str) -> Column {
    Column { better: Some(Better::Higher), ..Column::new(name, ColumnKind::Real, meaning) }
}

const TASK_COLUMNS: &[Column] = &[
    count("generated", "frames of the run: run length by frame interval"),
    count("requested", "frames whose trigger held"),
    count("completed", "frames completed before the run ended"),
    count("dropped", "frames dropped after their deadline"),
    count("logged", "completed and dropped frames"),
    score("real_time_score", "mean over completed frames; 1 early, 0 late"),
    score("energy_score", "mean over completed frames; 1 for no energy"),
    score("qoe_score", "share of logged frames that were not dropped"),
    score("score", "sum of real-time x energy over logged frames, times qoe_score"),
];

/// The loop's parameters as a policy states them.
pub fn parameters_of(policy: &Policy) -> Parameters {
    Parameters {
        run_length_ms: None,
        k_per_ms: policy.parameters.read(&K_PER_MS) as f32,
        energy_max_mj: policy.parameters.read(&ENERGY_MAX_MJ) as f32,
    }
}

impl XrbenchReference {
    /// The runner `xrbench`.
    #[must_use]
    pub fn new() -> Self {
        let spec = RunnerSpec {
            summary: "the XRBench artifact (MLSys 2023), to the printed digit".into(),
            legality: Legality::Published,
            mode: Mode::Reference,
            largest_seed: u32::MAX.into(),
            task_columns: TASK_COLUMNS.to_vec(),
            ..RunnerSpec::new("xrbench", vec![policy()], CELL_COLUMNS.to_vec())
        };
        Self { spec }
    }
}

impl Default for XrbenchReference {
    fn default() -> Self {
        Self::new()
    }
}

impl CellRunner for XrbenchReference {
    fn spec(&self) -> &RunnerSpec {
        &self.spec
    }

    fn prepare<'p>(
        &'p self,
        plan: &'p Plan<'_>,
        pending: &[usize],
    ) -> Result<Box<dyn Prepared + 'p>, RunError> {
        let costs = Costs::of(plan);
        let mut runtimes = BTreeMap::new();
        for cell in pending.iter().map(|index| &plan.cells()[*index]) {
            let key = (cell.scenario, cell.platform, cell.policy);
            runtimes.entry(key).or_insert_with(|| runtime(plan, &costs, cell));
        }
        Ok(Box::new(Ready { runtimes }))
    }
}

/// The loop for one scenario on one platform, or why it cannot run there.
fn runtime(plan: &Plan<'_>, costs: &Costs, cell: &Cell) -> Result<Runtime, ReferenceError> {
    let (scenario, on) = (plan.scenario(cell), plan.platform(cell));
    platform::check(on)?;
    let mut refused = None;
    let tasks = TaskCosts::from_fn(scenario.tasks.len(), on.accelerators.len(), |task, accelerator| {
        costs.cost(plan, cell, task, accelerator).unwrap_or_else(|error| {
            refused.get_or_insert(error);
            ModelCost::default()
        })
    });
    match refused {
        Some(error) => Err(error),
        None => Runtime::new(scenario, &tasks, &parameters_of(plan.policy(cell))),
    }
}

type Key = (VariedScenarioId, PlatformId, PolicyId);

struct Ready {
    runtimes: BTreeMap<Key, Result<Runtime, ReferenceError>>,
}

impl Prepared for Ready {
    fn run(&self, cell: &Cell) -> Result<CellResult, RunError> {
        let key = (cell.scenario, cell.platform, cell.policy);
        let failed = |reason: String| RunError::Failed { reason };
        let runtime = self.runtimes.get(&key).ok_or_else(|| failed("it was not prepared".to_owned()))?;
        let runtime = runtime.as_ref().map_err(|error| failed(error.to_string()))?;
        let outcome = runtime.run(u32::try_from(cell.seed).unwrap_or(u32::MAX), |_| {});
        let mut result = CellResult { cell: vec![real(outcome.overall_score)], ..CellResult::default() };
        for task in &outcome.tasks {
            result.tasks.extend(
                [task.generated, task.requested, task.completed, task.dropped, task.logged]
                    .map(|count| Value::Integer(count.into())),
            );
            result.tasks.extend(match &task.scores {
                Some(scores) => [
                    Value::Real(scores.real_time),
                    Value::Real(scores.energy),
                    real(scores.qoe),
                    real(scores.score),
                ],
                None => [Value::Missing, Value::Missing, Value::Missing, Value::Missing],
            });
        }
        Ok(result)
    }
}

/// The exact value: the artifact prints six decimals of it.
fn real(value: f32) -> Value {
    Value::Real(value.into())
}

/// The costs of all models on all distinct configurations of a plan, each pair once.
struct Costs {
    /// A row a distinct model, an entry a distinct configuration.
    table: Vec<Vec<Result<ModelCost, ReferenceError>>>,
    /// Row of the table of each model of each workload.
    models: Vec<Vec<usize>>,
    /// Column of the table of each configuration of each platform.
    configurations: Vec<Vec<usize>>,
}

impl Costs {
    fn of(plan: &Plan<'_>) -> Self {
        let mut models: Vec<&Model> = Vec::new();
        let rows = plan.axes().workloads.iter().map(|workload| {
            let row = |model| distinct(&mut models, model, |known: &&Model| **known == *model);
            workload.models.iter().map(row).collect()
        });
        let rows = rows.collect();
        let mut configurations: Vec<&Configuration> = Vec::new();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        let columns = plan.axes().platforms.iter().map(|platform| {
            let column = |configuration: &'_ Configuration| configuration.identity();
            platform
                .configurations
                .iter()
                .map(|configuration| {
                    *known.entry(column(configuration)).or_insert_with(|| {
                        configurations.push(configuration);
                        configurations.len() - 1
                    })
                })
                .collect()
        });
        let columns = columns.collect();
        Self { table: table(&models, &configurations), models: rows, configurations: columns }
    }

    fn cost(
        &self,
        plan: &Plan<'_>,
        cell: &Cell,
        task: TaskId,
        accelerator: AcceleratorId,
    ) -> Result<ModelCost, ReferenceError> {
        let model = plan.scenario(cell).tasks[task.index()].model;
        let configuration = plan.platform(cell).accelerators[accelerator.index()].configuration;
        let row = self.models[cell.workload.index()][model.index()];
        let column = self.configurations[cell.platform.index()][configuration.index()];
        self.table[row][column].clone()
    }
}

/// The cost of each model on each configuration, or why there is none.
fn table(
    models: &[&Model],
    configurations: &[&Configuration],
) -> Vec<Vec<Result<ModelCost, ReferenceError>>> {
    if let Ok(matrix) = CostMatrix::new(models, configurations) {
        let cost =
            |model, configuration| Ok(matrix.cost(ModelId::new(model), ConfigurationId::new(configuration)));
        let row = |model| (0..configurations.len()).map(|configuration| cost(model, configuration)).collect();
        return (0..models.len()).map(row).collect();
    }
    // One pair that cannot run fails the whole matrix: pair by pair, the others have their costs.
    let cost = |model: &Model, configuration: &Configuration| {
        let matrix = CostMatrix::new(&[model], &[configuration])?;
        Ok(matrix.cost(ModelId::new(0), ConfigurationId::new(0)))
    };
    let row =
        |model: &&Model| configurations.iter().map(|configuration| cost(model, configuration)).collect();
    models.iter().map(row).collect()
}

/// The position of an item in a list of distinct ones, after adding it if it is new.
fn distinct<T: Copy>(known: &mut Vec<T>, item: T, is_same: impl Fn(&T) -> bool) -> usize {
    known.iter().position(is_same).unwrap_or_else(|| {
        known.push(item);
        known.len() - 1
    })
}
