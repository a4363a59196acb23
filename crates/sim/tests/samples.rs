//! Models with recorded samples: every job is one of them, and takes what that one takes.
//!
//! `by_hand` says how systems and schedules are written. Times are milliseconds.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rtmm_hardware::{AcceleratorId, Energy};
use rtmm_scheduler::{
    Decision, Decisions, Extent, Interests, Notice, Policy, PolicyError, PolicyRegistry, Truth, View,
};
use rtmm_sim::metrics::{Audit, JobRow, JobRows};
use rtmm_sim::{EndOfRun, JobRecord, Observer, RunOptions};
use rtmm_testkit::by_hand::{ByHand, Log, check, check_seed, ms, policy};
use rtmm_testkit::simulate;
use rtmm_workload::random::{Draws, Stream};
use rtmm_workload::{Deadline, Duration, Time};

const DRAIN: RunOptions = RunOptions { seed: 0, end: EndOfRun::Drain, oracle: false };

/// The rows of all jobs, by task and frame.
fn rows(by_hand: &ByHand, policy_text: &str, seed: u64) -> Vec<JobRow> {
    let system = by_hand.system();
    let (row, parameters) = policy(policy_text);
    let mut rows = Vec::new();
    let observer = (JobRows::new(|job: &JobRow| rows.push(*job)), Audit::new(&system));
    let options = RunOptions { seed, oracle: row.oracle, ..DRAIN };
    let policy = row.build(&parameters).expect("parameters of this policy");
    let (_, audit) = simulate(&system, &row.name, policy, observer, options).expect("only legal decisions");
    assert_eq!(audit.violations(), Vec::<String>::new(), "{policy_text}");
    rows.sort_by_key(|job| (job.task, job.frame));
    rows
}

/// Notes what each job would have taken by itself: which sample it is, where that tells samples apart.
#[derive(Clone, Debug, Default)]
struct IsolatedLatencies(BTreeMap<(usize, u64), Duration>);

impl Observer for IsolatedLatencies {
    fn completed(&mut self, _now: Time, record: &JobRecord<'_>) {
        self.0.insert((record.job.task.index(), record.job.frame), record.isolated);
    }
}

/// By frame of a task: what its job takes by itself, in units of 0.1.
fn drawn(by_hand: &ByHand, task: usize, policy_text: &str, seed: u64) -> Vec<u64> {
    let system = by_hand.system();
    let (row, parameters) = policy(policy_text);
    let options = RunOptions { seed, oracle: row.oracle, ..DRAIN };
    let policy = row.build(&parameters).expect("parameters of this policy");
    let observer = IsolatedLatencies::default();
    let all = simulate(&system, &row.name, policy, observer, options).expect("only legal decisions").0;
    let of_task = all.into_iter().filter(|((of, _), _)| *of == task);
    of_task.map(|(_, isolated)| isolated.picoseconds() / ms("0.1").picoseconds()).collect()
}

// What jobs take.

/// Frames that name their samples, on accelerators of which the second is slower but for one layer.
const NAMED: &str = "
    accelerators 2; for 20
    task a comes 0:0 0:1 10:1 10:0 layers 9/9 9/9 sample 1/2 3/4 sample 2/6 1/1";

#[test]
fn a_job_takes_what_its_sample_takes_on_its_accelerator() {
    // a0 is sample 0, 1 + 3 on accelerator 0; a1 is sample 1, 6 + 1 on the other. At 10 they change places:
    // 2 + 1 and 2 + 4.
    check(
        NAMED,
        "fcfs placement=first-idle",
        "0 a0>0, a1>1 | 4 a0 done | 7 a1 done | 10 a2>0, a3>1 | 13 a2 done | 16 a3 done",
    );
    // A layer of sample 0 costs 2 microjoules, one of sample 1 three; half of it on accelerator 1.
    let energy: Vec<f64> = rows(&ByHand::parse(NAMED), "fcfs placement=first-idle", 0)
        .iter()
        .map(|job| job.energy.total().picojoules() / 1e6)
        .collect();
    assert_eq!(energy, [4.0, 3.0, 6.0, 2.0]);
}

