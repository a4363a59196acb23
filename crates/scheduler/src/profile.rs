//! What is known of costs before anything runs: the estimates that policies plan on.
//!
//! For each network, layer and accelerator there is the latency and the energy of the layer by
//! itself, and the expected and the greatest remaining latency of a job that is about to run it.
//! All are computed once for a workload on a platform, so that a policy looks them up in constant
//! time.
//!
//! Of a model with recorded samples, a layer's latency is the mean over samples.
//!
//! Accelerators with equal costs share a *column* of these tables: they have one configuration and,
//! where memory bandwidth is partitioned, one share of it.

use rtmm_hardware::{
    Accelerator, AcceleratorId, ConfigurationId, ContextSwitch, CostTable, EnergyParts, Platform, Share, Work,
};
use rtmm_workload::{Duration, LayerId, Model, ModelId};

use crate::expectations::{Expectations, Knowledge, LayerProfile};
use crate::terms;
use crate::view::AcceleratorState;

/// Costs of every layer on every accelerator, and sums of them.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Column of each accelerator.
    columns: Vec<usize>,
    width: usize,
    models: Vec<ModelProfile>,
    /// Row-major, a row a layer, a column as above: latency in isolation, in picoseconds.
    latency: Vec<u64>,
    energy: Vec<EnergyParts>,
    quanta: Vec<u32>,
    /// The same with one more row a model, for the end: expected remaining latency.
    remaining: Vec<u64>,
    worst_remaining: Vec<u64>,
    /// A row a layer and one for the end: the expected rest where each layer runs where it is fastest.
    fastest_remaining: Vec<u64>,
    /// In the layout of `latency`.
    preferences: Vec<Preference>,
    of_patterns: Expectations,
    of_architectures: Expectations,
    /// By accelerator.
    context_switches: Vec<ContextSwitch>,
    /// What each layer reads and puts out, a row a layer.
    activations: Vec<Activations>,
}

/// The elements of a layer's activations.
#[derive(Clone, Copy, Debug, Default)]
struct Activations {
    input: u64,
    output: u64,
}

/// How an accelerator compares with all of them for a layer: [`terms::preference`].
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
    layers: u32,
    /// Its first row in tables of a row a layer.
    first: usize,
    /// Its first row in tables of one row more.
    first_remaining: usize,
    /// The last layer of each layer's block; empty for a model without blocks.
    block_ends: Vec<u32>,
    /// All layers at their most costly accelerator, in picojoules.
    worst_energy_pj: f64,
    accuracy: Option<f64>,
    /// Multiply-accumulates of each layer.
    macs: Vec<u64>,
}

impl Profile {
    /// Gathers the costs of `models` on `platform`, which `costs` must have been computed for.
    #[must_use]
    pub fn new(models: &[Model], platform: &Platform, costs: &CostTable) -> Self {
        let mut classes: Vec<(ConfigurationId, Option<Share>, AcceleratorId)> = Vec::new();
        let columns = platform.accelerators.iter().enumerate().map(|(index, accelerator)| {
            let class = class_of(platform, accelerator);
            let known = classes.iter().position(|(id, share, _)| (*id, *share) == class);
            known.unwrap_or_else(|| {
                classes.push((class.0, class.1, AcceleratorId::new(index)));
                classes.len() - 1
            })
        });
        let mut profile = Self {
            columns: columns.collect(),
            width: classes.len(),
            models: Vec::with_capacity(models.len()),
            latency: Vec::new(),
            energy: Vec::new(),
            quanta: Vec::new(),
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
            profile.add(ModelId::new(index), model, platform, costs, &classes);
        }
        let of_model = |(index, model)| {
            let id = ModelId::new(index);
            let latency_ps =
                |layer, accelerator| profile.latency(id, layer, profile.column(accelerator)).picoseconds();
            LayerProfile::new(id, model, platform, costs, latency_ps)
        };
        let profiles: Vec<LayerProfile> = models.iter().enumerate().map(of_model).collect();
        profile.of_patterns = Expectations::of_patterns(models, &profiles);
        profile.of_architectures = Expectations::of_architectures(models, &profiles);
        profile
    }

