//! Estimates of costs, as they are known before anything runs.
//!
//! For each model, layer and class there are the latency and the energy of the layer by itself, read from
//! [`IsolatedCosts`], and the expected and the greatest remaining latency of a job that is about to run it.
//! All are computed once for a workload on a platform, so that a policy looks them up in constant time.
//!
//! Of a model with recorded samples, a layer's latency is the mean over samples, and where times vary it is the mean of what
//! jobs draw. The samples and the draws themselves are hidden: only [`crate::Truth`] reads them.
//!
//! Not every accelerator runs every layer, and not every job may run on every accelerator. What is said of one class
//! counts a layer that it does not run at the class that is fastest for it, since that is where the job goes on at the
//! best; what is said of accelerators in the mean counts one that does not run a layer as the mean of those that do. So
//! latencies over all accelerators compare between layers that all of them run and layers that few of them do.
//!
//! Accelerators that are alike have their *classes* in common: a class is a configuration with a number of
//! units and, where memory bandwidth is partitioned, a share of it. What compares accelerators, compares
//! them with all of their units, at their nominal operating points.

use std::sync::Arc;

use rtmm_hardware::{
    AcceleratorId, Bandwidth, Class, ClassId, ContextSwitch, CopyOrder, Energy, EnergyParts, Isolated,
    IsolatedCosts, Moved, Phase, Platform, Points, PowerStates, PowerUnit, Resident, SHARED_LEVELS, Shares,
    Transfers, WEIGHTS, Weights,
};
use rtmm_workload::{Duration, LayerId, LayerVariants, Model, ModelId};

use crate::expectations::{Expectations, Knowledge, LayerProfile};
use crate::job::{Place, Progress};
use crate::state::UnitState;
use crate::terms;

/// Estimated costs of every layer in every class, and sums of them.
#[derive(Clone, Debug)]
pub struct Profile {
    costs: Arc<IsolatedCosts>,
    is_partial: bool,
    models: Vec<ModelProfile>,
    /// A row a layer and one for the end of each model, a column a class: expected remaining latency.
    remaining: Vec<u64>,
    worst_remaining: Vec<u64>,
    /// In the same layout: the standard deviation of the remaining latency.
    spread: Vec<u64>,
    /// In the same layout: expected energy of the rest, in femtojoules.
    remaining_energy: Vec<u64>,
    /// A row a layer and one for the end: the expected rest where each layer runs where it is fastest.
    fastest_remaining: Vec<u64>,
    /// In the same layout: the standard deviation of that.
    fastest_spread: Vec<u64>,
    /// A row a layer: its latency where it is fastest. Empty where every class runs every layer.
    fastest_layer: Vec<u64>,
    /// A row a layer, a column a class of one inference.
    preferences: Vec<Preference>,
    of_patterns: Expectations,
    of_architectures: Expectations,
    /// By accelerator.
    context_switches: Vec<ContextSwitch>,
    /// Ways between accelerators; none where jobs move for nothing.
    transfers: Option<Transfers>,
    /// Power states by accelerator, then those of the memory.
    power: Vec<Option<PowerStates>>,
    has_points: bool,
    /// Input of each layer and what it leaves, a row a layer.
    activations: Vec<Activations>,
}

/// A layer's activations.
#[derive(Clone, Copy, Debug, Default)]
struct Activations {
    input: Moved,
    /// Its output, or what the model states to be live after it.
    left: Moved,
}

/// A layer of a model, as a position in the tables of a [`Profile`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerRow(usize);

/// A class compared with the mean over accelerators, for a layer: [`terms::preference`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Preference {
    /// By latency.
    pub latency: f64,
    /// By energy.
    pub energy: f64,
    /// The energy of the layer there, in picojoules.
    pub layer_pj: f64,
}

/// Where a model stands in the tables.
#[derive(Clone, Debug)]
struct ModelProfile {
    /// Its first row in tables of a row a layer.
    first: usize,
    /// Its first row in tables of one row more.
    first_remaining: usize,
    /// The last layer of each layer's block; empty for a model without blocks.
    block_ends: Vec<u32>,
    /// All layers at their most costly accelerator.
    worst_energy: Energy,
    accuracy: Option<f64>,
    layer_variants: Option<Arc<LayerVariants>>,
    /// Multiply-accumulates of each layer.
    macs: Vec<u64>,
}

