//! Metrics of schedules that are worked out on paper.
//!
//! Model `a` takes 2 + 3 ms and 10 + 20 uJ, model `b` 4 ms and 40 uJ; turning to another model takes
//! 1 ms and 5 uJ. A microjoule is 1e6 pJ.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use rtmm_hardware::{ClassId, Energy, EnergyParts, Mode, Platform, Share, UnitSet};
use rtmm_scheduler::{
    Decision, Decisions, Extent, Job, JobId, JobState, Pace, Policy, PolicyError, Preemption, Progress, Run,
    RunId, RunPrediction, Truth, TuningWindow, View,
};
use rtmm_sim::metrics::{
    Audit, JobCounts, JobRow, JobRows, JobStatus, PriorityClass, PriorityClassSummary, PriorityClasses,
    Window, Windows, XrbenchConstants,
};
use rtmm_sim::{
    DropCause, EndOfRun, EndRecord, JobRecord, Metrics, MetricsOptions, Observer, RunOptions, SegmentRecord,
    Summary, System,
};
use rtmm_testkit::closures::revised;
use rtmm_testkit::hand_made::{Fcfs, accelerator, after, idle, models, ms, platform, scenario, task};
use rtmm_testkit::simulate;
use rtmm_workload::input::Source;
use rtmm_workload::{
    Arrivals, Dependency, DependencyKind, Duration, Model, ModelId, Period, Scenario, Task, TaskId, Time,
};

const UJ: f64 = 1e6;

/// Runs a policy with metrics, rows and an audit; the audit must find nothing.
fn run(
    system: &System,
    policy: impl Policy + 'static,
    metrics: MetricsOptions,
    end: EndOfRun,
) -> (Summary, Vec<JobRow>) {
    let mut rows = Vec::new();
    let write = |row: &JobRow| rows.push(*row);
    let observer = ((Metrics::new(system, metrics), JobRows::new(write)), Audit::new(system));
    let options = RunOptions { end, ..RunOptions::default() };
    let ((metrics, _), audit) =
        simulate(system, "test", Box::new(policy), observer, options).expect("only legal decisions");
    assert_eq!(audit.violations(), Vec::<String>::new());
    assert_eq!(audit.count(), 0);
    (metrics.summary(), rows)
}

fn close(found: Option<f64>, expected: f64) {
    let found = found.expect("not missing");
    assert!((found - expected).abs() <= 1e-12 * expected.abs(), "{found} is not {expected}");
}

/// Task A: `a` every 10 ms, due in 10 ms. Task B: `b` every 20 ms, due in 6 ms. 40 ms, one accelerator:
///
/// ```text
///  0 A0 . . . .  5 (switch) B0 . . . 10 (switch) A1 . . . .  16
/// 20 A2 . . . . 25 (switch) B1 . . . 30 (switch) A3 . . . .  36
/// ```
fn two_tasks() -> Scenario {
    scenario(40, vec![task("A", 0, 10, 10), task("B", 1, 20, 6)])
}

fn small_energies() -> MetricsOptions {
    let xrbench = XrbenchConstants { energy_max_mj: 0.1, ..XrbenchConstants::default() };
    MetricsOptions { xrbench, ..MetricsOptions::default() }
}

#[test]
fn a_run_worked_by_hand() {
    let (scenario, models, platform) = (two_tasks(), models(), platform(1));
    let system = System::new(&scenario, &models, &platform).expect("all layers have costs");
    let (summary, _) = run(&system, Fcfs::default(), small_energies(), EndOfRun::Cut);

    let a = &summary.tasks[0];
    assert_eq!((a.jobs.released, a.jobs.completed, a.jobs.on_time, a.jobs.late), (4, 4, 4, 0));
    assert_eq!((a.deadline_violation_rate, a.dlv), (Some(0.0), Some(0.125)));
    // Responses: 5, 6, 5, 6 ms. By nearest rank the median is the second of four.
    close(a.response_mean_ms, 5.5);
    let p50 = a.response_p50_ms.expect("four jobs");
    assert!((p50 / 5.0 - 1.0).abs() < 1e-3, "{p50}");
    assert_eq!(
        [a.response_max_ms, a.tardiness_mean_ms, a.tardiness_max_ms],
        [Some(6.0), Some(0.0), Some(0.0)]
    );
    let p99 = a.response_p99_ms.expect("four jobs");
    assert!((p99 / 6.0 - 1.0).abs() < 1e-3 && p99 <= 6.0, "{p99}");
    assert_eq!((a.energy.energy_mac_pj, a.energy.energy_switch_pj), (120.0 * UJ, 10.0 * UJ));
    assert_eq!(a.energy.energy_pj, 130.0 * UJ);
    close(a.normalised_energy, 130.0 / 120.0);
    close(a.throughput_per_s, 100.0);
    // Energy scores 1 - 0.030 / 0.1 and 1 - 0.035 / 0.1, each twice; real-time scores are 1 to a part
    // in 10^26, since A is never less than 4 ms early.
    let scores = a.xrbench.expect("four jobs");
    close(scores.energy_score, 0.675);
    close(scores.real_time_score, 1.0);
    close(Some(scores.task_score), 0.675);
    assert_eq!((scores.accuracy_score, scores.qoe_score, a.accuracy_mean), (Some(1.0), 1.0, None));

    let b = &summary.tasks[1];
    assert_eq!((b.jobs.completed, b.jobs.on_time, b.jobs.late), (2, 0, 2));
    assert_eq!((b.deadline_violation_rate, b.dlv), (Some(1.0), Some(1.0)));
    // Both take 10 ms, 4 ms too many: exact, since all are the same.
    assert_eq!(
        [b.response_mean_ms, b.response_p50_ms, b.response_p95_ms, b.response_max_ms],
        [Some(10.0); 4]
    );
    assert_eq!([b.tardiness_mean_ms, b.tardiness_max_ms], [Some(4.0); 2]);
    close(b.normalised_energy, 90.0 / 80.0);

    let acc = &summary.accelerators[0];
    // 5 + 5 + 6, twice, of 40 ms.
    assert_eq!((acc.utilisation, acc.busy_ms), (Some(0.8), 32.0));
    assert_eq!((acc.segments, acc.context_switches), (6, 4));
    assert_eq!(acc.segment_energy_pj, 220.0 * UJ);

    assert_eq!((summary.jobs.released, summary.jobs.late, summary.jobs.in_flight), (6, 2, 0));
    close(summary.deadline_violation_rate, 2.0 / 6.0);
    assert_eq!(summary.mean_deadline_violation_rate, Some(0.5));
    assert_eq!((summary.end_ms, summary.measured_ms, summary.makespan_ms), (40.0, 40.0, Some(36.0)));
    assert_eq!(summary.energy.energy_pj, 220.0 * UJ);
    close(summary.normalised_energy, 220.0 / 200.0);
    // 220 uJ in 40 ms are 5.5 mW.
    close(summary.mean_power_w, 5.5e-3);
    // (1/8 + 1) * (130/120 + 90/80)
    close(summary.ux_cost, 1.125 * (130.0 / 120.0 + 90.0 / 80.0));
    close(summary.dlv_sum, 1.125);
    close(summary.normalised_energy_sum, 130.0 / 120.0 + 90.0 / 80.0);
    // No model states one.
    assert_eq!(summary.accuracy, None);
    // B scores 0 to a part in 10^26.
    close(summary.xrbench_score_percent, 33.75);
    // Six dispatches at 0, 5, 10, 20, 25 and 30 ms; one more question each, and one at 16 and 36 ms.
    assert_eq!((summary.decisions, summary.rounds), (6, 14));
}

