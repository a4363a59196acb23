//! The page "The Dysta evaluation": sweeps in memory, what their means say, and figures.
//!
//! Every number of the page comes from here, and so does every statement that depends on one.

mod offline;
mod runs;

use rtmm_report::{LinePoint, LineSeries, Lines, Scatter, ScatterPoint, TWO_COLUMNS_PT};
use rtmm_scheduler::number_format::NumberFormat;
use rtmm_scheduler::policies::dysta_hardware::Storage;
use rtmm_sweep::runner::Policy;

use super::{Problem, table};
use runs::{
    BREAKDOWN, DEADLINES, Group, HARDWARE, MAIN, Metric, Runs, difference_cell, found, number, rate_text,
    short,
};

pub(in crate::docs) use offline::{latencies, predictors, quirks};

/// Policies of prior work in the paper's comparison, and their sparse variants.
const PRIOR: [&str; 8] =
    ["fcfs", "sjf", "sjf-sparse", "prema", "prema-sparse", "planaria", "sdrm3", "sdrm3-sparse"];
/// Policies that figures over an axis show: as many as there are colours. The others would press these together.
const DRAWN: [&str; 8] = [
    "dysta-corrected",
    "sjf",
    "sjf-sparse",
    "prema-sparse",
    "planaria",
    "dysta-naive",
    "dysta-oracle",
    "dysta",
];
/// Figures over deadlines end here: beyond, hardly any is missed.
const LAST_DRAWN_DEADLINE: f64 = 25.0;
const CORRECTED: &str = "dysta-corrected";
const METRICS: [(Metric, &str); 2] = [(Metric::Violations, "violation rate"), (Metric::Antt, "ANTT")];

/// Results of the runs.
pub(super) fn setup() -> Result<String, Problem> {
    let mut rows = Vec::new();
    for name in [MAIN, DEADLINES, BREAKDOWN, HARDWARE] {
        let runs = runs::of(name)?;
        let jobs = runs.groups.iter().map(|group| group.jobs).sum::<f64>() / runs.groups.len() as f64;
        let rates = |(scenario, _): &(&str, &str)| {
            let rates: Vec<String> = runs.rates(scenario).into_iter().map(rate_text).collect();
            format!("`{}` {}", short(scenario), rates.join(", "))
        };
        rows.push(vec![
            format!("`{}`", runs.name),
            runs.cells.to_string(),
            runs.seeds.to_string(),
            format!("{jobs:.0}"),
            runs.pairs().iter().map(rates).collect::<Vec<_>>().join("; "),
        ]);
    }
    Ok(table(&["sweep", "runs", "seeds", "requests a run, mean", "requests a second"], &rows))
}

/// A metric by policy and rate, a table a scenario.
fn ranking(metric: Metric, name: &str) -> Result<String, Problem> {
    let runs = runs::of(MAIN)?;
    let mut text = String::new();
    for (scenario, platform) in runs.pairs() {
        let columns: Vec<Vec<&Group>> =
            runs.rates(scenario).into_iter().map(|rate| runs.at(scenario, rate)).collect();
        let mut header = vec!["policy".to_owned()];
        header.extend(columns.iter().map(|column| format!("{}/s", rate_text(column[0].rate_hz))));
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let rows: Vec<Vec<String>> = (0..columns[0].len())
            .map(|policy| {
                let name = format!("`{}`", columns[0][policy].policy.name);
                let cell = |column: &Vec<&Group>| {
                    let text = column[policy].cell(metric);
                    let best = least(column, metric);
                    if column[policy].mean(metric) == best { format!("**{text}**") } else { text }
                };
                std::iter::once(name).chain(columns.iter().map(cell)).collect()
            })
            .collect();
        let (scenario, platform) = (short(scenario), short(platform));
        text.push_str(&format!("`{scenario}` on `{platform}`, {name}:\n\n{}\n", table(&header, &rows)));
    }
    Ok(text)
}

fn least(groups: &[&Group], metric: Metric) -> f64 {
    groups.iter().map(|group| group.mean(metric)).fold(f64::INFINITY, f64::min)
}

pub(super) fn violations() -> Result<String, Problem> {
    ranking(Metric::Violations, "share of requests that miss their deadline")
}

pub(super) fn antt() -> Result<String, Problem> {
    ranking(Metric::Antt, "ANTT")
}

