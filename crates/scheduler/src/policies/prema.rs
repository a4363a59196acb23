//! PREMA: tokens that grow with waiting decide which jobs may run, and the shortest of those runs.
//!
//! Source: Choi and Rhu, *PREMA: A Predictive Multi-task Scheduling Algorithm for Preemptible NPUs*,
//! HPCA 2020, as Dysta's artifact (Fan et al., MICRO 2023) has it:
//!
//! ```text
//! token = priority                                          when a job is first seen
//! token += priority (now - last ran) / isolated             at every decision after that
//! threshold = the largest of 9, 3 and 1 that the largest token reaches, 1 if none does
//! ```
//!
//! Among the jobs whose token reaches the threshold, the one with the least left runs. A token is
//! never taken away. Priorities are meant to be 1, 3 or 9; jobs of priority 0 never gain a token.
//!
//! Deviations: a job that waits is credited at every decision for all the time since it last ran, as
//! the artifact does it, so that its token grows with the square of the time; `tokens =
//! "since-last-decision"` credits each span once. The largest token is that of jobs seen before, as in
//! the artifact. The paper's decisions are timed (every 0.25 ms), these come at layer boundaries; how a
//! job is stopped (checkpoint, kill, drain) is the platform's to say. The sparse variant divides by and
//! ranks by each job's own corrected estimate, where the artifact ranks all by that of one job.

use rtmm_workload::Time;
use rtmm_workload::parameters::{Choice, Parameters, Schema};

use crate::estimator::{Estimator, seconds};
use crate::job::Job;
use crate::parts::{Composed, Parts, Ranking};
use crate::policy::{Interests, Notice, Policy};
use crate::terms::{self, Score};
use crate::truth::Truth;
use crate::view::View;

/// True if a decision credits only the time since the last one.
const TOKENS: Choice<bool> = Choice::new(
    "tokens",
    "what time a decision credits",
    false,
    &[("since-last-run", false), ("since-last-decision", true)],
);

/// The parameters of the policy.
#[must_use]
pub fn schema() -> Schema {
    Parts::schema(&[&[&TOKENS], Estimator::PARAMETERS])
}

/// The order of tokens, then of what is left.
#[derive(Clone, Debug)]
pub struct Prema {
    estimator: Estimator,
    credits_once: bool,
    /// By slot.
    tokens: Vec<Token>,
    threshold: f64,
    /// The last decision that gave credit.
    credited: Option<Time>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Token {
    /// One more than the job's generation; 0 for a slot that was never seen.
    seen: u64,
    token: f64,
}

impl Ranking for Prema {
    /// True for a token below the threshold; then the remaining latency.
    type Key = (bool, Score);

    fn interests(&self) -> Interests {
        self.estimator.interests()
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) {
        self.estimator.notify(notice, view);
    }

    fn begin(&mut self, view: &View<'_>) {
        let mut largest = 0.0_f64;
        let credits = self.credited != Some(view.now);
        for job in view.ready() {
            let slot = job.id.slot();
            if self.tokens.len() <= slot {
                self.tokens.resize(slot + 1, Token::default());
            }
            let seen = u64::from(job.id.generation()) + 1;
            let token = &mut self.tokens[slot];
            if token.seen != seen {
                *token = Token { seen, token: f64::from(job.priority) };
                continue;
            }
            if credits {
                let since = match self.credited {
                    Some(credited) if self.credits_once => job.last_ran.max(credited),
                    _ => job.last_ran,
                };
                let isolated_s = self.estimator.gamma(job) * self.estimator.isolated_s(view, job);
                let slowdown = terms::ratio(seconds(view.now.saturating_since(since)), isolated_s);
                token.token += f64::from(job.priority) * slowdown;
            }
            largest = largest.max(token.token);
        }
        self.credited = Some(view.now);
        self.threshold = [9.0, 3.0].into_iter().find(|step| largest >= *step).unwrap_or(1.0);
    }

