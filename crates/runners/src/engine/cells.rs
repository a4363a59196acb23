//! The cells of a plan on the engine: what cells share is made once.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};

use rtmm_hardware::{CostTable, Platform};
use rtmm_sim::metrics::Windows;
use rtmm_sim::{Summary, System};
use rtmm_sweep::plan::{Cell, Plan, PlatformId, VariedScenarioId, WorkloadId};
use rtmm_sweep::runner::{CellResult, Prepared, RunError};
use rtmm_workload::Model;

use super::columns::Beside;
use super::{Engine, RunSettings, columns, failed, series};
use crate::bound::{RunBounds, of_runs};

/// A scenario on a platform, before its rates are scaled or after.
type Base = Result<System, RunError>;

/// A platform, or the same divided into so many units for a policy.
type Form = (PlatformId, Option<NonZeroU32>);

/// Systems that cells share; each is made when the first of them needs it: a platform that cannot run a scenario
/// fails those cells alone.
pub(super) struct Ready<'p> {
    engine: &'p Engine,
    plan: &'p Plan<'p>,
    settings: RunSettings,
    models: BTreeMap<WorkloadId, Arc<[Model]>>,
    platforms: BTreeMap<Form, OnceLock<Result<Arc<Platform>, RunError>>>,
    bases: BTreeMap<(WorkloadId, Form), OnceLock<Base>>,
    systems: BTreeMap<(VariedScenarioId, Form), OnceLock<Base>>,
    /// By scenario, platform and seed: bounds of all policies, none where they are not asked for or there are none.
    bounds: BTreeMap<(VariedScenarioId, Form, u64), OnceLock<Option<RunBounds>>>,
}

impl<'p> Ready<'p> {
    /// The cells of `plan` that `pending` indexes.
    pub(super) fn new(engine: &'p Engine, plan: &'p Plan<'_>, pending: &[usize]) -> Result<Self, RunError> {
        let (mut models, mut platforms) = (BTreeMap::new(), BTreeMap::new());
        let (mut bases, mut systems, mut bounds) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let settings = RunSettings::of(&plan.axes().settings);
        for cell in pending.iter().map(|index| &plan.cells()[*index]) {
            models.entry(cell.workload).or_insert_with(|| plan.models(cell).into());
            let units = engine.granted_units(plan.policy(cell))?;
            // A divided platform is judged by the whole one.
            for form in [(cell.platform, None), (cell.platform, units)] {
                platforms.entry(form).or_insert_with(OnceLock::new);
                bases.entry((cell.workload, form)).or_insert_with(OnceLock::new);
            }
            let form = (cell.platform, units);
            systems.entry((cell.scenario, form)).or_insert_with(OnceLock::new);
            if settings.bounds {
                bounds.entry((cell.scenario, form, cell.seed)).or_insert_with(OnceLock::new);
            }
        }
        Ok(Self { engine, plan, settings, models, platforms, bases, systems, bounds })
    }

    fn platform(&self, cell: &Cell, form: Form) -> Result<&Arc<Platform>, RunError> {
        let platform = self.platforms.get(&form).ok_or_else(unprepared)?;
        let made = platform.get_or_init(|| {
            let whole = self.plan.platform(cell);
            let divided = form.1.map(|units| whole.divided(units)).transpose();
            let divided = divided.map_err(|error| failed(error.to_string()))?;
            Ok(Arc::new(divided.unwrap_or_else(|| whole.clone())))
        });
        made.as_ref().map_err(Clone::clone)
    }

    fn base(&self, cell: &Cell, form: Form) -> Result<&System, RunError> {
        let models = self.models.get(&cell.workload).ok_or_else(unprepared)?;
        let platform = self.platform(cell, form)?;
        let scenario = self.plan.scenario(cell);
        let whole = form.1.map(|_| self.base(cell, (form.0, None))).transpose()?;
        let base = self.bases.get(&(cell.workload, form)).ok_or_else(unprepared)?;
        let base = base.get_or_init(|| {
            let costs = CostTable::new(platform, models).map_err(|layers| RunError::NoCost {
                scenario: scenario.name.clone(),
                platform: platform.name.clone(),
                layers,
            })?;
            let (models, platform) = (Arc::clone(models), Arc::clone(platform));
            let system = System::with_costs(scenario, models, platform, Arc::new(costs))
                .map_err(|error| failed(error.to_string()))?;
            Ok(match whole {
                Some(whole) => system.judged_as(whole),
                None => system,
            })
        });
        base.as_ref().map_err(Clone::clone)
    }

    fn system(&self, cell: &Cell) -> Result<&System, RunError> {
        let form = (cell.platform, self.engine.granted_units(self.plan.policy(cell))?);
        let base = self.base(cell, form)?;
        let system = self.systems.get(&(cell.scenario, form)).ok_or_else(unprepared)?;
        let system = system.get_or_init(|| {
            base.with_scenario(self.plan.scenario(cell)).map_err(|error| failed(error.to_string()))
        });
        system.as_ref().map_err(Clone::clone)
    }

    /// A run of a cell beside the bounds of all policies; none where they are not asked for.
    fn beside(&self, cell: &Cell, system: &System, summary: &Summary) -> Result<Option<Beside>, RunError> {
        let form = (cell.platform, self.engine.granted_units(self.plan.policy(cell))?);
        let Some(bounds) = self.bounds.get(&(cell.scenario, form, cell.seed)) else { return Ok(None) };
        let bounds = bounds.get_or_init(|| of_runs(system, cell.seed, &self.settings).ok());
        let late = summary.jobs.violated();
        let least = bounds.as_ref().and_then(|bounds| bounds.energy).filter(|_| late == 0);
        let least = least.map(|least| least.picojoules()).filter(|least| *least > 0.0);
        Ok(Some(Beside {
            late,
            least_late: bounds.as_ref().map(|bounds| bounds.late),
            energy_ratio: least.map(|least| summary.energy.energy_pj / least),
        }))
    }
}

fn unprepared() -> RunError {
    failed("it was not prepared".to_owned())
}

impl Prepared for Ready<'_> {
    fn run(&self, cell: &Cell) -> Result<CellResult, RunError> {
        let (system, settings) = (self.system(cell)?, self.settings);
        let policy = self.plan.policy(cell);
        // Windows are an observer of their own: a run without them costs nothing more.
        if settings.window.is_zero() {
            let (summary, ()) = self.engine.measure(system, policy, settings, cell.seed, ())?;
            let beside = self.beside(cell, system, &summary)?;
            return Ok(columns::result_beside(&summary, beside.as_ref()));
        }
        let windows = Windows::new(system, settings.window, settings.metrics.warm_up);
        let (summary, windows) = self.engine.measure(system, policy, settings, cell.seed, windows)?;
        let beside = self.beside(cell, system, &summary)?;
        Ok(CellResult {
            series: series::points(&windows),
            ..columns::result_beside(&summary, beside.as_ref())
        })
    }
}
