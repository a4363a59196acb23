//! Policies for tests: one that takes random decisions, all of them legal, and plain ones.

use std::num::NonZeroU32;

use rtmm_hardware::{AcceleratorId, Share};
use rtmm_scheduler::{
    Decision, Decisions, Extent, Interests, JobId, Notice, Placement, Policy, PolicyError, Preemption, Truth,
    VariantId, View,
};
use rtmm_workload::{Duration, Time};

use super::hash;

/// The first of a layer's equal steps at or after `elapsed` of its time, at least one after `from`, with
/// its distance from the layer's beginning there; none if that is the layer's end. Steps end at the
/// whole picosecond before or at their exact end. A layer that takes no time is not divided.
pub fn next_quantum(latency: u64, from: u32, quanta: u32, elapsed: u64) -> Option<(u32, u64)> {
    let until = |quantum: u32| latency * u64::from(quantum) / u64::from(quanta.max(1));
    (from + 1..quanta)
        .filter(|_| latency > 0)
        .map(|quantum| (quantum, until(quantum) - until(from)))
        .find(|(_, distance)| *distance >= elapsed)
}

/// Ready jobs in the order of release to idle accelerators in their own order, and nothing else.
#[derive(Clone, Debug)]
pub struct Fcfs {
    /// How much at once.
    pub extent: Extent,
    /// How long it thinks.
    pub time: Duration,
    /// What it hears.
    pub interests: Interests,
}

impl Fcfs {
    /// First come, first served, this much at once.
    pub fn new(extent: Extent) -> Box<Self> {
        Box::new(Self { extent, time: Duration::ZERO, interests: Interests::default() })
    }
}

impl Policy for Fcfs {
    fn decide(
        &mut self,
        view: &View<'_>,
        _: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        for (job, accelerator) in view.ready().zip(view.idle) {
            let placement = Placement::Whole(*accelerator);
            out.push(Decision::Dispatch { job: job.id, variant: None, placement, extent: self.extent });
        }
        Ok(())
    }

    fn interests(&self) -> Interests {
        self.interests
    }

    fn decision_time(&self, _: &View<'_>) -> Result<Duration, PolicyError> {
        Ok(self.time)
    }

    fn boxed_clone(&self) -> Option<Box<dyn Policy>> {
        Some(Box::new(self.clone()))
    }
}

/// How likely each kind of decision is, in 256ths of an opportunity.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    pub dispatch: u64,
    pub preempt: u64,
    pub drop: u64,
    pub share: u64,
    pub timer: u64,
}

/// Takes random legal decisions, each a function of the seed, the instant and the round.
#[derive(Clone, Debug)]
pub struct Scripted {
    seed: u64,
    habits: Habits,
    interests: Interests,
    time: Duration,
    /// A unit of time, in picoseconds.
    scale: u64,
    /// The shares that accelerators have; empty where nothing is divided by shares.
    shares: Vec<Share>,
    is_exclusive: bool,
    last: Time,
    round: u64,
    waking: Time,
    /// By accelerator.
    runs: Vec<Run>,
}

/// What it knows of a segment.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    job: Option<JobId>,
    /// The layer that runs, for those who hear of layers.
    layer: u32,
    /// Steps of it that were done before.
    quantum: u32,
    /// When it began.
    began: u64,
    is_ending: bool,
    is_doomed: bool,
}

impl Scripted {
    /// A policy of this seed. Shares are empty where nothing is divided by them.
    pub fn new(
        seed: u64,
        habits: Habits,
        interests: Interests,
        time: Duration,
        scale: u64,
        shares: Vec<Share>,
        is_exclusive: bool,
    ) -> Box<Self> {
        let (last, round, waking, runs) = (Time::ZERO, 0, Time::ZERO, Vec::new());
        Box::new(Self {
            seed,
            habits,
            interests,
            time,
            scale,
            shares,
            is_exclusive,
            last,
            round,
            waking,
            runs,
        })
    }

    fn draw(&self, purpose: u64, index: u64) -> u64 {
        hash(&[self.seed, self.last.picoseconds(), self.round, purpose, index])
    }

    fn chance(&self, purpose: u64, index: u64, of_256: u64) -> bool {
        self.draw(purpose, index) >> 56 < of_256
    }

    fn pick(&self, purpose: u64, index: u64, below: usize) -> usize {
        ((self.draw(purpose, index) >> 8) % below.max(1) as u64) as usize
    }

    fn dispatches(&mut self, view: &View<'_>, out: &mut Decisions) {
        let mut ready: Vec<_> = view.ready().collect();
        for accelerator in view.idle {
            let index = accelerator.index() as u64;
            if ready.is_empty() || !self.chance(1, index, self.habits.dispatch) {
                continue;
            }
            let job = ready.swap_remove(self.pick(2, index, ready.len()));
            let variants = &view.task(job.task).variants;
            let variant = match self.pick(3, index, 3) {
                0 => None,
                _ if job.started => variants.iter().position(|model| *model == job.model),
                _ => Some(self.pick(4, index, variants.len())),
            };
            let model = variant.map_or(job.model, |variant| variants[variant]);
            let extent = match self.pick(5, index, 4) {
                0 => Extent::LAYER,
                1 => NonZeroU32::new(1 + self.pick(6, index, 4) as u32).map_or(Extent::Rest, Extent::Layers),
                _ => Extent::Rest,
            };
            let placement = Placement::Whole(*accelerator);
            out.push(Decision::Dispatch {
                job: job.id,
                variant: variant.map(VariantId::new),
                placement,
                extent,
            });
            let quanta = view.profile.quanta(model, job.progress.layer, view.profile.column(*accelerator));
            let done = job.progress;
            // The same progress in the steps that the layer has here, rounded down.
            let quantum = (u64::from(done.quantum) * u64::from(quanta)).checked_div(u64::from(done.quanta));
            self.runs[accelerator.index()] = Run {
                job: Some(job.id),
                layer: done.layer,
                quantum: quantum.unwrap_or(0) as u32,
                began: u64::MAX,
                is_ending: false,
                is_doomed: false,
            };
        }
    }

