//! Solo latencies: `model, batch, latency_ms`, and if known `gpu, sm_pct, throughput_rps, l2_util_pct, dram_util_pct`.

use rtmm_workload::input::{CsvRow, CsvTable, Diagnostics, Source};

use super::Measurements;
use super::columns::{BATCH, LATENCY_MS, PERCENT, model, optional, required, share};
use super::repeats::Seen;
use crate::{ModelKey, Share};

/// Latency of a model alone on a share of the SMs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Solo {
    /// The model.
    pub model: ModelKey,
    /// Inputs of the batch.
    pub batch: u32,
    /// The share of the SMs.
    pub share: Share,
    /// Latency in microseconds.
    pub latency_us: f64,
    /// Utilisation of the bandwidth of the L2 cache by this run, as a fraction of 1, where it was measured.
    pub l2: Option<f64>,
    /// Utilisation of the bandwidth of DRAM by this run, as a fraction of 1, where it was measured.
    pub dram: Option<f64>,
}

/// The solo latency of a model, a batch and a share.
pub(super) fn find(solos: &[Solo], model: ModelKey, batch: u32, share: Share) -> Option<&Solo> {
    solos.iter().find(|solo| (solo.model, solo.batch, solo.share) == (model, batch, share))
}

/// The columns.
const KNOWN: [&str; 8] =
    ["gpu", "model", "batch", "sm_pct", "latency_ms", "throughput_rps", "l2_util_pct", "dram_util_pct"];

pub(super) fn read(source: &Source, seen: &mut Seen, into: &mut Measurements) -> Diagnostics {
    let mut table = CsvTable::parse(source, &["model", "batch", "latency_ms"]);
    table.only(&KNOWN);
    let [name, batch, latency] = ["model", "batch", "latency_ms"].map(|column| required(&table, column));
    let (sms, l2, dram) =
        (table.column("sm_pct"), table.column("l2_util_pct"), table.column("dram_util_pct"));
    let gpu = table.column("gpu");
    let mut rows = 0_usize;
    let mut problems = table.each_row(|row| {
        rows += 1;
        let is_of_one = gpu.is_none_or(|column| is_of_one_gpu(row, column, seen));
        let model = model(row, name, &mut into.names);
        let batch = row.integer(batch, BATCH);
        let share = share(row, sms);
        let latency = row.number(latency, LATENCY_MS);
        let l2 = optional(row, l2, PERCENT);
        let dram = optional(row, dram, PERCENT);
        let (Some(model), Some(batch), Some(share)) = (model, batch, share) else { return };
        let (Some(latency_ms), Some(l2), Some(dram)) = (latency, l2, dram) else { return };
        // Another GPU has other latencies, which contradict nothing.
        if !is_of_one {
            return;
        }
        seen.solos.note(row, (model, batch, share), &[latency_ms]);
        let (l2, dram) = (l2.map(|percent| percent / 100.0), dram.map(|percent| percent / 100.0));
        into.solos.push(Solo { model, batch, share, latency_us: 1e3 * latency_ms, l2, dram });
    });
    super::rows::none(source, rows, &mut problems);
    problems
}

/// True if a row is of the GPU that those before it are of; one that is not is rejected.
fn is_of_one_gpu(row: &mut CsvRow<'_>, column: usize, seen: &mut Seen) -> bool {
    let gpu = row.text(column).to_owned();
    match &seen.gpu {
        _ if gpu.is_empty() => true,
        None => {
            seen.gpu = Some((gpu, format!("{}:{}", row.table(), row.line())));
            true
        }
        Some((first, _)) if *first == gpu => true,
        Some((first, place)) => {
            let message = format!("this row is of GPU `{gpu}`, and {place} of `{first}`");
            row.reject(column, message, "fit to one GPU at a time: give each a table of its own");
            false
        }
    }
}
