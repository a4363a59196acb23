//! Estimates of costs, as they are known before anything runs.
//!
//! For each model, layer and class there are the latency and the energy of the layer by itself, read from
//! [`IsolatedCosts`], and the expected and the greatest remaining latency of a job that is about to run it.
//! All are computed once for a workload on a platform, so that a policy looks them up in constant time.
//!
//! Of a model with recorded samples, a layer's latency is the mean over samples, and where times vary it is the mean of what
//! jobs draw. The samples and the draws themselves are hidden: only [`crate::Truth`] reads them.
//!
//! Accelerators that are alike have their *classes* in common: a class is a configuration with a number of
//! units and, where memory bandwidth is partitioned, a share of it. What compares accelerators, compares
//! them with all of their units.

use std::sync::Arc;

use rtmm_hardware::{
    AcceleratorId, Bandwidth, Class, ClassId, ContextSwitch, Energy, EnergyParts, Isolated, IsolatedCosts,
    Moved, Platform, SHARED_LEVELS, Shares,
};
use rtmm_workload::{Duration, LayerId, Model, ModelId};

use crate::expectations::{Expectations, Knowledge, LayerProfile};
use crate::job::Progress;
use crate::state::UnitState;
use crate::terms;

/// Estimated costs of every layer in every class, and sums of them.
#[derive(Clone, Debug)]
pub struct Profile {
    costs: Arc<IsolatedCosts>,
    models: Vec<ModelProfile>,
    /// A row a layer and one for the end of each model, a column a class: expected remaining latency.
    remaining: Vec<u64>,
    worst_remaining: Vec<u64>,
    /// A row a layer and one for the end: the expected rest where each layer runs where it is fastest.
    fastest_remaining: Vec<u64>,
    /// A row a layer, a column a class of one inference.
    preferences: Vec<Preference>,
    of_patterns: Expectations,
    of_architectures: Expectations,
    /// By accelerator.
    context_switches: Vec<ContextSwitch>,
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
    /// Multiply-accumulates of each layer.
    macs: Vec<u64>,
}

impl Profile {
    /// Estimates for `models` on `platform`, which `costs` must have been computed for.
    #[must_use]
    pub fn new(models: &[Model], platform: &Platform, costs: Arc<IsolatedCosts>) -> Self {
        let mut profile = Self {
            costs,
            models: Vec::with_capacity(models.len()),
            remaining: Vec::new(),
            worst_remaining: Vec::new(),
            fastest_remaining: Vec::new(),
            preferences: Vec::new(),
            of_patterns: Expectations::default(),
            of_architectures: Expectations::default(),
            context_switches: platform.accelerators.iter().map(|one| one.context_switch).collect(),
            activations: Vec::new(),
        };
        for (index, model) in models.iter().enumerate() {
            profile.add(ModelId::new(index), model);
        }
        let of_model = |(index, model)| LayerProfile::new(ModelId::new(index), model, &profile.costs);
        let profiles: Vec<LayerProfile> = models.iter().enumerate().map(of_model).collect();
        profile.of_patterns = Expectations::of_patterns(models, &profiles);
        profile.of_architectures = Expectations::of_architectures(models, &profiles);
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
        let worst = |layer| self.classes().map(|class| costs.energy(id, layer, class).total()).max();
        let worst_energy = (0..layers).filter_map(worst).sum();
        let of_class = |class| -> Vec<u64> {
            (0..layers).map(|layer| costs.latency(id, layer, class).picoseconds()).collect()
        };
        let sums: Vec<(Vec<u64>, Vec<u64>)> = (0..self.costs.class_count())
            .map(ClassId::new)
            .map(of_class)
            .map(|latency| (model.expected_remaining(&latency), model.worst_remaining(&latency)))
            .collect();
        let least = |layer| {
            let latencies = self.classes().map(|class| costs.latency(id, layer, class).picoseconds());
            latencies.min().unwrap_or(0)
        };
        let fastest: Vec<u64> = (0..layers).map(least).collect();
        self.fastest_remaining.extend(model.expected_remaining(&fastest));
        (0..layers).for_each(|layer| self.prefer(id, layer));
        for layer in 0..=model.layers.len() {
            self.remaining.extend(sums.iter().map(|(expected, _)| expected[layer]));
            self.worst_remaining.extend(sums.iter().map(|(_, worst)| worst[layer]));
        }
        self.models.push(ModelProfile {
            first,
            first_remaining,
            block_ends: block_ends(model),
            worst_energy,
            accuracy: model.accuracy,
            // Layers without a legal shape have no costs either, and are refused before.
            macs: model.layers.iter().map(|layer| layer.macs().unwrap_or(0)).collect(),
        });
    }

