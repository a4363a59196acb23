//! Output of a run of the Sparse-DySta loop.

use std::io::Write;

use rtmm_reference::dysta::Rates;
use rtmm_report::{Column, Row, TableCell, TextTable};
use serde::Serialize;

use super::Finished;
use crate::args::Format;
use crate::failure::Failure;
use crate::output::{print_json, stdout, style};

/// The form of the JSON output; raised when a field changes its meaning or goes away.
const JSON_VERSION: u32 = 1;

#[derive(Serialize)]
struct Report<'r> {
    format: &'static str,
    version: u32,
    compat: &'static str,
    request_file: String,
    traces: Vec<&'r str>,
    policy: &'r str,
    parameters: serde_json::Value,
    requests: usize,
    violation_rate: f64,
    antt: f64,
    stp: f64,
    decisions: u64,
    switches: u64,
    /// Sixteen hexadecimal digits: JSON's numbers do not hold 64 bits everywhere.
    decision_fnv1a64: String,
    clock_rollbacks: u64,
    clock_rollback_total_s: f64,
    models: Vec<ModelReport<'r>>,
    priorities: Vec<PriorityReport>,
}

#[derive(Serialize)]
struct ModelReport<'r> {
    model: &'r str,
    #[serde(flatten)]
    rates: Rates,
}

#[derive(Serialize)]
struct PriorityReport {
    priority: f64,
    #[serde(flatten)]
    rates: Rates,
}

/// Models that were asked for, in the order of their traces.
fn models<'r>(finished: &Finished<'r>) -> Vec<ModelReport<'r>> {
    let of = |model: usize| ModelReport {
        model: &finished.traces[model].name,
        rates: finished.outcome.rates(|request| finished.requests[request].model.index() == model),
    };
    let reports = (0..finished.traces.len()).map(of);
    reports.filter(|report| report.rates.requests > 0).collect()
}

/// Priorities that requests have, in ascending order.
fn priorities(finished: &Finished<'_>) -> Vec<PriorityReport> {
    let mut priorities: Vec<f64> = finished.requests.iter().map(|request| request.priority).collect();
    priorities.sort_by(f64::total_cmp);
    priorities.dedup();
    let of = |priority: f64| PriorityReport {
        priority,
        rates: finished.outcome.rates(|request| finished.requests[request].priority == priority),
    };
    priorities.into_iter().map(of).collect()
}

pub(super) fn print(format: Format, finished: &Finished<'_>) -> Result<(), Failure> {
    let mut out = stdout();
    match format {
        Format::Json => print_json(&mut out, &report(finished)?)?,
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(&mut out);
            writer.write_record(["group", "name", "requests", "violation_rate", "antt"])?;
            for Group { group, name, rates } in groups(finished) {
                let numbers =
                    [rates.requests.to_string(), rates.violation_rate.to_string(), rates.antt.to_string()];
                writer.write_record([group.to_owned(), name].into_iter().chain(numbers))?;
            }
            writer.flush()?;
        }
        Format::Table => print_table(&mut out, finished)?,
    }
    out.flush()?;
    Ok(())
}

fn report<'r>(finished: &Finished<'r>) -> Result<Report<'r>, Failure> {
    let Finished { outcome, chosen, .. } = finished;
    let metrics = outcome.metrics();
    Ok(Report {
        format: "rtmm-dysta-run",
        version: JSON_VERSION,
        compat: "dysta",
        request_file: finished.request_file.display().to_string(),
        traces: finished.traces.iter().map(|trace| trace.name.as_str()).collect(),
        policy: &chosen.name,
        parameters: serde_json::to_value(&chosen.parameters)?,
        requests: outcome.jobs.len(),
        violation_rate: metrics.violation_rate,
        antt: metrics.antt,
        stp: metrics.stp,
        decisions: outcome.decisions,
        switches: outcome.switches,
        decision_fnv1a64: format!("{:016x}", outcome.decision_fnv1a64),
        clock_rollbacks: outcome.clock_rollbacks,
        clock_rollback_total_s: outcome.clock_rollback_total_s,
        models: models(finished),
        priorities: priorities(finished),
    })
}

/// One row of the CSV output and of the table.
struct Group {
    group: &'static str,
    name: String,
    rates: Rates,
}

/// All requests, then each model, then each priority.
fn groups(finished: &Finished<'_>) -> Vec<Group> {
    let all = Group { group: "all", name: String::new(), rates: finished.outcome.rates(|_| true) };
    let of_models = models(finished).into_iter().map(|report| Group {
        group: "model",
        name: report.model.to_owned(),
        rates: report.rates,
    });
    let of_priorities = priorities(finished).into_iter().map(|report| Group {
        group: "priority",
        name: report.priority.to_string(),
        rates: report.rates,
    });
    std::iter::once(all).chain(of_models).chain(of_priorities).collect()
}

fn print_table(out: &mut impl Write, finished: &Finished<'_>) -> Result<(), Failure> {
    let Finished { outcome, chosen, request_file, .. } = finished;
    let title = format!("{} under {}, Sparse-DySta reference mode", request_file.display(), chosen.name);
    let columns = ["requests", "violations %", "ANTT"].map(Column::number);
    let columns = [Column::text("group"), Column::text("name")].into_iter().chain(columns);
    let mut table = TextTable::new(title, columns.collect());
    let mut last = "all";
    for Group { group, name, rates } in groups(finished) {
        let cells = vec![
            TableCell::text(group),
            TableCell::text(name),
            TableCell::text(rates.requests.to_string()),
            TableCell::number(100.0 * rates.violation_rate, 2),
            TableCell::number(rates.antt, 4),
        ];
        table.rows.push(Row { cells, starts_group: group != last });
        last = group;
    }
    write!(out, "{}", table.to_terminal(&style()))?;
    writeln!(out)?;
    let metrics = outcome.metrics();
    writeln!(
        out,
        "{:.4} inferences/s; {} decisions, {} switches, hash {:016x}; clock set back {} times, by {:.6} s",
        metrics.stp,
        outcome.decisions,
        outcome.switches,
        outcome.decision_fnv1a64,
        outcome.clock_rollbacks,
        outcome.clock_rollback_total_s
    )?;
    Ok(())
}

/// A row a request; numbers are the shortest texts that read back equal.
pub(super) fn jobs_csv(finished: &Finished<'_>) -> Result<String, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["request", "model", "arrival_s", "deadline_s", "start_s", "finish_s"])?;
    for (index, (request, job)) in finished.requests.iter().zip(&finished.outcome.jobs).enumerate() {
        let times = [job.arrival_s, job.deadline_s, job.start_s, job.finish_s].map(|time| time.to_string());
        let model = &finished.traces[request.model.index()].name;
        writer.write_record([index.to_string(), model.clone()].into_iter().chain(times))?;
    }
    let bytes = writer.into_inner().map_err(|error| Failure::Run(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| Failure::Run(error.to_string()))
}
