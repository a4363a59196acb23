//! The answer of a report: rankings against a second computation, what is claimed and what is not, and pages whole.

mod common;

use std::collections::BTreeSet;

use common::{Give, Told, assert_well_formed, column, report_of};
use rtmm_report::{Report, ReportRun};
use rtmm_sweep::execute::in_memory;
use rtmm_sweep::file::read_source;
use rtmm_sweep::plan::{Cell, Plan};
use rtmm_sweep::ranking::{Competitors, Ranking, Sampling, Standings, Verdict, worst};
use rtmm_sweep::runner::{Better, CellResult, Column, PolicySchema, RunError, RunnerSpec, Schema, Value};
use rtmm_workload::input::Source;
use rtmm_workload::random::{Draws, Stream};

const POLICIES: [&str; 5] = ["swift", "steady", "same", "greedy", "frugal"];

/// Misses that differ from seed to seed alike under all policies; `swift` and `steady` by noise that cancels.
fn misses(plan: &Plan<'_>, cell: &Cell) -> f64 {
    let seed = cell.seed as f64;
    let scenario = f64::from(plan.scenario(cell).name.ends_with("ar_assistant"));
    let load = plan.varied_scenario(cell).number("load_factor").unwrap_or(1.0);
    let shared = 0.02 * load + 0.01 * scenario + 0.018 * libm::sin(seed * 0.7);
    let noise = scenario * if cell.seed.is_multiple_of(2) { 0.001 } else { -0.0009 };
    shared
        + match plan.policy(cell).name.as_ref() {
            "steady" | "same" => noise,
            "greedy" => 0.003 + noise / 4.0,
            "frugal" => 0.03,
            _ => 0.0,
        }
}

fn spent(plan: &Plan<'_>, cell: &Cell) -> f64 {
    let base = 5e9 + 1e7 * libm::sin(cell.seed as f64);
    match plan.policy(cell).name.as_ref() {
        "frugal" => 0.8 * base,
        "greedy" => 1.2 * base,
        _ => base,
    }
}

const GIVE: Give = |plan, cell| {
    let values = [misses(plan, cell), spent(plan, cell)].map(Value::Real);
    Ok(CellResult { cell: values.into(), ..CellResult::default() })
};

