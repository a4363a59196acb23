//! Predicted slowdowns of a batch beside others, and what is learned from those that were observed.
//!
//! | predictor | a batch beside others takes |
//! |---|---|
//! | `none` | as long as alone |
//! | `coarse-static` | `y` times as long as alone, `y = 1 + w x`, with features `x` of all that runs when it is asked; `w` as fitted before |
//! | `coarse-online` | the same with `w` learned from every batch that ends |
//! | `fine-static` | `1 + w x` times as long while just these run beside it, and again for those that run next |
//! | `fine-online` | the same with `w` learned, from features weighted by the work done beside each set of others |
//!
//! `x` is the own and the others' utilisation of the L2 cache, the same of DRAM, and 1: those of gpulet (Choi et al., USENIX ATC
//! 2022); without another batch nothing is slowed down. Weights are learned by recursive least squares with forgetting
//! ([`Recursive`]), and beside them a bias for each ordered pair of models, which moves by a tenth of what is left of an error. The
//! oracle is told the true slowdown at every instant.
//!
//! A margin covers what is not predicted: the 90th percentile of observed over predicted times of the last 200 batches
//! ([`Ratios`]), where above 1.

use rtmm_hardware::{AcceleratorId, Resident, Speed, Weights};
use rtmm_interference::{Ratios, Recursive, RecursiveOptions};
use rtmm_workload::ModelId;
use rtmm_workload::parameters::{Choice, Declared, Parameters, Real};

use crate::truth::Truth;
use crate::view::View;

/// The largest slowdown that is predicted.
const MOST: f64 = 6.0;
/// The variance of weights before anything is observed: what was fitted before counts for little beside it.
const INITIAL: f64 = 100.0;
/// The bound of an error that is learned from.
const LARGEST_ERROR: f64 = 1.0;
/// Part of an error by which the bias of a pair of models moves.
const BIAS: f64 = 0.1;
/// The number of batches that the margin looks back on, and the part of them that it covers.
const WINDOW: usize = 200;
/// See `WINDOW`.
const COVERAGE: f64 = 0.9;

/// Knowledge of slowdowns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Oracle,
    None,
    Linear { is_fine: bool, learns: bool },
}

const PREDICTOR: Choice<Kind> = Choice::new(
    "predictor",
    "what is predicted of the slowdown of batches beside others, and whether it is learned",
    Kind::Linear { is_fine: true, learns: true },
    &[
        ("none", Kind::None),
        ("coarse-static", Kind::Linear { is_fine: false, learns: false }),
        ("coarse-online", Kind::Linear { is_fine: false, learns: true }),
        ("fine-static", Kind::Linear { is_fine: true, learns: false }),
        ("fine-online", Kind::Linear { is_fine: true, learns: true }),
    ],
);

/// The margin above predicted slowdowns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Margin {
    None,
    Quantile,
}

const MARGIN: Choice<Margin> = Choice::new(
    "margin",
    "what is added to predicted slowdowns: nothing, or what covers nine of ten batches",
    Margin::Quantile,
    &[("none", Margin::None), ("quantile", Margin::Quantile)],
);

const FORGETTING: Real =
    Real::new("forgetting", "part of what was learned that a batch leaves of it", 0.995, 0.5..=1.0);

/// Predicted slowdowns.
#[derive(Clone, Debug)]
pub struct Slowdowns {
    kind: Kind,
    margin: Margin,
    forgetting: f64,
    /// By accelerator; as long as the last one that was asked of.
    learned: Vec<Learned>,
    ratios: Ratios,
}

/// Weights as they are known of an accelerator.
#[derive(Clone, Debug)]
pub struct Learned {
    linear: Recursive,
    /// By model, then by the model beside it.
    biases: Vec<f64>,
}

/// An observed slowdown, with what was beside the batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observation<'o> {
    pub on: AcceleratorId,
    pub model: ModelId,
    /// Features in the mean over the work of the batch.
    pub features: Weights,
    /// Models that were beside it, each with the part of its work.
    pub beside: &'o [(ModelId, f64)],
    pub slowdown: f64,
}

impl Slowdowns {
    /// Its parameters.
    pub const PARAMETERS: &[&dyn Declared] = &[&PREDICTOR, &MARGIN, &FORGETTING];

    /// Reads its parameters.
    #[must_use]
    pub fn read(parameters: &Parameters) -> Self {
        Self::of(parameters.read(&PREDICTOR), parameters.read(&MARGIN), parameters.read(&FORGETTING))
    }

    /// The true slowdowns, which an oracle is told; without an oracle none.
    #[must_use]
    pub fn oracle() -> Self {
        Self::of(Kind::Oracle, Margin::None, 1.0)
    }

    fn of(kind: Kind, margin: Margin, forgetting: f64) -> Self {
        Self { kind, margin, forgetting, learned: Vec::new(), ratios: Ratios::new(WINDOW, &[]) }
    }

    /// True if the whole of a batch is predicted at once, and not the time beside each set of others.
    pub(super) fn is_coarse(&self) -> bool {
        matches!(self.kind, Kind::Linear { is_fine: false, .. })
    }

    /// True if layers differ in their slowdowns.
    pub(super) fn knows_layers(&self) -> bool {
        self.kind == Kind::Oracle
    }

    /// True if batches that end are learned from.
    pub(super) fn learns(&self) -> bool {
        matches!(self.kind, Kind::Linear { learns: true, .. })
    }

