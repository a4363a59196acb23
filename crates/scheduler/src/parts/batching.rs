//! Batches: how many jobs of one model run at once, and how long they wait for each other.
//!
//! A batch forms of ready jobs that have not started, of one model, in the order of the policy. It runs to its end whatever the
//! granularity, since the end of a segment would dissolve it. It has at most as many jobs as `batch_limit` and the accelerator
//! allow.
//!
//! `up-to-n` takes the jobs that are ready, and waits for none.
//!
//! `deadline-aware` takes the largest batch with which all of its jobs are expected to meet their deadlines, where jobs that would
//! be late alone hold nothing up. Where that is all jobs that there are, and one more could still meet the deadlines, it waits
//! until that is no longer so: a batch of one more would then begin too late, if what else is ready ran before it. Others may run
//! meanwhile where they leave an accelerator for each batch that waits, or are expected to be over before the first of them has
//! to begin.
//!
//! ```text
//! end(n)  = now + decision + switch(n) + latency of a batch of n
//! due(n)  = the earliest deadline of the first n jobs that is at or after end(1)
//! size    = the largest n with end(n) <= due(n), from 1 on; `batch_limit` at most
//! others  = latency of the ready jobs of other models, in batches as large as may be, over the number of accelerators
//! wait    = due(size) - end(size + 1) - others where no more jobs are ready, and that is above zero
//! ```

use rtmm_hardware::{AcceleratorId, ClassId, MAX_BATCH};
use rtmm_workload::parameters::{Choice, Declared, Integer, Parameters};
use rtmm_workload::{Duration, ModelId, Time};

use crate::decision::{Decision, Decisions};
use crate::ids::JobId;
use crate::job::Job;
use crate::view::View;

/// Tag of the timers of batches that wait.
const TAG: u64 = u64::MAX;

/// The number of jobs that a run carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batching {
    /// One.
    None,
    /// So many of those that are ready.
    UpTo(u32),
    /// So many, which may wait for each other, as far as deadlines allow.
    DeadlineAware(u32),
}

/// [`Batching`] without its bound.
#[derive(Clone, Copy, PartialEq)]
enum Word {
    None,
    UpToN,
    DeadlineAware,
}

/// A run that a batch could be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer<'o, 'v> {
    pub view: &'o View<'v>,
    pub model: ModelId,
    pub on: AcceleratorId,
    /// The class of one job.
    pub class: ClassId,
    /// The time of the decision.
    pub decision: Duration,
}

/// Outcome for jobs that could be a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// The first so many run now.
    Run(u32),
    /// All of them wait until then at the latest.
    Wait(Time),
}

impl Batching {
    /// `batching`.
    const WORD: Choice<Word> = Choice::new(
        "batching",
        "whether jobs of one model run at once, where accelerators run batches, and whether they wait for each other",
        Word::None,
        &[("none", Word::None), ("up-to-n", Word::UpToN), ("deadline-aware", Word::DeadlineAware)],
    )
    .unstated_at_default();

    /// `batch_limit`.
    const LIMIT: Integer<u32> =
        Integer::new("batch_limit", "most jobs of a batch, where accelerators run as many", 8, 1..=MAX_BATCH)
            .unstated_at_default();

    /// Its parameters.
    pub const PARAMETERS: &[&dyn Declared] = &[&Self::WORD, &Self::LIMIT];

    /// Reads its parameters.
    #[must_use]
    pub fn read(parameters: &Parameters) -> Self {
        let limit = parameters.read(&Self::LIMIT);
        match parameters.read(&Self::WORD) {
            Word::None => Self::None,
            Word::UpToN => Self::UpTo(limit),
            Word::DeadlineAware => Self::DeadlineAware(limit),
        }
    }

    /// True if batches may form on the platform of a view.
    #[must_use]
    pub fn is_on(self, view: &View<'_>) -> bool {
        self != Self::None && view.profile.has_batches()
    }

    /// True if jobs may wait while an accelerator is idle.
    #[must_use]
    pub const fn waits(self) -> bool {
        matches!(self, Self::DeadlineAware(_))
    }

    /// The most jobs of a batch.
    pub(super) fn most(self, offer: &Offer<'_, '_>) -> u32 {
        let largest = offer.view.profile.largest_batch(offer.model, offer.on, offer.class);
        match self {
            Self::None => 1,
            Self::UpTo(limit) | Self::DeadlineAware(limit) => limit.min(largest),
        }
    }

