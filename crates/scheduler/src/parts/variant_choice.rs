//! Supernet switching: which of its variants a job runs as.
//!
//! Source: Kim et al., *DREAM*, ASPLOS 2023, and Cai et al., *Once-for-All*, ICLR 2020: a task whose variants
//! share their weights can run a lighter one when time is short, for some accuracy. The variant is fixed at a
//! job's first dispatch, so that heavier ones come back by themselves once the load has fallen. Until then
//! scores see the task's default variant.
//!
//! The rule is this project's reading: the largest variant whose expected finish fits,
//!
//! ```text
//! now + queue + ToGo(variant) <= deadline        ToGo in the mean over accelerators
//! queue = sum of ToGo of the ready and running jobs that come before / number of accelerators
//! ```
//!
//! and the lightest where none does. Of a job that runs, ToGo is the rest of its segment where it runs, and
//! the mean from there on. Larger is what takes longer in the mean over accelerators; of equal variants, what is
//! stated first. A choice takes a step a live job and a variant.

use rtmm_workload::parameters::{Choice, Declared, Parameters};
use rtmm_workload::{Duration, ModelId, TaskId};

use crate::decision::VariantId;
use crate::job::Job;
use crate::view::View;

/// The rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariantRule {
    /// The task's default variant.
    Default,
    /// The largest one that is expected to be in time.
    LargestThatFits,
    /// The lightest one.
    Lightest,
}

/// The jobs whose work a job is expected to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// No other job's.
    None,
    /// Live jobs which are due no later.
    EarlierDeadlines,
    /// All live jobs.
    All,
}

/// Supernet switching.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariantChoice {
    rule: VariantRule,
    queue: Queue,
    /// By task: its variants, from the one that takes longest to the lightest; nothing where there is but one.
    orders: Vec<Vec<(VariantId, ModelId)>>,
}

impl VariantChoice {
    /// `variants`.
    const RULE: Choice<VariantRule> = Choice::new(
        "variants",
        "which network of a supernet a job runs as, settled at its first dispatch",
        VariantRule::Default,
        &[
            ("default", VariantRule::Default),
            ("largest-that-fits", VariantRule::LargestThatFits),
            ("lightest", VariantRule::Lightest),
        ],
    );

    /// `variant_queue`.
    const QUEUE: Choice<Queue> = Choice::new(
        "variant_queue",
        "variants = largest-that-fits: whose work comes before the job",
        Queue::EarlierDeadlines,
        &[("none", Queue::None), ("earlier-deadlines", Queue::EarlierDeadlines), ("all", Queue::All)],
    );

    /// Its parameters.
    pub const PARAMETERS: &[&dyn Declared] = &[&Self::RULE, &Self::QUEUE];

    /// A choice by a rule.
    #[must_use]
    pub const fn new(rule: VariantRule, queue: Queue) -> Self {
        Self { rule, queue, orders: Vec::new() }
    }

    /// Reads its parameters.
    #[must_use]
    pub fn read(parameters: &Parameters) -> Self {
        match parameters.read(&Self::RULE) {
            rule @ VariantRule::LargestThatFits => Self::new(rule, parameters.read(&Self::QUEUE)),
            // No other rule looks at jobs that come before.
            rule @ (VariantRule::Default | VariantRule::Lightest) => Self::new(rule, Queue::None),
        }
    }

    /// Learns of the tasks' variants, at the first look at them.
    #[inline]
    pub fn begin(&mut self, view: &View<'_>) {
        if self.rule != VariantRule::Default && self.orders.len() != view.tasks() {
            self.learn(view);
        }
    }

    fn learn(&mut self, view: &View<'_>) {
        let order = |task| {
            let variants = view.task(TaskId::new(task)).variants.iter().enumerate();
            let mut order: Vec<_> = variants.map(|(index, model)| (VariantId::new(index), *model)).collect();
            if order.len() < 2 {
                return Vec::new();
            }
            order.sort_by_key(|(_, model)| std::cmp::Reverse(view.profile.mean_remaining(*model, 0)));
            order
        };
        self.orders = (0..view.tasks()).map(order).collect();
    }

    fn order(&self, job: &Job) -> &[(VariantId, ModelId)] {
        if job.started { &[] } else { self.orders.get(job.task.index()).map_or(&[], Vec::as_slice) }
    }

