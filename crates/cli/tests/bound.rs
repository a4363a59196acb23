//! `rtmm bound`: bounds in every format, beside policies, and what is said of bad input.
#![expect(clippy::disallowed_methods, reason = "this test reads the repository's own files")]
#![expect(clippy::expect_used, reason = "helpers of tests fail as tests do")]

use crate::common::Workspace;

const WINDOW: [&str; 9] = [
    "bound",
    "--scenario",
    "xrbench/ar_gaming",
    "--platform",
    "xrbench/dual_4k_ws_os",
    "--load",
    "4",
    "--window",
    "40ms",
];

fn bound(more: &[&str]) -> String {
    Workspace::new().rtmm(&[&WINDOW[..], more].concat()).success()
}

fn json(arguments: &[&str]) -> serde_json::Value {
    serde_json::from_str(&Workspace::new().rtmm(arguments).success()).expect("JSON")
}

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/bounds.md");

#[test]
fn the_page_shows_what_is_printed() {
    let page = std::fs::read_to_string(PAGE).expect("the page");
    let shown = page.split("```console\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a block");
    let (command, expected) = shown.split_once('\n').expect("a command and its output");
    let arguments: Vec<&str> = command.trim_start_matches("$ rtmm ").split(' ').collect();
    assert_eq!(Workspace::new().rtmm(&arguments).success(), expected);
}

#[test]
fn json_begins_with_the_four_numbers() {
    let printed = bound(&["--format", "json"]);
    let keys: Vec<&str> = printed.lines().skip(1).take(4).filter_map(|line| line.split('"').nth(1)).collect();
    assert_eq!(keys, ["late_jobs_lower", "late_jobs_upper", "energy_pj_lower", "certified"]);
    let report: serde_json::Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(report["certified"], true);
    assert_eq!((&report["late_jobs_lower"], &report["late_jobs_upper"]), (&0.into(), &0.into()));
    let energy = |key: &str| report[key].as_f64().expect("a number");
    assert!(0.0 < energy("energy_pj_lower") && energy("energy_pj_lower") <= energy("energy_pj_upper"));
    // Once more, the same.
    assert_eq!(printed, bound(&["--format", "json"]));
}

#[test]
fn no_policy_is_below_the_bounds() {
    let policies = ["--policies", "edf,edf:drop=infeasible,least-slack:drop=infeasible,dream-full"];
    let report: serde_json::Value =
        serde_json::from_str(&bound(&[&policies[..], &["--format", "json"]].concat())).expect("JSON");
    let policies = report["policies"].as_array().expect("policies");
    assert_eq!(policies.len(), 4);
    for policy in policies {
        assert!(policy["gap_to_lower"].as_i64() >= Some(0), "{policy}");
        assert!(policy["energy_ratio"].is_null() || policy["energy_ratio"].as_f64() >= Some(1.0), "{policy}");
    }
    let table = bound(&["--policies", "edf:drop=infeasible", "--format", "csv"]);
    assert!(table.starts_with("of,late_jobs,gap,energy_pj,over_bound\nlower bound,0,0,"), "{table}");
    assert!(table.contains("\nedf:drop=infeasible,"), "{table}");
}

#[test]
fn heavy_windows_are_certified() {
    let windows = [
        ("xrbench/vr_gaming", "xrbench/dual_4k_ws_os", "8", 12),
        ("dream/vr_gaming", "dream/dual_4k_ws_os", "6", 0),
        ("dream/ar_social", "dream/dual_4k_ws_os", "2", 2),
        ("dream/ar_social", "dream/dual_8k_ws_os", "3", 3),
    ];
    for (scenario, platform, load, late) in windows {
        let report = json(&[
            "bound",
            "--scenario",
            scenario,
            "--platform",
            platform,
            "--load",
            load,
            "--window",
            "33ms",
            "--format",
            "json",
        ]);
        let found = (&report["late_jobs_lower"], &report["late_jobs_upper"]);
        assert_eq!(found, (&late.into(), &late.into()), "{scenario} on {platform}");
    }
}

#[test]
fn weights_and_variants_are_choices() {
    let of = |more: &[&str]| {
        let window = [
            "bound",
            "--scenario",
            "dream/ar_social",
            "--platform",
            "dream/dual_4k_ws_os",
            "--load",
            "2",
            "--window",
            "33ms",
            "--format",
            "json",
        ];
        json(&[&window[..], more].concat())
    };
    let late = |report: &serde_json::Value, key: &str| report[key].as_u64().expect("a number");
    let plain = of(&[]);
    // Lighter variants make no window worse.
    assert!(late(&of(&["--variants"]), "late_jobs_lower") <= late(&plain, "late_jobs_upper"));
    assert_eq!(of(&["--weights", "period"])["weights"], "period");
}

