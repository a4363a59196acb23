//! Cost tables: the work of every layer on every configuration, computed once.
//!
//! A layer of a model with recorded samples has the work of each of them, where the configuration's cost
//! depends on the input; what stands for the layer as a whole is then their mean. A layer whose time varies from job to job
//! has the quantiles of it beside its work, which has their mean.
//!
//! Where accelerators run batches, there is a column for each number of inferences at once on each of their configurations. A
//! model has batches up to the largest that all of its layers have a cost for; one whose recorded inputs cost more or less
//! has none, since no input of a batch is like the others.

use std::collections::BTreeMap;

use rayon::prelude::*;
use rtmm_workload::{Duration, Layer, LayerId, Model, ModelId, SampleTrace};
use thiserror::Error;
use tracing::debug;

use crate::cost::{Condition, CostError, LayerOf, SHARED_LEVELS, Sparse, Work};
use crate::cost_model::CostModel;
use crate::energy::EnergyParts;
use crate::ids::ConfigurationId;
use crate::platform::{Configuration, Platform};
use crate::varying::{Correlation, Quantiles, Variation};

/// The work of each (model, layer, configuration, batch), in one flat array.
#[derive(Clone, Debug, PartialEq)]
pub struct CostTable {
    columns: Columns,
    /// Position of the first layer of each model, counted in layers.
    starts: Vec<usize>,
    /// Layer-major: all columns of a layer stand together. That of a batch which its model does not have is nothing.
    work: Vec<Work>,
    /// By model, then configuration: the largest batch.
    largest_batches: Vec<Vec<u32>>,
    /// By model, then configuration: a row a sample, a column a layer. None where every input costs the
    /// same.
    samples: Vec<Vec<Option<Vec<Work>>>>,
    /// In the same way: whether any layer of any sample takes energy.
    has_energy: Vec<Vec<bool>>,
    /// By configuration: the correlation of the layers of a job; none where every job takes the same.
    correlations: Vec<Option<Correlation>>,
    /// As `work`: none for a layer that takes the same for every job. Empty where all do.
    quantiles: Vec<Option<Quantiles>>,
}

/// Columns of the table: first the configurations with one inference, then the batches of each.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Columns {
    /// By configuration: the largest batch of the accelerators that it is of, and the column of a batch of two.
    batches: Vec<(u32, usize)>,
    count: usize,
}

impl Columns {
    fn of(platform: &Platform) -> Self {
        let mut largest = vec![1_u32; platform.configurations.len()];
        for accelerator in &platform.accelerators {
            for (_, configuration) in accelerator.configurations() {
                let known = &mut largest[configuration.index()];
                *known = accelerator.max_batch.max(*known);
            }
        }
        let mut count = largest.len();
        let batches = largest.into_iter().map(|largest| {
            let first = count;
            count += largest as usize - 1;
            (largest, first)
        });
        Self { batches: batches.collect(), count }
    }

