//! The page "The frontier": tables from the data that `cargo xtask evaluation frontier` wrote.

use std::path::Path;

use super::{Problem, table};
use crate::evaluation::DATA;
use crate::evaluation::frontier::{SWEEP, TABLE, WIDE, WIDE_TABLE};

/// The policy of this project with all its defaults.
const OWN: &str = "horizon";
const COSTS: [&str; 2] = ["corrected", "reference"];
/// Misses, in points, within which two policies count as level.
const NEAR: f64 = 0.5;

/// Means of a policy in a scenario on a platform at a load.
struct Cell {
    scenario: String,
    platform: String,
    costs: String,
    load: String,
    policy: String,
    /// Misses and completions in percent, energy of a completed job, UXCost.
    values: [Option<f64>; 4],
}

const MISSES: usize = 0;
const COMPLETED: usize = 1;
const ENERGY: usize = 2;
const UX_COST: usize = 3;

impl Cell {
    /// Everything but the policy.
    fn place(&self) -> [&str; 4] {
        [&self.scenario, &self.platform, &self.costs, &self.load]
    }
}

struct Cells(Vec<Cell>);

impl Cells {
    fn read(root: &Path, table: &str) -> Result<Self, Problem> {
        let mut reader = csv::Reader::from_path(root.join(DATA).join(table))?;
        let mut cells = Vec::new();
        for record in reader.records() {
            let record = record?;
            let text = |index: usize| record[index].to_owned();
            let number =
                |index: usize, factor: f64| record[index].parse::<f64>().ok().map(|number| factor * number);
            cells.push(Cell {
                scenario: text(0),
                platform: text(1),
                costs: text(2),
                load: text(3),
                policy: text(4),
                values: [number(5, 100.0), number(6, 100.0), number(7, 1.0), number(8, 1.0)],
            });
        }
        Ok(Self(cells))
    }

    /// Different values of a field, in their order.
    fn all<'c>(&'c self, of: impl Fn(&'c Cell) -> &'c str) -> Vec<&'c str> {
        let mut values: Vec<&str> = Vec::new();
        for cell in &self.0 {
            if !values.contains(&of(cell)) {
                values.push(of(cell));
            }
        }
        values
    }

    /// Mean over the platforms of a scenario: arithmetic of shares, geometric of energies and costs.
    fn mean(&self, at: (&str, &str, &str), policy: &str, metric: usize) -> Option<f64> {
        let (costs, load, scenario) = at;
        let is_it = |cell: &&Cell| {
            cell.costs == costs && cell.load == load && cell.scenario == scenario && cell.policy == policy
        };
        let values: Vec<f64> =
            self.0.iter().filter(is_it).map(|cell| cell.values[metric]).collect::<Option<_>>()?;
        let is_geometric = matches!(metric, ENERGY | UX_COST);
        if values.is_empty() || (is_geometric && values.iter().any(|value| *value <= 0.0)) {
            return None;
        }
        let mean = |values: &mut dyn Iterator<Item = f64>, count: usize| values.sum::<f64>() / count as f64;
        Some(match metric {
            MISSES | COMPLETED => mean(&mut values.iter().copied(), values.len()),
            _ => mean(&mut values.iter().map(|value| value.ln()), values.len()).exp(),
        })
    }

    /// Places: costs, load and scenario.
    fn places(&self) -> Vec<(&str, &str, &str)> {
        let mut places: Vec<(&str, &str, &str)> = Vec::new();
        for cell in &self.0 {
            let place = (cell.costs.as_str(), cell.load.as_str(), cell.scenario.as_str());
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }
}

