//! Co-location on the accelerators of a platform, for its models and classes: names resolved to indices.

use std::fmt;

use rtmm_workload::{LayerId, Model, ModelId, Time};

use super::Slowdowns;
use super::copies::{CopyOrder, Phase, phase_of, phases};
use super::features::{WEIGHTS, Weights, features};
use super::resident::Resident;
use super::utilisation::Utilisations;
use crate::ids::AcceleratorId;
use crate::platform::Accelerator;

/// Co-location on all accelerators of a platform; at least one states it.
#[derive(Debug)]
pub struct CoLocations {
    /// By accelerator; none where runs do not slow each other down.
    of: Vec<Option<Residence>>,
}

/// Co-location on one accelerator.
#[derive(Debug)]
struct Residence {
    slowdowns: Box<dyn Slowdowns>,
    utilisations: Utilisations,
    prior: Weights,
    /// By model.
    phases: Vec<Vec<Phase>>,
    order: CopyOrder,
}

/// Two models that a rule has no slowdown for, of runs that could be on an accelerator at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmeasured {
    /// The name of the accelerator.
    pub accelerator: String,
    /// The names of both models; the slowdown is that of the first.
    pub models: [String; 2],
    /// The units of both.
    pub units: [u32; 2],
}

impl fmt::Display for Unmeasured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accelerator, models: [own, other], units } = self;
        write!(
            f,
            "accelerator `{accelerator}` has no slowdown of `{own}` on {} units beside `{other}` on {}",
            units[0], units[1]
        )
    }
}

impl CoLocations {
    /// Co-location of models on the accelerators of a platform; none where no accelerator states any.
    pub(crate) fn new(models: &[Model], accelerators: &[Accelerator]) -> Option<Self> {
        if accelerators.iter().all(|one| one.co_location.is_none()) {
            return None;
        }
        let names: Vec<&str> = models.iter().map(|model| model.name.as_str()).collect();
        let residence = |one: &Accelerator| {
            let stated = one.co_location.as_ref()?;
            let utilisation = stated.utilisation.as_ref();
            let of_model = |model: &Model| {
                phases(stated.copies.as_ref(), model.layers.iter().map(|layer| layer.name.as_str()))
            };
            Some(Residence {
                slowdowns: stated.rule.resolve(&names, one.units()),
                utilisations: utilisation
                    .map_or_else(Utilisations::default, |of| of.resolve(&names, one.units())),
                prior: stated.prior,
                phases: models.iter().map(of_model).collect(),
                order: stated.copies.as_ref().map_or_else(CopyOrder::default, |copies| copies.order),
            })
        };
        Some(Self { of: accelerators.iter().map(residence).collect() })
    }

    fn at(&self, accelerator: AcceleratorId) -> Option<&Residence> {
        self.of.get(accelerator.index())?.as_ref()
    }

    /// True if runs on an accelerator slow each other down.
    #[must_use]
    pub fn is_stated(&self, accelerator: AcceleratorId) -> bool {
        self.at(accelerator).is_some()
    }

    /// The slowdown of a layer beside others that run on its accelerator: the truth, which no scheduler knows but an oracle.
    #[must_use]
    pub fn slowdown(
        &self,
        now: Time,
        accelerator: AcceleratorId,
        own: &Resident,
        others: &[Resident],
    ) -> f64 {
        match self.at(accelerator) {
            Some(of) if !others.is_empty() => of.slowdowns.slowdown(now, own, others).max(1.0),
            _ => 1.0,
        }
    }

    /// True if a slowdown is not known of a layer beside another one.
    #[must_use]
    pub fn lacks(&self, accelerator: AcceleratorId, own: &Resident, other: &Resident) -> bool {
        self.at(accelerator).is_some_and(|of| of.slowdowns.lacks(own, other))
    }

    /// The features of a layer beside others by which slowdowns are predicted: its own and their utilisation of the L2 cache,
    /// the same of DRAM, as parts of the whole, and 1.
    #[must_use]
    pub fn features(&self, accelerator: AcceleratorId, own: &Resident, others: &[Resident]) -> Weights {
        let Some(of) = self.at(accelerator) else { return features([0.0; 2], [0.0; 2]) };
        let of_others = others.iter().fold([0.0; 2], |sum, other| {
            let one = of.utilisations.of(other);
            [sum[0] + one[0], sum[1] + one[1]]
        });
        features(of.utilisations.of(own), of_others)
    }

    /// The weights of these features that were fitted before anything ran.
    #[must_use]
    pub fn prior(&self, accelerator: AcceleratorId) -> Weights {
        self.at(accelerator).map_or([0.0; WEIGHTS], |of| of.prior)
    }

    /// The use of the device that a layer makes.
    #[must_use]
    pub fn phase(&self, accelerator: AcceleratorId, model: ModelId, layer: LayerId) -> Phase {
        let phases = self.at(accelerator).and_then(|of| of.phases.get(model.index()));
        phases.map_or(Phase::Kernels, |phases| phase_of(phases, layer))
    }

    /// True if copies wait for those of a higher priority on some accelerator.
    #[must_use]
    pub fn has_priorities(&self) -> bool {
        self.of.iter().flatten().any(|of| of.order == CopyOrder::Priority)
    }

    /// The order of copies of one direction.
    #[must_use]
    pub fn copy_order(&self, accelerator: AcceleratorId) -> CopyOrder {
        self.at(accelerator).map_or_else(CopyOrder::default, |of| of.order)
    }
}
