//! Output files: tidy tables, summaries and the manifest that says how to reproduce them.
//!
//! Every file is a function of the results alone: no times, machines, thread counts or absolute
//! paths. It is written under a temporary name and then renamed, so that a reader never sees half
//! a file. Numbers stand in the shortest form that reads back equal.

mod field;
mod manifest;
mod parameters;
#[cfg(feature = "parquet")]
mod parquet;
mod summaries;
mod tables;
mod text;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use thiserror::Error;
use tracing::{debug, info};

use crate::axes::AXES;
use crate::results::{Failure, Results, axis_values};
use crate::runner::Value;
use crate::summary::Summary;
pub use field::OUTPUT_VERSION;
use tables::Table;
use text::Head;

/// Why an output could not be written.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum OutputError {
    /// The disk is full.
    #[error("no space is left to write {}; free some", .path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// Anything else that the system refuses.
    #[error("{} cannot be written: {reason}; move away what is there, or choose another folder", .path.display())]
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

/// The file that says how to reproduce the others.
const MANIFEST: &str = "manifest.json";

/// Function that fills a file.
type Fill<'f> = Box<dyn Fn(&mut BufWriter<File>) -> io::Result<()> + Sync + 'f>;

/// A file with what fills it.
type Output<'f> = (String, Fill<'f>);

/// The stems of the lists of failed cells and of reasons, which are there only if any failed.
const FAILURES: &str = "failures";
const REASONS: &str = "failure_reasons";

/// Forms of result tables.
const FORMS: [&str; 3] = ["csv", "json", "parquet"];

/// Stems of all tables that a sweep may have.
const STEMS: [&str; 9] =
    ["cells", "tasks", "accelerators", "series", "summary", "summary_tasks", "comparison", FAILURES, REASONS];

/// True if [`write_all`] may write or remove a file of this name.
#[must_use]
pub fn is_output(name: &str) -> bool {
    let of_table = |(stem, form): (&str, &str)| STEMS.contains(&stem) && FORMS.contains(&form);
    name == MANIFEST || name.rsplit_once('.').is_some_and(of_table)
}

/// Writes all output files of a sweep into `directory`, in parallel; returns their names. A list of
/// failures, and series, that an earlier run left there go away with them.
///
/// # Errors
/// [`OutputError`] names the first file that could not be written.
pub fn write_all(
    results: &Results<'_>,
    summary: &Summary,
    directory: &Path,
) -> Result<Vec<String>, OutputError> {
    let (tables, series) = (Table::of(results.plan()), Table::series());
    let series = results.has_series().then_some(&series);
    let all: Vec<&Table> = tables.iter().chain(series).collect();
    let path = directory.join(MANIFEST);
    let manifest = manifest::manifest(results, &all)
        .map_err(|error| OutputError::Write { path, reason: error.to_string() })?;
    let hash = blake3::hash(manifest.as_bytes()).to_hex().to_string();

    let mut files: Vec<Output<'_>> = Vec::new();
    for table in &all {
        files.extend(files_of(results, table, &hash));
    }
    files.extend(summary_files(results, summary, &hash));
    files.push((MANIFEST.to_owned(), Box::new(|to| to.write_all(manifest.as_bytes()))));
    files.extend(failure_files(results, &hash));
    // What an earlier run had and this one has not would be taken for its own.
    for name in
        [FAILURES, REASONS, "series"].iter().flat_map(|stem| FORMS.map(|form| format!("{stem}.{form}")))
    {
        if files.iter().all(|(known, _)| *known != name) {
            remove_file(&directory.join(name))?;
        }
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

/// A table of results in each of its forms.
fn files_of<'f>(results: &'f Results<'f>, table: &'f Table, manifest: &'f str) -> Vec<Output<'f>> {
    let name = |form: &str| format!("{}.{form}", table.name);
    let mut files: Vec<Output<'f>> =
        vec![(name("csv"), Box::new(move |to| text::table_csv(table, results, to)))];
    if table.in_json {
        let format = format!("rtmm-sweep-{}", table.name);
        let json: Fill<'f> = Box::new(move |to| {
            let head = Head { format: &format, plan: results.plan(), manifest };
            text::table_json(&head, table, results, to)
        });
        files.push((name("json"), json));
    }
    #[cfg(feature = "parquet")]
    files.push((name("parquet"), Box::new(move |to| parquet::write(table, results, manifest, to))));
    files
}

