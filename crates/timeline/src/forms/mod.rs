//! The forms of timelines, one module each; `crate::FormRow` has a row for each of them.

mod chrome;
mod gantt;
mod perfetto;

pub use chrome::ChromeTrace;
pub use gantt::Gantt;
pub use perfetto::{PerfettoTrace, proto};
