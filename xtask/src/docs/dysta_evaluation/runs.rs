//! The sweeps of the page, run in memory, and their means.

use std::sync::OnceLock;

use rtmm_runners::Runners;
use rtmm_sweep::execute::in_memory;
use rtmm_sweep::plan::Cell;
use rtmm_sweep::runner::Policy;
use rtmm_sweep::statistics::{Bootstrap, MINIMUM_SAMPLES, PairedDifference, mean, paired_difference};
use rtmm_workload::{Arrivals, Scenario, Task};

use super::super::Problem;
use crate::evaluation::complete;

/// The built-in sweeps of the page.
pub(super) const MAIN: &str = "dysta";
pub(super) const DEADLINES: &str = "dysta_deadlines";
pub(super) const BREAKDOWN: &str = "dysta_breakdown";
pub(super) const HARDWARE: &str = "dysta_hardware";

/// The cell columns of the page.
const COLUMNS: [&str; 4] = ["deadline_violation_rate", "antt", "scheduler_busy_ms", "decisions"];

/// A sweep with all that its cells gave.
pub(super) struct Runs {
    pub name: &'static str,
    pub cells: usize,
    pub seeds: usize,
    /// In the order of the plan.
    pub groups: Vec<Group>,
}

/// The cells that differ in the seed only.
pub(super) struct Group {
    pub scenario: String,
    pub platform: String,
    /// Requests a second in the mean.
    pub rate_hz: f64,
    /// Multiple of the isolated latency, where the sweep varies it.
    pub deadline: Option<f64>,
    pub policy: Policy,
    /// By seed.
    pub violations: Vec<f64>,
    pub antt: Vec<f64>,
    /// Jobs of a run, in the mean over seeds.
    pub jobs: f64,
    /// Time of a decision in microseconds, in the mean over all of them.
    pub decision_us: f64,
}

/// Which of the two metrics.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Metric {
    Violations,
    Antt,
}

impl Group {
    pub(super) fn values(&self, metric: Metric) -> &[f64] {
        match metric {
            Metric::Violations => &self.violations,
            Metric::Antt => &self.antt,
        }
    }

    pub(super) fn mean(&self, metric: Metric) -> f64 {
        mean(self.values(metric)).unwrap_or(f64::NAN)
    }

    /// The mean, with half the width of its bootstrap interval where there are seeds enough.
    pub(super) fn cell(&self, metric: Metric) -> String {
        let values = self.values(metric);
        let interval = match values.len() {
            size if size >= MINIMUM_SAMPLES => Bootstrap::new(size).intervals(&[values])[0],
            _ => None,
        };
        let half =
            interval.map_or_else(String::new, |one| format!(" ± {}", number((one.high - one.low) / 2.0)));
        format!("{}{half}", number(self.mean(metric)))
    }

    /// This minus another, seed by seed.
    pub(super) fn difference(&self, other: &Self, metric: Metric) -> Option<PairedDifference> {
        let bootstrap = Bootstrap::new(self.values(metric).len());
        paired_difference(self.values(metric), other.values(metric), &bootstrap)
    }

    pub(super) fn is_set(&self, name: &str, value: &str) -> bool {
        self.policy.parameter(name).is_some_and(|known| known.to_string() == value)
    }
}

