//! Facts of tasks that a plan uses: how much earlier than its deadline work has to end for what follows it, what a job weighs,
//! as which networks it may run, and which jobs follow.
//!
//! ```text
//! reserve(i) = max over tasks c that depend on i of  D_i - (D_c - reserve(c) - least(c)), and at least 0
//! weight(i)  = own(i) + sum over tasks c that depend on i of p(c) weight(c)
//! own(i)     = 1, or span(i), or its root;   span(i) = period of i / probability that a frame of it becomes a job
//! ```
//!
//! `D` are relative deadlines, `least(c)` the least latency of all of a job of `c`, and `p(c)` the probability with which a
//! job that ends has one follow.

use rtmm_workload::{DependencyKind, ModelId, TaskId};

use super::settings::{Settings, Weight};
use crate::decision::VariantId;
use crate::parts::VariantRule;
use crate::view::View;

/// A network that a job may run as, with the variant to dispatch it as; none for the default.
pub(super) type Network = (Option<VariantId>, ModelId);

/// Facts of a task. Times are picoseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct TaskFacts {
    /// Time that what follows takes at the least.
    pub reserve: u64,
    pub weight: f64,
    /// From the one that is taken where it is in time to the lightest.
    pub networks: Vec<Network>,
    /// The tasks that it needs.
    pub needs: Vec<TaskId>,
    /// True if other tasks need it.
    pub leads: bool,
    /// Tasks whose jobs its own may trigger, each with the probability.
    pub triggers: Vec<(TaskId, f64)>,
    /// The distance of frames outside of phases; none where they cannot be predicted.
    pub period: Option<u64>,
    /// The relative deadline; none where only jobs have one.
    pub deadline: Option<u64>,
}

/// The facts of all tasks.
pub(super) fn facts(view: &View<'_>, settings: &Settings) -> Vec<TaskFacts> {
    let tasks = || (0..view.tasks()).map(TaskId::new);
    let mut facts: Vec<TaskFacts> = tasks().map(|task| alone(view, settings, task)).collect();
    let mut followers: Vec<Vec<(usize, f64)>> = vec![Vec::new(); facts.len()];
    for task in tasks() {
        for dependency in view.task(task).depends_on {
            let probability = match &dependency.kind {
                DependencyKind::Data => 1.0,
                DependencyKind::Control { probability, .. } => {
                    facts[dependency.task.index()].triggers.push((task, *probability));
                    *probability
                }
            };
            followers[dependency.task.index()].push((task.index(), probability));
        }
    }
    for (of, followers) in facts.iter_mut().zip(&followers) {
        of.leads = !followers.is_empty();
    }
    let own = own_weights(view, settings);
    // Dependencies have no cycle: what is known of the last tasks of chains goes to their first ones in so many steps.
    for _ in 0..facts.len() {
        for task in 0..facts.len() {
            let mut weight = own[task];
            let mut reserve = 0;
            for (follower, probability) in &followers[task] {
                let follower = &facts[*follower];
                weight += probability * follower.weight;
                reserve = reserve.max(reserve_for(view, &facts[task], follower));
            }
            facts[task].weight = weight;
            facts[task].reserve = if settings.virtual_deadlines { reserve } else { 0 };
        }
    }
    facts
}

/// Facts of a task without the others.
fn alone(view: &View<'_>, settings: &Settings, task: TaskId) -> TaskFacts {
    let info = view.task(task);
    let stated = info.variants.iter().enumerate();
    let mut networks: Vec<Network> =
        stated.map(|(index, model)| (Some(VariantId::new(index)), *model)).collect();
    networks.sort_by_key(|(_, model)| std::cmp::Reverse(view.profile.mean_remaining(*model, 0)));
    match settings.variant_rule {
        VariantRule::LargestThatFits => {}
        VariantRule::Lightest => {
            networks.drain(..networks.len().saturating_sub(1));
        }
        VariantRule::Default => networks.clear(),
    }
    if info.variants.len() < 2 || networks.is_empty() {
        networks = vec![(None, info.model)];
    }
    let picoseconds = |period: rtmm_workload::Period| period.duration().picoseconds().max(1);
    TaskFacts {
        networks,
        needs: info.depends_on.iter().map(|dependency| dependency.task).collect(),
        // Frames that follow others are planned with them.
        period: info.period.filter(|_| info.depends_on.is_empty()).map(picoseconds),
        deadline: info.deadline.map(|deadline| deadline.picoseconds()),
        ..TaskFacts::default()
    }
}

/// The time before its own deadline at which a task's job has to end for a job that follows it.
fn reserve_for(view: &View<'_>, task: &TaskFacts, follower: &TaskFacts) -> u64 {
    let least = follower
        .networks
        .first()
        .map_or(0, |(_, model)| view.profile.least_remaining(*model, 0).picoseconds());
    let needed = least.saturating_add(follower.reserve);
    match (task.deadline, follower.deadline) {
        (Some(own), Some(of_follower)) => own.saturating_add(needed).saturating_sub(of_follower),
        _ => needed,
    }
}

/// Weights of the tasks' jobs without those of what follows.
fn own_weights(view: &View<'_>, settings: &Settings) -> Vec<f64> {
    let spans: Vec<Option<f64>> =
        (0..view.tasks()).map(|task| span_s(view, TaskId::new(task), view.tasks())).collect();
    // A task of which nothing is known weighs as much as the one that comes most often.
    let least = spans.iter().flatten().copied().fold(f64::INFINITY, f64::min);
    let least = if least.is_finite() { least } else { 1.0 };
    let own = |span: &Option<f64>| {
        let share = span.unwrap_or(least) / least;
        match settings.weight {
            Weight::None | Weight::Job => 1.0,
            Weight::Root => share.sqrt(),
            Weight::Period => share,
        }
    };
    spans.iter().map(own).collect()
}

/// The mean time between jobs of a task, in seconds; by its deadline where it has no period.
fn span_s(view: &View<'_>, task: TaskId, depth: usize) -> Option<f64> {
    let info = view.task(task);
    let period = info.period.map(|period| period.mean_picoseconds());
    let every = period.or_else(|| Some(info.deadline?.picoseconds() as f64))? * 1e-12;
    let becomes = triggered(view, task, depth);
    (becomes > 0.0 && every > 0.0).then(|| every / becomes)
}

/// The probability that a frame of a task becomes a job.
fn triggered(view: &View<'_>, task: TaskId, depth: usize) -> f64 {
    let Some(depth) = depth.checked_sub(1) else { return 1.0 };
    let of = |dependency: &rtmm_workload::Dependency| {
        let before = triggered(view, dependency.task, depth);
        match &dependency.kind {
            DependencyKind::Data => before,
            DependencyKind::Control { probability, .. } => before * probability,
        }
    };
    view.task(task).depends_on.iter().map(of).fold(1.0, f64::min)
}
