//! Methods of analysis, and the theorems that they rest on.

use crate::dataflow::DATAFLOW;
use crate::exploration::{ON_ONE_PROCESSOR, ON_SEVERAL_PROCESSORS};
use crate::response_time::{
    CASCADES, EDF_BY_SEGMENTS, EDF_PREEMPTIVE, FIXED_PRIORITY_BY_SEGMENTS, FIXED_PRIORITY_PREEMPTIVE,
};

/// Claims of a method about its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Each bound is reached in some schedule, and exceeded in none.
    Exact,
    /// No schedule exceeds a bound.
    Safe,
}

impl Claim {
    /// The claim in one word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Safe => "safe",
        }
    }
}

/// A method of analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method {
    /// The name that results and pages use.
    pub name: &'static str,
    /// Systems that it analyses, in one line.
    pub summary: &'static str,
    /// Claim about its bounds.
    pub claim: Claim,
    /// The theorem that proves them, with its source.
    pub theorem: &'static str,
}

/// All methods: a row each.
pub const METHODS: &[Method] = &[
    ON_ONE_PROCESSOR,
    ON_SEVERAL_PROCESSORS,
    FIXED_PRIORITY_PREEMPTIVE,
    FIXED_PRIORITY_BY_SEGMENTS,
    EDF_PREEMPTIVE,
    EDF_BY_SEGMENTS,
    CASCADES,
    DATAFLOW,
];
