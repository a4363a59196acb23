//! The truth: costs of one inference, by its recorded sample and by what its layers drew.

use rtmm_workload::random::Draws;
use rtmm_workload::{Duration, LayerId, Model, ModelId};

use super::{Class, IsolatedCosts, over_latency};
use crate::contention::Share;
use crate::cost::Work;
use crate::energy::{Energy, EnergyParts};
use crate::ids::ClassId;
use crate::platform::Isolated;
use crate::varying::{Copula, Correlation, JobRanks, Quantiles, Rank};

/// Differences between an inference and others of its model that matter to its costs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome<'j> {
    /// The position of its recorded sample; 0 for a model without samples.
    pub row: u32,
    /// The ranks that its layers drew: see [`IsolatedCosts::draw`]. A layer without one takes the mean.
    pub ranks: &'j [Rank],
}

/// Truths about a model whose inferences differ.
#[derive(Clone, Debug)]
pub(super) struct TruthRows {
    /// Layers and one more.
    rows: usize,
    /// By sample, then layer, then class: picoseconds before the layer; the last row is the whole. A model without
    /// samples that matter has one, of means.
    before: Vec<u64>,
    /// By layer, then class: none where every job takes the same. Empty where all do.
    varying: Vec<Option<Varying>>,
}

/// A layer whose time varies in a class.
#[derive(Clone, Copy, Debug)]
struct Varying {
    /// Of its compute time at the nominal operating point.
    quantiles: Quantiles,
    /// The position of its rank among those of a job.
    rank: usize,
}

impl IsolatedCosts {
    /// A copula for each distinct correlation.
    pub(super) fn add_copulas(&mut self) {
        let mut known: Vec<Correlation> = Vec::new();
        let of_class = |class: &Class| {
            let correlation = self.table.correlation(class.configuration)?;
            let position = known.iter().position(|one| *one == correlation);
            Some(position.unwrap_or_else(|| {
                known.push(correlation);
                known.len() - 1
            }))
        };
        self.copula_of = self.classes.iter().map(of_class).collect();
        self.copulas = known.into_iter().map(Copula::new).collect();
    }

    /// The truths about a model, whose means are known and begin at row `first_before`.
    pub(super) fn truth_rows(&self, id: ModelId, model: &Model, first_before: usize) -> Option<TruthRows> {
        let varying = self.varying_layers(id, model.layers.len());
        let (rows, width) = (model.layers.len() + 1, self.classes.len());
        let network = self.network(id);
        let is_sampled = self.classes.iter().any(|class| self.table.is_sampled(network, class.configuration));
        let Some(samples) = model.samples.as_ref().filter(|_| is_sampled) else {
            let before = || self.latency_before[first_before * width..].to_vec();
            return (!varying.is_empty()).then(|| TruthRows { rows, before: before(), varying });
        };
        let mut before = Vec::with_capacity(samples.len() * rows * width);
        let mut sums = vec![0_u64; width];
        for sample in 0..samples.len() as u32 {
            sums.fill(0);
            before.extend_from_slice(&sums);
            for layer in 0..self.layers(id) {
                for (sum, class) in sums.iter_mut().zip(&self.classes) {
                    let work = self.sample_work(id, sample, layer, class);
                    let latency = self.isolated(work, class).latency();
                    *sum = sum.saturating_add(latency.picoseconds());
                }
                before.extend_from_slice(&sums);
            }
        }
        Some(TruthRows { rows, before, varying })
    }

    /// By layer, then class; nothing where every job takes the same.
    fn varying_layers(&self, id: ModelId, layers: usize) -> Vec<Option<Varying>> {
        let of = |layer: usize, class: usize| {
            let Class { configuration, batch, .. } = self.classes[class];
            let quantiles =
                *self.table.quantiles(self.network(id), LayerId::new(layer), configuration, batch)?;
            let rank = layer * self.copulas.len() + self.copula_of[class]?;
            Some(Varying { quantiles, rank })
        };
        let of_layer = |layer: usize| (0..self.classes.len()).map(move |class| of(layer, class));
        let all: Vec<Option<Varying>> = (0..layers).flat_map(of_layer).collect();
        if all.iter().any(Option::is_some) { all } else { Vec::new() }
    }

