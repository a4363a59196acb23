//! Isolated costs: time, energy and traffic of every layer that has its class to itself.
//!
//! A *class* is a way of running on a platform: a configuration, a number of units, a number of inferences at once, and,
//! where memory bandwidth is partitioned, a share of it. Those of one inference come first; a batch of several costs what all
//! of them together do. Accelerators that are alike have their classes in common. The
//! tables have a column a class. Estimates of policies and the truth of the engine are two readings of
//! them: of a model with recorded samples, estimates read the mean over samples, and the truth reads the
//! job's own sample; of a layer whose time varies, estimates read the mean, and the truth the time at the
//! rank that the job drew.
//!
//! A class may not run a layer: its accelerators have no cost for it, or the jobs of a pinned model may not run there. Such a
//! layer counts as nothing in sums; [`IsolatedCosts::supports`] tells it apart.
//!
//! A layer's latency is stored once. Beside it stand sums from the first layer of its model on, so that
//! the latency and energy of any stretch of layers take one subtraction.

mod points;
mod support;
mod truths;

use std::sync::Arc;

use rtmm_workload::{Duration, LayerId, Model, ModelId, originals};

use crate::contention::{
    Bandwidth, CoLocated, CoLocations, Contention, Phase, Resident, Share, Shares, Sharing, Unmeasured,
};
use crate::cost::{SHARED_LEVELS, Work};
use crate::cost_table::CostTable;
use crate::energy::{Energy, EnergyParts};
use crate::ids::{AcceleratorId, ClassId, ConfigurationId};
use crate::platform::{Available, Isolated, Platform};
use crate::power::Scaling;
use crate::varying::Copula;

use points::PointClasses;
pub use support::PinnedModel;
use support::Support;
pub use truths::Outcome;
use truths::TruthRows;

/// A way of running on a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class {
    /// The configuration that layers are costed on.
    pub configuration: ConfigurationId,
    /// The number of units that a run of this class holds.
    pub units: u32,
    /// The share of the memory bandwidth that comes with them, where bandwidth is partitioned.
    pub share: Option<Share>,
    /// The number of inferences that a run of this class carries at once.
    pub batch: u32,
    /// The operating point of the accelerator.
    pub clock: Scaling,
    /// The operating point of the memory.
    pub memory: Scaling,
    /// The group of its accelerators: those of one group run the same layers of the same models.
    pub group: u32,
}

/// Costs of every layer in every class, in isolation.
#[derive(Clone, Debug)]
pub struct IsolatedCosts {
    table: Arc<CostTable>,
    classes: Vec<Class>,
    /// The number of classes of one inference at the nominal points, which come first; those of other points stand behind
    /// them, and those of batches behind these.
    nominal: usize,
    /// By class: that of one inference which it is a batch of, and by class of one inference: its batches from two on.
    single_of: Vec<ClassId>,
    batches_of: Vec<Vec<ClassId>>,
    /// By accelerator: the most inferences at once.
    max_batch: Vec<u32>,
    /// By accelerator: its classes of one inference at the nominal points, by ascending number of units; the last has all
    /// units.
    of_accelerators: Vec<Vec<ClassId>>,
    /// By accelerator: its classes at all points.
    of_points: Vec<PointClasses>,
    /// By accelerator: the class that has all units.
    whole: Vec<ClassId>,
    /// The bandwidth of the shared memory, and whether shares of it are fixed.
    dram: Option<(Bandwidth, Sharing)>,
    cache: Option<Bandwidth>,
    /// Slowdowns of runs beside each other on their accelerators; none where none states them.
    co_locations: Option<Arc<CoLocations>>,
    models: Vec<ModelRows>,
    /// The number of models that are not pinned, which stand first; and those that are.
    networks: usize,
    /// By model: the one that units hold once they ran it.
    held: Vec<ModelId>,
    pinned: Vec<PinnedModel>,
    support: Support,
    /// A row a layer, a column a class: picoseconds; of a model with samples, the mean over them.
    latency: Vec<u64>,
    /// In the same layout.
    parts: Vec<Isolated>,
    energy: Vec<EnergyParts<Energy>>,
    quanta: Vec<u32>,
    /// One row a model more, for its end: the sum of all rows of the model before.
    latency_before: Vec<u64>,
    energy_before: Vec<EnergyParts<Energy>>,
    /// By model; none for one whose inferences all cost the same in every class.
    truths: Vec<Option<TruthRows>>,
    /// By class: the position of its copula; none where no time varies.
    copula_of: Vec<Option<usize>>,
    /// One for each distinct correlation.
    copulas: Vec<Copula>,
}

