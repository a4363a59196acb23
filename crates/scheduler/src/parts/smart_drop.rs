//! Smart frame drop: a frame is dropped only if it is lost, and only if that helps another.
//!
//! Source: Kim et al., *DREAM: A Dynamic Scheduler for Dynamic Real-time Multi-model ML Workloads*, ASPLOS
//! 2023, which names four conditions. A frame that does not run is dropped where all of them hold:
//!
//! 1. it misses its deadline even if each of its layers runs at once where it is fastest, of the lightest
//!    variant that it can still run as;
//! 2. another live frame is expected to miss its own, at the mean latency over accelerators, or where its
//!    segment runs from the end of that on: there is another frame to help;
//! 3. of the task's frames that ended, the last `window - 1` hold fewer than `cap` that were dropped;
//! 4. no job waits for its output: its task is none that others depend on or, by `upstream =
//!    "without-consumers"`, no live job needs it. A job needs the latest frame that came no later than
//!    itself, of those that are live.
//!
//! Of several, the one goes first whose expected latency exceeds the time it has by most; of equal ones, those
//! that are ready before those that wait, and then the one that was released first. The constants and
//! the choice among several are this project's reading, and parameters.
//!
//! A decision takes a step a live job that the third and fourth condition do not rule out, and where one of
//! them is lost another one a live job; and one for each live job and job that waits where frames without
//! consumers go.

use rtmm_workload::parameters::{Choice, Integer, Parameters};
use rtmm_workload::{Duration, Time};

use crate::ids::JobId;
use crate::job::{Job, Progress};
use crate::parts::VariantChoice;
use crate::policy::Notice;
use crate::terms::{self, Score};
use crate::view::View;

/// The longest window: outcomes are bits of a word.
const LONGEST_WINDOW: u32 = 64;

/// The measure of the largest excess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// Expected latency less the time left.
    Difference,
    /// Expected latency over the time left; a late frame's excess is the greatest of all.
    Ratio,
}

/// The frames of tasks with dependents that are spared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SparedUpstream {
    /// All of them.
    Always,
    /// Those that a live job waits for.
    WithConsumers,
}

/// Smart frame drop with its record of how frames ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmartDrop {
    window: u32,
    cap: u32,
    excess: Excess,
    spared: SparedUpstream,
    /// By task: how its frames ended, the latest in the lowest bit; 1 for one that was dropped.
    outcomes: Vec<u64>,
    /// By task: whether others depend on it.
    is_upstream: Vec<bool>,
    /// By task: whether cap and dependents let one of its frames go.
    may_drop: Vec<bool>,
}

impl SmartDrop {
    /// `drop_window`.
    pub(super) const WINDOW: Integer<u32> = Integer::new(
        "drop_window",
        "drop = smart: frames of a task that its drops are counted over",
        10,
        1..=LONGEST_WINDOW,
    );

    /// `drop_cap`.
    pub(super) const CAP: Integer<u32> = Integer::new(
        "drop_cap",
        "drop = smart: the most drops among them; 0 drops none",
        2,
        0..=LONGEST_WINDOW,
    );

    /// `drop_excess`.
    pub(super) const EXCESS: Choice<Excess> = Choice::new(
        "drop_excess",
        "drop = smart: what says which of several goes first",
        Excess::Difference,
        &[("difference", Excess::Difference), ("ratio", Excess::Ratio)],
    );

    /// `drop_upstream`.
    pub(super) const UPSTREAM: Choice<SparedUpstream> = Choice::new(
        "drop_upstream",
        "drop = smart: when frames go whose task others depend on",
        SparedUpstream::Always,
        &[("never", SparedUpstream::Always), ("without-consumers", SparedUpstream::WithConsumers)],
    );

    /// Smart drop of at most `cap` in `window` frames, 64 at the most; nothing has ended yet.
    #[must_use]
    pub fn new(window: u32, cap: u32, excess: Excess, spared: SparedUpstream) -> Self {
        let window = window.clamp(1, LONGEST_WINDOW);
        Self {
            window,
            cap,
            excess,
            spared,
            outcomes: Vec::new(),
            is_upstream: Vec::new(),
            may_drop: Vec::new(),
        }
    }

