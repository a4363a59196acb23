//! Plans: every cell of a sweep, in one canonical order, each with its identity.
//!
//! The order of cells: scenarios, then the axes that change them in the order of [`crate::axes`], then platforms,
//! then policies with their parameters, and seeds last; each axis in the order of the sweep file (patterns in
//! alphabetical order). The order is part of what outputs promise. Where a sweep names pairs of scenario and
//! platform, the others are left out of this order.
//!
//! A cell's identity is the BLAKE3 hash of everything that determines its result: the resolved
//! scenario with its models, the platform, the policy with its parameters, the seed, and the
//! runner's name, result version and settings. Scenarios and platforms are hashed once, so that a cell costs
//! one short hash: thousands of cells plan in milliseconds.

use std::fmt;

use rtmm_hardware::Platform;
use rtmm_workload::{
    Block, Duration, Exit, Layer, Model, Phase, SampleTrace, Scenario, Shapes, Sparsity, Task, Workload,
    define_index,
};
use serde::Serialize;
use thiserror::Error;
use tracing::debug;

use crate::axes::{self, Amount, Unfit, Variation};
use crate::runner::{CellRunner, ParameterValue, Parameters, Policy, RunnerSpec};

/// The most cells that one plan can have.
pub const MAX_CELLS: usize = 10_000_000;

define_index!(
    /// A scenario of a plan under one value of each axis that changes scenarios.
    VariedScenarioId
);
define_index!(
    /// A scenario of a plan with its models, before variation.
    WorkloadId
);
define_index!(
    /// A platform of a plan.
    PlatformId
);
define_index!(
    /// A policy of a plan with its parameters.
    PolicyId
);

/// The hash of everything that determines a cell's result.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellIdentity(pub(crate) [u8; 32]);

impl CellIdentity {
    /// The 32 bytes, as the store keeps them.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Hexadecimal.
impl fmt::Display for CellIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for CellIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One run of a sweep: indices into its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Position in the plan's canonical order.
    pub index: usize,
    /// The scenario as it is run.
    pub scenario: VariedScenarioId,
    /// The scenario as it was read.
    pub workload: WorkloadId,
    /// The platform.
    pub platform: PlatformId,
    /// The policy with its parameters.
    pub policy: PolicyId,
    /// The seed.
    pub seed: u64,
}

/// A scenario as cells run it.
#[derive(Clone, Debug)]
pub struct VariedScenario {
    /// The scenario and models that it was made of.
    pub workload: WorkloadId,
    /// The scenario with its duration and all changes applied.
    pub scenario: Scenario,
    /// The value of each axis that changes scenarios, in the order of [`axes::changes`]; `None` where the
    /// scenario keeps its own.
    pub values: Vec<Option<Amount>>,
    /// True if the seed changes anything, whatever the platform.
    pub random: bool,
    hash: blake3::Hash,
}

impl VariedScenario {
    /// The value of the axis of this name as a number; `None` where the scenario keeps its own, and where no axis
    /// of this name changes scenarios.
    #[must_use]
    pub fn number(&self, axis: &str) -> Option<f64> {
        let position = axes::changes().position(|(known, _)| known.name == axis)?;
        self.values.get(position).copied().flatten().map(Amount::number)
    }

    /// BLAKE3 of the resolved scenario and its models, in hexadecimal.
    #[must_use]
    pub fn hash(&self) -> String {
        self.hash.to_hex().to_string()
    }
}

/// Baseline of paired comparisons.
#[derive(Clone, Debug, PartialEq)]
pub enum Baseline {
    /// Each cell is compared with the one on this platform that is otherwise equal.
    Platform(PlatformId),
    /// Each cell is compared with the one under this policy that is otherwise equal.
    Policy(PolicyId),
}

