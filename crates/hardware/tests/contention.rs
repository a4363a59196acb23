//! The contention models against their definitions: random sets of runs, a slow literal oracle of
//! progressive filling, and the properties that the engine relies on.
//!
//! `RTMM_CASES` sets the number of random cases of each test.

#![expect(clippy::expect_used, reason = "tests fail by panicking")]

use proptest::prelude::*;
use rtmm_hardware::{
    AcceleratorId, Bandwidth, BehindCache, ClassId, Contention, ContentionRow, MaxMinFair, Rates, Running,
    Share, Sharing, Speed, StaticPartition, Throttle,
};
use rtmm_testkit::cases::config;
use rtmm_workload::{Duration, LayerId, ModelId, Time};

/// So that all tests together take a second.
const DEFAULT_CASES: u32 = 1_000;

fn run(position: usize, demand: u64, share: Share) -> Running {
    Running {
        accelerator: AcceleratorId::new(position),
        model: ModelId::new(0),
        layer: LayerId::new(position),
        class: ClassId::new(0),
        demand: Bandwidth::from_bytes_per_window(demand),
        cache_demand: Bandwidth::ZERO,
        share,
        began: Time::ZERO,
        priority: 0,
        is_underway: false,
    }
}

fn runs(demands: &[u64]) -> Vec<Running> {
    demands.iter().enumerate().map(|(position, demand)| run(position, *demand, Share::WHOLE)).collect()
}

/// What each run is granted, in bytes a window.
fn grants(model: &mut impl Contention, running: &[Running]) -> Vec<u64> {
    let mut rates = vec![Rates::default(); running.len()];
    model.rates(Time::ZERO, running, &mut rates);
    assert!(rates.iter().all(|rates| rates.compute == Speed::FULL), "memory does not slow arithmetic");
    rates.iter().map(|rates| rates.transfer.bytes_per_window()).collect()
}

fn fair(bandwidth: u64, demands: &[u64]) -> Vec<u64> {
    grants(&mut MaxMinFair::new(Bandwidth::from_bytes_per_window(bandwidth)), &runs(demands))
}

fn sum(grants: &[u64]) -> u128 {
    grants.iter().map(|grant| u128::from(*grant)).sum()
}

/// Progressive filling, word by word: all grants that are below their demand rise by one unit, until
/// there is none or the units do not suffice for all of them.
fn filled(bandwidth: u64, demands: &[u64]) -> Vec<u64> {
    let mut grants = vec![0; demands.len()];
    let mut free = bandwidth;
    loop {
        let rising: Vec<usize> = (0..demands.len()).filter(|run| grants[*run] < demands[*run]).collect();
        if rising.is_empty() || (rising.len() as u64) > free {
            return grants;
        }
        for run in rising {
            grants[run] += 1;
            free -= 1;
        }
    }
}

/// Runs with shares, and a bandwidth.
fn with_shares() -> impl Strategy<Value = (u64, Vec<(u64, u32)>)> {
    let run = (prop_oneof![0..200_u64, 0..1_u64 << 40], prop_oneof![1..=10_u32, 1..=1_000_000_u32]);
    (prop_oneof![1..400_u64, 1..1_u64 << 40], prop::collection::vec(run, 0..10))
}

fn shared(rule: Sharing, bandwidth: u64, of: &[(u64, u32)]) -> Vec<u64> {
    let share = |millionths: u32| Share::from_millionths(millionths).expect("at most the whole");
    let running: Vec<Running> = of
        .iter()
        .enumerate()
        .map(|(at, (demand, millionths))| run(at, *demand, share(*millionths)))
        .collect();
    grants(&mut rule.contention(Bandwidth::from_bytes_per_window(bandwidth)), &running)
}

/// Small numbers, so that ties, rounding and every order of magnitude of contention occur.
fn small() -> impl Strategy<Value = (u64, Vec<u64>)> {
    (0..=100_u64, prop::collection::vec(prop_oneof![Just(0), 0..=5_u64, 0..=60_u64], 0..=10))
}

