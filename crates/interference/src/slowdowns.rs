//! Slowdowns: latencies beside others as multiples of solo latencies.

use crate::measurements::Measurements;
use crate::{CoRun, Overlap};

/// Every inference of the measured pairs with its slowdown, in the order of the rows, `a` before `b`.
pub(crate) fn slowdowns(measurements: &Measurements) -> impl Iterator<Item = (CoRun<'_>, f64)> {
    measurements.pairs.iter().flat_map(|pair| {
        pair.queries()
            .into_iter()
            .filter_map(|(query, observed)| observed.map(|observed| (query, observed / query.own.solo_us)))
    })
}

/// The part of its latency in which an inference has a co-runner, from 0 to 1.
pub(crate) fn overlapped(query: &CoRun<'_>) -> f64 {
    match query.overlap {
        Overlap::Whole => f64::from(u8::from(!query.others.is_empty())),
        Overlap::Intervals(intervals) => {
            let is_beside = |running: crate::Running| (0..query.others.len()).any(|other| running.has(other));
            let (mut beside, mut total) = (0.0, 0.0);
            for interval in intervals {
                total += interval.wall_us;
                if is_beside(interval.running) {
                    beside += interval.wall_us;
                }
            }
            if total > 0.0 { beside / total } else { 0.0 }
        }
    }
}
