//! `rtmm analyse`: bounds in every format, what the page shows, and what is said of bad input.
#![expect(clippy::disallowed_methods, reason = "this test reads the repository's own files")]

use crate::common::Workspace;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/analysis.md");
const HEADER: &str = "Task ID, Job ID, Arrival min, Arrival max, Cost min, Cost max, Deadline, Priority\n";

fn page() -> String {
    std::fs::read_to_string(PAGE).unwrap()
}

/// The first job set of the page.
fn jobs_of_the_page() -> String {
    let page = page();
    let block = page.split("```text\n").nth(1).and_then(|rest| rest.split("```").next());
    block.unwrap().to_owned()
}

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("jobs.csv", &jobs_of_the_page());
    workspace
}

#[test]
fn the_page_shows_what_is_printed() {
    let page = page();
    let shown: Vec<&str> =
        page.split("```console\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!shown.is_empty());
    for shown in shown {
        let (command, expected) = shown.split_once('\n').unwrap();
        let arguments: Vec<&str> = command.trim_start_matches("$ rtmm ").split(' ').collect();
        assert_eq!(workspace().rtmm(&arguments).success(), expected, "{command}");
    }
}

#[test]
fn the_page_lists_every_method_with_its_theorem() {
    let page = page();
    let rows = rtmm_analysis::METHODS.iter().map(|method| {
        let (name, claim) = (method.name, method.claim.word());
        format!("| `{name}` | {} | {claim} | {} |\n", method.summary, method.theorem)
    });
    let table: String = rows.collect();
    assert!(page.contains(&format!("| --- | --- | --- | --- |\n{table}\n")), "{table}");
}

#[test]
fn json_says_who_is_late_and_what_proves_it() {
    let analyse = |policy, processors| {
        let arguments = [
            "analyse",
            "--jobs",
            "jobs.csv",
            "--policy",
            policy,
            "--processors",
            processors,
            "--format",
            "json",
        ];
        let printed = workspace().rtmm(&arguments).success();
        serde_json::from_str::<serde_json::Value>(&printed).unwrap()
    };
    let one = analyse("fp", "1");
    assert_eq!((&one["schedulable"], &one["claim"]), (&true.into(), &"exact".into()));
    assert_eq!((&one["jobs"][0]["wcrt"], &one["jobs"][0]["in_time"]), (&8.into(), &true.into()));
    let two = analyse("edf", "2");
    assert_eq!(two["method"], "job-set-on-identical-processors");
}

#[test]
fn a_job_that_can_be_late_is_an_answer() {
    let workspace = workspace();
    workspace.write("late.csv", &format!("{HEADER}1, 1, 0, 0, 2, 9, 5, 1\n"));
    let late = ["analyse", "--jobs", "late.csv", "--policy", "edf"];
    let table = workspace.rtmm(&late).success();
    assert!(table.contains("not schedulable: some job misses its deadline in some schedule"), "{table}");
    let json = workspace.rtmm(&[&late[..], &["--format", "json"]].concat()).success();
    assert!(json.contains("\"schedulable\": false"), "{json}");
}

#[test]
fn an_exploration_that_stops_says_so() {
    let workspace = workspace();
    let stopped = ["analyse", "--jobs", "jobs.csv", "--policy", "edf", "--max-states", "1", "--format"];
    let outcome = workspace.rtmm(&[&stopped[..], &["csv"]].concat());
    assert!(outcome.stderr.contains("nothing is known; --max-states allows more"), "{}", outcome.stderr);
    assert!(outcome.success().ends_with("\n3, 1, , , , \n"));
    let json = workspace.rtmm(&[&stopped[..], &["json"]].concat()).success();
    assert!(json.contains("\"schedulable\": null"), "{json}");
}

#[test]
fn bad_input_is_told_with_its_place_and_a_remedy() {
    let workspace = workspace();
    workspace.write("empty.csv", "");
    workspace.write("lacks.csv", "Task ID, Job ID\n1, 1\n");
    workspace.write("reversed.csv", &format!("{HEADER}1, 1, 3, 2, 1, 1, 9, 1\n1, 1, 0, 0, 1, -1, 9, 1\n"));
    workspace.write("twice.csv", &format!("{HEADER}1, 1, 0, 0, 1, 1, 9, 1\n1, 1, 0, 0, 1, 1, 9, 1\n"));
    workspace.write("long.csv", &format!("{HEADER}1, 1, {0}, {0}, {0}, {0}, 9, 1\n", u64::MAX));
    for (jobs, extra, expected) in [
        ("empty.csv", &["--policy", "edf"][..], &["empty.csv:1:1", "the table is empty"][..]),
        ("lacks.csv", &["--policy", "edf"], &["no column `Arrival min`", "lacks.csv:1:1"]),
        ("reversed.csv", &["--policy", "edf"], &["reversed.csv:2:9", "`Arrival max` is 2, below", "`-1`"]),
        ("twice.csv", &["--policy", "edf"], &["twice.csv:3:1", "task 1 has a job 1 already"]),
        ("long.csv", &["--policy", "edf"], &["long.csv:2:1", "choose a larger unit of time"]),
        ("gone.csv", &["--policy", "edf"], &["gone.csv", "check the path"]),
        ("jobs.csv", &["--policy", "edff"], &["job sets have no policy `edff`", "did you mean `edf`?"]),
        ("jobs.csv", &["--policy", "edf", "--processors", "0"], &["0 is not in 1..=4096"]),
        ("jobs.csv", &["--policy", "edf", "--max-states", "0"], &["0 is not in 1..", "--max-states"]),
        ("jobs.csv", &[], &["--policy"]),
    ] {
        let outcome = workspace.rtmm(&[&["analyse", "--jobs", jobs][..], extra].concat());
        assert_eq!(outcome.code, 2, "{jobs} {extra:?}");
        for expected in expected {
            assert!(outcome.stderr.contains(expected), "{jobs} {extra:?}: {}", outcome.stderr);
        }
    }
}
