//! The loop against a second implementation on random cases, and what holds of the policy without defects.
//!
//! `RTMM_CASES` sets the number of random cases of each test.

use crate::planaria_second;

use std::collections::BTreeMap;

use planaria_second::{Run, published, without_defects};
use rtmm_reference::mersenne_twister::MersenneTwister;
use rtmm_reference::planaria::{
    Candidate, Case, FIXES, Fixes, Job, Layer, Model, Parameters, PlanariaError, Tiles, decide, run,
};
use rtmm_testkit::cases::at_least;
use rtmm_workload::ModelId;

struct Random(MersenneTwister);

impl Random {
    fn within(&mut self, low: u32, high: u32) -> u32 {
        low + self.0.below(high - low + 1)
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.0.below(choices.len() as u32) as usize]
    }

    /// Up to three networks of up to three layers, up to six jobs: light and heavy loads, tile counts that are equal or differ
    /// from one number of subarrays to another, arrivals together, close to each other and far apart.
    fn case(&mut self) -> Case {
        let subarrays = self.of(&[1, 2, 3, 5, 7, 16, 16]);
        let models: Vec<Model> = (0..self.within(1, 3)).map(|index| self.model(index, subarrays)).collect();
        let span = self.of(&[0, 100, 2_000, 20_000, 100_000]);
        let mut arrival_cycle = self.of(&[0, 0, 0, 300]);
        let jobs = (0..self.within(1, 6)).map(|number| {
            let priority = self.within(1, 12);
            let job = Job {
                number,
                model: ModelId::new(self.0.below(models.len() as u32) as usize),
                arrival_cycle,
                priority: self.of(&[5, 5, priority]),
            };
            let distance = self.within(0, span);
            arrival_cycle += u64::from(self.of(&[0, distance, distance]));
            job
        });
        let jobs = jobs.collect();
        Case::new(1.0, subarrays, models, jobs).unwrap_or_else(|error| panic!("{error}"))
    }

    fn model(&mut self, index: u32, subarrays: u32) -> Model {
        let kind = self.within(0, 2);
        let layers: Vec<Layer> = (0..self.within(1, 3))
            .map(|layer| {
                let (same, work) = (self.within(1, 14), self.within(20, 20_000));
                let tiles = (1..=subarrays).map(|on| {
                    let count = match kind {
                        0 => self.of(&[1, 2, 4, 8, 16]),
                        1 => same,
                        _ => self.within(1, 14),
                    };
                    let cycles = work / on / count + self.within(1, 9);
                    Tiles { count: count.into(), cycles: cycles.into() }
                });
                Layer { name: format!("l{layer}"), tiles: tiles.collect() }
            })
            .collect();
        let fastest: u64 =
            layers.iter().filter_map(|layer| layer.tiles.last()).map(|of| of.count * of.cycles).sum();
        let deadline_ms = fastest as f64 * self.of(&[0.8, 1.5, 3.0, 8.0, 30.0]) / 1e3;
        Model { name: format!("n{index}"), deadline_ms, layers }
    }
}

fn random(seed: u64) -> Random {
    Random(MersenneTwister::new(seed))
}

