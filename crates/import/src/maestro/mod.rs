//! Networks of MAESTRO (`.m`): layers with their dimensions and strides; mappings are left out.
//!
//! A layer has the type `CONV`, `DSCONV` (depthwise), `NGCONV` (grouped), `TRCONV` (transposed) or `GEMM`. `Y` and `X` are
//! the input's extents, and there is no padding: outputs are `(Y - R) / stride + 1`. In a `DSCONV` `K` counts the outputs
//! of a channel, in a `NGCONV` those of a group, while `C` counts all channels that come in. A `TRCONV` doubles its
//! input. Source: maestro-project/maestro, `cost-model/include/dataflow-specification-language/DFSL_parser.hpp`,
//! 4eb08d17.

mod layers;
mod network;
mod syntax;
mod tokens;

pub use network::{MaestroNetwork, NetworkSummary};
pub use syntax::read;