/// Means over seeds, of tasks too where the runner has such columns, and differences from the baseline if there is one.
fn summary_files<'f>(results: &'f Results<'f>, summary: &'f Summary, manifest: &'f str) -> Vec<Output<'f>> {
    let plan = results.plan();
    let mut files: Vec<Output<'f>> =
        vec![("summary.csv".to_owned(), Box::new(move |to| summaries::summary_csv(results, summary, to)))];
    if !summary.task_metrics.is_empty() {
        let rows = move || summaries::summary_tasks_rows(plan, summary);
        files.extend(list_files(
            results,
            "summary_tasks",
            summaries::summary_tasks_columns(),
            rows,
            manifest,
        ));
    }
    if plan.axes().baseline.is_some() {
        files.push((
            "comparison.csv".to_owned(),
            Box::new(move |to| summaries::comparison_csv(results, summary, to)),
        ));
    }
    files
}

/// The lists of cells that failed and of reasons, if any did.
fn failure_files<'f>(results: &'f Results<'f>, manifest: &'f str) -> Vec<Output<'f>> {
    if results.failures().is_empty() {
        return Vec::new();
    }
    let mut files = list_files(results, FAILURES, failure_columns(), move || failure_rows(results), manifest);
    let columns = vec!["reason", "cells", "text"];
    files.extend(list_files(results, REASONS, columns, move || reason_rows(results), manifest));
    files
}

/// A list in CSV and JSON.
fn list_files<'f, R: Iterator<Item = Vec<Value>>>(
    results: &'f Results<'f>,
    stem: &'static str,
    columns: Vec<&'static str>,
    rows: impl Fn() -> R + Copy + Sync + 'f,
    manifest: &'f str,
) -> Vec<Output<'f>> {
    let names = columns.clone();
    let csv: Fill<'f> = Box::new(move |to| text::rows_csv(&names, rows(), to));
    let json: Fill<'f> = Box::new(move |to| {
        let format = format!("rtmm-sweep-{}", stem.replace('_', "-"));
        let head = Head { format: &format, plan: results.plan(), manifest };
        text::rows_json(&head, &columns, rows(), to)
    });
    vec![(format!("{stem}.csv"), csv), (format!("{stem}.json"), json)]
}

/// The columns of the lists of failures: which cell, and the number of the reason.
fn failure_columns() -> Vec<&'static str> {
    std::iter::once("cell").chain(AXES.iter().map(|axis| axis.name)).chain(["reason"]).collect()
}

/// The values of a failure, in the order of [`failure_columns`].
fn failure_rows(results: &Results<'_>) -> impl Iterator<Item = Vec<Value>> {
    let (plan, numbers) = (results.plan(), reasons(results.failures()).0);
    results.failures().iter().map(move |failure| {
        let mut values = vec![integer(failure.cell)];
        values.extend(axis_values(plan, &plan.cells()[failure.cell]));
        values.push(integer(numbers.get(&*failure.reason).copied().unwrap_or_default()));
        values
    })
}

/// The rows of the list of reasons: the number of each, of the cells that failed for it, and its text.
fn reason_rows(results: &Results<'_>) -> impl Iterator<Item = Vec<Value>> {
    let rows = reasons(results.failures()).1;
    rows.into_iter()
        .enumerate()
        .map(|(number, (text, cells))| vec![integer(number + 1), integer(cells), Value::Text(text.into())])
}

/// Reasons in the order of the first cell that failed for each: numbers from 1, and texts with the number of cells.
fn reasons(failures: &[Failure]) -> (BTreeMap<&str, usize>, Vec<(&str, usize)>) {
    let mut numbers = BTreeMap::new();
    let mut all: Vec<(&str, usize)> = Vec::new();
    for failure in failures {
        let number = *numbers.entry(&*failure.reason).or_insert_with(|| {
            all.push((&failure.reason, 0));
            all.len()
        });
        all[number - 1].1 += 1;
    }
    (numbers, all)
}

fn integer(number: usize) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
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
