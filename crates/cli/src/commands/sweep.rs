//! `rtmm sweep` and `rtmm merge`.

use std::io::Write;
use std::path::{Path, PathBuf};

use rtmm_report::Report;
use rtmm_robust::request::{self, Request};
use rtmm_robust::{Outcome, analyse};
use rtmm_runners::Runners;
use rtmm_runners::engine::Engine;
use rtmm_sweep::execute::Options;
use rtmm_sweep::figures::Figure;
use rtmm_sweep::file::SweepFile;
use rtmm_sweep::output::OutputError;
use rtmm_sweep::plan::Plan;
use rtmm_sweep::results::{Alike, Failure as Failed, alike};
use rtmm_sweep::shard::{self, Merged, Shard, WHOLE_STORE};
use rtmm_sweep::store::{Store, StoreError};
use rtmm_sweep::summary::Summary;
use rtmm_sweep::sweep::{self as sweeps, Finished, SweepError};
use rtmm_workload::load::{Kind, open};

use super::robust::in_pool;
use crate::args::{Format, Merge, Sweep};
use crate::failure::{Failure, say};
use crate::folders::{create, refuse_foreign, refuse_inputs_in, refuse_report};
use crate::idle::warn_of_sweep;
use crate::output::{Unwritten, stdout, style, width, wrap};
use crate::progress::Bar;
use crate::reports;

pub(crate) fn sweep(arguments: &Sweep) -> Result<(), Failure> {
    let shard = arguments.shard.as_deref().map(str::parse::<Shard>).transpose();
    let shard = shard.map_err(|error| Failure::usage(error.to_string(), "such as --shard 1/3"))?;
    let source = open(Kind::Sweep, &arguments.sweep, None)?;
    let SweepFile { plan, figures } = rtmm_sweep::file::read_source(&source, &Runners::built_in().list())?;
    let request = request::of(&source, &plan)?;
    warn_of_sweep(&arguments.sweep, &plan);
    let directory = directory(arguments.output.as_ref(), &plan);
    refuse_report(&directory)?;
    create(&directory)?;
    refuse_inputs_in(&directory)?;
    refuse_foreign(&directory)?;
    let options = Options { threads: arguments.threads.map(usize::from), shard };
    let bar = Bar::new(arguments.quiet);
    let outcome = sweeps::run(&plan, &directory, &options, &bar);
    bar.finish();
    let outcome = match outcome {
        Err(SweepError::Output(error)) if shard.is_none() => {
            return print_kept(&plan, &figures, arguments.format, &directory, error);
        }
        outcome => outcome.map_err(failed)?,
    };
    let executed = outcome.executed;
    say!(
        "{}: {} cells, {} run, {} reused from {}",
        plan.axes().name,
        executed.total,
        executed.run,
        executed.reused,
        directory.display()
    );
    match (outcome.finished, shard) {
        (Some(finished), _) => {
            let robustness = robustness(request.as_ref(), arguments.threads, arguments.quiet)?;
            let wanted = Wanted { figures: &figures, robustness, format: arguments.format };
            conclude(&plan, wanted, &finished, &directory)
        }
        (None, Some(shard)) => {
            let failed = failed_cells(&plan, &executed.failures, None);
            say!(
                "shard {} of {} is done; when all are: rtmm merge {} --output {}",
                shard.number(),
                shard.of(),
                arguments.sweep,
                directory.display()
            );
            failed.map_or(Ok(()), Err)
        }
        (None, None) => Ok(()),
    }
}

