//! Windows as tests write them; times are picoseconds, energies femtojoules.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use std::sync::Arc;

use rtmm_bounds::{Accelerator, Chain, Cost, Job, JobIndex, Layer, Window};
use rtmm_hardware::Energy;
use rtmm_workload::{Duration, Time};

pub(crate) fn at(picoseconds: u64) -> Time {
    Time::from_picoseconds(picoseconds)
}

pub(crate) fn cost(time: u64, energy: u64) -> Option<Cost> {
    Some(Cost::new(Duration::from_picoseconds(time), Energy::from_femtojoules(energy)))
}

/// A layer that takes these times, and as much energy.
pub(crate) fn layer(times: &[u64]) -> Layer {
    Layer { on: times.iter().map(|time| cost(*time, *time)).collect() }
}

pub(crate) fn chain(network: usize, layers: Vec<Layer>) -> Arc<Chain> {
    Arc::new(Chain { network, layers })
}

pub(crate) fn job(release: u64, deadline: u64, chain: Arc<Chain>) -> Job {
    Job {
        name: format!("{release}-{deadline}"),
        release: at(release),
        deadline: at(deadline),
        weight: 1,
        needs: Vec::new(),
        chains: vec![chain],
    }
}

/// The job, behind others.
pub(crate) fn behind(job: Job, needs: &[usize]) -> Job {
    Job { needs: needs.iter().copied().map(JobIndex::new).collect(), ..job }
}

pub(crate) fn accelerators(count: usize) -> Vec<Accelerator> {
    (0..count).map(|index| Accelerator::named(&format!("a{index}"))).collect()
}

pub(crate) fn window(accelerators_: usize, jobs: Vec<Job>) -> Window {
    Window::new(accelerators(accelerators_), jobs).expect("a window")
}
