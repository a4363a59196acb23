//! The sections of a report's page: the answer first, then groups of figures and tables, a timeline, and how all was made.

use super::{FIGURES, MARKDOWN, Report, ReportFigure, ReportTable};
use crate::page::{Block, Page, Section};
use crate::table::TextTable;

/// The group of what says how results were made.
const MADE: &str = "How this was made";

impl Report {
    /// A page with the answer, then figures, each above the table of its values if it has one, and tables. Callers may add
    /// sections of their own.
    #[must_use]
    pub fn to_page(&self) -> Page {
        let mut sections: Vec<Section> = Vec::new();
        for group in &self.groups {
            sections.extend(self.sections_of(group));
        }
        // Where nothing competes, the run is what there is to see; else it stands behind all comparisons.
        let failures = sections.iter().position(|section| section.group == super::FAILURES);
        let is_alone = !self.groups.iter().any(|group| group == super::ANSWER);
        let place = if is_alone { 0 } else { failures.unwrap_or(sections.len()) };
        sections.splice(place..place, self.run_section());
        sections.push(self.made());
        Page {
            title: self.title.clone(),
            description: self.description.clone(),
            conclusion: self.conclusion.clone(),
            sections,
        }
    }

    fn sections_of(&self, group: &str) -> Vec<Section> {
        let is_of = |table: &&ReportTable, figure: &ReportFigure| {
            (&table.name, &table.table.title) == (&figure.name, &figure.title)
        };
        let figures = || self.figures.iter().filter(move |figure| figure.group == group);
        let others = self.tables.iter().filter(|table| table.group == group);
        let others = others.filter(|table| !figures().any(|figure| is_of(table, figure)));
        let tables = others.map(|table| Section {
            id: format!("{}_table", table.name),
            group: group.to_owned(),
            heading: table.table.title.clone(),
            blocks: vec![bare(&table.table)],
        });
        let drawings = figures().map(|figure| {
            let table = self.tables.iter().find(|table| is_of(table, figure));
            let blocks = std::iter::once(self.drawing(figure)).chain(table.map(|table| bare(&table.table)));
            Section {
                id: figure.name.clone(),
                group: group.to_owned(),
                heading: figure.title.clone(),
                blocks: blocks.collect(),
            }
        });
        // The ranking is above its figure; elsewhere figures come first.
        match group {
            super::ANSWER => tables.chain(drawings).collect(),
            _ => drawings.chain(tables).collect(),
        }
    }

    fn drawing(&self, figure: &ReportFigure) -> Block {
        let name = &figure.name;
        let mut files = vec![format!("{FIGURES}/{name}.svg")];
        // The values of a figure stand in one file, whatever its facets; of two names that fit, the longer one is meant.
        let is_of = |stem: &&str| {
            name.strip_prefix(*stem).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        };
        let stems = self.values.iter().map(|(stem, _)| stem.as_str());
        let stem = stems.filter(is_of).max_by_key(|stem| stem.len());
        files.extend(stem.map(|stem| format!("{FIGURES}/{stem}.csv")));
        Block::Figure { svg: figure.svg.clone(), caption: figure.caption.clone(), files }
    }

    fn run_section(&self) -> Option<Section> {
        let run = self.run.as_ref()?;
        Some(Section {
            id: run.name.clone(),
            group: run.title.clone(),
            heading: run.title.clone(),
            blocks: vec![
                Block::Text(run.caption.clone()),
                Block::Preformatted(run.command.clone()),
                Block::Image {
                    file: format!("{FIGURES}/{}.svg", run.name),
                    alternative: format!("Gantt chart. {}", run.caption),
                },
            ],
        })
    }

    fn made(&self) -> Section {
        let mut files = self.files_beside.clone();
        files.push(MARKDOWN.to_owned());
        // Also those of figures that have nothing to draw.
        files.extend(self.values.iter().map(|(stem, _)| format!("{FIGURES}/{stem}.csv")));
        Section {
            id: "made".to_owned(),
            group: MADE.to_owned(),
            heading: MADE.to_owned(),
            blocks: vec![
                Block::Facts(self.facts.clone()),
                Block::Text("Files beside this page:".to_owned()),
                Block::Files(files),
            ],
        }
    }
}

fn bare(table: &TextTable) -> Block {
    Block::Table(TextTable { title: String::new(), ..table.clone() })
}
