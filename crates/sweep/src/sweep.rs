//! A whole sweep: store, execution, summary and outputs in one directory.

use std::path::Path;

use thiserror::Error;

use crate::execute::{ExecuteError, Executed, Options, Progress, execute, execute_cells};
use crate::output::{OutputError, write_all};
use crate::plan::Plan;
use crate::results::Results;
use crate::shard::WHOLE_STORE;
use crate::store::{Store, StoreError};
use crate::summary::Summary;

/// Outcome of a sweep.
#[derive(Debug)]
pub struct Outcome<'p> {
    /// Counts of cells in all, of those reused and of those run, and the cells that failed.
    pub executed: Executed,
    /// Results and summary; `None` for a shard, which has no outputs of its own.
    pub finished: Option<Finished<'p>>,
}

/// A sweep with all its cells but those that failed.
#[derive(Debug)]
pub struct Finished<'p> {
    /// The values of every cell.
    pub results: Results<'p>,
    /// Means over seeds, across scenarios, and against the baseline.
    pub summary: Summary,
    /// Names of the files that were written into the directory.
    pub files: Vec<String>,
}

/// Why a sweep did not come to its end.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum SweepError {
    /// No cell can be run, or the store failed.
    #[error(transparent)]
    Execute(#[from] ExecuteError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An output could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// Runs what is missing of `plan`, with the store in `directory`, which is created; then, unless
/// only a shard was run, writes the outputs there.
///
/// # Errors
/// [`SweepError`] says what failed; finished cells are kept.
pub fn run<'p>(
    plan: &'p Plan<'p>,
    directory: &Path,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Outcome<'p>, SweepError> {
    create_directory(directory)?;
    let name = options.shard.map_or_else(|| WHOLE_STORE.to_owned(), |shard| shard.store_name());
    let mut store = Store::open(&directory.join(name), plan.spec())?;
    let executed = execute(plan, &mut store, options, progress)?;
    let finished = match options.shard {
        Some(_) => None,
        None => {
            let results = store.results(plan)?;
            Some(options.in_pool(|| conclude(results, directory))??)
        }
    };
    store.close()?;
    Ok(Outcome { executed, finished })
}

/// Runs what is missing of some cells of `plan`, given by their ascending indices, with the store in `directory`, which is
/// created. The results have what the store has of the plan, these cells at least; no other outputs are written.
///
/// # Errors
/// [`SweepError`] says what failed; finished cells are kept.
pub fn run_cells<'p>(
    plan: &'p Plan<'p>,
    cells: &[usize],
    directory: &Path,
    options: &Options,
    progress: &dyn Progress,
) -> Result<(Executed, Results<'p>), SweepError> {
    create_directory(directory)?;
    let mut store = Store::open(&directory.join(WHOLE_STORE), plan.spec())?;
    let executed = execute_cells(plan, cells, &mut store, options, progress)?;
    let results = store.results_so_far(plan)?;
    store.close()?;
    Ok((executed, results))
}

/// Reads the results of `plan` from a store that has all of them, such as a merged one, and writes
/// the outputs into `directory`, which is created.
///
/// # Errors
/// [`StoreError::Incomplete`] where cells were not run yet, others where files fail.
pub fn finish<'p>(plan: &'p Plan<'p>, store: &Store, directory: &Path) -> Result<Finished<'p>, SweepError> {
    create_directory(directory)?;
    Ok(conclude(store.results(plan)?, directory)?)
}

fn conclude<'p>(results: Results<'p>, directory: &Path) -> Result<Finished<'p>, OutputError> {
    let summary = Summary::of(&results);
    let files = write_all(&results, &summary, directory)?;
    Ok(Finished { results, summary, files })
}

fn create_directory(directory: &Path) -> Result<(), OutputError> {
    std::fs::create_dir_all(directory).map_err(|error| OutputError::new(directory, &error))
}