impl Profile {
    /// Estimates for `models` on `platform`, which `costs` must have been computed for.
    #[must_use]
    pub fn new(models: &[Model], platform: &Platform, costs: Arc<IsolatedCosts>) -> Self {
        let mut profile = Self {
            is_partial: costs.is_partial(),
            costs,
            models: Vec::with_capacity(models.len()),
            remaining: Vec::new(),
            worst_remaining: Vec::new(),
            spread: Vec::new(),
            remaining_energy: Vec::new(),
            fastest_remaining: Vec::new(),
            fastest_spread: Vec::new(),
            fastest_layer: Vec::new(),
            preferences: Vec::new(),
            of_patterns: Expectations::default(),
            of_architectures: Expectations::default(),
            transfers: platform.transfers.clone(),
            context_switches: platform.accelerators.iter().map(|one| one.context_switch).collect(),
            power: (platform.accelerators.iter().map(|one| &one.power))
                .chain([&platform.power.dram])
                .cloned()
                .collect(),
            has_points: platform.has_points(),
            activations: Vec::new(),
        };
        for (index, model) in models.iter().enumerate() {
            profile.add(ModelId::new(index), model);
        }
        let of_model = |(index, model)| LayerProfile::new(ModelId::new(index), model, &profile.costs);
        let profiles: Vec<LayerProfile> = models.iter().enumerate().map(of_model).collect();
        profile.of_patterns = Expectations::of_patterns(models, &profiles);
        let may_use_alike = |one: usize, other: usize| {
            let mut accelerators = (0..profile.accelerators()).map(AcceleratorId::new);
            let [one, other] = [one, other].map(ModelId::new);
            accelerators.all(|of| profile.may_use(one, of) == profile.may_use(other, of))
        };
        profile.of_architectures = Expectations::of_architectures(models, &profiles, may_use_alike);
        profile
    }

    /// Takes over the worst-case energy of each model, by which normalised energy is judged, from another profile of the same
    /// models, such as one of the same platform before it was divided.
    pub fn judge_energy_as(&mut self, other: &Self) {
        for (own, other) in self.models.iter_mut().zip(&other.models) {
            own.worst_energy = other.worst_energy;
        }
    }

    fn add(&mut self, id: ModelId, model: &Model) {
        let costs = Arc::clone(&self.costs);
        let layers = costs.layers(id);
        let (first, first_remaining) = (self.activations.len(), self.fastest_remaining.len());
        // A layer without dimensions moves nothing that is known.
        self.activations.extend(model.layers.iter().map(|layer| Activations {
            input: Moved::elements(layer.input_elements()),
            left: match layer.live_bytes {
                Some(bytes) => Moved { elements: 0, bytes },
                None => Moved::elements(layer.output_elements().unwrap_or(0)),
            },
        }));
        // At the points that costs are stated for, so that governors are judged by one measure.
        let worst = |layer| costs.nominal_classes().map(|class| costs.energy(id, layer, class).total()).max();
        let worst_energy = (0..layers).filter_map(worst).sum();
        let least = |layer| {
            let latencies = costs.supporting(id, layer).map(|class| costs.latency(id, layer, class));
            latencies.min().map_or(0, Duration::picoseconds)
        };
        let fastest: Vec<u64> = (0..layers).map(least).collect();
        let of_layer = |layer: u32, class| match costs.supports(id, layer, class) {
            true => costs.latency(id, layer, class).picoseconds(),
            false => fastest[layer as usize],
        };
        let of_class = |class| -> Vec<u64> { (0..layers).map(|layer| of_layer(layer, class)).collect() };
        // The class in which a layer is fastest, as it runs in a class that does not run it.
        let fastest_class =
            |layer| costs.supporting(id, layer).min_by_key(|one| costs.latency(id, layer, *one));
        let varies = costs.varies(id);
        let spread = |latency: &[u64], class_of: &dyn Fn(u32) -> Option<ClassId>| {
            let mut spread = model.spread_remaining(latency);
            if varies {
                let deviation =
                    |layer| class_of(layer).map_or((0.0, 0.0), |one| costs.deviation(id, layer, one));
                add_deviations(&mut spread, &(0..layers).map(deviation).collect::<Vec<_>>());
            }
            spread
        };
        let sums_of = |class| {
            let latency = of_class(class);
            let own =
                |layer| costs.supports(id, layer, class).then_some(class).or_else(|| fastest_class(layer));
            [model.expected_remaining(&latency), model.worst_remaining(&latency), spread(&latency, &own)]
        };
        let sums: Vec<[Vec<u64>; 3]> = (0..costs.class_count()).map(ClassId::new).map(sums_of).collect();
        let energy_of_layer = |layer: u32, class| {
            let own = costs.supports(id, layer, class).then_some(class);
            let of =
                own.or_else(|| costs.supporting(id, layer).min_by_key(|of| costs.latency(id, layer, *of)));
            of.map_or(0, |class| costs.energy(id, layer, class).total().femtojoules())
        };
        let energies: Vec<Vec<u64>> = (0..self.costs.class_count())
            .map(ClassId::new)
            .map(|class| (0..layers).map(|layer| energy_of_layer(layer, class)).collect::<Vec<u64>>())
            .map(|energy| model.expected_remaining(&energy))
            .collect();
        self.fastest_remaining.extend(model.expected_remaining(&fastest));
        self.fastest_spread.extend(spread(&fastest, &fastest_class));
        if costs.is_partial() {
            self.fastest_layer.extend(fastest);
        }
        (0..layers).for_each(|layer| self.prefer(id, layer));
        for layer in 0..=model.layers.len() {
            self.remaining.extend(sums.iter().map(|[expected, ..]| expected[layer]));
            self.worst_remaining.extend(sums.iter().map(|[_, worst, _]| worst[layer]));
            self.spread.extend(sums.iter().map(|[.., spread]| spread[layer]));
            self.remaining_energy.extend(energies.iter().map(|energy| energy[layer]));
        }
        self.models.push(ModelProfile {
            first,
            first_remaining,
            block_ends: block_ends(model),
            worst_energy,
            accuracy: model.accuracy,
            layer_variants: model.layer_variants.clone(),
            // Layers without a legal shape have no costs either, and are refused before.
            macs: model.layers.iter().map(|layer| layer.macs().unwrap_or(0)).collect(),
        });
    }

