//! Measurements without the engine: errors of predictors, and effects of the quirks of the reference loop.

use std::sync::Arc;

use rayon::prelude::*;
use rtmm_hardware::{ConfigurationId, CostTable, IsolatedCosts, Mode, load as hardware};
use rtmm_reference::dysta::{
    DEFAULT_SEQUENCE_LENGTH, FIXES, FixRow, Fixes, Generator, LookUpTables, Metrics, Parameters, Policy,
    Predictor, RequestPlan, run,
};
use rtmm_scheduler::{Knowledge, Profile};
use rtmm_sweep::statistics::{Bootstrap, paired_difference};
use rtmm_workload::load::workload;
use rtmm_workload::{LayerId, Legality, Model, ModelId, SampleTrace};

use super::super::{Problem, table};
use super::runs::{difference_cell, number};

/// Scenario, platform, and its name in tables.
const KINDS: [(&str, &str, &str); 2] = [
    ("dysta/multi_attnn", "dysta/sanger", "AttNN on Sanger"),
    ("dysta/multi_cnn", "dysta/eyeriss_v2", "CNN on Eyeriss v2"),
];
const CONFIGURATION: ConfigurationId = ConfigurationId::new(0);
/// Number of layers that `last-n` looks back on.
const LAST_N: usize = 3;

/// Models on one accelerator.
struct Kind {
    models: Vec<Model>,
    costs: Arc<CostTable>,
    profile: Profile,
}

impl Kind {
    fn load(scenario: &str, platform: &str) -> Result<Self, Problem> {
        let models =
            workload(scenario, None, Legality::Strict).map_err(|problems| problems.to_string())?.models;
        let platform =
            hardware::platform(platform, None, Mode::Corrected).map_err(|problems| problems.to_string())?;
        let costs = Arc::new(CostTable::new(&platform, &models).map_err(|_| "a layer has no cost")?);
        let isolated = Arc::new(IsolatedCosts::new(&models, &platform, Arc::clone(&costs)));
        let profile = Profile::new(&models, &platform, isolated);
        Ok(Self { models, costs, profile })
    }

    fn samples(&self, model: usize) -> Result<&SampleTrace, Problem> {
        Ok(self.models[model].samples.as_deref().ok_or("a model has no samples")?)
    }

    /// Latency of each layer of a sample, in seconds.
    fn latencies_s(&self, model: usize, sample: usize) -> Vec<f64> {
        let layers = self.models[model].layers.len();
        let at = |layer: usize| {
            let (model, layer) = (ModelId::new(model), LayerId::new(layer));
            self.costs.sample_work(model, sample as u32, layer, CONFIGURATION).latency().picoseconds() as f64
                / 1e12
        };
        (0..layers).map(at).collect()
    }
}

/// Errors of estimates of the remaining latency, by predictor: the mean of absolute errors as shares of the truth.
pub(in crate::docs) fn predictors() -> Result<String, Problem> {
    let mut columns: Vec<Vec<String>> = Vec::new();
    for (scenario, platform, _) in KINDS {
        let kind = Kind::load(scenario, platform)?;
        for knowledge in [Knowledge::Pattern, Knowledge::Architecture] {
            columns.push(errors(&kind, knowledge)?.iter().map(|error| format!("{error:.1}")).collect());
        }
    }
    let names = ["none", "average-all", "last-n", "last-one", "affine"];
    let rows: Vec<Vec<String>> = names
        .iter()
        .enumerate()
        .map(|(row, name)| {
            let cells = columns.iter().map(|column| column[row].clone());
            std::iter::once(format!("`{name}`")).chain(cells).collect()
        })
        .collect();
    let header = [
        "predictor",
        "AttNN, pattern known, %",
        "AttNN, architecture known, %",
        "CNN, pattern known, %",
        "CNN, architecture known, %",
    ];
    Ok(table(&header, &rows))
}

/// Dysta's weight of slack and waiting.
const BETA: f64 = 0.01;

/// Latencies of models, the part that depends on the density, and the weight of a second of score for them.
pub(in crate::docs) fn latencies() -> Result<String, Problem> {
    let mut rows = Vec::new();
    for (scenario, platform, name) in KINDS {
        let kind = Kind::load(scenario, platform)?;
        let expectations = kind.profile.expectations(Knowledge::Pattern);
        let all: Vec<(f64, f64)> = (0..kind.models.len())
            .map(|model| {
                let split = expectations.split_remaining(ModelId::new(model), 0);
                (split.fixed_s + split.scaled_s, split.scaled_s)
            })
            .collect();
        let isolated: Vec<f64> = all.iter().map(|(isolated, _)| *isolated).collect();
        let shares: Vec<f64> = all.iter().map(|(isolated, scaled)| 100.0 * scaled / isolated).collect();
        let ends = |values: &[f64]| {
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            (least, values.iter().copied().fold(0.0, f64::max))
        };
        let ((shortest, longest), (least, most)) = (ends(&isolated), ends(&shares));
        rows.push(vec![
            name.to_owned(),
            format!("{:.1} to {:.1}, mean {:.1}", 1e3 * shortest, 1e3 * longest, 1e3 * mean(&isolated)),
            format!("{least:.0} to {most:.0}"),
            format!("{:.0}", 1e3 * BETA),
            format!("{:.2}", BETA / mean(&isolated)),
        ]);
    }
    let header = [
        "workload",
        "isolated latency, ms",
        "of it in proportion to the density, %",
        "score for one isolated latency of waiting, alone, ms",
        "the same in isolated latencies",
    ];
    Ok(table(&header, &rows))
}

