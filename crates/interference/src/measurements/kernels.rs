//! Kernels of models alone: one by one as Orion profiles them, or summed by name as `nsys stats` prints them.

use std::path::Path;

use rtmm_workload::input::{CsvTable, Diagnostics, Source, suggestion};

use super::Measurements;
use super::columns::{BATCH, model, required};
use crate::ModelKey;

/// Resource that bounds a kernel, by Orion's classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Arithmetic.
    Compute,
    /// Memory bandwidth.
    Memory,
    /// Not known.
    Unknown,
}

/// Kernel of a model alone, or several launches of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KernelUse {
    /// The model.
    pub model: ModelKey,
    /// Inputs of the batch; none where it is not stated.
    pub batch: Option<u32>,
    /// True for a step of training, false for an inference.
    pub training: bool,
    /// The resource that bounds it.
    pub bound: Bound,
    /// SMs that it needs; none where it is not stated.
    pub sms: Option<u32>,
    /// Time of all launches, in nanoseconds.
    pub total_ns: f64,
    /// The number of launches.
    pub launches: u64,
}

/// Times in nanoseconds: up to a year.
const TIME_NS: std::ops::RangeInclusive<f64> = 0.0..=3.2e16;
/// More SMs than any GPU has; a grid that needs several waves states them all.
const MAX_SMS: u32 = 100_000_000;

pub(super) fn read(source: &Source, into: &mut Measurements) -> Diagnostics {
    let needed = ["model", "batch", "mode", "bound", "sm_needed", "duration_ns"];
    let mut table = CsvTable::parse(source, &needed);
    table.only(&["model", "batch", "mode", "seq", "kernel", "bound", "sm_needed", "duration_ns"]);
    let [name, batch, mode, bound, sms, duration] = needed.map(|column| required(&table, column));
    let mut rows = 0_usize;
    let mut problems = table.each_row(|row| {
        rows += 1;
        let model = model(row, name, &mut into.names);
        let batch = row.integer(batch, BATCH);
        let word = row.text(mode).to_owned();
        let training = match word.as_str() {
            "inference" => Some(false),
            "training" => Some(true),
            _ => {
                let help = suggestion(&word, "mode", &["inference", "training"]);
                row.reject(mode, format!("unknown mode `{word}`"), help);
                None
            }
        };
        let bound = match row.integer(bound, -1..=1) {
            Some(1) => Some(Bound::Compute),
            Some(0) => Some(Bound::Memory),
            Some(_) => Some(Bound::Unknown),
            None => None,
        };
        let sms = row.integer(sms, 0..=MAX_SMS);
        let total_ns = row.number(duration, TIME_NS);
        let (Some(model), Some(batch), Some(training)) = (model, batch, training) else { return };
        let (Some(bound), Some(sms), Some(total_ns)) = (bound, sms, total_ns) else { return };
        let (batch, sms) = (Some(batch), Some(sms));
        into.kernels.push(KernelUse { model, batch, training, bound, sms, total_ns, launches: 1 });
    });
    super::rows::none(source, rows, &mut problems);
    problems
}

/// Units of `nsys stats --timeunit`, in nanoseconds.
const UNITS: [(&str, f64); 4] = [("ns", 1.0), ("us", 1e3), ("ms", 1e6), ("s", 1e9)];

/// Reads the table of `nsys stats --report cuda_gpu_kern_sum --format csv`: the kernels of one inference profile, whose
/// model is the name of the file.
pub(super) fn read_summary(source: &Source, into: &mut Measurements) -> Diagnostics {
    let table = CsvTable::parse(source, &["Instances", "Name"]);
    let unit =
        UNITS.iter().find_map(|(unit, ns)| Some((table.column(&format!("Total Time ({unit})"))?, *ns)));
    let Some((total, ns)) = unit else {
        let mut table = table;
        table.reject_header(
            "the table has no column `Total Time (ns)`",
            "write it by `nsys stats --report cuda_gpu_kern_sum --format csv --output .`",
        );
        return table.each_row(|_| ());
    };
    let instances = required(&table, "Instances");
    let file = Path::new(source.name())
        .file_stem()
        .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    let file = file.strip_suffix("_cuda_gpu_kern_sum").unwrap_or(&file).to_owned();
    let mut rows = 0_usize;
    let mut problems = table.each_row(|row| {
        rows += 1;
        let total = row.number(total, 0.0..=3.2e16 / ns);
        let launches = row.integer(instances, 1..=u64::from(u32::MAX));
        let (Some(total), Some(launches)) = (total, launches) else { return };
        let model = into.names.key(&file);
        let (batch, training, bound, sms) = (None, false, Bound::Unknown, None);
        into.kernels.push(KernelUse { model, batch, training, bound, sms, total_ns: ns * total, launches });
    });
    super::rows::none(source, rows, &mut problems);
    problems
}
