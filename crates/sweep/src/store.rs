//! The store: a SQLite file that keeps every finished cell.
//!
//! A cell is complete when the transaction that holds it is committed; nothing committed is ever
//! run again. One connection writes, in few big transactions. While a process works on a store it
//! holds it exclusively; at rest the store is one plain file that any SQLite tool reads:
//!
//! - `cells`: a row a cell: number, identity, axes, cell columns;
//! - `tasks`: a row a cell and task, keyed by both: task columns;
//! - `accelerators`: a row a cell and accelerator, keyed by both: accelerator columns;
//! - `results`: a view that joins cells and tasks;
//! - `series`: a row a point of a series over simulated time, keyed by cell and position;
//! - `failed_cells` and `failure_reasons`: a row a cell that was run and failed, with its identity, and a row a reason;
//! - `failures`: a view that joins the two;
//! - `columns` and `meta`: what the columns mean, and which runner filled them.
//!
//! Cost: a few microseconds a cell with its tasks, and about half of that to read it back. No index
//! on identities: they are read once on opening, and the exclusive lock keeps others from writing.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration as WallDuration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row, Statement};
use thiserror::Error;
use tracing::{debug, info};

use crate::axes::COLUMNS;
use crate::plan::{CellIdentity, Plan};
use crate::results::{ACCELERATOR, Failure, Results, TASK, axis_values};
use crate::runner::{CellResult, Column, ColumnKind, RunnerSpec, SeriesPoint, Value};

/// The version of the store's own tables, in SQLite's `user_version`.
pub const STORE_VERSION: i64 = 3;

/// Marks the file as a store of this program, in SQLite's `application_id`: "rtms".
pub const APPLICATION_ID: i64 = 0x7274_6D73;

/// The time to wait for another process that holds a lock on the store.
const BUSY_TIMEOUT: WallDuration = WallDuration::from_millis(200);

/// Why a store cannot be used.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file cannot be opened or created.
    #[error("the store {} cannot be opened: {reason}; check the path and the permissions", .path.display())]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// Reason that the system gave.
        reason: String,
    },
    /// The file is something else.
    #[error(
        "{} is not a result store, or its beginning is damaged; choose another output directory, or move the \
         file away", .path.display()
    )]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// Another version of the program wrote the store.
    #[error(
        "the store {} is of version {found}, this program reads version {expected}; use the program that \
         wrote it, or choose another output directory and run again", .path.display()
    )]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// [`STORE_VERSION`].
        expected: i64,
    },
    /// The store is of another runner or of other columns.
    #[error(
        "the store {} belongs to another sweep: {difference}; choose another output directory, or delete \
         the store to run everything again", .path.display()
    )]
    OtherSweep {
        /// The file.
        path: PathBuf,
        /// Part that differs.
        difference: String,
    },
    /// The file is damaged.
    #[error(
        "the store {} is damaged ({reason}); restore it from a backup, or delete it to run everything again",
        .path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Content that was found.
        reason: String,
    },
    /// Another process works on the store.
    #[error(
        "the store {} is in use by another process; wait for it, or choose another output directory",
        .path.display()
    )]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The disk is full.
    #[error(
        "no space is left for the store {}; free some and start the sweep again: it goes on where it stopped",
        .path.display()
    )]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// Cells of the plan are not in the store.
    #[error(
        "the store {} lacks {missing} of {total} cells; run the sweep again to compute them", .path.display()
    )]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// Number of cells that it lacks.
        missing: usize,
        /// Number of cells of the plan.
        total: usize,
    },
    /// Anything else that SQLite refuses.
    #[error("the store {} failed: {reason}", .path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// Reason that SQLite gave.
        reason: String,
    },
}

/// An open store.
pub struct Store {
    path: PathBuf,
    connection: Connection,
    sql: Statements,
    /// Identities of all cells that were found or written.
    known: BTreeSet<CellIdentity>,
    next_cell: i64,
    in_transaction: bool,
}

