//! A report page: one HTML file that needs no script and no network. Figures stand in it, and in files that it links to.
//!
//! Text from outside is escaped; figures come as [`Svg`], which only this crate makes.

use std::collections::BTreeSet;

use crate::figure::Svg;
use crate::table::TextTable;
use crate::text::{escape_markup, inline_markup};

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
    /// Text; blank lines separate paragraphs, and what stands in backticks is code.
    Text(String),
    /// A table with its notes.
    Table(TextTable),
    /// A figure with its caption.
    Figure {
        /// The drawing.
        svg: Svg,
        /// Explanation: the quantity that it shows and the way to read it.
        caption: String,
        /// Files with the drawing and its values, relative to the page.
        files: Vec<String>,
    },
    /// A drawing in a file beside the page.
    Image {
        /// The file, relative to the page.
        file: String,
        /// Description for readers who do not see it.
        alternative: String,
    },
    /// Remarks, as a list.
    Notes(Vec<String>),
    /// Output as a program prints it, or a command.
    Preformatted(String),
    /// Facts by name.
    Facts(Vec<Fact>),
    /// Links to files, relative to the page.
    Files(Vec<String>),
}

/// A section of the page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// Anchor: lower-case letters, digits and underscores. A number behind it tells equal ones apart.
    pub id: String,
    /// Heading in the index above those of neighbouring sections that have the same one.
    pub group: String,
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
    /// The question; blank lines separate paragraphs.
    pub description: String,
    /// The answer, paragraph by paragraph; what stands in backticks is code.
    pub conclusion: Vec<String>,
    /// The sections.
    pub sections: Vec<Section>,
}

/// With more sections than this the index names groups, and each group has an index of its own.
const MAX_INDEX: usize = 40;

/// On screen, figures are shown this much larger than they print.
const ENLARGED: f64 = 1.7;

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1a1a1a; --soft: #555; --rule: #bbb; --faint: #e4e4e4;
  --ground: #fff; --shade: #f5f5f3; --mark: #0072b2; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8e8e6; --soft: #aaa; --rule: #666; --faint: #383838; --ground: #191a1b; --shade: #242526;
    --mark: #56b4e9; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 72rem; background: var(--ground);
  color: var(--ink); font: 1rem/1.5 system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .75rem; }
h2 { font-size: 1.4rem; margin: 3rem 0 .75rem; padding-top: .75rem; border-top: 2px solid var(--rule); }
h3 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p, ul, dl { max-width: 46rem; }
code { font: .92em ui-monospace, 'Cascadia Mono', Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.answer { border-left: 4px solid var(--mark); padding: .1rem 0 .1rem 1rem; margin: 1.25rem 0; }
.answer p { margin: .5rem 0; color: var(--soft); }
.answer p:first-child { font-size: 1.2rem; line-height: 1.4; color: var(--ink); }
.answer p:nth-child(2) { color: var(--ink); }
nav { margin: 1.5rem 0; padding: .5rem 1rem .75rem; background: var(--shade); font-size: .875rem; }
nav p { margin: .6rem 0 .1rem; font-weight: 600; }
nav ul, ul.index { margin: .1rem 0; padding: 0; list-style: none; display: flex; flex-wrap: wrap; gap: .1rem 1.25rem; max-width: none; }
ul.index { font-size: .875rem; }
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
.files { font-size: .8125rem; color: var(--soft); }
figure { margin: 1.25rem 0 1.75rem; }
figure .drawing { background: #fff; border: 1px solid var(--faint); padding: .5rem; max-width: 100%; overflow-x: auto; }
figure svg, figure img { display: block; width: 100%; height: auto; }
figcaption { font-size: .875rem; color: var(--soft); margin-top: .4rem; max-width: 46rem; }
pre { overflow-x: auto; padding: .75rem 1rem; background: var(--shade); font-size: .8125rem; line-height: 1.35; }
@media (max-width: 40rem) {
  body { padding: 1.25rem .75rem 3rem; } dl { grid-template-columns: 1fr; } dd { margin-bottom: .4rem; } }
@media print {
  :root { --ink: #000; --soft: #444; --ground: #fff; --shade: #fff; --faint: #ccc; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  h2, h3 { break-after: avoid; } figure, tr { break-inside: avoid; } thead { display: table-header-group; }
  .table { overflow: visible; } .table table { font-size: 8pt; } th, td { padding: .1rem .35rem; white-space: normal; }
  pre { white-space: pre-wrap; border: 1px solid var(--faint); } nav { border: 1px solid var(--faint); } }
";

/// The element of pages that says which program wrote them.
pub const GENERATOR: &str = "<meta name=\"generator\" content=\"rtmm\">";

impl Page {
    /// The page as a complete HTML file.
    #[must_use]
    pub fn to_html(&self) -> String {
        let title = escape_markup(&self.title);
        let mut out = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             {GENERATOR}\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n"
        );
        out.push_str(&paragraphs(&self.description));
        if !self.conclusion.is_empty() {
            out.push_str("<div class=\"answer\">\n");
            self.conclusion.iter().for_each(|text| out.push_str(&paragraphs(text)));
            out.push_str("</div>\n");
        }
        let groups = self.groups();
        let is_long = self.sections.len() > MAX_INDEX;
        if self.sections.len() > 1 {
            push_index(&mut out, &groups, is_long);
        }
        out.push_str("</header>\n<main>\n");
        for group in &groups {
            if group.has_heading() {
                let (id, heading) = (&group.id, escape_markup(group.heading));
                out.push_str(&format!("<h2 id=\"{id}\">{heading}</h2>\n"));
                if is_long {
                    push_links(&mut out, &group.sections);
                }
            }
            // A section that is its own group has the heading of one.
            let level = if group.has_heading() { 3 } else { 2 };
            for (section, id) in &group.sections {
                let heading = escape_markup(&section.heading);
                out.push_str(&format!("<section id=\"{id}\">\n<h{level}>{heading}</h{level}>\n"));
                section.blocks.iter().for_each(|block| push_block(&mut out, block));
                out.push_str("</section>\n");
            }
        }
        out.push_str("</main>\n</body>\n</html>\n");
        out
    }

    /// Neighbouring sections of one group each, with an anchor for each group and section, no two alike.
    fn groups(&self) -> Vec<Group<'_>> {
        let mut taken = BTreeSet::new();
        let mut id = |text: &str| {
            let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
            let stem: String = text.chars().map(plain).collect();
            let stem = if stem.is_empty() { "section".to_owned() } else { stem };
            let mut id = stem.clone();
            let mut number = 1;
            while !taken.insert(id.clone()) {
                number += 1;
                id = format!("{stem}-{number}");
            }
            id
        };
        let neighbours = self.sections.chunk_by(|left, right| left.group == right.group);
        neighbours
            .map(|sections| Group {
                heading: &sections[0].group,
                sections: sections.iter().map(|section| (section, id(&section.id))).collect(),
                id: id(&format!("group_{}", sections[0].group)),
            })
            .collect()
    }
}

/// Neighbouring sections of one group.
struct Group<'p> {
    heading: &'p str,
    id: String,
    sections: Vec<(&'p Section, String)>,
}

impl Group<'_> {
    /// True if it has a heading above those of its sections.
    fn has_heading(&self) -> bool {
        !self.heading.is_empty() && self.sections.iter().any(|(section, _)| section.heading != self.heading)
    }
}

