//! Single rules of the Planaria loop, worked out by hand: with the quirk and with its fix, and what no recording shows.

#![expect(clippy::expect_used, reason = "a broken fixture should fail loudly")]

use rtmm_reference::planaria::{
    Candidate, Case, Entry, FIXES, Fixes, Job, Layer, Model, Outcome, Parameters, PlanariaError, Stop, Tiles,
    decide, run,
};
use rtmm_workload::ModelId;

/// A job with estimates on 1 subarray, on 2, and so on.
fn candidate(number: u32, priority: u32, slack_cycles: f64, left_cycles: &[i64]) -> Candidate {
    Candidate { number, priority, slack_cycles, left_cycles: left_cycles.to_vec() }
}

#[track_caller]
fn decided(jobs: &[Candidate], fits: bool, allocation: &[i64]) {
    let decision = decide(jobs, jobs[0].left_cycles.len() as u32).expect("a decision");
    assert_eq!((decision.fits, decision.allocation.as_slice()), (fits, allocation));
}

/// A network of one layer on up to `tiles.len()` subarrays: tiles and cycles of each.
fn network(name: &str, deadline_ms: f64, tiles: &[(u64, u64)]) -> Model {
    let tiles = tiles.iter().map(|&(count, cycles)| Tiles { count, cycles }).collect();
    Model { name: name.to_owned(), deadline_ms, layers: vec![Layer { name: "l".to_owned(), tiles }] }
}

/// Jobs of networks, as (network, arrival, priority), at 1 MHz: a millisecond is 1000 cycles.
fn case(models: Vec<Model>, jobs: &[(usize, u64, u32)]) -> Case {
    let subarrays = models[0].layers[0].tiles.len() as u32;
    let job = |(index, &(model, arrival_cycle, priority)): (usize, &(usize, u64, u32))| Job {
        number: index as u32,
        model: ModelId::new(model),
        arrival_cycle,
        priority,
    };
    let jobs = jobs.iter().enumerate().map(job).collect();
    Case::new(1.0, subarrays, models, jobs).expect("a case")
}

fn run_with(case: &Case, fixes: Fixes) -> Result<Outcome, PlanariaError> {
    run(case, &Parameters { fixes, seed: 1 })
}

fn fixed(names: &[&str]) -> Fixes {
    let mut fixes = Fixes::default();
    for name in names {
        let row = FIXES.iter().find(|row| row.name == *name).expect("a fix");
        (row.set)(&mut fixes);
    }
    fixes
}

/// Ends by job.
fn ends(outcome: &Outcome) -> Vec<i64> {
    let mut ends = outcome.ends.clone();
    ends.sort_by_key(|end| end.job);
    ends.iter().map(|end| end.finish_cycle).collect()
}

fn cycles(outcome: &Outcome) -> Vec<i64> {
    outcome.timeline.iter().map(|entry| entry.cycle).collect()
}

fn shares(entry: &Entry) -> Vec<i64> {
    entry.jobs.iter().map(|job| job.subarrays).collect()
}

#[track_caller]
fn stopped(result: Result<Outcome, PlanariaError>) -> (i64, Stop) {
    match result {
        Err(PlanariaError::Stopped { cycle, stop }) => (cycle, stop),
        other => panic!("{other:?}"),
    }
}

#[test]
fn halves_are_rounded_to_even() {
    // Two equal jobs need one each; a spare one is half a one for each, which rounds to none, and goes to the first. Rounded
    // up, each would have two, and the first would give one back.
    let equal = |all: usize| [0, 1].map(|number| candidate(number, 5, 1000.0, &vec![100; all]));
    decided(&equal(3), true, &[2, 1]);
    // One and a half is two, and two and a half are two as well.
    decided(&equal(5), true, &[2, 3]);
    decided(&equal(7), true, &[4, 3]);
}

#[test]
fn an_estimate_that_equals_the_slack_fits_and_deadlines_are_not_rounded() {
    let least = |slack_cycles| {
        let decision = decide(&[candidate(0, 1, slack_cycles, &[101, 80])], 2).expect("a decision");
        decision.min_in_time
    };
    assert_eq!([101.0, 100.6, 79.5].map(least), [vec![Some(1)], vec![Some(2)], vec![None]]);
    // 0.1006 ms are 100.6 cycles.
    let case = case(vec![network("n", 0.1006, &[(1, 101), (1, 80)])], &[(0, 0, 1)]);
    assert_eq!(case.relative_deadline_cycles(&case.jobs()[0]), (0.1006 * 1e-3) * 1e6);
    let outcome = run_with(&case, Fixes::default()).expect("a run");
    assert_eq!(outcome.timeline[0].jobs[0].min_in_time, Some(2));
}

