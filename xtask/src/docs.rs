//! `cargo xtask docs`: the parts of docs/ that are made from code, goldens and measurements.
//!
//! Each part stands between `<!-- generated: NAME -->` and `<!-- /generated -->` in some page, so
//! that prose and numbers live side by side and no number is typed in by hand.

#![expect(clippy::disallowed_methods, reason = "reads goldens and writes pages of the repository")]

mod axes;
mod boards;
mod bounds;
mod claims;
mod command_line;
mod cost_models;
mod counts;
mod dream_evaluation;
mod dysta_evaluation;
mod dysta_fixes;
mod engine;
mod fidelity;
mod frontier;
mod generated_systems;
mod horizon_evaluation;
mod interference_evaluation;
mod interference_loop;
mod maestro_differences;
mod moca_evaluation;
mod moca_fixes;
mod planaria_fixes;
mod policies;
mod power_evaluation;
mod predictors;
mod robustness;
mod technology;
mod xrbench_fixes;

use std::path::Path;
use std::process::ExitCode;

use crate::markdown::table;
use crate::project_root;
use crate::validation;

/// Why a part could not be made.
type Problem = Box<dyn std::error::Error>;

/// One generated part.
struct Part {
    /// Page below docs/.
    page: &'static str,
    /// Name in the page's markers.
    name: &'static str,
    make: fn(&Path) -> Result<String, Problem>,
}

/// Generated parts that are made.
#[derive(Clone, Copy)]
enum Parts<'n> {
    All,
    /// That of a name.
    Named(&'n str),
    /// Those that take seconds: no sweep of more than a thousand runs, no fits to tens of thousands of measurements, no scores of
    /// every policy in every reference system.
    Quick,
}

impl Parts<'_> {
    fn has(self, part: &Part) -> bool {
        match self {
            Self::All => true,
            Self::Quick => !part.takes_long(),
            Self::Named(name) => part.name == name,
        }
    }
}

impl Part {
    fn takes_long(&self) -> bool {
        [POWER, DYSTA, BOUNDS].contains(&self.page)
            || (self.page == "fidelity.md" && self.name == "policy-scores")
            || (self.page == TECHNOLOGY && self.name == "dream")
            || self.is_of_groups()
    }

    /// True for tables of predictors that are fitted to tens of thousands of measured groups.
    fn is_of_groups(&self) -> bool {
        self.page == INTERFERENCE && matches!(self.name, "groups" | "slice")
    }

    /// First cells of the rows of a part that takes long, where they follow from a registry: a quick check sees a row that is
    /// not there, if not its numbers.
    fn rows(&self) -> Option<Result<Vec<String>, Problem>> {
        self.is_of_groups().then(interference_evaluation::rows_of_groups)
    }
}

/// Holds the first cells of the rows of a table, as it stands on a page, to those that it should have.
fn check_rows(name: &str, text: &str, expected: &[String]) -> Result<(), Problem> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")).skip(2);
    let found: Vec<&str> = rows.filter_map(|row| row.split(" | ").next()).collect();
    if found == expected {
        return Ok(());
    }
    let missing: Vec<&str> =
        expected.iter().map(String::as_str).filter(|label| !found.contains(label)).collect();
    let what = match missing.is_empty() {
        true => "other rows than its predictors".to_owned(),
        false => format!("no row of {}", missing.join(", ")),
    };
    Err(format!("the table `{name}` has {what}; run `cargo xtask docs` and commit").into())
}

const BOUNDS: &str = "bounds.md";
const CLAIMS: &str = "claims.md";
const DREAM: &str = "evaluation/dream.md";
const DYSTA: &str = "evaluation/dysta.md";
const INTERFERENCE: &str = "evaluation/interference.md";
const MOCA: &str = "evaluation/moca.md";
const POWER: &str = "evaluation/power.md";
const FRONTIER: &str = "evaluation/frontier.md";
const GENERATED: &str = "evaluation/generated.md";
const HORIZON: &str = "horizon.md";
const ROBUSTNESS: &str = "evaluation/robustness.md";
const TECHNOLOGY: &str = "models/technology.md";
const VALIDATION: &str = validation::PAGE;
/// Where figures of pages under docs/evaluation/ stand.
const FIGURES: &str = "docs/evaluation/figures";

