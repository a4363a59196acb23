//! ONNX models: the format, the operators, and the walk over a graph.

mod call;
mod element;
mod fold;
mod import;
mod limits;
mod liveness;
mod operators;
mod options;
pub mod proto;
mod reason;
mod registry;
mod tensor;
mod walk;
mod wire;

pub use element::ElementType;
pub use import::read;
pub use limits::{MAX_EXECUTED, MAX_NESTING, NEWEST, OLDEST};
pub use options::{Branch, Options};
pub use reason::Reason;
pub use registry::operators;
pub use wire::{MAX_DEPTH, MAX_FIELDS, MAX_STRUCTURE};