#[test]
fn layer_by_layer_a_job_takes_the_same() {
    // 0: a0 on accelerator 0, its first layer (1). a1 on the other (6).
    // 1: a0 goes on where it is idle: accelerator 0 (3). 4: done. 6: a1 goes on on accelerator 0 (1).
    check(
        NAMED,
        "fcfs placement=first-idle granularity=layer",
        "0 a0>0, a1>1 | 1 a0 at 1, a0>0 | 4 a0 done | 6 a1 at 1, a1>0 | 7 a1 done
         | 10 a2>0, a3>1 | 12 a2 at 1, a3 at 1, a2>0, a3>1 | 13 a2 done | 16 a3 done",
    );
}

#[test]
fn an_accelerator_may_take_the_same_for_every_input() {
    // Accelerator 1 takes what `layers` says, 5 + 5, for both samples.
    let system = "accelerators 2; blind 1; task a comes 0:0 0:1 layers 9/5 9/5 sample 1 3 sample 2 1";
    check(system, "fcfs placement=first-idle", "0 a0>0, a1>1 | 4 a0 done | 10 a1 done");
    let energy: Vec<f64> = rows(&ByHand::parse(system), "fcfs placement=first-idle", 0)
        .iter()
        .map(|job| job.energy.total().picojoules() / 1e6)
        .collect();
    assert_eq!(energy, [4.0, 1.0]);
}

#[test]
fn quanta_and_preemption_divide_what_the_sample_takes() {
    // The profile says 2.5 and 2 for a's layers. a0 is sample 1: 4 with boundaries at 1, 2 and 3; and 2.
    // b0 comes at 1.5.
    let system = "task a comes 0:1 layers 9 9 sample 1 2 sample 4 2 quanta 4;
                  task b every 20 at 1.5 due 5 layers 1";
    check(
        system,
        "edf granularity=model preemption=layer",
        "0 a0>0 | 4 a0 at 1, b0>0 | 5 b0 done, a0>0 | 7 a0 done",
    );
    check(
        system,
        "edf granularity=model preemption=quantum",
        "0 a0>0 | 2 a0 at 0+2/4, b0>0 | 3 b0 done, a0>0 | 7 a0 done",
    );
    // Half of the layer and all of the next, at 3 microjoules each, whatever the stop.
    for preemption in ["layer", "quantum"] {
        let rows = rows(&ByHand::parse(system), &format!("edf granularity=model preemption={preemption}"), 0);
        assert_eq!(rows[0].energy.total().picojoules(), 6e6, "{preemption}");
    }
    // Sample 0 is in its second layer at 1.5, from 1 to 3: the next boundary is 1.5 itself.
    check(
        &system.replace("0:1", "0:0"),
        "edf granularity=model preemption=quantum",
        "0 a0>0 | 1.5 a0 at 1+1/4, b0>0 | 2.5 b0 done, a0>0 | 4 a0 done",
    );
}

#[test]
fn a_step_that_is_done_is_done_on_every_accelerator() {
    // a0 takes 4 on accelerator 0 or 6 on the other for its first layer, in four steps; then 2 or 1.
    // 1.5: b0 comes, and a0 has just done a step of 1.5: it makes room. 2: c0 is done, and a0 goes on on
    //    accelerator 0, with three steps of 1 and a layer of 2.
    check(
        "accelerators 2; task a comes 0:0 layers 9 9 sample 4/6 2/1 quanta 4;
         task c every 20 layers 2; task b every 20 at 1.5 due 5 layers 8/9",
        "edf granularity=model preemption=quantum placement=first-idle",
        "0 c0>0, a0>1 | 1.5 a0 at 0+1/4, b0>1 | 2 c0 done, a0>0 | 7 a0 done | 10.5 b0 late",
    );
    // 0.5: c0 finds accelerator 1 idle. 2: a0 has done two steps of 1; what is left are two of 1.5, and 1.
    check(
        "accelerators 2; task a comes 0:0 layers 9 9 sample 4/6 2/1 quanta 4;
         task c every 20 at 0.5 due 1.5 layers 9/1.5; task b every 20 at 1.5 due 5 layers 8/9",
        "edf granularity=model preemption=quantum placement=first-idle",
        "0 a0>0 | 0.5 c0>1 | 2 a0 at 0+2/4, c0 done, b0>0, a0>1 | 6 a0 done | 10 b0 late",
    );
}

