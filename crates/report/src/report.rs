//! The report of a sweep, or of a single run: from results to an answer, tables, figures, a page and files.
//!
//! The answer comes first: what follows from the results is computed as data (`answer`), then said in sentences, in a
//! ranking and in a figure. Other contents are declared as data, too: the figures of the sweep file, then figures and tables
//! that every report has. The sweep crate computes what a figure shows; here it is drawn, printed and told in words. What each
//! output shows and the formula of every aggregate are in `docs/report.md`.

mod answer;
mod comparison;
mod defaults;
mod drawing;
mod facts;
mod failures;
mod item;
mod reading;
mod sections;
mod significance;
mod tables;
mod tasks;
mod whole;
mod wording;
mod worst;

use std::collections::BTreeSet;
use std::path::Path;

use rtmm_sweep::figures::data::{Panel, panels};
use rtmm_sweep::figures::{Figure, stem};
use rtmm_sweep::ranking::Competitors;
use rtmm_sweep::results::Results;
use rtmm_sweep::summary::Summary;

use crate::figure::Svg;
use crate::page::Fact;
use crate::table::TextTable;
use crate::table::terminal::TerminalStyle;
use crate::text::{filled, short_labels};
use answer::conclusion::{Conclusion, Outcome};
use item::{Grouped, Item, Place, Show};
use wording::{Names, Wording};

pub use worst::{WorstRun, worst_run};

/// The page of a report.
const PAGE: &str = "index.html";
/// All tables in Markdown.
const MARKDOWN: &str = "tables.md";
/// Folder of drawings and of the values of figures.
pub const FIGURES: &str = "figures";
/// The group of the answer.
const ANSWER: &str = "Answer";
/// The group of cells that failed; the last one.
const FAILURES: &str = "Failures";
/// The group of tests of all pairs.
const SIGNIFICANCE: &str = "Significance";
/// The group of the figures that a sweep file declares.
const DECLARED: &str = "Figures of the sweep";

/// A table and its name.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportTable {
    /// Stem for file names: lower-case letters, digits and underscores.
    pub name: String,
    /// Group of sections of the page that it stands in.
    pub group: String,
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
    /// Group of sections of the page that it stands in.
    pub group: String,
    /// Heading of the figure on a page.
    pub title: String,
    /// Explanation of what it shows and how to read it.
    pub caption: String,
    /// The drawing.
    pub svg: Svg,
}

/// The timeline of one run, with what makes it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRun {
    /// Stem of its file: lower-case letters, digits and underscores.
    pub name: String,
    /// Heading on the page.
    pub title: String,
    /// Sentences on which run it is.
    pub caption: String,
    /// Command that makes the timeline.
    pub command: String,
    /// The drawing, a complete SVG file.
    pub svg: String,
}

/// The report of a sweep, or of a single run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Title: the name of the sweep.
    pub title: String,
    /// Question that the sweep answers.
    pub description: String,
    /// The answer: paragraphs in which names stand in backticks.
    pub conclusion: Vec<String>,
    /// Facts on how the results were made.
    pub facts: Vec<Fact>,
    /// The figures: that of the answer, those of the sweep file, then all others.
    pub figures: Vec<ReportFigure>,
    /// The tables, in the same order.
    pub tables: Vec<ReportTable>,
    /// The values of the figures of the sweep file: a stem, and CSV with a row for each value.
    pub values: Vec<(String, String)>,
    /// The groups of figures and tables, in order.
    pub groups: Vec<String>,
    /// The timeline of a run, such as the worst one.
    pub run: Option<ReportRun>,
    /// Files beside the page to which it links, such as tables of results.
    pub files_beside: Vec<String>,
}