    /// Compares classes with the mean over whole accelerators, for a layer. A class that does not run it has no preference.
    fn prefer(&mut self, model: ModelId, layer: u32) {
        let energy_pj = |class| self.costs.energy(model, layer, class).total().picojoules();
        let latency = |class| self.costs.latency(model, layer, class).picoseconds() as f64;
        let supports = |class| self.costs.supports(model, layer, class);
        let all = self.accelerators();
        let over_accelerators = |of: &dyn Fn(ClassId) -> f64| {
            let wholes = (0..all).map(|index| self.whole(AcceleratorId::new(index)));
            let (sum, count) = wholes
                .filter(|class| supports(*class))
                .fold((0.0, 0), |(sum, count), class| (sum + of(class), count + 1));
            // One that does not run the layer counts as the mean of those that do.
            if count == all { sum } else { sum * all as f64 / f64::from(count.max(1) as u32) }
        };
        let (latencies, energies) = (over_accelerators(&latency), over_accelerators(&energy_pj));
        let of_class = |class| match supports(class) {
            true => Preference {
                latency: terms::preference(latencies, latency(class)),
                energy: terms::preference(energies, energy_pj(class)),
                layer_pj: energy_pj(class),
            },
            false => Preference::default(),
        };
        let preferences: Vec<Preference> = self.classes().map(of_class).collect();
        self.preferences.extend(preferences);
    }

    /// A class of one inference compared with the mean over accelerators, for a layer.
    #[must_use]
    pub fn preference(&self, model: ModelId, layer: u32, class: ClassId) -> &Preference {
        self.preference_in(self.row(model, layer), class)
    }

    /// The row of a layer, for callers that look it up again and again.
    #[must_use]
    pub fn row(&self, model: ModelId, layer: u32) -> LayerRow {
        LayerRow(self.models[model.index()].first + layer as usize)
    }

    /// [`Profile::preference`] of the layer of a row.
    #[must_use]
    pub fn preference_in(&self, row: LayerRow, class: ClassId) -> &Preference {
        &self.preferences[row.0 * self.costs.nominal_classes().len() + class.index()]
    }

    /// The expected latency of everything from a progress on where each layer runs in the class that is
    /// fastest for it: no schedule can do it sooner, if nothing is skipped that was not expected.
    #[inline]
    #[must_use]
    pub fn fastest_remaining(&self, model: ModelId, from: impl Into<Progress>) -> Duration {
        let from = from.into();
        let at = self.models[model.index()].first_remaining + from.layer as usize;
        let remaining = Duration::from_picoseconds(self.fastest_remaining[at]);
        if from.quantum == 0 { remaining } else { self.fastest_inside(model, from, at, remaining) }
    }

    /// [`Profile::fastest_remaining`] from inside of the layer of row `at`.
    #[cold]
    fn fastest_inside(&self, model: ModelId, from: Progress, at: usize, remaining: Duration) -> Duration {
        let rests = self.costs.supporting(model, from.layer);
        let rests = rests.map(|class| self.rest_of_layer(model, from, class));
        let after = Duration::from_picoseconds(self.fastest_remaining[at + 1]);
        // Of the layer that is begun nothing is left to chance.
        rests.min().unwrap_or(Duration::ZERO).saturating_add(after).min(remaining)
    }

    /// True if the times of some layers of a model vary from job to job.
    #[must_use]
    pub fn varies(&self, model: ModelId) -> bool {
        self.costs.varies(model)
    }

    /// True if some accelerator does not run some layer, or jobs of some model may not run there.
    #[inline]
    #[must_use]
    pub const fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// True if a class runs a layer.
    #[inline]
    #[must_use]
    pub fn supports(&self, model: ModelId, layer: u32, class: ClassId) -> bool {
        !self.is_partial || self.costs.supports(model, layer, class)
    }

    /// True if an accelerator runs a layer, on any number of its units.
    #[inline]
    #[must_use]
    pub fn runs(&self, model: ModelId, layer: u32, accelerator: AcceleratorId) -> bool {
        !self.is_partial || self.costs.supports(model, layer, self.whole(accelerator))
    }

    /// The first layer at or after `layer` that a class does not run: a segment that is dispatched there ends before it.
    #[inline]
    #[must_use]
    pub fn supported_until(&self, model: ModelId, layer: u32, class: ClassId) -> u32 {
        self.costs.supported_until(model, layer, class)
    }

