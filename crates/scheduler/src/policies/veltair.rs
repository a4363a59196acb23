//! Veltair's layer blocks, first come, first served, on whole accelerators.
//!
//! Source: Liu et al., *VELTAIR: Towards High-Performance Multi-tenant Deep Learning Services via Adaptive
//! Compilation and Scheduling*, ASPLOS 2022 (arXiv 2201.06212), as DREAM (Kim et al., ASPLOS 2023) takes it
//! for a baseline: blocks of layers in the order of arrival, without urgency and without energy.
//!
//! ```text
//! need of a layer = its latency in the mean over accelerators / its share of the relative deadline
//! share           = deadline x its multiply-accumulates / those of the model
//! threshold       = mean need of the model's layers x (1 + block_growth x max(0, live jobs / accelerators - 1))
//! ```
//!
//! A block ends where the next layer's need is on the other side of the threshold (a pivot layer); the more
//! jobs are live, the longer blocks become. Layers without multiply-accumulates belong to the block before.
//!
//! Deviations: Veltair's need is a number of cores of a processor, and a block gets as many; here a block
//! has an accelerator for itself, the fastest of those that are idle. Versions of layers for levels of
//! interference have no counterpart on accelerators that do not share caches. How the threshold follows the
//! load is this project's reading.

use rtmm_workload::parameters::{Parameters, Real, Schema};
use rtmm_workload::{ModelId, TaskId, Time};

use crate::decision::Extent;
use crate::estimator::seconds;
use crate::job::Job;
use crate::parts::{
    Composed, DecisionTime, DropRule, Governor, Granularity, Parts, Placement, PreemptionRule, Ranking,
    VariantChoice,
};
use crate::policy::Policy;
use crate::terms;
use crate::truth::Truth;
use crate::view::View;

const BLOCK_GROWTH: Real = Real::new(
    "block_growth",
    "how much the threshold of blocks grows with each live job an accelerator above one",
    1.0,
    0.0..=1e6,
);

/// The parameters of the policy.
#[must_use]
pub fn schema() -> Schema {
    Schema::of(&[
        &[&BLOCK_GROWTH],
        Placement::PARAMETERS,
        DropRule::PARAMETERS,
        VariantChoice::PARAMETERS,
        PreemptionRule::PARAMETERS,
        DecisionTime::PARAMETERS,
        Governor::PARAMETERS,
    ])
}

/// The order of release, in blocks.
#[derive(Clone, Debug)]
pub struct Veltair {
    growth: f64,
    /// By model: the need of each layer for a relative deadline of a second; none of one without
    /// multiply-accumulates.
    needs: Vec<Option<Needs>>,
}

#[derive(Clone, Debug)]
struct Needs {
    of_layer: Vec<Option<f64>>,
    mean: f64,
}

impl Veltair {
    /// The needs of all variants are learnt at the first decision.
    fn learn(&mut self, view: &View<'_>, model: ModelId) {
        if self.needs.len() <= model.index() {
            self.needs.resize(model.index() + 1, None);
        }
        if self.needs[model.index()].is_some() {
            return;
        }
        let (profile, layers) = (view.profile, view.profile.layers(model));
        let macs = |layer| profile.macs(model, layer) as f64;
        let all: f64 = (0..layers).map(macs).sum();
        let expectations = profile.expectations(crate::expectations::Knowledge::Pattern);
        let need = |layer| {
            let share = macs(layer) / all;
            (share > 0.0).then(|| seconds(expectations.mean_layer(model, layer)) / share)
        };
        let of_layer: Vec<Option<f64>> = (0..layers).map(need).collect();
        let known = of_layer.iter().flatten().count().max(1);
        let mean = of_layer.iter().flatten().sum::<f64>() / known as f64;
        self.needs[model.index()] = Some(Needs { of_layer, mean });
    }
}

impl Ranking for Veltair {
    type Key = (Time, Time, TaskId);

