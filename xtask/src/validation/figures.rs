//! Figures of a comparison.

#![expect(clippy::disallowed_methods, reason = "writes figures, of the repository or of a user")]

use std::path::{Path, PathBuf};

use rtmm_report::{Bar, GroupedBars, Interval, TWO_COLUMNS_PT};

use super::Problem;
use super::compare::Comparison;
use super::predict::MAIN;

/// Files of the figures of a session: a name and an SVG.
pub(super) fn of_session(comparison: &Comparison<'_>) -> Vec<(String, String)> {
    let mut scenarios: Vec<&str> = Vec::new();
    for compared in &comparison.cells {
        if !scenarios.contains(&compared.cell.scenario.as_str()) {
            scenarios.push(&compared.cell.scenario);
        }
    }
    let session = &comparison.session.name;
    let name = |scenario: &str| format!("validation_{session}_{scenario}.svg");
    scenarios.into_iter().map(|scenario| (name(scenario), misses(comparison, scenario))).collect()
}

/// Missed deadlines of a scenario: measured with the range of repeats, and simulated.
fn misses(comparison: &Comparison<'_>, scenario: &str) -> String {
    let main = comparison.place(MAIN);
    let (mut groups, mut bars) = (Vec::new(), Vec::new());
    for compared in comparison.cells.iter().filter(|compared| compared.cell.scenario == scenario) {
        let Some(beside) = compared.overall(main) else { continue };
        groups.push(format!("{} {}", compared.cell.load, compared.cell.policy));
        let interval = Some(Interval { lower: beside.range.0, upper: beside.range.1 });
        let (lower, upper) = compared.range;
        let simulated =
            Some(Interval { lower: lower.min(beside.simulated), upper: upper.max(beside.simulated) });
        bars.push(vec![
            Some(Bar { value: beside.measured, interval }),
            Some(Bar { value: beside.simulated, interval: simulated }),
        ]);
    }
    let chart = GroupedBars {
        title: format!("{scenario}: deadlines missed by load and policy"),
        description: format!(
            "Missed deadlines of the scenario {scenario}: medians of repeats with their range, and simulated ones with the range over 3 \
             percent of execution time either way"
        ),
        y_label: "missed, %".to_owned(),
        groups,
        series: vec!["measured [repeats]".to_owned(), "simulated [times x 0.97 to 1.03]".to_owned()],
        bars,
        width_pt: TWO_COLUMNS_PT,
        ..GroupedBars::default()
    };
    chart.to_svg().as_str().to_owned()
}

/// Writes a file into a folder that may not be there yet.
pub(super) fn write(folder: &Path, name: &str, text: &str) -> Result<PathBuf, Problem> {
    std::fs::create_dir_all(folder)?;
    let path = folder.join(name);
    std::fs::write(&path, text)?;
    Ok(path)
}
