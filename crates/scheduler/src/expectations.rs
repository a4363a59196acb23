//! Expected remaining latencies of jobs in the mean over accelerators, by what is known of their models.
//!
//! A scheduler may be told the sparsity pattern of each model, or only its architecture: then all
//! models of one architecture look the same, each counting as often as it has samples. What it expects
//! is kept here for both, with what a predictor needs to correct it by the sparsity that was measured
//! so far: the mean density of each layer, and its latency as a straight line in the density.
//!
//! Means count an accelerator that does not run a layer as the mean of those that do. The least counts accelerators that run
//! some layer that is left, each with the layers that it does not run where they are fastest.
//!
//! All tables have a row a layer and one for the end, so that everything is one look-up.

use rtmm_hardware::{AcceleratorId, ClassId, IsolatedCosts, Outcome};
use rtmm_workload::{Duration, Model, ModelId, SampleTrace};
use serde::Serialize;

use crate::job::Progress;

const SECONDS_PER_PICOSECOND: f64 = 1e-12;

/// Knowledge that a scheduler has of the models that jobs run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Knowledge {
    /// The model with its sparsity pattern: the profile of the very model.
    Pattern,
    /// The architecture alone: the mean over all models of the architecture.
    Architecture,
}

/// A latency as a straight line in the density of the input, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SplitLatency {
    /// The part that sparsity does not change.
    pub fixed_s: f64,
    /// The part in proportion to the density: this much at the mean density of each layer.
    pub scaled_s: f64,
}

/// Expectations of jobs under one [`Knowledge`].
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    /// First row of each model.
    first: Vec<usize>,
    /// Of all that is left, over accelerators, in picoseconds.
    least_remaining: Vec<u64>,
    mean_remaining: Vec<u64>,
    /// Of the next layer alone.
    mean_layer: Vec<u64>,
    /// A row a layer, an entry an accelerator.
    steps: Vec<LayerSteps>,
    accelerators: usize,
    density: Vec<f64>,
    split_remaining: Vec<SplitLatency>,
}

/// A layer on an accelerator, with all that follows it.
#[derive(Clone, Copy, Debug, Default)]
struct LayerSteps {
    /// In picoseconds, as means count it.
    remaining: u64,
    latency: u64,
    /// The steps of the layer; 0 where the accelerator does not run it.
    quanta: u32,
    /// As the least counts it; none where the accelerator runs no layer that is left.
    least: Option<LeastSteps>,
}

/// A layer with all that follows it, as the least counts them.
#[derive(Clone, Copy, Debug)]
struct LeastSteps {
    remaining: u64,
    latency: u64,
}

impl LayerSteps {
    /// The latency of the steps of the layer that are done.
    fn done(&self, from: Progress, latency: u64) -> u64 {
        if self.quanta == 0 { from.done_of(latency) } else { from.in_steps(self.quanta).done_of(latency) }
    }
}

/// Latencies of one model, before sums are taken.
#[derive(Clone, Debug)]
pub(crate) struct LayerProfile {
    /// By accelerator, then layer, in picoseconds; where it does not run the layer, the mean of those that do.
    latency: Vec<Vec<u64>>,
    /// In the same layout: where it does not run the layer, the latency where that is fastest.
    least: Vec<Vec<u64>>,
    /// In the same layout: steps; 0 where it does not run the layer.
    quanta: Vec<Vec<u32>>,
    /// By layer.
    density: Vec<f64>,
    split: Vec<SplitLatency>,
}

impl Expectations {
    fn row(&self, model: ModelId, layer: u32) -> usize {
        self.first[model.index()] + layer as usize
    }

    fn steps(&self, row: usize) -> &[LayerSteps] {
        &self.steps[row * self.accelerators..][..self.accelerators]
    }

    /// The mean over accelerators of a latency of each, rounded down.
    #[cold]
    fn mean(&self, row: usize, of: impl Fn(&LayerSteps) -> u64) -> Duration {
        let sum: u128 = self.steps(row).iter().map(|steps| u128::from(of(steps))).sum();
        Duration::from_picoseconds(u64::try_from(sum / self.accelerators.max(1) as u128).unwrap_or(u64::MAX))
    }

    /// The least over accelerators of what is left from a progress on.
    #[inline]
    #[must_use]
    pub fn least_remaining(&self, model: ModelId, from: impl Into<Progress>) -> Duration {
        let from = from.into();
        let row = self.row(model, from.layer);
        if from.quantum == 0 {
            return Duration::from_picoseconds(self.least_remaining[row]);
        }
        self.least_inside(row, from)
    }

