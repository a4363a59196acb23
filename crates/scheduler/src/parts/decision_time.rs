//! The time that the scheduler takes to decide.

use rtmm_workload::Duration;
use rtmm_workload::parameters::{Declared, Parameters, Span};

use crate::terms;
use crate::view::View;

/// The longest that a decision can be said to take.
const LONGEST: Duration = Duration::from_picoseconds(1_000_000_000_000);

/// The time that the scheduler takes to decide: `base + per_job * ready jobs`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecisionTime {
    base: Duration,
    per_job: Duration,
}

impl DecisionTime {
    /// `decision_base`.
    const BASE: Span = Span::new(
        "decision_base",
        "how long a decision to dispatch takes, before anything is said of jobs",
        Duration::ZERO,
        Duration::ZERO..=LONGEST,
    );

    /// `decision_per_job`.
    const PER_JOB: Span = Span::new(
        "decision_per_job",
        "how much longer it takes for each ready job",
        Duration::ZERO,
        Duration::ZERO..=LONGEST,
    );

    /// Its parameters.
    pub const PARAMETERS: &[&dyn Declared] = &[&Self::BASE, &Self::PER_JOB];

    /// Reads its parameters.
    #[must_use]
    pub fn read(parameters: &Parameters) -> Self {
        Self { base: parameters.read(&Self::BASE), per_job: parameters.read(&Self::PER_JOB) }
    }

    /// The time that a decision takes now.
    #[must_use]
    pub fn of(self, view: &View<'_>) -> Duration {
        terms::decision_time(self.base, self.per_job, view.ready().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, TaskSketch};

    #[test]
    fn a_decision_takes_longer_the_more_jobs_are_ready() {
        let (base, per_job) = (Duration::from_picoseconds(7), Duration::from_picoseconds(2));
        let mut fixture = Fixture::new(&[TaskSketch::new("a", &[&[4]])]).unwrap();
        fixture.ready(0, 0, 9);
        fixture.ready(0, 1, 9);
        fixture.waiting(0, 2, 9);
        assert_eq!(DecisionTime { base, per_job }.of(&fixture.view()).picoseconds(), 11);
        assert_eq!(DecisionTime::default().of(&fixture.view()), Duration::ZERO);
    }
}
