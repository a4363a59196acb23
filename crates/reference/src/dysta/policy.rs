//! The eleven policies: whose layer is next.
//!
//! A policy walks over the unfinished tasks in the order of their admission. Variants that know less
//! are the same code: without monitoring gamma is 1, and without patterns the estimates are those of
//! the architecture. Tokens of `prema` are the only state that a decision changes.

use serde::Serialize;

use super::fixes::Fixes;
use super::predictor::Predictor;

/// Policies of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// First come, first served.
    Fcfs,
    /// The shortest estimate of what remains.
    Sjf,
    /// The same with patterns and measured sparsities.
    SjfSparse,
    /// PREMA (Choi and Rhu, HPCA 2020): tokens grow while tasks wait; the shortest of those with many.
    Prema,
    /// The same with patterns and measured sparsities.
    PremaSparse,
    /// Planaria (Ghodrati et al., MICRO 2020): priority by slack.
    Planaria,
    /// SDRM3 (Kim et al., 2022): urgency and fairness.
    Sdrm3,
    /// The same with patterns and measured sparsities.
    Sdrm3Sparse,
    /// Dysta's score without patterns and measurements.
    DystaNaive,
    /// Dysta: remaining time, slack and waiting, corrected by measured sparsities.
    Dysta,
    /// Dysta's score with the true remaining time.
    DystaOracle,
}

impl Policy {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Fcfs,
        Self::Sjf,
        Self::SjfSparse,
        Self::Prema,
        Self::PremaSparse,
        Self::Planaria,
        Self::Sdrm3,
        Self::Sdrm3Sparse,
        Self::DystaNaive,
        Self::Dysta,
        Self::DystaOracle,
    ];

    /// The name, in kebab case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fcfs => "fcfs",
            Self::Sjf => "sjf",
            Self::SjfSparse => "sjf-sparse",
            Self::Prema => "prema",
            Self::PremaSparse => "prema-sparse",
            Self::Planaria => "planaria",
            Self::Sdrm3 => "sdrm3",
            Self::Sdrm3Sparse => "sdrm3-sparse",
            Self::DystaNaive => "dysta-naive",
            Self::Dysta => "dysta",
            Self::DystaOracle => "dysta-oracle",
        }
    }

    /// The policy of a name; underscores may stand for hyphens, as in the program.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name.replace('_', "-"))
    }

    /// True if estimates are those of the file, not those of its architecture.
    #[must_use]
    pub const fn knows_patterns(self) -> bool {
        self.monitors() || matches!(self, Self::DystaOracle)
    }

    /// True if sparsities of layers that ran correct the estimate.
    #[must_use]
    pub const fn monitors(self) -> bool {
        matches!(self, Self::SjfSparse | Self::PremaSparse | Self::Sdrm3Sparse | Self::Dysta)
    }
}

/// Policy with its estimates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Parameters {
    /// Policy.
    pub policy: Policy,
    /// Weight of fairness in `sdrm3`.
    pub alpha: f64,
    /// Weight of slack and waiting in `dysta`.
    pub beta: f64,
    /// Predictor of the remaining latency from measured sparsities.
    pub predictor: Predictor,
    /// Which quirks are fixed.
    pub fixes: Fixes,
}

impl Parameters {
    /// The published parameters with a policy, and all quirks.
    #[must_use]
    pub fn of(policy: Policy) -> Self {
        Self { policy, alpha: 1.0, beta: 0.01, predictor: Predictor::default(), fixes: Fixes::default() }
    }
}

/// State of an unfinished task, as policies know it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub arrival_s: f64,
    /// Absolute.
    pub deadline_s: f64,
    pub priority: f64,
    /// When its last layer ended; its arrival before the first.
    pub last_s: f64,
    /// Correction of estimates by measured sparsities.
    pub gamma: f64,
    /// Estimate of the next layer.
    pub layer_s: f64,
    /// Estimate of all that remains; the truth for the oracle.
    pub remaining_s: f64,
    /// The same at admission.
    pub isolated_s: f64,
    /// PREMA's; none before the first decision that sees the task.
    pub token: Option<f64>,
}

impl Known {
    fn corrected_s(&self) -> f64 {
        self.gamma * self.remaining_s
    }

    /// Seconds to the deadline; negative once it has passed.
    fn slack_s(&self, now_s: f64) -> f64 {
        self.deadline_s - now_s
    }
}

