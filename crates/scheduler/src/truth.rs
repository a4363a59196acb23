//! The truth about jobs that are not over, which only oracles are told.

use rtmm_hardware::{AcceleratorId, ClassId, IsolatedCosts, JobRanks, Outcome};
use rtmm_workload::{Duration, Model, Realisation};

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

    /// The true remaining latency of a job, in the mean over accelerators.
    #[must_use]
    pub fn mean_remaining(&self, job: &Job) -> Duration {
        let accelerators = self.profile.accelerators();
        if accelerators == 1 {
            return self.remaining(job, AcceleratorId::new(0));
        }
        let all = (0..accelerators).map(AcceleratorId::new);
        let total: u128 = all.map(|one| u128::from(self.remaining(job, one).picoseconds())).sum();
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
    /// isolation. Takes a step a layer for models that skip or exit, and where times vary.
    #[must_use]
    pub fn remaining(&self, job: &Job, accelerator: AcceleratorId) -> Duration {
        let class = self.profile.whole(accelerator);
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