pub(crate) fn merge(arguments: &Merge) -> Result<(), Failure> {
    let source = open(Kind::Sweep, &arguments.sweep, None)?;
    let SweepFile { plan, figures } = rtmm_sweep::file::read_source(&source, &Runners::built_in().list())?;
    let request = request::of(&source, &plan)?;
    let directory = directory(arguments.output.as_ref(), &plan);
    let stores = if arguments.stores.is_empty() { shards_in(&directory)? } else { arguments.stores.clone() };
    if stores.is_empty() {
        return Err(Failure::usage(
            format!("there are no shards in {}", directory.display()),
            "name the stores, or the directory that has them with --output",
        ));
    }
    refuse_report(&directory)?;
    create(&directory)?;
    refuse_inputs_in(&directory)?;
    refuse_foreign(&directory)?;
    check_sources(&stores, &directory.join(WHOLE_STORE))?;
    let mut target = Store::open(&directory.join(WHOLE_STORE), plan.spec())
        .map_err(|error| Failure::Run(error.to_string()))?;
    let merged =
        shard::merge(&plan, &mut target, &stores).map_err(|error| Failure::Run(error.to_string()))?;
    say!(
        "{}: {} of {} cells, {} copied, stores read: {}",
        plan.axes().name,
        merged.total - merged.missing - merged.failed,
        merged.total,
        merged.copied,
        stores.len()
    );
    if merged.missing > 0 {
        return Err(incomplete(&merged, &arguments.sweep, &directory));
    }
    let finished = match sweeps::finish(&plan, &target, &directory) {
        Err(SweepError::Output(error)) => {
            target.close().map_err(|error| Failure::Run(error.to_string()))?;
            return print_kept(&plan, &figures, arguments.format, &directory, error);
        }
        finished => finished.map_err(failed)?,
    };
    let robustness = robustness(request.as_ref(), None, false)?;
    let wanted = Wanted { figures: &figures, robustness, format: arguments.format };
    let concluded = conclude(&plan, wanted, &finished, &directory);
    target.close().map_err(|error| Failure::Run(error.to_string()))?;
    concluded
}

/// The failure of a sweep whose files could not be written, after its tables: its cells are in its store.
fn print_kept(
    plan: &Plan<'_>,
    figures: &[Figure],
    format: Format,
    directory: &Path,
    error: OutputError,
) -> Result<(), Failure> {
    // Other forms are copies of the files.
    let printed = match format {
        Format::Table => print_stored(plan, figures, directory),
        Format::Csv | Format::Json => Ok(()),
    };
    let mut unwritten = Unwritten::default();
    unwritten.note(Err(Failure::Run(format!("{error}; then run it again: its cells are kept"))));
    unwritten.told_after(printed)
}

fn print_stored(plan: &Plan<'_>, figures: &[Figure], directory: &Path) -> Result<(), Failure> {
    let failed = |error: StoreError| Failure::Run(error.to_string());
    let store = Store::open_existing(&directory.join(WHOLE_STORE), plan.spec()).map_err(failed)?;
    let results = store.results(plan).map_err(failed)?;
    store.close().map_err(failed)?;
    let mut out = stdout();
    write!(out, "{}", Report::new(&results, &Summary::of(&results), figures).to_terminal(&style()))?;
    out.flush()?;
    Ok(())
}

/// Sources must be files, and none of them the target: it would wait for itself.
fn check_sources(stores: &[PathBuf], target: &Path) -> Result<(), Failure> {
    let same = |path: &PathBuf| match (path.canonicalize(), target.canonicalize()) {
        (Ok(path), Ok(target)) => path == target,
        _ => false,
    };
    for path in stores {
        if !path.is_file() {
            return Err(Failure::usage(
                format!("{}: there is no such store", path.display()),
                "check the path",
            ));
        }
        if same(path) {
            return Err(Failure::usage(
                format!("{}: this is the store that the shards are merged into", path.display()),
                "leave it out: what it has is kept",
            ));
        }
    }
    Ok(())
}

fn incomplete(merged: &Merged, sweep: &str, directory: &Path) -> Failure {
    let mut message = format!("{} cells are missing; what there is was kept", merged.missing);
    for (shard, cells) in &merged.missing_by_shard {
        message.push_str(&format!(
            "\n  {cells} of shard {number}/{of}: rtmm sweep {sweep} --shard {number}/{of} --output {directory}",
            directory = directory.display(),
            number = shard.number(),
            of = shard.of()
        ));
    }
    Failure::Run(message)
}

fn failed(error: SweepError) -> Failure {
    Failure::Run(error.to_string())
}

/// The most kinds of failures that are printed; the rest is in the file.
const FAILURES_SHOWN: usize = 10;

