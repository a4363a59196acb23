//! A scenario on a platform, resolved once: names to indices, costs to flat arrays.

use std::borrow::Cow;
use std::sync::Arc;

use rtmm_hardware::{
    AcceleratorId, ConfigurationId, CostTable, EnergyParts, Isolated, Platform, Share, SharedDram, Sharing,
};
use rtmm_scheduler::{Knowledge, Profile, Progress, SampleCosts};
use rtmm_workload::{
    Deadline, DependencyKind, Duration, LayerId, Model, ModelId, Realisation, Scenario, TaskId,
};

use crate::error::SimulationError;
use crate::execution::Course;

/// Everything that runs of a scenario on a platform share, whatever the policy and the seed.
#[derive(Clone, Debug)]
pub struct System<'s> {
    /// What is simulated, with deadlines that follow from latencies resolved to spans.
    pub scenario: Cow<'s, Scenario>,
    /// The networks of its tasks.
    pub models: &'s [Model],
    /// What it runs on.
    pub platform: &'s Platform,
    /// Costs as policies know them.
    pub profile: Arc<Profile>,
    /// What recorded samples really take.
    pub(crate) samples: Arc<SampleCosts>,
    pub(crate) costs: Arc<CostTable>,
    pub(crate) tasks: Vec<TaskLinks>,
    /// Tasks so that whatever one depends on stands before it.
    pub(crate) order: Vec<TaskId>,
    /// Whether each model skips or exits.
    pub(crate) is_dynamic: Vec<bool>,
    /// Whether all inferences of each model cost the same.
    pub(crate) is_alike: Vec<bool>,
    /// Latency before each layer, from the first one of its model on: one row more a model than
    /// layers, in the columns of the profile.
    latency_before: Arc<Vec<u64>>,
    /// Energy before each layer in the same way, summed in the order of layers.
    energy_before: Arc<Vec<EnergyParts>>,
    /// First row of each model in the two above.
    first_rows: Vec<usize>,
    /// Every layer by itself in the cells of the profile, where memory is shared.
    isolated: Arc<Vec<Isolated>>,
}

/// How a task is linked to others.
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

impl<'s> System<'s> {
    /// Resolves a scenario with its models on a platform.
    ///
    /// # Errors
    /// [`SimulationError::NoCost`] with every layer that cannot run.
    pub fn new(
        scenario: &'s Scenario,
        models: &'s [Model],
        platform: &'s Platform,
    ) -> Result<Self, SimulationError> {
        let costs = CostTable::new(platform, models).map_err(SimulationError::NoCost)?;
        Ok(Self::with_costs(scenario, models, platform, Arc::new(costs)))
    }

    /// The same with costs that are known already, such as those of another load on the same
    /// platform. They must be of these models on this platform.
    #[must_use]
    pub fn with_costs(
        scenario: &'s Scenario,
        models: &'s [Model],
        platform: &'s Platform,
        costs: Arc<CostTable>,
    ) -> Self {
        let profile = Profile::new(models, platform, &costs);
        let order = topological(scenario);
        let mut system = Self {
            samples: Arc::new(SampleCosts::new(models, platform, &costs, &profile)),
            models,
            platform,
            tasks: links(scenario, models, &order),
            scenario: resolve_deadlines(scenario, &profile),
            order,
            is_dynamic: models.iter().map(Model::is_dynamic).collect(),
            is_alike: models.iter().map(|model| !model.is_dynamic() && !model.is_sampled()).collect(),
            latency_before: Arc::default(),
            energy_before: Arc::default(),
            first_rows: Vec::new(),
            isolated: Arc::default(),
            profile: Arc::new(profile),
            costs,
        };
        system.sum_up();
        if platform.shared_dram.is_some() {
            system.isolate();
        }
        system
    }

    /// Another scenario of the same models on the same platform, such as another load: what is known of
    /// costs is shared. Its tasks must run the models of this one.
    #[must_use]
    pub fn with_scenario(&self, scenario: &'s Scenario) -> Self {
        let order = topological(scenario);
        Self {
            tasks: links(scenario, self.models, &order),
            scenario: resolve_deadlines(scenario, &self.profile),
            order,
            ..self.clone()
        }
    }