#[test]
fn jobs_that_arrive_in_the_warm_up_are_not_judged() {
    let (scenario, models, platform) = (two_tasks(), models(), platform(1));
    let system = System::new(&scenario, &models, &platform).expect("all layers have costs");
    let options = MetricsOptions { warm_up: ms(15), ..MetricsOptions::default() };
    let (summary, rows) = run(&system, Fcfs::default(), options, EndOfRun::Cut);
    // A2, A3 and B1.
    assert_eq!((summary.tasks[0].jobs.released, summary.tasks[1].jobs.released), (2, 1));
    assert_eq!(summary.tasks[0].response_mean_ms, Some(5.5));
    assert_eq!(summary.energy.energy_pj, (2.0 * 30.0 + 40.0 + 2.0 * 5.0) * UJ);
    // A1 runs from 10 to 16 ms, of which the last is measured: 1 + 5 + 5 + 6 of 25 ms.
    let acc = &summary.accelerators[0];
    close(acc.utilisation, 17.0 / 25.0);
    assert_eq!((acc.segments, acc.context_switches, acc.segment_energy_pj), (3, 2, 110.0 * UJ));
    assert_eq!((summary.warm_up_ms, summary.measured_ms), (15.0, 25.0));
    close(summary.throughput_per_s, 3.0 / 0.025);
    // Rows are of all jobs.
    assert_eq!(rows.len(), 6);

    // A job that arrives at the last instant of the warm-up is judged.
    let options = MetricsOptions { warm_up: ms(20), ..MetricsOptions::default() };
    let (summary, _) = run(&system, Fcfs::default(), options, EndOfRun::Cut);
    assert_eq!(summary.jobs.released, 3);

    // A warm-up that outlasts the run leaves nothing: everything is missing, nothing is zero by mistake.
    let options = MetricsOptions { warm_up: ms(50), ..MetricsOptions::default() };
    let (summary, _) = run(&system, Fcfs::default(), options, EndOfRun::Cut);
    assert_eq!((summary.jobs.released, summary.measured_ms), (0, 0.0));
    let missing = [
        summary.deadline_violation_rate,
        summary.mean_deadline_violation_rate,
        summary.throughput_per_s,
        summary.normalised_energy,
        summary.mean_power_w,
        summary.ux_cost,
        summary.xrbench_score_percent,
        summary.tasks[0].response_p99_ms,
        summary.tasks[0].tardiness_mean_ms,
        summary.tasks[0].dlv,
        summary.accelerators[0].utilisation,
    ];
    assert_eq!(missing, [None; 11]);
}

#[test]
fn turnaround_is_in_units_of_the_isolated_latency() {
    let (mut scenario, models, platform) = (two_tasks(), models(), platform(1));
    (scenario.tasks[0].priority, scenario.tasks[1].priority) = (9, -1);
    let system = System::new(&scenario, &models, &platform).expect("all layers have costs");
    let (summary, _) = run(&system, Fcfs::default(), MetricsOptions::default(), EndOfRun::Cut);
    // By themselves `a` takes 5 ms and `b` 4: responses of 5, 6, 5, 6 and of 10 and 10 ms.
    close(summary.tasks[0].antt, (1.0 + 1.2 + 1.0 + 1.2) / 4.0);
    close(summary.tasks[1].antt, 2.5);
    // Over jobs, not over tasks.
    close(summary.antt, (4.4 + 5.0) / 6.0);
    let p99 = summary.normalised_turnaround_p99.expect("six jobs");
    assert!((p99 / 2.5 - 1.0).abs() < 1e-3, "{p99}");
    // Six jobs from 0 to 36 ms.
    close(summary.stp, 6.0 / 0.036);
    // The least priority first, whatever the order of tasks.
    let of = |index: usize| &summary.priorities[index];
    assert_eq!((summary.priorities.len(), of(0).priority, of(1).priority), (2, -1, 9));
    assert_eq!((of(0).jobs.released, of(0).jobs.late, of(0).deadline_violation_rate), (2, 2, Some(1.0)));
    assert_eq!((of(1).jobs.released, of(1).jobs.on_time, of(1).deadline_violation_rate), (4, 4, Some(0.0)));
    close(of(0).antt, 2.5);
    close(of(1).antt, 1.1);

    // Of judged jobs alone: A2, B1 and A3, from 20 to 36 ms.
    let options = MetricsOptions { warm_up: ms(15), ..MetricsOptions::default() };
    let (summary, _) = run(&system, Fcfs::default(), options, EndOfRun::Cut);
    close(summary.antt, (1.0 + 2.5 + 1.2) / 3.0);
    close(summary.stp, 3.0 / 0.016);
    assert_eq!(summary.priorities.iter().map(|of| of.jobs.released).collect::<Vec<_>>(), [1, 2]);
    // A2 found A1, of the warm-up, on the accelerator.
    assert_eq!(summary.accelerators[0].job_switches, 3);

    // Nothing is judged.
    let options = MetricsOptions { warm_up: ms(50), ..MetricsOptions::default() };
    let (summary, _) = run(&system, Fcfs::default(), options, EndOfRun::Cut);
    let missing = [
        summary.antt,
        summary.normalised_turnaround_p99,
        summary.stp,
        summary.tasks[0].antt,
        summary.stp_normalised,
        summary.fairness_min_ratio,
        summary.fairness_jain,
        summary.sla_satisfaction,
    ];
    assert_eq!((missing, summary.priorities.len()), ([None; 8], 0));
}

/// The turnaround of tasks on an idle accelerator, in units of their isolated latency.
fn on_an_idle_accelerator(tasks: Vec<Task>) -> Vec<Option<f64>> {
    let (scenario, models, platform) = (scenario(500, tasks), models(), platform(1));
    let system = System::new(&scenario, &models, &platform).expect("all layers have costs");
    let (summary, _) = run(&system, Fcfs::default(), MetricsOptions::default(), EndOfRun::Cut);
    assert!(summary.tasks.iter().all(|task| task.jobs.completed == 5), "{summary:?}");
    let together = summary.tasks.iter().filter_map(|task| task.antt).sum::<f64>();
    close(summary.antt, together / summary.tasks.len() as f64);
    summary.tasks.iter().map(|task| task.antt).collect()
}