/// Numbers of every size, no bandwidth and no limit included.
fn large() -> impl Strategy<Value = (u64, Vec<u64>)> {
    let number = || {
        prop_oneof![1 => Just(0), 1 => Just(u64::MAX), 8 => any::<(u64, u32)>().prop_map(
            |(number, shift)| number >> (shift % 64)
        )]
    };
    (number(), prop::collection::vec(number(), 0..=12))
}

proptest! {
    #![proptest_config(config(DEFAULT_CASES))]

    #[test]
    fn the_grants_are_those_of_progressive_filling((bandwidth, demands) in small()) {
        prop_assert_eq!(fair(bandwidth, &demands), filled(bandwidth, &demands));
    }

    #[test]
    fn grants_fit_and_only_rounding_is_left_over((bandwidth, demands) in large()) {
        let grants = fair(bandwidth, &demands);
        for (grant, demand) in grants.iter().zip(&demands) {
            prop_assert!(grant <= demand);
        }
        if bandwidth == u64::MAX {
            prop_assert_eq!(grants, demands, "without a limit every demand is met");
            return Ok(());
        }
        prop_assert!(sum(&grants) <= u128::from(bandwidth));
        if sum(&demands) <= u128::from(bandwidth) {
            prop_assert_eq!(grants, demands, "demands that fit are met");
        } else {
            let unmet = grants.iter().zip(&demands).filter(|(grant, demand)| grant < demand).count();
            let unused = u128::from(bandwidth) - sum(&grants);
            prop_assert!(unused < unmet as u128, "{} units of {} are unused", unused, bandwidth);
        }
    }

    /// The definition of max-min fairness: to raise a grant that is below its demand, one would have
    /// to take from a run whose grant is equal or smaller. It follows if all such grants are the
    /// largest, and what is unused does not suffice for one unit to each of them.
    #[test]
    fn no_grant_can_rise_but_at_the_cost_of_a_smaller_one((bandwidth, demands) in large()) {
        prop_assume!(bandwidth != u64::MAX);
        let grants = fair(bandwidth, &demands);
        for (run, demand) in demands.iter().enumerate() {
            if grants[run] == *demand {
                continue;
            }
            // Whatever runs with larger grants have more than this one could be taken from them.
            let spare: u128 = grants.iter().map(|grant| u128::from(grant.saturating_sub(grants[run]))).sum();
            prop_assert_eq!(spare, 0, "run {} could take from a larger grant", run);
        }
    }

    #[test]
    fn another_run_raises_no_grant((bandwidth, mut demands) in large(), more in any::<u64>()) {
        let before = fair(bandwidth, &demands);
        demands.push(more);
        let after = fair(bandwidth, &demands);
        for (run, grant) in before.iter().enumerate() {
            prop_assert!(after[run] <= *grant, "run {}: {} became {}", run, grant, after[run]);
        }
    }

    #[test]
    fn a_higher_demand_lowers_no_own_grant((bandwidth, mut demands) in large(), more in any::<u64>()) {
        prop_assume!(!demands.is_empty());
        let before = fair(bandwidth, &demands)[0];
        demands[0] = demands[0].saturating_add(more);
        prop_assert!(fair(bandwidth, &demands)[0] >= before);
    }

    #[test]
    fn the_order_of_runs_does_not_matter(
        (bandwidth, demands) in large(),
        keys in prop::collection::vec(any::<u32>(), 12),
    ) {
        let running = runs(&demands);
        let mut order: Vec<usize> = (0..running.len()).collect();
        order.sort_by_key(|run| keys[*run]);
        let shuffled: Vec<Running> = order.iter().map(|run| running[*run]).collect();
        // One model for both, so that nothing of the first call may show in the second.
        let mut model = MaxMinFair::new(Bandwidth::from_bytes_per_window(bandwidth));
        let straight = grants(&mut model, &running);
        let expected: Vec<u64> = order.iter().map(|run| straight[*run]).collect();
        prop_assert_eq!(grants(&mut model, &shuffled), expected);
        prop_assert_eq!(grants(&mut model, &running), straight);
    }

    #[test]
    fn static_parts_depend_on_nobody_else(
        (bandwidth, demands) in large(),
        weights in prop::collection::vec(0..=1_000_000_u32, 12),
    ) {
        let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum::<u64>().max(1);
        let running: Vec<Running> = demands
            .iter()
            .enumerate()
            .map(|(position, demand)| {
                let millionths = u64::from(weights[position]) * 1_000_000 / total;
                run(position, *demand, Share::from_millionths(millionths as u32).unwrap())
            })
            .collect();
        let bandwidth = Bandwidth::from_bytes_per_window(bandwidth);
        let mut model = StaticPartition::new(bandwidth);
        let together = grants(&mut model, &running);
        for (run, grant) in running.iter().zip(&together) {
            let part = if bandwidth == Bandwidth::UNLIMITED {
                if run.share == Share::ZERO { 0 } else { u64::MAX }
            } else {
                let share = u128::from(run.share.millionths());
                u64::try_from(u128::from(bandwidth.bytes_per_window()) * share / 1_000_000).unwrap()
            };
            prop_assert_eq!(*grant, part.min(run.demand.bytes_per_window()));
            prop_assert_eq!(grants(&mut model, &[*run]), vec![*grant]);
        }
        if bandwidth != Bandwidth::UNLIMITED {
            prop_assert!(sum(&together) <= u128::from(bandwidth.bytes_per_window()));
        }
    }

    /// Time and bandwidth round so that what is granted suffices, by less than a picosecond or a unit.
    #[test]
    fn what_is_timed_is_moved(
        bytes in 1..=1_u64 << 50,
        bandwidth in (0..60_u32, any::<u64>()).prop_map(|(shift, number)| (number >> shift).max(1)),
    ) {
        prop_assume!(bandwidth != u64::MAX);
        let limit = Bandwidth::from_bytes_per_window(bandwidth);
        let time = limit.time_for(bytes);
        prop_assume!(time != Duration::MAX);
        prop_assert!(limit.bytes_in(time) >= bytes);
        let earlier = Duration::from_picoseconds(time.picoseconds() - 1);
        prop_assert!(limit.bytes_in(earlier) < bytes);
        let needed = Bandwidth::of(bytes, time);
        prop_assert!(needed <= limit, "no more is asked for than was there");
        prop_assert!(needed.time_for(bytes) <= time);
    }
}

