//! Patterns: a job that runs one of its chains, each layer on one kind of accelerator, complete by a target.

use super::{Interval, Relaxation};

/// A way to run a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    pub job: usize,
    pub target: usize,
    pub chain: usize,
    /// By layer: its kind of accelerator.
    pub kinds: Vec<u8>,
    /// By kind, then layer and the end: the time of the layers before on the kind.
    before: Vec<Vec<u64>>,
    /// The time of all layers, in picoseconds, and their energy, in femtojoules.
    pub time: u64,
    pub energy: u64,
}

impl Pattern {
    pub(crate) fn new(
        relaxation: &Relaxation,
        job: usize,
        target: usize,
        chain: usize,
        kinds: Vec<u8>,
    ) -> Self {
        let of = &relaxation.jobs[job].chains[chain];
        let count = relaxation.kinds.count();
        let mut before = vec![vec![0_u64; of.layers + 1]; count];
        let (mut time, mut energy) = (0_u64, 0_u64);
        for (layer, on) in kinds.iter().enumerate() {
            let (of_time, of_energy) = of.costs[layer * count + usize::from(*on)].unwrap_or_default();
            for (kind, before) in before.iter_mut().enumerate() {
                let own = if kind == usize::from(*on) { of_time } else { 0 };
                before[layer + 1] = before[layer] + own;
            }
            time += of_time;
            energy = energy.saturating_add(of_energy);
        }
        Self { job, target, chain, kinds, before, time, energy }
    }

    /// The time that it takes of an interval.
    pub(super) fn load(&self, relaxation: &Relaxation, interval: &Interval) -> u64 {
        let job = &relaxation.jobs[self.job];
        let span = (job.release, job.targets[self.target]);
        let (first, behind) = job.chains[self.chain].layers_within(span, (interval.from, interval.to));
        self.time_between(interval.kind, first, behind)
    }

    /// The time of layers on a kind.
    pub(super) fn time_between(&self, kind: usize, first: usize, behind: usize) -> u64 {
        self.before[kind][behind] - self.before[kind][first]
    }
}
