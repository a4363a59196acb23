//! Why the loop cannot run what it was given.

use thiserror::Error;

/// Why the loop cannot run what it was given. Requests are counted from 0.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum DystaError {
    /// No tables at all.
    #[error("there are no traces")]
    NoTraces,
    /// Two traces of one name: requests could not say which they mean.
    #[error("two traces are called `{name}`")]
    SameName {
        /// The name.
        name: String,
    },
    /// A trace without latencies, in a schema that records them.
    #[error("the trace `{trace}` has no latencies")]
    NoLatencies {
        /// Name of the trace.
        trace: String,
    },
    /// Stated tables that do not fit each other.
    #[error("the table of `{trace}` does not fit its {layers} layers: {what}")]
    Shape {
        /// Name of the trace.
        trace: String,
        /// Its layers.
        layers: usize,
        /// Which part of the table.
        what: &'static str,
    },
    /// Traces of one architecture that cannot be averaged layer by layer.
    #[error(
        "`{first}` has {first_layers} layers and `{other}` {other_layers}, but both are of the architecture \
         `{architecture}`, whose layers are averaged over its traces"
    )]
    LayersDiffer {
        /// Their names up to the first underscore.
        architecture: String,
        /// Name of the first trace of the architecture.
        first: String,
        /// Its layers.
        first_layers: usize,
        /// Name of the trace that differs.
        other: String,
        /// Its layers.
        other_layers: usize,
    },
    /// Nothing to run.
    #[error("there are no requests")]
    NoRequests,
    /// A request to a trace that there is not.
    #[error("request {request} is to trace number {model}, but there are {traces}")]
    NoSuchTrace {
        /// The request.
        request: usize,
        /// Number of the trace that it asks for.
        model: usize,
        /// Count of traces.
        traces: usize,
    },
    /// A request with a sample that the trace does not have.
    #[error("request {request} is for sample number {sample}, but `{trace}` has {samples}")]
    NoSuchSample {
        /// The request.
        request: usize,
        /// Number of the sample that it asks for.
        sample: usize,
        /// Name of the trace.
        trace: String,
        /// Count of samples of the trace.
        samples: usize,
    },
    /// Requests that do not come in the order of their arrivals.
    #[error("request {request} arrives before the one in front of it")]
    Unsorted {
        /// The request.
        request: usize,
    },
    /// A number of a request outside its range.
    #[error("the {what} of request {request} is {value}: it must be {range}")]
    OutOfRange {
        /// The request.
        request: usize,
        /// Which number.
        what: &'static str,
        /// Its value.
        value: f64,
        /// Allowed values.
        range: &'static str,
    },
    /// A parameter that is no finite number.
    #[error("parameter `{name}` is {value}: it must be finite")]
    Parameter {
        /// Which one.
        name: &'static str,
        /// Its value.
        value: f64,
    },
    /// More requests or layers than the loop counts.
    #[error("there are more requests or layers than 32 bits count")]
    TooMany,
}