    fn sum_up(&mut self) {
        let width = self.profile.width();
        let (mut latency_before, mut energy_before) = (Vec::new(), Vec::new());
        for (index, model) in self.models.iter().enumerate() {
            let id = ModelId::new(index);
            self.first_rows.push(latency_before.len() / width.max(1));
            let mut latency = vec![0_u64; width];
            let mut energy = vec![EnergyParts::default(); width];
            for layer in 0..model.layers.len() {
                latency_before.extend(&latency);
                energy_before.extend(&energy);
                for column in 0..width {
                    let of_layer = self.profile.latency(id, layer as u32, column).picoseconds();
                    latency[column] = latency[column].saturating_add(of_layer);
                    energy[column] += *self.profile.energy(id, layer as u32, column);
                }
            }
            latency_before.extend(&latency);
            energy_before.extend(&energy);
        }
        self.latency_before = Arc::new(latency_before);
        self.energy_before = Arc::new(energy_before);
    }

    fn isolate(&mut self) {
        let width = self.profile.width();
        let accelerators = self.platform.accelerators.iter().zip(0..);
        let of_column = |column| {
            let mut of_accelerators = accelerators.clone();
            of_accelerators.find(|(_, index)| self.profile.column(AcceleratorId::new(*index)) == column)
        };
        let columns: Vec<(ConfigurationId, AcceleratorId)> = (0..width)
            .filter_map(of_column)
            .map(|(accelerator, index)| (accelerator.configuration, AcceleratorId::new(index)))
            .collect();
        let mut isolated = Vec::new();
        for (index, model) in self.models.iter().enumerate() {
            for layer in (0..model.layers.len()).map(LayerId::new) {
                for (configuration, accelerator) in &columns {
                    let work = self.costs.work(ModelId::new(index), layer, *configuration);
                    isolated.push(self.platform.isolated(*accelerator, work));
                }
            }
        }
        self.isolated = Arc::new(isolated);
    }

    /// What a layer really takes on an accelerator by itself, in picoseconds.
    pub(crate) fn layer_latency(
        &self,
        model: ModelId,
        realisation: &Realisation,
        layer: u32,
        column: usize,
    ) -> u64 {
        self.samples
            .latency_between(model, realisation.row, layer, layer + 1, column)
            .unwrap_or_else(|| self.profile.latency(model, layer, column).picoseconds())
    }

    /// What a layer really spends on an accelerator by itself.
    pub(crate) fn layer_energy(
        &self,
        model: ModelId,
        realisation: &Realisation,
        layer: u32,
        accelerator: AcceleratorId,
    ) -> EnergyParts {
        let configuration = self.platform.accelerators[accelerator.index()].configuration;
        if !self.costs.is_sampled(model, configuration) || !self.costs.has_energy(model, configuration) {
            return *self.profile.energy(model, layer, self.profile.column(accelerator));
        }
        let layer = LayerId::new(layer as usize);
        let work = self.costs.sample_work(model, realisation.row, layer, configuration);
        if self.platform.shared_dram.is_none() {
            return work.energy;
        }
        let (own, mut energy) = (work.latency(), work.energy);
        let latency = self.platform.isolated(accelerator, work).latency;
        if latency != own && !own.is_zero() {
            energy.r#static *= latency.picoseconds() as f64 / own.picoseconds() as f64;
        }
        energy
    }

    /// What a layer comes to on an accelerator by itself, which has `share` of the memory bandwidth.
    pub(crate) fn isolated(
        &self,
        accelerator: AcceleratorId,
        course: &Course,
        layer: u32,
        share: Share,
    ) -> Isolated {
        let of_platform = self.platform.accelerators[accelerator.index()].dram_share;
        if self.costs.is_sampled(course.model, course.configuration) {
            let layer = LayerId::new(layer as usize);
            let row = course.realisation.row;
            let work = self.costs.sample_work(course.model, row, layer, course.configuration);
            return match self.platform.shared_dram {
                Some(SharedDram { bandwidth, sharing: Sharing::Static }) => {
                    Isolated::of(work, bandwidth.part(share))
                }
                _ => self.platform.isolated(accelerator, work),
            };
        }
        match self.platform.shared_dram {
            Some(SharedDram { bandwidth, sharing: Sharing::Static }) if share != of_platform => {
                let layer = LayerId::new(layer as usize);
                let work = self.costs.work(course.model, layer, course.configuration);
                Isolated::of(work, bandwidth.part(share))
            }
            _ => self.isolated[self.profile.cell(course.model, layer, course.column)],
        }
    }

