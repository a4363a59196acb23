//! Tables of a comparison, as parts of a page.

use super::Problem;
use super::compare::{Beside, Comparison};
use super::contention;
use super::error_tables::{bands, errors, orders, tasks};
use super::figures;
use super::predict::{MAIN, tests_memory};
use super::statistics::{median, quantile, range};
use super::verdict::{Finding, findings};
use crate::markdown::{number, table};

/// The most values beyond a bound that are told one by one.
const MAX_TOLD: usize = 12;
/// Facts of a machine that are no words for people.
const INTERNAL: [&str; 1] = ["decision_base_us"];

/// A part of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Verdict,
    Machine,
    Profile,
    Pairs,
    Misses,
    Errors,
    Bands,
    Tasks,
    Orders,
}

impl Part {
    pub(super) const ALL: [Self; 9] = [
        Self::Verdict,
        Self::Machine,
        Self::Profile,
        Self::Pairs,
        Self::Misses,
        Self::Errors,
        Self::Bands,
        Self::Tasks,
        Self::Orders,
    ];
}

/// A part of a page about one session.
///
/// # Errors
/// A problem where the session lacks what the part is about.
pub(super) fn of_session(comparison: &Comparison<'_>, part: Part) -> Result<String, Problem> {
    let text = match part {
        Part::Verdict => verdict(comparison),
        Part::Machine => machine(comparison),
        Part::Profile => profile(comparison),
        Part::Pairs => pairs(comparison),
        Part::Misses => misses(comparison),
        Part::Errors => errors(comparison),
        Part::Bands => bands(comparison),
        Part::Tasks => tasks(comparison),
        Part::Orders => orders(comparison),
    };
    Ok(format!("**`{}`**\n\n{}\n", comparison.session.name, text?.trim()))
}

fn verdict(comparison: &Comparison<'_>) -> Result<String, Problem> {
    let findings = findings(comparison, comparison.place(MAIN));
    let rows: Vec<Vec<String>> = findings
        .iter()
        .map(|finding| {
            let word = match finding.is_met {
                Some(true) => "met",
                Some(false) => "**not met**",
                None => "not judged",
            };
            vec![
                finding.band.to_owned(),
                finding.quantity.to_owned(),
                finding.target.clone(),
                finding.found.clone(),
                word.to_owned(),
            ]
        })
        .collect();
    let judged = findings.iter().filter(|finding| finding.is_met.is_some()).count();
    let met = findings.iter().filter(|finding| finding.is_met == Some(true)).count();
    let header = ["sensitivity, points", "quantity", "target", "found", "verdict"];
    let mut text = format!("{met} of {judged} targets met.\n\n{}", table(&header, &rows));
    for finding in findings.iter().filter(|finding| finding.is_met == Some(false)) {
        text.push_str(&beyond(finding));
    }
    Ok(text)
}

/// Values beyond a bound, the worst first.
fn beyond(finding: &Finding) -> String {
    let mut text = format!("\nNot met, {}, sensitivity {}:\n\n", finding.quantity, finding.band);
    for line in finding.beyond.iter().take(MAX_TOLD) {
        text.push_str(&format!("- {line}\n"));
    }
    if finding.beyond.len() > MAX_TOLD {
        text.push_str(&format!(
            "- and {} more beyond the bound of most tasks\n",
            finding.beyond.len() - MAX_TOLD
        ));
    }
    if finding.beyond.is_empty() {
        text.push_str("- no single value is beyond the bound of most tasks: the median is\n");
    }
    text
}

fn machine(comparison: &Comparison<'_>) -> Result<String, Problem> {
    let session = comparison.session;
    let mut rows: Vec<Vec<String>> = session
        .machine
        .iter()
        .filter(|(key, _)| !INTERNAL.contains(&key.as_str()))
        .map(|(key, value)| vec![key.clone(), value.clone()])
        .collect();
    let runs = session.cells.iter().map(|cell| cell.runs.len()).sum::<usize>();
    let clean = session.cells.iter().map(|cell| cell.clean().count()).sum::<usize>();
    rows.push(vec![
        "runs".to_owned(),
        format!("{runs} of {} cells, {} of them disturbed", session.cells.len(), runs - clean),
    ]);
    let modes: Vec<f64> =
        session.cells.iter().flat_map(|cell| cell.clean()).filter_map(|run| run.common_mode).collect();
    if let Some((low, high)) = range(&modes) {
        rows.push(vec![
            "execution times of clean runs over their profile, all models together".to_owned(),
            format!("{low:.3} to {high:.3}, {} in the median", number(median(&modes), 3)),
        ]);
    }
    rows.push(vec![
        "from the end of a job or a release to the next start".to_owned(),
        format!("{} us, the median of all starts", session.overhead_us()?),
    ]);
    Ok(table(&["", ""], &rows))
}

