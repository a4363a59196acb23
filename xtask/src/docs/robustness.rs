//! The pages on robustness: the axes, and tables from the data that `cargo xtask evaluation robustness` wrote.

use std::collections::BTreeMap;
use std::path::Path;

use rtmm_robust::AxisRow;
use rtmm_runners::Runners;
use rtmm_runners::engine::Engine;
use rtmm_sweep::runner::CellRunner;

use super::{Problem, table};
use crate::evaluation::DATA;
use crate::evaluation::robustness::{AXES, EVALUATIONS, Evaluation, study};

/// Sizes at which conclusions are counted, in percent.
const SIZES: [f64; 3] = [10.0, 20.0, 50.0];
/// A contest in a metric along an axis: axis, metric, better, than.
type Key = (String, String, String, String);

/// A contest as its rows tell it.
struct Contest {
    key: Key,
    is_tied: bool,
    values: Option<[f64; 2]>,
    /// By size: the share of draws that are won.
    won: Vec<(f64, f64)>,
    /// The greatest size up to which 95 % are won, and the least at which they are not.
    holds: f64,
    flips: Option<f64>,
    is_monotone: bool,
    p_systems: Option<f64>,
}

impl Contest {
    fn margin(&self) -> String {
        match (self.holds, self.flips) {
            _ if self.is_tied => "equal".to_owned(),
            (holds, None) => format!("> {holds}"),
            (0.0, Some(flips)) => format!("< {flips}"),
            (holds, Some(flips)) => format!("{holds}–{flips}"),
        }
    }

    fn survives(&self, size: f64) -> bool {
        !self.is_tied && self.holds >= size
    }

    /// Distance of the better one from the other, in percent of that.
    fn by(&self) -> String {
        match self.values {
            Some([better, than]) if than != 0.0 => {
                format!("{:.1} %", 100.0 * (better - than).abs() / than.abs())
            }
            _ => "–".to_owned(),
        }
    }
}

