//! Outcomes: what a study found.

use crate::axes::AxisRow;
use crate::contest::{Contest, Significance};
use crate::errors::Spread;
use crate::margin::Level;
use crate::metric::Metric;
use crate::size::Size;
use crate::stated::Stated;

/// Findings of a study: contests along each axis, and tests without errors.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The policies, by names that tell them apart, in the order of their names and parameters.
    pub policies: Vec<String>,
    /// The same with all of their parameters.
    pub policies_in_full: Vec<String>,
    /// The metrics.
    pub metrics: Vec<Metric>,
    /// The systems.
    pub places: Vec<String>,
    /// The seeds.
    pub seeds: Vec<u64>,
    /// The number of worlds at each size.
    pub draws: u32,
    /// Levels of margins.
    pub levels: Vec<Level>,
    /// Parts of errors of layer costs.
    pub spread: Spread,
    /// The correlation of errors.
    pub correlation: f64,
    /// Seed of the errors.
    pub error_seed: u64,
    /// The errors that cost models state.
    pub stated: Stated,
    /// Tests of all pairs without errors.
    pub tests: Vec<Significance>,
    /// Contests along each axis.
    pub axes: Vec<AxisOutcome>,
}

/// Contests along an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisOutcome {
    /// The axis.
    pub axis: AxisRow,
    /// Sizes that were simulated for all policies, ascending.
    pub sizes: Vec<Size>,
    /// Contests of all pairs, by metric, in means over all systems.
    pub contests: Vec<Contest>,
    /// The same contests on each system by itself, from the same runs, in the order of the systems. Sizes beyond the common ones are
    /// those that narrow margins of means.
    pub by_place: Vec<Vec<Contest>>,
    /// Runs of the policy that had the most, on one system under one seed, that without errors among them.
    pub runs_per_policy: u64,
}

/// Conclusions that survive errors of a size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Survivors {
    /// Conclusions: contests that one of the two wins without errors.
    pub conclusions: usize,
    /// Those that hold at the greatest level up to the size.
    pub surviving: usize,
}

impl AxisOutcome {
    /// The conclusions in a metric that survive errors of a size.
    #[must_use]
    pub fn survivors(&self, metric: usize, size: Size) -> Survivors {
        let mut survivors = Survivors::default();
        for contest in self.contests.iter().filter(|contest| contest.metric == metric && !contest.is_tied) {
            survivors.conclusions += 1;
            survivors.surviving += usize::from(contest.survives(size) == Some(true));
        }
        survivors
    }
}

impl Outcome {
    /// The test of the two policies of a contest.
    #[must_use]
    pub fn test(&self, contest: &Contest) -> Option<&Significance> {
        let (first, second) = (contest.winner.min(contest.loser), contest.winner.max(contest.loser));
        self.tests
            .iter()
            .find(|test| (test.first, test.second, test.metric) == (first, second, contest.metric))
    }
}