const PARTS: &[Part] = &[
    Part { page: "introduction.md", name: "counts", make: |_| Ok(counts::part()) },
    Part { page: BOUNDS, name: "windows", make: |_| bounds::windows() },
    Part { page: BOUNDS, name: "grid", make: |_| bounds::grid() },
    Part { page: BOUNDS, name: "policies", make: |_| bounds::policies_beside() },
    Part { page: CLAIMS, name: "verdicts", make: claims::verdicts },
    Part { page: CLAIMS, name: "ledger", make: claims::ledger },
    Part { page: "reference/command-line.md", name: "command-line", make: |_| Ok(command_line::part()) },
    Part { page: "reference/cost-models.md", name: "cost-models", make: |_| Ok(cost_models::part()) },
    Part { page: "policies.md", name: "policies", make: |_| policies::policies() },
    Part { page: "policies.md", name: "policy-parameters", make: |_| Ok(policies::parameters()) },
    Part { page: "sweeps.md", name: "axes", make: |_| Ok(axes::part()) },
    Part { page: FRONTIER, name: "setup", make: frontier::setup },
    Part { page: FRONTIER, name: "standing", make: frontier::standing },
    Part { page: FRONTIER, name: "means", make: frontier::means },
    Part { page: FRONTIER, name: "lost", make: frontier::lost },
    Part { page: FRONTIER, name: "fewer", make: frontier::fewer },
    Part { page: FRONTIER, name: "platforms", make: frontier::platforms },
    Part { page: FRONTIER, name: "platforms-lost", make: frontier::platforms_lost },
    Part { page: GENERATED, name: "setup", make: generated_systems::setup },
    Part { page: GENERATED, name: "means", make: generated_systems::means },
    Part { page: GENERATED, name: "lost", make: generated_systems::lost },
    Part { page: GENERATED, name: "hardware-setup", make: generated_systems::hardware_setup },
    Part { page: GENERATED, name: "hardware-means", make: generated_systems::hardware_means },
    Part { page: GENERATED, name: "hardware-lost", make: generated_systems::hardware_lost },
    Part { page: HORIZON, name: "ablation-setup", make: horizon_evaluation::setup },
    Part { page: HORIZON, name: "ablation-misses", make: horizon_evaluation::misses },
    Part { page: HORIZON, name: "ablation-energy", make: horizon_evaluation::energy },
    Part { page: HORIZON, name: "ablation-completed", make: horizon_evaluation::completed },
    Part { page: HORIZON, name: "ablation-uxcost", make: horizon_evaluation::ux_cost },
    Part { page: HORIZON, name: "built-up", make: horizon_evaluation::built_up },
    Part { page: HORIZON, name: "over-bound", make: horizon_evaluation::over_bound },
    Part { page: HORIZON, name: "xrbench", make: horizon_evaluation::xrbench },
    Part { page: HORIZON, name: "dysta-violations", make: horizon_evaluation::dysta_violations },
    Part { page: HORIZON, name: "dysta-antt", make: horizon_evaluation::dysta_antt },
    Part { page: ROBUSTNESS, name: "setup", make: robustness::setup },
    Part { page: ROBUSTNESS, name: "survivors", make: robustness::survivors },
    Part { page: ROBUSTNESS, name: "published", make: robustness::published },
    Part { page: ROBUSTNESS, name: "pairs", make: robustness::pairs },
    Part { page: "fidelity.md", name: "xrbench-costs", make: fidelity::xrbench_costs },
    Part { page: "fidelity.md", name: "xrbench-scores", make: fidelity::xrbench_scores },
    Part { page: "fidelity.md", name: "xrbench-random", make: fidelity::xrbench_random },
    Part { page: "fidelity.md", name: "scalesim", make: fidelity::scalesim },
    Part { page: "fidelity.md", name: "xrbench-fixes", make: |_| xrbench_fixes::part() },
    Part { page: "fidelity.md", name: "engine-and-loop", make: engine::compared },
    Part { page: "fidelity.md", name: "near-ties", make: engine::near_ties },
    Part { page: "fidelity.md", name: "policy-scores", make: |_| engine::policy_scores() },
    Part { page: DREAM, name: "setup", make: |_| dream_evaluation::setup() },
    Part { page: DREAM, name: "uxcost", make: dream_evaluation::uxcost },
    Part { page: DREAM, name: "reductions", make: dream_evaluation::reductions },
    Part { page: DREAM, name: "regimes", make: dream_evaluation::regimes },
    Part { page: DREAM, name: "regime-gains", make: dream_evaluation::regime_gains },
    Part { page: DREAM, name: "violations", make: dream_evaluation::violations },
    Part { page: DREAM, name: "energy", make: dream_evaluation::energy },
    Part { page: DREAM, name: "winners", make: dream_evaluation::winners },
    Part { page: DREAM, name: "standing", make: dream_evaluation::standing },
    Part { page: DREAM, name: "ablation", make: dream_evaluation::ablation },
    Part { page: DREAM, name: "load", make: dream_evaluation::load },
    Part { page: DREAM, name: "cascades", make: dream_evaluation::cascades },
    Part { page: DREAM, name: "search", make: dream_evaluation::search },
    Part { page: DREAM, name: "drop-cap", make: dream_evaluation::drop_cap },
    Part { page: DREAM, name: "fragile", make: dream_evaluation::fragile },
    Part { page: DYSTA, name: "setup", make: |_| dysta_evaluation::setup() },
    Part { page: DYSTA, name: "violations", make: |_| dysta_evaluation::violations() },
    Part { page: DYSTA, name: "deadlines", make: |_| dysta_evaluation::deadlines() },
    Part { page: DYSTA, name: "latencies", make: |_| dysta_evaluation::latencies() },
    Part { page: DYSTA, name: "antt", make: |_| dysta_evaluation::antt() },
    Part { page: DYSTA, name: "standing", make: |_| dysta_evaluation::standing() },
    Part { page: DYSTA, name: "statements", make: |_| dysta_evaluation::statements() },
    Part { page: DYSTA, name: "exceptions", make: |_| dysta_evaluation::exceptions() },
    Part { page: DYSTA, name: "levels", make: |_| dysta_evaluation::levels() },
    Part { page: DYSTA, name: "score", make: |_| dysta_evaluation::score() },
    Part { page: DYSTA, name: "predictors", make: |_| dysta_evaluation::predictors() },
    Part { page: DYSTA, name: "quirks", make: |_| dysta_evaluation::quirks() },
    Part { page: DYSTA, name: "storage", make: |_| Ok(dysta_evaluation::storage()) },
    Part { page: DYSTA, name: "hardware", make: |_| dysta_evaluation::hardware() },
    Part { page: DYSTA, name: "claims", make: |_| dysta_evaluation::claims() },
    Part { page: "interference.md", name: "predictors", make: |_| Ok(predictors::predictors()) },
    Part { page: "interference.md", name: "predictor-parameters", make: |_| Ok(predictors::parameters()) },
    Part { page: "interference.md", name: "measurements", make: |_| predictors::measurements() },
    Part { page: INTERFERENCE, name: "pairs", make: |_| interference_evaluation::pairs() },
    Part { page: INTERFERENCE, name: "streams", make: |_| interference_evaluation::streams() },
    Part { page: INTERFERENCE, name: "groups", make: |_| interference_evaluation::groups() },
    Part { page: INTERFERENCE, name: "slice", make: |_| interference_evaluation::slice() },
    Part { page: INTERFERENCE, name: "misses", make: |_| interference_loop::misses() },
    Part { page: INTERFERENCE, name: "kept", make: |_| interference_loop::kept() },
    Part { page: INTERFERENCE, name: "high", make: |_| interference_loop::high() },
    Part { page: INTERFERENCE, name: "loop-errors", make: |_| interference_loop::prediction_error() },
    Part { page: INTERFERENCE, name: "loop-under", make: |_| interference_loop::under() },
    Part { page: INTERFERENCE, name: "loop-bound", make: |_| interference_loop::bound() },
    Part { page: INTERFERENCE, name: "loop-recovery", make: |_| interference_loop::recovery() },
    Part { page: INTERFERENCE, name: "strait", make: |_| interference_loop::strait() },
    Part { page: INTERFERENCE, name: "utilisation", make: |_| interference_loop::utilisation() },
    Part { page: MOCA, name: "setup", make: |_| moca_evaluation::setup() },
    Part { page: MOCA, name: "sla", make: moca_evaluation::sla },
    Part { page: MOCA, name: "classes", make: moca_evaluation::classes },
    Part { page: MOCA, name: "stp", make: moca_evaluation::stp },
    Part { page: MOCA, name: "fairness", make: moca_evaluation::fairness },
    Part { page: MOCA, name: "gains", make: moca_evaluation::gains },
    Part { page: MOCA, name: "parts", make: moca_evaluation::parts },
    Part { page: MOCA, name: "memory", make: moca_evaluation::memory },
    Part { page: MOCA, name: "networks", make: moca_evaluation::networks },
    Part { page: MOCA, name: "offered", make: moca_evaluation::offered },
    Part { page: MOCA, name: "rules", make: moca_evaluation::rules },
    Part { page: MOCA, name: "choices", make: moca_evaluation::choices },
    Part { page: MOCA, name: "prema", make: moca_evaluation::prema },
    Part { page: MOCA, name: "load", make: moca_evaluation::load },
    Part { page: MOCA, name: "bandwidth", make: moca_evaluation::bandwidth },
    Part { page: MOCA, name: "replay", make: moca_evaluation::replay },
    Part { page: MOCA, name: "not-causal", make: moca_evaluation::not_causal },
    Part { page: MOCA, name: "causes", make: moca_evaluation::causes },
    Part { page: "models/maestro.md", name: "maestro-differences", make: |_| maestro_differences::part() },
    Part { page: POWER, name: "winners", make: |_| power_evaluation::winners() },
    Part { page: POWER, name: "energy", make: |_| power_evaluation::energy() },
    Part { page: POWER, name: "misses", make: |_| power_evaluation::misses() },
    Part { page: POWER, name: "accuracy", make: |_| power_evaluation::accuracy() },
    Part { page: POWER, name: "parts", make: |_| power_evaluation::parts() },
    Part { page: POWER, name: "planned", make: |_| power_evaluation::planned() },
    Part { page: "models/boards.md", name: "boards", make: |_| boards::part() },
    Part { page: TECHNOLOGY, name: "resnet-50", make: |_| technology::resnet50() },
    Part { page: TECHNOLOGY, name: "networks", make: |_| technology::networks() },
    Part { page: TECHNOLOGY, name: "dream", make: |_| technology::dream() },
    Part { page: VALIDATION, name: "verdict", make: |_| validation::part(validation::Part::Verdict) },
    Part { page: VALIDATION, name: "machine", make: |_| validation::part(validation::Part::Machine) },
    Part { page: VALIDATION, name: "profile", make: |_| validation::part(validation::Part::Profile) },
    Part { page: VALIDATION, name: "pairs", make: |_| validation::part(validation::Part::Pairs) },
    Part { page: VALIDATION, name: "misses", make: |_| validation::part(validation::Part::Misses) },
    Part { page: VALIDATION, name: "errors", make: |_| validation::part(validation::Part::Errors) },
    Part { page: VALIDATION, name: "bands", make: |_| validation::part(validation::Part::Bands) },
    Part { page: VALIDATION, name: "tasks", make: |_| validation::part(validation::Part::Tasks) },
    Part { page: VALIDATION, name: "orders", make: |_| validation::part(validation::Part::Orders) },
    Part { page: VALIDATION, name: "haxconn", make: |_| Ok(validation::published_schedules()) },
    Part { page: VALIDATION, name: "haxconn-simulated", make: |_| validation::simulated_schedule() },
    Part { page: "models/dysta-reference.md", name: "dysta-fix-list", make: |_| Ok(dysta_fixes::list()) },
    Part { page: "models/moca-reference.md", name: "moca-fix-list", make: |_| Ok(moca_fixes::list()) },
    Part {
        page: "models/planaria-reference.md",
        name: "planaria-fix-list",
        make: |_| Ok(planaria_fixes::list()),
    },
    Part {
        page: "models/xrbench-reference.md",
        name: "xrbench-fix-list",
        make: |_| Ok(xrbench_fixes::list()),
    },
];

