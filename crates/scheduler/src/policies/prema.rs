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
//! the artifact. Decisions come at layer boundaries, as in the artifact. The sparse variant divides by and
//! ranks by each job's own corrected estimate, where the artifact ranks all by that of one job.
//!
//! With a [`Mechanism`] the policy is the publication's time multiplexing of a preemptible accelerator: decisions at
//! arrivals, ends and every 0.25 ms, at which the job that runs makes room for one that comes before it. Then tokens of all
//! jobs count in the threshold, of those that run or are new as well.

mod mechanism;

use rtmm_workload::Time;
use rtmm_workload::parameters::{Choice, Parameters, Schema};

use crate::decision::Preemption;
use crate::estimator::{Estimator, seconds};
use crate::ids::JobId;
use crate::job::Job;
use crate::parts::{Composed, Parts, PreemptionRule, Ranking};
use crate::policy::{Interests, Notice, Policy};
use crate::run::Run;
use crate::terms::{self, Score};
use crate::truth::Truth;
use crate::view::View;

pub use mechanism::Mechanism;
use mechanism::{Multiplexed, Times};

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
    Parts::schema(&[&[&TOKENS], Mechanism::PARAMETERS, Estimator::PARAMETERS])
}

/// True if with these parameters segments may be ended early.
#[must_use]
pub fn preempts(parameters: &Parameters) -> bool {
    rule(parameters) != PreemptionRule::Never
}

/// The rule of preemption: that of the mechanism, where one is stated.
fn rule(parameters: &Parameters) -> PreemptionRule {
    Mechanism::read(parameters).map_or_else(|| PreemptionRule::read(parameters), Mechanism::rule)
}

/// The order of tokens, then of what is left.
#[derive(Clone, Debug)]
pub struct Prema {
    estimator: Estimator,
    credits_once: bool,
    mechanism: Option<Mechanism>,
    /// By slot.
    tokens: Vec<Token>,
    /// Ready jobs that no decision has seen.
    fresh: Vec<JobId>,
    /// Seen jobs whose token may still reach a step; over ones leave at the next decision.
    counting: Vec<JobId>,
    /// Number of live jobs that were seen, and of those that have reached the greatest step.
    seen: usize,
    full: usize,
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

/// Steps of the threshold, the greatest first.
const STEPS: [f64; 2] = [9.0, 3.0];

impl Prema {
    /// The token of a job that was seen.
    fn token(&self, job: JobId) -> Option<f64> {
        let token = self.tokens.get(job.slot())?;
        (token.seen == u64::from(job.generation()) + 1).then_some(token.token)
    }

    /// True if the token of a job has reached the greatest step. It never falls again.
    fn is_full(&self, job: JobId) -> bool {
        self.token(job).is_some_and(|token| token >= STEPS[0])
    }

    /// Gives a job its first token.
    fn see(&mut self, job: &Job) {
        let slot = job.id.slot();
        if self.tokens.len() <= slot {
            self.tokens.resize(slot + 1, Token::default());
        }
        let token = f64::from(job.priority);
        self.tokens[slot] = Token { seen: u64::from(job.id.generation()) + 1, token };
        self.seen += 1;
        if token >= STEPS[0] {
            self.full += 1;
        } else if token > 0.0 {
            // Without a priority it never changes, and with one below zero it only falls.
            self.counting.push(job.id);
        }
    }

    /// Sees all ready jobs that no decision has seen; the greatest of their tokens.
    fn see_fresh(&mut self, view: &View<'_>) -> f64 {
        let mut largest = 0.0_f64;
        let mut fresh = std::mem::take(&mut self.fresh);
        for job in fresh.drain(..).filter_map(|id| view.job(id)) {
            if view.is_ready(job) && self.token(job.id).is_none() {
                self.see(job);
                largest = largest.max(f64::from(job.priority));
            }
        }
        self.fresh = fresh;
        // What no notice told of shows in the number of jobs.
        let running = view.running().filter(|(_, job)| self.token(job.id).is_some()).count();
        if self.seen != view.ready().len() + running {
            for job in view.ready() {
                if self.token(job.id).is_none() {
                    self.see(job);
                    largest = largest.max(f64::from(job.priority));
                }
            }
        }
        largest
    }

    /// Credits seen jobs with the time that they waited; the greatest token of those that are ready.
    fn credit(&mut self, view: &View<'_>) -> f64 {
        let is_due = self.credited != Some(view.now);
        let mut largest = 0.0_f64;
        let mut at = 0;
        while let Some(job) = self.counting.get(at).map(|id| view.job(*id)) {
            let Some(job) = job else {
                self.counting.swap_remove(at);
                continue;
            };
            at += 1;
            if !view.is_ready(job) {
                continue;
            }
            let token = &mut self.tokens[job.id.slot()].token;
            if is_due {
                let since = match self.credited {
                    Some(credited) if self.credits_once => job.last_ran.max(credited),
                    _ => job.last_ran,
                };
                let isolated_s = self.estimator.gamma(job) * self.estimator.isolated_s(view, job);
                let slowdown = terms::ratio(seconds(view.now.saturating_since(since)), isolated_s);
                *token += f64::from(job.priority) * slowdown;
            }
            largest = largest.max(*token);
            if *token >= STEPS[0] {
                self.full += 1;
                at -= 1;
                self.counting.swap_remove(at);
            }
        }
        let running = view.running().filter(|(_, job)| self.is_full(job.id)).count();
        if self.full > running { largest.max(STEPS[0]) } else { largest }
    }
}

impl Ranking for Prema {
    /// True for a token below the threshold; then the remaining latency.
    type Key = (bool, Score);

