//! The event engine as a runner of cells, and of runs outside of a sweep.
//!
//! ```
//! use rtmm_hardware::{Mode, load as hardware};
//! use rtmm_runners::engine::{Engine, system};
//! use rtmm_sweep::runner::{CellRunner, Chosen};
//! use rtmm_workload::{Legality, load};
//!
//! let workload = load::workload("xrbench/vr_gaming", None, Legality::Strict)?;
//! let platform = hardware::platform("xrbench/dual_4k_ws_os", None, Mode::Corrected)?;
//! let system = system(&workload, &platform)?;
//!
//! let engine = Engine::built_in();
//! let edf = engine.spec().policy("edf").ok_or("no such policy")?;
//! let chosen = Chosen::read(engine.spec(), edf, &["granularity=model", "warm_up=100ms"])?;
//! let (summary, ()) = engine.simulate(&system, &chosen, 1, ())?;
//! assert_eq!(summary.deadline_violation_rate, Some(0.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cells;
mod columns;
mod idle;
mod series;
mod settings;
mod unmet;

use std::num::NonZeroU32;
use std::sync::LazyLock;

use rtmm_hardware::{CostModelRegistry, Platform};
use rtmm_scheduler::{PolicyRegistry, PolicyRow};
use rtmm_sim::{Metrics, Observer, RunOptions, SimulationError, Summary, System, simulate};
use rtmm_sweep::plan::Plan;
use rtmm_sweep::runner::{CellRunner, Chosen, Policy, PolicySchema, Prepared, Rule, RunError, RunnerSpec};
use rtmm_workload::Workload;

pub use columns::result;
pub use idle::IdleParameter;
pub use series::points;
pub use settings::{RunSettings, SettingsError};
pub use unmet::UnmetParameter;

/// Since version 8, tasks that state no priority have 1, and not 0, which PREMA and Planaria's score multiply by: only results
/// of `prema`, `prema-sparse` and `planaria` are others than those of version 7.
/// Since version 7, energy is whole femtojoules.
/// Since version 6, inputs that no tap of a dilated filter touches are not fetched: only results of models with dilated layers
/// are others than those of version 5, on the cost models `systolic`, `fission` and `maestro`.
/// Since version 5, normalised turnaround counts from readiness, and not from the arrival, where jobs need others: only
/// `antt` and `normalised_turnaround_p99` of scenarios with dependencies are others than those of version 4.
/// Since version 4, estimates, drop rules and the truth count the quanta of a layer that are done, parts of quanta are kept
/// where a job goes on in others, of equal keys the job that was released last makes room, and layers have quanta where
/// memory is shared: only results with `preemption=quantum`, and those of `planaria` on accelerators that runs divide, are
/// others than those of version 3. Since version 3, `sdrm3` and `sdrm3-sparse` on several accelerators choose among pairs
/// of job and accelerator, with preferences, as published; on one accelerator their results are those of version 2.
const RESULT_VERSION: u32 = 8;

/// The event engine of `rtmm-sim` under the policies of one registry, on platforms of the cost models of another.
#[derive(Clone, Debug)]
pub struct Engine {
    spec: RunnerSpec,
    policies: PolicyRegistry,
}