#[test]
fn jobs_of_a_cascade_turn_around_from_when_their_inputs_are_there() {
    // 10 Hz. A from 0 to 5 ms, B from there to 10 ms and C to 15: from the arrival they take one, two and three
    // times as long as alone.
    let stage = |name| task(name, 0, 100, 100);
    let chain = vec![stage("A"), after(stage("B"), 0), after(stage("C"), 1)];
    assert_eq!(on_an_idle_accelerator(chain), [Some(1.0); 3]);

    // The outcome of A triggers B: the scheduler is shown B when it is known.
    let control = DependencyKind::Control { probability: 1.0, probability_after_exit: Vec::new() };
    let on_outcome = Dependency { task: TaskId::new(0), kind: control };
    let triggered = Task { depends_on: vec![on_outcome], ..stage("B") };
    assert_eq!(on_an_idle_accelerator(vec![stage("A"), triggered]), [Some(1.0); 2]);

    // B arrives when A is long complete: from its arrival, at 50 ms. C needs both, and B is the later one.
    let period = Period::new(ms(100)).expect("not zero");
    let late = |name, offset| {
        let arrivals = Arrivals::Periodic { period, offset: ms(offset), jitter: Duration::ZERO };
        Task { arrivals, ..stage(name) }
    };
    let both = vec![Dependency::data(TaskId::new(0)), Dependency::data(TaskId::new(1))];
    let tasks = vec![stage("A"), after(late("B", 50), 0), Task { depends_on: both, ..late("C", 52) }];
    assert_eq!(on_an_idle_accelerator(tasks), [Some(1.0); 3]);

    // A occupies the accelerator beyond the arrival of D, which needs nothing of it: waiting counts, as before.
    let [a, d] = on_an_idle_accelerator(vec![stage("A"), late("D", 2)])[..] else { panic!("two tasks") };
    assert_eq!((a, d), (Some(1.0), Some(1.6)));
}

#[test]
fn service_by_classes_of_priorities() {
    // A, of priority 9, is in time four times; B, of priority 1, late twice.
    let (mut scenario, models, platform) = (two_tasks(), models(), platform(1));
    (scenario.tasks[0].priority, scenario.tasks[1].priority) = (9, 1);
    let system = System::new(&scenario, &models, &platform).expect("all layers have costs");
    let (summary, _) = run(&system, Fcfs::default(), MetricsOptions::default(), EndOfRun::Cut);
    close(summary.sla_satisfaction, 4.0 / 6.0);
    let of = |summary: &Summary| {
        let class = |of: &PriorityClassSummary| (of.class, of.jobs.released, of.sla_satisfaction);
        summary.priority_classes.iter().map(class).collect::<Vec<_>>()
    };
    use PriorityClass::{High, Low, Mid};
    assert_eq!(of(&summary), [(Low, 2, Some(0.0)), (Mid, 0, None), (High, 4, Some(1.0))]);
    let [low, mid, high] = &summary.priority_classes[..] else { panic!("three classes") };
    assert_eq!((low.antt, mid.antt, low.deadline_violation_rate), (Some(2.5), None, Some(1.0)));
    close(high.antt, 1.1);

    // Other bounds: all are of the middle.
    let priority_classes = PriorityClasses { priority_mid_from: 1, priority_high_from: 10 };
    let options = MetricsOptions { priority_classes, ..MetricsOptions::default() };
    let (summary, _) = run(&system, Fcfs::default(), options, EndOfRun::Cut);
    assert_eq!(of(&summary), [(Low, 0, None), (Mid, 6, Some(4.0 / 6.0)), (High, 0, None)]);
}

/// One frame of each task, where periods are 100 ms.
fn a_frame_each(tasks: Vec<Task>) -> Scenario {
    scenario(100, tasks)
}

#[test]
fn progress_of_networks_and_of_tasks() {
    // By themselves A takes 4 x 5 ms and B 2 x 4; beside each other 5 + 6 + 5 + 6 = 22, and 20.
    let (mut scenario, models, platform) = (two_tasks(), models(), platform(1));
    (scenario.tasks[0].priority, scenario.tasks[1].priority) = (9, 1);
    let summary_of = |scenario: &Scenario| {
        let system = System::new(scenario, &models, &platform).expect("all layers have costs");
        run(&system, Fcfs::default(), MetricsOptions::default(), EndOfRun::Cut).0
    };
    let summary = summary_of(&scenario);
    let (a, b) = (20.0 / 22.0, 8.0 / 20.0);
    close(summary.tasks[0].normalised_progress, a);
    close(summary.tasks[1].normalised_progress, b);
    close(summary.stp_normalised, a + b);
    // Priorities plus one are 10 and 2.
    close(summary.fairness_min_ratio, (a / 10.0) / (b / 2.0));
    close(summary.fairness_jain, (a + b) * (a + b) / (2.0 * (a * a + b * b)));
    // No weight: priorities are of no use as such.
    scenario.tasks[1].priority = -1;
    assert_eq!(summary_of(&scenario).fairness_min_ratio, None);

    // Two tasks of one network are one network, and two tasks: from 0 to 5 and to 10 ms, of 100.
    let tasks = vec![task("A", 0, 100, 100), task("B", 0, 100, 100)];
    let summary = summary_of(&a_frame_each(tasks));
    close(summary.stp_normalised, 10.0 / 15.0);
    assert_eq!(summary.fairness_min_ratio, Some(1.0));
    close(summary.fairness_jain, 1.5 * 1.5 / (2.0 * 1.25));

    // B is dropped: it has made no progress.
    let scenario = a_frame_each(vec![task("A", 0, 100, 100), task("B", 1, 100, 50)]);
    let system = System::new(&scenario, &models, &platform).expect("all layers have costs");
    let fcfs = Fcfs { drops: Some(TaskId::new(1)), ..Fcfs::default() };
    let (summary, _) = run(&system, fcfs, MetricsOptions::default(), EndOfRun::Cut);
    let found = [summary.stp_normalised, summary.fairness_min_ratio, summary.fairness_jain];
    assert_eq!(found, [Some(1.0), Some(0.0), Some(0.5)]);
}

#[test]
fn two_networks_at_once_count_from_the_first_arrival_to_the_last_completion() {
    // B0 takes 0 to 4 ms on accelerator 0, C0 5 ms on the other. C1, at 10 ms, turns accelerator 0 for 1 ms
    // and takes it to 16. B1 and C2, at 20 ms, are not complete by 22.
    let tasks = vec![task("B", 1, 20, 20), task("C", 0, 10, 10)];
    let (scenario, models, platform) = (scenario(22, tasks), models(), platform(2));
    let system = System::new(&scenario, &models, &platform).expect("all layers have costs");
    let (summary, _) = run(&system, Fcfs::default(), MetricsOptions::default(), EndOfRun::Cut);
    assert_eq!((summary.jobs.completed, summary.jobs.in_flight), (3, 2));
    close(summary.stp, 3.0 / 0.016);
    // C1 took 6 ms for its 5.
    close(summary.antt, (1.0 + 1.0 + 1.2) / 3.0);
}

#[test]
fn an_accelerator_turns_to_another_job_where_its_last_segment_was_of_another() {
    let (scenario, models, platform) = (two_tasks(), models(), platform(1));
    let system = System::new(&scenario, &models, &platform).expect("all layers have costs");
    for (extent, segments) in [(Extent::Rest, 6), (Extent::LAYER, 10)] {
        // Both layers of A0, A1, A2 and A3 run one after the other.
        let policy = Fcfs { extent, ..Fcfs::default() };
        let (summary, _) = run(&system, policy, MetricsOptions::default(), EndOfRun::Cut);
        let acc = &summary.accelerators[0];
        assert_eq!((acc.segments, acc.job_switches, acc.context_switches), (segments, 5, 4));
    }
    // Jobs of one network turn the accelerator, too, but not its context.
    let same = self::scenario(20, vec![task("A", 0, 10, 10)]);
    let system = System::new(&same, &models, &platform).expect("all layers have costs");
    let (summary, _) = run(&system, Fcfs::default(), MetricsOptions::default(), EndOfRun::Cut);
    let acc = &summary.accelerators[0];
    assert_eq!((acc.segments, acc.job_switches, acc.context_switches), (2, 1, 0));
}