    fn preemptions(&mut self, view: &View<'_>, out: &mut Decisions) {
        for (accelerator, segment, _) in view.running() {
            let index = accelerator.index();
            let run = self.runs[index];
            if run.is_ending || !self.interests.layers || !self.chance(7, index as u64, self.habits.preempt) {
                continue;
            }
            let mode =
                if self.chance(8, index as u64, 128) { Preemption::Layer } else { Preemption::Quantum };
            let column = view.profile.column(accelerator);
            let began = if run.began == u64::MAX { segment.started.picoseconds() } else { run.began };
            let within = (mode == Preemption::Quantum && self.is_exclusive)
                .then(|| {
                    next_quantum(
                        view.profile.latency(segment.model, run.layer, column).picoseconds(),
                        run.quantum,
                        view.profile.quanta(segment.model, run.layer, column),
                        view.now.picoseconds().saturating_sub(began),
                    )
                })
                .flatten();
            // A layer that has just begun, not the segment's first, is a boundary itself.
            let at_boundary = run.began == view.now.picoseconds();
            if run.layer + 1 < segment.stop || within.is_some() || at_boundary {
                out.push(Decision::Preempt { accelerator, mode });
                self.runs[index].is_ending = true;
            }
        }
    }

    fn shares(&mut self, view: &View<'_>, out: &mut Decisions) {
        if self.shares.is_empty() || !self.chance(9, 0, self.habits.share) {
            return;
        }
        let index = self.pick(10, 0, self.shares.len());
        let others: u32 = (0..self.shares.len())
            .filter(|other| *other != index)
            .map(|other| self.shares[other].millionths())
            .sum();
        let free = 1_000_000 - others;
        // At least a little: without bandwidth nothing ever ends.
        let millionths = (self.pick(11, 0, free as usize + 1) as u32).max(free.min(10_000));
        if let (Some(share), true) = (Share::from_millionths(millionths), index < view.accelerators.len()) {
            self.shares[index] = share;
            out.push(Decision::SetShare { accelerator: AcceleratorId::new(index), share });
        }
    }

    /// A job to give up. What depends on it may go with it, so that nothing may follow.
    fn drop_one(&mut self, view: &View<'_>, out: &mut Decisions) {
        if !self.chance(12, 0, self.habits.drop) {
            return;
        }
        let is_going = |job: JobId| {
            out.iter()
                .any(|decision| matches!(decision, Decision::Dispatch { job: other, .. } if *other == job))
        };
        let idle =
            view.ready().chain(view.waiting()).filter(|job| !is_going(job.id)).map(|job| (job.id, None));
        let running = view
            .running()
            .filter(|(accelerator, ..)| !self.runs[accelerator.index()].is_doomed)
            .map(|(accelerator, _, job)| (job.id, Some(accelerator.index())));
        let all: Vec<(JobId, Option<usize>)> = idle.chain(running).collect();
        if all.is_empty() {
            return;
        }
        let (job, accelerator) = all[self.pick(13, 0, all.len())];
        if let Some(accelerator) = accelerator {
            (self.runs[accelerator].is_ending, self.runs[accelerator].is_doomed) = (true, true);
        }
        out.push(Decision::Drop { job });
    }
}

impl Policy for Scripted {
    fn decide(
        &mut self,
        view: &View<'_>,
        _: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        self.runs.resize(view.accelerators.len(), Run::default());
        self.round = if view.now == self.last { self.round + 1 } else { 0 };
        self.last = view.now;
        if self.round < 6 {
            self.preemptions(view, out);
            self.dispatches(view, out);
            self.shares(view, out);
            if self.chance(14, 0, self.habits.timer) {
                let at = view.now.saturating_add(Duration::from_picoseconds(
                    (1 + self.pick(15, 0, 9) as u64) * self.scale,
                ));
                out.push(Decision::SetTimer { at, tag: self.draw(16, 0) });
            }
            self.drop_one(view, out);
        }
        // Whoever idles while there is work has to be asked again.
        if out.is_empty() && !view.is_stuck() && self.waking <= view.now {
            self.waking = view
                .now
                .saturating_add(Duration::from_picoseconds((1 + self.pick(17, 0, 6) as u64) * self.scale));
            out.push(Decision::SetTimer { at: self.waking, tag: 0 });
        }
        Ok(())
    }

    fn interests(&self) -> Interests {
        self.interests
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) -> Result<(), PolicyError> {
        let Notice::LayerCompleted { job, layer, accelerator, .. } = notice else { return Ok(()) };
        let run = &mut self.runs[accelerator.index()];
        assert_eq!(run.job, Some(*job), "layers complete where they were dispatched");
        *run = Run { layer: layer.index() as u32 + 1, quantum: 0, began: view.now.picoseconds(), ..*run };
        Ok(())
    }

    fn decision_time(&self, _: &View<'_>) -> Result<Duration, PolicyError> {
        Ok(self.time)
    }

    fn boxed_clone(&self) -> Option<Box<dyn Policy>> {
        Some(Box::new(self.clone()))
    }
}
