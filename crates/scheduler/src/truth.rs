//! The truth about jobs that are not over, which only oracles are told.

use rtmm_hardware::{AcceleratorId, ClassId, IsolatedCosts, JobRanks, Outcome, Resident};
use rtmm_workload::{Duration, Model, Realisation, Time};

use crate::job::Job;
use crate::profile::Profile;

/// The hidden side of a run: handed to policies whose registry row says `oracle`, and to no other.
#[derive(Clone, Copy, Debug)]
pub struct Truth<'t> {
    profile: &'t Profile,
    models: &'t [Model],
    costs: &'t IsolatedCosts,
    /// By slot.
    realisations: &'t [Realisation],
    ranks: &'t JobRanks,
}

impl<'t> Truth<'t> {
    /// The truth about the jobs of a run: one realisation a slot, and the ranks that they drew.
    #[must_use]
    pub fn new(
        profile: &'t Profile,
        models: &'t [Model],
        costs: &'t IsolatedCosts,
        realisations: &'t [Realisation],
        ranks: &'t JobRanks,
    ) -> Self {
        Self { profile, models, costs, realisations, ranks }
    }

    /// The realisation of a job: the blocks that it skips and the exit that it takes.
    #[must_use]
    pub fn realisation(&self, job: &Job) -> &'t Realisation {
        &self.realisations[job.id.slot()]
    }

    fn outcome(&self, job: &Job) -> Outcome<'t> {
        Outcome { row: self.realisation(job).row, ranks: self.ranks.of(job.id.slot()) }
    }

    /// The true remaining latency of a job, in the mean over accelerators; one that does not run a layer counts as the mean of
    /// those that do.
    #[must_use]
    pub fn mean_remaining(&self, job: &Job) -> Duration {
        let accelerators = self.profile.accelerators();
        if accelerators == 1 {
            return self.remaining(job, AcceleratorId::new(0));
        }
        let all = (0..accelerators).map(AcceleratorId::new);
        let remaining = |one| match self.costs.is_partial() {
            true => self.remaining_with(job, self.profile.whole(one), |layer| self.mean_of(job, layer)),
            false => self.remaining(job, one),
        };
        let total: u128 = all.map(|one| u128::from(remaining(one).picoseconds())).sum();
        // Rounded as the profile's own mean is, so that ties are the same.
        let mean = total / accelerators.max(1) as u128;
        Duration::from_picoseconds(u64::try_from(mean).unwrap_or(u64::MAX))
    }

    /// The true latency of a whole job in isolation, in the mean over accelerators.
    #[must_use]
    pub fn mean_isolated(&self, job: &Job) -> Duration {
        self.mean_remaining(&Job { progress: crate::job::Progress::default(), ..*job })
    }

    /// The true remaining latency of a job on an accelerator: the layers that it will really run, each in
    /// isolation, and those that the accelerator does not run where they are fastest. Takes a step a layer for models that
    /// skip or exit, where times vary, and where accelerators lack layers.
    #[must_use]
    pub fn remaining(&self, job: &Job, accelerator: AcceleratorId) -> Duration {
        let class = self.profile.whole(accelerator);
        if self.costs.is_partial() {
            return self.remaining_with(job, class, |layer| self.least_of(job, layer));
        }
        let model = &self.models[job.model.index()];
        let realisation = self.realisation(job);
        let (id, outcome, from) = (job.model, self.outcome(job), job.progress.layer);
        if !model.is_dynamic() {
            let layers = model.layers.len() as u32;
            let picoseconds = self.costs.true_latency_between(id, outcome, from, layers, class);
            return Duration::from_picoseconds(picoseconds - self.done(job, class));
        }
        let mut layer = model.next_layer(realisation, from);
        // A policy may ask of a layer in which it expects a job that really skips it.
        let is_run = layer == from && layer < realisation.end;
        let done = if is_run { self.done(job, class) } else { 0 };
        let mut total = 0_u64;
        while layer < realisation.end {
            total = total.saturating_add(self.costs.true_latency(id, outcome, layer, class));
            layer = model.next_layer(realisation, layer + 1);
        }
        Duration::from_picoseconds(total - done)
    }

    /// The true remaining latency of a job in a class, of which `elsewhere` says what a layer takes that the class does not run.
    fn remaining_with(&self, job: &Job, class: ClassId, elsewhere: impl Fn(u32) -> u64) -> Duration {
        let model = &self.models[job.model.index()];
        let realisation = self.realisation(job);
        let mut layer = model.next_layer(realisation, job.progress.layer);
        let mut total = 0_u64;
        while layer < realisation.end {
            let supports = self.costs.supports(job.model, layer, class);
            let latency = match supports {
                true => self.costs.true_latency(job.model, self.outcome(job), layer, class),
                false => elsewhere(layer),
            };
            let done = match supports {
                _ if layer != job.progress.layer || job.progress.quantum == 0 => 0,
                true => self.done(job, class),
                false => job.progress.done_of(latency),
            };
            total = total.saturating_add(latency.saturating_sub(done));
            layer = model.next_layer(realisation, layer + 1);
        }
        Duration::from_picoseconds(total)
    }

    /// The true slowdown of a layer beside others on its accelerator, at an instant; 1 where nothing is known of any.
    #[must_use]
    pub fn slowdown(
        &self,
        now: Time,
        accelerator: AcceleratorId,
        own: &Resident,
        others: &[Resident],
    ) -> f64 {
        self.costs.co_locations().map_or(1.0, |of| of.slowdown(now, accelerator, own, others))
    }

    /// The true latency of a layer where it is fastest, in picoseconds.
    fn least_of(&self, job: &Job, layer: u32) -> u64 {
        let latency = |class| self.costs.true_latency(job.model, self.outcome(job), layer, class);
        self.costs.supporting(job.model, layer).map(latency).min().unwrap_or(0)
    }

    /// The true latency of a layer in the mean over the accelerators that run it, in picoseconds, rounded down.
    fn mean_of(&self, job: &Job, layer: u32) -> u64 {
        let wholes = (0..self.profile.accelerators()).map(|one| self.profile.whole(AcceleratorId::new(one)));
        let running = wholes.filter(|class| self.costs.supports(job.model, layer, *class));
        let (sum, count) = running.fold((0_u128, 0_u128), |(sum, count), class| {
            let latency = self.costs.true_latency(job.model, self.outcome(job), layer, class);
            (sum + u128::from(latency), count + 1)
        });
        u64::try_from(sum / count.max(1)).unwrap_or(u64::MAX)
    }

    /// The latency in a class of the steps of a job's layer that are done, in picoseconds.
    fn done(&self, job: &Job, class: ClassId) -> u64 {
        if job.progress.quantum == 0 {
            return 0;
        }
        let (model, layer) = (job.model, job.progress.layer);
        let steps = job.progress.in_steps(self.costs.quanta(model, layer, class));
        steps.done_of(self.costs.true_latency(model, self.outcome(job), layer, class))
    }
}
