//! Runs that slow each other down on an accelerator: schedules worked by hand.
//!
//! On a device of streams `a` takes 10 ms alone, `b` 4 ms and `c` 2 ms; `d` and `e` copy their inputs for 3.93216 and 0.4816896
//! ms, run kernels for 1 ms and copy their outputs for 0.5 ms; the two layers of `f` take 2 and 4 ms.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use rtmm_hardware::{AcceleratorId, Mode, Platform, Units};
use rtmm_scheduler::{Decision, Decisions, Extent, Policy, PolicyRegistry, Run, View};
use rtmm_sim::{EndOfRun, JobRecord, Metrics, MetricsOptions, Observer, RunOptions, SimulationError, System};
use rtmm_testkit::by_hand::policy;
use rtmm_testkit::closures::deciding;
use rtmm_testkit::hand_made::scenario;
use rtmm_testkit::simulate;
use rtmm_workload::input::Source;
use rtmm_workload::{
    Arrivals, Deadline, Duration, Layer, Model, ModelId, Operator, Period, Request, Shapes, Task, Time,
};

const MODELS: [(&str, &[&str]); 6] = [
    ("a", &["kernels"]),
    ("b", &["kernels"]),
    ("c", &["kernels"]),
    ("d", &["copy_in", "kernels", "copy_out"]),
    ("e", &["copy_in", "kernels", "copy_out"]),
    ("f", &["first", "second"]),
];

fn models() -> Vec<Model> {
    let model = |(name, layers): (&str, &[&str])| {
        let layers = layers.iter().map(|layer| Layer::new(*layer, Operator::Opaque)).collect();
        Model::of_layers(name.to_owned(), "a test".to_owned(), Shapes::Independent, layers)
    };
    MODELS.into_iter().map(model).collect()
}

/// A device of three streams, each of which has all of it. `DATA` stands for the folder of the tables.
fn device(co_location: &str) -> Platform {
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/../testkit/data");
    let parts = format!(
        "part = [{{ units = 1, file = '{data}/gpu.csv' }}, {{ units = 2, file = '{data}/gpu.csv' }}]"
    );
    let text = format!(
        "source = \"a test\"\n[[accelerator]]\nname = \"gpu\"\nmodel = \"table\"\nfile = '{data}/gpu.csv'\n\
         division = {{ units = 3, {parts} }}\nco_location = {{ {} }}\n",
        co_location.replace("DATA", data)
    );
    rtmm_hardware::load::platform_of(&Source::new("device.toml", text), Mode::Corrected)
        .expect("a sound platform")
}

/// Instants at which jobs end.
#[derive(Default)]
struct Ends(Vec<(usize, u64)>);

impl Observer for Ends {
    fn completed(&mut self, now: Time, record: &JobRecord<'_>) {
        self.0.push((record.job.task.index(), now.picoseconds()));
    }
}