    /// Reads its parameters.
    #[must_use]
    pub fn read(parameters: &Parameters) -> Self {
        Self::new(
            parameters.read(&Self::WINDOW),
            parameters.read(&Self::CAP),
            parameters.read(&Self::EXCESS),
            parameters.read(&Self::UPSTREAM),
        )
    }

    /// Learns of the tasks, at the first look at them.
    pub fn begin(&mut self, view: &View<'_>) {
        if self.outcomes.len() == view.tasks() {
            return;
        }
        self.outcomes = vec![0; view.tasks()];
        self.is_upstream = vec![false; view.tasks()];
        for task in (0..view.tasks()).map(rtmm_workload::TaskId::new) {
            for dependency in view.task(task).depends_on {
                self.is_upstream[dependency.task.index()] = true;
            }
        }
        self.may_drop = vec![false; view.tasks()];
        (0..view.tasks()).for_each(|task| self.settle(task));
    }

    /// Hears how frames end.
    pub fn notify(&mut self, notice: &Notice, view: &View<'_>) {
        let (id, outcome) = match *notice {
            Notice::Completed(id) => (id, 0),
            Notice::Dropped(id) => (id, 1),
            _ => return,
        };
        self.begin(view);
        if let Some(job) = view.job(id) {
            let outcomes = &mut self.outcomes[job.task.index()];
            *outcomes = *outcomes << 1 | outcome;
            self.settle(job.task.index());
        }
    }

    /// Sets whether another drop of a task keeps to the cap, as far as the task is one that may be dropped.
    fn settle(&mut self, task: usize) {
        let others = self.outcomes[task] & ((1_u64 << (self.window - 1)) - 1);
        let is_spared = self.is_upstream[task] && self.spared == SparedUpstream::Always;
        self.may_drop[task] = others.count_ones() < self.cap && !is_spared;
    }

    /// True if a job waits for a frame's output, where that matters.
    fn is_spared(&self, view: &View<'_>, job: &Job) -> bool {
        self.is_upstream[job.task.index()]
            && match self.spared {
                SparedUpstream::Always => true,
                SparedUpstream::WithConsumers => view.waiting().any(|waiting| needs(view, waiting, job)),
            }
    }

    /// The frame to drop.
    #[must_use]
    pub fn next(&self, view: &View<'_>, variants: &VariantChoice) -> Option<JobId> {
        // The conditions in the order of what they cost; all of them have to hold.
        if !self.may_drop.contains(&true) {
            return None;
        }
        let mut first: Option<(Score, JobId)> = None;
        for job in view.ready().chain(view.waiting()) {
            if !self.may_drop[job.task.index()] || !is_lost(view, variants, job) || self.is_spared(view, job)
            {
                continue;
            }
            if first.is_none() && !several_expected_to_miss(view) {
                return None;
            }
            let excess = self.excess(view, job);
            if first.is_none_or(|(of_first, _)| excess > of_first) {
                first = Some((excess, job.id));
            }
        }
        first.map(|(_, job)| job)
    }

    fn excess(&self, view: &View<'_>, job: &Job) -> Score {
        // In whole picoseconds, so that what is equal is found equal.
        let to_go = view.mean_remaining(job);
        let left_ps = terms::slack_ps(job.deadline, view.now, Duration::ZERO);
        Score(match self.excess {
            Excess::Difference => -terms::slack_ps(job.deadline, view.now, to_go) as f64,
            Excess::Ratio if left_ps > 0 => to_go.picoseconds() as f64 / left_ps as f64,
            Excess::Ratio => f64::INFINITY,
        })
    }
}

/// True if a job waits for the output of a frame: the latest of its task that came no later than the job.
fn needs(view: &View<'_>, waiting: &Job, frame: &Job) -> bool {
    let is_between = |other: &Job| {
        other.task == frame.task && other.arrival > frame.arrival && other.arrival <= waiting.arrival
    };
    let depends_on = view.task(waiting.task).depends_on;
    waiting.arrival >= frame.arrival
        && depends_on.iter().any(|need| need.task == frame.task)
        && !view.ready().chain(view.waiting()).any(is_between)
        && !view.running().any(|(_, other)| is_between(other))
}