impl Report {
    /// The report of some results, with the figures that their sweep file declares.
    #[must_use]
    pub fn new(results: &Results<'_>, summary: &Summary, declared: &[Figure]) -> Self {
        let plan = results.plan();
        let mut report = Self {
            title: short_labels(&[&plan.axes().name]).concat(),
            description: plan.axes().description.clone(),
            facts: facts::facts(plan),
            ..Self::default()
        };
        let conclusion = Conclusion::of(results);
        if let Some(conclusion) = &conclusion {
            report.add_answer(results, conclusion);
        }
        let shows = [Show::Drawing, Show::Table(Place::Terminal), Show::Values];
        let of_file = declared.iter().map(|figure| Grouped {
            group: DECLARED.to_owned(),
            item: Item::Figure { figure: Box::new(figure.clone()), shows: shows.to_vec() },
        });
        // A default figure gives way to a declared one of its name, and the terminal shows what is declared.
        let is_free = |grouped: &Grouped| match &grouped.item {
            Item::Figure { figure, .. } => declared.iter().all(|known| known.name != figure.name),
            Item::Comparison { .. } | Item::Tasks { .. } | Item::Whole(_) | Item::Failures => true,
        };
        let ranking = conclusion.as_ref().and_then(|conclusion| match &conclusion.outcome {
            Outcome::Ranked(competition) => Some(&competition.ranking),
            Outcome::Alone { .. } => None,
        });
        let defaults = defaults::items(plan, summary, ranking).into_iter().filter(is_free);
        let source = Source { results, summary, names: Names::of(plan) };
        for item in of_file {
            source.add(&item, true, &mut report);
        }
        for item in defaults {
            source.add(&item, declared.is_empty(), &mut report);
        }
        let tests = significance::tables(results);
        if !tests.is_empty() {
            report.add_group(SIGNIFICANCE);
        }
        report.tables.extend(tests.into_iter().map(|(name, table)| ReportTable {
            name,
            group: SIGNIFICANCE.to_owned(),
            table,
            on_terminal: false,
        }));
        report
    }

    /// Adds a group of sections behind the others, but before that of failures.
    pub fn add_group(&mut self, name: &str) {
        let place = self.groups.iter().position(|group| group == FAILURES).unwrap_or(self.groups.len());
        self.groups.insert(place, name.to_owned());
    }

    /// Adds what stands first.
    fn add_answer(&mut self, results: &Results<'_>, conclusion: &Conclusion) {
        let plan = results.plan();
        let Some(competitors) = Competitors::of(plan) else {
            self.conclusion = answer::words::paragraphs(conclusion, &[answer::subject(plan)]);
            return;
        };
        let names = answer::names_of(plan, competitors);
        let what = match competitors {
            Competitors::Policies => "policy",
            Competitors::Platforms => "platform",
        };
        self.conclusion = answer::words::paragraphs(conclusion, &names);
        let group = || ANSWER.to_owned();
        self.groups.push(group());
        self.tables.extend(answer::table::table(conclusion, &names, what).map(|table| ReportTable {
            name: "ranking".to_owned(),
            group: group(),
            on_terminal: table.rows.len() <= MAX_ROWS_ON_TERMINAL,
            table,
        }));
        self.figures.extend(answer::trade_off::figure(conclusion, &names, what).map(|figure| ReportFigure {
            name: "trade_off".to_owned(),
            group: group(),
            title: figure.title,
            caption: figure.caption,
            svg: figure.svg,
        }));
    }

    /// The answer, then the tables that a terminal is shown, one below the other.
    #[must_use]
    pub fn to_terminal(&self, style: &TerminalStyle) -> String {
        let mut out = String::new();
        for paragraph in &self.conclusion {
            for line in filled(paragraph, style.width) {
                out.push_str(&line);
                out.push('\n');
            }
            out.push('\n');
        }
        for table in self.tables.iter().filter(|table| table.on_terminal) {
            out.push_str(&table.table.to_terminal(style));
            out.push('\n');
        }
        out
    }