    /// The lightest variant that a job can still run as.
    #[must_use]
    pub fn lightest(&self, job: &Job) -> ModelId {
        self.order(job).last().map_or(job.model, |(_, model)| *model)
    }

    /// The variant to dispatch a job as; none where that is settled.
    #[inline]
    #[must_use]
    pub fn choose(&self, view: &View<'_>, job: &Job) -> Option<(VariantId, ModelId)> {
        match self.order(job) {
            [] => None,
            order => self.choose_of(order, view, job),
        }
    }

    /// [`VariantChoice::choose`] of the variants from the largest to the lightest.
    fn choose_of(
        &self,
        order: &[(VariantId, ModelId)],
        view: &View<'_>,
        job: &Job,
    ) -> Option<(VariantId, ModelId)> {
        let (lightest, larger) = order.split_last()?;
        if self.rule == VariantRule::Lightest {
            return Some(*lightest);
        }
        let start = view.now.saturating_add(self.queued(view, job));
        let fits = |(_, model): &&(VariantId, ModelId)| {
            start.saturating_add(view.profile.mean_remaining(*model, 0)) <= job.deadline
        };
        Some(*larger.iter().find(fits).unwrap_or(lightest))
    }

    /// The expected time that a job waits for others.
    fn queued(&self, view: &View<'_>, job: &Job) -> Duration {
        if self.queue == Queue::None {
            return Duration::ZERO;
        }
        let comes_before =
            |other: &Job| other.id != job.id && (self.queue == Queue::All || other.deadline <= job.deadline);
        let mut work = Duration::ZERO;
        for other in view.ready().filter(|other| comes_before(other)) {
            work = work.saturating_add(view.mean_remaining(other));
        }
        for (run, other) in view.running().filter(|(_, other)| comes_before(other)) {
            work = work
                .saturating_add(run.expected_end.saturating_since(view.now))
                .saturating_add(view.profile.mean_remaining(other.model, run.stop));
        }
        let accelerators = view.accelerators.len().max(1) as u64;
        Duration::from_picoseconds(work.picoseconds() / accelerators)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Extent;
    use crate::fixture::{Fixture, TaskSketch};
    use crate::ids::JobId;

    /// `a` may run as 8, 2 or 4, stated in this order, alike on both accelerators; `b` takes 4 or 8.
    fn supernet() -> Fixture {
        let of = |name, latency_us: u64| TaskSketch::new(name, &[&[latency_us, latency_us]]);
        let a = of("a", 8).variant(of("light", 2)).variant(of("middle", 4));
        Fixture::new(&[a, TaskSketch::new("b", &[&[4, 8]])]).unwrap()
    }

    fn chosen(fixture: &Fixture, rule: VariantRule, queue: Queue, job: JobId) -> Option<usize> {
        let mut choice = VariantChoice::new(rule, queue);
        let view = fixture.view();
        choice.begin(&view);
        let job = view.job(job).unwrap();
        let found = choice.choose(&view, job);
        if let Some((variant, model)) = found {
            assert_eq!(view.task(job.task).variants[variant.index()], model);
        }
        found.map(|(variant, _)| variant.index())
    }

    #[test]
    fn the_largest_that_fits_by_latency_and_the_lightest_where_none_does() {
        for (due_us, expected) in [(20, 0), (8, 0), (7, 2), (4, 2), (3, 1), (2, 1), (1, 1)] {
            let mut fixture = supernet();
            let job = fixture.ready(0, 0, due_us);
            let found = |rule| chosen(&fixture, rule, Queue::None, job);
            assert_eq!(found(VariantRule::LargestThatFits), Some(expected), "due at {due_us}");
            assert_eq!(found(VariantRule::Lightest), Some(1), "due at {due_us}");
            assert_eq!(found(VariantRule::Default), None, "due at {due_us}");
        }
        // It is late: the lightest.
        let mut fixture = supernet();
        let job = fixture.ready(0, 0, 20);
        fixture.set_now(30);
        assert_eq!(chosen(&fixture, VariantRule::LargestThatFits, Queue::None, job), Some(1));
    }

    #[test]
    fn the_work_of_others_comes_before_it() {
        use Queue::{All, EarlierDeadlines, None};
        // b0 has 6 to go in the mean: 3 for each of the two accelerators. a0 fits as 8 by 11, as 4 by 7.
        for (due_a, due_b, none, earlier, all) in [
            (11, 11, 0, 0, 0),
            (10, 10, 0, 2, 2),
            (10, 11, 0, 0, 2),
            (7, 7, 2, 2, 2),
            (6, 6, 2, 1, 1),
            (6, 90, 2, 2, 1),
        ] {
            let mut fixture = supernet();
            let job = fixture.ready(0, 0, due_a);
            fixture.ready(1, 0, due_b);
            // Who waits for the output of another comes later.
            fixture.waiting(1, 0, due_b);
            for (queue, expected) in [(None, none), (EarlierDeadlines, earlier), (All, all)] {
                let found = chosen(&fixture, VariantRule::LargestThatFits, queue, job);
                assert_eq!(found, Some(expected), "{queue:?} {due_a} {due_b}");
            }
        }
    }

    #[test]
    fn a_segment_that_runs_counts_as_long_as_it_will() {
        // b0 runs on the first accelerator until 4; at 1 that is 3 more, 1.5 for each accelerator.
        for (due_us, expected) in [(11, 0), (10, 2), (7, 2), (6, 1)] {
            let mut fixture = supernet();
            let b0 = fixture.ready(1, 0, 5);
            fixture.run(b0, 0, Extent::Rest);
            fixture.set_now(1);
            let job = fixture.ready(0, 1, due_us);
            let found = chosen(&fixture, VariantRule::LargestThatFits, Queue::EarlierDeadlines, job);
            assert_eq!(found, Some(expected), "due at {due_us}");
        }
        // Its first of two layers runs until 2; the second has a mean of 6: 8 in all, 4 each. 4 + 8 = 12.
        let two = TaskSketch::new("b", &[&[2, 2], &[4, 8]]);
        let a = TaskSketch::new("a", &[&[8, 8]]).variant(TaskSketch::new("light", &[&[2, 2]]));
        for (due_us, expected) in [(12, 0), (11, 1)] {
            let mut fixture = Fixture::new(&[a.clone(), two.clone()]).unwrap();
            let b0 = fixture.ready(1, 0, 5);
            fixture.run(b0, 0, Extent::LAYER);
            let job = fixture.ready(0, 0, due_us);
            let found = chosen(&fixture, VariantRule::LargestThatFits, Queue::All, job);
            assert_eq!(found, Some(expected), "due at {due_us}");
        }
    }

    #[test]
    fn the_choice_is_settled_at_the_first_dispatch() {
        let mut fixture = supernet();
        let job = fixture.ready(0, 0, 20);
        let mut choice = VariantChoice::new(VariantRule::LargestThatFits, Queue::None);
        choice.begin(&fixture.view());
        let lightest = |fixture: &Fixture, choice: &VariantChoice| {
            let view = fixture.view();
            choice.lightest(view.job(job).unwrap()).index()
        };
        // Networks are those of tasks, a and b, and then light and middle.
        assert_eq!(lightest(&fixture, &choice), 2);
        fixture.run(job, 0, Extent::LAYER);
        fixture.stop(0, 0);
        for rule in [VariantRule::LargestThatFits, VariantRule::Lightest] {
            assert_eq!(chosen(&fixture, rule, Queue::None, job), None);
        }
        assert_eq!(lightest(&fixture, &choice), 0);
        // By default it always is.
        let default = VariantChoice::new(VariantRule::Default, Queue::None);
        let mut fixture = supernet();
        fixture.ready(0, 0, 20);
        assert_eq!(lightest(&fixture, &default), 0);
    }

    #[test]
    fn a_task_of_one_network_has_no_choice_and_equal_networks_go_as_stated() {
        let mut fixture = supernet();
        let b0 = fixture.ready(1, 0, 20);
        for rule in [VariantRule::LargestThatFits, VariantRule::Lightest] {
            assert_eq!(chosen(&fixture, rule, Queue::All, b0), None);
        }
        // Both have a mean of 4: the one that is stated first is the larger.
        let alike = TaskSketch::new("a", &[&[4, 4]]).variant(TaskSketch::new("other", &[&[2, 6]]));
        let mut fixture = Fixture::new(&[alike]).unwrap();
        let job = fixture.ready(0, 0, 20);
        assert_eq!(chosen(&fixture, VariantRule::LargestThatFits, Queue::None, job), Some(0));
        assert_eq!(chosen(&fixture, VariantRule::Lightest, Queue::None, job), Some(1));
    }
}