/// The axes of a sweep, resolved: what a [`Plan`] is made of.
#[derive(Debug)]
pub struct Axes {
    /// The sweep's name, as outputs give it.
    pub name: String,
    /// Command that makes the results.
    pub command: String,
    /// Question that the sweep answers, for people.
    pub description: String,
    /// BLAKE3 of the sweep file in hexadecimal; empty where there is no file.
    pub content_hash: String,
    /// The folder of the sweep file with its separator, or nothing. Names of models that are paths
    /// start with it; it is left out of identities, so that a folder can be moved.
    pub folder: String,
    /// Scenarios with their models.
    pub workloads: Vec<Workload>,
    /// Platforms.
    pub platforms: Vec<Platform>,
    /// Which scenarios run on which platforms; every scenario on every platform where this is empty.
    pub pairs: Vec<(WorkloadId, PlatformId)>,
    /// Policies with their parameters.
    pub policies: Vec<Policy>,
    /// The values of axes that change scenarios; those that are left out have their defaults. A [`Plan`] has one
    /// entry for each of them, in the order of [`axes::changes`].
    pub variations: Vec<Variation>,
    /// Seeds of random scenarios, and of platforms whose times vary; the others run with the first alone.
    pub seeds: Vec<u64>,
    /// Replaces the scenarios' own durations.
    pub duration: Option<Duration>,
    /// Settings of the runner, or none at all: then a [`Plan`] has them at their defaults.
    pub settings: Parameters,
    /// Baseline of paired comparisons.
    pub baseline: Option<Baseline>,
}

impl Axes {
    /// True if a scenario runs on a platform.
    #[must_use]
    pub fn has_pair(&self, workload: WorkloadId, platform: PlatformId) -> bool {
        self.pairs.is_empty() || self.pairs.contains(&(workload, platform))
    }

    /// The platforms that a scenario runs on, in their order.
    pub fn platforms_of(&self, workload: WorkloadId) -> impl Iterator<Item = PlatformId> {
        (0..self.platforms.len())
            .map(PlatformId::new)
            .filter(move |platform| self.has_pair(workload, *platform))
    }

    /// The scenarios that run on a platform, in their order.
    pub fn workloads_of(&self, platform: PlatformId) -> impl Iterator<Item = WorkloadId> {
        (0..self.workloads.len())
            .map(WorkloadId::new)
            .filter(move |workload| self.has_pair(*workload, platform))
    }
}

/// Why axes make no plan.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum PlanError {
    /// An axis without values.
    #[error("the axis `{axis}` is empty")]
    EmptyAxis {
        /// Its key in a sweep file.
        axis: &'static str,
    },
    /// An axis cannot change a scenario.
    #[error("{unfit}")]
    Unfit {
        /// The key of the axis in a sweep file.
        axis: &'static str,
        /// The scenario, what is wrong with it, and a way out.
        unfit: Unfit,
    },
    /// More cells than a plan can have.
    #[error("the sweep has {cells} cells, more than the {MAX_CELLS} that one sweep can have")]
    TooManyCells {
        /// Number of cells that the axes make.
        cells: u128,
    },
    /// A seed that the runner cannot take, or the store cannot keep.
    #[error("the seed {seed} is too large; the largest is {largest}")]
    SeedTooLarge {
        /// The first such seed.
        seed: u64,
        /// The largest possible one.
        largest: u64,
    },
    /// The settings are none of the runner's.
    #[error("the settings are those of another runner than `{runner}`")]
    Settings {
        /// Name of the runner.
        runner: String,
    },
    /// An axis has a value twice.
    #[error("the sweep has the same cell twice: {cell}")]
    Repeated {
        /// The cell, as [`Plan::describe`] names it.
        cell: String,
    },
    /// An input could not be written in its canonical form.
    #[error("scenario `{scenario}` has no canonical form: {reason}")]
    NotCanonical {
        /// Name of the scenario.
        scenario: String,
        /// Reason that the encoder gave.
        reason: String,
    },
}

/// Every cell of a sweep, with all that they run on.
pub struct Plan<'r> {
    runner: &'r dyn CellRunner,
    axes: Axes,
    scenarios: Vec<VariedScenario>,
    platform_hashes: Vec<blake3::Hash>,
    cells: Vec<Cell>,
    identities: Vec<CellIdentity>,
    /// The same with the index of the cell, sorted.
    by_identity: Vec<(CellIdentity, u32)>,
}

