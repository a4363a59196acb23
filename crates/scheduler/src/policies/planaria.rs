//! Planaria: accelerators that runs can divide are divided among all jobs, as many units for each as it needs to be in
//! time; on others, its score alone: the job with the most priority for its slack runs.
//!
//! Source: Ghodrati et al., *Planaria: Dynamic Architecture Fission for Spatial Multi-Tenant
//! Acceleration of Deep Neural Networks*, MICRO 2020.
//!
//! **Fission**, on platforms with an accelerator that states a division (`units=fission`, the default): [`allocation`] says
//! who gets how many units, [`Fission`] when. It is the scheduler of the publication's artifact without its
//! defects. Deviations: estimates and progress are in whole picoseconds and whole quanta; priorities that are not above 0
//! have weights of their own; jobs may be dropped, wait for others, and run as variants; several accelerators.
//!
//! **The score alone**, where no accelerator is divided, and with another rule of units, as Dysta's artifact (Fan et
//! al., MICRO 2023) has it on one accelerator:
//!
//! ```text
//! score = priority / (deadline - now)
//! ```
//!
//! What differs from that artifact: the largest score always wins, the earliest release among equals, where the artifact
//! takes the last job once all are late.

pub mod allocation;
mod fission;

use std::num::NonZeroU32;

use rtmm_workload::parameters::{Choice, Integer, Parameters, Schema};
use rtmm_workload::{Duration, Time};

use crate::decision::Decisions;
use crate::job::Job;
use crate::parts::{Composed, Parts, Ranking, ScoreTerms, TermsSpan, UnitRule};
use crate::policy::{Interests, Notice, Policy};
use crate::policy_error::PolicyError;
use crate::terms::{self, Score};
use crate::truth::Truth;
use crate::view::View;

pub use fission::Fission;

/// `units`: a rule for each job by itself, or none, for fission.
const UNITS: Choice<Option<UnitRule>> = Choice::new(
    "units",
    "how units of accelerators are given to jobs, where runs can divide them: all of them anew whenever one comes or ends, \
     or to each by itself",
    None,
    &[("fission", None), ("all", Some(UnitRule::All)), ("least-that-fits", Some(UnitRule::LeastThatFits))],
)
.unstated_at_default();

const SUBARRAYS: Integer<u32> = Integer::new(
    "subarrays",
    "equal units that a platform which divides no accelerator is divided into for this policy, in all; 0: as the platform is",
    0,
    0..=1024,
)
.unstated_at_default();

/// The parameters of the policy.
#[must_use]
pub fn schema() -> Schema {
    Parts::schema_with_units(&[], &[&UNITS, &SUBARRAYS])
}

/// The units that the platform of a run is to be divided into with these parameters.
#[must_use]
pub fn granted_units(parameters: &Parameters) -> Option<NonZeroU32> {
    NonZeroU32::new(parameters.read(&SUBARRAYS))
}

/// The order of priority over slack.
#[derive(Clone, Copy, Debug)]
pub struct Planaria;

impl Planaria {
    fn score(self, now: Time, priority: f64, deadline: Time) -> Score {
        Score(-terms::ratio(priority, terms::time_left_s(deadline, now)))
    }
}

impl Ranking for Planaria {
    /// The score with its sign changed.
    type Key = Score;

    fn key(&self, view: &View<'_>, _truth: Option<&Truth<'_>>, job: &Job) -> Self::Key {
        self.score(view.now, f64::from(job.priority), job.deadline)
    }

    fn terms(&self, _view: &View<'_>, _truth: Option<&Truth<'_>>, job: &Job) -> Option<ScoreTerms> {
        let Job { deadline, last_ran, priority, .. } = *job;
        Some(ScoreTerms { deadline, last_ran, weight: f64::from(priority), remaining_s: 0.0, whole_s: 0.0 })
    }

    fn key_of(&self, now: Time, terms: &ScoreTerms) -> Option<Self::Key> {
        Some(self.score(now, terms.weight, terms.deadline))
    }

    fn least_key(&self, now: Time, TermsSpan { least, greatest }: &TermsSpan) -> Option<Self::Key> {
        let left = |terms: &ScoreTerms| terms::time_left_s(terms.deadline, now);
        let greatest = terms::greatest_ratio(least.weight..=greatest.weight, left(least)..=left(greatest));
        Some(Score(-greatest))
    }
}

/// The policy with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    let rule = parameters.read(&UNITS);
    let parts = Parts { units: rule.unwrap_or(UnitRule::All), ..Parts::read(parameters) };
    match rule {
        Some(_) => Box::new(Composed::new(Planaria, parts)),
        None => {
            let fission = Fission::new(parts.clone());
            let (whole, subarrays) = (Composed::new(Planaria, parts), granted_units(parameters));
            Box::new(ByPlatform { fission, whole, subarrays })
        }
    }
}

/// True if with these parameters accelerators that runs can divide are divided among all jobs, which then wait for each
/// other at tile ends.
#[must_use]
pub fn is_by_fission(parameters: &Parameters) -> bool {
    parameters.read(&UNITS).is_none()
}

/// Fission where the platform has an accelerator that runs divide or units were asked for, else the score alone.
#[derive(Clone, Debug)]
struct ByPlatform {
    fission: Fission,
    whole: Composed<Planaria>,
    /// The units that it asked for.
    subarrays: Option<NonZeroU32>,
}

impl ByPlatform {
    /// True if it goes by fission: also where as many units as accelerators were asked for, so that none is divided.
    fn divides(&self, view: &View<'_>) -> bool {
        self.subarrays.is_some() || view.is_divided()
    }
}

impl Policy for ByPlatform {
    fn decide(
        &mut self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        if self.divides(view) {
            self.fission.decide(view, out);
            return Ok(());
        }
        self.whole.decide(view, truth, out)
    }