#[test]
fn the_scheduler_is_busy_for_as_long_as_its_decisions_take() {
    // Six dispatches of 0.5 ms each, whenever they are.
    let (scenario, models, platform) = (two_tasks(), models(), platform(1));
    let system = System::new(&scenario, &models, &platform).expect("all layers have costs");
    let row = rtmm_scheduler::registry::policy("fcfs").expect("a policy");
    let run = |settings: &[(&str, &str)]| {
        let mut parameters = row.defaults();
        for (key, value) in settings {
            parameters.set_text(key, value).expect("a setting");
        }
        let policy = row.build(&parameters).expect("parameters of this policy");
        let metrics = Metrics::new(&system, MetricsOptions::default());
        simulate(&system, "fcfs", policy, metrics, RunOptions::default()).expect("legal").summary()
    };
    assert_eq!(run(&[]).scheduler_busy_ms, 0.0);
    let summary = run(&[("decision_base", "500us")]);
    assert_eq!((summary.scheduler_busy_ms, summary.jobs.completed), (3.0, 6));
    // And 0.25 ms for each ready job: of both at 0 and 20 ms, else of one: eight in all.
    let summary = run(&[("decision_base", "500us"), ("decision_per_job", "250us")]);
    assert_eq!((summary.scheduler_busy_ms, summary.jobs.completed), (5.0, 6));
}

#[test]
fn jobs_in_flight_at_the_end_are_overdue_or_undecided() {
    // `b` at 0, 10, 20 and 30 ms, due 6 ms later: at 36, the last deadline is not overdue at 34 ms, but is
    // at 36 ms.
    for (duration, overdue, undecided) in [(34, 3, 1), (36, 4, 0)] {
        let (scenario, models, platform) =
            (scenario(duration, vec![task("B", 1, 10, 6)]), models(), platform(1));
        let system = System::new(&scenario, &models, &platform).expect("all layers have costs");
        let (summary, rows) = run(&system, idle(), MetricsOptions::default(), EndOfRun::Cut);
        let b = &summary.tasks[0];
        assert_eq!((b.jobs.released, b.jobs.in_flight), (4, 4));
        assert_eq!((b.jobs.overdue, b.jobs.undecided), (overdue, undecided));
        assert_eq!((b.deadline_violation_rate, b.energy.energy_pj), (Some(1.0), 0.0));
        assert_eq!((b.normalised_energy, b.response_mean_ms, summary.makespan_ms), (Some(0.0), None, None));
        assert_eq!(b.xrbench.map(|scores| scores.task_score), Some(0.0));
        assert_eq!((summary.decisions, summary.rounds), (0, 4));
        assert!(rows.iter().all(|row| row.status == JobStatus::InFlight && row.start.is_none()));
        let violated: Vec<_> = rows.iter().map(JobRow::is_violated).collect();
        let last = if undecided == 0 { Some(true) } else { None };
        assert_eq!(violated, [Some(true), Some(true), Some(true), last]);
    }
}

#[test]
fn what_runs_at_the_end_is_paid_for_by_whole_layers() {
    // A at 0 and 10 ms; the second runs from 10 ms and is cut at 13 ms, a layer and a third in.
    let (scenario, models, platform) = (scenario(13, vec![task("A", 0, 10, 10)]), models(), platform(1));
    let system = System::new(&scenario, &models, &platform).expect("all layers have costs");
    let (summary, rows) = run(&system, Fcfs::default(), MetricsOptions::default(), EndOfRun::Cut);
    assert_eq!((summary.jobs.completed, summary.jobs.undecided), (1, 1));
    // The undecided job's energy was spent, but is in no share: 30 of 30 uJ.
    assert_eq!((summary.energy.energy_pj, summary.normalised_energy), (40.0 * UJ, Some(1.0)));
    assert_eq!((summary.accelerators[0].busy_ms, summary.accelerators[0].segments), (8.0, 2));
    let last = rows.last().expect("two jobs");
    assert_eq!((last.status, last.energy.mac), (JobStatus::InFlight, pj(10.0 * UJ)));
    assert_eq!((last.start, last.accelerator, last.segments), (Some(at(10)), Some(accelerator(0)), 1));

    // Drained, the run ends with the job, and all of it counts.
    let (summary, _) = run(&system, Fcfs::default(), MetricsOptions::default(), EndOfRun::Drain);
    assert_eq!((summary.jobs.completed, summary.jobs.in_flight, summary.end_ms), (2, 0, 15.0));
    assert_eq!((summary.energy.energy_pj, summary.accelerators[0].busy_ms), (60.0 * UJ, 10.0));
}

#[test]
fn dropped_jobs_take_those_that_need_them_along() {
    // B needs A's output and A is dropped at sight: two of each, and nothing runs.
    let tasks = vec![task("A", 0, 10, 10), after(task("B", 1, 10, 10), 0)];
    let (scenario, models, platform) = (scenario(20, tasks), models(), platform(1));
    let system = System::new(&scenario, &models, &platform).expect("all layers have costs");
    let policy = Fcfs { drops: Some(TaskId::new(0)), ..Fcfs::default() };
    let (summary, rows) = run(&system, policy, MetricsOptions::default(), EndOfRun::Cut);
    for (task, upstream) in [(0, 0), (1, 2)] {
        let jobs = summary.tasks[task].jobs;
        assert_eq!((jobs.released, jobs.dropped, jobs.dropped_upstream), (2, 2, upstream));
        assert_eq!(summary.tasks[task].deadline_violation_rate, Some(1.0));
    }
    assert_eq!((summary.normalised_energy, summary.ux_cost), (Some(0.0), Some(0.0)));
    assert_eq!(summary.xrbench_score_percent, Some(0.0));
    let outcomes: Vec<_> = rows.iter().map(|row| (row.task.index(), row.frame, row.status)).collect();
    let (dropped, upstream) = (JobStatus::Dropped, JobStatus::DroppedUpstream);
    assert_eq!(outcomes, [(0, 0, dropped), (1, 0, upstream), (0, 1, dropped), (1, 1, upstream)]);
}

#[test]
fn a_row_for_every_job() {
    let (scenario, models, platform) = (two_tasks(), models(), platform(1));
    let system = System::new(&scenario, &models, &platform).expect("all layers have costs");
    let (_, rows) = run(&system, Fcfs::default(), MetricsOptions::default(), EndOfRun::Cut);
    let text: Vec<String> = rows
        .iter()
        .map(|row| {
            let ms = |time: Time| time.picoseconds() / 1_000_000_000;
            format!(
                "{}{} {}..{} due {} in {} segments with {} switches, {} uJ",
                ["A", "B"][row.task.index()],
                row.frame,
                row.start.map_or(0, ms),
                ms(row.end),
                ms(row.deadline),
                row.segments,
                row.context_switches,
                (row.energy.total() + row.switch_energy).picojoules() / UJ,
            )
        })
        .collect();
    let expected = [
        "A0 0..5 due 10 in 1 segments with 0 switches, 30 uJ",
        "B0 5..10 due 6 in 1 segments with 1 switches, 45 uJ",
        "A1 10..16 due 20 in 1 segments with 1 switches, 35 uJ",
        "A2 20..25 due 30 in 1 segments with 0 switches, 30 uJ",
        "B1 25..30 due 26 in 1 segments with 1 switches, 45 uJ",
        "A3 30..36 due 40 in 1 segments with 1 switches, 35 uJ",
    ];
    assert_eq!(text, expected);
    assert_eq!(rows.iter().map(JobRow::is_violated).filter(|violated| *violated == Some(true)).count(), 2);
    assert!(rows.iter().all(|row| row.model == scenario.tasks[row.task.index()].model));
}

