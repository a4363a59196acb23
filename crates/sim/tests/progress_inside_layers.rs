//! What is left of a job that was stopped inside a layer, judged by a second implementation: every estimate
//! and the truth are computed anew from the costs that a system states, step by step.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rtmm_hardware::{AcceleratorId, Units};
use rtmm_scheduler::{
    Decision, Decisions, Extent, Interests, Job, Knowledge, Notice, Policy, PolicyError, Preemption, Truth,
    View,
};
use rtmm_sim::{RunOptions, System};
use rtmm_testkit::by_hand::ByHand;
use rtmm_testkit::closures::deciding;
use rtmm_testkit::random_systems::hash;
use rtmm_testkit::simulate;
use rtmm_workload::Time;

/// Layers of a task: latencies by accelerator in picoseconds, and steps.
#[derive(Clone, Debug)]
struct Stated {
    latency: Vec<Vec<u64>>,
    quanta: u32,
}

/// A millisecond, in picoseconds.
const MS: u64 = 1_000_000_000;

impl Stated {
    /// The rest of a job on an accelerator, in the steps that its layers have there.
    fn left(&self, job: &Job, accelerator: usize) -> u64 {
        let mut left = 0;
        for (layer, latency) in self.latency.iter().enumerate().skip(job.progress.layer as usize) {
            let latency = latency[accelerator.min(latency.len() - 1)];
            let done = if layer == job.progress.layer as usize && job.progress.quantum > 0 {
                // As many of the steps here as are done in part of the whole there.
                let steps = (1..=u64::from(self.quanta)).filter(|steps| {
                    steps * u64::from(job.progress.quanta)
                        <= u64::from(job.progress.quantum) * u64::from(self.quanta)
                });
                latency * steps.max().unwrap_or(0) / u64::from(self.quanta)
            } else {
                0
            };
            left += latency - done;
        }
        left
    }
}

/// Stops runs at quanta at random, dispatches at random, and compares all that it is told of what is left.
#[derive(Clone, Debug)]
struct Judge {
    seed: u64,
    round: u64,
    tasks: Vec<Stated>,
    accelerators: usize,
    judged: Arc<AtomicU64>,
}

impl Judge {
    fn draw(&mut self, below: u64) -> u64 {
        self.round += 1;
        hash(&[self.seed, self.round]) % below
    }

