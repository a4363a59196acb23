//! Published layers, summed into whole models.
//!
//! The artifact runs a model on one accelerator from its first layer to its last: its latency and
//! energy there are plain sums over its layers, without overlap, reuse between layers, or a cost
//! of switching models.
//!
//! The layers' costs are those that the artifact prints, or those of the same accelerators without
//! the quirks of its cost model: `corrected` costs, to tell what those quirks change in its scores.

use std::collections::BTreeMap;

use rayon::prelude::*;
use rtmm_hardware::{
    AcceleratorId, Condition, Configuration, ConfigurationId, CostError, Explainer, LayerOf, Platform,
    Quantity,
};
use rtmm_workload::{Layer, Model, ModelId, Operator, PublishedShape, TaskId, Workload};
use serde::Serialize;

use super::platform;
use crate::error::ReferenceError;

/// The column of a cost model's report with the layer's cycles.
const LATENCY_CYCLES: &str = "latency_cycles";
/// The column of a cost model's report with the layer's energy in nanojoules.
const ENERGY_NJ: &str = "energy_nj";

/// Picoseconds in a cycle of that clock.
const PICOSECONDS_PER_CYCLE: u64 = 1_000;
/// Picojoules in a nanojoule.
const PJ_PER_NJ: f64 = 1e3;

/// Cost of one inference, or of one layer of it, on one accelerator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ModelCost {
    /// Cycles of the 1 GHz clock.
    pub cycles: u64,
    /// Energy in nanojoules, summed in `f64` in the order of the layers.
    pub energy_nj: f64,
}

/// The cost of every model on every configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct CostMatrix {
    /// A row a model, an entry a configuration.
    rows: Vec<Vec<ModelCost>>,
}

impl CostMatrix {
    /// Computes the costs in parallel, each distinct published shape once a configuration.
    ///
    /// Any set of configurations will do: a sweep over many platforms can cost the configurations
    /// that they share in one matrix.
    ///
    /// # Errors
    /// [`ReferenceError::DynamicModel`] where a model may skip layers or exit early, [`ReferenceError::VaryingTimes`],
    /// [`ReferenceError::NoColumn`] where a configuration is no `maestro` accelerator in reference
    /// mode, [`ReferenceError::NoCost`] where a layer cannot run,
    /// [`ReferenceError::TooManyCycles`]. Of several errors, the one that comes first in the order
    /// of models, configurations, layers.
    pub fn new(models: &[&Model], configurations: &[&Configuration]) -> Result<Self, ReferenceError> {
        Self::read(models, configurations, Reader::of_report)
    }

    /// The same for the costs that cost models stand by, rather than those that the artifact
    /// prints: latency and energy of [`rtmm_hardware::CostModel::work`]. Of `maestro`
    /// configurations in corrected mode, these are free of quirks 1 to 5. Any cost model has them,
    /// at any clock.
    ///
    /// # Errors
    /// [`ReferenceError::DynamicModel`], [`ReferenceError::VaryingTimes`], [`ReferenceError::NoCost`] where a layer cannot
    /// run, [`ReferenceError::TooManyCycles`].
    pub fn corrected(models: &[&Model], configurations: &[&Configuration]) -> Result<Self, ReferenceError> {
        Self::read(models, configurations, |configuration| Ok(Reader::of_work(configuration)))
    }

