//! `rtmm run --compat planaria`: what it prints and writes on good input, and what it says to bad input.
#![expect(clippy::disallowed_methods, reason = "these tests read what was written")]

use crate::common;

use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;

use common::Workspace;
use serde_json::{Value, json};

/// Recordings of the published scheduler, a line each: a name, a tab, and a case file.
const RECORDINGS: &[u8] = include_bytes!("../../reference/tests/golden/planaria/cases.tsv.gz");

/// Two networks on two subarrays, at 1 MHz.
const CASE: &str = r#"{
  "frequency_mhz": 1,
  "subarrays": 2,
  "tables": {
    "net": [
      {"layer": "conv", "rows": [
        {"subarrays": 1, "tiles": 4, "cycles_per_tile": 60},
        {"subarrays": 2, "tiles": 4, "cycles_per_tile": 30}
      ]}
    ],
    "other": [
      {"layer": "fc", "rows": [
        {"subarrays": 1, "tiles": 8, "cycles_per_tile": 10},
        {"subarrays": 2, "tiles": 8, "cycles_per_tile": 7}
      ]}
    ]
  },
  "qos_ms": {"net": 0.25, "other": 0.2},
  "tasks": [
    {"task": 0, "net": "net", "arrival_cycle": 0, "priority": 1},
    {"task": 1, "net": "other", "arrival_cycle": 20, "priority": 12}
  ]
}
"#;
const RUN: [&str; 5] = ["run", "--compat", "planaria", "--case", "case.json"];

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("case.json", CASE);
    workspace
}

#[test]
fn runs() {
    let workspace = workspace();
    let mut text = String::new();
    for more in [
        &[][..],
        &["--set", "fix=all", "--format", "json"],
        &["--set", "fix=own-ends", "--set", "fix=all-ends", "--format", "csv"],
    ] {
        let arguments = [&RUN[..], more].concat();
        let printed = workspace.rtmm(&arguments).success();
        let _ = write!(text, "$ rtmm {}\n{printed}\n", arguments.join(" "));
    }
    workspace.rtmm(&[&RUN[..], &["--policy", "planaria", "--jobs", "jobs.csv"]].concat()).success();
    let jobs = fs::read_to_string(workspace.path("jobs.csv")).expect("the jobs were written");
    let _ = write!(text, "$ cat jobs.csv\n{jobs}");
    insta::assert_snapshot!("runs", text);
}

/// Recordings have more in each entry: energies, and what decisions knew.
#[test]
fn what_is_printed_has_the_form_of_recordings() {
    let mut text = String::new();
    flate2::read::GzDecoder::new(RECORDINGS).read_to_string(&mut text).expect("the golden decompresses");
    let workspace = Workspace::new();
    let mut recordings = 0;
    for line in text.lines() {
        let (name, case) = line.split_once('\t').expect("a name and a case");
        workspace.write("case.json", case);
        let printed = workspace.rtmm(&[&RUN[..], &["--format", "json"]].concat()).success();
        let printed: Value = serde_json::from_str(&printed).expect("this is JSON");
        let recorded: Value = serde_json::from_str(case).expect("this is JSON");
        let only = |list: &str, keys: &[&str]| -> Value {
            let entries = recorded[list].as_array().expect("a list").iter();
            let kept = |entry: &Value| -> Value {
                keys.iter()
                    .map(|key| ((*key).to_owned(), entry[key].clone()))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            };
            entries.map(kept).collect()
        };
        let expected = json!({
            "finish": only("finish", &["task", "finish_cycle"]),
            "timeline": only("timeline", &["cycle", "fits", "allocation"]),
        });
        assert_eq!(printed, expected, "{name}");
        recordings += 1;
    }
    assert_eq!(recordings, 25);
}