    fn interests(&self) -> Interests {
        self.estimator.interests()
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) {
        match *notice {
            Notice::Released(job) | Notice::InputsReady(job) => self.fresh.push(job),
            Notice::Completed(job) | Notice::Dropped(job) if self.token(job).is_some() => {
                self.seen -= 1;
                self.full -= usize::from(self.is_full(job));
            }
            _ => {}
        }
        self.estimator.notify(notice, view);
    }

    fn begin(&mut self, view: &View<'_>) {
        // Before new jobs are seen: their waiting is not credited now.
        let mut largest = self.credit(view);
        let of_fresh = self.see_fresh(view);
        self.credited = Some(view.now);
        if self.mechanism.is_some() {
            // As published, unlike in the artifact: jobs that are new count, and so do those that run, which are among those
            // that the next is chosen of.
            let running = view.running().filter_map(|(_, job)| self.token(job.id));
            largest = running.fold(largest.max(of_fresh), f64::max);
        }
        self.threshold = STEPS.into_iter().find(|step| largest >= *step).unwrap_or(1.0);
    }

    /// As if the token had reached the threshold, but for jobs whose token never will.
    fn staying_key(&self, view: &View<'_>, _truth: Option<&Truth<'_>>, job: &Job) -> Option<Self::Key> {
        Some((job.priority <= 0, Score(self.estimator.remaining_s(view, job))))
    }

    fn key(&self, view: &View<'_>, _truth: Option<&Truth<'_>>, job: &Job) -> Self::Key {
        let token = self.tokens.get(job.id.slot()).map_or(0.0, |token| token.token);
        (token < self.threshold, Score(self.estimator.remaining_s(view, job)))
    }

    fn preemption(
        &self,
        view: &View<'_>,
        run: &Run,
        running: &Job,
        other: &Job,
        mode: Preemption,
    ) -> Option<Preemption> {
        let Some(mechanism) = self.mechanism else { return Some(mode) };
        let times = Times {
            remaining_running: self.estimator.remaining_s(view, running),
            isolated_running: self.estimator.isolated_s(view, running),
            remaining_other: self.estimator.remaining_s(view, other),
            isolated_other: self.estimator.isolated_s(view, other),
        };
        mechanism.mode(view, run, &times, running)
    }
}

/// The policy with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    let mechanism = Mechanism::read(parameters);
    let prema = Prema {
        estimator: Estimator::read(parameters),
        credits_once: parameters.read(&TOKENS),
        mechanism,
        tokens: Vec::new(),
        fresh: Vec::new(),
        counting: Vec::new(),
        seen: 0,
        full: 0,
        threshold: 1.0,
        credited: None,
    };
    let parts = Parts { preemption: rule(parameters), ..Parts::read(parameters) };
    let composed = Composed::new(prema, parts);
    match mechanism {
        None => Box::new(composed),
        Some(mechanism) => Box::new(Multiplexed::new(composed, mechanism, parameters)),
    }
}

#[cfg(test)]
mod tests {
    use crate::decision::Extent;
    use crate::fixture::{Fixture, TaskSketch};
    use crate::policies::{check, policy};

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
    fn with_a_mechanism_jobs_that_run_or_are_new_count_in_the_threshold() {
        let mut fixture = fixture();
        let long = fixture.ready(0, 0, 10_000);
        fixture.run(long, 0, Extent::Rest);
        fixture.ready(1, 0, 10_000);
        // The short one is new and has 3: at once for the threshold, or at the next decision.
        check(&fixture, "prema", "preemption_mechanism=kill", "preempt 0 timer 250");
        check(&fixture, "prema", "preemption_mechanism=kill scheduling_period=0ms", "preempt 0");
        check(&fixture, "prema", "preemption_mechanism=drain", "");
        let refused = "failed `preemption_mechanism` writes contexts";
        for mechanism in ["checkpoint", "dynamic"] {
            let mut policy = policy("prema", &format!("preemption_mechanism={mechanism}"));
            assert!(fixture.clone().settle(policy.as_mut()).starts_with(refused), "{mechanism}");
        }
    }

    #[test]
    fn a_job_has_the_whole_of_an_accelerator_that_runs_divide() {
        let sketch = |name| TaskSketch::new(name, &[&[12, 6, 4, 3]]).priority(3).quanta(4);
        let mut fixture = Fixture::divided(&[sketch("a"), sketch("b")], &[1, 2, 3, 4]).unwrap();
        fixture.ready(0, 0, 100);
        fixture.ready(1, 0, 100);
        check(&fixture, "prema", "preemption_mechanism=kill granularity=model", "a0>0 timer 250");
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
