//! The results of a run as columns: the names are those of `docs/metrics.md`.

use rtmm_sim::Summary;
use rtmm_sim::metrics::{AcceleratorSummary, PriorityClass, TaskSummary};
use rtmm_sweep::runner::{Better, CellResult, Column, ColumnKind, Value};

/// A column with where its value comes from.
type Row<S> = (Column, fn(&S) -> Value);

/// A part of one, which readers are shown in percent.
const SHARE: &str = "share";

/// Values of UXCost where loads or durations differ.
const UX_COST_CAVEAT: &str = "values of UXCost under different loads or durations do not compare: where nothing is violated, \
                              each task counts half a violation over its jobs, so that more of them bring less";

const fn column(name: &'static str, unit: &'static str, kind: ColumnKind, meaning: &'static str) -> Column {
    Column { unit, ..Column::new(name, kind, meaning) }
}

const fn count(name: &'static str, meaning: &'static str) -> Column {
    column(name, "", ColumnKind::Integer, meaning)
}

const fn real(name: &'static str, unit: &'static str, meaning: &'static str) -> Column {
    column(name, unit, ColumnKind::Real, meaning)
}

const fn lower(column: Column) -> Column {
    Column { summarised: true, better: Some(Better::Lower), ..column }
}

const fn higher(column: Column) -> Column {
    Column { summarised: true, better: Some(Better::Higher), ..column }
}

const fn labelled(label: &'static str, column: Column) -> Column {
    Column { label, ..column }
}

/// Summarised, but not what a report ranks by.
const fn summed(column: Column) -> Column {
    Column { summarised: true, ..column }
}

