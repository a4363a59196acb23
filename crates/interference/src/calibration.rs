//! Upper bounds by conformal calibration: a quantile of the latest ratios of observed to predicted latencies.
//!
//! Before anything is observed, the ratios are those of measurements that a fit left out: whole combinations of models, one
//! after the other, since those to predict may be new, too; single rows where there are fewer than three combinations. The
//! window forgets its oldest ratio with each observation, so that the bound follows drift and memory stays as it is.

use std::collections::VecDeque;

use rtmm_workload::parameters::{Integer, Parameters, Real};

use crate::measurements::Measurements;
use crate::protocols::{Split, combinations, partition, random_folds};
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
/// Ratios of left-out measurements that an observed one takes the place of.
const SEEDS_A_RATIO: usize = 4;
/// Part of the window that left-out measurements fill where another device is predicted.
const OTHER_DEVICE: usize = 10;

/// Latest ratios, in the order in which they came and sorted; the first of them may be those of left-out measurements.
#[derive(Clone, Debug)]
struct Window {
    latest: VecDeque<f64>,
    sorted: Vec<f64>,
    capacity: usize,
    /// Ratios that were not observed.
    seeds: usize,
}

impl Window {
    /// A window of so many ratios, that begins with the given ones.
    fn new(capacity: usize, seeds: &[f64]) -> Self {
        let (latest, sorted) = (VecDeque::with_capacity(capacity), Vec::with_capacity(capacity));
        let mut window = Self { latest, sorted, capacity, seeds: 0 };
        seeds.iter().take(capacity).for_each(|ratio| window.insert(*ratio));
        window.seeds = window.latest.len();
        window
    }

    fn insert(&mut self, ratio: f64) {
        self.latest.push_back(ratio);
        let place = self.sorted.partition_point(|known| known.total_cmp(&ratio).is_lt());
        self.sorted.insert(place, ratio);
    }

    fn forget(&mut self) {
        let Some(oldest) = self.latest.pop_front() else { return };
        let place = self.sorted.partition_point(|known| known.total_cmp(&oldest).is_lt());
        self.sorted.remove(place);
        self.seeds = self.seeds.saturating_sub(1);
    }

    /// Takes in an observed ratio. It takes the place of the oldest one, or of several that were not observed.
    fn push(&mut self, ratio: f64) {
        let forgotten = match self.seeds {
            0 => usize::from(self.latest.len() == self.capacity),
            seeds => seeds.min(SEEDS_A_RATIO),
        };
        (0..forgotten).for_each(|_| self.forget());
        self.insert(ratio);
    }

    /// The least ratio that bounds a next one with the given probability, if it is like those of the window.
    fn quantile(&self, coverage: f64) -> Option<f64> {
        let place = libm::ceil((self.sorted.len() + 1) as f64 * coverage) as usize;
        self.sorted.get(place.saturating_sub(1)).or(self.sorted.last()).copied()
    }
}

/// A predictor whose upper bounds are calibrated.
#[derive(Clone, Debug)]
struct Calibrated {
    inner: Box<dyn Predictor>,
    window: Window,
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
        let ratio = self.window.quantile(self.coverage).unwrap_or(1.0).max(1.0);
        Some(Prediction::new(predicted.mean_us(), predicted.mean_us() * ratio))
    }

    fn observe(&mut self, query: &Query<'_>, observed_us: f64) {
        if let Some(ratio) = ratio(self.inner.as_ref(), query, observed_us) {
            self.window.push(ratio);
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
    let window = Window::new(capacity, &(0..seeds).filter_map(at).collect::<Vec<_>>());
    Ok(Box::new(Calibrated { inner, window, coverage: parameters.read(&COVERAGE) }))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_holds_the_latest_ratios_and_their_quantile() {
        let mut window = Window::new(10, &[]);
        assert_eq!(window.quantile(0.9), None);
        for ratio in 1..=25 {
            window.push(f64::from(ratio));
        }
        assert_eq!(window.sorted, (16..=25).map(f64::from).collect::<Vec<_>>());
        assert_eq!(window.quantile(0.5), Some(21.0));
        assert_eq!(window.quantile(0.999), Some(25.0));
        assert_eq!((window.latest.len(), window.sorted.len()), (10, 10));
    }

    #[test]
    fn observed_ratios_take_the_places_of_several_that_were_not() {
        let mut window = Window::new(10, &[9.0; 10]);
        window.push(1.0);
        window.push(2.0);
        assert_eq!(window.sorted, [1.0, 2.0, 9.0, 9.0]);
        window.push(3.0);
        assert_eq!((window.sorted.as_slice(), window.seeds), (&[1.0, 2.0, 3.0][..], 0));
    }
}
