//! Prequential streams: predict a row, score it, then learn from it.

use super::split::order;
use crate::measurements::Measurements;
use crate::replay::Answer;
use crate::{Predictor, Query};

/// Answers of a stream, row by row: two of a pair, one of a group.
#[derive(Clone, Debug, Default)]
pub struct Streamed {
    /// The answers in the order of the stream.
    pub rows: Vec<Vec<Answer>>,
}

impl Streamed {
    /// All answers.
    pub fn answers(&self) -> impl Iterator<Item = Answer> {
        self.rows.iter().flatten().copied()
    }
}

/// Queries of a row, each with what was observed of it.
type Asked<'m> = Vec<(Query<'m>, Option<f64>)>;

/// All rows in file order (`order` 0), or in a random one of that number: the pairs, then the groups.
fn asked(rows: &Measurements, order_number: u64) -> impl Iterator<Item = Asked<'_>> {
    let places = move |count: usize, name: &str| match order_number {
        0 => (0..count).collect(),
        seed => order(count, seed, name),
    };
    let pairs = places(rows.pairs.len(), "stream of pairs").into_iter().map(|place| {
        rows.pairs[place].queries().map(|(query, observed)| (Query::from(query), observed)).into()
    });
    let groups = places(rows.groups.len(), "stream of groups").into_iter().map(|place| {
        let group = &rows.groups[place];
        vec![(Query::Group(&group.segments), group.observed_us)]
    });
    pairs.chain(groups)
}

fn answered(predictor: &dyn Predictor, asked: &Asked<'_>) -> Vec<Answer> {
    let answer = |(query, observed_us): &(Query<'_>, Option<f64>)| {
        let prediction = predictor.predict(query)?;
        Some(Answer { prediction, observed_us: *observed_us })
    };
    asked.iter().filter_map(answer).collect()
}

fn show(predictor: &mut dyn Predictor, asked: &Asked<'_>) {
    for (query, observed) in asked {
        if let Some(observed) = observed {
            predictor.observe(query, *observed);
        }
    }
}

/// Streams all pairs of some measurements, then all groups, in file order (`order_number` 0) or in a random one of that
/// number. Of a row all is predicted before any of it is observed.
#[must_use]
pub fn stream(predictor: &mut dyn Predictor, rows: &Measurements, order_number: u64) -> Streamed {
    let mut streamed = Streamed::default();
    for row in asked(rows, order_number) {
        streamed.rows.push(answered(predictor, &row));
        show(predictor, &row);
    }
    streamed
}

/// Answers on all rows of a stream behind the first `seen`, from a predictor that observes those and no more.
#[must_use]
pub fn after(predictor: &dyn Predictor, rows: &Measurements, order_number: u64, seen: usize) -> Vec<Answer> {
    let mut predictor = predictor.boxed_clone();
    let mut answers = Vec::new();
    for (position, row) in asked(rows, order_number).enumerate() {
        if position < seen {
            show(predictor.as_mut(), &row);
        } else {
            answers.extend(answered(predictor.as_ref(), &row));
        }
    }
    answers
}
