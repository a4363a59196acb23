//! Layers without a cost: which accelerator does not run which, and why.

use rtmm_workload::{LayerId, Model, ModelId};
use thiserror::Error;

use super::CostTable;
use crate::cost::CostError;
use crate::ids::ConfigurationId;
use crate::platform::{Accelerator, Platform};

/// A layer that none of the accelerators runs that it may use.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("layer `{layer}` of model `{model}` {}", reasons(.lacks))]
pub struct NoCost {
    /// Name of the model.
    pub model: String,
    /// Name of the layer.
    pub layer: String,
    /// The accelerators with their reasons.
    pub lacks: Vec<Lack>,
}

/// Why accelerators that are alike do not run a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Lack {
    /// Their names.
    pub accelerators: Vec<String>,
    /// Label of the configuration that has no cost for it.
    pub configuration: String,
    /// The reason.
    pub reason: CostError,
}

fn reasons(lacks: &[Lack]) -> String {
    match lacks {
        [Lack { configuration, reason, .. }] => format!("cannot run on `{configuration}`: {reason}"),
        _ => {
            let of_one = |Lack { accelerators, configuration, reason }: &Lack| {
                format!("`{}` ({configuration}): {reason}", accelerators.join("`, `"))
            };
            let all: Vec<String> = lacks.iter().map(of_one).collect();
            format!("cannot run on any accelerator: {}", all.join("; "))
        }
    }
}

impl CostTable {
    /// Layers that no accelerator runs, each with the reasons of all.
    pub(super) fn layers_without_accelerator(&self, platform: &Platform, models: &[Model]) -> Vec<NoCost> {
        if self.lacks.is_empty() {
            return Vec::new();
        }
        let all = |_: &Accelerator| true;
        let of_model = |(id, model): (usize, &Model)| {
            let missing = |layer| self.missing(platform, model, ModelId::new(id), LayerId::new(layer), all);
            (0..model.layers.len()).filter_map(missing).collect::<Vec<NoCost>>()
        };
        models.iter().enumerate().flat_map(of_model).collect()
    }

    /// The reasons why none of the accelerators of a platform that `may_use` allows runs a layer; none where one does.
    #[must_use]
    pub fn missing(
        &self,
        platform: &Platform,
        model: &Model,
        id: ModelId,
        layer: LayerId,
        may_use: impl Fn(&Accelerator) -> bool,
    ) -> Option<NoCost> {
        let mut lacks: Vec<Lack> = Vec::new();
        for accelerator in platform.accelerators.iter().filter(|accelerator| may_use(accelerator)) {
            let (configuration, reason) = self.lack(accelerator, id, layer)?;
            let label = &platform.configurations[configuration.index()].label;
            match lacks.iter_mut().find(|known| known.configuration == *label && known.reason == *reason) {
                Some(known) => known.accelerators.push(accelerator.name.clone()),
                None => lacks.push(Lack {
                    accelerators: vec![accelerator.name.clone()],
                    configuration: label.clone(),
                    reason: reason.clone(),
                }),
            }
        }
        let layer = model.layers[layer.index()].name.clone();
        Some(NoCost { model: model.name.clone(), layer, lacks })
    }

    /// True if a configuration has a cost for a layer.
    #[must_use]
    pub fn runs(&self, model: ModelId, layer: LayerId, configuration: ConfigurationId) -> bool {
        !self.lacks_any() || !self.lacks.contains_key(&self.cell(model, layer, configuration, 1))
    }

    /// True if some configuration has no cost for some layer.
    #[must_use]
    pub fn lacks_any(&self) -> bool {
        !self.lacks.is_empty()
    }

    /// The first configuration of an accelerator without a cost for a layer, with the reason; none where the accelerator
    /// runs it.
    #[must_use]
    pub fn lack(
        &self,
        accelerator: &Accelerator,
        model: ModelId,
        layer: LayerId,
    ) -> Option<(ConfigurationId, &CostError)> {
        accelerator.configurations().find_map(|(_, configuration)| {
            Some((configuration, self.lacks.get(&self.cell(model, layer, configuration, 1))?))
        })
    }
}