    #[inline]
    fn of_batch(&self, configuration: ConfigurationId, batch: u32) -> usize {
        if batch <= 1 {
            return configuration.index();
        }
        let (largest, first) = self.batches[configuration.index()];
        first + batch.min(largest) as usize - 2
    }
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
        let columns_of = Columns::of(platform);
        let width = platform.configurations.len();
        let (samples, mut missing) = work_of_samples(platform, models);
        let means: Vec<Vec<Option<Vec<Work>>>> = samples
            .iter()
            .zip(models)
            .map(|(of_model, model)| {
                let mean = |works: &Vec<Work>| means(works, model.layers.len());
                of_model.iter().map(|works| works.as_ref().map(mean)).collect()
            })
            .collect();
        let places: Vec<(usize, usize)> = models
            .iter()
            .enumerate()
            .flat_map(|(model, of)| (0..of.layers.len()).map(move |layer| (model, layer)))
            .collect();
        // A pair whose samples were asked for is not asked for the cost of an unknown input.
        let is_sampled = |position: usize, configuration: usize| {
            let (model, _) = places[position];
            models[model].is_sampled() && platform.configurations[configuration].cost_model.depends_on_input()
        };
        let columns: Vec<Vec<Result<Work, CostError>>> = platform
            .configurations
            .iter()
            .map(|configuration| {
                let cost_model = configuration.cost_model.as_ref();
                // A cost model that looks costs up by name is asked for every layer.
                let asked = if cost_model.depends_on_shape_only() { &distinct } else { &layers };
                asked.par_iter().map(|layer| cost_model.work(*layer, Condition::Profile)).collect()
            })
            .collect();
        let batched = WorkOfBatches::new(platform, &columns_of, &layers, &distinct);
        let mut largest_batches: Vec<Vec<u32>> =
            vec![columns_of.batches.iter().map(|(largest, _)| *largest).collect(); models.len()];
        let mut work = Vec::with_capacity(layers.len() * columns_of.count);
        for (position, (layer, row)) in layers.iter().zip(rows).enumerate() {
            let largest = &mut largest_batches[places[position].0];
            for (index, (configuration, column)) in platform.configurations.iter().zip(&columns).enumerate() {
                if is_sampled(position, index) {
                    let (model, layer) = places[position];
                    largest[index] = 1;
                    work.extend(means[model][index].as_ref().map(|means| means[layer]));
                    continue;
                }
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
            batched.add_row(position, row, largest, &mut work);
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
        let has_energy = samples
            .iter()
            .map(|of_model| {
                let any = |works: &Vec<Work>| works.iter().any(|work| work.energy != EnergyParts::default());
                of_model.iter().map(|works| works.as_ref().is_none_or(any)).collect()
            })
            .collect();
        let correlations = correlations(platform);
        let quantiles = quantiles(platform, &columns_of, &layers);
        let (starts, columns) = (starts.collect(), columns_of);
        Ok(Self { columns, starts, work, largest_batches, samples, has_energy, correlations, quantiles })
    }

    /// The most inferences of a model that its accelerators can run at once on a configuration.
    #[must_use]
    pub fn largest_batch(&self, model: ModelId, configuration: ConfigurationId) -> u32 {
        self.largest_batches.get(model.index()).map_or(1, |of| of[configuration.index()])
    }

    /// The work of one layer of one recorded sample on one configuration: [`CostTable::work`] where every
    /// input costs the same.
    #[must_use]
    pub fn sample_work(
        &self,
        model: ModelId,
        sample: u32,
        layer: LayerId,
        configuration: ConfigurationId,
    ) -> &Work {
        let of_model = self.samples.get(model.index()).and_then(|of| of.get(configuration.index()));
        match of_model {
            Some(Some(works)) => {
                let layers = self.layers(model);
                &works[sample as usize * layers + layer.index()]
            }
            _ => self.work(model, layer, configuration),
        }
    }

    /// The correlation of the layers of a job on a configuration; none where no time varies.
    #[must_use]
    pub fn correlation(&self, configuration: ConfigurationId) -> Option<Correlation> {
        self.correlations.get(configuration.index()).copied().flatten()
    }

    /// The quantiles of the compute time of a layer on a configuration, in a batch of so many inferences; none where every job
    /// takes the same, or where samples say what it takes.
    #[must_use]
    pub fn quantiles(
        &self,
        model: ModelId,
        layer: LayerId,
        configuration: ConfigurationId,
        batch: u32,
    ) -> Option<&Quantiles> {
        let quantiles = self.quantiles.get(self.cell(model, layer, configuration, batch))?.as_ref();
        quantiles.filter(|_| !self.is_sampled(model, configuration))
    }

    /// True if inferences of a model differ by their samples on a configuration.
    #[must_use]
    pub fn is_sampled(&self, model: ModelId, configuration: ConfigurationId) -> bool {
        self.samples.get(model.index()).is_some_and(|of| of[configuration.index()].is_some())
    }

    /// True if any inference of a model takes energy on a configuration, as far as samples say.
    #[must_use]
    pub fn has_energy(&self, model: ModelId, configuration: ConfigurationId) -> bool {
        self.has_energy.get(model.index()).is_none_or(|of| of[configuration.index()])
    }

    fn layers(&self, model: ModelId) -> usize {
        let end = self.work.len() / self.columns.count.max(1);
        self.starts.get(model.index() + 1).copied().unwrap_or(end) - self.starts[model.index()]
    }

    /// The work of one layer on one configuration; of a model whose inferences differ, the mean over its
    /// samples, part by part.
    #[must_use]
    pub fn work(&self, model: ModelId, layer: LayerId, configuration: ConfigurationId) -> &Work {
        self.work_of_batch(model, layer, configuration, 1)
    }

    /// The work of one layer on one configuration for so many inferences at once, all of them together. It is nothing where
    /// the model has no such batch: see [`CostTable::largest_batch`].
    #[must_use]
    pub fn work_of_batch(
        &self,
        model: ModelId,
        layer: LayerId,
        configuration: ConfigurationId,
        batch: u32,
    ) -> &Work {
        &self.work[self.cell(model, layer, configuration, batch)]
    }

    fn cell(&self, model: ModelId, layer: LayerId, configuration: ConfigurationId, batch: u32) -> usize {
        let row = self.starts[model.index()] + layer.index();
        row * self.columns.count + self.columns.of_batch(configuration, batch)
    }
}

/// By configuration, then batch from two on: the work of each layer that was asked for; none for one without a cost.
struct WorkOfBatches(Vec<ColumnsOfBatches>);

struct ColumnsOfBatches {
    by_shape: bool,
    batches: Vec<Vec<Option<Work>>>,
}

impl WorkOfBatches {
    /// Asks every cost model for each shape, or each layer, in every batch, in parallel.
    fn new(platform: &Platform, columns: &Columns, layers: &[LayerOf<'_>], distinct: &[LayerOf<'_>]) -> Self {
        let of_configuration = |(configuration, (largest, _)): (&Configuration, &(u32, usize))| {
            let cost_model = configuration.cost_model.as_ref();
            let by_shape = cost_model.depends_on_shape_only();
            let asked = if by_shape { distinct } else { layers };
            let of_batch = |batch: u32| {
                let work =
                    |layer: &LayerOf<'_>| cost_model.work_of_batch(*layer, batch, Condition::Profile).ok();
                asked.par_iter().map(work).collect()
            };
            ColumnsOfBatches { by_shape, batches: (2..=*largest).map(of_batch).collect() }
        };
        Self(platform.configurations.iter().zip(&columns.batches).map(of_configuration).collect())
    }

