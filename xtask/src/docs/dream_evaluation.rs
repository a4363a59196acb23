//! The page "The DREAM evaluation": tables from the data that `cargo xtask evaluation dream` wrote.
//!
//! Every number of the page comes from there, and so does every statement that depends on one.

mod regimes;

use std::collections::BTreeMap;
use std::path::Path;

use rtmm_runners::Runners;

use super::{Problem, table};
use crate::evaluation::{DATA, SWEEPS};

pub(in crate::docs) use regimes::{all as regimes, gains as regime_gains};

/// Names of the policies for readers, in the order of the page.
const NAMES: [(&str, &str); 14] = [
    ("fcfs placement=fastest-idle", "FCFS dynamic"),
    ("fcfs", "FCFS dynamic"),
    ("fcfs placement=assigned", "FCFS static"),
    ("veltair", "Veltair"),
    ("planaria", "Planaria"),
    ("prema", "PREMA"),
    ("edf", "EDF + drop"),
    ("least-slack", "least slack + drop"),
    ("sdrm3", "SDRM3"),
    ("dream-mapscore", "DREAM MapScore"),
    ("dream-drop", "+ drop"),
    ("dream-full", "+ supernet (full)"),
    ("dream-adaptive", "full + search"),
    ("dream-halving", "full + our search"),
];

const FCFS: &str = "fcfs placement=fastest-idle";
const ASSIGNED: &str = "fcfs placement=assigned";

/// A row of a figure's values.
struct Value {
    /// Its members, from the facet to the series.
    keys: Vec<String>,
    value: Option<f64>,
    interval: Option<(f64, f64)>,
}

/// The values of a figure.
fn values(root: &Path, figure: &str) -> Result<Vec<Value>, Problem> {
    let path = root.join(DATA).join(format!("dream_{figure}.csv"));
    let mut reader = csv::Reader::from_path(&path)
        .map_err(|error| format!("{}: {error}; `cargo xtask evaluation dream` writes it", path.display()))?;
    let value = reader.headers()?.iter().position(|name| name == "value").ok_or("no column `value`")?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record?;
        let number = |index: usize| record.get(index).and_then(|cell| cell.parse().ok());
        rows.push(Value {
            keys: record.iter().take(value).map(str::to_owned).collect(),
            value: number(value),
            interval: number(value + 1).zip(number(value + 2)),
        });
    }
    Ok(rows)
}

fn name(key: &str) -> String {
    let short = |key: &str| key.rsplit('/').next().unwrap_or(key).to_owned();
    let known = NAMES.iter().find(|(known, _)| *known == key);
    known.map_or_else(|| short(key), |(_, name)| (*name).to_owned())
}

/// Three digits that count.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        size if size >= 0.1 || size == 0.0 => format!("{value:.3}"),
        size if size >= 0.01 => format!("{value:.4}"),
        _ => format!("{value:.5}"),
    }
}

fn percent(value: f64) -> String {
    format!("{:.1} %", 100.0 * value)
}

/// In the order of first mention.
fn distinct<'v>(all: impl Iterator<Item = &'v str>) -> Vec<&'v str> {
    let mut seen: Vec<&str> = Vec::new();
    for one in all {
        if !seen.contains(&one) {
            seen.push(one);
        }
    }
    seen
}

/// A figure's values as a table: the last key down, the one before across; a table for each facet. Where
/// policies stand down, the least of each column is bold.
fn pivot(root: &Path, figure: &str, corner: &str) -> Result<String, Problem> {
    let rows = values(root, figure)?;
    let depth = rows.first().map_or(2, |row| row.keys.len());
    let facet = |row: &Value| if depth > 2 { row.keys[0].clone() } else { String::new() };
    let (across, down) = (depth - 2, depth - 1);
    let facets = rows.iter().map(&facet).collect::<Vec<_>>();
    let mut text = String::new();
    for of in distinct(facets.iter().map(String::as_str)) {
        let rows: Vec<&Value> = rows.iter().filter(|row| facet(row) == of).collect();
        let columns = distinct(rows.iter().map(|row| row.keys[across].as_str()));
        let lines = distinct(rows.iter().map(|row| row.keys[down].as_str()));
        let find = |line: &str, column: &str| {
            rows.iter().find(|row| row.keys[down] == line && row.keys[across] == column)
        };
        let least = |column: &str| {
            let of_column = lines.iter().filter_map(|line| find(line, column)?.value);
            of_column.fold(f64::INFINITY, f64::min)
        };
        let mut header = vec![corner.to_owned()];
        header.extend(columns.iter().map(|column| name(column)));
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let cell = |line: &str, column: &str| {
            let Some((row, value)) = find(line, column).and_then(|row| Some((row, row.value?))) else {
                return "—".to_owned();
            };
            let half = row.interval.map_or_else(String::new, |(low, high)| {
                if high > low { format!(" ± {}", number((high - low) / 2.0)) } else { String::new() }
            });
            let text = format!("{}{half}", number(value));
            if corner == "policy" && value <= least(column) { format!("**{text}**") } else { text }
        };
        let body: Vec<Vec<String>> = lines
            .iter()
            .map(|line| {
                std::iter::once(name(line)).chain(columns.iter().map(|column| cell(line, column))).collect()
            })
            .collect();
        if !of.is_empty() {
            text.push_str(&format!("{}:\n\n", capitalised(&format!("{} {of}", facet_word(figure)))));
        }
        text.push_str(&format!("{}\n", table(&header, &body)));
    }
    Ok(text)
}

