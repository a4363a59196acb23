//! Remaining latencies of jobs, corrected by the sparsity that was measured.
//!
//! An [`Estimator`] hears of every layer that completes with the sparsity that was measured in it, and
//! compares the density with the layer's mean:
//!
//! ```text
//! ratio[i] = (1 - measured sparsity[i]) / mean density[i]        of the layers that have run
//! gamma    = what the predictor makes of these ratios; 1 before the first
//! remaining = gamma x expected                                   average-all, last-n, last-one
//!           = fixed + gamma x scaled, gamma as of average-all    affine
//! ```
//!
//! Source: Fan et al., *Sparse-DySta*, MICRO 2023, whose predictor scales the whole of what remains. The
//! affine predictor is this project's: zeros save only that part of a layer that is in proportion to the
//! density, and the rest of it stays whatever is measured.
//!
//! Constant time and memory a job; nothing is allocated once all slots were used.

use rtmm_workload::parameters::{Choice, Declared, Integer, Parameters};
use rtmm_workload::{Duration, LayerId, ModelId};

use crate::expectations::Knowledge;
use crate::ids::JobId;
use crate::job::{Job, Progress};
use crate::policy::{Interests, Notice};
use crate::view::View;

const SECONDS_PER_PICOSECOND: f64 = 1e-12;
/// The most layers that [`Predictor::LastN`] looks back on.
const MAX_LAST: usize = 16;

/// The correction factor from the ratios of the layers that have run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Predictor {
    /// No correction.
    None,
    /// Their mean.
    AverageAll,
    /// The mean of the last few, or of all where there are fewer.
    LastN,
    /// The last one.
    LastOne,
    /// Their mean, applied to that part of the latency that depends on the density.
    Affine,
}

/// Expected remaining latencies of jobs, corrected by measured sparsity.
#[derive(Clone, Debug)]
pub struct Estimator {
    knowledge: Knowledge,
    predictor: Predictor,
    /// The number of layers that [`Predictor::LastN`] looks back on.
    last_n: u32,
    /// By slot.
    records: Vec<Record>,
}

/// Measurements of a job.
#[derive(Clone, Copy, Debug, Default)]
struct Record {
    generation: u32,
    layers: u32,
    sum: f64,
    gamma: f64,
    recent: [f64; MAX_LAST],
}

impl Estimator {
    /// `estimate`.
    const KNOWLEDGE: Choice<Knowledge> = Choice::new(
        "estimate",
        "what is known of a job's model: its architecture, or its sparsity pattern too",
        Knowledge::Architecture,
        &[("architecture", Knowledge::Architecture), ("pattern", Knowledge::Pattern)],
    );

    /// `predictor`.
    const PREDICTOR: Choice<Predictor> = Choice::new(
        "predictor",
        "how measured sparsity corrects what is left of a job",
        Predictor::None,
        &[
            ("none", Predictor::None),
            ("average-all", Predictor::AverageAll),
            ("last-n", Predictor::LastN),
            ("last-one", Predictor::LastOne),
            ("affine", Predictor::Affine),
        ],
    );

    /// `last_n`.
    const LAST_N: Integer<u32> =
        Integer::new("last_n", "layers that the predictor last-n looks back on", 3, 1..=MAX_LAST as u32);

    /// Its parameters.
    pub const PARAMETERS: &[&dyn Declared] = &[&Self::KNOWLEDGE, &Self::PREDICTOR, &Self::LAST_N];

    /// Defaults that differ in the presets of policies that know patterns and measure sparsity.
    pub const SPARSE: &[(&str, &str)] = &[("estimate", "pattern"), ("predictor", "average-all")];

    /// An estimator that has seen nothing. `last_n` layers are what [`Predictor::LastN`] looks back on, 16
    /// at the most.
    #[must_use]
    pub fn new(knowledge: Knowledge, predictor: Predictor, last_n: u32) -> Self {
        Self { knowledge, predictor, last_n: last_n.clamp(1, MAX_LAST as u32), records: Vec::new() }
    }

