//! Slowdowns of a synthetic linear model whose weights no scheduler knows, for what no measurement covers.
//!
//! ```text
//! s = 1 + w0 L2 + w1 sum of others' L2 + w2 DRAM + w3 sum of others' DRAM + w4     within 1 and 6
//! ```
//!
//! with the [`Utilisation`] of the L2 cache and of DRAM by each run alone. These are the features of gpulet (Choi et al., USENIX
//! ATC 2022), as a rate at each instant. The weights may change at stated times, which is a drift: a change counts from the next
//! time on at which a layer begins or ends. What follows from this rule is synthetic.

use std::sync::Arc;

use rtmm_workload::Time;

use super::features::{Weights, features, product};
use super::resident::Resident;
use super::utilisation::{Utilisation, Utilisations};
use super::{CoLocationRule, Slowdowns};

/// The largest slowdown of the model.
pub(super) const MOST: f64 = 6.0;

/// A linear model of slowdowns, with its weights over time.
#[derive(Clone, Debug, PartialEq)]
pub struct RateModel {
    /// Weights from an instant on, ascending; the first from the beginning on.
    pub weights: Vec<(Time, Weights)>,
    /// Utilisation by model and batch.
    pub utilisation: Arc<Utilisation>,
}

impl CoLocationRule for RateModel {
    fn resolve(&self, models: &[&str], units: u32) -> Box<dyn Slowdowns> {
        let utilisations = self.utilisation.resolve(models, units);
        Box::new(RatesOfModels { weights: self.weights.clone(), utilisations })
    }

    fn identity(&self) -> String {
        let of = |(at, weights): &(Time, Weights)| format!(" {}ps:{weights:?}", at.picoseconds());
        let weights: String = self.weights.iter().map(of).collect();
        format!("rates{weights} {}", self.utilisation.identity())
    }
}

#[derive(Debug)]
struct RatesOfModels {
    weights: Vec<(Time, Weights)>,
    utilisations: Utilisations,
}

impl Slowdowns for RatesOfModels {
    fn slowdown(&self, now: Time, own: &Resident, others: &[Resident]) -> f64 {
        let in_force = self.weights.iter().rfind(|(from, _)| *from <= now).or(self.weights.first());
        let Some((_, weights)) = in_force else { return 1.0 };
        let of_others = others.iter().fold([0.0; 2], |sum, other| {
            let of = self.utilisations.of(other);
            [sum[0] + of[0], sum[1] + of[1]]
        });
        let features = features(self.utilisations.of(own), of_others);
        (1.0 + product(weights, &features)).clamp(1.0, MOST)
    }
}