/// The position of the task whose layer is next; 0 if there are none.
pub(super) fn choose(policy: Policy, run: &mut [Known], now_s: f64, parameters: &Parameters) -> usize {
    let plain = parameters.fixes.plain_maximum;
    match policy {
        Policy::Fcfs => first_smallest(run, |task| task.arrival_s),
        Policy::Sjf | Policy::SjfSparse => first_smallest(run, Known::corrected_s),
        Policy::Prema | Policy::PremaSparse => prema(run, now_s, parameters.fixes.own_gamma),
        Policy::Planaria => largest(run, plain, |task| task.priority / task.slack_s(now_s)),
        Policy::Sdrm3 | Policy::Sdrm3Sparse => {
            largest(run, plain, |task| sdrm3_score(task, now_s, parameters.alpha))
        }
        Policy::DystaNaive | Policy::Dysta | Policy::DystaOracle => {
            let tasks = run.len() as f64;
            first_smallest(run, |task| dysta_score(task, now_s, tasks, parameters.beta))
        }
    }
}

/// Urgency is 1 at most, and negative once the deadline has passed.
fn sdrm3_score(task: &Known, now_s: f64, alpha: f64) -> f64 {
    let urgency = task.corrected_s() / task.slack_s(now_s);
    let urgency = if urgency > 1.0 { 1.0 } else { urgency };
    let fairness = (now_s - task.last_s) / (task.gamma * task.layer_s);
    urgency + alpha * fairness
}

/// The smallest is best: waiting makes a task *less* attractive, which spares switches.
fn dysta_score(task: &Known, now_s: f64, tasks: f64, beta: f64) -> f64 {
    let remaining_s = task.corrected_s();
    let urgency_s = task.slack_s(now_s) - remaining_s;
    let urgency_s = if urgency_s < 0.0 { 0.0 } else { urgency_s };
    let waiting = (now_s - task.last_s) / task.isolated_s / tasks;
    remaining_s + beta * (urgency_s + waiting)
}

/// Quirk 11: all idle time since the last layer is added again at every decision, tokens are never
/// reset, and a candidate needs no more than the threshold.
fn prema(run: &mut [Known], now_s: f64, own_gamma: bool) -> usize {
    let mut largest = 0.0;
    for task in &mut *run {
        let Some(token) = &mut task.token else {
            // A new task takes no part in the maximum.
            task.token = Some(task.priority);
            continue;
        };
        *token += task.priority * ((now_s - task.last_s) / (task.gamma * task.isolated_s));
        if *token > largest {
            largest = *token;
        }
    }
    let threshold = match largest {
        9.0.. => 9.0,
        3.0.. => 3.0,
        _ => 1.0,
    };
    // Quirk 3: gamma is that of the last task, whichever is ranked.
    let last_gamma = run.last().map_or(1.0, |task| task.gamma);
    let gamma = |task: &Known| if own_gamma { task.gamma } else { last_gamma };
    let mut best: Option<(usize, f64)> = None;
    for (index, task) in run.iter().enumerate() {
        if task.token.is_none_or(|token| token < threshold) {
            continue;
        }
        let remaining_s = gamma(task) * task.remaining_s;
        if best.is_none_or(|(_, smallest)| remaining_s < smallest) {
            best = Some((index, remaining_s));
        }
    }
    best.map_or(0, |(index, _)| index)
}

/// The first task of the smallest score.
fn first_smallest(run: &[Known], score: impl Fn(&Known) -> f64) -> usize {
    let mut best = 0;
    let mut smallest = run.first().map_or(0.0, &score);
    for (index, task) in run.iter().enumerate().skip(1) {
        let score = score(task);
        if score < smallest {
            (best, smallest) = (index, score);
        }
    }
    best
}

/// Quirk 4: the largest score, but while that is negative each later task takes its place, whatever
/// its own score is. Of equals the one that arrived first. With `plain`, the first of the largest score.
fn largest(run: &[Known], plain: bool, score: impl Fn(&Known) -> f64) -> usize {
    if plain {
        return first_smallest(run, |task| -score(task));
    }
    let mut chosen: Option<usize> = None;
    let mut best = -1.0;
    for (index, task) in run.iter().enumerate() {
        let score = score(task);
        if !(best < 0.0 || best <= score) {
            continue;
        }
        let came_first = |chosen: usize| run[chosen].arrival_s < task.arrival_s;
        if score == best && chosen.is_some_and(came_first) {
            continue;
        }
        (chosen, best) = (Some(index), score);
    }
    chosen.unwrap_or(0)
}
