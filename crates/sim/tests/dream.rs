//! What follows from the definitions of DREAM's parts, on generated systems.
//!
//! `RTMM_CASES` sets the number of random cases of each test.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;

use rtmm_hardware::AcceleratorId;
use rtmm_scheduler::{Decision, Decisions, Job, JobId, View};
use rtmm_sim::metrics::{JobRow, JobRows, JobStatus, Metrics, MetricsOptions, Summary};
use rtmm_sim::{DropCause, EndOfRun, JobRecord, Observer, RunOptions};
use rtmm_testkit::by_hand::worlds::{Dice, Kind, world};
use rtmm_testkit::by_hand::{ByHand, Log, policy};
use rtmm_testkit::cases::at_least;
use rtmm_testkit::closures::{deciding, revised};
use rtmm_testkit::simulate;
use rtmm_workload::{ModelId, TaskId, Time};

const OPTIONS: RunOptions = RunOptions { seed: 5, end: EndOfRun::Drain, oracle: false };

/// Schedule, jobs and metrics of a run.
struct Run {
    schedule: String,
    jobs: Vec<JobRow>,
    summary: Summary,
}

impl Run {
    fn of(text: &str, policy_text: &str, end: EndOfRun) -> Self {
        let by_hand = ByHand::parse(text);
        let system = by_hand.system();
        let (row, parameters) = policy(policy_text);
        let policy = row.build(&parameters).expect("parameters of this policy");
        let mut jobs = Vec::new();
        let rows = JobRows::new(|job: &JobRow| jobs.push(*job));
        let observer = ((Log::new(&system.scenario), rows), Metrics::new(&system, MetricsOptions::default()));
        let options = RunOptions { end, ..OPTIONS };
        let ((log, _), metrics) =
            simulate(&system, &row.name, policy, observer, options).expect("only legal decisions");
        Self { schedule: log.text(), jobs, summary: metrics.summary() }
    }

    fn is_in_time(&self) -> bool {
        self.jobs.iter().all(|job| job.is_violated() == Some(false))
    }

    fn ux_cost(&self) -> Option<f64> {
        self.summary.ux_cost
    }
}

fn drained(text: &str, policy_text: &str) -> Run {
    Run::of(text, policy_text, EndOfRun::Drain)
}

/// A kind of system by a draw of its own.
fn any_kind(index: u64) -> Kind {
    let mut dice = Dice::new("kinds", index);
    Kind {
        accelerators: None,
        ease: dice.one_of(&[1, 1, 2, 4, 8]),
        is_dynamic: dice.once_in(2),
        has_variants: dice.once_in(2),
    }
}

