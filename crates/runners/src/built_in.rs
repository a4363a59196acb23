//! The runners by name: one row each.

use rtmm_sweep::runner::CellRunner;

use crate::engine::Engine;
use crate::xrbench::XrbenchReference;

/// All runners, by which sweep files name them.
pub const RUNNERS: &[&dyn CellRunner] = &[&Engine, &XrbenchReference];
