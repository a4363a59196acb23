//! The same table with other costs: layers that take more or less time or energy than their cost model says, and energies
//! between those of two other tables. Which layers run where, and in which batches, stays as it is.

use rtmm_workload::{Duration, LayerId, ModelId};

use super::CostTable;
use crate::cost::Work;
use crate::energy::EnergyParts;
use crate::ids::ConfigurationId;

/// Factors on the costs of a layer; 1 changes nothing, to the bit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rescaling {
    /// Factor on its times, and on the bytes that it moves: the layer is as bound by memory as it was.
    pub time: f64,
    /// Factor on its energies. Static energy accrues over the time, too, and has both factors.
    pub energy: f64,
}

impl Rescaling {
    /// All as it is.
    pub const NONE: Self = Self { time: 1.0, energy: 1.0 };

    /// The work with these factors: durations and bytes to the nearest, and at most what 64 bits hold.
    #[must_use]
    pub fn of(&self, work: &Work) -> Work {
        let mut energy = work.energy.scaled(self.energy);
        energy.static_energy *= self.time;
        Work {
            compute: self.duration(work.compute),
            traffic: work.traffic.map(|bytes| nearest(bytes, self.time)),
            transfer: self.duration(work.transfer),
            exposed: self.duration(work.exposed),
            energy,
            quanta: work.quanta,
        }
    }

    fn duration(&self, duration: Duration) -> Duration {
        Duration::from_picoseconds(nearest(duration.picoseconds(), self.time))
    }
}

/// A whole number times a factor. Casts saturate.
fn nearest(number: u64, factor: f64) -> u64 {
    if factor == 1.0 { number } else { (number as f64 * factor).round() as u64 }
}

impl CostTable {
    /// The table with the costs of each layer on each configuration rescaled: of one inference, of batches, of recorded
    /// samples, and the times that vary.
    #[must_use]
    pub fn rescaled(&self, of: impl Fn(ModelId, LayerId, ConfigurationId) -> Rescaling) -> Self {
        let mut table = self.clone();
        let owners = self.columns.owners();
        for model in (0..self.starts.len()).map(ModelId::new) {
            for layer in (0..self.layers(model)).map(LayerId::new) {
                let row = (self.starts[model.index()] + layer.index()) * self.columns.count;
                let factors: Vec<Rescaling> = (0..self.columns.batches.len())
                    .map(|configuration| of(model, layer, ConfigurationId::new(configuration)))
                    .collect();
                for (column, owner) in owners.iter().enumerate() {
                    let factors = factors[*owner];
                    let work = &mut table.work[row + column];
                    *work = factors.of(work);
                    if let Some(Some(quantiles)) = table.quantiles.get_mut(row + column) {
                        *quantiles = quantiles.map(|time| factors.duration(time));
                    }
                }
                for (configuration, factors) in factors.iter().enumerate() {
                    table.each_sample(model, layer, configuration, |work| *work = factors.of(work));
                }
            }
        }
        table
    }

    /// The table with energies between its own and those of two others: `at` says of each part of an energy how far it is on
    /// a straight line to that of `high`, or where it is negative to that of `low`. At 0 a part is this table's own, at 1 and
    /// -1 that of the others. `None` where those are of other layers or configurations.
    #[must_use]
    pub fn with_energy_between(&self, low: &Self, high: &Self, at: &EnergyParts<f64>) -> Option<Self> {
        let is_alike = |other: &Self| {
            other.starts == self.starts
                && other.columns == self.columns
                && other.work.len() == self.work.len()
                && lengths(other) == lengths(self)
        };
        if !is_alike(low) || !is_alike(high) {
            return None;
        }
        let mut table = self.clone();
        for ((work, low), high) in table.work.iter_mut().zip(&low.work).zip(&high.work) {
            work.energy = between(&work.energy, &low.energy, &high.energy, at);
        }
        let samples = |table: &Self| -> Vec<Work> {
            table.samples.iter().flatten().flatten().flatten().copied().collect()
        };
        let (low, high) = (samples(low), samples(high));
        let own = table.samples.iter_mut().flatten().flatten().flatten();
        for ((work, low), high) in own.zip(&low).zip(&high) {
            work.energy = between(&work.energy, &low.energy, &high.energy, at);
        }
        Some(table)
    }

    /// Changes the work of each recorded sample of a layer on a configuration.
    fn each_sample(
        &mut self,
        model: ModelId,
        layer: LayerId,
        configuration: usize,
        change: impl Fn(&mut Work),
    ) {
        let layers = self.layers(model);
        let of_model = self.samples.get_mut(model.index()).and_then(|of| of.get_mut(configuration));
        if let Some(Some(works)) = of_model {
            let of_layer = works.iter_mut().skip(layer.index()).step_by(layers.max(1));
            of_layer.for_each(change);
        }
    }
}