impl fmt::Debug for Plan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("name", &self.axes.name)
            .field("runner", &self.runner.spec().name)
            .field("cells", &self.cells.len())
            .finish_non_exhaustive()
    }
}

impl<'r> Plan<'r> {
    /// Plans the cells of `axes` for `runner`.
    ///
    /// # Errors
    /// Every problem of the axes.
    pub fn new(runner: &'r dyn CellRunner, mut axes: Axes) -> Result<Self, Vec<PlanError>> {
        let mut problems: Vec<PlanError> = [
            ("scenarios", axes.workloads.is_empty()),
            ("platforms", axes.platforms.is_empty()),
            ("policy", axes.policies.is_empty()),
            ("seeds", axes.seeds.is_empty()),
        ]
        .into_iter()
        .filter(|(_, empty)| *empty)
        .map(|(axis, _)| PlanError::EmptyAxis { axis })
        .collect();
        axes.variations = axes::complete(&axes.variations);
        if let Some(duration) = axes.duration {
            for workload in &mut axes.workloads {
                workload.scenario.duration = duration;
            }
        }
        match settings_of(runner.spec(), &axes.settings) {
            Ok(settings) => axes.settings = settings,
            Err(problem) => problems.push(problem),
        }
        let largest = runner.spec().largest_seed.min(i64::MAX as u64);
        if let Some(&seed) = axes.seeds.iter().find(|seed| **seed > largest) {
            problems.push(PlanError::SeedTooLarge { seed, largest });
        }
        let scenarios = match varied_scenarios(&axes) {
            Ok(scenarios) => scenarios,
            Err(more) => {
                problems.extend(more);
                return Err(problems);
            }
        };
        let cells = count(&axes, &scenarios);
        if cells == 0 && problems.is_empty() {
            problems.push(PlanError::EmptyAxis { axis: "pairs" });
        }
        if cells > MAX_CELLS as u128 {
            problems.push(PlanError::TooManyCells { cells });
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let platform_hashes: Vec<blake3::Hash> = axes.platforms.iter().map(hash_platform).collect();
        let cells = cells_of(&axes, &scenarios);
        let identities = identities(runner.spec(), &axes, &scenarios, &platform_hashes, &cells);
        let mut by_identity: Vec<(CellIdentity, u32)> = identities.iter().copied().zip(0..).collect();
        by_identity.sort_unstable();
        debug!(
            cells = cells.len(),
            scenarios = axes.workloads.len(),
            platforms = axes.platforms.len(),
            "planned"
        );
        let plan = Self { runner, axes, scenarios, platform_hashes, cells, identities, by_identity };
        match plan.by_identity.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => {
                let cell = plan.describe(&plan.cells[pair[1].1 as usize]);
                Err(vec![PlanError::Repeated { cell }])
            }
            None => Ok(plan),
        }
    }