    /// The model whose costs a model has: itself, unless it is that of a task which is pinned to some accelerators.
    #[must_use]
    pub fn network(&self, model: ModelId) -> ModelId {
        self.costs.network(model)
    }

    /// True if jobs of a model may run on an accelerator, whichever of its layers that runs.
    #[must_use]
    pub fn may_use(&self, model: ModelId, accelerator: AcceleratorId) -> bool {
        self.costs.may_use(model, accelerator)
    }

    /// The classes of one inference on the platform, in the order of their indices.
    pub fn classes(&self) -> impl ExactSizeIterator<Item = ClassId> + use<> {
        self.costs.nominal_classes()
    }

    /// True if any accelerator runs batches.
    #[must_use]
    pub fn has_batches(&self) -> bool {
        self.costs.has_batches()
    }

    /// The class that differs from another one by the number of jobs of the run; none where no run has so many.
    #[inline]
    #[must_use]
    pub fn in_batch(&self, class: ClassId, batch: u32) -> Option<ClassId> {
        self.costs.in_batch(class, batch)
    }

    /// The most jobs of a model that a run on an accelerator can carry, on the units of one of its classes; at least 1.
    #[must_use]
    pub fn largest_batch(&self, model: ModelId, accelerator: AcceleratorId, class: ClassId) -> u32 {
        self.costs.largest_batch(model, accelerator, class)
    }

    /// A class.
    #[must_use]
    pub fn class(&self, class: ClassId) -> &Class {
        self.costs.class(class)
    }

    /// The class of a run that holds every unit of an accelerator.
    #[must_use]
    pub fn whole(&self, accelerator: AcceleratorId) -> ClassId {
        self.costs.whole(accelerator)
    }

    /// The classes of an accelerator, by ascending number of units; the last has all units.
    #[must_use]
    pub fn classes_of(&self, accelerator: AcceleratorId) -> &[ClassId] {
        self.costs.classes_of(accelerator)
    }

    /// The class of a run that holds `units` units of an accelerator; none where no run may hold so many.
    #[inline]
    #[must_use]
    pub fn class_with(&self, accelerator: AcceleratorId, units: u32) -> Option<ClassId> {
        self.costs.class_with(accelerator, units)
    }

    /// The class of a run that holds `units` units of an accelerator at operating points; none where no run may hold so
    /// many, and for points that there are not.
    #[inline]
    #[must_use]
    pub fn class_at(&self, accelerator: AcceleratorId, units: u32, points: Points) -> Option<ClassId> {
        self.costs.class_at(accelerator, units, points)
    }

    /// True if anything has more than one operating point.
    #[inline]
    #[must_use]
    pub const fn has_points(&self) -> bool {
        self.has_points
    }

    /// The power states of an accelerator, or of the memory; none where the platform does not state them.
    #[must_use]
    pub fn power_states(&self, unit: PowerUnit) -> Option<&PowerStates> {
        let at = match unit {
            PowerUnit::Accelerator(accelerator) => accelerator.index(),
            PowerUnit::Dram => self.accelerators(),
        };
        self.power.get(at)?.as_ref()
    }

    /// The number of accelerators.
    #[must_use]
    pub fn accelerators(&self) -> usize {
        self.costs.accelerators()
    }

    /// The number of layers of a model.
    #[must_use]
    pub fn layers(&self, model: ModelId) -> u32 {
        self.costs.layers(model)
    }

    /// Meaning of the shares of the memory that accelerators share, which policies may set.
    #[must_use]
    pub fn shares(&self) -> Shares {
        self.costs.shares()
    }

    /// The bandwidth of the memory that accelerators share; none where each has its own.
    #[must_use]
    pub fn shared_bandwidth(&self) -> Option<Bandwidth> {
        self.costs.shared_bandwidth()
    }

    /// The number of models.
    #[must_use]
    pub fn models(&self) -> usize {
        self.models.len()
    }

    /// The features of a layer beside others on its accelerator, by which slowdowns are predicted: what a profiler measured of
    /// each of them alone.
    #[must_use]
    pub fn co_location_features(
        &self,
        accelerator: AcceleratorId,
        own: &Resident,
        others: &[Resident],
    ) -> Weights {
        let stated = self.costs.co_locations();
        stated.map_or([0.0; WEIGHTS], |of| of.features(accelerator, own, others))
    }

    /// The weights of these features that were fitted before anything ran.
    #[must_use]
    pub fn co_location_prior(&self, accelerator: AcceleratorId) -> Weights {
        self.costs.co_locations().map_or([0.0; WEIGHTS], |of| of.prior(accelerator))
    }

    /// The use that a layer makes of an accelerator: kernels, or a copy to it or from it.
    #[must_use]
    pub fn phase(&self, accelerator: AcceleratorId, model: ModelId, layer: u32) -> Phase {
        let stated = self.costs.co_locations();
        stated.map_or(Phase::Kernels, |of| of.phase(accelerator, model, LayerId::new(layer as usize)))
    }

