//! Lines over a numeric axis, with a confidence band each; for sweeps over load or time.

use super::axis::Axis;
use super::canvas::{Anchor, Area, Canvas, Label};
use super::color::series_color;
use super::extent::{LINE_HEIGHT, shortened, text_width, widest};
use super::grouped_bars::{draw_y_axis, place_y};
use super::{AXIS, GRID, INK, LABEL_SIZE, ONE_COLUMN_PT, SOFT_INK, Svg, TICK_SIZE, TITLE_SIZE, legend};
use crate::text::Interval;

/// A point of a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinePoint {
    /// Place on the horizontal axis.
    pub x: f64,
    /// Value; `None` or a value that is not finite breaks the line.
    pub y: Option<f64>,
    /// Confidence interval: the height of the band here.
    pub interval: Option<Interval>,
}

/// A line: its name and points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LineSeries {
    /// Name in the legend.
    pub name: String,
    /// The points, in any order; they are joined from left to right.
    pub points: Vec<LinePoint>,
}

/// A chart of lines. Series differ by colour, marker and, from the ninth on, dashes.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines {
    /// Title inside the figure; empty for none.
    pub title: String,
    /// Alternative text: a description of the figure.
    pub description: String,
    /// Title of the horizontal axis, with its unit.
    pub x_label: String,
    /// Title of the vertical axis, with its unit.
    pub y_label: String,
    /// The lines; the legend is left out for one of them.
    pub series: Vec<LineSeries>,
    /// Values that the vertical axis must reach, besides the data. Put zero in it unless a
    /// part of the range is meant to be magnified.
    pub y_range: Option<(f64, f64)>,
    /// True if each line is thinner than those before it, so that those that run along each other are all seen.
    pub graded: bool,
    /// True if each point has a marker.
    pub markers: bool,
    /// True if a value holds until the next point, as of what is measured in windows: lines are stairs.
    pub steps: bool,
    /// Where the horizontal axis ends, if beyond the last point; the last step reaches that far.
    pub x_end: Option<f64>,
    /// Places on the horizontal axis with a name each, such as changes of phase: dashed vertical lines.
    pub marks: Vec<(f64, String)>,
    /// Least width of the figure.
    pub width_pt: f64,
    /// Height of the area of the lines.
    pub plot_height_pt: f64,
}

impl Default for Lines {
    fn default() -> Lines {
        Lines {
            title: String::new(),
            description: String::new(),
            x_label: String::new(),
            y_label: String::new(),
            series: Vec::new(),
            y_range: None,
            graded: false,
            markers: true,
            steps: false,
            x_end: None,
            marks: Vec::new(),
            width_pt: ONE_COLUMN_PT,
            plot_height_pt: 120.0,
        }
    }
}

/// Width of lines; of graded ones, that of the first and of the last.
const WIDTH: f64 = 1.2;
const THICKEST: f64 = 2.0;
const THINNEST: f64 = 1.0;

/// A point that can be drawn: x, y and the ends of its interval.
type Drawable = (f64, f64, Option<Interval>);