struct Statements {
    insert_cell: String,
    insert_task: String,
    insert_accelerator: String,
    insert_point: &'static str,
    select_cells: String,
    select_tasks: String,
    select_accelerators: String,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path)
            .field("cells", &self.known.len())
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store at `path` for results of `runner`, or creates it.
    ///
    /// # Errors
    /// [`StoreError`] says what the file is instead, or why it cannot be used.
    pub fn open(path: &Path, runner: &RunnerSpec) -> Result<Self, StoreError> {
        Self::open_with(path, runner, OpenFlags::SQLITE_OPEN_CREATE)
    }

    /// Opens the store at `path`, which must be there.
    ///
    /// # Errors
    /// [`StoreError`] says what the file is instead, or why it cannot be used.
    pub fn open_existing(path: &Path, runner: &RunnerSpec) -> Result<Self, StoreError> {
        Self::open_with(path, runner, OpenFlags::empty())
    }

    fn open_with(path: &Path, runner: &RunnerSpec, flags: OpenFlags) -> Result<Self, StoreError> {
        let flags = flags | OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let failed = |error| explain(path, error);
        match std::fs::metadata(path) {
            // SQLite takes an empty file for a new database: what was lost would be run again without a word.
            Ok(file) if file.is_file() && file.len() == 0 => {
                let reason = "it is empty, as no store is".to_owned();
                return Err(StoreError::Corrupt { path: path.to_owned(), reason });
            }
            Err(_) if flags.contains(OpenFlags::SQLITE_OPEN_CREATE) => {
                create_whole(path, runner).map_err(failed)?;
            }
            _ => {}
        }
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        let sql = Statements::new(runner);
        let is_new = recognise(&connection, path)?;
        if !is_new {
            check_sound(&connection, path)?;
            check_sweep(&connection, path, runner)?;
        }
        // Until here nothing was written: what is refused stays as it is.
        take(&connection).map_err(failed)?;
        if is_new {
            create(&connection, runner).map_err(failed)?;
        }
        create_failures(&connection).map_err(failed)?;
        // Killing the process needs no synchronisation at all: what was written is with the
        // system, and an unfinished transaction is a tail of the log that the next opening leaves
        // out. NORMAL synchronises at checkpoints, so that a power failure may cost the last
        // transactions but never damages the file; FULL would wait for the disk at every commit.
        connection.pragma_update(None, "synchronous", "NORMAL").map_err(failed)?;
        let mut store = Self {
            path: path.to_owned(),
            connection,
            sql,
            known: BTreeSet::new(),
            next_cell: 1,
            in_transaction: false,
        };
        store.read_identities()?;
        info!(path = %path.display(), cells = store.known.len(), new = is_new, "store open");
        Ok(store)
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of cells of the store, of whatever plans.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// True if the store has no cell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// True if the store has this cell.
    #[must_use]
    pub fn has(&self, identity: &CellIdentity) -> bool {
        self.known.contains(identity)
    }

    /// Adds finished cells, given by their index in `plan`, and leaves out those it has. They are
    /// complete once [`Store::commit`] has returned; on an error, everything that was not
    /// committed is taken back, so that no cell is ever half there.
    ///
    /// # Errors
    /// [`StoreError`] where SQLite refuses, such as for want of space.
    pub fn write(&mut self, plan: &Plan<'_>, batch: &[(usize, CellResult)]) -> Result<(), StoreError> {
        let written = self.write_rows(plan, batch);
        if written.is_err() {
            self.take_back();
        }
        written
    }

    /// Takes back whatever was not committed.
    fn take_back(&mut self) {
        if self.in_transaction {
            // The first error is the one to tell; SQLite may have rolled back by itself.
            let _ = self.connection.execute_batch("ROLLBACK");
            self.in_transaction = false;
            let _ = self.read_identities();
        }
    }

    fn write_rows(&mut self, plan: &Plan<'_>, batch: &[(usize, CellResult)]) -> Result<(), StoreError> {
        let path = &self.path;
        let failed = |error| explain(path, error);
        if !self.in_transaction {
            self.connection.execute_batch("BEGIN IMMEDIATE").map_err(failed)?;
            self.in_transaction = true;
        }
        let mut insert_cell = self.connection.prepare_cached(&self.sql.insert_cell).map_err(failed)?;
        let mut insert_task = self.connection.prepare_cached(&self.sql.insert_task).map_err(failed)?;
        let mut insert_accelerator =
            self.connection.prepare_cached(&self.sql.insert_accelerator).map_err(failed)?;
        let mut insert_point = self.connection.prepare_cached(self.sql.insert_point).map_err(failed)?;
        let spec = plan.spec();
        for (index, result) in batch {
            let cell = &plan.cells()[*index];
            let identity = plan.identities()[*index];
            if !self.known.insert(identity) {
                continue;
            }
            let number = self.next_cell;
            let mut row = Binder { statement: &mut insert_cell, next: 1 };
            row.bind(number).map_err(failed)?;
            row.bind(identity.bytes().as_slice()).map_err(failed)?;
            row.bind(checksum(result)).map_err(failed)?;
            for value in axis_values(plan, cell).iter().chain(&result.cell) {
                row.value(value).map_err(failed)?;
            }
            insert_cell.raw_execute().map_err(failed)?;
            let tasks = plan.scenario(cell).tasks.iter().map(|task| task.name.as_str());
            insert_rows(&mut insert_task, number, tasks, &result.tasks, spec.task_columns.len())
                .map_err(failed)?;
            // Runs without such columns have no rows: their names alone say nothing.
            if !spec.accelerator_columns.is_empty() {
                let accelerators = plan.platform(cell).accelerators.iter().map(|one| one.name.as_str());
                let columns = spec.accelerator_columns.len();
                insert_rows(&mut insert_accelerator, number, accelerators, &result.accelerators, columns)
                    .map_err(failed)?;
            }
            let series = spec.series_columns.iter().zip(&result.series);
            let points = series.flat_map(|(column, points)| points.iter().map(move |point| (column, point)));
            for (position, (column, point)) in points.enumerate() {
                let mut row = Binder { statement: &mut insert_point, next: 1 };
                row.bind(number).map_err(failed)?;
                row.bind(position as i64).map_err(failed)?;
                row.bind(column.name).map_err(failed)?;
                row.bind(point.time_s).map_err(failed)?;
                row.bind(point.value).map_err(failed)?;
                insert_point.raw_execute().map_err(failed)?;
            }
            self.next_cell += 1;
        }
        Ok(())
    }

    /// Notes cells that were run and failed, for those who read the store later, such as a merge; a
    /// result takes the place of a failure. Complete once [`Store::commit`] has returned.
    ///
    /// # Errors
    /// [`StoreError`] where SQLite refuses, such as for want of space; everything that was not
    /// committed is taken back.
    pub fn write_failures(&mut self, plan: &Plan<'_>, failures: &[Failure]) -> Result<(), StoreError> {
        if failures.is_empty() {
            return Ok(());
        }
        let written = self.write_failure_rows(plan, failures);
        if written.is_err() {
            self.take_back();
        }
        written
    }

    fn write_failure_rows(&mut self, plan: &Plan<'_>, failures: &[Failure]) -> Result<(), StoreError> {
        let path = &self.path;
        let failed = |error| explain(path, error);
        if !self.in_transaction {
            self.connection.execute_batch("BEGIN IMMEDIATE").map_err(failed)?;
            self.in_transaction = true;
        }
        // A reason is as long as an error message, and thousands of cells share it.
        let mut note = self
            .connection
            .prepare_cached("INSERT OR IGNORE INTO failure_reasons (reason) VALUES (?)")
            .map_err(failed)?;
        let mut insert = self
            .connection
            .prepare_cached(
                "INSERT OR REPLACE INTO failed_cells
                 SELECT ?, number FROM failure_reasons WHERE reason = ?",
            )
            .map_err(failed)?;
        let mut noted: Option<&Arc<str>> = None;
        for Failure { cell, reason } in failures {
            if noted != Some(reason) {
                note.execute([&**reason]).map_err(failed)?;
                noted = Some(reason);
            }
            let identity = &plan.identities()[*cell];
            insert.execute((identity.bytes().as_slice(), &**reason)).map_err(failed)?;
        }
        Ok(())
    }

    /// The cells of `plan` that failed when they were last run, in the order of the plan.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be read.
    pub fn failures(&self, plan: &Plan<'_>) -> Result<Vec<Failure>, StoreError> {
        let failed = |error| explain(&self.path, error);
        let mut failures = Vec::new();
        let mut reasons: BTreeSet<Arc<str>> = BTreeSet::new();
        let mut statement =
            self.connection.prepare("SELECT identity, reason FROM failures").map_err(failed)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(failed)? {
            let identity = identity_of(row, 0).map_err(failed)?;
            let identity = identity.ok_or_else(|| self.damaged("a bad identity"))?;
            // A cell may have been run elsewhere and merged into this store.
            let Some(cell) = plan.find(&identity).filter(|_| !self.has(&identity)) else { continue };
            let text: String = row.get(1).map_err(failed)?;
            let reason = reasons.get(text.as_str()).cloned().unwrap_or_else(|| text.into());
            reasons.insert(Arc::clone(&reason));
            failures.push(Failure { cell, reason });
        }
        failures.sort_unstable_by_key(|failure| failure.cell);
        Ok(failures)
    }

    /// Makes everything that was written complete.
    ///
    /// # Errors
    /// [`StoreError`] where SQLite refuses, such as for want of space.
    pub fn commit(&mut self) -> Result<(), StoreError> {
        if self.in_transaction {
            self.connection.execute_batch("COMMIT").map_err(|error| explain(&self.path, error))?;
            self.in_transaction = false;
            debug!(cells = self.next_cell - 1, "committed");
        }
        Ok(())
    }

    /// Commits what was written and leaves one plain file.
    ///
    /// # Errors
    /// [`StoreError`] where SQLite refuses, such as for want of space.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.commit()?;
        let failed = |error| explain(&self.path, error);
        // Readers of the file need not compare the two tables.
        self.connection
            .execute_batch(
                "DELETE FROM failed_cells WHERE identity IN (SELECT identity FROM cells);
                 DELETE FROM failure_reasons WHERE number NOT IN (SELECT reason FROM failed_cells)",
            )
            .map_err(failed)?;
        let ignore = |_: &Row<'_>| Ok(());
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], ignore).map_err(failed)?;
        // The log is empty: what follows changes two bytes that say so.
        self.connection.pragma_update(None, "synchronous", "OFF").map_err(failed)?;
        self.connection.pragma_update(None, "journal_mode", "DELETE").map_err(failed)?;
        self.connection.close().map_err(|(_, error)| explain(&self.path, error))
    }

    /// Reads the results of all cells of `plan`, and the failures of those that have none.
    ///
    /// # Errors
    /// [`StoreError::Incomplete`] where cells were not run yet, others where the file cannot be read.
    pub fn results<'p>(&self, plan: &'p Plan<'p>) -> Result<Results<'p>, StoreError> {
        let cells = self.read(plan)?;
        let failures = self.failures(plan)?;
        let total = cells.len();
        let found = cells.iter().filter(|cell| cell.is_some()).count();
        let missing = total.saturating_sub(found + failures.len());
        if missing > 0 {
            return Err(StoreError::Incomplete { path: self.path.clone(), missing, total });
        }
        info!(cells = found, failed = failures.len(), "results read");
        Ok(Results::new(plan, cells, failures))
    }

    /// Reads the results of all cells of `plan` that the store has, whichever they are: the others are missing, as if they
    /// had failed.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be read.
    pub fn results_so_far<'p>(&self, plan: &'p Plan<'p>) -> Result<Results<'p>, StoreError> {
        Ok(Results::new(plan, self.read(plan)?, self.failures(plan)?))
    }

    /// Reads what the store has of `plan`: one entry a cell, in the plan's order.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be read.
    pub fn read(&self, plan: &Plan<'_>) -> Result<Vec<Option<CellResult>>, StoreError> {
        let failed = |error| explain(&self.path, error);
        let damaged = |reason: &str| self.damaged(reason);
        let cell_columns = &plan.spec().cell_columns;
        let mut results: Vec<Option<CellResult>> = vec![None; plan.len()];
        // Which cell of the plan a number of the store stands for.
        let mut indices: Vec<(i64, usize)> = Vec::with_capacity(plan.len().min(self.known.len()));
        let mut checksums: Vec<(usize, i64)> = Vec::with_capacity(indices.capacity());

        let mut statement = self.connection.prepare(&self.sql.select_cells).map_err(failed)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(failed)? {
            let identity = identity_of(row, 1).map_err(failed)?.ok_or_else(|| damaged("a bad identity"))?;
            let Some(index) = plan.find(&identity) else { continue };
            let mut cell = Vec::with_capacity(cell_columns.len());
            read_values(row, 3, cell_columns, &mut cell).map_err(failed)?.map_err(damaged)?;
            results[index] = Some(CellResult { cell, ..CellResult::default() });
            indices.push((row.get(0).map_err(failed)?, index));
            checksums.push((index, row.get(2).map_err(failed)?));
        }

        let spec = plan.spec();
        self.read_rows(&self.sql.select_tasks, &spec.task_columns, &indices, &mut results, |result| {
            &mut result.tasks
        })?;
        let columns = &spec.accelerator_columns;
        self.read_rows(&self.sql.select_accelerators, columns, &indices, &mut results, |result| {
            &mut result.accelerators
        })?;
        self.read_series(plan, &indices, &mut results)?;
        for (index, expected) in checksums {
            let cell = &plan.cells()[index];
            let tasks = plan.scenario(cell).tasks.len() * spec.task_columns.len();
            let accelerators = plan.platform(cell).accelerators.len() * spec.accelerator_columns.len();
            if let Some(result) = &results[index]
                && ((result.tasks.len(), result.accelerators.len()) != (tasks, accelerators)
                    || checksum(result) != expected)
            {
                return Err(damaged("the values of a cell are not those that were written"));
            }
        }
        Ok(results)
    }

    /// Appends the values of the rows that `select` gives to those of their cells; `indices` are the cells' numbers,
    /// ascending, and so are the rows.
    fn read_rows(
        &self,
        select: &str,
        columns: &[Column],
        indices: &[(i64, usize)],
        results: &mut [Option<CellResult>],
        values: fn(&mut CellResult) -> &mut Vec<Value>,
    ) -> Result<(), StoreError> {
        let failed = |error| explain(&self.path, error);
        let mut statement = self.connection.prepare(select).map_err(failed)?;
        let mut rows = statement.raw_query();
        let mut numbers = indices.iter().peekable();
        while let Some(row) = rows.next().map_err(failed)? {
            let number: i64 = row.get(0).map_err(failed)?;
            while numbers.next_if(|(known, _)| *known < number).is_some() {}
            let Some((_, index)) = numbers.peek().filter(|(known, _)| *known == number) else {
                continue;
            };
            if let Some(result) = &mut results[*index] {
                let read = read_values(row, 1, columns, values(result)).map_err(failed)?;
                read.map_err(|reason| self.damaged(reason))?;
            }
        }
        Ok(())
    }

    /// Reads the points of series into the results of cells; `indices` are their numbers, ascending.
    fn read_series(
        &self,
        plan: &Plan<'_>,
        indices: &[(i64, usize)],
        results: &mut [Option<CellResult>],
    ) -> Result<(), StoreError> {
        let columns = &plan.spec().series_columns;
        if columns.is_empty() {
            return Ok(());
        }
        let failed = |error| explain(&self.path, error);
        let select = "SELECT cell, series, time_s, value FROM series ORDER BY cell, position";
        let mut statement = self.connection.prepare(select).map_err(failed)?;
        let mut rows = statement.raw_query();
        let mut numbers = indices.iter().peekable();
        while let Some(row) = rows.next().map_err(failed)? {
            let number: i64 = row.get(0).map_err(failed)?;
            while numbers.next_if(|(known, _)| *known < number).is_some() {}
            let Some((_, index)) = numbers.peek().filter(|(known, _)| *known == number) else { continue };
            let Some(result) = &mut results[*index] else { continue };
            if result.series.is_empty() {
                result.series = vec![Vec::new(); columns.len()];
            }
            let name = row.get_ref(1).map_err(failed)?;
            let position =
                name.as_str().ok().and_then(|name| columns.iter().position(|one| one.name == name));
            let series = position.and_then(|position| result.series.get_mut(position));
            let series = series.ok_or_else(|| self.damaged("a series that the runner does not have"))?;
            series.push(SeriesPoint {
                time_s: row.get(2).map_err(failed)?,
                value: row.get(3).map_err(failed)?,
            });
        }
        Ok(())
    }

    fn read_identities(&mut self) -> Result<(), StoreError> {
        let failed = |error| explain(&self.path, error);
        let mut known = Vec::new();
        let mut last = 0_i64;
        let mut statement =
            self.connection.prepare("SELECT cell, identity FROM cells ORDER BY cell").map_err(failed)?;
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(failed)? {
            let identity = identity_of(row, 1).map_err(failed)?;
            known.push(identity.ok_or_else(|| self.damaged("a bad identity"))?);
            last = row.get(0).map_err(failed)?;
        }
        drop(rows);
        drop(statement);
        self.next_cell = last.saturating_add(1);
        self.known = known.into_iter().collect();
        Ok(())
    }

    fn damaged(&self, reason: &str) -> StoreError {
        StoreError::Corrupt { path: self.path.clone(), reason: reason.to_owned() }
    }

    /// Makes the store refuse to grow, as a full disk does.
    #[cfg(test)]
    pub(crate) fn refuse_to_grow(&self) {
        let pages: i64 = self.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        self.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    }
}