fn integer(value: u64) -> Value {
    Value::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

fn number(value: Option<f64>) -> Value {
    value.filter(|value| value.is_finite()).map_or(Value::Missing, Value::Real)
}

fn sla_satisfaction_of(run: &Summary, class: PriorityClass) -> Value {
    number(run.priority_classes.iter().find(|of| of.class == class).and_then(|of| of.sla_satisfaction))
}

const CELL: &[Row<Summary>] = &[
    (
        lower(real(
            "deadline_violation_rate",
            SHARE,
            "late, dropped and overdue jobs as a share of the decided",
        )),
        |run| number(run.deadline_violation_rate),
    ),
    (
        summed(real("mean_deadline_violation_rate", SHARE, "mean of the tasks' deadline violation rates")),
        |run| number(run.mean_deadline_violation_rate),
    ),
    (
        summed(labelled(
            "SLA satisfaction",
            real("sla_satisfaction", SHARE, "jobs completed in time as a share of the decided"),
        )),
        |run| number(run.sla_satisfaction),
    ),
    (
        summed(labelled(
            "SLA satisfaction, low priority",
            real("sla_satisfaction_low", SHARE, "the same of the jobs of low priority"),
        )),
        |run| sla_satisfaction_of(run, PriorityClass::Low),
    ),
    (
        summed(labelled(
            "SLA satisfaction, middle priority",
            real("sla_satisfaction_mid", SHARE, "the same of the jobs of middle priority"),
        )),
        |run| sla_satisfaction_of(run, PriorityClass::Mid),
    ),
    (
        summed(labelled(
            "SLA satisfaction, high priority",
            real("sla_satisfaction_high", SHARE, "the same of the jobs of high priority"),
        )),
        |run| sla_satisfaction_of(run, PriorityClass::High),
    ),
    (
        lower(labelled(
            "ANTT",
            real("antt", "", "turnaround from readiness over isolated latency, mean over completed jobs"),
        )),
        |run| number(run.antt),
    ),
    (
        summed(real(
            "normalised_turnaround_p99",
            "",
            "turnaround from readiness over isolated latency, 99th percentile",
        )),
        |run| number(run.normalised_turnaround_p99),
    ),
    (
        summed(labelled(
            "STP",
            real("stp", "1/second", "completed jobs a second, first arrival to last completion"),
        )),
        |run| number(run.stp),
    ),
    (
        summed(labelled(
            "normalised STP",
            real("stp_normalised", "", "sum of the networks' normalised progress"),
        )),
        |run| number(run.stp_normalised),
    ),
    (
        summed(real(
            "fairness_min_ratio",
            "",
            "least ratio of two networks' normalised progress, each by its priorities",
        )),
        |run| number(run.fairness_min_ratio),
    ),
    (
        summed(labelled(
            "Jain's fairness",
            real("fairness_jain", "", "Jain's index of the tasks' normalised progress"),
        )),
        |run| number(run.fairness_jain),
    ),
    (
        Column {
            caveat: UX_COST_CAVEAT,
            ..lower(labelled(
                "UXCost",
                real(
                    "ux_cost",
                    "",
                    "UXCost of DREAM: sum of violation rates times sum of normalised energies",
                ),
            ))
        },
        |run| number(run.ux_cost),
    ),
    (
        summed(labelled(
            "sum of DLV",
            real("dlv_sum", "", "first factor of UXCost: sum of violation rates, each with its floor"),
        )),
        |run| number(run.dlv_sum),
    ),
    (
        summed(real("normalised_energy_sum", "", "second factor of UXCost: sum of normalised energies")),
        |run| number(run.normalised_energy_sum),
    ),
    (summed(real("accuracy", SHARE, "accuracy delivered, mean over completed jobs that have one")), |run| {
        number(run.accuracy)
    }),
    (
        higher(labelled(
            "XRBench score",
            real("xrbench_score_percent", "percent", "XRBench's overall score"),
        )),
        |run| number(run.xrbench_score_percent),
    ),
    (summed(real("energy_pj", "picojoules", "energy of judged jobs")), |run| {
        number(Some(run.energy.energy_pj))
    }),
    (
        labelled(
            "energy of MACs",
            real(
                "energy_mac_pj",
                "picojoules",
                "part of `energy_pj`: multiply-accumulates and vector operations",
            ),
        ),
        |run| number(Some(run.energy.energy_mac_pj)),
    ),
    (
        labelled(
            "energy of L1",
            real("energy_l1_pj", "picojoules", "part of `energy_pj`: buffers beside the processing elements"),
        ),
        |run| number(Some(run.energy.energy_l1_pj)),
    ),
    (
        labelled(
            "energy of L2",
            real("energy_l2_pj", "picojoules", "part of `energy_pj`: the accelerators' shared buffers"),
        ),
        |run| number(Some(run.energy.energy_l2_pj)),
    ),
    (
        labelled(
            "energy of DRAM",
            real("energy_dram_pj", "picojoules", "part of `energy_pj`: off-chip memory"),
        ),
        |run| number(Some(run.energy.energy_dram_pj)),
    ),
    (
        labelled(
            "static energy",
            real("energy_static_pj", "picojoules", "part of `energy_pj`: static power while layers run"),
        ),
        |run| number(Some(run.energy.energy_static_pj)),
    ),
    (
        labelled(
            "energy of context switches",
            real("energy_switch_pj", "picojoules", "part of `energy_pj`: context switches"),
        ),
        |run| number(Some(run.energy.energy_switch_pj)),
    ),
    (
        labelled(
            "energy of moves",
            real("energy_move_pj", "picojoules", "part of `energy_pj`: moves of jobs between accelerators"),
        ),
        |run| number(Some(run.energy.energy_move_pj)),
    ),
    (count("moves", "moves of jobs from one accelerator to another"), |run| integer(run.energy.moves)),
    (real("move_ms", "milliseconds", "time of moves, summed over jobs"), |run| {
        number(Some(run.energy.move_ms))
    }),
    (
        lower(real("normalised_energy", SHARE, "energy of decided jobs as a share of their worst case")),
        |run| number(run.normalised_energy),
    ),
    (real("mean_power_w", "watts", "energy of segments over the measured time"), |run| {
        number(run.mean_power_w)
    }),
    (
        lower(labelled(
            "platform energy",
            real("platform_energy_pj", "picojoules", "energy of the whole platform from start to end"),
        )),
        |run| number(run.platform.as_ref().map(|of| of.platform_energy_pj)),
    ),
    (
        labelled(
            "energy of work",
            real("platform_work_pj", "picojoules", "part of `platform_energy_pj`: segments"),
        ),
        |run| number(run.platform.as_ref().map(|of| of.platform_work_pj)),
    ),
    (
        labelled(
            "static energy of the platform",
            real("platform_static_pj", "picojoules", "part of `platform_energy_pj`: hardware that runs hold"),
        ),
        |run| number(run.platform.as_ref().map(|of| of.platform_static_pj)),
    ),
    (
        labelled(
            "idle energy",
            real(
                "platform_idle_pj",
                "picojoules",
                "part of `platform_energy_pj`: hardware that no run holds",
            ),
        ),
        |run| number(run.platform.as_ref().map(|of| of.platform_idle_pj)),
    ),
    (
        labelled(
            "gated energy",
            real("platform_gated_pj", "picojoules", "part of `platform_energy_pj`: gated accelerators"),
        ),
        |run| number(run.platform.as_ref().map(|of| of.platform_gated_pj)),
    ),
    (
        labelled(
            "energy of power switches",
            real(
                "platform_switches_pj",
                "picojoules",
                "part of `platform_energy_pj`: changes of operating points, and wake-ups",
            ),
        ),
        |run| number(run.platform.as_ref().map(|of| of.platform_switches_pj)),
    ),
    (
        labelled(
            "background energy",
            real("platform_background_pj", "picojoules", "part of `platform_energy_pj`: background power"),
        ),
        |run| number(run.platform.as_ref().map(|of| of.platform_background_pj)),
    ),
    (
        summed(labelled(
            "throughput",
            real("throughput_per_s", "jobs a second", "completed jobs over the measured time"),
        )),
        |run| number(run.throughput_per_s),
    ),
    (
        summed(labelled(
            "completions",
            real("completion_rate", SHARE, "completed jobs, late ones included, as a share of the decided"),
        )),
        |run| {
            let decided = run.jobs.decided();
            number((decided > 0).then(|| run.jobs.completed as f64 / decided as f64))
        },
    ),
    (
        summed(labelled(
            "energy per completed job",
            real(
                "energy_per_completed_pj",
                "picojoules",
                "energy of judged jobs, of those that did not end too, over the completed ones",
            ),
        )),
        |run| {
            let completed = run.jobs.completed;
            number((completed > 0).then(|| run.energy.energy_pj / completed as f64))
        },
    ),
    (
        labelled(
            "mean utilisation",
            real("utilisation_mean", SHARE, "mean of the accelerators' shares of time in segments"),
        ),
        |run| {
            let of = run.accelerators.iter().filter_map(|accelerator| accelerator.utilisation);
            let (sum, count) = of.fold((0.0, 0_u32), |(sum, count), value| (sum + value, count + 1));
            number((count > 0).then(|| sum / f64::from(count)))
        },
    ),
    (
        labelled(
            "DRAM bandwidth utilisation",
            real("dram_bandwidth_utilisation", SHARE, "mean granted part of the shared DRAM's bandwidth"),
        ),
        |run| number(run.dram_bandwidth_utilisation),
    ),
    (
        labelled(
            "throttled time",
            real("throttled_ms", "milliseconds", "time of runs that were granted less than they could use"),
        ),
        |run| number(run.throttled_ms),
    ),
    (count("context_switches", "segments before which the accelerator ran another model"), |run| {
        integer(run.accelerators.iter().map(|accelerator| accelerator.context_switches).sum())
    }),
    (count("job_switches", "segments before which the accelerator ran another job"), |run| {
        integer(run.accelerators.iter().map(|accelerator| accelerator.job_switches).sum())
    }),
    (
        labelled("scheduler busy time", real("scheduler_busy_ms", "milliseconds", "time spent on decisions")),
        |run| number(Some(run.scheduler_busy_ms)),
    ),
    (count("segments", "segments dispatched in the measured time"), |run| {
        integer(run.accelerators.iter().map(|accelerator| accelerator.segments).sum())
    }),
    (count("decisions", "decisions that the policy took"), |run| integer(run.decisions)),
    (real("makespan_ms", "milliseconds", "the last completion"), |run| number(run.makespan_ms)),
    (
        labelled(
            "batch size",
            summed(real(
                "batch_mean",
                "",
                "jobs of a segment, mean; missing where accelerators run no batches",
            )),
        ),
        |run| number(run.batch_mean),
    ),
    (
        labelled(
            "longest run of misses",
            summed(count(
                "longest_miss_run",
                "most jobs of a task in a row that missed; missing without `firm_window`",
            )),
        ),
        |run| run.firm.map_or(Value::Missing, |of| integer(of.longest_miss_run)),
    ),
    (
        labelled(
            "least in time of a window",
            summed(count(
                "firm_met_min",
                "least jobs in time of `firm_window` consecutive ones of a task; missing without it",
            )),
        ),
        |run| run.firm.and_then(|of| of.firm_met_min).map_or(Value::Missing, integer),
    ),
    (count("predicted_runs", "runs whose end the policy predicted, and which came to it"), |run| {
        integer(run.predictions.map_or(0, |of| of.predicted_runs))
    }),
    (
        summed(real(
            "prediction_error",
            SHARE,
            "error of the predicted time to the end of a run, as a share of the actual one, mean",
        )),
        |run| number(run.predictions.and_then(|of| of.prediction_error)),
    ),
    (
        summed(labelled(
            "under-predicted runs",
            real(
                "under_predicted",
                SHARE,
                "runs predicted more than 10 % too short, as a share of the predicted",
            ),
        )),
        |run| number(run.predictions.and_then(|of| of.under_predicted)),
    ),
    (
        summed(labelled(
            "runs within their bound",
            real("within_bound", SHARE, "runs that ended by the upper bound of their prediction, as a share"),
        )),
        |run| number(run.predictions.and_then(|of| of.within_bound)),
    ),
];

/// A run beside the bounds of all policies.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Beside {
    /// Late, dropped and overdue jobs.
    pub late: u64,
    /// None where the platform does what bounds do not know.
    pub least_late: Option<u64>,
    /// Energy over the least; none of a run in which anything is late.
    pub energy_ratio: Option<f64>,
}

