//! Dysta: what is left of a job, corrected by measured sparsity, and its slack; the least score runs.
//!
//! Source: Fan et al., *Sparse-DySta: Sparsity-Aware Dynamic and Static Scheduling for Sparse Multi-DNN
//! Workloads*, MICRO 2023, and its artifact:
//!
//! ```text
//! slack   = max(0, (deadline - now) - remaining)
//! penalty = (now - last ran) / isolated / jobs
//! score   = remaining + beta (slack + penalty)           in seconds, and of the penalty in ones
//! ```
//!
//! The paper has two levels. The *static* one knows the sparsity pattern of each model and begins with
//! its profile (`estimate = "pattern"`); the *dynamic* one measures the sparsity of every layer that ran
//! and corrects what is left (`predictor`). `dysta` has both, `dysta-naive` neither, and `dysta-oracle`
//! takes the true latencies for both. So the breakdown of the paper is a matter of two parameters.
//!
//! The penalty is added to a score that is minimised: a job that waits is less attractive, which spares
//! switches and starves no job only as long as the slack falls. `penalty = "none"` leaves it out and
//! `"reversed"` subtracts it, which is what a penalty on waiting would mean elsewhere. It counts jobs that
//! are ready or run; priorities have no part in the score.
//!
//! `dysta-corrected` is this project's: the predictor scales only what depends on the density
//! (`predictor = "affine"`), waiting lowers no job (`penalty = "none"`), and a job that cannot keep its
//! deadline any more, by the estimate, lets all others go first (`hopeless = "last"`). Why, and what each of
//! the three does, is measured on the page "The Dysta evaluation".
//!
//! Deviations: a remaining latency is the mean over accelerators, so that jobs compare wherever they
//! may run. `predictor = "affine"` is this project's.

use rtmm_workload::parameters::{Choice, Declared, Parameters, Real, Schema};
use rtmm_workload::{Duration, Time};

use crate::estimator::{Estimator, seconds};
use crate::job::Job;
use crate::parts::{Composed, Parts, Ranking, ScoreTerms, TermsSpan};
use crate::policy::{Interests, Notice, Policy};
use crate::terms::{self, Score};
use crate::truth::Truth;
use crate::view::View;

const BETA: Real = Real::new("beta", "weight of slack and penalty against what is left", 0.01, 0.0..=1e6);
const COUNTS_SLACK: Choice<bool> = Choice::new(
    "slack",
    "whether slack is part of the score",
    true,
    &[("counted", true), ("ignored", false)],
);
/// The sign of the penalty in the score.
const PENALTY: Choice<f64> = Choice::new(
    "penalty",
    "what waiting does to the rank of a job: lowers it as published, nothing, raises it",
    1.0,
    &[("published", 1.0), ("none", 0.0), ("reversed", -1.0)],
);
const HOPELESS_LAST: Choice<bool> = Choice::new(
    "hopeless",
    "jobs that cannot keep their deadline any more: ranked as all others, or behind them",
    false,
    &[("ranked", false), ("last", true)],
);
const OWN: &[&dyn Declared] = &[&BETA, &COUNTS_SLACK, &PENALTY, &HOPELESS_LAST];

/// Defaults of `dysta-corrected` that differ from those of `dysta`: the score and the predictor.
pub const CORRECTED: &[(&str, &str)] = &[("penalty", "none"), ("hopeless", "last"), ("predictor", "affine")];

/// Defaults of `dysta-naive`, which knows no patterns and measures nothing.
pub const NAIVE: &[(&str, &str)] = &[("estimate", "architecture"), ("predictor", "none")];

/// The parameters of the policy.
#[must_use]
pub fn schema() -> Schema {
    Parts::schema_of_ranking(&[OWN, Estimator::PARAMETERS])
}

/// The parameters of the oracle, which estimates nothing.
#[must_use]
pub fn oracle_schema() -> Schema {
    Parts::schema_of_ranking(&[OWN])
}

/// The order of Dysta's scores.
#[derive(Clone, Debug)]
pub struct Dysta {
    /// None for the oracle.
    estimator: Option<Estimator>,
    beta: f64,
    counts_slack: bool,
    /// 1 as published, -1 reversed, 0 without.
    penalty_sign: f64,
    hopeless_last: bool,
    /// Jobs that are ready or run.
    jobs: usize,
}

