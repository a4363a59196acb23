//! Rows of tables shown to a predictor: observed in order, or predicted.

use crate::measurements::Rows;
use crate::{Prediction, Predictor, Query};

/// Shows labelled rows to a predictor, in order; of a pair the first inference, then the second.
pub fn observe(predictor: &mut dyn Predictor, rows: &Rows) {
    match rows {
        Rows::Pairs(pairs) => {
            for (query, observed) in pairs.iter().flat_map(|pair| pair.queries()) {
                if let Some(observed) = observed {
                    predictor.observe(&query.into(), observed);
                }
            }
        }
        Rows::Groups(groups) => {
            for group in groups {
                if let Some(observed) = group.observed_us {
                    predictor.observe(&Query::Group(&group.segments), observed);
                }
            }
        }
    }
}

/// A prediction with what was observed of it, in microseconds, where that is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// The prediction.
    pub prediction: Prediction,
    /// The observation.
    pub observed_us: Option<f64>,
}

/// Predicts rows, without learning from them: of a pair two answers, of a group one. None where the predictor was fitted
/// to another kind of query.
#[must_use]
pub fn predict(predictor: &dyn Predictor, rows: &Rows) -> Option<Vec<Answer>> {
    let answer = |query: Query<'_>, observed_us| {
        predictor.predict(&query).map(|prediction| Answer { prediction, observed_us })
    };
    match rows {
        Rows::Pairs(pairs) => pairs
            .iter()
            .flat_map(|pair| pair.queries())
            .map(|(query, observed)| answer(query.into(), observed))
            .collect(),
        Rows::Groups(groups) => {
            groups.iter().map(|group| answer(Query::Group(&group.segments), group.observed_us)).collect()
        }
    }
}
