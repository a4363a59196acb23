//! Output files: tidy tables, summaries and the manifest that says how to reproduce them.
//!
//! Every file is a function of the results alone: no times, machines, thread counts or absolute
//! paths. It is written under a temporary name and then renamed, so that a reader never sees half
//! a file. Numbers stand in the shortest form that reads back equal.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Serialize, Serializer};
use thiserror::Error;
use tracing::{debug, info};

use crate::axes::{self, AXES, COLUMNS, Shared, Variation};
use crate::plan::{Baseline, Plan, PlatformId};
use crate::results::{Results, SERIES, TASK, axis_values};
use crate::runner::{Assignment, Better, CellResult, Column, ColumnKind, ParameterValue, Value};
use crate::statistics::{CONFIDENCE, MINIMUM_SAMPLES, RESAMPLES};
use crate::store::described_columns;
use crate::summary::{Metric, Summary};

/// The version of the output files: rises when a column or key changes its name or meaning.
pub const OUTPUT_VERSION: u32 = 1;

/// Why an output could not be written.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum OutputError {
    /// The disk is full.
    #[error("no space is left to write {}; free some and run the sweep again: its cells are kept", .path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// Anything else that the system refuses.
    #[error("{} cannot be written: {reason}", .path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// Reason that the system gave.
        reason: String,
    },
}

impl OutputError {
    pub(crate) fn new(path: &Path, error: &io::Error) -> Self {
        let path = path.to_owned();
        if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            return Self::Full { path };
        }
        Self::Write { path, reason: error.to_string() }
    }
}

/// Function that fills a file.
type Fill<'f> = Box<dyn Fn(&mut BufWriter<File>) -> io::Result<()> + Sync + 'f>;

/// The list of failed cells, which is there only if there are any.
const FAILURES: [&str; 2] = ["failures.csv", "failures.json"];

/// The points of series, which are there only if there are any.
const SERIES_FILES: [&str; 2] = ["series.csv", "series.parquet"];

/// Writes all output files of a sweep into `directory`, in parallel; returns their names. A list of
/// failures, and series, that an earlier run left there go away with them.
///
/// # Errors
/// [`OutputError`] names the first file that could not be written.
pub fn write_all(
    results: &Results<'_>,
    summary: &Summary,
    directory: &Path,
) -> Result<Vec<&'static str>, OutputError> {
    let mut files: Vec<(&'static str, Fill<'_>)> = vec![
        ("results.csv", Box::new(|to| results_csv(results, to))),
        ("results.json", Box::new(|to| results_json(results, to))),
    ];
    #[cfg(feature = "parquet")]
    files.push(("results.parquet", Box::new(|to| crate::parquet::write(results, to))));
    files.push(("summary.csv", Box::new(|to| summary_csv(results, summary, to))));
    let plan = results.plan();
    if !summary.task_metrics.is_empty() {
        let (columns, rows) = (summary_tasks_columns(), move || summary_tasks_rows(plan, summary));
        let names = columns.clone();
        files.push(("summary_tasks.csv", Box::new(move |to| table_csv(&names, rows(), to))));
        let format = "rtmm-sweep-summary-tasks";
        let fill: Fill<'_> = Box::new(move |to| table_json(format, plan, &columns, rows(), to));
        files.push(("summary_tasks.json", fill));
    }
    if results.plan().axes().baseline.is_some() {
        files.push(("comparison.csv", Box::new(|to| comparison_csv(results, summary, to))));
    }
    if results.has_series() {
        files.push((SERIES_FILES[0], Box::new(|to| series_csv(results, to))));
        #[cfg(feature = "parquet")]
        files.push((SERIES_FILES[1], Box::new(|to| crate::parquet::write_series(results, to))));
    } else {
        SERIES_FILES.iter().try_for_each(|name| remove_file(&directory.join(name)))?;
    }
    files.push(("manifest.json", Box::new(|to| manifest_json(results, to))));
    if results.failures().is_empty() {
        FAILURES.iter().try_for_each(|name| remove_file(&directory.join(name)))?;
    } else {
        let (columns, rows) = (failure_columns(), move || failure_rows(results));
        let names = columns.clone();
        files.push((FAILURES[0], Box::new(move |to| table_csv(&names, rows(), to))));
        let format = "rtmm-sweep-failures";
        files.push((FAILURES[1], Box::new(move |to| table_json(format, plan, &columns, rows(), to))));
    }
    let written: Vec<Result<(), OutputError>> = files
        .par_iter()
        .with_max_len(1)
        .map(|(name, fill)| write_file(&directory.join(name), fill))
        .collect();
    written.into_iter().collect::<Result<(), OutputError>>()?;
    info!(directory = %directory.display(), files = files.len(), "outputs written");
    Ok(files.into_iter().map(|(name, _)| name).collect())
}