    fn read<'c>(
        models: &[&Model],
        configurations: &[&'c Configuration],
        reader: impl Fn(&'c Configuration) -> Result<Reader<'c>, ReferenceError>,
    ) -> Result<Self, ReferenceError> {
        if let Some(model) = models.iter().find(|model| model.is_dynamic()) {
            return Err(ReferenceError::DynamicModel { model: model.name.clone() });
        }
        let varying = configurations.iter().find(|one| one.cost_model.variation().is_some());
        if let Some(Configuration { label, .. }) = varying {
            return Err(ReferenceError::VaryingTimes { configuration: label.clone() });
        }
        let readers: Vec<Reader<'_>> =
            configurations.iter().map(|configuration| reader(configuration)).collect::<Result<_, _>>()?;
        let shapes_suffice =
            configurations.iter().all(|configuration| configuration.cost_model.depends_on_shape_only());

        // Of layers that all readers see as one, the first stands for all.
        let mut distinct: Vec<LayerOf<'_>> = Vec::new();
        let mut known: BTreeMap<Seen<'_>, usize> = BTreeMap::new();
        let published = readers.iter().all(|reader| matches!(reader.columns, Columns::Report { .. }));
        let layers: Vec<Vec<usize>> = models
            .iter()
            .map(|model| {
                let row_of = |layer| {
                    let layer = LayerOf { model: &model.name, layer };
                    let seen = shapes_suffice.then(|| Seen::of(layer.layer, published));
                    let row = seen.and_then(|seen| known.get(&seen).copied());
                    row.unwrap_or_else(|| {
                        distinct.push(layer);
                        let row = distinct.len() - 1;
                        if let Some(seen) = seen {
                            known.insert(seen, row);
                        }
                        row
                    })
                };
                model.layers.iter().map(row_of).collect()
            })
            .collect();

        // Pairs rather than configurations, so that a single accelerator too uses every core.
        let costs: Vec<Result<ModelCost, Refusal>> = (0..readers.len() * distinct.len())
            .into_par_iter()
            .map(|pair| readers[pair / distinct.len()].cost(distinct[pair % distinct.len()]))
            .collect();

        let total = |model: &Model, layers: &[usize], index: usize| {
            let configuration = configurations[index];
            let mut total = ModelCost::default();
            for (layer, distinct_layer) in model.layers.iter().zip(layers) {
                let cost = match &costs[index * distinct.len() + distinct_layer] {
                    Ok(cost) => cost,
                    Err(refusal) => return Err(refusal.of(model, layer, configuration)),
                };
                total.cycles =
                    total.cycles.checked_add(cost.cycles).ok_or_else(|| ReferenceError::TooManyCycles {
                        model: model.name.clone(),
                        configuration: configuration.label.clone(),
                    })?;
                total.energy_nj += cost.energy_nj;
            }
            Ok(total)
        };
        let rows = models.iter().zip(&layers).map(|(model, layers)| {
            (0..configurations.len()).map(|index| total(model, layers, index)).collect()
        });
        Ok(Self { rows: rows.collect::<Result<_, _>>()? })
    }

    /// The cost of a model on a configuration, both counted as they were given to
    /// [`CostMatrix::new`].
    ///
    /// # Panics
    /// If either is beyond what was given.
    #[must_use]
    pub fn cost(&self, model: ModelId, configuration: ConfigurationId) -> ModelCost {
        self.rows[model.index()][configuration.index()]
    }
}

/// Key of a layer's cost.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Seen<'l> {
    /// The artifact sees nothing but the published row.
    Row(PublishedShape),
    Whole(&'l Operator, u32, Option<PublishedShape>),
}

impl<'l> Seen<'l> {
    fn of(layer: &'l Layer, published: bool) -> Self {
        match layer.published {
            Some(shape) if published => Self::Row(shape),
            shape => Self::Whole(&layer.operator, layer.batch, shape),
        }
    }
}

/// Reads the two numbers that count of a configuration.
struct Reader<'c> {
    configuration: &'c Configuration,
    columns: Columns,
}

/// Where the two numbers stand.
enum Columns {
    /// In the artifact's cost table.
    Report { latency_cycles: usize, energy_nj: usize },
    /// In [`rtmm_hardware::Work`].
    Work,
}

/// Why a distinct layer has no cost; the layers that share it put their own names to it.
#[derive(Debug)]
enum Refusal {
    Cost(CostError),
    NotANumber(&'static str),
}

impl<'c> Reader<'c> {
    fn of_report(configuration: &'c Configuration) -> Result<Self, ReferenceError> {
        let position = |column| {
            let found = Explainer::of(configuration.cost_model.as_ref())
                .columns()
                .iter()
                .position(|name| *name == column);
            found.ok_or_else(|| ReferenceError::NoColumn {
                configuration: configuration.label.clone(),
                column,
            })
        };
        let columns =
            Columns::Report { latency_cycles: position(LATENCY_CYCLES)?, energy_nj: position(ENERGY_NJ)? };
        Ok(Self { configuration, columns })
    }

    fn of_work(configuration: &'c Configuration) -> Self {
        Self { configuration, columns: Columns::Work }
    }