/// Columns that are missing without `bounds`.
const BESIDE: &[Row<Beside>] = &[
    (count("late_jobs", "late, dropped and overdue jobs; missing without `bounds`"), |run| integer(run.late)),
    (count("late_jobs_lower", "no policy has fewer of the same frames; missing without `bounds`"), |run| {
        run.least_late.map_or(Value::Missing, integer)
    }),
    (
        labelled(
            "late jobs above the bound",
            summed(count(
                "gap_to_bound",
                "late jobs above the fewest of any policy; missing without `bounds`",
            )),
        ),
        |run| run.least_late.map_or(Value::Missing, |least| integer(run.late.saturating_sub(least))),
    ),
    (
        labelled(
            "energy over the bound",
            summed(real(
                "energy_over_bound",
                "",
                "energy over the least of any policy, where nothing is late; missing without `bounds`",
            )),
        ),
        |run| number(run.energy_ratio),
    ),
];

const TASK: &[Row<TaskSummary>] = &[
    (count("released", "judged jobs"), |task| integer(task.jobs.released)),
    (count("not_triggered", "frames that became no job"), |task| integer(task.jobs.not_triggered)),
    (count("completed", "jobs that ended"), |task| integer(task.jobs.completed)),
    (count("on_time", "jobs that ended by their deadline"), |task| integer(task.jobs.on_time)),
    (count("late", "jobs that ended after their deadline"), |task| integer(task.jobs.late)),
    (count("dropped", "jobs that were dropped"), |task| integer(task.jobs.dropped)),
    (count("dropped_upstream", "jobs dropped with one that they needed"), |task| {
        integer(task.jobs.dropped_upstream)
    }),
    (count("in_flight", "jobs that were not over at the end"), |task| integer(task.jobs.in_flight)),
    (count("overdue", "of them, past their deadline"), |task| integer(task.jobs.overdue)),
    (count("undecided", "of them, before their deadline"), |task| integer(task.jobs.undecided)),
    (
        lower(labelled(
            "deadline violation rate",
            real(
                "task_deadline_violation_rate",
                SHARE,
                "late, dropped and overdue as a share of the decided",
            ),
        )),
        |task| number(task.deadline_violation_rate),
    ),
    (
        labelled("DLV", real("dlv", "", "the same with half a job in place of none: the term of UXCost")),
        |task| number(task.dlv),
    ),
    (real("response_mean_ms", "milliseconds", "arrival to completion, mean"), |task| {
        number(task.response_mean_ms)
    }),
    (real("response_p50_ms", "milliseconds", "arrival to completion, median"), |task| {
        number(task.response_p50_ms)
    }),
    (lower(real("response_p95_ms", "milliseconds", "arrival to completion, 95th percentile")), |task| {
        number(task.response_p95_ms)
    }),
    (real("response_p99_ms", "milliseconds", "arrival to completion, 99th percentile"), |task| {
        number(task.response_p99_ms)
    }),
    (real("response_max_ms", "milliseconds", "arrival to completion, longest"), |task| {
        number(task.response_max_ms)
    }),
    (
        lower(labelled(
            "ANTT",
            real(
                "task_antt",
                "",
                "turnaround from readiness over isolated latency, mean over completed jobs",
            ),
        )),
        |task| number(task.antt),
    ),
    (real("normalised_progress", "", "sum of isolated latencies over sum of turnarounds"), |task| {
        number(task.normalised_progress)
    }),
    (real("tardiness_mean_ms", "milliseconds", "time past the deadline, mean over completed"), |task| {
        number(task.tardiness_mean_ms)
    }),
    (real("tardiness_max_ms", "milliseconds", "time past the deadline, greatest"), |task| {
        number(task.tardiness_max_ms)
    }),
    (labelled("energy", real("task_energy_pj", "picojoules", "energy of its jobs")), |task| {
        number(Some(task.energy.energy_pj))
    }),
    (
        labelled(
            "normalised energy",
            real("task_normalised_energy", SHARE, "energy of decided jobs as a share of their worst case"),
        ),
        |task| number(task.normalised_energy),
    ),
    (real("accuracy_mean", SHARE, "accuracy delivered, mean over completed jobs"), |task| {
        number(task.accuracy_mean)
    }),
    (
        labelled(
            "batch size",
            real(
                "task_batch_mean",
                "",
                "jobs of the segments that its jobs were in, mean; missing where accelerators run no batches",
            ),
        ),
        |task| number(task.batch_mean),
    ),
    (
        labelled(
            "longest run of misses",
            count(
                "task_longest_miss_run",
                "most jobs in a row that missed; missing without the setting `firm_window`",
            ),
        ),
        |task| task.firm.map_or(Value::Missing, |of| integer(of.longest_miss_run)),
    ),
    (
        labelled(
            "least in time of a window",
            count(
                "task_firm_met_min",
                "least jobs in time of `firm_window` consecutive ones; missing without it",
            ),
        ),
        |task| task.firm.and_then(|of| of.firm_met_min).map_or(Value::Missing, integer),
    ),
    (real("real_time_score", "", "XRBench, mean over completed jobs"), |task| {
        number(task.xrbench.and_then(|scores| scores.real_time_score))
    }),
    (real("energy_score", "", "XRBench, mean over completed jobs"), |task| {
        number(task.xrbench.and_then(|scores| scores.energy_score))
    }),
    (real("accuracy_score", "", "XRBench, mean over completed jobs"), |task| {
        number(task.xrbench.and_then(|scores| scores.accuracy_score))
    }),
    (
        labelled("QoE score", real("qoe_score", "", "XRBench: share of counted jobs that were not dropped")),
        |task| number(task.xrbench.map(|scores| scores.qoe_score)),
    ),
    (real("task_score", "", "XRBench: the task's score"), |task| {
        number(task.xrbench.map(|scores| scores.task_score))
    }),
];