fn profile(comparison: &Comparison<'_>) -> Result<String, Problem> {
    let rows: Vec<Vec<String>> = comparison
        .session
        .models
        .iter()
        .map(|model| {
            let [package, version, file, input] = &model.origin;
            vec![
                format!("`{}`", model.name),
                format!("{package} {version}"),
                format!("`{file}`"),
                input.clone(),
                format!("{:.3}", model.tight_us / 1e3),
                format!("{:.3}", model.interleaved_us / 1e3),
                format!("{:.2}", model.interleaved_us / model.tight_us),
                format!("{:.3}", model.both_us / model.interleaved_us),
            ]
        })
        .collect();
    let header = [
        "model",
        "PyPI package",
        "file",
        "input",
        "tight loop, ms",
        "interleaved, ms",
        "interleaved / tight",
        "other core busy / idle",
    ];
    Ok(table(&header, &rows))
}

fn pairs(comparison: &Comparison<'_>) -> Result<String, Problem> {
    let session = comparison.session;
    let slowdowns: Vec<f64> = session.pairs.iter().map(|pair| pair.slowdown).collect();
    let of = |part: f64| number(quantile(&slowdowns, part), 3);
    let mut text = format!(
        "{} medians beside another model, over those alone: {} to {}, {} in the median.\n",
        slowdowns.len(),
        of(0.0),
        of(1.0),
        of(0.5)
    );
    if !tests_memory(session) {
        text.push_str(
            "All are within the drift of the machine: these models do not compete, and no rule of contention can be tested by them.\n",
        );
        return Ok(text);
    }
    let parts = contention::fit(session);
    let part = |name: &str| {
        let place = session.models.iter().position(|model| model.name == name);
        place.and_then(|place| parts.get(place)).copied().unwrap_or_default()
    };
    let errors: Vec<f64> = session
        .pairs
        .iter()
        .map(|pair| {
            let fitted = contention::slowdown(part(&pair.model), part(&pair.other));
            100.0 * (fitted - pair.slowdown).abs() / pair.slowdown
        })
        .collect();
    let without: Vec<f64> =
        slowdowns.iter().map(|slowdown| 100.0 * (1.0 - slowdown).abs() / slowdown).collect();
    let demands: Vec<String> = session
        .models
        .iter()
        .zip(&parts)
        .map(|(model, part)| format!("`{}` {:.0} %", model.name, 100.0 * part))
        .collect();
    text.push_str(&format!(
        "Parts of the memory's bandwidth that models take alone, fitted: {}. Fitted slowdowns are off by {} % in the median and {} % at \
         most; without contention that is {} % and {} %.\n",
        demands.join(", "),
        number(median(&errors), 1),
        number(quantile(&errors, 1.0), 1),
        number(median(&without), 1),
        number(quantile(&without, 1.0), 1),
    ));
    let models: Vec<&str> = session.models.iter().map(|model| model.name.as_str()).collect();
    let rows: Vec<Vec<String>> = models
        .iter()
        .map(|model| {
            let cells = models.iter().map(|other| {
                let of: Vec<f64> = session
                    .pairs
                    .iter()
                    .filter(|pair| pair.model == *model && pair.other == *other)
                    .map(|pair| pair.slowdown)
                    .collect();
                number(median(&of), 3)
            });
            std::iter::once(format!("`{model}`")).chain(cells).collect()
        })
        .collect();
    let header: Vec<String> = std::iter::once("of, beside".to_owned())
        .chain(models.iter().map(|model| format!("`{model}`")))
        .collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    text.push_str(&format!("\n{}", table(&header, &rows)));
    Ok(text)
}

fn misses(comparison: &Comparison<'_>) -> Result<String, Problem> {
    let mut rows = Vec::new();
    let mut calm = Vec::new();
    for compared in &comparison.cells {
        let cell = compared.cell;
        let all: Vec<Option<Beside<'_>>> =
            (0..comparison.predictors.len()).map(|predictor| compared.overall(predictor)).collect();
        let Some(measured) = all.first().copied().flatten() else { continue };
        let is_quiet = measured.range.1 == 0.0 && all.iter().flatten().all(|beside| beside.simulated == 0.0);
        if is_quiet {
            calm.push(format!("{} {} `{}`", cell.scenario, cell.load, cell.policy));
            continue;
        }
        let mut row = vec![
            cell.scenario.clone(),
            cell.load.clone(),
            format!("`{}`", cell.policy),
            format!("{:.1}", cell.sensitivity),
            format!("{:.2} [{:.2}, {:.2}]", measured.measured, measured.range.0, measured.range.1),
        ];
        row.extend(all.iter().map(|beside| number(beside.map(|beside| beside.simulated), 2)));
        row.push(number(measured.floor, 2));
        rows.push(row);
    }
    let mut header = vec!["scenario", "load", "policy", "sensitivity", "measured"];
    header.extend(&comparison.predictors);
    header.push("repeat for repeat");
    let mut text = table(&header, &rows);
    if !calm.is_empty() {
        text.push_str(&format!("\nNo deadline missed, measured or simulated: {}.\n", calm.join(", ")));
    }
    for (name, _) in figures::of_session(comparison) {
        text.push_str(&format!("\n![Missed deadlines, measured and simulated](figures/{name})\n"));
    }
    Ok(text)
}
