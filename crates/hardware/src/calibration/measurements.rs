//! Measurements from CSV: an NPU compiler's profile by itself, or measured layers of models against a cost model.

use std::collections::BTreeMap;

use rtmm_workload::input::{CsvRow, CsvTable, Diagnostics, Source, problem_with};
use rtmm_workload::{Layer, Legality, Model, Operator, load, model_name};

use super::{ComputeUnit, Measurement, Measurements};
use crate::cost::{Condition, DRAM, LayerOf};
use crate::cost_model::CostModel;

/// Times that a layer may have taken, in microseconds: a picosecond to eleven days.
const MIN_MICROSECONDS: f64 = 1e-6;
const MAX_MICROSECONDS: f64 = 1e12;
/// The most traffic of a layer, in kibibytes: a pebibyte.
const MAX_KILOBYTES: f64 = 1e12;
/// The most cycles of a layer.
const MAX_CYCLES: f64 = 1e18;

/// Bytes of a kibibyte.
const KILOBYTE: f64 = 1_024.0;
/// Cycles of a thousand.
const KILOCYCLE: f64 = 1_000.0;
/// Picoseconds of a microsecond.
const MICROSECOND: f64 = 1e6;

const PROFILE: [&str; 4] = ["ddr_cycles", "npu_cycles", "time_us", "rw_kb"];
const PROFILE_KNOWN: [&str; 6] = ["id", "op", "ddr_cycles", "npu_cycles", "time_us", "rw_kb"];
const PROFILE_BEGINNINGS: [&str; 4] = ["ddr", "npu", "time", "rw"];
const COSTS: [&str; 3] = ["model", "layer", "latency_us"];
/// Columns in the place of the last one where latencies vary, with the part that each has in the mean, in 200ths.
const VARYING: [(&str, f64); 5] = [
    ("latency_min_us", 50.0),
    ("latency_p50_us", 90.0),
    ("latency_p90_us", 49.0),
    ("latency_p99_us", 10.0),
    ("latency_max_us", 1.0),
];

/// Reads a profile with the columns `ddr_cycles,npu_cycles,time_us,rw_kb`, and optionally `op`, as RKNN-Toolkit2 prints
/// them: the cycles that its compiler counts for memory and for compute, the measured time, the kibibytes read and
/// written. `ddr_cycles` are checked and explain no time: they are the traffic in another unit.
///
/// # Errors
/// Every problem of the text, with line and column.
pub fn read_profile(source: &Source) -> Result<Measurements, Diagnostics> {
    let mut csv = CsvTable::parse(source, &[]);
    let has = |name: &str| csv.column(name).is_some();
    let has_costs = COSTS[..2].iter().all(|name| has(name)) && (has(COSTS[2]) || has(VARYING[0].0));
    if has_costs && !PROFILE.iter().all(|name| has(name)) {
        csv.reject_header(
            "this is a cost table, and nothing says the compute and the traffic of its layers",
            "state the platform whose cost model knows them: --against PLATFORM",
        );
        return csv.each_row(|_| {}).into_result(None);
    }
    let mut csv = CsvTable::parse(source, &PROFILE);
    csv.only_notes_beside(&PROFILE_KNOWN, &PROFILE_BEGINNINGS);
    let [ddr, npu, time, traffic] = PROFILE.map(|name| csv.column(name).unwrap_or_default());
    let operator = csv.column("op");
    let mut layers = Vec::new();
    let problems = csv.each_row(|row| {
        let ddr = row.number(ddr, 0.0..=MAX_CYCLES);
        let npu = row.number(npu, 0.0..=MAX_CYCLES);
        let time = row.number(time, MIN_MICROSECONDS..=MAX_MICROSECONDS);
        let traffic = row.number(traffic, 0.0..=MAX_KILOBYTES);
        let (Some(_), Some(npu), Some(microseconds), Some(kilobytes)) = (ddr, npu, time, traffic) else {
            return;
        };
        layers.push(Measurement {
            operator: operator.map(|column| row.text(column).to_owned()).unwrap_or_default(),
            kilobytes,
            compute: npu / KILOCYCLE,
            microseconds,
            range: row.range(),
        });
    });
    finish(source, problems, ComputeUnit::Kilocycles, layers)
}

