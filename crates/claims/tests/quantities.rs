//! Quantities by hand: cells whose values are told, and what is measured of them.
#![expect(clippy::disallowed_methods, reason = "writes a sweep file into a temporary folder")]
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::Path;

use rtmm_claims::file::publication_of;
use rtmm_claims::ledger::{Line, State, totals, totals_text};
use rtmm_claims::markdown;
use rtmm_claims::publication::Publication;
use rtmm_claims::quantity::Measured;
use rtmm_claims::resolution::{Asked, Resolution};
use rtmm_sweep::execute::{Options, Silent};
use rtmm_sweep::plan::{Cell, Plan};
use rtmm_sweep::runner::{Better, CellResult, PolicySchema, RunError, RunnerSpec, Schema, Value};
use rtmm_testkit::told_runner::{Told, column};
use rtmm_workload::input::Source;
use rtmm_workload::parameters::Integer;

const CAP: Integer<u8> = Integer::new("cap", "how much", 2, 0..=10);

/// Cost of a cell: 10 for `plain` and 6 for `new`, less 1 with a cap of 10, doubled on the second platform; scenarios with
/// randomness cost 1 more under even seeds.
fn cost(plan: &Plan<'_>, cell: &Cell) -> Result<CellResult, RunError> {
    let policy = plan.policy(cell);
    let base = if policy.name == "plain" { 10.0 } else { 6.0 };
    let cap = policy.parameter("cap").and_then(|cap| cap.integer()).unwrap_or(0);
    let capped = base - f64::from(u8::from(cap == 10));
    let platform = if plan.platform(cell).name.contains("dual") { 2.0 } else { 1.0 };
    let random = plan.varied_scenario(cell).random && cell.seed.is_multiple_of(2);
    let cost = capped * platform + f64::from(u8::from(random));
    if policy.name == "broken" {
        return Err(RunError::Failed { reason: "it was to fail".to_owned() });
    }
    Ok(CellResult { cell: vec![Value::Real(cost), Value::Real(cost)], ..CellResult::default() })
}

fn told() -> Told {
    let policy = |name: &'static str, schema: Schema| PolicySchema::new(name, "synthetic, for tests", schema);
    let policies = vec![
        policy("plain", Schema::default()),
        policy("new", Schema::of(&[&[&CAP]])),
        policy("broken", Schema::default()),
    ];
    let columns = vec![column("cost", "", Some(Better::Lower)), column("size", "", None)];
    Told { spec: RunnerSpec::new("told", policies, columns), give: cost }
}

const SWEEP: &str = r#"
runner = "told"
scenarios = ["xrbench/vr_gaming", "xrbench/ar_assistant"]
platforms = ["xrbench/single_4k_ws", "xrbench/dual_4k_ws_os"]
seeds = { first = 1, count = 10 }
[[policy]]
name = "plain"
[[policy]]
name = "new"
set = { cap = [2, 10] }
[[policy]]
name = "broken"
"#;

const READINGS: &str = r#"
title = "A policy"
source = "a venue"
[[reading]]
name = "exact"
description = "without randomness"
sweep = "told.toml"
where = { scenario = "xrbench/vr_gaming" }
[[reading]]
name = "exact-ten"
description = "the same with a cap of ten"
sweep = "told.toml"
where = { scenario = "xrbench/vr_gaming", cap = 10 }
[[reading]]
name = "random"
description = "with randomness"
sweep = "told.toml"
where = { scenario = "xrbench/ar_assistant", cap = 2 }
"#;

fn claim(number: u32, quantity: &str, bound: &str, readings: &str) -> String {
    format!(
        "[[claim]]\nnumber = {number}\ntext = \"it gains\"\nsource = \"abstract\"\nconfidence = \"read\"\n\
         quantity = {quantity}\nholds = {bound}\nreadings = {readings}\n"
    )
}

/// A file in a folder, with a sweep beside it.
fn publication(folder: &Path, claims: &[String]) -> Publication {
    fs::write(folder.join("told.toml"), SWEEP).expect("a sweep file");
    let path = folder.join("policy.toml");
    let text = format!("{READINGS}{}", claims.concat());
    let origin = rtmm_workload::input::Origin::File(path);
    publication_of(&Source::with_origin("policy.toml", text, origin)).expect("a sound file")
}