    /// Reads its parameters.
    #[must_use]
    pub fn read(parameters: &Parameters) -> Self {
        let (knowledge, predictor) = (parameters.read(&Self::KNOWLEDGE), parameters.read(&Self::PREDICTOR));
        Self::new(knowledge, predictor, parameters.read(&Self::LAST_N))
    }

    /// The notices that [`Estimator::notify`] needs.
    #[must_use]
    pub fn interests(&self) -> Interests {
        Interests { layers: self.predictor != Predictor::None, ..Interests::default() }
    }

    /// Takes in a layer that completed; other notices change nothing.
    pub fn notify(&mut self, notice: &Notice, view: &View<'_>) {
        if let Notice::LayerCompleted { job, model, layer, sparsity: Some(sparsity), .. } = *notice {
            self.observe(view, job, model, layer, sparsity);
        }
    }

    fn observe(&mut self, view: &View<'_>, job: JobId, model: ModelId, layer: LayerId, sparsity: f64) {
        let mean_density =
            view.profile.expectations(self.knowledge).mean_density(model, layer.index() as u32);
        let ratio = (1.0 - sparsity) / mean_density;
        if self.records.len() <= job.slot() {
            self.records.resize(job.slot() + 1, Record::default());
        }
        let record = &mut self.records[job.slot()];
        if record.layers == 0 || record.generation != job.generation() {
            *record = Record { generation: job.generation(), ..Record::default() };
        }
        record.recent[record.layers as usize % MAX_LAST] = ratio;
        record.layers += 1;
        record.sum += ratio;
        record.gamma = match self.predictor {
            Predictor::None => 1.0,
            Predictor::AverageAll | Predictor::Affine => record.sum / f64::from(record.layers),
            Predictor::LastOne => ratio,
            Predictor::LastN => {
                let count = self.last_n.min(record.layers);
                let at = |back: u32| record.recent[(record.layers - 1 - back) as usize % MAX_LAST];
                // From the oldest to the latest.
                (0..count).rev().fold(0.0, |sum, back| sum + at(back)) / f64::from(count)
            }
        };
    }

    /// The density of a job's input against the mean, as far as it was measured; 1 before that.
    #[must_use]
    pub fn gamma(&self, job: &Job) -> f64 {
        match self.records.get(job.id.slot()) {
            Some(record) if record.layers > 0 && record.generation == job.id.generation() => record.gamma,
            _ => 1.0,
        }
    }

    /// The expected remaining latency of a job in the mean over accelerators, in seconds.
    #[must_use]
    pub fn remaining_s(&self, view: &View<'_>, job: &Job) -> f64 {
        let expectations = view.profile.expectations(self.knowledge);
        let from = job.progress;
        match self.predictor {
            Predictor::None => seconds(expectations.mean_remaining(job.model, from)),
            Predictor::Affine => {
                let split = expectations.split_remaining(job.model, from);
                split.fixed_s + self.gamma(job) * split.scaled_s
            }
            _ => self.gamma(job) * seconds(expectations.mean_remaining(job.model, from)),
        }
    }

    /// The rest of the next layer of a job in the mean over accelerators, in seconds.
    #[must_use]
    pub fn next_layer_s(&self, view: &View<'_>, job: &Job) -> f64 {
        let expectations = view.profile.expectations(self.knowledge);
        let from = job.progress;
        match self.predictor {
            Predictor::None => seconds(expectations.mean_layer(job.model, from)),
            Predictor::Affine => {
                let at = |from: Progress| {
                    let split = expectations.split_remaining(job.model, from);
                    split.fixed_s + self.gamma(job) * split.scaled_s
                };
                (at(from) - at(Progress::at(from.layer + 1))).max(0.0)
            }
            _ => self.gamma(job) * seconds(expectations.mean_layer(job.model, from)),
        }
    }