fn runner(policies: &[&'static str], give: Give) -> Told {
    let policies = policies.iter().map(|name| PolicySchema::new(*name, "", Schema::default())).collect();
    let columns = vec![
        Column { label: "miss rate", ..column("misses", "share", Some(Better::Lower)) },
        column("energy_pj", "picojoules", None),
    ];
    let mut spec = RunnerSpec::new("told", policies, columns);
    spec.expenses = vec!["energy_pj"];
    Told { spec, give }
}

/// A sweep of policies; scenarios with an arrival of chance.
fn sweep(policies: &[&str], scenarios: &[&str], loads: &[u32], seeds: u32) -> String {
    let quoted =
        |names: &[&str]| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let policies: String = policies.iter().map(|name| format!("[[policy]]\nname = \"{name}\"\n")).collect();
    format!(
        "description = \"Which policy?\"\nrunner = \"told\"\nscenarios = [{}]\nplatforms = [\"xrbench/single_4k_ws\"]\n\
         load_factors = {loads:?}\nseeds = {{ first = 1, count = {seeds} }}\n{policies}",
        quoted(scenarios)
    )
}

/// The first is random, the second is not.
const SCENARIOS: [&str; 2] = ["xrbench/ar_assistant", "xrbench/vr_gaming"];

fn with_results<T>(
    runner: &Told,
    text: &str,
    take: impl FnOnce(&rtmm_sweep::results::Results<'_>) -> T,
) -> T {
    let read =
        read_source(&Source::new("sweep.toml", text), &[runner]).unwrap_or_else(|error| panic!("{error}"));
    let results = in_memory(&read.plan).unwrap_or_else(|error| panic!("{error}"));
    take(&results)
}

#[test]
fn a_small_report_reads_like_this() {
    let text = sweep(&POLICIES, &SCENARIOS, &[1, 2], 20);
    let report = report_of(&runner(&POLICIES, GIVE), &text);
    let ranking = report.tables[0].table.to_markdown();
    insta::assert_snapshot!(format!("{}\n\n{ranking}", report.conclusion.join("\n\n")));
}

/// The direct way: each resample draws seeds, takes the mean over them in each place, and the mean over places.
fn slowly(places: &[Vec<f64>], seeds: u64) -> (f64, f64, f64) {
    let draws = Draws::new(0, Stream::Bootstrap, "mean");
    let over = |drawn: &dyn Fn(&[f64]) -> f64| {
        places.iter().map(|values| if values.len() == 1 { values[0] } else { drawn(values) }).sum::<f64>()
            / places.len() as f64
    };
    let mean = over(&|values| values.iter().sum::<f64>() / values.len() as f64);
    let mut resampled: Vec<f64> = (0..2_000)
        .map(|resample| {
            let drawn: Vec<usize> =
                (0..seeds).map(|draw| draws.below(resample, draw, seeds) as usize).collect();
            over(&|values| drawn.iter().map(|seed| values[*seed]).sum::<f64>() / drawn.len() as f64)
        })
        .collect();
    resampled.sort_by(f64::total_cmp);
    let at = |fraction: f64| {
        let position = fraction * (resampled.len() - 1) as f64;
        let (low, high) = (resampled[position.floor() as usize], resampled[position.ceil() as usize]);
        low + (high - low) * position.fract()
    };
    (mean, at(0.025), at(0.975))
}

#[test]
fn rankings_and_intervals_are_those_of_a_second_computation() {
    let text = sweep(&POLICIES, &SCENARIOS, &[1, 2], 20);
    with_results(&runner(&POLICIES, GIVE), &text, |results| {
        let plan = results.plan();
        let ranking = Ranking::of(results, 0, None).unwrap();
        let places = |policy: usize, minus: Option<usize>| -> Vec<Vec<f64>> {
            let of = |group: &[Cell]| -> Vec<f64> {
                let value = |cell: &Cell, policy: usize| {
                    let same = |other: &&Cell| {
                        (other.scenario, other.seed, other.policy.index())
                            == (cell.scenario, cell.seed, policy)
                    };
                    misses(plan, plan.cells().iter().find(same).unwrap())
                };
                let one = |cell: &Cell| value(cell, policy) - minus.map_or(0.0, |other| value(cell, other));
                group.iter().map(one).collect()
            };
            plan.groups().filter(|group| group[0].policy.index() == policy).map(of).collect()
        };
        let mut order: Vec<(usize, f64)> =
            (0..POLICIES.len()).map(|policy| (policy, slowly(&places(policy, None), 20).0)).collect();
        order.sort_by(|left, right| left.1.total_cmp(&right.1));
        let found: Vec<usize> = ranking.ranked.iter().map(|ranked| ranked.competitor).collect();
        let best = found[0];
        for (ranked, (_, expected)) in ranking.ranked.iter().zip(&order) {
            assert!((ranked.value - expected).abs() < 1e-12);
            let (_, low, high) = slowly(&places(ranked.competitor, None), 20);
            let interval = ranked.interval.unwrap();
            assert!((interval.low - low).abs() < 1e-12 && (interval.high - high).abs() < 1e-12);
            let (mean, low, high) = slowly(&places(ranked.competitor, Some(best)), 20);
            match ranked.verdict {
                Verdict::Best | Verdict::Equal => assert!(mean.abs() < 1e-15),
                Verdict::NotToldApart(difference) | Verdict::Behind(difference) => {
                    let interval = difference.interval.unwrap();
                    assert!((difference.value - mean).abs() < 1e-12);
                    assert!((interval.low - low).abs() < 1e-12 && (interval.high - high).abs() < 1e-12);
                    let is_behind = matches!(ranked.verdict, Verdict::Behind(_));
                    assert_eq!(is_behind, low > 0.0 || high < 0.0, "{ranked:?}");
                }
                Verdict::Unknown(_) => panic!("{ranked:?}"),
            }
        }
        // Their own intervals overlap, and yet `greedy` is told apart: what seeds share cancels.
        let by_name = |name: &str| {
            ranking.ranked.iter().find(|ranked| POLICIES[ranked.competitor] == name).copied().unwrap()
        };
        let (first, greedy) = (ranking.ranked[0], by_name("greedy"));
        assert!(greedy.interval.unwrap().low < first.interval.unwrap().high);
        assert!(matches!(greedy.verdict, Verdict::Behind(_)));
        let (cell, value) = worst(results, 0).unwrap();
        let all = plan.cells().iter().map(|cell| misses(plan, cell));
        assert_eq!(value, all.fold(0.0, f64::max));
        assert_eq!(misses(plan, cell), value);
    });
}

#[test]
fn pairs_are_tested_over_seeds_and_over_systems() {
    let text = sweep(&POLICIES, &SCENARIOS, &[1, 2], 20);
    let at = |name: &str| POLICIES.iter().position(|known| *known == name).unwrap();
    with_results(&runner(&POLICIES, GIVE), &text, |results| {
        let standings = Standings::of(results, Competitors::Policies, 0).unwrap();
        let pairs = [("swift", "frugal"), ("steady", "same"), ("swift", "steady")];
        let tests = standings.tests(&pairs.map(|(one, other)| (at(one), at(other))));
        // All 20 seeds and all four systems have one sign; two pairs differ at all.
        assert_eq!((tests[0].seeds, tests[0].places), (Some(2.0 * 2.0_f64.powi(-19)), Some(2.0 * 0.125)));
        assert_eq!((tests[0].above, tests[0].below), (0, 4));
        assert_eq!((tests[1].seeds, tests[1].places, tests[1].difference), (None, None, 0.0));
        // Noise in one scenario, under both loads.
        assert_eq!((tests[2].places, tests[2].above + tests[2].below), (Some(0.5), 2));
        assert!(tests[2].seeds.unwrap() > 0.05, "{:?}", tests[2]);
    });
    let report = report_of(&runner(&POLICIES, GIVE), &text);
    let table = report.tables.iter().find(|table| table.name == "significance_misses").unwrap();
    assert!(!table.on_terminal);
    let table = table.table.to_csv();
    let row = |one: &str, other: &str| {
        table.lines().find(|line| line.starts_with(&format!("{one},{other},"))).unwrap().to_owned()
    };
    assert!(row("swift", "frugal").ends_with(",over seeds"), "{table}");
    assert!(row("swift", "steady").ends_with(",no"), "{table}");
    let alone = report_of(&runner(&POLICIES, GIVE), &sweep(&POLICIES[..1], &SCENARIOS, &[1], 20));
    assert!(alone.tables.iter().all(|table| !table.name.starts_with("significance")));
}

#[test]
fn nothing_is_claimed_of_too_few_seeds() {
    let runner = runner(&POLICIES, GIVE);
    let report = report_of(&runner, &sweep(&POLICIES, &SCENARIOS, &[1], 3));
    let said = report.conclusion.join(" ");
    assert!(
        said.contains("3 seeds are too few for intervals, which need 10: the order may be chance."),
        "{said}"
    );
    assert!(!said.contains("told apart"), "{said}");
    let verdicts = report.tables[0].table.to_csv();
    assert!(verdicts.contains("unknown") && !verdicts.contains("behind"), "{verdicts}");
}

#[test]
fn what_is_not_random_is_exact() {
    let report = report_of(&runner(&POLICIES, GIVE), &sweep(&POLICIES, &SCENARIOS[1..], &[1], 20));
    let said = report.conclusion.join(" ");
    assert!(said.contains("Nothing in these scenarios is random: values are exact."), "{said}");
    assert!(!said.contains("interval"), "{said}");
}

#[test]
fn equal_policies_are_ranked_by_what_they_spend() {
    let give: Give = |plan, cell| {
        let values = [0.25, spent(plan, cell)].map(Value::Real);
        Ok(CellResult { cell: values.into(), ..CellResult::default() })
    };
    let report = report_of(&runner(&POLICIES, give), &sweep(&POLICIES, &SCENARIOS, &[1], 12));
    assert_eq!(report.conclusion[0], "The miss rate is the same under every choice, in each case: 25.00 %.");
    assert!(
        report.conclusion[1].starts_with("Nothing spends less energy than `frugal`: "),
        "{:?}",
        report.conclusion
    );
}

#[test]
fn the_expense_is_the_widest_that_all_results_have() {
    let give_all: Give = |plan, cell| {
        let values = [misses(plan, cell), spent(plan, cell), -spent(plan, cell)].map(Value::Real);
        Ok(CellResult { cell: values.into(), ..CellResult::default() })
    };
    let give_some: Give = |plan, cell| {
        let whole = match plan.scenario(cell).name.ends_with("vr_gaming") {
            true => Value::Missing,
            false => Value::Real(1.0),
        };
        let values = [Value::Real(misses(plan, cell)), Value::Real(spent(plan, cell)), whole];
        Ok(CellResult { cell: values.into(), ..CellResult::default() })
    };
    let expense = |give: Give, scenarios: &[&str]| {
        let mut runner = runner(&POLICIES, give);
        runner.spec.cell_columns.push(column("platform_energy_pj", "picojoules", None));
        runner.spec.expenses = vec!["platform_energy_pj", "energy_pj"];
        with_results(&runner, &sweep(&POLICIES, scenarios, &[1], 2), |results| results.expense())
    };
    assert_eq!(expense(give_all, &SCENARIOS), Some(2));
    assert_eq!(expense(give_some, &SCENARIOS), Some(1), "one scenario has no value of it");
    assert_eq!(expense(give_some, &SCENARIOS[..1]), Some(2));
}

/// `frugal` completes a tenth of its jobs and is first by cost and energy; `swift` completes the most.
#[test]
fn a_metric_that_leaving_work_undone_wins_is_told_with_numbers() {
    let give: Give = |plan, cell| {
        let name = plan.policy(cell).name.clone();
        let completed = match name.as_ref() {
            "frugal" => 0.1,
            "steady" => 0.95,
            _ => 1.0,
        };
        let cost = if name == "steady" { 1.0 } else { 2.0 } * completed;
        let values = [misses(plan, cell), spent(plan, cell), cost, completed].map(Value::Real);
        Ok(CellResult { cell: values.into(), ..CellResult::default() })
    };
    let with = |completions: Option<&'static str>| {
        let mut runner = runner(&POLICIES, give);
        runner.spec.cell_columns.push(Column { label: "cost", ..column("cost", "", Some(Better::Lower)) });
        runner.spec.cell_columns.push(Column { summarised: true, ..column("completed", "share", None) });
        runner.spec.completions = completions;
        assert_eq!(runner.spec.faults(), Vec::<String>::new());
        report_of(&runner, &sweep(&POLICIES, &SCENARIOS, &[1], 12)).conclusion
    };
    let told = with(Some("completed"));
    let paragraph = told.iter().find(|text| text.contains("is first by")).unwrap();
    assert_eq!(
        paragraph,
        "`frugal` is first by cost (0.200) and energy (4.00 mJ), and completes 10.00 % of the jobs, where `swift` completes \
         100.00 %. Leaving work undone makes them better: none of them is enough by itself. Of those that complete at least \
         90 % of that, first are `steady` by cost (0.950) and `swift` by energy (5.00 mJ)."
    );
    assert!(with(None).iter().all(|text| !text.contains("is first by")));
}

#[test]
fn completions_are_a_column_of_numbers() {
    let mut runner = runner(&POLICIES, GIVE);
    runner.spec.completions = Some("completed");
    assert_eq!(runner.spec.faults(), ["completions `completed`: it is no cell column of numbers"]);
}

#[test]
fn a_policy_that_lacks_a_value_is_not_ranked() {
    let give: Give = |plan, cell| match plan.policy(cell).name.as_ref() {
        "greedy" if plan.scenario(cell).name.ends_with("vr_gaming") => {
            Err(RunError::Failed { reason: "it was to fail".to_owned() })
        }
        _ => GIVE(plan, cell),
    };
    let report = report_of(&runner(&POLICIES, give), &sweep(&POLICIES, &SCENARIOS, &[1], 12));
    let said = report.conclusion.join("\n");
    assert!(said.contains("`greedy` lacks a value in some of the runs, and is in no ranking."), "{said}");
    assert!(!report.tables[0].table.to_csv().contains("greedy"));
    assert_eq!(report.groups.last().map(String::as_str), Some("Failures"));
}

#[test]
fn sampling_is_that_of_the_scenario_with_the_fewest_seeds() {
    let sampling = |seeds: u32, scenarios: &[&str]| {
        let text = sweep(&POLICIES, scenarios, &[1], seeds);
        with_results(&runner(&POLICIES, GIVE), &text, |results| {
            Standings::of(results, Competitors::Policies, 0).unwrap().sampling()
        })
    };
    assert_eq!(sampling(20, &SCENARIOS), Sampling::Seeds(20));
    assert_eq!(sampling(9, &SCENARIOS), Sampling::Few(9));
    assert_eq!(sampling(1, &SCENARIOS), Sampling::Few(1));
    assert_eq!(sampling(20, &SCENARIOS[1..]), Sampling::Exact);
}

/// Values of an attribute, as often as they are there.
fn attribute<'h>(html: &'h str, name: &str) -> Vec<&'h str> {
    let start = format!(" {name}=\"");
    html.split(&start).skip(1).map(|rest| rest.split('"').next().unwrap_or_default()).collect()
}

