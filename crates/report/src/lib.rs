//! Turns results into something to read: tables for the terminal, Markdown, HTML and CSV;
//! SVG figures for a paper; a report page that is one self-contained HTML file.
//!
//! One road leads from results to a report: [`Report::new`] takes the results of a sweep with the figures that its
//! file declares, and has everything that is printed, drawn or written. The forms beneath it (tables, figures, pages)
//! can be used alone. Everything is a pure function from data to text: nothing reads or writes a file, asks the clock
//! or depends on the locale, and the same data always gives the same bytes.
//!
//! ```
//! use rtmm_report::{Bar, TableCell, Column, GroupedBars, Row, TerminalStyle, TextTable};
//!
//! let mut table = TextTable::new("Scores", vec![Column::text("platform"), Column::number("mean")]);
//! table.rows.push(Row::new(vec![TableCell::text("one_big"), TableCell::estimate(86.5, 1, 1.5)]));
//! assert!(table.to_terminal(&TerminalStyle::default()).contains("86.5 ±1.5"));
//!
//! let bars = GroupedBars {
//!     groups: vec!["gaming".into()],
//!     series: vec!["one_big".into(), "two_small".into()],
//!     bars: vec![vec![
//!         Some(Bar { value: 86.5, interval: None }),
//!         Some(Bar { value: 62.1, interval: None }),
//!     ]],
//!     ..GroupedBars::default()
//! };
//! assert!(bars.to_svg().as_str().starts_with("<svg"));
//! ```

mod figure;
mod page;
mod report;
mod table;
mod text;

pub use figure::color::{ColorScale, OKABE_ITO};
pub use figure::gantt::{Gantt, GanttBar, GanttJob};
pub use figure::grouped_bars::{Bar, GroupedBars};
pub use figure::heat_map::{HeatColumn, HeatMap, HeatRow};
pub use figure::lines::{LinePoint, LineSeries, Lines};
pub use figure::scatter::{Scatter, ScatterPoint};
pub use figure::{ONE_COLUMN_PT, Svg, TWO_COLUMNS_PT};
pub use page::{Block, Fact, GENERATOR, Page, Section};
pub use report::{
    FIGURES, Report, ReportFigure, ReportRun, ReportTable, WorstRun, is_report_file, worst_run,
};
pub use table::terminal::{MIN_TERMINAL_WIDTH, TerminalStyle};
pub use table::{Align, Column, Content, Row, TableCell, TextTable};
pub use text::{Interval, escape_markup, short_labels};