/// Tells stores from other files; says whether this is a new one.
fn recognise(connection: &Connection, path: &Path) -> Result<bool, StoreError> {
    let failed = |error| explain(path, error);
    // Exclusive before the first access: the write-ahead log then needs no shared memory and works
    // on network file systems too, and a second process is told at once.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(failed)?;
    let number = |pragma: &str| -> Result<i64, StoreError> {
        connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0)).map_err(failed)
    };
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    let is_new = tables == 0 && application == 0 && version == 0;
    if !is_new && application != APPLICATION_ID {
        return Err(StoreError::NotAStore { path: path.to_owned() });
    }
    if !is_new && version != STORE_VERSION {
        return Err(StoreError::OtherVersion {
            path: path.to_owned(),
            found: version,
            expected: STORE_VERSION,
        });
    }
    Ok(is_new)
}

/// Takes the store for this process.
fn take(connection: &Connection) -> rusqlite::Result<()> {
    // Switching to the log or creating tables needs no synchronisation: there is nothing to lose.
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // A first write takes the lock, which exclusive mode then keeps.
    connection.execute_batch("BEGIN IMMEDIATE; COMMIT")
}

/// Tables of failed cells. Stores of older programs have none, or one in which each cell repeats its reason.
fn create_failures(connection: &Connection) -> rusqlite::Result<()> {
    let is_old: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'failures')",
        [],
        |row| row.get(0),
    )?;
    let moved = if is_old {
        "INSERT OR IGNORE INTO failure_reasons (reason) SELECT reason FROM failures;
         INSERT OR IGNORE INTO failed_cells
             SELECT identity, number FROM failures JOIN failure_reasons USING (reason);
         DROP TABLE failures;"
    } else {
        ""
    };
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE;
         CREATE TABLE IF NOT EXISTS failure_reasons (
             number INTEGER PRIMARY KEY, reason TEXT NOT NULL UNIQUE) STRICT;
         CREATE TABLE IF NOT EXISTS failed_cells (
             identity BLOB PRIMARY KEY, reason INTEGER NOT NULL) STRICT, WITHOUT ROWID;
         {moved}
         CREATE VIEW IF NOT EXISTS failures AS
             SELECT identity, failure_reasons.reason FROM failed_cells
             JOIN failure_reasons ON failed_cells.reason = number;
         COMMIT"
    ))
}

