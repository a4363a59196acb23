//! Outcomes for programs: a row a contest and size as CSV, everything as JSON.

use rtmm_sweep::runner::Better;
use serde::Serialize;

use crate::contest::Contest;
use crate::errors::Spread;
use crate::margin::{Margin, Point};
use crate::outcome::{AxisOutcome, Outcome};
use crate::size::Size;
use crate::stated::Stated;

/// The form of the JSON output; raised when a field changes its meaning or goes away.
const VERSION: u32 = 1;

/// A row for each contest at each size, with its margins. Columns of margins are named after their levels.
#[must_use]
pub fn csv(outcome: &Outcome) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut header: Vec<String> = [
        "axis",
        "metric",
        "better",
        "than",
        "better_value",
        "than_value",
        "tied",
        "size_percent",
        "draws",
        "wins",
        "losses",
        "ties",
        "probability",
        "probability_low",
        "probability_high",
    ]
    .map(str::to_owned)
    .into();
    for level in &outcome.levels {
        let level = level.percent();
        header.extend([format!("holds_{level}_percent"), format!("flips_{level}_percent")]);
    }
    header.extend(["p_seeds", "p_systems", "within_stated_error", "monotone"].map(str::to_owned));
    let mut rows = vec![header];
    for axis in &outcome.axes {
        for contest in &axis.contests {
            rows.extend(contest.points.iter().map(|point| row(outcome, axis, contest, point)));
        }
    }
    // Memory takes every byte.
    for row in rows {
        let _ = writer.write_record(row);
    }
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

fn row(outcome: &Outcome, axis: &AxisOutcome, contest: &Contest, point: &Point) -> Vec<String> {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let interval = point.interval();
    let mut row = vec![
        axis.axis.name.to_owned(),
        outcome.metrics[contest.metric].column.name.to_owned(),
        outcome.policies[contest.winner].clone(),
        outcome.policies[contest.loser].clone(),
        number(contest.values[0]),
        number(contest.values[1]),
        contest.is_tied.to_string(),
        point.size.to_string(),
        point.draws().to_string(),
        point.wins.to_string(),
        point.losses.to_string(),
        point.ties.to_string(),
        point.probability().to_string(),
        interval.low.to_string(),
        interval.high.to_string(),
    ];
    for level in 0..outcome.levels.len() {
        let margin = contest.margins.get(level);
        row.push(margin.map_or_else(String::new, |margin| margin.holds.to_string()));
        row.push(margin.and_then(|margin| margin.flips).map_or_else(String::new, |flips| flips.to_string()));
    }
    let test = outcome.test(contest);
    row.push(number(test.and_then(|test| test.seeds)));
    row.push(number(test.and_then(|test| test.systems)));
    let within = contest.is_within(&outcome.stated).filter(|_| axis.axis.is_of_costs);
    row.push(within.map_or_else(String::new, |within| within.to_string()));
    row.push((!contest.rises).to_string());
    row
}

#[derive(Serialize)]
struct Document<'o> {
    format: &'static str,
    version: u32,
    systems: &'o [String],
    policies: Vec<PolicyRow<'o>>,
    metrics: Vec<MetricRow>,
    seeds: &'o [u64],
    draws: u32,
    spread: Spread,
    correlation: f64,
    error_seed: u64,
    stated: &'o Stated,
    axes: Vec<Axis<'o>>,
}

#[derive(Serialize)]
struct PolicyRow<'o> {
    name: &'o str,
    parameters: &'o str,
}

#[derive(Serialize)]
struct MetricRow {
    name: &'static str,
    unit: &'static str,
    better: Better,
}

#[derive(Serialize)]
struct Axis<'o> {
    axis: &'static str,
    sizes_percent: &'o [Size],
    runs_per_policy: u64,
    contests: Vec<ContestRow<'o>>,
}

#[derive(Serialize)]
struct ContestRow<'o> {
    metric: &'static str,
    better: &'o str,
    than: &'o str,
    better_value: Option<f64>,
    than_value: Option<f64>,
    tied: bool,
    points: Vec<PointRow<'o>>,
    margins: &'o [Margin],
    monotone: bool,
    within_stated_error: Option<bool>,
    p_seeds: Option<f64>,
    p_systems: Option<f64>,
}

#[derive(Serialize)]
struct PointRow<'o> {
    #[serde(flatten)]
    point: &'o Point,
    probability: f64,
    probability_low: f64,
    probability_high: f64,
}

/// Everything, as a versioned document.
///
/// # Errors
/// None that an outcome can cause.
pub fn json(outcome: &Outcome) -> serde_json::Result<serde_json::Value> {
    serde_json::to_value(Document {
        format: "rtmm-robust",
        version: VERSION,
        systems: &outcome.places,
        policies: (outcome.policies.iter().zip(&outcome.policies_in_full))
            .map(|(name, full)| PolicyRow { name, parameters: full })
            .collect(),
        metrics: (outcome.metrics.iter())
            .map(|metric| MetricRow {
                name: metric.column.name,
                unit: metric.column.unit,
                better: metric.better,
            })
            .collect(),
        seeds: &outcome.seeds,
        draws: outcome.draws,
        spread: outcome.spread,
        correlation: outcome.correlation,
        error_seed: outcome.error_seed,
        stated: &outcome.stated,
        axes: outcome.axes.iter().map(|axis| axis_row(outcome, axis)).collect(),
    })
}

fn axis_row<'o>(outcome: &'o Outcome, axis: &'o AxisOutcome) -> Axis<'o> {
    let contest = |contest: &'o Contest| {
        let test = outcome.test(contest);
        ContestRow {
            metric: outcome.metrics[contest.metric].column.name,
            better: &outcome.policies[contest.winner],
            than: &outcome.policies[contest.loser],
            better_value: contest.values[0],
            than_value: contest.values[1],
            tied: contest.is_tied,
            points: contest.points.iter().map(point_row).collect(),
            margins: &contest.margins,
            monotone: !contest.rises,
            within_stated_error: contest.is_within(&outcome.stated).filter(|_| axis.axis.is_of_costs),
            p_seeds: test.and_then(|test| test.seeds),
            p_systems: test.and_then(|test| test.systems),
        }
    };
    Axis {
        axis: axis.axis.name,
        sizes_percent: &axis.sizes,
        runs_per_policy: axis.runs_per_policy,
        contests: axis.contests.iter().map(contest).collect(),
    }
}

fn point_row(point: &Point) -> PointRow<'_> {
    let interval = point.interval();
    PointRow {
        point,
        probability: point.probability(),
        probability_low: interval.low,
        probability_high: interval.high,
    }
}