impl super::Columns {
    /// By column: the configuration whose costs it has.
    fn owners(&self) -> Vec<usize> {
        let mut owners: Vec<usize> = (0..self.batches.len()).collect();
        for (configuration, (largest, _)) in self.batches.iter().enumerate() {
            owners.extend((2..=*largest).map(|_| configuration));
        }
        owners
    }
}

/// The number of works of samples, by model and configuration.
fn lengths(table: &CostTable) -> Vec<Vec<Option<usize>>> {
    let of_model =
        |of: &Vec<Option<Vec<Work>>>| of.iter().map(|works| works.as_ref().map(Vec::len)).collect();
    table.samples.iter().map(of_model).collect()
}

fn between(own: &EnergyParts, low: &EnergyParts, high: &EnergyParts, at: &EnergyParts<f64>) -> EnergyParts {
    let part = |own: f64, low: f64, high: f64, at: f64| {
        let other = if at < 0.0 { low } else { high };
        if at.abs() == 1.0 { other } else { own + at.abs() * (other - own) }
    };
    EnergyParts {
        mac: part(own.mac, low.mac, high.mac, at.mac),
        l1: part(own.l1, low.l1, high.l1, at.l1),
        l2: part(own.l2, low.l2, high.l2, at.l2),
        dram: part(own.dram, low.dram, high.dram, at.dram),
        static_energy: part(own.static_energy, low.static_energy, high.static_energy, at.static_energy),
    }
}

#[cfg(test)]
mod tests {
    use rtmm_workload::{Legality, load as workload};

    use super::*;
    use crate::decode::Mode;
    use crate::load;

    fn of(platform: &str, scenario: &str) -> CostTable {
        let workload = workload::workload(scenario, None, Legality::Strict).unwrap();
        let platform = load::platform(platform, None, Mode::Corrected).unwrap();
        CostTable::new(&platform, &workload.models).unwrap()
    }

    #[test]
    fn factors_of_one_change_no_bit() {
        for (platform, scenario) in [
            ("dysta/sanger_and_eyeriss_v2", "dysta/mixed"),
            ("xrbench/quad_4k_ws_os_ws_os", "xrbench/vr_gaming"),
        ] {
            let table = of(platform, scenario);
            assert_eq!(table.rescaled(|_, _, _| Rescaling::NONE), table);
        }
    }

    #[test]
    fn one_layer_is_rescaled_where_it_is_asked_for_and_nowhere_else() {
        let table = of("dysta/sanger_and_eyeriss_v2", "dysta/mixed");
        let (model, layer) = (ModelId::new(0), LayerId::new(1));
        let twice = Rescaling { time: 2.0, energy: 4.0 };
        let is_it = |of: ModelId, at: LayerId| of == model && at == layer;
        let changed = table.rescaled(|of, at, _| if is_it(of, at) { twice } else { Rescaling::NONE });
        let mut sampled = 0;
        for configuration in (0..2).map(ConfigurationId::new) {
            let (before, after) =
                (table.work(model, layer, configuration), changed.work(model, layer, configuration));
            assert_eq!(*after, twice.of(before));
            assert_eq!(after.compute.picoseconds(), 2 * before.compute.picoseconds());
            assert_eq!(after.energy.static_energy, 8.0 * before.energy.static_energy);
            let own = table.sample_work(model, 3, layer, configuration);
            assert_eq!(*changed.sample_work(model, 3, layer, configuration), twice.of(own));
            sampled += usize::from(table.is_sampled(model, configuration));
            let next = LayerId::new(2);
            assert_eq!(table.work(model, next, configuration), changed.work(model, next, configuration));
            assert_eq!(
                table.sample_work(model, 3, next, configuration),
                changed.sample_work(model, 3, next, configuration)
            );
        }
        assert!(sampled > 0);
    }

    #[test]
    fn energies_run_from_the_low_table_over_the_own_one_to_the_high_one() {
        let [low, own, high] = ["low", "typical", "high"]
            .map(|level| of(&format!("technology/dual_4k_ws_os@{level}"), "xrbench/vr_gaming"));
        let at = |position: f64| {
            own.with_energy_between(&low, &high, &EnergyParts::<f64>::default().map(|_| position)).unwrap()
        };
        assert_eq!(at(0.0), own);
        assert_eq!(at(1.0).work, high.work);
        assert_eq!(at(-1.0).work, low.work);
        let total = |table: &CostTable| table.work.iter().map(|work| work.energy.total()).sum::<f64>();
        assert!(total(&at(-0.5)) < total(&own) && total(&own) < total(&at(0.5)));
        let other = of("xrbench/single_4k_ws", "xrbench/vr_gaming");
        assert_eq!(own.with_energy_between(&other, &high, &EnergyParts::default()), None);
    }
}
