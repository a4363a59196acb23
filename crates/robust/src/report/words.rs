//! Sentences on outcomes.

use crate::contest::Contest;
use crate::errors::Spread;
use crate::margin::Margin;
use crate::outcome::{AxisOutcome, Outcome};
use crate::size::Size;

/// The most contests that are told one by one.
const TOLD: usize = 12;

/// Sentences on an outcome: each contest by itself where they are few, else how many conclusions survive; then what must be
/// known of the draws. Names stand in backticks.
#[must_use]
pub fn sentences(outcome: &Outcome) -> Vec<String> {
    let mut sentences = Vec::new();
    for axis in &outcome.axes {
        if axis.contests.len() <= TOLD {
            sentences.extend(axis.contests.iter().map(|contest| sentence(outcome, axis, contest)));
        } else {
            sentences.push(summary(outcome, axis));
        }
    }
    sentences.push(format!("{}.", draws(outcome)));
    if outcome.axes.iter().any(|axis| axis.axis.is_of_costs) {
        sentences.push(outcome.stated.sentence());
    }
    sentences
}

/// A contest in a sentence, such as “`edf` beats `fcfs` in deadline violation rate unless layer costs are off by more than 23 %.”
fn sentence(outcome: &Outcome, axis: &AxisOutcome, contest: &Contest) -> String {
    let [winner, loser] = [contest.winner, contest.loser].map(|policy| &outcome.policies[policy]);
    let metric = outcome.metrics[contest.metric].label();
    let (subject, unit) = (axis.axis.subject, with_space(axis.axis.unit));
    let Some(margin) = contest.margins.first() else {
        return format!("`{winner}` and `{loser}` are equal in {metric}.");
    };
    let mut sentence = format!("`{winner}` beats `{loser}` in {metric} ");
    sentence.push_str(&match (margin.holds, margin.flips) {
        (holds, None) => format!("also where {subject} {holds} %{unit}, the most that was simulated"),
        (Size::ZERO, Some(flips)) => format!("only if {subject} less than {flips} %{unit}"),
        (holds, Some(_)) => format!("unless {subject} more than {holds} %{unit}"),
    });
    if contest.is_within(&outcome.stated).is_some_and(|within| within && axis.axis.is_of_costs) {
        sentence.push_str(", which is within the stated error of the cost models");
    }
    if contest.rises {
        sentence.push_str("; its probability does not fall steadily, and this is its first fall");
    }
    sentence.push('.');
    sentence
}

/// The conclusions along an axis that survive each size.
fn summary(outcome: &Outcome, axis: &AxisOutcome) -> String {
    let (subject, unit) = (axis.axis.subject, with_space(axis.axis.unit));
    let of_metric = |(metric, of): (usize, &crate::metric::Metric)| {
        let survive = |size: &Size| format!("{} at {size} %{unit}", axis.survivors(metric, *size).surviving);
        let conclusions = axis.survivors(metric, Size::ZERO).conclusions;
        let sizes: Vec<String> = axis.sizes.iter().map(survive).collect();
        format!("{}: {conclusions}, of which survive {}", of.label(), sizes.join(", "))
    };
    let metrics: Vec<String> = outcome.metrics.iter().enumerate().map(of_metric).collect();
    format!("Conclusions that hold where {subject} as much: {}.", metrics.join("; "))
}

/// The draws in a phrase.
pub(super) fn draws(outcome: &Outcome) -> String {
    let spread = match outcome.spread {
        Spread::Mixed => "a third of their variance by layer, by operator, by accelerator",
        Spread::Layer => "by layer",
        Spread::Operator => "by operator",
        Spread::Accelerator => "by accelerator",
    };
    let level = outcome.levels.first().map_or(0, |level| level.percent());
    format!(
        "{} draws at each size, margins at {level} % of them; errors of layers {spread}, correlated {} between \
         accelerators, prices, tasks; {}",
        outcome.draws,
        outcome.correlation,
        match outcome.seeds.len() {
            1 => "one seed".to_owned(),
            seeds => format!("means over {seeds} seeds"),
        }
    )
}

/// A margin in percent: `20 to 23`, `< 1.4` or `> 140`.
#[must_use]
pub fn margin(margin: &Margin) -> String {
    match (margin.holds, margin.flips) {
        (holds, None) => format!("> {holds}"),
        (Size::ZERO, Some(flips)) => format!("< {flips}"),
        (holds, Some(flips)) => format!("{holds} to {flips}"),
    }
}

pub(super) fn with_space(unit: &str) -> String {
    if unit.is_empty() { String::new() } else { format!(" {unit}") }
}