    /// The number of jobs that run now, of those with these deadlines, in the order of the policy; at least one. There are at
    /// most `most` of them.
    pub(super) fn size(self, offer: &Offer<'_, '_>, deadlines: &[Time], most: u32) -> Size {
        let ready = deadlines.len() as u32;
        if !self.waits() || most <= 1 {
            return Size::Run(ready.max(1));
        }
        let alone = offer.end(1);
        let mut due = Time::MAX;
        let mut size = 0;
        for (deadline, jobs) in deadlines.iter().zip(1_u32..) {
            let with = if *deadline < alone { due } else { due.min(*deadline) };
            if jobs > 1 && offer.end(jobs) > with {
                return Size::Run(size);
            }
            (due, size) = (with, jobs);
        }
        let one_more = if size < most { offer.end(size + 1) } else { Time::MAX };
        if due < Time::MAX && due > one_more {
            let last = one_more.saturating_add(offer.others(self));
            if due > last {
                return Size::Wait(offer.view.now.saturating_add(due.saturating_since(last)));
            }
        }
        Size::Run(size.max(1))
    }
}

impl Offer<'_, '_> {
    /// When a job is expected to be over, or a batch of so many of which it is the first.
    pub(super) fn end_of(&self, job: &Job, jobs: u32) -> Time {
        if !job.started {
            return self.end(jobs);
        }
        let latency = self.view.profile.remaining(job.model, job.progress, self.class);
        self.view.now.saturating_add(self.decision).saturating_add(latency)
    }

    /// The expected latency of the ready jobs of other models here, in batches as large as may be, over the number of accelerators.
    /// Takes a step a ready job and model.
    fn others(&self, batching: Batching) -> Duration {
        let Self { view, on, class, .. } = *self;
        let others = || view.ready().filter(|job| job.model != self.model);
        let is_first = |job: &&Job| {
            others().find(|other| !other.started && other.model == job.model).map(|first| first.id)
                == Some(job.id)
        };
        let mut total = 0_u64;
        for job in others().filter(|job| job.started || is_first(job)) {
            let of_one = Self { model: job.model, ..*self };
            let count = if job.started {
                1
            } else {
                others().filter(|other| !other.started && other.model == job.model).count() as u32
            };
            let most = batching.most(&of_one).clamp(1, count.max(1));
            let class = view.profile.in_batch(class, most).unwrap_or(view.profile.whole(on));
            let latency = view.profile.remaining(job.model, job.progress, class).picoseconds();
            total = total.saturating_add(latency.saturating_mul(count.div_ceil(most).into()));
        }
        Duration::from_picoseconds(total / view.accelerators.len().max(1) as u64)
    }

    /// When a batch of so many is expected to be over that begins now; never for one that the accelerator does not run.
    pub(super) fn end(&self, jobs: u32) -> Time {
        let Self { view, model, on, class, decision } = *self;
        let Some(class) = view.profile.in_batch(class, jobs) else { return Time::MAX };
        let switch = view.switch_time_of_batch(model, on, jobs);
        let latency = view.profile.remaining(model, 0, class);
        view.now.saturating_add(decision).saturating_add(switch).saturating_add(latency)
    }
}

/// Jobs that could be in a batch with a first one, by keys of the policy's own; used again and again.
#[derive(Clone, Debug)]
pub(super) struct Candidates<K> {
    others: Vec<(K, u64, JobId)>,
    deadlines: Vec<Time>,
}

impl<K> Default for Candidates<K> {
    fn default() -> Self {
        Self { others: Vec::new(), deadlines: Vec::new() }
    }
}

impl<K: Ord> Candidates<K> {
    /// Gathers the ready jobs that could be in a batch of at most `most` with `first`, those with the least keys first and of
    /// equal ones the earliest release. Jobs without a key cannot.
    pub(super) fn gather(
        &mut self,
        view: &View<'_>,
        first: &Job,
        most: u32,
        mut key: impl FnMut(&Job) -> Option<K>,
    ) {
        self.others.clear();
        self.deadlines.clear();
        self.deadlines.push(first.deadline);
        if most <= 1 {
            return;
        }
        for job in view.ready().filter(|job| !job.started && job.id != first.id) {
            self.others.extend(key(job).map(|key| (key, job.sequence, job.id)));
        }
        self.others.sort_unstable();
        self.others.truncate(most as usize - 1);
        let deadlines = self.others.iter().filter_map(|(.., id)| Some(view.job(*id)?.deadline));
        self.deadlines.extend(deadlines);
    }

    /// The deadlines of the first job and of the others, in their order.
    pub(super) fn deadlines(&self) -> &[Time] {
        &self.deadlines
    }

    /// The jobs that are in a batch of so many beside the first one.
    pub(super) fn others_of(&self, size: u32) -> impl Iterator<Item = JobId> {
        self.others.iter().take(size.saturating_sub(1) as usize).map(|(.., id)| *id)
    }
}

