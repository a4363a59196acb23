//! Branch and bound: which job is placed next, and how, or that it is late.
//!
//! Of the jobs that can be placed, the one with the least slack is next: each of its ways is tried, then its lateness. A
//! job that cannot be in time any more, wherever there is a gap, is late in all that follows.

use super::plan::{Draft, Placed, Plan};

/// The most jobs of a window that is searched: the search goes as deep as there are jobs.
const MAX_JOBS: usize = 400;

/// Searches for a schedule in which less is late than in the best known one, until none more than `enough` is, or so many
/// nodes were looked into; true if the limit was reached.
pub(crate) fn search(
    plan: &Plan<'_>,
    best: &mut Draft,
    (enough, nodes): (u64, u32),
    stop: &dyn Fn() -> bool,
) -> bool {
    if plan.jobs.len() > MAX_JOBS {
        return true;
    }
    let is_late = vec![false; plan.jobs.len()];
    let mut search =
        Search { plan, draft: Draft::new(plan), is_late, late: 0, best, enough, left: nodes, stop };
    search.descend();
    search.left == 0
}

struct Search<'s, 'w> {
    plan: &'s Plan<'w>,
    draft: Draft,
    is_late: Vec<bool>,
    /// The weight of those that are late.
    late: u64,
    best: &'s mut Draft,
    enough: u64,
    left: u32,
    stop: &'s dyn Fn() -> bool,
}

impl Search<'_, '_> {
    fn descend(&mut self) {
        if (self.stop)() {
            self.left = 0;
        }
        if self.left == 0 || self.best.late(self.plan) <= self.enough {
            return;
        }
        self.left -= 1;
        let (next, lost) = self.look();
        self.set_late(&lost, true);
        if self.late < self.best.late(self.plan) {
            match next {
                None => self.best.clone_from(&self.draft),
                Some(job) => self.branch(job),
            }
        }
        self.set_late(&lost, false);
    }

    /// The job with the least slack, and those that cannot be in time any more.
    fn look(&self) -> (Option<usize>, Vec<usize>) {
        let (mut next, mut lost) = (None, Vec::new());
        for (index, job) in self.plan.jobs.iter().enumerate() {
            if self.is_late[index] || self.draft.placed[index].is_some() {
                continue;
            }
            // One that needs a late one is, too; what it needs stands before it.
            if job.needs.iter().any(|needed| self.is_late[*needed] || lost.contains(needed)) {
                lost.push(index);
                continue;
            }
            let Some(end) = self.draft.earliest_end(self.plan, index, job.latest) else { continue };
            if end > job.latest {
                lost.push(index);
                continue;
            }
            let slack = (job.virtual_latest.saturating_sub(end), job.virtual_latest, index);
            if next.is_none_or(|least| slack < least) {
                next = Some(slack);
            }
        }
        (next.map(|(_, _, job)| job), lost)
    }

    fn branch(&mut self, job: usize) {
        let mut tried: Vec<Placed> = Vec::new();
        let latest = self.plan.jobs[job].latest;
        for chain in 0..self.plan.jobs[job].chains.len() {
            for rule in self.plan.rules() {
                if !self.draft.place(self.plan, job, (chain, rule), latest) {
                    continue;
                }
                let is_new = self.draft.placed[job].as_ref().is_some_and(|placed| !tried.contains(placed));
                if is_new {
                    tried.extend(self.draft.placed[job].clone());
                    self.descend();
                }
                self.draft.unplace(self.plan, job);
            }
        }
        self.set_late(&[job], true);
        if self.late < self.best.late(self.plan) {
            self.descend();
        }
        self.set_late(&[job], false);
    }

    fn set_late(&mut self, jobs: &[usize], is_late: bool) {
        for &job in jobs {
            self.is_late[job] = is_late;
            let of = &self.plan.jobs[job];
            let weight = if of.latest == u64::MAX { 0 } else { of.weight };
            self.late = if is_late { self.late + weight } else { self.late - weight };
        }
    }
}