/// Makes a new store under a temporary name, and gives it its own once its tables are there: a process that is killed leaves no
/// empty store. Another process that is faster keeps its store.
fn create_whole(path: &Path, runner: &RunnerSpec) -> rusqlite::Result<()> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let new = path.with_added_extension(format!("new-{}-{number}", std::process::id()));
    let made = Connection::open(&new).and_then(|connection| {
        // Nothing of it counts before it has its name.
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.pragma_update(None, "journal_mode", "OFF")?;
        create(&connection, runner)?;
        create_failures(&connection)?;
        connection.close().map_err(|(_, error)| error)
    });
    if made.is_ok() && std::fs::hard_link(&new, path).is_err() && !path.exists() {
        // No links here; the opening that follows says what else is wrong.
        let _ = std::fs::rename(&new, path);
    }
    let _ = std::fs::remove_file(&new);
    made
}

fn create(connection: &Connection, runner: &RunnerSpec) -> rusqlite::Result<()> {
    let columns = |columns: &[Column]| {
        columns.iter().fold(String::new(), |mut text, column| {
            let _ = write!(text, ", {} {}", quoted(column.name), sql_type(column.kind));
            text
        })
    };
    let names = |prefix: &str, columns: &[Column]| {
        columns.iter().fold(String::new(), |mut text, column| {
            let _ = write!(text, ", {prefix}.{}", quoted(column.name));
            text
        })
    };
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE;
         CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
         CREATE TABLE columns (
             position INTEGER PRIMARY KEY, of TEXT NOT NULL, name TEXT NOT NULL, unit TEXT NOT NULL,
             kind TEXT NOT NULL, meaning TEXT NOT NULL) STRICT;
         CREATE TABLE cells (
             cell INTEGER PRIMARY KEY, identity BLOB NOT NULL, checksum INTEGER NOT NULL{axes}{cells}) STRICT;
         CREATE TABLE tasks (
             cell INTEGER NOT NULL, task_index INTEGER NOT NULL, task TEXT NOT NULL{tasks},
             PRIMARY KEY (cell, task_index)) STRICT, WITHOUT ROWID;
         CREATE TABLE accelerators (
             cell INTEGER NOT NULL, accelerator_index INTEGER NOT NULL, accelerator TEXT NOT NULL{accelerators},
             PRIMARY KEY (cell, accelerator_index)) STRICT, WITHOUT ROWID;
         CREATE TABLE series (
             cell INTEGER NOT NULL, position INTEGER NOT NULL, series TEXT NOT NULL, time_s REAL NOT NULL,
             value REAL, PRIMARY KEY (cell, position)) STRICT, WITHOUT ROWID;
         CREATE VIEW results AS SELECT cells.cell{axis_names}{cell_names}, tasks.task{task_names}
             FROM cells JOIN tasks USING (cell);
         PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {STORE_VERSION};",
        axes = columns(COLUMNS),
        cells = columns(&runner.cell_columns),
        tasks = columns(&runner.task_columns),
        accelerators = columns(&runner.accelerator_columns),
        axis_names = names("cells", COLUMNS),
        cell_names = names("cells", &runner.cell_columns),
        task_names = names("tasks", &runner.task_columns),
    ))?;
    let mut meta = connection.prepare("INSERT INTO meta VALUES (?, ?)")?;
    meta.execute(("runner", &*runner.name))?;
    meta.execute(("program_version", env!("CARGO_PKG_VERSION")))?;
    let mut insert = connection.prepare("INSERT INTO columns VALUES (NULL, ?, ?, ?, ?, ?)")?;
    for (of, column) in described_columns(runner) {
        insert.execute((of, column.name, column.unit, sql_type(column.kind), column.meaning))?;
    }
    connection.execute_batch("COMMIT")
}

