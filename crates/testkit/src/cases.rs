//! Number of random cases that tests have: as many as they say, or as `RTMM_CASES` says.

use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;

/// `RTMM_CASES` cases of a property, or `by_default`. They are the same ones on every machine.
#[must_use]
pub fn config(by_default: u32) -> ProptestConfig {
    let cases = stated().unwrap_or(by_default);
    ProptestConfig {
        cases,
        max_local_rejects: u32::MAX,
        max_global_rejects: u32::MAX,
        max_shrink_iters: 100_000,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(cases.into()),
        ..ProptestConfig::default()
    }
}

/// `RTMM_CASES` cases, and at least `least`: for tests that hold that their cases show something.
#[must_use]
pub fn at_least(least: u64) -> u64 {
    stated().map_or(least, u64::from).max(least)
}

fn stated() -> Option<u32> {
    std::env::var("RTMM_CASES").ok().and_then(|cases| cases.parse().ok())
}