    /// The order of the copies of one direction on an accelerator.
    #[must_use]
    pub fn copy_order(&self, accelerator: AcceleratorId) -> CopyOrder {
        self.costs.co_locations().map_or_else(CopyOrder::default, |of| of.copy_order(accelerator))
    }

    /// The energy of an inference each of whose layers runs on the accelerator where it costs most,
    /// with nothing skipped.
    #[must_use]
    pub fn worst_energy(&self, model: ModelId) -> Energy {
        self.models[model.index()].worst_energy
    }

    /// The accuracy of a complete inference of the model.
    #[must_use]
    pub fn accuracy(&self, model: ModelId) -> Option<f64> {
        self.models[model.index()].accuracy
    }

    /// Layers of the model that others can run in place of; none where there are no such layers. Between two layers a job may
    /// turn to any variant of its task that has them.
    #[must_use]
    pub fn layer_variants(&self, model: ModelId) -> Option<&LayerVariants> {
        self.models[model.index()].layer_variants.as_deref()
    }

    /// The multiply-accumulates of a layer.
    #[must_use]
    pub fn macs(&self, model: ModelId, layer: u32) -> u64 {
        self.models[model.index()].macs[layer as usize]
    }

    /// The last layer of the block that `layer` belongs to; none in a model without blocks.
    /// A layer outside of all blocks is a block of its own.
    #[must_use]
    pub fn block_end(&self, model: ModelId, layer: u32) -> Option<u32> {
        self.models[model.index()].block_ends.get(layer as usize).copied()
    }

    #[inline]
    fn remaining_cell(&self, model: ModelId, layer: u32, class: ClassId) -> usize {
        let first = self.models[model.index()].first_remaining;
        (first + layer as usize) * self.costs.class_count() + class.index()
    }

    /// The latency of a layer by itself; where the class does not run it, that of the class that is fastest for it.
    #[must_use]
    pub fn latency(&self, model: ModelId, layer: u32, class: ClassId) -> Duration {
        if self.supports(model, layer, class) {
            return self.costs.latency(model, layer, class);
        }
        Duration::from_picoseconds(self.fastest_layer[self.models[model.index()].first + layer as usize])
    }

    /// Compute, transfer and memory demand of a layer by itself; of a model with samples, of its mean work.
    #[must_use]
    pub fn parts(&self, model: ModelId, layer: u32, class: ClassId) -> &Isolated {
        self.costs.parts(model, layer, class)
    }

    /// The bytes that a layer moves across each shared memory level.
    #[must_use]
    pub fn traffic(&self, model: ModelId, layer: u32, class: ClassId) -> [u64; SHARED_LEVELS] {
        self.costs.traffic(model, layer, class)
    }

    /// The energy of a layer by itself.
    #[must_use]
    pub fn energy(&self, model: ModelId, layer: u32, class: ClassId) -> &EnergyParts<Energy> {
        self.costs.energy(model, layer, class)
    }

    /// The equal steps that a layer can be stopped between; at least 1.
    #[must_use]
    pub fn quanta(&self, model: ModelId, layer: u32, class: ClassId) -> u32 {
        self.costs.quanta(model, layer, class)
    }

    /// The latency in a class of the steps of a layer that are done, as steps of the class.
    #[cold]
    #[must_use]
    pub fn done_of_layer(&self, model: ModelId, from: Progress, class: ClassId) -> Duration {
        if from.quantum == 0 {
            return Duration::ZERO;
        }
        let latency = self.latency(model, from.layer, class).picoseconds();
        // A class that does not run the layer has no steps of its own.
        let done = match self.supports(model, from.layer, class) {
            true => from.in_steps(self.quanta(model, from.layer, class)),
            false => from,
        };
        Duration::from_picoseconds(done.done_of(latency))
    }

    /// The latency in a class of the steps of a layer that are not done.
    #[must_use]
    pub fn rest_of_layer(&self, model: ModelId, from: Progress, class: ClassId) -> Duration {
        let done = self.done_of_layer(model, from, class).picoseconds();
        let latency = self.latency(model, from.layer, class).picoseconds();
        Duration::from_picoseconds(latency.saturating_sub(done))
    }

    /// The expected latency of everything from a progress on, in one class, with the layers that it does not run at the class
    /// that is fastest for them. Exact where nothing is skipped and nothing exits.
    #[inline(always)]
    #[must_use]
    pub fn remaining(&self, model: ModelId, from: impl Into<Progress>, class: ClassId) -> Duration {
        let from = from.into();
        let remaining = self.remaining[self.remaining_cell(model, from.layer, class)];
        // Few jobs stand inside a layer.
        let done = if from.quantum == 0 { 0 } else { self.done_of_layer(model, from, class).picoseconds() };
        Duration::from_picoseconds(remaining.saturating_sub(done))
    }

