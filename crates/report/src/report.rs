//! The report of a sweep: from results to tables, figures, a page and files.
//!
//! Contents are declared as data: the figures of the sweep file, then figures and tables that every
//! report has. The sweep crate computes what a figure shows; here it is drawn, printed and told in words. What each
//! output shows and the formula of every aggregate are in `docs/report.md`.

mod comparison;
mod defaults;
mod drawing;
mod facts;
mod failures;
mod item;
mod tables;
mod tasks;
mod wording;

use std::collections::BTreeSet;

use rtmm_sweep::figures::data::{Panel, panels};
use rtmm_sweep::figures::{Figure, stem};
use rtmm_sweep::results::Results;
use rtmm_sweep::summary::Summary;

use crate::figure::Svg;
use crate::page::{Block, Fact, Page, Section};
use crate::table::TextTable;
use crate::table::terminal::TerminalStyle;
use item::{Item, Place, Show};
use wording::{Names, Wording};

/// A table and its name.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportTable {
    /// Stem for file names: lower-case letters, digits and underscores.
    pub name: String,
    /// The table.
    pub table: TextTable,
    /// True if a terminal is shown it; the page and Markdown have all.
    pub on_terminal: bool,
}

/// A figure, the name of its file and its caption.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportFigure {
    /// Stem for file names: lower-case letters, digits and underscores.
    pub name: String,
    /// Heading of the figure on a page.
    pub title: String,
    /// Explanation of what it shows and how to read it.
    pub caption: String,
    /// The drawing.
    pub svg: Svg,
}

/// The report of a sweep.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Title: the name of the sweep.
    pub title: String,
    /// Question that the sweep answers.
    pub description: String,
    /// Facts on how the results were made.
    pub facts: Vec<Fact>,
    /// The figures, those of the sweep file first.
    pub figures: Vec<ReportFigure>,
    /// The tables, those of the sweep file first.
    pub tables: Vec<ReportTable>,
    /// The values of the figures of the sweep file: a stem, and CSV with a row for each value.
    pub values: Vec<(String, String)>,
}

impl Report {
    /// The report of some results, with the figures that their sweep file declares.
    #[must_use]
    pub fn new(results: &Results<'_>, summary: &Summary, declared: &[Figure]) -> Self {
        let plan = results.plan();
        let shows = [Show::Drawing, Show::Table(Place::Terminal), Show::Values];
        let of_file = declared
            .iter()
            .map(|figure| Item::Figure { figure: Box::new(figure.clone()), shows: shows.to_vec() });
        // A default figure gives way to a declared one of its name, and the terminal shows what is declared.
        let is_free = |item: &Item| match item {
            Item::Figure { figure, .. } => declared.iter().all(|known| known.name != figure.name),
            Item::Comparison { .. } | Item::Tasks { .. } | Item::Failures => true,
        };
        let defaults = defaults::items(plan, summary).into_iter().filter(is_free);
        let mut report = Self {
            title: plan.axes().name.clone(),
            description: plan.axes().description.clone(),
            facts: facts::facts(plan),
            ..Self::default()
        };
        let source = Source { results, summary, names: Names::of(plan) };
        for item in of_file {
            source.add(&item, true, &mut report);
        }
        for item in defaults {
            source.add(&item, declared.is_empty(), &mut report);
        }
        report
    }

    /// The tables that a terminal is shown, one below the other.
    #[must_use]
    pub fn to_terminal(&self, style: &TerminalStyle) -> String {
        let shown = self.tables.iter().filter(|table| table.on_terminal);
        shown.map(|table| format!("{}\n", table.table.to_terminal(style))).collect()
    }