#[test]
fn how_layers_are_grouped_changes_no_energy_of_layers() {
    let tasks = vec![task("A", 0, 7, 7), task("B", 1, 9, 9), after(task("C", 0, 7, 14), 0)];
    let (scenario, models, platform) = (scenario(500, tasks), models(), platform(2));
    let system = System::new(&scenario, &models, &platform).expect("all layers have costs");
    let policies = [
        Fcfs::default(),
        Fcfs { extent: Extent::LAYER, ..Fcfs::default() },
        Fcfs { preempts: Some(Preemption::Quantum), ..Fcfs::default() },
        Fcfs { preempts: Some(Preemption::Layer), ..Fcfs::default() },
        Fcfs { extent: Extent::LAYER, drops: Some(TaskId::new(0)), ..Fcfs::default() },
    ];
    for (index, policy) in policies.into_iter().enumerate() {
        let (summary, rows) = run(&system, policy, MetricsOptions::default(), EndOfRun::Drain);
        assert_eq!(summary.jobs.in_flight, 0);
        assert_eq!(rows.len() as u64, summary.jobs.released);
        let completed = |task: usize| summary.tasks[task].jobs.completed as f64;
        let expected = (completed(0) + completed(2)) * 30.0 + completed(1) * 40.0;
        assert_eq!(summary.energy.energy_mac_pj, expected * UJ, "policy {index}");
        let segments: f64 =
            summary.accelerators.iter().map(|accelerator| accelerator.segment_energy_pj).sum();
        close(Some(segments), summary.energy.energy_pj);
        let switches: u64 = summary.accelerators.iter().map(|accelerator| accelerator.context_switches).sum();
        assert_eq!(summary.energy.energy_switch_pj, switches as f64 * 5.0 * UJ);
        assert_eq!(u64::from(rows.iter().map(|row| row.context_switches).sum::<u32>()), switches);
    }
}

// Calls that no run of the above makes.

fn at(milliseconds: u64) -> Time {
    Time::ZERO.saturating_add(ms(milliseconds))
}

fn job(slot: u32, arrival: Time) -> Job {
    Job {
        id: JobId::new(slot, 0),
        task: TaskId::new(0),
        frame: 0,
        arrival,
        release: arrival,
        deadline: arrival.saturating_add(ms(10)),
        priority: 0,
        model: ModelId::new(0),
        started: false,
        progress: Progress::default(),
        state: JobState::Ready,
        sequence: u64::from(slot),
        last_ran: arrival,
        place: None,
        // What a record of it says that it spent without layers.
        energy: pj(1.0),
    }
}

fn pj(picojoules: f64) -> Energy {
    Energy::from_picojoules(picojoules)
}

fn record<'j>(job: &'j Job, energy: &'j EnergyParts<Energy>, accuracy: Option<f64>) -> JobRecord<'j> {
    let isolated = Duration::from_picoseconds(1_000_000_000);
    let ready = job.arrival;
    let moves = rtmm_sim::JobMoves::default();
    JobRecord {
        job,
        ready,
        energy,
        switch_energy: pj(1.0),
        moves,
        accuracy,
        worst_energy: pj(31.0),
        isolated,
    }
}

/// A system with one task on one accelerator.
fn one_task(check: impl FnOnce(&System)) {
    let (scenario, models, platform): (Scenario, Vec<Model>, Platform) =
        (scenario(100, vec![task("A", 0, 10, 10)]), models(), platform(1));
    check(&System::new(&scenario, &models, &platform).expect("all layers have costs"));
}

#[test]
fn accuracy_void_frames_and_parts_of_energy() {
    one_task(|system| {
        let xrbench = XrbenchConstants { accuracy_target: Some(0.8), ..XrbenchConstants::default() };
        let options = MetricsOptions { warm_up: ms(5), xrbench, ..MetricsOptions::default() };
        let mut metrics = Metrics::new(system, options);
        let energy = EnergyParts { mac: 1.0, l1: 2.0, l2: 4.0, dram: 8.0, static_energy: 15.0 }.rounded();
        // Arrived in the warm-up, known to be void after it: not judged.
        metrics.not_triggered(at(6), TaskId::new(0), at(4));
        metrics.not_triggered(at(6), TaskId::new(0), at(5));
        for (slot, accuracy) in [(0, Some(0.4)), (1, Some(0.9)), (2, None)] {
            let job = job(slot, at(5));
            metrics.released(at(5), &job);
            metrics.completed(at(7), &record(&job, &energy, accuracy));
        }
        metrics.ended(
            at(10),
            &EndRecord {
                accelerators_busy: &[Duration::ZERO],
                decisions: 3,
                rounds: 9,
                scheduler_busy: Duration::ZERO,
                tuning: &[],
            },
        );
        let summary = metrics.summary();
        let a = &summary.tasks[0];
        assert_eq!((a.jobs.not_triggered, a.jobs.released, a.jobs.completed), (1, 3, 3));
        // Of the two that are known; the unknown one scores 1, as does the one above the target.
        assert_eq!((a.accuracy_mean, summary.accuracy), (Some(0.65), Some(0.65)));
        close(a.xrbench.and_then(|scores| scores.accuracy_score), 2.5 / 3.0);
        let of = &a.energy;
        assert_eq!([of.energy_mac_pj, of.energy_l1_pj, of.energy_l2_pj], [3.0, 6.0, 12.0]);
        assert_eq!([of.energy_dram_pj, of.energy_static_pj, of.energy_switch_pj], [24.0, 45.0, 3.0]);
        assert_eq!((of.energy_pj, a.normalised_energy), (93.0, Some(1.0)));
        assert_eq!((summary.decisions, summary.rounds), (3, 9));
    });
}

#[test]
fn the_accuracy_of_a_run_counts_each_job_whose_accuracy_is_known() {
    let (scenario, models, platform) = (two_tasks(), models(), platform(1));
    let system = System::new(&scenario, &models, &platform).expect("all layers have costs");
    let mut metrics = Metrics::new(&system, MetricsOptions::default());
    let energy = EnergyParts::default();
    for (slot, task, accuracy) in
        [(0, 0, Some(0.75)), (1, 0, Some(0.5)), (2, 0, Some(0.25)), (3, 1, Some(1.0)), (4, 1, None)]
    {
        let job = Job { task: TaskId::new(task), ..job(slot, at(5)) };
        metrics.released(at(5), &job);
        metrics.completed(at(7), &record(&job, &energy, accuracy));
    }
    let summary = metrics.summary();
    let of_tasks: Vec<_> = summary.tasks.iter().map(|task| task.accuracy_mean).collect();
    assert_eq!((of_tasks, summary.accuracy), (vec![Some(0.5), Some(1.0)], Some(0.625)));
}