/// Message on cells that failed, if any did: those of one scenario and platform that failed
/// alike, together.
fn failed_cells(plan: &Plan<'_>, failures: &[Failed], list: Option<&Path>) -> Option<Failure> {
    let alike = alike(plan, failures);
    if alike.is_empty() {
        return None;
    }
    let mut message = format!(
        "{} of {} cells failed; the sweep tries them again when it is run again",
        failures.len(),
        plan.len()
    );
    for Alike { scenario, platform, reason, cells } in alike.iter().take(FAILURES_SHOWN) {
        message.push_str(&format!("\n  {cells} of `{scenario}` on `{platform}`: {reason}"));
    }
    if alike.len() > FAILURES_SHOWN {
        message.push_str(&format!("\n  ... and {} more kinds", alike.len() - FAILURES_SHOWN));
    }
    if let Some(list) = list {
        message.push_str(&format!("\nall of them: {}", list.display()));
    }
    Some(Failure::Run(message))
}

fn directory(output: Option<&PathBuf>, plan: &Plan<'_>) -> PathBuf {
    output.cloned().unwrap_or_else(|| Path::new("results").join(&plan.axes().name))
}

/// The shards' stores of a directory, in the order of their numbers.
fn shards_in(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::usage(format!("{}: cannot be read: {error}", directory.display()), "check the path")
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if let Some(shard) = Shard::from_store_name(&path) {
            found.push((shard.of(), shard.number(), path));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, _, path)| path).collect())
}

/// Runs what the sweep file asks of wrong worlds, once its cells are run.
fn robustness(
    request: Option<&Request>,
    threads: Option<u16>,
    quiet: bool,
) -> Result<Option<Outcome>, Failure> {
    let Some(Request { study, axes }) = request else { return Ok(None) };
    let bar = Bar::new(quiet);
    let outcome = in_pool(threads, || analyse(Engine::built_in(), study, axes, &bar));
    bar.finish();
    Ok(Some(outcome??))
}

/// Contents of a report beside the results.
struct Wanted<'f> {
    figures: &'f [Figure],
    robustness: Option<Outcome>,
    format: Format,
}

/// Prints the tables and writes the report beside the results; cells that failed come last.
fn conclude(
    plan: &Plan<'_>,
    wanted: Wanted<'_>,
    finished: &Finished<'_>,
    directory: &Path,
) -> Result<(), Failure> {
    let Wanted { figures, robustness, format } = wanted;
    let mut report = Report::new(&finished.results, &finished.summary, figures);
    if let Some(outcome) = &robustness {
        rtmm_robust::report::add(&mut report, outcome);
    }
    report.run = reports::worst(&finished.results);
    report.files_beside.clone_from(&finished.files);
    let mut files = finished.files.clone();
    let mut unwritten = Unwritten::default();
    unwritten.note(reports::write(&report, directory).map(|names| files.extend(names)));
    unwritten.told_after(print(&report, &files, format, directory))?;
    let list = directory.join("failures.csv");
    failed_cells(plan, finished.results.failures(), Some(&list)).map_or(Ok(()), Err)
}

fn print(report: &Report, files: &[String], format: Format, directory: &Path) -> Result<(), Failure> {
    let mut out = stdout();
    match format {
        Format::Table => {
            write!(out, "{}", report.to_terminal(&style()))?;
            let (figures, named): (Vec<&str>, Vec<&str>) =
                files.iter().map(String::as_str).partition(|name| name.contains('/'));
            let figures = figures.iter().filter(|name| name.ends_with(".svg")).count();
            let (named, directory) = (named.join(", "), directory.display());
            let list = format!("Written to {directory}: {named}, {figures} figures in figures/");
            for line in wrap(&list, width()) {
                writeln!(out, "{line}")?;
            }
        }
        // The files are what was just written: the same bytes.
        Format::Csv => copy(&directory.join("summary.csv"), &mut out)?,
        Format::Json => copy(&directory.join("cells.json"), &mut out)?,
    }
    out.flush()?;
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "prints a file that this command wrote")]
fn copy(path: &Path, out: &mut impl Write) -> Result<(), Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::Run(format!("{}: {error}", path.display())))?;
    out.write_all(&bytes)?;
    Ok(())
}
