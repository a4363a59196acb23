//! From a summary to the tables and figures of the report.

use rtmm_report::{Better, Fact, Interval, Layout, Metric, ScoreData, ScoreReport, ScoreRow, score_report};
use rtmm_sweep::plan::Plan;
use rtmm_sweep::statistics::CONFIDENCE;
use rtmm_sweep::summary::{Group, Summary};

use crate::failure::Failure;

/// The report on one metric.
pub(super) struct MetricReport {
    pub metric: &'static str,
    pub report: ScoreReport,
}

/// The labels by which platforms are grouped if all of them have them.
const LABELS: [&str; 3] = ["budget", "hardware", "dataflow"];

/// One report a metric, the first being the main one.
pub(super) fn reports(plan: &Plan<'_>, summary: &Summary) -> Result<Vec<MetricReport>, Failure> {
    let labelled = plan
        .axes()
        .platforms
        .iter()
        .all(|platform| LABELS.iter().all(|label| platform.labels.contains_key(*label)));
    let several_policies = plan.axes().policies.len() > 1;
    let several_loads = plan.axes().load_factors_millionths.len() > 1;
    let mut axes = vec!["scenario".to_owned()];
    if labelled {
        axes.extend(LABELS.map(str::to_owned));
    } else {
        axes.push("platform".to_owned());
    }
    if several_policies {
        axes.push("policy".to_owned());
    }
    // Platforms are told apart by hardware, dataflow and policy; budgets are compared within.
    let platform = axes.iter().skip(1).filter(|axis| *axis != "budget").cloned().collect();
    let layout = Layout {
        scenario: "scenario".to_owned(),
        platform,
        budget: labelled.then(|| "budget".to_owned()),
        series: labelled.then(|| "dataflow".to_owned()),
    };
    let mut reports = Vec::new();
    for (position, metric) in summary.metrics.iter().enumerate() {
        let rows = summary
            .groups
            .iter()
            .filter_map(|group| {
                let statistics = group.statistics.get(position).copied().flatten()?;
                Some(ScoreRow {
                    values: values(plan, group, labelled, several_policies, several_loads),
                    mean: statistics.mean,
                    interval: statistics
                        .interval
                        .map(|interval| Interval { lower: interval.low, upper: interval.high }),
                    n: statistics.samples as u64,
                })
            })
            .collect();
        let column = metric.column;
        let data = ScoreData {
            title: format!("{}: {}", plan.axes().name, column.meaning),
            description: plan.axes().description.clone(),
            metric: Metric {
                name: column.name.trim_end_matches("_pct").replace('_', " "),
                unit: match column.unit {
                    "" => None,
                    "percent" => Some("%".to_owned()),
                    other => Some(other.to_owned()),
                },
                better: Better::Higher,
                decimals: 2,
                range: (column.unit == "percent").then_some((0.0, 100.0)),
            },
            confidence_percent: 100.0 * CONFIDENCE,
            axes: axes.clone(),
            rows,
        };
        let report = score_report(&data, &layout).map_err(|error| Failure::Run(error.to_string()))?;
        reports.push(MetricReport { metric: column.name, report });
    }
    Ok(reports)
}

/// The values of the axes for one group, in their order.
fn values(
    plan: &Plan<'_>,
    group: &Group,
    labelled: bool,
    several_policies: bool,
    several_loads: bool,
) -> Vec<String> {
    let cell = &plan.cells()[group.cells.start];
    let variant = plan.variant(cell);
    // Load and trigger probability are told apart by name: a table has one axis for scenarios.
    let mut scenario = variant.scenario.name.clone();
    if several_loads {
        scenario.push_str(&format!(" x{}", variant.load_factor()));
    }
    if let Some(probability) = variant.trigger_probability {
        scenario.push_str(&format!(" p={probability}"));
    }
    let platform = plan.platform(cell);
    let mut values = vec![scenario];
    if labelled {
        values.extend(LABELS.map(|label| platform.labels[label].clone()));
    } else {
        values.push(platform.name.clone());
    }
    if several_policies {
        values.push(plan.policy(cell).to_string());
    }
    values
}

/// How the results were made, for the head of the page.
pub(super) fn facts(plan: &Plan<'_>) -> Vec<Fact> {
    let axes = plan.axes();
    let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
    let policies: Vec<String> = axes.policies.iter().map(ToString::to_string).collect();
    vec![
        fact("program", format!("rtmm {}", env!("CARGO_PKG_VERSION"))),
        fact("sweep", axes.name.clone()),
        fact(
            "runner",
            format!("{} (result version {})", plan.runner().name(), plan.runner().result_version()),
        ),
        fact("policies", policies.join("; ")),
        fact("scenarios", axes.workloads.len().to_string()),
        fact("platforms", axes.platforms.len().to_string()),
        fact("seeds of random scenarios", axes.seeds.len().to_string()),
        fact("cells", plan.len().to_string()),
    ]
}