#[test]
fn skips_and_exits_leave_the_other_layers_as_the_sample_has_them() {
    // The second layer is skipped: 1 + 3 and 4 + 6.
    check(
        "task a comes 0:0 5:1 layers 1 1 1 block 1-1 1 sample 1 2 3 sample 4 5 6",
        "fcfs granularity=layer",
        "0 a0>0 | 1 a0 at 2, a0>0 | 4 a0 done | 5 a1>0 | 9 a1 at 2, a1>0 | 15 a1 done",
    );
    check(
        "task a comes 0:0 5:1 layers 1 1 1 block 1-1 1 sample 1 2 3 sample 4 5 6",
        "fcfs",
        "0 a0>0 | 4 a0 done | 5 a1>0 | 15 a1 done",
    );
    // Inferences end after their second layer: 1 + 2 and 4 + 5.
    check(
        "task a comes 0:0 5:1 layers 1 1 1 exit 1 1 sample 1 2 3 sample 4 5 6",
        "fcfs",
        "0 a0>0 | 3 a0 done | 5 a1>0 | 14 a1 done",
    );
    // Hearing of layers changes nothing.
    check(
        "task a comes 0:0 5:1 layers 1 1 1 exit 1 1 sample 1 2 3 sample 4 5 6",
        "dysta granularity=model",
        "0 a0>0 | 3 a0 done | 5 a1>0 | 14 a1 done",
    );
}

// Shared memory.

#[test]
fn samples_move_what_they_move_through_shared_memory() {
    // Alone a0 moves 4 gigabytes beside 2 of compute, a1 one beside 3.
    check(
        "dram 1; task a comes 0:0 10:1 layers 9 sample 2~4 sample 3~1",
        "fcfs",
        "0 a0>0 | 4 a0 done | 10 a1>0 | 13 a1 done",
    );
    // 0: half for each. 4: b0 has moved its 2. a0 has 2 left, at full speed: 6.
    check(
        "accelerators 2; dram 1; task a comes 0:0 layers 9 sample 2~4 sample 9;
         task b comes 0:1 layers 9 sample 9 sample 1~2",
        "fcfs",
        "0 a0>0, b0>1 | 4 b0 done | 6 a0 done",
    );
    // Fixed halves: a0's 4 take 8, b0's 2 take 4.
    check(
        "accelerators 2; dram 1 static; task a comes 0:0 layers 9 sample 2~4 sample 9;
         task b comes 0:1 layers 9 sample 9 sample 1~2",
        "fcfs",
        "0 a0>0, b0>1 | 4 b0 done | 8 a0 done",
    );
    // Alone, a third of a millisecond and two thirds, each to the next picosecond, and 1 of compute.
    let system = "dram 3; task a comes 0:0 10:1 layers 9 9 sample 0~1 1 sample 0~2 1";
    let expected = "0 a0>0 | 1.333333334 a0 done | 10 a1>0 | 11.666666667 a1 done";
    check(system, "fcfs", expected);
    check(system, "dysta granularity=model", expected);
    for (job, took) in rows(&ByHand::parse(system), "fcfs", 0).iter().zip(["1.333333334", "1.666666667"]) {
        assert_eq!(job.end.saturating_since(job.arrival), ms(took));
    }
    // It is what they take in isolation.
    assert_eq!(drawn(&ByHand::parse(system), 0, "fcfs", 0), [13, 16]);
}

// Which sample.

/// Three samples that take 0.1, 0.2 and 0.3.
const DRAWN: &str = "for 3000; task a every 1 layers 1 sample 0.1 sample 0.2 sample 0.3";

