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
//! 2022); without another batch nothing is slowed down. Weights are learned by recursive least squares with forgetting, and
//! beside them a bias for each ordered pair of models. The oracle is told the true slowdown at every instant.
//!
//! ```text
//! k = P x / (f + x' P x)     e = y - 1 - w x - bias     w += k e     P = (P - k x' P) / f     bias += a e by pair
//! ```
//!
//! A margin covers what is not predicted: the 90th percentile of observed over predicted times of the last 200 batches, where
//! above 1.

use rtmm_hardware::{AcceleratorId, Resident, Speed, WEIGHTS, Weights};
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
/// The number of batches that the margin looks back on.
const WINDOW: usize = 200;

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
    weights: Weights,
    covariance: [Weights; WEIGHTS],
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
    pub const fn oracle() -> Self {
        Self::of(Kind::Oracle, Margin::None, 1.0)
    }

    const fn of(kind: Kind, margin: Margin, forgetting: f64) -> Self {
        Self { kind, margin, forgetting, learned: Vec::new(), ratios: Ratios::new() }
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

    /// The margin by which predicted slowdowns are multiplied.
    pub(super) fn margin(&self) -> f64 {
        match (self.margin, self.kind) {
            (Margin::None, _) | (_, Kind::Oracle | Kind::None) => 1.0,
            (Margin::Quantile, Kind::Linear { .. }) => self.ratios.upper().max(1.0),
        }
    }

    /// Makes room for what is learned of an accelerator, which begins with what was fitted before.
    pub(super) fn know(&mut self, view: &View<'_>, on: AcceleratorId, models: usize) {
        while self.learned.len() <= on.index() {
            let next = AcceleratorId::new(self.learned.len());
            let mut covariance = [[0.0; WEIGHTS]; WEIGHTS];
            covariance.iter_mut().enumerate().for_each(|(at, row)| row[at] = INITIAL);
            let weights = view.profile.co_location_prior(next);
            self.learned.push(Learned { weights, covariance, biases: vec![0.0; models * models] });
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
                (1.0 + product(&learned.weights, &features) + bias).clamp(1.0, MOST)
            }
        }
    }

    /// The rate that follows from a slowdown, with the margin above it.
    pub(super) fn speed(slowdown: f64, margin: f64) -> Speed {
        if slowdown <= 1.0 && margin <= 1.0 { Speed::FULL } else { Speed::of_slowdown(slowdown * margin) }
    }

    /// Learns from a batch that ended.
    pub(super) fn observe(&mut self, observation: &Observation<'_>) {
        let forgetting = self.forgetting;
        if let Some(learned) = self.learned.get_mut(observation.on.index()) {
            learned.observe(observation, forgetting);
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
    fn observe(&mut self, observation: &Observation<'_>, forgetting: f64) {
        let Observation { model, features, beside, slowdown, .. } = observation;
        let own_bias: f64 = beside.iter().map(|(other, part)| part * self.bias(*model, *other)).sum();
        let error = slowdown - 1.0 - product(&self.weights, features) - own_bias;
        let error = error.clamp(-LARGEST_ERROR, LARGEST_ERROR);
        let gain = self.covariance.map(|row| product(&row, features));
        let scale = forgetting + product(features, &gain);
        if !(scale.is_finite() && scale > 0.0) {
            return;
        }
        let before = self.covariance;
        for (row, own) in gain.iter().enumerate() {
            self.weights[row] += own / scale * error;
            for (column, other) in gain.iter().enumerate() {
                // Symmetric up to rounding, of which the mean of both halves is taken.
                let symmetric = (before[row][column] + before[column][row]) / 2.0;
                self.covariance[row][column] = (symmetric - own * other / scale) / forgetting;
            }
        }
        let trace: f64 = (0..WEIGHTS).map(|at| self.covariance[at][at]).sum();
        let most = INITIAL * WEIGHTS as f64;
        if trace > most {
            self.covariance.iter_mut().flatten().for_each(|cell| *cell *= most / trace);
        }
        let left = slowdown - 1.0 - product(&self.weights, features) - own_bias;
        let models = self.models();
        for (other, part) in *beside {
            if let Some(bias) = self.biases.get_mut(model.index() * models + other.index()) {
                *bias += BIAS * part * left.clamp(-LARGEST_ERROR, LARGEST_ERROR);
            }
        }
    }
}

/// The sum of products.
fn product(one: &Weights, other: &Weights) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

/// The last ratios of observed to predicted times.
#[derive(Clone, Debug)]
struct Ratios {
    /// In the order in which they came, the oldest at `at` once there are [`WINDOW`] of them.
    recent: Vec<f64>,
    at: usize,
    sorted: Vec<f64>,
}

impl Ratios {
    const fn new() -> Self {
        Self { recent: Vec::new(), at: 0, sorted: Vec::new() }
    }

    fn push(&mut self, ratio: f64) {
        if !ratio.is_finite() {
            return;
        }
        if self.recent.len() < WINDOW {
            self.recent.push(ratio);
        } else {
            let oldest = std::mem::replace(&mut self.recent[self.at], ratio);
            self.at = (self.at + 1) % WINDOW;
            let place = self.sorted.partition_point(|known| *known < oldest);
            self.sorted.remove(place.min(self.sorted.len() - 1));
        }
        let place = self.sorted.partition_point(|known| *known < ratio);
        self.sorted.insert(place, ratio);
    }

    /// The 90th percentile; 1 of none.
    fn upper(&self) -> f64 {
        let rank = (self.sorted.len() * 9).div_ceil(10);
        rank.checked_sub(1).and_then(|at| self.sorted.get(at)).copied().unwrap_or(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-7
    }

    #[test]
    fn two_steps_of_recursive_least_squares_are_those_worked_by_hand() {
        // In two of the five dimensions, from weights (0, 1) less the 1 that stands for no slowdown: a second implementation's
        // numbers.
        let mut covariance = [[0.0; WEIGHTS]; WEIGHTS];
        covariance.iter_mut().enumerate().for_each(|(at, row)| row[at] = 100.0);
        let mut learned = Learned { weights: [0.0; WEIGHTS], covariance, biases: vec![0.0] };
        let mut observe = |feature: f64, slowdown: f64| {
            let features = [feature, 0.0, 0.0, 0.0, 1.0];
            let beside = [];
            let observation = Observation {
                on: AcceleratorId::new(0),
                model: ModelId::new(0),
                features,
                beside: &beside,
                slowdown,
            };
            learned.observe(&observation, 0.995);
            (learned.weights, learned.covariance)
        };
        let (weights, _) = observe(0.5, 1.3);
        assert!(close(weights[0], 0.119_052_34) && close(weights[4], 0.238_104_69), "{weights:?}");
        let (weights, _) = observe(0.2, 1.1);
        assert!(close(weights[0], 0.546_738_54) && close(weights[4], 0.008_553_97), "{weights:?}");
    }

    #[test]
    fn the_margin_covers_nine_of_the_last_two_hundred_in_ten() {
        let mut ratios = Ratios::new();
        assert!(close(ratios.upper(), 1.0));
        (1..=10).for_each(|ratio| ratios.push(f64::from(ratio)));
        assert!(close(ratios.upper(), 9.0));
        ratios.push(f64::NAN);
        (0..WINDOW).for_each(|at| ratios.push(at as f64));
        assert_eq!((ratios.sorted.len(), ratios.recent.len()), (WINDOW, WINDOW));
        assert!(close(ratios.upper(), 179.0));
    }
}
