//! Technologies: what events cost in a process node with a kind of memory, for all cost models of a platform alike.
//!
//! Each cost model has prices of its own origin, so that energies of two models do not compare. A platform that names a
//! technology draws the prices that its accelerators do not state from one file instead: a multiply-accumulate by the
//! precision of its operands, a vector operation, registers, on-chip memories by their capacity, a hop of the network on
//! chip, off-chip memory by its kind, and leakage. Files are under `scenarios/technologies`, or a user's own.
//!
//! - [`Technology`]: a file, over all nodes, kinds of memory and levels;
//! - [`Prices`]: one node, one kind and one level of it, which cost models ask;
//! - [`Price`]: the energy of one event of a cost model, for people and for comparisons.
//!
//! Between two nodes that a file states, prices lie on a straight line in logarithms of both. Beyond them there are none,
//! but for leakage and the factor of wide ports, which keep the value of the nearest node: few nodes have sources.
//!
//! Energies are of events. Time, and so which memories are large enough, is the cost model's own matter.

mod band;
mod choice;
mod curve;
mod file;
mod price;
mod prices;
mod sram;

pub use band::{Band, Level};
pub use file::Technology;
pub use price::{Price, PriceOf, apart};
pub use prices::{MacPrice, Prices, UNSTATED_BUFFER_BYTES};
pub use sram::Place;

pub(crate) use choice::{decode_technology, refuse_unused_precisions, split_level};
