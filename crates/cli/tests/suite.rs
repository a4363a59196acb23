//! All tests of this crate in one program, which links once: each module is a file beside this one.

mod analyse;
mod architecture;
mod bad_input;
mod circles;
mod common;
mod determinism;
mod dysta;
mod dysta_engine_and_loop;
mod engine;
mod engine_and_loop;
mod gpu_platforms;
mod identities;
mod imports;
mod interference;
mod interruptions;
mod moca;
mod moca_workloads;
mod mutations;
mod outputs;
mod planaria;
mod planaria_engine_and_loop;
mod reports;
mod robust;
mod sweeps;
mod traces;
mod transcripts;