/// Writes a file under a temporary name, then renames it. Does not wait for the disk: whatever a
/// power failure takes is made again from the store.
#[expect(clippy::disallowed_methods, reason = "the one place of this crate that writes files")]
fn write_file(path: &Path, fill: &Fill<'_>) -> Result<(), OutputError> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let written = File::create(&partial).and_then(|file| {
        let mut to = BufWriter::with_capacity(1 << 16, file);
        fill(&mut to)?;
        to.flush()
    });
    if let Err(error) = written.and_then(|()| std::fs::rename(&partial, path)) {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&partial);
        return Err(OutputError::new(path, &error));
    }
    debug!(path = %path.display(), "written");
    Ok(())
}

/// Removes a file if it is there.
fn remove_file(path: &Path) -> Result<(), OutputError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(OutputError::new(path, &error)),
        _ => Ok(()),
    }
}

/// The columns of the result tables, in order.
fn columns(results: &Results<'_>) -> Vec<Column> {
    let runner = results.plan().spec();
    let task = [TASK];
    [COLUMNS, &runner.cell_columns, &task, &runner.task_columns].concat()
}

/// One row for each cell and task: what all tasks of a cell share is encoded once.
fn rows(
    results: &Results<'_>,
    encode: fn(&mut Vec<u8>, &Value) -> io::Result<()>,
    mut emit: impl FnMut(&[u8], &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let plan = results.plan();
    let (mut shared, mut own) = (Vec::new(), Vec::new());
    for (cell, CellResult { cell: values, tasks, .. }) in results.iter() {
        shared.clear();
        for value in axis_values(plan, cell).iter().chain(values) {
            encode(&mut shared, value)?;
            shared.push(b',');
        }
        let columns = plan.spec().task_columns.len();
        for (position, task) in plan.scenario(cell).tasks.iter().enumerate() {
            own.clear();
            encode(&mut own, &Value::Text(task.name.as_str().into()))?;
            for value in &tasks[position * columns..][..columns] {
                own.push(b',');
                encode(&mut own, value)?;
            }
            emit(&shared, &own)?;
        }
    }
    Ok(())
}

fn results_csv(results: &Results<'_>, to: &mut impl Write) -> io::Result<()> {
    let header: Vec<&str> = columns(results).iter().map(|column| column.name).collect();
    writeln!(to, "{}", header.join(","))?;
    rows(results, csv_value, |shared, own| {
        to.write_all(shared)?;
        to.write_all(own)?;
        to.write_all(b"\n")
    })
}

fn results_json(results: &Results<'_>, to: &mut impl Write) -> io::Result<()> {
    let names: Vec<&str> = columns(results).iter().map(|column| column.name).collect();
    json_header("rtmm-sweep-results", results.plan(), &names, to)?;
    let mut separator: &[u8] = b"[";
    rows(results, json_value, |shared, own| {
        to.write_all(separator)?;
        separator = b",\n[";
        to.write_all(shared)?;
        to.write_all(own)?;
        to.write_all(b"]")
    })?;
    to.write_all(b"\n]}\n")
}

/// A row a point of a series: axes, series, time and value.
fn series_csv(results: &Results<'_>, to: &mut impl Write) -> io::Result<()> {
    let header: Vec<&str> = COLUMNS.iter().chain(SERIES).map(|column| column.name).collect();
    writeln!(to, "{}", header.join(","))?;
    let (mut axes, mut row) = (Vec::new(), CsvRow::default());
    for (cell, result) in results.iter() {
        axes.clear();
        for value in &axis_values(results.plan(), cell) {
            csv_value(&mut axes, value)?;
            axes.push(b',');
        }
        for point in results.points(result) {
            row.0.extend_from_slice(&axes);
            point.iter().try_for_each(|value| row.value(value))?;
            row.end(to)?;
        }
    }
    Ok(())
}

/// Head of every JSON table, up to its rows.
fn json_header(format: &str, plan: &Plan<'_>, columns: &[&str], to: &mut impl Write) -> io::Result<()> {
    let name = serde_json::to_string(&plan.axes().name)?;
    let columns = serde_json::to_string(columns)?;
    writeln!(to, "{{\"format\":\"{format}\",\"version\":{OUTPUT_VERSION},\n\"sweep\":{name},")?;
    if !plan.axes().settings.is_empty() {
        // Sorted by name.
        let settings = serde_json::to_value(&plan.axes().settings)?;
        writeln!(to, "\"settings\":{},", serde_json::to_string(&settings)?)?;
    }
    writeln!(to, "\"columns\":{columns},\n\"rows\":[")
}

/// The columns of the lists of failures: which cell, and why.
fn failure_columns() -> Vec<&'static str> {
    AXES.iter().map(|axis| axis.name).chain(["reason"]).collect()
}

