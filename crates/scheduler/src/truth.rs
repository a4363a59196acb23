//! What only oracles are told: what each job will really do.

use rtmm_hardware::AcceleratorId;
use rtmm_workload::{Duration, Model, Realisation};

use crate::job::Job;
use crate::profile::Profile;

/// The hidden side of a run: handed to policies whose registry row says `oracle`, and to no other.
#[derive(Clone, Copy, Debug)]
pub struct Truth<'t> {
    profile: &'t Profile,
    models: &'t [Model],
    /// By slot.
    realisations: &'t [Realisation],
}

impl<'t> Truth<'t> {
    /// The truth about the jobs of a run: one realisation a slot.
    #[must_use]
    pub fn new(profile: &'t Profile, models: &'t [Model], realisations: &'t [Realisation]) -> Self {
        Self { profile, models, realisations }
    }

    /// What a job skips and where it ends.
    #[must_use]
    pub fn realisation(&self, job: &Job) -> &'t Realisation {
        &self.realisations[job.id.slot()]
    }

    /// What is left of a job on an accelerator, exactly: the layers that it will really run, each in
    /// isolation. Takes a step a layer for models that skip or exit.
    #[must_use]
    pub fn remaining(&self, job: &Job, accelerator: AcceleratorId) -> Duration {
        let column = self.profile.column(accelerator);
        let model = &self.models[job.model.index()];
        if !model.is_dynamic() {
            return self.profile.remaining(job.model, job.progress.layer, column);
        }
        let realisation = self.realisation(job);
        let mut layer = model.next_layer(realisation, job.progress.layer);
        let mut total = Duration::ZERO;
        while layer < realisation.end {
            total = total.saturating_add(self.profile.latency(job.model, layer, column));
            layer = model.next_layer(realisation, layer + 1);
        }
        total
    }
}
