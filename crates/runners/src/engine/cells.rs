//! The cells of a plan on the engine: what cells share is made once.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use rtmm_hardware::{CostTable, NoCost, Platform};
use rtmm_sim::System;
use rtmm_sim::metrics::Windows;
use rtmm_sweep::plan::{Cell, Plan, PlatformId, VariedScenarioId, WorkloadId};
use rtmm_sweep::runner::{CellResult, Prepared, RunError};
use rtmm_workload::Model;

use super::{Engine, RunSettings, columns, series};

/// A scenario on a platform before its rates are scaled, or the layers that have no cost there.
type Base = Result<System, Vec<NoCost>>;

/// Systems that cells share; each is made when the first of them needs it: a platform that cannot run a scenario
/// fails those cells alone.
pub(super) struct Ready<'p> {
    engine: &'p Engine,
    plan: &'p Plan<'p>,
    settings: RunSettings,
    models: BTreeMap<WorkloadId, Arc<[Model]>>,
    platforms: BTreeMap<PlatformId, Arc<Platform>>,
    bases: BTreeMap<(WorkloadId, PlatformId), OnceLock<Base>>,
    systems: BTreeMap<(VariedScenarioId, PlatformId), OnceLock<System>>,
}

impl<'p> Ready<'p> {
    /// The cells of `plan` that `pending` indexes.
    pub(super) fn new(engine: &'p Engine, plan: &'p Plan<'_>, pending: &[usize]) -> Self {
        let (mut models, mut platforms) = (BTreeMap::new(), BTreeMap::new());
        let (mut bases, mut systems) = (BTreeMap::new(), BTreeMap::new());
        for cell in pending.iter().map(|index| &plan.cells()[*index]) {
            models.entry(cell.workload).or_insert_with(|| plan.models(cell).into());
            platforms.entry(cell.platform).or_insert_with(|| Arc::new(plan.platform(cell).clone()));
            bases.entry((cell.workload, cell.platform)).or_insert_with(OnceLock::new);
            systems.entry((cell.scenario, cell.platform)).or_insert_with(OnceLock::new);
        }
        let settings = RunSettings::of(&plan.axes().settings);
        Self { engine, plan, settings, models, platforms, bases, systems }
    }

    fn system(&self, cell: &Cell) -> Result<&System, RunError> {
        let unprepared = || RunError::Failed { reason: "it was not prepared".to_owned() };
        let models = self.models.get(&cell.workload).ok_or_else(unprepared)?;
        let platform = self.platforms.get(&cell.platform).ok_or_else(unprepared)?;
        let scenario = self.plan.scenario(cell);
        let base = self.bases.get(&(cell.workload, cell.platform)).ok_or_else(unprepared)?;
        let base = base.get_or_init(|| {
            let costs = CostTable::new(platform, models)?;
            Ok(System::with_costs(scenario, Arc::clone(models), Arc::clone(platform), Arc::new(costs)))
        });
        let base = base.as_ref().map_err(|layers| RunError::NoCost {
            scenario: scenario.name.clone(),
            platform: platform.name.clone(),
            layers: layers.clone(),
        })?;
        let system = self.systems.get(&(cell.scenario, cell.platform)).ok_or_else(unprepared)?;
        Ok(system.get_or_init(|| base.with_scenario(scenario)))
    }
}

impl Prepared for Ready<'_> {
    fn run(&self, cell: &Cell) -> Result<CellResult, RunError> {
        let (system, settings) = (self.system(cell)?, self.settings);
        let policy = self.plan.policy(cell);
        // Windows are an observer of their own: a run without them costs nothing more.
        if settings.window.is_zero() {
            let (summary, ()) = self.engine.measure(system, policy, settings, cell.seed, ())?;
            return Ok(columns::result(&summary));
        }
        let windows = Windows::new(system, settings.window, settings.metrics.warm_up);
        let (summary, windows) = self.engine.measure(system, policy, settings, cell.seed, windows)?;
        Ok(CellResult { series: series::points(&windows), ..columns::result(&summary) })
    }
}
