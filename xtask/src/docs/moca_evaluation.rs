//! The page "The MoCA evaluation": tables from the data that `cargo xtask evaluation moca` wrote.
//!
//! Every number of the page comes from there, and so does every statement that depends on one.

mod data;
mod gains;
mod memory;
mod replay;

use std::path::Path;

use rtmm_runners::Runners;

use super::{Problem, table};
use crate::evaluation::moca::{BANDWIDTH, CHOICES, LOAD, MAIN, PREMA, RULES, SWEEPS};
use data::{Cells, LEVELS, SETS, Value, name, share};

pub(in crate::docs) use gains::{gains, parts};
pub(in crate::docs) use memory::{memory, networks, offered};
pub(in crate::docs) use replay::{causes, not_causal, replay};

/// The policies of the sweeps over loads and bandwidths, in their order.
const COMPARED: [&str; 4] = ["prema", "static-partition", "planaria", "moca"];

/// The sweeps behind the page.
pub(super) fn setup() -> Result<String, Problem> {
    let mut rows = Vec::new();
    for name in SWEEPS {
        let plan = rtmm_sweep::file::plan(name, &Runners::built_in().list())
            .map_err(|problems| problems.to_string())?;
        let axes = plan.axes();
        let mut loads: Vec<f64> = Vec::new();
        for cell in plan.cells() {
            let load = plan.varied_scenario(cell).number("load_factor").unwrap_or(1.0);
            if !loads.contains(&load) {
                loads.push(load);
            }
        }
        rows.push(vec![
            format!("`{name}`"),
            axes.workloads.len().to_string(),
            axes.platforms.len().to_string(),
            axes.policies.len().to_string(),
            axes.seeds.len().to_string(),
            loads.iter().map(f64::to_string).collect::<Vec<_>>().join(", "),
            plan.len().to_string(),
        ]);
    }
    let header =
        ["sweep", "scenarios", "platforms", "policies and settings", "seeds", "load factors", "runs"];
    Ok(table(&header, &rows))
}

/// A metric of the main comparison by policy, set and level; the largest of each column is bold.
fn main_table(root: &Path, metric: &str) -> Result<String, Problem> {
    let cells = Cells::read(root)?;
    let columns: Vec<String> =
        SETS.iter().flat_map(|set| LEVELS.map(|(level, _)| format!("{set}, {level}"))).collect();
    let scenarios: Vec<String> =
        SETS.iter().flat_map(|set| LEVELS.map(|(_, suffix)| data::scenario(set, suffix))).collect();
    let find = |policy: &str, scenario: &str| cells.main(scenario, policy).and_then(|row| row.get(metric));
    pivot("policy", &cells.policies(MAIN), &columns, |policy, column| find(policy, &scenarios[column]))
}

/// A table of policies down; the largest of each column is bold.
fn pivot<'c>(
    corner: &str,
    policies: &[&str],
    columns: &[String],
    find: impl Fn(&str, usize) -> Option<&'c Value>,
) -> Result<String, Problem> {
    let header: Vec<&str> = std::iter::once(corner).chain(columns.iter().map(String::as_str)).collect();
    let most = |column: usize| {
        let values = policies.iter().filter_map(|policy| Some(find(policy, column)?.mean));
        values.fold(f64::NEG_INFINITY, f64::max)
    };
    let most: Vec<f64> = (0..columns.len()).map(most).collect();
    let rows: Vec<Vec<String>> = policies
        .iter()
        .map(|policy| {
            let cell = |column: usize| match find(policy, column) {
                None => "—".to_owned(),
                Some(value) if share(value.mean) == share(most[column]) => format!("**{}**", value.text()),
                Some(value) => value.text(),
            };
            std::iter::once(name(policy)).chain((0..columns.len()).map(cell)).collect()
        })
        .collect();
    Ok(table(&header, &rows))
}

pub(super) fn sla(root: &Path) -> Result<String, Problem> {
    main_table(root, "sla_satisfaction")
}

pub(super) fn stp(root: &Path) -> Result<String, Problem> {
    main_table(root, "stp_normalised")
}

