//! What can simulate a cell: one file a runner, one row here.

mod engine;
mod xrbench;

use rtmm_sweep::runner::CellRunner;

pub(crate) use engine::{Engine, RunSettings, build, check_window, points, policies, result};
pub(crate) use xrbench::{POLICY, XrbenchReference, parameters_of};

/// All runners, by which sweep files name them.
pub const RUNNERS: &[&dyn CellRunner] = &[&Engine, &XrbenchReference];
