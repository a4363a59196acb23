//! Execution: runs the cells that the store lacks, in parallel, and stores them as they finish.
//!
//! Workers take runs of neighbouring cells, which share their inputs, and hand finished cells over
//! in batches: a cell may take ten microseconds, and one hand-over a cell would cost as much. One
//! thread writes; with a single thread the worker itself does, so that `threads = 1` is one.
//!
//! A cell that fails is noted with its reason, and the others go on. What stops a sweep is a store
//! that cannot be written; what was finished until then is committed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration as WallDuration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use rayon::prelude::*;
use thiserror::Error;
use tracing::{debug, info};

use crate::plan::Plan;
use crate::results::{Failure, Results};
use crate::runner::{CellResult, Prepared, RunError};
use crate::shard::Shard;
use crate::store::{Store, StoreError};

/// The most cells of one hand-over.
const BATCH: usize = 64;
/// Cells wait no longer than this for the rest of their batch.
const HAND_OVER: WallDuration = WallDuration::from_millis(20);
/// Written cells wait no longer than this for their commit: a kill costs what was finished in it.
const COMMIT: WallDuration = WallDuration::from_millis(20);

/// Options of an execution.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Number of threads that run cells; `None` for as many as the machine has.
    pub threads: Option<usize>,
    /// Part of the sweep to run; `None` for all of it.
    pub shard: Option<Shard>,
}

impl Options {
    /// Does `work` on as many threads as are asked for.
    pub(crate) fn in_pool<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, ExecuteError> {
        let Some(threads) = self.threads else { return Ok(work()) };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build();
        pool.map(|pool| pool.install(work))
            .map_err(|error| ExecuteError::Threads { reason: error.to_string() })
    }
}

/// Observer of the progress of a sweep. Called from the thread that writes.
pub trait Progress: Sync {
    /// Begins a sweep of `total` cells, of which the store has `reused` already.
    fn begin(&self, total: usize, reused: usize);
    /// Counts `cells` more cells as done.
    fn advance(&self, cells: usize);
}

/// Observer that does nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _total: usize, _reused: usize) {}
    fn advance(&self, _cells: usize) {}
}

/// Counts and failures of an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// Cells of the plan, or of its shard.
    pub total: usize,
    /// Cells that the store had already.
    pub reused: usize,
    /// Cells that were run and have a result now.
    pub run: usize,
    /// Cells that were run and failed, in the order of the plan. Another execution retries them.
    pub failures: Vec<Failure>,
}

/// The reason that a sweep stopped.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// The preparation for all cells failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Threads that could not be started.
    #[error("the threads could not be started: {reason}; ask for fewer with --threads")]
    Threads {
        /// Reason that the system gave.
        reason: String,
    },
}

