//! `rtmm robust`, and sweeps that ask how far their ranking carries.
#![expect(clippy::disallowed_methods, reason = "these tests read what was written")]

use std::fs;

use serde_json::Value;

use crate::common::Workspace;

const ASKED: [&str; 12] = [
    "robust",
    "--scenario",
    "xrbench/vr_gaming",
    "--platform",
    "xrbench/dual_4k_ws_os",
    "--policies",
    "edf,fcfs",
    "--duration",
    "200ms",
    "--draws",
    "4",
    "--quiet",
];

fn asked<'a>(more: &[&'a str]) -> Vec<&'a str> {
    ASKED.iter().copied().chain(more.iter().copied()).collect()
}

#[test]
fn conclusions_are_told_with_their_margins() {
    let text = Workspace::new().rtmm(&asked(&["--cost-error", "15"])).success();
    assert!(text.contains("edf beats fcfs in energy unless layer costs are off by more than"), "{text}");
    assert!(text.contains("The cost models state an error of 15 % (stated by the user)."), "{text}");
    assert!(text.contains("Every pair, where layer costs are off by as much"), "{text}");
}

#[test]
fn forms_for_programs_say_the_same() {
    let workspace = Workspace::new();
    let more = ["--axis", "costs,rates", "--rounds", "0"];
    let json = workspace.rtmm(&asked(&[&more[..], &["--format", "json"]].concat())).success();
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((&json["format"], &json["version"]), (&"rtmm-robust".into(), &1.into()));
    let axes = json["axes"].as_array().expect("axes");
    assert_eq!(axes.iter().map(|axis| &axis["axis"]).collect::<Vec<_>>(), ["costs", "rates"]);
    assert_eq!(axes[0]["runs_per_policy"], 13);
    let csv = workspace.rtmm(&asked(&[&more[..], &["--format", "csv"]].concat())).success();
    // A pair in three metrics at three sizes along two axes, and a header.
    assert_eq!(csv.lines().count(), 1 + 3 * 3 * 2);
    for axis in axes {
        for contest in axis["contests"].as_array().expect("contests") {
            for point in contest["points"].as_array().expect("points") {
                let count = |name: &str| point[name].as_u64().expect("a count");
                assert_eq!(count("wins") + count("losses") + count("ties"), 4);
            }
        }
    }
}

#[test]
fn any_number_of_threads_prints_the_same() {
    let workspace = Workspace::new();
    let printed = |threads: &str, policies: &'static str| {
        let mut arguments = asked(&["--format", "csv", "--threads", threads, "--axis", "estimates"]);
        arguments[6] = policies;
        workspace.rtmm(&arguments).success()
    };
    assert_eq!(printed("1", "edf,fcfs,sjf"), printed("3", "sjf,fcfs,edf"));
}

#[test]
fn reports_have_a_page_and_figures() {
    let workspace = Workspace::new();
    workspace.rtmm(&asked(&["--report", "out", "--rounds", "0"])).success();
    let page = fs::read_to_string(workspace.path("out/index.html")).expect("a page");
    assert!(page.contains("rtmm robust --scenario xrbench/vr_gaming") && page.contains("Robustness: costs"));
    for file in ["tables.md", "figures/robustness.csv", "figures/robustness_costs_energy_pj.svg"] {
        assert!(workspace.path("out").join(file).is_file(), "{file}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_a_way_out() {
    let workspace = Workspace::new();
    let refused = |arguments: &[&str], message: &str, help: &str| {
        let outcome = workspace.rtmm(arguments);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{arguments:?}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(message) && outcome.stderr.contains(help), "{}", outcome.stderr);
    };
    let with = |position: usize, value: &'static str| {
        let mut arguments = ASKED.to_vec();
        arguments[position] = value;
        arguments
    };
    refused(&with(6, "edf"), "1 policy is in no contest", "name two or more");
    refused(&with(6, "edf,edf"), "is there twice", "set other parameters");
    refused(&with(6, "edf,efd"), "there is no policy `efd`", "edf");
    refused(&with(6, "edf,fcfs:drop=maybe"), "maybe", "infeasible");
    refused(&with(10, "0"), "0 draws", "1 to 10000");
    refused(&asked(&["--axis", "prices"]), "there is no axis `prices`", "technology");
    refused(&asked(&["--axis", "technology"]), "names no technology", "leave the axis out");
    refused(&asked(&["--sizes", "-5"]), "`-5` is no size of an error", "percent above 0");
    refused(&asked(&["--sizes", "0"]), "`0` is no size of an error", "percent above 0");
    refused(
        &asked(&["--axis", "rates", "--sizes", "300"]),
        "beyond those of the axis `rates`",
        "100 or less",
    );
    refused(&asked(&["--correlation", "-0.5"]), "the correlation -0.5", "write 0");
    refused(&asked(&["--metrics", "misses"]), "there is no metric `misses`", "deadline_violation_rate");
    refused(&asked(&["--seeds", "0"]), "0 seeds", "1 to 1000");
    refused(&asked(&["--seed", "18446744073709551615"]), "out of range", "smaller --seed");
    refused(&asked(&["--cost-error", "much"]), "`much` is no size of an error", "percent above 0");
    refused(&asked(&["--levels", "0"]), "0", "levels");
    // What is there twice, or changes nothing.
    refused(&asked(&["--sizes", "10,10.0"]), "the size `10` is there twice", "write it once");
    refused(&asked(&["--levels", "95,50,95"]), "the level `95` is there twice", "write it once");
    refused(&asked(&["--axis", "costs,costs"]), "the axis `costs` is there twice", "write it once");
    refused(
        &asked(&["--metrics", "energy_pj,energy_pj"]),
        "the metric `energy_pj` is there twice",
        "write it once",
    );
    let rates = |option: &'static str, value: &'static str| asked(&["--axis", "rates", option, value]);
    refused(&rates("--spread", "layer"), "`--spread` has no effect", "costs, estimates");
    refused(&rates("--cost-error", "15"), "`--cost-error` has no effect", "costs, estimates");
}

