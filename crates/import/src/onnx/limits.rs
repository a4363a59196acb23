//! Limits: operator sets, and what keeps any file from taking unbounded time or memory.

/// The oldest operator set of ONNX that is read.
pub const OLDEST: i64 = 7;
/// The newest operator set of ONNX that is read.
pub const NEWEST: i64 = 24;
/// The most nodes that an inference may execute, iterations of loops and calls of functions included.
pub const MAX_EXECUTED: usize = 1 << 18;
/// The most that an import may meet: nodes with their inputs and outputs, constants, graphs, eighths of the elements
/// that are kept.
pub(super) const MAX_VISITED: usize = 8 * MAX_EXECUTED;
/// The deepest nesting of graphs, loops and functions.
pub const MAX_NESTING: u32 = 24;
/// The most dimensions of a tensor.
pub const MAX_RANK: usize = 64;
