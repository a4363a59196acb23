//! Utilisation of a whole GPU by models alone, as gpulet profiles them: `gpu, model, batch, l2_util_pct, mem_util_pct`.

use rtmm_workload::input::{CsvTable, Diagnostics, Source};

use super::Measurements;
use super::columns::{BATCH, PERCENT, model, optional, required};
use super::repeats::Seen;
use crate::ModelKey;

/// Utilisation of a whole GPU by a model alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Utilisation {
    /// The GPU.
    pub gpu: String,
    /// The model.
    pub model: ModelKey,
    /// Inputs of the batch.
    pub batch: u32,
    /// Utilisation of the bandwidth of the L2 cache, as a fraction of 1.
    pub l2: f64,
    /// Utilisation of the bandwidth of DRAM, as a fraction of 1.
    pub dram: f64,
}

/// The columns.
const KNOWN: [&str; 9] = [
    "gpu",
    "model",
    "batch",
    "avg_duration",
    "sm_util_pct",
    "l2_util_pct",
    "mem_util_pct",
    "achieved_occ_pct",
    "theoretical_occ_pct",
];

pub(super) fn read(source: &Source, seen: &mut Seen, into: &mut Measurements) -> Diagnostics {
    let needed = ["gpu", "model", "batch", "l2_util_pct", "mem_util_pct"];
    let mut table = CsvTable::parse(source, &needed);
    table.only(&KNOWN);
    let [gpu, name, batch, l2, dram] = needed.map(|column| required(&table, column));
    let others = ["sm_util_pct", "achieved_occ_pct", "theoretical_occ_pct"].map(|name| table.column(name));
    let mut rows = 0_usize;
    let mut problems = table.each_row(|row| {
        rows += 1;
        let gpu = row.text(gpu).to_owned();
        let model = model(row, name, &mut into.names);
        let batch = row.integer(batch, BATCH);
        let l2 = row.number(l2, PERCENT);
        let dram = row.number(dram, PERCENT);
        let sound = others.iter().all(|column| optional(row, *column, PERCENT).is_some());
        let (Some(model), Some(batch), Some(l2), Some(dram), true) = (model, batch, l2, dram, sound) else {
            return;
        };
        seen.utilisations.note(row, (gpu.clone(), model, batch), &[l2, dram]);
        into.utilisations.push(Utilisation { gpu, model, batch, l2: l2 / 100.0, dram: dram / 100.0 });
    });
    super::rows::none(source, rows, &mut problems);
    problems
}
