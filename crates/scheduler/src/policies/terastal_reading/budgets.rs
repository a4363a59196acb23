//! Virtual budgets: a share of its job's relative deadline for each layer, fixed before anything runs.
//!
//! ```text
//! budget(i) = D reference(i) / sum of reference        virtual deadline of layer i = arrival + budgets up to i
//! reference = by `budgets`: the layer's latency where it is fastest; in the mean over accelerators; or by load:
//!             p fastest + (1 - p) mean of the others,  p = min(1, 1 / load of the accelerator where it is fastest)
//! load(a)   = sum over tasks of the latencies on a of the layers that are fastest there / period
//! ```
//!
//! All of it is this project's: the publication says that budgets regard heterogeneity, and not how. By load, a layer whose
//! fastest accelerator is asked for more than it has time for is planned to run on others as often as there is no time there.

use rtmm_hardware::AcceleratorId;
use rtmm_workload::parameters::Choice;
use rtmm_workload::{Duration, ModelId, TaskId, Time};

use crate::job::Job;
use crate::view::View;

/// The latency that budgets are in proportion to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    Fastest,
    Mean,
    ByLoad,
}

/// `budgets`.
pub(super) const BUDGETS: Choice<Option<Reference>> = Choice::new(
    "budgets",
    "the latency of layers that their shares of the deadline are in proportion to; none: a layer is due with its job",
    Some(Reference::ByLoad),
    &[
        ("fastest", Some(Reference::Fastest)),
        ("mean", Some(Reference::Mean)),
        ("by-load", Some(Reference::ByLoad)),
        ("none", None),
    ],
);

/// The parts that a whole is counted in.
const WHOLE: u128 = 1 << 16;

/// Budgets of all tasks.
#[derive(Clone, Debug)]
pub(super) struct Budgets {
    reference: Option<Reference>,
    /// By task: the sum of the references of its model's layers before each, and of all.
    before: Vec<Vec<u128>>,
}

impl Budgets {
    pub(super) const fn new(reference: Option<Reference>) -> Self {
        Self { reference, before: Vec::new() }
    }

    /// Learns of the tasks, at the first look at them: of the model that each runs without variants.
    pub(super) fn begin(&mut self, view: &View<'_>, models: &[ModelId]) {
        let Some(reference) = self.reference.filter(|_| self.before.len() != models.len()) else { return };
        let loads = match reference {
            Reference::ByLoad => loads(view, models),
            Reference::Fastest | Reference::Mean => Vec::new(),
        };
        let of_model = |model: &ModelId| {
            let mut before = vec![0];
            let mut sum = 0_u128;
            for layer in 0..view.profile.layers(*model) {
                sum += of_layer(view, *model, layer, reference, &loads);
                before.push(sum);
            }
            before
        };
        self.before = models.iter().map(of_model).collect();
    }

    /// When a job's next layer is due.
    pub(super) fn due(&self, job: &Job) -> Time {
        let Some(before) = self.before.get(job.task.index()) else { return job.deadline };
        let through = before.get(job.progress.layer as usize + 1).or(before.last());
        let (Some(through), Some(all)) = (through, before.last().filter(|all| **all > 0)) else {
            return job.deadline;
        };
        let span = u128::from(job.deadline.saturating_since(job.arrival).picoseconds());
        let budget = u64::try_from(span * through / all).unwrap_or(u64::MAX);
        job.arrival.saturating_add(Duration::from_picoseconds(budget))
    }
}

/// Latencies of a layer in picoseconds, by accelerator that runs it.
fn latencies(view: &View<'_>, model: ModelId, layer: u32) -> impl Iterator<Item = (usize, u128)> {
    let profile = view.profile;
    let all = (0..profile.accelerators()).map(AcceleratorId::new);
    let running = all.filter(move |on| profile.runs(model, layer, *on));
    running.map(move |on| {
        let latency = profile.latency(model, layer, profile.whole(on));
        (on.index(), u128::from(latency.picoseconds()))
    })
}

/// By accelerator: how much of its time the layers ask for that are fastest there, in parts of a whole.
fn loads(view: &View<'_>, models: &[ModelId]) -> Vec<u128> {
    let mut loads = vec![0; view.profile.accelerators()];
    for (task, model) in models.iter().enumerate() {
        let of_task = view.task(TaskId::new(task));
        let period = of_task.period.map(|period| period.duration()).or(of_task.deadline);
        let Some(period) = period.filter(|period| !period.is_zero()) else { continue };
        for layer in 0..view.profile.layers(*model) {
            // Of equal ones the first.
            if let Some((on, latency)) = latencies(view, *model, layer).min_by_key(|(_, latency)| *latency) {
                loads[on] += latency * WHOLE / u128::from(period.picoseconds());
            }
        }
    }
    loads
}

fn of_layer(view: &View<'_>, model: ModelId, layer: u32, reference: Reference, loads: &[u128]) -> u128 {
    let all = || latencies(view, model, layer);
    let Some((on, fastest)) = all().min_by_key(|(_, latency)| *latency) else { return 0 };
    let mean = |of: &mut dyn Iterator<Item = u128>| {
        let (sum, count) = of.fold((0, 0), |(sum, count), latency| (sum + latency, count + 1));
        sum.checked_div(count).unwrap_or(fastest)
    };
    match reference {
        Reference::Fastest => fastest,
        Reference::Mean => mean(&mut all().map(|(_, latency)| latency)),
        Reference::ByLoad => {
            let others = mean(&mut all().filter(|(other, _)| *other != on).map(|(_, latency)| latency));
            let load = loads.get(on).copied().unwrap_or(0).max(WHOLE);
            let there = WHOLE * WHOLE / load;
            (there * fastest + (WHOLE - there) * others) / WHOLE
        }
    }
}