    fn cost(&self, layer: LayerOf<'_>) -> Result<ModelCost, Refusal> {
        match self.columns {
            Columns::Report { latency_cycles, energy_nj } => self.published(layer, latency_cycles, energy_nj),
            Columns::Work => {
                let work = self.configuration.cost_model.work(layer, Condition::Profile);
                let work = work.map_err(Refusal::Cost)?;
                let picoseconds = work.latency().picoseconds();
                // To the nearest cycle; at 1 GHz there is nothing to round.
                let cycles = picoseconds.saturating_add(PICOSECONDS_PER_CYCLE / 2) / PICOSECONDS_PER_CYCLE;
                Ok(ModelCost { cycles, energy_nj: work.energy.total() / PJ_PER_NJ })
            }
        }
    }

    fn published(
        &self,
        layer: LayerOf<'_>,
        latency_cycles: usize,
        energy_nj: usize,
    ) -> Result<ModelCost, Refusal> {
        let mut row = Vec::new();
        Explainer::of(self.configuration.cost_model.as_ref())
            .report(layer, &mut row)
            .map_err(Refusal::Cost)?;
        let cycles = match row.get(latency_cycles) {
            Some(Quantity::Integer(cycles)) => cycles,
            // A count below zero comes as a real number.
            Some(Quantity::Real(negative)) if *negative < 0.0 => {
                return Err(Refusal::Cost(CostError::NegativeLatency { cycles: *negative as i64 }));
            }
            _ => return Err(Refusal::NotANumber(LATENCY_CYCLES)),
        };
        let Some(Quantity::Real(energy_nj)) = row.get(energy_nj) else {
            return Err(Refusal::NotANumber(ENERGY_NJ));
        };
        Ok(ModelCost { cycles: *cycles, energy_nj: *energy_nj })
    }
}

impl Refusal {
    fn of(&self, model: &Model, layer: &Layer, configuration: &Configuration) -> ReferenceError {
        let configuration = configuration.label.clone();
        match self {
            Self::Cost(reason) => ReferenceError::NoCost {
                model: model.name.clone(),
                layer: layer.name.clone(),
                configuration,
                reason: Box::new(reason.clone()),
            },
            Self::NotANumber(column) => ReferenceError::NoColumn { configuration, column },
        }
    }
}

/// The cost of every task's model on every accelerator: all that the loop asks of hardware.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskCosts {
    tasks: usize,
    accelerators: usize,
    /// Task-major: all accelerators of a task stand together.
    costs: Vec<ModelCost>,
}

impl TaskCosts {
    /// The costs of a workload on a platform.
    ///
    /// # Errors
    /// Whatever [`platform::check`] and [`CostMatrix::new`] return.
    pub fn of(workload: &Workload, platform: &Platform) -> Result<Self, ReferenceError> {
        platform::check(platform)?;
        let models: Vec<&Model> = workload.models.iter().collect();
        let configurations: Vec<&Configuration> = platform.configurations.iter().collect();
        Ok(Self::of_matrix(workload, platform, &CostMatrix::new(&models, &configurations)?))
    }

    /// The costs of a workload on a platform as [`CostMatrix::corrected`] has them.
    ///
    /// # Errors
    /// Whatever [`CostMatrix::corrected`] returns.
    pub fn corrected(workload: &Workload, platform: &Platform) -> Result<Self, ReferenceError> {
        let models: Vec<&Model> = workload.models.iter().collect();
        let configurations: Vec<&Configuration> = platform.configurations.iter().collect();
        Ok(Self::of_matrix(workload, platform, &CostMatrix::corrected(&models, &configurations)?))
    }

    /// The costs of the matrix of a workload's models on a platform's configurations.
    fn of_matrix(workload: &Workload, platform: &Platform, matrix: &CostMatrix) -> Self {
        let (tasks, accelerators) = (&workload.scenario.tasks, &platform.accelerators);
        Self::from_fn(tasks.len(), accelerators.len(), |task, accelerator| {
            matrix.cost(tasks[task.index()].model, accelerators[accelerator.index()].configuration)
        })
    }

    /// Costs from wherever the caller has them: `cost` is called once for each pair.
    pub fn from_fn(
        tasks: usize,
        accelerators: usize,
        mut cost: impl FnMut(TaskId, AcceleratorId) -> ModelCost,
    ) -> Self {
        let pairs = (0..tasks).flat_map(|task| (0..accelerators).map(move |accelerator| (task, accelerator)));
        let costs = pairs
            .map(|(task, accelerator)| cost(TaskId::new(task), AcceleratorId::new(accelerator)))
            .collect();
        Self { tasks, accelerators, costs }
    }