fn facet_word(figure: &str) -> &'static str {
    if figure.starts_with("ablation") { "load factor" } else { "of" }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The sweeps behind the page.
pub(super) fn setup() -> Result<String, Problem> {
    let mut rows = Vec::new();
    for (name, _) in SWEEPS {
        let plan = rtmm_sweep::file::plan(name, &Runners::built_in().list())
            .map_err(|problems| problems.to_string())?;
        let axes = plan.axes();
        let loads = distinct_loads(&plan);
        rows.push(vec![
            format!("`{name}`"),
            axes.workloads.len().to_string(),
            axes.platforms.len().to_string(),
            axes.policies.len().to_string(),
            axes.seeds.len().to_string(),
            loads,
            plan.len().to_string(),
        ]);
    }
    let header =
        ["sweep", "scenarios", "platforms", "policies and settings", "seeds", "load factors", "runs"];
    Ok(table(&header, &rows))
}

fn distinct_loads(plan: &rtmm_sweep::plan::Plan<'_>) -> String {
    let mut loads: Vec<String> = Vec::new();
    for cell in plan.cells() {
        let load = plan.varied_scenario(cell).number("load_factor").unwrap_or(1.0).to_string();
        if !loads.contains(&load) {
            loads.push(load);
        }
    }
    loads.join(", ")
}

pub(super) fn uxcost(root: &Path) -> Result<String, Problem> {
    pivot(root, "uxcost_by_scenario", "policy")
}

pub(super) fn violations(root: &Path) -> Result<String, Problem> {
    pivot(root, "violations_by_scenario", "policy")
}

pub(super) fn energy(root: &Path) -> Result<String, Problem> {
    pivot(root, "energy_by_scenario", "policy")
}

pub(super) fn ablation(root: &Path) -> Result<String, Problem> {
    pivot(root, "ablation_uxcost", "policy")
}

pub(super) fn cascades(root: &Path) -> Result<String, Problem> {
    pivot(root, "cascades_uxcost", "policy")
}

pub(super) fn drop_cap(root: &Path) -> Result<String, Problem> {
    let cost = pivot(root, "drop_cap_uxcost", "scenario")?;
    let violations = pivot(root, "drop_cap_violations", "scenario")?;
    Ok(format!("UXCost, by the cap:\n\n{cost}\nDeadline-violation rate, by the cap:\n\n{violations}"))
}

pub(super) fn load(root: &Path) -> Result<String, Problem> {
    let cost = pivot(root, "load_uxcost", "policy")?;
    let violations = pivot(root, "load_violations", "policy")?;
    Ok(format!(
        "UXCost, by the load factor:\n\n{cost}\nDeadline-violation rate, by the load factor:\n\n{violations}"
    ))
}

/// Cost of the fragile choices, relative to the defaults.
pub(super) fn fragile(root: &Path) -> Result<String, Problem> {
    let rows = values(root, "fragile_uxcost")?;
    let loads = distinct(rows.iter().map(|row| row.keys[0].as_str()));
    let settings = distinct(rows.iter().map(|row| row.keys[1].as_str()));
    let find = |setting: &str, load: &str| {
        rows.iter().find(|row| row.keys[1] == setting && row.keys[0] == load).and_then(|row| row.value)
    };
    let default = settings.first().copied().ok_or("no setting")?;
    let mut header = vec!["setting".to_owned()];
    header.extend(loads.iter().map(|load| format!("load factor {load}")));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let body: Vec<Vec<String>> = settings
        .iter()
        .map(|setting| {
            let cell = |load: &&str| match (find(setting, load), find(default, load)) {
                (Some(value), Some(of_default)) => {
                    format!("{} ({:+.1} %)", number(value), 100.0 * (value / of_default - 1.0))
                }
                _ => "—".to_owned(),
            };
            std::iter::once(changed(setting, default)).chain(loads.iter().map(cell)).collect()
        })
        .collect();
    Ok(table(&header, &body))
}

