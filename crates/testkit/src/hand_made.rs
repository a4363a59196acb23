//! Tiny systems whose schedules can be worked out on paper, and policies to run them.

#![expect(missing_docs, reason = "fields and variants say what they are")]
#![allow(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use crate::closures::deciding;
use rtmm_hardware::{AcceleratorId, Mode, Platform};
use rtmm_scheduler::{Decision, Decisions, Extent, Policy, PolicyError, Preemption, Run, Truth, View};
use rtmm_workload::input::Source;
use rtmm_workload::{
    Deadline, Dependency, Duration, Gemm, Layer, Model, ModelId, Operator, Period, Scenario, Shapes, Task,
    TaskId,
};

/// `count` milliseconds.
pub fn ms(count: u64) -> Duration {
    Duration::from_milliseconds(count).expect("not too long")
}

/// Models `a` (2 ms and 10 uJ, then 3 ms and 20 uJ) and `b` (4 ms and 40 uJ), by the table `tiny.csv`.
pub fn models() -> Vec<Model> {
    let layer = |name: &str| {
        let operator = Operator::Gemm(Gemm { rows: 1, inner: 1, columns: 1 });
        Layer::new(name, operator)
    };
    let model = |name: &str, layers: &[&str]| {
        let layers = layers.iter().map(|name| layer(name)).collect();
        Model::of_layers(name.to_owned(), "test".to_owned(), Shapes::Independent, layers)
    };
    vec![model("a", &["a1", "a2"]), model("b", &["b1"])]
}

/// So many equal accelerators; turning to another model takes 1 ms and 5 uJ.
pub fn platform(accelerators: usize) -> Platform {
    let mut text = String::from("source = \"test\"\n[context_switch]\ntime = \"1ms\"\nenergy_nj = 5_000\n");
    let file = format!("{}/data/tiny.csv", env!("CARGO_MANIFEST_DIR"));
    for index in 0..accelerators {
        text += &format!("[[accelerator]]\nname = \"acc{index}\"\nmodel = \"table\"\nfile = '{file}'\n");
    }
    let source = Source::new("tiny.toml", text);
    rtmm_hardware::load::platform_of(&source, Mode::Corrected).expect("a sound platform")
}

/// A task of model `a` (0) or `b` (1).
pub fn task(name: &str, model: usize, period_ms: u64, deadline_ms: u64) -> Task {
    let period = Period::new(ms(period_ms)).expect("not zero");
    Task { deadline: Deadline::After(ms(deadline_ms)), ..Task::periodic(name, ModelId::new(model), period) }
}

/// The same with a dependency on another task's output.
pub fn after(task: Task, other: usize) -> Task {
    Task { depends_on: vec![Dependency::data(TaskId::new(other))], ..task }
}

pub fn scenario(duration_ms: u64, tasks: Vec<Task>) -> Scenario {
    Scenario {
        name: "tiny".to_owned(),
        source: "test".to_owned(),
        duration: ms(duration_ms),
        tasks,
        phases: Vec::new(),
    }
}

/// First come, first served, on the first idle accelerator.
#[derive(Clone, Debug)]
pub struct Fcfs {
    pub extent: Extent,
    /// Drops jobs of this task as soon as it sees them.
    pub drops: Option<TaskId>,
    /// Ends each segment at the next boundary whenever something happens.
    pub preempts: Option<Preemption>,
}

impl Default for Fcfs {
    fn default() -> Self {
        Self { extent: Extent::Rest, drops: None, preempts: None }
    }
}

impl Policy for Fcfs {
    fn decide(
        &mut self,
        view: &View<'_>,
        _: Option<&Truth<'_>>,
        out: &mut Decisions,
    ) -> Result<(), PolicyError> {
        let is_dropped = |task| self.drops == Some(task);
        let drops = view.ready().chain(view.waiting()).filter(|job| is_dropped(job.task));
        out.extend(drops.map(|job| Decision::Drop { job: job.id }));
        let ready = view.ready().filter(|job| !is_dropped(job.task));
        let dispatch = |(on, job): (&AcceleratorId, &rtmm_scheduler::Job)| {
            Decision::dispatch(job.id, None, *on, self.extent)
        };
        out.extend(view.free.iter().zip(ready).map(dispatch));
        if let (Some(mode), true) = (self.preempts, out.is_empty()) {
            // Once each segment, two milliseconds before it ends or later: there is always a boundary.
            let early = |run: &Run| run.expected_end.saturating_since(view.now) > ms(2);
            let running = view.runs().filter(|run| run.from.quantum == 0 && early(run));
            let has_begun = running.filter(|run| run.started < view.now);
            out.extend(has_begun.map(|run| Decision::Preempt { run: run.id, mode }).take(1));
            self.preempts = None;
        }
        Ok(())
    }

    fn boxed_clone(&self) -> Option<Box<dyn Policy>> {
        Some(Box::new(self.clone()))
    }
}

/// A policy that never decides anything.
pub fn idle() -> impl Policy + 'static {
    deciding(|_, _| {})
}

/// The accelerator at a position.
pub fn accelerator(index: usize) -> AcceleratorId {
    AcceleratorId::new(index)
}