/// Batches that wait, and jobs that make room for them, in one look at all jobs.
#[derive(Clone, Debug, Default)]
pub(super) struct Waits {
    /// Models of which nothing runs now, each with whether that is of jobs which have started.
    passed: Vec<(ModelId, bool)>,
    /// The number of batches that wait, and when the first of them has to begin.
    waiting: usize,
    until: Option<Time>,
    /// The timer that was set last.
    timer: Option<Time>,
}

impl Waits {
    /// Begins a look.
    pub(super) fn begin(&mut self) {
        self.passed.clear();
        (self.waiting, self.until) = (0, None);
    }

    /// True if jobs of a model, started or not, were looked at and do not run now.
    pub(super) fn has_passed(&self, model: ModelId, started: bool) -> bool {
        self.passed.contains(&(model, started))
    }

    /// Nothing of a model runs now.
    pub(super) fn pass(&mut self, model: ModelId, started: bool) {
        self.passed.push((model, started));
    }

    /// A batch of a model waits.
    pub(super) fn wait(&mut self, model: ModelId, until: Time) {
        self.pass(model, false);
        self.waiting += 1;
        self.until = Some(self.until.map_or(until, |first| first.min(until)));
    }

    /// True if a batch waits.
    pub(super) const fn is_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// True if a run that is expected to end at `end` is in the way of no batch that waits.
    pub(super) fn leaves_room(&self, view: &View<'_>, end: Time) -> bool {
        view.free.len() > self.waiting || self.until.is_none_or(|until| end <= until)
    }

