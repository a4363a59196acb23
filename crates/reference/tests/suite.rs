//! All tests of this crate in one program, which links once: each module is a file beside this one.

mod by_hand;
mod dysta_cases;
mod dysta_fixes;
mod dysta_formulas;
mod dysta_golden;
mod dysta_rules;
mod moca_cases;
mod moca_gemmini;
mod moca_hardware;
mod moca_layers;
mod moca_nets;
mod moca_oracle;
mod moca_plans;
mod moca_rules;
mod moca_throttle_rule;
mod planaria_cases;
mod planaria_files;
mod planaria_golden;
mod planaria_random;
mod planaria_rules;
mod planaria_second;
mod xrbench_fixes;
mod xrbench_rules;
mod xrbench_scores;
