//! Properties of analyses, and probabilities that can be computed by hand.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use rtmm_hardware::{Level as TechnologyLevel, Mode, load as hardware};
use rtmm_robust::{
    AxisRow, Contest, Outcome, Place, Size, Spread, Stated, Study, StudyError, analyse, report,
};
use rtmm_runners::engine::Engine;
use rtmm_sweep::execute::Silent;
use rtmm_sweep::runner::CellRunner;
use rtmm_workload::input::Source;
use rtmm_workload::random::normal_probability;
use rtmm_workload::{Legality, load};

fn built_in(scenario: &str, platform: &str) -> Place {
    let mut workload = load::workload(scenario, None, Legality::Strict).unwrap();
    workload.scenario.duration = rtmm_workload::Duration::from_milliseconds(200).unwrap();
    let levels = TechnologyLevel::ALL.map(|(level, _)| format!("{platform}@{level}"));
    let at = |level: usize| hardware::platform(&levels[level], None, Mode::Corrected).unwrap();
    let own = hardware::platform(platform, None, Mode::Corrected).unwrap();
    let levels = own.technology.is_some().then(|| [at(0), at(2)]);
    Place { levels, ..Place::new(workload, own) }
}

fn by_hand(scenario: &str, platform: &str) -> Place {
    let workload = load::workload_of(&Source::new("scenario.toml", scenario), Legality::Strict).unwrap();
    let platform = hardware::platform_of(&Source::new("platform.toml", platform), Mode::Corrected).unwrap();
    Place::new(workload, platform)
}

fn study(places: Vec<Place>, policies: &[&str]) -> Study {
    let policies = rtmm_robust::policies(Engine::built_in().spec(), policies, &[] as &[&str]).unwrap();
    Study { draws: 6, rounds: 2, ..Study::new(places, policies) }
}

fn outcome(study: &Study, axes: &[&str]) -> Outcome {
    analyse(Engine::built_in(), study, &Study::axes(axes).unwrap(), &Silent).unwrap()
}

fn refused(study: &Study, axis: &str) -> StudyError {
    study.check(Engine::built_in().spec(), &Study::axes(&[axis]).unwrap()).unwrap_err()
}

/// What contests say, without the names of anything.
fn said(outcome: &Outcome) -> Vec<&Contest> {
    outcome.axes.iter().flat_map(|axis| &axis.contests).collect()
}

const POLICIES: [&str; 4] = ["edf", "fcfs", "dream-full", "planaria:subarrays=16"];

#[test]
fn errors_of_no_size_change_nothing() {
    let axes: Vec<&str> = AxisRow::ALL.iter().map(|row| row.name).collect();
    let place = || built_in("dream/vr_gaming", "technology/dual_4k_ws_os");
    let mut study = study(vec![place()], &["edf", "fcfs", "dream-full"]);
    (study.sizes, study.rounds, study.draws) = (vec![Size::ZERO], 0, 2);
    study.seeds = vec![1, 2];
    for axis in &outcome(&study, &axes).axes {
        for contest in &axis.contests {
            let point = contest.points[0];
            let expected = if contest.is_tied { (0, 0, 2) } else { (2, 0, 0) };
            assert_eq!((point.wins, point.losses, point.ties), expected, "{axis:?}");
        }
    }
}

#[test]
fn neither_threads_nor_the_order_of_policies_change_a_byte() {
    let of = |policies: &[&str], threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let study = study(vec![built_in("dream/ar_social", "dream/dual_4k_ws_os")], policies);
        pool.install(|| {
            let outcome = outcome(&study, &["costs", "estimates", "rates"]);
            let page = report::report(&outcome, "a test", "rtmm robust").files();
            (report::csv(&outcome), report::json(&outcome).unwrap().to_string(), page)
        })
    };
    let first = of(&POLICIES, 1);
    assert!(first.0.lines().count() > 50);
    let reversed: Vec<&str> = POLICIES.into_iter().rev().collect();
    assert!(of(&reversed, 3) == first);
}

