//! Models by hand through the whole import: counts, shapes, control flow, choices, bad files, model files; profiles.
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

mod bad_files;
mod builder;
mod choices;
mod control_flow;
mod counts;
mod measurements;
mod model_files;
mod page;
mod properties;
mod shapes;
