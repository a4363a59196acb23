//! The page "Power on a phone": policies under governors, by the energy of the whole platform.

use std::sync::OnceLock;

use rtmm_runners::Runners;
use rtmm_sweep::execute::in_memory;
use rtmm_sweep::runner::Policy;
use rtmm_sweep::statistics::{Bootstrap, Interval, mean};

use super::{Problem, table};
use crate::evaluation::complete;

/// Picojoules of a joule.
const JOULE: f64 = 1e12;
/// Parts of the energy of the platform, with their names.
const PARTS: [(&str, &str); 6] = [
    ("platform_work_pj", "work"),
    ("platform_static_pj", "static"),
    ("platform_idle_pj", "idle"),
    ("platform_gated_pj", "gated"),
    ("platform_switches_pj", "switches"),
    ("platform_background_pj", "background"),
];
const ENERGY: &str = "platform_energy_pj";
const MISSES: &str = "deadline_violation_rate";
const ACCURACY: &str = "accuracy";
/// Share of deadlines by which another policy may miss more beside the clocks of a plan.
const NEAR: f64 = 0.005;
/// In place of a governor: clocks by the plan of the policy.
const PLANNED: &str = "plan_clocks";
/// Shares of missed deadlines that a choice may have, in the order of the page.
const TOLERANCES: [f64; 3] = [0.01, 0.05, 0.2];

/// Runs that differ in the seed only.
struct Group {
    load: f64,
    policy: String,
    governor: String,
    seconds: f64,
    /// Values of each column, by seed.
    values: Vec<(&'static str, Vec<f64>)>,
}

impl Group {
    fn by_seed(&self, column: &str) -> &[f64] {
        self.values.iter().find(|(name, _)| *name == column).map_or(&[], |(_, values)| values)
    }

    fn mean(&self, column: &str) -> Option<f64> {
        mean(self.by_seed(column))
    }

    /// Mean power of the platform, or of a part of its energy, in watts.
    fn watts(&self, column: &str) -> Option<f64> {
        Some(self.mean(column)? / JOULE / self.seconds)
    }
}

fn label(policy: &Policy) -> String {
    let variants = policy.parameter("variants").map(ToString::to_string);
    match variants.as_deref() {
        Some("lightest") => format!("{} lightest", policy.name),
        _ => policy.name.to_string(),
    }
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
    let plan = rtmm_sweep::file::plan("power", &Runners::built_in().list())
        .map_err(|problems| problems.to_string())?;
    let results = in_memory(&plan)?;
    complete(&results)?;
    let mut groups = Vec::new();
    for cells in plan.groups() {
        let Some(first) = cells.first() else { continue };
        let policy = plan.policy(first);
        let of = |column: &'static str| {
            let values = cells.iter().filter_map(|cell| results.cell_value(cell, column)?.number());
            (column, values.collect::<Vec<f64>>())
        };
        let columns = [ENERGY, MISSES, ACCURACY].into_iter().chain(PARTS.map(|(column, _)| column));
        groups.push(Group {
            load: plan.varied_scenario(first).number("load_factor").unwrap_or(1.0),
            policy: label(policy),
            governor: match policy.parameter("governor").map(ToString::to_string).as_deref() {
                Some("none") | None => PLANNED.to_owned(),
                Some(governor) => governor.to_owned(),
            },
            seconds: plan.scenario(first).duration.milliseconds() / 1e3,
            values: columns.map(of).collect(),
        });
    }
    Ok(groups)
}