#[test]
fn a_job_that_takes_no_time_has_no_normalised_turnaround() {
    one_task(|system| {
        let mut metrics = Metrics::new(system, MetricsOptions::default());
        let energy = EnergyParts::default();
        let complete = |metrics: &mut Metrics, slot, isolated| {
            let job = Job { priority: slot as i32, ..job(slot, at(5)) };
            metrics.released(at(5), &job);
            metrics.completed(at(8), &JobRecord { isolated, ..record(&job, &energy, None) });
        };
        complete(&mut metrics, 0, Duration::ZERO);
        let none = metrics.summary();
        assert_eq!((none.antt, none.normalised_turnaround_p99, none.tasks[0].antt), (None, None, None));
        assert_eq!((none.priorities[0].antt, none.jobs.completed), (None, 1));
        // 3 ms instead of 1, and instead of 2.
        complete(&mut metrics, 1, ms(1));
        complete(&mut metrics, 2, ms(2));
        let summary = metrics.summary();
        close(summary.antt, 2.25);
        close(summary.tasks[0].antt, 2.25);
        assert_eq!(
            summary.priorities.iter().map(|of| of.antt).collect::<Vec<_>>(),
            [None, Some(3.0), Some(1.5)]
        );
        // All three are completed jobs.
        close(summary.stp, 3.0 / 0.003);
    });
}

#[test]
fn priorities_count_what_is_given_up_and_what_is_left() {
    // B and D need A's output and A is dropped at sight; C is never run: due at 6 and 26 ms, of 24.
    let needs_a = |name| after(task(name, 1, 20, 20), 0);
    let mut tasks = vec![task("A", 0, 20, 20), needs_a("B"), task("C", 1, 20, 6), needs_a("D")];
    for (task, priority) in tasks.iter_mut().zip([4, 4, 2, 4]) {
        task.priority = priority;
    }
    let (scenario, models, platform) = (scenario(24, tasks), models(), platform(1));
    let system = System::new(&scenario, &models, &platform).expect("all layers have costs");
    let fcfs = Fcfs { drops: Some(TaskId::new(0)), ..Fcfs::default() };
    let policy = revised(Box::new(fcfs), |_, out| {
        out.retain(|decision| matches!(decision, Decision::Drop { .. }));
    });
    let (summary, _) = run(&system, policy, MetricsOptions::default(), EndOfRun::Cut);
    let [low, high] = &summary.priorities[..] else { panic!("two priorities") };
    assert_eq!((low.priority, low.jobs.released, low.jobs.overdue, low.jobs.undecided), (2, 2, 1, 1));
    assert_eq!((high.priority, high.jobs.dropped, high.jobs.dropped_upstream), (4, 6, 4));
    assert_eq!((low.deadline_violation_rate, high.deadline_violation_rate), (Some(1.0), Some(1.0)));
    assert_eq!((low.antt, high.antt, summary.stp), (None, None, None));
    // None is late that was never over.
    assert!(summary.tasks.iter().all(|task| task.tardiness_max_ms.is_none()), "{:?}", summary.tasks);
}

#[test]
fn counts_of_jobs_add_up_one_by_one() {
    let of = |from: u64| JobCounts {
        released: from,
        not_triggered: from + 1,
        completed: from + 2,
        on_time: from + 3,
        late: from + 4,
        dropped: from + 5,
        dropped_upstream: from + 6,
        in_flight: from + 7,
        overdue: from + 8,
        undecided: from + 9,
    };
    let mut sum = of(1);
    sum += of(100);
    let expected = JobCounts {
        released: 101,
        not_triggered: 103,
        completed: 105,
        on_time: 107,
        late: 109,
        dropped: 111,
        dropped_upstream: 113,
        in_flight: 115,
        overdue: 117,
        undecided: 119,
    };
    assert_eq!(sum, expected);
}

#[test]
fn the_audit_finds_what_is_wrong() {
    one_task(|system| {
        let energy = EnergyParts::default();
        let running = |job: &Job| Run {
            id: RunId::new(0, job.id.slot() as u32),
            accelerator: accelerator(0),
            units: UnitSet::first(1),
            class: ClassId::new(0),
            next_class: None,
            share: Share::WHOLE,
            jobs: job.id.into(),
            model: job.model,
            from: job.progress,
            stop: 2,
            dispatched: at(5),
            started: at(5),
            pace: Pace::from(at(5)),
            expected_end: at(10),
            is_ending: false,
        };
        let finds = |expected: &[&str], told: &dyn Fn(&mut Audit)| {
            let mut audit = Audit::new(system);
            told(&mut audit);
            let found = audit.violations();
            assert_eq!(found.len(), expected.len(), "{found:?}");
            for (found, expected) in found.iter().zip(expected) {
                assert!(found.contains(expected), "{found} does not say {expected}");
            }
            assert_eq!(audit.count(), expected.len() as u64);
        };
        let (first, second) = (job(0, at(5)), job(1, at(5)));
        let ended = |audit: &mut Audit, now, busy| {
            audit.ended(
                now,
                &EndRecord {
                    accelerators_busy: &[ms(busy)],
                    decisions: 0,
                    rounds: 0,
                    scheduler_busy: Duration::ZERO,
                    tuning: &[],
                },
            );
        };
        finds(&["time fell from 5000000000 ps"], &|audit| {
            audit.released(at(5), &first);
            audit.phase_changed(at(4), 0);
        });
        finds(&["task 0: 1 jobs released, 0 over"], &|audit| {
            audit.released(at(5), &first);
            ended(audit, at(9), 0);
        });
        finds(&["which is not live"], &|audit| audit.dispatched(at(5), &running(&first), &first));
        finds(&["and gives", "has the slot of"], &|audit| {
            audit.released(at(5), &first);
            audit.released(at(5), &second);
            audit.dispatched(at(5), &running(&first), &first);
            audit.dispatched(at(5), &running(&second), &second);
        });
        finds(&["while a segment of it runs"], &|audit| {
            audit.released(at(5), &first);
            audit.dispatched(at(5), &running(&first), &first);
            audit.completed(at(6), &record(&first, &energy, None));
        });
        finds(&["goes on at"], &|audit| {
            audit.released(at(5), &first);
            let run = Run { from: Progress::at(1), ..running(&first) };
            audit.dispatched(at(5), &run, &first);
        });
        finds(&["went back", "energy of", "add up to", "which is not live"], &|audit| {
            let half = Progress { layer: 0, quantum: 2, quanta: 4 };
            let begun = Job { progress: half, energy: pj(7.0), ..first };
            audit.released(at(5), &begun);
            audit.dispatched(at(5), &running(&begun), &begun);
            // Three of eight steps are less than two of four.
            let to = Progress { layer: 0, quantum: 3, quanta: 8 };
            let job = Job { energy: pj(6.0), ..begun };
            let run = running(&begun);
            let record_of_segment =
                SegmentRecord { run: &run, job: &job, to, switched: false, stopped: None };
            audit.segment_ended(at(6), &record_of_segment);
            audit.dropped(at(6), &record(&begun, &energy, None), DropCause::Policy);
            audit.dropped(at(6), &record(&begun, &energy, None), DropCause::Policy);
        });
        finds(&["is released at", "runs before its release"], &|audit| {
            let early = Job { release: at(9), ..first };
            audit.released(at(5), &early);
            audit.dispatched(at(5), &running(&early), &early);
        });
        finds(&["in the slot of a live job"], &|audit| {
            audit.released(at(5), &first);
            audit.released(at(5), &Job { id: JobId::new(0, 1), ..first });
        });
        finds(&["something was told after the end"], &|audit| {
            ended(audit, at(9), 0);
            audit.phase_changed(at(9), 0);
        });
        finds(&["was busy for 0ps of 9ms, told as 4ms"], &|audit| ended(audit, at(9), 4));
    });
}

