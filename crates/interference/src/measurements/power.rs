//! Power and clock of models alone: `model, batch, sm_pct, gpu_latency_ms, power_w, freq_mhz`.

use rtmm_workload::input::{CsvTable, Diagnostics, Source};

use super::Measurements;
use super::columns::{BATCH, LATENCY_MS, model, required, share};
use super::repeats::Seen;
use crate::{ModelKey, Share};

/// Time on the GPU, power and clock of a model alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PowerPoint {
    /// The model.
    pub model: ModelKey,
    /// Inputs of the batch.
    pub batch: u32,
    /// The share of the SMs.
    pub share: Share,
    /// Time on the GPU, without transfers, in milliseconds.
    pub gpu_ms: f64,
    /// Power of the whole GPU, in watts.
    pub power_w: f64,
    /// Clock, in megahertz.
    pub clock_mhz: f64,
}

pub(super) fn read(source: &Source, seen: &mut Seen, into: &mut Measurements) -> Diagnostics {
    let needed = ["model", "batch", "sm_pct", "gpu_latency_ms", "power_w", "freq_mhz"];
    let mut table = CsvTable::parse(source, &needed);
    table.only(&needed);
    let [name, batch, sms, latency, power, clock] = needed.map(|column| required(&table, column));
    let mut rows = 0_usize;
    let mut problems = table.each_row(|row| {
        rows += 1;
        let model = model(row, name, &mut into.names);
        let batch = row.integer(batch, BATCH);
        let share = share(row, Some(sms));
        let gpu_ms = row.number(latency, LATENCY_MS);
        let power_w = row.number(power, 0.001..=100_000.0);
        let clock_mhz = row.number(clock, 0.001..=1_000_000.0);
        let (Some(model), Some(batch), Some(share)) = (model, batch, share) else { return };
        let (Some(gpu_ms), Some(power_w), Some(clock_mhz)) = (gpu_ms, power_w, clock_mhz) else { return };
        seen.powers.note(row, (model, batch, share), &[gpu_ms, power_w, clock_mhz]);
        into.powers.push(PowerPoint { model, batch, share, gpu_ms, power_w, clock_mhz });
    });
    super::rows::none(source, rows, &mut problems);
    problems
}