/// The values of a failure, in the order of [`failure_columns`].
fn failure_rows(results: &Results<'_>) -> impl Iterator<Item = Vec<Value>> {
    let plan = results.plan();
    results.failures().iter().map(|failure| {
        let mut values = axis_values(plan, &plan.cells()[failure.cell]).to_vec();
        values.push(Value::Text((*failure.reason).into()));
        values
    })
}

/// Writes a table as CSV.
fn table_csv(
    columns: &[&str],
    rows: impl Iterator<Item = Vec<Value>>,
    to: &mut impl Write,
) -> io::Result<()> {
    writeln!(to, "{}", columns.join(","))?;
    let mut row = CsvRow::default();
    for values in rows {
        values.iter().try_for_each(|value| row.value(value))?;
        row.end(to)?;
    }
    Ok(())
}

/// Writes a table as JSON, in the form of the results.
fn table_json(
    format: &str,
    plan: &Plan<'_>,
    columns: &[&str],
    rows: impl Iterator<Item = Vec<Value>>,
    to: &mut impl Write,
) -> io::Result<()> {
    json_header(format, plan, columns, to)?;
    let mut row = Vec::new();
    for (index, values) in rows.enumerate() {
        row.clear();
        row.extend_from_slice(if index == 0 { b"[" } else { b",\n[" });
        for (position, value) in values.iter().enumerate() {
            if position > 0 {
                row.push(b',');
            }
            json_value(&mut row, value)?;
        }
        row.push(b']');
        to.write_all(&row)?;
    }
    to.write_all(b"\n]}\n")
}

fn csv_value(to: &mut Vec<u8>, value: &Value) -> io::Result<()> {
    match value {
        Value::Missing => Ok(()),
        Value::Text(text) => {
            csv_text(to, text);
            Ok(())
        }
        Value::Integer(_) | Value::Real(_) => json_value(to, value),
    }
}

/// A text, in quotes where a comma, a quote or a line break asks for them.
fn csv_text(to: &mut Vec<u8>, text: &str) {
    if !text.contains([',', '"', '\n', '\r']) {
        to.extend_from_slice(text.as_bytes());
        return;
    }
    to.push(b'"');
    to.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    to.push(b'"');
}

fn json_value(to: &mut Vec<u8>, value: &Value) -> io::Result<()> {
    match value {
        Value::Missing => {
            to.extend_from_slice(b"null");
            Ok(())
        }
        Value::Integer(value) => Ok(serde_json::to_writer(to, value)?),
        Value::Real(value) => Ok(serde_json::to_writer(to, value)?),
        Value::Text(value) => Ok(serde_json::to_writer(to, value)?),
    }
}

/// A row of CSV, built field by field.
#[derive(Default)]
struct CsvRow(Vec<u8>);

impl CsvRow {
    fn text(&mut self, text: &str) -> &mut Self {
        csv_text(&mut self.0, text);
        self.0.push(b',');
        self
    }

    fn count(&mut self, value: usize) -> &mut Self {
        self.text(&value.to_string())
    }