#[test]
fn jobs_draw_all_samples_equally_often() {
    let samples = drawn(&ByHand::parse(DRAWN), 0, "fcfs", 0);
    assert_eq!(samples.len(), 3000);
    for sample in 1..=3 {
        let count = samples.iter().filter(|of| **of == sample).count();
        // Five standard deviations are 129.
        assert!(count.abs_diff(1000) < 129, "{sample}: {count}");
    }
    // Neighbours are independent: each of the nine pairs 333 times, within five deviations.
    for pair in (1..=3).flat_map(|one| (1..=3).map(move |other| [one, other])) {
        let count = samples.windows(2).filter(|of| **of == pair).count();
        assert!(count.abs_diff(333) < 86, "{pair:?}: {count}");
    }
    assert_ne!(samples, drawn(&ByHand::parse(DRAWN), 0, "fcfs", 1), "another seed, other samples");
}

#[test]
fn requests_have_the_sample_that_they_name_and_others_draw_theirs() {
    let by_hand = ByHand::parse(
        "for 100; task a comes 0:2 1 2:1 3 4:2 5 6:0 7:7 8 9 10 layers 1 sample 0.1 sample 0.2 sample 0.3",
    );
    let samples = drawn(&by_hand, 0, "fcfs", 0);
    assert_eq!([samples[0], samples[2], samples[4], samples[6]], [3, 2, 3, 1]);
    // The draw of the task and of what the frame is called: its index, or the sample that nobody recorded.
    let draws = Draws::new(0, Stream::Sample, "a");
    for (frame, of) in [(1, 1), (3, 3), (5, 5), (7, 7), (8, 8), (9, 9), (10, 10)] {
        assert_eq!(samples[frame], draws.below(of, 0, 3) + 1, "frame {frame}");
    }
}

#[test]
fn what_follows_a_request_is_of_the_same_sample() {
    // b0 works on what a0 puts out, of sample 1: 3. b1 is of sample 0: 2.
    check(
        "task a comes 0:1 10:0 layers 9 sample 4 sample 1; task b layers 9 sample 2 sample 3 needs a",
        "fcfs",
        "0 a0>0 | 1 a0 done, b0>0 | 4 b0 done | 10 a1>0 | 14 a1 done, b1>0 | 16 b1 done",
    );
}

#[test]
fn all_policies_see_the_same_samples() {
    let text = "accelerators 2; for 200
                task a every 1 layers 1 1 sample 0.2 0.1/0.3 sample 0.3 0.3/0.1
                task b every 2 layers 1 sample 0.1 sample 0.2 sample 0.4";
    let by_hand = ByHand::parse(text);
    let expected = [0, 1].map(|task| drawn(&by_hand, task, "fcfs", 5));
    assert_eq!((expected[0].len(), expected[1].len()), (200, 100));
    for row in PolicyRegistry::built_in() {
        for task in [0, 1] {
            // Some give up late jobs; here there is time enough for all.
            assert_eq!(drawn(&by_hand, task, &row.name, 5), expected[task], "{}", row.name);
        }
    }
    // A task before them, which draws, too, changes nothing.
    let more = text.replace("task a", "task z every 3 layers 1 sample 0.1 sample 0.2\ntask a");
    for task in [0, 1] {
        assert_eq!(drawn(&ByHand::parse(&more), task + 1, "fcfs", 5), expected[task]);
    }
}

// What policies are told.

/// Ready jobs in order to idle accelerators, layer by layer or as a whole; writes down what it is told.
#[derive(Clone, Debug)]
struct Witness {
    extent: Extent,
    told: Arc<Mutex<Vec<String>>>,
}

impl Policy for Witness {
    fn decide(
        &mut self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        for (job, accelerator) in view.ready().zip(&view.free) {
            if let Some(truth) = truth {
                let on = |index| shown(truth.remaining(job, AcceleratorId::new(index)));
                let left: Vec<String> = (0..view.accelerators.len()).map(on).collect();
                let (mean, all) = (shown(truth.mean_remaining(job)), shown(truth.mean_isolated(job)));
                let line =
                    format!("{} {}: {} mean {mean} of {all}", job.task.index(), job.frame, left.join(" "));
                self.told.lock().expect("no other thread").push(line);
            }
            out.push(Decision::dispatch(job.id, None, *accelerator, self.extent));
        }
        Ok(())
    }