    fn key(&self, view: &View<'_>, _truth: Option<&Truth<'_>>, job: &Job) -> Self::Key {
        let token = self.tokens.get(job.id.slot()).map_or(0.0, |token| token.token);
        (token < self.threshold, Score(self.estimator.remaining_s(view, job)))
    }
}

/// The policy with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    let prema = Prema {
        estimator: Estimator::read(parameters),
        credits_once: parameters.read(&TOKENS),
        tokens: Vec::new(),
        threshold: 1.0,
        credited: None,
    };
    Composed::boxed(prema, parameters)
}

#[cfg(test)]
mod tests {
    use crate::fixture::{Fixture, TaskSketch};
    use crate::policies::policy;

    /// A long job of priority 1 and a short one of priority 3, on one accelerator.
    fn fixture() -> Fixture {
        let sketches = [
            TaskSketch::new("long", &[&[50], &[50]]).priority(1),
            TaskSketch::new("short", &[&[5], &[5]]).priority(3),
        ];
        Fixture::new(&sketches).unwrap()
    }

    #[test]
    fn waiting_opens_the_way_and_length_decides() {
        let mut fixture = fixture();
        let long = fixture.ready(0, 0, 1_000);
        fixture.ready(1, 0, 1_000);
        // Both are new: the threshold is 1, both reach it, the short one runs.
        let mut prema = policy("prema", "");
        let mut seen = fixture.clone();
        assert_eq!(seen.settle(prema.as_mut()), "short0>0:1");
        // After 250 us the long one has 1 + 250 / 100 = 3.5, the short one 3 + 3 x 250 / 10: the threshold
        // is 9 and the long one does not reach it.
        fixture.set_now(250);
        assert_eq!(fixture.clone().settle(prema.as_mut()), "short0>0:1");
        // At 700 us it has 3.5 + 7, credited from its release once more: both reach 9.
        fixture.set_now(700);
        assert_eq!(fixture.clone().settle(prema.as_mut()), "short0>0:1");
        // Where the short one is not there, the long one runs.
        fixture.change(long, |job| job.priority = 9);
        let mut alone = self::fixture();
        alone.ready(0, 0, 1_000);
        assert_eq!(alone.settle(policy("prema", "").as_mut()), "long0>0:1");
    }

    #[test]
    fn a_short_job_without_a_token_waits() {
        let mut fixture = fixture();
        fixture.ready(0, 0, 10_000);
        let mut prema = policy("prema", "");
        assert_eq!(fixture.clone().settle(prema.as_mut()), "long0>0:1");
        // 1 + 900 / 100 = 10 reaches 9; a short job that is new has 3.
        fixture.set_now(900);
        fixture.ready(1, 900, 10_000);
        assert_eq!(fixture.clone().settle(prema.as_mut()), "long0>0:1");
        // Under sjf it would not.
        assert_eq!(fixture.clone().settle(policy("sjf", "granularity=layer").as_mut()), "short0>0:1");
    }

    #[test]
    fn a_span_may_be_credited_once() {
        // 1 + 500 / 100 = 6 at 500 us; then 6 + 300 / 100 = 9 at 800 us, or 6 + 800 / 100 = 14.
        for (tokens, at_799, expected) in [
            ("tokens=since-last-decision", 799, "short0>0:1"),
            ("tokens=since-last-decision", 800, "long0>0:1"),
            ("tokens=since-last-run", 799, "long0>0:1"),
        ] {
            let mut fixture = fixture();
            fixture.ready(0, 0, 10_000);
            let mut prema = policy("prema", tokens);
            fixture.clone().settle(prema.as_mut());
            fixture.set_now(500);
            fixture.clone().settle(prema.as_mut());
            fixture.set_now(at_799);
            fixture.ready(1, at_799, 10_000);
            assert_eq!(fixture.clone().settle(prema.as_mut()), expected, "{tokens} {at_799}");
        }
    }
}
