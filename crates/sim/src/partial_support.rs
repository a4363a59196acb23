//! Accelerators that run only some of a model's layers, for people who check a platform.

use std::fmt;

use rtmm_hardware::AcceleratorId;
use rtmm_workload::{LayerId, ModelId};

use crate::system::System;

/// An accelerator that does not run all layers of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialSupport {
    /// Name of the accelerator.
    pub accelerator: String,
    /// Name of the model.
    pub model: String,
    /// The number of its layers that the accelerator runs.
    pub runs: usize,
    /// The number of all of its layers.
    pub layers: usize,
    /// The first layer that it does not run, and why.
    pub first: (String, String),
}

impl fmt::Display for PartialSupport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accelerator, model, runs, layers, first: (layer, reason) } = self;
        write!(f, "`{accelerator}` runs {runs} of {layers} layers of `{model}`, not `{layer}`: {reason}")
    }
}

impl System {
    /// The accelerators that do not run all layers of a model, by accelerator and model. Pins of tasks have no part in it.
    #[must_use]
    pub fn partial_support(&self) -> Vec<PartialSupport> {
        let accelerators = (0..self.platform.accelerators.len()).map(AcceleratorId::new);
        let models = || (0..self.models.len() - self.pinned.len()).map(ModelId::new);
        accelerators.flat_map(|one| models().filter_map(move |model| self.support(one, model))).collect()
    }

    /// None where an accelerator runs all layers of a model.
    fn support(&self, accelerator: AcceleratorId, id: ModelId) -> Option<PartialSupport> {
        let (of, model) = (&self.platform.accelerators[accelerator.index()], &self.models[id.index()]);
        let lack = |layer: usize| self.costs.table().lack(of, id, LayerId::new(layer));
        let mut lacking = (0..model.layers.len()).filter_map(|layer| Some((layer, lack(layer)?)));
        let (layer, (_, reason)) = lacking.next()?;
        Some(PartialSupport {
            accelerator: of.name.clone(),
            model: model.name.clone(),
            runs: model.layers.len() - 1 - lacking.count(),
            layers: model.layers.len(),
            first: (model.layers[layer].name.clone(), reason.to_string()),
        })
    }
}