#[test]
fn scores_are_summed_in_the_order_of_the_queue_where_all_fit() {
    // The shares of 13 spare ones are 2, 7 and 3 by a sum from left to right, and 2, 8 and 3 by one from right to left.
    let job = |number, priority, left| candidate(number, priority, 1000.0, &[left; 16]);
    decided(&[job(0, 7, 42), job(1, 5, 10), job(2, 3, 15)], true, &[4, 8, 4]);
}

#[test]
fn scores_are_summed_in_descending_order_where_some_fit() {
    // The shares are 3, 5 and 5; in the order of the queue the sum is its neighbour, and the second share 4.
    let job = |number, priority, slack| candidate(number, priority, slack, &[10; 16]);
    let late = candidate(3, 1, -10.0, &[10; 16]);
    decided(&[job(0, 12, 30.0), job(1, 9, 17.0), job(2, 12, 20.0), late], false, &[4, 6, 6, 0]);
}

#[test]
fn scores_are_products_of_reciprocals_where_some_fit() {
    // 3 / 110 / 6 and 3 / 132 / 5 are the same number, of which products of reciprocals are two different doubles.
    let least = |number, slack, least: usize| {
        let left: Vec<i64> = (1..=8).map(|on| if on < least { 200 } else { 100 }).collect();
        candidate(number, 3, slack, &left)
    };
    decided(&[least(0, 110.0, 6), least(1, 132.0, 5)], false, &[3, 5]);
}

#[test]
fn late_jobs_share_by_how_little_is_left_the_shortest_first() {
    // Shares of five are 2.6, 1.6 and 0.8, which round to six: the job with most left goes without.
    let job = |number, left| candidate(number, 1, -1.0, &[left; 5]);
    decided(&[job(0, 26), job(1, 8), job(2, 13)], false, &[0, 3, 2]);
    // Of equals, the first.
    decided(&[job(0, 10), job(1, 10)], false, &[3, 2]);
}

#[test]
fn a_job_that_no_longer_fits_gets_what_is_left() {
    let job = |number, priority| candidate(number, priority, 100.0, &[150, 150, 90, 80]);
    decided(&[job(0, 1), job(1, 2), job(2, 1)], false, &[1, 3, 0]);
    // A job that has no slack is late, even if nothing else is there to be in time.
    decided(&[candidate(0, 1, 0.0, &[1, 1]), candidate(1, 1, 5.0, &[4, 3])], false, &[0, 2]);
}

#[test]
fn decisions_of_what_makes_no_sense_are_refused() {
    let good = candidate(0, 1, 10.0, &[5, 4]);
    assert_eq!(decide(&[], 2), Err(PlanariaError::NoJobs));
    let bad = [
        Candidate { priority: 0, ..good.clone() },
        Candidate { priority: 13, ..good.clone() },
        Candidate { slack_cycles: f64::NAN, ..good.clone() },
        Candidate { slack_cycles: f64::INFINITY, ..good.clone() },
        Candidate { left_cycles: vec![5], ..good.clone() },
        Candidate { left_cycles: vec![5, 0], ..good.clone() },
    ];
    for job in bad {
        let error = decide(&[job], 2).expect_err("an error");
        assert!(matches!(error, PlanariaError::OutOfRange { .. }), "{error}");
    }
    assert!(decide(std::slice::from_ref(&good), 0).is_err() && decide(&[good], 2).is_ok());
}

#[test]
fn a_job_ends_at_the_barrier_unless_fixed() {
    // Two subarrays, one each: the first job ends at 60, when the second is in its tile of 100 cycles.
    let models = || vec![network("n", 1.0, &[(1, 60), (1, 60)]), network("m", 1.0, &[(2, 100), (2, 100)])];
    let case = case(models(), &[(0, 0, 5), (1, 0, 5)]);
    let outcome = run_with(&case, Fixes::default()).expect("a run");
    assert_eq!((ends(&outcome), cycles(&outcome)), (vec![100, 200], vec![0, 0, 100]));
    assert_eq!(outcome.fired.late_ends, 1);
    let fixed = run_with(&case, fixed(&["own-ends"])).expect("a run");
    assert_eq!((ends(&fixed), cycles(&fixed)), (vec![60, 200], cycles(&outcome)));
}

