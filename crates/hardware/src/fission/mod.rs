//! The `fission` cost model: equal systolic subarrays that join to larger arrays, in the shape that suits each layer.
//!
//! A run on `k` subarrays of `R x C` cells joins them for each layer to clusters of `a x b` subarrays, each one array
//! of `aR x bC` cells, and `p` clusters work side by side, for any `a b p <= k` ([`Shape`]). Clusters divide the
//! output positions (M), the output channels (N) or the groups of a matrix product among each other ([`Split`]); each
//! product of a layer takes the split that is fastest for it. The shape with the least cycles is taken; of equal
//! ones that of least energy, then of the fewest clusters, of the fewest subarrays, of the lowest ones.
//!
//! A slice costs what [`crate::systolic`] says of the cluster's array, and clusters go through the folds of the largest
//! slice in step:
//!
//! ```text
//! lines = rounds * folds(largest slice) * cycles of a fold on aR x bC cells
//! total = in(first) / b + sum over folds of max(c, (in(next) + out(previous)) / b) + out(last) / b
//! ```
//!
//! where `in` and `out` are those of all clusters together. The operand that the clusters have in common (the weights if
//! positions are divided, the inputs if channels are) is fetched once and read from its buffer once; the bus takes it to
//! the other clusters. Buffers, bandwidth and vector lanes are those of the `k` subarrays: `k / n` of what all `n` have.
//! With one cluster of all subarrays, cycles, traffic and energy are those of the `systolic` model to the bit.
//!
//! The subarrays that a shape leaves idle are charged their static energy. A change of shape costs no time, neither
//! between layers nor between the products of one.
//!
//! Source: Ghodrati et al., "Planaria: Dynamic Architecture Fission for Spatial Multi-Tenant Acceleration of Deep Neural
//! Networks", MICRO 2020, section 4. Deviations: cycles are SCALE-Sim's, with the fill and drain of every fold, where
//! the published tool counts streamed steps alone; any shape is possible, not only those within and across pods of four
//! subarrays; idle subarrays leave their bandwidth and buffers to the others of the run; a bus transfer costs the same
//! however far apart the clusters are; partial sums are not added up between clusters (no split of K).

mod explain;
mod mapping;
mod model;
mod parameters;

pub use mapping::{Shape, Split};
pub use model::Fission;
pub use parameters::{FissionParameters, keys};

use rtmm_workload::input::Table;

use crate::cost_model::Decoded;
use crate::decode::Surroundings;

/// Reads a fissionable array from an accelerator's table.
pub fn decode(table: &Table<'_>, surroundings: Surroundings) -> Option<Decoded> {
    Fission::new(parameters::read(table, &surroundings)?, surroundings.clock_hz).map(Fission::decoded)
}
