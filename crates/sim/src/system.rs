//! A scenario on a platform, resolved once: names to indices, costs to flat arrays.

use std::sync::Arc;

use rtmm_hardware::{
    AcceleratorId, ClassId, Contention, CostTable, IsolatedCosts, Outcome, PinnedModel, Platform, Share,
};
use rtmm_scheduler::{Knowledge, Profile, Progress, SystemState, View};
use rtmm_workload::{
    Deadline, DependencyKind, Duration, LayerVariants, Model, ModelId, Realisation, Scenario, TaskId,
    originals,
};

use crate::error::SimulationError;
use crate::pins::Pinned;

/// Everything that runs of a scenario on a platform share, whatever the policy and the seed. It owns its scenario and
/// shares the rest with other systems, so that a program can keep it and send it to its threads.
#[derive(Clone, Debug)]
pub struct System {
    /// The scenario, with deadlines that follow from latencies resolved to spans.
    pub scenario: Scenario,
    /// The models of its tasks, and behind them those of pinned tasks once more.
    pub models: Arc<[Model]>,
    /// The platform that it runs on.
    pub platform: Arc<Platform>,
    /// Costs as policies know them.
    pub profile: Arc<Profile>,
    /// Costs as they really are.
    pub(crate) costs: Arc<IsolatedCosts>,
    pub(crate) tasks: Vec<TaskLinks>,
    /// Tasks so that whatever one depends on stands before it.
    pub(crate) order: Vec<TaskId>,
    /// True if each model skips or exits.
    pub(crate) is_dynamic: Vec<bool>,
    /// True if some accelerator does not run some layer, or some job may not run there.
    pub(crate) is_partial: bool,
    /// The last of the models: those of tasks that may not run everywhere.
    pub(crate) pinned: Vec<PinnedModel>,
    /// True if all inferences of each model cost the same: nothing is skipped, sampled or drawn.
    pub(crate) is_alike: Vec<bool>,
    /// By model: the one without layer variants, by which jobs of either are judged; none where no model has layer variants.
    originals: Option<Arc<[ModelId]>>,
    /// The latency of each model by itself where it is fastest, as its inferences take it if they are alike.
    isolated: Arc<[Duration]>,
}

/// Systems outlive what they were made of, and go to other threads.
const _: () = {
    const fn is_kept_and_sent<T: Clone + Send + Sync + 'static>() {}
    is_kept_and_sent::<System>();
};

/// Links of a task to others.
#[derive(Clone, Debug, Default)]
pub(crate) struct TaskLinks {
    /// Its place in [`System::order`].
    pub rank: usize,
    /// Tasks that depend on this one, with the position of the dependency among theirs.
    pub dependents: Vec<(TaskId, usize)>,
    /// One a dependency: the outcome's probability, for control dependencies.
    pub control: Vec<Option<ControlTable>>,
}

/// The probability that a completed job triggers another.
#[derive(Clone, Debug)]
pub(crate) struct ControlTable {
    otherwise: f64,
    /// Where the job left its model early.
    after_exit: Vec<(ModelId, u8, f64)>,
}

impl ControlTable {
    pub(crate) fn probability(&self, model: ModelId, exit: Option<u8>) -> f64 {
        let found = self.after_exit.iter().find(|(of, at, _)| *of == model && Some(*at) == exit);
        found.map_or(self.otherwise, |(_, _, probability)| *probability)
    }
}

impl System {
    /// Resolves a scenario with its models on a platform, all of which are copied: once a system, and not once a run.
    ///
    /// # Errors
    /// [`SimulationError::NoCost`] with every layer that no accelerator runs, [`SimulationError::Pins`] with every task that
    /// cannot be pinned as it says.
    pub fn new(scenario: &Scenario, models: &[Model], platform: &Platform) -> Result<Self, SimulationError> {
        let costs = CostTable::new(platform, models).map_err(SimulationError::NoCost)?;
        Self::with_costs(scenario, models.into(), Arc::new(platform.clone()), Arc::new(costs))
    }

