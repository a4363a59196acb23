//! When a running job makes room for another.

use rtmm_workload::parameters::{Choice, Declared, Parameters};

use crate::decision::Preemption;
use crate::job::{Progress, before_quantum};
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
/// At quanta it is the first quantum of the layer that runs which is not over before now, at least one step
/// from where the segment began. Takes the logarithm of the segment's layers, or a step a layer for models
/// that skip or exit.
#[must_use]
pub fn next_boundary(view: &View<'_>, run: &Run, mode: Preemption) -> Option<Progress> {
    let last = run.stop.saturating_sub(1);
    let (layer, ran) = expected_layer(view, run, last);
    if mode.is_inside_layers()
        && let Some(progress) = next_quantum(view, run, layer, ran)
    {
        return Some(progress);
    }
    (layer < last).then(|| Progress::at(layer + 1))
}

/// The first quantum of a layer that is not done before `ran` picoseconds of it; none if that is the last.
fn next_quantum(view: &View<'_>, run: &Run, layer: u32, ran: u64) -> Option<Progress> {
    let quanta = view.profile.quanta(run.model, layer, run.class);
    let latency = view.profile.latency(run.model, layer, run.class).picoseconds();
    let done = if layer == run.from.layer { run.from.in_steps(quanta).quantum } else { 0 };
    let by_time = (u128::from(ran) * u128::from(quanta)).div_ceil(u128::from(latency.max(1)));
    let mut quantum = u32::try_from(by_time).unwrap_or(quanta).max(done + 1);
    while quantum < quanta && before_quantum(latency, quantum, quanta) < ran {
        quantum += 1;
    }
    (quantum < quanta).then_some(Progress { layer, quantum, quanta })
}

/// The layer that a run should be in now, at most its last one, and how much of that layer is over, in
/// picoseconds.
fn expected_layer(view: &View<'_>, run: &Run, last: u32) -> (u32, u64) {
    let (profile, model, from, class) = (view.profile, run.model, run.from.layer, run.class);
    let all = profile.remaining(model, from, class);
    let done = profile.done_of_layer(model, run.from, class).picoseconds();
    let ran = run.pace.done_at(view.now).picoseconds().saturating_add(done);
    let before =
        |layer: u32| all.picoseconds().saturating_sub(profile.remaining(model, layer, class).picoseconds());
    let has_passed = |layer: u32| view.now >= run.started && before(layer + 1) <= ran;
    // What is left never grows from layer to layer only where nothing is skipped.
    let layer = if all == profile.worst_remaining(model, from, class) {
        let (mut low, mut high) = (from, last);
        while low < high {
            let middle = low + (high - low) / 2;
            if has_passed(middle) { low = middle + 1 } else { high = middle }
        }
        low
    } else {
        (from..last).find(|layer| !has_passed(*layer)).unwrap_or(last)
    };
    (layer, ran.saturating_sub(before(layer)))
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
        check(plain.clone().quanta(4), late, 0, Some(2));
        check(plain.clone().quanta(4), late, 1, Some(3));
        // Without steps the layer begins anew.
        check(plain, late, 1, Some(2));
    }

    #[test]
    fn a_quantum_that_is_over_before_now_is_no_boundary() {
        let mut fixture = Fixture::new(&[TaskSketch::new("a", &[&[8], &[4]]).quanta(4)]).unwrap();
        let job = fixture.ready(0, 0, 100);
        fixture.change(job, |job| job.progress = Progress { layer: 0, quantum: 1, quanta: 4 });
        fixture.run(job, 0, Extent::Rest);
        // Six microseconds are left of the first layer, in steps of two; then four steps of one.
        let boundaries = [
            (0, Some((0, 2))),
            (1, Some((0, 2))),
            (2, Some((0, 2))),
            (3, Some((0, 3))),
            (5, Some((1, 0))),
            (6, Some((1, 1))),
            (8, Some((1, 2))),
            (9, Some((1, 3))),
            (10, None),
        ];
        for (now_us, expected) in boundaries {
            fixture.set_now(now_us);
            let view = fixture.view();
            let run = view.runs().next().unwrap();
            let found = next_boundary(&view, run, Preemption::Quantum);
            assert_eq!(found.map(|at| (at.layer, at.quantum)), expected, "at {now_us}");
        }
    }
}
