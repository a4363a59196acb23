//! Cost tables: the work of every layer on every configuration, computed once.

use std::collections::BTreeMap;

use rayon::prelude::*;
use rtmm_workload::{Layer, LayerId, Model, ModelId};
use thiserror::Error;
use tracing::debug;

use crate::cost::{Condition, CostError, LayerOf, Work};
use crate::platform::{ConfigurationId, Platform};

/// The work of each (model, layer, configuration), in one flat array.
#[derive(Clone, Debug, PartialEq)]
pub struct CostTable {
    configurations: usize,
    /// Position of the first layer of each model, counted in layers.
    starts: Vec<usize>,
    /// Layer-major: all configurations of a layer stand together.
    work: Vec<Work>,
}

/// A layer that cannot run on a configuration.
#[derive(Clone, Debug, Error, PartialEq)]
#[error("layer `{layer}` of model `{model}` cannot run on `{configuration}`: {reason}")]
pub struct NoCost {
    /// Name of the model.
    pub model: String,
    /// Name of the layer.
    pub layer: String,
    /// Label of the configuration.
    pub configuration: String,
    /// Why.
    #[source]
    pub reason: CostError,
}

impl CostTable {
    /// Computes the table for `models` on `platform`, in parallel, each distinct shape once.
    ///
    /// # Errors
    /// Every pair of layer and configuration that has no cost, in the order of models and layers.
    pub fn new(platform: &Platform, models: &[Model]) -> Result<Self, Vec<NoCost>> {
        let layers: Vec<LayerOf<'_>> = models
            .iter()
            .flat_map(|model| model.layers.iter().map(|layer| LayerOf { model: &model.name, layer }))
            .collect();
        let columns: Vec<Vec<Result<Work, CostError>>> = platform
            .configurations
            .par_iter()
            .map(|configuration| {
                let cost_model = configuration.cost_model.as_ref();
                if !cost_model.depends_on_shape_only() {
                    return layers.iter().map(|layer| cost_model.work(*layer, Condition::Profile)).collect();
                }
                let mut known: BTreeMap<&rtmm_workload::Operator, Result<Work, CostError>> = BTreeMap::new();
                layers
                    .iter()
                    .map(|layer| {
                        known
                            .entry(&layer.layer.operator)
                            .or_insert_with(|| cost_model.work(*layer, Condition::Profile))
                            .clone()
                    })
                    .collect()
            })
            .collect();
        let mut missing = Vec::new();
        let mut work = Vec::with_capacity(layers.len() * columns.len());
        for (index, layer) in layers.iter().enumerate() {
            for (configuration, column) in platform.configurations.iter().zip(&columns) {
                match &column[index] {
                    Ok(cost) => work.push(*cost),
                    Err(reason) => missing.push(NoCost {
                        model: layer.model.to_owned(),
                        layer: layer.layer.name.clone(),
                        configuration: configuration.label.clone(),
                        reason: reason.clone(),
                    }),
                }
            }
        }
        if !missing.is_empty() {
            return Err(missing);
        }
        let mut starts = Vec::with_capacity(models.len());
        let mut start = 0;
        for model in models {
            starts.push(start);
            start += model.layers.len();
        }
        debug!(layers = layers.len(), configurations = platform.configurations.len(), "cost table computed");
        Ok(Self { configurations: platform.configurations.len(), starts, work })
    }

    /// The work of one layer on one configuration.
    #[must_use]
    pub fn work(&self, model: ModelId, layer: LayerId, configuration: ConfigurationId) -> &Work {
        let row = self.starts[model.index()] + layer.index();
        &self.work[row * self.configurations + configuration.index()]
    }
}

/// A layer by itself, for callers that have no model.
impl<'l> From<&'l Layer> for LayerOf<'l> {
    fn from(layer: &'l Layer) -> Self {
        Self { model: "", layer }
    }
}
