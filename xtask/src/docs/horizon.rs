//! The page "The policy horizon": what each of its parts brings, beside the deadline policies.

use std::sync::OnceLock;

use rtmm_runners::Runners;
use rtmm_scheduler::registry;
use rtmm_sweep::execute::in_memory;
use rtmm_sweep::runner::Policy;
use rtmm_sweep::statistics::{geometric_mean, mean};

use super::{Problem, table};
use crate::evaluation::complete;

const UX_COST: &str = "ux_cost";
const MISSES: &str = "deadline_violation_rate";
const ENERGY: &str = "energy_per_completed_pj";
const COLUMNS: [&str; 3] = [UX_COST, MISSES, ENERGY];

/// Runs of one policy on one system that differ in the seed only.
struct Group {
    /// Cost model and load factor.
    regime: String,
    /// Scenario, platform and load factor.
    system: String,
    policy: String,
    /// The mean over seeds of each column.
    values: [Option<f64>; COLUMNS.len()],
}

/// The runs of the page; each is run once.
fn groups() -> Result<&'static [Group], Problem> {
    static GROUPS: OnceLock<Result<Vec<Group>, String>> = OnceLock::new();
    match GROUPS.get_or_init(|| run().map_err(|problem| problem.to_string())) {
        Ok(groups) => Ok(groups),
        Err(problem) => Err(problem.clone().into()),
    }
}

fn run() -> Result<Vec<Group>, Problem> {
    let plan = rtmm_sweep::file::plan("horizon", &Runners::built_in().list())
        .map_err(|problems| problems.to_string())?;
    let results = in_memory(&plan)?;
    complete(&results)?;
    let mut groups = Vec::new();
    for cells in plan.groups() {
        let Some(first) = cells.first() else { continue };
        let of = |column: &str| {
            let values = cells.iter().filter_map(|cell| results.cell_value(cell, column)?.number());
            mean(&values.collect::<Vec<f64>>())
        };
        let load = plan.varied_scenario(first).number("load_factor").unwrap_or(1.0);
        let platform = &plan.platform(first).name;
        let costs = if platform.ends_with("@reference") { "reference" } else { "corrected" };
        groups.push(Group {
            regime: format!("{costs} x {load}"),
            system: format!("{} {platform} {load}", plan.scenario(first).name),
            policy: label(plan.policy(first)),
            values: COLUMNS.map(of),
        });
    }
    Ok(groups)
}

/// A policy by its parameters that differ from the defaults; where most parts of the plan are taken out, by those that are left.
fn label(policy: &Policy) -> String {
    let is = |name: &str, text: &str| policy.parameter(name).is_some_and(|value| value.to_string() == text);
    if is("spill", "false") && is("split", "false") {
        let order = if is("order", "slack") { "by slack" } else { "by deadline" };
        let virtual_deadlines = if is("virtual_deadlines", "true") { ", virtual" } else { "" };
        let choice = if is("choice", "least-energy") { ", least energy" } else { "" };
        return format!("{order}{virtual_deadlines}{choice}");
    }
    let defaults = registry::policy(&policy.name).map(|row| row.defaults());
    let is_own = |name: &str| {
        let default = defaults.as_ref().and_then(|defaults| defaults.get(name));
        name != "drop" && default != policy.parameter(name)
    };
    let own = policy.parameters.assignments().iter().filter(|(name, _)| is_own(name));
    let own: String = own.map(|(name, value)| format!(" {name}={value}")).collect();
    format!("`{}{own}`", policy.name)
}

/// Members in the order of first mention.
fn distinct<'g>(groups: &'g [Group], of: impl Fn(&'g Group) -> &'g str) -> Vec<&'g str> {
    let mut seen = Vec::new();
    for group in groups {
        let one = of(group);
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    seen
}

/// Policies down, regimes across.
fn matrix(column: &str, cell: impl Fn(&[(f64, f64)]) -> String) -> Result<String, Problem> {
    let groups = groups()?;
    let at = COLUMNS.iter().position(|known| *known == column).unwrap_or(0);
    let policies = distinct(groups, |group| &group.policy);
    let regimes = distinct(groups, |group| &group.regime);
    let Some(first) = policies.first() else { return Err("no policies".into()) };
    let value = |system: &str, policy: &str| {
        let found = groups.iter().find(|group| group.system == system && group.policy == policy);
        found.and_then(|group| group.values[at])
    };
    let rows: Vec<Vec<String>> = policies
        .iter()
        .map(|policy| {
            let of_regime = |regime: &&str| {
                let own = groups.iter().filter(|group| group.regime == *regime && group.policy == *policy);
                let pairs = own.filter_map(|group| Some((group.values[at]?, value(&group.system, first)?)));
                cell(&pairs.collect::<Vec<(f64, f64)>>())
            };
            std::iter::once((*policy).to_owned()).chain(regimes.iter().map(of_regime)).collect()
        })
        .collect();
    let header: Vec<&str> = std::iter::once("policy").chain(regimes).collect();
    Ok(table(&header, &rows))
}

fn ratio(pairs: &[(f64, f64)]) -> String {
    let ratios: Vec<f64> = pairs.iter().map(|(own, first)| own / first).collect();
    geometric_mean(&ratios).map_or_else(|_| "—".to_owned(), |value| format!("{value:.3}"))
}

/// UXCost relative to the first policy, in the geometric mean over systems.
pub(super) fn uxcost() -> Result<String, Problem> {
    matrix(UX_COST, ratio)
}

/// Energy of a completed job in the same way.
pub(super) fn energy() -> Result<String, Problem> {
    matrix(ENERGY, ratio)
}

/// Missed deadlines, in percent, in the mean over systems.
pub(super) fn misses() -> Result<String, Problem> {
    matrix(MISSES, |pairs| {
        let own: Vec<f64> = pairs.iter().map(|(own, _)| *own).collect();
        mean(&own).map_or_else(|| "—".to_owned(), |value| format!("{:.1}", 100.0 * value))
    })
}
