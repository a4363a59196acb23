//! The tables and figures of an evaluation: a metric by scenario and platform.
//!
//! The input is generic: rows of axis values with a mean and, where it was sampled, its
//! confidence interval. A [`Layout`] says which axis is the scenario, which axes together name a
//! platform, and which axes group platforms. What each output shows and the formula of every
//! aggregate are in `docs/report.md`.

mod figures;
mod grid;
mod tables;

use crate::error::ReportError;
use crate::figure::Svg;
use crate::page::{Block, Fact, Page, Section};
use crate::table::TextTable;
use crate::table::terminal::TerminalStyle;
use crate::text::Interval;
use grid::Grid;

/// Whether more or less of a metric is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Better {
    /// More is better, as of a score.
    #[default]
    Higher,
    /// Less is better, as of energy or misses.
    Lower,
}

/// What the numbers are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metric {
    /// Name, lower case, as it stands inside a sentence.
    pub name: String,
    /// Unit.
    pub unit: Option<String>,
    /// Which direction is better.
    pub better: Better,
    /// Decimals in tables.
    pub decimals: u8,
    /// The range of possible values, for axes and colours; from the data where absent.
    pub range: Option<(f64, f64)>,
}

/// One number: the metric of a scenario on a platform.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreRow {
    /// The value of each axis of the data, in order.
    pub values: Vec<String>,
    /// The metric, a mean over `n` runs.
    pub mean: f64,
    /// Confidence interval of the mean; `None` for a value without sampling error.
    pub interval: Option<Interval>,
    /// Number of runs behind the mean.
    pub n: u64,
}

/// The results of an evaluation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScoreData {
    /// Title of the report.
    pub title: String,
    /// What was asked, in a paragraph or two.
    pub description: String,
    /// What the numbers are.
    pub metric: Metric,
    /// Level of the confidence intervals in percent.
    pub confidence_percent: f64,
    /// Names of the axes.
    pub axes: Vec<String>,
    /// The numbers.
    pub rows: Vec<ScoreRow>,
}

/// Which axis plays which part. Axes are given by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// The axis across tables and heat maps.
    pub scenario: String,
    /// The axes that together name a platform, outermost first: the hardware, then what runs on
    /// it (dataflow set, policy). Platforms are grouped by the first of them.
    pub platform: Vec<String>,
    /// An axis that groups platforms into classes within which they compete, such as the number
    /// of processing elements. It may be a platform axis: policies then compete on each platform.
    pub budget: Option<String>,
    /// The axis whose values are the colours of the summary bars; the last platform axis where
    /// absent.
    pub series: Option<String>,
    /// The platform axis whose values are the colours of the bars by scenario, such as the policy;
    /// the outermost one where absent.
    pub compared: Option<String>,
}

/// A table and the name of its files.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportTable {
    /// Stem for file names: lower case letters, digits and underscores.
    pub name: String,
    /// The table.
    pub table: TextTable,
}

/// A figure, the name of its file and its caption.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportFigure {
    /// Stem for file names: lower case letters, digits and underscores.
    pub name: String,
    /// Heading of the figure on a page.
    pub title: String,
    /// What it shows and how to read it.
    pub caption: String,
    /// The drawing.
    pub svg: Svg,
}

/// The tables and figures of an evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreReport {
    /// Title.
    pub title: String,
    /// What was asked.
    pub description: String,
    /// The tables: `scores`, `confidence` where anything was sampled, `best`.
    pub tables: Vec<ReportTable>,
    /// The figures: `heat_map`, `best_bars` (one a budget, where there are at most 16
    /// groups of platforms and 12 budgets), `mean_bars`.
    pub figures: Vec<ReportFigure>,
}

/// Lays out an evaluation as tables and figures.
///
/// # Errors
///
/// Data that has no single meaning as a grid of scenarios and platforms: unknown axes, two
/// numbers for one place, numbers that are not finite. See [`ReportError`].
pub fn score_report(data: &ScoreData, layout: &Layout) -> Result<ScoreReport, ReportError> {
    let grid = Grid::new(data, layout)?;
    let mut tables = vec![tables::scores(&grid)];
    tables.extend(tables::confidence(&grid));
    tables.push(tables::best(&grid));
    let mut figures = vec![figures::heat_map(&grid)];
    figures.extend(figures::best_bars(&grid));
    figures.push(figures::mean_bars(&grid));
    Ok(ScoreReport { title: data.title.clone(), description: data.description.clone(), tables, figures })
}

impl ScoreReport {
    /// All tables for a terminal, separated by blank lines.
    #[must_use]
    pub fn to_terminal(&self, style: &TerminalStyle) -> String {
        self.tables.iter().map(|table| table.table.to_terminal(style)).collect::<Vec<_>>().join("\n")
    }

    /// Title, description and all tables as Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut parts = vec![format!("# {}\n", self.title)];
        if !self.description.is_empty() {
            parts.push(format!("{}\n", self.description.trim()));
        }
        parts.extend(self.tables.iter().map(|table| table.table.to_markdown()));
        parts.join("\n")
    }

    /// A page with the figures, then the tables. Callers may add sections of their own.
    #[must_use]
    pub fn to_page(&self, facts: Vec<Fact>) -> Page {
        let mut sections = Vec::new();
        for figure in &self.figures {
            let blocks = vec![Block::Figure { svg: figure.svg.clone(), caption: figure.caption.clone() }];
            sections.push(Section { heading: figure.title.clone(), blocks });
        }
        for table in &self.tables {
            let heading = table.table.title.clone();
            let bare = TextTable { title: String::new(), ..table.table.clone() };
            sections.push(Section { heading, blocks: vec![Block::Table(bare)] });
        }
        Page { title: self.title.clone(), description: self.description.clone(), facts, sections }
    }
}
