//! Inferences of a batch: which of them run a layer, and what the layer costs.
//!
//! A layer runs if any of them runs it, in the class of as many as do. It takes as long as the slowest of these takes in that
//! class, and costs what that one does: the others are padded to it. Where all inferences of a model cost the same, it is the
//! first one.

use rtmm_hardware::{ClassId, JobRanks, Outcome};
use rtmm_scheduler::{JobId, Progress};
use rtmm_workload::{ModelId, Realisation};

use crate::system::System;

/// The inferences of a run of several jobs, read where they stand.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'r> {
    /// The jobs, in the order of their dispatch.
    pub jobs: &'r [JobId],
    /// By slot of jobs.
    pub realisations: &'r [Realisation],
    /// By slot of jobs.
    pub ranks: &'r JobRanks,
}

/// A layer of a batch.
#[derive(Clone, Copy, Debug)]
pub struct LayerOfBatch<'r> {
    /// The number of inferences that run it.
    pub count: u32,
    /// The class of so many.
    pub class: ClassId,
    /// The inference whose costs it has: the slowest there.
    pub outcome: Outcome<'r>,
}

impl<'r> Batch<'r> {
    fn realisation(self, job: JobId) -> &'r Realisation {
        &self.realisations[job.slot()]
    }

    fn outcome(self, job: JobId) -> Outcome<'r> {
        Outcome { row: self.realisation(job).row, ranks: self.ranks.of(job.slot()) }
    }

    /// The first layer before which an inference is over.
    #[must_use]
    pub fn end(self) -> u32 {
        self.jobs.iter().map(|job| self.realisation(*job).end).min().unwrap_or(0)
    }

    /// The first layer at or after `layer` that any inference runs.
    #[must_use]
    pub fn next_layer(self, system: &System, model: ModelId, layer: u32) -> u32 {
        let next = |job: &JobId| system.next_layer(model, self.realisation(*job), layer);
        self.jobs.iter().map(next).min().unwrap_or(layer)
    }

    /// The layer that any inference completed or stopped in last; none if none has run any.
    pub(crate) fn last_layer(self, system: &System, model: ModelId, at: Progress) -> Option<u32> {
        self.jobs.iter().filter_map(|job| system.last_layer(model, self.realisation(*job), at)).max()
    }

    /// True if a job is one of those that run a layer.
    #[must_use]
    pub fn runs(self, system: &System, model: ModelId, job: JobId, layer: u32) -> bool {
        let realisation = self.realisation(job);
        layer < realisation.end && system.next_layer(model, realisation, layer) == layer
    }

    /// The jobs that run a layer, in the order of their dispatch.
    pub(crate) fn of_layer(
        self,
        system: &System,
        model: ModelId,
        layer: u32,
    ) -> impl Iterator<Item = JobId> + use<'r, '_> {
        self.jobs.iter().copied().filter(move |job| self.runs(system, model, *job, layer))
    }

    /// A layer that any inference runs, of a run in a class.
    #[must_use]
    pub fn layer(self, system: &System, model: ModelId, class: ClassId, layer: u32) -> LayerOfBatch<'r> {
        let count = self.of_layer(system, model, layer).count() as u32;
        // A class with so many inferences has classes with fewer.
        let class = system.costs.in_batch(class, count).unwrap_or(class);
        let mut slowest: Option<(u64, Outcome<'r>)> = None;
        for job in self.of_layer(system, model, layer) {
            let outcome = self.outcome(job);
            let latency = system.costs.true_latency(model, outcome, layer, class);
            if slowest.is_none_or(|(longest, _)| latency > longest) {
                slowest = Some((latency, outcome));
            }
            if system.is_alike[model.index()] {
                break;
            }
        }
        let outcome = slowest.map_or(Outcome::default(), |(_, outcome)| outcome);
        LayerOfBatch { count, class, outcome }
    }
}
