//! A rule of co-location that draws its slowdowns.

use rtmm_hardware::{CoLocation, CoLocationRule, Copies, CopyOrder, Resident, Slowdowns, WEIGHTS};
use rtmm_workload::Time;
use std::sync::Arc;

use super::hash;

/// A layer beside others: its model and layer, its units and its batch.
pub type Neighbour = (usize, usize, u32, u32);

/// The slowdown of a layer beside others, in quarters: at least four.
pub fn quarters(seed: u64, own: Neighbour, others: impl Iterator<Item = Neighbour>) -> u64 {
    let words = |(model, layer, units, batch): Neighbour| {
        [model as u64, layer as u64, u64::from(units), u64::from(batch)]
    };
    let of = |other: Neighbour| (hash(&[&[seed], &words(own)[..], &words(other)].concat()) >> 8) % 7;
    4 + others.map(of).sum::<u64>()
}

/// The layers that are copies under a seed, by name: to the device, and from it; with the order of each direction.
pub fn copies(seed: u64) -> Option<Copies> {
    let order = [CopyOrder::Fifo, CopyOrder::Share, CopyOrder::Priority][(seed >> 3) as usize % 3];
    (seed & 1 == 1).then(|| Copies { to_device: "0".to_owned(), from_device: "2".to_owned(), order })
}

/// Co-location under a seed.
pub fn co_location(seed: u64) -> CoLocation {
    let rule = Arc::new(Drawn { seed, models: Vec::new() });
    CoLocation { rule, utilisation: None, prior: [0.0; WEIGHTS], copies: copies(seed) }
}

#[derive(Debug)]
struct Drawn {
    seed: u64,
    /// By model: its number, which is its name.
    models: Vec<usize>,
}

impl CoLocationRule for Drawn {
    fn resolve(&self, models: &[&str], _units: u32) -> Box<dyn Slowdowns> {
        let number = |name: &&str| name.trim_start_matches('m').parse().expect("a number");
        Box::new(Self { seed: self.seed, models: models.iter().map(number).collect() })
    }

    fn identity(&self) -> String {
        format!("drawn {}", self.seed)
    }
}

impl Slowdowns for Drawn {
    fn slowdown(&self, _: Time, own: &Resident, others: &[Resident]) -> f64 {
        let neighbour = |of: &Resident| (self.models[of.model.index()], of.layer.index(), of.units, of.batch);
        quarters(self.seed, neighbour(own), others.iter().map(neighbour)) as f64 / 4.0
    }
}
