//! Tasks of a scenario as response-time analysis knows them, and their bounds.

use rtmm_analysis::{CascadeTask, JobOrder, RecurringTask, ResponseBound, Unbounded, cascade_responses};
use rtmm_hardware::{AcceleratorId, Bandwidth};
use rtmm_sim::System;
use rtmm_workload::{Arrivals, Duration, Task, TaskId};

use super::obstacle::Obstacle;
use super::policy::{Analysed, Order, Segments};

/// Context switches that a job causes at the most: its own start, and the return of the job that it made room for.
const SWITCHES_BETWEEN_LAYERS: u64 = 2;
/// The same where jobs are not preempted.
const SWITCHES_OF_WHOLE_MODELS: u64 = 1;

/// Times of a task's jobs on its accelerator, context switches included.
#[derive(Clone, Copy)]
struct Times {
    cost: Duration,
    longest_segment: Duration,
    last_segment: Duration,
}

/// Tasks on a platform under a policy, and their bounds.
pub(super) struct Tasks<'s> {
    system: &'s System,
    policy: Analysed,
    /// By task: the accelerators that its jobs may run on.
    accelerators: Vec<Vec<AcceleratorId>>,
}

impl<'s> Tasks<'s> {
    pub(super) fn new(system: &'s System, policy: Analysed) -> Self {
        let may_use = |task: &Task| {
            let accelerators = (0..system.profile.accelerators()).map(AcceleratorId::new);
            accelerators.filter(|one| system.profile.may_use(task.model, *one)).collect()
        };
        Self { system, policy, accelerators: system.scenario.tasks.iter().map(may_use).collect() }
    }