#[test]
fn every_field_of_the_summary_is_on_the_page() {
    let page = include_str!("../../../docs/metrics.md");
    let (scenario, models, platform) = (two_tasks(), models(), platform(1));
    let system = System::new(&scenario, &models, &platform).expect("all layers have costs");
    let (summary, _) = run(&system, Fcfs::default(), MetricsOptions::default(), EndOfRun::Cut);
    let mut values = vec![serde_json::to_value(&summary).expect("a summary is data")];
    let mut missing = Vec::new();
    while let Some(value) = values.pop() {
        match value {
            serde_json::Value::Object(fields) => {
                for (name, value) in fields {
                    if !page.contains(&format!("`{name}`")) && !missing.contains(&name) {
                        missing.push(name);
                    }
                    values.push(value);
                }
            }
            serde_json::Value::Array(items) => values.extend(items),
            _ => {}
        }
    }
    assert_eq!(missing, Vec::<String>::new(), "docs/metrics.md lacks these");
    // The constants too.
    let options = serde_json::to_value(MetricsOptions::default()).expect("options are data");
    let constants = options["xrbench"].as_object().expect("constants").keys();
    for name in constants {
        assert!(page.contains(&format!("`{name}`")), "docs/metrics.md lacks {name}");
    }
}

// Windows.

/// A run with metrics and windows.
fn windowed(
    scenario: &Scenario,
    policy: impl Policy + 'static,
    length: u64,
    warm_up: u64,
    end: EndOfRun,
) -> (Summary, Vec<Window>) {
    let (models, platform) = (models(), platform(1));
    let system = System::new(scenario, &models, &platform).expect("all layers have costs");
    let metrics = Metrics::new(&system, MetricsOptions { warm_up: ms(warm_up), ..MetricsOptions::default() });
    let observer = (metrics, Windows::new(&system, ms(length), ms(warm_up)));
    let options = RunOptions { end, ..RunOptions::default() };
    let (metrics, windows) =
        simulate(&system, "test", Box::new(policy), observer, options).expect("only legal decisions");
    (metrics.summary(), windows.windows())
}

#[test]
fn windows_worked_by_hand() {
    let (_, windows) = windowed(&two_tasks(), Fcfs::default(), 10, 0, EndOfRun::Cut);
    let [first, second, third, fourth] = windows[..] else { panic!("four windows: {windows:?}") };
    // A0 is complete at 5 ms; B0 at 10, but known to be late at 6.
    assert_eq!((first.from, first.decided, first.violated, first.dropped), (at(0), 2, 1, 0));
    assert_eq!(first.deadline_violation_rate, Some(0.5));
    close(first.normalised_energy, 75.0 / 70.0);
    close(first.ux_cost, (0.5 + 1.0) * (30.0 / 30.0 + 45.0 / 40.0));
    // A1 alone, at 16 ms.
    assert_eq!((second.from, second.decided, second.deadline_violation_rate), (at(10), 1, Some(0.0)));
    close(second.ux_cost, 0.5 * 35.0 / 30.0);
    // A2 at 25 ms and B1, which is late from 26 ms on; A3 at 36 ms.
    assert_eq!((third.decided, third.ux_cost), (2, first.ux_cost));
    assert_eq!((fourth.decided, fourth.ux_cost), (1, second.ux_cost));

    // What is settled at the very end of a window belongs to it: B0 at 6 ms.
    let (_, windows) = windowed(&two_tasks(), Fcfs::default(), 6, 0, EndOfRun::Cut);
    let decided: Vec<u64> = windows.iter().map(|window| window.decided).collect();
    assert_eq!(decided, [2, 0, 1, 0, 2, 1, 0]);
    // Where nothing is settled, nothing can be told.
    let empty = windows[1];
    assert_eq!((empty.deadline_violation_rate, empty.normalised_energy, empty.ux_cost), (None, None, None));
}

/// So many accelerators that share 16 GB/s. Model `b` moves 48 MB in its 4 ms: alone in the first three.
fn sharing_dram(accelerators: usize) -> Platform {
    let mut text = String::from("source = \"test\"\nclock_mhz = 1000\n[shared_dram]\nbandwidth = 16\n");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../testkit/data/traffic.csv");
    for index in 0..accelerators {
        text += &format!("[[accelerator]]\nname = \"acc{index}\"\nmodel = \"table\"\nfile = '{file}'\n");
    }
    let source = Source::new("sharing.toml", text);
    rtmm_hardware::load::platform_of(&source, Mode::Corrected).expect("a sound platform")
}

#[test]
fn use_of_shared_dram_worked_by_hand() {
    let models = models();
    let of = |tasks: usize, warm_up: u64, length: u64| {
        let tasks = ["A", "B"][..tasks].iter().map(|name| task(name, 1, 12, 12)).collect();
        let (scenario, platform) = (scenario(12, tasks), sharing_dram(2));
        let system = System::new(&scenario, &models, &platform).expect("all layers have costs");
        let options = MetricsOptions { warm_up: ms(warm_up), ..MetricsOptions::default() };
        let observer = (Metrics::new(&system, options), Windows::new(&system, ms(length), ms(0)));
        let policy = Box::new(Fcfs::default());
        let (metrics, windows) =
            simulate(&system, "test", policy, observer, RunOptions::default()).expect("only legal decisions");
        let (summary, windows) = (metrics.summary(), windows.windows());
        let used = windows.iter().filter_map(|window| window.dram_bandwidth_utilisation).collect::<Vec<_>>();
        (summary.dram_bandwidth_utilisation.expect("shared"), summary.throttled_ms.expect("shared"), used)
    };
    // Bandwidths are whole units of 931 bytes a second.
    let near =
        |found: f64, expected: f64| assert!((found - expected).abs() < 1e-5, "{found}, not {expected}");
    // One run: all of it for 3 of 12 ms, as much as it can use.
    let (utilisation, throttled, windows) = of(1, 0, 12);
    near(utilisation, 0.25);
    assert_eq!((throttled, windows), (0.0, vec![utilisation]));
    // Of 10 ms from the warm-up on, 1.
    near(of(1, 2, 12).0, 0.1);
    // Two: half each for 6 ms.
    let (utilisation, throttled, windows) = of(2, 0, 5);
    near(utilisation, 0.5);
    near(throttled, 12.0);
    // The last window is of 2 ms.
    assert_eq!(windows.len(), 3);
    windows.iter().zip([1.0, 0.2, 0.0]).for_each(|(found, expected)| near(*found, expected));
    near(of(2, 1, 12).1, 10.0);
}