/// The value of each claim of one reading.
fn measure(claims: &[String]) -> Vec<Result<Measured, String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let publication = publication(folder.path(), claims);
    let asked = Asked::all(&publication);
    let told = told();
    let resolution =
        Resolution::of(&asked, &[&told]).unwrap_or_else(|problems| panic!("{}", problems.render(false)));
    let measured = resolution.measure(0, folder.path(), &Options::default(), &Silent).expect("measured");
    measured.measurements.into_iter().map(|measurement| measurement.measured).collect()
}

fn values(claims: &[String]) -> Vec<f64> {
    measure(claims).into_iter().map(|measured| measured.expect("a value").value).collect()
}

const NEW: &str = "of = { policy = \"new\" }, against = { policy = \"plain\" }";

#[test]
fn quantities_are_those_by_hand() {
    let exact = |kind: &str, more: &str| {
        let quantity = format!("{{ kind = \"{kind}\", column = \"cost\", {NEW}{more} }}");
        claim(1, &quantity, "{ above = 0 }", "[\"exact-ten\"]")
    };
    let claims: Vec<String> = [
        // 5/10 and 10/20.
        exact("ratio", ", across = \"geometric-mean\""),
        exact("reduction", ", across = \"geometric-mean\""),
        exact("reduction", ", across = \"largest\""),
        // 5 - 10 and 10 - 20.
        exact("difference", ""),
        exact("difference", ", across = \"largest\""),
        exact("difference", ", across = \"smallest\""),
        exact("difference", ", scale = 100"),
        exact("share", ""),
        // The one platform less the other.
        exact("difference", ", among = { platform = \"*/dual_*\" }, less_among = { platform = \"*/single_*\" }"),
        // Platforms instead of policies: 20 - 10 of plain.
        claim(
            1,
            "{ kind = \"difference\", column = \"cost\", of = { platform = \"*/dual_*\" }, against = { platform = \
             \"*/single_*\" }, among = { policy = \"plain\" } }",
            "{ above = 0 }",
            "[\"exact\"]",
        ),
        // The best of both caps.
        claim(
            1,
            "{ kind = \"ratio\", column = \"cost\", of = { policy = \"new\", choose = \"best\" }, against = { policy = \
             \"plain\" } }",
            "{ above = 0 }",
            "[\"exact\"]",
        ),
        claim(
            1,
            "{ kind = \"mean\", column = \"cost\", of = { policy = \"new\", cap = 2 } }",
            "{ above = 0 }",
            "[\"exact\"]",
        ),
    ]
    .into_iter()
    .enumerate()
    .map(|(index, text)| text.replace("number = 1\n", &format!("number = {}\n", index + 1)))
    .collect();
    let expected = [0.5, 50.0, 50.0, -7.5, -5.0, -10.0, -750.0, 100.0, -5.0, 10.0, 0.5, 9.0];
    let found = values(&claims);
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() < 1e-9, "claim {}: {found}, not {expected}", index + 1);
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn intervals_are_over_seeds_and_pairs_cancel() {
    let mean = "{ kind = \"mean\", column = \"cost\", of = { policy = \"new\", cap = 2 }, among = { platform = \
                \"*/single_*\" } }";
    let difference = format!(
        "{{ kind = \"difference\", column = \"cost\", {NEW}, among = {{ platform = \"*/single_*\" }} }}"
    );
    let measured = measure(&[
        claim(1, mean, "{ above = 6.3 }", "[\"random\"]"),
        claim(2, &difference, "{ below = 0 }", "[\"random\"]"),
    ]);
    let mean = measured[0].as_ref().unwrap();
    // Five of ten seeds cost 1 more.
    assert!((mean.value - 6.5).abs() < 1e-9);
    assert_eq!((mean.seeds, mean.places), (10, 1));
    let interval = mean.interval.unwrap();
    assert!(interval.low < 6.3 && interval.high > 6.7, "{interval:?}");
    // What seeds have in common cancels.
    let difference = measured[1].as_ref().unwrap();
    let interval = difference.interval.unwrap();
    assert!((interval.low + 4.0).abs() < 1e-9 && (interval.high + 4.0).abs() < 1e-9, "{interval:?}");
}

