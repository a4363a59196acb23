//! Support: which layers an accelerator runs, as it has costs for them and jobs are allowed on it.
//!
//! An accelerator runs a layer if it has a cost for it with all of its units and with each number of them that a run may
//! hold, so that a run can be resized wherever it stands. Accelerators are of one *group* if they run the same layers of the
//! same models; the classes of one group are no others'.

use rtmm_workload::{LayerId, ModelId};

use super::{Class, IsolatedCosts};
use crate::cost_table::CostTable;
use crate::ids::{AcceleratorId, ClassId, ConfigurationId};
use crate::platform::Platform;

/// A model as the jobs of tasks run it that may not run on every accelerator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinnedModel {
    /// The model whose costs it has.
    pub network: ModelId,
    /// By accelerator: true if jobs may run there.
    pub may_use: Vec<bool>,
}

/// Groups of accelerators, and what each runs of all models.
#[derive(Clone, Debug)]
pub(super) struct Support {
    /// By accelerator.
    pub of_accelerators: Vec<u32>,
    /// By group: its first accelerator, and the configurations of that.
    groups: Vec<(AcceleratorId, Vec<ConfigurationId>)>,
    /// A row a layer, a column a group: the first layer at or after it that the group does not run. Empty where every
    /// accelerator runs every layer.
    until: Vec<u32>,
}

impl Support {
    /// Groups of the accelerators of a platform; of models nothing is known yet. Without layers that any of them lacks, and
    /// without pins, all are of one group.
    pub(super) fn new(platform: &Platform, table: &CostTable, pinned: &[PinnedModel]) -> Self {
        let mut support = Self { of_accelerators: Vec::new(), groups: Vec::new(), until: Vec::new() };
        for (index, accelerator) in platform.accelerators.iter().enumerate() {
            let own: Vec<ConfigurationId> =
                accelerator.configurations().map(|(_, configuration)| configuration).collect();
            let is_of = |(first, configurations): &(AcceleratorId, Vec<ConfigurationId>)| {
                (!table.lacks_any() || *configurations == own)
                    && pinned.iter().all(|one| one.may_use[first.index()] == one.may_use[index])
            };
            let known = support.groups.iter().position(is_of);
            let group = known.unwrap_or_else(|| {
                support.groups.push((AcceleratorId::new(index), own));
                support.groups.len() - 1
            });
            support.of_accelerators.push(group as u32);
        }
        support
    }

    /// Adds the layers of a model: by layer, then group, whether the group runs it.
    fn add(&mut self, runs: &[bool]) {
        let (width, first) = (self.groups.len(), self.until.len());
        let layers = runs.len() / width.max(1);
        self.until.resize(first + runs.len(), layers as u32);
        for layer in (0..layers).rev() {
            for group in 0..width {
                let cell = layer * width + group;
                let after = if layer + 1 < layers { self.until[first + cell + width] } else { layers as u32 };
                self.until[first + cell] = if runs[cell] { after } else { layer as u32 };
            }
        }
    }
}

impl IsolatedCosts {
    /// Learns what accelerators run of all models, of so many layers each. Where they run everything nothing is kept, and
    /// looking it up takes one comparison.
    pub(super) fn add_support(&mut self, layers: impl Iterator<Item = usize>) {
        let mut is_whole = true;
        for (model, layers) in layers.enumerate() {
            let runs: Vec<bool> =
                (0..layers).flat_map(|layer| self.runs(ModelId::new(model), layer)).collect();
            is_whole &= runs.iter().all(|runs| *runs);
            self.support.add(&runs);
        }
        if is_whole {
            self.support.until = Vec::new();
        }
    }

    /// By group: whether it runs a layer.
    fn runs(&self, model: ModelId, layer: usize) -> Vec<bool> {
        let (network, layer) = (self.network(model), LayerId::new(layer));
        let of_group = |(first, configurations): &(AcceleratorId, Vec<ConfigurationId>)| {
            self.may_use(model, *first)
                && configurations.iter().all(|configuration| self.table.runs(network, layer, *configuration))
        };
        self.support.groups.iter().map(of_group).collect()
    }

    /// True if some accelerator does not run some layer, or jobs of some model may not run there.
    #[inline]
    #[must_use]
    pub fn is_partial(&self) -> bool {
        !self.support.until.is_empty()
    }

    /// True if a class runs a layer: its accelerators have a cost for it, and jobs of the model may run there.
    #[inline]
    #[must_use]
    pub fn supports(&self, model: ModelId, layer: u32, class: ClassId) -> bool {
        !self.is_partial() || self.until(model, layer, class) > layer
    }

    /// The first layer at or after `layer` that a class does not run; the number of layers where it runs all of them.
    #[must_use]
    pub fn supported_until(&self, model: ModelId, layer: u32, class: ClassId) -> u32 {
        let layers = self.layers(model);
        if !self.is_partial() || layer >= layers { layers } else { self.until(model, layer, class) }
    }

    fn until(&self, model: ModelId, layer: u32, class: ClassId) -> u32 {
        self.until_in(model, layer, self.class(class))
    }

    fn until_in(&self, model: ModelId, layer: u32, class: &Class) -> u32 {
        let row = self.models[model.index()].first + layer as usize;
        self.support.until[row * self.support.groups.len() + class.group as usize]
    }

    /// [`IsolatedCosts::supports`] of a class that is at hand.
    pub(super) fn runs_in(&self, model: ModelId, layer: u32, class: &Class) -> bool {
        !self.is_partial() || self.until_in(model, layer, class) > layer
    }

    /// The classes of one inference at the nominal points that run a layer, in the order of their indices.
    pub fn supporting(&self, model: ModelId, layer: u32) -> impl Iterator<Item = ClassId> {
        self.nominal_classes().filter(move |class| self.supports(model, layer, *class))
    }

    /// True if jobs of a model may run on an accelerator, whichever of its layers that runs.
    #[must_use]
    pub fn may_use(&self, model: ModelId, accelerator: AcceleratorId) -> bool {
        let pinned = model.index().checked_sub(self.networks).and_then(|index| self.pinned.get(index));
        pinned.is_none_or(|pinned| pinned.may_use[accelerator.index()])
    }

    /// The model whose costs a model has, and that an accelerator has run when it ran it: itself, unless it is pinned.
    #[inline]
    #[must_use]
    pub fn network(&self, model: ModelId) -> ModelId {
        match model.index().checked_sub(self.networks) {
            None => model,
            Some(index) => self.pinned[index].network,
        }
    }

    /// The model that units hold once they ran a model: its [network](Self::network), and of one that runs layer variants the one
    /// whose layers they are variants of, since the same tensors go in and out.
    #[inline]
    #[must_use]
    pub fn held(&self, model: ModelId) -> ModelId {
        self.held[model.index()]
    }
}