impl Lines {
    /// Draws the chart.
    #[must_use]
    pub fn to_svg(&self) -> Svg {
        let mut canvas = Canvas::new();
        let runs: Vec<Vec<Vec<Drawable>>> = self.series.iter().map(|series| self.runs(series)).collect();
        let (x_axis, y_axis) = self.axes(&runs);
        let tick_width = widest(y_axis.ticks.iter().map(|(_, text)| text.as_str()), TICK_SIZE);
        let label_width = if self.y_label.is_empty() { 0.0 } else { LABEL_SIZE * 1.5 };
        let left = label_width + tick_width + 4.0;
        // Half of the last tick's text stands beyond the end of the axis.
        let overhang = widest(x_axis.ticks.last().map(|(_, text)| text.as_str()), TICK_SIZE) / 2.0;
        let right = (self.width_pt - overhang).max(left + 60.0);

        let mut y = 0.0;
        if !self.title.is_empty() {
            let title = shortened(&self.title, right, TITLE_SIZE);
            canvas.label(Label::new(0.0, TITLE_SIZE * 0.8, &title, TITLE_SIZE).bold());
            y += TITLE_SIZE * LINE_HEIGHT + 2.0;
        }
        if self.series.len() > 1 {
            let names: Vec<String> = self.series.iter().map(|series| series.name.clone()).collect();
            y += legend::draw(&mut canvas, &names, (left, y), right - left, |canvas, index, area| {
                let middle = area.y + area.height / 2.0;
                let ends = [(area.x, middle), (area.x + area.width, middle)];
                stroke(canvas, index, self.stroke_width(index), &ends);
                if self.markers {
                    marker(canvas, index, (area.x + area.width / 2.0, middle));
                }
            });
            y += 4.0;
        }
        let lines = self.mark_lines(&x_axis, (left, right));
        y += TICK_SIZE * LINE_HEIGHT * lines.iter().map(|line| line + 1).max().unwrap_or(0) as f64;
        let plot = Area { x: left, y: y + 3.0, width: right - left, height: self.plot_height_pt };
        draw_y_axis(&mut canvas, &y_axis, plot, &self.y_label, tick_width);
        self.draw_x_axis(&mut canvas, &x_axis, plot);
        self.draw_marks(&mut canvas, &x_axis, plot, &lines);
        let place = |x: f64, y: f64| (plot.x + x_axis.place(x) * plot.width, place_y(&y_axis, plot, y));
        for (index, runs) in runs.iter().enumerate() {
            for run in runs {
                let upper = run.iter().map(|(x, y, band)| place(*x, band.map_or(*y, |band| band.upper)));
                let lower =
                    run.iter().rev().map(|(x, y, band)| place(*x, band.map_or(*y, |band| band.lower)));
                if run.len() > 1 && run.iter().any(|(_, _, band)| band.is_some()) {
                    let outline: Vec<(f64, f64)> = upper.chain(lower).collect();
                    canvas.polygon(&outline, series_color(index), " fill-opacity=\"0.2\"");
                } else if let [(x, _, Some(band))] = run.as_slice() {
                    canvas.line(place(*x, band.lower), place(*x, band.upper), series_color(index), 0.8);
                }
            }
        }
        // All lines stand over all bands.
        for (index, runs) in runs.iter().enumerate() {
            for run in runs {
                let points: Vec<(f64, f64)> = run.iter().map(|(x, y, _)| place(*x, *y)).collect();
                if points.len() > 1 {
                    stroke(&mut canvas, index, self.stroke_width(index), &points);
                }
                if self.markers || points.len() == 1 {
                    points.iter().for_each(|&point| marker(&mut canvas, index, point));
                }
            }
        }
        canvas.finish(if self.description.is_empty() { &self.title } else { &self.description })
    }

    fn axes(&self, runs: &[Vec<Vec<Drawable>>]) -> (Axis, Axis) {
        let mut x_ends = (f64::INFINITY, f64::NEG_INFINITY);
        let mut y_ends = (f64::INFINITY, f64::NEG_INFINITY);
        let reach = |ends: &mut (f64, f64), value: f64| {
            if value.is_finite() {
                *ends = (ends.0.min(value), ends.1.max(value));
            }
        };
        if let Some((low, high)) = self.y_range {
            reach(&mut y_ends, low);
            reach(&mut y_ends, high);
        }
        if let Some(end) = self.x_end.filter(|_| runs.iter().any(|runs| !runs.is_empty())) {
            reach(&mut x_ends, end);
        }
        for (x, y, band) in runs.iter().flatten().flatten() {
            reach(&mut x_ends, *x);
            reach(&mut y_ends, *y);
            if let Some(band) = band {
                reach(&mut y_ends, band.lower);
                reach(&mut y_ends, band.upper);
            }
        }
        (Axis::new(x_ends.0, x_ends.1, 6, true), Axis::new(y_ends.0, y_ends.1, 6, false))
    }

    fn draw_x_axis(&self, canvas: &mut Canvas, axis: &Axis, plot: Area) {
        let bottom = plot.y + plot.height;
        // Every second tick, or every third, and so on, so that their texts stay apart.
        let text = widest(axis.ticks.iter().map(|(_, text)| text.as_str()), TICK_SIZE) + 4.0;
        let mut every = 1;
        while every < axis.ticks.len() && plot.width / axis.ticks.len() as f64 * (every as f64) < text {
            every += 1;
        }
        for (value, text) in axis.ticks.iter().step_by(every) {
            let x = plot.x + axis.place(*value) * plot.width;
            canvas.line((x, plot.y), (x, bottom), GRID, 0.5);
            canvas.line((x, bottom), (x, bottom + 2.5), AXIS, 0.7);
            let y = bottom + 4.0 + TICK_SIZE * 0.8;
            canvas.label(Label::new(x, y, text, TICK_SIZE).anchor(Anchor::Middle));
        }
        canvas.line((plot.x, bottom), (plot.x + plot.width, bottom), AXIS, 0.7);
        if !self.x_label.is_empty() {
            let label = shortened(&self.x_label, plot.width, LABEL_SIZE);
            let (x, y) = (plot.x + plot.width / 2.0, bottom + 5.0 + TICK_SIZE * LINE_HEIGHT + LABEL_SIZE);
            canvas.label(Label::new(x, y, &label, LABEL_SIZE).anchor(Anchor::Middle).fill(INK));
        }
    }
}

impl Lines {
    /// Width of a line: each is thinner than those that it may cover.
    fn stroke_width(&self, series: usize) -> f64 {
        if !self.graded {
            return WIDTH;
        }
        let last = self.series.len().saturating_sub(1).max(1) as f64;
        let width = THICKEST - (THICKEST - THINNEST) * series as f64 / last;
        (width * 100.0).round() / 100.0
    }

