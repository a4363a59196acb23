//! Measurements in the formats of other programs, by hand in small: numbers computed by hand, bad files, joins.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

mod common;
mod csv;
mod joins;
mod page;
mod rknn;
mod tflite;
mod trtexec;
mod vela;
