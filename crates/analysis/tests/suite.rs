//! Tests of the crate as its users see it, as modules of one program.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod cascades;
mod dataflow;
mod exhaustive;
mod exploration;
mod job_table;
mod one_processor;
mod response_time;