/// Members in the order of first mention.
fn distinct<T: PartialEq + Clone>(groups: &[Group], of: impl Fn(&Group) -> T) -> Vec<T> {
    let mut seen: Vec<T> = Vec::new();
    for group in groups {
        let one = of(group);
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    seen
}

fn interval(values: &[f64]) -> Option<Interval> {
    let of = |drawn: &[u32]| {
        let drawn: Option<Vec<f64>> = drawn.iter().map(|seed| values.get(*seed as usize).copied()).collect();
        mean(&drawn?)
    };
    Bootstrap::new(values.len()).interval_of(of)
}

/// A mean with half of its 95 % interval over seeds.
fn with_interval(values: &[f64], shown: impl Fn(f64) -> String) -> String {
    let Some(mean) = mean(values) else { return "—".to_owned() };
    match interval(values) {
        Some(Interval { low, high, .. }) if high > low => {
            format!("{} ± {}", shown(mean), shown((high - low) / 2.0))
        }
        _ => shown(mean),
    }
}

/// Policies down, governors across, a table a load.
fn matrix(column: &'static str, unit: &str, cell: impl Fn(&Group) -> String) -> Result<String, Problem> {
    let groups = groups()?;
    let governors = distinct(groups, |group| group.governor.clone());
    let mut text = String::new();
    for load in distinct(groups, |group| group.load) {
        let rows: Vec<Vec<String>> = distinct(groups, |group| group.policy.clone())
            .into_iter()
            .map(|policy| {
                let mut row = vec![format!("`{policy}`")];
                row.extend(governors.iter().map(|governor| {
                    let is_it = |group: &&Group| {
                        group.load == load && group.policy == policy && group.governor == *governor
                    };
                    let found = groups.iter().find(is_it).filter(|group| !group.by_seed(column).is_empty());
                    found.map_or_else(|| "—".to_owned(), &cell)
                }));
                row
            })
            .collect();
        let mut header = vec!["policy".to_owned()];
        header.extend(governors.iter().map(|governor| format!("`{governor}`")));
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        text.push_str(&format!("Load {load}, {unit}:\n\n{}\n", table(&header, &rows)));
    }
    Ok(text)
}

/// Mean power of the whole platform.
pub(super) fn energy() -> Result<String, Problem> {
    matrix(ENERGY, "watts of the whole platform", |group| {
        let watts: Vec<f64> =
            group.by_seed(ENERGY).iter().map(|energy| energy / JOULE / group.seconds).collect();
        with_interval(&watts, |value| format!("{value:.3}"))
    })
}

/// Power of the platform under the clocks of a plan beside the least of other policies at the same accuracy that miss no more, or
/// half a point more at the most.
pub(super) fn planned() -> Result<String, Problem> {
    let groups = groups()?;
    let mut rows = Vec::new();
    for own in groups.iter().filter(|group| group.governor == PLANNED) {
        let size = own.policy.split(' ').nth(1);
        let (Some(watts), Some(misses)) = (own.watts(ENERGY), own.mean(MISSES)) else { continue };
        let of_others = groups.iter().filter(|group| {
            let is_alike = group.load == own.load && group.policy.split(' ').nth(1) == size;
            let is_in_time = group.mean(MISSES).is_some_and(|missed| missed <= misses + NEAR);
            is_alike && is_in_time && group.policy.split(' ').next() != own.policy.split(' ').next()
        });
        let least = of_others.filter_map(|group| Some((group.watts(ENERGY)?, group)));
        let least = least.min_by(|(one, _), (other, _)| one.total_cmp(other));
        let Some((of_other, other)) = least else { continue };
        rows.push(vec![
            own.load.to_string(),
            format!("`{}`", own.policy),
            format!("{watts:.3}"),
            format!("`{}`, `{}`", other.policy, other.governor),
            format!("{of_other:.3}"),
            format!("{:+.1} %", 100.0 * (watts / of_other - 1.0)).replace('-', "−"),
        ]);
    }
    Ok(table(&["load", "policy", "W", "least of the others", "W", "difference"], &rows))
}

/// Missed deadlines.
pub(super) fn misses() -> Result<String, Problem> {
    matrix(MISSES, "deadlines missed, in percent", |group| {
        with_interval(group.by_seed(MISSES), |value| format!("{:.1}", 100.0 * value))
    })
}

/// Accuracy delivered.
pub(super) fn accuracy() -> Result<String, Problem> {
    matrix(ACCURACY, "accuracy delivered, in percent", |group| {
        with_interval(group.by_seed(ACCURACY), |value| format!("{:.2}", 100.0 * value))
    })
}

/// The combinations of least energy by load and by the share of deadlines that may be missed.
pub(super) fn winners() -> Result<String, Problem> {
    let groups = groups()?;
    let mut rows = Vec::new();
    for load in distinct(groups, |group| group.load) {
        for tolerance in TOLERANCES {
            let is_fit = |group: &&Group| {
                group.load == load && group.mean(MISSES).is_some_and(|misses| misses <= tolerance)
            };
            let best = |column: &str| {
                let fit = groups.iter().filter(is_fit);
                fit.min_by(|one, other| {
                    let of = |group: &Group| group.mean(column).unwrap_or(f64::INFINITY);
                    of(one).total_cmp(&of(other))
                })
            };
            let at_most = format!("{:.0} %", 100.0 * tolerance);
            let (Some(whole), Some(work)) = (best(ENERGY), best("platform_work_pj")) else {
                let mut row = vec![load.to_string(), at_most, "none".to_owned()];
                row.resize(7, String::new());
                rows.push(row);
                continue;
            };
            let name = |group: &Group| format!("`{}`, `{}`", group.policy, group.governor);
            let shown = |column: &str, scale: f64, digits: usize| {
                whole
                    .mean(column)
                    .map_or_else(|| "—".to_owned(), |value| format!("{:.digits$}", value * scale))
            };
            rows.push(vec![
                load.to_string(),
                at_most,
                name(whole),
                format!("{:.3}", whole.watts(ENERGY).unwrap_or_default()),
                shown(MISSES, 100.0, 1),
                shown(ACCURACY, 100.0, 2),
                format!("{} ({:.3} W of the platform)", name(work), work.watts(ENERGY).unwrap_or_default()),
            ]);
        }
    }
    let header = [
        "load",
        "misses at most",
        "least energy of the platform",
        "W",
        "missed, %",
        "accuracy, %",
        "least energy of the work alone",
    ];
    Ok(table(&header, &rows))
}

/// Parts of the energy by governor, in the mean over the policies that were run under each of them.
pub(super) fn parts() -> Result<String, Problem> {
    let groups = groups()?;
    let mut rows = Vec::new();
    for load in distinct(groups, |group| group.load) {
        let plans =
            |policy: &str| groups.iter().any(|group| group.policy == policy && group.governor == PLANNED);
        for governor in distinct(groups, |group| group.governor.clone()) {
            let is_it =
                |group: &&Group| group.load == load && group.governor == governor && !plans(&group.policy);
            let of: Vec<&Group> = groups.iter().filter(is_it).collect();
            if of.is_empty() {
                continue;
            }
            let average = |column: &str| -> Option<f64> {
                mean(&of.iter().map(|group| group.watts(column)).collect::<Option<Vec<f64>>>()?)
            };
            let whole = average(ENERGY).ok_or("a run has no energy of its platform")?;
            let mut row = vec![load.to_string(), format!("`{governor}`"), format!("{whole:.3}")];
            for (column, _) in PARTS {
                let part = average(column).unwrap_or_default();
                row.push(format!("{part:.3} ({:.0} %)", 100.0 * part / whole));
            }
            rows.push(row);
        }
    }
    let mut header = vec!["load", "governor", "platform, W"];
    header.extend(PARTS.map(|(_, name)| name));
    Ok(table(&header, &rows))
}
