//! How long the scheduler takes to decide.

use rtmm_workload::Duration;

use crate::parameters::{Allowed, Parameter, ParameterError, ParameterValue, Parameters};
use crate::terms;
use crate::view::View;

/// The longest that a decision can be said to take.
const LONGEST: Duration = Duration::from_picoseconds(1_000_000_000_000);

/// How long the scheduler takes to decide: `base + per_job * ready jobs`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DecisionTime {
    base: Duration,
    per_job: Duration,
}

impl DecisionTime {
    /// `decision_base`.
    pub const BASE: Parameter = Parameter {
        name: "decision_base",
        meaning: "how long a decision to dispatch takes, before anything is said of jobs",
        default: ParameterValue::Duration(Duration::ZERO),
        allowed: Allowed::Duration(Duration::ZERO, LONGEST),
    };

    /// `decision_per_job`.
    pub const PER_JOB: Parameter = Parameter {
        name: "decision_per_job",
        meaning: "how much longer it takes for each ready job",
        default: ParameterValue::Duration(Duration::ZERO),
        allowed: Allowed::Duration(Duration::ZERO, LONGEST),
    };

    /// Reads both parameters.
    ///
    /// # Errors
    /// [`ParameterError`] where they are missing.
    pub fn read(parameters: &Parameters) -> Result<Self, ParameterError> {
        let (base, per_job) =
            (parameters.duration("decision_base")?, parameters.duration("decision_per_job")?);
        Ok(Self { base, per_job })
    }

    /// How long a decision takes now.
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