    /// True if the times of some layers of a model vary from job to job: its jobs [draw](Self::draw).
    #[inline]
    #[must_use]
    pub fn varies(&self, model: ModelId) -> bool {
        self.truths[model.index()].as_ref().is_some_and(|truths| !truths.varying.is_empty())
    }

    /// The standard deviation of the compute time of a layer in a class, in picoseconds, and the correlation of the layers of a
    /// job there; zeros where every job takes the same.
    #[must_use]
    pub fn deviation(&self, model: ModelId, layer: u32, class: ClassId) -> (f64, f64) {
        let varying = self.truths[model.index()]
            .as_ref()
            .and_then(|of| of.varying.get(layer as usize * self.classes.len() + class.index())?.as_ref());
        let correlation = self.table.correlation(self.class(class).configuration);
        let deviation = |varying: &Varying| {
            let [least, most] = [0, 4].map(|end| varying.quantiles.values()[end]);
            // The clock of the class, as a factor of all of its times.
            let clock = &self.class(class).clock;
            let span = most.saturating_sub(least);
            let at_clock = clock.time(most).saturating_sub(clock.time(least)).picoseconds() as f64;
            let slower = if span.is_zero() { 0.0 } else { at_clock / span.picoseconds() as f64 };
            (varying.quantiles.deviation() * slower, correlation.map_or(0.0, Correlation::value))
        };
        varying.map_or((0.0, 0.0), deviation)
    }

    /// Ranks that no job has drawn yet, with room for a job of any of the models.
    #[must_use]
    pub fn ranks(&self) -> JobRanks {
        let models = (0..self.models.len()).map(ModelId::new).filter(|model| self.varies(*model));
        let of = |model| self.layers(model) as usize * self.copulas.len();
        JobRanks::new(models.map(of).max().unwrap_or(0))
    }

    /// Draws the ranks of a job of a model whose times vary: `draws` are those of a seed and a task for
    /// [`rtmm_workload::random::Stream::Latency`].
    pub fn draw(&self, model: ModelId, draws: Draws, frame: u64, ranks: &mut [Rank]) {
        let drawn = self.layers(model) as usize * self.copulas.len();
        let drawn = drawn.min(ranks.len());
        Copula::draw(&self.copulas, draws, frame, &mut ranks[..drawn]);
    }

    /// The latency of layers `from..to` of an inference, in picoseconds: [`IsolatedCosts::latency_between`]
    /// where all cost the same. Takes a step a layer where times vary.
    #[must_use]
    pub fn true_latency_between(
        &self,
        model: ModelId,
        outcome: Outcome<'_>,
        from: u32,
        to: u32,
        class: ClassId,
    ) -> u64 {
        let Some(of) = &self.truths[model.index()] else {
            return self.latency_between(model, from, to, class);
        };
        if !of.varying.is_empty() && self.copula_of[class.index()].is_some() {
            let latency = |layer| self.true_latency(model, outcome, layer, class);
            return (from..to).fold(0, |sum, layer| sum.saturating_add(latency(layer)));
        }
        self.before(of, outcome, to, class).saturating_sub(self.before(of, outcome, from, class))
    }

    /// The work of a layer of a recorded sample in a class; batches have none of their own.
    pub(super) fn sample_work(&self, model: ModelId, sample: u32, layer: u32, class: &Class) -> &Work {
        if class.batch > 1 || !self.runs_in(model, layer, class) {
            return self.work(model, layer, class);
        }
        let (network, layer) = (self.network(model), LayerId::new(layer as usize));
        self.table.sample_work(network, sample, layer, class.configuration)
    }

    fn before(&self, of: &TruthRows, outcome: Outcome<'_>, layer: u32, class: ClassId) -> u64 {
        let width = self.classes.len();
        let layer = (layer as usize).min(of.rows - 1);
        // What samples there are says nothing of a model that has no samples that matter.
        let row = if of.before.len() == of.rows * width { 0 } else { outcome.row as usize };
        of.before[(row * of.rows + layer) * width + class.index()]
    }

    /// The compute time that a layer of an inference drew; none where all take the same, and where nothing was drawn.
    fn drawn(&self, of: &TruthRows, outcome: Outcome<'_>, layer: u32, class: ClassId) -> Option<Duration> {
        let varying = of.varying.get(layer as usize * self.classes.len() + class.index())?.as_ref()?;
        let drawn = varying.quantiles.at(*outcome.ranks.get(varying.rank)?);
        Some(self.class(class).clock.time(drawn))
    }