/// Holds a page to what every page promises.
#[track_caller]
fn assert_whole(report: &Report) {
    let files = report.files();
    let names: BTreeSet<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), files.len(), "two files of one name");
    let Some((last, html)) = files.last() else { panic!("no files") };
    assert_eq!(last, "index.html");
    assert_well_formed(html);
    let ids = attribute(html, "id");
    let distinct: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), distinct.len(), "an anchor twice");
    let links: Vec<&str> = attribute(html, "href").into_iter().chain(attribute(html, "src")).collect();
    for link in &links {
        match link.strip_prefix('#') {
            Some(id) => assert!(distinct.contains(id), "no anchor {id}"),
            None => assert!(
                names.contains(link) || report.files_beside.iter().any(|file| file == link),
                "no file {link}"
            ),
        }
    }
    for (name, text) in files.iter().filter(|(name, _)| *name != "index.html") {
        assert!(links.contains(&name.as_str()), "{name} is not linked");
        if name.ends_with(".svg") {
            assert_well_formed(text);
        }
    }
    for section in ids.iter().filter(|id| !id.starts_with("group_")) {
        assert!(links.contains(&format!("#{section}").as_str()), "{section} is not in the index");
    }
    for outside in ["<script", "@import", "url(", "http://", "https://"] {
        let own = html.replace("http://www.w3.org/2000/svg", "");
        assert!(!own.contains(outside), "the page needs {outside}");
    }
    assert!(html.contains("@media print"));
}