#[test]
fn a_window_without_jobs_is_certified() {
    let workspace = Workspace::new();
    workspace.write(
        "late.toml",
        r#"source = "a test"
duration = "10ms"

[[task]]
name = "a"
model = "xrbench/es_ritnet"
rate_hz = 60
offset = "5ms"
"#,
    );
    let arguments = [
        "bound",
        "--scenario",
        "late.toml",
        "--platform",
        "xrbench/single_4k_ws",
        "--window",
        "4ms",
        "--format",
        "json",
    ];
    let report: serde_json::Value =
        serde_json::from_str(&workspace.rtmm(&arguments).success()).expect("JSON");
    assert_eq!((&report["jobs"], &report["certified"]), (&0.into(), &true.into()));
    assert_eq!((&report["late_jobs_lower"], &report["late_jobs_upper"]), (&0.into(), &0.into()));
    assert_eq!(report["energy_pj_lower"].as_f64(), Some(0.0));
}

#[track_caller]
fn refused(arguments: &[&str], expected: &str) {
    let outcome = Workspace::new().rtmm(&[&["bound"], arguments].concat());
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
    assert!(outcome.stderr.contains(expected), "{}", outcome.stderr);
}

#[test]
fn bad_input_is_told() {
    let scenario = ["--scenario", "xrbench/vr_gaming"];
    let both = [&scenario[..], &["--platform", "xrbench/dual_4k_ws_os"]].concat();
    let with = |more: &[&'static str]| [&both[..], more].concat();
    refused(&with(&["--window", "0ms"]), "it is zero");
    refused(&with(&["--window", "-4ms"]), "`--window -4ms` is no duration");
    refused(&with(&["--window", "soon"]), "`--window soon` is no duration");
    refused(&with(&["--load", "0"]), "`--load 0` is no factor");
    refused(&with(&["--load", "-2"]), "`--load -2` is no factor");
    refused(
        &with(&["--load", "1e9"]),
        "from 0.000001 to 1000000, such as 1.5: six decimals at most, and no exponent",
    );
    refused(&with(&["--load", "1000001"]), "`--load 1000001` is no factor");
    refused(&with(&["--policies", "edf:drop"]), "`drop` of the policy `edf:drop` has no `=`");
    refused(&with(&["--time-limit", "0s"]), "it is zero");
    refused(&with(&["--policies", "edff"]), "edf");
    refused(&with(&["--policies", "edf,sjf,edf"]), "is there twice");
    refused(&with(&["--effort", "0"]), "0 is not in");
    refused(&["--scenario", "xrbench/vr_gamin", "--platform", "xrbench/dual_4k_ws_os"], "xrbench/vr_gaming");
    refused(&[&scenario[..], &["--platform", "dual"]].concat(), "dual");
    refused(&[&scenario[..], &["--platform", "shared/quad_4k_ws_os_ws_os"]].concat(), "share memory");
}

const SWEEP: &str = r#"
runner = "engine"
scenarios = ["xrbench/ar_gaming"]
platforms = ["xrbench/dual_4k_ws_os", "shared/quad_4k_ws_os_ws_os"]
seeds = [1]
duration = "40ms"
load_factors = [4]
[[policy]]
name = "edf"
set = { drop = ["never", "infeasible"] }
"#;

/// Columns of the cells of a sweep by name: late jobs, their bound, the gap and the ratio of energies.
fn cells(settings: &str) -> Vec<[String; 4]> {
    let workspace = Workspace::new();
    workspace.write("gap.toml", format!("{SWEEP}{settings}"));
    workspace.rtmm(&["sweep", "gap.toml", "--output", "out", "--quiet"]).success();
    let mut reader = csv::Reader::from_path(workspace.path("out/cells.csv")).expect("cells");
    let header = reader.headers().expect("a header").clone();
    let names = ["late_jobs", "late_jobs_lower", "gap_to_bound", "energy_over_bound"];
    let places = names.map(|name| header.iter().position(|column| column == name).expect(name));
    reader.records().map(|row| row.expect("a row")).map(|row| places.map(|at| row[at].to_owned())).collect()
}

#[test]
fn cells_of_sweeps_stand_beside_bounds_where_that_is_asked_for() {
    assert!(cells("").iter().flatten().all(String::is_empty));
    let cells = cells("[settings]\nbounds = true\n");
    assert_eq!(cells.len(), 4);
    let mut bounded = 0;
    for [late, lower, gap, ratio] in cells {
        let late: i64 = late.parse().expect("a number");
        // Platforms that share memory have no bounds.
        let Ok(lower) = lower.parse::<i64>() else {
            assert_eq!((gap.as_str(), ratio.as_str()), ("", ""));
            continue;
        };
        bounded += 1;
        assert_eq!(gap, (late - lower).to_string());
        assert!(
            lower >= 0
                && late >= lower
                && (ratio.is_empty() || ratio.parse::<f64>().is_ok_and(|ratio| ratio >= 1.0))
        );
    }
    assert_eq!(bounded, 2);
    refused_setting();
}

fn refused_setting() {
    let run = ["run", "--scenario", "xrbench/vr_gaming", "--platform", "xrbench/dual_4k_ws_os"];
    let outcome = Workspace::new().rtmm(&[&run[..], &["--set", "bounds=true"]].concat());
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("a setting of sweeps"), "{}", outcome.stderr);
}