    fn interests(&self) -> Interests {
        Interests { layers: true, ..Interests::default() }
    }

    fn notify(&mut self, notice: &Notice, view: &View<'_>) -> Result<(), PolicyError> {
        if let Notice::LayerCompleted { job, layer, run, latency, sparsity, .. } = *notice {
            let accelerator = view.run(run).expect("it runs").accelerator;
            let job = view.job(job).expect("a live job");
            let (task, frame) = (job.task.index(), job.frame);
            let (layer, accelerator, latency) = (layer.index(), accelerator.index(), shown(latency));
            let line = format!("{task} {frame}: layer {layer} on {accelerator} took {latency}, {sparsity:?}");
            self.told.lock().expect("no other thread").push(line);
        }
        Ok(())
    }

    fn boxed_clone(&self) -> Option<Box<dyn Policy>> {
        Some(Box::new(self.clone()))
    }
}

fn shown(duration: Duration) -> String {
    duration.milliseconds().to_string()
}

fn testimony(text: &str, extent: Extent, oracle: bool, seed: u64) -> Vec<String> {
    let by_hand = ByHand::parse(text);
    let system = by_hand.system();
    let told = Arc::default();
    let witness = Box::new(Witness { extent, told: Arc::clone(&told) });
    let observer = (Log::new(&by_hand.scenario), Audit::new(&system));
    let options = RunOptions { seed, oracle, ..DRAIN };
    let (_, audit) = simulate(&system, "witness", witness, observer, options).expect("only legal decisions");
    assert_eq!(audit.violations(), Vec::<String>::new());
    let told = told.lock().expect("no other thread");
    told.clone()
}

#[test]
fn a_layer_that_completed_tells_the_sparsity_of_its_sample() {
    let system = "
        accelerators 2
        task a comes 0:1 8:0 layers 1 1 sample 1/2 3 zeros 0.5 0.25 sample 2 1/4 zeros 0.75 0.125
        task b comes 0 layers 5";
    // Of b nothing was recorded.
    let expected = [
        "0 0: layer 0 on 0 took 2, Some(0.75)",
        "0 0: layer 1 on 0 took 1, Some(0.125)",
        "1 0: layer 0 on 1 took 5, None",
        "0 1: layer 0 on 0 took 1, Some(0.5)",
        "0 1: layer 1 on 0 took 3, Some(0.25)",
    ];
    for extent in [Extent::Rest, Extent::LAYER] {
        assert_eq!(testimony(system, extent, false, 0), expected, "{extent:?}");
        let shared = system.replace("accelerators 2", "accelerators 2; dram 1");
        assert_eq!(testimony(&shared, extent, false, 0), expected, "{extent:?} with shared memory");
    }
    // What is skipped tells nothing, nor does what stands behind an exit.
    assert_eq!(
        testimony(
            "task a comes 0:0 layers 1 1 1 1 block 1-1 1 exit 2 1 sample 1 2 3 4 zeros 0.1 0.2 0.3 0.4",
            Extent::Rest,
            false,
            0
        ),
        ["0 0: layer 0 on 0 took 1, Some(0.1)", "0 0: layer 2 on 0 took 3, Some(0.3)"],
    );
}

