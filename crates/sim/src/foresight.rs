//! Foresight: the jobs of a run as they will be, with what their layers really take, before any policy has a say.
//!
//! Which frames become jobs, what each needs and what it does are functions of the seed; only when a job that waits for others
//! becomes ready depends on the policy. What bounds all policies, such as the best schedule, is made from this.

use std::sync::Arc;

use rtmm_hardware::{AcceleratorId, Energy, JobRanks, Moved, Outcome};
use rtmm_scheduler::{Progress, UnitState};
use rtmm_workload::random::{Draws, Stream};
use rtmm_workload::{Duration, Follower, Frame, Frames, ModelId, Realisation, TaskId, Time};

use crate::system::System;

/// A job as it will be.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeseenJob {
    /// Its task.
    pub task: TaskId,
    /// Which frame of the task.
    pub frame: u64,
    /// The nominal instant.
    pub arrival: Time,
    /// The first instant at which it can be seen, if nothing that it needs comes later.
    pub release: Time,
    /// When it should be complete: one that ends there is in time.
    pub deadline: Time,
    /// Larger is more important.
    pub priority: i32,
    /// Positions of the jobs that must be complete before it begins; all of them before its own.
    pub needs: Vec<usize>,
    /// Inferences that it can run: that of its task's model first, then those of the task's other variants.
    pub inferences: Vec<Arc<Inference>>,
}

/// Work of an inference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inference {
    /// The model that it runs.
    pub model: ModelId,
    /// The model whose costs that has, and that an accelerator has run afterwards.
    pub network: ModelId,
    /// The layers that it runs, in their order.
    pub layers: Vec<InferenceLayer>,
}

/// A layer of an inference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InferenceLayer {
    /// Its position in the model.
    pub layer: u32,
    /// By accelerator; none where it may not run.
    pub on: Vec<Option<TrueCost>>,
}

/// Costs of a layer as they really are, on all units of an accelerator that has its share of the memory to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrueCost {
    /// Time of the layer.
    pub time: Duration,
    /// Energy of the layer.
    pub energy: Energy,
    /// Time to fetch its input where the accelerator turns from another model, beside the switch itself.
    pub enter: Duration,
    /// Time to write what it leaves where the accelerator turns to another model.
    pub leave: Duration,
}

/// Fate of a frame, as far as others need to know.
#[derive(Clone, Copy)]
enum Known {
    NotTriggered,
    /// The position of its job, its model and the exit that it takes.
    Job(usize, ModelId, Option<u8>),
}

impl System {
    /// The jobs of all frames that arrive within the scenario's duration, those that others need first, else by arrival; none
    /// if there are more than `most`. Those whose existence depends on an exit of a job are those of the task's own model.
    #[must_use]
    pub fn foresee(&self, seed: u64, most: usize) -> Option<Vec<ForeseenJob>> {
        let mut inferences = Inferences::new(self, seed);
        let control: Vec<Draws> = self.draws(seed, Stream::Control);
        let mut jobs: Vec<ForeseenJob> = Vec::new();
        // By task: what became of its latest frame.
        let mut latest: Vec<Option<Known>> = vec![None; self.scenario.tasks.len()];
        for (task, frame) in self.frames(seed, most)? {
            let of = &self.scenario.tasks[task.index()];
            let (mut exists, mut needs) = (frame.triggered, Vec::new());
            let controls = &self.tasks[task.index()].control;
            for (position, (dependency, control_table)) in of.depends_on.iter().zip(controls).enumerate() {
                match latest[dependency.task.index()] {
                    // Before the first frame of the other task there is nothing to work on.
                    None | Some(Known::NotTriggered) => exists = false,
                    Some(Known::Job(job, model, exit)) => {
                        needs.push(job);
                        if let Some(table) = control_table {
                            let probability = table.probability(model, exit);
                            exists &=
                                control[task.index()].happens(frame.index, position as u64, probability);
                        }
                    }
                }
            }
            if !exists {
                latest[task.index()] = Some(Known::NotTriggered);
                continue;
            }
            let realisation = inferences.realise(task, of.model, &frame);
            latest[task.index()] = Some(Known::Job(jobs.len(), of.model, realisation.exit));
            let others = of.variants.iter().copied().filter(|variant| *variant != of.model);
            let models: Vec<ModelId> = std::iter::once(of.model).chain(others).collect();
            jobs.push(ForeseenJob {
                task,
                frame: frame.index,
                arrival: frame.arrival,
                release: frame.release,
                deadline: frame.deadline,
                priority: frame.priority,
                needs,
                inferences: models.into_iter().map(|model| inferences.of(task, model, &frame)).collect(),
            });
        }
        Some(jobs)
    }