    fn add(
        &mut self,
        id: ModelId,
        model: &Model,
        platform: &Platform,
        costs: &CostTable,
        classes: &[(ConfigurationId, Option<Share>, AcceleratorId)],
    ) {
        let (first, first_remaining) = (self.latency.len() / self.width, self.remaining.len() / self.width);
        // A layer without dimensions moves nothing that is known.
        self.activations.extend(model.layers.iter().map(|layer| Activations {
            input: layer.input_elements(),
            output: layer.output_elements().unwrap_or(0),
        }));
        let mut worst_energy_pj = 0.0;
        for layer in (0..model.layers.len()).map(LayerId::new) {
            let mut worst = 0.0_f64;
            for (configuration, _, accelerator) in classes {
                let work = costs.work(id, layer, *configuration);
                let latency = match &model.samples {
                    Some(samples) if costs.is_sampled(id, *configuration) => mean(
                        (0..samples.len() as u32)
                            .map(|sample| costs.sample_work(id, sample, layer, *configuration))
                            .map(|work| platform.isolated(*accelerator, work).latency.picoseconds()),
                    ),
                    _ => platform.isolated(*accelerator, work).latency,
                };
                let energy = over_latency(work, latency);
                self.latency.push(latency.picoseconds());
                self.energy.push(energy);
                self.quanta.push(work.quanta.max(1));
                worst = worst.max(energy.total());
            }
            worst_energy_pj += worst;
        }
        let of_column = |column: usize| -> Vec<u64> {
            self.latency[first * self.width..].iter().skip(column).step_by(self.width).copied().collect()
        };
        let sums: Vec<(Vec<u64>, Vec<u64>)> = (0..self.width)
            .map(of_column)
            .map(|latency| (model.expected_remaining(&latency), model.worst_remaining(&latency)))
            .collect();
        let rows = || self.latency[first * self.width..].chunks_exact(self.width);
        let fastest: Vec<u64> = rows().map(|row| row.iter().copied().min().unwrap_or(0)).collect();
        self.fastest_remaining.extend(model.expected_remaining(&fastest));
        self.prefer(first);
        for layer in 0..=model.layers.len() {
            self.remaining.extend(sums.iter().map(|(expected, _)| expected[layer]));
            self.worst_remaining.extend(sums.iter().map(|(_, worst)| worst[layer]));
        }
        self.models.push(ModelProfile {
            layers: u32::try_from(model.layers.len()).unwrap_or(u32::MAX),
            first,
            first_remaining,
            block_ends: block_ends(model),
            worst_energy_pj,
            accuracy: model.accuracy,
            // Layers without a legal shape have no costs either, and are refused before.
            macs: model.layers.iter().map(|layer| layer.macs().unwrap_or(0)).collect(),
        });
    }

    /// Compares accelerators, for the layers from a row on.
    fn prefer(&mut self, first: usize) {
        let cells = first * self.width..self.latency.len();
        for row in cells.step_by(self.width) {
            let energy_pj = |column: usize| self.energy[row + column].total();
            let latency = |column: usize| self.latency[row + column] as f64;
            let over_accelerators =
                |of: &dyn Fn(usize) -> f64| self.columns.iter().fold(0.0, |sum, column| sum + of(*column));
            let (latencies, energies) = (over_accelerators(&latency), over_accelerators(&energy_pj));
            let of_column = |column| Preference {
                latency: terms::preference(latencies, latency(column)),
                energy: terms::preference(energies, energy_pj(column)),
                layer_pj: energy_pj(column),
            };
            let preferences: Vec<Preference> = (0..self.width).map(of_column).collect();
            self.preferences.extend(preferences);
        }
    }

    /// How an accelerator compares with all of them for a layer.
    #[must_use]
    pub fn preference(&self, model: ModelId, layer: u32, column: usize) -> &Preference {
        self.preference_at(self.cell(model, layer, column))
    }

    /// The same for a position that [`Profile::cell`] gave.
    #[must_use]
    pub fn preference_at(&self, cell: usize) -> &Preference {
        &self.preferences[cell]
    }

    /// The expected latency of everything from `layer` on where each layer runs on the accelerator that is
    /// fastest for it: no schedule can do it sooner, if nothing is skipped that was not expected.
    #[must_use]
    pub fn fastest_remaining(&self, model: ModelId, layer: u32) -> Duration {
        let first = self.models[model.index()].first_remaining;
        Duration::from_picoseconds(self.fastest_remaining[first + layer as usize])
    }

    /// How many columns the tables have.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// The column of an accelerator.
    #[must_use]
    pub fn column(&self, accelerator: AcceleratorId) -> usize {
        self.columns[accelerator.index()]
    }

    /// How many accelerators there are.
    #[must_use]
    pub fn accelerators(&self) -> usize {
        self.columns.len()
    }

    /// How many layers a model has.
    #[must_use]
    pub fn layers(&self, model: ModelId) -> u32 {
        self.models[model.index()].layers
    }

    /// The energy of an inference each of whose layers runs on the accelerator where it costs most,
    /// with nothing skipped, in picojoules.
    #[must_use]
    pub fn worst_energy_pj(&self, model: ModelId) -> f64 {
        self.models[model.index()].worst_energy_pj
    }

    /// What a complete inference of the model gets right.
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

    /// The position of a layer's entry in tables of a row a layer, for callers that keep such
    /// tables of their own.
    #[must_use]
    pub fn cell(&self, model: ModelId, layer: u32, column: usize) -> usize {
        (self.models[model.index()].first + layer as usize) * self.width + column
    }

    fn remaining_cell(&self, model: ModelId, layer: u32, column: usize) -> usize {
        (self.models[model.index()].first_remaining + layer as usize) * self.width + column
    }

    /// The latency of a layer by itself.
    #[must_use]
    pub fn latency(&self, model: ModelId, layer: u32, column: usize) -> Duration {
        Duration::from_picoseconds(self.latency[self.cell(model, layer, column)])
    }