#[test]
fn the_loop_is_a_second_implementation_of_the_program_stops_included() {
    let mut seen: BTreeMap<u32, u64> = BTreeMap::new();
    let mut fired = [0; 12];
    let (mut draws, mut clean) = (0, 0);
    for seed in 0..at_least(3_000) {
        let case = random(seed).case();
        let outcome = run(&case, &Parameters { fixes: Fixes::default(), seed });
        let second = published(&case, seed);
        match outcome {
            Ok(outcome) => {
                assert_eq!(Ok(Run::of(&case, &outcome)), second, "{case:?}");
                for (sum, (_, count)) in fired.iter_mut().zip(outcome.fired.by_quirk()) {
                    *sum += count;
                }
                draws += outcome.fired.draws;
                *seen.entry(0).or_default() += 1;
                if !outcome.fired.is_clean() || case.jobs()[0].arrival_cycle > 0 {
                    continue;
                }
                // Without a defect but the first the program is the policy as it is meant.
                let own_ends = Fixes { own_ends: true, ..Fixes::default() };
                let own =
                    run(&case, &Parameters { fixes: own_ends, seed }).map(|own| sorted(Run::of(&case, &own)));
                let meant = without_defects(&case).map(sorted);
                assert_eq!(own.ok(), meant.ok(), "{case:?}");
                clean += 1;
            }
            Err(PlanariaError::Stopped { stop, .. }) => {
                assert_eq!(second, Err(stop.quirk()), "{case:?}");
                *seen.entry(stop.quirk()).or_default() += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    let stops: Vec<u32> = seen.keys().copied().collect();
    assert_eq!(stops, [0, 8, 11, 12, 16], "{seen:?}");
    assert!(fired.iter().all(|count| *count > 0) && draws > 0 && clean > 100, "{fired:?} {draws} {clean}");
}

/// The ends by job: the program reports those of one step in another order.
fn sorted(mut run: Run) -> Run {
    run.ends.sort_unstable();
    run
}

#[test]
fn without_defects_the_loop_is_the_policy_tile_by_tile_and_keeps_what_it_promises() {
    let (mut decisions, mut in_time, mut slowed) = (0, 0, 0);
    for seed in 0..at_least(3_000) {
        let case = random(seed).case();
        let outcome = run(&case, &Parameters { fixes: Fixes::all(), seed })
            .unwrap_or_else(|error| panic!("{error}: {case:?}"));
        assert_eq!(Ok(Run::of(&case, &outcome)), without_defects(&case), "{case:?}");
        let cycles: Vec<i64> = outcome.timeline.iter().map(|entry| entry.cycle).collect();
        assert!(cycles.is_sorted_by(|one, next| one < next), "time goes on: {cycles:?}");
        assert_eq!(outcome.ends.len(), case.jobs().len());
        for entry in &outcome.timeline {
            let shares: Vec<i64> = entry.jobs.iter().map(|job| job.subarrays).collect();
            assert!(shares.iter().all(|share| *share >= 0), "{shares:?}");
            assert_eq!(
                shares.iter().sum::<i64>(),
                i64::from(case.subarrays()),
                "all is handed out: {shares:?}"
            );
            decisions += 1;
        }
        for end in &outcome.ends {
            let job = case.job(end.job);
            let mut seen = outcome.timeline.iter().rev().filter_map(|entry| {
                entry.jobs.iter().find(|of| of.job == end.job).map(|of| (entry.fits, of))
            });
            let Some((fits, last)) = seen.next() else { panic!("job {} was never there", job.number) };
            let left = last.left_cycles.unwrap_or(i64::MAX) as f64;
            if fits && left <= last.slack_cycles {
                let response = (end.finish_cycle - job.arrival_cycle as i64) as f64;
                assert!(response <= case.relative_deadline_cycles(job), "{case:?}");
                in_time += 1;
            }
        }
        slowed += outcome.fired.slowed;
        assert!(outcome.fired.is_clean() && outcome.fired.late_ends == 0);
    }
    assert!(decisions > 3_000 && in_time > 1_000 && slowed > 0, "{decisions} {in_time} {slowed}");
}

#[test]
fn any_set_of_fixes_runs_and_none_stops_where_stops_are_fixed() {
    for seed in 0..at_least(3_000) {
        let mut random = random(seed);
        let case = random.case();
        let mut fixes = Fixes::default();
        FIXES.iter().filter(|_| random.within(0, 1) == 1).for_each(|row| (row.set)(&mut fixes));
        let is_stopped = |fixes| match run(&case, &Parameters { fixes, seed }) {
            Ok(outcome) => {
                assert_eq!(outcome.ends.len(), case.jobs().len());
                let goes_back = outcome.timeline.is_sorted_by_key(|entry| entry.cycle);
                assert!(goes_back || !fixes.no_undoing, "{fixes:?} {case:?}");
                false
            }
            Err(PlanariaError::Stopped { .. }) => true,
            Err(other) => panic!("{other}"),
        };
        let _ = is_stopped(fixes);
        let running = Fixes {
            shared_rest: true,
            overlapping_events: true,
            zero_scores: true,
            stated_tasks: true,
            bounded_shares: true,
            ..fixes
        };
        assert!(!is_stopped(running), "{running:?} {case:?}");
    }
}

#[test]
fn every_fix_changes_a_run_by_itself() {
    let of =
        |case: &Case, fixes| run(case, &Parameters { fixes, seed: 0 }).map(|outcome| Run::of(case, &outcome));
    for row in FIXES {
        let changes = (0..20_000).any(|seed| {
            let case = random(seed).case();
            of(&case, Fixes::default()) != of(&case, Fixes::only(row))
        });
        assert!(changes, "{}", row.name);
    }
}

#[test]
fn a_job_alone_gets_all_subarrays() {
    for seed in 0..at_least(1_000) {
        let mut random = random(seed);
        let subarrays = random.within(1, 40);
        let job = Candidate {
            number: 0,
            priority: random.within(1, 12),
            slack_cycles: f64::from(random.within(0, 2_000)) - 1_000.5,
            left_cycles: (0..subarrays).map(|_| i64::from(random.within(1, 1_500))).collect(),
        };
        let decision = decide(&[job], subarrays).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(decision.allocation, [i64::from(subarrays)]);
    }
}
