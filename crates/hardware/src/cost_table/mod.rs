//! Cost tables: the work of every layer on every configuration, computed once. Not every configuration runs every layer.
//!
//! A layer of a model with recorded samples has the work of each of them, where the configuration's cost
//! depends on the input; what stands for the layer as a whole is then their mean. A layer whose time varies from job to job
//! has the quantiles of it beside its work, which has their mean.
//!
//! Where accelerators run batches, there is a column for each number of inferences at once on each of their configurations. A
//! model has batches up to the largest that all of its layers have a cost for; one whose recorded inputs cost more or less
//! has none, since no input of a batch is like the others.

mod lacks;
mod rescaled;

use std::collections::BTreeMap;

use rayon::prelude::*;
use rtmm_workload::{Duration, Layer, LayerId, Model, ModelId, SampleTrace};
use tracing::debug;

use crate::cost::{Condition, CostError, LayerOf, SHARED_LEVELS, Sparse, Work};
use crate::cost_model::CostModel;
use crate::energy::EnergyParts;
use crate::ids::ConfigurationId;
use crate::platform::{Configuration, Platform};
use crate::varying::{Correlation, Quantiles, Variation};

pub use lacks::{Lack, NoCost};
pub use rescaled::Rescaling;

/// The work of each (model, layer, configuration, batch), in one flat array.
#[derive(Clone, Debug, PartialEq)]
pub struct CostTable {
    columns: Columns,
    /// Position of the first layer of each model, counted in layers.
    starts: Vec<usize>,
    /// Layer-major: all columns of a layer stand together. That of a batch which its model does not have is nothing, and so is
    /// that of a layer which the configuration does not run.
    work: Vec<Work>,
    /// By position in `work`, of one inference: why the configuration does not run the layer.
    lacks: BTreeMap<usize, CostError>,
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

impl CostTable {
    /// Computes the table for `models` on `platform`, in parallel, each distinct shape once.
    ///
    /// An accelerator may have no cost for a layer: it does not run it. One that runs divide must have a cost with all of its
    /// units and with each number of them that a run may hold.
    ///
    /// # Errors
    /// Every layer that no accelerator runs, in the order of models and layers.
    pub fn new(platform: &Platform, models: &[Model]) -> Result<Self, Vec<NoCost>> {
        let layers: Vec<LayerOf<'_>> = models
            .iter()
            .flat_map(|model| model.layers.iter().map(|layer| LayerOf { model: &model.name, layer }))
            .collect();
        let (distinct, rows) = distinct_layers(&layers);
        let columns_of = Columns::of(platform);
        let width = platform.configurations.len();
        let mut samples = work_of_samples(platform, models);
        let places: Vec<(usize, usize)> = models
            .iter()
            .enumerate()
            .flat_map(|(model, of)| (0..of.layers.len()).map(move |layer| (model, layer)))
            .collect();
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
        let mut lacks = BTreeMap::new();
        for (position, row) in rows.into_iter().enumerate() {
            let (model, layer) = places[position];
            let largest = &mut largest_batches[model];
            let first = work.len();
            for (index, (configuration, column)) in platform.configurations.iter().zip(&columns).enumerate() {
                let by_shape = configuration.cost_model.depends_on_shape_only();
                // A pair whose samples were asked for is not asked for the cost of an unknown input.
                let cost = match &mut samples[model][index] {
                    Some(pair) => {
                        largest[index] = 1;
                        std::mem::replace(&mut pair.means[layer], Ok(Work::NOTHING))
                    }
                    None => column[if by_shape { row } else { position }].clone(),
                };
                work.push(cost.unwrap_or_else(|reason| {
                    lacks.insert(first + index, reason);
                    Work::NOTHING
                }));
            }
            let runs = |configuration: usize| !lacks.contains_key(&(first + configuration));
            batched.add_row(position, row, runs, largest, &mut work);
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
            lacking = lacks.len(),
            "cost table computed"
        );
        let samples: Vec<Vec<Option<Vec<Work>>>> = samples
            .into_iter()
            .map(|of_model| of_model.into_iter().map(|pair| pair.map(|pair| pair.works)).collect())
            .collect();
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
        let table = Self {
            columns,
            starts,
            work,
            lacks,
            largest_batches,
            samples,
            has_energy,
            correlations,
            quantiles,
        };
        let missing = table.layers_without_accelerator(platform, models);
        if missing.is_empty() { Ok(table) } else { Err(missing) }
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

    /// The work of one layer on one configuration, nothing where that does not run it; of a model whose inferences differ, the
    /// mean over its samples, part by part.
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

    /// Adds the work of a layer, and lowers the largest batches of its model to those that it has a cost for. A configuration
    /// that does not run the layer at all lowers none.
    fn add_row(
        &self,
        position: usize,
        shape: usize,
        runs: impl Fn(usize) -> bool,
        largest: &mut [u32],
        work: &mut Vec<Work>,
    ) {
        for (configuration, (columns, largest)) in self.0.iter().zip(largest).enumerate() {
            let row = if columns.by_shape { shape } else { position };
            for (batch, of_batch) in (2..).zip(&columns.batches) {
                if of_batch[row].is_none() && runs(configuration) {
                    *largest = (*largest).min(batch - 1);
                }
                work.push(of_batch[row].unwrap_or(Work::NOTHING));
            }
        }
    }
}

/// The work of a model with samples on a configuration.
struct SampleWork {
    /// A row a sample, a column a layer; nothing for a layer that one of the samples has no cost of.
    works: Vec<Work>,
    /// By layer: the mean over samples, or why it has no cost.
    means: Vec<Result<Work, CostError>>,
}

/// By model, then configuration, in parallel: the work of every recorded sample; none where inputs make no difference.
fn work_of_samples(platform: &Platform, models: &[Model]) -> Vec<Vec<Option<SampleWork>>> {
    let of_pair = |model: &Model, samples: &SampleTrace, cost_model: &dyn CostModel| {
        let layers = model.layers.len();
        let mut works = Vec::with_capacity(samples.len() * layers);
        let mut lacks: Vec<Option<CostError>> = vec![None; layers];
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
                works.push(work.unwrap_or_else(|reason| {
                    lacks[index].get_or_insert(reason);
                    Work::NOTHING
                }));
            }
        }
        for row in works.chunks_mut(layers.max(1)) {
            let lacking = row.iter_mut().zip(&lacks).filter(|(_, lack)| lack.is_some());
            lacking.for_each(|(work, _)| *work = Work::NOTHING);
        }
        let means = means(&works, layers).into_iter().zip(lacks);
        let means = means.map(|(mean, lack)| lack.map_or(Ok(mean), Err)).collect();
        SampleWork { works, means }
    };
    models
        .par_iter()
        .map(|model| {
            let of_configuration = |configuration: &Configuration| {
                let samples = model.samples.as_ref()?;
                let cost_model = configuration.cost_model.as_ref();
                cost_model.depends_on_input().then(|| of_pair(model, samples, cost_model))
            };
            platform.configurations.par_iter().map(of_configuration).collect()
        })
        .collect()
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
        let Layer { operator, kind, precision, batch, published, .. } = layer.layer;
        *known.entry((operator, kind, precision, batch, published)).or_insert_with(|| {
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
        assert!(matches!(missing[0].lacks[0].reason, CostError::BufferTooSmall { buffer: "L1", .. }));
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
