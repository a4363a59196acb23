//! The few of many waiting jobs that can have the greatest score now.
//!
//! Under overload hundreds of jobs wait, and the score of each changes with the clock. But it changes slowly:
//! what it can be at the most until some instant is known beforehand. So all jobs are looked at now and then,
//! and put in the order of these bounds; a decision goes down that list only as far as bounds are above the
//! best score that it has found. Jobs that came or ran since are few, and looked at every time.
//!
//! What is found is exactly what a look at all jobs finds: the bound of a job is computed by the operations
//! of its score from operands that are no less, and rounding keeps that order.

use rtmm_workload::{Duration, Time};

use crate::ids::JobId;
use crate::job::{Job, Progress};
use crate::view::View;

/// The span for which bounds hold at first.
const FIRST_SPAN: Duration = Duration::from_picoseconds(1_000_000_000);
/// The least and the greatest span.
const SPANS: (u64, u64) = (1_000_000, 1_000_000_000_000);

/// A job with the most that its score can be for a while.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub bound: f64,
    pub job: JobId,
    /// Where it stood: it is elsewhere once it has run.
    progress: Progress,
}

/// Jobs by their bounds, and those that came or ran since.
#[derive(Clone, Debug)]
pub(super) struct Shortlist {
    entries: Vec<Entry>,
    fresh: Vec<JobId>,
    began: Time,
    /// Until when bounds hold; none before the first look.
    until: Option<Time>,
    span: Duration,
}

impl Default for Shortlist {
    fn default() -> Self {
        Self { entries: Vec::new(), fresh: Vec::new(), began: Time::ZERO, until: None, span: FIRST_SPAN }
    }
}

impl Shortlist {
    /// Forgets all jobs: nothing is known until the next look at all of them.
    pub(super) fn forget(&mut self) {
        self.until = None;
    }

    /// Takes in a job that came, or that was dispatched and may come back.
    pub(super) fn add(&mut self, job: JobId) {
        if self.until.is_some() && !self.fresh.contains(&job) {
            self.fresh.push(job);
        }
    }

    /// True if all jobs have to be looked at again.
    pub(super) fn is_stale(&self, view: &View<'_>) -> bool {
        let most_fresh = 16 + view.ready().len() / 16;
        self.until.is_none_or(|until| view.now > until) || self.fresh.len() > most_fresh
    }

    /// Looks at all jobs. `bound` says the most that the score of one can be from now to an instant.
    pub(super) fn refresh(&mut self, view: &View<'_>, mut bound: impl FnMut(&Job, Time) -> f64) {
        // Spans follow how long lists are good for: until too many jobs have run.
        if let Some(until) = self.until {
            let lasted = view.now.saturating_since(self.began).picoseconds();
            let next = if view.now > until { lasted.saturating_mul(2) } else { lasted + lasted / 2 };
            self.span = Duration::from_picoseconds(next.clamp(SPANS.0, SPANS.1));
        }
        let until = view.now.saturating_add(self.span);
        (self.began, self.until) = (view.now, Some(until));
        self.entries.clear();
        self.entries.extend(view.ready().map(|job| Entry {
            bound: bound(job, until),
            job: job.id,
            progress: job.progress,
        }));
        // Of equal bounds it does not matter who is first: scores decide.
        self.entries.sort_unstable_by(|one, other| other.bound.total_cmp(&one.bound));
        self.fresh.clear();
        self.fresh.extend(view.running().map(|(_, job)| job.id));
    }

    /// Ready jobs that came or ran since the last look at all.
    pub(super) fn fresh<'v>(&self, view: &View<'v>) -> impl Iterator<Item = &'v Job> {
        let view = *view;
        self.fresh.iter().filter_map(move |id| view.job(*id).filter(|job| view.is_ready(job)))
    }

    /// The others with their bounds, from the greatest on.
    pub(super) fn others<'v>(&self, view: &View<'v>) -> impl Iterator<Item = (f64, &'v Job)> {
        let view = *view;
        self.entries.iter().filter_map(move |entry| {
            let job = view.job(entry.job).filter(|job| view.is_ready(job))?;
            (job.progress == entry.progress).then_some((entry.bound, job))
        })
    }
}
