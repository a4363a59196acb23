//! The workloads of XRBench and of Dysta.

use std::path::Path;

use super::super::{Problem, table};
use super::{Row, Rows, signed};
use crate::evaluation::horizon::{DYSTA, POLICY, XRBENCH};
use crate::markdown::{MISSING, number};

/// XRBench's own dispatcher.
const GREEDY: &str = "latency-greedy";

/// The mean of a column over rows: of logarithms where it is a quotient.
fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let values: Vec<f64> = values.collect::<Option<_>>()?;
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Means of policies over the scenarios of XRBench, by load and platform.
pub(in crate::docs) fn xrbench(root: &Path) -> Result<String, Problem> {
    let rows = Rows::of(root, XRBENCH)?;
    let mut lines = Vec::new();
    for [load, platform] in rows.all(["load", "platform"]) {
        let of = |policy: &str, column: &str| {
            let here = rows
                .iter()
                .filter(|row| row.is(&[("load", load), ("platform", platform), ("policy", policy)]));
            mean(here.map(|row| row.number(column)))
        };
        let energy = |policy: &str| {
            let scenarios = rows.all(["scenario"]);
            let quotients = scenarios.iter().map(|[scenario]| {
                let of = |policy: &str| {
                    let place =
                        [("scenario", *scenario), ("load", load), ("platform", platform), ("policy", policy)];
                    rows.iter().find(|row| row.is(&place))?.number("energy_per_completed_pj")
                };
                Some((of(POLICY)? / of(policy)?).ln())
            });
            mean(quotients).map(f64::exp)
        };
        let score = |policy: &str| of(policy, "xrbench_score_percent");
        let misses = |policy: &str| of(policy, "deadline_violation_rate").map(|rate| 100.0 * rate);
        let shown = |policy: &str| format!("{} / {}", number(score(policy), 1), number(misses(policy), 1));
        let best = |has: &dyn Fn(&str) -> bool| {
            let policies =
                rows.all(["policy"]).into_iter().map(|[policy]| policy).filter(|policy| has(policy));
            policies
                .filter_map(|policy| Some((score(policy)?, policy)))
                .max_by(|one, other| one.0.total_cmp(&other.0))
        };
        let named = |found: Option<(f64, &str)>| {
            found.map_or_else(|| MISSING.to_owned(), |(_, policy)| format!("{} (`{policy}`)", shown(policy)))
        };
        let own = best(&|policy| policy.starts_with(GREEDY));
        let other = best(&|policy| policy != POLICY && !policy.starts_with(GREEDY));
        let fewest = rows
            .all(["policy"])
            .into_iter()
            .filter(|[policy]| *policy != POLICY)
            .filter_map(|[policy]| Some((misses(policy)?, policy)))
            .min_by(|one, other| one.0.total_cmp(&other.0));
        lines.push(vec![
            load.to_owned(),
            format!("`{platform}`"),
            shown(POLICY),
            named(own),
            named(other),
            named(fewest),
            number(other.and_then(|(_, policy)| energy(policy)), 2),
        ]);
    }
    let header = [
        "load",
        "platform",
        "`horizon`",
        "XRBench's dispatcher",
        "best other by score",
        "fewest misses of others",
        "energy of a completed job over the best by score",
    ];
    Ok(table(&header, &lines))
}

/// Requests a second of a scenario of Dysta at load 1.
fn base_rate(scenario: &str) -> f64 {
    if scenario.ends_with("multi_cnn") { 3.0 } else { 30.0 }
}

/// The best other policy that drops, or does not; what it has, and how much more this project's has.
fn beside(rows: &[Row<'_>], column: &str, drops: bool) -> [String; 3] {
    let decimals = 3;
    let is_here = |row: &&Row<'_>| (row.text("drop") != "never") == drops;
    let own = rows.iter().filter(is_here).find(|row| row.text("policy") == POLICY);
    let others = rows.iter().filter(is_here).filter(|row| row.text("policy") != POLICY);
    let best = others
        .filter_map(|row| Some((row.number(column)?, row)))
        .min_by(|one, other| one.0.total_cmp(&other.0));
    let own = number(own.and_then(|row| row.number(column)), decimals);
    let Some((value, best)) = best else { return [own, MISSING.to_owned(), MISSING.to_owned()] };
    // Differences are of the other one.
    let difference = best.number(&format!("{column}_more")).map(|more| -more);
    let bounds = best.number(&format!("{column}_low")).zip(best.number(&format!("{column}_high")));
    let difference = difference.map_or_else(|| MISSING.to_owned(), |more| signed(more, decimals));
    let difference = match bounds {
        Some((low, high)) => {
            let text = format!("{difference} ± {:.decimals$}", (high - low) / 2.0);
            if low > 0.0 || high < 0.0 { format!("**{text}**") } else { text }
        }
        None => difference,
    };
    [own, format!("{value:.decimals$} (`{}`)", best.text("policy")), difference]
}

fn dysta(root: &Path, column: &str) -> Result<String, Problem> {
    let all = Rows::of(root, DYSTA)?;
    let mut lines = Vec::new();
    for [scenario, load] in all.all(["scenario", "load"]) {
        let rows: Vec<Row<'_>> =
            all.iter().filter(|row| row.is(&[("scenario", scenario), ("load", load)])).collect();
        let rate = base_rate(scenario) * load.parse::<f64>()?;
        let name = scenario.rsplit('/').next().unwrap_or(scenario);
        let mut line = vec![format!("`{name}` {rate:.0}/s")];
        line.extend(beside(&rows, column, false));
        line.extend(beside(&rows, column, true));
        lines.push(line);
    }
    let header = [
        "workload",
        "`horizon`, nothing dropped",
        "best other",
        "difference",
        "`horizon`, late jobs dropped",
        "best other",
        "difference",
    ];
    Ok(table(&header, &lines))
}

/// Shares of requests that miss their deadline.
pub(in crate::docs) fn dysta_violations(root: &Path) -> Result<String, Problem> {
    dysta(root, "violations")
}

/// Turnaround over the isolated latency.
pub(in crate::docs) fn dysta_antt(root: &Path) -> Result<String, Problem> {
    dysta(root, "antt")
}