/// Runs the cells of `plan` that `store` lacks.
///
/// # Errors
/// [`ExecuteError`] where no cell can be run, or none can be stored; what was finished before is
/// committed. Cells that fail one by one are no error: [`Executed::failures`] lists them.
pub fn execute(
    plan: &Plan<'_>,
    store: &mut Store,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Executed, ExecuteError> {
    let all: Vec<usize> = (0..plan.len()).collect();
    execute_cells(plan, &all, store, options, progress)
}

/// Runs those of `cells`, ascending indices into `plan`, that `store` lacks.
///
/// # Errors
/// As [`execute`].
pub fn execute_cells(
    plan: &Plan<'_>,
    cells: &[usize],
    store: &mut Store,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Executed, ExecuteError> {
    let in_shard = |index: &&usize| options.shard.is_none_or(|shard| shard.holds(**index));
    let all: Vec<usize> = cells.iter().filter(in_shard).copied().collect();
    let total = all.len();
    let pending: Vec<usize> =
        all.into_iter().filter(|index| !store.has(&plan.identities()[*index])).collect();
    let reused = total - pending.len();
    progress.begin(total, reused);
    info!(total, reused, "cells planned");
    if pending.is_empty() {
        return Ok(Executed { total, reused, run: 0, failures: Vec::new() });
    }
    let failures = options.in_pool(|| run(plan, store, &pending, progress))??;
    let run = pending.len() - failures.len();
    info!(cells = run, failed = failures.len(), "cells run");
    Ok(Executed { total, reused, run, failures })
}

/// Runs every cell of `plan` without a store. The values are those that a store would give back.
///
/// # Errors
/// [`RunError`] where no cell can be run. Cells that fail one by one are no error: the results list them.
pub fn in_memory<'p>(plan: &'p Plan<'p>) -> Result<Results<'p>, RunError> {
    let all: Vec<usize> = (0..plan.len()).collect();
    let prepared = plan.runner().prepare(plan, &all)?;
    let job = Job { plan, prepared: prepared.as_ref(), stop: AtomicBool::new(false) };
    let given: Vec<Result<CellResult, RunError>> =
        all.par_iter().with_max_len(1).map(|index| job.run_cell(*index)).collect();
    let mut cells = Vec::with_capacity(given.len());
    let mut failures = Vec::new();
    for (cell, result) in given.into_iter().enumerate() {
        match result {
            Ok(result) => cells.push(Some(result)),
            Err(error) => {
                failures.push(Failure { cell, reason: error.to_string().into() });
                cells.push(None);
            }
        }
    }
    Ok(Results::new(plan, cells, failures))
}

fn run(
    plan: &Plan<'_>,
    store: &mut Store,
    pending: &[usize],
    progress: &dyn Progress,
) -> Result<Vec<Failure>, ExecuteError> {
    let prepared = plan.runner().prepare(plan, pending)?;
    debug!(runner = %plan.spec().name, "prepared");
    let job = Job { plan, prepared: prepared.as_ref(), stop: AtomicBool::new(false) };
    let threads = rayon::current_num_threads();
    let mut writer = Writer::new(plan, store, progress);
    if threads == 1 {
        run_alone(&job, &mut writer, pending)?;
        return Ok(writer.into_failures());
    }
    // Few cells are spread evenly; many are taken a batch at a time.
    let chunk = (pending.len() / (threads * 8)).clamp(1, BATCH);
    let (sender, receiver) = bounded(4 * threads);
    std::thread::scope(|scope| {
        let written = scope.spawn(|| writer.write_all(receiver));
        pending
            .par_chunks(chunk)
            // Cells differ in length: a thread that is done takes any chunk that is not begun.
            .with_max_len(1)
            .for_each_with(sender, |sender, cells| job.run_chunk(cells, sender));
        // The sender is gone with the iterator: the writer comes to its end.
        match written.join() {
            Ok(written) => written,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })?;
    Ok(writer.into_failures())
}

fn run_alone(job: &Job<'_>, writer: &mut Writer<'_>, pending: &[usize]) -> Result<(), StoreError> {
    let mut batch = Vec::with_capacity(BATCH);
    let mut last = now();
    for &index in pending {
        batch.push((index, job.run_cell(index)));
        if batch.len() == BATCH || last.elapsed() > HAND_OVER {
            writer.add(std::mem::take(&mut batch))?;
            last = now();
        }
    }
    writer.add(batch)?;
    writer.commit()
}

/// Cells with what they gave, or with why they gave nothing.
type Batch = Vec<(usize, Result<CellResult, RunError>)>;

/// State that the workers share.
struct Job<'j> {
    plan: &'j Plan<'j>,
    prepared: &'j (dyn Prepared + 'j),
    stop: AtomicBool,
}

impl Job<'_> {
    fn run_cell(&self, index: usize) -> Result<CellResult, RunError> {
        let cell = &self.plan.cells()[index];
        let mut result = self.prepared.run(cell)?;
        let spec = self.plan.spec();
        let tasks = self.plan.scenario(cell).tasks.len();
        match result.check(spec, tasks, self.plan.platform(cell).accelerators.len()) {
            Ok(()) => Ok(result),
            Err(reason) => Err(RunError::BadResult { runner: spec.name.clone().into_owned(), reason }),
        }
    }

    fn run_chunk(&self, cells: &[usize], sender: &Sender<Batch>) {
        let mut batch = Vec::with_capacity(cells.len());
        let mut last = now();
        for &index in cells {
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            batch.push((index, self.run_cell(index)));
            if last.elapsed() > HAND_OVER {
                self.hand_over(std::mem::take(&mut batch), sender);
                last = now();
            }
        }
        self.hand_over(batch, sender);
    }

    /// Gives a batch to the writer; if it is gone it has failed, and says why itself.
    fn hand_over(&self, batch: Batch, sender: &Sender<Batch>) {
        if !batch.is_empty() && sender.send(batch).is_err() {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

/// Stores batches and commits now and then.
struct Writer<'w> {
    plan: &'w Plan<'w>,
    store: &'w mut Store,
    progress: &'w dyn Progress,
    last_commit: Instant,
    failures: Vec<Failure>,
    /// The texts of the failures, each once: a platform that cannot run fails thousands of cells.
    reasons: BTreeSet<Arc<str>>,
}

impl<'w> Writer<'w> {
    fn new(plan: &'w Plan<'w>, store: &'w mut Store, progress: &'w dyn Progress) -> Self {
        Self { plan, store, progress, last_commit: now(), failures: Vec::new(), reasons: BTreeSet::new() }
    }

    fn add(&mut self, batch: Batch) -> Result<(), StoreError> {
        let cells = batch.len();
        if cells == 0 {
            return Ok(());
        }
        let known = self.failures.len();
        let mut finished = Vec::with_capacity(cells);
        for (index, result) in batch {
            match result {
                Ok(result) => finished.push((index, result)),
                Err(error) => self.note(index, &error),
            }
        }
        self.store.write(self.plan, &finished)?;
        self.store.write_failures(self.plan, &self.failures[known..])?;
        self.progress.advance(cells);
        if self.last_commit.elapsed() > COMMIT {
            self.commit()?;
        }
        Ok(())
    }

    fn note(&mut self, cell: usize, error: &RunError) {
        let text = error.to_string();
        let known = self.reasons.get(text.as_str()).cloned();
        let reason = known.unwrap_or_else(|| {
            let reason: Arc<str> = text.into();
            self.reasons.insert(Arc::clone(&reason));
            reason
        });
        debug!(cell, %reason, "cell failed");
        self.failures.push(Failure { cell, reason });
    }

    /// The failures in the order of the plan, whichever came first.
    fn into_failures(mut self) -> Vec<Failure> {
        self.failures.sort_unstable_by_key(|failure| failure.cell);
        self.failures
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.last_commit = now();
        self.store.commit()
    }

    fn write_all(&mut self, batches: Receiver<Batch>) -> Result<(), StoreError> {
        loop {
            match batches.recv_timeout(COMMIT) {
                Ok(batch) => self.add(batch)?,
                Err(RecvTimeoutError::Timeout) => self.commit()?,
                Err(RecvTimeoutError::Disconnected) => return self.commit(),
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "when batches are handed over decides no result")]
fn now() -> Instant {
    Instant::now()
}