    /// [`Expectations::least_remaining`] from inside of a layer.
    #[cold]
    fn least_inside(&self, row: usize, from: Progress) -> Duration {
        let left = self.steps(row).iter().filter_map(|steps| {
            let LeastSteps { remaining, latency } = steps.least?;
            Some(remaining.saturating_sub(steps.done(from, latency)))
        });
        Duration::from_picoseconds(left.min().unwrap_or(0))
    }

    /// The mean over accelerators of what is left from a progress on, rounded down.
    #[inline]
    #[must_use]
    pub fn mean_remaining(&self, model: ModelId, from: impl Into<Progress>) -> Duration {
        let from = from.into();
        let row = self.row(model, from.layer);
        if from.quantum == 0 {
            return Duration::from_picoseconds(self.mean_remaining[row]);
        }
        self.mean(row, |steps| steps.remaining.saturating_sub(steps.done(from, steps.latency)))
    }

    /// The mean over accelerators of what is left of one layer alone, rounded down.
    #[inline]
    #[must_use]
    pub fn mean_layer(&self, model: ModelId, from: impl Into<Progress>) -> Duration {
        let from = from.into();
        let row = self.row(model, from.layer);
        if from.quantum == 0 {
            return Duration::from_picoseconds(self.mean_layer[row]);
        }
        self.mean(row, |steps| steps.latency - steps.done(from, steps.latency))
    }

    /// The mean density of a layer over samples, above 0; 1 for a model without samples.
    #[must_use]
    pub fn mean_density(&self, model: ModelId, layer: u32) -> f64 {
        self.density[self.row(model, layer)]
    }

    /// Remaining latency from a progress on as a line in the density, in the mean over accelerators: the sum
    /// of both parts is what is left at mean density. Skips and exits are left out of account.
    #[inline]
    #[must_use]
    pub fn split_remaining(&self, model: ModelId, from: impl Into<Progress>) -> SplitLatency {
        let from = from.into();
        let row = self.row(model, from.layer);
        let all = self.split_remaining[row];
        if from.quantum == 0 {
            return all;
        }
        let after = self.split_remaining[row + 1];
        let left = |all: f64, after: f64| after + (all - after) * (1.0 - from.fraction());
        SplitLatency {
            fixed_s: left(all.fixed_s, after.fixed_s),
            scaled_s: left(all.scaled_s, after.scaled_s),
        }
    }

    /// Expectations of each model by itself.
    pub(crate) fn of_patterns(models: &[Model], profiles: &[LayerProfile]) -> Self {
        let mut expectations = Self::default();
        for (model, profile) in models.iter().zip(profiles) {
            expectations.add(model, profile);
        }
        expectations
    }

    /// Expectations of each model as one of its architecture. Models of other numbers of layers are of
    /// other architectures, and so are those that may not use the same accelerators.
    pub(crate) fn of_architectures(
        models: &[Model],
        profiles: &[LayerProfile],
        may_use_alike: impl Fn(usize, usize) -> bool,
    ) -> Self {
        let is_kin = |one: &Model, other: &Model| {
            let Some(architecture) = &one.sparsity.architecture else { return false };
            other.sparsity.architecture.as_ref() == Some(architecture)
                && one.layers.len() == other.layers.len()
        };
        let mut expectations = Self::default();
        for (index, model) in models.iter().enumerate() {
            let kin = |other: &usize| {
                *other == index || (is_kin(model, &models[*other]) && may_use_alike(index, *other))
            };
            let kin: Vec<usize> = (0..models.len()).filter(kin).collect();
            match kin.first() {
                Some(first) if *first < index => expectations.repeat(*first, model.layers.len()),
                _ => {
                    let merged = merge(models, profiles, &kin);
                    expectations.add(model, &merged);
                }
            }
        }
        expectations
    }