/// Writes the parts of a page below docs/, one of them (`PAGE#PART`), or those of all pages, into them.
pub(crate) fn write(wanted: Option<&str>) -> ExitCode {
    let (page, name) = match wanted.and_then(|wanted| wanted.split_once('#')) {
        Some((page, name)) => (Some(page), Some(name)),
        None => (wanted, None),
    };
    let has = |part: &Part| page == Some(part.page) && name.is_none_or(|name| name == part.name);
    if let Some(wanted) = wanted
        && !PARTS.iter().any(has)
    {
        eprintln!("error: no page `{wanted}` below docs/ has generated parts; {}", known(page));
        return ExitCode::from(2);
    }
    each_page(page, name.map_or(Parts::All, Parts::Named), |path, current, wanted| {
        if current != wanted {
            std::fs::write(path, wanted)?;
            println!("wrote {}", path.display());
        }
        Ok(true)
    })
}

/// The parts of a page, or the pages that have some.
fn known(page: Option<&str>) -> String {
    let of_page: Vec<&str> =
        PARTS.iter().filter(|part| page == Some(part.page)).map(|part| part.name).collect();
    if let (Some(page), false) = (page, of_page.is_empty()) {
        return format!("the parts of {page} are {}", of_page.join(", "));
    }
    let mut pages: Vec<&str> = PARTS.iter().map(|part| part.page).collect();
    pages.sort_unstable();
    pages.dedup();
    format!("those that have are {}", pages.join(", "))
}