#[test]
fn grants_by_hand() {
    // The example of the definition: the small demand is met, the others split the rest.
    assert_eq!(fair(100, &[10, 80, 90]), [10, 45, 45]);
    assert_eq!(fair(100, &[10, 40, 90]), [10, 40, 50]);
    assert_eq!(fair(100, &[10, 40, 50]), [10, 40, 50]);
    assert_eq!(fair(100, &[90, 10, 0, 30]), [60, 10, 0, 30]);
    // A remainder goes to nobody.
    assert_eq!(fair(100, &[50, 50, 50]), [33, 33, 33]);
    assert_eq!(fair(2, &[5, 5, 5]), [0, 0, 0]);
    assert_eq!(fair(0, &[5, 0]), [0, 0]);
    assert_eq!(fair(100, &[]), [0_u64; 0]);
    assert_eq!(fair(100, &[u64::MAX, u64::MAX]), [50, 50]);
    assert_eq!(fair(u64::MAX, &[u64::MAX, u64::MAX]), [u64::MAX, u64::MAX]);
    assert_eq!(fair(u64::MAX - 1, &[u64::MAX, u64::MAX]), [u64::MAX / 2, u64::MAX / 2]);

    let share = |millionths| Share::from_millionths(millionths).expect("a share");
    let mut model = StaticPartition::new(Bandwidth::from_bytes_per_window(100));
    let running = [run(0, 80, share(250_000)), run(1, 80, share(333_333)), run(2, 5, share(100_000))];
    assert_eq!(grants(&mut model, &running), [25, 33, 5]);
}

/// The rule of a row, with settings if it has any: grants of runs that do not pause do not depend on them.
fn of_row(row: &ContentionRow) -> Sharing {
    let throttle =
        Throttle { window: Duration::from_picoseconds(9), overflow_millionths: 500_000, pause_millionths: 7 };
    Sharing::named(row.name).unwrap_or_else(|| Sharing::throttled(throttle))
}