const ACCELERATOR: &[Row<AcceleratorSummary>] = &[
    (
        labelled("busy time", real("busy_ms", "milliseconds", "time in segments within the measured time")),
        |one| number(Some(one.busy_ms)),
    ),
    (real("utilisation", SHARE, "share of the measured time in segments"), |one| number(one.utilisation)),
    (
        labelled("segments", count("accelerator_segments", "segments dispatched in the measured time")),
        |one| integer(one.segments),
    ),
    (
        labelled(
            "context switches",
            count("accelerator_context_switches", "segments before which it ran another model"),
        ),
        |one| integer(one.context_switches),
    ),
    (
        labelled(
            "job switches",
            count("accelerator_job_switches", "segments before which it ran another job"),
        ),
        |one| integer(one.job_switches),
    ),
    (real("segment_energy_pj", "picojoules", "energy of its segments, context switches included"), |one| {
        number(Some(one.segment_energy_pj))
    }),
    (
        labelled(
            "batch size",
            real(
                "accelerator_batch_mean",
                "",
                "jobs of a segment, mean; missing where accelerators run no batches",
            ),
        ),
        |one| number(one.batch_mean),
    ),
    (
        labelled(
            "static energy",
            real("accelerator_static_pj", "picojoules", "its static power while runs hold it"),
        ),
        |one| number(one.power.as_ref().map(|of| of.energy.static_pj)),
    ),
    (
        labelled("idle energy", real("accelerator_idle_pj", "picojoules", "its idle power while none does")),
        |one| number(one.power.as_ref().map(|of| of.energy.idle_pj)),
    ),
    (labelled("gated energy", real("accelerator_gated_pj", "picojoules", "its power while gated")), |one| {
        number(one.power.as_ref().map(|of| of.energy.gated_pj))
    }),
    (
        labelled(
            "energy of power switches",
            real("accelerator_switches_pj", "picojoules", "changes of its operating point, and wake-ups"),
        ),
        |one| number(one.power.as_ref().map(|of| of.energy.switches_pj)),
    ),
    (labelled("gated time", real("gated_ms", "milliseconds", "time in which it was gated")), |one| {
        number(one.power.as_ref().map(|of| of.gated_ms))
    }),
    (
        labelled("mean clock", real("clock_mhz_mean", "megahertz", "mean frequency while it was not gated")),
        |one| number(one.power.as_ref().and_then(|of| of.clock_mhz_mean)),
    ),
];