    /// What an inference takes by itself on the accelerator that is fastest for it.
    pub(crate) fn isolated_latency(&self, model: ModelId, realisation: &Realisation) -> Duration {
        if self.is_alike[model.index()] {
            return self.profile.least_remaining(model, 0);
        }
        let end = realisation.end;
        let on = |column: usize| {
            if !self.is_dynamic[model.index()] {
                return self.latency_between(model, realisation, 0, end, column);
            }
            let mut total = 0_u64;
            let mut layer = self.next_layer(model, realisation, 0);
            while layer < end {
                total = total.saturating_add(self.layer_latency(model, realisation, layer, column));
                layer = self.next_layer(model, realisation, layer + 1);
            }
            total
        };
        Duration::from_picoseconds((0..self.profile.width()).map(on).min().unwrap_or(0))
    }

    fn before(&self, model: ModelId, layer: u32, column: usize) -> usize {
        (self.first_rows[model.index()] + layer as usize) * self.profile.width() + column
    }

    /// Latency of layers `from..to` of an inference that skips nothing, in picoseconds.
    pub(crate) fn latency_between(
        &self,
        model: ModelId,
        realisation: &Realisation,
        from: u32,
        to: u32,
        column: usize,
    ) -> u64 {
        if let Some(latency) = self.samples.latency_between(model, realisation.row, from, to, column) {
            return latency;
        }
        let at = |layer| self.latency_before[self.before(model, layer, column)];
        at(to).saturating_sub(at(from))
    }

    /// The same progress in the steps that a layer has in a column, rounded down.
    pub(crate) fn in_steps_of(&self, model: ModelId, column: usize, at: Progress) -> Progress {
        if at.quantum == 0 {
            return Progress::at(at.layer);
        }
        let quanta = self.profile.quanta(model, at.layer, column);
        let quantum = u64::from(at.quantum) * u64::from(quanta) / u64::from(at.quanta.max(1));
        Progress { layer: at.layer, quantum: quantum as u32, quanta }
    }

    /// Energy of the layers before `to`, summed from the first one on.
    pub(crate) fn energy_before(&self, model: ModelId, to: u32, column: usize) -> &EnergyParts {
        &self.energy_before[self.before(model, to, column)]
    }

    /// The first layer at or after `layer` that an inference runs; at or beyond its end if none.
    pub(crate) fn next_layer(&self, model: ModelId, realisation: &Realisation, layer: u32) -> u32 {
        if self.is_dynamic[model.index()] {
            self.models[model.index()].next_layer(realisation, layer)
        } else {
            layer
        }
    }

    /// The layer that an inference completed or stopped in last; none if it has run none.
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
/// task's architecture, since a service level is promised for a network and not for its pattern.
fn resolve_deadlines<'s>(scenario: &'s Scenario, profile: &Profile) -> Cow<'s, Scenario> {
    let mut resolved = Cow::Borrowed(scenario);
    for (index, task) in scenario.tasks.iter().enumerate() {
        let Deadline::Isolated { factor_millionths } = task.deadline else { continue };
        let isolated =
            profile.expectations(Knowledge::Architecture).least_remaining(task.model, 0).picoseconds();
        let scaled = u128::from(isolated) * u128::from(factor_millionths) / 1_000_000;
        let deadline = Duration::from_picoseconds(u64::try_from(scaled).unwrap_or(u64::MAX));
        resolved.to_mut().tasks[index].deadline = Deadline::After(deadline);
    }
    resolved
}

/// Tasks with what they depend on first; else in the order of the file.
fn topological(scenario: &Scenario) -> Vec<TaskId> {
    let mut order: Vec<TaskId> = Vec::with_capacity(scenario.tasks.len());
    // A scenario has no circle, so every round places a task; the count bounds it in any case.
    for _ in 0..scenario.tasks.len() {
        for (index, task) in scenario.tasks.iter().enumerate() {
            let id = TaskId::new(index);
            let is_next = !order.contains(&id)
                && task.depends_on.iter().all(|dependency| order.contains(&dependency.task));
            if is_next {
                order.push(id);
            }
        }
    }
    order
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
