//! Energy over the least that any policy takes, where nothing is late.

use std::path::Path;

use super::super::{Problem, table};
use super::{Row, Rows};
use crate::evaluation::horizon::{BOUND, POLICY};
use crate::markdown::{MISSING, number};

/// The target.
const MOST: f64 = 1.05;
/// The policy where every job runs as the lightest network that it may be, as the bound has it.
const LIGHTEST: &str = "horizon variants=lightest";

/// True if nothing is late under any seed.
fn is_clean(row: Row<'_>) -> bool {
    row.text("clean") == row.text("seeds") && row.number("over_bound").is_some()
}

/// The row of a policy at the place of another row.
fn at<'r>(rows: &'r Rows, place: Row<'_>, policy: &str) -> Option<Row<'r>> {
    let same = ["scenario", "platform", "costs", "load"].map(|name| (name, place.text(name)));
    rows.iter().find(|row| row.is(&same) && row.text("policy") == policy)
}

/// The policy of others that takes least at a place, of those that have nothing late there.
fn best<'r>(rows: &'r Rows, place: Row<'_>) -> Option<Row<'r>> {
    let others =
        rows.all(["policy"]).into_iter().map(|[policy]| policy).filter(|policy| !policy.starts_with(POLICY));
    let others = others.filter_map(|policy| at(rows, place, policy)).filter(|row| is_clean(*row));
    others.min_by(|one, other| {
        one.number("over_bound").partial_cmp(&other.number("over_bound")).unwrap_or(std::cmp::Ordering::Equal)
    })
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Counts, and the places above the target.
pub(in crate::docs) fn over_bound(root: &Path) -> Result<String, Problem> {
    let rows = Rows::of(root, BOUND)?;
    let own = |row: &Row<'_>| row.text("policy") == POLICY;
    let mut counts = Vec::new();
    let mut above = Vec::new();
    let mut all = rows.all(["costs", "load"]);
    all.sort_by_key(|[costs, _]| *costs);
    for [costs, load] in all {
        let here: Vec<Row<'_>> =
            rows.iter().filter(own).filter(|row| row.is(&[("costs", costs), ("load", load)])).collect();
        let clean: Vec<Row<'_>> = here.iter().copied().filter(|row| is_clean(*row)).collect();
        let over: Vec<f64> = clean.iter().filter_map(|row| row.number("over_bound")).collect();
        let of_others: Vec<f64> =
            clean.iter().filter_map(|row| best(&rows, *row)?.number("over_bound")).collect();
        counts.push(vec![
            costs.to_owned(),
            load.to_owned(),
            format!("{} of {}", clean.len(), here.len()),
            over.iter().filter(|over| **over <= MOST).count().to_string(),
            number(mean(&over), 3),
            number(over.iter().copied().reduce(f64::max), 3),
            format!("{} ({} places)", number(mean(&of_others), 3), of_others.len()),
        ]);
        above
            .extend(clean.into_iter().filter(|row| row.number("over_bound").is_some_and(|over| over > MOST)));
    }
    let header = [
        "costs",
        "load",
        "systems in which nothing is late",
        "of them at most 1.05",
        "mean",
        "most",
        "the best other there, mean",
    ];
    let mut text = table(&header, &counts);
    if above.is_empty() {
        return Ok(text);
    }
    let line = |row: &Row<'_>| {
        let best = best(&rows, *row);
        let lightest = at(&rows, *row, LIGHTEST).and_then(|row| row.number("over_bound"));
        vec![
            format!("`{}`", row.text("scenario")),
            format!("`{}`", row.text("platform")),
            row.text("costs").to_owned(),
            row.text("load").to_owned(),
            number(row.number("over_bound"), 3),
            number(lightest, 3),
            format!("{} %", number(row.number("switches").map(|share| 100.0 * share), 1)),
            best.map_or_else(
                || MISSING.to_owned(),
                |best| format!("{} (`{}`)", number(best.number("over_bound"), 3), best.text("policy")),
            ),
        ]
    };
    let lines: Vec<Vec<String>> = above.iter().map(line).collect();
    let header = [
        "scenario",
        "platform",
        "costs",
        "load",
        "`horizon`",
        "with `variants=lightest`",
        "of it switches",
        "the best other",
    ];
    text.push_str(&format!("\nAbove 1.05:\n\n{}", table(&header, &lines)));
    Ok(text)
}