/// The draw is that of the seed.
#[test]
fn equal_jobs_draw_for_what_is_left_by_the_seed() {
    let workspace = workspace();
    let rows: Vec<Value> =
        (1..=7).map(|on| json!({"subarrays": on, "tiles": 4, "cycles_per_tile": 60})).collect();
    let task = |number: u32| json!({"task": number, "net": "net", "arrival_cycle": 0, "priority": 5});
    let case = json!({
        "frequency_mhz": 1, "subarrays": 7, "qos_ms": {"net": 9}, "tables": {"net": [{"layer": "l", "rows": rows}]},
        "tasks": [task(0), task(1), task(2)],
    });
    workspace.write("case.json", case.to_string());
    let run = |seed: &str, more: &[&str]| {
        let fixes = ["--set", "fix=zero-scores", "--set", "fix=overlapping-events", "--format", "json"];
        let printed = workspace.rtmm(&[&RUN[..], &["--seed", seed], &fixes, more].concat()).success();
        let printed: Value = serde_json::from_str(&printed).expect("this is JSON");
        printed["timeline"][2]["allocation"].clone()
    };
    assert_eq!(run("0", &[]), json!({"0": 2, "1": 3, "2": 2}));
    assert_eq!(run("1", &[]), json!({"0": 2, "1": 2, "2": 3}));
    assert_eq!(run("1", &["--set", "fix=ordered-rest"]), json!({"0": 3, "1": 2, "2": 2}));
}

