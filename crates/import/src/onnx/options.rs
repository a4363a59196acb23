//! Choices of the user: extents that the file leaves open, values of inputs, branches, iterations.

use std::collections::BTreeMap;

/// A branch of an `If`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Branch {
    /// The one for a true condition.
    Then,
    /// The one for a false condition.
    Else,
}

/// Choices of the user.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Extents by the name that the file has for them, or as `INPUT[AXIS]` for those without a name.
    pub dims: BTreeMap<String, u64>,
    /// Values of inputs by name, in row-major order.
    pub inputs: BTreeMap<String, Vec<f64>>,
    /// Branches by an output of the `If`.
    pub branches: BTreeMap<String, Branch>,
    /// Iterations of loops by an output of the `Loop`.
    pub trips: BTreeMap<String, u64>,
    /// Iterations of all other loops that depend on data, or have no count.
    pub trips_of_all: Option<u64>,
    /// True if nodes without a rule are left out, with all that depends on them.
    pub skips_unsupported: bool,
}