impl Dysta {
    fn read(parameters: &Parameters, estimator: Option<Estimator>) -> Self {
        Self {
            estimator,
            beta: parameters.read(&BETA),
            counts_slack: parameters.read(&COUNTS_SLACK),
            penalty_sign: parameters.read(&PENALTY),
            hopeless_last: parameters.read(&HOPELESS_LAST),
            jobs: 0,
        }
    }

    /// The remaining latency and the whole latency of a job, in seconds.
    fn latencies_s(&self, view: &View<'_>, truth: Option<&Truth<'_>>, job: &Job) -> (f64, f64) {
        match (&self.estimator, truth) {
            (Some(estimator), _) => (estimator.remaining_s(view, job), estimator.isolated_s(view, job)),
            (None, Some(truth)) => (seconds(truth.mean_remaining(job)), seconds(truth.mean_isolated(job))),
            // Without the truth an oracle knows what the profile says.
            (None, None) => {
                (seconds(view.mean_remaining(job)), seconds(view.profile.mean_remaining(job.model, 0)))
            }
        }
    }
}

impl Ranking for Dysta {
    /// True if the job is expected to miss its deadline and so comes last; then the score.
    type Key = (bool, Score);

    fn interests(&self) -> Interests {
        self.estimator.as_ref().map_or_else(Interests::default, Estimator::interests)
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) {
        if let Some(estimator) = &mut self.estimator {
            estimator.notify(notice, view);
        }
    }

    fn begin(&mut self, view: &View<'_>) {
        self.jobs = view.ready().len() + view.running().count();
    }

    /// Slack falls by no more than the time that passes; all else of a job that waits stays or, as published,
    /// grows. The margin is far above what rounding can do.
    fn floor(&self, key: Self::Key, elapsed: Duration) -> Option<Self::Key> {
        // A job that misses its deadline by the estimate now does so later as well.
        let (is_hopeless, Score(score)) = key;
        let fall = if self.counts_slack { self.beta * seconds(elapsed) } else { 0.0 };
        let margin = 1e-9 * (fall + score.abs());
        (self.penalty_sign >= 0.0).then_some((is_hopeless, Score(score - fall - margin)))
    }

    fn key(&self, view: &View<'_>, truth: Option<&Truth<'_>>, job: &Job) -> Self::Key {
        self.score(view.now, &self.of(view, truth, job))
    }

    fn terms(&self, view: &View<'_>, truth: Option<&Truth<'_>>, job: &Job) -> Option<ScoreTerms> {
        Some(self.of(view, truth, job))
    }

    fn key_of(&self, now: Time, terms: &ScoreTerms) -> Option<Self::Key> {
        Some(self.score(now, terms))
    }

    fn least_key(&self, now: Time, TermsSpan { least, greatest }: &TermsSpan) -> Option<Self::Key> {
        let mut extra = 0.0;
        let left_s = |terms: &ScoreTerms| terms::time_left_s(terms.deadline, now);
        if self.counts_slack {
            extra += (left_s(least) - greatest.remaining_s).max(0.0);
        }
        // Of all jobs the weight is the sign of the penalty: the least part where it adds, the greatest where it takes.
        if least.weight != 0.0 {
            let end = if least.weight > 0.0 { greatest } else { least };
            let waited_s = seconds(now.saturating_since(end.last_ran));
            extra += least.weight * (terms::ratio(waited_s, end.whole_s) / self.jobs.max(1) as f64);
        }
        let is_hopeless = self.hopeless_last && left_s(greatest) - least.remaining_s < 0.0;
        Some((is_hopeless, Score(least.remaining_s + self.beta * extra)))
    }
}

impl Dysta {
    fn of(&self, view: &View<'_>, truth: Option<&Truth<'_>>, job: &Job) -> ScoreTerms {
        let (remaining_s, whole_s) = self.latencies_s(view, truth, job);
        let Job { deadline, last_ran, .. } = *job;
        ScoreTerms { deadline, last_ran, weight: self.penalty_sign, remaining_s, whole_s }
    }

    fn score(&self, now: Time, terms: &ScoreTerms) -> (bool, Score) {
        let ScoreTerms { deadline, last_ran, weight, remaining_s, whole_s } = *terms;
        let mut extra = 0.0;
        let slack_s = terms::time_left_s(deadline, now) - remaining_s;
        if self.counts_slack {
            extra += slack_s.max(0.0);
        }
        if weight != 0.0 {
            let waited_s = seconds(now.saturating_since(last_ran));
            extra += weight * (terms::ratio(waited_s, whole_s) / self.jobs.max(1) as f64);
        }
        (self.hopeless_last && slack_s < 0.0, Score(remaining_s + self.beta * extra))
    }
}