fn columns_of<S>(rows: &[Row<S>]) -> Vec<Column> {
    rows.iter().map(|(column, _)| *column).collect()
}

pub(super) fn cell_columns() -> Vec<Column> {
    [columns_of(CELL), columns_of(BESIDE)].concat()
}

pub(super) fn task_columns() -> Vec<Column> {
    columns_of(TASK)
}

pub(super) fn accelerator_columns() -> Vec<Column> {
    columns_of(ACCELERATOR)
}

/// The values of a run, in the order of the columns; without bounds of all policies.
pub fn result(summary: &Summary) -> CellResult {
    result_beside(summary, None)
}

/// The same beside bounds of all policies, where there are any.
pub(super) fn result_beside(summary: &Summary, beside: Option<&Beside>) -> CellResult {
    let own = CELL.iter().map(|(_, value)| value(summary));
    let cell = own.chain(BESIDE.iter().map(|(_, value)| beside.map_or(Value::Missing, value))).collect();
    let tasks = summary.tasks.iter().flat_map(|task| TASK.iter().map(move |(_, value)| value(task)));
    let accelerators =
        summary.accelerators.iter().flat_map(|one| ACCELERATOR.iter().map(move |(_, value)| value(one)));
    CellResult { cell, tasks: tasks.collect(), accelerators: accelerators.collect(), ..CellResult::default() }
}

