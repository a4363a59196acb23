//! Parts taken out of the policy, and put on deadline policies.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::{Problem, table};
use super::{Row, Rows, short, signed};
use crate::evaluation::horizon::{ABLATION, POLICY};
use crate::markdown::MISSING;

/// Parts without which a deadline policy is left.
const WITHOUT: &str = "choice=earliest-end spill=false split=false roam=false layer_energy=false layer_rule=false plans=1 sacrifice=none lookahead=0 variants=default \
                       wait=false improve=false virtual_deadlines=false";
/// Parts that are put on it again, one after the other: names, and settings that go or come.
const STEPS: [(&str, &[&str], &[&str]); 4] = [
    ("no part: earliest deadline first", &[], &[]),
    ("with virtual deadlines", &["virtual_deadlines=false"], &[]),
    ("and least energy", &["virtual_deadlines=false", "choice=earliest-end"], &[]),
    ("and least slack", &["virtual_deadlines=false", "choice=earliest-end"], &["order=slack"]),
];

fn settings(policy: &str) -> BTreeSet<&str> {
    policy.split_whitespace().skip(1).collect()
}

/// Settings of a step.
fn of_step(gone: &[&'static str], come: &[&'static str]) -> BTreeSet<&'static str> {
    WITHOUT.split_whitespace().filter(|setting| !gone.contains(setting)).chain(come.iter().copied()).collect()
}

/// The policy of each step.
fn steps(rows: &Rows) -> Result<Vec<(&'static str, &str)>, Problem> {
    let policies = rows.all(["policy"]);
    let found = STEPS.iter().map(|(name, gone, come)| {
        let wanted = of_step(gone, come);
        let found = policies.iter().find(|[policy]| is_own(policy) && settings(policy) == wanted);
        let [policy] = found.ok_or_else(|| format!("the sweep lacks {name}"))?;
        Ok((*name, *policy))
    });
    found.collect()
}

fn is_own(policy: &str) -> bool {
    policy.split_whitespace().next() == Some(POLICY)
}

/// Costs and loads: the columns of all tables.
fn places(rows: &Rows) -> Vec<[&str; 2]> {
    rows.all(["costs", "load"])
}

fn header<'p>(first: &'p str, places: &[[&'p str; 2]]) -> Vec<String> {
    let of = places.iter().map(|[costs, load]| format!("{costs}, load {load}"));
    std::iter::once(first.to_owned()).chain(of).collect()
}

/// A quantity beside the whole policy: of misses in points more, of others a quotient. Bold where the interval is of one sign.
fn cell(row: Row<'_>, name: &str) -> String {
    let number = |suffix: &str| row.number(&format!("{name}{suffix}"));
    let Some(value) = number("") else { return MISSING.to_owned() };
    let (factor, level) = if name == "misses" { (100.0, 0.0) } else { (1.0, 1.0) };
    let mean = match name {
        "misses" => signed(factor * value, 2),
        _ => format!("{value:.3}"),
    };
    let Some((low, high)) = number("_low").zip(number("_high")) else { return mean };
    let decimals = if name == "misses" { 2 } else { 3 };
    let text = format!("{mean} ± {:.decimals$}", factor * (high - low) / 2.0);
    // What rounds to no change is none.
    let is_none = mean.trim_start_matches(['+', '−']).parse() == Ok(level);
    if !is_none && (low > level || high < level) { format!("**{text}**") } else { text }
}

/// Rows of a quantity: a policy with its label.
fn of_policies(rows: &Rows, policies: &[(String, &str)], name: &str) -> Result<Vec<Vec<String>>, Problem> {
    let line = |(label, policy): &(String, &str)| {
        let mut line = vec![label.clone()];
        for [costs, load] in places(rows) {
            let here = [("costs", costs), ("load", load), ("policy", *policy)];
            let row = rows.iter().find(|row| row.is(&here)).ok_or("the sweep lacks a cell")?;
            line.push(cell(row, name));
        }
        Ok(line)
    };
    policies.iter().map(line).collect()
}

/// Policies with one part out.
fn parts(rows: &Rows) -> Result<Vec<(String, &str)>, Problem> {
    let steps: Vec<&str> = steps(rows)?.into_iter().map(|(_, policy)| policy).collect();
    let all = rows.all(["policy"]).into_iter().map(|[policy]| policy);
    let own = all.filter(|policy| is_own(policy) && *policy != POLICY && !steps.contains(policy));
    Ok(own.map(|policy| (short(policy), policy)).collect())
}

fn compared(root: &Path, name: &str) -> Result<String, Problem> {
    let rows = Rows::of(root, ABLATION)?;
    let lines = of_policies(&rows, &parts(&rows)?, name)?;
    let header = header("without", &places(&rows));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    Ok(table(&header, &lines))
}

/// Misses of the whole policy.
pub(in crate::docs) fn setup(root: &Path) -> Result<String, Problem> {
    let rows = Rows::of(root, ABLATION)?;
    let of = |[costs, load]: [&str; 2]| {
        let whole =
            rows.iter().find(|row| row.is(&[("costs", costs), ("load", load), ("policy", POLICY)]))?;
        Some(format!("{:.2} % at load {load} under {costs} costs", 100.0 * whole.number("misses_mean")?))
    };
    let misses: Option<Vec<String>> = places(&rows).into_iter().map(of).collect();
    let misses = misses.ok_or("the sweep lacks the whole policy")?;
    Ok(format!("The sweep `{ABLATION}`. `{POLICY}` misses {}.\n", misses.join(", ")))
}

pub(in crate::docs) fn misses(root: &Path) -> Result<String, Problem> {
    compared(root, "misses")
}

pub(in crate::docs) fn energy(root: &Path) -> Result<String, Problem> {
    compared(root, "energy")
}

pub(in crate::docs) fn completed(root: &Path) -> Result<String, Problem> {
    compared(root, "completed")
}

pub(in crate::docs) fn ux_cost(root: &Path) -> Result<String, Problem> {
    compared(root, "ux_cost")
}

/// Deadline policies, plain and with some of the parts.
pub(in crate::docs) fn built_up(root: &Path) -> Result<String, Problem> {
    let rows = Rows::of(root, ABLATION)?;
    let mut policies: Vec<(String, &str)> =
        steps(&rows)?.into_iter().map(|(name, policy)| (name.to_owned(), policy)).collect();
    let others = rows.all(["policy"]).into_iter().map(|[policy]| policy).filter(|policy| !is_own(policy));
    policies.extend(others.map(|policy| (format!("`{policy}`"), policy)));
    let header = header("policy", &places(&rows));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let names = [
        ("misses", "misses, points more than those of `horizon`"),
        ("energy", "energy of a completed job over that of `horizon`"),
        ("completed", "completions over those of `horizon`"),
        ("ux_cost", "UXCost over that of `horizon`"),
    ];
    let mut text = String::new();
    for (name, title) in names {
        text.push_str(&format!("{title}:\n\n{}\n", table(&header, &of_policies(&rows, &policies, name)?)));
    }
    Ok(text)
}