/// Violations by policy and deadline, a table a scenario.
pub(super) fn deadlines() -> Result<String, Problem> {
    let runs = runs::of(DEADLINES)?;
    let mut text = String::new();
    for (scenario, _) in runs.pairs() {
        let of_scenario: Vec<&Group> =
            runs.groups.iter().filter(|group| group.scenario == scenario).collect();
        let columns: Vec<&[&Group]> = of_scenario.chunk_by(|a, b| a.deadline == b.deadline).collect();
        let mut header = vec!["policy".to_owned()];
        header.extend(columns.iter().map(|column| format!("x {}", column[0].deadline.unwrap_or(f64::NAN))));
        let header: Vec<&str> = header.iter().map(String::as_str).collect();
        let rows: Vec<Vec<String>> = (0..columns[0].len())
            .map(|policy| {
                let name = format!("`{}`", columns[0][policy].policy.name);
                let cell = |column: &&[&Group]| {
                    let mean = column[policy].mean(Metric::Violations);
                    let text = number(mean);
                    if mean == least(column, Metric::Violations) { format!("**{text}**") } else { text }
                };
                std::iter::once(name).chain(columns.iter().map(cell)).collect()
            })
            .collect();
        let rate = rate_text(of_scenario[0].rate_hz);
        text.push_str(&format!("`{}` at {rate}/s:\n\n{}\n", short(scenario), table(&header, &rows)));
    }
    Ok(text)
}

/// Dysta, its oracle and the corrected variant against the best of the others.
pub(super) fn standing() -> Result<String, Problem> {
    let runs = runs::of(MAIN)?;
    let mut text = String::new();
    for (metric, name) in METRICS {
        let mut rows = Vec::new();
        for (scenario, _) in runs.pairs() {
            for rate in runs.rates(scenario) {
                let groups = runs.at(scenario, rate);
                let others: Vec<&Group> =
                    groups.iter().copied().filter(|group| !group.policy.name.starts_with("dysta")).collect();
                let least = least(&others, metric);
                let best = others.iter().find(|group| group.mean(metric) == least).ok_or("no policy")?;
                let of = |policy| found(&groups, policy);
                let (dysta, oracle, corrected) = (of("dysta")?, of("dysta-oracle")?, of(CORRECTED)?);
                rows.push(vec![
                    format!("`{}` {}/s", short(scenario), rate_text(rate)),
                    format!("`{}`: {}", best.policy.name, number(least)),
                    difference_cell(dysta.difference(best, metric)),
                    difference_cell(oracle.difference(best, metric)),
                    difference_cell(corrected.difference(best, metric)),
                    difference_cell(corrected.difference(dysta, metric)),
                    difference_cell(corrected.difference(oracle, metric)),
                ]);
            }
        }
        let header = [
            "workload",
            "best other policy",
            "`dysta` − best",
            "`dysta-oracle` − best",
            "`dysta-corrected` − best",
            "`dysta-corrected` − `dysta`",
            "`dysta-corrected` − `dysta-oracle`",
        ];
        text.push_str(&format!("{}:\n\n{}\n", capital(name), table(&header, &rows)));
    }
    Ok(text)
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + chars.as_str())
}

/// Counts over the standings.
pub(super) fn statements() -> Result<String, Problem> {
    let runs = runs::of(MAIN)?;
    let mut text = String::new();
    for (metric, name) in METRICS {
        for (better, worse) in [
            (CORRECTED, "dysta"),
            (CORRECTED, "dysta-oracle"),
            ("dysta", "sjf"),
            ("dysta", "edf"),
            ("dysta-oracle", "sjf"),
            ("dysta-oracle", "edf"),
        ] {
            let (mut lower, mut higher, mut open) = (Vec::new(), Vec::new(), 0);
            for (scenario, _) in runs.pairs() {
                for rate in runs.rates(scenario) {
                    let groups = runs.at(scenario, rate);
                    let difference = found(&groups, better)?.difference(found(&groups, worse)?, metric);
                    let at = format!("`{}` {}/s", short(scenario), rate_text(rate));
                    match difference.and_then(|one| one.interval) {
                        Some(interval) if interval.high < 0.0 => lower.push(at),
                        Some(interval) if interval.low > 0.0 => higher.push(at),
                        _ => open += 1,
                    }
                }
            }
            let list =
                |places: &[String]| if places.is_empty() { "nowhere".to_owned() } else { places.join(", ") };
            text.push_str(&format!(
                "- {}, `{better}` against `{worse}`: lower at {} ({}), higher at {} ({}), no difference that the seeds \
                 show at {open}.\n",
                capital(name),
                lower.len(),
                list(&lower),
                higher.len(),
                list(&higher),
            ));
        }
    }
    Ok(text)
}

