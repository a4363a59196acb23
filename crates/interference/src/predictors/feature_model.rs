//! Linear models of slowdowns on utilisations of memory: the core of gpulet's model and of the readings that weight
//! co-runners by their overlap and follow observations.
//!
//! With `φ = [L2 own, Σ L2 others, DRAM own, Σ DRAM others, 1]` of the co-runners of an interval, the features are
//! `x = Σ ω φ` over the intervals of an inference; an [`OverlapRule`] says what the weights `ω` are. *Gated*, the slowdown is
//! `1 + θ x`, and intervals without co-runners add nothing; otherwise it is `θ x`, where own terms and the constant count in
//! full. Slowdowns are within 1 to 6, and exactly 1 without co-runners, from which nothing is learned.

use rtmm_workload::parameters::{Choice, Parameters, Real};

use crate::linear::{LeastSquares, MAX_UNKNOWNS, Recursive, RecursiveOptions, dot};
use crate::profile::{FEATURES, Profile};
use crate::slowdowns::slowdowns;
use crate::{
    CoRun, FitError, Interval, ModelKey, Overlap, Prediction, Predictor, Query, QueryKind, Running, Training,
};

/// The largest slowdown that is predicted.
const MAX_SLOWDOWN: f64 = 6.0;
/// Models that can have an indicator of their own, as own model and as co-runner.
const MAX_INDICATED: usize = (MAX_UNKNOWNS - FEATURES) / 2;
/// The most models whose pairs have corrections of their own, each of which takes eight bytes.
const MAX_PAIRED: usize = 256;

/// Weights of the intervals of an inference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OverlapRule {
    /// The co-runners at dispatch count as if they ran to the end.
    Full,
    /// A running average with one step at each change of the co-runners, or at equal distances of time.
    Ewma,
    /// Shares of the wall time.
    Wall,
    /// Shares of the inference's own work: wall times divided by the slowdown in each.
    Work,
}

/// The rule by which weights follow observations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UpdateRule {
    Static,
    Sgd,
    Rls,
}

/// Key of the corrections beside the linear model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BiasRule {
    None,
    Model,
    Pair,
}

pub(super) const OVERLAP: Choice<OverlapRule> = Choice::new(
    "overlap",
    "weight of each interval of an inference",
    OverlapRule::Work,
    &[
        ("full", OverlapRule::Full),
        ("ewma", OverlapRule::Ewma),
        ("wall", OverlapRule::Wall),
        ("work", OverlapRule::Work),
    ],
);
pub(super) const UPDATE: Choice<UpdateRule> = Choice::new(
    "update",
    "rule by which weights follow observations",
    UpdateRule::Rls,
    &[("static", UpdateRule::Static), ("sgd", UpdateRule::Sgd), ("rls", UpdateRule::Rls)],
);
pub(super) const EWMA: Real =
    Real::new("ewma", "weight of the newest co-runners in the running average", 0.3, 0.001..=1.0);
pub(super) const EWMA_TICK: Real = Real::new(
    "ewma_tick_us",
    "time of a step of the running average; 0 for a step at each change of the co-runners",
    0.0,
    0.0..=1e9,
)
.in_unit("us");
pub(super) const RATE: Real =
    Real::new("rate", "part of an error that normalised gradient steps take away", 0.05, 0.0001..=1.0);
pub(super) const FORGETTING: Real = Real::new(
    "forgetting",
    "weight of an observation against the one before, of recursive least squares",
    0.995,
    0.5..=1.0,
);
pub(super) const COVARIANCE: Real = Real::new(
    "covariance",
    "first variance of each weight of recursive least squares, and the cap of their mean",
    100.0,
    0.001..=1e6,
);
pub(super) const BIAS_RATE: Real =
    Real::new("bias_rate", "weight of the newest error in the corrections", 0.1, 0.001..=1.0);

/// The largest error that recursive least squares takes in.
const CLIP: f64 = 1.0;
/// Keeps a gradient step finite where all features are 0.
const STEP_FLOOR: f64 = 1e-6;

/// Settings of a model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub overlap: OverlapRule,
    pub gated: bool,
    pub update: UpdateRule,
    pub bias: BiasRule,
    /// True for a weight of each model, as own model and as co-runner.
    pub indicators: bool,
    pub ewma: f64,
    pub ewma_tick_us: f64,
    pub rate: f64,
    pub bias_rate: f64,
    pub recursive: RecursiveOptions,
    /// The GPU of tables of utilisation, for models whose solo measurements have none.
    pub gpu: Option<&'static str>,
}