    /// Adds the work of a layer, and lowers the largest batches of its model to those that it has a cost for.
    fn add_row(&self, position: usize, shape: usize, largest: &mut [u32], work: &mut Vec<Work>) {
        for (columns, largest) in self.0.iter().zip(largest) {
            let row = if columns.by_shape { shape } else { position };
            for (batch, of_batch) in (2..).zip(&columns.batches) {
                if of_batch[row].is_none() {
                    *largest = (*largest).min(batch - 1);
                }
                work.push(of_batch[row].unwrap_or(Work::NOTHING));
            }
        }
    }
}

/// By model, then configuration: the work of each layer of each sample; none where inputs make no
/// difference, or where a layer has no cost.
type SampleWork = Vec<Vec<Option<Vec<Work>>>>;

/// The work of each layer of each sample of a model on a configuration, or the first layer without one.
type PairWork = Result<Vec<Work>, (String, CostError)>;

/// The work of every recorded sample, in parallel, with the layers that have none.
fn work_of_samples(platform: &Platform, models: &[Model]) -> (SampleWork, Vec<NoCost>) {
    let of_pair = |model: &Model, samples: &SampleTrace, cost_model: &dyn CostModel| {
        let mut works = Vec::with_capacity(samples.len() * model.layers.len());
        for sample in 0..samples.len() {
            for (index, layer) in model.layers.iter().enumerate() {
                let of_sample = samples.at(sample, index);
                let condition = Condition::Sparse(Sparse {
                    weights: model.sparsity.weights,
                    activations: of_sample.sparsity,
                    balance: of_sample.balance,
                    recorded: of_sample.latency,
                });
                let work = cost_model.work(LayerOf { model: &model.name, layer }, condition);
                works.push(work.map_err(|reason| (layer.name.clone(), reason))?);
            }
        }
        Ok(works)
    };
    let computed: Vec<Vec<Option<PairWork>>> = models
        .par_iter()
        .map(|model| {
            let of_configuration = |configuration: &Configuration| {
                let samples = model.samples.as_ref()?;
                let cost_model = configuration.cost_model.as_ref();
                cost_model.depends_on_input().then(|| of_pair(model, samples, cost_model))
            };
            platform.configurations.par_iter().map(of_configuration).collect()
        })
        .collect();
    let mut missing = Vec::new();
    let mut samples = Vec::with_capacity(models.len());
    for (model, of_model) in models.iter().zip(computed) {
        let mut of_configurations = Vec::with_capacity(of_model.len());
        for (configuration, works) in platform.configurations.iter().zip(of_model) {
            of_configurations.push(match works {
                None => None,
                Some(Ok(works)) => Some(works),
                Some(Err((layer, reason))) => {
                    missing.push(NoCost {
                        model: model.name.clone(),
                        layer,
                        configuration: configuration.label.clone(),
                        reason,
                    });
                    None
                }
            });
        }
        samples.push(of_configurations);
    }
    (samples, missing)
}

/// The correlation of each configuration.
fn correlations(platform: &Platform) -> Vec<Option<Correlation>> {
    let of = |one: &Configuration| one.cost_model.variation().map(Variation::correlation);
    platform.configurations.iter().map(of).collect()
}

/// The quantiles of each layer in each column, layer by layer; nothing where no time varies.
fn quantiles(platform: &Platform, columns: &Columns, layers: &[LayerOf<'_>]) -> Vec<Option<Quantiles>> {
    if !platform.varies() {
        return Vec::new();
    }
    let of_layer = |layer: &LayerOf<'_>| -> Vec<Option<Quantiles>> {
        let of = |one: &Configuration, batch: u32| one.cost_model.variation()?.quantiles(*layer, batch);
        let single = platform.configurations.iter().map(|one| of(one, 1));
        let batched = platform.configurations.iter().zip(&columns.batches);
        let batched = batched.flat_map(|(one, (largest, _))| (2..=*largest).map(move |batch| of(one, batch)));
        single.chain(batched).collect()
    };
    layers.iter().flat_map(of_layer).collect()
}

/// The mean work of each layer over samples, part by part, durations and bytes to the nearest.
fn means(works: &[Work], layers: usize) -> Vec<Work> {
    let count = (works.len() / layers.max(1)) as u128;
    let nearest = |sum: u128| u64::try_from((sum + count / 2) / count.max(1)).unwrap_or(u64::MAX);
    (0..layers)
        .map(|layer| {
            let of_layer = || works.iter().skip(layer).step_by(layers.max(1));
            let duration = |part: fn(&Work) -> Duration| {
                let sum = of_layer().map(|work| u128::from(part(work).picoseconds())).sum();
                Duration::from_picoseconds(nearest(sum))
            };
            let mut traffic = [0; SHARED_LEVELS];
            for (level, bytes) in traffic.iter_mut().enumerate() {
                *bytes = nearest(of_layer().map(|work| u128::from(work.traffic[level])).sum());
            }
            let mut energy = EnergyParts::default();
            of_layer().for_each(|work| energy += work.energy);
            Work {
                compute: duration(|work| work.compute),
                traffic,
                transfer: duration(|work| work.transfer),
                exposed: duration(|work| work.exposed),
                energy: energy.scaled(1.0 / count as f64),
                // What every sample can be stopped between.
                quanta: of_layer().map(|work| work.quanta).min().unwrap_or(1),
            }
        })
        .collect()
}

/// Layers of distinct shapes, and for each layer the one of them that has its shape.
fn distinct_layers<'l>(layers: &[LayerOf<'l>]) -> (Vec<LayerOf<'l>>, Vec<usize>) {
    let mut distinct = Vec::new();
    let mut known = BTreeMap::new();
    let rows = layers.iter().map(|layer| {
        let Layer { operator, batch, published, .. } = layer.layer;
        *known.entry((operator, batch, published)).or_insert_with(|| {
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
