//! A rate model integrated over the overlap: an inference loses a part of its rate that depends on who runs beside it.
//!
//! Between changes of the co-runners an inference progresses at the rate `r = 1 - θ φ`, at least 0.2, with gpulet's features
//! `φ`. Then `t - t0 = Σ dt θ φ` is linear in `θ` in the observed wall times, so that recursive least squares learns from
//! partial overlaps without bias. The form is for one co-runner at a time: of several, each lost rate would be added, and two
//! fair sharers lose half each; beside several the slowdown `1 + Σ (1 / r - 1)` of the single ones is taken, as if each were
//! the only one. `granularity = coarse` takes the co-runners at dispatch to the end, with the same weights: what the
//! overlap is worth.

use rtmm_workload::parameters::{Choice, Declared, Schema};

use super::feature_model::{COVARIANCE, FORGETTING};
use crate::linear::{LeastSquares, Recursive, RecursiveOptions, dot, unordered_sum};
use crate::profile::{FEATURES, Profile};
use crate::slowdowns::slowdowns;
use crate::{
    CoRun, FitError, Overlap, Prediction, Predictor, PredictorRow, Query, QueryKind, Running, Training,
};

const NAME: &str = "rate";

/// The least rate beside one co-runner.
const MIN_RATE: f64 = 0.2;
/// The largest error, as a part of the solo latency, that counts.
const CLIP: f64 = 1.0;

/// Use that is made of the overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Granularity {
    Fine,
    Coarse,
}

const GRANULARITY: Choice<Granularity> = Choice::new(
    "granularity",
    "fine: rates by interval; coarse: the co-runners at dispatch to the end",
    Granularity::Fine,
    &[("fine", Granularity::Fine), ("coarse", Granularity::Coarse)],
);

/// True for weights that stay as they were fitted.
const UPDATE: Choice<bool> = Choice::new(
    "update",
    "rule by which weights follow observations",
    false,
    &[("static", true), ("rls", false)],
);

/// The rate model.
#[derive(Clone, Debug)]
struct Rate {
    profile: Profile,
    granularity: Granularity,
    is_static: bool,
    learner: Recursive,
}

/// The row of the registry.
pub(super) fn row() -> PredictorRow {
    let declared: &[&dyn Declared] = &[&GRANULARITY, &UPDATE, &FORGETTING, &COVARIANCE];
    PredictorRow::new(NAME, Schema::of(&[declared]), &[QueryKind::CoRun], |parameters, training| {
        let options = RecursiveOptions {
            forgetting: parameters.read(&FORGETTING),
            covariance: parameters.read(&COVARIANCE),
            clip: CLIP,
        };
        let is_static = parameters.read(&UPDATE);
        let granularity = parameters.read(&GRANULARITY);
        Ok(Box::new(Rate::fit(training, granularity, is_static, options)?))
    })
    .with_summary(
        "lost rate linear in utilisations, integrated over the overlap; follows by recursive least squares",
    )
    .calibrated()
}

impl Rate {
    fn fit(
        training: &Training<'_>,
        granularity: Granularity,
        is_static: bool,
        options: RecursiveOptions,
    ) -> Result<Self, FitError> {
        let profile = Profile::required(NAME, training.measurements, None)?;
        let mut system = LeastSquares::new(FEATURES);
        for (query, slowdown) in slowdowns(training.measurements) {
            if let Some(phi) = profile.features(&query, Running::first(query.others.len())) {
                system.add(&phi, 1.0 - 1.0 / slowdown, 1.0);
            }
        }
        let rows = system.rows();
        if (1..FEATURES).contains(&rows) {
            let wants = QueryKind::CoRun.rows();
            return Err(FitError::TooFew {
                predictor: NAME,
                wants,
                needs: FEATURES.div_ceil(2),
                has: rows.div_ceil(2),
            });
        }
        let learner = Recursive::new(system.solve(), options);
        Ok(Self { profile, granularity, is_static, learner })
    }

    /// The rate that is lost in an interval, as a part of the rate alone.
    fn loss(&self, query: &CoRun<'_>, running: Running) -> f64 {
        let alone = |position: usize| Running::NONE.with(position);
        let one = |position: usize| {
            let phi = self.profile.features(query, alone(position))?;
            Some(dot(self.learner.weights(), &phi).clamp(0.0, 1.0 - MIN_RATE))
        };
        let mut losses = (0..query.others.len()).filter(|other| running.has(*other)).filter_map(one);
        match (losses.next(), losses.next()) {
            (None, _) => 0.0,
            (Some(loss), None) => loss,
            (Some(first), Some(second)) => {
                let all = [first, second].into_iter().chain(losses);
                let excess = unordered_sum(all.map(|loss| 1.0 / (1.0 - loss) - 1.0));
                1.0 - 1.0 / (1.0 + excess)
            }
        }
    }

    fn slowdown(&self, query: &CoRun<'_>) -> f64 {
        let steady = |running| 1.0 / (1.0 - self.loss(query, running));
        match (query.overlap, self.granularity) {
            (Overlap::Whole, _) => steady(Running::first(query.others.len())),
            (Overlap::Intervals([]), _) => 1.0,
            (Overlap::Intervals([first, ..]), Granularity::Coarse) => steady(first.running),
            (Overlap::Intervals(intervals), Granularity::Fine) => {
                let lost =
                    intervals.iter().map(|interval| interval.wall_us * self.loss(query, interval.running));
                1.0 + lost.sum::<f64>() / query.own.solo_us
            }
        }
    }

    /// Features of the time that is lost, as a part of the solo latency; none beside several co-runners at a time.
    fn row(&self, query: &CoRun<'_>, observed: f64) -> Option<[f64; FEATURES]> {
        let mut row = [0.0; FEATURES];
        let mut add = |running: Running, part: f64| {
            let count = (0..query.others.len()).filter(|other| running.has(*other)).count();
            if let Some(phi) = self.profile.features(query, running) {
                row.iter_mut().zip(phi).for_each(|(cell, feature)| *cell += part * feature);
            }
            count <= 1
        };
        let single = match (query.overlap, self.granularity) {
            (Overlap::Whole, _) => add(Running::first(query.others.len()), observed),
            (Overlap::Intervals([]), _) => false,
            (Overlap::Intervals([first, ..]), Granularity::Coarse) => add(first.running, observed),
            (Overlap::Intervals(intervals), Granularity::Fine) => {
                intervals.iter().all(|interval| add(interval.running, interval.wall_us / query.own.solo_us))
            }
        };
        single.then_some(row)
    }
}

impl Predictor for Rate {
    fn predict(&self, query: &Query<'_>) -> Option<Prediction> {
        let Query::CoRun(query) = query else { return None };
        if query.is_alone() {
            return Some(Prediction::exactly(query.own.solo_us));
        }
        Some(Prediction::exactly(query.own.solo_us * self.slowdown(query)))
    }

    fn observe(&mut self, query: &Query<'_>, observed_us: f64) {
        let Query::CoRun(query) = query else { return };
        let observed = observed_us / query.own.solo_us;
        if self.is_static || query.is_alone() || !observed.is_finite() || observed <= 0.0 {
            return;
        }
        if let Some(row) = self.row(query, observed) {
            let error = observed - 1.0 - dot(self.learner.weights(), &row);
            self.learner.update(&row, error);
        }
    }

    fn boxed_clone(&self) -> Box<dyn Predictor> {
        Box::new(self.clone())
    }
}