/// The words of a setting that differ from the default.
fn changed(setting: &str, default: &str) -> String {
    let of_default: Vec<&str> = default.split(' ').collect();
    let differing: Vec<String> = setting
        .split(' ')
        .filter(|word| word.contains('=') && !of_default.contains(word))
        .map(|word| format!("`{word}`"))
        .collect();
    if differing.is_empty() { "as by default".to_owned() } else { differing.join(" ") }
}

/// A metric of the main comparison, by scenario and platform, then policy.
type Cases = BTreeMap<(String, String), BTreeMap<String, f64>>;

fn cases(root: &Path, metric: &str) -> Result<Cases, Problem> {
    let mut all: Cases = BTreeMap::new();
    let mut reader = csv::Reader::from_path(root.join(DATA).join("dream_cases.csv"))?;
    for record in reader.records() {
        let record = record?;
        let cell = |index: usize| record.get(index).unwrap_or_default().to_owned();
        if cell(3) == metric {
            all.entry((cell(0), cell(1))).or_default().insert(cell(2), cell(4).parse()?);
        }
    }
    Ok(all)
}

/// Reduction of UXCost by one policy relative to another: in the geometric mean over cases, and at the most.
fn reduction(cases: &Cases, policy: &str, baseline: &str) -> (f64, f64) {
    let ratios: Vec<f64> =
        cases.values().filter_map(|costs| Some(costs.get(policy)? / costs.get(baseline)?)).collect();
    let sum: f64 = ratios.iter().map(|ratio| libm::log(*ratio)).sum();
    let mean = libm::exp(sum / ratios.len().max(1) as f64);
    (1.0 - mean, 1.0 - ratios.iter().copied().fold(f64::INFINITY, f64::min))
}

/// Our reductions of UXCost beside the published ones.
pub(super) fn reductions(root: &Path) -> Result<String, Problem> {
    let cases = cases(root, "ux_cost")?;
    let baselines = [FCFS, ASSIGNED, "planaria", "veltair", "prema", "edf", "least-slack"];
    let policies = ["sdrm3", "dream-mapscore", "dream-drop", "dream-full", "dream-adaptive", "dream-halving"];
    let mut header = vec!["policy".to_owned()];
    header.extend(baselines.iter().map(|baseline| format!("against {}", name(baseline))));
    header.push("published".to_owned());
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows: Vec<Vec<String>> = policies
        .iter()
        .map(|policy| {
            let cell = |baseline: &&str| {
                let (mean, most) = reduction(&cases, policy, baseline);
                format!("{} (up to {})", percent(mean), percent(most))
            };
            let published = match *policy {
                "sdrm3" => "37.7 % and 53.2 % (up to 97.6 % and 97.1 %)",
                "dream-full" | "dream-adaptive" => "32.2 % and 50.0 % (up to 80.8 % and 97.6 %)",
                _ => "—",
            };
            std::iter::once(name(policy))
                .chain(baselines.iter().map(cell))
                .chain([published.to_owned()])
                .collect()
        })
        .collect();
    Ok(table(&header, &rows))
}