const SWEEP: &str = r#"
runner = "engine"
scenarios = ["xrbench/vr_gaming", "xrbench/ar_gaming"]
platforms = ["xrbench/dual_4k_ws_os"]
seeds = [1, 2]
duration = "200ms"
[[policy]]
name = "edf"
[[policy]]
name = "fcfs"
"#;

#[test]
fn sweeps_ask_how_far_their_ranking_carries() {
    let workspace = Workspace::new();
    let table = "[robust]\naxes = [\"costs\"]\ndraws = 3\nrounds = 0\nsizes = [5, 7.5]\nseeds = 2\n";
    workspace.write("asks.toml", format!("{SWEEP}{table}"));
    let printed = workspace.rtmm(&["sweep", "asks.toml", "--output", "out", "--quiet"]).success();
    assert!(printed.contains("Conclusions that survive, where layer costs are off by as much"), "{printed}");
    let page = fs::read_to_string(workspace.path("out/index.html")).expect("a page");
    for heading in ["Robustness: costs", "Significance"] {
        assert!(page.contains(heading), "{heading}");
    }
    let values = fs::read_to_string(workspace.path("out/figures/robustness.csv")).expect("values");
    assert_eq!(values.lines().count(), 1 + 3 * 2);
    workspace.rtmm(&["check", "asks.toml"]).success();
    // The table is no part of any cell.
    workspace.write("asks.toml", SWEEP);
    let again = workspace.rtmm(&["sweep", "asks.toml", "--output", "out", "--quiet"]);
    assert!(again.stderr.contains("0 run"), "{}", again.stderr);
}

#[test]
fn tables_of_sweeps_are_checked() {
    let workspace = Workspace::new();
    for (table, message) in [
        ("", "`axes`"),
        ("axes = []", "the study has no axes"),
        ("axes = [\"prices\"]", "there is no axis `prices`"),
        ("axes = [\"technology\"]", "technology_levels"),
        ("axes = [\"costs\"]\ndraws = 0", "draws"),
        ("axes = [\"costs\"]\nsizes = [-5]", "-5"),
        ("axes = [\"costs\"]\nsizes = [500]", "beyond those of the axis `costs`"),
        ("axes = [\"costs\"]\nspread = \"even\"", "even"),
        ("axes = [\"costs\"]\ncorrelation = 2", "correlation"),
        ("axes = [\"costs\"]\ndraw = 3", "draw"),
        ("axes = [\"costs\", \"costs\"]", "the axis `costs` is there twice"),
        ("axes = [\"costs\"]\nsizes = [10, 20, 10]", "the size `10` is there twice"),
        ("axes = [\"rates\"]\nspread = \"layer\"", "`spread` has no effect"),
        ("axes = [\"rates\"]\ncost_error = 15", "`cost_error` has no effect"),
        ("axes = [\"costs\"]\nmetrics = [\"misses\"]", "there is no metric `misses`"),
    ] {
        workspace.write("asks.toml", format!("{SWEEP}[robust]\n{table}\n"));
        for arguments in [&["check", "asks.toml"][..], &["sweep", "asks.toml", "--output", "out", "--quiet"]]
        {
            let outcome = workspace.rtmm(arguments);
            assert_eq!(outcome.code, 2, "{table}: {}", outcome.stderr);
            assert!(
                outcome.stderr.contains(message) && outcome.stderr.contains("asks.toml"),
                "{}",
                outcome.stderr
            );
        }
    }
}