    /// The first of the accelerators whose whole takes least, by [`Profile::remaining`], for what is left of a job.
    #[inline(always)]
    #[must_use]
    pub fn fastest_of(
        &self,
        model: ModelId,
        from: Progress,
        accelerators: &[AcceleratorId],
    ) -> Option<AcceleratorId> {
        let (first, others) = accelerators.split_first()?;
        if others.is_empty() {
            return Some(*first);
        }
        let remaining = |one: &AcceleratorId| self.remaining(model, from, self.whole(*one));
        let mut fastest = (*first, remaining(first));
        for one in others {
            let own = remaining(one);
            if own < fastest.1 {
                fastest = (*one, own);
            }
        }
        Some(fastest.0)
    }

    /// The latency of everything from `layer` on if nothing is skipped and nothing exits.
    #[must_use]
    pub fn worst_remaining(&self, model: ModelId, layer: u32, class: ClassId) -> Duration {
        Duration::from_picoseconds(self.worst_remaining[self.remaining_cell(model, layer, class)])
    }

    /// The standard deviation of [`Profile::remaining`] by what is skipped, where inferences exit and how much their times vary: 0
    /// where they do not. Of times that vary, layers that may be skipped count as if they ran.
    #[must_use]
    pub fn spread(&self, model: ModelId, from: impl Into<Progress>, class: ClassId) -> Duration {
        let from = from.into();
        // A layer that is begun is no longer skipped.
        let layer = from.layer + u32::from(from.quantum > 0);
        Duration::from_picoseconds(self.spread[self.remaining_cell(model, layer, class)])
    }

    /// The standard deviation of [`Profile::fastest_remaining`], as that of [`Profile::spread`].
    #[must_use]
    pub fn fastest_spread(&self, model: ModelId, from: impl Into<Progress>) -> Duration {
        let from = from.into();
        let layer = from.layer + u32::from(from.quantum > 0);
        let at = self.models[model.index()].first_remaining + layer as usize;
        Duration::from_picoseconds(self.fastest_spread[at])
    }

    /// The expected energy of everything from a progress on, in one class, with the layers that it does not run in the class
    /// that is fastest for them. Of a layer that is begun the part that is not done counts.
    #[must_use]
    pub fn remaining_energy(&self, model: ModelId, from: impl Into<Progress>, class: ClassId) -> Energy {
        let from = from.into();
        let remaining =
            Energy::from_femtojoules(self.remaining_energy[self.remaining_cell(model, from.layer, class)]);
        if from.quantum == 0 {
            return remaining;
        }
        let after = Energy::from_femtojoules(
            self.remaining_energy[self.remaining_cell(model, from.layer + 1, class)],
        );
        // In a block that may be skipped a layer counts less than it takes: what is begun of it is at most that.
        remaining.saturating_sub(remaining.saturating_sub(after).scaled(from.fraction()))
    }

    /// The least of [`Profile::remaining`] over accelerators that run any of it.
    #[inline]
    #[must_use]
    pub fn least_remaining(&self, model: ModelId, from: impl Into<Progress>) -> Duration {
        self.of_patterns.least_remaining(model, from)
    }

    /// The mean over accelerators of what is left, rounded down: of [`Profile::remaining`] where each of them runs all of it.
    #[inline]
    #[must_use]
    pub fn mean_remaining(&self, model: ModelId, from: impl Into<Progress>) -> Duration {
        self.of_patterns.mean_remaining(model, from)
    }

    #[inline(always)]
    fn activations(&self, model: ModelId, layer: u32) -> Activations {
        let ModelProfile { first, .. } = self.models[model.index()];
        if layer < self.layers(model) {
            self.activations[first + layer as usize]
        } else {
            Activations::default()
        }
    }

    /// The activations that a context switch of `units` moves: what the units still hold of other models, and the
    /// input of the layer that comes. None where nothing is switched: every unit ran `model` last, or nothing
    /// yet.
    ///
    /// What a layer leaves, its output unless the model states it, lies on the units of its run in equal parts, each
    /// rounded up to an element or a byte. Both are as many times as the runs have jobs.
    #[inline(always)]
    #[must_use]
    pub fn switched(
        &self,
        units: impl Iterator<Item = UnitState>,
        model: ModelId,
        layer: u32,
        jobs: u32,
    ) -> Option<Moved> {
        let (mut moved, network) = (None, self.costs.held(model));
        for unit in units {
            let Some(from) = unit.last_model.filter(|from| *from != network) else { continue };
            let left = unit.last_layer.map_or(Moved::default(), |layer| self.activations(from, layer).left);
            let of_all = |amount: u64| amount.saturating_mul(unit.last_jobs.max(1).into());
            let held = match unit.last_units {
                // Of most accelerators: nothing has to be divided.
                0 | 1 => left.map(of_all),
                units => left.map(|amount| of_all(amount).div_ceil(u64::from(units))),
            };
            moved = Some(moved.unwrap_or(Moved::default()).plus(held));
        }
        let input = |amount: u64| amount.saturating_mul(jobs.into());
        moved.map(|out| out.plus(self.activations(model, layer).input.map(input)))
    }