/// Every column of the store with what it describes, in their order.
fn described_columns(runner: &RunnerSpec) -> Vec<(&'static str, Column)> {
    let axes = COLUMNS.iter().map(|column| ("axis", *column));
    let cells = runner.cell_columns.iter().map(|column| ("cell", *column));
    let tasks = runner.task_columns.iter().map(|column| ("task", *column));
    let accelerators = runner.accelerator_columns.iter().map(|column| ("accelerator", *column));
    let names = (!runner.accelerator_columns.is_empty()).then_some(("axis", ACCELERATOR));
    let accelerators = names.into_iter().chain(accelerators);
    let series = runner.series_columns.iter().map(|series| ("series", series.column()));
    axes.chain(cells).chain([("axis", TASK)]).chain(tasks).chain(accelerators).chain(series).collect()
}

/// Looks for damage that reading a few rows would not show.
fn check_sound(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let page: i64 = connection
        .query_row("PRAGMA page_size", [], |row| row.get(0))
        .map_err(|error| explain(path, error))?;
    let length = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    if page > 0 && !length.is_multiple_of(page.unsigned_abs()) {
        let reason = "its end is missing".to_owned();
        return Err(StoreError::Corrupt { path: path.to_owned(), reason });
    }
    let verdict: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| explain(path, error))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(StoreError::Corrupt { path: path.to_owned(), reason: verdict.replace('\n', " ") })
}