/// Where a model stands in the tables.
#[derive(Clone, Copy, Debug)]
struct ModelRows {
    layers: u32,
    /// Its first row in tables of a row a layer.
    first: usize,
    /// Its first row in tables of one row more.
    first_before: usize,
}

impl IsolatedCosts {
    /// The costs of `models` on `platform`, which `table` must have been computed for.
    #[must_use]
    pub fn new(models: &[Model], platform: &Platform, table: Arc<CostTable>) -> Self {
        Self::with_pinned(models, Vec::new(), platform, table)
    }

    /// The same where the last of the models are pinned: copies of earlier ones, which `table` need not know.
    #[must_use]
    pub fn with_pinned(
        models: &[Model],
        pinned: Vec<PinnedModel>,
        platform: &Platform,
        table: Arc<CostTable>,
    ) -> Self {
        let support = Support::new(platform, &table, &pinned);
        let (mut classes, of_accelerators) = classes(platform, &support);
        let nominal = classes.len();
        let of_points = points::classes_at_points(platform, &of_accelerators, &mut classes);
        let (single_of, batches_of) = add_batches(platform, &of_points, &mut classes);
        let whole = of_accelerators.iter().filter_map(|classes| classes.last().copied()).collect();
        let mut costs = Self {
            table,
            classes,
            nominal,
            single_of,
            batches_of,
            max_batch: platform.accelerators.iter().map(|accelerator| accelerator.max_batch).collect(),
            of_accelerators,
            of_points,
            whole,
            dram: platform.shared_dram.map(|dram| (dram.bandwidth, dram.sharing)),
            cache: platform.shared_cache,
            co_locations: CoLocations::new(models, &platform.accelerators).map(Arc::new),
            models: Vec::with_capacity(models.len()),
            networks: models.len() - pinned.len().min(models.len()),
            held: Vec::new(),
            pinned,
            support,
            latency: Vec::new(),
            parts: Vec::new(),
            energy: Vec::new(),
            quanta: Vec::new(),
            latency_before: Vec::new(),
            energy_before: Vec::new(),
            truths: Vec::with_capacity(models.len()),
            copula_of: Vec::new(),
            copulas: Vec::new(),
        };
        costs.held = match originals(models) {
            Some(originals) => originals.into_iter().map(|original| costs.network(original)).collect(),
            None => (0..models.len()).map(|model| costs.network(ModelId::new(model))).collect(),
        };
        costs.add_copulas();
        costs.add_support(models.iter().map(|model| model.layers.len()));
        for (index, model) in models.iter().enumerate() {
            costs.add(ModelId::new(index), model);
        }
        costs
    }

    fn add(&mut self, id: ModelId, model: &Model) {
        let width = self.classes.len();
        let first = self.latency.len() / width.max(1);
        let first_before = self.latency_before.len() / width.max(1);
        let layers = model.layers.len();
        self.models.push(ModelRows {
            layers: u32::try_from(layers).unwrap_or(u32::MAX),
            first,
            first_before,
        });
        for layer in (0..layers).map(LayerId::new) {
            for class in &self.classes {
                let work = *self.work(id, layer.index() as u32, class);
                let work = &work;
                let isolated = self.isolated(work, class);
                let quantiles = self.quantiles(id, layer, class);
                let latency = match (&model.samples, quantiles) {
                    (_, Some(quantiles)) => {
                        quantiles.mean_at_least(isolated.transfer).saturating_add(isolated.exposed)
                    }
                    (Some(samples), None)
                        if class.batch == 1
                            && self.table.is_sampled(self.network(id), class.configuration) =>
                    {
                        mean(
                            (0..samples.len() as u32)
                                .map(|sample| self.sample_work(id, sample, layer.index() as u32, class))
                                .map(|work| self.isolated(work, class).latency()),
                        )
                    }
                    _ => isolated.latency(),
                };
                self.latency.push(latency.picoseconds());
                self.parts.push(isolated);
                self.energy.push(over_latency(work, class, latency));
                self.quanta.push(work.quanta.max(1));
            }
        }
        let (mut latency, mut energy) = (vec![0_u64; width], vec![EnergyParts::<Energy>::default(); width]);
        for row in first..first + layers {
            self.latency_before.extend(&latency);
            self.energy_before.extend(&energy);
            for class in 0..width {
                let cell = row * width + class;
                latency[class] = latency[class].saturating_add(self.latency[cell]);
                energy[class] += self.energy[cell];
            }
        }
        self.latency_before.extend(&latency);
        self.energy_before.extend(&energy);
        let truths = self.truth_rows(id, model, first_before);
        self.truths.push(truths);
    }