    /// The time and the energy of a context switch of an accelerator that moves these activations.
    #[must_use]
    pub fn switch_cost(&self, accelerator: AcceleratorId, moved: Moved) -> (Duration, Energy) {
        (self.switch_time(accelerator, moved), self.switch_energy(accelerator, moved))
    }

    /// The time of [`Profile::switch_cost`].
    #[inline]
    #[must_use]
    pub fn switch_time(&self, accelerator: AcceleratorId, moved: Moved) -> Duration {
        self.context_switches[accelerator.index()].time_for(moved)
    }

    /// The energy of [`Profile::switch_cost`].
    #[inline]
    #[must_use]
    pub fn switch_energy(&self, accelerator: AcceleratorId, moved: Moved) -> Energy {
        self.context_switches[accelerator.index()].energy_for(moved)
    }

    /// The part that there is of what a layer leaves, in proportion to the part of the layer that is done and rounded up:
    /// the context that a job has there. None between layers, whose outputs are written as they are computed.
    #[must_use]
    pub fn context(&self, model: ModelId, at: Progress) -> Moved {
        self.activations(model, at.layer).left.map(|all| {
            let computed = (u128::from(all) * u128::from(at.quantum)).div_ceil(u128::from(at.quanta.max(1)));
            // Not above all of it, unless more is said to be done than there is.
            u64::try_from(computed).unwrap_or(u64::MAX)
        })
    }

    /// The time and the energy in which an accelerator writes a context to memory, or reads it again;
    /// nothing where the platform does not say what moving activations costs.
    #[must_use]
    pub fn context_move(&self, accelerator: AcceleratorId, context: Moved) -> (Duration, Energy) {
        let moves = self.context_switches[accelerator.index()].activations;
        moves.map_or((Duration::ZERO, Energy::ZERO), |moves| moves.cost(context))
    }

    /// True if the platform says what lies between accelerators, so that jobs that go on elsewhere pay for it.
    #[inline]
    #[must_use]
    pub const fn has_transfers(&self) -> bool {
        self.transfers.is_some()
    }

    /// The time and the energy of a job of a model that goes on from a progress on another accelerator than the one of its
    /// place: of what its last complete layer leaves, and of what is computed of the next one where that was not written to
    /// memory. None where the job moves
    /// nothing: it stays, or has run nothing, or the platform does not say what lies between accelerators.
    #[must_use]
    pub fn transfer(
        &self,
        model: ModelId,
        from: Progress,
        place: Option<Place>,
        to: AcceleratorId,
    ) -> Option<(Duration, Energy)> {
        let transfers = self.transfers.as_ref()?;
        let Place { accelerator, layer, is_written } = place.filter(|place| place.accelerator != to)?;
        let left = layer.map_or(Moved::default(), |layer| self.activations(model, layer).left);
        let is_inside = from.quantum > 0 && !is_written;
        let moved = if is_inside { left.plus(self.context(model, from)) } else { left };
        let Moved { elements, bytes } = moved;
        (layer.is_some() || is_inside).then(|| transfers.cost(accelerator, to, elements, bytes))
    }

    /// The first accelerator of which the platform states no bandwidth for activations. Where there is one, no context can
    /// be written, since its job may go on anywhere.
    #[must_use]
    pub fn without_context_moves(&self) -> Option<AcceleratorId> {
        let is_stated = |one: &ContextSwitch| {
            one.activations.is_some_and(|moves| moves.bandwidth != Bandwidth::UNLIMITED)
        };
        self.context_switches.iter().position(|one| !is_stated(one)).map(AcceleratorId::new)
    }

    /// The expectations of a scheduler that is told this much of the models.
    #[must_use]
    pub fn expectations(&self, knowledge: Knowledge) -> &Expectations {
        match knowledge {
            Knowledge::Pattern => &self.of_patterns,
            Knowledge::Architecture => &self.of_architectures,
        }
    }
}

fn block_ends(model: &Model) -> Vec<u32> {
    if model.blocks.is_empty() {
        return Vec::new();
    }
    let mut ends: Vec<u32> =
        (0..model.layers.len()).map(|layer| LayerId::new(layer).index() as u32).collect();
    for block in &model.blocks {
        ends[block.first.index()..=block.last.index()].fill(block.last.index() as u32);
    }
    ends
}

/// Adds what the times of layers vary by to the standard deviations of what is left from each layer on. Of layers with deviations `s`
/// and a correlation `r` between each two of them the variance of the sum is `(1 - r) sum(s^2) + r sum(s)^2`.
fn add_deviations(spread: &mut [u64], of_layers: &[(f64, f64)]) {
    let (mut sum, mut squares) = (0.0, 0.0);
    for (spread, (deviation, correlation)) in spread.iter_mut().zip(of_layers).rev() {
        sum += deviation;
        squares += deviation * deviation;
        let variance = (1.0 - correlation) * squares + correlation * sum * sum;
        *spread = (*spread as f64 * *spread as f64 + variance).sqrt() as u64;
    }
}