    fn add(&mut self, model: &Model, profile: &LayerProfile) {
        let layers = model.layers.len();
        self.first.push(self.mean_layer.len());
        self.accelerators = profile.latency.len();
        let remaining: Vec<Vec<u64>> =
            profile.latency.iter().map(|latency| model.expected_remaining(latency)).collect();
        let least: Vec<Vec<u64>> =
            profile.least.iter().map(|latency| model.expected_remaining(latency)).collect();
        let mean = |sum: u128| u64::try_from(sum / remaining.len().max(1) as u128).unwrap_or(u64::MAX);
        // At the end nothing is left anywhere.
        let runs_any = |accelerator: usize, layer: usize| {
            let mut left = profile.quanta[accelerator].iter().skip(layer);
            layer == layers || left.any(|quanta| *quanta > 0)
        };
        for layer in 0..=layers {
            let all = || remaining.iter().map(|of_accelerator| of_accelerator[layer]);
            let running = least.iter().enumerate().filter(|(accelerator, _)| runs_any(*accelerator, layer));
            self.least_remaining.push(running.map(|(_, least)| least[layer]).min().unwrap_or(0));
            self.mean_remaining.push(mean(all().map(u128::from).sum()));
            let next = profile.latency.iter().map(|latency| latency.get(layer).copied().unwrap_or(0));
            self.mean_layer.push(mean(next.map(u128::from).sum()));
            self.steps.extend(remaining.iter().enumerate().map(|(accelerator, remaining)| LayerSteps {
                remaining: remaining[layer],
                latency: profile.latency[accelerator].get(layer).copied().unwrap_or(0),
                quanta: profile.quanta[accelerator].get(layer).copied().unwrap_or(1),
                least: runs_any(accelerator, layer).then(|| LeastSteps {
                    remaining: least[accelerator][layer],
                    latency: profile.least[accelerator].get(layer).copied().unwrap_or(0),
                }),
            }));
            self.density.push(profile.density.get(layer).copied().unwrap_or(1.0));
        }
        let first = self.split_remaining.len();
        self.split_remaining.resize(first + layers + 1, SplitLatency::default());
        let mut rest = SplitLatency::default();
        for (layer, split) in profile.split.iter().enumerate().rev() {
            rest.fixed_s += split.fixed_s;
            rest.scaled_s += split.scaled_s;
            self.split_remaining[first + layer] = rest;
        }
    }

    /// The rows of an earlier model once more.
    fn repeat(&mut self, model: usize, layers: usize) {
        let rows = self.first[model]..=self.first[model] + layers;
        self.first.push(self.mean_layer.len());
        for table in [&mut self.least_remaining, &mut self.mean_remaining, &mut self.mean_layer] {
            table.extend_from_within(rows.clone());
        }
        self.density.extend_from_within(rows.clone());
        let steps = rows.start() * self.accelerators..(rows.end() + 1) * self.accelerators;
        self.steps.extend_from_within(steps);
        self.split_remaining.extend_from_within(rows);
    }
}

impl LayerProfile {
    /// The profile of a model on every accelerator, with all of its units.
    pub(crate) fn new(id: ModelId, model: &Model, costs: &IsolatedCosts) -> Self {
        let classes: Vec<ClassId> =
            (0..costs.accelerators()).map(|index| costs.whole(AcceleratorId::new(index))).collect();
        let layers = model.layers.len();
        let latency_of = |layer: u32, class: &ClassId| costs.latency(id, layer, *class).picoseconds();
        let runs = |layer: u32, class: &ClassId| costs.supports(id, layer, *class);
        // Of each layer, over the accelerators that run it.
        let mean_of = |layer: u32| {
            let running = classes.iter().filter(|class| runs(layer, class));
            let (sum, count) = running.fold((0_u128, 0_u128), |(sum, count), class| {
                (sum + u128::from(latency_of(layer, class)), count + 1)
            });
            u64::try_from(sum / count.max(1)).unwrap_or(u64::MAX)
        };
        let least_of = |layer: u32| {
            let latencies = costs.supporting(id, layer).map(|class| latency_of(layer, &class));
            latencies.min().unwrap_or(0)
        };
        let with = |fill: &dyn Fn(u32) -> u64| -> Vec<Vec<u64>> {
            let of = |layer, class| if runs(layer, class) { latency_of(layer, class) } else { fill(layer) };
            classes.iter().map(|class| (0..layers as u32).map(|layer| of(layer, class)).collect()).collect()
        };
        let (latency, least) = (with(&mean_of), with(&least_of));
        let quanta_of = |class: &ClassId| -> Vec<u32> {
            let of = |layer| if runs(layer, class) { costs.quanta(id, layer, *class) } else { 0 };
            (0..layers as u32).map(of).collect()
        };
        let quanta = classes.iter().map(quanta_of).collect();
        let density: Vec<f64> = match &model.samples {
            None => vec![1.0; layers],
            Some(samples) => (0..layers).map(|layer| 1.0 - samples.mean_sparsity(layer)).collect(),
        };
        let mut split = vec![SplitLatency::default(); layers];
        for (class, latency) in classes.iter().zip(&latency) {
            for (layer, sum) in split.iter_mut().enumerate() {
                let mean_s = latency[layer] as f64 * SECONDS_PER_PICOSECOND;
                let line = match &model.samples {
                    Some(samples) if costs.is_sampled(id, *class) && runs(layer as u32, class) => {
                        let latency_s = |sample: usize| {
                            let outcome = Outcome { row: sample as u32, ranks: &[] };
                            let latency = costs.true_latency(id, outcome, layer as u32, *class);
                            latency as f64 * SECONDS_PER_PICOSECOND
                        };
                        line_through(samples, layer, density[layer], mean_s, latency_s)
                    }
                    _ => SplitLatency { fixed_s: mean_s, scaled_s: 0.0 },
                };
                sum.fixed_s += line.fixed_s / classes.len() as f64;
                sum.scaled_s += line.scaled_s / classes.len() as f64;
            }
        }
        Self { latency, least, quanta, density, split }
    }
}