    /// The answer and all tables in Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut parts = vec![format!("# {}\n", self.title)];
        if !self.description.is_empty() {
            parts.push(format!("{}\n", self.description.trim()));
        }
        parts.extend(self.conclusion.iter().map(|paragraph| format!("{paragraph}\n")));
        parts.extend(self.tables.iter().map(|table| table.table.to_markdown()));
        parts.join("\n")
    }

    /// The files of the report: paths below its folder and texts, the page last. Drawings and the values of figures are in a
    /// folder of their own.
    #[must_use]
    pub fn files(&self) -> Vec<(String, String)> {
        let in_folder = |stem: &str, extension: &str| format!("{FIGURES}/{stem}.{extension}");
        let values = self.values.iter().map(|(stem, text)| (in_folder(stem, "csv"), text.clone()));
        let drawings = self
            .figures
            .iter()
            .map(|figure| (in_folder(&figure.name, "svg"), figure.svg.as_str().to_owned()));
        let run = self.run.iter().map(|run| (in_folder(&run.name, "svg"), run.svg.clone()));
        let pages = [(MARKDOWN.to_owned(), self.to_markdown()), (PAGE.to_owned(), self.to_page().to_html())];
        values.chain(drawings).chain(run).chain(pages).collect()
    }
}

/// True if a path, relative to the folder of a report, may be one of [`Report::files`].
#[must_use]
pub fn is_report_file(path: &Path) -> bool {
    let extension = path.extension();
    let is_figure =
        || path.starts_with(FIGURES) && ["csv", "svg"].iter().any(|form| extension == Some(form.as_ref()));
    path == Path::new(PAGE) || path == Path::new(MARKDOWN) || is_figure()
}

/// The most rows of a ranking that a terminal is shown.
const MAX_ROWS_ON_TERMINAL: usize = 24;

/// Results with what names their parts.
struct Source<'s> {
    results: &'s Results<'s>,
    summary: &'s Summary,
    names: Names<'s>,
}

impl Source<'_> {
    /// Adds what an item shows; its tables to those of the terminal only if that has room.
    fn add(&self, grouped: &Grouped, has_room: bool, report: &mut Report) {
        let plan = self.results.plan();
        let Grouped { group, item } = grouped;
        if !report.groups.contains(group) {
            report.groups.push(group.clone());
        }
        let mut add = |name: String, table: Option<TextTable>, place: Place| {
            let (group, on_terminal) = (group.clone(), has_room && place == Place::Terminal);
            report.tables.extend(table.map(|table| ReportTable { name, group, table, on_terminal }));
        };
        match item {
            Item::Figure { figure, shows } => self.add_figure(figure, shows, group, has_room, report),
            Item::Comparison { name, metric, under, place } => {
                add(name.clone(), comparison::table(plan, self.summary, under, *metric), *place);
            }
            Item::Tasks { under } => {
                let name = format!("{}tasks", under.prefix());
                add(name, tasks::table(plan, self.summary, under), Place::Page);
            }
            Item::Whole(whole) => {
                let (name, table) = whole::table(self.results, *whole);
                add(name.to_owned(), table, Place::Terminal);
            }
            Item::Failures => add("failures".to_owned(), failures::table(self.results), Place::Page),
        }
    }

    fn add_figure(&self, figure: &Figure, shows: &[Show], group: &str, has_room: bool, report: &mut Report) {
        let wording = Wording { plan: self.results.plan(), figure, names: &self.names };
        let measured = panels(self.results, figure);
        let factors = wording.factors();
        let panels: Vec<Panel> = measured.iter().map(|panel| reading::scaled(panel, &factors)).collect();
        let names = names_of(figure, &panels);
        let named = || names.iter().cloned().zip(&panels);
        let on_terminal = |place: Place| has_room && place == Place::Terminal;
        for show in shows {
            match show {
                Show::Drawing => report.figures.extend(named().map(|(name, panel)| ReportFigure {
                    name,
                    group: group.to_owned(),
                    title: wording.title(panel),
                    caption: wording.caption(panel),
                    svg: drawing::svg(&wording, panel),
                })),
                Show::Table(place) => report.tables.extend(named().map(|(name, panel)| ReportTable {
                    name,
                    group: group.to_owned(),
                    table: tables::table(&wording, panel),
                    on_terminal: on_terminal(*place),
                })),
                Show::Best(place) => {
                    let table = tables::best_rows(&wording, &panels);
                    report.tables.extend(table.map(|table| ReportTable {
                        name: format!("{}_best", figure.name),
                        group: group.to_owned(),
                        table,
                        on_terminal: on_terminal(*place),
                    }));
                }
                Show::Values => {
                    report.values.push((figure.name.clone(), tables::tidy(&wording, &measured).to_csv()));
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