#[test]
fn only_the_cells_that_are_needed_run_and_none_twice() {
    let folder = tempfile::tempdir().unwrap();
    let claims = [claim(
        1,
        "{ kind = \"mean\", column = \"cost\", of = { policy = \"plain\" } }",
        "{ above = 0 }",
        "[\"exact\"]",
    )];
    let publication = publication(folder.path(), &claims);
    let asked = Asked::all(&publication);
    let told = told();
    let resolution = Resolution::of(&asked, &[&told]).unwrap();
    let needed = resolution.sweeps();
    // Two platforms and one policy of four; the other scenario is random, with ten seeds.
    assert_eq!((needed[0].cells, needed[0].of), (2, 2 * 4 * (1 + 10)));
    let run = |run, reused| {
        let measured = resolution.measure(0, folder.path(), &Options::default(), &Silent).unwrap();
        assert_eq!((measured.executed.run, measured.executed.reused), (run, reused));
    };
    run(2, 0);
    run(0, 2);
}

#[test]
fn what_fails_has_no_value_and_a_reason() {
    let quantity = "{ kind = \"mean\", column = \"cost\", of = { policy = \"broken\" } }";
    let measured = measure(&[claim(1, quantity, "{ above = 0 }", "[\"exact\"]")]);
    assert_eq!(measured[0].as_ref().unwrap_err(), "a cell that it needs failed, or gave no value");
}

#[test]
fn claims_that_a_sweep_does_not_have_are_refused_with_their_place() {
    let mean =
        |column: &str, of: &str| format!("{{ kind = \"mean\", column = \"{column}\", of = {{ {of} }} }}");
    let cases = [
        (mean("cots", "policy = \"plain\""), "the runner `told` has no column `cots`"),
        (mean("cost", "policy = \"older\""), "no cell of the sweep `told.toml` has the `policy` `older`"),
        (mean("cost", "depth = 3"), "no cell of the sweep `told.toml` has a `depth`"),
        (mean("cost", "cap = 3"), "no cell of the sweep `told.toml` has the `cap` `3`"),
        (mean("size", "policy = \"new\", choose = \"best\""), "neither more nor less of `size` is better"),
        (format!("{{ kind = \"ratio\", column = \"cost\", {NEW} }}"), "`of` has 2 candidates at one place"),
    ];
    for (quantity, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let publication = publication(folder.path(), &[claim(1, &quantity, "{ above = 0 }", "[\"exact\"]")]);
        let told = told();
        let problems = Resolution::of(&Asked::all(&publication), &[&told]).unwrap_err().render(false);
        assert!(problems.contains(expected) && problems.contains("policy.toml:"), "{expected}:\n{problems}");
    }
}

#[test]
fn lines_have_values_verdicts_and_commands() {
    let folder = tempfile::tempdir().unwrap();
    let quantity = format!("{{ kind = \"reduction\", column = \"cost\", {NEW} }}");
    let text = claim(1, &quantity, "{ at_least = 45 }", "[\"exact-ten\", \"random\"]");
    let publication =
        publication(folder.path(), &[text, claim(2, &quantity, "{ above = 0 }", "[\"random\"]")]);
    let measured = |value| {
        let measured = Measured { value, interval: None, seeds: 1, places: 2 };
        Some(State::Measured { measured, is_current: value > 45.0 })
    };
    let line = Line::new(&publication, &publication.claims[0], |reading| {
        measured(if reading.name == "random" { 39.0 } else { 50.0 })
    });
    assert_eq!(line.verdict_text(), "holds only under exact-ten");
    assert_eq!(line.ours(), ["exact-ten: 50.0 (holds)", "random: 39.0 (fails, before a change of inputs)"]);
    assert_eq!(line.bound(), "at least 45");
    assert_eq!(line.command(), "rtmm reproduce policy --claim 1");
    let missing = Line::new(&publication, &publication.claims[1], |_| Some(State::Missing));
    assert_eq!(missing.verdict_text(), "not measured here yet");
    assert_eq!(missing.ours(), ["random: not measured here yet"]);
    let lines = [line, missing];
    assert_eq!(totals(&lines), [0, 1, 0, 0, 1]);
    assert_eq!(totals_text(&lines), "1 holds only under, 1 not measured here yet");
    let page = markdown::verdicts(&lines);
    assert!(page.contains("| policy | 0 | 1 | 0 | 0 | 1 | 2 |"), "{page}");
    assert!(markdown::claims(&lines).contains("| policy 1 | it gains (abstract; read) |"));
    assert!(markdown::readings(&publication).contains("| `random` | with randomness | `told.toml` |"));
}