#[test]
fn equal_jobs_end_one_by_one_and_divide_by_zero_unless_fixed() {
    let case = case(vec![network("n", 1.0, &[(1, 60), (1, 50)])], &[(0, 0, 5), (0, 0, 5)]);
    // At 60 both have ended, one stays, and its score is the only one.
    let (cycle, stop) = stopped(run_with(&case, Fixes::default()));
    assert_eq!((cycle, stop, stop.quirk()), (60, Stop::NoScores, 12));
    let one_by_one = run_with(&case, fixed(&["zero-scores"])).expect("a run");
    assert_eq!((ends(&one_by_one), cycles(&one_by_one)), (vec![60, 60], vec![0, 0, 60]));
    assert_eq!((one_by_one.fired.waiting_finished, one_by_one.timeline[2].jobs[0].left_cycles), (1, Some(0)));
    let both = run_with(&case, fixed(&["all-ends"])).expect("a run");
    assert_eq!((ends(&both), cycles(&both)), (vec![60, 60], vec![0, 0]));
}

#[test]
fn jobs_arrive_one_by_one_unless_fixed() {
    let case =
        case(vec![network("n", 1.0, &[(4, 60), (4, 50), (4, 40)])], &[(0, 0, 5), (0, 10, 5), (0, 10, 9)]);
    let outcome = run_with(&case, fixed(&["overlapping-events", "zero-scores"])).expect("a run");
    assert_eq!(cycles(&outcome)[..3], [0, 40, 40]);
    assert_eq!(
        outcome.timeline[..3].iter().map(shares).collect::<Vec<_>>(),
        [vec![3], vec![2, 1], vec![1, 1, 1]]
    );
    assert_eq!(outcome.fired.past_arrivals, 1);
    let fixed =
        run_with(&case, fixed(&["overlapping-events", "zero-scores", "all-arrivals"])).expect("a run");
    assert_eq!((cycles(&fixed)[..2].to_vec(), shares(&fixed.timeline[1])), (vec![0, 40], vec![1, 1, 1]));
}

#[test]
fn a_step_back_undoes_tiles_unless_fixed() {
    // One subarray each. A tile of 100 cycles holds the barrier until two more jobs are there, and the step back to the
    // second of them undoes 16 tiles of 5 cycles.
    let long = network("long", 9.0, &[(50, 100); 3]);
    let short = network("short", 9.0, &[(500, 5); 3]);
    let case = case(vec![long, short], &[(0, 0, 5), (1, 0, 5), (0, 10, 5), (0, 20, 5)]);
    let done = |fixes| {
        let outcome = run_with(&case, fixes).expect("a run");
        let of_second = |entry: &Entry| entry.jobs.get(1).map(|job| (entry.cycle, job.fraction));
        (outcome.timeline.iter().filter_map(of_second).take(3).collect::<Vec<_>>(), outcome.fired.undone)
    };
    let base = ["overlapping-events", "zero-scores"];
    let (places, undone) = done(fixed(&base));
    assert_eq!(places[..2], [(0, 0.0), (100, 2.0 / 500.0)]);
    assert_eq!((places[2], undone), ((100, 2.0 / 500.0 - 16.0 / 500.0), 1));
    let (places, undone) = done(fixed(&["overlapping-events", "zero-scores", "no-undoing"]));
    assert_eq!((places[2], undone), ((100, 2.0 / 500.0), 0));
}

#[test]
fn rounding_costs_a_tile_unless_progress_is_exact() {
    // A job of another priority arrives after 7 of 10 tiles, and gets nothing: 3 tiles are left, of which rounding makes 4.
    let case = case(vec![network("n", 9.0, &[(10, 10)])], &[(0, 0, 12), (0, 70, 1)]);
    let of = |fixes| {
        let outcome = run_with(&case, fixes).expect("a run");
        assert_eq!((cycles(&outcome)[1], shares(&outcome.timeline[1])), (70, vec![1, 0]));
        (outcome.timeline[1].jobs[0].left_cycles, ends(&outcome)[0], outcome.fired.inexact)
    };
    assert_eq!(of(Fixes::default()), (Some(40), 110, 1));
    assert_eq!(of(fixed(&["exact-progress"])), (Some(30), 100, 0));
}