#[cfg(test)]
mod tests {
    use rtmm_hardware::Mode;
    use rtmm_scheduler::registry;
    use rtmm_sim::{Metrics, MetricsOptions, RunOptions, System, simulate};
    use rtmm_workload::{Legality, load};

    use super::*;

    #[test]
    fn components_of_energy_add_up_to_all_of_it() {
        let workload = load::workload("xrbench/vr_gaming", None, Legality::Strict).unwrap();
        let platform = rtmm_hardware::load::platform("dream/dual_4k_ws_os", None, Mode::Corrected).unwrap();
        let system = System::new(&workload.scenario, &workload.models, &platform).unwrap();
        let edf = registry::policy("edf").unwrap();
        let policy = edf.build(&edf.defaults()).unwrap();
        let metrics = Metrics::new(&system, MetricsOptions::default());
        let run = simulate(&system, &edf.name, policy, metrics, RunOptions::default()).unwrap().summary();

        let values = result(&run).cell;
        let energies: Vec<(&str, f64)> = cell_columns()
            .iter()
            .zip(&values)
            .filter_map(|(column, value)| match value {
                Value::Real(value) if column.unit == "picojoules" && !column.name.contains("_per_") => {
                    Some((column.name, *value))
                }
                _ => None,
            })
            .collect();
        let names: Vec<&str> = energies.iter().map(|(name, _)| *name).collect();
        let components = ["mac", "l1", "l2", "dram", "static", "switch", "move"];
        let expected: Vec<String> = std::iter::once("energy_pj".to_owned())
            .chain(components.iter().map(|component| format!("energy_{component}_pj")))
            .collect();
        assert_eq!(names, expected);
        let sum: f64 = energies[1..].iter().map(|(_, value)| value).sum();
        assert!((sum / energies[0].1 - 1.0).abs() < 1e-12, "{energies:?}");
        let spent = energies.iter().filter(|(_, value)| *value > 0.0).count();
        assert!(spent >= 5, "{energies:?}");
    }
}
