//! Measurements that profilers of other programs wrote: times of the runs of a network, and of its nodes.
//!
//! Each format has a file or a folder of its own and a row in [`FORMATS`]; all end in the neutral [`Measurements`].

mod csv;
mod error;
mod join;
mod json;
mod measured;
mod numbers;
mod options;
mod ort;
mod registry;
mod rknn;
mod summary;
mod text;
mod tflite;
mod trtexec;
mod vela;

pub use csv::{Columns, MAX_ROWS};
pub use error::{MeasurementError, Place};
pub use join::{JoinReport, Joined, LayerCost, join};
pub use measured::{MeasuredNode, Measurements, Part, Quantiles};
pub use numbers::Unit;
pub use options::{Attachment, Extra, MeasurementOptions};
pub use ort::{MAX_EVENT_BYTES, MAX_EVENTS, MAX_NAME_BYTES, MAX_OPEN};
pub use registry::{FORMATS, Format, format};
pub use summary::{MeasurementSummary, NodeSummary, microseconds};
pub use text::MAX_TEXT_BYTES;
