//! Execution: runs the cells that the store lacks, in parallel, and stores them as they finish.
//!
//! Workers take runs of neighbouring cells, which share their inputs, and hand finished cells over
//! in batches: a cell may take ten microseconds, and one hand-over a cell would cost as much. One
//! thread writes; with a single thread the worker itself does, so that `threads = 1` is one.
//!
//! The first error stops the sweep. What was finished until then is committed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration as WallDuration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use rayon::prelude::*;
use thiserror::Error;
use tracing::{debug, info};

use crate::plan::Plan;
use crate::runner::{CellResult, Prepared, RunError};
use crate::shard::Shard;
use crate::store::{Store, StoreError};

/// The most cells of one hand-over.
const BATCH: usize = 64;
/// Cells wait no longer than this for the rest of their batch.
const HAND_OVER: WallDuration = WallDuration::from_millis(20);
/// Written cells wait no longer than this for their commit: a kill costs what was finished in it.
const COMMIT: WallDuration = WallDuration::from_millis(20);

/// How to run a sweep.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// How many threads run cells; `None` for as many as the machine has.
    pub threads: Option<usize>,
    /// Which part of the sweep to run; `None` for all of it.
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

/// Hears how far a sweep is. Called from the thread that writes.
pub trait Progress: Sync {
    /// The sweep begins: `total` cells, of which the store has `reused` already.
    fn begin(&self, total: usize, reused: usize);
    /// `cells` more cells are done.
    fn advance(&self, cells: usize);
}

/// Says nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _total: usize, _reused: usize) {}
    fn advance(&self, _cells: usize) {}
}

/// What an execution did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Executed {
    /// Cells of the plan, or of its shard.
    pub total: usize,
    /// Cells that the store had already.
    pub reused: usize,
    /// Cells that were run.
    pub run: usize,
}

/// Why a sweep stopped.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ExecuteError {
    /// A cell, or the preparation for all of them, failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No threads could be had.
    #[error("the threads could not be started: {reason}; ask for fewer with --threads")]
    Threads {
        /// What the system said.
        reason: String,
    },
}

/// Runs the cells of `plan` that `store` lacks.
///
/// # Errors
/// The first failure; what was finished before it is committed.
pub fn execute(
    plan: &Plan<'_>,
    store: &mut Store,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Executed, ExecuteError> {
    let in_shard = |index: &usize| options.shard.is_none_or(|shard| shard.holds(*index));
    let all: Vec<usize> = (0..plan.len()).filter(in_shard).collect();
    let total = all.len();
    let pending: Vec<usize> =
        all.into_iter().filter(|index| !store.has(&plan.identities()[*index])).collect();
    let reused = total - pending.len();
    progress.begin(total, reused);
    info!(total, reused, "cells planned");
    if pending.is_empty() {
        return Ok(Executed { total, reused, run: 0 });
    }
    options.in_pool(|| run(plan, store, &pending, progress))??;
    info!(cells = pending.len(), "cells run");
    Ok(Executed { total, reused, run: pending.len() })
}

fn run(
    plan: &Plan<'_>,
    store: &mut Store,
    pending: &[usize],
    progress: &dyn Progress,
) -> Result<(), ExecuteError> {
    let prepared = plan.runner().prepare(plan, pending)?;
    debug!(runner = plan.runner().name(), "prepared");
    let job = Job { plan, prepared: prepared.as_ref(), stop: AtomicBool::new(false) };
    let threads = rayon::current_num_threads();
    if threads == 1 {
        return run_alone(&job, store, pending, progress);
    }
    // Few cells are spread evenly; many are taken a batch at a time.
    let chunk = (pending.len() / (threads * 8)).clamp(1, BATCH);
    let (sender, receiver) = bounded(4 * threads);
    let mut writer = Writer::new(plan, store, progress);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| writer.write_all(receiver));
        let ran = pending
            .par_chunks(chunk)
            // Cells differ in length: a thread that is done takes any chunk that is not begun.
            .with_max_len(1)
            .map_with(sender, |sender, cells| job.run_chunk(cells, sender))
            .reduce(|| Ok(()), first_error);
        // The sender is gone with the iterator: the writer comes to its end.
        let written = match writer.join() {
            Ok(written) => written,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        written?;
        ran.map_err(|(_, error)| error.into())
    })
}