    /// The runner of the cells.
    #[must_use]
    pub fn runner(&self) -> &'r dyn CellRunner {
        self.runner
    }

    /// The description of the runner of the cells.
    #[must_use]
    pub fn spec(&self) -> &'r RunnerSpec {
        self.runner.spec()
    }

    /// Axes of the plan; durations are applied to the scenarios.
    #[must_use]
    pub fn axes(&self) -> &Axes {
        &self.axes
    }

    /// Number of cells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// True if there is nothing to run; never so for a plan that was made of axes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// The cells in canonical order.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The cells that differ in the seed only, side by side; groups are in canonical order, too.
    pub fn groups(&self) -> impl Iterator<Item = &[Cell]> {
        let of = |cell: &Cell| (cell.scenario, cell.platform, cell.policy);
        self.cells.chunk_by(move |left, right| of(left) == of(right))
    }

    /// The identities of the cells, in the same order.
    #[must_use]
    pub fn identities(&self) -> &[CellIdentity] {
        &self.identities
    }

    /// The index of the cell of an identity.
    #[must_use]
    pub fn find(&self, identity: &CellIdentity) -> Option<usize> {
        let position = self.by_identity.binary_search_by(|(known, _)| known.cmp(identity)).ok()?;
        Some(self.by_identity[position].1 as usize)
    }

    /// The scenarios as they are run, in the order of the cells.
    #[must_use]
    pub fn varied_scenarios(&self) -> &[VariedScenario] {
        &self.scenarios
    }

    /// Scenario of a cell, with its variation.
    #[must_use]
    pub fn varied_scenario(&self, cell: &Cell) -> &VariedScenario {
        &self.scenarios[cell.scenario.index()]
    }

    /// The scenario that a cell runs.
    #[must_use]
    pub fn scenario(&self, cell: &Cell) -> &Scenario {
        &self.varied_scenario(cell).scenario
    }

    /// The models of a cell's scenario.
    #[must_use]
    pub fn models(&self, cell: &Cell) -> &[Model] {
        &self.axes.workloads[cell.workload.index()].models
    }

    /// The platform that a cell runs on.
    #[must_use]
    pub fn platform(&self, cell: &Cell) -> &Platform {
        &self.axes.platforms[cell.platform.index()]
    }

    /// BLAKE3 of a platform's name and identity, in hexadecimal.
    #[must_use]
    pub fn platform_hash(&self, platform: PlatformId) -> String {
        self.platform_hashes[platform.index()].to_hex().to_string()
    }

    /// The policy that a cell runs under.
    #[must_use]
    pub fn policy(&self, cell: &Cell) -> &Policy {
        &self.axes.policies[cell.policy.index()]
    }

    /// The value of a setting of the runner; the same for all cells.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&ParameterValue> {
        self.axes.settings.get(name)
    }

    /// A cell in words, for messages.
    #[must_use]
    pub fn describe(&self, cell: &Cell) -> String {
        let varied = self.varied_scenario(cell);
        let mut text = format!(
            "`{}` on `{}` under `{}` with seed {}",
            varied.scenario.name,
            self.platform(cell).name,
            self.policy(cell),
            cell.seed
        );
        for (variation, value) in self.axes.variations.iter().zip(&varied.values) {
            if let Some(value) = value {
                text.push_str(&(variation.change.describe)(&variation.subject, *value));
            }
        }
        text
    }
}

/// The settings of the runner, at their defaults where the axes have none.
fn settings_of(runner: &RunnerSpec, given: &Parameters) -> Result<Parameters, PlanError> {
    if given.schema().has_same_values(&runner.settings) {
        Ok(given.clone())
    } else if given.is_empty() {
        Ok(Parameters::defaults(&runner.settings))
    } else {
        Err(PlanError::Settings { runner: runner.name.to_string() })
    }
}

fn varied_scenarios(axes: &Axes) -> Result<Vec<VariedScenario>, Vec<PlanError>> {
    let mut problems = Vec::new();
    let mut scenarios = Vec::new();
    let mut models = ModelHashes { folder: &axes.folder, known: Vec::new() };
    for (index, workload) in axes.workloads.iter().enumerate() {
        let not_canonical = |reason: String| {
            let scenario = workload.scenario.name.clone();
            PlanError::NotCanonical { scenario, reason }
        };
        let changed = changed(&workload.scenario, &axes.variations, &mut problems);
        let models = match models.hash_all(&workload.models) {
            Ok(hash) => hash,
            Err(reason) => {
                problems.push(not_canonical(reason));
                continue;
            }
        };
        for (scenario, values) in changed {
            let canonical = CanonicalScenario {
                name: &scenario.name,
                duration: scenario.duration,
                tasks: &scenario.tasks,
                phases: &scenario.phases,
            };
            let bytes = match serde_json::to_vec(&canonical) {
                Ok(bytes) => bytes,
                Err(error) => {
                    problems.push(not_canonical(error.to_string()));
                    continue;
                }
            };
            let hash = blake3::Hasher::new().update(models.as_bytes()).update(&bytes).finalize();
            scenarios.push(VariedScenario {
                workload: WorkloadId::new(index),
                random: scenario.is_random() || workload.models.iter().any(Model::is_dynamic),
                scenario,
                values,
                hash,
            });
        }
    }
    if problems.is_empty() { Ok(scenarios) } else { Err(problems) }
}