    fn begin(&mut self, view: &View<'_>) {
        if self.needs.is_empty() {
            for task in (0..view.tasks()).map(TaskId::new) {
                let task = view.task(task);
                self.learn(view, task.model);
                task.variants.iter().for_each(|variant| self.learn(view, *variant));
            }
        }
    }

    fn key(&self, _view: &View<'_>, _truth: Option<&Truth<'_>>, job: &Job) -> Self::Key {
        (job.release, job.arrival, job.task)
    }

    fn staying_key(&self, view: &View<'_>, truth: Option<&Truth<'_>>, job: &Job) -> Option<Self::Key> {
        Some(self.key(view, truth, job))
    }

    fn extent(&self, view: &View<'_>, job: &Job) -> Option<Extent> {
        let needs = self.needs.get(job.model.index())?.as_ref()?;
        let live = view.ready().len() + view.running().count();
        let load = terms::ratio(live as f64, view.accelerators.len() as f64);
        // The relative deadline divides needs and threshold alike.
        let threshold = needs.mean * (1.0 + self.growth * (load - 1.0).max(0.0));
        let from = job.progress.layer as usize;
        let side = |layer: usize| needs.of_layer[layer].map(|need| need > threshold);
        let mut of_block = side(from);
        for layer in from + 1..needs.of_layer.len() {
            match (of_block, side(layer)) {
                (Some(block), Some(next)) if block != next => {
                    let layers = u32::try_from(layer - from).unwrap_or(u32::MAX);
                    return Some(Extent::Layers(std::num::NonZeroU32::new(layers)?));
                }
                (None, next) => of_block = next,
                _ => {}
            }
        }
        Some(Extent::Rest)
    }
}

/// The policy with these parameters.
#[must_use]
pub fn build(parameters: &Parameters) -> Box<dyn Policy> {
    let veltair = Veltair { growth: parameters.read(&BLOCK_GROWTH), needs: Vec::new() };
    // Blocks say how much is dispatched.
    let parts = Parts { granularity: Granularity::Layer, ..Parts::read(parameters) };
    Box::new(Composed::new(veltair, parts))
}

#[cfg(test)]
mod tests {
    use crate::decision::Extent;
    use crate::fixture::{Fixture, TaskSketch};
    use crate::job::Progress;
    use crate::policies::{check, policy};

    #[test]
    fn a_block_ends_where_the_need_crosses_the_threshold() {
        for (latency_us, macs, first_layer, expected, why) in [
            // Each has a quarter of the deadline: needs 8, 8, 32 and 32 over the deadline, 20 in the mean.
            ([2, 2, 8, 8], [1, 1, 1, 1], 0, "a0>0:2", "two below"),
            ([2, 2, 8, 8], [1, 1, 1, 1], 1, "a0>0:1", "the second of two below"),
            ([2, 2, 8, 8], [1, 1, 1, 1], 2, "a0>0", "two above, to the end"),
            // Needs 8, 32, 8 and 32.
            ([2, 8, 2, 8], [1, 1, 1, 1], 0, "a0>0:1", "all change"),
            // Of equals none is above the mean.
            ([4, 4, 4, 4], [1, 1, 1, 1], 0, "a0>0", "all alike"),
            // Shares 1/2, 1/4, 1/8 and 1/8: needs 8, 16, 32 and 32, 22 in the mean.
            ([4, 4, 4, 4], [4, 2, 1, 1], 0, "a0>0:2", "by work"),
            // Needs 6, none, 24 and 24; 18 in the mean of three.
            ([2, 9, 8, 8], [1, 0, 1, 1], 0, "a0>0:2", "one without work belongs to the block before"),
            ([2, 9, 8, 8], [1, 0, 1, 1], 1, "a0>0", "and to the next where it comes first"),
            ([9, 2, 2, 8], [0, 1, 1, 1], 0, "a0>0:3", "none, 6, 6 and 24 of 12"),
            ([2, 8, 9, 9], [1, 1, 0, 0], 1, "a0>0", "at the end, too"),
            ([2, 8, 9, 9], [0, 0, 0, 0], 0, "a0>0", "nothing has any work"),
        ] {
            let rows = latency_us.map(|latency| [latency]);
            let rows: Vec<&[u64]> = rows.iter().map(|row| &row[..]).collect();
            let mut fixture = Fixture::new(&[TaskSketch::new("a", &rows).macs(&macs)]).unwrap();
            let job = fixture.ready(0, 0, 90);
            fixture.change(job, |job| job.progress = Progress::at(first_layer));
            assert_eq!(fixture.settle(policy("veltair", "").as_mut()), expected, "{why}");
        }
    }