/// Standing of the policy of this project at a place.
struct Standing<'c> {
    place: (&'c str, &'c str, &'c str),
    /// Its misses, and those of the best other one with its name.
    misses: (f64, f64, &'c str),
    /// Its energy of a completed job over the least of those that miss no more than it, by half a point.
    energy: Option<f64>,
    /// Its completions over the most of those that miss no more than it, by half a point, with that one's name.
    completed: Option<(f64, &'c str)>,
    /// Its completions over the most of any.
    completed_of_all: f64,
}

/// The least part of the most completions that the target asks for.
const COMPLETED_PART: f64 = 0.98;

impl Standing<'_> {
    fn completes(&self) -> bool {
        self.completed.is_none_or(|(part, _)| part >= COMPLETED_PART)
    }
}

fn standings(cells: &Cells) -> Vec<Standing<'_>> {
    let policies = cells.all(|cell| &cell.policy);
    let others: Vec<&str> = policies.into_iter().filter(|policy| *policy != OWN).collect();
    let of =
        |place: (&'_ str, &'_ str, &'_ str), metric: usize, policy: &str| cells.mean(place, policy, metric);
    let standing = |place| {
        let own = of(place, MISSES, OWN)?;
        let best = others.iter().filter_map(|policy| Some((of(place, MISSES, policy)?, *policy)));
        let (least, name) = best.min_by(|one, other| one.0.total_cmp(&other.0))?;
        let level = || {
            others.iter().filter(|policy| of(place, MISSES, policy).is_some_and(|other| other <= own + NEAR))
        };
        let energies = level().filter_map(|policy| of(place, ENERGY, policy));
        let energy = energies.min_by(f64::total_cmp);
        let completed = of(place, COMPLETED, OWN)?;
        let most = others.iter().filter_map(|policy| of(place, COMPLETED, policy)).fold(0.0, f64::max);
        let of_level = level().filter_map(|policy| Some((of(place, COMPLETED, policy)?, *policy)));
        let most_of_level = of_level.max_by(|one, other| one.0.total_cmp(&other.0));
        Some(Standing {
            place,
            misses: (own, least, name),
            energy: of(place, ENERGY, OWN).zip(energy).map(|(own, least)| own / least),
            completed: most_of_level.map(|(most, name)| (completed / most, name)),
            completed_of_all: completed / most,
        })
    };
    cells.places().into_iter().filter_map(standing).collect()
}

/// Size of the sweep.
pub(super) fn setup(root: &Path) -> Result<String, Problem> {
    Ok(size(SWEEP, &Cells::read(root, TABLE)?))
}

fn size(sweep: &str, cells: &Cells) -> String {
    let count = |of: fn(&Cell) -> &str| cells.all(of).len();
    format!(
        "The sweep `{sweep}`: {} scenarios on {} platforms, loads {}, {} policies and settings.\n",
        count(|cell| &cell.scenario),
        count(|cell| &cell.platform),
        cells.all(|cell| &cell.load).join(", "),
        count(|cell| &cell.policy),
    )
}

/// Counts of the places at which the policy of this project holds its targets.
pub(super) fn standing(root: &Path) -> Result<String, Problem> {
    Ok(targets(&Cells::read(root, TABLE)?))
}

/// Size of the sweep over more platforms, and the same counts.
pub(super) fn platforms(root: &Path) -> Result<String, Problem> {
    let cells = Cells::read(root, WIDE_TABLE)?;
    Ok(format!("{}\n{}", size(WIDE, &cells), targets(&cells)))
}

/// Single platforms of that sweep on which another policy misses less by more than half a point, the widest first.
pub(super) fn platforms_lost(root: &Path) -> Result<String, Problem> {
    let cells = Cells::read(root, WIDE_TABLE)?;
    let misses = |cell: &Cell| cell.values[MISSES];
    let own: Vec<&Cell> = cells.0.iter().filter(|cell| cell.policy == OWN).collect();
    let mut lost: Vec<(f64, &Cell, &Cell)> = Vec::new();
    for cell in &own {
        let is_other = |other: &&Cell| other.policy != OWN && other.place() == cell.place();
        let best = cells.0.iter().filter(is_other).filter(|other| misses(other).is_some());
        let best =
            best.min_by(|one, other| misses(one).unwrap_or(0.0).total_cmp(&misses(other).unwrap_or(0.0)));
        if let Some((best, (own, least))) =
            best.and_then(|best| Some((best, misses(cell).zip(misses(best))?)))
            && own > least + NEAR
        {
            lost.push((own - least, cell, best));
        }
    }
    lost.sort_by(|one, other| other.0.total_cmp(&one.0));
    let percent = |cell: &Cell| misses(cell).map_or_else(String::new, |misses| format!("{misses:.1}"));
    let row = |(_, cell, best): &(f64, &Cell, &Cell)| {
        let platform = cell.platform.trim_start_matches("dream/").to_owned();
        let scenario = cell.scenario.trim_start_matches("dream/").to_owned();
        let policy = format!("`{}`", best.policy);
        vec![scenario, platform, cell.costs.clone(), cell.load.clone(), percent(cell), percent(best), policy]
    };
    let header =
        ["scenario", "platform", "costs", "load", "misses of `horizon`, %", "of the best, %", "the best"];
    let rows: Vec<Vec<String>> = lost.iter().map(row).collect();
    Ok(format!("At {} of {} places:\n\n{}", lost.len(), own.len(), table(&header, &rows)))
}

fn targets(cells: &Cells) -> String {
    let standings = standings(cells);
    let mut rows = Vec::new();
    for costs in COSTS {
        for load in cells.all(|cell| &cell.load) {
            let here: Vec<&Standing<'_>> = standings
                .iter()
                .filter(|standing| standing.place.0 == costs && standing.place.1 == load)
                .collect();
            let count = |holds: &dyn Fn(&Standing<'_>) -> bool| {
                format!("{} of {}", here.iter().filter(|standing| holds(standing)).count(), here.len())
            };
            rows.push(vec![
                costs.to_owned(),
                load.to_owned(),
                count(&|standing| standing.misses.0 <= standing.misses.1 + NEAR),
                count(&|standing| standing.energy.is_none_or(|energy| energy <= 1.02)),
                count(&|standing| standing.completes()),
                count(&|standing| standing.completed_of_all >= COMPLETED_PART),
                reduction(cells, costs, load),
            ]);
        }
    }
    let header = [
        "costs",
        "load",
        "misses at most half a point above the best",
        "energy of a completed job at most 1.02 of the least at its level of misses",
        "completions at least 0.98 of the most at its level of misses",
        "of the most at any level of misses",
        "UXCost against the best other",
    ];
    table(&header, &rows)
}

/// Reduction of UXCost, in the geometric mean over scenarios and platforms, against the best other policy, with its name.
fn reduction(cells: &Cells, costs: &str, load: &str) -> String {
    let mean = |policy: &str| {
        let scenarios = cells.all(|cell| &cell.scenario);
        let logs: Option<Vec<f64>> = scenarios
            .iter()
            .map(|scenario| cells.mean((costs, load, scenario), policy, UX_COST).map(f64::ln))
            .collect();
        logs.map(|logs| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
    };
    let others = cells.all(|cell| &cell.policy).into_iter().filter(|policy| *policy != OWN);
    let best = others.filter_map(|policy| Some((mean(policy)?, policy)));
    let best = best.min_by(|one, other| one.0.total_cmp(&other.0));
    mean(OWN).zip(best).map_or_else(
        || "-".to_owned(),
        |(own, (best, name))| format!("{:+.1} % (`{name}`)", 100.0 * (own / best - 1.0)),
    )
}

/// Means of each policy over all scenarios and platforms, by costs and load.
pub(super) fn means(root: &Path) -> Result<String, Problem> {
    let cells = Cells::read(root, TABLE)?;
    let mut text = String::new();
    for costs in COSTS {
        let loads = cells.all(|cell| &cell.load);
        let mean = |load: &str, policy: &str, metric: usize| -> Option<f64> {
            let scenarios = cells.all(|cell| &cell.scenario);
            let values: Option<Vec<f64>> = scenarios
                .iter()
                .map(|scenario| cells.mean((costs, load, scenario), policy, metric))
                .collect();
            values.map(|values| values.iter().sum::<f64>() / values.len() as f64)
        };
        let energy = |load: &str, policy: &str| -> Option<f64> {
            let logs: Option<Vec<f64>> = cells
                .all(|cell| &cell.scenario)
                .iter()
                .map(|scenario| {
                    let of = |policy: &str| cells.mean((costs, load, scenario), policy, ENERGY);
                    Some((of(policy)? / of(OWN)?).ln())
                })
                .collect();
            logs.map(|logs| (logs.iter().sum::<f64>() / logs.len() as f64).exp())
        };
        let mut lines: Vec<(f64, Vec<String>)> = Vec::new();
        for policy in cells.all(|cell| &cell.policy) {
            let mut line = vec![format!("`{policy}`")];
            let mut sum = 0.0;
            for load in &loads {
                let (misses, energy) = (mean(load, policy, MISSES), energy(load, policy));
                sum += misses.unwrap_or(f64::INFINITY);
                let shown = |value: Option<f64>, digits: usize| {
                    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
                };
                line.push(format!("{} / {}", shown(misses, 1), shown(energy, 2)));
            }
            lines.push((sum, line));
        }
        lines.sort_by(|one, other| one.0.total_cmp(&other.0));
        let lines: Vec<Vec<String>> = lines.into_iter().map(|(_, line)| line).collect();
        let loads: Vec<String> = loads.iter().map(|load| format!("load {load}")).collect();
        let header: Vec<&str> = std::iter::once("policy").chain(loads.iter().map(String::as_str)).collect();
        text.push_str(&format!("**{costs} costs**: misses in percent / energy of a completed job\n\n"));
        text.push_str(&table(&header, &lines));
        text.push('\n');
    }
    Ok(text.trim_end().to_owned() + "\n")
}

/// The places at which the policy of this project misses more than another one by more than half a point.
pub(super) fn lost(root: &Path) -> Result<String, Problem> {
    let cells = Cells::read(root, TABLE)?;
    let mut lost: Vec<Standing<'_>> = standings(&cells);
    let count = lost.len();
    lost.retain(|standing| standing.misses.0 > standing.misses.1 + NEAR);
    lost.sort_by(|one, other| {
        let behind = |standing: &Standing<'_>| standing.misses.0 - standing.misses.1;
        behind(other).total_cmp(&behind(one))
    });
    if lost.is_empty() {
        return Ok(format!("At none of {count} places.\n"));
    }
    let rows: Vec<Vec<String>> = lost
        .iter()
        .map(|standing| {
            let (costs, load, scenario) = standing.place;
            let (own, least, name) = standing.misses;
            let text = |text: &str| text.to_owned();
            vec![
                text(scenario),
                text(costs),
                text(load),
                format!("{own:.1}"),
                format!("{least:.1}"),
                format!("`{name}`"),
            ]
        })
        .collect();
    let header = ["scenario", "costs", "load", "misses of `horizon`, %", "of the best, %", "the best"];
    Ok(format!("At {} of {count} places:\n\n{}", lost.len(), table(&header, &rows)))
}

/// The places at which another policy at its level of misses completes more, by more than the target allows, with what that takes.
pub(super) fn fewer(root: &Path) -> Result<String, Problem> {
    let cells = Cells::read(root, TABLE)?;
    let mut fewer = standings(&cells);
    let count = fewer.len();
    fewer.retain(|standing| !standing.completes());
    if fewer.is_empty() {
        return Ok(format!("At none of {count} places.\n"));
    }
    let rows: Vec<Vec<String>> = fewer
        .iter()
        .filter_map(|standing| Some((standing.place, standing.completed?.1)))
        .map(|(place, name)| {
            let (costs, load, scenario) = place;
            let shown = |policy: &str, metric: usize| {
                cells
                    .mean(place, policy, metric)
                    .map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"))
            };
            let energy = cells.mean(place, name, ENERGY).zip(cells.mean(place, OWN, ENERGY));
            vec![
                scenario.to_owned(),
                costs.to_owned(),
                load.to_owned(),
                format!("{} / {}", shown(OWN, MISSES), shown(OWN, COMPLETED)),
                format!("{} / {}", shown(name, MISSES), shown(name, COMPLETED)),
                energy.map_or_else(|| "-".to_owned(), |(other, own)| format!("{:.2}", other / own)),
                format!("`{name}`"),
            ]
        })
        .collect();
    let header = [
        "scenario",
        "costs",
        "load",
        "misses / completions of `horizon`, %",
        "of the other, %",
        "energy of a completed job of the other over that of `horizon`",
        "the other",
    ];
    Ok(format!("At {} of {count} places:\n\n{}", fewer.len(), table(&header, &rows)))
}
