//! SVG figures for papers and report pages.
//!
//! Lengths are in points (1/72 inch), so that a figure of [`ONE_COLUMN_PT`] printed at its own
//! size fills one column of a two-column paper, with text of 7 to 8.5 points. The width of a
//! figure is a wish: content that needs more room (many cells, long labels) makes the figure
//! larger; nothing is clipped and labels do not overlap.
//!
//! No scripts, no style sheets, no web fonts, no ids: a figure can be inlined in a page any
//! number of times.

pub(crate) mod axis;
pub(crate) mod canvas;
pub(crate) mod color;
pub(crate) mod extent;
pub(crate) mod gantt;
pub(crate) mod grouped_bars;
pub(crate) mod heat_map;
pub(crate) mod legend;
pub(crate) mod lines;
pub(crate) mod scatter;

/// The width of one column of a two-column paper (3.5 inches).
pub const ONE_COLUMN_PT: f64 = 252.0;

/// The width of both columns (7.16 inches).
pub const TWO_COLUMNS_PT: f64 = 516.0;

/// Size of a figure's title.
pub(crate) const TITLE_SIZE: f64 = 8.5;
/// Size of axis labels and legends.
pub(crate) const LABEL_SIZE: f64 = 7.5;
/// Size of ticks, row and column names and cell values.
pub(crate) const TICK_SIZE: f64 = 7.0;

/// Text and whiskers.
pub(crate) const INK: &str = "#1a1a1a";
/// Secondary text.
pub(crate) const SOFT_INK: &str = "#444444";
/// Axis lines.
pub(crate) const AXIS: &str = "#555555";
/// Grid lines.
pub(crate) const GRID: &str = "#dddddd";

/// A finished figure: a well-formed SVG element.
///
/// Only the writers of this crate make one, so a page may include it as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Svg {
    markup: String,
    width_pt: f64,
    height_pt: f64,
}

impl Svg {
    /// The SVG element, also a complete SVG file.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.markup
    }

    /// Width in points.
    #[must_use]
    pub fn width_pt(&self) -> f64 {
        self.width_pt
    }

    /// Height in points.
    #[must_use]
    pub fn height_pt(&self) -> f64 {
        self.height_pt
    }
}