/// Fcfs that predicts 5 ms for each run, again and again, and that it takes no longer.
fn predicting() -> impl Policy + 'static {
    revised(Box::new(Fcfs::default()), |view: &View<'_>, out: &mut Decisions| {
        for run in view.runs() {
            let end = view.now.saturating_add(ms(5));
            out.predict(RunPrediction { run: run.id, end, upper: Some(end) });
        }
    })
}

#[test]
fn predictions_worked_by_hand() {
    // All runs take 5 ms with their switches but A1, which takes 6 up to 16 ms, and A3, which goes on at the end of the run.
    let scenario = Scenario { duration: ms(32), ..two_tasks() };
    let (summary, windows) = windowed(&scenario, predicting(), 10, 0, EndOfRun::Cut);
    let of = summary.predictions.expect("it predicts");
    assert_eq!(of.predicted_runs, 5);
    close(of.prediction_error, 1.0 / 6.0 / 5.0);
    assert_eq!((of.under_predicted, of.within_bound), (Some(0.2), Some(0.8)));
    let by_window: Vec<_> = windows
        .iter()
        .filter_map(|window| window.predictions)
        .map(|of| (of.predicted_runs, of.under_predicted))
        .collect();
    assert_eq!(by_window, [(2, Some(0.0)), (1, Some(1.0)), (2, Some(0.0)), (0, None)]);
    // Of runs that were dispatched before the end of the warm-up nothing is counted.
    let (summary, _) = windowed(&scenario, predicting(), 10, 6, EndOfRun::Cut);
    let of = summary.predictions.expect("it predicts");
    assert_eq!((of.predicted_runs, of.under_predicted), (3, Some(1.0 / 3.0)));
    // A policy that predicts nothing has no such results, and one that states no bound none of it.
    let (summary, windows) = windowed(&scenario, Fcfs::default(), 10, 0, EndOfRun::Cut);
    assert!(summary.predictions.is_none() && windows.iter().all(|window| window.predictions.is_none()));
    let unbounded = revised(Box::new(predicting()), |_: &View<'_>, out: &mut Decisions| {
        let predictions = out.predictions().to_vec();
        let decisions = out.to_vec();
        out.clear();
        out.extend(decisions);
        predictions.iter().for_each(|of| out.predict(RunPrediction { upper: None, ..*of }));
    });
    let (summary, _) = windowed(&scenario, unbounded, 10, 0, EndOfRun::Cut);
    let of = summary.predictions.expect("it predicts");
    assert_eq!((of.under_predicted, of.within_bound), (Some(0.2), None));
}

#[test]
fn one_window_is_the_run() {
    for (end, warm_up) in [(EndOfRun::Cut, 0), (EndOfRun::Drain, 0), (EndOfRun::Cut, 15)] {
        let (summary, windows) = windowed(&two_tasks(), Fcfs::default(), 40, warm_up, end);
        let [window] = windows[..] else { panic!("one window: {windows:?}") };
        assert_eq!(window.ux_cost, summary.ux_cost);
        assert_eq!(window.deadline_violation_rate, summary.deadline_violation_rate);
        assert_eq!(window.normalised_energy, summary.normalised_energy);
        assert_eq!(window.decided, summary.jobs.decided());
    }
}

#[test]
fn jobs_that_starve_count_where_they_were_due() {
    // `b` at 0, 10, 20 and 30 ms, due at 6, 16, 26 and 36; of the last one nobody knows at 34 ms.
    for (duration, last) in [(34, 1), (36, 2)] {
        let scenario = scenario(duration, vec![task("B", 1, 10, 6)]);
        let (summary, windows) = windowed(&scenario, idle(), 12, 0, EndOfRun::Cut);
        let counts: Vec<(u64, u64)> = windows.iter().map(|one| (one.decided, one.violated)).collect();
        assert_eq!(counts, [(1, 1), (1, 1), (last, last)]);
        // Nothing was spent.
        assert_eq!(windows[0].ux_cost, Some(0.0));
        assert_eq!(windows.iter().map(|one| one.decided).sum::<u64>(), summary.jobs.decided());
    }
}

#[test]
fn dropped_jobs_count_where_they_were_given_up() {
    // Both tasks are given up at 0 and 10 ms, as soon as they are seen.
    let tasks = vec![task("A", 0, 10, 10), after(task("B", 1, 10, 10), 0)];
    let policy = Fcfs { drops: Some(TaskId::new(0)), ..Fcfs::default() };
    let (_, windows) = windowed(&scenario(20, tasks), policy, 5, 0, EndOfRun::Cut);
    let dropped: Vec<u64> = windows.iter().map(|one| one.dropped).collect();
    assert_eq!(dropped, [2, 2, 0, 0]);
    assert_eq!((windows[0].deadline_violation_rate, windows[0].ux_cost), (Some(1.0), Some(0.0)));
}

#[test]
fn windows_keep_phases_and_what_was_tuned() {
    let (scenario, models, platform) = (two_tasks(), models(), platform(1));
    let system = System::new(&scenario, &models, &platform).expect("all layers have costs");
    let mut windows = Windows::new(&system, ms(10), ms(0));
    windows.phase_changed(at(12), 0);
    windows.phase_changed(at(31), 1);
    let tuning = TuningWindow {
        search: 0,
        step: 0,
        from: at(10),
        to: Some(at(20)),
        alpha: 0.5,
        beta: 2.0,
        cost: Some(0.25),
        is_result: false,
    };
    let end = EndRecord {
        accelerators_busy: &[],
        decisions: 0,
        rounds: 0,
        scheduler_busy: Duration::ZERO,
        tuning: &[tuning],
    };
    windows.ended(at(35), &end);
    assert_eq!(windows.phases(), [(at(12), 0), (at(31), 1)]);
    assert_eq!(windows.tuning(), [tuning]);
    // The last window is cut short.
    assert_eq!(windows.windows().iter().map(|one| one.from).collect::<Vec<_>>(), [0, 10, 20, 30].map(at));
}

/// First come, first served, with a tale of what it tuned.
#[derive(Clone, Debug)]
struct Tuned(Fcfs, Vec<TuningWindow>);

impl Policy for Tuned {
    fn decide(
        &mut self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        self.0.decide(view, truth, out)
    }

    fn tuning(&self) -> &[TuningWindow] {
        &self.1
    }

    fn boxed_clone(&self) -> Option<Box<dyn Policy>> {
        Some(Box::new(self.clone()))
    }
}

#[test]
fn what_a_policy_tells_of_its_tuning_reaches_the_windows() {
    let window = |from: u64, alpha: f64| TuningWindow {
        search: 0,
        step: from as u32,
        from: at(from),
        to: None,
        alpha,
        beta: 1.0 - alpha,
        cost: None,
        is_result: false,
    };
    let told = vec![window(0, 0.5), window(20, 0.75)];
    let (scenario, models, platform) = (two_tasks(), models(), platform(1));
    let system = System::new(&scenario, &models, &platform).expect("all layers have costs");
    let policy = Box::new(Tuned(Fcfs::default(), told.clone()));
    let windows = Windows::new(&system, ms(10), ms(0));
    let windows = simulate(&system, "tuned", policy, windows, RunOptions::default()).expect("legal");
    assert_eq!(windows.tuning(), told);
}
