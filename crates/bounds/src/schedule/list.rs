//! List schedules: jobs in a known order, each placed by the first rule that has it in time, else late.

use super::plan::{Draft, Plan, Rule};

/// Rules in the order in which they are tried.
pub(super) type Rules = [Rule; 3];

pub(super) const RULES: [Rules; 5] = [
    [Rule::LeastTime, Rule::Between, Rule::Earliest],
    [Rule::Hint, Rule::Between, Rule::Earliest],
    [Rule::Earliest, Rule::Between, Rule::LeastTime],
    [Rule::Between, Rule::Earliest, Rule::LeastTime],
    [Rule::LeastEnergy, Rule::Between, Rule::Earliest],
];

/// Makes list schedules in all known orders and by all rules, until one has no more late than `enough`. Keeps the best, whose
/// order is returned if any is better than what was known.
pub(crate) fn lists(
    plan: &Plan<'_>,
    best: &mut Draft,
    enough: u64,
    stop: &dyn Fn() -> bool,
) -> Option<Vec<usize>> {
    let mut found = None;
    let mut draft = Draft::new(plan);
    let mut is_first = true;
    for order in orders(plan) {
        for rules in &RULES {
            // The first is made in any case.
            make(plan, &mut draft, &order, |_| rules, &|| !is_first && stop());
            is_first = false;
            if draft.late(plan) < best.late(plan) {
                best.clone_from(&draft);
                found = Some(order.clone());
            }
            if best.late(plan) <= enough {
                return found;
            }
        }
    }
    found
}

/// Orders of jobs: by deadline, by slack, by release, the least work first, the heaviest first; each with what others need in
/// mind.
pub(super) fn orders(plan: &Plan<'_>) -> Vec<Vec<usize>> {
    let by = |key: &dyn Fn(usize) -> (u64, u64)| {
        let mut order: Vec<usize> = (0..plan.jobs.len()).collect();
        order.sort_by_key(|job| (key(*job), *job));
        order
    };
    let job = |index: usize| &plan.jobs[index];
    let deadline = |index: usize| job(index).virtual_latest;
    let slack =
        |index: usize| deadline(index).saturating_sub(job(index).release.saturating_add(job(index).least));
    vec![
        by(&|index| (deadline(index), job(index).release)),
        by(&|index| (deadline(index).saturating_sub(job(index).least), deadline(index))),
        by(&|index| (slack(index), deadline(index))),
        by(&|index| (job(index).release, deadline(index))),
        by(&|index| (job(index).least, deadline(index))),
        by(&|index| (u64::MAX - job(index).weight, deadline(index))),
    ]
}

/// Makes one list schedule, with the rules of each job; a job comes behind all that it needs. Jobs are late that are not placed
/// when it is told to stop.
pub(super) fn make<'r>(
    plan: &Plan<'_>,
    draft: &mut Draft,
    order: &[usize],
    rules: impl Fn(usize) -> &'r Rules,
    stop: &dyn Fn() -> bool,
) {
    draft.clear();
    let mut is_tried = vec![false; plan.jobs.len()];
    let mut stack = Vec::new();
    for job in order {
        if stop() {
            return;
        }
        stack.push(*job);
        while let Some(top) = stack.last().copied() {
            let missing = plan.jobs[top].needs.iter().find(|needed| !is_tried[**needed]);
            if let Some(missing) = missing.filter(|_| !is_tried[top]) {
                stack.push(*missing);
                continue;
            }
            stack.pop();
            if !std::mem::replace(&mut is_tried[top], true) {
                place(plan, draft, top, rules(top));
            }
        }
    }
}

fn place(plan: &Plan<'_>, draft: &mut Draft, job: usize, rules: &Rules) {
    let of = &plan.jobs[job];
    // The chain of the hint first, then as they are stated.
    let hinted = of.hint.as_ref().map(|(chain, _)| *chain);
    // In time, or else for those that need it.
    let for_others = Some(of.needed_by).filter(|needed_by| *needed_by > of.latest);
    for latest in std::iter::once(of.latest).chain(for_others) {
        for chain in hinted.into_iter().chain(0..of.chains.len()) {
            for rule in rules {
                let is_idle = *rule == Rule::Hint && hinted != Some(chain);
                if !is_idle && draft.place(plan, job, (chain, *rule), latest) {
                    return;
                }
            }
        }
    }
}
