//! The first of many waiting jobs by a ranking that can say how early a job comes at the most.

use std::fmt;

use crate::ids::JobId;
use crate::job::{Job, Progress};
use crate::parts::tournament::{Contest, Span, Tournament};
use crate::parts::{Ranking, TermsSpan};
use crate::policy::Notice;
use crate::truth::Truth;
use crate::view::View;

/// Ready jobs, where they are many and the ranking has bounds for them.
#[derive(Clone, Debug)]
pub(super) struct WaitingJobs<K> {
    /// By keys that stay.
    by_key: Tournament<LeastKey<K>>,
    /// By terms of keys that change with the clock.
    by_terms: Tournament<TermsSpan>,
    /// Which of the two is up to date.
    kept: Option<Kept>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Keys,
    Terms,
}

/// The least key of several jobs.
#[derive(Clone, Copy, Debug)]
struct LeastKey<K>(K);

impl<K: Copy + fmt::Debug + Ord> Span for LeastKey<K> {
    fn join(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }
}

impl<K> Default for WaitingJobs<K> {
    fn default() -> Self {
        Self { by_key: Tournament::default(), by_terms: Tournament::default(), kept: None }
    }
}

impl<K: Copy + fmt::Debug + Ord> WaitingJobs<K> {
    /// True if jobs are kept.
    #[inline]
    pub(super) const fn is_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// Brings the jobs up to date: they are kept while they are many and the ranking has bounds for all of them.
    pub(super) fn update<R: Ranking<Key = K>>(
        &mut self,
        ranking: &R,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
    ) {
        let kept = self.kept.or_else(|| kind(ranking, view, truth));
        let is_kept = match kept {
            // It does not matter in which order jobs come to a tree of keys.
            Some(Kept::Keys) => {
                self.by_key.update(view, |job| Some((0, LeastKey(ranking.staying_key(view, truth, job)?))))
            }
            // Jobs of one task that have not begun are much alike.
            Some(Kept::Terms) => self.by_terms.update(view, |job| {
                let tree = 2 * job.task.index() + usize::from(job.progress != Progress::default());
                Some((tree, ranking.terms(view, truth, job)?.into()))
            }),
            None => false,
        };
        self.kept = kept.filter(|_| is_kept);
    }

    /// The job that comes first of those that are admitted, with its key; none where jobs are not kept.
    pub(super) fn first<'v, R: Ranking<Key = K>>(
        &self,
        ranking: &R,
        view: &View<'v>,
        truth: Option<&Truth<'_>>,
        admits: impl Fn(&Job) -> bool,
    ) -> Option<(K, &'v Job)> {
        let mut contest = First { ranking, view, truth, admits, best: None };
        match self.kept? {
            Kept::Keys => self.by_key.search(&mut contest),
            Kept::Terms => self.by_terms.search(&mut contest),
        }
        contest.best
    }

    /// Hears of jobs that come and go.
    #[inline]
    pub(super) fn notify(&mut self, notice: &Notice) {
        let Some(kept) = self.kept else { return };
        match (notice, kept) {
            (Notice::Released(job) | Notice::InputsReady(job), Kept::Keys) => self.by_key.put_aside(*job),
            (Notice::Released(job) | Notice::InputsReady(job), Kept::Terms) => self.by_terms.put_aside(*job),
            (Notice::Completed(job) | Notice::Dropped(job), Kept::Keys) => self.by_key.take_out(*job),
            (Notice::Completed(job) | Notice::Dropped(job), Kept::Terms) => self.by_terms.take_out(*job),
            _ => {}
        }
    }

    /// Takes a job out that is dispatched; it may come back.
    #[inline]
    pub(super) fn dispatch(&mut self, job: JobId) {
        match self.kept {
            Some(Kept::Keys) => {
                self.by_key.take_out(job);
                self.by_key.put_aside(job);
            }
            Some(Kept::Terms) => {
                self.by_terms.take_out(job);
                self.by_terms.put_aside(job);
            }
            None => {}
        }
    }
}

/// The kind of bounds that a ranking has for many jobs; none where it has none.
fn kind<R: Ranking>(ranking: &R, view: &View<'_>, truth: Option<&Truth<'_>>) -> Option<Kept> {
    let job = view.ready().next()?;
    if ranking.staying_key(view, truth, job).is_some() {
        return Some(Kept::Keys);
    }
    let terms = ranking.terms(view, truth, job)?;
    ranking.least_key(view.now, &terms.into()).map(|_| Kept::Terms)
}

/// A search for the job that comes first.
struct First<'c, 'v, R: Ranking, A> {
    ranking: &'c R,
    view: &'c View<'v>,
    truth: Option<&'c Truth<'c>>,
    admits: A,
    /// The least key, and its job.
    best: Option<(R::Key, &'v Job)>,
}

impl<'v, R: Ranking, A: Fn(&Job) -> bool> First<'_, 'v, R, A> {
    fn is_beaten(&self, bound: Option<R::Key>, earliest: u64) -> bool {
        let (Some(bound), Some((best, job))) = (bound, self.best) else { return false };
        (bound, earliest) > (best, job.sequence)
    }

    fn compare(&mut self, job: &'v Job, key: R::Key) {
        let is_first = self.best.is_none_or(|(best, other)| (key, job.sequence) < (best, other.sequence));
        if is_first && (self.admits)(job) {
            self.best = Some((key, job));
        }
    }
}

impl<R: Ranking, A: Fn(&Job) -> bool> Contest<LeastKey<R::Key>> for First<'_, '_, R, A> {
    type Key = Option<R::Key>;

    fn bound(&self, span: &LeastKey<R::Key>) -> Self::Key {
        Some(span.0)
    }

    fn is_beaten(&self, bound: Self::Key, earliest: u64) -> bool {
        First::is_beaten(self, bound, earliest)
    }

    fn enter(&mut self, job: JobId, _span: &LeastKey<R::Key>) {
        if let Some(job) = self.view.job(job) {
            self.compare(job, self.ranking.key(self.view, self.truth, job));
        }
    }
}

impl<R: Ranking, A: Fn(&Job) -> bool> Contest<TermsSpan> for First<'_, '_, R, A> {
    type Key = Option<R::Key>;

    fn bound(&self, span: &TermsSpan) -> Self::Key {
        self.ranking.least_key(self.view.now, span)
    }

    fn is_beaten(&self, bound: Self::Key, earliest: u64) -> bool {
        First::is_beaten(self, bound, earliest)
    }

    fn enter(&mut self, job: JobId, span: &TermsSpan) {
        if let (Some(job), Some(key)) = (self.view.job(job), self.ranking.key_of(self.view.now, &span.least))
        {
            self.compare(job, key);
        }
    }
}