#[test]
fn late_jobs_of_equal_shares_stay_idle_unless_fixed() {
    // Half a subarray for each is none.
    let case = case(vec![network("n", 0.01, &[(2, 60)])], &[(0, 0, 5), (0, 0, 5)]);
    let (cycle, stop) = stopped(run_with(&case, Fixes::default()));
    assert_eq!((cycle, stop, stop.quirk()), (0, Stop::AllIdle, 8));
    let outcome = run_with(&case, fixed(&["shared-rest"])).expect("a run");
    assert_eq!((ends(&outcome), shares(&outcome.timeline[1])), (vec![120, 240], vec![1, 0]));
}

#[test]
fn one_of_several_is_drawn_unless_the_rest_is_handed_out_in_order() {
    // Of seven subarrays three equal jobs need one each. The four spare ones are a third more than one for each, and the one
    // that rounding leaves is drawn for; in the decision before, of two jobs, there was one to be drawn for, too.
    let models = || vec![network("n", 9.0, &[(4, 60); 7])];
    let case = case(models(), &[(0, 0, 5), (0, 0, 5), (0, 0, 5)]);
    let third = |seed, fixes| {
        let outcome = run(&case, &Parameters { fixes, seed });
        outcome.map_or_else(
            |error| panic!("{error}"),
            |outcome| (shares(&outcome.timeline[2]), outcome.fired.draws),
        )
    };
    let base = fixed(&["zero-scores", "overlapping-events"]);
    let drawn: Vec<Vec<i64>> = (0..4).map(|seed| third(seed, base).0).collect();
    assert_eq!(drawn, DRAWN);
    // The third draw is when two jobs are left.
    assert_eq!(third(0, base).1, 3);
    let ordered = Fixes { ordered_rest: true, ..base };
    assert_eq!((0..4).map(|seed| third(seed, ordered)).collect::<Vec<_>>(), vec![(vec![3, 2, 2], 0); 4]);
}

/// Shares of three equal jobs after `random.seed` with 0 to 3, by Python 3.11: its first draw is of `[0, 1]`, its second of
/// `[0, 1, 2]`, and gives 1, 2, 0 and 2.
const DRAWN: [[i64; 3]; 4] = [[2, 3, 2], [2, 2, 3], [3, 2, 2], [2, 2, 3]];

#[test]
fn overlapping_events_stop_unless_fixed() {
    // The second job arrives at 55; the first is in its tile until 60, when it ends.
    let tie = case(vec![network("n", 9.0, &[(1, 60)])], &[(0, 0, 5), (0, 55, 5)]);
    let (cycle, stop) = stopped(run_with(&tie, Fixes::default()));
    assert_eq!((cycle, stop), (0, Stop::ArrivalReachesEnd { barrier: 60, end: 60 }));
    // It arrives as the first ends.
    let end = case(vec![network("n", 9.0, &[(1, 60)])], &[(0, 0, 5), (0, 60, 5)]);
    let (cycle, stop) = stopped(run_with(&end, Fixes::default()));
    assert_eq!((cycle, stop, stop.quirk()), (0, Stop::EndReachesArrival { barrier: 60, arrival: 60 }, 11));
    for case in [tie, end] {
        assert_eq!(ends(&run_with(&case, Fixes::all()).expect("a run")), [60, 120]);
    }
}

#[test]
fn the_first_job_arrives_at_zero_and_keys_may_be_the_same_unless_fixed() {
    let late = case(vec![network("n", 9.0, &[(1, 60)])], &[(0, 300, 5)]);
    assert_eq!(ends(&run_with(&late, Fixes::default()).expect("a run")), [60]);
    let stated = run_with(&late, fixed(&["stated-tasks"])).expect("a run");
    assert_eq!((ends(&stated), cycles(&stated)), (vec![360], vec![300]));
    let models = || vec![network("n", 9.0, &[(1, 60)]), network("n1", 9.0, &[(1, 60)])];
    let same = case(models(), &[(1, 0, 5), (0, 10, 5)]);
    let (_, stop) = stopped(run_with(&same, Fixes::default()));
    assert_eq!((stop, stop.quirk()), (Stop::SameKey { first: 0, second: 1 }, 14));
    assert!(run_with(&same, Fixes::all()).is_ok());
}