    /// All tables in Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut parts = vec![format!("# {}\n", self.title)];
        if !self.description.is_empty() {
            parts.push(format!("{}\n", self.description.trim()));
        }
        parts.extend(self.tables.iter().map(|table| table.table.to_markdown()));
        parts.join("\n")
    }

    /// A page with the figures, each above the table of its values if it has one, then the other tables. Callers may
    /// add sections of their own.
    #[must_use]
    pub fn to_page(&self) -> Page {
        let bare = |table: &TextTable| Block::Table(TextTable { title: String::new(), ..table.clone() });
        let is_of = |table: &&ReportTable, figure: &ReportFigure| {
            (&table.name, &table.table.title) == (&figure.name, &figure.title)
        };
        let figures = self.figures.iter().map(|figure| {
            let drawing = Block::Figure { svg: figure.svg.clone(), caption: figure.caption.clone() };
            let table = self.tables.iter().find(|table| is_of(table, figure));
            let blocks = std::iter::once(drawing).chain(table.map(|table| bare(&table.table)));
            Section { heading: figure.title.clone(), blocks: blocks.collect() }
        });
        let others =
            self.tables.iter().filter(|table| !self.figures.iter().any(|figure| is_of(table, figure)));
        let tables = others
            .map(|table| Section { heading: table.table.title.clone(), blocks: vec![bare(&table.table)] });
        Page {
            title: self.title.clone(),
            description: self.description.clone(),
            facts: self.facts.clone(),
            sections: figures.chain(tables).collect(),
        }
    }

    /// The files of the report: names and texts, the page last.
    #[must_use]
    pub fn files(&self) -> Vec<(String, String)> {
        let values = self.values.iter().map(|(stem, text)| (format!("{stem}.csv"), text.clone()));
        let drawings = self
            .figures
            .iter()
            .map(|figure| (format!("{}.svg", figure.name), figure.svg.as_str().to_owned()));
        let pages = [
            ("tables.md".to_owned(), self.to_markdown()),
            ("report.html".to_owned(), self.to_page().to_html()),
        ];
        values.chain(drawings).chain(pages).collect()
    }
}

/// Results with what names their parts.
struct Source<'s> {
    results: &'s Results<'s>,
    summary: &'s Summary,
    names: Names<'s>,
}

impl Source<'_> {
    /// Adds what an item shows; its tables to those of the terminal only if that has room.
    fn add(&self, item: &Item, has_room: bool, report: &mut Report) {
        let plan = self.results.plan();
        let mut add = |name: String, table: Option<TextTable>, place: Place| {
            let on_terminal = has_room && place == Place::Terminal;
            report.tables.extend(table.map(|table| ReportTable { name, table, on_terminal }));
        };
        match item {
            Item::Figure { figure, shows } => self.add_figure(figure, shows, has_room, report),
            Item::Comparison { name, metric, under, place } => {
                add(name.clone(), comparison::table(plan, self.summary, under, *metric), *place);
            }
            Item::Tasks { under } => {
                let name = format!("{}tasks", under.prefix());
                add(name, tasks::table(plan, self.summary, under), Place::Page);
            }
            Item::Failures => add("failures".to_owned(), failures::table(self.results), Place::Page),
        }
    }

    fn add_figure(&self, figure: &Figure, shows: &[Show], has_room: bool, report: &mut Report) {
        let wording = Wording { plan: self.results.plan(), figure, names: &self.names };
        let panels = panels(self.results, figure);
        let names = names_of(figure, &panels);
        let named = || names.iter().cloned().zip(&panels);
        let on_terminal = |place: Place| has_room && place == Place::Terminal;
        for show in shows {
            match show {
                Show::Drawing => report.figures.extend(named().map(|(name, panel)| ReportFigure {
                    name,
                    title: wording.title(panel),
                    caption: wording.caption(panel),
                    svg: drawing::svg(&wording, panel),
                })),
                Show::Table(place) => report.tables.extend(named().map(|(name, panel)| ReportTable {
                    name,
                    table: tables::table(&wording, panel),
                    on_terminal: on_terminal(*place),
                })),
                Show::Best(place) => {
                    let table = tables::best_rows(&wording, &panels);
                    report.tables.extend(table.map(|table| ReportTable {
                        name: format!("{}_best", figure.name),
                        table,
                        on_terminal: on_terminal(*place),
                    }));
                }
                Show::Values => {
                    report.values.push((figure.name.clone(), tables::tidy(&wording, &panels).to_csv()));
                }
            }
        }
    }
}

/// The stem of each panel's files. Folders of a facet's name are left out, unless they alone tell panels apart.
fn names_of(figure: &Figure, panels: &[Panel]) -> Vec<String> {
    let stems = |folders: bool| -> Vec<String> {
        let facets = panels.iter().map(|panel| {
            let text = panel.facet.as_ref().map(|facet| facet.text.as_str())?;
            Some(if folders { text.replace('/', "_") } else { text.to_owned() })
        });
        facets.map(|facet| stem(&figure.name, facet.as_deref())).collect()
    };
    let short = stems(false);
    if short.iter().collect::<BTreeSet<_>>().len() == short.len() { short } else { stems(true) }
}
