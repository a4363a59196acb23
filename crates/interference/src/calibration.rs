//! Upper bounds by conformal calibration: a quantile of the latest ratios of observed to predicted latencies.
//!
//! Before anything is observed, the ratios are those of measurements that a fit left out: whole combinations of models, one
//! after the other, since those to predict may be new, too; single rows where there are fewer than three combinations. The
//! window forgets its oldest ratio with each observation, so that the bound follows drift and memory stays as it is.

use rtmm_workload::parameters::{Integer, Parameters, Real};

use crate::measurements::Measurements;
use crate::protocols::{Split, combinations, partition, random_folds};
use crate::ratios::Ratios;
use crate::registry::Fitted;
use crate::{Device, Prediction, Predictor, Query, Training};

pub(crate) const COVERAGE: Real =
    Real::new("coverage", "share of observations that the upper bound is to hold for", 0.9, 0.5..=0.999);
pub(crate) const WINDOW: Integer<u32> =
    Integer::new("window", "number of latest ratios that the upper bound is a quantile of", 200, 10..=10_000);

/// Parts that measurements are split into.
const FOLDS: u32 = 5;
/// The most left-out rows of a part that are predicted.
const MAX_ROWS: usize = 400;
/// Part of the window that left-out measurements fill where another device is predicted.
const OTHER_DEVICE: usize = 10;

/// A predictor whose upper bounds are calibrated.
#[derive(Clone, Debug)]
struct Calibrated {
    inner: Box<dyn Predictor>,
    ratios: Ratios,
    coverage: f64,
}

impl Predictor for Calibrated {
    fn predict(&self, query: &Query<'_>) -> Option<Prediction> {
        let predicted = self.inner.predict(query)?;
        if let Query::CoRun(query) = query
            && query.is_alone()
        {
            return Some(predicted);
        }
        let ratio = self.ratios.quantile(self.coverage).unwrap_or(1.0).max(1.0);
        Some(Prediction::new(predicted.mean_us(), predicted.mean_us() * ratio))
    }

    fn observe(&mut self, query: &Query<'_>, observed_us: f64) {
        if let Some(ratio) = ratio(self.inner.as_ref(), query, observed_us) {
            self.ratios.push(ratio);
        }
        self.inner.observe(query, observed_us);
    }

    fn boxed_clone(&self) -> Box<dyn Predictor> {
        Box::new(self.clone())
    }
}

/// An observed latency as a multiple of the predicted one; none where there is nothing to learn from it.
fn ratio(predictor: &dyn Predictor, query: &Query<'_>, observed_us: f64) -> Option<f64> {
    if let Query::CoRun(query) = query
        && query.is_alone()
    {
        return None;
    }
    let ratio = observed_us / predictor.predict(query)?.mean_us();
    (ratio.is_finite() && ratio > 0.0).then_some(ratio)
}

/// Fits a predictor, and calibrates its upper bounds by fits of the same function that leave rows out.
pub(crate) fn calibrated(
    parameters: &Parameters,
    training: &Training<'_>,
    fit: impl Fn(&Training<'_>) -> Fitted,
) -> Fitted {
    let inner = fit(training)?;
    let capacity = parameters.read(&WINDOW) as usize;
    let mut ratios = Vec::new();
    for Split { fit: rest, left_out, .. } in folds(training.measurements) {
        // A part that is too small to be fitted says nothing of the whole.
        let Ok(predictor) = fit(&Training { measurements: &rest, device: training.device }) else { continue };
        let count = left_out.pairs.len() + left_out.groups.len();
        let step = count.div_ceil(MAX_ROWS).max(1);
        for (query, observed) in left_out.pairs.iter().step_by(step).flat_map(|pair| pair.queries()) {
            ratios.extend(observed.and_then(|observed| ratio(predictor.as_ref(), &query.into(), observed)));
        }
        for group in left_out.groups.iter().step_by(step) {
            let query = Query::Group(&group.segments);
            ratios.extend(group.observed_us.and_then(|observed| ratio(predictor.as_ref(), &query, observed)));
        }
    }
    ratios.sort_by(f64::total_cmp);
    let seeds = match training.device {
        Device::Same => capacity,
        Device::New => capacity / OTHER_DEVICE,
    }
    .min(ratios.len());
    // In the middle of each of so many equal parts.
    let at = |seed: usize| ratios.get((2 * seed + 1) * ratios.len() / (2 * seeds)).copied();
    let ratios = Ratios::new(capacity, &(0..seeds).filter_map(at).collect::<Vec<_>>());
    Ok(Box::new(Calibrated { inner, ratios, coverage: parameters.read(&COVERAGE) }))
}

/// Splits by combinations of models where there are three or more, else by rows.
fn folds(measurements: &Measurements) -> Vec<Split> {
    let combinations = combinations(measurements);
    if combinations.len() < 3 {
        return random_folds(measurements, FOLDS, 0);
    }
    let part = |wanted: u32| {
        partition(measurements, String::new(), |row, _| {
            let place = combinations.binary_search(&row.combination()).unwrap_or(0);
            place % FOLDS as usize == wanted as usize
        })
    };
    (0..FOLDS).map(part).collect()
}
