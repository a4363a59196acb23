//! All tests of this crate in one program, which links once: each module is a file beside this one.

mod audit;
mod batches;
mod co_location;
mod conformance;
mod decisions;
mod dream;
mod dream_oracle;
mod fission;
mod foresight;
mod governors;
mod layer_variants;
mod metrics;
mod moca;
#[path = "oracle/main.rs"]
mod oracle;
mod partial_support;
mod permutations;
mod power;
mod prema;
mod progress_inside_layers;
mod properties;
mod regression;
mod run_record;
mod samples;
mod schedules;
mod shortlist;
mod throttle;
mod time_scaling;
mod transfers;
mod varying;
