//! `rtmm reproduce`: what publications say, measured under named readings, and judged by rule.

use std::io::Write;

use rtmm_claims::built_in;
use rtmm_claims::ledger::{Line, State, totals_text};
use rtmm_claims::markdown;
use rtmm_claims::publication::{Claim, Publication};
use rtmm_claims::reading::Reading;
use rtmm_claims::resolution::{Asked, Measurement, Resolution};
use rtmm_runners::Runners;
use rtmm_sweep::execute::Options;
use rtmm_workload::input::suggestion;

use crate::args::{Format, LedgerFormat, Reproduce};
use crate::failure::{Failure, say};
use crate::folders::{create, refuse_inputs_in, refuse_report};
use crate::output::{Rows, stdout};
use crate::progress::Bar;

/// The word in place of a publication that lists them.
const LIST: &str = "list";

pub(crate) fn reproduce(arguments: &Reproduce) -> Result<(), Failure> {
    if arguments.publication == LIST {
        return list(arguments);
    }
    let publication = built_in::open(&arguments.publication)?;
    let claims = asked_claims(&publication, arguments)?;
    let is_asked =
        |reading: &Reading| arguments.readings.is_empty() || arguments.readings.contains(&reading.name);
    let mut asked = Asked::all(&publication);
    asked.retain(|asked| {
        claims.iter().any(|claim| claim.number == asked.claim.number) && is_asked(asked.reading)
    });
    let (measurements, failures) = measure(&asked, arguments)?;
    let state = |claim: &Claim, reading: &Reading| {
        let found = measurements.iter().find(|measurement| {
            measurement.asked.claim.number == claim.number && measurement.asked.reading.name == reading.name
        });
        found.map(|Measurement { measured, .. }| match measured {
            Ok(measured) => State::Measured { measured: *measured, is_current: true },
            Err(reason) => State::Failed(reason.clone()),
        })
    };
    let lines: Vec<Line<'_>> =
        claims.iter().map(|claim| Line::new(&publication, claim, |reading| state(claim, reading))).collect();
    print(&publication, &lines, arguments.format)?;
    match failures.as_slice() {
        [] => Ok(()),
        failures => Err(Failure::Run(failures.join("\n"))),
    }
}

/// The claims that are asked for: all, or those of the numbers and readings that are given.
fn asked_claims<'p>(publication: &'p Publication, arguments: &Reproduce) -> Result<Vec<&'p Claim>, Failure> {
    for number in &arguments.claims {
        if publication.claim(*number).is_none() {
            let numbers: Vec<String> =
                publication.claims.iter().map(|claim| claim.number.to_string()).collect();
            return Err(Failure::usage(
                format!("`{}` has no claim {number}", publication.name),
                format!("there are {}", numbers.join(", ")),
            ));
        }
    }
    let names: Vec<&str> = publication.readings.iter().map(|reading| reading.name.as_str()).collect();
    if let Some(unknown) = arguments.readings.iter().find(|name| !names.contains(&name.as_str())) {
        return Err(Failure::usage(
            format!("`{}` has no reading `{unknown}`", publication.name),
            suggestion(unknown, "reading", &names),
        ));
    }
    let has_reading = |claim: &Claim| {
        let mut readings = claim.readings().iter().filter_map(|reading| names.get(*reading));
        arguments.readings.is_empty()
            || readings.any(|name| arguments.readings.iter().any(|asked| asked == name))
    };
    let is_asked = |claim: &&Claim| {
        (arguments.claims.is_empty() || arguments.claims.contains(&claim.number)) && has_reading(claim)
    };
    let claims: Vec<&Claim> = publication.claims.iter().filter(is_asked).collect();
    if claims.is_empty() {
        return Err(Failure::usage(
            "none of these claims is measured under these readings",
            format!("`rtmm reproduce {}` shows which are", publication.name),
        ));
    }
    Ok(claims)
}

/// Runs what is missing, sweep by sweep; gives what was measured, and what failed in words.
fn measure<'p>(
    asked: &[Asked<'p>],
    arguments: &Reproduce,
) -> Result<(Vec<Measurement<'p>>, Vec<String>), Failure> {
    let resolution = Resolution::of(asked, &Runners::built_in().list())?;
    let options = Options { threads: arguments.threads.map(usize::from), shard: None };
    let (mut measurements, mut failures) = (Vec::new(), Vec::new());
    for (index, needed) in resolution.sweeps().into_iter().enumerate() {
        let directory = arguments.output.join(needed.name);
        refuse_report(&directory)?;
        create(&directory)?;
        refuse_inputs_in(&directory)?;
        let bar = Bar::new(arguments.quiet);
        let measured = resolution.measure(index, &directory, &options, &bar);
        bar.finish();
        let measured = measured.map_err(|error| Failure::Run(error.to_string()))?;
        let executed = measured.executed;
        say!(
            "{}: {} of {} cells, {} run, {} reused from {}",
            needed.name,
            needed.cells,
            needed.of,
            executed.run,
            executed.reused,
            directory.display()
        );
        if let Some(first) = measured.failure {
            let count = executed.failures.len();
            failures.push(format!("{count} cells of `{}` failed; the first is {first}", needed.name));
        }
        measurements.extend(measured.measurements);
    }
    Ok((measurements, failures))
}