/// Holds the store to the runner and its columns.
fn check_sweep(connection: &Connection, path: &Path, runner: &RunnerSpec) -> Result<(), StoreError> {
    let failed = |error| explain(path, error);
    let other = |difference| StoreError::OtherSweep { path: path.to_owned(), difference };
    let found: String = connection
        .query_row("SELECT value FROM meta WHERE key = 'runner'", [], |row| row.get(0))
        .map_err(failed)?;
    if found != runner.name {
        return Err(other(format!(
            "its results are of the runner `{found}`, this sweep's runner is `{}`",
            runner.name
        )));
    }
    let mut statement =
        connection.prepare("SELECT of, name, kind FROM columns ORDER BY position").map_err(failed)?;
    let stored: Vec<(String, String, String)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .and_then(Iterator::collect)
        .map_err(failed)?;
    let expected = described_columns(runner);
    let same = |(stored, expected): (&(String, String, String), &(&str, Column))| {
        stored.0 == expected.0 && stored.1 == expected.1.name && stored.2 == sql_type(expected.1.kind)
    };
    if stored.len() == expected.len() && stored.iter().zip(&expected).all(same) {
        return Ok(());
    }
    // A series may have the name of a column.
    let lacks = expected
        .iter()
        .find(|(of, column)| !stored.iter().any(|(known, name, _)| name == column.name && known == of));
    let extra = stored
        .iter()
        .find(|(of, name, _)| !expected.iter().any(|(known, column)| column.name == name && known == of));
    Err(other(match (lacks, extra) {
        (Some((_, column)), _) => format!("it has no column `{}`", column.name),
        (None, Some((_, name, _))) => format!("it has a column `{name}` that the runner no longer gives"),
        (None, None) => "its columns are in another order or of another kind".to_owned(),
    }))
}

