//! Number of random cases that tests have: as many as they say, or as `RTMM_CASES` says; and which ones: other blocks of as many
//! where `RTMM_BLOCK` says so.

use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;

/// `RTMM_CASES` cases of a property, or `by_default`. They are the same ones on every machine; `RTMM_BLOCK`, from 1 on, has
/// others of the same number.
#[must_use]
pub fn config(by_default: u32) -> ProptestConfig {
    let cases = stated("RTMM_CASES").unwrap_or(by_default);
    let block = stated("RTMM_BLOCK").unwrap_or(0);
    ProptestConfig {
        cases,
        max_local_rejects: u32::MAX,
        max_global_rejects: u32::MAX,
        max_shrink_iters: 100_000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(u64::from(block) << 32 | u64::from(cases)),
        ..ProptestConfig::default()
    }
}

/// `RTMM_CASES` cases, and at least `least`: for tests that hold that their cases show something.
#[must_use]
pub fn at_least(least: u64) -> u64 {
    stated("RTMM_CASES").map_or(least, u64::from).max(least)
}

fn stated(variable: &str) -> Option<u32> {
    std::env::var(variable).ok().and_then(|number| number.parse().ok())
}