#[test]
fn every_row_is_found_by_its_name_or_has_settings() {
    for row in ContentionRow::built_in() {
        assert_eq!((of_row(row).name(), of_row(row).shares()), (row.name, row.shares));
        assert_eq!(Sharing::named(row.name).is_none(), of_row(row).throttle().is_some());
    }
    assert_eq!(Sharing::named("throttled"), None);
}

proptest! {
    #![proptest_config(config(DEFAULT_CASES))]

    #[test]
    fn rules_grant_no_more_than_demand_nor_than_there_is_whatever_the_order(
        (bandwidth, of) in with_shares(), turn in any::<usize>(),
    ) {
        for row in ContentionRow::built_in() {
            let rule = of_row(row);
            // Parts are of accelerators, which leave no more than the whole to each other.
            let parts = of.len().max(1) as u32;
            let of: Vec<(u64, u32)> = match row.name {
                "static" => of.iter().map(|(demand, share)| (*demand, share.div_ceil(parts))).collect(),
                _ => of.clone(),
            };
            let granted = shared(rule, bandwidth, &of);
            for (grant, (demand, _)) in granted.iter().zip(&of) {
                prop_assert!(grant <= demand, "{}: {grant} of {demand}", row.name);
            }
            let slack = if row.name == "static" { of.len() as u128 } else { 0 };
            prop_assert!(sum(&granted) <= u128::from(bandwidth) + slack, "{}", row.name);
            let mut turned = of.clone();
            turned.rotate_left(turn % of.len().max(1));
            let mut expected = granted;
            expected.rotate_left(turn % of.len().max(1));
            prop_assert_eq!(shared(rule, bandwidth, &turned), expected, "{}", row.name);
        }
    }

    #[test]
    fn whole_caps_and_equal_weights_are_max_min_fair((bandwidth, of) in with_shares(), weight in 1..=1_000_000_u32) {
        let demands: Vec<u64> = of.iter().map(|(demand, _)| *demand).collect();
        let expected = fair(bandwidth, &demands);
        let with = |share: u32| demands.iter().map(|demand| (*demand, share)).collect::<Vec<_>>();
        prop_assert_eq!(&shared(Sharing::CAPPED, bandwidth, &with(1_000_000)), &expected);
        let throttled = of_row(ContentionRow::built_in().last().expect("a row"));
        prop_assert_eq!(&shared(throttled, bandwidth, &with(weight)), &expected);
        prop_assert_eq!(&shared(Sharing::WEIGHTED, bandwidth, &with(weight)), &expected);
    }

    #[test]
    fn weights_leave_only_rounding_and_grant_those_that_want_more_by_weight(
        (bandwidth, of) in with_shares(),
    ) {
        let granted = shared(Sharing::WEIGHTED, bandwidth, &of);
        let demanded: u128 = of.iter().map(|(demand, _)| u128::from(*demand)).sum();
        let left = demanded.min(u128::from(bandwidth)) - sum(&granted);
        prop_assert!(left < of.len().max(1) as u128, "{left} is left over");
        for (grant, (demand, weight)) in granted.iter().zip(&of) {
            for (other, (_, of_other)) in granted.iter().zip(&of) {
                // One that has less than it wants has no less for its weight than any other.
                let (own, others) = (u128::from(*grant + 1) * u128::from(*of_other), u128::from(*other) * u128::from(*weight));
                prop_assert!(grant == demand || own >= others, "{granted:?}");
            }
        }
    }

    #[test]
    fn caps_hold_each_run_below_its_share((bandwidth, of) in with_shares()) {
        let whole = Bandwidth::from_bytes_per_window(bandwidth);
        for (grant, (_, share)) in shared(Sharing::CAPPED, bandwidth, &of).iter().zip(&of) {
            let cap = whole.part(Share::from_millionths(*share).expect("a share")).bytes_per_window();
            prop_assert!(*grant <= cap);
        }
    }
}

/// Paces behind a cache of runs with demands of memory and cache.
fn behind_cache(memory: u64, cache: u64, of: &[(u64, u64)]) -> Vec<u64> {
    let running: Vec<Running> = of
        .iter()
        .enumerate()
        .map(|(at, (demand, cache))| Running {
            cache_demand: Bandwidth::from_bytes_per_window(*cache),
            ..run(at, *demand, Share::WHOLE)
        })
        .collect();
    let memory = Sharing::MAX_MIN.contention(Bandwidth::from_bytes_per_window(memory));
    grants(&mut BehindCache::new(memory, Bandwidth::from_bytes_per_window(cache)), &running)
}

