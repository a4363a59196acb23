//! The list of live jobs in the order of release.
//!
//! A job keeps its place from its release to its end, whatever it does meanwhile: a change of state costs the same
//! however many jobs are live. Places that ended jobs leave are closed when they are as many as the jobs.

use std::mem::{Discriminant, discriminant};

use crate::job::{Job, JobState};

/// Mark of a place whose job is over.
const VACANT: u32 = u32::MAX;

/// Positions of counts.
const WAITING: usize = 0;
const READY: usize = 1;
const OTHER: usize = 2;

/// Live jobs, by their slots.
#[derive(Clone, Debug, Default)]
pub(crate) struct LiveJobs {
    /// Slots in the order of release.
    places: Vec<u32>,
    /// By slot: the position in `places`; [`VACANT`] of a job that is not listed.
    position: Vec<u32>,
    /// Number of vacant places at the front.
    passed: usize,
    live: usize,
    /// Jobs by kind of state.
    counts: [usize; 3],
}

impl LiveJobs {
    /// Number of ready jobs.
    pub(crate) const fn ready(&self) -> usize {
        self.counts[READY]
    }

    /// Number of waiting jobs.
    pub(crate) const fn waiting(&self) -> usize {
        self.counts[WAITING]
    }

    /// Slots of all, in the order of release.
    pub(crate) fn slots(&self) -> impl Iterator<Item = u32> {
        self.places[self.passed..].iter().copied().filter(|slot| *slot != VACANT)
    }

    /// All places that may hold a job.
    pub(crate) fn places(&self) -> &[u32] {
        &self.places[self.passed..]
    }

    /// True if a job is listed.
    #[inline]
    pub(crate) fn contains(&self, slot: u32) -> bool {
        self.position.get(slot as usize).is_some_and(|position| *position != VACANT)
    }

    /// Lists a job that is released now, after all others.
    #[inline]
    pub(crate) fn push(&mut self, slot: u32, state: JobState) {
        if self.places.len() >= 2 * self.live + 8 {
            self.close_ranks();
        }
        if self.position.len() <= slot as usize {
            self.position.resize(slot as usize + 1, VACANT);
        }
        self.position[slot as usize] = self.places.len() as u32;
        self.places.push(slot);
        self.live += 1;
        *self.count(state) += 1;
    }

    /// Counts a change of state of a listed job.
    #[inline]
    pub(crate) fn recount(&mut self, before: JobState, after: JobState) {
        *self.count(before) -= 1;
        *self.count(after) += 1;
    }

    /// Number of listed jobs in a kind of state.
    #[inline]
    fn count(&mut self, state: JobState) -> &mut usize {
        &mut self.counts[match state {
            JobState::Waiting => WAITING,
            JobState::Ready => READY,
            JobState::Running(_) | JobState::Over => OTHER,
        }]
    }

    /// Takes a listed job out, which was in `state`.
    #[inline]
    pub(crate) fn remove(&mut self, slot: u32, state: JobState) {
        let position = std::mem::replace(&mut self.position[slot as usize], VACANT) as usize;
        self.places[position] = VACANT;
        self.live -= 1;
        *self.count(state) -= 1;
        if position == self.passed {
            let behind = self.places[position..].iter().position(|slot| *slot != VACANT);
            self.passed = behind.map_or(self.places.len(), |distance| position + distance);
        }
    }

    fn close_ranks(&mut self) {
        self.places.drain(..self.passed);
        self.places.retain(|slot| *slot != VACANT);
        self.passed = 0;
        for (position, slot) in self.places.iter().enumerate() {
            self.position[*slot as usize] = position as u32;
        }
    }
}

/// Jobs in one state, in the order of release.
#[derive(Clone, Debug)]
pub(crate) struct JobsIn<'v> {
    places: std::slice::Iter<'v, u32>,
    jobs: &'v [Job],
    state: Discriminant<JobState>,
    left: usize,
}

impl<'v> JobsIn<'v> {
    /// The jobs of a list that are in a state: so many.
    pub(crate) fn new(list: &'v LiveJobs, jobs: &'v [Job], state: JobState, left: usize) -> Self {
        Self { places: list.places().iter(), jobs, state: discriminant(&state), left }
    }
}

impl<'v> Iterator for JobsIn<'v> {
    type Item = &'v Job;

    #[inline]
    fn next(&mut self) -> Option<&'v Job> {
        // Behind the last of them there may be many others.
        self.left = self.left.checked_sub(1)?;
        let (jobs, state) = (self.jobs, self.state);
        self.places.find_map(|slot| jobs.get(*slot as usize).filter(|job| discriminant(&job.state) == state))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for JobsIn<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_keep_their_order_while_places_are_closed() {
        let mut list = LiveJobs::default();
        let mut expected: Vec<u32> = Vec::new();
        let mut vacant: Vec<u32> = Vec::new();
        let mut next = 0;
        for step in 0..5_000_u32 {
            // Ends come from anywhere; there are long spells of more releases than ends, and of fewer.
            let ends = (step.wrapping_mul(2_654_435_761) >> 20) % 4 < 1 + 2 * (step / 700 % 2);
            if ends && !expected.is_empty() {
                let slot = expected.remove((step.wrapping_mul(40_503) >> 3) as usize % expected.len());
                assert!(list.contains(slot));
                list.remove(slot, JobState::Ready);
                assert!(!list.contains(slot));
                vacant.push(slot);
            } else {
                let slot = vacant.pop().unwrap_or_else(|| {
                    next += 1;
                    next - 1
                });
                list.push(slot, JobState::Ready);
                expected.push(slot);
            }
            assert_eq!(list.slots().collect::<Vec<u32>>(), expected);
            assert_eq!(list.ready(), expected.len());
            assert!(list.places().len() <= 2 * (expected.len() + 1) + 8 + 700, "{step}");
        }
    }
}