impl Statements {
    fn new(runner: &RunnerSpec) -> Self {
        let marks = |count: usize| vec!["?"; count].join(", ");
        let names = |columns: &[Column]| {
            columns.iter().fold(String::new(), |mut text, column| {
                let _ = write!(text, ", {}", quoted(column.name));
                text
            })
        };
        let (cells, tasks) = (&runner.cell_columns, &runner.task_columns);
        let accelerators = &runner.accelerator_columns;
        Self {
            insert_cell: format!("INSERT INTO cells VALUES ({})", marks(3 + COLUMNS.len() + cells.len())),
            insert_task: format!("INSERT INTO tasks VALUES ({})", marks(3 + tasks.len())),
            insert_accelerator: format!(
                "INSERT INTO accelerators VALUES ({})",
                marks(3 + accelerators.len())
            ),
            insert_point: "INSERT INTO series VALUES (?, ?, ?, ?, ?)",
            select_cells: format!("SELECT cell, identity, checksum{} FROM cells ORDER BY cell", names(cells)),
            select_tasks: format!("SELECT cell{} FROM tasks ORDER BY cell, task_index", names(tasks)),
            select_accelerators: format!(
                "SELECT cell{} FROM accelerators ORDER BY cell, accelerator_index",
                names(accelerators)
            ),
        }
    }
}

/// Binds the values of a row one after the other.
struct Binder<'s, 'c> {
    statement: &'s mut Statement<'c>,
    next: usize,
}

impl Binder<'_, '_> {
    fn bind(&mut self, value: impl rusqlite::ToSql) -> rusqlite::Result<()> {
        let position = self.next;
        self.next += 1;
        self.statement.raw_bind_parameter(position, value)
    }

    fn value(&mut self, value: &Value) -> rusqlite::Result<()> {
        match value {
            Value::Missing => self.bind(rusqlite::types::Null),
            Value::Integer(value) => self.bind(value),
            Value::Real(value) => self.bind(value),
            Value::Boolean(value) => self.bind(value),
            Value::Text(value) => self.bind(&**value),
        }
    }
}

/// Inserts a row of so many values for each of some parts of a cell, which stand in the order of their names.
fn insert_rows<'n>(
    statement: &mut Statement<'_>,
    cell: i64,
    names: impl Iterator<Item = &'n str>,
    values: &[Value],
    columns: usize,
) -> rusqlite::Result<()> {
    for (position, name) in names.enumerate() {
        let mut row = Binder { statement: &mut *statement, next: 1 };
        row.bind(cell)?;
        row.bind(position as i64)?;
        row.bind(name)?;
        for value in &values[position * columns..][..columns] {
            row.value(value)?;
        }
        statement.raw_execute()?;
    }
    Ok(())
}

