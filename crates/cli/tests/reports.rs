//! Reports of single runs, cells of sweeps run again, and the commands that pages print.

#![expect(clippy::disallowed_methods, reason = "tests read what the program wrote")]

use std::collections::BTreeMap;
use std::fs;

use crate::common;

use common::Workspace;

/// Random arrivals, loads, a deadline by isolated latency, a policy that divides the platform.
const SWEEP: &str = "runner = \"engine\"\nscenarios = [\"dysta/mixed\", \"xrbench/ar_gaming\"]\n\
    platforms = [\"dysta/sanger_and_eyeriss_v2\"]\nload_factors = [1, 2.5]\nseeds = [3, 7]\nduration = \"2s\"\n\
    policy = [{ name = \"edf\" }, { name = \"sjf\", set = { granularity = [\"layer\", \"model\"] } }]\n\
    [settings]\nwarm_up = \"100ms\"\n";

fn read(workspace: &Workspace, file: &str) -> String {
    fs::read_to_string(workspace.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The command that a page prints, as arguments.
fn command(page: &str) -> Vec<String> {
    let found = page.split("<pre>rtmm ").nth(1).and_then(|rest| rest.split("</pre>").next());
    found.unwrap_or_else(|| panic!("no command: {page}")).split(' ').map(str::to_owned).collect()
}

/// Calls a command that a page printed; no word of it is quoted.
fn call(workspace: &Workspace, words: &[String]) -> String {
    workspace.rtmm(&words.iter().map(String::as_str).collect::<Vec<_>>()).success()
}

#[test]
fn a_cell_of_a_sweep_is_run_again_to_the_last_digit() {
    let workspace = Workspace::new();
    workspace.write("s.toml", SWEEP);
    let outcome = workspace.rtmm(&["sweep", "s.toml", "--output", "out"]);
    let tasks = rows(&read(&workspace, "out/tasks.csv"));
    let cells = rows(&read(&workspace, "out/cells.csv"));
    assert!(cells.len() >= 12, "{}", outcome.stderr);
    for cell in cells.iter().step_by(3) {
        let number = cell["cell"].as_str();
        let printed =
            workspace.rtmm(&["run", "--sweep", "s.toml", "--cell", number, "--format", "csv"]).success();
        let again = rows(&printed);
        let stored: Vec<_> = tasks.iter().filter(|row| row["cell"] == number).collect();
        assert_eq!(again.len(), stored.len());
        for (again, stored) in again.iter().zip(stored) {
            for (name, value) in again {
                let number = |text: &str| text.parse::<f64>().ok();
                let same = value == &stored[name] || number(value) == number(&stored[name]);
                assert!(same, "cell {}: {name} is {value} and was {}", cell["cell"], stored[name]);
            }
        }
    }
}

#[test]
fn the_worst_run_of_a_page_is_made_again_by_its_command() {
    let workspace = Workspace::new();
    workspace.write("s.toml", SWEEP);
    workspace.rtmm(&["sweep", "s.toml", "--output", "out"]);
    let page = read(&workspace, "out/index.html");
    let words = command(&page);
    assert_eq!(words[..3], ["run", "--sweep", "s.toml"]);
    let printed = call(&workspace, &words);
    assert_eq!(read(&workspace, "worst_run.svg"), read(&workspace, "out/figures/worst_run.svg"));
    // No run is worse.
    let cells = rows(&read(&workspace, "out/cells.csv"));
    let rate = |row: &BTreeMap<String, String>| row["deadline_violation_rate"].parse::<f64>().unwrap_or(0.0);
    let worst = cells.iter().map(&rate).fold(0.0, f64::max);
    let cell = cells.iter().find(|row| row["cell"] == words[4]).expect("the cell");
    assert_eq!(rate(cell), worst);
    assert!(printed.contains(&format!("deadlines violated: {:.2} %", 100.0 * worst)), "{printed}");
}

#[test]
fn a_report_of_a_run_has_its_answer_timeline_and_tables() {
    let workspace = Workspace::new();
    let run = ["run", "--scenario", "examples/hub", "--platform", "shared/quad_4k_ws_os_ws_os"];
    let more = ["--policy", "sjf", "--set", "drop=infeasible", "--seed", "5", "--duration", "500ms"];
    let outcome = workspace.rtmm(&[&run[..], &more, &["--report", "out", "--timeline", "run.json"]].concat());
    assert_eq!(outcome.stderr, "report: out/index.html\n");
    let printed = outcome.success();
    assert_eq!(printed, workspace.rtmm(&[&run[..], &more].concat()).success(), "the run is the same");
    assert!(read(&workspace, "run.json").starts_with('{'), "both timelines are written");

    let page = read(&workspace, "out/index.html");
    for text in [
        "The deadline violation rate of <code>sjf</code> on",
        "seed 5",
        "utilisation",
        "figures/timeline.svg",
    ] {
        assert!(page.contains(text), "{text}");
    }
    let words = command(&page);
    call(&workspace, &words);
    assert_eq!(read(&workspace, "timeline.svg"), read(&workspace, "out/figures/timeline.svg"));
    // The manifest says the command, without what it writes.
    let manifest = read(&workspace, "out/manifest.json");
    let reproduce = words[..words.len() - 2].join(" ");
    assert!(manifest.contains(&format!("\"reproduce\": \"rtmm {reproduce}\"")), "{manifest}");

    // The tables are those of a sweep over the same run.
    workspace.write(
        "s.toml",
        "runner = \"engine\"\nscenarios = [\"examples/hub\"]\nplatforms = [\"shared/quad_4k_ws_os_ws_os\"]\n\
         seeds = [5]\nduration = \"500ms\"\npolicy = [{ name = \"sjf\", set = { drop = \"infeasible\" } }]\n",
    );
    workspace.rtmm(&["sweep", "s.toml", "--output", "sweep"]).success();
    for table in ["cells.csv", "tasks.csv", "accelerators.csv"] {
        assert_eq!(read(&workspace, &format!("out/{table}")), read(&workspace, &format!("sweep/{table}")));
    }
    // The report of the cell is the same but for its command.
    workspace.rtmm(&["run", "--sweep", "s.toml", "--cell", "0", "--report", "cell"]).success();
    assert_eq!(read(&workspace, "cell/cells.csv"), read(&workspace, "out/cells.csv"));
    assert_eq!(read(&workspace, "cell/figures/timeline.svg"), read(&workspace, "out/figures/timeline.svg"));
}

#[test]
fn cells_that_cannot_be_run_alone_are_refused() {
    let workspace = Workspace::new();
    workspace.write("s.toml", SWEEP);
    let refused = |arguments: &[&str], said: &str| {
        let outcome = workspace.rtmm(arguments);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(outcome.stderr.contains(said), "{arguments:?}: {}", outcome.stderr);
    };
    refused(&["run", "--sweep", "s.toml", "--cell", "999"], "there is no cell 999: the sweep has");
    refused(&["run", "--sweep", "smoke", "--cell", "0"], "the cells of this sweep are run by `xrbench`");
    refused(&["run", "--sweep", "s.toml"], "--cell");
    refused(&["run", "--sweep", "s.toml", "--cell", "0", "--policy", "edf"], "--policy");
    refused(&["run", "--sweep", "nope.toml", "--cell", "0"], "nope.toml");
}