/// Fails where a page is not what [`write()`] would make of it. A quick check leaves alone what takes sweeps.
pub(crate) fn check(is_quick: bool) -> ExitCode {
    let parts = if is_quick { Parts::Quick } else { Parts::All };
    each_page(None, parts, |path, current, wanted| {
        let same = current == wanted;
        if !same {
            eprintln!("error: {} is out of date; run `cargo xtask docs` and commit", path.display());
        }
        Ok(same)
    })
}

fn each_page(
    only: Option<&str>,
    parts: Parts<'_>,
    mut visit: impl FnMut(&Path, &str, &str) -> Result<bool, Problem>,
) -> ExitCode {
    let root = project_root();
    let mut pages: Vec<&str> = PARTS.iter().map(|part| part.page).collect();
    pages.dedup();
    pages.retain(|page| only.is_none_or(|only| only == *page));
    let mut sound = true;
    for page in &pages {
        let path = root.join("docs").join(page);
        let result =
            render(&root, &path, page, parts).and_then(|(current, wanted)| visit(&path, &current, &wanted));
        match result {
            Ok(fine) => sound &= fine,
            Err(problem) => {
                eprintln!("error: {}: {problem}", path.display());
                sound = false;
            }
        }
    }
    match files(&root, &pages, parts) {
        Ok(files) => {
            for (file, wanted) in files {
                let path = root.join(file);
                // A file that is not there yet is out of date.
                let current = std::fs::read_to_string(&path).unwrap_or_default();
                match visit(&path, &current, &wanted) {
                    Ok(fine) => sound &= fine,
                    Err(problem) => {
                        eprintln!("error: {}: {problem}", path.display());
                        sound = false;
                    }
                }
            }
        }
        Err(problem) => {
            eprintln!("error: {FIGURES}: {problem}");
            sound = false;
        }
    }
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Figures and data of pages that are made with them: files of the repository and their texts.
fn files(root: &Path, pages: &[&str], parts: Parts<'_>) -> Result<Vec<(String, String)>, Problem> {
    let in_folder = |folder: &'static str, files: Vec<(String, String)>| {
        files.into_iter().map(move |(name, text)| (format!("{folder}/{name}"), text))
    };
    let mut files = Vec::new();
    // Drawn of the sweeps of the page.
    if pages.contains(&DYSTA) && !matches!(parts, Parts::Quick) {
        files.extend(in_folder(FIGURES, dysta_evaluation::figures()?));
    }
    if pages.contains(&ROBUSTNESS) {
        files.extend(in_folder(FIGURES, robustness::figures(root)?));
    }
    if pages.contains(&VALIDATION) {
        files.extend(in_folder(FIGURES, validation::figures()?));
        files.extend(in_folder(crate::evaluation::DATA, validation::data()?));
    }
    Ok(files)
}

