//! Gains of MoCA over its baselines, beside the published ones; and which of its halves they come from.

use std::path::Path;

use super::super::{Problem, table};
use super::data::{Cells, LEVELS, MOCA, Named, SCHEDULING, SETS, STATIC, THROTTLING, name, scenario, share};

/// Metrics of the page with their columns.
const METRICS: [(&str, &str); 3] =
    [("SLA", "sla_satisfaction"), ("STP", "stp_normalised"), ("fairness", "fairness_min_ratio")];
const BASELINES: [&str; 3] = ["prema", STATIC, "planaria"];

/// Published gains, mean and largest: the abstract's over all baselines, and those by baseline as we remember them.
fn published(metric: &str, baseline: Option<&str>) -> &'static str {
    match (metric, baseline) {
        ("SLA", None) => "1.8 (3.9)",
        ("STP", None) => "1.7 (2.3)",
        ("fairness", None) => "1.2 (1.3)",
        ("SLA", Some("prema")) => "8.7 (18.1)?",
        ("SLA", Some("static-partition")) => "1.8 (2.4)?",
        ("SLA", Some("planaria")) => "1.8 (3.9)?",
        ("STP", Some("prema")) => "12.5?",
        ("STP", Some("static-partition")) => "1.7 (2.1)?",
        ("STP", Some("planaria")) => "1.7 (2.3)?",
        ("fairness", Some("static-partition")) => "1.07?",
        ("fairness", Some("planaria")) => "1.2 (1.3)?",
        _ => "—",
    }
}

