//! Arrivals that a plan expects: of periodic tasks, from the last one on.
//!
//! Outside of phases frames of a task come its period apart. In a phase the period is not known beforehand: it is the least
//! distance of two frames that came in the phase, and until there were two nothing is predicted.

use rtmm_workload::TaskId;

use super::tasks::TaskFacts;
use crate::job::Job;

/// Arrivals of a task so far, in picoseconds.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    last: Option<u64>,
    /// The least distance of two since the phase began.
    distance: Option<u64>,
}

/// Arrivals of all tasks so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Arrivals {
    tasks: Vec<Seen>,
    is_in_phase: bool,
}

impl Arrivals {
    /// Takes in a job that came.
    pub(super) fn observe(&mut self, job: &Job) {
        let task = job.task.index();
        if self.tasks.len() <= task {
            self.tasks.resize(task + 1, Seen::default());
        }
        let (seen, arrival) = (&mut self.tasks[task], job.arrival.picoseconds());
        match seen.last {
            Some(last) if arrival <= last => return,
            Some(last) => {
                let distance = arrival - last;
                seen.distance = Some(seen.distance.map_or(distance, |least| least.min(distance)));
            }
            None => {}
        }
        seen.last = Some(arrival);
    }

    /// Forgets what was seen: another phase begins.
    pub(super) fn begin_phase(&mut self) {
        self.is_in_phase = true;
        self.tasks.fill(Seen::default());
    }

    /// The frames of a task that are expected after `now`.
    pub(super) fn expected(
        &self,
        task: TaskId,
        facts: &TaskFacts,
        now: u64,
    ) -> impl Iterator<Item = u64> + use<> {
        let seen = self.tasks.get(task.index()).copied().unwrap_or_default();
        let distance =
            if self.is_in_phase { seen.distance.filter(|_| facts.period.is_some()) } else { facts.period };
        let next = seen.last.zip(distance).and_then(|(last, distance)| {
            let passed = now.saturating_sub(last) / distance;
            last.checked_add(distance.checked_mul(passed + 1)?)
        });
        std::iter::successors(next, move |arrival| arrival.checked_add(distance?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, TaskSketch};

    #[test]
    fn frames_are_expected_a_period_apart_and_in_a_phase_as_they_came() {
        let mut fixture = Fixture::new(&[TaskSketch::new("a", &[&[4]])]).unwrap();
        let jobs = [5, 12, 26].map(|arrival_us| fixture.ready(0, arrival_us, 90));
        let facts = TaskFacts { period: Some(10_000_000), ..TaskFacts::default() };
        let task = TaskId::new(0);
        let mut arrivals = Arrivals::default();
        let next = |arrivals: &Arrivals, now_us: u64, facts: &TaskFacts| -> Vec<u64> {
            let expected = arrivals.expected(task, facts, now_us * 1_000_000);
            expected.take(2).map(|arrival| arrival / 1_000_000).collect()
        };
        let job = |at: usize| *fixture.view().job(jobs[at]).unwrap();
        assert_eq!(next(&arrivals, 0, &facts), [0_u64; 0]);
        arrivals.observe(&job(0));
        assert_eq!(next(&arrivals, 5, &facts), [15, 25]);
        assert_eq!(next(&arrivals, 14, &facts), [15, 25]);
        assert_eq!(next(&arrivals, 15, &facts), [25, 35]);
        // What follows others is not predicted, nor what has no period.
        assert_eq!(next(&arrivals, 5, &TaskFacts::default()), [0_u64; 0]);
        arrivals.begin_phase();
        arrivals.observe(&job(1));
        assert_eq!(next(&arrivals, 12, &facts), [0_u64; 0]);
        arrivals.observe(&job(2));
        assert_eq!(next(&arrivals, 26, &facts), [40, 54]);
    }
}