    /// The work of a layer in a class, before the platform's memory and operating points are accounted for; none where the class
    /// does not run it.
    fn work(&self, model: ModelId, layer: u32, class: &Class) -> &Work {
        if !self.runs_in(model, layer, class) {
            return &Work::NOTHING;
        }
        let (network, layer) = (self.network(model), LayerId::new(layer as usize));
        self.table.work_of_batch(network, layer, class.configuration, class.batch)
    }

    /// Latency of `work` in a class that has its share of the memory to itself.
    fn isolated(&self, work: &Work, class: &Class) -> Isolated {
        let available = self.available(class);
        if class.is_nominal() {
            return Isolated::of(work, available);
        }
        let compute = class.clock.time(work.compute);
        let transfer = class.memory.time(work.transfer);
        // Which of the two it waits for is not stated.
        let exposed = class.clock.time(work.exposed).max(class.memory.time(work.exposed));
        Isolated::of(&Work { compute, transfer, exposed, ..*work }, available)
    }

    /// The memory bandwidth that a run of a class can have if no other runs.
    fn available(&self, class: &Class) -> Available {
        let dram = match (self.dram, class.share) {
            (None, _) => Bandwidth::UNLIMITED,
            (Some((bandwidth, sharing)), Some(share)) => sharing.alone(bandwidth.at(class.memory), share),
            (Some((bandwidth, _)), None) => bandwidth.at(class.memory),
        };
        Available { dram, cache: self.cache }
    }

    /// True slowdowns of runs beside each other on their accelerators; none where no accelerator states any.
    #[must_use]
    pub fn co_locations(&self) -> Option<&CoLocations> {
        self.co_locations.as_deref()
    }

    /// Pairs of layers that could run beside each other on an accelerator of `platform`, and of which its rule of co-location
    /// says nothing: those at the first batch of each, since rules say something of all batches or of none.
    #[must_use]
    pub fn unmeasured(&self, models: &[Model], platform: &Platform) -> Vec<Unmeasured> {
        let Some(co_locations) = self.co_locations() else { return Vec::new() };
        let mut unmeasured = Vec::new();
        for (index, accelerator) in platform.accelerators.iter().enumerate() {
            let on = AcceleratorId::new(index);
            let residents: Vec<Resident> = (0..models.len())
                .flat_map(|model| (0..models[model].layers.len()).map(move |layer| (model, layer)))
                .flat_map(|(model, layer)| {
                    self.classes_of(on).iter().map(move |class| (model, layer, *class))
                })
                .filter(|(model, layer, class)| self.supports(ModelId::new(*model), *layer as u32, *class))
                .map(|(model, layer, class)| Resident {
                    model: ModelId::new(model),
                    layer: LayerId::new(layer),
                    units: self.class(class).units,
                    batch: 1,
                })
                .filter(|one| co_locations.phase(on, one.model, one.layer) == Phase::Kernels)
                .collect();
            for own in &residents {
                let beside = |other: &&Resident| own.units + other.units <= accelerator.units();
                let lacking =
                    residents.iter().filter(beside).find(|other| co_locations.lacks(on, own, other));
                unmeasured.extend(lacking.map(|other| Unmeasured {
                    accelerator: accelerator.name.clone(),
                    models: [own, other].map(|one| models[one.model.index()].name.clone()),
                    units: [own.units, other.units],
                }));
            }
        }
        unmeasured
    }

    /// The rule of all contention on `platform`, which these costs are of: of its memory, and of runs beside each other on its
    /// accelerators. None where runs share nothing.
    #[must_use]
    pub fn contention(&self, platform: &Platform) -> Option<Box<dyn Contention>> {
        let of_memory = platform.contention();
        match &self.co_locations {
            None => of_memory,
            Some(of) => {
                let classes = self.classes.iter().map(|class| (class.units, class.batch));
                Some(Box::new(CoLocated::new(of_memory, Arc::clone(of), classes)))
            }
        }
    }

    /// The work of each layer on each configuration, before the platform's memory is accounted for.
    #[must_use]
    pub fn table(&self) -> &CostTable {
        &self.table
    }

    /// The same, to be shared with the costs of other models of it.
    #[must_use]
    pub fn shared_table(&self) -> Arc<CostTable> {
        Arc::clone(&self.table)
    }

    /// Meaning of the shares of the memory that accelerators share.
    #[must_use]
    pub fn shares(&self) -> Shares {
        self.dram.map_or(Shares::None, |(_, sharing)| sharing.shares())
    }

    /// The bandwidth of the memory that accelerators share; none where each has its own.
    #[must_use]
    pub fn shared_bandwidth(&self) -> Option<Bandwidth> {
        self.dram.map(|(bandwidth, _)| bandwidth)
    }