    /// All of a job by itself in the mean over accelerators, as expected before it began, in seconds.
    #[must_use]
    pub fn isolated_s(&self, view: &View<'_>, job: &Job) -> f64 {
        seconds(view.profile.expectations(self.knowledge).mean_remaining(job.model, 0))
    }
}

/// A span in seconds, for scores.
pub(crate) fn seconds(duration: Duration) -> f64 {
    duration.picoseconds() as f64 * SECONDS_PER_PICOSECOND
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Decisions;
    use crate::fixture::{Fixture, TaskSketch};
    use crate::policy::Policy;
    use crate::policy_error::PolicyError;
    use crate::truth::Truth;

    /// Hears notices, and decides nothing.
    #[derive(Clone, Debug)]
    struct Listener(Estimator);

    impl Policy for Listener {
        fn decide(
            &mut self,
            _: &View<'_>,
            _: Option<&Truth<'_>>,
            _: &mut Decisions,
        ) -> Result<(), PolicyError> {
            Ok(())
        }

        fn notify(&mut self, notice: &Notice, view: &View<'_>) -> Result<(), PolicyError> {
            self.0.notify(notice, view);
            Ok(())
        }

        fn boxed_clone(&self) -> Option<Box<dyn Policy>> {
            Some(Box::new(self.clone()))
        }
    }

    /// Mean densities are 0.5, 0.4, 0.5, 0.5, and latencies 20 + 20 d, 20, 40 d, 10 + 10 d with the density
    /// d; so means of 30, 20, 20 and 15 us.
    fn sketch() -> TaskSketch {
        let sample = |densities: [f64; 4]| {
            let [a, b, c, d] = densities;
            [(1.0 - a, 20.0 + 20.0 * a), (1.0 - b, 20.0), (1.0 - c, 40.0 * c), (1.0 - d, 10.0 + 10.0 * d)]
        };
        TaskSketch::new("a", &[&[30], &[20], &[20], &[15]])
            .sample(&sample([0.6, 0.5, 0.75, 0.4]))
            .sample(&sample([0.4, 0.3, 0.25, 0.6]))
    }

    fn near(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-9 * expected.abs().max(1.0), "{value} is not {expected}");
    }

    #[test]
    fn predictors_correct_what_is_left() {
        // Ratios of the first sample: 1.2, 1.25, 1.5.
        for (predictor, gammas, remaining_us, next_us) in [
            (Predictor::None, [1.0, 1.0, 1.0], [55.0, 35.0, 15.0], [20.0, 20.0, 15.0]),
            (Predictor::AverageAll, [1.2, 1.225, 3.95 / 3.0], [66.0, 42.875, 19.75], [24.0, 24.5, 19.75]),
            (Predictor::LastOne, [1.2, 1.25, 1.5], [66.0, 43.75, 22.5], [24.0, 25.0, 22.5]),
            (Predictor::LastN, [1.2, 1.225, 1.375], [66.0, 42.875, 20.625], [24.0, 24.5, 20.625]),
            // Fixed and in proportion: 30 and 25 us after the first layer, 10 and 25, 10 and 5. Of the next layer all 20 are
            // fixed, then none of 20, then 10 of 15.
            (
                Predictor::Affine,
                [1.2, 1.225, 3.95 / 3.0],
                [30.0 + 1.2 * 25.0, 10.0 + 1.225 * 25.0, 10.0 + 5.0 * 3.95 / 3.0],
                [20.0, 1.225 * 20.0, 10.0 + 5.0 * 3.95 / 3.0],
            ),
        ] {
            let mut fixture = Fixture::new(&[sketch()]).unwrap();
            let job = fixture.ready(0, 0, 1_000);
            let mut listener = Listener(Estimator::new(Knowledge::Pattern, predictor, 2));
            let estimate = |fixture: &Fixture, listener: &Listener| {
                let view = fixture.view();
                let job = view.job(job).unwrap();
                let seconds = [listener.0.remaining_s(&view, job), listener.0.next_layer_s(&view, job)];
                (listener.0.gamma(job), seconds.map(|seconds| seconds * 1e6))
            };
            let [all_us, first_us] = estimate(&fixture, &listener).1;
            near(all_us, 85.0);
            near(first_us, 30.0);
            for ((gamma, remaining_us), next_us) in gammas.into_iter().zip(remaining_us).zip(next_us) {
                fixture.complete_layer(&mut listener, job).unwrap();
                let (measured, [left_us, layer_us]) = estimate(&fixture, &listener);
                if predictor != Predictor::None {
                    near(measured, gamma);
                }
                near(left_us, remaining_us);
                near(layer_us, next_us);
            }
        }
    }

    #[test]
    fn inside_a_layer_what_is_done_of_it_is_left_out_of_both_parts() {
        let mut fixture = Fixture::new(&[sketch()]).unwrap();
        let job = fixture.ready(0, 0, 1_000);
        let view = fixture.view();
        let model = view.job(job).unwrap().model;
        let split_us = |from: Progress| {
            let split = view.profile.expectations(Knowledge::Pattern).split_remaining(model, from);
            (split.fixed_s * 1e6, split.scaled_s * 1e6)
        };
        // Of all four layers 50 us are fixed and 35 in proportion, 20 and 10 of them of the first.
        for (quantum, fixed, scaled) in [(0, 50.0, 35.0), (1, 45.0, 32.5), (3, 35.0, 27.5)] {
            let (found_fixed, found_scaled) = split_us(Progress { layer: 0, quantum, quanta: 4 });
            near(found_fixed, fixed);
            near(found_scaled, scaled);
        }
    }

    #[test]
    fn a_slot_that_is_used_again_begins_anew() {
        let mut fixture = Fixture::new(&[sketch()]).unwrap();
        let job = fixture.ready(0, 0, 1_000);
        let mut listener = Listener(Estimator::new(Knowledge::Pattern, Predictor::LastOne, 3));
        fixture.complete_layer(&mut listener, job).unwrap();
        let mut later = *fixture.view().job(job).unwrap();
        near(listener.0.gamma(&later), 1.2);
        later.id = JobId::new(job.slot() as u32, 1);
        near(listener.0.gamma(&later), 1.0);
    }

    #[test]
    fn an_architecture_is_the_mean_over_its_patterns() {
        let dense = TaskSketch::new("dense", &[&[40], &[40]]).sample(&[(0.2, 40.0), (0.5, 40.0)]);
        let sparse = TaskSketch::new("sparse", &[&[10], &[10]])
            .sample(&[(0.6, 10.0), (0.5, 10.0)])
            .sample(&[(0.6, 10.0), (0.5, 10.0)])
            .sample(&[(0.6, 10.0), (0.5, 10.0)]);
        let sketches = [dense.of_architecture("net"), sparse.of_architecture("net"), sketch()];
        let mut fixture = Fixture::new(&sketches).unwrap();
        let jobs = [fixture.ready(0, 0, 1), fixture.ready(1, 0, 1), fixture.ready(2, 0, 1)];
        let view = fixture.view();
        let remaining_us = |knowledge, job: usize| {
            let job = view.job(jobs[job]).unwrap();
            Estimator::new(knowledge, Predictor::None, 3).remaining_s(&view, job) * 1e6
        };
        for (job, pattern, architecture) in [(0, 80.0, 35.0), (1, 20.0, 35.0), (2, 85.0, 85.0)] {
            near(remaining_us(Knowledge::Pattern, job), pattern);
            near(remaining_us(Knowledge::Architecture, job), architecture);
        }
        let first = view.job(jobs[0]).unwrap().model;
        let density = |knowledge| view.profile.expectations(knowledge).mean_density(first, 0);
        near(density(Knowledge::Pattern), 0.8);
        near(density(Knowledge::Architecture), 0.5);
    }
}
