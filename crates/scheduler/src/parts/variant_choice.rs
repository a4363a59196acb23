//! Supernet switching: which of its networks a job runs as.
//!
//! Source: Kim et al., *DREAM*, ASPLOS 2023, and Cai et al., *Once-for-All*, ICLR 2020: a task whose networks
//! share their weights can run a lighter one when time is short, for some accuracy. The network is fixed at a
//! job's first dispatch, so that heavier ones come back by themselves once the load has fallen. Until then
//! scores see the task's default network.
//!
//! The rule is this project's reading: the largest network whose expected finish fits,
//!
//! ```text
//! now + queue + ToGo(network) <= deadline        ToGo in the mean over accelerators
//! queue = sum of ToGo of the ready and running jobs that come before / number of accelerators
//! ```
//!
//! and the lightest where none does. Of a job that runs, ToGo is the rest of its segment where it runs, and
//! the mean from there on. Larger is what takes longer in the mean over accelerators; of equal networks, what is
//! stated first. A choice takes a step a live job and a network.

use rtmm_workload::{Duration, ModelId, TaskId};

use crate::decision::VariantId;
use crate::job::Job;
use crate::parameters::{Parameter, ParameterError, Parameters};
use crate::view::View;

/// The rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VariantRule {
    /// The task's default network.
    Default,
    /// The largest one that is expected to be in time.
    LargestThatFits,
    /// The lightest one.
    Lightest,
}

/// Whose work a job is expected to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Nobody's.
    None,
    /// That of live jobs which are due no later.
    EarlierDeadlines,
    /// That of all live jobs.
    All,
}

/// Supernet switching.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariantChoice {
    rule: VariantRule,
    queue: Queue,
    /// By task: its networks, from the one that takes longest to the lightest; nothing where there is but one.
    orders: Vec<Vec<(VariantId, ModelId)>>,
}

impl VariantChoice {
    /// `variants`, with the default of a policy.
    #[must_use]
    pub const fn parameter(default: &'static str) -> Parameter {
        let meaning = "which network of a supernet a job runs as, settled at its first dispatch";
        super::word("variants", meaning, default, &["default", "largest-that-fits", "lightest"])
    }

    /// `variant_queue`.
    pub const QUEUE: Parameter = super::word(
        "variant_queue",
        "variants = largest-that-fits: whose work comes before the job",
        "earlier-deadlines",
        &["none", "earlier-deadlines", "all"],
    );

    /// A choice by a rule.
    #[must_use]
    pub const fn new(rule: VariantRule, queue: Queue) -> Self {
        Self { rule, queue, orders: Vec::new() }
    }

    /// Reads both parameters.
    ///
    /// # Errors
    /// [`ParameterError`] where they are missing.
    pub fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let rules = [
            ("default", VariantRule::Default),
            ("largest-that-fits", VariantRule::LargestThatFits),
            ("lightest", VariantRule::Lightest),
        ];
        let queues =
            [("none", Queue::None), ("earlier-deadlines", Queue::EarlierDeadlines), ("all", Queue::All)];
        Ok(Self::new(parameters.meaning("variants", &rules)?, parameters.meaning("variant_queue", &queues)?))
    }

    /// Learns of the tasks' networks, at the first look at them.
    pub fn begin(&mut self, view: &View<'_>) {
        if self.rule == VariantRule::Default || self.orders.len() == view.tasks() {
            return;
        }
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

    /// The lightest network that a job can still run as.
    #[must_use]
    pub fn lightest(&self, job: &Job) -> ModelId {
        self.order(job).last().map_or(job.model, |(_, model)| *model)
    }

    /// The network to dispatch a job as; none where that is settled.
    #[must_use]
    pub fn choose(&self, view: &View<'_>, job: &Job) -> Option<(VariantId, ModelId)> {
        let (lightest, larger) = self.order(job).split_last()?;
        if self.rule == VariantRule::Lightest {
            return Some(*lightest);
        }
        let start = view.now.saturating_add(self.queued(view, job));
        let fits = |(_, model): &&(VariantId, ModelId)| {
            start.saturating_add(view.profile.mean_remaining(*model, 0)) <= job.deadline
        };
        Some(*larger.iter().find(fits).unwrap_or(lightest))
    }

    /// How long a job is expected to wait for others.
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
        for (_, segment, other) in view.running().filter(|(_, _, other)| comes_before(other)) {
            work = work
                .saturating_add(segment.expected_end.saturating_since(view.now))
                .saturating_add(view.profile.mean_remaining(other.model, segment.stop));
        }
        let accelerators = view.accelerators.len().max(1) as u64;
        Duration::from_picoseconds(work.picoseconds() / accelerators)
    }
}
