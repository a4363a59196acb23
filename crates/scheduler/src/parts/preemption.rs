//! When a running job makes room for another.

use rtmm_hardware::AcceleratorId;
use rtmm_workload::{Duration, Time};

use crate::decision::Preemption;
use crate::job::{JobId, Progress};
use crate::parameters::{Parameter, ParameterError, Parameters};
use crate::view::{Segment, View};

/// Whether a segment may be ended early, and how soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreemptionRule {
    /// Segments run to their end.
    Never,
    /// At the next layer boundary.
    Layer,
    /// At the next quantum of a layer, where it has quanta.
    Quantum,
}

impl PreemptionRule {
    /// `preemption`, with the default of a policy.
    #[must_use]
    pub const fn parameter(default: &'static str) -> Parameter {
        let meaning = "whether a job that comes first stops a segment, and how soon";
        super::word("preemption", meaning, default, &["never", "layer", "quantum"])
    }

    /// Reads the parameter.
    ///
    /// # Errors
    /// [`ParameterError`] where it is missing.
    pub fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let words = [("never", Self::Never), ("layer", Self::Layer), ("quantum", Self::Quantum)];
        parameters.meaning("preemption", &words)
    }

    /// How soon a segment ends; none if it may not.
    #[must_use]
    pub const fn mode(self) -> Option<Preemption> {
        match self {
            Self::Never => None,
            Self::Layer => Some(Preemption::Layer),
            Self::Quantum => Some(Preemption::Quantum),
        }
    }
}

/// The layer that a segment will stand before at its next layer boundary, by the profile; none
/// where that could be its end, or could have been passed.
///
/// Nothing is said beyond the first layer after which something may be skipped or the inference may
/// end: what happens there cannot be known beforehand, and a segment that is about to end cannot be
/// preempted. Layers that compete for memory take no less than the profile says, so that whoever
/// runs late is before the boundary, not after it. Takes a step a layer for such models, and the
/// logarithm of that for others.
#[must_use]
pub fn next_boundary(view: &View<'_>, accelerator: AcceleratorId, segment: &Segment) -> Option<Progress> {
    let (profile, model, from) = (view.profile, segment.model, segment.from.layer);
    let column = profile.column(accelerator);
    let all = profile.remaining(model, from, column);
    if all != profile.worst_remaining(model, from, column) {
        return walk(view, column, segment);
    }
    let latency = profile.latency(model, from, column).picoseconds();
    let done = latency - rest_of(Duration::from_picoseconds(latency), segment.from).picoseconds();
    let ran = view.now.saturating_since(segment.started).picoseconds().saturating_add(done);
    let has_passed = |layer: u32| {
        let after = profile.remaining(model, layer + 1, column).picoseconds();
        view.now >= segment.started && all.picoseconds().saturating_sub(after) <= ran
    };
    let (mut low, mut high) = (from, segment.stop.saturating_sub(1));
    while low < high {
        let middle = low + (high - low) / 2;
        if has_passed(middle) { low = middle + 1 } else { high = middle }
    }
    (low < segment.stop.saturating_sub(1)).then(|| Progress::at(low + 1))
}

/// [`next_boundary`], layer by layer.
fn walk(view: &View<'_>, column: usize, segment: &Segment) -> Option<Progress> {
    let (profile, model, from) = (view.profile, segment.model, segment.from);
    let mut boundary = segment.started;
    for layer in from.layer..segment.stop.saturating_sub(1) {
        let latency = profile.latency(model, layer, column);
        let after = profile.remaining(model, layer + 1, column);
        if profile.remaining(model, layer, column) != latency.saturating_add(after) {
            return None;
        }
        let part = if layer == from.layer { rest_of(latency, from) } else { latency };
        boundary = boundary.saturating_add(part);
        if view.now < boundary {
            return Some(Progress::at(layer + 1));
        }
    }
    None
}

/// What is left of a layer that some quanta of are done, rounded down.
fn rest_of(latency: Duration, from: Progress) -> Duration {
    let (quantum, quanta) = (u128::from(from.quantum), u128::from(from.quanta.max(1)));
    let done = (u128::from(latency.picoseconds()) * quantum).div_ceil(quanta);
    let done = u64::try_from(done).unwrap_or(u64::MAX);
    Duration::from_picoseconds(latency.picoseconds().saturating_sub(done))
}

/// The segments that were told to end early, and run still.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// By accelerator: the job, and when its segment was dispatched.
    segments: Vec<Option<(JobId, Time)>>,
}

impl Told {
    /// Whether a segment was told. The view goes on to show where it would have ended otherwise.
    pub(crate) fn has(&self, accelerator: AcceleratorId, segment: &Segment) -> bool {
        self.segments.get(accelerator.index()) == Some(&Some((segment.job, segment.dispatched)))
    }

    /// Remembers a segment that is told now.
    pub(crate) fn insert(&mut self, accelerator: AcceleratorId, segment: &Segment) {
        let index = accelerator.index();
        if self.segments.len() <= index {
            self.segments.resize(index + 1, None);
        }
        self.segments[index] = Some((segment.job, segment.dispatched));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Extent;
    use crate::fixture::{Fixture, TaskSketch};

    #[track_caller]
    fn check(sketch: TaskSketch, from: Progress, now_us: u64, expected: Option<u32>) {
        let mut fixture = Fixture::new(&[sketch]).unwrap();
        let job = fixture.ready(0, 0, 100);
        fixture.change(job, |job| job.progress = from);
        fixture.run(job, 0, Extent::Rest);
        fixture.set_now(now_us);
        let view = fixture.view();
        let (accelerator, segment, _) = view.running().next().unwrap();
        assert_eq!(
            next_boundary(&view, accelerator, segment).map(|progress| progress.layer),
            expected,
            "from {from:?} at {now_us}"
        );
        let walked = walk(&view, view.profile.column(accelerator), segment);
        assert_eq!(walked.map(|progress| progress.layer), expected, "from {from:?} at {now_us}, walked");
    }

    #[test]
    fn the_next_boundary_is_found_by_the_profile_until_the_last_layer_begins() {
        let plain = TaskSketch::new("a", &[&[2], &[4], &[1], &[3]]);
        for (from, now_us, expected) in [
            (0, 0, Some(1)),
            (0, 1, Some(1)),
            (0, 2, Some(2)),
            (0, 5, Some(2)),
            (0, 6, Some(3)),
            (0, 7, None),
        ] {
            check(plain.clone(), Progress::at(from), now_us, expected);
        }
        check(plain.clone(), Progress::at(2), 0, Some(3));
        check(plain.clone(), Progress::at(3), 0, None);
        // Three of four quanta are done: one microsecond is left.
        let late = Progress { layer: 1, quantum: 3, quanta: 4 };
        check(plain.clone(), late, 0, Some(2));
        check(plain, late, 1, Some(3));
    }
}
