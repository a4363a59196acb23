//! The ledger as Markdown, for the page and for those who paste it elsewhere.

use crate::ledger::{Line, totals};
use crate::publication::Publication;
use crate::verdict::Verdict;

/// A row a claim.
#[must_use]
pub fn claims(lines: &[Line<'_>]) -> String {
    let header = ["claim", "what is said", "published", "holds if", "ours, by reading", "verdict", "command"];
    let row = |line: &Line<'_>| {
        let claim = line.claim;
        let code = |text: String| if text.is_empty() { text } else { format!("`{text}`") };
        vec![
            format!("{} {}", line.publication.name, claim.number),
            format!("{} ({}; {})", claim.text, claim.source, claim.confidence.name()),
            claim.published_text(),
            line.bound(),
            line.ours().join("<br>"),
            line.verdict_text(),
            code(line.command()),
        ]
    };
    table(&header, lines.iter().map(row))
}

/// The readings of a publication.
#[must_use]
pub fn readings(publication: &Publication) -> String {
    let rows = publication.readings.iter().map(|reading| {
        vec![format!("`{}`", reading.name), reading.description.clone(), format!("`{}`", reading.sweep)]
    });
    table(&["reading", "settings", "sweep"], rows)
}

/// Verdicts by publication, and of all of them.
#[must_use]
pub fn verdicts(lines: &[Line<'_>]) -> String {
    let names = Verdict::ALL.map(Verdict::name);
    let header: Vec<&str> = ["publication"].into_iter().chain(names).chain(["claims"]).collect();
    let row = |name: &str, lines: &[Line<'_>]| {
        let counts = totals(lines).map(|count| count.to_string());
        let all = lines.len().to_string();
        [name.to_owned()].into_iter().chain(counts).chain([all]).collect::<Vec<String>>()
    };
    let by_publication = lines.chunk_by(|left, right| left.publication.name == right.publication.name);
    let rows = by_publication.map(|of_one| row(&of_one[0].publication.name, of_one));
    table(&header, rows.chain([row("all", lines)]))
}

fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut text = format!("| {} |\n|{}\n", header.join(" | "), " --- |".repeat(header.len()));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    text
}