    /// The stretches of a line between its breaks; of stairs, with their corners.
    fn runs(&self, series: &LineSeries) -> Vec<Vec<Drawable>> {
        let runs = runs(series);
        if !self.steps {
            return runs;
        }
        let mut starts: Vec<f64> =
            series.points.iter().map(|point| point.x).filter(|x| x.is_finite()).collect();
        starts.sort_by(f64::total_cmp);
        // A value holds until the next point, whether that has a value or not.
        let end_of = |x: f64| {
            let next = starts.get(starts.partition_point(|start| *start <= x));
            next.copied().or(self.x_end.filter(|end| end.is_finite() && *end > x))
        };
        let stairs = |run: Vec<Drawable>| {
            run.into_iter()
                .flat_map(|(x, y, band)| [Some((x, y, band)), end_of(x).map(|end| (end, y, band))])
                .flatten()
                .collect()
        };
        runs.into_iter().map(stairs).collect()
    }

    /// On which line, counted up from the axis, the name of each mark stands so that none touch.
    fn mark_lines(&self, axis: &Axis, (left, right): (f64, f64)) -> Vec<usize> {
        let mut ends: Vec<f64> = Vec::new();
        let mut lines = Vec::with_capacity(self.marks.len());
        for (value, name) in &self.marks {
            let x = left + axis.place(*value) * (right - left);
            let width = text_width(name, TICK_SIZE) + 6.0;
            let start = x.min(right - width).max(left);
            let line = ends.iter().position(|end| *end <= start).unwrap_or(ends.len());
            if line == ends.len() {
                ends.push(0.0);
            }
            ends[line] = start + width;
            lines.push(line);
        }
        lines
    }

    fn draw_marks(&self, canvas: &mut Canvas, axis: &Axis, plot: Area, lines: &[usize]) {
        let right = plot.x + plot.width;
        for ((value, name), line) in self.marks.iter().zip(lines) {
            let place = axis.place(*value);
            if !(0.0..=1.0).contains(&place) {
                continue;
            }
            let x = plot.x + place * plot.width;
            let top = plot.y - TICK_SIZE * LINE_HEIGHT * *line as f64 - 2.0;
            let dashes = " stroke-width=\"0.8\" stroke-dasharray=\"2 2\"";
            canvas.polyline(&[(x, top - TICK_SIZE * 0.8), (x, plot.y + plot.height)], SOFT_INK, dashes);
            let name = shortened(name, plot.width - 6.0, TICK_SIZE);
            let width = text_width(&name, TICK_SIZE);
            // A name at the end of the axis stands left of its line.
            let label = if x + 2.0 + width <= right {
                Label::new(x + 2.0, top, &name, TICK_SIZE)
            } else {
                Label::new(x - 2.0, top, &name, TICK_SIZE).anchor(Anchor::End)
            };
            canvas.label(label.fill(SOFT_INK));
        }
    }
}

/// The stretches of a line between its breaks, from left to right.
fn runs(series: &LineSeries) -> Vec<Vec<Drawable>> {
    let mut points: Vec<&LinePoint> = series.points.iter().filter(|point| point.x.is_finite()).collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    let mut runs = vec![Vec::new()];
    for point in points {
        let y = point.y.filter(|y| y.is_finite());
        let band = point.interval.filter(|band| band.lower.is_finite() && band.upper.is_finite());
        match (y, runs.last_mut()) {
            (Some(y), Some(run)) => run.push((point.x, y, band)),
            _ => runs.push(Vec::new()),
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

fn stroke(canvas: &mut Canvas, series: usize, width: f64, points: &[(f64, f64)]) {
    let dashes = match series / 8 {
        0 => "",
        1 => " stroke-dasharray=\"4 2\"",
        _ => " stroke-dasharray=\"1.2 1.6\"",
    };
    let attributes = format!(" stroke-width=\"{width}\" stroke-linejoin=\"round\"{dashes}");
    canvas.polyline(points, series_color(series), &attributes);
}

/// A circle, square, triangle or diamond.
fn marker(canvas: &mut Canvas, series: usize, (x, y): (f64, f64)) {
    let color = series_color(series);
    let border = " stroke=\"#ffffff\" stroke-width=\"0.4\"";
    match series % 4 {
        0 => canvas.circle((x, y), 2.0, color, border),
        1 => canvas.rect(Area { x: x - 1.8, y: y - 1.8, width: 3.6, height: 3.6 }, color, border),
        2 => canvas.polygon(&[(x, y - 2.4), (x + 2.3, y + 1.7), (x - 2.3, y + 1.7)], color, border),
        _ => canvas.polygon(&[(x, y - 2.6), (x + 2.6, y), (x, y + 2.6), (x - 2.6, y)], color, border),
    }
}
