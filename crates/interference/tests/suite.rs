//! Tests of the crate as its users see it, as modules of one program.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod baselines;
mod kernels;
mod properties;
mod recommended;
mod strait;
mod structural;
mod tables;
