//! `cargo xtask evaluation dream`: the sweeps behind a page of docs/evaluation that take minutes.
//!
//! The sweeps run as `rtmm sweep` would run them, into a directory that is kept, so that what was run once is
//! not run again. What the page needs of their results is written to `docs/evaluation/data`, and figures to
//! `docs/evaluation/figures`; `cargo xtask docs` makes the page from there, without running anything.

#![expect(clippy::disallowed_methods, reason = "writes data and figures of the repository")]

mod search;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::project_root;

/// Why there is no evaluation.
type Problem = Box<dyn std::error::Error>;

/// The main comparison.
const MAIN: &str = "dream";
/// The landscape that searches are held to.
const LANDSCAPE: &str = "dream_landscape";

/// The sweeps with those of their figures that the page shows.
pub(crate) const SWEEPS: [(&str, &[&str]); 8] = [
    (MAIN, &["uxcost_by_scenario", "uxcost_by_platform", "violations_by_scenario", "energy_by_scenario"]),
    ("dream_ablation", &["ablation_uxcost", "ablation_violations"]),
    ("dream_cascades", &["cascades_uxcost", "cascades_violations"]),
    (LANDSCAPE, &["landscape_neighbours", "landscape_halving"]),
    ("dream_adaptation", &["adaptation_uxcost", "adaptation_miss_rate", "adaptation_alpha"]),
    ("dream_drop_cap", &["drop_cap_uxcost", "drop_cap_violations"]),
    ("dream_load", &["load_uxcost", "load_violations"]),
    ("dream_fragile", &["fragile_uxcost"]),
];

/// Where data of pages under docs/evaluation stand.
pub(crate) const DATA: &str = "docs/evaluation/data";
/// Where their figures stand.
const FIGURES: &str = "docs/evaluation/figures";

/// Runs the sweeps of the evaluation of DREAM, and writes what the page needs.
pub(crate) fn dream() -> ExitCode {
    match evaluate() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn evaluate() -> Result<(), Problem> {
    let root = project_root();
    let results = root.join("results/dream_evaluation");
    for (name, figures) in SWEEPS {
        let output = results.join(name);
        println!("sweep {name}");
        sweep(name, &output)?;
        for figure in figures {
            publish(&root, &output, figure)?;
        }
    }
    let data = root.join(DATA);
    write_cases(&results.join(MAIN), &data.join("dream_cases.csv"))?;
    search::write(&results.join(LANDSCAPE), &results.join("search"), &data.join("dream_search.csv"))
}

/// Runs a sweep, as the command line does.
fn sweep(name: &str, output: &Path) -> Result<(), Problem> {
    let words = ["rtmm", "sweep", name, "--quiet", "--output"].map(OsString::from);
    let code = rtmm_cli::main(words.into_iter().chain([output.as_os_str().to_owned()]));
    if code == ExitCode::SUCCESS { Ok(()) } else { Err(format!("the sweep {name} failed").into()) }
}

/// Copies a figure with its values: `NAME.csv`, and `NAME.svg` or one a facet.
fn publish(root: &Path, output: &Path, figure: &str) -> Result<(), Problem> {
    let copy = |from: &Path, folder: &str, name: &str| -> Result<(), Problem> {
        let to = root.join(folder);
        std::fs::create_dir_all(&to)?;
        std::fs::copy(from, to.join(format!("dream_{name}")))?;
        Ok(())
    };
    copy(&output.join(format!("{figure}.csv")), DATA, &format!("{figure}.csv"))?;
    for entry in std::fs::read_dir(output)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let is_of = |stem: &str| {
            stem == figure || stem.strip_prefix(figure).is_some_and(|rest| rest.starts_with('_'))
        };
        if name.strip_suffix(".svg").is_some_and(is_of) {
            copy(&path, FIGURES, &name)?;
        }
    }
    Ok(())
}

/// A row of `summary.csv`.
pub(crate) struct SummaryRow {
    pub scenario: String,
    pub platform: String,
    pub policy: String,
    pub parameters: String,
    pub load_factor: String,
    pub metric: String,
    pub mean: f64,
}

impl SummaryRow {
    /// A parameter of the policy.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let mut all = self.parameters.split(' ').filter_map(|one| one.split_once('='));
        all.find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

/// The means over seeds that a sweep wrote, one a scenario, platform, policy and load.
pub(crate) fn summary(output: &Path) -> Result<Vec<SummaryRow>, Problem> {
    let mut reader = csv::Reader::from_path(output.join("summary.csv"))?;
    let header = reader.headers()?.clone();
    let column = |name: &str| {
        header.iter().position(|known| known == name).ok_or_else(|| format!("summary.csv has no `{name}`"))
    };
    let names = ["scope", "scenario", "platform", "policy", "parameters", "load_factor", "metric", "mean"];
    let columns = names.map(column);
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record?;
        let cell = |index: usize| -> Result<String, Problem> {
            Ok(record.get(columns[index].clone()?).unwrap_or_default().to_owned())
        };
        if cell(0)? != "scenario" || cell(7)?.is_empty() {
            continue;
        }
        rows.push(SummaryRow {
            scenario: cell(1)?,
            platform: cell(2)?,
            policy: cell(3)?,
            parameters: cell(4)?,
            load_factor: cell(5)?,
            metric: cell(6)?,
            mean: cell(7)?.parse()?,
        });
    }
    Ok(rows)
}

/// The main comparison by scenario and platform.
fn write_cases(output: &Path, path: &Path) -> Result<(), Problem> {
    let rows = summary(output)?;
    let mut writer = csv::Writer::from_path(path)?;
    writer.write_record(["scenario", "platform", "policy", "metric", "mean"])?;
    for row in rows {
        if !["ux_cost", "deadline_violation_rate", "normalised_energy"].contains(&row.metric.as_str()) {
            continue;
        }
        let policy = match row.parameter("placement") {
            Some(placement) if row.policy == "fcfs" => format!("fcfs placement={placement}"),
            _ => row.policy.clone(),
        };
        let mean = row.mean.to_string();
        writer.write_record([&row.scenario, &row.platform, &policy, &row.metric, &mean])?;
    }
    writer.flush()?;
    Ok(())
}

/// A directory for what does not stay.
fn create(path: &Path) -> Result<PathBuf, Problem> {
    std::fs::create_dir_all(path)?;
    Ok(path.to_owned())
}
