//! Boosted trees on what the walk leaves over.
//!
//! Features are of the segments by their length and not by their names, so that what is learnt carries over to mixes that
//! were never measured.

use libm::{exp, log};

use super::timeline::Module;
use crate::Segment;
use crate::predictors::trees::Trees;

pub(super) const FEATURES: usize = 13;
/// Trees of a fit.
const TREES: usize = 100;
/// Largest error that counts, and largest correction, as logarithms.
const CLIP: f64 = 0.05;
const MAX: f64 = 0.3;

/// Segment as the features need it.
#[derive(Clone, Copy, Debug, Default)]
struct Summary {
    /// Time alone, in microseconds.
    alone: f64,
    /// Time that it keeps the GPU busy, in microseconds.
    busy: f64,
    batch: f64,
    modules: f64,
}

/// The features of sorted segments whose group takes a time by the walk, of which a part is fixed.
pub(super) fn features(
    segments: &[Segment],
    ends: &[usize],
    modules: &[Module],
    time: f64,
    fixed: f64,
) -> [f64; FEATURES] {
    let (mut longest, mut second, mut all) = (Summary::default(), Summary::default(), Summary::default());
    let mut begin = 0;
    for (segment, &end) in segments.iter().zip(ends) {
        let mut summary = Summary { batch: f64::from(segment.batch), ..Summary::default() };
        for module in &modules[begin..end] {
            summary.alone += module.alone();
            summary.busy += module.work;
            summary.modules += 1.0;
        }
        begin = end;
        all.alone += summary.alone;
        all.busy += summary.busy;
        if summary.alone > longest.alone {
            (longest, second) = (summary, longest);
        } else if summary.alone > second.alone {
            second = summary;
        }
    }
    let part = |of: f64, whole: f64| if whole > 0.0 { of / whole } else { 0.0 };
    [
        log(time),
        time / (all.alone + fixed),
        longest.alone / (all.alone + fixed),
        log(longest.alone + fixed),
        log(second.alone + fixed),
        part(longest.busy, longest.alone),
        part(second.busy, second.alone),
        longest.batch,
        second.batch,
        longest.modules,
        second.modules,
        all.busy / (longest.alone + fixed),
        longest.alone / time,
    ]
}

/// Correction of a time by features.
#[derive(Clone, Debug)]
pub(super) struct Residual(Trees<FEATURES>);

impl Residual {
    /// Fits to the logarithms of observed over predicted times.
    pub(super) fn fit(rows: &[[f64; FEATURES]], errors: &[f64]) -> Self {
        Self(Trees::fit(rows, errors, TREES, CLIP))
    }

    /// Factor of a time.
    pub(super) fn factor(&self, features: &[f64; FEATURES]) -> f64 {
        exp(self.0.predict(features).clamp(-MAX, MAX))
    }
}