/// A request: its model, when it comes, how long it may take, and its priority. Times are in milliseconds.
#[derive(Clone, Copy)]
struct Job(&'static str, f64, f64, i32);

fn jobs(of: &[(&'static str, f64)]) -> Vec<Job> {
    of.iter().map(|(name, at)| Job(name, *at, 1_000.0, 0)).collect()
}

fn system(co_location: &str, jobs: &[Job]) -> Result<System, SimulationError> {
    let span = |ms: f64| Duration::from_picoseconds((ms * 1e9) as u64);
    let task = |(index, Job(name, at, due, priority)): (usize, &Job)| {
        let model = MODELS.iter().position(|(known, _)| known == name).expect("a model");
        let arrival = Time::ZERO.saturating_add(span(*at));
        let request = Request { arrival, sample: None, priority: None, deadline: None };
        let period = Period::new(span(1_000.0)).expect("not zero");
        Task {
            arrivals: Arrivals::Trace(vec![request].into()),
            deadline: Deadline::After(span(*due)),
            priority: *priority,
            ..Task::periodic(format!("{name}{index}"), ModelId::new(model), period)
        }
    };
    let tasks = jobs.iter().enumerate().map(task).collect();
    System::new(&scenario(1_000, tasks), &models(), &device(co_location))
}

/// Each job ends at so many milliseconds, to a part in 100,000; a job that is dropped ends at none.
#[track_caller]
fn check_ends(system: &System, name: &str, policy: Box<dyn Policy>, oracle: bool, expected: &[f64]) {
    let options = RunOptions { end: EndOfRun::Drain, oracle, ..RunOptions::default() };
    let ends = simulate(system, name, policy, Ends::default(), options);
    let mut ends = ends.expect("legal decisions").0;
    ends.sort_unstable();
    let ends: Vec<f64> = ends.into_iter().map(|(_, at)| at as f64 / 1e9).collect();
    assert_eq!(ends.len(), expected.len(), "{name}: {ends:?}, not {expected:?}");
    for (end, of) in ends.iter().zip(expected) {
        assert!((end / of - 1.0).abs() < 1e-5, "{name}: {ends:?}, not {expected:?}");
    }
}

/// Jobs run on a stream each as soon as they come.
#[track_caller]
fn check(co_location: &str, of: &[(&'static str, f64)], expected: &[f64]) {
    check_jobs(co_location, &jobs(of), expected);
}

/// The same of jobs with priorities.
#[track_caller]
fn check_jobs(co_location: &str, jobs: &[Job], expected: &[f64]) {
    let system = system(co_location, jobs).expect("all was measured");
    let dispatch = |view: &View<'_>, out: &mut Decisions| {
        let on = AcceleratorId::new(0);
        let free = view.accelerators[0].free.count() as usize;
        let units = Units::exactly(1).expect("not zero");
        out.extend(view.ready().take(free).map(|job| Decision::Dispatch {
            jobs: job.id.into(),
            variant: None,
            on,
            units,
            extent: Extent::Rest,
        }));
    };
    check_ends(&system, "streams", Box::new(deciding(dispatch)), false, expected);
}

/// Jobs run as a policy with parameters says.
#[track_caller]
fn check_policy(co_location: &str, policy_text: &str, jobs: &[Job], expected: &[f64]) {
    let system = system(co_location, jobs).expect("all was measured");
    let (row, parameters) = policy(policy_text);
    check_ends(&system, policy_text, row.build(&parameters).expect("its own"), row.oracle, expected);
}

const PAIRS: &str = "rule = \"pairs\", file = 'DATA/gpu_pairs.csv', unmeasured = 1";

#[test]
fn work_is_kept_when_the_run_beside_it_ends() {
    // Together `a` is slowed down by 1.3 and `b` by 1.5: `b` ends at 6, when `a` has 10 - 6 / 1.3 left.
    check(PAIRS, &[("a", 0.0), ("b", 0.0)], &[10.0 + 6.0 - 6.0 / 1.3, 6.0]);
    // From 2 on `a` has 8 left, and is beside `b` for 6.
    check(PAIRS, &[("a", 0.0), ("b", 2.0)], &[8.0 + 8.0 - 6.0 / 1.3, 8.0]);
    check(PAIRS, &[("a", 0.0)], &[10.0]);
    // Not measured: the stated slowdown, which is none.
    check(PAIRS, &[("a", 0.0), ("a", 0.0)], &[10.0, 10.0]);
}

#[test]
fn excesses_of_several_runs_add_up() {
    // `a` by 1 + 0.3 + 0.25, `b` by 1 + 0.5 + 0.2, `c` by 1 + 0.6 + 0.4, until `c` ends at 4.
    let (a_left, b_left) = (10.0 - 4.0 / 1.55, 4.0 - 4.0 / 1.7);
    let b = 4.0 + 1.5 * b_left;
    let a = b + (a_left - (b - 4.0) / 1.3);
    check(PAIRS, &[("a", 0.0), ("b", 0.0), ("c", 0.0)], &[a, b, 4.0]);
}

#[test]
fn a_pair_that_was_not_measured_is_an_error_where_nothing_is_stated_for_it() {
    let error = system("rule = \"pairs\", file = 'DATA/gpu_pairs.csv'", &jobs(&[("a", 0.0)]))
        .expect_err("unmeasured");
    let text = error.to_string();
    assert!(text.contains("accelerator `gpu` has no slowdown of `a` on 1 units beside `a` on 1"), "{text}");
    assert!(text.contains("`unmeasured = 1.1`"), "{text}");
}

#[test]
fn parts_of_models_that_overlap_have_slowdowns_of_their_own() {
    let segments = "rule = \"segments\", file = 'DATA/gpu_segments.csv', unmeasured = 1";
    // The first layer of `f` takes 4 beside `b`, which has done 2 then; the second one has done 2.5 / 1.25 when `b` ends.
    check(segments, &[("f", 0.0), ("b", 0.0)], &[4.0 + 2.5 + 2.0, 4.0 + 2.5]);
}

#[test]
fn copies_of_one_direction_wait_for_each_other_and_not_for_kernels() {
    let copies = |order: &str| {
        format!(
            "{PAIRS}, copies = {{ to_device = \"copy_in\", from_device = \"copy_out\", order = \"{order}\" }}"
        )
    };
    // 39,321,600 bytes from 0 on and 4,816,896 from 1 ms on, at 10 GB/s.
    check(
        &copies("fifo"),
        &[("d", 0.0), ("e", 1.0)],
        &[3.93216 + 1.5, 3.93216 + 0.4816896 + 1.5 + 0.0183104],
    );
    // `e` goes at half of the bandwidth for 0.9633792; `d` has what it did not move left.
    check(&copies("share"), &[("d", 0.0), ("e", 1.0)], &[4.4138496 + 1.5, 1.9633792 + 1.5]);
    // The second `d` goes ahead of `e`, which waits for longer, and not of the first one, which has begun. The last output of `e`
    // waits for that of the second `d`.
    let of = [Job("d", 0.0, 1_000.0, 0), Job("e", 1.0, 1_000.0, 0), Job("d", 2.0, 1_000.0, 1)];
    let (first, second) = (3.93216, 2.0 * 3.93216);
    check_jobs(&copies("priority"), &of, &[first + 1.5, second + 1.5 + 0.5, second + 1.5]);
    // Of two that begin at one instant the higher priority goes first, whatever their order.
    let at_once = [Job("e", 0.0, 1_000.0, 0), Job("d", 0.0, 1_000.0, 1)];
    check_jobs(&copies("priority"), &at_once, &[first + 1.5 + 0.5, first + 1.5]);
    // Of one priority it is first come, first served.
    let alike = of.map(|Job(name, at, due, _)| Job(name, at, due, 3));
    let e = first + 0.4816896;
    check_jobs(&copies("priority"), &alike, &[first + 1.5, first + 1.5 + 0.5, e + first + 1.5]);
    check_jobs(&copies("fifo"), &of, &[first + 1.5, first + 1.5 + 0.5, e + first + 1.5]);
}

#[test]
fn time_counts_with_the_units_that_a_run_holds_when_it_is_resized() {
    // Of three units `f` has one for 1 ms. Told to grow, it holds all from then on, for 5: its first layer has the one until 2 ms,
    // its second one all of them. 16 of 3.
    let system = system(PAIRS, &[Job("f", 0.0, 1_000.0, 0)]).expect("all was measured");
    let at_1_ms = Time::from_picoseconds(1_000_000_000);
    let policy = deciding(move |view: &View<'_>, out: &mut Decisions| {
        if let Some(job) = view.ready().next() {
            let (jobs, on, units) =
                (job.id.into(), AcceleratorId::new(0), Units::exactly(1).expect("not zero"));
            out.push(Decision::Dispatch { jobs, variant: None, on, units, extent: Extent::Rest });
            out.push(Decision::SetTimer { at: at_1_ms, tag: 0 });
        }
        let is_due = |run: &&Run| view.now == at_1_ms && run.units.count() == 1 && run.next_class.is_none();
        if let Some(run) = view.runs().next().filter(is_due) {
            out.push(Decision::Resize { run: run.id, units: Units::All });
        }
    });
    let metrics = Metrics::new(&system, MetricsOptions::default());
    let options = RunOptions { end: EndOfRun::Drain, ..RunOptions::default() };
    let run = simulate(&system, "test", Box::new(policy), metrics, options).expect("legal decisions");
    let busy_ms = run.summary().accelerators[0].busy_ms;
    assert!((busy_ms - 16.0 / 3.0).abs() < 1e-6, "{busy_ms}");
}

#[test]
fn hidden_weights_may_change_with_time() {
    // `a` by 1 + 0.5 of L2 0.2 + 0.4 of DRAM 0.8 = 1.42; `b` by 1 + 0.5 of 0.5 + 0.4 of 0.2 = 1.33.
    let weights = "rule = \"rates\", utilisation = 'DATA/gpu_utilisation.csv', weights = ";
    let b = 4.0 * 1.33;
    check(&format!("{weights}[0, 0.5, 0, 0.4, 0]"), &[("a", 0.0), ("b", 0.0)], &[10.0 + b - b / 1.42, b]);
    // From 2 ms on nothing: it counts from the next beginning on, that of the second `b`, at 3.
    let drift = format!(
        "{weights}[{{ weights = [0, 0.5, 0, 0.4, 0] }}, {{ from = \"2ms\", weights = [0, 0, 0, 0, 0] }}]"
    );
    let (a, b) = (10.0 + 3.0 - 3.0 / 1.42, 4.0 + 3.0 - 3.0 / 1.33);
    check(&drift, &[("a", 0.0), ("b", 0.0), ("b", 3.0)], &[a, b, 7.0]);
}

/// Beside `b`, from 1 to 7, `a` loses 6 - 6 / 1.3 of its time and ends at 11.385; alone at 10.
const A_LATE: f64 = 10.0 + 6.0 - 6.0 / 1.3;

#[test]
fn a_batch_waits_where_it_is_predicted_to_make_one_late_that_runs() {
    let jobs = [Job("a", 0.0, 11.0, 0), Job("b", 1.0, 30.0, 0)];
    // What nobody predicts happens.
    check_policy(PAIRS, "deadline-batching predictor=none", &jobs, &[A_LATE, 7.0]);
    check_policy(PAIRS, "deadline-batching-oracle", &jobs, &[10.0, 14.0]);
    check_policy(PAIRS, "deadline-batching-oracle protect=false", &jobs, &[A_LATE, 7.0]);
    check_policy(PAIRS, "time-sharing", &jobs, &[10.0, 14.0]);
    // 1.3 for both: `b` would take 5.2 and `a` lose 1.2 of them; of a slowdown of 1.2 `a` would lose 0.8.
    for (prior, expected) in [("0.3", [10.0, 14.0]), ("0.2", [A_LATE, 7.0])] {
        let known = format!("{PAIRS}, prior = [0, 0, 0, 0, {prior}]");
        check_policy(&known, "deadline-batching predictor=fine-static", &jobs, &expected);
    }
    // Coarse: `a` would take 1.2 x 10 from its beginning on.
    let known = format!("{PAIRS}, prior = [0, 0, 0, 0, 0.2]");
    check_policy(&known, "deadline-batching predictor=coarse-static", &jobs, &[10.0, 14.0]);
    // With time for both nobody waits.
    let jobs = [Job("a", 0.0, 12.0, 0), Job("b", 1.0, 30.0, 0)];
    check_policy(PAIRS, "deadline-batching-oracle", &jobs, &[A_LATE, 7.0]);
}

#[test]
fn slowdowns_are_learned_from_batches_that_ended() {
    // The first pair teaches; the second one is decided by what was learned.
    let jobs =
        [Job("a", 0.0, 100.0, 0), Job("b", 0.0, 100.0, 0), Job("a", 50.0, 11.0, 0), Job("b", 51.0, 30.0, 0)];
    let first = [10.0 + 6.0 - 6.0 / 1.3, 6.0];
    for (predictor, second) in [
        ("fine-static", [50.0 + A_LATE, 57.0]),
        ("fine-online", [60.0, 64.0]),
        ("coarse-online", [60.0, 64.0]),
    ] {
        let ends = [first[0], first[1], second[0], second[1]];
        check_policy(PAIRS, &format!("deadline-batching margin=none predictor={predictor}"), &jobs, &ends);
    }
}

#[test]
fn a_margin_covers_what_took_longer_than_was_predicted() {
    // Nothing is predicted of the first pair, of which `a` takes 1.14 and `b` 1.5 times as long. By the margin of 1.5 the second
    // `b` would take 6 beside `a`, in which `a` would do 4 of the 9 that it has left: it would end at 62.
    let first = [10.0 + 6.0 - 6.0 / 1.3, 6.0];
    for (margin, due, second) in [
        ("none", 11.9, [50.0 + A_LATE, 57.0]),
        ("quantile", 11.9, [60.0, 64.0]),
        ("quantile", 12.1, [50.0 + A_LATE, 57.0]),
    ] {
        let jobs = [
            Job("a", 0.0, 100.0, 0),
            Job("b", 0.0, 100.0, 0),
            Job("a", 50.0, due, 0),
            Job("b", 51.0, 30.0, 0),
        ];
        let ends = [first[0], first[1], second[0], second[1]];
        let policy = format!("deadline-batching predictor=fine-static margin={margin}");
        check_policy(PAIRS, &policy, &jobs, &ends);
    }
}

#[test]
fn requests_that_are_late_even_alone_are_dropped_or_run_last() {
    let jobs = [Job("a", 0.0, 9.0, 0), Job("b", 0.0, 30.0, 0)];
    check_policy(PAIRS, "deadline-batching", &jobs, &[4.0]);
    // Late in any case, and the earliest deadline: it goes first, and `b` beside it.
    check_policy(PAIRS, "deadline-batching admission=false", &jobs, &[A_LATE, 6.0]);
}

#[test]
fn of_two_priorities_the_low_one_waits_for_the_high_one_alone() {
    let oracle = "strait-reading-oracle";
    // `b` is low and would make `a` late.
    let jobs = [Job("a", 0.0, 11.0, 2), Job("b", 1.0, 30.0, 1)];
    check_policy(PAIRS, oracle, &jobs, &[10.0, 14.0]);
    check_policy(PAIRS, "strait-reading predictor=none", &jobs, &[A_LATE, 7.0]);
    // `b` is high, and `a` may become late.
    let jobs = [Job("a", 0.0, 11.0, 1), Job("b", 1.0, 30.0, 2)];
    check_policy(PAIRS, oracle, &jobs, &[A_LATE, 7.0]);
    // Both are high: `b` waits, unless it would itself be late by more.
    let jobs = [Job("a", 0.0, 11.0, 2), Job("b", 1.0, 30.0, 2)];
    check_policy(PAIRS, oracle, &jobs, &[10.0, 14.0]);
    let jobs = [Job("a", 0.0, 11.0, 2), Job("b", 1.0, 12.0, 2)];
    check_policy(PAIRS, oracle, &jobs, &[A_LATE, 7.0]);
    // No slot is left for a low one.
    let jobs = [Job("a", 0.0, 30.0, 2), Job("b", 1.0, 30.0, 1)];
    check_policy(PAIRS, &format!("{oracle} reserved_slots=1"), &jobs, &[10.0, 14.0]);
    check_policy(PAIRS, oracle, &jobs, &[A_LATE, 7.0]);
}

#[test]
fn a_group_takes_in_what_leaves_all_of_it_in_time() {
    let together = 10.0 + 6.0 - 6.0 / 1.3;
    // The tightest deadline is that of the whole group.
    let jobs = [Job("a", 0.0, 11.0, 0), Job("b", 0.0, 30.0, 0)];
    check_policy(PAIRS, "abacus-reading-oracle", &jobs, &[10.0, 14.0]);
    let jobs = [Job("a", 0.0, 12.0, 0), Job("b", 0.0, 30.0, 0)];
    check_policy(PAIRS, "abacus-reading-oracle", &jobs, &[together, 6.0]);
    // What comes later waits until the group is through.
    let jobs = [Job("a", 0.0, 12.0, 0), Job("b", 1.0, 30.0, 0)];
    check_policy(PAIRS, "abacus-reading-oracle", &jobs, &[10.0, 14.0]);
}

#[test]
fn copies_that_wait_count_in_forecasts() {
    let copies = format!("{PAIRS}, copies = {{ to_device = \"copy_in\", from_device = \"copy_out\" }}");
    // Behind the copy of `d`, `e` ends at 3.93216 + 0.4816896 + 1.5; its kernels are beside nobody's at a slowdown.
    let e = 3.932_16 + 0.481_689_6 + 1.5 + 0.018_310_4;
    let jobs = |due: f64| [Job("d", 0.0, 30.0, 0), Job("e", 0.0, due, 0)];
    check_policy(&copies, "deadline-batching predictor=none", &jobs(40.0), &[3.932_16 + 1.5, e]);
    // Alone in time, and not behind that copy: with the earlier deadline it goes first.
    check_policy(
        &copies,
        "deadline-batching predictor=none",
        &jobs(3.0),
        &[0.481_689_6 + 3.932_16 + 1.5, 1.981_689_6],
    );
}

/// What was dispatched and when, up to the first job that ends.
#[derive(Default)]
struct Begins {
    dispatched: Vec<(u64, usize)>,
    ended: Option<u64>,
}

impl Observer for Begins {
    fn dispatched(&mut self, now: Time, _: &Run, job: &rtmm_scheduler::Job) {
        self.dispatched.push((now.picoseconds(), job.task.index()));
    }

    fn completed(&mut self, now: Time, _: &JobRecord<'_>) {
        self.ended.get_or_insert(now.picoseconds());
    }
}

#[test]
fn only_oracles_decide_by_slowdowns_that_nobody_observed() {
    let jobs = [
        Job("a", 0.0, 14.0, 1),
        Job("b", 0.5, 9.0, 0),
        Job("c", 1.0, 7.0, 1),
        Job("b", 1.5, 12.0, 1),
        Job("a", 2.0, 30.0, 0),
        Job("c", 2.5, 6.0, 0),
    ];
    let hidden = |weights: &str| {
        let stated =
            "rule = \"rates\", utilisation = 'DATA/gpu_utilisation.csv', prior = [0, 0.2, 0, 0.1, 0]";
        system(&format!("{stated}, weights = {weights}"), &jobs).expect("any pair has a slowdown")
    };
    let worlds = [hidden("[0, 0, 0, 0, 0.01]"), hidden("[0.5, 1, 0.5, 1, 0.4]")];
    let mut differ = 0;
    for row in PolicyRegistry::built_in() {
        let run = |system: &System| {
            let options = RunOptions { end: EndOfRun::Drain, oracle: row.oracle, ..RunOptions::default() };
            let policy = row.build(&row.defaults()).expect("its own defaults");
            simulate(system, &row.name, policy, Begins::default(), options).expect("legal decisions")
        };
        let begins = [0, 1].map(|world| run(&worlds[world]));
        // What happens at the instant of the first end may follow from it.
        let until = begins.iter().filter_map(|of| of.ended).min().unwrap_or(u64::MAX);
        let seen = |of: &Begins| -> Vec<(u64, usize)> {
            of.dispatched.iter().copied().filter(|(at, _)| *at < until).collect()
        };
        let [one, other] = [seen(&begins[0]), seen(&begins[1])];
        differ += u32::from(one != other && row.oracle);
        assert!(one == other || row.oracle, "{}: {one:?} {other:?}", row.name);
    }
    assert!(differ > 0, "no oracle makes use of the truth");
}