    /// The same with models and a platform that systems share, and with costs that are known already, such as those of
    /// another load on the same platform. They must be of these models on this platform.
    ///
    /// # Errors
    /// [`SimulationError::Pins`] with every task that cannot be pinned as it says, [`SimulationError::Unmeasured`] with pairs
    /// of models that a rule of co-location says nothing of.
    pub fn with_costs(
        scenario: &Scenario,
        models: Arc<[Model]>,
        platform: Arc<Platform>,
        costs: Arc<CostTable>,
    ) -> Result<Self, SimulationError> {
        let Pinned { scenario, models, pinned } =
            Pinned::new(scenario, models, &platform, &costs).map_err(SimulationError::Pins)?;
        let costs = Arc::new(IsolatedCosts::with_pinned(&models, pinned.clone(), &platform, costs));
        let unmeasured = costs.unmeasured(&models, &platform);
        if !unmeasured.is_empty() {
            return Err(SimulationError::Unmeasured(unmeasured));
        }
        let profile = Arc::new(Profile::new(&models, &platform, Arc::clone(&costs)));
        let order = topological(&scenario);
        Ok(Self {
            tasks: links(&scenario, &models, &order),
            scenario: resolve_deadlines(&scenario, &profile),
            order,
            is_partial: costs.is_partial(),
            pinned,
            is_dynamic: models.iter().map(Model::is_dynamic).collect(),
            is_alike: models
                .iter()
                .enumerate()
                .map(|(index, model)| {
                    !model.is_dynamic() && !model.is_sampled() && !costs.varies(ModelId::new(index))
                })
                .collect(),
            originals: originals(&models).map(Into::into),
            isolated: (0..models.len())
                .map(|model| profile.least_remaining(ModelId::new(model), 0))
                .collect(),
            models,
            platform,
            profile,
            costs,
        })
    }

    /// Another scenario of the same models on the same platform, such as another load: models, platform and costs are
    /// shared. Its tasks must run the models that this one was made of.
    ///
    /// # Errors
    /// [`SimulationError::Pins`] with every task that cannot be pinned as it says.
    pub fn with_scenario(&self, scenario: &Scenario) -> Result<Self, SimulationError> {
        let networks: Arc<[Model]> = match &self.pinned[..] {
            [] => Arc::clone(&self.models),
            pinned => self.models[..self.models.len() - pinned.len()].into(),
        };
        let of = Pinned::new(scenario, Arc::clone(&networks), &self.platform, self.costs.table())
            .map_err(SimulationError::Pins)?;
        if of.pinned != self.pinned {
            // Other pins are other models.
            let (platform, table) = (Arc::clone(&self.platform), self.costs.shared_table());
            return Self::with_costs(scenario, networks, platform, table);
        }
        let scenario = &of.scenario;
        let order = topological(scenario);
        Ok(Self {
            scenario: resolve_deadlines(scenario, &self.profile),
            is_partial: self.is_partial,
            pinned: of.pinned,
            models: Arc::clone(&self.models),
            platform: Arc::clone(&self.platform),
            profile: Arc::clone(&self.profile),
            costs: Arc::clone(&self.costs),
            tasks: links(scenario, &self.models, &order),
            order,
            is_dynamic: self.is_dynamic.clone(),
            is_alike: self.is_alike.clone(),
            originals: self.originals.clone(),
            isolated: Arc::clone(&self.isolated),
        })
    }

    /// The same system with the worst-case energies, by which normalised energy is judged, of another one of the same models:
    /// where hardware is compared in two forms, both are judged by one.
    #[must_use]
    pub fn judged_as(mut self, other: &Self) -> Self {
        Arc::make_mut(&mut self.profile).judge_energy_as(&other.profile);
        self
    }

    /// The same system under policies that plan on the estimates of another one of the same models, platform and scenario:
    /// what they are shown of costs is wrong, and what runs take and spend is not. Deadlines, and the energies by which
    /// normalised energy is judged, stay its own.
    #[must_use]
    pub fn planned_by(mut self, estimates: &Self) -> Self {
        let mut profile = Profile::clone(&estimates.profile);
        profile.judge_energy_as(&self.profile);
        self.profile = Arc::new(profile);
        self
    }

    /// The work of each layer on each configuration.
    #[must_use]
    pub fn cost_table(&self) -> &CostTable {
        self.costs.table()
    }

    /// True if all inferences of a model cost the same: nothing is skipped, sampled or drawn.
    #[must_use]
    pub fn costs_alike(&self, model: ModelId) -> bool {
        self.is_alike[model.index()]
    }

    /// The rule by which runs of the system slow each other down; none where they share nothing.
    #[must_use]
    pub fn contention(&self) -> Option<Box<dyn Contention>> {
        self.costs.contention(&self.platform)
    }