pub(super) fn fairness(root: &Path) -> Result<String, Problem> {
    let by_priority = main_table(root, "fairness_min_ratio")?;
    let jain = main_table(root, "fairness_jain")?;
    Ok(format!(
        "The least ratio of progress by priority between two networks:\n\n{by_priority}\nJain's index of the progress of \
         networks, which knows no priorities:\n\n{jain}"
    ))
}

/// SLA satisfaction by class of priorities, at QoS-M.
pub(super) fn classes(root: &Path) -> Result<String, Problem> {
    let cells = Cells::read(root)?;
    let classes = ["low", "mid", "high"];
    let keys: Vec<(&str, &str)> = SETS.iter().flat_map(|set| classes.map(|class| (*set, class))).collect();
    let columns: Vec<String> = keys.iter().map(|(set, class)| format!("{set}, {class}")).collect();
    pivot("policy", &cells.policies(MAIN), &columns, |policy, column| {
        let (set, class) = keys[column];
        cells.main(&data::scenario(set, ""), policy)?.get(&format!("sla_satisfaction_{class}"))
    })
}

/// Tables over one axis of another sweep: SLA satisfaction and throughput, a table a set.
fn over_axis(
    root: &Path,
    sweep: &str,
    members: &[(f64, &str)],
    label: impl Fn(&(f64, &str)) -> String,
) -> Result<String, Problem> {
    let cells = Cells::read(root)?;
    let columns: Vec<String> = members.iter().map(label).collect();
    let mut text = String::new();
    for (metric, title) in [("sla_satisfaction", "SLA satisfaction"), ("stp_normalised", "STP")] {
        for set in SETS {
            let scenario = data::scenario(set, "");
            let body = pivot("policy", &COMPARED, &columns, |policy, column| {
                let (load, platform) = members[column];
                cells.find(sweep, &scenario, load, platform, policy)?.get(metric)
            })?;
            text.push_str(&format!("{title}, set {set}:\n\n{body}\n"));
        }
    }
    Ok(text)
}

pub(super) fn load(root: &Path) -> Result<String, Problem> {
    let cells = Cells::read(root)?;
    let members = cells.members(LOAD);
    let label = |(load, _): &(f64, &str)| format!("load {load}");
    let statements = gains::over_members(&cells, LOAD, label)?;
    Ok(format!("{statements}\n\n{}", over_axis(root, LOAD, &members, label)?))
}

pub(super) fn bandwidth(root: &Path) -> Result<String, Problem> {
    let cells = Cells::read(root)?;
    let members = cells.members(BANDWIDTH);
    let label = |(_, platform): &(f64, &str)| match platform.rsplit_once("bandwidth_") {
        Some((_, bytes)) => format!("{bytes} GB/s"),
        None => "16 GB/s".to_owned(),
    };
    let statements = gains::over_members(&cells, BANDWIDTH, label)?;
    Ok(format!("{statements}\n\n{}", over_axis(root, BANDWIDTH, &members, label)?))
}

/// Rules by which runs share the DRAM, for readers.
const RULE_NAMES: [(&str, &str); 4] = [
    ("moca/soc_8_tiles", "max-min fair"),
    ("moca/soc_8_tiles_capped", "below caps"),
    ("moca/soc_8_tiles_throttled", "with throttles"),
    ("moca/soc_8_tiles_static", "in fixed parts"),
];