    /// The energy of a layer by itself.
    #[must_use]
    pub fn energy(&self, model: ModelId, layer: u32, column: usize) -> &EnergyParts {
        &self.energy[self.cell(model, layer, column)]
    }

    /// The equal steps that a layer can be stopped between; at least 1.
    #[must_use]
    pub fn quanta(&self, model: ModelId, layer: u32, column: usize) -> u32 {
        self.quanta[self.cell(model, layer, column)]
    }

    /// The expected latency of everything from `layer` on, on one accelerator. Exact where nothing
    /// is skipped and nothing exits.
    #[must_use]
    pub fn remaining(&self, model: ModelId, layer: u32, column: usize) -> Duration {
        Duration::from_picoseconds(self.remaining[self.remaining_cell(model, layer, column)])
    }

    /// The latency of everything from `layer` on if nothing is skipped and nothing exits.
    #[must_use]
    pub fn worst_remaining(&self, model: ModelId, layer: u32, column: usize) -> Duration {
        Duration::from_picoseconds(self.worst_remaining[self.remaining_cell(model, layer, column)])
    }

    /// The least of [`Profile::remaining`] over accelerators.
    #[must_use]
    pub fn least_remaining(&self, model: ModelId, layer: u32) -> Duration {
        self.of_patterns.least_remaining(model, layer)
    }

    /// The mean of [`Profile::remaining`] over accelerators, rounded down.
    #[must_use]
    pub fn mean_remaining(&self, model: ModelId, layer: u32) -> Duration {
        self.of_patterns.mean_remaining(model, layer)
    }

    fn activations(&self, model: ModelId, layer: u32) -> Activations {
        let ModelProfile { first, layers, .. } = self.models[model.index()];
        if layer < layers { self.activations[first + layer as usize] } else { Activations::default() }
    }

    /// The elements that a context switch moves: the output of the layer that ran last, and the input of
    /// the layer that comes. None where nothing is switched: the accelerator ran that network last, or
    /// none yet.
    #[must_use]
    pub fn switched_elements(&self, last: &AcceleratorState, model: ModelId, layer: u32) -> Option<u64> {
        let from = last.last_model.filter(|from| *from != model)?;
        let out = last.last_layer.map_or(0, |layer| self.activations(from, layer).output);
        Some(out.saturating_add(self.activations(model, layer).input))
    }

    /// The energy of turning an accelerator to `model`, of which it is to run `layer` first, in picojoules;
    /// nothing where nothing is switched.
    #[must_use]
    pub fn switch_energy_pj(
        &self,
        accelerator: AcceleratorId,
        last: &AcceleratorState,
        model: ModelId,
        layer: u32,
    ) -> f64 {
        let context_switch = &self.context_switches[accelerator.index()];
        let elements = self.switched_elements(last, model, layer);
        elements.map_or(0.0, |elements| context_switch.energy_pj_for(elements))
    }

    /// The time that it takes.
    #[must_use]
    pub fn switch_time(
        &self,
        accelerator: AcceleratorId,
        last: &AcceleratorState,
        model: ModelId,
        layer: u32,
    ) -> Duration {
        let context_switch = &self.context_switches[accelerator.index()];
        let elements = self.switched_elements(last, model, layer);
        elements.map_or(Duration::ZERO, |elements| context_switch.time_for(elements))
    }

    /// What is expected of jobs by whoever is told this much of them.
    #[must_use]
    pub fn expectations(&self, knowledge: Knowledge) -> &Expectations {
        match knowledge {
            Knowledge::Pattern => &self.of_patterns,
            Knowledge::Architecture => &self.of_architectures,
        }
    }
}

/// The mean of whole numbers, to the nearest; 0 of none.
fn mean(values: impl Iterator<Item = u64>) -> Duration {
    let (sum, count) =
        values.fold((0_u128, 0_u128), |(sum, count), value| (sum + u128::from(value), count + 1));
    let nearest = (sum + count / 2).checked_div(count).unwrap_or(0);
    Duration::from_picoseconds(u64::try_from(nearest).unwrap_or(u64::MAX))
}

/// The energy of a layer that takes `latency` on its platform: what flows whether anything happens or
/// not flows longer where shared memory makes it wait.
fn over_latency(work: &Work, latency: Duration) -> EnergyParts {
    let (own, mut energy) = (work.latency(), work.energy);
    if latency != own && !own.is_zero() {
        energy.r#static *= latency.picoseconds() as f64 / own.picoseconds() as f64;
    }
    energy
}

/// What accelerators of one column have in common.
fn class_of(platform: &Platform, accelerator: &Accelerator) -> (ConfigurationId, Option<Share>) {
    let is_partitioned =
        platform.shared_dram.as_ref().is_some_and(|dram| dram.sharing == rtmm_hardware::Sharing::Static);
    (accelerator.configuration, is_partitioned.then_some(accelerator.dram_share))
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
