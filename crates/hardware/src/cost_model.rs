//! The trait of cost models, and the account of the costs of any of them.

use std::fmt;
use std::ops::Deref;

use rtmm_workload::Model;

use crate::cost::{Condition, CostError, DRAM, LayerOf, Unmatched, Work};
use crate::decode::Indivisible;
use crate::explain::{Explain, Explanation, Quantity, Section};
use crate::technology::Price;
use crate::varying::Variation;

/// A cost model as it is read from the table of an accelerator.
#[derive(Debug)]
pub struct Decoded {
    /// For people, such as `maestro WS 4096`.
    pub label: String,
    /// The model.
    pub cost_model: Box<dyn CostModel>,
}

/// Error of a cost model, as a source states it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StatedError {
    /// Mean over layers of the error of a time, as a share of the true one.
    pub share: f64,
    /// Measurement or publication that it is from.
    pub source: &'static str,
}

/// Cost model: the costs of layers on one configuration of an accelerator.
///
/// [`CostModel::work`] and [`CostModel::identity`] are all that a simulation needs. A model must be pure: the same
/// layer, the same cost. Models are made from the table of an accelerator by a row of a
/// [`crate::CostModelRegistry`].
pub trait CostModel: fmt::Debug + Send + Sync {
    /// The cost of a layer.
    ///
    /// # Errors
    /// [`CostError`] says why the layer cannot run here.
    fn work(&self, layer: LayerOf<'_>, condition: Condition) -> Result<Work, CostError>;

    /// The cost of a layer for `batch` inferences at once, which share its weights: by default that of the layer with as many
    /// times its inputs. A batch of one is [`CostModel::work`].
    ///
    /// # Errors
    /// [`CostError`] says why the layer cannot run so: batches of its model have fewer inferences here.
    fn work_of_batch(&self, layer: LayerOf<'_>, batch: u32, condition: Condition) -> Result<Work, CostError> {
        if batch == 1 {
            return self.work(layer, condition);
        }
        let of_all = layer.layer.in_batch(batch);
        self.work(LayerOf { model: layer.model, layer: &of_all }, condition)
    }

    /// Everything that determines this model's answers, in one canonical text. Two configurations
    /// with equal identities share their costs, and results are stored under it.
    fn identity(&self) -> String;

    /// True if the answer depends on the layer's operator with its shape alone. If so a shape is computed once
    /// however many layers share it.
    fn depends_on_shape_only(&self) -> bool {
        true
    }

    /// True if the answer depends on [`rtmm_workload::Layer::kind`], which is no part of the identity of models.
    fn depends_on_operator_words(&self) -> bool {
        false
    }

    /// True if the answer depends on the [`Condition`]. If not, every input costs what the profile says.
    fn depends_on_input(&self) -> bool {
        false
    }

    /// Variation of times from job to job; none where every job takes what [`CostModel::work`] says. Where recorded samples
    /// say what each job takes, nothing varies beside them.
    fn variation(&self) -> Option<&dyn Variation> {
        None
    }

    /// The model of `units` of the `of` equal units of its hardware, where it derives what fewer of them cost: a platform
    /// then need not state it. All units are the model itself.
    ///
    /// # Errors
    /// [`Indivisible`] says why there is no such model.
    fn part(&self, _units: u32, _of: u32) -> Result<Decoded, Indivisible> {
        Err(Indivisible::Unsupported)
    }

    /// Statements about layers by name that say nothing of `models`: all that it states, where it is asked for layers of
    /// these alone. None where costs follow from shapes.
    fn unmatched(&self, _models: &[Model]) -> Unmatched {
        Unmatched::default()
    }

    /// The number of processing elements of its hardware, one multiply-accumulate a cycle each; none where it has no such
    /// number. Budgets of platforms are counted in them.
    fn processing_elements(&self) -> Option<u64> {
        None
    }

    /// Energies of the events that it counts; none where energies are measured, or follow from no events.
    fn prices(&self) -> Vec<Price> {
        Vec::new()
    }

    /// True if its times are corrected by measurements already.
    fn is_calibrated(&self) -> bool {
        false
    }

    /// The error of its times, as far as it is known from measurements that the model was not fitted to; none where it is not.
    fn stated_error(&self) -> Option<StatedError> {
        None
    }

    /// The model's own account of its costs, where it has one; [`Explainer::of`] finds the account of any model.
    fn explain(&self) -> Option<&dyn Explain> {
        None
    }
}

/// The account of a cost model: its own, or one by the parts of its work.
pub enum Explainer<'m> {
    /// The model's own.
    Own(&'m dyn Explain),
    /// By the parts of [`Work`].
    ByWork(ByWork<'m>),
}

impl<'m> Explainer<'m> {
    /// The account that `model` has.
    #[must_use]
    pub fn of(model: &'m dyn CostModel) -> Self {
        model.explain().map_or(Self::ByWork(ByWork(model)), Self::Own)
    }
}

impl<'m> Deref for Explainer<'m> {
    type Target = dyn Explain + 'm;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Own(own) => *own,
            Self::ByWork(by_work) => by_work,
        }
    }
}