const MANY: [&str; 20] = [
    "p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", "p12", "p13", "p14", "p15",
    "p16", "p17", "p18", "p19",
];

#[test]
fn pages_of_all_shapes_are_whole() {
    let give: Give = |plan, cell| {
        let policy = cell.policy.index() as f64;
        let values = [misses(plan, cell) + policy * 0.001, spent(plan, cell) * (1.0 - policy * 0.01)];
        Ok(CellResult { cell: values.map(Value::Real).into(), ..CellResult::default() })
    };
    let twelve = [
        "xrbench/ar_assistant",
        "xrbench/ar_gaming",
        "xrbench/vr_gaming",
        "xrbench/outdoor_activity_a",
        "xrbench/outdoor_activity_b",
        "xrbench/social_interaction_a",
        "xrbench/social_interaction_b",
        "dream/ar_call",
        "dream/ar_social",
        "dream/drone_indoor",
        "dream/drone_outdoor",
        "dream/vr_gaming",
    ];
    let ten = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    for policies in [&MANY[..1], &MANY[..]] {
        for scenarios in [&twelve[..1], &twelve[..]] {
            for loads in [&ten[..1], &ten[..]] {
                let text = sweep(policies, scenarios, loads, 2);
                let mut report = report_of(&runner(&MANY, give), &text);
                report.files_beside = vec!["cells.csv".to_owned()];
                report.run = Some(ReportRun {
                    name: "worst_run".to_owned(),
                    title: "The worst run".to_owned(),
                    caption: "`a` on `b` <c>".to_owned(),
                    command: "rtmm run --sweep 'a b' --cell 1".to_owned(),
                    svg: "<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>".to_owned(),
                });
                assert_whole(&report);
                let has = |name: &str| report.figures.iter().any(|figure| figure.name == name);
                assert_eq!(has("trade_off"), policies.len() > 1, "a point a policy");
                assert_eq!(
                    has("over_load_factor"),
                    policies.len() > 1 && loads.len() > 1 && scenarios.len() > 1
                );
                assert!(!report.conclusion.is_empty());
            }
        }
    }
}