/// `dysta` and `dysta-naive` with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    Composed::boxed(Dysta::read(parameters, Some(Estimator::read(parameters))), parameters)
}

/// `dysta-oracle` with these parameters.
#[must_use]
pub fn build_oracle(parameters: &Parameters) -> Box<dyn Policy> {
    Composed::boxed(Dysta::read(parameters, None), parameters)
}

#[cfg(test)]
mod tests {
    use rtmm_workload::random::{Draws, Stream};

    use super::*;
    use crate::fixture::{Fixture, TaskSketch};
    use crate::ids::JobId;
    use crate::policies::{check, policy};

    /// Two jobs of 20 us each in the mean, the first of dense input and the second of sparse.
    fn fixture() -> (Fixture, [JobId; 2]) {
        let sketch = |name| {
            TaskSketch::new(name, &[&[10], &[10]])
                .sample(&[(0.4, 12.0), (0.4, 12.0)])
                .sample(&[(0.6, 8.0), (0.6, 8.0)])
        };
        let mut fixture = Fixture::new(&[sketch("dense"), sketch("sparse")]).unwrap();
        let jobs = [fixture.ready(0, 0, 1_000), fixture.ready(1, 0, 1_000)];
        fixture.change_hidden(jobs[1], |hidden| hidden.row = 1);
        (fixture, jobs)
    }

    #[test]
    fn measured_sparsity_decides_among_equals() {
        let (mut fixture, [dense, sparse]) = fixture();
        let mut dysta = policy("dysta", "");
        assert_eq!(fixture.clone().settle(dysta.as_mut()), "dense0>0:1");
        // Each has run a layer: 1.2 x 10 and 0.8 x 10 us are left.
        fixture.complete_layer(dysta.as_mut(), dense).unwrap();
        fixture.complete_layer(dysta.as_mut(), sparse).unwrap();
        assert_eq!(fixture.clone().settle(dysta.as_mut()), "sparse0>0:1");
        check(&fixture, "dysta-naive", "", "dense0>0:1");
        check(&fixture, "dysta-oracle", "", "sparse0>0:1");
    }

    #[test]
    fn the_oracle_knows_before_anything_ran() {
        let (fixture, _) = fixture();
        check(&fixture, "dysta-oracle", "", "sparse0>0:1");
        check(&fixture, "dysta", "", "dense0>0:1");
    }

    #[test]
    fn who_cannot_keep_the_deadline_lets_others_go_first() {
        let sketches = [TaskSketch::new("short", &[&[10]]), TaskSketch::new("long", &[&[40]])];
        // At 50 us, 10 us take to 60.
        for (policy, due_short, expected) in [
            ("dysta", 59, "short0>0:1"),
            ("dysta-corrected", 59, "long0>0:1"),
            ("dysta-corrected", 60, "short0>0:1"),
        ] {
            let mut fixture = Fixture::new(&sketches).unwrap();
            fixture.ready(0, 0, due_short);
            fixture.ready(1, 50, 1_000);
            fixture.set_now(50);
            check(&fixture, policy, "beta=0", expected);
        }
    }

    #[test]
    fn each_part_of_the_score_counts_as_it_is_set() {
        let sketches = [TaskSketch::new("a", &[&[10]]), TaskSketch::new("b", &[&[11]])];
        // After 50 us of waiting for `a` and none for `b`, at beta 2: 10 + 2 x 40 us against
        // 11 + 2 x 39; a penalty of 50 / 10 / 2 ones outweighs all microseconds.
        for (settings, deadline_a, deadline_b, expected) in [
            ("beta=0", 100, 100, "a0>0:1"),
            ("beta=2 penalty=none", 100, 100, "b0>0:1"),
            ("beta=2 penalty=none", 100, 102, "a0>0:1"),
            ("beta=2 penalty=none slack=ignored", 200, 100, "a0>0:1"),
            ("beta=2 penalty=published", 100, 102, "b0>0:1"),
            ("beta=2 penalty=reversed", 200, 100, "a0>0:1"),
        ] {
            let mut fixture = Fixture::new(&sketches).unwrap();
            let first = fixture.ready(0, 0, deadline_a);
            let second = fixture.ready(1, 50, deadline_b);
            fixture.set_now(50);
            let told = format!("{settings} {deadline_a} {deadline_b} {first:?} {second:?}");
            for name in ["dysta", "dysta-naive", "dysta-oracle"] {
                let said = fixture.clone().settle(policy(name, settings).as_mut());
                assert_eq!(said, expected, "{name} {told}");
            }
        }
    }