/// The page as it is and as it should be.
fn render(root: &Path, path: &Path, page: &str, parts: Parts<'_>) -> Result<(String, String), Problem> {
    let current = std::fs::read_to_string(path)?;
    let mut wanted = current.clone();
    for part in PARTS.iter().filter(|part| part.page == page) {
        let (open, close) = (format!("<!-- generated: {} -->\n", part.name), "<!-- /generated -->");
        let start = wanted.find(&open).ok_or_else(|| format!("there is no `{}`", open.trim()))? + open.len();
        let end = wanted[start..].find(close).ok_or("a generated part has no end")? + start;
        if !parts.has(part) {
            if let (Parts::Quick, Some(rows)) = (parts, part.rows()) {
                check_rows(part.name, &wanted[start..end], &rows?)?;
            }
            continue;
        }
        let text = (part.make)(root)?;
        wanted.replace_range(start..end, &format!("\n{}\n\n", text.trim()));
    }
    Ok((current, wanted))
}

/// The largest and the median of some differences.
fn spread(differences: &mut [f64]) -> (f64, f64) {
    differences.sort_by(f64::total_cmp);
    let largest = differences.last().copied().unwrap_or(0.0);
    (largest, differences.get(differences.len() / 2).copied().unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_a_registry_has_and_a_page_lacks_are_told() {
        let table =
            "| predictor | 0 |\n| --- | --- |\n| `best` | 1.0 |\n| `group-table`, `detail=models` | 2.0 |\n";
        let rows = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let both = ["`best`", "`group-table`, `detail=models`"];
        assert!(check_rows("slice", table, &rows(&both)).is_ok());
        let told = check_rows("slice", table, &rows(&[&both[..], &["`structural`"]].concat())).unwrap_err();
        assert!(told.to_string().contains("the table `slice` has no row of `structural`"));
    }

    #[test]
    fn pages_with_all_rows_pass_and_others_are_named() {
        for part in PARTS.iter().filter(|part| part.takes_long()) {
            let Some(expected) = part.rows() else { continue };
            let page = std::fs::read_to_string(project_root().join("docs").join(part.page)).unwrap();
            let (_, behind) = page.split_once(&format!("<!-- generated: {} -->", part.name)).unwrap();
            let (text, _) = behind.split_once("<!-- /generated -->").unwrap();
            check_rows(part.name, text, &expected.unwrap()).unwrap();
        }
        assert!(known(Some("nope.md")).contains("evaluation/interference.md"));
        assert!(known(Some(INTERFERENCE)).contains("slice"));
    }
}