    /// The only accelerator of a task; none where it has several.
    pub(super) fn accelerator(&self, task: TaskId) -> Option<AcceleratorId> {
        match self.accelerators[task.index()][..] {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Bounds of the response times of all tasks, in their order.
    pub(super) fn bounds(&self) -> Vec<Result<ResponseBound, Obstacle>> {
        let known = self.known();
        // Positions among the tasks that are analysed; those that are left out have none.
        let mut place = 0;
        let places: Vec<Option<usize>> = known
            .iter()
            .map(|task| {
                let own = task.is_ok().then_some(place);
                place += usize::from(task.is_ok());
                own
            })
            .collect();
        let mut tasks: Vec<CascadeTask> = Vec::with_capacity(known.len());
        for (task, known) in self.tasks().zip(&known) {
            let Ok((times, on)) = known else { continue };
            let before = &self.system.scenario.tasks[task.index()].depends_on;
            let after = before.iter().filter_map(|before| places[before.task.index()]).collect();
            tasks.push(CascadeTask { task: *times, accelerator: on.index(), after });
        }
        tasks.extend(
            self.tasks()
                .zip(&known)
                .filter(|(_, known)| known.is_err())
                .flat_map(|(task, _)| self.last(task)),
        );
        let order = match self.policy.order {
            Order::EarliestDeadline => JobOrder::EarliestDeadline,
            _ => JobOrder::FixedPriority,
        };
        // Those that are analysed stand first, in their order.
        let mut bounds = cascade_responses(&tasks, order).into_iter();
        let bound = |known: Result<_, Obstacle>| {
            known?;
            Ok(bounds.next().unwrap_or(Err(Unbounded::Limit))?)
        };
        known.into_iter().map(bound).collect()
    }

    fn tasks(&self) -> impl Iterator<Item = TaskId> + use<> {
        (0..self.system.scenario.tasks.len()).map(TaskId::new)
    }

    /// Each task with its accelerator, as far as all is known that its bound needs.
    fn known(&self) -> Vec<Result<(RecurringTask, AcceleratorId), Obstacle>> {
        let mut known: Vec<_> = self.tasks().map(|task| self.alone(task)).collect();
        // A task that waits for one that is not known is not known either, and so on: a round more than the longest chain.
        for _ in 0..known.len() {
            let unknown =
                |task| self.waits_for_unknown(task, &known).or_else(|| self.is_beside_unknown(task, &known));
            let reasons: Vec<Option<Obstacle>> = self.tasks().map(unknown).collect();
            for (known, reason) in known.iter_mut().zip(reasons) {
                if let (Ok(_), Some(reason)) = (&*known, reason) {
                    *known = Err(reason);
                }
            }
        }
        known
    }

    /// Times and accelerator of a task by itself.
    fn alone(&self, task: TaskId) -> Result<(RecurringTask, AcceleratorId), Obstacle> {
        if !self.system.scenario.phases.is_empty() {
            return Err(Obstacle::Phases);
        }
        let accelerators = self.accelerators[task.index()].len();
        let on = self.accelerator(task).ok_or(Obstacle::Roaming { accelerators })?;
        self.check_hardware(on)?;
        Ok((self.recurring(task, on)?, on))
    }

    /// The obstacle of a task that waits for one of which too little is known.
    fn waits_for_unknown(
        &self,
        task: TaskId,
        known: &[Result<(RecurringTask, AcceleratorId), Obstacle>],
    ) -> Option<Obstacle> {
        let tasks = &self.system.scenario.tasks;
        tasks[task.index()].depends_on.iter().find_map(|before| {
            let reason = known[before.task.index()].as_ref().err()?.clone();
            let task = tasks[before.task.index()].name.clone();
            Some(Obstacle::After { task, reason: Box::new(reason) })
        })
    }

    /// The obstacle of a task beside which one may go first of which too little is known.
    fn is_beside_unknown(
        &self,
        task: TaskId,
        known: &[Result<(RecurringTask, AcceleratorId), Obstacle>],
    ) -> Option<Obstacle> {
        let (own, on) = known[task.index()].as_ref().ok()?;
        self.tasks().filter(|other| self.accelerators[other.index()].contains(on)).find_map(|other| {
            let reason = match known[other.index()].as_ref().err()? {
                // What is beside that one is beside this one, and is told itself.
                Obstacle::Beside { .. } => return None,
                reason => reason.clone(),
            };
            let reason = self.later(other, *on, own.urgency, reason).err()?;
            let task = self.system.scenario.tasks[other.index()].name.clone();
            Some(Obstacle::Beside { task, reason: Box::new(reason) })
        })
    }

    /// A task that is not analysed, on each accelerator that its jobs may run on, as one that goes last: what goes before
    /// those that it may go before is not analysed either.
    fn last(&self, task: TaskId) -> impl Iterator<Item = CascadeTask> {
        let accelerators = self.accelerators[task.index()].iter();
        accelerators.filter_map(move |on| {
            let task = self.goes_last(task, *on).ok()?;
            Some(CascadeTask { task, accelerator: on.index(), after: Vec::new() })
        })
    }

    /// A task that never goes first, of which only the time of its segments matters: one of lower fixed priority.
    fn later(
        &self,
        task: TaskId,
        on: AcceleratorId,
        urgency: u64,
        reason: Obstacle,
    ) -> Result<RecurringTask, Obstacle> {
        if self.policy.order == Order::EarliestDeadline || self.urgency(task)? <= urgency {
            return Err(reason);
        }
        self.goes_last(task, on)
    }

    fn goes_last(&self, task: TaskId, on: AcceleratorId) -> Result<RecurringTask, Obstacle> {
        let Times { cost, longest_segment, last_segment } = self.times(task, on)?;
        let never = Duration::from_picoseconds(u64::MAX);
        let (period, jitter, deadline) = (never, Duration::ZERO, never);
        Ok(RecurringTask { cost, longest_segment, last_segment, period, jitter, deadline, urgency: u64::MAX })
    }

    fn recurring(&self, task: TaskId, on: AcceleratorId) -> Result<RecurringTask, Obstacle> {
        // A task that follows another has the arrivals of that one, with their jitter.
        let of = &self.system.scenario.tasks[self.system.scenario.leader(task).index()];
        let arrivals = match &of.arrivals {
            Arrivals::Periodic { period, jitter, .. } => Ok((period.duration(), *jitter)),
            Arrivals::Poisson { .. } => Err("a Poisson process"),
            Arrivals::Bursty { .. } => Err("a Poisson process with bursts"),
            Arrivals::Trace(_) => Err("recorded"),
            Arrivals::Mix { .. } => Err("those of a mix"),
            Arrivals::Follows => Err("those of another task"),
        };
        let (period, jitter) = arrivals.map_err(|arrivals| Obstacle::Arrivals { arrivals })?;
        let Times { cost, longest_segment, last_segment } = self.times(task, on)?;
        let deadline = self.system.scenario.relative_deadline(task).ok_or(Obstacle::NoDeadline)?;
        let urgency = self.urgency(task)?;
        Ok(RecurringTask { cost, longest_segment, last_segment, period, jitter, deadline, urgency })
    }

    fn urgency(&self, task: TaskId) -> Result<u64, Obstacle> {
        let scenario = &self.system.scenario;
        let deadline = scenario.relative_deadline(task).ok_or(Obstacle::NoDeadline)?;
        let leader = &scenario.tasks[scenario.leader(task).index()];
        let period = leader.arrivals.period().map(rtmm_workload::Period::duration);
        self.policy.urgency(&scenario.tasks[task.index()], task.index(), period, deadline)
    }

    fn times(&self, task: TaskId, on: AcceleratorId) -> Result<Times, Obstacle> {
        let (system, profile) = (self.system, &self.system.profile);
        let of = &system.scenario.tasks[task.index()];
        if of.variants.len() > 1 {
            return Err(Obstacle::Variants { variants: of.variants.len() });
        }
        let model = &system.models[of.model.index()];
        if model.is_dynamic() {
            return Err(Obstacle::Dynamic);
        }
        if !system.costs_alike(of.model) {
            return Err(Obstacle::Varying);
        }
        let class = profile.whole(on);
        let layers = 0..profile.layers(of.model);
        if layers.clone().any(|layer| !profile.supports(of.model, layer, class)) {
            return Err(Obstacle::Unsupported { accelerator: self.name(on) });
        }
        let latencies = layers.map(|layer| profile.latency(of.model, layer, class));
        let all = latencies.clone().fold(Duration::ZERO, Duration::saturating_add);
        let switch = if self.has_one_network(on) {
            Duration::ZERO
        } else {
            system.platform.accelerators[on.index()].context_switch.time
        };
        let with_switches = |times: u64| {
            let switches = switch.picoseconds().saturating_mul(times);
            all.saturating_add(Duration::from_picoseconds(switches))
        };
        Ok(match self.policy.segments {
            Segments::Models => {
                let cost = with_switches(SWITCHES_OF_WHOLE_MODELS);
                Times { cost, longest_segment: cost, last_segment: cost }
            }
            Segments::Layers => Times {
                cost: with_switches(SWITCHES_BETWEEN_LAYERS),
                longest_segment: latencies.clone().max().unwrap_or_default().saturating_add(switch),
                last_segment: latencies.clone().next_back().unwrap_or_default(),
            },
        })
    }

    /// True if all jobs on an accelerator are of one network, so that nothing is switched.
    fn has_one_network(&self, on: AcceleratorId) -> bool {
        let tasks = self.system.scenario.tasks.iter().zip(&self.accelerators);
        let mut networks = tasks
            .filter(|(_, accelerators)| accelerators.contains(&on))
            .flat_map(|(task, _)| task.variants.iter().chain([&task.model]))
            .map(|model| self.system.profile.network(*model));
        let first = networks.next();
        networks.all(|network| Some(network) == first)
    }

    /// Refuses an accelerator on which times depend on more than the layer.
    fn check_hardware(&self, on: AcceleratorId) -> Result<(), Obstacle> {
        let platform = &self.system.platform;
        let of = &platform.accelerators[on.index()];
        let accelerator = || self.name(on);
        if of.division.is_some() || of.co_location.is_some() {
            return Err(Obstacle::Divided { accelerator: accelerator() });
        }
        if platform.accelerators.len() > 1 && self.system.contention().is_some() {
            return Err(Obstacle::SharedMemory);
        }
        if of.power.as_ref().is_some_and(|states| states.gating.is_some()) {
            return Err(Obstacle::Gated { accelerator: accelerator() });
        }
        let moves = of.context_switch.activations;
        if moves.is_some_and(|moves| moves.bandwidth != Bandwidth::UNLIMITED) {
            return Err(Obstacle::MovedActivations { accelerator: accelerator() });
        }
        Ok(())
    }

    pub(super) fn name(&self, on: AcceleratorId) -> String {
        self.system.platform.accelerators[on.index()].name.clone()
    }
}
