//! The interface between sweeps and simulators: a [`CellRunner`] runs cells, a sweep plans, stores and summarises
//! them.
//!
//! A runner is a description and an act. The [`RunnerSpec`] is data: sweep files, plans, stores, listings and
//! documentation read it. The act is [`CellRunner::prepare`] and [`Prepared::run`]; nothing here knows how a cell
//! is simulated.
//!
//! What must stay true: [`Prepared::run`] is pure. The same cell gives the same values on any thread, in any order,
//! on any machine. [`RunnerSpec::result_version`] rises whenever one of these values changes, so that stored results
//! of an older program are never taken for those of a newer one.

mod chosen;
mod error;
mod faults;
mod policy;
mod result;
mod spec;

pub use rtmm_workload::parameters::{
    Allowed, Assignment, Parameter, ParameterError, ParameterValue, Parameters, Schema,
};

pub use self::chosen::Chosen;
pub use self::error::RunError;
pub use self::policy::{Policy, PolicySchema, Rule, short_names};
pub use self::result::{CellResult, SeriesPoint};
pub use self::spec::RunnerSpec;
pub use crate::columns::{Better, Column, ColumnKind, SeriesColumn, Value};
use crate::plan::{Cell, Plan};

/// A runner of the cells of a sweep.
pub trait CellRunner: Send + Sync {
    /// The description of the runner; always the same.
    fn spec(&self) -> &RunnerSpec;

    /// Prepares what many cells share, such as cost tables, for the cells of the plan with the indices `pending`
    /// (ascending, at least one). Called inside the sweep's thread pool.
    ///
    /// What cannot be prepared for some of the cells fails in their own run, not here: the others still have
    /// results.
    ///
    /// # Errors
    /// [`RunError`] where no cell at all can be run; it stops the sweep.
    fn prepare<'p>(
        &'p self,
        plan: &'p Plan<'_>,
        pending: &[usize],
    ) -> Result<Box<dyn Prepared + 'p>, RunError>;
}

/// A runner with all that it has prepared for the cells of one plan.
pub trait Prepared: Sync {
    /// Runs one cell. Pure, also in its errors: they are part of the outputs.
    ///
    /// # Errors
    /// [`RunError`] leaves the cell without a result; the other cells run nevertheless.
    fn run(&self, cell: &Cell) -> Result<CellResult, RunError>;
}

/// The runner of a name.
#[must_use]
pub fn find<'r>(runners: &[&'r dyn CellRunner], name: &str) -> Option<&'r dyn CellRunner> {
    runners.iter().find(|runner| runner.spec().name == name).copied()
}