/// The same system in which nothing exits and nothing is skipped.
fn without_paths(text: &str) -> String {
    let plain = |line: &str| line.split(" exit ").next().unwrap_or(line).to_owned();
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// The same system with every accelerator as the first one, and layers that take a little longer each by its
/// own: no two sums or quotients of them are equal, so that rounding decides nothing.
fn alike(text: &str) -> String {
    let mut count = 0;
    let mut first = |word: &str| match word.split('/').next().and_then(|cell| cell.split_once('@')) {
        Some((latency, energy)) => {
            count += 1;
            format!("{latency}0{:04}@{energy}", count * count * 7_919 % 9_973)
        }
        None => word.to_owned(),
    };
    let mut line = |line: &str| line.split(' ').map(&mut first).collect::<Vec<_>>().join(" ");
    text.lines().map(&mut line).collect::<Vec<_>>().join("\n")
}

// The order of jobs.

/// Tasks of one layer each that all take as long, everywhere.
fn equal_tasks(index: u64) -> String {
    let mut dice = Dice::new("equal tasks", index);
    let mut text = format!("accelerators {}; for 60", 1 + dice.below(3));
    for name in ["a", "b", "c", "d"] {
        let (period, deadline) = (5 + dice.below(12), 3 + dice.below(20));
        text += &format!("\ntask {name} every {period} at {} due {deadline} layers 1.2", dice.below(7));
        if dice.once_in(3) {
            text += " jitter 2";
        }
    }
    text
}

#[test]
fn by_urgency_alone_equal_jobs_go_by_their_deadlines() {
    let mut compared = 0;
    for index in 0..at_least(300) {
        let text = equal_tasks(index);
        let edf = drained(&text, "edf placement=first-idle");
        // Of a late job the quotient says something else.
        if edf.is_in_time() {
            let settings = "alpha=0 beta=0 latency_preference=false urgency_cap=1000";
            for policy_text in [format!("dream-mapscore {settings}"), format!("dream-drop {settings}")] {
                assert_eq!(drained(&text, &policy_text).schedule, edf.schedule, "{policy_text} on\n{text}");
            }
            // Preferences are the same everywhere.
            let plain = "dream-mapscore alpha=0 beta=0 urgency_cap=1000";
            assert_eq!(drained(&text, plain).schedule, edf.schedule, "{text}");
            compared += 1;
        }
    }
    assert!(compared > 20, "{compared}");
}

/// Checks that no job has more to go for its time than the one that is dispatched.
fn goes_by_quotient(view: &View<'_>, out: &mut Decisions) {
    let Some(Decision::Dispatch { jobs, .. }) = out.first() else { return };
    let quotient = |job: &Job| {
        let left = job.deadline.saturating_since(view.now).picoseconds();
        (u128::from(view.mean_remaining(job).picoseconds()), u128::from(left))
    };
    let job = jobs.single().expect("one job");
    let (to_go, left) = quotient(view.job(job).expect("a job"));
    for other in view.ready().filter(|other| other.deadline > view.now) {
        let (others_to_go, others_left) = quotient(other);
        assert!(to_go * others_left >= others_to_go * left, "{other:?} before {job:?}");
    }
}

#[test]
fn by_urgency_alone_jobs_go_by_what_is_left_for_the_time_left() {
    let mut compared = 0;
    for index in 0..at_least(300) {
        // One accelerator, or preferences that are not asked for.
        let is_one = index % 2 == 0;
        let kind = Kind { accelerators: is_one.then_some(1), ease: 4, is_dynamic: true, has_variants: false };
        let text = world(index, kind);
        let settings = if is_one { "" } else { " latency_preference=false" };
        let (row, parameters) =
            policy(&format!("dream-mapscore alpha=0 beta=0 urgency_cap=1000000{settings}"));
        if !drained(&text, &format!("dream-mapscore alpha=0 beta=0{settings} urgency_cap=1000000"))
            .is_in_time()
        {
            continue;
        }
        let by_hand = ByHand::parse(&text);
        let inner = row.build(&parameters).expect("parameters of this policy");
        let checked = Box::new(revised(inner, goes_by_quotient));
        simulate(&by_hand.system(), &row.name, checked, (), OPTIONS).expect("only legal decisions");
        compared += 1;
    }
    assert!(compared > 50, "{compared}");
}

/// Checks that all accelerators suit every layer as well.
fn is_indifferent(view: &View<'_>, _: &mut Decisions) {
    let count = view.accelerators.len() as f64;
    for model in (0..view.tasks()).flat_map(|task| view.task(TaskId::new(task)).variants) {
        for layer in 0..view.profile.layers(*model) {
            for accelerator in (0..view.accelerators.len()).map(AcceleratorId::new) {
                let preference = view.profile.preference(*model, layer, view.profile.whole(accelerator));
                assert_eq!((preference.latency, preference.energy), (count, count));
            }
        }
    }
}

#[test]
fn on_identical_accelerators_energy_matters_by_the_switch_alone() {
    let (mut several, mut turned) = (0, 0);
    for index in 0..at_least(200) {
        let text = alike(&world(index, any_kind(index)));
        let by_hand = ByHand::parse(&text);
        let options = RunOptions { end: EndOfRun::Cut, ..OPTIONS };
        simulate(&by_hand.system(), "none", Box::new(deciding(is_indifferent)), (), options)
            .expect("no decisions");
        several += u32::from(by_hand.platform.accelerators.len() > 1);
        for name in ["dream-mapscore", "dream-drop", "dream-full", "sdrm3"] {
            let of = |beta: &str, switch: bool| {
                drained(&text, &format!("{name} beta={beta} switch_cost={switch}"))
            };
            let none = of("0", false).schedule;
            assert_eq!(of("1", false).schedule, none, "{name} on\n{text}");
            assert_eq!(of("0.5", false).schedule, none, "{name} on\n{text}");
            assert_eq!(of("0", true).schedule, none, "{name} on\n{text}");
            let with_switch = of("1", true).schedule;
            if text.contains("; switch") {
                turned += u32::from(with_switch != none);
            } else {
                assert_eq!(with_switch, none, "{name} on\n{text}");
            }
        }
    }
    assert!(several > 50 && turned > 50, "{several} {turned}");
}

// Starvation.

#[test]
fn with_a_weight_of_starvation_everybody_runs_or_is_given_up() {
    let mut finished = 0;
    for index in 0..at_least(100) {
        let text = world(index, any_kind(index));
        for policy_text in ["dream-mapscore alpha=0.25", "dream-full", "dream-drop alpha=2", "sdrm3"] {
            let run = drained(&text, policy_text);
            for job in &run.jobs {
                let is_over = match job.status {
                    JobStatus::Completed => job.start.is_some(),
                    JobStatus::Dropped | JobStatus::DroppedUpstream => policy_text.starts_with("dream-"),
                    JobStatus::InFlight => false,
                };
                assert!(is_over, "{job:?} under {policy_text} on\n{text}");
            }
            finished += run.jobs.len();
        }
    }
    assert!(finished > 5_000, "{finished}");
}

#[test]
fn who_waits_is_let_in_sooner_the_more_starvation_counts() {
    // `high` alone takes more than all of the time, and always has a job that is late: an urgency of 4.
    let text = "for 400; task high every 2 due 3 layers 2.2; task low every 1000 due 900 layers 3 2";
    let start = |alpha: &str| {
        let settings = format!("dream-mapscore beta=0 late_urgency=greatest urgency_cap=4 alpha={alpha}");
        let jobs = Run::of(text, &settings, EndOfRun::Cut).jobs;
        jobs.iter().find(|job| job.task.index() == 1).and_then(|job| job.start)
    };
    // Without it, `low` waits to the end.
    assert_eq!(start("0"), None);
    let starts = ["0.125", "0.25", "0.5", "1", "2"].map(start);
    assert!(starts.iter().all(Option::is_some), "{starts:?}");
    assert!(starts.is_sorted_by(|less, more| less >= more) && starts[0] > starts[4], "{starts:?}");
}

// UXCost.

/// The same system with energies that are so many times as large, and switches that cost none.
fn in_units(text: &str, times: u64) -> String {
    let cell = |cell: &str| match cell.split_once('@') {
        Some((latency, energy)) => {
            let energy: u64 = energy.parse().expect("whole microjoules");
            format!("{latency}@{}", energy * times)
        }
        None => cell.to_owned(),
    };
    let word = |word: &str| word.split('/').map(cell).collect::<Vec<_>>().join("/");
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.replace("; switch 0.25", "").lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_unit_of_energy_changes_neither_schedules_nor_ux_cost() {
    let mut known = 0;
    for index in 0..at_least(60) {
        let text = world(index, any_kind(index));
        let policies = ["dream-mapscore", "dream-full", "dream-adaptive search_window=3ms", "edf", "sdrm3"];
        for policy_text in policies {
            let (one, other) = (in_units(&text, 1), in_units(&text, 1024));
            let (one, other) = (drained(&one, policy_text), drained(&other, policy_text));
            assert_eq!(one.schedule, other.schedule, "{policy_text} on\n{text}");
            assert_eq!(one.ux_cost(), other.ux_cost(), "{policy_text} on\n{text}");
            known += u32::from(one.ux_cost().is_some());
        }
    }
    assert!(known > 100, "{known}");
}

#[test]
fn half_the_violations_are_half_the_ux_cost_down_to_half_a_violation() {
    // Two frames that come 1 apart cannot both be in time: one frame of each pair violates its deadline, late
    // or given up. All energy is spent where it costs most.
    let with = |pairs: usize| {
        let mut comes = String::new();
        for place in 0..8 - pairs {
            comes += &format!(" {}", 20 * place);
            if place < pairs {
                comes += &format!(" {}", 20 * place + 1);
            }
        }
        format!("accelerators 1; for 200; task a comes{comes} due 5 layers 4")
    };
    let cost = |pairs: usize| {
        let run = drained(&with(pairs), "dream-mapscore");
        assert_eq!(run.jobs.len(), 8);
        let violated = run.jobs.iter().filter(|job| job.is_violated() == Some(true)).count();
        assert_eq!(violated, pairs);
        run.ux_cost().expect("energies are known")
    };
    let costs = [4, 2, 1, 0].map(cost);
    assert_eq!(costs, [0.5, 0.25, 0.125, 0.0625]);
}

// Smart drop.

#[test]
fn nobody_is_given_up_where_everybody_would_be_in_time() {
    let mut in_time = 0;
    for index in 0..at_least(200) {
        let kind = Kind { ease: 4 + 4 * (index % 2), ..any_kind(index) };
        // Where something may be skipped, a frame can make it that was not expected to.
        let text = without_paths(&world(index, kind));
        for name in ["dream-full", "dream-drop", "sdrm3", "edf", "fcfs", "sjf", "veltair"] {
            let never = drained(&text, &format!("{name} drop=never"));
            if never.is_in_time() {
                in_time += 1;
                for settings in ["", " drop_cap=64 drop_window=64 drop_upstream=without-consumers"] {
                    let smart = drained(&text, &format!("{name} drop=smart{settings}"));
                    assert_eq!(smart.schedule, never.schedule, "{name}{settings} on\n{text}");
                }
            }
        }
    }
    assert!(in_time > 200, "{in_time}");
}

/// How the jobs of each task ended, in their order: whether the policy gave them up.
#[derive(Debug, Default)]
struct Outcomes(BTreeMap<usize, Vec<bool>>);

impl Observer for Outcomes {
    fn completed(&mut self, _: Time, record: &JobRecord<'_>) {
        self.0.entry(record.job.task.index()).or_default().push(false);
    }

    fn dropped(&mut self, _: Time, record: &JobRecord<'_>, cause: DropCause) {
        self.0.entry(record.job.task.index()).or_default().push(cause == DropCause::Policy);
    }
}

#[test]
fn no_window_of_outcomes_holds_more_drops_than_the_cap() {
    let (mut drops, mut full) = (0, 0);
    for index in 0..at_least(200) {
        let text = world(index, Kind { ease: 1, ..any_kind(index) });
        let by_hand = ByHand::parse(&text);
        let system = by_hand.system();
        for (window, cap) in [(10, 2), (4, 1), (3, 3), (1, 1), (6, 5), (5, 0), (64, 2)] {
            for name in ["dream-full", "edf"] {
                let settings = format!("{name} drop=smart drop_window={window} drop_cap={cap}");
                let (row, parameters) = policy(&settings);
                let policy = row.build(&parameters).expect("parameters of this policy");
                let Outcomes(outcomes) = simulate(&system, &row.name, policy, Outcomes::default(), OPTIONS)
                    .expect("only legal decisions");
                for of_task in outcomes.values() {
                    for outcomes in of_task.windows(window.min(of_task.len())) {
                        let given_up = outcomes.iter().filter(|given_up| **given_up).count();
                        assert!(given_up <= cap, "{given_up} of {outcomes:?} under {settings} on\n{text}");
                        full += u32::from(given_up == cap && cap > 0);
                    }
                    drops += of_task.iter().filter(|given_up| **given_up).count();
                }
            }
        }
    }
    // The cap did hold somebody back.
    assert!(drops > 1_000 && full > 500, "{drops} {full}");
}

// Supernets.

#[test]
fn a_task_that_is_alone_runs_as_its_largest_network() {
    for index in 0..at_least(60) {
        let kind = Kind { accelerators: None, ease: 1, is_dynamic: false, has_variants: true };
        let text = world(index, kind);
        for line in text.lines().filter(|line| line.contains(" variant ")) {
            // Longer than any network takes.
            let alone = line.split(" every ").next().unwrap_or(line);
            let text = format!("{}\n{alone} every 30", text.lines().next().unwrap_or_default());
            let by_hand = ByHand::parse(&text);
            let system = by_hand.system();
            let length = |model: &ModelId| system.profile.mean_remaining(*model, 0);
            let networks = &by_hand.scenario.tasks[0].variants;
            let longest = networks.iter().map(length).max().expect("a network");
            for policy_text in
                ["dream-full", "dream-halving search_window=1ms", "veltair variants=largest-that-fits"]
            {
                let run = drained(&text, policy_text);
                assert!(!run.jobs.is_empty());
                for job in run.jobs {
                    assert_eq!(length(&job.model), longest, "{job:?} under {policy_text} on\n{text}");
                }
            }
        }
    }
}

/// The networks of each job's segments.
#[derive(Debug, Default)]
struct Networks(BTreeMap<JobId, Vec<ModelId>>);

impl Observer for Networks {
    fn dispatched(&mut self, _: Time, run: &rtmm_scheduler::Run, job: &Job) {
        assert_eq!(run.model, job.model);
        self.0.entry(job.id).or_default().push(run.model);
    }
}

/// Checks that a started job is dispatched as the variant that it is, or without a word of it.
fn is_settled(view: &View<'_>, out: &mut Decisions) {
    for decision in out.iter() {
        if let Decision::Dispatch { jobs, variant: Some(variant), .. } = decision {
            let job = jobs.single().and_then(|job| view.job(job)).expect("a job");
            let model = view.task(job.task).variants[variant.index()];
            assert!(!job.started || model == job.model, "{job:?} as {variant:?}");
        }
    }
}

#[test]
fn a_job_stays_the_network_that_it_began_as() {
    let (mut several, mut lighter) = (0, 0);
    for index in 0..at_least(120) {
        let text = world(index, Kind { ease: 1, has_variants: true, ..any_kind(index) });
        let by_hand = ByHand::parse(&text);
        let system = by_hand.system();
        for policy_text in [
            "dream-full",
            "dream-adaptive search_window=2ms variant_queue=all",
            "edf variants=largest-that-fits preemption=layer",
            "round-robin variants=lightest",
        ] {
            let (row, parameters) = policy(policy_text);
            let inner = row.build(&parameters).expect("parameters of this policy");
            let Networks(networks) = simulate(
                &system,
                &row.name,
                Box::new(revised(inner, is_settled)),
                Networks::default(),
                OPTIONS,
            )
            .expect("only legal decisions");
            for (job, networks) in networks {
                let is_one = networks.iter().all(|network| *network == networks[0]);
                assert!(is_one, "{job:?} as {networks:?} under {policy_text} on\n{text}");
                several += u32::from(networks.len() > 1);
                let is_default = by_hand.scenario.tasks.iter().any(|task| task.model == networks[0]);
                lighter += u32::from(!is_default);
            }
        }
    }
    assert!(several > 1_000 && lighter > 500, "{several} {lighter}");
}
