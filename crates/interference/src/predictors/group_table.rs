//! A coarse table of segment groups: the mean time by what is told of them, the models or also their batches.
//!
//! It ignores which modules a segment has, as tables by model do. What a key was never measured for has the mean of a
//! coarser one.

use std::collections::BTreeMap;

use rtmm_workload::parameters::{Choice, Declared, Schema};

use crate::{FitError, ModelKey, Prediction, Predictor, PredictorRow, Query, QueryKind, Segment};

const NAME: &str = "group-table";

/// The parts of a group that a key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Detail {
    Models,
    Batches,
}

const DETAIL: Choice<Detail> = Choice::new(
    "detail",
    "parts of a group that the table is by",
    Detail::Batches,
    &[("models", Detail::Models), ("batches", Detail::Batches)],
);

/// Models of a group, each with its batch and sequence where the key has them; sorted.
type Key = Vec<(ModelKey, u32, u32)>;

/// Mean times.
#[derive(Clone, Debug)]
struct GroupTable {
    detail: Detail,
    means: BTreeMap<(Detail, Key), (f64, u32)>,
    all: f64,
}

fn key(segments: &[Segment], detail: Detail) -> (Detail, Key) {
    let of = |segment: &Segment| match detail {
        Detail::Models => (segment.model, 0, 0),
        Detail::Batches => (segment.model, segment.batch, segment.sequence),
    };
    let mut key: Key = segments.iter().map(of).collect();
    key.sort_unstable();
    (detail, key)
}

/// The row of the registry.
pub(super) fn row() -> PredictorRow {
    let declared: &[&dyn Declared] = &[&DETAIL];
    PredictorRow::new(NAME, Schema::of(&[declared]), &[QueryKind::Group], |parameters, training| {
        let detail = parameters.read(&DETAIL);
        let mut means: BTreeMap<(Detail, Key), (f64, u32)> = BTreeMap::new();
        let (mut sum, mut count) = (0.0, 0_u32);
        for group in &training.measurements.groups {
            let Some(observed) = group.observed_us else { continue };
            let mut keys = vec![key(&group.segments, Detail::Models), key(&group.segments, detail)];
            keys.dedup();
            for key in keys {
                let mean = means.entry(key).or_default();
                *mean = (mean.0 + observed, mean.1 + 1);
            }
            (sum, count) = (sum + observed, count + 1);
        }
        if count == 0 {
            return Err(FitError::NoRows { predictor: NAME, wants: QueryKind::Group.rows() });
        }
        Ok(Box::new(GroupTable { detail, means, all: sum / f64::from(count) }))
    })
    .with_summary("the mean time of groups of the same models and batches, whatever their segments")
    .calibrated()
}

impl Predictor for GroupTable {
    fn predict(&self, query: &Query<'_>) -> Option<Prediction> {
        let Query::Group(segments) = query else { return None };
        let mean =
            |detail| self.means.get(&key(segments, detail)).map(|(sum, count)| sum / f64::from(*count));
        Some(Prediction::exactly(mean(self.detail).or_else(|| mean(Detail::Models)).unwrap_or(self.all)))
    }

    fn observe(&mut self, _: &Query<'_>, _: f64) {}

    fn boxed_clone(&self) -> Box<dyn Predictor> {
        Box::new(self.clone())
    }
}
