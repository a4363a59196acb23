//! When a running job makes room for another.

use rtmm_workload::Duration;
use rtmm_workload::parameters::{Choice, Declared, Parameters};

use crate::decision::Preemption;
use crate::job::Progress;
use crate::run::Run;
use crate::view::View;

/// Preemption rules: whether a segment may be ended early, and at which boundary.
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
    /// `preemption`.
    const WORD: Choice<Self> = Choice::new(
        "preemption",
        "whether a job that comes first stops a segment, and how soon",
        Self::Never,
        &[("never", Self::Never), ("layer", Self::Layer), ("quantum", Self::Quantum)],
    );

    /// Its parameters.
    pub const PARAMETERS: &[&dyn Declared] = &[&Self::WORD];

    /// Reads its parameters.
    #[must_use]
    pub fn read(parameters: &Parameters) -> Self {
        parameters.read(&Self::WORD)
    }

    /// The boundary at which a segment ends early; none if it may not.
    #[must_use]
    pub const fn mode(self) -> Option<Preemption> {
        match self {
            Self::Never => None,
            Self::Layer => Some(Preemption::Layer),
            Self::Quantum => Some(Preemption::Quantum),
        }
    }
}

/// The progress that a segment's job should have made when the segment could end; none if that is its end.
///
/// By the profile, as expected: a segment of a model that skips or exits may really be elsewhere, and
/// one that competes for memory may be behind. Preempting one that is about to end changes nothing.
/// At quanta it is inside the layer that runs, if that has any to stop at: compared as any further,
/// the job would come back at once. Takes the logarithm of the segment's layers, or a step a layer
/// for models that skip or exit.
#[must_use]
pub fn next_boundary(view: &View<'_>, run: &Run, mode: Preemption) -> Option<Progress> {
    let last = run.stop.saturating_sub(1);
    let layer = expected_layer(view, run, last);
    let quanta = view.profile.quanta(run.model, layer, run.class);
    match mode {
        Preemption::Quantum if quanta > 1 => Some(Progress::at(layer)),
        Preemption::Layer | Preemption::Quantum => (layer < last).then(|| Progress::at(layer + 1)),
    }
}

/// The layer that a run should be in now, at most its last one.
fn expected_layer(view: &View<'_>, run: &Run, last: u32) -> u32 {
    let (profile, model, from, class) = (view.profile, run.model, run.from.layer, run.class);
    let all = profile.remaining(model, from, class);
    let latency = profile.latency(model, from, class).picoseconds();
    let done = latency - rest_of(Duration::from_picoseconds(latency), run.from).picoseconds();
    let ran = view.now.saturating_since(run.started).picoseconds().saturating_add(done);
    let has_passed = |layer: u32| {
        let after = profile.remaining(model, layer + 1, class).picoseconds();
        view.now >= run.started && all.picoseconds().saturating_sub(after) <= ran
    };
    // What is left never grows from layer to layer only where nothing is skipped.
    if all == profile.worst_remaining(model, from, class) {
        let (mut low, mut high) = (from, last);
        while low < high {
            let middle = low + (high - low) / 2;
            if has_passed(middle) { low = middle + 1 } else { high = middle }
        }
        low
    } else {
        (from..last).find(|layer| !has_passed(*layer)).unwrap_or(last)
    }
}

/// The remaining latency of a layer of which some quanta are done, rounded down.
fn rest_of(latency: Duration, from: Progress) -> Duration {
    let (quantum, quanta) = (u128::from(from.quantum), u128::from(from.quanta.max(1)));
    let done = (u128::from(latency.picoseconds()) * quantum).div_ceil(quanta);
    let done = u64::try_from(done).unwrap_or(u64::MAX);
    Duration::from_picoseconds(latency.picoseconds().saturating_sub(done))
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
        let run = view.runs().next().unwrap();
        assert_eq!(
            next_boundary(&view, run, Preemption::Layer).map(|progress| progress.layer),
            expected,
            "from {from:?} at {now_us}"
        );
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