#[cfg(test)]
mod tests {
    use rtmm_hardware::AcceleratorId;
    use rtmm_workload::ModelId;

    use super::*;
    use crate::fixture::{Fixture, NONE, TaskSketch};

    fn us(duration: Duration) -> u64 {
        duration.picoseconds() / 1_000_000
    }

    /// Three layers on three accelerators: all run the first, the first two the second, the last alone the third.
    fn partial() -> TaskSketch {
        TaskSketch::new("a", &[&[2, 4, 6], &[10, 20, NONE], &[NONE, NONE, 30]]).energy_pj(&[
            &[1.0, 2.0, 3.0],
            &[4.0, 8.0, 9.0],
            &[9.0, 9.0, 5.0],
        ])
    }

    #[test]
    fn deviations_of_layers_add_up_by_their_correlation() {
        let added = |correlation: f64, before: u64| {
            let mut spread = [before, before, 0];
            add_deviations(&mut spread, &[(40.0, correlation), (30.0, correlation)]);
            spread
        };
        // 30, and the root of 30^2 + 40^2; of layers that go together the sum.
        assert_eq!(added(0.0, 0), [50, 30, 0]);
        assert_eq!(added(1.0, 0), [70, 30, 0]);
        // Of what is skipped there are 40 besides.
        assert_eq!(added(0.0, 40), [64, 50, 0]);
    }

    #[test]
    fn estimates_are_over_what_can_run_a_layer() {
        let fixture = Fixture::new(&[partial()]).unwrap();
        let view = fixture.view();
        let (profile, model) = (view.profile, ModelId::new(0));
        let class = |accelerator| profile.whole(AcceleratorId::new(accelerator));
        let remaining = |layer: u32| [0, 1, 2].map(|one| us(profile.remaining(model, layer, class(one))));
        // Layers that are not run count at 10 and 30, where they are fastest.
        assert_eq!(remaining(0), [2 + 10 + 30, 4 + 20 + 30, 6 + 10 + 30]);
        assert_eq!(remaining(1), [10 + 30, 20 + 30, 10 + 30]);
        assert_eq!(remaining(2), [30, 30, 30]);
        assert_eq!(us(profile.fastest_remaining(model, 0)), 2 + 10 + 30);
        // The third layer is left to the last accelerator alone.
        assert_eq!([0, 1, 2].map(|layer| us(profile.least_remaining(model, layer))), [42, 40, 30]);
        // Means are over those that run a layer: 4, 15 and 30.
        assert_eq!([0, 1, 2].map(|layer| us(profile.mean_remaining(model, layer))), [49, 45, 30]);
        let expectations = profile.expectations(Knowledge::Pattern);
        assert_eq!([0, 1, 2].map(|layer| us(expectations.mean_layer(model, layer))), [4, 15, 30]);
        assert_eq!([0, 1, 2].map(|one| profile.supported_until(model, 0, class(one))), [2, 2, 1]);
        // At the most costly accelerator: 3, 8 and 5.
        assert_eq!(profile.worst_energy(model).picojoules(), 16.0);
        let preference = |layer, one| *profile.preference(model, layer, class(one));
        // All accelerators 12, those that run the second layer 30, and the last one as their mean.
        assert_eq!([0, 1, 2].map(|one| preference(0, one).latency), [6.0, 3.0, 2.0]);
        assert_eq!([0, 1, 2].map(|one| preference(1, one).latency), [4.5, 2.25, 0.0]);
        assert_eq!([0, 1, 2].map(|one| preference(2, one).energy), [0.0, 0.0, 3.0]);
    }

    #[test]
    fn inside_of_a_layer_what_is_done_counts_where_it_is_not_run() {
        let fixture = Fixture::new(&[partial().quanta(4)]).unwrap();
        let profile = fixture.view().profile;
        let model = ModelId::new(0);
        let half = Progress { layer: 1, quantum: 2, quanta: 4 };
        let remaining = |one| us(profile.remaining(model, half, profile.whole(AcceleratorId::new(one))));
        assert_eq!([0, 1, 2].map(remaining), [5 + 30, 10 + 30, 5 + 30]);
        assert_eq!(us(profile.least_remaining(model, half)), 35);
        assert_eq!(us(profile.fastest_remaining(model, half)), 35);
        // Half of 10, 20 and of their mean.
        assert_eq!(us(profile.mean_remaining(model, half)), (5 * 2 + 10 * 2 + 15) / 6 + 30);
    }

    #[test]
    fn oracles_count_as_estimates_do_where_nothing_is_hidden() {
        let mut fixture = Fixture::new(&[partial()]).unwrap();
        let id = fixture.ready(0, 0, 100);
        let (view, truth) = (fixture.view(), fixture.truth());
        let job = view.job(id).unwrap();
        for accelerator in (0..3).map(AcceleratorId::new) {
            assert_eq!(truth.remaining(job, accelerator), view.remaining(job, accelerator));
        }
        assert_eq!(truth.mean_remaining(job), view.mean_remaining(job));
    }
}