    #[test]
    fn needs_count_in_the_mean_over_accelerators() {
        // Means of 2 and 3.5, though the first accelerator takes 3 for both: needs 4 and 7 of 5.5.
        let task = TaskSketch::new("a", &[&[3, 1], &[3, 4]]);
        let mut fixture = Fixture::new(&[task]).unwrap();
        fixture.ready(0, 0, 90);
        check(&fixture, "veltair", "", "a0>1:1");
        check(&fixture, "veltair", "placement=first-idle", "a0>0:1");
    }

    #[test]
    fn blocks_grow_with_the_jobs_that_are_live() {
        // Needs 8, 16, 32 and 40; 24 in the mean. Thresholds for one job, two and three on one accelerator:
        // 24, 24 (1 + growth), 24 (1 + 2 growth).
        for (jobs, growth, expected) in [
            (1, 1.0, "a0>0:2"),
            (2, 0.0, "a0>0:2"),
            (2, 0.25, "a0>0:2"),
            (2, 0.5, "a0>0:3"),
            (2, 1.0, "a0>0"),
            (3, 0.25, "a0>0:3"),
            (3, 0.5, "a0>0"),
        ] {
            let mut fixture = Fixture::new(&[TaskSketch::new("a", &[&[2], &[4], &[8], &[10]])]).unwrap();
            for _ in 0..jobs {
                fixture.ready(0, 0, 90);
            }
            check(&fixture, "veltair", &format!("block_growth={growth}"), expected);
        }
        // Two jobs, one of which runs, on two accelerators are one each; jobs that wait do not count.
        let mut fixture =
            Fixture::new(&[TaskSketch::new("a", &[&[2, 2], &[4, 4], &[8, 8], &[10, 10]])]).unwrap();
        let running = fixture.ready(0, 0, 90);
        fixture.run(running, 1, Extent::Rest);
        fixture.ready(0, 0, 90);
        fixture.waiting(0, 0, 90);
        fixture.waiting(0, 0, 90);
        check(&fixture, "veltair", "", "a1>0:2");
    }

    #[test]
    fn jobs_go_first_come_first_served_to_the_fastest_idle_accelerator() {
        let tasks = [TaskSketch::new("a", &[&[4, 2]]), TaskSketch::new("b", &[&[4, 1]])];
        let mut fixture = Fixture::new(&tasks).unwrap();
        // b0 is more urgent by far, and came second.
        fixture.ready(0, 0, 90);
        fixture.ready(1, 1, 2);
        check(&fixture, "veltair", "", "a0>1 b0>0");
    }

    #[test]
    fn a_lighter_network_has_blocks_of_its_own() {
        // The default has needs 8 and 24 of 16; the other one 4 and 4.
        let task = TaskSketch::new("a", &[&[4], &[12]]).variant(TaskSketch::new("light", &[&[2], &[2]]));
        let mut fixture = Fixture::new(&[task]).unwrap();
        fixture.ready(0, 0, 16);
        check(&fixture, "veltair", "variants=largest-that-fits", "a0/0>0:1");
        fixture.set_now(1);
        check(&fixture, "veltair", "variants=largest-that-fits", "a0/1>0");
    }
}