fn identity_of(row: &Row<'_>, position: usize) -> rusqlite::Result<Option<CellIdentity>> {
    Ok(match row.get_ref(position)? {
        ValueRef::Blob(bytes) => bytes.try_into().ok().map(CellIdentity),
        _ => None,
    })
}

/// Appends the values of `columns`, which stand in the row from position `first` on.
fn read_values(
    row: &Row<'_>,
    first: usize,
    columns: &[Column],
    values: &mut Vec<Value>,
) -> rusqlite::Result<Result<(), &'static str>> {
    for (position, column) in columns.iter().enumerate() {
        values.push(match (row.get_ref(first + position)?, column.kind) {
            (ValueRef::Null, _) => Value::Missing,
            (ValueRef::Integer(value), ColumnKind::Integer) => Value::Integer(value),
            (ValueRef::Real(value), ColumnKind::Real) => Value::Real(value),
            (ValueRef::Integer(value @ (0 | 1)), ColumnKind::Boolean) => Value::Boolean(value == 1),
            (ValueRef::Text(text), ColumnKind::Text) => match std::str::from_utf8(text) {
                Ok(text) => Value::Text(text.into()),
                Err(_) => return Ok(Err("a text is not UTF-8")),
            },
            _ => return Ok(Err("a value is of another kind than its column")),
        });
    }
    Ok(Ok(()))
}

/// A number that changes with any value of a result. It finds damage, and hand-made changes.
fn checksum(result: &CellResult) -> i64 {
    let mix = |sum: u64, word: u64| {
        let mixed = (sum ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed ^ (mixed >> 29)
    };
    let values = result.cell.iter().chain(&result.tasks).chain(&result.accelerators);
    let sum = values.fold(0, |sum, value| match value {
        Value::Missing => mix(sum, 1),
        Value::Integer(value) => mix(mix(sum, 2), *value as u64),
        Value::Real(value) => mix(mix(sum, 3), value.to_bits()),
        Value::Boolean(value) => mix(mix(sum, 7), u64::from(*value)),
        Value::Text(value) => value.bytes().fold(mix(sum, 4), |sum, byte| mix(sum, u64::from(byte))),
    });
    let sum = result.series.iter().fold(sum, |sum, points| {
        points.iter().fold(mix(sum, 5), |sum, point| {
            let sum = mix(mix(sum, 6), point.time_s.to_bits());
            point.value.map_or(mix(sum, 1), |value| mix(mix(sum, 3), value.to_bits()))
        })
    });
    sum as i64
}

const fn sql_type(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::Integer | ColumnKind::Boolean => "INTEGER",
        ColumnKind::Real => "REAL",
        ColumnKind::Text => "TEXT",
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The meaning of an error of SQLite for the owner of the file.
fn explain(path: &Path, error: rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    let reason = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked { path },
        Some(ErrorCode::DiskFull) => StoreError::Full { path },
        Some(ErrorCode::NotADatabase) => StoreError::NotAStore { path },
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Corrupt { path, reason },
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            StoreError::CannotOpen { path, reason }
        }
        _ => StoreError::Failed { path, reason },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::{ExecuteError, Options, Silent, execute};
    use crate::runner::CellRunner;
    use crate::synthetic_runner::{Synthetic, axes};

    #[test]
    fn a_full_disk_keeps_what_was_committed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.sqlite");
        let runner = Synthetic::default();
        let plan = Plan::new(&runner, axes(3, 4, 30)).unwrap();
        for threads in [1, 3] {
            let mut store = Store::open(&path, runner.spec()).unwrap();
            let before = store.len();
            let some: Vec<usize> = (0..plan.len()).filter(|index| index % 7 == threads).collect();
            for index in some.iter().copied() {
                let tasks = plan.scenario(&plan.cells()[index]).tasks.len();
                let result = CellResult {
                    cell: vec![Value::Missing; 3],
                    tasks: vec![Value::Missing; tasks * 7],
                    accelerators: vec![Value::Missing; 2],
                    series: Vec::new(),
                };
                store.write(&plan, &[(index, result)]).unwrap();
            }
            store.commit().unwrap();
            store.refuse_to_grow();
            let options = Options { threads: Some(threads), shard: None };
            let error = execute(&plan, &mut store, &options, &Silent).unwrap_err();
            assert!(matches!(error, ExecuteError::Store(StoreError::Full { .. })), "{error}");
            assert_eq!(store.len(), before + some.len());
            drop(store);
        }
        let mut store = Store::open(&path, runner.spec()).unwrap();
        let reused = store.len();
        let executed = execute(&plan, &mut store, &Options::default(), &Silent).unwrap();
        assert_eq!(executed.reused, reused);
        assert_eq!(store.results(&plan).unwrap().cells().len(), plan.len());
    }
}
