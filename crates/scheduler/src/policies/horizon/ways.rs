//! Ways through models on which each layer runs on the accelerator that is fastest for it.

use rtmm_hardware::AcceleratorId;
use rtmm_workload::ModelId;

use crate::view::View;

/// A layer of a model where it is fastest, with all that follows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub on: usize,
    pub latency: u64,
    /// Latency and energy of this layer and all that follow, each where it is fastest.
    pub left: u64,
    pub energy: u64,
}

/// Ways through a model by the fastest accelerators.
#[derive(Clone, Debug, Default)]
struct Way {
    steps: Vec<Step>,
    /// A row a layer, a column an accelerator: latency of the layers from there on that are fastest on it.
    shares: Vec<u64>,
}

/// Ways through all models; of equal accelerators the one that takes less energy, then the one that the platform states first.
#[derive(Clone, Debug, Default)]
pub(super) struct Ways {
    models: Vec<Way>,
    accelerators: usize,
}

impl Ways {
    /// Looks all layers up, at the nominal points. None where a move is not free.
    pub(super) fn new(view: &View<'_>) -> Self {
        let accelerators = view.accelerators.len();
        if view.profile.has_transfers() || accelerators < 2 {
            return Self::default();
        }
        let models = (0..view.profile.models()).map(|model| Way::new(view, ModelId::new(model))).collect();
        Self { models, accelerators }
    }

    /// All layers from one on.
    pub(super) fn steps(&self, model: ModelId, layer: u32) -> &[Step] {
        self.models.get(model.index()).and_then(|way| way.steps.get(layer as usize..)).unwrap_or_default()
    }

    /// The least latency of everything from a layer on; none where there is no way.
    pub(super) fn left(&self, model: ModelId, layer: u32) -> Option<u64> {
        self.steps(model, layer).first().map(|step| step.left)
    }

    /// The accelerator that a layer is fastest on.
    pub(super) fn on(&self, model: ModelId, layer: u32) -> Option<usize> {
        self.steps(model, layer).first().map(|step| step.on)
    }

    /// Latency of everything from a layer on, by accelerator.
    pub(super) fn shares(&self, model: ModelId, layer: u32) -> &[u64] {
        let first = layer as usize * self.accelerators;
        let way = self.models.get(model.index());
        way.and_then(|way| way.shares.get(first..first + self.accelerators)).unwrap_or_default()
    }
}

impl Way {
    fn new(view: &View<'_>, model: ModelId) -> Self {
        let profile = view.profile;
        let layers = profile.layers(model) as usize;
        let width = view.accelerators.len();
        let mut way = Self { steps: Vec::with_capacity(layers), shares: vec![0; layers * width] };
        for layer in (0..layers as u32).rev() {
            let cost = |on: usize| {
                let class = profile.whole(AcceleratorId::new(on));
                let latency = profile.latency(model, layer, class).picoseconds();
                (latency, profile.energy(model, layer, class).total().femtojoules(), on)
            };
            let can = |on: &usize| profile.runs(model, layer, AcceleratorId::new(*on));
            let Some((latency, energy, on)) = (0..width).filter(can).map(cost).min() else {
                return Self::default();
            };
            let (left, energy_left) = way.steps.last().map_or((0, 0), |next| (next.left, next.energy));
            let (left, energy) = (left.saturating_add(latency), energy_left.saturating_add(energy));
            way.steps.push(Step { on, latency, left, energy });
            let row = layer as usize * width;
            if layer as usize + 1 < layers {
                way.shares.copy_within(row + width..row + 2 * width, row);
            }
            way.shares[row + on] = way.shares[row + on].saturating_add(latency);
        }
        way.steps.reverse();
        way
    }
}
