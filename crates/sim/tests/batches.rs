//! Batches in the engine: schedules by hand, what is refused, and sums of energy.
//!
//! `by_hand` says how systems and schedules are written. Times are milliseconds. A policy here says what a test tells it, so
//! that each test is about what becomes of a batch.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use rtmm_hardware::{AcceleratorId, Mode, Units};
use rtmm_scheduler::{Decision, Decisions, Extent, JobId, Policy, PolicyRegistry, Preemption, RunId, View};
use rtmm_sim::metrics::{Audit, JobRow, JobRows, Metrics, MetricsOptions};
use rtmm_sim::{EndOfRun, Illegal, RecordedEvent, RunOptions, RunRecord, SimulationError, System};
use rtmm_testkit::by_hand::{self, ByHand, Log};
use rtmm_testkit::closures::deciding;
use rtmm_testkit::pages;
use rtmm_testkit::simulate;
use rtmm_workload::{Duration, Legality, Time, load};

/// What is said when a policy is asked for the nth time at an instant in milliseconds.
type Say = (u64, fn(&View<'_>, &mut Decisions));

fn instant(ms: u64) -> Time {
    Time::ZERO.saturating_add(Duration::from_picoseconds(ms * 1_000_000_000))
}

/// A policy that says each thing once, at its instant, for which it asks by timers.
fn says(says: &[Say]) -> Box<dyn Policy> {
    let mut left: Vec<Say> = says.iter().rev().copied().collect();
    let mut has_timers = false;
    Box::new(deciding(move |view, out| {
        if !std::mem::replace(&mut has_timers, true) {
            let later = left.iter().map(|(at, _)| instant(*at)).filter(|at| *at > view.now);
            out.extend(later.map(|at| Decision::SetTimer { at, tag: 0 }));
        }
        while let Some((at, say)) = left.last().copied()
            && instant(at) == view.now
        {
            left.pop();
            say(view, out);
        }
    }))
}

fn ready(view: &View<'_>) -> Vec<JobId> {
    view.ready().map(|job| job.id).collect()
}

/// Dispatches jobs on all units of accelerator 0.
fn batch(out: &mut Decisions, jobs: &[JobId], extent: Extent) {
    let jobs = out.batch(jobs.iter().copied());
    let (on, units) = (AcceleratorId::new(0), Units::All);
    out.push(Decision::Dispatch { jobs, variant: None, on, units, extent });
}

/// Dispatches all jobs that are ready.
fn all(view: &View<'_>, out: &mut Decisions) {
    batch(out, &ready(view), Extent::Rest);
}

fn preempt(out: &mut Decisions, mode: Preemption) {
    out.push(Decision::Preempt { run: RunId::new(0, 0), mode });
}

/// The first run of the accelerator.
fn first_run<'v>(view: &'v View<'_>) -> &'v [JobId] {
    let run = view.runs().next().expect("it runs");
    view.jobs_of(run)
}

/// The outcome of a run: its schedule, the rows of its jobs, and its record, in which the audit finds nothing.
fn run(text: &str, seed: u64, say: &[Say]) -> Result<(String, Vec<JobRow>, RunRecord), SimulationError> {
    let by_hand = ByHand::parse(text);
    let system = by_hand.system();
    run_on(&system, seed, says(say))
}

fn run_on(
    system: &System,
    seed: u64,
    policy: Box<dyn Policy>,
) -> Result<(String, Vec<JobRow>, RunRecord), SimulationError> {
    let options = RunOptions { seed, end: EndOfRun::Drain, oracle: false };
    let mut rows = Vec::new();
    let observers = (
        (Log::new(&system.scenario), Audit::new(system)),
        (JobRows::new(|row: &JobRow| rows.push(*row)), RunRecord::default()),
    );
    let ((log, audit), (_, record)) = simulate(system, "batches", policy, observers, options)?;
    assert_eq!(audit.violations(), Vec::<String>::new());
    assert_eq!(record.audit(system).violations(), Vec::<String>::new());
    Ok((log.text(), rows, record))
}

#[track_caller]
fn check(text: &str, say: &[Say], expected: &str) {
    let expected = expected.split_whitespace().collect::<Vec<_>>().join(" ");
    let (found, ..) = run(text, 0, say).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(found, expected);
}

/// The same where runs compete for memory, of which these use none.
#[track_caller]
fn check_both(text: &str, say: &[Say], expected: &str) {
    check(text, say, expected);
    check(&format!("{text}; dram 1"), say, expected);
}

/// Four jobs of `a` at 0, each of two layers of 2 and of 4; each further job adds half: a batch of three takes 4 and 8.
const FOUR: &str = "for 20; batch 4 0.5; task a comes 0 0 0 0 due 30 layers 2 4 quanta 4";

#[test]
fn a_batch_takes_as_long_as_its_class_and_ends_at_once() {
    // 0: three of the four jobs run at once: the first layer takes 2 x (1 + 2 / 2) = 4, the second 8.
    // 12: all three are done. The fourth runs alone: 2 + 4.
    let three: Say = (0, |view, out| batch(out, &ready(view)[..3], Extent::Rest));
    check_both(FOUR, &[three, (12, all)], "0 a0+a1+a2>0 | 12 a0 done, a1 done, a2 done, a3>0 | 18 a3 done");
}

#[test]
fn the_end_of_a_segment_dissolves_a_batch() {
    // 0: two jobs, one layer: 2 x 1.5 = 3. At 3 they stand before layer 1, each by itself.
    // 3: a1 goes on alone (4). 7: a0 does.
    let two: Say = (0, |view, out| batch(out, &ready(view)[..2], Extent::LAYER));
    let second: Say = (3, |view, out| batch(out, &ready(view)[1..2], Extent::Rest));
    let first: Say = (7, |view, out| batch(out, &ready(view)[..1], Extent::Rest));
    check_both(
        "for 20; batch 4 0.5; task a comes 0 0 due 30 layers 2 4",
        &[two, second, first],
        "0 a0+a1>0 | 3 a0 at 1, a1 at 1, a1>0 | 7 a1 done, a0>0 | 11 a0 done",
    );
}

#[test]
fn rows_say_in_what_batch_a_job_began_and_tasks_have_the_mean_of_their_segments() {
    // Two jobs run a layer at once, then each the other one by itself; the third never runs.
    let text = "for 20; batch 4 0.5; task a comes 0 0 0 due 30 layers 2 4; task b every 20 layers 1";
    let two: Say = (0, |view, out| batch(out, &ready(view)[..2], Extent::LAYER));
    let second: Say = (3, |view, out| batch(out, &ready(view)[1..2], Extent::Rest));
    let other: Say = (7, |view, out| batch(out, &ready(view)[..1], Extent::Rest));
    let system = ByHand::parse(text).system();
    let (_, rows, record) = run_on(&system, 0, says(&[two, second, other])).expect("legal decisions");
    let mut batches: Vec<(usize, u64, Option<u32>, u32)> =
        rows.iter().map(|row| (row.task.index(), row.frame, row.batch, row.segments)).collect();
    batches.sort_unstable();
    assert_eq!(batches, [(0, 0, Some(2), 2), (0, 1, Some(2), 2), (0, 2, None, 0), (1, 0, None, 0)]);
    let mut metrics = Metrics::new(&system, MetricsOptions::default());
    record.replay(&mut metrics);
    let summary = metrics.summary();
    // Of four segments of jobs of `a` two had two jobs, and two one: three segments on the accelerator.
    assert_eq!(summary.tasks.iter().map(|task| task.batch_mean).collect::<Vec<_>>(), [Some(1.5), None]);
    assert_eq!(summary.batch_mean, Some(4.0 / 3.0));
}

#[test]
fn a_preempted_batch_dissolves_at_the_progress_that_its_jobs_have_in_common() {
    // 0: two jobs. The first layer takes 3, the second 6 in four steps of 1.5.
    // 5: told to stop at a quantum: the second step ends at 6. Both stand at 1+2/4.
    // 6: a0 goes on alone: half of 4. 8: so does a1.
    let two: Say = (0, |view, out| batch(out, &ready(view)[..2], Extent::Rest));
    let stop: Say = (5, |_, out| preempt(out, Preemption::Quantum));
    let system = "for 20; batch 4 0.5; task a comes 0 0 due 30 layers 2 4 quanta 4";
    let one: Say = (6, |view, out| batch(out, &ready(view)[..1], Extent::Rest));
    let other: Say = (8, |view, out| batch(out, &ready(view)[..1], Extent::Rest));
    check_both(
        system,
        &[two, stop, one, other],
        "0 a0+a1>0 | 6 a0 at 1+2/4, a1 at 1+2/4, a0>0 | 8 a0 done, a1>0 | 10 a1 done",
    );
    // At a layer, 3 is past: the boundary is the end. At 2 it is 3.
    let stop: Say = (2, |_, out| preempt(out, Preemption::Layer));
    let one: Say = (3, |view, out| batch(out, &ready(view)[..1], Extent::Rest));
    check_both(
        system,
        &[two, stop, one, (7, all)],
        "0 a0+a1>0 | 3 a0 at 1, a1 at 1, a0>0 | 7 a0 done, a1>0 | 11 a1 done",
    );
    // Killed within the second layer, both begin it again.
    let stop: Say = (5, |_, out| preempt(out, Preemption::Kill));
    check_both(
        system,
        &[two, stop, (6, |view, out| batch(out, &ready(view)[..1], Extent::Rest)), (10, all)],
        "0 a0+a1>0 | 6 a0 at 1, a1 at 1, a0>0 | 10 a0 done, a1>0 | 14 a1 done",
    );
}

#[test]
fn a_job_that_is_dropped_leaves_at_the_boundary_and_the_others_go_on_as_a_smaller_batch() {
    // 0: three jobs; the first layer takes 2 x 2 = 4.
    // 1: a1 is dropped, which takes effect at 4. The second layer is of two jobs: 4 x 1.5 = 6.
    let three: Say = (0, |view, out| batch(out, &ready(view), Extent::Rest));
    let drop_second: Say = (1, |view, out| out.push(Decision::Drop { job: first_run(view)[1] }));
    let system = "for 20; batch 4 0.5; task a comes 0 0 0 due 30 layers 2 4";
    check_both(system, &[three, drop_second], "0 a0+a1+a2>0 | 4 a1 dropped | 10 a0 done, a2 done");
    // The first and the last of them: the one that is left goes on alone, for 4.
    let drop_two: Say = (1, |view, out| {
        for job in [0, 2] {
            out.push(Decision::Drop { job: first_run(view)[job] });
        }
    });
    check_both(system, &[three, drop_two], "0 a0+a1+a2>0 | 4 a0 dropped, a2 dropped | 8 a1 done");
    // All of them: the run ends there.
    let drop_all: Say = (1, |view, out| {
        out.extend(first_run(view).iter().map(|job| Decision::Drop { job: *job }).collect::<Vec<_>>());
    });
    check_both(system, &[three, drop_all], "0 a0+a1+a2>0 | 4 a0 dropped, a1 dropped, a2 dropped");
    // One of them, and then the run is preempted at a quantum that there is none of: at the boundary, too.
    let drop_and_stop: Say = (1, |view, out| {
        out.push(Decision::Drop { job: first_run(view)[0] });
        preempt(out, Preemption::Layer);
    });
    check_both(
        system,
        &[three, drop_and_stop, (4, |view, out| batch(out, &ready(view)[..1], Extent::Rest)), (8, all)],
        "0 a0+a1+a2>0 | 4 a1 at 1, a2 at 1, a0 dropped, a1>0 | 8 a1 done, a2>0 | 12 a2 done",
    );
}

#[test]
fn a_job_that_exits_leaves_early() {
    // Every inference ends after layer 0 or none does, so that seeds are looked for in which one of two does.
    let system = "for 20; batch 2 0.5; task a comes 0 0 due 30 layers 2 4 exit 0 0.5";
    let two: Say = (0, all);
    let mut found = [false; 4];
    for seed in 0..40 {
        let (text, ..) = run(system, seed, &[two]).expect("only legal decisions");
        // Layer 0 takes 3. What is left of two takes 6, and of one 4.
        let expected = [
            "0 a0+a1>0 | 9 a0 done, a1 done",
            "0 a0+a1>0 | 3 a0 done | 7 a1 done",
            "0 a0+a1>0 | 3 a1 done | 7 a0 done",
            "0 a0+a1>0 | 3 a0 done, a1 done",
        ];
        let known = expected.iter().position(|expected| *expected == text);
        found[known.unwrap_or_else(|| panic!("seed {seed}: {text}"))] = true;
        let (shared, ..) = run(&format!("{system}; dram 1"), seed, &[two]).expect("only legal decisions");
        assert_eq!(shared, text, "seed {seed}");
    }
    assert_eq!(found, [true; 4]);
}

#[test]
fn a_layer_is_of_as_many_jobs_as_run_it() {
    // Layer 1 is skipped by half of the inferences: it takes 6 for two, 4 for one, and nothing for none.
    let system = "for 30; batch 2 0.5; task a comes 0 0 due 40 layers 2 4 2 block 1-1 0.5";
    let mut found = [false; 3];
    for seed in 0..30 {
        let (text, rows, _) = run(system, seed, &[(0, all)]).expect("only legal decisions");
        let expected = [12, 10, 6].map(|end| format!("0 a0+a1>0 | {end} a0 done, a1 done"));
        let known = expected.iter().position(|expected| *expected == text);
        let known = known.unwrap_or_else(|| panic!("seed {seed}: {text}"));
        found[known] = true;
        // A microjoule a layer of one job; one and a half for two, of which each pays a half.
        let mut spent: Vec<u64> = rows.iter().map(|row| row.energy.total().femtojoules()).collect();
        spent.sort_unstable();
        let expected = [[2_250, 2_250], [1_500, 2_500], [1_500, 1_500]][known];
        assert_eq!(spent, expected.map(|nanojoules| nanojoules * 1_000_000), "seed {seed}");
    }
    assert_eq!(found, [true; 3]);
}

#[test]
fn energy_is_split_in_equal_parts_and_sums_to_the_runs() {
    // A layer of three jobs costs two microjoules. After the drop of a1, one of two costs one and a half.
    let three: Say = (0, |view, out| batch(out, &ready(view), Extent::Rest));
    let drop_second: Say = (1, |view, out| out.push(Decision::Drop { job: first_run(view)[1] }));
    let system = "for 20; batch 4 0.5; task a comes 0 0 0 due 30 layers 2 4";
    let (_, rows, _) = run(system, 0, &[three, drop_second]).expect("only legal decisions");
    let spent: Vec<u64> = rows.iter().map(|row| row.energy.total().femtojoules()).collect();
    // Two microjoules in three parts, each a difference of floors; and halves of one and a half.
    assert_eq!(spent, [666_666_667, 666_666_666 + 750_000_000, 666_666_667 + 750_000_000]);
    assert_eq!(spent.iter().sum::<u64>(), 3_500_000_000);
    // A switch is paid in equal parts, too.
    let system = format!("switch 1; {system}; task b comes 0 due 40 layers 1");
    let b: Say = (0, |view, out| batch(out, &ready(view)[3..], Extent::Rest));
    let (text, rows, _) = run(&system, 0, &[b, (1, all)]).expect("only legal decisions");
    assert_eq!(text, "0 b0>0 | 1 b0 done, a0+a1+a2>0 from 2 | 14 a0 done, a1 done, a2 done");
    let switches: Vec<u64> = rows.iter().map(|row| row.switch_energy.femtojoules()).collect();
    assert_eq!(switches, [0, 33_333_333, 33_333_333, 33_333_334]);
}

#[test]
fn several_tasks_of_one_model_are_no_batch_but_variants_are() {
    // Both tasks have a model of their own here. As its variant, `b` runs what nothing else runs.
    let system =
        "for 20; batch 4 0.5; task a comes 0 0 due 30 layers 2 variant 1; task b comes 0 due 30 layers 2";
    let unlike = run(system, 0, &[(0, all)]).expect_err("two models");
    assert!(matches!(unlike, SimulationError::IllegalDecision { reason: Illegal::UnlikeModels, .. }));
    let as_variant: Say = (0, |view, out| {
        let jobs = out.batch(ready(view)[..2].iter().copied());
        let (on, units, extent) = (AcceleratorId::new(0), Units::All, Extent::Rest);
        let variant = Some(rtmm_scheduler::VariantId::new(1));
        out.push(Decision::Dispatch { jobs, variant, on, units, extent });
    });
    let (text, ..) = run(system, 0, &[as_variant, (2, all)]).expect("only legal decisions");
    assert_eq!(text, "0 a0+a1>0 as 1 | 1.5 a0 done, a1 done | 2 b0>0 | 4 b0 done");
}

/// What is refused, and why.
#[test]
fn illegal_batches_say_why() {
    let system =
        "for 20; batch 3 0.5; task a comes 0 0 0 0 due 30 layers 2 4; task b comes 0 due 30 layers 1 needs a";
    let cases: [(&[Say], Illegal); 9] = [
        (&[(0, all)], Illegal::BatchTooLarge),
        (&[(0, |_, out| batch(out, &[], Extent::Rest))], Illegal::EmptyBatch),
        (
            &[(0, |view, out| batch(out, &[ready(view)[0], ready(view)[0]], Extent::Rest))],
            Illegal::TwiceInBatch,
        ),
        (
            &[(0, |view, out| batch(out, &[ready(view)[0], JobId::new(99, 0)], Extent::Rest))],
            Illegal::NoSuchJob,
        ),
        (
            &[
                (0, |view, out| batch(out, &ready(view)[..1], Extent::LAYER)),
                (2, |view, out| batch(out, &ready(view)[..2], Extent::Rest)),
            ],
            Illegal::BatchOfStarted,
        ),
        (
            &[(0, |view, out| {
                let waiting = view.waiting().next().expect("b waits").id;
                batch(out, &[ready(view)[0], waiting], Extent::Rest);
            })],
            Illegal::InputsNotReady,
        ),
        (
            &[(0, |view, out| {
                let jobs = ready(view);
                batch(out, &jobs[..2], Extent::Rest);
                batch(out, &jobs[1..3], Extent::Rest);
            })],
            Illegal::JobRuns,
        ),
        (
            &[(0, |view, out| {
                let jobs = ready(view);
                batch(out, &jobs[..2], Extent::Rest);
                batch(out, &jobs[2..4], Extent::Rest);
            })],
            Illegal::AcceleratorBusy,
        ),
        (
            &[(0, |view, out| {
                let jobs = Decisions::new().batch(ready(view));
                let (on, units, extent) = (AcceleratorId::new(0), Units::All, Extent::Rest);
                out.push(Decision::Dispatch { jobs, variant: None, on, units, extent });
            })],
            Illegal::NoSuchBatch,
        ),
    ];
    for (say, expected) in cases {
        let error = run(system, 0, say).expect_err("it is illegal");
        let SimulationError::IllegalDecision { reason, .. } = &error else { panic!("{error}") };
        assert_eq!(*reason, expected);
        assert!(error.to_string().ends_with(&expected.to_string()), "{error}");
    }
    // Where the platform says nothing of batches there are none.
    let single = system.replace("batch 3 0.5;", "");
    let two: Say = (0, |view, out| batch(out, &ready(view)[..2], Extent::Rest));
    let error = run(&single, 0, &[two]).expect_err("no batches");
    assert!(matches!(error, SimulationError::IllegalDecision { reason: Illegal::BatchTooLarge, .. }));
}

/// A batch of one is a job like any other, begun or not.
#[test]
fn a_batch_of_one_is_one_job() {
    let system = "for 20; task a comes 0 due 30 layers 2 4";
    let layer: Say = (0, |view, out| batch(out, &ready(view), Extent::LAYER));
    check_both(system, &[layer, (2, all)], "0 a0>0 | 2 a0 at 1, a0>0 | 6 a0 done");
}

// Batches that policies form.

/// Jobs of 4; two at once take 6, three 8, four 10.
fn jobs_at(instants: &str) -> String {
    format!("for 40; batch 4 0.5; task a comes {instants} due 12 layers 4")
}

#[test]
fn a_batch_waits_for_more_jobs_and_begins_in_time() {
    // 0: a0 is due at 12. With one more it would take 6, so that there is time until 6.
    // 1: a1 comes. Two of them would be over at 7; a third could still come until 12 - 8 = 4.
    // 4: none has come. They begin, and are over at 10; with a third it would have been 12.
    let system = jobs_at("0 1");
    by_hand::check(&system, "edf batching=deadline-aware", "4 a0+a1>0 | 10 a0 done, a1 done");
    // Whoever does not wait runs a0 at once, and a1 after it.
    by_hand::check(&system, "edf batching=up-to-n granularity=model", "0 a0>0 | 4 a0 done, a1>0 | 8 a1 done");
}

#[test]
fn a_batch_that_is_large_enough_does_not_wait() {
    // Four at once are as many as there can be.
    let four = "0 a0+a1+a2+a3>0 | 10 a0 done, a1 done, a2 done, a3 done";
    for batching in ["deadline-aware", "up-to-n"] {
        by_hand::check(&jobs_at("0 0 0 0"), &format!("fcfs batching={batching}"), four);
    }
    // 0: there is time until 6; 1: until 4. 2: three would be over at 10, four at 12: that is when a0 is due, so that it is
    //    no use to wait. They begin.
    // 10: a3, due at 15, would be over at 14, and with another one at 16: it runs alone.
    by_hand::check(
        &jobs_at("0 1 2 3"),
        "edf batching=deadline-aware granularity=model",
        "2 a0+a1+a2>0 | 10 a0 done, a1 done, a2 done, a3>0 | 14 a3 done",
    );
    // At most two: at 1 there are as many.
    by_hand::check(
        &jobs_at("0 1 2 3"),
        "edf batching=deadline-aware batch_limit=2",
        "1 a0+a1>0 | 7 a0 done, a1 done, a2+a3>0 | 13 a2 done, a3 done",
    );
}

#[test]
fn a_batch_that_is_expected_to_be_shorter_than_it_is_waits_too_long() {
    // Half of the inferences end after layer 0, so that two at once are expected to take 2.4 + 4.8 / 2 = 4.8: a0 waits for
    // another until 12 - 4.8 = 7.2. None comes. If it does not exit it takes 6, and is late.
    let system = "for 40; batch 2 0.2; task a comes 0 due 12 layers 2 4 exit 0 0.5";
    let mut found = [false; 2];
    for seed in 0..20 {
        let text = by_hand::schedule(system, "edf batching=deadline-aware granularity=model", seed);
        let expected = ["7.2 a0>0 | 9.2 a0 done", "7.2 a0>0 | 13.2 a0 late"];
        let known = expected.iter().position(|expected| *expected == text);
        found[known.unwrap_or_else(|| panic!("seed {seed}: {text}"))] = true;
        let at_once = by_hand::schedule(system, "edf batching=up-to-n granularity=model", seed);
        assert_eq!(at_once, ["0 a0>0 | 2 a0 done", "0 a0>0 | 6 a0 done"][known.unwrap_or(0)]);
    }
    assert_eq!(found, [true; 2]);
}

#[test]
fn a_batch_makes_room_and_its_jobs_go_on_alone() {
    // 0: a0 and a1 run together: 6 a layer. 1: b0 is due first, and they make room at 6. 8: they go on, one by one, for they
    // have started.
    by_hand::check(
        "for 40; batch 2 0.5; task a comes 0 0 due 30 layers 4 4; task b comes 1 due 12 layers 2",
        "edf batching=up-to-n preemption=layer granularity=model",
        "0 a0+a1>0 | 6 a0 at 1, a1 at 1, b0>0 | 8 b0 done, a0>0 | 12 a0 done, a1>0 | 16 a1 done",
    );
}

#[test]
fn a_server_runs_as_many_at_once_as_end_by_the_earliest_deadline() {
    // 4 for one, and 2 for each further one: three are over at 8, and two at 6.
    let system = |due: u64| format!("for 40; batch 4 0.5; task a comes 0 0 0 due {due} layers 4");
    for policy in ["deadline-batching", "time-sharing"] {
        by_hand::check(&system(8), policy, "0 a0+a1+a2>0 | 8 a0 done, a1 done, a2 done");
        // At 6 the third one would end at 10 even alone.
        by_hand::check(&system(7), policy, "0 a0+a1>0 | 6 a0 done, a1 done, a2 dropped");
        by_hand::check(
            &system(8),
            &format!("{policy} largest_batch=2"),
            "0 a0+a1>0 | 6 a0 done, a1 done, a2 dropped",
        );
    }
}

#[test]
fn of_equal_deadlines_and_batches_the_first_queue_goes_first() {
    by_hand::check(
        "for 20; task a comes 0 due 9 layers 2; task b comes 0 due 9 layers 2",
        "deadline-batching",
        "0 a0>0 | 2 a0 done, b0>0 | 4 b0 done",
    );
}

#[test]
fn nothing_changes_where_either_the_platform_or_the_policy_says_nothing_of_batches() {
    let system =
        "accelerators 2; for 20; task a every 5 due 8 layers 2/4 1/3; task b every 2 due 6 layers 1/2";
    for name in ["edf", "fcfs", "least-slack", "sjf", "dream-mapscore", "dysta", "prema", "sdrm3", "planaria"]
    {
        let plain = by_hand::schedule(system, name, 0);
        for batching in ["none", "up-to-n", "deadline-aware"] {
            assert_eq!(by_hand::schedule(system, &format!("{name} batching={batching}"), 0), plain);
        }
        assert_eq!(by_hand::schedule(&format!("batch 4 0.5; {system}"), name, 0), plain);
    }
}

/// Jobs are conserved, energies add up, and the audit finds nothing, whatever forms the batches.
#[test]
fn every_policy_forms_sound_batches() {
    let system = "accelerators 2; for 40; batch 4 0.4; switch 0.25; task a every 3 due 9 layers 2/4 1/3 quanta 4
                  task b every 1 due 12 layers 1/2 block 0-0 0.3 ; task c every 4 at 1 due 15 layers 1/1 2/3 exit 0 0.4";
    let by_hand = ByHand::parse(system);
    for row in PolicyRegistry::built_in() {
        let mut parameters = row.defaults();
        if parameters.set_text("batching", "deadline-aware").is_err() {
            continue;
        }
        for (batching, preemption) in
            [("up-to-n", "never"), ("deadline-aware", "never"), ("up-to-n", "quantum")]
        {
            parameters.set_text("batching", batching).expect("a word");
            // Mapped policies do not preempt.
            let preempts = parameters.set_text("preemption", preemption).is_ok();
            if preemption != "never" && !preempts {
                continue;
            }
            for platform in ["", "; dram 1"] {
                let with_memory = ByHand::parse(&format!("{system}{platform}"));
                let built = if platform.is_empty() { &by_hand } else { &with_memory };
                let policy = row.build(&parameters).expect("parameters of this policy");
                let (_, rows, record) = run_on(&built.system(), 3, policy)
                    .unwrap_or_else(|error| panic!("{} {parameters}: {error}", row.name));
                assert_eq!(rows.len(), 14 + 40 + 10, "{} {parameters}", row.name);
                let largest = record.entries().iter().filter_map(|entry| match &entry.event {
                    RecordedEvent::Dispatched { run, .. } => Some(run.jobs.count()),
                    _ => None,
                });
                assert!(largest.max() > Some(1), "{} {parameters} forms no batch", row.name);
            }
        }
    }
}

/// The rows of the page on batches, as the built-in example gives them.
fn rows_of_the_server() -> Vec<Vec<String>> {
    let workload = load::workload("examples/server", None, Legality::Strict).expect("built in");
    let platform = rtmm_hardware::load::platform("examples/server", None, Mode::Corrected).expect("built in");
    let mut rows = Vec::new();
    for factor in [1, 2, 4] {
        let scenario = workload.scenario.clone().scaled(factor * 1_000_000).expect("a period");
        let system = System::new(&scenario, &workload.models, &platform).expect("every layer has a cost");
        for batching in ["none", "up-to-n", "deadline-aware"] {
            let settings = format!("edf granularity=model batch_limit=16 batching={batching}");
            let (row, parameters) = by_hand::policy(&settings);
            let policy = row.build(&parameters).expect("parameters of this policy");
            let options = RunOptions { seed: 1, ..RunOptions::default() };
            let metrics = Metrics::new(&system, MetricsOptions::default());
            let observer = (metrics, Audit::new(&system));
            let (metrics, audit) =
                simulate(&system, &row.name, policy, observer, options).expect("only legal decisions");
            assert_eq!(audit.violations(), Vec::<String>::new(), "{settings}");
            let summary = metrics.summary();
            let resnet = &summary.tasks[0];
            let rounded =
                |value: Option<f64>, digits: usize| format!("{:.digits$}", value.unwrap_or(f64::NAN));
            rows.push(vec![
                factor.to_string(),
                batching.to_owned(),
                rounded(summary.throughput_per_s, 0),
                rounded(resnet.response_p50_ms, 1),
                rounded(resnet.response_p99_ms, 1),
                rounded(summary.batch_mean, 2),
                rounded(Some(summary.energy.energy_pj / summary.jobs.completed.max(1) as f64 / 1e9), 2),
                rounded(summary.deadline_violation_rate.map(|rate| 100.0 * rate), 1),
            ]);
        }
    }
    rows
}

#[test]
fn the_page_on_batches_has_the_numbers_of_the_server() {
    let page = include_str!("../../../docs/batching.md");
    let rows = rows_of_the_server();
    let line = |row: &Vec<String>| format!("| {} | `{}` | {} |", row[0], row[1], row[2..].join(" | "));
    let text = rows.iter().map(line).collect::<Vec<_>>().join("\n");
    assert_eq!(pages::table(page, &["load", "batching"]), rows, "the page has other numbers:\n{text}");
    // Batches complete more under overload; to wait for them costs latency where there is none, no deadline, and less energy.
    let number = |row: usize, column: usize| rows[row][column].parse::<f64>().expect("a number");
    assert!(number(7, 2) > 1.2 * number(6, 2) && number(2, 3) > number(0, 3), "{text}");
    assert!(number(2, 7) == 0.0 && number(2, 6) < number(1, 6), "{text}");
}