proptest! {
    #![proptest_config(config(DEFAULT_CASES))]

    /// Of every rule behind a cache: what runs take of the memory fits it, what they take of the cache meanwhile fits that,
    /// and a run that is alone has its demand, as far as its share lets it.
    #[test]
    fn grants_fit_at_each_level(
        (memory, of) in with_shares(), cache in prop_oneof![1..400_u64, 1..1_u64 << 40],
        of_cache in prop::collection::vec(prop_oneof![1 => Just(0), 3 => 0..300_u64, 2 => 0..1_u64 << 40], 10),
        turn in any::<usize>(),
    ) {
        let running: Vec<Running> = of
            .iter()
            .zip(&of_cache)
            .enumerate()
            .map(|(at, ((demand, share), of_cache))| {
                // Parts sum to the whole.
                let share = Share::from_millionths(share / of.len() as u32).expect("a share");
                let whole = Bandwidth::from_bytes_per_window;
                Running { cache_demand: whole((*of_cache).min(cache)), ..run(at, (*demand).min(memory), share) }
            })
            .collect();
        let bandwidth = Bandwidth::from_bytes_per_window;
        for row in ContentionRow::built_in() {
            let mut rule = BehindCache::new(of_row(row).contention(bandwidth(memory)), bandwidth(cache));
            let paces = grants(&mut rule, &running);
            let (mut at_memory, mut at_cache) = (0, 0.0);
            for (run, pace) in running.iter().zip(&paces) {
                let (demand, of_cache) = (run.demand.bytes_per_window(), run.cache_demand.bytes_per_window());
                if demand == 0 {
                    prop_assert!(*pace <= of_cache);
                    at_cache += *pace as f64;
                    continue;
                }
                prop_assert!(*pace <= demand);
                at_memory += u128::from(*pace);
                // The slowest pace that there is does not count: it keeps a run from standing still.
                at_cache += if *pace > 1 { *pace as f64 * of_cache as f64 / demand as f64 } else { 0.0 };
            }
            prop_assert!(at_memory <= u128::from(memory), "{}", row.name);
            prop_assert!(at_cache <= cache as f64 * (1.0 + 1e-12), "{}: {at_cache} of {cache}", row.name);
            let mut turned = running.clone();
            turned.rotate_left(turn % running.len().max(1));
            let mut expected = paces;
            expected.rotate_left(turn % running.len().max(1));
            prop_assert_eq!(grants(&mut rule, &turned), expected, "{}", row.name);
            for run in &running {
                let demand = run.demand.min(of_row(row).alone(bandwidth(memory), run.share));
                let cap = bandwidth(memory).part(run.share);
                let demand = if row.name == "capped" { demand.min(cap) } else { demand };
                let expected = if run.demand == Bandwidth::ZERO { run.cache_demand } else { demand };
                let alone = grants(&mut rule, &[*run]);
                prop_assert_eq!(alone, vec![expected.bytes_per_window()], "{}", row.name);
            }
        }
    }
}

#[test]
fn a_run_goes_at_the_pace_of_the_slower_level() {
    // Both want 60 of 100 at the memory and have 50; the cache has room for both.
    assert_eq!(behind_cache(100, 1_000, &[(60, 200), (60, 300)]), [50, 50]);
    // The cache grants 100 of 200 and 100 of 300: half of 60, and a third.
    assert_eq!(behind_cache(100, 200, &[(60, 200), (60, 300)]), [30, 20]);
    // A run that the cache does not concern, and one without off-chip traffic.
    assert_eq!(behind_cache(100, 200, &[(80, 0), (40, 150), (0, 150)]), [60, 26, 100]);
    assert_eq!(behind_cache(100, 7, &[(100, 7)]), [100], "alone");
    assert_eq!(behind_cache(100, 1, &[(3, 1_000)]), [1], "at least one, so that nothing stands still");
}
