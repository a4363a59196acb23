//! Schedules of a window: an upper bound of what has to be late.
//!
//! Chains are divided into few blocks ([`blocks`]), which are put into the first gap of an accelerator that holds them
//! ([`timeline`]). A job is placed whole, by one of a few ways ([`plan`]), or is late and left out. Which jobs are placed first
//! decides: lists in known orders come first ([`list`]), then orders in which jobs that were late move forward
//! ([`repair`]; Joslin and Clements, Squeaky wheel optimization, 1999), then branch and bound over which job is placed next
//! and how ([`search`]). What comes out is checked by [`verify`], which shares nothing with how it was made.

mod blocks;
mod list;
mod plan;
mod repair;
mod search;
mod timeline;
mod verify;

use rtmm_hardware::AcceleratorId;
use rtmm_workload::Time;

use crate::window::JobIndex;

pub(crate) use list::lists;
pub(crate) use plan::{Draft, Plan};
pub(crate) use repair::repair;
pub(crate) use search::search;
pub use verify::{Fault, Verified, verify};

/// Layers of a job that run without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// The job that they are of.
    pub job: JobIndex,
    /// Position of the chain that the job runs; the same for all of its blocks.
    pub chain: usize,
    /// The first layer.
    pub first: usize,
    /// The layer behind the last.
    pub behind: usize,
    /// Where they run.
    pub on: AcceleratorId,
    /// When the first layer begins, behind any switch.
    pub start: Time,
}

/// Blocks of the jobs that run. A job without any is late, unless its chain has no layers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// In any order.
    pub blocks: Vec<Block>,
}
