//! Sweeps: whether the scenarios of the cells can run on their platforms.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use rayon::prelude::*;
use rtmm_runners::engine::{Engine, RunSettings, SettingsError};
use rtmm_sweep::plan::{Plan, PlatformId, WorkloadId};
use rtmm_sweep::runner::CellRunner;
use rtmm_workload::input::{Diagnostic, Diagnostics, Source};

use crate::commands::fit::{self, Sources};

/// Holds the settings of runs to the durations of the cells: those that do not fit fail when they are run.
fn check_settings(sweep: &Source, plan: &Plan<'_>) -> Result<(), Diagnostics> {
    if plan.spec().name != Engine::built_in().spec().name {
        return Ok(());
    }
    let settings = RunSettings::of(&plan.axes().settings);
    let errors = plan.cells().iter().filter_map(|cell| settings.check(plan.scenario(cell).duration).err());
    let errors: Vec<SettingsError> = errors.collect();
    let Some(first) = errors.first() else { return Ok(()) };
    let message = format!("{} of {} cells cannot run: {first}", errors.len(), plan.len());
    Err(fit::at_settings(sweep, message).help("change `settings`, or let runs last longer").into())
}

/// Judges every pair of scenario and platform that a sweep has cells of, with each division of the platform that its policies
/// ask for.
///
/// # Errors
/// Every pair that cannot run, with the place of what keeps it from that.
pub(super) fn check(sweep: &Source, plan: &Plan<'_>) -> Result<(), Diagnostics> {
    let engine = Engine::built_in();
    check_settings(sweep, plan)?;
    let is_engine = plan.spec().name == engine.spec().name;
    let mut pairs: BTreeSet<(WorkloadId, PlatformId)> = BTreeSet::new();
    pairs.extend(plan.cells().iter().map(|cell| (cell.workload, cell.platform)));
    let pairs: Vec<(WorkloadId, PlatformId)> = pairs.into_iter().collect();
    // A platform that a policy divides has other costs.
    let policies = plan.axes().policies.iter().filter(|_| is_engine);
    let units: BTreeSet<NonZeroU32> =
        policies.filter_map(|policy| engine.granted_units(policy).ok().flatten()).collect();
    let found: Vec<Diagnostics> = pairs
        .par_iter()
        .map(|(workload, platform)| {
            let workload = &plan.axes().workloads[workload.index()];
            let platform = &plan.axes().platforms[platform.index()];
            let sources = || Sources::of(Some(&workload.scenario.name), Some(&platform.name), Some(sweep));
            if !is_engine {
                let judged = fit::check_on_artifact(workload, platform, &sources());
                return judged.err().map_or_else(Diagnostics::default, Diagnostics::from);
            }
            let mut problems =
                fit::on_engine(sources().scenario.as_ref(), workload, platform).err().unwrap_or_default();
            if !problems.is_empty() {
                return problems;
            }
            fit::warn_of_pins(|| sources().scenario, &workload.scenario, platform);
            for divided in units.iter().map(|units| platform.divided(*units)) {
                let judged = divided
                    .map_err(|error| {
                        Diagnostic::without_place(format!("platform `{}`: {error}", platform.name)).into()
                    })
                    .and_then(|divided| fit::on_engine(sources().scenario.as_ref(), workload, &divided));
                problems.extend(judged.err().unwrap_or_default());
            }
            problems
        })
        .collect();
    let mut problems = Diagnostics::default();
    found.into_iter().for_each(|one| problems.extend(one));
    problems.into_result(Some(()))
}
