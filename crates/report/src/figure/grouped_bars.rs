//! Bars in groups, one colour a series, with confidence whiskers.

use super::axis::Axis;
use super::canvas::{Anchor, Area, Canvas, Label, Turn, centred};
use super::color::{is_hatched, series_color};
use super::extent::{LINE_HEIGHT, shortened, text_width, widest, wrapped};
use super::{AXIS, GRID, INK, LABEL_SIZE, ONE_COLUMN_PT, Svg, TICK_SIZE, TITLE_SIZE, legend};
use crate::text::Interval;

/// Longest group name along its baseline.
const LONGEST: f64 = 110.0;
/// Least width of a bar.
const MIN_BAR: f64 = 2.5;
/// Share of a group's room that is left free.
const FREE: f64 = 0.22;

/// A bar: a value and its confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Height of the bar.
    pub value: f64,
    /// Ends of its whisker.
    pub interval: Option<Interval>,
}

/// A bar chart of groups of bars. Bars start at zero, downwards for negative values.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupedBars {
    /// Title inside the figure; empty for none.
    pub title: String,
    /// Alternative text: a description of the figure.
    pub description: String,
    /// Quantity that the height of a bar is, with its unit.
    pub y_label: String,
    /// Names of the groups, left to right.
    pub groups: Vec<String>,
    /// Names of the series; the legend is left out for one of them.
    pub series: Vec<String>,
    /// Bars by group, then by series. Absent bars take no room: the others of the group close up.
    pub bars: Vec<Vec<Option<Bar>>>,
    /// The last group is a summary, set apart by a line.
    pub last_is_summary: bool,
    /// Values that the axis must reach, besides zero and the data.
    pub range: Option<(f64, f64)>,
    /// A value to compare with, such as 1 for bars that are relative to something: a dashed line.
    pub rule: Option<f64>,
    /// Least width of the figure.
    pub width_pt: f64,
    /// Height of the area of the bars.
    pub plot_height_pt: f64,
}

impl Default for GroupedBars {
    fn default() -> GroupedBars {
        GroupedBars {
            title: String::new(),
            description: String::new(),
            y_label: String::new(),
            groups: Vec::new(),
            series: Vec::new(),
            bars: Vec::new(),
            last_is_summary: false,
            range: None,
            rule: None,
            width_pt: ONE_COLUMN_PT,
            plot_height_pt: 110.0,
        }
    }
}

impl GroupedBars {
    /// Draws the chart.
    #[must_use]
    pub fn to_svg(&self) -> Svg {
        let mut canvas = Canvas::new();
        let axis = self.axis();
        let tick_width = widest(axis.ticks.iter().map(|(_, text)| text.as_str()), TICK_SIZE);
        let label_width = if self.y_label.is_empty() { 0.0 } else { LABEL_SIZE * 1.5 };
        let left = label_width + tick_width + 4.0;
        let most =
            self.groups.iter().enumerate().map(|(group, _)| self.present(group).len()).max().unwrap_or(0);
        // A group is wide enough for its bars and for the height of its turned name.
        let least = (MIN_BAR * most as f64 / (1.0 - FREE)).max(TICK_SIZE * 1.3);
        let count = self.groups.len().max(1) as f64;
        let band = ((self.width_pt - left) / count).max(least);
        let right = left + band * count;

        let mut y = 0.0;
        if !self.title.is_empty() {
            let title = shortened(&self.title, right, TITLE_SIZE);
            canvas.label(Label::new(0.0, TITLE_SIZE * 0.8, &title, TITLE_SIZE).bold());
            y += TITLE_SIZE * LINE_HEIGHT + 2.0;
        }
        if self.series.len() > 1 {
            y += legend::draw(&mut canvas, &self.series, (left, y), right - left, |canvas, index, area| {
                fill(canvas, index, area);
            });
            y += 4.0;
        }
        let plot = Area { x: left, y: y + 3.0, width: right - left, height: self.plot_height_pt };
        draw_y_axis(&mut canvas, &axis, plot, &self.y_label, tick_width);
        for group in 0..self.groups.len() {
            self.draw_group(&mut canvas, &axis, plot, band, group);
        }
        if let Some(rule) = self.rule.filter(|rule| rule.is_finite()) {
            let y = place_y(&axis, plot, rule);
            let dashes = " stroke-width=\"0.7\" stroke-dasharray=\"3 2\"";
            canvas.polyline(&[(plot.x, y), (right, y)], INK, dashes);
        }
        let zero = place_y(&axis, plot, 0.0);
        canvas.line((plot.x, zero), (right, zero), INK, 0.8);
        if self.last_is_summary && self.groups.len() > 1 {
            let x = right - band;
            canvas.line((x, plot.y), (x, plot.y + plot.height), AXIS, 0.6);
        }
        self.draw_names(&mut canvas, plot, band);
        canvas.finish(if self.description.is_empty() { &self.title } else { &self.description })
    }

    /// The series that have a bar in a group, with their bars.
    fn present(&self, group: usize) -> Vec<(usize, Bar)> {
        let bars = self.bars.get(group).map_or(&[][..], Vec::as_slice);
        bars.iter()
            .take(self.series.len())
            .enumerate()
            .filter_map(|(series, bar)| {
                let bar = bar.filter(|bar| bar.value.is_finite())?;
                let interval =
                    bar.interval.filter(|interval| interval.lower.is_finite() && interval.upper.is_finite());
                Some((series, Bar { value: bar.value, interval }))
            })
            .collect()
    }