    /// The latency of one layer of an inference, in picoseconds.
    #[inline]
    #[must_use]
    pub fn true_latency(&self, model: ModelId, outcome: Outcome<'_>, layer: u32, class: ClassId) -> u64 {
        match &self.truths[model.index()] {
            None => self.latency[self.cell(model, layer, class)],
            Some(of) => self.latency_of_outcome(of, model, outcome, layer, class),
        }
    }

    fn latency_of_outcome(
        &self,
        of: &TruthRows,
        model: ModelId,
        outcome: Outcome<'_>,
        layer: u32,
        class: ClassId,
    ) -> u64 {
        match self.drawn(of, outcome, layer, class) {
            Some(compute) => Isolated { compute, ..*self.parts(model, layer, class) }.latency().picoseconds(),
            None => {
                let before = |layer| self.before(of, outcome, layer, class);
                before(layer + 1).saturating_sub(before(layer))
            }
        }
    }

    /// The energy of one layer of an inference: [`IsolatedCosts::energy`] where all cost the same, and where
    /// samples state no energy. Where times vary, static energy accrues over the time that was drawn, and the rest
    /// stays as it is: the same work is done.
    #[inline]
    #[must_use]
    pub fn true_energy(
        &self,
        model: ModelId,
        outcome: Outcome<'_>,
        layer: u32,
        class: ClassId,
    ) -> EnergyParts<Energy> {
        match &self.truths[model.index()] {
            None => *self.energy(model, layer, class),
            Some(of) => self.energy_of_outcome(of, model, outcome, layer, class),
        }
    }

    fn energy_of_outcome(
        &self,
        of: &TruthRows,
        model: ModelId,
        outcome: Outcome<'_>,
        layer: u32,
        class: ClassId,
    ) -> EnergyParts<Energy> {
        let in_class = self.class(class);
        let Class { configuration, batch, .. } = *in_class;
        let network = self.network(model);
        if let Some(compute) = self.drawn(of, outcome, layer, class) {
            let latency = Isolated { compute, ..*self.parts(model, layer, class) }.latency();
            return over_latency(self.work(model, layer, in_class), in_class, latency);
        }
        if batch > 1
            || !self.table.is_sampled(network, configuration)
            || !self.table.has_energy(network, configuration)
        {
            return *self.energy(model, layer, class);
        }
        let work = self.sample_work(model, outcome.row, layer, in_class);
        match (self.dram, self.cache) {
            (None, None) if in_class.is_nominal() => work.energy.rounded(),
            _ => over_latency(work, in_class, self.isolated(work, in_class).latency()),
        }
    }

    /// Compute, transfer and memory demand of one layer of an inference in a class that has `share` of a
    /// partitioned memory in place of the class's own.
    #[inline(always)]
    #[must_use]
    pub fn true_parts(
        &self,
        model: ModelId,
        outcome: Outcome<'_>,
        layer: u32,
        class: ClassId,
        share: Share,
    ) -> Isolated {
        let own = self.class(class).share;
        // Most models do the same in every inference, and most memories have no shares.
        if self.truths[model.index()].is_none() && own.is_none_or(|own| own == share) {
            return *self.parts(model, layer, class);
        }
        self.parts_of_outcome(model, outcome, layer, class, share)
    }

    /// [`IsolatedCosts::true_parts`] of an inference that may differ from others, or has another share.
    fn parts_of_outcome(
        &self,
        model: ModelId,
        outcome: Outcome<'_>,
        layer: u32,
        class: ClassId,
        share: Share,
    ) -> Isolated {
        let in_class = self.class(class);
        let own = in_class.share;
        let share = own.map(|_| share);
        let isolated = if share == own && !self.is_sampled(model, class) {
            *self.parts(model, layer, class)
        } else {
            let work = self.sample_work(model, outcome.row, layer, in_class);
            self.isolated(work, &Class { share, ..*in_class })
        };
        let of = self.truths[model.index()].as_ref();
        let drawn = of.and_then(|of| self.drawn(of, outcome, layer, class));
        Isolated { compute: drawn.unwrap_or(isolated.compute), ..isolated }
    }
}
