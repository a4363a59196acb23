//! Sweeps: grids of runs that are planned, executed in parallel, stored, resumed, sharded and
//! summarised.
//!
//! A sweep file names axes; a [`plan`] has every cell of their product in one canonical order,
//! each with the hash of all that determines its result. Cells that the [`store`] has are not run
//! again; the rest runs on all cores. The [`output`] is the same bytes however the work was
//! divided. What a cell is, a [`runner::CellRunner`] knows: this crate simulates nothing.
//!
//! ```
//! use rtmm_sweep::execute::{Options, Silent};
//! use rtmm_sweep::plan::{Cell, Plan};
//! use rtmm_sweep::runner::{
//!     CellResult, CellRunner, Column, ColumnKind, PolicySchema, Prepared, RunError, RunnerSpec, Schema,
//!     Value,
//! };
//! use rtmm_sweep::{file, sweep};
//! use rtmm_workload::input::Source;
//!
//! /// Scores each cell by its number of tasks and its seed.
//! struct Toy(RunnerSpec);
//!
//! impl CellRunner for Toy {
//!     fn spec(&self) -> &RunnerSpec { &self.0 }
//!     fn prepare<'p>(
//!         &'p self, plan: &'p Plan<'_>, _pending: &[usize],
//!     ) -> Result<Box<dyn Prepared + 'p>, RunError> {
//!         Ok(Box::new(Ready(plan)))
//!     }
//! }
//!
//! struct Ready<'p>(&'p Plan<'p>);
//!
//! impl Prepared for Ready<'_> {
//!     fn run(&self, cell: &Cell) -> Result<CellResult, RunError> {
//!         let score = self.0.scenario(cell).tasks.len() as f64 + cell.seed as f64;
//!         Ok(CellResult { cell: vec![Value::Real(score)], ..CellResult::default() })
//!     }
//! }
//!
//! let score = Column {
//!     unit: "percent", summarised: true,
//!     ..Column::new("score_percent", ColumnKind::Real, "how well it went")
//! };
//! let only = PolicySchema::new("only", "the only policy", Schema::default());
//! let toy = Toy(RunnerSpec::new("toy", vec![only], vec![score]));
//!
//! let text = r#"
//!     runner = "toy"
//!     scenarios = ["xrbench/vr_gaming", "xrbench/ar_assistant"]
//!     platforms = ["xrbench/single_*_ws"]
//!     seeds = [1, 2, 3]
//! "#;
//! let plan = file::plan_of(&Source::new("toy.toml", text), &[&toy])?;
//! // One scenario is random and runs for three seeds, the other for the first alone.
//! assert_eq!(plan.len(), 2 * (1 + 3));
//!
//! let directory = tempfile::tempdir()?;
//! let outcome = sweep::run(&plan, directory.path(), &Options::default(), &Silent)?;
//! let finished = outcome.finished.ok_or("this was no shard")?;
//! let means: Vec<f64> =
//!     finished.summary.groups.iter().filter_map(|group| Some(group.statistics[0]?.mean)).collect();
//! assert_eq!(means.len(), 4);
//! assert!(directory.path().join("cells.csv").exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod axes;
pub mod execute;
pub mod figures;
pub mod file;
pub mod output;
pub mod plan;
pub mod ranking;
pub mod results;
pub mod runner;
pub mod shard;
pub mod significance;
pub mod statistics;
pub mod store;
pub mod summary;
pub mod sweep;

mod columns;

// The synthetic runner names the crate as other crates do.
#[cfg(test)]
extern crate self as rtmm_sweep;
#[cfg(test)]
#[path = "../../testkit/src/synthetic_runner.rs"]
mod synthetic_runner;
