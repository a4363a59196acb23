//! The event engine as a runner of cells.

mod columns;
mod series;
mod settings;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use rtmm_hardware::{CostTable, Mode, NoCost};
use rtmm_scheduler::{Parameters, PolicyRegistry, PolicyRow};
use rtmm_sim::metrics::Windows;
use rtmm_sim::{Metrics, RunOptions, SimulationError, System, simulate};
use rtmm_sweep::plan::{Cell, Plan, PlatformId, VariantId, WorkloadId};
use rtmm_sweep::runner::{
    Assignment, CellResult, CellRunner, Column, Parameter, Policy, PolicySchema, Prepared, RunError,
    SeriesColumn,
};
use rtmm_workload::Legality;

pub use columns::result;
pub use series::{check as check_window, points};
pub use settings::RunSettings;

/// The event engine of `rtmm-sim` under the policies of `rtmm-scheduler`.
pub struct Engine;

impl CellRunner for Engine {
    fn name(&self) -> &'static str {
        "engine"
    }

    fn summary(&self) -> &'static str {
        "the event engine: any scenario, platform and policy"
    }

    /// Since version 3, `sdrm3` and `sdrm3-sparse` on several accelerators choose among pairs of job and
    /// accelerator, with preferences, as published; on one accelerator their results are those of version 2.
    fn result_version(&self) -> u32 {
        3
    }

    fn legality(&self) -> Legality {
        Legality::Strict
    }

    fn mode(&self) -> Mode {
        Mode::Corrected
    }

    fn policies(&self) -> &[PolicySchema] {
        policies()
    }

    fn settings(&self) -> &[Parameter] {
        settings::SETTINGS
    }

    fn validate(&self, policy: &Policy, _settings: &[Assignment]) -> Result<(), String> {
        build(policy).map(|_| ())
    }

    fn cell_columns(&self) -> &[Column] {
        columns::cell_columns()
    }

    fn task_columns(&self) -> &[Column] {
        columns::task_columns()
    }

    fn series_columns(&self) -> &[SeriesColumn] {
        series::COLUMNS
    }

    fn prepare<'p>(
        &'p self,
        plan: &'p Plan<'_>,
        pending: &[usize],
    ) -> Result<Box<dyn Prepared + 'p>, RunError> {
        let mut bases = BTreeMap::new();
        let mut systems = BTreeMap::new();
        for cell in pending.iter().map(|index| &plan.cells()[*index]) {
            bases.entry((cell.workload, cell.platform)).or_insert_with(OnceLock::new);
            systems.entry((cell.variant, cell.platform)).or_insert_with(OnceLock::new);
        }
        let settings = RunSettings::of(&plan.axes().settings);
        Ok(Box::new(Ready { plan, settings, bases, systems }))
    }
}

/// The policies of the registry, as sweeps and commands list them.
pub fn policies() -> &'static [PolicySchema] {
    static SCHEMAS: OnceLock<Vec<PolicySchema>> = OnceLock::new();
    SCHEMAS.get_or_init(|| {
        let schema = |row: &PolicyRow| PolicySchema {
            name: row.name.clone(),
            summary: row.summary.clone(),
            parameters: row.parameters.clone(),
        };
        PolicyRegistry::built_in().iter().map(schema).collect()
    })
}

/// A policy of the registry with its parameters, and whether it is handed the truth.
pub fn build(policy: &Policy) -> Result<(Box<dyn rtmm_scheduler::Policy>, bool), String> {
    let row = PolicyRegistry::built_in().find(&policy.name).map_err(|error| error.to_string())?;
    let parameters =
        Parameters::with(&row.parameters, &policy.parameters).map_err(|error| error.to_string())?;
    let built = row.build(&parameters).map_err(|error| error.to_string())?;
    Ok((built, row.oracle))
}

/// A scenario on a platform before its rates are scaled, or the layers that have no cost there.
type Base<'p> = Result<System<'p>, Vec<NoCost>>;

/// What cells share is made when the first of them needs it: a platform that cannot run a scenario
/// fails those cells alone.
struct Ready<'p> {
    plan: &'p Plan<'p>,
    settings: RunSettings,
    bases: BTreeMap<(WorkloadId, PlatformId), OnceLock<Base<'p>>>,
    systems: BTreeMap<(VariantId, PlatformId), OnceLock<System<'p>>>,
}

impl Ready<'_> {
    fn system(&self, cell: &Cell) -> Result<&System<'_>, RunError> {
        let unprepared = || RunError::Failed { reason: "it was not prepared".to_owned() };
        let (models, platform) = (self.plan.models(cell), self.plan.platform(cell));
        let scenario = self.plan.scenario(cell);
        let base = self.bases.get(&(cell.workload, cell.platform)).ok_or_else(unprepared)?;
        let base = base.get_or_init(|| {
            let costs = CostTable::new(platform, models)?;
            Ok(System::with_costs(scenario, models, platform, Arc::new(costs)))
        });
        let base = base.as_ref().map_err(|layers| RunError::NoCost {
            scenario: scenario.name.clone(),
            platform: platform.name.clone(),
            layers: layers.clone(),
        })?;
        let system = self.systems.get(&(cell.variant, cell.platform)).ok_or_else(unprepared)?;
        Ok(system.get_or_init(|| base.with_scenario(scenario)))
    }
}

impl Prepared for Ready<'_> {
    fn run(&self, cell: &Cell) -> Result<CellResult, RunError> {
        let system = self.system(cell)?;
        let failed = |reason: String| RunError::Failed { reason };
        let (warm_up, duration) = (self.settings.metrics.warm_up, system.scenario.duration);
        if warm_up >= duration {
            return Err(failed(format!("a warm-up of {warm_up} leaves nothing of a run of {duration}")));
        }
        let policy = self.plan.policy(cell);
        let (built, oracle) = build(policy).map_err(failed)?;
        let metrics = Metrics::new(system, self.settings.metrics);
        let options = RunOptions { seed: cell.seed, end: self.settings.end, oracle };
        let fail = |error: SimulationError| failed(error.to_string());
        // Windows are an observer of their own: a run without them costs nothing more.
        let window = self.settings.window;
        if window.is_zero() {
            let metrics = simulate(system, &policy.name, built, metrics, options).map_err(fail)?;
            return Ok(result(&metrics.summary()));
        }
        check_window(window, duration).map_err(failed)?;
        let observer = (metrics, Windows::new(system, window, warm_up));
        let (metrics, windows) = simulate(system, &policy.name, built, observer, options).map_err(fail)?;
        Ok(CellResult { series: points(&windows), ..result(&metrics.summary()) })
    }
}