    fn value(&mut self, value: &Value) -> io::Result<()> {
        csv_value(&mut self.0, value)?;
        self.0.push(b',');
        Ok(())
    }

    fn real(&mut self, value: impl Into<Option<f64>>) -> io::Result<&mut Self> {
        self.value(&value.into().map_or(Value::Missing, Value::Real))?;
        Ok(self)
    }

    fn end(&mut self, to: &mut impl Write) -> io::Result<()> {
        self.0.pop();
        self.0.push(b'\n');
        to.write_all(&self.0)?;
        self.0.clear();
        Ok(())
    }
}

/// The axes that a group has: all that its cells share. Across scenarios, what is a scenario's own stays empty.
fn group_axes(row: &mut CsvRow, plan: &Plan<'_>, cell: usize, across: bool) -> io::Result<()> {
    for (axis, value) in AXES.iter().zip(&axis_values(plan, &plan.cells()[cell])) {
        match axis.shared {
            Shared::Never => {}
            Shared::AcrossSeeds if across => {
                row.text("");
            }
            Shared::AcrossSeeds | Shared::AcrossScenarios => row.value(value)?,
        }
    }
    Ok(())
}

/// The names of the axes that a group has.
fn group_columns() -> impl Iterator<Item = &'static str> {
    AXES.iter().filter(|axis| axis.shared != Shared::Never).map(|axis| axis.name)
}

fn group_header() -> String {
    group_columns().collect::<Vec<&str>>().join(",")
}

fn summary_csv(results: &Results<'_>, summary: &Summary, to: &mut impl Write) -> io::Result<()> {
    writeln!(
        to,
        "scope,{},metric,samples,mean,mean_ci_low,mean_ci_high,minimum,maximum,population_deviation,\
         sample_deviation,geometric_mean,note",
        group_header()
    )?;
    let plan = results.plan();
    let mut row = CsvRow::default();
    for group in &summary.groups {
        for (Metric { column, .. }, statistics) in summary.metrics.iter().zip(&group.statistics) {
            row.text("scenario");
            group_axes(&mut row, plan, group.cells.start, false)?;
            row.text(column.name).count(statistics.map_or(0, |statistics| statistics.samples));
            let interval = statistics.and_then(|statistics| statistics.interval);
            row.real(statistics.map(|statistics| statistics.mean))?
                .real(interval.map(|interval| interval.low))?
                .real(interval.map(|interval| interval.high))?
                .real(statistics.map(|statistics| statistics.minimum))?
                .real(statistics.map(|statistics| statistics.maximum))?
                .real(statistics.map(|statistics| statistics.population_deviation))?
                .real(statistics.and_then(|statistics| statistics.sample_deviation))?
                .text("")
                .text(if statistics.is_none() { "no value" } else { "" })
                .end(to)?;
        }
    }
    for across in &summary.across {
        for (Metric { column, .. }, statistics) in summary.metrics.iter().zip(&across.statistics) {
            row.text("across_scenarios");
            group_axes(&mut row, plan, across.cell.index, true)?;
            row.text(column.name).count(statistics.scenarios);
            let geometric = statistics.geometric_mean.as_ref();
            row.real(statistics.mean)?
                .real(None)?
                .real(None)?
                .real(statistics.minimum)?
                .real(statistics.maximum)?
                .real(None)?
                .real(None)?
                .real(geometric.ok().copied())?
                .text(geometric.err().map_or("", |reason| reason))
                .end(to)?;
        }
    }
    Ok(())
}

/// The columns of the summary of tasks.
fn summary_tasks_columns() -> Vec<&'static str> {
    group_columns()
        .chain(["task", "metric", "unit", "samples", "mean", "mean_ci_low", "mean_ci_high"])
        .collect()
}