/// The account of a cost model that has none of its own.
pub struct ByWork<'m>(&'m dyn CostModel);

impl ByWork<'_> {
    fn work(&self, layer: LayerOf<'_>) -> Result<Work, CostError> {
        self.0.work(layer, Condition::Profile)
    }

    fn tell(work: &Work, row: &mut Vec<Quantity>) {
        let times = [work.latency(), work.compute, work.transfer, work.exposed];
        row.extend(times.map(|time| Quantity::Integer(time.picoseconds())));
        row.extend([work.traffic[DRAM], work.quanta.into()].map(Quantity::Integer));
        let energy = &work.energy;
        let parts = [energy.mac, energy.l1, energy.l2, energy.dram, energy.static_energy, energy.total()];
        row.extend(parts.map(Quantity::Real));
    }
}

impl Explain for ByWork<'_> {
    fn columns(&self) -> &'static [&'static str] {
        &[
            "latency_ps",
            "compute_ps",
            "transfer_ps",
            "exposed_ps",
            "dram_bytes",
            "quanta",
            "energy_pj_mac",
            "energy_pj_l1",
            "energy_pj_l2",
            "energy_pj_dram",
            "energy_pj_static",
            "energy_pj_total",
        ]
    }

    fn report(&self, layer: LayerOf<'_>, row: &mut Vec<Quantity>) -> Result<(), CostError> {
        Self::tell(&self.work(layer)?, row);
        Ok(())
    }

    fn report_of_batch(
        &self,
        layer: LayerOf<'_>,
        batch: u32,
        row: &mut Vec<Quantity>,
    ) -> Result<(), CostError> {
        Self::tell(&self.0.work_of_batch(layer, batch, Condition::Profile)?, row);
        Ok(())
    }

    fn explanation(&self, layer: LayerOf<'_>) -> Result<Explanation, CostError> {
        let work = self.work(layer)?;
        let energy = &work.energy;
        Ok(Explanation {
            sections: vec![
                Section::time(&work),
                Section::new(
                    "Energy",
                    &["part", "pJ"],
                    vec![
                        Section::row(&[&"operations", &energy.mac]),
                        Section::row(&[&"L1", &energy.l1]),
                        Section::row(&[&"L2", &energy.l2]),
                        Section::row(&[&"DRAM", &energy.dram]),
                        Section::row(&[&"static", &energy.static_energy]),
                        Section::row(&[&"total", &energy.total()]),
                    ],
                ),
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use rtmm_workload::{Duration, Layer, Operator};

    use super::*;
    use crate::cost::SHARED_LEVELS;
    use crate::energy::EnergyParts;

    /// All that a model of one's own needs.
    #[derive(Debug)]
    struct Constant;

    impl CostModel for Constant {
        fn work(&self, _: LayerOf<'_>, _: Condition) -> Result<Work, CostError> {
            let mut traffic = [0; SHARED_LEVELS];
            traffic[DRAM] = 64;
            Ok(Work {
                compute: Duration::from_picoseconds(5),
                traffic,
                transfer: Duration::from_picoseconds(7),
                exposed: Duration::from_picoseconds(2),
                energy: EnergyParts { mac: 1.5, dram: 2.0, ..EnergyParts::default() },
                quanta: 3,
            })
        }

        fn identity(&self) -> String {
            "constant".to_owned()
        }
    }

    #[test]
    fn a_model_without_an_account_of_its_own_is_explained_by_its_work() {
        let layer = Layer::new("any", Operator::Opaque);
        let explainer = Explainer::of(&Constant);
        let mut row = Vec::new();
        explainer.report((&layer).into(), &mut row).unwrap();
        let values: Vec<String> =
            explainer.columns().iter().zip(&row).map(|(column, value)| format!("{column}={value}")).collect();
        assert_eq!(
            values.join(" "),
            "latency_ps=9 compute_ps=5 transfer_ps=7 exposed_ps=2 dram_bytes=64 quanta=3 energy_pj_mac=1.5 \
             energy_pj_l1=0 energy_pj_l2=0 energy_pj_dram=2 energy_pj_static=0 energy_pj_total=3.5"
        );
        assert!(explainer.settings().is_empty());
        let sections = explainer.explanation((&layer).into()).unwrap().sections;
        assert_eq!(sections[0].rows[3], ["total", "9ps"]);
        assert_eq!(sections[1].rows[5], ["total", "3.5"]);
    }
}
