//! All tests of this crate in one program, which links once: each module is a file beside this one.

mod dream_models;
mod dream_models_sequence;
mod dynamic_models;
mod dysta_models;
mod foreign_tables;
mod geometry;
mod independent_layers;
mod layers;
mod mixes;
mod model_parameters;
mod sample_models;
mod scenarios;
mod terastal_models;
mod xrbench_models;