/// Where another policy beats the corrected variant by more than chance.
pub(super) fn exceptions() -> Result<String, Problem> {
    let runs = runs::of(MAIN)?;
    let mut rows = Vec::new();
    for (metric, name) in METRICS {
        for (scenario, _) in runs.pairs() {
            for rate in runs.rates(scenario) {
                let groups = runs.at(scenario, rate);
                let corrected = found(&groups, CORRECTED)?;
                let better: Vec<String> = groups
                    .iter()
                    .filter_map(|group| {
                        let difference = corrected.difference(group, metric)?;
                        let is_better = difference.interval.is_some_and(|one| one.low > 0.0);
                        is_better.then(|| format!("`{}` by {}", group.policy.name, number(difference.mean)))
                    })
                    .collect();
                if !better.is_empty() {
                    let place = format!("`{}` {}/s", short(scenario), rate_text(rate));
                    rows.push(vec![name.to_owned(), place, better.join(", ")]);
                }
            }
        }
    }
    if rows.is_empty() {
        return Ok("Nowhere.".to_owned());
    }
    Ok(table(&["metric", "workload", "policies that are better"], &rows))
}

/// Rows of the breakdown: a name, and the policy by its name and parameters.
type Part<'p> = (&'p str, &'p str, &'p [(&'p str, &'p str)]);

const PUBLISHED: [(&str, &str); 3] = [("penalty", "published"), ("slack", "counted"), ("hopeless", "ranked")];

fn has(group: &Group, policy: &str, parameters: &[(&str, &str)]) -> bool {
    let defaults: &[(&str, &str)] = if policy == CORRECTED { &[] } else { &PUBLISHED };
    let stated = |name: &str| parameters.iter().any(|(known, _)| *known == name);
    group.policy.name == policy
        && parameters.iter().all(|(name, value)| group.is_set(name, value))
        && defaults.iter().filter(|(name, _)| !stated(name)).all(|(name, value)| group.is_set(name, value))
}