/// The mean of the profiles of `kin`, each of which counts as often as it has samples.
fn merge(models: &[Model], profiles: &[LayerProfile], kin: &[usize]) -> LayerProfile {
    let weight_of = |kin: usize| models[kin].samples.as_ref().map_or(1, |samples| samples.len() as u64);
    if let [only] = kin {
        return profiles[*only].clone();
    }
    let mut merged = profiles[kin[0]].clone();
    let total: u64 = kin.iter().map(|kin| weight_of(*kin)).sum();
    let all = || kin.iter().map(|kin| (&profiles[*kin], weight_of(*kin)));
    let of_kin: Vec<(&LayerProfile, u64)> = all().collect();
    merged.latency = merged_latencies(&of_kin, |profile| &profile.latency);
    merged.least = merged_latencies(&of_kin, |profile| &profile.least);
    for (accelerator, quanta) in merged.quanta.iter_mut().enumerate() {
        for (layer, of_layer) in quanta.iter_mut().enumerate() {
            // The first of them that the accelerator runs.
            let mut running = all().map(|(profile, _)| profile.quanta[accelerator][layer]);
            *of_layer = running.find(|quanta| *quanta > 0).unwrap_or(0);
        }
    }
    let mean = |of: &dyn Fn(&LayerProfile) -> f64| {
        all().fold(0.0, |sum, (profile, weight)| sum + of(profile) * weight as f64) / total as f64
    };
    for layer in 0..merged.density.len() {
        merged.density[layer] = mean(&|profile| profile.density[layer]);
        merged.split[layer] = SplitLatency {
            fixed_s: mean(&|profile| profile.split[layer].fixed_s),
            scaled_s: mean(&|profile| profile.split[layer].scaled_s),
        };
    }
    merged
}

/// The weighted means of latencies by accelerator and layer, to the nearest picosecond.
fn merged_latencies(
    of_kin: &[(&LayerProfile, u64)],
    latencies: impl Fn(&LayerProfile) -> &Vec<Vec<u64>>,
) -> Vec<Vec<u64>> {
    let Some((first, _)) = of_kin.first() else { return Vec::new() };
    let total: u64 = of_kin.iter().map(|(_, weight)| weight).sum();
    let mean = |accelerator: usize, layer: usize| {
        let weighted = |(profile, weight): &(&LayerProfile, u64)| {
            u128::from(latencies(profile)[accelerator][layer]) * u128::from(*weight)
        };
        let sum: u128 = of_kin.iter().map(weighted).sum();
        u64::try_from((sum + u128::from(total / 2)) / u128::from(total)).unwrap_or(u64::MAX)
    };
    let of_accelerator = |(accelerator, layers): (usize, &Vec<u64>)| {
        (0..layers.len()).map(|layer| mean(accelerator, layer)).collect()
    };
    latencies(first).iter().enumerate().map(of_accelerator).collect()
}

/// The line through the latencies of a layer's samples over their densities, by least squares. Neither of
/// its parts is below zero: a layer that takes no longer at higher density depends on none.
fn line_through(
    samples: &SampleTrace,
    layer: usize,
    mean_density: f64,
    mean_s: f64,
    latency_s: impl Fn(usize) -> f64,
) -> SplitLatency {
    let (mut covariance, mut variance) = (0.0, 0.0);
    for sample in 0..samples.len() {
        let distance = 1.0 - samples.sparsity(sample, layer) - mean_density;
        covariance += distance * (latency_s(sample) - mean_s);
        variance += distance * distance;
    }
    let slope = if variance > 0.0 { covariance / variance } else { 0.0 };
    let scaled_s = (slope * mean_density).clamp(0.0, mean_s);
    SplitLatency { fixed_s: mean_s - scaled_s, scaled_s }
}