/// Which policy has the least UXCost, and which the least violations, by platform and scenario.
pub(super) fn winners(root: &Path) -> Result<String, Problem> {
    let mut text = String::new();
    for (metric, title) in [("ux_cost", "Least UXCost"), ("deadline_violation_rate", "Fewest violations")] {
        let cases = cases(root, metric)?;
        let scenarios = distinct(cases.keys().map(|(scenario, _)| scenario.as_str()));
        let mut platforms = distinct(cases.keys().map(|(_, platform)| platform.as_str()));
        platforms.sort_unstable();
        let mut header = vec![title.to_owned()];
        header.extend(scenarios.iter().map(|scenario| name(scenario)));
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let rows: Vec<Vec<String>> = platforms
            .iter()
            .map(|platform| {
                let cell = |scenario: &&str| {
                    let costs = &cases[&((*scenario).to_owned(), (*platform).to_owned())];
                    let least = costs.values().copied().fold(f64::INFINITY, f64::min);
                    let best: Vec<&str> = NAMES
                        .iter()
                        .filter(|(key, _)| costs.get(*key).is_some_and(|cost| *cost <= least))
                        .map(|(key, _)| *key)
                        .collect();
                    match best.as_slice() {
                        all if all.len() == costs.len() => "all alike".to_owned(),
                        [one] => format!("{} ({})", name(one), number(least)),
                        [one, ..] => format!("{} and {} more ({})", name(one), best.len() - 1, number(least)),
                        [] => "—".to_owned(),
                    }
                };
                std::iter::once(name(platform)).chain(scenarios.iter().map(cell)).collect()
            })
            .collect();
        text.push_str(&format!("{}\n", table(&header, &rows)));
    }
    Ok(text)
}

/// In how many cases DREAM is above or below others.
pub(super) fn standing(root: &Path) -> Result<String, Problem> {
    let mut rows = Vec::new();
    for (metric, title) in [("ux_cost", "UXCost"), ("deadline_violation_rate", "violations")] {
        let cases = cases(root, metric)?;
        for policy in ["dream-full", "dream-adaptive", "dream-halving"] {
            for other in [FCFS, ASSIGNED, "planaria", "veltair", "prema", "edf", "least-slack"] {
                let pairs: Vec<(f64, f64)> = cases
                    .values()
                    .filter_map(|costs| Some((*costs.get(policy)?, *costs.get(other)?)))
                    .collect();
                // One in a thousand more or less is no difference.
                let less = pairs.iter().filter(|(one, other)| *one < other * 0.999).count();
                let more = pairs.iter().filter(|(one, other)| *one > other * 1.001).count();
                rows.push(vec![
                    title.to_owned(),
                    name(policy),
                    name(other),
                    less.to_string(),
                    (pairs.len() - less - more).to_string(),
                    more.to_string(),
                ]);
            }
        }
    }
    Ok(table(&["metric", "policy", "against", "less in", "alike in", "more in"], &rows))
}

/// Weights that the searches found.
pub(super) fn search(root: &Path) -> Result<String, Problem> {
    let mut reader = csv::Reader::from_path(root.join(DATA).join("dream_search.csv"))?;
    let header = reader.headers()?.clone();
    let column = |name: &str| {
        header.iter().position(|known| known == name).ok_or_else(|| format!("no column `{name}`"))
    };
    let searches = ["dream-adaptive", "dream-halving"];
    let (mut rows, mut total, mut within, mut zero, mut flat) = (Vec::new(), 0, [0, 0, 0], 0, 0);
    for record in reader.records() {
        let record = record?;
        let text = |name: &str| -> Result<String, Problem> {
            Ok(record.get(column(name)?).unwrap_or_default().to_owned())
        };
        let value = |name: &str| -> Result<f64, Problem> { Ok(text(name)?.parse()?) };
        let (best, worst, start) = (value("best")?, value("worst")?, value("start")?);
        let found = [start, value(searches[0])?, value(searches[1])?];
        total += 1;
        for (count, cost) in within.iter_mut().zip(found) {
            *count += usize::from(cost <= best * 1.05);
        }
        zero += usize::from(text("best_alpha")? == "0");
        flat += usize::from(worst <= best * 1.05);
        let relative = |cost: f64| {
            let text = format!("× {:.2}", cost / best);
            if cost <= best * 1.05 { format!("**{text}**") } else { text }
        };
        rows.push(vec![
            name(&text("scenario")?),
            name(&text("platform")?),
            text("load_factor")?,
            format!("{} / {}", text("best_alpha")?, text("best_beta")?),
            number(best),
            relative(worst),
            relative(start),
            relative(found[1]),
            relative(found[2]),
        ]);
    }
    let header = [
        "scenario",
        "platform",
        "load",
        "best alpha / beta",
        "best UXCost",
        "worst cell",
        "start",
        "neighbours",
        "halving",
    ];
    Ok(format!(
        "Of {total} cases, five steps of the publication's search end within 5 % of the best cell of the grid in \
         {}, halving in {}, and the start is there already in {}. In {flat} cases all of the grid is within 5 %. The \
         best cell has an alpha of 0 in {zero}.\n\n{}",
        within[1],
        within[2],
        within[0],
        table(&header, &rows)
    ))
}
