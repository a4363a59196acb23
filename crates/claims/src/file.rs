//! Claim files: TOML to a [`Publication`], with every problem of the file at once.

use std::path::Path;

use rtmm_workload::input::{Diagnostics, Document, Origin, Source, Table, Value, suggestion};

use crate::publication::{Claim, Confidence, Evidence, Publication};
use crate::quantity::Quantity;
use crate::reading::Reading;
use crate::selection::Selection;
use crate::side::Side;
use crate::verdict::Bound;

const CONFIDENCES: [(&str, Confidence); 2] =
    [("read", Confidence::Read), ("remembered", Confidence::Remembered)];

/// Reads a publication whose text was read already.
///
/// # Errors
/// Every problem of the file. Whether its sweeps have the cells that it names, [`crate::resolution::Resolution`] says.
pub fn publication_of(source: &Source) -> Result<Publication, Diagnostics> {
    let document = Document::parse(source);
    let publication = decode(&document);
    document.finish(publication)
}

fn decode(document: &Document<'_>) -> Option<Publication> {
    let root = document.root().named("this claim file");
    root.only(&["title", "source", "reading", "claim"]);
    let title = root.required("title", Value::string);
    let source = root.required("source", Value::string);
    let tables = root.tables("reading", "the reading");
    let readings: Vec<Reading> = tables.iter().filter_map(decode_reading).collect();
    for (position, reading) in readings.iter().enumerate() {
        if let Some(first) = readings[..position].iter().find(|first| first.name == reading.name) {
            let problem =
                root.problem_at(&reading.range, format!("the reading `{}` is there twice", reading.name));
            let problem = problem.see(document.source(), first.range.clone(), "first here");
            root.report(problem.help("rename one of them"));
        }
    }
    let tables_of_claims = root.tables("claim", "the claim");
    if tables_of_claims.is_empty() {
        root.report(root.problem("there are no claims").help("add `[[claim]]`"));
    }
    let claims: Vec<Claim> =
        tables_of_claims.iter().filter_map(|table| decode_claim(table, &readings)).collect();
    for (position, claim) in claims.iter().enumerate() {
        if let Some(first) = claims[..position].iter().find(|first| first.number == claim.number) {
            let problem = root.problem_at(&claim.range, format!("there are two claims {}", claim.number));
            let problem = problem.see(document.source(), first.range.clone(), "the other one");
            root.report(problem.help("number them anew"));
        }
    }
    if tables.len() != readings.len() || tables_of_claims.len() != claims.len() {
        return None;
    }
    Some(Publication {
        name: name_of(document.source()),
        title: title?.to_owned(),
        source: source?.to_owned(),
        readings,
        claims,
        text: document.source().clone(),
    })
}

