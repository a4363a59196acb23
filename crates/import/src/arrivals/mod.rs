//! Arrival traces of other programs, as requests: when each arrives, and for which model.
//!
//! Each format has a file of its own and a row in [`FORMATS`]; all give rows to an [`Assembly`], which maps them to
//! models by rules, and sorts, cuts and scales them. Times are exact until they are rounded to the picosecond of the
//! simulated clock. A trace is read once, row by row; what is kept of a row are 32 bytes.

mod assembly;
mod azure_functions;
mod azure_llm;
mod burstgpt;
mod columns;
mod constant_stream;
mod error;
mod instant;
mod mooncake;
mod registry;
mod report;
mod rule;
mod table;

pub use assembly::{ArrivalOptions, Assembly, ImportedRequest, ImportedRequests, MAX_ROWS, Unmapped, Window};
pub use columns::{Columns, ColumnsError};
pub use error::ArrivalError;
pub use instant::{Instant, InstantError, TimeUnit, number};
pub use registry::{ArrivalFormat, FORMATS, format};
pub use report::{ArrivalReport, ModelRequests};
pub use rule::{Rule, RuleError};
pub use table::MAX_ROW_BYTES;