/// The mean and the largest of some ratios, as the page shows them.
fn mean_and_most(ratios: &[f64]) -> String {
    let mean = ratios.iter().sum::<f64>() / ratios.len().max(1) as f64;
    format!("{mean:.2} ({:.2})", ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

/// The nine scenarios of the main comparison.
fn scenarios() -> impl Iterator<Item = (String, String)> {
    SETS.into_iter()
        .flat_map(|set| LEVELS.map(|(level, suffix)| (format!("{set}, {level}"), scenario(set, suffix))))
}

fn ratios(cells: &Cells, metric: &str, policy: &str, baseline: &str) -> Result<Vec<f64>, Problem> {
    scenarios()
        .map(|(_, scenario)| {
            Ok(cells.mean(&scenario, policy, metric)? / cells.mean(&scenario, baseline, metric)?)
        })
        .collect()
}

/// Ratios of the log between its policies, with the endings of the columns, by metric.
fn logged(log: &[Named], metric: &str, ending: &str) -> Result<Vec<f64>, Problem> {
    let column = format!("{}_{ending}", metric.to_lowercase());
    let of = |policy: &str| -> Result<Vec<f64>, Problem> {
        let mut values = Vec::new();
        for row in log {
            if row.text("policy")? == policy {
                values.push(row.number(&column)?);
            }
        }
        Ok(values)
    };
    Ok(of("moca")?.into_iter().zip(of("static")?).map(|(moca, other)| moca / other).collect())
}

/// Our gains beside the published ones, and beside those of the published log.
pub(in crate::docs) fn gains(root: &Path) -> Result<String, Problem> {
    let cells = Cells::read(root)?;
    let log = Named::rows(root, "moca_replay.csv")?;
    let mut rows = Vec::new();
    for (metric, column) in METRICS {
        for baseline in BASELINES {
            let of_log = |ending: &str| -> Result<String, Problem> {
                match baseline {
                    STATIC => Ok(mean_and_most(&logged(&log, metric, ending)?)),
                    _ => Ok("—".to_owned()),
                }
            };
            rows.push(vec![
                metric.to_owned(),
                name(baseline),
                mean_and_most(&ratios(&cells, column, MOCA, baseline)?),
                mean_and_most(&ratios(&cells, column, SCHEDULING, baseline)?),
                published(metric, Some(baseline)).to_owned(),
                of_log("logged")?,
                of_log("corrected")?,
            ]);
        }
        let dash = || "—".to_owned();
        rows.push(vec![
            metric.to_owned(),
            "prior work, in the abstract".to_owned(),
            dash(),
            dash(),
            published(metric, None).to_owned(),
            dash(),
            dash(),
        ]);
    }
    let header = [
        "metric",
        "over",
        "MoCA",
        "its scheduling alone",
        "published",
        "the authors' log",
        "the log, corrected",
    ];
    let two_tiles = ratios(&cells, "stp_on_two_tiles", MOCA, STATIC)?;
    let mut by_cell = Vec::new();
    for (label, scenario) in scenarios() {
        let mut row = vec![label];
        for (_, column) in METRICS {
            for baseline in BASELINES {
                let ratio = cells.mean(&scenario, MOCA, column)? / cells.mean(&scenario, baseline, column)?;
                row.push(format!("{ratio:.2}"));
            }
        }
        by_cell.push(row);
    }
    let mut cell_header = vec!["set, level".to_owned()];
    for (metric, _) in METRICS {
        cell_header.extend(BASELINES.map(|baseline| format!("{metric} / {}", name(baseline))));
    }
    let cell_header: Vec<&str> = cell_header.iter().map(String::as_str).collect();
    Ok(format!(
        "{}\nAgainst networks alone on two tiles, as the artifact counts throughput, the gain in STP over the static \
         partition is {} instead. By set and level:\n\n{}",
        table(&header, &rows),
        mean_and_most(&two_tiles),
        table(&cell_header, &by_cell)
    ))
}

/// Differences that scheduling and throttling make by themselves.
pub(in crate::docs) fn parts(root: &Path) -> Result<String, Problem> {
    let cells = Cells::read(root)?;
    let mut rows = Vec::new();
    let (mut alike, mut lower, mut higher) = (0, 0, 0);
    for (label, scenario) in scenarios() {
        let of = |policy: &str, metric: &str| cells.mean(&scenario, policy, metric);
        let mut row = vec![label];
        for (_, metric) in &METRICS[..2] {
            let base = of(STATIC, metric)?;
            row.push(share(base));
            for policy in [SCHEDULING, THROTTLING, MOCA] {
                row.push(format!("{:+.3}", of(policy, metric)? - base).replace('-', "−"));
            }
        }
        rows.push(row);
        let is_alike = |metric: &str| Ok::<bool, Problem>(of(SCHEDULING, metric)? == of(STATIC, metric)?);
        alike += usize::from(is_alike("sla_satisfaction")? && is_alike("stp_normalised")?);
        let difference = of(THROTTLING, "sla_satisfaction")? - of(STATIC, "sla_satisfaction")?;
        lower += usize::from(difference < -0.0005);
        higher += usize::from(difference > 0.0005);
    }
    let header = [
        "set, level",
        "SLA, static partition",
        "scheduling",
        "throttling",
        "both",
        "STP, static partition",
        "scheduling",
        "throttling",
        "both",
    ];
    let count = scenarios().count();
    Ok(format!(
        "{}\nScheduling alone has the very means of the static partition in {alike} of {count} cells. Throttling alone has a \
         higher SLA satisfaction in {higher}, a lower one in {lower}.",
        table(&header, &rows)
    ))
}

/// Where MoCA does best and worst over the loads and platforms of a sweep; `label` names one of these.
pub(super) fn over_members(
    cells: &Cells,
    sweep: &str,
    label: impl Fn(&(f64, &str)) -> String,
) -> Result<String, Problem> {
    let mut statements = Vec::new();
    for baseline in BASELINES {
        let mut ratios: Vec<(f64, String)> = Vec::new();
        for member in cells.members(sweep) {
            for set in SETS {
                let (load, platform) = member;
                let of = |policy: &str| {
                    let row = cells.find(sweep, &scenario(set, ""), load, platform, policy)?;
                    Some(row.get("sla_satisfaction")?.mean)
                };
                let (ours, other) = of("moca").zip(of(baseline)).ok_or("the sweep lacks a policy")?;
                ratios.push((ours / other, format!("set {set} at {}", label(&member))));
            }
        }
        ratios.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (Some((least, worst)), Some((most, best))) = (ratios.first(), ratios.last()) else {
            return Err(format!("`{sweep}` has no cells").into());
        };
        let better = ratios.iter().filter(|(ratio, _)| *ratio > 1.0005).count();
        statements.push(format!(
            "- Over {}: a higher SLA satisfaction in {better} of {} cells; from {least:.2} times ({worst}) to {most:.2} times \
             ({best}).",
            name(baseline),
            ratios.len()
        ));
    }
    Ok(statements.join("\n"))
}