    /// The model by which a job that runs as `model` is judged: itself, unless it runs layer variants.
    #[inline]
    pub(crate) fn original(&self, model: ModelId) -> ModelId {
        self.originals.as_ref().map_or(model, |of| of[model.index()])
    }

    /// True if any model has layer variants.
    #[inline]
    pub(crate) const fn has_layer_variants(&self) -> bool {
        self.originals.is_some()
    }

    /// The layer variants of a model.
    pub(crate) fn layer_variants(&self, model: ModelId) -> Option<&LayerVariants> {
        self.models[model.index()].layer_variants.as_deref()
    }

    /// True if a job that has begun as one model may go on as another from a place on: between layers, where the two differ in
    /// layer variants alone.
    pub(crate) fn may_turn(&self, from: ModelId, to: ModelId, at: Progress) -> bool {
        self.has_layer_variants() && at.quantum == 0 && self.original(from) == self.original(to)
    }

    /// A state of a run of the system as a policy sees it.
    pub(crate) fn view<'v>(&'v self, state: &'v SystemState) -> View<'v> {
        View::new(state, &self.scenario, &self.profile)
    }

    /// The latency of an inference by itself, on all units of the accelerator that is fastest for it; layers that it does not
    /// run count where they are fastest.
    pub(crate) fn isolated_latency(
        &self,
        model: ModelId,
        realisation: &Realisation,
        outcome: Outcome<'_>,
    ) -> Duration {
        if self.is_alike[model.index()] {
            return self.isolated[model.index()];
        }
        let accelerators = (0..self.profile.accelerators()).map(AcceleratorId::new);
        let wholes = accelerators.map(|accelerator| self.profile.whole(accelerator));
        let end = realisation.end;
        if self.is_partial {
            let latencies =
                wholes.filter_map(|class| self.latency_with_others(model, realisation, outcome, class));
            return Duration::from_picoseconds(latencies.min().unwrap_or(0));
        }
        let on = |class: ClassId| {
            if !self.is_dynamic[model.index()] {
                return self.costs.true_latency_between(model, outcome, 0, end, class);
            }
            let mut total = 0_u64;
            let mut layer = self.next_layer(model, realisation, 0);
            while layer < end {
                total = total.saturating_add(self.costs.true_latency(model, outcome, layer, class));
                layer = self.next_layer(model, realisation, layer + 1);
            }
            total
        };
        Duration::from_picoseconds(wholes.map(on).min().unwrap_or(0))
    }

    /// The latency of an inference in a class, with the layers that it does not run where they are fastest, in picoseconds;
    /// none where it runs none of them.
    fn latency_with_others(
        &self,
        model: ModelId,
        realisation: &Realisation,
        outcome: Outcome<'_>,
        class: ClassId,
    ) -> Option<u64> {
        let latency = |layer: u32, class: ClassId| self.costs.true_latency(model, outcome, layer, class);
        let (mut total, mut runs_any) = (0_u64, false);
        let mut layer = self.next_layer(model, realisation, 0);
        while layer < realisation.end {
            let runs = self.costs.supports(model, layer, class);
            let elsewhere = || self.costs.supporting(model, layer).map(|one| latency(layer, one)).min();
            total = total.saturating_add(if runs { latency(layer, class) } else { elsewhere().unwrap_or(0) });
            runs_any |= runs;
            layer = self.next_layer(model, realisation, layer + 1);
        }
        runs_any.then_some(total)
    }

    /// The share of the memory bandwidth that a class comes with; the whole where that is not partitioned.
    #[inline]
    pub(crate) fn share_of(&self, class: ClassId) -> Share {
        self.costs.class(class).share.unwrap_or(Share::WHOLE)
    }

    /// The same progress in the steps that a layer has in a class, rounded down.
    #[inline]
    pub(crate) fn in_steps_of(&self, model: ModelId, class: ClassId, at: Progress) -> Progress {
        if at.quantum == 0 {
            return Progress::at(at.layer);
        }
        at.in_steps(self.profile.quanta(model, at.layer, class))
    }

    /// True if inferences of a model may skip blocks or exit.
    #[inline]
    pub(crate) fn is_dynamic(&self, model: ModelId) -> bool {
        self.is_dynamic[model.index()]
    }