fn print(publication: &Publication, lines: &[Line<'_>], format: LedgerFormat) -> Result<(), Failure> {
    let totals = format!("{}: {}", publication.name, totals_text(lines));
    match format {
        LedgerFormat::Table => {
            by_claim(publication, lines).print(Format::Table)?;
            writeln!(stdout(), "{totals}")?;
        }
        LedgerFormat::Markdown => {
            write!(stdout(), "{}\n{totals}\n", markdown::claims(lines))?;
        }
        LedgerFormat::Csv => by_reading(lines).print(Format::Csv)?,
        LedgerFormat::Json => by_reading(lines).print(Format::Json)?,
    }
    Ok(())
}

/// A row a claim.
fn by_claim(publication: &Publication, lines: &[Line<'_>]) -> Rows {
    let header =
        vec!["claim", "what is said", "published", "holds if", "ours, by reading", "verdict", "command"];
    let row = |line: &Line<'_>| {
        let claim = line.claim;
        vec![
            claim.number.to_string(),
            format!("{} ({}; {})", claim.text, claim.source, claim.confidence.name()),
            claim.published_text(),
            line.bound(),
            line.ours().join("; "),
            line.verdict_text(),
            line.command(),
        ]
    };
    Rows {
        title: format!("{} ({})", publication.title, publication.source),
        numbers: vec![false; header.len()],
        header,
        rows: lines.iter().map(row).collect(),
    }
}

/// A row a claim and reading; a claim that is not measured has one.
fn by_reading(lines: &[Line<'_>]) -> Rows {
    let columns = [
        ("publication", false),
        ("claim", true),
        ("text", false),
        ("source", false),
        ("confidence", false),
        ("published", true),
        ("unit", false),
        ("reading", false),
        ("value", true),
        ("low", true),
        ("high", true),
        ("seeds", true),
        ("places", true),
        ("outcome", false),
        ("verdict", false),
        ("command", false),
    ];
    let mut rows = Vec::new();
    for line in lines {
        let claim = line.claim;
        let before = [
            line.publication.name.clone(),
            claim.number.to_string(),
            claim.text.clone(),
            claim.source.clone(),
            claim.confidence.name().to_owned(),
            claim.published.map(|number| number.to_string()).unwrap_or_default(),
            claim.unit.clone(),
        ];
        let row = |reading: &str, values: [String; 5], outcome: &str| {
            let after = [outcome.to_owned(), line.verdict.name().to_owned(), line.command()];
            before
                .iter()
                .cloned()
                .chain([reading.to_owned()])
                .chain(values)
                .chain(after)
                .collect::<Vec<String>>()
        };
        if line.readings.is_empty() {
            rows.push(row("", Default::default(), ""));
        }
        for under in &line.readings {
            let values = match &under.state {
                State::Measured { measured, .. } => {
                    let (low, high) = measured.interval.map_or_else(Default::default, |interval| {
                        (interval.low.to_string(), interval.high.to_string())
                    });
                    [
                        measured.value.to_string(),
                        low,
                        high,
                        measured.seeds.to_string(),
                        measured.places.to_string(),
                    ]
                }
                State::Missing | State::Failed(_) => Default::default(),
            };
            let outcome = under.outcome.map_or("", |outcome| outcome.name());
            rows.push(row(&under.reading.name, values, outcome));
        }
    }
    Rows {
        title: "Claims".to_owned(),
        header: columns.iter().map(|(name, _)| *name).collect(),
        numbers: columns.iter().map(|(_, is_number)| *is_number).collect(),
        rows,
    }
}

/// Lists the built-in publications.
fn list(arguments: &Reproduce) -> Result<(), Failure> {
    if !arguments.claims.is_empty() || !arguments.readings.is_empty() {
        return Err(Failure::usage(
            "a list has neither claims nor readings",
            "name a publication, such as `rtmm reproduce dream --claim 1`",
        ));
    }
    let publications = built_in::all()?;
    let row = |publication: &Publication| {
        vec![
            publication.name.clone(),
            publication.claims.len().to_string(),
            publication.readings.len().to_string(),
            publication.title.clone(),
            publication.source.clone(),
        ]
    };
    let rows = Rows {
        title: "Publications with claims".to_owned(),
        header: vec!["publication", "claims", "readings", "title", "source"],
        numbers: vec![false, true, true, false, false],
        rows: publications.iter().map(row).collect(),
    };
    match arguments.format {
        LedgerFormat::Table => rows.print(Format::Table),
        LedgerFormat::Csv => rows.print(Format::Csv),
        LedgerFormat::Json => rows.print(Format::Json),
        LedgerFormat::Markdown => {
            Err(Failure::usage("a list has no form in Markdown", "take table, csv or json"))
        }
    }
}