impl Engine {
    /// The engine with the policies and cost models of this project.
    #[must_use]
    pub fn built_in() -> &'static Self {
        static BUILT_IN: LazyLock<Engine> = LazyLock::new(|| {
            Engine::new(PolicyRegistry::built_in().clone(), CostModelRegistry::built_in().clone())
        });
        &BUILT_IN
    }

    /// The engine with these policies and cost models, such as the built-in ones and a program's own.
    #[must_use]
    pub fn new(policies: PolicyRegistry, cost_models: CostModelRegistry) -> Self {
        let schemas = policies.iter().cloned().map(schema).collect();
        let spec = RunnerSpec {
            summary: "the event engine: any scenario, platform and policy".into(),
            result_version: RESULT_VERSION,
            cost_models,
            settings: settings::schema(),
            expenses: vec!["platform_energy_pj", "energy_pj"],
            completions: Some("completion_rate"),
            task_columns: columns::task_columns(),
            accelerator_columns: columns::accelerator_columns(),
            series_columns: series::COLUMNS.to_vec(),
            ..RunnerSpec::new("engine", schemas, columns::cell_columns())
        };
        Self { spec, policies }
    }

    /// The policies that runs can ask for.
    #[must_use]
    pub fn policies(&self) -> &PolicyRegistry {
        &self.policies
    }

    /// The system in which a policy runs a workload on a platform: with the platform divided, where the policy's parameters
    /// ask for that, and energies judged by the platform as it is.
    ///
    /// # Errors
    /// [`RunError`] where layers cannot run on the platform, or it cannot be divided.
    pub fn system_for(
        &self,
        policy: &Policy,
        workload: &Workload,
        platform: &Platform,
    ) -> Result<System, RunError> {
        let whole = system(workload, platform)?;
        let Some(units) = self.granted_units(policy)? else { return Ok(whole) };
        let divided = platform.divided(units).map_err(|error| failed(error.to_string()))?;
        Ok(system(workload, &divided)?.judged_as(&whole))
    }

    /// The units that a policy is to find on platforms which divide no accelerator; none for one that takes them as they are.
    ///
    /// # Errors
    /// [`RunError::Failed`] where the engine does not know the policy, or its parameters make no sense.
    pub fn granted_units(&self, policy: &Policy) -> Result<Option<NonZeroU32>, RunError> {
        let row = self.policies.find(&policy.name).map_err(|error| failed(error.to_string()))?;
        row.granted_units(&policy.parameters).map_err(|error| failed(error.to_string()))
    }

    /// The parameters of a policy that are not at their defaults and that a platform has no use for, such as a governor where
    /// nothing has operating points.
    #[must_use]
    pub fn unmet_parameters(&self, policy: &Policy, platform: &Platform) -> Vec<UnmetParameter> {
        self.policies
            .get(&policy.name)
            .map_or_else(Vec::new, |row| unmet::of(row, &policy.parameters, platform))
    }

    /// The parameters of a policy that are not at their defaults and change nothing as the others are, such as the size of
    /// blocks where segments are layers.
    #[must_use]
    pub fn idle_parameters(&self, policy: &Policy) -> Vec<IdleParameter> {
        self.policies.find(&policy.name).map(|row| idle::of(row, &policy.parameters)).unwrap_or_default()
    }

    /// Simulates a system under a policy and measures it. `watch` observes the run, too, and is returned.
    ///
    /// # Errors
    /// [`RunError::Failed`] where the settings do not fit the system, or the policy does what it may not.
    pub fn simulate<O: Observer>(
        &self,
        system: &System,
        chosen: &Chosen,
        seed: u64,
        mut watch: O,
    ) -> Result<(Summary, O), RunError> {
        let settings = RunSettings::of(&chosen.settings);
        if settings.bounds {
            return Err(failed("`bounds` is a setting of sweeps".to_owned()));
        }
        // Behind a pointer, so that the event loop is not compiled once more for each kind of observer.
        let observer: &mut dyn Observer = &mut watch;
        let (summary, _) = self.measure(system, &chosen.policy, settings, seed, observer)?;
        Ok((summary, watch))
    }

    fn measure<O: Observer>(
        &self,
        system: &System,
        policy: &Policy,
        settings: RunSettings,
        seed: u64,
        watch: O,
    ) -> Result<(Summary, O), RunError> {
        settings.check(system.scenario.duration).map_err(|error| failed(error.to_string()))?;
        let row = self.policies.find(&policy.name).map_err(|error| failed(error.to_string()))?;
        let built = row.build(&policy.parameters).map_err(|error| failed(error.to_string()))?;
        let options = RunOptions { seed, end: settings.end, oracle: row.oracle };
        let observer = (Metrics::new(system, settings.metrics), watch);
        let (metrics, watch) = simulate(system, &policy.name, built, observer, options)
            .map_err(|error: SimulationError| failed(error.to_string()))?;
        Ok((metrics.summary(), watch))
    }
}

impl CellRunner for Engine {
    fn spec(&self) -> &RunnerSpec {
        &self.spec
    }

    fn prepare<'p>(
        &'p self,
        plan: &'p Plan<'_>,
        pending: &[usize],
    ) -> Result<Box<dyn Prepared + 'p>, RunError> {
        Ok(Box::new(cells::Ready::new(self, plan, pending)?))
    }
}

/// A workload on a platform with the costs of all its layers: what runs of one kind share.
///
/// # Errors
/// [`RunError::NoCost`] where layers cannot run on the platform.
pub fn system(workload: &Workload, platform: &Platform) -> Result<System, RunError> {
    System::new(&workload.scenario, &workload.models, platform).map_err(|error| match error {
        SimulationError::NoCost(layers) => RunError::NoCost {
            scenario: workload.scenario.name.clone(),
            platform: platform.name.clone(),
            layers,
        },
        other => failed(other.to_string()),
    })
}

fn failed(reason: String) -> RunError {
    RunError::Failed { reason }
}

/// A row of a registry, as sweeps and listings show it.
fn schema(row: PolicyRow) -> PolicySchema {
    let PolicyRow { name, summary, parameters, identity, .. } = row.clone();
    // Bounds of one parameter on another are for the policy itself to say.
    let rule = Rule::new(move |values| row.build(values).map(|_| ()).map_err(|error| error.to_string()));
    PolicySchema { name, summary, parameters, rule, identity }
}