    /// The expected latency in a class, in picoseconds, of the layers from `from` on and before `stop` of an inference that stands
    /// at `from`.
    #[cold]
    pub(crate) fn expected_between(&self, model: ModelId, from: u32, stop: u32, class: ClassId) -> u64 {
        let latency = |layer: usize| self.profile.latency(model, layer as u32, class).picoseconds();
        self.models[model.index()].expected_between(from as usize, stop as usize, latency)
    }

    /// The first layer at or after `layer` that an inference runs; at or beyond its end if none.
    #[inline]
    pub(crate) fn next_layer(&self, model: ModelId, realisation: &Realisation, layer: u32) -> u32 {
        if self.is_dynamic[model.index()] {
            self.models[model.index()].next_layer(realisation, layer)
        } else {
            layer
        }
    }

    /// The layer that an inference completed or stopped in last; none if it has run none.
    #[inline]
    pub(crate) fn last_layer(&self, model: ModelId, realisation: &Realisation, at: Progress) -> Option<u32> {
        if at.quantum > 0 {
            Some(at.layer)
        } else if self.is_dynamic[model.index()] {
            self.models[model.index()].previous_layer(realisation, at.layer)
        } else {
            at.layer.checked_sub(1)
        }
    }
}

/// The scenario with every deadline that is a multiple of the isolated latency as a span of time: of the
/// task's architecture, since a service level is promised for an architecture and not for its pattern.
fn resolve_deadlines(scenario: &Scenario, profile: &Profile) -> Scenario {
    let mut resolved = scenario.clone();
    for task in &mut resolved.tasks {
        let Deadline::Isolated { factor_millionths } = task.deadline else { continue };
        let isolated =
            profile.expectations(Knowledge::Architecture).least_remaining(task.model, 0).picoseconds();
        let scaled = u128::from(isolated) * u128::from(factor_millionths) / 1_000_000;
        let deadline = Duration::from_picoseconds(u64::try_from(scaled).unwrap_or(u64::MAX));
        task.deadline = Deadline::After(deadline);
    }
    resolved
}

/// Tasks with what they depend on first; else in the order of the file.
fn topological(scenario: &Scenario) -> Vec<TaskId> {
    let tasks = &scenario.tasks;
    let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); tasks.len()];
    for (index, task) in tasks.iter().enumerate() {
        task.depends_on.iter().for_each(|dependency| dependents[dependency.task.index()].push(index));
    }
    let mut missing: Vec<usize> = tasks.iter().map(|task| task.depends_on.len()).collect();
    // The pass over the tasks as they are stated in which all that a task depends on has been passed.
    let mut passes = vec![0_usize; tasks.len()];
    let mut order: Vec<usize> = (0..tasks.len()).filter(|task| missing[*task] == 0).collect();
    let mut at = 0;
    while let Some(task) = order.get(at).copied() {
        at += 1;
        for &dependent in &dependents[task] {
            passes[dependent] = passes[dependent].max(passes[task] + usize::from(task > dependent));
            missing[dependent] -= 1;
            if missing[dependent] == 0 {
                order.push(dependent);
            }
        }
    }
    order.sort_unstable_by_key(|task| (passes[*task], *task));
    order.into_iter().map(TaskId::new).collect()
}

fn links(scenario: &Scenario, models: &[Model], order: &[TaskId]) -> Vec<TaskLinks> {
    let mut links: Vec<TaskLinks> = scenario.tasks.iter().map(|_| TaskLinks::default()).collect();
    for (rank, &id) in order.iter().enumerate() {
        links[id.index()].rank = rank;
        for (position, dependency) in scenario.tasks[id.index()].depends_on.iter().enumerate() {
            links[dependency.task.index()].dependents.push((id, position));
            let upstream = &scenario.tasks[dependency.task.index()];
            links[id.index()].control.push(match &dependency.kind {
                DependencyKind::Data => None,
                DependencyKind::Control { probability, probability_after_exit } => {
                    let mut after_exit = Vec::new();
                    for &model in &upstream.variants {
                        for (exit, of_exit) in models[model.index()].exits.iter().zip(0_u8..) {
                            let stated = probability_after_exit.iter().find(|(name, _)| *name == exit.name);
                            after_exit.extend(stated.map(|(_, probability)| (model, of_exit, *probability)));
                        }
                    }
                    Some(ControlTable { otherwise: *probability, after_exit })
                }
            });
        }
    }
    links
}