    /// Tasks with costs.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.tasks
    }

    /// Accelerators with costs.
    #[must_use]
    pub fn accelerators(&self) -> usize {
        self.accelerators
    }

    /// The costs of one task, an entry an accelerator.
    ///
    /// # Panics
    /// If the task is beyond [`TaskCosts::tasks`].
    #[must_use]
    pub fn row(&self, task: TaskId) -> &[ModelCost] {
        &self.costs[task.index() * self.accelerators..][..self.accelerators]
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rtmm_hardware::{Condition, CostModel, Explain, Explanation, Mode, Work};
    use rtmm_workload::{Gemm, Operator, Shapes};

    use super::*;

    /// Reports `k` times `factor` cycles, a tenth of that in nanojoules, and counts the questions.
    #[derive(Debug)]
    struct Stub {
        columns: &'static [&'static str],
        factor: u64,
        asked: Arc<AtomicUsize>,
    }

    impl CostModel for Stub {
        fn work(&self, _: LayerOf<'_>, _: Condition) -> Result<Work, CostError> {
            Err(CostError::Unsupported { model: "stub", what: "anything".to_owned() })
        }

        fn identity(&self) -> String {
            format!("stub {}", self.factor)
        }

        fn explain(&self) -> Option<&dyn Explain> {
            Some(self)
        }
    }

    impl Explain for Stub {
        fn columns(&self) -> &'static [&'static str] {
            self.columns
        }

        fn report(&self, layer: LayerOf<'_>, row: &mut Vec<Quantity>) -> Result<(), CostError> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let Some(shape) = layer.layer.published else {
                return Err(CostError::Unsupported {
                    model: "stub",
                    what: "an unpublished layer".to_owned(),
                });
            };
            let cycles = self.factor.saturating_mul(shape.k.into());
            row.extend([Quantity::Real(cycles as f64 / 10.0), Quantity::Integer(cycles)]);
            Ok(())
        }

        fn explanation(&self, _: LayerOf<'_>) -> Result<Explanation, CostError> {
            Ok(Explanation::default())
        }
    }

    fn configuration(
        columns: &'static [&'static str],
        factor: u64,
        asked: &Arc<AtomicUsize>,
    ) -> Configuration {
        let asked = Arc::clone(asked);
        Configuration::new(format!("stub {factor}"), Stub { columns, factor, asked })
    }

    /// Columns and factor of the stub, outputs of the layers, and the error.
    type Case<'c> = (&'static [&'static str], u64, &'c [Option<u32>], &'c str);

    const COLUMNS: &[&str] = &[ENERGY_NJ, LATENCY_CYCLES];

    fn model(name: &str, outputs: &[Option<u32>]) -> Model {
        let operator = Operator::Gemm(Gemm { rows: 1, inner: 1, columns: 1 });
        let layer = |(index, k): (usize, &Option<u32>)| Layer {
            published: k.map(|k| PublishedShape { k, c: 1, r: 1, s: 1, y: 1, x: 1, depthwise: false }),
            ..Layer::new(format!("layer{index}"), operator)
        };
        let layers = outputs.iter().enumerate().map(layer).collect();
        Model::of_layers(name.to_owned(), "this test".to_owned(), Shapes::Independent, layers)
    }

    #[test]
    fn models_cost_the_sum_of_their_layers_and_each_shape_is_asked_for_once() {
        let asked = Arc::new(AtomicUsize::new(0));
        let (slow, fast) = (configuration(COLUMNS, 3, &asked), configuration(COLUMNS, 2, &asked));
        let models = [model("one", &[Some(1), Some(2), Some(1)]), model("two", &[Some(2)])];
        let matrix = CostMatrix::new(&models.each_ref(), &[&slow, &fast]).expect("costs");
        let cost = |model, configuration| {
            let cost = matrix.cost(ModelId::new(model), ConfigurationId::new(configuration));
            (cost.cycles, (cost.energy_nj * 10.0).round())
        };
        assert_eq!(
            [cost(0, 0), cost(0, 1), cost(1, 0), cost(1, 1)],
            [(12, 12.0), (8, 8.0), (6, 6.0), (4, 4.0)]
        );
        // Two distinct shapes on two configurations.
        assert_eq!(asked.load(Ordering::Relaxed), 4);
    }

    #[test]
    fn errors_name_the_layer_and_the_configuration() {
        let asked = Arc::default();
        let refusal = |columns, factor, outputs: &[Option<u32>]| {
            let (configuration, model) = (configuration(columns, factor, &asked), model("one", outputs));
            CostMatrix::new(&[&model], &[&configuration]).err().map(|error| error.to_string())
        };
        let cases: [Case<'_>; 4] = [
            (
                &["compute_cycles", ENERGY_NJ],
                1,
                &[Some(1)],
                "`stub 1` reports no `latency_cycles`: compat xrbench needs maestro accelerators in reference \
                 mode",
            ),
            (
                &[LATENCY_CYCLES, ENERGY_NJ],
                1,
                &[Some(1)],
                "`stub 1` reports no `latency_cycles`: compat xrbench needs maestro accelerators in reference \
                 mode",
            ),
            (
                COLUMNS,
                1,
                &[Some(1), None],
                "layer `layer1` of model `one` cannot run on `stub 1`: the `stub` cost model has no rule for an \
                 unpublished layer",
            ),
            (
                COLUMNS,
                u64::MAX,
                &[Some(1), Some(2)],
                "the cycles of model `one` on `stub 18446744073709551615` leave the range of 64 bits",
            ),
        ];
        for (columns, factor, outputs, expected) in cases {
            assert_eq!(refusal(columns, factor, outputs).as_deref(), Some(expected));
        }
    }

    #[test]
    fn corrected_costs_are_latency_and_energy_of_all_layers() {
        let legality = rtmm_workload::Legality::Strict;
        let workload =
            rtmm_workload::load::workload("xrbench/vr_gaming", None, legality).expect("a scenario");
        let platform = rtmm_hardware::load::platform("xrbench/dual_4k_ws_os", None, Mode::Corrected);
        let platform = platform.expect("a platform");
        let costs = TaskCosts::corrected(&workload, &platform).expect("costs");
        let table = rtmm_hardware::CostTable::new(&platform, &workload.models).expect("costs");
        for (position, task) in workload.scenario.tasks.iter().enumerate() {
            let row = costs.row(TaskId::new(position));
            for (accelerator, cost) in platform.accelerators.iter().zip(row) {
                let (mut cycles, mut energy_nj) = (0, 0.0);
                for layer in 0..workload.models[task.model.index()].layers.len() {
                    let layer = rtmm_workload::LayerId::new(layer);
                    let work = table.work(task.model, layer, accelerator.configuration);
                    assert_eq!(work.latency().picoseconds() % PICOSECONDS_PER_CYCLE, 0);
                    cycles += work.latency().picoseconds() / PICOSECONDS_PER_CYCLE;
                    energy_nj += work.energy.total() / PJ_PER_NJ;
                }
                assert_eq!(*cost, ModelCost { cycles, energy_nj });
            }
        }
        // They are no report of the artifact.
        let refused = TaskCosts::of(&workload, &platform).err().map(|error| error.to_string());
        assert!(refused.is_some_and(|refused| refused.contains("reports no `energy_nj`")));
    }

    #[test]
    fn a_clock_other_than_one_gigahertz_is_refused() {
        let legality = rtmm_workload::Legality::Published;
        let workload =
            rtmm_workload::load::workload("xrbench/vr_gaming", None, legality).expect("a scenario");
        let platform = rtmm_hardware::load::platform("xrbench/dual_4k_ws_os", None, Mode::Reference);
        let platform = platform.expect("a platform");
        let costs = TaskCosts::of(&workload, &platform).expect("costs");
        assert_eq!((costs.tasks(), costs.accelerators()), (3, 2));
        let refused = Err(ReferenceError::Clock {
            platform: "xrbench/dual_4k_ws_os".to_owned(),
            clock_hz: 700_000_000,
        });
        let mut slow = Platform { clock_hz: 700_000_000, ..platform.clone() };
        assert_eq!(TaskCosts::of(&workload, &slow), refused);
        slow.clock_hz = platform::CLOCK_HZ;
        slow.accelerators[1].clock_hz = 700_000_000;
        assert_eq!(TaskCosts::of(&workload, &slow), refused);
    }
}