    /// Compares classes with the mean over whole accelerators, for a layer.
    fn prefer(&mut self, model: ModelId, layer: u32) {
        let energy_pj = |class| self.costs.energy(model, layer, class).total().picojoules();
        let latency = |class| self.costs.latency(model, layer, class).picoseconds() as f64;
        let over_accelerators = |of: &dyn Fn(ClassId) -> f64| {
            let accelerators = (0..self.accelerators()).map(AcceleratorId::new);
            accelerators.fold(0.0, |sum, accelerator| sum + of(self.whole(accelerator)))
        };
        let (latencies, energies) = (over_accelerators(&latency), over_accelerators(&energy_pj));
        let of_class = |class| Preference {
            latency: terms::preference(latencies, latency(class)),
            energy: terms::preference(energies, energy_pj(class)),
            layer_pj: energy_pj(class),
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
        let rests = self.classes().map(|class| self.rest_of_layer(model, from, class));
        let after = Duration::from_picoseconds(self.fastest_remaining[at + 1]);
        // Of the layer that is begun nothing is left to chance.
        rests.min().unwrap_or(Duration::ZERO).saturating_add(after).min(remaining)
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

    /// The latency of a layer by itself.
    #[must_use]
    pub fn latency(&self, model: ModelId, layer: u32, class: ClassId) -> Duration {
        self.costs.latency(model, layer, class)
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
        Duration::from_picoseconds(from.in_steps(self.quanta(model, from.layer, class)).done_of(latency))
    }

    /// The latency in a class of the steps of a layer that are not done.
    #[must_use]
    pub fn rest_of_layer(&self, model: ModelId, from: Progress, class: ClassId) -> Duration {
        let done = self.done_of_layer(model, from, class).picoseconds();
        let latency = self.latency(model, from.layer, class).picoseconds();
        Duration::from_picoseconds(latency.saturating_sub(done))
    }

    /// The expected latency of everything from a progress on, in one class. Exact where nothing is skipped and
    /// nothing exits.
    #[inline]
    #[must_use]
    pub fn remaining(&self, model: ModelId, from: impl Into<Progress>, class: ClassId) -> Duration {
        let from = from.into();
        let remaining = self.remaining[self.remaining_cell(model, from.layer, class)];
        // Few jobs stand inside a layer.
        let done = if from.quantum == 0 { 0 } else { self.done_of_layer(model, from, class).picoseconds() };
        Duration::from_picoseconds(remaining.saturating_sub(done))
    }

    /// The latency of everything from `layer` on if nothing is skipped and nothing exits.
    #[must_use]
    pub fn worst_remaining(&self, model: ModelId, layer: u32, class: ClassId) -> Duration {
        Duration::from_picoseconds(self.worst_remaining[self.remaining_cell(model, layer, class)])
    }

    /// The least of [`Profile::remaining`] over accelerators.
    #[inline]
    #[must_use]
    pub fn least_remaining(&self, model: ModelId, from: impl Into<Progress>) -> Duration {
        self.of_patterns.least_remaining(model, from)
    }

    /// The mean of [`Profile::remaining`] over accelerators, rounded down.
    #[inline]
    #[must_use]
    pub fn mean_remaining(&self, model: ModelId, from: impl Into<Progress>) -> Duration {
        self.of_patterns.mean_remaining(model, from)
    }

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
    #[inline]
    #[must_use]
    pub fn switched(
        &self,
        units: impl Iterator<Item = UnitState>,
        model: ModelId,
        layer: u32,
        jobs: u32,
    ) -> Option<Moved> {
        let mut moved = None;
        for unit in units {
            let Some(from) = unit.last_model.filter(|from| *from != model) else { continue };
            let left = unit.last_layer.map_or(Moved::default(), |layer| self.activations(from, layer).left);
            let of_all = |amount: u64| amount.saturating_mul(unit.last_jobs.max(1).into());
            let held = left.map(|amount| of_all(amount).div_ceil(u64::from(unit.last_units.max(1))));
            moved = Some(moved.unwrap_or(Moved::default()).plus(held));
        }
        let input = |amount: u64| amount.saturating_mul(jobs.into());
        moved.map(|out| out.plus(self.activations(model, layer).input.map(input)))
    }

    /// The time and the energy of a context switch of an accelerator that moves these activations.
    #[must_use]
    pub fn switch_cost(&self, accelerator: AcceleratorId, moved: Moved) -> (Duration, Energy) {
        let context_switch = &self.context_switches[accelerator.index()];
        (context_switch.time_for(moved), context_switch.energy_for(moved))
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
