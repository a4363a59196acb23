//! The page "Systems that were drawn": tables from the data that `cargo xtask evaluation generated` wrote.

use std::path::Path;

use super::{Problem, table};
use crate::evaluation::DATA;
use crate::evaluation::generated::RUNS;
use crate::evaluation::generated::draw::{DREAM, Family, HARDWARE};

/// The policy of this project.
const OWN: &str = "horizon";
/// Loads by which systems are grouped, up to these bounds.
const BANDS: [(&str, f64); 3] =
    [("light, below 0.6", 0.6), ("0.6 to 0.9", 0.9), ("beyond 0.9", f64::INFINITY)];
/// Misses, in points, within which a policy counts as no worse than the best.
const NEAR: f64 = 0.5;

/// Means of a policy on a system.
struct Row {
    system: String,
    kind: String,
    load: f64,
    policy: String,
    misses: Option<f64>,
    completed: Option<f64>,
    energy: Option<f64>,
    ux_cost: Option<f64>,
}

fn rows(root: &Path, family: &Family) -> Result<Vec<Row>, Problem> {
    let mut reader = csv::Reader::from_path(root.join(DATA).join(family.table))?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record?;
        let number = |index: usize| record[index].parse::<f64>().ok();
        rows.push(Row {
            system: record[0].to_owned(),
            kind: record[2].to_owned(),
            load: record[4].parse()?,
            policy: record[5].to_owned(),
            misses: number(6),
            completed: number(7),
            energy: number(8),
            ux_cost: number(9),
        });
    }
    Ok(rows)
}

fn policies(rows: &[Row]) -> Vec<&str> {
    let mut policies: Vec<&str> = Vec::new();
    for row in rows {
        if !policies.contains(&row.policy.as_str()) {
            policies.push(&row.policy);
        }
    }
    policies
}

/// The systems of one kind of hardware in a band of loads, each with its rows.
fn band<'r>(rows: &'r [Row], kind: &str, band: usize) -> Vec<Vec<&'r Row>> {
    let least = band.checked_sub(1).map_or(0.0, |before| BANDS[before].1);
    let is_in = |row: &&Row| row.kind == kind && row.load >= least && row.load < BANDS[band].1;
    let mut systems: Vec<Vec<&Row>> = Vec::new();
    for row in rows.iter().filter(is_in) {
        match systems.last_mut().filter(|system| system[0].system == row.system) {
            Some(system) => system.push(row),
            None => systems.push(vec![row]),
        }
    }
    systems
}

/// Counts of the systems that were drawn on platforms of DREAM.
pub(super) fn setup(root: &Path) -> Result<String, Problem> {
    counts(root, &DREAM)
}

/// Misses, completions and energy of each policy in the mean over systems, by costs and load.
pub(super) fn means(root: &Path) -> Result<String, Problem> {
    by_load(root, &DREAM)
}

/// The systems on which the policy of this project misses most beyond the best.
pub(super) fn lost(root: &Path) -> Result<String, Problem> {
    behind(root, &DREAM)
}

/// Counts of the systems that were drawn on other hardware.
pub(super) fn hardware_setup(root: &Path) -> Result<String, Problem> {
    counts(root, &HARDWARE)
}

/// Misses, completions and energy of each policy in the mean over systems, by hardware and load.
pub(super) fn hardware_means(root: &Path) -> Result<String, Problem> {
    by_load(root, &HARDWARE)
}

/// The systems on other hardware on which the policy of this project misses most beyond the best.
pub(super) fn hardware_lost(root: &Path) -> Result<String, Problem> {
    behind(root, &HARDWARE)
}

/// The kind of hardware as a heading has it.
fn shown(family: &Family, kind: &str) -> String {
    if family.column == "costs" { format!("{kind} costs") } else { kind.to_owned() }
}

fn counts(root: &Path, family: &Family) -> Result<String, Problem> {
    let rows = rows(root, family)?;
    let mut counts = Vec::new();
    for hardware in family.hardware {
        let of = (0..BANDS.len()).map(|at| band(&rows, hardware.name, at).len().to_string());
        counts.push(std::iter::once(shown(family, hardware.name)).chain(of).collect());
    }
    let header: Vec<&str> = std::iter::once("systems").chain(BANDS.map(|(name, _)| name)).collect();
    Ok(format!(
        "{} systems of seed {}, which is `{:07x}`, {} policies and settings, {RUNS} seeds of outcomes and arrivals for each.\n\n{}",
        family.systems,
        family.seed,
        family.seed,
        policies(&rows).len(),
        table(&header, &counts)
    ))
}