/// The name of the file without folders and extension.
fn name_of(source: &Source) -> String {
    let path = match source.origin() {
        Origin::File(path) => path.as_path(),
        Origin::BuiltIn(_) | Origin::Text => Path::new(source.name()),
    };
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn decode_reading(table: &Table<'_>) -> Option<Reading> {
    table.only(&["name", "description", "sweep", "where", "of", "against", "column"]);
    let name = table.required("name", |value| {
        let name = value.string()?;
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !name.chars().all(is_plain) {
            let message = format!("`{name}` is no name of a reading");
            return value.reject(message, "use lower-case letters, digits and hyphens");
        }
        Some(name.to_owned())
    });
    let description = table.required("description", Value::string);
    let sweep = table.required("sweep", Value::string);
    let filter = match table.get("where") {
        None => Some(Selection::default()),
        Some(value) => value.table().and_then(|table| Selection::decode(&table.named("`where`"), &[])),
    };
    let side = |key: &str| match table.get(key) {
        None => Some(Side::default()),
        Some(value) => Side::decode(&value, key),
    };
    let (of, against) = (side("of"), side("against"));
    let column = table.optional("column", Value::string);
    if table.has("column") && column.is_none() {
        return None;
    }
    Some(Reading {
        name: name?,
        description: description?.to_owned(),
        sweep: sweep?.to_owned(),
        filter: filter?,
        of: of?,
        against: against?,
        column: column.map(str::to_owned),
        range: table.range(),
    })
}

fn decode_claim(table: &Table<'_>, readings: &[Reading]) -> Option<Claim> {
    table.only(&[
        "number",
        "text",
        "source",
        "confidence",
        "published",
        "unit",
        "quantity",
        "holds",
        "readings",
        "tested",
        "ours",
        "same_seeds",
        "unjudged",
    ]);
    let number = table.required("number", |value| value.integer(1..=u32::MAX));
    let text = table.required("text", Value::string);
    let source = table.required("source", Value::string);
    let confidence = table.required("confidence", |value| value.choice(&CONFIDENCES));
    let published = table.optional("published", |value| value.number(-1e12..=1e12));
    let unit = table.optional("unit", Value::string).unwrap_or_default();
    let evidence = decode_evidence(table, published, readings);
    if table.has("published") && published.is_none() {
        return None;
    }
    Some(Claim {
        number: number?,
        text: text?.to_owned(),
        source: source?.to_owned(),
        confidence: confidence?,
        published,
        unit: unit.to_owned(),
        evidence: evidence?,
        range: table.range(),
    })
}

/// The three ways to judge a claim, of which it has one.
fn decode_evidence(table: &Table<'_>, published: Option<f64>, readings: &[Reading]) -> Option<Evidence> {
    let ways = ["quantity", "tested", "unjudged"];
    let stated: Vec<&str> = ways.into_iter().filter(|way| table.has(way)).collect();
    let [way] = stated.as_slice() else {
        let message = match stated.as_slice() {
            [] => "the claim says nothing of how it is judged".to_owned(),
            [first, second, ..] => format!("the claim is judged by `{first}` and by `{second}`"),
            [_] => return None,
        };
        let help =
            "give it one of `quantity` (measured), `tested` (the command of a test), `unjudged` (the reason)";
        table.report(table.problem(message).help(help));
        return None;
    };
    let belongs: &[(&str, &str)] =
        &[("holds", "quantity"), ("readings", "quantity"), ("same_seeds", "quantity"), ("ours", "tested")];
    for (key, of) in belongs {
        if of != way
            && let Some(value) = table.get(key)
        {
            return value.reject(format!("`{key}` belongs to `{of}`"), "remove it");
        }
    }
    match *way {
        "quantity" => {
            let quantity = table.required("quantity", Quantity::decode);
            let bound = table.required("holds", |value| Bound::decode(value, published));
            let readings = table.required("readings", |value| decode_names(value, readings));
            let is_of_these_seeds = table.or("same_seeds", false, Value::boolean);
            Some(Evidence::Measured {
                quantity: quantity?,
                bound: bound?,
                readings: readings?,
                is_of_these_seeds,
            })
        }
        "tested" => {
            let command = table.required("tested", Value::string);
            let ours = table.required("ours", Value::string);
            Some(Evidence::Tested { ours: ours?.to_owned(), command: command?.to_owned() })
        }
        _ => {
            let reason = table.required("unjudged", Value::string)?;
            Some(Evidence::Unjudged { reason: reason.to_owned() })
        }
    }
}

/// Positions of the readings of a list of names.
fn decode_names(value: &Value<'_>, readings: &[Reading]) -> Option<Vec<usize>> {
    let items = value.items()?;
    if items.is_empty() {
        return value.reject("the claim has no readings", "list one at least");
    }
    let mut found = Vec::with_capacity(items.len());
    for item in &items {
        let name = item.string()?;
        let Some(position) = readings.iter().position(|reading| reading.name == name) else {
            let names: Vec<&str> = readings.iter().map(|reading| reading.name.as_str()).collect();
            return item.reject(format!("there is no reading `{name}`"), suggestion(name, "reading", &names));
        };
        if found.contains(&position) {
            return item.reject(format!("the reading `{name}` is listed twice"), "remove one of them");
        }
        found.push(position);
    }
    Some(found)
}