impl Settings {
    /// The settings of gpulet's model: the co-runners at dispatch, static.
    pub(super) fn of(parameters: &Parameters) -> Self {
        Self {
            overlap: OverlapRule::Full,
            gated: false,
            update: UpdateRule::Static,
            bias: BiasRule::None,
            indicators: false,
            gpu: None,
            ewma: parameters.read(&EWMA),
            ewma_tick_us: parameters.read(&EWMA_TICK),
            rate: parameters.read(&RATE),
            bias_rate: parameters.read(&BIAS_RATE),
            recursive: RecursiveOptions {
                forgetting: parameters.read(&FORGETTING),
                covariance: parameters.read(&COVARIANCE),
                clip: CLIP,
            },
        }
    }

    /// The part that the newest interval takes in the running average.
    fn newest(&self, wall_us: f64) -> f64 {
        if self.ewma_tick_us > 0.0 {
            1.0 - libm::pow(1.0 - self.ewma, (wall_us / self.ewma_tick_us).max(0.0))
        } else {
            self.ewma
        }
    }
}

/// Weights that may follow observations.
#[derive(Clone, Debug)]
enum Learner {
    Static(Vec<f64>),
    Sgd(Vec<f64>, f64),
    Rls(Recursive),
}

impl Learner {
    fn new(weights: Vec<f64>, settings: &Settings) -> Self {
        match settings.update {
            UpdateRule::Static => Self::Static(weights),
            UpdateRule::Sgd => Self::Sgd(weights, settings.rate),
            UpdateRule::Rls => Self::Rls(Recursive::new(weights, settings.recursive)),
        }
    }

    fn weights(&self) -> &[f64] {
        match self {
            Self::Static(weights) | Self::Sgd(weights, _) => weights,
            Self::Rls(recursive) => recursive.weights(),
        }
    }

    fn update(&mut self, row: &[f64], error: f64) {
        match self {
            Self::Static(_) => {}
            Self::Sgd(weights, rate) => {
                let step = *rate * error / (STEP_FLOOR + dot(row, row));
                weights.iter_mut().zip(row).for_each(|(weight, cell)| *weight += step * cell);
            }
            Self::Rls(recursive) => recursive.update(row, error),
        }
    }
}

/// The number of models whose pairs have corrections of their own: those that the fit names first.
fn paired(models: usize) -> usize {
    models.min(MAX_PAIRED)
}

/// A linear model of slowdowns.
#[derive(Clone, Debug)]
pub(super) struct FeatureModel {
    profile: Profile,
    settings: Settings,
    learner: Learner,
    /// Models that the fit knows.
    models: usize,
    /// Corrections by own model, or by own model and co-runner.
    biases: Vec<f64>,
}

type Row = [f64; MAX_UNKNOWNS];

impl FeatureModel {
    /// Fits the weights to the slowdowns of pairs by least squares; without pairs they are those of no interference.
    pub(super) fn fit(
        predictor: &'static str,
        settings: Settings,
        training: &Training<'_>,
    ) -> Result<Self, FitError> {
        let profile = Profile::required(predictor, training.measurements, settings.gpu)?;
        let models = training.measurements.names.len();
        let unknowns = FEATURES + if settings.indicators { 2 * models.min(MAX_INDICATED) } else { 0 };
        let biases = match settings.bias {
            BiasRule::None => 0,
            BiasRule::Model => models,
            BiasRule::Pair => paired(models) * paired(models),
        };
        let mut weights = vec![0.0; unknowns];
        if !settings.gated {
            weights[FEATURES - 1] = 1.0;
        }
        let (learner, biases) = (Learner::new(weights, &settings), vec![0.0; biases]);
        let mut model = Self { profile, settings, learner, models, biases };
        let mut system = LeastSquares::new(unknowns);
        for (query, slowdown) in slowdowns(training.measurements) {
            let row = model.row(&query);
            system.add(&row, slowdown - model.base(), 1.0);
        }
        let rows = system.rows();
        if (1..FEATURES).contains(&rows) {
            let wants = QueryKind::CoRun.rows();
            return Err(FitError::TooFew {
                predictor,
                wants,
                needs: FEATURES.div_ceil(2),
                has: rows.div_ceil(2),
            });
        }
        if rows > 0 {
            model.learner = Learner::new(system.solve(), &model.settings);
        }
        Ok(model)
    }

    /// The same with given weights of the utilisations, such as published ones.
    pub(super) fn with_weights(mut self, weights: [f64; FEATURES]) -> Self {
        self.learner = Learner::new(weights.into(), &self.settings);
        self
    }

    /// The slowdown of an inference of which all features are 0.
    const fn base(&self) -> f64 {
        if self.settings.gated { 1.0 } else { 0.0 }
    }