#[test]
fn an_empty_queue_shifts_the_next_job_unless_fixed() {
    let case = case(vec![network("n", 9.0, &[(2, 50)])], &[(0, 0, 5), (0, 1000, 5), (0, 1500, 5)]);
    // The first job ends at 100, by a step of 100. The second takes 1000 + 100 for its arrival, and the clock goes on to 200;
    // the step to its end is 100, too, so that the third takes 1500 + 300.
    let outcome = run_with(&case, Fixes::default()).expect("a run");
    assert_eq!(cycles(&outcome), [0, 100, 200, 300, 400]);
    assert_eq!((ends(&outcome), outcome.fired.empty_queues), (vec![100, 1200, 1900], 2));
    assert_eq!((outcome.timeline[1].fits, outcome.timeline[1].jobs.len()), (true, 0));
    let fixed = run_with(&case, fixed(&["one-clock"])).expect("a run");
    assert_eq!((ends(&fixed), cycles(&fixed)), (vec![100, 1100, 1600], vec![0, 1000, 1500]));
}

#[test]
fn cases_that_make_no_sense_are_refused() {
    let good = || network("n", 1.0, &[(1, 60), (1, 50)]);
    let job = Job { number: 0, model: ModelId::new(0), arrival_cycle: 5, priority: 5 };
    let with = |change: &dyn Fn(&mut Model)| {
        let mut model = good();
        change(&mut model);
        Case::new(1.0, 2, vec![model], vec![job])
    };
    let results = [
        Case::new(0.0, 2, vec![good()], vec![job]),
        Case::new(f64::NAN, 2, vec![good()], vec![job]),
        Case::new(1.0, 0, vec![good()], vec![job]),
        Case::new(1.0, 3, vec![good()], vec![job]),
        with(&|model| model.deadline_ms = -1.0),
        with(&|model| model.layers.clear()),
        with(&|model| model.layers[0].tiles[1].count = 0),
        with(&|model| model.layers[0].tiles[1].cycles = (1 << 53) + 1),
        with(&|model| model.layers[0].tiles[1] = Tiles { count: u64::MAX, cycles: u64::MAX }),
        Case::new(1.0, 2, vec![good()], vec![]),
        Case::new(1.0, 2, vec![good()], vec![Job { priority: 13, ..job }]),
        Case::new(1.0, 2, vec![good()], vec![Job { model: ModelId::new(1), ..job }]),
        Case::new(1.0, 2, vec![good()], vec![Job { arrival_cycle: u64::MAX, ..job }]),
        Case::new(1.0, 2, vec![good()], vec![job, job]),
        Case::new(1.0, 2, vec![good()], vec![job, Job { number: 1, arrival_cycle: 4, ..job }]),
    ];
    let messages: Vec<String> = results.map(|result| result.expect_err("an error").to_string()).to_vec();
    assert_eq!(
        messages,
        [
            "the clock is out of its range",
            "the clock is out of its range",
            "the number of subarrays is out of its range",
            "layer `l` of model `n` does not state tiles, and cycles above zero, for 1 to 3 subarrays",
            "the relative deadline is out of its range",
            "model `n` has no layers",
            "layer `l` of model `n` does not state tiles, and cycles above zero, for 1 to 2 subarrays",
            "model `n` takes more than 2^53 cycles on some number of subarrays",
            "model `n` takes more than 2^53 cycles on some number of subarrays",
            "there are no jobs",
            "the priority is out of its range",
            "job 0 is of a model that the case does not have",
            "the arrival is out of its range",
            "two jobs have the number 0",
            "job 1 arrives before the one in front of it",
        ]
    );
}

#[test]
fn runs_that_64_bits_do_not_count_are_refused() {
    let model = network("n", 1.0, &[(1, 1 << 53)]);
    let jobs: Vec<(usize, u64, u32)> = vec![(0, 1 << 53, 5); 1100];
    let error = run_with(&case(vec![model], &jobs), Fixes::all()).expect_err("an error");
    assert_eq!(error, PlanariaError::TooManyCycles);
}