/// A scenario under every combination of values, the last axis varying fastest. What cannot be is left out and
/// recorded, each problem once.
fn changed(
    scenario: &Scenario,
    variations: &[Variation],
    problems: &mut Vec<PlanError>,
) -> Vec<(Scenario, Vec<Option<Amount>>)> {
    let mut all = vec![(scenario.clone(), Vec::with_capacity(variations.len()))];
    for variation in variations {
        let Variation { axis, change, subject, .. } = variation;
        let amounts = variation.amounts();
        let mut next = Vec::with_capacity(all.len() * amounts.len());
        for (scenario, values) in all {
            for amount in &amounts {
                let scenario = match amount {
                    None => Ok(scenario.clone()),
                    Some(amount) => (change.apply)(subject, *amount, scenario.clone()),
                };
                match scenario {
                    Ok(scenario) => {
                        let mut values: Vec<Option<Amount>> = values.clone();
                        values.push(*amount);
                        next.push((scenario, values));
                    }
                    Err(unfit) => {
                        let problem = PlanError::Unfit { axis: axis.key, unfit };
                        if !problems.contains(&problem) {
                            problems.push(problem);
                        }
                    }
                }
            }
        }
        all = next;
    }
    all
}

/// Hashes of models, each distinct one computed once however many scenarios share it.
struct ModelHashes<'a> {
    folder: &'a str,
    known: Vec<(&'a Model, blake3::Hash)>,
}

/// Part of a scenario that determines results.
#[derive(Serialize)]
struct CanonicalScenario<'s> {
    name: &'s str,
    duration: Duration,
    tasks: &'s [Task],
    phases: &'s [Phase],
}

/// Part of a model that determines results.
#[derive(Serialize)]
struct CanonicalModel<'m> {
    name: &'m str,
    shapes: Shapes,
    layers: &'m [Layer],
    blocks: &'m [Block],
    exits: &'m [Exit],
    accuracy: Option<f64>,
    /// Models without sparsity keep the identities that they had before there was any.
    #[serde(skip_serializing_if = "Option::is_none")]
    sparsity: Option<&'m Sparsity>,
    /// The digest of recorded samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    samples: Option<String>,
}

/// The digest of all that a sample trace says.
fn samples_digest(samples: &SampleTrace) -> String {
    let mut hasher = blake3::Hasher::new();
    add_text(&mut hasher, samples.schema.name());
    hasher.update(&(samples.layers() as u64).to_le_bytes());
    for sample in 0..samples.len() {
        hasher.update(&samples.id(sample).to_le_bytes());
    }
    let mut bytes = Vec::new();
    for values in samples.values() {
        bytes.extend(values.iter().flat_map(|value| value.to_bits().to_le_bytes()));
    }
    hasher.update(&bytes).finalize().to_hex().to_string()
}

impl<'a> ModelHashes<'a> {
    fn hash_all(&mut self, models: &'a [Model]) -> Result<blake3::Hash, String> {
        let mut hasher = blake3::Hasher::new();
        for model in models {
            let known = self.known.iter().find(|(known, _)| *known == model).map(|(_, hash)| *hash);
            let hash = match known {
                Some(hash) => hash,
                None => {
                    let canonical = CanonicalModel {
                        name: model.name.strip_prefix(self.folder).unwrap_or(&model.name),
                        shapes: model.shapes,
                        layers: &model.layers,
                        blocks: &model.blocks,
                        exits: &model.exits,
                        accuracy: model.accuracy,
                        sparsity: (model.sparsity != Sparsity::default()).then_some(&model.sparsity),
                        samples: model.samples.as_deref().map(samples_digest),
                    };
                    let bytes = serde_json::to_vec(&canonical).map_err(|error| error.to_string())?;
                    let hash = blake3::hash(&bytes);
                    self.known.push((model, hash));
                    hash
                }
            };
            hasher.update(hash.as_bytes());
        }
        Ok(hasher.finalize())
    }
}

/// The words for the operators of all layers, which are no part of the hash of their models.
fn hash_operator_words(models: &[Model]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for layer in models.iter().flat_map(|model| &model.layers) {
        add_text(&mut hasher, layer.kind.word());
    }
    hasher.finalize()
}