fn run_alone(
    job: &Job<'_>,
    store: &mut Store,
    pending: &[usize],
    progress: &dyn Progress,
) -> Result<(), ExecuteError> {
    let mut writer = Writer::new(job.plan, store, progress);
    let mut batch = Vec::with_capacity(BATCH);
    let mut ran = Ok(());
    let mut last = now();
    for &index in pending {
        match job.run_cell(index) {
            Ok(result) => batch.push((index, result)),
            Err(error) => {
                ran = Err(error);
                break;
            }
        }
        if batch.len() == BATCH || last.elapsed() > HAND_OVER {
            writer.add(&batch)?;
            batch.clear();
            last = now();
        }
    }
    writer.add(&batch)?;
    writer.commit()?;
    Ok(ran?)
}

/// The error of the lower cell wins, whichever came first.
fn first_error(
    left: Result<(), (usize, RunError)>,
    right: Result<(), (usize, RunError)>,
) -> Result<(), (usize, RunError)> {
    match (left, right) {
        (Err(left), Err(right)) => Err(if left.0 <= right.0 { left } else { right }),
        (Err(error), Ok(())) | (Ok(()), Err(error)) => Err(error),
        (Ok(()), Ok(())) => Ok(()),
    }
}

type Batch = Vec<(usize, CellResult)>;

/// What the workers share.
struct Job<'j> {
    plan: &'j Plan<'j>,
    prepared: &'j (dyn Prepared + 'j),
    stop: AtomicBool,
}

impl Job<'_> {
    fn run_cell(&self, index: usize) -> Result<CellResult, RunError> {
        let cell = &self.plan.cells()[index];
        let mut result = self.prepared.run(cell)?;
        let runner = self.plan.runner();
        match result.check(runner, self.plan.scenario(cell).tasks.len()) {
            Ok(()) => Ok(result),
            Err(reason) => {
                Err(RunError::BadResult { runner: runner.name(), cell: self.plan.describe(cell), reason })
            }
        }
    }

    fn run_chunk(&self, cells: &[usize], sender: &Sender<Batch>) -> Result<(), (usize, RunError)> {
        let mut batch = Vec::with_capacity(cells.len());
        let mut last = now();
        let mut ran = Ok(());
        for &index in cells {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            match self.run_cell(index) {
                Ok(result) => batch.push((index, result)),
                Err(error) => {
                    self.stop.store(true, Ordering::Relaxed);
                    ran = Err((index, error));
                    break;
                }
            }
            if last.elapsed() > HAND_OVER {
                self.hand_over(std::mem::take(&mut batch), sender);
                last = now();
            }
        }
        self.hand_over(batch, sender);
        ran
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
}

impl<'w> Writer<'w> {
    fn new(plan: &'w Plan<'w>, store: &'w mut Store, progress: &'w dyn Progress) -> Self {
        Self { plan, store, progress, last_commit: now() }
    }

    fn add(&mut self, batch: &[(usize, CellResult)]) -> Result<(), StoreError> {
        if batch.is_empty() {
            return Ok(());
        }
        self.store.write(self.plan, batch)?;
        self.progress.advance(batch.len());
        if self.last_commit.elapsed() > COMMIT {
            self.commit()?;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.last_commit = now();
        self.store.commit()
    }

    fn write_all(&mut self, batches: Receiver<Batch>) -> Result<(), StoreError> {
        loop {
            match batches.recv_timeout(COMMIT) {
                Ok(batch) => self.add(&batch)?,
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
