//! Turns results into something to read: tables for the terminal, Markdown, HTML and CSV;
//! SVG figures for a paper; a report page that is one self-contained HTML file.
//!
//! Everything here is a pure function from data to text. Nothing reads or writes a file, asks
//! the clock or depends on the locale, and the same data always gives the same bytes. The crate
//! knows nothing of simulations: [`score_report`] takes rows of axis values and a number, so any
//! evaluation that has scenarios, platforms and a metric can use it. It never computes a
//! confidence interval; it draws those it is given.
//!
//! ```
//! use rtmm_report::{Better, Interval, Layout, Metric, ScoreData, ScoreRow, TerminalStyle, score_report};
//!
//! let row = |scenario: &str, platform: &str, mean: f64| ScoreRow {
//!     values: vec![scenario.into(), platform.into()],
//!     mean,
//!     interval: Some(Interval { lower: mean - 1.5, upper: mean + 1.5 }),
//!     n: 20,
//! };
//! let data = ScoreData {
//!     title: "Two platforms".into(),
//!     description: "Which platform keeps the deadlines?".into(),
//!     metric: Metric {
//!         name: "score".into(),
//!         unit: Some("%".into()),
//!         better: Better::Higher,
//!         decimals: 1,
//!         range: Some((0.0, 100.0)),
//!     },
//!     confidence_percent: 95.0,
//!     axes: vec!["scenario".into(), "platform".into()],
//!     rows: vec![
//!         row("gaming", "one_big", 86.5),
//!         row("gaming", "two_small", 62.1),
//!         row("outdoor", "one_big", 82.0),
//!         row("outdoor", "two_small", 92.9),
//!     ],
//! };
//! let layout =
//!     Layout { scenario: "scenario".into(), platform: vec!["platform".into()], ..Layout::default() };
//! let report = score_report(&data, &layout)?;
//! let text = report.to_terminal(&TerminalStyle::default());
//! assert!(text.contains("one_big"));
//! let html = report.to_page(Vec::new()).to_html();
//! assert!(html.starts_with("<!DOCTYPE html>"));
//! # Ok::<(), rtmm_report::ReportError>(())
//! ```

mod error;
mod figure;
mod page;
mod sweep_report;
mod table;
mod text;

pub use error::ReportError;
pub use figure::color::{ColorScale, OKABE_ITO};
pub use figure::grouped_bars::{Bar, GroupedBars};
pub use figure::heat_map::{HeatColumn, HeatMap, HeatRow};
pub use figure::lines::{LinePoint, LineSeries, Lines};
pub use figure::scatter::{Scatter, ScatterPoint};
pub use figure::{ONE_COLUMN_PT, Svg, TWO_COLUMNS_PT};
pub use page::{Block, Fact, Page, Section};
pub use sweep_report::{
    Better, Layout, Metric, ReportFigure, ReportTable, ScoreData, ScoreReport, ScoreRow, score_report,
};
pub use table::terminal::{MIN_TERMINAL_WIDTH, TerminalStyle};
pub use table::{Align, Cell, Column, Content, Row, TextTable};
pub use text::{Interval, escape_markup, short_labels};
