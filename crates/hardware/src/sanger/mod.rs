//! The `sanger` cost model: attention whose map is pruned while it runs, packed onto a reconfigurable
//! array.
//!
//! With density `d` of the map, load balance `b` of its packed rows, `n` tokens of `W` features, an array
//! of `TH` rows and `TW` columns with `P` multipliers a row for dense products, and a clock of `f`:
//!
//! ```text
//! sub  = d / b / 0.25 * n                        packed sub-rows, a quarter of a row each
//! G    = TH * P * f * 2                          dense operations a second
//! lin  = n W W * 2 * 3 / G                       projections to queries, keys and values
//! prj  = n W W * 2 / (G / d * b)                 the projection of the result
//! tile = (W + TH) + (sub + TH)                   cycles: scores, weighted sum
//! att  = sub / TH * (tile * (n / TW) * coef)     cycles; coef >= 1 where memory is too slow
//! latency = lin + att / f + prj
//! ```
//!
//! `lin` does not depend on the input; [`AttentionLatency`] has the three terms apart. They are evaluated in
//! double precision and in this order, which is how the Dysta artifact has them: [`sanger_latency_s`] is
//! its number, bit by bit.
//!
//! [`Mode::Reference`](crate::Mode::Reference) takes 768 features and, unless `sequence_length` says otherwise, 512 tokens for every
//! attention layer, as the artifact does, and knows no other operator. The corrected mode takes both from the
//! layer, keys apart from queries; reports the memory's part as traffic; runs matrix products on the dense
//! multipliers and everything else on a [`crate::VectorUnit`].
//!
//! Not modelled: the prediction of the map, softmax, memory of dense products.
//!
//! Sources: Lu et al., "Sanger: A Co-Design Framework for Enabling Sparse Attention using Reconfigurable
//! Architecture", MICRO 2021; the equations are those of the artifact of Fan et al., "Sparse-DySta",
//! MICRO 2023. Default energies: Horowitz, ISSCC 2014.

mod explain;
mod latency;
mod model;
mod parameters;

pub use latency::{AttentionExtents, AttentionLatency, Sanger, sanger_latency_s};
pub(crate) use parameters::read_parameters;
pub use parameters::{SangerParameters, keys};

use rtmm_workload::input::Table;

use crate::cost_model::Decoded;
use crate::decode::Surroundings;

/// Reads a Sanger from an accelerator's table.
pub fn decode(table: &Table<'_>, surroundings: Surroundings) -> Option<Decoded> {
    let parameters = read_parameters(table, &surroundings);
    let label = format!("sanger {}x{}", parameters.rows, parameters.cols);
    Some(Decoded { label, cost_model: Box::new(Sanger::new(parameters, surroundings)) })
}