#[test]
fn an_analysis_costs_no_more_than_it_says() {
    let study = Study {
        draws: 16,
        rounds: 3,
        ..study(vec![built_in("dream/ar_social", "dream/dual_4k_ws_os")], &POLICIES[..2])
    };
    let outcome = outcome(&study, &["costs"]);
    assert!(outcome.axes[0].runs_per_policy <= 100, "{}", outcome.axes[0].runs_per_policy);
    for contest in said(&outcome) {
        assert!(contest.points.iter().all(|point| point.draws() == 16));
        assert!(contest.points.is_sorted_by_key(|point| point.size));
        for margin in &contest.margins {
            assert!(margin.flips.is_none_or(|flips| margin.holds < flips));
        }
    }
}

/// All times twice as long, and a clock of half the frequency: every value is the same, or twice.
#[test]
fn scaling_all_costs_and_all_times_alike_changes_nothing() {
    let place = |factor: u32| {
        let scenario = format!(
            r#"
            source = "a test"
            duration = "{}ms"
            [[task]]
            name = "a"
            model = "xrbench/kd_res8_narrow"
            period = "{}us"
            [[task]]
            name = "b"
            model = "xrbench/kd_res8_narrow"
            period = "{}us"
            deadline = "{}us"
            "#,
            50 * factor,
            100 * factor,
            150 * factor,
            90 * factor
        );
        let platform = format!(
            r#"
            source = "a test"
            clock_mhz = {}
            [[accelerator]]
            name = "ws"
            model = "maestro"
            dataflow = "WS"
            pes = 256
            noc_bandwidth = 16
            [[accelerator]]
            name = "os"
            model = "maestro"
            dataflow = "OS"
            pes = 512
            noc_bandwidth = 32
            "#,
            1000 / factor
        );
        by_hand(&scenario, &platform)
    };
    let of = |factor: u32| {
        // What is not shared is addressed by the accelerator, whose clock is another one.
        let policies = ["edf", "fcfs:placement=first-idle", "sjf", "dream-mapscore"];
        let study = Study { correlation: 1.0, ..study(vec![place(factor)], &policies) };
        outcome(&study, &["costs", "estimates", "rates"])
    };
    let (once, twice) = (of(1), of(2));
    let points = |outcome: &Outcome| {
        said(outcome)
            .into_iter()
            .map(|contest| (contest.winner, contest.loser, contest.points.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(points(&once), points(&twice));
    assert!(said(&once).iter().any(|contest| !contest.is_tied && contest.margins[0].flips.is_some()));
}

/// Two policies that each run all jobs on an accelerator of their own. Energies have independent log-normal factors, so that
/// the probability that the lower one stays the lower is Phi(ln(ratio) / (sqrt(2) ln(1 + size))).
#[test]
fn probabilities_are_those_of_the_distribution() {
    let scenario = r#"
        source = "a test"
        duration = "100ms"
        [[task]]
        name = "a"
        model = "xrbench/kd_res8_narrow"
        period = "20ms"
    "#;
    let platform = r#"
        source = "a test"
        [[accelerator]]
        name = "small"
        model = "maestro"
        dataflow = "OS"
        pes = 64
        noc_bandwidth = 4
        [[accelerator]]
        name = "large"
        model = "maestro"
        dataflow = "WS"
        pes = 4096
        noc_bandwidth = 256
    "#;
    let policies = ["fcfs:placement=first-idle", "fcfs:placement=fastest-idle"];
    let study = Study {
        metrics: vec!["energy_pj".to_owned()],
        spread: Spread::Accelerator,
        correlation: 0.0,
        draws: 1_000,
        rounds: 0,
        sizes: [5, 20, 50].map(Size::of_percent).to_vec(),
        ..study(vec![by_hand(scenario, platform)], &policies)
    };
    let outcome = outcome(&study, &["costs"]);
    let [contest] = &outcome.axes[0].contests[..] else { panic!("one contest") };
    assert!(!contest.is_tied, "{contest:?}");
    let ratio = contest.values[1].unwrap() / contest.values[0].unwrap();
    for point in &contest.points {
        let expected =
            normal_probability(libm::log(ratio) / (2.0_f64.sqrt() * libm::log(1.0 + point.size.share())));
        // Five standard errors of a thousand draws.
        let error = 5.0 * (expected * (1.0 - expected) / 1_000.0).sqrt() + 1e-9;
        assert!((point.probability() - expected).abs() <= error, "{point:?}: {expected}, ratio {ratio}");
    }
}

/// Neither policy asks what a layer takes, and energies are judged by the truth.
#[test]
fn wrong_profiles_do_not_touch_policies_that_read_none() {
    let place = built_in("dream/ar_social", "dream/dual_4k_ws_os");
    let policies = ["fcfs:placement=first-idle", "edf:placement=first-idle", "sjf"];
    let study = Study { sizes: vec![Size::of_percent(300)], rounds: 0, ..study(vec![place], &policies) };
    let outcome = outcome(&study, &["estimates"]);
    let reads = |contest: &&Contest| [contest.winner, contest.loser].contains(&2);
    assert_eq!(outcome.policies[2], "sjf");
    for contest in said(&outcome).iter().filter(|contest| !reads(contest)) {
        let point = contest.points[0];
        let expected = if contest.is_tied { (0, 0, 6) } else { (6, 0, 0) };
        assert_eq!((point.wins, point.losses, point.ties), expected, "{contest:?}");
    }
}

#[test]
fn what_cannot_be_asked_is_refused_with_a_way_out() {
    let place = || built_in("xrbench/vr_gaming", "xrbench/dual_4k_ws_os");
    let sound = || study(vec![place()], &["edf", "fcfs"]);
    let spec = Engine::built_in().spec();
    assert_eq!(sound().check(spec, &Study::axes(&["costs"]).unwrap()), Ok(()));
    for (study, axis, message) in [
        (study(vec![place()], &["edf"]), "costs", "1 policy is in no contest"),
        (study(vec![place()], &["edf", "edf"]), "costs", "is there twice"),
        (Study { draws: 0, ..sound() }, "costs", "0 draws are not between 1 and 10000"),
        (Study { rounds: 33, ..sound() }, "costs", "33 rounds are not between 0 and 32"),
        (Study { seeds: Vec::new(), ..sound() }, "costs", "0 seeds are not between 1 and 1000"),
        (Study { correlation: 1.5, ..sound() }, "costs", "the correlation 1.5 is not between 0 and 1"),
        (Study { correlation: f64::NAN, ..sound() }, "costs", "the correlation NaN is not between 0 and 1"),
        (Study { metrics: vec!["misses".to_owned()], ..sound() }, "costs", "there is no metric `misses`"),
        (Study { places: Vec::new(), ..sound() }, "costs", "the study has no places"),
        (
            Study { sizes: vec![Size::of_percent(150)], ..sound() },
            "rates",
            "150 % are beyond those of the axis `rates`",
        ),
        (sound(), "technology", "names no technology"),
    ] {
        let error = refused(&study, axis);
        assert!(error.to_string().contains(message), "{error}");
        assert!(!error.help().is_empty(), "{error}");
    }
    let error = Study::axes(&["prices"]).unwrap_err();
    assert_eq!(error.to_string(), "there is no axis `prices`");
    assert!(error.help().contains("rates"), "{}", error.help());
    for (text, message) in [("efd", "there is no policy `efd`"), ("edf:drops=1", "drops")] {
        let error = rtmm_robust::policies(spec, &[text], &[] as &[&str]).unwrap_err();
        assert!(error.to_string().contains(message) && !error.help().is_empty(), "{error}");
    }
}

#[test]
fn conclusions_within_the_stated_error_are_marked() {
    let place = built_in("dream/ar_social", "dream/dual_4k_ws_os");
    let mut study = study(vec![place], &["edf", "fcfs", "sjf"]);
    assert_eq!(study.stated.error, None);
    let sentence = study.stated.sentence();
    assert!(sentence.contains("not stated"), "{sentence}");
    study.stated = Stated::by_user(Size::of_percent(300));
    let outcome = outcome(&study, &["costs", "rates"]);
    let page = report::report(&outcome, "a test", "rtmm robust");
    let text = page.to_markdown();
    assert!(text.contains("within stated error") && text.contains("300 %"), "{text}");
    let costs = page.figures.iter().find(|figure| figure.name.starts_with("robustness_costs")).unwrap();
    assert!(costs.svg.as_str().contains("stated error"));
    let rates = page.figures.iter().find(|figure| figure.name.starts_with("robustness_rates"));
    assert!(rates.is_none_or(|figure| !figure.svg.as_str().contains("stated error")));
}

/// A calibrated accelerator states the error that calibrations were measured to have.
#[test]
fn calibrated_cost_models_state_their_error() {
    let platform = r#"
        source = "a test"
        [[accelerator]]
        name = "npu"
        model = "maestro"
        dataflow = "WS"
        pes = 256
        noc_bandwidth = 16
        calibration = { a_us_per_kb = 0.1, b_us_per_us = 1, c_us = 10 }
        [[accelerator]]
        name = "plain"
        model = "maestro"
        dataflow = "WS"
        pes = 256
        noc_bandwidth = 16
    "#;
    let scenario = "source = \"a test\"\nduration = \"10ms\"\n[[task]]\nname = \"a\"\nmodel = \"xrbench/kd_res8_narrow\"\nperiod = \"5ms\"\n";
    let stated = Stated::of(&[by_hand(scenario, platform)]);
    assert_eq!(stated.error, Some(Size::parse("21.2").unwrap()));
    assert_eq!(stated.without.len(), 1);
    assert!(stated.sentence().starts_with("Cost models state an error of 21.2 %"), "{}", stated.sentence());
}

#[test]
fn several_systems_are_one_conclusion() {
    let places = ["dream/dual_4k_ws_os", "dream/dual_8k_ws_os", "dream/dual_4k_ws_ws"];
    let places = places.map(|platform| built_in("dream/ar_social", platform)).to_vec();
    let study = Study { rounds: 0, seeds: vec![1, 2, 3], ..study(places, &["edf", "fcfs"]) };
    let outcome = outcome(&study, &["costs"]);
    assert_eq!(outcome.places.len(), 3);
    assert_eq!(outcome.axes[0].contests.len(), 3);
    assert!(outcome.tests.iter().any(|test| test.systems.is_some()), "{:?}", outcome.tests);
    assert!(outcome.tests.iter().all(|test| test.systems.is_none_or(|p| (0.0..=1.0).contains(&p))));
}

#[test]
fn contests_of_a_place_are_those_of_it_by_itself() {
    let places = ["dream/dual_4k_ws_os", "dream/dual_8k_ws_os"];
    let places = places.map(|platform| built_in("dream/ar_social", platform)).to_vec();
    let of = |places: Vec<Place>| {
        let study = Study { rounds: 0, ..study(places, &["edf", "fcfs", "dream-full"]) };
        outcome(&study, &["costs", "rates"])
    };
    let together = of(places.clone());
    for (place, alone) in places.into_iter().map(|place| of(vec![place])).enumerate() {
        for (together, alone) in together.axes.iter().zip(&alone.axes) {
            assert_eq!(together.by_place[place], alone.contests, "{}", alone.axis.name);
            assert_eq!(alone.by_place[0], alone.contests, "one system is the mean over it");
        }
    }
    let wins = |contests: &[Contest]| -> u32 {
        contests.iter().flat_map(|contest| &contest.points).map(|point| point.wins).sum()
    };
    let [one, other] = [0, 1].map(|place| &together.axes[0].by_place[place]);
    assert_ne!(wins(one), wins(other), "places that would be told apart by nothing test nothing");
}
