//! The `systolic` cost model: an array of multiply-accumulators through which operands stream, with
//! double-buffered memory.
//!
//! A layer is lowered to matrix products ([`MatrixProduct`]): a convolution becomes
//! `M = batch x OH x OW`, `K = R x S x input channels of a group`, `N = output channels of a group`,
//! once for each group, so that a depthwise layer of `C` channels is `C` products of its own. Cycles,
//! utilisation and buffer accesses of a product follow SCALE-Sim v3 exactly ([`Array::cost`]).
//! Other operators run on a [`crate::VectorUnit`] beside the array, one after the other.
//!
//! SCALE-Sim's stalls are *not* reproduced: they follow from how the tool walks through its
//! address streams and have no closed form. Memory time is a bound of this project, in which one
//! shared channel carries everything, the first fill is paid, and time never falls below compute
//! time ([`FoldTraffic`]).
//!
//! ```text
//! compute  = lines + vector cycles
//! transfer = off-chip bytes / bandwidth
//! total    = in(first) / b + sum over folds of max(c, (in(next) + out(previous)) / b) + out(last) / b
//! exposed  = total - max(compute, transfer)
//! energy   = mac_pj * multiply-accumulates + vector_pj * vector operations
//!          + sram_pj * (buffer reads + writes + partial sums read back + words to and from DRAM)
//!          + dram_pj * off-chip bytes + static_pj_per_cycle * total
//! ```
//!
//! `exposed` is what remains, so that [`crate::Work::latency`] is the bound itself. Each of the three
//! is rounded up to whole cycles and once to picoseconds, for the layer as a whole.
//!
//! [`Mode::Reference`](crate::Mode::Reference) has the counts that SCALE-Sim prints, slips included:
//! output writes of `os`, compute utilisation of `ws` and `is`, off-chip traffic by the tool's rules,
//! and energy from these counts alone. Durations are real ones in both modes; the report column
//! `compute_cycles` is the tool's `lines - 1`.
//!
//! Not modelled: overlap of folds, reuse of overlapping windows on chip, padding or sparsity skipped,
//! wider partial sums than elements, what a buffer keeps from one product or repetition to the next,
//! banks and refresh of memories, energy of registers and wires beside that of a multiply-accumulate.
//!
//! Sources: Samajdar et al., "A Systematic Methodology for Characterizing Scalability of DNN
//! Accelerators using SCALE-Sim", ISPASS 2020; Raj et al., "SCALE-Sim v3", ISPASS 2025. Default
//! energies: Horowitz, "Computing's Energy Problem", ISSCC 2014 (45 nm, 0.9 V): an 8-bit integer
//! multiplication 0.2 pJ, a 32-bit addition 0.1 pJ; a 64-bit access to 1 MB on chip 100 pJ; 64 bits
//! of DRAM 1.3 to 2.6 nJ, of which the upper end is taken.

mod array;
mod explain;
mod memory;
mod model;
mod side_by_side;

pub(crate) mod parameters;

pub use array::{Array, Dataflow, MAX_ARRAY_EXTENT, MatrixProduct, SystolicCost};
pub use memory::{Bandwidth, Buffers, DramWords, ExactTime, FoldTraffic};
pub use model::Systolic;
pub use parameters::{BufferEnergies, SystolicParameters, keys};
pub use side_by_side::Operand;

pub(crate) use array::percent;

use rtmm_workload::input::Table;

use crate::cost_model::Decoded;
use crate::decode::Surroundings;

/// Reads a systolic array from an accelerator's table.
pub fn decode(table: &Table<'_>, surroundings: Surroundings) -> Option<Decoded> {
    let parameters = parameters::read(table, &surroundings)?;
    let SystolicParameters { dataflow, rows, cols, .. } = parameters;
    let cost_model = Systolic::new(parameters, surroundings)?;
    let label = format!("systolic {} {rows}x{cols}", dataflow.name().to_uppercase());
    Some(Decoded { label, cost_model: Box::new(cost_model) })
}