/// The contests of an evaluation.
fn read(root: &Path, evaluation: &Evaluation) -> Result<Vec<Contest>, Problem> {
    let path = root.join(DATA).join(format!("robustness_{}.csv", evaluation.name));
    let mut reader = csv::Reader::from_path(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let header = reader.headers()?.clone();
    let column = |name: &str| {
        header
            .iter()
            .position(|known| known == name)
            .ok_or_else(|| format!("{}: no column {name}", path.display()))
    };
    let [axis, metric, better, than] =
        [column("axis")?, column("metric")?, column("better")?, column("than")?];
    let [better_value, than_value, tied, size, probability] = [
        column("better_value")?,
        column("than_value")?,
        column("tied")?,
        column("size_percent")?,
        column("probability")?,
    ];
    let [holds, flips, monotone, p_systems] =
        [column("holds_95_percent")?, column("flips_95_percent")?, column("monotone")?, column("p_systems")?];
    let mut contests: Vec<Contest> = Vec::new();
    for row in reader.records() {
        let row = row?;
        let text = |column: usize| row.get(column).unwrap_or_default();
        let number = |column: usize| text(column).parse::<f64>().ok();
        let key =
            (text(axis).to_owned(), text(metric).to_owned(), text(better).to_owned(), text(than).to_owned());
        if contests.last().is_none_or(|last| last.key != key) {
            contests.push(Contest {
                key,
                is_tied: text(tied) == "true",
                values: number(better_value).zip(number(than_value)).map(|(one, other)| [one, other]),
                won: Vec::new(),
                holds: number(holds).unwrap_or(0.0),
                flips: number(flips),
                is_monotone: text(monotone) == "true",
                p_systems: number(p_systems),
            });
        }
        if let (Some(last), Some(size), Some(share)) =
            (contests.last_mut(), number(size), number(probability))
        {
            last.won.push((size, share));
        }
    }
    Ok(contests)
}

/// The kinds of errors.
pub(super) fn axes() -> String {
    let row = |axis: &AxisRow| {
        let sizes: Vec<String> = axis.sizes.iter().map(ToString::to_string).collect();
        vec![
            format!("`{}`", axis.name),
            axis.meaning.to_owned(),
            format!("{} % {}", sizes.join(", "), axis.unit).trim_end().to_owned(),
            format!("{} %", axis.greatest),
        ]
    };
    let rows: Vec<Vec<String>> = AxisRow::ALL.iter().map(row).collect();
    table(&["axis", "errors", "sizes", "greatest size"], &rows)
}

/// The studies behind the page.
pub(super) fn setup() -> Result<String, Problem> {
    let mut rows = Vec::new();
    for evaluation in &EVALUATIONS {
        let study = study(evaluation)?;
        let sizes = SIZES.len() as u32 + study.rounds;
        rows.push(vec![
            evaluation.title.to_owned(),
            format!("`{}`", evaluation.name),
            study.places.len().to_string(),
            study.policies.len().to_string(),
            study.seeds.len().to_string(),
            study.draws.to_string(),
            format!("{}", 1 + study.draws * sizes),
        ]);
    }
    Ok(table(
        &[
            "evaluation",
            "sweep",
            "systems",
            "policies",
            "seeds",
            "draws a size",
            "runs a policy, axis, system and seed, at most",
        ],
        &rows,
    ))
}

/// Label of a metric.
fn label(metric: &str) -> String {
    let columns = &Engine::built_in().spec().cell_columns;
    let column = columns.iter().find(|column| column.name == metric);
    match column.map_or("", |column| column.label) {
        "" => metric.trim_end_matches("_pj").replace('_', " "),
        label => label.to_owned(),
    }
}

/// Counts of conclusions, and of those that survive.
pub(super) fn survivors(root: &Path) -> Result<String, Problem> {
    let mut rows = Vec::new();
    for evaluation in &EVALUATIONS {
        let contests = read(root, evaluation)?;
        for axis in AXES {
            for metric in evaluation.metrics {
                let of = || {
                    contests.iter().filter(|one| one.key.0 == axis && one.key.1 == *metric && !one.is_tied)
                };
                let mut row = vec![
                    evaluation.title.to_owned(),
                    axis.to_owned(),
                    label(metric),
                    of().count().to_string(),
                ];
                row.extend(SIZES.map(|size| of().filter(|one| one.survives(size)).count().to_string()));
                row.push(of().filter(|one| !one.is_monotone).count().to_string());
                rows.push(row);
            }
        }
    }
    Ok(table(
        &["evaluation", "errors of", "metric", "conclusions", "survive 10 %", "20 %", "50 %", "not monotone"],
        &rows,
    ))
}

/// The policy of each publication against those that it was compared with.
pub(super) fn claims(root: &Path) -> Result<String, Problem> {
    let (mut rows, mut counts) = (Vec::new(), BTreeMap::<&str, [usize; 5]>::new());
    for evaluation in &EVALUATIONS {
        let contests = read(root, evaluation)?;
        for metric in evaluation.metrics {
            for other in evaluation.others {
                let is_of = |one: &&Contest| {
                    let (axis, of, better, than) = &one.key;
                    axis == "costs"
                        && of == metric
                        && [better, than].contains(&&evaluation.own.to_owned())
                        && [better, than].contains(&&(*other).to_owned())
                };
                let contest =
                    contests.iter().find(is_of).ok_or("a contest is missing: run the evaluation again")?;
                let holds = !contest.is_tied && contest.key.2 == evaluation.own;
                let count = counts.entry(evaluation.title).or_default();
                count[0] += 1;
                count[1] += usize::from(holds);
                for (index, size) in SIZES.into_iter().enumerate() {
                    count[2 + index] += usize::from(holds && contest.survives(size));
                }
                let won = |size: f64| {
                    let at = contest.won.iter().find(|(known, _)| *known == size);
                    at.filter(|_| !contest.is_tied)
                        .map_or_else(|| "–".to_owned(), |(_, share)| format!("{:.0}", 100.0 * share))
                };
                let mut row = vec![
                    format!(
                        "{}: `{}` beats `{other}` in {}",
                        evaluation.title,
                        short(evaluation.own),
                        label(metric)
                    ),
                    match (contest.is_tied, holds) {
                        (true, _) => "equal".to_owned(),
                        (false, true) => format!("yes, by {}", contest.by()),
                        (false, false) => format!("no, behind by {}", contest.by()),
                    },
                ];
                row.extend(SIZES.map(won));
                row.push(contest.margin());
                row.push(contest.p_systems.map_or_else(|| "–".to_owned(), |p| format!("{p:.4}")));
                rows.push(row);
            }
        }
    }
    let mut text = table(
        &[
            "conclusion of the published form",
            "here, without errors",
            "10 %",
            "20 %",
            "50 %",
            "flip margin (%)",
            "p over systems",
        ],
        &rows,
    );
    text.push('\n');
    let row = |(title, [all, hold, ten, twenty, fifty]): (&&str, &[usize; 5])| {
        let mut row = vec![(*title).to_owned()];
        row.extend([all, hold, ten, twenty, fifty].map(ToString::to_string));
        row
    };
    let rows: Vec<Vec<String>> = counts.iter().map(row).collect();
    text.push_str(&table(
        &["evaluation", "conclusions", "hold without errors", "survive 10 %", "survive 20 %", "survive 50 %"],
        &rows,
    ));
    Ok(text)
}

/// A policy without the parameters by which a sweep tells it apart.
fn short(policy: &str) -> &str {
    policy.split(' ').next().unwrap_or(policy)
}

/// Every pair of an evaluation: a matrix of margins a metric.
pub(super) fn matrices(root: &Path, name: &str) -> Result<String, Problem> {
    let evaluation = EVALUATIONS.iter().find(|one| one.name == name).ok_or("no such evaluation")?;
    let contests = read(root, evaluation)?;
    let runners = Runners::built_in();
    let runners = runners.list();
    let plan = rtmm_sweep::file::plan(name, &runners).map_err(|problems| problems.to_string())?;
    let policies = rtmm_sweep::runner::short_names(&plan.axes().policies);
    let mut text = String::new();
    for axis in AXES {
        for metric in evaluation.metrics {
            let of = || contests.iter().filter(|one| one.key.0 == axis && one.key.1 == *metric);
            let wins = |policy: &str| of().filter(|one| !one.is_tied && one.key.2 == policy).count();
            let mut order: Vec<&String> = policies.iter().collect();
            order.sort_by_key(|policy| std::cmp::Reverse(wins(policy)));
            let mut header = vec!["better".to_owned()];
            header.extend(order.iter().skip(1).map(|policy| format!("`{policy}`")));
            let header: Vec<&str> = header.iter().map(String::as_str).collect();
            let mut rows = Vec::new();
            for (position, row) in order.iter().enumerate().take(order.len().saturating_sub(1)) {
                let mut cells = vec![format!("`{row}`")];
                for (column, other) in order.iter().enumerate().skip(1) {
                    let contest = of().find(|one| {
                        let names = [&one.key.2, &one.key.3];
                        names.contains(row) && names.contains(other)
                    });
                    cells.push(match contest {
                        Some(contest) if column > position => {
                            // A circle of three policies has no order that all of its contests follow.
                            let turned =
                                if contest.is_tied || contest.key.2 == **row { "" } else { " (turned)" };
                            let mark = if contest.is_monotone { "" } else { "*" };
                            format!("{}{mark}{turned}", contest.margin())
                        }
                        _ => String::new(),
                    });
                }
                rows.push(cells);
            }
            text.push_str(&format!("Errors of {axis}, {}:\n\n{}\n", label(metric), table(&header, &rows)));
        }
    }
    Ok(text)
}