fn parts(parts: &[Part<'_>]) -> Result<String, Problem> {
    let runs = runs::of(BREAKDOWN)?;
    let mut columns = Vec::new();
    for (scenario, _) in runs.pairs() {
        columns.extend(runs.rates(scenario).into_iter().map(|rate| runs.at(scenario, rate)));
    }
    let mut header = vec!["variant".to_owned()];
    for column in &columns {
        let place = format!("{} {}/s", short(&column[0].scenario), rate_text(column[0].rate_hz));
        header.extend([
            format!("{place}: violations"),
            "ANTT".to_owned(),
            "largest ANTT of a seed".to_owned(),
        ]);
    }
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut rows = Vec::new();
    for (name, policy, parameters) in parts {
        let mut cells = vec![(*name).to_owned()];
        for column in &columns {
            let mut of = column.iter().filter(|group| has(group, policy, parameters));
            let group = of.next().ok_or_else(|| format!("the sweep lacks {name}"))?;
            cells.push(group.cell(Metric::Violations));
            cells.push(group.cell(Metric::Antt));
            cells.push(number(group.antt.iter().copied().fold(0.0, f64::max)));
        }
        rows.push(cells);
    }
    Ok(table(&header, &rows))
}

/// The paper's breakdown into its two levels.
pub(super) fn levels() -> Result<String, Problem> {
    parts(&[
        ("neither (`dysta-naive`)", "dysta", &[("estimate", "architecture"), ("predictor", "none")]),
        ("static: patterns known", "dysta", &[("estimate", "pattern"), ("predictor", "none")]),
        ("dynamic: `average-all`", "dysta", &[("estimate", "architecture"), ("predictor", "average-all")]),
        ("both (`dysta`)", "dysta", &[("estimate", "pattern"), ("predictor", "average-all")]),
        ("dynamic: `affine`", "dysta", &[("estimate", "architecture"), ("predictor", "affine")]),
        ("both, `affine`", "dysta", &[("estimate", "pattern"), ("predictor", "affine")]),
        ("the truth (`dysta-oracle`)", "dysta-oracle", &[]),
    ])
}

/// The terms of the score, one by one.
pub(super) fn score() -> Result<String, Problem> {
    let all: (&str, &str) = ("predictor", "average-all");
    let pattern: (&str, &str) = ("estimate", "pattern");
    parts(&[
        ("`dysta`", "dysta", &[pattern, all]),
        ("no penalty", "dysta", &[pattern, all, ("penalty", "none")]),
        ("penalty reversed", "dysta", &[pattern, all, ("penalty", "reversed")]),
        ("no slack", "dysta", &[pattern, all, ("slack", "ignored")]),
        ("neither", "dysta", &[pattern, all, ("slack", "ignored"), ("penalty", "none")]),
        ("out of reach goes last", "dysta", &[pattern, all, ("hopeless", "last")]),
        (
            "no penalty, out of reach last",
            "dysta",
            &[pattern, all, ("hopeless", "last"), ("penalty", "none")],
        ),
        ("`affine`, no penalty", "dysta", &[pattern, ("predictor", "affine"), ("penalty", "none")]),
        ("`affine`, no penalty, out of reach last (`dysta-corrected`)", CORRECTED, &[]),
        ("`dysta-oracle`", "dysta-oracle", &[]),
        ("oracle, no penalty", "dysta-oracle", &[("penalty", "none")]),
        ("oracle, penalty reversed", "dysta-oracle", &[("penalty", "reversed")]),
        (
            "oracle, no penalty, out of reach last",
            "dysta-oracle",
            &[("penalty", "none"), ("hopeless", "last")],
        ),
    ])
}

/// Storage of the hardware scheduler.
pub(super) fn storage() -> String {
    let mut rows = Vec::new();
    for (name, format) in [("fp16", NumberFormat::Half), ("fp32", NumberFormat::Single)] {
        for depth in [4, 6, 9] {
            let Storage { requests, tables } = Storage::of(depth, format);
            rows.push(vec![
                format!("`{name}`"),
                depth.to_string(),
                (1_u64 << depth).to_string(),
                requests.to_string(),
                tables.to_string(),
                format!("{:.1}", (requests + tables) as f64 / 8.0 / 1024.0),
            ]);
        }
    }
    table(&["format", "depth", "requests held", "their bits", "bits of the tables", "all, KiB"], &rows)
}

/// The hardware scheduler by format, unit, clock and depth.
pub(super) fn hardware() -> Result<String, Problem> {
    let runs = runs::of(HARDWARE)?;
    let pairs = runs.pairs();
    let mut header = vec!["scheduler".to_owned()];
    for (scenario, _) in &pairs {
        let rate = runs.rates(scenario)[0];
        header.push(format!("{} {}/s: violations", short(scenario), rate_text(rate)));
        header.extend(["ANTT".to_owned(), "decision, us".to_owned()]);
    }
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let columns: Vec<Vec<&Group>> =
        pairs.iter().map(|(scenario, _)| runs.at(scenario, runs.rates(scenario)[0])).collect();
    let rows: Vec<Vec<String>> = (0..columns[0].len())
        .map(|row| {
            let mut cells = vec![hardware_name(&columns[0][row].policy)];
            for column in &columns {
                cells.push(column[row].cell(Metric::Violations));
                cells.push(column[row].cell(Metric::Antt));
                cells.push(number(column[row].decision_us));
            }
            cells
        })
        .collect();
    Ok(table(&header, &rows))
}

fn hardware_name(policy: &Policy) -> String {
    let of = |name: &str| policy.parameter(name).map(ToString::to_string).unwrap_or_default();
    if policy.name != "dysta-hardware" {
        return format!("software, `{}`", of("predictor"));
    }
    let defaults = [("depth", "9"), ("clock_mhz", "200"), ("cycles_base", "40")];
    let mut name = format!("`{}`, unit {}", of("format"), of("time_unit"));
    for (parameter, default) in defaults {
        if of(parameter) != default {
            name.push_str(&format!(", {parameter} {}", of(parameter)));
        }
    }
    name
}

/// Claims of the paper beside measurements.
pub(super) fn claims() -> Result<String, Problem> {
    let runs = runs::of(MAIN)?;
    let mut rows = Vec::new();
    for (scenario, _) in runs.pairs() {
        for rate in runs.rates(scenario) {
            let groups = runs.at(scenario, rate);
            let prior: Vec<&Group> =
                groups.iter().copied().filter(|group| PRIOR.contains(&group.policy.name.as_ref())).collect();
            let mut cells = vec![format!("`{}` {}/s", short(scenario), rate_text(rate))];
            for variant in ["dysta", CORRECTED] {
                let of = found(&groups, variant)?;
                let points =
                    |group: &&Group| 100.0 * (group.mean(Metric::Violations) - of.mean(Metric::Violations));
                let times = |group: &&Group| group.mean(Metric::Antt) / of.mean(Metric::Antt);
                let range = |values: Vec<f64>| {
                    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
                    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    // What rounds to zero has no sign.
                    let plain = |value: f64| if value.abs() < 0.05 { 0.0 } else { value };
                    format!("{:.1} to {:.1}", plain(least), plain(most)).replace('-', "−")
                };
                cells.push(range(prior.iter().map(points).collect()));
                cells.push(range(prior.iter().map(times).collect()));
            }
            rows.push(cells);
        }
    }
    let header = [
        "workload",
        "`dysta`: fewer violations than prior policies, percentage points",
        "`dysta`: ANTT of prior policies over its own",
        "`dysta-corrected`: percentage points",
        "`dysta-corrected`: ANTT over its own",
    ];
    Ok(table(&header, &rows))
}

/// The figures of the page: file name and SVG.
pub(super) fn figures() -> Result<Vec<(String, String)>, Problem> {
    let (main, deadlines) = (runs::of(MAIN)?, runs::of(DEADLINES)?);
    let mut figures = Vec::new();
    for (scenario, platform) in main.pairs() {
        let name = short(scenario);
        let title = format!("{name} on {}", short(platform));
        for (metric, label) in METRICS.into_iter().take(1) {
            let over_rate = over(main, scenario, metric, |group| group.rate_hz);
            let svg = lines(
                format!("{title}: {label} by requests a second"),
                "requests a second",
                label,
                over_rate,
            );
            figures.push((format!("dysta_rates_{name}.svg"), svg));
        }
        let rates = main.rates(scenario);
        let rate = *rates.get(rates.len().saturating_sub(2)).ok_or("the sweep has no rates")?;
        let points = main.at(scenario, rate).into_iter().map(|group| ScatterPoint {
            label: group.policy.name.to_string(),
            x: 100.0 * group.mean(Metric::Violations),
            y: group.mean(Metric::Antt),
            strong: group.policy.name == CORRECTED || group.policy.name == "dysta",
        });
        let scatter = Scatter {
            description: format!("{title} at {}/s: ANTT against violation rate", rate_text(rate)),
            x_label: "deadlines missed (%)".to_owned(),
            y_label: "ANTT".to_owned(),
            y_log: true,
            points: points.collect(),
            width_pt: TWO_COLUMNS_PT / 1.5,
            ..Scatter::default()
        };
        figures.push((format!("dysta_trade_off_{name}.svg"), scatter.to_svg().as_str().to_owned()));
    }
    for (scenario, platform) in deadlines.pairs() {
        let name = short(scenario);
        let title = format!("{name} on {}", short(platform));
        let mut series =
            over(deadlines, scenario, Metric::Violations, |group| group.deadline.unwrap_or(f64::NAN));
        for line in &mut series {
            line.points.retain(|point| point.x <= LAST_DRAWN_DEADLINE);
        }
        series.retain(|line| !line.points.is_empty());
        let svg = lines(
            format!("{title}: violation rate by deadline"),
            "deadline, multiples of the isolated latency",
            "violation rate",
            series,
        );
        figures.push((format!("dysta_deadlines_{name}.svg"), svg));
    }
    Ok(figures)
}

fn over(runs: &Runs, scenario: &str, metric: Metric, x: fn(&Group) -> f64) -> Vec<LineSeries> {
    DRAWN
        .iter()
        .map(|policy| LineSeries {
            name: (*policy).to_owned(),
            points: runs
                .groups
                .iter()
                .filter(|group| group.scenario == scenario && group.policy.name == *policy)
                .map(|group| LinePoint { x: x(group), y: Some(group.mean(metric)), interval: None })
                .collect(),
        })
        .collect()
}

fn lines(description: String, x_label: &str, y_label: &str, series: Vec<LineSeries>) -> String {
    let lines = Lines {
        description,
        x_label: x_label.to_owned(),
        y_label: y_label.to_owned(),
        series,
        y_range: Some((0.0, 0.0)),
        width_pt: TWO_COLUMNS_PT / 1.5,
        plot_height_pt: 170.0,
        ..Lines::default()
    };
    lines.to_svg().as_str().to_owned()
}
