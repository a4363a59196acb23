//! Kinds of accelerators: those on which every layer costs the same do their work together.

use rtmm_hardware::AcceleratorId;

use super::RelaxedChain;
use crate::window::{Chain, Layer, Window};

/// The kinds of a window's accelerators.
#[derive(Clone, Debug)]
pub(crate) struct Kinds {
    members: Vec<Vec<AcceleratorId>>,
}

impl Kinds {
    pub(super) fn of(window: &Window) -> Self {
        let layers = || window.jobs().iter().flat_map(|job| &job.chains).flat_map(|chain| &chain.layers);
        let cost =
            |layer: &Layer, on: AcceleratorId| layer.on[on.index()].map(|cost| (cost.time, cost.energy));
        let mut members: Vec<Vec<AcceleratorId>> = Vec::new();
        for on in window.accelerator_ids() {
            let alike =
                members.iter_mut().find(|kind| layers().all(|layer| cost(layer, kind[0]) == cost(layer, on)));
            match alike {
                Some(kind) => kind.push(on),
                None => members.push(vec![on]),
            }
        }
        Self { members }
    }

    /// Number of kinds.
    pub(super) fn count(&self) -> usize {
        self.members.len()
    }

    /// Number of accelerators of a kind.
    pub(super) fn size(&self, kind: usize) -> u64 {
        self.members[kind].len() as u64
    }

    /// The kind of an accelerator.
    pub(crate) fn kind_of(&self, on: AcceleratorId) -> u8 {
        self.members.iter().position(|kind| kind.contains(&on)).unwrap_or(0) as u8
    }

    /// The accelerators of a kind.
    pub(super) fn members(&self, kind: usize) -> &[AcceleratorId] {
        &self.members[kind]
    }

    pub(super) fn chain(&self, chain: &Chain) -> RelaxedChain {
        let of_kinds = |layer: &Layer| {
            let costs = self.members.iter().map(|kind| layer.on[kind[0].index()]);
            let pair = |cost: crate::Cost| (cost.time.picoseconds(), cost.energy.femtojoules());
            costs.map(|cost| cost.map(pair)).collect::<Vec<_>>()
        };
        let costs: Vec<Option<(u64, u64)>> = chain.layers.iter().flat_map(of_kinds).collect();
        let fastest = costs.chunks(self.count()).map(|of_layer| {
            // Windows refuse layers that run nowhere.
            of_layer.iter().flatten().map(|(time, _)| *time).min().unwrap_or(0)
        });
        let (mut head, mut before) = (Vec::with_capacity(chain.layers.len()), 0_u64);
        let mut times = Vec::with_capacity(chain.layers.len());
        for time in fastest {
            head.push(before);
            times.push(time);
            before += time;
        }
        let tail = head.iter().zip(&times).map(|(head, time)| before - head - time).collect();
        RelaxedChain { layers: chain.layers.len(), costs, head, tail, least: before }
    }
}