    /// The class that differs from another one by the number of inferences at once; none where no accelerator of the class
    /// runs so many.
    #[inline]
    #[must_use]
    pub fn in_batch(&self, class: ClassId, batch: u32) -> Option<ClassId> {
        let single = self.single_of[class.index()];
        match batch {
            0 => None,
            1 => Some(single),
            _ => self.batches_of[single.index()].get(batch as usize - 2).copied(),
        }
    }

    /// True if any accelerator runs batches.
    #[must_use]
    pub fn has_batches(&self) -> bool {
        self.max_batch.iter().any(|largest| *largest > 1)
    }

    /// The most inferences of a model that a run on an accelerator can carry at once, on the units of one of its classes: as
    /// many as the accelerator takes and all layers have a cost for. At least 1.
    #[must_use]
    pub fn largest_batch(&self, model: ModelId, accelerator: AcceleratorId, class: ClassId) -> u32 {
        let largest = self.max_batch[accelerator.index()];
        largest.min(self.table.largest_batch(self.network(model), self.class(class).configuration))
    }

    /// The number of classes.
    #[must_use]
    pub fn class_count(&self) -> usize {
        self.classes.len()
    }

    /// A class.
    #[inline]
    #[must_use]
    pub fn class(&self, class: ClassId) -> &Class {
        &self.classes[class.index()]
    }

    /// The number of accelerators.
    #[must_use]
    pub fn accelerators(&self) -> usize {
        self.whole.len()
    }

    /// The class of a run that holds every unit of an accelerator.
    #[must_use]
    pub fn whole(&self, accelerator: AcceleratorId) -> ClassId {
        self.whole[accelerator.index()]
    }

    /// The classes of an accelerator with one inference, by ascending number of units; the last has all units.
    #[must_use]
    pub fn classes_of(&self, accelerator: AcceleratorId) -> &[ClassId] {
        &self.of_accelerators[accelerator.index()]
    }

    /// The class of a run of one job that holds `units` units of an accelerator; none where the platform states no
    /// cost for so many.
    #[inline]
    #[must_use]
    pub fn class_with(&self, accelerator: AcceleratorId, units: u32) -> Option<ClassId> {
        let whole = self.whole(accelerator);
        if self.class(whole).units == units {
            return Some(whole);
        }
        self.classes_of(accelerator).iter().copied().find(|class| self.class(*class).units == units)
    }

    /// The number of layers of a model.
    #[must_use]
    pub fn layers(&self, model: ModelId) -> u32 {
        self.models[model.index()].layers
    }

    fn cell(&self, model: ModelId, layer: u32, class: ClassId) -> usize {
        (self.models[model.index()].first + layer as usize) * self.classes.len() + class.index()
    }

    fn cell_before(&self, model: ModelId, layer: u32, class: ClassId) -> usize {
        (self.models[model.index()].first_before + layer as usize) * self.classes.len() + class.index()
    }

    /// The latency of a layer; the mean over samples, or over what it takes, to the nearest picosecond.
    #[must_use]
    pub fn latency(&self, model: ModelId, layer: u32, class: ClassId) -> Duration {
        Duration::from_picoseconds(self.latency[self.cell(model, layer, class)])
    }

    /// Compute, transfer and memory demand of a layer; of a model with samples, those of its mean work.
    #[must_use]
    pub fn parts(&self, model: ModelId, layer: u32, class: ClassId) -> &Isolated {
        &self.parts[self.cell(model, layer, class)]
    }

    /// The bytes that a layer moves across each shared memory level; the mean over samples.
    #[must_use]
    pub fn traffic(&self, model: ModelId, layer: u32, class: ClassId) -> [u64; SHARED_LEVELS] {
        self.work(model, layer, self.class(class)).traffic
    }

    /// The energy of a layer; of a model with samples, that of its mean work.
    #[must_use]
    pub fn energy(&self, model: ModelId, layer: u32, class: ClassId) -> &EnergyParts<Energy> {
        &self.energy[self.cell(model, layer, class)]
    }

    /// The equal steps that a layer can be stopped between; at least 1.
    #[must_use]
    pub fn quanta(&self, model: ModelId, layer: u32, class: ClassId) -> u32 {
        self.quanta[self.cell(model, layer, class)]
    }

    /// The latency of layers `from..to`, in picoseconds.
    #[must_use]
    pub fn latency_between(&self, model: ModelId, from: u32, to: u32, class: ClassId) -> u64 {
        let at = |layer| self.latency_before[self.cell_before(model, layer, class)];
        at(to).saturating_sub(at(from))
    }