/// True if a frame misses its deadline under every decision.
fn is_lost(view: &View<'_>, variants: &VariantChoice, job: &Job) -> bool {
    let least = view.profile.fastest_remaining(variants.lightest(job), job.progress);
    view.now.saturating_add(least) > job.deadline
}

/// True if two live frames or more are expected to miss their deadlines; a lost one is one of them.
fn several_expected_to_miss(view: &View<'_>) -> bool {
    let misses = |start: Time, job: &Job, from: Progress| {
        start.saturating_add(view.profile.mean_remaining(job.model, from)) > job.deadline
    };
    let lying = view.ready().chain(view.waiting()).filter(|job| misses(view.now, job, job.progress));
    let running = view
        .running()
        .filter(|(run, job)| misses(run.expected_end.max(view.now), job, Progress::at(run.stop)));
    lying.map(|_| ()).chain(running.map(|_| ())).nth(1).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Extent;
    use crate::fixture::{Fixture, TaskSketch};
    use crate::parts::{Queue, VariantRule};
    use rtmm_workload::{Dependency, TaskId};

    const DEFAULT: VariantChoice = VariantChoice::new(VariantRule::Default, Queue::None);

    fn rule(cap: u32) -> SmartDrop {
        SmartDrop::new(4, cap, Excess::Difference, SparedUpstream::Always)
    }

    /// The frame that a rule drops when it is told of the tasks for the first time.
    fn next(rule: &SmartDrop, fixture: &Fixture) -> Option<JobId> {
        let mut rule = rule.clone();
        rule.begin(&fixture.view());
        rule.next(&fixture.view(), &DEFAULT)
    }

    /// a takes 4 or 2, then 2 or 1: 4.5 in the mean, 3 at least. b takes 8 or 4: 6 and 4.
    fn two_tasks() -> Fixture {
        let tasks = [TaskSketch::new("a", &[&[4, 2], &[2, 1]]), TaskSketch::new("b", &[&[8, 4]])];
        Fixture::new(&tasks).unwrap()
    }

    #[test]
    fn each_condition_alone_makes_or_breaks_a_drop() {
        for (what, due_a, due_b, cap, is_upstream, drops) in [
            ("lost, and b0 is expected to miss without being lost", 2, 5, 2, false, true),
            ("1: where each layer is fastest it could just make it", 3, 5, 2, false, false),
            ("2: b0 is expected to make it", 2, 6, 2, false, false),
            ("3: no drop is allowed", 2, 5, 0, false, false),
            ("4: b depends on a", 2, 5, 2, true, false),
        ] {
            let mut fixture = two_tasks();
            let a0 = fixture.ready(0, 0, due_a);
            fixture.ready(1, 0, due_b);
            if is_upstream {
                fixture.change_task(1, |task| task.depends_on.push(Dependency::data(TaskId::new(0))));
            }
            assert_eq!(next(&rule(cap), &fixture), drops.then_some(a0), "{what}");
        }
    }

    #[test]
    fn who_is_expected_to_miss_may_be_ready_waiting_or_running() {
        // b0 runs on the second accelerator from 0 to 4, and waits or is ready as long as it has 6 to go.
        for (due_b, ready, waits, runs) in
            [(3, true, true, true), (4, true, true, false), (6, false, false, false)]
        {
            let state = |begin: &dyn Fn(&mut Fixture)| {
                let mut fixture = two_tasks();
                fixture.ready(0, 0, 2);
                begin(&mut fixture);
                next(&rule(2), &fixture).is_some()
            };
            let is_ready = state(&|fixture| {
                // It must not be dropped itself: 5 is enough for the faster accelerator.
                fixture.ready(1, 0, due_b.max(5));
            });
            assert_eq!(is_ready, ready, "ready, due at {due_b}");
            let is_waiting = state(&|fixture| {
                fixture.waiting(1, 0, due_b.max(5));
            });
            assert_eq!(is_waiting, waits, "waiting, due at {due_b}");
            let is_running = state(&|fixture| {
                let b0 = fixture.ready(1, 0, due_b);
                fixture.run(b0, 1, Extent::Rest);
            });
            assert_eq!(is_running, runs, "running, due at {due_b}");
        }
        // A segment that is one layer of two: a1 runs until 2, and takes (2 + 1) / 2 from there.
        for (due_us, drops) in [(3, true), (4, false)] {
            let mut fixture = two_tasks();
            let a0 = fixture.ready(0, 0, 2);
            let a1 = fixture.ready(0, 0, due_us);
            fixture.run(a1, 1, Extent::LAYER);
            assert_eq!(next(&rule(2), &fixture), drops.then_some(a0), "due at {due_us}");
        }
    }

    #[test]
    fn jobs_that_wait_go_and_running_ones_never() {
        let mut fixture = two_tasks();
        let waiting = fixture.waiting(0, 0, 2);
        let running = fixture.ready(1, 0, 1);
        fixture.run(running, 0, Extent::Rest);
        assert_eq!(next(&rule(2), &fixture), Some(waiting));
        // Alone with another that runs, no frame is dropped.
        let mut fixture = two_tasks();
        for (task, accelerator) in [(0, 0), (1, 1)] {
            let job = fixture.ready(task, 0, 1);
            fixture.run(job, accelerator, Extent::Rest);
        }
        assert_eq!(next(&rule(2), &fixture), None);
    }

    #[test]
    fn the_cap_counts_the_last_outcomes_of_the_task() {
        // Each letter is an outcome of a: dropped or completed. Whether a0 may go after it, cap 2 in 4.
        let mut fixture = two_tasks();
        let (a0, b0) = (fixture.ready(0, 0, 2), fixture.ready(1, 0, 5));
        let view = fixture.view();
        let may_go = |rule: &SmartDrop| rule.next(&view, &DEFAULT) == Some(a0);
        let mut of_two = rule(2);
        of_two.begin(&view);
        assert!(may_go(&of_two));
        for (step, (outcome, expected)) in [
            ('d', true),
            ('d', false),
            ('c', false),
            ('c', true),
            ('d', true),
            ('c', true),
            ('d', false),
            ('c', true),
            ('c', true),
        ]
        .into_iter()
        .enumerate()
        {
            // What becomes of another task's frames does not matter.
            of_two.notify(&Notice::Dropped(b0), &view);
            let notice = if outcome == 'd' { Notice::Dropped(a0) } else { Notice::Completed(a0) };
            of_two.notify(&notice, &view);
            assert_eq!(may_go(&of_two), expected, "after outcome {step}");
        }
        // A window of one frame has no other frame in it; one of 64 remembers 63.
        for (window, cap, drops, completions, expected) in [
            (1, 1, 5, 0, true),
            (1, 0, 0, 5, false),
            (64, 64, 64, 0, true),
            (64, 63, 63, 0, false),
            (64, 1, 1, 62, false),
            (64, 1, 1, 63, true),
            (10, 2, 2, 7, false),
            (10, 2, 2, 8, true),
        ] {
            let mut rule = SmartDrop::new(window, cap, Excess::Difference, SparedUpstream::Always);
            (0..drops).for_each(|_| rule.notify(&Notice::Dropped(a0), &view));
            (0..completions).for_each(|_| rule.notify(&Notice::Completed(a0), &view));
            rule.begin(&view);
            assert_eq!(may_go(&rule), expected, "{cap} in {window} after {drops} and {completions}");
        }
    }

    #[test]
    fn of_several_the_one_goes_that_exceeds_its_time_by_most() {
        let by = |excess| SmartDrop::new(10, 2, excess, SparedUpstream::Always);
        let tasks = [TaskSketch::new("a", &[&[5, 5]]), TaskSketch::new("b", &[&[9, 9]])];
        // a has 5 to go, b 9. Less the time left, and over it:
        for (now_us, due_a, due_b, difference, ratio) in [
            // 5 - 2 and 9 - 6; 5/2 and 9/6: equal differences go by release.
            (0, 2, 6, 0, 0),
            // 5 - 2 and 9 - 5; 5/2 and 9/5.
            (0, 2, 5, 1, 0),
            // a0 is late by 1: 5 + 1 and 9 - 2; its ratio is the greatest of all.
            (3, 2, 5, 1, 0),
            // Both are late: 5 + 1 and 9 + 1; by ratio the first one of those goes.
            (3, 2, 2, 1, 0),
        ] {
            let mut fixture = Fixture::new(&tasks).unwrap();
            let jobs = [fixture.ready(0, 0, due_a), fixture.ready(1, 0, due_b)];
            fixture.set_now(now_us);
            assert_eq!(next(&by(Excess::Difference), &fixture), Some(jobs[difference]), "{due_a} {due_b}");
            assert_eq!(next(&by(Excess::Ratio), &fixture), Some(jobs[ratio]), "{due_a} {due_b}");
        }
        // Where the worst one must stay, the next goes.
        let mut fixture = Fixture::new(&tasks).unwrap();
        let (a0, b0) = (fixture.ready(0, 0, 2), fixture.ready(1, 0, 5));
        let mut rule = by(Excess::Difference);
        for _ in 0..2 {
            assert_eq!(next(&rule, &fixture), Some(b0));
            rule.notify(&Notice::Dropped(b0), &fixture.view());
        }
        assert_eq!(next(&rule, &fixture), Some(a0));
    }

    #[test]
    fn a_task_that_others_depend_on_is_spared_always_or_while_it_is_needed() {
        // c depends on a. a0 is lost, and b0 is expected to miss.
        for (what, consumer_us, later_us, goes) in [
            ("no job waits", None, None, true),
            ("c0 waits for a0", Some(1), None, false),
            ("c0 came before a0 and needs an earlier frame", Some(0), None, true),
            ("c0 waits for a1, which came after a0", Some(3), Some(2), true),
            ("c0 waits for a1, which came with it", Some(3), Some(3), true),
            ("c0 waits for a0, since a1 came later than c0", Some(3), Some(4), false),
        ] {
            let tasks = [
                TaskSketch::new("a", &[&[4, 4]]),
                TaskSketch::new("b", &[&[8, 4]]),
                TaskSketch::new("c", &[&[1, 1]]),
            ];
            let mut fixture = Fixture::new(&tasks).unwrap();
            fixture.change_task(2, |task| task.depends_on.push(Dependency::data(TaskId::new(0))));
            let a0 = fixture.ready(0, 1, 7);
            fixture.ready(1, 1, 9);
            if let Some(arrival_us) = later_us {
                fixture.ready(0, arrival_us, 90);
            }
            if let Some(arrival_us) = consumer_us {
                fixture.waiting(2, arrival_us, 90);
            }
            fixture.set_now(4);
            let by = |spared| next(&SmartDrop::new(4, 2, Excess::Difference, spared), &fixture);
            assert_eq!(by(SparedUpstream::Always), None, "{what}");
            assert_eq!(by(SparedUpstream::WithConsumers), goes.then_some(a0), "{what}");
        }
    }

    #[test]
    fn a_frame_is_lost_when_the_lightest_of_its_networks_is() {
        let light = TaskSketch::new("light", &[&[2, 4]]);
        let tasks = [TaskSketch::new("a", &[&[8, 8]]).variant(light), TaskSketch::new("b", &[&[8, 4]])];
        for (due_us, by_default, of_all) in
            [(1, true, true), (2, true, false), (7, true, false), (8, false, false)]
        {
            let mut fixture = Fixture::new(&tasks).unwrap();
            let a0 = fixture.ready(0, 0, due_us);
            fixture.ready(1, 0, 5);
            let mut rule = rule(2);
            rule.begin(&fixture.view());
            for (of, expected) in [(VariantRule::Default, by_default), (VariantRule::LargestThatFits, of_all)]
            {
                let mut variants = VariantChoice::new(of, Queue::None);
                variants.begin(&fixture.view());
                let found = rule.next(&fixture.view(), &variants);
                assert_eq!(found, expected.then_some(a0), "{of:?}, due at {due_us}");
            }
            // Once it has begun as the heavy one, that is what it is.
            fixture.change(a0, |job| job.started = true);
            let mut variants = VariantChoice::new(VariantRule::LargestThatFits, Queue::None);
            variants.begin(&fixture.view());
            assert_eq!(rule.next(&fixture.view(), &variants), by_default.then_some(a0), "due at {due_us}");
        }
    }
}