    /// The margin by which predicted slowdowns are multiplied; none where there is none.
    pub(super) fn margin(&self) -> Option<f64> {
        match (self.margin, self.kind) {
            (Margin::None, _) | (_, Kind::Oracle | Kind::None) => None,
            (Margin::Quantile, Kind::Linear { .. }) => {
                Some(self.ratios.quantile(COVERAGE).unwrap_or(1.0).max(1.0))
            }
        }
    }

    /// Makes room for what is learned of an accelerator, which begins with what was fitted before.
    pub(super) fn know(&mut self, view: &View<'_>, on: AcceleratorId, models: usize) {
        while self.learned.len() <= on.index() {
            let next = AcceleratorId::new(self.learned.len());
            let options =
                RecursiveOptions { forgetting: self.forgetting, covariance: INITIAL, clip: LARGEST_ERROR };
            let linear = Recursive::new(view.profile.co_location_prior(next).to_vec(), options);
            self.learned.push(Learned { linear, biases: vec![0.0; models * models] });
        }
    }

    /// The predicted slowdown of a batch beside others, without a margin.
    pub(super) fn predict(
        &self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        on: AcceleratorId,
        own: &Resident,
        others: &[Resident],
    ) -> f64 {
        if others.is_empty() {
            return 1.0;
        }
        match self.kind {
            Kind::None => 1.0,
            Kind::Oracle => truth.map_or(1.0, |truth| truth.slowdown(view.now, on, own, others)),
            Kind::Linear { .. } => {
                let Some(learned) = self.learned.get(on.index()) else { return 1.0 };
                let features = view.profile.co_location_features(on, own, others);
                let bias: f64 = others.iter().map(|other| learned.bias(own.model, other.model)).sum();
                (1.0 + product(learned.linear.weights(), &features) + bias).clamp(1.0, MOST)
            }
        }
    }

    /// The rate that follows from a slowdown, with the margin above it.
    pub(super) fn speed(slowdown: f64, margin: f64) -> Speed {
        if slowdown <= 1.0 && margin <= 1.0 { Speed::FULL } else { Speed::of_slowdown(slowdown * margin) }
    }

    /// Learns from a batch that ended.
    pub(super) fn observe(&mut self, observation: &Observation<'_>) {
        if let Some(learned) = self.learned.get_mut(observation.on.index()) {
            learned.observe(observation);
        }
    }

    /// Takes in the ratio of the time that a batch took to what was predicted of it.
    pub(super) fn count(&mut self, ratio: f64) {
        self.ratios.push(ratio);
    }
}

impl Learned {
    fn models(&self) -> usize {
        self.biases.len().isqrt()
    }

    fn bias(&self, own: ModelId, other: ModelId) -> f64 {
        self.biases.get(own.index() * self.models() + other.index()).copied().unwrap_or(0.0)
    }

    /// One step of recursive least squares, and of the biases.
    fn observe(&mut self, observation: &Observation<'_>) {
        let Observation { model, features, beside, slowdown, .. } = observation;
        let own_bias: f64 = beside.iter().map(|(other, part)| part * self.bias(*model, *other)).sum();
        let error = |weights: &[f64]| slowdown - 1.0 - product(weights, features) - own_bias;
        self.linear.update(features, error(self.linear.weights()));
        let left = error(self.linear.weights());
        let models = self.models();
        for (other, part) in *beside {
            if let Some(bias) = self.biases.get_mut(model.index() * models + other.index()) {
                *bias += BIAS * part * left.clamp(-LARGEST_ERROR, LARGEST_ERROR);
            }
        }
    }
}

/// The sum of products.
fn product(one: &[f64], other: &Weights) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bias_of_an_ordered_pair_moves_by_a_tenth_of_the_error() {
        let options = RecursiveOptions { forgetting: 1.0, covariance: INITIAL, clip: LARGEST_ERROR };
        let linear = Recursive::new(vec![0.0; Weights::default().len()], options);
        let mut learned = Learned { linear, biases: vec![0.0; 3 * 3] };
        let [one, two] = [ModelId::new(1), ModelId::new(2)];
        let mut observe = |beside: &[(ModelId, f64)], slowdown| {
            // Without features the weights learn nothing.
            let (on, features) = (AcceleratorId::new(0), Weights::default());
            learned.observe(&Observation { on, model: one, features, beside, slowdown });
            [0, 1, 2].map(|own| [0, 1, 2].map(|other| learned.bias(ModelId::new(own), ModelId::new(other))))
        };
        let with = |of_two| [[0.0; 3], [0.0, 0.0, of_two], [0.0; 3]];
        let near = |found: [[f64; 3]; 3], expected: [[f64; 3]; 3]| {
            let pairs = found.iter().flatten().zip(expected.iter().flatten());
            assert!(pairs.clone().all(|(found, expected)| (found - expected).abs() < 1e-12), "{found:?}");
        };
        // 1.5 times as long, of which nothing was predicted: an error of 0.5.
        near(observe(&[(two, 1.0)], 1.5), with(0.05));
        // 0.05 were predicted of 0.45.
        near(observe(&[(two, 1.0)], 1.45), with(0.05 + 0.1 * 0.4));
        // Beside half of the work: 0.045 of 0.245, and half of a tenth of the rest. Errors count up to 1.
        near(observe(&[(two, 0.5)], 1.245), with(0.09 + 0.05 * 0.2));
        near(observe(&[(two, 1.0)], 9.0), with(0.1 + 0.1));
    }
}
