//! `rtmm run --compat moca`: plans of the MoCA runtime, and the throttle of its hardware, on cases.

mod report;

use rtmm_reference::moca::Fixes;
use rtmm_reference::moca::case_file::{self, Case, Planner, PlansCase};
use rtmm_reference::moca::hardware_throttle;
use rtmm_reference::moca::scheduler::{Plan, Scheduler, SinglePlan, Status};
use rtmm_workload::load;
use tracing::debug;

use crate::args::Run;
use crate::failure::Failure;

/// Answer of a planner, and the status of all tasks afterwards.
struct Answer {
    planned: Planned,
    status: Vec<Status>,
}

enum Planned {
    Multi(Plan),
    Single(SinglePlan),
}

pub(super) fn run(arguments: &Run) -> Result<(), Failure> {
    let unused = [
        ("--platform", arguments.platform.is_some()),
        ("--traces", !arguments.traces.is_empty()),
        ("--policy", arguments.policy.is_some()),
        ("--set", !arguments.set.is_empty()),
        ("--seed", arguments.seed.is_some()),
        ("--duration", arguments.duration.is_some()),
        ("--jobs", arguments.jobs.is_some()),
    ];
    if let Some((name, _)) = unused.iter().find(|(_, is_given)| *is_given) {
        return Err(Failure::usage(
            format!("the MoCA runtime has no use for `{name}`: a case says all"),
            format!("leave `{name}` out"),
        ));
    }
    let Some(path) = &arguments.case else {
        return Err(Failure::usage(
            "the MoCA runtime runs cases",
            "name one with --case FILE: JSON of tasks and calls, or of a trace",
        ));
    };
    match case_file::read(&load::read(path)?)? {
        Case::Trace(case) => {
            let outcome = hardware_throttle::run(&case.stream, case.cycles, &Fixes::default());
            report::print_trace(arguments.format, &case, &outcome)
        }
        Case::Plans(case) => {
            let answers = answers(&case)?;
            debug!(tasks = case.tasks.len(), calls = answers.len(), "planned");
            report::print_plans(arguments.format, &case, &answers)
        }
    }
}

fn answers(case: &PlansCase) -> Result<Vec<Answer>, Failure> {
    let scheduler = Scheduler::new(case.tasks.clone(), &Fixes::default());
    let mut scheduler = scheduler.map_err(|error| Failure::Run(error.to_string()))?;
    let answers = case.calls.iter().map(|call| {
        for (task, status) in &call.set_status {
            scheduler.set_status(*task, *status);
        }
        let planned = match case.planner {
            Planner::Multi => Planned::Multi(scheduler.plan(call.now_cycle)),
            Planner::Single => Planned::Single(scheduler.plan_single(call.now_cycle)),
        };
        Answer { planned, status: scheduler.status().to_vec() }
    });
    Ok(answers.collect())
}