    /// The energy of the layers before `to`, summed in their order.
    #[must_use]
    pub fn energy_before(&self, model: ModelId, to: u32, class: ClassId) -> &EnergyParts<Energy> {
        &self.energy_before[self.cell_before(model, to, class)]
    }

    /// True if inferences of a model differ by their samples in a class.
    #[must_use]
    pub fn is_sampled(&self, model: ModelId, class: ClassId) -> bool {
        self.table.is_sampled(self.network(model), self.class(class).configuration)
    }
}

/// The distinct classes of a platform in the order of first use, and those of each accelerator.
fn classes(platform: &Platform, support: &Support) -> (Vec<Class>, Vec<Vec<ClassId>>) {
    let mut classes: Vec<Class> = Vec::new();
    let of_accelerators = platform
        .accelerators
        .iter()
        .zip(&support.of_accelerators)
        .map(|(accelerator, group)| {
            let of_units = accelerator.configurations().map(|(units, configuration)| {
                let share = match platform.shared_dram.map_or(Shares::None, |dram| dram.sharing.shares()) {
                    Shares::None => None,
                    Shares::Parts | Shares::Weights => Some(accelerator.share_of(units)),
                    // A cap or a threshold is of each run, whatever it runs on.
                    Shares::Caps | Shares::Thresholds => Some(accelerator.dram_share),
                };
                let class = Class {
                    configuration,
                    units,
                    share,
                    batch: 1,
                    clock: Scaling::NOMINAL,
                    memory: Scaling::NOMINAL,
                    group: *group,
                };
                let known = classes.iter().position(|known| *known == class);
                ClassId::new(known.unwrap_or_else(|| {
                    classes.push(class);
                    classes.len() - 1
                }))
            });
            of_units.collect()
        })
        .collect();
    (classes, of_accelerators)
}

/// Adds the classes of batches behind those of one inference: by class, that of one inference; by class of one inference,
/// those of two and more.
fn add_batches(
    platform: &Platform,
    of_points: &[PointClasses],
    classes: &mut Vec<Class>,
) -> (Vec<ClassId>, Vec<Vec<ClassId>>) {
    let mut largest = vec![1_u32; classes.len()];
    for (accelerator, own) in platform.accelerators.iter().zip(of_points) {
        for class in own.all() {
            largest[class.index()] = largest[class.index()].max(accelerator.max_batch);
        }
    }
    let mut single_of: Vec<ClassId> = (0..classes.len()).map(ClassId::new).collect();
    let mut batches_of = Vec::with_capacity(largest.len());
    for (index, largest) in largest.into_iter().enumerate() {
        let first = classes.len();
        classes.extend((2..=largest).map(|batch| Class { batch, ..classes[index] }).collect::<Vec<_>>());
        single_of.resize(classes.len(), ClassId::new(index));
        batches_of.push((first..classes.len()).map(ClassId::new).collect());
    }
    (single_of, batches_of)
}

/// The mean of durations, to the nearest picosecond; zero of none.
fn mean(values: impl Iterator<Item = Duration>) -> Duration {
    let (sum, count) = values
        .fold((0_u128, 0_u128), |(sum, count), value| (sum + u128::from(value.picoseconds()), count + 1));
    let nearest = (sum + count / 2).checked_div(count).unwrap_or(0);
    Duration::from_picoseconds(u64::try_from(nearest).unwrap_or(u64::MAX))
}

impl Class {
    /// True if it is at the points that costs are stated for.
    #[must_use]
    pub fn is_nominal(&self) -> bool {
        self.clock == Scaling::NOMINAL && self.memory == Scaling::NOMINAL
    }

    /// The energy of work at the operating points of the class, its static part as it is.
    fn energy(&self, work: &Work) -> EnergyParts {
        if self.is_nominal() {
            return work.energy;
        }
        let (own, memory) = (self.clock.dynamic(), self.memory.dynamic());
        let EnergyParts { mac, l1, l2, dram, static_energy } = work.energy;
        EnergyParts { mac: mac * own, l1: l1 * own, l2: l2 * own, dram: dram * memory, static_energy }
    }
}

/// The energy of a layer that takes `latency` on its platform: static energy accrues for longer where
/// shared memory makes the layer wait, and where a clock is lower. This is where picojoules become whole femtojoules.
fn over_latency(work: &Work, class: &Class, latency: Duration) -> EnergyParts<Energy> {
    let (own, mut energy) = (work.latency(), class.energy(work));
    if latency != own && !own.is_zero() {
        energy.static_energy *= latency.picoseconds() as f64 / own.picoseconds() as f64;
    }
    energy.rounded()
}