#[test]
fn the_truth_is_what_is_really_left() {
    // Sample 1 takes 2 + 1 on accelerator 0 and 3 + 4 on the other, in the mean 5; when the first layer is
    // complete, 1 and 4. Sample 0 takes 4 and 6, then 3 and 4.
    let told = |text: &str, seed| -> Vec<String> {
        let lines = testimony(text, Extent::LAYER, true, seed).into_iter();
        lines.filter(|line| line.contains("mean")).collect()
    };
    let system = "accelerators 2; task a comes 0:1 10:0 layers 9 9 sample 1/2 3/4 sample 2/3 1/4";
    assert_eq!(
        told(system, 0),
        ["0 0: 3 7 mean 5 of 5", "0 0: 1 4 mean 2.5 of 5", "0 1: 4 6 mean 5 of 5", "0 1: 3 4 mean 3.5 of 5"],
    );
    // Accelerator 1 takes 7 + 5, whatever the input.
    assert_eq!(
        told(&system.replace("accelerators 2", "accelerators 2; blind 1").replace("9 9", "9/7 9/5"), 0),
        [
            "0 0: 3 12 mean 7.5 of 7.5",
            "0 0: 1 5 mean 3 of 7.5",
            "0 1: 4 12 mean 8 of 8",
            "0 1: 3 5 mean 4 of 8"
        ],
    );
    // The second layer is skipped, and the last stands behind an exit: 1 + 3, and 3.
    assert_eq!(
        told("task a comes 0:0 layers 9 9 9 9 block 1-1 1 exit 2 1 sample 1 2 3 4", 0),
        ["0 0: 4 mean 4 of 4", "0 0: 3 mean 3 of 4"],
    );
    // With shared memory, what the layers take alone: 3 and 2.
    assert_eq!(
        told("dram 1; task a comes 0:1 layers 9 9 sample 9 9 sample 1~3 2~1", 0),
        ["0 0: 5 mean 5 of 5", "0 0: 2 mean 2 of 5"],
    );
}

#[test]
fn oracles_know_the_sample_and_others_what_is_usual() {
    // Samples of a take 2 or 10, 6 in the mean; b takes 5. a0 is sample 0.
    // By the mean b is shorter. The oracles know of 2.
    let system = "task a comes 0:0 layers 9 sample 2 sample 10; task b every 20 due 20 layers 5";
    for name in ["sjf", "sjf-sparse", "dysta beta=0", "dysta-naive beta=0"] {
        check(system, name, "0 b0>0 | 5 b0 done, a0>0 | 7 a0 done");
    }
    for name in ["sjf-oracle", "dysta-oracle beta=0"] {
        check(system, name, "0 a0>0 | 2 a0 done, b0>0 | 7 b0 done");
    }
    // Sample 1 takes longer than b.
    for name in ["sjf-oracle", "dysta-oracle beta=0"] {
        check(&system.replace("0:0", "0:1"), name, "0 b0>0 | 5 b0 done, a0>0 | 15 a0 done");
    }
}

#[test]
fn sparse_policies_correct_what_is_left_by_what_they_measured() {
    // Densities of a's first layer are 0.5 and 1, 0.75 in the mean; of its second, too. It takes 8 and 12,
    // twice; 10 + 10 in the mean. b comes at 1 and takes 9.
    // 8: a0, of sample 0, was seen to be of density 0.5: 10 * 0.5 / 0.75 = 6.7 are left, less than 9. By the
    //    profile it is 10.
    let system = "for 40
        task a comes 0:0 layers 9 9 sample 8 8 zeros 0.5 0.5 sample 12 12 zeros 0 0
        task b every 40 at 1 layers 9";
    let goes_on = "0 a0>0 | 8 a0 at 1, a0>0 | 16 a0 done, b0>0 | 25 b0 done";
    let gives_way = "0 a0>0 | 8 a0 at 1, b0>0 | 17 b0 done, a0>0 | 25 a0 done";
    for name in [
        "sjf-sparse",
        "dysta beta=0",
        "prema-sparse",
        "dysta-hardware beta=0 cycles_base=0 cycles_per_request=0",
    ] {
        check(system, name, goes_on);
    }
    for name in ["sjf granularity=layer", "dysta-naive beta=0", "prema", "dysta beta=0 predictor=none"] {
        check(system, name, gives_way);
    }
    // The latency is 4 + 8 d of the density d: the affine predictor has 4 of the 10 stay, so that 8 are left.
    let shorter = system.replace("at 1 layers 9", "at 1 layers 7.5");
    check(&shorter, "dysta beta=0", "0 a0>0 | 8 a0 at 1, a0>0 | 16 a0 done, b0>0 | 23.5 b0 done");
    for name in ["dysta-corrected beta=0", "dysta beta=0 predictor=affine"] {
        check(&shorter, name, "0 a0>0 | 8 a0 at 1, b0>0 | 15.5 b0 done, a0>0 | 23.5 a0 done");
    }
    // 12: of sample 1 it was 1: 10 / 0.75 = 13.3 are left, more than the 11 of b.
    for name in ["sjf-sparse", "dysta beta=0"] {
        check(
            &system.replace("0:0", "0:1").replace("at 1 layers 9", "at 1 layers 11"),
            name,
            "0 a0>0 | 12 a0 at 1, b0>0 | 23 b0 done, a0>0 | 35 a0 done",
        );
    }
}