/// The index: groups with their sections, or alone where that is long.
fn push_index(out: &mut String, groups: &[Group<'_>], is_long: bool) {
    out.push_str("<nav aria-label=\"Contents\">\n");
    if is_long {
        out.push_str("<ul>\n");
        for group in groups {
            if group.has_heading() {
                let (id, heading) = (&group.id, escape_markup(group.heading));
                out.push_str(&format!("<li><a href=\"#{id}\">{heading}</a></li>\n"));
            } else {
                group.sections.iter().for_each(|(section, id)| push_link(out, section, id));
            }
        }
        out.push_str("</ul>\n");
    } else {
        for group in groups {
            if group.has_heading() {
                out.push_str(&format!("<p>{}</p>\n", escape_markup(group.heading)));
            }
            push_links(out, &group.sections);
        }
    }
    out.push_str("</nav>\n");
}

/// A list of links to sections.
fn push_links(out: &mut String, sections: &[(&Section, String)]) {
    out.push_str("<ul class=\"index\">\n");
    sections.iter().for_each(|(section, id)| push_link(out, section, id));
    out.push_str("</ul>\n");
}

fn push_link(out: &mut String, section: &Section, id: &str) {
    out.push_str(&format!("<li><a href=\"#{id}\">{}</a></li>\n", escape_markup(&section.heading)));
}

fn push_block(out: &mut String, block: &Block) {
    match block {
        Block::Text(text) => out.push_str(&paragraphs(text)),
        Block::Table(table) => out.push_str(&table.to_html()),
        Block::Figure { svg, caption, files } => {
            let width = svg.width_pt() * ENLARGED;
            out.push_str(&format!("<figure>\n<div class=\"drawing\" style=\"width: {width:.0}pt\">\n"));
            out.push_str(svg.as_str());
            out.push_str("</div>\n");
            let links: Vec<String> = files.iter().map(|file| link(file)).collect();
            if !caption.is_empty() || !links.is_empty() {
                out.push_str(&format!(
                    "<figcaption>{} <span class=\"files\">{}</span></figcaption>\n",
                    inline_markup(caption),
                    links.join(", ")
                ));
            }
            out.push_str("</figure>\n");
        }
        Block::Image { file, alternative } => {
            let (file, alternative) = (escape_markup(file), escape_markup(alternative));
            out.push_str(&format!(
                "<figure>\n<div class=\"drawing\"><a href=\"{file}\"><img src=\"{file}\" alt=\"{alternative}\"></a></div>\n\
                 </figure>\n"
            ));
        }
        Block::Notes(notes) => out.push_str(&crate::table::html::notes_html(notes)),
        Block::Preformatted(text) => out.push_str(&format!("<pre>{}</pre>\n", escape_markup(text))),
        Block::Facts(facts) => {
            out.push_str("<dl>\n");
            for fact in facts {
                let (name, value) = (escape_markup(&fact.name), escape_markup(&fact.value));
                out.push_str(&format!("<dt>{name}</dt><dd>{value}</dd>\n"));
            }
            out.push_str("</dl>\n");
        }
        Block::Files(files) => {
            out.push_str("<ul class=\"files\">\n");
            files.iter().for_each(|file| out.push_str(&format!("<li>{}</li>\n", link(file))));
            out.push_str("</ul>\n");
        }
    }
}

/// A link to a file beside the page.
fn link(file: &str) -> String {
    let file = escape_markup(file);
    format!("<a href=\"{file}\">{file}</a>")
}

/// Escaped paragraphs; a blank line starts a new one.
fn paragraphs(text: &str) -> String {
    let mut out = String::new();
    for paragraph in text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        out.push_str(&format!("<p>{}</p>\n", inline_markup(paragraph)));
    }
    out
}
