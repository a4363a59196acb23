//! What recorded samples really take: the hidden side of models whose inferences differ.
//!
//! A table of every sample's latencies, summed from its first layer on, so that any stretch of layers
//! is one subtraction. The engine executes it; policies see it only through [`crate::Truth`].

use rtmm_hardware::{AcceleratorId, CostTable, Platform};
use rtmm_workload::{LayerId, Model, ModelId};

use crate::profile::Profile;

/// Latencies of all samples of all models, in isolation.
#[derive(Clone, Debug, Default)]
pub struct SampleCosts {
    /// By model; none for one whose inferences all cost the same everywhere.
    models: Vec<Option<OfModel>>,
}

#[derive(Clone, Debug)]
struct OfModel {
    /// Layers and one more.
    rows: usize,
    /// Columns of the profile.
    width: usize,
    /// By sample, then layer, then column: picoseconds before the layer; the last row is the whole.
    before: Vec<u64>,
}

impl SampleCosts {
    /// The latencies of `models` on `platform`, which `costs` and `profile` must have been computed for.
    #[must_use]
    pub fn new(models: &[Model], platform: &Platform, costs: &CostTable, profile: &Profile) -> Self {
        let width = profile.width();
        let of_column = |column| {
            let mut accelerators = (0..platform.accelerators.len()).map(AcceleratorId::new);
            accelerators.find(|accelerator| profile.column(*accelerator) == column)
        };
        let columns: Vec<AcceleratorId> = (0..width).filter_map(of_column).collect();
        let of_model = |(index, model): (usize, &Model)| {
            let samples = model.samples.as_ref()?;
            let id = ModelId::new(index);
            let configuration =
                |accelerator: &AcceleratorId| platform.accelerators[accelerator.index()].configuration;
            if !columns.iter().any(|accelerator| costs.is_sampled(id, configuration(accelerator))) {
                return None;
            }
            let rows = model.layers.len() + 1;
            let mut before = Vec::with_capacity(samples.len() * rows * width);
            let mut sums = vec![0_u64; width];
            for sample in 0..samples.len() as u32 {
                sums.fill(0);
                before.extend_from_slice(&sums);
                for layer in (0..model.layers.len()).map(LayerId::new) {
                    for (sum, accelerator) in sums.iter_mut().zip(&columns) {
                        let work = costs.sample_work(id, sample, layer, configuration(accelerator));
                        let latency = platform.isolated(*accelerator, work).latency;
                        *sum = sum.saturating_add(latency.picoseconds());
                    }
                    before.extend_from_slice(&sums);
                }
            }
            Some(OfModel { rows, width, before })
        };
        Self { models: models.iter().enumerate().map(of_model).collect() }
    }

    /// Latency of layers `from..to` of a sample that skips nothing, in picoseconds; none where the
    /// profile says it for every input.
    #[must_use]
    pub fn latency_between(
        &self,
        model: ModelId,
        sample: u32,
        from: u32,
        to: u32,
        column: usize,
    ) -> Option<u64> {
        let of = self.models.get(model.index())?.as_ref()?;
        let at = |layer: u32| {
            let layer = (layer as usize).min(of.rows - 1);
            of.before[(sample as usize * of.rows + layer) * of.width + column]
        };
        Some(at(to).saturating_sub(at(from)))
    }
}