    fn judge(&self, view: &View<'_>, truth: &Truth<'_>, job: &Job) {
        let stated = &self.tasks[job.task.index()];
        let left: Vec<u64> = (0..self.accelerators).map(|one| stated.left(job, one)).collect();
        let mean = left.iter().sum::<u64>() / left.len() as u64;
        for (index, left) in left.iter().enumerate() {
            let accelerator = AcceleratorId::new(index);
            assert_eq!(view.remaining(job, accelerator).picoseconds(), *left, "{job:?} on {index}");
            assert_eq!(truth.remaining(job, accelerator).picoseconds(), *left, "{job:?} on {index}");
            let alone =
                Stated { latency: stated.latency[..job.progress.layer as usize + 1].to_vec(), ..*stated };
            assert_eq!(view.next_layer(job, accelerator).picoseconds(), alone.left(job, index));
        }
        assert_eq!(view.least_remaining(job).picoseconds(), *left.iter().min().expect("some"));
        assert_eq!(view.mean_remaining(job).picoseconds(), mean);
        assert_eq!(truth.mean_remaining(job).picoseconds(), mean);
        for knowledge in [Knowledge::Pattern, Knowledge::Architecture] {
            let expected = view.profile.expectations(knowledge);
            assert_eq!(expected.mean_remaining(job.model, job.progress).picoseconds(), mean);
        }
        let fastest = |layer: usize| {
            let on = |one| Stated { latency: stated.latency[..=layer].to_vec(), ..*stated }.left(job, one);
            let of_layer = |one: usize| {
                let before = Stated { latency: stated.latency[..layer].to_vec(), ..*stated }.left(job, one);
                on(one) - before
            };
            (0..self.accelerators).map(of_layer).min().expect("some")
        };
        let sum: u64 = (job.progress.layer as usize..stated.latency.len()).map(fastest).sum();
        assert_eq!(view.profile.fastest_remaining(job.model, job.progress).picoseconds(), sum);
        if job.progress.quantum > 0 {
            self.judged.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Policy for Judge {
    fn decide(
        &mut self,
        view: &View<'_>,
        truth: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        let truth = truth.expect("it is an oracle");
        view.ready().for_each(|job| self.judge(view, truth, job));
        let mut ready: Vec<&Job> = view.ready().collect();
        for accelerator in &view.free {
            if !ready.is_empty() {
                let job = ready.swap_remove(self.draw(ready.len() as u64) as usize);
                out.push(Decision::dispatch(job.id, None, *accelerator, Extent::Rest));
            }
        }
        for run in view.runs() {
            if !run.is_ending && view.ready().len() > 0 && self.draw(2) == 0 {
                out.push(Decision::Preempt { run: run.id, mode: Preemption::Quantum });
            }
        }
        Ok(())
    }

    fn interests(&self) -> Interests {
        Interests { jobs: true, layers: true, times: true }
    }

    fn notify(&mut self, _: &Notice, _: &View<'_>) -> Result<(), PolicyError> {
        Ok(())
    }

    fn boxed_clone(&self) -> Option<Box<dyn Policy>> {
        Some(Box::new(self.clone()))
    }
}

#[test]
fn what_is_left_of_jobs_that_were_stopped_inside_a_layer_is_what_a_second_implementation_says() {
    let judged = Arc::new(AtomicU64::new(0));
    for seed in 0..200 {
        let draw = |purpose: u64, below: u64| hash(&[seed, purpose]) % below;
        let accelerators = 1 + draw(0, 3) as usize;
        let mut text = format!("accelerators {accelerators}; for 400");
        let mut tasks = Vec::new();
        for task in 0..3_u64 {
            let (layers, quanta) = (1 + draw(10 + task, 3), 2 + draw(20 + task, 9) as u32);
            let latency: Vec<Vec<u64>> = (0..layers)
                .map(|layer| {
                    let of = |one: usize| 3 + draw(100 + 10 * task + 3 * layer + one as u64, 17);
                    (0..accelerators).map(of).collect()
                })
                .collect();
            let cells: Vec<String> = latency
                .iter()
                .map(|row| row.iter().map(u64::to_string).collect::<Vec<_>>().join("/"))
                .collect();
            let period = 20 + draw(30 + task, 40);
            text += &format!("; task t{task} every {period} layers {} quanta {quanta}", cells.join(" "));
            let latency =
                latency.into_iter().map(|row| row.into_iter().map(|ms| ms * MS).collect()).collect();
            tasks.push(Stated { latency, quanta });
        }
        let by_hand = ByHand::parse(&text);
        let system = System::new(&by_hand.scenario, &by_hand.models, &by_hand.platform).expect("a system");
        let policy = Judge { seed, round: 0, tasks, accelerators, judged: Arc::clone(&judged) };
        let options = RunOptions { oracle: true, seed, ..RunOptions::default() };
        simulate(&system, "judge", Box::new(policy), (), options).expect("legal decisions");
    }
    let judged = judged.load(Ordering::Relaxed);
    assert!(judged >= 4_000, "{judged} judged");
}

#[test]
fn a_run_that_goes_on_inside_a_layer_is_expected_to_end_when_the_rest_is_done() {
    // Steps of 1 ms. Told to stop at 1.5, it stops at 2: of 4 and 6 then 2 and 6 are left, until 10.
    let by_hand = ByHand::parse("for 20; task a every 20 layers 4 6 quanta 4");
    let system = by_hand.system();
    let ends = [(); 2].map(|()| Arc::new(AtomicU64::new(0)));
    let told = ends.clone();
    let tenths = |tenths: u64| Time::from_picoseconds(tenths * 100_000_000);
    let mut stage = 0;
    let policy = deciding(move |view: &View<'_>, out: &mut Decisions| {
        let expected = view.runs().next().map(|run| (run.id, run.expected_end.picoseconds()));
        let dispatch = view.ready().next().map(|job| {
            let (jobs, on, units) = (job.id.into(), AcceleratorId::new(0), Units::All);
            Decision::Dispatch { jobs, variant: None, on, units, extent: Extent::Rest }
        });
        match (stage, expected, dispatch) {
            (0 | 3, None, Some(dispatch)) => out.push(dispatch),
            (1, Some((_, end)), _) => {
                told[0].store(end, Ordering::Relaxed);
                out.push(Decision::SetTimer { at: tenths(15), tag: 0 });
            }
            (2, Some((run, _)), _) if view.now == tenths(15) => {
                out.push(Decision::Preempt { run, mode: Preemption::Quantum });
            }
            (4, Some((_, end)), _) => told[1].store(end, Ordering::Relaxed),
            _ => return,
        }
        stage += 1;
    });
    simulate(&system, "test", Box::new(policy), (), RunOptions::default()).expect("legal decisions");
    assert_eq!(ends.map(|end| Time::from_picoseconds(end.load(Ordering::Relaxed))), [100, 100].map(tenths));
}