    fn axis(&self) -> Axis {
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        let mut reach = |value: f64| {
            if value.is_finite() {
                low = low.min(value);
                high = high.max(value);
            }
        };
        if let Some((low, high)) = self.range {
            reach(low);
            reach(high);
        }
        reach(self.rule.unwrap_or(0.0));
        for group in 0..self.groups.len() {
            for (_, bar) in self.present(group) {
                reach(bar.value);
                if let Some(interval) = bar.interval {
                    reach(interval.lower);
                    reach(interval.upper);
                }
            }
        }
        Axis::new(low, high, 6, false)
    }

    fn draw_group(&self, canvas: &mut Canvas, axis: &Axis, plot: Area, band: f64, group: usize) {
        let bars = self.present(group);
        if bars.is_empty() {
            return;
        }
        let room = band * (1.0 - FREE);
        // A lone bar does not fill its group.
        let width = (room / bars.len() as f64).min(room * 0.5).min(24.0);
        let zero = place_y(axis, plot, 0.0);
        let centre = plot.x + band * (group as f64 + 0.5);
        let start = centre - width * bars.len() as f64 / 2.0;
        for (index, (series, bar)) in bars.iter().enumerate() {
            let x = start + width * index as f64;
            let end = place_y(axis, plot, bar.value);
            let area = Area { x, y: zero.min(end), width, height: (zero - end).abs() };
            fill(canvas, *series, area);
            if let Some(interval) = bar.interval {
                let (low, high) = (place_y(axis, plot, interval.lower), place_y(axis, plot, interval.upper));
                let (x, cap) = (x + width / 2.0, (width * 0.28).min(3.0));
                // A light casing keeps the whisker visible on dark bars.
                canvas.line((x, low), (x, high), "#ffffff", 1.7);
                for (from, to) in [
                    ((x, low), (x, high)),
                    ((x - cap, low), (x + cap, low)),
                    ((x - cap, high), (x + cap, high)),
                ] {
                    canvas.line(from, to, INK, 0.7);
                }
            }
        }
    }

    /// Names under the groups: upright in up to three lines where all fit, else diagonal, or
    /// vertical where even diagonal ones would touch.
    fn draw_names(&self, canvas: &mut Canvas, plot: Area, band: f64) {
        let top = plot.y + plot.height + 3.0;
        let lines: Option<Vec<Vec<String>>> =
            self.groups.iter().map(|name| wrapped(name, band - 3.0, TICK_SIZE, 3)).collect();
        let diagonal = band * std::f64::consts::FRAC_1_SQRT_2 >= TICK_SIZE * LINE_HEIGHT;
        for (index, name) in self.groups.iter().enumerate() {
            let x = plot.x + band * (index as f64 + 0.5);
            if let Some(lines) = lines.as_ref().and_then(|lines| lines.get(index)) {
                for (line, text) in lines.iter().enumerate() {
                    let y = top + TICK_SIZE * (0.8 + LINE_HEIGHT * line as f64);
                    canvas.label(Label::new(x, y, text, TICK_SIZE).anchor(Anchor::Middle));
                }
                continue;
            }
            let text = shortened(name, LONGEST, TICK_SIZE);
            let label = if diagonal {
                Label::new(x + TICK_SIZE * 0.3, top + TICK_SIZE * 0.6, &text, TICK_SIZE).turn(Turn::Diagonal)
            } else {
                Label::new(centred(x, TICK_SIZE), top, &text, TICK_SIZE).turn(Turn::Vertical)
            };
            canvas.label(label.anchor(Anchor::End));
        }
    }
}

/// The y axis with its grid and label, left of a plot area.
pub(crate) fn draw_y_axis(canvas: &mut Canvas, axis: &Axis, plot: Area, label: &str, tick_width: f64) {
    for (value, text) in &axis.ticks {
        let y = place_y(axis, plot, *value);
        canvas.line((plot.x, y), (plot.x + plot.width, y), GRID, 0.5);
        let at = centred(y, TICK_SIZE);
        canvas.label(Label::new(plot.x - 3.0, at, text, TICK_SIZE).anchor(Anchor::End));
    }
    canvas.line((plot.x, plot.y), (plot.x, plot.y + plot.height), AXIS, 0.7);
    if !label.is_empty() {
        let label = shortened(label, plot.height * 1.4, LABEL_SIZE);
        let x = plot.x - tick_width - 4.0 - LABEL_SIZE * 0.4;
        // A label longer than the axis grows downwards, where the names of groups leave room.
        let half = text_width(&label, LABEL_SIZE) / 2.0;
        let middle = (plot.y + plot.height / 2.0).max(plot.y + half);
        let label = Label::new(x, middle, &label, LABEL_SIZE).anchor(Anchor::Middle);
        canvas.label(label.turn(Turn::Vertical));
    }
}

/// The height of a value in a plot area.
pub(crate) fn place_y(axis: &Axis, plot: Area, value: f64) -> f64 {
    plot.y + plot.height * (1.0 - axis.place(value))
}

/// Fills a bar or a legend sample with the colour of a series.
fn fill(canvas: &mut Canvas, series: usize, area: Area) {
    canvas.rect(area, series_color(series), " stroke=\"#333333\" stroke-width=\"0.3\"");
    if is_hatched(series) {
        canvas.hatch(area, 2.6, "#ffffff", 0.8);
    }
}