    #[test]
    fn the_penalty_is_shared_among_all_jobs() {
        // `a` has waited for 50 of its 10 us, which is 5 over two jobs: 10 us and 2.5 beta against 30 us.
        let sketches = [TaskSketch::new("a", &[&[10]]), TaskSketch::new("b", &[&[30]])];
        let mut fixture = Fixture::new(&sketches).unwrap();
        fixture.ready(0, 0, 1_000);
        fixture.ready(1, 50, 1_000);
        fixture.set_now(50);
        for ties in ["release", "declared"] {
            for (beta, expected) in [("7.9e-6", "a0>0:1"), ("8.1e-6", "b0>0:1")] {
                check(&fixture, "dysta", &format!("slack=ignored beta={beta} ties={ties}"), expected);
            }
        }
    }

    /// Rankings by every kind of score, among three jobs.
    fn rankings() -> impl Iterator<Item = Dysta> {
        let settings = ["published", "none", "reversed"].into_iter().flat_map(|penalty| {
            [("counted", "ranked"), ("counted", "last"), ("ignored", "last")].map(|words| (penalty, words))
        });
        settings.map(|(penalty, (slack, hopeless))| {
            let mut parameters = Parameters::defaults(&schema());
            for (name, word) in [("penalty", penalty), ("slack", slack), ("hopeless", hopeless)] {
                parameters.set_text(name, word).unwrap();
            }
            Dysta { jobs: 3, ..Dysta::read(&parameters, None) }
        })
    }

    /// Terms of jobs of up to 40 us at 100 us, some of which are late.
    fn drawn(ranking: &Dysta, draws: Draws, case: u64) -> ScoreTerms {
        let below = |position, below| draws.below(case, position, below);
        let at = |us: u64| Time::from_picoseconds(us * 1_000_000);
        let whole = 1 + below(0, 40);
        ScoreTerms {
            deadline: at(60 + below(1, 200)),
            last_ran: at(below(2, 100)),
            weight: ranking.penalty_sign,
            remaining_s: (1 + below(3, whole)) as f64 * 1e-6,
            whole_s: whole as f64 * 1e-6,
        }
    }

    #[test]
    fn no_job_comes_before_the_least_key_of_those_it_is_among() {
        let (now, draws) = (Time::from_picoseconds(100_000_000), Draws::new(1, Stream::Bootstrap, "spans"));
        for ranking in rankings() {
            for case in 0..200 {
                let jobs = [0, 1, 2].map(|job| drawn(&ranking, draws, 3 * case + job));
                let of_one = |job: &ScoreTerms| ranking.least_key(now, &TermsSpan::from(*job));
                let least = ranking.least_key(now, &TermsSpan::of(&jobs));
                for job in &jobs {
                    let key = ranking.key_of(now, job);
                    assert!(key.is_some() && least <= key, "{ranking:?}: {least:?}, {key:?} of {job:?}");
                    // Of one job it is the key.
                    assert_eq!(of_one(job), key, "{ranking:?}: {job:?}");
                }
            }
        }
    }

    #[test]
    fn a_job_that_waits_does_not_fall_below_its_floor() {
        let draws = Draws::new(1, Stream::Bootstrap, "floors");
        for ranking in rankings() {
            for case in 0..200 {
                let (job, now) = (drawn(&ranking, draws, case), Time::from_picoseconds(100_000_000));
                let elapsed = Duration::from_picoseconds(1 + draws.below(case, 9, 90_000_000));
                let key = ranking.key_of(now, &job).unwrap();
                // What the penalty takes from a score that falls with the wait is not known of a key.
                let Some(floor) = ranking.floor(key, elapsed) else {
                    assert!(ranking.penalty_sign < 0.0, "{ranking:?}");
                    continue;
                };
                let later = ranking.key_of(now.saturating_add(elapsed), &job).unwrap();
                assert!(floor <= later, "{ranking:?}: {later:?} is below {floor:?} after {elapsed:?}");
            }
        }
    }
}