/// Three decimals, fewer of large numbers.
pub(super) fn number(value: f64) -> String {
    // What rounds to zero has no sign.
    let value = if value.abs() < 0.0005 { 0.0 } else { value };
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// A difference with its interval; bold where that excludes zero.
pub(super) fn difference_cell(difference: Option<PairedDifference>) -> String {
    let Some(difference) = difference else { return "—".to_owned() };
    let sign = if difference.mean >= 0.0005 { "+" } else { "" };
    let mean = format!("{sign}{}", number(difference.mean)).replace('-', "−");
    let Some(interval) = difference.interval else { return mean };
    let half = number((interval.high - interval.low) / 2.0);
    let excludes = interval.low > 0.0 || interval.high < 0.0;
    if excludes { format!("**{mean} ± {half}**") } else { format!("{mean} ± {half}") }
}

/// The runs of a sweep; each is run once.
pub(super) fn of(name: &'static str) -> Result<&'static Runs, Problem> {
    static MAIN_RUNS: OnceLock<Result<Runs, String>> = OnceLock::new();
    static DEADLINE_RUNS: OnceLock<Result<Runs, String>> = OnceLock::new();
    static BREAKDOWN_RUNS: OnceLock<Result<Runs, String>> = OnceLock::new();
    static HARDWARE_RUNS: OnceLock<Result<Runs, String>> = OnceLock::new();
    let lock = match name {
        MAIN => &MAIN_RUNS,
        DEADLINES => &DEADLINE_RUNS,
        BREAKDOWN => &BREAKDOWN_RUNS,
        _ => &HARDWARE_RUNS,
    };
    match lock.get_or_init(|| run(name).map_err(|problem| problem.to_string())) {
        Ok(runs) => Ok(runs),
        Err(problem) => Err(problem.clone().into()),
    }
}

fn run(name: &'static str) -> Result<Runs, Problem> {
    let plan =
        rtmm_sweep::file::plan(name, &Runners::built_in().list()).map_err(|problems| problems.to_string())?;
    for column in COLUMNS {
        if !plan.spec().cell_columns.iter().any(|known| known.name == column) {
            return Err(format!("the runner gives no column `{column}`").into());
        }
    }
    let results = in_memory(&plan)?;
    complete(&results)?;
    let [violations, antt, busy_ms, decisions] = COLUMNS;
    let mut groups = Vec::new();
    for cells in plan.groups() {
        let values = |column: &str| -> Vec<f64> {
            cells.iter().filter_map(|cell| results.cell_value(cell, column)?.number()).collect()
        };
        let sum = |column: &str| values(column).iter().sum::<f64>();
        let scenario = plan.scenario(&cells[0]);
        let jobs = |cell: &Cell| -> f64 {
            let of = |task: &Task| results.task_value(cell, &task.name, "released")?.number();
            scenario.tasks.iter().filter_map(of).sum()
        };
        groups.push(Group {
            scenario: scenario.name.clone(),
            platform: plan.platform(&cells[0]).name.clone(),
            rate_hz: rate_hz(scenario),
            deadline: plan.varied_scenario(&cells[0]).number("deadline_factor"),
            policy: plan.policy(&cells[0]).clone(),
            violations: values(violations),
            antt: values(antt),
            jobs: cells.iter().map(jobs).sum::<f64>() / cells.len() as f64,
            decision_us: sum(busy_ms) * 1e3 / sum(decisions),
        });
    }
    Ok(Runs { name, cells: plan.len(), seeds: plan.axes().seeds.len(), groups })
}

/// Requests a second of all tasks together.
fn rate_hz(scenario: &Scenario) -> f64 {
    let rate = |arrivals: &Arrivals| match arrivals {
        Arrivals::Poisson { mean, .. } => mean.rate_microhertz() as f64 / 1e6,
        _ => 0.0,
    };
    scenario.tasks.iter().map(|task| rate(&task.arrivals)).sum()
}

impl Runs {
    /// The scenarios with their platforms, in order.
    pub(super) fn pairs(&self) -> Vec<(&str, &str)> {
        let mut pairs: Vec<(&str, &str)> = Vec::new();
        for group in &self.groups {
            let pair = (group.scenario.as_str(), group.platform.as_str());
            if !pairs.contains(&pair) {
                pairs.push(pair);
            }
        }
        pairs
    }

    /// The rates of a scenario, in order.
    pub(super) fn rates(&self, scenario: &str) -> Vec<f64> {
        let mut rates: Vec<f64> = Vec::new();
        for group in self.groups.iter().filter(|group| group.scenario == scenario) {
            if !rates.contains(&group.rate_hz) {
                rates.push(group.rate_hz);
            }
        }
        rates
    }

    /// The groups of a scenario at a rate, in the order of the policies.
    pub(super) fn at(&self, scenario: &str, rate_hz: f64) -> Vec<&Group> {
        self.groups.iter().filter(|group| group.scenario == scenario && group.rate_hz == rate_hz).collect()
    }
}

/// The last part of a name.
pub(super) fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// A rate without digits that mean nothing.
pub(super) fn rate_text(rate_hz: f64) -> String {
    format!("{:.1}", rate_hz).trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Plans are checked for what the page relies on.
pub(super) fn found<'g>(groups: &[&'g Group], policy: &str) -> Result<&'g Group, Problem> {
    let mut of = groups.iter().filter(|group| group.policy.name == policy);
    Ok(of.next().copied().ok_or_else(|| format!("the sweep lacks `{policy}`"))?)
}