    /// Asks to be asked again when the first batch has to begin.
    pub(super) fn set_timer(&mut self, out: &mut Decisions) {
        if self.until.is_some() && self.until != self.timer {
            self.timer = self.until;
            out.extend(self.until.map(|at| Decision::SetTimer { at, tag: TAG }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, TaskSketch};
    use crate::policy::Policy;
    use crate::registry;

    fn policy(name: &str, settings: &[(&str, &str)]) -> Box<dyn Policy> {
        let row = registry::policy(name).unwrap();
        let mut parameters = row.defaults();
        for (key, text) in settings {
            parameters.set_text(key, text).unwrap();
        }
        row.build(&parameters).unwrap()
    }

    /// One accelerator that runs up to four at once: `a` takes 4, a batch of `n` of it (n + 1) / 2 times as long: 6, 8, 10. `b`
    /// takes 2, and 3 for two.
    fn fixture() -> Fixture {
        let tasks = [TaskSketch::new("a", &[&[1], &[3]]), TaskSketch::new("b", &[&[2]])];
        Fixture::batching(&tasks, 4).unwrap()
    }

    #[test]
    fn up_to_n_takes_what_is_ready_in_the_order_of_the_policy() {
        for (limit, due_us, expected) in [
            ("8", &[40, 20, 30][..], "a1+a2+a0>0"),
            ("2", &[40, 20, 30], "a1+a2>0"),
            ("1", &[40, 20, 30], "a1>0:1"),
            ("8", &[40, 20, 30, 50, 60], "a1+a2+a0+a3>0"),
            ("8", &[5, 50], "a0+a1>0"),
            ("8", &[50], "a0>0:1"),
        ] {
            let mut fixture = fixture();
            for (frame, due_us) in due_us.iter().enumerate() {
                fixture.ready(0, frame as u64, *due_us);
            }
            fixture.ready(1, 0, 90);
            let mut edf = policy("edf", &[("batching", "up-to-n"), ("batch_limit", limit)]);
            assert_eq!(fixture.settle(edf.as_mut()), expected, "{limit} {due_us:?}");
        }
    }

    #[test]
    fn every_policy_of_these_parts_forms_batches() {
        for (name, expected) in [
            ("edf", "a0+a1>0"),
            ("fcfs", "a0+a1>0"),
            ("least-slack", "a0+a1>0"),
            ("dream-mapscore", "a0+a1>0"),
            ("dysta", "a0+a1>0"),
            ("latency-greedy", "a0+a1>0"),
            ("sdrm3", "a0+a1>0"),
        ] {
            let mut fixture = fixture();
            fixture.ready(0, 0, 20);
            fixture.ready(0, 1, 20);
            let mut policy = policy(name, &[("batching", "up-to-n")]);
            assert_eq!(fixture.settle(policy.as_mut()), expected, "{name}");
        }
    }

    #[test]
    fn a_deadline_aware_batch_is_the_largest_that_meets_its_deadlines() {
        for (due_us, expected) in [
            // Alone 4, two 6, three 8, four 10.
            (&[10, 20, 30, 40][..], "a0+a1+a2+a3>0"),
            (&[9, 20, 30, 40], "a0+a1+a2>0"),
            (&[7, 20, 30, 40], "a0+a1>0"),
            (&[5, 20, 30, 40], "a0>0:1"),
            // Late in any case: it holds nothing up.
            (&[3, 20, 30, 40], "a0+a1+a2+a3>0"),
            (&[3, 7, 30, 40], "a0+a1>0"),
            (&[1, 2, 3, 3], "a0+a1+a2+a3>0"),
            // All that there are, and one more could still come until 20 - 10, until 8 - 6, and not at 10 - 10.
            (&[20, 20, 20], "timer 10"),
            (&[8], "timer 2"),
            (&[10, 20, 30], "a0+a1+a2>0"),
            (&[6], "a0>0:1"),
            // Nothing to wait for where all are late.
            (&[3], "a0>0:1"),
        ] {
            for name in ["edf", "fcfs", "dream-mapscore"] {
                let mut fixture = fixture();
                for (frame, due_us) in due_us.iter().enumerate() {
                    fixture.ready(0, frame as u64, *due_us);
                }
                let mut policy = policy(name, &[("batching", "deadline-aware"), ("granularity", "layer")]);
                assert_eq!(fixture.settle(policy.as_mut()), expected, "{name} {due_us:?}");
                assert_eq!(fixture.settle(policy.as_mut()), "", "{name} says it once");
            }
        }
    }

    #[test]
    fn a_batch_that_waits_lets_others_run_that_are_over_before_it_has_to_begin() {
        for (name, due_us, expected) in [
            // `a` waits until 12 - 6 less 2 for `b`, `b` until 10 - 3 less 4 for `a`.
            ("edf", [12, 10], "timer 3"),
            // `b` cannot wait: it runs, and is over at 2.
            ("edf", [12, 2], "b0>0:1"),
            ("fcfs", [12, 2], "b0>0:1"),
            // `a` waits until 9 - 6 - 2 = 1; `b`, which is late, would be over at 2.
            ("edf", [9, 1], "b0>0:1"),
            ("fcfs", [9, 1], "timer 1"),
            // Nothing is left to wait for.
            ("fcfs", [8, 1], "a0>0:1"),
        ] {
            let mut fixture = fixture();
            fixture.ready(0, 0, due_us[0]);
            fixture.ready(1, 0, due_us[1]);
            let mut policy = policy(name, &[("batching", "deadline-aware"), ("granularity", "layer")]);
            assert_eq!(fixture.settle(policy.as_mut()), expected, "{name} {due_us:?}");
        }
    }

    #[test]
    fn a_batch_that_waits_stops_nothing_before_it_has_to_begin() {
        for (batching, due_us, expected) in [
            // One more `b` could still come until 30 - 3, and not at 3 - 3.
            ("deadline-aware", 30, "timer 27"),
            ("deadline-aware", 3, "preempt 0"),
            ("up-to-n", 30, "preempt 0"),
            ("none", 30, "preempt 0"),
        ] {
            for name in ["edf", "fcfs"] {
                let mut fixture = fixture();
                // `b` is due first, and was released first.
                let waiting = fixture.ready(1, 0, due_us);
                let running = fixture.ready(0, 0, 90);
                fixture.change(running, |job| job.arrival = Time::MAX);
                fixture.run(running, 0, crate::Extent::Rest);
                let settings = [("batching", batching), ("granularity", "model"), ("preemption", "layer")];
                let mut policy = policy(name, &settings);
                assert_eq!(fixture.settle(policy.as_mut()), expected, "{name} {batching} {due_us}");
                assert_eq!(fixture.settle(policy.as_mut()), "", "{name} says it once");
                assert_eq!(fixture.view().job(waiting).map(|job| job.started), Some(false));
            }
        }
    }

    #[test]
    fn a_job_that_has_started_runs_alone() {
        let mut fixture = fixture();
        let first = fixture.ready(0, 0, 20);
        fixture.run(first, 0, crate::Extent::LAYER);
        fixture.stop(0, 1);
        fixture.ready(0, 1, 30);
        fixture.ready(0, 2, 30);
        let mut edf = policy("edf", &[("batching", "up-to-n")]);
        assert_eq!(fixture.settle(edf.as_mut()), "a0>0:1");
        fixture.stop(0, 2);
        // It is over; the others have not started.
        fixture.change(first, |job| job.deadline = Time::MAX);
        assert_eq!(fixture.settle(edf.as_mut()), "a1+a2>0");
    }
}