    /// Time of a context switch of an accelerator beside what entering and leaving layers take.
    #[must_use]
    pub fn bare_switch(&self, on: AcceleratorId) -> Duration {
        self.profile.switch_time(on, Moved::default())
    }

    /// All frames in the order in which they arrive, tasks that others depend on first; none if there are more than `most`.
    fn frames(&self, seed: u64, most: usize) -> Option<Vec<(TaskId, Frame)>> {
        let mut all = Vec::new();
        for (rank, task) in self.order.iter().enumerate() {
            let leader = self.scenario.leader(*task);
            let mut source = Frames::new(&self.scenario, leader, seed);
            let follower = (leader != *task).then(|| Follower::new(&self.scenario, *task, seed));
            while let Some(frame) = source.next_frame() {
                let frame = match &follower {
                    Some(follower) => follower.frame(&frame),
                    None => Some(frame),
                };
                all.extend(frame.map(|frame| (frame.arrival, rank, *task, frame)));
                if all.len() > most {
                    return None;
                }
            }
        }
        all.sort_by_key(|(arrival, rank, ..)| (*arrival, *rank));
        Some(all.into_iter().map(|(_, _, task, frame)| (task, frame)).collect())
    }

    fn draws(&self, seed: u64, stream: Stream) -> Vec<Draws> {
        self.scenario.tasks.iter().map(|task| Draws::new(seed, stream, &task.name)).collect()
    }
}

/// Maker of inferences; those of models whose inferences are alike are made once.
struct Inferences<'s> {
    system: &'s System,
    path: Vec<Draws>,
    sample: Vec<Draws>,
    latency: Vec<Draws>,
    ranks: JobRanks,
    /// By model.
    alike: Vec<Option<Arc<Inference>>>,
}

impl<'s> Inferences<'s> {
    fn new(system: &'s System, seed: u64) -> Self {
        Self {
            system,
            path: system.draws(seed, Stream::Path),
            sample: system.draws(seed, Stream::Sample),
            latency: system.draws(seed, Stream::Latency),
            ranks: system.costs.ranks(),
            alike: vec![None; system.models.len()],
        }
    }

    fn realise(&self, task: TaskId, model: ModelId, frame: &Frame) -> Realisation {
        let model = &self.system.models[model.index()];
        let row = model.sample_row(self.sample[task.index()], frame.sample, frame.is_recorded);
        Realisation { row, ..model.realise(self.path[task.index()], frame.sample) }
    }

    fn of(&mut self, task: TaskId, model: ModelId, frame: &Frame) -> Arc<Inference> {
        let is_alike = self.system.costs_alike(model);
        if let Some(known) = self.alike[model.index()].as_ref().filter(|_| is_alike) {
            return Arc::clone(known);
        }
        let realisation = self.realise(task, model, frame);
        if self.system.costs.varies(model) {
            let draws = self.latency[task.index()];
            self.system.costs.draw(model, draws, frame.index, self.ranks.of_mut(0));
        }
        let outcome = Outcome { row: realisation.row, ranks: self.ranks.of(0) };
        let mut layers = Vec::new();
        let mut layer = self.system.next_layer(model, &realisation, 0);
        while layer < realisation.end {
            let accelerators = (0..self.system.profile.accelerators()).map(AcceleratorId::new);
            let on = accelerators.map(|on| self.system.true_cost(model, outcome, layer, on)).collect();
            layers.push(InferenceLayer { layer, on });
            layer = self.system.next_layer(model, &realisation, layer + 1);
        }
        let made = Arc::new(Inference { model, network: self.system.costs.network(model), layers });
        if is_alike {
            self.alike[model.index()] = Some(Arc::clone(&made));
        }
        made
    }
}

impl System {
    fn true_cost(
        &self,
        model: ModelId,
        outcome: Outcome<'_>,
        layer: u32,
        on: AcceleratorId,
    ) -> Option<TrueCost> {
        let (costs, profile) = (&self.costs, &self.profile);
        let class = costs.whole(on);
        if !costs.supports(model, layer, class) {
            return None;
        }
        let bare = self.bare_switch(on);
        let beside = |moved: Moved| profile.switch_time(on, moved).saturating_sub(bare);
        let network = costs.network(model);
        // Some other model, of which nothing is left.
        let other = UnitState { last_model: Some(ModelId::new(network.index() + 1)), ..UnitState::default() };
        let input = profile.switched(std::iter::once(other), model, layer, 1).unwrap_or_default();
        let left = profile.context(model, Progress { layer, quantum: 1, quanta: 1 });
        Some(TrueCost {
            time: Duration::from_picoseconds(costs.true_latency(model, outcome, layer, class)),
            energy: costs.true_energy(model, outcome, layer, class).total(),
            enter: beside(input),
            leave: beside(left),
        })
    }
}