fn by_load(root: &Path, family: &Family) -> Result<String, Problem> {
    let rows = rows(root, family)?;
    let mut text = String::new();
    for hardware in family.hardware {
        for (at, (name, _)) in BANDS.iter().enumerate() {
            let systems = band(&rows, hardware.name, at);
            let mut lines: Vec<(f64, Vec<String>)> =
                policies(&rows).into_iter().map(|policy| line(&systems, policy)).collect();
            lines.sort_by(|one, other| one.0.total_cmp(&other.0));
            let lines: Vec<Vec<String>> = lines.into_iter().map(|(_, line)| line).collect();
            let header = [
                "policy",
                "misses, %",
                "behind the best by more than half a point",
                "completed, %",
                "energy of a completed job",
                "UXCost",
            ];
            let kind = shown(family, hardware.name);
            text.push_str(&format!("**{kind}, load {name}**\n\n{}\n", table(&header, &lines)));
        }
    }
    Ok(text.trim_end().to_owned() + "\n")
}

/// A line of a policy: mean misses to sort by, and what the table shows.
fn line(systems: &[Vec<&Row>], policy: &str) -> (f64, Vec<String>) {
    let mut misses = Vec::new();
    let mut completed = Vec::new();
    let (mut energy, mut ux_cost) = (Vec::new(), Vec::new());
    let mut behind = 0;
    for system in systems {
        let find = |policy: &str| system.iter().find(|row| row.policy == policy);
        let (Some(row), Some(own)) = (find(policy), find(OWN)) else { continue };
        let best = system.iter().filter_map(|row| row.misses).fold(f64::INFINITY, f64::min);
        if let Some(missed) = row.misses {
            misses.push(100.0 * missed);
            behind += usize::from(100.0 * (missed - best) > NEAR);
        }
        completed.extend(row.completed.map(|completed| 100.0 * completed));
        energy.extend(ratio(row.energy, own.energy));
        ux_cost.extend(ratio(row.ux_cost, own.ux_cost));
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let shown =
        |values: &[f64]| if values.is_empty() { "-".to_owned() } else { format!("{:.1}", mean(values)) };
    let geometric = |values: &[f64]| {
        let logs: Vec<f64> = values.iter().map(|value| value.ln()).collect();
        if logs.is_empty() { "-".to_owned() } else { format!("{:.2}", mean(&logs).exp()) }
    };
    let line = vec![
        format!("`{policy}`"),
        shown(&misses),
        format!("{behind} of {}", systems.len()),
        shown(&completed),
        geometric(&energy),
        geometric(&ux_cost),
    ];
    (mean(&misses), line)
}

/// A value over that of this project's policy, where both are above zero.
fn ratio(one: Option<f64>, own: Option<f64>) -> Option<f64> {
    one.zip(own).filter(|(one, own)| *one > 0.0 && *own > 0.0).map(|(one, own)| one / own)
}

fn behind(root: &Path, family: &Family) -> Result<String, Problem> {
    let rows = rows(root, family)?;
    let mut lost = Vec::new();
    for hardware in family.hardware {
        for at in 0..BANDS.len() {
            for system in band(&rows, hardware.name, at) {
                let misses = |row: &Row| row.misses.unwrap_or(f64::INFINITY);
                let best = system.iter().copied().min_by(|one, other| misses(one).total_cmp(&misses(other)));
                let own = system.iter().copied().find(|row| row.policy == OWN);
                let (Some(best), Some(own)) = (best, own) else { continue };
                if let (Some(least), Some(missed)) = (best.misses, own.misses) {
                    let behind = 100.0 * (missed - least);
                    if behind > NEAR {
                        lost.push((behind, own, best, 100.0 * missed));
                    }
                }
            }
        }
    }
    lost.sort_by(|one, other| other.0.total_cmp(&one.0));
    let count = lost.len();
    let lines: Vec<Vec<String>> = lost
        .into_iter()
        .take(12)
        .map(|(behind, own, best, missed)| {
            vec![
                own.system.clone(),
                own.kind.clone(),
                format!("{:.2}", own.load),
                format!("{missed:.1}"),
                format!("{:.1}", missed - behind),
                format!("`{}`", best.policy),
            ]
        })
        .collect();
    let header = ["system", family.column, "load", "misses of `horizon`, %", "of the best, %", "the best"];
    Ok(format!(
        "On {count} of {} systems some policy misses less by more than half a point. Those furthest behind:\n\n{}",
        family.systems,
        table(&header, &lines)
    ))
}
