//! Why the loop cannot estimate or run what it was given.

use thiserror::Error;

/// Why the loop cannot estimate or run what it was given.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MocaError {
    /// A number outside of what the loop takes.
    #[error("`{name}` is {value}: allowed are {least} to {most}")]
    OutOfRange {
        /// Its name, which is that of the column.
        name: &'static str,
        /// Its value.
        value: u64,
        /// The smallest that is allowed.
        least: u64,
        /// The largest that is allowed.
        most: u64,
    },
    /// Counts that do not fit the 32 bits in which the program has them.
    #[error("more rows of {what} than the program counts: its counters have 32 bits")]
    TooManyRows {
        /// The thing that is counted.
        what: &'static str,
    },
    /// A pooling window, or a kernel, that is larger than what it slides over.
    #[error("the {what} leaves no output: it is larger than what it slides over")]
    NoOutput {
        /// The thing that is too large.
        what: &'static str,
    },
    /// A core that the split leaves without work: the program makes no sense of it.
    #[error("the split leaves this core without {what}")]
    EmptyShare {
        /// The thing that it lacks.
        what: &'static str,
    },
    /// Windows of a pooling that lie outside of its input.
    #[error("the last window of the pooling begins behind its input")]
    NoInput,
    /// A share of a convolution that the search for a tile cannot make fit: the program would not end, or divide by zero.
    #[error("no tile of this convolution fits the scratchpad by the rules of the program")]
    NoTile,
}

impl MocaError {
    /// A way out.
    #[must_use]
    pub const fn help(&self) -> &'static str {
        match self {
            Self::OutOfRange { .. } => "write a number in the range",
            Self::TooManyRows { .. } => "make the layer smaller: fewer channels, images or rows",
            Self::NoOutput { .. } => "make it smaller, or its padding",
            Self::NoInput => "make the output smaller, or the stride",
            Self::EmptyShare { .. } => "split the layer over fewer cores",
            Self::NoTile => {
                "make rows or columns longer, or the kernel smaller: the program knows no way either"
            }
        }
    }
}