fn hash_platform(platform: &Platform) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    add_text(&mut hasher, &platform.name);
    add_text(&mut hasher, &platform.identity());
    hasher.finalize()
}

fn hash_policy(runner: &RunnerSpec, policy: &Policy) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(policy.to_string().as_bytes());
    let identity = runner.policy(&policy.name).map(|schema| &*schema.identity).unwrap_or_default();
    if !identity.is_empty() {
        // Behind a byte that no text has: no name and no value can imitate it.
        hasher.update(&[0xFF]).update(identity);
    }
    hasher.finalize()
}

/// Adds a text with its length, so that no two lists of texts hash alike.
fn add_text(hasher: &mut blake3::Hasher, text: &str) {
    hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
}

/// Seeds that a scenario runs with on a platform: the first alone where no seed changes anything.
fn seeds_of<'a>(axes: &'a Axes, varied: &VariedScenario, platform: PlatformId) -> &'a [u64] {
    let is_random = varied.random || axes.platforms[platform.index()].varies();
    if is_random { &axes.seeds } else { &axes.seeds[..1] }
}

fn count(axes: &Axes, scenarios: &[VariedScenario]) -> u128 {
    let of_scenario = |varied: &VariedScenario| {
        let seeds = |platform| seeds_of(axes, varied, platform).len() as u128;
        axes.platforms_of(varied.workload).map(seeds).sum::<u128>()
    };
    scenarios.iter().map(of_scenario).sum::<u128>() * axes.policies.len() as u128
}

fn cells_of(axes: &Axes, scenarios: &[VariedScenario]) -> Vec<Cell> {
    let mut cells = Vec::with_capacity(usize::try_from(count(axes, scenarios)).unwrap_or(0));
    for (scenario_index, varied) in scenarios.iter().enumerate() {
        for platform in axes.platforms_of(varied.workload) {
            let seeds = seeds_of(axes, varied, platform);
            for policy in 0..axes.policies.len() {
                for &seed in seeds {
                    cells.push(Cell {
                        index: cells.len(),
                        scenario: VariedScenarioId::new(scenario_index),
                        workload: varied.workload,
                        platform,
                        policy: PolicyId::new(policy),
                        seed,
                    });
                }
            }
        }
    }
    cells
}

fn identities(
    runner: &RunnerSpec,
    axes: &Axes,
    scenarios: &[VariedScenario],
    platforms: &[blake3::Hash],
    cells: &[Cell],
) -> Vec<CellIdentity> {
    let mut hasher = blake3::Hasher::new();
    add_text(&mut hasher, "rtmm cell 1");
    add_text(&mut hasher, &runner.name);
    hasher.update(&runner.result_version.to_le_bytes());
    // Runners without settings keep the identities that they had before there were any.
    for (name, value) in axes.settings.assignments() {
        add_text(&mut hasher, name);
        add_text(&mut hasher, &value.to_string());
    }
    let runner_hash = hasher.finalize();
    let policies: Vec<blake3::Hash> =
        axes.policies.iter().map(|policy| hash_policy(runner, policy)).collect();
    let words: Vec<blake3::Hash> =
        axes.workloads.iter().map(|workload| hash_operator_words(&workload.models)).collect();
    cells
        .iter()
        .map(|cell| {
            let mut bytes = [0; 4 * 32 + 8];
            let mut scenario = scenarios[cell.scenario.index()].hash;
            // The words for operators count where an accelerator lists those that it runs, and nowhere else.
            if axes.platforms[cell.platform.index()].depends_on_operator_words() {
                let of_words = words[cell.workload.index()].as_bytes();
                scenario = blake3::Hasher::new().update(scenario.as_bytes()).update(of_words).finalize();
            }
            let parts =
                [&runner_hash, &scenario, &platforms[cell.platform.index()], &policies[cell.policy.index()]];
            for (to, part) in bytes.chunks_exact_mut(32).zip(parts) {
                to.copy_from_slice(part.as_bytes());
            }
            bytes[128..].copy_from_slice(&cell.seed.to_le_bytes());
            CellIdentity(*blake3::hash(&bytes).as_bytes())
        })
        .collect()
}
