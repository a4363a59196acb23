//! Output of cases of the MoCA runtime.
//!
//! The JSON forms have the fields of the recorded cases and no others, so that the two can be compared as they are.

use std::io::Write;

use rtmm_reference::moca::case_file::{PlansCase, TraceCase};
use rtmm_reference::moca::contention::GroupIndex;
use rtmm_reference::moca::hardware_throttle::{self, Outcome, Pause, State};
use rtmm_reference::moca::scheduler::{Iteration, Pair, Plan, SinglePlan, Status, TaskIndex};
use serde::Serialize;

use super::{Answer, Planned};
use crate::args::Format;
use crate::failure::Failure;
use crate::output::{Rows, stdout};

#[derive(Serialize)]
struct PlansReport<'r> {
    case: &'r str,
    calls: Vec<CallReport<'r>>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum CallReport<'r> {
    Multi {
        rounds: usize,
        iterations: &'r [Iteration],
        queues: &'r [Vec<Vec<TaskIndex>>],
        pairs: Vec<(GroupIndex, usize, TaskIndex, TaskIndex)>,
        status: &'r [Status],
    },
    Single {
        /// Tasks of the queue; -1 where no task is left.
        rounds: i64,
        queue: &'r [TaskIndex],
        status: &'r [Status],
    },
}

impl<'r> CallReport<'r> {
    fn of(answer: &'r Answer) -> Self {
        let status = &answer.status;
        match &answer.planned {
            Planned::Multi(plan) => Self::Multi {
                rounds: plan.rounds(),
                iterations: &plan.iterations,
                queues: &plan.queues,
                pairs: plan
                    .pairs
                    .iter()
                    .map(|pair| (pair.group, pair.round, pair.task, pair.partner))
                    .collect(),
                status,
            },
            Planned::Single(SinglePlan::Queue(queue)) => {
                Self::Single { rounds: queue.len() as i64, queue, status }
            }
            Planned::Single(SinglePlan::NothingLeft) => Self::Single { rounds: -1, queue: &[], status },
        }
    }
}

pub(super) fn print_plans(format: Format, case: &PlansCase, answers: &[Answer]) -> Result<(), Failure> {
    if format == Format::Json {
        return print_line(&PlansReport {
            case: &case.name,
            calls: answers.iter().map(CallReport::of).collect(),
        });
    }
    let mut rows = Vec::new();
    for (number, (call, answer)) in case.calls.iter().zip(answers).enumerate() {
        let row = |round: usize, group: Option<GroupIndex>, free: String, tasks: String| {
            let group = group.map_or_else(String::new, |group| group.index().to_string());
            vec![number.to_string(), call.now_cycle.to_string(), round.to_string(), group, free, tasks]
        };
        match &answer.planned {
            Planned::Multi(plan) => {
                for (round, iteration) in plan.iterations.iter().enumerate() {
                    for group in GroupIndex::ALL {
                        let free = iteration.predicted_finish[group.index()].to_string();
                        rows.push(row(round, Some(group), free, shown(plan, group, round)));
                    }
                }
            }
            Planned::Single(SinglePlan::Queue(queue)) => {
                rows.push(row(
                    0,
                    None,
                    String::new(),
                    joined(queue.iter().map(|task| task.index().to_string())),
                ));
            }
            Planned::Single(SinglePlan::NothingLeft) => {}
        }
    }
    let header = vec!["call", "now_cycle", "round", "group", "predicted_finish", "tasks"];
    let numbers = vec![true, true, true, true, true, false];
    Rows { title: format!("Plans of {}, MoCA reference mode", case.name), header, numbers, rows }
        .print(format)
}

/// Tasks of a queue in their order, each with its partner behind a plus.
fn shown(plan: &Plan, group: GroupIndex, round: usize) -> String {
    let Some(tasks) = plan.queues[group.index()].get(round) else { return String::new() };
    let partner = |task: &TaskIndex| {
        let is_of = |pair: &&Pair| pair.group == group && pair.round == round && pair.task == *task;
        plan.pairs.iter().find(is_of).map(|pair| pair.partner)
    };
    joined(tasks.iter().map(|task| match partner(task) {
        Some(partner) => format!("{}+{}", task.index(), partner.index()),
        None => task.index().to_string(),
    }))
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(" ")
}

#[derive(Serialize)]
struct TraceReport {
    accepted: Vec<(u64, u64)>,
    stalls: Vec<(u64, u64)>,
    /// Cycle, overflow before, length, overflow afterwards.
    pauses: Vec<(u64, i32, u16, i32)>,
    r#final: FinalReport,
}

#[derive(Serialize)]
struct FinalReport {
    state: State,
    counter: u16,
    loads: i32,
    overflow: i32,
    window: u16,
    threshold: u16,
    accepted: u64,
    stalled_cycles: u64,
}

pub(super) fn print_trace(format: Format, case: &TraceCase, outcome: &Outcome) -> Result<(), Failure> {
    let runs = |runs: &[hardware_throttle::Run]| runs.iter().map(|run| (run.start, run.length)).collect();
    let registers = &outcome.registers;
    let report = TraceReport {
        accepted: runs(&outcome.accepted),
        stalls: runs(&outcome.stalls),
        pauses: outcome
            .pauses
            .iter()
            .map(|Pause { cycle, overflow_before, length, overflow_after }| {
                (*cycle, *overflow_before, *length, *overflow_after)
            })
            .collect(),
        r#final: FinalReport {
            state: registers.state,
            counter: registers.counter,
            loads: registers.loads,
            overflow: registers.overflow,
            window: registers.window,
            threshold: registers.threshold,
            accepted: outcome.accepted_requests,
            stalled_cycles: outcome.stalled_cycles,
        },
    };
    if format == Format::Json {
        return print_line(&report);
    }
    let title = format!(
        "Pauses of {}, MoCA reference mode: {} requests accepted, {} of {} cycles stalled",
        case.name, outcome.accepted_requests, outcome.stalled_cycles, case.cycles
    );
    let row = |(cycle, before, length, after): &(u64, i32, u16, i32)| {
        vec![cycle.to_string(), before.to_string(), length.to_string(), after.to_string()]
    };
    let rows = report.pauses.iter().map(row).collect();
    let header = vec!["cycle", "overflow_before", "pause_cycles", "overflow_after"];
    Rows { title, header, numbers: vec![true; 4], rows }.print(format)
}

/// Prints JSON on one line: most of it is long lists of small numbers.
fn print_line(report: &impl Serialize) -> Result<(), Failure> {
    let mut out = stdout();
    serde_json::to_writer(&mut out, report)?;
    writeln!(out)?;
    out.flush()?;
    Ok(())
}