    fn interests(&self) -> Interests {
        self.whole.interests()
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) -> Result<(), PolicyError> {
        if self.divides(view) {
            self.fission.notify(notice, view);
            return Ok(());
        }
        self.whole.notify(notice, view)
    }

    fn decision_time(&self, view: &View<'_>) -> Result<Duration, PolicyError> {
        self.whole.decision_time(view)
    }

    fn without_memory(&self) -> Option<Box<dyn Policy>> {
        // Where jobs have their places is no memory of the view, and stays.
        Some(Box::new(Self { whole: self.whole.clone().forgetful(), ..self.clone() }))
    }

    fn boxed_clone(&self) -> Option<Box<dyn Policy>> {
        Some(Box::new(self.clone()))
    }
}

#[cfg(test)]
mod tests {
    use rtmm_hardware::Units;

    use crate::decision::Extent;
    use crate::fixture::{Fixture, TaskSketch};
    use crate::policies::{check, policy};

    #[test]
    fn priority_weighs_against_slack() {
        let sketches =
            [TaskSketch::new("high", &[&[5]]).priority(9), TaskSketch::new("low", &[&[5]]).priority(1)];
        // 9 / 90 against 1 / 11, 1 / 10 and 1 / 9; then 9 / -10 against 1 / 1 and 1 / -100.
        for (now_us, high_us, low_us, expected) in [
            (0, 90, 11, "high0>0"),
            (0, 90, 10, "high0>0"),
            (0, 90, 9, "low0>0"),
            (100, 90, 101, "low0>0"),
            (100, 90, 100, "low0>0"),
            (200, 190, 100, "low0>0"),
        ] {
            let mut fixture = Fixture::new(&sketches).unwrap();
            fixture.ready(0, 0, high_us);
            fixture.ready(1, 0, low_us);
            fixture.set_now(now_us);
            check(&fixture, "planaria", "granularity=model", expected);
        }
    }

    /// Layers of 12, 6, 4 and 3 us on one to four units.
    fn divided(jobs: &[(i32, u64)]) -> Fixture {
        let row: &[u64] = &[12, 6, 4, 3];
        let sketches: Vec<TaskSketch> = ["a", "b", "c"]
            .into_iter()
            .zip(jobs)
            .map(|(name, (priority, _))| TaskSketch::new(name, &[row, row]).priority(*priority).quanta(3))
            .collect();
        Fixture::divided(&sketches, &[1, 2, 3, 4]).unwrap()
    }

    #[test]
    fn a_divided_accelerator_is_divided_among_all_jobs() {
        for (jobs, expected) in [
            (&[(1, 90)][..], "a0>0[4]"),
            // One each, and parts of two by 1/24 and 3/24: 0.5 to 0, and 1.5 to 2.
            (&[(1, 90), (3, 90)], "a0>0[1] b0>0[3]"),
            // Three and one at the least.
            (&[(1, 9), (1, 90)], "a0>0[3] b0>0[1]"),
            // Four at the least and late: all for the one.
            (&[(1, 6), (9, 5)], "a0>0[4]"),
            (&[(1, 5), (1, 5), (2, 5)], "a0>0[1] b0>0[1] c0>0[2]"),
        ] {
            let mut fixture = divided(jobs);
            for (task, (_, deadline_us)) in jobs.iter().enumerate() {
                fixture.ready(task, 0, *deadline_us);
            }
            check(&fixture, "planaria", "", expected);
            // Other parts say nothing of it.
            check(&fixture, "planaria", "preemption=layer granularity=layer", expected);
        }
    }

    #[test]
    fn with_another_rule_of_units_the_score_says_who_runs() {
        let jobs = [(1, 90), (3, 90)];
        let mut fixture = divided(&jobs);
        for task in [0, 1] {
            fixture.ready(task, 0, 90);
        }
        check(&fixture, "planaria", "units=all", "b0>0:1");
        check(&fixture, "planaria", "units=least-that-fits", "b0>0[1]:1 a0>0[1]:1");
    }

    #[test]
    fn a_job_that_comes_stops_all_runs_once_and_waits_for_the_last_to_stop() {
        let mut fixture = divided(&[(1, 90), (1, 90), (1, 90)]);
        let mut policy = policy("planaria", "");
        let jobs = [0, 1].map(|task| fixture.ready(task, 0, 90));
        for job in jobs {
            fixture.run_on(job, 0, Units::exactly(2).unwrap(), Extent::Rest);
        }
        assert_eq!(fixture.settle(policy.as_mut()), "", "no job came");
        fixture.set_now(1);
        fixture.ready(2, 1, 91);
        assert_eq!(fixture.settle(policy.as_mut()), "preempt 0 preempt 0");
        assert_eq!(fixture.settle(policy.as_mut()), "", "they were told");
    }

    #[test]
    fn late_jobs_are_dropped_before_units_are_given() {
        let mut fixture = divided(&[(1, 90), (1, 90)]);
        fixture.ready(0, 0, 4);
        fixture.ready(1, 0, 90);
        fixture.set_now(5);
        check(&fixture, "planaria", "drop=late", "drop a0 b0>0[4]");
    }

    #[test]
    fn a_variant_is_settled_with_its_first_units() {
        let of = |name, row: &[u64]| TaskSketch::new(name, &[row]);
        let sketch = of("a", &[40, 30, 20, 10]).variant(of("light", &[8, 4, 3, 2]));
        let mut fixture = Fixture::divided(&[sketch], &[1, 2, 3, 4]).unwrap();
        fixture.ready(0, 0, 9);
        check(&fixture, "planaria", "variants=largest-that-fits", "a0/1>0[4]");
    }
}