    /// The features of an inference.
    fn row(&self, query: &CoRun<'_>) -> Row {
        let mut row = [0.0; MAX_UNKNOWNS];
        match query.overlap {
            Overlap::Whole => {
                let running = Running::first(query.others.len());
                if let Some(phi) = self.profile.features(query, running) {
                    self.add(&mut row, query, running, phi, 1.0);
                }
            }
            Overlap::Intervals(intervals) => self.weigh(query, intervals, &mut row),
        }
        if !self.settings.gated {
            let [own_l2, own_dram] = self.profile.utilised(&query.own);
            (row[0], row[2], row[4]) = (own_l2, own_dram, 1.0);
        }
        row
    }

    /// Adds the features of each interval by its weight.
    fn weigh(&self, query: &CoRun<'_>, intervals: &[Interval], row: &mut Row) {
        let mut total = 0.0;
        // Of the running average, what the intervals that are newer leave.
        let mut left = 1.0;
        for (position, interval) in intervals.iter().enumerate().rev() {
            let phi = self.profile.features(query, interval.running);
            let weight = match self.settings.overlap {
                OverlapRule::Full => f64::from(u8::from(position == 0)),
                OverlapRule::Ewma if position == 0 => left,
                OverlapRule::Ewma => {
                    let weight = left * self.settings.newest(interval.wall_us);
                    left -= weight;
                    weight
                }
                OverlapRule::Wall => interval.wall_us,
                // Wall time divided by the slowdown is the work that is done in it.
                OverlapRule::Work => {
                    let slowdown = |phi: &[f64; FEATURES]| self.base() + dot(phi, self.learner.weights());
                    interval.wall_us / phi.as_ref().map_or(1.0, slowdown).clamp(1.0, MAX_SLOWDOWN)
                }
            };
            total += weight;
            if let Some(phi) = phi {
                self.add(row, query, interval.running, phi, weight);
            }
        }
        // Lengths that add up to nothing weigh nothing.
        let scale = if total > 0.0 && total.is_finite() { 1.0 / total } else { 0.0 };
        row.iter_mut().for_each(|cell| *cell *= scale);
    }

    /// Adds the features of an interval, and the indicators of its models.
    fn add(&self, row: &mut Row, query: &CoRun<'_>, running: Running, phi: [f64; FEATURES], weight: f64) {
        row.iter_mut().zip(phi).for_each(|(cell, feature)| *cell += weight * feature);
        if !self.settings.indicators {
            return;
        }
        let indicated = self.models.min(MAX_INDICATED);
        let mut indicate = |model: ModelKey, from: usize| {
            if model.index() < indicated {
                row[from + model.index()] += weight;
            }
        };
        indicate(query.own.model, FEATURES);
        for (position, other) in query.others.iter().enumerate() {
            if running.has(position) {
                indicate(other.model, FEATURES + indicated);
            }
        }
    }

    /// The place of the correction of an inference, if it has one.
    fn bias_at(&self, query: &CoRun<'_>) -> Option<usize> {
        let own = query.own.model.index();
        let place = match (self.settings.bias, query.others) {
            (BiasRule::Model, _) => own,
            (BiasRule::Pair, [other]) => {
                let (models, other) = (paired(self.models), other.model.index());
                return (own < models && other < models).then_some(own * models + other);
            }
            _ => return None,
        };
        (own < self.models).then_some(place)
    }

    fn slowdown(&self, query: &CoRun<'_>, row: &Row) -> f64 {
        let bias = self.bias_at(query).and_then(|place| self.biases.get(place)).copied().unwrap_or(0.0);
        self.base() + dot(self.learner.weights(), row) + bias
    }
}

impl Predictor for FeatureModel {
    fn predict(&self, query: &Query<'_>) -> Option<Prediction> {
        let Query::CoRun(query) = query else { return None };
        if query.is_alone() {
            return Some(Prediction::exactly(query.own.solo_us));
        }
        let slowdown = self.slowdown(query, &self.row(query)).clamp(1.0, MAX_SLOWDOWN);
        Some(Prediction::exactly(query.own.solo_us * slowdown))
    }

    fn observe(&mut self, query: &Query<'_>, observed_us: f64) {
        let Query::CoRun(query) = query else { return };
        let observed = observed_us / query.own.solo_us;
        if query.is_alone() || !observed.is_finite() || observed <= 0.0 {
            return;
        }
        let row = self.row(query);
        let error = observed - self.slowdown(query, &row);
        let unknowns = self.learner.weights().len();
        self.learner.update(&row[..unknowns], error);
        if let Some(bias) = self.bias_at(query).and_then(|place| self.biases.get_mut(place)) {
            *bias += self.settings.bias_rate * error;
        }
    }

    fn boxed_clone(&self) -> Box<dyn Predictor> {
        Box::new(self.clone())
    }
}
