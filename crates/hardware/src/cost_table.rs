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
        let (distinct, rows) = distinct_layers(&layers);
        let width = platform.configurations.len();
        let columns: Vec<Vec<Result<Work, CostError>>> = platform
            .configurations
            .iter()
            .map(|configuration| {
                let cost_model = configuration.cost_model.as_ref();
                // Whoever looks costs up by name is asked for every layer.
                let asked = if cost_model.depends_on_shape_only() { &distinct } else { &layers };
                asked.par_iter().map(|layer| cost_model.work(*layer, Condition::Profile)).collect()
            })
            .collect();
        let mut missing = Vec::new();
        let mut work = Vec::with_capacity(layers.len() * width);
        for (position, (layer, row)) in layers.iter().zip(rows).enumerate() {
            for (configuration, column) in platform.configurations.iter().zip(&columns) {
                let by_shape = configuration.cost_model.depends_on_shape_only();
                match &column[if by_shape { row } else { position }] {
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
        let starts = models.iter().scan(0, |next, model| {
            let start = *next;
            *next += model.layers.len();
            Some(start)
        });
        debug!(
            layers = layers.len(),
            distinct = distinct.len(),
            configurations = width,
            "cost table computed"
        );
        Ok(Self { configurations: width, starts: starts.collect(), work })
    }

    /// The work of one layer on one configuration.
    #[must_use]
    pub fn work(&self, model: ModelId, layer: LayerId, configuration: ConfigurationId) -> &Work {
        let row = self.starts[model.index()] + layer.index();
        &self.work[row * self.configurations + configuration.index()]
    }
}

/// Layers of distinct shapes, and for each layer the one of them that has its shape.
fn distinct_layers<'l>(layers: &[LayerOf<'l>]) -> (Vec<LayerOf<'l>>, Vec<usize>) {
    let mut distinct = Vec::new();
    let mut known = BTreeMap::new();
    let rows = layers.iter().map(|layer| {
        *known.entry((&layer.layer.operator, &layer.layer.published)).or_insert_with(|| {
            distinct.push(*layer);
            distinct.len() - 1
        })
    });
    let rows = rows.collect();
    (distinct, rows)
}

/// A layer by itself, for callers that have no model.
impl<'l> From<&'l Layer> for LayerOf<'l> {
    fn from(layer: &'l Layer) -> Self {
        Self { model: "", layer }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Mode;
    use crate::load;
    use rtmm_workload::input::Source;
    use rtmm_workload::{Legality, load as workload};

    #[test]
    fn every_entry_is_what_the_cost_model_says() {
        let workload = workload::workload("xrbench/vr_gaming", None, Legality::Strict).expect("built in");
        let platform =
            load::platform("xrbench/quad_4k_ws_os_ws_os", None, Mode::Corrected).expect("built in");
        assert_eq!(platform.configurations.len(), 2, "identical accelerators share a configuration");
        let table = CostTable::new(&platform, &workload.models).expect("all layers fit");
        for (model, of) in workload.models.iter().enumerate() {
            for (position, layer) in of.layers.iter().enumerate() {
                for (index, configuration) in platform.configurations.iter().enumerate() {
                    let expected = configuration
                        .cost_model
                        .work(LayerOf { model: &of.name, layer }, Condition::Profile)
                        .expect("the layer fits");
                    let (model, layer) = (ModelId::new(model), LayerId::new(position));
                    assert_eq!(*table.work(model, layer, ConfigurationId::new(index)), expected);
                }
            }
        }
    }

    #[test]
    fn every_layer_without_a_cost_is_named() {
        let text = "source = \"a test\"\n[[accelerator]]\nname = \"a\"\nmodel = \"maestro\"\n\
                    dataflow = \"WS\"\npes = 256\nnoc_bandwidth = 16\nl1_bytes = 20\n";
        let platform = load::platform_of(&Source::new("test", text), Mode::Corrected).expect("a platform");
        let model = workload::model("xrbench/kd_res8_narrow", None, Legality::Strict).expect("built in");
        let missing = CostTable::new(&platform, &[model]).expect_err("L1 is too small for a 3x3 filter");
        let names: Vec<&str> = missing.iter().map(|one| one.layer.as_str()).collect();
        assert_eq!(names, ["conv1", "conv2", "conv3", "conv4", "conv5", "conv6", "conv7"]);
        assert!(matches!(missing[0].reason, CostError::BufferTooSmall { buffer: "L1", .. }));
    }

    /// Joining neighbours renames data; whatever the model, it costs nothing.
    #[test]
    fn renaming_data_costs_nothing() {
        let text = "source = \"a test\"\ninput = [8, 10, 10]\nlayer = [\n\
                    { name = \"a\", operator = \"activation\" },\n\
                    { name = \"both\", operator = \"concatenate\", input = [\"input\", \"a\"] } ]\n";
        let model = workload::model_of(&Source::new("test", text), Legality::Strict).expect("a model");
        for accelerator in [
            r#"{ model = "maestro", dataflow = "WS", pes = 256, noc_bandwidth = 16, dram_bandwidth = 1 }"#,
            r#"{ model = "systolic", dataflow = "os", rows = 8, cols = 8, dram_bandwidth = 1 }"#,
        ] {
            let decoded =
                load::accelerator(accelerator, load::DEFAULT_CLOCK_HZ, Mode::Corrected).expect("sound");
            let work = |layer: &Layer| {
                decoded.cost_model.work(LayerOf::from(layer), Condition::Profile).expect("a cost")
            };
            assert!(!work(&model.layers[0]).latency().is_zero(), "{accelerator}");
            let joined = work(&model.layers[1]);
            assert_eq!((joined.latency().picoseconds(), joined.energy.total()), (0, 0.0), "{accelerator}");
        }
    }
}