/// In percent, in the order of the table.
fn errors(kind: &Kind, knowledge: Knowledge) -> Result<[f64; 5], Problem> {
    let expectations = kind.profile.expectations(knowledge);
    let (mut sums, mut count) = ([0.0; 5], 0_u64);
    for index in 0..kind.models.len() {
        let (samples, model) = (kind.samples(index)?, ModelId::new(index));
        for sample in 0..samples.len() {
            let latencies = kind.latencies_s(index, sample);
            let mut left: f64 = latencies.iter().sum();
            let mut ratios: Vec<f64> = Vec::with_capacity(latencies.len());
            for (layer, latency) in latencies.iter().enumerate().take(latencies.len() - 1) {
                left -= latency;
                let density = expectations.mean_density(model, layer as u32);
                ratios.push((1.0 - samples.sparsity(sample, layer)) / density);
                let next = layer as u32 + 1;
                let expected = expectations.mean_remaining(model, next).picoseconds() as f64 / 1e12;
                let split = expectations.split_remaining(model, next);
                let average = mean(&ratios);
                let last = &ratios[ratios.len().saturating_sub(LAST_N)..];
                let predictions = [
                    expected,
                    average * expected,
                    mean(last) * expected,
                    ratios[layer] * expected,
                    split.fixed_s + average * split.scaled_s,
                ];
                for (sum, prediction) in sums.iter_mut().zip(predictions) {
                    *sum += 100.0 * (prediction - left).abs() / left;
                }
                count += 1;
            }
        }
    }
    Ok(sums.map(|sum| sum / count as f64))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Seeds of the drawn requests.
const SEEDS: u64 = 10;
/// Requests a second, near capacity as far as the loop's tables tell.
const RATES: [f64; 2] = [50.0, 4.0];
/// Which policies show what a fix changes.
const SHOWN: [(&str, &[Policy], Predictor); 5] = [
    ("all-samples", &[Policy::Fcfs, Policy::Dysta], Predictor::AverageAll),
    ("monotonic-clock", &[Policy::Fcfs, Policy::Dysta], Predictor::AverageAll),
    ("own-gamma", &[Policy::PremaSparse], Predictor::AverageAll),
    ("plain-maximum", &[Policy::Planaria, Policy::Sdrm3], Predictor::AverageAll),
    ("divide-by-count", &[Policy::Dysta], Predictor::LastN),
];

/// Effect of each fix of the reference loop alone.
pub(in crate::docs) fn quirks() -> Result<String, Problem> {
    let mut rows = Vec::new();
    for ((scenario, platform, name), rate_per_s) in KINDS.into_iter().zip(RATES) {
        let kind = Kind::load(scenario, platform)?;
        let tables = look_up_tables(&kind)?;
        for (fix, policies, predictor) in SHOWN {
            let fix: &FixRow = FIXES.iter().find(|row| row.name == fix).ok_or("there is no such fix")?;
            for policy in policies {
                let with = |fixes: Fixes| metrics(&tables, rate_per_s, *policy, predictor, fixes);
                let (quirk, fixed) = (with(Fixes::default())?, with(Fixes::only(fix))?);
                let bootstrap = Bootstrap::new(SEEDS as usize);
                let of =
                    |all: &[Metrics], value: fn(&Metrics) -> f64| all.iter().map(value).collect::<Vec<f64>>();
                let mut cells = vec![
                    format!("`{}` ({})", fix.name, fix.quirk),
                    format!("{name}, {rate_per_s}/s"),
                    format!("`{}`", policy.name()),
                ];
                let values: [fn(&Metrics) -> f64; 2] = [|one| one.violation_rate, |one| one.antt];
                for value in values {
                    let (quirk, fixed) = (of(&quirk, value), of(&fixed, value));
                    cells.push(number(mean(&quirk)));
                    cells.push(difference_cell(paired_difference(&fixed, &quirk, &bootstrap)));
                }
                rows.push(cells);
            }
        }
    }
    let header = [
        "fix (quirk)",
        "workload",
        "policy",
        "violation rate as published",
        "with the fix",
        "ANTT as published",
        "with the fix",
    ];
    Ok(table(&header, &rows))
}

fn look_up_tables(kind: &Kind) -> Result<LookUpTables, Problem> {
    let mut traces = Vec::new();
    for model in 0..kind.models.len() {
        let samples = kind.samples(model)?;
        let latencies = (0..samples.len()).flat_map(|sample| kind.latencies_s(model, sample)).collect();
        traces.push(samples.clone().with_latencies(latencies));
    }
    Ok(LookUpTables::of(&traces, DEFAULT_SEQUENCE_LENGTH)?)
}

fn metrics(
    tables: &LookUpTables,
    rate_per_s: f64,
    policy: Policy,
    predictor: Predictor,
    fixes: Fixes,
) -> Result<Vec<Metrics>, Problem> {
    let plan = RequestPlan {
        requests: 1_000,
        rate_per_s,
        deadline_multiplier: 10.0,
        all_samples: fixes.all_samples,
    };
    let of_seed = |seed: u64| {
        let requests = Generator::new(seed).requests(tables, &plan);
        let parameters = Parameters { predictor, fixes, ..Parameters::of(policy) };
        Ok(run(tables, &requests, &parameters).map_err(|error| error.to_string())?.metrics())
    };
    let all: Result<Vec<Metrics>, String> = (1..=SEEDS).into_par_iter().map(of_seed).collect();
    Ok(all?)
}
