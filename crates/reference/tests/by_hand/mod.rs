//! Small scenarios and their logs, for tests that are worked out by hand.
//!
//! A log has one entry a frame: `c1 seen 20 due 30: 0 from 21 to 23` is frame 1 of task `c`, noticed
//! by the event at 20 ms with its deadline at 30 ms, run on accelerator 0 from 21 ms to 23 ms.
#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use rtmm_reference::xrbench::{Fixes, JobEnd, ModelCost, Outcome, Parameters, Runtime, TaskCosts};
use rtmm_workload::{Dependency, Duration, ModelId, Period, Scenario, Task, TaskId};

/// A task: name, period in milliseconds, the tasks that it waits for, and its latency in
/// milliseconds on each accelerator.
pub type TaskOf<'t> = (&'t str, u64, &'t [&'t str], &'t [f64]);

pub fn milliseconds(count: u64) -> Duration {
    Duration::from_milliseconds(count).expect("a short time")
}

/// Tasks over a run of whole milliseconds.
pub fn scenario(run_ms: u64, tasks: &[TaskOf<'_>]) -> Scenario {
    let id_of = |name: &&str| TaskId::new(tasks.iter().position(|task| task.0 == *name).expect("a task"));
    Scenario {
        name: "by hand".to_owned(),
        source: "this test".to_owned(),
        duration: milliseconds(run_ms),
        tasks: tasks
            .iter()
            .map(|(name, period_ms, upstream, _)| {
                let period = Period::new(milliseconds(*period_ms)).expect("a period");
                let depends_on = upstream.iter().map(id_of).map(Dependency::data).collect();
                Task { depends_on, ..Task::periodic(*name, ModelId::new(0), period) }
            })
            .collect(),
        phases: Vec::new(),
    }
}

/// The latencies of the tasks; no frame needs any energy.
pub fn costs(tasks: &[TaskOf<'_>]) -> TaskCosts {
    TaskCosts::from_fn(tasks.len(), tasks[0].3.len(), |task, accelerator| ModelCost {
        cycles: (tasks[task.index()].3[accelerator.index()] * 1e6).round() as u64,
        energy_nj: 0.0,
    })
}

/// The log of a run, in its own order, and the outcome.
pub fn log(scenario: &Scenario, costs: &TaskCosts, fixes: Fixes) -> (Vec<String>, Outcome) {
    let runtime =
        Runtime::with_fixes(scenario, costs, &Parameters::default(), fixes).expect("a legal scenario");
    let mut log = Vec::new();
    let short = |ms: f32| (f64::from(ms) * 1e3).round() / 1e3;
    let outcome = runtime.run(1, |row| {
        let frame = format!(
            "{}{} seen {} due {}",
            scenario.tasks[row.task.index()].name,
            row.frame,
            short(row.injected_ms),
            short(row.deadline_ms)
        );
        log.push(match row.end {
            JobEnd::Completed { accelerator, dispatched_ms, completed_ms, .. } => {
                let (from, to) = (short(dispatched_ms), short(completed_ms));
                format!("{frame}: {} from {from} to {to}", accelerator.index())
            }
            JobEnd::Dropped { at_ms } => format!("{frame}: dropped at {}", short(at_ms)),
        });
    });
    (log, outcome)
}
