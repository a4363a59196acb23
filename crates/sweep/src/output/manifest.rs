//! The manifest: how to reproduce the results, and what every column of their tables means.

use serde::{Serialize, Serializer};

use super::field::{Field, OUTPUT_VERSION};
use super::tables::Table;
use crate::axes::{self, Variation};
use crate::plan::{Baseline, PlatformId};
use crate::results::Results;
use crate::runner::{Better, ColumnKind, ParameterValue, Parameters};
use crate::statistics::{CONFIDENCE, MINIMUM_SAMPLES, RESAMPLES};

#[derive(Serialize)]
struct Manifest<'m> {
    format: &'static str,
    version: u32,
    program: Program,
    reproduce: &'m str,
    sweep: Sweep<'m>,
    runner: Runner<'m>,
    scenarios: Vec<Input<'m>>,
    platforms: Vec<Input<'m>>,
    /// Only where not every scenario runs on every platform.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pairs: Vec<[&'m str; 2]>,
    policies: Vec<PolicyEntry<'m>>,
    #[serde(flatten)]
    changes: Changes<'m>,
    seeds: &'m [u64],
    duration: Option<String>,
    settings: Vec<ParameterEntry<'m>>,
    baseline: Option<String>,
    cells: usize,
    failed_cells: usize,
    order: String,
    statistics: StatisticsEntry,
    tables: Vec<TableEntry<'m>>,
}

/// The axes that change scenarios, an entry a key of the sweep file.
struct Changes<'m>(&'m [Variation]);

impl Serialize for Changes<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().flat_map(|variation| (variation.change.manifest)(variation)))
    }
}

#[derive(Serialize)]
struct Program {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Sweep<'m> {
    name: &'m str,
    description: &'m str,
    blake3: &'m str,
}

#[derive(Serialize)]
struct Runner<'m> {
    name: &'m str,
    result_version: u32,
}

#[derive(Serialize)]
struct Input<'m> {
    name: &'m str,
    source: &'m str,
    blake3: Vec<String>,
}

#[derive(Serialize)]
struct PolicyEntry<'m> {
    name: &'m str,
    parameters: Vec<ParameterEntry<'m>>,
}

#[derive(Serialize)]
struct ParameterEntry<'m> {
    name: &'m str,
    value: &'m ParameterValue,
}

#[derive(Serialize)]
struct StatisticsEntry {
    interval: &'static str,
    confidence: f64,
    resamples: usize,
    minimum_samples: usize,
}

#[derive(Serialize)]
struct TableEntry<'m> {
    name: &'static str,
    row: &'static str,
    key: &'static [&'static str],
    columns: Vec<ColumnEntry<'m>>,
}

#[derive(Serialize)]
struct ColumnEntry<'m> {
    name: &'m str,
    of: &'static str,
    unit: &'m str,
    kind: ColumnKind,
    meaning: &'m str,
    better: Option<Better>,
}

impl<'m> TableEntry<'m> {
    fn of(table: &'m Table) -> Self {
        let entry = |field: &'m Field| {
            let Field { of, name, unit, kind, meaning, better } = field;
            ColumnEntry { name, of, unit, kind: *kind, meaning, better: *better }
        };
        let columns = table.fields.iter().map(entry).collect();
        Self { name: table.name, row: table.row, key: table.key, columns }
    }
}

fn entries(parameters: &Parameters) -> Vec<ParameterEntry<'_>> {
    parameters.all().map(|(name, value)| ParameterEntry { name, value }).collect()
}

/// The order of the cells, in words.
fn order() -> String {
    let changes: Vec<String> = axes::changes().map(|(axis, _)| axis.name.replace('_', " ")).collect();
    format!(
        "scenario, {}, platform, policy, seed; tasks in the order of their scenario; scenarios without randomness run \
         with the first seed only",
        changes.join(", ")
    )
}

/// The manifest of results that stand in some tables, as the text of its file.
pub(super) fn manifest(results: &Results<'_>, tables: &[&Table]) -> serde_json::Result<String> {
    let plan = results.plan();
    let axes = plan.axes();
    let scenarios = axes.workloads.iter().enumerate().map(|(index, workload)| Input {
        name: &workload.scenario.name,
        source: &workload.scenario.source,
        blake3: plan
            .varied_scenarios()
            .iter()
            .filter(|varied| varied.workload.index() == index)
            .map(|varied| varied.hash())
            .collect(),
    });
    let platforms = axes.platforms.iter().enumerate().map(|(index, platform)| Input {
        name: &platform.name,
        source: &platform.source,
        blake3: vec![plan.platform_hash(PlatformId::new(index))],
    });
    let policies = axes
        .policies
        .iter()
        .map(|policy| PolicyEntry { name: &policy.name, parameters: entries(&policy.parameters) });
    let manifest = Manifest {
        format: "rtmm-sweep-manifest",
        version: OUTPUT_VERSION,
        program: Program { name: "rtmm", version: env!("CARGO_PKG_VERSION") },
        reproduce: &axes.command,
        sweep: Sweep { name: &axes.name, description: &axes.description, blake3: &axes.content_hash },
        runner: Runner { name: &plan.spec().name, result_version: plan.spec().result_version },
        scenarios: scenarios.collect(),
        platforms: platforms.collect(),
        pairs: axes
            .pairs
            .iter()
            .map(|(workload, platform)| {
                [&*axes.workloads[workload.index()].scenario.name, &*axes.platforms[platform.index()].name]
            })
            .collect(),
        policies: policies.collect(),
        changes: Changes(&axes.variations),
        seeds: &axes.seeds,
        duration: axes.duration.map(|duration| duration.to_string()),
        settings: entries(&axes.settings),
        baseline: axes.baseline.as_ref().map(|baseline| match baseline {
            Baseline::Platform(platform) => format!("platform {}", axes.platforms[platform.index()].name),
            Baseline::Policy(policy) => format!("policy {}", axes.policies[policy.index()]),
        }),
        cells: plan.len(),
        failed_cells: results.failures().len(),
        order: order(),
        statistics: StatisticsEntry {
            interval: "percentile bootstrap of the mean",
            confidence: CONFIDENCE,
            resamples: RESAMPLES,
            minimum_samples: MINIMUM_SAMPLES,
        },
        tables: tables.iter().map(|table| TableEntry::of(table)).collect(),
    };
    serde_json::to_string_pretty(&manifest).map(|text| text + "\n")
}