/// A row a group, task and summarised task column, in the order of [`summary_tasks_columns`].
fn summary_tasks_rows<'s>(plan: &'s Plan<'_>, summary: &'s Summary) -> impl Iterator<Item = Vec<Value>> + 's {
    summary.groups.iter().flat_map(move |group| {
        let axes = axis_values(plan, &plan.cells()[group.cells.start]);
        let tasks = &plan.varied_scenarios()[group.scenario.index()].scenario.tasks;
        let metrics = &summary.task_metrics;
        let entries = tasks.iter().flat_map(move |task| metrics.iter().map(move |metric| (task, metric)));
        entries.zip(&group.tasks).map(move |((task, Metric { column, .. }), statistics)| {
            let axes = AXES.iter().zip(&axes).filter(|(axis, _)| axis.shared != Shared::Never);
            let real = |value: Option<f64>| value.map_or(Value::Missing, Value::Real);
            let interval = statistics.and_then(|statistics| statistics.interval);
            let mut row: Vec<Value> = axes.map(|(_, value)| value.clone()).collect();
            row.extend([task.name.as_str(), column.name, column.unit].map(|text| Value::Text(text.into())));
            row.push(Value::Integer(statistics.map_or(0, |statistics| statistics.samples as i64)));
            row.push(real(statistics.map(|statistics| statistics.mean)));
            row.push(real(interval.map(|interval| interval.low)));
            row.push(real(interval.map(|interval| interval.high)));
            row
        })
    })
}

fn comparison_csv(results: &Results<'_>, summary: &Summary, to: &mut impl Write) -> io::Result<()> {
    writeln!(
        to,
        "{},baseline_platform,baseline_policy,baseline_parameters,metric,pairs,baseline_mean,mean_difference,\
         difference_ci_low,difference_ci_high,relative_difference,above,below",
        group_header()
    )?;
    let plan = results.plan();
    let mut row = CsvRow::default();
    for comparison in &summary.comparisons {
        let (group, baseline) = (&summary.groups[comparison.group], &summary.groups[comparison.baseline]);
        let base = &plan.cells()[baseline.cells.start];
        for (Metric { column, .. }, difference) in summary.metrics.iter().zip(&comparison.differences) {
            group_axes(&mut row, plan, group.cells.start, false)?;
            row.text(&plan.platform(base).name)
                .text(&plan.policy(base).name)
                .text(&plan.policy(base).parameters_text())
                .text(column.name)
                .count(difference.map_or(0, |difference| difference.pairs));
            // Over the same pairs as the difference, which missing values may make fewer.
            let base_mean = difference.map(|difference| difference.baseline_mean);
            let relative = difference
                .zip(base_mean.filter(|mean| *mean != 0.0))
                .map(|(difference, mean)| difference.mean / mean.abs());
            let interval = difference.and_then(|difference| difference.interval);
            row.real(base_mean)?
                .real(difference.map(|difference| difference.mean))?
                .real(interval.map(|interval| interval.low))?
                .real(interval.map(|interval| interval.high))?
                .real(relative)?
                .count(difference.map_or(0, |difference| difference.above))
                .count(difference.map_or(0, |difference| difference.below))
                .end(to)?;
        }
    }
    Ok(())
}

#[derive(Serialize)]
struct Manifest<'m> {
    format: &'static str,
    version: u32,
    program: Program,
    reproduce: String,
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
    columns: Vec<ColumnEntry>,
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
struct ColumnEntry {
    name: &'static str,
    of: &'static str,
    unit: &'static str,
    kind: ColumnKind,
    meaning: &'static str,
    better: Option<Better>,
}

fn entries(assignments: &[Assignment]) -> Vec<ParameterEntry<'_>> {
    assignments.iter().map(|(name, value)| ParameterEntry { name, value }).collect()
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

fn manifest_json(results: &Results<'_>, to: &mut impl Write) -> io::Result<()> {
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
    let policies = axes.policies.iter().map(|policy| PolicyEntry {
        name: &policy.name,
        parameters: entries(policy.parameters.assignments()),
    });
    let manifest = Manifest {
        format: "rtmm-sweep-manifest",
        version: OUTPUT_VERSION,
        program: Program { name: "rtmm", version: env!("CARGO_PKG_VERSION") },
        reproduce: format!("rtmm sweep {}", axes.name),
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
        settings: entries(axes.settings.assignments()),
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
        columns: described_columns(plan.spec())
            .into_iter()
            .map(|(of, Column { name, unit, kind, meaning, better, .. })| ColumnEntry {
                name,
                of,
                unit,
                kind,
                meaning,
                better,
            })
            .collect(),
    };
    serde_json::to_writer_pretty(&mut *to, &manifest)?;
    to.write_all(b"\n")
}