/// Reads a cost table, `model,layer,latency_us`, or with quantiles of the latency, and sets each time, or its mean, against the compute and the off-chip traffic that a cost
/// model states for the layer; other columns are notes here.
///
/// A name of a model is sought among `models` with their variants, then as scenarios have it: a built-in name, or a path
/// from the folder of the table that ends in `.toml`.
///
/// # Errors
/// Every problem of the text, with line and column: also models, layers and costs that are not there.
pub fn read_costs(
    source: &Source,
    models: &[Model],
    cost_model: &dyn CostModel,
) -> Result<Measurements, Diagnostics> {
    let varies = CsvTable::parse(source, &[]).column(VARYING[0].0).is_some();
    let times = if varies { VARYING.map(|(name, _)| name).to_vec() } else { vec![COSTS[2]] };
    let required: Vec<&str> = COSTS[..2].iter().copied().chain(times.iter().copied()).collect();
    let csv = CsvTable::parse(source, &required);
    let [of_model, of_layer] = [COSTS[0], COSTS[1]].map(|name| csv.column(name).unwrap_or_default());
    let times: Vec<usize> = times.iter().filter_map(|name| csv.column(name)).collect();
    let mut models = Known::new(models);
    let mut lines: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut layers = Vec::new();
    let problems = csv.each_row(|row| {
        let microseconds = mean(row, &times);
        let Some(model) = models.find(source, row, of_model) else { return };
        let name = row.text(of_layer).to_owned();
        let Some(layer) = model.layers.iter().find(|layer| layer.name == name) else {
            let message = format!("model `{}` has no layer `{name}`", model.name);
            row.reject(of_layer, message, "write the name that the model's file has, or remove the row");
            return;
        };
        if let Some(first) = lines.insert((model.name.clone(), name.clone()), row.line()) {
            let message = format!("layer `{name}` has a time in line {first} already");
            row.reject_row(message, "remove one of the two rows");
            return;
        }
        let work = match cost_model.work(LayerOf { model: &model.name, layer }, Condition::Profile) {
            Ok(work) => work,
            Err(error) => {
                let message = format!("layer `{name}` has no cost to set its time against: {error}");
                row.reject(of_layer, message, "remove the row, or name a platform that can run the layer");
                return;
            }
        };
        let Some(microseconds) = microseconds else { return };
        layers.push(Measurement {
            operator: class_of(layer).to_owned(),
            kilobytes: work.traffic[DRAM] as f64 / KILOBYTE,
            compute: work.compute.picoseconds() as f64 / MICROSECOND,
            microseconds,
            range: row.range(),
        });
    });
    finish(source, problems, ComputeUnit::Microseconds, layers)
}

/// The time of a row above zero, or the mean of its quantiles; anything else is recorded.
fn mean(row: &mut CsvRow<'_>, times: &[usize]) -> Option<f64> {
    if let [time] = times {
        return row.number(*time, MIN_MICROSECONDS..=MAX_MICROSECONDS);
    }
    let values: Vec<Option<f64>> =
        times.iter().map(|column| row.number(*column, 0.0..=MAX_MICROSECONDS)).collect();
    let values: Vec<f64> = values.into_iter().collect::<Option<_>>()?;
    let help = "quantiles never fall, and some time is above zero: min, p50, p90, p99, max";
    if let Some(index) = (1..values.len()).find(|index| values[*index] < values[index - 1]) {
        let message = format!("`{}` is below the quantile before it", row.text(times[index]));
        row.reject(times[index], message, help);
        return None;
    }
    let mean = values.iter().zip(VARYING).map(|(value, (_, part))| value * part).sum::<f64>() / 200.0;
    if mean < MIN_MICROSECONDS {
        row.reject_row("the layer takes no time", help);
        return None;
    }
    Some(mean)
}

fn finish(
    source: &Source,
    problems: Diagnostics,
    compute_unit: ComputeUnit,
    layers: Vec<Measurement>,
) -> Result<Measurements, Diagnostics> {
    if problems.is_empty() && layers.is_empty() {
        let problem = problem_with(source, "the table has no rows");
        return Err(problem.help("add a row for each measured layer").into());
    }
    problems.into_result(Some(Measurements { compute_unit, layers }))
}

/// Models by the names that cells have for them.
struct Known(BTreeMap<String, Option<Model>>);

impl Known {
    fn new(models: &[Model]) -> Self {
        let all = models.iter().flat_map(|model| std::iter::once(model).chain(&model.variants));
        Self(all.map(|model| (model.name.clone(), Some(model.clone()))).collect())
    }

    /// The model of a cell; one that cannot be read is reported where it is named first.
    fn find(&mut self, source: &Source, row: &mut CsvRow<'_>, column: usize) -> Option<&Model> {
        let cell = row.text(column).to_owned();
        let name = if self.0.contains_key(&cell) { cell.as_str() } else { model_name(&cell) };
        if !self.0.contains_key(name) {
            let read = load::model(&cell, Some(source), Legality::Strict);
            let model = read.map_err(|problems| row.report_from(column, &problems)).ok();
            self.0.insert(name.to_owned(), model);
        }
        self.0.get(name)?.as_ref()
    }
}

/// The class of a layer of a model: its operator, as model files name it.
fn class_of(layer: &Layer) -> &'static str {
    match &layer.operator {
        Operator::Convolution(convolution) if convolution.is_depthwise() => "depthwise",
        Operator::Convolution(_) => "convolution",
        Operator::Gemm(_) => "gemm",
        Operator::Attention(_) => "attention",
        Operator::Recurrent(_) => "recurrent",
        Operator::Pool(_) => "pool",
        Operator::Elementwise(_) => "elementwise",
        Operator::Normalisation(_) => "normalisation",
        Operator::Opaque => "opaque",
    }
}