/// SLA satisfaction and throughput of MoCA and the static partition by the rule of the memory.
pub(super) fn rules(root: &Path) -> Result<String, Problem> {
    let cells = Cells::read(root)?;
    let members = cells.members(RULES);
    let mut loads: Vec<f64> = members.iter().map(|(load, _)| *load).collect();
    loads.dedup();
    let keys: Vec<(f64, &str)> = loads.iter().flat_map(|load| SETS.map(|set| (*load, set))).collect();
    let mut header = vec!["memory".to_owned(), "policy".to_owned()];
    header.extend(keys.iter().map(|(load, set)| format!("{set}, load {load}")));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut text = String::new();
    for (metric, title) in [("sla_satisfaction", "SLA satisfaction"), ("stp_normalised", "STP")] {
        let mut rows = Vec::new();
        for (platform, rule) in RULE_NAMES {
            for policy in cells.policies(RULES) {
                let cell = |(load, set): &(f64, &str)| {
                    let row = cells.find(RULES, &data::scenario(set, ""), *load, platform, policy);
                    row.and_then(|row| row.get(metric)).map_or_else(|| "—".to_owned(), Value::text)
                };
                let names = [rule.to_owned(), name(policy)];
                rows.push(names.into_iter().chain(keys.iter().map(cell)).collect());
            }
        }
        text.push_str(&format!("{title}:\n\n{}\n", table(&header, &rows)));
    }
    let of = |load: f64, set: &str, platform: &str, policy: &str| -> Result<f64, Problem> {
        let row = cells.find(RULES, &data::scenario(set, ""), load, platform, policy);
        Ok(row.and_then(|row| row.get("sla_satisfaction")).ok_or("the sweep lacks a cell")?.mean)
    };
    let [.., throttled, parts] = RULE_NAMES.map(|(platform, _)| platform);
    let ratios: Result<Vec<String>, Problem> = keys
        .iter()
        .map(|(load, set)| {
            let ratio = of(*load, set, throttled, "moca")? / of(*load, set, parts, data::STATIC)?;
            Ok(format!("{ratio:.2} (set {set}, load {load})"))
        })
        .collect();
    text.push_str(&format!(
        "Over a static partition whose memory is in fixed parts, too, MoCA with throttles has a higher SLA satisfaction by \
         factors of {}.\n",
        ratios?.join(", ")
    ));
    Ok(text)
}

/// SLA satisfaction under the settings of a sweep, by load and set; `label` is told each policy and the first.
fn settings(root: &Path, sweep: &str, label: impl Fn(&str, &str) -> String) -> Result<String, Problem> {
    let cells = Cells::read(root)?;
    let members = cells.members(sweep);
    let policies = cells.policies(sweep);
    let default = policies.first().copied().ok_or("the sweep has no policy")?;
    let keys: Vec<(&str, (f64, &str))> =
        members.iter().flat_map(|member| SETS.map(|set| (set, *member))).collect();
    let mut header = vec!["policy and settings".to_owned()];
    header.extend(keys.iter().map(|(set, (load, _))| format!("{set}, load {load}")));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows: Vec<Vec<String>> = policies
        .iter()
        .map(|policy| {
            let cell = |(set, (load, platform)): &(&str, (f64, &str))| {
                let row = cells.find(sweep, &data::scenario(set, ""), *load, platform, policy);
                row.and_then(|row| row.get("sla_satisfaction")).map_or_else(|| "—".to_owned(), Value::text)
            };
            std::iter::once(label(policy, default)).chain(keys.iter().map(cell)).collect()
        })
        .collect();
    Ok(table(&header, &rows))
}

/// SLA satisfaction under other choices of MoCA's.
pub(super) fn choices(root: &Path) -> Result<String, Problem> {
    settings(root, CHOICES, changed)
}

/// SLA satisfaction under PREMA's mechanisms.
pub(super) fn prema(root: &Path) -> Result<String, Problem> {
    settings(root, PREMA, |policy, _| match policy {
        "prema" => "PREMA, layer by layer, at no cost".to_owned(),
        mechanism => format!("PREMA, `{mechanism}`"),
    })
}

/// A policy with those of its settings that are not the default's.
fn changed(policy: &str, default: &str) -> String {
    let of_default: Vec<&str> = default.split(' ').collect();
    let (base, settings) = policy.split_once(' ').unwrap_or((policy, ""));
    let differing: Vec<String> = settings
        .split(' ')
        .filter(|word| !word.is_empty() && !of_default.contains(word))
        .map(|word| format!("`{word}`"))
        .collect();
    match (base == "moca", differing.is_empty()) {
        (true, true) => "MoCA as by default".to_owned(),
        (_, true) => name(base),
        _ => format!("{}, {}", name(base), differing.join(" ")),
    }
}
