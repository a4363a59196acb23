//! The `eyeriss_v2` cost model: a sparse accelerator whose processing elements skip zeros of weights
//! and activations.
//!
//! A convolution or fully connected layer is tiled onto the array ([`Mapping`]), and its cycles follow
//! from three counts ([`LayerCost`]), which stand for the same whatever decides what is zero:
//!
//! ```text
//! valid  (output, tap) pairs whose activation and weight are both nonzero
//! A    = M1 F1 C1 S1 * M2 F2 C2 S2 * E F0        checks of activations
//! B    = 2 * M1 S1 * M2 S2 * N                   cycles for N accesses of image rows that are not all zero
//! cycles = (4 valid + A + B) / 192
//! ```
//!
//! What is zero is either known exactly, as masks of zeros and ones, or in the mean, as densities
//! ([`Operands`]). Everything is counted in integers; a density enters through one product and one power,
//! and the mean that follows is rounded to the nearest integer.
//!
//! [`Mode::Reference`](crate::Mode::Reference) computes what the simulator of the Dysta artifact does: an
//! output as large as its input whatever stride, padding and dilation say, windows that stop at the
//! edge of a tile of rows, a quotient rounded down, and no cost for whatever its assertions refuse.
//! The corrected mode has real windows, rounds up, and has a cost for every layer: other operators
//! are lowered to nests, and to vector operations on a [`crate::VectorUnit`].
//!
//! Not modelled, in either mode: uneven work of processing elements, traffic of the global buffer and of
//! off-chip memory.
//!
//! Sources: Chen et al., "Eyeriss v2: A Flexible Accelerator for Emerging Deep Neural Networks on
//! Mobile Devices", JETCAS 2019; the equations are those of the artifact of Fan et al., "Sparse-DySta:
//! Sparsity-Aware Dynamic and Static Scheduling for Sparse Multi-DNN Workloads", MICRO 2023. Default
//! energies: Horowitz, ISSCC 2014.

mod count;
mod explain;
mod mapping;
mod model;
mod parameters;

pub use count::{LayerCost, Operands, cost};
pub use mapping::{Mapping, Organisation};
pub use model::EyerissV2;
pub use parameters::{EyerissParameters, keys};

use rtmm_workload::input::Table;

use crate::cost_model::Decoded;
use crate::decode::Surroundings;

/// Reads an Eyeriss v2 from an accelerator's table.
pub fn decode(table: &Table<'_>, surroundings: Surroundings) -> Option<Decoded> {
    let parameters = parameters::read(table, &surroundings);
    let label = format!("eyeriss_v2 {}", parameters.organisation.pes());
    Some(Decoded { label, cost_model: Box::new(EyerissV2::new(parameters, surroundings)) })
}