#[test]
fn who_knows_no_patterns_expects_the_mean_over_them() {
    // a and b are one network. a takes 2, by one sample; b 6, by three: 5 in the mean. c takes 4.
    // With patterns: a0, c0, b0. Without: c0 first, then a0 and b0, which look alike.
    let system = "task b of net comes 0:1 layers 9 sample 6 sample 6 sample 6
                  task c every 40 layers 4
                  task a of net comes 0:0 layers 9 sample 2; for 40";
    check(system, "sjf estimate=pattern", "0 a0>0 | 2 a0 done, c0>0 | 6 c0 done, b0>0 | 12 b0 done");
    check(system, "sjf", "0 c0>0 | 4 c0 done, b0>0 | 10 b0 done, a0>0 | 12 a0 done");
}

// What follows from samples.

#[test]
fn deadlines_are_multiples_of_what_the_architecture_takes_in_the_mean() {
    // One sample of `dense` takes 8 + 1 on accelerator 0 and 1 + 6 on the other; three of `sparse` take
    // 1 + 1 and 5 + 2. In the mean over four: (9 + 3 * 2) / 4 = 3.75 and (7 + 3 * 7) / 4 = 7. The faster
    // accelerator is that for all of the network: 3.75, of which 2 are 7.5.
    let by_hand = ByHand::parse(
        "accelerators 2; for 40
         task dense of net every 20 isolated 2 layers 9 9 sample 8/1 1/6
         task sparse of net every 20 isolated 4 layers 9 9 sample 1/5 1/2 sample 1/5 1/2 sample 1/5 1/2
         task other every 20 isolated 10 layers 9 sample 1/3 sample 2/5
         task plain every 20 isolated 3 layers 4/2 1/4
         task stated every 20 due 7 layers 1",
    );
    let system = by_hand.system();
    let deadlines: Vec<Deadline> = system.scenario.tasks.iter().map(|task| task.deadline).collect();
    // `other`, an architecture of its own, takes 1.5 and 4. `plain` has no samples: 5 and 6.
    let expected = ["7.5", "15", "15", "15", "7"].map(|span| Deadline::After(ms(span)));
    assert_eq!(deadlines, expected);
    assert_eq!(by_hand.scenario.tasks[0].deadline, Deadline::Isolated { factor_millionths: 2_000_000 });
    // Jobs are due then, whatever their own sample takes.
    let policies = ["fcfs", "edf", "dysta"];
    for policy in policies {
        for job in rows(&by_hand, policy, 0) {
            let span = ["7.5", "15", "15", "15", "7"][job.task.index()];
            assert_eq!(job.deadline.saturating_since(job.arrival), ms(span), "{policy}");
        }
    }
}

#[test]
fn isolated_latencies_count_shared_memory() {
    // Alone the samples take 4 and 2, 3 in the mean.
    let by_hand = ByHand::parse("dram 1; task a every 20 isolated 10 layers 9 sample 1~4 sample 2~1");
    assert_eq!(by_hand.system().scenario.tasks[0].deadline, Deadline::After(ms("30")));
}