#[test]
fn cases_are_checked() {
    let workspace = workspace();
    let mut text = String::new();
    workspace.write("trace.json", r#"{"trace": "a", "cycles": 90, "stream": [["one", 5, 4, 100, 50, 0]]}"#);
    workspace.write("plans.json", r#"{"case": "a", "scheduler": "multi", "tasks": [], "calls": []}"#);
    workspace.write("other.json", "{\"deadline\": 5}");
    workspace.write("broken.json", &CASE[..CASE.len() - 5]);
    for file in ["case.json", "trace.json", "plans.json", "other.json", "broken.json"] {
        let outcome = workspace.rtmm(&["check", file]);
        let _ = write!(
            text,
            "$ rtmm check {file}\n{}{}[exit {}]\n",
            outcome.stdout, outcome.stderr, outcome.code
        );
    }
    insta::assert_snapshot!("checked", text);
}

/// Commands that must be refused, and what they say.
struct Refusals {
    workspace: Workspace,
    text: String,
}

impl Refusals {
    fn new() -> Self {
        Self { workspace: workspace(), text: String::new() }
    }

    #[track_caller]
    fn refused(&mut self, code: i32, arguments: &[&str]) {
        let outcome = self.workspace.rtmm(arguments);
        let found = (outcome.code, outcome.stdout.as_str());
        assert_eq!(found, (code, ""), "rtmm {arguments:?}\n{}", outcome.stderr);
        let _ = write!(self.text, "$ rtmm {}\n{}\n", arguments.join(" "), outcome.stderr);
    }

    /// Runs the case with some text of it replaced.
    #[track_caller]
    fn changed(&mut self, from: &str, to: &str) {
        assert!(CASE.contains(from), "{from}");
        self.workspace.write("bad.json", CASE.replace(from, to));
        self.refused(2, &["run", "--compat", "planaria", "--case", "bad.json"]);
    }
}

#[test]
fn bad_cases() {
    let mut refusals = Refusals::new();
    // No JSON, or not whole.
    for text in ["", "[]", &CASE[..CASE.len() - 40], "{\"subarrays\": 2,}", "{\"tables\": NaN}"] {
        refusals.workspace.write("bad.json", text);
        refusals.refused(2, &["run", "--compat", "planaria", "--case", "bad.json"]);
    }
    refusals.workspace.write("bad.json", "{}");
    refusals.refused(2, &["run", "--compat", "planaria", "--case", "bad.json"]);
    // The accelerator.
    refusals.changed("\"subarrays\": 2,\n  \"tables\"", "\"subarrays\": 0,\n  \"tables\"");
    refusals.changed("\"subarrays\": 2,\n  \"tables\"", "\"subarrays\": 3,\n  \"tables\"");
    refusals.changed("\"frequency_mhz\": 1", "\"frequency_mhz\": -700");
    // Tables.
    refusals.changed("\"tiles\": 4, \"cycles_per_tile\": 30", "\"tiles\": 0, \"cycles_per_tile\": 0.5");
    refusals.changed(
        "\"tiles\": 8, \"cycles_per_tile\": 7",
        "\"tiles\": 9007199254740992, \"cycles_per_tile\": 2",
    );
    refusals.changed(
        "\"tiles\": 8, \"cycles_per_tile\": 7",
        "\"tiles\": 18446744073709551616, \"cycles_per_tile\": 1e3",
    );
    refusals.changed(
        "{\"subarrays\": 2, \"tiles\": 4, \"cycles_per_tile\": 30}",
        "{\"subarrays\": 1, \"tile\": 4}",
    );
    refusals.changed("[\n      {\"layer\": \"fc\"", "[], \"third\": [\n      {\"layer\": \"fc\"");
    refusals.changed("{\"layer\": \"conv\", \"rows\"", "{\"layer\": \"\", \"row\"");
    refusals.changed("{\"net\": 0.25, \"other\": 0.2}", "{\"net\": 0, \"othr\": 0.2}");
    // Tasks.
    refusals.changed("\"net\": \"other\", \"arrival_cycle\": 20", "\"net\": \"othr\", \"arrival_cycle\": -1");
    refusals.changed("\"arrival_cycle\": 0, \"priority\": 1}", "\"arrival_cycle\": 21, \"priority\": 13}");
    refusals.changed("{\"task\": 1,", "{\"task\": 0, \"deadline\": 5,");
    refusals
        .changed("\"task\": 0, \"net\": \"net\", \"arrival_cycle\": 0, \"priority\": 1", "\"task\": null");
    let tasks = CASE.split_once("\"tasks\": [").expect("tasks").1;
    refusals.changed(tasks, "]\n}\n");
    insta::assert_snapshot!("bad_cases", refusals.text);
}

#[test]
fn bad_arguments() {
    let mut refusals = Refusals::new();
    for more in [
        &["--set", "fix"][..],
        &["--set", "alpha=1"],
        &["--set", "fix=own_ends"],
        &["--set", "fix="],
        &["--policy", "edf"],
        &["--platform", "xrbench/single_4k_ws"],
        &["--traces", "traces"],
        &["--duration", "1s"],
    ] {
        refusals.refused(2, &[&RUN[..], more].concat());
    }
    refusals.refused(2, &["run", "--compat", "planaria"]);
    refusals.refused(2, &["run", "--compat", "planaria", "--scenario", "xrbench/vr_gaming"]);
    refusals.refused(2, &["run", "--compat", "planaria", "--case", "nowhere.json"]);
    refusals.refused(2, &["run", "--case", "case.json"]);
    refusals.refused(2, &["run", "--compat", "dysta", "--case", "case.json"]);
    refusals.refused(
        2,
        &["run", "--compat", "xrbench", "--case", "case.json", "--scenario", "xrbench/vr_gaming"],
    );
    insta::assert_snapshot!("bad_arguments", refusals.text);
}

/// The program stops in these cases; each message names the quirk, the cycle, and the fix.
#[test]
fn stops() {
    let mut refusals = Refusals::new();
    let cases = [
        // The second job arrives as the first ends.
        CASE.replace("\"arrival_cycle\": 20", "\"arrival_cycle\": 120"),
        // It arrives during the last tile of the first.
        CASE.replace("\"arrival_cycle\": 20", "\"arrival_cycle\": 100"),
        // Both jobs are of one network, and end at the same time.
        CASE.replace(
            "\"other\", \"arrival_cycle\": 20, \"priority\": 12",
            "\"net\", \"arrival_cycle\": 0, \"priority\": 1",
        ),
        // The first job is of a network whose name is the key of the second.
        CASE.replace("\"net\":", "\"net1\":")
            .replace("\"other\"", "\"net\"")
            .replace("\"net1\": \"net", "\"net\": \"net")
            .replacen("\"net\": \"net\"", "\"net\": \"net1\"", 1),
    ];
    for case in cases {
        refusals.workspace.write("stops.json", case);
        refusals.refused(1, &["run", "--compat", "planaria", "--case", "stops.json"]);
        refusals
            .workspace
            .rtmm(&["run", "--compat", "planaria", "--case", "stops.json", "--set", "fix=all"])
            .success();
    }
    insta::assert_snapshot!("stops", refusals.text);
}
