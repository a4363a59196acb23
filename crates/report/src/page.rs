//! A report page: one HTML file that needs no other file, no script and no network.
//!
//! Text from outside is escaped; figures come as [`Svg`], which only this crate makes.

use crate::figure::Svg;
use crate::table::TextTable;
use crate::text::escape_markup;

/// A fact of the manifest: what was run, with which program, on which inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Name of the fact.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A part of a section.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// Text; blank lines separate paragraphs.
    Text(String),
    /// A table with its notes.
    Table(TextTable),
    /// A figure with its caption.
    Figure {
        /// The drawing.
        svg: Svg,
        /// Explanation: the quantity that it shows and the way to read it.
        caption: String,
    },
    /// Remarks, as a list.
    Notes(Vec<String>),
    /// Output as a program prints it.
    Preformatted(String),
}

/// A section of the page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// Heading.
    pub heading: String,
    /// Content, in order.
    pub blocks: Vec<Block>,
}

/// A report page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Title.
    pub title: String,
    /// The question, and the answer of the page; blank lines separate paragraphs.
    pub description: String,
    /// Facts that say how to make the results again.
    pub facts: Vec<Fact>,
    /// The sections.
    pub sections: Vec<Section>,
}

/// On screen, figures are shown this much larger than they print.
const ENLARGED: f64 = 1.7;

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1a1a1a; --soft: #555; --rule: #bbb; --faint: #e4e4e4;
  --ground: #fff; --shade: #f5f5f3; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e6; --soft: #aaa; --rule: #666; --faint: #383838; --ground: #191a1b; --shade: #242526; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 72rem; background: var(--ground);
  color: var(--ink); font: 1rem/1.5 system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .75rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--faint); }
p, ul, dl { max-width: 46rem; }
nav ul { padding: 0; list-style: none; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; max-width: none; }
a { color: inherit; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: 1.25rem 0;
  padding: .75rem 1rem; background: var(--shade); font-size: .875rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.table { overflow-x: auto; margin: 1rem 0 .5rem; }
table { border-collapse: collapse; font-size: .875rem; line-height: 1.35;
  border-block: 2px solid var(--ink); font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .4rem; }
th, td { padding: .2rem .6rem; text-align: left; vertical-align: bottom; white-space: nowrap; }
thead th { white-space: normal; border-bottom: 1px solid var(--ink); }
tbody th { font-weight: 400; }
th.n, td.n { text-align: right; }
tr.group th, tr.group td { border-top: 1px solid var(--rule); }
tbody tr:first-child th, tbody tr:first-child td { border-top: 0; }
tbody tr:hover { background: var(--shade); }
.unit { font-weight: 400; color: var(--soft); }
.ci { font-weight: 400; color: var(--soft); }
.notes { font-size: .875rem; color: var(--soft); margin: .25rem 0 1.5rem; padding-left: 1.1rem; }
figure { margin: 1.25rem 0 1.75rem; }
figure .drawing { background: #fff; border: 1px solid var(--faint); padding: .5rem; max-width: 100%; }
figure svg { display: block; width: 100%; height: auto; }
figcaption { font-size: .875rem; color: var(--soft); margin-top: .4rem; max-width: 46rem; }
pre { overflow-x: auto; padding: .75rem 1rem; background: var(--shade); font-size: .8125rem; line-height: 1.35; }
@media (max-width: 40rem) {
  body { padding: 1.25rem .75rem 3rem; } dl { grid-template-columns: 1fr; } dd { margin-bottom: .4rem; } }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; } nav { display: none; } figure { break-inside: avoid; }
  .table { overflow: visible; } }
";

impl Page {
    /// The page as a complete HTML file.
    #[must_use]
    pub fn to_html(&self) -> String {
        let title = escape_markup(&self.title);
        let mut out = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n"
        );
        out.push_str(&paragraphs(&self.description));
        if !self.facts.is_empty() {
            out.push_str("<dl>\n");
            for fact in &self.facts {
                let (name, value) = (escape_markup(&fact.name), escape_markup(&fact.value));
                out.push_str(&format!("<dt>{name}</dt><dd>{value}</dd>\n"));
            }
            out.push_str("</dl>\n");
        }
        if self.sections.len() > 1 {
            out.push_str("<nav aria-label=\"Contents\"><ul>\n");
            for (index, section) in self.sections.iter().enumerate() {
                let heading = escape_markup(&section.heading);
                out.push_str(&format!("<li><a href=\"#section-{}\">{heading}</a></li>\n", index + 1));
            }
            out.push_str("</ul></nav>\n");
        }
        out.push_str("</header>\n<main>\n");
        for (index, section) in self.sections.iter().enumerate() {
            let heading = escape_markup(&section.heading);
            out.push_str(&format!("<section id=\"section-{}\">\n<h2>{heading}</h2>\n", index + 1));
            for block in &section.blocks {
                push_block(&mut out, block);
            }
            out.push_str("</section>\n");
        }
        out.push_str("</main>\n</body>\n</html>\n");
        out
    }
}

fn push_block(out: &mut String, block: &Block) {
    match block {
        Block::Text(text) => out.push_str(&paragraphs(text)),
        Block::Table(table) => out.push_str(&table.to_html()),
        Block::Figure { svg, caption } => {
            let width = svg.width_pt() * ENLARGED;
            out.push_str(&format!("<figure>\n<div class=\"drawing\" style=\"width: {width:.0}pt\">\n"));
            out.push_str(svg.as_str());
            out.push_str("</div>\n");
            if !caption.is_empty() {
                out.push_str(&format!("<figcaption>{}</figcaption>\n", escape_markup(caption)));
            }
            out.push_str("</figure>\n");
        }
        Block::Notes(notes) => out.push_str(&crate::table::html::notes_html(notes)),
        Block::Preformatted(text) => out.push_str(&format!("<pre>{}</pre>\n", escape_markup(text))),
    }
}

/// Escaped paragraphs; a blank line starts a new one.
fn paragraphs(text: &str) -> String {
    let mut out = String::new();
    for paragraph in text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        out.push_str(&format!("<p>{}</p>\n", escape_markup(paragraph)));
    }
    out
}