#[test]
fn priorities_are_drawn_equally_often_and_alike_for_all() {
    let by_hand = ByHand::parse("for 3000; task a every 1 draws 1 3 9 layers 0.1; task b every 1 layers 0.1");
    let priorities = |by_hand: &ByHand, task: usize, policy_text: &str, seed| -> Vec<i32> {
        #[derive(Clone, Debug, Default)]
        struct Priorities(BTreeMap<(usize, u64), i32>);
        impl Observer for Priorities {
            fn completed(&mut self, _now: Time, record: &JobRecord<'_>) {
                self.0.insert((record.job.task.index(), record.job.frame), record.job.priority);
            }
        }
        let system = by_hand.system();
        let (row, parameters) = policy(policy_text);
        let policy = row.build(&parameters).expect("parameters of this policy");
        let options = RunOptions { seed, ..DRAIN };
        let all = simulate(&system, &row.name, policy, Priorities::default(), options);
        let all = all.expect("only legal decisions").0.into_iter();
        all.filter(|((of, _), _)| *of == task).map(|(_, priority)| priority).collect()
    };
    let first = priorities(&by_hand, 0, "fcfs", 0);
    assert_eq!(first.len(), 3000);
    for priority in [1, 3, 9] {
        let count = first.iter().filter(|of| **of == priority).count();
        // Five standard deviations are 129.
        assert!(count.abs_diff(1000) < 129, "{priority}: {count}");
    }
    for policy in ["planaria", "prema", "fixed-priority"] {
        assert_eq!(priorities(&by_hand, 0, policy, 0), first, "{policy}");
    }
    assert_ne!(priorities(&by_hand, 0, "fcfs", 1), first, "another seed, other priorities");
    // The other task has the priority that it states, and is no reason to draw anew.
    assert_eq!(priorities(&by_hand, 1, "fcfs", 0), vec![0; 3000]);
    let alone = ByHand::parse("for 3000; task a every 1 draws 1 3 9 layers 0.1");
    assert_eq!(priorities(&alone, 0, "fcfs", 0), first);
}

#[test]
fn how_layers_are_grouped_changes_no_energy() {
    let by_hand = ByHand::parse(
        "accelerators 1; for 100
         task a every 7 layers 1 1 1 1 1 sample 0.3 0.7 0.1 1.1 0.2 sample 0.6 0.1 0.9 0.3 0.4 quanta 3
         task b every 5 at 0.5 layers 1 1 sample 0.3 0.9 sample 1.7 0.1 exit 0 0.3
         task c every 11 at 0.2 layers 1 1 1 sample 0.3 0.9 1 sample 1.7 0.1 1 block 1-1 0.5",
    );
    let of = |settings: &str| -> Vec<(u64, Time, Energy)> {
        let rows = rows(&by_hand, settings, 3);
        rows.iter().map(|job| (job.frame, job.arrival, job.energy.total())).collect()
    };
    let whole = of("fcfs granularity=model");
    assert_eq!(whole.len(), 15 + 20 + 10);
    for settings in [
        "fcfs granularity=layer",
        "fcfs granularity=block block_layers=2",
        "edf granularity=model preemption=layer",
        // Hears of every layer.
        "dysta granularity=layer",
        "dysta granularity=model",
    ] {
        assert_eq!(of(settings), whole, "{settings}");
    }
}

#[test]
fn a_draw_shows_only_in_what_a_job_takes() {
    // The first frame draws a sample under each seed; what the scheduler does before that is the same.
    let system = "task a every 20 layers 9 9 sample 1 2 sample 3 4; task b every 20 layers 5";
    let model = &ByHand::parse(system).models[0];
    let row = |seed| model.sample_row(Draws::new(seed, Stream::Sample, "a"), 0, false);
    let of = |sample| (0..).find(|seed| row(*seed) == sample).expect("every sample is drawn");
    check_seed(system, "fcfs", of(0), "0 a0>0 | 3 a0 done, b0>0 | 8 b0 done");
    check_seed(system, "fcfs", of(1), "0 a0>0 | 7 a0 done, b0>0 | 12 b0 done");
}
